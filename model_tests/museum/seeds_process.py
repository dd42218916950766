"""Old designs of the process pool, written again: see seeds.py."""

# ruff: noqa: ANN401  the library on show is whatever module it is given
from __future__ import annotations

from concurrent.futures import process
from contextlib import nullcontext
from multiprocessing.queues import Queue
from typing import Any

_Manager: Any = process._ExecutorManagerThread


def m2_locked_break() -> None:
    """Fail the futures of a broken pool, and join its processes, with the lock (CPython 3.12)."""
    terminate = _Manager.terminate_broken

    def locked(self: Any, cause: Any) -> None:
        lock, self.shutdown_lock = self.shutdown_lock, nullcontext()
        with lock:
            terminate(self, cause)

    _Manager.terminate_broken = locked


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
