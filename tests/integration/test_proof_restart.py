"""Restart and upgrade under load: no request fails, on kept and on fresh connections, whether the new daemon starts beside the old one or the
sockets are held while the daemon changes.

Five times each; long: a hundred times."""
import contextlib
import socket

import pytest

from callers import Caller, Calling, Rows
from cutover import CONNECTION_ID
from proof import LONG

RESTARTS = 100 if LONG else 5
ROWS = Rows({"acme": {(307, f"https://api.stytch.com/v1/b2b/sso/callback/{CONNECTION_ID}")}})


def callers(address, kept, fresh):
    """Of those that keep their connection, each waits longer between two requests than the one before."""
    return [Caller(address, ROWS, number, keeps=True, pause=0.0005 * 3 ** number) for number in range(kept)] + [
        Caller(address, ROWS, number, keeps=False) for number in range(fresh)]


def figures(proof, name, calling):
    proof.figure(f"{name}: restarts", RESTARTS)
    proof.figure(f"{name}: requests, each answered rightly", calling.asked)
    proof.figure(f"{name}: kept connections found closed between two requests", calling.closed_between)


@pytest.fixture
def gateway(make_gateway):
    gateway = make_gateway(log={"requests": "off"}, drain={"delay": "300ms", "timeout": "20s"})
    gateway.load({"acme": CONNECTION_ID})
    return gateway


@pytest.mark.timeout(60 + 10 * RESTARTS)
def test_the_new_daemon_beside_the_old(gateway, make_gateway, proof):
    """Both listen on the port by SO_REUSEPORT for a while, and the old one lets nobody in any more in its last moments (listener_hush()). Without the
    sandbox, for some kernels let only capabilities attach a socket filter."""
    gateway.configure(sandbox="off")
    old, new = gateway, make_gateway(**gateway.config)
    new.port = old.port
    old.start()
    with Calling(callers(old.address, kept=6, fresh=4)) as calling:
        for number in range(RESTARTS):
            new.start()
            new.wait_for(lambda: "serving 1 connection" in new.stderr)
            calling.go_on(10)
            old.stop()
            old, new = new, old
            proof.progress(number + 1, RESTARTS, "upgrades")
    figures(proof, "the new beside the old", calling)


@contextlib.contextmanager
def held_sockets(gateway):
    """What systemd's socket unit does."""
    path = gateway.directory / "held.sock"
    gateway.configure(listen=[*gateway.config["listen"], {"address": f"unix:{path}"}])
    with socket.create_server(gateway.address, backlog=4096) as tcp, socket.socket(socket.AF_UNIX) as unix:
        unix.bind(str(path))
        unix.listen(4096)
        yield tcp, unix


@pytest.mark.timeout(60 + 10 * RESTARTS)
def test_sockets_that_are_held_while_the_daemon_changes(gateway, proof):
    with held_sockets(gateway) as (tcp, unix):
        gateway.start(passed=[tcp, unix])
        everybody = callers(gateway.address, kept=4, fresh=3) + callers(unix.getsockname(), kept=3, fresh=2)
        with Calling(everybody) as calling:
            for number in range(RESTARTS):
                gateway.stop()
                gateway.start(passed=[tcp, unix])
                calling.go_on(10)
                proof.progress(number + 1, RESTARTS, "restarts")
    figures(proof, "held sockets", calling)
