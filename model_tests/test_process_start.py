"""What the system refuses while a pool is being started, and who learns of it."""

import errno
import gc
import mmap
import multiprocessing
import os
import resource
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from itertools import repeat
from typing import NoReturn

import pytest

from foregone import BrokenProcessPool, ProcessPoolExecutor
from foregone.process_pool import semaphores
from foregone.process_pool.call_queue import CallQueue
from foregone.process_pool.poller import SystemPoller
from foregone.process_pool.ports import Process, Thread
from foregone.process_pool.rooms import Pool
from foregone.process_pool.start import Multiprocessing
from foregone.process_pool.wire import DEPTH
from foregone.process_pool.work_items import Call
from foregone_spec.lifecycle import Request
from foregone_spec.process_death import EARLY_LIMIT
from model_tests import process_calls as calls
from model_tests.process_calls import House
from model_tests.process_pools import METHODS, pool
from model_tests.process_world import PATIENCE, descriptors, ended, names, shared, until

pytestmark = pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")


class Refusing(Multiprocessing):
    """A system that refuses to start the first thread, while somebody else submits."""

    pool: Pool
    meanwhile: list[Call[int]]
    refusals = 1

    def thread(self, target: Callable[[], None], name: str) -> Thread:
        made = super().thread(target, name)
        if self.refusals:
            self.refusals -= 1
            return Refused(self)
        return made

    def refuse(self) -> None:
        """Be asked to start a thread."""
        self.meanwhile = [self.pool.submit(abs, (-number,), {}) for number in (1, 2, 3)]
        self.meanwhile[2].cancel()
        raise RuntimeError("can't start new thread")


class Refused(threading.Thread):
    """A thread that the system does not start."""

    def __init__(self, system: Refusing) -> None:
        super().__init__()
        self.system = system

    def start(self) -> None:
        self.system.refuse()


@pytest.mark.parametrize("method", METHODS)
def test_a_start_that_is_refused(method: str) -> None:
    """Who starts the pool is told; so are those whom nobody would serve; all is as before."""
    system = Refusing(multiprocessing.get_context(method))
    system.pool = pool = Pool(2, system)
    before = descriptors()
    with pytest.raises(RuntimeError, match="can't start new thread"):
        pool.submit(abs, (-7,), {})
    # What multiprocessing holds of a process goes with its object.
    assert until(lambda: gc.collect() >= 0 and descriptors() == before)
    for call in system.meanwhile[:2]:
        error = call.exception(PATIENCE)
        assert isinstance(error, RuntimeError)
        assert "the system refused a process or a thread" in str(error)
    assert system.meanwhile[0].exception() is not system.meanwhile[1].exception()
    assert system.meanwhile[2].cancelled()
    assert not pool.queues
    assert pool.submit(abs, (-8,), {}).result(PATIENCE) == 8
    processes = [each.process.pid for each in pool.queues]
    pool.ask(Request.SHUTDOWN)
    pool.join()
    assert all(map(ended, processes))


class Late(Refusing):
    """The calls come when the refusal is past, before those before it are told."""

    def refuse(self) -> None:
        try:
            super().refuse()
        finally:
            self.meanwhile[0].add_done_callback(self._again)

    def _again(self, _: object) -> None:
        self.after = self.pool.submit(abs, (-9,), {})


@pytest.mark.parametrize("method", METHODS)
def test_what_is_accepted_after_a_refusal_runs(method: str) -> None:
    """It begins the pool anew; what failed before it has nothing to do with it."""
    system = Late(multiprocessing.get_context(method))
    system.pool = pool = Pool(2, system)
    with pytest.raises(RuntimeError, match="can't start new thread"):
        pool.submit(abs, (-7,), {})
    assert system.after.result(PATIENCE) == 9
    pool.ask(Request.SHUTDOWN)
    pool.join()


class Interrupted(threading.Thread):
    """A thread whose start is interrupted by Ctrl-C when it is there."""

    def start(self) -> None:
        super().start()
        raise KeyboardInterrupt


class Interrupting(Multiprocessing):
    """A system in which Ctrl-C comes while the first thread is being started."""

    interrupts = 1

    def thread(self, target: Callable[[], None], name: str) -> Thread:
        self.interrupts -= 1
        made = Interrupted if self.interrupts >= 0 else threading.Thread
        return made(target=target, name=name)


@pytest.mark.parametrize("method", METHODS)
def test_ctrl_c_while_the_thread_is_started(method: str, house: House) -> None:
    """The call never runs, the interrupt is not swallowed, and the pool works afterwards."""
    pool = Pool(1, Interrupting(multiprocessing.get_context(method)))
    with pytest.raises(KeyboardInterrupt):
        pool.submit(calls.value, (house.log, 1), {})
    assert pool.submit(calls.value, (house.log, 2), {}).result(PATIENCE) == calls.value_of(2)
    pool.ask(Request.SHUTDOWN)
    pool.join()
    assert house.begun() == [2]


