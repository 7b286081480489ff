"""Start, memory, and how soon a change is seen."""
import os
import re
import socket
import subprocess
import time
from pathlib import Path

import measure
import peers
import rows
import traffic
from loading import loaded_store
from report import Goal, Section
from servers import Failed, Ferry
from serving import is_slow

START_LIMIT_MS, MEMORY_LIMIT_MB, CHANGE_LIMIT_MS = 50, 32, 1
CHANGE_THREADS, CHANGE_CONNECTIONS = 2, 12  # the kernel distributes connections at random; with this many, each thread gets some
REQUESTS = 100_000
CHANGES = 20


def healthy(port):
    """Whether /healthz answers 200 now."""
    with socket.socket() as probe:
        probe.settimeout(5)
        if probe.connect_ex(("127.0.0.1", port)) != 0:
            return False
        probe.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        return probe.recv(64).startswith(b"HTTP/1.1 200 ")


def start_time(bench, store, cold):
    """Seconds from exec to the first 200."""
    server = Ferry(bench, "ssoferryd", store, log=True, usage=True)
    server.prepare()
    if cold:
        with store.open("rb") as file:
            os.fsync(file.fileno())
            os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
    began = time.perf_counter()
    server.process = subprocess.Popen(server.command(), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        while not healthy(server.port):
            if server.process.poll() is not None or time.perf_counter() - began > 60:
                raise Failed("ssoferryd does not get ready")
        return time.perf_counter() - began
    finally:
        server.stop()


def run_start(bench, store, options):
    runs = [lambda: start_time(bench, store, False), lambda: start_time(bench, store, True)]
    warm, cold = (measure.Values(result) for result in measure.take_turns(bench, runs, options.rounds * 2))
    lines = [["the store's file in the page cache", warm.text(1, 1e3)], ["the file not in the page cache", cold.text(1, 1e3)]]
    notes = f"Milliseconds from exec to the first 200 of the health path, {options.rows:,} rows.\n"
    goal = Goal(f"start with {options.rows:,} rows (ms)", START_LIMIT_MS, warm.median * 1e3, warm.text(1, 1e3), " ms")
    return Section("Start", ["start", "ms"], lines, notes, [goal])


def mapped(server, directory):
    """Bytes of the files in `directory` (the table and its usage) that the server has mapped and touched."""
    total = 0
    for part in re.split(r"^(?=[0-9a-f]+-[0-9a-f]+ )", Path(f"/proc/{server.process.pid}/smaps").read_text(), flags=re.MULTILINE):
        if f" {directory}/" in part.split("\n", 1)[0]:
            total += int(re.search(r"^Rss:\s+(\d+)", part, re.MULTILINE).group(1)) * 1024
    return total


def run_memory(bench, store, options):
    lines = []
    with traffic.by_path(bench.work, "memory", traffic.numbers(options.rows), 6 * 1024) as requests:
        for name, log, threads in (("the defaults, 1 thread", True, 1), ("the defaults, 8 threads", True, 8), ("no log and usage, 1 thread", False, 1)):
            with Ferry(bench, name, store, log=log, usage=log, threads=threads) as server:
                measure.load(server, requests, requests=REQUESTS)
                time.sleep(measure.SETTLE_SECONDS)
                memory, table = server.memory(), mapped(server, bench.work)
            private = memory["Private_Clean"] + memory["Private_Dirty"]
            figures = (private - table, table, private, memory["Pss"], memory["Rss"])
            lines.append([name, *(f"{figure / 1e6:.1f}" for figure in figures)])
    notes = (f"Megabytes after {REQUESTS:,} requests for random rows of {options.rows:,}, over 64 connections. The pages of the table's and the usage's files belong to the page "
             "cache, which the kernel takes back when it needs to, and which every process that opens the table shares; the kernel counts them as private while only "
             "one has them mapped.\n")
    own = float(lines[0][1])
    goal = Goal(f"private memory at {options.rows:,} rows, cached pages of its files apart (MB)", MEMORY_LIMIT_MB, own, lines[0][1], " MB")
    return Section("Memory", ["daemon", "its own", "pages of its files", "private in all", "PSS", "RSS"], lines, notes, [goal])


def read_status(connection):
    """Reads one answer to its end."""
    answer = b""
    while b"\r\n\r\n" not in answer:
        more = connection.recv(65536)
        if not more:
            raise Failed("a connection was closed in place of an answer")
        answer += more
    head, body = answer.split(b"\r\n\r\n", 1)
    left = int(re.search(rb"\r\ncontent-length: (\d+)", head.lower()).group(1)) - len(body)
    while left > 0:
        left -= len(connection.recv(left))
    return int(head.split(b" ", 2)[1])


def statuses(connections, request):
    """Sends a request over all connections at once and returns the answers. Uses bare sockets, because http.client takes a tenth of a
    millisecond per answer, which is more than what is measured."""
    for connection in connections:
        connection.sendall(request)
    return [read_status(connection) for connection in connections]


def seen_after(bench, server, connections, number, field, status):
    """Seconds from the loader's exit until its change has been seen over all connections, and how many answers did not show it."""
    request = f"GET {traffic.PATH}{rows.identifier(number)} HTTP/1.1\r\nHost: sso.example.com\r\n\r\n".encode()
    bench.run(server.loader("set", rows.identifier(number), field))
    began = time.perf_counter()
    stale = 0
    for _ in range(1000):
        old = sum(found != status for found in statuses(connections, request))
        if old == 0:
            return time.perf_counter() - began, stale
        stale += old
    raise Failed(f"{field} of {rows.identifier(number)} is never seen")


def run_change(bench, store, options):
    times, stale = [], 0
    with Ferry(bench, "ssoferryd", store, log=True, usage=True, threads=CHANGE_THREADS) as server:
        connections = [socket.create_connection(("127.0.0.1", server.port), timeout=20) for _ in range(CHANGE_CONNECTIONS)]
        for number in traffic.numbers(options.rows, CHANGES):
            for field, status in (("state=disabled", 410), ("state=stytch", 307)):
                seconds, missed = seen_after(bench, server, connections, number, field, status)
                times.append(seconds)
                stale += missed
        for connection in connections:
            connection.close()
    seen = measure.Values(times)
    lines = [[f"{len(times)} changes of one row", seen.text(2, 1e3), stale]]
    goal = Goal("a change is seen by all workers after the loader's end (ms)", CHANGE_LIMIT_MS, seen.median * 1e3, seen.text(2, 1e3), " ms")
    notes = (f"From the exit of `ssoferry set` until {CHANGE_CONNECTIONS} connections, which were open before and lie with {CHANGE_THREADS} threads, have all shown the "
             "change; asked at once, and again where one did not.\n")
    return Section("A change", ["changes", "seen after, ms", "stale answers"], lines, notes, [goal])


# -- Against other servers -------------------------------------------------------------------------------------------------------

LIMIT_OF_NGINX = 0.1
WARM_SECONDS = 3


def one_life(server, count, requests):
    """The time from exec to the first right answer, the memory after requests, and how soon a change is seen."""
    began = time.perf_counter()
    server.launch()
    try:
        peers.wait_for(server, 0, 0)
        start = time.perf_counter() - began
        measure.load(server, requests, requests=REQUESTS, seconds=WARM_SECONDS)
        memory = server.settle().memory()
        of_files = mapped(server, server.bench.work) if isinstance(server, Ferry) else 0
        server.stage(count, 1)
        began = time.perf_counter()
        server.change(0, 1)
        if isinstance(server, Ferry):
            began = time.perf_counter()  # the loader's own time is in another table
        peers.wait_for(server, 0, 1)
        return {"start": start, "pss": memory["Pss"], "private": memory["Private_Clean"] + memory["Private_Dirty"], "files": of_files,
                "seen": time.perf_counter() - began}
    finally:
        server.stop()


def lives(bench, store, options, requests):
    """Returns the rounds of each server. Every round starts the server anew."""
    own = lambda: Ferry(bench, "ssoferryd, the defaults", store, log=True, usage=True, own_store=True)  # noqa: E731
    makers = [own, *(lambda peer=peer: peer(bench, options.rows) for peer in peers.installed())]
    found = {}
    for number in range(min(options.rounds, 3)):
        for make in makers:
            server = make()
            if number == 0 or not is_slow(server):
                found.setdefault(server.name, []).append({"how": getattr(server, "change_how", "`ssoferry set`"), **one_life(server, options.rows, requests)})
    return found


def run_peers(bench, options):
    lines, figures = [], []
    with traffic.by_path(bench.work, "lives", traffic.numbers(options.rows), 6 * 1024) as requests:
        found = lives(bench, loaded_store(bench, options.rows), options, requests)
    value = lambda name, key: measure.Values(run[key] for run in found[name])  # noqa: E731
    for name, runs in found.items():
        files = f"{value(name, 'files').median / 1e6:.0f}" if value(name, "files").median else ""
        lines.append([name, value(name, "start").text(0, 1e3), value(name, "pss").text(0, 1e-6), value(name, "private").text(0, 1e-6), files, runs[0]["how"],
                      value(name, "seen").text(1, 1e3)])
        figures.append((name, *(figure / 1e6 for figure in (value(name, "pss").median, min(value(name, "pss").values), max(value(name, "pss").values)))))
    bench.figures["memory"] = figures
    return [Section("Start, memory and a change, against other servers",
                    ["server", "start, ms", "PSS, MB", "private, MB", "of it the table's file, MB", "change by", "seen after, ms"], lines,
                    f"{options.rows:,} rows. Start: from exec to the first right answer. Memory: all its processes, after {REQUESTS:,} requests or {WARM_SECONDS} "
                    "seconds of them; nginx's master and worker share memory, so their PSS counts. A change of one row: from the command, "
                    "for ssoferryd from the loader's exit, to the first answer that shows it over a new connection; nginx, Caddy and Express read all rows anew.\n",
                    memory_goals(found, options))]


def memory_goals(found, options):
    own, others = found["ssoferryd, the defaults"], found.get("nginx", [])
    if not others:
        return []
    apart = measure.Values((mine["pss"] - mine["files"]) / theirs["pss"] for mine, theirs in zip(own, others))
    whole = measure.Values(mine["pss"] / theirs["pss"] for mine, theirs in zip(own, others))
    return [Goal(f"memory at {options.rows:,} rows, cached pages of its files apart, against nginx's", LIMIT_OF_NGINX, apart.median, apart.text(3)),
            Goal(f"memory at {options.rows:,} rows, cached pages of its files among it, against nginx's", LIMIT_OF_NGINX, whole.median, whole.text(3))]


def run(bench, options):
    store = loaded_store(bench, options.rows)
    return [run_start(bench, store, options), run_memory(bench, store, options), run_change(bench, store, options)]
