"""docs/operations.md says what to do for each alert of the rules file and each reason code of the request log, and docs/cut-over.md for
each decision that a rehearsal can show."""
import re
import sys
from pathlib import Path

# (file, where its names stand, a name among them); REASON_EXTRACT stands for the codes of route.c and is never logged itself.
SOURCES = [
    ("config/monitoring/ssoferry.rules.yaml", r"(?s)(.*)", r"- alert: (\w+)"),
    ("src/route/decision.c", r"(?s)reason_codes\[REASONS\] = \{(.*?)\};", r'\[REASON_(?!EXTRACT\b)\w+\] = "(\w+)"'),
    ("src/route/route.c", r"(?s)problems\[.*?\] = \{(.*?)\n\};", r'\[EXTRACT_\w+\] =\s*\{"(\w+)"'),
    ("src/serve/framing.c", r"(?s)(.*)", r'\[FRAMING_\w+\] = "(\w+)"'),
]


def said_about(name, page):
    """A row of a table that begins with a code, or a paragraph that begins with an alert's name."""
    return re.search(rf"^\| `{name}` \| .*\w.* \|$|^\*\*{name}\.\*\* \S", page, flags=re.M)


page = Path("docs/operations.md").read_text()
faults = []
for file, section, pattern in SOURCES:
    found = re.search(section, Path(file).read_text())
    names = re.findall(pattern, found[1]) if found else []
    if not names:
        faults.append(f"{file}: no names found: this check no longer fits it")
    faults += [f"docs/operations.md: nothing about {name} of {file}" for name in names if not said_about(name, page)]
rehearsed = re.search(r"(?s)bool would_be_decided\(.*?\n}\n", Path("src/serve/metrics.c").read_text())
of_would = Path("docs/cut-over.md").read_text().split("\n| `would` | `reason` |", 1)[-1].split("\n\n", 1)[0]
for would in re.findall(r"== OUTCOME_(\w+)", rehearsed[0] if rehearsed else "== OUTCOME_NONE_FOUND"):
    if would != "STYTCH" and f"\n| `{would.lower()}` |" not in of_would:  # the one that is wanted
        faults.append(f"docs/cut-over.md: no row for {would.lower()} among what a rehearsal shows under `would`")

print("\n".join(faults))
sys.exit(bool(faults))
