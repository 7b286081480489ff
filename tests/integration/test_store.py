"""The table under the daemon: replaced while it serves, tampered with, taken away."""
import contextlib
import ctypes
import json
import os
import re
import shutil
import signal
import struct
import subprocess
import sys
import threading

import pytest

import wire
from admin import Admin
from callers import Caller, Calling, Rows
from cutover import CONNECTION_ID, OTHER_CONNECTION_ID
from namespaces import unsharing
from ports import free_port
from programs import program

LIVE = "https://api.stytch.com/v1/b2b/sso/callback/"
SHORT_ID = "saml-connection-live-a-short-one-kept-as-text"
CUSTOM_HOST = "noun-verb-1234.customers.stytch.com"
CUSTOM = f"https://{CUSTOM_HOST}/v1/b2b/sso/callback/{OTHER_CONNECTION_ID}"
PAGE = 4096
BRANCH, LEAF = (flag.to_bytes(2, sys.byteorder) for flag in (1, 2))  # LMDB's


class Hammer(threading.Thread):
    """Asks for the same row over and over on kept connections, and keeps every answer."""

    def __init__(self, gateway, target):
        super().__init__(daemon=True)
        self.gateway, self.target = gateway, target
        self.locations, self.failures = [], []
        self.enough = threading.Event()

    def run(self):
        try:
            while not self.enough.is_set():
                with self.gateway.connect() as connection:
                    for _ in range(200):
                        connection.send(wire.request_bytes("POST", self.target, "localhost", (), b"SAMLResponse=" + b"x" * 2000))
                        answer = connection.answer()
                        if answer is None or answer.status != 307:
                            self.failures.append(answer)
                        else:
                            self.locations.append(answer.location)
                        if self.enough.is_set():
                            return
        except Exception as error:
            self.failures.append(error)


def test_a_table_is_replaced_under_load_without_a_failed_request(make_gateway):
    gateway = make_gateway()
    tables = [{"acme": connection, **{f"customer-{n:04}": connection for n in range(2000)}} for connection in (CONNECTION_ID, OTHER_CONNECTION_ID)]
    files = [gateway.mapping_file(table) for table in tables]
    gateway.loader("load", files[0])
    gateway.start()
    hammers = [Hammer(gateway, target) for target in ("/old-sso/acme", "/old-sso/customer-0000", "/old-sso/customer-1999")]
    for hammer in hammers:
        hammer.start()
    try:
        for swap in range(1, 21):
            gateway.loader("load", files[swap % 2])
            expected = LIVE + tables[swap % 2]["acme"]
            assert gateway.get("/old-sso/acme").location == expected, "the next request sees the new table"
            assert gateway.get("/old-sso/customer-1999").location == expected, "and all of it"
    finally:
        for hammer in hammers:
            hammer.enough.set()
        for hammer in hammers:
            hammer.join(30)
    for hammer in hammers:
        assert hammer.failures == []
        assert set(hammer.locations) == {LIVE + CONNECTION_ID, LIVE + OTHER_CONNECTION_ID}
        changes = sum(before != after for before, after in zip(hammer.locations, hammer.locations[1:]))
        assert changes <= 20, "no answer falls back to a table that was replaced"


