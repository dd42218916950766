"""Small facts of the library, each of which a mutant once got away with.

What happens when Ctrl-C arrives within a step is made to happen here by a waiter, or an
observer's log, that raises KeyboardInterrupt at that place.
"""

import concurrent.futures
import re
import threading
from collections.abc import Callable, Generator
from typing import cast

import pytest

import foregone
from foregone.future import Future, OwnedFuture
from foregone.waiting import _Waiter
from foregone_spec.waiting import ReturnWhen
from model_tests.interrupted import interrupted, time_passes

Ends = Callable[[Future[int]], object]


class Waiter:
    """Notes how it is told; raises KeyboardInterrupt the first so many times."""

    def __init__(self, interrupts: int = 0) -> None:
        self.interrupts = interrupts
        self.told: list[str] = []

    def _note(self, how: str) -> None:
        if self.interrupts:
            self.interrupts -= 1
            raise KeyboardInterrupt
        self.told.append(how)

    def add_result(self, future: object) -> None:
        self._note("result")

    def add_exception(self, future: object) -> None:
        self._note("exception")

    def add_cancelled(self, future: object) -> None:
        self._note("cancelled")


def entry(waiter: Waiter) -> tuple[concurrent.futures._base._Waiter]:
    """Return a waiter as the future takes it."""
    return (cast("concurrent.futures._base._Waiter", waiter),)


def left(future: Future[int]) -> list[object]:
    """Return the waiters that are installed."""
    return [*(future._installed or ())]


ENDS: dict[str, tuple[type[Future[int]], Ends]] = {
    "result": (Future, lambda future: future.set_result(1)),
    "exception": (Future, lambda future: future.set_exception(ValueError())),
    "cancelled": (OwnedFuture, lambda future: future.cancel()),
}


@pytest.mark.parametrize("how", ENDS)
def test_who_leaves_takes_nobody_along(how: str) -> None:
    make, end = ENDS[how]
    future = make()
    waiters = [Waiter(), Waiter(), Waiter()]
    entries = [entry(each) for each in waiters]
    for each in entries:
        assert future._install(each)
    future._uninstall(entries[1])
    assert left(future) == [waiters[0], waiters[2]]
    future._uninstall(entries[1])  # once more is no more
    future._uninstall(entries[0])
    assert left(future) == [waiters[2]]
    end(future)
    assert [each.told for each in waiters] == [[], [], [how]]
    assert future._installed is None


def test_the_last_who_leaves_leaves_nothing() -> None:
    future: Future[int] = Future()
    one, other = entry(Waiter()), entry(Waiter())
    future._install(one)
    future._uninstall(one)
    assert future._installed is None
    future._install(one)
    future._install(other)
    future._uninstall(one)
    future._uninstall(other)
    assert future._installed is None


@pytest.mark.parametrize("how", ENDS)
def test_an_interrupt_among_the_effects_leaves_none_out(how: str) -> None:
    """Who tells the waiters is interrupted: they are told, and callbacks run, all the same."""
    make, end = ENDS[how]
    future, waiter = make(), Waiter(interrupts=1)
    ran: list[object] = []
    future._install(entry(waiter))
    future.add_done_callback(ran.append)
    with pytest.raises(KeyboardInterrupt):
        end(future)
    assert (waiter.told, ran, future.done()) == ([how], [future], True)


@pytest.mark.parametrize("how", ENDS)
def test_an_interrupt_after_the_decision_leaves_no_effect_out(how: str) -> None:
    """The step is made, under its lock, and then Ctrl-C arrives: what follows still follows."""
    make, end = ENDS[how]
    future, waiter = make(), Waiter()
    future._install(entry(waiter))
    seen: list[object] = []
    future.add_done_callback(seen.append)
    with interrupted("Future"), pytest.raises(KeyboardInterrupt):
        end(future)
    assert (waiter.told, seen, future.done()) == ([how], [future], True)


@pytest.mark.parametrize("when", ReturnWhen)
@pytest.mark.parametrize("needs", [2, 3])
def test_what_is_enough_though_one_is_noted_twice(when: ReturnWhen, needs: int) -> None:
    """After Ctrl-C a future may be noted twice: it counts once."""
    fine: Future[int] = Future()
    fine.set_result(1)
    failed: Future[int] = Future()
    failed.set_exception(ValueError())
    gone: Future[int] = OwnedFuture()
    gone.cancel()
    for noted, first_exception in (
        ([fine, fine], False),
        ([failed, failed], True),
        ([gone, gone], False),
        ([fine, failed, fine], True),
        ([fine, gone, fine], False),
    ):
        waiter: _Waiter[int] = _Waiter(when, needs)
        waiter.noted.extend(noted)
        enough = {
            ReturnWhen.FIRST_COMPLETED: True,
            ReturnWhen.FIRST_EXCEPTION: first_exception or len(set(noted)) >= needs,
            ReturnWhen.ALL_COMPLETED: len(set(noted)) >= needs,
        }
        assert waiter.has_enough() is enough[when], (noted, when)


