"""Revisions held against a model: random edits, what history says of them, and the way back; and several writers at once.

Long: a thousand steps from each of ten seeds, and a hundred rounds."""
import contextlib
import getpass
import hashlib
import json
import os
import random
import socket
import subprocess
import uuid
from pathlib import Path

import lmdb
import pytest
import yaml

import stytch_ids
from programs import check_words, program
from proof import LONG, short

STEPS = 1000 if LONG else 80
SEEDS = range(10 if LONG else short(2))
ROUNDS = 100 if LONG else short(8)
REVISIONS_KEPT = 50
SOURCES = ["default", "auth0", "a-9"]
IDENTIFIERS = ["acme", "globex", "0123", "yes", "~", "größe", "a/b", "x: y", "#1", "-x", "--json", "with space", "'quoted\"", "日本", "A" * 440,
               *[f"customer-{number}" for number in range(12)]]
FIELDS = ["state", "connection_id", "acs_url", "redirect", "legacy_url", "organization_id", "label"]
CONFIG = {"legacy": {"allowed_hosts": ["legacy.example.net"]}}


def connection_id(number):
    return stytch_ids.connection_id(number, "live" if number % 3 else "test")


class Rows:
    """Random rows, as mappings without the fields that are unset."""

    def __init__(self, seed):
        self.random = random.Random(seed)

    def row(self):
        r = self.random
        row = {"state": r.choice(["stytch"] * 4 + ["legacy", "disabled"])}
        if row["state"] == "stytch" or r.random() < 0.5:
            row["connection_id"] = connection_id(r.randrange(1000))
        if "connection_id" in row and r.random() < 0.2:
            row["acs_url"] = f"https://noun-verb-1.customers.stytch.com/v1/b2b/sso/callback/{row['connection_id']}"
        for field, make in self.optional().items():
            if r.random() < 0.25:
                row[field] = make()
        return row

    def optional(self):
        r = self.random
        return {
            "redirect": lambda: r.choice(["307", "303", "form"]),
            "legacy_url": lambda: f"https://legacy.example.net/acs?n={r.randrange(100)}",
            "organization_id": lambda: f"organization-live-{uuid.UUID(int=r.randrange(1000))}",
            "label": lambda: r.choice(["Acme, Inc.", "größer: \"besser\" # 1", "yes", "0x1f", " led by a space", "'", "1e3"]),
        }

    def name(self):
        return self.random.choice(SOURCES), self.random.choice(IDENTIFIERS)

    def rows(self, source, most=len(IDENTIFIERS)):
        return {(source, name): self.row() for name in self.random.sample(IDENTIFIERS, self.random.randrange(most + 1))}


def as_json_row(row):
    return None if row is None else {field: row.get(field) for field in FIELDS}


def differences(before, after):
    """What `history --show N --json` says of a change, in key order."""
    rows = []
    for source, identifier in sorted(before.keys() | after.keys(), key=lambda key: (key[0].encode(), key[1].encode())):
        old, new = before.get((source, identifier)), after.get((source, identifier))
        if old != new:
            change = "added" if old is None else "removed" if new is None else "changed"
            rows.append({"change": change, "source": source, "identifier": identifier, "before": as_json_row(old), "after": as_json_row(new)})
    return rows


