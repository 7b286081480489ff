"""The request log: one JSON object a line, with everything that tells what happened and nothing that must stay secret."""
import contextlib
import json
import os
import re
import signal
import socket
import time

import wire
from admin import Admin
from cutover import CONNECTION_ID, OTHER_CONNECTION_ID
from ports import free_port

ROWS = {
    "acme": CONNECTION_ID,
    "paused": {"connection_id": OTHER_CONNECTION_ID, "state": "disabled"},
    "quoted\"\\/": CONNECTION_ID,
    "größe 日本 \u2028": CONNECTION_ID,
    "{\"a\":1}": CONNECTION_ID,
}


def test_fields(make_gateway):
    gateway = make_gateway()
    gateway.load(ROWS)
    gateway.start()

    line = gateway.logged(gateway.post("/old-sso/acme", b"SAMLResponse=abc", [("X-Request-Id", "from-the-balancer")]))

    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", line.pop("time"))
    assert re.fullmatch(r"127\.0\.0\.1:\d+", line.pop("peer"))
    duration = line.pop("duration_us")
    assert isinstance(duration, int) and 0 <= duration < 60_000_000
    assert line == {"request_id": "from-the-balancer", "method": "POST", "route": "/old-sso/{identifier}", "source": "default",
                    "identifier": "acme", "decision": "stytch", "status": 307, "connection_id": CONNECTION_ID, "body_bytes": 16}


def test_where_there_is_no_row(make_gateway):
    gateway = make_gateway()
    gateway.load(ROWS)
    gateway.start()

    unknown = gateway.logged(gateway.get("/old-sso/nobody"))
    assert (unknown["source"], unknown["identifier"], unknown["decision"], unknown["status"]) == ("default", "nobody", "unknown", 404)
    assert "connection_id" not in unknown

    paused = gateway.logged(gateway.get("/old-sso/paused"))
    assert (paused["decision"], paused["status"], paused["connection_id"]) == ("disabled", 410, OTHER_CONNECTION_ID)

    nowhere = gateway.logged(gateway.get("/elsewhere?x=1"))
    assert (nowhere["decision"], nowhere["status"], nowhere["path"]) == ("no_route", 404, "/elsewhere")

    malformed = gateway.logged(gateway.get("/old-sso/%zz"))
    assert (malformed["decision"], malformed["reason"], malformed["identifier"]) == ("malformed", "bad_encoding", "")


def test_identifiers_are_escaped(make_gateway):
    gateway = make_gateway()
    gateway.load(ROWS)
    gateway.start()
    for target, identifier in [
        ("/old-sso/quoted%22%5C%2F", "quoted\"\\/"),
        ("/old-sso/gr%C3%B6%C3%9Fe%20%E6%97%A5%E6%9C%AC%20%E2%80%A8", "größe 日本 \u2028"),
        ("/old-sso/%7B%22a%22:1%7D", "{\"a\":1}"),
        ("/old-sso/%22,%22status%22:200,%22x%22:%22", "\",\"status\":200,\"x\":\""),
    ]:
        line = gateway.logged(gateway.get(target))
        assert line["identifier"] == identifier
        assert line["status"] in (307, 404)
    gateway.raw(wire.request_bytes("GET", b"/\xff\xfe\"\\/x", "localhost"))
    gateway.raw(wire.request_bytes("GET\"\\", b"/x", "localhost"))
    gateway.stop()
    assert len(gateway.requests()) == 6


def test_a_method_takes_no_more_than_its_share_of_a_line(make_gateway):
    """Else its line would have no room for its end, and be one with the next request's."""
    gateway = make_gateway(threads=1)
    gateway.load(ROWS)
    gateway.start()
    for method in ("\"" * 1400, "\x80" * 3000, "X" * 9000):
        gateway.raw(wire.request_bytes(method, b"/old-sso/acme", "localhost"))
        assert gateway.logged(gateway.get("/old-sso/acme"))["status"] == 307
    gateway.stop()
    assert [line["status"] for line in gateway.requests()] == [405, 307] * 3
    assert [line["method"] for line in gateway.requests()][::2] == ["\"" * 32, "\ufffd" * 32, "X" * 32]


def test_every_request_has_its_line_when_the_daemon_ends(make_gateway):
    gateway = make_gateway()
    gateway.load(ROWS)
    gateway.start()
    with gateway.connect() as connection:
        for n in range(500):
            connection.send(wire.request_bytes("GET", "/old-sso/acme", "localhost", [("X-Request-Id", f"number-{n}")]))
            connection.answer()
    gateway.stop()
    assert [line["request_id"] for line in gateway.requests()] == [f"number-{n}" for n in range(500)]


