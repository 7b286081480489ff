"""What bounds a client: connections, descriptors, time and size. Others are served all the while."""
import contextlib
import json
import os
import re
import resource
import signal
import socket
import struct
import subprocess
import threading
import time
from pathlib import Path

import pytest

import wire
from admin import Admin
from cutover import CONNECTION_ID
from ports import free_port
from preload import start_with
from process import cpu_seconds, descriptors, memory
from programs import LIBH2O_KEEPS_ITS_OWN, is_sanitized, program
from symbolic import keeping_its_own

GET = wire.request_bytes("GET", "/old-sso/acme", "localhost")
LOCATION = "https://api.stytch.com/v1/b2b/sso/callback/" + CONNECTION_ID
REFUSED = "ssoferry_client_connections_refused_total"
OPEN = "ssoferry_client_connections_open"
HOUR, DAY = 3600, 86400
ESCAPED = (6 << 20) // 5  # of five bytes, which become ten: as large a page as a form of 6 MiB may get, and more than the kernel holds


@pytest.fixture
def gateway(make_gateway):
    port = free_port()
    gateway = make_gateway(admin={"address": f"127.0.0.1:{port}"})
    gateway.admin = Admin(port)
    gateway.load({"acme": CONNECTION_ID})
    return gateway


@pytest.fixture(scope="module")
def shared(make_shared_gateway):
    port = free_port()
    gateway = make_shared_gateway(admin={"address": f"127.0.0.1:{port}"}, limits={"head": "8KiB", "uri": "2KiB", "body": "64MiB", "idle_time": "60s"})
    gateway.admin = Admin(port)
    gateway.load({"acme": CONNECTION_ID})
    return gateway.start()


def served(connection):
    connection.send(GET)
    return connection.answer().location == LOCATION


@pytest.mark.parametrize("empty_line", [b"\r\n", b"\r"])
def test_an_empty_line_behind_a_body_is_no_request(gateway, empty_line):
    """Clients of old send one. It is neither timed nor logged, and the next request is as any other."""
    gateway.configure(limits={"request_time": "200ms", "idle_time": "60s"})
    gateway.start()
    request = wire.request_bytes("POST", "/old-sso/acme", "localhost", (), b"a=b")
    with gateway.connect() as once, gateway.connect() as twice:
        for connection in (once, twice):
            connection.send(request + empty_line)
            assert connection.answer().location == LOCATION
        time.sleep(1)  # of the sweeps that end a request that is late there is one in half a second
        twice.send(b"\r\n"[len(empty_line):] + request)
        assert twice.answer().location == LOCATION
        gateway.configure(limits={"request_time": "200ms", "idle_time": "1s"})
        gateway.signal(signal.SIGHUP)
        assert once.closed(), "without a 408"
    gateway.stop()
    assert [line["status"] for line in gateway.requests()] == [307, 307, 307]


def form_request(name, message=b'"xxxx' * ESCAPED):
    headers = [("Content-Type", "application/x-www-form-urlencoded")]
    return wire.request_bytes("POST", "/old-sso/" + name, "localhost", headers, b"SAMLResponse=" + message)


def reading_nothing(crowd, port):
    """The socket of a client whose machine takes next to nothing of an answer; it stays until `crowd` ends."""
    reader = crowd.enter_context(socket.socket())
    reader.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
    reader.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG, 536)
    reader.connect(("127.0.0.1", port))
    return reader


NOWHERE = wire.request_bytes("GET", "/nowhere", "localhost")
HALF = b"POST /old-sso/acme HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\nx"


def begin(connection):
    """Half a request, that has arrived: for limits.request_time the connection is not idle."""
    connection.send(HALF)
    assert connection.is_to_go_on()


def finished(connection):
    connection.send(b"y")
    return connection.answer().location == LOCATION


def lines_of(gateway, connection):
    """Its request log, once every line before now is there: of its own thread, and almost always of the others, so who wants lines waits for them."""
    peer = "%s:%d" % connection.socket.getsockname()
    gateway.logged(gateway.raw(GET))
    return [line for line in gateway.requests() if line["peer"] == peer]


