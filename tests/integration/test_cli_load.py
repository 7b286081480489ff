"""`ssoferry check FILE`, `diff`, `load` and `export`: what a mapping file does to the table."""

import json
import os
import re
import signal
import subprocess

import pytest

from loader import ACME, GLOBEX, INITECH, MANY, SMALL, TIMEOUT, Loader, many_rows, plain, wait_until
from preload import Reads
from programs import ROOT, needs_root


def test_check_needs_no_store(loader):
    assert plain("check", loader.file(SMALL)).stdout == "3 rows of source default: no errors\n"


def test_faults_have_their_place_and_nothing_is_written(loader):
    file = loader.file("version: 1\nconnections:\n  acme: nonsense\n  globex:\n    colour: red\n")
    result = loader("load", file, status=2)
    assert f"{file}:3:9: error: " in result.stderr and f"{file}:5:5: error: " in result.stderr
    assert "    ^" in result.stderr and "nothing was written" in result.stderr
    assert not loader.store.exists()


def test_every_message_that_the_document_names_is_what_the_program_says(loader):
    """Each line below is wrong in a way that docs/mapping-file.md has an entry for."""
    wrong = {
        "  acme: nonsense": "the connection id must start with",
        f"  acme: {ACME}_": "and at least one after its prefix",
        f"  acme: {ACME}\n  acme: {ACME}": "this identifier is already in line 3",
        f"  '': {ACME}": "the identifier is empty",
        "  acme:": "this identifier has no connection: write its connection id, or a mapping of fields",
        "  acme: []": "a connection is a connection id or a mapping of fields, not a list",
        "  acme: {label: Acme}": "connection_id is missing, which state stytch needs",
        f"  acme: {{connection_id: {ACME}, redirct: form}}": '"redirct" is not a field',
        f"  acme: {{connection_id: {ACME}, redirect: 301}}": "redirect must be 307, 303 or form",
        f"  acme: {{connection_id: {ACME}, state: on}}": "state must be stytch, legacy or disabled",
        f"  acme: {{connection_id: {ACME}, label: }}": "label has no value: write one, or leave the field out",
        f"  acme: {{connection_id: {ACME}, acs_url: 'api.stytch.com/x'}}": "acs_url cannot be used: ",
        f"  acme: {{connection_id: {ACME}, acs_url: 'https://a.example/{ACME}'}}": "its host is not among the allowed hosts",
        f"  acme: {{connection_id: {ACME}, acs_url: 'https://api.stytch.com/{GLOBEX}'}}": "acs_url must end in /",
        f"  acme: {{connection_id: {ACME}, legacy_url: 'http://a.example/'}}": "plain http is only for this machine itself",
        f"  acme: {{connection_id: {ACME}, organization_id: org}}": "organization_id must start with",
        f"  acme: &a {ACME}": "anchors are not supported",
        "  acme: *a": "aliases are not supported",
        f"  acme: !!str {ACME}": "tags are not supported",
        "  <<: {}": "merge keys are not supported",
        f"  acme: {ACME}\n    legacy": "goes on in the next line: check the indentation there",
        f"\tacme: {ACME}": "a tab cannot indent: use spaces",
        f'  "acme: {ACME}': "the quotes that open here are never closed",
        f"  globex: {GLOBEX}\n  acme:{ACME}\n  initech: {INITECH}": "this is not a key",
        f"  acme: {ACME}\n---\n": "a second document starts here: a file holds one",
    }
    document = (ROOT / "docs/mapping-file.md").read_text().replace("\\|", "|").replace("`", "")
    for text, message in wrong.items():
        result = loader("check", loader.file(f"version: 1\nconnections:\n{text}\n"), status=2)
        assert ": error: " in result.stderr and message in result.stderr, (text, result.stderr)
        kind = re.sub(r"line \d+", "line N", message).removeprefix('"redirct" ').removeprefix("label ")
        assert kind in document or kind.split(" are not")[0] in document, kind


def test_a_file_that_may_have_been_cut_off_in_a_legacy_url_is_told(loader, config):
    """Whatever is left of it is a URL as well; but many a file that somebody wrote ends without a line break, too."""
    whole = f"version: 1\nconnections:\n  globex: {GLOBEX}\n  acme:\n    state: legacy\n    legacy_url: https://legacy.example.net/sso/acme"
    said = "6:17: warning: the file ends in this legacy_url, without a line break: was it copied in full?"
    document = (ROOT / "docs/mapping-file.md").read_text()
    assert said.removeprefix("6:17: warning: ") in document
    for text, told in [(whole, True), (whole[:-3], True), (whole + "\n", False), (whole + " #", False), (whole.replace("https", '"https') + '"', False),
                       (whole + f"\n    connection_id: {ACME}", False)]:
        assert (said in plain("-c", config, "check", loader.file(text)).stderr) == told, text


