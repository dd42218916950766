"""Clients of one future, and the history of what they see.

    owned: cancel | start; set_result | result(1)

A thread is a row of calls; ``(1)`` sets a time limit.  ``install`` installs a waiter as
the standard ``wait`` and ``asyncio`` do, ``add`` a callback.  Between two calls of a
thread there is a scheduling point of its own, so that a call can begin as late as the
return of any other.  When nobody can go on, an epilogue ends the future.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Final, final

from foregone_conformance.histories import (
    LATE,
    Begins,
    Call,
    Event,
    Quiet,
    Ran,
    Returns,
    Told,
    complaints,
)
from foregone_conformance.replies import reply
from foregone_spec.future import State, cancel_command
from model_tests.schedule_explore import Case, Program
from model_tests.schedule_library import Library
from model_tests.schedule_standins import Thing
from model_tests.schedule_tasks import Task
from model_tests.scheduler import Pick, Scheduler

VERBS: Final = (
    "done", "cancel", "start", "set_result", "set_exception", "add", "install", "result",
    "result(1)", "exception", "wait", "wait(1)", "as_completed", "running", "cancelled",
)  # fmt: skip


def written(owned: bool, threads: Sequence[Sequence[str]]) -> str:
    """Return the text of a program."""
    rows = " | ".join("; ".join(row) for row in threads)
    return f"{'owned' if owned else 'bare'}: {rows}"


def program(text: str) -> Program:
    """Read a program."""
    kind, _, threads = text.partition(": ")
    rows = [
        [_call(thread, place, each.strip()) for place, each in enumerate(row.split(";"))]
        for thread, row in enumerate(threads.split("|"))
    ]

    def make(library: Library, scheduler: Scheduler) -> Case:
        clients = Clients(library, scheduler, kind == "owned")
        bodies = [(f"thread {number}", clients.thread(row)) for number, row in enumerate(rows)]
        return Case(bodies, clients.check, clients.epilogue)

    return Program(text, make)


def _call(thread: int, place: int, text: str) -> Call:
    if text not in VERBS:
        raise ValueError(f"what is {text!r}?")
    return Call.read(thread, place, text)


def preempted(schedule: Sequence[int]) -> Pick:
    """Return a strategy: whoever runs goes on, but for preemptions.

    The first number says after how many choices the first comes, and so on; 0, and the
    end of the list, that there is none any more.  A number also says who goes on then.
    """
    left = [*schedule, 0]
    count = 0

    def pick(me: Task | None, enabled: list[int]) -> int:
        nonlocal count
        own = -1 if me is None else me.index * 2
        if own not in enabled:
            return min(enabled, key=lambda code: (code & 1, code))
        others = [code for code in enabled if code != own]
        if not left[0] or not others:
            return own
        count += 1
        if count < left[0]:
            return own
        count = 0
        return others[left.pop(0) % len(others)]

    return pick


class _Waiter:
    """A waiter as the standard library makes them."""

    def __init__(self, told: Callable[[str], None]) -> None:
        self._told = told

    def add_result(self, _: Thing) -> None:
        self._told("a result")

    def add_exception(self, _: Thing) -> None:
        self._told("an exception")

    def add_cancelled(self, _: Thing) -> None:
        self._told("a cancel")


@final
class Clients:
    """The clients in one run."""

    def __init__(self, library: Library, scheduler: Scheduler, owned: bool) -> None:
        self._library = library
        self._scheduler = scheduler
        self._owned = owned
        library.future._DRAINED.clear()  # where a seeded defect may have left a callback
        self._future = library.future.Future()
        self._future._cancel_as = cancel_command(owned)
        self._between = scheduler.cell("time between two calls")
        self.history: list[Event] = []

    def thread(self, row: Sequence[Call]) -> Callable[[], None]:
        """Return the body of a thread."""

        def body() -> None:
            for call in row:
                if call.place:
                    self._scheduler.touch(self._between, False)
                self._do(call)

        return body

    def epilogue(self) -> None:
        """Note that nobody can go on, and look; then end the future, so that all come back."""
        self.history.append(Quiet())
        self._scheduler.complaints += complaints(self.history, self._owned)
        now = self._future._now
        if now in (State.PENDING, State.CANCELLED):
            self._do(Call(LATE, 0, "start"))
        if self._future._now is State.RUNNING:
            self._do(Call(LATE, 1, "set_result"))

    def check(self) -> Iterator[str]:
        """Yield what is wrong with the run."""
        yield from complaints([*self.history, Quiet()], self._owned)

    def _do(self, call: Call) -> None:
        me = self._scheduler.running
        assert me is not None
        timeouts = me.timeouts
        self.history.append(Begins(call))
        heard = self._reply(call)
        self.history.append(Returns(call, heard, me.timeouts > timeouts))

    def _reply(self, call: Call) -> str:
        future: Thing = self._future
        if call.verb == "install":
            waiter = _Waiter(lambda what: self.history.append(Told(call.tag, what)))
            return str(future._install((waiter,)))
        return reply(call, future, self._library.waiting, 1.0, self._ran)

    def _ran(self, call: Call, future: Thing) -> None:
        me = self._scheduler.running
        assert me is not None
        assert future is self._future
        thread = LATE if me.name == "epilogue" else me.index
        self.history.append(Ran(call.tag, thread))
