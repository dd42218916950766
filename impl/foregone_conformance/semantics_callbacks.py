"""The semantics table, of callbacks: their order, their place, and what they may do."""

import logging
import os
import sys
import threading
from collections.abc import Callable
from concurrent.futures import Future
from functools import partial
from typing import Final

from foregone_conformance import calls
from foregone_conformance.calls import Held
from foregone_conformance.claims import Group, Registry, cpython, documented
from foregone_conformance.documented_ends import refuses
from foregone_conformance.exhibits.future import until
from foregone_conformance.judged import Judged
from foregone_conformance.kinds import Broken, insist

claim: Final = Registry(Group.SEMANTICS)

CALLBACK: Final = documented("Future.add_done_callback")


@claim(
    "callback-order",
    "callbacks are called in the order in which they were added, and twice if added twice",
    CALLBACK,
    "a callback that relies on an earlier one is called before it, or not at all",
)
def callback_order(judged: Judged) -> None:
    """Add two callbacks, and the first again, to a call that is held."""
    with judged.pool() as pool:
        held = Held(judged, pool)
        came: list[str] = []

        def one(_: object) -> None:
            came.append("one")

        def two(_: object) -> None:
            came.append("two")

        for each in (one, two, one):
            held.future.add_done_callback(each)
        held.future.add_done_callback(lambda _: came.append("end"))
        held.let_go()
        judged.doing("waiting for four callbacks of one call")
        until(lambda: "end" in came)
    insist(came == ["one", "two", "one", "end"], f"one, two, one, end were called as {came}")


@claim(
    "callback-logged",
    "an exception in a callback is logged",
    CALLBACK,
    "a callback that does not work is never noticed",
)
def callback_logged(judged: Judged) -> None:
    """Listen to what is logged, or told as an exception that nobody handles."""
    told: list[BaseException | None] = []

    class Listening(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            told.append(record.exc_info[1] if record.exc_info else None)

    logging.disable(logging.NOTSET)
    logging.getLogger().addHandler(Listening())
    threading.excepthook = lambda hook: told.append(hook.exc_value)
    sys.excepthook = lambda _, error, __: told.append(error)
    with judged.pool(1) as pool:
        held = Held(judged, pool)
        held.future.add_done_callback(lambda _: calls.fail("in a callback"))
        came: list[object] = []
        held.future.add_done_callback(came.append)
        held.let_go()
        judged.doing("waiting for a callback behind one that raises")
        until(lambda: came)
    right = any(isinstance(each, ValueError) and "in a callback" in str(each) for each in told)
    insist(right, f"ValueError('in a callback') was raised in a callback, and logged was {told}")


@claim(
    "callback-process",
    "a callback is called in the process that added it",
    CALLBACK,
    "what a callback changes is changed somewhere else",
)
def callback_process(judged: Judged) -> None:
    """Have a callback of a call that is held say where it is."""
    place = judged.folder()

    def here(_: object) -> None:
        calls.noted(place, os.getpid())

    with judged.pool(1) as pool:
        held = Held(judged, pool)
        held.future.add_done_callback(here)
        held.let_go()
        judged.doing("waiting for a callback that says in which process it is")
        until(lambda: calls.ran(place))
    insist(calls.ran(place) == {str(os.getpid())}, "a callback was called in another process")


@claim(
    "callback-asks",
    "a callback may ask its future for everything, and is answered at once",
    CALLBACK,
    "a callback that reads the result, as most do, hangs",
)
def callback_asks(judged: Judged) -> None:
    """Ask for the result without a limit, cancel, and wait, inside of a callback."""
    with judged.pool(1) as pool:
        judged.library()
        held = Held(judged, pool, "answer")
        came: list[tuple[object, ...]] = []

        def ask(future: "Future[object]") -> None:
            done, rest = judged.waited([future])
            asked = [*judged.completed([future])]
            one = (future.result(), future.exception(), future.cancel(), future.done())
            came.append((*one, done == {future}, not rest, asked == [future]))

        held.future.add_done_callback(ask)
        held.let_go()
        judged.doing("waiting for a callback that asks its future for its result")
        until(lambda: came)
    wanted = ("answer", None, False, True, True, True, True)
    insist(came == [wanted], f"in a callback, result(), exception(), cancel(), ... are {came}")


@claim(
    "callback-after-waiters",
    "who waits in result() or wait() is told before callbacks run",
    cpython("_base", 537),
    "a callback that waits for the program, and the program for the result, hang",
)
def callback_after_waiters(judged: Judged) -> None:
    """Have a callback wait until everybody who waits has gone on."""
    told = [threading.Event() for _ in range(2)]
    with judged.pool(1) as pool:
        judged.library()
        held = Held(judged, pool)
        asks: list[Callable[[], object]] = [
            held.future.result,
            lambda: judged.waited([held.future]),
        ]

        def wait(number: int) -> None:
            asks[number]()
            told[number].set()

        for number in range(2):
            threading.Thread(target=wait, args=(number,), daemon=True).start()
        came: list[object] = []

        def behind(future: object) -> None:
            for each in told:
                each.wait()
            came.append(future)

        held.future.add_done_callback(behind)
        held.let_go_soon()
        judged.doing("waiting for a callback that waits until result() and wait() have returned")
        until(lambda: came)


@claim(
    "callback-exits",
    "KeyboardInterrupt in a callback reaches who cancels, after the other callbacks were called",
    "https://github.com/python/cpython/issues/83371",
    "a Ctrl-C that comes during cancel() is lost, or costs callbacks of others",
    standard="leaves out the callbacks after it, which the documentation allows: M9 of the museum",
)
def callback_exits(judged: Judged) -> None:
    """Cancel a future whose first callback raises KeyboardInterrupt."""
    future = judged.future()
    came: list[object] = []

    def leave(_: object) -> None:
        raise KeyboardInterrupt("in a callback")

    for each in (leave, came.append):
        future.add_done_callback(each)
    try:
        future.cancel()
    except KeyboardInterrupt:
        insist(came == [future], "KeyboardInterrupt in a callback costs the callbacks after it")
        return
    raise Broken("KeyboardInterrupt in a callback did not reach who cancelled")


@claim(
    "shutdown-in-callback",
    "shutdown(wait=True) in a callback raises RuntimeError or returns, and counts",
    documented("Executor.shutdown"),
    "a callback that ends the pool waits for its own end",
)
def shutdown_in_callback(judged: Judged) -> None:
    """Shut a pool down when its call has ended, wherever callbacks are called."""
    pool = judged.pool(1)
    held = Held(judged, pool)
    came: list[str] = []

    def close(_: object) -> None:
        try:
            pool.shutdown(wait=True)
        except RuntimeError:
            came.append("refused")
        else:
            came.append("returned")

    held.future.add_done_callback(close)
    held.let_go()
    judged.doing("waiting for shutdown(wait=True) in a callback")
    until(lambda: came)
    refuses(partial(pool.submit, int), RuntimeError, "submit after a shutdown in a callback")
    judged.doing("waiting for shutdown after a shutdown in a callback")
    pool.shutdown(wait=True)
