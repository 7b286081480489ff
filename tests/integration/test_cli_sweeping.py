"""What a load tells of, or refuses, because it changes more than was likely meant."""

import re
import subprocess

import pytest

from loader import ACME, GLOBEX, SMALL, many_rows, mapping_text, plain, rows_in
from stytch_ids import connection_id


def test_many_removals_want_to_be_allowed(loader):
    loader.load(many_rows(100))
    loader.load(many_rows(90))
    before = loader.export()
    for option in ("--dry-run", "--json"):
        result = loader.load(many_rows(80), option, status=1)
        assert "10 of the 90 rows of source default" in result.stderr and "--allow-removals" in result.stderr and result.stdout == ""
    assert loader.export() == before
    loader.load(many_rows(80), "--merge")
    assert loader.export() == before
    loader.load(many_rows(80), "--allow-removals")
    assert len(loader.rows()) == 80


def test_another_source_is_left_alone(loader):
    loader.load(many_rows(50))
    loader.load(many_rows(3).replace("connections:", "source: auth0\nconnections:"))
    assert len(loader.rows("--source", "default")) == 50 and len(loader.rows("--source", "auth0")) == 3
    loader.load("version: 1\nsource: auth0\nconnections: {}\n", status=1)
    loader.load("version: 1\nsource: auth0\nconnections: {}\n", "--allow-removals")
    assert len(loader.rows()) == 50


def test_removals_are_counted_by_source(loader):
    few, many = many_rows(5).replace("connections:", "source: auth0\nconnections:"), many_rows(100).replace("connections:", "source: keycloak\nconnections:")
    loader.load(few)
    loader.load(many)
    without_few = "version: 1\nsources:\n  auth0: {}\n  keycloak:\n" + "".join(f"  {line}\n" for line in many.splitlines()[3:])
    assert "--allow-removals" in loader("diff", loader.file(without_few)).stderr
    assert "remove 5 of the 5 rows of source auth0" in loader.load(without_few, status=1).stderr
    assert len(loader.rows()) == 105
    less_one = few.replace(few.splitlines()[-1] + "\n", "")  # a customer who leaves is no file cut off
    assert loader("diff", loader.file(less_one)).stderr == "" and "1 removed" in loader.load(less_one).stdout
    assert "remove 2 of the 4 rows" in loader.load("\n".join(few.splitlines()[:5]), status=1).stderr
    loader.load(mapping_text("one", {"acme": ACME}))
    assert "remove 1 of the 1 rows" in loader.load("version: 1\nsource: one\nconnections: {}\n", status=1).stderr


def test_a_restore_of_all_sources_is_a_whole_one(loader):
    loader.load(mapping_text("auth0", {"acme": ACME}))
    loader.load(SMALL)
    before = loader.export()
    for source in ("a", "zzz"):
        loader.load(mapping_text(source, {"late": GLOBEX}))
    loader("set", "acme", "state=disabled")
    later = loader.export()
    result = loader("load", "-", input=before)
    assert len(loader.rows()) == 6 and "0 removed" in result.stdout  # without the option they stay
    assert loader("diff", "--all-sources", "-", input=before).stdout.endswith("0 to add, 0 to change, 2 to remove, 4 unchanged\n")
    assert "add --allow-removals" in loader("load", "--all-sources", "-", input=before, status=1).stderr
    for command, status in ("load", 1), ("diff", 0):
        assert "add --merge" in loader(command, "-", input="version: 1\nconnections: {}\n", status=status).stderr
        said = loader(command, "--all-sources", "-", input="version: 1\nconnections: {}\n", status=status).stderr
        assert "leave out --all-sources, or give --merge in its place" in said and "add --merge" not in said
    for option in (["--dry-run"], []):
        assert "0 added, 0 changed, 2 removed, 4 rows" in loader("load", "--all-sources", "--allow-removals", *option, "-", input=before).stdout
    assert loader.export() == before
    loader("load", "--all-sources", "-", input=later)
    assert loader.export() == later
    assert "give one of them" in loader("load", "--merge", "--all-sources", "-", input=later, status=2).stderr


def test_sources_that_go_back_are_counted(loader):
    both = lambda state, counts: "version: 1\nsources:\n" + "".join(f"  {source}:\n" + "".join(
        f"    c{i}: {{connection_id: {connection_id(i)}, state: {state}}}\n" for i in range(count)) for source, count in counts.items())
    for counts, most in ({"a": 3, "b": 5}, "b"), ({"a": 5, "b": 3}, "a"):
        loader.load(both("stytch", counts))
        assert f"5 of the 5 rows of source {most}, and many of 1 more source, went back" in loader.load(both("legacy", counts)).stderr
        loader("load", "--allow-removals", loader.file("version: 1\nsources: {a: {}, b: {}}\n"))


def test_an_old_file_that_takes_many_back_is_told_and_undone(loader):
    loader.load(rows_in("legacy", 40))
    old, new = loader.file(rows_in("legacy", 40), "old.yaml"), loader.file(rows_in("stytch", 40), "new.yaml")
    loader("load", new)  # cutting over is what it is for
    shown = loader("rollback", "1", status=2, stdin=subprocess.DEVNULL).stderr
    assert "40 of the 40 rows of source default would go back from Stytch" in shown
    before = loader.export()
    assert "go back from Stytch" in loader("diff", old).stderr
    assert "40 of the 40 rows of source default would go back" in loader("load", "--dry-run", old).stderr
    assert loader.export() == before
    result = loader("load", old)
    assert {row["state"] for row in loader.rows()} == {"legacy"}
    undo = re.search(r"40 of the 40 rows of source default went back .*`ssoferry (rollback \d+)`", result.stderr)
    loader(*undo[1].split(), "--yes")
    assert loader.export() == before


