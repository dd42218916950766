"""``terminate_workers`` and ``kill_workers``: what they reach, and what cannot hold them up."""

import concurrent.futures
import multiprocessing
import os
import signal
import threading

import pytest

from foregone import BrokenProcessPool, Future, ProcessDied, ProcessPoolExecutor, wait
from foregone.process_pool import burial
from foregone.process_pool.local_worker import LocalWorker
from foregone.process_pool.ports import Process
from foregone.process_pool.start import Multiprocessing
from model_tests import process_calls as calls
from model_tests.process_calls import House
from model_tests.process_pools import METHODS, REPLACING, pool, queue
from model_tests.process_world import PATIENCE, ended, until

pytestmark = pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")

ENDS = {"terminate_workers": signal.SIGTERM, "kill_workers": signal.SIGKILL}


def end(executor: ProcessPoolExecutor, name: str) -> None:
    getattr(executor, name)()


@pytest.mark.parametrize("name", ENDS)
def test_a_callback_that_blocks_does_not_keep_processes(name: str, house: House) -> None:
    """The signals are sent before anybody is told that his call was cancelled."""
    executor = pool("forkserver", 1)
    running = executor.submit(calls.held, house.log, 0, house.gate)
    assert until(house.begun)
    free = threading.Event()
    queued = queue(executor, house, range(1, 4))
    queued[0].add_done_callback(lambda _: free.wait(PATIENCE))
    ends = threading.Thread(target=end, args=(executor, name), name="foregone-ends")
    ends.start()
    try:
        assert isinstance(running.exception(PATIENCE), BrokenProcessPool)
        assert until(lambda: ended(house.pid(0)))
        assert ends.is_alive()
    finally:
        free.set()
        ends.join()
    assert all(each.cancelled() for each in queued)
    assert not wait(queued, 0).not_done
    executor.shutdown()
    assert house.begun() == [0]


@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit])
@pytest.mark.parametrize("cancels", [False, True], ids=["kill_workers", "cancel_futures"])
def test_an_interrupt_on_the_way_does_not_keep_processes(
    error: type[BaseException], cancels: bool, house: House
) -> None:
    """Raised by a waiter of somebody else: all others are told, and the signals sent."""

    class Waiter(concurrent.futures._base._Waiter):
        def __init__(self) -> None:
            self.told = 0

        def add_cancelled(self, future: "concurrent.futures.Future[object]") -> None:
            self.told += 1
            if self.told == 1:
                raise error

    executor = pool("forkserver", 1)
    running = executor.submit(calls.held, house.log, 0, house.gate)
    assert until(house.begun)
    queued = queue(executor, house, range(1, 10))
    waiter = Waiter()
    assert queued[4]._install((waiter,))
    with pytest.raises(error):
        executor.shutdown(cancel_futures=True) if cancels else executor.kill_workers()
    if cancels:
        assert until(lambda: all(each.cancelled() for each in queued))
        house.open()
        assert running.result(PATIENCE) == calls.value_of(0)
    else:
        assert isinstance(running.exception(PATIENCE), BrokenProcessPool)
    assert all(each.cancelled() for each in queued)
    assert not wait(queued, 0).not_done
    executor.shutdown()
    assert ended(house.pid(0))
    assert waiter.told == 2


@pytest.mark.parametrize(("name", "number"), ENDS.items())
@pytest.mark.parametrize("method", REPLACING)
def test_where_processes_are_replaced_they_end_for_good(
    method: str, name: str, number: int, house: House
) -> None:
    executor = pool(method, 2, "replace")
    running = [executor.submit(calls.held, house.log, n, house.gate) for n in (0, 1)]
    assert until(lambda: len(house.begun()) == 2)
    processes = vars(ProcessPoolExecutor.__mro__[2])["_processes"].fget(executor)
    queued = queue(executor, house, range(2, 20))
    end(executor, name)
    for each in running:
        died = each.exception(PATIENCE)
        assert isinstance(died, ProcessDied)
        assert died.exit_code == -number
        assert died.pid in processes
    assert all(each.cancelled() for each in queued)
    with pytest.raises(RuntimeError, match="after shutdown"):
        executor.submit(int)
    executor.shutdown()
    assert sorted(house.begun()) == [0, 1]
    for pid, process in processes.items():
        assert ended(pid)
        process.join()  # who has taken it from the private dict may still ask
        assert process.exitcode == -number


