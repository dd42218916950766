"""What the documentation promises of map, wait and as_completed."""

import concurrent.futures
import threading
from collections.abc import Iterator
from concurrent.futures import FIRST_COMPLETED, FIRST_EXCEPTION, Future
from inspect import signature
from typing import Final

from foregone_conformance import calls
from foregone_conformance.calls import Held
from foregone_conformance.claims import Group, Registry, documented
from foregone_conformance.exhibits.future import until
from foregone_conformance.judged import Judged
from foregone_conformance.kinds import Broken, NotApplicable, insist

claim: Final = Registry(Group.DOCUMENTED)

MAP: Final = documented("Executor.map")
WAIT: Final = documented("wait")
AS_COMPLETED: Final = documented("as_completed")
INPUTS: Final = 300  # more than a map would read ahead that reads a little


def failing_at_three(number: int) -> int:
    """Return the number, unless it is three."""
    if number == 3:
        raise ValueError("three")
    return number


def noted(many: int, read: list[int]) -> Iterator[int]:
    """Yield so many numbers, and note each when it is read."""
    for each in range(many):
        read.append(each)
        yield each


@claim(
    "map-order",
    "map yields what calling one by one would, in that order, up to the shortest input",
    MAP,
    "results are mixed up",
)
def map_order(judged: Judged) -> None:
    """Map two inputs of different length, in chunks and not."""
    with judged.pool() as pool:
        for size in (1, 3, 100):
            judged.doing(f"waiting for map(chunksize={size})")
            found = [*pool.map(pow, range(10), range(2, 20), chunksize=size)]
            wanted = [*map(pow, range(10), range(2, 20))]
            insist(found == wanted, f"map(pow, ..., chunksize={size}) gave {found}")
        insist([*pool.map(abs, [])] == [], "map of nothing gave something")


@claim(
    "map-raises",
    "an exception of a call is raised when its value is retrieved, after those before it",
    MAP,
    "results before an error are lost, or the error is",
)
def map_raises(judged: Judged) -> None:
    """Map a function that fails in the middle."""
    found: list[int] = []
    with judged.pool() as pool:
        judged.doing("waiting for map of a function that raises")
        try:
            found += pool.map(failing_at_three, [])
            for each in pool.map(failing_at_three, range(6)):
                found.append(each)
        except ValueError as error:
            insist(error.args == ("three",), f"map raised {error!r}")
        else:
            raise Broken(f"map of a function that raises gave {found}")
    insist(found == [0, 1, 2], f"before the error map yielded {found}")


@claim(
    "map-timeout",
    "map(timeout) raises TimeoutError when a result is not there in time",
    MAP,
    "a program waits longer than it wants",
)
def map_timeout(judged: Judged) -> None:
    """Map behind a call that is held."""
    with judged.pool(1) as pool:
        held = Held(judged, pool)
        results = pool.map(abs, range(3), timeout=0.05)
        judged.doing("waiting for the TimeoutError of map(timeout=0.05)")
        try:
            next(results)
        except concurrent.futures.TimeoutError:
            held.let_go()
            return
        held.let_go()
        raise Broken("map yielded a result while its worker was held")


@claim(
    "map-eager",
    "map collects its inputs at once, not when results are asked for",
    MAP,
    "work does not begin when it could",
)
def map_eager(judged: Judged) -> None:
    """See whether an input has been read when map returns."""
    read: list[int] = []
    with judged.pool() as pool:
        results = pool.map(abs, noted(INPUTS, read))
        seen = len(read)
        judged.doing("waiting for map")
        insist([*results] == [*range(INPUTS)], "map is wrong")
    insist(seen == INPUTS, f"when map returned, it had read {seen} of {INPUTS} inputs")


@claim(
    "map-buffersize",
    "map(buffersize) reads no more inputs than that ahead, and yields everything",
    MAP,
    "an endless input fills the memory, or results are lost",
)
def map_buffersize(judged: Judged) -> None:
    """Map twenty inputs with a buffer of three."""
    read: list[int] = []
    with judged.pool() as pool:
        arguments: dict[str, int] = {"buffersize": 3}
        if "buffersize" not in signature(pool.map).parameters:
            raise NotApplicable("map has no buffersize")
        results = pool.map(calls.same, noted(20, read), **arguments)
        judged.doing("waiting for map(buffersize=3)")
        found: list[int] = []
        most = len(read)
        for each in results:
            found.append(each)
            most = max(most, len(read) - len(found) + 1)
    insist(found == [*range(20)], f"map(buffersize=3) yielded {found}")
    insist(most <= 4, f"map(buffersize=3) had read {most} inputs that it had not yielded")


