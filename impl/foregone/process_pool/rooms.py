"""The rooms of a process pool: Work Ids, Work Items, the Call Q, and who may be where.

A call is one object (``work_items.py``).  Work Ids are two queues, ``recalled`` before
``waiting``, both in the order in which calls were accepted.  The Call Q is a ring of
slots for each process (``call_queue.py``).  Who submits offers calls himself, where a
process has room; the local worker (``local_worker.py``) does all else.

Each ``with self.lock`` block is one step: no signal handler, finalizer or thread can
come in the middle of it, since it holds no interruption point (see ``future.py``).
Foreign code (pickling, callbacks, the calls) runs with no lock held.

Owner of every field: this module and ``tickets.py``, under ``lock``; ``_ask`` alone
assigns the phase.
Models: ``tla/ProcessPool.tla``, ``tla/ClaimTickets.tla``.
"""

from collections import deque
from collections.abc import Callable
from itertools import count
from typing import Final, Protocol, TypeVar

from foregone import fork, interpreter_exit, observer, sync
from foregone.process_pool import wire
from foregone.process_pool.call_queue import BYTES, CallQueue
from foregone.process_pool.ending import CANCEL, FAIL, WITHDRAW, Carry, discard
from foregone.process_pool.errors import BrokenProcessPool
from foregone.process_pool.local_worker import LocalWorker
from foregone.process_pool.pickling import Reducer
from foregone.process_pool.ports import Process, System
from foregone.process_pool.tickets import take
from foregone.process_pool.wire import DEPTH
from foregone.process_pool.work_items import AnyCall, Call, ChunkCall, packed, packed_chunk
from foregone.registry import Registry
from foregone_spec.future import State
from foregone_spec.lifecycle import RUNS_QUEUED, Phase, Request, accepts
from foregone_spec.lifecycle import TRANSITIONS as LIFECYCLE
from foregone_spec.work_item import TRANSITIONS, UNCLAIMED, Event, Place

T = TypeVar("T")

#: A call is overtaken by at most so many later ones, for each process there may be.
OVERTAKEN: Final = 1024

_OPEN: Final = Phase.OPEN
_IN_SLOT: Final = Place.IN_SLOT
_OFFER: Final = Event.OFFER
_FAIL, _WITHDRAW = Event.FAIL, Event.WITHDRAW
_UNDONE: Final = (State.PENDING, State.RUNNING)

_names: Final = count()


class Drawing(Protocol):
    """A ``map`` that has drawn items from its input and not submitted all of them."""

    def flush(self) -> None:
        """Submit them."""
        ...


