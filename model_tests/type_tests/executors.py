"""Executors: ``submit`` knows the signature, ``map`` the result."""

import concurrent.futures
from collections.abc import Callable, Iterator
from typing import ParamSpec, TypeVar, assert_type

import foregone
from foregone import Executor, Future, ThreadPoolExecutor

P = ParamSpec("P")
T = TypeVar("T")


def area(width: int, height: int = 1, *, unit: str = "m") -> float:
    """Take arguments of every kind."""
    return width * height * len(unit)


def submits(pool: ThreadPoolExecutor) -> None:
    assert_type(pool.submit(area, 2), Future[float])
    assert_type(pool.submit(area, 2, 3, unit="cm"), Future[float])
    assert_type(pool.submit(area, width=2).result(), float)
    assert_type(pool.submit(lambda: "text"), Future[str])
    assert_type(pool.submit(str.upper, "a"), Future[str])
    pool.submit(area)  # type: ignore[call-arg]  # width is missing
    pool.submit(area, "2")  # type: ignore[arg-type]  # width is an int
    pool.submit(area, 2, unit=3)  # type: ignore[arg-type]  # unit is a text
    pool.submit(area, 2, colour="red")  # type: ignore[call-arg]  # there is no colour
    pool.submit(3)  # type: ignore[arg-type]  # what cannot be called


def maps(pool: ThreadPoolExecutor) -> None:
    assert_type(pool.map(area, [1, 2]), Iterator[float])
    assert_type(pool.map(area, [1], [2], timeout=1.5, chunksize=2, buffersize=3), Iterator[float])
    assert_type(list(pool.map(str, range(3), buffersize=None)), list[str])
    for each in pool.map(str.upper, "ab"):
        assert_type(each, str)
    pool.map(area, 3)  # type: ignore[arg-type]  # a number is no iterable
    pool.map(area, [1], timeout="1")  # type: ignore[arg-type]  # a text is no time
    pool.map(area, [1], buffersize=1.5)  # type: ignore[arg-type]  # a size is an int


def makes() -> None:
    with ThreadPoolExecutor() as pool:
        assert_type(pool, ThreadPoolExecutor)
    assert_type(pool.shutdown(wait=False, cancel_futures=True), None)
    ThreadPoolExecutor(4, "name", print, ("begun",))
    ThreadPoolExecutor(max_workers=None, thread_name_prefix="name", initargs=[1, 2])
    ThreadPoolExecutor("4")  # type: ignore[arg-type]  # a text is no number
    ThreadPoolExecutor(initializer=3)  # type: ignore[arg-type]  # what cannot be called
    pool.shutdown(True, True)  # type: ignore[call-arg]  # cancel_futures is named


def drops_in() -> tuple[concurrent.futures.Executor, concurrent.futures.ThreadPoolExecutor]:
    """Return an executor of ours where a standard one went."""
    pool = ThreadPoolExecutor()
    return pool, pool


def is_used_as_theirs(pool: concurrent.futures.Executor) -> None:
    assert_type(pool.submit(area, 2), concurrent.futures.Future[float])


def hands_over() -> None:
    is_used_as_theirs(ThreadPoolExecutor())
    is_used_as_theirs(Executor())


class Retrying(Executor):
    """An executor as others write it."""

    def __init__(self, inner: Executor) -> None:
        self.inner = inner

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        return self.inner.submit(fn, *args, **kwargs)


def extends() -> None:
    with Retrying(ThreadPoolExecutor()) as retrying:
        assert_type(retrying, Retrying)
        assert_type(retrying.submit(area, 2), Future[float])
        assert_type(retrying.map(area, [1]), Iterator[float])


def breaks(pool: ThreadPoolExecutor) -> None:
    try:
        pool.submit(area, 2)
    except foregone.BrokenThreadPool as broken:
        assert_type(broken, concurrent.futures.thread.BrokenThreadPool)
    except foregone.BrokenExecutor as broken:
        assert_type(broken, concurrent.futures.BrokenExecutor)
