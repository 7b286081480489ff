"""Clients that no gateway wishes for: crowds that hold connections and say nothing, send a byte now and then, come and go, or hang up."""
import contextlib
import itertools
import resource
import socket
import struct
import threading
import time

import costly
import malformed
import wire

WHOLE = wire.request_bytes("POST", "/old-sso/u000000000000", "localhost", (), b"SAMLResponse=" + b"x" * 1000)
HEAD = WHOLE[:WHOLE.index(b"\r\n\r\n") + 4]


def allow_descriptors(number):
    """For this process and those it starts from here on."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < number:
        resource.setrlimit(resource.RLIMIT_NOFILE, (number, max(hard, number)))


def hang_up(connection):
    """With a reset, not with an end."""
    with contextlib.suppress(OSError):
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


class Crowd:
    """Connections that are held; every second one after a request."""

    def __init__(self, address, size):
        self._connections = []
        with contextlib.ExitStack() as stack:
            stack.callback(self.close)
            for number in range(size):
                self._connections.append(wire.Connection(address))
                if number % 2:
                    self.ask(number)
            stack.pop_all()

    def ask(self, number):
        self._connections[number].send(WHOLE)
        answer = self._connections[number].answer()
        assert answer and answer.status == 307

    def close(self):
        for connection in self._connections:
            connection.close()


class Rude(threading.Thread):
    """Does one thing over and over until it is enough. Whatever the gateway does to it, it deserves, unless it notes it as trouble."""

    def __init__(self, act):
        super().__init__(daemon=True)
        self._act = act
        self.done = 0
        self.trouble = None
        self.enough = threading.Event()

    def run(self):
        try:
            while not self.enough.is_set():
                try:
                    self._act()
                except (ConnectionError, socket.timeout):
                    pass
                self.done += 1
        except Exception as trouble:
            self.trouble = trouble


@contextlib.contextmanager
def rude(*acts):
    threads = [Rude(act) for act in acts]
    for thread in threads:
        thread.start()
    try:
        yield threads
    finally:
        for thread in threads:
            thread.enough.set()
        for thread in threads:
            thread.join(60)
    for thread in threads:
        assert thread.trouble is None, repr(thread.trouble)


class SlowSenders:
    """Each sends its request a byte at a time, half of them in the head and half in the body, and begins anew when it is cut off."""

    def __init__(self, address, size, pause):
        self._address, self._pause = address, pause
        self._senders = [None] * size
        self.cut_off = 0

    def round(self):
        began = time.monotonic()
        for number, sender in enumerate(self._senders):
            if sender is None:
                sender = self._senders[number] = [socket.create_connection(self._address, wire.TIMEOUT), 0]
                if number % 2:
                    sender[0].sendall(HEAD)
                    sender[1] = len(HEAD)
                sender[0].setblocking(False)
            try:
                sender[0].send(WHOLE[sender[1]:sender[1] + 1])
                sender[1] += 1
            except OSError:
                sender[0].close()
                self._senders[number] = None
                self.cut_off += 1
        time.sleep(max(0, began + self._pause - time.monotonic()))

    def close(self):
        for sender in filter(None, self._senders):
            sender[0].close()


class Malformed:
    """The whole corpus, again and again, from any number of threads."""

    def __init__(self, address):
        self._address = address
        self._cases = itertools.cycle([(what, data, True) for what, data in malformed.REFUSED.items()]
                                      + [(what, data, False) for what, data in malformed.CUT.items()])
        self._mutex = threading.Lock()
        self.sent = self.refused = self.cut = 0

    def send(self):
        with self._mutex:
            what, data, is_whole = next(self._cases)
            self.sent += 1
        with wire.Connection(self._address) as connection:
            connection.send_what_is_taken(data)
            with contextlib.suppress(OSError):
                connection.socket.shutdown(socket.SHUT_WR)
            answer = connection.answer()
        assert answer is None or 400 <= answer.status < 600, f"{what} was answered with {answer.head!r}"
        assert answer is not None or not is_whole, f"{what} was not answered"
        with self._mutex:
            self.refused += answer is not None
            self.cut += answer is None


class Costly:
    """Messages that are made to be slow, of each kind in turn, some of them at once on one connection; from any number of threads."""

    ROW = 10

    def __init__(self, address):
        self._address = address
        self._kinds = itertools.cycle(costly.REQUESTS.items())
        self._mutex = threading.Lock()
        self.sent = self.bytes = 0

    def send(self):
        with self._mutex:
            what, data = next(self._kinds)
        with wire.Connection(self._address) as connection:
            connection.send(data * self.ROW)
            for number in range(self.ROW):
                answer = connection.answer()
                if answer is None and number > 0:
                    break  # the gateway lets others come first
                assert answer is not None and answer.status in (400, 404), f"{what} was answered with {answer and answer.head!r}"
        with self._mutex:
            self.sent += self.ROW
            self.bytes += self.ROW * len(data)


class Flood:
    """Connections that come in bursts and are gone at once, in every way there is."""

    def __init__(self, address, burst):
        self._address, self._burst = address, burst
        self._ways = itertools.cycle([self._nothing, self._reset, self._half, self._whole, self._end])
        self.connections = 0

    def storm(self):
        way = next(self._ways)
        held = []
        try:
            for _ in range(self._burst):
                held.append(socket.create_connection(self._address, wire.TIMEOUT))
                self.connections += 1
            for connection in held:
                with contextlib.suppress(OSError):
                    way(connection)
        finally:
            for connection in held:
                hang_up(connection)

    def _nothing(self, connection):
        connection.close()

    def _reset(self, connection):
        hang_up(connection)

    def _half(self, connection):
        connection.sendall(HEAD + b"half a body")

    def _whole(self, connection):
        """And does not wait for the answer."""
        connection.sendall(WHOLE)

    def _end(self, connection):
        connection.sendall(WHOLE[:40])
        connection.shutdown(socket.SHUT_WR)
