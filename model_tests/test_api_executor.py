"""The executor as CPython documents it up to 3.15: submit, map, shutdown, initializers."""

import itertools
import threading
from collections.abc import Iterator
from typing import Any, cast

import pytest

import foregone
from foregone import BrokenThreadPool, Executor, Future, ThreadPoolExecutor

PATIENCE = 30.0


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(2) as made:
        yield made


# --------------------------------------------------------------------- submit


def test_submit(pool: ThreadPoolExecutor) -> None:
    assert pool.submit(pow, 2, 8).result() == 256
    assert pool.submit(int, "ff", base=16).result(PATIENCE) == 255
    with pytest.raises(ZeroDivisionError):
        pool.submit(divmod, 1, 0).result()
    assert isinstance(pool.submit(divmod, 1, 0).exception(), ZeroDivisionError)
    assert pool.submit(int).exception() is None


@pytest.mark.parametrize(
    "error",
    [
        SystemExit(3),
        KeyboardInterrupt(),
        GeneratorExit(),
        TimeoutError("own"),
        foregone.CancelledError("own"),
    ],
    ids=repr,
)
def test_whatever_a_call_raises_is_its_outcome(error: BaseException) -> None:
    def fails() -> None:
        raise error

    with ThreadPoolExecutor(1) as pool:
        failed = pool.submit(fails)
        assert failed.exception() is error
        with pytest.raises(type(error)):
            failed.result()
        assert failed.done()
        assert not failed.cancelled()
        assert pool.submit(int, "1").result() == 1  # its thread lives


def test_abstract_executor() -> None:
    base = Executor()
    with pytest.raises(NotImplementedError):
        base.submit(int)
    with pytest.raises(NotImplementedError):
        base.map(int, "1")
    with base as entered:
        assert entered is base
    base.shutdown()
    base.shutdown(wait=False, cancel_futures=True)


# ------------------------------------------------------------------- shutdown


def test_submit_after_shutdown(pool: ThreadPoolExecutor) -> None:
    pool.shutdown()
    with pytest.raises(RuntimeError, match=r"^cannot schedule new futures after shutdown$"):
        pool.submit(int)
    with pytest.raises(RuntimeError, match="after shutdown"):
        pool.map(int, "1")
    with pool as entered, pytest.raises(RuntimeError):
        entered.submit(int)


def test_with_waits_and_lets_errors_through() -> None:
    done: list[int] = []

    def use() -> None:
        with ThreadPoolExecutor(1) as pool:
            for number in range(20):
                pool.submit(done.append, number)
            raise KeyError

    with pytest.raises(KeyError):
        use()
    assert done == list(range(20))


def test_shutdown_runs_what_was_accepted_and_ends_the_threads() -> None:
    release, begun = threading.Event(), threading.Event()
    pool = ThreadPoolExecutor(1, "quiet")

    def first() -> threading.Thread:
        begun.set()
        release.wait(PATIENCE)
        return threading.current_thread()

    running = pool.submit(first)
    queued = pool.submit(int, "2")
    assert begun.wait(PATIENCE)
    pool.shutdown(wait=False)
    assert running.running()
    release.set()
    assert queued.result(PATIENCE) == 2
    pool.shutdown()
    assert not running.result().is_alive()


def test_shutdown_cancel_futures() -> None:
    release = threading.Event()
    pool = ThreadPoolExecutor(1)
    pool.submit(release.wait, PATIENCE)
    queued = [pool.submit(int) for _ in range(5)]
    pool.shutdown(wait=False, cancel_futures=True)
    assert all(each.cancelled() for each in queued)
    release.set()
    pool.shutdown()


def test_threads_start_as_calls_come_and_have_names() -> None:
    with ThreadPoolExecutor(3, thread_name_prefix="baker") as pool:
        for _ in range(5):  # one idle thread is used again
            assert pool.submit(lambda: threading.current_thread().name).result() == "baker_0"
    with ThreadPoolExecutor(1) as pool:
        name = pool.submit(lambda: threading.current_thread().name).result()
        assert name.startswith("ThreadPoolExecutor-")
        assert name.endswith("_0")
        assert not pool.submit(lambda: threading.current_thread().daemon).result()


def test_max_workers_run_at_once_and_no_more() -> None:
    barrier = threading.Barrier(4)
    with ThreadPoolExecutor(3) as pool:
        waits = [pool.submit(barrier.wait, PATIENCE) for _ in range(3)]
        assert not any(each.done() for each in waits)
        barrier.wait(PATIENCE)
        assert len({each.result() for each in waits}) == 3
        seen = {pool.submit(threading.get_ident).result() for _ in range(20)}
        assert len(seen) <= 3


