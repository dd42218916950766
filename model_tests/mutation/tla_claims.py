"""Does a mutant keep what the good module keeps?  Many mutants in one run of TLC.

The bounds, the invariants and the claims of steps are those of a configuration of
``holds/``, or of ``deep/``.  A mutant is through at the first claim that it breaks.  Of those
that break none the states are counted: ``expected.json`` says how many there must be.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from time import perf_counter
from typing import Final, cast, final

from model_tests.chain.models import EXPECTED
from model_tests.chain.models_deep import EXPECTED as DEEP
from model_tests.chain.tlc import HOLDS, Config, Outcome, listed
from model_tests.mutation.tla import Mutation
from model_tests.mutation.tla_batch import Copies, culprit, explore, schema, substituted
from model_tests.mutation.tla_differs import Bound, differ
from model_tests.mutation.tla_parse import Node

_TIMES: Final = 2  # so many times the states that there must be, and no more
_KILLED: Final = re.compile(r'<<"KILLED", (\d+), "(\w+)">>')
_TURN: Final = re.compile(r'<<"TURN", (\d+), (\d+)>>')


@final
@dataclass(frozen=True, slots=True)
class Answer:
    """What a configuration says of a mutant."""

    broken: str | None  # the claim that it breaks
    states: int | None  # how many it has; None if it was stopped before its end
    seconds: float


@cache
def expected(config: str) -> int:
    """Return how many states a configuration has, of ``holds/`` or of ``deep/``."""
    folder, _, name = config.rpartition("/")
    path = DEEP if folder == "deep" else EXPECTED
    told = cast("dict[str, dict[str, int]]", json.loads(path.read_text(encoding="utf-8")))
    return told[name if folder == "deep" else config]["states"]


def counted(config: Config) -> bool:
    """Say whether states can be counted: TLC judges also those that a constraint leaves out."""
    return not listed(config.path.read_text(encoding="utf-8"), "ACTION_CONSTRAINT")


def otherwise(
    copies: Copies, chosen: Sequence[Mutation], config: Config, room: Path
) -> Iterator[tuple[Mutation, str | None, float]]:
    """Yield, of changes within actions, which take other steps than the module as it is."""
    alone = listed(config.path.read_text(encoding="utf-8"), "ACTION_CONSTRAINT")
    constrained = "".join(f"ACTION_CONSTRAINT {name}\n" for name in alone)
    bound = Bound((), f"{constrained}CONSTANTS\n{_constants(config)}", _init(copies, config))
    for said in differ(copies, chosen, bound, room):
        if not isinstance(said, Outcome):
            yield said
        elif said.states != expected(config.name):
            raise RuntimeError(f"{config.name}: the module as it is has {said.states} states")


def _constants(config: Config) -> str:
    text = config.path.read_text(encoding="utf-8")
    text = re.split(r"^CONSTANTS?\n", text, flags=re.MULTILINE)[1]
    return re.split(r"^[A-Z_]+\n", text, flags=re.MULTILINE)[0]


def ask(
    copies: Copies, chosen: Sequence[Mutation], config: Config, room: Path
) -> Iterator[tuple[Mutation, Answer]]:
    """Yield what ``config`` says of each mutant; the module as it is goes along, and holds."""
    left = dict(enumerate(chosen, start=1))
    constants = _constants(config) + substituted(copies)
    asked = f"INVARIANT AllHoldB\nACTION_CONSTRAINT StepsHoldB\nCONSTANTS\n{constants}"
    steps = _steps(copies, config)
    while True:
        began = perf_counter()
        outcome = explore(_text(copies, left, config, steps), room, asked)
        broken = dict(reversed(_KILLED.findall(outcome.output)))  # the first of each
        if outcome.result == HOLDS:
            break
        number = culprit(outcome)
        if number not in left:
            raise RuntimeError(f"{config.name}: TLC failed on no mutant:\n{outcome.output[-3000:]}")
        gone = sorted(each for each in left if str(each) in broken and each != number)
        share = (perf_counter() - began) / (1 + len(gone))
        failed = broken.get(str(number), "TLC cannot evaluate it")
        yield left.pop(number), Answer(failed, None, share)
        for each in gone:
            yield left.pop(each), Answer(broken[str(each)], None, share)
    states = {number: int(count) for number, count in _TURN.findall(outcome.output)}
    if "0" in broken or (counted(config) and states["0"] != expected(config.name)):
        said = f"{broken.get('0')}, {states['0']} states"
        raise RuntimeError(f"{config.name}: the module as it is: {said}")
    share = (perf_counter() - began) / max(1, len(left))
    for number, mutation in left.items():
        yield mutation, Answer(broken.get(str(number)), states.get(str(number), 0), share)


def _steps(copies: Copies, config: Config) -> tuple[str, ...]:
    """Define what each claim of steps says of one step; return the names."""
    found: list[str] = []
    for name in config.properties:
        body = copies.context.definitions[name].body
        if body.kind == "prefix" and body.text == "[]" and body.parts[0].text == "[":
            copies.add(f"{name}_step", _inside(copies, name, body.parts[0]))
            found.append(name)
    return tuple(found)


def _inside(copies: Copies, name: str, bracket: Node) -> str:
    r"""Return the definition of what stands in ``[][...]_vars``, in its columns."""
    module = next(each for each in copies.context.modules.values() if name in each.definitions)
    start = bracket.start + 1
    inside = module.text[start : bracket.end].rpartition("]_")[0]
    column = start - (module.text.rfind("\n", 0, start) + 1)
    return f"{name}_step ==\n{' ' * column}{inside}\n"


def _text(
    copies: Copies, left: Mapping[int, Mutation], config: Config, steps: Sequence[str]
) -> str:
    chosen: dict[int, Mutation | None] = {0: None, **left}
    most = _TIMES * expected(config.name) * (1 if counted(config) else _TIMES)
    formulas = [f"{name}_step" for name in steps]
    alone = listed(config.path.read_text(encoding="utf-8"), "ACTION_CONSTRAINT")
    broken = 'BrokenB(claim) == PrintT(<<"KILLED", mutant, claim>>) /\\ EnoughB\n'
    judging = (
        "AllHoldB ==\n  IF ~GoesOnB \\/ ~CountedB THEN TRUE",
        *(_judge(copies, name, name, chosen) for name in config.invariants),
        "  ELSE TRUE",
        "StepsHoldB ==",
        *(f"  /\\ {name}" for name in alone),
        "  /\\ IF ~GoesOnB THEN TRUE",
        *(_judge(copies, name, f"{name}_step", chosen) for name in steps),
        "     ELSE TRUE",
    )
    given = (*(copies.text(name) for name in formulas), broken)
    wanted = (*config.invariants, *formulas)
    return schema(copies, chosen, given, wanted, judging, most, _init(copies, config))


def _judge(copies: Copies, claim: str, formula: str, chosen: Mapping[int, Mutation | None]) -> str:
    holds = copies.formula(formula, chosen)
    return f'     ELSE IF ~({holds}) THEN BrokenB("{claim}")'


def _init(copies: Copies, config: Config) -> str:
    """Return the initial states of the configuration's specification."""
    (spec,) = listed(config.path.read_text(encoding="utf-8"), "SPECIFICATION")
    return copies.context.definitions[spec].body.parts[0].text
