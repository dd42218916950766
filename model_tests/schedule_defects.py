"""Defects that the schedules must find: each is an edit of the library's source.

Every lock that ``future.py`` and ``pool.py`` take is left out in turn; the others are
the classic mistakes of the field, and those that the library itself once had.  A
defect is found when some program fails on the edited copy that holds on the library.
"""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final, final

from model_tests import schedule_pools, schedule_programs, schedule_races
from model_tests.schedule_explore import Failure, Program, bench, explore
from model_tests.schedule_library import Edit, load

LOCKS: Final = {
    "future": "with self._lock or self._make_lock():",
    "pool": "with self.lock:",
}
NO_LOCK: Final = "with __import__('contextlib').nullcontext():"
MOST: Final = 3_000  # schedules of one program

#: Programs that see most of what can go wrong in a room, quickest first.
FUTURES: Final = (
    "owned: cancel | start",
    "owned: set_result | result",
    "owned: set_result | wait",
    "owned: set_result | add",
    "owned: set_result | result(1)",
    "owned: cancel | wait(1)",
    "owned: wait | wait",
    "owned: wait(1) | wait(1)",
    "owned: result(1) | result(1)",
    "owned: result | set_exception",
    "owned: set_result | as_completed",
    "owned: add; set_result | add; add",
    "owned: add; add; set_result | add",
    "owned: wait(1) | set_result | wait",
    "owned: result(1) | set_result | result",
    "owned: result(1) | result | set_result",
    "owned: wait(1) | wait | set_result",
    "owned: wait@fg | set_result@f | set_result@g",
    "owned: as_completed@fg | set_result@f | set_result@g",
    *schedule_programs.TRIPLES,
    *schedule_programs.TWO_FUTURES,
)


@final
@dataclass(frozen=True, slots=True)
class Defect:
    """A name, and what to edit."""

    name: str
    edits: tuple[Edit, ...]

    @property
    def programs(self) -> Iterator[Program]:
        """Yield the programs that may find it."""
        rooms = {edit.module for edit in self.edits}
        if not rooms & {"pool", "worker"}:
            yield from map(schedule_races.program, FUTURES)
        else:
            for text, _ in schedule_programs.POOLS:
                yield schedule_pools.program(text)


@final
@dataclass(frozen=True, slots=True)
class Hunt:
    """How a defect was found, or was not."""

    defect: str
    failure: Failure | None
    schedules: int
    trouble: str = ""


def source(module: str) -> str:
    """Return the source of a room."""
    path = getattr(load(), module).__file__
    return Path(path).read_text()


def without_lock() -> Iterator[Defect]:
    """Yield a defect for every place where a lock is taken."""
    for module, text in LOCKS.items():
        nth = 0
        tree = ast.parse(source(module))
        functions = [each for each in ast.walk(tree) if isinstance(each, ast.FunctionDef)]
        for line, written in enumerate(source(module).splitlines(), start=1):
            if written.strip() == text:
                inside = [f for f in functions if f.lineno <= line <= (f.end_lineno or 0)]
                name = min(inside, key=lambda f: (f.end_lineno or 0) - f.lineno).name
                yield Defect(f"{module}.{name} takes no lock", (Edit(module, text, NO_LOCK, nth),))
                nth += 1


def _one(name: str, module: str, old: str, new: str, nth: int = 0) -> Defect:
    return Defect(name, (Edit(module, old, new, nth),))


_OUTCOME: Final = (
    "self._result = result if keep else self._result; "
    "self._exception = error if keep else self._exception; "
)
_NOTE: Final = (
    "        self.noted.append(future)\n"
    "        if self.on_{0} or len(self.noted) >= self.needs:\n"
    "            open_gate(self.gate)\n"
)
_LATE: Final = (
    "        if self.on_{0} or len(self.noted) + 1 >= self.needs:\n"
    "            open_gate(self.gate)\n"
    "        self.noted.append(future)\n"
)

