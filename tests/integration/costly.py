"""SAML messages that are small for what it would cost to read them if nothing bounded it. An Issuer comes last, so that reading does not end before."""
import base64
import random
import string
import urllib.parse
import zlib

import wire

PATH = "/saml/acs"
INFLATED, TIMES = 512 << 10, 64  # bytes that may come of a GET's field, and how many times the field's size
URI = 16 << 10
POSTED = 100_000  # bytes of XML
MARKS = 32 << 10  # tags and references that are read; text is added, for the size
PROTOCOL, ASSERTION = "urn:oasis:names:tc:SAML:2.0:protocol", "urn:oasis:names:tc:SAML:2.0:assertion"


def _filled(piece, size):
    marks = piece.count("<") + piece.count("&")
    pieces = min(size // len(piece), (MARKS - 20) // marks) if marks else size // len(piece)
    return (piece * pieces).ljust(size)


def _message(filler, attributes=""):
    return (f'<?xml version="1.0"?><p:Response xmlns:p="{PROTOCOL}" xmlns:a="{ASSERTION}" {attributes}>{filler}'
            "<a:Assertion><a:Issuer>https://idp.example.com/made-to-be-slow</a:Issuer></a:Assertion></p:Response>")


def _field(octets):
    return "SAMLResponse=" + urllib.parse.quote(base64.b64encode(octets).decode(), safe="")


def _deflated(text):
    squeezer = zlib.compressobj(9, zlib.DEFLATED, -15)
    return squeezer.compress(text.encode()) + squeezer.flush()


def _get(piece):
    """As much as is read of a GET: with a comment that deflates badly, for the field to be long enough, and a little less than the limits."""
    for share in range(8, 0, -1):
        noise = "".join(random.Random(1).choices(string.ascii_letters + string.digits, k=INFLATED // TIMES * 4 // 3 * share // 8))
        for room in range(INFLATED - len(noise) - 2000, 0, -16384):
            text = _message(f"<!--{noise}-->" + _filled(piece, room))
            packed = _deflated(text)
            target = f"{PATH}?{_field(packed)}"
            if len(target) > URI:
                break
            if len(text) <= min(INFLATED, TIMES * len(packed)):
                return wire.request_bytes("GET", target, "localhost")
    raise AssertionError(f"{piece} fits nowhere")


def _post(text, encoding="utf-8"):
    return wire.request_bytes("POST", PATH, "localhost", (("Content-Type", "application/x-www-form-urlencoded"),), _field(text.encode(encoding)).encode())


def _names(count):
    return "".join(f" a{number}=''" for number in range(count))


REQUESTS = {
    "elements": _get("<b/>"),
    "elements that are warned of": _get("<b xmlns='c'/>"),
    "instructions that are warned of": _get("<?xml-b?>"),
    "attributes": _get(f"<b{_names(400)}/>"),
    "namespaces": _get("<b " + "".join(f" xmlns:n{number}='u:{number}'" for number in range(60)) + "/>"),
    "comments": _get("<!---->"),
    "references": _get("&lt;"),
    "blanks": _get(" "),
    "posted elements": _post(_message(_filled("<b/>", POSTED))),
    "posted attributes": _post(_message("", _names(POSTED // 10))),
    "posted attributes in EBCDIC": _post(_message("", _names(POSTED // 10)), "cp037"),
    "posted warnings": _post(_message(_filled("<b xmlns='c'/>", POSTED))),
    "posted names": _post(_message("".join(f"<b{number}/>" for number in range(POSTED // 10)))),
    "posted comment that is none": _post(_message("<!--" + _filled("--x", POSTED) + "-->")),
}
