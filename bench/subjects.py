"""Who is compared: each library's process pool behind the same few calls.

A ``Pool`` holds the library's own bound methods wherever their shape allows it, so that
what is timed is the library and not this file.  Each is imported when its pool is opened:
no process that starts imports another's, and a peer that is not installed is reported as
absent.
"""

import importlib
import multiprocessing
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, Final, TypeAlias, final

CHUNK: Final = 1000

#: A future, or an executor, of whatever library.
Foreign: TypeAlias = Any

Map = Callable[[Callable[[int], Any], Sequence[int]], Iterable[Any]]


@final
@dataclass(frozen=True, slots=True)
class Pool:
    """One open pool: ``submit`` gives a handle, ``result`` waits for what it became."""

    submit: Callable[..., Any]
    result: Callable[[Any], Any]
    close: Callable[[], object]  # returns when the processes have ended
    maps: dict[str, Map] = field(default_factory=dict)
    cancel: Callable[[Any], bool] | None = None
    drop: Callable[[], object] | None = None  # close, and cancel what is queued


@final
@dataclass(frozen=True, slots=True)
class Subject:
    """A library: how its pool is opened, and with which start methods it can be."""

    name: str
    package: str  # whose version is printed; "" for what comes with Python
    open: Callable[[int, str], Pool]
    methods: tuple[str, ...] = ("fork", "forkserver")


def _get(future: Foreign) -> Foreign:
    return future.result()


def _executor(executor: Foreign, maps: dict[str, Map]) -> Pool:
    return Pool(
        submit=executor.submit,
        result=_get,
        close=executor.shutdown,
        maps=maps,
        cancel=lambda future: bool(future.cancel()),
        drop=partial(executor.shutdown, cancel_futures=True),
    )


def foregone(workers: int, method: str) -> Pool:
    """Open foregone's own pool."""
    library = importlib.import_module("foregone")
    executor = library.ProcessPoolExecutor(workers, multiprocessing.get_context(method))
    maps: dict[str, Map] = {
        "chunksize=None": partial(executor.map, chunksize=None),
        "chunksize=1": executor.map,
        f"chunksize={CHUNK}": partial(executor.map, chunksize=CHUNK),
    }
    return _executor(executor, maps)


def standard(workers: int, method: str) -> Pool:
    """Open the standard library's executor."""
    library = importlib.import_module("concurrent.futures")
    executor = library.ProcessPoolExecutor(workers, multiprocessing.get_context(method))
    maps: dict[str, Map] = {
        "chunksize=1": executor.map,
        f"chunksize={CHUNK}": partial(executor.map, chunksize=CHUNK),
    }
    return _executor(executor, maps)


def loky(workers: int, _method: str) -> Pool:
    """Open loky's executor, under its own start method."""
    executor = importlib.import_module("loky").ProcessPoolExecutor(workers)
    maps: dict[str, Map] = {f"chunksize={CHUNK}": partial(executor.map, chunksize=CHUNK)}
    return replace(_executor(executor, maps), drop=None)


def pebble(workers: int, method: str) -> Pool:
    """Open pebble's pool."""
    library = importlib.import_module("pebble")
    pool = library.ProcessPool(max_workers=workers, context=multiprocessing.get_context(method))
    schedule = pool.schedule

    def submit(function: Callable[..., object], *args: object) -> Foreign:
        return schedule(function, args=args)

    def mapped(function: Callable[[int], Any], items: Sequence[int]) -> Iterator[Any]:
        yield from pool.map(function, items, chunksize=CHUNK).result()

    def close() -> None:
        pool.close()
        pool.join()

    def drop() -> None:
        pool.stop()
        pool.join()

    maps: dict[str, Map] = {f"chunksize={CHUNK}": mapped}
    return Pool(submit, _get, close, maps, lambda future: bool(future.cancel()), drop)


def mpire(workers: int, method: str) -> Pool:
    """Open mpire's pool."""
    library = importlib.import_module("mpire")
    pool = library.WorkerPool(n_jobs=workers, start_method=method)
    apply = pool.apply_async

    def submit(function: Callable[..., object], *args: object) -> Foreign:
        return apply(function, args)

    def close() -> None:
        pool.stop_and_join()

    maps: dict[str, Map] = {"default": pool.map}
    return Pool(submit, lambda handle: handle.get(), close, maps, drop=pool.terminate)


def pool(workers: int, method: str) -> Pool:
    """Open multiprocessing.Pool."""
    opened = multiprocessing.get_context(method).Pool(workers)
    apply = opened.apply_async

    def submit(function: Callable[..., object], *args: object) -> Foreign:
        return apply(function, args)

    def end(how: Callable[[], None]) -> None:
        how()
        opened.join()

    maps: dict[str, Map] = {
        "map": opened.map,
        "imap, chunksize=1": opened.imap,
        f"imap, chunksize={CHUNK}": partial(opened.imap, chunksize=CHUNK),
    }
    close, drop = partial(end, opened.close), partial(end, opened.terminate)
    return Pool(submit, lambda handle: handle.get(), close, maps, drop=drop)


def joblib(workers: int, _method: str) -> Pool:
    """Open joblib's Parallel on loky: a map that sizes its batches by itself."""
    library = importlib.import_module("joblib")
    parallel = library.Parallel(n_jobs=workers, backend="loky").__enter__()
    delayed = library.delayed

    def mapped(function: Callable[[int], Any], items: Sequence[int]) -> Iterable[Any]:
        call = delayed(function)
        results: Iterable[Any] = parallel(call(item) for item in items)
        return results

    def submit(function: Callable[..., object], *args: object) -> Foreign:
        return parallel([delayed(function)(*args)])[0]

    def close() -> None:
        parallel.__exit__(None, None, None)
        reusable = importlib.import_module("joblib.externals.loky").get_reusable_executor
        reusable().shutdown(wait=True)

    return Pool(submit, lambda result: result, close, {"auto-batching": mapped})


SUBJECTS: Final[dict[str, Subject]] = {
    "foregone": Subject("foregone", "foregone", foregone, ("fork", "forkserver", "spawn")),
    "standard": Subject("standard library", "", standard, ("fork", "forkserver", "spawn")),
    "loky": Subject("loky", "loky", loky, ("own",)),
    "pebble": Subject("pebble", "pebble", pebble),
    "mpire": Subject("mpire", "mpire", mpire),
    "pool": Subject("multiprocessing.Pool", "", pool),
    "joblib": Subject("joblib", "joblib", joblib, ("own",)),
}
