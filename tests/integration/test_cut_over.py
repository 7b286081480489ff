"""docs/cut-over.md, up to the first batch: its commands say what the document shows."""
import os
import re
import subprocess
import textwrap
from collections import Counter

import pytest

from programs import ROOT, program
from stytch_ids import connection_id

TIMEOUT = 120
PAGE = (ROOT / "docs/cut-over.md").read_text()
UMBRELLA = "saml-connection-live-8d116ece-1738-47d9-bd9c-172411e20b8f, label: Umbrella (Entra ID)"  # as the batch has it
SECTIONS = ["Prepare", "Rehearse", "Cut one customer over", "Take it back", "Cut over in batches"]
END = "\n**Do not load the old file"  # after this, other changes come in between
PRELUDE = """\
ssoferry() { command ssoferry -c ssoferryd.yaml "$@"; }
ssoferryd() { command ssoferryd -c ssoferryd.yaml "$@"; }
systemctl() { :; }
"""


def section(title):
    found = re.search(rf"\n## {title}\n(.*?)\n## ", PAGE, re.DOTALL)
    assert found, f"docs/cut-over.md has no section {title!r} any more: this test no longer fits it"
    return found[1]


def examples(text):
    """Each command of the blocks of code, and the lines below it."""
    for indent, language, block in re.findall(r"^( *)```(\w*)\n(.*?)^\1```$", text, re.DOTALL | re.MULTILINE):
        lines = [line.removeprefix(indent) for line in block.splitlines() if language == ""]
        for command, *shown in (part.splitlines() for part in "\n".join(["", *lines]).split("\n$ ")[1:]):
            yield command, shown


def alike(line):
    """Without what differs from one run to the next, and without the width of columns."""
    line = re.sub(r"\d{4}-\d\d-\d\dT[\d:]+Z", "TIME", line)
    line = re.sub(r"new store at \S*/connections.mdb", "new store at STORE", re.sub(r"\S+@\S+", "ACTOR", line))
    return " ".join(line.split())


def file_beginning(start):
    """The document's YAML that begins so."""
    found = re.search(rf"```yaml\n( *{start}.*?)```", PAGE, re.DOTALL)
    return textwrap.dedent(found[1])


@pytest.fixture
def home(tmp_path):
    """The document's configuration and customers, with the six that it leaves out."""
    rows = {name: connection_id(number) for number, name in enumerate(["hooli", "initech", "massive-dynamic", "soylent", "wayne-enterprises"])}
    lines = [f"  {name}: {{connection_id: {connection}, state: legacy}}" for name, connection in (rows | {"umbrella": UMBRELLA}).items()]
    customers, others = file_beginning("version: 1").split("  # ... and six more\n")
    assert others == ""
    (tmp_path / "ssoferryd.yaml").write_text(file_beginning("listen:"))
    (tmp_path / "customers.yaml").write_text(customers + "\n".join(lines) + "\n")
    return tmp_path


def run(command, home):
    environment = os.environ | {"PATH": f"{os.path.dirname(program('ssoferry'))}:{os.environ['PATH']}"}
    return subprocess.run(["bash", "-c", PRELUDE + command], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, cwd=home,
                          env=environment, timeout=TIMEOUT)


def test_what_the_rehearsal_taught_stays_when_it_ends(home):
    for command in ("load customers.yaml", "set --all --state legacy state=stytch", "set acme redirect=form",
                    f"set glbex connection_id={connection_id(20)}", "export -o exported.yaml"):
        assert run(f"ssoferry {command}", home).returncode == 0
    ends = [command for command, _ in examples(section("Rehearse").split("**End the rehearsal")[1])]
    assert ends[0].startswith("ssoferry ") and "sed -i" in ends[2]
    for command in ends[:2]:
        assert run(command, home).returncode == 0
    assert run("ssoferry list --state stytch", home).stdout == "ssoferry: no row matches\n"
    assert "redirect         form" in run("ssoferry get acme", home).stdout and "state            legacy" in run("ssoferry get glbex", home).stdout


def test_the_cut_over_says_what_the_document_shows(home):
    ran = []
    for command, shown in examples("\n".join(map(section, SECTIONS)).split(END)[0]):
        if command.startswith("cat "):
            (home / command.split()[1]).write_text("\n".join(shown) + "\n")
        if not re.match(r"ssoferryd? |sed -i ", command):
            continue  # it needs a daemon, systemd or requests
        if " rollback " in command:  # on a terminal it asks, and shows first what it would change
            command, shown = command.replace(" rollback ", " rollback --yes "), shown[-1:]
        done = run(command, home)
        said, wanted = Counter(map(alike, done.stdout.splitlines())), Counter(alike(line) for line in shown if line != "...")
        assert wanted <= said if "..." in shown else wanted == said, f"{command}: {done.stdout}"
        ran.append(command.split()[1])
    assert set(ran) >= {"check", "diff", "load", "set", "explain", "history", "rollback"} and len(ran) >= 17, ran
