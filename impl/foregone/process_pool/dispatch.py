"""Which call goes where: refill, recall, and the bound on overtaking.

All that is here is done by the local worker, from steps of ``rooms.py``; who submits
only ever offers the oldest call, so nothing here can be undone by him.

1. *Refill*: Work Ids go to the processes, oldest first, evenly.
2. *Steal*: a process that has nothing while another has several gets half of what that
   one has not claimed, oldest first.
3. *Stand*: a lane in which nothing was answered between two looks stands: its process
   runs something long, or is stopped.  It is offered nothing, and what is unclaimed in
   it is recalled, if the lane of another process does not stand.
4. *Advance*: a call is offered only while it is within ``overtaken`` of the oldest call
   that is not claimed; where that one stands in a slot, others idle, and steal it.  The
   oldest unclaimed number only grows, so a horizon once computed stays right.

Model: NoProcessIdles and OvertakenByFew of ``tla/ClaimTickets.tla``.
"""

from collections import deque
from collections.abc import Iterable
from itertools import pairwise
from typing import TYPE_CHECKING, Final

from foregone.process_pool.call_queue import CallQueue
from foregone.process_pool.tickets import notice, take
from foregone.process_pool.wire import DEPTH
from foregone.process_pool.work_items import AnyCall
from foregone_spec.lifecycle import Phase
from foregone_spec.work_item import Event, Place

if TYPE_CHECKING:
    from foregone.process_pool.rooms import Pool

_IN_SLOT, _CLAIMED = Place.IN_SLOT, Place.CLAIMED
_RECALL: Final = Event.RECALL
#: Where no process is of use any more.
_UNTENABLE: Final = (Phase.BROKEN, Phase.FORKED)


def load(queue: CallQueue) -> int:
    """Return how many slots of ``queue`` are in use."""
    return queue.tail - queue.head


def unclaimed(queue: CallQueue) -> list[AnyCall]:
    """Return the calls of ``queue`` that are not known to be claimed, in slot order."""
    found: list[AnyCall] = []
    for serial in range(queue.head, queue.tail):
        call = queue.ring[serial % DEPTH]
        if call is not None and call._place is _IN_SLOT:
            found.append(call)
    return found


def refill(pool: "Pool") -> None:
    """Offer what waits, evenly, to who has least first, as far as there is room."""
    queues = sorted((each for each in pool.queues if not each.stands), key=load)
    while queues and pool.room > 0 and (pool.waiting or pool.recalled):
        even = level(list(map(load, queues)), len(pool.waiting) + len(pool.recalled))
        for most in (min(even, DEPTH), DEPTH):  # the rest: not every lane takes its share
            for queue in queues:
                while queue.tail - queue.head < most and pool.offer(queue):
                    pass
        if not advance(pool):
            return


def level(loads: list[int], more: int) -> int:
    """Return how full lanes are, at most, when ``more`` are poured in; ``loads`` ascend."""
    poured, reached = more, 0
    for count, here in enumerate(loads, start=1):
        poured += here
        reached = -(-poured // count)
        if reached <= min(loads[count:], default=reached):
            break
    return reached


def advance(pool: "Pool") -> bool:
    """Let the horizon follow the oldest unclaimed call; return whether more may be offered.

    Where that one stands in a lane, others come to an end of what they may be offered;
    then it is stolen, or recalled because its lane stands.
    """
    before, ahead = pool.horizon, next_number(pool)
    if ahead is None or ahead <= before:
        return False
    there = [call for queue in pool.queues for call in unclaimed(queue)]
    numbers = [call._number for call in there if not notice(pool, call)]
    pool.horizon = max(before, min([ahead, *numbers]) + pool.overtaken)
    return pool.horizon > before


def next_number(pool: "Pool") -> int | None:
    """Return the number of the oldest call of Work Ids, or None."""
    for queue in (pool.recalled, pool.waiting):
        if queue:
            try:
                return queue[0]._number
            except IndexError:  # just now
                pass
    return None


def recall(pool: "Pool", calls: Iterable[AnyCall], most: int | None = None) -> int:
    """Take ``calls`` back to the front of Work Ids, in order; return how many came."""
    came = 0
    for call in calls:
        if most is not None and came >= most:
            break
        if take(pool, call, _RECALL):
            came += 1
    if came:
        arrange(pool)
    return came


def arrange(pool: "Pool") -> None:
    """Bring what was recalled into the order in which it was accepted."""
    while True:
        seen = pool.recalled
        here = tuple(seen)
        if all(one._number < other._number for one, other in pairwise(here)):
            return
        fresh = deque(sorted(here, key=lambda call: call._number))
        with pool.lock:
            if pool.recalled is seen and seen and pool.recalled[0] is here[0] and pool.recalled[-1] is here[-1]: pool.recalled = fresh; return  # fmt: skip


def spare(pool: "Pool", queue: CallQueue) -> list[AnyCall]:
    """Return the calls that a process will not begin next: another may begin them sooner."""
    calls = unclaimed(queue)
    if calls and not runs(queue):
        if not notice(pool, calls[0]):
            return calls[1:]
        calls = unclaimed(queue)
    return calls


def runs(queue: CallQueue) -> bool:
    """Say whether a process is known to run a call."""
    return any(call is not None and call._place is _CLAIMED for call in queue.ring)


def steal(pool: "Pool") -> bool:
    """Recall calls for processes that have none; return whether any came."""
    ahead = next_number(pool)
    if ahead is not None and ahead <= pool.horizon:
        return False
    came = 0
    for idle in pool.queues:
        if idle.tail == idle.head and idle.left and not idle.ended:
            calls = spare(pool, max(pool.queues, key=load))
            for queue in pool.queues:
                if not calls and load(queue) > 1:
                    calls = spare(pool, queue)
            if not calls:
                break
            came += recall(pool, calls, -(-len(calls) // 2))
    return bool(came)


def spread(pool: "Pool") -> None:
    """Steal for those who have nothing, and offer it; again if it was cancelled on its way."""
    for _ in pool.queues:
        if not steal(pool):
            return
        refill(pool)


def look(pool: "Pool") -> bool:
    """Find lanes that stand still; recall what is unclaimed in them, if another does not."""
    came = 0
    moves = False
    for queue in pool.queues:
        queue.stands = queue.stood == queue.head and queue.tail > queue.head
        queue.stood = queue.head if queue.tail > queue.head else -1
        moves = moves or (queue.ready and not queue.ended and not queue.stands)
    for queue in pool.queues:
        calls = unclaimed(queue)
        if calls and not runs(queue) and notice(pool, calls[0]):
            calls = calls[1:]
        if calls and queue.stands and moves:
            came += recall(pool, calls)
    return bool(came)


def unsure(pool: "Pool") -> bool:
    """Say whether to look again by the clock, since nobody need tell.

    A process has a call that is not known to be claimed, and may stand still; or a call
    waits for the horizon, and those before it may be cancelled.
    """
    waits = pool.room > 0 and (pool.waiting or pool.recalled)
    return bool(waits) or any(queue.tail > queue.head and unclaimed(queue) for queue in pool.queues)


def lacking(pool: "Pool") -> bool:
    """Say whether there are fewer processes than there is work for."""
    alive = pool.alive
    if alive >= pool.limit or not pool.grows or pool.phase in _UNTENABLE:
        return False
    dying = sum(each.ended and not each.told for each in pool.queues)  # buried soon
    if alive + dying >= pool.limit:
        return False
    pending = len(pool.waiting) + len(pool.recalled)
    sent = (DEPTH - each.ring.count(None) for each in pool.queues if not each.ended)
    return pending + sum(sent) > alive
