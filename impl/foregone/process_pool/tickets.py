"""Tickets: who has won a call, the parent or a process; and the freeing of slots.

The race of ``cancel()`` with a process, thread by thread: (1) the parent finds the call
IN_SLOT, tries the slot's ticket and writes down what came of it, in one step; (2) the
process tries the same ticket before it looks at the call.  One of them wins.  If the
parent wins, the call's place says so before anybody else can look, and the process
will drop the frame.  If it loses, the place is CLAIMED, the future is told that it
runs, and ``cancel()`` fails.  Nobody else tries a ticket that the parent has won: only
a call that is IN_SLOT is tried, and it is not any more.

A ticket is tried, read and posted inside a step: the iterator that does it is made
before, and driven by an unpacking, where the interpreter handles no signal.  A slot is
free, and its ticket posted again, once the answer to its frame was read, not before.

Who has taken a call to cancel it ends its future next.  In between the call is among those
that leave: the local worker ends them too, before it ends itself (``ending.py``).

Owner: the pool, under its lock.  Model: ``tla/ClaimTickets.tla``.
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from foregone import observer
from foregone.process_pool.call_queue import CallQueue
from foregone.process_pool.wire import DEPTH
from foregone_spec.future import Command
from foregone_spec.work_item import TRANSITIONS, UNCLAIMED, Event, Place

if TYPE_CHECKING:
    from foregone.process_pool.rooms import Pool
    from foregone.process_pool.work_items import AnyCall

_IN_SLOT: Final = Place.IN_SLOT
_CANCEL, _CLAIM, _RECALL = Event.CANCEL, Event.CLAIM, Event.RECALL
_NEVER: Final[Iterator[bool]] = iter(())

#: What the future of a call is told that is known to be claimed.
START: Final = TRANSITIONS[_IN_SLOT][_CLAIM].command or Command.SET_RUNNING_OR_NOTIFY_CANCEL


def take(pool: "Pool", call: "AnyCall", event: Event) -> bool:
    """Give ``event`` to ``call`` unless it is claimed: cancel, fail, recall or withdraw.

    Return True if no process has begun the call, and none will because of this.  Where
    a process has, the call is CLAIMED and its future told.
    """
    entry = iter((call,))
    leaves: set[AnyCall] = {call} if event is _CANCEL else set()
    while True:
        queue, serial = call._queue, call._serial
        attempt = _NEVER if queue is None else queue.attempt(serial)
        elsewhere = won = False
        with pool.lock:
            place = call._place
            if place is not _IN_SLOT and place in UNCLAIMED: pool.leaving |= leaves  # fmt: skip
            if place is not _IN_SLOT: call._place = TRANSITIONS[place][event].after  # fmt: skip
            elif queue is None or call._queue is not queue or call._serial != serial: elsewhere = True  # fmt: skip
            else:
                (won,) = attempt
                call._place = TRANSITIONS[place][event if won else _CLAIM].after
                if won: queue.ring[serial % DEPTH] = None; queue.left += 1; queue.bytes -= call._size; call._queue = None  # fmt: skip
                if won: pool.leaving |= leaves  # fmt: skip
                if won and event is _RECALL: pool.recalled += entry  # fmt: skip
            if observer.log is not None and not elsewhere: observer.log += (("Take", pool, call, event, place, won),)  # fmt: skip
        if elsewhere:
            continue
        if place is _IN_SLOT and not won:
            call._decide(START)
        taken = won or (place in UNCLAIMED and place is not _IN_SLOT)
        if taken and event is not _RECALL:
            call._frames = ()
        return taken


def notice(pool: "Pool", call: "AnyCall") -> bool:
    """Look whether a process has claimed a call that is in a slot; return whether."""
    queue, serial = call._queue, call._serial
    if queue is None:
        return False
    look = queue.look(serial)
    claimed = False
    with pool.lock:
        if call._place is _IN_SLOT and call._queue is queue and call._serial == serial:
            (there,) = look
            if there == 0: claimed = True; call._place = TRANSITIONS[_IN_SLOT][_CLAIM].after  # fmt: skip
        if observer.log is not None and claimed: observer.log += (("Notice", pool, call),)  # fmt: skip
    if claimed:
        call._decide(START)
    return claimed


def free(pool: "Pool", queue: CallQueue) -> "AnyCall | None":
    """Free the oldest slot, whose answer was read; return its call, which was CLAIMED, if any.

    Raises ValueError, and does nothing, if it was not: its ticket is there.
    """
    serial = queue.head
    posting = queue.post(serial)
    with pool.lock:
        (_,) = posting
        call = queue.ring[serial % DEPTH]
        if call is not None and call._place is _IN_SLOT: call._place = TRANSITIONS[_IN_SLOT][_CLAIM].after  # fmt: skip
        queue.ring[serial % DEPTH] = None; queue.head += 1; queue.stands = False; pool.room += 1  # fmt: skip
        if queue.ended: pool.room -= 1  # fmt: skip
        if call is not None: queue.bytes -= call._size; call._queue = None  # fmt: skip
        if observer.log is not None: observer.log += (("Free", pool, queue, serial, call),)  # fmt: skip
    return call


def left(pool: "Pool", call: "AnyCall") -> None:
    """Learn that the future of a call that was taken has ended."""
    leaves = {call}
    with pool.lock:
        pool.leaving -= leaves


def close(pool: "Pool", queue: CallQueue) -> None:
    """Offer nothing to a process any more."""
    with pool.lock:
        if not queue.ended: queue.ended = True; pool.alive -= 1; pool.room -= DEPTH - (queue.tail - queue.head)  # fmt: skip
        if observer.log is not None: observer.log += (("Close", pool, queue),)  # fmt: skip


def remove(pool: "Pool", queue: CallQueue) -> None:
    """Forget a process that has ended and was closed."""
    fresh = tuple(each for each in pool.queues if each is not queue)
    with pool.lock:
        pool.queues = fresh
        if observer.log is not None: observer.log += (("Remove", pool, queue),)  # fmt: skip
