"""What `check`, `load` and `set` warn of in rows that are well-formed: nobody can use them, or they go elsewhere than was likely meant."""

import json
import re
import subprocess

import pytest

from loader import ACME, CONFIGURATION_OF_SOURCES, GLOBEX, INITECH, PROGRAM, SMALL, TIMEOUT, many_rows, mapping_text, plain
from programs import ROOT
from stytch_ids import connection_id


def test_a_row_of_the_same_connection_that_is_left_behind_is_told(loader):
    rows = {"con-4": ACME, "http://idp/x": ACME, "other": GLOBEX, "gone": f"{{connection_id: {ACME}, state: disabled}}"}
    loader.load(mapping_text("auth0", {f"'{name}'": row for name, row in rows.items()}))
    left = "http://idp/x (source auth0) leads to the same connection and is still stytch"
    told = lambda *words: loader("set", "--source", "auth0", *words).stderr
    assert left in told("con-4", "state=legacy") and "warning" not in told("other", "state=legacy")
    assert "warning" not in told("con-4", "http://idp/x", "state=disabled")
    assert "con-4 (source auth0) leads to the same connection and is still disabled" in told("http://idp/x", "state=stytch")
    assert "warning" not in told("http://idp/x", "label=X")
    assert told("con-4", f"connection_id={INITECH}").count("still leads to") == 1  # gone
    for name, connection in ("a", "oidc-connection-live-1"), ("b", "oidc-connection-live-1"), ("c", "oidc-connection-live-2"):  # without a UUID
        told(name, f"connection_id={connection}")
    assert re.findall(r"warning: (\w+) \(source auth0\) leads", told("a", "state=disabled")) == ["b"]


def test_whose_connection_is_given_to_another_row_is_told(loader):
    loader.load(mapping_text("auth0", {"acme": ACME, "globex": GLOBEX, "initech": INITECH}))
    told = lambda *words: re.findall(r"ssoferry: (\S+) \(source auth0\) leads to that connection as well", loader("set", "--source", "auth0", *words).stderr)
    assert told("globex", f"connection_id={ACME}") == ["acme"]
    assert told("globex", f"connection_id={ACME}") == told("globex", "label=Globex", f"connection_id={ACME}") == []  # it had it
    assert told("glbex", f"connection_id={GLOBEX}") == []
    assert told("hooli", "umbrella", f"connection_id={ACME}") == ["acme", "globex"]
    assert told("globex", f"connection_id={GLOBEX}") == ["glbex"]
    assert told("initech", "label=Initech") == told("initech", "state=disabled") == []


def test_of_many_rows_of_one_connection_five_are_told(loader):
    loader.load(mapping_text("auth0", {f"name-{i}": ACME for i in range(8)}))
    shown = loader("set", "--source", "auth0", "name-0", "state=disabled").stderr.splitlines()
    assert [re.search(r"name-\d", line)[0] for line in shown[:5]] == [f"name-{i}" for i in range(1, 6)]
    assert shown[5:] == ["ssoferry: warning: and 2 more such rows"]
    assert loader("set", "--source", "auth0", "other", f"connection_id={ACME}").stderr.count("leads to that connection as well") == 5
    loader.load(mapping_text("auth0", {f"name-{i}": ACME for i in range(6)}), "--allow-removals")
    told = loader("set", "--source", "auth0", "name-0", "state=disabled").stderr
    assert told.count("leads to the same connection") == 5 and "more such" not in told


def test_a_batch_that_leaves_another_name_of_a_customer_behind_is_told(loader):
    def batch(state, *names):
        rows = {"con-4": ACME, "'http://idp/x'": ACME, "other": GLOBEX}
        return mapping_text("auth0", {name: f"{{connection_id: {rows[name]}, state: {state}}}" for name in names})

    told = lambda text, *options: [line for line in loader.load(text, *options).stderr.splitlines() if "same connection" in line]
    everybody = ["con-4", "'http://idp/x'", "other"]
    left = "http://idp/x (source auth0) leads to the same connection and is still"
    assert told(batch("legacy", *everybody)) == []
    rehearsed = told(batch("stytch", "con-4", "other"), "--merge", "--dry-run")
    assert rehearsed == [line for line in loader("diff", "--merge", loader.home / "connections.yaml").stderr.splitlines() if "same connection" in line]
    assert len(rehearsed) == 1 and f"{left[:-len('is still')]}would still be legacy" in rehearsed[0]
    found = told(batch("stytch", "con-4", "other"), "--merge")
    assert len(found) == 1 and f"{left} legacy" in found[0]
    assert told(batch("stytch", *everybody)) == []  # the one left behind, now on its own
    assert f"{left} stytch" in told(batch("legacy", "con-4", "other"), "--merge")[0]
    assert told(batch("legacy", *everybody), "--merge") == told(batch("stytch", *everybody), "--merge") == []
    swapped = loader.load(mapping_text("auth0", {"con-4": GLOBEX, "'http://idp/x'": GLOBEX, "other": ACME}), "--merge")
    assert "by another name" not in swapped.stderr, "nobody still is what they were"


