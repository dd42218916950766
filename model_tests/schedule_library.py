"""What the scheduler puts in place of the library's primitives, and how.

``load`` returns the library, or a copy of it whose source was edited (a seeded
defect).  ``under`` makes a scheduler's locks, gates, threads, clock and shared fields
the library's for a while; nothing of this costs anything in production.
"""

import importlib
import importlib.abc
import importlib.machinery
import importlib.util
import sys
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any, Final, TypeAlias, final

from model_tests.schedule_cells import Cell
from model_tests.schedule_standins import Deque, Dict, Gate, List, Lock, Thing, Threads
from model_tests.scheduler import Scheduler

#: The library's rooms by name, as they are or edited.
Library: TypeAlias = Any

ROOMS: Final = ("sync", "clock", "future", "waiting", "worker", "pool", "thread_pool", "observer")
FUTURE_FIELDS: Final = ("_now", "_result", "_exception", "_callbacks", "_installed", "_blocked")
POOL_FIELDS: Final = ("phase", "queue", "parked", "alive", "closers", "discarding", "workers")


# ------------------------------------------------------------------- the library


@final
@dataclass(frozen=True, slots=True)
class Edit:
    """Replace the ``nth`` occurrence of ``old`` in a module's source."""

    module: str
    old: str
    new: str
    nth: int = 0

    def apply(self, source: str) -> str:
        """Return the edited source; raise LookupError if there is nothing to edit."""
        at = -1
        for _ in range(self.nth + 1):
            at = source.find(self.old, at + 1)
            if at < 0:
                raise LookupError(f"{self.module}: occurrence {self.nth} of {self.old!r} not found")
        return source[:at] + self.new + source[at + len(self.old) :]


class _Edited(importlib.abc.SourceLoader):
    """Loads a module from its edited source; writes no bytecode."""

    def __init__(self, origin: str, edits: Sequence[Edit]) -> None:
        self._origin = origin
        source = Path(origin).read_text()
        for edit in edits:
            source = edit.apply(source)
        self._source = source

    def get_filename(self, fullname: str) -> str:
        return self._origin

    def get_data(self, path: bytes | str) -> bytes:
        return self._source.encode()


class _Finder(importlib.abc.MetaPathFinder):
    def __init__(self, edits: Sequence[Edit]) -> None:
        self._edits = edits

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        edits = [each for each in self._edits if f"foregone.{each.module}" == fullname]
        spec = importlib.machinery.PathFinder.find_spec(fullname, path) if edits else None
        if spec is None or spec.origin is None:
            return None
        loader = _Edited(spec.origin, edits)
        return importlib.util.spec_from_file_location(fullname, spec.origin, loader=loader)


def load(edits: Sequence[Edit] = ()) -> Library:
    """Return the library's rooms by name: as it is, or a copy with edits."""
    return modules({room: f"foregone.{room}" for room in ROOMS}, edits)


def modules(
    names: Mapping[str, str], edits: Sequence[Edit] = (), others: Sequence[str] = ()
) -> Library:
    """Return modules by name; with edits, copies of them and of all of the library.

    Of modules whose names begin with one of ``others`` it takes copies, too: they know the
    library by its names.
    """
    if not edits:
        found = {room: importlib.import_module(name) for room, name in names.items()}
        return SimpleNamespace(**found)

    def loaded() -> dict[str, ModuleType]:
        begins = tuple(others)
        return {
            name: each
            for name, each in sys.modules.items()
            if name.split(".")[0] == "foregone" or (begins and name.startswith(begins))
        }

    kept = loaded()
    finder = _Finder(edits)
    for name in kept:
        del sys.modules[name]
    sys.meta_path.insert(0, finder)
    try:
        found = {room: importlib.import_module(name) for room, name in names.items()}
    finally:
        sys.meta_path.remove(finder)
        for name in loaded():
            del sys.modules[name]
        sys.modules.update(kept)
        for name, each in kept.items():  # a package knows its modules, too
            package, _, child = name.rpartition(".")
            if package in sys.modules:
                setattr(sys.modules[package], child, each)
    return SimpleNamespace(**found)


# ------------------------------------------------------------------ shared fields


class Field:
    """In place of a slot: reading and writing it are scheduling points."""

    def __init__(self, scheduler: Scheduler, slot: Thing, name: str, left: object) -> None:
        self._scheduler = scheduler
        self.slot = slot
        self._name = name
        self._left = left  # the one list that is a mark, not a container
        self.cells: dict[int, Cell] = {}

    def __get__(self, it: Thing, owner: Thing = None) -> Thing:
        if it is None:
            return self
        if self._scheduler.running is not None:
            self._scheduler.touch(self.cells[id(it)], False)
        return self.slot.__get__(it, owner)

    def __set__(self, it: Thing, value: Thing) -> None:
        cell = self.cells.get(id(it))
        if cell is None:
            holds = partial(self.slot.__get__, it)
            cell = self.cells[id(it)] = self._scheduler.cell(self._name, it, holds)
        self._scheduler.touch(cell, True)
        if type(value) is list and value is not self._left:
            value = List(self._scheduler, self._name, value)
        elif type(value) is deque:
            value = Deque(self._scheduler, self._name, value)
        elif type(value) is dict:
            value = Dict(self._scheduler, self._name, value)
        self._scheduler.stored(cell, value)
        self.slot.__set__(it, value)


@final
class Places:
    """What stands in for something else meanwhile, and what stood there."""

    def __init__(self) -> None:
        self._before: list[tuple[Thing, str, object]] = []

    def put(self, where: Thing, name: str, value: object) -> None:
        """Put ``value`` there."""
        self._before.append((where, name, vars(where).get(name)))
        setattr(where, name, value)

    def fields(
        self, scheduler: Scheduler, owner: Thing, names: Sequence[str], left: object
    ) -> list[Field]:
        """Put fields in the places of slots."""
        made = [Field(scheduler, vars(owner)[name], name, left) for name in names]
        for name, field in zip(names, made, strict=True):
            self.put(owner, name, field)
        return made

    def undo(self) -> None:
        """Put everything back."""
        for where, name, value in reversed(self._before):
            if value is None:
                delattr(where, name)
            else:
                setattr(where, name, value)


@contextmanager
def under(scheduler: Scheduler, library: Library) -> Iterator[Callable[[], None]]:
    """Give ``library`` to ``scheduler`` meanwhile; yield what to call before each run."""
    places = Places()
    drained = library.future._DRAINED
    shared = (
        (library.future.Future, FUTURE_FIELDS),
        (library.pool.Pool, POOL_FIELDS),
        (library.waiting._Waiter, ("noted",)),
    )
    fields = [
        each for owner, names in shared for each in places.fields(scheduler, owner, names, drained)
    ]
    made = fields[0].cells  # so that a set of futures has the same order in each run
    places.put(library.future.Future, "__hash__", lambda it: made[id(it)].ident % 7)
    threads = Threads(scheduler)
    for room in (library.future, library.waiting, library.worker, library.pool):
        for name in ("new_lock", "new_gate", "threading"):
            if name in vars(room):
                stands = {"new_lock": lambda: Lock(scheduler), "new_gate": lambda: Gate(scheduler)}
                places.put(room, name, stands.get(name, threads))
    places.put(library.clock, "now", scheduler.now)
    places.put(library.future.LOGGER, "disabled", True)

    def prepare() -> None:
        for field in fields:
            field.cells.clear()
        threads.made.clear()
        drained.clear()  # where a seeded defect may have left a callback
        scheduler.prepare()

    try:
        yield prepare
    finally:
        places.undo()
