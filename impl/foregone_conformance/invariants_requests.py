"""The specification's invariants of requests, odd calls and map, each with a program of its own."""

import gc
import threading
from collections.abc import Callable
from concurrent.futures import Executor, Future
from inspect import signature
from typing import Final

from foregone_conformance import calls
from foregone_conformance.calls import MANY, Held
from foregone_conformance.claims import Group, Registry
from foregone_conformance.drawn import cancelling, draws
from foregone_conformance.exhibits import tasks
from foregone_conformance.exhibits.future import until
from foregone_conformance.exhibits.peer import within
from foregone_conformance.exhibits.tasks import GRACE, mark
from foregone_conformance.judged import Judged
from foregone_conformance.kinds import Broken, insist

claim: Final = Registry(Group.INVARIANT)


@claim(
    "RequestsAreMonotone",
    "[8] a later shutdown never weakens an earlier one",
    "foregone_spec.process_pool_invariants.requests_are_monotone",
    "a program that was told to stop works on, since with asked for the end once more",
)
def requests_are_monotone(judged: Judged) -> None:
    """Ask to cancel, then for less, while many calls wait behind held ones."""
    for number, draw in draws(judged):
        workers = draw.randint(1, 2)
        pool = judged.pool(workers)
        place = judged.folder()
        all_held = [Held(judged, pool) for _ in range(workers)]
        rest = [pool.submit(calls.noted, place, each) for each in range(2 * MANY)]
        cancelling(pool, wait=False)
        for _ in range(draw.randint(1, 3)):
            pool.shutdown(wait=False)
            try:
                pool.submit(int)
            except RuntimeError:
                continue
            raise Broken(f"round {number}: a later shutdown made the pool accept calls again")
        for each in all_held:
            each.let_go()
        judged.doing(f"round {number}: waiting for shutdown(wait=True) after cancel_futures=True")
        pool.shutdown(wait=True)
        judged.doing(f"round {number}: waiting for the end of what was to be cancelled")
        calls.wait_for(rest)
        often = len(calls.ran(place))
        insist(  # what was on its way to a worker may have begun
            often <= MANY,
            f"round {number}: {often} of {2 * MANY} calls ran after cancel_futures=True",
        )


@claim(
    "Containment",
    "[10] a call that is odd costs its own future only",
    "foregone_spec.process_pool_invariants.containment",
    "one bad argument, result or error fails the calls of others",
)
def containment(judged: Judged) -> None:
    """Submit odd calls among others, and ask the others for their results."""
    for number, draw in draws(judged):
        pool = judged.pool(draw.randint(1, 2))
        odd: list[Future[object]] = []
        others: list[Future[int]] = []
        for _ in range(12):
            try:
                others.append(pool.submit(pow, 2, 3))
                if draw.random() < 0.4:
                    odd.append(strange(pool, draw.choice(STRANGE)))
            except RuntimeError as error:
                raise Broken(f"round {number}: an odd call ended the pool: {error}") from error
        judged.doing(f"round {number}: waiting for calls beside odd ones")
        for each in others:
            raised = each.exception()
            insist(raised is None, f"round {number}: beside odd calls 2**3 raised {raised!r}")
            insist(each.result() == 8, f"round {number}: beside odd calls 2**3 is {each.result()}")
        judged.doing(f"round {number}: waiting for the end of odd calls")
        calls.wait_for(odd)


#: Calls that fail on their way there, there, or on their way back.
STRANGE: Final = ("argument", "unspeakable", "raises", "exits", "returned error", "odd error")


def strange(pool: Executor, which: str) -> "Future[object]":
    """Submit an odd call."""
    match which:
        case "argument":
            return pool.submit(calls.echo_one, tasks.Explosive())
        case "unspeakable":
            return pool.submit(calls.unspeakable)
        case "raises":
            return pool.submit(calls.failing)
        case "exits":
            return pool.submit(calls.leaving)
        case "returned error":
            return pool.submit(calls.echo_one, ValueError("returned"))
        case _:
            return pool.submit(calls.odd)


@claim(
    "YieldsAllOrRaises",
    "[11] map yields what calling one by one would, or raises: it never just ends early",
    "foregone_spec.invariants.mapping: YieldsAllOrRaises, YieldsInOrder",
    "the last results are missing, and nobody is told",
)
def yields_all_or_raises(judged: Judged) -> None:
    """Map drawn inputs, in chunks or with a buffer; drop or shut down the pool meanwhile."""
    for number, draw in draws(judged, 12):
        length = draw.randint(1, 30)
        buffered = draw.random() < 0.5
        pool = judged.pool(draw.randint(1, 3))
        arguments: dict[str, int] = {"chunksize": draw.randint(1, 5)}
        if buffered and "buffersize" in signature(pool.map).parameters:
            arguments = {"buffersize": draw.randint(1, 4)}
        results = pool.map(calls.same, range(length), **arguments)
        found: list[int] = [next(results)]
        if draw.random() < 0.5:
            pool.shutdown(wait=False)
        del pool
        gc.collect()
        told = f"round {number}: map of {length} with {arguments}"
        judged.doing(f"{told}: waiting for its results")
        try:
            found += results
        except RuntimeError:
            insist(found == [*range(len(found))], f"{told} yielded {found}, and raised")
            continue
        insist(found == [*range(length)], f"{told} yielded {found}")


@claim(
    "CancelSucceedsUntilClaimed",
    "cancel() succeeds for every call that no worker has begun",
    "foregone_spec.process_pool_invariants.cancel_succeeds_until_claimed",
    "work cannot be taken back that nobody has begun",
)
def cancel_succeeds_until_claimed(judged: Judged) -> None:
    """Cancel all calls behind held ones."""
    workers = 2
    place = judged.folder()
    pool = judged.pool(workers)
    all_held = [Held(judged, pool) for _ in range(workers)]
    rest = [pool.submit(calls.noted, place, each) for each in range(MANY)]
    within(GRACE, lambda: any(each.running() for each in rest))  # who would say so
    refused = [number for number, each in enumerate(rest) if not each.cancel()]
    for each in all_held:
        each.let_go()
    insist(
        not refused,
        f"cancel() was False for calls {refused} of {MANY}, while all workers were held",
    )
    judged.doing("waiting for shutdown after all that waited was cancelled")
    pool.shutdown()
    insist(not calls.ran(place), f"cancelled calls {calls.ran(place)} ran")


@claim(
    "NobodyForgotten",
    "[2] who waits for calls is told, also of those that are cancelled by shutdown",
    "foregone_spec.invariants.waiting: NobodyForgotten",
    "a thread that waits for the last calls of a pool that is ended waits for ever",
)
def nobody_forgotten(judged: Judged) -> None:
    """Wait in threads, in three ways, while the pool is told to cancel."""
    pool = judged.pool(1)
    held = Held(judged, pool)
    rest = [pool.submit(int) for _ in range(MANY)]
    back: list[str] = []
    ways: dict[str, Callable[[], object]] = {
        "result()": rest[-1].exception,
        "wait()": lambda: judged.waited(rest),
        "as_completed()": lambda: [*judged.completed(rest)],
    }

    def waits(name: str) -> None:
        try:
            ways[name]()
        except Exception:  # that it was cancelled
            pass
        back.append(name)

    judged.library()
    for name in ways:
        threading.Thread(target=waits, args=(name,), daemon=True).start()
    cancelling(pool, wait=False)
    held.let_go()
    mark(held.place, "told to cancel")
    judged.doing(f"waiting for who waits in {', '.join(ways)} for cancelled calls")
    until(lambda: len(back) == len(ways))
