"""Idle connections by the thousand, slow senders, malformed requests, messages made to be slow, and floods of connections: meanwhile every ordinary
request is answered rightly, afterwards descriptors and memory are where they were, and the daemon rests.

Long: 10,000 idle connections, 1,000 slow senders (and slowhttptest's), 100,000 malformed requests, 10,000 slow messages, 100,000 connections in floods."""
import contextlib
import re
import statistics
import subprocess
import time

import pytest

import costly
import process
import programs
import steady
from proof import LONG
from rude import Costly, Crowd, Flood, Malformed, SlowSenders, allow_descriptors, rude

IDLE, SLOW, MALFORMED, COSTLY, FLOOD = (10_000, 1_000, 100_000, 10_000, 100_000) if LONG else (1_000, 200, 3_000, 500, 3_000)
ROWS = 1_000
RATE, SECONDS = (500, 5) if LONG else (100, 2)  # of the ordinary requests
REQUEST_TIME = 3  # seconds, after which slow senders are cut off
MARGIN = 32 << 20  # bytes that memory may be above what it was
RESTS = 0.5  # seconds of CPU in one second


class Scene:
    """The gateway, what is done to it, and ordinary requests meanwhile. The long form does the same to another gateway on the same machine first:
    what that costs the ordinary requests is the machine's doing, and what they lose beyond it is this gateway's."""

    def __init__(self, gateway, other, proof):
        self.gateway, self.other, self.proof = gateway, other, proof
        self._requests(Once(0))  # warms it up
        self.quiet = p99(self._requests(Once(0)))
        self.descriptors, self.memory = process.idle_descriptors(gateway), process.memory(gateway.pid)

    def _requests(self, is_done):
        """Ordinary requests until what goes on besides is done."""
        traffic = steady.Traffic(steady.command(self.gateway.port, ROWS, SECONDS, rate=RATE))
        traffic.start()
        try:
            while not is_done() and not traffic.failed:
                time.sleep(0.01)
        finally:
            traffic.enough.set()
            traffic.join()
        traffic.judge()
        return traffic

    def suffers(self, name, attack):
        """`attack` is a context for a gateway, and gives what tells whether enough has been done."""
        if self.other:
            with attack(self.other) as is_done:
                machine = p99(self._requests(is_done))
            self.proof.figure(f"{name}: p99 of ordinary requests while it is done to another gateway", f"{machine:.2f} ms")
        with attack(self.gateway) as is_done:
            traffic = self._requests(is_done)
        self.proof.figure(f"{name}: ordinary requests, each answered rightly", traffic.total())
        self.proof.figure(f"{name}: their p99, in a quiet time {self.quiet:.2f} ms", f"{p99(traffic):.2f} ms")
        if self.other:
            self.proof.figure(f"{name}: their p99, against that of another gateway's sufferings", f"{p99(traffic) / machine:.2f} times")
        self._rests(name)

    def _rests(self, name):
        """What was taken has been given back, and nothing goes on."""
        self.gateway.wait_for(lambda: process.descriptors(self.gateway.pid) == self.descriptors, timeout=60)
        grown = process.memory(self.gateway.pid) - self.memory
        before = process.cpu_seconds(self.gateway.pid)
        time.sleep(1)
        used = process.cpu_seconds(self.gateway.pid) - before
        self.proof.figure(f"{name}: memory kept afterwards, MB", grown / 1e6)
        self.proof.figure(f"{name}: CPU in the next second, ms", round(1000 * used))
        assert used < RESTS, "it does not rest"
        assert grown < MARGIN or programs.is_sanitized(), f"it has kept {grown} bytes"


def p99(traffic):
    """Milliseconds; the median of its runs."""
    return statistics.median(result["us"]["p99"] for result in traffic.results) / 1000


class Once:
    """True from the given number of seconds on."""

    def __init__(self, seconds):
        self._end = time.monotonic() + seconds

    def __call__(self):
        return time.monotonic() > self._end


