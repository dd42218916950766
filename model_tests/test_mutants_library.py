"""Small facts of the library, each of which a mutant once got away with.

What happens when Ctrl-C arrives within a step is made to happen here by a waiter, or an
observer's log, that raises KeyboardInterrupt at that place.
"""

import concurrent.futures
import inspect
import os
import re
import threading
from collections.abc import Callable, Generator, Iterable
from typing import cast

import pytest

import foregone
from foregone import fork, interpreter_exit, observer
from foregone.future import Future, OwnedFuture
from foregone.waiting import _Waiter
from foregone.worker import Worker
from foregone_spec.waiting import ReturnWhen

Ends = Callable[[Future[int]], object]


class Waiter:
    """Notes how it is told; raises KeyboardInterrupt the first so many times."""

    def __init__(self, interrupts: int = 0) -> None:
        self.interrupts = interrupts
        self.told: list[str] = []

    def _note(self, how: str) -> None:
        if self.interrupts:
            self.interrupts -= 1
            raise KeyboardInterrupt
        self.told.append(how)

    def add_result(self, future: object) -> None:
        self._note("result")

    def add_exception(self, future: object) -> None:
        self._note("exception")

    def add_cancelled(self, future: object) -> None:
        self._note("cancelled")


def entry(waiter: Waiter) -> tuple[concurrent.futures._base._Waiter]:
    """Return a waiter as the future takes it."""
    return (cast("concurrent.futures._base._Waiter", waiter),)


def left(future: Future[int]) -> list[object]:
    """Return the waiters that are installed."""
    return [*(future._installed or ())]


ENDS: dict[str, tuple[type[Future[int]], Ends]] = {
    "result": (Future, lambda future: future.set_result(1)),
    "exception": (Future, lambda future: future.set_exception(ValueError())),
    "cancelled": (OwnedFuture, lambda future: future.cancel()),
}


@pytest.mark.parametrize("how", ENDS)
def test_who_leaves_takes_nobody_along(how: str) -> None:
    make, end = ENDS[how]
    future = make()
    waiters = [Waiter(), Waiter(), Waiter()]
    entries = [entry(each) for each in waiters]
    for each in entries:
        assert future._install(each)
    future._uninstall(entries[1])
    assert left(future) == [waiters[0], waiters[2]]
    future._uninstall(entries[1])  # once more is no more
    future._uninstall(entries[0])
    assert left(future) == [waiters[2]]
    end(future)
    assert [each.told for each in waiters] == [[], [], [how]]
    assert future._installed is None


def test_the_last_who_leaves_leaves_nothing() -> None:
    future: Future[int] = Future()
    one, other = entry(Waiter()), entry(Waiter())
    future._install(one)
    future._uninstall(one)
    assert future._installed is None
    future._install(one)
    future._install(other)
    future._uninstall(one)
    future._uninstall(other)
    assert future._installed is None


@pytest.mark.parametrize("how", ENDS)
def test_an_interrupt_among_the_effects_leaves_none_out(how: str) -> None:
    """Who tells the waiters is interrupted: they are told, and callbacks run, all the same."""
    make, end = ENDS[how]
    future, waiter = make(), Waiter(interrupts=1)
    ran: list[object] = []
    future._install(entry(waiter))
    future.add_done_callback(ran.append)
    with pytest.raises(KeyboardInterrupt):
        end(future)
    assert (waiter.told, ran, future.done()) == ([how], [future], True)


class Interrupted(list[observer.Entry]):
    """A log that raises KeyboardInterrupt, once, when something of a kind is added."""

    def __init__(self, kind: str) -> None:
        super().__init__()
        self.kind = kind

    def __iadd__(self, other: Iterable[observer.Entry]) -> "Interrupted":  # type: ignore[override,misc]
        for each in other:
            if each[0] == self.kind:
                self.kind = ""
                raise KeyboardInterrupt
        return self


@pytest.mark.parametrize("how", ENDS)
def test_an_interrupt_after_the_decision_leaves_no_effect_out(how: str) -> None:
    """The step is made, under its lock, and then Ctrl-C arrives: what follows still follows."""
    make, end = ENDS[how]
    future, waiter = make(), Waiter()
    future._install(entry(waiter))
    seen: list[object] = []
    future.add_done_callback(seen.append)
    observer.log = Interrupted("Future")
    try:
        with pytest.raises(KeyboardInterrupt):
            end(future)
    finally:
        observer.log = None
    assert (waiter.told, seen, future.done()) == ([how], [future], True)


