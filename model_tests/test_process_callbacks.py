"""Callbacks on the futures of a process pool: what they may do, and whom they delay."""

import logging
import threading
from collections.abc import Callable, Iterator
from functools import partial
from multiprocessing import get_context
from typing import Any

import pytest

from foregone import Future, ProcessPoolExecutor, wait
from foregone.process import BrokenProcessPool
from model_tests import process_calls as calls
from model_tests.process_calls import House
from model_tests.process_pools import METHODS, values
from model_tests.process_world import PATIENCE, until

pytestmark = pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")


@pytest.fixture(params=METHODS)
def pool(request: pytest.FixtureRequest) -> Iterator[ProcessPoolExecutor]:
    with ProcessPoolExecutor(1, get_context(request.param)) as made:
        yield made


@pytest.fixture
def forked() -> Iterator[ProcessPoolExecutor]:
    with ProcessPoolExecutor(1, get_context("fork")) as made:
        yield made


def tried(told: list[Any], act: Callable[[], object]) -> Callable[[object], None]:
    """Return a callback that does ``act`` and notes what came out."""

    def callback(_: object) -> None:
        try:
            told.append(act())
        except BaseException as error:
            told.append(error)

    return callback


def test_a_callback_submits(pool: ProcessPoolExecutor) -> None:
    """Each result submits the next call, to any depth."""
    found: list[int] = []
    over = threading.Event()

    def callback(future: Future[int]) -> None:
        found.append(future.result())
        if len(found) == 200:
            over.set()
        else:
            pool.submit(abs, -len(found)).add_done_callback(callback)

    pool.submit(abs, 0).add_done_callback(callback)
    assert over.wait(PATIENCE)
    assert found == list(range(200))


def test_a_callback_cancels(forked: ProcessPoolExecutor, house: House) -> None:
    first = forked.submit(calls.held, house.log, 0, house.gate)
    others = [forked.submit(calls.value, house.log, number) for number in range(1, 50)]
    told: list[Any] = []
    for each in others:
        each.add_done_callback(lambda each: told.append(each.cancelled()))
    others[0].add_done_callback(lambda _: [each.cancel() for each in others[25:]])
    assert until(lambda: house.begun() == [0])
    assert others[0].cancel()  # here, in this thread
    assert told == [True] * 25
    house.open()
    assert first.result(PATIENCE) == 1
    assert [each.result(PATIENCE) for each in others[1:25]]
    assert until(lambda: len(told) == 49)
    assert house.begun() == [0, *range(2, 26)]


@pytest.mark.parametrize("cancel", [False, True])
def test_a_callback_shuts_down(cancel: bool, house: House) -> None:
    """With wait it is told that it cannot wait for itself; what it asked for is done."""
    executor = ProcessPoolExecutor(1, get_context("fork"))
    told: list[Any] = []
    first = executor.submit(calls.held, house.log, 0, house.gate)
    others = [executor.submit(calls.value, house.log, number) for number in range(1, 40)]
    first.add_done_callback(tried(told, partial(executor.shutdown, cancel_futures=cancel)))
    house.open()
    assert until(lambda: told)
    assert isinstance(told[0], RuntimeError)
    assert "join" in str(told[0])
    with pytest.raises(RuntimeError, match="shutdown"):
        executor.submit(int)
    executor.shutdown()
    assert all(each.done() for each in others)
    assert cancel or all(each.result() for each in others)
    assert len(house.begun()) == 1 + sum(not each.cancelled() for each in others)


