"""What is measured: a server is started on a port of its own, pinned to the first core, and its CPU time and memory are read from /proc.

Another server to compare with is another subclass of Server."""
import http.client
import os
import re
import shutil
import socket
import ssl
import subprocess
import sys
import time
from pathlib import Path

import rows

ROOT = Path(__file__).resolve().parents[2]
sys.path.append(str(ROOT / "tests/integration"))
from ports import free_port  # noqa: E402

SERVER_CORE, LOAD_CORE = (0, 1) if (os.cpu_count() or 1) > 1 else (0, 0)
ALL_CORES = f"0-{(os.cpu_count() or 1) - 1}"
START_TIMEOUT = 60
SETTLED_SECONDS, SETTLED_CPU_SECONDS = 0.3, 0.002
PATIENCE = 300  # for what takes long where others work on the machine too, in seconds


class Failed(Exception):
    """What is to be measured cannot be, or does not answer rightly."""


class Bench:
    """Where the programs and the generated files are."""

    def __init__(self, programs, work, nice=0, patience=PATIENCE):
        self.programs = programs  # directories, searched in order
        self.work = work
        self.nice = nice
        self.patience = patience  # seconds, for each wait; no one is without an end
        self.figures = {}  # what the charts show, by chart
        work.mkdir(parents=True, exist_ok=True)

    def program(self, name):
        for directory in self.programs:
            if (directory / name).exists():
                return str(directory / name)
        raise Failed(f"{name} is not in {' or '.join(str(directory) for directory in self.programs)}")

    def pinned(self, core, command):
        """The command on one core; it is ended where this program ends without doing so."""
        priority = ["nice", "-n", str(self.nice)] if self.nice else []
        return [*priority, "taskset", "-c", str(core), "setpriv", "--pdeathsig", "TERM", *command]

    def run(self, command, seconds=0.0):
        """Runs a program to its end, which takes `seconds` by intent; what it prints."""
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=seconds + self.patience)
        if done.returncode != 0:
            raise Failed(f"{' '.join(command)}: {done.stderr.strip() or done.stdout.strip()}")
        return done.stdout

    def run_beside(self, command):
        """Runs what changes a server's table, on the server's core: there is no third one, and the load generator must not be disturbed."""
        self.run(self.pinned(SERVER_CORE, command))

    def wait_until(self, condition, trouble):
        """`trouble` is what is said where the condition never comes true."""
        end = time.monotonic() + self.patience
        while not condition():
            if time.monotonic() > end:
                raise Failed(f"waited {self.patience} s in vain: {trouble}")
            time.sleep(0.001)

    def certificate(self):
        """Paths of a certificate and its key, made where they are not there yet."""
        certificate, key = self.work / "certificate.pem", self.work / "key.pem"
        if not certificate.exists():
            self.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "3650", "-subj",
                      "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1", "-keyout", str(key), "-out", str(certificate)])
        return certificate, key


def catches(pid, number):
    """Whether the program is so far that this signal is handled. Until then it would be ended by it."""
    caught = re.search(r"^SigCgt:\s*(\w+)", Path(f"/proc/{pid}/status").read_text(), re.MULTILINE)
    return bool(caught and int(caught.group(1), 16) >> (number - 1) & 1)


def fields_of(path):
    """The "Name: 123 kB" lines of a file of /proc."""
    return {name: int(rest.split()[0]) for name, _, rest in (line.partition(":") for line in Path(path).read_text().splitlines()) if rest.split()
            and rest.split()[0].isdigit()}


def _texts(tasks, name):
    """A file of each of a process's threads; of those that are still there."""
    try:
        for task in Path(tasks).iterdir():
            yield (task / name).read_text()
    except (FileNotFoundError, ProcessLookupError):
        return


def _unverified():
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


