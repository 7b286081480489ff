"""Sign-ins at a steady pace, plain and by TLS, on kept and on fresh connections, while tables are loaded, rows set, changes rolled back, the
configuration reloaded and certificates replaced: no request fails, every answer is one that its row had, memory and descriptors stay level.

Some seconds; long: an hour, or as many minutes as --minutes says, at half of what one worker thread can do."""
import os
import random
import signal
import ssl
import time
from collections import Counter

import pytest

import process
import programs
import steady
import wire
from certificates import Authority, SecureConnection
from ports import free_port
from proof import LONG

MINUTES = float(os.environ.get("SSOFERRY_MINUTES") or (60 if LONG else 0.2))
ROWS = 20_000 if LONG else 2_000
SATURATION_SECONDS = 10
SLICE = min(30, 60 * MINUTES / 3)  # seconds
PAUSE = 4 if LONG else 0.2  # between two changes, seconds
MARGIN = 8 << 20  # bytes that memory may have grown by at the end
SEED = 20261121


class Table:
    """The table by revision: which of the two targets the rows have, and which rows have the other one."""

    def __init__(self, gateway):
        self._gateway = gateway
        self._files = [gateway.mapping_file(steady.table(ROWS, target)) for target in (0, 1)]
        self.by_revision = {0: (0, frozenset())}
        self.revision = 0

    def load(self, target):
        self._change((target, frozenset()), "load", self._files[target])

    def set(self, row):
        target, others = self.by_revision[self.revision]
        others = others ^ {row}
        self._change((target, others), "set", steady.name(row), f"connection_id={steady.connection_id(row, self._target(target, others, row))}")

    def rollback(self, revision):
        self._change(self.by_revision[revision], "rollback", "--yes", revision)

    def _change(self, after, *command):
        changed = self.revision == 0 or after != self.by_revision[self.revision]
        self._gateway.loader(*command)
        self.revision += changed
        self.by_revision[self.revision] = after

    @staticmethod
    def _target(target, others, row):
        return target ^ (row in others)

    def check(self, rows):
        """Each of these rows is answered as it now stands."""
        target, others = self.by_revision[self.revision]
        with self._gateway.connect() as connection:
            for row in [*rows, *sorted(others)[:20]]:
                connection.send(wire.request_bytes("GET", f"/old-sso/{steady.name(row)}", "localhost"))
                assert connection.answer().location == steady.LIVE + steady.connection_id(row, self._target(target, others, row))


class Operator:
    """Changes whatever can be changed while the daemon serves."""

    def __init__(self, gateway, table, certificate, tls_port):
        self._gateway, self._table, self._certificate, self._tls_port = gateway, table, certificate, tls_port
        self._random = random.Random(SEED)
        self._kinds = [self.load, self.set, self.set, self.rollback, self.reload, self.replace_certificate]
        self.done = Counter()

    def did_all(self):
        return sum(self.done.values()) >= len(self._kinds)

    def step(self):
        step = self._kinds[sum(self.done.values()) % len(self._kinds)]
        step()
        self.done[step.__name__] += 1
        self._table.check(self._random.sample(range(ROWS), 20))

    def load(self):
        self._table.load(self._random.randrange(2))

    def set(self):
        self._table.set(self._random.randrange(ROWS))

    def rollback(self):
        self._table.rollback(self._random.randrange(max(1, self._table.revision - 20), self._table.revision))

    def reload(self):
        before = self._gateway.stderr.count("reload: done")
        self._gateway.configure(redirect=307, limits={"body": self._random.choice(["512KiB", "1MiB"])})
        self._gateway.signal(signal.SIGHUP)
        self._gateway.wait_for(lambda: self._gateway.stderr.count("reload: done") > before)

    def replace_certificate(self):
        """And the daemon is told so by a signal; a handshake then shows the new one."""
        self._certificate.replace()
        self.reload()
        self._gateway.wait_for(lambda: self._certificate.is_shown(self._tls_port))


class Certificate:
    """The gateway's, which is replaced again and again."""

    def __init__(self, directory):
        self._authority, self._directory = Authority(directory), directory
        self.authority = self._authority.file
        self.replace()

    def replace(self):
        self.pair = self._authority.issue(self._directory, "localhost")

    def is_shown(self, port):
        with SecureConnection(("127.0.0.1", port), self._authority.client(), "localhost") as connection:
            return ssl.DER_cert_to_PEM_cert(connection.socket.getpeercert(binary_form=True)) == self.pair.certificate.read_text()


