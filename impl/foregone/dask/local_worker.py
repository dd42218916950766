"""The local worker: the one thread that offers calls to the cluster and ends what it answers.

Each turn it reads what it was told (``words.py``), ends futures, and offers the calls that
wait as one message.  It runs until the executor has been asked to end and nothing is left,
and lets go of the cluster then.  While something is offered it looks at the connection twice
a second, so that a loss that nobody tells it of is noticed all the same.

What has become of a task that the cluster gave up is for the scheduler's book to say: a call
that is still open there has not begun, is cancelled there, and is offered again, under a new
number; one that is claimed ends with WorkerLost.  Without claims both end with an error.

Owner of every field: this module.  Callbacks run in another thread (``callbacks.py``).
"""

import logging
import threading
from typing import TYPE_CHECKING, Final, cast

from foregone import observer
from foregone.clock import NO_LIMIT, deadline, remaining
from foregone.dask import ports
from foregone.dask.callbacks import callbacks
from foregone.dask.calls import START, AnyCall, ChunkCall
from foregone.dask.claims import CANCELLED, CLAIMED, GONE, UNKNOWN, Verdict
from foregone.dask.errors import WorkerLost
from foregone.dask.payload import PARTS, UNFIT, kind_of, opened, parts_of, refusal_of, value_of
from foregone.dask.rooms import Pool
from foregone.dask.words import Answered, Begun, Cut, Dropped, Failed, Lost, Word
from foregone.process_pool.callbacks import BUT_CALLBACKS, Callbacks
from foregone.process_pool.pickling import problem
from foregone.sync import open_gate
from foregone_spec.future import Effect
from foregone_spec.lifecycle import Phase
from foregone_spec.work_item import TRANSITIONS, Event, Place

if TYPE_CHECKING:
    from foregone.process_pool.work_items import AnyCall as OfProcesses

LOGGER: Final = logging.getLogger("concurrent.futures")

_IN_SLOT, _CLAIMED, _SETTLED = Place.IN_SLOT, Place.CLAIMED, Place.SETTLED
_UNOFFERED: Final = (Place.WAITING, Place.RECALLED)
_OFFER, _CLAIM, _RECALL = Event.OFFER, Event.CLAIM, Event.RECALL
_ANSWER, _RAISE, _DIED, _FAIL = Event.ANSWER, Event.RAISE, Event.DIED, Event.FAIL
#: What ends a call that was begun.
_OF_BEGUN: Final = (_ANSWER, _RAISE, _DIED)

#: Seconds between two looks at the connection, and at the workers of a cluster of our own.
PULSE: Final = 0.5
#: So many calls, and about so many bytes, go out in one message: Dask warns of more.
MOST: Final = 2_000
MOST_BYTES: Final = 4 << 20

AGAIN: Final = "the call was not begun a second time"


