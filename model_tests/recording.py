"""What ``foregone.observer`` logged, as typed actions of the models.

A log is one order of all changes: each entry was appended in the lock hold of the
change that it reports.  A Replay holds those of one future, or of a set of futures,
as actions with what is known of the variables after them.

Some steps are taken with no lock held, so that no entry can be exact: those actions
are *silent*, and may come at any time that the model allows.

Future      TellWaiters, WakeBlocked: one gate after the other is opened.  GiveUp*, if
            the gate opened after all: the timeout and the end crossed.  EndCallbacks,
            if none is queued: nobody looks.  Who finds the future done does nothing
            to it, and is left out.
Waiting     Note, Tell: as above.  Pass of as_completed(): it only looks again.  A visit
            to a future that has ended, and Remove, are told when the caller goes on:
            both may be late, since an end is for ever and nobody misses a waiter.  Who
            looks with no lock may see an end before its entry is written; it is told
            where it was seen.
"""

import gc
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Generic

from foregone import clock, observer
from foregone.events import Event
from foregone.future import OWNED, Future
from foregone.sync import Gate
from foregone.waiting import _Waiter
from foregone.worker import AnyFuture
from foregone_spec import future_model, waiting_model
from foregone_spec.future import Command, Effect, Step
from foregone_spec.future_model import FutureModel, FutureState
from foregone_spec.model import A, Model, S, Value
from foregone_spec.trace import Step as Recorded
from foregone_spec.trace import Verdict, check
from foregone_spec.waiting import Ending, ReturnWhen, ending, may_return
from foregone_spec.waiting_model import AS_COMPLETED, WaitingModel, WaitingState

Entries = Sequence[observer.Entry]
Waiter = _Waiter[object]
CANCELS = (Command.CANCEL, Command.CANCEL_OWNED)
START = Command.SET_RUNNING_OR_NOTIFY_CANCEL
#: Makes an event of what was logged; who reads it asks for no number, time or executor.
logged = partial(Event, 0, 0.0, "")


@contextmanager
def recording() -> Iterator[list[observer.Entry]]:
    """Record what happens; no finalizer of a cycle runs between a change and its entry."""
    was = gc.isenabled()
    gc.disable()
    try:
        with observer.recording() as entries:
            yield entries
    finally:
        if was:
            gc.enable()


@dataclass(frozen=True)
class Replay(Generic[S, A]):
    """A run of the library, as a run of a model."""

    model: Model[S, A]
    steps: tuple[Recorded[A], ...]
    silent: Callable[[A], bool]

    def verdict(self) -> Verdict[S, A]:
        """Say whether the model can do it."""
        return check(self.model, self.steps, self.silent)


# --------------------------------------------------------------------- Future


