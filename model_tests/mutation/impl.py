"""Mutants of the library's futures: the Future, and waiting for several.

    python -m model_tests.mutation.impl --full --write    all of them, and keep the result
    python -m model_tests.mutation.impl NAME ...          these mutants, or modules, once more
    python -m model_tests.mutation.impl --confirm         each by its killer alone

What finds them, cheapest first: the quick tests, the scheduler on small programs, and the
tests of what mutants once got away with (``python_checks``).  ``impl_pool`` has the thread
pool; the core of the process pool is hunted by the simulation
(``python -m model_tests.chain.simulation --mutants``).
"""

import sys
from collections.abc import Iterator, Sequence
from typing import Final

from model_tests.mutation import Fate, Mutant
from model_tests.mutation.python_room import Room

MODULES: Final = ("future", "waiting")
ROOM: Final = Room("impl", [f"foregone.{each}" for each in MODULES], 0.9)


def mutants() -> tuple[Mutant, ...]:
    """Return every mutant that today's library makes."""
    return ROOM.mutants()


def judge(chosen: Sequence[Mutant]) -> Iterator[Fate]:
    """Judge mutants by all checks."""
    return ROOM.judge(chosen)


if __name__ == "__main__":
    sys.exit(ROOM.main())