@pytest.mark.parametrize("when", ReturnWhen)
@pytest.mark.parametrize("needs", [2, 3])
def test_what_is_enough_though_one_is_noted_twice(when: ReturnWhen, needs: int) -> None:
    """After Ctrl-C a future may be noted twice: it counts once."""
    fine: Future[int] = Future()
    fine.set_result(1)
    failed: Future[int] = Future()
    failed.set_exception(ValueError())
    gone: Future[int] = OwnedFuture()
    gone.cancel()
    for noted, first_exception in (
        ([fine, fine], False),
        ([failed, failed], True),
        ([gone, gone], False),
        ([fine, failed, fine], True),
        ([fine, gone, fine], False),
    ):
        waiter: _Waiter[int] = _Waiter(when, needs)
        waiter.noted.extend(noted)
        enough = {
            ReturnWhen.FIRST_COMPLETED: True,
            ReturnWhen.FIRST_EXCEPTION: first_exception or len(set(noted)) >= needs,
            ReturnWhen.ALL_COMPLETED: len(set(noted)) >= needs,
        }
        assert waiter.has_enough() is enough[when], (noted, when)


def test_result_with_no_time_to_wait_blocks_nobody() -> None:
    """Zero and less look once: no gate is made, and none is left."""
    future: Future[int] = Future()
    for seconds in (0, -1):
        with pytest.raises(foregone.TimeoutError):
            future.result(seconds)
        assert (future._blocked, future._lock) == (None, None)


def test_who_gives_up_leaves_the_others_blocked() -> None:
    future: Future[int] = Future()
    got: list[int] = []
    thread = threading.Thread(target=lambda: got.append(future.result()))
    thread.start()
    while not future._blocked:
        thread.join(0.01)
    with pytest.raises(foregone.TimeoutError):
        future.result(0.01)
    future.set_result(7)
    thread.join()
    assert got == [7]


# --------------------------------------------------------------------------- waiting


def test_who_complains_says_his_name() -> None:
    future: Future[int] = Future()
    calls: dict[str, Callable[..., object]] = {
        "wait()": foregone.wait,
        "as_completed()": foregone.as_completed,
    }
    for name, call in calls.items():
        with pytest.raises(TypeError, match=rf"^{re.escape(name)} takes an iterable of futures"):
            call(7)
        with pytest.raises(TypeError, match=rf"^{re.escape(name)}: timeout must be a number"):
            call([future], timeout="soon")


def test_one_who_is_told_twice_waits_no_longer_than_he_wants() -> None:
    """One of two has ended, and was noted twice: that opens the gate, and is not enough."""
    one: Future[int] = Future()
    other: Future[int] = Future()

    def tell_twice() -> None:
        while not one._installed:
            time_passes()
        (waiter,) = one._installed
        one.set_result(1)
        waiter.add_result(one)

    thread = threading.Thread(target=tell_twice)
    thread.start()
    done, not_done = foregone.wait([one, other], timeout=0.5)
    thread.join()
    assert (done, not_done) == ({one}, {other})


def time_passes() -> None:
    """Let others go on for a moment."""
    threading.Event().wait(0.005)


class Stubborn(Future[int]):
    """Interrupts whoever installs a waiter on it after he has installed it elsewhere."""

    others: list["Stubborn"]

    def _install(self, entry: "tuple[concurrent.futures._base._Waiter, ...]") -> bool:
        if any(each._installed for each in self.others):
            raise KeyboardInterrupt
        return super()._install(entry)


@pytest.mark.parametrize("call", [foregone.wait, lambda them: list(foregone.as_completed(them))])
def test_who_is_interrupted_among_his_visits_leaves_no_waiter(
    call: Callable[[list[Stubborn]], object],
) -> None:
    futures = [Stubborn() for _ in range(3)]
    for each in futures:
        each.others = futures
    with pytest.raises(KeyboardInterrupt):
        call(futures)
    assert [each._installed for each in futures] == [None, None, None]


@pytest.mark.parametrize("how", ["result", "exception"])
def test_as_completed_yields_the_first_at_once(how: str) -> None:
    one: Future[int] = Future()
    other: Future[int] = Future()
    iterator = foregone.as_completed([one, other], timeout=20)
    timer = threading.Timer(0.05, lambda: ENDS[how][1](one))
    timer.start()
    assert next(iterator) is one
    timer.join()
    del iterator  # a generator, which is closed
    assert other._installed is None


class Reluctant(Future[int]):
    """Interrupts who would remove a waiter from it, once."""

    interrupts = 0

    def _uninstall(self, entry: "tuple[concurrent.futures._base._Waiter, ...]") -> None:
        if Reluctant.interrupts:
            Reluctant.interrupts -= 1
            raise KeyboardInterrupt
        super()._uninstall(entry)


def closed(futures: list[Reluctant]) -> None:
    """Begin to wait for each as it ends, and stop after the first."""
    timer = threading.Timer(0.05, futures[0].set_result, (1,))
    timer.start()
    iterator = foregone.as_completed(futures)
    try:
        assert next(iterator) is futures[0]
        timer.join()
        Reluctant.interrupts = 1
    finally:
        cast("Generator[object, None, None]", iterator).close()


