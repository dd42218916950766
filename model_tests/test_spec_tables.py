"""The tables are total and lawful, and a change of any one cell is noticed."""

import concurrent.futures
import dataclasses
from collections.abc import Callable, Iterator
from enum import Enum
from itertools import product
from typing import TypeVar

import pytest

from foregone_spec import (
    future,
    lifecycle,
    process_death,
    thread_pool_actions,
    waiting,
    work_item,
)
from foregone_spec.explore import explore
from foregone_spec.future import Command, Effect, Refusal, State
from foregone_spec.future_model import FutureModel
from foregone_spec.lifecycle import Phase, Request
from foregone_spec.map_model import MapModel
from foregone_spec.process_death import Policy
from foregone_spec.process_pool import ProcessPoolModel
from foregone_spec.thread_pool import ThreadPoolModel
from foregone_spec.waiting import Ending, ReturnWhen
from foregone_spec.waiting_model import WaitingModel
from foregone_spec.work_item import Event, Place
from model_tests import spec_laws
from model_tests.chain import contracts
from model_tests.chain.pairs import AnyModel

R = TypeVar("R", bound=Enum)
C = TypeVar("C", bound=Enum)
T = TypeVar("T")


def unlawful() -> list[str]:
    """Return what the laws and the contracts say against the tables as they are now."""
    against = [
        f"{law}: {case}"
        for law, cases in spec_laws.LAWS.items()
        for case, holds in cases()
        if not holds
    ]
    return against + contracts.enumerated(contracts.specified(), contracts.MODULES)[1]


def test_the_tables_are_lawful() -> None:
    assert unlawful() == []


# --------------------------------------------------------------------- mutants


def _future_cells(cell: future.Step) -> Iterator[future.Step]:
    for state, reply in product(State, (True, False, None, *Refusal)):
        yield cell._replace(after=state)
        yield cell._replace(reply=reply)
    for effect in Effect:
        yield cell._replace(effects=tuple(e for e in cell.effects if e is not effect))
        yield cell._replace(effects=(*cell.effects, effect))
    yield cell._replace(effects=cell.effects[::-1])


def _lifecycle_cells(cell: lifecycle.Step) -> Iterator[lifecycle.Step]:
    for phase in Phase:
        yield cell._replace(after=phase)
    for effect in lifecycle.Effect:
        yield cell._replace(effects=tuple(e for e in cell.effects if e is not effect))
        yield cell._replace(effects=(*cell.effects, effect))
    yield cell._replace(effects=cell.effects[::-1])


def _waiting_cells(cell: bool) -> Iterator[bool]:
    yield not cell


def _work_item_cells(cell: work_item.Step) -> Iterator[work_item.Step]:
    for place, command in product(Place, (None, *Command)):
        yield work_item.Step(place, command)


def survivors(
    table: dict[R, dict[C, T]], mutants: Callable[[T], Iterator[T]]
) -> tuple[int, list[str]]:
    """Change each cell in each way; return how many mutants there were, and who lived."""
    count, alive = 0, []
    for row, cells in table.items():
        for column, cell in list(cells.items()):
            for mutant in dict.fromkeys(mutants(cell)):
                if mutant == cell and type(mutant) is type(cell):
                    continue
                count += 1
                cells[column] = mutant
                try:
                    if not _noticed():
                        alive.append(f"{row} {column}: {mutant}")
                finally:
                    cells[column] = cell
    return count, alive


def _noticed() -> bool:
    if any(not holds for cases in spec_laws.LAWS.values() for _, holds in cases()):
        return True
    returns_on = contracts.specified()["waiting.returns_on"]
    return bool(contracts.broken(returns_on, waiting.returns_on, vars(waiting))[1])


