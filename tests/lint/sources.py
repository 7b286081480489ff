"""Rules that hold for every file of the tree, with or without git: who may know which library, which folder may use which, no included .c files,
no paths of somebody's own machine, a contract for each function of a public header,
a place for each source in the architecture's table of modules, and no function in it that is not there,
no two units of a folder that know each other."""
import re
import sys
from pathlib import Path

SKIPPED = {".git", "build", "var", "__pycache__", ".pytest_cache", ".hypothesis"}
LIBRARIES = {  # header: the places that may include it
    r"h2o(\.h|/.*)": ["src/serve/", "tests/bench/"],
    r"lmdb\.h": ["src/table/", "src/usage/", "include/ssoferry/environment.h", "include/ssoferry/guard.h"],
    r"ssoferry/(environment|guard)\.h": ["src/table/", "src/usage/"],  # which include it
    r"yaml\.h": ["src/base/yaml.c", "tests/bench/"],
}
USES = {  # a folder's public headers may be used by itself and by those that name it here
    "base": [], "table": ["base"], "route": ["base", "table"], "config": ["base", "table", "route"], "usage": ["base", "table"],
    "serve": ["base", "table", "route", "config", "usage"], "cli": ["base", "table", "route", "config", "usage"]}
OWN_PATH = re.compile(r"(?<![\w.~:-])/(home|root|Users|work)/\w")
INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*[<"]([^>"]+)[>"]', re.M)
FUNCTION = re.compile(r"^(?!#|typedef)[a-z][\w *]*\b\w+\(")
NOT_CODE = re.compile(r'/\*.*?\*/|"(?:\\.|[^"\\\n])*"', re.S)
FOR_OTHERS = re.compile(r"^(?!static\b|typedef\b|extern\b|return\b)(?:__attribute__.*\)\) )?[a-z][\w *]*?\b(\w+)(?:\(|\[| = )", re.M)
faults = []


def files(folder):
    for path in sorted(folder.iterdir()):
        if path.is_dir() and path.name not in SKIPPED:
            yield from files(path)
        elif path.is_file():
            yield path


def check_include(path, included, homes):
    if included.endswith(".c"):
        faults.append(f"{path}: includes {included}")
    for header, places in LIBRARIES.items():
        if re.fullmatch(header, included) and not any(str(path).startswith(place) for place in places):
            faults.append(f"{path}: includes <{included}>, which only {' and '.join(places)} may")
    if path.parts[0] in ("src", "tests") and included.startswith("../"):
        faults.append(f"{path}: includes {included}; other folders' public headers are in include/ssoferry, and no others are for it")
    if path.parts[0] != "src" or not included.startswith("ssoferry/"):
        return
    user, home = path.parts[1], homes.get(Path(included).stem)
    if home not in (None, user, *USES[user]):
        faults.append(f"{path}: includes {included} of src/{home}, which src/{user} may not use")


def check_contracts(path, lines):
    """A function has a comment right above or behind it, or stands in a group right under one that has."""
    told = False
    for number, line in enumerate(lines, 1):
        if line.endswith("*/"):
            told = True
        elif FUNCTION.match(line) and not told:
            faults.append(f"{path}:{number}: a function without a contract: {line}")
        elif line == "" or line.startswith("}"):
            told = False


def check_modules():
    """The table of modules names each source in a row of its folder, and no others."""
    table = Path("docs/architecture.md").read_text().split("\n## Modules\n")[1].split("\n## ")[0]
    told, folder = set(), None
    for row in re.findall(r"^\| (?:`(\w+)` )?\| [^|]+ \| (.*) \|$", table, flags=re.M):
        folder = row[0] or folder
        told |= {f"{folder}/{name}" for name in re.findall(r"`(\w+)`", row[1])}
    there = {f"{folder}/{source.stem}" for folder in USES for source in Path("src", folder).glob("*.c")}
    for name in sorted(told ^ there):
        faults.append(f"docs/architecture.md: Modules {'has' if name in told else 'lacks'} src/{name}.c, which is {'not ' if name in told else ''}there")


def check_functions():
    """Functions that the architecture speaks of are there, libh2o's aside, and in the file that it names."""
    page = Path("docs/architecture.md").read_text()
    sources = "\n".join(path.read_text() for pattern in ("src/*/*.[ch]", "include/ssoferry/*.h") for path in Path(".").glob(pattern))
    for name in sorted(set(re.findall(r"`(?!h2o_)(\w+)\(\)`", page))):
        if not re.search(rf"\b{name}\(", sources):
            faults.append(f"docs/architecture.md: there is no function {name}()")
    for name, path in re.findall(r"`(\w+)\(\)`\**\s(?:in\s|\()`(src/\w+/\w+\.c)`", page):
        if not re.search(rf"^\w.*\b{name}\(", Path(path).read_text(), flags=re.M):
            faults.append(f"docs/architecture.md: {name}() is not in {path}")


def check_circles():
    """Units of a folder use each other one way: none comes back to itself."""
    for folder in USES:
        code = {source.stem: NOT_CODE.sub(" ", source.read_text()) for source in sorted(Path("src", folder).glob("*.c"))}
        owner = {name: unit for unit, text in code.items() for name in FOR_OTHERS.findall(text)}
        uses = {unit: {owner[word] for word in re.findall(r"(?<![.>\w])(?<!struct )(?<!enum )\w+", text) if owner.get(word, unit) != unit} for unit, text in code.items()}
        while ends := [unit for unit in uses if not uses[unit]]:  # what is left when no unit is at an end goes round
            uses = {unit: others - set(ends) for unit, others in uses.items() if unit not in ends}
        while starts := set(uses) - set().union(*uses.values()):
            uses = {unit: others for unit, others in uses.items() if unit not in starts}
        if uses:
            faults.append(f"src/{folder}: these units know each other: {', '.join(uses)}; what two of them need lies below both")


homes = {}  # of a public header: the folder with the source of its name
for folder in USES:
    for source in Path("src", folder).glob("*.c"):
        homes.setdefault(source.stem, folder)
count = 0
for path in files(Path(".")):
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        continue  # test data that is meant not to be text
    count += 1
    if path.suffix in (".c", ".h"):
        for included in INCLUDE.findall(text):
            check_include(path, included, homes)
    if path.suffix == ".h" and path.parts[0] == "include":
        check_contracts(path, text.splitlines())
    for number, line in enumerate(text.splitlines(), 1):
        if OWN_PATH.search(line):
            faults.append(f"{path}:{number}: a path of one machine: {line.strip()[:100]}")

check_modules()
check_functions()
check_circles()
if count < 50:
    faults.append(f"only {count} files found")
print("\n".join(faults))
sys.exit(bool(faults))
