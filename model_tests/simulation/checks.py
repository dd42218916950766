"""What must hold of the parent's state: after each step, while it sleeps, at the end."""

from typing import TYPE_CHECKING

from foregone.process_pool.call_queue import CallQueue
from foregone_spec.lifecycle import RUNS_QUEUED, Phase
from foregone_spec.work_item import UNCLAIMED, Place
from model_tests.simulation.child import Waits
from model_tests.simulation.primitives import Poller, Violation
from model_tests.simulation.process import LIVES, Process

if TYPE_CHECKING:
    from model_tests.simulation.world import World


def process_of(queue: CallQueue) -> Process:
    """Return the simulated process of a queue."""
    if not isinstance(queue.process, Process):
        raise TypeError(queue.process)
    return queue.process


def consistent(world: "World") -> None:
    """Check the rings, the tickets, and what is counted: it holds after each step."""
    pool, depth = world.pool, world.settings.depth
    room = 0
    for queue in pool.queues:
        load = queue.tail - queue.head
        if not queue.ended:
            room += depth - load
        if not 0 <= load <= depth:
            raise Violation("BoundedCallQueue", f"{load} frames of {depth} in {queue.process}")
        size = 0
        for serial in range(queue.tail - depth, queue.tail):
            call = queue.ring[serial % depth]
            there = process_of(queue).tickets[serial % depth].value
            if call is None:
                free = serial < queue.head
                if bool(there) is not free:
                    raise Violation("Tickets", f"slot {serial} of {queue.process}: {there}")
            elif call._place is Place.SETTLED and pool.phase is Phase.BROKEN:
                size += call._size
            elif serial < queue.head or call._queue is not queue or call._serial != serial:
                raise Violation("RightCall", f"{call!r} is in slot {serial} of {queue.process}")
            elif call._place not in (Place.IN_SLOT, Place.CLAIMED):
                raise Violation("InOneRoomOnly", f"{call!r} is {call._place} and in a slot")
            else:
                size += call._size
        if size != queue.bytes:
            raise Violation("BoundedCallQueue", f"{size} bytes, counted {queue.bytes}")
        if pool.max_tasks is not None and not 0 <= queue.left <= pool.max_tasks:
            raise Violation("BoundedCallQueue", f"{queue.process} may be sent {queue.left}")
    if sum(not each.ended for each in pool.queues) != pool.alive:
        raise Violation("Capacity", f"{pool.alive} processes are counted")
    if room != pool.room + pool.held:
        raise Violation("BoundedCallQueue", f"{room} slots are free, counted {pool.room}")


def unclaimed(world: "World", queue: CallQueue) -> int:
    """Return how many calls of a queue no process has claimed."""
    held = world.truth.holders
    return sum(
        call is not None and call._place is Place.IN_SLOT and call not in held
        for call in queue.ring
    )


def waiting(world: "World") -> int:
    """Return how many calls of Work Ids have not ended."""
    pool = world.pool
    return sum(each._place in UNCLAIMED for each in (*pool.recalled, *pool.waiting))


def sleeping(world: "World", poller: Poller, *, patient: bool) -> None:
    """Check what must hold when the local worker goes to sleep; ``patient``: for ever."""
    pool, worker = world.pool, world.worker
    for process in world.processes:
        if process.liar and not (process.to_parent or process.doomed) and process.stage == LIVES:
            raise Violation("Containment", f"{process} has lied, and lives")
        if not process.buried and process.watch not in poller.watched:
            raise Violation("WatchedSet", f"{process} is not watched")
        if (
            not process.buried
            and process.lane in worker.lanes
            and process.lane not in poller.watched
        ):
            raise Violation("WatchedSet", f"the lane of {process} is not watched")
    ids = [each._number for each in (*pool.recalled, *pool.waiting) if each._place in UNCLAIMED]
    if ids != sorted(ids):
        raise Violation("WorkIdsInOrder", f"{ids}")
    if pool.phase is Phase.BROKEN:
        for queue in pool.queues:
            process = process_of(queue)
            if not queue.ended or (process.stage == LIVES and not process.doomed):
                raise Violation("Resolution", f"the pool is broken, and {process} goes on")
    if pool.phase in RUNS_QUEUED and not pool.pausing:
        most = max((unclaimed(world, each) for each in pool.queues), default=0)
        for queue in pool.queues:
            if most > 1 and _load(queue) == 0 and queue.left and not queue.ended:
                seen = f"{queue.process} has nothing, another has {most} that it has not begun"
                raise Violation("NoProcessIdles", seen)
    if worker._due:
        raise Violation("Notification", f"{worker._due} are not told")
    for queue in pool.queues:
        written = queue.ended or not (queue.outbox or queue.batch is not None)
        if not written and not (queue.blocked and poller.watched.get(queue.process.lane)):
            raise Violation("Resolution", f"nobody goes on writing to {queue.process}")
    if patient:
        _asleep(world)


