"""The rooms of Python code whose mutants are judged: which modules, and how many must be found.

    python -m model_tests.mutation.python_rooms ROOM --full --write    all, and keep the result
    python -m model_tests.mutation.python_rooms ROOM NAME ...          these, or modules, again
    python -m model_tests.mutation.python_rooms ROOM --confirm         each by its killer alone

What finds those of the specification, cheapest first: the laws of the tables, their contracts
case by case, the graphs that TLC has written, the truth of each invariant in states that TLC
has judged, and its tests.  Those of the library: the quick tests, the scheduler on small
programs, and the tests of what mutants once got away with (``python_checks``).  The cells of
the tables are ``tables``'s; the core of the process pool is hunted by the simulation
(``python -m model_tests.chain.simulation --mutants``).
"""

import sys
from collections.abc import Sequence
from typing import Final

from model_tests.mutation.python_room import Room

_SPEC: Final = (
    "future", "lifecycle", "waiting", "work_item", "process_death", "model", "future_model",
    "waiting_model", "thread_pool", "map_model", "process_pool_state", "process_pool_steps",
    "process_pool", "invariants", "process_pool_invariants",
)  # fmt: skip
_FUTURES: Final = ("future", "waiting")
_THREADS: Final = ("pool", "worker", "thread_pool", "executor")

ROOMS: Final = {
    room.name: room
    for room in (
        Room("spec", "the specification", [f"foregone_spec.{each}" for each in _SPEC], 0.95),
        Room("impl", "futures", [f"foregone.{each}" for each in _FUTURES], 0.9),
        Room("impl_pool", "the thread pool", [f"foregone.{each}" for each in _THREADS], 0.9),
    )
}


def main(arguments: Sequence[str]) -> int:
    """Do what the command line asks of the room that it names first."""
    if not arguments or arguments[0] not in ROOMS:
        print(f"name one of these rooms first: {', '.join(ROOMS)}", file=sys.stderr)
        return 2
    return ROOMS[arguments[0]].main(arguments[1:])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
