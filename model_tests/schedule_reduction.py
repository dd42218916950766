"""The reduction of ``schedule_explore`` loses nothing: small programs, with it and without.

Without it every schedule up to the bound is run, also those that differ in nothing but the
order of what commutes.  What runs come to must be the same either way: the states at the
end, all answers, which call had ended when another began, which callbacks were called when;
and, for programs that are compared with the spec, the edges that were seen.
"""

from dataclasses import dataclass
from typing import Final, final

from model_tests import (
    inclusion_pool_run,
    inclusion_pool_spec,
    inclusion_run,
    inclusion_spec,
    schedule_explore,
)
from model_tests.process_schedule_library import bench as process_bench
from model_tests.process_schedules import program as process_program
from model_tests.schedule_explore import Bench, Program, explore
from model_tests.schedule_pools import program as pool_program
from model_tests.schedule_races import program as race_program

#: Programs whose endings are compared, each with its preemptions.
ENDINGS: Final = (
    ("owned: cancel | start", 3),
    ("owned: add; add | set_result", 2),
    ("owned: cancel; result | add; set_result", 2),
    ("owned: cancel | start | result", 1),
    ("owned: add | add | set_result", 1),
    ("bare: add; cancel | add | add", 1),
    ("owned: wait(1) | set_result | wait", 1),
    ("owned: wait@fg | set_result@f | set_result@g", 1),
    ("pool 1: submit | submit", 1),
    ("pool 1: submit | shutdown(cancel)", 1),
    ("pool 1: submit; drop", 2),
    ("process 1: submit; cancel", 1),
    ("process 1 before death@1: cancel", 0),
)
#: And programs whose edges are compared.
EDGES: Final = (
    ("owned: cancel | start", 2),
    ("bare: cancel; start | wait", 2),
    ("owned: add | set_result", 2),
    ("bare: start; set_result | add", 2),
    ("pool 1: submit; submit", 2),
    ("pool 1: submit; cancel", 2),
    ("pool 1: submit | shutdown(nowait)", 2),
)


@final
@dataclass(frozen=True, slots=True)
class Both:
    """What a program came to, with the reduction and without."""

    program: str
    bound: int
    schedules: tuple[int, int]
    found: tuple[int, int]
    trouble: str = ""

    @property
    def good(self) -> bool:
        """Is it the same?"""
        return not self.trouble

    def __str__(self) -> str:
        fewer, all_ = self.schedules
        return f"{self.program!r}, {self.bound}: {fewer:,} of {all_:,} schedules; {self.trouble}"


def _compared(
    text: str, bound: int, runs: list[schedule_explore.Found], found: list[set[str]]
) -> Both:
    trouble = "".join(f"{each.failure}\n" for each in runs if each.failure is not None)
    lost, more = found[1] - found[0], found[0] - found[1]
    if lost or more:
        trouble += f"{len(lost)} lost, {len(more)} only with it: {min(lost or more)}"
    schedules = runs[0].schedules, runs[1].schedules
    return Both(text, bound, schedules, (len(found[0]), len(found[1])), trouble)


def endings(text: str, bound: int, on: Bench | None = None) -> Both:
    """Compare what runs of a program come to at their end."""
    if on is None:
        processes = text.startswith("process ")
        with process_bench() if processes else schedule_explore.bench() as on:
            return endings(text, bound, on)
    runs: list[schedule_explore.Found] = []
    found: list[set[str]] = []
    for reduced in (True, False):
        on.endings = set()
        runs.append(explore(on, _program(text), bound, reduced=reduced))
        found.append(on.endings)
    return _compared(text, bound, runs, found)


def _program(text: str) -> Program:
    if text.startswith("process "):
        return process_program(text)
    return pool_program(text) if text.startswith("pool ") else race_program(text)


def edges(text: str, bound: int) -> Both:
    """Compare which edges runs of a program take."""
    runs: list[schedule_explore.Found] = []
    found: list[set[str]] = []
    if text.startswith("pool "):
        allowed = inclusion_pool_spec.behaviour(inclusion_pool_spec.clients(text))
        with schedule_explore.bench() as on:
            for reduced in (True, False):
                seen = inclusion_pool_spec.Behaviour()
                made = inclusion_pool_run.program(text, allowed, seen)
                runs.append(explore(on, made, bound, reduced=reduced))
                stops = map(inclusion_pool_spec.shown, seen.stops)
                found.append({*map(inclusion_pool_run.told, seen.edges), *stops})
    else:
        may = inclusion_spec.behaviour(inclusion_spec.clients(text))
        with inclusion_run.watched() as on:
            for reduced in (True, False):
                came = inclusion_spec.Behaviour()
                made = inclusion_run.program(text, may, came)
                runs.append(explore(on, made, bound, reduced=reduced))
                found.append({*map(str, came.edges), *map(str, came.stops)})
    return _compared(text, bound, runs, found)
