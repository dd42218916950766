"""The process pool's model: what it can do, and that each invariant guards something."""

import dataclasses
from collections import deque
from collections.abc import Callable
from dataclasses import replace
from typing import get_args

import pytest

from foregone_spec.__main__ import main
from foregone_spec.explore import explore, label, shortest
from foregone_spec.future import State
from foregone_spec.lifecycle import Phase
from foregone_spec.model import replaced
from foregone_spec.process_death import Policy
from foregone_spec.process_pool import ProcessPoolModel
from foregone_spec.process_pool_actions import Action, Notice
from foregone_spec.process_pool_invariants import PROCESS_POOL_STEPS, process_pool
from foregone_spec.process_pool_state import ProcessPoolState, place_of
from foregone_spec.work_item import Place
from model_tests.process_pool_seeds import ALL, ONE, SEEDS, TWO, Seeds


@pytest.mark.parametrize(
    ("question", "told"),
    [
        ("", "291 states, 762 edges, depth 19"),
        ("--processes 2 --capacity 2 --deaths 1", "5297 states, 20400 edges, depth 20"),
        ("--policy replace --deaths 1 --calls 1", "167 states, 395 edges, depth 14"),
    ],
)
def test_the_command_line_explores_it(
    question: str, told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["explore", "process-pool", *question.split()]) == 0
    head, count, *invariants = capsys.readouterr().out.splitlines()
    assert count == told
    assert head.startswith("ProcessPoolModel(calls=")
    assert len(invariants) == len(process_pool(ONE)) + len(PROCESS_POOL_STEPS)
    assert all(line.startswith("  holds  ") for line in invariants)


def test_everything_that_may_happen_does() -> None:
    broken = ProcessPoolModel(1, 2, 2, (), 1, eager=True)
    graphs = [explore(model) for model in (ALL, broken)]
    assert [graph.violations for graph in graphs] == [(), ()]
    assert {label(action) for graph in graphs for _, action, _ in graph.triples()} == {
        each.__name__ for each in get_args(Action)
    }


def test_what_should_be_reachable_is() -> None:
    """See that much happens: a model in which nothing does holds every invariant."""
    wanted: dict[str, tuple[ProcessPoolModel, Callable[[ProcessPoolState], bool]]] = {
        "two calls run at once": (TWO, lambda now: now.processes.count("running") == 2),
        "an earlier call is recalled": (
            TWO,
            lambda now: bool(now.work_ids) and now.call_queue > now.work_ids,
        ),
        "an answer outlives its process": (
            ONE,
            lambda now: "dead" in now.processes and now.result_queue != ((),),
        ),
        "a successor runs": (ONE, lambda now: not now.may_die and "running" in now.processes),
        "deaths in a row break": (
            replace(ONE, deaths=3),
            lambda now: now.phase is Phase.BROKEN and now.early == 3,
        ),
        "shutdown returns of a broken pool": (
            ALL,
            lambda now: now.phase is Phase.BROKEN and "back" in now.closers,
        ),
    }
    assert [what for what, (model, holds) in wanted.items() if not shortest(model, holds)] == []


def test_a_death_is_blamed_on_the_one_call_that_was_claimed() -> None:
    story = shortest(
        ProcessPoolModel(2, 1, 2, (), 1, Policy.REPLACE),
        lambda now: (
            now.futures == (State.FINISHED, State.FINISHED)
            and now.begun == (1, 1)
            and not now.may_die
            and now.processes == ("idle",)
        ),
    )
    names = [label(action) for action, _ in story[1:]]
    dies = names.index("Die")
    assert names[dies:] == ["Die", "SeeDeath", "Start", "Ready", "Claim", "Finish", "Answer"]
    assert story[-1][1].phase is Phase.OPEN


def test_the_places_are_those_of_the_table() -> None:
    seen = set()
    for before, action, after in explore(ALL).triples():
        for number in range(1, ALL.calls + 1):
            seen.add((place_of(before, number), place_of(after, number), label(action)))
    assert {(a, b) for a, b, _ in seen if a is not b} == {
        *((Place.WAITING, each) for each in (Place.IN_SLOT, Place.SETTLED)),
        *((Place.IN_SLOT, each) for each in (Place.WAITING, Place.CLAIMED, Place.SETTLED)),
        (Place.CLAIMED, Place.SETTLED),
    }
    told = {"Answer", "SeeDeath"}
    assert {each for a, b, each in seen if a is Place.CLAIMED and b is not a} == told


# ---------------------------------------------------------------------- seeds


def violated(model: ProcessPoolModel, states: int = 2500) -> set[str]:
    """Return the names of the invariants that ``model`` violates in the first so many states.

    A model with a defect may have no end of them.
    """
    seen = dict.fromkeys(model.initial())
    found: set[str] = set()
    todo = deque(seen)
    while todo and len(seen) < states:
        before = todo.popleft()
        found.update(name for name, holds in model.invariants.items() if not holds(before))
        for action in model.enabled(before):
            after = model.step(before, action)
            steps = model.step_invariants.items()
            found.update(name for name, allows in steps if not allows(before, after))
            if after not in seen:
                seen[after] = None
                todo.append(after)
    return found


@pytest.mark.parametrize(
    ("seed", "model", "expected"), SEEDS, ids=[seed.__name__ for seed, _, _ in SEEDS]
)
def test_a_seeded_defect_is_found(
    seed: Callable[[Seeds], None],
    model: ProcessPoolModel,
    expected: set[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert violated(model) == set()
    seed(Seeds(monkeypatch))
    assert violated(model) >= expected


def test_every_invariant_has_a_seed_that_violates_it() -> None:
    expected = {name for _, _, names in SEEDS for name in names}
    assert expected == {*process_pool(ONE), *PROCESS_POOL_STEPS}


# ------------------------------------------------------------------ properties


def test_notice_changes_nothing_but_what_is_known() -> None:
    seen = 0
    for before, action, after in explore(ONE).triples():
        if isinstance(action, Notice):
            known = replaced(before.futures, action.work_id - 1, State.RUNNING)
            assert after == dataclasses.replace(before, futures=known)
            seen += 1
    assert seen