# ---------------------------------------------------------------- initializers


def test_initializer_runs_once_in_each_thread() -> None:
    local = threading.local()
    ran: list[tuple[int, str]] = []

    def initialize(number: int, word: str) -> None:
        ran.append((number, word))
        local.word = word

    barrier = threading.Barrier(2)

    def call() -> str:
        barrier.wait(PATIENCE)
        return cast("str", local.word)

    with ThreadPoolExecutor(2, initializer=initialize, initargs=(1, "x")) as pool:
        assert [each.result() for each in [pool.submit(call), pool.submit(call)]] == ["x", "x"]
    assert ran == [(1, "x")] * 2


@pytest.mark.parametrize("error", [ValueError("init"), SystemExit(1)], ids=repr)
def test_a_failing_initializer_breaks_the_pool(
    error: BaseException, caplog: pytest.LogCaptureFixture
) -> None:
    release = threading.Event()

    def fails() -> None:
        release.wait(PATIENCE)
        raise error

    pool = ThreadPoolExecutor(1, initializer=fails)
    queued = [pool.submit(int) for _ in range(3)]
    assert queued[1].cancel()  # M10: one that was cancelled is in nobody's way
    release.set()
    for each in (queued[0], queued[2]):
        with pytest.raises(BrokenThreadPool, match="initializer failed"):
            each.result(PATIENCE)
    assert queued[0].exception() is not queued[2].exception()  # H20: one error for each
    with pytest.raises(BrokenThreadPool):
        pool.submit(int)
    pool.shutdown()
    with pytest.raises(BrokenThreadPool):
        pool.submit(int)  # broken is said first
    assert "Exception in initializer" in caplog.text


# -------------------------------------------------------------------- outcomes


class Falsy(Exception):
    def __bool__(self) -> bool:
        return False

    def __len__(self) -> int:
        return 0


def test_a_falsy_exception_is_raised(pool: ThreadPoolExecutor) -> None:
    def fails() -> None:
        raise Falsy

    with pytest.raises(Falsy):
        pool.submit(fails).result()
    with pytest.raises(Falsy):
        list(pool.map(lambda _: fails(), [1]))
    made = Future[int]()
    made.set_exception(Falsy())
    assert foregone.wait([made, Future[int]()], PATIENCE, foregone.FIRST_EXCEPTION).done == {made}


def test_set_exception_takes_what_the_standard_library_takes() -> None:
    none, text, kind = Future[int](), Future[int](), Future[int]()
    none.set_exception(None)
    assert none.done()
    assert none.exception() is None
    assert cast("object", none.result()) is None
    text.set_exception(cast("Exception", "text"))
    with pytest.raises(TypeError, match="exceptions must derive from BaseException"):
        text.result()
    kind.set_exception(cast("Exception", ValueError))
    with pytest.raises(ValueError, match=r"^$"):
        kind.result()


def test_the_same_exception_object_each_time() -> None:
    failed = Future[int]()
    failed.set_exception(error := KeyError())
    assert failed.exception() is failed.exception() is error
    for _ in range(2):
        with pytest.raises(KeyError) as raised:
            failed.result()
        assert raised.value is error


def test_timeouts_of_a_pending_future() -> None:
    pending = Future[int]()
    with pytest.raises(TimeoutError):
        pending.result(0.01)
    with pytest.raises(TimeoutError):
        pending.exception(timeout=0.01)
    assert pending._blocked == []  # who gave up is not remembered


def test_wait_and_as_completed(pool: ThreadPoolExecutor) -> None:
    assert foregone.wait([]) == (set(), set())
    assert foregone.wait([], return_when=foregone.FIRST_COMPLETED) == (set(), set())
    assert list(foregone.as_completed([])) == []
    one = pool.submit(int, "1")
    assert foregone.wait([one, one]) == ({one}, set())
    assert list(foregone.as_completed(itertools.repeat(one, 3))) == [one]
    assert foregone.wait(iter([one])).done == {one}
    failed, pending = pool.submit(divmod, 1, 0), Future[Any]()
    cancelled = Future[Any]()
    cancelled.cancel()
    cancelled.set_running_or_notify_cancel()
    done, not_done = foregone.wait([failed, pending, cancelled], PATIENCE, "FIRST_EXCEPTION")
    assert failed in done
    assert not_done == {pending}
    both = foregone.wait([cancelled, pending, one], PATIENCE, "FIRST_COMPLETED")
    assert both == ({cancelled, one}, {pending})