class TestMutants:
    """Every change of one cell breaks a law: no cell is there without a reason."""

    def test_future(self) -> None:
        count, alive = survivors(future.TRANSITIONS, _future_cells)
        assert (count > 25 * 8, alive) == (True, [])

    def test_lifecycle(self) -> None:
        count, alive = survivors(lifecycle.TRANSITIONS, _lifecycle_cells)
        assert (count > 36 * 6, alive) == (True, [])

    def test_waiting(self) -> None:
        assert survivors(waiting.RETURNS_ON, _waiting_cells) == (9, [])

    def test_work_item(self) -> None:
        count, alive = survivors(work_item.TRANSITIONS, _work_item_cells)
        assert (count, alive) == (50 * (5 * 6 - 1), [])

    def test_process_death(self) -> None:
        assert survivors(process_death.BREAKS, _waiting_cells) == (10, [])

    @pytest.mark.parametrize("module", [future, lifecycle, work_item])
    def test_a_missing_cell(self, module: object, monkeypatch: pytest.MonkeyPatch) -> None:
        table: dict[Enum, dict[Enum, object]] = getattr(module, "TRANSITIONS")  # noqa: B009
        row = next(iter(table))  # a whole row, since a cell would come back as the last
        monkeypatch.setitem(table, row, dict(list(table[row].items())[1:]))
        assert any(not holds for _, holds in spec_laws.tables_are_total())

    def test_the_tables_are_as_they_were(self) -> None:
        assert unlawful() == []


# --------------------------------------------------------- the standard library


def _stdlib(state: State) -> concurrent.futures.Future[int]:
    """Return a standard future in ``state``."""
    made: concurrent.futures.Future[int] = concurrent.futures.Future()
    if state in (State.CANCELLED, State.CANCELLED_AND_NOTIFIED):
        made.cancel()
    if state in (State.RUNNING, State.CANCELLED_AND_NOTIFIED):
        made.set_running_or_notify_cancel()
    if state is State.FINISHED:
        made.set_result(1)
    return made


def _answer(made: concurrent.futures.Future[int], command: Command) -> bool | None | Refusal:
    try:
        match command:
            case Command.CANCEL:
                return made.cancel()
            case Command.SET_RUNNING_OR_NOTIFY_CANCEL:
                return made.set_running_or_notify_cancel()
            case Command.SET_RESULT:
                made.set_result(2)
            case Command.SET_EXCEPTION:
                made.set_exception(OSError())
            case Command.CANCEL_OWNED:
                raise AssertionError("the standard library has no such command")
    except concurrent.futures.InvalidStateError:
        return Refusal.INVALID_STATE
    except RuntimeError:
        return Refusal.UNEXPECTED_STATE
    return None


@pytest.mark.parametrize("state", State)
@pytest.mark.parametrize("command", [each for each in Command if each is not Command.CANCEL_OWNED])
def test_the_standard_future_gives_the_same_answer(state: State, command: Command) -> None:
    made = _stdlib(state)
    assert made._state == state.value
    called: list[object] = []
    if state not in future.DONE:
        made.add_done_callback(called.append)
    cell = future.step(state, command)
    assert _answer(made, command) == cell.reply
    assert made._state == cell.after.value
    assert bool(called) == (Effect.RUN_CALLBACKS in cell.effects)


# ------------------------------------------------------------------- the models


@pytest.mark.parametrize(
    ("model", "states"),
    [
        (FutureModel(owned=True), 438),
        (FutureModel(owned=False, resolvers=1, callbacks=2), 3265),
        (WaitingModel(2, ("ALL_COMPLETED",), ((1, 2),)), 1336),
        (WaitingModel(1, ("FIRST_EXCEPTION", "AS_COMPLETED"), ((1,), (1, 1))), None),
        (ThreadPoolModel(2, 2, (Request.SHUTDOWN,), True, True, True), 1611),
        (ThreadPoolModel(2, 1, tuple(Request)[:2], True, True, True), 1219),
        (ProcessPoolModel(2, 1, 1), 291),
        (ProcessPoolModel(2, 2, 2, (Request.SHUTDOWN,), 1, eager=True), 6331),
        (
            ProcessPoolModel(2, 1, 1, (Request.SHUTDOWN_CANCEL_FUTURES,), 1, Policy.REPLACE),
            1156,
        ),
        (MapModel(3, 2, 3), 290),
        (MapModel(3, 2), 464),
    ],
    ids=str,
)
def test_the_invariants_hold(model: AnyModel, states: int | None) -> None:
    graph = explore(model)  # type: ignore[misc]  # a union of models
    assert [str(each) for each in graph.violations] == []
    assert len(graph.edges) == (states or len(graph.edges))