class TestTamperedRow:
    """Whoever can write the file still cannot send a browser anywhere else."""

    def refused(self, gateway, target, reason):
        answer = gateway.post(target, b"SAMLResponse=x")
        assert (answer.status, answer.location) == (503, None)
        assert int(answer.header("Retry-After")) > 0
        line = gateway.logged(answer)
        assert (line["decision"], line["status"]) == ("unavailable", 503)
        assert line["reason"] == reason
        assert line["error"]
        gateway.wait_for(lambda: f"request {line['request_id']}: {line['error']}" in gateway.stderr)

    def test_host_that_is_no_longer_allowed(self, make_gateway):
        url = f"https://login.globex-app.com/v1/b2b/sso/callback/{OTHER_CONNECTION_ID}"
        gateway = make_gateway(stytch={"allowed_hosts": ["login.globex-app.com"]})
        gateway.load({"globex": {"connection_id": OTHER_CONNECTION_ID, "acs_url": url}, "acme": CONNECTION_ID})
        gateway.configure(stytch={"allowed_hosts": []})
        gateway.start()
        self.refused(gateway, "/old-sso/globex", "host_not_allowed")
        assert gateway.get("/old-sso/acme").status == 307

    @pytest.mark.parametrize("host", ["noun-verb-1234.customers.stytch.con", "noun.verb-1234.customers.stytch.com", "evil.example.com/customers.stytch.c",
                                      "api.stytch.com@evil.example.com/12c"])
    def test_host_that_was_written_into_the_file(self, make_gateway, host):
        gateway = make_gateway()
        gateway.load({"globex": {"connection_id": OTHER_CONNECTION_ID, "acs_url": CUSTOM}})
        assert len(host) == len(CUSTOM_HOST), "the record stays as long as it was"
        gateway.store_file.replace_bytes(CUSTOM_HOST.encode(), host.encode())
        gateway.start()
        answer = gateway.get("/old-sso/globex")
        assert (answer.status, answer.location) == (503, None)

    def test_legacy_host(self, make_gateway):
        gateway = make_gateway(legacy={"allowed_hosts": ["legacy.example.net"]})
        gateway.load({"moving": {"state": "legacy", "legacy_url": "https://legacy.example.net/acs"}})
        gateway.store_file.replace_bytes(b"legacy.example.net", b"evil-1.example.net")
        gateway.start()
        self.refused(gateway, "/old-sso/moving", "host_not_allowed")

    @pytest.mark.parametrize("tail", [b"../../../x", b"\r\nSet-Cookie: x=1", b"@evil.example.com", b"\x00", b"?x=", b"#", b"%2e"])
    def test_connection_id(self, make_gateway, tail):
        gateway = make_gateway()
        gateway.load({"acme": SHORT_ID, "globex": OTHER_CONNECTION_ID})
        gateway.store_file.replace_bytes(SHORT_ID.encode()[-len(tail):], tail)
        gateway.start()
        self.refused(gateway, "/old-sso/acme", "record")
        assert gateway.get("/old-sso/globex").status == 307

    @pytest.mark.parametrize("record", [b"", b"\x00", b"\xff" * 5000, b"\x01" * 64], ids=["empty", "zero", "large", "ones"])
    def test_record_of_nonsense(self, make_gateway, record):
        gateway = make_gateway()
        gateway.load({"acme": CONNECTION_ID, "globex": OTHER_CONNECTION_ID})
        gateway.store_file.replace_record("acme", record)
        gateway.start()
        answer = gateway.get("/old-sso/acme")
        assert (answer.status, answer.location) == (503, None)
        assert gateway.logged(answer)["reason"] == "record", "the store is fine, but for this row"
        assert gateway.get("/old-sso/globex").status == 307

    def test_every_cut_of_a_record(self, make_gateway):
        gateway = make_gateway()
        gateway.load({"globex": {"connection_id": OTHER_CONNECTION_ID, "acs_url": CUSTOM, "label": "Globex", "redirect": 303}})
        whole = gateway.store_file.record("globex")
        gateway.start()
        for size in range(len(whole)):
            gateway.store_file.replace_record("globex", whole[:size])
            answer = gateway.get("/old-sso/globex")
            assert answer.status == 503 or answer.location == CUSTOM, (size, answer.status, answer.location)
        gateway.store_file.replace_record("globex", whole)
        assert gateway.get("/old-sso/globex").location == CUSTOM


class TestTamperedKey:
    """One that no loader writes: every command ends all the same, and `check --table` names it."""

    COMMANDS = [["list"], ["report"], ["report", "--sort", "hits"], ["report", "--limit", "9", "--json"], ["get", "acme"], ["get", "nobody"],
                ["remove", "nobody"], ["set", "nobody", "state=legacy"], ["set", "acme", "label=x"], ["history"], ["export"]]

    @pytest.mark.parametrize("key", [b"s" * 65 + b"\0acme", b"s" * 511, b"default\0" + b"i" * 503], ids=["source", "no zero", "identifier"])
    def test_it_leads_nobody_round_in_a_circle(self, make_gateway, key):
        gateway = make_gateway()
        mapping = gateway.mapping_file({"acme": CONNECTION_ID})
        gateway.loader("load", mapping)
        gateway.store_file.add_key(key, gateway.store_file.record("acme"))
        for command in [*self.COMMANDS, ["diff", mapping], ["load", mapping], ["load", "--all-sources", mapping]]:
            gateway.loader(*command, expect=None, timeout=30)
        assert gateway.loader("get", "acme").stdout
        checked = gateway.loader("check", "--table", expect=None)
        assert checked.returncode in (1, 2) and "error: " in checked.stderr
        gateway.start()
        assert gateway.get("/old-sso/acme").location == LIVE + CONNECTION_ID