class _FutureReader:
    def __init__(self, entries: Entries, future: AnyFuture) -> None:
        self.future = future
        self.steps: list[Recorded[future_model.Action]] = []
        self.unlogged: set[future_model.Action] = set()
        self.cancels = sum(
            list(entry)[:2] == ["Future", future] and list(entry)[2] in CANCELS for entry in entries
        )
        self.cancelled = self.resolved = self.settler = 0
        self.began = self.runs = False
        self.callbacks: list[object] = []
        self.queued = 0
        self.ran: tuple[int, ...] = ()
        self.blocked: list[object] = []
        self.waiters: list[object] = []
        for entry in entries:
            self.read(list(entry))

    def add(self, action: future_model.Action, **known: Value) -> None:
        self.steps.append(Recorded(action, known or None))

    def read(self, entry: list[object]) -> None:
        match entry:
            case ["Future", it, Command() as command, Step() as cell] if it is self.future:
                self.command(command, cell)
            case ["AddCallback", it, fn, bool(own)] if it is self.future:
                self.callbacks.append(fn)
                self.queued += not own
                self.add(future_model.AddCallback(len(self.callbacks)), drained=own)
            case ["Ran", it, fn] if it is self.future:  # by the callback of a test
                self.callback(fn)
            case ["EndCallbacks", it] if it is self.future:
                self.add(future_model.EndCallbacks(self.settler), drained=True)
            case ["CallResult", it, gate, _] if it is self.future:
                self.blocked.append(gate)
                self.add(future_model.CallResult(len(self.blocked)))
            case ["GiveUpResult", it, gate] if it is self.future and gate in self.blocked:
                gave_up = future_model.GiveUpResult(self.blocked.index(gate) + 1)
                self.gives_up(gave_up, crossed=not _locked(gate))
            case ["Install", it, (waiter,)] if it is self.future:
                self.waiters.append(waiter)
                self.add(future_model.CallWait(len(self.waiters)))
            case ["Wait", _Waiter() as waiter, _, _, tuple(noted)] if waiter in self.waiters:
                if self.future not in noted:
                    left = future_model.GiveUpWait(self.waiters.index(waiter) + 1)
                    self.gives_up(left, crossed=self.future in waiter.noted)

    def gives_up(self, action: future_model.Action, crossed: bool) -> None:
        if crossed:
            self.unlogged.add(action)
        else:
            self.add(action)

    def command(self, command: Command, cell: Step) -> None:
        agent = future_model.EXECUTOR
        known = cell.after.value
        if command in CANCELS:
            self.cancelled += 1
            agent = 1 + self.cancelled
            self.add(future_model.Cancel(agent), state=known)
        elif command is START:
            if self.began and not cell.effects:
                return
            self.began, self.runs = True, cell.reply is True
            self.add(future_model.SetRunningOrNotifyCancel(), state=known)
        elif self.runs and cell.effects:
            self.runs = False
            raised = command is Command.SET_EXCEPTION
            done = future_model.SetException() if raised else future_model.SetResult(agent)
            self.add(done, state=known)
        else:  # the model's third parties stand for both outcomes
            self.resolved += 1
            agent = 1 + self.cancels + self.resolved
            self.add(future_model.SetResult(agent), state=known)
        if Effect.RUN_CALLBACKS in cell.effects:
            self.settler = agent
            if not self.queued:  # then they are drained in the same step
                self.unlogged.add(future_model.EndCallbacks(agent))

    def callback(self, fn: object) -> None:
        number = self.callbacks.index(fn) + 1
        self.ran = (*self.ran, number)
        own = number > self.queued
        self.add(
            future_model.RunOwnCallback(number) if own else future_model.RunCallback(self.settler),
            ran=self.ran,
        )


def _locked(gate: object) -> bool:
    seen: Gate = gate  # type: ignore[assignment]  # an entry's objects have no types
    return seen.locked()


def of_future(entries: Entries, future: AnyFuture) -> Replay[FutureState, future_model.Action]:
    """Return the run of one future."""
    read = _FutureReader(entries, future)
    model = FutureModel(
        owned=future._cancel_as is OWNED,
        cancellers=read.cancels,
        resolvers=read.resolved,
        results=len(read.blocked),
        waits=len(read.waiters),
        callbacks=len(read.callbacks),
    )
    unlogged = (future_model.TellWaiters, future_model.WakeBlocked)
    return Replay(
        model,
        tuple(read.steps),
        lambda action: isinstance(action, unlogged) or action in read.unlogged,
    )


# -------------------------------------------------------------------- Waiting


@dataclass
class _Caller:
    number: int
    visits: list[AnyFuture]
    installed: int = 0  # so many of the visits have an entry of their own
    asks: str = ""
    called: bool = False
    yielded: int = 0


