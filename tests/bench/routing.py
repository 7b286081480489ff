"""What kinds of routes and answers cost, compared with the plain one."""
import json
import subprocess
from urllib.parse import quote

import measure
import rows
import serving
import traffic
from loading import loaded_store
from report import Goal, Section
from servers import Failed, Ferry

PLAIN = "match: /old-sso/{identifier}"
BY_ISSUER = f"{{match: {traffic.ISSUER_PATH}, identify_by: issuer}}"
PRESETS_LIMIT = 1.05
ISSUER_SIZES = {10: (10 * 1024, 20_000, 60), 300: (300 * 1024, 2_000, 1000)}  # KB: bytes, number of different requests, limit in microseconds


def presets_that_agree(bench, store):
    """All presets that fit into one configuration, in the order they are listed, and how many routes they make. Some systems have the same
    URLs."""
    listed = bench.run([bench.program("ssoferry"), "presets", "--json"])
    routes = {preset["name"]: len(preset["routes"]) for preset in map(json.loads, listed.splitlines())}
    taken = []
    for name in routes:
        tried = Ferry(bench, name, store, routes=[f"preset: {preset}" for preset in [*taken, name]])
        if subprocess.run([bench.program("ssoferryd"), "--check", "-c", str(tried.config)], capture_output=True, timeout=bench.patience).returncode == 0:
            taken.append(name)
        tried.stop()
    return taken, sum(routes[name] for name in taken)


def run_presets(bench, options):
    """The plain route alone, the plain route after all presets, and a request without a row."""
    store = loaded_store(bench, options.rows)
    presets, routes = presets_that_agree(bench, store)
    crowd = f"behind {len(presets)} presets ({routes} routes)"
    servers = [Ferry(bench, "one route", store, routes=[PLAIN]),
               Ferry(bench, "presets", store, routes=[*(f"preset: {preset}" for preset in presets), PLAIN])]
    numbers = traffic.numbers(options.rows)
    try:
        serving.started(servers, options.rows)
        with traffic.by_path(bench.work, "presets", numbers, 6 * 1024) as requests:
            (one, many), _ = serving.cost([(server, requests) for server in servers], options)
        with traffic.by_path(bench.work, "unknown", numbers, 6 * 1024, known=False) as unknown:
            (unknown_one, unknown_many), _ = serving.cost([(server, unknown) for server in servers], options)
    finally:
        serving.stop(servers)
    lines = [[f"a route {crowd}", many.over(one).text(), one.text(1), many.text(1)],
             ["the same, identifier unknown: 404 with a page", unknown_many.over(unknown_one).text(), unknown_one.text(1), unknown_many.text(1)]]
    goals = [Goal(f"CPU a request, path routing {crowd}, against one route", PRESETS_LIMIT, many.over(one).median,
                  many.over(one).text())]
    notes = ("CPU microseconds a request, POST 6 KB, no log and usage. The presets are all those that can stand together; the request's own route is the last.\n")
    return [Section("Routes", ["requests", "ratio", "one route, us", "with presets, us"], lines, notes, goals)]


def check_issuer(server, requests_by):
    """Checks that one request of each traffic gets the row's Location."""
    for requests, number in requests_by:
        head = requests.heads.read_bytes()
        body = head[4:4 + int.from_bytes(head[:4], "little")].split(b"\r\n\r\n", 1)[1] + requests.tail.read_bytes()
        target = head.split(b" ", 2)[1].decode()
        found = server.ask("POST", target, body)
        if found != (307, rows.location(number)):
            raise Failed(f"{server.name} answers a Response of {rows.issuer(number)} at {target} with {found}")


def run_issuer(bench, options):
    """Sends the same Responses to the route by Issuer and to one by path, with one daemon and one table."""
    store = loaded_store(bench, options.rows, "issuers")
    server = Ferry(bench, "ssoferryd", store, routes=[PLAIN, BY_ISSUER])
    lines, goals = [], []
    by_path = lambda number: traffic.PATH + quote(rows.issuer(number), safe="")  # noqa: E731
    with server:
        for kilobytes, (size, different, limit) in ISSUER_SIZES.items():
            numbers = traffic.numbers(options.rows, different)
            for where, in_response in (("", True), (", Issuer in the Assertion alone", False)):
                with traffic.responses(bench.work, "by-issuer", numbers, size, in_response) as by_issuer, \
                     traffic.responses(bench.work, "by-path", numbers, size, in_response, by_path) as plain:
                    check_issuer(server, ((by_issuer, numbers[0]), (plain, numbers[0])))
                    (issuer_us, path_us), _ = serving.cost([(server, by_issuer), (server, plain)], options)
                more = issuer_us.minus(path_us)
                lines.append([f"{kilobytes} KB{where}", more.text(1), issuer_us.text(1), path_us.text(1)])
                goals.append(Goal(f"CPU a request, Issuer of {kilobytes} KB{where}, above path routing (us)", limit, more.median, more.text(1), " us"))
    notes = ("CPU microseconds a request, no log and usage. The size is the XML's; in the POST it is base64 and percent-encoded, so a good third more. Path routing gets "
             "the very same bodies.\n")
    return [Section("Routing by Issuer", ["Response", "more, us", "by Issuer, us", "by path, us"], lines, notes, goals)]
