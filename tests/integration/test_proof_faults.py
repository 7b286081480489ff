"""Disk full, input and output errors, no descriptors, no memory to map: the loader fails with a clean error at whichever call it meets the
fault, the daemon serves the old table or the new whole one throughout, and the next run without the fault succeeds.

Long: every command, every kind of fault, at every call. Short: some of them."""
import contextlib
import errno
import json
import os
import re
import resource
import shutil
import signal
import subprocess
import uuid
from collections import Counter

import lmdb
import pytest

from admin import Admin
from cutover import CONNECTION_ID, OTHER_CONNECTION_ID
from faulty import FILES, MEMORY, WRITING, Faults, each_call_in_turn
from ports import free_port
from programs import check_words, program
from programs import run as run_program
from proof import LONG

ROWS = 40
BEFORE = {f"customer-{n:02}": CONNECTION_ID for n in range(ROWS)}
AFTER = {**{name: OTHER_CONNECTION_ID for name in BEFORE}, "new": CONNECTION_ID}
WRITERS = {  # command: its words, with the gateway's folder and the revision before
    "load": ["load", "--allow-removals", "{folder}/after.yaml"],
    "set": ["set", "customer-00", "label=changed"],
    "remove": ["remove", "customer-01", "customer-02"],
    "rollback": ["rollback", "--yes", "{previous}"],
}
READERS = {
    "backup": ["backup", "{folder}/made/backup.mdb"],
    "export": ["export", "-o", "{folder}/made/export.yaml"],
    "stat": ["stat", "--json"],
    "get": ["get", "customer-00"],
    "list": ["list"],
    "history": ["history", "--json"],
    "diff": ["diff", "{folder}/after.yaml"],
    "check": ["check", "{folder}/after.yaml"],
    "report": ["report", "--json"],
    "explain": ["explain", "/old-sso/customer-00"],
}
FAULTS = {errno.EIO: FILES, errno.ENOSPC: WRITING, errno.EDQUOT: WRITING, errno.EMFILE: "open,fopen,fdopen", errno.EROFS: "open,fopen,rename,renameat2",
          errno.EACCES: "open,fopen,mmap", errno.ENOMEM: "mmap"}
SHORT = [("load", errno.EIO), ("load", errno.ENOSPC), ("remove", errno.EMFILE), ("backup", errno.EIO), ("export", errno.EIO), ("get", errno.ENOMEM)]
CASES = [(command, code) for command in [*WRITERS, *READERS] for code in FAULTS
         if (FAULTS[code] != WRITING or command in (*WRITERS, "backup", "export")) and (command, code) != ("check", errno.ENOMEM)] if LONG else SHORT
LIMITS = {  # kind: values, from those with which nothing works to those with which all does
    resource.RLIMIT_NOFILE: range(3, 14),
    resource.RLIMIT_FSIZE: [0, *range(1 << 10, 160 << 10, (4 if LONG else 20) << 10)],
    resource.RLIMIT_AS: [*[mib << 20 for mib in (4, 8, 16, 32, 64, 128, 256, 512, 1024, 1100, 2048, 8192, 32768)], resource.RLIM_INFINITY],
    resource.RLIMIT_DATA: [*[kib << 10 for kib in (64, 256, 512, 1024, 2048, 4096, 16384)], resource.RLIM_INFINITY],
}
LIMIT_NAMES = {getattr(resource, name): name for name in ("RLIMIT_NOFILE", "RLIMIT_FSIZE", "RLIMIT_AS", "RLIMIT_DATA")}
failed_calls, limited = Counter(), Counter()


OUT_OF_MEMORY = "ssoferry: error: out of memory: free some, or raise the limit (ulimit -d, ulimit -v, MemoryMax=)\n"


