"""Measures ssoferry; scripts/bench builds what this needs and calls it."""
import argparse
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import charts
import latency
import life
import loading
import matrix
import measure
import peers
import replacing
import report
import routing
import serving
import traffic
from servers import PATIENCE, ROOT, TLS_SUITE, Bench, Failed, Ferry

# In the document's order.
PARTS = {"serve": serving.run, "latency": latency.run, "peers": life.run_peers, "replace": replacing.run, "matrix": matrix.run, "life": life.run, "load": loading.run,
         "growth": loading.run_growth, "rows": matrix.run_sizes, "overhead": serving.run_overhead, "routes": routing.run_presets, "issuer": routing.run_issuer}
ROUNDS, GOAL_ROUNDS, QUICK_ROUNDS = 5, 15, 3
FLAGS = {"rows": "sizes"}  # --rows is the number of rows
QUICK_PARTS = ("load", "serve", "life")
CHECK_ROWS, CHECK_PATIENCE, CHECK_SECONDS = 1000, 60, 0.1
OWN_QUIET = "ssoferryd without log and usage"
CHECK_MIDDLE = 12 * 1024  # bytes of a body: more than libh2o's default input buffer holds, but less than ssoferryd's
SET_UP = {OWN_QUIET: (1, None), serving.ALIKE: (1, None), serving.AS_IT_COMES: (2, "h2o/2.2.5")}  # number of reads for such a request, and the answer's Server field


def parse_arguments():
    parser = argparse.ArgumentParser(prog="scripts/bench", description="Measures loading and serving against bare libyaml, bare libh2o and other servers.")
    for part in PARTS:
        parser.add_argument(f"--{FLAGS.get(part, part)}", dest="parts", action="append_const", const=part, help="this part (default: all)")
    parser.add_argument("--rows", type=int, default=1_000_000, help="rows of the table (default: 1000000)")
    parser.add_argument("--most-rows", type=int, help="rows of the largest table (default: ten times --rows)")
    parser.add_argument("--rounds", type=int, help=f"rounds of each measurement of serving (default: {ROUNDS}, and {GOAL_ROUNDS} where goals are a matter of a few "
                        f"per cent; with --quick {QUICK_ROUNDS}; where rows come again, twice as many of half the length)")
    parser.add_argument("--load-rounds", type=int, help="rounds of each measurement of loading (default: 5)")
    parser.add_argument("--seconds", type=float, help="length of each run of serving (default: 1; with --quick 0.5)")
    parser.add_argument("--quick", action="store_true", help="the most important figures, in under two minutes")
    parser.add_argument("--check", action="store_true", help="measure nothing; only check that all servers answer correctly, on 1000 rows")
    parser.add_argument("--write", action="store_true", help="write docs/performance.md and docs/charts; only for a whole run")
    parser.add_argument("--document", type=Path, default=ROOT / "docs/performance.md", help="the file that --write writes")
    parser.add_argument("--nice", type=int, default=0, help="priority of what is measured, on a machine with other work (negative: root)")
    parser.add_argument("--bin", type=Path, action="append", help="where the programs are (default: build/release/bin, build/bench/programs/bin)")
    parser.add_argument("--work", type=Path, default=ROOT / "build/bench", help="for generated files (default: build/bench)")
    parser.add_argument("--only-words", action="store_true", help=argparse.SUPPRESS)  # for scripts/bench, before it builds
    options = parser.parse_args()
    if options.write and (options.parts or options.quick or options.check):
        parser.error("--write is for a whole run")
    options.goal_rounds = options.rounds or (QUICK_ROUNDS if options.quick else GOAL_ROUNDS)
    options.rounds = options.rounds or (QUICK_ROUNDS if options.quick else ROUNDS)
    options.load_rounds = options.load_rounds or 5
    options.seconds = options.seconds or (0.5 if options.quick else 1)
    options.most_rows = options.most_rows or 10 * options.rows
    options.bin = options.bin or [ROOT / "build/release/bin", ROOT / "build/bench/programs/bin"]
    return options


def check(bench):
    """Checks that the loader loads the right rows and every server answers by them, also under load, over TLS, and after a change."""
    if shutil.which("strace") is None:
        raise Failed("--check counts system calls with strace, which is missing: install Debian's package strace")
    loading.check(bench, CHECK_ROWS)
    store = loading.loaded_store(bench, CHECK_ROWS)
    with traffic.by_path(bench.work, "check", traffic.numbers(CHECK_ROWS), 6 * 1024) as known, \
         traffic.by_path(bench.work, "check-middle", traffic.numbers(CHECK_ROWS), CHECK_MIDDLE) as middle, \
         traffic.by_path(bench.work, "check-large", traffic.numbers(CHECK_ROWS), 46 * 1024) as large, \
         traffic.by_path(bench.work, "check-unknown", traffic.numbers(CHECK_ROWS), known=False) as unknown:
        own = [Ferry(bench, OWN_QUIET, store), Ferry(bench, "ssoferryd with the defaults", store, log=True, usage=True),
               Ferry(bench, "ssoferryd", store, tls=True)]
        others = [peer(bench, CHECK_ROWS, **how) for peer in peers.installed() for how in ({}, {"log": True}, {"tls": True}) if peer in (peers.Nginx, peers.HAProxy) or not how]
        for server in (*own, *serving.floors(bench), *others):
            with server:
                serving.check(server, CHECK_ROWS)
                for requests in (known, unknown, *([large] if not server.tls else [])):
                    measure.load(server, requests, requests=2 * CHECK_ROWS)
                measure.load(server, known, requests=CHECK_ROWS, rate=2_000)
                measure.load(server, known, requests=200, reconnect=True)
                check_parts(server, known)
                if server.tls and server.tls_suite() != TLS_SUITE:
                    raise Failed(f"{server.name} chooses {server.tls_suite()}, not {TLS_SUITE}")
                if server.name in SET_UP:
                    check_set_up(server, middle)
            print(f"{server.name}{', TLS' if server.tls else ''}: answers rightly")
        changing = Ferry(bench, "ssoferryd with the defaults", store, log=True, usage=True, own_store=True)
        for server in (changing, *(peer(bench, CHECK_ROWS) for peer in peers.installed())):
            check_changes(server, known)
    check_issuers(bench)