@pytest.fixture(scope="module")
def scene(make_shared_gateway, proof):
    allow_descriptors(IDLE + 4_000)

    def start():
        routes = [{"match": "/old-sso/{identifier}"}, {"match": costly.PATH, "identify_by": "issuer"}]
        gateway = make_shared_gateway(log={"requests": "off"}, routes=routes, limits={"connections": IDLE + 2_000, "request_time": f"{REQUEST_TIME}s"})
        gateway.load(steady.table(ROWS, 0))
        return gateway.start()

    return Scene(start(), start() if LONG else None, proof)


@pytest.mark.timeout(600)
def test_idle_connections(scene):
    @contextlib.contextmanager
    def idle(gateway):
        before, memory = process.descriptors(gateway.pid), process.memory(gateway.pid)
        with contextlib.closing(Crowd(gateway.address, IDLE)) as crowd:
            gateway.wait_for(lambda: process.descriptors(gateway.pid) >= before + IDLE)
            scene.proof.figure("idle: memory a connection, KB", (process.memory(gateway.pid) - memory) / IDLE / 1000)
            yield Once(SECONDS)
            for number in range(0, IDLE, IDLE // 50):
                crowd.ask(number)

    scene.proof.figure("idle: connections held", IDLE)
    scene.suffers("idle", idle)


@pytest.mark.timeout(600)
def test_slow_senders(scene):
    @contextlib.contextmanager
    def slow(gateway):
        with contextlib.closing(SlowSenders(gateway.address, SLOW, pause=0.2)) as senders, rude(senders.round):
            yield lambda: senders.cut_off >= SLOW
        scene.proof.figure("slow: senders cut off", senders.cut_off)

    scene.proof.figure("slow: senders at a time", SLOW)
    scene.suffers("slow", slow)


@pytest.mark.timeout(600)
def test_malformed_requests(scene):
    @contextlib.contextmanager
    def malformed(gateway):
        senders = Malformed(gateway.address)
        with rude(*[senders.send] * 3) as threads:
            yield lambda: senders.sent >= MALFORMED or any(thread.trouble for thread in threads)
        scene.proof.figure("malformed: requests refused", senders.refused)
        scene.proof.figure("malformed: requests cut off", senders.cut)

    scene.suffers("malformed", malformed)


@pytest.mark.timeout(600)
def test_messages_made_to_be_slow(scene):
    @contextlib.contextmanager
    def slow(gateway):
        senders, before = Costly(gateway.address), process.cpu_seconds(gateway.pid)
        with rude(*[senders.send] * 3) as threads:
            yield lambda: senders.sent >= COSTLY or any(thread.trouble for thread in threads)
        scene.proof.figure("slow messages: sent", senders.sent)
        scene.proof.figure("slow messages: CPU a MB that was sent, ordinary requests included, ms",
                           1000 * (process.cpu_seconds(gateway.pid) - before) / (senders.bytes / 1e6))

    scene.suffers("slow messages", slow)


@pytest.mark.timeout(600)
def test_floods_of_connections(scene):
    @contextlib.contextmanager
    def floods(gateway):
        sources = [Flood(gateway.address, burst=100) for _ in range(2)]
        with rude(*[source.storm for source in sources]):
            yield lambda: sum(source.connections for source in sources) >= FLOOD
        scene.proof.figure("floods: connections that came and went", sum(source.connections for source in sources))

    scene.suffers("floods", floods)


if LONG:  # the long form's tool takes a while, and another package
    @pytest.mark.timeout(600)
    @pytest.mark.parametrize("name, option", [("slow heads", "-H"), ("slow bodies", "-B"), ("slow readers", "-X")])
    def test_slowhttptest(scene, name, option):
        @contextlib.contextmanager
        def tool(gateway):
            command = ["slowhttptest", option, "-c", str(SLOW), "-r", "200", "-i", "2", "-l", "15", "-p", "5", "-t", "POST",
                       "-u", f"http://127.0.0.1:{gateway.port}/old-sso/{steady.name(0)}"]
            process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
            yield lambda: process.poll() is not None
            said = re.sub(r"\x1b\[[0-9;]*m", "", process.communicate()[0])
            scene.proof.figure(f"slowhttptest, {name}: finds the service available", re.findall(r"service available:\s*(\w+)", said)[-1])

        scene.suffers(f"slowhttptest, {name}", tool)