class Scene:
    """A gateway that serves, and its table before each run that is to fail."""

    def __init__(self, gateway):
        self.gateway = gateway
        self.made, self.temporary = gateway.directory / "made", gateway.directory / "temporary"
        for folder in (self.made, self.temporary):
            folder.mkdir()
        self.before_file, self.after_file = (gateway.mapping_file(rows).rename(gateway.directory / f"{name}.yaml")
                                             for name, rows in (("before", BEFORE), ("after", AFTER)))
        gateway.loader("load", self.after_file)
        gateway.loader("load", "--allow-removals", self.before_file)
        self.before, self.revision = self.records(), 2
        gateway.start()

    def records(self):
        """All rows, as they stand in the file."""
        with lmdb.open(str(self.gateway.store), subdir=False, max_dbs=8, map_size=1 << 30, readonly=True) as environment:
            with environment.begin(environment.open_db(b"connections", create=False)) as transaction:
                return dict(transaction.cursor())

    def run(self, words, environment=None, **options):
        words = [word.format(folder=self.gateway.directory, previous=self.revision - 1) for word in words]
        done = subprocess.run([program("ssoferry"), "-c", str(self.gateway.config_path), *words], capture_output=True, text=True,
                              stdin=subprocess.DEVNULL, timeout=60, env={**(environment or os.environ), "TMPDIR": str(self.temporary)}, **options)
        check_words(done.stderr)
        return done

    def load_into(self, store, environment=None):
        done = subprocess.run([program("ssoferry"), "--store", str(store), "load", str(self.before_file)], capture_output=True, text=True,
                              stdin=subprocess.DEVNULL, timeout=60, env=environment)
        check_words(done.stderr)
        return done

    def reset(self):
        """So that the revision before the last one is the other table."""
        for path in self.made.iterdir():
            path.unlink()
        if self.records() != self.before:
            self.gateway.loader("load", "--allow-removals", self.after_file)
            self.gateway.loader("load", "--allow-removals", self.before_file)
            self.revision = json.loads(self.gateway.loader("stat", "--json").stdout)["revision"]
        assert self.records() == self.before

    def outcome(self, words):
        """The table after a run that nothing disturbs."""
        done = self.run(words)
        assert done.returncode == 0, done.stderr
        after = self.records()
        self.reset()
        return after

    def judge(self, call, done, after):
        """A run that failed says why in one line; one that did not has done its work in full. Either way the table is one of the two."""
        told = f"{call}: exit {done.returncode}, {done.stderr!r}"
        records = self.records()
        assert records in (self.before, after), told
        if done.returncode == 0:
            assert records == after, told
        else:
            assert done.returncode == 1 or (done.returncode == 2 and ".yaml: cannot be read: Permission denied" in done.stderr), told
            assert done.stderr.count("\n") == 1 and done.stderr.startswith("ssoferry: error: "), told
            assert list(self.made.iterdir()) == [], told
        assert list(self.temporary.iterdir()) == [], told
        store = self.gateway.store
        assert {path.name for path in store.parent.iterdir()} <= {store.name + end for end in ("", "-lock", ".usage", ".usage-lock")}, told
        assert self.is_served(records), told

    def is_served(self, records):
        """The daemon goes by what is in the file, whatever was tried on it."""
        record = records[b"default\0customer-00"]
        expected = next(row for row in (CONNECTION_ID, OTHER_CONNECTION_ID) if uuid.UUID(row[-36:]).bytes in record)
        return self.gateway.get("/old-sso/customer-00").location.endswith(expected)


@pytest.fixture
def scene(make_gateway):
    return Scene(make_gateway(log={"requests": "off"}, usage=False))


@pytest.mark.timeout(300)
@pytest.mark.parametrize("command, code", CASES, ids=[f"{command}-{errno.errorcode[code]}" for command, code in CASES])
def test_loader(scene, proof, command, code):
    words = {**WRITERS, **READERS}[command]
    after = scene.outcome(words)

    def run(faults):
        scene.reset()
        return scene.run(words, faults.environment)

    failed = 0
    for call, done in each_call_in_turn(scene.gateway.directory, FAULTS[code], code, scene.gateway.directory, run):
        scene.judge(call, done, after)
        assert call or done.returncode == 0, done.stderr
        failed += call is not None
    assert failed > 0
    failed_calls[errno.errorcode[code]] += failed
    proof.figure(f"calls of the loader that failed in turn, with {errno.errorcode[code]}", failed_calls[errno.errorcode[code]])


@pytest.mark.timeout(300)
@pytest.mark.parametrize("command", [*WRITERS, *READERS] if LONG else ["load", "backup"])
def test_loader_without_memory(scene, proof, command):
    """Each allocation of our own code, and of jansson's, which it makes for us."""
    words = {**WRITERS, **READERS}[command]
    after = scene.outcome(words)

    def run(faults):
        scene.reset()
        return scene.run(words, faults.environment)

    failed = 0
    for call, done in each_call_in_turn(scene.gateway.directory, MEMORY, errno.ENOMEM, None, run):
        scene.judge(call, done, after)
        assert (done.returncode, done.stderr) == (1, OUT_OF_MEMORY) if call else done.returncode == 0, done
        failed += call is not None
    assert failed > 20
    failed_calls["memory"] += failed
    proof.figure("allocations of the loader that failed in turn", failed_calls["memory"])


