"""The Dask executor without Dask: the book of claims, and what is said without an installation.

On clusters it is tested by ``make dask-test``.
"""

import asyncio
import math
import pickle
import subprocess
import sys
import threading
from collections.abc import Callable
from itertools import count, pairwise
from types import SimpleNamespace
from typing import Any, Final, cast

import pytest

from foregone import clock, dask
from foregone.dask import claims
from foregone.dask.calls import Call
from foregone.dask.claims import (
    CANCELLED,
    CLAIMED,
    CLOSED,
    GONE,
    OPEN,
    UNKNOWN,
    WON,
    Book,
    Claim,
    Claims,
)
from foregone.dask.local_worker import PULSE, LocalWorker
from foregone.dask.payload import refused, signed
from foregone.dask.rooms import Pool
from foregone.dask.scheduler import Scheduler, look_again
from foregone.dask.silence import Heart
from foregone.dask.words import Answered, Dropped
from foregone_spec.lifecycle import Request
from foregone_spec.work_item import Place
from model_tests.chain.command import ROOT

#: What may come to a book, about one call: two attempts of two workers, one of them twice.
FIRST: Final = Claim("tcp://one", "a", "key-1")
SECOND: Final = Claim("tcp://two", "b", "key-2")
WORKERS: Final = ("tcp://one", "tcp://two")
STEPS: Final[dict[str, Callable[[Book], object]]] = {
    "first claims": lambda book: book.claim(1, FIRST),
    "second claims": lambda book: book.claim(1, SECOND),
    "client cancels": lambda book: book.cancel(1),
    "client closes": lambda book: book.close(1),
    "another is claimed": lambda book: book.claim(2, SECOND),
    "another is closed": lambda book: book.close(2),
}


def run(steps: tuple[str, ...]) -> tuple[list[tuple[str, str]], Book]:
    """Take steps with a fresh book; return what was said of the call, and the book."""
    book = Book("client")
    said = []
    for step in steps:
        verdict = STEPS[step](book)
        if verdict is not None and not step.startswith("another"):
            said.append((step, cast("tuple[str, str]", verdict)[0]))
    return said, book


def test_one_wins_whatever_comes_in_whatever_order() -> None:
    """Every sequence of up to five steps: at most one attempt begins, none of what is cancelled."""
    ahead: list[tuple[str, ...]] = [()]
    tried = count()
    while ahead:
        steps = ahead.pop()
        next(tried)
        said, book = run(steps)
        winners = {step for step, verdict in said if verdict == WON}
        assert len(winners) <= 1, steps
        cancelled = any(x == ("client cancels", CANCELLED) for x in said)
        assert not (winners and cancelled), steps
        asked = [step for step in steps if not step.startswith("another")]
        if asked and asked[0] != "client closes":
            assert winners or cancelled, steps  # who comes first wins
        if "client closes" in steps:
            assert book.look(1)[0] == CLOSED, steps
        if len(steps) < 5:
            ahead += [(*steps, step) for step in STEPS]
    assert next(tried) == sum(len(STEPS) ** each for each in range(6))


def test_who_asks_twice_is_told_the_same() -> None:
    book = Book("client")
    assert book.claim(1, FIRST) == book.claim(1, FIRST) == (WON, "tcp://one")
    assert book.claim(1, SECOND) == book.cancel(1) == (CLAIMED, "tcp://one")
    assert book.cancel(2) == book.cancel(2) == (CANCELLED, "")
    assert book.claim(2, FIRST) == (CANCELLED, "")


def test_a_book_is_as_large_as_what_is_pending() -> None:
    book = Book("client")
    for number in range(1, 1001):
        book.claim(number, FIRST)
        book.close(number)
        book.heard(number)
    assert book.size == 0
    assert book.look(1) == book.claim(1000, SECOND) == book.cancel(500) == (CLOSED, "")
    assert book.look(1001) == (OPEN, "")
    for number in reversed(range(1001, 1101)):
        book.cancel(number)
        book.close(number)
    assert book.size == 0


def test_an_executor_without_a_book_is_refused() -> None:
    kept = Claims(lambda: WORKERS)
    kept.open("here", "client")
    assert kept.claim("gone", 1, "tcp://one", "a", "key") == (UNKNOWN, "")
    assert kept.cancel("gone", [1, 2]) == kept.look("gone", [1, 2]) == [(UNKNOWN, "")] * 2
    kept.remove_client(cast("Scheduler", None), "another")
    assert kept.claim("here", 1, "tcp://one", "a", "key")[0] == WON
    kept.remove_client(cast("Scheduler", None), "client")
    assert kept.claim("here", 1, "tcp://one", "a", "key") == (UNKNOWN, "")
    kept.end("here")  # twice is once
    kept.forget("here", [1])