@pytest.mark.parametrize("after, left", [
    ({"default": {"acme": "stytch"}}, []),
    ({"default": {"acme": "stytch", "acme-eu": "legacy", "new": "legacy"}}, ["acme-eu", "new"]),
    ({"default": {"acme": "stytch", "acme-eu": "stytch"}}, []),
    ({"default": {"acme": "stytch", "acme-eu": "disabled"}}, []),
    ({"default": {"acme": "stytch"}, "auth0": {}}, []),
    ({"default": {"acme": "stytch", "acme-eu": "legacy"}, "auth0": {"old": "legacy", "acme-us": "legacy"}}, ["acme-eu", "acme-us", "old"]),
])
@pytest.mark.parametrize("option", [[], ["--merge"], ["--all-sources"]])
def test_a_rehearsed_load_tells_whom_the_load_would_leave_behind(loader, option, after, left):
    table = lambda sources: "version: 1\nsources:\n" + "".join(f"  {source}:{'' if rows else ' {}'}\n" + "".join(
        f"    {name}: {{connection_id: {ACME}, state: {state}}}\n" for name, state in rows.items()) for source, rows in sources.items())
    names = lambda result: re.findall(r"(\S+) \(source \w+\) leads to the same connection", result.stderr)
    loader.load(table({"default": {"acme": "legacy", "acme-eu": "legacy"}, "auth0": {"old": "legacy"}}))
    if option != ["--all-sources"] and ("auth0" not in after or option == ["--merge"]) and "old" not in left:
        left = [*left, "old"]
    if option == ["--merge"] and "acme-eu" not in after["default"]:
        left = ["acme-eu", *left]
    file = loader.file(table(after))
    for command in ["diff"], ["load", "--dry-run", "--allow-removals"]:
        rehearsed = loader(*command, *option, file)
        assert sorted(names(rehearsed)) == sorted(left) and "is still" not in rehearsed.stderr
    assert sorted(names(loader("load", "--allow-removals", *option, file))) == sorted(left)


def test_a_rehearsed_set_of_all_rows_tells_whom_it_would_leave_behind(routed, loader):
    rows = lambda *names: "".join(f"    {name}: {{connection_id: {ACME}, legacy_url: 'https://legacy.example.net/'}}\n" for name in names)
    file = loader.file(f"version: 1\nsources:\n  auth0:\n{rows('acme', 'acme-eu')}  folded:\n{rows('acme-us')}"
                       f"  default:\n{rows('hooli')}    initech: {ACME}\n")
    routed("load", "--allow-removals", file)
    for options, left in (["--source", "auth0"], ["acme-us", "hooli", "initech"]), (["--keep-going"], ["initech"]):
        told = []
        for dry_run in ["--dry-run"], []:
            result = routed("set", "--all", "--state", "stytch", "state=legacy", *options, *dry_run, status=int(options == ["--keep-going"]))
            told.append(sorted(re.findall(r"(\S+) \(source \w+\) leads to the same connection and (?:is still|would still be) stytch", result.stderr)))
        assert told == [left, left]
        loader("rollback", "--yes", 2)


