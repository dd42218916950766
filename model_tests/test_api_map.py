"""``map`` as CPython documents it up to 3.15: order, laziness, bounds, errors, timeouts."""

import itertools
import threading
from collections.abc import Callable, Iterator
from typing import Any, cast

import pytest

from foregone import Executor, Future, ThreadPoolExecutor

PATIENCE = 30.0


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(2) as made:
        yield made


class Inline(Executor):
    """Runs each call at once, and remembers it."""

    def __init__(self) -> None:
        self.calls: list[tuple[Any, ...]] = []

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:  # noqa: ANN401
        self.calls.append(args)
        future = Future[Any]()
        try:
            future.set_result(fn(*args, **kwargs))
        except BaseException as error:
            future.set_exception(error)
        return future


def test_map(pool: ThreadPoolExecutor) -> None:
    assert list(pool.map(pow, range(5), range(5), chunksize=3)) == [1, 1, 4, 27, 256]
    assert list(pool.map(pow, range(9), [2, 2])) == [0, 1]
    assert list(pool.map(int)) == []
    assert list(pool.map(int, [])) == []


def test_map_submits_at_the_call() -> None:
    inline = Inline()
    results = inline.map(int, "123")
    assert len(inline.calls) == 3
    assert list(results) == [1, 2, 3]


@pytest.mark.parametrize("size", [1, 2, 3, 10])
def test_map_buffersize_bounds_what_is_submitted(size: int) -> None:
    inline = Inline()
    drawn: list[int] = []
    source = (drawn.append(each) or each for each in itertools.count())  # type: ignore[func-returns-value]  # notes
    results = inline.map(lambda x: x, source, buffersize=size)
    for yielded in range(6):
        assert len(inline.calls) == len(drawn) == yielded + size
        assert next(results) == yielded
    assert len(inline.calls) == 6 + size


def test_map_buffersize_yields_all(pool: ThreadPoolExecutor) -> None:
    for size in (1, 2, 7, 8, 9, None):
        assert list(pool.map(abs, range(-8, 0), buffersize=size)) == list(range(8, 0, -1))


def test_map_raises_at_the_item_and_yields_all_before(pool: ThreadPoolExecutor) -> None:
    results = pool.map(divmod, [1, 1, 1, 1], [2, 3, 0, 5])
    assert next(results) == next(results) == (0, 1)
    with pytest.raises(ZeroDivisionError):
        next(results)
    with pytest.raises(StopIteration):
        next(results)


def test_map_cancels_the_rest_after_an_error_and_when_it_is_closed() -> None:
    release = threading.Event()
    ran: list[int] = []

    def call(number: int) -> None:
        if number == 0:
            raise LookupError
        release.wait(PATIENCE)
        ran.append(number)

    with ThreadPoolExecutor(1) as pool:
        results = pool.map(call, [0, 1, 2, 3])
        with pytest.raises(LookupError):
            next(results)
        release.set()
    assert set(ran) <= {1}
    release.clear()
    with ThreadPoolExecutor(1) as pool:
        pool.submit(release.wait, PATIENCE)
        more = pool.map(call, [5, 6])
        with pytest.raises(TimeoutError, match="the time is over"):
            next(pool.map(call, [7], timeout=0))
        cast("Any", more).close()  # never begun: as there, nothing is cancelled
        release.set()
    assert 7 not in ran
    assert {5, 6} <= set(ran)


def test_map_timeout_counts_from_the_call() -> None:
    """The time is used up between the call of map() and the first next()."""
    release = threading.Event()
    with ThreadPoolExecutor(1) as pool:
        results = pool.map(release.wait, [PATIENCE], timeout=0.02)
        threading.Event().wait(0.03)
        with pytest.raises(TimeoutError):
            next(results)
        release.set()


def test_map_timeout_of_the_call_itself(pool: ThreadPoolExecutor) -> None:
    def own() -> None:
        raise TimeoutError("the call's own")

    with pytest.raises(TimeoutError, match="the call's own"):
        list(pool.map(lambda _: own(), [1], timeout=PATIENCE))


def test_stop_iteration(pool: ThreadPoolExecutor) -> None:
    assert isinstance(pool.submit(next, iter(())).exception(), StopIteration)
    with pytest.raises(StopIteration):
        pool.submit(next, iter(())).result()
    with pytest.raises(RuntimeError, match="generator raised StopIteration"):
        list(pool.map(next, [iter(())]))
