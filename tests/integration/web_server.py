"""A small HTTP server in a thread, whose requests are kept as the bytes that arrived."""
import http.server
import ssl
import threading
from dataclasses import dataclass
from urllib.parse import parse_qsl


@dataclass
class Received:
    method: str
    target: str  # path and query as on the request line
    headers: list  # (name, value)
    body: bytes
    head: bytes  # request line and fields, raw

    def header(self, name):
        for field, value in self.headers:
            if field.lower() == name.lower():
                return value
        return None

    @property
    def path(self):
        return self.target.partition("?")[0]

    @property
    def query(self):
        return self.target.partition("?")[2]

    def form(self):
        """The body's fields, decoded; the request must be a form."""
        assert self.header("Content-Type") == "application/x-www-form-urlencoded", self.headers
        return dict(parse_qsl(self.body.decode("ascii"), keep_blank_values=True, strict_parsing=True))


@dataclass
class Reply:
    status: int
    body: str = ""
    headers: tuple = ()


class WebServer:
    """Calls `respond(Received) -> Reply` in a thread of its own for each connection. With a KeyPair it speaks TLS."""

    def __init__(self, host, respond, pair=None):
        self.host = host
        self._server = http.server.ThreadingHTTPServer((host, 0), _handler(respond))
        self._server.daemon_threads = True
        self.port = self._server.server_address[1]
        self.origin = f"{'https' if pair else 'http'}://{host}:{self.port}"
        if pair:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(pair.certificate, pair.key)
            self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        self._thread.start()

    def close(self):
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(10)


class _Recorder:
    """Stands before a request's stream and keeps what is read from it."""

    def __init__(self, stream):
        self._stream = stream
        self.kept = b""

    def readline(self, limit=-1):
        line = self._stream.readline(limit)
        self.kept += line
        return line

    def read(self, size):
        return self._stream.read(size)

    def close(self):
        self._stream.close()

    @property
    def closed(self):
        return self._stream.closed


def _handler(respond):
    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def setup(self):
            super().setup()
            self.rfile = _Recorder(self.rfile)

        def log_message(self, *_):
            pass

        def _respond(self):
            head, self.rfile.kept = self.rfile.kept, b""
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            received = Received(self.command, self.path, list(self.headers.items()), body, head)
            reply = respond(received)
            data = reply.body.encode("utf-8")
            self.send_response(reply.status)
            for name, value in reply.headers:
                self.send_header(name, value)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(data)

        do_GET = do_HEAD = do_POST = do_PUT = do_DELETE = _respond

    return Handler