def test_result_with_no_time_to_wait_blocks_nobody() -> None:
    """Zero and less look once: no gate is made, and none is left."""
    future: Future[int] = Future()
    for seconds in (0, -1):
        with pytest.raises(foregone.TimeoutError):
            future.result(seconds)
        assert (future._blocked, future._lock) == (None, None)


def test_who_gives_up_leaves_the_others_blocked() -> None:
    future: Future[int] = Future()
    got: list[int] = []
    thread = threading.Thread(target=lambda: got.append(future.result()))
    thread.start()
    while not future._blocked:
        thread.join(0.01)
    with pytest.raises(foregone.TimeoutError):
        future.result(0.01)
    future.set_result(7)
    thread.join()
    assert got == [7]


# --------------------------------------------------------------------------- waiting


def test_who_complains_says_his_name() -> None:
    future: Future[int] = Future()
    calls: dict[str, Callable[..., object]] = {
        "wait()": foregone.wait,
        "as_completed()": foregone.as_completed,
    }
    for name, call in calls.items():
        with pytest.raises(TypeError, match=rf"^{re.escape(name)} takes an iterable of futures"):
            call(7)
        with pytest.raises(TypeError, match=rf"^{re.escape(name)}: timeout must be a number"):
            call([future], timeout="soon")


def test_one_who_is_told_twice_waits_no_longer_than_he_wants() -> None:
    """One of two has ended, and was noted twice: that opens the gate, and is not enough."""
    one: Future[int] = Future()
    other: Future[int] = Future()

    def tell_twice() -> None:
        while not one._installed:
            time_passes()
        (waiter,) = one._installed
        one.set_result(1)
        waiter.add_result(one)

    thread = threading.Thread(target=tell_twice)
    thread.start()
    done, not_done = foregone.wait([one, other], timeout=0.5)
    thread.join()
    assert (done, not_done) == ({one}, {other})


class Stubborn(Future[int]):
    """Interrupts whoever installs a waiter on it after he has installed it elsewhere."""

    others: list["Stubborn"]

    def _install(self, entry: "tuple[concurrent.futures._base._Waiter, ...]") -> bool:
        if any(each._installed for each in self.others):
            raise KeyboardInterrupt
        return super()._install(entry)


@pytest.mark.parametrize("call", [foregone.wait, lambda them: list(foregone.as_completed(them))])
def test_who_is_interrupted_among_his_visits_leaves_no_waiter(
    call: Callable[[list[Stubborn]], object],
) -> None:
    futures = [Stubborn() for _ in range(3)]
    for each in futures:
        each.others = futures
    with pytest.raises(KeyboardInterrupt):
        call(futures)
    assert [each._installed for each in futures] == [None, None, None]


@pytest.mark.parametrize("how", ["result", "exception"])
def test_as_completed_yields_the_first_at_once(how: str) -> None:
    one: Future[int] = Future()
    other: Future[int] = Future()
    iterator = foregone.as_completed([one, other], timeout=20)
    timer = threading.Timer(0.05, lambda: ENDS[how][1](one))
    timer.start()
    assert next(iterator) is one
    timer.join()
    del iterator  # a generator, which is closed
    assert other._installed is None


class Reluctant(Future[int]):
    """Interrupts who would remove a waiter from it, once."""

    interrupts = 0

    def _uninstall(self, entry: "tuple[concurrent.futures._base._Waiter, ...]") -> None:
        if Reluctant.interrupts:
            Reluctant.interrupts -= 1
            raise KeyboardInterrupt
        super()._uninstall(entry)


def closed(futures: list[Reluctant]) -> None:
    """Begin to wait for each as it ends, and stop after the first."""
    timer = threading.Timer(0.05, futures[0].set_result, (1,))
    timer.start()
    iterator = foregone.as_completed(futures)
    try:
        assert next(iterator) is futures[0]
        timer.join()
        Reluctant.interrupts = 1
    finally:
        cast("Generator[object, None, None]", iterator).close()


def timed_out(futures: list[Reluctant]) -> None:
    """Wait for what does not end."""
    Reluctant.interrupts = 1
    foregone.wait(futures, timeout=0.01)


