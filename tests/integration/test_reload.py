"""SIGHUP: the configuration is read again, all of it or nothing."""
import os
import signal
import time

import pytest

import wire
from admin import Admin
from cutover import CONNECTION_ID, OTHER_CONNECTION_ID
from ports import free_port
from preload import threads

LOCATION_END = "/v1/b2b/sso/callback/" + CONNECTION_ID


@pytest.fixture
def gateway(make_gateway):
    gateway = make_gateway()
    gateway.load({"acme": CONNECTION_ID})
    gateway.start()
    return gateway


def reload(gateway, word="reload: done"):
    before = gateway.stderr.count(word)
    gateway.signal(signal.SIGHUP)
    gateway.wait_for(lambda: gateway.stderr.count(word) > before)


def test_routes_change_while_connections_stay(gateway):
    connection = gateway.connect()
    request = b"GET %s HTTP/1.1\r\nHost: a\r\n\r\n"
    connection.send(request % b"/new-sso/acme")
    assert connection.answer().status == 404

    gateway.configure(routes=[{"match": "/new-sso/{identifier}"}], redirect=303)
    reload(gateway)

    connection.send(request % b"/new-sso/acme")
    answer = connection.answer()
    assert answer.status == 303 and answer.location.endswith(LOCATION_END)
    assert 'routes[0].match: "/old-sso/{identifier}" -> "/new-sso/{identifier}"' in gateway.stderr
    assert 'redirect: "307" -> "303"' in gateway.stderr
    assert "2 keys changed" in gateway.stderr
    connection.close()


def test_a_bad_file_changes_nothing(gateway):
    gateway.config_path.write_text("routes:\n  - match: /new-sso/{identifier}\nredirect: 301\n")
    reload(gateway, "keeping the configuration as it was")
    assert f'{gateway.config_path}:3:11: error: redirect: "301"' in gateway.stderr
    assert gateway.get("/old-sso/acme").status == 307
    assert gateway.get("/new-sso/acme").status == 404


def test_a_pipe_changes_nothing(gateway):
    """Opening it would block, and with that everything but answering."""
    gateway.config_path.unlink()
    os.mkfifo(gateway.config_path)
    reload(gateway, f"reload: {gateway.config_path}: it is no regular file; keeping the configuration as it was")
    assert gateway.get("/old-sso/acme").status == 307


def test_a_missing_file_changes_nothing(gateway):
    gateway.config_path.unlink()
    reload(gateway, "keeping the configuration as it was")
    assert gateway.get("/old-sso/acme").status == 307


def test_a_file_that_was_changed_and_not_reloaded_is_told(make_gateway):
    """`ssoferry` goes by it at once."""
    admin = Admin(free_port())
    gateway = make_gateway(admin={"address": f"127.0.0.1:{admin.port}"})
    gateway.load({"acme": CONNECTION_ID})
    gateway.start()
    current = lambda: (admin.metric("ssoferry_configuration_current"), admin.json("/report.json")["configuration_current"])
    gateway.wait_for(lambda: current() == (1, True))

    gateway.configure(redirect=303, health_path="/up")
    told = f"{gateway.config_path} was changed and is not in force: 2 keys differ; `ssoferry` goes by it, this daemon does not until a reload"
    gateway.wait_for(lambda: told in gateway.stderr)
    gateway.wait_for(lambda: current() == (0, False))
    assert gateway.get("/old-sso/acme").status == 307

    reload(gateway)
    gateway.wait_for(lambda: current() == (1, True))
    assert gateway.get("/old-sso/acme").status == 303

    gateway.config_path.write_text(gateway.config_path.read_text() + "nonsense: 1\n")
    gateway.wait_for(lambda: "the configuration was changed, and a reload with it would fail: " in gateway.stderr)
    gateway.wait_for(lambda: current() == (0, False))
    gateway.configure()
    gateway.wait_for(lambda: f"{gateway.config_path} says what is in force again" in gateway.stderr)
    gateway.wait_for(lambda: current() == (1, True))

    gateway.configure(threads=1)  # takes a restart
    reload(gateway)
    gateway.wait_for(lambda: current() == (0, False))
    gateway.configure(threads=2)
    reload(gateway)
    gateway.wait_for(lambda: current() == (1, True))


