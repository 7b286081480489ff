"""README.md's first cut-over, typed as it stands there."""
import json
import os
import re
import subprocess

from ports import free_port
from programs import ROOT, program

TIMEOUT = 120
CONNECTION = "https://api.stytch.com/v1/b2b/sso/callback/saml-connection-live-51861cbc-d3b9-428b-9761-227f5fb12be9"


def steps(port):
    """On another port; a rollback that asks needs a terminal, and a busy machine's daemon some time."""
    section = (ROOT / "README.md").read_text().split("## A first cut-over\n")[1].split("\n## ")[0]
    text = "\n".join(re.findall(r"```sh\n(.*?)```", section, re.DOTALL))
    for before, after in [("$PWD/build/release/bin", os.path.dirname(program("ssoferry"))),
                          ("store: var/cutover.mdb\n", f"store: var/cutover.mdb\nlisten: [{{address: '127.0.0.1:{port}'}}]\n"),
                          ("127.0.0.1:8080", f"127.0.0.1:{port}"),
                          (">>var/requests.log &\n", f">>var/requests.log &\ncurl -s -o /dev/null --retry 600 --retry-connrefused --retry-delay 1 http://127.0.0.1:{port}/healthz\n"),
                          (" rollback 1 ", " rollback --yes 1 ")]:
        assert before in text, f"README.md no longer says {before!r}: this test no longer fits it"
        text = text.replace(before, after)
    return text + "wait %1\n"


def test_the_first_cut_over(tmp_path):
    (tmp_path / "var").mkdir()
    done = subprocess.run(["bash", "-e"], input=steps(free_port()), capture_output=True, text=True, cwd=tmp_path, timeout=TIMEOUT)
    assert done.returncode == 0, done.stdout + done.stderr
    assert re.findall(r"^revision .*|^HTTP.*|^Location: .*", done.stdout, re.M) == [
        "revision 1: 1 added, 0 changed, 0 removed, 1 row",
        "HTTP/1.1 307 Temporary Redirect", f"Location: {CONNECTION}",
        "revision 2: acme changed",
        "HTTP/1.1 307 Temporary Redirect", "Location: https://legacy.example.com/old-sso/acme",
        "revision 3: as revision 1 was; 0 added, 1 changed, 0 removed, 1 row"]
    assert "made a new store at" in done.stderr
    # Two worker threads answered them, and ssoferryd(8) promises an order only within one.
    lines = sorted((json.loads(line) for line in (tmp_path / "var/requests.log").open()), key=lambda line: line["time"])
    assert [line["decision"] for line in lines] == ["stytch", "legacy"]