@pytest.mark.timeout(300)
@pytest.mark.parametrize("calls, code", [(FILES, errno.EIO), (WRITING, errno.ENOSPC), (MEMORY, errno.ENOMEM)], ids=["EIO", "ENOSPC", "memory"])
def test_the_first_load(scene, proof, calls, code):
    """Where no table is yet: afterwards there is none, an empty one, or the whole one; and nothing beside it."""
    store = scene.temporary / "new" / "connections.mdb"

    def run(faults):
        shutil.rmtree(store.parent, ignore_errors=True)
        store.parent.mkdir()
        return scene.load_into(store, faults.environment)

    failed = 0
    for call, done in each_call_in_turn(scene.gateway.directory, calls, code, None if calls == MEMORY else scene.gateway.directory, run):
        told = f"{call}: exit {done.returncode}, {done.stderr!r}"
        assert {path.name for path in store.parent.iterdir()} <= {store.name, f"{store.name}-lock"} or call == "unlink", told
        if store.exists():
            stat = json.loads(run_program("ssoferry", "--store", store, "stat", "--json").stdout)
            assert (stat["revision"], stat["rows"]) in ((0, 0), (1, ROWS)), told
        assert done.returncode == 0 or done.stderr.count("\n") == 1, told
        assert scene.load_into(store).returncode == 0, told
        failed += call is not None
    assert failed > 0
    proof.figure(f"calls of a first load that failed in turn, {'allocations' if calls == MEMORY else 'with ' + errno.errorcode[code]}", failed)


@pytest.mark.timeout(300)
@pytest.mark.parametrize("kind", LIMITS, ids=LIMIT_NAMES.get)
@pytest.mark.parametrize("command", [*WRITERS, *READERS] if LONG else ["load"])
def test_limits_of_the_loader(scene, proof, command, kind):
    words = {**WRITERS, **READERS}[command]
    after = scene.outcome(words)
    ends = Counter()
    for value in LIMITS[kind]:
        def limit():
            resource.setrlimit(kind, (value, value))

        with contextlib.suppress(subprocess.SubprocessError):
            if subprocess.run([program("ssoferry"), "--version"], capture_output=True, preexec_fn=limit).returncode == 0:  # else it does not even start
                scene.reset()
                done = scene.run(words, preexec_fn=limit)
                scene.judge(f"{LIMIT_NAMES[kind]} {value}", done, after)
                ends[done.returncode == 0] += 1
    assert ends[True] > 0
    limited[LIMIT_NAMES[kind]] += ends[False]
    proof.figure(f"runs of the loader that failed for {LIMIT_NAMES[kind]}", limited[LIMIT_NAMES[kind]])


