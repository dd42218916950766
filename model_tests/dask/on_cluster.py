"""The Dask executor while nothing is lost: results, errors, cancelling, map, views."""

import io
import itertools
import logging
import pickle
import sys
import threading
from collections.abc import Iterator
from functools import partial
from typing import Any, cast

import pytest

from foregone import CancelledError, Future, as_completed, dump_all, wait
from foregone.dask import AtLeastOnce, DaskExecutor
from foregone_spec.lifecycle import Phase
from model_tests import process_calls as calls
from model_tests.dask.clusters import LIMIT, PATIENCE, Foreign, book_size, tasks, until
from model_tests.process_calls import House

pytestmark = pytest.mark.timeout(LIMIT)


class Unpicklable:
    def __reduce__(self) -> str:
        raise pickle.PicklingError("not me")


class Poison:
    """Pickles, and does not come back."""

    def __reduce__(self) -> tuple[object, ...]:
        return (calls.raises, (LookupError("poison"),))


class Strange(Exception):
    """Does not survive pickle: its arguments are not what its class takes."""

    def __init__(self, one: int, two: int) -> None:
        super().__init__("only one")


def strange() -> None:
    raise Strange(1, 2)


def hold(executor: DaskExecutor, house: House, count: int = 2) -> list[Future[int]]:
    """Have each worker hold a call, and return when all have begun."""
    held = [
        executor.submit(calls.held, house.log, -each, house.gate) for each in range(1, count + 1)
    ]
    assert until(lambda: len(house.begun()) == count)
    return held


# --------------------------------------------------------------------- results


def test_results(executor: DaskExecutor) -> None:
    assert executor.submit(pow, 2, 8).result(PATIENCE) == 256
    assert executor.submit(int, "ff", base=16).result(PATIENCE) == 255
    assert executor.submit(lambda x: [x] * 2, None).result(PATIENCE) == [None, None]
    assert executor.submit(calls.zeros, 3_000_000).result(PATIENCE) == bytes(3_000_000)
    assert executor.submit(calls.length, b"x" * 3_000_000).result(PATIENCE) == 3_000_000


def test_the_same_call_runs_each_time(executor: DaskExecutor, house: House) -> None:
    futures = [executor.submit(calls.value, house.log, 1) for _ in range(50)]
    assert [future.result(PATIENCE) for future in futures] == [calls.value_of(1)] * 50
    assert house.begun() == [1] * 50


@pytest.mark.parametrize(
    "error",
    [
        SystemExit(3),
        KeyboardInterrupt(),
        GeneratorExit(),
        TimeoutError("own"),
        CancelledError("own"),
        StopIteration(3),
    ],
    ids=repr,
)
def test_whatever_a_call_raises_is_its_outcome(
    executor: DaskExecutor, error: BaseException
) -> None:
    failed = executor.submit(calls.raises, error)
    found = failed.exception(PATIENCE)
    assert type(found) is type(error)
    assert found.args == error.args
    assert not failed.cancelled()
    assert executor.submit(int, "1").result(PATIENCE) == 1  # its worker lives


def test_an_exception_keeps_what_only_its_init_sets(executor: DaskExecutor) -> None:
    """Dask has tblib pickle exceptions, which forgets that."""
    found = executor.submit(sys.exit, 3).exception(PATIENCE)
    assert isinstance(found, SystemExit)
    assert found.code == 3


def test_an_exception_has_its_chain_and_the_traceback_of_the_worker(
    executor: DaskExecutor,
) -> None:
    found = executor.submit(calls.chained).exception(PATIENCE)
    assert isinstance(found, calls.Chained)
    assert (found.word, found.__notes__) == ("apple", ["a note"])
    assert isinstance(found.__cause__, KeyError)
    assert "in chained" in str(found.__cause__.__cause__)


def test_what_does_not_pickle_costs_its_own_call(executor: DaskExecutor) -> None:
    others = [executor.submit(calls.same, each) for each in range(10)]
    there = executor.submit(calls.same, Unpicklable())
    back = executor.submit(calls.makes, threading.Lock)
    raised = executor.submit(strange)
    poison = executor.submit(calls.same, Poison())
    poisoned = executor.submit(calls.makes, Poison)
    others += [executor.submit(calls.same, each) for each in range(10, 20)]
    assert [each.result(PATIENCE) for each in others] == list(range(20))
    where = "call model_tests.process_calls"
    notes = {
        there: f"while pickling the arguments of {where}.same in the client",
        back: f"while pickling the result of {where}.makes in process ",
        poison: f"while unpickling the arguments of {where}.same in process ",
        poisoned: f"while unpickling the result of {where}.makes in the client",
    }
    for future, note in notes.items():
        error = future.exception(PATIENCE)
        assert error is not None
        assert any(each.startswith(note) for each in error.__notes__), error.__notes__
    assert "only one" in str(raised.exception(PATIENCE))


