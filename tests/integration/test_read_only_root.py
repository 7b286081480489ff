"""A machine where nothing can be written but the store's own mount."""
import signal
import subprocess
import time
from pathlib import Path

import pytest

import wire
from cutover import CONNECTION_ID
from gateway import Gateway
from namespaces import unsharing
from programs import check_words, program

# Everything read-only, then the store on a tmpfs; a file elsewhere proves it.
SCRIPT = """
set -e
mount --make-rprivate /
mount -t tmpfs tmpfs "$1"
mount -o remount,bind,ro /
awk '{print $2}' /proc/self/mounts | while read -r at; do
    [ "$at" = "$1" ] || mount -o remount,bind,ro "$at" 2>/dev/null || true
done
if touch "$2" 2>/dev/null; then echo "$2 can be written" >&2; exit 9; fi
shift 2
exec "$@"
"""

# The store's directory alone, as systemd's ProtectSystem=strict makes one that the unit does not name.
ONLY_THE_STORE = """
set -e
mount --make-rprivate /
mount --bind "$1" "$1"
mount -o remount,bind,ro "$1"
shift 2
exec "$@"
"""


@pytest.fixture
def gateway(tmp_path):
    return Gateway(tmp_path / "gateway")


class ReadOnly:
    def __init__(self, gateway, script=SCRIPT):
        self.gateway = gateway
        self.log = (gateway.directory / "daemon.log").open("w+b")
        self._unshare = unsharing("--mount", mapped="--map-root-user")
        self.process = subprocess.Popen([*self._unshare, "sh", "-c", script, "sh", str(gateway.store.parent),
                                         str(gateway.directory / "elsewhere"), program("ssoferryd"), "-c", str(gateway.config_path)],
                                        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=self.log)
        deadline = time.monotonic() + 60
        while not gateway.accepts():
            assert self.process.poll() is None and time.monotonic() < deadline, self.words
            time.sleep(0.02)

    @property
    def words(self):
        return Path(self.log.name).read_text()

    def load(self, *arguments):
        """In the daemon's mounts, as `docker exec` does."""
        join = ["nsenter", f"--target={self.process.pid}", "--mount", *(["--user", "--preserve-credentials"] if "--user" in self._unshare else [])]
        done = subprocess.run([*join, program("ssoferry"), "-c", str(self.gateway.config_path), *map(str, arguments)], capture_output=True, text=True,
                              stdin=subprocess.DEVNULL, timeout=60)
        check_words(done.stderr)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def status(self, path):
        return wire.exchange(self.gateway.address, wire.request_bytes("GET", path, "localhost")).status

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        assert self.process.wait(60) == 0, self.words
        check_words(self.words)


def test_it_serves_loads_reloads_and_counts(gateway):
    mapping = gateway.mapping_file({"acme": CONNECTION_ID})
    machine = ReadOnly(gateway)
    try:
        assert machine.status("/healthz") == 503
        machine.load("load", mapping)
        assert machine.status("/old-sso/acme") == 307
        machine.process.send_signal(signal.SIGHUP)
        gateway.wait_for(lambda: "reload: done" in machine.words)
        gateway.wait_for(lambda: '"acme"' in machine.load("report", "--json"))
    finally:
        machine.stop()
    assert "warning" not in machine.words
    assert not list(gateway.store.parent.iterdir()), "the store was on its own mount"


def test_a_store_that_is_read_only_for_the_daemon_alone(gateway):
    """LMDB then reads without a lock, and a loader who can write there has its pages written over under it."""
    gateway.load({"acme": CONNECTION_ID})
    machine = ReadOnly(gateway, ONLY_THE_STORE)
    try:
        assert machine.status("/old-sso/acme") == 307
        assert f"warning: {gateway.store}-lock is on a file system that is read-only here" in machine.words
    finally:
        machine.stop()