def test_a_callback_that_blocks_delays_callbacks_only(
    pool: ProcessPoolExecutor, house: House
) -> None:
    """M26: other results arrive, other calls are sent, a submit and a cancel go through."""
    release = threading.Event()
    told: list[object] = []
    first = pool.submit(calls.held, house.log, 300, house.gate)
    first.add_done_callback(lambda _: release.wait(PATIENCE))
    first.add_done_callback(told.append)
    futures = [pool.submit(calls.value, house.log, number) for number in range(300)]
    for each in futures:  # none is done yet: its callback would run here
        each.add_done_callback(told.append)
    house.open()
    assert [each.result(PATIENCE) for each in futures] == values(range(300))
    house.shut()
    busy = pool.submit(calls.held, house.log, 301, house.gate)
    assert until(lambda: 301 in house.begun())
    assert pool.submit(int).cancel()
    assert pool.submit(calls.same, calls.NoPickle()).exception(PATIENCE)
    assert not told
    release.set()
    house.open()
    assert busy.result(PATIENCE)
    assert until(lambda: len(told) == 301)
    assert told == [first, *futures]


def test_a_callback_waits_for_another_call(forked: ProcessPoolExecutor) -> None:
    told: list[Any] = []
    first = forked.submit(abs, -1)
    first.add_done_callback(tried(told, lambda: forked.submit(abs, -2).result(PATIENCE)))
    assert until(lambda: told) == [2]


def test_a_callback_blocks_while_more_is_submitted_than_a_pipe_holds(
    forked: ProcessPoolExecutor,
) -> None:
    """M3: as many wake-ups as fit no pipe; the submitter never waits for the callback."""
    release = threading.Event()
    told: list[Any] = []
    first = forked.submit(abs, -1)
    first.add_done_callback(tried(told, lambda: release.wait(PATIENCE)))
    futures = [forked.submit(abs, number) for number in range(20_000)]
    release.set()
    assert futures[-1].result(PATIENCE) == 19_999
    assert until(lambda: told) == [True]


@pytest.mark.parametrize("error", [ValueError("x"), SystemExit(3), KeyboardInterrupt()], ids=repr)
def test_what_a_callback_raises_is_logged(
    forked: ProcessPoolExecutor, error: BaseException, caplog: pytest.LogCaptureFixture
) -> None:
    """M9: it ends no thread, and later callbacks run."""
    told: list[object] = []
    future = forked.submit(abs, -1)
    future.add_done_callback(lambda _: calls.raises(error))
    future.add_done_callback(told.append)
    assert until(lambda: told) == [future]
    assert [forked.submit(abs, number).result(PATIENCE) for number in range(5)] == list(range(5))
    assert any(each.levelno >= logging.ERROR for each in caplog.records)


@pytest.mark.parametrize("method", METHODS)
def test_a_callback_submits_when_the_pool_breaks(method: str, house: House) -> None:
    """M2: it is refused; neither it nor anybody else gets stuck."""
    with ProcessPoolExecutor(1, get_context(method)) as executor:
        told: list[Any] = []
        executor.submit(calls.held, house.log, 0, house.gate)
        futures: list[Future[int]] = [executor.submit(calls.dies, house.log, 1, "SIGKILL")]
        futures.extend(executor.submit(int) for _ in range(5))
        for each in futures:
            each.add_done_callback(tried(told, lambda: executor.submit(int)))
            each.add_done_callback(tried(told, lambda: executor.shutdown(wait=False)))
        house.open()
        assert not wait(futures, PATIENCE).not_done
        assert until(lambda: len(told) == 12)
        assert sum(isinstance(each, BrokenProcessPool) for each in told) == 6
        assert told.count(None) == 6


def test_a_third_party_ends_a_future(
    forked: ProcessPoolExecutor, house: House, caplog: pytest.LogCaptureFixture
) -> None:
    """M8: the call's own result is dropped; the pool lives."""
    running = forked.submit(calls.held, house.log, 0, house.gate)
    queued = forked.submit(calls.value, house.log, 1)
    assert until(lambda: house.begun() == [0])
    running.set_result(99)
    queued.set_exception(ValueError("mine"))
    house.open()
    assert forked.submit(calls.value, house.log, 2).result(PATIENCE) == 15
    assert running.result(0) == 99
    assert isinstance(queued.exception(0), ValueError)
