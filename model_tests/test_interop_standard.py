"""Our futures and the standard library's, in one program."""

import concurrent.futures
import concurrent.futures.thread
import itertools
import threading
from collections.abc import Callable, Iterator
from typing import Any, Final, ParamSpec, TypeAlias, TypeVar

import pytest

import foregone

PATIENCE = 30.0
P = ParamSpec("P")
T = TypeVar("T")

Standard: TypeAlias = "concurrent.futures.Future[Any]"
KINDS: Final[tuple[type[Standard], ...]] = (foregone.Future, concurrent.futures.Future)
WAITS: Final[list[Any]] = [
    pytest.param(foregone, id="our_wait"),
    pytest.param(concurrent.futures, id="their_wait"),
]


def sets() -> Iterator[Any]:
    for kinds in itertools.product(KINDS, repeat=2):
        yield pytest.param(kinds, id="-".join(each.__module__.split(".")[0] for each in kinds))


# ------------------------------------------------------------------- relations


def test_relations() -> None:
    assert issubclass(foregone.Future, concurrent.futures.Future)
    assert issubclass(foregone.Executor, concurrent.futures.Executor)
    assert issubclass(foregone.ThreadPoolExecutor, concurrent.futures.ThreadPoolExecutor)
    assert issubclass(foregone.ThreadPoolExecutor, foregone.Executor)
    assert not issubclass(concurrent.futures.Future, foregone.Future)
    with foregone.ThreadPoolExecutor(1) as pool:
        assert isinstance(pool, concurrent.futures.thread.ThreadPoolExecutor)
        assert isinstance(pool.submit(int), concurrent.futures.Future)


def test_their_except_clauses_catch_what_ours_raise() -> None:
    cancelled = foregone.Future[int]()
    cancelled.cancel()
    with pytest.raises(concurrent.futures.CancelledError):
        cancelled.result()
    with pytest.raises(concurrent.futures.InvalidStateError):
        cancelled.set_result(1)
    with pytest.raises(concurrent.futures.TimeoutError):
        foregone.Future[int]().result(0)
    with pytest.raises(concurrent.futures.TimeoutError):
        next(foregone.as_completed([foregone.Future[int]()], 0))
    broken = foregone.ThreadPoolExecutor(1, initializer=divmod, initargs=(1, 0))
    with pytest.raises(concurrent.futures.BrokenExecutor):
        broken.submit(int).result(PATIENCE)
    with pytest.raises(concurrent.futures.thread.BrokenThreadPool):
        broken.submit(int)


# --------------------------------------------------------------------- waiting


@pytest.mark.parametrize("kinds", list(sets()))
@pytest.mark.parametrize("module", WAITS)
def test_wait_on_what_is_there(module: Any, kinds: tuple[type[Standard], ...]) -> None:  # noqa: ANN401  either
    first, second = (kind() for kind in kinds)
    assert module.wait([first, second], 0) == (set(), {first, second})
    first.set_result(1)
    assert module.wait([first, second], 0) == ({first}, {second})
    assert module.wait([first, second], PATIENCE, "FIRST_COMPLETED") == ({first}, {second})
    second.set_exception(KeyError())
    assert module.wait([first, second], PATIENCE) == ({first, second}, set())
    assert set(module.as_completed([first, second])) == {first, second}


@pytest.mark.parametrize("kinds", list(sets()))
@pytest.mark.parametrize("module", WAITS)
@pytest.mark.parametrize("when", ["ALL_COMPLETED", "FIRST_COMPLETED", "FIRST_EXCEPTION"])
def test_wait_for_what_comes(module: Any, kinds: tuple[type[Standard], ...], when: str) -> None:  # noqa: ANN401  either
    """A future of either kind tells a waiter of either kind, from another thread."""
    first, second = (kind() for kind in kinds)

    def settle() -> None:
        first.set_running_or_notify_cancel()
        if when == "FIRST_EXCEPTION":
            first.set_exception(KeyError())
        else:
            first.set_result(1)
        if when == "ALL_COMPLETED":
            second.cancel()
            second.set_running_or_notify_cancel()

    settles = threading.Thread(target=settle)
    settles.start()
    done, not_done = module.wait([first, second], PATIENCE, when)
    settles.join()
    assert first in done
    assert (done | not_done) == {first, second}
    assert (second in done) == (when == "ALL_COMPLETED")
    assert nobody_is_installed(first, second)


@pytest.mark.parametrize("kinds", list(sets()))
@pytest.mark.parametrize("module", WAITS)
def test_as_completed_yields_as_they_come(module: Any, kinds: tuple[type[Standard], ...]) -> None:  # noqa: ANN401  either
    futures = [kind() for kind in (*kinds, *kinds)]
    found = module.as_completed(futures, PATIENCE)
    for each in futures:
        settles = threading.Thread(target=each.set_result, args=(1,))
        settles.start()
        assert next(found) is each
        settles.join()
    assert next(found, None) is None
    assert nobody_is_installed(*futures)


