"""What TLC says of each invariant in states that no run comes to, for a mutant of Python's.

    python -m model_tests.mutation.spec_truths --write

An invariant that holds in every reachable state holds too if it is weakened.  So states are
made up: reachable ones in which a few variables have the values of other reachable ones, and
pairs of such states for what is said of a step.  TLC evaluates the invariants of ``tla/`` in
them; what it answers is kept, with the states, and Python's invariants are to answer the same.
"""

import hashlib
import json
import random
import re
import sys
from collections.abc import Callable, Iterator, Mapping
from enum import Enum
from functools import cache
from pathlib import Path
from typing import Any, Final, TypeAlias, cast, get_args, get_origin, get_type_hints

from foregone_spec.explore import label
from foregone_spec.future import State
from foregone_spec.future_model import FutureModel
from foregone_spec.lifecycle import Request
from foregone_spec.map_model import MapModel, MapState
from foregone_spec.model import Model, Value, tla_text
from foregone_spec.process_death import Policy
from foregone_spec.process_pool import ProcessPoolModel
from foregone_spec.process_pool_state import ProcessPoolState
from foregone_spec.thread_pool import ThreadPoolModel
from foregone_spec.waiting import Ending
from foregone_spec.waiting_model import WaitingModel
from model_tests.chain.command import BUILD
from model_tests.chain.java import TLA
from model_tests.chain.pairs import AnyModel, constants
from model_tests.chain.tlc import HOLDS, Config, run

KEPT: Final = Path(__file__).with_name("spec_truths.json")
#: Pairs that are kept of each bound: in which an invariant is false, and in which all hold.
FALSE: Final = 10
TRUE: Final = 50
TRIES: Final = 6_000
WALKS: Final = 100
SEED: Final = 4
PATIENCE: Final = 3_000.0  # seconds for TLC

#: Values of variables: what a state is made of.
Values: TypeAlias = tuple[Value, ...]

_SHUTDOWN, _CANCELLING = Request.SHUTDOWN, Request.SHUTDOWN_CANCEL_FUTURES
_BOTH: Final = (_SHUTDOWN, _CANCELLING)
_OK, _FAILED, _ = Ending
BOUNDS: Final[Mapping[str, AnyModel]] = {
    "Future, 3 callbacks": FutureModel(False, 1, 1, 1, 1, 3),
    "Waiting, 2 callers": WaitingModel(
        2, ("ALL_COMPLETED", "AS_COMPLETED"), ((1, 2), (2, 1, 2)), (_OK, _FAILED)
    ),
    "Waiting, first exception": WaitingModel(2, ("FIRST_EXCEPTION",), ((1, 2),)),
    "ThreadPool, all may fail": ThreadPoolModel(2, 2, _BOTH, True, True, True),
    "ThreadPool, 3 calls": ThreadPoolModel(3, 2, (_CANCELLING,)),
    "ProcessPool, all may fail": ProcessPoolModel(
        3, 2, 2, (_CANCELLING,), 1, Policy.REPLACE, 1, 0, 2, False, True, True, False, False
    ),
    "ProcessPool, 1 process": ProcessPoolModel(3, 1, 2, _BOTH, 1),
    "ProcessPool, eager": ProcessPoolModel(2, 2, 2, (_SHUTDOWN,), 1, eager=True),
    "Map, 3 items": MapModel(3, 2),
    "Map, the input raises": MapModel(3, 1, fails_at=3),
}  # fmt: skip
#: Where the invariants are, if not with the model.
MODULES: Final = {"ProcessPool": "ProcessPoolClaims"}
#: What the modules are made of, besides themselves.
EXTENDED: Final = ("ProcessPoolState", "ProcessPoolClaims")
#: Python's has the whole table, which is of both pools: a thread claims from Work Ids, which
#: no process does.  TLC's has the moves of the process pool only, and is not asked of a call
#: that is claimed while it waits there, or is nowhere.
OF_BOTH_POOLS: Final = "CallsMoveByTheTable"
_STEP: Final = r"^{0} ==\s*\[\]\[(.*?)\]_vars"


