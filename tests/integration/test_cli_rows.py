"""`ssoferry get`, `list`, `set` and `remove`: rows by name."""

import json
import os
import pathlib
import re

import pytest

from loader import ACME, GLOBEX, INITECH, PROGRAM, mapping_text
from preload import environment_with
from store_file import StoreFile
from stytch_ids import connection_id


def test_get(loaded):
    assert loaded("get", "globex").stdout == (
        "identifier       globex\n"
        "source           default\n"
        "state            stytch\n"
        f"connection_id    {GLOBEX}\n"
        f"acs_url          https://api.stytch.com/v1/b2b/sso/callback/{GLOBEX}\n"
        "redirect         form\n"
        "label            Globex (Okta)\n")
    assert json.loads(loaded("get", "globex", "--json").stdout) == {
        "source": "default", "identifier": "globex", "state": "stytch", "connection_id": GLOBEX, "acs_url": None, "redirect": "form",
        "legacy_url": None, "organization_id": None, "label": "Globex (Okta)"}


@pytest.mark.parametrize(
    "arguments, words",
    [
        (["get", "--source", "No Such", "acme"], "--source"),
        (["list", "--state", "live"], "there are stytch, legacy and disabled"),
        (["set", "acme", "redirect=301"], "redirect"),
        (["set", "acme", "redirect"], "'redirect' is not FIELD=VALUE"),
        (["set", "acme", "state", "legacy"], "'legacy' is not FIELD=VALUE, such as state=legacy; identifiers come first"),
        (["set", "state=legacy", "acme"], "'acme' is not FIELD=VALUE, such as state=legacy; identifiers come first"),
        (["set", "acme", "colour=red"], "colour"),
        (["set", "acme", "connection_id="], "connection_id"),
        (["set", "acme", "acs_url=https://evil.example/v1"], "acs_url"),
        (["set", "x" * 441, f"connection_id={ACME}"], "longer than 440 bytes"),
        (["rollback", "yesterday"], "'yesterday' is not a revision's number"),
        (["rollback", "1"], "at revision 1 already"),
        (["set", "acme", "redirect=form", "-m", "two\nlines"], "write one line"),
        (["set", "acme", "redirect=form", "--actor", "x" * 257], "longer than 256 bytes"),
        (["set", "acme", "redirct=form"], "did you mean redirect?"),
        (["set", "acme", "globex", "redirect"], "'redirect' is not FIELD=VALUE"),
        (["set", "acme", "globex"], "'globex' is not FIELD=VALUE"),
        (["set", "acme", "", "redirect=form"], "the identifier '' is empty"),
        (["set", "acme", "redirct=form", "state=disabled"], "did you mean redirect?"),
        (["set", "acme", "state=legacy", "label=Acme", "state=disabled"], "state is given twice"),
        (["set", "--all", "label=Acme", "label=Acme"], "label is given twice"),
    ],
)
def test_what_cannot_be_is_refused(loaded, arguments, words):
    result = loaded(*arguments, status=2)
    assert words in result.stderr and loaded.revision() == 1


def test_list_filters(loaded):
    loaded("set", "acme", "state=disabled")
    names = lambda *options: [row["identifier"] for row in loaded.rows(*options)]
    assert names() == ["acme", "globex", "initech"]
    assert names("--state", "disabled") == ["acme"]
    assert names("--match", "*i*") == ["initech"]
    assert names("--limit", "2") == ["acme", "globex"]
    assert names("--source", "default", "--match", "[ag]*") == ["acme", "globex"]
    table = loaded("list").stdout.splitlines()
    assert table[0].split() == ["SOURCE", "IDENTIFIER", "STATE", "REDIRECT", "CONNECTION", "LABEL"]
    assert table[2].split(maxsplit=5) == ["default", "globex", "stytch", "form", GLOBEX, "Globex (Okta)"]
    nothing = loaded("list", "--match", "zzz")
    assert nothing.stdout == "" and "no row matches" in nothing.stderr


