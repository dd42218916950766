"""A scheduler for real threads: exactly one runs at a time, and it is told which.

The threads run the library as it is.  At each *scheduling point* (a lock is taken, a
gate closed or opened, a shared field or container read or written, the clock read, a
thread started or joined) the running thread stops before the operation, and the
strategy says who goes on: that thread, or another that can.  The baton is a real lock
for each thread; while a thread goes on by itself nothing is handed over.

What happens between two points is one step.  A release of a lock has no point of its
own: whoever could tell it from the step before needs the lock.  Nor has an operation
on an object that its maker has made since its last point: nobody else knows it yet.

A wait with a finite timeout may be resumed as timed out, whenever it cannot go on
otherwise: when that happens is the strategy's choice, and the clock moves on then.

A *code* is one choice: twice the number of the task, plus 1 if its wait timed out.

``trail`` is a hash of a task's past: of its operations, and, through ``Cell.written``,
of the operations of others that they came after.  Tasks are deterministic, so equal
trails of all tasks mean that the same operations came in the same order, up to the
order of those that commute (two reads, or different cells): the same state.
"""

import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Final

from model_tests.schedule_cells import Cell, Resource, place
from model_tests.schedule_tasks import Abandoned, Hand, Task

MOST_STEPS: Final = 5000
MASK: Final = 2**61 - 1
MOST_RAISED: Final = 50  # times that a task is unwound; then its thread is left behind


#: Says who goes on: the task that ran last (None at first), all that can; returns a code.
Pick = Callable[[Task | None, list[int]], int]
#: Returns what stands in a cell; this is no operation.
Holds = Callable[[], object]


