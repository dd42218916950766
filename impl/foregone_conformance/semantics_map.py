"""The semantics table, of map and of the order of calls."""

import concurrent.futures
import gc
from collections.abc import Callable, Iterator
from functools import partial
from inspect import signature
from time import monotonic
from typing import Final, cast

from foregone_conformance import calls, corners
from foregone_conformance.calls import MANY, Held
from foregone_conformance.claims import Group, Registry, cpython, documented
from foregone_conformance.documented_waiting import failing_at_three
from foregone_conformance.exhibits.future import until
from foregone_conformance.exhibits.tasks import awaited, mark
from foregone_conformance.judged import Judged
from foregone_conformance.kinds import Broken, Kind, NotApplicable, insist

claim: Final = Registry(Group.SEMANTICS)

MAP: Final = documented("Executor.map")
LATER: Final = 0.3  # seconds
TRIES: Final = 6  # a busy machine is not late so often in a row


@claim(
    "map-chunk-error",
    "in map with chunks, results that come before an error are yielded before it is raised",
    MAP,
    "the results of calls that succeeded are lost, since one beside them failed",
    standard="in a process pool loses what comes before the error in its chunk",
)
def map_chunk_error(judged: Judged) -> None:
    """Map a function that fails in the middle of the one chunk."""
    found: list[int] = []
    with judged.pool() as pool:
        judged.doing("waiting for map(chunksize=6) of a function that raises")
        try:
            found.extend(pool.map(failing_at_three, range(6), chunksize=6))
        except ValueError as error:
            insist("three" in str(error), f"map raised {error!r}")
        else:
            raise Broken(f"map of a function that raises gave {found}")
    insist(found == [0, 1, 2], f"before the error of the fourth, map(chunksize=6) gave {found}")


def stopped(judged: Judged, stop: Callable[[Iterator[int]], object], how: str) -> None:
    """Map many numbers, stop after the first in some way, and insist that the last never runs."""
    place = judged.folder()
    with judged.pool(1) as pool:
        results = pool.map(corners.in_turn, [place] * MANY, range(MANY))
        judged.doing("waiting until the second call of map begins")
        awaited(place, "begun")
        judged.doing(f"waiting until map is stopped by {how}")
        stop(results)
        del results
        gc.collect()
        mark(place, "go on")
        judged.doing(f"waiting for the end of the pool after map was stopped by {how}")
    insist(
        str(MANY - 1) not in calls.ran(place),
        f"after map was stopped by {how}, the last of its {MANY} calls ran all the same",
    )


@claim(
    "map-stops",
    "when map has raised the error of a call, calls that have not begun are cancelled",
    cpython("_base", 612),
    "a program that has failed works on, for results that nobody can have any more",
)
def map_stops(judged: Judged) -> None:
    """Have the first call fail while the second is held."""

    def first(results: Iterator[int]) -> None:
        try:
            found = next(results)
        except ValueError:
            return
        raise Broken(f"the first result of map, which is an error, was yielded as {found!r}")

    stopped(judged, first, "an error")


@claim(
    "map-timeout-stops",
    "when map has raised TimeoutError, calls that have not begun are cancelled",
    cpython("_base", 612),
    "a program that gives up works on, for results that nobody can have any more",
)
def map_timeout_stops(judged: Judged) -> None:
    """Run out of time while the first call is held."""
    place = judged.folder()
    with judged.pool(1) as pool:
        numbers = range(1, MANY)
        results = pool.map(corners.in_turn, [place] * MANY, numbers, timeout=0.01)
        judged.doing("waiting for the TimeoutError of map(timeout=0.01)")
        try:
            found = next(results)
        except concurrent.futures.TimeoutError:
            mark(place, "go on")
        else:
            mark(place, "go on")
            raise Broken(f"map yielded {found!r} while its worker was held")
        judged.doing("waiting for the end of the pool after map has run out of time")
    last = str(MANY - 1)
    insist(last not in calls.ran(place), f"call {last} of a map that had timed out ran")


def _is_over(deadline: float) -> bool:
    return monotonic() > deadline


