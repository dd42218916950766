"""The rows of the Python rooms: what is kept of their mutants, and a sample that is killed again.

``model_tests.chain.mutants`` yields them.  The cells of the tables are few and quickly judged:
all of them are, each time.  Of the specification's and the library's mutants a sample is run,
each by the check that is kept as its killer.
"""

from collections.abc import Iterator
from random import Random
from time import perf_counter
from typing import Final

from model_tests.chain.command import lines
from model_tests.chain.verdict import Row
from model_tests.mutation import kept, tables
from model_tests.mutation.python_room import Room
from model_tests.mutation.python_rooms import ROOMS

#: A sample of each room: so many modules, so many mutants of each; a module costs more.
MODULES: Final = 2
EACH: Final = 6
#: What took longer than so many seconds is not in a sample.
SECONDS: Final = 10.0


def rows(seed: int) -> Iterator[Row]:
    """Judge all cells, what is kept of the rest, if anything is, and a sample of it."""
    yield _cells()
    title = "the tables"
    yield from kept.rows(title, tables.mutants(), tables.RESULT, tables.ARGUED, tables.DEMAND)
    for room in ROOMS.values():
        if room.result.exists():
            yield from kept.rows(room.title, room.mutants(), room.result, room.argued, room.demand)
            yield sampled(room, seed)


def _cells() -> Row:
    """Change every cell now."""
    began = perf_counter()
    every = tables.mutants()
    alive = [fate.mutant for fate in tables.judge(every) if fate.killed_by is None]
    return Row(
        claim="mutants of the tables: each changed cell is noticed",
        engine="laws",
        bound="every cell, every change",
        count=f"{len(every) - len(alive)} of {len(every)}",
        seconds=perf_counter() - began,
        ok=bool(every) and not alive,
        details=lines(alive),
    )


def sampled(room: Room, seed: int) -> Row:
    """Have a sample of those that were killed killed again, each by its killer."""
    began = perf_counter()
    chosen = room.sample(Random(seed), MODULES, EACH, SECONDS)
    alive = [f"{each.where} {each.name}: {why}" for each, why in room.again(chosen)]
    replay = f"again: python -m model_tests.chain.mutants --seed {seed}"
    return Row(
        claim=f"mutants of {room.title}: a sample is killed again",
        engine="mutants",
        bound=f"{MODULES} modules, {EACH} of each",
        count=f"{len(chosen) - len(alive)} of {len(chosen)}",
        seconds=perf_counter() - began,
        ok=bool(chosen) and not alive,
        details=lines([*alive, replay] if chosen else ["no mutant to be killed again", replay]),
    )
