"""What ``foregone.observer`` logged of one process pool, as actions of its model.

What a process does the parent does not see.  A simulated pool logs it where it happens
(``model_tests/simulation``): Claim, Finish, Ready, Told, Exited, Died, InitializerFails,
Sleep.  Of a real pool each stands where it must have happened at the latest: a claim
before the parent knows of it, or of a later claim of the same process, or reads the
answer, a finish before its answer is read, a death or an exit before the burial.

Where the model does in one step what the library does in two, the step stands at the
first, where the call changes its place (Cancel, Discard, Fail: at the ticket); SeeDeath
stands where the future of the blamed call ends, or the pool breaks, whichever is first.
The library may start a process for a call that is cancelled meanwhile, which the model
has no need to; so Start is allowed beyond what it wants (``Generous``).  A call that is taken
back and offered again while older ones are on their way back stays in the Call Q; so do
the calls of a dead process where there is but one, which the next one claims.
"""

from foregone import observer
from foregone.process_pool.call_queue import CallQueue
from foregone.process_pool.rooms import Pool
from foregone.process_pool.wire import DEPTH
from foregone.process_pool.work_items import AnyCall, Call
from foregone_spec import lifecycle as life
from foregone_spec import process_pool_actions as act
from foregone_spec.future import Command, Step
from foregone_spec.process_pool import ProcessPoolModel
from foregone_spec.process_pool_state import ProcessPoolState
from foregone_spec.work_item import Event, Place
from model_tests.recording import CANCELS, START, Entries, Replay
from model_tests.recording_rooms import Generous, Rooms, Seen, Unmodelled

_ENDS = (Command.SET_RESULT, Command.SET_EXCEPTION)
_WAITS = (Place.WAITING, Place.RECALLED)


