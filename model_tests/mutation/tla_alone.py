"""One mutant in the place of its module, and the configurations of ``tla/`` on it.

What a batch cannot ask: liveness, refinement, what must be reachable, an old design.
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Final, cast

from model_tests.chain.java import TLA
from model_tests.chain.models import EXPECTED, Record, configs, probes, wanted
from model_tests.chain.tlc import ERROR, HOLDS, Config, Outcome, run
from model_tests.mutation.tla import Mutation
from model_tests.mutation.tla_modules import Context, module

_PATIENCE: Final = 400.0
#: A mutant may go on for ever: so many times the states that there must be, and no more.
_TIMES: Final = 3


@cache
def expected() -> Mapping[str, Record]:
    """Return what ``tla/expected.json`` says."""
    return cast("dict[str, Record]", json.loads(EXPECTED.read_text(encoding="utf-8")))


def asking(mutated: str) -> tuple[Config, ...]:
    """Return the configurations in which a module takes part, those with few states first."""
    holding = [each for each in configs("holds") if mutated in _parts(each.module)]
    holding.sort(key=lambda each: int(expected()[each.name]["states"]))
    old = [each for each in configs("museum") if mutated in _parts(each.module)]
    reached = [each for each in probes() if mutated in _parts(each.module)]
    return (*holding, *reached, *old)


@cache
def _parts(name: str) -> frozenset[str]:
    """Return a module and all that it takes from others."""
    found = module(name)
    instances = re.findall(r"INSTANCE (\w+)", found.text)
    return frozenset((name,)).union(*(_parts(each) for each in (*found.extends, *instances)))


def verdict(mutation: Mutation, config: Config, room: Path) -> str | None:
    """Say what ``config`` finds wrong with a mutant, or None if it finds nothing."""
    outcome = of(mutation.module, mutation.text, config, room)
    return complaint(config, outcome)


def of(name: str, text: str, config: Config, room: Path) -> Outcome:
    """Run a configuration with ``text`` in the place of the module ``name``."""
    for path in TLA.glob("*.tla"):
        (room / path.name).write_text(path.read_text(encoding="utf-8"), encoding="utf-8")
    (room / f"{name}.tla").write_text(text, encoding="utf-8")
    path = room / f"{config.path.stem}.cfg"
    path.write_text(config.path.read_text(encoding="utf-8"), encoding="utf-8")
    return run(replace(config, path=path), patience=_PATIENCE)


def complaint(config: Config, outcome: Outcome) -> str | None:
    """Say how an outcome differs from what it must be."""
    if outcome.result == ERROR:
        if "Parsing or semantic analysis failed" in outcome.output:
            raise RuntimeError(f"{config.name}: the mutant is no TLA+:\n{outcome.output[-2000:]}")
        late = "TLC did not end within" in outcome.output
        return f"{config.name}: {'it does not end' if late else 'TLC cannot evaluate it'}"
    if outcome.result != wanted(config):
        broken = outcome.result if outcome.result != HOLDS else f"not {wanted(config)}"
        return f"{config.name}: {_short(broken)}"
    known = expected()[config.name]
    if outcome.result == HOLDS:
        for title, count in (("states", outcome.states), ("depth", outcome.depth)):
            if count != known[title]:
                return f"{config.name}: {title} {count}, not {known[title]}"
    if config.name.startswith("museum") and outcome.actions != known["story"]:
        return f"{config.name}: another story"
    return None


def _short(result: str) -> str:
    return "a temporal property" if " or " in result else result


def kill(mutation: Mutation, context: Context, room: Path) -> Iterator[str | None]:
    """Yield what each configuration says, until one finds something wrong."""
    for config in asking(mutation.module):
        said = verdict(mutation, config, room)
        yield said
        if said is not None:
            return
