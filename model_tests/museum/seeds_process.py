"""Old designs of the process pool, written again: see seeds.py."""

# ruff: noqa: ANN401  the library on show is whatever module it is given
from __future__ import annotations

import os
import threading
from concurrent.futures import Future, process
from contextlib import nullcontext
from multiprocessing.queues import Queue
from typing import Any, Final

LIMIT: Final = 10.0  # seconds that one waits for the other to be unlucky

_Manager: Any = process._ExecutorManagerThread


def m2_locked_break() -> None:
    """Fail the futures of a broken pool, and join its processes, with the lock (CPython 3.12)."""
    terminate = _Manager.terminate_broken

    def locked(self: Any, cause: Any) -> None:
        lock, self.shutdown_lock = self.shutdown_lock, nullcontext()
        with lock:
            terminate(self, cause)

    _Manager.terminate_broken = locked


def h2_lock_to_wake() -> None:
    """Wake the manager with the lock that it may hold when it joins the feeder (CPython 3.13.0)."""
    m2_locked_break()
    begin, fail = _Manager.__init__, process._SafeQueue._on_queue_feeder_error

    def began(self: Any, executor: Any) -> None:
        begin(self, executor)
        self.call_queue.lock_to_wake = self.shutdown_lock

    def failed(self: Any, error: Any, call: Any) -> None:
        with self.lock_to_wake:
            self.thread_wakeup.wakeup()
        fail(self, error, call)

    _Manager.__init__ = began
    setattr(process._SafeQueue, "_on_queue_feeder_error", failed)  # noqa: B010


def h3_locked_clear() -> None:
    """Read the wake-up channel with the lock that its writers hold (CPython 3.10)."""
    begin = _Manager.__init__

    def began(self: Any, executor: Any) -> None:
        begin(self, executor)
        clear, lock = self.thread_wakeup.clear, self.shutdown_lock

        def locked() -> None:
            with lock:
                clear()

        self.thread_wakeup.clear = locked

    _Manager.__init__ = began


def h4_no_second_look() -> None:
    """Let cancelled calls keep the manager from ending (CPython 3.9)."""
    add, flag = _Manager.add_call_item_to_queue, _Manager.flag_executor_shutting_down

    def flagged(self: Any) -> None:
        flag(self)
        self.skips = True

    def added(self: Any) -> None:
        if not self.__dict__.pop("skips", False):
            add(self)

    _Manager.flag_executor_shutting_down, _Manager.add_call_item_to_queue = flagged, added


def h7_unlocked_channel() -> None:
    """See that the wake-up channel is open, and write there, with no lock (CPython 3.9 alpha)."""
    close, shutdown = process._ThreadWakeup.close, process.ProcessPoolExecutor.shutdown
    looked, closed = threading.Event(), threading.Event()

    def closes(self: Any) -> None:
        looked.wait(LIMIT)
        close(self)
        closed.set()

    def shuts_down(self: Any, wait: bool = True, *, cancel_futures: bool = False) -> None:
        channel = self._executor_manager_thread_wakeup
        if not channel._closed:
            looked.set()
            closed.wait(LIMIT)
            channel._writer.send_bytes(b"")
        shutdown(self, wait, cancel_futures=cancel_futures)

    setattr(process._ThreadWakeup, "close", closes)  # noqa: B010
    setattr(process.ProcessPoolExecutor, "shutdown", shuts_down)  # noqa: B010


def h11_forks_on_demand() -> None:
    """Fork a process when there is a call for it, whoever holds a lock then (CPython 3.11)."""
    begin = process.ProcessPoolExecutor.__init__

    def began(self: Any, *args: Any, **given: Any) -> None:
        begin(self, *args, **given)
        self._safe_to_dynamically_spawn_children = True

    setattr(process.ProcessPoolExecutor, "__init__", began)  # noqa: B010


def h12_reader_left_open() -> None:
    """Keep the end of the call queue open that only a dead process read (CPython 3.10)."""
    terminate = _Manager.terminate_broken

    def open_still(self: Any, cause: Any) -> None:
        os.dup(self.call_queue._reader.fileno())
        terminate(self, cause)

    _Manager.terminate_broken = open_still


def h13_cancelled_raises() -> None:
    """Fail the futures of a broken pool with nothing around it (CPython 3.11)."""
    terminate = _Manager.terminate_broken

    def unguarded(self: Any, cause: Any) -> None:
        for item in self.pending_work_items.values():
            item.future.set_exception(process.BrokenProcessPool())
        self.pending_work_items.clear()
        terminate(self, cause)

    _Manager.terminate_broken = unguarded


def h15_only_printed() -> None:
    """Print what failed to pickle, and tell nobody (CPython 3.6)."""
    setattr(process._SafeQueue, "_on_queue_feeder_error", Queue._on_queue_feeder_error)  # type: ignore[attr-defined]  # noqa: B010


def h16_closed_by_shutdown() -> None:
    """Close the wake-up channel where shutdown returns, whoever listens (CPython 3.8)."""
    shutdown = process.ProcessPoolExecutor.shutdown

    def closes(self: Any, wait: bool = True, *, cancel_futures: bool = False) -> None:
        channel = self._executor_manager_thread_wakeup
        shutdown(self, wait, cancel_futures=cancel_futures)
        channel._writer.close()
        channel._reader.close()

    setattr(process.ProcessPoolExecutor, "shutdown", closes)  # noqa: B010


def h27_nobody_watched() -> None:
    """Watch the channels of the pool, and no process (CPython 3.2)."""
    connection = vars(process)["mp"].connection
    look = connection.wait

    def look_at_channels(those: Any, timeout: Any = None) -> Any:
        return look([each for each in those if not isinstance(each, int)], timeout)

    connection.wait = look_at_channels


def p11_errors_are_raised() -> None:
    """Take a result that is an exception for one that was raised (deadpool 2026)."""
    settle = Future.set_result

    def by_kind(self: Any, result: Any) -> None:
        if isinstance(result, BaseException):
            self.set_exception(result)
        else:
            settle(self, result)

    setattr(Future, "set_result", by_kind)  # noqa: B010
