"""Programs on a thread pool, explored, and compared with the spec both ways.

What the code does is read off the log of ``foregone.observer``, as for a recorded run (see
``recording_pool``), but exactly: each entry knows whose it is, and what is silent there is
heard here.  ThreadStarts stands where a thread comes to life, Initialized where it begins
to run, Discarded where a caller of shutdown finds nothing queued.  A closer has the number
that the program gives him.

From the first state on every step must be one of the spec's, and lead where it leads.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, Final, final

from foregone.pool import Pool
from foregone_spec import lifecycle as life
from foregone_spec import thread_pool
from model_tests import schedule_pools
from model_tests.inclusion_pool_spec import Behaviour, Clients, Edge, behaviour, clients, shown
from model_tests.recording_pool import _PoolReader
from model_tests.schedule_explore import Bench, Case, Failure, Program, Schedule, explore
from model_tests.schedule_library import Library
from model_tests.scheduler import Scheduler

BEFORE: Final = "before"


class Log(list[Any]):
    """A log that knows whose its entries are."""

    def __init__(self, scheduler: Scheduler) -> None:
        super().__init__()
        self.whose: list[str] = []
        self._scheduler = scheduler

    def __iadd__(self, entries: Iterable[Any]) -> "Log":  # type: ignore[misc]  # ours
        for each in entries:
            self.append(each)
        return self

    def append(self, entry: object, /) -> None:
        super().append(entry)
        me = self._scheduler.running
        self.whose.append(BEFORE if me is None else me.name)


class _Exact(_PoolReader):
    """Reads a log in which nothing is silent, up to the end of the program."""

    def __init__(self, log: Log, pool: Pool, of: Clients, end: int) -> None:
        self._whose = log.whose
        self._reserved: dict[str, int] = {}  # the work id for which somebody starts a thread
        self._ahead: dict[str, list[int]] = {
            f"user{n}": [closer for _, closer in row if closer] for n, row in enumerate(of.rows)
        }
        self._discards: dict[str, int] = {}  # closers that have not found nothing yet
        self._joins: dict[str, int] = {}  # closers that are not back
        self._tasks: dict[str, int] = {}  # threads by the names of their tasks
        super().__init__(log[:end], pool)

    def read(self, index: int, entry: list[object]) -> None:
        who = self._whose[index]
        match entry:
            case ["Started", it, worker] if it is self.pool:
                thread = self.threads[worker] = self.starting[self._reserved[who]]
                self.unseen.remove(thread)
                self.add(thread_pool.ThreadStarts(thread))
            case ["Begun", it, worker] if it is self.pool:
                self._tasks[who] = self.threads[worker]
                if self.pool.initializer is None:
                    self.add(thread_pool.Initialized(self.threads[worker]))
            case ["Discard", it, None, _] if it is self.pool:
                if who in self._discards:
                    self.add(thread_pool.Discarded(self._discards.pop(who)))
            case ["Discard", it, (future, *_), _] if it is self.pool:
                self.discard(index, self.numbers[future], self._tasks.get(who, 0))
            case ["Ask", it, life.Request.BREAK, life.Step() as cell, _] if it is self.pool:
                self.phase = cell.after
                self.parked.clear()
                self.add(thread_pool.InitializerFails(self._tasks[who]))
            case ["Ask", it, _, life.Step() as cell, list(unparked)] if (
                it is self.pool and self._ahead.get(who)
            ):
                self.closes(who, cell.after, unparked)
            case ["ShutdownReturns", it] if it is self.pool:
                self.add(thread_pool.ShutdownReturns(self._joins[who]))
            case _:
                match entry:
                    case ["Submit", it, (future, *_), _, True] if it is self.pool:
                        self._reserved[who] = self.numbers[future]
                    case _:
                        pass
                super().read(index, entry)

    def closes(self, who: str, after: life.Phase, unparked: list[object]) -> None:
        closer = self._joins[who] = self._ahead[who].pop(0)
        self.phase = after
        for worker in unparked:
            self.parked.remove(self.thread(worker))
        if not life.runs_queued(after):
            self._discards[who] = closer
        self.add(thread_pool.Shutdown(closer))


@final
@dataclass
class Compared:
    """What became of a program."""

    program: str
    allowed: Behaviour
    seen: Behaviour = field(default_factory=Behaviour)
    schedules: int = 0
    failure: Failure | None = None

    @property
    def missing(self) -> list[str]:
        """What the spec can do, and the code was never seen to do."""
        edges = self.allowed.edges - self.seen.edges
        stops = self.allowed.stops - self.seen.stops
        return sorted([told(each) for each in edges] + [f"rest in {shown(each)}" for each in stops])


def told(edge: Edge) -> str:
    """Return an edge in words."""
    state, action, after = edge
    return f"{action} from {shown(state)} to {shown(after)}"


def program(text: str, allowed: Behaviour, seen: Behaviour) -> Program:
    """Read a program; what its runs come to is added to ``seen``."""
    of = clients(text)

    def make(library: Library, scheduler: Scheduler) -> Case:
        library.observer.log = log = Log(scheduler)
        scheduler.steps_whole = True  # an entry stands at the end of its step
        scheduler.heard = lambda what, about: log.append((what, *about))
        case = schedule_pools.program(text).make(library, scheduler)
        check, epilogue = case.check, case.epilogue
        end: list[int] = []

        def last() -> None:
            end.append(len(log))
            if epilogue is not None:
                epilogue()

        def checked() -> Iterator[str]:
            yield from _complaints(log, of, end[0], allowed, seen)
            yield from check()

        case.check, case.epilogue = checked, last
        return case

    return Program(text, make)


def _complaints(
    log: Log, of: Clients, end: int, allowed: Behaviour, seen: Behaviour
) -> Iterator[str]:
    pool: Any = next((each[1] for each in log if each[0] == "Submit"), None)
    (state,) = of.model.initial()
    try:
        steps = _Exact(log, pool, of, end).steps if pool is not None else []
    except (LookupError, ValueError) as error:
        yield f"the log is of no pool: {type(error).__name__}: {error}"
        return
    for step in steps:
        if step.action not in of.model.enabled(state):
            yield f"the spec has no such step: {step.action} in {shown(state)}"
            return
        after = of.model.step(state, step.action)
        edge = state, step.action, after
        variables = of.model.variables(after)
        known = step.variables or {}
        if any(variables[name] != value for name, value in known.items()):
            yield f"the spec leads elsewhere: {told(edge)}, the code to {known}"
            return
        if edge not in allowed.edges:
            yield f"the spec has no such step for this program: {told(edge)}"
        seen.edges.add(edge)
        state = after
    if state not in allowed.stops:
        yield f"the spec does not come to rest in {shown(state)}"
    seen.stops.add(state)


def compare(on: Bench, text: str, bound: int) -> Compared:
    """Run a program under all schedules with so many preemptions; compare with the spec."""
    found = Compared(text, behaviour(clients(text)))
    explored = explore(on, program(text, found.allowed, found.seen), bound)
    found.schedules, found.failure = explored.schedules, explored.failure
    return found


def replay(on: Bench, text: str, schedule: Schedule) -> Failure:
    """Run a schedule of a program again, and tell the story."""
    return on.replay(program(text, behaviour(clients(text)), Behaviour()), schedule)
