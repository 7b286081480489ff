"""Commands that a message prints, run by a shell as they stand there."""
import contextlib
import fcntl
import re
import subprocess

import pytest

from cutover import CONNECTION_ID, OTHER_CONNECTION_ID
from gateway import Gateway
from programs import program

PRINTED = re.compile(r"`((?:ssoferry|fuser) [^`]*)`|\((fuser [^)]*-lock)\)")
SHELLS = {"sh": "Acme 'n' Sons", "bash": "Acme's\u200bs\\x41 "}  # only bash and zsh know a way to write what cannot be seen


def printed(words):
    return [backquoted or other for backquoted, other in PRINTED.findall(words)]


def run_printed(gateway, command, shell="sh", options=""):
    """As an operator has it, but for the configuration and options that a script needs. `fuser` is told a file that is there."""
    start = (f'ssoferry() {{ [ "$1" = -c ] || set -- -c "$CONFIG" "$@"; {program("ssoferry")} "$@" {options}; }}\n'
             'fuser() { for last; do :; done; test -e "$last" && echo found; }\n')
    return subprocess.run([shell, "-c", start + command], capture_output=True, text=True, timeout=60, stdin=subprocess.DEVNULL,
                          env={"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8", "CONFIG": str(gateway.config_path)})


@pytest.fixture
def gateway(tmp_path):
    """With a blank and a quote in every path."""
    gateway = Gateway(tmp_path / "Ops' files", routes=[{"match": "/old-sso/{identifier}"}, {"match": "/okta/{identifier}", "source": "okta"}])
    with contextlib.closing(contextlib.ExitStack()) as stack:
        stack.callback(gateway.stop)
        yield gateway


@pytest.mark.parametrize("source", [[], ["--source", "okta"]], ids=["default", "okta"])
@pytest.mark.parametrize("shell", SHELLS)
def test_what_became_of_a_row_that_is_wanted_back(gateway, shell, source):
    name = SHELLS[shell]
    gateway.load({name: CONNECTION_ID, "globex": OTHER_CONNECTION_ID}, source="okta" if source else None)
    gateway.loader("remove", *source, name)
    [history, rollback] = printed(gateway.loader("set", *source, name, "state=stytch", expect=2).stderr)
    shown = run_printed(gateway, history, shell)
    assert shown.returncode == 0 and "revision 2, remove by " in shown.stdout and CONNECTION_ID in shown.stdout, (history, shown)
    assert run_printed(gateway, rollback, shell, "--yes").returncode == 0
    assert CONNECTION_ID in gateway.loader("get", *source, name).stdout


def test_which_rows_cannot_be_used(gateway):
    gateway.configure(stytch={"allowed_hosts": ["login.globex-app.com"]})
    gateway.load({"globex": {"connection_id": CONNECTION_ID, "acs_url": f"https://login.globex-app.com/v1/b2b/sso/callback/{CONNECTION_ID}"}})
    gateway.configure(stytch={"allowed_hosts": []})
    gateway.start()
    [check] = gateway.wait_for(lambda: printed(gateway.stderr))
    done = run_printed(gateway, check)
    assert done.returncode == 2 and "globex" in done.stderr, (check, done)


def test_who_has_the_store_open(gateway):
    gateway.load({"acme": CONNECTION_ID})
    gateway.start()
    copy = gateway.directory / "copy.mdb"
    gateway.loader("backup", copy)
    away = gateway.store.rename(gateway.directory / "away.mdb")
    copy.rename(gateway.store)
    [fuser] = printed(gateway.loader("list", expect=1).stderr)
    assert run_printed(gateway, fuser).stdout == "found\n", fuser
    away.rename(gateway.store)
    for label in "abc":
        gateway.set("acme", f"label={label}")
    copy.write_bytes(gateway.store.read_bytes())
    for label in "def":
        gateway.set("acme", f"label={label}")
    sibling = Gateway(gateway.directory / "sibling", store=str(gateway.store), usage=False)
    try:
        sibling.start()
        gateway.store.write_bytes(copy.read_bytes())
        gateway.wait_for(lambda: "was written over" in gateway.stderr)
        for words in (gateway.stderr, gateway.loader("list", expect=1).stderr):
            [fuser] = printed(words)
            assert run_printed(gateway, fuser).stdout == "found\n", fuser
    finally:
        sibling.kill()
        gateway.kill()


def test_who_is_waited_for(gateway):
    gateway.load({"acme": CONNECTION_ID})
    with gateway.store.open("rb") as store:
        fcntl.flock(store, fcntl.LOCK_EX)
        waiting = subprocess.Popen([program("ssoferry"), "-c", gateway.config_path, "set", "acme", "state=disabled"], stderr=subprocess.PIPE, text=True)
        told = waiting.stderr.readline()
        [fuser] = printed(told)
        assert run_printed(gateway, fuser).stdout == "found\n", fuser
    waiting.communicate(timeout=60)
    assert waiting.returncode == 0