def test_the_examples_of_the_document_are_good(loader, config):
    examples = re.findall(r"```yaml\n(.*?)```", (ROOT / "docs/mapping-file.md").read_text(), re.DOTALL)
    assert len(examples) >= 2
    config.write_text(config.read_text().replace("login.acme-app.com", "login.globex-app.com"))
    for example in examples:
        plain("-c", config, "check", loader.file(example))


def test_the_way_from_a_spreadsheet_that_the_document_shows(loader):
    section = (ROOT / "docs/mapping-file.md").read_text().split("## From a spreadsheet\n")[1].split("\n## ")[0]
    sheet, script = re.findall(r"```(?:sh)?\n(.*?)```", section, re.DOTALL)
    semicolons = sheet.replace("größe, 1", "größe 1").replace(",", ";") + ";;;\n"
    for text, name in (sheet.replace("\n", "\r\n"), "größe, 1"), (semicolons, "größe 1"):
        (loader.home / "connections.csv").write_text("\ufeff" + text, encoding="utf-8")
        subprocess.run(["sh", "-ec", script], cwd=loader.home, check=True, timeout=TIMEOUT)
        loader("load", "--allow-removals", loader.home / "customers.yaml")
        assert [(row["identifier"], row["state"], row["label"]) for row in loader.rows()] == [
            ("acme", "legacy", "Acme (Okta)"), (name, "stytch", 'Größe "Eins"'), ("initech", "legacy", None)]
    for text in sheet.replace("identifier", "Identifier"), sheet + "hooli,,legacy,Hooli, Inc.\n":
        (loader.home / "connections.csv").write_text(text, encoding="utf-8")
        failed = subprocess.run(["sh", "-ec", script], cwd=loader.home, capture_output=True, text=True, timeout=TIMEOUT)
        assert failed.returncode == 1 and failed.stderr.startswith("no identifier, or more cells than the first line names: ['")
        assert failed.stdout == ""
    assert "docs/mapping-file.md has a way to make one from CSV" in plain("check", loader.home / "connections.csv", status=2).stderr


@pytest.mark.parametrize("content, words", [
    (b"PK\3\4\x14\0\6\0\x08\0", "this is a spreadsheet or an archive, not text: save it as CSV"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(100), "this is a spreadsheet or an archive, not text: save it as CSV"),
    (b"\x1f\x8b\x08\0\0", "this is packed by gzip: unpack it"),
    (b"PK", "it starts with `version: 1`"),
    (b'[{"id": "acme", "connection_id": "x"}]', 'which JSON may have, too, as in {"version": 1, "connections": {'),
    (b"- acme\n- globex\n", "docs/mapping-file.md shows its form"),
    (b'"identifier","connection_id"\n"acme","x"\n', "docs/mapping-file.md has a way to make one from CSV"),
    (b"identifier;connection_id\nacme;x\n", "docs/mapping-file.md has a way to make one from CSV"),
])
def test_a_file_of_another_format_is_told_to_be_one(loaded, content, words):
    file = loaded.home / "other"
    file.write_bytes(content)
    for command in "check", "load", "diff":
        said = loaded(command, file, status=2).stderr
        assert words in said and "\nssoferry: 1 error" in said and "control character" not in said


def test_a_store_is_no_mapping_file(loaded):
    for file in loaded.store, "-":
        said = loaded("check", file, status=2, stdin=loaded.store.open()).stderr
        assert ": error: this is a store, not text: `ssoferry --store FILE export` prints its rows as text\n" in said
        assert "\nssoferry: 1 error" in said


def test_faults_of_all_files_are_told_at_once(loader):
    one = loader.file("version: 1\nconnections:\n  acme: nonsense\n", "one.yaml")
    two = loader.file(SMALL, "two.yaml")
    missing = loader.home / "missing.yaml"
    result = loader("check", one, missing, two, status=2)
    assert f"{one}:3:9: error: " in result.stderr and str(missing) in result.stderr


