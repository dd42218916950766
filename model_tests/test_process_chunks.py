"""``map`` in chunks: as if each item were a call of its own, whatever the sizes.

Most of it runs on a simulated pool with a clock of its own: nothing waits, and every
run is the same.
"""

import gc
import itertools
import pickle
import random
import sys
import threading
import types
import weakref
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from heapq import heappop, heappush
from typing import Any, cast

import pytest

from foregone import CancelledError, Future, ThreadPoolExecutor, clock
from foregone.process_pool.chunk_sizes import (
    AHEAD,
    BYTES,
    GROWTH,
    LEAST,
    TARGET,
    ChosenSizes,
    Pace,
    map_chunks,
)
from foregone.process_pool.chunks import Args, ChunkedMap
from foregone.process_pool.errors import BrokenProcessPool, ProcessDied
from foregone.process_pool.outcomes import Raised
from foregone.process_pool.pickling import problem

PATIENCE = 30.0
SIZES = [None, 1, 2, 3, 7, 100]
BUFFERS = [None, 1, 2, 3, 10, 1000]


def run_chunk(
    fn: Callable[..., object], items: Iterable[Args], emit: Callable[[object], object]
) -> None:
    """Do what a process does with a chunk, as far as its caller can see (``outcomes.py``)."""
    for args in items:
        try:
            value = fn(*args)
        except BaseException as error:
            emit(Raised(error))
        else:
            emit(value)


class Dies(BaseException):
    """Raised by an item: its simulated process dies."""


class Unpicklable:
    """An item that cannot be sent, or, if ``late``, not read."""

    def __init__(self, late: bool = False) -> None:
        self.late = late


class Call(Future[list[object]]):
    """A chunk that was submitted to a simulated pool: who asks for it lets time pass."""

    def __init__(self, pool: "Simulated", items: list[Args]) -> None:
        super().__init__()
        self.pool = pool
        self.items = items
        self.parts: list[object] = []
        self.seconds = 0.0
        self._size = len(items) * pool.size

    def exception(self, timeout: float | None = None) -> BaseException | None:
        self.pool.pass_time(self, timeout)
        return super().exception(0)


class Simulated:
    """A pool of simulated processes, and the time in which they work.

    ``takes`` is how long an item takes; ``cost`` is what a chunk costs beside its items.
    """

    def __init__(
        self,
        workers: int = 2,
        takes: Callable[..., float] = lambda *_: 1e-3,
        cost: float = 1e-4,
        *,
        replaces: bool = True,
        size: int = 10,
    ) -> None:
        self.workers = workers
        self.takes = takes
        self.cost = cost
        self.replaces = replaces
        self.size = size
        self.now = 0.0
        self.events: list[tuple[float, int, Callable[[], object]]] = []
        self.order = itertools.count()
        self.idle = workers
        self.waiting: deque[tuple[Callable[..., object], Call]] = deque()
        self.calls: list[Call] = []
        self.began: list[Args] = []
        self.began_at: dict[Args, float] = {}
        self.refuses: BaseException | None = None

    def submit(self, fn: Callable[..., object], items: list[Args]) -> Call:
        if self.refuses is not None:
            raise self.refuses
        call = Call(self, items)
        self.calls.append(call)
        if any(isinstance(each, Unpicklable) and not each.late for args in items for each in args):
            error = pickle.PicklingError("an item does not pickle")
            call.set_exception(problem(error, "pickling the arguments", "f", "the parent"))
        else:
            self.waiting.append((fn, call))
            self.start()
        return call

    def after(self, seconds: float, event: Callable[[], object]) -> None:
        heappush(self.events, (self.now + seconds, next(self.order), event))

    def start(self) -> None:
        while self.idle and self.waiting:
            fn, call = self.waiting.popleft()
            if call.set_running_or_notify_cancel():
                self.idle -= 1
                self.run(fn, call)

    def run(self, fn: Callable[..., object], call: Call) -> None:
        if any(isinstance(each, Unpicklable) for args in call.items for each in args):
            error = pickle.UnpicklingError("an item cannot be read")
            problem(error, "unpickling the arguments", "f", "process 7")
            self.after(self.cost, lambda: self.end(call, error))
            return
        self.after(self.cost / 2, lambda: self.item(fn, call, iter(call.items)))

    def item(self, fn: Callable[..., object], call: Call, rest: Iterator[Args]) -> None:
        args = next(rest, None)
        if args is None:
            self.after(self.cost / 2, lambda: self.end(call, None))
            return
        self.began.append(args)
        self.began_at[args] = self.now
        parts: list[object] = []
        run_chunk(fn, [args], parts.append)
        seconds = self.takes(*args)
        call.seconds += seconds
        self.after(seconds, lambda: self.item_ended(fn, call, rest, parts))

    def item_ended(
        self, fn: Callable[..., object], call: Call, rest: Iterator[Args], parts: list[object]
    ) -> None:
        error = parts[0].error if isinstance(parts[0], Raised) else None
        if error is not None:
            error.__traceback__ = None  # it does not travel
        if isinstance(error, Dies):
            self.die(call)
        else:
            call.parts += parts
            parts.clear()
            self.item(fn, call, rest)

    def end(self, call: Call, error: BaseException | None) -> None:
        self.idle += 1
        if error is None:
            call.set_result(call.parts)
        else:
            call.set_exception(error)
        self.start()

    def die(self, call: Call) -> None:
        if self.replaces:
            self.end(call, ProcessDied(7, -9))
            return
        self.refuses = BrokenProcessPool("broken")
        self.events.clear()
        for each in self.calls:
            if not each.done():
                each.set_exception(self.refuses)

    def pass_time(self, call: Call | None = None, timeout: float | None = None) -> None:
        """Let time pass until ``call`` is done, or for ``timeout``, or to the end."""
        until = float("inf") if timeout is None else self.now + timeout
        while self.events and self.events[0][0] <= until and not (call and call.done()):
            self.now, _, event = heappop(self.events)
            event()
        if call is None or (not call.done() and timeout is not None):
            self.now = max(self.now, 0.0 if timeout is None else until)
        assert timeout is not None or call is None or call.done(), "it would wait for ever"

    def map(
        self,
        fn: Callable[..., object],
        *iterables: Iterable[object],
        timeout: float | None = None,
        chunksize: int | None = None,
        buffersize: int | None = None,
        begun: Callable[[Any], object] | None = None,
    ) -> Iterator[Any]:
        return map_chunks(
            self.submit,
            fn,
            iterables,
            executor=self,
            workers=self.workers,
            timeout=timeout,
            chunksize=chunksize,
            buffersize=buffersize,
            begun=begun,
        )

    def sizes(self) -> list[int]:
        return [len(each.items) for each in self.calls]


