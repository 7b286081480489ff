"""What a request costs in circumstances that serving.py does not cover: more threads, new connections, TLS, logs, other answers and tables."""
import measure
import peers
import rows
import traffic
from loading import loaded_store
from report import Goal, Section
from serving import check, cost, started, stop
from servers import Ferry, h2o_set_up_alike

ROWS = 100_000
SIZES = {"1,000": 1_000, "100,000": 100_000, "1,000,000": 1_000_000, "10,000,000": 10_000_000}
PEERS_UP_TO = 1_000_000
SIZE_LIMIT = 1.2
REPEATED = 1_000  # rows that are requested repeatedly
WARM_UP_TURNS = 1.5  # in some circumstances, a turn reaches only few of the rows


class Circumstance:
    """How the servers are set up, and how requests are sent."""

    def __init__(self, what, threads=1, tls=False, log=True, peers_log=False, reconnect=False, floor=False):
        self.what, self.threads, self.tls, self.log, self.peers_log, self.reconnect, self.floor = what, threads, tls, log, peers_log, reconnect, floor

    def servers(self, bench, count):
        store = loaded_store(bench, count)
        others = [peer(bench, count, log=self.peers_log, threads=self.threads, tls=self.tls) for peer in (peers.Nginx, peers.HAProxy) if peer.installed()]
        return [Ferry(bench, "ssoferryd", store, log=self.log, usage=self.log, threads=self.threads, tls=self.tls), *others,
                *([h2o_set_up_alike(bench)] if self.floor else [])]


CIRCUMSTANCES = (
    Circumstance("the defaults, the others without a log"),
    Circumstance("no log and usage, the others without a log", log=False),
    Circumstance("each with its log to a file", peers_log=True),
    Circumstance("a connection for each request", reconnect=True, floor=True),
    Circumstance("2 threads", threads=2),
    Circumstance("TLS, kept connections", tls=True),
    Circumstance("TLS, a handshake for each request", tls=True, reconnect=True),
)


def measure_circumstance(bench, circumstance, requests, count, options):
    servers = circumstance.servers(bench, count)
    try:
        started(servers, count)
        found, _ = cost([(server, requests) for server in servers], options, WARM_UP_TURNS, circumstance.reconnect)
    finally:
        stop(servers)
    return {server.name.removesuffix(" with its log"): value for server, value in zip(servers, found)}


def run_circumstances(bench, options):
    count = min(options.rows, ROWS)
    lines = []
    columns = ["nginx", "HAProxy", "bare libh2o set up alike"]
    with traffic.by_path(bench.work, "matrix", traffic.numbers(count), 6 * 1024) as requests:
        for circumstance in CIRCUMSTANCES:
            spent = measure_circumstance(bench, circumstance, requests, count, options)
            own = spent["ssoferryd"]
            lines.append([circumstance.what, *(own.over(spent[name]).text() if name in spent else "" for name in columns), own.text(1),
                          *(spent[name].text(1) if name in spent else "" for name in columns)])
    notes = (f"POST 6 KB, {count:,} rows, the defaults unless something else is said; {options.rounds} rounds of {options.seconds:g} s. TLS 1.3, AES-128 and a P-256 "
             "certificate, without resumption; ssoferryd gives one ticket for it, the others two. With 2 threads the load generator shares a core with one of them.\n")
    return Section("Circumstances: CPU a request", ["what", *(f"ssoferryd / {name}" for name in columns), "ssoferryd, us", *(f"{name}, us" for name in columns)],
                   lines, notes)


ANSWERS = {  # what: fields of the row, status
    "307 to Stytch": (None, 307),
    "303 to Stytch": ("redirect: 303", 303),
    "the page that posts again": ("redirect: form", 200),
    "307 to the legacy system": ("state: legacy, legacy_url: https://legacy.example.com/saml/acs", 307),
    "410, disabled": ("state: disabled", 410),
    "404, unknown": (None, 404),
}


def answers_store(bench):
    """Rows of all kinds: row N has the fields of kind N modulo their number."""
    kinds = [fields for fields, _ in ANSWERS.values()]
    row = lambda number: f"  {rows.identifier(number)}: {{connection_id: {rows.connection_id(number)}{fields_of(kinds[number % len(kinds)])}}}\n"  # noqa: E731
    fields_of = lambda fields: f", {fields}" if fields else ""  # noqa: E731
    path = bench.work / "answers.yaml"
    path.write_text("version: 1\nconnections:\n" + "".join(row(number) for number in range(ROWS)))
    return path


