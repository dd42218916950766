"""Local Worker Thread: reads answers, settles futures, feeds processes, buries them.

One thread owns what is here.  It sleeps in one place, its poller, which always watches
every process that lives (M1), its lane and its end; whoever changes something that it
must know wakes it, and it looks at everything after each sleep, so that a wake-up that
comes twice, or not at all while it is awake, does not matter.  In each turn all ready
answers are settled and the processes fed before anybody is told; callbacks run in a
thread of their own.  It survives whatever user code raises (M8, M9).

What it may not do: run a callback, block on a lane, or wait for a process.
Models: ``tla/ProcessPool.tla``, ``tla/ClaimTickets.tla``.
"""

import logging
import threading
from functools import partial
from typing import TYPE_CHECKING, Final

from foregone import fork, observer
from foregone.future import _DRAINED
from foregone.process_pool import answers, burial, dispatch, wire
from foregone.process_pool.answers import GRACE
from foregone.process_pool.call_queue import CallQueue
from foregone.process_pool.callbacks import BUT_CALLBACKS, Callbacks
from foregone.process_pool.ending import CANCEL, conclude, discard
from foregone.process_pool.ports import Poller, Process, Thread
from foregone.process_pool.tickets import close
from foregone.process_pool.wire import DEPTH
from foregone.process_pool.work_items import AnyCall
from foregone.sync import Gate, new_gate, wake
from foregone_spec.future import Effect
from foregone_spec.lifecycle import Phase

if TYPE_CHECKING:
    from foregone.process_pool.rooms import Pool

LOGGER: Final = logging.getLogger("concurrent.futures")

#: Seconds after which a lane that stands is looked at.
TICK: Final = 0.05
_OPEN, _CANCELLING, _BROKEN = Phase.OPEN, Phase.CANCELLING, Phase.BROKEN


