"""Changes while clients hammer: each answer is that of the table before or after the change in progress, and none is lost.

Two hundred changes; long: two thousand."""
import random
import re
import threading
from collections import Counter

import pytest

import wire
from cutover import CONNECTION_ID, OTHER_CONNECTION_ID
from proof import LONG, short

CHANGES = 2000 if LONG else short(200)
SEED = 20261121
LIVE = "https://api.stytch.com/v1/b2b/sso/callback/"
OLD = "https://legacy.example.net/acs"
NAMES = ["acme", "globex", "initech", "hooli"]
REVISIONS_KEPT = 50


def answer_for(row):
    """What a request for a row gets: status and Location."""
    if row is None:
        return 404, None
    location = {"stytch": LIVE + row.get("connection_id", ""), "legacy": row.get("legacy_url"), "disabled": None}[row["state"]]
    return 307 if location else 410, location


class Table:
    """What the table was after each change, and which changes may be seen: from the last that has ended to the last that has begun."""

    def __init__(self, rows):
        self.versions = [rows]
        self.ended = 0

    @property
    def rows(self):
        return self.versions[-1]

    @property
    def begun(self):
        return len(self.versions) - 1

    def change(self, rows, act):
        self.versions.append(rows)
        result = act()
        self.ended = self.begun
        return result


class Client(threading.Thread):
    """Asks for one row after the other, and notes which changes had ended before each request and which had begun by its answer."""

    def __init__(self, gateway, table, number, keeps):
        super().__init__(daemon=True)
        self.gateway, self.table, self.number = gateway, table, number
        self.requests_a_connection = 1000 if keeps else 1
        self.answers = []  # (name, answer, ended, begun)
        self.trouble = None
        self.enough = threading.Event()

    def run(self):
        try:
            while not self.enough.is_set():
                with self.gateway.connect() as connection:
                    for _ in range(self.requests_a_connection):
                        self.ask(connection)
                        if self.enough.is_set():
                            break
        except Exception as trouble:
            self.trouble = trouble

    def ask(self, connection):
        name = NAMES[(self.number + len(self.answers)) % len(NAMES)]
        ended = self.table.ended
        connection.send(wire.request_bytes("POST", f"/old-sso/{name}", "localhost", (), b"SAMLResponse=" + b"x" * 1000))
        answer = connection.answer()
        assert answer is not None, "closed without an answer"
        self.answers.append((name, (answer.status, answer.location), ended, self.table.begun))

    def judge(self, versions):
        """No answer is older than one before it, whichever row that was for and whichever worker gave it."""
        assert self.trouble is None, repr(self.trouble)
        least = 0
        for number, (name, answer, ended, begun) in enumerate(self.answers):
            least = max(least, ended)
            fitting = [version for version in range(least, begun + 1) if answer_for(versions[version].get(name)) == answer]
            assert fitting, (f"answer {number} of client {self.number} for {name} is {answer}, "
                             f"but between changes {least} and {begun} it was {[versions[v].get(name) for v in range(least, begun + 1)]}")
            least = fitting[0]