class Model:
    """The table by revision, with the notes that belong to it; and the loader, which must agree after each step."""

    def __init__(self, gateway, seed):
        self.gateway, self.make = gateway, Rows(seed)
        self.random = self.make.random
        self.tables, self.notes = [{}], [None]  # by revision; 0 is the empty table before the first
        self.did = set()
        self.message = self.actor = None  # of the command that is being made
        self._exported = None, None  # the last text and its rows

    @property
    def rows(self):
        return self.tables[-1]

    @property
    def revision(self):
        return len(self.tables) - 1

    # -- steps: each says what the table must be then, runs the command, and is checked ------------------------------------

    def step(self):
        steps = {self.set: 30, self.remove: 12, self.load: 14, self.merge: 14, self.rollback: 20, self.load_of_its_own: 6, self.refused: 14}
        chosen = self.random.choices(list(steps), list(steps.values()))[0]
        if chosen():
            self.did.add(chosen.__name__)
            self.check()

    def set(self):
        key = self.make.name()
        row = dict(self.rows.get(key, {"state": "stytch"}))
        wanted = self.make.row()
        if self.random.random() < 0.6:  # one field, which the row must bear
            field = self.random.choice([field for field in FIELDS if field in wanted])
            wanted = {field: wanted[field]}
        if "connection_id" in wanted and "acs_url" in row and "acs_url" not in wanted:
            wanted["acs_url"] = ""
        if self.random.random() < 0.2:
            wanted[self.random.choice(["redirect", "label", "organization_id"])] = ""
        row = {field: value for field, value in {**row, **wanted}.items() if value != ""}
        good = (row["state"] != "stytch" or "connection_id" in row) and ("acs_url" not in row or row["acs_url"].endswith(row.get("connection_id", "?")))
        good = good and (row["state"] != "legacy" or "legacy_url" in row or key[0] != "default")  # whose route has no legacy_url either
        if not good or (key not in self.rows and "connection_id" not in wanted):  # a state alone may be refused for a name that is near
            return False
        words = ["--source", key[0], *self.note(), "--", key[1], *[f"{field}={value}" for field, value in wanted.items()]]
        self.run({**self.rows, key: row}, "set", *words)
        return True

    def remove(self):
        source = self.random.choice(SOURCES)
        names = [identifier for of, identifier in self.rows if of == source]
        if not names:
            return False
        names = self.random.sample(names, min(len(names), self.random.choice([1, 1, 2, 5])))
        left = {key: row for key, row in self.rows.items() if key[0] != source or key[1] not in names}
        self.run(left, "remove", "--source", source, *self.note(), "--", *names)
        return True

    def load(self):
        """One source or several, in one file or several; what the files do not name goes, but of their sources only."""
        sources = self.random.sample(SOURCES, self.random.choice([1, 1, 2, 3]))
        rows = {key: row for source in sources for key, row in self.some_like_now(source).items()}
        table = {**{key: row for key, row in self.rows.items() if key[0] not in sources}, **rows}
        options = ["--allow-removals"] if self.loses_many(table, sources) else []
        if self.random.random() < 0.4:
            options += ["--expect-revision", self.revision]
        self.run(table, "load", *options, *self.note(), *self.files(rows, sources))
        return True

    def some_like_now(self, source):
        """Most rows of the source as they are, so that not all is new each time."""
        kept = {key: row for key, row in self.rows.items() if key[0] == source and self.random.random() < 0.8}
        return {**kept, **self.make.rows(source, most=4)} if self.random.random() < 0.8 else self.make.rows(source)

    def merge(self):
        source = self.random.choice(SOURCES)
        rows = self.make.rows(source, most=6)
        self.run({**self.rows, **rows}, "load", "--merge", *self.note(), *self.files(rows, [source]))
        return True

    def load_of_its_own(self):
        """The table's own export changes nothing and makes no revision."""
        if self.revision == 0:
            return False
        path = self.gateway.directory / "exported.yaml"
        self.gateway.loader("export", "-o", path)
        self.run(self.rows, "load", path)
        return True

    def rollback(self):
        earliest = max(0, self.revision - REVISIONS_KEPT)
        if self.revision == 0:
            return False
        target = self.random.choice([earliest, self.revision - 1, self.random.randrange(earliest, self.revision)])
        words = self.note()
        self.message = f"to revision {target}" + (f": {self.message}" if self.message else "")
        self.run(self.tables[target], "rollback", "--yes", *words, target)
        return True

    def refused(self):
        """What must leave the table as it is: checked as every step is."""
        source = self.random.choice(SOURCES)
        file = self.files(self.make.rows(source), [source])
        command, status, words = self.random.choice(self.refusals(file))
        done = self.gateway.loader(*command, expect=status)
        assert words in done.stdout + done.stderr, (command, done.stdout, done.stderr)
        return True

    def refusals(self, file):
        """Commands, with the exit status and what they say."""
        expecting = ["load", "--allow-removals", "--expect-revision", self.revision + self.random.choice([1, 7]), *file]
        refusals = [(expecting, 1, f"the table is at revision {self.revision}, not"),
                    (["load", "--dry-run", "--allow-removals", *file], 0, "dry run")]
        if self.revision == 0:
            return refusals  # the others want a store
        absent = next(name for name in [*IDENTIFIERS, "nobody"] if ("default", name) not in self.rows)
        present = [name for of, name in self.rows if of == "default"][:1]
        return refusals + [
            (["load", "--expect-revision", self.revision - 1, *file], 1, "somebody changed it meanwhile"),
            (["remove", "--", absent, *present], 1, ""),
            (["set", "--", absent, "label=x"], 1, "give connection_id=ID"),
            (["set", "a-name-like-no-other", "state=legacy", f"connection_id={connection_id(1)}", "legacy_url=https://elsewhere.example.com/"], 2, "not among the allowed hosts"),
            (["set", "a-name-like-no-other", "state=disabled", f"connection_id={connection_id(1)}", "acs_url=https://evil.example.com/"], 2, "acs_url"),
            (["rollback", "--yes", self.revision + 1], 1, "there is no revision"),
            (["rollback", "--yes", self.revision], 2, "already"),
            *[(["rollback", "--yes", number], 1, "too far back") for number in range(self.revision - REVISIONS_KEPT)[-3:]],
        ]

    # -- what steps are made of ---------------------------------------------------------------------------------------------

    def note(self):
        self.message, self.actor = None, None
        words = []
        if self.random.random() < 0.5:
            self.message = self.random.choice(["cut over", "größe & \"co\"", "x" * 200])
            words += ["-m", self.message]
        if self.random.random() < 0.5:
            self.actor = self.random.choice(["alice@ops", "日本"])
            words += ["--actor", self.actor]
        return words

    def files(self, rows, sources):
        """Each source in a file of its own, or all in one."""
        by_source = {source: {key[1]: self.as_written(row) for key, row in rows.items() if key[0] == source} for source in sources}
        if len(sources) > 1 and self.random.random() < 0.5:
            path = self.gateway.directory / f"sources-{self.random.randrange(3)}.yaml"
            path.write_text(yaml.safe_dump({"version": 1, "sources": by_source}, allow_unicode=True, sort_keys=False), encoding="utf-8")
            return [path]
        return [self.gateway.mapping_file(rows, source) for source, rows in by_source.items()]

    def as_written(self, row):
        """One of the ways to write a row: in short where that is possible, with its state left out where it is the usual one."""
        if row["state"] != "stytch" or self.random.random() < 0.3:
            return row
        row = {field: value for field, value in row.items() if field != "state"}
        return row["connection_id"] if len(row) == 1 else row

    def loses_many(self, table, sources):
        before = {source: [key for key in self.rows if key[0] == source] for source in sources}
        gone = [(sum(key not in table for key in keys), len(keys)) for keys in before.values()]
        return any(count * 10 > of and (count > 1 or count == of) for count, of in gone)

    def run(self, table, *command):
        """Runs a command that must make the table this; if that is what it is, there is no revision."""
        if "--allow-removals" in command and self.random.random() < 0.3:
            said = self.gateway.loader(*[word for word in command if word != "--allow-removals"], expect=1).stderr
            assert "more than a tenth" in said and "--allow-removals" in said
            self.check()
        said = self.gateway.loader(*command).stdout
        named = command[-1] if command[0] == "rollback" and table == self.rows else None  # it is as that one was already
        if table != self.rows or self.revision == 0:
            self.tables.append(table)
            paths = [word for word in command if isinstance(word, Path)]
            self.notes.append({
                "command": command[0], "message": self.message, "actor": self.actor or f"{getpass.getuser()}@{socket.gethostname()}",
                "files": [{"path": str(path), "sha256": hashlib.sha256(path.read_bytes()).hexdigest()} for path in paths]})
        assert f"revision {self.revision if named is None else named}" in said, said
        self.message = self.actor = None

    # -- what the loader says of it ------------------------------------------------------------------------------------------

    def check(self):
        if self.revision == 0:
            assert not self.gateway.store.exists(), "what was refused made a store"
            return
        assert self.exported() == self.rows
        newest, *_ = history = self.history()
        assert [entry["revision"] for entry in history] == list(range(self.revision, max(0, self.revision - REVISIONS_KEPT), -1))
        changes = self.check_revision(self.revision)
        counts = {kind: sum(change["change"] == kind for change in changes) for kind in ("added", "changed", "removed")}
        assert {name: newest[name] for name in [*counts, *self.notes[-1]]} == {**counts, **self.notes[-1]}
        if self.random.random() < 0.2:
            self.check_revision(self.random.randint(max(1, self.revision - REVISIONS_KEPT + 1), self.revision))
            self.check_stat()

    def check_stat(self):
        stat = json.loads(self.gateway.loader("stat", "--json").stdout)
        states = {state: sum(row["state"] == state for row in self.rows.values()) for state in ("stytch", "legacy", "disabled")}
        assert {name: stat[name] for name in ["revision", "rows", *states]} == {"revision": self.revision, "rows": len(self.rows), **states}

    def check_revision(self, number):
        said = [json.loads(line) for line in self.gateway.loader("history", "--show", number, "--json").stdout.splitlines()]
        assert said == differences(self.tables[number - 1], self.tables[number])
        return said

    def history(self):
        return [json.loads(line) for line in self.gateway.loader("history", "--json").stdout.splitlines()]

    def exported(self):
        """As PyYAML reads it, not libyaml; the same text, as after what was refused, once."""
        text = self.gateway.loader("export").stdout
        if text != self._exported[0]:
            self._exported = text, self.read(text)
        return self._exported[1]

    @staticmethod
    def read(text):
        document = yaml.load(text, yaml.BaseLoader)
        sources = document.get("sources") or {document["source"]: document["connections"]}
        return {(source, identifier): {"state": "stytch", **({"connection_id": row} if isinstance(row, str) else row)}
                for source, rows in sources.items() for identifier, row in rows.items()}


