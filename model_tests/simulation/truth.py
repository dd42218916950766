"""What really happened in a run, whatever the parent believes, and what must not.

The invariants that concern single events are checked here, as they happen; those that
concern states stand in ``checks.py``.
"""

from typing import TYPE_CHECKING, Final

from foregone.process_pool.errors import BrokenProcessPool, ProcessDied
from foregone.process_pool.outcomes import Raised
from foregone.process_pool.work_items import AnyCall, ChunkCall
from foregone_spec.lifecycle import Phase
from foregone_spec.work_item import Place
from model_tests.simulation.child import RETURNS, Outcome, value_of
from model_tests.simulation.primitives import Ticket, Violation

if TYPE_CHECKING:
    from model_tests.simulation.process import Process
    from model_tests.simulation.world import World

_UNCLAIMED: Final = (Place.WAITING, Place.IN_SLOT, Place.RECALLED)
OUTCOMES: Final = (
    *(Outcome.VALUE,) * 6,
    Outcome.RAISES,
    Outcome.LARGE,
    Outcome.UNREADABLE,
    Outcome.LONG,
    Outcome.LONG,
    Outcome.STUCK,
)


class Truth:
    """The calls of a run, by the tags that their arguments carry."""

    def __init__(self, world: "World") -> None:
        self.world = world
        self.calls: dict[int, AnyCall] = {}
        self.tags: dict[AnyCall, int] = {}
        self.items: dict[int, tuple[int, ...]] = {}  # the tags of the items of a chunk
        self.holders: dict[AnyCall, Process] = {}  # who has claimed a call
        self.begun: dict[int, int] = {}
        self.outcomes: dict[int, Outcome] = {}
        self.whole: set[int] = set()  # tags whose answer was written to its end
        self.cancelled: set[AnyCall] = set()  # cancel() has returned True
        self.raised: set[int] = set()  # submit() has raised
        self.overtaken: dict[AnyCall, int] = {}
        self.called: dict[int, int] = {}  # how often a callback was called, by its number
        self.added: dict[int, AnyCall] = {}  # of which call it is
        self.unexpected = self.refused = self.early = self.failed_starts = 0
        self.distrusted = False

    def knows(self, tag: int, call: AnyCall) -> None:
        """Learn which call has a tag."""
        if self.calls.setdefault(tag, call) is not call or self.tags.setdefault(call, tag) != tag:
            raise Violation("RightCall", f"call {tag} is taken for call {self.tags.get(call)}")

    # -------------------------------------------------------------- as it happens

    def claimed(self, process: "Process", serial: int) -> None:
        """Check a claim: it is of the call that the parent has in that slot."""
        world = self.world
        queue = next(each for each in world.pool.queues if each.process is process)
        call = queue.ring[serial % len(queue.ring)] if serial < queue.tail else None
        if call is None or call._serial != serial or call._queue is not queue:
            raise Violation("RightCall", f"{process} claims frame {serial}, which is not offered")
        if call in self.holders:
            raise Violation("AtMostOnce", f"{process} claims what {self.holders[call]} has claimed")
        if call.done() or call in self.cancelled:
            raise Violation("CancelledNeverRuns", f"{process} claims call {call._number}: {call!r}")
        self.holders[call] = process
        process.claims = call
        world.note("Claim", process, call)
        most = 0 if world.pool.limit == 1 else world.pool.overtaken
        for other in world.accepted:
            waits = other._place in _UNCLAIMED and other not in self.holders and not other.done()
            if waits and other._number < call._number and not self.being_taken(other):
                self.overtaken[other] = self.overtaken.get(other, 0) + 1
                if self.overtaken[other] > most:
                    seen = f"call {other._number} was overtaken {self.overtaken[other]} times"
                    raise Violation("OvertakenByFew", f"{seen}, now by {call._number}")

    @staticmethod
    def being_taken(call: AnyCall) -> bool:
        """Say whether the parent has won the call's ticket in the step that it is just doing."""
        queue = call._queue
        if queue is None or call._place is not Place.IN_SLOT:
            return False
        ticket = queue.tickets[call._serial % len(queue.tickets)]
        return isinstance(ticket, Ticket) and not ticket.value  # to look is no step

    def killed(self, process: "Process") -> None:
        """Check that the parent has a reason to kill a process."""
        world = self.world
        told = any(each.told for each in world.pool.queues if each.process is process)
        if not (process.liar or told or world.clients.cancels or world.pool.phase is Phase.BROKEN):
            raise Violation("Containment", f"{process} is killed, and has done nothing")

    def queued(self, call: AnyCall) -> bool:
        """Say whether a call is where the pool would find it."""
        pool, queue = self.world.pool, call._queue
        return (
            call in pool.waiting
            or call in pool.recalled
            or (queue is not None and call in queue.ring)
        )

    def cancel_futures_returned(self, before: list[AnyCall]) -> None:
        """Check that what was accepted before, and not claimed, has ended."""
        for call in before:
            if not call.done() and call not in self.holders and self.queued(call):
                raise Violation("Resolution", f"call {call._number} is not cancelled: {call!r}")

    def begins(self, process: "Process", tag: int) -> Outcome:
        """Check a call, or an item of a chunk, that begins; choose what becomes of it."""
        whole = process.child.holds
        if whole is None or process.claims is None:
            raise Violation("RightCall", f"{process} begins {tag}, and has claimed nothing")
        self.knows(whole, process.claims)
        self.begun[tag] = self.begun.get(tag, 0) + 1
        if self.begun[tag] > 1:
            raise Violation("AtMostOnce", f"call {tag} begins again, in {process}")
        if whole in self.raised:
            raise Violation("AcceptanceIsAtomic", f"call {tag} begins, and its submit() raised")
        outcome = self.world.choices.pick(OUTCOMES)
        self.world.tell(f"{process} begins call {tag}: it {outcome.value}")
        return outcome

    def ends(self, tag: int, outcome: Outcome) -> None:
        """Note what became of a call, before it is answered."""
        self.outcomes[tag] = outcome

    def answered(self, process: "Process", tag: int) -> None:
        """Note that an answer was written to its end."""
        self.whole.add(tag)
        if process.child.holds is None and process.claims is not None:
            self.world.note("Finish", process, process.claims)
            process.claims = None
            self.world.tell(f"{process} has answered call {tag}")

    def cancel_returned(self, call: AnyCall, cancelled: bool, done: bool, claimed: bool) -> None:
        """Check what ``cancel()`` says: ``done`` and ``claimed`` are from before it."""
        if not isinstance(cancelled, bool):
            raise Violation("CancelSucceedsUntilClaimed", f"cancel() says {cancelled}")
        if cancelled:
            self.cancelled.add(call)
            if call in self.holders:
                raise Violation("CancelledNeverRuns", f"call {call._number} is claimed: {call!r}")
            if not call.cancelled():
                raise Violation("SingleWriter", f"cancel() says True of {call!r}")
        elif not (call in self.holders or call.done()):
            raise Violation("CancelSucceedsUntilClaimed", f"cancel() says False of {call!r}")
        if (done and not call.done()) or (claimed and not done and cancelled):
            raise Violation("FuturesEndOnce", f"cancel() has changed {call!r}")

    def running_returned(self, call: AnyCall, running: bool, claimed: bool) -> None:
        """Check what ``running()`` says; ``claimed`` is from before it."""
        if running and call not in self.holders:
            raise Violation("KnownIsTrue", f"running() says True of {call!r}")
        if not running and claimed and not call.done():
            raise Violation("KnownIsTrue", f"running() says False of {call!r}, which is claimed")

    def callback(self, number: int) -> None:
        """Check that a callback is called once, after the end, with no lock held."""
        self.called[number] = self.called.get(number, 0) + 1
        if self.called[number] > 1:
            raise Violation("CallbacksOnce", f"callback {number} is called again")
        if number in self.added and not self.added[number].done():
            raise Violation("CallbacksOnce", f"callback {number} is called before the end")
        if self.world.held:
            raise Violation("NoForeignCode", f"callback {number} is called under a lock")

    # ---------------------------------------------------------------- at the end

    def settle(self) -> None:
        """Check every future: it is done, and as it should be."""
        for call in self.world.accepted:
            if not call.done():
                raise Violation("Resolution", f"call {call._number} never ended: {call!r}")
        for tag, call in self.calls.items():
            if tag not in self.raised:
                self._future(tag, call)
        for number, call in self.added.items():
            if not self.called.get(number):
                raise Violation("CallbacksOnce", f"callback {number} of {call!r} was not called")
        self._phase()

    def _future(self, tag: int, call: AnyCall) -> None:
        if call.cancelled():
            if call in self.holders:
                raise Violation("CancelledNeverRuns", f"call {tag} is cancelled and was claimed")
            return
        if call in self.cancelled:
            raise Violation("FuturesEndOnce", f"call {tag} was cancelled, and is {call!r}")
        error = call.exception(0)
        whole = tag in self.whole
        match error:
            case ProcessDied():
                self._died(tag, call, error)
            case BrokenProcessPool():
                if self.world.pool.phase is not Phase.BROKEN:
                    raise Violation("ExactBlame", f"call {tag} failed in a sound pool: {error}")
            case _ if tag in self.world.unsent:
                if "pickling the arguments" not in str(getattr(error, "__notes__", ())):
                    raise Violation("Containment", f"call {tag} could not be sent: {error!r}")
            case RuntimeError() if self.failed_starts and "being started" in str(error):
                pass
            case _ if not whole:
                raise Violation("RightAnswer", f"call {tag} ended unanswered: {call!r}")
            case _ if isinstance(call, ChunkCall):
                self._chunk(tag, call, error)
            case _:
                self._answer(tag, self.outcomes.get(tag, Outcome.INTERRUPTED), error, call._result)

    def _died(self, tag: int, call: AnyCall, error: ProcessDied) -> None:
        holder = self.holders.get(call)
        if holder is None or holder.pid != error.pid or not holder.died:
            raise Violation("ExactBlame", f"call {tag} blames {error.pid}, claimed by {holder}")
        if tag in self.whole and not holder.liar:
            raise Violation("ExactBlame", f"call {tag} was answered, and is blamed")
        if error.exit_code != holder.exit_code:
            raise Violation("ExactBlame", f"call {tag}: {error}, not {holder.exit_code}")
        if isinstance(call, ChunkCall):
            known = sum(item in self.whole for item in self.items[tag])
            if len(call.parts) != known:
                raise Violation("ExactBlame", f"chunk {tag}: {known} outcomes, {call.parts}")
            self._parts(tag, call)

    def _chunk(self, tag: int, call: ChunkCall, error: BaseException | None) -> None:
        if error is not None:
            self._answer(tag, Outcome.INTERRUPTED, error, None)
        elif len(call.parts) != len(self.items[tag]) or call.seconds != 1.0:
            raise Violation("RightAnswer", f"chunk {tag} has {len(call.parts)} outcomes")
        self._parts(tag, call)

    def _parts(self, tag: int, call: ChunkCall) -> None:
        for item, value in zip(self.items[tag], call.parts, strict=False):
            error = value.error if isinstance(value, Raised) else None
            if item not in self.whole:
                raise Violation("RightAnswer", f"item {item} has an outcome, and no answer")
            self._answer(item, self.outcomes[item], error, value)

    @staticmethod
    def _answer(tag: int, outcome: Outcome, error: BaseException | None, value: object) -> None:
        match outcome:
            case Outcome.RAISES:
                right = isinstance(error, ValueError) and error.args == (tag,)
            case Outcome.INTERRUPTED:
                right = isinstance(error, KeyboardInterrupt)
            case Outcome.UNREADABLE:
                right = "unpickling the result" in str(getattr(error, "__notes__", ()))
            case _:
                right = error is None and value == value_of(tag, outcome)
        if not right or (error is None) != (
            outcome in RETURNS and outcome is not Outcome.UNREADABLE
        ):
            raise Violation("RightAnswer", f"call {tag} {outcome.value}: {error!r} {value!r}")

    def _phase(self) -> None:
        if self.world.pool.phase is not Phase.BROKEN:
            return
        unready = self.early + self.failed_starts
        if not (self.refused or unready >= 3 or (self.unexpected and not self.world.pool.replaces)):
            raise Violation("Containment", "the pool is broken, and nobody died")
