"""Chunks: several items of a ``map`` travel together, each with its own outcome.

A chunk is one call to its pool and several to its user.  Its process sends the outcome
of each item before it begins the next, so that all before the item that failed, or
during which the process died, is known.  What was not begun is submitted again.  A
chunk that does not pickle, or cannot be read, is halved until its one bad item is left.

Here are chunks of a given size; ``chunk_sizes.py`` chooses sizes.  No item costs a lock,
a future or a wake-up.  The input is drawn by the caller only, never in another thread.

Owner of every field: this module.  Model: ``tla/Map.tla``, of which an item is an item.
"""

from collections import deque
from collections.abc import Callable, Iterator
from itertools import islice
from typing import Final, Generic, NoReturn, Protocol, TypeAlias, TypeVar, cast

from foregone import clock
from foregone.errors import CancelledError, TimeoutError
from foregone.process_pool.errors import ProcessDied
from foregone.process_pool.outcomes import Raised
from foregone.process_pool.pickling import is_problem

T = TypeVar("T")

Args: TypeAlias = tuple[object, ...]

LATE: Final = "map(): the time is over and the next result is not there"


class ChunkCall(Protocol):
    """What a pool returns for a chunk: a future, and what is known of it before its end."""

    #: The outcomes that have come, in order: results, or ``Raised``.  Nobody else changes
    #: them once it is done.
    parts: list[object]
    #: How long the process took, and how many bytes were sent to it: known once it is done.
    seconds: float
    _size: int

    def done(self) -> bool:
        """Return True at the end."""
        ...

    def cancel(self) -> bool:
        """Cancel the chunk if it has not begun."""
        ...

    def exception(self, timeout: float | None = None) -> BaseException | None:
        """Return why the chunk ended before all its items had an outcome, or None."""
        ...

    def add_done_callback(self, fn: Callable[..., object], /) -> None:
        """Call ``fn`` at the end; at once if it is past."""
        ...


Submit: TypeAlias = Callable[[Callable[..., object], list[Args]], ChunkCall]


class Chunk:
    """One chunk: its call, and its items as long as some of them may be submitted again."""

    __slots__ = ("call", "count", "counted", "items", "map", "taken")

    call: ChunkCall
    count: int
    counted: bool
    items: list[Args]
    map: "ChunkedMap[object]"
    taken: int

    def __init__(self, owner: "ChunkedMap[T]", call: ChunkCall, items: list[Args]) -> None:
        self.map = cast("ChunkedMap[object]", owner)
        self.call = call
        self.items = items
        self.count = len(items)
        self.counted = False  # it is one of those submitted and not ended
        self.taken = 0  # how many of its parts were yielded before it was done

    def __call__(self, call: ChunkCall) -> None:
        """Be the callback of the call."""
        if error_of(call) is None:
            self.items = []
        else:
            self.map.rescue(self)
        self.map.learn(self)