def test_who_looks_ends_what_another_is_cancelling() -> None:
    """He learns of it between the scheduler's answer and its use, and wins: so it is his to end."""
    forgotten: list[tuple[int, ...]] = []
    cluster: Any = SimpleNamespace(
        at_most_once=True,
        is_here=lambda: False,
        ask=lambda *_: [(CANCELLED, "")],
        forget=forgotten.append,
    )
    pool = Pool("looking", cluster)
    call: Call[int] = Call(pool, "f", b"data")
    assert pool.accept(call, None)
    pool.queue.clear()  # as the local worker does who offers it
    call._place, call._number = Place.IN_SLOT, 1
    pool.calls[1] = call
    told: list[bool] = []
    call.add_done_callback(lambda ended: told.append(ended.cancelled()))
    assert not call.running()
    assert told == [True]
    assert (pool.taken, pool.calls, forgotten) == (set(), {}, [(1,)])
    assert call.cancel()


@pytest.fixture
def book() -> Book:
    """Return the book of the pool that ``alone`` serves."""
    return Book("client")


@pytest.fixture
def alone(book: Book) -> LocalWorker:
    """Return a local worker that was not started; its cluster is a book of claims."""
    cluster: Any = SimpleNamespace(
        at_most_once=True,
        ask=lambda operation, numbers: [getattr(book, operation)(each) for each in numbers],
        forget=lambda _: None,
        lost=lambda: "",
        is_here=lambda: False,
    )
    return LocalWorker(Pool("alone", cluster))


@pytest.mark.parametrize("offered", [False, True])
@pytest.mark.parametrize("running", [False, True])
def test_who_is_interrupted_after_he_has_taken_a_call_keeps_nobody(
    alone: LocalWorker, offered: bool, running: bool
) -> None:
    """Ctrl-C in ``cancel()``: the call never begins, and its future ends with the executor."""
    pool = alone.pool
    call: Call[int] = Call(pool, "f", b"data")
    assert pool.accept(call, None)
    if offered:
        assert alone._next() is call
    assert pool.take(call)
    if running:  # by somebody else, before he is back
        call.set_running_or_notify_cancel()
    pool._ask(Request.SHUTDOWN)
    pool.queue.clear()
    assert alone.turn()
    assert call.done()
    assert call.cancelled() is not running
    assert (pool.taken, pool.calls, pool.settled) == (set(), {}, 1)
    pool.left(call)  # he goes on after all
    assert call.cancel() is not running
    assert (pool.taken, pool.calls, pool.settled) == (set(), {}, 1)


def test_a_call_that_the_cluster_gave_up_is_offered_under_another_number(
    alone: LocalWorker, book: Book
) -> None:
    """The task that was given up may live on: it is refused, and what is said of it is stale."""
    pool = alone.pool
    call: Call[int] = Call(pool, "f", b"data")
    assert pool.accept(call, None)
    assert alone._next() is call
    alone.read(Dropped(1, "the cluster was restarted"))
    assert (call._place, pool.calls) == (Place.RECALLED, {})
    assert alone._next() is call
    assert (call._place, pool.calls) == (Place.IN_SLOT, {2: call})
    assert not pool.learn(call, 1, (CANCELLED, ""))  # by who asked before
    assert book.claim(1, FIRST) == (CANCELLED, "")
    alone.read(Answered(1, signed("tcp://one", refused(CANCELLED, ""))))
    assert call._place is Place.IN_SLOT
    assert book.claim(2, SECOND) == (WON, "tcp://two")
    assert not call.cancel()


def test_who_cancels_while_a_call_is_offered_anew_asks_anew(
    alone: LocalWorker, monkeypatch: pytest.MonkeyPatch
) -> None:
    pool, asked = alone.pool, list[int]()
    call: Call[int] = Call(pool, "f", b"data")
    assert pool.accept(call, None)
    assert alone._next() is call

    def ask(operation: str, numbers: list[int]) -> list[tuple[str, str]]:
        asked.extend(numbers)
        if asked == [1]:  # the local worker is faster
            alone.read(Dropped(1, "the cluster was restarted"))
            assert alone._next() is call
        return [(CANCELLED, "")]

    monkeypatch.setattr(pool.cluster, "ask", ask)
    assert call.cancel()
    assert asked == [1, 1, 2]