class TestConnections:
    def test_at_the_limit_of_descriptors_it_waits_without_spinning(self, gateway):
        gateway.configure(threads=1, limits={"request_time": "10m"})
        gateway.start()
        highest = max(int(descriptor.name) for descriptor in Path(f"/proc/{gateway.pid}/fd").iterdir())
        before = gateway.admin.metric(REFUSED)
        _, hard = resource.prlimit(gateway.pid, resource.RLIMIT_NOFILE)
        resource.prlimit(gateway.pid, resource.RLIMIT_NOFILE, (highest + 4, hard))
        first = []
        for _ in range(3):  # who is idle would make room
            first.append(gateway.connect())
            begin(first[-1])
        waiting = []
        for _ in range(20):
            waiting.append(gateway.connect())
            waiting[-1].send(GET)
        used = cpu_seconds(gateway.pid)
        time.sleep(2)
        used = cpu_seconds(gateway.pid) - used
        assert used < 0.4, f"{used} s of CPU in 2 s of waiting"
        first[0].send(b"y" + GET)  # at once, as who is idle for a second is closed
        assert [first[0].answer().location for _ in range(2)] == [LOCATION] * 2, "those that are connected are served"
        for connection in first:
            connection.close()
        for connection in waiting:
            assert connection.answer().location == LOCATION
            connection.close()
        gateway.wait_for(lambda: gateway.admin.metric(REFUSED) > before)

    def test_at_the_limit_of_descriptors_idle_connections_make_room(self, gateway):
        gateway.configure(threads=1, limits={"idle_time": "10m", "request_time": "10m"})
        gateway.start()
        highest = max(int(descriptor.name) for descriptor in Path(f"/proc/{gateway.pid}/fd").iterdir())
        _, hard = resource.prlimit(gateway.pid, resource.RLIMIT_NOFILE)
        resource.prlimit(gateway.pid, resource.RLIMIT_NOFILE, (highest + 4, hard))
        idle = []
        for _ in range(20):  # more than there are descriptors for
            idle.append(gateway.connect())
            idle[-1].send(GET)  # at once, as who is idle for a second is closed
        assert all(connection.answer().location == LOCATION for connection in idle)
        for connection in idle:
            connection.close()

    def test_over_the_limit_of_connections_they_wait_and_are_served(self, gateway):
        gateway.configure(limits={"connections": 4, "request_time": "10m"})
        gateway.start()
        first = []
        for _ in range(4):  # who is idle would make room
            first.append(gateway.connect())
            begin(first[-1])
        waiting = [gateway.connect() for _ in range(4)]
        for connection in waiting:
            connection.send(GET)
        gateway.wait_for(lambda: gateway.admin.metric(REFUSED) > 0)
        gateway.wait_for(lambda: "connections are open, and there is no room for more: those that are idle are closed" in gateway.stderr)
        assert gateway.admin.metric(OPEN) == 4
        for connection in waiting:
            assert connection.silent(), "more than four are served at one time"
        for connection in first:
            assert finished(connection)
            connection.close()
        for connection in waiting:
            assert connection.answer().location == LOCATION
            connection.close()

    def test_idle_connections_make_room_for_who_signs_in(self, gateway):
        gateway.configure(threads=4, limits={"connections": 20, "idle_time": "10m", "request_time": "10m"})
        gateway.start()
        idle = []
        for _ in range(19):
            idle.append(gateway.connect())
            assert served(idle[-1])
        busy = gateway.connect()
        begin(busy)
        assert gateway.get("/old-sso/acme").location == LOCATION
        assert finished(busy), "it was not idle"
        for connection in [busy, *idle]:
            connection.close()

    @pytest.mark.parametrize("seconds, is_set_back", [(HOUR, True), (HOUR, False), (2 * DAY, False), (5 * 365 * DAY, False), (5 * 365 * DAY, True)])
    def test_a_clock_that_is_set_ends_no_connection(self, gateway, monkeypatch, tmp_path, seconds, is_set_back):
        """A connection or a request is as old as it is, whatever the clock said when it began."""
        behind = tmp_path / "behind"
        gateway.configure(threads=1, limits={"idle_time": "10m", "request_time": "10m", "body": "8MiB"}, sandbox="off")
        gateway.load({"acme": CONNECTION_ID, "large": {"connection_id": CONNECTION_ID, "redirect": "form"}})
        if not is_set_back:
            behind.touch()
        start_with(gateway, "clock", monkeypatch, CLOCK_BEHIND_WHILE=behind, CLOCK_BEHIND_BY=seconds)
        with gateway.connect() as idle, gateway.connect() as first, gateway.connect() as busy, gateway.connect() as taking:
            assert served(idle) and served(busy)
            begin(first)
            begin(busy)
            taking.send(form_request("large"))
            time.sleep(1)  # so that it is seen to take its answer
            if is_set_back:
                behind.touch()
            else:
                behind.unlink()
            time.sleep(1)  # so that all are looked at
            assert served(idle) and finished(first) and finished(busy)
            assert b"&quot;xxxx" * ESCAPED in taking.answer().body
            assert {line["status"] for line in gateway.requests()} <= {200, 307}
        gateway.wait_for(lambda: len(gateway.requests()) >= 6)
        assert all(line["duration_us"] < HOUR * 1_000_000 for line in gateway.requests()), "it took no such time"

    def test_nothing_outlasts_a_clock_that_is_set_back(self, gateway, monkeypatch, tmp_path):
        behind = tmp_path / "behind"
        gateway.configure(limits={"idle_time": "5s", "request_time": "5s"}, sandbox="off")
        gateway.load({"acme": CONNECTION_ID})
        start_with(gateway, "clock", monkeypatch, CLOCK_BEHIND_WHILE=behind)
        with gateway.connect() as idle, gateway.connect() as slow:
            assert served(idle)
            begin(slow)
            behind.touch()
            assert idle.closed()
            assert slow.answer().status == 408
        assert gateway.get("/old-sso/acme").location == LOCATION

    def test_a_machine_that_boots_without_knowing_the_time_is_served(self, gateway, monkeypatch):
        """Its clock begins with 1970, on the first day of which the library's timers are always over."""
        start_with(gateway, "clock", monkeypatch, CLOCK_BEHIND_SECONDS=int(time.time()) - 10)
        with gateway.connect() as connection:
            for _ in range(2):
                assert served(connection)
                time.sleep(1)

    @pytest.mark.parametrize("seconds, answered", [(0, 3), (1, 1)])
    def test_a_turn_that_takes_long_leaves_the_rest_of_a_pipeline_to_its_client(self, gateway, monkeypatch, seconds, answered):
        """The other connections wait for the end of the turn. Whoever sends one request after the other keeps the connection."""
        gateway.configure(sandbox="off")
        gateway.load({"acme": CONNECTION_ID})
        start_with(gateway, "clock", monkeypatch, CLOCK_LOOP_BEHIND_SECONDS=seconds)
        with gateway.connect() as connection:
            assert served(connection) and served(connection)
            connection.send(3 * wire.request_bytes("GET", "/old-sso/acme", "localhost"))
            answers = [connection.answer() for _ in range(answered)]
            assert [answer.status for answer in answers] == answered * [307]
            assert (("connection", "close") in [(name.lower(), value) for name, value in answers[-1].headers]) == (answered < 3)
            if answered < 3:
                assert connection.closed()

    @pytest.mark.skipif(LIBH2O_KEEPS_ITS_OWN, reason="this libh2o calls its own functions for its buffers")
    def test_what_all_requests_hold_together_is_bounded(self, gateway):
        """Whoever sends many large ones is closed, and usual sign-ins go on."""
        gateway.configure(threads=2, limits={"body": "64KiB", "memory": "256KiB", "request_time": "10m"})
        gateway.start()
        large = wire.request_bytes("POST", "/old-sso/acme", "localhost", (), b"x" * 60_000)
        with contextlib.ExitStack() as crowd:
            held = [crowd.enter_context(gateway.connect()) for _ in range(12)]
            for connection in held:
                connection.send_what_is_taken(large[:-1])
            gateway.wait_for(lambda: gateway.admin.metric("ssoferry_client_connections_without_memory_total") >= 9)
            assert "a connection with another large one was closed; see limits.memory" in gateway.stderr
            for _ in range(20):
                assert gateway.raw(wire.request_bytes("POST", "/old-sso/acme", "localhost", (), b"x" * 12_000)).status == 307
            went_on = 0
            for connection in held:
                connection.send_what_is_taken(large[-1:])
                answer = connection.answer()
                went_on += answer is not None and answer.status == 307
            assert 1 <= went_on <= 3
        for _ in range(20):  # what they held was given back
            assert gateway.raw(large).status == 307

    @pytest.mark.skipif(LIBH2O_KEEPS_ITS_OWN, reason="this libh2o calls its own functions for its buffers")
    @pytest.mark.parametrize("behind", [b"\r\n", b"G"], ids=["empty line", "next request"])
    def test_what_comes_behind_a_request_does_not_hold_its_memory(self, gateway, behind):
        gateway.configure(threads=1, limits={"body": "64KiB", "memory": "256KiB", "request_time": "10m"})
        gateway.start()
        large = wire.request_bytes("POST", "/old-sso/acme", "localhost", (), b"x" * 60_000)
        with contextlib.ExitStack() as crowd:
            for _ in range(8):
                connection = crowd.enter_context(gateway.connect())
                connection.send(large + behind)
                assert connection.answer().status == 307
            for _ in range(4):
                assert gateway.raw(large).status == 307
            connection.send(large if behind == b"\r\n" else b"ET /old-sso/acme HTTP/1.1\r\nHost: localhost\r\n\r\n")
            assert connection.answer().status == 307

    @pytest.mark.skipif(LIBH2O_KEEPS_ITS_OWN, reason="this libh2o calls its own functions for its buffers")
    def test_large_requests_that_dawdle_give_way_when_memory_is_short(self, gateway):
        """Else whoever holds it would keep out everybody with a large message for as long as a request may take."""
        gateway.configure(threads=1, limits={"body": "64KiB", "memory": "256KiB", "request_time": "40s"})
        gateway.start()
        with gateway.connect() as small, gateway.connect() as alone:
            begin(small)
            large = wire.request_bytes("POST", "/old-sso/acme", "localhost", (), b"x" * 60_000)[:-1]
            alone.send(large)
            time.sleep(5)  # over a tenth, with memory at hand
            with contextlib.ExitStack() as crowd:
                held = [crowd.enter_context(gateway.connect()) for _ in range(2)]
                for connection in held:
                    connection.send(large)
                assert alone.answer().status == 408
                for connection in [small, *held]:
                    assert finished(connection), "it is small, or not late yet"

    @pytest.mark.skipif(LIBH2O_KEEPS_ITS_OWN, reason="this libh2o calls its own functions for its buffers")
    @pytest.mark.parametrize("secure, most", [(False, 2), (True, 1)], ids=["plain", "TLS"])
    def test_form_pages_that_nobody_takes_hold_memory_too(self, gateway, authority, tmp_path, secure, most):
        """Each stays until the browser has taken it, and over TLS libh2o encrypts it whole. Of who dawdles, a tenth of the time is asked."""
        pair = authority.issue(tmp_path, "localhost")
        listener = {"address": f"127.0.0.1:{free_port()}"} | ({"certificate": str(pair.certificate), "key": str(pair.key)} if secure else {})
        gateway.configure(threads=1, listen=[*gateway.config["listen"], listener], limits={"body": "64KiB", "memory": "500KiB", "request_time": "80s"})
        gateway.load({"acme": {"connection_id": CONNECTION_ID, "redirect": "form"}})
        gateway.start()
        request = form_request("acme", b'"xxxx' * 8000)  # 40 KB in a buffer of 64, and a page of 80

        def statuses():
            return sorted(line["status"] for line in gateway.requests())

        with contextlib.ExitStack() as crowd:
            for count in range(1, most + 2):
                reader = reading_nothing(crowd, int(listener["address"].split(":")[1]))
                if secure:
                    reader = crowd.enter_context(authority.client().wrap_socket(reader, server_hostname="localhost"))
                reader.sendall(request)
                gateway.wait_for(lambda: len(statuses()) == count)
            assert statuses() == [200] * most + [503] and gateway.requests()[-1]["reason"] == "memory"
            gateway.wait_for(lambda: gateway.raw(request).status == 200, timeout=40)

    def test_the_page_for_a_small_request_gives_way_too(self, gateway):
        """A request of 15 KB, which is not counted, may have a page of 46 KB, which is."""
        gateway.configure(threads=1, limits={"body": "64KiB", "memory": "256KiB", "request_time": "80s"})
        gateway.load({"acme": {"connection_id": CONNECTION_ID, "redirect": "form"}})
        gateway.start()
        request = form_request("acme", b'+"' + b'"' * 6200 + b"x" * 8800)
        assert len(request) < 16 << 10 and len(gateway.raw(request).body) > 45_000
        with contextlib.ExitStack() as crowd:
            while gateway.raw(request).status == 200:
                before = len(gateway.requests())
                reading_nothing(crowd, gateway.port).sendall(request)
                gateway.wait_for(lambda: len(gateway.requests()) > before)
            assert gateway.logged(gateway.raw(request))["reason"] == "memory"
            gateway.wait_for(lambda: gateway.raw(request).status == 200, timeout=40)

    @pytest.mark.skipif(LIBH2O_KEEPS_ITS_OWN, reason="this libh2o calls its own functions, which take more")
    @pytest.mark.parametrize("secure, most", [(False, 26), (True, 48)], ids=["plain", "TLS"])
    @pytest.mark.parametrize("sent", [
        [wire.request_bytes("POST", "/old-sso/plain", "localhost", [("Content-Length", "16000")], b"x" * 15_300)],
        [3 * form_request("acme", b'+"' + b'"' * 4000 + b"x" * 300)],  # a page of 25 KB each
        8 * [wire.request_bytes("GET", "/old-sso/plain?" + "x" * 15_000, "localhost")],
        20 * [wire.request_bytes("POST", "/old-sso/plain", "localhost", (), b"x" * 6000)],
        8 * [30 * NOWHERE],
        60 * [wire.request_bytes("GET", "/nowhere%20" + "x" * 5000, "localhost")],
    ], ids=["half a request", "small pages", "long redirects", "redirects", "refusals", "escapes"])
    def test_what_a_connection_takes_besides_is_as_documented(self, gateway, authority, tmp_path, sent, secure, most):
        """KB each, and for all together limits.memory and the quarter more that small answers may have; while nobody takes an answer."""
        count, together = 20 if is_sanitized() else 200, 256 * 5 // 4
        pair = authority.issue(tmp_path, "localhost")
        listener = {"address": f"127.0.0.1:{free_port()}", "certificate": str(pair.certificate), "key": str(pair.key)}
        gateway.configure(threads=1, listen=[*gateway.config["listen"], listener], log={"requests": "off"},
                          limits={"body": "64KiB", "memory": "256KiB", "request_time": "10m"})
        gateway.load({"acme": {"connection_id": CONNECTION_ID, "redirect": "form"}, "plain": CONNECTION_ID})
        port = int(listener["address"].split(":")[1]) if secure else gateway.port
        for _ in range(5):  # a turn that takes long ends those that have more to ask, and says nothing then
            gateway.start()
            left, taken = self.taken_besides(gateway, port, count, authority.client() if secure else None, sent)
            gateway.stop()
            if left > count / 2:
                break
        assert left > count / 2
        assert taken < (most * count + together) << 10 or is_sanitized()

    def taken_besides(self, gateway, port, count, client, sent):
        """How many of so many connections that take no answer are left, and the memory that was taken meanwhile."""
        with contextlib.ExitStack() as crowd:
            before = memory(gateway.pid)
            readers = [reading_nothing(crowd, port) for _ in range(count)]
            if client:
                readers = [crowd.enter_context(client.wrap_socket(reader, server_hostname="localhost")) for reader in readers]
            for data in sent:
                for reader in readers:
                    reader.setblocking(False)
                    with contextlib.suppress(OSError):  # what was not taken is enough
                        reader.send(data)
                time.sleep(0.1)  # so that it comes alone, and its buffer does not grow
            time.sleep(1)
            return gateway.admin.metric(OPEN), memory(gateway.pid) - before

    def test_a_library_that_keeps_its_buffers_to_itself_leaves_the_count_alone(self, gateway, tmp_path):
        """What it never counted must not be given back: less than nothing would be a number beyond every limit."""
        gateway.configure(threads=1, limits={"request_time": "20s"}, drain={"delay": "0s", "timeout": "3s"})
        gateway.load({"acme": {"connection_id": CONNECTION_ID, "redirect": "form"}})
        if not LIBH2O_KEEPS_ITS_OWN:
            gateway.environment = {**os.environ, **keeping_its_own("libh2o", tmp_path)}
        gateway.start()
        assert LIBH2O_KEEPS_ITS_OWN or f"{tmp_path}/libh2o" in Path(f"/proc/{gateway.pid}/maps").read_text()

        for _ in range(3):
            assert gateway.raw(form_request("acme", b"x" * 1_500_000)).status == 413  # what comes of its body is thrown away by us
        gateway.wait_for(lambda: gateway.admin.metric(OPEN) == 0)
        for _ in range(3):
            assert gateway.raw(form_request("acme", b"x" * 80_000)).status == 200
        with gateway.connect() as slow:
            slow.send(form_request("acme", b"x" * 80_000)[:-1])
            time.sleep(4)  # over a tenth of the time it has
            slow.send(b"x")
            assert slow.answer().status == 200

    def test_who_was_refused_gives_the_place_back(self, gateway):
        """Its socket is kept for a while, for the answer to arrive: until it closes, or for two seconds."""
        gateway.configure(limits={"connections": 4, "body": "1KiB", "idle_time": "60s", "request_time": "10m"})
        gateway.start()
        large = wire.request_bytes("POST", "/old-sso/acme", "localhost", (), b"x" * 2000)
        for _ in range(12):
            assert gateway.raw(large).status == 413

        def ends(connection):
            """How long after its answer."""
            connection.send(large)
            assert connection.answer().status == 413
            began = time.monotonic()
            assert connection.closed()
            return time.monotonic() - began

        def is_told_of_the_end_before_its_time_is_up():
            with gateway.connect() as connection:
                return ends(connection) < 1

        gateway.wait_for(is_told_of_the_end_before_its_time_is_up)  # but a machine may be slow once
        staying = [gateway.connect() for _ in range(3)]
        for connection in staying:
            ends(connection)
        others = [gateway.connect() for _ in range(4)]
        for connection in others:
            connection.send(HALF)
        assert all(connection.is_to_go_on() for connection in others)
        gateway.wait_for(lambda: gateway.admin.metric(OPEN) == 4)
        assert all(finished(connection) for connection in others)
        for connection in staying + others:
            connection.close()

    def test_the_last_place_is_taken_once(self, gateway):
        """Many workers find many clients waiting at the same moment: stopped, the daemon leaves them to the kernel, one after the other."""
        gateway.configure(threads=4, limits={"connections": 9, "request_time": "10m"})
        gateway.start()
        for _ in range(50):
            os.kill(gateway.pid, signal.SIGSTOP)
            waiting = [gateway.connect() for _ in range(40)]
            for connection in waiting:
                connection.send(HALF)  # who is idle would make room
            os.kill(gateway.pid, signal.SIGCONT)

            def let_in():
                return sum(not connection.silent(0) for connection in waiting)

            gateway.wait_for(lambda: let_in() >= 9)
            time.sleep(0.02)  # one too many would be let in a moment later
            assert let_in() == 9, "more than nine are let in"
            for connection in waiting:
                connection.close()

    def check_admin(self, gateway):
        probes = [wire.Connection(gateway.admin.address) for _ in range(40)]
        for probe in probes:
            probe.send(b"GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert [probe.answer().status for probe in probes] == [200] * 40
        for probe in probes:
            probe.close()

    def test_the_admin_listener_is_reached_when_clients_have_all_descriptors_they_may(self, gateway):
        """All of them are in the middle of a request, for who is idle makes room."""
        gateway.configure(limits={"request_time": "10m"})
        gateway.before_start = lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (256, 300))
        gateway.start()
        assert resource.prlimit(gateway.pid, resource.RLIMIT_NOFILE) == (300, 300), "the soft limit is raised"
        [room] = re.findall(r"limits.connections is 10000, but the limit on open files leaves room for (\d+) connections", gateway.stderr)
        assert 100 < int(room) < 200
        too_large = wire.request_bytes("POST", "/old-sso/acme", "localhost", [("Content-Length", "100000000")])
        quiet, crowd = [], []
        for connections, count, data in (quiet, 60, GET), (crowd, 200, too_large):
            for _ in range(count):
                connections.append(gateway.connect())
                connections[-1].send(data[:-2])
        gateway.wait_for(lambda: gateway.admin.metric(OPEN) == int(room))
        self.check_admin(gateway)
        deadline = time.monotonic() + 100
        for connection in crowd:  # their sockets linger, and others are let in
            connection.send(too_large[-2:])
            assert descriptors(gateway.pid) < 300 - 50
        while any(connection.silent(0) for connection in crowd):
            assert time.monotonic() < deadline, "somebody who waited was never let in"
            self.check_admin(gateway)
        assert gateway.admin.metric(REFUSED) > 0
        quiet[0].send(GET[-2:])
        assert quiet[0].answer().location == LOCATION
        for connection in quiet + crowd:
            connection.close()
        assert gateway.raw(GET).location == LOCATION