@pytest.mark.parametrize("state, count, of, told", [
    ("legacy", 4, 40, False), ("legacy", 5, 40, True), ("legacy", 1, 3, False), ("legacy", 2, 3, True), ("disabled", 40, 40, False),
])
def test_how_many_are_taken_back_without_a_word(loader, state, count, of, told):
    loader.load(rows_in("stytch", of, of))
    assert ("went back from Stytch" in loader.load(rows_in(state, count, of)).stderr) == told


@pytest.mark.parametrize("before, after, said", [
    (rows_in("stytch", 40), rows_in("disabled", 5), "5 of the 40 rows of source default were disabled"),
    (rows_in("stytch", 40), rows_in("disabled", 4), None),
    (rows_in("legacy", 40), rows_in("disabled", 40), None),
    (many_rows(40), many_rows(40).replace("-live-", "-test-"), "40 of the 40 rows of source default left their connection of a live project"),
    (many_rows(40).replace("-live-", "-test-"), many_rows(40), None),
], ids=["disabled", "few", "retired", "test", "live"])
def test_who_can_no_longer_sign_in_is_told(loader, before, after, said):
    loader.load(before)
    assert ("would" in loader("diff", loader.file(after)).stderr) == (said is not None)
    told = loader.load(after).stderr
    assert said in told and "`ssoferry rollback 1` undoes it" in told if said else told == ""


ROTATED = many_rows(40).splitlines()[:2] + [f"  customer-{i:07}: {connection_id((i + 1) % 40)}" for i in range(40)]


@pytest.mark.parametrize("before, after, said", [
    (rows_in("legacy", 60, 60), rows_in("legacy", 53, 60), "7 of the 60 rows of source default were cut over to Stytch. If that was not meant for all of them"),
    (rows_in("legacy", 60, 60), rows_in("legacy", 54, 60), None),
    (rows_in("legacy", 8, 8), rows_in("legacy", 3, 8), None),  # a batch
    (rows_in("disabled", 40), many_rows(40), "40 of the 40 rows of source default were cut over"),
    (many_rows(40), "\n".join(ROTATED) + "\n", "40 of the 40 rows of source default got another connection_id"),
    (rows_in("legacy", 40), rows_in("legacy", 40).replace("-live-", "-test-"), None),
    (rows_in("legacy", 40), "\n".join(ROTATED) + "\n", "40 of the 40 rows of source default got another connection_id"),
    (rows_in("legacy", 40), many_rows(40).replace("-live-", "-test-"), "40 of the 40 rows of source default left their connection of a live project"),
], ids=["stytch", "a tenth", "batch", "disabled", "rotated", "test", "rotated and cut over", "cut over to test"])
def test_who_is_cut_over_or_sent_elsewhere_is_told(loader, before, after, said):
    loader.load(before)
    assert ("rows of source default would" in loader("diff", loader.file(after)).stderr) == (said is not None)
    told = loader.load(after).stderr
    assert said in told and "`ssoferry rollback 1` undoes it" in told if said else "rows of source" not in told


def test_connections_that_change_places_are_told_in_a_rehearsal(loader):
    """It is when they are loaded as `stytch`, and nothing in its log would tell."""
    config = loader.file(f"store: {loader.store}\nobserve: true\nlegacy: {{allowed_hosts: [legacy.example.net]}}\nroutes:\n"
                         "  - match: /old-sso/{identifier}\n    legacy_url: https://legacy.example.net/{identifier}\n", "ssoferryd.yaml")
    before, after = loader.file(rows_in("legacy", 12, 12), "before.yaml"), loader.file("\n".join(rows_in("stytch", 12, 12).splitlines()[:2] + ROTATED[2:14]) + "\n", "after.yaml")
    plain("-c", config, "load", before)
    for command, said in (["diff"], "would get another connection_id"), (["load"], "got another connection_id"):
        assert f"12 of the 12 rows of source default {said}" in plain("-c", config, *command, after).stderr


def test_a_rehearsal_cuts_nobody_over_and_its_end_may(loader):
    routes = "routes:\n  - match: /old-sso/{identifier}\n    legacy_url: https://legacy.example.net/{identifier}\n"
    common = f"store: {loader.store}\nlegacy: {{allowed_hosts: [legacy.example.net]}}\n" + routes
    parts = ("observe: true", ""), ("", ""), ("observe: true", "  - match: /x/{identifier}\n")  # of it, the last route has nowhere to send them
    paths = [loader.file(f"{observe}\n{common}{route}", f"{i}.yaml") for i, (observe, route) in enumerate(parts)]
    before, after = loader.file(rows_in("legacy", 20, 20), "before.yaml"), loader.file(rows_in("legacy", 0, 20), "after.yaml")
    plain("-c", paths[0], "load", before)
    assert plain("-c", paths[0], "load", after).stderr == ""
    plain("-c", paths[0], "load", before)
    for path, said in zip(paths, (False, True, True)):
        shown = plain("-c", path, "rollback", "2", status=2, stdin=subprocess.DEVNULL).stderr
        assert ("20 of the 20 rows of source default would be cut over to Stytch" in shown) == said
