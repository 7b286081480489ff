"""The loader `ssoferry`, run as an operator runs it: every command, and the mistakes people make with them."""

import base64
import fcntl
import json
import os
import pathlib
import pty
import re
import resource
import select
import signal
import struct
import subprocess
import termios
import time

import pytest

from faulty import Faults
from preload import Reads, environment_with
from programs import ROOT, needs_root, program
from store_file import StoreFile
from stytch_ids import connection_id

PROGRAM = program("ssoferry")
MAN_PAGE = ROOT / "docs/man/ssoferry.1"
TIMEOUT = 120


ACME, GLOBEX, INITECH = connection_id(1), connection_id(2), connection_id(3)
SMALL = f"""\
version: 1
connections:
  acme: {ACME}
  globex:
    connection_id: {GLOBEX}
    redirect: form
    label: Globex (Okta)
  initech: {INITECH}
"""


def many_rows(count, first=0):
    lines = ["version: 1", "connections:"]
    lines += [f"  customer-{i:07}: {connection_id(first + i)}" for i in range(count)]
    return "\n".join(lines) + "\n"


class Loader:
    """Runs the program on one store, with a home for files."""

    def __init__(self, home):
        self.home = home
        self.store = home / "connections.mdb"

    def file(self, text, name="connections.yaml"):
        path = self.home / name
        path.write_text(text)
        return path

    def command(self, *arguments, store=None):
        return [PROGRAM, "--store", store or self.store, *map(str, arguments)]

    def __call__(self, *arguments, status=0, store=None, **settings):
        """Runs a command, which must end with `status` and leave no report of a sanitizer."""
        result = subprocess.run(self.command(*arguments, store=store), capture_output=True, text=True, timeout=TIMEOUT, **settings)
        assert "Sanitizer" not in result.stderr and "runtime error" not in result.stderr, result.stderr
        assert result.returncode == status, f"{arguments}: {result.returncode}\n{result.stdout}{result.stderr}"
        return result

    def load(self, text, *options, **settings):
        return self("load", *options, self.file(text), **settings)

    def export(self):
        return self("export").stdout

    def revision(self):
        return json.loads(self("stat", "--json").stdout)["revision"]

    def rows(self, *options):
        return [json.loads(line) for line in self("list", "--json", *options).stdout.splitlines()]


@pytest.fixture
def loader(tmp_path):
    return Loader(tmp_path)


@pytest.fixture
def loaded(loader):
    loader.load(SMALL)
    return loader


def plain(*arguments, status=0, **settings):
    """Runs the program with nothing but these arguments."""
    result = subprocess.run([PROGRAM, *map(str, arguments)], capture_output=True, text=True, timeout=TIMEOUT, **settings)
    assert result.returncode == status, f"{arguments}: {result.returncode}\n{result.stdout}{result.stderr}"
    return result


# -- usage ---------------------------------------------------------------------------------------------------------------------


def commands():
    listed = plain("help").stdout.split("Commands:\n")[1].split("\n\n")[0]
    return [line.split()[0] for line in listed.splitlines()]


def help_options(command):
    text = plain(command, "--help").stdout.split("Options for every command:")[0]
    return set(re.findall(r"^ {2,6}(?:-\w, )?(--[a-z-]+)", text, re.MULTILINE))


def man_options():
    """The options that each command's section of the man page names."""
    text = MAN_PAGE.read_text().split("The commands are:")[1].split(".Sh ENVIRONMENT")[0]
    found, command = {}, None
    for line in text.splitlines():
        if line.startswith(".It Ic "):
            command = line.split()[2]
            found[command] = set()
        elif line.startswith(".It Fl "):
            found[command] |= {"--" + name for name in re.findall(r"Fl Fl ([a-z-]+)", line)}
    return found


def test_man_page_and_help_name_the_same_commands_and_options():
    documented = man_options()
    assert list(documented) == commands()
    for command in commands():
        assert help_options(command) == documented[command], command


def test_every_command_has_help_and_version():
    version = plain("--version").stdout
    assert re.fullmatch(r"ssoferry \d+\.\d+\.\d+\n", version)
    for command in commands():
        text = plain(command, "--help").stdout
        assert text.startswith("usage: ssoferry") and f" {command}" in text.splitlines()[0]
        assert plain("help", command).stdout == text
        assert plain(command, "--version").stdout == version


def test_without_a_command_usage_is_printed():
    result = plain(status=2)
    assert result.stdout == "" and result.stderr.startswith("usage: ssoferry")
    assert plain("--help").stdout == plain("help").stdout == result.stderr


@pytest.mark.parametrize(
    "arguments, words",
    [
        (["laod"], "did you mean load?"),
        (["frobnicate"], "`ssoferry help` lists them"),
        (["help", "lst"], "did you mean list?"),
        (["load", "--mrege", "f.yaml"], "did you mean --merge?"),
        (["load", "--frobnicate", "f.yaml"], "there is no option --frobnicate"),
        (["load", "-x", "f.yaml"], "there is no option -x"),
        (["--json", "list"], "put it after a command that has it"),
        (["rollback", "--dry-run", "1"], "this command has no option --dry-run, as others have"),
        (["remove", "--all"], "this command has no option --all, as others have"),
        (["load"], "load needs FILE..."),
        (["check"], "check needs FILE..., or --table"),
        (["check", "--table", "f.yaml"], "check takes FILE... or --table, not both: leave out 'f.yaml'"),
        (["get", "a", "b"], "get takes only one ID: leave out 'b'"),
        (["list", "a"], "list takes options only: leave out 'a'"),
        (["history", "acme"], "history takes options only: 'acme' needs --id or --show before it"),
        (["list", "--limit", "many"], "'many' is not a whole number"),
        (["list", "--limit"], "--limit needs its N"),
        (["list", "--json=yes"], "--json takes no value"),
        (["--store", "", "list"], "--store: PATH must not be empty"),
        (["set", "acme"], "set needs ID... FIELD=VALUE..."),
    ],
)
def test_wrong_usage_says_what_is_right(arguments, words):
    result = plain(*arguments, status=2)
    assert words in result.stderr and result.stdout == ""


def test_an_unknown_option_shows_the_way_to_help():
    result = plain("load", "--mrege", "f.yaml", status=2)
    assert "usage: ssoferry" in result.stderr and "see `ssoferry load --help`" in result.stderr


def test_global_options_stand_before_or_behind_the_command(loaded):
    before = plain("--store", loaded.store, "get", "acme", "--json").stdout
    assert plain("get", "acme", f"--store={loaded.store}", "--json").stdout == before
    assert plain("get", "--json", "--store", loaded.store, "--", "acme").stdout == before


# -- choosing the store ----------------------------------------------------------------------------------------------------------


@pytest.mark.skipif(os.path.exists("/etc/ssoferry/ssoferryd.yaml"), reason="this machine has a configuration of its own")
def test_what_stands_behind_two_dashes_is_no_option(loaded):
    loaded("set", "--", "-h", "connection_id=" + connection_id(9))
    assert "identifier       -h\n" in loaded("get", "--", "-h").stdout
    assert loaded("remove", "--", "--help", status=1).stderr.startswith("ssoferry: error: there is no")


def test_without_store_or_configuration_both_options_are_named():
    result = plain("list", status=2)
    assert "-c CONFIG" in result.stderr and "--store PATH" in result.stderr


def test_a_configuration_that_is_named_must_be_there(tmp_path):
    result = plain("-c", tmp_path / "none.yaml", "list", status=2)
    assert str(tmp_path / "none.yaml") in result.stderr


CONFIGURATION = """\
listen:
  - address: 127.0.0.1:8080
store: {store}
stytch:
  allowed_hosts: [login.acme-app.com]
legacy:
  allowed_hosts: [legacy.example.net]
routes:
  - match: /saml/{{identifier}}/acs
  - match: /old-sso/{{identifier}}
"""


@pytest.fixture
def config(loader):
    return loader.file(CONFIGURATION.format(store=loader.store), "ssoferryd.yaml")


def test_a_configuration_names_the_store(loader, config):
    plain("-c", config, "load", loader.file(SMALL))
    assert loader.revision() == 1


def test_store_goes_before_the_configuration(loader, config, tmp_path):
    other = tmp_path / "other.mdb"
    plain("-c", config, "--store", other, "load", loader.file(SMALL))
    assert other.exists() and not loader.store.exists()


def file_of_other_hosts(loader):
    return loader.file(f"""\
version: 1
connections:
  acme:
    connection_id: {ACME}
    acs_url: https://login.acme-app.com/v1/b2b/sso/callback/{ACME}
  globex:
    state: legacy
    legacy_url: https://legacy.example.net/acs
""")


def test_the_configuration_allows_hosts_that_the_default_does_not(loader, config):
    file = file_of_other_hosts(loader)
    plain("-c", config, "check", file)
    result = loader("check", file, status=2)
    assert result.stderr.count(": error: ") == 2


def test_a_host_that_is_not_allowed_does_not_stop_taking_back(loader, config):
    plain("-c", config, "load", file_of_other_hosts(loader))
    for state in ("legacy", "disabled"):
        assert loader("set", "acme", f"state={state}").stdout.endswith("acme changed\n")
    named = [["acme", f"acs_url=https://evil.example/{ACME}"], ["acme", "legacy_url=https://evil.example/"]]  # whether its state uses it or not
    for words in (["acme", "state=stytch"], ["acme", f"connection_id={GLOBEX}"], ["globex", "label=Globex"], *named):
        assert "_url " in loader("set", *words, status=2).stderr


# -- check, diff, load -------------------------------------------------------------------------------------------------------------


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
        assert f": error: " in result.stderr and message in result.stderr, (text, result.stderr)
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


def test_characters_that_nobody_sees_are_shown(loader):
    odd = f'version: 1\nconnections:\n  "\\ufeffacme": {ACME}\n  "in\\u200bitech": {{connection_id: {GLOBEX}, label: "a\\u202eb\\U000e0041"}}\n'
    loaded = loader.load(odd)
    assert loaded.stderr.count("holds an invisible character") == 2
    shown = loader("list").stdout
    assert "in\\u200bitech " in shown and "\\ufeffacme " in shown and "a\\u202eb\\U000e0041\n" in shown
    assert "in\\u200bitech" in loader("get", "in\u200bitech").stdout
    assert "there is no in\\u200btech in source default" in loader("get", "in\u200btech", status=1).stderr
    assert "- \\ufeffacme\n" in loader("diff", loader.file("version: 1\nconnections: {}\n")).stdout
    assert "holds an invisible character" in loader("set", "\u2060b", f"connection_id={ACME}").stderr
    exported = loader.export()
    for name in "acme ", " acme", " ":
        assert "begins or ends with a blank" in loader("set", name, f"connection_id={ACME}", "label=of two words").stderr
    shown = loader("list", "--match", "*[ c]*").stdout.splitlines()
    assert [line.split()[1] for line in shown[1:]] == ["\\x20", "\\x20acme", "acme\\x20", "in\\u200bitech", "\\ufeffacme"]
    assert len({line.index("  of two words") for line in shown if "of two words" in line}) == 1, "the columns are aligned"
    assert "identifier       acme\\x20\n" in loader("get", "acme ").stdout
    loader("remove", "acme ", " acme", " ")
    loader("remove", "\u2060b")
    loader.load(exported)
    assert loader.export() == exported


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


