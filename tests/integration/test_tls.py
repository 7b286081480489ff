"""TLS: who is let in and how, several certificates, and every rule of HTTP that holds without it."""
import contextlib
import socket
import ssl
import subprocess
from pathlib import Path

import pytest

import wire
from certificates import SecureConnection
from cutover import CONNECTION_ID
from ports import free_port

LOCATION = f"https://api.stytch.com/v1/b2b/sso/callback/{CONNECTION_ID}"
NAME = "sso.example.com"


class Secured:
    """A gateway with a plain listener, for its probes, and one over TLS."""

    def __init__(self, make_gateway, authority, directory, *pairs, **config):
        self.authority = authority
        self.directory = directory
        self.pairs = pairs or (authority.issue(directory, NAME),)
        self.port = free_port()
        self.gateway = make_gateway(**config)
        first, *more = [{"certificate": str(pair.certificate), "key": str(pair.key)} for pair in self.pairs]
        listener = {"address": f"127.0.0.1:{self.port}", **first, **({"certificates": more} if more else {})}
        self.gateway.configure(listen=[*self.gateway.config["listen"], listener])
        self.gateway.load({"acme": CONNECTION_ID})

    @property
    def address(self):
        return ("127.0.0.1", self.port)

    def connect(self, context=None, name=NAME, **options):
        return SecureConnection(self.address, context or self.authority.client(), name, **options)

    def ask(self, data=None, **options):
        """One answer to these bytes, by default a sign-in."""
        with self.connect(**options) as connection:
            connection.send_what_is_taken(wire.request_bytes("GET", "/old-sso/acme", NAME) if data is None else data)
            return connection.answer()

    def serial(self, name=NAME):
        with self.connect(name=name) as connection:
            return connection.serial

    def openssl(self, *arguments):
        done = subprocess.run(["openssl", "s_client", "-connect", f"127.0.0.1:{self.port}", "-CAfile", self.authority.file, *arguments],
                              capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=30)
        return done.stdout + done.stderr


@pytest.fixture(scope="module")
def shared(make_shared_gateway, authority, tmp_path_factory):
    secured = Secured(make_shared_gateway, authority, tmp_path_factory.mktemp("tls"))
    secured.gateway.start()
    return secured


@pytest.fixture
def secured(make_gateway, authority, tmp_path):
    def make(*pairs, **config):
        return Secured(make_gateway, authority, tmp_path, *pairs, **config)
    return make


class TestHandshake:
    @pytest.mark.parametrize("version", ["-tls1", "-tls1_1"])
    def test_old_versions_are_refused(self, shared, version):
        said = shared.openssl(version, "-cipher", "DEFAULT:@SECLEVEL=0")
        assert "alert protocol version" in said and "Cipher is (NONE)" in said

    @pytest.mark.parametrize("version, cipher", [("-tls1_2", "ECDHE-ECDSA-AES128-GCM-SHA256"), ("-tls1_3", "TLS_AES_256_GCM_SHA384")])
    def test_new_ones_are_good(self, shared, version, cipher):
        said = shared.openssl(version)
        assert f"Cipher is {cipher}" in said and "Verify return code: 0 (ok)" in said
        assert "Compression: NONE" in said

    @pytest.mark.parametrize("cipher", ["AES128-GCM-SHA256", "ECDHE-ECDSA-AES128-SHA", "ECDHE-ECDSA-AES256-SHA384", "DHE-RSA-AES128-GCM-SHA256"])
    def test_weak_ciphers_are_refused(self, shared, cipher):
        said = shared.openssl("-tls1_2", "-cipher", f"{cipher}:@SECLEVEL=0")
        assert "alert handshake failure" in said and "Cipher is (NONE)" in said

    def test_a_client_without_hardware_for_aes_gets_chacha(self, shared):
        said = shared.openssl("-tls1_2", "-cipher", "ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-ECDSA-AES128-GCM-SHA256")
        assert "Cipher is ECDHE-ECDSA-CHACHA20-POLY1305" in said

    def test_renegotiation_ends_the_connection_or_nothing(self, shared):
        process = subprocess.run(["openssl", "s_client", "-connect", f"127.0.0.1:{shared.port}", "-tls1_2", "-legacy_renegotiation"],
                                 input="R\n", capture_output=True, text=True, timeout=30)
        assert "RENEGOTIATING" in process.stdout + process.stderr
        assert shared.ask().location == LOCATION

    def test_plain_http_on_the_secure_port_gets_nothing(self, shared):
        with wire.Connection(shared.address) as connection:
            connection.send(wire.request_bytes("GET", "/old-sso/acme", NAME))
            data = connection.socket.recv(100)
            assert not data.startswith(b"HTTP")