def test_one_long_identifier_pads_no_other_line_of_a_list(loader):
    """Up to 64 columns, a cell widens its column; what is longer runs on in its own line, whole."""
    fits, long = "f" * 64, "l" * 440
    loader.load(f"version: 1\nconnections:\n  acme: {ACME}\n  {fits}: {GLOBEX}\n  {long}: {INITECH}\n")
    assert loader("list").stdout.splitlines() == [
        f"SOURCE   {'IDENTIFIER':64}  STATE   REDIRECT  {'CONNECTION':{len(ACME)}}  LABEL",
        f"default  {'acme':64}  stytch  -         {ACME}",
        f"default  {fits}  stytch  -         {GLOBEX}",
        f"default  {long}  stytch  -         {INITECH}",
    ]


def test_set_changes_one_row(loaded):
    assert loaded("set", "acme", "redirect=303", "label=Acme, Inc.").stdout == "revision 2: acme changed\n"
    assert loaded.rows("--match", "acme")[0]["label"] == "Acme, Inc."
    assert loaded("set", "acme", "label=").stdout == "revision 3: acme changed\n"
    assert loaded.rows("--match", "acme")[0]["label"] is None
    assert "nothing changed" in loaded("set", "acme", "redirect=303").stdout
    assert loaded.revision() == 3


def test_set_adds_a_row_and_a_store(loader):
    for field in "redirect=303", "state=legacy", "state=disabled":  # a customer was meant to be there, in another store
        said = loader("set", "acme", field, status=1).stderr
        assert said.splitlines()[0] == f"ssoferry: error: there is no store at {loader.store}; is another one meant?" and "give connection_id=ID" in said
        assert not loader.store.exists()
    assert loader("set", "--source", "auth0", "acme", f"connection_id={ACME}").stdout == "revision 1: acme added\n"
    assert loader("set", "globex", "state=disabled").stdout == "revision 2: globex added\n"
    assert [(row["source"], row["identifier"]) for row in loader.rows()] == [("auth0", "acme"), ("default", "globex")]


def test_set_changes_several_rows_in_one_revision(loaded):
    assert loaded("set", "acme", "globex", "state=disabled").stdout == "revision 2: 2 rows changed\n"
    assert [row["state"] for row in loaded.rows()] == ["disabled", "disabled", "stytch"]
    assert loaded("set", "acme", "globex", "state=disabled").stdout == "revision 2: the rows are like that already, nothing changed\n"
    odd = "https://idp.example.com/?a=b"
    assert loaded("set", "initech", odd, f"connection_id={ACME}").stdout == "revision 3: 1 row changed, 1 added\n"
    assert len(loaded.rows("--match", "https*")) == 1


def test_set_goes_on_in_a_table_that_is_full(loaded):
    full = {**os.environ, **environment_with(pathlib.Path(PROGRAM).with_name("small_map.so"), loaded.home)}
    assert json.loads(loaded("stat", "--json", env=full).stdout)["map_bytes"] == loaded.store.stat().st_size
    assert loaded("set", "acme", "state=disabled", env=full).stdout == "revision 2: acme changed\n"


def test_a_set_that_expects_a_revision_makes_no_store(loader):
    loader("set", "acme", f"connection_id={ACME}", "--expect-revision", 3, status=1)
    assert not loader.store.exists()


def test_remove_takes_all_or_none(loaded):
    assert "nothing was removed" in loaded("remove", "acme", "nobody", status=1).stderr
    assert len(loaded.rows()) == 3
    assert loaded("remove", "acme", "globex").stdout == "revision 2: 2 rows removed\n"
    assert [row["identifier"] for row in loaded.rows()] == ["initech"]


