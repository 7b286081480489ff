"""What could make a proxy and the gateway disagree about where a request ends: refused, or answered and closed."""
import pytest

from cutover import CONNECTION_ID

POST = b"POST /old-sso/acme HTTP/1.1\r\n"
SECOND = b"GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n"


@pytest.fixture(scope="module")
def gateway(make_shared_gateway):
    gateway = make_shared_gateway()
    gateway.load({"acme": CONNECTION_ID})
    return gateway.start()


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
    before = len(gateway.requests())
    connection = gateway.connect()
    connection.send(REFUSED[detail] + SECOND)
    answer = connection.answer()
    assert (answer.status, answer.header("Connection")) == (400, "close")
    assert connection.closed(), "the second request got an answer"
    line = gateway.logged(answer)
    assert (line["reason"], line["detail"]) == ("bad_framing", detail)
    assert len(gateway.requests()) == before + 1


@pytest.mark.parametrize("detail", REFUSED)
def test_nor_is_the_health_path_a_way_around(gateway, detail):
    connection = gateway.connect()
    connection.send(REFUSED[detail].replace(b"POST", b"GET").replace(b"/old-sso/acme", b"/healthz") + SECOND)
    answer = connection.answer()
    assert (answer.status, answer.header("Connection")) == (400, "close")
    assert connection.closed(), "the second request got an answer"


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
