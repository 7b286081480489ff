"""Measuring: one run of the load generator, rounds of runs that take turns, and what is made of them."""
import json
import os
import statistics
import subprocess
import time
from functools import partial
from pathlib import Path

from servers import LOAD_CORE, Failed


class Values:
    """What the rounds gave: the median, and the least and most."""

    def __init__(self, values):
        self.values = list(values)

    @property
    def median(self):
        return statistics.median(self.values)

    def text(self, digits=2, scale=1.0):
        low, high = min(self.values) * scale, max(self.values) * scale
        return f"{self.median * scale:.{digits}f} ({low:.{digits}f}..{high:.{digits}f})"

    def over(self, other):
        """Ratios, round by round: what was measured side by side is compared, so that a slow minute of the machine hits both."""
        return Values(mine / theirs for mine, theirs in zip(self.values, other.values))

    def minus(self, other):
        return Values(mine - theirs for mine, theirs in zip(self.values, other.values))


SETTLE_SECONDS = 2.6  # after which ssoferryd has written its usage down
REST_SECONDS, REST_LOOKS = 1, 120  # a look is longer than ssoferryd waits before it looks rows through; ten million rows take it forty of them
QUIET_SECONDS, QUIET_SHARE, QUIET_LOOKS = 0.5, 0.02, 60  # a look; how much of one core may be busy in it
UNMEASURED_SHARE = 0.25  # of a turn, at its beginning
MEMORY_AT_HAND, MEMORY_PIECE = 256 << 20, 256 << 10  # bytes: more than anything that is measured takes anew


def load_command(server, traffic, requests=0, seconds=0.0, rate=0.0, reconnect=False, more=()):
    return [server.bench.program("bench_load"), "--port", str(server.port), "--heads", str(traffic.heads), "--tail", str(traffic.tail),
            "--connections", str(server.connections), "--requests", str(requests), "--seconds", str(seconds), "--rate", str(rate), "--status",
            str(server.expected_status(traffic.status)), *(["--reconnect"] if reconnect else []), *(["--tls"] if server.tls else []), *more]


def load(server, traffic, requests=0, seconds=0.0, rate=0.0, reconnect=False):
    """Runs the load generator; what it has told(). Any wrong answer is an error."""
    command = load_command(server, traffic, requests, seconds, rate, reconnect)
    try:
        return told(server.bench.run(server.bench.pinned(LOAD_CORE, command), seconds))
    except Failed as problem:
        raise Failed(f"{server.name}: {problem}") from None


def told(said):
    """What the load generator has printed, and `per_second`."""
    result = json.loads(said)
    result["per_second"] = result["requests"] / result["seconds"]
    return result


def load_in_two_parts(server, traffic, seconds, reconnect, between):
    """As load(), but what it returns is of the second part; `before` says how many answers the first had. Calls `between` when the second begins,
    while nothing is asked."""
    unmeasured = seconds * UNMEASURED_SHARE
    command = load_command(server, traffic, seconds=seconds - unmeasured, reconnect=reconnect, more=["--unmeasured", str(unmeasured)])
    with subprocess.Popen(server.bench.pinned(LOAD_CORE, command), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as generator:
        try:
            generator.stdout.readline()  # or its end: it waits for no answer without one
            between()
            said, trouble = generator.communicate("\n", timeout=seconds + server.bench.patience)
        finally:
            generator.kill()
    if generator.returncode != 0:
        raise Failed(f"{server.name}: {trouble.strip() or said}")
    return told(said)


def wait_for_rest(servers):
    """What a server does once, after its start, is no request's cost, and is in the way of the others' turns: ssoferryd looks all rows through. Waits until
    none works any more; not for ever, since some never rest."""
    spent = None
    for _ in range(REST_LOOKS):
        before, spent = spent, [server.cpu() for server in servers]
        if before is not None and sum(spent) - sum(before) < REST_SECONDS / 100:
            return
        time.sleep(REST_SECONDS)


def busy_seconds():
    """CPU that the whole machine has used, by all its cores together."""
    fields = [int(field) for field in Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:]]
    return (sum(fields[:8]) - fields[3] - fields[4]) / os.sysconf("SC_CLK_TCK")