@pytest.mark.timeout(60 + 5 * STEPS)
@pytest.mark.parametrize("seed", SEEDS)
def test_random_edits_and_the_way_back(make_gateway, proof, seed):
    model = Model(make_gateway(**CONFIG), seed)
    for _ in range(STEPS):
        model.step()
    assert model.did == {"set", "remove", "load", "merge", "rollback", "load_of_its_own", "refused"}
    while model.revision <= REVISIONS_KEPT:  # until the first ones are forgotten
        model.set()
    model.check()

    first = model.revision
    for target in [*range(first - 1, first - 8, -1), first]:  # one step back after the other, and forth again
        model.message = f"to revision {target}"
        model.run(model.tables[target], "rollback", "--yes", target)
        assert model.exported() == model.tables[target]
    model.check()
    model.check_stat()
    proof.figure(f"revisions by random edits, from seed {seed}", model.revision)


class TestKept:
    def test_fifty_revisions_of_many_rows(self, make_gateway):
        """What is forgotten leaves no undo behind, so that the store does not grow for ever."""
        gateway = make_gateway()
        tables = [{f"customer-{n:04}": connection_id(2 * n + parity) for n in range(1000)} for parity in (0, 1)]
        files = [gateway.mapping_file(table) for table in tables]
        sizes = []
        for number in range(1, 2 * REVISIONS_KEPT + 11):
            gateway.loader("load", files[number % 2])
            if number > REVISIONS_KEPT and number % 10 == 1:
                stat = json.loads(gateway.loader("stat", "--json").stdout)
                sizes.append((stat["undo_bytes"], stat["file_bytes"]))
        history = [json.loads(line) for line in gateway.loader("history", "--json").stdout.splitlines()]
        assert [entry["revision"] for entry in history] == list(range(number, number - REVISIONS_KEPT, -1))
        assert {entry["changed"] for entry in history} == {1000}
        assert gateway.loader("history", "--show", number - REVISIONS_KEPT, expect=1).stdout == ""
        undo, file = zip(*sizes)
        assert max(undo) <= 1.1 * min(undo) and file[-1] == file[2], sizes
        gateway.loader("rollback", "--yes", number - REVISIONS_KEPT - 1, expect=1)
        gateway.loader("rollback", "--yes", number - REVISIONS_KEPT)