# --------------------------------------------------------------------- cancelling


def test_a_call_is_cancelled_until_it_is_claimed(once: DaskExecutor, house: House) -> None:
    with house.opened():
        held = hold(once, house)
        waits = [once.submit(calls.value, house.log, each) for each in range(20)]
        assert until(lambda: len(once.inspect().offered) == 20)
        assert [each.running() for each in (*held, *waits)] == [True] * 2 + [False] * 20
        assert not any(each.cancel() for each in held)
        assert all(each.cancel() for each in waits[::2])
        assert all(each.cancel() for each in waits[::2])  # twice is once
        done, pending = wait(waits, timeout=0)
        assert done == set(waits[::2])
        assert pending == set(waits[1::2])
    assert [each.result(PATIENCE) for each in waits[1::2]] == [
        calls.value_of(each) for each in range(1, 20, 2)
    ]
    assert [each.result(PATIENCE) for each in held] == [calls.value_of(-1), calls.value_of(-2)]
    assert sorted(house.begun()) == [-2, -1, *range(1, 20, 2)]


def test_who_cancels_and_who_claims_agree(once: DaskExecutor, house: House) -> None:
    """Whatever cancel() says of a call that may begin at any moment is so."""
    futures = [once.submit(calls.value, house.log, each) for each in range(200)]
    cancelled = {each for each in reversed(range(200)) if futures[each].cancel()}
    for number, future in enumerate(futures):
        if number in cancelled:
            assert future.cancelled()
        else:
            assert future.result(PATIENCE) == calls.value_of(number)
    assert sorted(house.begun()) == sorted(set(range(200)) - cancelled)


def test_a_cancel_that_is_interrupted_ends_the_future_all_the_same(
    once: DaskExecutor, house: House
) -> None:
    """Ctrl-C while the scheduler is asked: it has cancelled the call, and nobody knows."""
    with house.opened():
        hold(once, house)
        futures = [once.submit(calls.value, house.log, each) for each in range(2)]
        assert until(lambda: len(once.inspect().offered) == 2)
        assert once._pool.cluster.ask("cancel", [3]) == [("cancelled", "")]
    assert not wait(futures, timeout=PATIENCE).not_done
    assert [each.cancelled() for each in futures] == [True, False]
    assert sorted(house.begun()) == [-2, -1, 1]


def test_without_claims_cancel_fails_once_a_call_is_offered(client: Foreign, house: House) -> None:
    with DaskExecutor(client, at_most_once=False) as executor:
        assert not executor.at_most_once
        with house.opened():
            hold(executor, house)
            future = executor.submit(calls.value, house.log, 1)
            assert until(future.running)
            assert not future.cancel()
        assert future.result(PATIENCE) == calls.value_of(1)


def test_cancel_in_the_thread_of_the_event_loop_blocks_nothing(
    client: Foreign, once: DaskExecutor, house: House
) -> None:
    with house.opened():
        hold(once, house)
        future = once.submit(calls.value, house.log, 1)
        assert until(lambda: not once.inspect().queued)
        said: list[bool] = []
        client.loop.add_callback(lambda: said.append(future.cancel()))
        assert until(lambda: bool(said))
        assert said == [False]
    assert future.result(PATIENCE) == calls.value_of(1)


def test_a_cancelled_call_is_told_to_who_waits(once: DaskExecutor, house: House) -> None:
    with house.opened():
        hold(once, house)
        future = once.submit(calls.value, house.log, 1)
        done: list[Future[int]] = []
        future.add_done_callback(done.append)
        waits = as_completed([future], timeout=PATIENCE)
        assert until(lambda: not once.inspect().queued)
        assert future.cancel()
        assert done == [future]  # in the thread that cancels
        assert next(waits) is future
        with pytest.raises(CancelledError):
            future.result()


# --------------------------------------------------------------------- map


def test_map(executor: DaskExecutor) -> None:
    assert list(executor.map(pow, range(5), range(5), chunksize=3)) == [1, 1, 4, 27, 256]
    assert list(executor.map(int, [])) == []
    for size in (1, 7, None):
        assert list(executor.map(abs, range(-8, 0), buffersize=size)) == list(range(8, 0, -1))


def test_map_buffersize_bounds_what_is_submitted(executor: DaskExecutor) -> None:
    drawn: list[int] = []

    def source() -> Iterator[int]:
        for each in itertools.count():
            drawn.append(each)
            yield each

    results = executor.map(calls.same, source(), buffersize=3)
    for yielded in range(6):
        assert len(drawn) == yielded + 3
        assert next(results) == yielded


