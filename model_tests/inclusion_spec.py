"""What the spec can do where its clients are those of one program.

    owned: cancel | start; set_result       two threads, one future

The clients of ``FutureModel`` may call whenever they like; those of a program call one
after the other, each thread in its own order.  A call ends when the model says so: the
agent has carried out its effects, the caller is back, the callback is queued or has run.
``start`` and then ``set_result`` or ``set_exception`` in one thread are the executor's,
if the call runs and nobody else has settled it; every other one is a third party's.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from itertools import combinations_with_replacement, product
from typing import Final, Protocol, TypeAlias, final

from foregone_spec.future import State
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
    RunOwnCallback,
    SetException,
    SetResult,
    SetRunningOrNotifyCancel,
)
from foregone_spec.model import replaced

Edge: TypeAlias = tuple[FutureState, Action, FutureState]

VERBS: Final = (
    "cancel", "start", "set_result", "set_exception", "result", "result(1)", "wait", "wait(1)",
    "add",
)  # fmt: skip
#: Rows of two calls: the executor's own, and the notice of a cancel.
ROWS: Final = ("start; set_result", "start; set_exception", "cancel; start")
_KINDS: Final = {
    "cancel": "cancellers",
    "set_result": "resolvers",
    "set_exception": "resolvers",
    "result": "results",
    "wait": "waits",
    "add": "callbacks",
    "start": "executors",
}


def shown(state: FutureState) -> str:
    """Return a state in short: whoever has not begun is left out."""
    agents = [
        f"agent {number} {stands}{''.join(f' {each.value}' for each in todo)}"
        for number, (stands, todo) in enumerate(zip(state.agents, state.todo, strict=True), 1)
        if stands != "idle"
    ]
    others = [
        f"{kind} {number} {stands}"
        for kind in ("results", "waits", "callbacks")
        for number, stands in enumerate(getattr(state, kind), 1)
        if stands != "out"
    ]
    rest = [f"ran {state.ran}"] * bool(state.ran) + ["drained"] * state.drained
    return "; ".join([state.state.value, *agents, *others, *rest])


class Spec(Protocol):
    """What is asked of a model."""

    def initial(self) -> tuple[FutureState, ...]: ...
    def enabled(self, state: FutureState) -> tuple[Action, ...]: ...
    def step(self, state: FutureState, action: Action) -> FutureState: ...


@final
@dataclass(frozen=True, slots=True)
class Call:
    """One call of a thread, and its place among those of its kind, from 1."""

    verb: str
    patient: bool
    number: int

    def __str__(self) -> str:
        return f"{self.verb}{'' if self.patient else '(1)'} {self.number}"


@final
@dataclass(frozen=True)
class Clients:
    """The threads of a program, call by call, and the model that has as many of each kind."""

    text: str
    model: FutureModel
    rows: tuple[tuple[Call, ...], ...]

    def agent(self, call: Call) -> int:
        """Return who gives the command, if it is not the executor."""
        if call.verb == "cancel":
            return EXECUTOR + call.number
        return EXECUTOR + (0 if call.verb == "start" else self.model.cancellers + call.number)


def calls(text: str) -> list[str]:
    """Return the calls of a program, as they are written."""
    rows = text.partition(": ")[2].split("|")
    return [call.strip() for row in rows for call in row.split(";")]


def clients(text: str) -> Clients:
    """Read a program."""
    kind, _, threads = text.partition(": ")
    count = dict.fromkeys(_KINDS.values(), 0)
    rows: list[tuple[Call, ...]] = []
    for thread in threads.split("|"):
        row: list[Call] = []
        for written in map(str.strip, thread.split(";")):
            if written not in VERBS:
                raise ValueError(f"what is {written!r}?")
            verb, limit, _ = written.partition("(1)")
            count[_KINDS[verb]] += 1
            row.append(Call(verb, not limit, count[_KINDS[verb]]))
        rows.append(tuple(row))
    if count.pop("executors") > 1:
        raise ValueError(f"{text}: the spec has one executor, which starts once")
    return Clients(text, FutureModel(kind == "owned", **count), tuple(rows))


def programs(calls: int, threads: int = 2) -> tuple[list[str], int]:
    """Return all programs of threads with so many calls, and how many have two starts or more."""
    rows = [row for size in range(1, calls + 1) for row in product(VERBS, repeat=size)]
    found: list[str] = []
    outside = 0
    for kind in ("owned", "bare"):
        for each in combinations_with_replacement(rows, threads):
            if sum(row.count("start") for row in each) > 1:
                outside += 1
            else:
                found.append(f"{kind}: {' | '.join(map('; '.join, each))}")
    return found, outside


def usual() -> list[str]:
    """Return all programs of one call a thread, and those of ROWS beside one call."""
    found, _ = programs(1)
    for kind in ("owned", "bare"):
        found += [f"{kind}: {row} | {each}" for row in ROWS for each in VERBS if each != "start"]
    return found


# -------------------------------------------------------------- spec and program


@final
@dataclass(frozen=True, slots=True)
class _At:
    """Where the spec is, and where each thread is in its row."""

    state: FutureState
    places: tuple[int, ...]
    agents: tuple[int, ...]  # who acts in the thread's present call; 0: it has not begun
    adders: tuple[int, ...] = ()  # whose callback each is
    runner: int = -1  # the thread whose start said that the call runs


@final
@dataclass
class Behaviour:
    """What was seen or may be: the edges, and the states in which nobody can go on."""

    edges: set[Edge] = field(default_factory=set)
    stops: set[FutureState] = field(default_factory=set)


def behaviour(clients: Clients, spec: Spec | None = None) -> Behaviour:
    """Return what the spec can do for a program."""
    model = spec or clients.model
    found = Behaviour()
    idle = (0,) * len(clients.rows)
    todo = [_At(state, idle, idle) for state in model.initial()]
    known = set(todo)
    while todo:
        at = todo.pop()
        stops = True
        for thread, action in _moves(clients, model, at):
            stops = False
            after = _after(clients, model, at, thread, action)
            found.edges.add((at.state, action, after.state))
            if after not in known:
                known.add(after)
                todo.append(after)
        if stops:
            found.stops.add(at.state)
    return found


def _moves(clients: Clients, model: Spec, at: _At) -> Iterator[tuple[int, Action]]:
    enabled = model.enabled(at.state)
    for thread, row in enumerate(clients.rows):
        if at.places[thread] == len(row):
            continue
        call = row[at.places[thread]]
        if at.agents[thread]:
            yield from ((thread, each) for each in enabled if _goes_on(at, thread, call, each))
            continue
        first = _first(clients, at, thread, call)
        if first not in enabled:
            raise ValueError(f"{clients.text}: the spec refuses {first} in {at.state}")
        yield thread, first


def _first(clients: Clients, at: _At, thread: int, call: Call) -> Action:
    """Return the action with which a call begins."""
    match call.verb:
        case "cancel":
            return Cancel(clients.agent(call))
        case "start":
            return SetRunningOrNotifyCancel()
        case "result":
            return CallResult(call.number)
        case "wait":
            return CallWait(call.number)
        case "add":
            return AddCallback(len(at.adders) + 1)
    return settles(clients, call, at.runner == thread and at.state.state is State.RUNNING)


def settles(clients: Clients, call: Call, own: bool) -> Action:
    """Return the action of a set_result or set_exception, the executor's own or another's."""
    if own:
        return SetException() if call.verb == "set_exception" else SetResult(EXECUTOR)
    return SetResult(clients.agent(call))


def _goes_on(at: _At, thread: int, call: Call, action: Action) -> bool:
    """Say whether ``action`` is a step of a call that has begun."""
    match action:
        case GiveUpResult(caller):
            return call.verb == "result" and call.number == caller and not call.patient
        case GiveUpWait(caller):
            return call.verb == "wait" and call.number == caller and not call.patient
        case RunOwnCallback(callback):
            return call.verb == "add" and at.adders[callback - 1] == thread
        case Cancel() | SetResult() | SetException() | SetRunningOrNotifyCancel():
            return False
        case AddCallback() | CallResult() | CallWait():
            return False
        case effect:
            commands = call.verb not in ("result", "wait", "add")
            return commands and effect.agent == at.agents[thread]


def _after(clients: Clients, model: Spec, at: _At, thread: int, action: Action) -> _At:
    now = replace(at, state=model.step(at.state, action))
    acts = at.agents[thread] or EXECUTOR  # for callers, any number says that they have begun
    match action:
        case Cancel(agent) | SetResult(agent):
            acts = agent
        case SetRunningOrNotifyCancel() if now.state.agents[0] == "idle":
            now = replace(now, runner=thread)
        case AddCallback():
            now = replace(now, adders=(*now.adders, thread))
        case _:
            pass
    now = replace(now, agents=replaced(now.agents, thread, acts))
    for each, row in enumerate(clients.rows):
        if now.agents[each] and _is_through(now, each, row[now.places[each]]):
            places = replaced(now.places, each, now.places[each] + 1)
            now = replace(now, places=places, agents=replaced(now.agents, each, 0))
    return now


def _is_through(at: _At, thread: int, call: Call) -> bool:
    match call.verb:
        case "result":
            return at.state.results[call.number - 1] == "back"
        case "wait":
            return at.state.waits[call.number - 1] == "back"
        case "add":
            mine = [n for n, adder in enumerate(at.adders) if adder == thread]
            return all(at.state.callbacks[each] != "own" for each in mine)
        case _:
            return at.state.agents[at.agents[thread] - 1] != "busy"
