"""A submitted call and its future, as it stands with the cluster.

``_place`` is where the call is, from ``foregone_spec.work_item``, in the process pool's sense:
WAITING here, IN_SLOT where it was offered to the cluster and may be claimed there, RECALLED
where the cluster has dropped it, nobody can claim it, and it will be offered again, CLAIMED by
a worker, SETTLED.  It changes under the pool's lock only, in ``rooms.py``.

Where the cluster keeps claims, ``cancel()`` asks the scheduler, which alone knows whether a
worker was first.  Where it keeps none, a call is CLAIMED when it is offered: nobody could
say any more that it has not begun.
"""

from typing import TYPE_CHECKING, Any, Final, TypeAlias, TypeVar

from foregone.errors import CancelledError
from foregone.future import OwnedFuture
from foregone_spec.future import Command, State
from foregone_spec.work_item import TRANSITIONS, Event, Place

if TYPE_CHECKING:
    from foregone.dask.rooms import Pool

T = TypeVar("T")

_PENDING, _RUNNING = State.PENDING, State.RUNNING
_WAITING, _CLAIMED, _SETTLED = Place.WAITING, Place.CLAIMED, Place.SETTLED

#: What a future is told when its call is known to be claimed, from the table.
START: Final = TRANSITIONS[_WAITING][Event.CLAIM].command or Command.SET_RUNNING_OR_NOTIFY_CANCEL

#: Why a future fails whose call was cancelled after somebody else had set it running.
NEVER: Final = "cancelled before a worker claimed it"


class Call(OwnedFuture[T]):
    """A call that was submitted to a Dask executor."""

    __slots__ = (
        "_data",  # what is sent, as long as it may have to be sent (again)
        "_id",  # the work id: calls are numbered as they are accepted, from 1; 0 until then
        "_name",  # what the function is called
        "_number",  # calls are numbered as they are offered, anew each time; 0 until then
        "_place",
        "_pool",
        "_worker",  # the address of the one that has claimed it, as far as it is known
    )

    _data: bytes
    _id: int
    _name: str
    _number: int
    _place: Place
    _pool: "Pool"
    _worker: str

    def __init__(self, pool: "Pool", name: str, data: bytes) -> None:
        super().__init__()
        self._pool = pool
        self._name = name
        self._data = data
        self._place = _WAITING
        self._id = self._number = 0
        self._worker = ""

    def running(self) -> bool:
        """Return True if a worker has claimed the call: it cannot be cancelled any more.

        Asks the scheduler if that is not known yet, and waits for what it says.
        """
        if self._now is _PENDING:
            self._pool.look(self)
            if self._place is _CLAIMED and self._now is _PENDING:
                self._decide(START)
        return self._now is _RUNNING

    def cancel(self) -> bool:
        """Cancel the call unless a worker has claimed it; return whether it is cancelled.

        Asks the scheduler once the call was offered, and waits for what it says.  False where
        nobody can be asked: in the thread of the client's event loop, and without a scheduler.
        Everybody who waits is told before this returns, and the call never begins.
        """
        taken = self._now is _PENDING and self._pool.take(self)
        if self._place is _CLAIMED and self._now is _PENDING:
            self._decide(START)
        if not taken and self not in self._pool.taken and self._now is _PENDING:
            return False  # nobody knows, or the local worker is about to end it otherwise
        try:
            cancelled = self._obey(self._cancel_as, loud=True).reply is True
            if taken and not cancelled and self._now is _RUNNING:
                # Somebody else had set it running: it never will be, so this is its end.
                self._obey(Command.SET_EXCEPTION, None, CancelledError(NEVER))
        finally:
            if taken and self.done():  # else a Ctrl-C came, and the local worker ends it
                self._pool.left(self)
        return cancelled


class ChunkCall(Call[list[object]]):
    """Several calls of one function that travel together, as one task and under one claim.

    ``parts`` has the outcome of each, results or ``Raised``, and ``seconds`` is how long the
    worker took for all, once it has returned: what a worker that died had done of it nobody knows.
    """

    __slots__ = ("_size", "parts", "seconds")

    _size: int
    parts: list[object]
    seconds: float

    def __init__(self, pool: "Pool", name: str, data: bytes) -> None:
        super().__init__(pool, name, data)
        self._size = len(data)
        self.parts = []
        self.seconds = 0.0


#: What rooms hold that serve all calls.
AnyCall: TypeAlias = Call[Any]  # each with a result of its own type, which the caller knows
