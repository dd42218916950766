"""The rooms of a Dask executor: what its user's threads and the local worker share.

Work Ids and Work Items are one queue here: calls that were accepted and not yet offered.
What was offered to the cluster is in ``calls``, by number, until its future has ended.  The
executor object holds the pool and the local worker holds the pool; nothing here holds the
executor, so that it can be collected while its calls run.

Steps, interruption points and locks are as in ``future.py``; requests to the scheduler are
made with no lock held.  ``_ask`` alone assigns the phase.

Who is asked for what, where the cluster keeps claims: whether a call may be cancelled, the
scheduler; a call that is WAITING was never offered, and one that is RECALLED can be claimed by
nobody, so they are taken under the lock.

Owner of every field: this module, and ``local_worker.py`` where it says so.
"""

import threading
from collections import deque
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Final, TypeAlias

from foregone import fork, interpreter_exit, observer
from foregone.dask.calls import NEVER, START, AnyCall
from foregone.dask.claims import CANCELLED, CLAIMED, Verdict
from foregone.dask.cluster import Cluster, Unreachable
from foregone.dask.errors import InitializerFailed, SchedulerLost
from foregone.dask.words import Word
from foregone.errors import CancelledError
from foregone.sync import Gate, Lock, new_gate, new_lock, open_gate
from foregone_spec.future import Command, Effect, State
from foregone_spec.lifecycle import TRANSITIONS, Phase, Request, accepts, runs_queued
from foregone_spec.work_item import TRANSITIONS as PLACES
from foregone_spec.work_item import Event, Place

if TYPE_CHECKING:
    from foregone.dask.events import DaskEvents

_OPEN: Final = Phase.OPEN
_WAITING, _IN_SLOT, _RECALLED, _CLAIMED, _SETTLED = Place
_CANCEL, _CLAIM, _FAIL = Event.CANCEL, Event.CLAIM, Event.FAIL
_PENDING, _RUNNING = State.PENDING, State.RUNNING
CANCEL: Final = PLACES[_WAITING][_CANCEL].command or Command.CANCEL_OWNED
FAIL: Final = PLACES[_WAITING][_FAIL].command or Command.SET_EXCEPTION

#: What is done about the effects of a command: who gave it carries them out, or the local
#: worker does, whose callbacks run in another thread.
Carry: TypeAlias = Callable[[AnyCall, tuple[Effect, ...]], object]


