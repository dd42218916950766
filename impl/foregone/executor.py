"""What all executors share: ``map``, the ``with`` block, and the abstract methods.

``map`` keeps its executor alive and what it could not submit in mind; model:
``tla/Map.tla``.
"""

import concurrent.futures
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import Generic, ParamSpec, TypeVar

from foregone import clock
from foregone.errors import TimeoutError
from foregone.future import Future

P = ParamSpec("P")
T = TypeVar("T")


class Executor(concurrent.futures.Executor):
    """An abstract executor: subclasses say how ``submit`` runs a call."""

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """Submit ``fn(*args, **kwargs)`` and return the future of it.

        Raises NotImplementedError here; subclasses raise RuntimeError when they take no
        more calls, and then the call never runs.
        """
        raise NotImplementedError

    def map(
        self,
        fn: Callable[..., T],
        *iterables: Iterable[object],
        timeout: float | None = None,
        chunksize: int = 1,
        buffersize: int | None = None,
    ) -> Iterator[T]:
        """Return an iterator over ``fn`` of each tuple of items, in order.

        ``timeout`` is in seconds from this call; None sets no limit.  ``chunksize`` matters
        to process pools only.  ``buffersize`` bounds how many calls are submitted and not
        yet yielded; None submits them all at once.  The iterator raises what a call raised,
        at its turn, TimeoutError when the time is over, and RuntimeError when the executor
        was shut down before all calls were submitted, after all results of those that were.
        Raises TypeError and ValueError for wrong arguments.  Source: the seed, CPython's
        documentation up to 3.15, ``tla/Map.tla``.
        """
        check_buffersize(buffersize)
        until = clock.deadline(clock.limit(timeout, "map()"))
        calls = _Calls(self, fn, zip(*iterables, strict=False), buffersize)
        calls.fill()
        if calls.trouble is not None and (buffersize is None or not calls.pending):
            calls.close()
        return _results(calls, until)

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Free what the executor holds; here, nothing."""


def check_buffersize(buffersize: int | None) -> None:
    """Raise TypeError or ValueError for what is no size of a buffer."""
    if buffersize is not None and not isinstance(buffersize, int):
        raise TypeError(
            f"buffersize must be an integer or None, not {buffersize!r} "
            f"of type {type(buffersize).__name__}"
        )
    if buffersize is not None and buffersize < 1:
        raise ValueError(f"buffersize must be None or > 0, not {buffersize}")


def check_observer(observer: object) -> None:
    """Raise TypeError for what cannot be told of events."""
    if observer is not None and not callable(observer):
        raise TypeError(
            f"observer must be a callable that takes a list of events, or None, not {observer!r}: "
            f'pass foregone.JSONLines("calls.jsonl"), say'
        )


class _Calls(Generic[T]):
    """The calls of one ``map``: those submitted, and those still to come."""

    __slots__ = ("buffersize", "executor", "fn", "items", "pending", "trouble")

    def __init__(
        self,
        executor: Executor,
        fn: Callable[..., T],
        items: Iterator[tuple[object, ...]],
        buffersize: int | None,
    ) -> None:
        self.executor: Executor | None = executor  # None: there is nothing left to submit
        self.fn = fn
        self.items = items
        self.buffersize = buffersize
        self.pending: deque[Future[T]] = deque()
        self.trouble: BaseException | None = None

    def fill(self) -> None:
        """Submit as many calls as there is room for; remember why no more can be."""
        executor = self.executor
        if executor is None:
            return
        room = None if self.buffersize is None else self.buffersize - len(self.pending)
        try:
            for args in islice(self.items, room):
                self.pending.append(executor.submit(self.fn, *args))
        except BaseException as error:
            self.trouble = error
        if self.trouble is not None or len(self.pending) != self.buffersize:
            self.executor = None  # who only reads results does not keep threads

    def cancel(self) -> None:
        """Cancel every call that was not yielded."""
        while self.pending:
            self.pending.pop().cancel()

    def close(self) -> None:
        """Cancel every call that was not yielded; raise why others were not submitted."""
        self.cancel()
        trouble, self.trouble = self.trouble, None
        try:
            if trouble is not None:
                raise trouble
        finally:
            del trouble  # its traceback keeps this frame


def _results(calls: _Calls[T], until: float) -> Iterator[T]:
    try:
        while calls.pending:
            # No local name: an error's traceback keeps this frame.
            result = [_result(calls.pending[0], until)]
            calls.pending.popleft()
            calls.fill()
            # The caller gets the only reference that this generator has.
            yield result.pop()
        calls.close()
    finally:
        calls.cancel()


def _result(future: Future[T], until: float) -> T:
    seconds = clock.remaining(until)
    try:
        return future.result(None if seconds == clock.NO_LIMIT else seconds)
    except TimeoutError:
        if future.done():
            raise  # the call's own
        raise TimeoutError("map(): the time is over and the next result is not there") from None
    finally:
        del future  # an exception's traceback keeps this frame
