"""Races on a thread pool: programs, written as text, and what must hold of each run.

    pool 1: submit | submit; shutdown             one thread at most, two users
    pool 2 before: cancel | submit; drop          one call was submitted before
    pool 1 initfails: submit; result | submit     the initializer raises
    pool 1 refused: submit | submit               the system refuses the first thread
    pool 1 interrupted: submit                    Ctrl-C arrives in the start of the first

The pool's threads are tasks as the users' are.  When nobody can go on the epilogue
looks whether every accepted call has ended, and shuts the pool down.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, Final, final

from foregone_spec.future import DONE, State
from foregone_spec.lifecycle import Phase
from model_tests.schedule_explore import Case, Program
from model_tests.schedule_library import Library
from model_tests.schedule_log import follows_table
from model_tests.schedule_standins import Thing
from model_tests.scheduler import Scheduler

_OPERATION: Final = re.compile(r"(\w+)(?:\((\w+)\))?$")
_OWN_ERRORS: Final = ("BrokenThreadPool", "RuntimeError")


@final
@dataclass(slots=True)
class Call:
    """One call of ``submit``."""

    tag: str
    began: int
    ended: int = 10**9
    answer: str = ""  # "accepted", or the name of what was raised
    future: Any = None
    ran: list[int] = field(default_factory=list)  # when it began to run
    cancelled: int = 10**9  # when cancel() returned True


def program(text: str, bound: int = 2) -> Program:
    """Read a program."""
    head, _, threads = text.partition(": ")
    options = head.split()[1:]
    bodies = [[each.strip() for each in row.split(";")] for row in threads.split("|")]
    for each in (each for row in bodies for each in row):
        found = _OPERATION.match(each)
        if found is None or not hasattr(Pool, f"do_{found[1]}"):
            raise ValueError(f"what is {each!r}?")

    def make(library: Library, scheduler: Scheduler) -> Case:
        pool = Pool(library, scheduler, options)
        rows = [
            (f"user{number}", pool.thread(number, operations))
            for number, operations in enumerate(bodies)
        ]
        starts = [each for each in ("refused", "interrupted") if each in options]
        return Case(rows, pool.check, pool.epilogue, starts, pool.ending)

    return Program(text, make, bound)


@final
class Pool:
    """What happened in one run of a program on a thread pool."""

    def __init__(self, library: Library, scheduler: Scheduler, options: list[str]) -> None:
        self._library = library
        self._scheduler = scheduler
        self._limit = int(options[0])
        self._options = options
        self._log = library.observer.log
        self.calls: list[Call] = []
        self.wrong: list[str] = []
        self._shut: list[int] = []  # when calls of shutdown returned
        initializer = _fail if "initfails" in options else None
        executor = library.thread_pool.ThreadPoolExecutor(self._limit, "pool", initializer)
        self.pool = executor._pool
        self._held = [executor]
        self._dropped = 0
        if "before" in options:
            self._submit(executor, "before")

    def thread(self, number: int, operations: list[str]) -> Callable[[], None]:
        """Return the body of a user's thread."""
        found = [_OPERATION.match(each) for each in operations]
        rows = [(each[1], each[2] or "") for each in found if each]
        self._dropped += any(verb == "drop" for verb, _ in rows)
        hand = [*self._held]  # each thread's own reference

        def body() -> None:
            for place, (verb, how) in enumerate(rows):
                self._scheduler.begins(again=place > 0)
                if verb == "drop":
                    hand.clear()
                    self.do_drop("", "", None)
                else:
                    getattr(self, f"do_{verb}")(f"{number}.{place}", how, hand[0])
            hand.clear()

        return body

    # ------------------------------------------------------------- operations

    def do_drop(self, _tag: str, _how: str, _executor: Thing) -> None:
        """Drop the reference to the executor; the last takes this one along."""
        self._dropped -= 1
        self._scheduler.ends()
        if not self._dropped:
            self._held.clear()

    def _submit(self, executor: Thing, tag: str) -> None:
        call = Call(tag, self._scheduler.begins() - bool(tag == "before"))
        self.calls.append(call)

        def run() -> str:
            call.ran.append(self._scheduler.begins())
            self._scheduler.ends()
            return call.tag

        try:
            call.future = executor.submit(run)
            call.answer = "accepted"
        except (RuntimeError, KeyboardInterrupt) as error:
            call.answer = type(error).__name__
            del error
        call.ended = self._scheduler.ends()
        if any(shut <= call.began for shut in self._shut) and call.answer == "accepted":
            self.wrong.append(f"submit {tag} was accepted after shutdown had returned")

    def do_submit(self, tag: str, _: str, executor: Thing) -> None:
        self._submit(executor, tag)

    def _own(self, tag: str) -> Iterator[Call]:
        """Yield the calls that this thread submitted, or those from before, last first."""
        thread = tag.partition(".")[0]
        own = [each for each in self.calls if each.tag.startswith(f"{thread}.")]
        pick = own or [each for each in self.calls if each.tag == "before"]
        yield from (each for each in reversed(pick) if each.future is not None)

    def do_cancel(self, tag: str, _how: str, _executor: Thing) -> None:
        for call in self._own(tag):
            if call.future.cancel():
                call.cancelled = min(call.cancelled, self._scheduler.ends())
            break

    def do_result(self, tag: str, _how: str, _executor: Thing) -> None:
        for call in self._own(tag):
            try:
                call.future.result()
            except (RuntimeError, self._library.future.CancelledError) as error:
                del error
            break

    def do_shutdown(self, _: str, how: str, executor: Thing) -> None:
        executor.shutdown(wait=how != "nowait", cancel_futures=how == "cancel")
        self._scheduler.begins()  # what has ended by now is looked at
        self._shut.append(self._scheduler.ends())
        if how != "nowait":
            self._ended("when shutdown returned")

    def _ended(self, when: str) -> None:
        for call in self.calls:
            if call.answer == "accepted" and not call.future.done():
                self.wrong.append(f"call {call.tag} had not ended {when}")
        if "interrupted" not in self._options:  # else one runs that nobody knows of
            for task in self._threads():
                if not task.done:
                    self.wrong.append(f"{task.name} had not ended {when}")

    def _threads(self) -> Iterator[Any]:
        return (each for each in self._scheduler.tasks if each.name.startswith("thread"))

    # --------------------------------------------------------------- at the end

    def epilogue(self) -> None:
        """Look who is left; shut the pool down."""
        for call in self.calls:
            if call.answer == "accepted" and not call.future.done():
                self.wrong.append(f"call {call.tag} does not end: {call.future._now}")
        for task in self._scheduler.tasks:
            if task.name.startswith("user") and not task.done:
                self.wrong.append(f"{task.name} is left blocked")
        if self.pool.phase is not Phase.OPEN:
            for task in self._threads():
                if not task.done:
                    self.wrong.append(f"{task.name} is left asleep in {self.pool.phase}")
        elif self._held:
            self.do_shutdown("", "", self._held[0])
        else:
            self.wrong.append("the executor was collected, and its pool is open")

    def ending(self) -> object:
        """Return what the run came to: answers, states, and what came before what."""
        calls = sorted(self.calls, key=lambda each: each.tag)
        before = [(a.tag, b.tag) for a in calls for b in calls if a.ended <= b.began]
        ran = [(a.tag, b.tag) for a in calls for b in calls if a.ran < b.ran]
        states = [each.future and each.future._now for each in calls]
        answers = [(each.answer, len(each.ran), each.cancelled < 10**9) for each in calls]
        return answers, states, before, ran, self.pool.phase

    def check(self) -> Iterator[str]:
        """Yield what is wrong with the run."""
        yield from self.wrong
        for call in self.calls:
            yield from self._call_went_well(call)
        if self._limit == 1:
            yield from self._in_order()
        pool = self.pool
        threads = sum(1 for _ in self._threads())
        if threads > self._limit + ("interrupted" in self._options):
            yield f"{threads} threads"
        if pool.queue or pool.parked or pool.alive or pool.closers:
            yield (
                f"the pool keeps {len(pool.queue)} calls, {len(pool.parked)} parked, "
                f"{pool.alive} alive, {len(pool.closers)} closers"
            )

    def _call_went_well(self, call: Call) -> Iterator[str]:
        who = f"call {call.tag} ({call.answer})"
        if len(call.ran) > 1:
            yield f"{who} ran {len(call.ran)} times"
        if call.answer != "accepted":
            if call.ran and call.answer != "KeyboardInterrupt":  # which may come too late
                yield f"{who} ran"
            if call.answer == "RuntimeError" and not self._may_refuse(call):
                yield f"{who} was refused by an open pool"
            return
        future = call.future
        entries = [each[2:] for each in self._log if each[0] == "Future" and each[1] is future]
        yield from follows_table(entries, future._now)
        if future._now not in DONE:
            yield f"{who} ends as {future._now}"
        elif future.cancelled():
            if call.ran:
                yield f"{who} was cancelled and ran"
        elif future._exception is not None:
            own = type(future._exception).__name__
            allowed = {"initfails", "refused", "interrupted"} & {*self._options}
            if own not in _OWN_ERRORS or not allowed or call.ran:
                yield f"{who} failed with {future._exception!r}, ran {len(call.ran)} times"
        elif not call.ran or future._result != call.tag:
            yield f"{who} has the result {future._result!r}, ran {len(call.ran)} times"
        if call.cancelled < 10**9 and future._now is State.FINISHED:
            yield f"{who} finished after cancel() returned True"

    def _may_refuse(self, call: Call) -> bool:
        return "refused" in self._options or self.pool.phase is not Phase.OPEN

    def _in_order(self) -> Iterator[str]:
        ran = [each for each in self.calls if each.ran]
        for one in ran:
            for other in ran:
                if one.ended < other.began and one.ran > other.ran:
                    yield f"call {one.tag} ran after {other.tag}, which came later"


def _fail() -> None:
    raise ValueError("the initializer raises")