ODDITIES = [  # source, rows, what is said, whether the sign-ins fail
    ("default", {"acme": "{state: legacy}", "hooli": "{state: legacy}"}, "acme is legacy, but neither it nor a route of source default has a legacy_url", True),
    ("auth0", {"acme": "{state: legacy}"}, "", False),
    ("partly", {"acme": "{state: legacy}"}, "acme is legacy without a legacy_url, and some routes of source partly have none either: its sign-ins by those get 503", False),
    ("partly", {"acme": "{state: legacy, legacy_url: 'https://legacy.example.net/x'}"}, "", False),
    ("auth00", {"acme": ACME, "hooli": ACME}, "no route has source auth00, so its rows are never looked up", False),
    ("folded", {"Acme": ACME, "Hooli": ACME}, "Acme has capitals, and every route of source folded has fold_case", False),
    ("auth0", {"Acme": ACME}, "", False),
    ("auth0", {"a%2fb": ACME, "acme%20corp": ACME}, "a%2fb looks percent-encoded, but what a URL holds is decoded", False),
    ("issuer", {"https://idp.example.com/a%20b": ACME}, "", False),
    ("issuer", {"acme": ACME}, "acme is neither a URL nor a URN, and the routes of source issuer go by Issuer", False),
    ("issuer", {"https://sso.example.com/issuer": ACME}, "https://sso.example.com/issuer is an address that sign-ins come to", False),
    ("auth0", {"https://sso.example.com/auth0/acme": ACME, "/auth0/acme2": ACME}, "https://sso.example.com/auth0/acme is an address that sign-ins come to", False),
    ("auth0", {"a/b": ACME}, "a/b has a slash, and the routes of source auth0 look in one segment", False),
]


@pytest.mark.parametrize("source, rows, said, fails", ODDITIES)
def test_rows_that_the_routes_do_not_serve_are_told(routed, loader, source, rows, said, fails):
    file = loader.file(mapping_text(source, rows), "odd.yaml")
    for command in ["check"], ["diff"], ["load", "--allow-removals"]:
        result = routed(*command, file)
        assert said in result.stderr and result.stderr.count(f"{file}:") == bool(said), result.stderr
        assert ("(and 1 more like it)" in result.stderr) == (len(rows) > 1 and source != "auth00")
    result = routed("check", "--table", status=2 if fails else 0)
    assert said in result.stderr and ("error: " in result.stderr) == fails
    assert "no route has source" not in said or result.stderr.count(said) == 1, "of a whole source once"
    assert result.stdout == "" or "no errors" in result.stdout


def quoted_messages():
    """The messages in the tables of docs/mapping-file.md, as patterns: ... is anything, and so are the names that stand for something."""
    section = (ROOT / "docs/mapping-file.md").read_text().split("## When something is wrong\n")[1].split("\n## ")[0]
    cells = [re.split(r"(?<!\\) \| ", row[2:])[0].replace("\\|", "|") for row in section.splitlines() if row.startswith("| `")]
    messages = [message for cell in cells for message in re.findall(r"`([^`]+)`", cell)]
    stand_ins = [(r"\.\.\.", ".*"), (r"\bN\b", r"\\d+"), (r"\b(FILE|HOST|ID|REASON)\b", r"\\S.*")]
    for message in messages:
        pattern = re.escape(message).replace(r"\.\.\.", "...")
        for name, anything in stand_ins:
            pattern = re.sub(name, anything, pattern)
        yield message, pattern


def test_the_document_quotes_what_the_program_says(routed, loader):
    """Of the messages in its tables, those that no file of tests/data provokes are provoked here."""
    said = "".join(path.read_text() for path in sorted((ROOT / "tests/data").glob("*/*.expected")))
    config = loader.home / "ssoferryd.yaml"
    config.write_text(config.read_text().replace("[legacy.example.net]", "[legacy.example.net, sso.example.com]"))
    test = connection_id(4, "test")
    of = lambda number: f"{{connection_id: {ACME}, organization_id: organization-live-{number}}}"
    called = lambda label: f"{{connection_id: {ACME}, label: {label}}}"
    rows = ["{a: {legacy_url: 'https://sso.example.com/'}}", "\n  a:", "\n  b: c: d", "@a", '"\\q"', "[" * 66,
            f"{{\"\\u200b\": {ACME}}}", f"{{'a\\x20': {ACME}}}", f"{{\"u\\u0308\": {ACME}}}", f"{{a: {of(1)}, b: {of(2)}}}", f"{{a: {called('A')}, b: {called('B')}}}"]
    texts = [f"version: 1\nconnections: {row}\n" for row in rows] + [mapping_text(source, rows) for source, rows, *_ in ODDITIES]
    for text in [*texts, "version: 1\nsources: []\n", mapping_text("auth0", {"acme": test}), "%YAML 1.1\n" * 101 + SMALL, SMALL + "# \u2028",
                 mapping_text("default", {"a": "\n    state: legacy\n    legacy_url: https://legacy.example.net/a"}).rstrip()]:
        said += subprocess.run([PROGRAM, "-c", config, "check", loader.file(text)], capture_output=True, text=True, timeout=TIMEOUT).stderr
    said += routed("check", loader.file(SMALL), loader.file(SMALL.replace(ACME, test), "more.yaml"), status=2).stderr
    said += routed("load", "--merge", loader.file(mapping_text("default", {"hooli": test}))).stderr
    said = said.replace("`", "")
    messages = list(quoted_messages())
    assert len(messages) > 70
    assert [message for message, pattern in messages if not re.search(pattern, said)] == []


