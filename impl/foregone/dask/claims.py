"""The scheduler's side of at most once: one book for each executor, in which calls are claimed.

A worker that is about to run a call claims it here, the client that cancels a call cancels
it here, and the scheduler's event loop does one thing at a time: that is the compare-and-set.
The first of the two wins; a second worker that comes with the same call, because Dask runs a
task again whose worker or whose result was lost, finds it claimed and does not begin it.

What a book knows of a number:

1. nothing: the call is open, and may be claimed or cancelled;
2. it is claimed: by whom, and under which token, so that a worker that asks twice, because an
   answer was lost, is told the same;
3. it is cancelled;
4. it is closed: the client has the outcome.  Then only that is kept, as one number up to
   which all are closed and the few beyond it; so a book is as large as what is pending.

A call of an executor that has no book is refused: its client is gone, or this scheduler is
not the one that took it.  So is a worker that the scheduler has removed, whose claim was on
its way: nobody would tell of its end again, nor hear its answer.  The call stays open.

The client learns what was claimed, and whose worker went, by ``news``: one request that is
answered as soon as there is something to say.  As long as somebody asks for news the scheduler
is made to look for calls that stand behind another while a worker is idle.

Nothing of Dask is imported with this module; ``install`` runs in the scheduler's process.
Owner of every field: this module, in the scheduler's event loop.
"""

import asyncio
import importlib
from collections.abc import Callable, Container, Sequence
from typing import Final, NamedTuple, cast, final

from foregone.dask.scheduler import LOOK, Scheduler, look_again

#: The name of the plugin, and of what is said: another version is another name.
NAME: Final = "foregone-claims-3"

WON: Final = "won"
CLAIMED: Final = "claimed"
CANCELLED: Final = "cancelled"
CLOSED: Final = "closed"
OPEN: Final = "open"
UNKNOWN: Final = "unknown"
GONE: Final = "gone"

#: What ``news`` says of a call: a worker has claimed it; that worker, or its answer, is lost.
BEGUN: Final = "begun"
LOST: Final = "lost"

#: A verdict, and the worker that it is about or "".
Verdict = tuple[str, str]

#: What has happened, to which call, and the worker that it is about.
News = tuple[str, int, str]


class Claim(NamedTuple):
    """Who has claimed a call: the worker, its token for that one attempt, and the task's key."""

    worker: str
    token: str
    key: str


@final
class Book:
    """The calls of one executor."""

    __slots__ = ("_base", "_beyond", "_floor", "_said", "cancelled", "claimed", "client", "fresh")

    cancelled: set[int]
    claimed: dict[int, Claim]
    client: str
    fresh: asyncio.Event

    def __init__(self, client: str) -> None:
        self.client = client
        self.claimed = {}
        self.cancelled = set()
        self._floor = 1  # all numbers below are closed; the first call has 1
        self._beyond: set[int] = set()  # and these
        self._said: list[News] = []  # news that the client may not have seen
        self._base = 0  # and how much it has
        self.fresh = asyncio.Event()

    def look(self, number: int) -> Verdict:
        """Return what is known of a call."""
        if number in self.claimed:
            return CLAIMED, self.claimed[number].worker
        if number < self._floor or number in self._beyond:
            return CLOSED, ""
        return (CANCELLED if number in self.cancelled else OPEN), ""

    def claim(self, number: int, claim: Claim) -> Verdict:
        """Claim a call, if it is open; asking twice with one token is asking once."""
        found = self.look(number)
        if found[0] == OPEN:
            self.claimed[number] = claim
            self.say(BEGUN, number, claim.worker)
            return WON, claim.worker
        held = self.claimed.get(number)
        return (WON, held.worker) if held is not None and held.token == claim.token else found

    def cancel(self, number: int) -> Verdict:
        """Cancel a call, if it is open."""
        found = self.look(number)
        if found[0] == OPEN:
            self.cancelled.add(number)
            return CANCELLED, ""
        return found

    def close(self, number: int) -> None:
        """Learn that the client wants nothing more of a call."""
        self.claimed.pop(number, None)
        self.cancelled.discard(number)
        if number >= self._floor:
            self._beyond.add(number)
        while self._floor in self._beyond:
            self._beyond.discard(self._floor)
            self._floor += 1

    def say(self, what: str, number: int, worker: str) -> None:
        """Have something told to the client."""
        self._said.append((what, number, worker))
        self.fresh.set()

    def heard(self, count: int) -> None:
        """Learn that the client has seen the first ``count`` news."""
        del self._said[: max(0, count - self._base)]
        self._base = max(self._base, count)
        if not self._said:
            self.fresh.clear()

    def said(self) -> tuple[int, list[News]]:
        """Return how many news there were, and those that the client has not seen."""
        return self._base + len(self._said), list(self._said)

    @property
    def size(self) -> int:
        """How much is kept: it does not grow with the calls that ended."""
        return len(self.claimed) + len(self.cancelled) + len(self._beyond) + len(self._said)


