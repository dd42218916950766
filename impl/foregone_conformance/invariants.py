"""The specification's invariants, asked of what can be seen from outside.

Each runs the same drawn programs, and asks its own question.  The number in brackets is that
of the museum's invariant.  Those that need a program of their own are in
``invariants_workers.py`` and ``invariants_requests.py``.
"""

import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterable
from concurrent.futures import Future
from functools import partial
from typing import Final

from foregone_conformance import calls
from foregone_conformance.calls import Held
from foregone_conformance.claims import Group, Registry
from foregone_conformance.drawn import CROWD, Round, rounds, seen
from foregone_conformance.exhibits.future import until
from foregone_conformance.exhibits.tasks import GRACE
from foregone_conformance.judged import Judged
from foregone_conformance.kinds import Broken, insist

claim: Final = Registry(Group.INVARIANT)

ADDED: Final = 3  # callbacks for each call
SWITCH: Final = 1e-6  # seconds after which another thread may run


def asked(judged: Judged, question: Callable[[Round], Iterable[str]]) -> None:
    """Ask each round; raise Broken with the first answer that there is."""
    for each in rounds(judged):
        for answer in question(each):
            raise Broken(f"{each}: {answer}")


@claim(
    "AtMostOnce",
    "no call begins twice",
    "foregone_spec.process_pool_invariants.at_most_once",
    "an order is sent twice",
)
def at_most_once(judged: Judged) -> None:
    """Count the begins."""

    def question(each: Round) -> Iterable[str]:
        return (f"call {n} began {times} times" for n, times in each.begun().items() if times > 1)

    asked(judged, question)


@claim(
    "CancelledNeverRuns",
    "a call whose cancel() returned True never begins",
    "foregone_spec.process_pool_invariants.cancelled_never_runs",
    "what was taken back is done all the same",
)
def cancelled_never_runs(judged: Judged) -> None:
    """Compare the cancelled with those that have begun."""

    def question(each: Round) -> Iterable[str]:
        begun = each.begun()
        return (f"call {n} was cancelled, and ran" for n in each.cancelled if n in begun)

    asked(judged, question)
    cancelled_crowd(judged)


@claim(
    "NothingLost",
    "[1] every accepted call ends, and runs unless it was cancelled",
    "foregone_spec.process_pool_invariants.nothing_lost",
    "a program waits for ever for a call that nobody has",
)
def nothing_lost(judged: Judged) -> None:
    """Wait for all that were accepted."""

    def question(each: Round) -> Iterable[str]:
        each.settle()
        begun = each.begun()
        for number, future in each.futures.items():
            if not future.cancelled() and number not in begun:
                yield f"call {number} {seen(future)}, and never began"

    asked(judged, question)
    crowd(judged)


@claim(
    "EndedMeansSettled",
    "[1] when shutdown(wait=True) returns, every accepted call has ended",
    "foregone_spec.process_pool_invariants.ended_means_settled",
    "a program that has waited for the end finds calls pending",
)
def ended_means_settled(judged: Judged) -> None:
    """Look at the return of shutdown."""

    def question(each: Round) -> Iterable[str]:
        return (
            f"shutdown(wait=True) is back, and call {n} is not done: {each.futures[n]}"
            for n in each.unsettled
        )

    asked(judged, question)


@claim(
    "ShutdownMeansEnded",
    "shutdown(wait=True) returns only when no worker is left, and nothing begins then",
    "foregone_spec.process_pool_invariants.shutdown_means_ended",
    "calls run on while what they need is taken away",
)
def shutdown_means_ended(judged: Judged) -> None:
    """Look who lives at the return of shutdown, and who writes after it."""

    def question(each: Round) -> Iterable[str]:
        yield from (f"shutdown(wait=True) is back, and {who} lives" for who in each.living)
        words = [word for word, _, _ in each.log()]
        if words and words[-1] != "back":
            yield f"after the return of shutdown(wait=True) something {words[-1]}"

    asked(judged, question)
    slow_callback(judged)


@claim(
    "CancelledMeansTold",
    "[2] what done() says is what wait() says: a cancelled call leaves nobody waiting",
    "foregone_spec.process_pool_invariants.cancelled_means_told",
    "wait and as_completed wait for ever for a call that is done",
)
def cancelled_means_told(judged: Judged) -> None:
    """Ask wait() when shutdown(wait=True) is back."""

    def question(each: Round) -> Iterable[str]:
        return (
            f"call {n} is done ({seen(each.futures[n])}), but for wait() it is not, "
            "when shutdown(wait=True) is back"
            for n in each.untold
        )

    asked(judged, question)


@claim(
    "FuturesEndOnce",
    "[12] a future that has ended stays as it is, and has its own call's outcome",
    "foregone_spec.process_pool_invariants.futures_end_once",
    "two readers of one future see different results",
)
def futures_end_once(judged: Judged) -> None:
    """Compare what callbacks saw with what is seen at last, and with what the call did."""

    def question(each: Round) -> Iterable[str]:
        last = {n: seen(future) for n, future in each.futures.items() if future.done()}
        for number, _, first in each.ran:
            if last.get(number) != first:
                yield f"call {number} {first} in a callback, and {last.get(number)} at last"
        for number, outcome in last.items():
            raises = each.how[number] == "raises"
            own = f"raised ValueError({number})" if raises else f"returned {number}"
            if outcome not in (own, "cancelled"):
                yield f"call {number} {outcome}, where it {own}"

    asked(judged, question)
    for number, future in crowd(judged).items():
        outcome = seen(future)
        insist(outcome == f"returned {number}", f"of {CROWD} quick calls number {number} {outcome}")