def test_a_set_that_cuts_over_in_a_rehearsal_is_told(routed, loader):
    """Routes without a legacy_url take no part in a rehearsal, so what looks like a part of it sends their customers to Stytch."""
    config = loader.home / "ssoferryd.yaml"
    back = "legacy_url: 'https://legacy.example.net/x'"
    rows = {"a": f"{{connection_id: {ACME}, state: legacy, {back}}}", "b": f"{{connection_id: {GLOBEX}, state: disabled}}", "c": f"{{connection_id: {INITECH}, state: disabled}}"}
    routed("load", "--allow-removals", loader.file(mapping_text("default", rows)))
    routed("load", loader.file(mapping_text("auth0", {name: row for name, row in rows.items() if name != "a"})))
    told = lambda *words: re.findall(r"ssoferry: warning: (.* in spite of `observe: true`)", routed("set", *words).stderr)
    everybody = ["--all", "--state", "disabled", "state=stytch"]
    assert told(*everybody, "--dry-run") == []
    config.write_text(config.read_text() + "observe: true\n")
    assert told("a", "state=stytch") == []  # to its own legacy_url
    assert told(*everybody, "--source", "auth0", "--dry-run") == []
    assert told(*everybody, "--dry-run") == ["2 rows would go to Stytch in spite of `observe: true`"]
    assert told("c", "state=stytch") == ["1 row goes to Stytch in spite of `observe: true`"]
    assert told("c", "label=C") == told("c", "state=stytch") == []
    assert told("d", f"connection_id={connection_id(4)}") == ["1 row goes to Stytch in spite of `observe: true`"]
    assert told(*everybody) == ["1 row goes to Stytch in spite of `observe: true`"]
    assert told("c", "d", "state=disabled") == []


def test_a_load_that_cuts_over_in_a_rehearsal_is_told(routed, loader):
    """However few they are, and new ones, too."""
    config, back = loader.home / "ssoferryd.yaml", "legacy_url: 'https://legacy.example.net/x'"
    rows = {"a": f"{{connection_id: {ACME}, {back}}}", "b": GLOBEX, "c": f"{{connection_id: {INITECH}, state: disabled}}"}
    before = loader.file(mapping_text("default", {**rows, "b": f"{{connection_id: {GLOBEX}, state: disabled}}"}), "before.yaml")
    after = loader.file(mapping_text("default", {**rows, "d": connection_id(4)}), "after.yaml")
    rehearsed = loader.file(mapping_text("auth0", rows), "rehearsed.yaml")
    told = lambda *words: re.findall(r"ssoferry: warning: (.* in spite of `observe: true`)", routed(*words).stderr)
    assert told("load", "--allow-removals", before) == told("load", "--dry-run", after) == []
    config.write_text(config.read_text() + "observe: true\n")
    assert told("diff", after) == told("load", "--dry-run", after) == ["2 rows would go to Stytch in spite of `observe: true`"]
    assert told("load", after) == ["2 rows go to Stytch in spite of `observe: true`"]
    assert told("load", after) == told("load", "--allow-removals", rehearsed) == told("load", "--allow-removals", before) == []
    shown = routed("rollback", "3", status=2, stdin=subprocess.DEVNULL).stderr
    assert "2 rows would go to Stytch in spite of `observe: true`" in shown