# ------------------------------------------------------------------ states as values


@cache
def hints(kind: Callable[..., object]) -> tuple[object, ...]:
    """Return the types of the fields of a state, which are all that is annotated in it."""
    return tuple(get_type_hints(kind).values())


def typed(hint: object, value: object) -> object:
    """Return a plain value as one of a type: members of enumerations, tuples."""
    if isinstance(hint, type) and issubclass(hint, Enum):
        return hint(value)
    if get_origin(hint) is tuple and isinstance(value, list | tuple):
        return tuple(typed(get_args(hint)[0], each) for each in value)
    return value


def state_of(model: AnyModel, values: object) -> object:
    """Return the state of a model in which the variables have these values."""
    kind: Callable[..., object] = type(model.initial()[0])
    assert isinstance(values, list | tuple)
    return kind(*(typed(hint, each) for hint, each in zip(hints(kind), values, strict=True)))


def claims(model: AnyModel) -> dict[str, tuple[bool, Callable[..., bool]]]:
    """Return the invariants of a model by name: whether it is of a step, and what it says."""
    of_states: dict[str, Callable[..., bool]] = dict(model.invariants)
    of_steps: dict[str, Callable[..., bool]] = dict(model.step_invariants)
    found = {name: (False, holds) for name, holds in of_states.items()}
    return found | {name: (True, holds) for name, holds in of_steps.items()}


# ----------------------------------------------------------------------- what is kept


@cache
def read() -> dict[str, dict[str, object]]:
    """Read what TLC has said."""
    told = cast("dict[str, dict[str, dict[str, object]]]", json.loads(KEPT.read_text()))
    return told["bounds"]


def kept() -> tuple[str, ...]:
    """Return what can be asked: a bound, and the name of an invariant."""
    return tuple(
        f"{bound}: {name}"
        for bound, told in read().items()
        for name in cast("dict[str, str]", told["truths"])
    )


def complaints(truth: str) -> Iterator[str]:
    """Yield the states in which an invariant says something else than TLC."""
    bound, _, name = truth.partition(": ")
    told = read()[bound]
    model = BOUNDS[bound]
    of_step, holds = claims(model)[name]
    answers = cast("dict[str, str]", told["truths"])[name]
    pairs = cast("list[list[object]]", told["pairs"])
    for (before, after), answer in zip(pairs, answers, strict=True):
        states = [state_of(model, before)]
        if of_step:
            states.append(state_of(model, after))
        if name == OF_BOTH_POOLS and _claims_as_a_thread(*states):
            continue
        if holds(*states) is not (answer == "1"):
            yield f"{'not so' if answer == '1' else 'so'} in {' then '.join(map(str, states))}"


def _claims_as_a_thread(before: object, after: object) -> bool:
    assert isinstance(before, ProcessPoolState)
    assert isinstance(after, ProcessPoolState)
    return any(
        was is State.PENDING and now is State.RUNNING and (call != "accepted" or waits)
        for was, now, call, waits in zip(
            before.futures,
            after.futures,
            before.calls,
            (number in before.work_ids for number in range(1, len(before.calls) + 1)),
            strict=True,
        )
    )


def of_today() -> str:
    """Return the digest of the modules that are asked."""
    names = sorted({*(model.name for model in BOUNDS.values()), *EXTENDED})
    texts = [(TLA / f"{name}.tla").read_text() for name in names]
    return hashlib.sha256("".join(texts).encode()).hexdigest()


# ------------------------------------------------------------------------- TLC's side


