"""ProcessPoolExecutor: what its user holds.  The rooms are in ``rooms.py``.

Every argument is looked at here, at the call; nothing is done under a lock.  What
this module may touch: the pool's methods.  The pool does not hold the executor, so
that it can be collected while its processes work.

Source: the seed, CPython's documentation up to 3.15.  Model: ``tla/ProcessPool.tla``.
"""

import importlib
import multiprocessing
import operator
import os
import sys
import weakref
from collections.abc import Callable, Iterable, Iterator
from multiprocessing.context import BaseContext
from typing import TYPE_CHECKING, Final, Literal, ParamSpec, TypeVar

from foregone.compat_process import StandardProcessPoolNames
from foregone.executor import Executor, check_buffersize, check_observer
from foregone.future import Future
from foregone.process_pool.chunk_sizes import map_chunks
from foregone.process_pool.pickling import Serializer, reducer_of
from foregone_spec.lifecycle import Request

if sys.platform != "win32":
    from foregone.process_pool.ports import Process
    from foregone.process_pool.rooms import Pool
    from foregone.process_pool.start import Multiprocessing
    from foregone.process_pool.work_items import AnyCall
    from foregone_spec.future import Effect

if TYPE_CHECKING:
    from foregone.events import Observer
    from foregone.inspection_process import ProcessPoolView

P = ParamSpec("P")
T = TypeVar("T")

#: More processes than this no executor can have: what they share counts them in an int.
MOST_WORKERS: Final = 2**31 - 2

_POLICIES: Final = ("break", "replace")


