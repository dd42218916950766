"""Old designs of peers, written again: the process pool that ``tla/PeerPool.tla`` is about.

One pipe of calls, one of answers, one lock that the processes and the parent share.  It is
put in the place of the standard library's, whole, with one defect in it; with none it passes
every exhibit that is named for a peer (``test_museum_peers.py``).
"""

# ruff: noqa: ANN401  the library on show is whatever module it is given
from __future__ import annotations

import concurrent.futures as cf
import os
import threading
import time
from concurrent.futures import process
from multiprocessing import get_context
from multiprocessing.connection import wait
from typing import Any, Final

LIMIT: Final = 10.0  # seconds that one waits for the other to be unlucky
SOON: Final = 0.2
TICK: Final = 0.005  # seconds between two looks of the manager


def _work(tasks: Any, answers: Any, lock: Any, holder: Any) -> None:
    """Take calls and answer them, as a process."""
    mine = os.getpid()
    while tasks.poll(None):
        with lock:
            holder.value = mine
            call: Any = None  # if another process got the one that was seen
            if tasks.poll(0):
                number = tasks.recv()
                answers.send((number, mine, None))
                call = (number, *tasks.recv())
            holder.value = 0
        if call is None:
            continue
        number, fn, args = call
        try:
            told: Any = (fn(*args), None)
        except BaseException as error:
            told = (None, error)
        with lock:
            holder.value = mine
            answers.send((number, mine, told))
            holder.value = 0


class PeerFuture(cf.Future[Any]):
    """A future that can be cancelled when its call runs: the process is to be stopped."""

    def cancel(self) -> bool:
        myself: Any = self
        with myself._condition:
            if myself._state == "FINISHED":
                return False
            myself._state = "CANCELLED"
            myself._condition.notify_all()
        myself._invoke_callbacks()
        return True


class PeerPool:
    """A process pool of the design in ``tla/PeerPool.tla``."""

    defect = ""
    breaks = False  # does a death break it?

    def __init__(self, max_workers: int, mp_context: Any = None) -> None:
        self.context: Any = mp_context or get_context("fork")
        tasks, answers = self.context.Pipe(False), self.context.Pipe(False)
        self.task_reader: Any = tasks[0]
        self.task_writer: Any = tasks[1]
        self.answer_reader: Any = answers[0]
        self.answer_writer: Any = answers[1]
        self.lock, self.holder = self.context.Lock(), self.context.RawValue("i", 0)
        self.mutex = threading.Lock()
        self.calls: dict[int, Any] = {}
        self.takers: dict[int, int] = {}  # by call: who has taken it
        self.broken = self.ending = False
        self.count = 0
        self.processes: dict[int, Any] = {}
        for _ in range(max_workers):
            self._start()
        self.manager = threading.Thread(target=self._manage, daemon=True)
        self.manager.start()

    def _start(self) -> None:
        given = (self.task_reader, self.answer_writer, self.lock, self.holder)
        started: Any = self.context.Process(target=_work, args=given, daemon=True)
        started.start()
        self.processes[started.pid] = started

    def submit(self, fn: Any, /, *args: Any) -> Any:
        future = PeerFuture()
        with self.mutex:
            if self.broken or self.ending:
                raise process.BrokenProcessPool("the pool takes no more calls")
            self.count += 1
            self.calls[self.count] = future
            self.task_writer.send(self.count)
            self.task_writer.send((fn, args))
        return future

    def shutdown(self, wait: bool = True) -> None:
        self.ending = True
        if wait:
            self.manager.join()

    # ---------------------------------------------------------------- the manager

    def _manage(self) -> None:
        while not self.broken and not (self.ending and not self.calls):
            wait([self.answer_reader], TICK)
            self._stop_cancelled()
            self._replace_dead()
            if self.answer_reader.poll(0):
                self._hear(*self.answer_reader.recv())
        for each in self.processes.values():
            each.kill()

    def _hear(self, number: int, pid: int, told: Any) -> None:
        future = self.calls.get(number)
        if future is None:
            return  # it was cancelled
        if told is not None:
            self._end(number, *told)
        elif pid not in self.processes and self.defect != "P1":
            self._end(number, None, process.BrokenProcessPool("its process was stopped"))
        else:
            self.takers[number] = pid
            if not future.cancelled():
                future.set_running_or_notify_cancel()

    def _end(self, number: int, result: Any, error: Any) -> None:
        future = self.calls.pop(number)
        if future.cancelled():
            return
        if self.defect == "P6":
            _when(future.cancelled, SOON)
        try:
            if error is None:
                future.set_result(result)
            else:
                future.set_exception(error)
        except cf.InvalidStateError:
            if self.defect == "P6":
                raise  # and the manager ends of it

    def _stop_cancelled(self) -> None:
        for number, pid in list(self.takers.items()):
            future = self.calls.get(number)
            if future is None or not future.cancelled() or pid not in self.processes:
                continue
            if self.defect == "P1":
                _when(lambda: self.answer_reader.poll(0) and not self.task_reader.poll(0))
            if self.defect == "P3":
                _when(lambda pid=pid: self.holder.value == pid)
            if self.lock.acquire(self.defect == "P3"):  # else later
                del self.calls[number]
                self.processes.pop(pid).kill()
                self._start()
                self.lock.release()

    def _replace_dead(self) -> None:
        for pid in [pid for pid, each in self.processes.items() if not each.is_alive()]:
            while self.answer_reader.poll(0):
                self._hear(*self.answer_reader.recv())  # what it said while it lived
            del self.processes[pid]
            if self.holder.value == pid and self.defect != "P4":
                self.holder.value = 0
                self.lock.release()
            self.broken = self.breaks
            mine = [each for each in self.calls if self.takers.get(each) == pid]
            whole = self.breaks and self.defect != "P5"
            for each in list(self.calls) if whole else mine:
                self._end(each, None, process.BrokenProcessPool(f"process {pid} died"))
            self._start()


