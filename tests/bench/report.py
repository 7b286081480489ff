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
    """A goal, and the figure that was measured."""

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

Written by `{command}`; all figures are from that one run. Compare the ratios first: they carry over to other machines better than times do. Each is the
ratio of two things measured in turn in the same round. It is the median of the rounds, followed by the lowest and the highest.

{goals(sections)}
{charts_text(charts)}{"".join(section.text() + chr(10) for section in sections)}## Machine and versions

{machine()} Other servers: {others}. Other work took {noise} of the machine's time meanwhile.

## How to repeat

    scripts/bench               everything, on a million rows
    scripts/bench --quick       the most important figures, in under two minutes
    scripts/bench --issuer      one part; --help lists the parts
    scripts/bench --write       everything, and this file
    scripts/bench --help        rounds, seconds, rows

You need two cores: one for the server, the other for the load generator. Keep the machine free of other work.

**Requests.** `tests/bench/load.c` sends requests that were made beforehand over 64 kept connections. It sends each connection's next request as soon as its
answer is there, and never sleeps. The identifiers are 200,000 random ones of the table, and the header fields are a browser's. Each turn starts with the same
request, and gets as far as the server's speed allows: up to about 100,000 requests a second. For latencies, it sends at fixed times, whether or not
earlier requests have been answered, and counts from when a request was due, so a server that stalls is not asked less for it.

**CPU a request** is the server's user and system time, of all its threads (`/proc/PID/task/*/schedstat`), divided by the number of answers. Before anything
is measured, sampled answers are compared with what the row says. A run with a single wrong status is void.

**Warm servers.** What counts is the cost of a service that has run for weeks, for all servers alike. So before the rounds, each server is asked for every row
once, and no row is new to it. (A slow one is asked for a turn and a half to three, which is more than it will be asked for later.) The first quarter of each turn
is not counted, neither its answers nor its CPU, because the processor's cache is then still full of the previous servers' data. Work that a server does after its
answers, such as writing a log or usage, is counted until its next turn begins, or until 2.6 s after its last turn. Of the work after a turn's end, the counted
answers get the share that they have of all the turn's answers.

**Floors.** These programs do nothing but answer a constant redirect with ssoferryd's header fields. Two use libh2o (`tests/bench/constant_h2o.c`). *As it comes*
has libh2o's own settings: an input buffer of 8 KiB, an idle time of 10 s, HTTP/2 enabled, and its own `Server` field. *Set up alike* has the settings
that ssoferryd gives it: 16 KiB, 75 s, HTTP/1 only, and no such field. Both set `TCP_NODELAY`, as libh2o and ssoferryd do. Both use the kernel's socket buffers,
while ssoferryd limits the receive buffer to 64 KiB. They take a request of 6 KB in one `read`; for one of 46 KB, *as it comes* needs four and *set up alike*
three. The third floor, `tests/bench/epoll_floor.c`, is an epoll loop with one read and one write per request.

**Other servers** (`tests/bench/peers.py`) get the same rows and requests, one thread on the same core, and the settings that suit them best. They do less
than ssoferryd: they find the row and redirect, and nothing else. nginx has its `map` in the configuration, HAProxy a map file, and Caddy its `map`. Express is
the sample from Stytch's guide with the mapping in memory (`tests/bench/express/server.js`).

## What was tried and what it gave

{TRIED_BEGIN}

{_kept(path)}

{TRIED_END}
"""
    path.write_text(text)
