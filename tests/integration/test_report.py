"""`ssoferry report` on what a daemon has counted: while it runs, when it was killed, and where there is none."""
import contextlib
import csv
import datetime
import io
import json
import os
import pty
import re
import signal
import subprocess
import threading
import time

import pytest

import wire
from admin import Admin
from ports import free_port
from preload import Reads, days_ago, environment_with, start_with
from process import children, has_ended
from programs import is_sanitized, program
from store_file import StoreFile
from stytch_ids import connection_id


def legacy(identifier):
    return {"state": "legacy", "legacy_url": f"https://legacy.example.net/acs/{identifier}"}


ROWS = {
    "acme": connection_id(1),
    "globex": connection_id(2),
    "hooli": legacy("hooli"),
    "initech": {"state": "disabled"},
    'quo"te,comma': {"connection_id": connection_id(3), "label": "=SUM(1)"},
}
ROUTES = [{"match": "/old-sso/{identifier}"}]
HITS = {"acme": 3, "hooli": 2, "quo%22te,comma": 1}
UNKNOWN = {"ACME": 2, "acmee": 1}


@pytest.fixture
def gateway(make_gateway):
    gateway = make_gateway(routes=ROUTES, legacy={"allowed_hosts": ["legacy.example.net"]})
    gateway.load(ROWS)
    return gateway


def use(gateway):
    for identifier, times in {**HITS, **UNKNOWN}.items():
        for _ in range(times):
            gateway.get(f"/old-sso/{identifier}")


@pytest.fixture
def used(gateway):
    """A store whose daemon has counted and ended, on one of `days`, which are one or two."""
    gateway.start()
    gateway.days = [today()]
    use(gateway)
    gateway.stop()
    gateway.days.append(today())
    return gateway


def names(gateway, *options):
    return [row["identifier"] for row in gateway.report(*options).rows]


def today():
    return datetime.datetime.now(datetime.timezone.utc).date().isoformat()


def test_without_usage_it_says_so(gateway):
    result = gateway.loader("report")
    assert result.stdout.splitlines()[0].split() == ["SOURCE", "IDENTIFIER", "STATE", "HITS", "FIRST", "SEEN", "LAST", "SEEN"]
    assert re.search(r"^default +acme +stytch +0 +- +never$", result.stdout, re.M)
    assert "3 of 5 connections are cut over; 1 is still legacy; 1 is disabled. Nothing has been counted yet" in result.stdout
    assert "Unknown" not in result.stdout and "retire" not in result.stdout
    totals = gateway.report().totals
    assert (totals["counted_since"], totals["hits"], totals["never"]) == (None, 0, 5)


def test_that_counting_is_off_is_told(gateway):
    gateway.configure(usage=False)
    said = "Counting is off (usage: false), so it is not known who still uses the old addresses."
    result = gateway.loader("report")
    assert re.search(r"^default +acme +stytch +0 +- +-$", result.stdout, re.M) and said in result.stdout and "yet" not in result.stdout
    silent = gateway.loader("report", "--silent")
    assert "warning: too early to retire any rows: counting is off (usage: false)" in silent.stderr
    totals = gateway.report().totals
    assert (said in totals["verdict"], totals["may_retire"], totals["doubt"]) == (True, False, "counting_is_off")


def test_an_empty_table(make_gateway):
    gateway = make_gateway()
    gateway.load({})
    assert gateway.loader("report").stdout == "The table has no connections.\n"
    assert gateway.loader("report", "--source", "auth0").stdout == "The source has no connections.\n"


def test_the_table_for_people(used):
    lines = used.loader("report").stdout.splitlines()
    day = f"({'|'.join(used.days)})"
    assert re.fullmatch(rf"default +acme +stytch +3 +{day} +{day} \((just now|1 minute ago)\)", lines[1])
    assert [line.split()[1] for line in lines[1:6]] == list(ROWS)
    verdict = lines.index("") + 1
    assert lines[verdict].startswith("3 of 5 connections are cut over, 2 of them seen in the last 30 days; 1 is still legacy; 1 is disabled.")
    assert "Counting began only" in lines[verdict] and "2 have not been seen since." in lines[verdict]
    assert lines[verdict + 1] == "It is too early to retire the silent ones: `ssoferry report --silent` shows them."
    assert lines[verdict + 3] == "Unknown identifiers:"
    assert lines[verdict + 4].split("  ")[-1].strip() == "DID YOU MEAN"
    assert [(line.split()[1], line.split()[2], line.split()[-1]) for line in lines[verdict + 5:]] == [("ACME", "2", "acme"), ("acmee", "1", "acme")]


def test_the_first_of_very_many(make_gateway):
    """Not all of them are kept while they are sorted."""
    gateway = make_gateway(routes=ROUTES, threads=1)
    gateway.load({f"customer-{number:04}": connection_id(number) for number in range(3000)})
    gateway.start()
    for number in (500, 500, 700):
        assert gateway.get(f"/old-sso/customer-{number:04}").status == 307
    gateway.stop()
    assert names(gateway, "--sort", "hits", "--limit", 2) == ["customer-0500", "customer-0700"]
    assert names(gateway, "--sort", "last_seen", "--limit", 1) == ["customer-0700"]


