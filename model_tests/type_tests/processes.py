"""ProcessPoolExecutor: what ``submit`` and ``map`` infer, and which arguments it takes."""

import concurrent.futures
import concurrent.futures.process
import multiprocessing
import pickle
from asyncio import AbstractEventLoop
from collections.abc import Iterator
from multiprocessing.context import ForkServerContext
from typing import Literal, assert_type

import foregone
import foregone.process
from foregone import BrokenProcessPool, Future, ProcessDied, ProcessPoolExecutor


def area(width: int, height: int = 1, *, unit: str = "m") -> float:
    """Take arguments of every kind."""
    return width * height * len(unit)


def submits(pool: ProcessPoolExecutor) -> None:
    assert_type(pool.submit(area, 2), Future[float])
    assert_type(pool.submit(area, 2, 3, unit="cm"), Future[float])
    assert_type(pool.submit(area, width=2).result(), float)
    assert_type(pool.submit(str.upper, "a"), Future[str])
    pool.submit(area)  # type: ignore[call-arg]  # width is missing
    pool.submit(area, "2")  # type: ignore[arg-type]  # width is an int
    pool.submit(area, 2, unit=3)  # type: ignore[arg-type]  # unit is a text
    pool.submit(area, 2, colour="red")  # type: ignore[call-arg]  # there is no colour
    pool.submit(3)  # type: ignore[arg-type]  # what cannot be called


def maps(pool: ProcessPoolExecutor) -> None:
    assert_type(pool.map(area, [1, 2]), Iterator[float])
    assert_type(pool.map(area, [1], [2], timeout=1.5, chunksize=2, buffersize=3), Iterator[float])
    assert_type(list(pool.map(str, range(3), chunksize=None)), list[str])
    for each in pool.map(str.upper, "ab", chunksize=None, buffersize=None):
        assert_type(each, str)
    pool.map(area, 3)  # type: ignore[arg-type]  # a number is no iterable
    pool.map(area, [1], timeout="1")  # type: ignore[arg-type]  # a text is no time
    pool.map(area, [1], chunksize=1.5)  # type: ignore[arg-type]  # a size is an int
    pool.map(area, [1], buffersize=1.5)  # type: ignore[arg-type]  # a size is an int


def makes(method: Literal["fork", "spawn", "forkserver"], served: ForkServerContext) -> None:
    with ProcessPoolExecutor() as pool:
        assert_type(pool, ProcessPoolExecutor)
    assert_type(pool.shutdown(wait=False, cancel_futures=True), None)
    assert_type(pool.terminate_workers(), None)
    assert_type(pool.kill_workers(), None)
    ProcessPoolExecutor(4, multiprocessing.get_context(method), print, ("begun",))
    ProcessPoolExecutor(None, None, None, [1, 2], max_tasks_per_child=3)
    ProcessPoolExecutor(mp_context=multiprocessing.get_context(), on_process_death="break")
    ProcessPoolExecutor(mp_context=served, on_process_death="replace", reducer=pickle)
    ProcessPoolExecutor("4")  # type: ignore[arg-type]  # a text is no number
    ProcessPoolExecutor(1.5)  # type: ignore[arg-type]  # nor is half a process
    ProcessPoolExecutor(mp_context="spawn")  # type: ignore[arg-type]  # a name is no context
    ProcessPoolExecutor(initializer=3)  # type: ignore[arg-type]  # what cannot be called
    ProcessPoolExecutor(initargs=3)  # type: ignore[arg-type]  # a number is no iterable
    ProcessPoolExecutor(max_tasks_per_child=1.0)  # type: ignore[arg-type]  # not an int
    ProcessPoolExecutor(on_process_death="restart")  # type: ignore[arg-type]  # one of two
    ProcessPoolExecutor(reducer=3)  # type: ignore[arg-type]  # it has no dumps and no loads
    ProcessPoolExecutor(1, None, None, (), 3)  # type: ignore[call-arg]  # it must be named
    pool.shutdown(True, True)  # type: ignore[call-arg]  # cancel_futures is named


def drops_in() -> tuple[concurrent.futures.Executor, concurrent.futures.ProcessPoolExecutor]:
    """Return an executor of ours where a standard one went."""
    pool = ProcessPoolExecutor()
    return pool, pool


def is_used_as_theirs(pool: concurrent.futures.Executor) -> None:
    assert_type(pool.submit(area, 2), concurrent.futures.Future[float])


async def runs_in_a_loop(loop: AbstractEventLoop, pool: ProcessPoolExecutor) -> None:
    assert_type(await loop.run_in_executor(pool, area, 2), float)


def hands_over() -> None:
    is_used_as_theirs(ProcessPoolExecutor())


def breaks(pool: ProcessPoolExecutor) -> None:
    try:
        pool.submit(area, 2).result()
    except ProcessDied as died:
        assert_type(died.pid, int)
        assert_type(died.exit_code, int | None)
    except BrokenProcessPool as broken:
        assert_type(broken, concurrent.futures.process.BrokenProcessPool)
    except foregone.BrokenExecutor as broken:
        assert_type(broken, concurrent.futures.BrokenExecutor)


def has_one_name(died: ProcessDied) -> tuple[foregone.process.ProcessDied, BrokenProcessPool]:
    """Return what is the same by every name."""
    return died, died


def has_no_other_names() -> None:
    foregone.ProcesPoolExecutor()  # type: ignore[attr-defined]  # a slip is seen