def test_loads_are_refused_whole(make_gateway):
    gateway = make_gateway()
    gateway.load({"acme": CONNECTION_ID})
    gateway.start()
    bad = gateway.mapping_file({"acme": OTHER_CONNECTION_ID, "globex": {"connection_id": OTHER_CONNECTION_ID, "acs_url": "https://evil.example.com/x"}})
    refused = gateway.loader("load", bad, expect=2)
    assert f"{bad}:" in refused.stderr
    assert gateway.get("/old-sso/acme").location == LIVE + CONNECTION_ID
    assert gateway.get("/old-sso/globex").status == 404


def test_a_killed_load_leaves_the_table_whole(make_gateway):
    gateway = make_gateway()
    gateway.load({"acme": CONNECTION_ID})
    gateway.start()
    large = gateway.mapping_file({"acme": OTHER_CONNECTION_ID, **{f"customer-{n}": OTHER_CONNECTION_ID for n in range(20_000)}})
    for delay in (0.02, 0.05, 0.1, 0.15, 0.2):
        gateway.kill_load(large, delay)
        location = gateway.get("/old-sso/acme").location
        last = gateway.get("/old-sso/customer-19999").status
        assert (location, last) in [(LIVE + CONNECTION_ID, 404), (LIVE + OTHER_CONNECTION_ID, 307)]
        if last == 307:
            gateway.load({"acme": CONNECTION_ID}, arguments=["--allow-removals"])
    gateway.loader("load", large)
    assert gateway.get("/old-sso/customer-19999").location == LIVE + OTHER_CONNECTION_ID


@pytest.mark.parametrize("umask, mode", [(0o000, 0o640), (0o022, 0o600), (0o077, 0o660)])
def test_a_backup_is_as_readable_as_the_store(make_gateway, umask, mode):
    gateway = make_gateway()
    gateway.load({"acme": CONNECTION_ID})
    gateway.store.chmod(mode)
    copy = gateway.directory / "copy.mdb"
    gateway.loader("backup", copy, umask=umask)
    assert copy.stat().st_mode & 0o777 == mode


def test_a_lock_file_that_is_deleted_is_noticed(make_gateway):
    """It goes on until somebody makes a new one, by which the two know nothing of each other. Then it asks to be started anew."""
    port = free_port()
    gateway = make_gateway(admin={"address": f"127.0.0.1:{port}"})
    gateway.load({"acme": CONNECTION_ID})
    gateway.start()
    lock = gateway.store.with_name(gateway.store.name + "-lock")
    lock.unlink()
    gateway.wait_for(lambda: f"warning: {lock} was deleted or replaced" in gateway.stderr)
    assert Admin(port).metric("ssoferry_table_in_place") == 0
    assert gateway.get("/old-sso/acme").location == LIVE + CONNECTION_ID

    gateway.loader("set", "acme", "state=disabled")
    assert gateway.wait_for_end() == 1
    assert f"error: {lock} was replaced: start ssoferryd again" in gateway.stderr
    gateway.start()
    assert gateway.get("/old-sso/acme").status == 410


def test_a_lock_file_that_is_emptied_ends_the_daemon_in_good_order(make_gateway):
    """Each request is answered until then; nobody has a place in the lock file any more, so it asks to be started anew."""
    gateway = make_gateway()
    gateway.load({"acme": CONNECTION_ID, "globex": CONNECTION_ID})
    gateway.start()
    lock = gateway.store.with_name(gateway.store.name + "-lock")
    with gateway.connect() as connection:
        os.truncate(lock, 0)
        for name in ("acme", "globex", "nobody", "acme"):
            connection.send(wire.request_bytes("GET", f"/old-sso/{name}", "localhost"))
            assert connection.answer().status in (307, 404, 503)
    assert gateway.wait_for_end() == 1
    assert f"error: {lock} was replaced: start ssoferryd again" in gateway.stderr
    gateway.start()
    assert gateway.get("/old-sso/acme").location == LIVE + CONNECTION_ID
    gateway.set("acme", "state=disabled")
    assert gateway.get("/old-sso/acme").status == 410


