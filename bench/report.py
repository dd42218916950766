"""What a bench has shown, as a page: ``build/bench.html``, with a plot of each table.

A row of a plot is one who takes part: the median of its runs as a dot, the interval of the
median as a bar.  Where the physical limit takes part, the axis is how many times its time
each takes; 1 is what cannot be beaten.  The plots are matplotlib's, which is installed
beside the environment, and the page is whole without them.
"""

import html
import io
import re
import statistics
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any, Final, final

from bench.beside import ROOT, Beside
from bench.contest import Entrant, pairs_of
from bench.matrix import FOREGONE, LIMIT, Column, Workload
from bench.paired import Comparison, interval

DRAWING: Final = Beside("bench-plots", ROOT / "bench" / "plots.txt")
PAGE: Final = ROOT / "build" / "bench.html"
#: Where each plot is kept alone, as SVG and PNG.
PLOTS: Final = ROOT / "build" / "bench"

_STYLE: Final = """
body { margin: 0 auto; max-width: 64rem; padding: 1rem; font: 1rem/1.45 system-ui, sans-serif;
  color: #1c2430; background: #fbfaf7; }
figure { margin: 0 0 2rem; } figure svg { max-width: 100%; height: auto; background: #fff; }
table { border-collapse: collapse; margin: .5rem 0; font-size: .9rem; display: block;
  overflow-x: auto; }
th, td { border: 1px solid #b9c1cc; padding: .2rem .6rem; text-align: right; }
th:first-child, td:first-child { text-align: left; }
tr.ours td { font-weight: 600; background: #eaf1fb; } pre { overflow-x: auto; font-size: .8rem; }
"""


@final
@dataclass(frozen=True)
class Entry:
    """One who takes part: a median and its interval, of what is drawn and in its own unit."""

    name: str
    subject: str
    median: float = 0.0
    between: tuple[float, float] = (0.0, 0.0)
    shown: float = 0.0  # on the axis
    bar: tuple[float, float] = (0.0, 0.0)
    ratio: float | None = None  # over foregone, pair by pair
    runs: int = 0
    failure: str = ""


@final
@dataclass(frozen=True)
class Chart:
    """One figure of one workload."""

    title: str
    unit: str
    axis: str
    entries: tuple[Entry, ...]


def charts(workload: Workload, entrants: Sequence[Entrant]) -> Iterator[Chart]:
    """Yield a chart for each figure of a workload."""
    title = f"{workload.title} ({workload.method})"
    for column in workload.columns:
        limit = _first(entrants, LIMIT, column)
        ours = _first(entrants, FOREGONE, column)
        axis = "times the physical limit" if limit is not None else column.unit
        entries = tuple(_entry(each, column, ours, limit) for each in entrants)
        yield Chart(title, column.unit, axis, entries)


def _first(entrants: Sequence[Entrant], subject: str, column: Column) -> Entrant | None:
    """Return the first of a subject that has run, if the figure stands beside others."""
    there = (each for each in entrants if each.row.subject == subject)
    return next((e for e in there if e.runs and not e.failure and column.beside), None)


def _entry(entrant: Entrant, column: Column, ours: Entrant | None, limit: Entrant | None) -> Entry:
    name, subject = entrant.row.name, entrant.row.subject
    figures = [run[column.figure] for run in entrant.runs.values()]
    if entrant.failure or not figures:
        return Entry(name, subject, failure=entrant.failure or "has not run")
    own = [each * column.scale for each in figures]
    drawn = own
    if limit is not None:
        drawn = [theirs / its for theirs, its in pairs_of(limit, entrant, column.figure)] or own
    ratio = None
    if ours is not None and entrant is not ours:
        pairs = list(pairs_of(ours, entrant, column.figure))
        ratio = statistics.median(a / b for a, b in pairs) if pairs else None
    return Entry(
        name,
        subject,
        statistics.median(own),
        interval(own),
        statistics.median(drawn),
        interval(drawn),
        ratio,
        len(own),
    )


def of_comparison(comparison: Comparison) -> Chart:
    """Return the chart of two who run side by side in one process."""
    sides = (("standard library", "standard", 0), ("foregone", FOREGONE, 1))
    entries: list[Entry] = []
    for name, subject, side in sides:
        own = [pair[side] * comparison.scale for pair in comparison.pairs]
        ratio = statistics.median(comparison.ratios) if not side else None
        middle, between = statistics.median(own), interval(own)
        entries.append(Entry(name, subject, middle, between, middle, between, ratio, len(own)))
    return Chart(comparison.title, comparison.unit, comparison.unit, tuple(entries))


