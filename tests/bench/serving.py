"""What a request costs."""
import measure
import peers
import rows
import traffic
from loading import loaded_store
from report import Goal, Section
from servers import Failed, Ferry, bare_epoll, h2o_as_it_comes, h2o_set_up_alike

SAMPLES, SAMPLES_OF_SLOW = 40, 4
MAIN, AGAIN = "POST 6 KB", "POST 6 KB, rows that come again"  # the goals refer to these
KINDS = {
    MAIN: {"size": 6 * 1024},
    AGAIN: {"size": 6 * 1024},
    "POST 6 KB, few header fields": {"size": 6 * 1024, "fields": traffic.BARE},
    "POST 2 KB": {"size": 2 * 1024},
    "POST 46 KB": {"size": 46 * 1024},
    "GET": {},
}
DEFAULTS, NO_LOG, QUIET = "the defaults", "no log", "no log and usage"  # ssoferryd, as the rows and charts name it
AS_IT_COMES, ALIKE, EPOLL = "bare libh2o as it comes", "bare libh2o set up alike", "bare epoll"
AGAINST_FLOORS = ((DEFAULTS, AS_IT_COMES, 1.15), (NO_LOG, AS_IT_COMES, 1.05), (DEFAULTS, ALIKE, 1.15), (NO_LOG, ALIKE, 1.05), (QUIET, ALIKE, None),
                  (DEFAULTS, EPOLL, 1.35), (QUIET, EPOLL, 1.35))  # and the goal, if there is one
LIMIT_OVERHEAD = 1.15
PEER_LIMITS = {"nginx": 0.75, "HAProxy": 0.80, "Express": 0.06}  # CPU per request: at most this share of theirs
WARM_UP_REQUESTS = 20_000  # the least, for traffic with fewer different requests
WARM_UP_TURNS, WARM_UP_TURNS_AGAIN = 3, 0.5  # the most, in lengths of a turn; the second is for servers that have had requests for these rows already
REPEATED = 2000  # rows requested repeatedly, as real connections are; for AGAIN


def is_slow(server):
    """Whether it takes minutes where the others take seconds."""
    return getattr(server, "slow", False)


def check(server, count):
    """Checks the answers for a sample of rows, by GET and POST."""
    for number in traffic.numbers(count, SAMPLES_OF_SLOW if is_slow(server) else SAMPLES):
        expected = (server.expected_status(307), server.expected_location(rows.location(number)))
        for method, body in (("GET", None), ("POST", traffic.form(6 * 1024))):
            found = server.ask(method, traffic.PATH + rows.identifier(number), body)
            if found != expected:
                raise Failed(f"{server.name} answers {method} {rows.identifier(number)} with {found}, not {expected}")
    status, _ = server.ask("POST", traffic.PATH + "no-such", b"SAMLResponse=x")
    if status != server.expected_status(404):
        raise Failed(f"{server.name} answers an unknown identifier with {status}")


def warm_up(server, requests, options, turns=WARM_UP_TURNS, reconnect=False):
    """Sends each of the requests once, or as many as there is time for. Each turn starts with the first of them, so a server too slow for all of them
    here gets through even fewer there."""
    measure.load(server, requests, requests=max(requests.count, WARM_UP_REQUESTS), seconds=turns * options.seconds, reconnect=reconnect)


def cost(runs, options, warm_up_turns=WARM_UP_TURNS, reconnect=False, rounds=None, seconds=None):
    """For each pair of server and traffic: CPU microseconds per request, round by round, and requests per second."""
    for server, requests in runs:
        warm_up(server, requests, options, warm_up_turns, reconnect)
    return measure.costs(runs, rounds or options.rounds, seconds or options.seconds, reconnect)


def turns_of(kind, options):
    """Number of rounds, and seconds of each turn. More rounds for kinds that have goals: on a machine that runs at two speeds, five rounds may all have
    met the same one. Where few rows come again, a shorter turn asks for the same rows, and what is compared lies closer together in time."""
    if kind == AGAIN:
        return 2 * options.goal_rounds, options.seconds / 2
    return (options.goal_rounds if kind == MAIN else options.rounds), options.seconds


def started(servers, count):
    for server in servers:
        server.start()
        check(server, count)
    measure.wait_for_rest(servers)
    return servers


def stop(servers):
    for server in servers:
        server.stop()


def own_servers(bench, store):
    return [Ferry(bench, DEFAULTS, store, log=True, usage=True), Ferry(bench, NO_LOG, store, usage=True), Ferry(bench, QUIET, store)]


def floors(bench):
    return [h2o_as_it_comes(bench), h2o_set_up_alike(bench), bare_epoll(bench)]


def goals_of(spent, what):
    """The goals, each with the figure that meets or misses it, from what each server has spent."""
    ratios = [(f"{own}, against {floor}", spent[own].over(spent[floor]), limit) for own, floor, limit in AGAINST_FLOORS if limit is not None]
    for peer, limit in PEER_LIMITS.items():
        if peer in spent:
            ratios.append((f"{DEFAULTS}, against {peer} without a log", spent[DEFAULTS].over(spent[peer]), limit))
    return [Goal(f"CPU a request, {what}, {how}", limit, ratio.median, ratio.text()) for how, ratio, limit in ratios]


