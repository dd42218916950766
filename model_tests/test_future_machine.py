"""The Future against its model and against the standard library, command by command.

Each rule acts on a future of ours, on the standard one where nobody blocks, and on
the state of the model; the run is then replayed as a trace.
"""

import concurrent.futures
import threading
from collections.abc import Callable, Mapping
from typing import Final, TypeAlias

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import initialize, invariant, rule

import foregone
from foregone import wait
from foregone.future import OWNED
from foregone_spec.future import (
    Command,
    Refusal,
    State,
    Step,
    is_cancelled,
    is_done,
    is_notified,
    step,
)
from foregone_spec.future_model import (
    EXECUTOR,
    Action,
    AddCallback,
    CallResult,
    CallWait,
    Cancel,
    FutureModel,
    FutureState,
    GiveUpResult,
    GiveUpWait,
    RunCallback,
    RunOwnCallback,
    SetException,
    SetResult,
    SetRunningOrNotifyCancel,
)
from model_tests.machine import Machine, joined
from model_tests.recording import of_future

AnyFuture: TypeAlias = concurrent.futures.Future[object]
Reply: TypeAlias = bool | None | Refusal

#: At once: a timeout that passes while its caller is blocked.
NO_TIME: Final = 1e-9
CALLERS: Final = 3
CALLBACKS: Final = 8
#: One to cancel, one to resolve: what changes nothing needs nobody in the model.
CANCELLER: Final = EXECUTOR + 1
RESOLVER: Final = EXECUTOR + 2
ERROR: Final = ValueError("the call's own")


def _cancel_and_tell(future: AnyFuture) -> bool:
    """Do with a standard future what ours does in one step."""
    cancelled = future.cancel()
    if cancelled and future._state == "CANCELLED":
        future.set_running_or_notify_cancel()
    return cancelled


COMMANDS: Final[Mapping[Command, Callable[[AnyFuture], bool | None]]] = {
    Command.CANCEL: lambda future: future.cancel(),
    Command.CANCEL_OWNED: lambda future: future.cancel(),
    Command.SET_RUNNING_OR_NOTIFY_CANCEL: lambda future: future.set_running_or_notify_cancel(),
    Command.SET_RESULT: lambda future: future.set_result("answer"),
    Command.SET_EXCEPTION: lambda future: future.set_exception(ERROR),
}

#: Where the standard library differs, by the name of the difference.  Commands: what
#: to do there instead.
DIFFERENT_COMMANDS: Final[Mapping[str, tuple[Command, Callable[[AnyFuture], bool | None]]]] = {
    "cancel() of an executor's future tells waiters at once": (
        Command.CANCEL_OWNED,
        _cancel_and_tell,
    ),
}
#: Orders of callbacks: what may be compared of them.
DIFFERENT_ORDERS: Final[Mapping[str, Callable[[list[int]], list[int]]]] = {
    "a callback that a callback adds waits for its turn": sorted,
}

STANDARD: Final = {**COMMANDS, **dict(DIFFERENT_COMMANDS.values())}


START: Final = Command.SET_RUNNING_OR_NOTIFY_CANCEL
ACTIONS: Final[Mapping[Command, tuple[Action, ...]]] = {
    Command.CANCEL: (Cancel(CANCELLER),),
    Command.CANCEL_OWNED: (Cancel(CANCELLER),),
    START: (SetRunningOrNotifyCancel(),),
    Command.SET_RESULT: (SetResult(EXECUTOR), SetResult(RESOLVER)),
    Command.SET_EXCEPTION: (SetException(), SetResult(RESOLVER)),  # a third party's too
}


def reply(call: Callable[[AnyFuture], bool | None], future: AnyFuture) -> Reply:
    try:
        return call(future)
    except concurrent.futures.InvalidStateError:
        return Refusal.INVALID_STATE
    except RuntimeError:
        return Refusal.UNEXPECTED_STATE


def seen(future: AnyFuture) -> tuple[object, ...]:
    """Return what anybody can see of a future without blocking."""
    outcomes = []
    for question in (future.result, future.exception):
        try:
            outcomes.append(question(timeout=0))
        except BaseException as error:
            outcomes.append(type(error))
    return (future.cancelled(), future.running(), future.done(), *outcomes)