# ----------------------------------------------------------------------- a page


def page(head: Sequence[str], found: Sequence[Chart], text: str) -> str:
    """Return the page: what was run on what, then a plot and a table of each chart, then text."""
    parts = [_part(each, plot(each)) for each in found]
    told = "".join(f"<p>{html.escape(each)}</p>" for each in head)
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>foregone: bench</title><style>{_STYLE}</style></head><body>"
        f"<h1>Bench</h1>{told}{''.join(parts)}<h2>As text</h2><pre>{html.escape(text)}</pre>"
        "</body></html>\n"
    )


def _part(chart: Chart, drawing: str) -> str:
    rows = "".join(_row(each) for each in chart.entries)
    return (
        f"<figure><figcaption><h2>{html.escape(chart.title)}, {html.escape(chart.unit)}</h2>"
        f"</figcaption>{drawing}<table><tr><th>who</th><th>median, {html.escape(chart.unit)}</th>"
        f"<th>95 % interval</th><th>{html.escape(chart.axis)}</th><th>over foregone</th>"
        f"<th>runs</th></tr>{rows}</table></figure>"
    )


def _row(entry: Entry) -> str:
    name = html.escape(entry.name)
    if entry.failure:
        return f'<tr><td>{name}</td><td colspan="5">{html.escape(entry.failure)}</td></tr>'
    ours = ' class="ours"' if entry.subject == FOREGONE else ""
    low, high = entry.between
    ratio = "" if entry.ratio is None else f"{entry.ratio:,.2f}"
    return (
        f"<tr{ours}><td>{name}</td><td>{entry.median:,.2f}</td><td>{low:,.2f} to {high:,.2f}</td>"
        f"<td>{entry.shown:,.2f}</td><td>{ratio}</td><td>{entry.runs}</td></tr>"
    )


def plot(chart: Chart) -> str:
    """Return a plot as SVG, and keep it beside as SVG and PNG; "" where there is no matplotlib."""
    there = [each for each in chart.entries if not each.failure]
    pyplot = _pyplot()
    if pyplot is None or not there:
        return ""
    figure, axes = pyplot.subplots(figsize=(8, 0.5 + 0.34 * len(there)), layout="constrained")
    for place, each in enumerate(reversed(there)):
        low, high = each.bar
        color = "#1f5fbf" if each.subject == FOREGONE else "#566173"
        axes.plot([low, high], [place, place], color=color, linewidth=5, alpha=0.35)
        axes.plot([each.shown], [place], "o", color=color)
    axes.set_yticks(range(len(there)), [each.name for each in reversed(there)])
    axes.set_xlabel(chart.axis)
    if all(each.bar[0] > 0 for each in there):
        axes.set_xscale("log")
    axes.grid(axis="x", which="both", alpha=0.25)
    drawn = io.StringIO()
    figure.savefig(drawn, format="svg", metadata={"Date": None})
    PLOTS.mkdir(parents=True, exist_ok=True)
    name = re.sub(r"\W+", "-", f"{chart.title} {chart.unit}").strip("-").lower()
    (PLOTS / f"{name}.svg").write_text(drawn.getvalue(), encoding="utf-8")
    figure.savefig(PLOTS / f"{name}.png", dpi=120)
    pyplot.close(figure)
    return drawn.getvalue()[drawn.getvalue().index("<svg") :]


def _pyplot() -> Any:  # noqa: ANN401  a module that has no types here
    """Return matplotlib's drawing, without a screen; None where it is not installed."""
    if str(DRAWING.folder()) not in sys.path:
        sys.path.append(str(DRAWING.folder()))
    try:
        import_module("matplotlib").use("svg")
        return import_module("matplotlib.pyplot")
    except ImportError:
        return None


@final
class Report:
    """What is printed as it comes, and becomes a page in the end."""

    def __init__(self) -> None:
        self.head: list[str] = []
        self.charts: list[Chart] = []
        self.text: list[str] = []

    def say(self, line: str) -> None:
        """Print a line about the machine, or about who takes part."""
        print(line, flush=True)
        self.head.append(line)
        self.text.append(line)

    def show(self, table: str, *found: Chart) -> None:
        """Print a table."""
        print(table, flush=True)
        self.text.append(table)
        self.charts += found

    def write(self) -> Path:
        """Write the page, with what was shown so far; return where it is."""
        if why := DRAWING.install():
            self.head.append(f"There are no plots, since matplotlib could not be installed: {why}")
        PAGE.parent.mkdir(parents=True, exist_ok=True)
        PAGE.write_text(page(self.head, self.charts, "\n".join(self.text)), encoding="utf-8")
        return PAGE
