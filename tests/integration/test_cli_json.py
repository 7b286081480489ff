"""What the commands print for scripts."""

import json
import re
import subprocess

import pytest

from faulty import Faults
from loader import ACME, INITECH, MAN_PAGE, SMALL, many_rows, plain


def test_diff_as_json_and_for_scripts(loaded):
    changed = loaded.file(SMALL.replace("redirect: form", "redirect: 307"))
    result = loaded("diff", "--exit-code", "--json", changed, status=1)
    (row,) = map(json.loads, result.stdout.splitlines())
    assert list(row) == ["change", "source", "identifier", "before", "after"]
    assert (row["change"], row["before"]["redirect"], row["after"]["redirect"]) == ("changed", "form", "307")
    assert loaded("diff", "--exit-code", loaded.file(SMALL)).stdout == "0 to add, 0 to change, 0 to remove, 3 unchanged\n"


def test_changes_as_json_of_an_expected_revision(loaded):
    for command, revision, counts in [
        (["set", "acme", "hooli", f"connection_id={INITECH}"], 2, (1, 1, 0, 4)),
        (["remove", "globex", "initech"], 3, (0, 0, 2, 2)),
        (["rollback", "--yes", "1"], 4, (2, 1, 1, 3)),
        (["rollback", "--yes", "3"], 5, (1, 1, 2, 2)),
    ]:
        before = loaded.export()
        said = loaded(*command, "--json", "--expect-revision", revision, status=1).stderr
        assert f"revision {revision - 1}, not {revision}" in said and f"then {command[0]} with" in said
        assert loaded.export() == before
        done = json.loads(loaded(*command, "--json", "--expect-revision", revision - 1).stdout)
        assert done == {"revision": revision, **dict(zip(["added", "changed", "removed", "rows"], counts))}
    rows = [json.loads(line) for line in loaded("rollback", "--json", "1", status=2, stdin=subprocess.DEVNULL).stdout.splitlines()]
    assert [(row["change"], row["identifier"]) for row in rows] == [
        ("changed", "acme"), ("added", "globex"), ("removed", "hooli"), ("added", "initech")]


def members(value):
    """The names in it, but those of objects by state, outcome or date, whose names are values."""
    if isinstance(value, list):
        return set().union(*map(members, value))
    if not isinstance(value, dict):
        return set()
    return {name for name in value if not re.match(r"\d", name)} | set().union(*map(members, value.values()))


def test_the_manual_names_each_member_of_json(routed):
    manual = MAN_PAGE.read_text().partition("\n.Sh JSON\n")[2].partition("\n.Sh EXIT STATUS\n")[0]
    told = set(re.findall(r"^\.Li (\w+)", manual, re.M))
    routed("set", "acme", "state=disabled")
    for command in (["get", "acme"], ["list"], ["history"], ["report"], ["explain", "/old-sso/acme"], ["presets"], ["stat"]):
        printed = set().union(*(members(json.loads(line)) for line in routed(*command, "--json").stdout.splitlines()))
        assert printed and printed <= told, (command, printed - told)


def test_check_of_files_as_json(loader):
    file = loader.file(f"version: 1\nconnections:\n  acme: nonsense\n  b: {{connection_id: {ACME}, redirect: 303}}\n")
    found = [json.loads(line) for line in plain("check", "--json", file, status=2).stdout.splitlines()]
    assert [(row["severity"], row["file"], row["line"], row["column"]) for row in found] == [
        ("error", str(file), 3, 9), ("warning", str(file), 4, 91)]
    assert plain("check", "--json", loader.file(SMALL)).stdout == ""


def test_check_of_files_as_json_leaves_nothing_to_standard_error(loader):
    def found(*files, status=0):
        objects = [json.loads(line) for line in plain("check", "--json", *files, status=status).stdout.splitlines()]
        assert {tuple(row) for row in objects} <= {("severity", "file", "line", "column", "message")}
        return [(row["severity"], row["file"], row["line"], row["message"]) for row in objects]

    (warning,) = found(loader.file(many_rows(5).replace("-live-", "-test-")))
    assert warning[:3] == ("warning", None, None) and "all connections are of a test project" in warning[3]
    missing, wrong = loader.home / "missing.yaml", loader.file("version: 1\nconnections:\n  acme: nonsense\n", "wrong.yaml")
    told = found(missing, wrong, status=2)
    assert [row[:3] for row in told] == [("error", str(missing), None), ("error", str(wrong), 3)]
    assert "cannot be read: No such file or directory" in told[0][3]
    told = found(loader.file("version: 1\nconnections:\n" + "".join(f"  c{i}: nonsense\n" for i in range(103))), status=2)
    assert len(told) == 101 and told[100] == ("error", None, None, "3 more errors are not shown")


@pytest.mark.parametrize("fault_at, status, place, message", [
    (1_000_000, 2, ("own.yaml", 35_002, 3), "this identifier is already in line 3"),
    (1, 1, (None, None, None), "a temporary file in {} cannot be used"),
], ids=["found twice", "not compared"])
def test_check_of_more_than_is_sorted_in_memory_as_json(loader, fault_at, status, place, message):
    """The first row is there twice, which is found in the end alone, or not at all where the temporary file cannot be read."""
    row = f"{{state: legacy, legacy_url: 'https://legacy.example.net/{'x' * 1950}'}}\n"
    file = loader.file("version: 1\nconnections:\n" + "".join(f"  c{i % 34_999}: {row}" for i in range(35_000)), "own.yaml")
    config = loader.file(f"store: {loader.store}\nlegacy: {{allowed_hosts: [legacy.example.net]}}\nroutes: [match: '/old-sso/{{identifier}}']\n", "config.yaml")
    directory = loader.home / "temporary"
    directory.mkdir()
    faults = Faults(loader.home, "pread", at=fault_at, path=directory)
    result = plain("-c", config, "check", "--json", file, status=status, env={**faults.environment, "TMPDIR": str(directory)})
    [found] = map(json.loads, result.stdout.splitlines())
    assert found["severity"] == "error" and (found["line"], found["column"]) == place[1:]
    assert found["file"] == (place[0] and str(file))
    assert message.format(directory) in found["message"] and message.format(directory) in result.stderr