class TestTime:
    def test_slow_senders_are_cut_off_and_idle_ones_are_not(self, gateway):
        gateway.configure(limits={"request_time": "300ms", "idle_time": "60s"})
        gateway.start()
        with gateway.connect() as head, gateway.connect() as body, gateway.connect() as idle:
            assert served(idle)
            head.send(b"GET /old-sso/acme HTTP/1.1\r\n")
            body.send(wire.request_bytes("POST", "/old-sso/acme", "localhost", [("Content-Length", "10")], b"x"))
            for connection in (head, body):
                answer = connection.answer()
                assert answer is None or answer.status == 408
                assert connection.closed()
            assert gateway.admin.metric("ssoferry_client_connections_timed_out_total") == 2
            assert gateway.admin.metric('ssoferry_requests_total{route="none",decision="timed_out",status="408"}') == 2
            assert served(idle)
            for connection in (head, body):
                [line] = gateway.wait_for(lambda: lines_of(gateway, connection))
                assert (line["decision"], line["status"]) == ("timed_out", 408)
                assert line["duration_us"] >= 300_000 and not {"method", "path", "route"} & set(line)

    def test_a_trickle_is_not_progress(self, gateway):
        """The time is for the whole request, not for the next byte."""
        gateway.configure(limits={"request_time": "1s", "idle_time": "60s"})
        gateway.start()
        with gateway.connect() as connection:
            connection.send(b"GET /old-sso/acme HTTP/1.1\r\nX: ")
            deadline = time.monotonic() + 20
            while connection.silent(0.05):
                assert time.monotonic() < deadline, "a sender of a byte now and then is never cut"
                connection.send_what_is_taken(b"x")

    @contextlib.contextmanager
    def large_answer(self, gateway, request_time):
        """A connection on which one has begun to arrive. The time is for taking it: to send what it is made of may take longer."""
        gateway.configure(limits={"request_time": "10m", "body": "8MiB"})
        gateway.load({"acme": {"connection_id": CONNECTION_ID, "redirect": "form"}})
        gateway.start()
        with gateway.connect() as connection:
            connection.send(form_request("acme"))
            assert not connection.silent(wire.TIMEOUT)
            gateway.configure(limits={"request_time": request_time, "body": "8MiB"})
            gateway.signal(signal.SIGHUP)
            gateway.wait_for(lambda: "reload: done" in gateway.stderr)
            yield connection

    def test_a_large_answer_may_be_taken_slowly(self, gateway):
        """More than the kernel holds: that a part of it waits does not mean that the client takes none."""
        with self.large_answer(gateway, request_time="3s") as connection:
            time.sleep(4)
            assert b"&quot;xxxx" * ESCAPED in connection.answer().body

    def test_who_stops_taking_a_large_answer_is_cut(self, gateway):
        """Long before the time that it would have to take all of it slowly, which is half a minute here."""
        with self.large_answer(gateway, request_time="500ms"):
            gateway.wait_for(lambda: gateway.admin.metric("ssoferry_client_connections_timed_out_total") == 1)

    def test_a_request_that_arrives_for_longer_than_a_connection_may_be_idle(self, gateway):
        """The library's only timer would close the connection, without an answer."""
        gateway.configure(limits={"request_time": "10m", "idle_time": "1s"})
        gateway.start()
        with gateway.connect() as head, gateway.connect() as body:
            head.send(GET[:20])
            begin(body)
            time.sleep(2.5)
            head.send(GET[20:])
            assert head.answer().location == LOCATION
            assert finished(body)
            assert head.closed() and body.closed()

    def test_an_idle_connection_ends_after_its_own_time(self, gateway):
        gateway.configure(limits={"request_time": "300ms", "idle_time": "1s"})
        gateway.start()
        with gateway.connect() as connection:
            assert served(connection)
            assert connection.closed()


