"""The cluster, as the local worker sees it: calls go out, words come in.

Calls go out many at a time, as one message: ``offer`` has all that wait travel as the tasks
of one ``Client.map``.  Answers come as they may: a coroutine for each task waits in the
client's event loop, without a request, and what has come while one batch of results was
being fetched is fetched as the next.  A result that cannot be fetched, because its worker
went meanwhile, does not hold up those that are fetched with it: after a moment each is asked
for alone.

Where calls are claimed, ``news`` of the scheduler says which were, and whose worker went.

Owner of every field: this module; ``_arrived``, ``_watched`` and the tasks are the event
loop's.
"""

import asyncio
import logging
import pickle
import threading
from collections.abc import Callable, Coroutine, Iterable, Sequence
from functools import partial
from typing import Final, TypeVar

from foregone.dask import claims, ports
from foregone.dask.claims import Verdict
from foregone.dask.payload import task
from foregone.dask.requests import PAUSE, TRIES, Requests
from foregone.dask.scheduler import LOOK, look_again
from foregone.dask.silence import Heart
from foregone.dask.words import Answered, Begun, Cut, Dropped, Lost, Word, ended
from foregone.dask.worker import run_again, run_once

T = TypeVar("T")

LOGGER: Final = logging.getLogger("concurrent.futures")

#: Seconds after which results that were asked for together are asked for one by one.
SLOW: Final = 1.0
#: Seconds for which a batch of results holds up the next.
BATCH: Final = 0.05
#: Seconds in which what was asked last may be answered, before a client of our own is closed.
LAST: Final = 1.0

#: What Dask's futures say of a task that is still to come.
_AGAIN: Final = ("pending", "lost")

#: A task: the number of its call, and Dask's future.
_Task = tuple[int, ports.DaskFuture]


class Unreachable(Exception):
    """The scheduler cannot be asked: it is lost, or this is the thread that would have to wait."""