class Mix:
    """The kinds of requests, which go on at the same time: name, connections, whether each request makes one, whether by TLS, and how many a second
    where nobody has asked what is possible."""

    KINDS = [("plain, kept", 8, False, False, 300), ("plain, a connection each", 4, True, False, 40), ("TLS, kept", 4, False, True, 50),
             ("TLS, a connection each", 2, True, True, 10)]

    def __init__(self, gateway, tls_port, authority):
        self._gateway, self._tls_port, self._authority = gateway, tls_port, authority
        self.traffic = {}

    def start(self, seconds, rates):
        for (name, connections, fresh, tls, _), rate in zip(self.KINDS, rates):
            port = self._tls_port if tls else self._gateway.port
            words = steady.command(port, ROWS, seconds, connections, rate, fresh, self._authority if tls else None)
            self.traffic[name] = steady.Traffic(words)
            self.traffic[name].start()
        return self

    def stop(self):
        for traffic in self.traffic.values():
            traffic.enough.set()
        for traffic in self.traffic.values():
            traffic.join()

    @property
    def failed(self):
        return any(traffic.failed for traffic in self.traffic.values())

    def judge(self):
        for traffic in self.traffic.values():
            traffic.judge()

    def half_of_saturation(self):
        """Requests a second of each kind: half of what comes through when all of them ask as fast as answers come."""
        if not LONG:
            return [usual for *_, usual in self.KINDS]
        self.start(SATURATION_SECONDS, [0] * len(self.KINDS)).stop()
        self.judge()
        return [traffic.total() / SATURATION_SECONDS / 2 for traffic in self.traffic.values()]


class Watch:
    """Memory and descriptors over the time."""

    def __init__(self, pid, proof):
        self._pid, self._proof = pid, proof
        self.began = time.monotonic()
        self.samples = []  # (minutes, bytes, descriptors)

    def minutes(self):
        return (time.monotonic() - self.began) / 60

    def look(self):
        self.samples.append((self.minutes(), process.memory(self._pid), process.descriptors(self._pid)))
        self._proof.progress(int(60 * self.minutes()), int(60 * MINUTES) + 1, "seconds")

    def slope(self):
        """Bytes an hour by least squares, from when a quarter of the time has passed."""
        points = [(minutes, size) for minutes, size, _ in self.samples if minutes >= MINUTES / 4]
        mean_x, mean_y = (sum(values) / len(points) for values in zip(*points))
        spread = sum((x - mean_x) ** 2 for x, _ in points)
        return 60 * sum((x - mean_x) * (y - mean_y) for x, y in points) / spread if spread else 0.0


def run(mix, rates, operator, watch):
    mix.start(SLICE, rates)
    try:
        while (watch.minutes() < MINUTES or not operator.did_all()) and not mix.failed:
            operator.step()
            watch.look()
            time.sleep(PAUSE)
    finally:
        mix.stop()


@pytest.fixture
def certificate(tmp_path):
    return Certificate(tmp_path)


@pytest.fixture
def gateway(make_gateway, certificate):
    gateway = make_gateway(log={"requests": "errors"}, threads=1 if LONG else 2)
    secure = {"address": f"127.0.0.1:{free_port()}", "certificate": str(certificate.pair.certificate), "key": str(certificate.pair.key)}
    gateway.configure(listen=[*gateway.config["listen"], secure])
    return gateway


@pytest.mark.timeout(600 + 120 * MINUTES)
def test_soak(gateway, certificate, proof):
    tls_port = int(gateway.config["listen"][1]["address"].rpartition(":")[2])
    table = Table(gateway)
    table.load(0)
    gateway.start()
    mix = Mix(gateway, tls_port, certificate.authority)
    operator = Operator(gateway, table, certificate, tls_port)
    rates = mix.half_of_saturation()
    if LONG:  # of one worker, and with two of them from here on
        gateway.stop()
        gateway.configure(threads=2)
        gateway.start()

    table.check(range(20))
    descriptors = process.idle_descriptors(gateway)
    watch = Watch(gateway.pid, proof)
    run(mix, rates, operator, watch)

    figures(proof, mix, rates, operator, watch)
    mix.judge()
    assert process.idle_descriptors(gateway) == descriptors
    assert programs.is_sanitized() or watch.slope() * MINUTES / 60 < MARGIN, watch.samples


def figures(proof, mix, rates, operator, watch):
    proof.figure("minutes", round(watch.minutes(), 1))
    proof.figure("requests a second that were asked for", round(sum(rates)))
    for name, traffic in mix.traffic.items():
        bad = traffic.total("failed") + traffic.total("wrong")
        worst = sorted(result["us"]["p99"] / 1000 for result in traffic.results)
        proof.figure(f"requests, {name}: answered rightly", traffic.total() - bad)
        proof.figure(f"requests, {name}: failed or wrong", bad)
        proof.figure(f"requests, {name}: p99 of {SLICE:.0f} s, median and worst, ms", f"{worst[len(worst) // 2]:.1f}, {worst[-1]:.1f}")
    for name, number in sorted(operator.done.items()):
        proof.figure(f"changes: {name.replace('_', ' ')}", number)
    if watch.samples:
        sizes = [size / 1e6 for _, size, _ in watch.samples]
        proof.figure("memory of its own at the beginning, halfway, at the end, MB", f"{sizes[0]:.1f}, {sizes[len(sizes) // 2]:.1f}, {sizes[-1]:.1f}")
    if LONG:
        proof.figure("memory of its own, slope after the first quarter, MB an hour", watch.slope() / 1e6)
    if watch.samples:
        proof.figure("descriptors, least and most", "{} and {}".format(*(f(count for _, _, count in watch.samples) for f in (min, max))))