def test_diff_as_json_and_for_scripts(loaded):
    changed = loaded.file(SMALL.replace("redirect: form", "redirect: 307"))
    result = loaded("diff", "--exit-code", "--json", changed, status=1)
    (row,) = map(json.loads, result.stdout.splitlines())
    assert list(row) == ["change", "source", "identifier", "before", "after"]
    assert (row["change"], row["before"]["redirect"], row["after"]["redirect"]) == ("changed", "form", "307")
    assert loaded("diff", "--exit-code", loaded.file(SMALL)).stdout == "0 to add, 0 to change, 0 to remove, 3 unchanged\n"


def test_diff_before_there_is_a_store(loader):
    result = loader("diff", loader.file(SMALL))
    assert result.stdout.count("+ ") == 3 and str(loader.store) in result.stderr
    assert not loader.store.exists()


def test_colours_are_for_terminals_that_want_them(loaded):
    text = loaded.file(SMALL.replace("redirect: form", "redirect: 307"))
    assert "\x1b" not in loaded("diff", text).stdout
    assert "\x1b[33m~ globex" in on_terminal(loaded.command("diff", text))
    assert "\x1b[" not in on_terminal(loaded.command("diff", text), NO_COLOR="1")


def test_a_dry_run_writes_nothing(loader):
    result = loader.load(SMALL, "--dry-run")
    assert result.stdout == "dry run: would make revision 1: 3 added, 0 changed, 0 removed, 3 rows\n"
    assert not loader.store.exists()
    loader.load(SMALL)
    before = loader.store.read_bytes()
    loader.load(SMALL.replace(INITECH, ACME), "-n")
    assert loader.store.read_bytes() == before


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
    loader.load(odd_table("one", {"acme": ACME}))
    assert "remove 1 of the 1 rows" in loader.load("version: 1\nsource: one\nconnections: {}\n", status=1).stderr


def test_a_restore_of_all_sources_is_a_whole_one(loader):
    loader.load(odd_table("auth0", {"acme": ACME}))
    loader.load(SMALL)
    before = loader.export()
    for source in ("a", "zzz"):
        loader.load(odd_table(source, {"late": GLOBEX}))
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


def rows_in(state, count, of=40):
    rows = many_rows(of).splitlines()
    return "\n".join(rows[:2] + [line.replace(": ", ": {connection_id: ") + f", state: {state}}}" for line in rows[2:2 + count]] + rows[2 + count:]) + "\n"


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


# -- rows ----------------------------------------------------------------------------------------------------------------------------


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
        (["get", "globxe"], "did you mean globex?"),
        (["get", "ACME"], "did you mean acme?"),
        (["get", "zzzzzzzz"], "list --match"),
        (["get", "--source", "auth0", "acme"], "in source default: use --source default"),
        (["get", "--source", "auth0", "zzz"], "source auth0 has no rows; there are rows of: default"),
        (["remove", "acme", "intech"], "did you mean initech?"),
        (["set", "globx", "redirect=307"], "did you mean globex?"),
        (["export", "--source", "auth0"], "there are rows of: default"),
        (["history", "--show", "9"], "there is no revision 9; the newest is 1"),
        (["rollback", "5"], "there is no revision 5; the newest is 1"),
        (["list", "--source", "auth0"], "there are rows of: default"),
        (["set", "Acme", "state=legacy"], "did you mean acme?"),
        (["set", "acme-corp", "state=legacy"], "did you mean acme?"),
        (["set", "old-sso/acme?x=1", "state=legacy"], "did you mean acme?"),
        (["set", "Globex@example.com", "state=legacy"], "did you mean globex?"),
        (["get", "lobex@example.com"], "list --match"),
        (["set", "acmee", "state=legacy"], "to add a row with that name all the same, give connection_id=ID"),
        (["set", "--source", "auth00", "acme", "state=legacy"], "in source default: use --source default"),
        (["set", "acme", "nobody", "globxe", "state=disabled"], "there is no nobody in source default"),
        (["set", "acme", "nobody", "globxe", "state=disabled"], "did you mean globex?"),
        (["set", GLOBEX, "state=legacy"], "it is the connection_id of globex (source default)"),
        (["set", "--source", "auth0", GLOBEX, "state=legacy"], f"there is no {GLOBEX} in source auth0: it is the connection_id of globex"),
        (["set", "globex (okta)", "state=legacy"], "it is the label of globex (source default)"),
        (["set", "acme", "Globex (Okta)", "state=legacy"], "it is the label of globex (source default)"),
        (["set", "acme,globex", "state=legacy"], "there is no acme,globex in source default: in it are the names of acme and globex, which need a word each"),
        (["set", " nobody; acme", "state=legacy"], "in it is the name of acme, which needs a word of its own"),
        (["remove", "acme globex initech"], "in it are the names of acme, globex and initech, which need a word each"),
        (["get", INITECH], "it is the connection_id of initech (source default)"),
        (["remove", INITECH], "it is the connection_id of initech (source default)"),
        (["history", "--id", INITECH], "it is the connection_id of initech (source default)"),
    ],
)
def test_what_is_not_there_comes_with_what_is(loaded, arguments, words):
    before = loaded.export()
    result = loaded(*arguments, status=1)
    assert words in result.stderr and result.stdout == ""
    assert loaded.export() == before


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


def test_a_row_of_that_name_in_another_source_is_told_to_whoever_named_none(loaded):
    loaded.load(odd_table("auth0", {"acme": connection_id(7), "hooli": connection_id(8)}))
    other = "ssoferry: acme of source auth0 is another row and stays as it is; --source auth0 names it\n"
    assert loaded("set", "acme", "state=disabled").stderr == loaded("set", "globex", "acme", "state=disabled").stderr == other
    assert loaded("set", "--source", "default", "acme", "state=stytch").stderr == loaded("set", "globex", "state=stytch").stderr == ""
    assert loaded("set", "--all", "--state", "stytch", "label=x").stderr == ""
    assert loaded("remove", "acme", "globex").stderr == other
    assert loaded("remove", "--source", "auth0", "acme").stderr == ""


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


def test_a_name_that_no_row_is_near_is_added_with_its_state_alone(loaded):
    assert loaded("set", "umbrella", "state=disabled").stdout == "revision 2: umbrella added\n"
    assert loaded("set", "acmee", f"connection_id={ACME}", "state=disabled").stdout == "revision 3: acmee added\n"
    assert loaded("set", "acme,globex", f"connection_id={ACME}").stdout == "revision 4: acme,globex added\n"
    assert loaded("set", "hooli,corp", "state=disabled").stdout == "revision 5: hooli,corp added\n"


def test_a_row_that_is_added_beside_a_name_like_it_is_told(loader):
    """Who is cut over by a connection_id has a row without one, and a mistyped name makes another: the customer stays behind."""
    loader.load(f"version: 1\nconnections:\n  acme: {{connection_id: {ACME}, state: legacy}}\n  initech: {{state: legacy}}\n")
    for name in "initec", "Initech":
        result = loader("set", name, f"connection_id={INITECH}", "state=stytch")
        revision = loader.revision() - 1
        assert result.stdout == f"revision {revision + 1}: {name} added\n"
        assert result.stderr == (f"ssoferry: warning: {name} had no row and got a new one. Was initech meant, which has no connection_id? "
                                 f"Then `ssoferry rollback {revision}` undoes this\n")
        loader("rollback", "--yes", revision)
    told = loader("set", "acmee", f"connection_id={GLOBEX}").stderr  # another customer, mostly, as where names are numbers
    assert told == "ssoferry: acmee had no row and got a new one. Was acme meant? Then `ssoferry rollback 5` undoes this\n"
    assert "Was acmee meant?" in loader("set", "acmeo", f"connection_id={ACME}").stderr, "and not another name of the same customer"
    assert "Was acme, acmee or acmeo meant? Then `ssoferry rollback 7`" in loader("set", "acmex", f"connection_id={connection_id(9)}").stderr
    assert "got a new one" not in loader("set", "acmey", "connection_id=", "state=disabled").stderr


def test_rows_that_are_added_among_others_are_told(loaded):
    result = loaded("set", "acme", "wayne", "label=x", f"connection_id={connection_id(9)}")
    assert result.stdout == "revision 2: 1 row changed, 1 added\n"
    assert "ssoferry: wayne had no row and got a new one\n" in result.stderr
    names = ["hooli", "umbrella", "stark", "cyberdyne", "tyrell", "wonka", "soylent"]
    told = loaded("set", "acme", *names, f"connection_id={connection_id(9)}").stderr
    assert re.findall(r"(\w+) had no row", told) == names[:5] and "and 2 more new rows: `ssoferry history --show 3` shows them" in told
    assert "had no row" not in loaded("set", "aperture", "blackmesa", f"connection_id={connection_id(9)}").stderr, "all of them are new"
    told = loaded("set", "acme", "intech", f"connection_id={connection_id(9)}", "--json").stderr
    assert "intech had no row and got a new one. Was initech meant? Then `ssoferry rollback 4`" in told


@pytest.mark.parametrize("name", ["state=stytch", f"connection_id={ACME}", "redirect=form", "label=Wayne", "legacy_url="])
def test_a_field_in_the_place_of_an_identifier_is_not_made_a_row(loader, name):
    """As in a script whose variable of the identifier is empty: it would go on, and nobody be cut over."""
    said = f"{name} is a field and its value: write the identifier before it. If that is meant to be a name, `ssoferry load --merge` a file with it"
    for fields in ([f"connection_id={GLOBEX}"], ["state=disabled"]):
        assert loader("set", name, *fields, status=2 if "state=disabled" not in fields else 1).stdout == ""
    assert not loader.store.exists()
    loader.load(SMALL)
    for fields in ([f"connection_id={GLOBEX}"], ["state=disabled"], ["state=disabled", f"connection_id={GLOBEX}"]):
        assert said in loader("set", name, *fields, status=2).stderr
    loader("load", "--merge", loader.file(odd_table("default", {json.dumps(name): ACME})))
    assert loader("set", name, "label=x").stdout == f"revision 3: {name} changed\n"


@pytest.mark.parametrize("name", ["connection=acme", "state=acme", "stat=legacy", "redirect=301", "label"])
def test_a_name_that_is_like_a_field_is_made_a_row(loader, name):
    assert loader("set", name, f"connection_id={GLOBEX}").stdout == f"revision 1: {name} added\n"


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


def test_a_set_that_expects_a_revision_makes_no_store(loader):
    loader("set", "acme", f"connection_id={ACME}", "--expect-revision", 3, status=1)
    assert not loader.store.exists()


