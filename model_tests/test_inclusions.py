"""Code and spec take the same steps; the comparison notices where they do not."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import get_args

import pytest

from foregone.future import Future
from foregone_spec import future, future_model
from foregone_spec.future import TRANSITIONS, Command, Effect, State
from foregone_spec.future_model import (
    Action,
    CallResult,
    FutureModel,
    FutureState,
    GiveUpResult,
    SetException,
    SetResult,
    SetRunningOrNotifyCancel,
    WakeBlocked,
)
from foregone_spec.thread_pool import Cancel
from model_tests import inclusion_defects
from model_tests.chain import inclusions
from model_tests.chain.inclusions import Done, all_taken_row, changes_row, never_taken, taken_row
from model_tests.inclusion_pool_run import compare as compare_pool
from model_tests.inclusion_pool_run import program as pool_program
from model_tests.inclusion_pool_spec import LARGER, SMALLEST
from model_tests.inclusion_pool_spec import Behaviour as PoolBehaviour
from model_tests.inclusion_pool_spec import behaviour as pool_behaviour
from model_tests.inclusion_pool_spec import clients as pool_clients
from model_tests.inclusion_run import compare, watched
from model_tests.inclusion_spec import behaviour, clients, programs, shown, usual
from model_tests.inclusion_tables import Change, changed, changes, noticed
from model_tests.schedule_defects import Defect
from model_tests.schedule_explore import Bench, bench, explore
from model_tests.schedule_library import Edit, load

SMALL = (
    "owned: cancel | result(1)",
    "bare: cancel | start",
    "owned: start | set_exception",
    "bare: set_result | add",
    "owned: add | add",
    "bare: start; set_result | wait",
    "owned: start; set_exception | cancel",
    "owned: cancel; add | add",
)


@pytest.fixture(scope="module")
def on() -> Iterator[Bench]:
    """Yield the library under a scheduler that views look at."""
    with watched() as made:
        yield made


@dataclass(frozen=True)
class Generous:
    """A spec that lets agents wake the blocked before they tell the waiters, too."""

    model: FutureModel

    def initial(self) -> tuple[FutureState, ...]:
        return self.model.initial()

    def enabled(self, state: FutureState) -> tuple[Action, ...]:
        return (*self.model.enabled(state), *self._extra(state))

    def step(self, state: FutureState, action: Action) -> FutureState:
        if action not in self._extra(state):
            return self.model.step(state, action)
        assert isinstance(action, WakeBlocked)
        todo = [list(each) for each in state.todo]
        todo[action.agent - 1].remove(Effect.WAKE_BLOCKED)
        results = tuple("back" if each == "blocked" else each for each in state.results)
        return replace(state, todo=tuple(tuple(each) for each in todo), results=results)

    @staticmethod
    def _extra(state: FutureState) -> list[Action]:
        both = (Effect.TELL_WAITERS, Effect.WAKE_BLOCKED)
        return [WakeBlocked(n) for n, todo in enumerate(state.todo, 1) if todo[:2] == both]


@dataclass(frozen=True)
class Strict:
    """A spec in which nobody's time passes in ``result()``."""

    model: FutureModel

    def initial(self) -> tuple[FutureState, ...]:
        return self.model.initial()

    def enabled(self, state: FutureState) -> tuple[Action, ...]:
        return tuple(
            each for each in self.model.enabled(state) if not isinstance(each, GiveUpResult)
        )

    def step(self, state: FutureState, action: Action) -> FutureState:
        return self.model.step(state, action)


# ------------------------------------------------------------------- the spec's side


def test_the_steps_of_a_program_by_hand() -> None:
    found = behaviour(clients("bare: start | result"))
    pending, running = State.PENDING, State.RUNNING
    begin, call = SetRunningOrNotifyCancel(), CallResult(1)
    steps = {
        (now.state, now.results, action, after.state, after.results)
        for now, action, after in found.edges
    }
    assert steps == {
        (pending, ("out",), begin, running, ("out",)),
        (pending, ("out",), call, pending, ("blocked",)),
        (running, ("out",), call, running, ("blocked",)),
        (pending, ("blocked",), begin, running, ("blocked",)),
    }
    assert [(each.state, each.results) for each in found.stops] == [(running, ("blocked",))]