def test_what_failed_is_shown_where_anything_has(gateway):
    gateway.start()
    use(gateway)
    for _ in range(3):
        assert gateway.get("/old-sso/hooli", host="legacy.example.net").status == 508
    assert gateway.post("/old-sso/hooli", b"x" * (1 << 20 | 1)).status == 413
    for _ in range(4):  # so that the most hits are another's
        gateway.get("/old-sso/acme")
    gateway.stop()
    said = gateway.loader("report").stdout
    lines = said.splitlines()
    assert lines[0].split()[3:6] == ["HITS", "FAILED", "FIRST"]
    assert {line.split()[1]: line.split()[3:5] for line in lines[1:6]} == {
        "acme": ["7", "0"], "globex": ["0", "0"], "hooli": ["6", "4"], "initech": ["0", "0"], 'quo"te,comma': ["1", "0"]}
    assert " 1 is disabled. Requests for 1 connection have failed since counting began. Counting began" in said
    assert "`ssoferry report --sort failed`; why: `decision` and `reason` in the request log." in said
    assert names(gateway, "--sort", "failed")[0] == "hooli"
    assert "FAILED" not in gateway.loader("report", "--state", "stytch").stdout
    assert gateway.report().totals["failed"] == 1


def test_a_sign_in_at_a_row_that_cannot_be_read_has_failed(gateway):
    gateway.start()
    gateway.get("/old-sso/acme")
    record = gateway.store_file.record("globex")
    gateway.store_file.replace_record("globex", record[:-1])
    assert gateway.get("/old-sso/globex").status == 503
    gateway.store_file.replace_record("globex", record)
    assert gateway.get("/old-sso/globex").status == 307
    gateway.stop()
    told = gateway.report()
    used = {row["identifier"]: row["outcomes"] for row in told.rows if row["hits"]}
    assert used == {"acme": {"stytch": 1, "legacy": 0, "disabled": 0, "failed": 0},
                    "globex": {"stytch": 1, "legacy": 0, "disabled": 0, "failed": 1}}
    assert told.totals["failed"] == 1


def test_a_method_that_is_refused_is_no_use_of_anybody(gateway):
    gateway.start()
    for method, identifier in ("OPTIONS", "acme"), ("PUT", "globex"), ("PUT", "wp-admin"), ("OPTIONS", ".env"):
        assert gateway.request(method, f"/old-sso/{identifier}").status == 405
    gateway.get("/old-sso/hooli")
    gateway.stop()
    told = gateway.report()
    assert {line["identifier"]: line["hits"] for line in told.rows} == {name: int(name == "hooli") for name in ROWS}
    assert told.unknown == [] and told.totals["failed"] == 0
    assert set(names(gateway, "--silent")) == set(ROWS) - {"hooli"}


def test_json(used):
    told = used.report()
    acme, globex, hooli, initech, quote = told.rows
    assert (acme["source"], acme["identifier"], acme["state"], acme["hits"], acme["idle"]) == ("default", "acme", "stytch", 3, False)
    assert acme["outcomes"] == {"stytch": 3, "legacy": 0, "disabled": 0, "failed": 0}
    assert set(acme["days"]) <= set(used.days) and sum(acme["days"].values()) == 3
    assert acme["first_seen"] <= acme["last_seen"] and acme["last_seen"].startswith(tuple(used.days))
    assert (globex["hits"], globex["first_seen"], globex["last_seen"], globex["days"], globex["idle"]) == (0, None, None, {}, True)
    assert hooli["outcomes"]["legacy"] == 2
    assert (quote["identifier"], quote["label"], acme["label"]) == ('quo"te,comma', "=SUM(1)", None)
    assert [(line["identifier"], line["hits"], line["error"], line["did_you_mean"]) for line in told.unknown] == [
        ("ACME", 2, 0, "acme"), ("acmee", 1, 0, "acme")]
    totals = told.totals
    assert totals["rows"] == {"stytch": 3, "legacy": 1, "disabled": 1}
    assert totals["seen"] == {"stytch": 2, "legacy": 1, "disabled": 0}
    assert (totals["idle"], totals["never"], totals["hits"], totals["unknown_hits"]) == (2, 2, 6, 3)
    assert (totals["revision"], totals["idle_seconds"]) == (1, 30 * 86400)
    assert totals["counted_since"] <= acme["first_seen"]


def test_csv(used):
    command = [program("ssoferry"), "-c", used.config_path, "report", "--csv"]
    text = subprocess.run(command, check=True, capture_output=True, timeout=60).stdout.decode()
    assert text.count("\r\n") == text.count("\n") == 1 + len(ROWS) + len(UNKNOWN)
    rows = list(csv.DictReader(io.StringIO(text, newline="")))
    assert [row["identifier"] for row in rows] == [*ROWS, "ACME", "acmee"]
    quote = rows[len(ROWS) - 1]
    assert (quote["kind"], quote["state"], quote["label"], quote["hits"], quote["stytch"]) == ("connection", "stytch", "=SUM(1)", "1", "1")
    assert (rows[1]["last_seen"], rows[1]["idle"]) == ("", "true")
    assert (rows[-2]["kind"], rows[-2]["hits"], rows[-2]["did_you_mean"]) == ("unknown", "2", "acme")


