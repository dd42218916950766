"""Defects of the process pool that its schedules must find: edits of the library's source.

Every lock of the ticket code is left out in turn; the others are steps in the wrong order,
wake-ups that are lost, and looks that are taken too early.  A defect is found when some
program fails on the edited copy that holds on the library.
"""

import ast
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final, final

from model_tests.process_schedule_library import bench, load
from model_tests.process_schedule_programs import HUNTED
from model_tests.process_schedules import program
from model_tests.schedule_defects import NO_LOCK, Hunt
from model_tests.schedule_explore import Bench, Found, Program, explore, sample
from model_tests.schedule_library import Edit

#: Where locks are taken, and how.
LOCKS: Final = {
    "rooms": ("with self.lock:",),
    "tickets": ("with pool.lock:",),
    "call_queue": ("with self.lock:", "with pool_lock:"),
    "dispatch": ("with pool.lock:",),
    "local_worker": ("with pool.lock:",),
    "ending": ("with pool.lock:",),
}
#: Locks that are not left out, since these programs do not show it, and why.
UNSOUGHT: Final = {
    "tickets.notice": "takes two preemptions, one in each client: not in 2,400 drawn schedules",
    "tickets.close": "takes a death just while a call is offered to another: seldom in 5,000",
    "tickets.remove": "only the local worker writes this field",
    "tickets.left": "takes another that cancels, in the middle of this statement: not sought",
    "call_queue.leave": "a field is set that only ever grows true",
    "dispatch.arrange": "takes two calls on their way back, and one that is taken: not in 1,200",
    "rooms.make_room": "takes a process that is started just then: not in 751 schedules",
    "rooms._begin": "only where the system refuses a start, which these programs have not",
}
#: Races in few places: the programs that come there with a preemption.
FINDERS: Final = {
    "local_worker.adopt takes no lock": "process 1 before: add | shutdown",
}
FEW: Final = 30  # schedules of one program without preemption, in a hunt
SEEDS: Final = 60  # and random ones
MOST: Final = 5_000  # and with one preemption


@final
@dataclass(frozen=True, slots=True)
class Defect:
    """A name, what to edit, and the one program that is run with a preemption for it."""

    name: str
    edits: tuple[Edit, ...]
    finder: str = ""


@cache
def source(module: str) -> str:
    """Return the source of a room."""
    path = Path(load().rooms.__file__).with_name(f"{module}.py")
    return path.read_text()


def without_lock() -> Iterator[Defect]:
    """Yield a defect for every place where a lock is taken."""
    for module, texts in LOCKS.items():
        functions = [
            each
            for each in ast.walk(ast.parse(source(module)))
            if isinstance(each, ast.FunctionDef)
        ]
        for text in texts:
            nth = at = 0
            while (at := source(module).find(text, at)) >= 0:
                line = source(module).count("\n", 0, at) + 1
                at += 1
                inside = [f for f in functions if f.lineno <= line <= (f.end_lineno or 0)]
                if inside:  # else it is said in words
                    name = min(inside, key=lambda f: (f.end_lineno or 0) - f.lineno).name
                    if f"{module}.{name}" not in UNSOUGHT:
                        which = f"{module}.{name} takes no lock"
                        which += " of the pool" if text == "with pool_lock:" else ""
                        yield _one(which, module, text, NO_LOCK, nth, FINDERS.get(which, ""))
                nth += 1


def _one(name: str, module: str, old: str, new: str, nth: int = 0, finder: str = "") -> Defect:
    return Defect(name, (Edit(f"process_pool.{module}", old, new, nth),), finder)


#: It must not be found.
NONE: Final = _one("no defect", "rooms", "with self.lock:", "with (self.lock):")

