"""Start, stop, addresses, and every way a start can fail: one line that names the trouble."""
import contextlib
import os
import re
import resource
import signal
import socket
import stat
import subprocess
import threading
import time

import pytest

import wire
from conftest import NO_IPV6
from cutover import CONNECTION_ID
from ports import free_port
from preload import environment_with, signal_thread, start_with, threads, workers
from programs import is_linked_with, program, run
from workers import by_worker

LOCATION = f"https://api.stytch.com/v1/b2b/sso/callback/{CONNECTION_ID}"
BODY = b"SAMLResponse=" + b"x" * 4000


@pytest.fixture
def gateway(make_gateway):
    gateway = make_gateway(limits={"request_time": "10m"})  # for requests that stay half sent while something happens
    gateway.load({"acme": CONNECTION_ID})
    return gateway


class TestStop:
    def half_a_post(self, gateway):
        """And the rest of it. The half has arrived, on whichever thread."""
        connection = gateway.connect()
        data = wire.request_bytes("POST", "/old-sso/acme", "localhost", [("Expect", "100-continue")], BODY)
        connection.send(data[:-2000])
        assert connection.is_to_go_on()
        return connection, data[-2000:]

    @pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGQUIT], ids=["SIGTERM", "SIGINT", "SIGQUIT"])
    def test_a_request_that_is_arriving_gets_its_answer(self, gateway, number):
        gateway.configure(drain={"delay": "0s", "timeout": "10m"})
        gateway.start()
        connection, rest = self.half_a_post(gateway)
        for harmless in signal.SIGUSR1, signal.SIGUSR2:  # another daemon opens its log again
            gateway.signal(harmless)
        gateway.signal(number)
        gateway.wait_for(lambda: not gateway.accepts())
        gateway.wait_for(lambda: f"ssoferryd: {number.name}: finishing requests; send it once more to end at once\n" in gateway.stderr)

        connection.send(rest)

        answer = connection.answer()
        assert (answer.location, answer.header("Connection")) == (LOCATION, "close")
        assert connection.closed()
        gateway.stop()
        assert len(gateway.requests()) == 1

    def test_idle_connections_do_not_hold_it_up(self, gateway):
        gateway.configure(drain={"delay": "0s", "timeout": "10m"})
        gateway.start()
        connections = [gateway.connect() for _ in range(20)]
        for connection in connections[::2]:
            connection.send(wire.request_bytes("GET", "/old-sso/acme", "localhost"))
            connection.answer()
        gateway.stop()
        assert all(connection.closed() for connection in connections)

    def last_answer(self, gateway):
        """Of a connection in use while the daemon is told to end; None where we were held up between two requests, so that its end may have crossed
        the second."""
        with gateway.connect() as connection:
            ask = wire.request_bytes("GET", "/old-sso/acme", "localhost")
            told_at = time.monotonic() + 1.5  # when it is no longer young
            asked_at, said = time.monotonic(), "keep-alive"
            while said == "keep-alive":
                if told_at and time.monotonic() > told_at:
                    gateway.terminate()
                    told_at = None
                time.sleep(0.05)
                used_at, asked_at = asked_at, time.monotonic()
                connection.send_what_is_taken(ask)
                held_up = time.monotonic() - used_at > 0.9
                answer = connection.answer()
                if answer is None and held_up:
                    return None
                assert answer and answer.location == LOCATION
                said = answer.header("Connection")
            assert told_at is None and connection.closed()
            return said

    def test_a_connection_in_use_ends_with_an_answer(self, gateway):
        """Its next request may be on the way when the end comes, so that it is never closed between two that follow one another closely."""
        for _ in range(5):
            gateway.start()
            said = self.last_answer(gateway)
            gateway.stop()
            if said:
                break
        assert said == "close"

    def test_an_unfinished_request_holds_it_up_only_so_long(self, gateway):
        gateway.configure(drain={"delay": "0s", "timeout": "100ms"})
        gateway.start()
        connection, _ = self.half_a_post(gateway)
        gateway.stop()
        assert connection.closed()
        assert "connections still open" in gateway.stderr

    def test_how_long_is_told_by_the_clock(self, gateway, monkeypatch):
        """Not by counting turns, which take longer where others want the processor."""
        later = gateway.directory / "later"
        gateway.configure(drain={"delay": "0s", "timeout": "4m"}, limits={"request_time": "10m"}, sandbox="off")
        start_with(gateway, "clock", monkeypatch, CLOCK_LATER_ONCE=later)
        connection, _ = self.half_a_post(gateway)
        gateway.terminate()
        gateway.wait_for(lambda: not gateway.accepts())
        later.touch()
        gateway.wait_for(lambda: "ending with 1 connections still open" in gateway.stderr)
        assert connection.closed()
        gateway.stop()

    def test_how_long_is_what_the_last_reload_says(self, gateway):
        gateway.configure(drain={"delay": "0s", "timeout": "10m"})
        gateway.start()
        connection, _ = self.half_a_post(gateway)
        gateway.configure(drain={"delay": "0s", "timeout": "100ms"})
        gateway.signal(signal.SIGHUP)
        gateway.wait_for(lambda: "reload: done" in gateway.stderr)
        gateway.stop()
        assert connection.closed()

    def test_who_asks_the_admin_listener_holds_nothing_up(self, gateway):
        admin = free_port()
        gateway.configure(admin={"address": f"127.0.0.1:{admin}"})
        gateway.start()
        with wire.Connection(("127.0.0.1", admin)) as half:
            half.send(b"GET /livez HTTP/1.1\r\n")
            assert half.silent()
            gateway.stop()
            assert half.closed()

    def test_a_daemon_that_is_paused_meanwhile_drains_no_longer(self, gateway):
        """As by a debugger, or by a container's freezer: to go on is no signal to begin anew."""
        gateway.configure(drain={"delay": "3s", "timeout": "10m"})
        gateway.start()
        gateway.terminate()
        deadline = time.monotonic() + 60
        while gateway.accepts():
            assert time.monotonic() < deadline, "each pause makes it wait all of its time again"
            for number in (signal.SIGSTOP, signal.SIGCONT):
                gateway.signal(number)
                time.sleep(0.1)

    def test_a_second_signal_ends_it_at_once(self, gateway):
        gateway.configure(drain={"delay": "10m", "timeout": "10m"})
        gateway.start()
        connection, _ = self.half_a_post(gateway)
        gateway.terminate()
        gateway.wait_for(lambda: gateway.get("/healthz").status == 503)
        gateway.terminate()
        gateway.wait_for(lambda: not gateway.accepts())
        gateway.terminate()
        assert connection.closed()
        gateway.stop()

    def test_a_second_signal_ends_requests_under_way(self, gateway):
        gateway.configure(drain={"delay": "0s", "timeout": "10m"})
        gateway.start()
        connection, _ = self.half_a_post(gateway)
        gateway.terminate()
        gateway.wait_for(lambda: not gateway.accepts())
        assert connection.silent()
        gateway.terminate()
        assert connection.closed()
        gateway.stop()

    def test_a_reload_while_it_ends_is_too_late(self, gateway):
        gateway.configure(drain={"delay": "0s", "timeout": "10m"})
        gateway.start()
        connection, rest = self.half_a_post(gateway)
        gateway.terminate()
        gateway.wait_for(lambda: not gateway.accepts())
        gateway.signal(signal.SIGHUP)
        assert connection.silent()
        connection.send(rest)
        assert connection.answer().location == LOCATION
        gateway.stop()

    def test_an_interrupt_waits_for_no_balancers(self, gateway):
        gateway.configure(drain={"delay": "10m", "timeout": "10m"})
        gateway.start()
        gateway.signal(signal.SIGINT)
        gateway.wait_for(lambda: not gateway.accepts())
        gateway.stop()

    def test_who_is_connected_already_is_served(self, gateway, monkeypatch, tmp_path):
        """The kernel has completed the connection; the daemon has not come to it before it is told to end."""
        stalled = tmp_path / "stalled"
        gateway.configure(threads=1, drain={"delay": "0s", "timeout": "10m"})
        start_with(gateway, "stall", monkeypatch, STALL_WHILE=stalled)
        stalled.touch()
        [worker] = workers(gateway)
        signal_thread(gateway.pid, worker, signal.SIGURG)
        with gateway.connect() as connection:
            connection.send(wire.request_bytes("POST", "/old-sso/acme", "localhost", (), BODY))
            gateway.terminate()
            gateway.wait_for(lambda: "finishing requests" in gateway.stderr)
            assert connection.silent()
            stalled.unlink()
            answer = connection.answer()
            assert answer and answer.location == LOCATION
        gateway.stop()

    def test_it_goes_on_serving_while_balancers_notice(self, gateway):
        path = gateway.directory / "http.sock"
        gateway.configure(drain={"delay": "10m", "timeout": "10s"}, listen=[*gateway.config["listen"], {"address": f"unix:{path}"}])
        gateway.start()
        gateway.terminate()
        gateway.wait_for(lambda: gateway.get("/healthz").status == 503)
        assert gateway.post("/old-sso/acme", BODY).location == LOCATION
        assert wire.exchange(path, wire.request_bytes("POST", "/old-sso/acme", "localhost", (), BODY)).location == LOCATION
        gateway.stop()

    def test_start_stop_start(self, gateway):
        for _ in range(3):
            gateway.start()
            assert gateway.get("/old-sso/acme").status == 307
            gateway.stop()

    def test_killed_it_starts_again(self, gateway):
        gateway.configure(listen=[*gateway.config["listen"], {"address": f"unix:{gateway.directory}/http.sock"}])
        gateway.start()
        gateway.kill()
        assert (gateway.directory / "http.sock").exists()
        gateway.start()
        assert gateway.get("/old-sso/acme").status == 307