def test_a_file_that_the_disk_does_not_return_changes_nothing(make_gateway):
    gateway = make_gateway(sandbox="off")
    gateway.load({"acme": CONNECTION_ID})
    gateway.start()
    gateway.config_path.unlink()
    gateway.config_path.symlink_to("/proc/self/mem")  # reading it at its start fails
    reload(gateway, f"reload: {gateway.config_path}: cannot be read: Input/output error; keeping the configuration as it was")
    assert gateway.get("/old-sso/acme").status == 307


def test_what_needs_a_restart_is_said_and_left(gateway):
    started = dict(gateway.config)
    keys = ("threads", "store", "listen[0].address", "listen[0].proxy_protocol")
    gateway.configure(threads=1, store=str(gateway.store) + ".other", listen=[{"address": "127.0.0.1:1", "proxy_protocol": True}])
    for times in (1, 2):  # what still waits is told again
        reload(gateway)
        for key in keys:
            lines = [line for line in gateway.stderr.splitlines() if f"reload: {key}:" in line]
            assert len(lines) == times and lines[-1].endswith("(takes effect at the next restart)")
        assert gateway.stderr.count("0 keys changed, 4 wait for a restart") == times
    assert f"answers from {gateway.store}, while `ssoferry` changes {gateway.store}.other" in gateway.stderr
    assert gateway.get("/old-sso/acme").status == 307

    gateway.configure(**started | {"threads": 1, "redirect": 303})
    reload(gateway)
    assert gateway.stderr.endswith("reload: done, 1 key changed, 1 waits for a restart\n")
    gateway.configure(**started, redirect=307)
    reload(gateway)
    assert gateway.stderr.endswith("reload: done, 1 key changed\n")
    assert gateway.stderr.count("reload: threads:") == 3


def test_limits_hold_from_then_on(gateway):
    body = b"x" * 4096
    assert gateway.post("/old-sso/acme", body).status == 307
    gateway.configure(limits={"body": "2KiB"})
    reload(gateway)
    assert gateway.post("/old-sso/acme", body).status == 413
    large = b"x" * (3 << 20)
    assert gateway.post("/old-sso/acme", large).status == 413
    gateway.configure(limits={"body": "4MiB", "idle_time": "1s"})
    reload(gateway)
    assert gateway.post("/old-sso/acme", large).status == 307
    with gateway.connect() as connection:
        connection.send(b"GET /old-sso/acme HTTP/1.1\r\nHost: a\r\n\r\n")
        assert connection.answer().status == 307
        assert connection.closed()


def test_trust_holds_from_then_on(gateway):
    data = b"GET /old-sso/acme HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: 203.0.113.9\r\n\r\n"
    assert "client" not in gateway.logged(gateway.raw(data))
    gateway.configure(trusted_proxies=["127.0.0.1"])
    reload(gateway)
    assert gateway.logged(gateway.raw(data))["client"] == "203.0.113.9"


def test_the_request_log_can_be_switched(gateway):
    gateway.configure(log={"requests": "off"})
    reload(gateway)
    gateway.get("/old-sso/acme")
    gateway.configure(log={"requests": "errors"})
    reload(gateway)
    gateway.get("/old-sso/acme")
    wrong = gateway.get("/old-sso/nobody")
    gateway.stop()  # the lines of both threads are there
    assert [line["request_id"] for line in gateway.requests()] == [wrong.header("X-Request-Id")]


def test_counters_by_route_go_on_while_the_routes_stay(make_gateway):
    port = free_port()
    gateway = make_gateway(admin={"address": f"127.0.0.1:{port}"})
    gateway.load({"acme": CONNECTION_ID})
    gateway.start()

    def counted(status):
        text = wire.exchange(("127.0.0.1", port), wire.request_bytes("GET", "/metrics", "localhost")).text
        return f'decision="stytch",status="{status}"}} 1\n' in text

    gateway.get("/old-sso/acme")
    gateway.wait_for(lambda: counted(307))
    gateway.configure(redirect=303)
    reload(gateway)
    gateway.get("/old-sso/acme")
    gateway.wait_for(lambda: counted(303) and counted(307))
    gateway.configure(routes=[{"match": "/new-sso/{identifier}"}])
    reload(gateway)
    gateway.get("/new-sso/acme")
    gateway.wait_for(lambda: counted(303) and not counted(307))


