"""What a request costs."""
import measure
import rows
import traffic
from loading import loaded_store
from report import Goal, Section
from servers import Failed, Ferry, bare_epoll, bare_h2o

SAMPLES = 40
KINDS = {
    "POST 6 KB": {"size": 6 * 1024},
    "POST 6 KB, few header fields": {"size": 6 * 1024, "fields": traffic.BARE},
    "POST 2 KB": {"size": 2 * 1024},
    "POST 46 KB": {"size": 46 * 1024},
    "GET": {},
}
LIMIT_NO_LOG, LIMIT_DEFAULTS, LIMIT_EPOLL, LIMIT_OVERHEAD = 1.05, 1.15, 1.35, 1.15
REPEATED = 2000  # rows that are asked for again and again, as real connections are


def check(server, count):
    """A sample of rows, by GET and POST, gets the right answer."""
    for number in traffic.numbers(count, SAMPLES):
        expected = (server.expected_status(307), server.expected_location(rows.location(number)))
        for method, body in (("GET", None), ("POST", traffic.form(6 * 1024))):
            found = server.ask(method, traffic.PATH + rows.identifier(number), body)
            if found != expected:
                raise Failed(f"{server.name} answers {method} {rows.identifier(number)} with {found}, not {expected}")
    status, _ = server.ask("POST", traffic.PATH + "no-such", b"SAMLResponse=x")
    if status != server.expected_status(404):
        raise Failed(f"{server.name} answers an unknown identifier with {status}")


def cost(servers, requests, options):
    """CPU microseconds a request of each server, round by round, and requests a second."""
    for server in servers:
        measure.load(server, requests, requests=options.warm_up)
    return measure.costs([(server, requests) for server in servers], options.rounds, options.seconds)


def started(servers, count):
    for server in servers:
        server.start()
        check(server, count)
    return servers


def stop(servers):
    for server in servers:
        server.stop()


def run(bench, options):
    store = loaded_store(bench, options.rows)
    servers = [Ferry(bench, "ssoferryd with the defaults", store, log=True, usage=True), Ferry(bench, "ssoferryd without a log", store, usage=True),
               Ferry(bench, "ssoferryd without log and usage", store), bare_h2o(bench), bare_epoll(bench)]
    ratios, times, goals = [], [], []
    numbers = traffic.numbers(options.rows)
    try:
        started(servers, options.rows)
        for name, kind in list(KINDS.items())[:1 if options.quick else None]:
            with traffic.by_path(bench.work, "serving", numbers, **kind) as requests:
                spent, rates = cost(servers, requests, options)
            defaults, no_log, quiet, h2o, epoll = spent
            ratios.append([name, *(value.over(h2o).text() for value in (defaults, no_log, quiet)), quiet.over(epoll).text()])
            times.append([name, *(value.text(1) for value in spent), f"{rates[0].median:,.0f}", f"{rates[3].median:,.0f}"])
            if name == "POST 6 KB":
                for what, ratio, limit in (("the defaults, against bare libh2o", defaults.over(h2o), LIMIT_DEFAULTS),
                                           ("no log, against bare libh2o", no_log.over(h2o), LIMIT_NO_LOG),
                                           ("no log and usage, against bare epoll", quiet.over(epoll), LIMIT_EPOLL)):
                    goals.append(Goal(f"CPU a request, {name}, {options.rows:,} rows, {what}", limit, ratio.median, ratio.text()))
    finally:
        stop(servers)
    how = f"{options.rows:,} rows, random identifiers, one thread; {options.rounds} rounds of {options.seconds:g} s each.\n"
    return [Section("Serving: CPU a request, as ratios", ["requests", "defaults / libh2o", "no log / libh2o", "no log and usage / libh2o",
                                                          "no log and usage / epoll"], ratios, how, goals),
            Section("Serving: CPU a request, in microseconds", ["requests", "defaults", "no log", "no log and usage", "bare libh2o", "bare epoll",
                                                                "defaults, requests/s", "libh2o, requests/s"], times,
                    "The same runs. The defaults: request log to a file, usage, metrics. Usage costs most where, as here, hardly a row is asked for "
                    "twice.\n")]


def run_overhead(bench, options):
    """What the log, usage and metrics cost together: the daemon with them against itself without."""
    store = loaded_store(bench, options.rows)
    servers = [Ferry(bench, "ssoferryd with the defaults", store, log=True, usage=True), Ferry(bench, "ssoferryd without log and usage", store)]
    every = traffic.numbers(options.rows)
    lines, goals = [], []
    try:
        started(servers, options.rows)
        for name, numbers in (("rows that come again", every[:REPEATED]), ("hardly a row twice", every)):
            with traffic.by_path(bench.work, "overhead", numbers, 6 * 1024) as requests:
                (defaults, quiet), _ = cost(servers, requests, options)
            ratio = defaults.over(quiet)
            lines.append([name, ratio.text(), defaults.text(1), quiet.text(1)])
            goals.append(Goal(f"CPU a request, the defaults against no log and usage, {name}", LIMIT_OVERHEAD, ratio.median, ratio.text()))
    finally:
        stop(servers)
    how = f"CPU microseconds a request, POST 6 KB, {options.rows:,} rows; {REPEATED:,} random rows over and over, and 200,000 random ones.\n"
    return [Section("Overhead of log, usage and metrics", ["requests", "ratio", "with, us", "without, us"], lines, how, goals)]
