"""Result Q: what a process answers, and what becomes of it.

Answers come in the order of the frames that they answer, and echo their serial; one
that does not fit ends the process, since nothing it says can be believed any more.
What is read is unpickled here, with no lock held; if that fails, it is the call's
outcome, and nobody else's (M16).  Done by the local worker only.

Model: Answer of ``tla/ProcessPool.tla``; ReadAnswer of ``tla/ClaimTickets.tla``.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final, cast

from foregone.process_pool import burial, wire
from foregone.process_pool.call_queue import CallQueue
from foregone.process_pool.outcomes import Raised, several
from foregone.process_pool.pickling import problem, unpack
from foregone.process_pool.remote_error import thaw
from foregone.process_pool.tickets import close, free, notice
from foregone.process_pool.wire import DEPTH
from foregone.process_pool.work_items import AnyCall, ChunkCall
from foregone_spec.work_item import TRANSITIONS, Event, Place

if TYPE_CHECKING:
    from foregone.process_pool.local_worker import LocalWorker

#: Seconds in which a Ctrl-C must be decided, else the processes go on: where it has hit
#: a call, and where it has not.
GRACE: Final = 1.0
GRACE_IDLE: Final = 0.1

_RESULT: Final = wire.RESULT
_ENDS: Final = (wire.RESULT, wire.RAISED)
_CLAIMED, _IN_SLOT = Place.CLAIMED, Place.IN_SLOT
_ANSWER, _RAISE = Event.ANSWER, Event.RAISE


def read(worker: "LocalWorker", queue: CallQueue) -> bool:
    """Read a lane once; return whether there may be more to read."""
    try:
        frames = queue.reader.read()
    except BlockingIOError:
        return False
    except (EOFError, OSError):
        burial.lost(worker, queue)
        return False
    for frame in frames:
        answer(worker, queue, frame)
    return True


def answer(worker: "LocalWorker", queue: CallQueue, frame: wire.Frame) -> None:
    """Do what an answer asks for."""
    kind, flags, serial, data, buffers = frame
    if kind in _ENDS:
        call = queue.ring[queue.head % DEPTH]
        if call is None or queue.head % wire.SERIALS != serial:
            burial.distrust(worker, queue, f"it answers call {serial}, which it does not have")
            return
        try:
            claimed = free(worker.pool, queue) is not None  # else it was taken back just now
        except ValueError:
            claimed = False
        if not claimed:
            burial.distrust(worker, queue, f"it answers call {serial}, which it did not claim")
            return
        _settle(worker, queue, call, kind == _RESULT, data, buffers)
    elif kind in (wire.PART, wire.PARTS, wire.PART_RAISED):
        _part(worker, queue, kind, serial, data, buffers)
    elif kind == wire.DROPPED:
        if not _fits(queue, serial) or queue.ring[queue.head % DEPTH] is not None:
            burial.distrust(worker, queue, f"it dropped call {serial}, which it was to run")
            return
        free(worker.pool, queue)
    elif kind == wire.READY:
        queue.ready = True
        queue.process.started()
        worker.unready = 0
    elif kind == wire.REFUSED:
        burial.refused(queue, data)
    elif kind == wire.PAUSED:
        worker.pause(queue, GRACE_IDLE)
    else:
        burial.distrust(worker, queue, f"it sent a frame of kind {kind}")
        return
    if flags:
        if flags & wire.LAST:
            close(worker.pool, queue)
            queue.told = True
        if flags & wire.INTERRUPTED:
            worker.pause(queue, GRACE)


def _fits(queue: CallQueue, serial: int) -> bool:
    return queue.head < queue.tail and queue.head % wire.SERIALS == serial


def _settle(
    worker: "LocalWorker",
    queue: CallQueue,
    call: AnyCall,
    returned: bool,
    data: wire.Buffer,
    buffers: Sequence[wire.Buffer],
) -> None:
    event = _ANSWER if returned else _RAISE
    error: BaseException | None = None
    value: object = None
    if not returned:
        error = _thawed(worker, queue, call, data, buffers)
    else:
        try:
            value = _value(worker, call, data, buffers)
        except BaseException as raised:
            event, error = _RAISE, explained(raised, queue, call)
    cell = TRANSITIONS[_CLAIMED][event]
    if cell.command is not None:
        worker.carry(call, call._decide(cell.command, value, error).effects)
    call._place = cell.after
    call._frames = ()


def _value(
    worker: "LocalWorker", call: AnyCall, data: wire.Buffer, buffers: Sequence[wire.Buffer]
) -> object:
    """Return what a call has returned; of a chunk, the outcomes that came before."""
    if isinstance(call, ChunkCall):
        (call.seconds,) = wire.SECONDS.unpack(data)
        return call.parts
    reducer = worker.pool.reducer
    return unpack(data, buffers, reducer) if data or reducer is not None else None


def _part(
    worker: "LocalWorker",
    queue: CallQueue,
    kind: int,
    serial: int,
    data: wire.Buffer,
    buffers: Sequence[wire.Buffer],
) -> None:
    call = queue.ring[queue.head % DEPTH]
    if not _fits(queue, serial) or not isinstance(call, ChunkCall):
        burial.distrust(worker, queue, f"it answers a part of call {serial}, which has none")
        return
    if call._place is _IN_SLOT:
        notice(worker.pool, call)
    taken = queue.ring[queue.head % DEPTH] is not call  # just now, so we have its ticket
    if taken or call._place is _IN_SLOT:  # or it is there
        burial.distrust(worker, queue, f"it answers a part of call {serial}, unclaimed by it")
        return
    if kind == wire.PART_RAISED:
        call.parts.append(Raised(_thawed(worker, queue, call, data, buffers)))
    elif kind == wire.PART:
        _add(worker, queue, call, data, buffers)
    else:
        add_several(worker, queue, call, *several(data))


def add_several(
    worker: "LocalWorker",
    queue: CallQueue,
    call: ChunkCall,
    found: Sequence[object],
    packed: bool = True,
) -> None:
    """Add the outcomes of items that returned; if ``packed``, tuples among them are pickles."""
    if not packed:
        call.parts += found
        return
    for each in found:
        if isinstance(each, tuple):
            _add(worker, queue, call, cast("tuple[bytes]", each)[0])
        else:
            call.parts.append(each)


def _add(
    worker: "LocalWorker",
    queue: CallQueue,
    call: ChunkCall,
    data: wire.Buffer,
    buffers: Sequence[wire.Buffer] = (),
) -> None:
    """Add the outcome of an item that returned."""
    try:
        call.parts.append(unpack(data, buffers, worker.pool.reducer))
    except BaseException as raised:
        call.parts.append(Raised(explained(raised, queue, call)))


def _thawed(
    worker: "LocalWorker",
    queue: CallQueue,
    call: AnyCall,
    data: wire.Buffer,
    buffers: Sequence[wire.Buffer],
) -> BaseException:
    """Return what a process says that a call raised."""
    pid, name = queue.process.pid, f"number {call._number}"
    return thaw(data, buffers, worker.pool.reducer, call=name, pid=pid)


def explained(error: BaseException, queue: CallQueue, call: AnyCall) -> BaseException:
    """Return ``error``, raised by unpickling a result, with a note that says so."""
    where = f"the parent; process {queue.process.pid} had sent it"
    return problem(error, "unpickling the result", f"number {call._number}", where)