class TestSeeds:
    """A model whose table is wrong in one cell violates the invariant that guards it."""

    def test_a_finished_future_begins_again(self, monkeypatch: pytest.MonkeyPatch) -> None:
        wrong = future.Step(State.PENDING, True)
        monkeypatch.setitem(future.TRANSITIONS[State.FINISHED], Command.CANCEL_OWNED, wrong)
        assert violated(FutureModel(owned=True)) >= {"EndIsFinal"}

    def test_a_cancelled_future_runs(self, monkeypatch: pytest.MonkeyPatch) -> None:
        wrong = future.Step(State.RUNNING, True)
        row = future.TRANSITIONS[State.CANCELLED]
        monkeypatch.setitem(row, Command.SET_RUNNING_OR_NOTIFY_CANCEL, wrong)
        assert violated(FutureModel(owned=False)) >= {"EndIsFinal", "CancelledNeverRuns"}

    def test_nobody_is_told_of_an_end(self, monkeypatch: pytest.MonkeyPatch) -> None:
        wrong = future.Step(State.FINISHED, None, (Effect.KEEP_OUTCOME, Effect.RUN_CALLBACKS))
        monkeypatch.setitem(future.TRANSITIONS[State.RUNNING], Command.SET_RESULT, wrong)
        assert violated(FutureModel(owned=True)) == {"NobodyBlockedWhenSettled"}

    def test_an_owned_future_is_only_cancelled(self, monkeypatch: pytest.MonkeyPatch) -> None:
        wrong = future.TRANSITIONS[State.PENDING][Command.CANCEL]
        monkeypatch.setitem(future.TRANSITIONS[State.PENDING], Command.CANCEL_OWNED, wrong)
        assert violated(ThreadPoolModel(2, 1)) >= {"CancelledMeansTold"}

    def test_a_later_shutdown_weakens_an_earlier_one(self, monkeypatch: pytest.MonkeyPatch) -> None:
        wrong = lifecycle.Step(Phase.SHUTTING_DOWN)
        monkeypatch.setitem(lifecycle.TRANSITIONS[Phase.CANCELLING], Request.SHUTDOWN, wrong)
        model = ThreadPoolModel(1, 1, (Request.SHUTDOWN_CANCEL_FUTURES, Request.SHUTDOWN))
        assert violated(model) >= {"RequestsAreMonotone"}

    def test_a_discarded_call_never_ends(self, monkeypatch: pytest.MonkeyPatch) -> None:
        row = work_item.TRANSITIONS[Place.WAITING]
        monkeypatch.setitem(row, Event.CANCEL, work_item.Step(Place.SETTLED))
        model = ThreadPoolModel(2, 1, (Request.SHUTDOWN_CANCEL_FUTURES,))
        assert violated(model) >= {"NothingLost"}

    def test_a_wait_returns_too_early(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(
            "foregone_spec.waiting_model.may_return",
            lambda when, unfinished, endings: bool(endings),
        )
        model = WaitingModel(2, (ReturnWhen.ALL_COMPLETED.value,), ((1, 2),), (Ending.RESULT,))
        assert violated(model) == {"ReturnsOnlyWhenEnough"}

    def test_a_thread_parks_while_work_waits(self, monkeypatch: pytest.MonkeyPatch) -> None:
        seeking = staticmethod(lambda now, thread: thread_pool_actions.Park(thread))
        monkeypatch.setattr(ThreadPoolModel, "_seeking", seeking)
        assert violated(ThreadPoolModel(2, 1)) >= {"NoThreadSleepsWhileWorkWaits"}

    def test_a_map_ends_early(self, monkeypatch: pytest.MonkeyPatch) -> None:
        after = MapModel._next
        monkeypatch.setattr(
            MapModel,
            "_next",
            lambda self, now: dataclasses.replace(after(self, now), iterator="ended"),
        )
        assert violated(MapModel(2, 1)) >= {"YieldsAllOrRaises"}


def violated(model: AnyModel) -> set[str]:
    """Return the names of the invariants that ``model`` violates."""
    return {each.invariant for each in explore(model).violations}  # type: ignore[misc]  # a union of models
