"""Replacing the whole table while requests come in: how long it takes, what fails, and how long answers take meanwhile."""
import json
import signal
import subprocess
import time

import measure
import peers
import traffic
from loading import loaded_store
from report import Goal, Section
from serving import MAIN, check, is_slow, warm_up
from servers import LOAD_CORE, Failed, Ferry, catches

ROUNDS, OWN_ROUNDS = 3, 9  # at most; more for ssoferryd, whose slowest hundredth of requests comes from a few moments
RATE, SLOW_RATE = 2000, 5
WINDOW = 0.1  # seconds per point of the chart
BEFORE, AFTER = 1.0, 1.0  # seconds shown before and after the replacement
SEEN = 1  # the row to check; any will do, since all change at once


def begin(server, requests, rate, *more):
    command = measure.load_command(server, requests, rate=rate, seconds=server.bench.patience, more=["--tolerate", *more])
    generator = subprocess.Popen(server.bench.pinned(LOAD_CORE, command), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)
    server.bench.wait_until(lambda: generator.poll() is not None or catches(generator.pid, signal.SIGTERM), "the load generator does not begin")
    return generator


def end(server, generator):
    generator.send_signal(signal.SIGTERM)
    try:
        said = generator.communicate(timeout=server.bench.patience)[0]
        if not said:
            raise Failed("the load generator ended without a word")
        return json.loads(said)
    finally:
        generator.kill()
        generator.wait()


def replaced(server, count, generation):
    """Replaces all rows; returns the seconds until a request sees it, and until it has been done completely."""
    began = time.perf_counter()
    server.replace(count, generation)
    peers.wait_for(server, SEEN, generation)
    return time.perf_counter() - began


def one_round(server, count, requests, rate, generation):
    """Measures without a replacement, and then for as long as one takes."""
    measure.wait_for_quiet()
    measure.have_memory(server.bench)
    quiet = measure.load(server, requests, seconds=2, rate=rate)
    server.stage(count, generation)
    measure.wait_for_quiet()
    measure.have_memory(server.bench)
    generator = begin(server, requests, rate)
    time.sleep(0.3)  # let it start, since the CPU for that does not count
    try:
        seconds = replaced(server, count, generation)
    finally:
        during = end(server, generator)
    return {"seconds": seconds, "failed": during["broken"] + during["unexpected"], "requests": during["requests"] + during["broken"],
            "p99": during["us"]["p99"], "max": during["us"]["max"], "quiet": quiet["us"]["p99"]}


def course(server, count, requests, rate, generation):
    """The replacement over time, for the chart: (seconds since its start, p99 in ms, failed) for each window."""
    server.stage(count, generation)
    measure.wait_for_quiet()
    measure.have_memory(server.bench)
    generator = begin(server, requests, rate, "--windows", str(WINDOW))
    time.sleep(BEFORE)
    try:
        replaced(server, count, generation)
        time.sleep(AFTER)
    finally:
        result = end(server, generator)
    return [(at - BEFORE, p99 / 1e3, failed) for at, answered, failed, _p50, p99 in result["windows"] if answered or failed]


def servers_of(bench, options):
    store = loaded_store(bench, options.rows)
    return [Ferry(bench, "ssoferryd, the defaults", store, log=True, usage=True, own_store=True), *(peer(bench, options.rows) for peer in peers.installed())]


def rounds_of(server, options):
    if is_slow(server):
        return 1
    return min(OWN_ROUNDS, options.goal_rounds) if isinstance(server, Ferry) else min(ROUNDS, options.rounds)


def measured(server, requests, options, line, bench):
    """All rounds of one server."""
    slow = is_slow(server)
    rate = SLOW_RATE if slow else RATE
    with server:
        check(server, options.rows)
        warm_up(server, requests, options)
        found = [one_round(server, options.rows, requests, rate, (number + 1) % 2) for number in range(rounds_of(server, options))]
        if not slow:
            bench.figures.setdefault("replacement", []).append((server.name, course(server, options.rows, requests, rate, (len(found) + 1) % 2)))
    value = lambda key: measure.Values(run[key] for run in found)  # noqa: E731
    ratio = value("p99").over(value("quiet"))
    line += [server.name, f"{rate:,}", value("seconds").text(2), f"{sum(run['failed'] for run in found):,} of {sum(run['requests'] for run in found):,}",
             value("quiet").text(2, 1e-3), value("p99").text(2, 1e-3), ratio.text(), value("max").text(1, 1e-3)]
    return sum(run["failed"] for run in found), ratio


def run(bench, options):
    lines, goals = [], []
    with traffic.by_path(bench.work, "replacing", traffic.numbers(options.rows), 6 * 1024) as requests:
        for server in servers_of(bench, options):
            line = []
            failed, ratio = measured(server, requests, options, line, bench)
            lines.append(line)
            if isinstance(server, Ferry):
                goals = [Goal(f"replacing all of {options.rows:,} rows under load: failed requests", 0, failed, str(failed)),
                         Goal(f"replacing all of {options.rows:,} rows under load: p99 during it, against quiet", 2, ratio.median, ratio.text())]
    notes = (f"{MAIN} at a fixed rate over 64 kept connections (2 for Caddy), while all rows get another Location: from the command until a request sees "
             "it. What replaces the table runs on the server's core: `ssoferry load` from YAML, nginx's, HAProxy's and Caddy's reload, Express by a restart. "
             f"Milliseconds; times count from when a request was due. {min(ROUNDS, options.rounds)} rounds, {min(OWN_ROUNDS, options.goal_rounds)} of ssoferryd, one of "
             "a slow server. Failed: no connection, no answer, or another status.\n")
    return [Section("Replacing the table under load", ["server", "requests/s", "seconds", "failed requests", "p99 quiet", "p99 during", "ratio", "longest"], lines,
                    notes, goals)]