def test_an_outcome_is_the_executors_or_a_third_partys() -> None:
    actions = {action for _, action, _ in behaviour(clients("bare: start; set_result | add")).edges}
    assert SetResult(1) in actions
    assert SetResult(2) not in actions
    actions = {action for _, action, _ in behaviour(clients("bare: start | set_exception")).edges}
    assert SetResult(2) in actions
    assert SetException() not in actions
    actions = {
        action for _, action, _ in behaviour(clients("owned: start; set_exception | cancel")).edges
    }
    assert {SetException(), SetResult(3)} <= actions  # refused where the cancel came first


def test_every_edge_of_a_program_is_one_of_the_model() -> None:
    for text in usual():
        model = clients(text).model
        for before, action, after in behaviour(clients(text)).edges:
            assert model.step(before, action) == after


def test_the_programs_come_to_every_action_of_the_spec() -> None:
    taken = {type(action) for each in usual() for _, action, _ in behaviour(clients(each)).edges}
    assert taken == {*get_args(Action)}


@pytest.mark.parametrize("text", ["bare: cancel | swim", "bare: start | start"])
def test_a_program_that_is_none_is_an_error(text: str) -> None:
    with pytest.raises(ValueError, match=r"what is 'swim'|one executor, which starts once"):
        clients(text)


def test_programs_are_all_pairs_of_rows() -> None:
    found, outside = programs(1)
    assert (len(found), outside) == (88, 2)
    assert len({*found}) == len(found)
    assert {*found} < {*usual()}


def test_a_state_in_short() -> None:
    (state,) = FutureModel(owned=True).initial()
    assert shown(state) == "PENDING"
    busy = replace(
        state,
        state=State.CANCELLED,
        agents=("idle", "busy"),
        todo=((), (Effect.WAKE_BLOCKED,)),
        results=("blocked",),
        drained=True,
    )
    assert shown(busy) == "CANCELLED; agent 2 busy WakeBlocked; results 1 blocked; drained"


# ---------------------------------------------------------------------- both sides


@pytest.mark.parametrize("text", SMALL)
def test_code_and_spec_take_the_same_steps(on: Bench, text: str) -> None:
    found = compare(on, text, 2)
    assert found.failure is None, str(found.failure)
    assert found.missing == []
    assert found.seen == found.allowed


def test_the_library_is_left_as_it_was() -> None:
    before = {**vars(Future)}
    with watched() as made:
        assert {**vars(Future)} != before
        compare(made, SMALL[0], 0)
    assert {**vars(Future)} == before


def test_without_preemption_some_steps_are_not_seen(on: Bench) -> None:
    found = compare(on, SMALL[0], 0)
    assert found.failure is None
    assert found.missing != []


def test_an_extra_edge_of_the_spec_is_never_taken(on: Bench) -> None:
    text = "owned: set_result | result"
    found = compare(on, text, 2, Generous(clients(text).model))
    assert found.failure is None, str(found.failure)
    assert any(each.startswith("WakeBlocked(agent=2) from FINISHED") for each in found.missing)


def test_a_step_that_the_spec_has_not_fails_with_its_schedule(on: Bench) -> None:
    text = "owned: add | result(1)"
    failure = compare(on, text, 2, Strict(clients(text).model)).failure
    assert failure is not None
    assert failure.complaints[0].startswith("the spec has no such step: GiveUpResult(caller=1)")
    assert failure.schedule
    assert failure.story


def test_a_changed_cell_breaks_both(on: Bench) -> None:
    text = "bare: cancel | start"
    cell = TRANSITIONS[State.RUNNING][Command.CANCEL]._replace(after=State.CANCELLED)
    change = Change(State.RUNNING, Command.CANCEL, cell)
    true = compare(on, text, 2)
    with changed(change):
        found = compare(on, text, 2)
        assert found.failure is not None
        assert true.seen.edges - found.allowed.edges
        assert found.allowed.edges - true.seen.edges
    assert noticed(text, true.seen, [change]) == {change.name}
    assert TRANSITIONS[State.RUNNING][Command.CANCEL].after is State.RUNNING
    assert vars(future_model)["step"] is future.step


