"""presets.py SSOFERRY: docs/legacy-systems.md has every preset with the templates that it stands for, and no document names another."""
import json
import re
import subprocess
import sys
from pathlib import Path

PAGE = Path("docs/legacy-systems.md")
lines = subprocess.run([sys.argv[1], "presets", "--json"], check=True, capture_output=True, text=True).stdout.splitlines()
presets = {preset["name"]: preset for preset in map(json.loads, lines)}
text = PAGE.read_text()
faults = []

for name, preset in presets.items():
    if f"`preset: {name}`" not in text:
        faults.append(f"{PAGE}: no `preset: {name}`")
    for route in preset["routes"]:
        if f"`{route['match']}`" not in text:
            faults.append(f"{PAGE}: {name} stands for `{route['match']}`, which the page lacks")

pages = ["README.md", *sorted(Path("docs").rglob("*.*")), *sorted(Path("config").rglob("*.yaml"))]
for page in map(Path, pages):
    for name in re.findall(r"\bpreset: ([\w-]+)", page.read_text()):
        if name not in presets:
            faults.append(f"{page}: there is no preset {name}")

if not presets:
    faults.append("the program prints no presets")
print("\n".join(faults))
sys.exit(bool(faults))