def test_set_to_legacy_wants_a_legacy_url(routed, loader):
    before = loader.export()
    result = routed("set", "acme", "globex", "state=legacy", status=2)
    assert "acme cannot be legacy: neither it nor a route of source default has a legacy_url" in result.stderr
    assert loader.export() == before
    routed("set", "acme", "state=legacy", "legacy_url=https://legacy.example.net/acme")
    assert "503" in routed("set", "acme", "legacy_url=", status=2).stderr
    routed("set", "--source", "auth0", "acme", "state=legacy", f"connection_id={ACME}")
    assert "some routes of source partly" in routed("set", "--source", "partly", "acme", f"connection_id={connection_id(8)}", "state=legacy").stderr
    routed("set", "--source", "partly", "acme", "state=stytch")
    assert "some routes of source partly" in routed("set", "--source", "partly", "acme", "state=legacy").stderr
    loader("set", "globex", "state=legacy")  # with no configuration there are no routes to go by
    routed("set", "globex", "label=Globex")


def test_a_set_of_many_tells_each_row_that_cannot_be(routed, loader):
    back = f"{{connection_id: {ACME}, legacy_url: 'https://legacy.example.net/acme'}}"
    routed("load", "--allow-removals", loader.file(mapping_text("default", {"acme": back, "a2": GLOBEX, "tenant=b": back, "a3": GLOBEX}), "back.yaml"))
    told = routed("set", "acme", "a2", "tenant=b", "nobody", "a3", "state=legacy", status=2).stderr
    assert re.findall("a[23] cannot be legacy|there is no nobody|nothing was changed.*", told) == [
        "a2 cannot be legacy", "a3 cannot be legacy", "there is no nobody",
        "nothing was changed: 2 of the 5 rows can be changed this way; leave out those named above"]
    assert routed("set", "acme", "tenant=b", "state=legacy").stdout == "revision 3: 2 rows changed\n"
    assert "none of the 2 rows can be" in routed("set", "a2", "a3", "state=legacy", status=2).stderr
    told = routed("set", "acme", "tenent=b", f"connection_id={ACME}", status=1).stderr
    assert "there is no tenent=b in source default" in told and "1 of the 2 rows" in told


def test_set_of_all_rows_is_one_revision(routed, loader):
    routed("load", loader.file(mapping_text("auth0", {f"c{i}": connection_id(10 + i) for i in range(5)} | {"old": "{state: disabled}"}), "auth0.yaml"))
    before = loader.export()
    back = ["set", "--all", "--state", "stytch", "state=legacy"]
    told = routed(*back, status=2).stderr
    assert re.findall(r"\w+ cannot be legacy|nothing was changed.*", told) == [
        "acme cannot be legacy", "globex cannot be legacy", "initech cannot be legacy", "nothing was changed: 5 of the 8 rows can be changed this way; --keep-going changes those"]
    assert routed(*back, "--source", "auth0", "--dry-run").stdout == "dry run: would make revision 3: 5 rows changed: auth0 5\n"
    assert loader.export() == before
    result = routed(*back, "--keep-going", status=1)
    assert result.stdout == "revision 3: 5 rows changed: auth0 5\n" and "3 rows cannot be changed this way and were left as they are" in result.stderr
    assert [(row["state"], row["redirect"]) for row in loader.rows()] == [("legacy", None)] * 5 + [("disabled", None)] + [("stytch", None), ("stytch", "form"), ("stytch", None)]
    assert loader("set", "--all", "redirect=307").stdout == "revision 4: 9 rows changed: auth0 6, default 3\n"
    assert loader("set", "--all", "redirect=307").stdout == "revision 4: the rows are like that already, nothing changed\n"
    loader("set", "globex", "redirect=form")
    assert loader("set", "--all", "redirect=307", "--dry-run").stdout == "dry run: would make revision 6: 1 row changed: default 1\n"
    assert loader("set", "--all", "redirect=307").stdout == "revision 6: 1 row changed: default 1\n"
    for options in ([], ["--dry-run"]):
        assert loader("set", "--all", "redirect=307", *options).stdout == "revision 6: the rows are like that already, nothing changed\n"
    assert loader("set", "--all", "--source", "default", "label=x").stdout == "revision 7: 3 rows changed: default 3\n"