def test_filters_and_orders(used):
    assert names(used, "--state", "stytch") == ["acme", "globex", 'quo"te,comma']
    assert names(used, "--silent") == ["globex", "initech"]
    for form in ("--csv", "--json", "--state=legacy"):
        assert "ssoferry: warning: too early to retire any rows: counting began " in used.loader("report", "--silent", form).stderr
    for idle, seconds in (("2w", 1_209_600), ("7d", 604_800), ("12h", 43_200), ("90m", 5_400), ("1s", 1)):
        assert used.report("--idle", idle).totals["idle_seconds"] == seconds
    time.sleep(1)
    silent = used.loader("report", "--silent", "--idle", "1s")
    assert silent.stderr == "" and used.report("--idle", "1s").totals["may_retire"]
    assert "The silent ones are the list to retire: `ssoferry report --silent`" in used.loader("report", "--idle", "1s").stdout
    legacy = {"legacy_url": "https://legacy.example.net/{identifier}"}
    used.configure(observe=True, routes=[ROUTES[0] | legacy])
    told = "Rehearsal (observe): every sign-in goes to the old system. Without it, 3 of 5 connections would be cut over"
    assert told in used.loader("report").stdout
    assert "too early to retire any rows: this is a rehearsal (observe)" in used.loader("report", "--silent", "--idle", "1s").stderr
    assert names(used, "--silent", "--state", "disabled") == ["initech"]
    assert names(used, "--limit", 2) == ["acme", "globex"]
    assert names(used, "--limit", 0) == []
    assert names(used, "--sort", "hits") == ["acme", "hooli", 'quo"te,comma', "globex", "initech"]
    assert names(used, "--sort", "hits", "--limit", 2, "--state", "stytch") == ["acme", 'quo"te,comma']
    latest = names(used, "--sort", "last_seen")
    assert set(latest[:3]) == {"acme", "hooli", 'quo"te,comma'} and latest[3:] == ["globex", "initech"]
    assert names(used, "--sort", "identifier") == list(ROWS)
    for options in ["--state", "stytch"], ["--silent"]:
        assert not used.report(*options).unknown
    # Totals are of the whole all the same.
    assert used.report("--limit", 1, "--state", "legacy").totals["rows"] == {"stytch": 3, "legacy": 1, "disabled": 1}
    assert "no row matches" in used.loader("report", "--silent", "--state", "legacy").stderr
    assert "no row matches" not in used.loader("report", "--limit", "0").stderr, "they do, but none was to be shown"


@pytest.mark.parametrize("options", [[], ["--json"], ["--silent", "--csv"], ["--state", "legacy"]])
def test_a_source_that_is_not_there_is_no_empty_list(used, options):
    assert "source defualt has no rows; there are rows of: default" in used.loader("report", "--source", "defualt", *options, expect=1).stderr


@pytest.mark.parametrize("state", ["stytch", "legacy", "disabled"])
def test_a_source_whose_rows_are_all_of_one_state_is_there(used, state):
    used.load({"acme": {**legacy("acme"), "connection_id": connection_id(9), "state": state}}, source="auth0")
    assert names(used, "--source", "auth0") == ["acme"]


def test_a_source_of_unknown_identifiers_alone_is_there(make_gateway):
    gateway = make_gateway(routes=[{"match": "/old-sso/{identifier}"}, {"match": "/auth0/{identifier}", "source": "auth0"}])
    gateway.load({"acme": connection_id(1)})
    gateway.start()
    assert gateway.get("/auth0/acme").status == 404
    gateway.wait_for(lambda: gateway.report().totals["unknown_hits"] == 1)
    assert [row["identifier"] for row in gateway.report("--source", "auth0").unknown] == ["acme"]


def test_sources_are_apart(used):
    used.load({"acme": connection_id(9)}, source="auth0")
    assert names(used, "--source", "auth0") == ["acme"]
    assert used.report("--source", "auth0").rows[0]["hits"] == 0
    assert not used.report("--source", "auth0").unknown
    assert names(used) == ["acme", *ROWS]


def test_a_source_does_not_rehearse_because_another_does(make_gateway):
    legacy = "https://legacy.example.net/{identifier}"
    gateway = make_gateway(legacy={"allowed_hosts": ["legacy.example.net"]}, routes=[
        {"match": "/a/{identifier}", "source": "a", "legacy_url": legacy}, {"match": "/b/{identifier}", "source": "b", "legacy_url": legacy, "observe": True},
        {"match": "/c/{identifier}", "source": "c", "legacy_url": legacy, "observe": True}, {"match": "/d/{identifier}", "source": "c", "legacy_url": legacy}])
    for number, source in enumerate("abcd"):
        gateway.load({"acme": connection_id(number)}, source=source)
    gateway.start()
    gateway.stop()
    time.sleep(1)

    def told(source):
        totals = gateway.report("--source", source, "--idle", "1s").totals
        return totals["verdict"].split(" connection")[0], totals["may_retire"]

    assert told("a") == told("d") == ("1 of 1", True), "the other sources alone rehearse"
    assert told("b") == ("Rehearsal (observe): every sign-in goes to the old system. Without it, 1 of 1", False)
    some = "Rehearsal on some routes (observe): every sign-in by them goes to the old system. Without it, "
    assert told("c") == (some + "1 of 1", False)
    assert gateway.report().totals["verdict"].startswith(some + "4 of 4")
    gateway.configure(observe=True)
    assert [told(source)[1] for source in "abcd"] == [False] * 4, "no route leads to a row of d, and none cuts anybody over"


