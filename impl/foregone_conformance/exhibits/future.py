"""Exhibits about futures, waiters and callbacks.

These modules run on every CPython from 3.8 on, so that the record can be made.
"""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from types import ModuleType


class DefectError(Exception):
    """The library failed otherwise than by hanging; the argument is the word for it."""


def threads(*targets: Callable[[], object]) -> list[threading.Thread]:
    started = [threading.Thread(target=each, daemon=True) for each in targets]
    for each in started:
        each.start()
    return started


def added(future: Future[object], callback: Callable[[object], object]) -> None:
    future.add_done_callback(callback)


def until(condition: Callable[[], object]) -> None:
    """Poll until ``condition()``: for what no public call tells; the longer, the less often."""
    never, pause = threading.Event(), 0.001
    while not condition():
        never.wait(pause)
        pause = min(pause * 1.02, 0.2)


def m4_cancelled_untold(cf: ModuleType) -> None:
    hold = threading.Event()
    pool = cf.ThreadPoolExecutor(1)
    pool.submit(hold.wait)
    queued = pool.submit(pow, 2, 3)
    pool.shutdown(wait=False, cancel_futures=True)
    if not queued.done():
        raise DefectError("pending")
    cf.wait([queued])
    hold.set()


def m18_waiter_leak(cf: ModuleType) -> None:
    future = cf.Future()
    told = threading.Event()

    def once(*_: object) -> None:
        if not told.is_set():
            told.set()
            raise KeyboardInterrupt

    def interrupt() -> None:
        until(lambda: len(future._waiters))
        while not told.is_set():
            # CPython loses one that comes when the GIL is let go of and the thread is
            # not yet blocked: it is handled after the next one
            os.kill(os.getpid(), signal.SIGINT)
            told.wait(0.05)

    signal.signal(signal.SIGINT, once)
    threads(interrupt)
    try:
        cf.wait([future])
    except KeyboardInterrupt:
        pass
    if len(future._waiters):
        raise DefectError("leaks")


def m19_callback_order(cf: ModuleType) -> None:
    order: list[str] = []
    began, go_on = threading.Event(), threading.Event()

    def first(_: object) -> None:
        began.set()
        go_on.wait()
        order.append("first")

    future = cf.Future()
    future.add_done_callback(first)
    added(future, lambda _: order.append("second"))
    (settler,) = threads(lambda: future.set_result(None))
    began.wait()
    added(future, lambda _: order.append("third"))
    go_on.set()
    settler.join()
    if order != ["first", "second", "third"]:
        raise DefectError("disorder")


def m24_late_deadline(cf: ModuleType) -> None:
    for _ in range(3):  # a busy machine is not late each time
        iterator = cf.as_completed([cf.Future()], timeout=0.5)
        made = time.monotonic()
        while time.monotonic() <= made + 0.5:
            threading.Event().wait(0.05)
        asked = time.monotonic()
        try:
            next(iterator)
        except cf.TimeoutError:
            pass
        if time.monotonic() - asked < 0.25:
            return
    raise DefectError("late")


def h5_lost_decrement(cf: ModuleType) -> None:
    for _ in range(100):
        pair = cf.Future(), cf.Future()
        together = threading.Barrier(2)

        def settle(
            future: Future[object],
            pair: tuple[ModuleType, ...] = pair,
            together: threading.Barrier = together,
        ) -> None:
            until(lambda: all(len(each._waiters) for each in pair))
            together.wait()
            future.set_result(None)

        threads(*(lambda each=each: settle(each) for each in pair))
        cf.wait(pair)


def h6_skipped_waiter(cf: ModuleType) -> None:
    for _ in range(100):
        future = cf.Future()
        waiting = threads(*[lambda future=future: cf.wait([future])] * 2)
        until(lambda: len(future._waiters) == 2)  # noqa: B023  it is called here
        future.set_result(None)
        for each in waiting:
            each.join()


def h8_duplicates(cf: ModuleType) -> None:
    future = cf.Future()
    future.set_result(None)
    if cf.wait([future, future]).done != {future}:
        raise DefectError("twice")
    if list(cf.as_completed([future, future])) != [future]:
        raise DefectError("twice")


def h20_shared_exception(cf: ModuleType) -> None:
    go_on = threading.Event()

    def bad() -> None:
        go_on.wait()
        raise ValueError

    pool = cf.ThreadPoolExecutor(1, initializer=bad)
    one, other = pool.submit(pow, 2, 3), pool.submit(pow, 2, 3)
    go_on.set()
    if one.exception() is other.exception():
        raise DefectError("shared")


class FalsyError(Exception):
    def __bool__(self) -> bool:
        return False


def h21_falsy_exception(cf: ModuleType) -> None:
    future = cf.Future()
    future.set_exception(FalsyError())
    try:
        future.result()
    except FalsyError:
        return
    raise DefectError("swallowed")


def h23_escaping_callback(cf: ModuleType) -> None:
    future = cf.Future()
    future.set_result(None)
    try:
        added(future, lambda _: 1 // 0)
    except ZeroDivisionError:
        raise DefectError("escapes") from None


def h24_overwritten_result(cf: ModuleType) -> None:
    future = cf.Future()
    future.set_result("first")
    try:
        future.set_result("second")
    except cf.InvalidStateError:
        pass
    if future.result() != "first":
        raise DefectError("overwritten")
