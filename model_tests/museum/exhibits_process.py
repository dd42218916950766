"""Exhibits about process pools.

These modules run on every CPython from 3.8 on, so that the record can be made.
"""

# ruff: noqa: ANN401  the library on show is whatever module it is given
from __future__ import annotations

import gc
import importlib
import os
import signal
import sys
import tempfile
import threading
from multiprocessing import get_context
from types import ModuleType
from typing import Any

from model_tests.museum import tasks
from model_tests.museum.exhibits_future import DefectError, threads, until
from model_tests.museum.exhibits_pool import resubmits, while_starting
from model_tests.museum.tasks import GRACE, awaited, mark

FLOOD = 20000  # wake-ups, each of four bytes at least: more than a pipe holds
UNSHARED = 3600.0  # seconds that a thread may run while others could
MANY = 12  # calls: more than are on their way to one process


def one(cf: ModuleType, start: str = "fork", **given: Any) -> Any:
    return cf.ProcessPoolExecutor(1, mp_context=get_context(start), **given)


def held(pool: Any) -> tuple[Any, str]:
    """Have the first process run a call until there is the mark "go on"."""
    place = tempfile.mkdtemp()
    future = pool.submit(tasks.hold, place)
    awaited(place, "begun")
    return future, place


def busy(pool: Any) -> threading.Event:
    """Have whoever runs callbacks run one, until the event is set that is returned."""
    return blocked(*held(pool))


def blocked(future: Any, place: str) -> threading.Event:
    began, go_on = threading.Event(), threading.Event()

    def callback(_: Any) -> None:
        began.set()
        go_on.wait()

    future.add_done_callback(callback)
    mark(place, "go on")
    began.wait()
    return go_on


def is_broken(cf: Any, future: Any) -> None:
    if not isinstance(future.exception(), cf.process.BrokenProcessPool):
        raise DefectError("misled")


def goes_on(cf: Any, pool: Any) -> None:
    try:
        pool.submit(pow, 2, 3).result()
    except cf.process.BrokenProcessPool:
        raise DefectError("poisoned") from None


def submits(pool: Any, *call: Any) -> None:
    try:
        pool.submit(*call)
    except RuntimeError:
        pass  # pickled in submit, and the pool has ended meanwhile


def words_in_a_pipe() -> int:
    """Return how many words of four bytes a pipe holds: a wake-up is one."""
    words, (reader, writer) = 0, os.pipe()
    os.set_blocking(writer, False)
    try:
        while True:
            words += os.write(writer, b"word") // 4
    except BlockingIOError:
        return words
    finally:
        os.close(reader)
        os.close(writer)


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

    def leave(_: Any) -> None:
        raise SystemExit

    future.add_done_callback(leave)
    mark(place, "go on")
    pool.submit(pow, 2, 3).result()


def m12_stubborn(cf: Any) -> None:
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
    inner: list[Any] = []
    signal.signal(signal.SIGUSR1, lambda *_: inner.append(pool.submit(pow, 2, 3)))
    while_starting(lambda: os.kill(os.getpid(), signal.SIGUSR1))
    pool.submit(pow, 2, 3).result()
    inner[0].result()


def m15_process(cf: ModuleType) -> None:
    pool = one(cf)
    pool.submit(pow, 2, 3).result()
    child = os.fork()
    if not child:
        try:
            pool.submit(pow, 2, 3).result(timeout=1)
        except cf.TimeoutError:
            os._exit(1)
        except RuntimeError:
            os._exit(0)
        os._exit(0)
    if os.waitpid(child, 0)[1]:
        raise DefectError("lost")


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
    if pool.submit(abs, tasks.Explosive()).exception() is None:
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
            f"import {cf.__name__} as cf\n"
            "from model_tests.museum.exhibits_process import one\n"
            "def double(number): return 2 * number\n"
            "one(cf).submit(double, 2).result()\n"
        )
    sys.path.insert(0, place)
    importlib.import_module("submits_itself")


def m26_slow_callback(cf: ModuleType) -> None:
    pool = one(cf)
    go_on = busy(pool)
    pool.submit(pow, 2, 3).result()
    go_on.set()


def m28_grandchild(cf: ModuleType) -> None:
    is_broken(cf, one(cf).submit(tasks.fork_and_die))


def h1_idle_token(cf: ModuleType) -> None:
    pool = one(cf, "spawn", max_tasks_per_child=2)
    _, place = held(pool)
    futures = [pool.submit(pow, 2, 3) for _ in range(4)]
    mark(place, "go on")
    for each in futures:
        each.result()


