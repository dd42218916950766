"""The rooms of a thread pool, and its threads: what the executor and they share.

The executor object holds the pool and the threads hold the pool; nothing here
holds the executor, so that it can be collected while its threads work.

Steps, interruption points and locks are as in ``future.py``: each ``with pool.lock``
block does one action of ``foregone_spec.thread_pool`` per line.  Foreign code (calls,
callbacks, the initializer) runs with no lock held.  ``_ask`` alone assigns the phase.

Acceptance (M14), thread by thread: (1) the submitter puts the call into the queue
and reserves a thread, in one step; (2) it starts the thread, holding nothing;
(3) the thread takes its seat and works.  If (2) fails, the submitter takes the seat
instead, and cancels the call: if that succeeds nobody has begun it and nobody will,
and ``submit`` raises; else another thread has begun it and ``submit`` returns.

Owner of every field: this module.  Model: ``tla/ThreadPool.tla``.
"""

import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from itertools import count
from threading import get_ident
from typing import Final

from foregone import fork, interpreter_exit, observer
from foregone.errors import BrokenThreadPool
from foregone.sync import Gate, Lock, new_gate, new_lock, open_gate, wake
from foregone.worker import BROKEN, FAIL, WITHDRAW, Worker, WorkItem, end
from foregone_spec.lifecycle import TRANSITIONS, Effect, Phase, Request, accepts, runs_queued

_OPEN: Final = Phase.OPEN
_WAKE: Final = Effect.WAKE_THREADS


