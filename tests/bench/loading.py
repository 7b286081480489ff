"""Loading a table, against libyaml alone parsing the same file."""
import contextlib
import subprocess

import measure
import rows
from report import Goal, Section
from servers import Failed, fields_of

FORMS = {"short": "short form, in key order", "shuffled": "short form, in random order", "long": "long form"}
LIMITS = {"short": 2.0, "shuffled": 2.0, "long": 2.5}
MEMORY_LIMIT = 200
GROWTH_LIMIT = 1.2  # of memory, when there are ten times as many rows


def remove_store(path):
    for name in (path, path.with_name(path.name + "-lock")):
        name.unlink(missing_ok=True)


def loaded_store(bench, count, form="short"):
    """A store of `count` rows; loads it if it is missing or older than the loader."""
    store = bench.work / f"{form}-{count}.mdb"
    loader = bench.program("ssoferry")
    if not store.exists() or store.stat().st_mtime < measure.modified(loader):
        remove_store(store)
        measure.run_timed(bench, [loader, "--store", str(store), "load", str(rows.mapping_file(bench.work, count, form))])
    return store


def check(bench, count):
    """Checks that the store holds what the file says."""
    store = loaded_store(bench, count)
    for number in {0, 1, count // 2, count - 1}:
        found = bench.run([bench.program("ssoferry"), "--store", str(store), "get", rows.identifier(number)])
        if rows.connection_id(number) not in found:
            raise Failed(f"the store has something else for {rows.identifier(number)}: {found}")


def own_memory_of_load(bench, count):
    """The most memory, in bytes and without mapped files, that a load had at once, sampled every few milliseconds."""
    store = bench.work / "growth.mdb"
    remove_store(store)
    mapping = rows.mapping_file(bench.work, count)
    process = subprocess.Popen([bench.program("ssoferry"), "--store", str(store), "load", str(mapping)], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                               stderr=subprocess.DEVNULL)
    looks = []

    def has_ended():
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            looks.append(fields_of(f"/proc/{process.pid}/status").get("RssAnon", 0))
        return process.poll() is not None

    try:
        bench.wait_until(has_ended, f"{mapping} is not loaded")
    finally:
        process.kill()
    if process.wait() != 0:
        raise Failed(f"ssoferry does not load {mapping}")
    return store, max(looks) * 1024


def run_growth(bench, options):
    """Measures whether a load's memory grows with the table. Keeps the larger store for later measurements."""
    lines, found = [], []
    for count in (options.rows, options.most_rows):
        store, most = own_memory_of_load(bench, count)
        kept = bench.work / f"short-{count}.mdb"
        remove_store(kept)
        store.rename(kept)
        remove_store(store)
        found.append(most)
        lines.append([f"{count:,}", f"{most / 1e6:.1f}"])
    ratio = found[1] / found[0]
    goal = Goal(f"memory of a load of {options.most_rows:,} rows against {options.rows:,}", GROWTH_LIMIT, ratio, f"{ratio:.2f}")
    return [Section("Memory of loading", ["rows", "most at one time, MB"], lines, "`ssoferry load` into a fresh store; mapped pages of the store apart. One run each.\n",
                    [goal])]


def run(bench, options):
    forms = ["short"] if options.quick else list(FORMS)
    lines, goals = [], []
    store = bench.work / "fresh.mdb"
    for form in forms:
        mapping = rows.mapping_file(bench.work, options.rows, form)

        def load():
            remove_store(store)
            return measure.run_timed(bench, [bench.program("ssoferry"), "--store", str(store), "load", str(mapping)])

        def parse():
            return measure.run_timed(bench, [bench.program("bench_yaml_parse"), str(mapping)])

        loads, parses = measure.take_turns(bench, [load, parse], options.load_rounds)
        cpu, bare_cpu = measure.values(loads, "cpu"), measure.values(parses, "cpu")
        wall, bare_wall = measure.values(loads, "wall"), measure.values(parses, "wall")
        memory = max(result["memory"] for result in loads) / 1e6
        lines.append([FORMS[form], wall.over(bare_wall).text(), cpu.over(bare_cpu).text(), wall.text(), bare_wall.text(), cpu.text(),
                      bare_cpu.text(), f"{memory:.0f}"])
        ratio = wall.over(bare_wall)
        goals.append(Goal(f"load of {options.rows:,} rows, {FORMS[form]}, against libyaml's parse (wall)", LIMITS[form], ratio.median, ratio.text()))
        if form == "short":
            goals.append(Goal(f"peak memory of that load (MB)", MEMORY_LIMIT, memory, f"{memory:.0f}", " MB"))
    remove_store(store)
    header = ["file", "wall, ratio", "CPU, ratio", "load, s", "libyaml, s", "load, CPU s", "libyaml, CPU s", "peak, MB"]
    notes = (f"`ssoferry load` of {options.rows:,} rows into a fresh store, checked and committed to disk, against `tests/bench/yaml_parse.c`, which "
             f"reads the file's events and forgets them. {options.load_rounds} rounds. The peak counts the pages of the store that are mapped.\n")
    return [Section("Loading", header, lines, notes, goals)]
