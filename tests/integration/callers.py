"""Clients that ask on and on and look at every answer, while something goes on with the gateway. They behave as a careful proxy does: a connection
that was closed between two requests is replaced, and a request that was sent and got no answer has failed."""
import select
import ssl
import threading
import time
from collections import Counter

import wire

IDLE = 0.9  # seconds; the gateway that ends closes what has not been used for a second, and may do so just when a request is sent
BODY = b"SAMLResponse=" + b"x" * 1000


class Rows:
    """What each identifier may be answered with: (status, Location), one or several while it changes."""

    def __init__(self, answers):
        self.answers = answers
        self.names = sorted(answers)


class Caller(threading.Thread):
    def __init__(self, address, rows, number=0, keeps=True, pause=0.0, tls=None):
        """`address`: (host, port), or a path. `keeps`: the connection, for more than one request. `tls`: an ssl.SSLContext."""
        super().__init__(daemon=True)
        self._address, self._rows, self._number, self._keeps, self._pause, self._tls = address, rows, number, keeps, pause, tls
        self._connection = None
        self._used_at = 0
        self._uses = 0  # of the connection
        self.enough = threading.Event()
        self.asked = 0
        self.closed_between = 0
        self.seen = Counter()
        self.failed = []

    def run(self):
        while not self.enough.is_set():
            try:
                self.ask()
            except (OSError, AssertionError) as trouble:
                self.failed.append(f"request {self.asked} of caller {self._number}, number {self._uses} on its connection: {trouble!r}")
                self._forget()
                if len(self.failed) >= 10:
                    break
            time.sleep(self._pause)
        self._forget()

    def ask(self):
        name = self._rows.names[(self._number + self.asked) % len(self._rows.names)]
        self.asked += 1
        while (answer := self._exchange(name)) is None:
            self.closed_between += 1
            self._forget()
        given = (answer.status, answer.location)
        assert given in self._rows.answers[name], f"{name} was answered with {given}, not with one of {self._rows.answers[name]}"
        self.seen[name, given] += 1
        if not self._keeps or answer.header("Connection") == "close":
            self._forget()

    def _exchange(self, name):
        """The answer; None where we were held up between two uses of the connection, so that its end may have crossed the request."""
        self._connect()
        self._uses += 1
        began = time.monotonic()
        self._connection.send_what_is_taken(wire.request_bytes("POST", f"/old-sso/{name}", "localhost", (), BODY))
        held_up = time.monotonic() - self._used_at > IDLE
        answer = self._connection.answer()
        assert answer is not None or held_up, f"closed without an answer for {name}"
        self._used_at = began  # the gateway has used it since
        return answer

    def _connect(self):
        if self._connection and (self._was_closed() or time.monotonic() - self._used_at > IDLE):
            self.closed_between += 1
            self._forget()
        if self._connection is None:
            self._used_at, self._uses = time.monotonic(), 0
            self._connection = wire.Connection(self._address)
            if self._tls:
                self._connection.socket = self._tls.wrap_socket(self._connection.socket, server_hostname="localhost")

    def _was_closed(self):
        """Between two requests nothing may come but the end."""
        readable = bool(select.select([self._connection.socket], [], [], 0)[0])
        if readable and self._tls:  # a session ticket, or the end
            self._connection.socket.settimeout(0)
            try:
                return self._connection.socket.recv(1) == b""
            except ssl.SSLWantReadError:
                return False
            except OSError:
                return True
            finally:
                self._connection.socket.settimeout(wire.TIMEOUT)
        if readable:
            assert self._connection.closed(), "an answer that nobody asked for"
        return readable

    def _forget(self):
        if self._connection:
            self._connection.close()
        self._connection = None


class Calling:
    """Callers that run while a with statement does; at its end each of them must have been answered rightly, always."""

    def __init__(self, callers, at_least=20):
        self.callers = callers
        self._at_least = at_least

    def __enter__(self):
        for caller in self.callers:
            caller.start()
        return self

    def __exit__(self, kind, *_):
        if kind is None:
            self.go_on(self._at_least)
        for caller in self.callers:
            caller.enough.set()
        for caller in self.callers:
            caller.join(2 * wire.TIMEOUT)
        if kind is None:
            self.judge()

    def judge(self):
        failed = self.failed
        assert failed == [], f"{len(failed)} of {self.asked} requests have failed, first of all {failed[:5]}"

    def go_on(self, requests):
        """Until each has asked so often again, or one has failed."""
        goals = [caller.asked + requests for caller in self.callers]
        deadline = time.monotonic() + 60
        while not self.failed and any(caller.asked < goal for caller, goal in zip(self.callers, goals)):
            assert time.monotonic() < deadline, "callers get no answers any more"
            time.sleep(0.005)

    @property
    def failed(self):
        return [failure for caller in self.callers for failure in caller.failed]

    @property
    def asked(self):
        return sum(caller.asked for caller in self.callers)

    @property
    def closed_between(self):
        return sum(caller.closed_between for caller in self.callers)
