"""Each step of the library's code, as a step of the spec's Future.

A ``View`` looks on while real code runs under a scheduler, and keeps the state of
``FutureModel`` that it stands for.  All that it knows comes from the code: what is
written to a field, what a read found, which gate was opened, whose wait timed out.
The state of the future changes where ``_now`` is written; an effect is carried out where
the first who has to hear of it does, or where the code finds that nobody is there.  All who
stand there are back from then on, as in the spec; the code opens their gates one by one, and
has to before it goes on.

What a cell of the table leaves to be done is read off the cell that the code holds in its
hand.  No step of the spec is computed here: whether it has the edge is asked afterwards.
"""

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, replace
from typing import Final, final

from foregone_spec.future import DONE, NOTIFIED, Effect, State, Step
from foregone_spec.future_model import (
    EXECUTOR,
    Action,
    AddCallback,
    CallResult,
    CallWait,
    Cancel,
    EndCallbacks,
    FutureState,
    GiveUpResult,
    GiveUpWait,
    RunCallback,
    RunOwnCallback,
    SetRunningOrNotifyCancel,
    TellWaiters,
    WakeBlocked,
)
from foregone_spec.model import replaced
from model_tests.inclusion_spec import Call, Clients, Edge, settles, shown
from model_tests.schedule_cells import Cell
from model_tests.schedule_library import Library
from model_tests.schedule_standins import Thing
from model_tests.schedule_values import ValueScheduler, cell_of

#: The fields that say where a future is.
WATCHED: Final = ("_now", "_installed", "_blocked", "_callbacks")
_OPENS: Final = (Effect.TELL_WAITERS, Effect.WAKE_BLOCKED)


def plain(value: Thing) -> tuple[Thing, ...]:
    """Return what is in a list or tuple, or None, and be no scheduling point."""
    return () if value is None else tuple((tuple if type(value) is tuple else list).__iter__(value))


@final
@dataclass(slots=True)
class _Doing:
    """A call on its way."""

    call: Call
    agent: int = 0  # who has given the command
    fn: object = None  # the callback that it adds
    entered: bool = False  # has it had its first step?
    opens: bool = False  # has it opened the first gate of an effect, and maybe not the last?
    owed: int = 0  # the agent who has yet to open its gate, though it is back