def check_parts(server, requests):
    """A turn has an unmeasured part, followed by one that counts."""
    asked = []
    result = measure.load_in_two_parts(server, requests, CHECK_SECONDS, False, lambda: asked.append(server.cpu()))
    if len(asked) != 1 or min(result["before"], result["requests"]) == 0:
        raise Failed(f"{server.name}: a turn of {CHECK_SECONDS} s has {result['before']} answers before those that count, and {result['requests']} of them")


def check_set_up(server, requests):
    """Checks that libh2o has the settings that the server's name says; otherwise it would be a different floor."""
    reads = server.reads_while(lambda: measure.load(server, requests, requests=CHECK_ROWS))
    found = (round(reads / CHECK_ROWS), server.field("Server"))
    if found != SET_UP[server.name]:
        raise Failed(f"{server.name}: {CHECK_MIDDLE} bytes take {found[0]} reads and the Server field is {found[1]}, not {SET_UP[server.name]}")


def check_changes(server, requests):
    """Changes the Location of one row, then of all, while requests come in."""
    with server:
        server.stage(CHECK_ROWS, 1)
        server.change(0, 1)
        peers.wait_for(server, 0, 1)
        generator = replacing.begin(server, requests, 500)
        server.stage(CHECK_ROWS, 1)
        try:
            replacing.replaced(server, CHECK_ROWS, 1)
        finally:
            result = replacing.end(server, generator)
        if result["unexpected"] or (isinstance(server, Ferry) and result["broken"]):
            raise Failed(f"{server.name} gives wrong answers while its table is replaced: {result}")
    print(f"{server.name}: shows changes")


def check_issuers(bench):
    server = Ferry(bench, "ssoferryd", loading.loaded_store(bench, CHECK_ROWS, "issuers"), routes=[routing.BY_ISSUER])
    numbers = traffic.numbers(CHECK_ROWS, 50)
    with server:
        for in_response in (True, False):
            with traffic.responses(bench.work, "check-issuer", numbers, 10 * 1024, in_response) as requests:
                routing.check_issuer(server, ((requests, numbers[0]),))
                measure.load(server, requests, requests=200)
    print("ssoferryd by Issuer: answers rightly")


def run(bench, options):
    """Runs the parts, each even if another fails. Returns what could not be measured."""
    sections, troubles = [], []
    parts = options.parts or (QUICK_PARTS if options.quick else PARTS)
    noise = measure.Noise()
    for part in parts:
        measure.wait_for_quiet()
        began = time.monotonic()
        try:
            for section in PARTS[part](bench, options):
                sections.append(section)
                print(section.text(), flush=True)
        except (Failed, OSError, subprocess.SubprocessError) as problem:
            troubles.append(f"{part}: {problem}")
            print(f"bench: {troubles[-1]}", file=sys.stderr)
        print(f"({part}: {time.monotonic() - began:.0f} s)\n", flush=True)
    print(report.goals(sections))
    print(f"{report.machine()} Other servers: {peers.versions()}. Other work took {noise.text()} of the machine's time meanwhile.")
    if options.write:
        command = "scripts/bench --write" if options.rows == 1_000_000 else f"scripts/bench --write --rows {options.rows}"
        drawn = charts.draw(options.document.parent / "charts", bench.figures, options.rows)
        report.write(options.document, sections, command, noise.text(), peers.versions(), drawn)
    return troubles


def end_by_signal(*_):
    """Lets whoever started or made something stop or remove it."""
    sys.exit(1)


def main():
    options = parse_arguments()
    if options.only_words:
        return 0
    signal.signal(signal.SIGTERM, end_by_signal)
    bench = Bench(options.bin, options.work, options.nice, CHECK_PATIENCE if options.check else PATIENCE)
    try:
        troubles = check(bench) if options.check else run(bench, options)
    except (Failed, OSError, subprocess.SubprocessError) as problem:
        troubles = [problem]
    for trouble in troubles or ():
        print(f"bench: {trouble}", file=sys.stderr)
    return 1 if troubles else 0


if __name__ == "__main__":
    sys.exit(main())
