"""Traffic by bench_steady (tests/bench/steady.c), which looks at every answer: a table whose rows have one of two targets each, and requests at a
steady pace."""
import json
import subprocess
import threading

from programs import program

LIVE = "https://api.stytch.com/v1/b2b/sso/callback/"
TARGETS = ["saml-connection-live-00000000-0000-4000-8000-", "saml-connection-live-00000000-0000-4000-8001-"]


def name(row):
    return f"u{row:012x}"


def connection_id(row, target):
    return f"{TARGETS[target]}{row:012x}"


def table(rows, target):
    return {name(row): connection_id(row, target) for row in range(rows)}


def command(port, rows, seconds, connections=8, rate=0, fresh=False, tls=None):
    """`rate` 0: as fast as answers come. `tls`: the authority whose certificates are believed."""
    words = [program("bench_steady"), "--port", port, "--rows", rows, "--seconds", seconds, "--connections", connections, "--rate", rate]
    for target in TARGETS:
        words += ["--expect", LIVE + target]
    return [str(word) for word in words + (["--fresh"] if fresh else []) + (["--tls", tls] if tls else [])]


def ask(*arguments, **options):
    """Runs it once. Returns what it says of its requests."""
    return _result(subprocess.Popen(command(*arguments, **options), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True))


def _result(process):
    out, said = process.communicate()
    assert process.returncode == 0, said
    return {**json.loads(out), "said": said}


def judge(results):
    """No request has failed, and no answer was wrong."""
    for result in results:
        assert (result["failed"], result["wrong"]) == (0, 0), result


class Traffic(threading.Thread):
    """Runs the command, and again until it is enough."""

    def __init__(self, words):
        super().__init__(daemon=True)
        self._words = words
        self.results = []
        self.trouble = None
        self.enough = threading.Event()

    def run(self):
        try:
            while not self.results or not self.enough.is_set():
                self.results.append(_result(subprocess.Popen(self._words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)))
        except Exception as trouble:
            self.trouble = trouble

    @property
    def failed(self):
        return self.trouble is not None or any(result["failed"] or result["wrong"] for result in self.results)

    def judge(self):
        assert self.trouble is None, repr(self.trouble)
        assert self.results
        judge(self.results)

    def total(self, field="requests"):
        return sum(result[field] for result in self.results)
