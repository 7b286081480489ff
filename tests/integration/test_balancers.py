"""Behind nginx, HAProxy and Caddy, as config/balancers sets them up: what arrives, what is refused, and two nodes that are restarted one after the other."""
import contextlib
import socket
import ssl
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

import wire
from balancers import BALANCERS, Caddy, Nginx, SecondName
from browser import Chromium
from callers import Caller, Calling, Rows
from certificates import fingerprint
from cutover import CONNECTION_ID
from ports import free_port
from sign_ins import USER
from web_server import Reply, WebServer

LOCATION = f"https://api.stytch.com/v1/b2b/sso/callback/{CONNECTION_ID}"
ROWS = Rows({"acme": {(307, LOCATION)}})
CLIENT = "127.0.0.7"  # who comes by the balancer, which itself is 127.0.0.1
URI, BODY = 16 << 10, 1 << 20  # limits.uri and limits.body
PAUSE = 5.5  # seconds, of limits.request_time's 10


@pytest.fixture(scope="module")
def pair(authority, tmp_path_factory):
    return authority.issue(tmp_path_factory.mktemp("pair"), "localhost")


@pytest.fixture(scope="module")
def trusting_browser(pair, tmp_path_factory):
    browser = Chromium(tmp_path_factory.mktemp("chromium"), trusted_key=fingerprint(pair))
    yield browser
    browser.close()


@pytest.fixture
def balance(tmp_path, pair):
    started = []

    def start(kind, gateways):
        """Has the gateways started behind a balancer, with what its sample wants of a node."""
        for gateway in gateways:
            gateway.configure(trusted_proxies=["127.0.0.1"])
            if not kind.speaks_http:
                gateway.secure_port = free_port()
                secure = {"address": f"127.0.0.1:{gateway.secure_port}", "proxy_protocol": True, "certificate": str(pair.certificate), "key": str(pair.key)}
                gateway.configure(listen=[*gateway.config["listen"], secure])
            gateway.load({"acme": CONNECTION_ID})
            gateway.start()
        nodes = [("127.0.0.1", gateway.port if kind.speaks_http else gateway.secure_port) for gateway in gateways]
        started.append(kind(tmp_path / f"balancer-{len(started) + 1}", (nodes * 2)[:2], pair))
        return started[-1].start()

    yield start
    for balancer in started:
        balancer.stop()


def secure_connection(balancer, authority):
    connection = wire.Connection(("127.0.0.1", balancer.port))
    connection.socket = authority.client().wrap_socket(connection.socket, server_hostname="localhost")
    return connection


@pytest.mark.parametrize("kind", BALANCERS)
def test_a_browser_signs_in(kind, make_cutover, balance, trusting_browser):
    cutover = make_cutover()
    balancer = balance(kind, [cutover.gateway])
    fields = {"SAMLResponse": cutover.idp.message(300_000), "RelayState": "https://app.example.com/home?x=1&y=%20"}
    trusting_browser.open(cutover.idp.page(fields, action=f"{balancer.origin}/old-sso/acme?tenant=a%20b"))
    assert trusting_browser.wait_for_title("Signed in") == f"Signed in as {USER}"
    arrived = cutover.stytch.only_callback()
    assert (arrived.form(), arrived.query) == (fields, "tenant=a%20b")


def test_nginx_keeps_messages_out_of_its_logs_and_files(make_gateway, balance, tmp_path):
    gateway = make_gateway()
    balancer = balance(Nginx, [gateway])
    assert balancer.ask("/old-sso/acme?SAMLResponse=in-the-query")[0] == 307
    assert balancer.ask("/old-sso/acme?x=in-the-query", "--data", "SAMLResponse=" + 60_000 * "b")[0] == 307
    log = balancer.directory / "sso.log"
    gateway.wait_for(lambda: log.read_text().count(" /old-sso/acme 307 ") == 2)
    logs = "".join(file.read_text() for file in balancer.directory.glob("*.log")) + balancer.said
    assert "in-the-query" not in logs and "a client request body is buffered to a temporary file" not in logs