def test_how_many_unknown_identifiers_are_shown(gateway):
    gateway.start()
    strangers = [f"a-stranger-{number:02}" for number in range(25)]
    for name in [*strangers, "globexx", "zzz", "zzz"]:
        assert gateway.get(f"/old-sso/{name}").status == 404
    gateway.wait_for(lambda: gateway.report().totals["unknown_hits"] == 28)
    gateway.stop()

    def shown(*options):
        text = gateway.loader("report", *options).stdout
        head, *lines = text[text.index("Unknown identifiers"):].splitlines()
        return head, [line.split()[1] for line in lines[1:] if line.startswith("default")], lines[-1]

    in_order = ["zzz", "globexx", *strangers]  # of those seen once, what is close to a row first
    assert [line["identifier"] for line in gateway.report().unknown] == in_order
    assert shown() == ("Unknown identifiers, the 20 most frequent of 27:", in_order[:20], "All of them: --limit 27, --json or --csv.")
    assert shown("--limit", 26)[:2] == ("Unknown identifiers, the 26 most frequent of 27:", in_order[:26])
    head, names_shown, last = shown("--limit", 27)
    assert (head, names_shown) == ("Unknown identifiers:", in_order) and "All of them" not in last
    assert shown("--limit", 2)[1] == in_order[:2]


def test_a_long_unknown_identifier_pads_no_other_line(gateway):
    """Anybody may ask for one."""
    gateway.start()
    use(gateway)
    long = "x" * 440
    gateway.get(f"/old-sso/{long}")
    gateway.stop()
    lines = gateway.loader("report").stdout.splitlines()
    unknown = lines[lines.index("Unknown identifiers:") + 1:]
    assert len(unknown) == 4 and max(len(line) for line in unknown if long not in line) < 150
    assert [re.split("  +", line)[:3] for line in unknown if long in line] == [["default", long, "1"]]


@pytest.mark.parametrize("option", [(), ("--json",), ("--csv",)])
def test_what_was_meant_is_not_looked_for_once_the_disk_is_full(make_gateway, option):
    gateway = make_gateway(routes=ROUTES)
    gateway.load({f"customer-{number:04}": connection_id(number) for number in range(9999)})
    gateway.start()
    gateway.get("/old-sso/customer-000")
    gateway.stop()
    reads = Reads(gateway.directory)
    assert "customer-0000" in gateway.loader("report", *option, env=reads.environment).stdout
    all_reads = reads.count()
    with open("/dev/full", "w") as full:
        subprocess.run([program("ssoferry"), "--store", gateway.store, "report", *option], stdout=full, stderr=subprocess.DEVNULL, env=reads.environment)
    assert reads.count() < all_reads - 15000


def test_a_row_that_is_added_is_not_unknown_any_more(used):
    used.set("acmee", f"connection_id={connection_id(4)}")
    assert [line["identifier"] for line in used.report().unknown] == ["ACME"]


def test_idle(used):
    time.sleep(1.1)
    totals = used.report("--idle", "1s").totals
    assert (totals["idle"], totals["idle_seconds"]) == (5, 1)
    totals = used.report("--idle", "2w").totals
    assert (totals["idle"], totals["idle_seconds"]) == (2, 14 * 86400)


def serve_days_ago(gateway, monkeypatch, days, *identifiers):
    with days_ago(gateway.directory, monkeypatch, days):
        gateway.start()
    for identifier in identifiers:
        gateway.get(f"/old-sso/{identifier}")
    gateway.stop()


@pytest.fixture
def loaded_long_ago(at_noon, make_gateway, monkeypatch):
    gateway = make_gateway(routes=ROUTES, legacy={"allowed_hosts": ["legacy.example.net"]})
    with days_ago(gateway.directory, monkeypatch, 500):
        gateway.load(ROWS)
    return gateway


def test_nobody_is_silent_for_days_that_were_not_counted(loaded_long_ago, monkeypatch):
    """Else whoever counts again after a while is told to retire customers who signed in every day of it."""
    gateway = loaded_long_ago
    serve_days_ago(gateway, monkeypatch, 60, "acme", "globex")
    gateway.configure(usage=False)
    serve_days_ago(gateway, monkeypatch, 1, "acme", "globex")
    assert not gateway.report("--idle", "7d").totals["may_retire"]
    gateway.configure(usage=True)
    serve_days_ago(gateway, monkeypatch, 0, "acme")
    told = gateway.loader("report", "--silent", "--idle", "7d")
    assert "globex" in told.stdout and "been silent for" not in told.stdout
    assert "Nothing was counted on 7 of the last 8 days, so who has been silent is not known." in told.stdout
    assert "too early to retire any rows: nothing was counted on 7 of the last 8 days" in told.stderr
    totals = gateway.report("--idle", "90d").totals
    assert (totals["may_retire"], totals["uncounted_days"]) == (False, 59)
    assert "It is too early to retire the silent ones" in gateway.loader("report").stdout


