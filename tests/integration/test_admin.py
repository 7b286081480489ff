"""The admin listener: health, metrics, the report."""
import contextlib
import errno
import json
import re
import signal
import socket
import subprocess
import time

import pytest

import wire
from admin import Admin
from cutover import CONNECTION_ID, OTHER_CONNECTION_ID
from faulty import WRITING, Faults
from ports import free_port
from preload import days_ago, start_with
from process import cpu_seconds
from programs import ROOT, run
from store_file import StoreFile

ADMIN_CLIENTS_MAX = 100


@pytest.fixture
def pair(make_gateway):
    port = free_port()
    gateway = make_gateway(admin={"address": f"127.0.0.1:{port}"})
    return gateway, Admin(port)


@pytest.fixture
def started(pair):
    gateway, admin = pair
    gateway.load({"acme": CONNECTION_ID, "globex": {"connection_id": OTHER_CONNECTION_ID, "state": "disabled"}})
    gateway.start()
    return gateway, admin


def counted_once(gateway, admin, counted):
    """All metrics, once these have come to what they have to be: a worker counts after it has answered, one number after the other."""
    with contextlib.suppress(AssertionError):
        gateway.wait_for(lambda: counted.items() <= admin.metrics().items())
    metrics = admin.metrics()
    assert {name: metrics[name] for name in counted} == counted
    return metrics


class TestHealth:
    def test_before_the_first_load(self, pair):
        gateway, admin = pair
        gateway.start()
        alive = admin.get("/livez")
        assert (alive.status, alive.header("Cache-Control"), alive.header("X-Request-Id")) == (200, "no-store", None)
        for path in ("/readyz", "/healthz"):
            answer = admin.get(path)
            assert (answer.status, json.loads(answer.text)["reason"]) == (503, "not_loaded")
        assert (admin.json("/report.json")["rows"], admin.json("/report.json")["history"]) == ([], [])
        assert (admin.metric("ssoferry_ready"), admin.metric("ssoferry_table_readable")) == (0, 1)
        gateway.load({"acme": CONNECTION_ID, "globex": OTHER_CONNECTION_ID})
        assert admin.json("/readyz") == {"status": "ok", "revision": 1, "connections": 2}

    def test_while_draining(self, pair):
        gateway, admin = pair
        gateway.configure(drain={"delay": "10m", "timeout": "10m"})
        gateway.load({"acme": CONNECTION_ID})
        gateway.start()
        gateway.terminate()
        gateway.wait_for(lambda: admin.get("/readyz").status == 503)
        assert admin.json("/readyz")["reason"] == "draining"
        assert admin.get("/livez").status == 200
        assert gateway.get("/old-sso/acme").status == 307, "it goes on serving until the balancer has noticed"
        metrics = admin.metrics()
        assert [metrics[f"ssoferry_{name}"] for name in ("ready", "table_readable", "table_revision", 'table_connections{state="stytch"}')] == [0, 1, 1, 1]
        gateway.store_file.put_meta(b"state", b"x")
        assert admin.metric("ssoferry_table_readable") == 0
        gateway.terminate()

    def test_every_loop_is_listed(self, started):
        _, admin = started
        assert len(admin.json("/livez")["loops_silent_ms"]) == 2

    def test_head_has_no_body(self, started):
        _, admin = started
        answer = admin.request("HEAD", "/readyz")
        assert (answer.status, answer.body) == (200, b"")
        assert int(answer.header("Content-Length")) > 0


    def test_each_answer_says_what_it_is(self, started):
        _, admin = started
        kinds = {path: admin.get(path).header("Content-Type") for path in ("/livez", "/readyz", "/healthz", "/report.json", "/metrics", "/nothing")}
        assert kinds.pop("/metrics") == "text/plain; version=0.0.4; charset=utf-8"
        assert set(kinds.values()) == {"application/json"}