class FutureMachine(Machine[FutureState, Action]):
    @initialize(owned=st.booleans())
    def begin(self, owned: bool) -> None:
        self.ours: foregone.Future[object] = foregone.Future()
        self.cancel = Command.CANCEL
        if owned:
            self.ours._cancel_as = self.cancel = OWNED
        self.theirs: AnyFuture = concurrent.futures.Future()
        self.starts(FutureModel(owned, 1, 1, CALLERS, CALLERS, CALLBACKS))
        self.kinds: list[str] = []
        self.ran: list[int] = []
        self.ran_there: list[int] = []
        self.failed = False
        self.reserved = 0  # callbacks that others will add
        self.added = {id(self.ours): 0, id(self.theirs): 0}
        self.threads: dict[tuple[str, int], threading.Thread] = {}
        self.answers: dict[tuple[str, int], object] = {}

    # ------------------------------------------------------------- the model

    def carry_out(self, agent: int) -> None:
        """Let an agent of the model do all that follows its command."""
        while self.state.agents[agent - 1] == "busy":
            action = FutureModel._next_effect(self.state, agent)
            self.do(action)
            if isinstance(action, RunCallback):
                self.follows(self.state.ran[-1])

    def follows(self, callback: int) -> None:
        """Let a callback of the model do what it does."""
        if self.kinds[callback - 1] == "adds":
            self.reserved -= 1
            self.kinds.append("returns")
            self.do(AddCallback(len(self.kinds)))
            self.run_own()

    def run_own(self) -> None:
        for number, stands in enumerate(self.state.callbacks, start=1):
            if stands == "own":
                self.do(RunOwnCallback(number))
                self.follows(number)

    def action_of(self, command: Command) -> Action | None:
        """Return whose action a command is; None where it changes nothing."""
        if not step(self.state.state, command).effects and command is not START:
            return None
        enabled = self.model.enabled(self.state)
        return next((each for each in ACTIONS[command] if each in enabled), None)

    # ----------------------------------------------------------------- rules

    @rule(
        command=st.sampled_from(
            ["cancel", "set_running_or_notify_cancel", "set_result", "set_exception"]
        )
    )
    def command(self, command: str) -> None:
        given = self.cancel if command == "cancel" else Command(command)
        cell: Step = step(self.state.state, given)
        self.failed = self.failed or (bool(cell.effects) and given is Command.SET_EXCEPTION)
        action = self.action_of(given)
        if action is None:
            assert cell.after is self.state.state
        else:
            self.do(action)
            agent = getattr(action, "agent", EXECUTOR)
            self.carry_out(agent)
        assert reply(COMMANDS[given], self.ours) == cell.reply
        assert reply(STANDARD[given], self.theirs) == cell.reply

    @rule(kind=st.sampled_from(["returns", "raises", "cancels", "adds"]))
    def add_callback(self, kind: str) -> None:
        if len(self.kinds) + self.reserved >= CALLBACKS - 1:
            return
        self.kinds.append(kind)
        self.reserved += kind == "adds"
        self.do(AddCallback(len(self.kinds)))
        self.run_own()
        for future, ran in ((self.ours, self.ran), (self.theirs, self.ran_there)):
            self.add(future, ran, kind)

    def add(self, future: AnyFuture, ran: list[int], kind: str) -> None:
        self.added[id(future)] += 1
        number = self.added[id(future)]

        def callback(given: AnyFuture) -> None:
            assert given is future
            assert future.done()
            ran.append(number)
            if future is self.ours:
                self.entries.append(("Ran", future, callback))
            if kind == "raises":
                raise ZeroDivisionError
            if kind == "cancels":
                assert future.cancel() is future.cancelled()
            if kind == "adds":
                self.add(future, ran, "returns")

        future.add_done_callback(callback)

    @rule(gives_up=st.booleans())
    def call_result(self, gives_up: bool) -> None:
        if "out" not in self.state.results:
            return
        caller = self.state.results.index("out") + 1
        self.do(CallResult(caller))
        if not is_done(self.state.state) and gives_up:
            self.do(GiveUpResult(caller))
            with pytest.raises(TimeoutError):
                self.ours.result(NO_TIME)
        else:
            self.call(("results", caller), self.ours.exception)
        self.bell.until(
            lambda: len(self.ours._blocked or ()) >= self.state.results.count("blocked")
        )

    @rule(gives_up=st.booleans())
    def call_wait(self, gives_up: bool) -> None:
        if "out" not in self.state.waits:
            return
        caller = self.state.waits.index("out") + 1
        self.do(CallWait(caller))
        if not is_notified(self.state.state) and gives_up:
            self.do(GiveUpWait(caller))
            assert wait([self.ours], NO_TIME) == (set(), {self.ours})
        else:
            self.call(("waits", caller), lambda: wait([self.ours]))
        waiting = self.state.waits.count("blocked")
        self.bell.until(lambda: len(self.ours._installed or ()) == waiting)

    def call(self, caller: tuple[str, int], question: Callable[[], object]) -> None:
        """Ask in a thread of its own."""

        def ask() -> None:
            try:
                self.answers[caller] = question()
            except BaseException as error:
                self.answers[caller] = type(error)

        self.threads[caller] = threading.Thread(target=ask)
        self.threads[caller].start()

    # ---------------------------------------------------------------- checks

    @invariant()
    def all_agree(self) -> None:
        now = self.state.state
        back = [
            each for each in self.threads if getattr(self.state, each[0])[each[1] - 1] == "back"
        ]
        joined(self.threads.pop(each) for each in back)
        outcome: tuple[object, object] = (TimeoutError, TimeoutError)
        if is_cancelled(now):
            outcome = (concurrent.futures.CancelledError,) * 2
        elif now is State.FINISHED:
            outcome = (ValueError, ERROR) if self.failed else ("answer", None)
        assert self.ours._now is now
        assert seen(self.ours) == (is_cancelled(now), now is State.RUNNING, is_done(now), *outcome)
        assert seen(self.theirs) == seen(self.ours)
        for kind, caller in back:
            expected = outcome[1] if kind == "results" else ({self.ours}, set())
            assert self.answers[kind, caller] == expected
        assert self.ran == list(self.state.ran)
        comparable = [fn for fn in DIFFERENT_ORDERS.values() if "adds" in self.kinds] or [list]
        assert comparable[0](self.ran_there) == comparable[0](self.ran)

    def teardown(self) -> None:
        try:
            if self.state.state is State.CANCELLED:
                self.command("set_running_or_notify_cancel")
            self.command("set_result")
            self.all_agree()
            assert not self.threads
            run = of_future(self.entries, self.ours)
            verdict = run.verdict()
            assert verdict.accepted, str(verdict)
        finally:
            self.ends()


TestFutureMachine = FutureMachine.TestCase
# One example is short, and quick.
TestFutureMachine.settings = settings(max_examples=2 * settings().max_examples)
