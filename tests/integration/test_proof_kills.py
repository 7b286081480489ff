"""kill -9 at random points, of the daemon, of the loader and of those that only read, while clients hammer: the store opens, the table is
what it was before or after the change that was killed, what was counted stays counted, and no reader's slot is lost.

Long: a thousand rounds."""
import json
import random
import signal
import subprocess
import threading
import time
from collections import Counter, deque

import lmdb
import pytest
import yaml

import wire
from programs import check_words, program
from proof import LONG, short
from stytch_ids import connection_id

ROUNDS = 1000 if LONG else short(20)
SEED = 20261121
ROWS = 4000
CLIENTS = 3
FLUSH_INTERVAL = 2  # seconds; what kill -9 can lose of the counts
READERS_MAX = 510
LIVE = "https://api.stytch.com/v1/b2b/sso/callback/"
ASKED = ["customer-0000", f"customer-{ROWS // 2:04}", f"customer-{ROWS - 1:04}", "acme"]


TABLES = [{"acme": connection_id(parity), **{f"customer-{n:04}": connection_id(2 * n + parity) for n in range(ROWS)}} for parity in (0, 1)]


def asked_of(table):
    return {name: table[name] for name in ASKED}


class Service:
    """A gateway, its clients, and what they may be told: each table that was there or may have been, in order."""

    def __init__(self, gateway, table, pause=0):
        """`pause`: seconds between a client's requests."""
        self.gateway, self.pause = gateway, pause
        self.tables = [asked_of(table)]
        self.settled = 0  # the table before it cannot be seen any more
        self.lives = self.ends = 0
        self.up = False
        self.clients = [Client(self, number) for number in range(CLIENTS)]

    def __enter__(self):
        self.start()
        for client in self.clients:
            client.start()
        return self

    def __exit__(self, *_):
        for client in self.clients:
            client.enough.set()
        for client in self.clients:
            client.join(30)

    def start(self):
        self.gateway.start()
        assert "usage is not counted" not in self.gateway.stderr
        self.lives += 1
        self.up = True

    def kill(self):
        self._end(self.gateway.kill)

    def stop(self):
        self._end(self.gateway.stop)

    def _end(self, end):
        """Afterwards every answer that was given is known: each client has tried again in vain."""
        self.up = False
        end()
        self.ends += 1
        self.gateway.wait_for(lambda: all(client.tried_after == self.ends for client in self.clients))

    def may_become(self, table):
        self.tables.append(asked_of(table))

    def has_become(self, table):
        self.tables.append(asked_of(table))
        self.settled = len(self.tables) - 1

    def answered(self):
        """How many answers each name has got so far."""
        return sum((client.answered for client in self.clients), Counter())

    def sent(self):
        return sum((client.sent for client in self.clients), Counter())

    def judge(self):
        for client in self.clients:
            client.judge()
        assert set(self.answered()) == set(ASKED)


class Client(threading.Thread):
    """Asks on and on, through every restart. Only while the daemon is killed may a request fail."""

    def __init__(self, service, number):
        super().__init__(daemon=True)
        self.service, self.number = service, number
        self.requests_a_connection = (1, 50, 1000)[number % 3]
        self.sent = Counter()
        self.answered = Counter()
        self.answers = deque()  # those not judged yet: (name, Location, first table it may be of, last)
        self.trouble = []
        self.tried_after = 0  # how many ends of the daemon it has noticed
        self.enough = threading.Event()

    def run(self):
        while not self.enough.is_set():
            life, ends = self.service.lives, self.service.ends
            try:
                with self.service.gateway.connect() as connection:
                    for _ in range(self.requests_a_connection):
                        life, ends = self.service.lives, self.service.ends
                        self.ask(connection)
                        if self.service.pause:
                            time.sleep(self.service.pause)
                        if self.enough.is_set():
                            return
            except (OSError, AssertionError) as trouble:
                self.tried_after = ends
                if self.service.up and self.service.lives == life and self.service.ends == ends:
                    self.trouble.append(trouble)
                    return
                time.sleep(0.005)

    def ask(self, connection):
        name = ASKED[(self.number + sum(self.sent.values())) % len(ASKED)]
        first = self.service.settled
        self.sent[name] += 1
        connection.send(wire.request_bytes("POST", f"/old-sso/{name}", "localhost", (), b"SAMLResponse=" + b"x" * 1000))
        answer = connection.answer()
        assert answer is not None, "closed without an answer"
        self.answers.append((name, answer.location, first, len(self.service.tables) - 1))
        self.answered[name] += 1

    def judge(self):
        assert self.trouble == []
        while self.answers:
            name, location, first, last = self.answers.popleft()
            possible = {LIVE + self.service.tables[number][name] for number in range(first, last + 1)}
            assert location in possible, f"client {self.number} was sent to {location} for {name}, not to one of {possible}"