class ChunkedMap(Generic[T]):
    """One ``map``: what is submitted and not yet yielded, and what is to be submitted."""

    __slots__ = (
        "__weakref__",
        "buffersize",
        "cancelled",  # nobody wants the rest
        "chunks",  # submitted and not yet yielded, in order
        "chunksize",
        "executor",  # kept as long as there is something to submit
        "fn",
        "rescued",  # submitted again after a death; their results are not yielded
        "source",  # the input; None: there is no more
        "submit",
        "trouble",  # why no more can be submitted
    )

    buffersize: int | None
    cancelled: bool
    chunks: deque[Chunk]
    chunksize: int
    executor: object | None
    fn: Callable[..., T]
    rescued: list[Chunk]
    source: Iterator[Args] | None
    submit: Submit
    trouble: BaseException | None

    def __init__(
        self,
        submit: Submit,
        executor: object,
        fn: Callable[..., T],
        source: Iterator[Args],
        chunksize: int,
        buffersize: int | None,
    ) -> None:
        self.submit = submit
        self.executor = executor
        self.fn = fn
        self.source = source
        self.chunksize = chunksize
        self.buffersize = buffersize
        self.chunks = deque()
        self.rescued = []
        self.trouble = None
        self.cancelled = False

    # ---------------------------------------- how much, and when: of a given size

    def begin(self) -> None:
        """Submit what can be submitted at once; raise why that is not all, if so."""
        self.fill()
        if self.buffersize is None or not self.chunks:
            self.close()

    def fill(self) -> None:
        """Submit as many chunks as there is room for; remember why no more can be."""
        try:
            while self.source is not None:
                if self.buffersize is not None and len(self.chunks) >= self.buffersize:
                    return
                items = list(islice(self.source, self.chunksize))
                if not items:
                    self.source = self.executor = None
                    return
                self.send(items)
        except BaseException as error:
            self.trouble = error
            self.source = self.executor = None

    def learn(self, chunk: Chunk) -> None:
        """Learn that a chunk is done, perhaps twice: from its callback, and from the caller."""

    def draw_next(self) -> None:
        """Make use of the room that an item leaves which the caller takes."""

    def hurry(self) -> None:
        """Submit what is there: the caller is about to wait."""

    def flush(self) -> None:
        """Submit all that was drawn: the executor is about to be shut down."""

    def head(self, until: float) -> Chunk | None:
        """Return the oldest chunk that was not yielded, or None after the last."""
        return self.chunks[0] if self.chunks else None

    # ---------------------------------------------------------------- submitting

    def send(self, items: list[Args]) -> None:
        """Submit ``items``, to be yielded next."""
        for chunk in self.sent(items):
            self.chunks.append(chunk)

    def sent(self, items: list[Args]) -> Iterator[Chunk]:
        """Submit ``items`` as a chunk, or as several if they do not pickle together.

        Each is yielded before it may end, so that it can be put in its place first.
        """
        pieces = [items]
        while pieces:
            piece = pieces.pop()
            call = self.submit(self.fn, piece)
            if len(piece) > 1 and call.done() and _is(call, "pickling the arguments"):
                first, second = _halves(piece)
                pieces += (second, first)
                continue
            chunk = Chunk(self, call, piece)
            yield chunk
            call.add_done_callback(chunk)
            if self.cancelled:
                call.cancel()

    def rescue(self, chunk: Chunk) -> None:
        """Submit again what a chunk had not begun when its process died, if the pool goes on.

        The caller never sees these results, since the item that was running raises before;
        but what was submitted runs, as it would have in calls of its own.
        """
        if self.cancelled or not isinstance(error_of(chunk.call), ProcessDied):
            return
        rest = chunk.items[len(chunk.call.parts) + 1 :]
        if rest:
            try:
                for again in self.sent(rest):
                    self.rescued.append(again)
            except Exception:
                pass  # the pool is broken, or shut down

    def cancel(self) -> None:
        """Cancel all that was not yielded, and submit no more."""
        self.cancelled = True
        self.source = self.executor = None
        while self.chunks:
            self.chunks.pop().call.cancel()
        while self.rescued:
            self.rescued.pop().call.cancel()

    def close(self) -> None:
        """Raise why more was not submitted, if so."""
        trouble, self.trouble = self.trouble, None
        try:
            if trouble is not None:
                raise trouble
        finally:
            del trouble  # its traceback keeps this frame

    # ------------------------------------------------------------------ yielding

    def results(self, until: float) -> Iterator[T]:
        """Yield the results in order, and raise an error at its turn."""
        bounded = self.buffersize is not None
        try:
            while (chunk := self.head(until)) is not None:
                parts = self.parts(chunk, until)
                del chunk
                while parts:
                    if type(parts[-1]) is Raised:
                        _raise_last(parts)
                    if bounded:
                        self.draw_next()
                    # The caller gets the only reference that this generator has.
                    yield cast("list[T]", parts).pop()
            self.close()
        finally:
            self.cancel()

    def parts(self, chunk: Chunk, until: float) -> list[object]:
        """Wait for more of the oldest chunk; return it, the last part first."""
        call = chunk.call
        if not call.done():
            fresh = call.parts[chunk.taken :]
            if fresh:
                chunk.taken += len(fresh)
                return fresh[::-1]
            self.hurry()
        seconds = clock.remaining(until)
        try:
            error = call.exception(None if seconds == clock.NO_LIMIT else seconds)
        except CancelledError as cancelled:
            error = cancelled
        except TimeoutError:
            if call.done() or len(call.parts) > chunk.taken:
                return []  # just now: look again
            raise TimeoutError(LATE) from None
        try:
            return self._outcomes(chunk, error)
        finally:
            del error  # its traceback keeps this frame

    def _outcomes(self, chunk: Chunk, error: BaseException | None) -> list[object]:
        """Take the oldest chunk, which is done; return what of it was not yielded."""
        self.learn(chunk)
        self.chunks.popleft()
        parts = chunk.call.parts
        if error is not None:
            if chunk.count > 1 and not parts and is_problem(error, "unpickling the arguments"):
                self._halve(chunk)
                return []
            if len(parts) < chunk.count:  # else it has said all, and died after that
                parts = [*parts, Raised(error)]
        del parts[: chunk.taken]
        parts.reverse()
        self.fill()
        return parts

    def _halve(self, chunk: Chunk) -> None:
        """Submit the two halves of a chunk that its process could not read."""
        try:
            again = [each for half in _halves(chunk.items) for each in self.sent(half)]
            self.chunks.extendleft(reversed(again))
        except BaseException as error:  # the rest cannot be yielded without these
            self.cancel()
            self.trouble = error


def error_of(call: ChunkCall) -> BaseException | None:
    """Return why a chunk that is done has failed; None if it has not."""
    try:
        return call.exception(0)
    except (CancelledError, TimeoutError) as error:
        return error


def _is(call: ChunkCall, doing: str) -> bool:
    error = error_of(call)
    return error is not None and is_problem(error, doing)


def _halves(items: list[Args]) -> tuple[list[Args], list[Args]]:
    middle = (len(items) + 1) // 2
    return items[:middle], items[middle:]


def _raise_last(parts: list[object]) -> NoReturn:
    error = cast("Raised", parts.pop()).error
    parts.clear()  # the traceback keeps the caller's frame, which must not keep these
    try:
        raise error
    finally:
        del error