@pytest.mark.parametrize("name", ENDS)
@pytest.mark.parametrize("method", METHODS)
def test_it_may_come_at_once_after_the_first_submit(method: str, name: str, house: House) -> None:
    """Processes that are being started then have nothing to do, and end."""
    executor = pool(method, 2)
    futures = queue(executor, house, range(20))
    end(executor, name)
    executor.shutdown()
    assert all(each.done() for each in futures)
    ran = [n for n, each in enumerate(futures) if not each.cancelled() and not each.exception()]
    assert set(ran) <= set(house.begun())
    assert all(ended(pid) for _, pid in house.where())


class Slow(Multiprocessing):
    """A system in which a process is there, and nobody has been told so yet."""

    made: Process

    def __init__(self, house: House) -> None:
        """Its processes do not come to the end of their initializer."""
        context = multiprocessing.get_context("forkserver")
        super().__init__(context, calls.held, (house.log, 0, house.gate))
        self.there, self.goes_on = threading.Event(), threading.Event()

    def start(self) -> Process:
        self.made = super().start()
        self.there.set()
        assert self.goes_on.wait(PATIENCE)
        return self.made


@pytest.mark.parametrize("name", ENDS)
def test_it_reaches_who_is_being_started(name: str, house: House) -> None:
    """It is not among the processes yet, and reads nothing that it is told for a long time."""
    executor = pool("forkserver", 1)
    system = executor._pool.system = Slow(house)
    future = executor.submit(abs, -1)
    try:
        assert system.there.wait(PATIENCE)
        end(executor, name)
        system.goes_on.set()
        assert future.cancelled()
        assert until(lambda: ended(system.made.pid))
    finally:
        house.open()
        executor.shutdown()


def test_it_may_come_after_shutdown_and_again(house: House) -> None:
    """What ``shutdown(wait=False)`` has left running can still be ended."""
    executor = pool("forkserver", 1)
    running = executor.submit(calls.held, house.log, 0, house.gate)
    assert until(house.begun)
    executor.shutdown(wait=False)
    for _ in range(3):
        executor.kill_workers()
    assert isinstance(running.exception(PATIENCE), BrokenProcessPool)
    executor.shutdown()
    executor.terminate_workers()
    assert ended(house.pid(0))


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
def test_a_forked_child_ends_nobody(house: House) -> None:
    """Its copy of the executor knows no processes: they are its parent's."""
    executor = pool("forkserver", 1)
    running: Future[int] = executor.submit(calls.held, house.log, 0, house.gate)
    assert until(house.begun)
    child = os.fork()
    if child == 0:
        try:
            executor.terminate_workers()
            executor.kill_workers()
        finally:
            os._exit(7)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7
    assert not ended(house.pid(0))
    house.open()
    assert running.result(PATIENCE) == calls.value_of(0)
    executor.shutdown()


@pytest.mark.parametrize("fails", ["nothing more", "kill", "bury", "discard", "carry_out"])
def test_a_defect_of_the_local_worker_leaves_nobody_waiting(
    fails: str,
    house: House,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """It fails itself, and then what it does about that fails, once."""
    executor = pool("forkserver", 2)
    running = executor.submit(calls.held, house.log, 0, house.gate)
    assert until(house.begun)
    queued = queue(executor, house, range(1, 40))
    (process, *_), worker = executor._pool.live(), executor._pool.worker

    def once(home: object, name: str) -> None:
        """Have a function fail when it is called for the first time."""
        right = vars(home)[name]
        left = [MemoryError()]

        def fails_once(*given: object, **named: object) -> object:
            if left:
                raise left.pop()
            return right(*given, **named)

        monkeypatch.setattr(home, name, fails_once)

    broken: list[LocalWorker] = []

    def breaks(it: LocalWorker) -> None:
        if it is not worker or broken:
            return keep(it)
        broken.append(it)
        if fails in ("bury", "discard"):
            once(burial, fails)
        elif fails != "nothing more":
            once(type(process) if fails == "kill" else LocalWorker, fails)
        raise AssertionError("a defect")

    keep = LocalWorker._keep
    monkeypatch.setattr(LocalWorker, "_keep", breaks)
    worker.wake()
    assert until(lambda: worker.ended)
    executor.shutdown()
    assert until(lambda: ended(house.pid(0)))
    assert "the local worker of a process pool failed" in caplog.text
    everything = [running, *queued]
    assert not wait(everything, PATIENCE).not_done
    assert all(isinstance(each.exception(), BrokenProcessPool) for each in everything)
