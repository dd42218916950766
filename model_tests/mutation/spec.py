"""Mutants of the specification: its steps, its models, its invariants.

    python -m model_tests.mutation.spec --full --write    all of them, and keep the result
    python -m model_tests.mutation.spec NAME ...          these mutants, or modules, once more
    python -m model_tests.mutation.spec --confirm         each by its killer alone

What finds them, cheapest first: the laws of the tables, their contracts case by case, the
graphs that TLC has written, the truth of each invariant in states that TLC has judged, and
the specification's tests (``python_checks``).  The cells of the tables are ``tables``'s.
"""

import sys
from collections.abc import Iterator, Sequence
from typing import Final

from model_tests.mutation import Fate, Mutant
from model_tests.mutation.python_room import Room

MODULES: Final = (
    "future",
    "lifecycle",
    "waiting",
    "work_item",
    "process_death",
    "model",
    "future_model",
    "waiting_model",
    "thread_pool",
    "map_model",
    "process_pool_state",
    "process_pool_steps",
    "process_pool",
    "invariants",
    "process_pool_invariants",
)
ROOM: Final = Room("spec", [f"foregone_spec.{each}" for each in MODULES], 0.95)


def mutants() -> tuple[Mutant, ...]:
    """Return every mutant that today's specification makes."""
    return ROOM.mutants()


def judge(chosen: Sequence[Mutant]) -> Iterator[Fate]:
    """Judge mutants by all checks."""
    return ROOM.judge(chosen)


if __name__ == "__main__":
    sys.exit(ROOM.main())