@claim(
    "EachCallbackOnce",
    "each callback runs exactly once, and finds its future done",
    "foregone_spec.invariants.each_callback_once",
    "what is counted by callbacks is counted wrong",
)
def each_callback_once(judged: Judged) -> None:
    """Count the callbacks when all that was accepted has ended."""

    def question(each: Round) -> Iterable[str]:
        each.settle()
        came = Counter((number, place) for number, place, _ in each.ran)
        return (
            f"callback {place} of call {number} ran {times} times"
            for (number, place), times in came.items()
            if times > 1
        )

    asked(judged, question)
    added_in_between(judged)
    added_meanwhile(judged)


@claim(
    "CallbacksInOrder",
    "the callbacks of a future run in the order in which they were added",
    "foregone_spec.invariants.callbacks_in_order",
    "a callback that relies on an earlier one is run before it",
)
def callbacks_in_order(judged: Judged) -> None:
    """Compare the order of each future's callbacks with that of their adding."""

    def question(each: Round) -> Iterable[str]:
        for number in each.added:
            order = [place for which, place, _ in each.ran if which == number]
            if order != sorted(order):
                yield f"the callbacks of call {number} ran in the order {order}"

    asked(judged, question)


@claim(
    "ClientsSeeNoOtherError",
    "submit, cancel and add_done_callback raise nothing but that the executor has ended",
    "foregone_spec.lifecycle: what a call of each phase is answered",
    "a race of two threads is told to a caller as an error that he cannot know",
)
def clients_see_no_other_error(judged: Judged) -> None:
    """Look what the clients were told, and who comes when all is over."""
    asked(judged, lambda each: (f"a client was told {told}" for told in each.broken_clients))


# --------------------------------------------------------------------- many at once


def crowd(judged: Judged) -> dict[int, "Future[int]"]:
    """Submit many calls that return their number; wait until all have ended."""
    with judged.pool(2) as pool:
        futures = {each: pool.submit(calls.same, each) for each in range(CROWD)}
        judged.doing(f"waiting for the end of {CROWD} quick calls")
        calls.wait_for(futures.values())
    return futures


def cancelled_crowd(judged: Judged) -> None:
    """Cancel many calls behind one that is held; insist that none of them runs."""
    place = judged.folder()
    pool = judged.pool(1)
    with Held(judged, pool):
        futures = [pool.submit(calls.noted, place, each) for each in range(CROWD)]
        cancelled = {str(each) for each, future in enumerate(futures) if future.cancel()}
    judged.doing(f"waiting for shutdown after the cancel of {len(cancelled)} calls")
    pool.shutdown()
    both = len(cancelled & calls.ran(place))
    insist(not both, f"of {len(cancelled)} calls that were cancelled at a time, {both} ran")


def slow_callback(judged: Judged) -> None:
    """Shut down while a callback runs; insist that shutdown waits for it."""
    pool = judged.pool(1)
    began, go_on, back = threading.Event(), threading.Event(), threading.Event()

    def callback(_: object) -> None:
        began.set()
        go_on.wait()

    def close() -> None:
        pool.shutdown(wait=True)
        back.set()

    with Held(judged, pool) as held:
        held.future.add_done_callback(callback)
    judged.doing("waiting for a callback")
    began.wait()
    threading.Thread(target=close, daemon=True).start()
    early = back.wait(GRACE)
    go_on.set()
    insist(not early, "shutdown(wait=True) is back, and a callback of its last call runs")
    judged.doing("waiting for shutdown(wait=True) after a callback")
    back.wait()


def added_in_between(judged: Judged) -> None:
    """Add a callback while an earlier one runs; insist that it runs, and only once."""
    began, go_on = threading.Event(), threading.Event()
    came: list[object] = []

    def first(_: object) -> None:
        began.set()
        go_on.wait()

    with judged.pool(1) as pool:
        with Held(judged, pool) as held:
            held.future.add_done_callback(first)
        judged.doing("waiting for a callback")
        began.wait()
        held.future.add_done_callback(came.append)
        go_on.set()
        judged.doing("waiting for a callback that was added while an earlier one ran")
        until(lambda: came)
    insist(len(came) == 1, f"a callback, added while an earlier one ran, ran {len(came)} times")


def added_meanwhile(judged: Judged) -> None:
    """Add callbacks while calls end; insist that each runs, and only once."""
    came: list[tuple[int, int]] = []

    def note(it: tuple[int, int], _: object) -> None:
        came.append(it)

    sys.setswitchinterval(SWITCH)
    with judged.pool(2) as pool:
        for number in range(CROWD):
            future = pool.submit(calls.same, number)
            for place in range(ADDED):
                future.add_done_callback(partial(note, (number, place)))
    wanted = CROWD * ADDED
    judged.doing(f"waiting for {wanted} callbacks, which were added while their calls ended")
    until(lambda: len({*came}) >= wanted)
    insist(
        len(came) == wanted, f"{wanted} callbacks, added while calls ended, ran {len(came)} times"
    )