class _WaitingReader:
    def __init__(self, entries: Entries, futures: Sequence[AnyFuture]) -> None:
        self.numbers = {future: number for number, future in enumerate(futures, start=1)}
        self.steps: list[Recorded[waiting_model.Action]] = []
        self.callers: dict[Waiter, _Caller] = {}
        self.ended = ["pending"] * len(futures)
        self.ends: dict[AnyFuture, Ending] = {}
        for entry in entries:
            self.prepare(list(entry))
        for entry in entries:
            self.read(list(entry))

    def prepare(self, entry: list[object]) -> None:
        match entry:
            case ["Future", Future() as future, Command() as command, Step() as cell]:
                how = ending(cell.after, command is Command.SET_EXCEPTION)
                if future in self.numbers and Effect.TELL_WAITERS in cell.effects and how:
                    self.ends[future] = how
            case ["Install", Future() as future, (_Waiter() as waiter,)]:
                self.visit(waiter, [future])
                self.callers[waiter].installed += 1
            case ["Wait", _Waiter() as waiter, _, set(futures), _]:
                self.visit(waiter, futures)
            case ["Yield", _Waiter() as waiter, Future() as future]:
                self.visit(waiter, [future], AS_COMPLETED)
            case ["GiveUp", _Waiter() as waiter]:
                self.visit(waiter, [], AS_COMPLETED)

    def visit(
        self, waiter: Waiter, futures: "Sequence[AnyFuture] | set[AnyFuture]", asks: str = ""
    ) -> None:
        caller = self.callers.setdefault(waiter, _Caller(len(self.callers) + 1, []))
        caller.visits += [each for each in futures if each not in caller.visits]
        first = waiter.on_result, waiter.on_exception
        when = {(True, True): ReturnWhen.FIRST_COMPLETED, (False, True): ReturnWhen.FIRST_EXCEPTION}
        caller.asks = asks or caller.asks or when.get(first, ReturnWhen.ALL_COMPLETED).value

    def add(self, action: waiting_model.Action) -> None:
        self.steps.append(Recorded(action, {"futures": tuple(self.ended)}))

    def end(self, future: AnyFuture) -> None:
        number = self.numbers.get(future, 0)
        if number and self.ended[number - 1] == "pending":
            self.ended[number - 1] = self.ends[future].value
            self.add(waiting_model.End(number, self.ends[future]))

    def calls(self, caller: _Caller) -> None:
        if not caller.called:
            caller.called = True
            self.add(waiting_model.Call(caller.number))

    def goes_on(self, caller: _Caller) -> None:
        self.calls(caller)
        for _ in range(len(caller.visits) - caller.installed):
            self.add(waiting_model.Install(caller.number))
        caller.installed = len(caller.visits)

    def leaves(self, caller: _Caller) -> None:
        for _ in caller.visits:
            self.add(waiting_model.Remove(caller.number))

    def read(self, entry: list[object]) -> None:
        match entry:
            case ["Future", Future() as future, _, Step() as cell]:
                if Effect.TELL_WAITERS in cell.effects:
                    self.end(future)
            case ["Install", Future(), (_Waiter() as waiter,)]:
                self.calls(self.callers[waiter])
                self.add(waiting_model.Install(self.callers[waiter].number))
            case ["Wait", _Waiter() as waiter, seconds, _, tuple(noted)]:
                caller = self.callers[waiter]
                for each in noted:
                    self.end(each)
                self.goes_on(caller)
                enough = seconds == clock.NO_LIMIT or self.enough(caller, noted)
                made = waiting_model.Pass if enough else waiting_model.GiveUp
                self.add(made(caller.number))
                self.leaves(caller)
            case ["Yield", _Waiter() as waiter, Future() as future]:
                caller = self.callers[waiter]
                self.end(future)
                self.goes_on(caller)
                self.add(waiting_model.Yield(caller.number))
                caller.yielded += 1
                if caller.yielded == len(caller.visits):
                    self.leaves(caller)
            case ["GiveUp", _Waiter() as waiter]:
                caller = self.callers[waiter]
                self.goes_on(caller)
                self.add(waiting_model.GiveUp(caller.number))
                self.leaves(caller)

    def enough(self, caller: _Caller, noted: tuple[AnyFuture, ...]) -> bool:
        endings = tuple(Ending(self.ended[self.numbers[each] - 1]) for each in noted)
        return may_return(ReturnWhen(caller.asks), len(caller.visits) - len(noted), endings)


def of_waiting(
    entries: Entries, futures: Sequence[AnyFuture]
) -> Replay[WaitingState, waiting_model.Action]:
    """Return the run of those who waited for some of ``futures``."""
    read = _WaitingReader(entries, futures)
    callers = read.callers.values()
    names = tuple(tuple(read.numbers[each] for each in caller.visits) for caller in callers)
    asks = tuple(caller.asks for caller in callers)

    passes = {waiting_model.Pass(each.number) for each in callers if each.asks == AS_COMPLETED}

    def silent(action: waiting_model.Action) -> bool:
        return isinstance(action, waiting_model.Note | waiting_model.Tell) or action in passes

    return Replay(WaitingModel(len(futures), asks, names), tuple(read.steps), silent)
