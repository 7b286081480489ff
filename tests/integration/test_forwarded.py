"""X-Forwarded-For: whom a trusted proxy names, and nobody else."""
import pytest

import wire
from cutover import CONNECTION_ID

# The tests come from 127.0.0.1. `client` None: nobody is believed.
BELIEVED = [
    (["203.0.113.9"], "203.0.113.9"),
    (["192.0.2.66, 203.0.113.9, 10.0.0.2"], "203.0.113.9"),
    (["192.0.2.66, 203.0.113.9", "10.0.0.2"], "203.0.113.9"),
    (["192.0.2.66", "203.0.113.9"], "203.0.113.9"),  # written by the client itself, then a field of the proxy's own
    (["[2001:db8::9]:443"], "2001:db8::9"),
    (["192.0.2.66, unknown, 10.0.0.2"], "10.0.0.2"),
    (["10.0.0.3, 10.0.0.2"], "10.0.0.3"),
    (["<script>"], None),
    ([], None),
]


def request(fields):
    return wire.request_bytes("GET", "/old-sso/acme", "localhost", [("X-Forwarded-For", field) for field in fields])


def client_of(gateway, answer):
    return gateway.logged(answer).get("client")


class TestTrusted:
    @pytest.fixture(scope="class")
    def gateway(self, make_shared_gateway):
        gateway = make_shared_gateway(trusted_proxies=["127.0.0.0/8", "10.0.0.0/8"])
        gateway.load({"acme": CONNECTION_ID})
        return gateway.start()

    @pytest.mark.parametrize("fields, client", BELIEVED)
    def test_the_client_is_the_last_that_is_no_proxy(self, gateway, fields, client):
        answer = gateway.raw(request(fields))
        assert client_of(gateway, answer) == client
        assert gateway.logged(answer)["peer"].startswith("127.0.0.1:"), "the connection's own address stays"

    def test_each_request_has_its_own(self, gateway):
        with gateway.connect() as connection:
            for client in ("203.0.113.9", None, "203.0.113.10"):
                connection.send(request([client] if client else []))
                assert client_of(gateway, connection.answer()) == client

    def test_refusals_have_it_too(self, gateway):
        data = wire.request_bytes("POST", "/old-sso/acme", "localhost", [("X-Forwarded-For", "203.0.113.9"), ("Content-Length", "99999999")])
        answer = gateway.raw(data)
        assert (answer.status, client_of(gateway, answer)) == (413, "203.0.113.9")


@pytest.mark.parametrize("trusted", [None, [], ["10.0.0.0/8", "192.0.2.1"], ["unix"]])
def test_from_anybody_else_it_is_ignored(make_gateway, trusted):
    gateway = make_gateway(trusted_proxies=trusted)
    gateway.load({"acme": CONNECTION_ID})
    gateway.start()
    assert client_of(gateway, gateway.raw(request(["203.0.113.9"]))) is None


def test_by_a_unix_socket_where_that_is_trusted(make_gateway):
    gateway = make_gateway(trusted_proxies=["unix"])
    path = gateway.directory / "http.sock"
    gateway.configure(listen=[*gateway.config["listen"], {"address": f"unix:{path}"}])
    gateway.load({"acme": CONNECTION_ID})
    gateway.start()
    assert client_of(gateway, wire.exchange(path, request(["203.0.113.9"]))) == "203.0.113.9"
    assert client_of(gateway, gateway.raw(request(["203.0.113.9"]))) is None


def test_behind_a_proxy_header_its_address_counts(make_gateway):
    """The PROXY header names a second proxy, which in turn names the client."""
    gateway = make_gateway()
    path = gateway.directory / "http.sock"
    gateway.configure(listen=[{"address": f"unix:{path}", "proxy_protocol": True}, *gateway.config["listen"]],
                      trusted_proxies=["unix", "198.51.100.0/24"])
    gateway.load({"acme": CONNECTION_ID})
    gateway.start()
    for proxy, client in (("198.51.100.7", "203.0.113.9"), ("192.0.2.66", None)):
        answer = wire.exchange(path, f"PROXY TCP4 {proxy} 198.51.100.1 50000 443\r\n".encode() + request(["203.0.113.9"]))
        assert client_of(gateway, answer) == client
        assert gateway.logged(answer)["peer"] == f"{proxy}:50000"
