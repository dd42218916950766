"""Exhibits about thread pools and ``map``."""

from __future__ import annotations

import atexit
import gc
import os
import signal
import threading
import weakref
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future
from types import ModuleType

from foregone_conformance.exhibits.future import DefectError, threads, until
from foregone_conformance.exhibits.tasks import GRACE, LeavingError, leave
from foregone_conformance.kinds import NotApplicable

START = "start"  # of a thread: there is no hook for what comes before
EXIT = "_shutdown"  # of the threading module, private to it
STARTS_NONE = "submit starts no thread, so nothing comes in between"


def resubmits(pool: Executor, done: threading.Event) -> Callable[[object], None]:
    def again(_: object) -> None:
        try:
            pool.submit(pow, 2, 3)
        except RuntimeError:
            pass  # the pool is broken or shut down
        done.set()

    return again


def m2_initializer(cf: ModuleType) -> None:
    go_on, done = threading.Event(), threading.Event()

    def bad() -> None:
        go_on.wait()
        raise ValueError

    pool = cf.ThreadPoolExecutor(1, initializer=bad)
    pool.submit(pow, 2, 3).add_done_callback(resubmits(pool, done))
    go_on.set()
    done.wait()


def m2_cancel_futures(cf: ModuleType) -> None:
    hold, done = threading.Event(), threading.Event()
    pool = cf.ThreadPoolExecutor(1)
    pool.submit(hold.wait)
    pool.submit(pow, 2, 3).add_done_callback(resubmits(pool, done))
    pool.shutdown(wait=False, cancel_futures=True)
    done.wait()
    hold.set()


def m5_weaker_shutdown(cf: ModuleType) -> None:
    ran: list[int] = []
    begun, hold = threading.Event(), threading.Event()

    def first() -> None:
        begun.set()
        hold.wait()

    with cf.ThreadPoolExecutor(1) as pool:
        pool.submit(first)
        begun.wait()
        for each in range(3):
            pool.submit(ran.append, each)
        try:
            pool.shutdown(wait=False, cancel_futures=True)
            pool.shutdown(wait=False)
        finally:
            hold.set()
    if ran:
        raise DefectError("weakened")


def m7_map_drops(cf: ModuleType) -> None:
    results = cf.ThreadPoolExecutor(1).map(abs, range(8), buffersize=2)
    found = [next(results)]
    gc.collect()
    found += results
    if found != list(range(8)):
        raise DefectError("dropped")


def m8_state_error(cf: ModuleType) -> None:
    begun, hold = threading.Event(), threading.Event()

    def call() -> None:
        begun.set()
        hold.wait()

    pool = cf.ThreadPoolExecutor(1)
    future = pool.submit(call)
    begun.wait()
    future.set_result("settled by somebody else")
    hold.set()
    pool.submit(pow, 2, 3).result()


def exits(_: object) -> None:
    raise SystemExit


def m9_callback_exits(cf: ModuleType) -> None:
    hold = threading.Event()
    pool = cf.ThreadPoolExecutor(1)
    future = pool.submit(hold.wait)

    future.add_done_callback(exits)
    hold.set()
    pool.submit(pow, 2, 3).result()


def m10_cancelled_item(cf: ModuleType) -> None:
    go_on = threading.Event()

    def bad() -> None:
        go_on.wait()
        raise ValueError

    pool = cf.ThreadPoolExecutor(1, initializer=bad)
    futures = [pool.submit(pow, 2, 3) for _ in range(3)]
    futures[1].cancel()
    go_on.set()
    futures[2].exception()


def m11_collected(cf: ModuleType) -> None:
    go_on = threading.Event()

    def bad() -> None:
        go_on.wait()
        raise ValueError

    pool = cf.ThreadPoolExecutor(1, initializer=bad)
    future = pool.submit(pow, 2, 3)
    del pool
    gc.collect()
    go_on.set()
    future.exception()


def while_starting(act: Callable[[], object]) -> None:
    """Have the next start of a thread do ``act`` first."""
    start: Callable[[threading.Thread], None] = getattr(threading.Thread, START)

    def acting(self: threading.Thread) -> None:
        setattr(threading.Thread, START, start)  # once is enough
        act()
        start(self)

    setattr(threading.Thread, START, acting)


def refuse() -> None:
    """Raise what the system's refusal of a thread raises."""
    raise RuntimeError("can't start new thread")