class Loader:
    """Changes of the table that are killed on their way."""

    def __init__(self, service, table, seed):
        self._service, self._gateway, self._random = service, service.gateway, random.Random(seed)
        self._files = [self._gateway.mapping_file(table) for table in TABLES]
        self._windows = {"load": 0.1, "set": 0.01, "rollback": 0.1}  # seconds in which the kill is somewhere
        self.by_revision = {1: table}
        self.revision = 1
        self.ends = Counter()

    @property
    def table(self):
        return self.by_revision[self.revision]

    def choose(self):
        """A command and the table after it."""
        kind = self._random.choice(["load", "load", "rollback", "set"])
        if kind == "rollback" and self.revision > 1:
            target = self._random.randrange(max(1, self.revision - 40), self.revision)
            return ["rollback", "--yes", str(target)], self.by_revision[target]
        if kind == "set":
            target = connection_id(self._random.randrange(1 << 60))
            return ["set", "acme", f"connection_id={target}"], {**self.table, "acme": target}
        parity = self._random.randrange(2)
        return ["load", "--allow-removals", str(self._files[parity])], TABLES[parity]

    def change_and_kill(self, kill_daemon):
        """Starts a change and kills it; before, after or instead of it, the daemon. The table is one of two afterwards."""
        command, after = self.choose()
        window = self._windows[command[0]]
        kills = [(self._random.uniform(0, window), "loader")]
        if kill_daemon:
            kills.append((self._random.uniform(0, window), "daemon"))
        self._service.may_become(after)
        began = time.monotonic()
        process = subprocess.Popen([program("ssoferry"), "-c", str(self._gateway.config_path), *command], stdin=subprocess.DEVNULL,
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        for moment, victim in sorted(kills):
            time.sleep(max(0, began + moment - time.monotonic()))
            if victim == "daemon":
                self._service.kill()
            else:
                process.kill()
        out, said = process.communicate(timeout=60)
        check_words(said)
        assert process.returncode in (0, -signal.SIGKILL), said
        self._settle(command[0], after, process.returncode == 0)

    def _let_the_next_writer_begin(self):
        """A writer that dies after its last write and before it has told the other processes has landed, and LMDB tells them when the next
        writer takes over its lock: the change is whole, and late."""
        with lmdb.open(str(self._gateway.store), subdir=False, max_dbs=8, map_size=1 << 36) as environment:
            environment.begin(write=True).abort()

    def _settle(self, kind, after, said_so):
        """Finds out whether the change has landed. The window moves to where both happen."""
        self._let_the_next_writer_begin()
        stat = json.loads(self._gateway.loader("stat", "--json").stdout)
        exported = self.exported()
        assert exported in (self.table, after), "a table between"
        if exported != self.table:
            self.revision += 1
            self.by_revision[self.revision] = after
            self.by_revision.pop(self.revision - 41, None)
        assert stat["revision"] == self.revision and stat["rows"] == len(self.table)
        landed = exported == after
        assert landed or not said_so, "it said that it was done"
        self._windows[kind] *= 0.8 if landed else 1.25
        self.ends[kind, "landed" if landed else "gone"] += 1
        self._service.has_become(self.table)

    def exported(self):
        return yaml.load(self._gateway.loader("export").stdout, yaml.CBaseLoader)["connections"]


class Readers:
    """Commands that read table and usage, killed in the middle of it."""

    def __init__(self, gateway, seed):
        self._gateway, self._random = gateway, random.Random(seed)

    def start_and_kill(self):
        """One at a random point; and one that surely holds its slots, for its output is longer than a pipe takes and is not read."""
        copy = self._gateway.directory / f"copy-{self._random.randrange(1 << 60)}.mdb"
        with self._start(self._random.choice([["report", "--json"], ["export"], ["history", "--json"], ["backup", copy]])) as process:
            time.sleep(self._random.uniform(0, 0.02))
            process.kill()
        with self._start(self._random.choice([["report", "--json"], ["report", "--csv"]])) as process:
            assert process.stdout.readline()
            process.kill()

    def _start(self, command):
        return subprocess.Popen([program("ssoferry"), "-c", str(self._gateway.config_path), *map(str, command)], stdin=subprocess.DEVNULL,
                                stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)


class Counts:
    """What the report says was counted; never less than before, never more than was sent."""

    def __init__(self, service):
        self._service = service
        self.rows = Counter()

    def read(self):
        told = self._service.gateway.report()
        rows = Counter({line["identifier"]: line["hits"] for line in told.rows if line["hits"]})
        sent = self._service.sent()
        assert all(self.rows[name] <= rows[name] <= sent[name] for name in ASKED), (self.rows, rows, sent)
        assert set(rows) <= set(ASKED)
        assert told.totals["hits"] == sum(rows.values())
        self.rows = rows
        return sum(rows.values())


def slots(gateway):
    """Readers of the table as it counts them, dead ones included."""
    return json.loads(gateway.loader("stat", "--json").stdout)["readers"]


def slots_of_the_living(gateway):
    """A writer clears those of the dead, even one that has nothing to change."""
    assert "nothing changed" in gateway.set("acme", "state=stytch").stdout
    return slots(gateway)


def usage_readers(gateway):
    """The same of the usage file, whose writer is the daemon."""
    with opened(f"{gateway.store}.usage") as environment:
        return sum(line.split()[0].isdigit() for line in environment.readers().splitlines() if line.strip())


def opened(path):
    """An environment in a stranger's hands. While one is open, LMDB does not begin its list of readers anew when the daemon starts."""
    return lmdb.open(str(path), subdir=False, max_dbs=8, map_size=1 << 30, max_readers=READERS_MAX, readonly=True)


@pytest.fixture
def gateway(make_gateway):
    """With the rows that are asked for, no more: what is counted and who reads has nothing to do with the others."""
    gateway = make_gateway(log={"requests": "off"})
    gateway.load(asked_of(TABLES[0]))
    return gateway


@pytest.mark.timeout(60 + 20 * ROUNDS)
def test_the_table_is_that_before_or_after(make_gateway, proof):
    gateway = make_gateway(log={"requests": "off"})
    gateway.load(TABLES[0])
    service = Service(gateway, TABLES[0])
    loader, reader, counts = Loader(service, TABLES[0], SEED), Readers(gateway, SEED), Counts(service)
    with opened(gateway.store), service:
        gateway.wait_for(counts.read)
        taken = slots_of_the_living(gateway)
        for number in range(ROUNDS):
            reader.start_and_kill()
            loader.change_and_kill(kill_daemon=number % 2 == 1)
            counts.read()
            if not service.up:
                service.start()
            service.judge()
            proof.progress(number + 1, ROUNDS)
        reader.start_and_kill()
        assert slots(gateway) > taken
        lost = slots_of_the_living(gateway) - taken
        assert lost == 0
        gateway.wait_for(lambda: usage_readers(gateway) == 0)
    service.judge()
    assert sum(loader.ends[kind, "gone"] for kind in ("load", "set", "rollback")) > 0, loader.ends
    assert leftovers(gateway) == []
    proof.figure("rounds, each with a killed change and two killed readers", ROUNDS)
    proof.figure("of them, with a killed daemon too", ROUNDS // 2)
    for end in ("landed", "gone"):
        proof.figure(f"killed changes that had {end}", sum(loader.ends[kind, end] for kind in ("load", "set", "rollback")))
    proof.figure("answers, each of the table before or after", service.answered().total())
    proof.figure("readers' slots lost", lost)


def leftovers(gateway):
    """Files beside the store that nobody needs any more."""
    known = {gateway.store.name + suffix for suffix in ("", "-lock", ".usage", ".usage-lock")}
    return [path.name for path in gateway.store.parent.iterdir() if path.name not in known]


@pytest.mark.timeout(60 + 5 * ROUNDS)
def test_slots_of_the_dead_are_taken_again(gateway, proof):
    """Without any loader that clears them, daemons that are killed fill the list of readers; the next finds its slots all the same."""
    threads = 60
    gateway.configure(threads=threads)
    with opened(gateway.store):
        kills = (5 if LONG else 1) * (READERS_MAX // threads + 2)
        for _ in range(kills):
            gateway.start()
            assert gateway.get("/old-sso/acme").status == 307
            gateway.kill()
        gateway.start()
        assert json.loads(gateway.loader("stat", "--json").stdout)["readers_max"] == READERS_MAX
        assert slots(gateway) > 3 * threads
        assert threads <= slots_of_the_living(gateway) <= threads + 2
        gateway.stop()
        assert slots_of_the_living(gateway) <= 2
    proof.figure(f"daemons of {threads} readers killed in a row, with {READERS_MAX} slots", kills)


class TestAtTheBeginning:
    """The first moments of a store, when there is nothing yet that could be whole."""

    def test_the_first_load(self, make_gateway, proof):
        chance = random.Random(SEED)
        window, landed = 0.03, 0
        for _ in range(ROUNDS):
            gateway = make_gateway()
            file = gateway.mapping_file({f"customer-{n}": connection_id(n) for n in range(100)})
            gateway.kill_load(file, chance.uniform(0, window))
            if gateway.store.exists():
                stat = json.loads(gateway.loader("stat", "--json").stdout)
                assert (stat["revision"], stat["rows"]) in ((0, 0), (1, 100))
                landed += stat["revision"]
                window *= 0.8 if stat["revision"] else 1.25
            else:
                window *= 1.25
            gateway.loader("load", file)
            assert json.loads(gateway.loader("stat", "--json").stdout)["revision"] == 1
        assert landed < ROUNDS, "no load was killed"
        proof.figure("first loads killed", ROUNDS)

    def test_the_first_start(self, make_gateway, proof):
        """Which makes an empty store, and the usage file beside it."""
        chance = random.Random(SEED)
        gateway = make_gateway(log={"requests": "off"})
        for _ in range(ROUNDS):
            for path in gateway.store.parent.iterdir():
                path.unlink()
            process = subprocess.Popen([program("ssoferryd"), "-c", str(gateway.config_path)], stdin=subprocess.DEVNULL,
                                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            time.sleep(chance.uniform(0, 0.05))
            process.kill()
            process.wait(60)
        gateway.start()
        assert "usage is not counted" not in gateway.stderr
        assert gateway.get("/old-sso/acme").status == 503
        gateway.load({"acme": connection_id(0)})
        assert gateway.get("/old-sso/acme").status == 307
        gateway.stop()
        assert gateway.report().totals["hits"] == 1
        proof.figure("first starts killed", ROUNDS)


class TestCounts:
    @pytest.mark.timeout(60 + 20 * ROUNDS)
    def test_a_kill_loses_what_the_last_interval_brought(self, gateway):
        """Under load, what was answered is in the file an interval later; from then on no kill takes it away."""
        service = Service(gateway, TABLES[0], pause=0.001)  # most of the time goes by in waiting for an interval's end
        counts, chance, waits, lost = Counts(service), random.Random(SEED), [], 0
        with service:
            for _ in range(20 if LONG else 2):
                for _ in range(2):
                    answered, began = service.answered().total(), time.monotonic()
                    looks = [began]  # a look may take long: what it does not find was not there when it began

                    def is_written():
                        looks.append(time.monotonic())
                        return counts.read() + lost >= answered

                    gateway.wait_for(is_written)
                    waits.append(looks[-2] - began)
                time.sleep(chance.uniform(0, FLUSH_INTERVAL))
                service.kill()
                lost = service.answered().total() - counts.read()
                service.start()
        service.judge()
        assert min(waits) < FLUSH_INTERVAL + 1, waits

    @pytest.mark.timeout(60 + 10 * ROUNDS)
    def test_SIGTERM_under_load_loses_nothing(self, gateway):
        service = Service(gateway, TABLES[0])
        counts = Counts(service)
        with service:
            for _ in range(20 if LONG else 3):
                before = service.answered().total()
                gateway.wait_for(lambda: service.answered().total() > before + 100)
                service.stop()
                assert counts.read() == service.answered().total()
                assert counts.rows == service.answered()
                service.start()
        service.judge()

    def test_SIGTERM_at_once_loses_nothing(self, gateway):
        """The last answer is hardly out when the daemon is told to end; what it counts goes on from what is in the file."""
        total = 0
        for number in range(50 if LONG else 5):
            gateway.start()
            for _ in range(10 + number):
                assert gateway.get("/old-sso/acme").status == 307
                total += 1
            gateway.stop()
            assert gateway.report().totals["hits"] == total
