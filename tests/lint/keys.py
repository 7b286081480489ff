"""keys.py SSOFERRYD: every key that the daemon lists stands, with its default, in ssoferryd.yaml(5) and in config/ssoferryd.yaml; the man
page has no key that is not there; and the documents name those that take a restart, and no other."""
import re
import subprocess
import sys
from pathlib import Path

rows = subprocess.run([sys.argv[1], "--list-keys"], check=True, capture_output=True, text=True).stdout.splitlines()
keys = {name: default for name, _, default, _, _ in (row.split("\t") for row in rows)}
restart = {row.split("\t")[0] for row in rows if row.endswith("\trestart")}
faults = []


def man_entries():
    """The text behind each `.It Cm KEY` of the section KEYS."""
    page = Path("docs/man/ssoferryd.yaml.5").read_text()
    section = page.split("\n.Sh KEYS\n")[1].split("\n.Sh ")[0]
    parts = re.split(r"^\.It Cm (\S+)$", section, flags=re.M)
    return dict(zip(parts[1::2], parts[2::2]))


def sample_value(key):
    """What the sample writes behind a key, commented out or not; None where it lacks it."""
    sample = Path("config/ssoferryd.yaml").read_text()
    section, _, last = key.replace("[]", "").rpartition(".")
    if section:
        sample = "".join(re.findall(rf"^{section.partition('.')[0]}:\n((?:[ #].*\n|\n)*)", sample, flags=re.M))
    indent = r"[ #-]+" if section else ""
    found = re.search(rf"^{indent}{last}:[ \t]*([^\s#]*)", sample, flags=re.M)
    return found and found[1]


entries = man_entries()
for key, default in keys.items():
    if key not in entries:
        faults.append(f"docs/man/ssoferryd.yaml.5: no entry `.It Cm {key}`")
    elif default and not re.search(rf"^\.(Ql|Pa) {re.escape(default)}( ?[.,])?$", entries[key], flags=re.M):
        faults.append(f"docs/man/ssoferryd.yaml.5: {key} lacks its default {default}")
    value = sample_value(key)
    if value is None:
        faults.append(f"config/ssoferryd.yaml: no {key}")
    elif default and not key.startswith("routes[]") and value != default:
        faults.append(f"config/ssoferryd.yaml: {key} is {value}, but its default is {default}")
scopes = {key.rpartition(".")[0] for key in keys}
for entry in entries:
    if entry not in keys and (("." in entry) or entry in scopes):
        faults.append(f"docs/man/ssoferryd.yaml.5: {entry} is no key of the daemon's")

# (file, the sentence that lists what takes a restart, a name in it); a section's name stands for all its keys.
for file, sentence, name in [
        ("docs/man/ssoferryd.yaml.5", r"(?s)\nA change of\n(.*?)\ntakes a restart", r"(?m)^\.Cm (\S+)"),
        ("docs/man/ssoferryd.8", r"(?s)\nA change of\n(.*?)\ntakes effect at the next start", r"(?m)^\.Cm (\S+)"),
        ("docs/operations.md", r"(?s)\n\n(`(?:(?!\n\n).)*?) take a restart", r"`([^`]+)`")]:
    found = re.search(sentence, Path(file).read_text())
    names = set(re.findall(name, found[1])) if found else set()
    told = {key for key in keys for name in names if key == name or key.startswith(name + ".")}
    faults += [f"{file}: {key} takes a restart, which is not said" for key in sorted(restart - told)]
    faults += [f"{file}: {key} takes no restart" for key in sorted(told - restart)]

reader = Path("src/table/mapping_file.c").read_text()
known = set(re.findall(r'"(\w+)"', reader.split("is_of_daemon(", 1)[1].split("};")[0]))
tops = {re.split(r"[.[]", key)[0] for key in keys}
faults += [f"src/table/mapping_file.c: {key} begins a configuration of the daemon's, or not" for key in sorted(known ^ tops)]

if not keys or not restart:
    faults.append("the daemon lists no keys")
print("\n".join(faults))
sys.exit(bool(faults))
