"""What was measured, as tables: on the terminal, and in docs/performance.md."""
import os
import platform
import re
import subprocess
from pathlib import Path

TRIED_BEGIN = "<!-- kept by hand from here -->"
TRIED_END = "<!-- kept by hand up to here -->"
PACKAGES = ("libh2o-evloop-dev", "liblmdb-dev", "libyaml-dev", "libxml2-dev", "libssl3", "libc6", "gcc")


class Goal:
    """A figure that was asked for, and what was measured."""

    def __init__(self, what, limit, value, shown, unit=""):
        self.row = [what, f"at most {limit:g}{unit}", shown, "yes" if value <= limit else "no"]


class Section:
    def __init__(self, title, header, rows, notes, goals=()):
        self.title, self.header, self.rows, self.notes, self.goals = title, header, rows, notes, list(goals)

    def text(self):
        return f"## {self.title}\n\n{table(self.header, self.rows)}\n{self.notes}\n"


def table(header, rows):
    """A table that reads well as text and as Markdown."""
    cells = [[str(cell) for cell in row] for row in [header, *rows]]
    widths = [max(len(row[i]) for row in cells) for i in range(len(header))]
    lines = ["| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths)) + " |" for row in cells]
    lines.insert(1, "|" + "|".join("-" * (width + 2) for width in widths) + "|")
    return "\n".join(lines) + "\n"


def goals(sections):
    rows = [goal.row for section in sections for goal in section.goals]
    return table(["what", "goal", "measured", "met"], rows) if rows else ""


def _first(pattern, text):
    found = re.search(pattern, text, re.MULTILINE)
    return found.group(1).strip() if found else "unknown"


def machine():
    model = _first(r"^model name\s*:\s*(.*)$", Path("/proc/cpuinfo").read_text())
    memory = int(_first(r"^MemTotal:\s*(\d+)", Path("/proc/meminfo").read_text())) // 1024 // 1024
    versions = subprocess.run(["dpkg-query", "-W", "-f", "${Package} ${Version}\n", *PACKAGES], capture_output=True, text=True).stdout.split("\n")
    return (f"{model}, {os.cpu_count()} cores, {memory} GiB; Linux {platform.release().split('-')[0]}; "
            f"{_first('PRETTY_NAME=.(.*).$', Path('/etc/os-release').read_text())}; " + ", ".join(version for version in versions if version) + ".")


def _kept(path):
    """The part of the document that is written by hand."""
    text = path.read_text() if path.exists() else ""
    if TRIED_BEGIN in text and TRIED_END in text:
        return text[text.index(TRIED_BEGIN) + len(TRIED_BEGIN):text.index(TRIED_END)].strip("\n")
    return "Nothing yet."


def charts_text(charts):
    return "".join(f"![{title}](charts/{name})\n\n" for name, title in charts)


def write(path, sections, command, noise, others, charts):
    """`others`: the versions of the other servers. `charts`: (file name, what it shows)."""
    text = f"""# Performance

Written by `{command}`; every figure is of that one run. Ratios come first, since they carry over to other machines better than times do: each is of
two things measured in turn in the same round, and the median of the rounds is followed by the least and the most.

{goals(sections)}
{charts_text(charts)}{"".join(section.text() + chr(10) for section in sections)}## Machine and versions

{machine()} Other servers: {others}. Other work took {noise} of the machine's time meanwhile.

## How to repeat

    scripts/bench               everything, on a million rows
    scripts/bench --quick       the essential rows, in under two minutes
    scripts/bench --issuer      one part; --help lists them
    scripts/bench --write       everything, and this file
    scripts/bench --help        rounds, seconds, rows

Two cores are needed: the server has the one to itself, the load generator the other. Keep the machine free of other work.

How it is measured: `tests/bench/load.c` sends requests that were made beforehand over 64 kept connections, each connection's next request as soon as its
answer is there, and never sleeps; identifiers are 200,000 random ones of the table, and the header fields a browser's. Each turn begins with the first of
them, and comes as far as the server is fast: to some 100,000 in a second. For latencies it sends at fixed times,
whether or not earlier requests have been answered, and counts from when a request was due: a server that stalls is not asked less for it. CPU a request is the server's user and system
time, all its threads together (`/proc/PID/task/*/schedstat`), over the number of answers. Before anything is measured, sampled answers are compared
with what the row says, and a run with one wrong status is void.

What a service that has run for weeks costs is what is looked for, of all servers alike. Before the rounds each is asked for every row once (a slow
one for a turn and a half to three, which is more than it will be asked for), so that no row is new to it. Of each turn the first quarter is not counted, neither its answers
nor its CPU: the processor's cache is full of the servers before it then. What a server does behind its answers, such as writing a log or usage down, is counted
until its next turn begins, or 2.6 s after the last; of what falls behind a turn's end, the share that the counted answers are of all of the turn's.

The floors do no more than to answer a constant redirect with ssoferryd's header fields. Two are libh2o (`tests/bench/constant_h2o.c`): *as it comes* has the
settings that libh2o has by itself, an input buffer of 8 KiB, an idle time of 10 s, the way to HTTP/2 open, and its own `Server` field besides; *set up alike*
has those that ssoferryd gives it, 16 KiB, 75 s, HTTP/1 alone, and no such field. Both have libh2o's `TCP_NODELAY`, as ssoferryd has, and the kernel's socket
buffers, of which ssoferryd holds the one for what comes in to 64 KiB. They take a request of 6 KB in one `read`; one of 46 KB takes four as it comes and three set
up alike. The third, `tests/bench/epoll_floor.c`, is an epoll loop with one read and one write a request.

The other servers (`tests/bench/peers.py`) get the same rows and requests, one thread on the same core, and the setting that is kindest to them. They do
less than ssoferryd: find the row, redirect, and nothing else. nginx has its `map` in the configuration, HAProxy a map file, Caddy its `map`, and Express is
the sample of Stytch's guide with the mapping in memory (`tests/bench/express/server.js`).

## What was tried and what it gave

{TRIED_BEGIN}

{_kept(path)}

{TRIED_END}
"""
    path.write_text(text)
