"""Measures ssoferry; scripts/bench builds what this needs and calls it."""
import argparse
import sys
from pathlib import Path

import life
import loading
import measure
import report
import routing
import serving
import traffic
from servers import Bench, Failed, Ferry, bare_epoll, bare_h2o

ROOT = Path(__file__).resolve().parents[2]
PARTS = {"load": loading.run, "serve": serving.run, "overhead": serving.run_overhead, "routes": routing.run_presets, "issuer": routing.run_issuer, "life": life.run}
QUICK_PARTS = ("load", "serve", "life")
CHECK_ROWS = 1000


def parse_arguments():
    parser = argparse.ArgumentParser(prog="scripts/bench", description="Measures loading and serving against bare libyaml and bare libh2o.")
    for part in PARTS:
        parser.add_argument(f"--{part}", dest="parts", action="append_const", const=part, help="this part (default: all)")
    parser.add_argument("--rows", type=int, default=1_000_000, help="rows of the table (default: 1000000)")
    parser.add_argument("--rounds", type=int, help="rounds of each measurement of serving (default: 9, quick 5)")
    parser.add_argument("--load-rounds", type=int, help="rounds of each measurement of loading (default: 5, quick 3)")
    parser.add_argument("--seconds", type=float, help="length of each run of serving (default: 2, quick 1)")
    parser.add_argument("--quick", action="store_true", help="the essential rows, in under two minutes")
    parser.add_argument("--check", action="store_true", help="measure nothing; only see that all answer rightly, on 1000 rows")
    parser.add_argument("--write", action="store_true", help="write docs/performance.md; of a whole run only")
    parser.add_argument("--nice", type=int, default=0, help="priority of what is measured, on a machine with other work (negative: root)")
    parser.add_argument("--bin", type=Path, action="append", help="where the programs are (default: build/release/bin, build/bench/programs/bin)")
    parser.add_argument("--work", type=Path, default=ROOT / "build/bench", help="for generated files (default: build/bench)")
    options = parser.parse_args()
    if options.write and (options.parts or options.quick or options.check):
        parser.error("--write is for a whole run")
    options.rounds = options.rounds or (5 if options.quick else 9)
    options.load_rounds = options.load_rounds or (3 if options.quick else 5)
    options.seconds = options.seconds or (1 if options.quick else 2)
    options.warm_up = min(options.rows, 20_000)
    options.bin = options.bin or [ROOT / "build/release/bin", ROOT / "build/bench/programs/bin"]
    return options


def check(bench):
    """Whether the loader loads, and every server answers, what the rows say, also under load."""
    loading.check(bench, CHECK_ROWS)
    store = loading.loaded_store(bench, CHECK_ROWS)
    with traffic.by_path(bench.work, "check", traffic.numbers(CHECK_ROWS), 6 * 1024) as known, \
         traffic.by_path(bench.work, "check-unknown", traffic.numbers(CHECK_ROWS), known=False) as unknown:
        for server in (Ferry(bench, "ssoferryd without log and usage", store), Ferry(bench, "ssoferryd with the defaults", store, log=True, usage=True),
                       bare_h2o(bench), bare_epoll(bench)):
            with server:
                serving.check(server, CHECK_ROWS)
                for requests in (known, unknown):
                    measure.load(server, requests, requests=2 * CHECK_ROWS)
                measure.load(server, known, requests=CHECK_ROWS, rate=20_000)
                measure.load(server, known, requests=200, reconnect=True)
            print(f"{server.name}: answers rightly")
    check_issuers(bench)


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
    sections = []
    parts = options.parts or (QUICK_PARTS if options.quick else PARTS)
    noise = measure.Noise()
    for part in parts:
        for section in PARTS[part](bench, options):
            sections.append(section)
            print(section.text(), flush=True)
    print(report.goals(sections))
    print(f"{report.machine()} Other work took {noise.text()} of the machine's time meanwhile.")
    if options.write:
        command = "scripts/bench --write" if options.rows == 1_000_000 else f"scripts/bench --write --rows {options.rows}"
        report.write(ROOT / "docs/performance.md", sections, command, noise.text())


def main():
    options = parse_arguments()
    bench = Bench(options.bin, options.work, options.nice)
    try:
        check(bench) if options.check else run(bench, options)
    except Failed as problem:
        print(f"bench: {problem}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
