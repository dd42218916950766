"""Exhibits about process pools, found in peers of the standard library.

These modules run on every CPython from 3.8 on, so that the record can be made.
"""

from __future__ import annotations

import os
import signal
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import Executor
from multiprocessing import get_context
from types import ModuleType

from foregone_conformance.exhibits import tasks
from foregone_conformance.exhibits.future import DefectError, threads, until
from foregone_conformance.exhibits.process import MANY, blocked, held, one
from foregone_conformance.exhibits.tasks import GRACE, awaited, mark
from foregone_conformance.session import lives

ROUNDS = 10


def ends(pool: Executor, call: Callable[..., object], *args: object) -> None:
    """Submit a call that ends, however that may be, unless the pool is broken."""
    try:
        future = pool.submit(call, *args)
    except RuntimeError:
        return
    until(future.done)


def within(seconds: float, condition: Callable[[], object]) -> None:
    end = time.monotonic() + seconds
    until(lambda: condition() or time.monotonic() > end)


def p1_killed_next(cf: ModuleType) -> None:
    pool = one(cf)
    place, other = tempfile.mkdtemp(), tempfile.mkdtemp()
    first = pool.submit(tasks.name_and_hold, place)
    awaited(place, "begun")
    second = pool.submit(tasks.hold, other)
    with open(os.path.join(place, "name")) as name:
        pid = int(name.read())
    stopped = first.cancel()
    if stopped:
        within(GRACE / 2, lambda: not lives(pid))
    mark(place, "go on")
    until(lambda: not lives(pid) or os.path.exists(os.path.join(other, "begun")))
    if stopped:
        within(GRACE, lambda: not lives(pid))  # it may be killed with the second call
    else:  # nobody ends the process but this
        os.kill(pid, signal.SIGKILL)
    mark(other, "go on")
    until(lambda: first.done() and second.done())


def p3_full_answers(cf: ModuleType) -> None:
    pool, place = cf.ProcessPoolExecutor(2, mp_context=get_context("fork")), tempfile.mkdtemp()
    first = held(pool)
    much = pool.submit(tasks.answer_much, place)
    awaited(place, "begun")
    go_on = blocked(*first)
    mark(place, "go on")
    much.cancel()
    go_on.set()
    until(much.done)
    ends(pool, pow, 2, 3)


def p4_died_with_the_lock(cf: ModuleType) -> None:
    pool = one(cf)
    ends(pool, abs, tasks.Deadly())
    ends(pool, pow, 2, 3)


def p5_left_in_the_queue(cf: ModuleType) -> None:
    pool, place = one(cf), tempfile.mkdtemp()
    pool.submit(tasks.die, place)
    awaited(place, "begun")
    futures = [pool.submit(pow, 2, 3) for _ in range(MANY)]
    mark(place, "go on")
    until(lambda: all(each.done() for each in futures))


def p6_cancelled_in_between(cf: ModuleType) -> None:
    pool = one(cf)
    for _ in range(ROUNDS):
        place = tempfile.mkdtemp()
        future = pool.submit(tasks.note, place)
        awaited(place, "ended")
        future.cancel()
        until(future.done)
    ends(pool, pow, 2, 3)


def p7_ended_by_another(cf: ModuleType) -> None:
    get = getattr(cf, "get_reusable_executor", cf.ProcessPoolExecutor)
    mine = get(1, initializer=repr, initargs=("mine",))
    theirs: list[Executor] = []
    (other,) = threads(lambda: theirs.append(get(1, initializer=repr, initargs=("theirs",))))
    other.join()
    try:
        mine.submit(pow, 2, 3).result()
    except RuntimeError:
        raise DefectError("refused") from None
    theirs[0].submit(pow, 2, 3).result()


def p11_returned_error(cf: ModuleType) -> None:
    try:
        returned = one(cf).submit(ValueError, "returned").result()
    except ValueError:
        raise DefectError("raised") from None
    if not isinstance(returned, ValueError):
        raise DefectError("lost")


def p16_killed_reader(cf: ModuleType) -> None:
    pool = one(cf)
    os.kill(pool.submit(os.getpid).result(), signal.SIGKILL)
    ends(pool, pow, 2, 3)
