"""TLS: who is let in and how, several certificates, and every rule of HTTP that holds without it."""
import contextlib
import os
import re
import signal
import socket
import ssl
import struct
import subprocess
import threading

import pytest

import wire
from browser import Chromium
from certificates import SecureConnection, fingerprint
from admin import Admin
from cutover import CONNECTION_ID
from keys import KeyPair
from sign_ins import USER
from ports import free_port
from process import ESTABLISHED, connections
from programs import run

LOCATION = f"https://api.stytch.com/v1/b2b/sso/callback/{CONNECTION_ID}"
NAME = "sso.example.com"
RSA_NAME = "rsa.example.com"
REQUEST_TIME = "3s"


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
    directory = tmp_path_factory.mktemp("tls")
    secured = Secured(make_shared_gateway, authority, directory, authority.issue(directory, NAME), authority.issue(directory, RSA_NAME, rsa_key=True))
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

    @pytest.mark.parametrize("name, version, cipher", [
        (NAME, "-tls1_2", "ECDHE-ECDSA-AES128-GCM-SHA256"), (RSA_NAME, "-tls1_2", "ECDHE-RSA-AES128-GCM-SHA256"),
        (NAME, "-tls1_3", "TLS_AES_128_GCM_SHA256"), (RSA_NAME, "-tls1_3", "TLS_AES_128_GCM_SHA256")])
    def test_new_ones_are_good(self, shared, name, version, cipher):
        said = shared.openssl(version, "-servername", name)
        assert f"Cipher is {cipher}" in said and "Verify return code: 0 (ok)" in said
        assert "Compression: NONE" in said

    @pytest.mark.parametrize("name, cipher", [
        (NAME, "ECDHE-ECDSA-AES128-SHA"), (NAME, "ECDHE-ECDSA-AES256-SHA384"), (RSA_NAME, "AES128-GCM-SHA256"), (RSA_NAME, "AES128-SHA"),
        (RSA_NAME, "ECDHE-RSA-AES128-SHA256")])
    def test_weak_ciphers_are_refused(self, shared, name, cipher):
        said = shared.openssl("-tls1_2", "-servername", name, "-cipher", f"{cipher}:@SECLEVEL=0")
        assert "alert handshake failure" in said and "Cipher is (NONE)" in said

    def test_a_client_without_hardware_for_aes_gets_chacha(self, shared):
        said = shared.openssl("-tls1_2", "-cipher", "ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-ECDSA-AES128-GCM-SHA256")
        assert "Cipher is ECDHE-ECDSA-CHACHA20-POLY1305" in said

    @pytest.mark.parametrize("suites, chosen", [
        ("TLS_CHACHA20_POLY1305_SHA256:TLS_AES_128_GCM_SHA256", "TLS_CHACHA20_POLY1305_SHA256"),
        ("TLS_AES_256_GCM_SHA384:TLS_AES_128_GCM_SHA256", "TLS_AES_128_GCM_SHA256"),
        ("TLS_AES_256_GCM_SHA384", "TLS_AES_256_GCM_SHA384"), ("TLS_CHACHA20_POLY1305_SHA256", "TLS_CHACHA20_POLY1305_SHA256")])
    def test_suites_of_1_3(self, shared, suites, chosen):
        said = shared.openssl("-tls1_3", "-ciphersuites", suites)
        assert f"Cipher is {chosen}" in said and "Verify return code: 0 (ok)" in said

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
        said = shared.openssl("-servername", NAME, "-alpn", "h2")
        assert "SSL alert number 120" in said and "Cipher is (NONE)" in said  # no_application_protocol (RFC 7301)

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


def test_a_proxy_header_comes_before_the_handshake(secured):
    it = secured()
    plain, secure = it.gateway.config["listen"]
    it.gateway.configure(listen=[plain, {**secure, "proxy_protocol": True}])
    it.gateway.start()
    with wire.Connection(it.address) as connection:
        connection.send(b"PROXY TCP4 192.0.2.7 192.0.2.8 50000 443\r\n")
        connection.socket = it.authority.client().wrap_socket(connection.socket, server_hostname=NAME)
        connection.send(wire.request_bytes("GET", "/old-sso/acme", NAME))
        answer = connection.answer()
    assert answer.location == LOCATION
    assert it.gateway.logged(answer)["peer"] == "192.0.2.7:50000"


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


