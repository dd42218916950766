"""The induction on the process pool as rows of chain/contracts.py, and what is kept of it.

Quick bounds for every run; those of ``LARGER`` take minutes, and what came of them is
kept in contract_results.json:

    python -m model_tests.chain.contracts --full [--write]
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from time import perf_counter
from typing import Final, get_args

import pytest

from foregone_spec.lifecycle import Request
from foregone_spec.process_death import Policy
from foregone_spec.process_pool import ProcessPoolModel
from foregone_spec.process_pool_actions import Action
from foregone_spec.process_pool_invariants import PROCESS_POOL_STEPS
from foregone_spec.process_pool_state import ProcessPoolState
from model_tests.chain.command import stamp
from model_tests.chain.verdict import Row
from model_tests.contract_defects import DEFECTS, Defect
from model_tests.contract_induction import (
    Broken,
    Induction,
    first_break,
    induction,
    unlisted,
    without,
)
from model_tests.contract_strengthening import inductive, strengthening
from model_tests.process_pool_seeds import Seeds

RESULTS: Final = Path(__file__).with_name("contract_results.json")

_CANCELLING: Final = (Request.SHUTDOWN_CANCEL_FUTURES,)
_BOTH: Final = (Request.SHUTDOWN, *_CANCELLING)

#: One call and one process; whatever may go wrong may.
ONE: Final = ProcessPoolModel(
    *(1, 1, 1, _CANCELLING, 1, Policy.REPLACE),
    max_tasks=1,
    early_limit=2,
    initializer_fails=True,
    start_fails=True,
    unpicklable=True,
    collects=True,
)
#: Two calls; nobody calls shutdown, but the pool may be collected.
TWO: Final = replace(ONE, calls=2, closers=(), max_tasks=0, early_limit=1)
QUICK: Final = {"1 call, 1 process": ONE, "2 calls, 1 process": TWO}

_WIDE: Final = replace(TWO, processes=2, capacity=2)
LARGER: Final[Mapping[str, ProcessPoolModel]] = {
    "1 call, 2 processes, a closer": replace(_WIDE, calls=1, closers=_CANCELLING),
    "1 call, 1 process, 2 closers": replace(ONE, closers=_BOTH),
    "2 calls, 1 process, a closer": replace(TWO, closers=_CANCELLING, early_limit=2),
}

#: The least bound at which a part of the strengthening is needed, where ONE will not do.
_NEEDED: Final = {
    "CallQueueInOrder": replace(TWO, capacity=2),
    "OvertakenFromNear": TWO,
    "SubmittedInOrder": TWO,
}


def rows() -> Iterator[Row]:
    """Yield a row for each quick bound, then for the defects and the strengthening."""
    known: list[tuple[ProcessPoolModel, Mapping[ProcessPoolState, None]]] = []
    for bound, model in QUICK.items():
        row, found = inducted(bound, model)
        yield row
        yield listed(bound, found)
        known.append((model, found.known))
    yield refuted(known)
    yield needed()


def larger(write: bool) -> Iterator[Row]:
    """Yield a row for each larger bound, and keep those that hold if asked to."""
    kept: dict[str, dict[str, int]] = {}
    for bound, model in LARGER.items():
        row, found = inducted(bound, model)
        if row.ok:
            kept[bound] = {
                "states": len(found.known),
                "steps": found.taken.total(),
                "seconds": round(row.seconds),
            }
        if write:
            _keep(kept)
        yield row


def _keep(kept: Mapping[str, Mapping[str, int]]) -> None:
    missing = [bound for bound in LARGER if bound not in kept]
    text = json.dumps({**stamp(), "missing": missing, "induction": kept}, indent=1)
    RESULTS.write_text(f"{text}\n", encoding="utf-8")


def inducted(bound: str, model: ProcessPoolModel) -> tuple[Row, Induction]:
    """Return the row that says that every step from every state keeps all claims."""
    begin = perf_counter()
    found = induction(model)
    names = {each.__name__ for each in get_args(Action)}
    able = names if model.closers and model.max_tasks else names & found.taken.keys()
    untaken = sorted(able - found.taken.keys())
    told = [str(each) for each in found.broken.values()]
    told += [f"{name} is enabled in no state: nothing is said of it" for name in untaken]
    return Row(
        f"inductive, {len(inductive(model)) + len(PROCESS_POOL_STEPS)} claims: {bound}",
        "enumeration",
        "every well-typed state",
        f"{len(found.known)} states, {found.taken.total()} steps",
        perf_counter() - begin,
        bool(found.known) and bool(found.taken) and not told,
        "\n".join(told),
    ), found


def listed(bound: str, found: Induction) -> Row:
    """Return the row that says that what is reached is among what was enumerated."""
    begin = perf_counter()
    count, missing = unlisted(found.model, found.known)
    return Row(
        f"what is reached is among those states: {bound}",
        "enumeration",
        "every reachable state",
        f"{count} states",
        perf_counter() - begin,
        bool(count) and not missing,
        "\n".join(missing[:3]),
    )


def refutation(
    defect: Defect, known: Sequence[tuple[ProcessPoolModel, Mapping[ProcessPoolState, None]]]
) -> Broken | None:
    """Return the first step by which a defect breaks what it is to break, or None."""
    with pytest.MonkeyPatch.context() as patch:
        defect.plant(Seeds(patch))
        for model, states in known:
            found = first_break(model, states, defect.action, defect.breaks)
            if found:
                return found
    return None


def refuted(known: Sequence[tuple[ProcessPoolModel, Mapping[ProcessPoolState, None]]]) -> Row:
    """Return the row that says that each action, once broken, is refuted."""
    begin = perf_counter()
    whole = {each.__name__ for each in get_args(Action)}
    lone = sorted(whole - {each.action.__name__ for each in DEFECTS})
    alive = [each for each in DEFECTS if refutation(each, known) is None]
    told = [f"{each.action.__name__}: {each.story}: {each.breaks} holds" for each in alive]
    told += [f"{name} has no defect" for name in lone]
    return Row(
        "each action with its guard or effect broken is refuted",
        "enumeration",
        ", ".join(QUICK),
        f"{len(DEFECTS) - len(alive)} refuted",
        perf_counter() - begin,
        not told,
        "\n".join(told),
    )


def needed() -> Row:
    """Return the row that says that no part of the strengthening can be left out."""
    begin = perf_counter()
    names = tuple(strengthening(ONE))
    idle = [name for name in names if without(_NEEDED.get(name, ONE), name) is None]
    return Row(
        "each part of the strengthening is needed",
        "enumeration",
        ", ".join(QUICK),
        f"{len(names) - len(idle)} counterexamples",
        perf_counter() - begin,
        not idle,
        "\n".join(f"{name}: the claims are inductive without it" for name in idle),
    )