@pytest.mark.parametrize("replacement", [None, OTHER_CONNECTION_ID])
def test_a_store_that_is_deleted_or_replaced_is_noticed(make_gateway, replacement):
    """The old file goes on answering; log and metrics say so, until it is back."""
    port = free_port()
    gateway = make_gateway(admin={"address": f"127.0.0.1:{port}"})
    gateway.load({"acme": CONNECTION_ID})
    gateway.start()
    assert Admin(port).metric("ssoferry_table_in_place") == 1
    away = gateway.store.rename(gateway.directory / "away.mdb")
    if replacement:
        gateway.loader("--store", gateway.directory / "other.mdb", "load", gateway.mapping_file({"acme": replacement}))
        (gateway.directory / "other.mdb").rename(gateway.store)

    told = "was replaced by another file" if replacement else "was deleted or moved away"
    gateway.wait_for(lambda: f"warning: {gateway.store} {told}" in gateway.stderr)
    assert Admin(port).metric("ssoferry_table_in_place") == 0
    assert gateway.get("/old-sso/acme").location == LIVE + CONNECTION_ID
    assert gateway.get("/healthz").status == 200
    gateway.signal(signal.SIGHUP)  # which has it look again
    gateway.wait_for(lambda: "reload: done" in gateway.stderr)
    assert gateway.stderr.count(told) == 1, "it is told once"

    away.rename(gateway.store)
    gateway.wait_for(lambda: "is in its place again" in gateway.stderr)
    assert Admin(port).metric("ssoferry_table_in_place") == 1


def test_a_table_put_in_the_place_of_one_never_loaded_is_opened_anew(make_gateway):
    """As when a package has started the daemon before a backup is put there, or the store's disk is mounted late: it has no answers to go on with."""
    gateway = make_gateway()
    gateway.start()
    assert gateway.get("/old-sso/acme").status == 503
    other = gateway.directory / "other.mdb"
    other.write_bytes(b"no table yet" * 1000)
    other.rename(gateway.store)
    gateway.wait_for(lambda: f"warning: {gateway.store} was replaced by another file" in gateway.stderr)
    gateway.loader("--store", other, "load", gateway.mapping_file({"acme": CONNECTION_ID}))
    other.rename(gateway.store)
    assert gateway.wait_for_end() == 1
    assert f"error: {gateway.store} was put in an empty table's place: start ssoferryd again" in gateway.stderr
    gateway.start()
    assert gateway.get("/old-sso/acme").location == LIVE + CONNECTION_ID


def obey_permissions():
    """In the daemon's process: root, too, is to be refused what the permissions refuse."""
    drop_from_bounding_set, override = 24, 1
    ctypes.CDLL(None).prctl(drop_from_bounding_set, override, 0, 0, 0)


