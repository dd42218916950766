"""A scheduler that knows what stands in each cell, and so in which state a run is.

While ``values`` is set, the trail of a task has what its operations found, and not the past
of others; ``schedule_states`` says why that is enough, and explores by it.
"""

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Final, final

from model_tests.schedule_cells import Cell, Items, Resource
from model_tests.schedule_standins import Thing
from model_tests.schedule_tasks import Task
from model_tests.scheduler import MASK, MOST_STEPS, Holds, Pick, Scheduler

NAMES_OF_A_CALL: Final = 1_000  # more than a task makes cells in one call
VIEW: Final = hash("view")  # as if what looks on were a cell
#: Values of which nobody asks which of two equal ones it is.
PLAIN: Final = (int, float, str)


@final
@dataclass(frozen=True, slots=True)
class Footprint:
    """What a step has read and written."""

    reads: frozenset[int]
    writes: frozenset[int]
    alone: bool  # did it more than that, and commutes with nothing?

    def commutes(self, other: "Footprint") -> bool:
        """Say whether it makes no difference which of both comes first."""
        if self.alone or other.alone or self.writes & other.writes:
            return False
        return not (self.writes & other.reads or self.reads & other.writes)


class ValueScheduler(Scheduler):
    """Runs tasks; may be asked for the state, and may leave a run whose rest is known."""

    values = False  # are trails made of values?

    def _reset(self, forced: Sequence[int], pick: Pick) -> None:
        super()._reset(forced, pick)
        self.tracks = True  # do trails grow, or will they be given?
        self.names: dict[int, Hashable] = {}  # of objects that have no cell, by id()
        self._kept: list[object] = []  # so that an id() stays its object's
        self._holds: dict[Cell, Holds] = {self.clock: lambda: self.elapsed}
        self._puts: dict[Cell, int] = {}  # how many things were put in a field first
        self._named: set[Cell | None] = set()  # the cells of such things
        self._locks = 0
        self._reads: set[int] = set()  # what the step that is being made has read
        self._writes: set[int] = set()
        self._alone = False
        self._coasted = 0

    def run(
        self,
        bodies: Sequence[tuple[str, Callable[[], object]]],
        epilogue: Callable[[], object] | None,
        forced: Sequence[int],
        pick: Pick,
    ) -> None:
        self.tracks = not (self.values and forced)
        super().run(bodies, epilogue, forced, pick)

    def spawn(self, name: str, body: Callable[[], object]) -> Task:
        def begun() -> object:
            self.hears("begun")
            return body()

        return super().spawn(name, begun)

    # --------------------------------------------------------------- what is there

    def cell(self, name: str, keeps: object = None, holds: Holds | None = None) -> Cell:
        made = super().cell(name, keeps)
        if self.values and holds is not None:
            self._holds[made] = holds
            if name == "lock":  # whoever makes it first
                self._alone = True
                self._locks += 1
                made.ident = hash((name, self._locks))
        return made

    def stored(self, field: Cell, value: object) -> None:
        """Name what is put in a field after that, if it has no name: which one it is may count."""
        if not self.values or value is None or isinstance(value, (bool, Enum, *PLAIN)):
            return
        cell = cell_of(value)
        if id(value) in self.names or cell in self._named:
            return
        count = self._puts[field] = self._puts.get(field, 0) + 1
        ident = hash((field.ident, "holds", count))
        if cell is None:
            self.names[id(value)] = ident
            self._kept.append(value)
        else:
            self._named.add(cell)
            cell.ident = ident
        self.hears(ident)

    def name(self, value: object, name: str) -> None:
        """Give a name to what a program has made."""
        self.names[id(value)] = name
        self._kept.append(value)

    def told(self, value: Thing) -> Hashable:
        """Return a value without what differs between runs that are in one state.

        What has neither a name nor a cell is a complaint.
        """
        if value is None or type(value) is bool:
            return value
        if isinstance(value, Enum):
            return type(value).__name__, value.name
        if type(value) in PLAIN:
            return type(value).__name__, value
        name = self.names.get(id(value))
        if name is not None:
            return (name, *map(self.told, value)) if type(value) is tuple else name
        cell = cell_of(value)
        if cell is None:
            self.complain(f"{value!r} has neither a cell nor a name: give it one with name()")
            return None
        return type(value).__name__, cell.ident

    def content(self, cell: Cell) -> Hashable:
        """Return what stands in a cell; that nobody can tell is a complaint."""
        if cell not in self._holds:
            self.complain(f"nobody knows what stands in {cell.name}: make its cell with holds=")
            return None
        held = self._holds[cell]()
        return tuple(map(self.told, held)) if type(held) is Items else self.told(held)

    def state(self, known: Hashable) -> int:
        """Return a hash of where the tasks are, of all cells, and of what else is ``known``."""
        tasks = [
            (each.trail, each.done, each.waits and (each.waits.cell.ident, each.timed))
            for each in self.tasks
        ]
        if not self.values:
            return hash((*tasks, known))
        cells = sum(hash((cell.ident, self.content(cell))) for cell in self._holds)
        return hash((*tasks, cells & MASK, known))

    def complain(self, what: str) -> None:
        """Complain: the run has not failed, but the states of its program are not known."""
        if what not in self.complaints:
            self.complaints.append(what)

    # --------------------------------------------------------------- what tasks know

    def note(self, me: Task, cell: Cell, write: bool, verb: str) -> None:
        if not self.values:
            super().note(me, cell, write, verb)
        elif self.tracks:
            if verb == "next of" and not cell.name.startswith("list"):
                self.complain(f"a loop over the living {cell.name} has more than a position")
            (self._writes if write else self._reads).add(cell.ident)
            found = () if write and not verb else (self.content(cell),)
            me.trail = hash((me.trail, cell.ident, write, *found))

    def hears(self, what: Hashable) -> None:
        """Take note of what the running task finds, and is in no cell."""
        me = self.running
        if self.values and self.tracks and me is not None:
            me.trail = hash((me.trail, "hears", what))

    def looks(self, cell: Cell) -> None:
        """Take note that who looks on has looked there."""
        self._reads.add(cell.ident)

    def sees(self) -> None:
        """Take note that who looks on has taken the step down, or answered from what he has."""
        self._writes.add(VIEW)

    def footprint(self) -> Footprint:
        """Return what was read and written since this was asked last."""
        found = Footprint(frozenset(self._reads), frozenset(self._writes), self._alone)
        self._reads.clear()
        self._writes.clear()
        self._alone = False
        return found

    def anew(self, place: int) -> None:
        """Let the running task begin call number ``place``: of those before it keeps nothing."""
        me = self.running
        if self.values and me is not None:
            me.trail = hash((me.index, "anew", place))
            me.made = NAMES_OF_A_CALL * place

    def trails(self) -> tuple[int, ...]:
        """Return the trails of all tasks."""
        return tuple(task.trail for task in self.tasks)

    def track(self, trails: Sequence[int]) -> None:
        """Give the tasks the trails that they have there, and let them grow."""
        for task, trail in zip(self.tasks, trails, strict=True):
            task.trail = trail
        self.tracks = True

    # ---------------------------------------------------------------- the short ways

    def coast(self) -> None:
        """Let the tasks run to their end, one after the other, and note nothing."""
        self.coasting = True

    def touch(self, cell: Cell, write: bool, verb: str = "") -> None:
        if self.coasting:
            self._coasts()
        elif self.tracks or not self._is_told_to_go_on(cell):
            super().touch(cell, write, verb)

    def wait(self, resource: Resource, timeout: float, verb: str) -> bool:
        if self.coasting and not self.abandoning and resource.free():
            return True
        return super().wait(resource, timeout, verb)

    def _coasts(self) -> None:
        """Count a step; end a run that does not end."""
        if self.running is not None and not self.abandoning:
            self._coasted += 1
            if self._coasted > MOST_STEPS:
                self.abandoning = True
                self.step()

    def _is_told_to_go_on(self, cell: Cell) -> bool:
        """Take a step of a schedule that is given, if it is the running task's."""
        me, at = self.running, len(self.trace)
        if me is None or self.blind or self.steps_whole or self.story is not None:
            return False
        if at >= len(self.forced):
            return False
        if cell.born != at:
            if self.forced[at] != me.index * 2:
                return False
            self.trace.append(me.index * 2)
            me.timed_out = False
        return True

    def _next(self, me: Task | None) -> Task | None:
        if not self.coasting:
            return super()._next(me)
        codes = [me.index * 2] if me is not None and self._goes_on(me) else self.enabled()
        if not codes:
            return None  # the run is over, and whoever still waits is unwound
        task = self.tasks[codes[0] >> 1]
        task.timed_out = bool(codes[0] & 1)
        return task


def cell_of(value: Thing) -> Cell | None:
    """Return the cell of a stand-in, or of the gate that a waiter waits at."""
    found = getattr(value, "cell", None) or getattr(getattr(value, "gate", None), "cell", None)
    return found if isinstance(found, Cell) else None
