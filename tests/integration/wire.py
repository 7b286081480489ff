"""HTTP/1.1 spoken byte for byte: what a test sends is what arrives, and an answer is kept as it came."""
import contextlib
import re
import select
import socket
import struct
from dataclasses import dataclass

TIMEOUT = 20  # seconds; an answer that takes longer is a failure


@dataclass
class Answer:
    status: int
    headers: list  # (name, value) in order, as sent
    body: bytes
    head: bytes  # status line and fields, raw

    def all(self, name):
        return [value for field, value in self.headers if field.lower() == name.lower()]

    def header(self, name):
        """The field's value, None where there is none; twice is an error."""
        values = self.all(name)
        assert len(values) <= 1, f"{name} stands {len(values)} times: {self.head!r}"
        return values[0] if values else None

    @property
    def location(self):
        return self.header("Location")

    @property
    def text(self):
        return self.body.decode("utf-8")


def request_bytes(method, target, host, headers=(), body=b""):
    """A request with exactly these bytes as its target. Text becomes bytes one to one. `host` None leaves Host out."""
    lines = [_bytes(method) + b" " + _bytes(target) + b" HTTP/1.1"]
    names = {name.lower() for name, _ in headers}
    if host is not None and "host" not in names:
        lines.append(b"Host: " + _bytes(host))
    lines += [_bytes(name) + b": " + _bytes(value) for name, value in headers]
    if body and not names & {"content-length", "transfer-encoding"}:
        lines.append(b"Content-Length: %d" % len(body))
    return b"\r\n".join(lines) + b"\r\n\r\n" + body


class Connection:
    """One connection. `address` is (host, port), or a path for a Unix socket."""

    def __init__(self, address, timeout=TIMEOUT):
        if isinstance(address, tuple):
            self.socket = socket.create_connection(address, timeout)
        else:
            self.socket = socket.socket(socket.AF_UNIX)
            self.socket.settimeout(timeout)
            self.socket.connect(str(address))
        self._buffer = b""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.socket.close()

    def reset(self):
        """Ends it at once, and what is under way is lost."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.close()

    def send(self, data):
        self.socket.sendall(data)

    def send_what_is_taken(self, data):
        """As send(), but stops where the peer stops reading: its answer may already be there."""
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            self.socket.sendall(data)

    def answer(self, head_only=False):
        """Reads one answer. Interim ones (100) are passed over. None where the peer closed without one."""
        while True:
            head = self._until(b"\r\n\r\n")
            if head is None:
                return None
            status, headers = _parse_head(head)
            if status >= 200:
                break
        body = b"" if head_only or status in (204, 304) else self._body(headers)
        return Answer(status, headers, body, head)

    def is_to_go_on(self):
        """Whether the peer has read a head with Expect, and waits for the body: reads its interim answer."""
        head = self._until(b"\r\n\r\n")
        return head is not None and _parse_head(head)[0] == 100

    def closed(self):
        """Whether the peer has closed and sent nothing more; waits for it."""
        return self._buffer == b"" and self._read() == b""

    def silent(self, seconds=0.5):
        """Whether nothing arrives for so long, not even the end."""
        return self._buffer == b"" and not select.select([self.socket], [], [], seconds)[0]

    def _read(self):
        try:
            return self.socket.recv(65536)
        except ConnectionResetError:
            return b""

    def _until(self, mark):
        while mark not in self._buffer:
            data = self._read()
            if not data:
                assert self._buffer == b"", f"the answer ends within its head: {self._buffer!r}"
                return None
            self._buffer += data
        head, self._buffer = self._buffer.split(mark, 1)
        return head + mark

    def _take(self, size):
        while len(self._buffer) < size:
            data = self._read()
            assert data, f"the answer ends after {len(self._buffer)} of {size} bytes"
            self._buffer += data
        taken, self._buffer = self._buffer[:size], self._buffer[size:]
        return taken

    def _body(self, headers):
        fields = {name.lower(): value for name, value in headers}
        if fields.get("transfer-encoding") == "chunked":
            parts = []
            while size := int(self._until(b"\r\n"), 16):
                parts.append(self._take(size))
                self._until(b"\r\n")
            self._until(b"\r\n")
            return b"".join(parts)
        if "content-length" in fields:
            return self._take(int(fields["content-length"]))
        while data := self._read():
            self._buffer += data
        body, self._buffer = self._buffer, b""
        return body


def exchange(address, data, head_only=False, timeout=TIMEOUT):
    """Sends `data` on a connection of its own and reads one answer; None where the peer closed without one."""
    with Connection(address, timeout) as connection:
        connection.send_what_is_taken(data)
        return connection.answer(head_only)


def _parse_head(head):
    lines = head[:-4].split(b"\r\n")
    match = re.fullmatch(rb"HTTP/1\.[01] (\d{3})(?: (.*))?", lines[0])
    assert match, f"not a status line: {lines[0]!r}"
    headers = []
    for line in lines[1:]:
        field = re.fullmatch(rb"([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*(.*?)[ \t]*", line, re.S)
        assert field and b"\n" not in line and b"\r" not in line, f"not a header field: {line!r} in {head!r}"
        headers.append((field[1].decode("ascii"), field[2].decode("latin-1")))
    return int(match[1]), headers


def _bytes(value):
    return value if isinstance(value, bytes) else value.encode("latin-1")