class Pool:
    """The state of one process pool, and its steps."""

    __slots__ = (
        "__weakref__",
        "accepted",  # how many calls were accepted
        "alive",  # how many processes are not known to end
        "begun",  # somebody has started the local worker, or is about to
        "broken",  # why, once the pool is broken
        "doom",  # ends a process, once somebody wants all of them ended
        "grows",  # processes are started as calls come
        "held",  # how many slots are free of processes that are offered nothing yet
        "horizon",  # no call with a higher number is offered yet
        "leaving",  # calls that were taken to be cancelled, whose futures may not have ended
        "limit",  # how many processes there may be
        "lock",
        "maps",  # who may still have something to submit
        "max_tasks",  # how many calls a process may run, or None
        "name",
        "overtaken",
        "pausing",  # a Ctrl-C is being decided: nothing is offered
        "phase",
        "queues",  # the Call Q of each process; replaced, never changed
        "recalled",  # Work Ids: calls that were taken back, oldest first
        "reducer",
        "replaces",
        "room",  # how many slots are free
        "system",
        "waiting",  # Work Ids: calls that were never offered, oldest first
        "worker",
    )

    accepted: int
    alive: int
    begun: bool
    broken: Callable[[], BrokenProcessPool] | None
    doom: Callable[[Process], object] | None
    grows: bool
    held: int
    horizon: int
    leaving: set[AnyCall]
    limit: int
    lock: sync.Lock
    maps: Registry[Drawing]
    max_tasks: int | None
    name: str
    overtaken: int
    pausing: bool
    phase: Phase
    queues: tuple[CallQueue, ...]
    recalled: deque[AnyCall]
    reducer: Reducer | None
    replaces: bool
    room: int
    system: System
    waiting: deque[AnyCall]
    worker: LocalWorker

    def __init__(
        self,
        limit: int,
        system: System,
        *,
        max_tasks: int | None = None,
        replaces: bool = False,
        reducer: Reducer | None = None,
    ) -> None:
        self.lock = sync.new_lock()
        self.limit = limit
        self.system = system
        self.grows = not system.forks
        self.maps = Registry()
        self.max_tasks = max_tasks
        self.replaces = replaces
        self.reducer = reducer
        self.overtaken = self.horizon = OVERTAKEN * limit
        self.phase = _OPEN
        self.begun = self.pausing = False
        self.accepted = self.alive = self.room = self.held = 0
        self.queues = ()
        self.waiting = deque()
        self.recalled = deque()
        self.leaving = set()
        self.broken = self.doom = None
        self.name = f"ProcessPoolExecutor-{next(_names)}"
        self.worker = LocalWorker(self)
        fork.pools.add(self)
        interpreter_exit.pools.add(self)
        if interpreter_exit.begun():
            self._ask(Request.EXIT)

    def accepts(self) -> bool:
        """Say whether the pool takes calls."""
        return accepts(self.phase)

    # ---------------------------------------------------------------- submit

    def submit(
        self, fn: Callable[..., T], args: tuple[object, ...], kwargs: dict[str, object]
    ) -> Call[T]:
        """Accept a call, and send it if a process has room; raise if it is not accepted."""
        frames, trouble = packed(fn, args, kwargs, self.reducer)
        call: Call[T] = Call(self, frames, wire.size(frames))
        self._submit(call, fn, trouble)
        return call

    def submit_chunk(self, fn: Callable[..., object], items: list[tuple[object, ...]]) -> ChunkCall:
        """Accept several calls of ``fn`` that travel together."""
        frames, trouble = packed_chunk(fn, items, self.reducer)
        call = ChunkCall(self, frames, wire.size(frames))
        self._submit(call, fn, trouble)
        return call

    def _submit(self, call: AnyCall, fn: object, trouble: BaseException | None) -> None:
        entry = iter((call,))
        taken = first = False
        if trouble is not None:
            call._place = TRANSITIONS[call._place][_FAIL].after  # nobody else has it yet
        with self.lock:
            if self.phase is _OPEN:
                taken = True; call._number = self.accepted; self.accepted += 1  # fmt: skip
                if trouble is None: self.waiting += entry  # fmt: skip
                if trouble is None and not self.begun: self.begun = first = True  # fmt: skip
            if observer.log is not None: observer.log += (("Submit", self, call, fn, taken, trouble),)  # fmt: skip
        if not taken:
            raise self.refusal()
        if trouble is not None:
            call._obey(FAIL, None, trouble)
            return
        if first:
            self._begin(call)
        if self.room > 0:
            self._send()
        if self.grows or self.pausing or not self.worker.ticking:
            self.worker.expect()

    def _begin(self, call: AnyCall) -> None:
        """Start the local worker; if the system refuses, this call was never accepted."""
        try:
            self.worker.begin()
        except BaseException as error:
            if self.worker.thread is not None:  # a Ctrl-C, and all is there
                self.make_room()
                self.worker.wake()
                raise
            with self.lock:  # who submits after this begins anew
                self.begun = False; before = self.accepted  # fmt: skip
            withdrawn = take(self, call, _WITHDRAW)
            call._obey(WITHDRAW)
            discard(self, FAIL, self._not_started, before=before)
            if withdrawn or not isinstance(error, Exception):
                raise

    def make_room(self) -> None:
        """Let calls be offered to the processes that were just started."""
        with self.lock:
            self.room += self.held; self.held = 0  # fmt: skip

    @staticmethod
    def _not_started() -> RuntimeError:
        return RuntimeError(
            "this call was accepted while the pool was being started, and the system "
            "refused a process or a thread: raise its limits, or lower max_workers"
        )

    def _send(self) -> None:
        """Offer what waits to processes that have room; wake the worker if that is his."""
        best, least = None, DEPTH
        for queue in self.queues:
            load = queue.tail - queue.head
            if load < least and not queue.ended and not queue.stands:
                best, least = queue, load
                if not load:
                    break
        if best is not None:
            moved = self.offer(best)
            if moved is None or (moved and not best.flush(self.lock)):
                self.worker.wake()

    def offer(self, queue: CallQueue) -> bool | None:
        """Put the oldest call of Work Ids in a slot of ``queue``; return whether it could be.

        None says that it must wait until those before it are claimed.
        """
        while True:
            call: AnyCall | None = None
            moved = late = False
            with self.lock:
                slot = queue.tail % DEPTH
                free = queue.tail - queue.head < DEPTH and (queue.bytes < BYTES or queue.tail == queue.head)  # fmt: skip
                if (
                    free
                    and queue.left
                    and not queue.ended
                    and not self.pausing
                    and self.phase in RUNS_QUEUED
                ):
                    recalled = True
                    if self.recalled: call = self.recalled[0]  # fmt: skip
                    elif self.waiting: call = self.waiting[0]; recalled = False  # fmt: skip
                    if call is not None and call._number > self.horizon and call._place in UNCLAIMED: late = True; call = None  # fmt: skip
                    if call is not None:
                        if recalled: del self.recalled[0]  # fmt: skip
                        else: del self.waiting[0]  # fmt: skip
                        if call._now in _UNDONE: call._place = TRANSITIONS[call._place][_OFFER].after  # fmt: skip
                        if call._place is _IN_SLOT and call._now in _UNDONE:
                            moved = True; queue.ring[slot] = call; call._queue = queue; call._serial = queue.tail  # fmt: skip
                            queue.tail += 1; queue.bytes += call._size; queue.left -= 1; self.room -= 1  # fmt: skip
                            queue.outbox += call._frames  # fmt: skip
                if observer.log is not None: observer.log += (("Offer", self, queue, call, moved),)  # fmt: skip
            if moved or call is None:
                return None if late else moved

    # --------------------------------------------------------------- the end

    def shatter(self) -> None:
        """Move to BROKEN."""
        self._ask(Request.BREAK)

    def live(self) -> tuple[Process, ...]:
        """Return the processes that have not ended, as far as is known."""
        return tuple(queue.process for queue in self.queues)

    def _ask(self, request: Request) -> Phase:
        """Move to where the table says."""
        with self.lock:
            cell = LIFECYCLE[self.phase][request]; self.phase = cell.after  # fmt: skip
            if observer.log is not None: observer.log += (("Ask", self, request, cell),)  # fmt: skip
        return cell.after

    def ask(self, request: Request, carry: Carry | None = None) -> None:
        """Request an end; cancel what has not begun if the phase asks for that.

        Who waits for these calls is told here, or by ``carry``, whenever it does so.
        """
        if request in (Request.SHUTDOWN, Request.EXIT):
            for each in self.maps.all():  # what a map has drawn is submitted first
                each.flush()
        try:
            if self._ask(request) is Phase.CANCELLING:
                discard(self, CANCEL, None, carry)
        finally:
            self.worker.decided()
            self.worker.wake()  # who goes on where a Ctrl-C has stopped us

    def collected(self) -> None:
        """Learn that the executor object was collected: run what is pending, then end."""
        self.ask(Request.COLLECT)

    def join(self) -> None:
        """Return when the last process and our threads have ended.

        Raises RuntimeError if the caller is one of our threads.
        """
        self.worker.join()
        if observer.log is not None: observer.log += (("ShutdownReturns", self),)  # fmt: skip

    def forked(self) -> None:
        """Become the copy in a forked child: there are no threads, and no processes."""
        stranded = [*self.recalled, *self.waiting, *self.leaving]
        for queue in self.queues:
            if queue.tail > queue.head:
                stranded += [each for each in queue.ring if each is not None]
        self.lock = sync.new_lock()
        if self.maps:
            self.maps.clear()  # who was at it in the parent is not here
        self.waiting.clear()
        self.recalled.clear()
        self.leaving, self.queues, self.room = set(), (), 0
        self.worker.forked()
        self._ask(Request.FORK)
        for call in stranded:
            call._place, call._queue = Place.SETTLED, None
            call._decide(FAIL, None, fork.stranded())

    def refusal(self) -> RuntimeError:
        """Return the error for a ``submit`` that is not accepted."""
        match self.phase:
            case Phase.BROKEN:
                return self.broken() if self.broken is not None else BrokenProcessPool("broken")
            case Phase.FORKED:
                return RuntimeError(
                    "cannot schedule new futures after fork: this executor was made in the "
                    "parent of this process and has no processes here; make a new one"
                )
            case Phase.INTERPRETER_EXIT:
                return RuntimeError("cannot schedule new futures after interpreter shutdown")
            case _:
                return RuntimeError("cannot schedule new futures after shutdown")