def _load(queue: CallQueue) -> int:
    return queue.tail - queue.head


def _asleep(world: "World") -> None:
    pool = world.pool
    if pool.pausing:
        raise Violation("Resolution", "a Ctrl-C is being decided, for ever")
    waits = waiting(world)
    if pool.phase not in RUNS_QUEUED:
        if waits or any(unclaimed(world, each) for each in pool.queues):
            raise Violation("Resolution", "there are calls that will never run, and have not ended")
        return
    _enough(world)
    alive = [each for each in pool.queues if not each.ended]
    for queue in alive:
        used = queue.tail - queue.head
        full = used == world.settings.depth or (used and queue.bytes >= world.settings.bytes)
        dropping = used > len(queue.ring) - queue.ring.count(None)  # and then it is offered more
        if waits and not full and queue.left and not queue.stands and not dropping:
            raise Violation("NoProcessIdles", f"{waits} calls wait, {queue.process} has room")
        if not used and queue.left and any(unclaimed(world, each) for each in alive):
            raise Violation("NoProcessIdles", f"{queue.process} has nothing, others have more")
    if pool.phase is not Phase.OPEN and not waits and not any(map(_load, pool.queues)):
        for queue in pool.queues:
            if not queue.told:
                seen = f"{queue.process} is not told to end: {world.positions()}"
                raise Violation("Resolution", seen)


def _enough(world: "World") -> None:
    """Check that there is a process for each call, as far as there may be."""
    pool = world.pool
    alive = [each for each in pool.queues if not each.ended]
    calls = waiting(world) + sum(len(each.ring) - each.ring.count(None) for each in alive)
    dying = sum(each.ended and not each.told for each in pool.queues)
    if pool.grows and len(alive) + dying < min(pool.limit, calls):
        raise Violation("Capacity", f"{len(alive)} processes for {calls} calls")


def idle(world: "World") -> None:
    """Check, when ticks have passed and nobody can go on, that no process idles."""
    pool = world.pool
    if pool.phase not in RUNS_QUEUED or pool.pausing:
        return
    _enough(world)
    left = waiting(world) + sum(unclaimed(world, each) for each in pool.queues)
    for queue in pool.queues:
        process = process_of(queue)
        if queue.ended or not left or not queue.left:
            continue
        reads = process.waits is Waits.DATA and process.stage == LIVES
        if reads and process.was_ready and not process.stopped and queue.tail == queue.head:
            raise Violation("NoProcessIdles", f"{process} idles, and {left} calls are not claimed")


def finished(world: "World") -> None:
    """Check that nothing is left at the end."""
    pool, worker = world.pool, world.worker
    for process in world.processes:
        if not process.buried:
            raise Violation("NothingLeft", f"{process} is not buried")
    for what in (pool.queues, worker.lanes, worker.watches, worker._due, worker._closers):
        if what:
            raise Violation("NothingLeft", f"{what!r}")
    if isinstance(worker.poller, Poller) and not worker.poller.closed:
        raise Violation("NothingLeft", "the poller is open")
    if world.threads and not worker.ended and world.worker.thread is not None:
        raise Violation("NothingLeft", "the local worker has not ended")
    for waiter in world.clients.waiters:
        if waiter.told != 1:
            raise Violation("Notification", f"{waiter.call!r}: told {waiter.told} times")