class TestKindsOfKey:
    @pytest.fixture(params=["ECDSA first", "RSA first"])
    def both(self, request, secured, authority, tmp_path):
        first_is_rsa = request.param == "RSA first"
        it = secured(*(authority.issue(tmp_path, NAME, "www.example.com", name=name, rsa_key=rsa, days=days)
                       for name, rsa, days in (("first", first_is_rsa, 29), ("second", not first_is_rsa, 20))))
        it.admin = Admin(free_port())
        it.gateway.configure(admin={"address": f"127.0.0.1:{it.admin.port}"})
        it.gateway.start()
        return it

    @pytest.mark.parametrize("arguments, shown", [
        (["-tls1_2", "-cipher", "ECDHE-RSA-AES128-GCM-SHA256"], "RSA-PSS"), (["-tls1_2", "-cipher", "ECDHE-ECDSA-AES128-GCM-SHA256"], "ECDSA"),
        (["-tls1_3", "-sigalgs", "rsa_pss_rsae_sha256:RSA+SHA256"], "RSA-PSS"), (["-tls1_3"], "ECDSA")])
    @pytest.mark.parametrize("name", [["-servername", NAME], ["-noservername"]], ids=["named", "unnamed"])
    def test_a_client_gets_the_one_that_it_knows(self, both, arguments, name, shown):
        (found,) = re.findall("^Peer signature type: (.+)$", both.openssl(*arguments, *name), re.MULTILINE)
        assert {"rsa_pss_rsae_sha256": "RSA-PSS", "ecdsa_secp256r1_sha256": "ECDSA"}.get(found, found) == shown  # OpenSSL 3.5 says which

    def test_metrics_tell_the_end_that_comes_first(self, both):
        """Once: Prometheus takes one value of a name and its labels, and drops the others."""
        [line] = [line for line in both.admin.get("/metrics").text.splitlines() if line.startswith("ssoferry_tls_certificate_expiry_seconds{")]
        assert 19 * 86400 < float(line.rpartition(" ")[2]) < 21 * 86400


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
    """Handshakes have to end within that time as well, on a machine that is slow by itself."""

    def test_a_slow_handshake_is_cut(self, secured):
        it = secured(limits={"request_time": REQUEST_TIME})
        it.gateway.start()
        with wire.Connection(it.address) as silent, wire.Connection(it.address) as half:
            half.send(bytes.fromhex("160301010001"))
            assert silent.closed() and half.closed()
        assert it.ask().location == LOCATION

    def test_a_slow_head_is_cut_and_nothing_in_the_clear_follows(self, secured):
        it = secured(limits={"request_time": REQUEST_TIME})
        it.gateway.start()
        with it.connect() as connection:
            connection.send(b"GET /old-sso/acme HTT")
            assert connection.closed()  # a 408 past TLS would be an SSLError

    def test_an_idle_connection_ends_after_its_own_time(self, secured):
        it = secured(limits={"request_time": "10m", "idle_time": "1s"})
        it.gateway.start()
        with it.connect() as new, it.connect() as used:
            used.send(wire.request_bytes("GET", "/old-sso/acme", NAME))
            assert used.answer().location == LOCATION
            assert new.closed() and used.closed()

    @pytest.mark.parametrize("secure", [True, False], ids=["TLS", "plain"])
    def test_who_takes_no_answers_is_cut(self, secured, secure):
        it = secured(limits={"request_time": REQUEST_TIME})
        it.gateway.start()
        with it.connect() if secure else it.gateway.connect() as greedy:
            data = wire.request_bytes("GET", "/old-sso/acme", NAME) * 1000
            with pytest.raises((ConnectionError, ssl.SSLError)):
                while True:
                    greedy.send(data)
        assert it.ask().location == LOCATION

    def test_whose_end_finds_no_room_is_cut(self, secured, tmp_path):
        """A connection that libh2o is done with waits for its last alert to go. A unix socket is full after so many writes, whatever their size:
        one of these has the alert as the first that does not fit."""
        admin = Admin(free_port())
        it = secured(limits={"request_time": REQUEST_TIME}, admin={"address": f"127.0.0.1:{admin.port}"})
        plain, secure = it.gateway.config["listen"]
        it.gateway.configure(listen=[plain, {**secure, "address": f"unix:{tmp_path}/tls.sock"}])
        it.gateway.start()

        def send(count):
            connection = stack.enter_context(SecureConnection(f"{tmp_path}/tls.sock", authority, NAME))
            last = wire.request_bytes("GET", "/old-sso/acme", NAME, [("Connection", "close")])
            connection.send_what_is_taken(wire.request_bytes("GET", "/old-sso/acme", NAME) * (count - 1) + last)

        authority = it.authority.client()
        with contextlib.ExitStack() as stack:
            send(2000)
            it.gateway.wait_for(lambda: admin.metric("ssoferry_client_connections_timed_out_total") == 1)
            room = int(admin.metric('ssoferry_requests_total{route="/old-sso/{identifier}",decision="stytch",status="307"}'))
            assert 10 < room < 2000
            for count in range(room - 4, room + 4):
                send(count)
            it.gateway.wait_for(lambda: admin.metric("ssoferry_client_connections_open") == 0)

    def test_handshakes_count_against_the_limit(self, secured):
        it = secured(limits={"connections": 3, "request_time": "10m"}, threads=1)  # so that who comes last is accepted last
        it.gateway.start()
        with contextlib.ExitStack() as stack:
            silent = [stack.enter_context(wire.Connection(it.address)) for _ in range(3)]
            it.gateway.wait_for(lambda: [state for state, _ in connections(it.port)].count(ESTABLISHED) >= 3)
            with socket.create_connection(it.address, 20) as waiting:
                waiting.settimeout(1)
                waiting.sendall(b"not TLS at all\r\n\r\n")
                with pytest.raises(TimeoutError):
                    waiting.recv(1)
            silent[0].close()
            assert it.ask().location == LOCATION


