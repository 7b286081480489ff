"""What a process holds, as the kernel counts it."""
import contextlib
import os
from pathlib import Path

ESTABLISHED, _CLOSED_THERE, _LISTENING = "01", "08", "0A"  # include/net/tcp_states.h


def descriptors(pid):
    return len(os.listdir(f"/proc/{pid}/fd"))


def children(pid):
    """{number: its state, a letter as in ps(1)}"""
    found = {}
    for other in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            state, parent = (other / "stat").read_text().rpartition(")")[2].split()[:2]
            if int(parent) == pid:
                found[int(other.name)] = state
    return found


def has_ended(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except (FileNotFoundError, ProcessLookupError):
        return True


def connections(port):
    """(state, inode) of each TCP connection that this port is ours of; 0: no process holds it, since it was not accepted yet or is closed."""
    mark = f":{port:04X}"  # a busy machine has many thousand lines, and those without it need no closer look
    rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines() if mark in line]
    return [(row[3], row[9]) for row in rows if row[1].endswith(mark) and row[3] != _LISTENING]


def idle_descriptors(gateway):
    """How many a gateway holds when every client has gone; waits for that. Who has gone is still there as long as the gateway, which may get no
    processor for a while, has not closed its end."""
    looks, ports = [], gateway.listening_ports()

    def settled():
        held = [port for port in ports for state, inode in connections(port) if state in (ESTABLISHED, _CLOSED_THERE) or inode != "0"]
        looks.append((held, descriptors(gateway.pid)))
        return not held and len(looks) >= 10 and all(look == looks[-1] for look in looks[-10:])

    gateway.wait_for(settled, timeout=120)
    return looks[-1][1]


def memory(pid):
    """Bytes that are the process's own: of no file, and shared with nobody."""
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    return 1024 * next(int(line.split()[1]) for line in lines if line.startswith("Anonymous:"))


def cpu_seconds(pid):
    """User and system time of all its threads so far."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
