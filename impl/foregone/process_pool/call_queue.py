"""The Call Q of one process: a ring of slots, each with its ticket, and what is sent.

The n-th frame that asks for an answer is in slot n % DEPTH; head and tail count frames,
so slots between them are in use.  A slot is free again once its answer was read.

Filling a slot and queueing its frame is one step, so frames leave in the order of their
serials.  Writing is apart, under a lock of its own that is held over one system call
which never waits: the call and the record of what it wrote are one step (an iterator
is driven by an unpacking, where the interpreter handles no signal), so whoever is
interrupted leaves nothing half done, and anybody may go on in his place.

Owner: the pool (``rooms.py``), under its lock, but for ``batch``, ``offset`` and
``blocked``: the writers, under ``lock``.  Order of locks: the pool's, then none.
Model: ``tla/ClaimTickets.tla``.
"""

from collections.abc import Iterator, Sequence
from itertools import starmap
from typing import TYPE_CHECKING, Final

from foregone import sync
from foregone.process_pool.ports import Process, Ticket
from foregone.process_pool.wire import DEPTH, VECTOR, Buffer, Reader, rest, size

if TYPE_CHECKING:
    from foregone.process_pool.work_items import AnyCall

#: How many bytes it may have, if it has one frame at least.
BYTES: Final = 1 << 20

_NOT_BLOCKING: Final = (False,)
_NO_ARGUMENTS: Final[tuple[tuple[()], ...]] = ((),)


class CallQueue:
    """The slots of one process, and the frames on their way to it."""

    __slots__ = (
        "batch",  # the pieces that are being written
        "blocked",  # the lane is full: the local worker goes on when it is not
        "bytes",  # how many bytes the frames in the slots are
        "ended",  # the process has said its last answer, or was told to end
        "gone",  # the lane is closed: its descriptor may be somebody else's now
        "head",  # how many answers were read
        "left",  # how many calls the process may still be sent; -1: any number
        "lock",
        "offset",  # how many bytes of the batch were written
        "outbox",  # the pieces that wait for the batch to be written
        "paused",  # the process claims nothing until it is told to
        "process",
        "reader",
        "ready",  # the process has run its initializer
        "refusal",  # what the initializer raised
        "ring",
        "stands",  # nothing was answered between two looks: it is offered nothing
        "stood",  # the head at the last look, -1 if nothing was to be answered
        "tail",  # how many frames were sent that ask for an answer
        "tickets",
        "told",  # its end is expected: it was told to end, or has said so
        "waited",  # the local worker is told when the lane is not full any more
    )

    batch: Sequence[Buffer] | None
    blocked: bool
    bytes: int
    ended: bool
    gone: bool
    head: int
    left: int
    lock: sync.Lock
    offset: int
    outbox: list[Buffer]
    paused: bool
    process: Process
    reader: Reader
    ready: bool
    refusal: BaseException | None
    stands: bool
    stood: int
    tail: int
    tickets: Sequence[Ticket]
    told: bool
    waited: bool
    ring: "list[AnyCall | None]"

    def __init__(self, process: Process, left: int) -> None:
        self.process = process
        self.reader = Reader(process.lane, process.read, process.readv)
        self.tickets = process.tickets
        self.ring = [None] * DEPTH
        self.head = self.tail = self.bytes = self.offset = 0
        self.left = left
        self.stood = -1
        self.refusal = None
        self.ended = self.told = self.ready = self.paused = False
        self.blocked = self.waited = self.stands = self.gone = False
        self.outbox = []
        self.batch = None
        self.lock = sync.new_lock()

    def attempt(self, serial: int) -> Iterator[bool]:
        """Return what tries the ticket of a slot, once, when it is driven."""
        return map(self.tickets[serial % DEPTH].acquire, _NOT_BLOCKING)

    def look(self, serial: int) -> Iterator[int]:
        """Return what reads the value of a ticket, once, when it is driven."""
        return starmap(self.tickets[serial % DEPTH]._get_value, _NO_ARGUMENTS)

    def post(self, serial: int) -> Iterator[None]:
        """Return what posts the ticket of a slot, once, when it is driven."""
        return starmap(self.tickets[serial % DEPTH].release, _NO_ARGUMENTS)

    def leave(self) -> None:
        """Write no more: the lane is about to be closed."""
        with self.lock:
            self.gone = True

    def flush(self, pool_lock: sync.Lock) -> bool:
        """Write what is queued, as far as the lane takes it; return False if it is full."""
        process = self.process
        while True:
            fresh: list[Buffer] = []
            with pool_lock:
                if self.batch is None and self.outbox: self.batch = self.outbox; self.outbox = fresh; self.offset = 0  # fmt: skip
                batch = self.batch; offset = self.offset  # fmt: skip
            if batch is None or self.gone:
                return True
            total = size(batch)
            pieces = rest(batch, offset) if offset or len(batch) > VECTOR else batch
            writing = map(process.write, (process.lane,), (pieces,))
            try:
                with self.lock:
                    if self.batch is batch and self.offset == offset and not self.gone: (count,) = writing; offset += count; self.offset = offset  # fmt: skip
                    if self.batch is batch and self.offset == total: self.batch = None  # fmt: skip
            except BlockingIOError:
                self.blocked = True
                return False
            except OSError:  # nobody reads any more: the death will be seen
                return True
