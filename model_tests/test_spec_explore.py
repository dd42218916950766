"""The explorer visits everything, and its first violation has a shortest story."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

import pytest

from foregone_spec import explore as explorer
from foregone_spec.explore import TooManyStates, explore, shortest
from foregone_spec.future_model import FutureModel
from foregone_spec.lifecycle import Request
from foregone_spec.model import NotEnabled, Value, tla_text
from foregone_spec.thread_pool import ThreadPoolModel, ThreadPoolState
from foregone_spec.trace import check

Place: TypeAlias = tuple[int, int]


@dataclass(frozen=True)
class Right:
    """One to the right."""


@dataclass(frozen=True)
class Up:
    """One up."""


@dataclass(frozen=True)
class Grid:
    """A walk from the corner of a grid: the shortest way to a place is x + y steps."""

    width: int
    height: int
    forbidden: Mapping[str, Callable[[Place], bool]] = field(default_factory=dict)
    forbidden_steps: Mapping[str, Callable[[Place, Place], bool]] = field(default_factory=dict)

    name = "Grid"

    @property
    def invariants(self) -> Mapping[str, Callable[[Place], bool]]:
        return self.forbidden

    @property
    def step_invariants(self) -> Mapping[str, Callable[[Place, Place], bool]]:
        return self.forbidden_steps

    def initial(self) -> tuple[Place, ...]:
        return ((0, 0),)

    def enabled(self, state: Place) -> tuple[Right | Up, ...]:
        right = (Right(),) if state[0] + 1 < self.width else ()
        return (*right, Up()) if state[1] + 1 < self.height else right

    def step(self, state: Place, action: Right | Up) -> Place:
        if action not in self.enabled(state):
            raise NotEnabled(str(action))
        return (state[0] + 1, state[1]) if action == Right() else (state[0], state[1] + 1)

    def variables(self, state: Place) -> dict[str, Value]:
        return {"y": state[1], "x": state[0]}


def test_visits_every_state_and_every_edge() -> None:
    graph = explore(Grid(4, 3))
    assert set(graph.edges) == {(x, y) for x in range(4) for y in range(3)}
    assert graph.edge_count == len(set(graph.triples())) == 3 * 3 + 4 * 2
    assert graph.depth == 4 + 3 - 1
    assert graph.violations == ()
    assert ((3, 2), ()) in graph.edges.items()


def test_the_story_of_a_violation_is_shortest() -> None:
    model = Grid(6, 6, {"NotThere": lambda at: at not in ((4, 4), (1, 2), (5, 5))})
    (violation,) = explore(model).violations
    assert len(violation.story) == 1 + 3
    assert violation.story[0] == (None, (0, 0))
    assert violation.story[-1][1] == (1, 2)
    actions = [action for action, _ in violation.story if action is not None]
    verdict = check(model, actions)
    assert (verdict.index, verdict.violated) == (2, "NotThere")
    assert check(Grid(6, 6), actions).possible[-1] == ((1, 2),)


def test_the_story_of_a_step_ends_with_that_step() -> None:
    model = Grid(4, 4, {}, {"NoSuchStep": lambda was, now: (was, now) != ((2, 1), (2, 2))})
    (violation,) = explore(model).violations
    assert [state for _, state in violation.story[-2:]] == [(2, 1), (2, 2)]
    assert len(violation.story) == 1 + 4
    text = str(violation)
    assert text.startswith("NoSuchStep is violated after 4 steps:\n  0. initially\n     (0, 0)\n")
    assert text.endswith("  4. Up()\n     (2, 2)")


def test_each_invariant_is_reported_once_and_alone() -> None:
    model = Grid(3, 3, {"Low": lambda at: at[1] < 1, "Left": lambda at: at[0] < 2, "Here": bool})
    violations = {each.invariant: len(each.story) - 1 for each in explore(model).violations}
    assert violations == {"Low": 1, "Left": 2}


def test_too_many_states_is_an_error_not_a_shorter_walk() -> None:
    assert len(explore(Grid(4, 4), limit=16).edges) == 16
    with pytest.raises(TooManyStates, match="more than 15 reachable states: pass smaller bounds"):
        explore(Grid(4, 4), limit=15)


def test_shortest_run_to_what_is_wanted() -> None:
    run = shortest(Grid(5, 5), lambda at: at == (2, 1))
    assert [state for _, state in run][::3] == [(0, 0), (2, 1)]
    assert shortest(Grid(5, 5), lambda at: at == (0, 0)) == ((None, (0, 0)),)
    assert shortest(Grid(5, 5), lambda at: at == (9, 9)) == ()


def test_names_are_those_of_tla() -> None:
    assert explorer.label(Right()) == "Right"
    assert explorer.node(Grid(2, 2), (0, 1)) == (("x", "0"), ("y", "1"))
    assert tla_text((True, 1, "a", ((), False))) == '<<TRUE, 1, "a", <<<<>>, FALSE>>>>'


def test_what_should_be_reachable_is() -> None:
    """A model in which nothing happens holds every invariant: see that much happens."""
    model = ThreadPoolModel(2, 2, (Request.SHUTDOWN_CANCEL_FUTURES,), True, True, True)
    wanted: dict[str, Callable[[ThreadPoolState], bool]] = {
        "two calls run at once": lambda now: now.threads.count("running") == 2,
        "a thread is parked": lambda now: bool(now.parked),
        "submit raises": lambda now: "raised" in now.calls,
        "the pool breaks": lambda now: now.phase.value == "BROKEN",
        "shutdown returns": lambda now: "back" in now.closers,
        "it is collected": lambda now: now.collected,
    }
    assert [what for what, holds in wanted.items() if not shortest(model, holds)] == []


def test_every_action_of_a_model_happens() -> None:
    happened = {explorer.label(each) for _, each, _ in explore(FutureModel(False, 1, 1)).triples()}
    assert len(happened) == 14