class LocalWorker:
    """The thread, and what it alone owns."""

    __slots__ = (
        "_awake",  # somebody has woken it, and it has not looked yet
        "_closers",  # the gates of those who wait for its end
        "_decided",  # when the parent last said that it goes on
        "_due",  # futures that were ended, and whose effects are to be carried out
        "_looked",  # when it last looked for lanes that stand still
        "_quiet",  # nothing came in the last TICK
        "_until",  # when a Ctrl-C counts as decided
        "callbacks",
        "ended",  # the thread is through: nothing is left
        "lanes",  # who is behind a descriptor
        "poller",
        "pool",
        "retry",  # when a process may be started again, after one was refused
        "thread",
        "ticking",  # it sleeps for a TICK at most
        "unready",  # how many processes in a row ended before they were ready
        "watches",  # whose end a descriptor shows
    )

    _awake: bool
    _closers: list[Gate]
    _decided: float
    _due: list[tuple[AnyCall, tuple[Effect, ...]]]
    _looked: float
    _quiet: bool
    _until: float
    callbacks: Callbacks
    ended: bool
    lanes: dict[int, CallQueue]
    poller: Poller | None
    pool: "Pool"
    retry: float
    thread: Thread | None
    ticking: bool
    unready: int
    watches: dict[int, CallQueue]

    def __init__(self, pool: "Pool") -> None:
        self.pool = pool
        self.lanes, self.watches = {}, {}
        self.poller = self.thread = None
        self.callbacks = Callbacks(pool.system, f"{pool.name}_callbacks")
        self.unready = 0
        self.ended = self.ticking = self._awake = False
        self._quiet = True
        self._until = self._looked = self.retry = 0.0
        self._decided = -GRACE
        self._due, self._closers = [], []

    # ------------------------------------------------------------ from others

    def begin(self) -> None:
        """Start; where processes are forked, all of them, before our threads."""
        system, started = self.pool.system, list[Process]()
        gate, goes = new_gate(), list[bool]()
        gate.acquire()
        run, name = partial(self.run, gate, goes), f"{self.pool.name}_local_worker"
        thread = system.thread(run, name)  # made first: what a fork has shared costs more
        try:
            if system.forks:  # nothing is offered to them before all is there
                system.start_several(self.pool.limit, started)
            self.poller = system.poller()
            self._awake = False  # a start that failed may have left it
            for process in started:
                self.adopt(process)
            self.thread = thread
            thread.start()
            goes.append(True)
        except BaseException:  # a Ctrl-C, perhaps, and the thread is there
            if not goes:
                burial.undo(self, started)
            raise
        finally:
            gate.release()
        self.pool.make_room()

    def wake(self) -> None:
        """See to it that the worker looks at everything."""
        poller = self.poller  # who undoes a start takes it away
        if poller is not None and not self._awake:
            self._awake = True
            poller.wake()

    def expect(self) -> None:
        """Know that a call was accepted: watch over it, start a process for it."""
        if self.pool.pausing:
            self.decided()
        elif not self.ticking or dispatch.lacking(self.pool):
            self.wake()

    def decided(self) -> None:
        """Know that the parent goes on, whatever Ctrl-C came just now, or comes at once.

        It reaches the processes one by one, and they say so later than the parent decides.
        """
        self._decided = self.pool.system.now()
        if self.pool.pausing:
            self.wake()

    def join(self) -> None:
        """Return once the worker and the callbacks thread have ended."""
        caller = threading.current_thread()
        if caller in (self.thread, self.callbacks.thread):
            raise RuntimeError(
                "cannot join current thread: shutdown(wait=True) was called from a thread of "
                "this pool, as in a callback; it is shut down, pass wait=False to not wait here"
            )
        if not self.pool.begun:
            return
        gate = new_gate()
        gate.acquire()
        try:
            self._closers.append(gate)
            while not self.ended:
                gate.acquire()
        finally:
            if gate in self._closers:
                self._closers.remove(gate)
        for thread in (self.thread, self.callbacks.thread):
            if thread is not None:
                thread.join()

    def forked(self) -> None:
        """Become the copy in a forked child: hold nothing of the parent's."""
        if self.lanes or self.watches:
            for queue in {*self.lanes.values(), *self.watches.values()}:
                queue.process.forget()
            self.lanes, self.watches = {}, {}
        self._closers, self._due = [], []
        if self.poller is not None:
            self.poller.forked()
        self.thread = self.poller = self.callbacks.thread = None
        self.ended = True

    # ------------------------------------------------------------- the thread

    def run(self, gate: Gate, goes: list[bool]) -> None:
        """Be the thread, if it goes once the gate is open: turn until nothing is left."""
        gate.acquire()
        if not goes:
            return
        try:
            while self.turn():
                pass
        except BaseException as error:  # a defect of ours: nobody may hang for it
            LOGGER.critical("the local worker of a process pool failed", exc_info=True)
            burial.collapse(self, error)
        finally:
            self.callbacks.end()
            if self.poller is not None:
                self.poller.close()
            self.pool.system.release()
            self.ended = True
            fork.pools.discard(self.pool)  # a child has nothing to let go of
            wake(self._closers)

    def turn(self) -> bool:
        """Sleep, look at everything, do what is to do; return False when nothing is left."""
        poller = self.poller
        if poller is None:
            return False
        ready = poller.poll(self._patience())
        self._awake = False
        self._quiet = not ready
        ended: list[CallQueue] = []
        for fd, readable, writable in ready:
            queue = self.lanes.get(fd)
            if queue is None:
                if fd in self.watches:
                    ended.append(self.watches[fd])
                continue
            if writable:
                queue.blocked = queue.waited = False
                poller.watch(fd)
            if readable:
                answers.read(self, queue)
        for queue in ended:
            if queue.process.ended():
                burial.bury(self, queue)
        now = self.pool.system.now()
        if now - self._looked >= TICK:
            self._looked = now
            self._look()
        self._keep()
        more = bool(self.pool.queues) or not self._over()
        if not more:
            conclude(self.pool, self.carry)
        self.carry_out()
        return more

    def _patience(self) -> float | None:
        if self.pool.pausing:
            return max(0.0, min(TICK, self._until - self.pool.system.now()))
        if self._quiet:  # who submits now wakes us, or we see his call
            self.ticking = False
            if not dispatch.unsure(self.pool) and not dispatch.lacking(self.pool):
                return None
        self.ticking = True
        return TICK

    def _look(self) -> None:
        if not self.pool.pausing:
            dispatch.look(self.pool)
        for queue in tuple(self.watches.values()):  # where only a hint is watched
            if queue.process.ended():
                burial.bury(self, queue)

    def _keep(self) -> None:
        """Do all that the state of the pool asks for."""
        pool = self.pool
        if pool.phase is _CANCELLING:
            discard(pool, CANCEL, None, self.carry)
        if pool.pausing:
            self._resume()
        while dispatch.lacking(pool) and self.retry <= pool.system.now() and burial.start(self):
            pass
        if pool.waiting or pool.recalled:
            dispatch.refill(pool)
        if len(pool.queues) > 1:
            dispatch.spread(pool)
        for queue in pool.queues:
            if queue.outbox or queue.batch is not None:
                self.flush(queue)
        if pool.phase is not _OPEN and self._over():
            for queue in pool.queues:
                if not queue.told:
                    queue.told = True
                    close(pool, queue)
                    queue.process.finish()

    def _over(self) -> bool:
        """Say whether the pool has been asked to end, and nothing is pending."""
        pool = self.pool
        if pool.phase in (_OPEN, _BROKEN):
            return pool.phase is _BROKEN
        return not (
            pool.waiting or pool.recalled or any(each.tail != each.head for each in pool.queues)
        )

    # --------------------------------------------------------------- its parts

    def adopt(self, process: Process) -> None:
        """Watch a process that was started, and let calls go to it."""
        pool, poller = self.pool, self.poller
        queue = CallQueue(process, pool.max_tasks or -1)
        if poller is not None:
            poller.watch(process.lane)
            poller.watch(process.watch)
        self.lanes[process.lane] = queue
        self.watches[process.watch] = queue
        fresh = (*pool.queues, queue)
        with pool.lock:
            pool.queues = fresh; pool.held += DEPTH; pool.alive += 1  # fmt: skip
            if observer.log is not None: observer.log += (("Start", pool, queue),)  # fmt: skip
        if pool.doom is not None:  # who has asked for the end did not see this one
            pool.doom(process)

    def flush(self, queue: CallQueue) -> None:
        """Write to a process; if its lane is full, go on when it is not."""
        full = queue.blocked or not queue.flush(self.pool.lock)
        known = queue.process.lane in self.lanes  # else it is dying, and nothing is watched of it
        if full and known and not queue.waited and self.poller is not None:
            queue.waited = True
            self.poller.watch(queue.process.lane, writing=True)

    def pause(self, queue: CallQueue, grace: float) -> None:
        """Learn that a Ctrl-C has reached a process, which claims nothing until told to."""
        queue.paused = True
        if not self.pool.pausing:
            self._until = self.pool.system.now()
            self.pool.pausing = True
        self._until = max(self._until, self.pool.system.now() + grace)

    def _resume(self) -> None:
        now = self.pool.system.now()
        if now < self._until and now > self._decided + GRACE:
            return
        self.pool.pausing = False
        for queue in self.pool.queues:
            if queue.paused:
                queue.paused = False
                pieces = wire.frame(wire.GO)
                with self.pool.lock:
                    queue.outbox += pieces

    def carry(self, call: AnyCall, effects: tuple[Effect, ...]) -> None:
        """Have the effects of a command carried out at the end of this turn."""
        if effects and (call._installed or call._blocked or call._callbacks):
            self._due.append((call, effects))

    def carry_out(self) -> None:
        """Tell those who wait for what has ended; hand over whose callbacks are to run."""
        due, self._due = self._due, []
        for call, effects in due:
            try:
                call._carry_out(BUT_CALLBACKS[effects])
            except BaseException:  # a waiter that is not ours
                LOGGER.exception("exception telling those who wait for %r", call)
            if call._callbacks is not _DRAINED:
                self.callbacks.add(call)
