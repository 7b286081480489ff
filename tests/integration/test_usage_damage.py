"""Pages of the usage file that cannot be read any more while a daemon counts into it, as when their disk fails. Cut short, a file fails just so."""
import os
import re
import signal
import subprocess
import sys
import time

import pytest

from admin import Admin
from callers import Caller, Calling, Rows
from ports import free_port
from stytch_ids import connection_id

PAGE = 4096
METAS = 2 * PAGE  # all that a commit can be found by, and nothing of what was counted
ACME = connection_id(1)
GIVEN_UP = "warning: usage is no longer counted: "
TAKEN_UP = "usage is counted now, including what came in meanwhile"


def usage_file(gateway):
    return gateway.store.with_name(gateway.store.name + ".usage")


def hits(gateway):
    return gateway.report().totals["hits"]


def wait_for_hits(gateway, expected):
    """In the file. They come there every two seconds; who looks all the time takes the processor from others."""
    gateway.wait_for(lambda: time.sleep(0.2) or hits(gateway) == expected)


def ask(gateway, times):
    for _ in range(times):
        assert gateway.get("/old-sso/acme").status == 307


@pytest.fixture
def counting(make_gateway):
    """A daemon that has counted three sign-ins and written them."""
    admin = Admin(free_port())
    gateway = make_gateway(admin={"address": f"127.0.0.1:{admin.port}"})
    gateway.admin = admin
    gateway.load({"acme": ACME})
    gateway.start()
    ask(gateway, 3)
    wait_for_hits(gateway, 3)
    return gateway


def lose_pages(gateway, size=METAS):
    """Two sign-ins more are not written then."""
    good = usage_file(gateway).read_bytes()
    os.truncate(usage_file(gateway), size)
    ask(gateway, 2)
    gateway.wait_for(lambda: GIVEN_UP in gateway.stderr)
    return good


def put_back(gateway, good):
    with usage_file(gateway).open("r+b") as file:
        file.write(good)


@pytest.mark.parametrize("size", [PAGE, METAS], ids=["one page", "two pages"])
def test_sign_ins_go_on(counting, size):
    """It is said once, and shown by what shows each usage file that cannot be written."""
    target = counting.get("/old-sso/acme").location
    rows = Rows({"acme": {(307, target)}})
    with Calling([Caller(counting.address, rows, keeps=keeps) for keeps in (True, False)]) as calling:
        os.truncate(usage_file(counting), size)
        counting.wait_for(lambda: GIVEN_UP in counting.stderr)
        failures = counting.admin.metric("ssoferry_usage_flush_failures_total")
        assert failures >= 1
        counting.wait_for(lambda: counting.admin.metric("ssoferry_usage_flush_failures_total") > failures + 1)
        calling.go_on(20)
    assert counting.stderr.count(GIVEN_UP) == 1
    # damaged, if it was cut while a write was under way: that leaves a hole
    why = r"\.usage: (a page of the usage file cannot be read|the usage file is damaged): see to its disk, and move the file away; counting then begins"
    assert re.search(why, counting.stderr)
    assert counting.get("/healthz").status == 200
    assert all(counting.admin.get(path).status == 200 for path in ("/", "/livez", "/readyz", "/healthz"))
    assert counting.admin.metric("ssoferry_usage_flush_age_seconds") > 0
    report = counting.admin.json("/report.json")
    assert (report["hits"], report["counted_since"], report["may_retire"]) == (0, None, False)
    assert "move it away" in counting.loader("report", expect=1).stderr
    assert "acme" in counting.loader("list").stdout
    counting.stop()
    assert "what was counted last is lost: " in counting.stderr


def test_counting_begins_anew_where_the_file_is_moved_away(at_noon, counting):
    """With what came since the last that was written."""
    lose_pages(counting)
    usage_file(counting).rename(usage_file(counting).with_name("away"))
    counting.wait_for(lambda: TAKEN_UP in counting.stderr)
    ask(counting, 1)
    wait_for_hits(counting, 3)
    assert counting.admin.json("/report.json")["hits"] == 3
    assert counting.report().totals["uncounted_days"] == 0
    failures = counting.admin.metric("ssoferry_usage_flush_failures_total")
    ask(counting, 1)
    wait_for_hits(counting, 4)
    assert counting.admin.metric("ssoferry_usage_flush_failures_total") == failures
    counting.stop()
    assert "lost" not in counting.stderr and hits(counting) == 4