@pytest.mark.parametrize("offered", [False, True])
def test_the_local_worker_runs_no_callback_of_what_it_cancels(
    alone: LocalWorker, offered: bool
) -> None:
    """A callback that blocks would keep it from the answers of calls that were claimed."""
    pool = alone.pool
    call: Call[int] = Call(pool, "f", b"data")
    assert pool.accept(call, None)
    if offered:
        assert alone._next() is call
    ran: list[threading.Thread] = []
    call.add_done_callback(lambda _: ran.append(threading.current_thread()))
    pool._ask(Request.SHUTDOWN_CANCEL_FUTURES)  # he who asked has not come to cancel anything
    assert alone.turn()
    assert call.cancelled()
    alone.callbacks.end()
    assert alone.callbacks.thread is not None
    alone.callbacks.thread.join()
    assert ran == [alone.callbacks.thread]


def test_who_asks_for_news_has_the_scheduler_look_who_is_idle() -> None:
    async def ask() -> None:
        looks: list[str] = []
        looked = asyncio.Event()

        def look() -> None:
            looks.append("look")
            looked.set()

        kept = Claims(lambda: WORKERS, look=look)
        kept.open("e", "client")
        assert await kept.news("e", 0, 0.0) == (0, [])
        assert len(looks) == 1
        kept._looked = math.inf  # as if it had looked just now
        assert await kept.news("e", 0, 0.0) == (0, [])
        assert len(looks) == 1
        waits = asyncio.ensure_future(kept.news("e", 0, 50.0))
        kept._looked = -math.inf
        looked.clear()
        await looked.wait()  # nobody tells anything: it looks all the same
        kept.claim("e", 1, "tcp://one", "a", "key-1")
        assert (await waits)[0] == 1

    asyncio.run(ask())


def test_who_has_calls_behind_those_it_runs_is_looked_at() -> None:
    looked: list[str] = []
    there = {
        name: SimpleNamespace(name=name, processing=["task"] * tasks, nthreads=threads)
        for name, tasks, threads in (("none", 0, 1), ("full", 2, 2), ("more", 2, 1), ("much", 9, 4))
    }
    scheduler: Any = SimpleNamespace(
        workers=there, check_idle_saturated=lambda worker: looked.append(worker.name)
    )
    look_again(scheduler)
    assert looked == ["more", "much"]
    look_again(cast("Any", SimpleNamespace(workers=there)))  # of a version that has no such thing
    scheduler.check_idle_saturated = lambda: looked.append("")  # or another
    look_again(scheduler)
    assert looked == ["more", "much"]


def test_the_news_of_a_book() -> None:
    async def talk() -> None:
        kept = Claims(lambda: WORKERS)
        kept.open("e", "client")
        waits = asyncio.ensure_future(kept.news("e", 0, 50.0))
        await asyncio.wait({waits}, timeout=0)
        kept.claim("e", 1, "tcp://one", "a", "key-1")
        kept.claim("e", 2, "tcp://two", "b", "key-2")
        begun = [("begun", 1, "tcp://one"), ("begun", 2, "tcp://two")]
        assert await waits == (2, begun)
        assert await kept.news("e", 1, 50.0) == (2, begun[1:])  # the answer was not read to its end
        assert await kept.news("e", 2, 0.0) == (2, [])
        there = SimpleNamespace(tasks={"key-2": SimpleNamespace(state="memory")})
        for worker in ("tcp://one", "tcp://two"):  # the result of the second is kept elsewhere
            kept.remove_worker(cast("Scheduler", there), worker, stimulus_id="x")
        assert await kept.news("e", 2, 50.0) == (3, [("lost", 1, "tcp://one")])
        waits = asyncio.ensure_future(kept.news("e", 3, 50.0))
        await asyncio.wait({waits}, timeout=0)
        kept.end("e")
        assert await waits == (-1, [])
        assert await kept.news("e", 0, 50.0) == (-1, [])

    asyncio.run(talk())


def test_install_is_for_the_scheduler() -> None:
    with pytest.raises(TypeError, match=r"is for Client\.run_on_scheduler"):
        claims.install("e", "client")


# ------------------------------------------------------------------------- silence


class Echo:
    """A scheduler that answers as it is told to, in an event loop without a clock."""

    def __init__(self, said: str) -> None:
        self.said = list(said)
        self.lost = False
        self.heard: list[float] = []

    async def ask(self) -> object:
        how = self.said.pop(0) if self.said else "."
        self.heard.append(self.heart.silent)
        if how == "!":
            raise OSError("the connection has failed")
        if how == ".":
            await asyncio.Event().wait()
        return how

    async def run(self, limit: float) -> "Echo":
        self.heart = Heart(limit, self.ask, self.over)
        await self.heart.run()
        return self

    def over(self) -> None:
        self.lost = True