@pytest.mark.parametrize("method", METHODS)
def test_ctrl_c_when_all_is_started(
    method: str, house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The call is accepted by then and runs; the interrupt is not swallowed; the pool works."""
    made = Pool.make_room
    interrupts = iter([True])

    def make_room(pool: Pool) -> None:
        if next(interrupts, False):
            raise KeyboardInterrupt
        made(pool)

    monkeypatch.setattr(Pool, "make_room", make_room)
    pool = Pool(1, Multiprocessing(multiprocessing.get_context(method)))
    with pytest.raises(KeyboardInterrupt):
        pool.submit(calls.value, (house.log, 1), {})
    assert pool.submit(calls.value, (house.log, 2), {}).result(PATIENCE) == calls.value_of(2)
    pool.ask(Request.SHUTDOWN)
    pool.join()
    assert house.begun() == [1, 2]


class NoProcesses(Multiprocessing):
    """A system that has no processes left."""

    def __init__(self) -> None:
        super().__init__(multiprocessing.get_context("forkserver"))
        self.asked = 0

    def start(self) -> NoReturn:
        self.asked += 1
        raise BlockingIOError(errno.EAGAIN, "Resource temporarily unavailable")


def test_a_system_that_has_no_processes_left() -> None:
    """It is asked a few times, with pauses; then everybody is told, and why."""
    system = NoProcesses()
    pool = Pool(2, system)
    submitted = [pool.submit(abs, (-number,), {}) for number in range(3)]
    for call in submitted:
        error = call.exception(PATIENCE)
        assert isinstance(error, BrokenProcessPool)
        assert "no process could be started: BlockingIOError" in str(error)
        assert isinstance(error.__cause__, BlockingIOError)
    assert system.asked == EARLY_LIMIT
    with pytest.raises(BrokenProcessPool, match="no process could be started"):
        pool.submit(abs, (-1,), {})
    pool.join()


class Counting(Multiprocessing):
    """A system that knows what it has started, and starts no more than so many."""

    def __init__(self, method: str) -> None:
        super().__init__(multiprocessing.get_context(method))
        self.started: list[Process] = []

    def start(self) -> Process:
        if len(self.started) > EARLY_LIMIT:
            raise BlockingIOError(errno.EAGAIN, "Resource temporarily unavailable")
        self.started.append(super().start())
        return self.started[-1]


def refusing_to_watch(monkeypatch: pytest.MonkeyPatch, times: Iterator[bool]) -> None:
    """Let the poller refuse what it is to watch, at these times."""
    watch = SystemPoller.watch

    def refuses(poller: SystemPoller, fd: int, *, writing: bool = False) -> None:
        if next(times, False):
            raise OSError(errno.ENOSPC, "No space left on device")
        watch(poller, fd, writing=writing)

    monkeypatch.setattr(SystemPoller, "watch", refuses)


class NoRoom(dict[int, CallQueue]):
    """Has room for one more, and then none, once."""

    full = False

    def __setitem__(self, fd: int, queue: CallQueue) -> None:
        super().__setitem__(fd, queue)
        if not self.full:
            self.full = True
            raise MemoryError


@pytest.mark.parametrize("what", ["lane", "end", "lanes", "watches"])
@pytest.mark.parametrize("method", [each for each in METHODS if each != "fork"])
def test_a_process_that_cannot_be_watched(
    method: str, what: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither its lane, nor its end: it is ended, nothing of it is left, and another one comes.

    Its descriptors are free again at once, and those of the next one may be the same.
    """
    with pool(method) as other:  # a fork server, and what else all pools share, stays
        other.submit(abs, -1).result(PATIENCE)
    system, before_all = Counting(method), descriptors()
    rooms = Pool(1, system)
    if what in ("lanes", "watches"):
        setattr(rooms.worker, what, NoRoom())
    else:
        refusing_to_watch(monkeypatch, iter([True] if what == "lane" else [False, True]))
    assert rooms.submit(abs, (-7,), {}).result(PATIENCE) == 7
    assert len(system.started) == 2
    second = system.started[1]
    assert until(lambda: ended(system.started[0].pid))
    assert [each.process for each in rooms.queues] == [second]
    assert set(rooms.worker.lanes) == {second.lane}
    assert set(rooms.worker.watches) == {second.watch}
    poller = rooms.worker.poller
    assert isinstance(poller, SystemPoller)
    assert poller._watched == {second.lane, second.watch}
    rooms.ask(Request.SHUTDOWN)
    rooms.join()
    del second
    system.started.clear()
    assert until(lambda: gc.collect() >= 0 and descriptors() == before_all)


def test_a_system_in_which_no_process_can_be_watched(monkeypatch: pytest.MonkeyPatch) -> None:
    """As one that has no processes left: a few are started, and ended; then everybody is told."""
    system = Counting("forkserver")
    pool = Pool(1, system)
    refusing_to_watch(monkeypatch, repeat(True))
    error = pool.submit(abs, (-7,), {}).exception(PATIENCE)
    assert isinstance(error, BrokenProcessPool)
    assert "no process could be started: OSError" in str(error)
    assert len(system.started) == EARLY_LIMIT
    assert until(lambda: all(ended(each.pid) for each in system.started))
    pool.join()


@pytest.mark.parametrize("method", METHODS)
def test_tickets_where_memory_cannot_have_them(
    method: str, monkeypatch: pytest.MonkeyPatch, house: House
) -> None:
    """As on macOS: they have names then, which go as soon as the process has opened them."""
    monkeypatch.setattr(semaphores, "_calls", lambda: None)
    own = f"/fg-{os.getpid():x}"
    before = names(own)
    with ProcessPoolExecutor(1, multiprocessing.get_context(method)) as executor:
        first = executor.submit(calls.held, house.log, 0, house.gate)
        futures = [executor.submit(abs, -number) for number in range(50)]
        try:
            assert until(house.begun)
            assert len(executor._pool.queues[0].tickets) == DEPTH
            assert until(lambda: names(own) == before)  # as soon as it is heard of
            taken = [each.cancel() for each in futures[::3]]
            assert all(taken)
        finally:
            house.open()
        assert first.result(PATIENCE) == calls.value_of(0)
        assert all(each.cancelled() or each.result(PATIENCE) == n for n, each in enumerate(futures))
    assert names(own) == before


def test_tickets_in_memory_are_shared_and_have_no_names() -> None:
    if semaphores._calls() is None:
        pytest.skip("this system has no semaphores in memory")
    own = f"/fg-{os.getpid():x}"
    before, mapped = names(own), shared()
    fd = os.memfd_create("foregone")
    os.truncate(fd, 4096)
    memory = mmap.mmap(fd, 4096)
    tickets = semaphores.Tickets(memory, 64, 3).all
    assert names(own) == before
    assert [each._get_value() for each in tickets] == [1, 1, 1]
    child = os.fork()
    if child == 0:
        theirs = semaphores.opened((), mmap.mmap(fd, 4096), 64, 3)
        os._exit(theirs[1].acquire(False) + 2 * theirs[1].acquire(False))
    os.close(fd)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 1
    assert [each._get_value() for each in tickets] == [1, 0, 1]
    assert not tickets[1].acquire(False)
    tickets[1].release()
    with pytest.raises(ValueError, match="released too many times"):
        tickets[0].release()
    kept = tickets[2]
    del tickets, memory
    assert kept.acquire(False)  # its memory is there
    assert shared() - mapped == Counter({"foregone": 1})
    del kept
    assert not shared() - mapped


# ------------------------------------------------------------------- as calls come


@pytest.mark.parametrize("method", [each for each in METHODS if each != "fork"])
def test_a_call_that_comes_while_all_sleep_gets_a_process(method: str, house: House) -> None:
    """The only process is busy, and known to be; the local worker has gone to sleep for ever."""
    with ProcessPoolExecutor(2, multiprocessing.get_context(method)) as executor:
        first = executor.submit(calls.held, house.log, 0, house.gate)
        try:
            assert until(house.begun)
            assert first.running()
            assert until(lambda: not executor._pool.worker.ticking)
            assert executor.submit(calls.value, house.log, 1).result(PATIENCE) == calls.value_of(1)
            assert house.pid(0) != house.pid(1)
        finally:
            house.open()


@pytest.mark.parametrize("method", METHODS)
def test_a_program_with_many_files(method: str, house: House) -> None:
    """``select.select`` knows no descriptor above 1023; a pool uses them like any other."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < 2048:
        pytest.skip("this system allows no more than 1024 files")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, 2048), hard))
    many = [os.open(os.devnull, os.O_RDONLY)]
    try:
        while many[-1] < 1100:
            many.append(os.dup(many[0]))
        with pool(method, 1, policy="break") as executor:
            assert executor.submit(calls.value, house.log, 1).result(PATIENCE) == calls.value_of(1)
            assert min(each.process.lane for each in executor._pool.queues) > 1023
            dies = executor.submit(calls.dies, house.log, 2, "SIGKILL")
            assert isinstance(dies.exception(PATIENCE), BrokenProcessPool)
            assert "SIGKILL" in str(dies.exception())
    finally:
        for fd in many:
            os.close(fd)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
