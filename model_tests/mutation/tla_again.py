"""Mutants that were killed are killed again, by the check that is kept as their killer.

All mutants of one killer go in one run of TLC; the module as it is goes along, and lives.
"""

import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from random import Random
from typing import Final

from model_tests.chain.models import configs
from model_tests.chain.tlc import HOLDS
from model_tests.mutation import Mutant
from model_tests.mutation.kept import Kept
from model_tests.mutation.tla import Mutation, contexts, mutations
from model_tests.mutation.tla_claims import expected
from model_tests.mutation.tla_equality import pairs
from model_tests.mutation.tla_judge import Trial

#: Who asks one mutant alone (``tla_judge.ALONE``) is not asked again here: that takes long.
#: So many states, and no more, has a bound that is cheap enough for a sample.
CHEAP: Final = 1_000


def check_of(killer: str) -> str:
    """Return the check that a killer's name begins with: a bound, or a configuration."""
    return killer if killer.startswith("equality: ") else killer.partition(": ")[0]


def cheap() -> frozenset[str]:
    """Return the checks that a sample can ask: the smallest bound of each subject."""
    found = {
        f"equality: {name}, {pair.bound}"
        for name in (context.subject.name for context in contexts())
        for pair in pairs(name)[:1]
    }
    small = (each for each in configs(HOLDS) if each.invariants and expected(each.name) <= CHEAP)
    return frozenset(found | {each.name for each in small})


def sample(kept: Kept, random: Random, groups: int, most: int) -> list[list[Mutant]]:
    """Choose killed mutants: of so many cheap checks, so many of each."""
    of: dict[str, list[Mutant]] = {}
    asked = cheap()
    for mutant, fate in zip(kept.mutants, kept.fates, strict=True):
        if fate.killed_by is not None and check_of(fate.killed_by) in asked:
            of.setdefault(check_of(fate.killed_by), []).append(mutant)
    chosen = random.sample(sorted(of), min(groups, len(of)))
    return [random.sample(of[check], min(most, len(of[check]))) for check in chosen]


def again(some: Sequence[Mutant], kept: Kept) -> Iterator[tuple[Mutant, str]]:
    """Ask the killers that are kept; yield who lives, and what did not find it."""
    killers = {fate.mutant: fate.killed_by or "" for fate in kept.fates}
    today = {each.mutant.name: each for each in mutations()}
    of: dict[tuple[str, str], list[Mutation]] = {}
    for mutant in some:
        mutation = today[mutant.name]
        check = check_of(killers[mutant.name])
        of.setdefault((mutation.subject.name, check), []).append(mutation)
    for (subject, check), chosen in of.items():
        for mutation in _alive(subject, check, chosen):
            yield mutation.mutant, f"{check} does not find it any more"


def _alive(subject: str, check: str, chosen: Sequence[Mutation]) -> Iterator[Mutation]:
    context = next(each for each in contexts() if each.subject.name == subject)
    with tempfile.TemporaryDirectory(prefix="again-") as folder:
        for title, stage in Trial(context, Path(folder), print).stages():
            if title == check:
                yield from (mutation for mutation, killer, _ in stage(chosen) if killer is None)
                return
    raise ValueError(f"there is no check {check!r} of {subject}")