def as_if_counted_each_day(gateway):
    """As is taken to be of a file of a release that noted no days."""
    StoreFile(gateway.store.with_name(gateway.store.name + ".usage")).remove_key(b"*\0days", database=b"hits")


def test_nobody_is_silent_for_longer_than_days_are_known(loaded_long_ago, monkeypatch):
    """The usage file tells of 90 days whether there was counting; a daemon may have been off for months before them."""
    gateway = loaded_long_ago
    serve_days_ago(gateway, monkeypatch, 400)
    serve_days_ago(gateway, monkeypatch, 0, "acme")
    as_if_counted_each_day(gateway)
    for idle, days in (("365d", 275), ("91d", 1), ("2161h", 1), ("90d", 0)):
        totals = gateway.report("--idle", idle).totals
        assert (totals["may_retire"], totals["uncounted_days"], totals["forgotten_days"]) == (days == 0, 0, days), idle
    for form in "--json", "--csv", "--limit=1":
        assert ("warning: --idle is too long to retire any rows by: whether anything was counted is known of the last 90 days only, "
                "so choose 90d or less") in gateway.loader("report", "--silent", "--idle", "365d", form).stderr
    told = gateway.loader("report", "--idle", "365d").stdout
    assert "Whether anything was counted is known of the last 90 days only, so who has been silent for 365 days is not known." in told
    assert "ever since" not in told and "--idle is too long to retire the silent ones by: `ssoferry report --silent` shows them." in told
    assert gateway.loader("report", "--silent", "--idle", "90d").stderr == ""


def test_a_row_that_may_be_new_is_no_row_to_retire(loaded_long_ago, monkeypatch):
    """Which rows are new is known as far back as revisions are kept; a cut-over customer by customer makes many."""
    gateway = loaded_long_ago
    serve_days_ago(gateway, monkeypatch, 400)
    with days_ago(gateway.directory, monkeypatch, 20):
        gateway.set("newco", f"connection_id={connection_id(7)}")
    with days_ago(gateway.directory, monkeypatch, 10):
        for number in range(48):
            gateway.set("acme", f"label=Acme {number}")
        known = json.loads(gateway.loader("history", "--json").stdout.splitlines()[0])["changed_at"][:10]
    serve_days_ago(gateway, monkeypatch, 0, "acme")
    as_if_counted_each_day(gateway)
    totals = gateway.report("--idle", "90d").totals
    assert (totals["may_retire"], totals["additions_known_since"]) == (True, None), "all revisions are kept"
    assert "newco" not in names(gateway, "--silent", "--idle", "90d") and gateway.loader("report", "--silent").stderr == ""

    with days_ago(gateway.directory, monkeypatch, 9):
        for number in range(2):
            gateway.set("acme", f"label=Acme & {number}")
    totals = gateway.report("--idle", "90d").totals
    assert (totals["may_retire"], totals["additions_known_since"][:10]) == (False, known)
    since = totals["additions_known_since"]
    for form in "--json", "--csv", "--limit=1":
        assert (f"warning: some rows may be too new to retire: those added before {since} cannot be told from old ones, because only the last "
                "50 revisions are kept; find out when the ones never seen were added") in gateway.loader("report", "--silent", "--idle", "90d", form).stderr
    told = gateway.loader("report", "--idle", "90d").stdout
    assert f" 5 have been silent for 90 days, or are newer than that if added before {since}." in told
    assert "Some of the silent ones may be too new to retire: `ssoferry report --silent` shows them." in told
    # Nobody who was added in the last five days can be too new for what is known.
    totals = gateway.report("--idle", "5d").totals
    assert (totals["may_retire"], totals["additions_known_since"]) == (True, None)
    assert gateway.loader("report", "--silent", "--idle", "5d").stderr == ""


@pytest.mark.parametrize("days", [5 * 365, -20 * 365], ids=["ahead", "behind"])
def test_a_clock_that_was_wrong_once_names_nobody_who_is_new(loaded_long_ago, monkeypatch, days):
    """A row of today stood on the list to retire for as long as the clock had been ahead."""
    gateway = loaded_long_ago
    serve_days_ago(gateway, monkeypatch, 40, "globex")
    gateway.set("recent", f"connection_id={connection_id(7)}")
    with days_ago(gateway.directory, monkeypatch, -days):
        gateway.set("acme", "label=Acme")
    gateway.set("newcomer", f"connection_id={connection_id(8)}")
    told = gateway.loader("report", "--silent")
    silent = names(gateway, "--silent")
    assert "acme" in silent and "globex" in silent and not {"recent", "newcomer"} & set(silent), told.stdout