def made_up(model: AnyModel, number: int) -> Iterator[tuple[Values, Values]]:
    """Yield pairs of states, such that each invariant is false in some, if that can be.

    Which are taken is Python's own judgement, and only that: what is true of them is TLC's.
    """
    chance = random.Random(f"{SEED} {number}")
    runs = _walked(model, chance)
    asked = claims(model)
    wanted = dict.fromkeys(asked, FALSE)
    plain = TRUE
    for _ in range(TRIES):
        before, after = chance.choice(runs)
        pair = _mixed(chance, before, chance.choice(runs)[1]), _mixed(chance, after, before)
        states = [state_of(model, each) for each in pair]
        if not all(map(_means_something, states)):
            continue
        try:
            said = {name: holds(*states[: 1 + step]) for name, (step, holds) in asked.items()}
        except (IndexError, ValueError, AssertionError):
            continue  # no state that has a meaning
        false = [name for name, holds in said.items() if not holds]
        # What only one thing is wrong with says most.
        if false and (len(false) == 1 or chance.random() < 0.3):
            if any(wanted[name] > 0 for name in false):
                wanted |= {name: wanted[name] - 1 for name in false}
                yield pair
        elif not false and plain > 0:
            plain -= 1
            yield pair


def _means_something(state: object) -> bool:
    """Say whether TLC can evaluate all of a state: items are submitted in order (``Submitted``)."""
    if not isinstance(state, MapState):
        return True
    submitted = len(state.items) - state.items.count("unread")
    return "unread" not in state.items[:submitted]


def _walked(model: Model[Any, Any], chance: random.Random) -> list[tuple[Values, Values]]:
    """Return steps of random runs."""
    found: list[tuple[Values, Values]] = []
    for _ in range(WALKS):
        state = model.initial()[0]
        for _ in range(30):
            if not (actions := model.enabled(state)):
                break
            calm = [each for each in actions if label(each) not in _ENDS] or actions
            action = chance.choice(actions if chance.random() < 0.15 else calm)
            after = model.step(state, action)
            then, now = (tuple(model.variables(x).values()) for x in (state, after))
            found.append((then, now))
            state = after
    return found


def _mixed(chance: random.Random, values: Values, others: Values) -> Values:
    """Return a state with up to three variables changed: as in another, or in themselves."""
    taken = chance.sample(range(len(values)), chance.choice((0, 1, 1, 2, 3)))
    return tuple(
        _other(chance, each, others[n]) if n in taken else each for n, each in enumerate(values)
    )


def _other(chance: random.Random, value: Value, other: Value) -> Value:
    """Return another value of a variable; a list that has always so many elements keeps them."""
    match value, other:
        case (tuple(), tuple()) if value and chance.random() < 0.6:
            there = chance.randrange(len(value))
            if len(value) != len(other) and chance.random() < 0.7:
                return chance.choice((value[::-1], (*value, value[0]), value[1:], (*other, *value)))
            one = _one_like(chance, value[there], other[there] if there < len(other) else value[0])
            return (*value[:there], one, *value[there + 1 :])
        case _:
            return other


def _one_like(chance: random.Random, value: Value, other: Value) -> Value:
    """Return another element of a list: any state of a future, one more, or as given."""
    if isinstance(value, tuple) and isinstance(other, tuple):
        return chance.choice((other, (*value, *other), value[1:], (*value, *value)))
    if value in _STATES:
        return chance.choice(_STATES)
    if type(value) is int and chance.random() < 0.5:
        return value + 1
    return other


#: What cuts a run short, and is done seldom.
_ENDS: Final = ("Cancel", "Shutdown", "Collect", "Die", "GiveUp", "ShutdownCancelFutures")
_STATES: Final = tuple(each.value for each in State)


def _record(names: list[str], values: Values) -> str:
    parts = (f"{name} |-> {tla_text(each)}" for name, each in zip(names, values, strict=True))
    return f"[{', '.join(parts)}]"


def _asked(name: str, of_step: bool, text: str) -> str:
    """Return the definition of what is asked: of a step, what is in [][...]_vars."""
    if not of_step:
        return f"Asked{name} == {name}\n"
    body = re.search(_STEP.format(name), text, re.MULTILINE | re.DOTALL)
    if body is None:
        raise LookupError(f"{name} is not [][...]_vars")
    column = body.start(1) - text.rfind("\n", 0, body.start(1)) - 1  # lists are a matter of columns
    return f"Asked{name} ==\n{' ' * column}{body[1]}\n"


