"""Restart and upgrade under load, on kept and on fresh connections: no request fails. By the new daemon beside the old, and by sockets that
somebody holds while the daemon changes."""
import os

import pytest

from callers import Caller, Calling, Rows
from cutover import CONNECTION_ID

LONG = bool(os.environ.get("SSOFERRY_LONG"))
RESTARTS = 100 if LONG else 8
ROWS = Rows({"acme": {(307, f"https://api.stytch.com/v1/b2b/sso/callback/{CONNECTION_ID}")}})


def callers(address, kept=6, fresh=4):
    """Of those that keep their connection, each waits longer between two requests than the one before."""
    return [Caller(address, ROWS, number, keeps=True, pause=0.0005 * 3 ** number) for number in range(kept)] + [
        Caller(address, ROWS, number, keeps=False) for number in range(fresh)]


@pytest.fixture
def pair(make_gateway):
    """Two daemons for the same port and store, of which one runs."""
    old = make_gateway(log={"requests": "off"}, drain={"delay": "300ms", "timeout": "20s"})
    old.load({"acme": CONNECTION_ID})
    new = make_gateway(**old.config)
    new.port = old.port
    old.start()
    return old, new


@pytest.mark.timeout(60 + 10 * RESTARTS)
def test_the_new_daemon_beside_the_old(pair):
    old, new = pair
    with Calling(callers(old.address)) as calling:
        for _ in range(RESTARTS):
            new.start()
            new.wait_for(lambda: "serving 1 connection" in new.stderr)
            calling.go_on(10)
            old.stop()
            old, new = new, old
            if calling.failed:
                break
    print(calling.asked, calling.closed_between)
