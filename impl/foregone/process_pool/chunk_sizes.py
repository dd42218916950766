"""``map`` for processes, and how many items travel together if nobody says.

Sizes are chosen from how long the items before took (``Pace``): a chunk should take
some milliseconds, so that what a chunk costs does not matter, and no process has much
left when the others have ended.

Who submits.  A chunk is submitted when another has ended, by whoever learns of it: the
thread that runs callbacks, or the caller who asks for results, one at a time.  The
*feeder* has the turn; who finds that somebody else has it leaves word that he ``wanted``
it, and the feeder looks again.  The caller waits for the turn only if he has nothing
else to wait for.  With the turn one submits, so it is held over foreign code, and is no
lock: nobody who has it waits for anybody.

Owner of every field: this module.  Model: ``tla/Map.tla``, an item at a time.
"""

import sys
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from threading import get_ident
from typing import Final, TypeVar

from foregone import clock
from foregone.errors import TimeoutError
from foregone.process_pool.chunks import LATE, Args, Chunk, ChunkedMap, Submit, error_of
from foregone.sync import Gate, Lock, new_gate, new_lock, wake

T = TypeVar("T")

#: How long a chunk should take, and how long at least near the end, in seconds.
TARGET: Final = 0.005
LEAST: Final = 0.0005
#: How many bytes should travel with it at most.
BYTES: Final = 1 << 18
#: How many chunks are submitted and not ended, for each process.
AHEAD: Final = 2
#: A chunk has at most this many times the items of the largest that was measured.
GROWTH: Final = 4
#: A chunk has at most this part of what is left, for each process.
SHARE: Final = 4
#: So many items are drawn at once, where the input is one of these: it neither waits,
#: nor raises, nor minds being ahead.
BLOCK: Final = 1024
READY: Final = (range, list, tuple, str, bytes)
#: The clock cannot tell less, of one item.
_TICK: Final = 1e-8


class Pace:
    """How long items take, and so how many the next chunk should have."""

    __slots__ = ("bytes", "most", "reached", "seconds", "workers")

    bytes: float
    most: int
    reached: int
    seconds: float
    workers: int

    def __init__(self, workers: int, most: int = sys.maxsize) -> None:
        self.workers = workers
        self.most = max(1, most)
        self.reached = 0  # how many items the largest chunk had that was measured
        self.seconds = 0.0  # what an item is expected to take
        self.bytes = 0.0  # and how many bytes it is expected to be

    def measured(self, count: int, seconds: float, size: int) -> None:
        """Learn how long a chunk of ``count`` items took: at once if it is bad news."""
        seconds, size_of_one = max(seconds / count, _TICK), size / count
        self.seconds = max(seconds, (self.seconds + seconds) / 2)
        self.bytes = max(size_of_one, (self.bytes + size_of_one) / 2)
        self.reached = max(self.reached, count)

    def size(self, left: int) -> int:
        """Return how many items the next chunk should have, of ``left`` that are left."""
        if not self.reached:
            return 1
        fair = max(left / (self.workers * SHARE), LEAST / self.seconds)
        light = BYTES / max(self.bytes, 1.0)
        size = min(TARGET / self.seconds, fair, light, self.reached * GROWTH, self.most)
        return max(1, int(size))


