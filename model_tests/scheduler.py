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
from collections.abc import Callable, Sequence
from typing import Final

from model_tests.schedule_cells import Cell, Resource, place

MOST_STEPS: Final = 5000
MOST_RAISED: Final = 50  # times that a task is unwound; then its thread is left behind


class Abandoned(BaseException):
    """Unwinds a task whose run is over."""


def _nothing() -> None:
    """Do nothing."""


class Hand:
    """One real thread; it runs one task after another."""

    def __init__(self, scheduler: "Scheduler", number: int) -> None:
        self.go = threading.Lock()
        self.go.acquire()
        self.task: Task | None = None
        self._scheduler = scheduler
        self.thread = threading.Thread(target=self._work, name=f"hand-{number}", daemon=True)
        self.thread.start()

    def _work(self) -> None:
        while True:
            self.go.acquire()
            task = self.task
            if task is None:
                return
            try:
                if not self._scheduler.abandoning:
                    task.body()
            except Abandoned:
                pass
            except BaseException as error:
                task.error = f"{type(error).__name__}: {error}"
                del error
            task.body = _nothing  # what it holds is the run's, and goes with it
            self._scheduler.finish(task)
            del task

    def dismiss(self) -> None:
        """End the thread."""
        self.task = None
        self.go.release()
        self.thread.join()


class Task:
    """One thread of a program."""

    __slots__ = (
        "body", "cell", "done", "error", "hand", "index", "made", "name",
        "raised", "timed", "timed_out", "timeouts", "trail", "waits",
    )  # fmt: skip

    def __init__(
        self, name: str, index: int, body: Callable[[], object], hand: Hand, born: int
    ) -> None:
        self.name = name
        self.index = index
        self.body = body
        self.hand = hand
        self.cell = Cell(f"end of {name}", hash(("task", index)), born)
        self.done = False
        self.error = ""
        self.waits: Resource | None = None
        self.timed = False  # may the wait time out?
        self.timed_out = False
        self.timeouts = 0
        self.raised = 0
        self.made = 0  # how many cells it has made: names them, whatever the schedule
        self.trail = hash((index, "begins"))

    def free(self) -> bool:
        """Say whether the task has ended."""
        return self.done


#: Says who goes on: the task that ran last (None at first), all that can; returns a code.
Pick = Callable[[Task | None, list[int]], int]


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
        self.quiet = False  # the program is over, and its epilogue runs
        self.complaints: list[str] = []
        self.elapsed = 0.0
        self.clock = Cell("clock", hash("clock"), -1)
        self.spawning = Cell("number of threads", hash("spawning"), -1)
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
        """Return the codes of all that can go on."""
        codes: list[int] = []
        for task in self.tasks:
            if not task.done:
                waits = task.waits
                if waits is None or waits.free():
                    codes.append(task.index * 2)
                elif task.timed:
                    codes.append(task.index * 2 + 1)
        return codes

    def _next(self, me: Task | None) -> Task | None:
        """Return who goes on, or None if nobody can."""
        at = len(self.trace)
        if at < len(self.forced):
            code = self.forced[at]
            if code not in self.enabled() and code not in self._enabled_at_last():
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
        return me is not None and me.index * 2 in self.enabled()

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

    def cell(self, name: str, keeps: object = None) -> Cell:
        """Return the cell of a new object; its number depends on its maker alone."""
        me = self.running
        if me is None:
            self._made += 1
            return Cell(f"{name}#{self._made}", hash((-1, self._made)), -1, keeps)
        me.made += 1
        ident = hash((me.index, me.made))
        return Cell(f"{name}#{me.name}.{me.made}", ident, len(self.trace), keeps)

    def record(self, cell: Cell, write: bool) -> None:
        """Note an operation in the trail of who runs."""
        me = self.running
        assert me is not None
        me.trail = hash((me.trail, cell.ident, cell.written, write))
        if write:
            cell.written = me.trail

    def touch(self, cell: Cell, write: bool, verb: str = "") -> None:
        """Be a scheduling point, and then an operation on ``cell``."""
        me = self.running
        if me is None:
            return
        if cell.born != len(self.trace):
            self.step()
        me.trail = hash((me.trail, cell.ident, cell.written, write))
        if write:
            cell.written = me.trail
        if self.story is not None:
            self.tell(me, f"{verb or ('writes' if write else 'reads')} {cell.name}")

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
