"""The servers to measure. Each is started on its own port, pinned to the first core; its CPU time and memory are read from /proc.

To compare another server, add a subclass of Server."""
import http.client
import os
import re
import shutil
import signal
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
TLS_SUITE = "TLS_AES_128_GCM_SHA256"  # of all servers: another version of TLS, or cipher suite, would be other work
SETTLED_SECONDS, SETTLED_CPU_SECONDS = 0.3, 0.002
PATIENCE = 300  # seconds; for what takes long if others use the machine too


class Failed(Exception):
    """Something cannot be measured, or does not answer correctly."""


class Bench:
    """Paths of the programs and the generated files."""

    def __init__(self, programs, work, nice=0, patience=PATIENCE):
        self.programs = programs  # directories, searched in order
        self.work = work
        self.nice = nice
        self.patience = patience  # seconds; the limit of every wait
        self.figures = {}  # the data of each chart
        work.mkdir(parents=True, exist_ok=True)

    def program(self, name):
        for directory in self.programs:
            if (directory / name).exists():
                return str(directory / name)
        raise Failed(f"{name} is not in {' or '.join(str(directory) for directory in self.programs)}")

    def pinned(self, core, command):
        """The command pinned to one core; it is killed if this program ends first."""
        priority = ["nice", "-n", str(self.nice)] if self.nice else []
        return [*priority, "taskset", "-c", str(core), "setpriv", "--pdeathsig", "TERM", *command]

    def run(self, command, seconds=0.0):
        """Runs a program to its end, which is meant to take `seconds`; returns its output."""
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=seconds + self.patience)
        if done.returncode != 0:
            raise Failed(f"{' '.join(command)}: {done.stderr.strip() or done.stdout.strip()}")
        return done.stdout

    def run_beside(self, command):
        """Runs a command that changes a server's table, on the server's core: there is no third core, and the load generator must not be disturbed."""
        self.run(self.pinned(SERVER_CORE, command))

    def wait_until(self, condition, trouble):
        """Waits for a condition; `trouble` is the message if it never becomes true."""
        end = time.monotonic() + self.patience
        while not condition():
            if time.monotonic() > end:
                raise Failed(f"waited {self.patience} s in vain: {trouble}")
            time.sleep(0.001)

    def certificate(self):
        """Paths of a certificate and its key, made if they do not exist yet."""
        certificate, key = self.work / "certificate.pem", self.work / "key.pem"
        if not certificate.exists():
            self.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "3650", "-subj",
                      "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1", "-keyout", str(key), "-out", str(certificate)])
        return certificate, key


def catches(pid, number):
    """Whether the program handles this signal by now. Before that, the signal would kill it."""
    caught = re.search(r"^SigCgt:\s*(\w+)", Path(f"/proc/{pid}/status").read_text(), re.MULTILINE)
    return bool(caught and int(caught.group(1), 16) >> (number - 1) & 1)


def fields_of(path):
    """The "Name: 123 kB" lines of a file of /proc."""
    return {name: int(rest.split()[0]) for name, _, rest in (line.partition(":") for line in Path(path).read_text().splitlines()) if rest.split()
            and rest.split()[0].isdigit()}


