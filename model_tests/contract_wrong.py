"""Wrong functions for the laws of contract_laws, and for the induction: each is noticed.

``WRONG`` names, law by law, every function that the law covers, with one that is wrong.
Of the process pool's steps and of what is read from its state the induction takes care:
each wrong function of ``STEPS`` must lead out of the claims.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from types import ModuleType
from typing import Final, TypeAlias, cast

import pytest

from foregone_spec import (
    draw,
    explore,
    follow,
    kinds,
    model,
    page,
    process_pool,
    rooms,
    trace,
    words,
)
from foregone_spec import process_pool_steps as steps
from foregone_spec.model import NotEnabled
from foregone_spec.process_pool import ProcessPoolModel
from foregone_spec.process_pool_state import ProcessPoolState
from foregone_spec.work_item import Place
from model_tests import contract_laws as laws
from model_tests.contract_induction import violated
from model_tests.contract_strengthening import inductive

#: A function that is wrong, made from the one that is right.
Wrong: TypeAlias = Callable[[Callable[..., object]], Callable[..., object]]

_NOTHING: Final[Wrong] = lambda _: lambda *_: ""  # noqa: E731


def _open(right: Callable[..., object]) -> Callable[..., object]:
    def wrong(given: object) -> object:
        graph = right(given)
        if isinstance(graph, explore.Graph):
            graph.edges.popitem()
        return graph

    return wrong


def _later(right: Callable[..., object]) -> Callable[..., object]:
    def wrong(*given: object) -> object:
        found = right(*given)
        return replace(found, story=found.story[1:]) if isinstance(found, explore.Search) else found

    return wrong


def _dropped_step(right: Callable[..., object]) -> Callable[..., object]:
    def wrong(text: object) -> object:
        run = right(text)
        return replace(run, steps=run.steps[1:]) if isinstance(run, trace.Recorded) else run

    return wrong


def _dropped_row(right: Callable[..., object]) -> Callable[..., object]:
    def wrong() -> object:
        found = right()
        return dict(list(found.items())[1:]) if isinstance(found, dict) else found

    return wrong


def _rest(right: Callable[..., object]) -> Callable[..., object]:
    """Make a function that leaves out the first of what it returns."""

    def wrong(*given: object) -> object:
        found = right(*given)
        if isinstance(found, dict):
            return dict(list(found.items())[1:])
        return found[1:] if isinstance(found, tuple) else found

    return wrong


def _without_a_step(right: Callable[..., object]) -> Callable[..., object]:
    """Make a page that offers nothing in the first state."""

    def wrong(scene: object) -> object:
        found = cast("dict[str, list[object]]", right(scene))
        return {**found, "edges": [[], *found["edges"][1:]]}

    return wrong


def _without_a_value(right: Callable[..., object]) -> Callable[..., object]:
    """Make a page on which every state is the first one."""

    def wrong(scene: object) -> object:
        found = cast("dict[str, list[object]]", right(scene))
        return {**found, "states": [found["states"][0]] * len(found["states"])}

    return wrong


#: By law: where a function stands, its name, and what is put in its place.
WRONG: Final[Mapping[str, tuple[tuple[ModuleType, str, Wrong], ...]]] = {
    "explorer: complete, and shortest runs": (
        (explore, "explore", _open),
        (explore, "shortest", _rest),
        (explore, "search", _later),
        (explore, "node", _rest),
        (explore, "label", lambda right: lambda action: f"a {right(action)}"),
    ),
    "values: printed as TLC prints them": ((model, "tla_text", lambda _: str),),
    "runs: followed, written and read": (
        (follow, "check", lambda right: lambda small, run: right(small, run[:1])),
        (follow, "step_of", lambda _: follow.Step),
        (trace, "dumps", lambda right: lambda small, run: right(small, run[1:])),
        (trace, "loads", _dropped_step),
    ),
    "models and actions: read back as they were": (
        (kinds, "kind_of", lambda _: lambda _: kinds.MAP),
        (kinds, "field_types", _rest),
        (kinds, "plain_fields", _rest),
    ),
    "JSON: what is not wanted is refused": (
        (kinds, "plain_value", lambda _: lambda raw, *_: raw),
        (kinds, "one_of", lambda _: lambda *given: given[2]),
        (kinds, "mapping", lambda _: lambda raw, _: raw),
        (kinds, "sequence", lambda _: lambda raw, _: raw),
        (kinds, "short", lambda _: repr),
    ),
    "drawings: every cell, every arrow": (
        (draw, "machines", _dropped_row),
        *((draw, name, _NOTHING) for name in ("markdown", "text", "mermaid", "dot", "svg")),
    ),
    "pictures: every room": ((rooms, "picture", _NOTHING), (rooms, "row", _NOTHING)),
    "pages: every state, every step": (
        (page, "scene_data", _without_a_step),
        (page, "scene_data", _without_a_value),
        (words, "typed", _NOTHING),
        (words, "says", _NOTHING),
    ),
}


def _still(_: Callable[..., object]) -> Callable[..., object]:
    """Make a function that leaves the state as it is."""
    return lambda now, *_: now


def _moved(stands: str) -> Wrong:
    """Say how to make a function that moves a process there, and does nothing else."""
    return lambda _: lambda now, process, *_: steps.at(now, process, stands)


def _accepted(now: ProcessPoolState, work_id: int) -> ProcessPoolState:
    return replace(now, calls=model.replaced(now.calls, work_id - 1, "accepted"))


def _unread(now: ProcessPoolState, process: int) -> ProcessPoolState:
    return replace(now, result_queue=model.replaced(now.result_queue, process - 1, ()))


def _unclaimed(right: Callable[..., ProcessPoolState]) -> Callable[..., ProcessPoolState]:
    def wrong(now: ProcessPoolState, process: int, *rest: object) -> ProcessPoolState:
        return replace(right(now, process, *rest), call_queue=now.call_queue)

    return wrong


#: What the induction covers.
STEPS: Final[tuple[tuple[ModuleType, str, Wrong], ...]] = (
    *((steps, name, _still) for name in ("told", "put", "asked", "at", "heard")),
    (steps, "ended", lambda _: steps.told),
    (steps, "submitted", lambda _: _accepted),
    (steps, "claimed", cast("Wrong", _unclaimed)),
    (steps, "finished", _moved("idle")),
    (steps, "answered", lambda _: _unread),
    (steps, "dead", _moved("unborn")),
    (steps, "blamed", lambda _: lambda now, process, *_: steps.buried(now, process)),
    (steps, "buried", _moved("unborn")),
    *((process_pool, name, lambda _: lambda _: ()) for name in ("pending", "started", "unclaimed")),
    (steps, "place_of", lambda _: lambda *_: Place.SETTLED),
)


def unnoticed_by_laws() -> list[str]:
    """Return the wrong functions that their law does not notice, and those that it lacks."""
    told: list[str] = []
    for law, functions in WRONG.items():
        for module, name, wrong in functions:
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr(module, name, wrong(getattr(module, name)))
                if not _fails(laws.LAWS[law]):
                    told.append(f"{module.__name__}.{name} is wrong, and the law holds: {law}")
    cases = list(laws.predicates_tell_apart(_opposite))
    told += [f"{name}: its opposite holds too" for name, holds in cases[::2] if holds]
    return told


def _opposite(right: Callable[..., bool]) -> Callable[..., bool]:
    return lambda *given: not right(*given)


def _fails(law: Callable[[], laws.Cases]) -> bool:
    try:
        return any(not holds for _, holds in law())
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError):
        return True  # it cannot even be asked


def unnoticed_by_induction(
    known: Sequence[tuple[ProcessPoolModel, Mapping[ProcessPoolState, None]]],
) -> list[str]:
    """Return the functions of STEPS with which the claims of the pool are kept."""
    told: list[str] = []
    for module, name, wrong in STEPS:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(module, name, wrong(getattr(module, name)))
            if not any(_leads_out(each, states) for each, states in known):
                told.append(f"{module.__name__}.{name} is wrong, and all claims are kept")
    return told


def _leads_out(small: ProcessPoolModel, known: Mapping[ProcessPoolState, None]) -> bool:
    claims = inductive(small)
    for before in known:
        for action in small.enabled(before):
            try:
                after = small.step(before, action)
            except (LookupError, NotEnabled):
                return True
            if any(True for _ in violated(claims, before, after, known)):
                return True
    return False
