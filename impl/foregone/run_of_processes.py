"""Events of one process pool, as actions of its model: a run that the specification can follow.

What a process does the parent does not see; so each step of it stands where it must have
happened at the latest: a claim before the parent knows of it, or of a later claim of the same
process, or reads the answer, a finish before its answer is read, a death or an exit before the
burial.

Where the model does in one step what the library does in two, the step stands at the
first, where the call changes its place (Cancel, Discard, Fail: at the ticket); SeeDeath
stands where the future of the blamed call ends, or the pool breaks, whichever is first.
The library may start a process for a call that is cancelled meanwhile, which the model
has no need to; so Start is allowed beyond what it wants (``Generous``).  A call that is taken
back and offered again while older ones are on their way back stays in the Call Q; so do
the calls of a dead process where there is but one, which the next one claims.
"""

from collections.abc import Sequence
from typing import Final

from foregone.events import Event
from foregone.run_rooms import Made, Missing, Rooms, Seen, Unmodelled
from foregone_spec import lifecycle as life
from foregone_spec import process_pool_actions as act
from foregone_spec import work_item
from foregone_spec.future import TRANSITIONS, Command, State, Step
from foregone_spec.process_pool import ProcessPoolModel
from foregone_spec.process_pool_state import ProcessPoolState
from foregone_spec.trace import Recorded
from foregone_spec.work_item import Place

_CANCELS: Final = (Command.CANCEL, Command.CANCEL_OWNED)
_START: Final = Command.SET_RUNNING_OR_NOTIFY_CANCEL
_WAITS: Final = (Place.WAITING, Place.RECALLED)


