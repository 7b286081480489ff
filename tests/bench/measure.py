"""Measuring: single runs of the load generator, rounds in which servers take turns, and their results."""
import json
import os
import statistics
import subprocess
import time
from functools import partial
from pathlib import Path

from servers import LOAD_CORE, Failed


class Values:
    """The results of the rounds: median, least and most."""

    def __init__(self, values):
        self.values = list(values)

    @property
    def median(self):
        return statistics.median(self.values)

    def text(self, digits=2, scale=1.0):
        low, high = min(self.values) * scale, max(self.values) * scale
        return f"{self.median * scale:.{digits}f} ({low:.{digits}f}..{high:.{digits}f})"

    def over(self, other):
        """Ratios, round by round. Compares what was measured side by side, so that a slow minute of the machine affects both."""
        return Values(mine / theirs for mine, theirs in zip(self.values, other.values))

    def minus(self, other):
        return Values(mine - theirs for mine, theirs in zip(self.values, other.values))


SETTLE_SECONDS = 2.6  # by then ssoferryd has written its usage
REST_SECONDS, REST_LOOKS = 1, 120  # a look lasts longer than ssoferryd waits before it checks all rows; checking ten million rows takes it forty looks
QUIET_SECONDS, QUIET_SHARE, QUIET_LOOKS = 0.5, 0.02, 60  # length of a look; the share of one core that may be busy in it
UNMEASURED_SHARE = 0.25  # the first part of a turn
MEMORY_AT_HAND, MEMORY_PIECE = 256 << 20, 256 << 10  # bytes: more than any measured program allocates anew


def load_command(server, traffic, requests=0, seconds=0.0, rate=0.0, reconnect=False, more=()):
    return [server.bench.program("bench_load"), "--port", str(server.port), "--heads", str(traffic.heads), "--tail", str(traffic.tail),
            "--connections", str(server.connections), "--requests", str(requests), "--seconds", str(seconds), "--rate", str(rate), "--status",
            str(server.expected_status(traffic.status)), *(["--reconnect"] if reconnect else []), *(["--tls"] if server.tls else []), *more]


def load(server, traffic, requests=0, seconds=0.0, rate=0.0, reconnect=False):
    """Runs the load generator; returns what told() does. Any wrong answer is an error."""
    command = load_command(server, traffic, requests, seconds, rate, reconnect)
    try:
        return told(server.bench.run(server.bench.pinned(LOAD_CORE, command), seconds))
    except Failed as problem:
        raise Failed(f"{server.name}: {problem}") from None


def told(said):
    """The load generator's printed figures, and `per_second`."""
    result = json.loads(said)
    result["per_second"] = result["requests"] / result["seconds"]
    return result


def load_in_two_parts(server, traffic, seconds, reconnect, between):
    """Like load(), but the result covers the second part; `before` is the number of answers in the first. Calls `between` just before the second
    part, while no requests are sent."""
    unmeasured = seconds * UNMEASURED_SHARE
    command = load_command(server, traffic, seconds=seconds - unmeasured, reconnect=reconnect, more=["--unmeasured", str(unmeasured)])
    with subprocess.Popen(server.bench.pinned(LOAD_CORE, command), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as generator:
        try:
            generator.stdout.readline()  # or end of file if it has failed; then it reads no answer
            between()
            said, trouble = generator.communicate("\n", timeout=seconds + server.bench.patience)
        finally:
            generator.kill()
    if generator.returncode != 0:
        raise Failed(f"{server.name}: {trouble.strip() or said}")
    return told(said)


def wait_for_rest(servers):
    """Waits until no server works any more. What a server does once after its start (ssoferryd checks all rows) is not part of a request's cost, and
    disturbs the others' turns. Does not wait for ever, since some servers never rest."""
    spent = None
    for _ in range(REST_LOOKS):
        before, spent = spent, [server.cpu() for server in servers]
        if before is not None and sum(spent) - sum(before) < REST_SECONDS / 100:
            return
        time.sleep(REST_SECONDS)


def busy_seconds():
    """CPU time used by the whole machine, all cores together."""
    fields = [int(field) for field in Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:]]
    return (sum(fields[:8]) - fields[3] - fields[4]) / os.sysconf("SC_CLK_TCK")


def wait_for_quiet():
    """Waits until the machine is idle. Earlier measurements may have left the kernel some seconds of work, such as writing files to disk or freeing
    their memory, and a hundredth of the time decides a p99. Does not wait for ever, since others may use the machine too."""
    for _ in range(QUIET_LOOKS):
        before = busy_seconds()
        time.sleep(QUIET_SECONDS)
        if busy_seconds() - before <= QUIET_SHARE * QUIET_SECONDS:
            return


def have_memory(bench):
    """Takes memory from the machine and gives it back, so that whatever needs memory next gets that. On a guest whose host reclaims unused memory, a
    page that has not been used for a while costs about 10 us instead of 0.6: a growing log would pay that now and then, a server without one never.
    Uses a file written in pieces, like a log, because for such writes the kernel takes adjacent pages."""
    path, piece = bench.work / "memory", bytes(MEMORY_PIECE)
    with path.open("wb", buffering=0) as file:
        path.unlink()
        for _ in range(MEMORY_AT_HAND // MEMORY_PIECE):
            file.write(piece)


def take_turns(bench, runs, rounds):
    """Calls each function once per round, in alternating order. Returns the results by function."""
    results = [[] for _ in runs]
    for number in range(rounds):
        order = range(len(runs)) if number % 2 == 0 else reversed(range(len(runs)))
        for i in order:
            have_memory(bench)
            results[i].append(runs[i]())
    return results


def costs(runs, rounds, seconds, reconnect=False):
    """Loads servers in turns; `runs` are pairs of server and traffic. Returns for each: CPU microseconds per request, and requests per second.

    A turn starts with a part whose answers and CPU are not counted: the processor's cache is still full of the previous servers, as it never is in a
    long-running service. A turn lasts until the server's next one, so that work after the answers, such as writing usage, is counted too, in
    proportion to the share of the turn's answers that are counted."""
    marks = {server: [] for server, _ in runs}  # when each of its turns starts, and the last one ends

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
    """Runs a program to its end; returns wall and CPU seconds, and the most memory it held at once, in bytes. Uses time(1): the kernel counts the
    memory of the process that a program was forked from as the program's own, and that of time is small."""
    report = bench.work / "time"
    timed = ["/usr/bin/time", "-f", "%U %S %M", "-o", str(report), *command]
    began = time.perf_counter()
    bench.run(bench.pinned(LOAD_CORE, timed))
    wall = time.perf_counter() - began
    user, system, kilobytes = report.read_text().split()
    report.unlink()
    return {"wall": wall, "cpu": float(user) + float(system), "memory": int(kilobytes) * 1024}


class Noise:
    """How busy the machine was with other work meanwhile: the share of all cores' time that was used, but not by us or our children."""

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
