"""A task of a program, and the real thread that runs it.

A hand is a real thread; it runs the tasks of one run after another, so that a run costs
no start of a thread.  It goes on when its baton is let go, and not before.
"""

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING

from model_tests.schedule_cells import Cell, Resource

if TYPE_CHECKING:
    from model_tests.scheduler import Scheduler


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
        "body", "cell", "done", "error", "hand", "index", "last", "locks", "made", "name",
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
        self.locks = 0  # how many it holds
        self.last = False  # does it go on only if it is chosen, or nobody else can?
        self.made = 0  # how many cells it has made: names them, whatever the schedule
        self.trail = hash((index, "begins"))

    def free(self) -> bool:
        """Say whether the task has ended."""
        return self.done
