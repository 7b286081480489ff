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
LIMIT_QUIET, LIMIT_LOGGED, LIMIT_EPOLL = 1.05, 1.15, 1.35


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


def cost(servers, requests, options, rounds=None):
    """CPU microseconds a request of each server, round by round, and requests a second."""
    for server in servers:
        measure.load(server, requests, requests=options.warm_up)
    runs = [lambda server=server: measure.load(server, requests, seconds=options.seconds) for server in servers]
    results = measure.take_turns(runs, rounds or options.rounds)
    return [measure.values(result, "cpu_us") for result in results], [measure.values(result, "per_second") for result in results]


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
    servers = [Ferry(bench, "ssoferryd, no log", store), Ferry(bench, "ssoferryd, log to a file", store, log=bench.work / "requests.log"),
               bare_h2o(bench), bare_epoll(bench)]
    lines, goals = [], []
    numbers = traffic.numbers(options.rows)
    try:
        started(servers, options.rows)
        for name, kind in list(KINDS.items())[:1 if options.quick else None]:
            with traffic.by_path(bench.work, "serving", numbers, **kind) as requests:
                (quiet, logged, h2o, epoll), rates = cost(servers, requests, options)
            lines.append([name, quiet.over(h2o).text(), logged.over(h2o).text(), quiet.over(epoll).text(), *(value.text(1) for value in
                          (quiet, logged, h2o, epoll)), f"{rates[0].median:,.0f}"])
            if name == "POST 6 KB":
                for what, ratio, limit in (("no log, against bare libh2o", quiet.over(h2o), LIMIT_QUIET),
                                           ("log to a file, against bare libh2o", logged.over(h2o), LIMIT_LOGGED),
                                           ("no log, against bare epoll", quiet.over(epoll), LIMIT_EPOLL)):
                    goals.append(Goal(f"CPU a request, {name}, {options.rows:,} rows, {what}", limit, ratio.median, ratio.text()))
    finally:
        stop(servers)
    header = ["requests", "no log / libh2o", "log / libh2o", "no log / epoll", "no log, us", "log to a file, us", "bare libh2o, us",
              "bare epoll, us", "no log, requests/s"]
    notes = (f"CPU microseconds a request, {options.rows:,} rows, random identifiers, one thread. {options.rounds} rounds of {options.seconds:g} s "
             "each.\n")
    return [Section("Serving", header, lines, notes, goals)]
