"""Pairs of runs, side by side, and the median of their ratio with its interval.

A figure here is never seconds alone: the two sides run in turn in one process, A B or
B A by the toss of a seeded coin, and each pair gives one ratio.  The interval is
distribution-free: the two order statistics between which the median lies with at
least 95 % probability, whatever the noise.
"""

import gc
import platform
import random
import statistics
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import comb
from typing import Final, final

#: A workload runs once and returns what it took: seconds, or bytes.
Workload = Callable[[], float]

CONFIDENCE: Final = 0.95


@final
@dataclass(frozen=True, slots=True)
class Comparison:
    """The pairs of one workload: what the standard library took, and what foregone did."""

    title: str
    unit: str  # of one run's figure after scaling
    scale: float  # from a run's figure to that unit
    pairs: tuple[tuple[float, float], ...]  # (standard library, foregone)

    @property
    def ratios(self) -> tuple[float, ...]:
        """The standard library's figure over foregone's, pair by pair."""
        return tuple(theirs / ours for theirs, ours in self.pairs)

    def row(self) -> str:
        """Return the comparison as one line of the table."""
        theirs = statistics.median(pair[0] for pair in self.pairs) * self.scale
        ours = statistics.median(pair[1] for pair in self.pairs) * self.scale
        low, high = interval(self.ratios)
        spread = f"{min(self.ratios):.2f}-{max(self.ratios):.2f}"
        return (
            f"{self.title:<44} {theirs:>12,.2f} {ours:>12,.2f} {self.unit:<10}"
            f"{statistics.median(self.ratios):>7.2f}   {low:.2f}-{high:.2f}   {spread:<12}"
            f"{len(self.pairs):>4}"
        )


HEADER: Final = (
    f"{'workload (median of each side)':<44} {'std library':>12} {'foregone':>12} {'unit':<10}"
    f"{'ratio':>7}   {'95 %':<9}   {'min-max':<12}{'pairs':>4}"
)


def interval(values: Sequence[float]) -> tuple[float, float]:
    """Return the order statistics between which the median lies, with CONFIDENCE."""
    ordered = sorted(values)
    count = len(ordered)
    outside = 0.0
    rank = 0
    for below in range(count // 2):
        outside += 2 * comb(count, below) / 2**count
        if outside > 1 - CONFIDENCE:
            break
        rank = below + 1
    low = max(rank - 1, 0)
    return ordered[low], ordered[count - 1 - low]


def compare(
    title: str, theirs: Workload, ours: Workload, *, unit: str, scale: float, pairs: int
) -> Comparison:
    """Run both workloads ``pairs`` times side by side, after one warm-up of each."""
    coin = random.Random(title)
    theirs(), ours()
    results = []
    for _ in range(pairs):
        figures = {}
        for side in coin.sample((theirs, ours), 2):
            gc.collect()
            figures[side] = side()
        results.append((figures[theirs], figures[ours]))
    return Comparison(title, unit, scale, tuple(results))


def machine() -> str:
    """Return the interpreter and the machine, as far as the figures depend on them."""
    import os

    build = " free-threaded" if not getattr(sys, "_is_gil_enabled", lambda: True)() else ""
    return (
        f"CPython {platform.python_version()}{build}, {platform.system()} {platform.release()}, "
        f"{platform.machine()}, {os.cpu_count()} processors"
    )