def test_nginx_keeps_pages_for_slow_clients_out_of_files(make_gateway, balance, authority):
    """A page of `redirect: form` has the whole message in it."""
    balancer = balance(Nginx, [make_gateway(routes=[{"match": "/old-sso/{identifier}", "redirect": "form"}])])
    message = b"SAMLResponse=" + 900_000 * b"A"
    form = [("Content-Type", "application/x-www-form-urlencoded")]
    with socket.socket() as client:
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG, 1400)  # as over a network: on loopback, the kernel takes the whole page
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8192)
        client.connect(("127.0.0.1", balancer.port))
        with authority.client().wrap_socket(client, server_hostname="localhost") as reader:
            reader.sendall(wire.request_bytes("POST", "/old-sso/acme", "localhost", [*form, ("Connection", "close")], message))
            time.sleep(1)
            answer = b"".join(iter(lambda: reader.recv(65536), b""))
    assert answer.startswith(b"HTTP/1.1 200 ") and message.split(b"=")[1] in answer
    assert "temporary file" not in balancer.said


def test_caddy_keeps_messages_out_of_its_log(make_gateway, balance):
    """Of itself it logs the whole request where no node answers."""
    gateway = make_gateway()
    balancer = balance(Caddy, [gateway])
    gateway.stop()
    # Over HTTP/2, a stream is reset behind an answer for which the body was not read, and curl 7.88 may have none then.
    words = ["--http1.1", "--data", "SAMLResponse=in-the-body", "--referer", "https://idp.example.com/?in-the-referer"]
    assert balancer.ask("/old-sso/acme?SAMLResponse=in-the-query&code=1", *words)[0] in (502, 503)
    gateway.wait_for(lambda: '"http.log.error"' in balancer.said)
    assert '"uri":"/old-sso/acme?..."' in balancer.said
    assert not [place for place in ("in-the-query", "in-the-body", "in-the-referer") if place in balancer.said]


@pytest.fixture
def old_system(pair):
    """By TLS, with cookies as large as some systems set; what comes is in its `received`."""
    received = []

    def respond(request):
        received.append(request)
        return Reply(200, "Signed in", tuple(("Set-Cookie", f"{name}={2000 * 'c'}") for name in "abc"))

    server = WebServer("127.0.0.1", respond, pair)
    server.received = received
    yield server
    server.close()


@pytest.fixture
def second_name(tmp_path, old_system, pair):
    proxy = SecondName(tmp_path / "second-name", [("127.0.0.1", old_system.port)], pair).start()
    yield proxy
    proxy.stop()


def test_the_proxy_for_the_second_name_passes_on_what_the_gateway_sends(second_name, old_system, tmp_path):
    """Where it went, the old system is told its old name, and who comes; no message gets into logs and files."""
    query, file = "SAMLResponse=in-the-query", tmp_path / "body"
    file.write_bytes(b"A" * BODY)
    for path, *options in ((f"/saml/acs?{query}{(URI - 64) * 'A'}",), (f"/saml/acs?{query}", "--data-binary", f"@{file}")):
        assert second_name.ask(path, "--interface", CLIENT, *options)[0] == 200
        arrived = old_system.received[-1]
        assert arrived.target == path and len(arrived.body) == (BODY if options else 0)
        assert [arrived.header(name) for name in ("Host", "X-Forwarded-For", "X-Forwarded-Proto")] == ["sso.example.com", CLIENT, "https"]
    second_name.stop()  # nginx logs a request once it has answered it
    logs = "".join(each.read_text() for each in second_name.directory.glob("*.log")) + second_name.said
    assert logs.count(" /saml/acs 200") == 2 and "in-the-query" not in logs and "temporary file" not in logs


