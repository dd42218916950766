"""What ``foregone.observer`` logged of one process pool, as actions of its model.

What a process does the parent does not see.  A simulated pool logs it where it happens
(``model_tests/simulation``): Claim, Finish, Ready, Told, Exited, Died, InitializerFails,
Sleep.  Of a real pool each stands where it must have happened at the latest: a claim
before the parent knows of it or reads the answer, a finish before its answer is read, a
death or an exit before the burial.

Where the model does in one step what the library does in two, the step stands at the
first, where the call changes its place (Cancel, Discard, Fail: at the ticket); SeeDeath
stands where the future of the blamed call ends, or the pool breaks, whichever is first.
The library may start a process for a call that is cancelled meanwhile, which the model
has no need to; so Start is allowed beyond what it wants (``Generous``).  A call that is taken
back and offered again while older ones are on their way back stays in the Call Q; so do
the calls of a dead process where there is but one, which the next one claims.
"""

from collections.abc import Iterator
from dataclasses import replace

from foregone.process_pool.call_queue import CallQueue
from foregone.process_pool.rooms import Pool
from foregone.process_pool.wire import DEPTH
from foregone.process_pool.work_items import AnyCall, Call
from foregone_spec import lifecycle as life
from foregone_spec import process_pool_actions as act
from foregone_spec.future import Command, Step
from foregone_spec.model import replaced
from foregone_spec.process_death import Policy
from foregone_spec.process_pool import ProcessPoolModel
from foregone_spec.process_pool_state import ProcessPoolState
from foregone_spec.trace import Step as Recorded
from foregone_spec.work_item import Event, Place
from model_tests.recording import CANCELS, START, Entries, Replay

_ENDS = (Command.SET_RESULT, Command.SET_EXCEPTION)
_WAITS = (Place.WAITING, Place.RECALLED)


class Generous:
    """The model, but a process may be started although there are enough."""

    def __init__(self, model: ProcessPoolModel) -> None:
        self.model = model
        self.name = model.name
        self.invariants = model.invariants
        self.step_invariants = model.step_invariants
        self.initial = model.initial
        self.variables = model.variables

    def enabled(self, state: ProcessPoolState) -> tuple[act.Action, ...]:
        """Return everything that may happen in ``state``."""
        return self.model.enabled(state)

    def step(self, state: ProcessPoolState, action: act.Action) -> ProcessPoolState:
        """Return the state after ``action``."""
        if isinstance(action, act.Start) and state.processes[action.process - 1] == "unborn":
            if any(each != "out" for each in state.calls):
                watched = replaced(state.watched, action.process - 1, True)
                started = replaced(state.processes, action.process - 1, "starting")
                return replace(state, processes=started, watched=watched)
        return self.model.step(state, action)


