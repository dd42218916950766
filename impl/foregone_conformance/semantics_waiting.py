"""The semantics table, of waiting: time limits, conditions, and what is given by mistake."""

import concurrent.futures
import gc
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ALL_COMPLETED, FIRST_COMPLETED, FIRST_EXCEPTION, Future
from functools import partial
from typing import Final, cast

from foregone_conformance import calls
from foregone_conformance.calls import MANY, Held
from foregone_conformance.claims import Group, Registry, cpython, documented
from foregone_conformance.documented_ends import refuses
from foregone_conformance.exhibits.future import until
from foregone_conformance.judged import Judged
from foregone_conformance.kinds import Broken, insist

claim: Final = Registry(Group.SEMANTICS)

WAIT: Final = documented("wait")
AS_COMPLETED: Final = documented("as_completed")
RESULT: Final = documented("Future.result")
CONDITIONS: Final = (ALL_COMPLETED, FIRST_COMPLETED, FIRST_EXCEPTION)
NAN: Final = float("nan")
HUGE: Final = (float("inf"), 1e30)
ROUNDS: Final = 500  # that would leave something behind

WAYS: Final = ("result", "exception", "wait", "as_completed")
#: What is done with a future and a time limit, by its name.
Ways = dict[str, Callable[[float], object]]


def ways(judged: Judged, future: "Future[object]") -> Ways:
    """Return the four ways to wait for a future; those that time out raise TimeoutError."""

    def waited(limit: float) -> object:
        _, rest = judged.waited([future], limit)
        if rest:
            raise concurrent.futures.TimeoutError
        return future.result(0)

    return {
        "result": future.result,
        "exception": future.exception,
        "wait": waited,
        "as_completed": lambda limit: next(iter(judged.completed([future], limit))).result(0),
    }


@claim(
    "timeout-zero",
    "a time limit of zero, or below, looks once: TimeoutError, or the outcome if it is there",
    RESULT,
    "who only wants to look waits, or misses what is there",
)
def timeout_zero(judged: Judged) -> None:
    """Ask a call that is held, and one that has ended."""
    with judged.pool(1) as pool:
        ended: Future[object] = pool.submit(calls.echo_one, "answer")
        ended.result()
        with Held(judged, pool) as held:
            for limit in (0, -1, 0.0, -1e9):
                for name, ask in ways(judged, held.future).items():
                    judged.doing(f"waiting in {name} with a limit of {limit} seconds")
                    _in_vain(partial(ask, limit), f"{name} of a held call, limit {limit},")
                for name, ask in ways(judged, ended).items():
                    wanted = None if name == "exception" else "answer"
                    found = ask(limit)
                    told = f"{name} of an ended call, limit {limit}, gave {found!r}"
                    insist(found == wanted, told)


def _in_vain(ask: Callable[[], object], shown: str) -> None:
    try:
        found = ask()
    except concurrent.futures.TimeoutError:
        return
    raise Broken(f"{shown} gave {found!r}")


@claim(
    "timeout-huge",
    "a time limit that is infinite, or too large for any clock, is no limit",
    RESULT,
    "a program that asks for 'as long as it takes' fails, or goes on too early",
    standard="raises OverflowError, if the call is not done yet, though a float is documented",
)
def timeout_huge(judged: Judged) -> None:
    """Ask calls that are held, and let them go."""
    with judged.pool(1) as pool:
        for limit in HUGE:
            for name in WAYS:
                with Held(judged, pool, "answer") as held:
                    ask = ways(judged, held.future)[name]
                    held.let_go_soon()
                    judged.doing(f"waiting in {name} with a limit of {limit} seconds")
                    try:
                        ask(limit)
                    except Exception as error:
                        told = f"{type(error).__name__}: {error}"
                        raise Broken(f"{name} with a limit of {limit} s raised {told}") from error


@claim(
    "timeout-nan",
    "a time limit that is not a number is refused with ValueError",
    "https://github.com/python/cpython/issues/160326",
    "a mistake in a sum of seconds becomes an endless wait, or none at all",
    standard="before 3.15.2 takes it for zero, or for no limit",
)
def timeout_nan(judged: Judged) -> None:
    """Ask a call that is held."""
    with judged.pool(1) as pool, Held(judged, pool) as held:
        for name, ask in ways(judged, held.future).items():
            judged.doing(f"waiting in {name} with a limit of NaN seconds")
            refuses(partial(ask, NAN), ValueError, f"a limit of NaN seconds in {name}")


