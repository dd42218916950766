"""``map`` with chunks, and initializers, on real clusters."""

import itertools
import os
import pickle
import signal
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import cast

import pytest

from foregone import wait
from foregone.dask import DaskExecutor, InitializerFailed, WorkerLost
from model_tests import process_calls as calls
from model_tests.dask.clusters import LIMIT, PATIENCE, Foreign, apart, client_of, local, until
from model_tests.dask.on_cluster import Poison, Unpicklable, hold
from model_tests.process_calls import House

pytestmark = pytest.mark.timeout(LIMIT)

BOTH = pytest.mark.parametrize("once", [True, False])


# ----------------------------------------------------------------------- chunks


def test_items_travel_together(executor: DaskExecutor, house: House) -> None:
    logs = itertools.repeat(house.log)
    found = list(executor.map(calls.value, logs, range(100), chunksize=30))
    assert found == [calls.value_of(each) for each in range(100)]
    assert sorted(house.begun()) == list(range(100))
    assert executor.inspect().settled == 4  # tasks: 30, 30, 30 and 10 items


def test_each_item_has_its_own_outcome(executor: DaskExecutor, house: House) -> None:
    results = executor.map(divmod, [7, 8, 9, 10], [2, 3, 0, 5], chunksize=4)
    assert [next(results), next(results)] == [(3, 1), (2, 2)]
    with pytest.raises(ZeroDivisionError) as raised:
        next(results)
    assert raised.value.__cause__ is not None  # the traceback of the worker
    with pytest.raises(StopIteration):
        next(results)


def test_what_does_not_travel_costs_its_own_item(executor: DaskExecutor) -> None:
    for bad, doing in ((Unpicklable(), "pickling"), (Poison(), "unpickling")):
        results = executor.map(calls.same, [0, 1, 2, bad, 4], chunksize=5)
        assert [next(results) for _ in range(3)] == [0, 1, 2]
        with pytest.raises((pickle.PicklingError, LookupError)) as raised:
            next(results)
        assert any(each.startswith(f"while {doing}") for each in raised.value.__notes__)
    results = executor.map(calls.makes, [int, int, threading.Lock], chunksize=3)
    assert [next(results), next(results)] == [0, 0]
    with pytest.raises(TypeError, match="lock"):
        next(results)


def test_buffersize_counts_chunks(executor: DaskExecutor) -> None:
    drawn: list[int] = []

    def source() -> Iterator[int]:
        for each in itertools.count():
            drawn.append(each)
            yield each

    results = executor.map(calls.same, source(), chunksize=5, buffersize=2)
    assert len(drawn) == 10
    assert [next(results) for _ in range(5)] == list(range(5))
    assert len(drawn) <= 15


def test_a_chunk_is_cancelled_as_a_whole(once: DaskExecutor, house: House) -> None:
    with house.opened():
        hold(once, house)
        logs = itertools.repeat(house.log)
        results = once.map(calls.value, logs, range(50), chunksize=10, timeout=0)
        assert until(lambda: len(once.inspect().offered) == 5)
        with pytest.raises(TimeoutError, match="map"):
            next(results)
        assert until(lambda: not once.inspect().offered)
    once.shutdown()
    assert sorted(house.begun()) == [-2, -1]


def test_a_chunk_is_lost_as_a_whole_and_begun_once(house: House) -> None:
    with local(1) as client, DaskExecutor(client) as executor:
        with house.opened():
            gates = itertools.repeat(house.gate)
            logs = itertools.repeat(house.log)
            results = executor.map(calls.held, logs, range(4), gates, chunksize=2)
            assert until(house.begun) == [0]
            os.kill(house.pid(0), signal.SIGKILL)
            with pytest.raises(WorkerLost):
                next(results)
        executor.shutdown()
        assert house.begun().count(0) == 1
        assert house.begun().count(1) == 0  # nobody can say that it was not begun


def test_chunksizes_are_looked_at(executor: DaskExecutor) -> None:
    with pytest.raises(ValueError, match="chunksize must be >= 1, not 0"):
        executor.map(int, [], chunksize=0)
    with pytest.raises(TypeError, match="whole number of items, not '2' of type str"):
        executor.map(int, [], chunksize=cast("int", "2"))