def test_a_browser_signs_in(make_cutover, authority, tmp_path, idp_keys):
    cutover = make_cutover()
    pair = authority.issue(tmp_path, "localhost")
    port = free_port()
    secure = {"address": f"127.0.0.1:{port}", "certificate": str(pair.certificate), "key": str(pair.key)}
    cutover.gateway.configure(listen=[*cutover.gateway.config["listen"], secure])
    cutover.start({"acme": CONNECTION_ID})
    fields = {"SAMLResponse": cutover.idp.message(46_000), "RelayState": "https://app.example.com/home"}
    browser = Chromium(tmp_path / "chromium", trusted_key=fingerprint(pair))
    try:
        browser.open(cutover.idp.page(fields, action=f"https://localhost:{port}/old-sso/acme"))
        assert browser.wait_for_title("Signed in") == f"Signed in as {USER}"
    finally:
        browser.close()
    assert cutover.stytch.only_callback().form() == fields


class HandshakeInTwo:
    """A client that stops in the midst of its first message."""

    def __init__(self, it, context=None):
        self.incoming, self.outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = (context or it.authority.client()).wrap_bio(self.incoming, self.outgoing, server_hostname=NAME)
        self.connection = wire.Connection(it.address)
        with pytest.raises(ssl.SSLWantReadError):
            self.tls.do_handshake()
        hello = self.outgoing.read()
        self.connection.send(hello[:100])
        self.rest = hello[100:]

    def shake_hands(self):
        self.connection.send(self.rest)
        self.until_done(self.tls.do_handshake)

    def finish(self):
        self.shake_hands()
        self.tls.write(wire.request_bytes("GET", "/old-sso/acme", NAME))
        return self.until_done(lambda: self.tls.read(10_000))

    def until_done(self, step):
        while True:
            try:
                value = step()
                self.connection.send(self.outgoing.read())
                return value
            except ssl.SSLWantReadError:
                self.connection.send(self.outgoing.read())
                self.incoming.write(self.connection.socket.recv(65536))


def client_hello(groups):
    """A first message of TLS 1.3 that names so many groups and has a key share of a few bytes for the last of them, which is X25519."""
    extension = lambda kind, octets: struct.pack(">HH", kind, len(octets)) + octets
    vector = lambda octets: struct.pack(">H", len(octets)) + octets
    extensions = (extension(43, b"\x02\x03\x04") + extension(10, vector(b"\x7a\x7a" * (groups - 1) + b"\x00\x1d"))
                  + extension(13, vector(b"\x04\x03\x08\x04")) + extension(51, vector(b"\x00\x1d" + vector(bytes(range(1, 33))))))
    body = b"\x03\x03" + bytes(32) + b"\x00" + vector(b"\x13\x01") + b"\x01\x00" + vector(extensions)
    message = b"\x01" + len(body).to_bytes(3, "big") + body
    return b"\x16\x03\x01" + vector(message)


class TestLittleThatWouldCostMuch:
    @pytest.mark.parametrize("groups, answer", [(3, b"\x16"), (120, b"\x16"), (200, b"\x15")])
    def test_a_hello_of_very_many_groups_is_refused(self, shared, groups, answer):
        """OpenSSL looks each key share up among them."""
        with wire.Connection(shared.address) as connection:
            connection.send(client_hello(groups))
            received = connection.socket.recv(65536)
            assert received[:1] == answer
            assert answer == b"\x16" or received[5:] == b"\x02\x2f"  # a fatal alert, illegal_parameter
        assert shared.ask().location == LOCATION

    @pytest.mark.parametrize("times, answered", [(5, True), (60, False)])
    def test_very_many_new_keys_end_the_connection(self, shared, times, answered):
        command = ["openssl", "s_client", "-connect", f"127.0.0.1:{shared.port}", "-CAfile", shared.authority.file, "-servername", NAME, "-tls1_3"]
        said = []
        with contextlib.suppress(BrokenPipeError), subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, bufsize=1) as client:
            timer = threading.Timer(60, client.kill)
            timer.start()
            for turn in range(1, times + 1):  # a command is what a read of it begins with, so the next waits until this one was read
                client.stdin.write("k\n")
                while "".join(said).count("KEYUPDATE") < turn and (line := client.stdout.readline()):
                    said.append(line)
            client.stdin.write(f"GET /old-sso/acme HTTP/1.1\r\nHost: {NAME}\r\nConnection: close\r\n\r\n")
            said.append(client.stdout.read())
        timer.cancel()
        said = "".join(said)
        assert said.count("KEYUPDATE") == times or not answered
        assert (LOCATION in said) == answered
        assert shared.ask().location == LOCATION


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
class TestCloseNotify:
    """The client says that it is done, and waits for the gateway's close_notify before it ends the connection."""

    def start(self, secured):
        it = secured(limits={"request_time": "10m", "idle_time": "60m"})
        it.gateway.start()
        return it

    def client(self, it, version):
        context = it.authority.client()
        context.maximum_version = version
        return context

    def answered_only(self, it):
        it.gateway.stop()
        assert [line["status"] for line in it.gateway.requests()] == [307]

    def test_between_requests(self, secured, version):
        it = self.start(secured)
        with it.connect(self.client(it, version)) as connection:
            connection.send(wire.request_bytes("GET", "/old-sso/acme", NAME))
            assert connection.answer().location == LOCATION
            connection.socket.unwrap()  # an end without a close_notify would be an error
        self.answered_only(it)

    def test_behind_a_request(self, secured, version):
        it = self.start(secured)
        half = HandshakeInTwo(it, self.client(it, version))
        half.shake_hands()
        half.tls.write(wire.request_bytes("GET", "/old-sso/acme", NAME))
        with pytest.raises(ssl.SSLWantReadError):
            half.tls.unwrap()
        half.connection.send(half.outgoing.read())
        received = b"".join(iter(lambda: half.connection.socket.recv(65536), b""))
        assert len(received) > len(LOCATION)
        self.answered_only(it)


