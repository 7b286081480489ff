"""Charts of a run's figures, as SVG by gnuplot, with a transparent background and colours that suit a light or a dark page."""
import re
import shutil
import subprocess

COLOURS = ("#2f81f7", "#d29922", "#3fb950", "#f85149", "#a371f7", "#8b949e")
OWN, OTHER = 0x2F81F7, 0x8B949E
INK_LIGHT, INK_DARK = "#1f2328", "#e6edf3"
STYLE = f"<style>text{{fill:{INK_LIGHT}}} @media(prefers-color-scheme:dark){{text{{fill:{INK_DARK}}}}}</style>"
HEAD = """set terminal svg size {width},{height} font 'sans-serif,13' fixed
set output '{path}'
set title "{title}"
set border {border} lc rgb '#8b949e'
set tics nomirror
set grid {axis} lc rgb '#8b949e' dt 3
"""


def gnuplot(path, script):
    done = subprocess.run(["gnuplot"], input=script, text=True, capture_output=True, timeout=60)
    if done.returncode != 0:
        raise RuntimeError(f"gnuplot: {done.stderr.strip()}")
    path.write_text(re.sub(r"(<svg[^>]*>)", lambda match: match.group(1) + "\n" + STYLE, path.read_text(), count=1))


def bars(path, title, unit, rows):
    """A bar for each row (name, median, least, most), with its figure, and the spread as a thin line; logarithmic if they are far apart."""
    rows = list(reversed(rows))
    wide = max(row[1] for row in rows) > 30 * min(row[1] for row in rows)
    low = min(row[2] for row in rows) / 3 if wide else 0
    high = max(row[3] for row in rows) * (6 if wide else 1.25)
    data = "\n".join(f"{i} {median:.4g} {least:.4g} {most:.4g} {OWN if name.startswith('ssoferryd') else OTHER}" for i, (name, median, least, most) in enumerate(rows))
    names = ", ".join(f'"{name}" {i}' for i, (name, *_) in enumerate(rows))
    unit += ", logarithmic" if wide else ""
    gnuplot(path, HEAD.format(width=760, height=90 + 30 * len(rows), path=path, title=title, axis="xtics", border=1) + f"""$rows << EOD
{data}
EOD
set xlabel "{unit}"
set ytics ({names}) scale 0
set yrange [-0.6:{len(rows) - 0.4}]
{"set logscale x" if wide else ""}
set xrange [{low:.4g}:{high:.4g}]
set style fill solid 0.9 noborder
plot $rows using ({low:.4g}):1:({low:.4g}):2:($1-0.32):($1+0.32):5 with boxxyerror lc rgb variable notitle, \\
     $rows using 2:1:3:4 with xerrorbars pt 7 ps 0.1 lc rgb '#d29922' notitle, \\
     $rows using 4:1:($2 >= 100 ? sprintf('  %.0f', $2) : sprintf('  %.3g', $2)) with labels left notitle
""")


def lines(path, title, axes, courses):
    """Curves over time: (name, [(seconds, value, failed)])."""
    blocks = "\n\n\n".join("\n".join(f"{at:.3f} {max(value, 0.01):.4g}" for at, value, _ in course) for _, course in courses)
    plots = ", ".join(f"$courses index {i} using 1:2 with lines lw 2 lc rgb '{COLOURS[i]}' title \"{name}\"" for i, (name, _) in enumerate(courses))
    gnuplot(path, HEAD.format(width=760, height=380, path=path, title=title, axis="ytics", border=3) + f"""$courses << EOD
{blocks}
EOD
set xlabel "{axes[0]}"
set ylabel "{axes[1]}"
set logscale y
set key outside bottom center horizontal
plot {plots}
""")


def draw(directory, figures, rows):
    """Draws the charts that the run has figures for; returns (file name, what it shows) for each."""
    if shutil.which("gnuplot") is None:
        return []
    directory.mkdir(parents=True, exist_ok=True)
    drawn = []
    for key, name, title, unit in (
            ("cpu", "cpu.svg", f"CPU a request: POST of 6 KB, {rows:,} rows", "microseconds"),
            ("memory", "memory.svg", f"Memory with {rows:,} rows", "MB (PSS)"),
            ("p99", "p99.svg", f"99 of 100 answers come within: {figures.get('p99 rate', 0):,.0f} requests a second", "milliseconds")):
        if figures.get(key):
            bars(directory / name, title, unit, figures[key])
            drawn.append((name, title))
    if figures.get("replacement"):
        title = f"All {rows:,} rows are replaced, at a fixed rate of requests"
        lines(directory / "replacement.svg", title, ("seconds from its begin", "p99 of each tenth of a second, ms"), figures["replacement"])
        drawn.append(("replacement.svg", title))
    return drawn
