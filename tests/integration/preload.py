"""Libraries of the tests' own within a daemon, and signals to one of its threads."""
import ctypes
import os
import re
from pathlib import Path

from programs import program

SYS_TGKILL = {"x86_64": 234, "aarch64": 131}[os.uname().machine]


def start_with(gateway, library, monkeypatch, **environment):
    """Starts the gateway's daemon with LIBRARY.so in it."""
    with monkeypatch.context() as patch:
        patch.setenv("LD_PRELOAD", program(f"{library}.so"))
        patch.setenv("ASAN_OPTIONS", os.environ.get("ASAN_OPTIONS", "") + ":verify_asan_link_order=0")
        for name, value in environment.items():
            patch.setenv(name, str(value))
        gateway.start()


def threads(pid):
    """{number: the status of the thread as a dictionary}"""
    return {int(task.name): dict(re.findall(r"^(\w+):\s*(.*)$", (task / "status").read_text(), re.M)) for task in Path(f"/proc/{pid}/task").iterdir()}


def takes(status, number):
    """Whether the thread has not blocked the signal."""
    return not int(status["SigBlk"], 16) >> (number - 1) & 1


def signal_thread(pid, thread, number):
    assert ctypes.CDLL(None).syscall(SYS_TGKILL, pid, thread, number) == 0