class TestDrain:
    def test_a_handshake_under_way_ends_well(self, secured):
        it = secured(drain={"delay": "0s", "timeout": "10m"}, limits={"request_time": "10m"})
        it.gateway.start()
        half = HandshakeInTwo(it)
        with it.connect() as idle:
            it.gateway.terminate()
            assert idle.closed()  # what waits in silence is being closed by now
        answer = half.finish()
        assert answer.startswith(b"HTTP/1.1 307") and b"Connection: close" in answer
        half.connection.close()
        it.gateway.stop()

    def test_what_is_under_way_ends_well_and_idle_ones_hold_nothing_up(self, secured):
        it = secured(drain={"delay": "0s", "timeout": "10m"}, limits={"request_time": "10m"})
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


def held(it):
    """A connection in the midst of its life, and what shows that it goes on."""
    connection = it.connect()
    before = connection.serial

    def goes_on():
        connection.send(wire.request_bytes("GET", "/old-sso/acme", NAME))
        assert connection.answer().location == LOCATION
        assert connection.serial == before
    goes_on()
    return connection, goes_on


class TestReload:
    @pytest.fixture
    def it(self, secured):
        it = secured()
        it.admin = Admin(free_port())
        it.gateway.configure(admin={"address": f"127.0.0.1:{it.admin.port}"})
        it.gateway.start()
        return it

    def renew(self, it, **options):
        return it.authority.issue(it.directory, NAME, **options)

    def until(self, it, said, times=1):
        it.gateway.wait_for(lambda: it.gateway.stderr.count(said) >= times)

    @pytest.mark.parametrize("signalled", [True, False], ids=["SIGHUP", "files"])
    def test_new_files_are_taken_up_and_nobody_is_dropped(self, it, signalled):
        connection, goes_on = held(it)
        old = it.serial()
        with connection, wire.Connection(it.address) as early:  # accepted with the old one, speaks later
            self.renew(it)
            if signalled:
                it.gateway.signal(signal.SIGHUP)
            it.gateway.wait_for(lambda: it.serial() != old)
            goes_on()
            early.socket = it.authority.client().wrap_socket(early.socket, server_hostname=NAME)
            early.send(wire.request_bytes("GET", "/old-sso/acme", NAME))
            assert early.answer().location == LOCATION
        it.gateway.wait_for(lambda: it.gateway.stderr.count(f"TLS on 127.0.0.1:{it.port}: certificate of {NAME}, until ") >= 2)

    def test_a_kubernetes_secret_is_taken_up(self, secured, authority, tmp_path):
        for version in ("1", "2"):
            (tmp_path / version).mkdir()
            authority.issue(tmp_path / version, NAME, name="tls")
        (tmp_path / "data").symlink_to("1")
        pair = KeyPair(tmp_path / "tls.key", tmp_path / "tls.crt")
        for file in (pair.key, pair.certificate):
            file.symlink_to(f"data/{file.name}")
        it = secured(pair)
        it.gateway.start()
        old = it.serial()
        (tmp_path / "data.new").symlink_to("2")
        (tmp_path / "data.new").rename(tmp_path / "data")
        it.gateway.wait_for(lambda: it.serial() != old)

    def test_what_certbot_renews_is_taken_up(self, secured, authority, tmp_path):
        (tmp_path / "live").mkdir()
        (tmp_path / "archive").mkdir()
        live = KeyPair(tmp_path / "live/privkey.pem", tmp_path / "live/fullchain.pem")

        def renew(number):
            made = authority.issue(tmp_path / "archive", NAME, name=f"{number}")
            for file, link in ((made.key, live.key), (made.certificate, live.certificate)):
                link.unlink(missing_ok=True)
                link.symlink_to(f"../archive/{file.name}")
        renew(1)
        it = secured(live)
        it.gateway.start()
        old = it.serial()
        renew(2)
        it.gateway.wait_for(lambda: it.serial() != old)

    @pytest.mark.parametrize("signalled", [True, False], ids=["SIGHUP", "files"])
    def test_bad_new_files_leave_the_old_in_use_and_are_told_once(self, it, signalled):
        connection, goes_on = held(it)
        old = it.serial()
        with connection:
            self.renew(it)
            it.pairs[0].certificate.write_text("not a certificate")
            if signalled:
                it.gateway.signal(signal.SIGHUP)
            self.until(it, "keeping the c")
            assert "there is no certificate in it" in it.gateway.stderr
            assert it.serial() == old
            goes_on()
            it.gateway.wait_for(lambda: it.admin.metric("ssoferry_tls_certificates_current") == 0)
            said = it.gateway.stderr.count("there is no certificate in it")
            turns = it.gateway.busy_threads()[str(it.gateway.pid)]
            it.gateway.wait_for(lambda: it.gateway.busy_threads()[str(it.gateway.pid)] >= turns + 4)
            assert it.gateway.stderr.count("there is no certificate in it") <= max(said, 1 + signalled)

            self.renew(it)
            it.gateway.wait_for(lambda: it.serial() != old)
            it.gateway.wait_for(lambda: it.admin.metric("ssoferry_tls_certificates_current") == 1)
            it.gateway.wait_for(lambda: it.admin.metric("ssoferry_configuration_current") == 1)

    def test_half_a_renewal_waits_for_its_other_half(self, it):
        """Certificate and key are replaced one after the other; between them they do not fit. The daemon waits as long as one of them has changed
        at each look; who gets no processor between two looks leaves them alone for that long, and has to try again."""
        complaint, tries = "does not belong to the certificate", 10

        def complains():
            before = it.gateway.stderr.count(complaint)
            self.renew_by_halves(it)
            return it.gateway.stderr.count(complaint) > before
        assert any(not complains() for _ in range(tries)), f"{tries} halves were each read without the other"

    @staticmethod
    def renew_by_halves(it):
        old = it.serial()
        new = it.authority.issue(it.directory, NAME, name="new")
        new.certificate.rename(it.pairs[0].certificate)
        turns = it.gateway.busy_threads()[str(it.gateway.pid)]

        def seen_and_still_changing():
            os.utime(it.pairs[0].certificate)
            return it.gateway.busy_threads()[str(it.gateway.pid)] >= turns + 2
        it.gateway.wait_for(seen_and_still_changing)
        new.key.rename(it.pairs[0].key)
        it.gateway.wait_for(lambda: it.serial() != old)

    def test_all_or_nothing(self, it):
        """A certificate that cannot be used keeps the rest of a new configuration out, too."""
        it.gateway.configure(health_path="/up", listen=[*it.gateway.config["listen"][:1], {
            **it.gateway.config["listen"][1], "certificate": str(it.directory / "none.crt")}])
        it.gateway.signal(signal.SIGHUP)
        self.until(it, "keeping the configuration as it was")
        assert "none.crt cannot be opened: No such file or directory" in it.gateway.stderr
        assert it.gateway.get("/up").status == 404
        assert it.ask().location == LOCATION
        assert it.admin.metric("ssoferry_tls_certificates_current") == 1, "those of the configuration in use"

    def test_a_listener_turns_to_tls_and_back(self, it):
        plain, secure = it.gateway.config["listen"]
        it.gateway.configure(listen=[plain, {"address": secure["address"]}])
        it.gateway.signal(signal.SIGHUP)
        self.until(it, "reload: done")
        assert wire.exchange(it.address, wire.request_bytes("GET", "/old-sso/acme", NAME)).location == LOCATION
        it.gateway.configure(listen=[plain, secure])
        it.gateway.signal(signal.SIGHUP)
        self.until(it, "reload: done", times=2)
        assert it.ask().location == LOCATION
        assert "restart" not in it.gateway.stderr

    @pytest.mark.parametrize("turned", [True, False], ids=["turned to TLS", "started with TLS"])
    def test_a_listener_that_is_removed_stays_as_it_is_without_its_files(self, it, turned):
        """It is open until the restart; that its files went with it must not keep a new configuration out."""
        plain, secure = it.gateway.config["listen"]
        pair = it.authority.issue(it.gateway.directory, NAME)  # beside the configuration, where the sandbox lets a reload read
        secure = {**secure, "certificate": str(pair.certificate), "key": str(pair.key)}
        it.gateway.stop()
        if turned:
            it.gateway.configure(listen=[plain, {"address": secure["address"]}])
            it.gateway.start()
        it.gateway.configure(listen=[plain, secure])
        if turned:
            it.gateway.signal(signal.SIGHUP)
            self.until(it, "reload: done")
        else:
            it.gateway.start()
        old = it.serial()
        for file in (pair.key, pair.certificate):
            file.unlink()
        for times, path in enumerate(("/up", "/higher"), 1 + turned):
            it.gateway.configure(listen=[plain], health_path=path)
            it.gateway.signal(signal.SIGHUP)
            self.until(it, "reload: done", times)
            assert it.gateway.get(path).status == 200
            assert it.serial() == old
        assert "error" not in it.gateway.stderr

    def test_a_listener_that_is_removed_is_still_renewed(self, it):
        old = it.serial()
        self.renew(it)
        it.gateway.configure(listen=it.gateway.config["listen"][:1])
        it.gateway.signal(signal.SIGHUP)
        self.until(it, "reload: done")
        renewed = it.serial()
        assert renewed != old
        self.renew(it)
        it.gateway.wait_for(lambda: it.serial() != renewed)

    def test_a_listener_that_is_removed_keeps_the_files_that_it_was_given_since(self, it):
        """Those that it was started by may lie about still, and be a former owner's."""
        plain, secure = it.gateway.config["listen"]
        pair = it.authority.issue(it.directory, NAME, name="since")
        old = it.serial()
        it.gateway.configure(listen=[plain, {**secure, "certificate": str(pair.certificate), "key": str(pair.key)}])
        it.gateway.signal(signal.SIGHUP)
        self.until(it, "reload: done")
        since = it.serial()
        assert since != old
        for times, path in enumerate(("/up", "/higher"), 2):
            it.gateway.configure(listen=[plain], health_path=path)
            it.gateway.signal(signal.SIGHUP)
            self.until(it, "reload: done", times)
            assert it.serial() == since

    def test_tickets_outlive_a_renewal(self, it):
        context = it.authority.client()
        context.maximum_version = ssl.TLSVersion.TLSv1_2
        with it.connect(context) as connection:
            session, old = connection.socket.session, connection.serial
        self.renew(it)
        it.gateway.wait_for(lambda: it.serial() != old)
        with it.connect(context, session=session) as connection:
            assert connection.socket.session_reused

    def test_metrics_tell_of_each_of_many(self, secured, authority, tmp_path):
        pairs = [authority.issue(tmp_path, f"customer{i}.example.com") for i in range(120)]
        it = secured(*pairs)
        it.admin = Admin(free_port())
        it.gateway.configure(admin={"address": f"127.0.0.1:{it.admin.port}"})
        it.gateway.start()
        told = [name for name in it.admin.metrics() if name.startswith("ssoferry_tls_certificate_expiry_seconds{")]
        assert len(told) == len(pairs)

    def test_metrics_tell(self, it):
        it.ask()
        shared_nothing = it.authority.client(("h2",))
        with pytest.raises(ssl.SSLError):
            it.connect(shared_nothing)
        assert it.admin.metric("ssoferry_tls_handshakes_total") >= 1
        it.gateway.wait_for(lambda: it.admin.metric("ssoferry_tls_handshakes_failed_total") == 1)
        left = it.admin.metric(f'ssoferry_tls_certificate_expiry_seconds{{listener="127.0.0.1:{it.port}",names="{NAME}"}}')
        assert 28 * 86400 < left < 30 * 86400
        with wire.Connection(it.address):
            pass  # a probe that says nothing is no failure
        wire.Connection(it.address).reset()  # nor is one of HAProxy's
        it.ask()
        assert it.admin.metric("ssoferry_tls_handshakes_failed_total") == 1



