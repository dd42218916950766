"""Exhibits about process pools.

These modules run on every CPython from 3.8 on, so that the record can be made.
"""

from __future__ import annotations

import importlib
import os
import signal
import sys
import tempfile
import threading
from collections.abc import Callable
from concurrent.futures import Executor, Future
from multiprocessing import get_context
from types import ModuleType
from typing import TypeVar

from foregone_conformance.exhibits import tasks
from foregone_conformance.exhibits.future import DefectError, threads, until
from foregone_conformance.exhibits.pool import (
    asked_in_a_fork,
    exits,
    on_signal,
    resubmits,
    while_starting,
)
from foregone_conformance.exhibits.tasks import GRACE, awaited, mark
from foregone_conformance.kinds import NotApplicable

T = TypeVar("T")

FLOOD = 20000  # wake-ups, each of four bytes at least: more than a pipe holds
MANY = 12  # calls: more than are on their way to one process
SUBMITTING: list[ModuleType] = []  # the library, for a module that submits in its body


def one(cf: ModuleType, start: str = "fork", **given: object) -> Executor:
    pool: Executor = cf.ProcessPoolExecutor(1, mp_context=get_context(start), **given)
    return pool


def held(pool: Executor) -> tuple[Future[object], str]:
    """Have the first process run a call until there is the mark "go on"."""
    place = tempfile.mkdtemp()
    future: Future[object] = pool.submit(tasks.hold, place)
    awaited(place, "begun")
    return future, place


def busy(pool: Executor) -> threading.Event:
    """Have whoever runs callbacks run one, until the event is set that is returned."""
    return blocked(*held(pool))


def blocked(future: Future[object], place: str) -> threading.Event:
    began, go_on = threading.Event(), threading.Event()

    def callback(_: object) -> None:
        began.set()
        go_on.wait()

    future.add_done_callback(callback)
    mark(place, "go on")
    began.wait()
    return go_on


def is_broken(cf: ModuleType, future: Future[T]) -> None:
    if not isinstance(future.exception(), cf.process.BrokenProcessPool):
        raise DefectError("misled")


def goes_on(cf: ModuleType, pool: Executor) -> None:
    try:
        pool.submit(pow, 2, 3).result()
    except cf.process.BrokenProcessPool:
        raise DefectError("poisoned") from None


def submits(pool: Executor, call: Callable[..., object], *args: object) -> None:
    try:
        pool.submit(call, *args)
    except RuntimeError:
        pass  # pickled in submit, and the pool has ended meanwhile


def m1_blind_spot(cf: ModuleType) -> None:
    spawn = get_context("spawn")
    pool = cf.ProcessPoolExecutor(2, mp_context=spawn, initializer=repr, initargs=(tasks.Late(),))
    held(pool)
    is_broken(cf, pool.submit(os._exit, 1))


def m2_break(cf: ModuleType) -> None:
    done, place = threading.Event(), tempfile.mkdtemp()
    pool = one(cf)
    pool.submit(tasks.die, place).add_done_callback(resubmits(pool, done))
    mark(place, "go on")
    done.wait()


def m3_full_channel(cf: ModuleType) -> None:
    done = threading.Event()
    pool = one(cf)
    go_on = busy(pool)
    futures = [pool.submit(pow, 2, 3) for _ in range(FLOOD)]
    futures[-1].add_done_callback(resubmits(pool, done))
    go_on.set()
    done.wait()


def m4_process(cf: ModuleType) -> None:
    one(cf).shutdown(cancel_futures=True)  # raises here where it is absent
    pool = one(cf)
    _, place = held(pool)
    futures = [pool.submit(pow, 2, 3) for _ in range(MANY)]
    threads(lambda: pool.shutdown(wait=False, cancel_futures=True))
    until(futures[-1].done)
    mark(place, "go on")
    cf.wait(futures)


def m5_process(cf: ModuleType) -> None:
    pool = one(cf)
    go_on, place = busy(pool), tempfile.mkdtemp()
    futures = [pool.submit(tasks.hold, place) for _ in range(MANY)]
    pool.shutdown(wait=False, cancel_futures=True)
    pool.shutdown(wait=False)
    go_on.set()
    mark(place, "go on")
    until(lambda: all(each.done() for each in futures))
    if sum(not each.cancelled() for each in futures) > 1:  # the first may have begun
        raise DefectError("weakened")