class _Seen:
    """What is known of one process, by now."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.stands = "starting"
        self.runs = 0
        self.answers: list[int] = []
        self.used = 0
        self.told = False  # to end, before it was ready
        self.was_ready = False  # it has said so
        self.held: list[tuple[str, int]] = []  # what it did since, before the parent has heard


class Unmodelled(Exception):  # noqa: N818  # nothing is wrong
    """A run that the model does not have: the system has refused a process or a thread."""


class _Reader:
    def __init__(self, entries: Entries, pool: Pool, *, exact: bool, depth: int) -> None:
        self.pool = pool
        self.exact = exact
        self.steps: list[Recorded[act.Action]] = []
        self.numbers: dict[object, int] = {}
        self.seen: dict[object, _Seen] = {}  # by process
        self.free = list(range(1, pool.limit + 1))
        self.holders: dict[int, _Seen] = {}
        self.holding: dict[int, _Seen] = {}  # who has claimed what before it was heard of
        self.phase = life.Phase.OPEN
        self.ids: list[int] = []
        self.bag: list[int] = []
        self.settled: set[int] = set()
        self.closers: list[life.Request] = []
        self.discarding: list[bool] = []
        self.returned = self.deaths = 0
        self.awake = False
        self.dying: _Seen | None = None  # removed, and not yet blamed
        self.breaking = False  # the pool will break of it
        self.kinds: set[type] = set()
        self.entries = [list(entry) for entry in entries]
        self.capacity = pool.limit * depth
        self.policy = Policy.REPLACE if pool.replaces else Policy.BREAK
        for index, entry in enumerate(self.entries):
            self.read(index, entry)
        self.see_death()

    # ---------------------------------------------------------------------- steps

    @property
    def started(self) -> int:
        return self.pool.limit - len(self.free)

    @property
    def pending(self) -> int:
        return len(self.numbers) - len(self.settled)

    def add(self, *actions: act.Action) -> None:
        for action in actions:
            self.kinds.add(type(action))
            self.steps.append(Recorded(action))

    def known(self) -> None:
        """Say what is known of the rooms after the last step."""
        if self.steps:
            last = self.steps[-1].action
            rooms = {"workIds": tuple(sorted(self.ids)), "callQueue": tuple(sorted(self.bag))}
            self.steps[-1] = Recorded(last, {"phase": self.phase.value, **rooms})

    def settle(self, number: int) -> None:
        self.settled.add(number)
        for room in (self.ids, self.bag):
            if number in room:
                room.remove(number)

    # -------------------------------------------------------------------- entries

    def read(self, index: int, entry: list[object]) -> None:
        match entry:
            case ["Submit", it, Call() as call, bool(taken), trouble] if it is self.pool:
                self.submit(call, taken, trouble)
            case ["Offer", it, CallQueue(), Call() as call, True] if it is self.pool:
                self.offer(self.numbers[call])
            case ["Take", it, Call() as call, Event() as event, Place() as place, bool(won)] if (
                it is self.pool
            ):
                self.take(index, self.numbers[call], event, place, won)
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
                self.remove(index, queue)
            case ["Ask", it, life.Request() as request, life.Step() as cell] if it is self.pool:
                self.ask(request, cell.after)
            case ["ShutdownReturns", it] if it is self.pool:
                self.returns()
            case [str(name), *about] if self.exact and name in _OF_PROCESS:
                self.process(name, about)
            case ["Sleep"]:
                self.sleep()
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

    def take(self, index: int, number: int, event: Event, place: Place, won: bool) -> None:
        if event is Event.WITHDRAW:
            raise Unmodelled("the system has refused to start the pool")
        if number in self.settled or not (won or place in _WAITS):
            return
        if event is Event.RECALL:
            if life.runs_queued(self.phase) and self.pool.limit > 1 and self.goes_back(index, number):
                self.bag.remove(number)
                self.ids.append(number)
                self.add(act.Recall(number))
                self.known()
            return
        self.add(act.Fail(number) if event is Event.FAIL else act.Cancel(number))
        self.awake = True
        self.settle(number)
        self.known()

    def goes_back(self, index: int, number: int) -> bool:
        """Say whether the next call that is offered is not a later one."""
        for entry in self.entries[index + 1 :]:
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

    def answer(self, holder: _Seen) -> None:
        self.add(act.Answer(holder.number))
        self.settle(holder.answers.pop(0))
        if holder.stands in ("spent", "ended") and not holder.answers:
            self.bury(holder)  # nothing more is heard of it, and another may take its place

    def notice(self, number: int) -> None:
        if number in self.holding:
            self.ready(self.holding[number])
        if number not in self.settled and number in self.holders:
            self.add(act.Notice(number))

    # ------------------------------------------------------------------ processes

    def start(self, process: object) -> None:
        number = self.free.pop(0)
        self.seen[process] = _Seen(number)
        self.add(act.Start(number))

    def wanted(self) -> int:
        """Return how many processes the model wants."""
        return min(self.pool.limit, self.pending if self.pool.grows else self.pending * 10**6)

    def ready(self, seen: _Seen) -> None:
        if seen.stands == "starting":
            seen.stands = "idle"
            self.add(act.Ready(seen.number))
            for name, number in seen.held:
                self.claims(seen, number) if name == "Claim" else self.finishes(seen, number)
            if seen.told:
                self.stop(seen)

    def stop(self, seen: _Seen) -> None:
        if seen.stands == "starting":
            seen.told = True
        elif seen.stands == "idle":
            seen.stands = "told"
            self.add(act.Stop(seen.number))

    def claims(self, seen: _Seen, number: int) -> None:
        if number not in self.holders:
            self.ready(seen)
            if seen.runs:
                self.finishes(seen, seen.runs)
            self.holders[number] = seen
            seen.stands, seen.runs = "running", number
            seen.used += 1
            self.bag.remove(number)
            self.add(act.Claim(seen.number, number))
            self.known()

    def finishes(self, seen: _Seen, number: int) -> None:
        if seen.runs == number:
            seen.runs = 0
            seen.stands = "spent" if seen.used == self.pool.max_tasks else "idle"
            seen.answers.append(number)
            self.awake = True
            self.add(act.Finish(seen.number))

    def dies(self, seen: _Seen) -> None:
        """Have a process end that did not say so, or was told to."""
        self.awake = True
        if seen.was_ready:
            self.ready(seen)
        if seen.told and seen.stands == "starting":
            seen.stands = "told"
            self.add(act.Stop(seen.number))
        match seen.stands:
            case "told":
                seen.stands = "ended"
                self.add(act.Exit(seen.number))
            case "spent":
                seen.stands = "ended"
                self.add(act.Retire(seen.number))
            case "starting" | "idle" | "running":
                seen.stands = "dead"
                self.deaths += 1
                self.add(act.Die(seen.number))

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
                self.ready(seen)
            case "Told", _:
                self.stop(seen)
            case "InitializerFails", _:
                seen.stands = "failed"
                self.awake = True
                self.add(act.InitializerFails(seen.number))
            case _ if seen.stands not in ("starting", "idle"):  # else it is not missed yet
                self.dies(seen)

    def remove(self, index: int, queue: CallQueue) -> None:
        seen = self.seen[queue.process]
        if seen.stands == "buried":
            return
        self.dies(seen)
        if seen.stands == "ended":
            self.bury(seen)
            return
        self.dying, self.breaking = seen, self.breaks(index)
        if not seen.runs and not self.breaking:
            self.see_death()

    def breaks(self, index: int) -> bool:
        """Say whether the pool breaks of the death that was just found."""
        for entry in self.entries[index + 1 :]:
            match entry:
                case ["Ask", it, life.Request.BREAK, _] if it is self.pool:
                    return self.phase is not life.Phase.BROKEN
                case ["Remove" | "Start", it, _] if it is self.pool:
                    return False
                case ["Sleep"]:
                    return False
        return False

    def see_death(self) -> None:
        seen, self.dying = self.dying, None
        if seen is not None:
            self.add(act.SeeDeath(seen.number))
            if seen.runs:
                self.settled.add(seen.runs)
            self.bury(seen)

    def bury(self, seen: _Seen) -> None:
        if seen.stands == "spent":
            self.dies(seen)
        if seen.stands == "ended":
            self.add(act.Bury(seen.number))
        seen.stands = "buried"
        self.free = sorted((*self.free, seen.number))

    # -------------------------------------------------------------------- the end

    def ask(self, request: life.Request, after: life.Phase) -> None:
        before, self.phase = self.phase, after
        self.awake = True
        if request is life.Request.BREAK and self.dying is None:
            self.add(act.StartFails(self.free[0]))  # too often; and there is no other
        elif request is life.Request.BREAK:
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

    def sleep(self) -> None:
        """Sleep, where the model has nothing left to do either."""
        if self.awake and not any(self.duties()):
            self.awake = False
            self.add(act.Sleep())

    def duties(self) -> Iterator[bool]:
        runs = life.runs_queued(self.phase)
        room = self.started and len(self.bag) < self.capacity
        near = all(min(self.ids, default=0) <= each + self.pool.overtaken for each in self.bag)
        yield runs and bool(self.free) and self.started < self.wanted()
        yield runs and bool(self.ids and room and near)
        yield self.phase is life.Phase.BROKEN and bool(self.ids or self.bag)
        over = self.phase is not life.Phase.OPEN and not (self.ids or self.bag)
        for seen in self.seen.values():
            if seen.stands != "buried":
                yield bool(seen.answers) or seen.stands in ("dead", "failed", "ended")
                yield self.phase is life.Phase.BROKEN and seen.stands != "told"
                yield over and seen.stands in ("starting", "idle", "spent")


_OF_PROCESS = ("Claim", "Finish", "Ready", "Heard", "Told", "InitializerFails", "Died", "Exited")


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
