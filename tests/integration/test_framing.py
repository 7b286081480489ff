"""What could make a proxy and the gateway disagree about where a request ends: refused, or answered and closed."""
import os
import re

import pytest

from cutover import CONNECTION_ID
from programs import LIBH2O_KEEPS_ITS_OWN, is_sanitized, run

POST = b"POST /old-sso/acme HTTP/1.1\r\n"
SECOND = b"GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n"


@pytest.fixture(scope="module")
def gateway(make_shared_gateway):
    """When it has ended and every line is there, none is of a request that was read out of another."""
    gateway = make_shared_gateway()
    gateway.load({"acme": CONNECTION_ID})
    yield gateway.start()
    gateway.stop()
    assert [line for line in gateway.requests() if line.get("path") == "/smuggled"] == []


REFUSED = {
    "length_and_coding": POST + b"Host: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "length_twice": POST + b"Host: a\r\nContent-Length: 0\r\nContent-Length: 35\r\n\r\n",
    "coding_twice": POST + b"Host: a\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "coding_in_old_http": b"POST /old-sso/acme HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "bare_line_feed": b"GET /old-sso/acme HTTP/1.1\nHost: a\r\n\r\n",
    "folded_line": POST + b"Host: a\r\nX-One: a\r\n b\r\nContent-Length: 0\r\n\r\n",
    "no_host": b"GET /old-sso/acme HTTP/1.1\r\n\r\n",
    "host_twice": b"GET /old-sso/acme HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
    "bad_host": b"GET /old-sso/acme HTTP/1.1\r\nHost: a/b\r\n\r\n",
    "bad_target": b"GET http://a/old-sso/acme HTTP/1.1\r\nHost: a\r\n\r\n",
}


@pytest.mark.parametrize("detail", REFUSED)
def test_a_doubtful_head_is_refused_and_nothing_behind_it_is_read(gateway, detail):
    connection = gateway.connect()
    connection.send(REFUSED[detail] + SECOND)
    answer = connection.answer()
    assert (answer.status, answer.header("Connection")) == (400, "close")
    assert connection.closed(), "the second request got an answer"
    line = gateway.logged(answer)
    assert (line["reason"], line["detail"]) == ("bad_framing", detail)
    assert [other for other in gateway.requests() if other["peer"] == line["peer"]] == [line]


@pytest.mark.parametrize("detail", REFUSED)
def test_nor_is_the_health_path_a_way_around(gateway, detail):
    connection = gateway.connect()
    connection.send(REFUSED[detail].replace(b"POST", b"GET").replace(b"/old-sso/acme", b"/healthz") + SECOND)
    answer = connection.answer()
    assert (answer.status, answer.header("Connection")) == (400, "close")
    assert connection.closed(), "the second request got an answer"


HEAD = POST + b"Host: a\r\n"
HIDDEN = b"GET /smuggled HTTP/1.1\r\nHost: a\r\nX: "  # what a body would be taken for

