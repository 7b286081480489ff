"""What bash and zsh offer for the programs' command lines is what the programs' own help says."""
import re
import subprocess

import pytest

import shell
from programs import run

MAPPING = """version: 1
connections:
  acme: saml-connection-live-51861cbc-d3b9-428b-9761-227f5fb12be9
  "ac:me/2": saml-connection-live-51861cbc-d3b9-428b-9761-227f5fb12be0
  globex: saml-connection-live-0f0d1a0e-1d55-4f5c-8f5e-0a5b2f3c4d5e
"""


def help_of(*words, name="ssoferry"):
    return run(name, *words).stdout


def commands():
    return re.findall(r"^  ([a-z]\S*) +\S", help_of("help").split("Commands:\n")[1].split("\n\n")[0], flags=re.M)


def options(text):
    """{option: whether it takes something}, letters too."""
    found = {}
    for letter, name, argument in re.findall(r"^ {2,6}(?:(-\w), )?(--[\w-]+)(?: ([A-Z]+))?(?:  .*)?$", text, flags=re.M):
        found.update({option: bool(argument) for option in (letter, name) if option})
    return found


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    directory = tmp_path_factory.mktemp("store")
    (directory / "map.yaml").write_text(MAPPING)
    run("ssoferry", "--store", directory / "t.mdb", "load", directory / "map.yaml")
    run("ssoferry", "--store", directory / "t.mdb", "set", "hooli", "state=disabled")
    return directory / "t.mdb"


@pytest.fixture(scope="module", params=[shell.bash, shell.zsh], ids=["bash", "zsh"])
def typed(request, store):
    opened = request.param(store.parent)
    yield opened
    opened.close()


def test_every_command(typed):
    assert len(commands()) > 10
    assert sorted(typed.completions("ssoferry ")) == sorted(commands())
    assert sorted(typed.completions("ssoferry ex")) == ["explain", "export"]
    assert typed.completions("ssoferry --store t.mdb hist") == ["history"]
    assert sorted(typed.completions("ssoferry help ")) == sorted(commands())


def test_every_option_of_every_command(typed):
    general = options(help_of("help"))
    assert set(option.rstrip("=") for option in typed.completions("ssoferry -")) == set(general)
    for command in commands():
        expected = options(help_of("help", command))
        assert set(general) <= set(expected), command
        offered = {option.rstrip("=") for option in typed.completions(f"ssoferry {command} -")}
        assert offered == set(expected), command


def test_options_of_the_daemon(typed):
    expected = options(help_of("--help", name="ssoferryd"))
    assert {"-c", "--check", "-h", "-V"} <= set(expected)
    assert {option.rstrip("=") for option in typed.completions("ssoferryd -")} == set(expected)
    assert typed.completions("ssoferryd -c ma") == ["map.yaml"]


@pytest.mark.parametrize("line", ["ssoferry --store t", "ssoferry -c t", "ssoferry check t", "ssoferry check map.yaml t", "ssoferry load -m why t", "ssoferry load map.yaml t",
                                  "ssoferry export -o t", "ssoferry explain --body t", "ssoferry backup t"])
def test_files(typed, line):
    assert sorted(typed.completions(line)) == ["t.mdb", "t.mdb-lock"]


@pytest.mark.parametrize("line, expected", [
    ("ssoferry list --state ", ["stytch", "legacy", "disabled"]),
    ("ssoferry list --state=", ["stytch", "legacy", "disabled"]),
    ("ssoferry list --state=d", ["disabled"]),
    ("ssoferry explain --method P", ["POST"]),
    ("ssoferry --store t.mdb get ", ["acme", "ac:me/2", "globex", "hooli"]),
    ("ssoferry --store t.mdb get g", ["globex"]),
    ("ssoferry get --store t.mdb g", ["globex"]),
    ("ssoferry --store=t.mdb get g", ["globex"]),
    ("ssoferry --store t.mdb get acme ", []),
    ("ssoferry --store t.mdb get --source other ", []),
    ("ssoferry --store t.mdb remove acme h", ["hooli"]),
    ("ssoferry --store t.mdb rollback ", ["1", "2"]),
    ("ssoferry --store t.mdb history --show ", ["1", "2"]),
    ("ssoferry --store t.mdb set acme state=", ["stytch", "legacy", "disabled"]),
    ("ssoferry --store t.mdb set acme state=l", ["legacy"]),
    ("ssoferry --store t.mdb set acme label=x redirect=f", ["form"]),
    ("ssoferry --store t.mdb set g", ["globex"]),
    ("ssoferry --store t.mdb set acme h", ["hooli"]),
    ("ssoferry --store t.mdb set acme hooli state=d", ["disabled"]),
    ("ssoferry --store t.mdb set --all s", ["state="]),
    ("ssoferry --store t.mdb set --all --state l", ["legacy"]),
    ("ssoferry list ", []),
    ("ssoferry nonsense ", []),
])
def test_values(typed, line, expected):
    stem = line[line.rfind(" ") + 1:line.rfind("=") + 1]
    offered = [word.replace("\\", "").removeprefix(stem) for word in typed.completions(line)]
    assert sorted(word for word in offered if not word.startswith("-")) == sorted(expected)  # zsh offers options where nothing else fits


def test_fields(typed):
    text = re.sub(r"\s+", " ", help_of("help", "set"))
    fields = re.search(r"Fields: ([\w, ]+)\.", text)[1].split(", ")
    for words in ("set acme ", "set --all "):
        assert {word.rstrip("=") for word in typed.completions(f"ssoferry --store t.mdb {words}")} == set(fields)


@pytest.mark.parametrize("state", ["stytch", "legacy", "disabled"])
def test_the_states_are_the_programs(store, state):
    run("ssoferry", "--store", store, "list", "--state", state)
    text = re.sub(r"\s+", " ", help_of("help", "list"))
    assert re.search(r"in this state: ([\w, ]+?) --", text)[1] == "stytch, legacy or disabled"


@pytest.mark.parametrize("redirect", ["307", "303", "form"])
def test_the_redirects_are_the_programs(store, redirect, tmp_path):
    copy = tmp_path / "copy.mdb"
    run("ssoferry", "--store", store, "backup", copy)
    run("ssoferry", "--store", copy, "set", "acme", f"redirect={redirect}")


def test_a_program_that_is_not_there_offers_nothing(tmp_path):
    script = f". {shell.COMPLETIONS}/ssoferry.bash; COMP_WORDS=(/no/ssoferry ''); COMP_CWORD=1; COMP_LINE='/no/ssoferry '; " \
             "_ssoferry /no/ssoferry; echo \"[${COMPREPLY[*]}]\""
    done = subprocess.run(["bash", "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n" and done.stderr == ""