class ProcessPoolExecutor(Executor, StandardProcessPoolNames):
    """Run calls in a pool of processes."""

    def __init__(
        self,
        max_workers: int | None = None,
        mp_context: BaseContext | None = None,
        initializer: Callable[..., object] | None = None,
        initargs: Iterable[object] = (),
        *,
        max_tasks_per_child: int | None = None,
        on_process_death: Literal["break", "replace"] = "break",
        reducer: Serializer | None = None,
        observer: "Observer | None" = None,
    ) -> None:
        """Make an executor of at most ``max_workers`` processes.

        ``max_workers`` None means as many as there are processors.  ``mp_context`` says how
        processes start; None means ``multiprocessing.get_context()``, where processes are
        never replaced.  Each process runs ``initializer(*initargs)`` first; if that raises,
        the pool is broken: what is pending fails with BrokenProcessPool, and so does every
        later ``submit``.  A process that has run ``max_tasks_per_child`` calls ends, and
        another takes its place; without ``mp_context`` it is spawned, as in CPython.

        When a process dies, ``on_process_death`` "break" breaks the pool; "replace" starts
        another, and only the call that was claimed when it died fails, with ProcessDied;
        without ``mp_context`` what would be forked comes from a fork server then.  Neither
        replaces what is forked: a process with threads must not fork again.

        ``reducer`` has functions ``dumps`` and ``loads`` that are used in place of pickle's:
        pass the module ``cloudpickle``, say.  ``observer`` is told of everything that happens
        to the calls and the processes: see ``foregone.events``.  Raises TypeError and ValueError
        for wrong arguments, and NotImplementedError where the system has no process pools.
        """
        _check_system()
        limit = _limit(max_workers)
        if initializer is not None and not callable(initializer):
            raise TypeError(f"initializer must be a callable or None, not {initializer!r}")
        try:
            arguments = tuple(initargs)
        except TypeError:
            raise TypeError(
                f"initargs must be an iterable of arguments, not {initargs!r}: pass a tuple"
            ) from None
        _check_max_tasks(max_tasks_per_child)
        if on_process_death not in _POLICIES:
            raise ValueError(
                f'on_process_death must be "break" or "replace", not {on_process_death!r}'
            )
        replaces = on_process_death == "replace"
        context = _context(mp_context, max_tasks_per_child, replaces)
        packer = reducer_of(reducer)
        check_observer(observer)
        system = Multiprocessing(context, initializer, arguments, max_tasks_per_child, packer)
        self._pool = Pool(
            limit, system, max_tasks=max_tasks_per_child, replaces=replaces, reducer=packer
        )
        weakref.finalize(self, self._pool.collected).atexit = False
        if observer is not None:
            from foregone.observing import observe  # who never asks does not import it

            observe(self._pool, observer)

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """Submit ``fn(*args, **kwargs)`` and return the future of it.

        It is pickled here, so that what is sent is what was passed; if that fails, the
        future carries the error.  Raises RuntimeError if the executor was shut down, its
        process forked, or the interpreter ends; BrokenProcessPool if the pool is broken.
        If it raises, the call never runs.
        """
        return self._pool.submit(fn, args, kwargs)

    def map(
        self,
        fn: Callable[..., T],
        *iterables: Iterable[object],
        timeout: float | None = None,
        chunksize: int | None = 1,
        buffersize: int | None = None,
    ) -> Iterator[T]:
        """Return an iterator over ``fn`` of each tuple of items, in order.

        As ``Executor.map``, and ``chunksize`` is how many items travel together; None
        chooses that by itself, from how long they take.  Whatever it is, each item has
        its own outcome: all before one that raises are yielded.
        """
        _check_chunksize(chunksize)
        if chunksize == 1:
            return super().map(fn, *iterables, timeout=timeout, buffersize=buffersize)
        check_buffersize(buffersize)
        return map_chunks(
            self._pool.submit_chunk,
            fn,
            iterables,
            executor=self,
            workers=self._pool.limit,
            timeout=timeout,
            chunksize=chunksize,
            buffersize=buffersize,
            begun=self._pool.maps.add,
        )

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Take no more calls; end the processes once the calls that were taken have run.

        ``wait`` returns only when all processes have ended, also in a second call.
        ``cancel_futures`` cancels every call that has not begun.  What one call asks for
        no later one takes back.  Raises RuntimeError, with the request recorded, when
        ``wait`` is asked for in a thread of the pool itself, as in a callback.
        """
        request = Request.SHUTDOWN_CANCEL_FUTURES if cancel_futures else Request.SHUTDOWN
        self._pool.ask(request)
        if wait:
            self._pool.join()

    def terminate_workers(self) -> None:
        """Shut down, cancel what has not begun, and ask every process to end (SIGTERM).

        Calls that were running fail as if their process had died.  Returns at once; a
        ``shutdown()`` afterwards waits for the end.
        """
        self._end(operator.methodcaller("terminate"))

    def kill_workers(self) -> None:
        """Do as ``terminate_workers``, with a signal that no process can ignore (SIGKILL)."""
        self._end(operator.methodcaller("kill"))

    def inspect(self) -> "ProcessPoolView":
        """Return what the pool does right now, as a state of the specification.

        Takes no lock and waits for nothing: for a debugger, a signal handler, or another
        thread, while the pool hangs.  ``str()`` of it is the seed's data-flow diagram, with
        what is in each room.
        """
        from foregone.inspection_process import view_of_processes  # who never asks needs none

        return view_of_processes(self._pool)

    def _end(self, send: "Callable[[Process], object]") -> None:
        """Cancel, send the signals, and only then tell who waits: callbacks may block."""
        untold: list[tuple[AnyCall, tuple[Effect, ...]]] = []
        try:
            self._pool.ask(
                Request.SHUTDOWN_CANCEL_FUTURES,
                lambda call, effects: untold.append((call, effects)),
            )
        finally:
            self._pool.doom = send  # before the look: who is adopted after it looks here
            for process in self._pool.live():
                send(process)
            try:
                for call, effects in untold:
                    call._carry_out(effects)
            except BaseException:  # Ctrl-C: what follows still follows, and twice is once
                for call, effects in untold:
                    call._carry_out(effects)
                raise


def _check_system() -> None:
    """Raise NotImplementedError, as CPython does, where there can be no process pool."""
    if sys.platform == "win32":
        raise NotImplementedError(
            "foregone has no process pool for Windows yet: take ProcessPoolExecutor from "
            "concurrent.futures there; its futures work with foregone's wait and as_completed"
        )
    try:
        importlib.import_module("multiprocessing.synchronize")
    except ImportError as error:
        raise NotImplementedError(
            "a process pool needs semaphores that processes share, and this Python was "
            "built without multiprocessing.synchronize"
        ) from error


def _limit(max_workers: int | None) -> int:
    if max_workers is None:
        return getattr(os, "process_cpu_count", os.cpu_count)() or 1
    given: object = max_workers
    if isinstance(given, float) and given <= 0:  # CPython compares before it looks at the type
        raise ValueError(f"max_workers must be greater than 0, not {max_workers!r}")
    try:
        limit = operator.index(max_workers)
    except TypeError:
        raise TypeError(
            f"max_workers must be a whole number of processes or None, not {max_workers!r} "
            f"of type {type(max_workers).__name__}"
        ) from None
    if limit <= 0:
        raise ValueError(f"max_workers must be greater than 0, not {max_workers!r}")
    if limit > MOST_WORKERS:
        raise OverflowError(f"max_workers must be at most {MOST_WORKERS}, not {max_workers!r}")
    return limit


def _check_max_tasks(max_tasks_per_child: int | None) -> None:
    if max_tasks_per_child is None:
        return
    if not isinstance(max_tasks_per_child, int):
        raise TypeError(
            f"max_tasks_per_child must be an integer or None, not {max_tasks_per_child!r} "
            f"of type {type(max_tasks_per_child).__name__}"
        )
    if max_tasks_per_child < 1:
        raise ValueError(f"max_tasks_per_child must be >= 1, not {max_tasks_per_child}")


def _check_chunksize(chunksize: int | None) -> None:
    if chunksize is None:
        return
    if not isinstance(chunksize, int):
        raise TypeError(
            f"chunksize must be an integer or None, not {chunksize!r} "
            f"of type {type(chunksize).__name__}"
        )
    if chunksize < 1:
        raise ValueError(f"chunksize must be >= 1, not {chunksize}; None chooses by itself")


def _context(given: BaseContext | None, max_tasks: int | None, replaces: bool) -> BaseContext:
    """Return how processes start, where they may have to be replaced; refuse fork then."""
    if given is None:
        if max_tasks is not None:
            return multiprocessing.get_context("spawn")  # as CPython
        default: BaseContext = multiprocessing.get_context()
        if replaces and default.get_start_method() == "fork":
            served = "forkserver" in multiprocessing.get_all_start_methods()
            return multiprocessing.get_context("forkserver" if served else "spawn")
        return default
    if not isinstance(given, BaseContext):
        raise TypeError(
            f"mp_context must be a context of multiprocessing or None, not {given!r}: "
            f'pass multiprocessing.get_context("spawn"), say'
        )
    if given.get_start_method() == "fork":
        asked = {
            f"max_tasks_per_child={max_tasks}": max_tasks is not None,
            'on_process_death="replace"': replaces,
        }
        for argument in filter(asked.get, asked):
            raise ValueError(
                f"{argument} is incompatible with the 'fork' start method: a process that has "
                f"threads must not fork again; pass mp_context="
                f'multiprocessing.get_context("forkserver")'
            )
    return given
