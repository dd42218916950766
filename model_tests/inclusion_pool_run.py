"""Programs on a thread pool, explored, and compared with the spec both ways.

What the code does is read off the log of ``foregone.observer``, as for any run (see
``run_of_threads``), but exactly: each entry knows whose it is, and what is silent there is
heard here.  ThreadStarts stands where a thread comes to life, Initialized where it begins
to run, Discarded where a caller of shutdown finds nothing queued.  A closer has the number
that the program gives him.

From the first state on every step must be one of the spec's, and lead where it leads.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, Final, final

from foregone.events import Event
from foregone.events_of_threads import ThreadEvents
from foregone.pool import Pool
from foregone.run_of_threads import ThreadReader
from foregone_spec import lifecycle as life
from foregone_spec import thread_pool
from model_tests import schedule_pools
from model_tests.inclusion_pool_spec import Behaviour, Clients, Edge, behaviour, clients, shown
from model_tests.recording import logged
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


def _events(log: Log, pool: Pool, end: int) -> Iterator[tuple[Event, str]]:
    """Yield each event of a log up to an entry, and whose it is."""
    encoder = ThreadEvents(pool, life.Phase.OPEN)
    for entry, who in zip(log[:end], log.whose, strict=False):
        match entry:
            case ("Started" | "Begun" as what, it, worker) if it is pool:
                yield logged(what, 0, encoder.number(worker)), who
            case ("Discard", it, None, _) if it is pool:
                yield logged("Discard"), who
            case _:
                if entry[0] == "Submit":
                    encoder.owned = type(entry[2][0])  # the library may be a copy
                for told in encoder.tell([entry]):
                    yield logged(*told), who


class _Exact(ThreadReader):
    """Reads a log in which nothing is silent, up to the end of the program."""

    def __init__(self, log: Log, pool: Pool, of: Clients, end: int) -> None:
        events = tuple(_events(log, pool, end))
        self._whose = [who for _, who in events]
        self._initializes = pool.initializer is not None
        self._reserved: dict[str, int] = {}  # the work id for which somebody starts a thread
        self._ahead: dict[str, list[int]] = {
            f"user{n}": [closer for _, closer in row if closer] for n, row in enumerate(of.rows)
        }
        self._discards: dict[str, int] = {}  # closers that have not found nothing yet
        self._joins: dict[str, int] = {}  # closers that are not back
        self._tasks: dict[str, int] = {}  # threads by the names of their tasks
        super().__init__([event for event, _ in events], pool.limit)

    def read(self, index: int, event: Event) -> None:
        who = self._whose[index]
        match event.action:
            case "Started":
                thread = self.threads[event.worker] = self.starting[self._reserved[who]]
                self.unseen.remove(thread)
                self.add(thread_pool.ThreadStarts(thread))
            case "Begun":
                self._tasks[who] = self.threads[event.worker]
                if not self._initializes:
                    self.add(thread_pool.Initialized(self.threads[event.worker]))
            case "Discard" if event.call:
                self.discard(index, self.number(event.call), self._tasks.get(who, 0))
            case "Discard":
                if who in self._discards:
                    self.add(thread_pool.Discarded(self._discards.pop(who)))
            case "Ask" if event.what == life.Request.BREAK.value:
                self.phase_seen = life.Phase(event.after)
                self.parked.clear()
                self.add(thread_pool.InitializerFails(self._tasks[who]))
            case "Ask" if self._ahead.get(who):
                self.closes(who, event)
            case "ShutdownReturns":
                self.add(thread_pool.ShutdownReturns(self._joins[who]))
            case _:
                if event.after == "starts":
                    self._reserved[who] = self.number(event.call)
                super().read(index, event)

    def closes(self, who: str, event: Event) -> None:
        closer = self._joins[who] = self._ahead[who].pop(0)
        self.phase_seen = life.Phase(event.after)
        self.unpark(event)
        if not life.runs_queued(self.phase_seen):
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
