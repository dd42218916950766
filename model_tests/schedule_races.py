"""Small races on futures: programs, written as text, and what must hold of each run.

    owned: cancel | start | result(1); add        one future f, three threads
    bare: wait(first)@fg | set_result@f | start@g  two futures

``owned`` and ``bare`` say whose futures they are.  A thread is a row of operations,
``@`` says on which futures.  Each run ends with an epilogue, when nobody can go on: it
looks at who is blocked, and ends what has not ended, so that all must come back.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final, final

from foregone_spec.future import DONE, NOTIFIED, TRANSITIONS, Command, State, cancel_command
from foregone_spec.waiting import ReturnWhen, ending, may_return
from model_tests.schedule_explore import Case, Program
from model_tests.schedule_library import Library
from model_tests.schedule_log import follows_table, kind_of
from model_tests.schedule_standins import Thing
from model_tests.scheduler import Scheduler

WAIT_FOR: Final = {
    "first": ReturnWhen.FIRST_COMPLETED,
    "exception": ReturnWhen.FIRST_EXCEPTION,
}
_OPERATION: Final = re.compile(r"(\w+)(?:\((\w+)\))?(?:@(\w+))?$")


@final
@dataclass(frozen=True, slots=True)
class Operation:
    """One operation of a thread."""

    verb: str
    how: str  # what stands in the brackets
    on: tuple[int, ...]  # the futures' numbers

    @property
    def patience(self) -> float | None:
        """The timeout."""
        return float(self.how) if self.how.isdigit() else None

    @property
    def when(self) -> ReturnWhen:
        """What wait() waits for."""
        return WAIT_FOR.get(self.how, ReturnWhen.ALL_COMPLETED)


@final
@dataclass(slots=True)
class Said:
    """An operation that was begun, and its answer once it has one."""

    operation: Operation
    tag: str
    began: int
    answer: object = None
    ended: int = 10**9
    timeouts: int = 0


def program(text: str) -> Program:
    """Read a program."""
    kind, _, threads = text.partition(": ")
    bodies = [[_operation(each.strip()) for each in row.split(";")] for row in threads.split("|")]

    def make(library: Library, scheduler: Scheduler) -> Case:
        race = Race(library, scheduler, kind == "owned", 2 if "@" in text else 1)
        return Case(
            [(f"T{n}: {row.strip()}"[:16], race.thread(n, bodies[n])) for n, row in _rows(threads)],
            race.check,
            race.epilogue,
            ending=race.ending,
        )

    return Program(text, make)


def _rows(threads: str) -> Iterator[tuple[int, str]]:
    return enumerate(threads.split("|"))


def _operation(text: str) -> Operation:
    found = _OPERATION.match(text)
    if found is None or not hasattr(Race, f"do_{found[1]}"):
        raise ValueError(f"what is {text!r}?")
    return Operation(found[1], found[2] or "", tuple("fg".index(each) for each in found[3] or "f"))


@final
class Race:
    """What happened in one run of a program on futures."""

    def __init__(self, library: Library, scheduler: Scheduler, owned: bool, futures: int) -> None:
        self._library = library
        self._scheduler = scheduler
        self._command = cancel_command(owned)
        self.futures = [library.future.Future() for _ in range(futures)]
        for future in self.futures:
            future._cancel_as = self._command
        self._log = library.observer.log
        self.said: list[Said] = []
        self.called: list[tuple[int, str, int, bool]] = []  # future, tag, when, was it done?
        self._stuck: list[str] = []

    # ------------------------------------------------------------- operations

    def thread(self, number: int, operations: list[Operation]) -> Callable[[], None]:
        """Return the body of a thread."""

        def body() -> None:
            for place, each in enumerate(operations):
                self._do(each, f"{number}.{place}", again=place > 0)

        return body

    def _do(self, operation: Operation, tag: str, *, again: bool = False) -> None:
        scheduler = self._scheduler
        me = scheduler.running
        assert me is not None
        said = Said(operation, tag, scheduler.begins(again=again))
        self.said.append(said)
        timeouts = me.timeouts
        try:
            said.answer = getattr(self, f"do_{operation.verb}")(operation, tag)
        except Exception as error:
            said.answer = f"{type(error).__name__}: {error}".partition(": not")[0]
            if isinstance(error, TimeoutError):
                said.answer = "TimeoutError"
            del error
        said.ended = scheduler.ends()
        said.timeouts = me.timeouts - timeouts

    def do_cancel(self, it: Operation, _: str) -> object:
        return self.futures[it.on[0]].cancel()

    def do_start(self, it: Operation, tag: str) -> object:
        future = self.futures[it.on[0]]
        runs = future.set_running_or_notify_cancel()
        if runs:
            self._do(Operation("set_result", "", it.on), f"{tag}r")
        return runs

    def do_set_result(self, it: Operation, tag: str) -> object:
        return self.futures[it.on[0]].set_result(tag)

    def do_set_exception(self, it: Operation, tag: str) -> object:
        return self.futures[it.on[0]].set_exception(ValueError(tag))

    def do_result(self, it: Operation, _: str) -> object:
        return self.futures[it.on[0]].result(it.patience)

    def do_exception(self, it: Operation, _: str) -> object:
        error = self.futures[it.on[0]].exception(it.patience)
        return error and f"ValueError: {error}"

    def do_wait(self, it: Operation, _: str) -> object:
        futures = [self.futures[each] for each in it.on]
        done, left = self._library.waiting.wait(futures, it.patience, it.when.value)
        assert len(done) + len(left) == len(futures)
        return [each for each in it.on if self.futures[each] in done]

    def do_as_completed(self, it: Operation, _: str) -> object:
        futures = [self.futures[each] for each in it.on]
        came = self._library.waiting.as_completed(futures, it.patience)
        return [self.futures.index(each) for each in came]

    def do_add(self, it: Operation, tag: str) -> object:
        number = it.on[0]

        def called(future: Thing) -> None:
            when = self._scheduler.begins()
            self._scheduler.ends()
            self.called.append((number, tag, when, future is self.futures[number]))
            self._log.append(("Ran", future, called))

        return self.futures[number].add_done_callback(called)

    # --------------------------------------------------------------- at the end

    def epilogue(self) -> None:
        """Look at who is blocked, and end what has not ended."""
        for said in self.said:
            if said.ended == 10**9 and not self._may_block(said.operation):
                self._stuck.append(f"{said.operation.verb}() of {said.tag} is left blocked")
        for number, future in enumerate(self.futures):
            installed = len(future._installed or ())
            if installed > sum(self._waits_for(number, each) for each in self.said):
                self._stuck.append(f"future {number} keeps the waiter of a caller that is back")
            now = future._now
            if now in (State.PENDING, State.CANCELLED):
                self._do(Operation("start", "", (number,)), "late")
            elif now is State.RUNNING:
                self._do(Operation("set_result", "", (number,)), "late")

    @staticmethod
    def _waits_for(number: int, said: Said) -> bool:
        it = said.operation
        waits = it.verb in ("wait", "as_completed") and number in it.on
        return waits and said.ended == 10**9

    def _may_block(self, it: Operation) -> bool:
        states = [self.futures[each]._now for each in it.on]
        if it.verb in ("result", "exception"):
            return states[0] not in DONE
        if it.verb == "as_completed":
            return any(each not in NOTIFIED for each in states)
        if it.verb == "wait":
            return not self._may_return(it)
        return False

    def _may_return(self, it: Operation) -> bool:
        states = [self.futures[each]._now for each in it.on]
        failed = [self.futures[each]._exception is not None for each in it.on]
        found = [each for each in map(ending, states, failed) if each is not None]
        return may_return(it.when, len(states) - len(found), tuple(found))

    def ending(self) -> object:
        """Return what the run came to: states, answers, callbacks, and what came before what."""
        said = sorted(self.said, key=lambda each: each.tag)
        before = [(a.tag, b.tag) for a in said for b in said if a.ended <= b.began]
        called = [
            (on, tag, sorted(each.tag for each in said if each.ended <= when))
            for on, tag, when, _ in self.called
        ]
        entries = [str(each[2]) for each in self._log if each[0] == "Future"]
        states = [(each._now, each._result, str(each._exception)) for each in self.futures]
        answers = [(each.tag, kind_of(each.answer), each.timeouts) for each in said]
        return states, answers, before, called, entries

    def check(self) -> Iterator[str]:
        """Yield what is wrong with the run."""
        yield from self._stuck
        if self._library.future._DRAINED:
            yield "a callback is queued where none runs any more"
        for number, future in enumerate(self.futures):
            entries = [each[2:] for each in self._log if each[0] == "Future" and each[1] is future]
            yield from follows_table(entries, future._now)
            yield from self._answers_agree(number, entries)
            yield from self._callbacks_agree(number)
            if future._now not in NOTIFIED:
                yield f"future {number} ends as {future._now}"
            if future._installed:
                yield f"future {number} keeps waiters: {future._installed}"
            woken = sum(not each.timeouts and number in each.operation.on for each in self.said)
            if len(future._blocked or ()) > woken:
                yield f"future {number} keeps the gate of a caller whose time was over"
        for said in self.said:
            yield from self._waited_well(said)

    def _answers_agree(self, number: int, entries: list[Any]) -> Iterator[str]:
        verbs = {
            self._command: "cancel",
            Command.SET_RUNNING_OR_NOTIFY_CANCEL: "start",
            Command.SET_RESULT: "set_result",
            Command.SET_EXCEPTION: "set_exception",
        }
        given = sorted((verbs[command], kind_of(cell.reply)) for command, cell in entries)
        heard = sorted(
            (said.operation.verb, kind_of(said.answer))
            for said in self.said
            if said.operation.verb in verbs.values() and number in said.operation.on
        )
        if given != heard:
            yield f"future {number} answered {given}, its callers heard {heard}"

    def _callbacks_agree(self, number: int) -> Iterator[str]:
        calls = [(tag, when) for on, tag, when, right in self.called if on == number and right]
        tags = [tag for tag, _ in calls]
        adds = [each for each in self.said if each.operation.verb == "add"]
        adds = [each for each in adds if number in each.operation.on]
        if sorted(tags) != sorted(each.tag for each in adds):
            yield f"callbacks added: {[each.tag for each in adds]}, called: {tags}"
            return
        for one in adds:
            for other in adds:
                if one.ended < other.began and tags.index(one.tag) > tags.index(other.tag):
                    yield f"callbacks out of order: {one.tag} before {other.tag}, called: {tags}"
            for end in self.said:
                if self._ends(end, number, DONE) and one.ended <= end.began:
                    when = dict(calls)[one.tag]
                    if when > end.ended:
                        yield f"callback {one.tag} was not called when the end of {end.tag} was"

    def _ends(self, said: Said, number: int, states: tuple[State, ...]) -> bool:
        """Say whether this is the operation that brought the future there, or came later."""
        if number not in said.operation.on:
            return False
        match said.operation.verb:
            case "cancel":
                return (
                    said.answer is True
                    and TRANSITIONS[State.PENDING][self._command].after in states
                )
            case "start":
                return said.answer is False
            case "set_result" | "set_exception":
                return said.answer is None
        return False

    def _waited_well(self, said: Said) -> Iterator[str]:
        it = said.operation
        who = f"{it.verb}({it.how}) of {said.tag} answered {said.answer!r}"
        if it.verb in ("result", "exception"):
            if said.answer == "TimeoutError":
                if not said.timeouts or self._ended_before(said, it.on[0], DONE):
                    yield f"{who}, its time was not over"
            elif said.answer != self._outcome(it):
                yield f"{who}, not {self._outcome(it)!r}"
        elif it.verb == "as_completed":
            if said.answer == "TimeoutError":
                if not said.timeouts or all(self._ended_before(said, n, NOTIFIED) for n in it.on):
                    yield f"{who}, its time was not over"
            elif not isinstance(said.answer, list) or sorted(said.answer) != sorted(it.on):
                yield f"{who}, each was to come once"
        elif it.verb == "wait":
            if not isinstance(said.answer, list):
                yield who
                return
            early = [each for each in it.on if self._ended_before(said, each, NOTIFIED)]
            if not {*early} <= {*said.answer}:
                yield f"{who}, but {early} had ended before"
            if not said.timeouts and not self._enough(it, said.answer):
                yield f"{who}, and its time was not over"

    def _enough(self, it: Operation, done: list[int]) -> bool:
        pairs = [(self.futures[each]._now, self.futures[each]._exception) for each in done]
        found = [ending(state, error is not None) for state, error in pairs]
        known = tuple(each for each in found if each is not None)
        return len(known) == len(done) and may_return(it.when, len(it.on) - len(done), known)

    def _ended_before(self, said: Said, number: int, states: tuple[State, ...]) -> bool:
        ends = (each for each in self.said if self._ends(each, number, states))
        return any(each.ended <= said.began for each in ends)

    def _outcome(self, it: Operation) -> object:
        future = self.futures[it.on[0]]
        if future._now is not State.FINISHED:
            return "CancelledError: "
        if future._exception is not None:
            return f"ValueError: {future._exception}"
        return future._result if it.verb == "result" else None