@final
class View:
    """What the code has come to, as a state of the spec."""

    def __init__(
        self,
        scheduler: ValueScheduler,
        library: Library,
        clients: Clients,
        raw: Callable[[str], Thing],
    ) -> None:
        self._scheduler = scheduler
        self._clients = clients
        self._drained = library.future._DRAINED
        self._raw = raw  # what is in a field; asking is no scheduling point
        self._order = scheduler.cell("order of callbacks")
        self._numbers: dict[object, int] = {}  # of callbacks that were added
        self._doing: dict[str, _Doing] = {}  # by the name of the task
        self._gates: dict[str, _Doing] = {}  # whose call waits at a gate, by its name
        self._runner = ""  # the task whose start said that the call runs
        self._closed = False
        (self.state,) = clients.model.initial()
        self.edges: list[Edge] = []
        self.wrong: list[str] = []

    # ------------------------------------------------------------ said by clients

    def begins(self, call: Call) -> None:
        """Take note that the running task begins a call."""
        self._doing[self._me] = _Doing(call)

    def returns(self) -> None:
        """Take note that the call of the running task is back."""
        doing = self._doing.pop(self._me)
        self._gates = {name: each for name, each in self._gates.items() if each is not doing}
        if self._closed:
            return
        self._owes_nobody(doing)
        if not self._is_through(doing):
            self.wrong.append(f"{doing.call} returns before it is through, in {shown(self.state)}")

    def adds(self, fn: object) -> None:
        """Take note of what the running task is about to add."""
        self._doing[self._me].fn = fn

    def runs(self, fn: object) -> None:
        """Take note that a callback runs."""
        if self._closed:
            return
        number = self._numbers.get(fn, 0)
        own = number > 0 and self.state.callbacks[number - 1] == "own"
        self._scheduler.sees()
        self._scheduler.hears(own)
        if own:
            self._scheduler.touch(self._order, True)  # this order can be seen, so it counts
            callbacks = replaced(self.state.callbacks, number - 1, "ran own")
            ran = (*self.state.ran, number)
            self._did(RunOwnCallback(number), replace(self.state, callbacks=callbacks, ran=ran))
        elif self.state.ran[-1:] != (number,):
            self.wrong.append(f"callback {number} runs unseen, or again, in {shown(self.state)}")

    def knows(self) -> Hashable:
        """Return all that the next steps are judged by, and that stands in no cell."""
        told = self._scheduler.told
        doing = [
            (name, each.call, each.agent, told(each.fn), each.entered, each.opens, each.owed)
            for name, each in sorted(self._doing.items())
        ]
        gates = [(gate, str(each.call)) for gate, each in sorted(self._gates.items())]
        order = tuple(map(told, self._numbers))
        hidden = told(self._raw("_lock")), tuple(map(told, self._drained))  # in no cell
        return self.state, hidden, (*doing,), (*gates,), order, self._runner, self._closed

    def leave(self) -> None:
        """Look no more."""
        self._closed = True

    def close(self) -> None:
        """Compare with the fields, now that nobody can go on, and look no more."""
        callbacks = self._raw("_callbacks")
        queue = tuple(self._numbers[each] for each in plain(callbacks))
        found = self._raw("_now").value, callbacks is self._drained, queue
        known = self.state.state.value, self.state.drained, self.state.queue
        if known != found:
            self.wrong.append(f"the fields say {found}, their changes {known}")
        self._closed = True

    # ---------------------------------------------------------------- seen in code

    def field(self, name: str, value: Thing, write: bool, cell: object) -> None:
        """Take note that a field of the future was read or written."""
        doing = self._now_doing
        if doing is None:
            return
        verb, todo = doing.call.verb, self._todo(doing)
        match name, write:
            case "_now", True if isinstance(cell, Step):
                self._decides(doing, value, cell)
            case "_now", False if not doing.entered and verb in ("result", "wait"):
                if value in (DONE if verb == "result" else NOTIFIED):
                    self._enters(doing, "back")
            case "_installed", True if not doing.entered and verb == "wait":
                self._enters(doing, "blocked")
            case "_installed", False if todo is Effect.TELL_WAITERS and not value:
                self._done(doing, TellWaiters(doing.agent))
            case "_blocked", False if todo is Effect.WAKE_BLOCKED:
                doing.opens = False
                if not plain(value):
                    self._done(doing, WakeBlocked(doing.agent))
            case "_callbacks", _ if value is self._drained and todo is Effect.RUN_CALLBACKS:
                self._done(doing, EndCallbacks(doing.agent), drained=True)
            case "_callbacks", False if value is self._drained and verb == "add":
                if not doing.entered:
                    self._adds(doing, "own")
            case _:
                pass

    def touched(self, cell: Cell, verb: str) -> None:
        """Take note of what is about to be done to a list or a gate."""
        doing = self._now_doing
        if doing is None:
            return
        todo = self._todo(doing)
        match verb, cell.name.partition("#")[0]:
            case "tries", "gate":
                self._gates.setdefault(cell.name, doing)  # who makes a gate closes it first
            case "opens", "gate" if doing.opens or todo in _OPENS:
                self._opens(doing, cell.name)
            case "copies" | "len:", "list _blocked" if todo is Effect.WAKE_BLOCKED:
                if not plain(self._raw("_blocked")):
                    self._done(doing, WakeBlocked(doing.agent))
            case "iadd:", "list _blocked" if doing.call.verb == "result" and not doing.entered:
                self._enters(doing, "blocked")
            case "iadd:", "list _callbacks" if doing.call.verb == "add" and not doing.entered:
                self._adds(doing, "queued")
            case "delitem:", "list _callbacks" if todo is Effect.RUN_CALLBACKS:
                number = self._numbers[plain(self._raw("_callbacks"))[0]]
                left = tuple(each for each in self.state.queue if each != number)
                after = replace(
                    self.state,
                    callbacks=replaced(self.state.callbacks, number - 1, "ran"),
                    queue=left,
                    ran=(*self.state.ran, number),
                )
                self._did(RunCallback(doing.agent), after)
            case _:
                pass

    def timed_out(self) -> None:
        """Take note that the wait of the running task has timed out."""
        doing = self._now_doing
        self._scheduler.sees()
        if doing is None or self._is_through(doing):
            return
        gave_up = GiveUpResult if doing.call.verb == "result" else GiveUpWait
        self._did(gave_up(doing.call.number), self._standing(self.state, doing.call, "back"))

    # --------------------------------------------------------------------- steps

    @property
    def _me(self) -> str:
        me = self._scheduler.running
        assert me is not None
        return me.name

    @property
    def _now_doing(self) -> _Doing | None:
        if self._closed or self._scheduler.running is None:
            return None
        return self._doing.get(self._me)

    def _todo(self, doing: _Doing) -> Effect | None:
        left = self.state.todo[doing.agent - 1] if doing.agent else ()
        return left[0] if left else None

    def _owes_nobody(self, doing: _Doing) -> None:
        """Complain if a call goes on, and has not opened every gate of its effects so far."""
        for each in self._doing.values():
            if each.owed and each.owed == doing.agent:
                self.wrong.append(f"{doing.call} goes on, and the gate of {each.call} is closed")

    def _did(self, action: Action, after: FutureState) -> None:
        self._scheduler.sees()
        self._owes_nobody(self._doing[self._me])
        self.edges.append((self.state, action, after))
        self.state = after

    def _decides(self, doing: _Doing, value: State, cell: Step) -> None:
        call, now = doing.call, self.state
        action: Action
        doing.agent = self._clients.agent(call)
        if call.verb == "cancel":
            action = Cancel(doing.agent)
        elif call.verb == "start":
            action = SetRunningOrNotifyCancel()
            self._runner = self._me if cell.reply is True else ""
        elif call.verb not in ("set_result", "set_exception"):
            self.wrong.append(f"{call} gives a command")
            return
        else:
            own = self._runner == self._me and now.state is State.RUNNING
            action = settles(self._clients, call, own)
            doing.agent = EXECUTOR if own else doing.agent
        todo = tuple(each for each in cell.effects if each is not Effect.KEEP_OUTCOME)
        begun = call.verb == "start" and cell.reply is True
        stands = "busy" if todo else "idle" if begun else "ended"
        ends = Effect.RUN_CALLBACKS in todo and not plain(self._raw("_callbacks"))
        after = replace(
            now,
            state=value,
            agents=replaced(now.agents, doing.agent - 1, stands),
            todo=replaced(now.todo, doing.agent - 1, todo),
            drained=now.drained or ends,
        )
        self._did(action, after)

    def _done(
        self, doing: _Doing, action: Action, drained: bool = False, back: Sequence[_Doing] = ()
    ) -> None:
        """Note that the next effect is carried out, and who is back by it."""
        now, at = self.state, doing.agent - 1
        left = now.todo[at][1:]
        after = replace(
            now,
            todo=replaced(now.todo, at, left),
            agents=replaced(now.agents, at, "busy" if left else "ended"),
            drained=now.drained or drained,
        )
        for each in back:
            after = self._standing(after, each.call, "back")
        self._did(action, after)

    def _opens(self, doing: _Doing, gate: str) -> None:
        """Note that a gate opens; with the first all whose gates stand there are back."""
        self._scheduler.sees()
        if not doing.opens:
            tells = self._todo(doing) is Effect.TELL_WAITERS
            action = TellWaiters(doing.agent) if tells else WakeBlocked(doing.agent)
            gates = map(cell_of, plain(self._raw("_installed" if tells else "_blocked")))
            makers = [self._gates.get(each.name) for each in gates if each is not None]
            there = [each for each in makers if each is not None and not self._is_through(each)]
            self._done(doing, action, back=there)
            doing.opens = True
            for each in there:
                each.owed = doing.agent
        if gate in self._gates:  # else the call gave up, and is over
            self._gates[gate].owed = 0

    @staticmethod
    def _standing(state: FutureState, call: Call, stands: str) -> FutureState:
        at = call.number - 1
        if call.verb == "result":
            return replace(state, results=replaced(state.results, at, stands))
        return replace(state, waits=replaced(state.waits, at, stands))

    def _enters(self, doing: _Doing, stands: str) -> None:
        doing.entered = True
        enters = CallResult if doing.call.verb == "result" else CallWait
        after = self._standing(self.state, doing.call, stands)
        self._did(enters(doing.call.number), after)

    def _adds(self, doing: _Doing, stands: str) -> None:
        doing.entered = True
        number = self._numbers[doing.fn] = len(self._numbers) + 1
        queue = (*self.state.queue, number) if stands == "queued" else self.state.queue
        callbacks = replaced(self.state.callbacks, number - 1, stands)
        self._did(AddCallback(number), replace(self.state, callbacks=callbacks, queue=queue))

    def _is_through(self, doing: _Doing) -> bool:
        call = doing.call
        match call.verb:
            case "result":
                return self.state.results[call.number - 1] == "back"
            case "wait":
                return self.state.waits[call.number - 1] == "back"
            case "add":
                number = self._numbers.get(doing.fn, 0)
                return number > 0 and self.state.callbacks[number - 1] != "own"
            case _:
                return doing.agent > 0 and self.state.agents[doing.agent - 1] != "busy"