def has_ipv6_loopback():
    try:
        with socket.socket(socket.AF_INET6) as probe:
            probe.bind(("::1", 0))
        return True
    except OSError:
        return False


class TestAddresses:
    def serves(self, gateway, address, peer):
        for _ in range(10):
            answer = wire.exchange(address, wire.request_bytes("POST", "/old-sso/acme", "localhost", (), BODY))
            assert answer.location == LOCATION
        assert re.fullmatch(peer, gateway.logged(answer)["peer"])

    def test_ipv4_and_unix_at_once(self, gateway):
        path = gateway.directory / "http.sock"
        gateway.configure(listen=[*gateway.config["listen"], {"address": f"unix:{path}"}])
        gateway.start()
        self.serves(gateway, gateway.address, r"127\.0\.0\.1:\d+")
        self.serves(gateway, path, "unix")
        assert stat.S_ISSOCK(path.stat().st_mode) and stat.S_IMODE(path.stat().st_mode) == 0o666
        assert (gateway.directory / "store" / "connections.mdb").stat().st_mode & 0o111 == 0
        gateway.stop()
        assert not path.exists(), "the socket's file goes with the daemon"

    def test_a_unix_socket_is_free_again_while_the_last_requests_are_finished(self, gateway, make_gateway):
        """And the file then is the next daemon's, and stays."""
        path = gateway.directory / "http.sock"
        gateway.configure(listen=[{"address": f"unix:{path}"}], drain={"delay": "0s", "timeout": "10m"})
        gateway.host, gateway.port = path, None
        gateway.start()
        request = wire.request_bytes("POST", "/old-sso/acme", "localhost", (), BODY)
        with wire.Connection(path) as half:
            half.send(request[:-1])
            gateway.terminate()
            gateway.wait_for(lambda: not path.exists())
            following = make_gateway(**gateway.config)
            following.host, following.port = path, None
            following.start()
            half.send(request[-1:])
            assert half.answer().location == LOCATION
        gateway.stop()
        assert following.post("/old-sso/acme", BODY, host="localhost").location == LOCATION

    def test_a_unix_socket_that_another_daemon_has_taken_stays(self, gateway, make_gateway):
        """Its file was deleted by mistake, and somebody started the next daemon."""
        path = gateway.directory / "http.sock"
        gateway.configure(listen=[*gateway.config["listen"], {"address": f"unix:{path}"}])
        gateway.start()
        path.unlink()
        following = make_gateway(listen=[{"address": f"unix:{path}"}])
        following.host, following.port = path, None
        following.start()
        gateway.stop()
        assert following.get("/healthz", host="localhost").status == 503

    def test_the_admin_listeners_socket_is_free_again_while_its_last_answer_is_made(self, gateway, make_gateway, monkeypatch):
        path, stalled = gateway.directory / "admin.sock", gateway.directory / "stalled"
        gateway.configure(admin={"address": f"unix:{path}"})
        start_with(gateway, "stall", monkeypatch, STALL_WHILE=stalled)
        stalled.touch()
        signal_thread(gateway.pid, workers(gateway)[0], signal.SIGURG)  # the admin listener's
        gateway.terminate()
        gateway.wait_for(lambda: not path.exists())
        make_gateway(admin=gateway.config["admin"]).start()
        stalled.unlink()
        gateway.stop()
        assert wire.exchange(path, wire.request_bytes("GET", "/livez", "localhost")).status == 200

    def test_one_address_beside_all_of_them(self, gateway, make_gateway):
        """No other process is in the way. Where one is, it is said of each address that it has."""
        particular, other = f"127.0.0.1:{gateway.port}", f"127.0.0.1:{free_port()}"
        gateway.configure(listen=[{"address": f"0.0.0.0:{gateway.port}"}, {"address": particular}, {"address": other}])
        gateway.start()
        self.serves(gateway, gateway.address, r"127\.0\.0\.1:\d+")
        gateway.wait_for(lambda: "serving 1 connection" in gateway.stderr)
        assert "another process" not in gateway.stderr
        second = make_gateway(listen=[{"address": other}, {"address": particular}])
        second.port = gateway.port
        second.start()
        second.wait_for(lambda: "no mapping yet" in second.stderr)
        warnings = [line for line in second.stderr.splitlines() if "another process" in line]
        assert [re.search(r"on (\S+) as well", line)[1] for line in warnings] == [other, particular]

    @pytest.mark.skipif(not has_ipv6_loopback(), reason=NO_IPV6)
    def test_ipv6_beside_ipv4(self, gateway):
        gateway.configure(listen=[{"address": f"0.0.0.0:{gateway.port}"}, {"address": f"[::]:{gateway.port}"}])
        gateway.start()
        self.serves(gateway, ("::1", gateway.port), r"\[::1\]:\d+")
        self.serves(gateway, gateway.address, r"127\.0\.0\.1:\d+")

    def test_threads_share_the_connections(self, gateway):
        """With three threads on one port, none of many connections is lost, and each has a share of them."""
        gateway.configure(threads=3, log={"requests": "off"})
        gateway.start()
        connections = [gateway.connect() for _ in range(150)]
        for _ in range(20):
            for connection in connections:
                connection.send(wire.request_bytes("POST", "/old-sso/acme", "localhost", (), BODY))
            for connection in connections:
                assert connection.answer().location == LOCATION
        shares = by_worker(gateway, connections)
        assert len(shares) == 3 and sum(map(len, shares)) == len(connections)
        for connection in connections:
            connection.close()