class TestProtocols:
    """HTTP/2 of libh2o 2.2.5 has holes: there is no way to it."""

    def test_http_1_is_agreed_on(self, shared):
        with shared.connect(shared.authority.client(("h2", "http/1.1"))) as connection:
            assert connection.socket.selected_alpn_protocol() == "http/1.1"

    def test_a_client_that_names_none_is_served(self, shared):
        with shared.connect(shared.authority.client(())) as connection:
            assert connection.socket.selected_alpn_protocol() is None
            connection.send(wire.request_bytes("GET", "/old-sso/acme", NAME))
            assert connection.answer().location == LOCATION

    def test_a_client_that_wants_only_http_2_is_told_no(self, shared):
        with pytest.raises(ssl.SSLError, match="no application protocol"):
            shared.connect(shared.authority.client(("h2",)))

    @pytest.mark.parametrize("protocols", [(), ("http/1.1",)], ids=["none", "http/1.1"])
    def test_a_preface_is_no_way_in(self, shared, protocols):
        preface = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\0\0\0\x04\0\0\0\0\0"
        answer = shared.ask(preface, context=shared.authority.client(protocols))
        assert answer.status == 400

    def test_an_upgrade_is_no_way_in(self, shared):
        headers = (("Connection", "Upgrade, HTTP2-Settings"), ("Upgrade", "h2c"), ("HTTP2-Settings", "AAMAAABkAAQAAP__"))
        answer = shared.ask(wire.request_bytes("GET", "/old-sso/acme", NAME, headers))
        assert answer.location == LOCATION and answer.head.startswith(b"HTTP/1.1 307")


class TestRequests:
    @pytest.mark.parametrize("size", [6_000, 46_000, 300_000])
    def test_a_sign_in_of_any_size_arrives(self, shared, size):
        body = b"SAMLResponse=" + b"x" * size
        answer = shared.ask(wire.request_bytes("POST", "/old-sso/acme", NAME, (), body))
        assert answer.location == LOCATION
        assert shared.gateway.logged(answer)["body_bytes"] == len(body)

    def test_a_body_that_is_too_large_gets_its_answer_and_the_end(self, shared):
        body = b"x" * ((1 << 20) + 1)
        assert shared.ask(wire.request_bytes("POST", "/old-sso/acme", NAME, (), body)).status == 413

    def test_requests_follow_each_other_on_a_connection(self, shared):
        with shared.connect() as connection:
            for _ in range(3):
                connection.send(wire.request_bytes("GET", "/old-sso/acme", NAME) * 2)
                assert [connection.answer().location for _ in range(2)] == [LOCATION] * 2

    def test_a_head_in_single_bytes_arrives(self, shared):
        with shared.connect() as connection:
            for byte in wire.request_bytes("GET", "/old-sso/acme", NAME):
                connection.send(bytes([byte]))
            assert connection.answer().location == LOCATION

    @pytest.mark.parametrize("head", [
        b"POST /old-sso/acme HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"POST /old-sso/acme HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nContent-Length: 5\r\n\r\nabcde",
        b"GET /old-sso/acme HTTP/1.1\r\nHost: a\nX: b\r\n\r\n",
        b"GET /old-sso/acme HTTP/1.1\r\nHost: a\r\nX: b\r\n c\r\n\r\n",
        b"GET /old-sso/acme HTTP/1.1\r\n\r\n",
        b"GET http://a/old-sso/acme HTTP/1.1\r\nHost: a\r\n\r\n",
    ], ids=["length-and-coding", "two-lengths", "bare-line-feed", "folded", "no-host", "absolute"])
    def test_what_is_framed_in_doubt_is_refused_and_ended(self, shared, head):
        with shared.connect() as connection:
            connection.send(head + wire.request_bytes("GET", "/healthz", NAME))
            assert connection.answer().status == 400
            assert connection.closed()

    def test_curl_is_served(self, shared):
        done = subprocess.run(["curl", "-sS", "--cacert", shared.authority.file, "--resolve", f"{NAME}:{shared.port}:127.0.0.1", "-o", "/dev/null",
                               "-w", "%{http_code} %{http_version} %{redirect_url}", f"https://{NAME}:{shared.port}/old-sso/acme"],
                              capture_output=True, text=True, timeout=30)
        assert done.stdout == f"307 1.1 {LOCATION}", done.stderr