def test_rows_with_a_legacy_url_of_their_own_are_not_cut_over_in_a_rehearsal(routed, loader):
    """Even if the route has none, and however many they are: those that have none are told by themselves."""
    config, names = loader.home / "ssoferryd.yaml", "abcdefgh"
    back = "legacy_url: 'https://legacy.example.net/x'"
    own = {name: f"{{connection_id: {ACME}, {back}}}" for name in names}
    before = loader.file(mapping_text("default", {name: f"{{connection_id: {ACME}, state: legacy, {back}}}" for name in names}), "before.yaml")
    after, mixed = loader.file(mapping_text("default", own), "after.yaml"), loader.file(mapping_text("default", {**own, "a": ACME}), "mixed.yaml")
    told = lambda *words: [re.sub(" would be | would | to Stytch.*", " ", line).split(": ", 2)[2].strip() for line in routed(*words).stderr.splitlines() if "to Stytch" in line]
    routed("load", "--allow-removals", before)
    assert told("diff", after) == ["8 of the 8 rows of source default cut over"]
    config.write_text(config.read_text() + "observe: true\n")
    assert told("diff", after) == told("load", "--dry-run", after) == []
    assert told("diff", mixed) == ["1 row go"]
    assert told("load", after) == []
    routed("load", before)
    assert told("rollback", "3", "--yes") == []


def test_check_of_the_table_against_a_configuration(routed, loader, tmp_path):
    assert routed("check", "--table").stdout == "3 rows of revision 1: no errors\n"
    routed("load", "--merge", loader.file(mapping_text("auth0", {
        "old": "{state: legacy, legacy_url: 'https://legacy.example.net/x'}", "over": f"{{connection_id: {ACME}, legacy_url: 'https://legacy.example.net/x'}}", "t%20t": connection_id(4, "test"), "cut": "saml-connection-live-1"})))
    assert routed("check", "--table").stderr.count(": warning: ") == 3
    config = loader.file(CONFIGURATION_OF_SOURCES.format(store=loader.store).replace("legacy.example.net", "legacy2.example.net"), "ssoferryd.yaml")
    result = plain("-c", config, "check", "--table", "--json", status=2)
    found = [json.loads(line) for line in result.stdout.splitlines()]
    assert [(row["severity"], row["problem"], row["source"], row["identifier"]) for row in found] == [
        ("warning", "connection_id", "auth0", "cut"), ("error", "legacy_url", "auth0", "old"), ("warning", "legacy_url", "auth0", "over"),
        ("warning", "identifier", "auth0", "t%20t"),
        ("warning", "test_beside_live", None, None)]
    assert "legacy2" not in found[1]["message"] and "legacy.allowed_hosts" in found[1]["message"]
    assert "old (source auth0): legacy_url names legacy.example.net" in result.stderr and "1 error, 4 warnings" in result.stderr
    assert "its state does not use it, but a file with this row would be refused" in found[2]["message"]
    without = config.read_text()
    for user in ("legacy_relay_states: [idp]", "observe: true"):  # which send rows of other states there, too
        config.write_text(without.replace("    source: auth0\n", f"    source: auth0\n    {user}\n"))
        assert "2 errors, 3 warnings" in plain("-c", config, "check", "--table", status=2).stderr
    assert "give -c CONFIG" in loader("check", "--table", status=2).stderr
    assert "there is no table" in plain("-c", config, "--store", tmp_path / "none.mdb", "check", "--table", status=1).stderr


def test_check_finds_rows_whose_names_nobody_can_ask_for(routed, loader):
    damaged = loader.store.read_bytes().replace(b"initech", b"inite\xe2\x80")
    loader.store.write_bytes(damaged)
    found = [json.loads(line) for line in routed("check", "--table", "--json", status=2).stdout.splitlines()]
    assert [(row["severity"], row["problem"]) for row in found] == [("error", "identifier")]
    assert "the identifier is not valid UTF-8, so no request finds this row" in found[0]["message"]