def test_a_cell_that_says_the_same_is_no_change(on: Bench) -> None:
    text = "bare: cancel | start"
    same = Change(State.PENDING, Command.CANCEL, TRANSITIONS[State.PENDING][Command.CANCEL])
    assert noticed(text, compare(on, text, 2).seen, [same]) == set()


def test_a_change_that_the_program_does_not_come_to_is_not_noticed(on: Bench) -> None:
    text = "bare: result(1) | result(1)"
    assert noticed(text, compare(on, text, 2).seen, changes()) == set()


@pytest.mark.parametrize(
    ("name", "how"),
    [
        ("future._decide takes no lock", "the spec has no such step: Cancel"),
        ("a late callback overtakes those that are queued", "callback 1 runs unseen, or again"),
        ("add_done_callback checks, then appends", "the fields say ('CANCELLED_AND_NOTIFIED', "),
        ("the end looks for waiters before it is the end", "cancel 1 returns before it is through"),
    ],
)
def test_a_defect_takes_a_wrong_step(name: str, how: str) -> None:
    defect = next(each for each in inclusion_defects.hunted() if each.name == name)
    found = inclusion_defects.hunt(defect)
    assert found.program
    assert how in found.how


def test_code_that_is_too_coarse_takes_too_few_steps() -> None:
    found = inclusion_defects.hunt(inclusion_defects.SLOW)
    assert found.how.startswith("never taken: ")


def test_a_gate_of_a_call_that_gave_up_is_not_the_next_calls(on: Bench) -> None:
    """Its thread waits again when the gate of its first wait is opened."""
    found = compare(on, "owned: cancel; set_exception | wait(1); wait", 2)
    assert found.failure is None, str(found.failure)


@pytest.mark.parametrize(
    "text",
    [
        "owned: wait(1) | set_result | wait",
        "owned: result(1) | set_result | result",
        "owned: result(1) | result(1) | cancel",
        "owned: wait | set_result | result",
    ],
)
def test_several_who_wait_are_back_at_once_and_woken_one_by_one(on: Bench, text: str) -> None:
    found = compare(on, text, 1)
    assert found.failure is None, str(found.failure)
    assert {type(action) for _, action, _ in found.seen.edges} == {
        type(action) for _, action, _ in found.allowed.edges
    }


@pytest.mark.parametrize(
    ("text", "edits", "how"),
    [
        (
            "owned: result(1) | set_result | result(1)",
            (Edit("sync", "in tuple(blocked):", "in tuple(blocked)[:1]:"),),
            "set_result 1 goes on, and the gate of result(1)",
        ),
        (
            "bare: cancel; start | wait(1) | wait(1)",
            (Edit("future", "for waiter in installed:", "for waiter in installed[:1]:"),),
            "start 1 goes on, and the gate of wait(1)",
        ),
        (
            "owned: result | set_result | result",
            (
                Edit(
                    "future", "                wake(blocked)", "                wake(blocked[:1])"
                ),
                Edit(
                    "future",
                    "        return interrupt\n\n    def _tell",
                    "        wake(self._blocked or [])\n        return interrupt\n\n    def _tell",
                ),
            ),
            "set_result 1 goes on, and the gate of result",
        ),
    ],
    ids=[
        "forgets those in result()",
        "forgets waiters, and nothing follows",
        "wakes some too late",
    ],
)
def test_who_opens_the_first_gate_alone_is_found(
    text: str, edits: tuple[Edit, ...], how: str
) -> None:
    """Where time runs out nobody waits for ever, so nothing else would tell."""
    with watched(load(edits)) as some:
        failure = compare(some, text, 1).failure
    assert failure is not None
    assert how in failure.complaints[0]


# ---------------------------------------------------------------- the thread pool's