def test_a_day_of_many_without_counting_says_little(loaded_long_ago, monkeypatch):
    for days in (10, 7, 6, 5, 4, 2, 1, 0):
        serve_days_ago(loaded_long_ago, monkeypatch, days)
    totals = loaded_long_ago.report("--idle", "7d").totals
    assert (totals["may_retire"], totals["uncounted_days"], totals["hits"]) == (True, 1, 0)
    told = loaded_long_ago.loader("report", "--silent", "--idle", "7d")
    assert told.stderr == "" and "5 have been silent for 7 days, ever since counting began." in told.stdout


@pytest.mark.parametrize("options, words", [
    (["--idle", "soon"], "'soon' is not a time such as 30d"),
    (["--idle", "0d"], "'0d' is not a time"),
    (["--idle", "d"], "'d' is not a time"),
    (["--idle", "99999999999999999999d"], "is not a time"),
    (["--idle", "9223372036854s"], "'9223372036854s' is not a time"),
    (["--idle", "30"], "'30' is not a time"),
    (["--sort", "name"], "there are hits, failed, last_seen and identifier"),
    (["--state", "on"], "there are stytch, legacy and disabled"),
    (["--source", "A"], "the source 'A'"),
    (["--json", "--csv"], "choose one"),
])
def test_wrong_options(gateway, options, words):
    result = gateway.loader("report", *options, expect=2)
    assert words in result.stderr and result.stdout == ""


def test_it_reads_while_the_daemon_writes(gateway):
    gateway.start()
    for round_ in range(1, 3):
        use(gateway)
        gateway.wait_for(lambda: gateway.report().totals["hits"] == round_ * sum(HITS.values()))
    gateway.set("hooli", "state=disabled")
    totals = gateway.report().totals
    assert totals["rows"] == {"stytch": 3, "legacy": 0, "disabled": 2}


def test_a_kill_takes_nothing_that_was_written(gateway):
    gateway.start()
    use(gateway)
    gateway.wait_for(lambda: gateway.report().totals["hits"] == sum(HITS.values()))
    gateway.kill()
    before = gateway.report()[:2]
    gateway.start()
    gateway.stop()
    assert gateway.report()[:2] == before


def test_a_damaged_usage_file_stops_neither_sign_ins_nor_the_table(used):
    usage = used.store.with_name(used.store.name + ".usage")
    usage.write_bytes(usage.read_bytes()[:8192] + b"\xff" * (usage.stat().st_size - 8192))
    result = used.loader("report", expect=1)
    assert "connections.mdb.usage" in result.stderr and "damaged: move it away" in result.stderr
    used.start()
    assert used.get("/old-sso/acme").status == 307
    assert "usage is not counted: " in used.stderr
    assert re.search(r"warning: .*usage: .* looked into at a start or a reload only: .*reload ssoferryd.*, or move it away", used.stderr)
    used.stop()
    assert "what was counted last is lost: " in used.stderr
    usage.unlink()
    assert "Nothing has been counted yet" in used.loader("report").stdout

    # what cannot be made yet is tried again
    admin, lock = Admin(free_port()), usage.with_name(usage.name + "-lock")
    lock.unlink()
    lock.mkdir()
    used.configure(admin={"address": f"127.0.0.1:{admin.port}"})
    used.start()
    assert used.get("/old-sso/acme").status == 307
    used.wait_for(lambda: admin.metric("ssoferry_usage_flush_failures_total") > 1)
    assert used.stderr.count("connections.mdb.usage: ") == 1  # no more is to be done than to put it right
    assert admin.metric("ssoferry_usage_flush_age_seconds") > 0 and admin.json("/report.json")["hits"] == 0
    lock.rmdir()
    used.wait_for(lambda: "usage is counted now, including what came in meanwhile" in used.stderr)
    used.wait_for(lambda: admin.json("/report.json")["hits"] == 1)
    assert used.get("/old-sso/acme").status == 307
    used.wait_for(lambda: admin.json("/report.json")["hits"] == 2)


def test_a_usage_file_that_is_put_right_is_taken_up_at_a_reload(used):
    """With all that it holds, and with what came while it was broken; nobody is dropped."""
    usage = used.store.with_name(used.store.name + ".usage")
    good, hits = usage.read_bytes(), used.report().totals["hits"]
    usage.write_bytes(good[:8192] + b"\xff" * (len(good) - 8192))
    used.start()
    with used.connect() as connection:
        for _ in range(2):
            connection.send(wire.request_bytes("GET", "/old-sso/acme", "localhost"))
            assert connection.answer().status == 307
        used.signal(signal.SIGHUP)
        used.wait_for(lambda: re.search(r"warning: usage is still not counted: .*usage: .*damaged: move it away", used.stderr))
        usage.write_bytes(good)
        used.signal(signal.SIGHUP)
        used.wait_for(lambda: "usage is counted now, including what came in meanwhile" in used.stderr)
        connection.send(wire.request_bytes("GET", "/old-sso/acme", "localhost"))
        assert connection.answer().status == 307
    used.wait_for(lambda: used.report().totals["hits"] == hits + 3)