@pytest.fixture(autouse=True)
def nothing_is_logged(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """See that no callback of ours raises."""
    yield
    assert not caplog.get_records("call")


@pytest.fixture(autouse=True)
def time_is_simulated(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> Simulated:
    """Let deadlines be of the simulated clock, in tests that take the pool from here."""
    pool = Simulated()
    if "time_is_simulated" in request.fixturenames:
        monkeypatch.setattr(clock, "now", lambda: pool.now)
    return pool


def take(results: Iterator[object], got: list[object]) -> None:
    """Take all results, one by one, into ``got``."""
    for each in results:
        got.append(each)  # noqa: PERF402  # extend() would lose those before an error


# ------------------------------------------------------- results, errors, laziness


@pytest.mark.parametrize("chunksize", SIZES)
@pytest.mark.parametrize("buffersize", BUFFERS)
def test_map(chunksize: int | None, buffersize: int | None) -> None:
    for count in (0, 1, 2, 5, 40):
        pool = Simulated()
        results = pool.map(
            pow, range(count), itertools.repeat(2), chunksize=chunksize, buffersize=buffersize
        )
        assert list(results) == [each**2 for each in range(count)]
        assert sorted(pool.began) == [(each, 2) for each in range(count)]
        assert not list(results)
    assert list(Simulated().map(pow, [2, 3], [4], chunksize=chunksize, buffersize=buffersize)) == [
        16
    ]
    assert not list(Simulated().map(pow, chunksize=chunksize, buffersize=buffersize))


@pytest.mark.parametrize("chunksize", SIZES)
@pytest.mark.parametrize("buffersize", BUFFERS)
@pytest.mark.parametrize("bad", [0, 1, 6, 19])
def test_all_before_the_failing_item_is_yielded(
    chunksize: int | None, buffersize: int | None, bad: int
) -> None:
    def call(number: int) -> int:
        if number == bad:
            raise LookupError(number)
        return number

    pool = Simulated()
    results = pool.map(call, range(20), chunksize=chunksize, buffersize=buffersize)
    got: list[object] = []
    with pytest.raises(LookupError, match=str(bad)):
        take(results, got)
    assert got == list(range(bad))
    with pytest.raises(StopIteration):
        next(results)
    pool.pass_time()
    assert all(each.done() for each in pool.calls)
    assert len(set(pool.began)) == len(pool.began)


def test_errors_of_base_exceptions_and_of_stop_iteration() -> None:
    with pytest.raises(SystemExit):
        list(Simulated().map(lambda _: (_ for _ in ()).throw(SystemExit(3)), [1]))
    with pytest.raises(RuntimeError, match="generator raised StopIteration"):
        list(Simulated().map(next, [iter(())]))


@pytest.mark.parametrize("chunksize", SIZES)
def test_all_is_submitted_though_nobody_asks(chunksize: int | None) -> None:
    pool = Simulated()
    pool.map(abs, range(50), chunksize=chunksize)
    pool.pass_time()
    assert sorted(pool.began) == [(each,) for each in range(50)]


def test_chunks_of_a_given_size_are_submitted_at_the_call() -> None:
    pool = Simulated()
    results = pool.map(abs, range(10), chunksize=4)
    assert pool.sizes() == [4, 4, 2]
    assert list(results) == list(range(10))
    pool = Simulated()
    results = pool.map(abs, itertools.count(), chunksize=4, buffersize=3)
    for turn in range(3):
        assert pool.sizes() == [4] * (3 + turn)
        pool.pass_time()
        assert list(itertools.islice(results, 4)) == list(range(4 * turn, 4 * turn + 4))


@pytest.mark.parametrize("buffersize", [1, 2, 3, 10, 64])
def test_a_buffer_bounds_what_is_drawn_if_sizes_are_chosen(buffersize: int) -> None:
    drawn: list[int] = []
    source = (drawn.append(each) or each for each in itertools.count())  # type: ignore[func-returns-value]  # notes
    pool = Simulated(takes=lambda number: 1e-6)
    results = pool.map(abs, source, buffersize=buffersize)
    for yielded in range(500):
        assert len(drawn) == yielded + buffersize
        assert sum(pool.sizes()) <= len(drawn)
        assert next(results) == yielded
    if buffersize == 64:
        assert max(pool.sizes()) == 64 // (2 * AHEAD)


@pytest.mark.parametrize("chunksize", SIZES)
@pytest.mark.parametrize("buffersize", BUFFERS)
def test_an_input_that_raises(chunksize: int | None, buffersize: int | None) -> None:
    def source() -> Iterator[int]:
        yield from range(10)
        raise OSError("the input")

    pool = Simulated()
    if buffersize is None or (buffersize > 10 and chunksize == 100):
        with pytest.raises(OSError, match="the input"):
            pool.map(abs, source(), chunksize=chunksize, buffersize=buffersize)
        assert all(each.cancelled() or each.running() for each in pool.calls)
        pool.pass_time()
        assert all(each.done() for each in pool.calls)
        return
    got: list[object] = []
    try:
        take(pool.map(abs, source(), chunksize=chunksize, buffersize=buffersize), got)
    except OSError:
        if chunksize is None:
            assert got == list(range(10))
        else:  # a chunk that was not complete is not submitted
            assert got == list(range(10 // chunksize * chunksize))
    else:
        pytest.fail("the input raised")


@pytest.mark.parametrize("chunksize", [None, 2])
def test_a_pool_that_refuses(chunksize: int | None) -> None:
    pool = Simulated()
    pool.refuses = RuntimeError("shut down")
    for buffersize in (None, 4):
        with pytest.raises(RuntimeError, match="shut down"):
            pool.map(abs, range(9), chunksize=chunksize, buffersize=buffersize)
    with pytest.raises(RuntimeError, match="shut down"):
        pool.map(abs, itertools.count(), chunksize=chunksize)
    pool.refuses = None
    source = iter(range(99))
    results = pool.map(abs, source, chunksize=chunksize, buffersize=8)
    assert next(results) == 0
    pool.refuses = RuntimeError("shut down")
    got: list[object] = [0]
    with pytest.raises(RuntimeError, match="shut down"):
        take(results, got)
    submitted = sum(pool.sizes())
    assert got == list(range(submitted))  # what was accepted is yielded
    assert len(list(source)) > 50


@pytest.mark.parametrize("chunksize", [None, 2])
def test_nothing_is_drawn_after_the_pool_has_refused(chunksize: int | None) -> None:
    pool = Simulated()
    drawn: list[int] = []
    source = (drawn.append(each) or each for each in range(99))  # type: ignore[func-returns-value]  # notes
    maps: list[ChunkedMap[int]] = []
    results = pool.map(abs, source, chunksize=chunksize, buffersize=8, begun=maps.append)
    assert next(results) == 0
    pool.refuses = RuntimeError("shut down")
    while maps[0].trouble is None:
        next(results)
    count = len(drawn)
    with pytest.raises(RuntimeError, match="shut down"):
        list(results)
    assert len(drawn) == count


class DiesAfterwards(Simulated):
    """A pool whose first process dies when it has said all of its chunk, but that."""

    dead = False

    def end(self, call: Call, error: BaseException | None) -> None:
        if error is None and not self.dead:
            self.dead, error = True, ProcessDied(7, -9)
        super().end(call, error)


def test_a_death_after_the_last_item_of_a_chunk_fails_none() -> None:
    """There is no item that it was at."""
    assert list(DiesAfterwards().map(abs, range(9), chunksize=3)) == list(range(9))


def test_ctrl_c_while_it_is_submitted_cancels_all(monkeypatch: pytest.MonkeyPatch) -> None:
    sizes = iter([1] * 6 + [0])  # for the next chunk, and then for what is to be gathered

    def size(pace: Pace, left: int) -> int:
        if chosen := next(sizes, 1):
            return chosen
        raise KeyboardInterrupt

    monkeypatch.setattr(Pace, "size", size)
    pool = Simulated()
    with pytest.raises(KeyboardInterrupt):
        pool.map(abs, iter(range(99)))  # drawn one by one
    assert [each.cancelled() for each in pool.calls] == [False, False, True]
    monkeypatch.undo()
    pool.pass_time()
    assert pool.began == [(0,), (1,)]


def test_flush_submits_what_is_left_before_the_pool_refuses() -> None:
    pool = Simulated()
    maps: list[ChunkedMap[object]] = []
    results = pool.map(abs, range(5000), begun=maps.append)
    assert sum(pool.sizes()) < 5000
    maps[0].flush()
    assert sum(pool.sizes()) == 5000
    pool.refuses = RuntimeError("shut down")
    assert list(results) == list(range(5000))
    results = Simulated().map(abs, range(9), chunksize=2, begun=maps.append)
    maps[1].flush()
    assert list(results) == list(range(9))
    maps[1].flush()
    pool = Simulated(takes=lambda number: 1e-6)
    results = pool.map(abs, range(5000), buffersize=64, begun=maps.append)
    made = cast("ChosenSizes[object]", maps[2])
    while len(made.items) < 5:
        next(results)
    made.flush()
    assert not made.items  # drawn, and not to be lost, though it is less than a chunk


# ------------------------------------------------------------------------ timeouts


@pytest.mark.parametrize("chunksize", [None, 1, 4])
def test_a_timeout_counts_from_the_call(
    time_is_simulated: Simulated, chunksize: int | None
) -> None:
    pool = time_is_simulated
    pool.takes = lambda number: 1.0
    results = pool.map(abs, range(100), timeout=3.0, chunksize=chunksize)
    got: list[object] = []
    with pytest.raises(TimeoutError, match="the time is over"):
        take(results, got)
    # What has come of a chunk that is not through is yielded too.
    assert len(got) in (2, 3, 4, 5, 6)
    assert pool.now == pytest.approx(3.0)
    running = [each for each in pool.calls if each.running()]
    assert len(running) <= 2
    assert all(each.done() for each in pool.calls if each not in running)


def test_a_timeout_of_zero_looks_once(time_is_simulated: Simulated) -> None:
    pool = time_is_simulated
    results = pool.map(abs, range(4), timeout=0, chunksize=2)
    pool.pass_time()
    with pytest.raises(TimeoutError):
        list(pool.map(abs, range(4), timeout=-1, chunksize=2))
    assert list(results) == list(range(4))


def test_parts_of_a_chunk_that_is_not_through_are_yielded() -> None:
    pool = Simulated(1, takes=lambda number: 1.0)
    results = pool.map(abs, range(4), chunksize=4)
    pool.pass_time(timeout=2.5)
    assert [next(results), next(results)] == [0, 1]
    assert pool.now == 2.5
    assert list(results) == [2, 3]


# -------------------------------------------------------------------------- deaths


def deadly(*bad: int) -> Callable[[int], int]:
    def call(number: int) -> int:
        if number in bad:
            raise Dies
        return number

    return call


@pytest.mark.parametrize("chunksize", SIZES)
@pytest.mark.parametrize("bad", [0, 5, 6, 29])
def test_a_death_costs_the_item_that_was_running(chunksize: int | None, bad: int) -> None:
    pool = Simulated()
    got: list[object] = []
    results = pool.map(deadly(bad), range(30), chunksize=chunksize)
    with pytest.raises(ProcessDied):
        take(results, got)
    assert got == list(range(bad))


@pytest.mark.parametrize("chunksize", SIZES)
def test_what_was_not_begun_runs_though_nobody_asks(chunksize: int | None) -> None:
    pool = Simulated()
    pool.map(deadly(3, 4, 11), range(30), chunksize=chunksize)
    pool.pass_time()
    assert sorted(pool.began) == [(each,) for each in range(30)]


@pytest.mark.parametrize("chunksize", SIZES)
def test_with_a_pool_that_breaks(chunksize: int | None) -> None:
    pool = Simulated(replaces=False)
    got: list[object] = []
    results = pool.map(deadly(5), range(30), chunksize=chunksize)
    with pytest.raises(BrokenProcessPool):
        take(results, got)
    assert got == list(range(len(got)))
    assert len(got) <= 5
    submitted = len(pool.calls)
    pool.pass_time()
    assert len(pool.calls) == submitted


def test_what_was_rescued_is_cancelled_with_the_rest() -> None:
    pool = Simulated(1)
    results = pool.map(deadly(1), range(100), chunksize=10)
    with pytest.raises(ProcessDied):
        list(results)
    assert all(each.done() or each.running() for each in pool.calls)
    pool.pass_time()
    assert len(pool.began) < 30


# ---------------------------------------------------------------- payload problems


@pytest.mark.parametrize("chunksize", SIZES)
@pytest.mark.parametrize("late", [False, True])
@pytest.mark.parametrize("bad", [0, 1, 5, 9])
def test_an_item_that_does_not_travel_costs_itself(
    chunksize: int | None, late: bool, bad: int
) -> None:
    items: list[object] = list(range(10))
    items[bad] = Unpicklable(late)
    pool = Simulated()
    got: list[object] = []
    results = pool.map(lambda x: x, items, chunksize=chunksize)
    with pytest.raises(pickle.UnpicklingError if late else pickle.PicklingError):
        take(results, got)
    assert got == list(range(bad))
    assert len(set(pool.began)) == len(pool.began)


@pytest.mark.parametrize("chunksize", SIZES)
def test_the_others_run_though_nobody_asks(chunksize: int | None) -> None:
    items: list[object] = list(range(20))
    items[3] = items[12] = Unpicklable()
    pool = Simulated()
    pool.map(lambda x: x, items, chunksize=chunksize)
    pool.pass_time()
    assert sorted(cast("Any", pool.began)) == [(each,) for each in range(20) if each not in (3, 12)]


def test_the_second_half_of_what_cannot_be_read_is_refused() -> None:
    pool = Simulated()
    items = [0, 1, 2, Unpicklable(late=True)]
    results = pool.map(lambda x: x, items, chunksize=4)
    pool.pass_time()
    pool.refuses = RuntimeError("shut down")
    with pytest.raises(RuntimeError, match="shut down"):
        list(results)


# ------------------------------------------------------------- end of the iteration


@pytest.mark.parametrize("chunksize", SIZES)
def test_a_closed_iterator_cancels_the_rest(chunksize: int | None) -> None:
    pool = Simulated()
    results = cast("Any", pool.map(abs, range(300), chunksize=chunksize))
    assert next(results) == 0
    results.close()
    pool.pass_time()
    assert all(each.done() for each in pool.calls)
    assert len(pool.began) < 300 or chunksize == 100
    assert sum(pool.sizes()) < 300 or chunksize is not None


def test_a_cancelled_chunk_raises_at_its_turn() -> None:
    pool = Simulated(1)
    results = pool.map(abs, range(6), chunksize=2)
    assert pool.calls[2].cancel()
    got: list[object] = []
    with pytest.raises(CancelledError):
        take(results, got)
    assert got == [0, 1, 2, 3]
    pool = Simulated(1)
    maps: list[ChosenSizes[int]] = []
    results = pool.map(abs, range(2), begun=maps.append)
    assert pool.calls[1].cancel()
    assert maps[0].pace.reached == 0  # how long it took says nothing
    assert next(results) == 0
    assert maps[0].pace.reached == 1


@pytest.mark.parametrize("chunksize", [None, 2])
def test_what_is_submitted_while_the_rest_is_cancelled_is_cancelled(chunksize: int | None) -> None:
    pool = Simulated()
    maps: list[ChunkedMap[int]] = []

    def submit(fn: Callable[..., object], items: list[Args]) -> Call:
        call = Call(pool, items)
        pool.calls.append(call)
        maps[0].cancel()
        return call

    map_chunks(
        submit, abs, (range(2),), executor=None, workers=1, chunksize=chunksize, begun=maps.append
    )
    assert [each.cancelled() for each in pool.calls] == [True]


def test_a_chunk_that_has_failed_at_once_is_not_begun_again() -> None:
    """Only one that did not pickle was surely never sent."""
    pool = Simulated()

    def submit(fn: Callable[..., object], items: list[Args]) -> Call:
        call = Call(pool, items)
        pool.calls.append(call)
        call.set_exception(RuntimeError("for a reason of its own"))
        return call

    results = map_chunks(submit, abs, (range(4),), executor=None, workers=1, chunksize=4)
    with pytest.raises(RuntimeError, match="of its own"):
        next(results)
    assert pool.sizes() == [4]


def test_nothing_is_rescued_after_the_end() -> None:
    pool = Simulated(1)
    results = cast("Any", pool.map(deadly(1), range(8), chunksize=4))
    pool.pass_time(timeout=1.2e-3)
    assert next(results) == 0
    results.close()
    pool.pass_time()
    assert pool.began == [(0,), (1,)]
    assert pool.sizes() == [4, 4]


@pytest.mark.parametrize("chunksize", [None, 3])
def test_results_are_kept_by_the_caller_alone(chunksize: int | None) -> None:
    class Value:
        pass

    pool = Simulated()
    results = pool.map(lambda _: Value(), range(9), chunksize=chunksize)
    pool.pass_time()
    pool.calls.clear()
    gc.collect()
    came = 0
    for value in results:
        gone = weakref.ref(value)
        del value
        assert gone() is None
        came += 1
    assert came == 9


@pytest.mark.parametrize("chunksize", [None, 3])
def test_items_are_not_kept_once_their_chunk_is_through(chunksize: int | None) -> None:
    pool = Simulated()
    maps: list[ChunkedMap[int]] = []
    results = pool.map(abs, range(9), chunksize=chunksize, begun=maps.append)
    assert any(each.items for each in maps[0].chunks)
    pool.pass_time()
    assert not any(each.items for each in maps[0].chunks)
    assert list(results) == list(range(9))


@pytest.mark.parametrize("chunksize", [None, 3])
def test_an_error_is_freed_without_the_collector(chunksize: int | None) -> None:
    class Error(Exception):
        pass

    def call(number: int) -> int:
        raise Error

    gc.disable()
    try:
        pool = Simulated()
        results = pool.map(call, range(9), chunksize=chunksize)
        pool.pass_time()
        pool.calls.clear()
        try:
            next(results)
        except Error as error:
            gone = weakref.ref(error)
        else:
            pytest.fail("it was raised")
        del results
        assert gone() is None

        def source() -> Iterator[int]:
            yield 1
            raise Error

        results = pool.map(abs, source(), chunksize=1 if chunksize else None, buffersize=5)
        assert next(results) == 1
        try:
            next(results)
        except Error as error:
            gone = weakref.ref(error)
        del results
        pool.calls.clear()
        assert gone() is None
    finally:
        gc.enable()


@pytest.mark.parametrize("chunksize", [None, 3])
def test_an_error_keeps_no_results(chunksize: int | None) -> None:
    class Value:
        pass

    made: list[weakref.ref[Value]] = []

    def call(number: int) -> Value:
        if number == 1:
            raise LookupError
        value = Value()
        made.append(weakref.ref(value))
        return value

    pool = Simulated()
    results = pool.map(call, range(9), chunksize=chunksize)
    pool.pass_time()
    with pytest.raises(LookupError) as kept:
        list(results)
    pool.calls.clear()
    del results
    assert len(made) == 8
    assert [each() for each in made] == [None] * 8
    assert kept.value.__traceback__ is not None


@pytest.mark.parametrize("chunksize", [None, 3])
def test_the_executor_is_kept_as_long_as_there_is_something_to_submit(
    chunksize: int | None,
) -> None:
    class Executor:
        pass

    def begin(pool: Simulated, count: int, buffersize: int | None) -> tuple[Any, Any]:
        executor = Executor()
        results = map_chunks(
            pool.submit, abs, (range(count),), executor=executor, workers=2,
            chunksize=chunksize, buffersize=buffersize,
        )  # fmt: skip
        return weakref.ref(executor), results

    pool = Simulated()
    gone, results = begin(pool, 100, 8)
    assert next(results) == 0
    assert gone() is not None
    assert list(itertools.islice(results, 98)) == list(range(1, 99))
    assert gone() is None
    gone, results = begin(pool, 100, 8)
    assert next(results) == 0
    results.close()
    assert gone() is None
    gone, results = begin(pool, 3, None)
    assert gone() is None  # all is submitted
    assert list(results) == [0, 1, 2]
    gone, results = begin(pool, 1000, None)
    if chunksize is None:
        assert gone() is not None
    pool.pass_time()
    assert gone() is None


# ----------------------------------------------------------------- chosen sizes


def test_pace_begins_with_one_and_grows_to_its_target() -> None:
    pace = Pace(2)
    sizes = []
    for _ in range(12):
        sizes.append(pace.size(10**9))
        pace.measured(sizes[-1], sizes[-1] * 1e-6, 0)
    assert sizes[0] == 1
    assert all(
        later == min(GROWTH * size, int(TARGET / 1e-6)) for size, later in itertools.pairwise(sizes)
    )
    assert sizes[-1] == int(TARGET / 1e-6)


def test_pace_believes_bad_news_at_once_and_good_news_by_halves() -> None:
    pace = Pace(2)
    pace.measured(1000, 1000 * 1e-6, 0)
    pace.measured(10, 10 * 1e-3, 0)
    assert pace.size(10**9) == int(TARGET / 1e-3)
    pace.measured(10, 10 * 1e-6, 0)
    assert pace.size(10**9) == pytest.approx(2 * TARGET / 1e-3, abs=1)
    pace.measured(1, 10.0, 0)
    assert pace.size(10**9) == 1


def test_pace_shares_what_is_left_but_not_to_dust() -> None:
    pace = Pace(3)
    pace.measured(10**6, 10**6 * 1e-6, 0)
    left, sizes = 20_000, []
    while left > 0:
        sizes.append(min(left, pace.size(left)))
        left -= sizes[-1]
    assert sizes == sorted(sizes, reverse=True)
    assert sizes[0] <= 20_000 / 3 / 2
    assert min(sizes[:-1]) == int(LEAST / 1e-6)


def test_pace_limits_bytes_and_counts() -> None:
    pace = Pace(2)
    pace.measured(10**6, 1e-3, 10**6 * 1000)
    assert pace.size(10**9) == BYTES // 1000
    assert Pace(2, 0).most == 1
    pace = Pace(2, 7)
    pace.measured(10**6, 1e-3, 0)
    assert pace.size(10**9) == 7
    pace.measured(1, 0.0, 0)
    assert pace.size(0) >= 1


def test_tiny_items_travel_in_large_chunks_and_slow_ones_alone() -> None:
    pool = Simulated(takes=lambda _: 2e-6)
    assert sum(1 for _ in pool.map(abs, range(100_000))) == 100_000
    assert len(pool.calls) < 200
    assert pool.now < 1.15 * 100_000 * 2e-6 / 2 + len(pool.calls) * 0.0
    pool = Simulated(takes=lambda _: 0.1)
    list(pool.map(abs, range(50)))
    assert set(pool.sizes()) == {1}


def test_lanes_are_kept_fed_and_not_flooded() -> None:
    pool = Simulated(4, takes=lambda _: 1e-4)
    results = pool.map(abs, range(5_000))
    while pool.events:
        unfinished = sum(not each.done() for each in pool.calls)
        assert unfinished <= 4 * AHEAD
        if sum(pool.sizes()) < 5_000:
            assert unfinished == 4 * AHEAD
        _, _, event = pool.events[0]
        pool.now = heappop(pool.events)[0]
        event()
    assert len(list(results)) == 5_000


@pytest.mark.parametrize("shape", ["uniform", "sorted", "exponential", "few", "last"])
@pytest.mark.parametrize("workers", [2, 8])
def test_skewed_times_do_not_make_the_end_long(shape: str, workers: int) -> None:
    """The whole takes little longer than greedy list scheduling of single items would."""
    source = random.Random(7)
    count = 20_000
    made: dict[str, Callable[[int], float]] = {
        "uniform": lambda number: source.uniform(0, 4e-4),
        "sorted": lambda number: number * 2e-8,
        "exponential": lambda number: source.expovariate(5e3),
        "few": lambda number: 0.01 if source.random() < 0.01 else 1e-5,
        "last": lambda number: 1e-3 if number > 0.99 * count else 1e-4,
    }
    times = [made[shape](number) for number in range(count)]
    free = [0.0] * workers
    for seconds in times:
        heappush(free, heappop(free) + seconds)
    pool = Simulated(workers, takes=lambda number: times[number], cost=1e-4)
    assert len(list(pool.map(abs, range(count)))) == count
    assert pool.now < 1.10 * max(free)


@pytest.mark.parametrize("buffersize", [None, 20, 10**12])
def test_a_slow_input_is_submitted_as_it_comes(buffersize: int | None) -> None:
    pool = Simulated(takes=lambda number: 1e-6)
    seen = []

    def source() -> Iterator[int]:
        for number in range(20):
            pool.pass_time(timeout=1.0)
            seen.append(sum(pool.sizes()))
            yield number

    results = pool.map(abs, source(), buffersize=buffersize)
    assert seen == list(range(20))
    assert list(results) == list(range(20))


@pytest.mark.parametrize("count", [1000, 1003, 1017])
def test_what_is_gathered_is_submitted_in_time(count: int) -> None:
    """With a buffer: when it is a chunk, when nothing more comes, when the caller waits."""
    slow = 500
    pool = Simulated(takes=lambda number: 10.0 if number == slow else 1e-4)
    maps: list[ChosenSizes[int]] = []
    results = pool.map(abs, range(count), buffersize=64, begun=maps.append)
    (made,) = maps
    gathered = largest = 0
    for number in range(count):
        before, since = list(made.items), pool.now
        assert next(results) == number
        if number == slow:
            assert before
            assert all(pool.began_at[args] < since + 1.0 for args in before)
        if number > slow + 100:
            pool.pass_time(timeout=1e-3)  # the caller is slower than the processes
        if made.hungry:
            gathered = max(gathered, len(made.items))
            assert len(made.items) < made.pace.size(10**9)
            assert made.source is not None or not made.items
        if number < slow:
            largest = max(pool.sizes())
    assert gathered > 1
    assert largest == 64 // (2 * AHEAD)  # the input is long, however little is gathered


# ------------------------------------------------------------------- real threads


class Threads:
    """A pool of threads for chunks, as fast as they come."""

    def __init__(self, pool: ThreadPoolExecutor) -> None:
        self.pool = pool

    def submit(self, fn: Callable[..., object], items: list[Args]) -> Any:  # noqa: ANN401
        call = Call(cast("Any", self), items)
        self.pool.submit(self.run, fn, call)
        return call

    size = 1

    def pass_time(self, call: Call, timeout: float | None) -> None:
        Future.exception(call, PATIENCE if timeout is None else timeout)

    def run(self, fn: Callable[..., object], call: Call) -> None:
        if call.set_running_or_notify_cancel():
            run_chunk(fn, call.items, call.parts.append)
            call.seconds = 1e-7 * len(call.items)
            call.set_result(call.parts)


@pytest.mark.parametrize("chunksize", [None, 1, 5])
@pytest.mark.parametrize("buffersize", [None, 1, 40])
def test_in_threads(chunksize: int | None, buffersize: int | None) -> None:
    with ThreadPoolExecutor(3) as threads:
        pool = Threads(threads)
        for _ in range(3):
            results: Iterator[int] = map_chunks(
                pool.submit, abs, (range(1500),), executor=None, workers=3,
                timeout=PATIENCE, chunksize=chunksize, buffersize=buffersize,
            )  # fmt: skip
            assert list(results) == list(range(1500))


def test_who_waits_for_the_turn_gets_it() -> None:
    """Another thread is submitting, slowly: the caller waits for what it submits."""
    pool = Simulated()
    inside, release = threading.Event(), threading.Event()

    def slowly(fn: Callable[..., object], items: list[Args]) -> Call:
        inside.set()
        assert release.wait(PATIENCE)
        return pool.submit(fn, items)

    made = ChosenSizes(slowly, None, abs, iter([(-1,)]), 2, None)
    made.items.append((-1,))
    made.source = None
    feeder = threading.Thread(target=made.feed)
    feeder.start()
    assert inside.wait(PATIENCE)
    with pytest.raises(TimeoutError, match="the time is over"):
        made.head(clock.deadline(0.0))
    threading.Timer(0.01, release.set).start()
    assert list(made.results(clock.NO_LIMIT)) == [1]
    feeder.join(PATIENCE)
    assert made.feeder == 0
    assert not made.blocked


def test_word_that_is_left_for_the_caller_is_heeded() -> None:
    """While the caller submits, because he waits, a chunk ends in another thread."""
    pool = Simulated()

    def meanwhile(fn: Callable[..., object], items: list[Args]) -> Call:
        call = pool.submit(fn, items)
        if made.chunks:
            pool.pass_time(timeout=1.0)
            thread = threading.Thread(target=made.learn, args=(made.chunks[0],))
            thread.start()
            thread.join(PATIENCE)
        return call

    made = ChosenSizes[int](meanwhile, None, abs, iter(()), 1, None)
    made.items.extend([(1,), (2,)])
    made.source = None
    assert made.head(clock.NO_LIMIT) is not None
    assert not made.news
    assert list(made.results(clock.NO_LIMIT)) == [1, 2]


def test_a_pool_that_answers_at_once_is_not_submitted_to_from_within() -> None:
    depths: set[int] = set()
    pool = Simulated()

    def answers(fn: Callable[..., object], items: list[Args]) -> Call:
        depth, frame = 0, cast("types.FrameType | None", sys._getframe())
        while frame is not None:
            depth, frame = depth + 1, frame.f_back
        depths.add(depth)
        call = Call(pool, items)
        run_chunk(fn, items, call.parts.append)
        call.set_result(call.parts)
        return call

    ran: list[int] = []
    given = ChunkedMap[None](answers, None, ran.append, zip(range(30)), 4, None)
    given.begin()
    assert list(given.results(clock.NO_LIMIT)) == [None] * 30
    assert ran == list(range(30))
    depths.clear()
    made = ChosenSizes[int](answers, None, abs, zip(range(1500, 3000)), 2, None)
    made.items.extend((number,) for number in range(1500))
    made.begin()
    assert len(depths) <= 2  # while the input is drawn, and after it
    assert list(made.results(clock.NO_LIMIT)) == list(range(3000))


def test_an_item_that_asks_for_the_next_result_while_it_is_pickled() -> None:
    pool = Simulated()

    def asks(fn: Callable[..., object], items: list[Args]) -> Call:
        made.head(clock.NO_LIMIT)
        return pool.submit(fn, items)

    made = ChosenSizes(asks, None, abs, iter([(1,)]), 2, None)
    with pytest.raises(RuntimeError, match="while it is pickled"):
        made.begin()
    assert made.feeder == 0
