"""The store that root loads and the daemon's own user serves."""
import contextlib
import fcntl
import os
import pwd
import re
import shutil
import stat
import subprocess
import time
from pathlib import Path

import pytest

from cutover import CONNECTION_ID
from gateway import Gateway
from namespaces import unsharing
from programs import ROOT, check_words, needs_root, program, run


def modes(store):
    return [stat.S_IMODE(os.stat(path).st_mode) for path in (store, f"{store}-lock")]


@pytest.fixture(autouse=True)
def narrow_umask():
    before = os.umask(0o077)
    yield
    os.umask(before)


@pytest.mark.parametrize("directory_mode, file_mode", [(0o2770, 0o660), (0o770, 0o600), (0o2700, 0o600)])
def test_a_shared_directory_shares_the_store(tmp_path, directory_mode, file_mode):
    """Whatever the umask of whoever loads first."""
    directory = tmp_path / "store"
    directory.mkdir()
    directory.chmod(directory_mode)
    run("ssoferry", "--store", directory / "connections.mdb", "set", "acme", f"connection_id={CONNECTION_ID}")
    assert modes(directory / "connections.mdb") == [file_mode] * 2


# -- root among others ------------------------------------------------------------------------------------------------------
#
# Each member of the group may put a link in the place of any file in the directory, at any moment. Those below hold the
# moment open: LMDB waits for the lock on its lock file's first byte, which is theirs.