def _texts(tasks, name):
    """Reads a file of each of a process's threads that still exist."""
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
    """One server. Subclasses define the name, the command, and the expected answer to a request for a row."""

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
        """The Location expected for a row whose ACS URL is `row_location`."""
        return row_location

    def expected_status(self, status):
        """The status expected where ssoferryd answers with `status`."""
        return status

    def cores(self):
        return SERVER_CORE if self.threads == 1 else ALL_CORES

    def launch(self):
        """Starts the process; everything it needs exists already."""
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
        """Waits until it has finished its own work: checking all rows after the start is not part of a request's cost."""
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
        """A server may listen before it has set up its signal handlers: SIGHUP has killed nginx that way."""
        def is_heard():
            self.check_running()
            return catches(self.process.pid, number)

        self.bench.wait_until(is_heard, f"{self.name} does not handle {number!r}")
        self.process.send_signal(number)

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.stop()

    # -- from /proc -------------------------------------------------------------------------------------------------------------

    def processes(self):
        """The process and its descendants."""
        found, rest = [], [self.process.pid]
        while rest:
            pid = rest.pop()
            found.append(pid)
            for children in _texts(f"/proc/{pid}/task", "children"):
                rest += [int(child) for child in children.split()]
        return found

    def cpu(self):
        """Seconds of CPU, user and system, used by all its threads."""
        return sum(int(spent.split()[0]) for pid in self.processes() for spent in _texts(f"/proc/{pid}/task", "schedstat")) / 1e9

    def memory(self):
        """Bytes by kind, all processes together."""
        total = {}
        for pid in self.processes():
            for name, kilobytes in fields_of(f"/proc/{pid}/smaps_rollup").items():
                total[name] = total.get(name, 0) + kilobytes * 1024
        return total

    def reads_while(self, run):
        """How many reads from sockets and files its process makes while run() runs. /proc counts those of files alone."""
        found = self.bench.work / f"{self.process.pid}.reads"
        tracer = subprocess.Popen(["strace", "-f", "-c", "-e", "trace=read,recvfrom", "-o", str(found), "-p", str(self.process.pid)],
                                  stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

        def is_traced():
            if tracer.poll() is not None:
                raise Failed(f"strace cannot trace {self.name}")
            return all("\nTracerPid:\t0\n" not in status for status in _texts(f"/proc/{self.process.pid}/task", "status"))

        try:
            self.bench.wait_until(is_traced, f"strace does not trace {self.name}")
            run()
        finally:
            tracer.send_signal(signal.SIGINT)
            tracer.wait()
        lines = [line.split() for line in found.read_text().splitlines()]
        return sum(int(words[3]) for words in lines if words and words[-1] in ("read", "recvfrom"))

    # -- one request --------------------------------------------------------------------------------------------------------------

    def ask(self, method, target, body=None):
        """(status, Location)"""
        return self.answer(method, target, body)[:2]

    def field(self, name):
        """A header field of an answer; None if it is missing."""
        return self.answer("GET", "/")[2].get(name)

    def tls_suite(self):
        """The cipher suite that it agrees on with OpenSSL, which tells the version of TLS as well."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=20) as connection, _unverified().wrap_socket(connection) as secure:
            return secure.cipher()[0]

    def answer(self, method, target, body=None):
        """(status, Location, all header fields)"""
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
    """ssoferryd itself, on a store loaded earlier: with the defaults, or quiet, which is without request log and usage."""

    def __init__(self, bench, name, loaded, log=False, usage=False, routes=("match: /old-sso/{identifier}",), threads=1, tls=False, settings=(),
                 own_store=False):
        super().__init__(bench, threads, tls)
        self.name = name
        self.own_store = own_store  # a copy, since it will be changed
        # A separate name for the same file: the cached pages are shared with other daemons, but locks and usage are not.
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
        """Replaces the whole table; returns when the loader has ended."""
        self.bench.run_beside(self.loader("load", str(self.stage(count, generation))))

    def change(self, number, generation):
        """Changes one row; returns when the loader has ended."""
        self.bench.run_beside(self.loader("set", rows.identifier(number), f"connection_id={rows.connection_id(number, generation)}"))

    def loader(self, *words):
        return [self.bench.program("ssoferry"), "-c", str(self.config), *words]

    def stop(self):
        super().stop()
        for path in self.bench.work.glob(f"{self.store.stem}.*"):
            path.unlink()


class Floor(Server):
    """A program that answers everything with the same redirect. `words`: its arguments after the port."""

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
    """libh2o with the settings that ssoferryd gives it."""
    return Floor(bench, "bare libh2o set up alike", "bench_constant_h2o")


def bare_epoll(bench):
    return Floor(bench, "bare epoll", "bench_epoll_floor")