def test_near_names_are_looked_for_a_few_times(loaded):
    names = ["acmee", "globx", "intech", "globexx", "acmf", "globxe", "nobody"]
    for words in (["remove", *names], ["set", "acme", *names, "state=legacy"]):
        told = [line for line in loaded(*words, status=1).stderr.splitlines() if "there is no" in line]
        assert ["did you mean" in line for line in told] == [True] * 5 + [False] * 2
        assert [line.split()[5] for line in told] == names


def test_remove_takes_all_or_none(loaded):
    assert "nothing was removed" in loaded("remove", "acme", "nobody", status=1).stderr
    assert len(loaded.rows()) == 3
    assert loaded("remove", "acme", "globex").stdout == "revision 2: 2 rows removed\n"
    assert [row["identifier"] for row in loaded.rows()] == ["initech"]


CONFIGURATION_OF_SOURCES = """\
store: {store}
hosts: [sso.example.com]
legacy: {{allowed_hosts: [legacy.example.net]}}
routes:
  - match: /bare/{{identifier}}
  - match: /auth0/{{identifier}}
    source: auth0
    legacy_url: https://legacy.example.net/{{identifier}}
  - match: /issuer
    source: issuer
    identify_by: issuer
  - match: /folded/{{identifier}}
    source: folded
    fold_case: true
    legacy_url: https://legacy.example.net/{{identifier}}
  - match: /partly/{{identifier}}
    source: partly
    legacy_url: https://legacy.example.net/{{identifier}}
  - match: /partly-not/{{identifier}}
    source: partly
"""


@pytest.fixture
def routed(loader):
    """The loader with a configuration of four sources: default has no legacy_url, auth0 has one, issuer decodes nothing, folded folds case."""
    config = loader.file(CONFIGURATION_OF_SOURCES.format(store=loader.store), "ssoferryd.yaml")
    loader.load(SMALL)
    return lambda *arguments, **settings: plain("-c", config, *arguments, **settings)


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


@pytest.mark.parametrize(
    "arguments, words",
    [
        (["--source", "auth0", "https://sso.example.com/auth0/umbrella"], "is an address that sign-ins come to, not an identifier"),
        (["--source", "auth0", "/auth0/umbrella"], "is an address that sign-ins come to, not an identifier"),
        (["--source", "auth9", "umbrella"], "no route has source auth9"),
        (["--source", "auth0", "old/umbrella"], "has a slash, and the routes of source auth0 look in one segment"),
    ],
)
def test_a_row_that_no_sign_in_asks_for_is_not_made_of_a_state(routed, loader, arguments, words):
    before = loader.export()
    for state in "legacy", "disabled":
        assert words in routed("set", *arguments, f"state={state}", status=1).stderr
    assert loader.export() == before
    assert words in routed("set", *arguments, "state=legacy", f"connection_id={ACME}", "legacy_url=https://legacy.example.net/").stderr


@pytest.mark.parametrize("source", ["issuer", "relayed"])
@pytest.mark.parametrize("address, told", [
    ("/auth0/umbrella", True), ("https://sso.example.com/auth0/umbrella", True), ("http://SSO.example.com:8443/auth0/umbrella?x=1", True),
    ("/issuer", True), ("/hosted/umbrella", True), ("https://hosted.example.com/hosted/umbrella", True),
    ("https://idp.example.com/auth0/umbrella", False), ("/elsewhere/umbrella", False), ("https://sso.example.com/any/umbrella", False)])
def test_the_address_of_another_source_is_not_made_a_row_of_a_state(loader, source, address, told):
    """Somebody forgot --source: sign-ins would go on unchanged, and later the right command would be sent to the wrong row. Other such names
    may be an Issuer or a RelayState."""
    routes = CONFIGURATION_OF_SOURCES.replace("hosts: [sso.", "hosts: [hosted.example.com, sso.").format(store=loader.store) + """\
  - match: https://hosted.example.com/hosted/{identifier}
    source: hosted
  - match: /relayed
    source: relayed
    identify_by: relay_state
  - match: /{identifier}/*
    source: any
"""
    config = loader.file(routes, "ssoferryd.yaml")
    loader.load(SMALL)
    before = loader.export()
    for state in "legacy", "disabled":
        command = ["-c", config, "set", "--source", source, address, f"state={state}", "legacy_url=https://legacy.example.net/x"]
        assert ("it is an address that sign-ins come to, not an identifier; `ssoferry explain URL`" in plain(*command, status=int(told)).stderr) == told
    assert (loader.export() == before) == told
    plain("-c", config, "set", "--source", source, address, f"connection_id={ACME}")


def test_an_address_is_told_to_be_one(routed, loader):
    """People have the ACS URL of a customer at hand, rather than the identifier in it."""
    loader.load("version: 1\nsource: auth0\nconnections:\n  umbrella: " + ACME + "\n")
    loader.load("version: 1\nsource: folded\nconnections:\n  hoo: " + ACME + "\n")
    commands = (["get"], ["remove"], ["history", "--id"], ["set", "state=disabled"])
    for address, row in [("https://sso.example.com/bare/acme?x=1", "acme"), ("https://u@sso.example.com/bare/acme", "acme"), ("/bare/acme/", "acme"),
                         ("/auth0/umbrella", "umbrella: use --source auth0"), ("HTTP://sso.example.com/folded/HOO", "hoo: use --source folded"),
                         (f"/bare/acme?{'x' * 500}", "acme")]:
        for command, *more in commands:
            words = [*more, address] if command == "history" else [address, *more]
            if len(address) > 440 and command in ("history", "set"):
                continue  # which refuse it as too long a name
            said = routed(command, *words, status=1).stderr
            assert f"there is no {address} in source default: it is an address, and sign-ins there are those of {row}\n" in said
    pointer = "if it is an address that sign-ins come to, `ssoferry explain URL` shows the identifier in it"
    for run in routed, loader:
        assert pointer in run("get", "https://sso.example.com/xyz/q", status=1).stderr
    assert pointer in loader("get", "/saml/new", status=1).stderr
    config = loader.file(f"store: {loader.store}\nhosts: [sso.example.com]\nroutes: [{{match: '/**/{{identifier}}/acs'}}]\n", "any.yaml")
    for host, words in ("sso.example.com", "sign-ins there are those of acme"), ("idp.example.com", "did you mean acme?"):  # may be an entity ID
        assert words in plain("-c", config, "get", f"https://{host}/saml/acme/acs", status=1).stderr
    loader.load("version: 1\nsource: issuer\nconnections:\n  https://idp.example.com/a: " + ACME + "\n")
    assert "did you mean https://idp.example.com/a?" in routed("get", "--source", "issuer", "https://idp.example.com/b", status=1).stderr


def test_the_source_that_was_asked_for_comes_before_others(loader):
    """In it, the name may be there in other capitals; the row of the other source is another customer's."""
    loader.load("version: 1\nsource: keycloak\nconnections:\n  Acme: " + ACME + "\n")
    loader.load("version: 1\nsource: auth0\nconnections:\n  acme: " + GLOBEX + "\n")
    for command in (["get"], ["remove"], ["set", "state=disabled"]):
        said = loader(command[0], "--source", "keycloak", "acme", *command[1:], status=1).stderr
        assert "there is no acme in source keycloak; did you mean Acme? Or the acme of source auth0 (--source auth0)?" in said


def test_a_row_that_was_removed_is_told_before_another_of_that_name(loader, config):
    """Whoever repeats a remove, or wants the row back, means the row that is gone: not another customer's of another source."""
    names = ["acme", "globex", "hooli", "initech", "umbrella", "wayne"]  # more than are looked at closely
    of = lambda source, first: f"  {source}:\n" + "".join(f"    {name}: {connection_id(first + i)}\n" for i, name in enumerate(names))
    loader.load("version: 1\nsources:\n" + of("auth0", 10) + of("default", 20))
    loader("remove", *names, "--actor", "alice@ops")
    for command in (["get", "acme"], ["remove", "acme"], ["remove", *names], ["set", "acme", "state=disabled"], ["set", *names, "redirect=303"]):
        said = loader(*command, status=1).stderr
        told = re.findall(r"there is no (\w+) in source default: revision 2 removed it \(remove by alice@ops, [^)]*\); "
                          r"`ssoferry history --show 2` shows what else it did\. The (\w+) of source auth0 is another row \(--source auth0\)\n", said)
        assert told == [(name, name) for name in command[:6] if name in names] and "use --source" not in said
        assert ("there is no wayne in source default; source auth0 has a row of that name\n" in said) == ("wayne" in command)
    assert loader.revision() == 2
    assert re.search(r"^row +none; revision 2 removed it \(remove by alice@ops, [^)]*\); source auth0 has another of that name$",
                     plain("-c", config, "explain", "/old-sso/acme").stdout, re.M)
    answer = explain(config, "/old-sso/acme")
    assert (answer["removed_by"], answer["other_source"]) == (2, "auth0")


SPELLED = [("Contoso\u00a0Ltd", "Contoso\\u00a0Ltd"), ("Contoso\u00a0Ltd", "Contoso<U+00A0>Ltd"), ("acme ", "acme\\x20"), ("a\U000e0001b", "a\\U000e0001b")]


@pytest.mark.parametrize("name, shown", SPELLED)
def test_a_name_as_it_is_shown_is_not_taken_for_another(loader, name, shown):
    """What cannot be seen is shown by letters, and those are pasted."""
    loader.load(odd_table("default", {json.dumps(name, ensure_ascii=False): ACME}))
    for command in (["get"], ["remove"], ["set", "state=disabled"], ["set", "redirect=303"]):
        said = loader(command[0], shown, *command[1:], status=1).stderr
        word = re.search(r"the row's name has the invisible character itself. In bash and zsh, write (.*)", said)[1]
        assert subprocess.run(["bash", "-c", f"printf %s {word}"], check=True, capture_output=True, env={"LC_ALL": "C"}).stdout == name.encode()
    assert "was added" not in loader("set", shown, f"connection_id={GLOBEX}", status=2).stderr
    assert [row["identifier"] for row in loader.rows()] == [name]


@pytest.mark.parametrize("name", ["CORP\\x41b", "CORP\\udder", "a\\xa", "<U+>", "<U+41>", "a\\x2"])
def test_letters_that_spell_nothing_invisible_are_a_name_like_others(loader, name):
    loader.load(SMALL)
    assert loader("set", name, f"connection_id={connection_id(7)}").stderr == ""
    assert loader("set", name, "state=legacy").stderr == ""


def test_letters_that_spell_it_out_can_be_a_name_by_a_file(loader):
    said = loader("load", loader.file(odd_table("default", {"'acme\\x20'": ACME}))).stderr
    assert "holds the letters that stand for an invisible character" in said
    assert loader("set", "acme\\x20", "state=legacy").stderr == ""


def test_an_accent_that_is_a_character_of_its_own_is_warned_of(loader):
    told = loader("load", loader.file(odd_table("default", {"gro\u0308\u00dfe": ACME, "größe": GLOBEX, "Ελλάδα": INITECH}))).stderr
    assert told.count("has an accent as a character of its own") == 1


