"""A store or a stream in trouble, several loaders at once, and loads that are interrupted."""

import json
import os
import pathlib
import resource
import signal
import subprocess
import time

import pytest

from loader import ACME, INITECH, MANY, SMALL, TIMEOUT, many_rows, plain, rows_in, wait_until
from preload import Reads


def test_an_identifier_that_none_can_be(loaded):
    """As of a script's variable that is unset."""
    for command in "get", "remove":
        assert "the identifier '' is empty" in loaded(command, "", status=1).stderr


def test_a_store_that_is_not_there(loader):
    for arguments in (["list"], ["get", "acme"], ["stat"], ["remove", "acme"], ["rollback", "1"], ["history"], ["export"]):
        result = loader(*arguments, status=1)
        assert str(loader.store) in result.stderr and len(result.stderr.splitlines()) == 1
    assert list(loader.home.iterdir()) == []


def test_a_directory_that_is_not_there(loader, tmp_path):
    store = tmp_path / "none" / "connections.mdb"
    result = loader("load", loader.file(SMALL), store=store, status=1)
    assert str(tmp_path / "none") in result.stderr and len(result.stderr.splitlines()) == 1


def test_a_store_that_is_something_else(loader):
    loader.store.write_text("this is no LMDB file\n" * 1000)
    for arguments in (["list"], ["load", loader.file(SMALL)], ["stat"]):
        result = loader(*arguments, status=1)
        assert str(loader.store) in result.stderr and len(result.stderr.splitlines()) == 1
    assert loader.store.read_text().startswith("this is no LMDB file")


def without_root():
    """In the child: gives up root, to which no file is read-only."""
    if os.getuid() == 0:
        os.setgid(65534)
        os.setuid(65534)


def test_a_read_only_store(loaded):
    for path in (loaded.home, *loaded.home.parents):
        if path.owner() == "root" and path.parts[1:2] == ("tmp",) and len(path.parts) > 2:
            path.chmod(0o755)
    loaded.store.chmod(0o444)
    pathlib.Path(str(loaded.store) + "-lock").chmod(0o666)
    loaded.home.chmod(0o555)
    assert "acme" in loaded("list", preexec_fn=without_root).stdout
    result = loaded.load(SMALL.replace(INITECH, ACME), status=1, preexec_fn=without_root)
    assert str(loaded.store) in result.stderr and len(result.stderr.splitlines()) == 1
    loaded.home.chmod(0o755)


def file_size_limit(size):
    def limit():
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))
    return limit


def test_a_full_disk_leaves_the_table_as_it_was(loaded):
    before = loaded.export()
    file = loaded.file(many_rows(20000), "many.yaml")
    size = loaded.store.stat().st_size
    result = loaded("load", "--merge", file, status=1, preexec_fn=file_size_limit(size + 256 * 1024))
    assert str(loaded.store) in result.stderr
    assert loaded.store.stat().st_size == size, "others need the room, too"
    assert loaded.export() == before
    loaded("load", "--merge", file)


@pytest.mark.skipif(os.getuid() != 0, reason="only root can mount a file system")
def test_a_full_file_system_leaves_the_table_as_it_was(loader, tmp_path):
    disk = tmp_path / "disk"
    disk.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", disk], capture_output=True).returncode != 0:
        pytest.skip("mounting is not allowed here")
    try:
        loader.store = disk / "connections.mdb"
        loader.load(many_rows(2000))
        before = loader.export()
        size = loader.store.stat().st_size
        result = loader("load", "--merge", loader.file(many_rows(40000), "many.yaml"), status=1)
        assert str(loader.store) in result.stderr and "disk" in result.stderr
        assert loader.store.stat().st_size == size
        assert loader.export() == before
        target = disk / "out.yaml"
        (disk / "filler").write_bytes(b"x" * (2 * 1024 * 1024 - sum(p.stat().st_blocks * 512 for p in disk.iterdir())))
        said = loader("export", "-o", target, status=1).stderr
        assert f"cannot write {target}: No space left on device" in said
        assert not target.exists() and not list(disk.glob("out.yaml*"))
    finally:
        subprocess.run(["umount", disk], check=True)


def test_a_full_standard_output(loaded):
    for arguments in (["list"], ["export"], ["list", "--json"], ["help"], ["diff", loaded.file(many_rows(3000))]):
        with open("/dev/full", "w") as full:
            result = subprocess.run(loaded.command(*arguments), stdout=full, stderr=subprocess.PIPE, text=True, timeout=TIMEOUT)
        assert result.returncode == 1 and "standard output" in result.stderr and "No space left" in result.stderr, (arguments, result)


def test_the_last_byte_that_finds_no_room(loader):
    """What standard output drops when its buffer overflows is not tried again at the end."""
    blocks = os.stat("/dev/full").st_blksize

    def room_left(rows, label):
        loader.load(f"{many_rows(rows)}  labelled: {{connection_id: {ACME}, label: {'x' * label}}}\n")
        return blocks + 1 - len(loader("list", "--json").stdout)

    rows = room_left(0, 1) // (room_left(0, 1) - room_left(1, 1))
    assert room_left(rows, 1 + room_left(rows, 1)) == 0
    with open("/dev/full", "w") as full:
        result = subprocess.run(loader.command("list", "--json"), stdout=full, stderr=subprocess.PIPE, text=True, timeout=TIMEOUT)
    assert result.returncode == 1 and "No space left" in result.stderr
    reader, writer = os.pipe()
    os.close(reader)
    with open(writer, "w") as gone:
        result = subprocess.run(loader.command("list", "--json"), stdout=gone, stderr=subprocess.PIPE, text=True, timeout=TIMEOUT)
    assert result.returncode == 1 and result.stderr == "", "it has seen enough"