class Writers:
    """Loaders that all wait for the one write transaction, which a stranger holds until they do; then they go at once."""

    def __init__(self, gateway):
        self._gateway = gateway

    def __call__(self, *commands):
        """Runs all and returns (exit status, stdout, stderr) of each."""
        with lmdb.open(str(self._gateway.store), subdir=False, max_dbs=8, map_size=1 << 30) as environment:
            with environment.begin(write=True):
                running = [subprocess.Popen([program("ssoferry"), "-c", str(self._gateway.config_path), *map(str, command)], text=True,
                                            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE) for command in commands]
                for process in running:
                    self._gateway.wait_for(lambda: self._waits(process))
        ends = []
        for process in running:
            out, said = process.communicate(timeout=60)
            check_words(said)
            ends.append((process.returncode, out, said))
        return ends

    def _waits(self, process):
        """It has the table open and sleeps: for anything but the lock it would be for a moment only."""
        assert process.poll() is None, process.communicate()
        open_files = set()
        for descriptor in Path(f"/proc/{process.pid}/fd").iterdir():
            with contextlib.suppress(FileNotFoundError):  # closed meanwhile
                open_files.add(os.readlink(descriptor))
        state = Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()[0]
        return f"{self._gateway.store}-lock" in open_files and state == "S"


class TestAtOnce:
    """Two writers at once: both land, or one says why."""

    FIRST = {f"customer-{n:03}": connection_id(n) for n in range(200)}

    @pytest.fixture
    def gateway(self, make_gateway):
        gateway = make_gateway(**CONFIG)
        gateway.load(self.FIRST)
        return gateway

    def model(self, gateway):
        return Model(gateway, 0)

    def part(self, gateway, name, shift):
        return gateway.mapping_file({f"{name}-{n:03}": connection_id(n + shift) for n in range(200)})

    def test_merges_both_land(self, gateway):
        files = [self.part(gateway, name, 1000) for name in ("east", "west", "north")]
        ends = Writers(gateway)(*[["load", "--merge", file] for file in files])
        assert [status for status, _, _ in ends] == [0, 0, 0]
        assert len(self.model(gateway).exported()) == 800
        history = self.model(gateway).history()
        assert [(entry["revision"], entry["added"]) for entry in history] == [(4, 200), (3, 200), (2, 200), (1, 200)]
        assert {entry["files"][0]["path"] for entry in history[:3]} == set(map(str, files))

    def test_whole_tables_land_one_after_the_other(self, gateway, proof):
        files = [self.part(gateway, name, 1000) for name in ("east", "west")]
        for _ in range(ROUNDS):
            revision = self.model(gateway).history()[0]["revision"]
            ends = Writers(gateway)(*[["load", "--allow-removals", file] for file in files])
            assert [status for status, _, _ in ends] == [0, 0]
            newest, before, *_ = self.model(gateway).history()
            assert newest["revision"] - revision in (1, 2), "2, unless the first of the two found its rows there already"
            if newest["revision"] - revision == 2:
                assert {entry["files"][0]["path"] for entry in (newest, before)} == set(map(str, files))
            winner = newest["files"][0]["path"].endswith(files[0].name)
            assert {identifier[:4] for _, identifier in self.model(gateway).exported()} == {"east" if winner else "west"}
        proof.figure("rounds of two loads at once", ROUNDS)

    def test_only_one_of_those_that_expect_a_revision(self, gateway):
        for round_number in range(1, ROUNDS + 1):
            files = [self.part(gateway, f"round-{round_number}-{name}", 0) for name in ("east", "west")]
            ends = Writers(gateway)(*[["load", "--merge", "--expect-revision", round_number, file] for file in files])
            assert sorted(status for status, _, _ in ends) == [0, 1]
            for (status, out, said), file in zip(ends, files):
                if status == 1:
                    assert out == "" and f"the table is at revision {round_number + 1}, not {round_number}: somebody changed it meanwhile" in said
                else:
                    assert f"revision {round_number + 1}: 200 added" in out
                    assert self.model(gateway).history()[0]["files"][0]["path"] == str(file)

    def test_expecting_what_somebody_else_has_changed(self, gateway):
        file = self.part(gateway, "east", 0)
        gateway.set("customer-000", "state=disabled")
        before = gateway.loader("export").stdout
        assert "the table is at revision 2, not 1" in gateway.loader("load", "--merge", "--expect-revision", 1, file, expect=1).stderr
        assert gateway.loader("export").stdout == before
        gateway.loader("load", "--merge", "--expect-revision", 2, file)

    def test_single_rows_all_land(self, gateway):
        for round_number in range(ROUNDS):
            commands = [["set", f"customer-{n:03}", f"label={round_number}", "--actor", f"operator-{n}"] for n in range(5)]
            assert [status for status, _, _ in Writers(gateway)(*commands, ["remove", f"customer-{100 + round_number}"])] == [0] * 6
            rows = self.model(gateway).exported()
            assert [rows["default", f"customer-{n:03}"]["label"] for n in range(5)] == [str(round_number)] * 5
            assert len(rows) == 199 - round_number
            assert {entry["actor"] for entry in self.model(gateway).history()[:6]} >= {f"operator-{n}" for n in range(5)}

    def test_rollbacks(self, gateway):
        """One that was looked at is only done while nobody has changed the table since."""
        gateway.set("customer-000", "state=disabled")
        gateway.set("customer-001", "state=disabled")
        for _ in range(ROUNDS):
            revision = self.model(gateway).history()[0]["revision"]
            target = revision - 1
            expected = {"customer-001": "stytch" if revision % 2 else "disabled"}
            ends = Writers(gateway)(["rollback", "--yes", target], ["rollback", "--yes", target])
            assert sorted(status for status, _, _ in ends) == [0, 1], ends
            assert [f"the table has changed meanwhile and is at revision {revision + 1}" in said for status, _, said in ends if status == 1] == [True]
            rows = self.model(gateway).exported()
            assert {name: rows["default", name]["state"] for name in expected} == expected