@pytest.mark.parametrize("there, given, told", [
    ("größe, 1", "gro\u0308ße, 1", "The name given has an accent as a character of its own, "),
    ("gro\u0308ße, 1", "größe, 1", "That name has an accent as a character of its own, "),
    ("größe, 1", "größe, 1 ", "The name given begins or ends with a blank"),
    ("größe, 1", "größe, 2", None)])
def test_names_that_look_the_same_are_told_apart(loader, there, given, told):
    loader.load(odd_table("default", {json.dumps(there): ACME}))
    for command in (["get"], ["remove"], ["set", "state=disabled"]):
        said = loader(command[0], given, *command[1:], status=1).stderr.splitlines()[0]
        assert re.search(r"there is no gr[^;]*; did you mean gr[^?]*\?" + (f" {told}" if told else "$"), said)


def test_a_row_made_of_a_state_alone_is_told(loaded):
    assert "wayne had no row: it gets a new one, and no other row is changed" in loaded("set", "wayne", "state=legacy").stderr
    assert "had no row" not in loaded("set", "wayne", "state=disabled").stderr
    assert "had no row" not in loaded("set", "stark", "state=legacy", f"connection_id={ACME}").stderr


def test_a_configuration_with_errors_leaves_the_store_to_be_named(loader):
    """Somebody edits it while somebody else takes a customer back."""
    back = "https://legacy.example.net/acme"
    good = f"store: {loader.store}\nlegacy: {{allowed_hosts: [legacy.example.net]}}\nroutes:\n  - match: /a/{{identifier}}\n"
    config = loader.file(good, "ssoferryd.yaml")
    plain("-c", config, "load", loader.file(odd_table("default", {"acme": f"{{connection_id: {ACME}, legacy_url: '{back}'}}"})))
    loader.file(good + "nonsense: 1\n", "ssoferryd.yaml")
    for command in (["set", "acme", "state=legacy"], ["rollback", "0", "--yes"], ["list"]):
        said = plain("-c", config, *command, status=2).stderr
        assert f"if it is urgent: `ssoferry --store PATH {command[0]} ...` goes without the configuration" in said
    assert "--store" not in plain("-c", config, "explain", "/a/acme", status=2).stderr
    assert loader("set", "acme", "state=legacy").stdout == "revision 2: acme changed\n"
    assert loader("set", "acme", "state=stytch").stdout == "revision 3: acme changed\n"
    assert loader("set", "--all", "--state", "stytch", "state=legacy").stdout == "revision 4: 1 row changed: default 1\n"
    assert "only Stytch's own hosts may be named" in loader("set", "acme", f"legacy_url={back}/2", status=2).stderr
    assert "only Stytch's own hosts may be named" in loader("set", "new", "state=legacy", f"connection_id={GLOBEX}", f"legacy_url={back}", status=2).stderr


def test_all_names_of_a_customer_are_told_by_the_connection(loader):
    loader.load(odd_table("auth0", {"acme": ACME, "'http://www.okta.com/exk1'": ACME, "other": GLOBEX}))
    organization = "organization-live-0a1b2c3d-4e5f-4a6b-8c7d-8e9f0a1b2c3d"
    assert f"{ACME} in source default: it is the connection_id of acme and http://www.okta.com/exk1 (source auth0)" in loader("get", ACME, status=1).stderr
    loader("set", "--source", "auth0", "other", f"organization_id={organization}")
    assert "it is the organization_id of other (source auth0)" in loader("set", organization, "state=legacy", status=1).stderr


def test_a_set_of_many_tells_each_row_that_cannot_be(routed, loader):
    back = f"{{connection_id: {ACME}, legacy_url: 'https://legacy.example.net/acme'}}"
    routed("load", "--allow-removals", loader.file(odd_table("default", {"acme": back, "a2": GLOBEX, "tenant=b": back, "a3": GLOBEX}), "back.yaml"))
    told = routed("set", "acme", "a2", "tenant=b", "nobody", "a3", "state=legacy", status=2).stderr
    assert re.findall("a[23] cannot be legacy|there is no nobody|nothing was changed.*", told) == [
        "a2 cannot be legacy", "a3 cannot be legacy", "there is no nobody",
        "nothing was changed: 2 of the 5 rows can be changed this way; leave out those named above"]
    assert routed("set", "acme", "tenant=b", "state=legacy").stdout == "revision 3: 2 rows changed\n"
    assert "none of the 2 rows can be" in routed("set", "a2", "a3", "state=legacy", status=2).stderr
    told = routed("set", "acme", "tenent=b", f"connection_id={ACME}", status=1).stderr
    assert "there is no tenent=b in source default" in told and "1 of the 2 rows" in told


def test_set_of_all_rows_is_one_revision(routed, loader):
    routed("load", loader.file(odd_table("auth0", {f"c{i}": connection_id(10 + i) for i in range(5)} | {"old": "{state: disabled}"}), "auth0.yaml"))
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
    loader.load(odd_table("auth0", {"acme": gone}))
    loader.load(odd_table("default", {"acme": gone, "globex": ACME}))
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
    routed("load", loader.file(odd_table("default", {f"c{i:02}": connection_id(i) for i in range(25)}), "many.yaml"), "--allow-removals")
    told = routed("set", "--all", "--state", "stytch", "state=legacy", status=2).stderr
    assert told.count("cannot be legacy") == 20 and "and 5 more rows cannot be changed this way" in told and "none of the 25 rows can be" in told


def test_a_row_of_the_same_connection_that_is_left_behind_is_told(loader):
    rows = {"con-4": ACME, "http://idp/x": ACME, "other": GLOBEX, "gone": f"{{connection_id: {ACME}, state: disabled}}"}
    loader.load(odd_table("auth0", {f"'{name}'": row for name, row in rows.items()}))
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
    loader.load(odd_table("auth0", {"acme": ACME, "globex": GLOBEX, "initech": INITECH}))
    told = lambda *words: re.findall(r"ssoferry: (\S+) \(source auth0\) leads to that connection as well", loader("set", "--source", "auth0", *words).stderr)
    assert told("globex", f"connection_id={ACME}") == ["acme"]
    assert told("globex", f"connection_id={ACME}") == told("globex", "label=Globex", f"connection_id={ACME}") == []  # it had it
    assert told("glbex", f"connection_id={GLOBEX}") == []
    assert told("hooli", "umbrella", f"connection_id={ACME}") == ["acme", "globex"]
    assert told("globex", f"connection_id={GLOBEX}") == ["glbex"]
    assert told("initech", "label=Initech") == told("initech", "state=disabled") == []


def test_of_many_rows_of_one_connection_five_are_told(loader):
    loader.load(odd_table("auth0", {f"name-{i}": ACME for i in range(8)}))
    shown = loader("set", "--source", "auth0", "name-0", "state=disabled").stderr.splitlines()
    assert [re.search(r"name-\d", line)[0] for line in shown[:5]] == [f"name-{i}" for i in range(1, 6)]
    assert shown[5:] == ["ssoferry: warning: and 2 more such rows"]
    assert loader("set", "--source", "auth0", "other", f"connection_id={ACME}").stderr.count("leads to that connection as well") == 5
    loader.load(odd_table("auth0", {f"name-{i}": ACME for i in range(6)}), "--allow-removals")
    told = loader("set", "--source", "auth0", "name-0", "state=disabled").stderr
    assert told.count("leads to the same connection") == 5 and "more such" not in told


def test_a_batch_that_leaves_another_name_of_a_customer_behind_is_told(loader):
    def batch(state, *names):
        rows = {"con-4": ACME, "'http://idp/x'": ACME, "other": GLOBEX}
        return odd_table("auth0", {name: f"{{connection_id: {rows[name]}, state: {state}}}" for name in names})

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
    swapped = loader.load(odd_table("auth0", {"con-4": GLOBEX, "'http://idp/x'": GLOBEX, "other": ACME}), "--merge")
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


def odd_table(source, rows):
    return "version: 1\n" + f"source: {source}\nconnections:\n" + "".join(f"  {name}: {row}\n" for name, row in rows.items())


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
    file = loader.file(odd_table(source, rows), "odd.yaml")
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
    texts = [f"version: 1\nconnections: {row}\n" for row in rows] + [odd_table(source, rows) for source, rows, *_ in ODDITIES]
    for text in [*texts, "version: 1\nsources: []\n", odd_table("auth0", {"acme": test}), "%YAML 1.1\n" * 101 + SMALL, SMALL + "# \u2028",
                 odd_table("default", {"a": "\n    state: legacy\n    legacy_url: https://legacy.example.net/a"}).rstrip()]:
        said += subprocess.run([PROGRAM, "-c", config, "check", loader.file(text)], capture_output=True, text=True, timeout=TIMEOUT).stderr
    said += routed("check", loader.file(SMALL), loader.file(SMALL.replace(ACME, test), "more.yaml"), status=2).stderr
    said += routed("load", "--merge", loader.file(odd_table("default", {"hooli": test}))).stderr
    said = said.replace("`", "")
    messages = list(quoted_messages())
    assert len(messages) > 70
    assert [message for message, pattern in messages if not re.search(pattern, said)] == []