def wait_for_quiet():
    """Waits until the machine does nothing: what was measured before may have left the kernel some seconds of work, as writing files to disk or giving
    their memory back, and a hundredth of the time is what a p99 is made of. Not for ever, since others may work here, too."""
    for _ in range(QUIET_LOOKS):
        before = busy_seconds()
        time.sleep(QUIET_SECONDS)
        if busy_seconds() - before <= QUIET_SHARE * QUIET_SECONDS:
            return


def have_memory(bench):
    """Takes memory from the machine and gives it back, so that who needs some next gets that. On a guest whose host takes unused memory back, a page that
    was not used for a while costs some 10 us in place of 0.6: a log that grows would pay for it now and then, and a server without one never. By a
    file, in pieces as a log is written in: for such the kernel takes pages that lie together."""
    path, piece = bench.work / "memory", bytes(MEMORY_PIECE)
    with path.open("wb", buffering=0) as file:
        path.unlink()
        for _ in range(MEMORY_AT_HAND // MEMORY_PIECE):
            file.write(piece)


def take_turns(bench, runs, rounds):
    """Calls each of the functions once a round, in the one order and then in the other. Their results, function by function."""
    results = [[] for _ in runs]
    for number in range(rounds):
        order = range(len(runs)) if number % 2 == 0 else reversed(range(len(runs)))
        for i in order:
            have_memory(bench)
            results[i].append(runs[i]())
    return results


def costs(runs, rounds, seconds, reconnect=False):
    """Loads servers in turns; `runs` are pairs of server and traffic. Of each: CPU microseconds a request, and requests a second.

    A turn begins with a part whose answers and CPU are not counted: there the processor's cache is full of the servers before, as it never is in a
    service that runs for long. A turn lasts until the server's next: what it does behind the answers, such as writing usage down, is counted too,
    by the share that the counted answers are of the turn's."""
    marks = {server: [] for server, _ in runs}  # when each of its turns begins, and the last one ends

    def turn(server, traffic):
        marks[server].append(server.cpu())
        counted = []
        result = load_in_two_parts(server, traffic, seconds, reconnect, lambda: counted.append(server.cpu()))
        end = server.cpu()
        return {**result, "turn": len(marks[server]), "within": end - counted[0], "end": end}

    def spent_us(server, result):
        behind = marks[server][result["turn"]] - result["end"]
        share = result["requests"] / (result["before"] + result["requests"])
        return (result["within"] + behind * share) * 1e6 / result["requests"]

    results = take_turns(runs[0][0].bench, [partial(turn, *run) for run in runs], rounds)
    time.sleep(SETTLE_SECONDS)
    for server, spent in marks.items():
        spent.append(server.cpu())
    spent = [Values(spent_us(server, result) for result in turns) for (server, _), turns in zip(runs, results)]
    return spent, [values(turns, "per_second") for turns in results]


def run_timed(bench, command):
    """Runs a program to its end: wall and CPU seconds, and the most memory it held at one time, in bytes. Through time(1): the kernel counts
    the memory of what a program was forked from as its own, and time's is small."""
    report = bench.work / "time"
    timed = ["/usr/bin/time", "-f", "%U %S %M", "-o", str(report), *command]
    began = time.perf_counter()
    bench.run(bench.pinned(LOAD_CORE, timed))
    wall = time.perf_counter() - began
    user, system, kilobytes = report.read_text().split()
    report.unlink()
    return {"wall": wall, "cpu": float(user) + float(system), "memory": int(kilobytes) * 1024}


class Noise:
    """How busy the machine was with other work meanwhile: the share of all cores' time that neither we nor our children used."""

    def __init__(self):
        self.began = self._now()

    @staticmethod
    def _now():
        return time.monotonic(), busy_seconds(), sum(os.times()[:4])

    def text(self):
        passed, busy, own = (now - began for now, began in zip(self._now(), self.began))
        share = max(0.0, busy - own) / (passed * (os.cpu_count() or 1))
        return f"{share:.0%}"


def values(results, key):
    return Values(result[key] for result in results)


def modified(path):
    return Path(path).stat().st_mtime
