"""A recorded run is accepted exactly when the model can do it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Generic

import pytest
from hypothesis import given
from hypothesis import strategies as st

from foregone_spec import follow
from foregone_spec.explore import TooManyStates, explore
from foregone_spec.future_actions import (
    Action,
    CallResult,
    Cancel,
    EndCallbacks,
    SetException,
    SetResult,
    SetRunningOrNotifyCancel,
    WakeBlocked,
)
from foregone_spec.future_model import FutureModel, FutureState
from foregone_spec.lifecycle import Request
from foregone_spec.map_model import MapModel
from foregone_spec.model import A, Model, NotEnabled, S, Value
from foregone_spec.process_death import Policy
from foregone_spec.process_pool import ProcessPoolModel
from foregone_spec.thread_pool import ThreadPoolModel
from foregone_spec.trace import Step, TraceError, check, dumps, loads
from foregone_spec.waiting_model import WaitingModel

FUTURE = FutureModel(owned=False, resolvers=1, callbacks=2)
WAITING = WaitingModel(2, ("FIRST_EXCEPTION", "AS_COMPLETED"), ((1, 2), (2, 1, 2)))
THREAD_POOL = ThreadPoolModel(
    2, 2, (Request.SHUTDOWN, Request.SHUTDOWN_CANCEL_FUTURES), True, True, True
)
PROCESS_POOL = ProcessPoolModel(
    *(3, 2, 2, (Request.SHUTDOWN, Request.SHUTDOWN_CANCEL_FUTURES), 2, Policy.REPLACE),
    overtake=1,
    max_tasks=2,
    early_limit=2,
    initializer_fails=True,
    start_fails=True,
    unpicklable=True,
    collects=True,
)
MAP = MapModel(items=3, buffersize=2, fails_at=3)


@dataclass(frozen=True)
class Case(Generic[S, A]):
    """A model, a walk through it, and the same walk corrupted."""

    model: Model[S, A]
    walk: tuple[A, ...]
    states: tuple[S, ...]
    corrupted: tuple[A, ...]
    silent: frozenset[str]

    def is_silent(self, action: A) -> bool:
        return type(action).__name__ in self.silent


@st.composite
def walks(draw: st.DrawFn, model: Model[S, A]) -> Case[S, A]:
    """Draw a run of ``model``, and what a careless recorder could make of it."""
    state = model.initial()[0]
    walk, states = [], [state]
    for choice in draw(st.lists(st.integers(0, 60), max_size=30)):
        enabled = model.enabled(state)
        if not enabled:
            break
        walk.append(enabled[choice % len(enabled)])
        state = model.step(state, walk[-1])
        states.append(state)
    corrupted = list(walk)
    if walk:
        one, two = draw(st.tuples(*[st.integers(0, len(walk) - 1)] * 2))
        how = draw(st.sampled_from(["drop", "swap", "double", "move"]))
        if how == "drop":
            del corrupted[one]
        elif how == "swap":
            corrupted[one], corrupted[two] = corrupted[two], corrupted[one]
        elif how == "double":
            corrupted.insert(one, corrupted[two])
        else:
            corrupted.insert(two, corrupted.pop(one))
    names = sorted({type(each).__name__ for each in walk})
    silent = draw(st.frozensets(st.sampled_from(names), max_size=2)) if names else frozenset()
    return Case(model, tuple(walk), tuple(states), tuple(corrupted), silent)


def naive(model: Model[S, A], actions: Sequence[A]) -> int | None:
    """Return the index of the first action that is not possible, one state at a time."""
    state = model.initial()[0]
    for index, action in enumerate(actions):
        if action not in model.enabled(state):
            return index
        state = model.step(state, action)
    return None


def naive_silent(case: Case[S, A], actions: Sequence[A]) -> int | None:
    """Return the same where some actions are silent, by trying every run."""
    furthest = 0
    seen = set()
    todo = [(0, case.model.initial()[0])]
    while todo:
        index, state = todo.pop()
        if (index, state) in seen:
            continue
        seen.add((index, state))
        furthest = max(furthest, index)
        for action in case.model.enabled(state):
            after = case.model.step(state, action)
            if index < len(actions) and action == actions[index]:
                todo.append((index + 1, after))
            if case.is_silent(action):
                todo.append((index, after))
    return None if furthest == len(actions) else furthest


def accepts_and_rejects(case: Case[S, A]) -> None:
    """Compare check with the naive replayers, on a walk and on its corruption."""
    accepted = check(case.model, case.walk)
    assert accepted.accepted, accepted
    assert accepted.possible == tuple((state,) for state in case.states)

    verdict = check(case.model, case.corrupted)
    assert verdict.index == naive(case.model, case.corrupted), verdict
    if verdict.index is not None:
        assert verdict.action == case.corrupted[verdict.index]
        assert verdict.enabled == tuple(map(case.model.enabled, verdict.before))
        assert str(verdict.action) in str(verdict)

    recorded = [action for action in case.walk if not case.is_silent(action)]
    assert check(case.model, recorded, case.is_silent).accepted
    wrong = [action for action in case.corrupted if not case.is_silent(action)]
    assert check(case.model, wrong, case.is_silent).index == naive_silent(case, wrong)


def round_trips(case: Case[S, A]) -> None:
    """Compare a run with itself, written and read."""
    known: list[A | Step[A]] = [
        Step(action, case.model.variables(state)) if number % 2 else action
        for number, (action, state) in enumerate(zip(case.walk, case.states[1:], strict=True))
    ]
    run = loads(dumps(case.model, known))
    assert run.model == case.model
    assert list(run.steps) == [each if isinstance(each, Step) else Step(each) for each in known]
    assert run.check().accepted
    assert dumps(case.model, known) == dumps(case.model, known)


class TestWalks:
    """One test for each model, so that each has its own types."""

    @given(walks(FUTURE))
    def test_future(self, case: Case[FutureState, object]) -> None:
        accepts_and_rejects(case)
        round_trips(case)

    @given(walks(WAITING))
    def test_waiting(self, case: Case[object, object]) -> None:
        accepts_and_rejects(case)
        round_trips(case)

    @given(walks(THREAD_POOL))
    def test_thread_pool(self, case: Case[object, object]) -> None:
        accepts_and_rejects(case)
        round_trips(case)

    @given(walks(PROCESS_POOL))
    def test_process_pool(self, case: Case[object, object]) -> None:
        accepts_and_rejects(case)
        round_trips(case)

    @given(walks(MAP))
    def test_map(self, case: Case[object, object]) -> None:
        accepts_and_rejects(case)
        round_trips(case)

    def test_every_edge_of_a_model_round_trips(self) -> None:
        model = ThreadPoolModel(1, 1, (Request.SHUTDOWN,), True, True, True)
        graph = explore(model)
        actions = {action for _, action, _ in graph.triples()}
        assert [each.action for each in loads(dumps(model, list(actions))).steps] == list(actions)


class TestVariables:
    run = (SetRunningOrNotifyCancel(), SetResult(1))

    def test_what_is_known_must_agree(self) -> None:
        known: list[Step[Action]] = [
            Step(self.run[0], {"state": "RUNNING"}),
            Step(self.run[1], {"state": "FINISHED"}),
        ]
        assert check(FUTURE, known).accepted
        known[1] = Step(self.run[1], {"drained": True, "state": "RUNNING"})
        verdict = check(FUTURE, known)
        assert verdict.index == 1
        assert verdict.reason == 'after it state = "FINISHED", not "RUNNING" as recorded'

    def test_one_is_not_true(self) -> None:
        assert check(FUTURE, [Step(self.run[0], {"drained": False})]).accepted
        assert not check(FUTURE, [Step(self.run[0], {"drained": 0})]).accepted
        assert not check(FUTURE, [Step(self.run[0], {"ran": "()"})]).accepted
        assert not check(FUTURE, [Step(self.run[0], {"agents": ("idle", "idle")})]).accepted

    def test_what_is_known_tells_possible_states_apart(self) -> None:
        model = FutureModel(owned=True)
        silent = lambda action: not isinstance(action, WakeBlocked)  # noqa: E731
        both = check(model, [WakeBlocked(1)], silent)
        assert {state.state.value for state in both.possible[-1]} >= {"FINISHED"}
        cancelled = check(model, [Step(WakeBlocked(2), {"results": ("back",)})], silent)
        assert cancelled.accepted
        assert all(state.results == ("back",) for state in cancelled.possible[-1])
        assert len(cancelled.possible[-1]) < len(
            check(model, [WakeBlocked(2)], silent).possible[-1]
        )

    def test_an_unknown_variable_is_an_error(self) -> None:
        with pytest.raises(TraceError, match='variables is "stat", which is not a variable'):
            check(FUTURE, [Step(self.run[0], {"stat": "RUNNING"})])

    @given(walks(THREAD_POOL), st.integers(0, 1000))
    def test_any_wrong_variable_is_noticed(self, case: Case[object, object], seed: int) -> None:
        if not case.walk:
            return
        place = seed % len(case.walk)
        right = case.model.variables(case.states[place + 1])
        name = sorted(right)[seed % len(right)]
        wrong: dict[str, Value] = {**right, name: (right[name],)}
        steps = [Step(each) for each in case.walk]
        steps[place] = Step(case.walk[place], wrong)
        verdict = check(case.model, steps)
        assert verdict.index == place
        assert f"after it {name} = " in verdict.reason


# ------------------------------------------------------- a model of our own


@dataclass(frozen=True)
class Tick:
    """The clock goes on by so many."""

    by: int


@dataclass(frozen=True)
class Clock:
    """A model with an invariant that does not hold."""

    starts: tuple[int, ...] = (0,)
    top: int = 10

    name = "Clock"

    @property
    def invariants(self) -> Mapping[str, Callable[[int], bool]]:
        return {"NeverThree": lambda now: now != 3}

    @property
    def step_invariants(self) -> Mapping[str, Callable[[int, int], bool]]:
        return {"NeverFromOneToFour": lambda before, after: (before, after) != (1, 4)}

    def initial(self) -> tuple[int, ...]:
        return self.starts

    def enabled(self, state: int) -> tuple[Tick, ...]:
        return tuple(Tick(by) for by in (1, 2, 3) if state + by <= self.top)

    def step(self, state: int, action: Tick) -> int:
        if action not in self.enabled(state):
            raise NotEnabled(str(action))
        return state + action.by

    def variables(self, state: int) -> dict[str, Value]:
        return {"now": state}


class TestInvariants:
    def test_a_violated_invariant_is_a_rejection(self) -> None:
        assert check(Clock(), [Tick(2), Tick(2)]).accepted
        verdict = check(Clock(), [Tick(2), Tick(1), Tick(1)])
        assert (verdict.index, verdict.violated) == (1, "NeverThree")
        assert verdict.reason == "it violates NeverThree"

    def test_a_violated_step_invariant_is_a_rejection(self) -> None:
        verdict = check(Clock(), [Tick(1), Tick(3)])
        assert (verdict.index, verdict.violated) == (1, "NeverFromOneToFour")

    def test_an_initial_state_that_violates_is_a_rejection(self) -> None:
        verdict = check(Clock(starts=(3,)), [Tick(1)])
        assert (verdict.index, verdict.violated) == (0, "NeverThree")
        assert check(Clock(starts=(3, 2)), [Tick(2)]).possible == ((2,), (4,))

    def test_a_possibility_that_violates_is_dropped(self) -> None:
        verdict = check(Clock(), [Tick(2)], lambda action: action.by == 1)
        # 0, 1 and 2 are possible before it; 3 is not, nor anything only reached through 3.
        assert verdict.possible == ((0,), (2, 4)) or sorted(verdict.possible[1]) == [2, 4]

    def test_what_was_dropped_before_is_not_to_blame(self) -> None:
        assert check(Clock(starts=(3, 2)), [Tick(2), Tick(9)]).reason == "it is not enabled"
        assert check(Clock(starts=(3, 2)), [Tick(9)]).reason == "it is not enabled"

    def test_too_many_possible_states(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(follow, "STATES_LIMIT", 5)
        with pytest.raises(TooManyStates, match="more than 5 states: record more"):
            check(Clock(starts=(4,), top=1000), [Tick(1)], lambda action: True)


class TestStory:
    def test_of_a_rejection(self) -> None:
        model = FutureModel(owned=True)
        run: list[Action] = [CallResult(1), Cancel(2), SetException(), Cancel(2)]
        verdict = check(model, run)
        story = str(verdict).splitlines()
        assert story[:4] == [
            f"rejected: {model} cannot do step 3 of 4",
            "  1. CallResult(caller=1)",
            "  2. Cancel(agent=2)",
            "  3. SetException()  <- it is not enabled",
        ]
        assert '     state = "CANCELLED_AND_NOTIFIED"' in story
        assert "TellWaiters(agent=2)" in story[-1]
        assert (verdict.index, verdict.action) == (2, SetException())

    def test_of_an_accepted_run(self) -> None:
        verdict = check(FUTURE, [CallResult(1)])
        assert str(verdict).splitlines()[0] == f"accepted: 1 step of {FUTURE}"
        assert str(verdict).splitlines()[-1] == "1 state possible at the end"
        assert (verdict.index, verdict.action, verdict.enabled) == (None, None, ())

    def test_names_no_more_than_three_states(self) -> None:
        verdict = check(FUTURE, [EndCallbacks(9)], lambda action: True)
        assert str(verdict).splitlines()[-1].startswith("  and ")