def test_logging_costs_no_system_call_a_request(make_gateway):
    gateway = make_gateway(threads=1)
    gateway.load(ROWS)
    gateway.start()
    requests = 2000
    began = time.monotonic()
    for _ in range(requests // 100):
        gateway.pipeline([wire.request_bytes("GET", "/old-sso/acme", "localhost")] * 100)
    gateway.stop()
    tenths = 10 * (time.monotonic() - began)  # at each of which what there is may be written
    assert len(gateway.requests()) == requests
    assert 0 < gateway.writes < requests / 5 + tenths


def test_only_errors(make_gateway):
    gateway = make_gateway(log={"requests": "errors"})
    gateway.load(ROWS)
    gateway.start()
    for target in ("/old-sso/acme", "/old-sso/nobody", "/old-sso/acme", "/old-sso/%zz", "/old-sso/paused"):
        gateway.get(target)
    gateway.stop()
    assert sorted(line["status"] for line in gateway.requests()) == [400, 404, 410]


def test_off(make_gateway):
    gateway = make_gateway(log={"requests": "off"})
    gateway.load(ROWS)
    gateway.start()
    gateway.get("/old-sso/acme")
    gateway.get("/old-sso/nobody")
    gateway.stop()
    assert gateway.stdout == ""


def test_a_reader_that_is_gone_does_not_stop_the_daemon(make_gateway):
    gateway = make_gateway()
    gateway.load(ROWS)
    gateway.start(stdout_is_read=False)
    for _ in range(20):
        assert gateway.get("/old-sso/acme").status == 307
    gateway.wait_for(lambda: "request log" in gateway.stderr)


def test_a_reader_that_stands_still_holds_nobody_up_and_what_it_misses_is_told(make_gateway):
    """While it runs by the metric, at the end by a warning; and the end comes."""
    admin = Admin(free_port())
    gateway = make_gateway(threads=1, admin={"address": f"127.0.0.1:{admin.port}"})
    gateway.load(ROWS)
    gateway.start(stdout_is_held=True)
    request = wire.request_bytes("GET", "/old-sso/" + "%22" * 440, "localhost")  # with a line of 2 KB
    batches = 0
    while admin.metric("ssoferry_log_lines_dropped_total") == 0:
        assert (batches := batches + 1) < 1000, "the lines go somewhere"
        assert {answer.status for answer in gateway.pipeline([request] * 50)} == {404}
    dropped = int(admin.metric("ssoferry_log_lines_dropped_total"))
    gateway.stop()
    lost = int(re.search(r"warning: lines of the request log that were lost at the end: (\d+); ", gateway.stderr)[1])
    assert dropped < lost <= 50 * batches


def test_messages_that_nobody_reads_hold_nobody_up(make_gateway):
    """Both streams into one pipe whose reader stands still: neither a warning of a worker, nor a reload, nor the end waits for it."""
    proxied = free_port()
    gateway = make_gateway(threads=1)
    gateway.configure(listen=[*gateway.config["listen"], {"address": f"127.0.0.1:{proxied}", "proxy_protocol": True}])
    gateway.load(ROWS)
    reader, writer = os.pipe()
    gateway.before_start = lambda: (os.dup2(writer, 1), os.dup2(writer, 2))
    gateway.start()
    filling = os.open(f"/proc/self/fd/{writer}", os.O_WRONLY | os.O_NONBLOCK)
    for size in 4096, 1:  # to its last byte, which a short line would still find
        with contextlib.suppress(BlockingIOError):
            while True:
                os.write(filling, b"x" * size)
    for _ in range(3):
        with socket.create_connection(("127.0.0.1", proxied), 5) as plain:
            plain.sendall(b"GET / HTTP/1.1\r\n\r\n")
            assert plain.recv(100) == b""
        assert gateway.get("/old-sso/acme").status == 307
    gateway.signal(signal.SIGHUP)
    gateway.config_path.write_text("routes: nonsense\n")
    gateway.signal(signal.SIGHUP)
    gateway.stop()
    for end in reader, writer, filling:
        os.close(end)


def test_a_terminal_that_nobody_reads_holds_no_message_up(make_gateway):
    """It is said to have room while it has less than a write takes, and then that write waits."""
    gateway = make_gateway(threads=1)
    gateway.load(ROWS)
    reader, writer = os.openpty()
    gateway.before_start = lambda: os.dup2(writer, 1)
    gateway.start(stdout_is_read=False)
    answers = gateway.pipeline([wire.request_bytes("GET", "/old-sso/" + "%22" * 440, "localhost")] * 100)  # with lines of 2 KB
    assert {answer.status for answer in answers} == {404}
    gateway.signal(signal.SIGHUP)
    gateway.wait_for(lambda: "reload: done" in gateway.stderr)
    gateway.stop()
    assert "the end of the request log is lost: the terminal on standard output has stopped" in gateway.stderr
    os.close(reader)
    os.close(writer)


def test_a_standard_output_that_is_closed_is_not_the_table(make_gateway):
    gateway = make_gateway()
    gateway.load(ROWS)
    gateway.before_start = lambda: os.closerange(0, 2)
    gateway.start()
    assert gateway.get("/old-sso/acme").status == 307
    gateway.wait_for(lambda: "the request log cannot be written" in gateway.stderr)
    for file in gateway.store.parent.iterdir():
        assert b"request_id" not in file.read_bytes(), file


def test_a_file_that_is_appended_to_may_be_cut_in_its_place(make_gateway, tmp_path):
    """As logrotate's copytruncate does."""
    gateway = make_gateway()
    gateway.load(ROWS)
    log = os.open(tmp_path / "requests.log", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    gateway.before_start = lambda: os.dup2(log, 1)
    gateway.start()
    for identifier in ("acme", "paused"):
        gateway.get(f"/old-sso/{identifier}")
        gateway.wait_for(lambda: os.fstat(log).st_size)
        line, = (tmp_path / "requests.log").read_text().splitlines()
        assert json.loads(line)["identifier"] == identifier
        os.ftruncate(log, 0)
    os.close(log)


def test_lines_are_json_whatever_arrives(make_gateway):
    """Every byte in path and identifier; each line parses, and none forges a second."""
    gateway = make_gateway()
    gateway.load(ROWS)
    gateway.start()
    for byte in range(256):
        gateway.raw(b"GET /x%c HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n" % byte)
        gateway.raw(b"GET /old-sso/x%%%02X%%22 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n" % byte)
    gateway.stop()
    for line in gateway.stdout.split("\n")[:-1]:
        assert list(json.loads(line))[0] == "time"
