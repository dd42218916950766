"""Kinds of edges: an action, and which variables its step changes.

``Submit`` unparks a thread, or has one started, or does neither: three kinds of one action.
``edge_kinds.json`` has those of each model.  Each must occur in a recorded run that TLC has
accepted, or has its reason there: why it cannot.  And ``equality``, which explores the models,
knows no other; a run at larger bounds may have more.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final, cast

from foregone_spec.explore import Graph, label
from foregone_spec.model import A, NotEnabled, S
from model_tests.chain.traces_module import AnyTrace
from model_tests.chain.verdict import Row

KINDS: Final = Path(__file__).with_name("edge_kinds.json")


def kind(before: object, action: object, after: object) -> str:
    """Return the kind of a step: its action, and the fields of the state that it changes."""
    names: tuple[str, ...] = getattr(type(before), "__slots__")  # noqa: B009  a state has them
    changed = [name for name in names if getattr(before, name) != getattr(after, name)]
    return f"{label(action)}: {', '.join(changed) or 'nothing'}"


def listed() -> dict[str, dict[str, str]]:
    """Return the kinds of each model, each with the reason why no run shows it, or none."""
    return cast("dict[str, dict[str, str]]", json.loads(KINDS.read_text(encoding="utf-8")))


def unlisted(graph: Graph[S, A]) -> list[str]:
    """Return the kinds in a graph that the list does not have; of a model that it has not, none."""
    there = listed().get(graph.model.name)
    found = {kind(*each) for each in graph.triples()} if there is not None else set[str]()
    return sorted(found - set(there or ()))


def of_run(trace: AnyTrace) -> Iterator[str]:
    """Yield the kinds of the steps of an accepted run: of each step that can be of one only."""
    possible = trace.verdict().possible
    for step, states, then in zip(trace.steps, possible, possible[1:], strict=False):
        found = set(_ways(trace, states, step.action, set(then)))
        if len(found) == 1:
            yield from found


def _ways(trace: AnyTrace, states: Iterable[Any], action: object, then: set[Any]) -> Iterator[str]:
    """Yield the kind of each way to take a step, with what is silent before it."""
    seen = dict.fromkeys(states)
    ahead = list(seen)
    while ahead:
        before = ahead.pop()
        for silent in filter(trace.silent.__contains__, trace.model.enabled(before)):
            after = trace.model.step(before, silent)
            if after not in seen:
                seen[after] = None
                ahead.append(after)
        try:
            after = trace.model.step(before, action)
        except NotEnabled:
            continue
        if after in then:
            yield kind(before, action, after)


def occur(traces: Iterable[AnyTrace]) -> dict[str, set[str]]:
    """Return the kinds that occur in runs, by model."""
    found: dict[str, set[str]] = {}
    for trace in traces:
        found.setdefault(trace.model.name, set()).update(of_run(trace))
    return found


def row(seen: Mapping[str, set[str]], kinds: Mapping[str, Mapping[str, str]]) -> Row:
    """Judge whether each kind occurs, or has its reason, and not both."""
    wrong: list[str] = []
    for name, reasons in kinds.items():
        there = seen.get(name, set())
        lacking = [each for each, why in reasons.items() if not why and each not in there]
        wrong += [f"{name}: {each}: occurs in no run" for each in lacking]
        idle = [each for each, why in reasons.items() if why and each in there]
        wrong += [f"{name}: {each}: has a reason, and occurs" for each in idle]
    number = sum(map(len, kinds.values()))
    excused = sum(bool(why) for reasons in kinds.values() for why in reasons.values())
    occurred = sum(len(kinds[name].keys() & seen.get(name, set())) for name in kinds)
    return Row(
        claim="each kind of edge occurs in an accepted run, or has its reason",
        engine="traces",
        bound=f"{KINDS.name}: {excused} cannot",
        count=f"{occurred} of {number} kinds",
        seconds=0.0,
        ok=bool(number) and not wrong,
        details="\n".join(sorted(wrong)),
    )
