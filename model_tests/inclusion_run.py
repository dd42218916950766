"""Programs of a few threads on a future, explored, and compared with the spec both ways.

For each program the code is run under all schedules up to a bound.  Every edge that it
takes must be one that the spec can take for this program, and it must come to rest only
where the spec can; ``missing`` are the edges and ends of the spec that it never came to.
"""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final, final

from foregone_spec.future import State, cancel_command
from model_tests.inclusion_spec import Behaviour, Call, Clients, Spec, behaviour, clients, shown
from model_tests.inclusion_view import WATCHED, View
from model_tests.schedule_cells import Cell, Resource
from model_tests.schedule_explore import Bench, Case, Failure, Program, Schedule, bench, explore
from model_tests.schedule_library import Library, load
from model_tests.schedule_standins import Thing
from model_tests.schedule_states import Whole
from model_tests.schedule_states import explore as explore_states
from model_tests.schedule_values import ValueScheduler
from model_tests.scheduler import Scheduler

BOUND: Final = 3  # preemptions


@final
class Watched(ValueScheduler):
    """A scheduler that tells a view what the tasks do."""

    view: View | None = None

    def touch(self, cell: Cell, write: bool, verb: str = "") -> None:
        super().touch(cell, write, verb)
        if self.view is not None and verb:
            self.view.touched(cell, verb)

    def wait(self, resource: Resource, timeout: float, verb: str) -> bool:
        passed = super().wait(resource, timeout, verb)
        if not passed and self.view is not None:
            self.view.timed_out()
        return passed

    def coast(self) -> None:
        super().coast()
        if self.view is not None:
            self.view.leave()
            self.view = None


class _Seen:
    """In place of a field of the future: tells what was read and written."""

    def __init__(self, scheduler: Watched, field: Thing, name: str) -> None:
        self._scheduler = scheduler
        self._field = field
        self._name = name

    def __get__(self, it: Thing, owner: Thing = None) -> Thing:
        value = self._field.__get__(it, owner)
        if it is not None and self._scheduler.view is not None:
            self._scheduler.view.field(self._name, value, False, None)
        return value

    def __set__(self, it: Thing, value: Thing) -> None:
        self._field.__set__(it, value)
        if self._scheduler.view is not None:
            cell = sys._getframe(1).f_locals.get("cell")
            self._scheduler.view.field(self._name, value, True, cell)

    def plain(self, it: Thing) -> Thing:
        """Return what is there; this is no scheduling point."""
        return self._field.slot.__get__(it)

    def cell(self, it: Thing) -> Cell:
        """Return the cell of that."""
        found: Cell = self._field.cells[id(it)]
        return found


@contextmanager
def watched(library: Library = None) -> Iterator[Bench]:
    """Put ``library`` (the real one, if None) under a scheduler that views can look at."""
    library = library or load()
    scheduler = Watched()
    owner = library.future.Future
    with bench(library, scheduler) as on:  # which puts the fields back that it replaced
        for name in WATCHED:
            setattr(owner, name, _Seen(scheduler, vars(owner)[name], name))
        yield on