class Cluster:
    """A client, and what was handed to it."""

    __slots__ = (
        "_arrived", "_beats", "_closed", "_collecting", "_heart", "_own", "_own_client",
        "_requests", "_setup", "_tasks", "_tell", "_watched", "address", "at_most_once", "client",
        "executor", "loop",
    )  # fmt: skip

    address: str
    at_most_once: bool
    client: ports.Client
    executor: bytes
    loop: asyncio.AbstractEventLoop

    def __init__(
        self,
        client: ports.Client,
        executor: bytes,
        *,
        own_client: bool,
        own: ports.OwnCluster | None,
        setup: bytes = b"",
        limit: float | None = None,
    ) -> None:
        self.client = client
        self.executor = executor
        self.loop = client.loop.asyncio_loop
        self.address = ports.address_of(client)
        self.at_most_once = False
        self._own_client = own_client
        self._own = own
        self._tell: Callable[[Word], None] = _nobody
        self._arrived: list[_Task] = []
        self._tasks: set[asyncio.Task[object]] = set()
        self._watched: dict[int, asyncio.Task[None]] = {}
        self._collecting = self._closed = False
        self._requests = Requests(client, executor)
        self._setup = setup
        self._heart = None if limit is None else Heart(limit, self._echo, self._is_silent)
        self._beats: asyncio.Task[None] | None = None

    def greet(self) -> None:
        """Return once the scheduler has answered; raise TimeoutError if it does not in time."""
        self._within_limit(self._echo)

    def install(self) -> None:
        """Have the scheduler keep claims; raise as ``greet`` does, or what it raises."""
        found = self._within_limit(self._requests.install)
        if found != claims.NAME:
            raise RuntimeError(f"the scheduler has {found!r} where this client has {claims.NAME!r}")
        self.at_most_once = True

    def _within_limit(self, work: Callable[[], Coroutine[object, object, T]]) -> T:
        asked = asyncio.run_coroutine_threadsafe(work(), self.loop)
        try:
            return asked.result(None if self._heart is None else self._heart.limit)
        finally:
            asked.cancel()  # what has not answered by now need not

    def begin(self, tell: Callable[[Word], None]) -> None:
        """Tell what happens from now on."""
        self._tell = tell
        if self.at_most_once:
            self.loop.call_soon_threadsafe(self._go, self._hear)
        if self._heart is not None:
            self.loop.call_soon_threadsafe(self._listen, self._heart)

    # ------------------------------------------------------- of the local worker

    def offer(self, calls: Sequence[tuple[int, str, bytes]]) -> None:
        """Hand calls to the cluster: number, name, and what is sent of each."""
        run = run_once if self.at_most_once else run_again
        name = self.executor.hex()
        sent = [task(run, self.executor, number, data, self._setup) for number, _, data in calls]
        keys = [f"{called}-{name}-{number}" for number, called, _ in calls]
        made = self.client.map(pickle.loads, sent, key=keys, pure=False, fifo_timeout="0 ms")
        tasks = list(zip((number for number, _, _ in calls), made, strict=True))
        self.loop.call_soon_threadsafe(self._watch, tasks)

    def forget(self, numbers: Sequence[int]) -> None:
        """Want nothing more of these calls."""
        self._soon(self._close, numbers)

    def ask(self, operation: str, numbers: Sequence[int]) -> list[Verdict]:
        """Have the scheduler "cancel" or "look" calls up; wait for what it says of each.

        Raises Unreachable if it cannot be asked.
        """
        if self.is_here() or self.lost():
            raise Unreachable
        request = self._requests.verdicts(operation, numbers, self.lost)
        try:
            asked = asyncio.run_coroutine_threadsafe(request, self.loop)
        except RuntimeError as error:  # the loop was closed just now
            request.close()
            raise Unreachable from error
        while True:
            over = asked.done()  # looked at first: then what is raised is the answer
            try:
                return asked.result(LOOK)
            except TimeoutError:
                if over or (self.lost() and not asked.done()):
                    raise Unreachable from None
            except Exception as error:
                raise Unreachable from error

    def is_here(self) -> bool:
        """Say whether this is the thread of the client's event loop, which must not wait."""
        return asyncio._get_running_loop() is self.loop

    def tend(self) -> None:
        """Start anew what a cluster of our own gives up; see that all its workers have calls."""
        own = self._own
        if own is not None and len(own.workers) < (wanted := len(own.worker_spec)):
            ports.quietly(partial(own.scale, wanted))
        if own is not None and not self.at_most_once:
            ports.quietly(lambda: self.loop.call_soon_threadsafe(look_again, own.scheduler))

    def lost(self) -> str:
        """Return how it comes that there is no scheduler, or "" if there is."""
        status = self.client.status
        if status != "running":
            return f"the client's status is {status!r}"
        return "" if self._heart is None else self._heart.why

    def connection(self) -> str:
        """Return what is known of the connection, in words."""
        silent = 0.0 if self._heart is None else self._heart.silent
        return self.client.status + (f", silent for {silent:g} s" if silent else "")

    def close(self) -> None:
        """Let go of the scheduler, and of what was started for this executor."""
        self._closed = True
        self._soon(self._stop)
        if self.at_most_once and self.client.status == "running":
            self._soon(self._requests.end)
        if self._own_client and self._heart is not None and self._heart.why:
            self._soon(self._requests.abort)
        elif self._own_client and not self.lost():
            answered = threading.Event()
            self._soon(self._last, answered)
            answered.wait(2 * LAST)  # for nothing, if the event loop has stopped
        if self._own_client:
            ports.quietly(self.client.close)
        if self._own is not None:
            ports.quietly(self._own.close)

    def _soon(self, work: Callable[..., Coroutine[object, object, None]], *args: object) -> None:
        try:
            self.loop.call_soon_threadsafe(self._go, work, *args)
        except RuntimeError:  # the loop is closed: there is nobody to tell
            pass

    # ---------------------------------------------------------- in the event loop

    def _go(self, work: Callable[..., Coroutine[object, object, None]], *args: object) -> None:
        _ = self._task(work, *args)

    def _task(
        self, work: Callable[..., Coroutine[object, object, T]], *args: object
    ) -> asyncio.Task[T]:
        """Begin a task, and keep it until it is done: the event loop itself does not."""
        task = self.loop.create_task(work(*args))
        self._tasks.add(task)
        task.add_done_callback(self._ended)
        return task

    def _ended(self, task: asyncio.Task[object]) -> None:
        self._tasks.discard(task)
        error = None if task.cancelled() else task.exception()
        if error is not None:  # a defect of ours: nobody is left waiting
            LOGGER.critical("a task of the executor on %s has failed", self.address, exc_info=error)
            self._tell(Cut(f"the executor's own task failed: {error!r}"))

    def _listen(self, heart: Heart) -> None:
        self._beats = self._task(heart.run)

    async def _stop(self) -> None:
        """Wait for nothing any more: a task that never ran is still waited for."""
        if self._beats is not None:
            self._beats.cancel()
        for watched in self._watched.values():
            watched.cancel()
        self._watched.clear()

    async def _last(self, answered: threading.Event) -> None:
        """Wait for what was asked: cut off while it connects, it leaves a socket behind."""
        if asked := self._tasks - {asyncio.current_task()}:
            await asyncio.wait(asked, timeout=LAST)
        answered.set()

    async def _echo(self) -> None:
        error = await asyncio.shield(self._task(self._requests.echo))
        if error is not None:
            raise error

    def _is_silent(self) -> None:
        self._tell(Cut(self.lost()))

    def _watch(self, tasks: Iterable[_Task]) -> None:
        for number, future in () if self._closed else tasks:
            self._watched[number] = self._task(self._await, number, future)

    async def _await(self, number: int, future: ports.DaskFuture) -> None:
        await future._state.wait()
        self._watched.pop(number, None)
        self._arrived.append((number, future))
        if not self._collecting:
            self._collecting = True
            self._go(self._collect)

    async def _collect(self) -> None:
        try:
            while self._arrived:
                batch, self._arrived = self._arrived, []
                fetched = self._task(self._fetch, batch)
                await asyncio.wait({fetched}, timeout=BATCH)
        finally:
            self._collecting = False

    async def _fetch(self, batch: list[_Task], tries: int = TRIES) -> None:
        """Tell what became of tasks that are not pending any more."""
        finished = {number: each for number, each in batch if each._state.status == "finished"}
        for number, future in batch:
            if future._state.status in _AGAIN:  # its result was lost: the cluster runs it again
                self._watch([(number, future)])
            elif number not in finished:
                self._tell(ended(number, future._state))
        if not finished:
            return
        asked = asyncio.ensure_future(
            self.client.gather(finished, errors="skip", asynchronous=True)
        )
        done, _ = await asyncio.wait({asked}, timeout=SLOW if len(finished) > 1 else None)
        if not done:
            for number, future in finished.items():
                self._go(self._fetch, [(number, future)])
            await asyncio.wait({asked})
        if asked.cancelled() or asked.exception() is not None:
            await self._failed(
                finished, repr(None if asked.cancelled() else asked.exception()), tries
            )
            return
        for number, outcome in asked.result().items():
            if isinstance(outcome, bytes):
                self._tell(Answered(number, outcome))
            else:  # it was lost, or cancelled, while it was being fetched
                self._watch([(number, finished[number])])

    async def _failed(self, tasks: dict[int, ports.DaskFuture], why: str, tries: int) -> None:
        """Ask again for results that could not be fetched, or give them up."""
        if self._closed:
            return
        if tries > 1:
            await asyncio.sleep(PAUSE)
            self._go(self._fetch, list(tasks.items()), tries - 1)
            return
        for number in tasks:
            self._tell(Dropped(number, f"its result could not be fetched: {why}"))

    async def _close(self, numbers: Sequence[int]) -> None:
        for number in numbers:
            watched = self._watched.pop(number, None)
            if watched is not None:  # with it goes Dask's future, and so the task
                watched.cancel()
        if self.at_most_once:
            await self._requests.forget(numbers)

    async def _hear(self) -> None:
        seen, tries = 0, TRIES
        while not self._closed:
            try:
                seen, said = await self._requests.news(seen)
            except Exception as error:  # a connection that fails, whatever Dask raises then
                tries -= 1
                if not self._closed and (not tries or self.lost()):
                    self._tell(Cut(f"it does not answer: {error!r}"))
                    return
                await asyncio.sleep(PAUSE)
                continue
            tries = TRIES
            if seen < 0:
                if not self._closed:
                    self._tell(Cut("it does not know this executor any more"))
                return
            for what, number, worker in said:
                self._tell(Begun(number, worker) if what == claims.BEGUN else Lost(number, worker))
            await asyncio.sleep(PAUSE)


def _nobody(_word: Word) -> None:
    """Tell nobody yet."""
