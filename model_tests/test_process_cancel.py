"""Taking a call back: from the queue, from the Call Q, and never once it is claimed.

A process is stopped exactly between having read a frame and trying its ticket by a hook
that its initializer installs: CPython tells a profiler of every call of C code, and
trying a ticket is one.
"""

import os
import signal
import threading
from functools import partial
from pathlib import Path
from typing import Final, NoReturn

import pytest

import foregone
from foregone.process import ProcessDied
from foregone.process_pool import dispatch, work_items
from foregone.process_pool.local_worker import LocalWorker
from foregone.process_pool.rooms import Pool
from foregone.process_pool.tickets import take
from foregone.process_pool.work_items import AnyCall, Call
from foregone_spec.work_item import Event, Place
from model_tests import process_calls as calls
from model_tests.process_calls import House
from model_tests.process_pools import METHODS, pool, queue, values
from model_tests.process_world import PATIENCE, ended, state, stop, until

pytestmark = pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")


# -------------------------------------------------------------- from where it lies


@pytest.mark.parametrize("method", METHODS)
def test_what_lies_in_the_call_queue_is_cancelled(method: str, house: House) -> None:
    """The processes are busy, and 200 calls lie before them or wait: all can be cancelled."""
    with pool(method, 2) as executor:
        busy = [executor.submit(calls.held, house.log, n, house.gate) for n in (-1, -2)]
        assert until(lambda: sorted(house.begun()) == [-2, -1])
        futures = queue(executor, house, range(200))
        assert not any(each.running() for each in futures)
        assert all(each.running() for each in busy)
        assert not any(each.cancel() for each in busy)
        assert all(each.cancel() for each in futures)
        assert not executor._pool.leaving  # they have left
        assert all(each.cancelled() and each.cancel() for each in futures)
        assert not foregone.wait(futures, 0).not_done
        rest = queue(executor, house, range(200, 230))
        for each in rest[::2]:
            assert each.cancel()
        house.open()
        assert [each.result(PATIENCE) for each in rest[1::2]] == values(range(201, 230, 2))
        assert [each.result(PATIENCE) for each in busy] == [-6, -13]
    assert sorted(house.begun()) == [-2, -1, *range(201, 230, 2)]


def test_one_process_runs_in_order_whatever_is_taken_back(house: House) -> None:
    with pool("fork") as executor:
        executor.submit(calls.held, house.log, -1, house.gate)
        futures = queue(executor, house, range(300))
        taken = {number for number in range(300) if number % 3 == 0 and futures[number].cancel()}
        assert len(taken) == 100
        house.open()
    assert house.begun() == [-1, *(number for number in range(300) if number not in taken)]


@pytest.mark.parametrize("method", METHODS)
def test_cancel_against_claim(method: str, house: House) -> None:
    """Whoever wins, each call either runs once and is not cancelled, or never runs."""
    with pool(method, 2) as executor:
        futures = []
        for number in range(1_500):
            futures.append(executor.submit(calls.value, house.log, number))
            if number % 2:
                futures[number - number % 7].cancel()
        foregone.wait(futures, PATIENCE)
    begun = house.begun()
    assert len(begun) == len(set(begun))
    assert {n for n, each in enumerate(futures) if not each.cancelled()} == set(begun)
    assert all(futures[number].result() == number * 7 + 1 for number in begun)


# --------------------------------------------------------------------------- running


@pytest.mark.parametrize("method", METHODS)
def test_what_a_stopped_process_has_not_claimed_is_not_running(method: str, house: House) -> None:
    """The call lies in its lane: it does not run, and can be cancelled."""
    with pool(method) as executor:
        pid = executor.submit(calls.own_pid).result(PATIENCE)
        stop(pid)
        first, second = queue(executor, house, range(2))
        assert not first.running()
        assert first.cancel()
        assert not first.running()
        os.kill(pid, signal.SIGCONT)
        assert second.result(PATIENCE) == 8
    assert house.begun() == [1]


@pytest.mark.parametrize("method", METHODS)
def test_stopped_between_taking_and_claiming(method: str, house: House) -> None:
    armed = house.log + ".stop before"
    arguments = (armed, "before", "SIGSTOP")
    with pool(method, initializer=calls.at_the_ticket, initargs=arguments) as executor:
        pid = executor.submit(calls.own_pid).result(PATIENCE)
        Path(armed).touch()
        first, second = queue(executor, house, range(2))
        assert until(lambda: state(pid) == "T")
        assert not first.running()
        assert not second.running()
        assert first.cancel()
        os.kill(pid, signal.SIGCONT)
        assert second.result(PATIENCE) == 8
    assert house.begun() == [1]