class TestNames:
    @pytest.mark.parametrize("asked, shown", [
        ("sso.example.com", 0), ("login.example.net", 1), ("sso.example.net", 2), ("SSO.EXAMPLE.NET", 2), ("a.b.example.net", 0),
        ("other.example.org", 0), ("127.0.0.1", 0)])
    def test_the_host_asked_for_chooses_the_certificate(self, secured, authority, tmp_path, asked, shown):
        pairs = [authority.issue(tmp_path, "sso.example.com"), authority.issue(tmp_path, "*.example.net"), authority.issue(tmp_path, "sso.example.net")]
        it = secured(*pairs)
        it.gateway.start()
        context = authority.client()
        context.check_hostname = False
        with it.connect(context, asked) as connection:
            names = [name for _, name in connection.socket.getpeercert()["subjectAltName"]]
        assert names == [["sso.example.com"], ["*.example.net"], ["sso.example.net"]][shown]


class TestTickets:
    @pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3], ids=["1.2", "1.3"])
    def test_a_ticket_shortens_the_next_handshake_on_any_worker(self, shared, version):
        context = shared.authority.client()
        context.minimum_version = context.maximum_version = version
        session = None
        for turn in range(8):
            with shared.connect(context, session=session) as connection:
                connection.send(wire.request_bytes("GET", "/old-sso/acme", NAME))
                assert connection.answer().location == LOCATION
                assert connection.socket.session_reused == (turn > 0)
                session = connection.socket.session
                assert session.has_ticket


class TestSlowness:
    def test_a_slow_handshake_is_cut(self, secured):
        it = secured(limits={"request_time": "300ms"})
        it.gateway.start()
        with wire.Connection(it.address) as silent, wire.Connection(it.address) as half:
            half.send(bytes.fromhex("160301010001"))
            assert silent.closed() and half.closed()
        assert it.ask().location == LOCATION

    def test_a_slow_head_is_cut_and_nothing_in_the_clear_follows(self, secured):
        it = secured(limits={"request_time": "300ms"})
        it.gateway.start()
        with it.connect() as connection:
            connection.send(b"GET /old-sso/acme HTT")
            assert connection.closed()  # a 408 past TLS would be an SSLError

    def test_handshakes_count_against_the_limit(self, secured):
        it = secured(limits={"connections": 3, "request_time": "10m"})
        it.gateway.start()
        with contextlib.ExitStack() as stack:
            silent = [stack.enter_context(wire.Connection(it.address)) for _ in range(3)]
            it.gateway.wait_for(lambda: len(established(it.port)) >= 3)
            with socket.create_connection(it.address, 20) as waiting:
                waiting.settimeout(1)
                waiting.sendall(b"not TLS at all\r\n\r\n")
                with pytest.raises(TimeoutError):
                    waiting.recv(1)
            silent[0].close()
            assert it.ask().location == LOCATION


def established(port):
    rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    return [row for row in rows if row[1].endswith(f":{port:04X}") and row[3] == "01"]


class TestDrain:
    def test_what_is_under_way_ends_well_and_idle_ones_hold_nothing_up(self, secured):
        it = secured(drain={"delay": "0s", "timeout": "10m"})
        it.gateway.start()
        data = wire.request_bytes("POST", "/old-sso/acme", NAME, (), b"SAMLResponse=" + b"x" * 40000)
        with it.connect() as idle, it.connect() as used, it.connect() as busy, wire.Connection(it.address):
            used.send(wire.request_bytes("GET", "/old-sso/acme", NAME))
            assert used.answer().location == LOCATION
            busy.send(data[:20000])
            it.ask()
            it.gateway.terminate()
            assert idle.closed() and used.closed()
            busy.send(data[20000:])
            assert busy.answer().location == LOCATION
            assert busy.closed()
        it.gateway.stop()

    def test_no_time_left_cuts_them_all(self, secured):
        it = secured(drain={"delay": "0s", "timeout": "100ms"})
        it.gateway.start()
        with it.connect() as half, wire.Connection(it.address) as silent:
            half.send(b"GET /")
            it.ask()
            it.gateway.stop()
            assert half.closed() and silent.closed()
