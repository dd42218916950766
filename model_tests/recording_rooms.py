"""The rooms of the model ProcessPool, as a recorded run fills them, and its steps.

See ``recording_process.py``, which reads what was logged.
"""

from collections.abc import Iterator
from dataclasses import replace

from foregone.process_pool.rooms import Pool
from foregone_spec import lifecycle as life
from foregone_spec import process_pool_actions as act
from foregone_spec.model import replaced
from foregone_spec.process_death import Policy
from foregone_spec.process_pool import ProcessPoolModel
from foregone_spec.process_pool_state import ProcessPoolState
from foregone_spec.trace import Step as Recorded


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
        if not isinstance(action, act.Start) or all(each == "out" for each in state.calls):
            return self.model.step(state, action)
        if state.processes[action.process - 1] != "unborn":
            return self.model.step(state, action)
        watched = replaced(state.watched, action.process - 1, True)
        started = replaced(state.processes, action.process - 1, "starting")
        return replace(state, processes=started, watched=watched)


class Seen:
    """What is known of one process, by now."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.stands = "starting"
        self.runs = 0
        self.answers: list[int] = []
        self.used = 0
        self.told = False  # to end, before it was ready
        self.was_ready = self.failed = False  # its initializer is through, or has raised
        self.held: list[tuple[str, int]] = []  # what it did since, before the parent has heard


class Unmodelled(Exception):  # nothing is wrong
    """A run that the model does not have: the system has refused a process or a thread."""


#: What wakes the local worker, whatever became of it.
_WAKING = (
    act.Cancel,
    act.Shutdown,
    act.Collect,
    act.Finish,
    act.Retire,
    act.Exit,
    act.Die,
    act.InitializerFails,
)


class Rooms:
    """The rooms of a pool and its processes, by now, and the steps that led there."""

    def __init__(self, pool: Pool, depth: int) -> None:
        self.pool = pool
        self.steps: list[Recorded[act.Action]] = []
        self.numbers: dict[object, int] = {}
        self.seen: dict[object, Seen] = {}  # by process
        self.free = list(range(1, pool.limit + 1))
        self.holders: dict[int, Seen] = {}
        self.where: dict[int, object] = {}  # the process to which a call was offered
        self.holding: dict[int, Seen] = {}  # who has claimed what before it was heard of
        self.phase = life.Phase.OPEN
        self.ids: list[int] = []
        self.bag: list[int] = []
        self.settled: set[int] = set()
        self.closers: list[life.Request] = []
        self.discarding: list[bool] = []
        self.returned = self.deaths = 0
        self.awake = False
        self.dying: Seen | None = None  # removed, and not yet blamed
        self.breaking = False  # the pool will break of it
        self.kinds: set[type] = set()
        self.capacity = pool.limit * depth
        self.policy = Policy.REPLACE if pool.replaces else Policy.BREAK

    @property
    def started(self) -> int:
        return self.pool.limit - len(self.free)

    @property
    def pending(self) -> int:
        return len(self.numbers) - len(self.settled)

    def add(self, *actions: act.Action) -> None:
        for action in actions:
            self.kinds.add(type(action))
            self.awake = self.awake or isinstance(action, _WAKING)
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

    def answer(self, holder: Seen) -> None:
        self.add(act.Answer(holder.number))
        self.settle(holder.answers.pop(0))
        if holder.stands in ("spent", "ended") and not holder.answers:
            self.bury(holder)  # nothing more is heard of it, and another may take its place

    def start(self, process: object) -> None:
        number = self.free.pop(0)
        self.seen[process] = Seen(number)
        self.add(act.Start(number))

    def wanted(self) -> int:
        """Return how many processes the model wants."""
        return min(self.pool.limit, self.pending if self.pool.grows else self.pending * 10**6)

    def ready(self, seen: Seen) -> None:
        if seen.stands == "starting":
            seen.stands = "idle"
            self.add(act.Ready(seen.number))
            for name, number in seen.held:
                self.claims(seen, number) if name == "Claim" else self.finishes(seen, number)
            if seen.told:
                self.stop(seen)

    def stop(self, seen: Seen) -> None:
        if seen.stands == "starting":
            seen.told = True
        elif seen.stands == "idle":
            seen.stands = "told"
            self.add(act.Stop(seen.number))

    def claims(self, seen: Seen, number: int) -> None:
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

    def finishes(self, seen: Seen, number: int) -> None:
        if seen.runs == number:
            seen.runs = 0
            seen.stands = "spent" if seen.used == self.pool.max_tasks else "idle"
            seen.answers.append(number)
            self.add(act.Finish(seen.number))

    def dies(self, seen: Seen) -> None:
        """Have a process end that did not say so, or was told to."""
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

    def see_death(self) -> None:
        seen, self.dying = self.dying, None
        if seen is not None:
            self.add(act.SeeDeath(seen.number))
            if seen.runs:
                self.settled.add(seen.runs)
            self.bury(seen)

    def bury(self, seen: Seen) -> None:
        if seen.stands == "spent":
            self.dies(seen)
        if seen.stands == "ended":
            self.add(act.Bury(seen.number))
        seen.stands = "buried"
        self.free = sorted((*self.free, seen.number))

    def rest(self) -> None:
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
