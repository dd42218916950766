"""What the Dask executor asks of a scheduler, and who ends a call when it is lost; without Dask.

Each of these came about by a race on a busy machine; here it is made to happen.
"""

import asyncio
import gc
import logging
from collections.abc import Callable, Coroutine
from types import SimpleNamespace
from typing import Any

import pytest

from foregone.dask.calls import Call
from foregone.dask.claims import CANCELLED, CLOSED
from foregone.dask.cluster import Cluster, Unreachable
from foregone.dask.local_worker import LocalWorker
from foregone.dask.requests import TRIES, Requests
from foregone.dask.rooms import Pool
from foregone.dask.words import Cut, Word
from foregone_spec.future import Command
from foregone_spec.lifecycle import Phase


async def turn() -> None:
    """Let the event loop turn once."""
    turned = asyncio.Event()
    asyncio.get_running_loop().call_soon(turned.set)
    await turned.wait()


class Scheduler:
    """Answers as it is told to, or fails."""

    def __init__(self, failures: int = 0) -> None:
        self.failures = failures
        self.asked: list[tuple[int, ...]] = []
        self.under_way = self.most = 0

    async def foregone_forget(self, executor: str, numbers: tuple[int, ...]) -> None:
        assert executor == b"e".hex()
        self.under_way += 1
        self.most = max(self.most, self.under_way)
        self.asked.append(tuple(numbers))
        await turn()
        self.under_way -= 1
        self._fail()

    async def foregone_cancel(self, executor: str, numbers: list[int]) -> list[list[str]]:
        self.asked.append(tuple(numbers))
        self._fail()
        return [[CANCELLED, executor] for _ in numbers]

    async def echo(self, data: str) -> str:
        self._fail()
        return data

    def _fail(self) -> None:
        if self.failures:
            self.failures -= 1
            raise OSError("the connection has failed")


def requests_of(scheduler: Scheduler) -> Requests:
    client: Any = SimpleNamespace(scheduler=scheduler)
    return Requests(client, b"e")


# ----------------------------------------------------------------------- requests


def test_calls_are_forgotten_in_one_request_at_a_time() -> None:
    """A request each took all connections of the client, and the echo waited behind them."""
    scheduler = Scheduler()
    asks = requests_of(scheduler)

    async def forget() -> None:
        await asyncio.gather(*(asks.forget([number]) for number in range(1000)))

    asyncio.run(forget())
    assert scheduler.most == 1
    assert [number for batch in scheduler.asked for number in batch] == list(range(1000))
    assert len(scheduler.asked) == 2


def test_what_could_not_be_forgotten_is_told_with_the_next() -> None:
    """Else the scheduler would keep all that came after it, as numbers that are not in a row."""
    scheduler = Scheduler(failures=1)
    asks = requests_of(scheduler)

    async def forget() -> None:
        await asks.forget([1, 2])
        await asks.forget([3])
        await asks.forget([4])

    asyncio.run(forget())
    assert scheduler.asked == [(1, 2), (1, 2, 3), (4,)]


@pytest.mark.parametrize("failures", range(TRIES + 1))
def test_a_cancel_is_asked_for_again_if_the_connection_fails(failures: int) -> None:
    scheduler = Scheduler(failures)
    asks = requests_of(scheduler)
    answer = asks.verdicts("cancel", [7], lambda: "")
    if failures < TRIES:
        assert asyncio.run(answer) == [(CANCELLED, b"e".hex())]
    else:
        with pytest.raises(OSError, match="the connection has failed"):
            asyncio.run(answer)
    assert scheduler.asked == [(7,)] * min(failures + 1, TRIES)


def test_who_is_lost_is_not_asked_again() -> None:
    scheduler = Scheduler(failures=1)
    with pytest.raises(OSError, match="the connection has failed"):
        asyncio.run(requests_of(scheduler).verdicts("cancel", [7], lambda: "it is gone"))
    assert len(scheduler.asked) == 1


# ------------------------------------------------------------------------- cluster


class Asked:
    """An answer that comes just after who waits for it has looked in vain."""

    def __init__(self, answer: Callable[[], object]) -> None:
        self.answer = answer
        self.there = False

    def done(self) -> bool:
        return self.there

    def result(self, timeout: float) -> object:
        if not self.there:
            self.there = timeout > 0
            raise TimeoutError
        return self.answer()


def _raises() -> object:
    raise TimeoutError("of the connection")