class ChosenSizes(ChunkedMap[T]):
    """A map that chooses the sizes of its chunks."""

    __slots__ = (
        "at",  # of the items, so many are submitted and still in the list
        "batch",  # so many items are gathered before they are submitted
        "blocked",  # gates of who waits for the turn
        "feeder",  # the ident of the thread that has the turn, or 0
        "hungry",  # a chunk would be submitted if there were items
        "items",  # drawn, and not submitted but for the first ones
        "limit",  # so many chunks may be submitted and not ended
        "lock",
        "news",  # chunks that have ended, and nobody has looked
        "outstanding",  # how many chunks are submitted and not ended
        "pace",
        "ready",  # the input can be drawn from without waiting
        "wanted",  # the feeder is to look again
    )

    at: int
    batch: int
    blocked: list[Gate]
    executor: object | None
    feeder: int
    hungry: bool
    items: list[Args]
    limit: int
    lock: Lock
    news: deque[Chunk]
    outstanding: int
    pace: Pace
    ready: bool
    source: Iterator[Args] | None
    trouble: BaseException | None
    wanted: bool

    def __init__(
        self,
        submit: Submit,
        executor: object,
        fn: Callable[..., T],
        source: Iterator[Args],
        workers: int,
        buffersize: int | None,
        ready: bool = False,
    ) -> None:
        super().__init__(submit, executor, fn, source, 1, buffersize)
        self.ready = ready
        self.limit = workers * AHEAD
        most = sys.maxsize if buffersize is None else buffersize // self.limit
        self.pace = Pace(workers, most)
        self.items = []
        self.at = 0
        self.news = deque()
        self.outstanding = 0
        self.batch = 1
        self.hungry = True
        self.wanted = False
        self.lock = new_lock()
        self.feeder = 0
        self.blocked = []

    # ------------------------------------------------------------------- drawing

    def begin(self) -> None:
        """Draw the whole input, or what there is room for, and submit meanwhile."""
        room = sys.maxsize if self.buffersize is None else self.buffersize
        drawn, block = 0, 1
        try:
            while drawn < room and self.trouble is None:
                items = list(islice(self.source or (), min(block, room - drawn)))
                if not items:
                    break
                self.items += items
                drawn += len(items)
                if self.hungry:
                    self.batch = 0
                    self.feed()
                if self.ready:
                    block = min(2 * block, BLOCK)
        except BaseException as error:
            self.trouble = error
        if drawn < room:
            self.source = None
        if self.buffersize is not None or self.trouble is None:
            self.feed()
        if self.buffersize is None or not self.chunks:
            self.close()

    def draw_next(self) -> None:
        """Draw one item; submit when enough are gathered."""
        if self.source is not None and self.trouble is None:
            try:
                for args in self.source:
                    self.items.append(args)
                    break
                else:
                    self.source = None
            except BaseException as error:
                self.trouble = error
            if len(self.items) - self.at >= self.batch or self.source is None:
                self.feed()

    # ---------------------------------------------------------------- submitting

    def fill(self) -> None:
        """Do nothing: there is room when a chunk ends, not when the caller takes it."""

    def hurry(self) -> None:
        """Submit what is gathered, if there is room for it."""
        self.batch = 0
        self.feed()

    def flush(self) -> None:
        """Submit all that was drawn, however many chunks that makes."""
        if not self.cancelled:
            self.limit, self.batch = sys.maxsize, 0
            self._wait_and_feed(clock.NO_LIMIT)

    def head(self, until: float) -> Chunk | None:
        """Return the oldest chunk that was not yielded, or None after the last."""
        if not self.chunks:
            self._wait_and_feed(until)
        return self.chunks[0] if self.chunks else None

    def learn(self, chunk: Chunk) -> None:
        """Learn that a chunk is done, and submit what there is room for."""
        if chunk.counted:
            self.news.append(chunk)
            self.feed()

    def feed(self) -> None:
        """Submit what there is room for, or let him do it who is at it."""
        self.wanted = True
        while self.wanted and not self.feeder:
            self._feed_if_free()

    def _wait_and_feed(self, until: float) -> None:
        """Submit what there is room for, after whoever is at it."""
        if self.feeder == get_ident():
            raise RuntimeError("map(): an item, while it is pickled, asks for the next result")
        gate = new_gate()
        gate.acquire()
        self.blocked.append(gate)
        try:
            while not self._feed_if_free():
                if not gate.acquire(timeout=clock.remaining(until)):
                    raise TimeoutError(LATE)
        finally:
            self.blocked.remove(gate)
        if self.wanted:
            self.feed()

    def _feed_if_free(self) -> bool:
        """Have the turn, if nobody has it; return whether it was free."""
        me = get_ident()
        try:
            with self.lock:
                if not self.feeder:
                    self.feeder = me
            if self.feeder != me:
                return False
            self.wanted = False
            self._feed()
        finally:
            if self.feeder == me:
                self.feeder = 0
                wake(self.blocked)
        return True

    def _feed(self) -> None:
        while self.news:
            self._count(self.news.popleft())
        hurried = self.batch == 0
        # Does each item that the caller takes bring another?
        more = self.buffersize is not None and self.source is not None and self.trouble is None
        while (
            (left := len(self.items) - self.at)
            and self.outstanding < self.limit
            and not self.cancelled
        ):
            size = self.pace.size(sys.maxsize if more else left)
            if more and left < size and not hurried:
                break
            try:
                items = self.items[self.at : self.at + size]
                self.at += len(items)
                if self.at >= BLOCK or 2 * self.at > len(self.items):
                    gone, self.at = self.at, 0  # who looks meanwhile sees too many, not too few
                    del self.items[:gone]
                self.send(items)
            except BaseException as error:
                self.trouble = error
                self.at = 0
                self.items.clear()
        self.hungry = self.outstanding < self.limit
        # Who is not hungry looks when a chunk ends, not when an item comes.
        self.batch = self.pace.size(sys.maxsize) if self.hungry else sys.maxsize
        if self.trouble is not None or (self.source is None and len(self.items) == self.at):
            self.executor = None

    def send(self, items: list[Args]) -> None:
        """Submit ``items``, to be yielded next."""
        for chunk in self.sent(items):
            chunk.counted = True
            self.outstanding += 1
            self.chunks.append(chunk)

    def _count(self, chunk: Chunk) -> None:
        if chunk.counted:
            chunk.counted = False
            self.outstanding -= 1
            if error_of(chunk.call) is None:
                self.pace.measured(chunk.count, chunk.call.seconds, chunk.call._size)


def map_chunks(
    submit: Submit,
    fn: Callable[..., T],
    iterables: tuple[Iterable[object], ...],
    *,
    executor: object,
    workers: int,
    timeout: float | None = None,
    chunksize: int | None = None,
    buffersize: int | None = None,
    begun: Callable[[ChunkedMap[T]], object] | None = None,
) -> Iterator[T]:
    """Return an iterator over ``fn`` of each tuple of items, which travel in chunks.

    As ``Executor.map``, whose arguments have been looked at.  ``submit`` is the pool's;
    ``executor`` is kept as long as there is something to submit.  ``chunksize`` None
    chooses the sizes; then ``buffersize`` counts items, and else chunks.  ``begun`` is
    told of the map before it begins: its ``flush`` is for who is about to refuse chunks.
    """
    until = clock.deadline(clock.limit(timeout, "map()"))
    items = zip(*iterables, strict=False)
    made: ChunkedMap[T]
    if chunksize is None:
        ready = all(any(type(each) is kind for kind in READY) for each in iterables)
        made = ChosenSizes(submit, executor, fn, items, workers, buffersize, ready)
    else:
        made = ChunkedMap(submit, executor, fn, items, chunksize, buffersize)
    if begun is not None:
        begun(made)
    try:
        made.begin()
    except BaseException:
        made.cancel()
        raise
    return made.results(until)