# What servers and proxies have been seen to disagree on. Each ends the connection after one answer, whichever that is.
DISPUTED = {
    "length, then coding": HEAD + b"Content-Length: 6\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + HIDDEN,
    "coding, then length": HEAD + b"Transfer-Encoding: chunked\r\nContent-Length: 6\r\n\r\n0\r\n\r\n" + HIDDEN,
    "same length twice": HEAD + b"Content-Length: 0\r\nContent-Length: 0\r\n\r\n" + HIDDEN,
    "lengths differ": HEAD + b"Content-Length: 0\r\nContent-Length: 40\r\n\r\n" + HIDDEN,
    "lengths differ, the other way": HEAD + b"Content-Length: 40\r\nContent-Length: 0\r\n\r\n" + HIDDEN,
    "list of lengths": HEAD + b"Content-Length: 0, 40\r\n\r\n" + HIDDEN,
    "length with plus": HEAD + b"Content-Length: +0\r\n\r\n" + HIDDEN,
    "length with minus": HEAD + b"Content-Length: -1\r\n\r\n" + HIDDEN,
    "hexadecimal length": HEAD + b"Content-Length: 0x0\r\n\r\n" + HIDDEN,
    "length over 64 bits": HEAD + b"Content-Length: 18446744073709551616\r\n\r\n" + HIDDEN,
    "length with a decimal point": HEAD + b"Content-Length: 0.0\r\n\r\n" + HIDDEN,
    "length with a word": HEAD + b"Content-Length: 0 x\r\n\r\n" + HIDDEN,
    "empty length": HEAD + b"Content-Length: \r\n\r\n" + HIDDEN,
    "space before the colon": HEAD + b"Content-Length : 40\r\n\r\n" + HIDDEN,
    "tab before the colon": HEAD + b"Content-Length\t: 40\r\n\r\n" + HIDDEN,
    "space before the coding's colon": HEAD + b"Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n" + HIDDEN,
    "vertical tab in the coding": HEAD + b"Transfer-Encoding: \x0bchunked\r\n\r\n0\r\n\r\n" + HIDDEN,
    "coding of another name": HEAD + b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n" + HIDDEN,
    "chunked, identity": HEAD + b"Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n" + HIDDEN,
    "identity, chunked": HEAD + b"Transfer-Encoding: identity, chunked\r\n\r\n0\r\n\r\n" + HIDDEN,
    "gzip, chunked": HEAD + b"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n" + HIDDEN,
    "identity": HEAD + b"Transfer-Encoding: identity\r\n\r\n" + HIDDEN,
    "quoted chunked": HEAD + b'Transfer-Encoding: "chunked"\r\n\r\n0\r\n\r\n' + HIDDEN,
    "empty coding": HEAD + b"Transfer-Encoding:\r\n\r\n" + HIDDEN,
    "Chunked": HEAD + b"Transfer-Encoding: Chunked\r\n\r\n0\r\n\r\n" + HIDDEN,
    "coding folded": HEAD + b"Transfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n" + HIDDEN,
    "coding folded into another field": HEAD + b"X: y\r\n Transfer-Encoding: chunked\r\nContent-Length: 0\r\n\r\n" + HIDDEN,
    "coding in HTTP/1.0": HEAD.replace(b"1.1", b"1.0") + b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + HIDDEN,
    "lines end in line feeds": HEAD.replace(b"\r", b"") + b"Content-Length: 0\n\n" + HIDDEN,
    "one line ends in a line feed": HEAD + b"X: y\nContent-Length: 40\r\n\r\n" + HIDDEN,
    "carriage return in a value": HEAD + b"X: y\rContent-Length: 40\r\n\r\n" + HIDDEN,
    "carriage return in a name": HEAD + b"X\rContent-Length: 40\r\n\r\n" + HIDDEN,
    "NUL in a value": HEAD + b"Content-Length: 0\0\r\n\r\n" + HIDDEN,
    "chunk size with 0x": HEAD + b"Transfer-Encoding: chunked\r\n\r\n0x0\r\n\r\n" + HIDDEN,
    "chunk size over 64 bits": HEAD + b"Transfer-Encoding: chunked\r\n\r\n10000000000000000\r\n\r\n" + HIDDEN,
    "negative chunk size": HEAD + b"Transfer-Encoding: chunked\r\n\r\n-1\r\n\r\n" + HIDDEN,
    "chunk without its end": HEAD + b"Transfer-Encoding: chunked\r\n\r\n1\r\nab\r\n0\r\n\r\n" + HIDDEN,
    "chunk extension": HEAD + b"Transfer-Encoding: chunked\r\n\r\n0;x=\"\r\n\r\n" + HIDDEN,
    "chunks end in line feeds": HEAD + b"Transfer-Encoding: chunked\r\n\r\n0\n\n" + HIDDEN,
    "trailer": HEAD + b"Transfer-Encoding: chunked\r\n\r\n0\r\nContent-Length: 40\r\n\r\n" + HIDDEN,
    "no Host": POST + b"Content-Length: 0\r\n\r\n" + HIDDEN,
    "Host twice": HEAD + b"Host: b\r\nContent-Length: 0\r\n\r\n" + HIDDEN,
    "absolute form": POST.replace(b"/old", b"http://b/old") + b"Host: a\r\nContent-Length: 0\r\n\r\n" + HIDDEN,
    "authority form": b"CONNECT a:80 HTTP/1.1\r\nHost: a\r\n\r\n" + HIDDEN,
    "space in the target": b"GET /old-sso/acme /x HTTP/1.1\r\nHost: a\r\n\r\n" + HIDDEN,
    "HTTP/0.9": b"GET /old-sso/acme\r\n" + HIDDEN,
    "HTTP/2.0": b"GET /old-sso/acme HTTP/2.0\r\nHost: a\r\n\r\n" + HIDDEN,
    "body in HTTP/1.0": HEAD.replace(b"1.1", b"1.0") + b"Connection: keep-alive\r\nContent-Length: 3\r\n\r\nabc" + HIDDEN,
    "chunked GET": b"GET /old-sso/acme HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + HIDDEN,
    "upgrade": b"GET /old-sso/acme HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nContent-Length: 0\r\nContent-Length: 9\r\n\r\n" + HIDDEN,
    "after 413": HEAD + b"Content-Length: 99999999\r\n\r\n" + HIDDEN,
    "after 417": HEAD + b"Expect: x\r\nContent-Length: 3\r\n\r\nabc" + HIDDEN,
}