@pytest.mark.parametrize("method", METHODS)
def test_stopped_between_claiming_and_running(method: str, house: House) -> None:
    armed = house.log + ".stop after"
    arguments = (armed, "after", "SIGSTOP")
    with pool(method, initializer=calls.at_the_ticket, initargs=arguments) as executor:
        pid = executor.submit(calls.own_pid).result(PATIENCE)
        Path(armed).touch()
        first, second = queue(executor, house, range(2))
        assert until(lambda: state(pid) == "T")
        assert first.running()
        assert not second.running()
        assert not first.cancel()
        assert second.cancel()
        assert not house.begun()
        os.kill(pid, signal.SIGCONT)
        assert first.result(PATIENCE) == 1
    assert house.begun() == [0]


@pytest.mark.parametrize("when", ["before", "after"])
def test_killed_before_and_after_claiming(when: str, house: House) -> None:
    """Before: nobody is blamed, and the call runs elsewhere.  After: it is blamed."""
    armed = house.log + ".kill"
    with pool(
        "spawn",
        initializer=calls.at_the_ticket,
        initargs=(armed, when, "SIGKILL"),
        policy="replace",
    ) as executor:
        pid = executor.submit(calls.own_pid).result(PATIENCE)
        Path(armed).touch()
        futures = queue(executor, house, range(20))
        assert until(lambda: ended(pid))
        if when == "after":
            error = futures[0].exception(PATIENCE)
            assert isinstance(error, ProcessDied)
            assert error.pid == pid
            assert error.exit_code == -signal.SIGKILL
        else:
            assert futures[0].result(PATIENCE) == 1
        assert [each.result(PATIENCE) for each in futures[1:]] == values(range(1, 20))
    assert house.begun() == list(range(when == "after", 20))


# -------------------------------------------------------------------------- shutdown


ASKED: Final = ("", "wait", "cancel", "wait, cancel")


@pytest.mark.parametrize(
    ("method", "first", "again"),
    [
        *(("fork", first, again) for first in ASKED for again in ASKED),
        *((method, "", "wait") for method in METHODS[1:]),
        *((method, "wait, cancel", "") for method in METHODS[1:]),
    ],
)
def test_shutdown_in_every_combination(method: str, first: str, again: str, house: House) -> None:
    """What one call asks for, no later one takes back (M5); each waits if it says so (M17)."""
    executor = pool(method)
    running = executor.submit(calls.held, house.log, 0, house.gate)
    assert until(lambda: house.pid(0))
    futures = queue(executor, house, range(1, 40))
    cancelled = "cancel" in first
    waits = threading.Thread(
        target=partial(executor.shutdown, wait="wait" in first, cancel_futures=cancelled)
    )
    waits.start()
    if "wait" in first:
        assert until(lambda: not cancelled or all(each.cancelled() for each in futures))
        assert waits.is_alive()
        house.open()
    waits.join()
    with pytest.raises(RuntimeError, match="shutdown"):
        executor.submit(int)
    if "wait" in first:
        assert ended(house.pid(0))
    elif cancelled:
        assert all(each.cancelled() for each in futures)
    cancels_now = not cancelled and "wait" not in first and "cancel" in again
    if cancels_now:
        executor.shutdown(wait=False, cancel_futures=True)
        assert all(each.cancelled() for each in futures)
    house.open()
    executor.shutdown(wait="wait" in again, cancel_futures="cancel" in again)
    if "wait" in again:
        assert ended(house.pid(0))
    executor.shutdown()
    assert running.result(0) == 1
    if cancelled or cancels_now:
        assert house.begun() == [0]
    else:
        assert [each.result(0) for each in futures] == values(range(1, 40))
        assert house.begun() == list(range(40))


