"""Requests prepared in advance: the parts that differ between them (the heads) and the part that does not (the tail); see load.c."""
import base64
import random
import struct
from urllib.parse import quote

import rows

PATH = "/old-sso/"
ISSUER_PATH = "/saml/acs"
DIFFERENT = 200_000  # requests before they repeat: enough to touch every page of a table of a million rows

# What a browser sends when an identity provider's page posts its form.
BROWSER = ("User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36\r\n"
           "Accept: text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8\r\n"
           "Accept-Language: en-GB,en;q=0.9\r\n"
           "Accept-Encoding: gzip, deflate, br, zstd\r\n"
           "Cache-Control: max-age=0\r\n"
           "Origin: https://idp.example.com\r\n"
           "Referer: https://idp.example.com/\r\n"
           "Upgrade-Insecure-Requests: 1\r\n"
           "Sec-Fetch-Site: cross-site\r\nSec-Fetch-Mode: navigate\r\nSec-Fetch-Dest: document\r\n")
BARE = "User-Agent: load\r\n"


class Traffic:
    """Heads and a tail on disk, and the answer expected for each request."""

    def __init__(self, directory, name, status=307):
        self.heads = directory / f"{name}.heads"
        self.tail = directory / f"{name}.tail"
        self.status = status
        self.count = 0  # of different requests

    def __enter__(self):
        return self

    def __exit__(self, *_):
        """Deletes the files, which are large and can be made again in a second or two."""
        self.heads.unlink()
        self.tail.unlink()

    def write(self, heads, tail):
        with self.heads.open("wb") as out:
            for head in heads:
                out.write(struct.pack("<I", len(head)) + head)
                self.count += 1
        self.tail.write_bytes(tail)
        return self


def numbers(count, different=DIFFERENT):
    """Row numbers in random order, the same in every run."""
    return random.Random(4711).sample(range(count), min(count, different))


def head(method, target, body_size, fields):
    lines = f"{method} {target} HTTP/1.1\r\nHost: sso.example.com\r\n{fields}"
    if method == "POST":
        lines += f"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {body_size}\r\n"
    return (lines + "\r\n").encode()


def form(size):
    """A sign-in's body of exactly `size` bytes."""
    tail = "&RelayState=%2Fhome"
    message = random.Random(size).randbytes(size)
    return ("SAMLResponse=" + quote(base64.b64encode(message), safe="")[: size - 13 - len(tail)] + tail).encode()


def by_path(directory, name, row_numbers, size=None, fields=BROWSER, known=True):
    """GET, or POST of `size` bytes, each for a different row, or for names that no row has."""
    body = b"" if size is None else form(size)
    method = "GET" if size is None else "POST"
    prefix = "" if known else "no-"
    heads = (head(method, f"{PATH}{prefix}{rows.identifier(number)}", len(body), fields) for number in row_numbers)
    return Traffic(directory, name, 307 if known else 404).write(heads, body)


# -- Responses -----------------------------------------------------------------------------------------------------------------

PAD_TO = 3 * 80  # the part with the Issuer, in bytes: a multiple of 3, so that its base64 joins the rest's


def _opening(issuer, in_response):
    """The start of a Response, up to and including its first Issuer; PAD_TO bytes long."""
    start = '<samlp:Response xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol" xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion" ID="_'
    end = f'"><saml:Issuer>{issuer}</saml:Issuer>' if in_response else f'"><saml:Assertion><saml:Issuer>{issuer}</saml:Issuer>'
    return start + "a" * (PAD_TO - len(start) - len(end)) + end


def _closing(size, in_response, issuer_size):
    """The rest of a Response of `size` bytes in total: a signature with its certificate, and an Assertion full of groups."""
    noise = random.Random(size)
    blob = lambda count: base64.b64encode(noise.randbytes(count)).decode()  # noqa: E731
    signature = ('<ds:Signature xmlns:ds="http://www.w3.org/2000/09/xmldsig#"><ds:SignedInfo><ds:CanonicalizationMethod '
                 'Algorithm="http://www.w3.org/2001/10/xml-exc-c14n#"/><ds:SignatureMethod '
                 'Algorithm="http://www.w3.org/2001/04/xmldsig-more#rsa-sha256"/><ds:Reference URI="#_a"><ds:DigestMethod '
                 f'Algorithm="http://www.w3.org/2001/04/xmlenc#sha256"/><ds:DigestValue>{blob(32)}</ds:DigestValue></ds:Reference>'
                 f'</ds:SignedInfo><ds:SignatureValue>{blob(256)}</ds:SignatureValue><ds:KeyInfo><ds:X509Data><ds:X509Certificate>'
                 f'{blob(900)}</ds:X509Certificate></ds:X509Data></ds:KeyInfo></ds:Signature>')
    status = '<samlp:Status><samlp:StatusCode Value="urn:oasis:names:tc:SAML:2.0:status:Success"/></samlp:Status>'
    second = f'<saml:Assertion ID="_b"><saml:Issuer>{"i" * issuer_size}</saml:Issuer>' if in_response else ""
    start = (signature + (status + second if in_response else "") + '<saml:Subject><saml:NameID>user@example.com</saml:NameID></saml:Subject>'
             '<saml:AttributeStatement><saml:Attribute Name="groups">')
    end = "</saml:Attribute></saml:AttributeStatement></saml:Assertion></samlp:Response>"
    value = lambda: f"<saml:AttributeValue>{blob(36)}</saml:AttributeValue>"  # noqa: E731
    groups = ""
    while PAD_TO + len(start) + len(groups) + len(end) < size:
        groups += value()
    return start + groups + end


def responses(directory, name, row_numbers, size, in_response=True, target=lambda number: ISSUER_PATH):
    """POST of a Response of about `size` bytes of XML, each with a different row's Issuer; to the route by Issuer, or to `target`.
    The Issuer is in the Response, as is usual, or only in its Assertion."""
    closing = _closing(size, in_response, len(rows.issuer(0))).encode()
    closing += b"\n" * (-len(closing) % 3)
    tail = quote(base64.b64encode(closing), safe="").encode() + b"&RelayState=%2Fhome"
    heads = []
    for number in row_numbers:
        opening = quote(base64.b64encode(_opening(rows.issuer(number), in_response).encode()), safe="").encode()
        body = b"SAMLResponse=" + opening
        heads.append(head("POST", target(number), len(body) + len(tail), BROWSER) + body)
    return Traffic(directory, name).write(heads, tail)