class _Reader(Rooms):
    def __init__(self, entries: Entries, pool: Pool, *, exact: bool, depth: int) -> None:
        super().__init__(pool, depth)
        self.exact = exact
        self.unheard: set[Seen] = set()  # whose claim was seen before they said READY
        self.entries = [list(entry) for entry in _as_won(entries)]
        for index, entry in enumerate(self.entries):
            self.at = index  # of the entry that is read
            self.read(entry)
        self.see_death()

    def read(self, entry: list[object]) -> None:
        match entry:
            case ["Submit", it, Call() as call, _, bool(taken), trouble] if it is self.pool:
                self.submit(call, taken, trouble)
            case ["Offer", it, CallQueue() as queue, Call() as call, True] if it is self.pool:
                self.where.pop(self.numbers[call], None)
                self.where[self.numbers[call]] = queue.process
                self.offer(self.numbers[call])
            case ["Free", it, CallQueue(), _, Call() as call] if it is self.pool:
                self.evident(self.numbers[call])
            case ["Take", it, Call() as call, Event() as event, Place() as place, bool(won)] if (
                it is self.pool
            ):
                self.take(self.numbers[call], event, place, won)
            case ["Future", Call() as call, Command() as command, Step() as cell]:
                if call in self.numbers and cell.effects:
                    self.future(self.numbers[call], command)
                elif call in self.numbers and command is START and cell.reply is True:
                    self.notice(self.numbers[call])
            case ["Start", it, CallQueue() as queue] if it is self.pool and not self.exact:
                self.start(queue.process)
            case ["Born", process] if self.exact:
                self.start(process)
            case ["Remove", it, CallQueue() as queue] if it is self.pool:
                self.remove(queue)
            case ["Ask", it, life.Request() as request, life.Step() as cell] if it is self.pool:
                self.ask(request, cell.after)
            case ["ShutdownReturns", it] if it is self.pool:
                self.returns()
            case [str(name), *about] if self.exact and name in _OF_PROCESS:
                self.process(name, about)
            case ["Sleep"]:
                self.rest()
            case ["Refused"]:
                raise Unmodelled("the system has refused something")

    def submit(self, call: AnyCall, taken: bool, trouble: object) -> None:
        number = len(self.numbers) + 1
        fails = taken and trouble is not None
        self.add(act.SubmitUnpicklable(number) if fails else act.Submit(number))
        self.numbers[call] = number
        if taken and not fails:
            self.ids.append(number)
            self.awake = True
        else:
            self.settled.add(number)
        self.known()

    def offer(self, number: int) -> None:
        if number in self.ids:
            self.ids.remove(number)
            self.bag.append(number)
            self.add(act.Offer(number))
            self.known()

    def take(self, number: int, event: Event, place: Place, won: bool) -> None:
        if event is Event.WITHDRAW:
            raise Unmodelled("the system has refused to start the pool")
        if number in self.settled or not (won or place in _WAITS):
            return
        if event is Event.RECALL:
            if life.runs_queued(self.phase) and self.pool.limit > 1 and self.goes_back(number):
                self.bag.remove(number)
                self.ids.append(number)
                self.add(act.Recall(number))
                self.known()
            return
        self.add(act.Fail(number) if event is Event.FAIL else act.Cancel(number))
        self.settle(number)
        self.known()

    def goes_back(self, number: int) -> bool:
        """Say whether the next call that is offered is not a later one."""
        for entry in self.entries[self.at + 1 :]:
            match entry:
                case ["Offer", it, _, Call() as call, True] if it is self.pool:
                    return self.numbers.get(call, number + 1) <= number
                case ["Take", it, Call() as call, *_] if it is self.pool:
                    if self.numbers.get(call) == number:
                        return True
        return True

    def future(self, number: int, command: Command) -> None:
        if command in CANCELS or number in self.settled:
            return
        if number in self.holding:
            self.unheard.add(self.holding[number])
            self.ready(self.holding[number])
        holder = self.holders.get(number)
        if holder is None:
            raise ValueError(f"call {number} ends by {command}, and nobody has claimed it")
        if holder is self.dying and self.breaking:
            return  # the death is seen when the pool breaks
        if holder is self.dying or self.phase is life.Phase.BROKEN:
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
        for entry in self.entries[self.at :]:
            match entry:
                case ["Take", it, Call() as call, _, _, True] if it is self.pool:
                    if self.numbers.get(call) == number:
                        return True
        return False

    def notice(self, number: int) -> None:
        self.evident(number)
        if number not in self.settled and number in self.holders:
            self.add(act.Notice(number))

    def process(self, name: str, about: list[object]) -> None:
        seen = self.seen[about[0]]
        if seen.stands == "buried":
            return
        match name, about[1:]:
            case "Claim" | "Finish", [Call() as call] if seen.stands == "starting":
                seen.held.append((name, self.numbers[call]))
                self.holding[self.numbers[call]] = seen
            case "Claim", [Call() as call]:
                self.claims(seen, self.numbers[call])
            case "Finish", [Call() as call]:
                self.finishes(seen, self.numbers[call])
            case "Ready", _:
                seen.was_ready = True
            case "Heard", _:
                self.unheard.discard(seen)
                self.ready(seen)
            case "Told", _ if self.phase is not life.Phase.BROKEN:  # else it was killed
                self.stop(seen)
            case "InitializerFails", _:
                seen.failed = True
            case _ if seen.stands not in ("starting", "idle"):  # else it is not missed yet
                self.dies(seen)

    def remove(self, queue: CallQueue) -> None:
        seen = self.seen[queue.process]
        if seen.stands == "buried":
            return
        if not self.exact:
            self.told_of(seen, queue)
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

    def told_of(self, seen: Seen, queue: CallQueue) -> None:
        """Have a process of a real pool do what was not logged, before its end."""
        seen.was_ready = queue.ready
        seen.failed = queue.refusal is not None
        if queue.told and self.phase is not life.Phase.BROKEN:
            self.stop(seen)

    def breaks(self) -> bool:
        """Say whether the pool breaks of the death that was just found."""
        for entry in self.entries[self.at + 1 :]:
            match entry:
                case ["Ask", it, life.Request.BREAK, _] if it is self.pool:
                    return self.phase is not life.Phase.BROKEN
                case ["Remove" | "Start", it, _] if it is self.pool:
                    return False
                case ["Sleep"]:
                    return False
        return False

    def ask(self, request: life.Request, after: life.Phase) -> None:
        before, self.phase = self.phase, after
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
        if self.returned < len(self.closers):
            self.returned += 1
            if self.discarding[self.returned - 1]:
                self.add(act.Discarded(self.returned))
            self.add(act.ShutdownReturns(self.returned))


_OF_PROCESS = ("Claim", "Finish", "Ready", "Heard", "Told", "InitializerFails", "Died", "Exited")


def _as_won(entries: Entries) -> Entries:
    """Return the entries, each won ticket where it was won: its step logs it at its end."""
    ordered: list[observer.Entry] = []
    won: list[int] = []
    for entry in entries:
        match entry:
            case ("Won",):
                won.append(len(ordered))
            case ("Take", *_, True) if won:
                ordered.insert(won.pop(), entry)
            case _:
                ordered.append(entry)
    return ordered


def of_process_pool(
    entries: Entries, pool: Pool, *, exact: bool = False, depth: int = DEPTH
) -> Replay[ProcessPoolState, act.Action]:
    """Return the run of one pool; ``exact`` if its processes were simulated."""
    read = _Reader(entries, pool, exact=exact, depth=depth)
    model = ProcessPoolModel(
        calls=len(read.numbers),
        processes=pool.limit,
        capacity=read.capacity,
        closers=tuple(read.closers),
        deaths=read.deaths,
        policy=read.policy,
        overtake=pool.overtaken,
        max_tasks=pool.max_tasks or 0,
        eager=not pool.grows,
        initializer_fails=act.InitializerFails in read.kinds,
        start_fails=act.StartFails in read.kinds,
        unpicklable=act.SubmitUnpicklable in read.kinds,
        collects=act.Collect in read.kinds,
    )
    return Replay(Generous(model), tuple(read.steps), lambda _: False)