def request_of(head_size=0, uri_size=0, method="GET", body=b""):
    """A request whose path and query have, or whose head has, exactly so many bytes."""
    target = "/old-sso/acme" + ("?" + "q" * (uri_size - 14) if uri_size else "")
    data = wire.request_bytes(method, target, "localhost", [("Cookie", "")], body)
    missing = head_size - (len(data) - len(body))
    return data.replace(b"Cookie: ", b"Cookie: " + b"c" * missing) if head_size else data


class TestSize:
    @pytest.mark.parametrize("data, status", [
        (request_of(head_size=8192), 307),
        (request_of(head_size=8193), 431),
        (request_of(head_size=100_000), 431),
        (request_of(head_size=8193, method="POST", body=b"SAMLResponse=x"), 431),
        (request_of(uri_size=2048), 307),
        (request_of(uri_size=2049), 414),
        (request_of(head_size=9000, uri_size=4000), 414),
    ], ids=["head", "head + 1", "large head", "head + 1 with a body", "uri", "uri + 1", "both"])
    def test_over_the_limit_is_refused_and_closed(self, shared, data, status):
        with shared.connect() as connection:
            connection.send(data)
            answer = connection.answer()
            assert answer.status == status
            line = shared.logged(answer)
            assert (line["status"], line["identifier"]) == (status, "acme")
            if status == 307:
                assert served(connection)
            else:
                assert (line["decision"], answer.header("Connection")) == ("too_large", "close")
                assert "<h1>" in answer.text
                assert connection.closed()

    @pytest.mark.parametrize("uri_size", [2048, 2049])
    @pytest.mark.parametrize("method", ["GET", "PUT"])
    def test_explain_says_the_same_of_a_long_uri(self, shared, uri_size, method):
        target = request_of(uri_size=uri_size).split()[1].decode()
        told = json.loads(shared.loader("explain", "--json", "--method", method, target).stdout)
        answer = shared.raw(request_of(uri_size=uri_size, method=method))
        assert (told["status"], told["decision"]) == (answer.status, shared.logged(answer)["decision"])
        assert (told["explanation"] or "") in answer.text

    def test_programs_get_json(self, shared):
        data = request_of(head_size=9000).replace(b"Cookie", b"Accept: application/json\r\nCookie")
        assert '"error":"too_large"' in shared.raw(data).text

    def test_a_head_that_does_not_end_is_not_collected(self, shared):
        before = shared.admin.metrics()
        with shared.connect() as connection:
            connection.send(b"GET /old-sso/acme HTTP/1.1\r\nCookie: " + b"c" * 20_000)
            answer = connection.answer()
            assert answer.status == 431 and connection.closed()
            [line] = shared.wait_for(lambda: lines_of(shared, connection))
        assert (line["decision"], line["status"], "method" in line, "path" in line) == ("too_large", 431, False, False)
        name = 'ssoferry_requests_total{route="none",decision="too_large",status="431"}'
        assert shared.admin.metric(name) == before.get(name, 0) + 1

    def test_an_endless_head_is_cut(self, shared):
        with shared.connect() as connection:
            for _ in range(200):
                connection.send_what_is_taken(b"X: " + b"x" * 10_000 + b"\r\n")
            answer = connection.answer()
            assert answer is None or answer.status in (400, 431)
            assert connection.closed()
        assert shared.raw(GET).location == LOCATION


    def test_the_largest_body_is_taken(self, shared):
        """And stays in memory: a file of it could not be made, and it is a sign-in, which is not to be stored."""
        body = b"RelayState=r&SAMLResponse=" + b"A" * (40 << 20)
        with shared.connect() as connection:
            connection.send(wire.request_bytes("POST", "/old-sso/acme", "localhost", (), body))
            answer = connection.answer()
        assert answer is not None and answer.location == LOCATION
        assert "temporary file" not in shared.stderr


