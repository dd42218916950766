"""``ThreadPoolExecutor.inspect()``: where each call and each thread stands."""

import threading

import pytest

from foregone import Future, ThreadPoolExecutor
from foregone.inspection import ThreadPoolView
from foregone_spec import thread_pool_actions as thread_act
from foregone_spec.future import State
from foregone_spec.lifecycle import Phase


def test_a_thread_pool() -> None:
    begun, goes = threading.Barrier(3), threading.Event()

    def meets() -> None:
        begun.wait()
        goes.wait()

    with ThreadPoolExecutor(2, "mine") as executor:
        assert executor.inspect().state == executor.inspect().model.initial()[0]
        futures: list[Future[object]] = [executor.submit(meets) for _ in range(2)]
        begun.wait()
        futures += [executor.submit(abs, -1), executor.submit(dict, one=1)]
        with executor._pool.lock:
            view = executor.inspect()
        goes.set()
    now = view.state
    assert view.consistent
    assert view.violated() == ()
    assert now.threads == ("running", "running")
    assert now.holds == (1, 2)
    assert now.work_ids == (3, 4)
    assert now.futures == (State.RUNNING,) * 2 + (State.PENDING,) * 3
    assert view.threads == ("mine_0", "mine_1")
    assert [each.rpartition(".")[2] for each in view.functions] == ["meets", "meets", "abs", "dict"]
    assert all("threading.py" in each for each in view.places)
    assert thread_act.Cancel(3) in view.may_follow()
    assert thread_act.Cancel(1) not in view.may_follow()
    assert "mine_0: running 1 (" in str(view)
    assert repr(view) == "<mine: OPEN, 2 in Work Ids, 2 running; consistent>"
    over = executor.inspect()
    assert over.state.threads == ("ended", "ended")
    assert over.state.phase is Phase.SHUTTING_DOWN
    assert over.violated() == ()


def test_a_consistent_view_of_a_thread_pool_breaks_no_invariant() -> None:
    with ThreadPoolExecutor(2) as executor:
        futures = [executor.submit(abs, number) for number in range(200)]
        views = [executor.inspect()]
        for future in reversed(futures):
            future.cancel()
            views.append(executor.inspect())
    views.append(executor.inspect())
    wrong = [(each.violated(), str(each)) for each in views if each.consistent and each.violated()]
    assert not wrong, wrong[0]
    assert sum(each.consistent for each in views) > len(views) // 2


def test_a_thread_in_its_initializer_is_not_one_that_seeks() -> None:
    begun, goes = threading.Barrier(2), threading.Event()

    def initializes() -> None:
        begun.wait()
        goes.wait()

    with ThreadPoolExecutor(1, initializer=initializes) as executor:
        executor.submit(int)
        begun.wait()
        view = executor.inspect()
        goes.set()
    assert view.state.threads == ("initializing",)
    assert view.violated() == ()
    assert thread_act.Initialized(1) in view.may_follow()
    assert thread_act.Take(1) not in view.may_follow()


def test_a_thread_that_was_promised_and_has_not_begun_is_starting(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """In the middle of ``submit``, as a signal handler may see it."""
    executor = ThreadPoolExecutor(2)
    views: list[ThreadPoolView] = []
    start = threading.Thread.start

    def looks(thread: threading.Thread) -> None:
        views.append(executor.inspect())
        start(thread)
        views.append(executor.inspect())

    monkeypatch.setattr(threading.Thread, "start", looks)
    with executor:
        executor.submit(int).result()
    before, after = views[:2]
    assert before.consistent
    assert before.state.threads == ("starting", "unborn")
    assert before.violated() == ()
    assert not after.consistent or not after.violated()


def test_whether_a_thread_lives_is_not_asked_of_the_thread(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """``is_alive`` takes locks, and changes the thread."""

    def asked(_: threading.Thread) -> bool:
        raise AssertionError("asked")

    executor = ThreadPoolExecutor(1)
    executor.submit(int).result()
    monkeypatch.setattr(threading.Thread, "is_alive", asked)
    assert executor.inspect().state.threads[0] in ("parked", "seeking")
    monkeypatch.undo()
    executor.shutdown()
    monkeypatch.setattr(threading.Thread, "is_alive", asked)
    assert executor.inspect().state.threads == ("ended",)