class ProcessReader(Rooms):
    """Reads the events of one pool; a simulation, which sees more, reads more (``exact``)."""

    exact: bool = False
    at: int  # of the event that is read
    breaking: bool
    dying: Seen | None
    phase_seen: life.Phase
    returned: int
    submitted: int

    def __init__(self, events: Sequence[Event], made: Made) -> None:
        super().__init__(made)
        self.unheard: set[Seen] = set()  # whose claim was seen before they said READY
        self.states: dict[int, State] = {}  # of the futures, by work id
        self.events = events
        for index, event in enumerate(events):
            self.at = index
            self.read(event)
        self.see_death()

    def read(self, event: Event) -> None:
        """Read one event."""
        match event.action:
            case "Submit":
                self.submit(event.call, event.after)
            case "Future":
                self.given(event)
            case "Take":
                self.take(event)
            case "Offer":
                number = self.number(event.call)
                self.where.pop(number, None)
                self.where[number] = event.worker
                self.offer(number)
            case "Free" if event.call:
                self.evident(self.number(event.call))
            case "Claimed" if not self.exact:
                self.evident(self.number(event.call))
            case "Start" if not self.exact:
                self.start(event.worker)
            case "Remove":
                self.remove(event)
            case "Ask":
                self.ask(life.Request(event.what), life.Phase(event.after))
            case "ShutdownReturns":
                self.returns()
            case _:
                pass

    def number(self, call: int) -> int:
        """Return the number that the model has for a call."""
        number = self.numbers.get(call)
        if number is None:
            raise Missing(f"call {call} was not submitted in these events")
        return number

    def of(self, worker: int) -> Seen:
        """Return what is known of a process."""
        seen = self.seen.get(worker)
        if seen is None:
            raise Missing(f"process #{worker} was not started in these events")
        return seen

    def submit(self, call: int, after: str) -> None:
        """Read a submit."""
        self.submitted = number = self.submitted + 1
        fails = after == "does not pickle"
        self.add(act.SubmitUnpicklable(number) if fails else act.Submit(number))
        if call:
            self.numbers[call] = number
        if call and not fails:
            self.ids.append(number)
            self.awake = True
        else:
            self.settled.add(number)
        self.known()

    def given(self, event: Event) -> None:
        """Read a command that a future was given; the table says what came of it."""
        number, command = self.number(event.call), Command(event.what)
        cell: Step = TRANSITIONS[self.states.get(event.call, State.PENDING)][command]
        if cell.after.value != event.after:
            raise Missing(f"{event.what} made call {event.call} {event.after}: others are missing")
        self.states[event.call] = cell.after
        if cell.effects:
            self.future(number, command)
        elif command is _START and cell.reply is True:
            self.notice(number)

    def offer(self, number: int) -> None:
        """Have a call move from Work Ids to the Call Q, if it is not there."""
        if number in self.ids:
            self.ids.remove(number)
            self.bag.append(number)
            self.add(act.Offer(number))
            self.known()

    def take(self, event: Event) -> None:
        """Read that somebody has tried to win a call back."""
        number, why = self.number(event.call), work_item.Event(event.what)
        if why is work_item.Event.WITHDRAW:
            raise Unmodelled("the system has refused to start the pool")
        waits = Place(event.after) in _WAITS
        if number in self.settled or not (event.more.get("won") or waits):
            return
        if why is work_item.Event.RECALL:
            if (
                life.runs_queued(self.phase_seen)
                and self.made.limit > 1
                and self.goes_back(event.call)
            ):
                self.bag.remove(number)
                self.ids.append(number)
                self.add(act.Recall(number))
                self.known()
            return
        self.add(act.Fail(number) if why is work_item.Event.FAIL else act.Cancel(number))
        self.settle(number)
        self.known()

    def goes_back(self, call: int) -> bool:
        """Say whether the next call that is offered is not a later one."""
        for event in self.events[self.at + 1 :]:
            if event.action == "Offer":
                return self.numbers.get(event.call, call + 1) <= self.number(call)
            if event.action == "Take" and event.call == call:
                return True
        return True

    def future(self, number: int, command: Command) -> None:
        """Read that a future has ended."""
        if command in _CANCELS or number in self.settled:
            return
        if number in self.holding:
            self.unheard.add(self.holding[number])
            self.ready(self.holding[number])
        holder = self.holders.get(number)
        if holder is None:
            raise Missing(f"call {number} ends by {command.value}, and nobody has claimed it")
        if holder is self.dying and self.breaking:
            return  # the death is seen when the pool breaks
        if holder is self.dying or self.phase_seen is life.Phase.BROKEN:
            while holder.answers:
                self.answer(holder)
            if number not in self.settled:
                self.dies(holder)
                self.dying = holder
                self.see_death()
        else:
            self.finishes(holder, number)
            self.answer(holder)

    def evident(self, number: int) -> None:
        """Learn that a call was claimed."""
        if number in self.holding:
            self.unheard.add(self.holding[number])
            self.ready(self.holding[number])
        elif not self.exact:
            process = self.where[number]
            for before in [each for each, whose in self.where.items() if whose is process]:
                if before == number:
                    break  # a process claims in the order in which it was sent the calls
                if before in self.bag and not self.taken_back(before):
                    self.claims(self.seen[process], before)
            self.claims(self.seen[process], number)

    def taken_back(self, number: int) -> bool:
        """Say whether the parent, and not a process, has yet to win the ticket of a call."""
        return any(
            event.action == "Take"
            and event.more.get("won") is True
            and self.numbers.get(event.call) == number
            for event in self.events[self.at :]
        )

    def notice(self, number: int) -> None:
        """Read that the parent has learned that a call was claimed."""
        self.evident(number)
        if number not in self.settled and number in self.holders:
            self.add(act.Notice(number))

    def remove(self, event: Event) -> None:
        """Read that a process has ended, and was missed."""
        seen = self.of(event.worker)
        if seen.stands == "buried":
            return
        if not self.exact:
            self.told_of(seen, event)
        if seen.failed and seen.stands == "starting" and not seen.told:
            seen.stands = "failed"
            self.add(act.InitializerFails(seen.number))
        self.dies(seen)
        if seen.stands == "ended":
            self.bury(seen)
            return
        self.dying, self.breaking = seen, self.breaks()
        self.counted(seen)
        if not seen.runs and not self.breaking:
            self.see_death()

    def counted(self, seen: Seen) -> None:
        """Leave out what the model counts from when a process is ready, the pool when it hears."""
        known = any(each.stands != "starting" for each in self.unheard)
        if self.exact and not seen.was_ready and (known or (self.breaking and self.unheard)):
            raise Unmodelled("another process was ready, and its word was on its way")

    def told_of(self, seen: Seen, event: Event) -> None:
        """Have a process do what nobody has logged, before its end."""
        seen.was_ready = event.more.get("ready") is True
        seen.failed = event.more.get("failed") is True
        if event.more.get("told") is True and self.phase_seen is not life.Phase.BROKEN:
            self.stop(seen)

    def breaks(self) -> bool:
        """Say whether the pool breaks of the death that was just found."""
        for event in self.events[self.at + 1 :]:
            if event.action == "Ask" and event.what == life.Request.BREAK.value:
                return self.phase_seen is not life.Phase.BROKEN
            if event.action in ("Remove", "Start", "Sleep"):
                return False
        return False

    def ask(self, request: life.Request, after: life.Phase) -> None:
        """Read that an end was asked for."""
        before, self.phase_seen = self.phase_seen, after
        if request is life.Request.BREAK and self.dying is None:
            self.add(act.StartFails(self.free[0]))  # too often; and there is no other
        elif request is life.Request.BREAK:
            if self.dying is not None:  # somebody may have seen a claim since then
                self.counted(self.dying)
            self.see_death()
        elif act.Collect in self.kinds:
            pass  # whoever asks now asks for what was asked for
        elif request is life.Request.COLLECT and not self.closers and before is not after:
            self.add(act.Collect())
        elif request is not life.Request.COLLECT or before is not after:
            collects = request is life.Request.COLLECT
            self.closers.append(life.Request.SHUTDOWN if collects else request)
            self.discarding.append(after is life.Phase.CANCELLING)
            self.add(act.Shutdown(len(self.closers)))
        self.known()

    def returns(self) -> None:
        """Read that a shutdown returns."""
        if self.returned < len(self.closers):
            self.returned += 1
            if self.discarding[self.returned - 1]:
                self.add(act.Discarded(self.returned))
            self.add(act.ShutdownReturns(self.returned))

    def run(self) -> Recorded[ProcessPoolState, act.Action]:
        """Return the run, of a model that has all that was seen."""
        made = self.made
        model = ProcessPoolModel(
            calls=self.submitted,
            processes=made.limit,
            capacity=self.capacity,
            closers=tuple(self.closers),
            deaths=self.deaths,
            policy=made.policy,
            overtake=made.overtaken,
            max_tasks=made.max_tasks,
            eager=not made.grows,
            initializer_fails=act.InitializerFails in self.kinds,
            start_fails=act.StartFails in self.kinds,
            unpicklable=act.SubmitUnpicklable in self.kinds,
            collects=act.Collect in self.kinds,
        )
        return Recorded(model, tuple(self.steps))