def run(bench, options):
    store = loaded_store(bench, options.rows)
    peers_there = [peer(bench, options.rows) for peer in peers.installed()]
    compared = [peer for peer in peers_there if not (options.quick and is_slow(peer))]
    servers = [*own_servers(bench, store), *floors(bench), *compared]
    names, other_names = [server.name for server in servers], [peer.name for peer in compared]
    ratios, against, times, rates_of, goals = [], [], [], [], []
    numbers = traffic.numbers(options.rows)
    try:
        started(servers, options.rows)
        for kind, what in list(KINDS.items())[:2 if options.quick else None]:
            taking_part = [server for server in servers if kind == MAIN or not is_slow(server)]
            rounds, seconds = turns_of(kind, options)
            with traffic.by_path(bench.work, "serving", numbers[:REPEATED] if kind == AGAIN else numbers, **what) as requests:
                found, rates = cost([(server, requests) for server in taking_part], options, WARM_UP_TURNS if kind == MAIN else WARM_UP_TURNS_AGAIN,
                                    rounds=rounds, seconds=seconds)
            spent = {server.name: value for server, value in zip(taking_part, found)}
            rates = {server.name: value for server, value in zip(taking_part, rates)}
            ratios.append([kind, *(spent[own].over(spent[floor]).text() for own, floor, _ in AGAINST_FLOORS)])
            against.append([kind, *(spent[DEFAULTS].over(spent[name]).text(3) if name in spent else "" for name in other_names)])
            times.append([kind, *(spent[name].text(1) if name in spent else "" for name in names)])
            rates_of.append([kind, *(f"{rates[name].median:,.0f}" if name in spent else "" for name in names)])
            if kind in (MAIN, AGAIN):
                goals += goals_of(spent, f"{kind}, {options.rows:,} rows")
            if kind == MAIN:
                bench.figures["cpu"] = [(label(name), value.median, min(value.values), max(value.values)) for name, value in spent.items()]
    finally:
        stop(servers)
    how = (f"{options.rows:,} rows, one thread. Turns of a server: {told_turns(options)}; the first quarter of each is not counted. "
           "Identifiers are random: "
           f"200,000 different ones, or {REPEATED:,} where they come again, as those of real connections do. All have been asked for before.\n")
    columns = ["requests", *map(label, names)]
    header = ["requests", *(f"{own.removeprefix('the ')} / {floor.removeprefix('bare ')}" for own, floor, _ in AGAINST_FLOORS)]
    sections = [Section("Serving: CPU a request against the floors", header, ratios, how, goals)]
    if other_names:
        sections.append(Section("Serving: CPU a request against other servers", ["requests", *(f"defaults / {name}" for name in other_names)], against,
                                "The same rounds. The others write no log here; with one they are in the matrix below. Caddy's `map` is a list that each request "
                                "walks through; with so many rows, it is measured over 2 connections, for one kind of request.\n"))
    sections.append(Section("Serving: CPU a request, in microseconds", columns, times,
                            "The same rounds. The defaults: request log to a file, usage, metrics. Usage costs most if, as in most rows here, hardly a row of "
                            "the table is asked for twice in a turn.\n"))
    sections.append(Section("Serving: requests a second at saturation", columns, rates_of,
                            "The same rounds, medians. The limit is the server's core or the load generator's, whichever is reached first.\n"))
    return sections


def told_turns(options):
    said = [(what, *turns_of(kind, options)) for what, kind in (("of the first kind", MAIN), ("of the second", AGAIN), ("of the others", None))]
    return ", ".join(f"{rounds} of {seconds:g} s {what}" for what, rounds, seconds in said)


def label(name):
    """A server's name in a table's heading or a chart."""
    return f"ssoferryd, {name}" if name in (DEFAULTS, NO_LOG, QUIET) else name


def run_overhead(bench, options):
    """What the log, usage and metrics cost together: compares the daemon with and without them."""
    store = loaded_store(bench, options.rows)
    servers = [Ferry(bench, "ssoferryd with the defaults", store, log=True, usage=True), Ferry(bench, "ssoferryd without log and usage", store)]
    every = traffic.numbers(options.rows)
    lines, goals = [], []
    try:
        started(servers, options.rows)
        for name, numbers in (("rows that come again", every[:REPEATED]), ("hardly a row twice", every)):
            with traffic.by_path(bench.work, "overhead", numbers, 6 * 1024) as requests:
                (defaults, quiet), _ = cost([(server, requests) for server in servers], options)
            ratio = defaults.over(quiet)
            lines.append([name, ratio.text(), defaults.text(1), quiet.text(1)])
            goals.append(Goal(f"CPU a request, the defaults against no log and usage, {name}", LIMIT_OVERHEAD, ratio.median, ratio.text()))
    finally:
        stop(servers)
    how = f"CPU microseconds a request, POST 6 KB, {options.rows:,} rows; {REPEATED:,} random rows over and over, and 200,000 random ones.\n"
    return [Section("Overhead of log, usage and metrics", ["requests", "ratio", "with, us", "without, us"], lines, how, goals)]