class TestWhatCannotBeOpened:
    """Put in the place of a table that was never loaded: a daemon that ended for it would not start again."""

    @pytest.fixture
    def waiting(self, request, make_gateway):
        gateway = make_gateway(usage=getattr(request, "param", True))
        gateway.before_start = obey_permissions
        gateway.start()
        return gateway

    def refused(self, gateway):
        gateway.wait_for(lambda: f"warning: {gateway.store} was replaced by another file" in gateway.stderr)
        gateway.signal(signal.SIGHUP)  # which has it look again
        gateway.wait_for(lambda: "reload: done" in gateway.stderr)
        assert gateway.get("/old-sso/acme").status == 503
        gateway.check_running()

    def opened(self, gateway):
        assert gateway.wait_for_end() == 1
        assert f"error: {gateway.store} was put in an empty table's place: start ssoferryd again" in gateway.stderr
        gateway.start()
        assert gateway.get("/old-sso/acme").location == LIVE + CONNECTION_ID

    def table(self, gateway, name="other.mdb"):
        path = gateway.directory / name
        gateway.loader("--store", path, "load", gateway.mapping_file({"acme": CONNECTION_ID}))
        return path

    @pytest.mark.parametrize("lock", [None, "a link", "not writable"])
    def test_in_another_directory(self, waiting, lock):
        """By a link that was turned, or a mount: the lock file, which whoever opens the table needs, is another one, too."""
        other = waiting.directory / "other"
        other.mkdir()
        table = self.table(waiting, "other/connections.mdb")
        held = table.with_name("connections.mdb-lock")
        held.unlink()
        if lock == "a link":
            held.symlink_to("elsewhere")
        elif lock == "not writable":
            held.touch(mode=0o400)
        other.chmod(0o555)
        waiting.store.parent.rename(waiting.directory / "away")
        waiting.store.parent.symlink_to(other)
        self.refused(waiting)
        other.chmod(0o755)
        held.unlink(missing_ok=True)
        self.opened(waiting)

    @pytest.mark.parametrize("waiting", [True, False], indirect=True, ids=["usage", "no usage"])
    def test_a_copy_under_way(self, waiting):
        table = self.table(waiting)
        whole = table.read_bytes()
        os.truncate(table, len(whole) - PAGE)
        table.rename(waiting.store)
        self.refused(waiting)
        waiting.store.write_bytes(whole)
        self.opened(waiting)

    def test_a_table_of_another_program(self, waiting):
        table = self.table(waiting)
        table.write_bytes(table.read_bytes().replace(b"connections", b"connectings"))
        table.rename(waiting.store)
        self.refused(waiting)

    def test_while_another_program_has_the_former_one_open(self, waiting, make_gateway):
        """It is refused what stands there now until both have ended."""
        sibling = make_gateway(store=str(waiting.store), usage=False)
        sibling.start()
        self.table(waiting).rename(waiting.store)
        self.refused(waiting)
        sibling.stop()
        self.opened(waiting)


def test_a_rehearsal_does_not_end_for_a_table_put_in_the_place_of_one_never_loaded(make_gateway):
    """It sends everybody to the old system, with or without a table; only what it logs needs one."""
    legacy = "https://legacy.example.net/{identifier}"
    gateway = make_gateway(observe=True, legacy={"allowed_hosts": ["legacy.example.net"]}, routes=[{"match": "/old-sso/{identifier}", "legacy_url": legacy}])
    gateway.start()
    other = gateway.directory / "other.mdb"
    gateway.loader("--store", other, "load", gateway.mapping_file({"acme": CONNECTION_ID}))
    other.rename(gateway.store)
    gateway.wait_for(lambda: f"warning: another table stands at {gateway.store} now, and the open one was never loaded" in gateway.stderr)
    assert (gateway.get("/healthz").status, gateway.get("/old-sso/acme").location) == (200, legacy.format(identifier="acme"))
    gateway.configure(observe=None)
    gateway.signal(signal.SIGHUP)  # now sign-ins need it
    assert gateway.wait_for_end() == 1
    assert f"error: {gateway.store} was put in an empty table's place: start ssoferryd again" in gateway.stderr
    gateway.start()
    assert gateway.get("/old-sso/acme").location == LIVE + CONNECTION_ID


def test_a_file_that_is_one_change_ahead_is_not_written_over(make_gateway):
    """As when a node that was left out gets the copy of another: by the lock file's number LMDB would write over the newest change."""
    gateway = make_gateway()
    ahead = gateway.directory / "ahead.mdb"
    gateway.load({"acme": CONNECTION_ID, "globex": CONNECTION_ID})
    shutil.copyfile(gateway.store, ahead)
    gateway.loader("--store", ahead, "set", "acme", "state=disabled")
    gateway.start()
    shutil.copyfile(ahead, gateway.store)
    refused = gateway.loader("set", "globex", "state=disabled", expect=1)
    assert "the file was written over while a program had it open: end every program that has it open" in refused.stderr
    gateway.stop()
    assert [json.loads(line)["command"] for line in gateway.loader("history", "--json").stdout.splitlines()] == ["set", "load"]
    gateway.set("globex", "label=Globex")
    gateway.start()
    assert (gateway.get("/old-sso/acme").status, gateway.get("/old-sso/globex").status) == (410, 307)


OVERLAY = """
mkdir "$1/lower" "$1/upper" "$1/work"
mv "$2"/* "$1/lower" && mount -t overlay overlay -o "lowerdir=$1/lower,upperdir=$1/upper,workdir=$1/work" "$2" || exit 77
shift 2
exec "$@"
"""


