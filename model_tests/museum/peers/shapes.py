"""Each peer in the shape that an exhibit asks for: a pool, ``wait``, and what breaks.

A peer is imported when it is asked for.  What it has no word of its own for is the standard
library's.
"""

# ruff: noqa: ANN401  the library on show is whatever it is
from __future__ import annotations

import concurrent.futures as cf
import importlib
import threading
from collections.abc import Callable, Iterable
from concurrent.futures import process
from inspect import signature
from types import SimpleNamespace
from typing import Any, Final

from model_tests.museum.seeds_peer import PoolBehind

LATE: Final = 0.3  # seconds


def _named(pool: Any, **others: Any) -> SimpleNamespace:
    names = {
        "ProcessPoolExecutor": pool,
        "Future": cf.Future,
        "InvalidStateError": cf.InvalidStateError,
        "TimeoutError": cf.TimeoutError,
        "as_completed": cf.as_completed,
        "wait": cf.wait,
        "process": process,
    }
    return SimpleNamespace(**{**names, **others})


def loky() -> SimpleNamespace:
    """Return loky, which follows the standard library but for the name of an argument."""
    library: Any = importlib.import_module("loky")
    contexts: Any = importlib.import_module("loky.backend.context")

    def made(max_workers: int, mp_context: Any = None, **given: Any) -> Any:
        context = mp_context and contexts.get_context(mp_context.get_start_method())
        return library.ProcessPoolExecutor(max_workers, context=context, **given)

    return _named(
        made,
        Future=library.Future,
        get_reusable_executor=library.get_reusable_executor,
        process=library.process_executor,
    )


class Scheduling:
    """pebble: ``schedule`` is its ``submit``, and ``close`` and ``join`` are its ``shutdown``."""

    def __init__(self, pool: Any) -> None:
        self.pool = pool

    def submit(self, fn: Any, /, *args: Any) -> Any:
        return self.pool.schedule(fn, args=args)

    def shutdown(self, wait: bool = True) -> None:
        self.pool.close()
        if wait:
            self.pool.join()


def pebble() -> SimpleNamespace:
    """Return pebble, whose futures are cancelled while their call runs, too."""
    library: Any = importlib.import_module("pebble")

    def made(max_workers: int, mp_context: Any = None, **given: Any) -> Any:
        if mp_context is not None and "context" in signature(library.ProcessPool).parameters:
            given["context"] = mp_context  # the older ones fork
        return Scheduling(library.ProcessPool(max_workers, **given))

    broken = (library.ProcessExpired, RuntimeError)  # of the call; of the pool
    return _named(made, process=SimpleNamespace(BrokenProcessPool=broken))


def late_pebble() -> SimpleNamespace:
    """Return pebble, whose threads wait where they look before they act: this is its own code."""
    library: Any = importlib.import_module("pebble")
    manager: Any = importlib.import_module("pebble.pool.process").WorkerManager
    _late(manager, "maybe_stop_worker")
    _late(library.ProcessFuture, "set_result")
    return pebble()


def _late(owner: Any, name: str) -> None:
    act = getattr(owner, name)

    def acts_late(self: Any, *args: Any) -> Any:
        threading.Event().wait(LATE)
        return act(self, *args)

    setattr(owner, name, acts_late)


def deadpool() -> SimpleNamespace:
    """Return deadpool, an executor with the standard library's arguments."""
    library: Any = importlib.import_module("deadpool")
    broken = SimpleNamespace(BrokenProcessPool=library.ProcessError)
    return _named(library.Deadpool, Future=library.Future, process=broken)


def multiprocessing() -> SimpleNamespace:
    """Return the interpreter's own Pool, which has callbacks."""

    def made(max_workers: int, mp_context: Any) -> Any:
        return PoolBehind(mp_context.Pool(max_workers))

    return _named(made)


def billiard() -> SimpleNamespace:
    """Return billiard, which is multiprocessing.Pool as Celery has it."""
    library: Any = importlib.import_module("billiard")

    def made(max_workers: int, mp_context: Any) -> Any:
        context = library.get_context(mp_context.get_start_method())
        return PoolBehind(context.Pool(max_workers))

    return _named(made)


def called(fn: Callable[..., Any], args: Iterable[Any]) -> Any:
    return fn(*args)


class Applying(PoolBehind):
    """mpire: it takes apart what it is given as the one argument."""

    def submit(self, fn: Any, /, *args: Any) -> Any:
        return super().submit(called, fn, args)

    def shutdown(self, wait: bool = True) -> None:
        self.pool.stop_and_join()


def mpire() -> SimpleNamespace:
    """Return mpire, which has callbacks."""
    library: Any = importlib.import_module("mpire")

    def made(max_workers: int, mp_context: Any) -> Any:
        method = mp_context.get_start_method()
        return Applying(library.WorkerPool(max_workers, start_method=method))

    return _named(made, process=SimpleNamespace(BrokenProcessPool=RuntimeError))


SHAPES: Final[dict[str, Callable[[], SimpleNamespace]]] = {
    "loky": loky,
    "pebble": pebble,
    "late pebble": late_pebble,
    "deadpool": deadpool,
    "multiprocessing": multiprocessing,
    "billiard": billiard,
    "mpire": mpire,
}
