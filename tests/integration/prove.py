"""Runs the proofs, shows their figures as they come, and puts them into docs/reliability.md; scripts/prove builds what this needs and calls it."""
import argparse
import ast
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/bench"))
import report  # noqa: E402

DOCUMENT = ROOT / "docs/reliability.md"
PREFIX = "integration_proof_"
INTERVAL = 0.2  # seconds between two looks at what a proof tells


def parse_arguments():
    parser = argparse.ArgumentParser(prog="scripts/prove", description="Proves that faults are survived with nothing lost.")
    parser.add_argument("names", nargs="*", metavar="NAME", help="proofs to run (default: all); --list shows them")
    parser.add_argument("--list", action="store_true", help="name the proofs, and end")
    parser.add_argument("--long", action="store_true", help="the long forms: minutes to an hour each, where the short ones take seconds")
    parser.add_argument("--minutes", type=float, help="how long a soak goes on (default: an hour in the long form)")
    parser.add_argument("--write", action="store_true", help="put the figures of this run into docs/reliability.md")
    parser.add_argument("--preset", default="dev", help="whose programs are proved (default: dev)")
    parser.add_argument("-k", metavar="EXPRESSION", help="only the tests that pytest chooses by this; not with --write")
    parser.add_argument("--only-words", action="store_true", help=argparse.SUPPRESS)  # for scripts/prove, before it builds
    options = parser.parse_args()
    if options.k and options.write:
        parser.error("--write is for whole proofs")
    known = {file.stem.removeprefix("test_proof_"): file for file in sorted(Path(__file__).parent.glob("test_proof_*.py"))}
    for name in options.names:
        if name not in known:
            parser.error(f"no proof is called {name}; there are {', '.join(known)}")
    if options.list:
        for name, file in known.items():
            print(f"{name:12} {what_is_proved(file)}")
    return options


def what_is_proved(file):
    return ast.get_docstring(ast.parse(file.read_text(encoding="utf-8"))).split("\n\n")[0].replace("\n", " ")


class Proof:
    """One test file, as ctest knows it: its command, and the environment of its programs."""

    def __init__(self, test):
        self.name = test["name"].removeprefix(PREFIX)
        self.command = test["command"]
        self.environment = dict(line.split("=", 1) for found in test["properties"] if found["name"] == "ENVIRONMENT" for line in found["value"])
        self.what = what_is_proved(Path(self.command[-1]))
        self.figures = {}
        self.seconds = 0

    def run(self, options):
        print(f"== {self.name}: {self.what}", flush=True)
        began = time.monotonic()
        with tempfile.NamedTemporaryFile("r", prefix="ssoferry-figures-", encoding="utf-8") as told:
            environment = {**os.environ, **self.environment, "SSOFERRY_FIGURES": told.name}
            if options.long:
                environment["SSOFERRY_LONG"] = "1"
            if options.minutes:
                environment["SSOFERRY_MINUTES"] = str(options.minutes)
            process = subprocess.Popen([*self.command, *(["-k", options.k] if options.k else [])], env=environment, cwd=ROOT)
            show = Show()
            while process.poll() is None:
                time.sleep(INTERVAL)
                self._take(told, show)
            self._take(told, show)
        self.seconds = time.monotonic() - began
        print(f"   {self.name}: {'proved' if process.returncode == 0 else 'FAILED'} in {self.seconds:.0f} s", flush=True)
        return process.returncode == 0

    def _take(self, told, show):
        for line in told.readlines():
            message = json.loads(line)
            if "figure" in message:
                self.figures[message["figure"]] = shown(message["value"])
                show.figure(message["figure"], self.figures[message["figure"]])
            else:
                show.progress(message)

    def text(self, long):
        """For the document."""
        form = "long" if long else "short"
        command = f"scripts/prove {self.name}{' --long' if long else ''}"
        return (f"{report.table(['figure', 'value'], self.figures.items())}\n"
                f"`{command}`, the {form} form: {self.seconds:,.0f} s on {time.strftime('%Y-%m-%d', time.gmtime())}.\n")


def shown(value):
    return f"{value:,}" if isinstance(value, int) else f"{value:,.3g}" if isinstance(value, float) else str(value)


class Show:
    """Figures, a line each; progress in one line of a terminal, or every tenth where nobody looks."""

    def __init__(self):
        self._live = sys.stdout.isatty()
        self._tenth = 0

    def figure(self, name, value):
        print(f"{self._clear()}   {name}: {value}", flush=True)

    def progress(self, message):
        text = f"   {message['done']:,} of {message['total']:,} {message['what']}"
        tenth = 10 * message["done"] // message["total"]
        if self._live:
            print(f"{self._clear()}{text}", end="", flush=True)
        elif tenth != self._tenth:
            print(text, flush=True)
        self._tenth = tenth

    def _clear(self):
        return "\r\033[K" if self._live else ""


def proofs(preset):
    done = subprocess.run(["ctest", "--test-dir", ROOT / "build" / preset, "-R", f"^{PREFIX}", "--show-only=json-v1"], capture_output=True,
                          text=True, check=True)
    return {proof.name: proof for proof in map(Proof, json.loads(done.stdout)["tests"])}


def write(proof, long):
    """Between the proof's two markers; a proof that the document does not know yet gets a section at its end."""
    begin, end = f"<!-- figures of {proof.name} -->", f"<!-- end of {proof.name} -->"
    text = DOCUMENT.read_text(encoding="utf-8")
    if begin not in text:
        text = f"{text.rstrip()}\n\n## {proof.name}\n\n{proof.what}\n\n{begin}\n{end}\n"
    block = re.compile(f"{re.escape(begin)}.*?{re.escape(end)}", re.S)
    DOCUMENT.write_text(block.sub(lambda _: f"{begin}\n\n{proof.text(long)}\n{end}", text), encoding="utf-8")


def main():
    options = parse_arguments()
    if options.list or options.only_words:
        return 0
    known = proofs(options.preset)
    failed = []
    for name in options.names or known:
        if not known[name].run(options):
            failed.append(name)
        elif options.write:
            write(known[name], options.long)
    print(report.machine())
    if failed:
        print(f"prove: not proved: {', '.join(failed)}", file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