def test_map_raises_at_the_item_and_yields_all_before(executor: DaskExecutor) -> None:
    results = executor.map(divmod, [1, 1, 1, 1], [2, 3, 0, 5])
    assert next(results) == next(results) == (0, 1)
    with pytest.raises(ZeroDivisionError):
        next(results)
    with pytest.raises(StopIteration):
        next(results)


# --------------------------------------------------------------------- callbacks


def _note(order: list[int], number: int, _: Future[int]) -> None:
    order.append(number)


def test_a_callback_that_blocks_delays_callbacks_only(executor: DaskExecutor) -> None:
    release, came = threading.Event(), threading.Event()
    order: list[int] = []

    def blocks(_: Future[int]) -> None:
        came.set()
        release.wait(PATIENCE)

    try:
        first = executor.submit(int)
        first.add_done_callback(blocks)
        assert came.wait(PATIENCE)
        second = executor.submit(int, "2")
        for each in range(3):
            second.add_done_callback(partial(_note, order, each))
        assert second.result(PATIENCE) == 2
    finally:
        release.set()
    executor.shutdown()
    assert order == [0, 1, 2]


def test_a_callback_may_call_anything(
    executor: DaskExecutor, caplog: pytest.LogCaptureFixture
) -> None:
    made: list[Any] = []

    def reacts(future: Future[int]) -> None:
        made.append(executor.submit(int, "5"))
        made.append(executor.inspect())
        with pytest.raises(RuntimeError, match="cannot join current thread"):
            executor.shutdown(wait=True)
        raise KeyError("logged")

    caplog.set_level(logging.CRITICAL + 1, "concurrent.futures")
    executor.submit(int).add_done_callback(cast("Any", reacts))
    assert until(lambda: not executor.inspect().connection.startswith("run"))
    executor.shutdown()
    assert made[0].result(PATIENCE) == 5


# --------------------------------------------------------------------- inspect


def test_inspect_says_what_is_where(client: Foreign, once: DaskExecutor, house: House) -> None:
    with house.opened():
        held = hold(once, house)
        once.submit(calls.value, house.log, 1)
        assert until(lambda: len(once.inspect().claimed) == 2 and once.inspect().offered)
        view = once.inspect()
        assert view.phase is Phase.OPEN
        assert view.at_most_once
        assert view.scheduler == once.address == client.scheduler.address
        assert {each.worker for each in view.claimed} == set(client.scheduler_info()["workers"])
        assert {each.function for each in view.claimed} == {"model_tests.process_calls.held"}
        assert [each.number for each in view.offered] == [3]
        assert held[0].running()
        text = str(view)
        assert f"1 (model_tests.process_calls.held) on {view.claimed[0].worker}" in text
        assert "calls run at most once" in text
        assert "0 queued, 1 offered, 2 claimed, 0 settled" in repr(view)
        dumped = io.StringIO()
        dump_all(dumped)
        assert f"\n{text}" in dumped.getvalue()
    once.shutdown()
    after = once.inspect()
    assert (after.settled, after.claimed, after.offered, after.connection) == (3, (), (), "let go")


def test_nothing_is_kept_of_what_has_ended(client: Foreign, once: DaskExecutor) -> None:
    assert sum(once.map(abs, range(300))) == sum(range(300))
    cancelled = [once.submit(abs, each) for each in range(50)]
    for each in cancelled:
        each.cancel()
    name = once._pool.cluster.executor.hex()
    assert until(lambda: not client.run_on_scheduler(tasks))
    assert until(lambda: not client.run_on_scheduler(book_size, name))


# --------------------------------------------------------------------- arguments


def test_arguments_are_looked_at(client: Foreign) -> None:
    with pytest.raises(TypeError, match=r"client must be a distributed\.Client.*not 3 of type int"):
        DaskExecutor(3)
    with pytest.raises(ValueError, match="address of a scheduler, not '': pass None to start"):
        DaskExecutor("")
    with pytest.raises(TypeError, match="at_most_once must be True, False or None, not 1"):
        DaskExecutor(client, at_most_once=cast("bool", 1))
    with pytest.raises(ValueError, match="max_workers=2 is for a cluster that is started here"):
        DaskExecutor(client, max_workers=2)
    with pytest.raises(ValueError, match="greater than 0, not 0"):
        DaskExecutor(max_workers=0)
    with pytest.raises(TypeError, match="whole number of processes or None, not '2'"):
        DaskExecutor(max_workers=cast("int", "2"))


def test_claims_are_taken_where_they_can_be_had(
    client: Foreign, recwarn: pytest.WarningsRecorder
) -> None:
    with DaskExecutor(client) as executor:
        assert executor.at_most_once
    assert not [each for each in recwarn if issubclass(each.category, AtLeastOnce)]
