"""Loads that are too large for one transaction: the table is written anew beside the old one, and nobody sees it before it is whole."""
import fcntl
import json
import random
import signal
import subprocess
import time

import lmdb
import pytest

from large_tables import LIVE, ROWS, connection_id, table_text
from programs import check_words, program
from proof import LONG, short

KILLS = 200 if LONG else short(5)
pytestmark = pytest.mark.timeout(400)  # a load pauses more, the busier its machine is
SEED = 20261121


def test_loads_edits_and_rollbacks(tables):
    gateway = tables.gateway
    gateway.start()  # before there is a table
    gateway.loader("load", tables.files[0])
    assert tables.served(ROWS - 1) == LIVE + connection_id(ROWS - 1, 1)
    assert tables.stat()["schema"] == 2
    assert tables.exported() == tables.texts[0]
    gateway.set("customer-000007", f"connection_id={connection_id(7, 3)}")
    assert tables.served(7) == LIVE + connection_id(7, 3)
    gateway.loader("load", tables.files[1])
    assert tables.served(7) == LIVE + connection_id(7, 2)
    assert tables.exported() == tables.texts[1]
    gateway.set("customer-000008", "state=disabled")
    assert gateway.get("/old-sso/customer-000008").status == 410

    revisions = [json.loads(line) for line in gateway.loader("history", "--json").stdout.splitlines()]
    assert [(revision["added"], revision["changed"], revision["removed"]) for revision in revisions] == [
        (0, 1, 0), (0, ROWS, 0), (0, 1, 0), (ROWS, 0, 0)]

    gateway.loader("rollback", "--yes", "2")
    assert tables.served(7) == LIVE + connection_id(7, 3)
    assert tables.served(8) == LIVE + connection_id(8, 1)
    stat = tables.stat()
    assert (stat["revision"], stat["rows"], stat["stytch"]) == (5, ROWS, ROWS)
    gateway.loader("rollback", "--yes", "1")
    assert tables.exported() == tables.texts[0]


def test_a_load_that_is_refused_leaves_nothing(tables):
    gateway = tables.gateway
    tables.begin()
    before, whole = tables.stat(), gateway.store.read_bytes()
    said = gateway.loader("set", "--all", "--dry-run", "redirect=303").stdout
    assert said == f"dry run: would make revision 2: {ROWS:,} rows changed: default {ROWS:,}\n" and gateway.store.read_bytes() == whole
    few = gateway.directory / "few.yaml"
    few.write_text(table_text(2, ROWS * 4 // 5))
    assert "--allow-removals" in gateway.loader("load", few, expect=1).stderr
    after = tables.stat()
    assert {**after, "file_bytes": 0} == {**before, "file_bytes": 0}
    assert tables.exported() == tables.texts[0]

    url = "https://legacy.example.net/sso/{identifier}"  # which the last row has none of
    gateway.configure(legacy={"allowed_hosts": ["legacy.example.net"]}, routes=[
        {"match": "/old-sso/{identifier}", "legacy_url": url}, {"match": "/zz/{identifier}", "source": "zz"}])
    gateway.loader("set", "last", "--source", "zz", f"connection_id={connection_id(1, 3)}")
    before, whole, history = tables.stat(), tables.exported(), gateway.loader("history", "--json").stdout
    said = gateway.loader("set", "--all", "--state", "stytch", "state=legacy", expect=2).stderr
    assert "last cannot be legacy" in said and f"nothing was changed: {ROWS:,} of the {ROWS + 1:,} rows can be changed this way" in said
    after = tables.stat()
    assert after["file_bytes"] > before["file_bytes"], "it was refused before it wrote anything"
    assert {**after, "file_bytes": 0, "used_bytes": 0} == {**before, "file_bytes": 0, "used_bytes": 0}
    assert (tables.exported(), gateway.loader("history", "--json").stdout) == (whole, history)
    copy = gateway.directory / "copy.mdb"
    gateway.loader("backup", copy)
    assert copy.stat().st_size < before["used_bytes"] + 1_000_000, "nothing of the refused load is in the file"


@pytest.mark.timeout(400 + 20 * KILLS)
def test_kills_at_any_moment(tables, proof):
    """The table is that of before or after, and the next change finds no trace."""
    gateway = tables.gateway
    tables.begin()
    gateway.start()
    chance = random.Random(SEED)
    began = time.monotonic()
    gateway.loader("load", tables.files[1])
    window = (time.monotonic() - began) * 1.2
    current, landed, largest = 1, 0, tables.stat()["file_bytes"]
    for number in range(KILLS):
        gateway.kill_load(tables.files[1 - current], chance.uniform(0, window))
        with lmdb.open(str(gateway.store), subdir=False, max_dbs=8, map_size=1 << 36) as environment:
            environment.begin(write=True).abort()  # tells of a change that had landed when its writer died
        exported = tables.exported()
        assert exported in tables.texts
        landed += exported != tables.texts[current]
        current = tables.texts.index(exported)
        assert tables.served(0) == LIVE + connection_id(0, current + 1)
        stat = tables.stat()
        assert (stat["revision"], stat["rows"]) == (2 + landed, ROWS)
        proof.progress(number + 1, KILLS)
    gateway.set("customer-000001", "label=after all of that")
    gateway.loader("rollback", "--yes", str(2 + landed))
    assert tables.exported() == tables.texts[current]
    stat = tables.stat()  # what revisions keep, up to fifty of those that landed, is no trace of the others
    assert stat["file_bytes"] - stat["undo_bytes"] < 4 * largest
    proof.figure("kills of loads that were written anew", KILLS)
    proof.figure("of them, such that had landed", landed)


@pytest.fixture
def gateway(make_gateway):
    return make_gateway()


class TestWaiting:
    """The lock that is held over all transactions of a change is one on the store's file."""

    def begin(self, gateway):
        process = subprocess.Popen([program("ssoferry"), "-c", str(gateway.config_path), "set", "acme", f"connection_id={connection_id(1, 1)}"],
                                   stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(0.5)
        return process

    @pytest.fixture
    def held(self, gateway):
        gateway.load({"globex": connection_id(2, 1)})
        with gateway.store.open("rb") as store:
            fcntl.flock(store, fcntl.LOCK_EX)
            yield store

    def test_ends_when_the_other_does(self, gateway, held):
        process = self.begin(gateway)
        fcntl.flock(held, fcntl.LOCK_UN)
        out, said = process.communicate(timeout=300)
        check_words(said)
        assert (process.returncode, out) == (0, "revision 2: acme added\n"), said

    def test_can_be_given_up(self, gateway, held):
        process = self.begin(gateway)
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=300)
        check_words(said)
        assert process.returncode == -signal.SIGINT
        assert json.loads(gateway.loader("stat", "--json").stdout)["revision"] == 1
