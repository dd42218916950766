"""Work Items: one object is a submitted call and its future.

``_place`` is where the call is, from ``foregone_spec.work_item``; it changes under the
pool's lock only, in ``rooms.py`` and ``call_queue.py``.  What this module does is
tell the future what its place means:

1. A call that is CLAIMED runs: its future is told so before anything else is asked of
   it, so that ``cancel()`` fails.  (A process claims without asking; the parent learns
   of it from the ticket, or from the answer.)
2. A call that ``cancel()`` has taken back never begins, whoever else tried.

Owner of ``_place``, ``_queue``, ``_serial``: the pool, under its lock.  Model:
``tla/ClaimTickets.tla``.
"""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Final, TypeAlias, TypeVar

from foregone.called import call_name
from foregone.errors import CancelledError
from foregone.future import OwnedFuture
from foregone.process_pool import wire
from foregone.process_pool.names import name_of
from foregone.process_pool.pickling import (
    Reducer,
    pack,
    problem,
    without_frames,
)
from foregone.process_pool.tickets import START, left, notice, take
from foregone.process_pool.wire import Buffer
from foregone_spec.future import Command, State
from foregone_spec.work_item import Event, Place

if TYPE_CHECKING:
    from foregone.process_pool.call_queue import CallQueue
    from foregone.process_pool.rooms import Pool

T = TypeVar("T")

_PENDING, _RUNNING = State.PENDING, State.RUNNING
_WAITING, _IN_SLOT, _RECALLED, CLAIMED, SETTLED = Place
_CANCEL: Final = Event.CANCEL

#: Why a future fails whose call was cancelled after somebody else had set it running.
NEVER: Final = "cancelled before a process claimed it"


class Call(OwnedFuture[T]):
    """A call that was submitted to a process pool."""

    __slots__ = (
        "_frames",  # what is sent, as long as it may have to be sent (again)
        "_number",  # calls are numbered as they are accepted
        "_place",
        "_pool",
        "_queue",  # of which process, while it is in a slot
        "_serial",  # in which slot
        "_size",  # of what is sent, in bytes
    )

    _frames: Sequence[Buffer]
    _number: int
    _place: Place
    _pool: "Pool"
    _queue: "CallQueue | None"
    _serial: int
    _size: int

    def __init__(self, pool: "Pool", frames: Sequence[Buffer], size: int) -> None:
        self._now = _PENDING
        self._lock = self._result = self._exception = None
        self._callbacks = self._installed = self._blocked = None
        self._pool = pool
        self._frames = frames
        self._size = size
        self._place = _WAITING
        self._queue = None
        self._serial = self._number = 0

    def running(self) -> bool:
        """Return True if a process has claimed the call: it cannot be cancelled any more."""
        if self._now is _PENDING:
            if self._place is _IN_SLOT:
                notice(self._pool, self)
            if self._place is CLAIMED:
                self._decide(START)
        return self._now is _RUNNING

    def cancel(self) -> bool:
        """Cancel the call unless a process has claimed it; return whether it is cancelled.

        Everybody who waits is told before this returns, and the call never begins.
        """
        taken = self._now is _PENDING and take(self._pool, self, _CANCEL)
        if self._place is CLAIMED and self._now is _PENDING:
            self._decide(START)
        cancelled = self._obey(self._cancel_as, loud=True).reply is True
        if taken and not cancelled and self._now is _RUNNING:
            # Somebody else had set it running: it never will be, so this is its end.
            self._obey(Command.SET_EXCEPTION, None, CancelledError(NEVER))
        if taken:
            left(self._pool, self)
        return cancelled


class ChunkCall(Call[list[object]]):
    """Several calls of one function that travel together; each has its own outcome.

    ``parts`` grows as outcomes come: results, or ``Raised``.  ``seconds`` is
    how long the process took for all of them, known when it has returned.
    """

    __slots__ = ("parts", "seconds")

    parts: list[object]
    seconds: float

    def __init__(self, pool: "Pool", frames: Sequence[Buffer], size: int) -> None:
        super().__init__(pool, frames, size)
        self.parts = []


#: What rooms hold that serve all calls.
AnyCall: TypeAlias = Call[Any]  # each with a result of its own type, which the caller knows


def packed(
    fn: Callable[..., object],
    args: tuple[object, ...],
    kwargs: dict[str, object],
    reducer: Reducer | None,
) -> tuple[Sequence[Buffer], BaseException | None]:
    """Return the frame of a call, or why there is none."""
    try:
        name = None if reducer is not None else name_of(fn)
        if name is None:
            return wire.frame(wire.CALL, *pack((fn, args, kwargs), reducer)), None
        data, buffers = pack((args, kwargs), None)
        return wire.frame(wire.NAMED, data + name, buffers), None
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        return (), _trouble(error, fn)


def packed_chunk(
    fn: Callable[..., object], items: list[tuple[object, ...]], reducer: Reducer | None
) -> tuple[Sequence[Buffer], BaseException | None]:
    """Return the frame of a chunk, or why there is none.

    Items travel as columns, all first arguments together: half the work for a pickler.
    """
    try:
        columns = list(zip(*items, strict=True))
        return wire.frame(wire.CHUNK, *pack((fn, columns), reducer)), None
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        return (), _trouble(error, fn)


def _trouble(error: BaseException, fn: object) -> BaseException:
    name = call_name(fn)
    return problem(without_frames(error), "pickling the arguments", name, "the parent")