class Scheduler:
    """Runs tasks as a strategy says, one step after the other."""

    def __init__(self) -> None:
        self._hands: list[Hand] = []
        self._home = threading.Lock()
        self._home.acquire()
        self.story: list[str] | None = None
        self._reset((), lambda _, enabled: enabled[0])

    def _reset(self, forced: Sequence[int], pick: Pick) -> None:
        self.tasks: list[Task] = []
        self.running: Task | None = None
        self.trace: list[int] = []
        self.forced = forced
        self.pick = pick
        self.abandoning = False
        self.coasting = False  # is the rest of the run known?
        self.quiet = False  # the program is over, and its epilogue runs
        self.patient = False  # does time pass only if nobody can go on, or it is chosen?
        self.steps_whole = False  # is there no point between taking a lock and leaving it?
        self.blind = False  # somebody looks, and it counts for nothing
        self.last: frozenset[str] = frozenset()  # the names of tasks that come last
        self.complaints: list[str] = []
        self.elapsed = 0.0
        self.clock = Cell("clock", hash("clock"), -1)
        self.spawning = Cell("number of threads", hash("spawning"), -1)
        self.past = 0  # a hash of the calls that have ended, whatever their order
        self.heard: Callable[[str, tuple[object, ...]], object] | None = None  # of threads
        self.starts: list[str] = []  # what becomes of the next Thread.start() calls
        self._epilogue: Callable[[], object] | None = None
        self._made = 0

    def prepare(self) -> None:
        """Forget the last run; objects made from now on belong to the next."""
        self._reset((), lambda _, enabled: enabled[0])

    def close(self) -> None:
        """End the real threads."""
        while self._hands:
            self._hands.pop().dismiss()

    # ------------------------------------------------------------------ a run

    def spawn(self, name: str, body: Callable[[], object]) -> Task:
        """Make a task; it runs when it is picked."""
        index = len(self.tasks)
        if index == len(self._hands):
            self._hands.append(Hand(self, index))
        task = Task(name, index, body, self._hands[index], len(self.trace))
        task.hand.task = task
        task.last = name in self.last
        self.tasks.append(task)
        return task

    def run(
        self,
        bodies: Sequence[tuple[str, Callable[[], object]]],
        epilogue: Callable[[], object] | None,
        forced: Sequence[int],
        pick: Pick,
    ) -> None:
        """Run ``bodies`` to their end: first as ``forced`` says, then as ``pick`` does.

        When nobody can go on, ``epilogue`` runs as one more task, without preemption.
        """
        self.forced, self.pick, self._epilogue = forced, pick, epilogue
        for name, body in bodies:
            self.spawn(name, body)
        self._pass_on(None)
        self._home.acquire()
        self.running = None
        for task in self.tasks:
            task.hand.task = None
            if task.error:
                self.complaints.append(f"{task.name} raised {task.error}")

    def enabled(self) -> list[int]:
        """Return the codes of all that can go on; the first is the mildest."""
        codes: list[int] = []
        times: list[int] = []
        last: list[int] = []
        for task in self.tasks:
            if not task.done:
                waits = task.waits
                if waits is None or waits.free():
                    (last if task.last else codes).append(task.index * 2)
                elif task.timed:
                    (times if self.patient else codes).append(task.index * 2 + 1)
        return codes + times + last if times or last else codes

    def _next(self, me: Task | None) -> Task | None:
        """Return who goes on, or None if nobody can."""
        at = len(self.trace)
        if at < len(self.forced):
            code = self.forced[at]
            if not self._can(code) and code not in self._enabled_at_last():
                self.complaints.append(f"the schedule does not fit the program at step {at}")
                return None
        else:
            enabled = self.enabled() or self._enabled_at_last()
            if not enabled:
                if not all(task.done for task in self.tasks):
                    self.complaints.append("deadlock: " + "; ".join(self._positions()))
                return None
            if at >= MOST_STEPS:
                self.complaints.append(f"no end after {at} steps: " + "; ".join(self._positions()))
                return None
            code = enabled[0] if self.quiet and not self._goes_on(me) else self.pick(me, enabled)
        self.trace.append(code)
        task = self.tasks[code >> 1]
        task.timed_out = bool(code & 1)
        return task

    def _goes_on(self, me: Task | None) -> bool:
        return me is not None and self._can(me.index * 2)

    def _can(self, code: int) -> bool:
        """Say whether ``code`` is among those that are enabled."""
        if code >> 1 >= len(self.tasks):
            return False
        task = self.tasks[code >> 1]
        free = task.waits is None or task.waits.free()
        return not task.done and (not code & 1 if free else task.timed and bool(code & 1))

    def _enabled_at_last(self) -> list[int]:
        if self._epilogue is None or self.enabled():
            return []
        body, self._epilogue = self._epilogue, None
        self.quiet = True
        return [self.spawn("epilogue", body).index * 2]

    def _pass_on(self, me: Task | None) -> Task | None:
        """Give the baton to who goes on; return it, or None if ``me`` unwinds."""
        task = None if self.abandoning else self._next(me)
        if task is None:
            self.abandoning = True
            task = next((each for each in self.tasks if not each.done), None)
        if task is me and me is not None:
            return me
        self.running = task
        (self._home if task is None else task.hand.go).release()
        return task

    def step(self) -> None:
        """Stop before an operation; return when it is the running task's turn."""
        me = self.running
        assert me is not None
        if self.abandoning:
            self._unwind(me)
        if self._pass_on(me) is not me:
            me.hand.go.acquire()
        if self.abandoning:
            self._unwind(me)

    def _unwind(self, me: Task) -> None:
        """Raise Abandoned; leave behind a thread that catches it again and again."""
        me.raised += 1
        if me.raised > MOST_RAISED:
            lost = me.hand
            self._hands[me.index] = Hand(self, me.index)
            self.finish(me)
            lost.go.acquire()  # for ever: nobody has this hand any more
        raise Abandoned

    def finish(self, task: Task) -> None:
        """Take the baton from a task that has ended."""
        task.done = True
        task.waits = None
        self.record(task.cell, True)
        self._pass_on(task)

    # ------------------------------------------------------------- operations

    def cell(self, name: str, keeps: object = None, holds: Holds | None = None) -> Cell:
        """Return the cell of a new object; its number depends on its maker alone.

        Schedulers that ask for values ask ``holds`` what stands in it.
        """
        me = self.running
        if me is None:
            self._made += 1
            return Cell(f"{name}#{self._made}", hash((-1, self._made)), -1, keeps)
        me.made += 1
        ident = hash((me.index, me.made))
        return Cell(f"{name}#{me.name}.{me.made}", ident, len(self.trace), keeps)

    def stored(self, field: Cell, value: object) -> None:
        """Take note of what is about to be put in a field."""

    def record(self, cell: Cell, write: bool) -> None:
        """Note an operation in the trail of who runs."""
        me = self.running
        assert me is not None
        self.note(me, cell, write, "")

    def note(self, me: Task, cell: Cell, write: bool, verb: str) -> None:
        """Put an operation in a trail; one that writes, without a verb, gives nothing."""
        me.trail = hash((me.trail, cell.ident, cell.written, write))
        if write:
            cell.written = me.trail

    def touch(self, cell: Cell, write: bool, verb: str = "") -> None:
        """Be a scheduling point, and then an operation on ``cell``."""
        me = self.running
        if me is None:
            return
        if self.blind:
            return
        if cell.born != len(self.trace) and not (self.steps_whole and me.locks):
            self.step()
        self.note(me, cell, write, verb)
        if self.story is not None:
            self.tell(me, f"{verb or ('writes' if write else 'reads')} {cell.name}")

    def call(self, cell: Cell, verb: str) -> None:
        """Be a system call on ``cell``: others may go on, whatever lock is held."""
        me = self.running
        if me is not None:
            locks, me.locks = me.locks, 0
            try:
                self.touch(cell, True, verb)
            finally:
                me.locks = locks

    @contextmanager
    def looking(self) -> Iterator[None]:
        """Let what is looked at meanwhile be no part of the run."""
        before, self.blind = self.blind, True
        try:
            yield
        finally:
            self.blind = before

    def wait(self, resource: Resource, timeout: float, verb: str) -> bool:
        """Wait for ``resource``; return False if the wait timed out (below 0: never)."""
        me = self.running
        assert me is not None
        me.waits = resource
        me.timed = timeout > 0
        try:
            self.step()
        finally:
            me.waits = None
        timed_out = me.timed_out
        self.record(resource.cell, not timed_out)
        if timed_out:
            me.timeouts += 1
            self.elapsed += timeout
            self.record(self.clock, True)
        if self.story is not None:
            self.tell(me, f"{verb} {resource.cell.name}{': times out' if timed_out else ''}")
        return not timed_out

    def now(self) -> float:
        """Read the clock."""
        self.touch(self.clock, False)
        return self.elapsed

    # ------------------------------------------------ what came before what

    def begins(self, *, again: bool = False) -> int:
        """Note that a call begins, after all that have ended; return when.

        The first call of a task begins when that is picked; before one that comes
        ``again`` is a scheduling point.
        """
        me = self.running
        if me is not None:
            if again:
                self.step()
            me.trail = hash((me.trail, "begins", self.past))
        return len(self.trace)

    def ends(self) -> int:
        """Note that a call has ended, or whatever else others are compared with; return when."""
        me = self.running
        if me is not None:
            me.trail = hash((me.trail, "ends"))
            self.past = hash((me.trail, me.index)) + self.past & MASK
        return len(self.trace)

    # ------------------------------------------------------------------ words

    def tell(self, task: Task, what: str) -> None:
        """Add a line to the story."""
        if self.story is not None:
            where = place(sys._getframe(1))
            self.story.append(f"{len(self.trace):4} {task.name:<16} {what:<44} {where}")

    def _positions(self) -> list[str]:
        frames = sys._current_frames()
        return [
            f"{task.name} waits for {task.waits.cell.name if task.waits else 'its turn'}"
            f"{place(frames.get(task.hand.thread.ident or 0))}"
            for task in self.tasks
            if not task.done
        ]
