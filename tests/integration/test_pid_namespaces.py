"""One store and programs in PID namespaces of their own, as containers have them. LMDB tells programs apart by their process numbers."""
import os
import re
import signal
import subprocess
import time
from pathlib import Path

import pytest

import wire
from cutover import CONNECTION_ID
from namespaces import unsharing
from programs import check_words, program, run

EXPLANATION = r"another container.*process number.*share a PID namespace"


def unshared(*command):
    return [*unsharing("--pid", "--fork", "--kill-child", mapped="--map-current-user"), *map(str, command)]


class Contained:
    """A daemon that is number 1 in its namespace."""

    def __init__(self, gateway):
        self.gateway = gateway
        self.log = gateway.directory / "contained.log"
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(unshared(program("ssoferryd"), "-c", gateway.config_path), stdin=subprocess.DEVNULL,
                                            stdout=subprocess.DEVNULL, stderr=log)

    def wait_until_it_serves(self):
        deadline = time.monotonic() + 60
        while "serving" not in self.log.read_text():
            assert self.process.poll() is None and time.monotonic() < deadline, self.log.read_text()
            time.sleep(0.02)

    def location(self, identifier):
        answer = wire.exchange(self.gateway.address, wire.request_bytes("GET", f"/old-sso/{identifier}", "localhost"))
        return answer.location

    def stop(self):
        child = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()
        if child:
            os.kill(int(child[0]), signal.SIGTERM)
        assert self.process.wait(60) == 0, self.log.read_text()
        check_words(self.log.read_text())


@pytest.fixture
def contained(make_gateway):
    gateway = make_gateway()
    gateway.load({"acme": CONNECTION_ID})
    contained = Contained(gateway)
    contained.wait_until_it_serves()
    yield contained
    contained.stop()


def in_a_container(*command, expect):
    done = subprocess.run(unshared(*command), capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=60)
    check_words(done.stderr)
    assert done.returncode == expect, done.stdout + done.stderr
    return done


def test_a_second_daemon_of_the_same_number_is_refused(contained, make_gateway):
    other = make_gateway(store=str(contained.gateway.store))
    done = in_a_container(program("ssoferryd"), "-c", other.config_path, expect=1)
    assert re.search(EXPLANATION, done.stderr), done.stderr
    assert contained.location("acme").endswith(CONNECTION_ID)


@pytest.mark.parametrize("command", [("get", "acme"), ("set", "acme", "label=Acme"), ("stat",), ("report",)], ids=lambda command: command[0])
def test_a_loader_of_the_same_number_is_refused(contained, command):
    done = in_a_container(program("ssoferry"), "-c", contained.gateway.config_path, *command, expect=1)
    assert re.search(EXPLANATION, done.stderr), done.stderr


def readers(gateway):
    return int(re.search(r"^readers\s+(\d+)", gateway.loader("stat").stdout, re.M)[1])


def test_a_loader_of_another_number_takes_no_readers_place(contained):
    """It looks for readers that have died before it writes, and the daemon's are not among them."""
    gateway = contained.gateway
    before = readers(gateway)
    for turn in range(3):
        rows = {"acme": CONNECTION_ID, **{f"customer-{turn}-{n}": CONNECTION_ID for n in range(2000)}}
        load = [program("ssoferry"), "-c", gateway.config_path, "load", "--allow-removals", gateway.mapping_file(rows)]
        in_a_container("sh", "-c", '"$@"; exit $?', "sh", *load, expect=0)
        assert contained.location(f"customer-{turn}-1999").endswith(CONNECTION_ID)
        assert readers(gateway) == before
    run("ssoferry", "-c", gateway.config_path, "list")