class Operator:
    """Changes the table by the loader, at random, and knows what it must be afterwards."""

    def __init__(self, gateway, table, seed):
        self._gateway, self._table, self._random = gateway, table, random.Random(seed)
        self._at = {1: table.rows}  # the table by revision
        self._revision = 1
        self.commands = Counter()

    def fields(self, current):
        """For a row that answers otherwise than now; every legacy URL is one of a kind."""
        state = self._random.choice(["stytch", "legacy", "legacy", "disabled"])
        fields = {"state": state}
        if state == "legacy":
            fields["legacy_url"] = f"{OLD}?change={self._table.begun + 1}"
        else:
            fields["connection_id"] = self._random.choice([CONNECTION_ID, OTHER_CONNECTION_ID])
        return fields if answer_for({**current, **fields}) != answer_for(current) else self.fields(current)

    def step(self):
        self._random.choices([self.set, self.rollback, self.remove, self.load], [60, 25, 5, 10])[0]()

    def set(self):
        name = self._random.choice(NAMES)
        current = self._table.rows.get(name)
        fields = self.fields(current or {"state": "disabled"})
        self._run({**self._table.rows, name: {**(current or {}), **fields}}, "set", name, *[f"{field}={value}" for field, value in fields.items()])

    def remove(self):
        name = self._random.choice(NAMES)
        if name in self._table.rows:
            self._run({other: row for other, row in self._table.rows.items() if other != name}, "remove", name)

    def load(self):
        """All rows at once."""
        rows = {name: self.fields(self._table.rows.get(name, {"state": "disabled"})) for name in NAMES}
        self._run(rows, "load", self._gateway.mapping_file(rows))

    def rollback(self):
        earliest = max(1, self._revision - REVISIONS_KEPT)
        if earliest < self._revision:
            revision = self._random.randrange(earliest, self._revision)
            self._run(self._at[revision], "rollback", "--yes", revision)

    def _run(self, rows, *command):
        changed = rows != self._table.rows
        said = self._table.change(rows, lambda: self._gateway.loader(*command).stdout)
        self._revision += changed
        self._at[self._revision] = rows
        named = command[-1] if command[0] == "rollback" and not changed else self._revision  # it is as that one was already
        assert int(re.search(r"revision (\d+)", said)[1]) == named, said
        self.commands[command[0]] += 1


@pytest.mark.timeout(60 + CHANGES)
def test_every_answer_is_of_the_table_before_or_after(make_gateway, proof):
    gateway = make_gateway(threads=3, log={"requests": "off"}, legacy={"allowed_hosts": ["legacy.example.net"]})
    table = Table({name: {"state": "stytch", "connection_id": CONNECTION_ID} for name in NAMES})
    gateway.load(table.rows)
    operator = Operator(gateway, table, SEED)
    gateway.start()
    clients = [Client(gateway, table, number, keeps=number % 2 == 0) for number in range(4)]
    for client in clients:
        client.start()
    try:
        while sum(operator.commands.values()) < CHANGES and not any(client.trouble for client in clients):
            operator.step()
            proof.progress(sum(operator.commands.values()), CHANGES, "changes")
        operator.load()
        gateway.wait_for(lambda: all(client.trouble or len(client.answers) >= 100 for client in clients))
    finally:
        for client in clients:
            client.enough.set()
        for client in clients:
            client.join(30)

    for client in clients:
        client.judge(table.versions)
    assert min(operator.commands[name] for name in ("set", "rollback", "remove", "load")) > 0
    seen = Counter(answer for client in clients for _, answer, _, _ in client.answers)
    assert {status for status, _ in seen} == {307, 404, 410}
    assert len([location for _, location in seen if location and location.startswith(OLD)]) > CHANGES / 20, "changes were seen, too"

    gateway.stop()
    every_answer_was_counted(gateway, [answer for client in clients for answer in client.answers])
    for command, number in sorted(operator.commands.items()):
        proof.figure(f"changes by {command}", number)
    proof.figure("answers, each of the table before or after, each counted", sum(len(client.answers) for client in clients))


def every_answer_was_counted(gateway, answers):
    """Under the row it was for, as what it was."""
    counted = Counter()
    told = gateway.report()
    for line in told.rows:
        counted.update({(line["identifier"], outcome): hits for outcome, hits in line["outcomes"].items() if hits})
    counted["unknown"] = told.totals["unknown_hits"]
    expected = Counter()
    for name, (status, location), _, _ in answers:
        outcome = {404: "unknown", 410: "disabled", 307: "stytch" if location and location.startswith(LIVE) else "legacy"}[status]
        expected["unknown" if outcome == "unknown" else (name, outcome)] += 1
    assert counted == expected
