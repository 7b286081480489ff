"""Idle connections by the thousand, slow senders, malformed requests, and floods of connections: meanwhile every ordinary request is answered
rightly, afterwards descriptors and memory are where they were, and the daemon rests.

Long: 10,000 idle connections, 1,000 slow senders (and slowhttptest's), 100,000 malformed requests, 100,000 connections in floods."""
import re
import subprocess
import time

import pytest

import process
import steady
from proof import LONG
from rude import Crowd, Flood, Malformed, SlowSenders, allow_descriptors, rude

IDLE, SLOW, MALFORMED, FLOOD = (10_000, 1_000, 100_000, 100_000) if LONG else (1_000, 200, 3_000, 3_000)
ROWS = 1_000
RATE, SECONDS = (500, 20) if LONG else (100, 2)  # of the ordinary requests
REQUEST_TIME = 3  # seconds, after which slow senders are cut off
MARGIN = 32 << 20  # bytes that memory may be above what it was
RESTS = 0.5  # seconds of CPU in one second


class Scene:
    """The gateway, and ordinary requests that are held against those of a quiet time."""

    def __init__(self, gateway, proof):
        self.gateway, self.proof = gateway, proof
        self.ordinary()  # warms it up
        self.quiet = self.ordinary()
        self.descriptors, self.memory = self.settled_descriptors(), process.memory(gateway.pid)

    def command(self):
        return steady.command(self.gateway.port, ROWS, SECONDS, rate=RATE)

    def ordinary(self):
        traffic = steady.Traffic(self.command())
        traffic.enough.set()
        return self._judged(traffic)

    def _judged(self, traffic):
        traffic.start()
        traffic.join()
        traffic.judge()
        return traffic.results

    def settled_descriptors(self):
        counts = []
        self.gateway.wait_for(lambda: counts.append(process.descriptors(self.gateway.pid)) or len(counts) > 5 and len(set(counts[-5:])) == 1)
        return counts[-1]

    def during(self, name, is_done):
        """Ordinary requests until what goes on besides is done, and the figures of them."""
        traffic = steady.Traffic(self.command())
        traffic.start()
        try:
            while not is_done() and not traffic.failed:
                time.sleep(0.01)
        finally:
            traffic.enough.set()
            traffic.join()
        traffic.judge()
        p99 = [max(result["us"]["p99"] for result in results) for results in (traffic.results, self.quiet)]
        self.proof.figure(f"{name}: ordinary requests, each answered rightly", traffic.total())
        self.proof.figure(f"{name}: their p99, against {p99[1] / 1000:.2f} ms when it is quiet", f"{p99[0] / 1000:.2f} ms, {p99[0] / p99[1]:.1f} times")

    def afterwards(self, name):
        """What was taken has been given back, and nothing goes on."""
        self.gateway.wait_for(lambda: process.descriptors(self.gateway.pid) == self.descriptors, timeout=60)
        grown = process.memory(self.gateway.pid) - self.memory
        before = process.cpu_seconds(self.gateway.pid)
        time.sleep(1)
        used = process.cpu_seconds(self.gateway.pid) - before
        self.proof.figure(f"{name}: memory kept afterwards, MB", grown / 1e6)
        self.proof.figure(f"{name}: CPU in the next second, ms", round(1000 * used))
        assert used < RESTS, "it does not rest"
        assert grown < MARGIN or process.is_sanitized(self.gateway.pid), f"it has kept {grown} bytes"


@pytest.fixture(scope="module")
def scene(make_shared_gateway, proof):
    allow_descriptors(2 * IDLE + 2_000)
    gateway = make_shared_gateway(log={"requests": "off"}, limits={"connections": 2 * IDLE, "request_time": f"{REQUEST_TIME}s"})
    gateway.load(steady.table(ROWS, 0))
    gateway.start()
    return Scene(gateway, proof)


class Once:
    """True from the given number of seconds on."""

    def __init__(self, seconds):
        self._end = time.monotonic() + seconds

    def __call__(self):
        return time.monotonic() > self._end


@pytest.mark.timeout(600)
def test_idle_connections(scene):
    crowd = Crowd(scene.gateway.address, IDLE)
    try:
        scene.gateway.wait_for(lambda: process.descriptors(scene.gateway.pid) == scene.descriptors + IDLE)
        scene.proof.figure("idle: connections held", IDLE)
        scene.proof.figure("idle: memory a connection, KB", (process.memory(scene.gateway.pid) - scene.memory) / IDLE / 1000)
        scene.during("idle", Once(0 if not LONG else SECONDS))
        for number in range(0, IDLE, IDLE // 50):
            crowd.ask(number)
    finally:
        crowd.close()
    scene.afterwards("idle")


@pytest.mark.timeout(600)
def test_slow_senders(scene):
    senders = SlowSenders(scene.gateway.address, SLOW, pause=0.2)
    try:
        with rude(senders.round):
            scene.during("slow", lambda: senders.cut_off >= SLOW)
    finally:
        senders.close()
    scene.proof.figure("slow: senders at a time", SLOW)
    scene.proof.figure("slow: senders cut off", senders.cut_off)
    scene.afterwards("slow")


@pytest.mark.timeout(600)
def test_malformed_requests(scene):
    senders = Malformed(scene.gateway.address)
    with rude(*[senders.send] * 3) as threads:
        scene.during("malformed", lambda: senders.sent >= MALFORMED or any(thread.trouble for thread in threads))
    scene.proof.figure("malformed: requests refused", senders.refused)
    scene.proof.figure("malformed: requests cut off", senders.cut)
    scene.afterwards("malformed")


@pytest.mark.timeout(600)
def test_floods_of_connections(scene):
    floods = [Flood(scene.gateway.address, burst=100) for _ in range(2)]
    with rude(*[flood.storm for flood in floods]):
        scene.during("floods", lambda: sum(flood.connections for flood in floods) >= FLOOD)
    scene.proof.figure("floods: connections that came and went", sum(flood.connections for flood in floods))
    scene.afterwards("floods")


if LONG:  # the long form's tool takes a while, and another package
    @pytest.mark.timeout(600)
    @pytest.mark.parametrize("name, options", [("slow heads", ["-H"]), ("slow bodies", ["-B"]), ("slow readers", ["-X"])])
    def test_slowhttptest(scene, name, options):
        command = ["slowhttptest", *options, "-c", str(SLOW), "-r", "200", "-i", "2", "-l", "30", "-p", "5", "-t", "POST",
                   "-u", f"http://127.0.0.1:{scene.gateway.port}/old-sso/{steady.name(0)}"]
        tool = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        scene.during(f"slowhttptest, {name}", lambda: tool.poll() is not None)
        said = re.sub(r"\x1b\[[0-9;]*m", "", tool.communicate()[0])
        assert "service available:" in said, said[-2000:]
        scene.proof.figure(f"slowhttptest, {name}: finds the service available", re.findall(r"service available:\s*(\w+)", said)[-1])
        scene.afterwards(f"slowhttptest, {name}")