def m6_two_dicts(cf: ModuleType) -> None:
    one(cf).shutdown(cancel_futures=True)  # raises here where it is absent
    begun, go_on = threading.Event(), threading.Event()
    pool = one(cf)
    (submitter,) = threads(lambda: submits(pool, abs, tasks.Slow(begun, go_on)))
    begun.wait()
    futures = [pool.submit(pow, 2, 3) for _ in range(MANY)]
    (closer,) = threads(lambda: pool.shutdown(cancel_futures=True))
    until(futures[-1].done)
    go_on.set()
    submitter.join()
    closer.join()


def m8_process(cf: ModuleType) -> None:
    pool = one(cf)
    future, place = held(pool)
    future.set_result("settled by somebody else")
    mark(place, "go on")
    pool.submit(pow, 2, 3).result()


def m9_process(cf: ModuleType) -> None:
    pool = one(cf)
    future, place = held(pool)
    future.add_done_callback(exits)
    mark(place, "go on")
    pool.submit(pow, 2, 3).result()


def m12_stubborn(cf: ModuleType) -> None:
    pool = cf.ProcessPoolExecutor(2, mp_context=get_context("fork"))
    place = tempfile.mkdtemp()
    pool.submit(tasks.ignore_and_hold, place)
    awaited(place, "ignores")
    is_broken(cf, pool.submit(os._exit, 1))
    try:
        pool.submit(pow, 2, 3)
    except cf.process.BrokenProcessPool:
        return
    raise DefectError("accepted")


def m13_process(cf: ModuleType) -> None:
    pool = one(cf)
    inner: list[Future[object]] = []
    on_signal(lambda: inner.append(pool.submit(pow, 2, 3)))
    while_starting(lambda: os.kill(os.getpid(), signal.SIGUSR1))
    pool.submit(pow, 2, 3).result()
    if not inner:
        raise NotApplicable("submit starts no process, so nothing comes in between")
    inner[0].result()


def m15_process(cf: ModuleType) -> None:
    asked_in_a_fork(cf, one(cf))


def m16_exception(cf: ModuleType) -> None:
    pool = one(cf)
    if pool.submit(tasks.raise_odd).exception() is None:
        raise DefectError("swallowed")
    goes_on(cf, pool)


def m16_error(cf: ModuleType) -> None:
    pool = one(cf)
    if pool.submit(tasks.Unspeakable).exception() is None:
        raise DefectError("swallowed")
    goes_on(cf, pool)


def p2_argument(cf: ModuleType) -> None:
    pool = one(cf)
    if pool.submit(repr, tasks.Explosive()).exception() is None:
        raise DefectError("swallowed")
    goes_on(cf, pool)


def m17_second_shutdown(cf: ModuleType) -> None:
    pool = one(cf)
    future, place = held(pool)
    pool.shutdown(wait=False)
    early: list[bool] = []
    back = threading.Event()

    def waits() -> None:
        pool.shutdown()
        early.append(not future.done())
        back.set()

    (closer,) = threads(waits)
    back.wait(GRACE)
    mark(place, "go on")
    closer.join()
    if early[0]:
        raise DefectError("early")


def m20_import(cf: ModuleType) -> None:
    place = tempfile.mkdtemp()
    with open(os.path.join(place, "submits_itself.py"), "w") as module:
        module.write(
            "from foregone_conformance.exhibits.process import SUBMITTING, one\n"
            "def double(number): return 2 * number\n"
            "if SUBMITTING:  # not in a process that was spawned, which imports it anew\n"
            "    one(SUBMITTING[0]).submit(double, 2).result()\n"
        )
    SUBMITTING.append(cf)
    sys.path.insert(0, place)
    importlib.import_module("submits_itself")


def m26_slow_callback(cf: ModuleType) -> None:
    pool = one(cf)
    go_on = busy(pool)
    pool.submit(pow, 2, 3).result()
    go_on.set()


def m28_grandchild(cf: ModuleType) -> None:
    is_broken(cf, one(cf).submit(tasks.fork_and_die))