def test_the_steps_of_a_program_on_a_pool_by_hand() -> None:
    found = pool_behaviour(pool_clients("pool 1: submit"))
    assert sorted(type(action).__name__ for _, action, _ in found.edges) == [
        "Claim", "Finish", "Initialized", "Park", "Submit", "Take", "ThreadStarts",
    ]  # fmt: skip
    (stop,) = found.stops
    assert stop.threads == ("parked",)


@pytest.mark.parametrize("text", [*SMALLEST, *LARGER])
def test_every_edge_of_a_program_on_a_pool_is_one_of_the_model(text: str) -> None:
    of = pool_clients(text)
    found = pool_behaviour(of)
    assert found.stops
    for before, action, after in found.edges:
        assert of.model.step(before, action) == after


@pytest.mark.parametrize("text", SMALLEST[:10])
def test_code_and_spec_of_a_pool_take_the_same_edges(text: str) -> None:
    done = inclusions.do_pool(text)
    assert not done.failure
    assert not done.missing


def test_a_step_of_a_pool_that_the_spec_has_not_fails() -> None:
    text = "pool 1: submit; cancel"
    of = pool_clients(text)
    allowed = pool_behaviour(of)
    allowed.edges -= {edge for edge in allowed.edges if isinstance(edge[1], Cancel)}
    with bench() as pools:
        found = explore(pools, pool_program(text, allowed, PoolBehaviour()), 1)
    assert found.failure is not None
    assert "no such step for this program: Cancel(work_id=1)" in found.failure.complaints[0]


def test_a_step_of_a_pool_that_is_never_taken_is_missing() -> None:
    with bench() as pools:
        found = compare_pool(pools, "pool 1: submit | shutdown", 0)
    assert found.failure is None
    assert found.missing


@pytest.mark.parametrize("defect", inclusion_defects.hunted_in_pools(), ids=lambda each: each.name)
def test_a_defect_of_a_pool_takes_a_wrong_step_or_too_few(defect: Defect) -> None:
    found = inclusion_defects.hunt_in_pools(defect)
    assert found.program
    slow = defect is inclusion_defects.SLOW_POOL
    assert found.how.startswith("never taken: ") is slow


def test_replay_of_a_pool(capsys: pytest.CaptureFixture[str]) -> None:
    assert inclusions.main(["--edges", "pool 1: submit", "0*3"]) == 0
    assert "nothing is wrong" in capsys.readouterr().out
    with pytest.raises(SystemExit):
        inclusions.main(["--edges", "pool 1: swim", "0"])


# --------------------------------------------------------------------- the chain's


def done(program: str, *missing: str, failure: str = "") -> Done:
    return Done(program, 10, 5, missing, frozenset(), failure, 0.1)


def test_what_is_never_taken_has_to_be_accepted_and_true() -> None:
    ran = [done("p", "one", "two"), done("q")]
    assert never_taken(ran, {"p": {"one": "because", "two": "because"}}) == []
    assert never_taken(ran, {"p": {"one": "because"}}) == ["'p': two"]
    assert len(never_taken(ran, {"p": {"one": "", "two": "", "three": ""}})) == 1
    assert len(never_taken(ran, {"p": {"one": "", "two": ""}, "q": {"one": ""}})) == 1


def test_rows_fail_where_a_side_fails() -> None:
    assert taken_row([done("p")], "").ok
    failed = taken_row([done("p"), done("q", failure="a wrong step")], "")
    assert not failed.ok
    assert "a wrong step" in failed.details
    assert all_taken_row([done("p")], "", 0).ok
    assert not all_taken_row([done("p", "one")], "", 0).ok
    assert not changes_row([done("p")]).ok


def test_replay_of_the_command_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert inclusions.main(["--edges", "owned: cancel | start", "0 1*3"]) == 0
    assert "nothing is wrong" in capsys.readouterr().out
    assert inclusions.main(["--history", "owned: cancel | install", "0 1*3"]) == 0
    assert "takes lock" in capsys.readouterr().out
    with pytest.raises(SystemExit):
        inclusions.main(["--edges", "owned: install | cancel", "0"])