def test_a_standard_input_that_is_closed(loader):
    closed = subprocess.run(loader.command("check", "-"), stderr=subprocess.PIPE, text=True, preexec_fn=lambda: os.close(0), timeout=TIMEOUT)
    assert closed.returncode == 2 and "<stdin>: it is closed: name a file" in closed.stderr
    assert f"{loader.home}: it is a directory: name a file" in plain("check", loader.home, status=2).stderr


def test_nothing_is_printed_into_the_table(loader):
    """Who starts it with standard files closed has its words nowhere, not in the files that it opens next."""
    for first in (1, 2):
        loader.load(rows_in("stytch", 0, 10))
        result = subprocess.run(loader.command("load", loader.file(rows_in("legacy", 4, 10))), preexec_fn=lambda: os.closerange(first, 3), timeout=TIMEOUT)
        assert result.returncode == (1 if first == 1 else 0), "not all of the output could be written, where there is none"
        for file in loader.home.glob("connections.mdb*"):
            assert b"warning" not in file.read_bytes(), file
        assert sum(row["state"] == "legacy" for row in loader.rows()) == 4


def test_a_reader_that_has_seen_enough(loader):
    loader.load(many_rows(20000))
    for arguments in (["list"], ["list", "--json"], ["export"]):
        program = subprocess.Popen(loader.command(*arguments), stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        program.stdout.readline()
        program.stdout.close()
        assert program.stderr.read() == b"" and program.wait(TIMEOUT) == 1
        program.stderr.close()


ONCE, TWICE = MANY, 2 * MANY  # to measure columns, list and report read all rows before they print the first

PRINTING = [(["export"], ONCE), (["list", "--json"], ONCE), (["list"], TWICE), (["report"], TWICE), (["report", "--json"], ONCE), (["report", "--csv"], ONCE),
            (["report", "--sort", "hits"], 3 * MANY), (["history", "--show", "1"], ONCE), (["history", "--show", "1", "--json"], ONCE)]


@pytest.mark.parametrize("arguments, all_reads", PRINTING, ids=lambda value: " ".join(value) if isinstance(value, list) else "")
def test_nothing_more_is_read_once_nobody_can_have_it(loader, arguments, all_reads):
    """The reader has seen enough, or the disk is full."""
    loader.load(many_rows(MANY))
    reads = Reads(loader.home)
    loader(*arguments, env=reads.environment)
    assert reads.count() >= all_reads
    program = subprocess.Popen(loader.command(*arguments), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=reads.environment)
    program.stdout.readline()
    program.stdout.close()
    assert program.wait(TIMEOUT) == 1
    assert reads.count() < all_reads - MANY / 2
    with open("/dev/full", "w") as full:
        assert subprocess.run(loader.command(*arguments), stdout=full, stderr=subprocess.DEVNULL, env=reads.environment, timeout=TIMEOUT).returncode == 1
    assert reads.count() < all_reads - MANY / 2


def test_an_export_to_a_full_disk_ends_there(loader):
    loader.load(many_rows(MANY))
    reads, target = Reads(loader.home), loader.home / "out.yaml"
    said = loader("export", "-o", target, status=1, env=reads.environment, preexec_fn=file_size_limit(64 * 1024)).stderr
    assert said == f"ssoferry: error: cannot write {target}: File too large\n"
    assert reads.count() < MANY / 2 and not list(loader.home.glob("out.yaml*"))


def test_loaders_at_the_same_time_all_land(loader):
    loader.load(SMALL)
    files = [loader.file(many_rows(2000).replace("customer", f"part-{i}"), f"part{i}.yaml") for i in range(4)]
    programs = [subprocess.Popen(loader.command("load", "--merge", file), stdout=subprocess.PIPE, stderr=subprocess.PIPE) for file in files]
    for loading in programs:
        out, err = loading.communicate(timeout=TIMEOUT)
        assert loading.returncode == 0, err
    assert loader.revision() == 5 and len(loader.rows()) == 8003


def has_open(process, path):
    try:
        return any(os.path.samefile(f"/proc/{process.pid}/fd/{fd}", path) for fd in os.listdir(f"/proc/{process.pid}/fd"))
    except (FileNotFoundError, PermissionError):
        return False


def leftovers(loader):
    return sorted(path.name for path in loader.home.iterdir() if path.suffix != ".yaml")


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_an_interrupted_load_leaves_a_whole_table(loaded, number):
    before, files_before = loaded.export(), leftovers(loaded)
    file = loaded.file(many_rows(40000), "many.yaml")
    landed = 0
    for delay in (0, 0.01, 0.04, 0.1, 0.16, 0.24):
        program = subprocess.Popen(loaded.command("load", "--allow-removals", file), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        wait_until(lambda: has_open(program, file) or program.poll() is not None)
        time.sleep(delay)
        program.send_signal(number)
        error = program.communicate(timeout=TIMEOUT)[1]
        assert program.returncode in (0, -number), error
        rows = json.loads(loaded("stat", "--json").stdout)["rows"]
        if rows != 3:
            assert rows == 40000
            landed += 1
            loaded("rollback", "--yes", "1")
        assert loaded.export() == before
        assert leftovers(loaded) == files_before
    assert landed < 6, "no load was interrupted"
