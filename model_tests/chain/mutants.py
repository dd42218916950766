"""Every guard, every effect, every cell, every statement is needed: changed, it is found.

    python -m model_tests.chain.mutants [--seed S]            what is kept, and a sample
    python -m model_tests.chain.mutants --full [--write] [--only tla]    all of them

A mutant is one small change of a model of ``tla/``.  A full run asks the checks, cheapest
first, until one finds it; what came of it is kept in ``model_tests/mutation``, with an
argument for each that no check finds.  ``make verify`` judges what is kept, and has a sample
killed again, each by the check that is kept as its killer; the sample is another one for
each commit.  A run that is interrupted goes on where it was, as long as no module changes.
"""

import argparse
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from random import Random
from time import perf_counter
from typing import Final

from model_tests.chain.command import git, lines
from model_tests.chain.verdict import Row, report
from model_tests.mutation import kept, tla, tla_again, tla_judge

HERE: Final = Path(kept.__file__).parent
RESULT: Final = HERE / "tla.json"
ARGUED: Final = HERE / "tla_survivors.json"
TITLE: Final = "the models"
DEMAND: Final = 0.95
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
    yield _counted()
    yield from kept.rows(TITLE, tla.mutants(), RESULT, ARGUED, DEMAND)
    if RESULT.exists():
        yield sampled(seed_of_commit() if seed is None else seed)


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


def full(write: bool) -> int:
    """Judge all mutants; keep the result."""
    every = list(tla.mutations())
    fates = list(tla_judge.judge(every, tla_judge.Journal(), lambda said: print(said, flush=True)))
    alive = [fate.mutant for fate in fates if fate.killed_by is None]
    print(f"{len(fates) - len(alive)} of {len(fates)} are killed; alive:", *alive, sep="\n  ")
    if write:
        kept.save(RESULT, [each.mutant for each in every], fates)
    return report(kept.rows(TITLE, tla.mutants(), RESULT, ARGUED, DEMAND))


def main(arguments: Sequence[str]) -> int:
    """Do what the command line asks."""
    parser = argparse.ArgumentParser(prog="python -m model_tests.chain.mutants")
    parser.add_argument("--full", action="store_true", help="judge every mutant")
    parser.add_argument("--write", action="store_true", help="keep what comes of it")
    parser.add_argument("--only", choices=("tla",), help="the room; so far there is one")
    parser.add_argument("--seed", type=int, metavar="S", help="which sample")
    asked = parser.parse_args(arguments)
    if asked.full:
        return full(asked.write)
    return report(rows(asked.seed))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