def test_a_set_that_cuts_over_in_a_rehearsal_is_told(routed, loader):
    """Routes without a legacy_url take no part in a rehearsal, so what looks like a part of it sends their customers to Stytch."""
    config = loader.home / "ssoferryd.yaml"
    back = "legacy_url: 'https://legacy.example.net/x'"
    rows = {"a": f"{{connection_id: {ACME}, state: legacy, {back}}}", "b": f"{{connection_id: {GLOBEX}, state: disabled}}", "c": f"{{connection_id: {INITECH}, state: disabled}}"}
    routed("load", "--allow-removals", loader.file(odd_table("default", rows)))
    routed("load", loader.file(odd_table("auth0", {name: row for name, row in rows.items() if name != "a"})))
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
    before = loader.file(odd_table("default", {**rows, "b": f"{{connection_id: {GLOBEX}, state: disabled}}"}), "before.yaml")
    after = loader.file(odd_table("default", {**rows, "d": connection_id(4)}), "after.yaml")
    rehearsed = loader.file(odd_table("auth0", rows), "rehearsed.yaml")
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
    before = loader.file(odd_table("default", {name: f"{{connection_id: {ACME}, state: legacy, {back}}}" for name in names}), "before.yaml")
    after, mixed = loader.file(odd_table("default", own), "after.yaml"), loader.file(odd_table("default", {**own, "a": ACME}), "mixed.yaml")
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
    routed("load", "--merge", loader.file(odd_table("auth0", {
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


def test_a_row_without_a_source_ends_a_search_for_sources(loader):
    """As by a disk that writes a page of another database here. Behind no source comes the first one, over and over: whoever looked for the
    next one found it again, and a load kept all other writers waiting meanwhile."""
    file = loader.file(f"version: 1\nsources:\n  auth0: {{acme: {ACME}}}\n  default: {{globex: {GLOBEX}}}\n")
    loader("load", file)
    loader.store.write_bytes(loader.store.read_bytes().replace(b"auth0\0acme", b"\0uth0\0acme"))
    damaged = "ssoferry: error: a row of the table has a source that cannot be one: the store is damaged\n"
    said = loader("get", "zz", status=1).stderr
    assert "there is no zz in source default" in said and damaged.replace("error", "warning") in said
    for command in ("list", "--source", "zz"), ("diff", "--all-sources", file), ("load", "--all-sources", file):
        assert loader(*command, status=1).stderr == damaged
    loader("load", file)
    assert loader("get", "--json", "--source", "auth0", "acme").stdout


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


def test_a_long_name_is_cut_between_two_letters(loader):
    file = loader.file(f"version: 1\nconnections:\n  acme:\n    connection_id: {ACME}\n    x{'ö' * 60}: 1\n")
    checked = plain("check", "--json", file, status=2)
    shown = f'"x{"ö" * 39}" is not a field'
    assert shown in json.loads(checked.stdout)["message"] and shown in checked.stderr


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


def test_test_connections_beside_live_ones_are_told(loaded):
    told = "rows of a test project now stand beside rows of a live project"
    file = loaded.file(odd_table("default", {"tried": connection_id(9, "test")}))
    for command in (["diff"], ["load"]):
        assert told not in loaded(*command, *(["--allow-removals"] if command == ["load"] else []), loaded.file(odd_table("default", {
            "acme": connection_id(1), "globex": connection_id(2), "initech": connection_id(3)}), "live.yaml")).stderr
        assert told in loaded(*command, "--merge", file).stderr
    other = loaded.file(odd_table("auth0", {"tried": connection_id(9, "test")}))
    for command in (["diff"], ["load", "--allow-removals", "--dry-run"]):
        assert told not in loaded(*command, "--all-sources", other).stderr  # the live ones go
    for command in (["diff"], ["load"]):
        assert told in loaded(*command, other).stderr
    assert told not in loaded.load(odd_table("auth0", {"tried": connection_id(8, "test")})).stderr  # it is what it was
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
    file = loader.file(odd_table("default", rows))
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
    file = loader.file(odd_table("default", rows))
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


def test_a_name_that_is_percent_encoded_is_near_the_decoded_one(loaded):
    loaded("set", "acme%20corp%20", f"connection_id={ACME}")
    loaded("set", "größe", f"connection_id={ACME}")
    assert "did you mean acme%20corp%20?" in loaded("get", "acme corp ", status=1).stderr
    assert "did you mean acme%20corp%20?" in loaded("get", "acme crop ", status=1).stderr
    assert "did you mean größe?" in loaded("get", "gr%C3%B6%C3%9Fe", status=1).stderr


def test_set_warns_of_names_that_no_request_has(routed):
    assert "looks percent-encoded" in routed("set", "acme%20corp", f"connection_id={ACME}").stderr
    assert "begins or ends with a blank" in routed("set", " u", f"connection_id={ACME}").stderr
    assert "no route has source auth00" in routed("set", "--source", "auth00", "x", f"connection_id={ACME}").stderr
    assert "/auth0/acme is an address" in routed("set", "--source", "auth0", "/auth0/acme", f"connection_id={ACME}").stderr
    assert "Hooli has capitals" in routed("set", "--source", "folded", "Hooli", f"connection_id={ACME}").stderr


# -- revisions -------------------------------------------------------------------------------------------------------------------------


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


def test_a_row_that_was_removed_is_told_before_names_that_are_near(loaded, config):
    loaded("set", "acmo", f"connection_id={GLOBEX}")
    loaded("remove", "acme", "--actor", "alice@ops")
    for command in (["get", "acme"], ["remove", "acme"], ["set", "acme", "redirect=303"]):
        said = loaded(*command, status=1).stderr
        assert "revision 3 removed it (remove by alice@ops, " in said and "`ssoferry history --show 3`" in said and "acmo" not in said
    assert "\nrow          none; revision 3 removed it (remove by alice@ops, " in plain("-c", config, "explain", "/old-sso/acme").stdout
    answer = explain(config, "/old-sso/acme")
    assert (answer["removed_by"], answer["did_you_mean"]) == (3, None)
    assert explain(config, "/old-sso/acm")["removed_by"] is None
    whole = "x" + "é" * 127  # no character is cut
    loaded("remove", "acmo", "--actor", whole)
    assert f"(remove by {whole}, 20" in loaded("get", "acmo", status=1).stderr
    said = loaded("set", "acme", "state=disabled").stderr  # in an emergency it is meant, for it was there
    assert "there was no acme any more: revision 3 removed it (remove by alice@ops, " in said and "the new row has only the fields given here" in said
    assert [row["state"] for row in loaded.rows() if row["identifier"] == "acme"] == ["disabled"]
    assert "meant?" not in said
    loaded("remove", "acme")
    loaded("set", "acmee", f"connection_id={GLOBEX}")  # a customer may have got another name
    said = loaded("set", "acme", "state=disabled").stderr
    assert f"the new row has only the fields given here. Was acmee meant? Then `ssoferry rollback {loaded.revision() - 1}` undoes this" in said


def test_a_row_that_was_removed_and_cannot_be_made_of_a_state_is_told_how_to_get_back(loaded):
    loaded("remove", "globex", "--actor", "alice@ops")
    loaded("set", "acme", "label=x")
    said = loaded("set", "globex", "state=stytch", status=2).stderr
    assert "connection_id is missing" in said and "the new row has" not in said
    assert re.search(r"ssoferry: globex had a row until revision 2 removed it \(remove by alice@ops, [^)]*\): `ssoferry history --id globex` shows what "
                     r"it was, and `ssoferry rollback 1` brings back the table before that, without all changes since\n$", said)
    told = loaded("set", "--expect-revision", "2", "globex", "state=disabled", status=1).stderr
    assert "the new row has" not in told and loaded.revision() == 3
    lines = loaded("set", "globex", "state=disabled").stderr.splitlines()
    assert "there was no globex any more: revision 2 removed it" in lines[-1] and "brings back" not in lines[-1]


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

    routed("load", loader.file(odd_table("auth0", {"umbrella": f"{{connection_id: {ACME}, state: legacy, legacy_url: 'https://legacy.example.net/x'}}"})))
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


def test_rollback_asks_on_a_terminal(loaded):
    loaded("set", "acme", "redirect=303")
    for no in (b"n\n", b"\n", b"\x04", b"yn\n", b"y\x04\x04", b"yes, but\n", b" y\n", b"y" * 40 + b"\n"):
        assert "[y/N]" in on_terminal(loaded.command("rollback", "1"), answer=no, status=1)
        assert loaded.revision() == 2, "only a yes is one"
    assert "revision 3: as revision 1 was" in on_terminal(loaded.command("rollback", "1"), answer=b"y\n")
    for revision, yes in enumerate((b"yes\n", b"YES\n", b"Y\n"), 4):  # each takes the one before back
        assert f"revision {revision}: as revision {revision - 2} was" in on_terminal(loaded.command("rollback", str(revision - 2)), answer=yes)
    assert loaded.revision() == 6


def test_rollback_writes_nothing_but_what_it_has_shown(loaded):
    loaded("set", "acme", "redirect=303")
    program, terminal = start_on_terminal(loaded.command("rollback", "1"))
    shown = b""
    while b"[y/N]" not in shown:
        shown += os.read(terminal, 4096)
    loaded("set", "globex", "label=new")
    os.write(terminal, b"y\n")
    assert "the table has changed meanwhile and is at revision 3; nothing was written" in read_terminal(program, terminal)
    assert (program.returncode, loaded.revision()) == (1, 3)


def test_rollback_asks_only_about_what_it_has_shown(loaded):
    loaded("set", "acme", "redirect=303")
    reader, gone = os.pipe()
    os.close(reader)
    for output in (os.open("/dev/full", os.O_WRONLY), gone):
        ours, theirs = pty.openpty()
        os.write(ours, b"y\n")
        result = subprocess.run(loaded.command("rollback", "1"), stdin=theirs, stdout=output, stderr=subprocess.PIPE, text=True, timeout=TIMEOUT)
        for fd in (ours, theirs, output):
            os.close(fd)
        assert (result.returncode, loaded.revision()) == (1, 2), result.stderr
        assert "nothing was written: what would change could not be shown" in result.stderr and "[y/N]" not in result.stderr


# -- explain, presets, stat, backup ----------------------------------------------------------------------------------------------------------


def explain(config, *arguments):
    return json.loads(plain("-c", config, "explain", "--json", *arguments).stdout)


def test_explain_shows_the_way_to_the_answer(loaded, config):
    text = plain("-c", config, "explain", "/healthz").stdout
    assert "answer       200 OK\nbecause      health_path: the daemon tells its own state, before any route\n" in text
    text = plain("-c", config, "explain", "https://login.example.com/old-sso/globex?RelayState=a%20b").stdout
    assert "the path differs" in text and "matches" in text
    assert f"location     https://api.stytch.com/v1/b2b/sso/callback/{GLOBEX}?RelayState=a%20b\n" in text
    answer = explain(config, "/old-sso/acme")
    assert (answer["status"], answer["identifier"], answer["row"]["connection_id"]) == (307, "acme", ACME)
    assert [route["taken"] for route in answer["routes"]] == [False, True]
    assert (answer["decision"], answer["would"], answer["reason"], answer["did_you_mean"]) == ("stytch", None, None, None)


@pytest.mark.parametrize(
    "arguments, status, outcome",
    [
        (["/old-sso/nobody"], 404, "unknown"),
        (["/elsewhere"], 404, "no_route"),
        (["/old-sso/%zz"], 400, "malformed"),
        (["--method", "PUT", "/old-sso/acme"], 405, "method"),
        (["--method", "POST", "/saml/acme/acs"], 307, "stytch"),
        (["--host", "login.example.com", "/old-sso/globex"], 307, "stytch"),
        (["https://login.example.com"], 404, "no_route"),
        (["/healthz?x"], 200, "health"),
        (["--method", "HEAD", "https://login.example.com/healthz"], 200, "health"),
        (["--method", "POST", "/healthz"], 404, "no_route"),
        (["/healthz/"], 404, "no_route"),
    ],
)
def test_explain_answers_as_the_gateway_does(loaded, config, arguments, status, outcome):
    answer = explain(config, *arguments)
    assert (answer["status"], answer["decision"]) == (status, outcome)


@pytest.mark.parametrize("arguments, lines", [
    (["/old-sso/acmee"], ["row          none; did you mean acme?", "decision     unknown", "because      the identifier has no row"]),
    (["/old-sso/t%20t"], ["row          none; did you mean t%20t?"]),
    (["/saml/auth0-only/acs"], ["row          none; source auth0 has it"]),
    (["/old-sso/entirely-else"], ["row          none"]),
    (["/old-sso/%zz"], ["decision     malformed, reason bad_encoding", "because      the identifier has a '%' without two hexadecimal digits"]),
    (["/saml//acs"], ["decision     malformed, reason empty_identifier", "because      the identifier is empty"]),
    (["--method", "PUT", "/old-sso/acme"], ["decision     method", "because      the method is not GET, HEAD or POST"]),
    (["/old-sso/acme?" + "q" * 20_000], ["decision     too_large", "because      path and query are longer than limits.uri"]),
    (["--body", "/dev/zero", "/old-sso/acme"], ["decision     too_large", "because      the body is larger than limits.body"]),
])
def test_explain_gives_the_reason_and_what_may_be_meant(loaded, config, arguments, lines):
    loaded("load", "--merge", loaded.file(f"version: 1\nsources:\n  default: {{t%20t: {ACME}}}\n  auth0: {{auth0-only: {ACME}}}\n"))
    said = plain("-c", config, "explain", *arguments).stdout.splitlines()
    assert [line for line in lines if line not in said] == []
    if "did you mean" in lines[0]:
        assert explain(config, *arguments)["did_you_mean"] == lines[0].split()[-1].rstrip("?")
    assert explain(config, *arguments)["other_source"] == ("auth0" if "source auth0" in lines[0] else None)


@pytest.mark.parametrize("query, reason, because", [
    ("SAMLResponse=x", "unknown_legacy", "there is no RelayState to find the identifier in, and the route sends unknown ones to the legacy side"),
    ("code=x", "no_relay_state", "there is no RelayState to find the identifier in, and the route leaves what is no SAML sign-in to the legacy side"),
    ("RelayState=nobody", "unknown_legacy", "the identifier has no row, and the route sends unknown ones to the legacy side"),
])
def test_explain_tells_sign_ins_that_name_nobody_from_what_is_none(loaded, query, reason, because):
    config = loaded.file(f"""\
store: {loaded.store}
legacy: {{allowed_hosts: [legacy.example.com]}}
routes: [{{match: /acs, identify_by: relay_state, unknown: legacy, legacy_url: "https://legacy.example.com/acs"}}]
""", "relay_state.yaml")
    said = plain("-c", config, "explain", f"/acs?{query}").stdout.splitlines()
    assert f"decision     legacy, reason {reason}" in said and f"because      {because}" in said


def test_a_disk_that_fails_outweighs_files_to_mend(loaded):
    """Whichever is named first: nobody knows then whether the files are good."""
    none, wrong, failing = loaded.home / "none", loaded.file("version: 1\nconnections: {a: x}\n", "wrong.yaml"), "/proc/self/mem"
    for command, options in ("check", []), ("load", []), ("load", ["--dry-run"]), ("diff", []):
        for other in none, wrong, loaded.home:
            for files in (other, failing), (failing, other):
                assert f"{failing}: cannot be read: Input/output error" in loaded(command, *options, *files, status=1).stderr
        loaded(command, *options, none, wrong, status=2)


def test_explain_takes_a_body(loaded, config):
    body = loaded.file("SAMLResponse=abc", "body")
    assert explain(config, "--body", body, "/old-sso/acme")["method"] == "POST"
    for path, status in (loaded.home / "none", 2), (loaded.home, 2), ("/proc/self/mem", 1):  # the last is a disk that fails
        assert "cannot read the body" in plain("-c", config, "explain", "--body", path, "/old-sso/acme", status=status).stderr
    loaded("set", "acme", "redirect=303")
    assert explain(config, "--body", body, "/old-sso/acme")["body_lost"] is True
    assert explain(config, "/old-sso/acme")["body_lost"] is False
    text = plain("-c", config, "explain", "--body", body, "/old-sso/acme").stdout
    assert "answer       303 See Other\n" in text and "mind         303 makes browsers drop the body: 16 bytes" in text


def test_explain_leaves_out_what_no_browser_sends(config, loaded):
    for url in "https://u:p@login.example.com/old-sso/globex?a=@b#c", "https://u@v@login.example.com/old-sso/globex?a=@b":
        answer = explain(config, url)
        assert (answer["host"], answer["path"], answer["query"]) == ("login.example.com", "/old-sso/globex", "a=@b")
    assert explain(config, "https://login.example.com/@x")["path"] == "/@x"
    assert explain(config, "https://login.example.com?@x")["host"] == "login.example.com"


def test_explain_minds_a_host_that_is_not_listed(loaded):
    """Whether it leads to the gateway, no explanation can know."""
    def told(url, *options, hosts="hosts: [sso.example.com, 'b.example.com:8443']", match="/old-sso/{identifier}"):
        config = loaded.file(f"store: {loaded.store}\n{hosts}\nroutes: [{{match: '{match}'}}]\n", "hosts.yaml")
        said = [line for line in plain("-c", config, "explain", *options, url).stdout.splitlines() if "none of hosts" in line]
        assert explain(config, *options, url)["foreign_host"] is (said != [])
        return said

    for url in "https://other.example.com/old-sso/acme", "https://other.example.com/elsewhere":
        assert told(url) == ["mind         other.example.com is none of hosts: does this name lead to the gateway?"]
    assert told("/old-sso/acme", "--host", "other.example.com:8443") == ["mind         other.example.com:8443 is none of hosts: does this name lead to the gateway?"]
    for host in "sso.example.com", "SSO.example.com:443", "sso.example.com.", "b.example.com", "127.0.0.1:8080", "[::1]:8080", "localhost:8080":
        assert told(f"http://{host}/old-sso/acme") == []
    assert told("/old-sso/acme") == [] and told("https://other.example.com/healthz") == []
    assert told("https://other.example.com/old-sso/acme", hosts="") == []
    assert told("https://acme.sso.example.com/acs", match="https://{identifier}.sso.example.com/acs") == [], "hosts cannot list that"


def test_explain_makes_up_a_sign_in(loaded):
    """For routes that look into the message: what the IdP would post, by what one knows of it."""
    issuer = "https://idp.example.com/?a=1&b=<ü>"
    loaded("set", issuer, f"connection_id={ACME}")
    config = loaded.file(f"""\
store: {loaded.store}
routes: [{{match: /acs, identify_by: issuer}}, {{match: /done, identify_by: relay_state}}]
""", "message.yaml")
    answer = explain(config, "--issuer", issuer, "--relay-state", "a b&c=+", "/acs")
    assert (answer["method"], answer["identifier"], answer["status"], answer["try"]) == ("POST", issuer, 307, None)
    assert explain(config, "--relay-state", "acme", "/done")["row"]["connection_id"] == ACME
    assert explain(config, "--issuer", issuer, "/done")["reason"] == "no_relay_state"
    for arguments, words in (["--issuer", "https://x", "/acs"], "is known for this identity provider"), (["--relay-state", "x", "/done"], "under the RelayState"):
        assert explain(config, *arguments)["decision"] == "unknown"
        [page] = [line for line in plain("-c", config, "explain", *arguments).stdout.splitlines() if line.startswith("page says")]
        assert words in page and "in this address" not in page
    for arguments, advice in ([["/acs"], "--issuer ENTITYID: "], [["--body", loaded.file("<Response/>", "raw.xml"), "/acs"], "a body is a form"],
                              [["/done"], "--relay-state VALUE: "],
                              [["--relay-state", "acme", "/acs"], "--issuer ENTITYID, too: "], [["--issuer", issuer, "/done"], "--relay-state VALUE, too: "],
                              *([[*made_up, "--method", method, path], "leave out --method: only a POST has its message in the body"]
                                for made_up, path in ((["--issuer", issuer], "/acs"), (["--relay-state", "acme"], "/done")) for method in ("GET", "HEAD"))):
        assert f"\ntry          {advice}" in plain("-c", config, "explain", *arguments).stdout
        assert explain(config, *arguments)["try"].startswith(advice)
    assert "leave out --body" in plain("-c", config, "explain", "--issuer", issuer, "--body", "x", "/acs", status=2).stderr
    assert explain(config, "/acs/a b")["try"] == "%20 for the space: a URL has none"
    assert explain(config, "--method", "post", "/acs")["try"] == "--method in capitals, such as POST: to HTTP, post is another one"
    assert explain(config, "--method", "PUT", "/acs")["try"] is None


def test_explain_knows_base64_whose_plus_became_a_blank(loaded):
    """As curl --data posts it, and shells and scripts do that put a URL together."""
    config = loaded.file(f"store: {loaded.store}\nroutes: [{{match: /acs, identify_by: issuer}}]\n", "issuer.yaml")
    xml = '<Response xmlns="urn:oasis:names:tc:SAML:2.0:protocol"><!-- >>>> --><Issuer xmlns="urn:oasis:names:tc:SAML:2.0:assertion">acme</Issuer></Response>'
    message = base64.b64encode(xml.encode()).decode()
    assert "+" in message
    advice = "%2B for each + of the SAMLResponse (curl --data-urlencode)"
    answer = explain(config, "--body", loaded.file("SAMLResponse=" + message, "body"), "/acs")
    assert (answer["reason"], answer["try"]) in (("bad_xml", advice), ("bad_base64", advice))
    assert f"\ntry          {advice}\n" in plain("-c", config, "explain", f"/acs?SAMLResponse={message}").stdout
    for encoded, status in (message.replace("+", "%2B"), 307), (message.replace("+", "%2B")[:-80], 400):
        answer = explain(config, "--body", loaded.file("SAMLResponse=" + encoded, "body"), "/acs")
        assert (answer["status"], answer["try"]) == (status, None)


def test_explain_needs_routes_and_a_url(loaded, config):
    assert "give -c CONFIG" in loaded("explain", "/old-sso/acme", status=2).stderr
    assert "is not a URL" in plain("-c", config, "explain", "old-sso/acme", status=2).stderr


def test_presets():
    listed = [json.loads(line) for line in plain("presets", "--json").stdout.splitlines()]
    names = [preset["name"] for preset in listed]
    assert names == sorted(names) and "keycloak" in names and all(preset["routes"] for preset in listed)
    assert {route["identify_by"] for preset in listed for route in preset["routes"]} == {"template", "issuer"}
    assert {preset["fold_path"] for preset in listed} == {True, False}
    text = plain("presets").stdout
    assert all(name in text for name in names) and not text.startswith("{")


def test_stat(loaded):
    stat = json.loads(loaded("stat", "--json").stdout)
    assert (stat["revision"], stat["rows"], stat["stytch"], stat["legacy"]) == (1, 3, 3, 0)
    assert stat["file_bytes"] == loaded.store.stat().st_size
    assert "revision         1\n" in loaded("stat").stdout


def test_backup(loaded):
    copy = loaded.home / "copy.mdb"
    assert str(copy) in loaded("backup", copy).stdout
    assert loaded("export", store=copy).stdout == loaded.export()
    assert str(copy) in loaded("backup", copy, status=1).stderr


# -- the store in trouble ------------------------------------------------------------------------------------------------------------------


def test_an_identifier_that_none_can_be(loaded):
    """As of a script's variable that is unset."""
    for command in "get", "remove":
        assert "the identifier '' is empty" in loaded(command, "", status=1).stderr


def test_a_store_that_is_not_there(loader):
    for arguments in (["list"], ["get", "acme"], ["stat"], ["remove", "acme"], ["rollback", "1"], ["history"], ["export"]):
        result = loader(*arguments, status=1)
        assert str(loader.store) in result.stderr and len(result.stderr.splitlines()) == 1
    assert list(loader.home.iterdir()) == []


def test_a_directory_that_is_not_there(loader, tmp_path):
    store = tmp_path / "none" / "connections.mdb"
    result = loader("load", loader.file(SMALL), store=store, status=1)
    assert str(tmp_path / "none") in result.stderr and len(result.stderr.splitlines()) == 1


def test_a_store_that_is_something_else(loader):
    loader.store.write_text("this is no LMDB file\n" * 1000)
    for arguments in (["list"], ["load", loader.file(SMALL)], ["stat"]):
        result = loader(*arguments, status=1)
        assert str(loader.store) in result.stderr and len(result.stderr.splitlines()) == 1
    assert loader.store.read_text().startswith("this is no LMDB file")


def without_root():
    """In the child: gives up root, to which no file is read-only."""
    if os.getuid() == 0:
        os.setgid(65534)
        os.setuid(65534)


def test_a_read_only_store(loaded):
    for path in (loaded.home, *loaded.home.parents):
        if path.owner() == "root" and path.parts[1:2] == ("tmp",) and len(path.parts) > 2:
            path.chmod(0o755)
    loaded.store.chmod(0o444)
    pathlib.Path(str(loaded.store) + "-lock").chmod(0o666)
    loaded.home.chmod(0o555)
    assert "acme" in loaded("list", preexec_fn=without_root).stdout
    result = loaded.load(SMALL.replace(INITECH, ACME), status=1, preexec_fn=without_root)
    assert str(loaded.store) in result.stderr and len(result.stderr.splitlines()) == 1
    loaded.home.chmod(0o755)


def file_size_limit(size):
    def limit():
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))
    return limit


def test_a_full_disk_leaves_the_table_as_it_was(loaded):
    before = loaded.export()
    file = loaded.file(many_rows(20000), "many.yaml")
    size = loaded.store.stat().st_size
    result = loaded("load", "--merge", file, status=1, preexec_fn=file_size_limit(size + 256 * 1024))
    assert str(loaded.store) in result.stderr
    assert loaded.store.stat().st_size == size, "others need the room, too"
    assert loaded.export() == before
    loaded("load", "--merge", file)


@pytest.mark.skipif(os.getuid() != 0, reason="only root can mount a file system")
def test_a_full_file_system_leaves_the_table_as_it_was(loader, tmp_path):
    disk = tmp_path / "disk"
    disk.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", disk], capture_output=True).returncode != 0:
        pytest.skip("mounting is not allowed here")
    try:
        loader.store = disk / "connections.mdb"
        loader.load(many_rows(2000))
        before = loader.export()
        size = loader.store.stat().st_size
        result = loader("load", "--merge", loader.file(many_rows(40000), "many.yaml"), status=1)
        assert str(loader.store) in result.stderr and "disk" in result.stderr
        assert loader.store.stat().st_size == size
        assert loader.export() == before
        target = disk / "out.yaml"
        (disk / "filler").write_bytes(b"x" * (2 * 1024 * 1024 - sum(p.stat().st_blocks * 512 for p in disk.iterdir())))
        said = loader("export", "-o", target, status=1).stderr
        assert f"cannot write {target}: No space left on device" in said
        assert not target.exists() and not list(disk.glob("out.yaml*"))
    finally:
        subprocess.run(["umount", disk], check=True)


def test_a_full_standard_output(loaded):
    for arguments in (["list"], ["export"], ["list", "--json"], ["help"], ["diff", loaded.file(many_rows(3000))]):
        with open("/dev/full", "w") as full:
            result = subprocess.run(loaded.command(*arguments), stdout=full, stderr=subprocess.PIPE, text=True, timeout=TIMEOUT)
        assert result.returncode == 1 and "standard output" in result.stderr and "No space left" in result.stderr, (arguments, result)


def test_the_last_byte_that_finds_no_room(loader):
    """What standard output drops when its buffer overflows is not tried again at the end."""
    blocks = os.stat("/dev/full").st_blksize

    def room_left(rows, label):
        loader.load(f"{many_rows(rows)}  labelled: {{connection_id: {ACME}, label: {'x' * label}}}\n")
        return blocks + 1 - len(loader("list", "--json").stdout)

    rows = room_left(0, 1) // (room_left(0, 1) - room_left(1, 1))
    assert room_left(rows, 1 + room_left(rows, 1)) == 0
    with open("/dev/full", "w") as full:
        result = subprocess.run(loader.command("list", "--json"), stdout=full, stderr=subprocess.PIPE, text=True, timeout=TIMEOUT)
    assert result.returncode == 1 and "No space left" in result.stderr
    reader, writer = os.pipe()
    os.close(reader)
    with open(writer, "w") as gone:
        result = subprocess.run(loader.command("list", "--json"), stdout=gone, stderr=subprocess.PIPE, text=True, timeout=TIMEOUT)
    assert result.returncode == 1 and result.stderr == "", "it has seen enough"


def test_a_standard_input_that_is_closed(loader):
    closed = subprocess.run(loader.command("check", "-"), stderr=subprocess.PIPE, text=True, preexec_fn=lambda: os.close(0), timeout=TIMEOUT)
    assert closed.returncode == 2 and "<stdin>: it is closed: name a file" in closed.stderr
    assert f"{loader.home}: it is a directory: name a file" in plain("check", loader.home, status=2).stderr


def test_nothing_is_printed_into_the_table(loader):
    """Who starts it with standard files closed has its words nowhere, not in the files that it opens next."""
    for first in (1, 2):
        loader.load(rows_in("stytch", 0, 10))
        result = subprocess.run(loader.command("load", loader.file(rows_in("legacy", 4, 10))), preexec_fn=lambda: os.closerange(first, 3), timeout=TIMEOUT)
        assert result.returncode == (1 if first == 1 else 0), "not all of the output could be written, where there is none"
        for file in loader.home.glob("connections.mdb*"):
            assert b"warning" not in file.read_bytes(), file
        assert sum(row["state"] == "legacy" for row in loader.rows()) == 4


def test_a_reader_that_has_seen_enough(loader):
    loader.load(many_rows(20000))
    for arguments in (["list"], ["list", "--json"], ["export"]):
        program = subprocess.Popen(loader.command(*arguments), stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        program.stdout.readline()
        program.stdout.close()
        assert program.stderr.read() == b"" and program.wait(TIMEOUT) == 1
        program.stderr.close()


MANY = 20000
ONCE, TWICE = MANY, 2 * MANY  # to measure columns, list and report read all rows before they print the first
PRINTING = [(["export"], ONCE), (["list", "--json"], ONCE), (["list"], TWICE), (["report"], TWICE), (["report", "--json"], ONCE), (["report", "--csv"], ONCE),
            (["report", "--sort", "hits"], 3 * MANY), (["history", "--show", "1"], ONCE), (["history", "--show", "1", "--json"], ONCE)]


@pytest.mark.parametrize("arguments, all_reads", PRINTING, ids=lambda value: " ".join(value) if isinstance(value, list) else "")
def test_nothing_more_is_read_once_nobody_can_have_it(loader, arguments, all_reads):
    """The reader has seen enough, or the disk is full."""
    loader.load(many_rows(MANY))
    reads = Reads(loader.home)
    loader(*arguments, env=reads.environment)
    assert reads.count() >= all_reads
    program = subprocess.Popen(loader.command(*arguments), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=reads.environment)
    program.stdout.readline()
    program.stdout.close()
    assert program.wait(TIMEOUT) == 1
    assert reads.count() < all_reads - MANY / 2
    with open("/dev/full", "w") as full:
        assert subprocess.run(loader.command(*arguments), stdout=full, stderr=subprocess.DEVNULL, env=reads.environment, timeout=TIMEOUT).returncode == 1
    assert reads.count() < all_reads - MANY / 2


def test_an_export_to_a_full_disk_ends_there(loader):
    loader.load(many_rows(MANY))
    reads, target = Reads(loader.home), loader.home / "out.yaml"
    said = loader("export", "-o", target, status=1, env=reads.environment, preexec_fn=file_size_limit(64 * 1024)).stderr
    assert said == f"ssoferry: error: cannot write {target}: File too large\n"
    assert reads.count() < MANY / 2 and not list(loader.home.glob("out.yaml*"))


# -- several at once, and interrupted --------------------------------------------------------------------------------------------------------


def test_loaders_at_the_same_time_all_land(loader):
    loader.load(SMALL)
    files = [loader.file(many_rows(2000).replace("customer", f"part-{i}"), f"part{i}.yaml") for i in range(4)]
    programs = [subprocess.Popen(loader.command("load", "--merge", file), stdout=subprocess.PIPE, stderr=subprocess.PIPE) for file in files]
    for loading in programs:
        out, err = loading.communicate(timeout=TIMEOUT)
        assert loading.returncode == 0, err
    assert loader.revision() == 5 and len(loader.rows()) == 8003


def has_open(process, path):
    try:
        return any(os.path.samefile(f"/proc/{process.pid}/fd/{fd}", path) for fd in os.listdir(f"/proc/{process.pid}/fd"))
    except (FileNotFoundError, PermissionError):
        return False


def wait_until(condition):
    end = time.monotonic() + TIMEOUT
    while not condition():
        assert time.monotonic() < end, "waited too long"
        time.sleep(0.001)


def leftovers(loader):
    return sorted(path.name for path in loader.home.iterdir() if path.suffix != ".yaml")


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_an_interrupted_load_leaves_a_whole_table(loaded, number):
    before, files_before = loaded.export(), leftovers(loaded)
    file = loaded.file(many_rows(40000), "many.yaml")
    landed = 0
    for delay in (0, 0.01, 0.04, 0.1, 0.16, 0.24):
        program = subprocess.Popen(loaded.command("load", "--allow-removals", file), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        wait_until(lambda: has_open(program, file) or program.poll() is not None)
        time.sleep(delay)
        program.send_signal(number)
        error = program.communicate(timeout=TIMEOUT)[1]
        assert program.returncode in (0, -number), error
        rows = json.loads(loaded("stat", "--json").stdout)["rows"]
        if rows != 3:
            assert rows == 40000
            landed += 1
            loaded("rollback", "--yes", "1")
        assert loaded.export() == before
        assert leftovers(loaded) == files_before
    assert landed < 6, "no load was interrupted"


# -- the progress bar ----------------------------------------------------------------------------------------------------------------------------


def start_on_terminal(command, stdin=None, stdout=None, **environment):
    """Starts a program whose standard streams, but for those given, are a terminal of 100 columns; returns it and the terminal's other end."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 100, 0, 0))
    environment = {**{k: v for k, v in os.environ.items() if k != "NO_COLOR"}, "TERM": "xterm", **environment}
    program = subprocess.Popen(list(map(str, command)), stdin=stdin or theirs, stdout=stdout or theirs, stderr=theirs, env=environment, start_new_session=True)
    os.close(theirs)
    return program, ours


def read_terminal(program, terminal):
    text = b""
    try:
        while select.select([terminal], [], [], TIMEOUT)[0]:
            text += os.read(terminal, 65536)
    except OSError:
        pass  # EIO: the other end is closed
    os.close(terminal)
    program.wait(TIMEOUT)
    return text.decode()


def on_terminal(command, answer=b"", status=0, stdout=None, **environment):
    program, terminal = start_on_terminal(command, stdout=stdout, **environment)
    if answer:
        os.write(terminal, answer)
    text = read_terminal(program, terminal)
    assert program.returncode == status, text
    return text.replace("\r\n", "\n")


def feed_slowly(program, loader, text):
    """Makes a load from standard input a slow one, however fast the machine is: the text comes late by more than half a second."""
    head, rest = text.encode().split(b"\n", 1)
    program.stdin.write(head + b"\n")
    program.stdin.flush()
    wait_until(lambda: fcntl.ioctl(program.stdin, termios.FIONREAD, bytes(4)) == bytes(4))  # it reads, and has begun to measure the time
    time.sleep(0.7)
    program.stdin.write(rest)
    program.stdin.close()
    program.stdin = None


def test_a_slow_load_shows_a_bar_on_a_terminal_and_takes_it_away(loaded):
    program, terminal = start_on_terminal(loaded.command("load", "--merge", "-"), stdin=subprocess.PIPE)
    feed_slowly(program, loaded, many_rows(20000))
    text = read_terminal(program, terminal)
    assert program.returncode == 0, text
    assert re.search(r"\r\x1b\[Kreading standard input  \[[#.]+\]  +\d+ %", text)
    assert re.search(r"\r\x1b\[Krevision 2: 20,000 added, 0 changed, 0 removed, 20,003 rows\s*$", text)
    assert max(len(line.replace("\x1b[K", "")) for line in text.split("\r")) < 100


@pytest.mark.parametrize("command", [["set", "acme", "label=A"], ["remove", "acme"], ["rollback", "--yes", "0"], ["load", "--merge", "-"]])
def test_who_waits_for_another_writer_says_so(loaded, command):
    with open(loaded.store) as store:
        fcntl.flock(store, fcntl.LOCK_EX)  # as a load holds it
        program = subprocess.Popen(loaded.command(*command), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        program.stdin.write(SMALL.replace("acme:", "vandelay:").encode())
        program.stdin.close()
        assert select.select([program.stderr], [], [], TIMEOUT)[0]
        said = program.stderr.readline().decode()
        assert said.startswith("ssoferry: waiting for another ssoferry to finish its change") and str(loaded.store) in said
        assert program.poll() is None
    assert program.stdout.read().startswith(b"revision 2: ")
    assert program.wait(TIMEOUT) == 0 and program.stderr.read() == b""
    program.stdout.close()
    program.stderr.close()


def test_a_slow_load_shows_no_bar_in_a_pipe(loaded):
    program = subprocess.Popen(
        loaded.command("load", "--merge", "-"), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    feed_slowly(program, loaded, many_rows(20000))
    out, err = program.communicate(timeout=TIMEOUT)
    assert program.returncode == 0 and err == b"" and b"\r" not in out


def test_a_quick_load_shows_no_bar(loader):
    def shows_none():
        began = time.monotonic()
        shown = "\r\x1b" in on_terminal(loader.command("load", loader.file(SMALL)))
        assert not shown or time.monotonic() - began >= 0.5
        for file in loader.home.glob("connections.mdb*"):
            file.unlink()
        return not shown

    wait_until(shows_none)  # but a disk may be slow once


def take_long(loader):
    """To a program in this environment, everything takes long."""
    return {**environment_with(program("clock.so"), loader.home), "CLOCK_STEP_MS": "60"}


def bars(text):
    """[(what it does, how much of it is done)]. Each bar has a line of its own, and is taken away again."""
    for line in text.split("\n"):
        shown = line.split("\r\x1b[K")
        assert len(shown) == 1 or shown[0] == "", shown
        assert "]  " not in shown[-1], shown
    return [(name, int(percent)) for name, percent in re.findall(r"\r\x1b\[K([^\r\n]+?)  \[[#.]+\]  +(\d+) %", text)]


@pytest.fixture
def with_many_rows(loader):
    """A command for a store of two revisions, with a configuration that has routes."""
    config = loader.file(CONFIGURATION_OF_SOURCES.format(store=loader.store), "ssoferryd.yaml")
    loader.load(many_rows(MANY))
    loader("set", "--all", "label=second")
    return lambda *arguments: [PROGRAM, "-c", config, *map(str, arguments)]


LONG_COMMANDS = {
    ("set", "--all", "label=third"): ["changing rows", "committing"],
    ("set", "--all", "--json", "label=third"): ["changing rows", "committing"],
    ("set", "--all", "--dry-run", "label=third"): ["reading the table"],
    ("set", "--all", "--state", "stytch", "state=disabled"): ["changing rows", "committing", "comparing rows"],
    ("set", "--all", "--state", "stytch", "--dry-run", "state=disabled"): ["reading the table", "comparing rows"],
    ("rollback", "--yes", "1"): ["comparing", "restoring rows", "committing"],
    ("report",): ["reading the table"],
    ("report", "--silent"): ["reading the table"],
    ("report", "--json", "--sort", "hits", "--limit", "1"): ["reading the table"],
    ("list",): ["reading the table"],
    ("list", "--match", "none"): ["reading the table"],
    ("export", "-o", "OUT"): ["writing rows"],
    ("check", "--table"): ["checking rows"],
}


@pytest.mark.parametrize("arguments", LONG_COMMANDS, ids=" ".join)
def test_what_takes_long_shows_a_bar_on_a_terminal_and_takes_it_away(loader, with_many_rows, arguments):
    command = with_many_rows(*(loader.home / "out.yaml" if word == "OUT" else word for word in arguments))
    table = loader.store.read_bytes()
    shown = bars(on_terminal(command, **take_long(loader)))
    assert list(dict.fromkeys(name for name, _ in shown)) == LONG_COMMANDS[arguments]
    for name in LONG_COMMANDS[arguments]:
        percents = [percent for each, percent in shown if each == name]
        assert percents == sorted(percents)
        assert name == "committing" or (len(percents) > 2 and percents[0] < 50 < percents[-1] <= 100), percents
    loader.store.write_bytes(table)
    assert "\x1b" not in on_terminal(command, TERM="dumb", **take_long(loader))
    loader.store.write_bytes(table)
    piped = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env={**os.environ, **take_long(loader)}, timeout=TIMEOUT)
    assert piped.returncode == 0 and b"\x1b" not in piped.stdout + piped.stderr


@pytest.mark.parametrize("arguments", LONG_COMMANDS, ids=" ".join)
def test_what_is_quick_shows_no_bar(loaded, arguments):
    config = loaded.file(CONFIGURATION_OF_SOURCES.format(store=loaded.store), "ssoferryd.yaml")
    loaded("set", "--all", "label=second")
    command = [loaded.home / "out.yaml" if word == "OUT" else word for word in arguments]
    began = time.monotonic()
    shown = "\x1b[K" in on_terminal([PROGRAM, "-c", config, *command])
    assert not shown or time.monotonic() - began >= 0.5  # a disk may be slow


def test_the_bars_of_a_rollback_leave_rows_and_question_alone(loader, with_many_rows):
    program, terminal = start_on_terminal(with_many_rows("rollback", "1"), **take_long(loader))
    asked = b""
    while not asked.endswith(b"[y/N] "):
        assert select.select([terminal], [], [], TIMEOUT)[0], asked
        asked += os.read(terminal, 65536)
    os.write(terminal, b"y\n")
    text = (asked.decode() + read_terminal(program, terminal)).replace("\r\n", "\n")
    assert list(dict.fromkeys(name for name, _ in bars(text))) == ["comparing", "restoring rows", "committing"]
    assert text.count("~ customer-") == 50 and "... and 19,950 more\n" in text
    assert "\nRoll back to revision 1, which changes 20,000 rows? [y/N] " in text and "revision 3: as revision 1 was" in text


def test_rows_that_were_changed_back_have_a_bar_as_well(loader, with_many_rows):
    loader("set", "--all", "label=")
    text = on_terminal(with_many_rows("rollback", "1"), **take_long(loader))
    assert {name for name, _ in bars(text)} == {"comparing"} and "nothing to change: the rows are those of revision 1" in text


def test_the_bar_of_a_check_leaves_its_findings_alone(loader, with_many_rows):
    loader.load(many_rows(MANY, first=1).replace("saml-connection-live-", "saml-connection-test-", 1), "--merge")
    text = on_terminal(with_many_rows("check", "--table", "--json"), **take_long(loader))
    assert {name for name, _ in bars(text)} == {"checking rows"}
    found = [json.loads(line) for line in re.sub(r"\r\x1b\[K.*\r\x1b\[K|\r\x1b\[K", "", text).splitlines() if "{" in line]
    assert [each["problem"] for each in found] == ["test_beside_live"]


@pytest.mark.parametrize("arguments", [("list", "--json"), ("report", "--json"), ("report", "--csv"), ("export",)], ids=" ".join)
def test_rows_that_are_printed_have_no_bar_between_them(loader, with_many_rows, arguments):
    """Nor in the window of a pager that reads them. Only where they go to a file is there a bar meanwhile."""
    command, pieces = with_many_rows(*arguments), []
    assert bars(on_terminal(command, **take_long(loader))) == []
    program, terminal = start_on_terminal(command, stdout=subprocess.PIPE, **take_long(loader))
    while piece := program.stdout.read():
        pieces.append(piece)
    program.stdout.close()
    assert bars(read_terminal(program, terminal)) == [] and b"".join(pieces).count(b"customer-") == MANY
    with open(loader.home / "rows", "wb") as rows:
        assert {name for name, _ in bars(on_terminal(command, stdout=rows, **take_long(loader)))} == {"printing rows"}


@pytest.mark.parametrize("command", ["list", "report"])
def test_reading_before_the_first_line_has_a_bar_wherever_the_lines_go(loader, with_many_rows, command):
    program, terminal = start_on_terminal(with_many_rows(command), stdout=subprocess.PIPE, **take_long(loader))
    printed = program.stdout.read()
    program.stdout.close()
    assert {name for name, _ in bars(read_terminal(program, terminal))} == {"reading the table"} and printed.count(b"customer-") == MANY
    with open(loader.home / "rows", "wb") as rows:
        shown = [name for name, _ in bars(on_terminal(with_many_rows(command), stdout=rows, **take_long(loader)))]
        assert list(dict.fromkeys(shown)) == ["reading the table", "printing rows"]
