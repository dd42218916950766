"""Callbacks, where foregone differs on purpose: no lock, no harm, in the order added."""

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

import foregone
from foregone import BrokenThreadPool, Future, ThreadPoolExecutor

PATIENCE = 30.0


@contextmanager
def busy(**options: Any) -> Iterator[ThreadPoolExecutor]:  # noqa: ANN401  the executor's own
    """Yield a pool whose one thread is busy until the end of the block."""
    release, begun = threading.Event(), threading.Event()

    def occupy() -> None:
        begun.set()
        release.wait(PATIENCE)

    pool = ThreadPoolExecutor(1, **options)
    pool.submit(occupy)
    assert begun.wait(PATIENCE)
    try:
        yield pool
    finally:
        release.set()
        pool.shutdown()


# ------------------------------------ M2, M13: user code runs under no lock


def test_callbacks_may_call_anything() -> None:
    seen: list[Any] = []

    def callback(future: "Future[int]") -> None:
        seen.append(future.cancelled())
        with pytest.raises(RuntimeError, match="after shutdown"):
            pool.submit(int)
        pool.shutdown(wait=False, cancel_futures=True)
        future.cancel()
        future.add_done_callback(lambda _: seen.append("nested"))
        foregone.wait([future], 0)

    with busy() as pool:
        for _ in range(3):
            pool.submit(int).add_done_callback(callback)
        pool.shutdown(wait=False, cancel_futures=True)
        assert sorted(seen, key=str) == [True] * 3 + ["nested"] * 3


def test_callbacks_of_a_broken_pool_may_call_anything() -> None:
    release = threading.Event()
    seen: list[type] = []

    def fails() -> None:
        release.wait(PATIENCE)
        raise ValueError

    def callback(future: "Future[int]") -> None:
        with pytest.raises(BrokenThreadPool):
            pool.submit(int)
        pool.shutdown(wait=False)
        seen.append(type(future.exception()))

    pool = ThreadPoolExecutor(1, initializer=fails)
    queued = pool.submit(int)
    queued.add_done_callback(callback)
    release.set()
    pool.shutdown()
    assert seen == [BrokenThreadPool]


# --------------------------------------------- M9: what callbacks raise, M19


@pytest.mark.parametrize("error", [KeyError, GeneratorExit, KeyboardInterrupt, SystemExit])
def test_a_thread_survives_what_a_callback_raises(
    error: type[BaseException], caplog: pytest.LogCaptureFixture
) -> None:
    ran: list[str] = []

    def raises(_: object) -> None:
        raise error

    release = threading.Event()
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(release.wait, PATIENCE)
        first.add_done_callback(raises)
        first.add_done_callback(lambda _: ran.append("the next one"))
        release.set()
        assert pool.submit(int, "1").result(PATIENCE) == 1
    assert ran == ["the next one"]
    assert [each.levelno for each in caplog.records] == [logging.ERROR]
    assert "exception calling callback" in caplog.text


@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit])
def test_an_interrupt_in_a_callback_reaches_who_cancels_or_adds(
    error: type[BaseException],
) -> None:
    ran: list[str] = []

    def raises(_: object) -> None:
        raise error

    with busy() as pool:
        queued = pool.submit(int)
        queued.add_done_callback(raises)
        queued.add_done_callback(lambda _: ran.append("the next one"))
        with pytest.raises(error):
            queued.cancel()
        assert queued.cancelled()
        assert ran == ["the next one"]
        with pytest.raises(error):
            queued.add_done_callback(raises)


def test_an_error_in_a_callback_does_not_reach_who_cancels(
    caplog: pytest.LogCaptureFixture,
) -> None:
    def raises(_: object) -> None:
        raise GeneratorExit

    subject = Future[int]()
    subject.add_done_callback(raises)
    assert subject.cancel()
    subject.add_done_callback(raises)
    assert len(caplog.records) == 2


def test_callbacks_run_in_the_order_added() -> None:
    """Added while others run, by another thread or by a callback: after those before."""
    subject = Future[int]()
    ran: list[int] = []

    def first(future: "Future[int]") -> None:
        future.add_done_callback(lambda _: ran.append(3))
        racer = threading.Thread(target=future.add_done_callback, args=(lambda _: ran.append(4),))
        racer.start()
        racer.join()
        ran.append(1)

    subject.add_done_callback(first)
    subject.add_done_callback(lambda _: ran.append(2))
    subject.set_result(0)
    assert ran == [1, 2, 3, 4]
    subject.add_done_callback(lambda _: ran.append(5))  # all have run: at once
    assert ran[-1] == 5


def test_a_callback_that_is_added_twice_runs_twice() -> None:
    subject, ran = Future[int](), list[Future[int]]()
    subject.add_done_callback(ran.append)
    subject.add_done_callback(ran.append)
    subject.set_result(0)
    assert ran == [subject, subject]
