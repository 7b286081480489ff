"""Who still uses the old addresses: told in full while the daemon counts, and in bounded memory whatever an attacker sends.

Long: twenty-five times the flood, and ten times the reports."""
import csv
import io
import itertools
import json
import os
import re
import subprocess
import threading
from collections import Counter
from pathlib import Path

import pytest

import wire
from programs import program
from proof import LONG
from stytch_ids import connection_id
from workers import Workers

FLOOD = 500_000 if LONG else 20_000
REPORTS = 100 if LONG else 10
MIB = 1 << 20
KEPT_MAX = 2000  # unknown identifiers that are kept


def ask(connection, targets):
    """All of them at once; the statuses of their answers."""
    connection.send(b"".join(wire.request_bytes("HEAD", target, "localhost") for target in targets))
    return Counter(connection.answer(head_only=True).status for _ in targets)


class TestFlood:
    """Names that come once each, by the thousand, and five that are real and keep coming: only those are worth a place."""

    ROWS = {name: connection_id(n) for n, name in enumerate(["acme-corp", "globex", "initech", "hooli.example", "umbrella"])}
    REAL = {"acme-crop": "acme-corp", "Globex": "globex", "initech2": "initech", "hooli.exmaple": "hooli.example", "quite-another": None}
    PIECE = 500
    REAL_IN_PIECE = 2

    @pytest.fixture
    def gateway(self, make_gateway, monkeypatch):
        """A sanitizer, where there is one, keeps what was freed for a while; little of it, so that memory can be measured all the same."""
        monkeypatch.setenv("ASAN_OPTIONS", os.environ.get("ASAN_OPTIONS", "") + ":quarantine_size_mb=1:thread_local_quarantine_size_kb=64")
        gateway = make_gateway(log={"requests": "off"})
        gateway.load(self.ROWS)
        return gateway.start()

    def flood(self, gateway, first, last, real_in_piece=REAL_IN_PIECE):
        """Names `first` to `last`, with the real ones in between, to every worker by turns: each counts, and takes memory for it, on
        its own. Waits until they are in the file. Returns how often each real one was sent."""
        before = gateway.report().totals["unknown_hits"]
        rounds = 0
        with Workers(gateway) as workers:
            turns = itertools.cycle(workers.one_each())
            for start in range(first, last, self.PIECE):
                singles = [f"/old-sso/{number * 2654435761 % 4294967291:x}-%2e%2e%2fetc%2fpasswd" for number in range(start, start + self.PIECE)]
                real = [f"/old-sso/{name}" for name in self.REAL] * real_in_piece
                assert ask(next(turns), singles + real) == {404: len(singles) + len(real)}
                rounds += real_in_piece
        sent = last - first + rounds * len(self.REAL)
        gateway.wait_for(lambda: gateway.report().totals["unknown_hits"] == before + sent)
        return rounds

    def memory(self, gateway):
        """Bytes of the daemon's own; mapped files do not count."""
        status = Path(f"/proc/{gateway.pid}/status").read_text()
        return int(re.search(r"^RssAnon:\s*(\d+) kB", status, re.M)[1]) * 1024

    def usage_size(self, gateway):
        return os.stat(f"{gateway.store}.usage").st_size

    def real_ones_lead(self, gateway, rounds):
        """At the head of the list, with their counts: what was estimated of them, when there was no place left, is told as such."""
        rows, unknown, totals = gateway.report()
        assert len(unknown) == KEPT_MAX
        assert {line["identifier"]: line["did_you_mean"] for line in unknown[:len(self.REAL)]} == self.REAL
        for line in unknown[:len(self.REAL)]:
            assert rounds - 4 <= line["hits"] <= rounds + line["error"] and line["error"] <= 4, line
        assert max(line["hits"] for line in unknown[len(self.REAL):]) <= 4
        assert (totals["never"], totals["hits"], sum(row["hits"] for row in rows)) == (len(self.ROWS), 0, 0)

    @pytest.mark.timeout(60 + FLOOD // 500)
    def test_memory_and_file_stay_small(self, gateway, proof):
        start = self.memory(gateway)
        quarter, half = FLOOD // 4, FLOOD // 2
        self.flood(gateway, 0, quarter, real_in_piece=0)  # takes every place
        rounds = self.flood(gateway, quarter, half)
        early, early_file = self.memory(gateway), self.usage_size(gateway)
        rounds += self.flood(gateway, half, FLOOD)
        late, late_file = self.memory(gateway), self.usage_size(gateway)
        assert late - early < 4 * MIB and early - start < 48 * MIB, (start, early, late)
        assert late_file < 4 * MIB and late_file <= early_file * 1.5, (early_file, late_file)
        self.real_ones_lead(gateway, rounds)
        told = gateway.loader("report").stdout
        shown = told[told.index("Unknown identifiers, the 20 most frequent of 2,000:"):].splitlines()[2:7]
        assert {line.split()[1] for line in shown} == set(self.REAL)

        gateway.stop()
        gateway.start()
        self.real_ones_lead(gateway, rounds)
        rounds += self.flood(gateway, FLOOD, FLOOD + 4 * self.PIECE)
        self.real_ones_lead(gateway, rounds)
        proof.figure("unknown identifiers that came once each", FLOOD)
        proof.figure("the daemon's own memory: start, half-way, end (MiB)", " / ".join(f"{size / MIB:.1f}" for size in (start, early, late)))
        proof.figure("usage file: half-way, end (MiB)", " / ".join(f"{size / MIB:.2f}" for size in (early_file, late_file)))


class Visitor(threading.Thread):
    """Goes round the identifiers, and knows how often it has been where."""

    def __init__(self, gateway, names):
        super().__init__(daemon=True)
        self._gateway, self._names = gateway, names
        self.sent = Counter()
        self.trouble = None
        self.enough = threading.Event()

    def run(self):
        try:
            with self._gateway.connect() as connection:
                while not self.enough.is_set():
                    for name, path in self._names.items():
                        self.sent[name] += 1
                        ask(connection, [f"/old-sso/{path}"])
        except Exception as trouble:
            self.trouble = trouble


class TestWhileTheDaemonCounts:
    USED = {"acme": "acme", "globex": "globex", "=1+1": "=1%2B1", 'quo"te, comma': "quo%22te,%20comma", "größe": "gr%C3%B6%C3%9Fe"}
    UNKNOWN = {"acmee": "acmee", "grösse": "gr%C3%B6sse"}
    UNUSED = [f"silent-{n}" for n in range(7)]
    MEANT = {"acmee": "acme", "grösse": "größe"}

    @pytest.fixture
    def gateway(self, make_gateway):
        gateway = make_gateway(log={"requests": "off"}, legacy={"allowed_hosts": ["legacy.example.net"]},
                               routes=[{"match": "/old-sso/{identifier}", "legacy_url": "https://legacy.example.net/acs"}])
        gateway.load({name: {"connection_id": connection_id(n), "label": f"No. {n}, \"{name}\""} for n, name in enumerate([*self.USED, *self.UNUSED])})
        return gateway.start()

    @pytest.fixture
    def visitors(self, gateway):
        visitors = [Visitor(gateway, {**self.USED, **self.UNKNOWN}) for _ in range(3)]
        for visitor in visitors:
            visitor.start()
        yield visitors
        self.end(visitors)

    def end(self, visitors):
        for visitor in visitors:
            visitor.enough.set()
        for visitor in visitors:
            visitor.join(30)
        assert [visitor.trouble for visitor in visitors] == [None] * len(visitors)

    def read_json(self, gateway, states):
        """One state of it all: sums are those of the rows beside them, whatever is counted meanwhile."""
        rows, unknown, totals = gateway.report()
        assert [row["identifier"] for row in rows] == sorted(states, key=str.encode)
        for row in rows:
            assert row["hits"] == sum(row["outcomes"].values()) == sum(row["days"].values())
            assert row["state"] == states[row["identifier"]]
            assert row["idle"] == (row["hits"] == 0) == (row["last_seen"] is None)
        assert totals["hits"] == sum(row["hits"] for row in rows)
        assert totals["unknown_hits"] == sum(line["hits"] for line in unknown)
        assert totals["idle"] == totals["never"] == sum(row["hits"] == 0 for row in rows)
        assert totals["rows"] == {state: list(states.values()).count(state) for state in ("stytch", "legacy", "disabled")}
        assert totals["seen"] == {state: sum(row["state"] == state and row["hits"] > 0 for row in rows) for state in totals["rows"]}
        assert {line["identifier"]: line["did_you_mean"] for line in unknown}.items() <= self.MEANT.items()
        self.check_verdict(totals["verdict"], totals)
        return Counter({line["identifier"]: line["hits"] for line in rows + unknown if line["hits"]})

    def check_verdict(self, verdict, totals):
        counts, seen = totals["rows"], totals["seen"]["stytch"]
        how_many = {0: "none", counts["stytch"]: "all"}.get(seen, seen)
        said = f"{counts['stytch']} of {sum(counts.values())} connections are cut over, {how_many} of them seen in the last 30 days"
        for state, words in (("legacy", "still legacy"), ("disabled", "disabled")):
            if counts[state]:
                said += f"; {counts[state]} {'is' if counts[state] == 1 else 'are'} {words}"
        assert verdict.startswith(said + ". Counting began only ")
        assert verdict.endswith(f" ago; {totals['never']} have not been seen since.")

    def read_csv(self, gateway, states):
        rows = list(csv.DictReader(io.StringIO(gateway.loader("report", "--csv").stdout, newline=""), strict=True))
        assert all(None not in row and None not in row.values() for row in rows), "as many fields as the header has"
        connections = [row for row in rows if row["kind"] == "connection"]
        assert [(row["identifier"], row["state"]) for row in connections] == sorted(states.items(), key=lambda row: row[0].encode())
        assert all(row["label"].endswith(f'"{row["identifier"]}"') for row in connections)
        assert all(int(row["hits"]) == sum(int(row[outcome]) for outcome in ("stytch", "legacy", "disabled", "failed")) for row in connections)
        assert {row["identifier"]: row["did_you_mean"] for row in rows if row["kind"] == "unknown"}.items() <= self.MEANT.items()
        return Counter({row["identifier"]: int(row["hits"]) for row in rows if int(row["hits"])})

    def read_text(self, gateway, states):
        lines = gateway.loader("report").stdout.splitlines()
        rows = [re.fullmatch(r"default +(.+?) +(stytch|legacy|disabled) +([\d,]+) .*", line) for line in lines[1:1 + len(states)]]
        assert {row[1]: row[2] for row in rows} == states
        unknown = [re.fullmatch(r"default +(\S+) +([\d,]+) +.*  (\S+)", line) for line in lines[1 + len(states):] if line.startswith("default ")]
        assert {line[1]: line[3] for line in unknown}.items() <= self.MEANT.items()
        told = {row[1]: row[3] for row in rows} | {line[1]: line[2] for line in unknown}
        return Counter({name: int(hits.replace(",", "")) for name, hits in told.items() if hits != "0"})

    @pytest.mark.timeout(60 + 6 * REPORTS)
    def test_every_report_is_whole(self, gateway, visitors, proof):
        states = dict.fromkeys([*self.USED, *self.UNUSED], "stytch")
        known = Counter()
        for number in range(REPORTS):
            for read in (self.read_json, self.read_csv, self.read_text):
                told = read(gateway, states)
                assert all(known[name] <= told[name] for name in known), "no report falls back behind the one before"
                assert all(told[name] <= sum(visitor.sent[name] for visitor in visitors) for name in told)
                known = told
            name = ["acme", "globex", "silent-1"][number % 3]
            states[name] = ["legacy", "disabled", "stytch"][number // 3 % 3]
            gateway.set(name, f"state={states[name]}")
        gateway.wait_for(lambda: self.read_json(gateway, states).keys() == self.USED.keys() | self.UNKNOWN.keys())
        self.end(visitors)
        gateway.stop()

        sent = sum((visitor.sent for visitor in visitors), Counter())
        assert self.read_json(gateway, states) == self.read_csv(gateway, states) == self.read_text(gateway, states) == sent
        assert [row["identifier"] for row in gateway.report("--silent").rows] == self.UNUSED
        _, _, totals = gateway.report()
        assert totals["never"] == len(self.UNUSED)
        proof.figure("reports read while the daemon counted", 3 * REPORTS)
        proof.figure("requests meanwhile, each counted", sent.total())

    def test_a_report_that_is_read_slowly_holds_nothing_up(self, gateway, visitors):
        """It stands still in the middle of its rows, on the state that it began with; the daemon counts on, and the table changes."""
        gateway.load({f"customer-{n:04}": connection_id(n) for n in range(3000)}, source="another", arguments=["--merge"])
        gateway.wait_for(lambda: gateway.report().totals["hits"] > 0)
        with subprocess.Popen([program("ssoferry"), "-c", str(gateway.config_path), "report", "--json"], stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, text=True) as slow:
            lines = [slow.stdout.readline()]
            hits = gateway.report().totals["hits"]
            for number in range(2):
                gateway.set("acme", f"label={number}")
                gateway.wait_for(lambda: gateway.report().totals["hits"] > hits)
                hits = gateway.report().totals["hits"]
            assert slow.poll() is None, "its output is longer than a pipe takes"
            lines += slow.stdout.readlines()
        *rows, totals = [json.loads(line) for line in lines]
        assert slow.returncode == 0 and totals["kind"] == "totals"
        assert totals["hits"] == sum(row["hits"] for row in rows if row["kind"] == "connection") < hits
        assert totals["revision"] == 2 and len(rows) >= 3000
