"""`ssoferry history` and `rollback`."""

import json
import os
import subprocess

import pytest

from loader import ACME, GLOBEX, many_rows, mapping_text
from store_file import StoreFile


def test_history_says_who_why_and_from_which_file(loaded):
    loaded("set", "acme", "redirect=303", "-m", "their proxy", "--actor", "alice@ops")
    newest, first = map(json.loads, loaded("history", "--json").stdout.splitlines())
    assert (newest["revision"], newest["command"], newest["actor"], newest["message"]) == (2, "set", "alice@ops", "their proxy")
    assert (newest["added"], newest["changed"], newest["removed"], newest["files"]) == (0, 1, 0, [])
    file = loaded.home / "connections.yaml"
    digest = subprocess.run(["sha256sum", file], capture_output=True, text=True, check=True).stdout.split()[0]
    assert first["files"] == [{"path": str(file), "sha256": digest}]
    assert "@" in first["actor"] and first["message"] is None
    loaded("set", "acme", "redirect=307", env={**os.environ, "SUDO_USER": "bob"})
    actor = json.loads(loaded("history", "--json").stdout.splitlines()[0])["actor"]
    assert actor.startswith("bob@") == (os.getuid() == 0), "to root alone sudo gives the name"
    for redirect, sudo_user in (("303", "b" * 1000), ("307", "b" + "\u00e4" * 500)):
        loaded("set", "acme", f"redirect={redirect}", env={**os.environ, "SUDO_USER": sudo_user})
        actor = json.loads(loaded("history", "--json").stdout.splitlines()[0])["actor"]
        assert len(actor.encode()) <= 256, "as --actor is held to"
        assert actor == sudo_user[:len(actor)] or os.getuid() != 0, "and no letter is cut through"
    assert len(loaded("history", "--limit", "1").stdout.splitlines()) == 2


def test_history_shows_the_rows_of_a_revision(loaded):
    loaded("set", "acme", "redirect=303")
    shown = loaded("history", "--show", 2).stdout
    assert shown.startswith("revision 2, set by ") and shown.endswith("~ acme redirect: (none) -> 303\n")
    (row,) = map(json.loads, loaded("history", "--show", "2", "--json").stdout.splitlines())
    assert row["before"]["redirect"] is None and row["after"]["redirect"] == "303"


def test_history_tells_what_became_of_a_row(loaded):
    loaded("set", "acme", "state=disabled", "-m", "their wish")
    loaded("set", "globex", "redirect=307")
    loaded("remove", "acme", "--actor", "alice@ops")
    last, middle, first = loaded("history", "--id", "acme").stdout.split("\n\n")
    assert last.startswith("revision 4, remove by alice@ops, ") and last.endswith("\n- acme")
    assert middle.startswith("revision 2, set by ") and middle.endswith("\ntheir wish\n~ acme state: stytch -> disabled")
    assert "connections.yaml (SHA-256 " in first and first.endswith(f"\n+ acme -> {ACME}\n")
    (line,) = map(json.loads, loaded("history", "--id", "acme", "--limit", "1", "--json").stdout.splitlines())
    assert (line["revision"], line["command"], line["actor"], line["difference"]["change"]) == (4, "remove", "alice@ops", "removed")
    assert line["difference"]["before"]["state"] == "disabled" and line["difference"]["after"] is None
    assert "did you mean globex?" in loaded("history", "--id", "globx", status=1).stderr
    assert "give only one of them" in loaded("history", "--id", "globex", "--show", "1", status=2).stderr
    assert "--source works only together with --id" in loaded("history", "--source", "default", status=2).stderr
    assert "--id: ID must not be empty" in loaded("history", "--id", "", status=2).stderr


def test_history_shows_no_more_rows_than_asked_for(loaded):
    loaded.load(many_rows(5), "--merge")
    shown = loaded("history", "--show", "2", "--limit", "2").stdout
    assert shown.count("\n+ ") == 2 and shown.endswith("\n... and 3 more\n")
    result = loaded("history", "--id", "acme", "--limit", "0")
    assert (result.stdout, result.stderr) == ("", ""), "nothing was asked for, so nothing is said of what happened"


def test_history_finds_a_row_anywhere_in_a_large_revision(loader):
    """What a revision found is kept in pieces of half a megabyte."""
    loader.load(many_rows(20_000))
    loader.load(many_rows(20_000, first=1))
    for row in (0, 1, 5_000, 10_000, 15_000, 19_999):
        lines = map(json.loads, loader("history", "--id", f"customer-{row:07}", "--json").stdout.splitlines())
        assert [(line["revision"], line["difference"]["change"]) for line in lines] == [(2, "changed"), (1, "added")], row