def _when(unlucky: Any, limit: float = LIMIT) -> None:
    end = time.monotonic() + limit
    while not unlucky() and time.monotonic() < end:
        threading.Event().wait(TICK)


def _in_place(defect: str, breaks: bool = False) -> None:
    pool = type("ProcessPoolExecutor", (PeerPool,), {"defect": defect, "breaks": breaks})
    setattr(cf, "ProcessPoolExecutor", pool)  # noqa: B010  it is typed


def p1_believed_dead() -> None:
    """Believe a process that was stopped meanwhile that it has the next call (pebble 5.2)."""
    _in_place("P1")


def p3_awaited_lock() -> None:
    """Wait for the lock to stop a process, and read no answers meanwhile (pebble 5.1.0)."""
    _in_place("P3")


def p4_kept_lock() -> None:
    """Leave the lock to a process that died with it (pebble 5.2)."""
    _in_place("P4")


def p5_left_queued() -> None:
    """Fail the calls that a process had when the pool breaks, and no others (pebble 4.5)."""
    _in_place("P5", breaks=True)


def p6_checked_first() -> None:
    """Look whether a call was cancelled, and then set its result (pebble 5.2)."""
    _in_place("P6")


def repaired() -> None:
    """Put the pool in place with none of its defects."""
    _in_place("")


def repaired_and_breaking() -> None:
    """Put the pool in place with none of its defects; a death breaks it."""
    _in_place("", breaks=True)


# ------------------------------------------------------------- other old designs


class PoolBehind:
    """``multiprocessing.Pool``, or one with its methods, behind ``submit``."""

    def __init__(self, pool: Any) -> None:
        self.pool = pool

    def submit(self, fn: Any, /, *args: Any) -> Any:
        future: Any = cf.Future()
        self.pool.apply_async(
            fn, args, callback=future.set_result, error_callback=future.set_exception
        )
        return future

    def shutdown(self, wait: bool = True) -> None:
        self.pool.close()
        if wait:
            self.pool.join()


def p16_lock_to_read() -> None:
    """Wait for calls with the lock that all processes share (``multiprocessing.Pool``)."""

    def made(max_workers: int, mp_context: Any) -> Any:
        return PoolBehind(mp_context.Pool(max_workers))

    setattr(cf, "ProcessPoolExecutor", made)  # noqa: B010


def p7_one_for_all() -> None:
    """Hand out one executor, and end it when somebody asks otherwise (loky 3.5)."""
    made: list[Any] = []

    def get(max_workers: int, **given: Any) -> Any:
        if made and made[-1][1] != given:
            made[-1][0].shutdown()
        if not made or made[-1][1] != given:
            made.append((process.ProcessPoolExecutor(max_workers, **given), given))
        return made[-1][0]

    setattr(cf, "get_reusable_executor", get)  # noqa: B010
