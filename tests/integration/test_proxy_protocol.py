"""The PROXY protocol, versions 1 and 2: whose address a connection's is, and who may not say so."""
import ipaddress
import struct
import time

import pytest

import wire
from admin import Admin
from cutover import CONNECTION_ID
from ports import free_port

GET = wire.request_bytes("GET", "/old-sso/acme", "localhost")
SIGNATURE = b"\r\n\r\n\0\r\nQUIT\n"
CLIENT, BALANCER = "203.0.113.9", "198.51.100.1"
REFUSED = "ssoferry_client_connections_without_proxy_header_total"


def version_1(source=CLIENT, target=BALANCER, port=50000):
    family = 6 if ":" in source else 4
    return f"PROXY TCP{family} {source} {target} {port} 443\r\n".encode()


def version_2(source=CLIENT, target=BALANCER, port=50000, extra=b"", command=1):
    addresses = b"".join(ipaddress.ip_address(each).packed for each in (source, target)) + struct.pack(">HH", port, 443)
    family = 0x21 if ":" in source else 0x11
    return SIGNATURE + struct.pack(">BBH", 0x20 | command, family, len(addresses + extra)) + addresses + extra


@pytest.fixture(scope="module")
def gateway(make_shared_gateway):
    return start(make_shared_gateway())


def start(gateway, **config):
    """One listener with a PROXY header before the plain one that the tests' own health checks need, and an admin listener."""
    gateway.proxied, gateway.admin = (gateway.host, free_port()), Admin(free_port())
    gateway.configure(listen=[{"address": f"127.0.0.1:{gateway.proxied[1]}", "proxy_protocol": True}, *gateway.config["listen"]],
                      admin={"address": f"127.0.0.1:{gateway.admin.port}"}, **config)
    gateway.load({"acme": CONNECTION_ID})
    return gateway.start()


def peer_of(gateway, connection):
    connection.send(GET)
    answer = connection.answer()
    assert answer.status == 307
    return gateway.logged(answer)["peer"]


@pytest.mark.parametrize("header, peer", [
    (version_1(), "203.0.113.9:50000"),
    (version_1("2001:db8::9", "2001:db8::1"), "[2001:db8::9]:50000"),
    (version_2(), "203.0.113.9:50000"),
    (version_2("2001:db8::9", "2001:db8::1"), "[2001:db8::9]:50000"),
    (version_2(extra=b"\x04\x00\x04abcd" + b"\xea\x01\x00" + b"x" * 256), "203.0.113.9:50000"),
], ids=["v1", "v1 over IPv6", "v2", "v2 over IPv6", "v2 with TLVs"])
@pytest.mark.parametrize("cut", [None, 1], ids=["at once", "byte by byte"])
def test_the_header_says_who_the_client_is(gateway, header, peer, cut):
    with wire.Connection(gateway.proxied) as connection:
        for at in range(0, len(header), cut or len(header)):
            connection.send(header[at:at + (cut or len(header))])
        assert peer_of(gateway, connection) == peer
        assert peer_of(gateway, connection) == peer, "and stays so for the next request"


@pytest.mark.parametrize("header", [b"PROXY UNKNOWN\r\n", version_2(command=0), SIGNATURE + b"\x20\0\0\0", SIGNATURE + b"\x21\0\0\0"],
                         ids=["v1 unknown", "v2 local", "v2 local without address", "v2 unspecified"])
def test_a_header_without_a_client_leaves_the_address(gateway, header):
    with wire.Connection(gateway.proxied) as connection:
        connection.send(header + GET)
        assert gateway.logged(connection.answer())["peer"] == "%s:%d" % connection.socket.getsockname()


@pytest.mark.parametrize("start_of_input", [
    GET, b"PROXY TCP4 203.0.113.9 198.51.100.1 50000\r\n" + GET, b"PROXY " + b"x" * 200, SIGNATURE + b"\x31\x11\0\x0c" + b"x" * 12 + GET,
    version_2(extra=b"x" * 8192) + GET, b"\x16\x03\x01\x02\0\x01"],
    ids=["none", "broken v1", "endless v1", "v3", "endless v2", "TLS"])
def test_a_connection_without_a_good_header_is_closed_and_counted(gateway, start_of_input):
    before, lines = gateway.admin.metric(REFUSED), len(gateway.requests())
    with wire.Connection(gateway.proxied) as connection:
        connection.send_what_is_taken(start_of_input)
        assert connection.closed()
    gateway.wait_for(lambda: gateway.admin.metric(REFUSED) == before + 1)
    assert len(gateway.requests()) == lines
    gateway.wait_for(lambda: "PROXY header" in gateway.stderr)


