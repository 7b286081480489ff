"""Requests that are none, or none that anybody should answer with a redirect: {what is wrong: (bytes, whether the gateway has to speak)}. Where it has
to, it refuses; the others it may also just cut off, since what has come is not a whole head."""

HOST = b"Host: localhost\r\n"
GET = b"GET /old-sso/acme HTTP/1.1\r\n"
POST = b"POST /old-sso/acme HTTP/1.1\r\n" + HOST
FORM = b"Content-Type: application/x-www-form-urlencoded\r\n"
TLS_HELLO = bytes.fromhex("16030100c5010000c10303") + bytes(range(186))


def _chunked(rest):
    return POST + b"Transfer-Encoding: chunked\r\n\r\n" + rest


REFUSED = {
    # what frames the body
    "length and coding": POST + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "coding and length": POST + b"Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n",
    "two lengths that differ": POST + b"Content-Length: 3\r\nContent-Length: 4\r\n\r\nabcd",
    "two lengths that agree": POST + b"Content-Length: 3\r\nContent-Length: 3\r\n\r\nabc",
    "list of lengths": POST + b"Content-Length: 3, 3\r\n\r\nabc",
    "negative length": POST + b"Content-Length: -1\r\n\r\nabc",
    "length with a plus": POST + b"Content-Length: +3\r\n\r\nabc",
    "hexadecimal length": POST + b"Content-Length: 0x3\r\n\r\nabc",
    "length in words": POST + b"Content-Length: three\r\n\r\nabc",
    "empty length": POST + b"Content-Length: \r\n\r\nabc",
    "length past 64 bits": POST + b"Content-Length: 18446744073709551619\r\n\r\nabc",
    "length past the limit": POST + b"Content-Length: 2000000\r\n\r\nabc",
    "unknown coding": POST + b"Transfer-Encoding: gzip\r\n\r\nabc",
    "two codings": POST + b"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
    "coding twice": POST + b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "coding in HTTP/1.0": b"POST /old-sso/acme HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "chunk size in words": _chunked(b"three\r\nabc\r\n0\r\n\r\n"),
    "negative chunk": _chunked(b"-3\r\nabc\r\n0\r\n\r\n"),
    "chunk past 64 bits": _chunked(b"fffffffffffffffff\r\nabc\r\n0\r\n\r\n"),
    "unknown expectation": POST + b"Expect: a-miracle\r\nContent-Length: 3\r\n\r\nabc",
    # lines
    "bare line feeds": b"GET /old-sso/acme HTTP/1.1\nHost: localhost\n\n",
    "bare line feed in a field": GET + b"Host: localhost\nX: y\r\n\r\n",
    "folded field": GET + HOST + b"X: a\r\n b\r\n\r\n",
    "field without a colon": GET + HOST + b"nonsense\r\n\r\n",
    "field without a name": GET + HOST + b": value\r\n\r\n",
    "space before the colon": GET + b"Host : localhost\r\n\r\n",
    "space in a name": GET + HOST + b"X Y: z\r\n\r\n",
    "NUL in a name": GET + HOST + b"X\0Y: z\r\n\r\n",
    "NUL in a value": GET + HOST + b"X: y\0z\r\n\r\n",
    "control character in a value": GET + HOST + b"X: y\x01z\r\n\r\n",
    "too many fields": GET + HOST + b"".join(b"X-%d: y\r\n" % i for i in range(200)) + b"\r\n",
    # Host
    "no Host": GET + b"\r\n",
    "two Hosts": GET + HOST + b"Host: other\r\n\r\n",
    "Host with a path": GET + b"Host: localhost/x\r\n\r\n",
    "Host with a user": GET + b"Host: user@localhost\r\n\r\n",
    # the first line
    "absolute target": b"GET http://localhost/old-sso/acme HTTP/1.1\r\n" + HOST + b"\r\n",
    "target without a slash": b"GET old-sso/acme HTTP/1.1\r\n" + HOST + b"\r\n",
    "asterisk": b"GET * HTTP/1.1\r\n" + HOST + b"\r\n",
    "CONNECT": b"CONNECT localhost:443 HTTP/1.1\r\n" + HOST + b"\r\n",
    "TRACE": b"TRACE /old-sso/acme HTTP/1.1\r\n" + HOST + b"\r\n",
    "PUT": b"PUT /old-sso/acme HTTP/1.1\r\n" + HOST + b"Content-Length: 3\r\n\r\nabc",
    "invented method": b"BREW /old-sso/acme HTTP/1.1\r\n" + HOST + b"\r\n",
    "method in small letters": b"get /old-sso/acme HTTP/1.1\r\n" + HOST + b"\r\n",
    "no version": b"GET /old-sso/acme\r\n" + HOST + b"\r\n",
    "version 2": b"GET /old-sso/acme HTTP/2.0\r\n" + HOST + b"\r\n",
    "version 9.9": b"GET /old-sso/acme HTTP/9.9\r\n" + HOST + b"\r\n",
    "version in words": b"GET /old-sso/acme HTTP/one\r\n" + HOST + b"\r\n",
    "space in the target": b"GET /old-sso/ac me HTTP/1.1\r\n" + HOST + b"\r\n",
    "HTTP/2 preface": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    # identifiers
    "broken escape": b"GET /old-sso/%zz HTTP/1.1\r\n" + HOST + b"\r\n",
    "cut escape": b"GET /old-sso/acme%2 HTTP/1.1\r\n" + HOST + b"\r\n",
    "NUL in the identifier": b"GET /old-sso/ac%00me HTTP/1.1\r\n" + HOST + b"\r\n",
    "line feed in the identifier": b"GET /old-sso/ac%0d%0ame HTTP/1.1\r\n" + HOST + b"\r\n",
    "identifier not in UTF-8": b"GET /old-sso/%ff%fe HTTP/1.1\r\n" + HOST + b"\r\n",
    "overlong UTF-8": b"GET /old-sso/%c0%af HTTP/1.1\r\n" + HOST + b"\r\n",
    "endless identifier": b"GET /old-sso/" + b"a" * 2000 + b" HTTP/1.1\r\n" + HOST + b"\r\n",
    "way up": b"GET /old-sso/../../etc/passwd HTTP/1.1\r\n" + HOST + b"\r\n",
    "body of nothing but escapes": POST + FORM + b"Content-Length: 9000\r\n\r\n" + b"%" * 9000 + b"GET / HTTP/1.1\r\n\r\n",
}

# Nothing of these is a whole head, or it is no HTTP at all.
CUT = {
    "nothing": b"",
    "one byte": b"G",
    "half a first line": b"GET /old-sso",
    "half a head": GET + HOST,
    "half a body": POST + b"Content-Length: 100\r\n\r\nabc",
    "half a chunk": _chunked(b"a\r\nabc"),
    "TLS in the plain": TLS_HELLO,
    "zeros": bytes(500),
    "all bytes": bytes(range(256)) * 4,
    "endless first line": b"GET /" + b"a" * 200_000,
    "endless field": GET + HOST + b"X: " + b"a" * 200_000,
    "empty lines": b"\r\n" * 500,
    "SSH": b"SSH-2.0-OpenSSH_9.2p1\r\n",
    "SMTP": b"EHLO localhost\r\n",
}