@pytest.mark.parametrize("environment", [{}, {"STUCK_DEEP": 1}], ids=["a signal ends it", "no signal reaches it"])
def test_a_check_that_hangs_keeps_nobody_from_signing_in(used, environment, monkeypatch):
    """At a start and at a reload; once the disk answers again, all is there."""
    disk, hits = used.directory / "the-disk-hangs", used.report().totals["hits"]
    why = "connections.mdb.usage: the check of the usage file took more than 60 seconds: does its disk hang?"
    disk.touch()
    start_with(used, "stuck_check", monkeypatch, STUCK_WHILE=disk, **environment)
    assert f"usage is not counted: {used.store.parent}/{why}" in used.stderr
    assert used.get("/old-sso/acme").status == 307
    used.signal(signal.SIGHUP)
    used.wait_for(lambda: f"usage is still not counted: {used.store.parent}/{why}" in used.stderr)
    disk.unlink()
    used.wait_for(lambda: set(children(used.pid).values()) <= {"Z"})
    used.signal(signal.SIGHUP)
    used.wait_for(lambda: "usage is counted now, including what came in meanwhile" in used.stderr)
    assert not children(used.pid)
    used.wait_for(lambda: used.report().totals["hits"] == hits + 1)


@contextlib.contextmanager
def on_a_disk_that_never_answers(gateway, disk):
    """The daemon, which has a process hang at the usage file while `disk` is there."""
    environment = {**os.environ, **environment_with(program("stuck_check.so"), gateway.directory), "STUCK_WHILE": str(disk), "STUCK_FOREVER": "1"}

    def give_up():
        disk.unlink()
        process.kill()

    with subprocess.Popen([program("ssoferryd"), "-c", str(gateway.config_path)], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                          stderr=subprocess.PIPE, text=True, env=environment) as process:
        timer = threading.Timer(60, give_up)
        timer.start()
        yield process
        timer.cancel()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGQUIT], ids=["SIGTERM", "SIGINT", "SIGQUIT"])
def test_the_end_waits_for_no_check_of_a_start(used, number):
    disk = used.directory / "the-disk-hangs"
    disk.touch()
    with on_a_disk_that_never_answers(used, disk) as process:
        [checker] = used.wait_for(lambda: children(process.pid))
        process.send_signal(number)
        said = process.stderr.read()
    assert process.returncode == 0, said
    assert "usage: the check of the usage file was cut short: ssoferryd is to end" in said
    assert f"{number.name}: finishing requests" in said
    used.wait_for(lambda: has_ended(checker))


def test_the_end_waits_for_no_check_of_a_reload(used):
    disk, usage = used.directory / "the-disk-hangs", used.store.with_name(used.store.name + ".usage")
    usage.write_bytes(usage.read_bytes()[:8192] + b"\xff" * (usage.stat().st_size - 8192))
    with on_a_disk_that_never_answers(used, disk) as process:
        for line in process.stderr:
            if "revision" in line:  # it serves
                break
        disk.touch()
        process.send_signal(signal.SIGHUP)
        [checker] = used.wait_for(lambda: children(process.pid))
        process.terminate()
        said = process.stderr.read()
    assert process.returncode == 0, said
    used.wait_for(lambda: has_ended(checker))


@pytest.mark.parametrize("environment", [{}, {"STUCK_WITHOUT_CLOSE_RANGE": 1}], ids=["a new kernel", "a kernel before 5.9"])
def test_a_check_that_is_left_alone_holds_neither_the_port_nor_clients(used, environment, monkeypatch):
    """Whoever came to the port of a daemon that has ended would wait there for nobody."""
    disk, usage = used.directory / "the-disk-hangs", used.store.with_name(used.store.name + ".usage")
    usage.write_bytes(usage.read_bytes()[:8192] + b"\xff" * (usage.stat().st_size - 8192))
    start_with(used, "stuck_check", monkeypatch, STUCK_WHILE=disk, STUCK_DEEP=1, **environment)
    with used.connect() as connection:
        connection.send(wire.request_bytes("GET", "/old-sso/acme", "localhost"))
        assert connection.answer().status == 307
        disk.touch()
        used.signal(signal.SIGHUP)
        used.wait_for(lambda: "usage is still not counted: " in used.stderr)
        [checker] = children(used.pid)
        os.kill(used.pid, signal.SIGKILL)
        used.wait_for(lambda: has_ended(used.pid))
        assert connection.closed()
    used.wait_for(lambda: not used.accepts())  # the kernel closes one socket after the other
    assert not has_ended(checker)
    used.kill()