def run_above(layers, gateway, asked):
    """Runs a shell's words where the store's directory is the lower layer of an overlay file system."""
    done = subprocess.run([*unsharing("--mount", mapped="--map-root-user"), "sh", "-c", OVERLAY, "sh", layers, gateway.store.parent, "sh", "-c", asked],
                          capture_output=True, text=True, timeout=60)
    if done.returncode == 77:
        pytest.skip("overlays are not allowed here")
    return done


def test_a_change_is_seen_where_the_table_is_in_a_layer_below(make_gateway, tmp_path_factory):
    """Of an overlay file system, as a table in a container's image is: the first change makes a copy of the file."""
    gateway = make_gateway()
    gateway.load({"acme": CONNECTION_ID})
    done = run_above(tmp_path_factory.mktemp("layers"), gateway, f"""
{program("ssoferryd")} -c {gateway.config_path} >/dev/null 2>&1 & trap 'kill $!; wait' EXIT
for try in $(seq 100); do curl -sf {gateway.origin()}/healthz && break; sleep 0.1; done
for id in {OTHER_CONNECTION_ID} {CONNECTION_ID}; do
    {program("ssoferry")} -c {gateway.config_path} set acme connection_id=$id
    curl -s -o /dev/null -w '%{{redirect_url}}\n' {gateway.origin()}/old-sso/acme
done
""")
    assert re.findall(r"https://\S+", done.stdout) == [LIVE + OTHER_CONNECTION_ID, LIVE + CONNECTION_ID], done


def test_reading_copies_nothing_up_from_a_layer_below(make_gateway, tmp_path_factory):
    gateway = make_gateway()
    gateway.load({"acme": CONNECTION_ID})
    layers = tmp_path_factory.mktemp("layers")
    done = run_above(layers, gateway, f"{program('ssoferry')} -c {gateway.config_path} list")
    assert "acme" in done.stdout and (layers / "lower" / gateway.store.name).exists()
    assert not (layers / "upper" / gateway.store.name).exists()


class Watch:
    """What a unit with PathChanged= or PathModified= wakes up for."""

    MODIFY, ATTRIB, CLOSE_WRITE = 0x2, 0x4, 0x8
    HEAD = struct.Struct("iIII")

    def __init__(self, path):
        libc = ctypes.CDLL(None, use_errno=True)
        self._file = libc.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC)
        assert libc.inotify_add_watch(self._file, bytes(path), self.MODIFY | self.ATTRIB | self.CLOSE_WRITE) >= 0, os.strerror(ctypes.get_errno())

    def seen(self):
        try:
            return [mask for _, mask, _, _ in self.HEAD.iter_unpack(os.read(self._file, 1 << 16))]  # no names: the watch is of no directory
        except BlockingIOError:
            return []

    def close(self):
        os.close(self._file)


class TestWatchedStore:
    """Somebody who makes a backup whenever it changes must not be woken by the backup."""

    @pytest.fixture
    def watched(self, make_gateway):
        gateway = make_gateway()
        gateway.store.parent.chmod(0o2770)  # as the package makes it
        gateway.mapping = gateway.mapping_file({"acme": CONNECTION_ID})
        gateway.loader("load", gateway.mapping)
        with contextlib.closing(Watch(gateway.store)) as watch:
            gateway.watch = watch
            yield gateway

    def test_reading_is_no_change(self, watched):
        watched.loader("set", "acme", "label=Acme")
        assert watched.watch.seen()
        for command in (["list"], ["export"], ["get", "acme"], ["report"], ["history"], ["stat"], ["check", "--table"], ["diff", watched.mapping],
                        ["load", "-n", watched.mapping], ["explain", watched.origin() + "/old-sso/acme"], ["backup", watched.directory / "copy.mdb"]):
            watched.loader(*command, expect=None)
            assert watched.watch.seen() == [], command

    def test_serving_is_no_change(self, watched):
        watched.start()
        assert watched.get("/old-sso/acme").status == 307
        watched.stop()
        assert watched.watch.seen() == []


