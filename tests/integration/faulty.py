"""Programs whose calls fail when a test says so, by way of tests/faults/faults.c."""
import errno
import itertools
import os
from pathlib import Path

from preload import environment_with
from programs import program

_LIBRARY = Path(program("ssoferry")).resolve().parents[1] / "lib/libfaults.so"
WRITING = "write,pwrite,writev,ftruncate,fallocate,fsync,fdatasync"
FILES = WRITING + ",open,fopen,fdopen,pread,mmap,fcntl,flock,fchmod,rename,renameat2,link,linkat,unlink"
MEMORY = "malloc"


class Faults:
    """Which calls of a program fail, from its start on; see faults.c."""

    def __init__(self, directory, calls, code=errno.EIO, at=0, path=None, armed=None):
        assert _LIBRARY.exists(), f"{_LIBRARY} is not there"
        self._log = directory / "failed-calls"
        self._log.unlink(missing_ok=True)
        # The library has to come first, before a sanitizer's, so that it sees the calls at all.
        self.environment = {**os.environ, **environment_with(_LIBRARY, directory), "SSOFERRY_FAULT_CALLS": calls, "SSOFERRY_FAULT_AT": str(at),
                            "SSOFERRY_FAULT_ERRNO": str(code), "SSOFERRY_FAULT_LOG": str(self._log)}
        if path:
            self.environment["SSOFERRY_FAULT_PATH"] = str(path)
        if armed:
            self.environment["SSOFERRY_FAULT_WHILE"] = str(armed)

    def failed(self):
        """The calls that have failed so far."""
        return self._log.read_text().split() if self._log.exists() else []


def each_call_in_turn(directory, calls, code, path, run, step=1, most=10_000):
    """Calls run(faults) with the first such call failing, then the second (or, by `step`, a later one), until none fails; yields each call that did with what
    run() returned. The last yield has None: there, nothing failed."""
    for at in itertools.count(1, step):
        assert at <= most, f"still failing at call {at}"
        faults = Faults(directory, calls, code, at, path)
        result = run(faults)
        failed = faults.failed()
        yield (failed[0] if failed else None), result
        if not failed:
            return
