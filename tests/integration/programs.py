"""The programs under test, and what no run of them may ever leave behind: a sanitizer's report, or a signal's exit status."""
import os
import platform
import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

_BIN = Path(os.environ.get("SSOFERRY_BIN") or ROOT / "build/dev/bin")
_REPORT = re.compile(r"(Address|Leak|Thread|Memory|UndefinedBehavior)Sanitizer|: runtime error: ")

_SYSTEM = platform.freedesktop_os_release()

# Ubuntu links libraries with -Bsymbolic-functions: libh2o calls its own functions, whichever of them the program has as well.
LIBH2O_KEEPS_ITS_OWN = "ubuntu" in (_SYSTEM["ID"], *_SYSTEM.get("ID_LIKE", "").split())


needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user; CI is root")


def program(name):
    path = _BIN / name
    assert path.exists(), f"{path} is not there; build it, or set SSOFERRY_BIN to the folder that has it"
    return str(path)


def is_linked_with(library):
    return library in subprocess.run(["ldd", program("ssoferryd")], capture_output=True, text=True, check=True).stdout


def is_sanitized():
    """A sanitizer keeps what was freed for a while, so that memory says nothing; and it needs calls that others do not."""
    return is_linked_with("libasan") or is_linked_with("libtsan")


def check_words(words):
    """What a program wrote on stderr holds no sanitizer's report."""
    assert not _REPORT.search(words), f"a sanitizer speaks:\n{words}"


def run(name, *arguments, expect=0, timeout=120, **options):
    """Runs a program to its end. `expect` is its exit status; None takes any but a crash's."""
    done = subprocess.run([program(name), *map(str, arguments)], capture_output=True, text=True, timeout=timeout,
                          stdin=subprocess.DEVNULL, **options)
    check_words(done.stderr)
    assert 0 <= done.returncode <= 2, f"{name} ended with {done.returncode}: {done.stderr}"
    if expect is not None:
        assert done.returncode == expect, f"{name} {arguments} ended with {done.returncode}: {done.stdout}{done.stderr}"
    return done