class Pool:
    """The state of one Dask executor."""

    __slots__ = (
        "__weakref__",
        "accepted",  # how many calls were accepted
        "calls",  # by number: offered, and not ended
        "cluster",
        "gate",  # of the local worker
        "inbox",  # words that it has not read
        "joined",  # the threads that shutdown waits for
        "lock",
        "name",
        "offered",  # the last number that a call was offered under
        "over",  # the local worker has ended
        "phase",
        "queue",  # Work Ids and Work Items in one: accepted, not yet offered
        "settled",  # how many calls have ended
        "taken",  # those that somebody is about to cancel
        "unfit",  # the worker whose initializer has raised, and what
        "why",  # there is no scheduler
    )

    accepted: int
    calls: dict[int, AnyCall]
    cluster: Cluster
    gate: Gate
    inbox: deque[Word]
    joined: list[threading.Thread]
    lock: Lock
    name: str
    offered: int
    over: bool
    phase: Phase
    queue: deque[AnyCall]
    settled: int
    taken: set[AnyCall]
    unfit: tuple[str, BaseException] | None
    why: str

    def __init__(self, name: str, cluster: Cluster) -> None:
        self.name = name
        self.cluster = cluster
        self.lock = new_lock()
        self.gate = new_gate()
        self.gate.acquire()
        self.phase = _OPEN
        self.queue = deque()
        self.calls = {}
        self.inbox = deque()
        self.taken = set()
        self.joined = []
        self.accepted = self.offered = self.settled = 0
        self.unfit = None
        self.over = False
        self.why = ""
        fork.pools.add(self)
        interpreter_exit.pools.add(self)
        if interpreter_exit.begun():
            self._ask(Request.EXIT)

    # ---------------------------------------------------------------- submit

    def accept(self, call: AnyCall, trouble: BaseException | None) -> bool:
        """Accept a call; return False, and do nothing, if the pool takes no more.

        A call that cannot be sent ends with ``trouble``.
        """
        entry = iter((call,))
        accepted = False
        with self.lock:
            if self.phase is _OPEN: self.accepted += 1; call._id = self.accepted  # fmt: skip
            if self.phase is _OPEN and trouble is None: self.queue += entry; accepted = True  # fmt: skip
            elif self.phase is _OPEN: cell = PLACES[call._place][_FAIL]; call._place = cell.after; self.settled += 1; accepted = True  # fmt: skip
            if observer.log is not None: observer.log += (("Submit", self, call, accepted, trouble),)  # fmt: skip
        if accepted and trouble is not None:
            call._obey(FAIL, None, trouble)
        elif accepted:
            open_gate(self.gate)
        return accepted

    # ---------------------------------------------------- where a call goes next

    def take(self, call: AnyCall) -> bool:
        """Take a call out of the race with the workers; return whether this has done it.

        It never begins then, and ``left`` must follow once its future has ended.
        """
        while not (self._take(call, _WAITING) or self._take(call, _RECALLED)):
            number = call._number
            if call._place in (_CLAIMED, _SETTLED):
                return False
            verdict = self._asked("cancel", (number,))
            if not verdict or self.learn(call, number, verdict[0]):
                return bool(verdict)
            self._not_taken(call)
            if call._place is _IN_SLOT and call._number == number:
                return False  # it was not offered anew meanwhile: nobody knows
        return True

    def look(self, call: AnyCall) -> None:
        """Learn whether a worker has claimed a call.

        If it is cancelled there, who has asked for that is between the answer and its use:
        whoever takes the call out of the race first also ends it.
        """
        number = call._number
        if call._place is _IN_SLOT:
            for verdict in self._asked("look", (number,)):
                if self.learn(call, number, verdict):
                    self.cancelled(call)

    def _asked(self, operation: str, numbers: Sequence[int]) -> list[Verdict]:
        try:
            return self.cluster.ask(operation, numbers)
        except Unreachable:
            open_gate(self.gate)  # the local worker looks why
            return []

    def learn(self, call: AnyCall, number: int, verdict: Verdict) -> bool:
        """Have a call go where the scheduler says; return whether it is cancelled by this.

        What was said of a number says nothing once the call was offered under another.
        """
        if verdict[0] == CANCELLED:
            return self._take(call, _IN_SLOT, number)
        if verdict[0] == CLAIMED:
            self.begin(call, verdict[1])
        return False

    def _take(self, call: AnyCall, place: Place, number: int = 0) -> bool:
        """Take a call that is still at ``place``, under that number if one is given."""
        entry = {call}
        taken = False
        with self.lock:
            if call._place is place and (not number or call._number == number): cell = PLACES[place][_CANCEL]; call._place = cell.after; self.taken |= entry; self.settled += 1; taken = True  # fmt: skip
            if observer.log is not None and taken: observer.log += (("Take", self, call, _CANCEL, place, True),)  # fmt: skip
        return taken

    def _not_taken(self, call: AnyCall) -> None:
        """Tell who listens that somebody has come too late."""
        with self.lock:
            if observer.log is not None: observer.log += (("Take", self, call, _CANCEL, call._place, False),)  # fmt: skip

    def left(self, call: AnyCall) -> None:
        """Let go of a call that was taken, now that its future has ended; twice is once."""
        number = call._number
        leaves = {call}
        call._data = b""
        if number and self.calls.pop(number, None) is not None:
            self.cluster.forget((number,))
        with self.lock:
            self.taken -= leaves
        open_gate(self.gate)

    def begin(self, call: AnyCall, worker: str) -> None:
        """Learn that a worker has claimed a call that was offered."""
        with self.lock:
            if call._place is not _SETTLED: call._worker = worker  # fmt: skip
            if observer.log is not None and call._place is _IN_SLOT: observer.log += (("Claimed", self, call, worker),)  # fmt: skip
            if call._place is _IN_SLOT: cell = PLACES[_IN_SLOT][_CLAIM]; call._place = cell.after  # fmt: skip
        if call._place is _CLAIMED and call._now is _PENDING:
            call._decide(START)

    # --------------------------------------------------------------- the end

    def _ask(self, request: Request) -> Phase:
        """Move to where the table says."""
        with self.lock:
            cell = TRANSITIONS[self.phase][request]; self.phase = cell.after  # fmt: skip
            if observer.log is not None: observer.log += (("Ask", self, request, cell),)  # fmt: skip
        open_gate(self.gate)
        return cell.after

    def ask(self, request: Request) -> None:
        """Request an end; end what has not begun if the phase asks for that."""
        if self._ask(request) is Phase.CANCELLING:
            self.discard()

    def broken(self, why: str) -> None:
        """Learn that there is no scheduler any more."""
        self.why = self.why or why
        self._ask(Request.BREAK)

    def does_not_fit(self, worker: str, error: BaseException) -> None:
        """Learn that the initializer has raised on a worker."""
        self.unfit = self.unfit or (worker, error)
        self._ask(Request.BREAK)

    def removed(self, worker: str) -> None:
        """Tell who listens that a worker is gone."""
        with self.lock:
            if observer.log is not None: observer.log += (("Remove", self, worker),)  # fmt: skip

    def discard(self, carry: Carry | None = None) -> None:
        """Cancel every call that no worker has claimed."""
        for call in tuple(self.queue):
            if self._take(call, _WAITING) or self._take(call, _RECALLED):
                self.cancelled(call, carry)
        there = self.calls.copy().items()
        open_calls = [(number, call) for number, call in there if call._now is _PENDING]
        if not open_calls:
            return
        verdicts = self._asked("cancel", [number for number, _ in open_calls])
        for (number, call), verdict in zip(open_calls, verdicts, strict=False):
            if self.learn(call, number, verdict):
                self.cancelled(call, carry)

    def conclude(self, carry: Carry) -> None:
        """End the futures of those that were taken: who has taken them is late, or interrupted.

        What he does afterwards changes nothing.
        """
        for call in self.taken.copy():
            self.cancelled(call, carry)

    def cancelled(self, call: AnyCall, carry: Carry | None = None) -> None:
        """End the future of a call that was taken, if it has not ended."""
        cell = call._decide(CANCEL)
        if call._now is _RUNNING:  # somebody else had set it running
            cell = call._decide(Command.SET_EXCEPTION, None, CancelledError(NEVER))
        self.left(call)
        if carry is None:
            call._carry_out(cell.effects)
        else:
            carry(call, cell.effects)

    def collected(self) -> None:
        """Learn that the executor object was collected: run what is queued, then end."""
        self._ask(Request.COLLECT)

    def join(self) -> None:
        """Return when every call has ended, and the cluster was let go.

        Raises RuntimeError if the caller is one of the executor's own threads, or its client's.
        """
        if self.cluster.is_here():
            raise RuntimeError(
                "cannot wait here: shutdown(wait=True) was called in the thread of the client's "
                "event loop, which the end needs; the executor is shut down, pass wait=False"
            )
        if threading.current_thread() in self.joined:
            raise RuntimeError(
                "cannot join current thread: shutdown(wait=True) was called from a callback of "
                "this executor; it is shut down, pass wait=False to not wait for it here"
            )
        for thread in self.joined:  # the second was added, if at all, before the first ended
            thread.join()
        if observer.log is not None: observer.log += (("ShutdownReturns", self),)  # fmt: skip

    def forked(self) -> None:
        """Become the copy in a forked child: nothing of the cluster is here."""
        stranded = [*self.queue, *self.calls.values()]
        self.lock = new_lock()
        self.queue, self.calls, self.inbox = deque(), {}, deque()
        self.joined, self.taken, self.over = [], set(), True
        self._ask(Request.FORK)
        for call in stranded:
            call._decide(FAIL, None, fork.stranded())

    def teller(self) -> "DaskEvents":
        """Return who makes events of what is logged here, for ``observing.py``."""
        from foregone.dask.events import DaskEvents  # who never asks does not import it

        return DaskEvents(self)

    def accepts(self) -> bool:
        """Say whether the pool takes calls."""
        return accepts(self.phase)

    def drops(self) -> bool:
        """Say whether what has not begun will not begin."""
        return not runs_queued(self.phase)

    def refusal(self) -> RuntimeError:
        """Return the error for a ``submit`` that is not accepted."""
        match self.phase:
            case Phase.BROKEN:
                return self.loss()
            case Phase.FORKED:
                return RuntimeError(
                    "cannot schedule new futures after fork: this executor was made in the "
                    "parent of this process and has no connection here; make a new one"
                )
            case Phase.INTERPRETER_EXIT:
                return RuntimeError("cannot schedule new futures after interpreter shutdown")
            case _:
                return RuntimeError("cannot schedule new futures after shutdown")

    def loss(self) -> SchedulerLost | InitializerFailed:
        """Return the error of a call that ends with the executor, a new one each time."""
        if self.unfit is None:
            return SchedulerLost(self.cluster.address, self.why)
        worker, cause = self.unfit
        error = InitializerFailed(worker, f"{type(cause).__name__}: {cause}")
        error.__cause__ = cause
        return error
