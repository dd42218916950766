"""Processes that are forked together, before the first thread: all of them, or none."""

import errno
import gc
import multiprocessing
import os
import select
import signal
import threading
import warnings
from collections.abc import Callable
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from typing import NoReturn, cast

import pytest

from foregone import ProcessPoolExecutor
from foregone.process_pool import start
from foregone.process_pool.call_queue import CallQueue
from foregone.process_pool.local_worker import LocalWorker
from foregone.process_pool.poller import SystemPoller
from foregone.process_pool.ports import Poller, Process, Thread
from foregone.process_pool.rooms import Pool
from foregone.process_pool.start import Multiprocessing
from foregone_spec.lifecycle import Request
from model_tests.process_world import PATIENCE, descriptors, pool_processes, until

pytestmark = pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")

WORKERS = 3
REFUSED = BlockingIOError(errno.EAGAIN, "Resource temporarily unavailable")
#: Where a start is ended, by what; and at which time of coming there.
PLACES = [
    (BaseProcess, "start", REFUSED, WORKERS),
    (start, "_shared_memory", OSError(errno.EMFILE, "Too many open files"), WORKERS),
    (start._Started, "launch", KeyboardInterrupt(), 2),
    (start._Started, "launched", KeyboardInterrupt(), 2),
    (start._Started, "_close_far", KeyboardInterrupt(), 1),
    (Connection, "close", KeyboardInterrupt(), WORKERS + 2),  # WORKERS times of the memory
    (start, "_pidfd", KeyboardInterrupt(), 2),
    (SystemPoller, "watch", KeyboardInterrupt(), 2),
    (LocalWorker, "adopt", KeyboardInterrupt(), 2),
    (Multiprocessing, "poller", OSError(errno.EMFILE, "Too many open files"), 1),
]