@claim(
    "map-timeout-clock",
    "the time limit of map begins when map is called, not when a result is asked for",
    MAP,
    "a program waits longer than it wants, the later it asks",
)
def map_timeout_clock(judged: Judged) -> None:
    """Ask when the limit has passed: who begins only then takes as long once more, each time."""
    with judged.pool(1) as pool, Held(judged, pool):
        for _ in range(TRIES):
            results = pool.map(abs, [1], timeout=LATER)
            called = monotonic()
            until(partial(_is_over, called + LATER))
            asked = monotonic()
            judged.doing("waiting for the TimeoutError of a map whose time is over")
            try:
                found = next(results)
            except concurrent.futures.TimeoutError:
                if monotonic() - asked < LATER / 2:
                    break
            else:
                raise Broken(f"map yielded {found!r} while its worker was held")
        else:
            raise Broken(f"{TRIES} times map took its time limit once more when it was asked")


@claim(
    "map-zero",
    "map with a time limit of zero, or below, raises TimeoutError for what is not there",
    MAP,
    "who only wants to look waits",
)
def map_zero(judged: Judged) -> None:
    """Map behind a call that is held."""
    with judged.pool(1) as pool, Held(judged, pool):
        for limit in (0, -1):
            judged.doing(f"waiting for the TimeoutError of map(timeout={limit})")
            try:
                found = next(pool.map(abs, [1], timeout=limit))
            except concurrent.futures.TimeoutError:
                continue
            raise Broken(f"map(timeout={limit}) yielded {found!r} while its worker was held")


@claim(
    "map-no-inputs",
    "map without inputs calls nothing, and ends",
    MAP,
    "a function is called with nothing, or without end",
)
def map_no_inputs(judged: Judged) -> None:
    """Map over nothing at all."""
    with judged.pool(1) as pool:
        judged.doing("waiting for map without inputs")
        try:
            found = [*cast("Iterator[object]", pool.map(calls.echo))]
        except TypeError:  # as the builtin one says
            return
    insist(not found, f"map without inputs gave {found}")


@claim(
    "map-buffersize-values",
    "map refuses a buffersize that is zero, negative, or no integer",
    MAP,
    "a map that may have nothing pending hangs, or yields nothing",
)
def map_buffersize_values(judged: Judged) -> None:
    """Ask for buffers that there are not."""
    with judged.pool(1) as pool:
        if "buffersize" not in signature(pool.map).parameters:
            raise NotApplicable("map has no buffersize")
        for given in (0, -1, "3", 1.5):
            arguments = cast("dict[str, int]", {"buffersize": given})
            judged.doing(f"waiting for map(buffersize={given!r})")
            try:
                found = [*pool.map(abs, range(4), **arguments)]
            except (TypeError, ValueError):
                continue
            raise Broken(f"map(buffersize={given!r}) was accepted, and gave {found}")


@claim(
    "map-chunksize-values",
    "map refuses a chunksize below one, or yields everything all the same",
    cpython("process", 837),
    "a map in chunks of nothing hangs, or yields nothing",
    Kind.PROCESS,
)
def map_chunksize_values(judged: Judged) -> None:
    """Ask for chunks of nothing, and of less."""
    with judged.pool(1) as pool:
        for size in (0, -1):
            judged.doing(f"waiting for map(chunksize={size})")
            try:
                found = [*pool.map(abs, range(4), chunksize=size)]
            except Exception:  # told is told
                continue
            insist(found == [0, 1, 2, 3], f"map(chunksize={size}) of 0..3 gave {found}")


@claim(
    "start-order",
    "with one worker, calls are run in the order in which they were submitted",
    cpython("process", 6),
    "a call that relies on an earlier one comes before it",
)
def start_order(judged: Judged) -> None:
    """Have calls write their numbers into one file."""
    place = judged.folder()
    with judged.pool(1) as pool:
        futures = [pool.submit(corners.in_order, place, each) for each in range(MANY)]
        judged.doing("waiting for calls that say in which order they run")
        calls.wait_for(futures)
    found = corners.order(place)
    insist(found == [*range(MANY)], f"{MANY} calls of one worker ran in the order {found}")
