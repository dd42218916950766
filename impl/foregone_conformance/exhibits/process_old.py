"""Exhibits about process pools: what the standard library's once did.

These modules run on every CPython from 3.8 on, so that the record can be made.
"""

from __future__ import annotations

import gc
import os
import sys
import tempfile
import threading
from concurrent.futures import Future
from multiprocessing import get_context
from types import ModuleType

from foregone_conformance.exhibits import tasks
from foregone_conformance.exhibits.future import DefectError, threads
from foregone_conformance.exhibits.process import MANY, busy, held, is_broken, one, submits
from foregone_conformance.exhibits.tasks import awaited, mark

UNSHARED = 3600.0  # seconds that a thread may run while others could


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
    futures: list[Future[object]] = []
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
    future = pool.submit(repr, tasks.Bulky(begun))
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


def h16_closed_channel(cf: ModuleType) -> None:
    pool = cf.ProcessPoolExecutor(2, mp_context=get_context("fork"))
    future, place = held(pool)
    go_on = busy(pool)
    pool.shutdown(wait=False)
    go_on.set()
    mark(place, "go on")
    future.result()


def h27_unseen_death(cf: ModuleType) -> None:
    is_broken(cf, one(cf).submit(os._exit, 1))