NAMED: Final = (
    _one(
        "the state is written before the outcome", "future",
        _OUTCOME + "self._now = cell.after", "self._now = cell.after; " + _OUTCOME.rstrip("; "),
    ),
    _one(
        "result() does not look again before it sleeps", "future",
        "if self._now in _UNDONE: self._blocked += entry", "self._blocked += entry",
    ),
    _one(
        "a waiter does not look again before it is installed", "future",
        "if self._now in _UNTOLD and self._installed is beside:", "if self._installed is beside:",
    ),
    _one(
        "add_done_callback checks, then appends", "future",
        "        with self._lock or self._make_lock():\n"
        "            if self._callbacks is None: self._callbacks = fresh  # fmt: skip\n"
        "            if self._callbacks is not _DRAINED:",
        "        with self._lock or self._make_lock():\n"
        "            if self._callbacks is None: self._callbacks = fresh  # fmt: skip\n"
        "        if self._now in _UNDONE:\n"
        "            if True:",
    ),
    _one(
        "who gives up in result() leaves its gate", "future",
        "self._blocked.remove(gate)", "pass",
    ),
    _one(
        "who wakes the blocked goes through the living list (H6)", "sync",
        "for gate in tuple(blocked):", "for gate in blocked:",
    ),
    _one(
        "a waiter is installed over another", "future",
        "if self._now in _UNTOLD and self._installed is beside:", "if self._now in _UNTOLD:",
    ),
    _one(
        "a waiter that leaves takes one along that came", "future",
        "if self._installed is beside: self._installed = fresh; return  #",
        "self._installed = fresh; return  #",
    ),
    _one(
        "a late callback overtakes those that are queued", "future",
        "fn = self._callbacks[0]; del self._callbacks[0]",
        "due = self._callbacks; self._callbacks = _DRAINED; "
        "fn = lambda future, due=due: [each(future) for each in due]",
    ),
    _one(
        "the end looks for waiters before it is the end", "future",
        "        cell = self._decide(command, result, error)\n",
        "        some = self._installed or self._blocked or self._callbacks\n"
        "        cell = self._decide(command, result, error)\n"
        "        if not some:\n"
        "            return cell\n",
    ),
    *(
        _one(
            f"who tells of {kind} opens the gate before the note is there", "waiting",
            _NOTE.format(on), _LATE.format(on),
        )
        for kind, on in (
            ("a result", "result"), ("an exception", "exception"), ("a cancel", "cancelled"),
        )
    ),
    _one(
        "wait() leaves its waiters installed", "waiting",
        "            _uninstall(entry, future)\n    except", "            pass\n    except",
    ),
    _one(
        "as_completed() trusts its gate", "waiting",
        "            while not waiter.noted:", "            if not waiter.noted:",
    ),
    _one(
        "what ends before the visit is noted, and no gate opened (H5)", "waiting",
        "            waiter.add_result(future)", "            waiter.noted.append(future)",
    ),
    _one("two submits unpark the same thread", "pool", "del self.parked[-1]; ", ""),
    _one(
        "who could not start a thread does not ask whether it runs", "pool",
        "worker is None or worker.seat.acquire(blocking=False)", "True",
    ),
    _one(
        "submit raises for a call that another thread runs", "pool",
        "item[0]._obey(WITHDRAW).reply is not True", "item[0]._obey(WITHDRAW) is None",
    ),
    _one(
        "shutdown does not wait for a thread in the making", "pool",
        "while self.alive or (", "while False or (",
    ),
    _one(
        "shutdown does not wait for who discards", "pool",
        "(self.discarding and not discards)", "False",
    ),
    _one(
        "shutdown unparks threads and leaves them parked", "pool",
        "unparked = self.parked; self.parked = fresh", "unparked = self.parked",
    ),
    _one(
        "a pool that is shut down accepts calls", "pool",
        "elif self.phase is _OPEN: self.queue += entry", "else: self.queue += entry",
    ),
    _one(
        "a failed start leaves the calls of others in the queue", "pool",
        "self.discarding += me; stranded = self.queue; self.queue = fresh; ", "",
    ),
    _one("a cancelled call runs", "worker", "if cell.reply is True:", "if True:"),
    _one(
        "the thread takes no seat", "worker",
        "if not worker.seat.acquire(blocking=False):", "if 0:",
    ),
    _one("the last thread ends in silence", "worker", "pool.open_closers()", "pass"),
)  # fmt: skip


def defects() -> list[Defect]:
    """Return all, each with a name of its own."""
    found = [*without_lock(), *NAMED]
    assert len({each.name for each in found}) == len(found)
    return found


def hunt(defect: Defect) -> Hunt:
    """Look for ``defect`` with 0, 1, 2 preemptions: the first failure is a simple one."""
    schedules = 0
    try:
        library = load(defect.edits)
    except (LookupError, SyntaxError) as error:
        return Hunt(defect.name, None, 0, f"the edit does not fit: {error}")
    with bench(library) as on:
        for bound in (0, 1, 2):
            for program in defect.programs:
                found = explore(on, program, bound, MOST)
                schedules += found.schedules
                if found.failure is not None:
                    return Hunt(defect.name, found.failure, schedules)
    return Hunt(defect.name, None, schedules)
