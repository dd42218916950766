"""Names that are not ours: the seed's ``_compat`` and the standard library's private ones.

``asyncio`` and the standard ``wait`` and ``as_completed`` reach into a future's
``_condition``, ``_state`` and ``_waiters``; CPython's own tests also write them, and
read an executor's ``_threads``.  They are served here, from the real fields, and
nowhere else; nothing of foregone uses them.
"""

import collections
import concurrent.futures
import concurrent.futures.thread
import threading
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, TypeVar, cast

from foregone_spec.future import DONE, State
from foregone_spec.lifecycle import Phase

if TYPE_CHECKING:
    from concurrent.futures._base import _Waiter

    from foregone.future import Future

T = TypeVar("T")


def namedtuple(typename: str, field_names: str | Iterable[str]) -> type[tuple[object, ...]]:
    """Return a new subclass of tuple with named fields (the seed's ``_compat.namedtuple``).

    ``field_names`` is a sequence of names, or one string that separates them by
    spaces or commas.  Raises ValueError for a name that is no identifier, a keyword,
    or there twice.  Source: the seed; this is ``collections.namedtuple``.
    """
    make: Callable[[str, str | Iterable[str]], type[tuple[object, ...]]]
    make = vars(collections)["namedtuple"]  # the names are data: no checker can know them
    return make(typename, field_names)


class _Condition(threading.Condition):
    """A condition on a future's lock that also wakes those in ``result()``."""

    def __init__(self, future: "Future[T]") -> None:
        super().__init__(cast("threading.RLock", future._make_lock()))
        self._future = future

    def notify_all(self) -> None:
        """Wake everybody, as CPython's future would."""
        from foregone.sync import wake

        super().notify_all()
        if self._future._blocked is not None:
            wake(self._future._blocked)


class _Waiters:
    """The waiters of a future, as the list that the standard library takes them for."""

    def __init__(self, future: "Future[T]") -> None:
        self._future = future

    def append(self, waiter: "_Waiter") -> None:
        """Install a waiter, if the future has not ended."""
        self._future._install((waiter,))

    def remove(self, waiter: "_Waiter") -> None:
        """Remove a waiter, if it is still there."""
        self._future._uninstall((waiter,))

    def __iter__(self) -> "Iterator[_Waiter]":
        return iter(self._future._installed or ())

    def __len__(self) -> int:
        return len(self._future._installed or ())


class StandardFutureNames(concurrent.futures.Future[T]):
    """The private names of ``concurrent.futures.Future``, served from ours."""

    __slots__ = ()

    if not TYPE_CHECKING:

        @property
        def _condition(self):
            return _Condition(self)

        @property
        def _state(self):
            return self._now.value

        @_state.setter
        def _state(self, value):  # CPython's tests only
            self._now = State(value)
            if self._now in DONE and self._callbacks is None:
                self._run_callbacks()

        @property
        def _waiters(self):
            return _Waiters(self)

        @property
        def _done_callbacks(self):
            return list(self._callbacks or ())

        def _invoke_callbacks(self):
            self._run_callbacks()

        def __repr__(self):
            """Show the state, and the kind of the outcome."""
            now = self._now.value.lower()
            if self._now is State.CANCELLED_AND_NOTIFIED:
                now = "cancelled"
            elif self._now is State.FINISHED and self._exception is not None:
                now = f"finished raised {type(self._exception).__name__}"
            elif self._now is State.FINISHED:
                now = f"finished returned {type(self._result).__name__}"
            return f"<{type(self).__name__} at {id(self):#x} state={now}>"

        def __getstate__(self):  # it has a lock: copies share it, and pickle refuses it
            self._make_lock()
            return super().__getstate__()

        def _get_snapshot(self):  # asyncio from CPython 3.14 on
            now = self._now
            if now is State.FINISHED:
                return True, False, self._result, self._exception
            return now in DONE, now in DONE, None, None


class StandardThreadPoolNames(concurrent.futures.thread.ThreadPoolExecutor):
    """The private names of ``concurrent.futures.ThreadPoolExecutor``, served from ours."""

    if not TYPE_CHECKING:

        @property
        def _max_workers(self):
            return self._pool.limit

        @property
        def _threads(self):
            return {worker.thread for worker in self._pool.workers}

        @property
        def _work_queue(self):
            return self._pool

        @property
        def _broken(self):
            return self._pool.phase is Phase.BROKEN and str(self._pool.refusal())

        @property
        def _shutdown(self):
            return not self._pool.accepts()

        @property
        def _thread_name_prefix(self):
            return self._pool.prefix