def timed_out(futures: list[Reluctant]) -> None:
    """Wait for what does not end."""
    Reluctant.interrupts = 1
    foregone.wait(futures, timeout=0.01)


@pytest.mark.parametrize("stops", [closed, timed_out])
def test_who_is_interrupted_as_he_leaves_leaves_no_waiter(
    stops: Callable[[list[Reluctant]], None],
) -> None:
    futures = [Reluctant() for _ in range(3)]
    with pytest.raises(KeyboardInterrupt):
        stops(futures)
    assert Reluctant.interrupts == 0
    assert [each._installed for each in futures] == [None, None, None]


# ----------------------------------------------------------------------- thread pool


def test_a_pool_is_told_of_forks_and_of_the_end_of_the_interpreter() -> None:
    with foregone.ThreadPoolExecutor(1) as executor:
        assert executor._pool in fork.pools.all()
        assert executor._pool in interpreter_exit.pools.all()


def test_a_pool_that_is_made_as_the_interpreter_ends_takes_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(interpreter_exit, "begun", lambda: True)
    executor = foregone.ThreadPoolExecutor(1)
    with pytest.raises(RuntimeError, match="after interpreter shutdown"):
        executor.submit(int)
    executor.shutdown()


def test_who_cancels_what_is_queued_and_is_interrupted_cancels_what_he_took() -> None:
    executor = foregone.ThreadPoolExecutor(1)
    begun, held = threading.Event(), threading.Event()

    def holds() -> None:
        begun.set()
        held.wait()

    runs = executor.submit(holds)
    begun.wait()
    queued = executor.submit(int)
    observer.log = Interrupted("Discard")
    try:
        with pytest.raises(KeyboardInterrupt):
            executor.shutdown(wait=False, cancel_futures=True)
    finally:
        observer.log = None
        held.set()
    assert queued.cancelled()
    assert executor._pool.discarding == []
    executor.shutdown()
    assert runs.done()


def test_who_ends_a_pool_and_is_interrupted_wakes_its_threads() -> None:
    executor = foregone.ThreadPoolExecutor(2)
    executor.submit(int).result()
    (worker,) = executor._pool.workers
    while not executor._pool.parked:
        time_passes()
    observer.log = Interrupted("Ask")
    try:
        with pytest.raises(KeyboardInterrupt):
            executor.shutdown(wait=False)
    finally:
        observer.log = None
    worker.thread.join(20)
    assert not worker.thread.is_alive()
    with pytest.raises(RuntimeError, match="after shutdown"):
        executor.submit(int)
    executor.shutdown()


def test_who_waited_for_the_end_leaves_no_gate() -> None:
    executor = foregone.ThreadPoolExecutor(2)
    futures = [executor.submit(int) for _ in range(4)]
    executor.shutdown()
    pool = executor._pool
    assert (pool.closers, pool.alive, pool.parked) == ([], 0, [])
    assert all(each.done() for each in futures)
    assert not any(worker.thread.is_alive() for worker in pool.workers)


def test_what_a_broken_pool_says_is_what_cpython_says() -> None:
    said = "A thread initializer failed, the thread pool is not usable anymore"
    executor = foregone.ThreadPoolExecutor(1, initializer=int, initargs=("x",))
    future = executor.submit(int)
    assert str(future.exception()) == said
    with pytest.raises(foregone.BrokenThreadPool) as broken:
        executor.submit(int)
    assert str(broken.value) == said
    executor.shutdown()


def test_a_new_worker_holds_nothing_and_sleeps_if_it_parks() -> None:
    executor = foregone.ThreadPoolExecutor(1)
    worker = Worker(executor._pool, "one")
    assert worker.holds is None
    assert not worker.gate.acquire(blocking=False)
    assert worker.seat.acquire(blocking=False)
    assert worker.thread.name == "one"
    executor.shutdown()


@pytest.mark.parametrize(
    ("processors", "threads"), [(None, 5), (1, 5), (8, 12), (28, 32), (64, 32)]
)
def test_how_many_threads_if_nothing_is_said(
    processors: int | None, threads: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("cpu_count", "process_cpu_count"):
        monkeypatch.setattr(os, name, lambda: processors, raising=False)
    executor = foregone.ThreadPoolExecutor()
    assert executor._pool.limit == threads
    executor.shutdown()


def test_what_an_executor_is_by_itself() -> None:
    executor = foregone.Executor()
    with pytest.raises(NotImplementedError):
        executor.submit(int)
    given = inspect.signature(executor.map).parameters
    names = ("timeout", "chunksize", "buffersize")
    assert [given[name].default for name in names] == [None, 1, None]
