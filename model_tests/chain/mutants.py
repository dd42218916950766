"""Every guard, every effect, every cell, every statement is needed: changed, it is found.

    python -m model_tests.chain.mutants [--seed S]            what is kept, and a sample
    python -m model_tests.chain.mutants --full [--write] [--only ROOM]    all of them

A mutant is one small change: of a model of ``tla/``, of a cell of a table, of a statement of
the specification or of the library (those of the process pool are in ``simulation``).  A full
run asks the checks, cheapest first, until one finds it; what came of it is kept in
``model_tests/mutation``, with an argument for each that no check finds.  ``make verify``
judges what is kept, changes every cell again, and has a sample of the rest killed again, each
by the check that is kept as its killer; the sample is another one for each commit.  A run
that is interrupted goes on where it was, as long as what it changes is the same.
"""

import argparse
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from random import Random
from time import perf_counter
from typing import Final

from model_tests.chain.command import git, lines
from model_tests.chain.verdict import Row, report
from model_tests.mutation import kept, python_rooms, python_rows, tables, tla, tla_again, tla_judge
from model_tests.mutation.python_room import Room

HERE: Final = Path(kept.__file__).parent
RESULT: Final = HERE / "tla.json"
ARGUED: Final = HERE / "tla_survivors.json"
TITLE: Final = "the models"
DEMAND: Final = 0.95
#: Where each room's full run is kept, if there was one.
RESULTS: Final[Mapping[str, Path]] = {
    TITLE: RESULT,
    "the tables": tables.RESULT,
    **{room.title: room.result for room in python_rooms.ROOMS.values()},
}
#: A sample: so many checks, so many mutants for each.
CHECKS: Final = 2
EACH: Final = 12


def seed_of_commit() -> int:
    """Return a number that is another one for each commit; 0 where there is no git."""
    return int((git("rev-parse", "HEAD") or "0")[:8], 16)


def sampled(seed: int) -> Row:
    """Have a sample of those killed killed again."""
    began = perf_counter()
    result = kept.load(RESULT)
    names = {each.name: each.what for each in tla.mutants()}
    chosen = [
        mutant
        for group in tla_again.sample(result, Random(seed), CHECKS, EACH)
        for mutant in group
        if names.get(mutant.name) == mutant.what
    ]
    alive = [
        f"{mutant.where} {mutant.name}: {why}" for mutant, why in tla_again.again(chosen, result)
    ]
    replay = f"again: python -m model_tests.chain.mutants --seed {seed}"
    return Row(
        claim=f"mutants of {TITLE}: a sample is killed again",
        engine="TLC",
        bound=f"{CHECKS} checks, {EACH} of each",
        count=f"{len(chosen) - len(alive)} of {len(chosen)}",
        seconds=perf_counter() - began,
        ok=bool(chosen) and not alive,
        details=lines([*alive, replay] if chosen else ["no mutant to be killed again", replay]),
    )


def rows(seed: int | None = None) -> Iterator[Row]:
    """Judge what is kept, and a sample."""
    seed = seed_of_commit() if seed is None else seed
    yield _counted()
    if RESULT.exists():
        yield from kept.rows(TITLE, tla.mutants(), RESULT, ARGUED, DEMAND)
        yield sampled(seed)
    yield from python_rows.rows(seed)
    yield _rooms()


def _rooms() -> Row:
    """Say of which rooms a full run is kept, and of which there is none yet."""
    lacking = [title for title, path in RESULTS.items() if not path.exists()]
    said = f"       not run to the end yet, and not claimed: {', '.join(lacking)}"
    return Row(
        claim="mutants: a full run is kept",
        engine="mutants",
        bound=", ".join(title.removeprefix("the ") for title in RESULTS if title not in lacking),
        count=f"{len(RESULTS) - len(lacking)} rooms",
        seconds=0.0,
        ok=len(lacking) < len(RESULTS),  # fewer than once are less than was promised
        note=said if lacking else "",
    )


def _counted() -> Row:
    """Say that each action has guards and effects, and that all of them are mutated."""
    began = perf_counter()
    found = [each for context in tla.contexts() for each in tla.actions(context).values()]
    guards, effects = sum(each.guards for each in found), sum(each.effects for each in found)
    return Row(
        claim=f"mutants of {TITLE}: every action has a guard and an effect",
        engine="mutants",
        bound=f"{len(tla.contexts())} models",
        count=f"{len(found)} actions",
        seconds=perf_counter() - began,
        ok=all(each.guards and each.effects for each in found),
        note=f"       with their helpers: {guards} guards, {effects} effects",
    )


def models(write: bool) -> int:
    """Judge all mutants of the models; keep the result."""
    every = list(tla.mutations())
    fates = list(tla_judge.judge(every, tla_judge.Journal(), lambda said: print(said, flush=True)))
    alive = [fate.mutant for fate in fates if fate.killed_by is None]
    print(f"{len(fates) - len(alive)} of {len(fates)} are killed; alive:", *alive, sep="\n  ")
    if write:
        kept.save(RESULT, [each.mutant for each in every], fates)
    return report(kept.rows(TITLE, tla.mutants(), RESULT, ARGUED, DEMAND))


def cells(write: bool) -> int:
    """Judge all cells of the tables; keep the result."""
    return tables.main(["--write"] if write else [])


def python(room: Room, write: bool) -> int:
    """Judge all mutants of a room of Python code; keep the result."""
    failed = room.main(["--full", *(["--write"] if write else [])])
    return failed or report(
        kept.rows(room.title, room.mutants(), room.result, room.argued, room.demand)
    )


ROOMS: Final[Mapping[str, Callable[[bool], int]]] = {
    "tla": models,
    "tables": cells,
    **{name: partial(python, room) for name, room in python_rooms.ROOMS.items()},
}


def main(arguments: Sequence[str]) -> int:
    """Do what the command line asks."""
    parser = argparse.ArgumentParser(prog="python -m model_tests.chain.mutants")
    parser.add_argument("--full", action="store_true", help="judge every mutant")
    parser.add_argument("--write", action="store_true", help="keep what comes of it")
    parser.add_argument("--only", choices=[*ROOMS], help="one of the rooms")
    parser.add_argument("--seed", type=int, metavar="S", help="which sample")
    asked = parser.parse_args(arguments)
    if asked.full:
        chosen = [asked.only] if asked.only else [*ROOMS]
        return max([ROOMS[each](asked.write) for each in chosen])
    return report(rows(asked.seed))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
