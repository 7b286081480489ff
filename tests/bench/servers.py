"""What is measured: a server is started on a port of its own, pinned to the first core, and its CPU time and memory are read from /proc.

Another server to compare with is another subclass of Server."""
import http.client
import os
import socket
import subprocess
import time
from pathlib import Path

SERVER_CORE, LOAD_CORE = (0, 1) if (os.cpu_count() or 1) > 1 else (0, 0)
START_TIMEOUT = 60


class Failed(Exception):
    """What is to be measured cannot be, or does not answer rightly."""


class Bench:
    """Where the programs and the generated files are."""

    def __init__(self, programs, work, nice=0):
        self.programs = programs  # directories, searched in order
        self.work = work
        self.nice = nice
        work.mkdir(parents=True, exist_ok=True)

    def program(self, name):
        for directory in self.programs:
            if (directory / name).exists():
                return str(directory / name)
        raise Failed(f"{name} is not in {' or '.join(str(directory) for directory in self.programs)}")

    def pinned(self, core, command):
        priority = ["nice", "-n", str(self.nice)] if self.nice else []
        return [*priority, "taskset", "-c", str(core), *command]


def free_port():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return taken.getsockname()[1]


def fields_of(path):
    """The "Name: 123 kB" lines of a file of /proc."""
    return {name: int(rest.split()[0]) for name, _, rest in (line.partition(":") for line in Path(path).read_text().splitlines()) if rest.split()
            and rest.split()[0].isdigit()}


class Server:
    """One server. Subclasses give the name, the command, and what a request for a row is to be answered with."""

    name = ""

    def __init__(self, bench):
        self.bench = bench
        self.port = free_port()
        self.process = None
        self.output = subprocess.DEVNULL

    def command(self):
        raise NotImplementedError

    def expected_location(self, row_location):
        """The Location that a request for a row whose ACS URL is `row_location` is to get."""
        return row_location

    def expected_status(self, status):
        """The status for a request that ssoferryd answers with `status`."""
        return status

    def start(self):
        self.process = subprocess.Popen(self.bench.pinned(SERVER_CORE, self.command()), stdin=subprocess.DEVNULL, stdout=self.output,
                                        stderr=subprocess.DEVNULL)
        end = time.monotonic() + START_TIMEOUT
        while time.monotonic() < end and self.process.poll() is None:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    return self
            time.sleep(0.01)
        self.stop()
        raise Failed(f"{self.name} does not start: {' '.join(self.command())}")

    def stop(self):
        if self.process is not None:
            self.process.terminate()
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
            self.process = None

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.stop()

    # -- what /proc tells ---------------------------------------------------------------------------------------------------------

    def processes(self):
        """The process and those under it."""
        found, rest = [], [self.process.pid]
        while rest:
            pid = rest.pop()
            found.append(pid)
            for task in Path(f"/proc/{pid}/task").iterdir():
                rest += [int(child) for child in (task / "children").read_text().split()]
        return found

    def cpu(self):
        """Seconds of CPU, user and system, that all its threads have used."""
        tasks = (task for pid in self.processes() for task in Path(f"/proc/{pid}/task").iterdir())
        return sum(int((task / "schedstat").read_text().split()[0]) for task in tasks) / 1e9

    def memory(self):
        """Bytes by kind, all processes together."""
        total = {}
        for pid in self.processes():
            for name, kilobytes in fields_of(f"/proc/{pid}/smaps_rollup").items():
                total[name] = total.get(name, 0) + kilobytes * 1024
        return total

    # -- one request --------------------------------------------------------------------------------------------------------------

    def ask(self, method, target, body=None):
        """(status, Location)"""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        try:
            headers = {"Content-Type": "application/x-www-form-urlencoded"} if body is not None else {}
            connection.request(method, target, body, headers)
            answer = connection.getresponse()
            answer.read()
            return answer.status, answer.getheader("Location")
        finally:
            connection.close()


class Ferry(Server):
    """ssoferryd itself, on a store that was loaded before: with the defaults, or quiet, without request log and usage."""

    def __init__(self, bench, name, loaded, log=False, usage=False, routes=("match: /old-sso/{identifier}",), threads=1):
        super().__init__(bench)
        self.name = name
        # A name of its own for the same file: the same pages are cached, while locks and usage are not shared with another daemon.
        self.store = bench.work / f"ssoferryd-{self.port}.mdb"
        self.loaded = loaded
        self.config = self.store.with_suffix(".yaml")
        self.log = self.store.with_suffix(".log") if log else None
        lines = [f"listen: [{{address: '127.0.0.1:{self.port}'}}]", f"store: {self.store}", f"threads: {threads}", "drain: {delay: 0s, timeout: 1s}",
                 f"log: {{requests: {'all' if log else 'off'}}}", f"usage: {'true' if usage else 'false'}", "routes:",
                 *(f"  - {route}" for route in routes)]
        self.config.write_text("\n".join(lines) + "\n")

    def command(self):
        return [self.bench.program("ssoferryd"), "-c", str(self.config)]

    def start(self):
        self.prepare()
        if self.log is None:
            return super().start()
        with self.log.open("wb") as self.output:
            return super().start()

    def prepare(self):
        if not self.store.exists():
            os.link(self.loaded, self.store)

    def stop(self):
        super().stop()
        for path in self.bench.work.glob(f"{self.store.stem}.*"):
            path.unlink()


class Floor(Server):
    """A program that answers everything with the same redirect."""

    def __init__(self, bench, name, program):
        super().__init__(bench)
        self.name = name
        self.program = program

    def command(self):
        return [self.bench.program(self.program), str(self.port)]

    def expected_location(self, row_location):
        return "https://api.stytch.com/v1/b2b/sso/callback/saml-connection-live-00000000-0000-4000-8000-000000000000"

    def expected_status(self, status):
        return 307


def bare_h2o(bench):
    return Floor(bench, "bare libh2o", "bench_constant_h2o")


def bare_epoll(bench):
    return Floor(bench, "bare epoll", "bench_epoll_floor")