def written(name: str, model: AnyModel, pairs: list[tuple[Values, Values]]) -> Config:
    """Write the module that evaluates all invariants of a model in made-up states."""
    folder = BUILD / "bounds"
    folder.mkdir(parents=True, exist_ok=True)
    good = MODULES.get(model.name, model.name)
    text = (TLA / f"{good}.tla").read_text()
    given = constants(model)
    whole: Model[Any, Any] = model
    names = list(whole.variables(whole.initial()[0]))
    asked = claims(model)
    bits = " + ".join(
        f"(IF Asked{each} THEN {2**number} ELSE 0)" for number, each in enumerate(asked)
    )
    lines = [
        f"---- MODULE {name} ----",
        f"EXTENDS {good}, TLC",
        "VARIABLES madeUp, over",
        *(f"Given{key} == {each}" for key, each in given.items()),
        *(_asked(each, of_step, text) for each, (of_step, _) in asked.items()),
        f"Before == <<{', '.join(_record(names, before) for before, _ in pairs)}>>",
        f"After == <<{', '.join(_record(names, after) for _, after in pairs)}>>",
        "MadeUpInit ==",
        f"  /\\ madeUp \\in 1..{len(pairs)} /\\ over = FALSE",
        *(f"  /\\ {each} = Before[madeUp].{each}" for each in names),
        "MadeUpNext ==",
        "  /\\ ~over /\\ over' = TRUE /\\ madeUp' = madeUp",
        *(f"  /\\ {each}' = After[madeUp].{each}" for each in names),
        f'  /\\ PrintT(<<"asked", madeUp, {bits}>>)',
        f"MadeUp == MadeUpInit /\\ [][MadeUpNext]_<<{', '.join(names)}, madeUp, over>>",
        "====",
    ]
    (folder / f"{name}.tla").write_text("\n".join(lines) + "\n", encoding="utf-8")
    path = folder / f"{name}.cfg"
    substitutions = "".join(f"  {key} <- Given{key}\n" for key in given)
    path.write_text(f"SPECIFICATION MadeUp\nCONSTANTS\n{substitutions}", encoding="utf-8")
    return Config(path, name, "what holds in made-up states", (), ())


def of_tlc(number: int, model: AnyModel, pairs: list[tuple[Values, Values]]) -> dict[str, str]:
    """Ask TLC for the truth of each invariant in each pair."""
    config = written(f"{model.name}Truths{number}", model, pairs)
    outcome = run(config, patience=PATIENCE)
    if outcome.result != HOLDS:
        raise RuntimeError(f"TLC failed on {model}:\n{outcome.output[-3000:]}")
    told = {
        int(each[1]): int(each[2])
        for each in re.finditer(r'^<<"asked", (\d+), (\d+)>>$', outcome.output, re.MULTILINE)
    }
    if sorted(told) != [*range(1, len(pairs) + 1)]:
        raise RuntimeError(f"TLC said nothing of some states:\n{outcome.output[-3000:]}")
    return {
        name: "".join(str(told[each] >> bit & 1) for each in sorted(told))
        for bit, name in enumerate(claims(model))
    }


def write() -> None:
    """Ask TLC everything, and keep it; what it was asked before, in the same modules, stays."""
    told = json.loads(KEPT.read_text()) if KEPT.exists() else {}
    before = told["bounds"] if told.get("tla") == of_today() else {}
    found: dict[str, dict[str, object]] = {}
    for number, (bound, model) in enumerate(BOUNDS.items()):
        pairs = list(made_up(model, number))
        known = before.get(bound, {"pairs": [], "truths": {}})
        same = known["pairs"] == json.loads(json.dumps(pairs))
        truths = known["truths"] if same else of_tlc(number, model, pairs)
        found[bound] = {"truths": truths, "pairs": pairs}
        print(bound, {name: each.count("0") for name, each in truths.items()}, flush=True)
        text = json.dumps({"tla": of_today(), "bounds": found}, separators=(",", ":"))
        lines = text.replace("],[[", "],\n[[").replace('"pairs"', '\n"pairs"')
        KEPT.write_text(f"{lines}\n")


if __name__ == "__main__":
    if sys.argv[1:] != ["--write"]:
        raise SystemExit(__doc__)
    write()
