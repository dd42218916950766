"""ThreadPoolExecutor: what its user holds.  The rooms are in ``pool.py``.

Source: the seed, CPython's documentation up to 3.15.  Model: ``tla/ThreadPool.tla``.
"""

import math
import os
import weakref
from collections.abc import Callable, Iterable
from itertools import count
from typing import TYPE_CHECKING, Final, ParamSpec, TypeVar

from foregone.compat import StandardThreadPoolNames
from foregone.executor import Executor, check_observer
from foregone.future import Future, OwnedFuture
from foregone.pool import Pool
from foregone_spec.lifecycle import Request

if TYPE_CHECKING:
    from foregone.events import Observer
    from foregone.inspection import ThreadPoolView

P = ParamSpec("P")
T = TypeVar("T")

_names: Final = count()


class ThreadPoolExecutor(Executor, StandardThreadPoolNames):
    """Run calls in a pool of threads."""

    def __init__(
        self,
        max_workers: float | None = None,
        thread_name_prefix: str = "",
        initializer: Callable[..., object] | None = None,
        initargs: Iterable[object] = (),
        *,
        observer: "Observer | None" = None,
    ) -> None:
        """Make an executor of at most ``max_workers`` threads, started as calls come.

        ``max_workers`` None means five more than there are processors, at most 32.
        Threads are called ``thread_name_prefix`` and a number.  Each runs
        ``initializer(*initargs)`` first; if that raises, the pool is broken: what is
        queued fails with BrokenThreadPool, and so does every later ``submit``.  ``observer``
        is told of everything that happens to the calls and the threads: see
        ``foregone.events``.  Raises TypeError and ValueError for wrong arguments.
        """
        if initializer is not None and not callable(initializer):
            raise TypeError(f"initializer must be a callable or None, not {initializer!r}")
        try:
            arguments = tuple(initargs)
        except TypeError:
            raise TypeError(
                f"initargs must be an iterable of arguments, not {initargs!r}: pass a tuple"
            ) from None
        check_observer(observer)
        prefix = thread_name_prefix or f"ThreadPoolExecutor-{next(_names)}"
        self._pool = Pool(_limit(max_workers), prefix, initializer, arguments)
        weakref.finalize(self, self._pool.collected).atexit = False
        if observer is not None:
            from foregone.observing import observe  # who never asks does not import it

            observe(self._pool, observer)

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """Submit ``fn(*args, **kwargs)`` and return the future of it.

        Raises RuntimeError if the executor was shut down, its process forked, the
        interpreter ends, or the system refuses a thread; BrokenThreadPool if an
        initializer raised.  If it raises, the call never runs.
        """
        future: OwnedFuture[T] = OwnedFuture()
        if not self._pool.accept((future, fn, args, kwargs)):
            raise self._pool.refusal()
        return future

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Take no more calls; free the threads once those that were taken have run.

        ``wait`` returns only when all threads have ended, also in a second call.
        ``cancel_futures`` cancels every call that has not begun.  What one call asks for
        no later one takes back.  Raises RuntimeError, with the request recorded, when
        ``wait`` is asked for in a thread of the pool itself.
        """
        request = Request.SHUTDOWN_CANCEL_FUTURES if cancel_futures else Request.SHUTDOWN
        self._pool.ask(request)
        if wait:
            self._pool.join()

    def inspect(self) -> "ThreadPoolView":
        """Return what the pool does right now, as a state of the specification.

        Takes no lock and waits for nothing: for a debugger, a signal handler, or another
        thread, while the pool hangs.  ``str()`` of it is a text to read.
        """
        from foregone.inspection import view_of_threads  # who never asks does not import it

        return view_of_threads(self._pool)


def _limit(max_workers: float | None) -> int:
    if max_workers is None:
        processors = getattr(os, "process_cpu_count", os.cpu_count)() or 1
        return int(min(32, processors + 4))
    if not isinstance(max_workers, (int, float)):
        raise TypeError(
            f"max_workers must be a number of threads or None, not {max_workers!r} "
            f"of type {type(max_workers).__name__}"
        )
    if math.isnan(max_workers):
        raise ValueError("max_workers must be a number of threads, not NaN")
    if max_workers <= 0:
        raise ValueError(f"max_workers must be greater than 0, not {max_workers!r}")
    return math.ceil(min(max_workers, 2**31))