@pytest.mark.parametrize(("make", "told"), [(os.symlink, "is a symbolic link"), (os.link, "has another name, by a hard link")])
def test_a_store_of_two_names_is_warned_of(make_gateway, make, told):
    """Each name has a lock file of its own, so programs that use different ones miss each other's changes."""
    gateway = make_gateway()
    assert "another lock file" not in gateway.load({"acme": CONNECTION_ID}).stderr
    other = gateway.directory / "other.mdb"
    make(gateway.store, other)
    gateway.configure(store=str(other))
    gateway.start()
    warning = f"warning: {other} {told}: whoever opens it by the other name has another lock file"
    assert f"ssoferryd: {warning}" in gateway.stderr
    assert f"ssoferry: {warning}" in gateway.set("acme", "state=disabled").stderr
    assert "another lock file" not in gateway.loader("list").stderr
    assert gateway.get("/old-sso/acme").status == 410


def test_a_store_that_is_deleted_is_restored_from_what_the_daemon_has_open(make_gateway):
    """The warning says where that is: a restart without it would begin with an empty table."""
    gateway = make_gateway()
    gateway.load({"acme": CONNECTION_ID})
    gateway.start()
    gateway.store.unlink()
    warning = gateway.wait_for(lambda: re.search(r"was deleted or moved away; .* before a restart.* a copy of (/proc/\d+/fd/\d+)", gateway.stderr))
    assert f"put it back (a copy of {os.path.dirname(warning[1])}/N, " in gateway.loader("stat", expect=1).stderr
    shutil.copy(warning[1], gateway.store)
    gateway.stop()
    gateway.start()
    assert gateway.get("/old-sso/acme").location == LIVE + CONNECTION_ID


def lose_pages(store, flags, holding=b""):
    """As by a disk: each page of LMDB's that has these flags and holds that."""
    pages = bytearray(store.read_bytes())
    lost = [at for at in range(0, len(pages), PAGE) if pages[at + 10:at + 12] == flags and holding in pages[at:at + PAGE]]
    for at in lost:
        pages[at:at + PAGE] = b"\xff" * PAGE
    assert lost
    store.write_bytes(pages)


@pytest.mark.parametrize("flags, holding, answers, health", [
    (LEAF, b"customer-0000", [503, 307, 307], 200), (LEAF, b"customer-1999", [307, 307, 503], 200), (BRANCH, b"", [503, 503, 503], 503)],
    ids=["first", "last", "all"])
def test_a_damaged_page_is_no_outage_for_the_rows_on_others(make_gateway, flags, holding, answers, health):
    """Nor does a balancer's check make it one. SsoferryRowsNotChecked goes by the number that is missing."""
    admin = Admin(free_port())
    gateway = make_gateway(admin={"address": f"127.0.0.1:{admin.port}"})
    gateway.load({f"customer-{n:04}": CONNECTION_ID for n in range(2000)})
    lose_pages(gateway.store, flags, holding)
    gateway.start()
    assert [gateway.get(f"/old-sso/customer-{name}").status for name in ("0000", "1000", "1999")] == answers
    assert gateway.get("/healthz").status == health
    gateway.wait_for(lambda: "the rows cannot be checked: " in gateway.stderr)
    assert admin.metric("ssoferry_ready") == (health == 200) and "ssoferry_table_unusable_rows" not in admin.get("/metrics").text


