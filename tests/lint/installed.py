"""installed.py BUILD: the images that README.md and docs/*.md show are installed where the installed pages look for them."""
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

faults = []
with tempfile.TemporaryDirectory() as root:
    subprocess.run(["cmake", "--install", sys.argv[1]], env={**os.environ, "DESTDIR": root}, stdout=subprocess.DEVNULL, check=True)
    pages = sorted(Path(root).rglob("*.md"))
    shown = [(page, image) for page in pages for image in re.findall(r"!\[[^\]]*\]\(([^)\s]+)\)", page.read_text())]
    for page, image in shown:
        if not (page.parent / image).exists():
            faults.append(f"{page.relative_to(root)}: {image} is not installed")

if not shown:
    faults.append("no installed page shows an image: this check no longer fits them")
print("\n".join(faults))
sys.exit(bool(faults))
