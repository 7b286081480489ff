"""How long answers take at a fixed rate. Times count from when a request was due, so a stalling server gains nothing by being asked less."""
import measure
import peers
import traffic
from loading import loaded_store
from report import Goal, Section
from serving import MAIN, is_slow, started, stop, warm_up
from servers import Ferry, h2o_set_up_alike

SHARE = 0.6  # of a server's rate at saturation
QUANTILES = ("p50", "p99", "p99.9")


def servers_of(bench, options):
    store = loaded_store(bench, options.rows)
    candidates = [peer(bench, options.rows) for peer in peers.installed()]
    return [Ferry(bench, "ssoferryd, the defaults", store, log=True, usage=True), h2o_set_up_alike(bench),
            *(server for server in candidates if not is_slow(server))]


def at_rate(servers, requests, rate, options):
    """Returns the runs of each server."""
    runs = [lambda server=server: measure.load(server, requests, seconds=options.seconds, rate=rate) for server in servers]
    return measure.take_turns(servers[0].bench, runs, options.rounds)


def lines_of(servers, results, rate):
    lines = []
    for server, runs in zip(servers, results):
        unsent = sum(run["unsent"] for run in runs)
        asked = sum(run["requests"] for run in runs) + unsent
        times = [measure.Values(run["us"][quantile] / 1e3 for run in runs).text() for quantile in QUANTILES]
        lines.append([f"{rate:,.0f}", server.name, *times, f"{unsent / asked:.0%}" if unsent else "none"])
    return lines


def run(bench, options):
    servers = servers_of(bench, options)
    lines, goals = [], []
    with traffic.by_path(bench.work, "latency", traffic.numbers(options.rows), 6 * 1024) as requests:
        try:
            started(servers, options.rows)
            for server in servers:
                warm_up(server, requests, options)
            results = measure.take_turns(bench, [lambda server=server: measure.load(server, requests, seconds=options.seconds) for server in servers], 3)
            saturation = [measure.values(runs, "per_second").median for runs in results]
            slowest = min(range(len(servers)), key=saturation.__getitem__)
            rate = SHARE * saturation[0]
            able = [server for server, most in zip(servers, saturation) if most > SHARE * rate]
            results = at_rate(able, requests, rate, options)
            lines += lines_of(able, results, rate)
            quantiles = {server.name: measure.Values(run["us"]["p99"] for run in runs) for server, runs in zip(able, results)}
            if "nginx" in quantiles:
                ratio = quantiles[servers[0].name].over(quantiles["nginx"])
                goals.append(Goal(f"p99, {MAIN}, at {SHARE:.0%} of ssoferryd's saturation ({rate:,.0f} requests/s), against nginx at that rate", 1.0, ratio.median,
                                  ratio.text()))
            bench.figures["p99"] = [(name, value.median / 1e3, min(value.values) / 1e3, max(value.values) / 1e3) for name, value in quantiles.items()]
            bench.figures["p99 rate"] = rate
            low = SHARE * saturation[slowest]
            lines += lines_of(servers, at_rate(servers, requests, low, options), low)
        finally:
            stop(servers)
    notes = (f"Milliseconds, {MAIN}, {options.rows:,} rows, one thread, 64 connections; {options.rounds} rounds of {options.seconds:g} s. The rates are {SHARE:.0%} of "
             f"what ssoferryd, and of what {servers[slowest].name}, does at saturation. Unsent: requests for which no connection was free in time. A server "
             "that does much less than the first rate is left out of it. The others write no log.\n")
    return [Section("Latency at a fixed rate", ["requests/s", "server", "p50, ms", "p99, ms", "p99.9, ms", "unsent"], lines, notes, goals)]