class Server:
    """One server. Subclasses give the name, the command, and what a request for a row is to be answered with."""

    name = ""
    start_timeout = START_TIMEOUT
    connections = 64  # of the load generator's

    def __init__(self, bench, threads=1, tls=False):
        self.bench = bench
        self.threads = threads
        self.tls = tls
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

    def cores(self):
        return SERVER_CORE if self.threads == 1 else ALL_CORES

    def launch(self):
        """Starts the process; what it needs is there."""
        self.process = subprocess.Popen(self.bench.pinned(self.cores(), self.command()), stdin=subprocess.DEVNULL, stdout=self.output,
                                        stderr=subprocess.DEVNULL)

    def start(self):
        self.launch()
        end = time.monotonic() + self.start_timeout
        while time.monotonic() < end and self.process.poll() is None:
            with socket.socket() as probe:
                probe.settimeout(START_TIMEOUT)
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    return self.settle()
            time.sleep(0.01)
        self.stop()
        raise Failed(f"{self.name} does not start: {' '.join(self.command())}")

    def settle(self):
        """Waits until it does nothing of its own: a look through all rows after the start is no part of what a request costs."""
        for _ in range(round(self.start_timeout / SETTLED_SECONDS)):
            before = self.cpu()
            time.sleep(SETTLED_SECONDS)
            if self.cpu() - before < SETTLED_CPU_SECONDS:
                break
        return self

    def stop(self):
        if self.process is not None:
            self.process.terminate()
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
            self.process = None

    def check_running(self):
        if self.process.poll() is not None:
            raise Failed(f"{self.name} has ended by itself with {self.process.returncode}")

    def signal(self, number):
        """Who has just begun to listen may not have come to its handlers yet: nginx was killed by its SIGHUP."""
        def is_heard():
            self.check_running()
            return catches(self.process.pid, number)

        self.bench.wait_until(is_heard, f"{self.name} does not handle {number!r}")
        self.process.send_signal(number)

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
            for children in _texts(f"/proc/{pid}/task", "children"):
                rest += [int(child) for child in children.split()]
        return found

    def cpu(self):
        """Seconds of CPU, user and system, that all its threads have used."""
        return sum(int(spent.split()[0]) for pid in self.processes() for spent in _texts(f"/proc/{pid}/task", "schedstat")) / 1e9

    def memory(self):
        """Bytes by kind, all processes together."""
        total = {}
        for pid in self.processes():
            for name, kilobytes in fields_of(f"/proc/{pid}/smaps_rollup").items():
                total[name] = total.get(name, 0) + kilobytes * 1024
        return total

    def reads(self):
        """How many times its process has read from a socket or a file."""
        return fields_of(f"/proc/{self.process.pid}/io")["syscr"]

    # -- one request --------------------------------------------------------------------------------------------------------------

    def ask(self, method, target, body=None):
        """(status, Location)"""
        return self.answer(method, target, body)[:2]

    def field(self, name):
        """A field of the header of an answer, None where it has none."""
        return self.answer("GET", "/")[2].get(name)

    def answer(self, method, target, body=None):
        """(status, Location, all the header's fields)"""
        plain = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        connection = http.client.HTTPSConnection("127.0.0.1", self.port, timeout=20, context=_unverified()) if self.tls else plain
        try:
            headers = {"Content-Type": "application/x-www-form-urlencoded"} if body is not None else {}
            connection.request(method, target, body, headers)
            answer = connection.getresponse()
            answer.read()
            return answer.status, answer.getheader("Location"), answer.headers
        finally:
            connection.close()


class Ferry(Server):
    """ssoferryd itself, on a store that was loaded before: with the defaults, or quiet, without request log and usage."""

    def __init__(self, bench, name, loaded, log=False, usage=False, routes=("match: /old-sso/{identifier}",), threads=1, tls=False, settings=(),
                 own_store=False):
        super().__init__(bench, threads, tls)
        self.name = name
        self.own_store = own_store  # a copy, since it will be changed
        # A name of its own for the same file: the same pages are cached, while locks and usage are not shared with another daemon.
        self.store = bench.work / f"ssoferryd-{self.port}.mdb"
        self.loaded = loaded
        self.config = self.store.with_suffix(".yaml")
        self.log = self.store.with_suffix(".log") if log else None
        certificate = ", certificate: {}, key: {}".format(*bench.certificate()) if tls else ""
        lines = [f"listen: [{{address: '127.0.0.1:{self.port}'{certificate}}}]", f"store: {self.store}", f"threads: {threads}",
                 "drain: {delay: 0s, timeout: 1s}", f"log: {{requests: {'all' if log else 'off'}}}", f"usage: {'true' if usage else 'false'}", *settings, "routes:",
                 *(f"  - {route}" for route in routes)]
        self.config.write_text("\n".join(lines) + "\n")

    def command(self):
        return [self.bench.program("ssoferryd"), "-c", str(self.config)]

    def launch(self):
        self.prepare()
        if self.log is None:
            return super().launch()
        with self.log.open("wb") as self.output:
            return super().launch()

    def prepare(self):
        if not self.store.exists() and self.loaded is not None:
            (shutil.copy if self.own_store else os.link)(self.loaded, self.store)

    def stage(self, count, generation):
        """Makes the file of a generation, before replace()."""
        return rows.mapping_file(self.bench.work, count, rows.GENERATIONS[generation])

    def replace(self, count, generation):
        """Makes the whole table another; returns when the loader has ended."""
        self.bench.run_beside(self.loader("load", str(self.stage(count, generation))))

    def change(self, number, generation):
        """Makes one row another; returns when the loader has ended."""
        self.bench.run_beside(self.loader("set", rows.identifier(number), f"connection_id={rows.connection_id(number, generation)}"))

    def loader(self, *words):
        return [self.bench.program("ssoferry"), "-c", str(self.config), *words]

    def stop(self):
        super().stop()
        for path in self.bench.work.glob(f"{self.store.stem}.*"):
            path.unlink()


class Floor(Server):
    """A program that answers everything with the same redirect. `words`: of its command line, behind the port."""

    def __init__(self, bench, name, program, words=()):
        super().__init__(bench)
        self.name = name
        self.program = program
        self.words = words

    def command(self):
        return [self.bench.program(self.program), str(self.port), *self.words]

    def expected_location(self, row_location):
        return "https://api.stytch.com/v1/b2b/sso/callback/saml-connection-live-00000000-0000-4000-8000-000000000000"

    def expected_status(self, status):
        return 307


def h2o_as_it_comes(bench):
    return Floor(bench, "bare libh2o as it comes", "bench_constant_h2o", ["as-it-comes"])


def h2o_set_up_alike(bench):
    """With the settings that ssoferryd gives libh2o."""
    return Floor(bench, "bare libh2o set up alike", "bench_constant_h2o")


def bare_epoll(bench):
    return Floor(bench, "bare epoll", "bench_epoll_floor")