@pytest.mark.parametrize("case", DISPUTED)
def test_no_request_is_read_out_of_what_follows(gateway, case):
    with gateway.connect() as connection:
        connection.send(DISPUTED[case] + b"y\r\n\r\n")
        answer = connection.answer()
        assert answer.status in (307, 400, 405, 413, 417)
        assert connection.closed(), "something behind it was answered"


def test_a_body_is_not_a_request(gateway):
    """With one Content-Length there is no doubt, in a GET either: the body belongs to its request, and what comes behind is the next one."""
    hidden = HIDDEN + b"y\r\n\r\n"
    with gateway.connect() as connection:
        for method in (b"POST", b"GET", b"HEAD", b"PUT"):
            head = HEAD.replace(b"POST", method) + b"Content-Length: %d\r\n\r\n" % len(hidden)
            connection.send(head + hidden + HEAD.replace(b"acme", b"nobody") + b"Content-Length: 0\r\n\r\n")
            assert connection.answer(method == b"HEAD").status == (405 if method == b"PUT" else 307)
            assert connection.answer().status == 404


@pytest.mark.parametrize("request_bytes", [
    POST + b"Host: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
    b"POST /old-sso/acme HTTP/1.0\r\nConnection: keep-alive\r\nContent-Length: 3\r\n\r\nabc",
], ids=["chunked", "old HTTP with a body"])
def test_what_proxies_read_differently_is_answered_and_closed(gateway, request_bytes):
    connection = gateway.connect()
    connection.send(request_bytes + SECOND)
    answer = connection.answer()
    assert (answer.status, answer.header("Connection")) == (307, "close")
    assert connection.closed()


def test_plain_requests_follow_one_another(gateway):
    connection = gateway.connect()
    connection.send((POST + b"Host: a\r\nContent-Length: 3\r\n\r\nabc") * 3)
    assert [connection.answer().status for _ in range(3)] == [307] * 3
    connection.close()


@pytest.mark.parametrize("preface", [
    b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    b"GET /old-sso/acme HTTP/1.1\r\nHost: a\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA\r\n\r\n",
], ids=["preface", "upgrade"])
def test_http_2_is_out_of_reach(gateway, preface):
    connection = gateway.connect()
    connection.send(preface)
    answer = connection.answer()
    assert answer.head.startswith(b"HTTP/1.1 ") and answer.status in (307, 400)
    assert answer.header("Upgrade") is None
    connection.close()


def test_libh2o_calls_the_functions_that_are_ours():
    """Nothing else would show it if it called those that they replace: it would only be slower."""
    own = {"phr_parse_request", "h2o_url_normalize_path", "h2o_buffer_reserve", "h2o_buffer_consume", "h2o_buffer__do_free"}
    calls = own if is_sanitized() else own | {"read", "writev", "__sprintf_chk"}
    ours = calls - own if LIBH2O_KEEPS_ITS_OWN else calls
    shown = run("ssoferryd", "--version", env={**os.environ, "LD_DEBUG": "bindings", "LD_BIND_NOW": "1"}).stderr
    bound = re.findall(r"binding file \S*/libh2o-evloop\S* \[0\] to (\S+) \[0\]: normal symbol `(\S+)'", shown)
    assert sorted((name, os.path.basename(file)) for file, name in bound if name in calls) == [(name, "ssoferryd") for name in sorted(ours)]