class Claims:
    """All books of a scheduler: what its handlers do, and what it is told as a plugin."""

    books: dict[str, Book]
    coerce: Callable[[str], str]
    workers: Callable[[], Container[str]]

    def __init__(
        self,
        workers: Callable[[], Container[str]],
        coerce: Callable[[str], str] = str,
        look: Callable[[], object] = int,
    ) -> None:
        self.books = {}
        self._look = look
        self._looked = -LOOK  # when that was done last
        self.workers = workers
        self.coerce = coerce
        self._resolved: dict[str, str] = {}  # by what a worker calls itself, if that is a name

    def open(self, executor: str, client: str) -> None:
        """Begin the book of an executor."""
        self.books[executor] = Book(client)

    def claim(self, executor: str, number: int, worker: str, token: str, key: str) -> Verdict:
        """Let a worker claim a call; WON says that it may begin."""
        book = self.books.get(executor)
        if book is None:
            return UNKNOWN, ""
        worker = self._address(worker)
        if worker not in self.workers():
            return GONE, worker
        return book.claim(number, Claim(worker, token, key))

    def _address(self, worker: str) -> str:
        """Return the address of a worker as the scheduler has it; its host may have a name."""
        there = self.workers()
        if worker in there:
            return worker
        found = self._resolved.get(worker)
        if found is None or found not in there:
            found = self.coerce(worker)
            if found in there:
                self._resolved[worker] = found
        return found

    def cancel(self, executor: str, numbers: Sequence[int]) -> list[Verdict]:
        """Cancel the calls that are open; say of each what it is now."""
        book = self.books.get(executor)
        return [(UNKNOWN, "") if book is None else book.cancel(number) for number in numbers]

    def look(self, executor: str, numbers: Sequence[int]) -> list[Verdict]:
        """Say of each call what it is."""
        book = self.books.get(executor)
        return [(UNKNOWN, "") if book is None else book.look(number) for number in numbers]

    def forget(self, executor: str, numbers: Sequence[int]) -> None:
        """Forget of these calls all but that they are closed."""
        book = self.books.get(executor)
        if book is not None:
            for number in numbers:
                book.close(number)

    def end(self, executor: str) -> None:
        """Forget an executor: what is left of its calls is refused."""
        book = self.books.pop(executor, None)
        if book is not None:
            book.fresh.set()

    async def news(self, executor: str, seen: int, patience: float) -> tuple[int, list[News]]:
        """Return what the client has not seen, as soon as there is some, or after ``patience``.

        The first number is how many there were; it is -1 where the executor has no book.
        """
        book = self.books.get(executor)
        if book is None:
            return -1, []
        book.heard(seen)
        now = asyncio.get_running_loop().time
        until = now() + patience
        self._look_again(now())
        while not book.fresh.is_set() and (left := until - now()) > 0:
            try:
                await asyncio.wait_for(book.fresh.wait(), min(left, LOOK))
            except TimeoutError:
                self._look_again(now())
        if executor not in self.books:
            return -1, []
        return book.said()

    def _look_again(self, now: float) -> None:
        if now - self._looked >= LOOK:
            self._looked = now
            self._look()

    # ------------------------------------------------------------- as a plugin

    def remove_worker(self, scheduler: Scheduler, worker: str, **_more: object) -> None:
        """Learn that a worker is gone: what it had claimed is lost, unless its result is kept."""
        for book in self.books.values():
            for number, claim in book.claimed.items():
                if claim.worker == worker:
                    task = scheduler.tasks.get(claim.key)
                    if task is None or task.state != "memory":
                        book.say(LOST, number, worker)

    def remove_client(self, scheduler: Scheduler, client: str, **_more: object) -> None:
        """Learn that a client is gone: nothing that it submitted begins any more."""
        for executor in [name for name, book in self.books.items() if book.client == client]:
            self.end(executor)


def install(executor: str, client: str, dask_scheduler: Scheduler | None = None) -> str:
    """Have this scheduler keep claims, and begin the book of an executor; return NAME.

    It is called in the scheduler's process, by ``Client.run_on_scheduler``.
    """
    if dask_scheduler is None:
        raise TypeError("install() is for Client.run_on_scheduler(), which passes dask_scheduler")
    there = dask_scheduler
    claims = cast("Claims | None", there.plugins.get(NAME))
    if claims is None:
        plugin = importlib.import_module("distributed.diagnostics.plugin")
        base = cast("type[object]", vars(plugin)["SchedulerPlugin"])
        kind = type("ForegoneClaims", (Claims, base), {})
        claims = cast(
            "Claims",
            kind(lambda: there.workers, there.coerce_address, lambda: look_again(there)),
        )
        dask_scheduler.add_plugin(claims, name=NAME)
        dask_scheduler.handlers.update({
            "foregone_claim": claims.claim,
            "foregone_cancel": claims.cancel,
            "foregone_look": claims.look,
            "foregone_forget": claims.forget,
            "foregone_end": claims.end,
            "foregone_news": claims.news,
        })  # fmt: skip
    claims.open(executor, client)
    return NAME
