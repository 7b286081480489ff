"""limits.py SSOFERRYD: the figures of docs/operations.md, "Limits", are those of the source, and of the daemon's own list of keys."""
import re
import subprocess
import sys
from pathlib import Path

# (the row's first words, the file that has its figure, the pattern that finds it there, that figure in the row)
CONSTANTS = [
    ("identifier", "include/ssoferry/connection.h", r"\bIDENTIFIER_SIZE_MAX = (\d+)", "{} bytes"),
    ("body of a request", "src/config/config_keys.c", r'"limits\.body",.*?(\d+)(?:ULL)? << 20', "up to {} MiB"),
    ("connections at one time", "config/ssoferryd.service", r"LimitNOFILE=(\d+)", "the unit allows {}"),
    ("connections of the admin listener", "src/serve/admin.h", r"\bADMIN_CLIENTS_MAX = (\d+)", "{},"),
    ("routes", "include/ssoferry/config.h", r"\bCONFIG_ROUTES_MAX = (\d+)", "{}"),
    ("URL in a row", "include/ssoferry/url.h", r"\bURL_SIZE_MAX = (\d+)", "{} bytes"),
    ("revisions that can be taken back", "include/ssoferry/table.h", r"\bTABLE_REVISIONS_KEPT = (\d+)", "{}"),
    ("days of usage by day", "include/ssoferry/usage.h", r"\bUSAGE_DAYS = (\d+)", "{}"),
    ("reading the usage file", "src/usage/usage_check.c", r"\bCHECK_SECONDS = (\d+)", "{} seconds"),
    ("unknown identifiers kept by name", "include/ssoferry/usage.h", r"\bUSAGE_UNKNOWN_MAX = (\d+)", "{},"),
    ("programs that read one store", "src/table/table.c", r"\bREADERS_DEFAULT = (\d+)", "{},"),
    ("rows shown by", "src/serve/admin_report.h", r"\bADMIN_REPORT_ROWS_MAX = (\d+)", "{};"),
    ("rows that are remembered", "src/serve/server.c", r"\bLOOKUP_MEMORY = (\d+) << 20", "in {} MiB"),
]
WORDS = {"a second": 1000, "two seconds": 2000, "five seconds": 5000}  # of what kill -9 loses
faults = []


def row_of(words):
    found = [row for row in rows if row.startswith(f"| {words}")]
    if len(found) != 1:
        faults.append(f"docs/operations.md: {len(found)} rows of its limits begin with {words!r}: this check no longer fits it")
    return found[0] if found else ""


def number_of(file, pattern):
    found = re.search(pattern, Path(file).read_text(), re.S)
    if not found:
        faults.append(f"{file}: no {pattern}: this check no longer fits it")
    return found[1] if found else ""


def expect(row, said, source):
    if not re.search(rf"(?<![\d.]){re.escape(said)}(?![\d.])", row):
        faults.append(f"docs/operations.md: of its limits, {row!r} does not say {said!r}, as {source} does")


rows = Path("docs/operations.md").read_text().split("\n## Limits\n")[1].split("\n## ")[0].splitlines()
for words, file, pattern, said in CONSTANTS:
    expect(row_of(words), said.format(number_of(file, pattern)), file)
for key in subprocess.run([sys.argv[1], "--list-keys"], check=True, capture_output=True, text=True).stdout.splitlines():
    name, _, default = key.split("\t")[:3]
    for row in rows:
        if f"`{name}`," in row:
            expect(row, re.sub(r"([KM]iB)", r" \1", default), name)
interval = int(number_of("include/ssoferry/usage.h", r"\bUSAGE_FLUSH_INTERVAL_MS = (\d+)") or 0)
if not any(words in row_of("usage lost by") and interval == milliseconds for words, milliseconds in WORDS.items()):
    faults.append(f"docs/operations.md: usage lost by `kill -9` is of {interval} ms")

print("\n".join(faults))
sys.exit(bool(faults))
