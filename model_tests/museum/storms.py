"""Real signals and real garbage collection, as many as there is time for.

    python -m model_tests.museum.storms signals|garbage|interrupts

Each runs a bounded number of rounds and then says "calm again"; a hang ends it.
"""

import faulthandler
import gc
import signal
import sys
import threading
from collections.abc import Callable
from types import FrameType
from typing import Final

import foregone
from foregone.future import Future

LIMIT: Final = 30.0  # seconds
ROUNDS: Final = 500
BETWEEN: Final = 0.0002  # seconds between two signals
MINE: Final = 2_000  # calls that handlers may submit


def _round(pool: foregone.ThreadPoolExecutor) -> list[Future[int]]:
    """Use a pool in every way."""
    futures = [pool.submit(pow, 2, each) for each in range(5)]
    bare = Future[int]()
    seen: list[object] = []
    bare.add_done_callback(seen.append)
    futures[4].cancel()
    bare.set_result(1)
    assert foregone.wait([*futures, bare]).not_done == set()
    assert len(list(foregone.as_completed([*futures, bare]))) == 6
    assert list(pool.map(abs, range(-3, 0))) == [3, 2, 1]
    assert seen == [bare]
    return futures


def signals() -> int:
    """Let a handler submit, cancel, add callbacks and look, wherever it comes in."""
    pool = foregone.ThreadPoolExecutor(2)
    mine: list[Future[int]] = []
    called: list[object] = []
    times = 0

    def handle(_: int, __: FrameType | None) -> None:
        nonlocal times
        times += 1
        if len(mine) < MINE:
            future = pool.submit(pow, 2, 3)
            future.add_done_callback(called.append)
            if times % 3 == 0:
                future.cancel()
            mine.append(future)
            foregone.wait(mine[-3:], 0)

    signal.signal(signal.SIGALRM, handle)
    signal.setitimer(signal.ITIMER_REAL, BETWEEN, BETWEEN)
    for _ in range(ROUNDS):
        _round(pool)
    signal.setitimer(signal.ITIMER_REAL, 0)
    pool.shutdown()
    assert all(each.done() for each in mine)
    assert len(called) == len(mine)
    assert set(called) == set(mine)
    return times


def garbage() -> int:
    """Let a finalizer submit and cancel, wherever garbage is collected."""
    pool, other = foregone.ThreadPoolExecutor(2), foregone.ThreadPoolExecutor(1)
    mine: list[Future[int]] = []

    class Litter:
        def __init__(self) -> None:
            self.myself = self

        def __del__(self) -> None:
            if len(mine) < MINE:
                mine.append(pool.submit(pow, 2, 3))
                other.submit(pow, 2, 3).cancel()

    thresholds = gc.get_threshold()
    gc.set_threshold(1)
    for _ in range(ROUNDS // 2):
        Litter()
        _round(pool)
        Litter()
        _round(other)
    gc.set_threshold(*thresholds)
    pool.shutdown()
    other.shutdown()
    assert all(each.done() for each in mine)
    return len(mine)


def interrupts() -> int:
    """Let Ctrl-C come in anywhere: the pool still ends, and everything in it."""
    times = 0

    def handle(_: int, __: FrameType | None) -> None:
        raise KeyboardInterrupt

    signal.signal(signal.SIGALRM, handle)
    for number in range(ROUNDS):
        pool = foregone.ThreadPoolExecutor(2)
        hold = threading.Event()
        pool.submit(hold.wait)
        pool.submit(hold.wait)  # both threads exist: Thread.start does not survive Ctrl-C
        futures: list[Future[int]] = []
        try:
            signal.setitimer(signal.ITIMER_REAL, BETWEEN * (number % 20 + 1) / 4)
            while True:
                futures.append(pool.submit(pow, 2, 3))
                futures[-1].add_done_callback(futures.count)
                foregone.wait(futures[-2:], BETWEEN)
                futures[-1].cancel()
        except KeyboardInterrupt:
            times += 1
        hold.set()
        pool.shutdown()
        assert all(each.done() for each in futures)
        assert not any(each._installed for each in futures)
    return times


def main(storm: str) -> None:
    faulthandler.dump_traceback_later(LIMIT, exit=True)
    storms: dict[str, Callable[[], int]] = {
        "signals": signals,
        "garbage": garbage,
        "interrupts": interrupts,
    }
    print(f"calm again, after {storms[storm]()}")


if __name__ == "__main__":
    main(sys.argv[1])