def run_answers(bench, options):
    store = bench.work / "answers.mdb"
    settings = ["legacy: {allowed_hosts: [legacy.example.com]}"]
    server = Ferry(bench, "ssoferryd", None, log=True, usage=True, settings=settings)
    empty = Ferry(bench, "ssoferryd, nothing loaded", None, log=True, usage=True)
    bench.run_beside(server.loader("load", str(answers_store(bench))))
    costs = {}
    try:
        server.start()
        empty.start()
        runs = [(what, server, [number for number in range(ROWS) if number % len(ANSWERS) == i], status) for i, (what, (_, status)) in enumerate(ANSWERS.items())]
        runs.append(("503, nothing loaded", empty, range(REPEATED), 503))
        costs = answers_measured(bench, runs, options)
    finally:
        server.stop()
        empty.stop()
        store.unlink(missing_ok=True)
    plain = costs["307 to Stytch"]
    lines = [[what, value.over(plain).text(), value.text(1)] for what, value in costs.items()]
    return Section("Answers: CPU a request", ["answer", "against 307 to Stytch", "us"], lines,
                   f"POST 6 KB, {ROWS:,} rows of all kinds, the defaults; {options.rounds} rounds of {options.seconds:g} s.\n")


def answers_measured(bench, runs, options):
    made = []
    try:
        for what, server, numbers, status in runs:
            requests = traffic.by_path(bench.work, f"answers-{len(made)}", numbers, 6 * 1024, known=status != 404)
            requests.status = status
            made.append(requests)
        found, _ = cost([(server, requests) for (_, server, *_), requests in zip(runs, made)], options)
        return {what: value for (what, *_), value in zip(runs, found)}
    finally:
        for requests in made:
            requests.__exit__()


def run(bench, options):
    return [run_circumstances(bench, options), run_answers(bench, options)]


# -- Tables of other sizes -----------------------------------------------------------------------------------------------------


def run_sizes(bench, options):
    """The same requests against tables of other sizes."""
    lines, goals = [], []
    sizes = {text: count for text, count in SIZES.items() if count <= max(options.rows, options.most_rows)}
    for title, repeated in (("rows at random", False), (f"{REPEATED:,} rows that come again", True)):
        columns = sizes_measured(bench, sizes, repeated, options)
        first = list(sizes)[0]
        for name, found in columns.items():
            lines.append([title, name, *(found[size].over(found[first]).text() if size in found else "" for size in list(sizes)[1:]),
                          *(found[size].text(1) if size in found else "" for size in sizes)])
        largest = list(sizes)[-1]
        ratio = columns["ssoferryd"][largest].over(columns["ssoferryd"][first])
        goals.append(Goal(f"CPU a request, {largest} rows against {first}, the defaults, {title}", SIZE_LIMIT, ratio.median, ratio.text()))
    header = ["requests", "server", *(f"{size} / {list(sizes)[0]}" for size in list(sizes)[1:]), *(f"{size} rows, us" for size in sizes)]
    notes = (f"CPU a request, POST 6 KB; {options.goal_rounds} rounds of {options.seconds:g} s, all sizes in turn. Rows at random: up to 200,000 different ones of the table, so "
             "each row of a small table comes often in a turn, and hardly any row of a large table comes twice. The others have no log, and get no more than "
             f"{PEERS_UP_TO:,} rows.\n")
    return [Section("Sizes of the table", header, lines, notes, goals)]


def sizes_measured(bench, sizes, repeated, options):
    """For each server's name: CPU microseconds per request, by size."""
    servers, runs, made = [], [], []
    try:
        for size, count in sizes.items():
            requests = traffic.by_path(bench.work, f"size-{count}", traffic.numbers(count, REPEATED if repeated else traffic.DIFFERENT), 6 * 1024)
            made.append(requests)
            own = Ferry(bench, "ssoferryd", loaded_store(bench, count), log=True, usage=True)
            others = [peer(bench, count) for peer in (peers.Nginx, peers.HAProxy) if peer.installed() and count <= PEERS_UP_TO and not repeated]
            for server in (own, *others):
                servers.append((size, server))
                server.start()
                check(server, count)
                runs.append((server, requests))
        measure.wait_for_rest([server for _, server in servers])
        found, _ = cost(runs, options, rounds=options.goal_rounds)
    finally:
        stop([server for _, server in servers])
        for requests in made:
            requests.__exit__()
    columns = {}
    for (size, server), value in zip(servers, found):
        columns.setdefault(server.name, {})[size] = value
    return columns