@pytest.mark.parametrize(
    ("said", "heard"),
    [
        (".", 1),  # never an answer
        ("aaa.", 4),
        ("!!!!!!!!", 8),  # a beat of silence for each
        ("!a!a.", 5),
    ],
)
def test_who_is_silent_for_so_many_beats_is_lost(said: str, heard: int) -> None:
    echo = asyncio.run(Echo(said).run(0.08))
    assert echo.lost
    assert echo.heart.why == "it has not answered for 0.08 s"
    assert len(echo.heard) == heard
    assert echo.heart.silent >= 0.08
    assert echo.heart.beat == 0.08 / 8


def test_an_answer_ends_the_silence() -> None:
    echo = asyncio.run(Echo("!!a!a!!!").run(0.08))
    beat = echo.heart.beat
    assert echo.heard[:6] == [0.0, beat, 2 * beat, 0.0, beat, 0.0]


def test_a_worker_that_was_removed_claims_nothing() -> None:
    """Its claim was on its way: nobody would tell that it is gone a second time."""
    workers = {"tcp://one", "tcp://two"}
    kept = Claims(lambda: workers)
    kept.open("e", "client")
    workers.discard("tcp://one")
    there = SimpleNamespace(tasks={})
    kept.remove_worker(cast("Scheduler", there), "tcp://one", stimulus_id="x")
    assert kept.claim("e", 1, "tcp://one", "a", "key-1") == (GONE, "tcp://one")
    assert kept.look("e", [1]) == [(OPEN, "")]
    assert kept.claim("e", 1, "tcp://two", "b", "key-1") == (WON, "tcp://two")
    assert kept.claim("gone", 1, "tcp://one", "a", "key-1") == (UNKNOWN, "")


def test_a_worker_that_names_its_host_is_the_one_that_the_scheduler_has() -> None:
    """As one with ``--contact-address tcp://host:1``: it was refused, and its calls never ran."""
    asked: list[str] = []

    def coerce(address: str) -> str:
        asked.append(address)
        return address.replace("host", "10.0.0.1")

    workers = {"tcp://10.0.0.1:1"}
    kept = Claims(lambda: workers, coerce)
    kept.open("e", "client")
    for number in (1, 2):
        found = kept.claim("e", number, "tcp://host:1", "a", "key")
        assert found == (WON, "tcp://10.0.0.1:1")
    assert asked == ["tcp://host:1"]  # a name is asked for once
    there = SimpleNamespace(tasks={})
    kept.remove_worker(cast("Scheduler", there), "tcp://10.0.0.1:1")
    assert [each[:2] for each in kept.books["e"].said()[1][2:]] == [("lost", 1), ("lost", 2)]
    workers.clear()
    assert kept.claim("e", 3, "tcp://host:1", "a", "key") == (GONE, "tcp://10.0.0.1:1")


def test_workers_are_tended_also_while_something_comes_all_the_time(
    alone: LocalWorker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who submits ten times a second left the cluster without workers for as long as he did."""
    now, tended = [0.0], list[float]()
    monkeypatch.setattr(clock, "now", lambda: now[0])

    def turn() -> bool:
        now[0] += 0.1
        alone.pool.gate.release()  # a call was submitted
        return now[0] > 3

    monkeypatch.setattr(alone, "turn", turn)
    cluster: Any = alone.pool.cluster
    cluster.tend = lambda: tended.append(now[0])
    cluster.close = lambda: None
    alone.run()
    assert len(tended) >= 4
    assert all(late - early >= PULSE for early, late in pairwise(tended))


# ------------------------------------------------------------------ without Dask


def test_nothing_of_dask_is_imported_before_an_executor_is_made() -> None:
    program = "import sys, foregone.dask; print([x for x in sys.modules if x == 'distributed'])"
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, cwd=ROOT)
    assert (ran.stdout.strip(), ran.stderr) == ("[]", "")


def test_who_has_no_dask_is_told_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(ImportError, match=r"pip install foregone\[dask\]"):
        dask.DaskExecutor()


LOST: Final = (
    "the scheduler at tcp://s was lost: it died; what was pending may have run; make a new "
    "executor once there is a scheduler"
)


@pytest.mark.parametrize(
    ("error", "says"),
    [
        (dask.WorkerLost("tcp://one", "it died"), "worker tcp://one was lost: it died"),
        (dask.WorkerLost("", "it died"), "worker (unknown) was lost: it died"),
        (dask.SchedulerLost("tcp://s", "it died"), LOST),
    ],
)
def test_what_was_lost_is_named(error: Exception, says: str) -> None:
    again = pickle.loads(pickle.dumps(error))
    assert str(error) == str(again) == says
    assert vars(error) == vars(again)