class Shared:
    """A store in a directory as the package makes it, of a user other than root; and a place that only root may write."""

    def __init__(self, directory):
        nobody = pwd.getpwnam("nobody")
        self.owner = nobody.pw_uid, nobody.pw_gid
        self.directory = directory / "store"
        self.directory.mkdir()
        os.chown(self.directory, *self.owner)
        self.directory.chmod(0o2770)
        self.store = self.directory / "connections.mdb"
        self.closed = directory / "closed"
        self.closed.mkdir(0o700)
        self.target = self.closed / "target"

    def command(self, *arguments):
        return [program("ssoferry"), "--store", str(self.store), *map(str, arguments)]

    def run(self, *arguments, **options):
        return run("ssoferry", "--store", self.store, *arguments, **options)

    def set(self, *identifiers, **options):
        return self.run("set", *identifiers, f"connection_id={CONNECTION_ID}", **options)

    def owners(self):
        return {path.name: (path.lstat().st_uid, path.lstat().st_gid) for path in self.directory.iterdir()}

    def swap_for_a_link(self, path):
        path.rename(path.with_name("moved-away"))
        path.symlink_to(self.target)

    @contextlib.contextmanager
    def run_into_the_lock(self, lock, *arguments):
        """Runs a command until it waits to open what the lock file belongs to, and on when the block ends."""
        with lock.open("r+b") as file:
            fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB, 1)
            process = subprocess.Popen(self.command(*arguments), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
            wait_for_a_waiter(file)
            yield
        output, _ = process.communicate(timeout=60)
        check_words(output)
        assert process.returncode in (0, 1), output


def wait_for_a_waiter(file):
    inode = f":{os.fstat(file.fileno()).st_ino} "
    deadline = time.monotonic() + 30
    while not any("->" in line and inode in line for line in Path("/proc/locks").read_text().splitlines()):
        assert time.monotonic() < deadline, "nobody waits for the lock"
        time.sleep(0.01)


@pytest.fixture
def shared(open_directory):
    return Shared(open_directory)


@pytest.fixture
def counted(shared):
    """With a usage file, as the daemon leaves it."""
    gateway = Gateway(shared.directory.parent / "gateway", user="nobody", store=str(shared.store))
    gateway.start()
    gateway.stop()
    assert shared.directory.joinpath("connections.mdb.usage").exists()
    return shared


@needs_root
def test_root_writes_nowhere_by_a_link_in_the_stores_place(shared):
    shared.set("acme")
    with shared.run_into_the_lock(Path(f"{shared.store}-lock"), "set", "globex", f"connection_id={CONNECTION_ID}"):
        shared.swap_for_a_link(shared.store)
    assert not os.path.lexists(shared.target), "root made a file that a member of the group named"


@needs_root
def test_root_writes_nowhere_by_a_link_in_the_place_of_the_usage_files_lock(counted):
    """A child opens the file first, to see whether it is sound; then its parent does."""
    lock = Path(f"{counted.store}.usage-lock")
    with counted.run_into_the_lock(lock, "report"):
        counted.swap_for_a_link(lock)
    assert not os.path.lexists(counted.target), "root made a file that a member of the group named"


@needs_root
def test_what_root_makes_is_the_owners(counted):
    for path in counted.directory.iterdir():
        path.unlink()
    counted.set("acme")
    assert counted.owners() == {name: counted.owner for name in ("connections.mdb", "connections.mdb-lock")}


@needs_root
def test_root_stays_root_but_for_the_opening(counted):
    """What it reads before, and what it writes when the store is open."""
    mapping = counted.closed / "mapping.yaml"
    mapping.write_text(f"version: 1\nconnections:\n  acme: {CONNECTION_ID}\n")
    assert stat.S_IMODE(mapping.stat().st_mode) == 0o600
    counted.run("load", mapping)
    counted.run("report")
    counted.run("export", "-o", counted.closed / "export.yaml")
    counted.run("backup", counted.closed / "backup.mdb")
    assert [counted.closed.joinpath(name).stat().st_uid for name in ("export.yaml", "backup.mdb")] == [0, 0]


@needs_root
@pytest.mark.parametrize("suffix", ["", "-lock"])
def test_what_is_to_do_about_roots_own_files_is_told(shared, suffix):
    """As an older ssoferry made them, or cp(1)."""
    shared.set("acme")
    path = f"{shared.store}{suffix}"
    os.chown(path, 0, 0)
    os.chmod(path, 0o600)
    told = shared.set("globex", expect=1).stderr
    assert (f"{path}: root acts as user id {shared.owner[0]} here, the directory's owner, because the group could put links there: "
            "give that user the file (chown -h)\n") in told
    subprocess.run(["chown", "-h", str(shared.owner[0]), path], check=True, timeout=60)
    shared.set("globex")


@needs_root
def test_a_link_that_is_there_is_told(shared):
    shared.set("acme")
    shared.swap_for_a_link(shared.store)
    shared.target.write_text("root's own")
    told = shared.set("globex", expect=1).stderr
    assert f"{shared.store}: root acts as user id" in told and "a link to what that user may not open: remove it, and see who made it" in told
    assert shared.target.read_text() == "root's own"


@needs_root
def test_a_directory_that_its_owner_does_not_reach_is_told(shared):
    shared.directory.parent.chmod(0o700)
    told = shared.set("acme", expect=1).stderr
    assert f"{shared.store}: root acts as user id" in told and "let that user enter the directories above" in told


@needs_root
def test_root_that_may_be_nobody_else_goes_on_as_root(shared):
    """As in a container without the capabilities."""
    command = ["setpriv", "--bounding-set=-setuid,-setgid", *shared.command("set", "acme", f"connection_id={CONNECTION_ID}")]
    subprocess.run(command, check=True, timeout=60)
    assert {owner for owner, _ in shared.owners().values()} == {0} and modes(shared.store) == [0o660] * 2


@needs_root
def test_root_of_a_user_namespace_goes_on_as_root(shared):
    """Where the directory's owner has no number."""
    command = [*unsharing("--user", "--map-root-user", mapped="--map-root-user"), *shared.command("set", "acme", f"connection_id={CONNECTION_ID}")]
    shared.directory.chmod(0o2777)
    subprocess.run(command, check=True, timeout=60)
    assert {owner for owner, _ in shared.owners().values()} == {0}


# -- putting it right by hand -----------------------------------------------------------------------------------------------

def commands_of_the_manual(directory):
    """What docs/operations.md has root do about a store that a wrong umask made; elsewhere, and for a user who is here."""
    section = (ROOT / "docs/operations.md").read_text().split("**In any other directory")[1]
    commands = re.search(r"^```\n(.*?)^```$", section, re.MULTILINE | re.DOTALL)[1]
    assert all(line.startswith("$ ") for line in commands.splitlines()), commands
    commands = "\n".join(line[2:] for line in commands.splitlines()).replace("/srv/sso", str(directory))
    return commands.replace("ssoferry:ssoferry", "nobody:nogroup").replace("-u ssoferry ", "-u nobody ")


def put_right(shared, swapping=None):
    """`swapping`: each file is swapped for a link as this program begins, as a member of the group may do it."""
    programs = shared.directory.parent / "programs"
    programs.mkdir()
    if swapping is not None:
        wrapper = programs / swapping
        wrapper.write_text(f"""#!/bin/sh
for file; do
    [ ! -f "$file" ] || [ -L "$file" ] || {{ mv "$file" moved-away && ln -s {shared.target} "$file"; }}
done
exec {shutil.which(swapping)} "$@"
""")
        wrapper.chmod(0o755)
        programs.chmod(0o755)
    environment = {**os.environ, "PATH": f"{programs}:{os.environ['PATH']}"}
    return subprocess.run(["sh", "-e"], input=commands_of_the_manual(shared.directory), text=True, capture_output=True, timeout=60, env=environment)


@pytest.fixture
def made_by_root(shared):
    shared.closed.chmod(0o755)
    shared.target.write_text("root's own")
    for suffix in ("", "-lock"):
        Path(f"{shared.store}{suffix}").write_text("")
    return shared


@needs_root
def test_the_manual_puts_a_store_right_and_follows_no_link(made_by_root):
    link = made_by_root.directory / "connections.mdb.link"
    link.symlink_to(made_by_root.target)
    before = made_by_root.target.stat()
    done = put_right(made_by_root)
    assert done.returncode == 0, done.stderr
    link.unlink()
    assert set(made_by_root.owners().values()) == {made_by_root.owner} and modes(made_by_root.store) == [0o660] * 2
    assert made_by_root.target.stat() == before


@needs_root
@pytest.mark.parametrize("swapping", ["chown", "chmod"])
def test_a_link_that_comes_while_the_store_is_put_right_is_not_followed(made_by_root, swapping):
    before = made_by_root.target.stat()
    put_right(made_by_root, swapping)
    assert made_by_root.directory.joinpath("moved-away").exists(), "nothing was swapped"
    after = made_by_root.target.stat()
    assert (after.st_mode, after.st_uid, after.st_gid) == (before.st_mode, before.st_uid, before.st_gid)


@needs_root
@pytest.mark.parametrize("source", ["/backup/backup.mdb", "/proc/4711/fd/4"])
def test_the_manual_puts_a_copy_back_and_follows_no_link(shared, source):
    """Root may read what is put back, and the daemon's user need not."""
    copy = shared.closed / "copy.mdb"
    copy.write_text("a copy")
    place = shared.closed / "place"
    place.mkdir()
    shared.store.symlink_to(place)
    lines = (ROOT / "docs/operations.md").read_text().splitlines()
    [command] = [line.strip().removeprefix("$ ") for line in lines if source in line and "connections.mdb" in line]
    command = command.replace(source, str(copy)).replace("/var/lib/ssoferry/", "").replace("-u ssoferry", "-u nobody")
    put_back = lambda: subprocess.run(["sh", "-c", command], cwd=shared.directory, capture_output=True, timeout=60)
    put_back()
    assert os.listdir(place) == []
    shared.store.unlink(missing_ok=True)
    assert put_back().returncode == 0
    assert shared.owners() == {"connections.mdb": shared.owner} and shared.store.read_text() == "a copy"
    assert stat.S_IMODE(shared.store.stat().st_mode) == 0o660