class LocalWorker:
    """The thread, and what it knows."""

    callbacks: Callbacks
    pool: Pool
    thread: threading.Thread

    def __init__(self, pool: Pool) -> None:
        self.pool = pool
        self.callbacks = callbacks(f"{pool.name}_callbacks", pool.joined.append)
        self.thread = threading.Thread(target=self.run, name=pool.name)
        pool.joined.append(self.thread)
        self._forget: list[int] = []

    def tell(self, word: Word) -> None:
        """Hear of something; may be called in any thread."""
        self.pool.inbox.append(word)
        open_gate(self.pool.gate)

    def run(self) -> None:
        """Offer and end calls until the executor is over."""
        pool = self.pool
        try:
            tends = deadline(PULSE)
            while not self.turn():
                if not remaining(tends):  # also where the gate never rests for so long
                    pool.cluster.tend()
                    tends = deadline(PULSE)
                if not (pool.queue or pool.inbox):
                    pool.gate.acquire(timeout=PULSE if pool.calls else NO_LIMIT)
        except BaseException as error:  # a defect of ours: nobody is left waiting
            LOGGER.critical("the local worker of %s has failed", pool.name, exc_info=True)
            pool.broken(f"the local worker failed: {error!r}")
            self.fail_all()
        finally:
            pool.over = True
            self.callbacks.end()
            pool.cluster.close()

    def turn(self) -> bool:
        """Do what there is to do; return whether the executor is over."""
        pool = self.pool
        while pool.inbox:
            self.read(pool.inbox.popleft())
        if pool.phase is not Phase.BROKEN and (why := pool.cluster.lost()):
            pool.broken(why)
        if pool.phase is Phase.BROKEN:
            self.fail_all()
        elif pool.drops():
            pool.discard(self.carry)
            while pool.queue and pool.queue[0]._place not in _UNOFFERED:
                pool.queue.popleft()
        else:
            self.offer_some()
        if self._forget:
            forget, self._forget = self._forget, []
            pool.cluster.forget(forget)
        if pool.accepts() or pool.queue or pool.inbox:
            return False
        if any(call._place is not _SETTLED for call in pool.calls.copy().values()):
            return False
        pool.conclude(self.carry)
        return True

    # ----------------------------------------------------------------- offer

    def offer_some(self) -> None:
        """Offer the calls that wait, as many as go into one message."""
        pool = self.pool
        calls, size = list[AnyCall](), 0
        while pool.queue and len(calls) < MOST and size < MOST_BYTES:
            call = self._next()
            if call is not None:
                calls.append(call)
                size += len(call._data)
        if not calls:
            return
        try:
            pool.cluster.offer([(call._number, call._name, call._data) for call in calls])
        except Exception as error:
            self._not_offered(calls, error)

    def _next(self) -> AnyCall | None:
        """Move the oldest call to the cluster; return it, or None if it was cancelled."""
        pool = self.pool
        call = pool.queue[0]
        event = _OFFER if pool.cluster.at_most_once else _CLAIM
        moved = False
        with pool.lock:
            if call._place is not _SETTLED: cell = TRANSITIONS[call._place][event]; call._place = cell.after; moved = True  # fmt: skip
            if moved: pool.offered += 1; call._number = pool.offered; pool.calls[call._number] = call  # fmt: skip
            if observer.log is not None and moved: observer.log += (("Offer", pool, call, call._number, call._place),)  # fmt: skip
            del pool.queue[0]
        if moved and event is _CLAIM:
            call._decide(START)
        return call if moved else None

    def _not_offered(self, calls: list[AnyCall], error: Exception) -> None:
        """End calls that Dask did not take."""
        if why := self.pool.cluster.lost():
            self.pool.broken(why)
            return  # and all end together
        for call in calls:
            self.finish(call, _FAIL, error=error)

    # ------------------------------------------------------------------ read

    def read(self, word: Word) -> None:
        """Do what a word asks for; one about a call that has ended is stale."""
        if isinstance(word, Cut):
            self.pool.broken(word.why)
            return
        call = self.pool.calls.get(word.number)
        if call is None:
            return
        match word:
            case Answered(_, outcome):
                self._answered(call, outcome)
            case Begun(_, worker):
                self.pool.begin(call, worker)
            case Lost(_, worker):
                self.pool.removed(worker)
                error = WorkerLost(worker, f"it had claimed this call; {AGAIN}")
                self.finish(call, _DIED, error=error)
            case Failed(_, error):
                self._failed(call, error)
            case Dropped(_, why):
                self._given_up(call, "", why)

    def _answered(self, call: AnyCall, data: bytes) -> None:
        worker, outcome = opened(data)
        refusal = refusal_of(outcome)
        if refusal is None:
            self.pool.begin(call, worker)
            self._returned(call, worker, outcome)
        elif refusal[0] == CLAIMED:
            why = f"it had claimed this call, and its answer is lost; {AGAIN}"
            self.finish(call, _DIED, error=WorkerLost(refusal[1], why))
        elif refusal[0] == UNKNOWN:
            self.pool.broken("it does not know this executor any more")
        elif refusal[0] == GONE:
            self._given_up(call, "", "its worker had been removed when it claimed it")
        else:
            self._cancelled(call, refusal)

    def _returned(self, call: AnyCall, worker: str, outcome: memoryview) -> None:
        """End a call that was run, or whose worker is not fit to run it."""
        kind, value, error = kind_of(outcome), None, None
        if kind == PARTS and isinstance(call, ChunkCall):
            call.seconds, call.parts = parts_of(outcome, call._name)
        else:
            value, error = value_of(outcome, call._name)
        if kind == UNFIT and error is not None:
            self.pool.does_not_fit(worker, error)
        else:
            self.finish(call, _ANSWER if error is None else _RAISE, value, error)

    def _failed(self, call: AnyCall, error: BaseException) -> None:
        worker = ports.killed_worker(error)
        if worker is not None:
            self._given_up(call, worker, f"the cluster has given the task up: {error}")
            return
        problem(error, "handling the task", call._name, "the cluster; is foregone installed there?")
        self.finish(call, _FAIL, error=error)

    def _given_up(self, call: AnyCall, worker: str, why: str) -> None:
        """Offer a call again that was not begun; end one that was, or may have been."""
        pool = self.pool
        if lost := pool.cluster.lost():
            pool.broken(lost)
            return
        if not pool.cluster.at_most_once:
            self.finish(call, _DIED, error=WorkerLost(worker, why))
            return
        # The task may live on, as when the cluster was restarted before it had the graph.
        for verdict, claimer in pool._asked("cancel", (call._number,)):
            if verdict == CANCELLED:
                self._again(call)
                return
            if verdict == CLAIMED:
                self.finish(call, _DIED, error=WorkerLost(claimer, why))
                return
        if call._place is _SETTLED:
            return  # somebody has cancelled it meanwhile, and had it forgotten
        pool.broken(pool.cluster.lost() or f"it cannot say what became of a call: {why}")

    def _cancelled(self, call: AnyCall, verdict: Verdict) -> None:
        """End a call that the scheduler has cancelled, if who asked for that has not."""
        if self.pool.learn(call, call._number, verdict):  # he was interrupted by Ctrl-C
            self.pool.cancelled(call, self.carry)

    def _again(self, call: AnyCall) -> None:
        """Have a call offered again, before those that wait."""
        pool, number = self.pool, call._number
        with pool.lock:
            recalled = call._place is _IN_SLOT
            if observer.log is not None and recalled: observer.log += (("Take", pool, call, _RECALL, _IN_SLOT, True),)  # fmt: skip
            if recalled: cell = TRANSITIONS[_IN_SLOT][_RECALL]; call._place = cell.after; del pool.calls[number]  # fmt: skip
        if recalled:
            pool.queue.appendleft(call)
            self._forget.append(number)

    # ------------------------------------------------------------------- end

    def fail_all(self) -> None:
        """End every call that is left, each with an error of its own."""
        pool = self.pool
        pool.inbox.clear()
        while pool.queue:
            call = pool.queue.popleft()
            if call._place is not _SETTLED:
                self.finish(call, _FAIL, error=pool.loss())
        for call in pool.calls.copy().values():
            self.finish(call, _FAIL, error=pool.loss())

    def finish(
        self,
        call: AnyCall,
        event: Event,
        value: object = None,
        error: BaseException | None = None,
    ) -> None:
        """End the future of a call, once, as the table says; one that fails may be claimed."""
        pool = self.pool
        if event in _OF_BEGUN or call._place is _CLAIMED:
            pool.begin(call, call._worker)  # RUNNING first: who cancels meanwhile is refused
        ends = False
        with pool.lock:
            cell = TRANSITIONS[call._place][_DIED if event is _FAIL and call._place is _CLAIMED else event]  # fmt: skip
            if observer.log is not None and call._place is not _SETTLED and cell.after is _SETTLED: observer.log += (("End", pool, call, event, call._place, call._worker),)  # fmt: skip
            if call._place is not _SETTLED and cell.after is _SETTLED: call._place = cell.after; pool.settled += 1; ends = True  # fmt: skip
        if not ends or cell.command is None:
            return  # somebody is about to cancel it
        effects = call._decide(cell.command, value, error).effects
        call._data = b""
        if pool.calls.pop(call._number, None) is not None:
            self._forget.append(call._number)
        self.carry(call, effects)

    def carry(self, call: AnyCall, effects: tuple[Effect, ...]) -> None:
        """Tell who waits for a call that has ended; have its callbacks run."""
        if effects and (call._installed or call._blocked or call._callbacks):
            try:
                call._carry_out(BUT_CALLBACKS[effects])
            except BaseException:  # a waiter that is not ours
                LOGGER.exception("exception telling those who wait for %r", call)
            if call._callbacks:
                self.callbacks.add(cast("OfProcesses", call))
