"""What the spec's thread pool can do where its clients are those of one program.

    pool 1: submit; cancel | shutdown(cancel)       see ``schedule_pools``

The clients of ``ThreadPoolModel`` may call whenever they like; those of a program call one
after the other, each in its own order.  A call ends when the model says so: a submitted
call is accepted or raised, a caller of shutdown is back, or, if he does not wait, has
nothing left to discard.  ``cancel`` and ``result`` are of the client's last call, or of the
one from before; a ``cancel`` that finds the call begun or done is no step.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Final, TypeAlias, final

from foregone_spec.future import DONE, State
from foregone_spec.lifecycle import Request
from foregone_spec.model import replaced
from foregone_spec.thread_pool import (
    Action,
    Cancel,
    Collect,
    Discard,
    Discarded,
    Initialized,
    Shutdown,
    ShutdownReturns,
    Submit,
    ThreadCannotStart,
    ThreadPoolModel,
    ThreadPoolState,
    ThreadStarts,
)

Edge: TypeAlias = tuple[ThreadPoolState, Action, ThreadPoolState]

#: The smallest programs, which take every step that the spec can take for them.
SMALLEST: Final = (
    "pool 1: submit",
    "pool 1: submit; submit",
    "pool 1: submit | submit",
    "pool 1: submit; cancel",
    "pool 1: submit; result; shutdown",
    "pool 1: submit; drop",
    "pool 1: submit | shutdown",
    "pool 1: submit | shutdown(nowait)",
    "pool 1: submit | shutdown(cancel)",
    "pool 1 before: cancel",
    "pool 1 initfails: submit | submit",
    "pool 1 refused: submit | submit",
    "pool 2: submit; submit",
)
#: Larger ones, for who has time.
LARGER: Final = (
    "pool 1: submit; cancel | shutdown",
    "pool 1: submit; cancel | shutdown(cancel)",
    "pool 1 before: cancel | shutdown(cancel)",
    "pool 1 before: cancel | cancel",
    "pool 1 before: result | shutdown(cancel)",
    "pool 1 before: shutdown | shutdown(cancel)",
    "pool 1 before: submit | shutdown(cancel)",
    "pool 1 initfails: submit | shutdown",
    "pool 1 refused: submit | shutdown",
    "pool 2: submit | submit",
    "pool 2 before: submit | shutdown(cancel)",
)

#: What clients do; everything else, threads do by themselves.
_CLIENTS: Final = (Submit, Cancel, Shutdown, Discarded, ShutdownReturns, Collect)
_REQUESTS: Final = {"cancel": Request.SHUTDOWN_CANCEL_FUTURES}


def shown(state: ThreadPoolState) -> str:
    """Return a state in short."""
    parts = [
        state.phase.value,
        f"ids {list(state.work_ids)}",
        f"calls {list(state.calls)}",
        f"futures {[each.value for each in state.futures]}",
        f"threads {list(state.threads)}",
        f"holds {list(state.holds)}",
    ]
    return "; ".join([*parts, f"closers {list(state.closers)}"][: 7 if state.closers else 6])


@final
@dataclass
class Behaviour:
    """What was seen or may be: the edges, and the states in which nobody can go on."""

    edges: set[Edge] = field(default_factory=set)
    stops: set[ThreadPoolState] = field(default_factory=set)


@final
@dataclass(frozen=True)
class Clients:
    """A program: the model that is as large, and each client's calls with their closers."""

    model: ThreadPoolModel
    rows: tuple[tuple[tuple[str, int], ...], ...]  # verb, and whose number a closer has
    before: bool
    refused: bool

    def waits(self, closer: int) -> bool:
        """Say whether a caller of shutdown waits for the end."""
        return any(each == ("shutdown", closer) for row in self.rows for each in row)


def clients(text: str) -> Clients:
    """Read a program."""
    head, _, threads = text.partition(": ")
    options = head.split()[1:]
    closers: list[Request] = []
    rows: list[tuple[tuple[str, int], ...]] = []
    calls = int("before" in options)
    for thread in threads.split("|"):
        row: list[tuple[str, int]] = []
        for written in map(str.strip, thread.split(";")):
            verb, _, how = written.rstrip(")").partition("(")
            if verb == "shutdown":
                closers.append(_REQUESTS.get(how, Request.SHUTDOWN))
                verb = "leave" if how == "nowait" else verb
                row.append((verb, len(closers)))
                continue
            if verb not in ("submit", "cancel", "result", "drop"):
                raise ValueError(f"what is {written!r}?")
            calls += verb == "submit"
            row.append((verb, 0))
        rows.append(tuple(row))
    model = ThreadPoolModel(
        calls=calls,
        threads=int(options[0]),
        closers=tuple(closers),
        initializer_fails="initfails" in options,
        start_fails="refused" in options,
        collects=any(verb == "drop" for row in rows for verb, _ in row),
    )
    return Clients(model, tuple(rows), "before" in options, "refused" in options)


