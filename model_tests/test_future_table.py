"""The future's table, against foregone and the standard library; and that tables drive.

The same comparison on other interpreters is a row of ``model_tests/chain/cells.py``.
"""

import concurrent.futures
import importlib
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from time import monotonic
from typing import TypeVar

import pytest

import foregone
from foregone import Future, ThreadPoolExecutor, worker
from foregone_spec import future, lifecycle, waiting, work_item
from foregone_spec.future import Command, Effect, Refusal, State
from foregone_spec.lifecycle import Phase, Request
from foregone_spec.waiting import Ending, ReturnWhen
from foregone_spec.work_item import Event, Place
from model_tests import cells

PATIENCE = 30.0
R = TypeVar("R")
C = TypeVar("C")
V = TypeVar("V")

BARE = cells.compare()
OWNED = cells.compare_owned()


def name(compared: cells.Compared) -> str:
    return f"{compared.state}-{compared.command}"


def test_all_cells_are_there() -> None:
    assert len({name(each) for each in BARE}) == 20
    assert len({name(each) for each in OWNED}) == 5
    assert all(each.standard is not None for each in BARE)


@pytest.mark.parametrize("each", BARE, ids=name)
def test_the_table_the_library_and_the_standard_library_agree(each: cells.Compared) -> None:
    assert each.foregone == each.table
    assert each.standard == each.table


@pytest.mark.parametrize("each", OWNED, ids=name)
def test_cancel_of_a_future_that_an_executor_owns(each: cells.Compared) -> None:
    assert each.foregone == each.table


def test_the_comparer_sees_a_difference() -> None:
    """A cell that is wrong in the table is found different from both libraries."""
    cell = future.Step(State.CANCELLED, True, (Effect.RUN_CALLBACKS, Effect.WAKE_BLOCKED))
    before = cells.observed(concurrent.futures.Future, State.PENDING, Command.CANCEL)
    with changed(future.TRANSITIONS, State.PENDING, Command.CANCEL, cell):
        ours = cells.observed(Future, State.PENDING, Command.CANCEL)
        assert ours == cells.specified(State.PENDING, Command.CANCEL)
        assert ours != before
    assert cells.observed(Future, State.PENDING, Command.CANCEL) == before


@pytest.mark.parametrize("kind", [Future, concurrent.futures.Future], ids=["ours", "theirs"])
def test_result_is_woken_before_callbacks_run(kind: type["concurrent.futures.Future[str]"]) -> None:
    """With a real thread: it returns from result() while the callback still runs."""
    subject = kind()
    back = threading.Event()
    seen: list[bool] = []

    def wait_for_it() -> None:
        subject.result()
        back.set()

    waits = threading.Thread(target=wait_for_it)
    subject.add_done_callback(lambda _: seen.append(back.wait(PATIENCE)))
    waits.start()
    subject.set_result("there")
    waits.join()
    assert seen == [True]


# --------------------------------------------------------------- tables drive


@contextmanager
def changed(table: dict[R, dict[C, V]], row: R, column: C, cell: V) -> Iterator[None]:
    """Change one cell of a table in memory, and restore it."""
    kept = table[row][column]
    table[row][column] = cell
    try:
        yield
    finally:
        table[row][column] = kept


@contextmanager
def one_queued() -> Iterator[tuple[ThreadPoolExecutor, "Future[int]", threading.Event]]:
    """Yield a pool of one thread that is busy until the event, and a call queued there."""
    release = threading.Event()
    pool = ThreadPoolExecutor(1)
    begun = threading.Event()

    def be_busy() -> None:
        begun.set()
        release.wait(PATIENCE)

    pool.submit(be_busy)
    assert begun.wait(PATIENCE)
    try:
        yield pool, pool.submit(int, "7"), release
    finally:
        release.set()
        pool.shutdown()


def test_a_refusal_in_the_future_table_is_raised() -> None:
    refusal = future.Step(State.PENDING, Refusal.INVALID_STATE)
    with changed(future.TRANSITIONS, State.PENDING, Command.SET_RESULT, refusal):
        subject = Future[int]()
        with pytest.raises(foregone.InvalidStateError):
            subject.set_result(1)
        assert not subject.done()
    subject.set_result(2)
    assert subject.result() == 2


def test_a_running_future_is_cancelled_if_the_table_says_so() -> None:
    cell = future.Step(State.CANCELLED_AND_NOTIFIED, True, (Effect.RUN_CALLBACKS,))
    subject = Future[int]()
    assert subject.set_running_or_notify_cancel()
    with changed(future.TRANSITIONS, State.RUNNING, Command.CANCEL, cell):
        assert subject.cancel()
    assert subject.cancelled()
    assert not subject.running()


