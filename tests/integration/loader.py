"""The loader `ssoferry` on a store of its own, and the small files that its tests load."""

import json
import subprocess
import time

from programs import ROOT, program
from stytch_ids import connection_id

PROGRAM = program("ssoferry")
MAN_PAGE = ROOT / "docs/man/ssoferry.1"
TIMEOUT = 120
MANY = 20000
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


def many_rows(count, first=0):
    lines = ["version: 1", "connections:"]
    lines += [f"  customer-{i:07}: {connection_id(first + i)}" for i in range(count)]
    return "\n".join(lines) + "\n"


def rows_in(state, count, of=40):
    rows = many_rows(of).splitlines()
    return "\n".join(rows[:2] + [line.replace(": ", ": {connection_id: ") + f", state: {state}}}" for line in rows[2:2 + count]] + rows[2 + count:]) + "\n"


def mapping_text(source, rows):
    return "version: 1\n" + f"source: {source}\nconnections:\n" + "".join(f"  {name}: {row}\n" for name, row in rows.items())


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


def plain(*arguments, status=0, **settings):
    """Runs the program with nothing but these arguments."""
    result = subprocess.run([PROGRAM, *map(str, arguments)], capture_output=True, text=True, timeout=TIMEOUT, **settings)
    assert result.returncode == status, f"{arguments}: {result.returncode}\n{result.stdout}{result.stderr}"
    return result


def explain(config, *arguments):
    return json.loads(plain("-c", config, "explain", "--json", *arguments).stdout)


def wait_until(condition):
    end = time.monotonic() + TIMEOUT
    while not condition():
        assert time.monotonic() < end, "waited too long"
        time.sleep(0.001)