class TestDaemon:
    """What fails under the daemon."""

    @pytest.fixture
    def gateway(self, make_gateway):
        gateway = make_gateway(log={"requests": "off"}, threads=1)
        gateway.load(BEFORE)
        return gateway

    @pytest.mark.timeout(300)
    @pytest.mark.parametrize("calls, code", [(FILES, errno.EIO), ("open,fopen,mmap", errno.EMFILE), (WRITING, errno.ENOSPC), (MEMORY, errno.ENOMEM)],
                             ids=["EIO", "EMFILE", "ENOSPC", "memory"])
    def test_start(self, gateway, proof, calls, code):
        """It ends with a clean error, or it serves; without counting, where that is what cannot be done."""
        def run(faults):
            for path in gateway.store.parent.glob("*.usage*"):
                path.unlink()
            gateway.environment = faults.environment
            return self.start_and_stop(gateway)

        ends = Counter()
        for call, end in each_call_in_turn(gateway.directory, calls, code, None if calls == MEMORY else gateway.directory, run,
                                           1 if LONG else 6):
            assert call or end == "served", gateway.stderr
            if call:
                ends[end] += 1
        assert ends.total() > 0
        for end, number in ends.items():
            proof.figure(f"starts of the daemon with a failing {'allocation' if calls == MEMORY else 'call: ' + errno.errorcode[code]}: {end}", number)

    def start_and_stop(self, gateway):
        try:
            gateway.start()
            assert gateway.get("/old-sso/customer-00").location.endswith(CONNECTION_ID)
            gateway.stop()
        except (AssertionError, OSError) as trouble:
            ended = trouble
            try:
                gateway.stop()
            except AssertionError as told:
                ended = told
            assert re.match("ended at its start with 1:|ended with 1 though|exit status 1;", str(ended)), ended
            check_words(gateway.stderr)
            assert gateway.stderr.count("ssoferryd: error: ") == 1, gateway.stderr
            return "ended with status 1"
        return "served, not counting" if "warning: usage is not counted: " in gateway.stderr else "served"

    @pytest.mark.timeout(300)
    @pytest.mark.parametrize("calls", ["fdatasync,fsync,msync", WRITING] if LONG else [WRITING])
    @pytest.mark.parametrize("code", [errno.EIO, errno.ENOSPC] if LONG else [errno.EIO])
    def test_writing_usage(self, gateway, proof, calls, code):
        """Sign-ins are answered all the same, and what was counted meanwhile is in the file once it can be written."""
        armed = gateway.directory / "armed"
        port = free_port()
        gateway.configure(admin={"address": f"127.0.0.1:{port}"})
        gateway.environment = Faults(gateway.directory, calls, code, 0, ".usage", armed).environment
        gateway.start()
        admin = Admin(port)
        asked = 0
        for begins in (True, False):
            armed.touch() if begins else armed.unlink()
            failures = admin.metric("ssoferry_usage_flush_failures_total")
            for _ in range(50):
                assert gateway.get("/old-sso/customer-00").status == 307
                asked += 1
            if begins:
                gateway.wait_for(lambda: admin.metric("ssoferry_usage_flush_failures_total") > failures + 1)
                gateway.wait_for(lambda: "warning: usage is not written, " in gateway.stderr)
                assert "written again" not in gateway.stderr
        gateway.wait_for(lambda: gateway.report().totals["hits"] == asked)
        gateway.wait_for(lambda: "ssoferryd: usage is written again, " in gateway.stderr)
        gateway.stop()
        assert gateway.stderr.count("usage is not written, ") == 1
        assert gateway.report().totals["hits"] == asked
        proof.figure(f"sign-ins answered and counted while usage could not be written ({errno.errorcode[code]})", asked)

    def test_counts_that_cannot_be_written_at_the_end(self, gateway):
        """They are lost, and it says so."""
        armed = gateway.directory / "armed"
        gateway.environment = Faults(gateway.directory, WRITING, errno.ENOSPC, 0, ".usage", armed).environment
        gateway.start()
        armed.touch()
        gateway.get("/old-sso/customer-00")
        gateway.stop()
        assert "warning: what was counted last is lost: " in gateway.stderr and "the disk is full: free some space" in gateway.stderr
        assert gateway.report().totals["hits"] == 0

    @pytest.mark.parametrize("path", ["/livez", "/metrics"])
    def test_no_memory_for_what_the_admin_listener_writes(self, gateway, path):
        armed = gateway.directory / "armed"
        admin = Admin(free_port())
        gateway.configure(admin={"address": f"127.0.0.1:{admin.port}"})
        gateway.environment = Faults(gateway.directory, "open_memstream", errno.ENOMEM, 0, None, armed).environment
        gateway.start()
        assert admin.get(path).status == 200
        armed.touch()
        with contextlib.suppress(AssertionError, OSError):
            admin.get(path)
        with pytest.raises(AssertionError, match="ended with 1 though|exit status 1;"):
            gateway.stop()
        assert "ssoferryd: error: out of memory: " in gateway.stderr

    @pytest.mark.parametrize("code", [errno.EIO, errno.EMFILE])
    def test_reload(self, gateway, code):
        armed = gateway.directory / "armed"
        gateway.environment = Faults(gateway.directory, "open,fopen", code, 0, gateway.config_path, armed).environment
        gateway.start()
        armed.touch()
        gateway.signal(signal.SIGHUP)
        gateway.wait_for(lambda: "keeping the configuration as it was" in gateway.stderr)
        assert gateway.get("/old-sso/customer-00").status == 307
        armed.unlink()
        gateway.signal(signal.SIGHUP)
        gateway.wait_for(lambda: "reload: done" in gateway.stderr)