@pytest.mark.parametrize("module", WAITS)
def test_as_completed_that_times_out_or_is_closed(module: Any) -> None:  # noqa: ANN401  either
    futures = [kind() for kind in KINDS]
    futures[0].set_result(1)
    found = module.as_completed(futures, 0)
    assert next(found) is futures[0]
    with pytest.raises(TimeoutError, match=r"1 \(of 2\) futures unfinished"):
        next(found)
    closed = module.as_completed(futures)
    assert next(closed) is futures[0]
    closed.close()
    assert nobody_is_installed(*futures)


def nobody_is_installed(*futures: Standard) -> bool:
    return not any(each._waiters for each in futures)


def test_their_wait_on_the_futures_of_our_pool() -> None:
    release = threading.Event()
    with foregone.ThreadPoolExecutor(2) as ours, concurrent.futures.ThreadPoolExecutor(2) as theirs:
        futures: list[Standard] = [pool.submit(pow, 2, 3) for pool in (ours, theirs) for _ in "abc"]
        for module in (foregone, concurrent.futures):
            assert module.wait(futures, PATIENCE).not_done == set()
            assert len(list(module.as_completed(futures, PATIENCE))) == 6
        blocked = [ours.submit(release.wait, PATIENCE) for _ in range(2)]
        queued = ours.submit(int)
        threading.Thread(target=queued.cancel).start()
        assert concurrent.futures.wait([queued], PATIENCE).done == {queued}  # M4, there too
        release.set()
        assert concurrent.futures.wait(blocked, PATIENCE).not_done == set()


def test_result_that_is_awaited_by_their_condition() -> None:
    """What pokes the private condition of a future is served."""
    subject: Any = foregone.Future[int]()
    with subject._condition:
        assert subject._state == "PENDING"
        assert not subject._condition.wait(0.001)

    def notify() -> None:
        with subject._condition:
            subject._condition.notify_all()

    waits = threading.Thread(target=subject.set_result, args=(1,))
    waits.start()
    waits.join()
    notify()
    assert subject.result() == 1
    assert subject._state == "FINISHED"
    assert subject._done_callbacks == []


def test_private_names_of_the_thread_pool() -> None:
    pool: Any = foregone.ThreadPoolExecutor(3, "named")
    assert (pool._max_workers, pool._threads, pool._broken) == (3, set(), False)
    assert (pool._shutdown, pool._thread_name_prefix) == (False, "named")
    thread = pool.submit(threading.current_thread).result(PATIENCE)
    assert pool._threads == {thread}
    pool.shutdown()
    assert pool._shutdown is True


# ----------------------------------------------------------- third-party executors


class Serial(foregone.Executor):
    """An executor as others write it: ``submit`` and ``shutdown``, nothing else."""

    def __init__(self) -> None:
        self.closed = False

    def submit(
        self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs
    ) -> "foregone.Future[T]":
        if self.closed:
            raise RuntimeError("closed")
        future: foregone.Future[T] = foregone.Future()
        if not future.set_running_or_notify_cancel():
            return future
        try:
            result = fn(*args, **kwargs)
        except BaseException as error:
            future.set_exception(error)
        else:
            future.set_result(result)
        return future

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        self.closed = True


def test_an_executor_of_somebody_else() -> None:
    with Serial() as serial:
        assert list(serial.map(pow, [2, 3], [2, 2])) == [4, 9]
        futures = [serial.submit(int, each) for each in "12"]
        assert {each.result() for each in foregone.as_completed(futures)} == {1, 2}
        with pytest.raises(ZeroDivisionError):
            serial.submit(divmod, 1, 0).result()
    with pytest.raises(RuntimeError, match="closed"):
        serial.submit(int)


def test_an_executor_that_wraps_ours() -> None:
    """Retries, limits and the like are built like this."""

    class Logging(foregone.ThreadPoolExecutor):
        def __init__(self) -> None:
            super().__init__(1)
            self.names: list[str] = []

        def submit(
            self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs
        ) -> "foregone.Future[T]":
            self.names.append(getattr(fn, "__name__", "?"))
            return super().submit(fn, *args, **kwargs)

    with Logging() as pool:
        assert list(pool.map(abs, [-1, -2])) == [1, 2]
        assert pool.submit(pow, 2, 3).result(PATIENCE) == 8
    assert pool.names == ["abs", "abs", "pow"]


def test_their_executor_map_may_use_our_futures() -> None:
    """The standard ``Executor.map`` over an executor that returns futures of ours."""

    class Theirs(concurrent.futures.Executor):
        def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Standard:
            future = foregone.Future[T]()
            future.set_result(fn(*args, **kwargs))
            return future

    assert list(Theirs().map(abs, [-1, -2])) == [1, 2]