def test_a_usage_file_that_is_taken_away_is_followed_by_a_new_one(used):
    """Not by one that nobody has looked into."""
    usage = used.store.with_name(used.store.name + ".usage")
    hits = used.report().totals["hits"]
    admin = Admin(free_port())
    used.configure(admin={"address": f"127.0.0.1:{admin.port}"})
    used.start()
    directory = usage.parent.rename(usage.parent.with_name("away"))
    used.wait_for(lambda: f"warning: {used.store} was deleted or moved away" in used.stderr)
    assert used.get("/old-sso/acme").status == 307
    used.wait_for(lambda: admin.json("/report.json")["hits"] == hits + 1)
    directory.rename(usage.parent)
    hits += 1

    gone = "usage was deleted or replaced: counting begins again from nothing"
    for times in (1, 2):
        usage.rename(usage.with_name(f"away-{times}"))
        used.wait_for(lambda: used.stderr.count(gone) == times)
        assert used.get("/old-sso/acme").status == 307
        used.wait_for(lambda: used.stderr.count("usage is counted now, including what came in meanwhile") == times)
        used.wait_for(lambda: used.report().totals["hits"] == 1 and admin.json("/report.json")["hits"] == 1)

    usage.with_name("away-1").rename(usage)
    used.wait_for(lambda: used.stderr.count(gone) == 3)
    assert used.get("/old-sso/acme").status == 307
    failures = admin.metric("ssoferry_usage_flush_failures_total")
    used.wait_for(lambda: admin.metric("ssoferry_usage_flush_failures_total") > failures)
    assert used.report().totals["hits"] == hits
    if is_sanitized():
        return  # LeakSanitizer needs processes, so that the sandbox leaves them
    used.signal(signal.SIGHUP)
    used.wait_for(lambda: "usage is still not counted: " in used.stderr)
    assert "the sandbox no longer allows the process that checks it: restart ssoferryd" in used.stderr
    used.stop()
    assert "what was counted last is lost: " in used.stderr


def test_a_new_usage_file_has_nothing_of_the_one_before(gateway):
    """Of unknown identifiers, which are kept in memory as the file has them."""
    usage = gateway.store.with_name(gateway.store.name + ".usage")
    gateway.start()
    use(gateway)
    gateway.wait_for(lambda: gateway.report().totals["unknown_hits"] == sum(UNKNOWN.values()))
    usage.rename(usage.with_name("away"))
    gateway.wait_for(lambda: "usage is counted now" in gateway.stderr)
    first = datetime.datetime.now(datetime.timezone.utc).replace(microsecond=0).isoformat().replace("+00:00", "Z")
    for identifier in ("ACME", "else"):
        gateway.get(f"/old-sso/{identifier}")
    gateway.wait_for(lambda: gateway.report().totals["unknown_hits"] == 2)
    unknown = gateway.report().unknown
    assert [(row["identifier"], row["hits"], row["error"]) for row in unknown] == [("ACME", 1, 0), ("else", 1, 0)]
    assert all(row["first_seen"] >= first for row in unknown)


def test_a_day_is_noted_in_each_usage_file(at_noon, gateway, monkeypatch):
    """Also where it was noted in another one before."""
    usage = gateway.store.with_name(gateway.store.name + ".usage")
    gateway.configure(sandbox="off")  # which would have no process to look into a file
    serve_days_ago(gateway, monkeypatch, 3, "acme")
    usage.rename(usage.with_name("away"))
    gateway.start()
    gateway.get("/old-sso/acme")
    gateway.wait_for(lambda: gateway.report().totals["hits"] == 1)
    usage.with_name("away").rename(usage)
    gateway.wait_for(lambda: "usage was deleted or replaced" in gateway.stderr)
    gateway.signal(signal.SIGHUP)
    gateway.wait_for(lambda: "usage is counted now" in gateway.stderr)
    gateway.get("/old-sso/acme")
    gateway.wait_for(lambda: gateway.report().totals["hits"] == 2)
    assert gateway.report().totals["uncounted_days"] == 2


def on_a_terminal(gateway, *options):
    main, side = pty.openpty()
    pid = os.fork()
    if pid == 0:
        os.dup2(side, 1)
        os.close(main)
        os.execv(program("ssoferry"), ["ssoferry", "-c", str(gateway.config_path), "report", *options])
    os.close(side)
    parts = []
    try:
        while part := os.read(main, 65536):
            parts.append(part)
    except OSError:
        pass  # the other side has gone
    os.close(main)
    assert os.waitpid(pid, 0)[1] == 0
    return b"".join(parts).decode().replace("\r\n", "\n")


def test_a_terminal_shows_the_last_days(used):
    lines = on_a_terminal(used).splitlines()
    assert lines[0].endswith("LAST 14 DAYS")
    assert lines[1].endswith("·" * 13 + "█") or used.days[0] != today(), lines[1]
    assert "·" not in lines[2]
    assert "█" not in used.loader("report").stdout


def test_what_was_counted_is_read_with_a_bar(used):
    """Who was used, and which rows are new, is found out before the first line."""
    used.load({f"customer-{number:05}": connection_id(number) for number in range(20_000)}, arguments=("--merge",))
    main, side = pty.openpty()
    environment = {**os.environ, **environment_with(program("clock.so"), used.directory), "CLOCK_STEP_MS": "60", "TERM": "xterm"}
    with subprocess.Popen([program("ssoferry"), "-c", used.config_path, "report", "--json"], stdout=subprocess.PIPE, stderr=side, env=environment) as report:
        os.close(side)
        rows = report.stdout.read().splitlines()
        shown = os.read(main, 1 << 20).decode()
    os.close(main)
    assert report.returncode == 0 and len(rows) > 20_000
    percents = list(map(int, re.findall(r"\r\x1b\[Kreading what was counted  \[[#.]+\]  +(\d+) %", shown)))
    assert len(percents) > 2 and percents == sorted(percents) and percents[0] < 50 < percents[-1] <= 100
    assert shown.endswith("%\r\x1b[K")