def test_an_identifier_in_two_files_is_an_error(loader):
    one = loader.file(SMALL, "one.yaml")
    two = loader.file(f"version: 1\nconnections:\n  acme: {ACME}\n", "two.yaml")
    assert f"{two}:3:3: error: " in loader("load", one, two, status=2).stderr


def test_a_load_says_what_it_did(loader):
    assert loader.load(SMALL).stdout == "revision 1: 3 added, 0 changed, 0 removed, 3 rows\n"
    assert loader.load(SMALL).stdout == "nothing to change: revision 1 stays, 3 rows\n"
    changed = SMALL.replace(INITECH, ACME)
    assert json.loads(loader.load(changed, "--json").stdout) == {
        "revision": 2, "added": 0, "changed": 1, "removed": 0, "rows": 3, "dry_run": False}


def test_a_load_reads_standard_input(loader):
    loader("load", "-", input=SMALL)
    assert len(loader.rows()) == 3


def test_a_first_load_without_rows_is_told(loader):
    empty = "version: 1\nconnections: {}\n"
    for option, said in [("--dry-run", "dry run: would make revision 1: "), ("--merge", "revision 1: ")]:
        result = loader.load(empty, option)
        assert result.stdout == said + "0 added, 0 changed, 0 removed, 0 rows\n" and "every identifier is unknown" in result.stderr
    again = loader.load(empty)
    assert again.stdout == "nothing to change: revision 1 stays, 0 rows\n" and again.stderr == ""


def test_export_loads_back_to_the_same_table(loader, tmp_path):
    sources = SMALL.replace("connections:", "source: auth0\nconnections:")
    odd = "version: 1\nconnections:\n" + "".join(
        f"  {json.dumps(name)}: {ACME}\n" for name in ["0123", "yes", "1e3", "~", "null", "a b", "#x", "ü", "a/b", "x: y", "日本", "- a", "'q'"])
    loader.load(sources)
    loader.load(odd)
    text = loader.export()
    copy = Loader(tmp_path / "copy")
    copy.home.mkdir()
    copy("load", "-", input=text)
    assert copy.export() == text and copy.rows() == loader.rows()

    one = loader("export", "--source", "auth0").stdout
    assert "source: auth0" in one and len(one.splitlines()) < len(text.splitlines())


def test_export_to_a_file_replaces_it_whole(loaded):
    target = loaded.home / "out.yaml"
    target.write_text("old")
    result = loaded("export", "-o", target)
    assert target.read_text() == loaded.export() and result.stdout == "" and "3 rows" in result.stderr
    assert sorted(p.name for p in loaded.home.iterdir() if p.name.startswith("out")) == ["out.yaml"]


