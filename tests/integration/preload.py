"""Libraries of the tests' own within a program, and signals to one of its threads."""
import contextlib
import ctypes
import os
import re
import sys
import time
from pathlib import Path

from programs import program

DAY = 86400


def environment_with(path, directory):
    """The environment of a program with the library at `path` in it, by way of a link in `directory`: to LD_PRELOAD, a space ends a path."""
    link = Path(directory) / Path(path).name
    if not link.exists():
        link.symlink_to(path)
    return {"LD_PRELOAD": str(link), "ASAN_OPTIONS": os.environ.get("ASAN_OPTIONS", "") + ":verify_asan_link_order=0"}


def start_with(gateway, library, monkeypatch, **environment):
    """Starts the gateway's daemon with LIBRARY.so in it."""
    with monkeypatch.context() as patch:
        for name, value in {**environment_with(program(f"{library}.so"), gateway.directory), **environment}.items():
            patch.setenv(name, str(value))
        gateway.start()


def set_to_noon(directory, monkeypatch):
    """To the clocks of programs started from here on, the test began at noon, UTC: no day ends while it runs."""
    for name, value in environment_with(program("clock.so"), directory).items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("CLOCK_BEHIND_SECONDS", str(int(time.time() - DAY / 2) % DAY))


@contextlib.contextmanager
def days_ago(directory, monkeypatch, days):
    """The clocks of programs that are started meanwhile are so far behind."""
    with monkeypatch.context() as patch:
        for name, value in environment_with(program("clock.so"), directory).items():
            patch.setenv(name, value)
        patch.setenv("CLOCK_BEHIND_DAYS", str(days))
        yield


class Reads:
    """How much a program reads of tables; a SIGINT comes at one of these reads."""

    def __init__(self, directory, interrupt_at=0):
        self._counted = Path(directory) / "reads"
        self.environment = {**os.environ, **environment_with(program("reads.so"), directory), "READS_COUNTED": str(self._counted),
                            "READS_INTERRUPT_AT": str(interrupt_at)}

    def count(self):
        return int.from_bytes(self._counted.read_bytes(), sys.byteorder)


def threads(pid):
    """{number: the status of the thread as a dictionary}"""
    return {int(task.name): dict(re.findall(r"^(\w+):\s*(.*)$", (task / "status").read_text(), re.M)) for task in Path(f"/proc/{pid}/task").iterdir()}


def workers(gateway):
    """The threads that answer, in the order they were made in, the admin listener's first."""
    count = gateway.config["threads"] + ("admin" in gateway.config)

    def begun():
        found = [thread for thread, status in threads(gateway.pid).items() if status["Name"] in ("worker", "admin")]
        assert len(found) <= count, found
        return found if len(found) == count else None

    return gateway.wait_for(begun)


def signal_thread(pid, thread, number):
    assert ctypes.CDLL(None).tgkill(pid, thread, number) == 0