def test_who_sends_none_does_not_fill_the_log(gateway):
    """Each thread warns once a second at most."""
    began, connections = time.monotonic(), 60
    before, warned = gateway.admin.metric(REFUSED), gateway.stderr.count(" was closed: ")
    for _ in range(connections):
        with wire.Connection(gateway.proxied) as connection:
            connection.send(GET)
            assert connection.closed()
    gateway.wait_for(lambda: gateway.admin.metric(REFUSED) == before + connections)
    seconds = time.monotonic() - began
    assert gateway.stderr.count(" was closed: ") - warned <= gateway.config["threads"] * (seconds + 2)


def test_two_headers_are_one_too_many(gateway):
    answer = wire.exchange(gateway.proxied, version_1() + version_1("192.0.2.66") + GET)
    assert answer.status == 400


def test_a_check_that_sends_nothing_is_no_fault(gateway):
    before, closed = gateway.admin.metric(REFUSED), gateway.admin.metric("ssoferry_client_connections_accepted_total")
    wire.Connection(gateway.proxied).close()
    gateway.wait_for(lambda: gateway.admin.metric("ssoferry_client_connections_accepted_total") > closed)
    gateway.wait_for(lambda: gateway.admin.metric("ssoferry_client_connections_open") == 0)
    assert gateway.admin.metric(REFUSED) == before


def test_a_check_that_ends_by_a_reset_is_no_fault(make_gateway):
    """As HAProxy's does: the kernel may have forgotten who it was before the daemon asks."""
    gateway = start(make_gateway(), trusted_proxies=["127.0.0.1"])
    for _ in range(50):
        wire.Connection(gateway.proxied).reset()
    gateway.wait_for(lambda: gateway.admin.metric("ssoferry_client_connections_accepted_total") >= 50)
    gateway.wait_for(lambda: gateway.admin.metric("ssoferry_client_connections_open") == 0)
    assert gateway.admin.metric(REFUSED) == 0
    assert "was closed" not in gateway.stderr


def test_who_is_gone_before_being_asked_is_not_said_to_come_by_a_unix_socket(gateway):
    before = gateway.admin.metric("ssoferry_client_connections_accepted_total")
    for _ in range(50):
        connection = wire.Connection(gateway.address)
        connection.send(wire.request_bytes("GET", "/old-sso/reset", "localhost"))
        connection.reset()
    gateway.wait_for(lambda: gateway.admin.metric("ssoferry_client_connections_accepted_total") >= before + 50)
    gateway.wait_for(lambda: gateway.admin.metric("ssoferry_client_connections_open") == 0)
    gateway.wait_for(lambda: any(line.get("identifier") == "reset" for line in gateway.requests()))
    gateway.logged(gateway.raw(GET))
    peers = {line["peer"].partition(":")[0] for line in gateway.requests() if line.get("identifier") == "reset"}
    assert peers <= {"127.0.0.1", "unknown"}


def test_other_listeners_take_no_header(gateway):
    assert gateway.raw(version_1() + GET).status == 400
    assert gateway.raw(GET).status == 307


def test_a_header_that_does_not_come_is_not_waited_for(make_gateway):
    gateway = start(make_gateway(), limits={"request_time": "1s", "idle_time": "60s"})
    with wire.Connection(gateway.proxied) as idle:
        idle.send(version_2())
        peer_of(gateway, idle)
        with wire.Connection(gateway.proxied) as silent, wire.Connection(gateway.proxied) as slow:
            slow.send_what_is_taken(version_2()[:20])
            assert silent.closed() and slow.closed()
        assert peer_of(gateway, idle) == "203.0.113.9:50000"


def test_waiting_for_a_header_does_not_hold_up_the_end(make_gateway):
    gateway = start(make_gateway(), drain={"delay": "0s", "timeout": "30s"})
    with wire.Connection(gateway.proxied) as silent:
        gateway.wait_for(lambda: gateway.admin.metric("ssoferry_client_connections_open") == 1)
        gateway.terminate()
        assert silent.closed()
        gateway.stop()


@pytest.mark.parametrize("trusted, heard", [(["127.0.0.0/8"], True), (["10.0.0.0/8", "127.0.0.1"], True), (["10.0.0.0/8"], False), (["unix"], False)])
def test_only_trusted_proxies_may_say(make_gateway, trusted, heard):
    gateway = start(make_gateway(), trusted_proxies=trusted)
    with wire.Connection(gateway.proxied) as connection:
        if heard:
            connection.send(version_1())
            assert peer_of(gateway, connection) == "203.0.113.9:50000"
        else:
            connection.send_what_is_taken(version_1() + GET)
            assert connection.closed()
            assert gateway.admin.metric(REFUSED) == 1


def test_by_a_unix_socket(make_gateway):
    gateway = make_gateway()
    path = gateway.directory / "http.sock"
    gateway.configure(listen=[{"address": f"unix:{path}", "proxy_protocol": True}, *gateway.config["listen"]], trusted_proxies=["unix"])
    gateway.load({"acme": CONNECTION_ID})
    gateway.start()
    with wire.Connection(path) as connection:
        connection.send(version_1())
        assert peer_of(gateway, connection) == "203.0.113.9:50000"