class TestWrittenOver:
    """`cp` over the store that a daemon has open, and `: > connections.mdb`, cut the file short before anything else: nobody's sign-in ends the
    daemon by that, and each is answered."""

    ROWS = {f"customer-{n:04}": CONNECTION_ID for n in range(2000)}
    NAMES = ["customer-0000", "customer-1000", "customer-1999"]
    FOUND, FAILED = (307, LIVE + CONNECTION_ID), (503, None)

    @pytest.fixture
    def serving(self, make_gateway):
        admin = Admin(free_port())
        gateway = make_gateway(admin={"address": f"127.0.0.1:{admin.port}"})
        gateway.admin = admin
        gateway.load(self.ROWS)
        gateway.start()
        return gateway

    def calling(self, gateway, *answers):
        rows = Rows({name: set(answers) for name in self.ROWS})
        return Calling([Caller(gateway.address, rows, keeps=keeps) for keeps in (True, True, False)])

    @pytest.mark.parametrize("share", [0, 0.5], ids=["nothing", "half"])
    def test_it_is_told_while_it_lasts_and_over_once_the_file_is_put_right(self, serving, share):
        whole = serving.store.read_bytes()
        with self.calling(serving, self.FOUND, self.FAILED) as calling:
            calling.go_on(20)
            os.truncate(serving.store, int(len(whole) * share) // 4096 * 4096)
            serving.wait_for(lambda: re.search("warning: request .*: cannot read: ", serving.stderr))
            if share == 0:
                ready = serving.admin.get("/readyz")
                assert (ready.status, json.loads(ready.body)["reason"]) == (503, "store")
                assert serving.admin.metric("ssoferry_table_readable") == 0
                assert serving.admin.get("/report.json").status == 503
            assert serving.admin.get("/livez").status == 200
            calling.go_on(20)
            serving.store.write_bytes(whole)
            assert serving.admin.get("/readyz").status == 200
            assert all(serving.get(f"/old-sso/{name}").location == LIVE + CONNECTION_ID for name in self.NAMES)
        serving.set("customer-0000", "state=disabled")
        assert serving.get("/old-sso/customer-0000").status == 410

    @pytest.mark.parametrize("changes", [1, 2])
    def test_by_another_table(self, serving, changes):
        """By whose newest revision LMDB does not answer: so it asks to be started anew, as nobody could change it, either."""
        copy = serving.directory / "copy.mdb"
        serving.loader("backup", copy)
        for change in range(changes):
            serving.set("customer-0000", f"label=x{change}")
        serving.loader("remove", "customer-1000")
        shutil.copyfile(copy, serving.store)
        assert serving.wait_for_end() == 1
        assert f"error: {serving.store} was written over: start ssoferryd again" in serving.stderr
        serving.start()
        assert all(serving.get(f"/old-sso/{name}").location == LIVE + CONNECTION_ID for name in self.NAMES)
        serving.set("customer-0000", "state=disabled")
        assert serving.get("/old-sso/customer-0000").status == 410

    def test_by_nothing(self, serving):
        """It is told once, by what is to be done, and goes on once the file is whole again."""
        whole = serving.store.read_bytes()
        os.truncate(serving.store, 0)
        told = f"warning: {serving.store} was cut short, or written over with what is no table"
        serving.wait_for(lambda: told in serving.stderr)
        assert serving.admin.metric("ssoferry_table_in_place") == 0
        serving.signal(signal.SIGHUP)  # which has it look again
        serving.wait_for(lambda: "reload: done" in serving.stderr)
        assert serving.stderr.count(told) == 1
        serving.store.write_bytes(whole)
        serving.wait_for(lambda: "is in its place again" in serving.stderr)
        assert serving.get("/old-sso/customer-0000").status == 307
        serving.set("customer-0000", "state=disabled")
        assert serving.get("/old-sso/customer-0000").status == 410

    def test_over_and_over(self, serving):
        copy = serving.directory / "copy.mdb"
        shutil.copy(serving.store, copy)
        with self.calling(serving, self.FOUND, self.FAILED) as calling:
            for _ in range(100):
                subprocess.run(["cp", copy, serving.store], check=True)
                serving.admin.get("/report.json")
                serving.check_running()
            calling.go_on(20)
        assert all(serving.get(f"/old-sso/{name}").location == LIVE + CONNECTION_ID for name in self.NAMES)
        serving.set("customer-0000", "state=disabled")
        assert serving.get("/old-sso/customer-0000").status == 410

    def test_in_one_row_by_what_leads_nowhere(self, serving):
        """LMDB follows it to where there is no memory (SIGSEGV). The row cannot be read by whoever looks at it: the workers, the thread that
        looks through all rows, and the admin page's report."""
        key, flags, several_values = b"default\0customer-1000", -4, (4).to_bytes(2, sys.byteorder)
        whole = serving.store.read_bytes()
        places = [place.start() for place in re.finditer(re.escape(key), whole)]
        with serving.store.open("r+b") as file:
            for place in places:
                file.seek(place + flags)
                file.write(several_values)
        assert [serving.get(f"/old-sso/{name}").status for name in self.NAMES] == [307, 503, 307]
        serving.signal(signal.SIGHUP)  # so that all rows are looked through
        serving.wait_for(lambda: "the rows cannot be checked: " in serving.stderr)
        assert serving.admin.get("/report.json").status == 503
        serving.store.write_bytes(whole)
        assert all(serving.get(f"/old-sso/{name}").location == LIVE + CONNECTION_ID for name in self.NAMES)
        serving.check_running()
