"""What systemd is told (sd_notify(3)), by somebody who listens in its place."""
import json
import re
import signal
import socket
import time

import pytest

from admin import Admin
from cutover import CONNECTION_ID
from output import Output
from ports import free_port
from preload import signal_thread, start_with, workers
from process import cpu_seconds

WATCHDOG = 0.2  # seconds


class Manager:
    """As systemd: a socket that the daemon sends its states to. Each is read at once, as ten that wait would have the daemon wait, too."""

    def __init__(self, directory, monkeypatch, abstract=False):
        path = str(directory / "notify")
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as own:
            own.bind("\0" + path if abstract else path)
            self._output = Output(own.detach())
        self._seen = 0
        monkeypatch.setenv("NOTIFY_SOCKET", "@" + path if abstract else path)

    def next(self, but=("WATCHDOG=1",), timeout=60):
        """The next message that is none of `but`; None where none comes."""
        deadline = time.monotonic() + timeout
        while True:
            for message in self._output.look()[self._seen:]:
                self._seen += 1
                if message.decode() not in but:
                    return message.decode()
            if time.monotonic() > deadline:
                return None
            time.sleep(0.005)

    def forget(self):
        self._seen = len(self._output.look())


@pytest.fixture(params=[False, True], ids=["path", "abstract"])
def manager(tmp_path, monkeypatch, request):
    return Manager(tmp_path, monkeypatch, request.param)


@pytest.fixture
def gateway(make_gateway):
    gateway = make_gateway()
    gateway.load({"acme": CONNECTION_ID})
    return gateway


def test_from_ready_to_stopping(manager, gateway, monkeypatch):
    monkeypatch.setenv("WATCHDOG_USEC", str(int(WATCHDOG * 1e6)))
    gateway.start()
    assert manager.next() == "READY=1"
    assert [manager.next(but=()) for _ in range(3)] == ["WATCHDOG=1"] * 3

    gateway.configure(redirect=303)
    for _ in range(10):
        before = time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000
        gateway.signal(signal.SIGHUP)
        reloading = re.fullmatch(r"RELOADING=1\nMONOTONIC_USEC=(\d+)", manager.next())
        after = time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000
        assert before <= int(reloading[1]) <= after, "one of before the signal would be passed over"
        assert manager.next() == "READY=1"
    assert gateway.get("/old-sso/acme").status == 303

    gateway.config_path.write_text("nonsense: true\n")
    gateway.signal(signal.SIGHUP)
    assert manager.next().startswith("RELOADING=1\n")
    status = f"STATUS=Reload refused: {gateway.config_path}: 2 errors; see ssoferryd.yaml(5); the previous configuration is in use"
    assert manager.next() == f"READY=1\n{status}", "a bad file ends the reloading, too"
    gateway.configure(redirect=307)
    gateway.signal(signal.SIGHUP)
    assert manager.next().startswith("RELOADING=1\n")
    assert manager.next() == "READY=1\nSTATUS="

    gateway.terminate()
    assert manager.next() == "STOPPING=1"
    gateway.stop()
    assert manager.next(timeout=0.1) is None


def test_the_watchdog_is_fed_while_it_drains(manager, gateway, monkeypatch):
    """With one thread that is done, and one that waits for the rest of a request."""
    monkeypatch.setenv("WATCHDOG_USEC", str(int(WATCHDOG * 1e6)))
    gateway.configure(drain={"delay": "0s", "timeout": "10m"}, limits={"request_time": "10m"})
    gateway.start()
    connection = gateway.connect()
    connection.send(b"POST /old-sso/acme HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nhalf")
    gateway.terminate()
    while manager.next(but=()) != "STOPPING=1":
        pass
    began = time.monotonic()
    assert [manager.next(but=()) for _ in range(20)] == ["WATCHDOG=1"] * 20
    assert time.monotonic() - began < 20 * WATCHDOG, "systemd would have killed it"
    connection.send(b" more.")
    assert connection.answer().status == 307
    gateway.stop()


def test_the_watchdog_is_fed_while_a_reload_waits_for_a_report(tmp_path, gateway, monkeypatch):
    manager = Manager(tmp_path, monkeypatch)
    monkeypatch.setenv("WATCHDOG_USEC", str(int(WATCHDOG * 1e6)))
    gateway.configure(admin={"address": f"127.0.0.1:{free_port()}"})
    stalled = gateway.directory / "stalled"
    start_with(gateway, "stall", monkeypatch, STALL_WHILE=stalled)
    stalled.touch()
    signal_thread(gateway.pid, workers(gateway)[0], signal.SIGURG)  # the admin listener's
    gateway.signal(signal.SIGHUP)
    while not manager.next(but=()).startswith("RELOADING=1"):
        pass
    used = cpu_seconds(gateway.pid)
    for _ in range(40):
        assert manager.next(but=()) == "WATCHDOG=1"
    assert cpu_seconds(gateway.pid) - used < WATCHDOG, "it waits without spinning"
    stalled.unlink()
    assert manager.next() == "READY=1"


def test_the_watchdog_is_fed_while_the_main_thread_hangs(tmp_path, gateway, monkeypatch):
    """As it does when it looks at a certificate on a file system that does not answer: sign-ins go on, and a restart would end them."""
    manager = Manager(tmp_path, monkeypatch)
    monkeypatch.setenv("WATCHDOG_USEC", str(int(WATCHDOG * 1e6)))
    stalled = gateway.directory / "stalled"
    start_with(gateway, "stall", monkeypatch, STALL_WHILE=stalled)
    stalled.touch()
    signal_thread(gateway.pid, gateway.pid, signal.SIGURG)
    gateway.configure(redirect=303)
    gateway.signal(signal.SIGHUP)
    time.sleep(WATCHDOG)  # what was on its way
    manager.forget()
    assert [manager.next(but=(), timeout=20 * WATCHDOG) for _ in range(20)] == ["WATCHDOG=1"] * 20
    assert gateway.get("/old-sso/acme").status == 307
    stalled.unlink()
    gateway.wait_for(lambda: gateway.get("/old-sso/acme").status == 303)


def test_without_a_watchdog_it_is_not_fed(manager, gateway):
    gateway.start()
    assert manager.next(but=()) == "READY=1"
    assert manager.next(but=(), timeout=1) is None


def test_the_watchdog_starves_while_a_worker_hangs(tmp_path, gateway, monkeypatch):
    """And /livez says which one, to those who restart it in systemd's place."""
    manager = Manager(tmp_path, monkeypatch)
    admin = Admin(free_port())
    monkeypatch.setenv("WATCHDOG_USEC", str(int(WATCHDOG * 1e6)))
    gateway.configure(admin={"address": f"127.0.0.1:{admin.port}"})
    stalled = gateway.directory / "stalled"
    start_with(gateway, "stall", monkeypatch, STALL_WHILE=stalled)
    _, worker, _ = workers(gateway)
    assert admin.get("/livez").status == 200 and admin.json("/livez")["status"] == "ok"
    stalled.touch()
    signal_thread(gateway.pid, worker, signal.SIGURG)

    def starves():
        manager.forget()
        return manager.next(but=(), timeout=5 * WATCHDOG) is None

    gateway.wait_for(lambda: starves() and admin.get("/livez").status == 503, timeout=60)  # a main thread that is late is silent, too
    answer = admin.get("/livez")
    told = json.loads(answer.text)
    assert (answer.status, told["status"], [silent > 5000 for silent in told["loops_silent_ms"]]) == (503, "stuck", [True, False])
    stalled.unlink()
    assert manager.next(but=()) == "WATCHDOG=1", "it comes round again"
    assert admin.get("/livez").status == 200