class Pool:
    """The state of one thread pool; ``foregone_spec.thread_pool`` under a lock."""

    __slots__ = (
        "__weakref__",
        "alive",  # how many threads exist or are promised
        "closers",  # the gates of those who wait for the last thread to end
        "discarding",  # the idents of those who end what they took from the queue
        "initargs",
        "initializer",
        "limit",  # how many threads there may be
        "lock",
        "names",  # numbers the threads
        "parked",  # the workers that sleep; the last is unparked first
        "phase",
        "prefix",
        "queue",  # Work Ids and Work Items in one: accepted, not yet taken
        "workers",  # all that were ever started
    )

    alive: int
    closers: list[Gate]
    discarding: list[int]
    initargs: tuple[object, ...]
    initializer: Callable[..., object] | None
    limit: int
    lock: Lock
    names: Iterator[int]
    parked: list[Worker]
    phase: Phase
    prefix: str
    queue: deque[WorkItem]
    workers: list[Worker]

    def __init__(
        self,
        limit: int,
        prefix: str,
        initializer: Callable[..., object] | None,
        initargs: tuple[object, ...],
    ) -> None:
        self.lock = new_lock()
        self.limit = limit
        self.prefix = prefix
        self.initializer = initializer
        self.initargs = initargs
        self.phase = _OPEN
        self.queue = deque()
        self.parked = []
        self.workers = []
        self.alive = 0
        self.names = count()
        self.closers = []
        self.discarding = []
        fork.pools.add(self)
        interpreter_exit.pools.add(self)
        if interpreter_exit.begun():
            self._ask(Request.EXIT)

    def accepts(self) -> bool:
        """Say whether the pool takes calls."""
        return accepts(self.phase)

    # ---------------------------------------------------------------- submit

    def accept(self, item: WorkItem) -> bool:
        """Accept a call, and see to it that a thread comes for it.

        Return False, and do nothing, if the pool takes no more calls.
        """
        entry = iter((item,))  # a deque takes from an iterator without making one
        unparked: Worker | None = None
        worker: Worker | None = None
        accepted = reserved = False
        try:
            with self.lock:
                if self.phase is _OPEN and self.parked: unparked = self.parked[-1]; del self.parked[-1]; self.queue += entry; accepted = True  # fmt: skip
                elif self.phase is _OPEN and self.alive < self.limit: self.alive += 1; self.queue += entry; reserved = True  # fmt: skip
                elif self.phase is _OPEN: self.queue += entry; accepted = True  # fmt: skip
                if observer.log is not None: observer.log += (("Submit", self, item, unparked, reserved),)  # fmt: skip
            if reserved:
                worker = Worker(self, f"{self.prefix}_{next(self.names)}")
                self.workers.append(worker)
                worker.thread.start()
        except BaseException as error:
            begun = (accepted or reserved) and item[0]._obey(WITHDRAW).reply is not True
            if reserved and (worker is None or worker.seat.acquire(blocking=False)):
                self._give_back(item, worker)
            if not (begun and isinstance(error, Exception)):
                raise
        finally:
            if unparked is not None:  # even if Ctrl-C arrives here
                unparked.gate.release()
        return accepted or reserved

    def _give_back(self, item: WorkItem, worker: Worker | None) -> None:
        """Undo a reservation whose thread will never run."""
        if worker in self.workers:
            self.workers.remove(worker)
        me = (get_ident(),)
        fresh: deque[WorkItem] = deque()
        stranded: deque[WorkItem] = fresh
        try:
            with self.lock:
                if self.alive == 1: self.discarding += me; stranded = self.queue; self.queue = fresh; self.alive = 0  # fmt: skip
                else: self.alive -= 1  # fmt: skip
                if observer.log is not None: observer.log += (("Withdraw", self, item),)  # fmt: skip
            _strand(stranded)
        except BaseException:  # Ctrl-C: a call that was taken is ended
            _strand(stranded)
            raise
        finally:
            if stranded is not fresh and me[0] in self.discarding:
                self.discarding.remove(me[0])
                self.open_closers()

    # --------------------------------------------------------------- threads

    def next_item(self, worker: Worker) -> tuple[WorkItem | None, Phase, bool]:
        """Take the oldest call, or park, or end.

        Return the call or None, the phase at that instant, and whether the worker parked.
        """
        me = (worker,)
        item: WorkItem | None = None
        parked = False
        with self.lock:
            phase = self.phase
            if self.queue: item = worker.holds = self.queue[0]; del self.queue[0]; phase = self.phase  # fmt: skip
            elif self.phase is _OPEN: self.parked += me; parked = True  # fmt: skip
            else: self.alive -= 1; worker.over = True  # fmt: skip
            if observer.log is not None: observer.log += (("NextItem", self, worker, item, phase, parked),)  # fmt: skip
        return item, phase, parked

    def open_closers(self) -> None:
        """Let those look again who wait for the last thread, if it has ended."""
        if not self.alive:
            wake(self.closers)

    def discard(self) -> None:
        """End every call that is queued, as the phase says.

        Who waits for the end also waits for those who discard: what they have taken from
        the queue has not ended yet.
        """
        me = (get_ident(),)
        item: WorkItem | None
        while True:
            item = None
            phase = self.phase
            try:
                with self.lock:
                    phase = self.phase
                    if self.queue: item = self.queue[0]; del self.queue[0]; self.discarding += me  # fmt: skip
                    if observer.log is not None: observer.log += (("Discard", self, item, phase),)  # fmt: skip
                if item is None:
                    return
                end(item, phase)
            except BaseException:  # Ctrl-C: a call that was taken is ended
                if item is not None:
                    end(item, phase)
                raise
            finally:
                if item is not None and me[0] in self.discarding:  # a fork may have emptied it
                    self.discarding.remove(me[0])
                    self.open_closers()

    # --------------------------------------------------------------- the end

    def _ask(self, request: Request) -> Phase:
        """Move to where the table says; unpark everybody if it says so."""
        fresh: list[Worker] = []
        unparked: list[Worker] = []
        try:
            with self.lock:
                cell = TRANSITIONS[self.phase][request]; self.phase = cell.after  # fmt: skip
                if _WAKE in cell.effects: unparked = self.parked; self.parked = fresh  # fmt: skip
                if observer.log is not None: observer.log += (("Ask", self, request, cell, unparked),)  # fmt: skip
            for worker in unparked:
                worker.gate.release()
        except BaseException:  # Ctrl-C; nobody parks again, so opening twice is opening once
            for worker in unparked:
                open_gate(worker.gate)
            raise
        return cell.after

    def ask(self, request: Request) -> None:
        """Request an end; end what is queued if the phase asks for that."""
        if not runs_queued(self._ask(request)):
            self.discard()

    def collected(self) -> None:
        """Learn that the executor object was collected: run what is queued, then end."""
        self._ask(Request.COLLECT)

    def join(self) -> None:
        """Return when the last thread has ended, and everybody has ended what he discards.

        Raises RuntimeError if the caller is one of the threads.  A caller that discards
        itself (this is a callback, then) waits for the threads only.
        """
        caller = threading.current_thread()
        if any(worker.thread is caller for worker in self.workers):
            raise RuntimeError(
                "cannot join current thread: shutdown(wait=True) was called from a thread of "
                "this pool; it is shut down, pass wait=False to not wait for it here"
            )
        gate = new_gate()
        gate.acquire()
        discards = get_ident() in self.discarding
        try:
            self.closers.append(gate)
            while self.alive or (self.discarding and not discards):
                gate.acquire()
        finally:
            if gate in self.closers:
                self.closers.remove(gate)
        for worker in tuple(self.workers):
            worker.thread.join()
        if observer.log is not None: observer.log += (("ShutdownReturns", self),)  # fmt: skip

    def forked(self) -> None:
        """Become the copy in a forked child: there are no threads, and none will come.

        Callbacks are the parent's: they do not run here.
        """
        held = [worker.holds for worker in self.workers if worker.holds is not None]
        stranded = [*held, *self.queue]
        self.lock = new_lock()
        self.queue = deque()
        self.discarding = []
        self.workers, self.parked, self.closers, self.alive = [], [], [], 0
        self._ask(Request.FORK)
        for item in stranded:
            item[0]._decide(FAIL, None, fork.stranded())

    def refusal(self) -> RuntimeError:
        """Return the error for a ``submit`` that is not accepted."""
        match self.phase:
            case Phase.BROKEN:
                return BrokenThreadPool(BROKEN)
            case Phase.FORKED:
                return RuntimeError(
                    "cannot schedule new futures after fork: this executor was made in the "
                    "parent of this process and has no threads here; make a new one"
                )
            case Phase.INTERPRETER_EXIT:
                return RuntimeError("cannot schedule new futures after interpreter shutdown")
            case _:
                return RuntimeError("cannot schedule new futures after shutdown")


def _strand(items: Iterable[WorkItem]) -> None:
    """End calls that no thread will run, since the system has refused the last one."""
    for item in items:
        error = RuntimeError(
            "this call was accepted while a thread for it was being started, and the "
            "system refused the thread: raise its limit on threads, or lower max_workers"
        )
        item[0]._obey(FAIL, None, error)