@claim(
    "timeout-type",
    "a time limit that is a text is refused with TypeError while the call runs",
    RESULT,
    "a mistake in a setting becomes an endless wait, or none at all",
)
def timeout_type(judged: Judged) -> None:
    """Ask a call that is held."""
    with judged.pool(1) as pool, Held(judged, pool) as held:
        for name, ask in ways(judged, held.future).items():
            judged.doing(f"waiting in {name} with a limit that is a text")
            told = f"a limit of '1' in {name}"
            refuses(partial(ask, cast("float", "1")), TypeError, told)


@claim(
    "wait-nothing",
    "wait and as_completed of no futures return at once, empty, whatever is asked",
    WAIT,
    "a program with nothing to do hangs",
)
def wait_nothing(judged: Judged) -> None:
    """Wait for none in each way."""
    none: list[Future[object]] = []
    for condition in CONDITIONS:
        for limit in (None, 0, 1000):
            judged.doing(f"waiting for no futures with {condition}, limit {limit}")
            found = judged.waited(none, limit, condition)
            insist(found == (set(), set()), f"wait([]) with {condition} gave {found}")
    judged.doing("waiting with as_completed for no futures")
    rest = [*judged.completed(none)]
    insist(not rest, f"as_completed([]) gave {rest}")


@claim(
    "wait-names",
    "wait returns a pair of sets whose names are done and not_done",
    WAIT,
    "a program that uses the documented names fails",
)
def wait_names(judged: Judged) -> None:
    """Wait for a call that has ended."""
    with judged.pool(1) as pool:
        future = pool.submit(int)
        judged.doing("waiting for a call that ends")
        found: object = judged.library().wait([future])
    named = getattr(found, "done", None), getattr(found, "not_done", None)
    insist(named == ({future}, set()), f"done and not_done of wait([future]) are {named}")


@claim(
    "wait-bad-condition",
    "wait raises ValueError for a return_when that there is not, while something is pending",
    WAIT,
    "a misspelt condition becomes an endless wait, or none at all",
)
def wait_bad_condition(judged: Judged) -> None:
    """Wait for a call that is held."""
    with judged.pool(1) as pool, Held(judged, pool) as held:
        judged.doing("waiting with return_when='SOMETIME' for a held call")
        bad = partial(judged.waited, [held.future], 1000, "SOMETIME")
        refuses(bad, ValueError, "wait(return_when='SOMETIME')")


@claim(
    "wait-bad-condition-done",
    "wait raises ValueError for a return_when that there is not, though nothing is pending",
    WAIT,
    "a misspelt condition is found in production only, when something is pending for once",
    standard="looks at it only if something is pending, so that it depends on time",
)
def wait_bad_condition_done(judged: Judged) -> None:
    """Wait for a call that has ended."""
    with judged.pool(1) as pool:
        future = pool.submit(int)
        future.result()
        bad = partial(judged.waited, [future], 1000, "SOMETIME")
        refuses(bad, ValueError, "wait(return_when='SOMETIME') of an ended call")


@claim(
    "wait-first-all",
    "wait with FIRST_COMPLETED returns all that have ended, not one of them",
    WAIT,
    "a program handles one result for each wait, and falls behind",
)
def wait_first_all(judged: Judged) -> None:
    """Wait for three calls that have ended and one that is held."""
    with judged.pool(2) as pool:
        ended = [pool.submit(pow, 2, each) for each in range(3)]
        calls.wait_for(ended)
        with Held(judged, pool) as held:
            futures = cast("list[Future[object]]", [held.future, *ended])
            judged.doing("waiting with FIRST_COMPLETED for calls three of which have ended")
            done, rest = judged.waited(futures, until=FIRST_COMPLETED)
    insist(done == {*ended}, f"of three calls that had ended FIRST_COMPLETED returned {done}")
    insist(rest == {held.future}, f"as not done FIRST_COMPLETED returned {rest}")