@pytest.mark.parametrize("kind", BALANCERS)
def test_the_gateway_says_what_is_too_large(kind, make_gateway, balance, tmp_path):
    """And goes on serving everybody else: an answer that a balancer does not take would count against the node."""
    gateway = make_gateway()
    balancer = balance(kind, [gateway])
    path = "/old-sso/acme?SAMLResponse="
    sent = [(307, [path + "A" * (URI - len(path))]), (414, [path + "A" * (URI - len(path) + 1)])]
    for status, size in ((307, BODY), (413, BODY + 1)):
        (tmp_path / str(size)).write_bytes(b"A" * size)
        sent.append((status, ["/old-sso/acme", "--data-binary", f"@{tmp_path / str(size)}"]))
    sent.append((431, ["/old-sso/acme", *(word for number in range(8) for word in ("-H", f"X-{number}: {'a' * 5000}"))]))
    for status, words in sent:
        assert (status, balancer.ask(*words)[0]) == (status, status)
        assert balancer.ask("/old-sso/acme")[0] == 307
    # Each worker writes its own lines, so that they need not come in order.
    gateway.wait_for(lambda: sorted(line["status"] for line in gateway.requests() if line["status"] >= 400) == [413, 414, 431])


def send_with_a_pause(balancer, authority, size):
    """The status of a POST that stops for a while in the midst of its body; None where it got no answer."""
    data = wire.request_bytes("POST", "/old-sso/acme", "localhost", [("Content-Length", str(size))], b"A" * size)
    with secure_connection(balancer, authority) as connection:
        connection.send(data[:-size // 2])
        time.sleep(PAUSE)
        with contextlib.suppress(ssl.SSLError, ConnectionError):  # it was cut
            connection.send(data[-size // 2:])
            answer = connection.answer()
            return answer and answer.status
    return None


def test_a_sign_in_may_pause(make_gateway, balance, authority):
    """As that of a phone without a network for some seconds; the gateway allows it."""
    balancers = [balance(kind, [make_gateway()]) for kind in BALANCERS]
    sent = [(balancer, size) for balancer in balancers for size in (2_000, 300_000)]
    with ThreadPoolExecutor(len(sent)) as pool:
        statuses = list(pool.map(lambda each: send_with_a_pause(each[0], authority, each[1]), sent))
    assert {(balancer.sample, size): status for (balancer, size), status in zip(sent, statuses)} == {(balancer.sample, size): 307 for balancer, size in sent}


@pytest.mark.parametrize("kind", BALANCERS)
def test_host_and_client_arrive_and_nobody_can_write_another_client(kind, make_gateway, balance):
    gateway = make_gateway(routes=[{"match": "https://localhost/old-sso/{identifier}"}])
    balancer = balance(kind, [gateway])
    written = ["X-Forwarded-For: 203.0.113.9", "Forwarded: for=203.0.113.9", "X-Request-Id: written"]
    assert balancer.ask("/old-sso/acme", "--interface", CLIENT, *(word for field in written for word in ("-H", field)))[0] == 307
    [line] = gateway.wait_for(gateway.requests)
    assert (line["client"] if kind.speaks_http else line["peer"].partition(":")[0]) == CLIENT
    assert (line["request_id"] == "written") != kind.speaks_http, "the balancer's own, where it can"


@pytest.mark.parametrize("kind", BALANCERS)
def test_nodes_are_restarted_one_right_after_the_other(kind, make_gateway, balance, authority):
    gateways = [make_gateway(drain={"delay": "5s", "timeout": "10s"}) for _ in range(2)]
    balancer = balance(kind, gateways)
    callers = [Caller(("127.0.0.1", balancer.port), ROWS, number, keeps=number % 2 == 0, pause=0.02, tls=authority.client()) for number in range(6)]
    with Calling(callers):
        for gateway in [*gateways, gateways[0]]:
            gateway.stop()
            gateway.start()
            if not kind.holds_posts:
                gateway.wait_for(gateway.requests)
    for gateway in gateways:
        gateway.terminate()