def test_test_connections_beside_live_ones_are_told(loaded):
    told = "rows of a test project now stand beside rows of a live project"
    file = loaded.file(mapping_text("default", {"tried": connection_id(9, "test")}))
    for command in (["diff"], ["load"]):
        assert told not in loaded(*command, *(["--allow-removals"] if command == ["load"] else []), loaded.file(mapping_text("default", {
            "acme": connection_id(1), "globex": connection_id(2), "initech": connection_id(3)}), "live.yaml")).stderr
        assert told in loaded(*command, "--merge", file).stderr
    other = loaded.file(mapping_text("auth0", {"tried": connection_id(9, "test")}))
    for command in (["diff"], ["load", "--allow-removals", "--dry-run"]):
        assert told not in loaded(*command, "--all-sources", other).stderr  # the live ones go
    for command in (["diff"], ["load"]):
        assert told in loaded(*command, other).stderr
    assert told not in loaded.load(mapping_text("auth0", {"tried": connection_id(8, "test")})).stderr  # it is what it was
    assert told not in loaded("set", "tried", "label=Tried").stderr
    assert told in loaded("set", "acme", f"connection_id={connection_id(1, 'test')}").stderr
    assert told not in loaded("set", "acme", f"connection_id={ACME}").stderr


def test_a_table_of_a_test_project_is_told(loader):
    told = "all connections are of a test project"
    tried, mixed = many_rows(5).replace("-live-", "-test-"), many_rows(5).replace("-live-", "-test-", 4)
    file = loader.file(tried)
    for command in ("check", "diff", "load"):
        assert loader(command, file).stderr.count(told) == 1
    assert told not in loader("load", file).stderr  # it is what it was
    config = loader.file(f"store: {loader.store}\nroutes: [{{match: '/a/{{identifier}}'}}]\n", "config.yaml")
    assert told in plain("-c", config, "check", "--table").stderr
    assert told not in loader.load(many_rows(5)).stderr and told not in loader.load(mixed).stderr
    assert told not in plain("-c", config, "check", "--table").stderr


def test_one_connection_of_two_organizations_is_told(loader):
    row = lambda connection, organization: f"{{connection_id: {connection}, organization_id: organization-live-{organization}}}"
    rows = {"a": row(ACME, 1), "b": row(GLOBEX, 2), "c": row(ACME, 1), "d": row(ACME, 2), "e": row(GLOBEX, 1), "f": ACME}
    file = loader.file(mapping_text("default", rows))
    for command in ("check", "diff", "load"):
        assert "d has a different organization_id than an earlier row with the same connection: one of the two is wrong (and 1 more like it)" in loader(command, file).stderr
    config = loader.file(f"store: {loader.store}\nroutes: [{{match: '/a/{{identifier}}'}}]\n", "config.yaml")
    found = [json.loads(line) for line in plain("-c", config, "check", "--table", "--json").stdout.splitlines()]
    assert [(fault["problem"], fault["identifier"]) for fault in found] == [("organization_id", "d"), ("organization_id", "e")]


def test_one_connection_under_two_labels_is_told(loader):
    row = lambda connection, label, more="": f"{{connection_id: {connection}, label: {label}{more}}}"
    same = ", organization_id: organization-live-1"
    rows = {"a": row(ACME, "Acme"), "b": row(GLOBEX, "Globex"), "c": row(ACME, "Acme"), "d": row(ACME, "Initech"), "e": ACME, "f": row(GLOBEX, "X", same),
            "g": row(GLOBEX, "Y", same)}
    file = loader.file(mapping_text("default", rows))
    for command in ("check", "diff", "load"):
        said = loader(command, file).stderr
        assert said.count("d has another label than an earlier row with the same connection: was its connection_id copied along by mistake?\n") == 1
        assert said.count("another label") == 1
    config = loader.file(f"store: {loader.store}\nroutes: [{{match: '/a/{{identifier}}'}}]\n", "config.yaml")
    found = [json.loads(line) for line in plain("-c", config, "check", "--table", "--json").stdout.splitlines()]
    assert [(fault["problem"], fault["identifier"]) for fault in found] == [("label", "d")]


@pytest.mark.parametrize("fields, said", [
    (["connection_id=saml-connection-live-51861cbc"], "acme: this connection id does not end in a whole UUID"),
    (["redirect=303"], "acme: 303 makes browsers drop the POST body"),
    (["organization_id=organization-test-1"], "acme: this organization is of a test project, but the connection is of a live project"),
    ([f"acs_url=https://test.stytch.com/v1/b2b/sso/callback/{ACME}"], "acme: this acs_url is for test projects"),
])
def test_set_warns_as_load_does(loaded, fields, said):
    assert said in loaded("set", "acme", *fields).stderr
    assert loaded("set", "acme", "label=Acme").stderr == ""