NAMED: Final = (
    _one(
        "a shutdown wakes nobody", "rooms",
        "            self.worker.wake()  # who goes on", "            pass  # who goes on",
    ),
    _one(
        "the worker takes note of a wake-up after it has looked", "local_worker",
        "        self._awake = False\n        self._quiet = not ready\n",
        "        self._quiet = not ready\n",
    ),
    Defect(
        "the worker says that it has ended after it has told",
        (
            Edit(
                "process_pool.local_worker", "            self.ended = True\n",
                "            wake(self._closers)\n            self.ended = True\n",
            ),
            Edit("process_pool.local_worker", "            wake(self._closers)\n", "", 1),
        ),
        "process 1 before: shutdown",
    ),
    _one(
        "who joins looks, and then says that he waits", "local_worker",
        "            self._closers.append(gate)\n            while not self.ended:\n"
        "                gate.acquire()",
        "            if not self.ended:\n                self._closers.append(gate)\n"
        "                gate.acquire()",
    ),
    _one(
        "the callbacks thread is woken before it is told to end", "callbacks",
        "        self._ended = True\n        sync.open_gate(self._gate)",
        "        sync.open_gate(self._gate)\n        self._ended = True",
    ),
    Defect(
        "the callbacks thread is woken before the call is there",
        (
            Edit(
                "process_pool.callbacks", "        self._queue.append(call)\n", "",
            ),
            Edit(
                "process_pool.callbacks", "        if self.thread is None:\n",
                "        if self.thread is None:\n            self._queue.append(call)\n",
            ),
            Edit(
                "process_pool.callbacks", "            sync.open_gate(self._gate)\n",
                "            sync.open_gate(self._gate)\n            self._queue.append(call)\n",
            ),
        ),
        "process 1: submit; add; submit; add",
    ),
    _one(
        "a ticket is posted after the slot is free", "tickets",
        "        (_,) = posting\n        call = queue.ring",
        "        call = queue.ring",
    ),
    _one(
        "a ticket is tried before the call's place is known", "tickets",
        "        elsewhere = won = False\n        with pool.lock:",
        "        elsewhere = won = False\n        if queue is not None:\n"
        "            (won,) = attempt\n            attempt = iter((won,))\n        with pool.lock:",
        finder="process 1 before: cancel | cancel",
    ),
    _one(
        "who takes a call does not look whether it has moved", "tickets",
        "            elif queue is None or call._queue is not queue or call._serial != serial: "
        "elsewhere = True",
        "            elif place is None: elsewhere = True",
        finder="process 1 before: cancel",
    ),
    _one(
        "cancel() gives the command before it takes the call", "work_items",
        "        taken = self._now is _PENDING and take(self._pool, self, _CANCEL)",
        "        self._obey(self._cancel_as)\n        taken = take(self._pool, self, _CANCEL)",
    ),
    _one(
        "a pool that is shut down accepts calls", "rooms",
        "            if self.phase is _OPEN:", "            if self.phase is not None:",
    ),
    _one(
        "two begin the pool", "rooms",
        "if trouble is None and not self.begun: self.begun = first = True",
        "if trouble is None and not self.begun: first = True",
    ),
    _one(
        "who writes does not look whether another has", "call_queue",
        "if self.batch is batch and self.offset == offset and not self.gone: (count,)",
        "if not self.gone: (count,)",
    ),
    _one(
        "a call leaves Work Ids before its future has ended", "ending",
        "elif pool.waiting and pool.waiting[0]._number < before: call = pool.waiting[0]",
        "elif pool.waiting and pool.waiting[0]._number < before: call = pool.waiting[0]; "
        "del pool.waiting[0]",
        finder="process 1 before: shutdown(cancel) | shutdown",
    ),
    _one(
        "the dead are blamed without a look at their tickets", "burial",
        "if call is not None and not take(pool, call, Event.RECALL):",
        "if call is not None and (take(pool, call, Event.RECALL) or True):",
    ),
    _one(
        "a process whose lane ends is not closed", "burial",
        "    close(worker.pool, queue)\n    if worker.lanes", "    if worker.lanes",
    ),
    _one(
        "what dies does not break the pool for those who come", "burial",
        "    pool.shatter()\n", "    pass\n",
    ),
    _one(
        "the worker does not end what somebody is cancelling", "local_worker",
        "            conclude(self.pool, self.carry)\n", "            pass\n",
        finder="process 1: submit; cancel | shutdown",
    ),
    _one(
        "processes that end are not told apart from those that die", "local_worker",
        "                    queue.told = True\n", "",
    ),
)  # fmt: skip


def defects() -> list[Defect]:
    """Return all, each with a name of its own."""
    found = [*without_lock(), *NAMED]
    assert len({each.name for each in found}) == len(found)
    return found


#: Those that are found soonest, for whoever has little time.
QUICK: Final = (
    "a shutdown wakes nobody",
    "the worker takes note of a wake-up after it has looked",
    "the worker says that it has ended after it has told",
    "a ticket is posted after the slot is free",
    "processes that end are not told apart from those that die",
    "cancel() gives the command before it takes the call",
    "a process whose lane ends is not closed",
    "a pool that is shut down accepts calls",
    "the dead are blamed without a look at their tickets",
)


def quick() -> list[Defect]:
    """Return the defects that are found soonest."""
    return [each for each in defects() if each.name in QUICK]


def hunt(defect: Defect) -> Hunt:
    """Look for ``defect`` without preemption, then with random schedules, or with one."""
    schedules = 0
    ways: tuple[Callable[[Bench, Program], Found], ...] = (
        lambda on, it: explore(on, it, 0, FEW),
        lambda on, it: sample(on, it, range(SEEDS)),
        lambda on, it: explore(on, it, 1, MOST if defect.finder else 0),
    )
    try:
        library = load(defect.edits)
    except (LookupError, SyntaxError) as error:
        return Hunt(defect.name, None, 0, f"the edit does not fit: {error}")
    with bench(library) as on:
        for way in ways:
            for written in (defect.finder,) if defect.finder else HUNTED:
                found = way(on, program(written))
                schedules += found.schedules
                if found.failure is not None:
                    return Hunt(defect.name, found.failure, schedules)
    return Hunt(defect.name, None, schedules)