@claim(
    "wait-conditions",
    "wait returns when the first has ended, the first has failed, or all have, as it is asked",
    WAIT,
    "a program is told too early, too late, or never",
)
def wait_conditions(judged: Judged) -> None:
    """Wait for a call that ends, one that fails, and one that is held."""
    with judged.pool(3) as pool:
        held = Held(judged, pool)
        good: Future[object] = pool.submit(calls.echo)
        judged.doing("waiting with FIRST_COMPLETED for a call that ends")
        done, rest = judged.waited([held.future, good], until=FIRST_COMPLETED)
        insist((done, rest) == ({good}, {held.future}), f"FIRST_COMPLETED gave {done}, {rest}")
        bad: Future[object] = pool.submit(calls.fail, "on purpose")
        judged.doing("waiting with FIRST_EXCEPTION for a call that fails")
        done, rest = judged.waited([held.future, good, bad], until=FIRST_EXCEPTION)
        insist(bad in done and held.future in rest, f"FIRST_EXCEPTION gave {done}, {rest}")
        done, rest = judged.waited([held.future, good], timeout=0.01)
        insist((done, rest) == ({good}, {held.future}), f"after 0.01 s: {done}, {rest}")
        held.let_go_soon()
        judged.doing("waiting with ALL_COMPLETED")
        done, rest = judged.waited([held.future, good, bad, bad])
        insist(done == {held.future, good, bad} and not rest, f"ALL_COMPLETED gave {done}, {rest}")


@claim(
    "wait-cancelled",
    "a call that was cancelled counts as completed for wait and as_completed",
    WAIT,
    "who waits for a cancelled call waits until a worker comes by, or for ever",
)
def wait_cancelled(judged: Judged) -> None:
    """Cancel a call while its worker is held, let it go, and wait."""
    with judged.pool(1) as pool:
        held = Held(judged, pool)
        futures = [pool.submit(int) for _ in range(calls.MANY)]
        insist(futures[-1].cancel(), "cancel() of the last of many calls was False")
        held.let_go()
        judged.doing("waiting with wait() for a cancelled call, whose worker is free")
        judged.waited(futures)
        judged.doing("waiting with as_completed() for a cancelled call, whose worker is free")
        insist({*judged.completed(futures)} == {*futures}, "as_completed left some out")


@claim(
    "as-completed",
    "as_completed yields each future once, as it ends, those first that had ended before",
    AS_COMPLETED,
    "results come twice, late, or not at all",
)
def as_completed(judged: Judged) -> None:
    """Ask for futures one after the other, with duplicates, and with a timeout."""
    with judged.pool(2) as pool:
        held = Held(judged, pool)
        early: Future[object] = pool.submit(calls.echo)
        early.result()
        judged.doing("waiting with as_completed for a call that has ended")
        coming = judged.completed([held.future, early, early, held.future])
        insist(next(coming) is early, "what had ended before did not come first")
        late: list[object] = []
        try:
            late += judged.completed([held.future], timeout=0.01)
        except concurrent.futures.TimeoutError:
            pass
        else:
            held.let_go()
            raise Broken(f"as_completed(timeout=0.01) of a held call gave {late}")
        held.let_go_soon()
        judged.doing("waiting with as_completed for a call that was let go")
        insist([*coming] == [held.future], "the held call did not come once")


@claim(
    "mixed-executors",
    "wait and as_completed take futures of different executors",
    WAIT,
    "a program with two pools cannot wait for both",
)
def mixed_executors(judged: Judged) -> None:
    """Wait for futures of two pools at a time."""
    with judged.pool(1) as one, judged.pool(1) as other:
        futures = [pool.submit(pow, 2, each) for each in range(4) for pool in (one, other)]
        judged.doing("waiting for futures of two executors")
        done, _ = judged.waited(futures)
        insist(done == {*futures}, f"wait found {len(done)} of {len(futures)} done")
        insist({*judged.completed(futures)} == {*futures}, "as_completed left some out")


@claim(
    "many-waiters",
    "everybody who waits for a call is told of its end",
    documented("Future.result"),
    "a thread that waits beside others waits for ever",
)
def many_waiters(judged: Judged) -> None:
    """Have twelve threads wait in four ways."""
    told: list[int] = []
    with judged.pool(1) as pool:
        held = Held(judged, pool)

        def wait(number: int) -> None:
            match number % 4:
                case 0:
                    held.future.result()
                case 1:
                    held.future.exception()
                case 2:
                    judged.waited([held.future])
                case _:
                    assert [*judged.completed([held.future])] == [held.future]
            told.append(number)

        judged.library()  # looked up once, and not by all at a time
        waiting = [threading.Thread(target=wait, args=(each,), daemon=True) for each in range(12)]
        for each in waiting:
            each.start()
        held.let_go_soon()
        judged.doing("waiting for twelve threads that wait for one call")
        until(lambda: len(told) == 12)
