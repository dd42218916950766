"""The process pool against the standard library, five peers and the physical limit.

A ratio is the other's figure over foregone's, round by round: above 1, foregone takes
less.  Where there is no ratio the figure itself is what counts.
"""

import json
import os
import pathlib
import statistics
from collections.abc import Iterator, Sequence
from typing import Final

import foregone
from bench import peers
from bench.contest import Entrant, hold, pairs_of, per_millisecond
from bench.matrix import FOREGONE, Column, Workload, workloads
from bench.paired import interval, machine
from bench.report import Report, charts
from bench.subjects import SUBJECTS

WIDTH: Final = 44


def spread(values: Sequence[float]) -> str:
    """Return median, interval, extremes and number."""
    low, high = interval(values)
    between = f"{low:.2f}-{high:.2f}"
    ends = f"{min(values):.2f}-{max(values):.2f}"
    return f"{statistics.median(values):>9.2f}   {between:<13} {ends:<15} {len(values):>4}"


def line(column: Column, ours: Entrant | None, theirs: Entrant) -> str:
    """Return one row of a table."""
    name = f"  {theirs.row.name:<{WIDTH}}"
    if theirs.failure:
        return f"{name} {theirs.failure}"
    figures = [run[column.figure] for run in theirs.runs.values()]
    if not figures:
        return f"{name} has not run"
    median = statistics.median(figures)
    rate = f"{column.rate / median:>14,.0f}" if column.rate else f"{'':>14}"
    shown = f"{name}{median * column.scale:>12,.2f}{rate}"
    aim = "".join(f"   aim {text}" for whose, text in column.aims if whose == theirs.row.subject)
    if not column.beside:
        return f"{shown}{spread(figures)}{aim}"
    if ours is theirs:
        low, high = (each * column.scale for each in interval(figures))
        return f"{shown}{'1':>9}   ({low:,.2f}-{high:,.2f} {column.unit}, {len(figures)} runs)"
    ratios = [] if ours is None else [a / b for a, b in pairs_of(ours, theirs, column.figure)]
    return f"{shown}{spread(ratios) if ratios else '        -'}{aim}"


def table(workload: Workload, entrants: list[Entrant]) -> Iterator[str]:
    """Yield the lines of one workload."""
    ours = next((each for each in entrants if each.row.subject == FOREGONE), None)
    if ours is not None and ours.failure:
        ours = None
    calls = max((each.setting.calls for each in entrants), default=0)
    yield f"\n{workload.title}: {calls:,} x, processes: {workload.workers}, {workload.method}"
    for column in workload.columns:
        middle = "ratio" if column.beside else "median"
        yield (
            f"  {'median of each':<{WIDTH}}{column.unit:>12}{column.rate_unit:>14}{middle:>9}"
            f"   {'95 %':<13} {'min-max':<15} {'n':>4}"
        )
        for entrant in entrants:
            yield line(column, ours, entrant)


def versions() -> str:
    """Return who takes part, with versions, and who is absent."""
    installed = peers.PEERS.versions()
    named = [each.package for each in SUBJECTS.values() if each.package not in ("", FOREGONE)]
    return ", ".join(f"{each} {installed.get(each, 'absent')}" for each in named)


def main(
    pairs: int,
    only: str,
    scale: float,
    subjects: tuple[str, ...],
    keep: pathlib.Path | None,
    found: Report,
) -> None:
    """Install the peers, run all workloads whose title has ``only``, and print the tables."""
    why = peers.PEERS.install()
    if why:
        print(f"the peers could not be installed, and are absent:\n{why}")
    found.say(machine())
    found.say(f"foregone {foregone.__version__}, {versions()}")
    ratios = "ratio = the other / foregone, round by round"
    found.say(f"{ratios}; load before: {os.getloadavg()[0]:.2f}")
    spins = per_millisecond()
    kept: dict[str, object] = {
        "machine": machine(),
        "version": foregone.__version__,
        "peers": versions(),
    }
    for workload in workloads():
        if only not in f"{workload.title} {workload.method}":
            continue
        entrants = hold(workload, pairs, scale, spins, subjects)
        found.show("\n".join(table(workload, entrants)), *charts(workload, entrants))
        kept[f"{workload.title}, {workload.method}"] = {
            each.row.name: each.failure or list(each.runs.values()) for each in entrants
        }
        if keep is not None:
            keep.write_text(json.dumps(kept, indent=1), encoding="utf-8")
    found.say(f"load after: {os.getloadavg()[0]:.2f}")