@pytest.mark.parametrize("stops", [closed, timed_out])
def test_who_is_interrupted_as_he_leaves_leaves_no_waiter(
    stops: Callable[[list[Reluctant]], None],
) -> None:
    futures = [Reluctant() for _ in range(3)]
    with pytest.raises(KeyboardInterrupt):
        stops(futures)
    assert Reluctant.interrupts == 0
    assert [each._installed for each in futures] == [None, None, None]


def test_a_standard_future_that_has_a_result_is_no_exception() -> None:
    """Who waits for the first exception waits on, though one had ended well before."""
    fine: concurrent.futures.Future[int] = concurrent.futures.Future()
    fine.set_result(1)
    other: concurrent.futures.Future[int] = concurrent.futures.Future()
    timer = threading.Timer(0.05, other.set_result, (2,))
    timer.start()
    done, not_done = foregone.wait([fine, other], return_when=foregone.FIRST_EXCEPTION)
    timer.join()
    assert (done, not_done) == ({fine, other}, set())


def test_a_bare_future_is_cancelled_before_anybody_has_noticed() -> None:
    future: Future[int] = Future()
    assert not future.cancelled()
    assert future.cancel()
    assert future.cancelled()
    assert not future.set_running_or_notify_cancel()
    assert future.cancelled()


@pytest.mark.parametrize("method", ["result", "exception"])
def test_a_timeout_that_is_none_names_who_was_asked(method: str) -> None:
    with pytest.raises(ValueError, match=rf"\b{method}\(\)(?!\?)"):
        getattr(Future[int](), method)(float("nan"))


def test_only_who_cancels_or_adds_hears_of_an_interrupt_in_a_callback() -> None:
    """An executor that ends a future goes on."""

    def interrupts(_: Future[int]) -> None:
        raise KeyboardInterrupt

    ended: Future[int] = Future()
    ended.add_done_callback(interrupts)
    ended.set_exception(ValueError())
    assert isinstance(ended.exception(), ValueError)
    done: Future[int] = Future()
    done.add_done_callback(interrupts)
    done.set_result(1)
    assert done.result() == 1


def test_an_interrupt_while_a_failed_callback_is_logged_reaches_who_cancels(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    def fails(_: Future[int]) -> None:
        raise ValueError

    monkeypatch.setattr(foregone.future.LOGGER, "exception", interrupted)
    future: Future[int] = Future()
    ran: list[object] = []
    future.add_done_callback(fails)
    future.add_done_callback(ran.append)
    with pytest.raises(KeyboardInterrupt):
        future.cancel()
    assert ran == [future]


@pytest.mark.parametrize("how", ENDS)
def test_the_last_of_all_ends_in_any_way(how: str) -> None:
    """Who waits for all is told by the last one, however it ends."""
    make, end = ENDS[how]
    first: Future[int] = Future()
    last = make()

    def both_end() -> None:
        first.set_result(1)
        end(last)

    timer = threading.Timer(0.05, both_end)
    timer.start()
    done, not_done = foregone.wait([first, last])
    timer.join()
    assert (done, not_done) == ({first, last}, set())


def test_the_first_that_is_cancelled_is_enough_for_who_waits_for_the_first() -> None:
    one: Future[int] = Future()
    other: Future[int] = Future()

    def cancels() -> None:
        one.cancel()
        one.set_running_or_notify_cancel()

    timer = threading.Timer(0.05, cancels)
    timer.start()
    done, _ = foregone.wait([one, other], return_when=foregone.FIRST_COMPLETED)
    timer.join()
    assert done == {one}


def test_one_that_had_ended_is_yielded_and_the_other_is_waited_for() -> None:
    """The gate is open for what was yielded already: that is nobody's end, and no timeout."""
    past: Future[int] = Future()
    past.set_result(1)
    other: Future[int] = Future()
    ends = foregone.as_completed([past, other], timeout=20)
    assert next(ends) is past
    timer = threading.Timer(0.05, other.set_result, (2,))
    timer.start()
    assert next(ends) is other
    timer.join()


def test_who_ends_as_the_time_is_up_is_yielded(monkeypatch: pytest.MonkeyPatch) -> None:
    future: Future[int] = Future()

    class Late:
        """A gate at which the time is up just when the future has ended."""

        def acquire(self, *, timeout: float | None = None) -> bool:
            if timeout is not None:
                future.set_result(1)
            return timeout is None

        def release(self) -> None:
            """Stay as it is."""

        def locked(self) -> bool:
            return True

    monkeypatch.setattr(foregone.waiting, "new_gate", Late)
    assert list(foregone.as_completed([future], timeout=0.01)) == [future]
