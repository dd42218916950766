"""The specification's invariants of workers and locks, each with a program of its own.

Three of the museum's twelve have no name in the specification, since they are of locks and
channels, and of threads that serve: [4], [5] and [9].
"""

import os
import signal
import threading
from collections.abc import Callable
from concurrent.futures import Executor, Future
from time import monotonic
from typing import Final

from foregone_conformance import calls
from foregone_conformance.calls import MANY, Held
from foregone_conformance.claims import Group, Registry
from foregone_conformance.drawn import ENOUGH, cancelling, draws
from foregone_conformance.exhibits.future import until
from foregone_conformance.exhibits.pool import exits, refuse, while_starting
from foregone_conformance.exhibits.process import FLOOD
from foregone_conformance.judged import Judged
from foregone_conformance.kinds import Broken, Kind, insist

claim: Final = Registry(Group.INVARIANT)


@claim(
    "AcceptanceIsAtomic",
    "[3] a call whose submit raised never runs",
    "foregone_spec.process_pool_invariants.acceptance_is_atomic",
    "who is told that a call was refused submits it again, and it is done twice",
)
def acceptance_is_atomic(judged: Judged) -> None:
    """Have the system refuse a thread once, then have other calls run; and submit to the end."""
    for number, draw in draws(judged):
        place = judged.folder()
        pool = judged.pool(draw.randint(2, 3))
        held = Held(judged, pool) if draw.random() < 0.5 else None
        refused: list[int] = []
        accepted: list[Future[object]] = []
        start: Callable[[threading.Thread], None] = threading.Thread.start
        while_starting(refuse)
        for each in range(4):
            judged.doing(f"round {number}: waiting for submit, where a thread is refused")
            try:
                accepted.append(pool.submit(calls.noted, place, each))
            except RuntimeError:
                refused.append(each)
        setattr(threading.Thread, "start", start)  # noqa: B010  it may not have been asked for
        if held:
            held.let_go()
        judged.doing(f"round {number}: waiting for shutdown after a thread was refused")
        pool.shutdown()
        for each in range(4, 8):
            try:
                accepted.append(pool.submit(calls.noted, place, each))
            except RuntimeError:
                refused.append(each)
        both = [each for each in refused if str(each) in calls.ran(place)]
        insist(not both, f"round {number}: submit raised for calls {both}, and they ran")


@claim(
    "NoForeignCodeUnderALock",
    "[4] a callback may call any method of its executor, whoever runs it",
    "the museum's invariant 4: no foreign code under a lock",
    "a callback that submits again hangs, and all that submit after it",
)
def no_foreign_code_under_a_lock(judged: Judged) -> None:
    """Submit, cancel and shut down in callbacks of calls that end, or are cancelled either way."""
    for how in ("end", "cancel", "shutdown"):
        pool = judged.pool(1)
        held = Held(judged, pool)
        rest = [pool.submit(int) for _ in range(MANY)]
        came = threading.Event()
        target: Future[object] | Future[int] = held.future if how == "end" else rest[-1]

        def again(
            _: object,
            pool: Executor = pool,
            rest: list[Future[int]] = rest,
            came: threading.Event = came,
        ) -> None:
            rest[0].cancel()
            for each in (pool.submit, pool.map):
                try:
                    each(int)
                except RuntimeError:
                    pass  # it has been shut down
            pool.shutdown(wait=False)
            came.set()

        target.add_done_callback(again)
        judged.doing(f"waiting for a callback that submits and shuts down, by {how}")
        if how == "cancel":
            insist(target.cancel(), "cancel() of the last of many calls was False")
        elif how == "shutdown":
            cancelling(pool, wait=False)
        held.let_go()
        came.wait()