@claim(
    "wait-first-exception",
    "wait with FIRST_EXCEPTION returns for a call that failed before, and not for a cancelled one",
    WAIT,
    "a program takes a cancelled call for a failure, or hears of a failure too late",
)
def wait_first_exception(judged: Judged) -> None:
    """Wait beside a call that has failed, and beside one that is cancelled."""
    with judged.pool(1) as pool:
        failed: Future[object] = pool.submit(calls.failing)
        calls.wait_for([failed])
        with Held(judged, pool) as held:
            judged.doing("waiting with FIRST_EXCEPTION for a held call and one that had failed")
            done, rest = judged.waited([held.future, failed], until=FIRST_EXCEPTION)
            told = f"with FIRST_EXCEPTION, one failed: {done}, {rest}"
            insist((done, rest) == ({failed}, {held.future}), told)
            cancelled: Future[object] = [pool.submit(calls.echo_one, each) for each in range(MANY)][
                -1
            ]
            insist(cancelled.cancel(), f"cancel() of the last of {MANY} calls was False")
            held.let_go_soon()
            judged.doing("waiting with FIRST_EXCEPTION for a held call and a cancelled one")
            done, rest = judged.waited([held.future, cancelled], until=FIRST_EXCEPTION)
            told = f"with FIRST_EXCEPTION, one cancelled and one held: {done}, {rest}"
            insist((done, rest) == ({held.future, cancelled}, set()), told)


@claim(
    "wait-no-future",
    "wait and as_completed raise for what is no future, and do not wait for it",
    WAIT,
    "a result that was put among futures by mistake is waited for for ever",
)
def wait_no_future(judged: Judged) -> None:
    """Give them numbers, None, and one future without a list."""
    with judged.pool(1) as pool:
        future = pool.submit(int)
        future.result()
        for given in ([3], [None], [future, "text"], 3, future):
            odd = cast("list[Future[int]]", given)
            shown = "a future" if given is future else repr(given)[:60]
            judged.doing(f"waiting in wait for {shown}")
            _raises(partial(judged.waited, odd), f"wait({shown})")
            judged.doing(f"waiting in as_completed for {shown}")
            _raises(partial(_all_completed, judged, odd), f"as_completed({shown})")


def _all_completed(judged: Judged, futures: "list[Future[int]]") -> object:
    return [*judged.completed(futures)]


def _raises(ask: Callable[[], object], shown: str) -> None:
    try:
        found = ask()
    except Exception:  # which one is no promise
        return
    raise Broken(f"{shown} returned {found!r}")


@claim(
    "waiting-abandoned",
    "who gives up wait, or drops an iterator of as_completed, leaves nothing behind",
    cpython("_base", 254),
    "a program that looks now and then at a long call grows without end",
)
def waiting_abandoned(judged: Judged) -> None:
    """Give up often while a call is held, and count the objects that there are."""
    with judged.pool(1) as pool:
        ended: Future[object] = pool.submit(calls.echo_one, None)
        ended.result()
        with Held(judged, pool) as held:
            for name, give_up in (
                ("wait", lambda: judged.waited([held.future, ended], 1e-5)),
                ("as_completed", lambda: next(iter(judged.completed([held.future, ended])))),
            ):
                give_up()
                before = _objects()
                for _ in range(ROUNDS):
                    give_up()
                more = _objects() - before
                insist(
                    more < ROUNDS // 2,
                    f"{ROUNDS} times {name} was given up, and {more} more objects are there",
                )


@claim(
    "wait-any-order",
    "threads may wait for the same futures in any order",
    cpython("_base", 137),
    "two parts of a program that wait for the same calls hang",
)
def wait_any_order(judged: Judged) -> None:
    """Have two threads look at futures again and again, in opposite orders."""
    futures = [judged.future() for _ in range(10)]
    back: list[int] = []

    def look(order: int) -> None:
        for _ in range(ROUNDS):
            judged.waited(futures[::order], 1e-6)
        back.append(order)

    sys.setswitchinterval(1e-6)
    for order in (1, -1):
        threading.Thread(target=look, args=(order,), daemon=True).start()
    judged.doing("waiting for two threads that wait for ten futures in opposite orders")
    until(lambda: len(back) == 2)


def _objects() -> int:
    gc.collect()
    return len(gc.get_objects())
