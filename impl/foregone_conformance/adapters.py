"""Executors that are known by name, and those that need a shape to be one.

A library is imported when its executor is made; none is needed to judge another.
"""

import importlib
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import Executor, Future
from dataclasses import dataclass
from typing import Final, ParamSpec, Protocol, TypeVar, cast, final

P = ParamSpec("P")
T = TypeVar("T")


@final
@dataclass(frozen=True, slots=True)
class Known:
    """An executor with a name of its own at the command line."""

    address: str
    what: str


KNOWN: Final[dict[str, Known]] = {
    "standard-thread": Known("concurrent.futures:ThreadPoolExecutor", "of this interpreter"),
    "standard-process": Known("concurrent.futures:ProcessPoolExecutor", "of this interpreter"),
    "foregone-thread": Known("foregone:ThreadPoolExecutor", "ours"),
    "foregone-process": Known("foregone:ProcessPoolExecutor", "ours"),
    "loky": Known("foregone_conformance.adapters:loky", "loky.ProcessPoolExecutor"),
    "pebble": Known("foregone_conformance.adapters:pebble", "pebble.ProcessPool"),
    "deadpool": Known("deadpool:Deadpool", "deadpool.Deadpool"),
    "mpi4py": Known("mpi4py.futures:MPIPoolExecutor", "mpi4py.futures.MPIPoolExecutor"),
    "dask": Known("foregone_conformance.adapters:dask", "the executor of a dask Client"),
    "foregone-dask": Known("foregone_conformance.adapters:begun_once", "ours, at most once"),
    "foregone-dask-again": Known("foregone_conformance.adapters:begun_again", "at least once"),
}


class _Context(Protocol):
    """What multiprocessing.get_context returns, as far as it is asked."""

    def get_start_method(self) -> str: ...


def loky(max_workers: int, mp_context: _Context | None = None, **others: object) -> Executor:
    """Return loky's ProcessPoolExecutor, which calls ``mp_context`` by another name.

    ``max_workers``  how many processes
    ``mp_context``   None for loky's own way to start them
    Raises ImportError if loky is not there.
    """
    context: object = None
    if mp_context is not None:
        name = mp_context.get_start_method()
        context = importlib.import_module("loky.backend.context").get_context(name)
    library = importlib.import_module("loky")
    made: Executor = library.ProcessPoolExecutor(max_workers, context=context, **others)
    return made


class _Pebble(Protocol):
    """The methods of a pebble.ProcessPool that are called here."""

    def schedule(
        self, function: Callable[..., T], args: Iterable[object], kwargs: Mapping[str, object]
    ) -> "Future[T]": ...

    def close(self) -> None: ...

    def join(self) -> None: ...


class Scheduling(Executor):
    """A pebble.ProcessPool: ``schedule`` is its ``submit``, ``close`` and ``join`` ``shutdown``.

    ``cancel_futures`` cancels what was scheduled here and is pending, which pebble has no word
    for.  ``map`` is that of ``Executor``.
    """

    def __init__(self, pool: _Pebble) -> None:
        self._pool = pool
        self._futures: list[Future[object]] = []

    def submit(self, fn: "Callable[P, T]", /, *args: "P.args", **kwargs: "P.kwargs") -> "Future[T]":
        """Schedule a call; raise RuntimeError if the pool is closed."""
        future = self._pool.schedule(fn, args=args, kwargs=kwargs)
        self._futures = [each for each in self._futures if not each.done()]
        self._futures.append(cast("Future[object]", future))
        return future

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Close the pool; cancel what is pending if so asked, and wait if so asked."""
        self._pool.close()
        if cancel_futures:
            for each in self._futures:
                if not each.running():
                    each.cancel()
        if wait:
            self._pool.join()


def pebble(max_workers: int, mp_context: object = None, **others: object) -> Executor:
    """Return a pebble.ProcessPool as an executor.

    ``max_workers``  how many processes
    ``mp_context``   None for multiprocessing's own
    ``others``       ``initializer`` and ``initargs``
    Raises ImportError if pebble is not there.
    """
    if mp_context is not None:
        others["context"] = mp_context
    library = importlib.import_module("pebble")
    return Scheduling(library.ProcessPool(max_workers, **others))


def begun_once(max_workers: int, **others: object) -> Executor:
    """Return foregone's executor on a cluster of its own, whose calls begin at most once.

    ``max_workers``  how many worker processes, of one thread each
    ``others``       ``initializer``, ``initargs``, ``observer``, ``silence_limit``
    Raises ImportError if distributed is not there.
    """
    return _on_dask(max_workers, at_most_once=True, **others)


def begun_again(max_workers: int, **others: object) -> Executor:
    """Return the same, but a call whose worker is lost begins again."""
    return _on_dask(max_workers, at_most_once=False, **others)


def _on_dask(max_workers: int, **others: object) -> Executor:
    library = importlib.import_module("foregone.dask")
    made: Executor = library.DaskExecutor(max_workers=max_workers, **others)
    return made


def dask(max_workers: int) -> Executor:
    """Return the executor of a dask Client, with a local cluster of its own.

    ``max_workers``  how many worker processes, of one thread each
    Raises ImportError if distributed is not there.
    """
    library = importlib.import_module("distributed")
    client = library.Client(
        n_workers=max_workers, threads_per_worker=1, processes=True, dashboard_address=None
    )
    made: Executor = client.get_executor(pure=False)
    return made