@pytest.mark.parametrize("answers", [True, False])
def test_an_answer_that_comes_while_nobody_looks_is_read(
    answers: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It was thrown away: ``cancel()`` said False of what the scheduler had cancelled."""
    asked = Asked((lambda: [(CANCELLED, "")]) if answers else _raises)

    def runs(coroutine: Coroutine[object, object, object], _: object) -> Asked:
        coroutine.close()
        return asked

    monkeypatch.setattr(asyncio, "run_coroutine_threadsafe", runs)
    cluster = cluster_of(Scheduler(), asyncio.new_event_loop())
    try:
        if answers:
            assert cluster.ask("cancel", [1]) == [(CANCELLED, "")]
        else:
            with pytest.raises(Unreachable):
                cluster.ask("cancel", [1])
    finally:
        cluster.loop.close()


def cluster_of(
    scheduler: Scheduler,
    loop: asyncio.AbstractEventLoop,
    closed: list[str] | None = None,
    *,
    own: bool = False,
) -> Cluster:
    """Return a cluster whose client is nobody's."""
    said: list[str] = [] if closed is None else closed
    client: Any = SimpleNamespace(
        loop=SimpleNamespace(asyncio_loop=loop),
        scheduler=scheduler,
        scheduler_comm=SimpleNamespace(abort=lambda: said.append("abort")),
        status="running",
        close=lambda: said.append("close"),
    )
    return Cluster(client, b"e", own_client=own, own=None, limit=1)


def test_nothing_is_said_of_an_echo_that_fails_when_nobody_waits_for_it(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """The executor has ended, and then the connection: asyncio told of an error nobody read."""
    told: list[Word] = []

    async def ends() -> None:
        cluster = cluster_of(Scheduler(failures=1), asyncio.get_running_loop())
        cluster._tell = told.append
        echo = asyncio.ensure_future(cluster._echo())
        await turn()
        echo.cancel()
        while cluster._tasks:
            await turn()
        with pytest.raises(asyncio.CancelledError):
            await echo

    with caplog.at_level(logging.WARNING):
        asyncio.run(ends())
        gc.collect()  # asyncio tells of it when a task goes
    assert (told, caplog.records) == ([], [])


def test_a_task_that_fails_leaves_nobody_waiting(caplog: pytest.LogCaptureFixture) -> None:
    told: list[Word] = []

    async def fails() -> None:
        raise LookupError("a defect")

    async def run() -> None:
        cluster = cluster_of(Scheduler(), asyncio.get_running_loop())
        cluster._tell = told.append
        cluster._go(fails)
        while cluster._tasks:
            await turn()

    asyncio.run(run())
    (word,) = told
    assert isinstance(word, Cut)
    assert "LookupError('a defect')" in word.why
    assert "a task of the executor on (unknown) has failed" in caplog.text


@pytest.mark.parametrize("silent", [True, False])
def test_what_a_silent_scheduler_has_not_read_is_not_waited_for(silent: bool) -> None:
    """Dask's client sends all there is before it closes: half a minute, in vain."""
    said: list[str] = []

    async def close() -> None:
        cluster = cluster_of(Scheduler(), asyncio.get_running_loop(), said, own=True)
        assert cluster._heart is not None
        cluster._heart.silent = 1.0 if silent else 0.5
        await asyncio.to_thread(cluster.close)

    asyncio.run(close())
    assert sorted(said) == (["abort", "close"] if silent else ["close"])


def test_nothing_is_waited_for_that_comes_after_the_end() -> None:
    """A user's client would keep Dask's future, and the scheduler its task, for ever."""

    async def comes() -> None:
        cluster = cluster_of(Scheduler(), asyncio.get_running_loop())
        cluster.close()
        while cluster._tasks:
            await turn()
        future: Any = SimpleNamespace()  # is not looked at
        cluster._watch([(1, future)])
        assert (cluster._watched, cluster._tasks) == ({}, set())

    asyncio.run(comes())


# -------------------------------------------------------------------- local worker


@pytest.fixture
def alone() -> LocalWorker:
    """Return a local worker that was not started; what the scheduler says, ``ask`` says."""
    cluster: Any = SimpleNamespace(
        at_most_once=True,
        address="tcp://nowhere",
        ask=lambda operation, numbers: [(CANCELLED, "") for _ in numbers],
        forget=lambda _: None,
        lost=lambda: "",
        is_here=lambda: False,
    )
    return LocalWorker(Pool("alone", cluster))


@pytest.fixture
def call(alone: LocalWorker) -> Call[int]:
    """Return a call that was offered."""
    made: Call[int] = Call(alone.pool, "f", b"data")
    assert alone.pool.accept(made, None)
    assert alone._next() is made
    return made


def test_who_cancels_what_is_just_failed_is_refused(
    alone: LocalWorker, call: Call[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The worker may have begun it: it was CANCELLED then, and had run all the same."""
    decide: Callable[..., object] = Call._decide
    said: list[bool] = []

    def late(self: Call[int], command: Command, *more: object, **most: object) -> object:
        if command is Command.SET_EXCEPTION:
            said.append(self.cancel())
        return decide(self, command, *more, **most)

    monkeypatch.setattr(Call, "_decide", late)
    alone.pool.broken("it has not answered for 1 s")
    alone.fail_all()
    assert said == [False]
    assert "it has not answered for 1 s" in str(call.exception(0))


def test_one_call_that_is_cancelled_and_forgotten_breaks_nothing(
    alone: LocalWorker, call: Call[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The local worker had it in hand, since its task was dropped: it took the book for lost."""
    assert call.cancel()
    monkeypatch.setattr(alone.pool.cluster, "ask", lambda *_: [(CLOSED, "")])
    alone._given_up(call, "", "its task was cancelled")
    assert alone.pool.phase is Phase.OPEN