class TestDoor:
    @pytest.mark.parametrize("method, path, status", [("POST", "/metrics", 405), ("GET", "/nothing", 404), ("GET", "/metrics/", 404)])
    def test_other_requests(self, started, method, path, status):
        _, admin = started
        answer = admin.request(method, path)
        assert (answer.status, answer.header("Allow")) == (status, "GET, HEAD" if status == 405 else None)

    @pytest.mark.parametrize("host, status", [
        ("localhost:1", 200), ("[::1]", 200), ("127.0.0.1", 200), ("evil.example", 400), ("127.0.0.1.evil.example", 400), ("", 400)])
    def test_a_page_whose_name_points_here_reads_nothing(self, started, host, status):
        _, admin = started
        answer = wire.exchange(("127.0.0.1", admin.port), f"GET /livez HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
        assert answer.status == status
        if "evil" in host:
            said = json.loads(answer.text)
            assert said.keys() == {"error", "message"} and "has to be a loopback address or localhost" in said["message"]

    def test_who_names_no_host_is_no_page(self, started):
        _, admin = started
        assert wire.exchange(("127.0.0.1", admin.port), b"GET /livez HTTP/1.0\r\n\r\n").status == 200

    def test_a_public_address_goes_by_any_name(self, pair):
        gateway, admin = pair
        gateway.configure(admin={"address": f"0.0.0.0:{admin.port}", "allow_remote": True})
        gateway.start()
        assert admin.get("/livez", host="sso-1.example.com").status == 200

    def test_what_any_name_means_is_told_at_the_key(self):
        key = (ROOT / "docs/man/ssoferryd.yaml.5").read_text().split("\n.It Cm admin.allow_remote\n")[1].split("\n.It ")[0]
        listener = (ROOT / "docs/man/ssoferryd.8").read_text().split("This listener has neither passwords nor TLS.")[1].split("\n.Sh ")[0]
        for manual in (key, listener):
            assert "any web page that somebody in that network opens can read" in " ".join(manual.split()) and "DNS rebinding" in manual

    def test_the_public_port_has_none_of_it(self, started):
        gateway, _ = started
        assert gateway.get("/metrics").status == 404

    def test_a_public_address_needs_a_word(self, make_gateway):
        gateway = make_gateway(admin={"address": f"0.0.0.0:{free_port()}"})
        with pytest.raises(AssertionError, match="allow_remote: true"):
            gateway.start()

    def test_a_port_in_use_is_named(self, make_gateway):
        gateway = make_gateway()
        with socket.socket() as listener:
            listener.bind(("127.0.0.1", 0))
            listener.listen()
            port = listener.getsockname()[1]
            gateway.configure(admin={"address": f"127.0.0.1:{port}"})
            with pytest.raises(AssertionError, match=f"cannot listen on 127.0.0.1:{port}.*in use"):
                gateway.start()


class TestMetrics:
    def test_promtool_accepts_them(self, started):
        gateway, admin = started
        for path in ("/old-sso/acme", "/old-sso/globex", "/old-sso/nobody", "/old-sso/%zz", "/nothing"):
            gateway.get(path)
        gateway.request("PUT", "/old-sso/acme")
        text = admin.get("/metrics").text
        result = subprocess.run(["promtool", "check", "metrics"], input=text, capture_output=True, text=True, timeout=60)
        assert (result.returncode, result.stdout, result.stderr) == (0, "", "")

    def test_each_request_is_counted_once(self, started):
        gateway, admin = started
        route = 'ssoferry_requests_total{route="/old-sso/{identifier}",'
        metrics = admin.metrics()
        for watched in ("stytch", 307), ("legacy", 307), ("unknown", 404), ("unavailable", 503), ("loop", 508):
            assert metrics[route + 'decision="%s",status="%d"}' % watched] == 0, "an alert cannot see the first of a series"
        assert metrics['ssoferry_requests_total{route="none",decision="loop",status="508"}'] == 0
        for _ in range(3):
            gateway.post("/old-sso/acme", b"SAMLResponse=x")
        gateway.get("/old-sso/globex")
        gateway.get("/old-sso/nobody")
        gateway.get("/old-sso/%zz")
        gateway.get("/nothing")
        gateway.request("PUT", "/old-sso/wp-admin")
        counted = {
            route + 'decision="method",status="405"}': 1,
            route + 'decision="stytch",status="307"}': 3,
            route + 'decision="disabled",status="410"}': 1,
            route + 'decision="unknown",status="404"}': 1,
            route + 'decision="malformed",status="400"}': 1,
            'ssoferry_requests_total{route="none",decision="no_route",status="404"}': 1,
            'ssoferry_unknown_identifiers_total{route="/old-sso/{identifier}"}': 1,
            "ssoferry_bad_requests_total": 1,
            "ssoferry_request_duration_seconds_count": 8,
            'ssoferry_request_duration_seconds_bucket{le="+Inf"}': 8,
            "ssoferry_request_body_bytes_total": 3 * len("SAMLResponse=x"),
        }
        metrics = counted_once(gateway, admin, counted)
        assert not any(name.startswith("ssoferry_rehearsed") for name in metrics)
        assert metrics['ssoferry_table_connections{state="stytch"}'] == 1
        assert metrics['ssoferry_table_connections{state="disabled"}'] == 1
        assert metrics["ssoferry_table_revision"] == 1
        assert 0 <= metrics["ssoferry_table_age_seconds"] < 600
        assert metrics["ssoferry_ready"] == 1
        assert metrics["ssoferry_usage_flush_age_seconds"] < 600

        gateway.configure(routes=[*gateway.config["routes"], {"match": "/new-sso/{identifier}"}])
        gateway.signal(signal.SIGHUP)
        gateway.wait_for(lambda: "reload: done" in gateway.stderr)
        after = admin.metrics()
        assert after[route + 'decision="stytch",status="307"}'] == 0, "by route they start anew"
        assert after['ssoferry_requests_total{route="/new-sso/{identifier}",decision="stytch",status="307"}'] == 0
        assert {name for name in metrics if "_total" in name and "route=" not in name and after[name] < metrics[name]} == set()

    def test_a_rehearsal_is_counted_as_what_would_have_been(self, pair):
        gateway, admin = pair
        legacy = "https://legacy.example.com/{identifier}"
        gateway.configure(legacy={"allowed_hosts": ["legacy.example.com"]}, routes=[
            {"match": "/a/{identifier}", "legacy_url": legacy, "observe": True}, {"match": "/b/{identifier}", "legacy_url": legacy, "unknown": "legacy"},
            {"match": "/c", "identify_by": "relay_state", "legacy_url": "https://legacy.example.com/c", "legacy_relay_states": ["old-"]},
            {"match": "/d", "identify_by": "relay_state", "legacy_url": "https://legacy.example.com/d", "unknown": "legacy"}])
        gateway.load({"acme": CONNECTION_ID, "globex": {"state": "disabled"}})
        gateway.start()
        report = admin.json("/report.json")
        assert (report["observe"], report["observed_routes"], report["may_retire"]) == (True, ["/a/{identifier}"], False)
        assert report["verdict"].startswith("Rehearsal on some routes (observe): every sign-in by them goes to the old system. Without it, ")
        rehearsed = 'ssoferry_rehearsed_total{route="/a/{identifier}",would="%s"}'
        assert admin.metric(rehearsed % "unknown") == 0
        assert admin.metric('ssoferry_requests_total{route="/a/{identifier}",decision="disabled",status="410"}') == 0, "an alert sees the first"
        from_idp = "/c?SAMLResponse=PFJlc3BvbnNlLz4&RelayState="
        for target in ("/a/acme", "/a/acme", "/a/globex", "/a/nobody", "/b/acme", "/b/nobody", "/b/no-one", from_idp + "nobody"):
            gateway.get(target)
        assert gateway.get(from_idp + "old-session").status == 307, "the old provider's own, and no identifier"
        line = gateway.logged(gateway.post("/d", b"SAMLResponse=PFJlc3BvbnNlLz4"))
        assert (line["decision"], line["reason"], line["detail"]) == ("legacy", "unknown_legacy", "no_relay_state"), "a sign-in that names nobody"
        line = gateway.logged(gateway.get("/d?code=abc"))
        assert (line["decision"], line["reason"], "detail" in line) == ("legacy", "no_relay_state", False), "no sign-in"
        metrics = counted_once(gateway, admin, {
            "ssoferry_request_duration_seconds_count": 11,
            'ssoferry_requests_total{route="/a/{identifier}",decision="legacy",status="307"}': 4,
            **{rehearsed % would: count for would, count in {"stytch": 2, "disabled": 1, "unknown": 1, "loop": 0}.items()},
            **{'ssoferry_unknown_identifiers_total{route="%s"}' % route: count
               for route, count in {"/a/{identifier}": 1, "/b/{identifier}": 2, "/c": 1, "/d": 1}.items()},
        })
        assert not any("rehearsed" in name and "/b/" in name for name in metrics)

    def test_what_is_not_counted_is_not_told(self, pair):
        gateway, admin = pair
        gateway.configure(usage=False)
        gateway.load({"acme": CONNECTION_ID})
        gateway.start()
        assert not any("usage" in name for name in admin.metrics())
        report = admin.json("/report.json")
        assert (report["counted_since"], report["hits"], len(report["rows"])) == (None, 0, 1)
        assert (report["counting"], report["may_retire"], report["doubt"]) == ("off", False, "counting_is_off")
        assert "Counting is off (usage: false), so it is not known who still uses the old addresses." in report["verdict"]

    def test_no_label_holds_an_identifier(self, started):
        gateway, admin = started
        for i in range(50):
            gateway.get(f"/old-sso/marker-{i}")
        text = admin.get("/metrics").text
        assert "marker" not in text and "acme" not in text

    def test_connections_come_and_go(self, started):
        gateway, admin = started
        def wait_for(count):
            gateway.wait_for(lambda: admin.metrics()["ssoferry_client_connections_open"] == count)

        wait_for(0)
        connection = gateway.connect()
        wait_for(1)
        connection.close()
        wait_for(0)

    def test_a_slow_sender_is_cut_and_counted(self, pair):
        gateway, admin = pair
        gateway.configure(limits={"request_time": "300ms"})
        gateway.load({"acme": CONNECTION_ID})
        gateway.start()
        connection = gateway.connect()
        connection.send(b"POST /old-sso/acme HTTP/1.1\r\nHost: a\r\n")
        assert connection.answer().status == 408
        assert connection.closed()
        gateway.wait_for(lambda: admin.metrics()["ssoferry_client_connections_timed_out_total"] == 1)

    def test_the_limit_of_connections_is_counted_and_lifted(self, pair):
        gateway, admin = pair
        gateway.configure(limits={"connections": 3, "request_time": "10m"})
        gateway.load({"acme": CONNECTION_ID})
        gateway.start()
        held = []
        for _ in range(3):  # who is idle would make room
            held.append(gateway.connect())
            held[-1].send(b"GET /old-sso/acme HTTP/1.1\r\n")
        gateway.wait_for(lambda: admin.metrics()["ssoferry_client_connections_open"] == 3)
        late = gateway.connect()
        late.send(b"GET /old-sso/acme HTTP/1.1\r\nHost: a\r\n\r\n")
        gateway.wait_for(lambda: admin.metrics()["ssoferry_client_connections_refused_total"] >= 1)
        held[0].close()
        assert late.answer().status == 307
        for connection in (*held[1:], late):
            connection.close()


class TestReport:
    def test_rows_unknown_and_history(self, at_noon, started):
        gateway, admin = started
        for _ in range(2):
            gateway.get("/old-sso/acme")
        gateway.get("/old-sso/acmee")
        report = gateway.wait_for(lambda: (value := admin.json("/report.json"))["hits"] == 2 and value["unknown"] and value)
        assert report["states"] == {"stytch": 1, "legacy": 0, "disabled": 1}
        assert (report["rows_total"], report["truncated"], report["idle"], report["never"]) == (2, False, 1, 1)
        acme, globex = report["rows"]
        assert (acme["identifier"], acme["state"], acme["hits"], acme["outcomes"], acme["idle"]) == ("acme", "stytch", 2, {"stytch": 2}, False)
        assert (acme["connection_id"], acme["days"]) == (CONNECTION_ID, [2])
        assert (globex["hits"], globex["last_seen"], globex["days"], globex["idle"]) == (0, None, [], True)
        [unknown] = report["unknown"]
        assert (unknown["identifier"], unknown["hits"], unknown["meant"]) == ("acmee", 1, "acme")
        [revision] = report["history"]
        assert (revision["revision"], revision["command"], revision["added"]) == (1, "load", 2)
        manuals = (ROOT / "docs/man/ssoferry.1").read_text() + (ROOT / "docs/man/ssoferryd.8").read_text()
        told = set(re.findall(r"^\.Li (\w+)", manuals, re.M))
        assert {*report, *acme, *unknown, *revision} - told == set(), "the manuals name each member"

    def test_it_says_what_the_commands_say(self, at_noon, pair, monkeypatch):
        """Each member the same as that of its name in `report --json` and `history --json`."""
        gateway, admin = pair
        legacy_url = "https://legacy.example.net/acs"
        gateway.configure(legacy={"allowed_hosts": ["legacy.example.net"]}, routes=[*gateway.config["routes"], {"match": "/okta/{identifier}", "source": "okta"}])
        rows = {"acme": {"connection_id": CONNECTION_ID, "label": "Acme"}, "acme-2": CONNECTION_ID, "former": OTHER_CONNECTION_ID,
                "globex": {"connection_id": OTHER_CONNECTION_ID, "state": "disabled"}, "moving": {"state": "legacy", "legacy_url": legacy_url}}
        with days_ago(gateway.directory, monkeypatch, 13):
            gateway.load(rows | {f"silent-{n}": {"state": "legacy", "legacy_url": legacy_url} for n in range(4)})
            gateway.load({"hooli": {"state": "disabled"}}, source="okta")
            gateway.start()
        gateway.get("/old-sso/acme")
        gateway.stop()
        gateway.start()
        for target in (*["/old-sso/acme"] * 4, "/old-sso/former", "/old-sso/globex", "/okta/hooly", "/okta/hooly"):
            gateway.get(target)
        assert gateway.get("/old-sso/moving", host="legacy.example.net").status == 508
        gateway.loader("remove", "former", "-m", "gone")
        gateway.set("acme", "label=Acme Inc.")
        report = gateway.wait_for(lambda: (value := admin.json("/report.json"))["hits"] == 7 and value["unknown_hits"] == 2 and value)
        told = gateway.report()

        def agree(one, other, but=()):
            names = (one.keys() & other.keys()) - set(but)
            assert {name: one[name] for name in names} == {name: other[name] for name in names}

        lines = {(row["source"], row["identifier"]): row for row in told.rows}
        assert lines.keys() == {(row["source"], row["identifier"]) for row in report["rows"]}
        for row in report["rows"]:
            line = lines[row["source"], row["identifier"]]
            assert row.keys() - line.keys() == {"connection_id"} and sum(row["days"]) == row["hits"]
            assert row["connection_id"] == json.loads(gateway.loader("get", "--json", "--source", row["source"], row["identifier"]).stdout)["connection_id"]
            assert row["outcomes"] == {name: hits for name, hits in line["outcomes"].items() if hits}
            agree(row, line, but=["days", "outcomes"])
        [acme] = [row for row in report["rows"] if row["identifier"] == "acme"]
        assert (acme["days"][0], acme["first_seen"] < acme["last_seen"], acme["label"]) == (1, True, "Acme Inc.")
        agree(report, told.totals, but=["now", "rows"])
        assert (report["states"], report["idle_days"] * 86400) == (told.totals["rows"], told.totals["idle_seconds"])
        assert len({report[name] for name in ("idle", "never", "failed", "hits", "unknown_hits", "rows_total", "uncounted_days")}) == 7
        [unknown], [line] = report["unknown"], told.unknown
        assert (unknown["source"], unknown["meant"]) == ("okta", line["did_you_mean"]) and unknown["meant"] == "hooli"
        agree(unknown, line)
        history = [json.loads(line) for line in gateway.loader("history", "--json").stdout.splitlines()]
        assert [(line["added"], line["changed"], line["removed"]) for line in history] == [(0, 1, 0), (0, 0, 1), (1, 0, 0), (9, 0, 0)]
        for revision, line in zip(report["history"], history, strict=True):
            assert revision["time"] == line["changed_at"]
            agree(revision, line)
        assert report["changed_at"] == history[0]["changed_at"]
        assert f"ssoferryd {report['version']}" in run("ssoferryd", "--version").stdout

    def test_the_silent_ones_may_be_retired_after_30_days_of_counting(self, at_noon, pair, monkeypatch):
        gateway, admin = pair

        def count_today():
            gateway.start()
            gateway.get("/old-sso/acme")
            report = gateway.wait_for(lambda: (value := admin.json("/report.json"))["hits"] > 0 and value)
            gateway.stop()
            return report

        with days_ago(gateway.directory, monkeypatch, 40):
            gateway.load({"acme": CONNECTION_ID, "globex": OTHER_CONNECTION_ID})
            gateway.start()
        gateway.stop()
        report = count_today()
        assert (report["may_retire"], report["uncounted_days"] > 3) == (False, True), "they may have been here on a day that nobody counted"
        # A file of a release that noted no days is as if there had been counting on all of them.
        StoreFile(gateway.store.with_name(gateway.store.name + ".usage")).remove_key(b"*\0days", database=b"hits")
        report = count_today()
        assert (report["may_retire"], report["uncounted_days"], report["observe"]) == (True, 0, False)
        assert [(row["identifier"], row["idle"]) for row in report["rows"]] == [("acme", False), ("globex", True)]
        assert "1 has been silent for 30 days" in report["verdict"]

    def test_what_is_no_utf_8_is_escaped_and_left_out_nowhere(self, started):
        gateway, admin = started
        gateway.loader("set", "acme", "label=x", "--actor", "jose", "-m", "josephine's")
        before = admin.json("/report.json")["history"]
        for word, odd in ((b"set", b"s\xe9t"), (b"jose", b"jos\xe9")):
            gateway.store_file.replace_bytes(word, odd, database=b"revisions")
        [revision, first] = admin.json("/report.json")["history"]
        assert [revision[name] for name in ("command", "actor", "message")] == [r"s\xe9t", r"jos\xe9", r"jos\xe9phine's"]
        assert (list(revision), first) == (list(before[0]), before[1])
        told = json.loads(gateway.loader("history", "--json").stdout.splitlines()[0])
        assert [told[name] for name in ("command", "actor", "message")] == [r"s\xe9t", r"jos\xe9", r"jos\xe9phine's"]

    def test_nothing_new_is_said_with_304(self, at_noon, started):
        gateway, admin = started
        gateway.get("/old-sso/acme")
        gateway.wait_for(lambda: admin.json("/report.json")["hits"] == 1)
        tag = admin.get("/report.json").header("ETag")
        time.sleep(1.1)  # `now` alone is no news
        again = admin.get("/report.json", (("If-None-Match", tag),))
        assert (again.status, again.body) == (304, b"")
        assert again.header("Content-Length") is None, "it would be the size of what a 200 brings"
        gateway.get("/old-sso/acme")
        gateway.wait_for(lambda: gateway.report().totals["hits"] == 2)
        assert admin.get("/report.json", (("If-None-Match", tag),)).status == 200

    def test_each_kind_of_news_is_told(self, at_noon, started):
        gateway, admin = started

        def news(tag):
            return admin.get("/report.json", (("If-None-Match", tag),))

        def tag_once(condition):
            gateway.wait_for(lambda: condition(admin.json("/report.json")))
            return admin.get("/report.json").header("ETag")

        tag = tag_once(lambda report: report["rows_total"] == 2)
        assert news(tag).status == 304 and news('"0000000000000000"').status == 200
        gateway.set("acme", "state=disabled")
        assert news(tag).status == 200
        tag = tag_once(lambda report: report["states"]["disabled"] == 2)
        gateway.get("/old-sso/nobody")
        gateway.wait_for(lambda: gateway.report().totals["unknown_hits"] == 1)
        assert news(tag).status == 200, "and not only with the next minute"
        tag = tag_once(lambda report: report["unknown_hits"] == 1)
        assert news(tag).status == 304
        gateway.configure(observe=True, legacy={"allowed_hosts": ["legacy.example.net"]},
                          routes=[{"match": "/old-sso/{identifier}", "legacy_url": "https://legacy.example.net/{identifier}"}])
        gateway.signal(signal.SIGHUP)
        gateway.wait_for(lambda: news(tag).status == 200)
        tag = tag_once(lambda report: report["observe"] and report["configuration_current"])
        assert admin.json("/report.json")["observed_routes"] == [] and admin.metric("ssoferry_configuration_current") == 1
        good = gateway.config_path.read_text()
        for text, current in (("nonsense: true\n", False), (good, True)):
            gateway.config_path.write_text(text)
            gateway.signal(signal.SIGHUP)
            gateway.wait_for(lambda: news(tag).status == 200)
            tag = tag_once(lambda report: report["configuration_current"] == current)
            assert admin.metric("ssoferry_configuration_current") == current

    def test_counts_that_cannot_be_written_are_told(self, pair):
        gateway, admin = pair
        gateway.load({"acme": CONNECTION_ID})
        armed = gateway.directory / "armed"
        gateway.environment = Faults(gateway.directory, WRITING, errno.ENOSPC, 0, ".usage", armed).environment
        gateway.start()
        answer = admin.get("/report.json")
        assert json.loads(answer.text)["counting"] == "on"
        for word in ("failing", "on"):
            armed.touch() if word == "failing" else armed.unlink()
            gateway.get("/old-sso/acme")
            gateway.wait_for(lambda word=word: admin.json("/report.json")["counting"] == word)
            news = admin.get("/report.json", (("If-None-Match", answer.header("ETag")),))
            assert news.status == 200, "and not only with the next minute"
            answer = news
            told = json.loads(answer.text)
            said = "Counts cannot be written, so it is not known who still uses the old addresses." in told["verdict"]
            assert (said, told["doubt"]) == ((True, "counting_fails") if word == "failing" else (False, "counting_is_new"))
        assert gateway.wait_for(lambda: admin.json("/report.json")["hits"] == 2)

    def test_a_route_that_does_not_rehearse_is_told(self, pair):
        """As many routes rehearse as before, but no longer all."""
        gateway, admin = pair
        rehearsing = {"match": "/old-sso/{identifier}", "legacy_url": "https://legacy.example.net/{identifier}", "observe": True}
        gateway.configure(legacy={"allowed_hosts": ["legacy.example.net"]}, routes=[rehearsing])
        gateway.load({"acme": CONNECTION_ID})
        gateway.start()
        tag = admin.get("/report.json").header("ETag")
        gateway.configure(routes=[rehearsing, {"match": "/sso/{identifier}"}])
        gateway.signal(signal.SIGHUP)
        gateway.wait_for(lambda: "reload: done" in gateway.stderr)
        answer = admin.get("/report.json", (("If-None-Match", tag),))
        assert answer.status == 200, "and not only with the next minute"
        assert json.loads(answer.text)["observed_routes"] == ["/old-sso/{identifier}"]

    def test_a_store_that_cannot_be_read_gives_no_part_of_one(self, started):
        gateway, admin = started
        gateway.get("/old-sso/nobody")
        gateway.wait_for(lambda: admin.json("/report.json")["unknown_hits"] == 1)
        gateway.set("globex", "label=x")
        file, record = gateway.store_file, gateway.store_file.record("globex")
        odd = b"\xff" * 3
        begin = (time.time_ns() // 1000).to_bytes(8, "big")[:2]
        note, newer = b"\x01" + begin, b"\x02" + begin  # its version, and how its time begins
        damages = [(lambda: file.replace_record("globex", odd), lambda: file.replace_record("globex", record)),
                   (lambda: file.replace_bytes(note, newer, database=b"revisions"), lambda: file.replace_bytes(newer, note, database=b"revisions")),
                   (lambda: file.put_meta(b"state", odd), None)]
        for damage, mend in damages:
            whole = admin.get("/report.json")
            assert whole.status == 200
            damage()
            answer = admin.get("/report.json", (("If-None-Match", whole.header("ETag")),) if mend is None else ())
            assert (answer.status, json.loads(answer.text)["error"], answer.header("ETag")) == (503, "report", None)
            if mend:
                mend()
        for path in ("/readyz", "/healthz"):
            answer = admin.get(path)
            assert (answer.status, json.loads(answer.text)["reason"]) == (503, "store")
        assert (admin.metric("ssoferry_ready"), admin.metric("ssoferry_table_readable")) == (0, 0)

    def test_what_time_alone_changes_is_told(self, pair, monkeypatch):
        gateway, admin = pair
        with days_ago(gateway.directory, monkeypatch, 30):
            gateway.load({"acme": CONNECTION_ID})
            gateway.start()
        gateway.get("/old-sso/acme")
        gateway.stop()
        behind = gateway.directory / "behind"
        behind.touch()
        start_with(gateway, "clock", monkeypatch, CLOCK_BEHIND_WHILE=behind)
        answer = admin.get("/report.json")
        assert json.loads(answer.text)["idle"] == 0, "it was there within thirty days"
        behind.unlink()
        later = admin.get("/report.json", (("If-None-Match", answer.header("ETag")),))
        assert (later.status, json.loads(later.text)["idle"]) == (200, 1)

    def test_another_hour_alone_is_no_news(self, at_noon, pair, monkeypatch):
        gateway, admin = pair
        with days_ago(gateway.directory, monkeypatch, 2):
            gateway.load({"acme": CONNECTION_ID})
        behind = gateway.directory / "behind"
        behind.touch()
        start_with(gateway, "clock", monkeypatch, CLOCK_BEHIND_WHILE=behind)
        tag = admin.get("/report.json").header("ETag")
        behind.unlink()
        answer = admin.get("/report.json", (("If-None-Match", tag),))
        assert (answer.status, answer.body) == (304, b"")

    def test_no_news_of_many_rows_costs_little(self, at_noon, pair):
        gateway, admin = pair
        gateway.load({f"customer-{n:05}": CONNECTION_ID for n in range(10_000)})
        gateway.start()

        def cost(headers):
            before = cpu_seconds(gateway.pid)
            answers = {admin.get("/report.json", headers).status for _ in range(20)}
            return answers, cpu_seconds(gateway.pid) - before

        report = admin.json("/report.json")
        assert (len(report["rows"]), report["truncated"]) == (10_000, False)
        full = cost(())
        again = cost((("If-None-Match", admin.get("/report.json").header("ETag")),))
        assert (full[0], again[0]) == ({200}, {304})
        assert again[1] < full[1] / 3, "the report is made for a 304, too"

    def test_usage_outlives_the_daemon(self, started):
        gateway, admin = started
        for _ in range(5):
            gateway.get("/old-sso/acme")
        gateway.stop()
        gateway.start()
        assert admin.json("/report.json")["hits"] == 5, "SIGTERM loses nothing"


class TestSlowReport:
    """Of a table of many used rows; each row takes at least 20 ms."""
    ROWS = 1000  # 20 s
    AT_ONCE = 0.5  # seconds
    REPORT = wire.request_bytes("GET", "/report.json", "localhost")

    @pytest.fixture
    def start(self, pair, monkeypatch):
        """Starts the daemon, and returns it with the file while which reports are slow."""
        def start(rows):
            gateway, _ = pair
            gateway.load({f"customer-{n:03}": CONNECTION_ID for n in range(rows)})
            slow = gateway.directory / "slow"
            slow.touch()
            start_with(gateway, "slow_report", monkeypatch, SLOW_WHILE=slow)
            return gateway, slow

        return start

    @staticmethod
    def asking(admin, stack):
        connection = stack.enter_context(wire.Connection(admin.address))
        connection.send(TestSlowReport.REPORT)
        return connection

    def within(self, seconds, ask):
        began = time.monotonic()
        answer = ask()
        assert time.monotonic() - began < seconds
        return answer

    def test_whoever_asks_for_something_else_does_not_wait(self, start, pair):
        _, admin = pair
        gateway, slow = start(self.ROWS)
        with contextlib.ExitStack() as stack:
            waiting = [self.asking(admin, stack) for _ in range(3)]
            for path in ("/livez", "/readyz", "/metrics", "/") * 3:
                assert self.within(self.AT_ONCE, lambda path=path: admin.get(path)).status == 200
            gateway.signal(signal.SIGHUP)
            gateway.wait_for(lambda: "reload: done" in gateway.stderr, timeout=5)
            assert all(connection.silent(0) for connection in waiting)
            slow.unlink()
            answers = [connection.answer() for connection in waiting]
        assert {answer.status for answer in answers} == {200} and len(json.loads(answers[0].text)["rows"]) == self.ROWS
        assert len({(answer.header("ETag"), answer.body) for answer in answers}) == 1, "it is made once for all who wait"

    def test_it_may_take_longer_than_a_request_may(self, start, pair):
        """The time limits are for clients that are slow."""
        gateway, admin = pair
        gateway.configure(limits={"request_time": "300ms", "idle_time": "1s"})
        gateway, slow = start(self.ROWS)
        with contextlib.ExitStack() as stack:
            waiting = self.asking(admin, stack)
            assert waiting.silent(3)
            slow.unlink()
            assert waiting.answer().status == 200

    def test_who_has_gone_takes_no_place(self, start, pair):
        _, admin = pair
        start(self.ROWS)
        for _ in range(2):
            with contextlib.ExitStack() as stack:
                for _ in range(ADMIN_CLIENTS_MAX):
                    self.asking(admin, stack)
            self.within(3, lambda: admin.get("/livez"))

    def test_the_last_one_is_given_again_for_ten_times_as_long_as_it_took(self, start, pair):
        _, admin = pair
        gateway, slow = start(100)
        first = self.within(10, lambda: admin.get("/report.json"))
        made = time.monotonic()
        slow.unlink()
        gateway.set("customer-000", "label=changed")
        for tag, status in ((None, 200), (first.header("ETag"), 304)):
            again = self.within(self.AT_ONCE, lambda tag=tag: admin.get("/report.json", (("If-None-Match", tag),) if tag else ()))
            assert (again.status, again.header("ETag"), again.body) == (status, first.header("ETag"), first.body if status == 200 else b"")
            assert 2 <= int(again.header("Age")) <= 2 + time.monotonic() - made + 3, "it says how old it is"
        news = (("If-None-Match", first.header("ETag")),)
        gateway.wait_for(lambda: admin.get("/report.json", news).status == 200, timeout=40)
        assert time.monotonic() - made > 5
        answer = admin.get("/report.json")
        assert (answer.header("Age"), json.loads(answer.text)["rows"][0]["label"]) == (None, "changed")

    def test_the_end_does_not_wait_for_it(self, start, pair):
        _, admin = pair
        gateway, _ = start(self.ROWS)
        gateway.configure(drain={"delay": "0s"})
        gateway.signal(signal.SIGHUP)
        gateway.wait_for(lambda: "reload: done" in gateway.stderr)
        with contextlib.ExitStack() as stack:
            waiting = self.asking(admin, stack)
            assert waiting.silent(0.3)
            self.within(5, gateway.stop)
            answer = waiting.answer()
            assert answer is None or (answer.status, json.loads(answer.text)["error"]) == (503, "report")
