"""One mutant in the place of its module, and the configurations of ``tla/`` on it.

What a batch cannot ask: liveness, refinement, what must be reachable, an old design.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Final, cast

from model_tests.chain import reached
from model_tests.chain.java import TLA
from model_tests.chain.models import EXPECTED, Record, configs, probes, wanted
from model_tests.chain.models_deep import EXPECTED as DEEP
from model_tests.chain.tlc import ERROR, HOLDS, Config, Outcome, run
from model_tests.mutation.tla import Mutation
from model_tests.mutation.tla_modules import module

_PATIENCE: Final = 400.0
#: States: deep bounds that have no more are asked, too.
_FEW: Final = 3_000
#: A mutant may go on for ever: so many times the states that there must be, and no more.
_TIMES: Final = 3


@cache
def expected() -> Mapping[str, Record]:
    """Return what ``tla/expected.json`` says, and that of ``tla/deep``."""
    every = cast("dict[str, Record]", json.loads(EXPECTED.read_text(encoding="utf-8")))
    deep = cast("dict[str, Record]", json.loads(DEEP.read_text(encoding="utf-8")))
    return every | {f"deep/{name}": known for name, known in deep.items()}


def asking(mutated: str) -> tuple[Config, ...]:
    """Return the configurations in which a module takes part, those with few states first."""
    holding = [each for each in configs("holds") if mutated in _parts(each.module)]
    deep = [each for each in configs("deep") if mutated in _parts(each.module)]
    holding += [each for each in deep if int(expected()[each.name]["states"]) <= _FEW]
    holding.sort(key=lambda each: int(expected()[each.name]["states"]))
    old = [each for each in configs("museum") if mutated in _parts(each.module)]
    probed = [each for each in probes() if mutated in _parts(each.module)]
    return (*holding, *probed, *old)


@cache
def _parts(name: str) -> frozenset[str]:
    """Return a module and all that it takes from others."""
    found = module(name)
    instances = re.findall(r"INSTANCE (\w+)", found.text)
    return frozenset((name,)).union(*(_parts(each) for each in (*found.extends, *instances)))


class Alone:
    """A mutant in the place of its module, and what it was asked.

    What must be reachable is asked file by file; where something is not, or TLC fails, that one
    claim is asked again, by itself.
    """

    def __init__(self, mutation: Mutation, room: Path) -> None:
        self._mutation, self._room = mutation, room
        self._together: dict[str, Mapping[str, Outcome]] = {}

    def verdict(self, config: Config) -> str | None:
        """Say what ``config`` finds wrong, or None if it finds nothing."""
        file = _files().get(config.name)
        if file is not None:
            if file.name not in self._together:
                put(self._mutation.module, self._mutation.text, self._room)
                joint = reached.together(file, self._room)
                self._together[file.name] = reached.ask(joint)
            (claim,) = (*config.invariants, *config.properties)
            if self._together[file.name][claim].result == claim:
                return None
        mutation = self._mutation
        return complaint(config, of(mutation.module, mutation.text, config, self._room))


@cache
def _files() -> Mapping[str, Config]:
    """Return, for each claim that can be asked together with others, its file."""
    found: dict[str, Config] = {}
    for file in configs("reached"):
        claims = (*file.invariants, *reached.steps(file))
        if len(claims) > 1:
            found |= {f"reached/{file.path.stem}-{claim}": file for claim in claims}
    return found


def put(name: str, text: str, room: Path) -> None:
    """Write all modules, with ``text`` in the place of the module ``name``."""
    for path in TLA.glob("*.tla"):
        (room / path.name).write_text(path.read_text(encoding="utf-8"), encoding="utf-8")
    (room / f"{name}.tla").write_text(text, encoding="utf-8")


def of(name: str, text: str, config: Config, room: Path) -> Outcome:
    """Run a configuration with ``text`` in the place of the module ``name``."""
    put(name, text, room)
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
        counted = {"states": outcome.states, "depth": outcome.depth, "steps": outcome.steps}
        for title, count in counted.items():
            if count != known.get(title, count):  # the steps of deep bounds are not kept
                return f"{config.name}: {title} {count}, not {known[title]}"
    if config.name.startswith("museum") and outcome.actions != known["story"]:
        return f"{config.name}: another story"
    return None


def _short(result: str) -> str:
    return "a temporal property" if " or " in result else result