@final
@dataclass(frozen=True, slots=True)
class _At:
    """Where the spec is, and where each client is in its row."""

    state: ThreadPoolState
    places: tuple[int, ...]
    begun: tuple[bool, ...]  # has the client's present call had its first step?
    calls: tuple[int, ...]  # each client's last call
    starts: int = 0  # how many starts of a thread were tried


def behaviour(of: Clients) -> Behaviour:
    """Return what the spec can do for a program."""
    found = Behaviour()
    idle = len(of.rows)
    (state,) = of.model.initial()
    for before in (Submit(1), ThreadStarts(1)) if of.before else ():
        then = of.model.step(state, before)
        found.edges.add((state, before, then))
        state = then
    begin = _At(state, (0,) * idle, (False,) * idle, (int(of.before),) * idle, int(of.before))
    todo = [_settled(of, begin)]
    known = set(todo)
    while todo:
        at = todo.pop()
        moves = list(_moves(of, at))
        for client, action in moves:
            after = _after(of, at, client, action)
            found.edges.add((at.state, action, after.state))
            if after not in known:
                known.add(after)
                todo.append(after)
        if not moves:
            found.stops.add(at.state)
    return found


def _moves(of: Clients, at: _At) -> Iterator[tuple[int, Action]]:
    """Yield what may happen, and which client does it; -1 if it is a thread."""
    for action in of.model.enabled(at.state):
        match action:
            case Discard(0):
                yield -1, action
            case ThreadStarts() if of.refused and not at.starts:
                pass  # the first is refused
            case ThreadCannotStart() if at.starts:
                pass  # and no other
            case Initialized() if of.model.initializer_fails:
                pass
            case _ if not isinstance(action, _CLIENTS):
                yield -1, action
            case _:
                pass
    for client, row in enumerate(of.rows):
        if at.places[client] < len(row):
            call = _of_client(of, at, client, *row[at.places[client]])
            if call is not None and call in of.model.enabled(at.state):
                yield client, call


def _of_client(of: Clients, at: _At, client: int, verb: str, closer: int) -> Action | None:
    state, begun = at.state, at.begun[client]
    match verb:
        case "submit" if not begun and "out" in state.calls:
            return Submit(state.calls.index("out") + 1)
        case "cancel":
            return Cancel(at.calls[client])
        case "shutdown" | "leave" if not begun:
            return Shutdown(closer)
        case "shutdown" | "leave":
            left = state.closers[closer - 1] == "joining"
            return ShutdownReturns(closer) if left else Discarded(closer)
        case "drop":
            return Collect()
        case _:
            return None


def _after(of: Clients, at: _At, client: int, action: Action) -> _At:
    now = replace(at, state=of.model.step(at.state, action))
    if isinstance(action, ThreadStarts | ThreadCannotStart):
        now = replace(now, starts=1)
    if client >= 0:
        now = replace(now, begun=replaced(now.begun, client, True))
        if isinstance(action, Submit):
            now = replace(now, calls=replaced(now.calls, client, action.work_id))
    return _settled(of, now)


def _settled(of: Clients, at: _At) -> _At:
    """Let every client go on whose call is through."""
    moved = True
    while moved:
        moved = False
        for client, row in enumerate(of.rows):
            if at.places[client] < len(row) and _is_through(at, client, *row[at.places[client]]):
                moved = True
                at = replace(
                    at,
                    places=replaced(at.places, client, at.places[client] + 1),
                    begun=replaced(at.begun, client, False),
                )
    return at


def _is_through(at: _At, client: int, verb: str, closer: int) -> bool:
    state, begun, call = at.state, at.begun[client], at.calls[client]
    accepted = call > 0 and state.calls[call - 1] == "accepted"
    match verb:
        case "submit":
            return begun and state.calls[call - 1] != "starting"
        case "cancel":  # what has begun or is done is not changed
            return not accepted or state.futures[call - 1] is not State.PENDING
        case "result":
            return not accepted or state.futures[call - 1] in DONE
        case "shutdown":
            return begun and state.closers[closer - 1] == "back"
        case "leave":
            return begun and state.closers[closer - 1] == "joining"
        case _:
            return begun