# ------------------------------------------------------------------- initializers


def _note(log: str, number: int) -> int:
    calls.begin(log, number)
    return number


def _raise(log: str) -> None:
    calls.begin(log, -100)
    raise LookupError("no licence")


def _end(log: str) -> None:
    calls.begin(log, -100)
    os._exit(5)


@BOTH
def test_the_initializer_runs_once_in_each_worker(house: House, tmp_path: Path, once: bool) -> None:
    """In one that joins later too, and before the calls of it."""
    with (
        apart(tmp_path, 1) as cluster,
        client_of(cluster.address, 1) as client,
        DaskExecutor(
            client, at_most_once=once, initializer=_note, initargs=(house.log, -100)
        ) as executor,
    ):
        assert [*executor.map(calls.value, [house.log] * 9, range(9), chunksize=2)]
        first = house.pid(-100)
        cluster.worker()
        client.wait_for_workers(2)
        with house.opened():
            for each in (-1, -2):
                executor.submit(calls.held, house.log, each, house.gate)
            assert until(lambda: {-1, -2} <= set(house.begun()))
    lines = [each.split() for each in Path(house.log).read_text().splitlines()]
    begun = [(int(number), int(pid)) for number, pid in lines]
    of = {pid: [number for number, where in begun if where == pid] for _, pid in begun}
    assert len(of) == 2
    assert first in of
    for numbers in of.values():
        assert numbers[0] == -100
        assert numbers.count(-100) == 1


@BOTH
def test_an_initializer_that_raises_breaks_the_executor(
    client: Foreign, house: House, once: bool
) -> None:
    executor = DaskExecutor(client, at_most_once=once, initializer=_raise, initargs=[house.log])
    futures = [executor.submit(calls.value, house.log, each) for each in range(20)]
    wait(futures, timeout=PATIENCE)
    errors = [each.exception(0) for each in futures]
    assert {type(each) for each in errors} == {InitializerFailed}
    assert len(set(map(id, errors))) == 20
    cause = errors[0].__cause__ if errors[0] else None
    assert isinstance(cause, LookupError)
    with pytest.raises(InitializerFailed, match="LookupError: no licence; mend it"):
        executor.submit(int)
    executor.shutdown()
    assert set(house.begun()) == {-100}
    assert len(house.begun()) <= 2  # once in each
    with DaskExecutor(client, at_most_once=once) as another:  # which has none
        assert another.submit(int, "3").result(PATIENCE) == 3


def test_an_initializer_that_ends_its_worker_costs_a_call_each_time(house: House) -> None:
    with (
        local(1) as client,
        DaskExecutor(client, initializer=_end, initargs=(house.log,)) as executor,
    ):
        for _ in range(2):
            assert isinstance(executor.submit(int).exception(PATIENCE), WorkerLost)
    assert house.begun() == [-100, -100]


def test_initializers_are_looked_at(client: Foreign) -> None:
    with pytest.raises(TypeError, match="initializer must be a callable or None, not 3"):
        DaskExecutor(client, initializer=cast("type[int]", 3))
    with pytest.raises(TypeError, match="initargs must be an iterable"):
        DaskExecutor(client, initializer=int, initargs=cast("list[int]", 3))
    with pytest.raises(TypeError, match="lock") as raised:
        DaskExecutor(client, initializer=int, initargs=[threading.Lock()])
    assert "while pickling the arguments of call int in the client" in raised.value.__notes__[0]


@pytest.mark.parametrize(
    ("limit", "error", "says"),
    [
        (0, ValueError, "greater than 0 seconds, not 0: pass None for no limit"),
        (float("nan"), ValueError, "greater than 0 seconds, not nan"),
        (float("inf"), ValueError, "pass None for no limit"),
        ("1", TypeError, "number of seconds or None, not '1' of type str"),
    ],
)
def test_limits_are_looked_at(
    client: Foreign, limit: float, error: type[Exception], says: str
) -> None:
    with pytest.raises(error, match=says):
        DaskExecutor(client, silence_limit=limit)
