"""Where foregone differs on purpose, row by row, as far as threads are concerned."""

import itertools
import threading
from collections.abc import Callable, Iterator
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


# ------------------------------------------- M4: who waits is told of the end


def waits_for(futures: "list[Future[Any]]") -> Callable[[], set[Any]]:
    """Begin to wait in a thread; return what gives the futures that were done."""
    back: list[set[Any]] = []
    thread = threading.Thread(
        target=lambda: back.append(foregone.wait(futures, PATIENCE).done), name="foregone-waits"
    )
    thread.start()

    def join() -> set[Any]:
        thread.join(PATIENCE)
        assert not thread.is_alive()
        return back[0]

    return join


def test_cancel_tells_who_waits() -> None:
    with busy() as pool:
        queued = pool.submit(int)
        done = waits_for([queued])
        assert queued.cancel()
        assert done() == {queued}
        assert foregone.wait([queued], 0).done == {queued}
        assert list(foregone.as_completed([queued], 0)) == [queued]
        assert queued._now.value == "CANCELLED_AND_NOTIFIED"


def test_a_bare_future_keeps_the_two_steps() -> None:
    bare = Future[int]()
    assert bare.cancel()
    assert bare.done()
    assert foregone.wait([bare], 0) == (set(), {bare})
    assert not bare.set_running_or_notify_cancel()
    assert foregone.wait([bare], 0) == ({bare}, set())


def test_shutdown_tells_who_waits() -> None:
    with busy() as pool:
        queued = [pool.submit(int) for _ in range(3)]
        done = waits_for([*queued])
        pool.shutdown(wait=False, cancel_futures=True)
        assert done() == set(queued)
        assert foregone.wait(queued, 0).done == set(queued)


# ------------------------------------------------- M8: somebody else settles it


def test_somebody_else_settles_a_future_of_ours() -> None:
    release, begun = threading.Event(), threading.Event()

    def call() -> str:
        begun.set()
        release.wait(PATIENCE)
        return "the pool's"

    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(call)
        queued: Future[Any] = pool.submit(call)
        claimed: Future[Any] = pool.submit(call)
        assert begun.wait(PATIENCE)
        running.set_result("somebody's")
        queued.set_exception(KeyError())
        assert claimed.set_running_or_notify_cancel()
        release.set()
        assert pool.submit(int, "1").result(PATIENCE) == 1  # the pool lives
        assert running.result() == "somebody's"
        assert isinstance(queued.exception(), KeyError)
        claimed.set_result("somebody's")


# --------------------------------------- M14: what raises was not accepted


def test_submit_that_raises_never_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    ran: list[int] = []

    def refuse(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    with ThreadPoolExecutor(2) as pool:
        with monkeypatch.context() as patch:
            patch.setattr(threading.Thread, "start", refuse)
            with pytest.raises(RuntimeError, match="can't start new thread"):
                pool.submit(ran.append, 1)
        pool.submit(ran.append, 2).result(PATIENCE)
    assert ran == [2]


def test_every_accepted_call_ends_though_the_executor_is_gone() -> None:
    """M11: collected before its initializer fails."""
    release = threading.Event()

    def fails() -> None:
        release.wait(PATIENCE)
        raise ValueError

    queued = ThreadPoolExecutor(1, initializer=fails).submit(int)
    release.set()
    with pytest.raises(BrokenThreadPool):
        queued.result(PATIENCE)


# ---------------------------------------------- M5, M17: requests get stronger


def test_a_later_shutdown_takes_nothing_back() -> None:
    with busy() as pool:
        queued = pool.submit(int)
        pool.shutdown(wait=False, cancel_futures=True)
        pool.shutdown(wait=False)
        assert queued.cancelled()
    with busy() as pool:
        later = pool.submit(int)
        pool.shutdown(wait=False)
        pool.shutdown(wait=False, cancel_futures=True)
        assert later.cancelled()


def test_every_shutdown_waits() -> None:
    release = threading.Event()
    pool = ThreadPoolExecutor(1)
    running = pool.submit(release.wait, PATIENCE)
    pool.shutdown(wait=False)
    back: list[bool] = []

    def close() -> None:
        pool.shutdown()
        back.append(running.done())

    closers = [threading.Thread(target=close) for _ in range(3)]
    for each in closers:
        each.start()
    assert not back
    release.set()
    for each in closers:
        each.join()
    assert back == [True] * 3


def test_shutdown_from_a_thread_of_the_pool() -> None:
    with ThreadPoolExecutor(1) as pool:
        with pytest.raises(RuntimeError, match=r"cannot join current thread.*pass wait=False"):
            pool.submit(pool.shutdown).result(PATIENCE)
        with pytest.raises(RuntimeError, match="after shutdown"):  # the request was recorded
            pool.submit(int)


# ------------------------------------------------------------------ waiting, map


def test_as_completed_counts_from_the_call() -> None:
    """M24: the time between the call and the first next() counts."""
    pending = Future[int]()
    found = foregone.as_completed([pending], timeout=0.02)
    threading.Event().wait(0.03)
    with pytest.raises(TimeoutError, match=r"1 \(of 1\) futures unfinished"):
        next(found)


def test_wait_leaves_no_waiter() -> None:
    """M18: whatever ends a wait, nobody is left installed."""
    pending = Future[int]()
    foregone.wait([pending], 0)
    found = foregone.as_completed([pending], 0)
    with pytest.raises(TimeoutError):
        next(found)
    assert pending._installed is None


def test_map_whose_input_raises_cancels_what_it_submitted() -> None:
    """M25."""
    ran: list[int] = []

    def numbers() -> Iterator[int]:
        yield 1
        yield 2
        raise LookupError("input")

    with busy() as pool, pytest.raises(LookupError, match="input"):
        pool.map(ran.append, numbers())
    assert not ran


def test_map_with_a_buffer_yields_all_before_the_input_raises() -> None:
    def numbers() -> Iterator[int]:
        yield from (1, 2, 3)
        raise LookupError("input")

    with ThreadPoolExecutor(1) as pool:
        results = pool.map(abs, numbers(), buffersize=2)
        assert list(itertools.islice(results, 3)) == [1, 2, 3]
        with pytest.raises(LookupError, match="input"):
            next(results)


def test_map_with_a_buffer_and_nobody_holds_the_executor() -> None:
    """M7: all eight, not two."""
    assert list(ThreadPoolExecutor(2).map(abs, range(8), buffersize=2)) == list(range(8))


def test_map_with_a_buffer_and_a_shutdown() -> None:
    """M7: all that was submitted, then the error."""
    pool = ThreadPoolExecutor(1)
    results = pool.map(abs, range(8), buffersize=3)
    assert next(results) == 0
    pool.shutdown()
    assert list(itertools.islice(results, 3)) == [1, 2, 3]
    with pytest.raises(RuntimeError, match="after shutdown"):
        next(results)
    with pytest.raises(StopIteration):
        next(results)
