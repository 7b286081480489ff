"""What README.md and docs/*.md point to is there: relative links with their anchors, and files named between backticks. An image is in no
table: the charts have no width of their own, and browsers give them none in a cell."""
import re
import sys
from pathlib import Path

TOP = r"(?:include|src|tests|scripts|docs|config|\.ci)"
faults = []


def without_code_blocks(text):
    return re.sub(r"^```.*?^```$", "", text, flags=re.M | re.S)


def anchors(page):
    """The anchors of a page's headings, as GitHub makes them."""
    names = set()
    for heading in re.findall(r"^#+ +(.+?) *$", without_code_blocks(page.read_text()), flags=re.M):
        slug = re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")
        names.add(slug)
    return names


def check_link(page, target):
    path, _, anchor = target.partition("#")
    file = (page.parent / path) if path else page
    if not file.exists():
        faults.append(f"{page}: link to {target}: no such file")
    elif anchor and file.suffix == ".md" and anchor not in anchors(file):
        faults.append(f"{page}: link to {target}: no such heading")


pages = [Path("README.md"), *sorted(Path("docs").rglob("*.md"))]
for page in pages:
    text = without_code_blocks(page.read_text())
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if not re.match(r"[a-z]+:", target):
            check_link(page, target)
    for row in re.findall(r"^\|.*", text, flags=re.M):
        faults += [f"{page}: {image} is an image in a table" for image in re.findall(r"!\[[^\]]*\]\(([^)\s]+)\)", row)]
    for name in re.findall(rf"`({TOP}/[^`\s]*)`", text):
        pattern = re.sub(r"FOLDER|NOUN|NAME|PRESET", "*", name.rstrip("/"))
        if not list(Path(".").glob(pattern)):
            faults.append(f"{page}: `{name}`: no such file")

print("\n".join(faults))
sys.exit(bool(faults))
