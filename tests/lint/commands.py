"""commands.py SSOFERRY: every command and every option that the program's help names stands in ssoferry(1), and no other command does."""
import re
import subprocess
import sys
from pathlib import Path

PAGE = "docs/man/ssoferry.1"
faults = []


def help_of(*words):
    return subprocess.run([sys.argv[1], *words, "--help"], check=True, capture_output=True, text=True).stdout


def options_in(text):
    return set(re.findall(r"^ {2,6}(?:-\w, )?--([\w-]+)", text, flags=re.M))


def entries():
    """The text behind each `.It Ic COMMAND`."""
    section = Path(PAGE).read_text().split("\n.Sh DESCRIPTION\n")[1].split("\n.Sh ")[0]
    parts = re.split(r"^\.It Ic (\S+).*$", section, flags=re.M)
    return parts[0], dict(zip(parts[1::2], parts[2::2]))


summary = help_of()
commands = re.findall(r"^  ([a-z]\S*) +\S", summary.split("Commands:\n")[1].split("\n\n")[0], flags=re.M)
common, documented = entries()
for option in options_in(summary):
    if f"Fl Fl {option}" not in common:
        faults.append(f"{PAGE}: no option --{option}")
for command in commands:
    if command not in documented:
        faults.append(f"{PAGE}: no command {command}")
        continue
    for option in options_in(help_of(command)) - options_in(summary):
        if not re.search(rf"^\.It (Fl \w , )?Fl Fl {option}\b", documented[command], flags=re.M):
            faults.append(f"{PAGE}: {command} lacks its option --{option}")
for command in documented:
    if command not in commands:
        faults.append(f"{PAGE}: {command} is no command")

if not commands:
    faults.append("the program's help names no commands")
print("\n".join(faults))
sys.exit(bool(faults))
