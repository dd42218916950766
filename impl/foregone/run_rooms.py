"""The rooms of the model ProcessPool, as a recorded run fills them, and its steps.

See ``run_of_processes.py``, which reads the events.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import final

from foregone.events import Value
from foregone_spec import lifecycle as life
from foregone_spec import process_pool_actions as act
from foregone_spec.model import Model, replaced
from foregone_spec.model import Value as ModelValue
from foregone_spec.process_death import Policy
from foregone_spec.process_pool_state import ProcessPoolState
from foregone_spec.trace import Step as Recorded


@final
class Generous:
    """The model, but a process may be started although there are enough."""

    def __init__(self, model: Model[ProcessPoolState, act.Action]) -> None:
        self.model: Model[ProcessPoolState, act.Action] = model

    @property
    def name(self) -> str:
        """The name of the module in ``tla/``."""
        return self.model.name

    @property
    def invariants(self) -> Mapping[str, Callable[[ProcessPoolState], bool]]:
        """What must hold in every reachable state."""
        return self.model.invariants

    @property
    def step_invariants(self) -> Mapping[str, Callable[[ProcessPoolState, ProcessPoolState], bool]]:
        """What must hold of every step."""
        return self.model.step_invariants

    def initial(self) -> tuple[ProcessPoolState, ...]:
        """Return the states of an executor that was just made."""
        return self.model.initial()

    def variables(self, state: ProcessPoolState) -> dict[str, ModelValue]:
        """Return ``state`` as the variables of ``tla/ProcessPool.tla``."""
        return self.model.variables(state)

    def __str__(self) -> str:
        return str(self.model)

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


@final
class Seen:
    """What is known of one process, by now."""

    def __init__(self, number: int) -> None:
        self.number: int = number
        self.stands = "starting"
        self.runs = 0
        self.answers: list[int] = []
        self.used = 0
        self.told = False  # to end, before it was ready
        self.was_ready = self.failed = False  # its initializer is through, or has raised
        self.held: list[tuple[str, int]] = []  # what it did since, before the parent has heard


class Missing(ValueError):
    """Events are missing, or are not of one executor: no run can be made of them."""


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


@final
@dataclass(frozen=True, slots=True)
class Made:
    """What a pool was made of."""

    limit: int
    depth: int
    policy: Policy
    overtaken: int
    max_tasks: int
    grows: bool

    @classmethod
    def of(cls, more: Mapping[str, Value]) -> "Made":
        """Return what the event ``Opened`` tells."""
        return cls(
            limit=number_in(more, "workers"),
            depth=number_in(more, "depth"),
            policy=Policy(more.get("policy")),
            overtaken=number_in(more, "overtaken"),
            max_tasks=number_in(more, "max_tasks"),
            grows=more.get("grows") is True,
        )


def number_in(more: Mapping[str, Value], name: str) -> int:
    """Return a number that an event has to have."""
    value = more.get(name)
    if type(value) is not int:
        raise Missing(f"the first event, Opened, has to say {name}, a whole number: not {value!r}")
    return value


class Rooms:
    """The rooms of a pool and its processes, by now, and the steps that led there."""

    awake: bool
    breaking: bool  # the pool will break of the death that was found
    deaths: int
    dying: Seen | None  # removed, and not yet blamed
    free: list[int]
    phase_seen: life.Phase
    returned: int
    submitted: int

    def __init__(self, made: Made) -> None:
        self.made: Made = made
        self.steps: list[Recorded[act.Action]] = []
        self.numbers: dict[int, int] = {}  # by work id: calls that were refused have none
        self.submitted = 0
        self.seen: dict[int, Seen] = {}  # by the number that the events have
        self.free = list(range(1, made.limit + 1))
        self.holders: dict[int, Seen] = {}
        self.where: dict[int, int] = {}  # the process to which a call was offered
        self.holding: dict[int, Seen] = {}  # who has claimed what before it was heard of
        self.phase_seen = life.Phase.OPEN
        self.ids: list[int] = []
        self.bag: list[int] = []
        self.settled: set[int] = set()
        self.closers: list[life.Request] = []
        self.discarding: list[bool] = []
        self.returned = self.deaths = 0
        self.awake = False
        self.dying = None
        self.breaking = False
        self.kinds: set[type[act.Action]] = set()
        self.capacity: int = made.limit * made.depth

    @property
    def started(self) -> int:
        """How many processes there are."""
        return self.made.limit - len(self.free)

    @property
    def pending(self) -> int:
        """How many calls have not ended."""
        return self.submitted - len(self.settled)

    def add(self, *actions: act.Action) -> None:
        """Add steps to the run."""
        for action in actions:
            self.kinds.add(type(action))
            self.awake = self.awake or isinstance(action, _WAKING)
            self.steps.append(Recorded(action))

    def known(self) -> None:
        """Say what is known of the rooms after the last step."""
        if self.steps:
            last = self.steps[-1].action
            rooms = {"workIds": tuple(sorted(self.ids)), "callQueue": tuple(sorted(self.bag))}
            self.steps[-1] = Recorded(last, {"phase": self.phase_seen.value, **rooms})

    def settle(self, number: int) -> None:
        """Take a call out of all rooms."""
        self.settled.add(number)
        for room in (self.ids, self.bag):
            if number in room:
                room.remove(number)

    def answer(self, holder: Seen) -> None:
        """Have the oldest answer of a process read."""
        self.add(act.Answer(holder.number))
        self.settle(holder.answers.pop(0))
        if holder.stands in ("spent", "ended") and not holder.answers:
            self.bury(holder)  # nothing more is heard of it, and another may take its place

    def start(self, process: int) -> None:
        """Have a process start."""
        if not self.free:
            raise Missing(f"process #{process} starts, and none has ended that makes room for it")
        number = self.free.pop(0)
        self.seen[process] = Seen(number)
        self.add(act.Start(number))

    def wanted(self) -> int:
        """Return how many processes the model wants."""
        return min(self.made.limit, self.pending if self.made.grows else self.pending * 10**6)

    def ready(self, seen: Seen) -> None:
        """Have a process say that it is ready, and do what it did since."""
        if seen.stands == "starting":
            seen.stands = "idle"
            self.add(act.Ready(seen.number))
            for name, number in seen.held:
                self.claims(seen, number) if name == "Claim" else self.finishes(seen, number)
            if seen.told:
                self.stop(seen)

    def stop(self, seen: Seen) -> None:
        """Tell a process to end."""
        if seen.stands == "starting":
            seen.told = True
        elif seen.stands == "idle":
            seen.stands = "told"
            self.add(act.Stop(seen.number))

    def claims(self, seen: Seen, number: int) -> None:
        """Have a process claim a call, once."""
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
        """Have a process finish the call that it runs."""
        if seen.runs == number:
            seen.runs = 0
            seen.stands = "spent" if seen.used == (self.made.max_tasks or None) else "idle"
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
            case _:
                pass

    def see_death(self) -> None:
        """Have the parent see the death that was found, if any."""
        seen, self.dying = self.dying, None
        if seen is not None:
            self.add(act.SeeDeath(seen.number))
            if seen.runs:
                self.settled.add(seen.runs)
            self.bury(seen)

    def bury(self, seen: Seen) -> None:
        """Forget a process that has ended."""
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
        """Yield, of each thing that the local worker may have to do, whether it has."""
        runs = life.runs_queued(self.phase_seen)
        room = self.started and len(self.bag) < self.capacity
        near = all(min(self.ids, default=0) <= each + self.made.overtaken for each in self.bag)
        yield runs and bool(self.free) and self.started < self.wanted()
        yield runs and bool(self.ids and room and near)
        yield self.phase_seen is life.Phase.BROKEN and bool(self.ids or self.bag)
        over = self.phase_seen is not life.Phase.OPEN and not (self.ids or self.bag)
        for seen in self.seen.values():
            if seen.stands != "buried":
                yield bool(seen.answers) or seen.stands in ("dead", "failed", "ended")
                yield self.phase_seen is life.Phase.BROKEN and seen.stands != "told"
                yield over and seen.stands in ("starting", "idle", "spent")