def locked_with_a_passphrase(path):
    path.write_bytes(subprocess.run(["openssl", "pkey", "-in", path, "-aes256", "-passout", "pass:secret"], check=True, capture_output=True).stdout)


class TestCheck:
    def check(self, it, expect):
        return run("ssoferryd", "--check", "-c", it.gateway.config_path, expect=expect).stderr

    def place(self, it, key, value):
        lines = it.gateway.config_path.read_text().splitlines()
        line, text = next((i, text) for i, text in enumerate(lines, 1) if text.strip(" -").startswith(f"{key}: {value}"))
        return f"{it.gateway.config_path}:{line}:{text.index(str(value)) + 1}: "

    def test_good_files_are_good(self, secured):
        assert self.check(secured(), 0) == ""

    @pytest.mark.parametrize("spoil, what", [
        (lambda key, crt: key.unlink(), "cannot be opened: No such file or directory"),
        (lambda key, crt: key.write_text(""), "there is no private key in it"),
        (lambda key, crt: locked_with_a_passphrase(key), "has a passphrase"),
        (lambda key, crt: subprocess.run(["openssl", "genpkey", "-quiet", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", key], check=True),
         "the private key does not belong to the certificate"),
    ], ids=["missing", "empty", "passphrase", "other"])
    def test_a_bad_key_is_named_with_its_place(self, secured, spoil, what):
        it = secured()
        spoil(it.pairs[0].key, it.pairs[0].certificate)
        said = self.check(it, 2)
        assert self.place(it, "key", it.pairs[0].key) + f"error: {it.pairs[0].key}" in said and what in said
        with pytest.raises(AssertionError, match="ended at its start with 2"):
            it.gateway.start()

    @pytest.mark.parametrize("text, what", [
        ("", "there is no certificate in it"),
        ("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", "there is no certificate in it"),
    ], ids=["empty", "garbage"])
    def test_a_bad_certificate_is_named_with_its_place(self, secured, text, what):
        it = secured()
        it.pairs[0].certificate.write_text(text)
        said = self.check(it, 2)
        assert self.place(it, "certificate", it.pairs[0].certificate) + f"error: {it.pairs[0].certificate}: {what}" in said

    def test_an_end_that_is_no_date_is_an_error(self, secured):
        it = secured()
        path = it.pairs[0].certificate
        encoded = ssl.PEM_cert_to_DER_cert(path.read_text())
        month = re.search(rb"\x17\x0d\d{12}Z\x17\x0d\d\d(\d\d)\d{8}Z", encoded).start(1)  # the two times of its validity
        path.write_text(ssl.DER_cert_to_PEM_cert(encoded[:month] + b"13" + encoded[month + 2:]))
        said = self.check(it, 2)
        assert self.place(it, "certificate", path) + f"error: {path}: its last day cannot be read" in said

    def test_a_broken_chain_is_no_chain(self, secured):
        it = secured()
        with open(it.pairs[0].certificate, "a") as file:
            file.write("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")
        assert f"error: {it.pairs[0].certificate}: certificate 2 in it cannot be used (" in self.check(it, 2)

    def test_a_chain_that_was_cut_short_is_named_as_that(self, secured, authority):
        it = secured()
        with open(it.pairs[0].certificate, "a") as file:
            file.write(authority.file.read_text()[:300])
        said = self.check(it, 2)
        assert re.search(re.escape(f"error: {it.pairs[0].certificate}: certificate 2 in it cannot be used (") + r"[^)]+\): is the file whole\?", said)

    @pytest.mark.parametrize("number, what", [(1, "ee key too small"), (2, "ca key too small")], ids=["own", "above"])
    def test_a_weak_certificate_is_named_and_not_left_out(self, secured, tmp_path, number, what):
        it = secured()
        path, weak = it.pairs[0].certificate, tmp_path / "weak.pem"
        key = it.pairs[0].key if number == 1 else tmp_path / "weak.key"
        subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:1024", "-nodes", "-subj", f"/CN={NAME}", "-days", "29",
                        "-keyout", key, "-out", weak], check=True, capture_output=True)
        path.write_text((path.read_text() if number == 2 else "") + weak.read_text())
        said = self.check(it, 2)
        assert self.place(it, "certificate", path) + f"error: {path}: " in said and what in said

    def test_a_certificate_of_tomorrow_is_a_warning(self, secured, tmp_path):
        it = secured()
        path = it.pairs[0].certificate
        encoded = ssl.PEM_cert_to_DER_cert(path.read_text())
        times = re.search(rb"\x17\x0d(\d{12}Z)\x17\x0d(\d{12}Z)", encoded)  # of its validity: from its end on
        path.write_text(ssl.DER_cert_to_PEM_cert(encoded[:times.start(1)] + times[2] + encoded[times.end(1):]))
        assert f"warning: {path} ({NAME}) is not valid yet: look at the clock" in self.check(it, 0)

    def test_a_chain_of_strangers_or_in_another_order_is_a_warning(self, secured, authority, tmp_path):
        it = secured()
        path, issuer = it.pairs[0].certificate, authority.file.read_text()
        other = authority.issue(tmp_path, "other.example.com").certificate.read_text()
        leaf = path.read_text()
        path.write_text(leaf + issuer)
        assert self.check(it, 0) == ""
        for chain, number in (leaf + other, 2), (leaf + other + issuer, 2), (leaf + issuer + other, 3):
            path.write_text(chain)
            said = self.check(it, 0)
            assert self.place(it, "certificate", path) + f"warning: {path}: certificate {number} in it did not issue the one before it" in said
            assert said.count("warning: ") == 1

    def test_all_that_is_wrong_is_told_at_once(self, secured, authority, tmp_path):
        pairs = [authority.issue(tmp_path, f"{name}.example.com") for name in ("a", "b", "c")]
        it = secured(*pairs)
        for pair in pairs[1:]:
            pair.key.unlink()
        said = self.check(it, 2)
        assert said.count("cannot be opened") == 2 and "2 errors in its certificates" in said

    def test_a_key_that_everybody_can_read_is_a_warning(self, secured):
        it = secured()
        it.pairs[0].key.chmod(0o644)
        assert self.place(it, "key", it.pairs[0].key) + "warning: " in (said := self.check(it, 0))
        assert "can be read by everybody" in said

    def test_a_certificate_alone_or_a_directory_is_named_as_that(self, secured, tmp_path):
        it = secured()
        plain, secure = it.gateway.config["listen"]
        it.pairs[0].certificate.chmod(0o644)
        for path, what in (it.pairs[0].certificate, "there is no private key in it"), (tmp_path, "it is a directory: name a file"):
            it.gateway.configure(listen=[plain, {"address": secure["address"], "certificate": str(path)}])
            said = self.check(it, 2)
            assert f"error: {path}: {what}" in said and "can be read by everybody" not in said

    @pytest.mark.parametrize("days, what", [(-1, "has expired"), (3, "expires in 72 hours"), (13, "expires in 312 hours")])
    def test_an_end_that_is_near_or_past_is_a_warning(self, secured, authority, tmp_path, days, what):
        it = secured(authority.issue(tmp_path, NAME, days=days))
        assert f"warning: {it.pairs[0].certificate} ({NAME}) {what}: renew it" in self.check(it, 0)
        it.gateway.start()
        assert what in it.gateway.stderr

    @pytest.mark.parametrize("hosts, unserved", [
        ([NAME], None), ([NAME.upper(), f"{NAME}:8443", "eu.wild.example.com"], None), ([NAME, "login.example.com"], "login.example.com"),
        (["login.example.com:443", NAME, "a.b.wild.example.com", "wild.example.com"], "login.example.com (and 2 more names of hosts)"),
        (["192.0.2.1:8443", "[2001:db8::1]"], None), (["192.0.2.2"], "192.0.2.2")], ids=["same", "spelled", "one", "three", "addresses", "address"])
    def test_a_name_of_the_gateway_that_no_certificate_has_is_a_warning(self, secured, authority, tmp_path, hosts, unserved):
        it = secured(authority.issue(tmp_path, NAME), authority.issue(tmp_path, "*.wild.example.com", "192.0.2.1", "2001:db8::1"), hosts=hosts)
        path = it.pairs[0].certificate
        told = self.place(it, "certificate", path) + f"warning: no certificate of a listener is valid for {unserved}"
        assert (told in (said := self.check(it, 0)), said.count("warning")) == ((True, 1) if unserved else (False, 0)), said
        if unserved:
            assert f"; {path} is for {NAME}:" in said and "trusted_proxies" in said
            it.gateway.start()
            assert told in it.gateway.stderr

    def test_nor_is_it_one_behind_a_balancer_or_where_another_listener_has_it(self, secured, authority, tmp_path):
        it = secured(hosts=["login.example.com"])
        assert "warning: " in self.check(it, 0)
        it.gateway.configure(trusted_proxies=["10.0.0.0/8"])
        assert self.check(it, 0) == ""
        other = authority.issue(tmp_path, "login.example.com")
        it.gateway.configure(trusted_proxies=[], listen=[*it.gateway.config["listen"], {
            "address": f"127.0.0.1:{free_port()}", "certificate": str(other.certificate), "key": str(other.key)}])
        assert self.check(it, 0) == ""

    def test_a_key_may_stand_in_the_certificates_file(self, secured, authority, tmp_path):
        pair = authority.issue(tmp_path, NAME)
        both = tmp_path / "both.pem"
        both.write_bytes(pair.certificate.read_bytes() + pair.key.read_bytes())
        both.chmod(0o600)
        it = secured()
        plain, secure = it.gateway.config["listen"]
        it.gateway.configure(listen=[plain, {"address": secure["address"], "certificate": str(both)}])
        assert self.check(it, 0) == ""
        it.gateway.start()
        assert it.ask().location == LOCATION

    def test_the_loader_needs_no_keys(self, secured):
        it = secured()
        it.pairs[0].key.unlink()
        it.gateway.set("acme", "label=Acme")


def test_a_proxy_header_goes_before_the_handshake(make_gateway, authority, tmp_path):
    secured = Secured(make_gateway, authority, tmp_path)
    plain, listener = secured.gateway.config["listen"]
    secured.gateway.configure(listen=[plain, {**listener, "proxy_protocol": True}])
    secured.gateway.start()
    with socket.create_connection(secured.address, wire.TIMEOUT) as outer:
        outer.sendall(b"PROXY TCP4 203.0.113.9 198.51.100.1 50000 443\r\n")
        with authority.client().wrap_socket(outer, server_hostname=NAME) as inner:
            inner.sendall(wire.request_bytes("GET", "/old-sso/acme", NAME, [("X-Request-Id", "by-proxy")]))
            assert inner.recv(65536).startswith(b"HTTP/1.1 307 ")
    [line] = secured.gateway.wait_for(lambda: [line for line in secured.gateway.requests() if line["request_id"] == "by-proxy"])
    assert line["peer"] == "203.0.113.9:50000"
    with pytest.raises((ssl.SSLError, ConnectionError)):
        secured.connect()