@pytest.mark.parametrize("name", ["terminate_workers", "kill_workers"])
@pytest.mark.parametrize("method", METHODS)
def test_workers_are_ended(method: str, name: str, house: House) -> None:
    executor = pool(method, 2)
    running = [executor.submit(calls.held, house.log, n, house.gate) for n in (0, 1)]
    assert until(lambda: len(house.begun()) == 2)
    futures = queue(executor, house, range(2, 40))
    getattr(executor, name)()
    assert all(each.exception(PATIENCE) for each in running)
    assert all(each.cancelled() for each in futures)
    executor.shutdown()
    assert all(ended(pid) for _, pid in house.where())
    assert sorted(house.begun()) == [0, 1]


def test_cancelling_what_somebody_else_sets_running(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It cannot be cancelled any more, but nobody will run it: that is its end."""

    def slowly(rooms: Pool, call: AnyCall, event: Event) -> bool:
        taken = take(rooms, call, event)
        call.set_running_or_notify_cancel()
        return taken

    with pool("fork") as executor:
        executor.submit(calls.held, house.log, 0, house.gate)
        assert until(house.begun)
        queued = executor.submit(calls.value, house.log, 1)
        with monkeypatch.context() as patch:
            patch.setattr(work_items, "take", slowly)
            cancelled = queued.cancel()
        house.open()
        assert not cancelled
        with pytest.raises(foregone.CancelledError, match="before a process claimed it"):
            queued.result(PATIENCE)
        assert not queued.cancelled()
    assert house.begun() == [0]


def interrupted(*_: object, **__: object) -> NoReturn:
    raise KeyboardInterrupt


def turned(worker: LocalWorker) -> None:
    """Return when the local worker has looked at everything that was there before."""
    for _ in range(2):  # when it is awake for the second time, the first turn is over
        worker.wake()
        assert until(lambda: not worker._awake)


@pytest.mark.parametrize("method", METHODS)
def test_a_cancel_that_is_interrupted_is_completed_at_the_end(
    method: str, house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The call was taken from the processes: it never runs, and nobody waits for it for ever."""
    told: list[object] = []
    monkeypatch.setattr(dispatch, "look", lambda _: False)  # a lane that stands is offered nothing
    with pool(method) as executor, house.opened():
        held = executor.submit(calls.held, house.log, -1, house.gate)
        assert until(lambda: house.begun() == [-1])
        futures = queue(executor, house, range(40))
        in_slot, waits = futures[0], futures[-1]
        places = [each._place for each in (in_slot, waits) if isinstance(each, Call)]
        assert places == [Place.IN_SLOT, Place.WAITING]
        for call in (in_slot, waits):
            call.add_done_callback(told.append)
            with monkeypatch.context() as patch:
                patch.setattr(type(call), "_obey", interrupted)
                with pytest.raises(KeyboardInterrupt):
                    call.cancel()
            assert not call.done()
        turned(executor._pool.worker)  # it leaves them to who cancels, as long as others run
        assert not any(each.done() for each in (in_slot, waits))
        house.open()
        held.result(PATIENCE)
    assert in_slot.cancelled()
    assert waits.cancelled()
    assert sorted(told, key=id) == sorted((in_slot, waits), key=id)
    assert house.begun() == [-1, *range(1, 39)]
    assert not executor._pool.leaving


def test_who_leaves_and_was_set_running_ends_with_an_error(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The cancel was interrupted, and somebody says that it runs: nobody will run it."""
    told: list[object] = []
    with pool("fork") as executor:
        executor.submit(calls.held, house.log, -1, house.gate)
        assert until(lambda: house.begun() == [-1])
        call = executor.submit(calls.value, house.log, 1)
        call.add_done_callback(told.append)
        with monkeypatch.context() as patch:
            patch.setattr(type(call), "_obey", interrupted)
            with pytest.raises(KeyboardInterrupt):
                call.cancel()
        assert call.set_running_or_notify_cancel()
        assert executor._pool.leaving == {call}
        house.open()
    assert isinstance(call.exception(0), foregone.CancelledError)
    assert told == [call]
    assert house.begun() == [-1]
    assert not executor._pool.leaving


def test_what_shutdown_cancels_has_left_when_it_returns(house: House) -> None:
    """Also while a call still runs: nothing is left for the end to do."""
    executor = pool("fork")
    running = executor.submit(calls.held, house.log, 0, house.gate)
    assert until(lambda: house.pid(0))
    futures = queue(executor, house, range(1, 60))
    executor.shutdown(wait=False, cancel_futures=True)
    assert all(each.cancelled() for each in futures)
    assert not executor._pool.leaving
    house.open()
    executor.shutdown()
    assert running.result(0) == 1
