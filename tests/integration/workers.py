"""Connections to every worker of a gateway."""
import contextlib
import os
import re
from pathlib import Path

import wire


def by_worker(gateway, connections):
    """The connections by the event loop of the daemon that watches them: epoll(7) says in /proc which descriptors those are."""
    process = Path(f"/proc/{gateway.pid}")
    links = {}
    for entry in (process / "fd").iterdir():
        with contextlib.suppress(FileNotFoundError):  # closed meanwhile
            links[entry.name] = os.readlink(entry)
    rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    inodes = {int(row[2].rpartition(":")[2], 16): row[9] for row in rows if row[1].endswith(f":{gateway.port:04X}")}
    ours = {f"socket:[{inodes[connection.socket.getsockname()[1]]}]": connection for connection in connections}
    found = []
    for name in (name for name, target in links.items() if target == "anon_inode:[eventpoll]"):
        watched = re.findall(r"^tfd:\s*(\d+)", (process / "fdinfo" / name).read_text(), re.M)
        found.append([ours[links[descriptor]] for descriptor in watched if links.get(descriptor) in ours])
    return [some for some in found if some]


class Workers:
    """Kept connections to every worker of a gateway. The kernel shares them out, so they are opened until each worker has some."""

    EACH = 2
    CONNECTIONS_MAX = 200

    def __init__(self, gateway):
        self._gateway = gateway
        self._threads = gateway.config["threads"]
        self._connections = []
        while len(found := by_worker(gateway, self._connections)) < self._threads or min(map(len, found)) < self.EACH:
            assert len(self._connections) < self.CONNECTIONS_MAX, [len(some) for some in found]
            for _ in range(self._threads):
                self._connections.append(gateway.connect())
            assert len(self.ask_all("/healthz")) == 1

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for connection in self._connections:
            connection.close()

    def one_each(self):
        """A connection to each worker."""
        return [some[0] for some in by_worker(self._gateway, self._connections)]

    def ask_all(self, target):
        """What the connections answer, each to its very next request: one value where they agree."""
        answers = []
        for connection in self._connections:
            connection.send(wire.request_bytes("GET", target, "localhost"))
            answers.append(connection.answer())
        return {(answer.status, answer.location) for answer in answers}