@final
class Race:
    """One run of a program."""

    def __init__(
        self,
        library: Library,
        scheduler: Watched,
        of: Clients,
        check: Callable[[View], Iterator[str]],
    ) -> None:
        scheduler.view = None
        self._scheduler = scheduler
        self._check = check
        owner = library.future.Future
        self._library = library
        self._future = owner()
        self._future._cancel_as = cancel_command(of.model.owned)
        self.view = View(scheduler, library, of, self._plain)
        scheduler.view = self.view
        scheduler.name(self._future, "future")
        scheduler.name(library.future._DRAINED, "drained")

    def _plain(self, name: str) -> Thing:
        """Return what is in a field; this is no scheduling point."""
        field = vars(type(self._future))[name]
        if not isinstance(field, _Seen):
            return field.__get__(self._future)
        value = field.plain(self._future)
        for cell in (field.cell(self._future), getattr(value, "cell", None)):
            if isinstance(cell, Cell):
                self._scheduler.looks(cell)
        return value

    def thread(self, row: tuple[Call, ...]) -> Callable[[], None]:
        """Return the body of a thread."""

        def body() -> None:
            for place, call in enumerate(row):
                self._scheduler.anew(place)
                self.view.begins(call)
                try:
                    self._do(call)
                except Exception:
                    pass  # which reply it is says the table, and others look at replies
                self.view.returns()

        return body

    def _do(self, call: Call) -> None:
        future: Thing = self._future
        limit = None if call.patient else 1.0
        match call.verb:
            case "cancel":
                future.cancel()
            case "start":
                future.set_running_or_notify_cancel()
            case "set_result":
                future.set_result(call.number)
            case "set_exception":
                future.set_exception(ValueError())
            case "result":
                future.result(limit)
            case "wait":
                self._library.waiting.wait([future], limit)
            case _:
                self._add(future, call)

    def _add(self, future: Thing, call: Call) -> None:
        def fn(_: Thing) -> None:
            self.view.runs(fn)

        self._scheduler.name(fn, str(call))
        self.view.adds(fn)
        future.add_done_callback(fn)

    def epilogue(self) -> None:
        """Compare what was seen with the spec; then end the future, so that all come back."""
        self.view.close()
        self._scheduler.complaints += self._check(self.view)
        future: Thing = self._future
        if future._now in (State.PENDING, State.CANCELLED):
            future.set_running_or_notify_cancel()
        if future._now is State.RUNNING:
            future.set_result(None)


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
        return sorted(
            [f"{action} from {shown(state)} to {shown(after)}" for state, action, after in edges]
            + [f"rest in {shown(state)}" for state in stops]
        )


def program(text: str, allowed: Behaviour, seen: Behaviour) -> Program:
    """Read a program; what its runs come to is added to ``seen``."""
    of = clients(text)

    def make(library: Library, scheduler: Scheduler) -> Case:
        assert isinstance(scheduler, Watched)
        race = Race(library, scheduler, of, lambda view: _complaints(view, allowed, seen))
        rows = [(f"T{number}", race.thread(row)) for number, row in enumerate(of.rows)]

        def so_far() -> Iterator[str]:
            return _steps(race.view, allowed, seen)

        return Case(rows, lambda: iter(()), race.epilogue, knows=race.view.knows, so_far=so_far)

    return Program(text, make)


def _complaints(view: View, allowed: Behaviour, seen: Behaviour) -> Iterator[str]:
    yield from _steps(view, allowed, seen)
    if view.state not in allowed.stops:
        yield f"the spec does not come to rest in {shown(view.state)}"
    seen.stops.add(view.state)


def _steps(view: View, allowed: Behaviour, seen: Behaviour) -> Iterator[str]:
    """Take down the steps so far; yield what is wrong with them."""
    yield from view.wrong
    for edge in view.edges:
        if edge not in allowed.edges:
            state, action, after = edge
            yield f"the spec has no such step: {action} from {shown(state)} to {shown(after)}"
    seen.edges.update(view.edges)


def compare_whole(on: Bench, text: str) -> tuple[Compared, Whole]:
    """Run a program under all schedules; compare with the spec; say how many there are."""
    found = Compared(text, behaviour(clients(text)))
    explored = explore_states(on, program(text, found.allowed, found.seen))
    found.schedules = explored.schedules
    found.failure = explored.failure
    return found, explored


def compare(on: Bench, text: str, bound: int = BOUND, spec: Spec | None = None) -> Compared:
    """Run a program under all schedules with so many preemptions; compare with the spec."""
    found = Compared(text, behaviour(clients(text), spec))
    explored = explore(on, program(text, found.allowed, found.seen), bound)
    found.schedules = explored.schedules
    found.failure = explored.failure
    return found


def replay(on: Bench, text: str, schedule: Schedule) -> Failure:
    """Run a schedule of a program again, and tell the story."""
    return on.replay(program(text, behaviour(clients(text)), Behaviour()), schedule)