def fails(path, name, advice, status=1):
    """The daemon ends at its start with one line on stderr that names the trouble and says what to do."""
    done = run("ssoferryd", "-c", path, expect=status)
    lines = done.stderr.strip().split("\n")
    assert len(lines) == 1, done.stderr
    assert str(name) in lines[0] and re.search(advice, lines[0]), done.stderr
    assert done.stdout == ""


class TestStartFails:
    def test_port_in_use(self, gateway):
        with socket.create_server(gateway.address):
            fails(gateway.config_path, f"127.0.0.1:{gateway.port}", "in use.*another address")

    def test_address_of_another_machine(self, gateway):
        gateway.configure(listen=[{"address": f"192.0.2.1:{gateway.port}"}])
        fails(gateway.config_path, f"192.0.2.1:{gateway.port}", "no interface")

    def test_unix_socket_in_use(self, gateway):
        path = gateway.directory / "http.sock"
        gateway.configure(listen=[{"address": f"unix:{path}"}])
        with socket.socket(socket.AF_UNIX) as other:
            other.bind(str(path))
            other.listen()
            fails(gateway.config_path, path, "in use")
        assert path.exists(), "a socket that somebody listens on is not taken away"

    def test_unix_socket_whose_listener_has_stopped_accepting(self, gateway):
        path = gateway.directory / "http.sock"
        gateway.configure(listen=[{"address": f"unix:{path}"}])
        with socket.socket(socket.AF_UNIX) as other, contextlib.ExitStack() as waiting:
            other.bind(str(path))
            other.listen(0)
            with pytest.raises(BlockingIOError):
                while True:
                    client = waiting.enter_context(socket.socket(socket.AF_UNIX))
                    client.setblocking(False)
                    client.connect(str(path))
            fails(gateway.config_path, path, "in use")
        assert path.exists()

    def test_unix_socket_in_a_missing_directory(self, gateway):
        gateway.configure(listen=[{"address": f"unix:{gateway.directory}/none/http.sock"}])
        fails(gateway.config_path, gateway.directory / "none/http.sock", "make the directory")

    def test_unix_socket_in_the_place_of_a_file(self, gateway):
        path = gateway.directory / "notes.txt"
        path.write_text("keep me")
        gateway.configure(listen=[{"address": f"unix:{path}"}])
        fails(gateway.config_path, path, "what is there is not a socket")
        assert path.read_text() == "keep me"

    def test_store_in_a_missing_directory(self, gateway):
        gateway.configure(store=str(gateway.directory / "none" / "connections.mdb"))
        fails(gateway.config_path, gateway.directory / "none", "director")

    @pytest.mark.parametrize("content", [b"not an LMDB file, but long enough to hold a page\n" * 400, b"short", b"\0" * 8192],
                             ids=["text", "short", "zeros"])
    def test_store_that_is_not_lmdb(self, gateway, content):
        path = gateway.directory / "other.mdb"
        path.write_bytes(content)
        gateway.configure(store=str(path))
        fails(gateway.config_path, path, "not")
        assert path.read_bytes() == content, "what is not ours stays as it was"

    def test_store_that_is_a_directory(self, gateway):
        gateway.configure(store=str(gateway.directory))
        fails(gateway.config_path, gateway.directory, "director")

    @pytest.mark.parametrize("size", [0, 100, 4096, 5000])
    def test_store_that_is_cut_short(self, gateway, size):
        whole = gateway.store.read_bytes()
        path = gateway.directory / "cut.mdb"
        path.write_bytes(whole[:size])
        gateway.configure(store=str(path))
        fails(gateway.config_path, path, "not a table|damaged|cut|remove|backup")

    def test_store_of_a_newer_version(self, gateway):
        gateway.store_file.put_meta(b"schema", (99).to_bytes(4, "big"))
        fails(gateway.config_path, gateway.store, r"99.*newer|newer.*99")

    def test_configuration_that_is_not_named(self, gateway):
        said = run("ssoferryd", gateway.config_path, expect=2).stderr
        assert said == f'ssoferryd: unexpected argument "{gateway.config_path}": name the configuration with -c FILE; see ssoferryd --help\n'
        if not os.path.exists("/etc/ssoferry/ssoferryd.yaml"):
            assert run("ssoferryd", "--check", expect=2).stderr.endswith(": No such file or directory; name your configuration with -c FILE\n")

    def test_configuration_that_is_not_there(self, gateway):
        fails(gateway.directory / "none.yaml", gateway.directory / "none.yaml", "No such file", status=2)

    @pytest.mark.parametrize("line, fault", [
        ("stroe: /x", r"7:1: error: unknown key \"stroe\""),
        ("threads: many", r"7:10: error: threads: .*many.* neither auto nor"),
        ("limits: {body: 1MB}", r"7:16: error: limits\.body"),
        ("redirect: 301", r"7:11: error: redirect: .*301.* not 307"),
        ("stytch: {live_url: 'http://api.stytch.com'}", r"7:20: error: stytch\.live_url"),
        ("threads: 1\nthreads: 2", r"8:1: error: threads is here twice"),
        ("a: [", r"8:1: error: "),
    ])
    def test_configuration_with_a_fault(self, tmp_path, line, fault):
        path = tmp_path / "ssoferryd.yaml"
        path.write_text(f"listen:\n  - address: 127.0.0.1:1\nstore: /nonexistent/x.mdb\n\nroutes:\n  - match: /x/{{identifier}}\n{line}\n")
        for arguments in ([], ["--check"]):
            done = run("ssoferryd", *arguments, "-c", path, expect=2)
            assert re.search(re.escape(str(path)) + ":" + fault, done.stderr), done.stderr
            assert "    ^" in done.stderr or "^" in done.stderr.split("\n")[2]
            assert done.stdout == ""

    def test_check_starts_nothing(self, gateway):
        with socket.create_server(gateway.address):
            done = run("ssoferryd", "--check", "-c", gateway.config_path)
        assert str(gateway.config_path) in done.stdout

    @pytest.mark.parametrize("option", ["--check", "--list-keys", "--help", "--version"])
    def test_what_cannot_be_printed(self, gateway, option):
        with open("/dev/full", "w") as full:
            done = subprocess.run([program("ssoferryd"), "-c", gateway.config_path, option], stdout=full, stderr=subprocess.PIPE, text=True, timeout=60)
        assert done.returncode == 1 and "standard output: No space left" in done.stderr, done

    def test_short_and_wrong_options(self):
        for short, long in ("-h", "--help"), ("-V", "--version"):
            assert run("ssoferryd", short).stdout == run("ssoferryd", long).stdout
        assert run("ssoferryd", "--chekc", expect=2).stderr.startswith("ssoferryd: unrecognized option '--chekc'\n")


