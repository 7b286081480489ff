"""What a process holds, as the kernel counts it."""
import os
from pathlib import Path


def descriptors(pid):
    return len(os.listdir(f"/proc/{pid}/fd"))


def memory(pid):
    """Bytes that are the process's own: of no file, and shared with nobody."""
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    return 1024 * next(int(line.split()[1]) for line in lines if line.startswith("Anonymous:"))


def is_sanitized(pid):
    """A sanitizer keeps what was freed for a while, so that memory says nothing."""
    return "libasan" in (maps := Path(f"/proc/{pid}/maps").read_text()) or "libtsan" in maps


def cpu_seconds(pid):
    """User and system time of all its threads so far."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