def test_rows_that_nobody_can_use_are_told(make_gateway):
    """At the start, at a reload, and when a change of the table makes a difference; the numbers of instances with equal rows are equal."""
    admin = Admin(free_port())
    gateway = make_gateway(admin={"address": f"127.0.0.1:{admin.port}"})
    gateway.load({"acme": CONNECTION_ID, **{f"old-{i}": {"state": "legacy"} for i in range(5)}})
    gateway.load({"hooli": CONNECTION_ID}, source="okta")
    gateway.start()
    told = "warning: 6 of 7 rows cannot be used with this configuration: "
    kinds = "1 that no route looks up (hooli (source okta)), 5 legacy without a legacy_url (old-0, old-1, old-2, ...)"
    next_step = f"; `ssoferry -c {gateway.config_path} check --table` says which and why\n"
    gateway.wait_for(lambda: told + kinds + next_step in gateway.stderr)

    def unusable():
        return [admin.metric(f'ssoferry_table_unusable_rows{{reason="{reason}"}}') for reason in ("unreached", "no_legacy_url", "url", "record")]

    def checksum():
        return admin.metrics().get("ssoferry_table_checksum")  # there is none of a walk during which the table has changed

    assert unusable() == [1, 5, 0, 0]
    before = checksum()
    reload(gateway, told)
    legacy = {"legacy_url": "https://legacy.example.com/{identifier}"}
    gateway.configure(legacy={"allowed_hosts": ["legacy.example.com", "old.example.com"]},
                      routes=[*({**route, **legacy} for route in gateway.config["routes"]), {"match": "/okta/{identifier}", "source": "okta"}])
    reload(gateway, "all rows can be used again")
    assert unusable() == [0, 0, 0, 0] and checksum() == before

    gateway.set("acme", "state=legacy", "legacy_url=https://old.example.com/acme")
    gateway.wait_for(lambda: checksum() not in (None, before))
    assert unusable() == [0, 0, 0, 0] and gateway.stderr.count(told) == 2
    gateway.configure(legacy={"allowed_hosts": ["legacy.example.com"]})
    reload(gateway, "1 of 7 rows cannot be used with this configuration: 1 with a URL that is not allowed (acme);")
    assert unusable() == [0, 0, 1, 0]
    one = checksum()
    gateway.set("hooli", f"connection_id={OTHER_CONNECTION_ID}", source="okta")
    gateway.wait_for(lambda: checksum() not in (None, one))
    assert unusable() == [0, 0, 1, 0] and gateway.stderr.count("1 of 7 rows cannot") == 1, "no difference is no news"
    gateway.set("hooli", f"connection_id={CONNECTION_ID}", source="okta")
    gateway.set("acme", "state=stytch", "legacy_url=")
    gateway.wait_for(lambda: checksum() == before and gateway.stderr.count("all rows can be used again") == 2)
    assert unusable() == [0, 0, 0, 0]
    gateway.load({"acme": {"state": "legacy"}}, source="okta", arguments=["--allow-removals"])
    gateway.wait_for(lambda: "1 of 7 rows cannot be used with this configuration: 1 legacy without a legacy_url (acme (source okta))" in gateway.stderr)


def test_rows_that_stay_are_looked_through_once(make_gateway):
    admin = Admin(free_port())
    gateway = make_gateway(admin={"address": f"127.0.0.1:{admin.port}"})
    gateway.load({"acme": CONNECTION_ID})
    gateway.start()
    gateway.wait_for(lambda: "ssoferry_table_checksum" in admin.metrics())
    assert "all rows can be used again" not in gateway.stderr

    def wakes():
        [inspector] = [status for status in threads(gateway.pid).values() if status["Name"] == "inspector"]
        return int(inspector["voluntary_ctxt_switches"])

    before = wakes()
    time.sleep(1)
    assert wakes() - before < 20, "it walks on and on"


def test_under_load_no_request_fails(gateway):
    """Fifty reloads between two configurations; every answer is that of one of them, and soon that of the new one."""
    with gateway.connect() as connection:

        def ask():
            connection.send(b"GET /old-sso/acme HTTP/1.1\r\nHost: a\r\n\r\n")
            answer = connection.answer()
            assert answer.location.endswith(LOCATION_END) and answer.status in (303, 307)
            return answer.status

        for i in range(50):
            status = 307 if i % 2 else 303
            gateway.configure(redirect=status)
            gateway.signal(signal.SIGHUP)
            gateway.wait_for(lambda: [ask() for _ in range(20)][-1] == status)