def test_history_of_no_revision_and_of_none_that_can_be_read(loaded):
    assert loaded("history", "--limit", "0").stdout == loaded("history", "--limit", "0", "--json").stdout == ""
    assert "there is no revision 0: revisions are numbered from 1" in loaded("history", "--show", "0", status=1).stderr
    assert "there is no revision 2; the newest is 1" in loaded("history", "--show", "2", status=1).stderr
    loaded("set", "acme", "redirect=303")
    StoreFile(loaded.store).replace_bytes(b"\x00\x00\x00\x04load", b"\xff\x00\x00\x04load", database=b"revisions")
    for options in ["--json"], [], ["--show", "1"], ["--id", "acme"]:
        result = loaded("history", *options, status=1)
        assert str(loaded.store) in result.stderr and "read the history" in result.stderr
    assert len(loaded("history", "--limit", "1", "--json").stdout.splitlines()) == 1, "the newer can be read"


def test_rollback(loaded):
    first = loaded.export()
    loaded("set", "acme", "state=disabled")
    loaded("remove", "globex")
    second = loaded.export()
    result = loaded("rollback", "1", status=2, stdin=subprocess.DEVNULL)
    assert "--yes" in result.stderr and result.stdout.splitlines() == ["~ acme state: disabled -> stytch", f"+ globex -> {GLOBEX}, redirect form"]
    assert loaded.export() == second
    assert loaded("rollback", "--yes", "1").stdout == "revision 4: as revision 1 was; 1 added, 1 changed, 0 removed, 3 rows\n"
    assert loaded.export() == first
    loaded("rollback", "3", "--yes", "-m", "globex was not meant")
    assert loaded.export() == second
    assert [json.loads(line)["message"] for line in loaded("history", "--json").stdout.splitlines()][:2] == [
        "to revision 3: globex was not meant", "to revision 1"]
    loaded("rollback", "0", "--yes")
    assert loaded.rows() == []


def test_rollback_shows_fifty_rows_and_counts_the_others(loaded):
    loaded.load(many_rows(51), "--merge")
    for more, told in ([], ["... and 1 more"]), (["--json"], []):
        shown = loaded("rollback", "1", *more, status=2, stdin=subprocess.DEVNULL).stdout.splitlines()
        assert len(shown) == 51 and [line for line in shown if "customer-" not in line] == told
    loaded("remove", "customer-0000000")
    assert "more" not in loaded("rollback", "1", status=2, stdin=subprocess.DEVNULL).stdout


@pytest.mark.parametrize("yes", [[], ["--yes"]], ids=["asked", "--yes"])
def test_rollback_tells_of_rows_that_the_configuration_has_no_way_for_any_more(routed, loader, yes):
    """Taken back, they would get 503; whoever does so in a hurry looks elsewhere."""
    again = lambda *arguments: routed("rollback", *arguments, *yes, status=0 if yes else 2, stdin=subprocess.DEVNULL)
    loader("set", "globex", "acme", "state=legacy")  # without a configuration nobody knows
    loader("set", "globex", "acme", "state=stytch")
    loader("set", "acme", "label=Acme")
    assert "no sign-in can use" not in again("3").stderr  # they stay as they are
    told = again("2").stderr
    assert "no sign-in can use 2 of these rows as they were, with the configuration as it is now, first acme (legacy without a legacy_url)" in told
    assert "no sign-in can use" not in loader("rollback", "2", *yes, status=0 if yes else 2, stdin=subprocess.DEVNULL).stderr

    routed("load", loader.file(mapping_text("auth0", {"umbrella": f"{{connection_id: {ACME}, state: legacy, legacy_url: 'https://legacy.example.net/x'}}"})))
    routed("set", "--source", "auth0", "umbrella", "legacy_url=")
    config = loader.home / "ssoferryd.yaml"
    config.write_text(config.read_text().replace("legacy.example.net", "elsewhere.example.net"))
    revision = json.loads(routed("stat", "--json").stdout)["revision"]
    assert "1 of these rows as they were, with the configuration as it is now, first umbrella (with a URL that is not allowed)" in again(str(revision - 1)).stderr


def test_rollback_does_not_tell_of_rows_that_no_sign_in_can_use_already(routed, loader):
    loader("set", "acme", "state=legacy")
    loader("set", "acme", "label=Acme")
    result = routed("rollback", "2", status=2, stdin=subprocess.DEVNULL)
    assert "~ acme label: Acme -> (none)" in result.stdout and "no sign-in can use" not in result.stderr


def test_rollback_to_what_is_not_kept(loaded):
    for i in range(51):
        loaded("set", "acme", f"label={i}")
    for options in (["--yes"], []):
        result = loaded("rollback", "1", *options, status=1, stdin=subprocess.DEVNULL)
        assert "the earliest to go back to is revision 2" in result.stderr
    loaded("rollback", "2", "--yes")
    assert loaded.rows("--match", "acme")[0]["label"] == "0"
    assert "not kept any more" in loaded("history", "--show", "1", status=1).stderr
    assert len(loaded("history", "--json").stdout.splitlines()) == 50
