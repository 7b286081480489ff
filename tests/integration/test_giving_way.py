"""What works on much of the table gives way to the daemon: it steps back, and where a daemon has the table open, it pauses."""
import fcntl
import os
import signal
import subprocess
from pathlib import Path

import pytest

from large_tables import connection_id
from programs import program

ROWS = 2000  # more than a pipe takes
USUAL = os.getpriority(os.PRIO_PROCESS, 0)
BEHIND = max(USUAL, 10)
READING = [["list"], ["list", "--json"], ["export"], ["report", "--csv"], ["history", "--show", "1"], ["diff", "--merge", "OTHERS"], ["check", "--table", "--json"]]


@pytest.fixture
def gateway(make_gateway):
    return make_gateway()


def begin(gateway, words, **streams):
    quiet = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    return subprocess.Popen([program("ssoferry"), "-c", str(gateway.config_path), *map(str, words)], **{**quiet, **streams})


def manners_of(process):
    """Its nice value, and whether a timer's signal lets it pause."""
    caught = next(line for line in Path(f"/proc/{process.pid}/status").read_text().splitlines() if line.startswith("SigCgt"))
    return os.getpriority(os.PRIO_PROCESS, process.pid), bool(int(caught.split()[1], 16) >> signal.SIGALRM - 1 & 1)


def seen_waiting(gateway, words):
    """The manners of a command that waits for the lock of all changes."""
    with begin(gateway, words, stderr=subprocess.PIPE) as process:
        assert b"waiting for another ssoferry" in process.stderr.readline()
        manners = manners_of(process)
        process.kill()
    return manners


def seen_printing(gateway, words):
    """The manners of a command that has more to print than anybody takes."""
    with begin(gateway, words, stdout=subprocess.PIPE) as process:
        assert process.stdout.read(1)
        manners = manners_of(process)
        process.kill()
    return manners


def test_changing_much_pauses_beside_a_daemon(gateway):
    one = ["set", "globex", "redirect=303"]
    much = [["load", gateway.mapping_file({"acme": connection_id(1, 1)})], ["set", "--all", "redirect=303"], ["rollback", "--yes", "0"],
            ["remove", *(f"customer-{row}" for row in range(1001))]]
    gateway.load({"globex": connection_id(2, 1)})
    with gateway.store.open("rb") as store:
        fcntl.flock(store, fcntl.LOCK_EX)
        assert [seen_waiting(gateway, words) for words in (one, *much)] == [(USUAL, False), *[(BEHIND, False)] * len(much)]
        gateway.start()
        assert [seen_waiting(gateway, words) for words in (one, *much)] == [(USUAL, False), *[(BEHIND, True)] * len(much)]


@pytest.mark.parametrize("words", READING, ids=" ".join)
def test_reading_much_pauses_beside_a_daemon(gateway, words):
    gateway.load({f"customer-{row}": {"state": "legacy"} for row in range(ROWS)})  # of which none has a legacy URL: an error each
    others = gateway.mapping_file({f"other-{row}": connection_id(row, 1) for row in range(ROWS)})
    words = [others if word == "OTHERS" else word for word in words]
    assert seen_printing(gateway, words) == (BEHIND, False)
    gateway.start()
    assert seen_printing(gateway, words) == (BEHIND, True)


def test_checking_a_file_steps_back(gateway, tmp_path):
    pipe = tmp_path / "rows.yaml"
    os.mkfifo(pipe)
    with begin(gateway, ["check", pipe]) as process:
        with pipe.open("wb"):  # it waits until somebody reads
            assert manners_of(process) == (BEHIND, False)
        process.wait(60)


def test_a_backup_with_pauses_is_whole(gateway, tmp_path):
    gateway.load({f"customer-{row}": connection_id(row, 1) for row in range(10 * ROWS)})
    gateway.start()
    copy = tmp_path / "copy.mdb"
    gateway.loader("backup", copy)
    copied = subprocess.run([program("ssoferry"), "--store", str(copy), "export"], capture_output=True, text=True, check=True)
    assert copied.stdout == gateway.loader("export").stdout