def test_counting_begins_anew_in_a_file_that_was_emptied(counting):
    lose_pages(counting, 0)
    wait_for_hits(counting, 2)
    assert TAKEN_UP in counting.wait_for(lambda: TAKEN_UP in counting.stderr and counting.stderr)
    ask(counting, 1)
    counting.wait_for(lambda: counting.admin.json("/report.json")["hits"] == 3)


def test_a_file_that_was_put_right_is_taken_up_at_a_reload(counting):
    """With all that it had."""
    counting.stop()
    counting.configure(sandbox="off")  # which would have no process to look into the file
    counting.start()
    good = lose_pages(counting)
    counting.signal(signal.SIGHUP)
    counting.wait_for(lambda: "warning: usage is still not counted: " in counting.stderr)
    put_back(counting, good)
    counting.signal(signal.SIGHUP)
    counting.wait_for(lambda: TAKEN_UP in counting.stderr)
    ask(counting, 1)
    wait_for_hits(counting, 6)


@pytest.mark.parametrize("mend, expected", [(None, None), ("put back", 3), ("removed", 0)])
def test_a_restart(counting, mend, expected):
    """Counts if the file is good again or gone, and serves in any case."""
    good = lose_pages(counting)
    counting.stop()
    if mend == "put back":
        put_back(counting, good)
    elif mend == "removed":
        usage_file(counting).unlink()
    counting.start()
    ask(counting, 1)
    if mend:
        wait_for_hits(counting, expected + 1)
    else:
        assert "usage is not counted: " in counting.stderr and "damaged: move it away" in counting.stderr


@pytest.mark.parametrize("removed", [False, True], ids=["at the end", "while it serves"])
def test_a_lock_file_that_was_emptied_ends_nobody(counting, removed):
    """A reader's slot is in it, which LMDB gives back when it closes the file: at the end, or when it was deleted and is made anew."""
    counting.admin.json("/report.json")
    lock = usage_file(counting).with_name(usage_file(counting).name + "-lock")
    os.truncate(lock, 0)
    if removed:
        usage_file(counting).unlink()
        counting.wait_for(lambda: "was deleted or replaced: counting begins again from nothing" in counting.stderr)
        time.sleep(3)  # the next write is due every two seconds
        ask(counting, 2)
    counting.stop()  # with status 0
    assert "error" not in counting.stderr


def test_at_the_end(counting):
    """What came last is lost, and that is said; the end is an orderly one."""
    ask(counting, 1)
    os.truncate(usage_file(counting), METAS)
    ask(counting, 1)
    counting.stop()
    assert "what was counted last is lost: " in counting.stderr


def test_another_daemon_takes_over(counting, make_gateway):
    """One that counted into the same file gives it up, too, and one that comes later does not wait for it."""
    def beside():
        gateway = make_gateway()
        gateway.store = counting.store
        gateway.configure(store=str(counting.store))
        gateway.start()
        return gateway

    second = beside()
    lose_pages(counting)
    ask(second, 1)
    second.wait_for(lambda: GIVEN_UP in second.stderr)
    third = beside()
    assert "usage is not counted: " in third.stderr
    ask(third, 4)
    for gateway in (counting, second):
        gateway.stop()
    usage_file(counting).rename(usage_file(counting).with_name("away"))
    third.wait_for(lambda: TAKEN_UP in third.stderr)
    wait_for_hits(third, 4)


WRITER = """
import lmdb, sys
environment = lmdb.open(sys.argv[1], subdir=False, max_dbs=8, map_size=1 << 30)
print("open", flush=True)
sys.stdin.readline()
with environment.begin(environment.open_db(b"meta", create=False), write=True) as transaction:
    assert transaction.put(b"schema", transaction.get(b"schema"))
print("written", flush=True)
"""


def test_no_other_program_waits_for_the_lock(counting):
    """The daemon held it when it gave the file up, and goes on running."""
    command = [sys.executable, "-c", WRITER, str(usage_file(counting))]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other:
        try:
            assert other.stdout.readline() == "open\n"
            put_back(counting, lose_pages(counting))
            assert other.communicate("\n", timeout=30)[0] == "written\n"
        finally:
            other.kill()
    assert hits(counting) == 3
    ask(counting, 1)
