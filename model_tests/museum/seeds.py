"""Old designs, written again: of each exhibit that no interpreter at hand fails.

Each function changes ``concurrent.futures`` of this process, which runs one exhibit
and ends, back into what its name says.  The points where a thread was unlucky are
made certain by a wait, which has a limit: the exhibit fails each time.
"""

# ruff: noqa: ANN401  the library on show is whatever module it is given
from __future__ import annotations

import concurrent.futures as cf
import itertools
import threading
import weakref
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import _base, thread
from typing import Any, Final

LIMIT: Final = 1.0

_WorkItem: Any = vars(thread)["_WorkItem"]


def m5_flag_overwritten() -> None:
    """Keep ``cancel_futures`` as a flag that each call of shutdown writes."""
    submit = thread.ThreadPoolExecutor.submit
    shutdown = thread.ThreadPoolExecutor.shutdown

    def flagged_submit(self: Any, fn: Any, /, *args: Any) -> Any:
        def unless_cancelled() -> Any:
            return None if getattr(self, "cancels", False) else fn(*args)

        return submit(self, unless_cancelled)

    def flagged(self: Any, wait: bool = True, *, cancel_futures: bool = False) -> None:
        self.cancels = cancel_futures
        shutdown(self, wait)

    setattr(thread.ThreadPoolExecutor, "submit", flagged_submit)  # noqa: B010  it is typed
    setattr(thread.ThreadPoolExecutor, "shutdown", flagged)  # noqa: B010


def m7_weak_executor() -> None:
    """Let ``map`` hold its executor weakly, and end where it is gone (CPython 3.14)."""

    def lazy(self: Any, fn: Any, items: Any, *, buffersize: int) -> Iterator[Any]:
        source, executor = iter(items), weakref.ref(self)
        futures = deque(self.submit(fn, each) for each in itertools.islice(source, buffersize))

        def results() -> Iterator[Any]:
            while futures:
                alive = executor()
                if alive is not None:
                    futures.extend(alive.submit(fn, each) for each in itertools.islice(source, 1))
                del alive
                yield futures.popleft().result()

        return results()

    setattr(thread.ThreadPoolExecutor, "map", lazy)  # noqa: B010


def h5_unlocked_decrement() -> None:
    """Count down without a lock: both threads read, then both write (CPython 3.2)."""

    class Unlocked(_base._AllCompletedWaiter):
        def __init__(self, num_pending_calls: int, stop_on_exception: bool) -> None:
            super().__init__(num_pending_calls, stop_on_exception)
            self.both = threading.Barrier(2)

        def _decrement_pending_calls(self) -> None:
            seen = self.num_pending_calls
            try:
                self.both.wait(LIMIT)
            except threading.BrokenBarrierError:
                pass
            self.num_pending_calls = seen - 1
            if not self.num_pending_calls:
                self.event.set()

    _replace("_AllCompletedWaiter", Unlocked)


def _old_wait(waiter: Callable[[int], Any], done_is_all: bool) -> Callable[..., Any]:
    """Return ``wait`` for all, whose waiter removes itself with no lock."""

    def wait(fs: Any, timeout: float | None = None) -> Any:
        pending = [each for each in fs if not each.done()]
        if done_is_all and len(set(fs) - set(pending)) == len(fs):
            return _base.DoneAndNotDoneFutures(set(fs), set())
        mine = waiter(len(pending))
        for each in pending:
            with each._condition:
                each._waiters.append(mine)
        mine.event.wait(timeout)
        for each in pending:
            each._waiters.remove(mine)
            mine.removed.set()
        return _base.DoneAndNotDoneFutures(set(fs), set())

    return wait


def h6_unlocked_removal() -> None:
    """Remove a waiter while the list that it is in is walked (CPython 3.3)."""

    class Removed(_base._AllCompletedWaiter):
        def __init__(self, pending: int) -> None:
            super().__init__(pending, False)
            self.removed = threading.Event()

        def add_result(self, future: Any) -> None:
            super().add_result(future)
            self.removed.wait(LIMIT)

    _replace("wait", _old_wait(Removed, False))


def h8_counted_duplicates() -> None:
    """Compare how many are done, each once, with how many were given (CPython 3.8)."""

    class Counting(_base._AllCompletedWaiter):
        def __init__(self, pending: int) -> None:
            super().__init__(pending, False)

    _replace("wait", _old_wait(Counting, True))


def h17_lock_left_alone() -> None:
    """Have a lock that no fork looks after (CPython 3.10)."""
    setattr(thread, "_global_shutdown_lock", threading.Lock())  # noqa: B010


def h22_not_cancelled() -> None:
    """Take the oldest future out of the list, and then wait for it (CPython 3.11)."""

    def popped(self: Any, fn: Any, items: Any, timeout: float) -> Iterator[Any]:
        futures = deque(self.submit(fn, each) for each in items)

        def results() -> Iterator[Any]:
            try:
                while futures:
                    yield futures.popleft().result(timeout)
            finally:
                for each in futures:
                    each.cancel()

        return results()

    setattr(thread.ThreadPoolExecutor, "map", popped)  # noqa: B010


def h25_item_kept() -> None:
    """Let a thread keep its last call while it waits for the next (CPython 3.3)."""
    kept: list[Any] = []
    run = _WorkItem.run

    def keeping(self: Any) -> None:
        kept[:] = [self]
        run(self)

    _WorkItem.run = keeping


def p14_only_exceptions() -> None:
    """Catch Exception around a call, and nothing else (distributed 2022.2)."""

    def run(self: Any) -> None:
        if self.future.set_running_or_notify_cancel():
            try:
                self.future.set_result(self.fn(*self.args, **self.kwargs))
            except Exception as error:
                self.future.set_exception(error)

    _WorkItem.run = run


def h20_one_error() -> None:
    """Fail every queued future with one and the same object (CPython 3.14.0)."""

    def failed(self: Any) -> None:
        error = thread.BrokenThreadPool("an initializer failed")
        while not self._work_queue.empty():
            item = self._work_queue.get_nowait()
            if item is not None:
                item.future.set_exception(error)

    setattr(thread.ThreadPoolExecutor, "_initializer_failed", failed)  # noqa: B010


def h21_truth_of_error() -> None:
    """Ask whether the exception is true, not whether there is one (CPython 3.13)."""

    def result(self: Any, timeout: float | None = None) -> Any:
        if self._exception:
            raise self._exception
        return self._result

    setattr(_base.Future, "result", result)  # noqa: B010


def h23_bare_call() -> None:
    """Call a late callback with nothing around it (CPython 3.7)."""
    setattr(_base.Future, "add_done_callback", lambda self, fn: fn(self))  # noqa: B010


def h24_no_check() -> None:
    """Store the result whatever the state is (CPython 3.7)."""

    def store(self: Any, result: Any) -> None:
        self._result, self._state = result, "FINISHED"

    setattr(_base.Future, "set_result", store)  # noqa: B010


def _replace(name: str, new: Any) -> None:
    setattr(_base, name, new)
    if hasattr(cf, name):
        setattr(cf, name, new)
