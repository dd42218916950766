"""One Future among everybody who uses it, step by step (``tla/Future.tla``).

A step is one lock hold of the library, or one effect that follows it: whoever
changes the state carries out the effects of the cell one after the other, with
no lock held, while everybody else goes on.

The agents, numbered from 1: the executor (agent 1) begins and finishes the
call; the cancellers call ``cancel()``; the resolvers are third parties that call
``set_result()``.  Apart from them there are callers blocked in ``result()``,
callers of ``wait()``, and callbacks to be added, each at any time.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Final, assert_never, final

from foregone_spec.future import (
    Command,
    Effect,
    State,
    Step,
    cancel_command,
    is_done,
    is_notified,
    step,
)
from foregone_spec.future_actions import (
    Action,
    AddCallback,
    CallResult,
    CallWait,
    Cancel,
    EndCallbacks,
    GiveUpResult,
    GiveUpWait,
    RunCallback,
    RunOwnCallback,
    SetException,
    SetResult,
    SetRunningOrNotifyCancel,
    TellWaiters,
    WakeBlocked,
)
from foregone_spec.model import NotEnabled, Value, replaced

__all__ = [
    "EXECUTOR",
    "Action",
    "AddCallback",
    "CallResult",
    "CallWait",
    "Cancel",
    "EndCallbacks",
    "FutureModel",
    "FutureState",
    "GiveUpResult",
    "GiveUpWait",
    "RunCallback",
    "RunOwnCallback",
    "SetException",
    "SetResult",
    "SetRunningOrNotifyCancel",
    "TellWaiters",
    "WakeBlocked",
]

EXECUTOR: Final = 1


@final
@dataclass(frozen=True, slots=True)
class FutureState:
    """One future and where each of its users stands."""

    state: State
    agents: tuple[str, ...]  # "idle", "busy" (effects to carry out), "ended"
    todo: tuple[tuple[Effect, ...], ...]  # each agent's effects, in order
    results: tuple[str, ...]  # callers of result(): "out", "blocked", "back"
    waits: tuple[str, ...]  # callers of wait(): "out", "blocked", "back"
    callbacks: tuple[str, ...]  # "out", "queued" then "ran"; or, late, "own" then "ran own"
    queue: tuple[int, ...]  # the callbacks that are queued, in the order added
    ran: tuple[int, ...]  # the callbacks that ran, in that order
    drained: bool  # have all queued callbacks run, once and for all?


@final
@dataclass(frozen=True, slots=True)
class FutureModel:
    """One future with so many users of each kind."""

    owned: bool
    cancellers: int = 1
    resolvers: int = 0
    results: int = 1
    waits: int = 1
    callbacks: int = 1

    @property
    def name(self) -> str:
        """The name of the module in ``tla/``."""
        return "Future"

    @property
    def invariants(self) -> Mapping[str, Callable[[FutureState], bool]]:
        """What must hold in every reachable state."""
        from foregone_spec.invariants import FUTURE

        return FUTURE

    @property
    def step_invariants(self) -> "Mapping[str, Callable[[FutureState, FutureState], bool]]":
        """What must hold of every step."""
        from foregone_spec.invariants import FUTURE_STEPS

        return FUTURE_STEPS

    def initial(self) -> tuple[FutureState, ...]:
        """Return the one state in which nobody has done anything."""
        agents = 1 + self.cancellers + self.resolvers
        return (
            FutureState(
                state=State.PENDING,
                agents=("idle",) * agents,
                todo=((),) * agents,
                results=("out",) * self.results,
                waits=("out",) * self.waits,
                callbacks=("out",) * self.callbacks,
                queue=(),
                ran=(),
                drained=False,
            ),
        )

    def enabled(self, state: FutureState) -> tuple[Action, ...]:
        """Return everything that may happen in ``state``."""
        return tuple(self._enabled(state))

    def _enabled(self, now: FutureState) -> Iterator[Action]:
        for number, stands in enumerate(now.agents, start=1):
            if stands == "idle":
                yield from self._first(now, number)
            elif stands == "busy":
                yield self._next_effect(now, number)
        if "out" in now.callbacks:  # they are numbered in the order they are added
            yield AddCallback(now.callbacks.index("out") + 1)
        for number, stands in enumerate(now.callbacks, start=1):
            if stands == "own":
                yield RunOwnCallback(number)
        for number, stands in enumerate(now.results, start=1):
            if stands == "out":
                yield CallResult(number)
            elif stands == "blocked":
                yield GiveUpResult(number)
        for number, stands in enumerate(now.waits, start=1):
            if stands == "out":
                yield CallWait(number)
            elif stands == "blocked":
                yield GiveUpWait(number)

    def _first(self, now: FutureState, agent: int) -> Iterator[Action]:
        if agent == EXECUTOR:
            if now.state is State.RUNNING:
                yield SetResult(agent)
                yield SetException()
            else:
                yield SetRunningOrNotifyCancel()
        elif agent <= EXECUTOR + self.cancellers:
            yield Cancel(agent)
        else:
            yield SetResult(agent)

    @staticmethod
    def _next_effect(now: FutureState, agent: int) -> Action:
        match now.todo[agent - 1][0]:
            case Effect.TELL_WAITERS:
                return TellWaiters(agent)
            case Effect.WAKE_BLOCKED:
                return WakeBlocked(agent)
            case Effect.RUN_CALLBACKS:
                return RunCallback(agent) if now.queue else EndCallbacks(agent)
            case Effect.KEEP_OUTCOME:
                raise AssertionError("the outcome is kept with the state, in one step")
            case unknown:
                assert_never(unknown)

    def step(self, state: FutureState, action: Action) -> FutureState:
        """Return the state after ``action``."""
        if action not in self.enabled(state):
            raise NotEnabled(f"{action} may not happen in {state}")
        match action:
            case Cancel(agent):
                return self._commanded(state, agent, cancel_command(self.owned))
            case SetRunningOrNotifyCancel():
                return self._commanded(state, EXECUTOR, Command.SET_RUNNING_OR_NOTIFY_CANCEL)
            case SetResult(agent):
                return self._commanded(state, agent, Command.SET_RESULT)
            case SetException():
                return self._commanded(state, EXECUTOR, Command.SET_EXCEPTION)
            case TellWaiters(agent):
                return replace(self._did(state, agent), waits=_all_back(state.waits))
            case WakeBlocked(agent):
                return replace(self._did(state, agent), results=_all_back(state.results))
            case RunCallback():
                return replace(
                    state,
                    callbacks=replaced(state.callbacks, state.queue[0] - 1, "ran"),
                    queue=state.queue[1:],
                    ran=(*state.ran, state.queue[0]),
                )
            case EndCallbacks(agent):
                return replace(self._did(state, agent), drained=True)
            case AddCallback(callback):
                stands = "own" if state.drained else "queued"
                queue = state.queue if state.drained else (*state.queue, callback)
                callbacks = replaced(state.callbacks, callback - 1, stands)
                return replace(state, callbacks=callbacks, queue=queue)
            case RunOwnCallback(callback):
                callbacks = replaced(state.callbacks, callback - 1, "ran own")
                return replace(state, callbacks=callbacks, ran=(*state.ran, callback))
            case CallResult(caller):
                stands = "back" if is_done(state.state) else "blocked"
                return replace(state, results=replaced(state.results, caller - 1, stands))
            case CallWait(caller):
                stands = "back" if is_notified(state.state) else "blocked"
                return replace(state, waits=replaced(state.waits, caller - 1, stands))
            case GiveUpResult(caller):
                return replace(state, results=replaced(state.results, caller - 1, "back"))
            case GiveUpWait(caller):
                return replace(state, waits=replaced(state.waits, caller - 1, "back"))
            case unknown:
                assert_never(unknown)

    @staticmethod
    def _commanded(now: FutureState, agent: int, command: Command) -> FutureState:
        cell: Step = step(now.state, command)
        todo = tuple(each for each in cell.effects if each is not Effect.KEEP_OUTCOME)
        if todo:
            stands = "busy"
        elif command is Command.SET_RUNNING_OR_NOTIFY_CANCEL and cell.reply is True:
            stands = "idle"  # the executor now runs the call
        else:
            stands = "ended"
        return replace(
            now,
            state=cell.after,
            agents=replaced(now.agents, agent - 1, stands),
            todo=replaced(now.todo, agent - 1, todo),
            # Where none is queued at the end there is nothing to drain.
            drained=now.drained or (Effect.RUN_CALLBACKS in todo and not now.queue),
        )

    @staticmethod
    def _did(now: FutureState, agent: int) -> FutureState:
        rest = now.todo[agent - 1][1:]
        return replace(
            now,
            agents=replaced(now.agents, agent - 1, "busy" if rest else "ended"),
            todo=replaced(now.todo, agent - 1, rest),
        )

    def variables(self, state: FutureState) -> dict[str, Value]:
        """Return ``state`` as the variables of ``tla/Future.tla``."""
        return {
            "state": state.state.value,
            "agents": state.agents,
            "todo": tuple(tuple(each.value for each in todo) for todo in state.todo),
            "results": state.results,
            "waits": state.waits,
            "callbacks": state.callbacks,
            "queue": state.queue,
            "ran": state.ran,
            "drained": state.drained,
        }


def _all_back(stands: tuple[str, ...]) -> tuple[str, ...]:
    return tuple("back" if each == "blocked" else each for each in stands)