@pytest.mark.parametrize(("owner", "name", "error", "time"), PLACES, ids=str)
def test_a_start_that_ends_in_the_middle(
    owner: object, name: str, error: BaseException, time: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is left of those that were started, or were to be; the next start is whole."""
    made: Callable[..., object] = getattr(owner, name)
    times = iter(range(1, time + 1))

    def ends(*arguments: object) -> object:
        if next(times, 0) == time:
            raise error
        return made(*arguments)

    before, held = descriptors(), set(start._held)
    pool = Pool(WORKERS, Multiprocessing(multiprocessing.get_context("fork")))
    with monkeypatch.context() as patch:
        patch.setattr(owner, name, ends)
        with pytest.raises(type(error)) as raised:
            pool.submit(abs, (-7,), {})
    assert raised.value is error
    assert not pool.queues
    assert until(lambda: not pool_processes())
    del raised  # with it go the frames that hold what was made
    error.__traceback__ = None
    assert until(lambda: gc.collect() >= 0 and descriptors() == before)
    assert start._held == held
    assert pool.submit(abs, (-8,), {}).result(PATIENCE) == 8
    assert len(pool.queues) == WORKERS
    pool.ask(Request.SHUTDOWN)
    pool.join()
    assert start._held == held
    assert until(lambda: gc.collect() >= 0 and descriptors() == before)


def test_each_process_has_its_own_ends_only() -> None:
    """What was made for the others, before or after it was forked, is closed in it."""
    before = names_of_open()[1]
    pool = Pool(WORKERS, Multiprocessing(multiprocessing.get_context("fork")))
    calls = [pool.submit(names_of_open, (), {}) for _ in range(8 * WORKERS)]
    found = dict(each.result(PATIENCE) for each in calls)
    of_the_parent = names_of_open()[1]
    lives = [cast("start._Started", each.process)._life for each in pool.queues]
    lines = {os.readlink(f"/proc/self/fd/{fd}") for fd in lives}
    for names in found.values():
        (lane,) = (name for name in names - before if name.startswith("socket"))
        assert lane not in of_the_parent
        assert len(names & lines) == 1  # both ends of a pipe have one name
    assert len({frozenset(names & lines) for names in found.values()}) == len(found)
    pool.ask(Request.SHUTDOWN)
    pool.join()


def names_of_open() -> tuple[int, set[str]]:
    """Return which process this is, and what it has open."""
    names = set()
    for each in os.listdir("/proc/self/fd"):
        try:
            names.add(os.readlink(f"/proc/self/fd/{each}"))
        except FileNotFoundError:
            pass  # the one that listed
    return os.getpid(), names


class Early(Multiprocessing):
    """A system in which somebody ends the pool before there is anything to wake.

    Its thread looks for the first time when the only call has been dropped.
    """

    pool: Pool

    def __init__(self, gate: int) -> None:
        super().__init__(multiprocessing.get_context("fork"), os.read, (gate, 1))
        self.submitted = threading.Event()

    def poller(self) -> Poller:
        for call in self.pool.waiting.copy():
            call.cancel()
        asking = threading.Thread(target=self.pool.ask, args=(Request.SHUTDOWN,))
        asking.start()
        asking.join()
        return super().poller()

    def thread(self, target: Callable[[], None], name: str) -> Thread:
        def run() -> None:
            assert self.submitted.wait(PATIENCE)
            target()

        return super().thread(run, name)


def test_who_asks_for_the_end_while_the_pool_starts() -> None:
    """There is nothing to wake yet; who submits sees to it that the worker looks.

    Its process says nothing either: it has not come to the end of its initializer.
    """
    inner, outer = os.pipe()
    system = Early(inner)
    system.pool = pool = Pool(1, system)
    call = pool.submit(abs, (-7,), {})
    assert call.cancelled()
    assert not pool.waiting
    (queue,) = pool.queues
    system.submitted.set()
    try:
        assert until(lambda: queue.told)
    finally:
        os.close(outer)
        os.close(inner)
        queue.process.kill()
        pool.join()


def test_what_was_never_started_is_sent_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its number is 0 until it is known: for ``kill`` that is the whole group of the user's."""
    made: list[Process] = []
    start._Started(Multiprocessing(multiprocessing.get_context("fork")), made)
    (process,) = made
    sent: list[tuple[int, int]] = []
    monkeypatch.setattr(os, "kill", lambda pid, number: sent.append((pid, number)))
    process.kill()
    process.terminate()
    process.abandon()
    process.abandon()
    assert not sent
    assert process.ended()


def test_a_second_interrupt_does_not_end_the_undoing(monkeypatch: pytest.MonkeyPatch) -> None:
    """It comes while the second of three is being ended; all three are, and then it is told."""
    pool = Pool(WORKERS, Multiprocessing(multiprocessing.get_context("fork")))
    first, second = KeyboardInterrupt("first"), KeyboardInterrupt("second")
    buried: list[Process] = []
    bury = start._Started.bury

    def interrupted(process: start._Started) -> int | None:
        if process not in buried:
            buried.append(process)
            if len(buried) == 2:
                raise second
        return bury(process)

    def refuses(_: threading.Thread) -> None:
        raise first

    before = descriptors()
    with monkeypatch.context() as patch:
        patch.setattr(start._Started, "bury", interrupted)
        patch.setattr(threading.Thread, "start", refuses)
        with pytest.raises(KeyboardInterrupt) as raised:
            pool.submit(abs, (-7,), {})
    assert raised.value is second
    assert len(buried) == WORKERS
    assert until(lambda: not pool_processes())
    del raised, buried[:]
    first.__traceback__ = second.__traceback__ = second.__context__ = None
    assert until(lambda: gc.collect() >= 0 and descriptors() == before)
    assert pool.submit(abs, (-8,), {}).result(PATIENCE) == 8
    pool.ask(Request.SHUTDOWN)
    pool.join()


def test_who_is_to_be_killed_while_the_pool_starts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Processes that ``kill_workers()`` cannot have seen are killed when they are there."""
    inner, outer = os.pipe()
    context = multiprocessing.get_context("fork")
    executor = ProcessPoolExecutor(WORKERS, context, os.read, (inner, 1))  # it never ends
    made = Multiprocessing.poller

    def poller(system: Multiprocessing) -> Poller:
        asking = threading.Thread(target=executor.kill_workers)
        asking.start()
        asking.join()
        return made(system)

    monkeypatch.setattr(Multiprocessing, "poller", poller)
    call = executor.submit(abs, -7)
    ending = threading.Thread(target=executor.shutdown)
    ending.start()
    ending.join(PATIENCE)
    alive = ending.is_alive()
    for pid in pool_processes():  # none, unless they were not seen
        os.kill(pid, signal.SIGKILL)
    ending.join()
    os.close(outer)
    os.close(inner)
    assert not alive
    assert call.cancelled()


def test_a_poller_that_is_closed_twice_is_closed_once() -> None:
    """As in a child that is forked between its closing and the worker's end."""
    poller = SystemPoller()
    poller.wake()
    assert poller.poll(0) == [(-1, True, False)]
    assert poller.poll(0) == []
    poller.close()
    mine = os.pipe(), os.pipe()  # where it was, or may have been
    poller.wake()
    poller.close()
    poller.forked()
    for inner, outer in mine:
        os.write(outer, b"x")
        assert os.read(inner, 9) == b"x"
        os.close(inner)
        os.close(outer)


def test_a_poller_that_cannot_be_made_leaves_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuses() -> NoReturn:
        raise OSError(errno.EMFILE, "Too many open files")

    before = descriptors()
    monkeypatch.setattr(select, "epoll", refuses)
    with warnings.catch_warnings(record=True) as left_open:
        warnings.simplefilter("always")
        with pytest.raises(OSError, match="Too many open files"):
            SystemPoller()
    assert not left_open
    assert descriptors() == before


def test_a_poller_without_epoll_and_eventfd(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is woken by a pipe, and never waits to wake, however often nobody looks."""
    monkeypatch.delattr(select, "epoll")
    monkeypatch.delattr(os, "eventfd", raising=False)
    poller = SystemPoller()
    for _ in range(20_000):
        poller.wake()
    assert poller.poll(None) == [(-1, True, False)]
    assert poller.poll(0) == []
    poller.close()


def test_an_interrupt_once_all_has_begun_lets_the_call_run(monkeypatch: pytest.MonkeyPatch) -> None:
    """The worker has heard of all processes, and sleeps for good: it is told that there is room."""
    asleep = threading.Event()
    patience, make_room = LocalWorker._patience, Pool.make_room
    interrupts = [KeyboardInterrupt()]

    def watched(worker: LocalWorker) -> float | None:
        seconds = patience(worker)
        if seconds is None and all(queue.ready for queue in worker.pool.queues):
            asleep.set()
        return seconds

    def interrupted(rooms: Pool) -> None:
        if interrupts:
            assert asleep.wait(PATIENCE)
            raise interrupts.pop()
        make_room(rooms)

    pool = Pool(WORKERS, Multiprocessing(multiprocessing.get_context("fork")))
    inner, outer = os.pipe()
    monkeypatch.setattr(LocalWorker, "_patience", watched)
    monkeypatch.setattr(Pool, "make_room", interrupted)
    try:
        with pytest.raises(KeyboardInterrupt):
            pool.submit(os.write, (outer, b"run"), {})
        assert select.select([inner], [], [], PATIENCE)[0] == [inner]
        assert os.read(inner, 9) == b"run"
    finally:
        pool.ask(Request.SHUTDOWN)
        pool.join()
        os.close(inner)
        os.close(outer)


def test_a_second_interrupt_while_what_is_not_watched_yet_is_ended(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Of three the first is watched; the second interrupt comes as the second is abandoned."""
    pool = Pool(WORKERS, Multiprocessing(multiprocessing.get_context("fork")))
    first, second = KeyboardInterrupt("first"), KeyboardInterrupt("second")
    abandoned: list[Process] = []
    abandon, adopt = start._Started.abandon, LocalWorker.adopt

    def interrupted(process: start._Started) -> None:
        abandoned.append(process)
        if len(abandoned) == 1:
            raise second
        abandon(process)

    def refuses(worker: LocalWorker, process: Process) -> None:
        if worker.pool.queues:
            raise first
        adopt(worker, process)

    before = descriptors()
    with monkeypatch.context() as patch:
        patch.setattr(start._Started, "abandon", interrupted)
        patch.setattr(LocalWorker, "adopt", refuses)
        with pytest.raises(KeyboardInterrupt) as raised:
            pool.submit(abs, (-7,), {})
    assert raised.value is second
    assert [abandoned.count(each) for each in dict.fromkeys(abandoned)] == [2, 1]
    assert until(lambda: not pool_processes())
    abandoned.clear()
    del raised
    first.__traceback__ = second.__traceback__ = None
    assert until(lambda: gc.collect() >= 0 and descriptors() == before)


class Interrupting(dict[int, CallQueue]):
    """Interrupts who has put the second one in."""

    interrupts = 1

    def __setitem__(self, fd: int, queue: CallQueue) -> None:
        super().__setitem__(fd, queue)
        if len(self) == self.interrupts + 1:
            self.interrupts = WORKERS
            raise KeyboardInterrupt


@pytest.mark.parametrize("name", ["lanes", "watches"])
def test_a_process_that_is_half_watched_when_its_start_is_undone(name: str) -> None:
    """Nobody looks at its descriptors any more: they may be another's soon."""
    pool = Pool(WORKERS, Multiprocessing(multiprocessing.get_context("fork")))
    setattr(pool.worker, name, Interrupting())
    with pytest.raises(KeyboardInterrupt):
        pool.submit(abs, (-7,), {})
    assert pool.worker.lanes == pool.worker.watches == {}
    assert until(lambda: not pool_processes())
    assert pool.submit(abs, (-8,), {}).result(PATIENCE) == 8
    pool.ask(Request.SHUTDOWN)
    pool.join()