def h2_joined_feeder(cf: ModuleType) -> None:
    pool, place = one(cf), tempfile.mkdtemp()
    begun, go_on = threading.Event(), threading.Event()
    dies = pool.submit(tasks.die, place)
    awaited(place, "begun")
    (submitter,) = threads(lambda: submits(pool, abs, tasks.Slow(begun, go_on)))
    begun.wait()
    mark(place, "go on")
    is_broken(cf, dies)
    go_on.set()
    submitter.join()
    pool.shutdown()


def h3_locked_reader(cf: ModuleType) -> None:
    pool = one(cf)
    go_on = busy(pool)
    for _ in range(words_in_a_pipe()):
        pool.submit(pow, 2, 3).cancel()
    shared = sys.getswitchinterval()
    sys.setswitchinterval(UNSHARED)  # from here to where it blocks, no other thread runs
    go_on.set()
    last = pool.submit(pow, 2, 3)
    sys.setswitchinterval(shared)
    last.result()


def h4_only_cancelled(cf: ModuleType) -> None:
    pool = one(cf)
    pool.submit(tasks.Gated)
    tasks.Gated.begun.wait()
    pool.submit(pow, 2, 3).cancel()
    (closer,) = threads(pool.shutdown)
    while True:
        try:
            pool.submit(pow, 2, 3).cancel()
        except RuntimeError:
            break  # the shutdown has begun
    tasks.Gated.go_on.set()
    closer.join()


def h7_written_when_closed(cf: ModuleType) -> None:
    pool = one(cf)
    is_broken(cf, pool.submit(os._exit, 1))
    try:
        pool.shutdown()  # the manager ends meanwhile
    except OSError:
        raise DefectError("raises") from None


def h9_collected(cf: ModuleType) -> None:
    pool = one(cf, "spawn", max_tasks_per_child=1)
    _, place = held(pool)
    futures = [pool.submit(pow, 2, 3) for _ in range(2)]
    del pool
    gc.collect()
    mark(place, "go on")
    for each in futures:
        each.result()


def h10_shut_down(cf: ModuleType) -> None:
    pool = one(cf, "spawn", max_tasks_per_child=1)
    _, place = held(pool)
    futures = [pool.submit(pow, 2, 3) for _ in range(2)]
    pool.shutdown(wait=False)
    mark(place, "go on")
    for each in futures:
        each.result()


def h11_forked_lock(cf: ModuleType) -> None:
    pool = cf.ProcessPoolExecutor(3, mp_context=get_context("fork"))
    place, begun, go_on = tempfile.mkdtemp(), threading.Event(), threading.Event()
    held(pool)  # the first process is busy, and nobody is idle
    futures: list[Any] = []
    locking = tasks.Locking(begun, go_on)
    (other,) = threads(lambda: futures.append(pool.submit(tasks.meet, place, 2, locking)))
    begun.wait()
    futures.append(pool.submit(tasks.meet, place, 2, None))
    go_on.set()
    other.join()
    for each in futures:
        each.result()


def h12_unread_pipe(cf: ModuleType) -> None:
    pool, place, begun = one(cf), tempfile.mkdtemp(), threading.Event()
    pool.submit(tasks.die, place)
    awaited(place, "begun")
    future = pool.submit(len, tasks.Bulky(begun))
    begun.wait()
    mark(place, "go on")
    is_broken(cf, future)
    pool.shutdown()


def h13_cancelled_in_the_way(cf: ModuleType) -> None:
    pool, place = one(cf), tempfile.mkdtemp()
    pool.submit(tasks.die, place)
    futures = [pool.submit(pow, 2, 3) for _ in range(MANY)]
    futures[-2].cancel()
    mark(place, "go on")
    is_broken(cf, futures[-1])


def h15_unpicklable(cf: ModuleType) -> None:
    if one(cf).submit(threading.Lock().acquire).exception() is None:
        raise DefectError("swallowed")


def h16_closed_channel(cf: Any) -> None:
    pool = cf.ProcessPoolExecutor(2, mp_context=get_context("fork"))
    future, place = held(pool)
    go_on = busy(pool)
    pool.shutdown(wait=False)
    go_on.set()
    mark(place, "go on")
    future.result()


def h27_unseen_death(cf: ModuleType) -> None:
    is_broken(cf, one(cf).submit(os._exit, 1))