def on_signal(act: Callable[[], object]) -> None:
    def handle(_signal: int, _frame: object) -> None:
        act()

    signal.signal(signal.SIGUSR1, handle)


def m13_signal(cf: ModuleType) -> None:
    pool = cf.ThreadPoolExecutor(1)
    inner: list[Future[object]] = []
    on_signal(lambda: inner.append(pool.submit(pow, 2, 3)))
    while_starting(lambda: os.kill(os.getpid(), signal.SIGUSR1))
    pool.submit(pow, 2, 3).result()
    if not inner:
        raise NotApplicable(STARTS_NONE)
    inner[0].result()


def m13_collection(cf: ModuleType) -> None:
    pool, other = cf.ThreadPoolExecutor(1), cf.ThreadPoolExecutor(1)
    inner: list[Future[object]] = []

    class Submitting:
        def __init__(self) -> None:
            self.myself = self

        def __del__(self) -> None:
            inner.append(other.submit(pow, 2, 3))

    Submitting()
    while_starting(gc.collect)
    pool.submit(pow, 2, 3).result()
    if not inner:
        raise NotApplicable(STARTS_NONE)
    inner[0].result()


def m14_ghost(cf: ModuleType) -> None:
    ran: list[str] = []
    hold = threading.Event()
    pool = cf.ThreadPoolExecutor(2)
    pool.submit(hold.wait)

    while_starting(refuse)
    try:
        future = pool.submit(ran.append, "refused")
    except RuntimeError:
        future = None
    hold.set()
    if future is not None:
        future.result()
        raise NotApplicable("submit starts no thread, or does without one that is refused")
    pool.shutdown()
    if ran:
        raise DefectError("ghost")


def asked_in_a_fork(cf: ModuleType, pool: Executor) -> None:
    """Have a forked child submit: its call is to end, or to be refused."""
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


def m15_fork(cf: ModuleType) -> None:
    asked_in_a_fork(cf, cf.ThreadPoolExecutor(1))


def m25_map_strands(cf: ModuleType) -> None:
    ran: list[int] = []
    hold = threading.Event()

    def items() -> Iterator[int]:
        yield from range(3)
        raise ValueError

    def call(item: int) -> None:
        hold.wait()
        ran.append(item)

    pool = cf.ThreadPoolExecutor(1)
    try:
        list(pool.map(call, items()))
    except ValueError:
        pass
    hold.set()
    pool.shutdown()
    if len(ran) > 1:  # the first may have begun
        raise DefectError("stranded")


def h17_copied_lock(cf: ModuleType) -> None:
    pool = cf.ThreadPoolExecutor(1)
    inside, go_on = threading.Event(), threading.Event()

    def stands_still() -> None:
        inside.set()
        go_on.wait()

    back: list[Future[object]] = []

    def submit() -> None:
        while_starting(stands_still)
        back.append(pool.submit(pow, 2, 3))

    def goes_on() -> None:
        """Let the submit end, since a fork may wait for the lock."""
        go_on.wait(GRACE)
        go_on.set()

    threads(submit)
    until(lambda: inside.is_set() or back)
    if not inside.is_set():
        raise NotApplicable(STARTS_NONE)
    threads(goes_on)
    child = os.fork()
    if not child:
        getattr(threading, EXIT)()  # what an interpreter does that exits
        atexit._run_exitfuncs()
        os._exit(0)
    os.waitpid(child, 0)


def h22_map_timed_out(cf: ModuleType) -> None:
    ran: list[int] = []
    hold = threading.Event()
    pool = cf.ThreadPoolExecutor(1)
    pool.submit(hold.wait)
    results = pool.map(ran.append, range(3), timeout=0.01)
    try:
        next(results)
    except cf.TimeoutError:
        pass
    hold.set()
    pool.shutdown()
    if ran:
        raise DefectError("stranded")


class Result:
    pass


def h25_kept_result(cf: ModuleType) -> None:
    gc.disable()
    pool = cf.ThreadPoolExecutor(1)
    result = weakref.ref(pool.submit(Result).result())
    until(lambda: result() is None)


def p14_base_exception(cf: ModuleType) -> None:
    pool = cf.ThreadPoolExecutor(1)
    if not isinstance(pool.submit(leave).exception(), LeavingError):
        raise DefectError("swallowed")
    pool.submit(pow, 2, 3).result()