class TestUnreadable:
    """libh2o answers a head that it cannot parse by itself. It is counted and logged all the same."""

    @pytest.mark.parametrize("data", [b"\x16\x03\x01\x02\x00", b"GET\r\n\r\n", b"GET / HTTP/1.1\r\nHost a\r\n\r\n",
                                      b"GET / HTTP/1.1\r\n" + b"A: b\r\n" * 101 + b"\r\n"],
                             ids=["tls", "no target", "no colon", "fields"])
    @pytest.mark.parametrize("before", [b"", GET], ids=["first", "second"])
    def test_it_is_counted_and_logged(self, shared, data, before):
        name = 'ssoferry_requests_total{route="none",decision="malformed",status="400"}'
        count = shared.admin.metrics().get(name, 0)
        with shared.connect() as connection:
            if before:
                assert served(connection)
            connection.send(data)
            assert connection.answer().status == 400
            assert connection.closed()
            *others, line = shared.wait_for(lambda: (lines := lines_of(shared, connection))[bool(before):] and lines)
        assert len(others) == bool(before)
        assert (line["decision"], line["status"], "method" in line, "path" in line) == ("malformed", 400, False, False)
        assert re.fullmatch("[0-9a-f]{32}", line["request_id"])
        assert shared.admin.metric(name) == count + 1

    def test_what_ends_otherwise_is_not(self, shared):
        """Connections that close by themselves, between requests or within one. The lines of the other thread may come later; its counts do not."""
        def counted():
            return sum(value for name, value in shared.admin.metrics().items() if name.startswith("ssoferry_requests_total{"))

        for data in (b"", b"GET / HT", b"POST /old-sso/acme HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n"):
            with shared.connect() as connection:
                connection.send(data)
                before = counted()
                connection.socket.shutdown(socket.SHUT_WR)
                shared.wait_for(lambda: shared.admin.metric("ssoferry_client_connections_open") == 0)
                assert counted() == before
                assert lines_of(shared, connection) == []