def export_with_a_signal(loader, target, *before):
    """Sends SIGHUP as soon as there is a temporary file; returns the exit status."""
    program = subprocess.Popen([*before, *loader.command("export", "-o", target)], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    wait_until(lambda: list(loader.home.glob("out.yaml.*")) or program.poll() is not None)
    program.send_signal(signal.SIGHUP)
    program.communicate(timeout=TIMEOUT)
    return program.returncode


def test_a_signal_ends_an_export_unless_it_is_ignored(loaded):
    loaded.load(many_rows(40000), "--allow-removals")
    target, ended = loaded.home / "out.yaml", 0
    for _ in range(5):
        status = export_with_a_signal(loaded, target)
        placed = target.exists()
        assert status == -signal.SIGHUP or (status == 0 and placed)
        assert not placed or target.read_text() == loaded.export(), "a signal may come when it is there already"
        ended += not placed
        target.unlink(missing_ok=True)
        assert export_with_a_signal(loaded, target, "nohup") == 0 and target.read_text() == loaded.export()
        target.unlink()
        assert not list(loaded.home.glob("out.yaml*"))
    assert ended > 0, "no export was interrupted"


def test_a_signal_ends_an_export_at_once(loader):
    loader.load(many_rows(MANY))
    reads = Reads(loader.home, interrupt_at=MANY // 4)
    loader("export", "-o", loader.home / "out.yaml", env=reads.environment, status=-signal.SIGINT)
    assert reads.count() < MANY / 2 and not list(loader.home.glob("out.yaml*"))


def test_export_opens_up_nothing_and_follows_links(loaded):
    closed, new, target, link = (loaded.home / name for name in ("closed.yaml", "new.yaml", "target.yaml", "link.yaml"))
    closed.write_text("")
    closed.chmod(0o600)
    target.write_text("")
    link.symlink_to("target.yaml")
    loaded.store.chmod(0o640)
    for path in (closed, new, link):
        loaded("export", "-o", path, umask=0o022)
    assert [path.stat().st_mode & 0o777 for path in (closed, new)] == [0o600, 0o640]
    assert link.is_symlink() and target.read_text() == loaded.export()
    target.unlink()
    assert "link to nothing" in loaded("export", "-o", link, status=1).stderr and link.is_symlink()
    assert "/dev/stdout is not an ordinary file" in loaded("export", "-o", "/dev/stdout", status=1).stderr
    assert f"{loaded.home} is a directory: name a file in it" in loaded("export", "-o", loaded.home, status=1).stderr
    none = loaded.home / "none" / "out.yaml"
    assert f"cannot write {none}: its directory does not exist: make it (mkdir -p), or name a file elsewhere" in loaded("export", "-o", none, status=1).stderr
    for command in ["export", "-o"], ["backup"]:
        assert re.search(r"/sys/out: .*writable.*, or name a file elsewhere", loaded(*command, "/sys/out", status=1).stderr)
    with link.open("w") as output:
        output.write("kept\n")
        output.flush()
        command = loaded.command("export", "-o", "/dev/stdout")
        refused = subprocess.run(command, stdout=output, stderr=subprocess.PIPE, text=True, timeout=TIMEOUT)
    assert refused.returncode == 1 and "leave out -o" in refused.stderr and target.read_text() == "kept\n"


@needs_root
def test_export_follows_no_link_of_another_users(loaded):
    """As in a directory that they may write in; nor one that a link of one's own leads to."""
    target, theirs, ours = (loaded.home / name for name in ("target.yaml", "theirs.yaml", "ours.yaml"))
    target.write_text("kept")
    for link, to in (theirs, target), (ours, theirs.name):
        link.symlink_to(to)
    os.chown(theirs, 4711, 4711, follow_symlinks=False)
    for path in (ours, theirs):
        told = loaded("export", "-o", path, status=1).stderr
        assert f"error: {theirs} is a link that user id 4711 made: remove it, or name another file" in told
    assert target.read_text() == "kept" and theirs.is_symlink()
    os.chown(theirs, 0, 0, follow_symlinks=False)
    loaded("export", "-o", ours)
    assert target.read_text() == loaded.export() and ours.is_symlink() and theirs.is_symlink()


def test_export_of_links_that_lead_to_one_another(loaded):
    first, second = (loaded.home / name for name in ("first.yaml", "second.yaml"))
    first.symlink_to(second)
    second.symlink_to(first)
    assert "first.yaml is a link to nothing: remove it, or name another file" in loaded("export", "-o", first, status=1).stderr


@pytest.mark.parametrize("command", [["export", "-o"], ["backup"]], ids=["export", "backup"])
def test_nothing_is_written_over_the_store_or_the_configuration(loaded, config, command):
    (loaded.home / "folder").mkdir()
    (loaded.home / "link").symlink_to(loaded.store)
    os.link(config, loaded.home / "twin.yaml")
    before = {path: path.read_bytes() for path in (loaded.store, config)}
    run = lambda name: plain("-c", config, *command, name, status=2, cwd=loaded.home).stderr
    for name, what in {
        "connections.mdb": "the store itself", "folder/../connections.mdb": "the store itself", "link": "the store itself",
        "connections.mdb-lock": "the store's lock", loaded.home / "connections.mdb.usage": "what the daemon counts",
        "connections.mdb.usage-lock": "the lock of what the daemon counts", "ssoferryd.yaml": "the daemon's configuration",
        "twin.yaml": "the daemon's configuration",
    }.items():
        assert f"{name} is {what}: name another file" in run(name)
    assert {path: path.read_bytes() for path in before} == before
    assert not (loaded.home / "connections.mdb.usage").exists()
    plain("-c", config, *command, "folder/connections.mdb", cwd=loaded.home)


def test_diff_shows_rows_and_writes_nothing(loaded):
    text = f"version: 1\nconnections:\n  acme: {ACME}\n  globex:\n    connection_id: {GLOBEX}\n    label: Globex\n  hooli: {INITECH}\n"
    before = loaded.export()
    result = loaded("diff", loaded.file(text))
    assert result.stdout == (
        "~ globex redirect: form -> (none), label: Globex (Okta) -> Globex\n"
        f"+ hooli -> {INITECH}\n"
        "- initech\n"
        "1 to add, 1 to change, 1 to remove, 1 unchanged\n")
    assert result.stderr == ""
    assert "- initech" not in loaded("diff", "--merge", loaded.file(text)).stdout
    assert loaded.export() == before and loaded.revision() == 1


def test_diff_names_every_field_that_changes(config, loader):
    plain("-c", config, "load", loader.file(f"version: 1\nconnections:\n  acme: {ACME}\n"))
    after = {"connection_id": GLOBEX, "acs_url": f"https://login.acme-app.com/v1/b2b/sso/callback/{GLOBEX}", "state": "disabled", "redirect": "form",
             "legacy_url": "https://legacy.example.net/acs", "organization_id": "organization-live-1", "label": "Acme"}
    before = {"connection_id": ACME, "state": "stytch"}
    text = "version: 1\nconnections:\n  acme:\n" + "".join(f"    {field}: {value}\n" for field, value in after.items())
    line = plain("-c", config, "diff", loader.file(text)).stdout.splitlines()[0]
    assert line.startswith("~ acme ") and sorted(line.removeprefix("~ acme ").split(", ")) == sorted(
        f"{field}: {before.get(field, '(none)')} -> {value}" for field, value in after.items())


def test_diff_before_there_is_a_store(loader):
    result = loader("diff", loader.file(SMALL))
    assert result.stdout.count("+ ") == 3 and str(loader.store) in result.stderr
    assert not loader.store.exists()


def test_a_dry_run_writes_nothing(loader):
    result = loader.load(SMALL, "--dry-run")
    assert result.stdout == "dry run: would make revision 1: 3 added, 0 changed, 0 removed, 3 rows\n"
    assert not loader.store.exists()
    loader.load(SMALL)
    before = loader.store.read_bytes()
    loader.load(SMALL.replace(INITECH, ACME), "-n")
    assert loader.store.read_bytes() == before


def test_rows_that_lie_between_many_new_ones_are_removed(loaded):
    loaded.load(many_rows(2000), "--allow-removals")
    assert [row["identifier"] for row in loaded.rows()] == [f"customer-{i:07}" for i in range(2000)]
    assert loaded("history", "--show", "2").stdout.count("\n- ") == 3


def test_expect_revision(loaded):
    changed = SMALL.replace(INITECH, ACME)
    result = loaded.load(changed, "--expect-revision", 7, status=1)
    assert "revision 1, not 7" in result.stderr
    loaded.load(changed, "--expect-revision", 1)
    assert loaded.revision() == 2


@pytest.mark.parametrize("command", [["load", "connections.yaml"], ["set", "acme", f"connection_id={ACME}"]])
def test_a_store_that_is_made_is_told_by_its_whole_path(loader, tmp_path, command):
    """For one that lies elsewhere than the daemon's changes nothing for anybody: a relative name, and another directory."""
    loader.file(SMALL)
    made = f"ssoferry: made a new store at {tmp_path}/elsewhere.mdb; if a daemon is running already, it uses another one\n"
    assert loader(*command, store="elsewhere.mdb", cwd=tmp_path).stderr == made
    assert loader(*command, store="elsewhere.mdb", cwd=tmp_path).stderr == ""


@pytest.mark.parametrize("options", [[], ["--dry-run"]], ids=["load", "dry run"])
def test_a_revision_expected_of_a_store_that_is_not_there_leaves_none_behind(loader, options):
    result = loader.load(SMALL, *options, "--expect-revision", 7, status=1)
    assert "the table is at revision 0, not 7" in result.stderr and str(loader.store) in result.stderr
    assert [path.name for path in loader.home.iterdir()] == ["connections.yaml"]
    loader.load(SMALL, *options, "--expect-revision", 0)


def test_a_disk_that_fails_outweighs_files_to_mend(loaded):
    """Whichever is named first: nobody knows then whether the files are good."""
    none, wrong, failing = loaded.home / "none", loaded.file("version: 1\nconnections: {a: x}\n", "wrong.yaml"), "/proc/self/mem"
    for command, options in ("check", []), ("load", []), ("load", ["--dry-run"]), ("diff", []):
        for other in none, wrong, loaded.home:
            for files in (other, failing), (failing, other):
                assert f"{failing}: cannot be read: Input/output error" in loaded(command, *options, *files, status=1).stderr
        loaded(command, *options, none, wrong, status=2)