def test_a_signal_that_does_not_end_it_does_not_end_its_start(gateway):
    """A reload waits until it serves. Here the configuration takes its time to come."""
    text = gateway.config_path.read_text()
    gateway.config_path.unlink()
    os.mkfifo(gateway.config_path)
    said = []
    with subprocess.Popen([program("ssoferryd"), "-c", str(gateway.config_path)], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                          stderr=subprocess.PIPE, text=True) as process:
        timer = threading.Timer(60, process.kill)
        timer.start()
        with gateway.config_path.open("w") as pipe:  # it waits until somebody reads
            for number in signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2:
                process.send_signal(number)
            gateway.config_path.unlink()
            gateway.configure(redirect=303)
            pipe.write(text)
        for line in process.stderr:
            said.append(line)
            if "reload: done" in line:
                process.terminate()
        timer.cancel()
    assert process.returncode == 0, said
    assert any('reload: redirect: "307" -> "303"' in line for line in said), said


def test_a_file_at_its_limit_does_not_end_it(gateway):
    """Standard error here: the system sends a signal with each write that goes beyond LimitFSIZE= or ulimit -f."""
    size, full = 1 << 24, gateway.directory / "full.log"
    with full.open("w") as file:
        file.truncate(size)
    proxied = free_port()
    gateway.configure(listen=[*gateway.config["listen"], {"address": f"127.0.0.1:{proxied}", "proxy_protocol": True}])

    def begin():
        os.dup2(os.open(full, os.O_WRONLY | os.O_APPEND), 2)
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))

    gateway.before_start = begin
    gateway.start()
    gateway.configure(redirect=303)
    gateway.signal(signal.SIGHUP)
    gateway.wait_for(lambda: gateway.get("/old-sso/acme").status == 303)
    assert wire.exchange(("127.0.0.1", proxied), b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n") is None
    full.write_text("")  # whoever rotates it
    gateway.configure(redirect=307)
    gateway.signal(signal.SIGHUP)
    gateway.wait_for(lambda: 'redirect: "303" -> "307"' in full.read_text())  # the end of the first reload may be told in it, too
    gateway.wait_for(lambda: gateway.get("/old-sso/acme").status == 307)


def test_another_libh2o_than_it_was_compiled_for_is_refused(gateway, tmp_path):
    """Distributions patch it, and its structs lie in the daemon's memory."""
    environment = {**os.environ, **environment_with(program("other_h2o.so"), tmp_path)}
    for words in (["--check"], []):
        said = run("ssoferryd", "-c", gateway.config_path, *words, env=environment, expect=1).stderr
        assert "compile ssoferry on this system" in said


def test_a_store_that_is_not_there_is_made(make_gateway):
    gateway = make_gateway()
    gateway.start()
    assert gateway.store.exists()
    assert gateway.get("/healthz").status == 503


def test_threads_are_named(make_gateway):
    """As top -H and gdb show them."""
    gateway = make_gateway(threads=2, admin={"address": f"127.0.0.1:{free_port()}"})
    gateway.load({"acme": CONNECTION_ID})
    gateway.start()
    workers(gateway)  # a thread names itself when it begins
    names = sorted(status["Name"] for status in threads(gateway.pid).values())
    sanitizers_own = ["ssoferryd"] if is_linked_with("libtsan") else []
    assert names == ["admin", "inspector", "log", "reporter", "ssoferryd", *sanitizers_own, "usage", "usage writer", "worker", "worker"]


def test_sockets_that_systemd_passed_for_nobody_are_told(gateway):
    with contextlib.ExitStack() as held:
        passed = [held.enter_context(socket.create_server(("127.0.0.1", 0)))]
        told = [f"127.0.0.1:{passed[0].getsockname()[1]}"]
        if has_ipv6_loopback():
            passed.append(held.enter_context(socket.create_server(("::1", 0), family=socket.AF_INET6)))
            told.append(f"[::1]:{passed[1].getsockname()[1]}")
        local = held.enter_context(socket.socket(socket.AF_UNIX))
        local.bind(str(gateway.directory / "passed"))
        local.listen()
        told.append(f"unix:{local.getsockname()}")
        datagrams = held.enter_context(socket.socket(type=socket.SOCK_DGRAM))
        datagrams.bind(gateway.address)
        used = held.enter_context(socket.create_server(gateway.address))
        gateway.start(passed=[*passed, local, datagrams, used])
        assert gateway.get("/healthz").status == 200
    assert re.findall(r"warning: systemd listens on (\S+) and nothing here does", gateway.stderr) == told
    assert f"systemd passed 127.0.0.1:{gateway.address[1]}, which is no listening stream socket" in gateway.stderr


def test_a_unix_sockets_file_that_is_gone_is_told(gateway):
    """The daemon's own, systemd's, and that of the admin listener."""
    with socket.socket(socket.AF_UNIX) as passed:
        paths = [gateway.directory / name for name in ("own", "passed", "admin")]
        passed.bind(str(paths[1]))
        passed.listen()
        gateway.configure(listen=[*gateway.config["listen"], *({"address": f"unix:{path}"} for path in paths[:2])], admin={"address": f"unix:{paths[2]}"})
        gateway.start(passed=[passed])
        for path in paths:
            aside = path.with_suffix(".aside")
            path.rename(aside)
            path.touch()
            advice = "stop ssoferryd, restart the socket unit, and start ssoferryd" if path.name == "passed" else "restart ssoferryd, which makes another one"
            gateway.wait_for(lambda: f"unix:{path}: as far as ssoferryd can see, the socket is not at its path any more" in gateway.stderr)
            assert advice in gateway.stderr.splitlines()[-1]
            aside.rename(path)
            gateway.wait_for(lambda: f"unix:{path}: the socket is at its path again" in gateway.stderr)
        paths[1].unlink()
        gateway.wait_for(lambda: gateway.stderr.count("not at its path any more") == 4)
        gateway.stop()
        gateway.start(passed=[passed])
        gateway.wait_for(lambda: f"unix:{paths[1]}: as far as" in gateway.stderr)


def test_listens_on_nothing_else(gateway):
    gateway.start()
    assert gateway.listening_ports() == {gateway.port}