@pytest.mark.parametrize("most, wanted, room", [(100, 10000, range(20, 60)), (2000, 10000, range(1700, 1880)), (2000, 1000, None)])
def test_how_many_descriptors_are_for_clients(gateway, most, wanted, room):
    gateway.before_start = lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    gateway.configure(limits={"connections": wanted})
    gateway.start()
    told = re.findall(r"limits.connections is \d+, but the limit on open files leaves room for (\d+) connections", gateway.stderr)
    assert [int(number) in room for number in told] == ([True] if room else [])


@pytest.mark.parametrize("most", range(10, 20))
def test_too_few_descriptors_for_itself(gateway, most):
    """An error says so; libh2o would end it by a signal."""
    ended = subprocess.run([program("ssoferryd"), "-c", str(gateway.config_path)], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60,
                           preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (most, most)))
    assert ended.returncode == 1 and ended.stderr.count("ssoferryd: error: ") == 1, ended
    assert "open files" in ended.stderr.splitlines()[-1]
    assert most < 16 or f"error: the limit on open files ({most}) is too low for the daemon itself: raise it" in ended.stderr


class TestAdmin:
    """The admin listener has its bounds, too, and those of the public one are not used up by it."""

    def test_connections(self, gateway):
        gateway.configure(limits={"connections": 1000, "request_time": "10m"})
        gateway.start()
        half, rest = b"GET /livez HTTP/1.1\r\n", b"Host: localhost\r\n\r\n"
        first = []
        for _ in range(100):  # who is idle would make room
            first.append(wire.Connection(gateway.admin.address))
            first[-1].send(half)
        last = wire.Connection(gateway.admin.address)
        last.send(half + rest)
        assert last.silent(), "more than a hundred connections are served"
        first[0].send(rest)
        assert first[0].answer().status == 200
        assert gateway.raw(GET).location == LOCATION
        for connection in first:
            connection.close()
        assert last.answer().status == 200
        last.close()

    def test_time(self, gateway):
        gateway.configure(limits={"request_time": "300ms", "idle_time": "60s"})
        gateway.start()
        with wire.Connection(gateway.admin.address) as slow:
            slow.send(b"GET /livez HTTP/1.1\r\n")
            assert slow.answer().status == 408
            assert slow.closed()

    @pytest.mark.parametrize("data, status", [
        (b"GET /livez HTTP/1.1\r\nHost: localhost\r\nCookie: " + b"c" * 9000 + b"\r\n\r\n", 431),
        (b"GET /livez HTTP/1.1\r\nHost: localhost\r\nCookie: " + b"c" * 9000, 431),
        (b"GET /livez?" + b"q" * 3000 + b" HTTP/1.1\r\nHost: localhost\r\n\r\n", 414),
        (b"POST /livez HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /livez HTTP/1.1\r\n\r\n", 400),
        (b"POST /livez HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2000\r\n\r\n" + b"x" * 2000, 413),
    ], ids=["head", "head without end", "uri", "framing", "body"])
    def test_size(self, shared, data, status):
        with wire.Connection(shared.admin.address) as connection:
            connection.send(data)
            assert connection.answer().status == status
            assert connection.closed()


WINDOW_AT = 228  # of tcpi_snd_wnd in struct tcp_info (linux/tcp.h): how much more the peer is ready to take


class TestManyRequestsAtOnce:
    def test_little_of_them_waits_unread(self, make_gateway):
        """libh2o answers all that it has read of a connection before it turns to another: what waits behind that is bounded."""
        gateway = make_gateway(threads=1, log={"requests": "off"})
        gateway.load({"acme": CONNECTION_ID})
        gateway.start()
        with socket.create_connection(gateway.address, timeout=60) as greedy:
            def read():
                with contextlib.suppress(ConnectionError):
                    while greedy.recv(1 << 20):
                        pass

            reader = threading.Thread(target=read)
            reader.start()
            most = 0
            with contextlib.suppress(ConnectionError):  # after a turn that takes long, as with a sanitizer, nobody reads it to its end
                for _ in range(600):
                    greedy.sendall(GET * 1000)
                    [window] = struct.unpack_from("I", greedy.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 256), WINDOW_AT)
                    most = max(most, window)
                greedy.shutdown(socket.SHUT_WR)
            reader.join()
        assert 0 < most <= 128 * 1024