@claim(
    "TheWorkerSurvives",
    "[5] no callback and no other settler of a future takes a worker away",
    "the museum's invariant 5: the service threads survive",
    "one careless callback, and every later call waits for ever",
)
def the_worker_survives(judged: Judged) -> None:
    """Have a callback raise SystemExit; have somebody else set a result; then submit."""
    for number, draw in draws(judged):
        pool = judged.pool(1)
        ways = ["exits", "settles"]
        draw.shuffle(ways)
        for how in ways:
            held = Held(judged, pool)
            if how == "exits":
                held.future.add_done_callback(exits)
            else:
                try:
                    held.future.set_result("settled by somebody else")
                except Exception:  # it is not to be settled by others
                    pass
            held.let_go()
            judged.doing(f"round {number}: waiting for a call after somebody {how}")
            try:
                found = pool.submit(pow, 2, 3).result()
            except Exception as error:
                raise Broken(f"after somebody {how} the next call raised {error!r}") from error
            insist(found == 8, f"after somebody {how}, 2**3 is {found}")


@claim(
    "Capacity",
    "[6] max_workers calls run at a time, whatever was run before",
    "foregone_spec.process_pool_invariants.capacity",
    "calls that wait for each other wait for ever; work takes longer than it should",
)
def capacity(judged: Judged) -> None:
    """Have as many calls as there are workers wait for each other, after others."""
    for number, draw in draws(judged):
        workers = draw.randint(2, 3)
        pool = judged.pool(workers)
        for _ in range(2):
            before: list[Future[object]] = []
            for each in range(draw.randint(0, 6)):
                before.append(pool.submit(draw.choice((calls.echo, calls.fail)), f"{each}"))
                if draw.random() < 0.3:
                    before[-1].cancel()
            if draw.random() < 0.5:
                judged.doing(f"round {number}: waiting for calls that end by themselves")
                calls.wait_for(before)
            place = judged.folder()
            judged.doing(f"round {number}: waiting for {workers} calls to run at a time")
            meeting = [pool.submit(calls.said_who, place, workers) for _ in range(workers)]
            for each_meeting in meeting:
                each_meeting.result()
        pool.shutdown()


@claim(
    "WatchedSet",
    "[7] every death of a process is noticed: no call waits for it",
    "foregone_spec.process_pool_invariants.watched_set",
    "a process is killed for its memory, and the program waits for ever",
    Kind.PROCESS,
)
def watched_set(judged: Judged) -> None:
    """Kill processes that are idle, or have a call, or are just being given one."""
    for number, draw in draws(judged, 6):
        pool = judged.pool(draw.randint(1, 2))
        pid = pool.submit(os.getpid).result() if draw.random() < 0.7 else 0
        held = Held(judged, pool) if draw.random() < 0.3 else None
        futures: list[Future[object]] = [
            pool.submit(calls.echo) for _ in range(draw.choice((0, 3)))
        ]
        if pid and draw.random() < 0.5:
            os.kill(pid, signal.SIGKILL)
        else:
            futures.append(pool.submit(calls.killed))
        for _ in range(3):
            try:
                futures.append(pool.submit(calls.echo))
            except RuntimeError:
                break  # it is broken, and says so
        if held:
            held.let_go()
            until(held.future.done)
        judged.doing(f"round {number}: waiting for the end of calls after a process was killed")
        calls.wait_for(futures)
        judged.doing(f"round {number}: waiting for shutdown after a process was killed")
        pool.shutdown()


@claim(
    "NeverBlockedUnderALock",
    "[9] whatever is submitted while a callback is slow is taken, and the callback may submit",
    "the museum's invariant 9: never block on a bounded channel while holding a lock",
    "a burst of calls while a callback runs stops the program for ever",
)
def never_blocked_under_a_lock(judged: Judged) -> None:
    """Flood the pool while a callback is held, which then submits."""
    pool = judged.pool(1)
    held = Held(judged, pool)
    began, go_on, came = threading.Event(), threading.Event(), threading.Event()

    def callback(_: object) -> None:
        began.set()
        go_on.wait()
        pool.submit(int)
        came.set()

    held.future.add_done_callback(callback)
    held.let_go()
    judged.doing("waiting for a callback")
    began.wait()
    started = monotonic()
    for each in range(FLOOD):
        if each % 1000 == 0:
            if monotonic() - started > ENOUGH:
                break  # it is slow, and what it has taken has to do
            judged.doing(f"waiting for submit, after {each} others while a callback is held")
        pool.submit(int)
    go_on.set()
    judged.doing("waiting for a callback that submits, after a flood of calls")
    came.wait()
