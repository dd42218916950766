"""Mutants of the library: the Future, waiting, the thread pool, and what executors share.

    python -m model_tests.mutation.impl --full --write    all of them, and keep the result
    python -m model_tests.mutation.impl NAME ...          these mutants, or modules, once more
    python -m model_tests.mutation.impl --confirm         each by its killer alone

What finds them, cheapest first: the quick tests, the scheduler on small programs, and the
tests that take longer, those of the museum last (``python_checks``).  The core of the process
pool is hunted by the simulation (``python -m model_tests.chain.simulation --mutants``).
"""

import sys
from collections.abc import Iterator, Sequence
from typing import Final

from model_tests.mutation import Fate, Mutant
from model_tests.mutation.python_room import Room

MODULES: Final = ("future", "waiting", "pool", "worker", "thread_pool", "executor")
ROOM: Final = Room("impl", [f"foregone.{each}" for each in MODULES], 0.9)


def mutants() -> tuple[Mutant, ...]:
    """Return every mutant that today's library makes."""
    return ROOM.mutants()


def judge(chosen: Sequence[Mutant]) -> Iterator[Fate]:
    """Judge mutants by all checks."""
    return ROOM.judge(chosen)


if __name__ == "__main__":
    sys.exit(ROOM.main())
