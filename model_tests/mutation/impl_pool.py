"""Mutants of the library's thread pool, and of what executors share.

    python -m model_tests.mutation.impl_pool --full --write    all of them, and keep the result
    python -m model_tests.mutation.impl_pool NAME ...          these mutants, or modules, once more
    python -m model_tests.mutation.impl_pool --confirm         each by its killer alone

What finds them, cheapest first: the quick tests, the scheduler on small programs, and the
tests of what mutants once got away with (``python_checks``).  ``impl`` has the futures.
"""

import sys
from collections.abc import Iterator, Sequence
from typing import Final

from model_tests.mutation import Fate, Mutant
from model_tests.mutation.python_room import Room

MODULES: Final = ("pool", "worker", "thread_pool", "executor")
ROOM: Final = Room("impl_pool", [f"foregone.{each}" for each in MODULES], 0.9)


def mutants() -> tuple[Mutant, ...]:
    """Return every mutant that today's library makes."""
    return ROOM.mutants()


def judge(chosen: Sequence[Mutant]) -> Iterator[Fate]:
    """Judge mutants by all checks."""
    return ROOM.judge(chosen)


if __name__ == "__main__":
    sys.exit(ROOM.main())
