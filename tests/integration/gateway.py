"""The daemon under test with its configuration and store: started, spoken to, stopped, and judged at its end."""
import contextlib
import json
import os
import re
import signal
import socket
import subprocess
import time
from collections import namedtuple
from pathlib import Path

import yaml

import wire
from output import Output
from ports import free_port
from programs import check_words, program, run
from store_file import StoreFile

MANY = 500  # rows of a mapping file
START_TIMEOUT = 60  # seconds; sanitized programs on a busy machine are slow
STOP_TIMEOUT = 60
TURN_LONG = 0.2  # seconds; src/serve/http.c

Report = namedtuple("Report", "rows unknown totals")


class Gateway:
    def __init__(self, directory, live_url=None, **config):
        """`config` is merged over a small configuration with one route; None takes a key out. Nothing starts before start()."""
        self.directory = directory
        self.directory.mkdir(parents=True, exist_ok=True)
        self.port = free_port()
        self.host = "127.0.0.1"
        self.store = directory / "store" / "connections.mdb"
        self.store.parent.mkdir(exist_ok=True)
        self.config_path = directory / "ssoferryd.yaml"
        self.config = {
            "listen": [{"address": f"{self.host}:{self.port}"}],
            "store": str(self.store),
            "threads": 2,
            "drain": {"delay": "0s", "timeout": "10s"},
            "routes": [{"match": "/old-sso/{identifier}"}],
        }
        if live_url:
            self.config["stytch"] = {"live_url": live_url}
        self.configure(**config)
        self.store_file = StoreFile(self.store)
        self.environment = None  # the daemon's; None: ours
        self.before_start = None  # called in the daemon's process, as Popen's preexec_fn
        self._process = None
        self._signalled = False
        self._stdout, self._stderr = Output(), Output()
        self._loads = 0

    # -- configuration and table ------------------------------------------------------------------------------------------

    def configure(self, **config):
        self.config = {key: value for key, value in {**self.config, **config}.items() if value is not None}
        self.config_path.write_text(as_yaml(self.config), encoding="utf-8")

    def loader(self, *arguments, **options):
        return run("ssoferry", "-c", self.config_path, *arguments, **options)

    def mapping_file(self, connections, source=None):
        self._loads += 1
        path = self.directory / f"connections-{self._loads}.yaml"
        head = {"version": 1} if source is None else {"version": 1, "source": source}
        dumper = _FastDumper if len(connections) > MANY else _Dumper
        path.write_text(as_yaml({**head, "connections": connections}, dumper), encoding="utf-8")
        return path

    def load(self, connections, source=None, arguments=()):
        return self.loader("load", *arguments, self.mapping_file(connections, source))

    def set(self, identifier, *fields, source=None):
        return self.loader("set", *(["--source", source] if source else []), identifier, *fields)

    def report(self, *options):
        """What `report --json` prints, by kind; it has to come in that order."""
        lines = [json.loads(line) for line in self.loader("report", "--json", *options).stdout.splitlines()]
        kinds = [line["kind"] for line in lines]
        assert kinds == sorted(kinds, key=["connection", "unknown", "totals"].index) and kinds.count("totals") == 1
        return Report(lines[:kinds.count("connection")], lines[kinds.count("connection"):-1], lines[-1])

    def kill_load(self, file, delay):
        """Starts a load and kills it after `delay` seconds, wherever it is then."""
        process = subprocess.Popen([program("ssoferry"), "-c", str(self.config_path), "load", str(file)], stdin=subprocess.DEVNULL,
                                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(delay)
        process.kill()
        process.wait()

    # -- life -------------------------------------------------------------------------------------------------------------

    def start(self, stdout_is_read=True, stdout_is_held=False, passed=()):
        """Starts the daemon and waits until it answers. Its stdout is a socket that keeps each write apart, so that they can be counted; where it is
        not read, it is closed, or held by somebody who stands still. `passed`: listening sockets, handed over as systemd does."""
        assert self._process is None
        self._signalled = False
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._process = subprocess.Popen(
            [*_passing(passed), program("ssoferryd"), "-c", str(self.config_path)], stdin=subprocess.DEVNULL, stdout=theirs,
            stderr=subprocess.PIPE, start_new_session=True, pass_fds=[held.fileno() for held in passed],
            env=self.environment, preexec_fn=self.before_start)
        theirs.close()
        is_read = stdout_is_read and not stdout_is_held
        self._stdout = Output(ours.detach() if is_read else None)
        if not stdout_is_held:
            ours.close()
        self._held = ours
        self._stderr = Output(os.dup(self._process.stderr.fileno()))
        self._process.stderr.close()
        self._wait_until_it_answers()
        return self

    @property
    def pid(self):
        return self._process.pid

    def check_running(self):
        assert self._process.poll() is None, f"the daemon has ended with {self._process.returncode}; it said:\n{self.stderr}"

    def signal(self, number):
        self._signalled = True
        self._process.send_signal(number)

    def terminate(self):
        self.signal(signal.SIGTERM)

    def kill(self):
        """As a machine does that runs out of memory: no good-bye, and no judgement."""
        self._end_group()
        self._process = None

    def accepts(self):
        """Whether somebody still listens on the port."""
        try:
            socket.create_connection(self.address, 5).close()
            return True
        except ConnectionError:
            return False

    def stop(self):
        """Ends the daemon as an operator does, and holds it to a clean end."""
        if self._process is None:
            return
        process = self._process
        ended_by_itself = process.poll() is not None and not self._signalled
        try:
            if process.poll() is None:
                self.terminate()
            process.wait(STOP_TIMEOUT)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"still running {STOP_TIMEOUT} s after SIGTERM; it said:\n{self.stderr}") from None
        finally:
            left = self._end_group()
            self._process = None
        check_words(self.stderr)
        assert not ended_by_itself, f"ended with {process.returncode} though nobody told it to; it said:\n{self.stderr}"
        assert process.returncode == 0, f"exit status {process.returncode}; it said:\n{self.stderr}"
        assert not left, "it left a process behind"
        self.requests()  # each line is what it should be

    def wait_for_end(self):
        """Waits until the daemon ends by itself. Returns its status."""
        status = self._process.wait(STOP_TIMEOUT)
        self.kill()
        return status

    def _end_group(self):
        """Kills what is left of the daemon's process group; whether anything was."""
        left = True
        try:
            os.killpg(self._process.pid, signal.SIGKILL)
        except ProcessLookupError:
            left = False
        self._process.wait()
        self._held.close()
        for output in (self._stdout, self._stderr):
            output.join(10)
        return left

    def _wait_until_it_answers(self):
        deadline = time.monotonic() + START_TIMEOUT
        while time.monotonic() < deadline:
            if self._process.poll() is not None:
                status = self._process.returncode
                self._end_group()
                self._process = None
                raise AssertionError(f"ended at its start with {status}:\n{self.stderr}")
            with contextlib.suppress(OSError):
                if self.get("/healthz") is not None:
                    return
            time.sleep(0.02)
        raise AssertionError(f"does not answer after {START_TIMEOUT} s; it said:\n{self.stderr}")

    def busy_threads(self):
        """How often each thread has waited for something so far."""
        counts = {}
        for task in Path(f"/proc/{self.pid}/task").iterdir():
            status = (task / "status").read_text()
            counts[task.name] = int(re.search(r"^voluntary_ctxt_switches:\s*(\d+)", status, re.M)[1])
        return counts

    def listening_ports(self):
        inodes = set()
        for descriptor in Path(f"/proc/{self.pid}/fd").iterdir():
            with contextlib.suppress(FileNotFoundError):
                inodes.add(os.readlink(descriptor).removeprefix("socket:[").removesuffix("]"))
        rows = [line.split() for table in ("tcp", "tcp6") for line in Path(f"/proc/net/{table}").read_text().splitlines()[1:]]
        listening = "0A"
        return {int(row[1].rpartition(":")[2], 16) for row in rows if row[3] == listening and row[9] in inodes}

    # -- requests ---------------------------------------------------------------------------------------------------------

    @property
    def address(self):
        """(host, port); or the path of a unix socket, where that is the host."""
        return (self.host, self.port) if self.port else self.host

    def origin(self, host=None):
        return f"http://{host or self.host}:{self.port}"

    def connect(self, timeout=wire.TIMEOUT):
        return wire.Connection(self.address, timeout)

    def raw(self, data, head_only=False):
        """Sends these bytes, reads one answer; None where the daemon closed without one."""
        return wire.exchange(self.address, data, head_only)

    def request(self, method, target, headers=(), body=b"", host=None):
        data = wire.request_bytes(method, target, host or f"{self.host}:{self.port}", headers, body)
        answer = self.raw(data, head_only=method == "HEAD")
        assert answer is not None, f"closed without an answer to {data[:200]!r}; it said:\n{self.stderr}"
        return answer

    def get(self, target, headers=(), host=None):
        return self.request("GET", target, headers, host=host)

    def post(self, target, body, headers=(), host=None):
        """A form, as a browser sends it."""
        return self.request("POST", target, (("Content-Type", "application/x-www-form-urlencoded"), *headers), body, host)

    def pipeline(self, requests):
        """Sends all of these at once; their answers. A daemon whose turn of the loop lasts for long, as it does where others have the processor, ends
        the connection with one of them, and gets the rest by another."""
        answers = []
        while len(answers) < len(requests):
            began = time.monotonic()
            with self.connect() as connection:
                connection.send_what_is_taken(b"".join(requests[len(answers):]))
                while len(answers) < len(requests) and (answer := connection.answer()):
                    answers.append(answer)
            assert len(answers) == len(requests) or time.monotonic() - began > TURN_LONG, f"ended after {len(answers)} of {len(requests)} answers"
        return answers

    # -- what it said -----------------------------------------------------------------------------------------------------

    @property
    def stdout(self):
        return b"".join(self._stdout.look()).decode("utf-8")

    @property
    def writes(self):
        """How many writes stdout came in."""
        return len(self._stdout.look())

    @property
    def stderr(self):
        return b"".join(self._stderr.look()).decode("utf-8", "replace")

    def requests(self):
        """The request log so far, each line checked and parsed."""
        lines = self.stdout.split("\n")[:-1]
        return [_log_line(line) for line in lines]

    def logged(self, answer):
        """The log line of an answer; waits for it."""
        return self.wait_for(lambda: next((line for line in self.requests() if line["request_id"] == answer.header("X-Request-Id")), None))

    def wait_for(self, condition, timeout=20):
        """Waits until condition() is true and returns what it gave. Where it takes long, as a program does, half the time is left to others."""
        deadline = time.monotonic() + timeout
        looked = time.monotonic()
        while not (value := condition()):
            assert time.monotonic() < deadline, f"waited {timeout} s in vain; stdout:\n{self.stdout[-2000:]}\nstderr:\n{self.stderr[-2000:]}"
            time.sleep(max(0.02, time.monotonic() - looked))
            looked = time.monotonic()
        return value


def _passing(sockets):
    """A command's beginning that passes these sockets on by sd_listen_fds(3): from descriptor 3 on, to a process that knows itself meant."""
    if not sockets:
        return []
    first = 3
    moves = " ".join(f"{first + i}<&{held.fileno()}" for i, held in enumerate(sockets))
    assert all(held.fileno() >= first + len(sockets) for held in sockets)
    return ["bash", "-c", f'LISTEN_FDS={len(sockets)} LISTEN_PID=$$ exec "$@" {moves}', "bash"]


def _log_line(line):
    fields = json.loads(line)
    assert {"time", "request_id", "decision", "status", "body_bytes", "duration_us", "peer"} <= set(fields), line
    return fields


class _Dumper(yaml.SafeDumper):
    def ignore_aliases(self, data):
        return True


class _FastDumper(yaml.CSafeDumper):
    """Six times as fast, but escapes what is beyond the Basic Multilingual Plane, so that no file has it as it is."""

    ignore_aliases = _Dumper.ignore_aliases


def as_yaml(value, dumper=_Dumper):
    return yaml.dump(value, Dumper=dumper, allow_unicode=True, sort_keys=False, default_flow_style=False, width=4096)