@pytest.mark.parametrize("words, status, said", [
    (["state=legacy"], 2, "rows in which state are to change? Add --state"),
    (["--state", "stytch", "connection_id="], 2, "cannot have the same connection_id"),
    (["acme", "redirect=form"], 2, "takes no ID: leave out 'acme'"),
    (["--state", "gone", "redirect=form"], 2, "'gone' is not a state"),
    (["--state", "legacy", "redirect=form"], 1, "nothing was changed: no row is in state legacy"),
    (["--source", "nope", "redirect=form"], 1, "source nope has no rows; there are rows of: default"),
    ([], 2, "set needs FIELD=VALUE..."),
])
def test_set_of_all_rows_that_is_not_meant_so(loaded, words, status, said):
    before = loaded.export()
    assert said in loaded("set", "--all", *words, status=status).stderr
    assert "go with --all" in loaded("set", "acme", "redirect=form", "--state", "stytch", status=2).stderr
    assert loaded.export() == before and loaded.revision() == 1


def test_set_of_all_rows_names_the_source_of_each_that_cannot_be(loader):
    gone = "{state: disabled}"
    loader.load(mapping_text("auth0", {"acme": gone}))
    loader.load(mapping_text("default", {"acme": gone, "globex": ACME}))
    told = loader("set", "--all", "--state", "disabled", "state=stytch", status=2).stderr
    assert re.findall(r"error: (.*): connection_id is missing", told) == ["acme (source auth0)", "acme (source default)"]
    assert "warning: globex (source default): 303 makes browsers drop" in loader("set", "--all", "--state", "stytch", "redirect=303").stderr
    assert "error: acme: connection_id is missing" in loader("set", "acme", "state=stytch", status=2).stderr


def test_set_of_all_rows_leaves_one_that_cannot_be_read(loaded):
    damaged = b"\x01\x00\x01"  # an id, and nothing of it
    StoreFile(loaded.store).replace_record("globex", damaged)
    assert "error: globex (source default): the record is damaged" in loaded("set", "--all", "label=x", status=2).stderr
    assert loaded.revision() == 1
    result = loaded("set", "--all", "label=x", "--keep-going", status=1)
    assert result.stdout == "revision 2: 2 rows changed: default 2\n" and "was left as it is" in result.stderr
    assert StoreFile(loaded.store).record("globex") == damaged


def test_set_tells_of_many_rows_that_cannot_be_and_names_some(routed, loader):
    routed("load", loader.file(mapping_text("default", {f"c{i:02}": connection_id(i) for i in range(25)}), "many.yaml"), "--allow-removals")
    told = routed("set", "--all", "--state", "stytch", "state=legacy", status=2).stderr
    assert told.count("cannot be legacy") == 20 and "and 5 more rows cannot be changed this way" in told and "none of the 25 rows can be" in told


def test_damaged_rows_are_named_and_others_are_shown(routed, loaded):
    StoreFile(loaded.store).replace_record("globex", b"\x01\x00\x01")  # an id, and nothing of it
    assert "the record is damaged" in loaded("get", "globex", status=1).stderr
    listed = loaded("list", "--json", status=1)
    assert "globex in source default: the record is damaged" in listed.stderr
    assert [json.loads(line)["identifier"] for line in listed.stdout.splitlines()] == ["acme"]
    found = [json.loads(line) for line in routed("check", "--table", "--json", status=2).stdout.splitlines()]
    assert [(row["severity"], row["problem"], row["identifier"]) for row in found] == [("error", "record", "globex")]
    explained = routed("explain", "/bare/globex").stdout
    assert re.search(r"^row +cannot be read$", explained, re.M) and "unavailable, reason record" in explained
    assert re.search(r"^because +the row cannot be used: load it again$", explained, re.M)
    assert loaded("remove", "globex").stdout == "revision 2: 1 row removed\n"
    assert loaded("history", "--show", "2").stdout.endswith("\n- globex (the stored record cannot be read)\n")
