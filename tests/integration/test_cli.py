"""The loader `ssoferry`, run as an operator runs it: its usage, and which store a command works on."""

import os
import re

import pytest

from loader import ACME, GLOBEX, MAN_PAGE, SMALL, plain
from stytch_ids import connection_id


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
