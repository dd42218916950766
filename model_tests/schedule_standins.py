"""What stands in for the library's locks, gates, threads and containers.

Each operation on one of them is a scheduling point (see ``scheduler``).
"""

import opcode
import sys
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any, Final, TypeAlias, TypeVar

from model_tests.schedule_cells import Items
from model_tests.schedule_tasks import Task
from model_tests.scheduler import Scheduler

T = TypeVar("T")

#: A class or an object of any kind, of which only the names of operations are known.
Thing: TypeAlias = Any

GET_ITER: Final = opcode.opmap["GET_ITER"]


class Lock:
    """In place of a re-entrant lock."""

    def __init__(self, scheduler: Scheduler) -> None:
        self.cell = scheduler.cell("lock", holds=self._holds)
        self._scheduler = scheduler
        self._owner: Task | None = None
        self._depth = 0

    def free(self) -> bool:
        return self._owner is None

    def _holds(self) -> object:
        return None if self._owner is None else self._owner.index

    def __enter__(self) -> bool:
        me = self._scheduler.running
        if me is not None:
            if self._owner is not me:
                self._scheduler.wait(self, -1, "takes")
                self._owner = me
                me.locks += 1
            self._depth += 1
        return True

    def __exit__(self, *_: object) -> None:
        me = self._scheduler.running
        if me is not None:
            self._depth -= 1
            if not self._depth:
                self._owner = None
                me.locks -= 1
                self._scheduler.record(self.cell, True)


class Gate:
    """In place of a lock that anybody may release."""

    def __init__(self, scheduler: Scheduler) -> None:
        self.cell = scheduler.cell("gate", holds=self._holds)
        self._scheduler = scheduler
        self._closed = False

    def free(self) -> bool:
        return not self._closed

    def _holds(self) -> object:
        return self._closed

    def locked(self) -> bool:
        self._scheduler.touch(self.cell, False)
        return self._closed

    def acquire(self, blocking: bool = True, timeout: float = -1) -> bool:
        scheduler = self._scheduler
        if scheduler.running is None or not blocking or timeout == 0 or self._is_new():
            scheduler.touch(self.cell, True, "tries")
            if self._closed:
                return False
        elif not scheduler.wait(self, timeout, "passes"):
            return False
        self._closed = True
        return True

    def _is_new(self) -> bool:
        return self.cell.born == len(self._scheduler.trace)

    def release(self) -> None:
        self._scheduler.touch(self.cell, True, "opens")
        if not self._closed:
            raise RuntimeError("release unlocked lock")
        self._closed = False


class Threads:
    """In place of the module ``threading``: its threads are tasks."""

    def __init__(self, scheduler: Scheduler) -> None:
        self._scheduler = scheduler
        self.made: list[Thread] = []

    def Thread(  # noqa: N802  the name it stands in for
        self, target: Callable[..., object], args: tuple[object, ...], name: str
    ) -> "Thread":
        self.made.append(Thread(self._scheduler, target, args, name))
        return self.made[-1]

    def current_thread(self) -> object:
        me = self._scheduler.running
        return next((each for each in self.made if each.task is me), me)


class Thread:
    """In place of a thread; ``Scheduler.starts`` says what becomes of its start."""

    def __init__(
        self,
        scheduler: Scheduler,
        target: Callable[..., object],
        args: tuple[object, ...],
        name: str,
    ) -> None:
        self._scheduler = scheduler
        self._body: Callable[[], object] | None = lambda: self._run(target)
        self._args = args
        self.name = name
        self.label = ""  # the name of its task, if it is to have one of its own
        self.task: Task | None = None

    def _run(self, target: Callable[..., object]) -> None:
        self._hear("Begun")
        target(*self._args)

    def _hear(self, what: str) -> None:
        if self._scheduler.heard is not None:
            self._scheduler.heard(what, self._args)

    def start(self) -> None:
        scheduler = self._scheduler
        scheduler.touch(scheduler.spawning, True, "starts a thread:")
        fate = scheduler.starts.pop(0) if scheduler.starts else "starts"
        if fate == "refused":
            raise RuntimeError("can't start new thread")
        if self._body is not None:
            number = sum(each.name.startswith("thread") for each in scheduler.tasks)
            self.task = scheduler.spawn(self.label or f"thread{number}", self._body)
            self._body = None
            self._hear("Started")
        if fate == "interrupted":
            raise KeyboardInterrupt

    def join(self, timeout: float = -1) -> None:
        if self.task is None:
            raise RuntimeError("cannot join thread before it is started")
        if self._scheduler.running is None:
            return  # a run that failed left its pool; the interpreter ends
        self._scheduler.wait(self.task, timeout, "joins")


# ---------------------------------------------------------------- containers


def _items(base: Thing, it: Thing) -> object:
    return Items(base.__iter__(it))


class List(list[T]):
    """A list whose operations are scheduling points, one each."""

    __slots__ = ("cell", "scheduler")

    def __init__(self, scheduler: Scheduler, name: str, items: Sequence[T]) -> None:
        super().__init__(items)
        self.scheduler = scheduler
        self.cell = scheduler.cell(f"list {name}", holds=partial(_items, list, self))


class Deque(deque[T]):
    """A deque whose operations are scheduling points, one each."""

    __slots__ = ("cell", "scheduler")

    def __init__(self, scheduler: Scheduler, name: str, items: Sequence[T]) -> None:
        super().__init__(items)
        self.scheduler = scheduler
        self.cell = scheduler.cell(f"deque {name}", holds=partial(_items, deque, self))


class Dict(dict[T, None]):
    """A dict whose operations are scheduling points, one each."""

    __slots__ = ("cell", "scheduler")

    def __init__(self, scheduler: Scheduler, name: str, items: dict[T, None]) -> None:
        super().__init__(items)
        self.scheduler = scheduler
        self.cell = scheduler.cell(f"dict {name}", holds=partial(_items, dict, self))


def _operation(base: Thing, name: str, write: bool) -> Callable[..., object]:
    operation: Callable[..., object] = getattr(base, name)

    def step(self: Thing, *args: object) -> object:
        self.scheduler.touch(self.cell, write, f"{name.strip('_')}:")
        return operation(self, *args)

    return step


def _iteration(base: Thing) -> Callable[[Thing], Iterator[object]]:
    """Return ``__iter__``: step by step in a loop, at once in ``tuple()`` and the like."""

    def each(self: Thing) -> Iterator[object]:
        iterator = base.__iter__(self)
        while True:
            self.scheduler.touch(self.cell, False, "next of")
            try:
                item = next(iterator)
            except StopIteration:
                return
            yield item

    def begin(self: Thing) -> Iterator[object]:
        frame = sys._getframe(1)
        if frame.f_code.co_code[frame.f_lasti] == GET_ITER:
            return each(self)
        self.scheduler.touch(self.cell, False, "copies")
        return iter([*base.__iter__(self)])

    return begin


READS: Final = (
    "__len__", "__getitem__", "__contains__", "copy", "count", "get", "index", "keys",
)  # fmt: skip
WRITES: Final = (
    "__iadd__", "__setitem__", "__delitem__", "append", "clear", "extend", "insert", "pop",
    "popitem", "popleft", "remove", "setdefault", "update",
)  # fmt: skip
_KINDS: Final[tuple[tuple[Thing, Thing], ...]] = ((List, list), (Deque, deque), (Dict, dict))
for _kind, _base in _KINDS:
    for _name in (*READS, *WRITES):
        if hasattr(_base, _name):
            setattr(_kind, _name, _operation(_base, _name, _name in WRITES))
    _kind.__iter__ = _iteration(_base)