def test_an_effect_that_the_table_does_not_name_does_not_happen() -> None:
    cell = future.Step(State.FINISHED, None, (Effect.KEEP_OUTCOME,))
    ran: list[object] = []
    with changed(future.TRANSITIONS, State.PENDING, Command.SET_RESULT, cell):
        subject = Future[int]()
        subject.add_done_callback(ran.append)
        subject.set_result(3)
        assert subject.result() == 3
        assert not ran
    with changed(future.TRANSITIONS, State.PENDING, Command.SET_RESULT,
                 future.Step(State.FINISHED, None, ())):  # fmt: skip
        subject = Future[int]()
        subject.set_result(4)
        assert subject.done()
        assert subject.result() is None


def test_a_shutdown_that_the_lifecycle_table_does_not_know_is_none() -> None:
    stays = lifecycle.Step(Phase.OPEN)
    with ThreadPoolExecutor(1) as pool:
        with changed(lifecycle.TRANSITIONS, Phase.OPEN, Request.SHUTDOWN, stays):
            pool.shutdown(wait=False)
            assert pool.submit(int, "5").result(PATIENCE) == 5
        pool.shutdown(wait=False)
        with pytest.raises(RuntimeError, match="after shutdown"):
            pool.submit(int)


def test_shutdown_cancels_if_the_lifecycle_table_says_so() -> None:
    cell = lifecycle.TRANSITIONS[Phase.OPEN][Request.SHUTDOWN_CANCEL_FUTURES]
    with one_queued() as (pool, queued, _):
        with changed(lifecycle.TRANSITIONS, Phase.OPEN, Request.SHUTDOWN, cell):
            pool.shutdown(wait=False)
        assert queued.cancelled()


def test_a_weaker_request_would_weaken_if_the_lifecycle_table_let_it() -> None:
    """M5, by one wrong cell: ``shutdown()`` takes back what an earlier one asked for."""
    weaker = lifecycle.Step(Phase.OPEN)
    with ThreadPoolExecutor(1) as pool:
        pool.shutdown(wait=False, cancel_futures=True)
        with changed(lifecycle.TRANSITIONS, Phase.CANCELLING, Request.SHUTDOWN, weaker):
            pool.shutdown(wait=False)
            assert pool.submit(int, "6").result(PATIENCE) == 6


def test_wait_returns_on_what_its_table_says() -> None:
    done, pending = Future[int](), Future[int]()
    done.set_result(1)
    when = ReturnWhen.FIRST_COMPLETED

    def waited(return_when: str, timeout: float) -> float:
        began = monotonic()
        assert foregone.wait([done, pending], timeout, return_when).done == {done}
        return monotonic() - began

    assert waited(foregone.FIRST_COMPLETED, PATIENCE) < PATIENCE / 2
    with changed(waiting.RETURNS_ON, ReturnWhen.ALL_COMPLETED, Ending.RESULT, True):
        assert waited(foregone.ALL_COMPLETED, PATIENCE) < PATIENCE / 2
    with changed(waiting.RETURNS_ON, ReturnWhen.FIRST_EXCEPTION, Ending.RESULT, True):
        assert waited(foregone.FIRST_EXCEPTION, PATIENCE) < PATIENCE / 2
    with changed(waiting.RETURNS_ON, when, Ending.RESULT, False):
        assert waited(foregone.FIRST_COMPLETED, 0.05) >= 0.05  # it waits on, though


@contextmanager
def changed_work_item(place: Place, event: Event, command: Command) -> Iterator[None]:
    """Change a cell of work_item, and have the worker read its commands again.

    The worker reads them when it is imported, so that a call costs no look-up; a module
    that is reloaded keeps its dictionary, and the pool's functions read that.
    """
    step = work_item.TRANSITIONS[place][event]
    try:
        with changed(work_item.TRANSITIONS, place, event, work_item.Step(step.after, command)):
            importlib.reload(worker)
            yield
    finally:
        importlib.reload(worker)


def test_a_claim_is_the_command_that_the_work_item_table_says() -> None:
    ran: list[int] = []
    with (
        changed_work_item(Place.WAITING, Event.CLAIM, Command.SET_RESULT),
        ThreadPoolExecutor(1) as pool,
    ):
        assert pool.submit(ran.append, 1).result(PATIENCE) is None
    assert not ran  # nobody told the call to run
    with ThreadPoolExecutor(1) as pool:
        pool.submit(ran.append, 2).result(PATIENCE)
    assert ran == [2]


def test_shutdown_ends_what_is_queued_as_the_work_item_table_says() -> None:
    with (
        changed_work_item(Place.WAITING, Event.CANCEL, Command.SET_RESULT),
        one_queued() as (pool, queued, _),
    ):
        pool.shutdown(wait=False, cancel_futures=True)
        assert queued.done()
        assert not queued.cancelled()
    with one_queued() as (pool, queued, _):
        pool.shutdown(wait=False, cancel_futures=True)
        assert queued.cancelled()


def test_an_answer_is_the_command_that_the_work_item_table_says() -> None:
    with (
        changed_work_item(Place.CLAIMED, Event.ANSWER, Command.CANCEL_OWNED),
        ThreadPoolExecutor(1) as pool,
    ):
        unsettled = pool.submit(int, "1")
    assert unsettled.running()  # the call has returned, and nobody was told
