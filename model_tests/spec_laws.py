"""Laws of the tables, each over every cell: they say once more, in other words.

A law yields its cases, each with whether it holds.  It reads the tables when it is
called, so that a test can change a cell and see which laws notice.
"""

from collections.abc import Callable, Iterator, Mapping
from enum import Enum
from itertools import pairwise, product
from typing import Final, TypeAlias, TypeVar

from foregone_spec import future, lifecycle, process_death, waiting, work_item
from foregone_spec.future import DONE, NOTIFIED, Command, Effect, Refusal, State
from foregone_spec.lifecycle import STRENGTH, Phase, Request
from foregone_spec.process_death import BREAKS, Death, Policy
from foregone_spec.waiting import Ending, ReturnWhen
from foregone_spec.work_item import UNCLAIMED, Event, Place

Cases: TypeAlias = Iterator[tuple[str, bool]]

R = TypeVar("R", bound=Enum)
C = TypeVar("C", bound=Enum)


def tables_are_total() -> Cases:
    """Check that every state has a cell for every command, and that there is no other cell."""
    yield from _total("future", future.TRANSITIONS, State, Command)
    yield from _total("lifecycle", lifecycle.TRANSITIONS, Phase, Request)
    yield from _total("waiting", waiting.RETURNS_ON, ReturnWhen, Ending)
    yield from _total("work_item", work_item.TRANSITIONS, Place, Event)
    yield from _total("process_death", BREAKS, Policy, Death)


def _total(
    name: str, table: Mapping[R, Mapping[C, object]], rows: type[R], columns: type[C]
) -> Cases:
    yield f"{name}: rows", list(table) == list(rows)
    for row in rows:
        for column in columns:
            yield f"{name}: {row} {column}", column in table.get(row, {})
        yield f"{name}: {row}, other cells", set(table.get(row, {})) <= set(columns)


def effects_follow_from_the_change() -> Cases:
    """Check that each effect happens exactly when the future first becomes what it tells of."""
    for state, command in product(State, Command):
        cell = future.step(state, command)
        ends = cell.after in DONE and state not in DONE
        told = cell.after in NOTIFIED and state not in NOTIFIED
        kept = cell.after is State.FINISHED and state is not State.FINISHED
        wanted = {
            Effect.KEEP_OUTCOME: kept,
            Effect.TELL_WAITERS: told,
            Effect.WAKE_BLOCKED: ends,
            Effect.RUN_CALLBACKS: ends,
        }
        # Enum members come in the order in which effects must happen.
        expected = tuple(effect for effect in Effect if wanted[effect])
        yield f"{state} {command}: {cell}", cell.effects == expected


def asking_twice_is_asking_once() -> Cases:
    """Check that a command that is repeated changes nothing more."""
    for state, command in product(State, Command):
        once = future.step(state, command).after
        yield f"future {state} {command}", future.step(once, command).after is once
    for phase, request in product(Phase, Request):
        once_asked = lifecycle.step(phase, request).after
        again = lifecycle.step(once_asked, request)
        yield f"lifecycle {phase} {request}", again == lifecycle.Step(once_asked)


def replies_say_what_happened() -> Cases:
    """Check that cancel() says whether the future is cancelled, the rest whether they obeyed."""
    for state, command in product(State, Command):
        cell = future.step(state, command)
        yield f"{state} {command}: {cell}", cell.reply == _reply(state, command, cell.after)


def _reply(state: State, command: Command, after: State) -> bool | None | Refusal:
    match command:
        case Command.CANCEL | Command.CANCEL_OWNED:
            return future.is_cancelled(after)
        case Command.SET_RUNNING_OR_NOTIFY_CANCEL:
            if state in (State.PENDING, State.CANCELLED):
                return after is State.RUNNING
            return Refusal.UNEXPECTED_STATE
        case Command.SET_RESULT | Command.SET_EXCEPTION:
            return Refusal.INVALID_STATE if state in DONE else None


def futures_only_go_on() -> Cases:
    """Check that a future goes the ways that there are, and none back."""
    ways = {
        (State.PENDING, State.RUNNING),
        (State.PENDING, State.CANCELLED),
        (State.PENDING, State.CANCELLED_AND_NOTIFIED),
        (State.PENDING, State.FINISHED),
        (State.RUNNING, State.FINISHED),
        (State.CANCELLED, State.CANCELLED_AND_NOTIFIED),
    }
    gone = {(state, future.step(state, each).after) for state, each in product(State, Command)}
    for before, after in product(State, State):
        if before is not after:
            yield f"{before} to {after}", ((before, after) in ways) == ((before, after) in gone)
    for state, command in product(State, Command):
        cell = future.step(state, command)
        stays = cell.after is state or not isinstance(cell.reply, Refusal)
        yield f"{state} {command}: {cell}", stays


def owned_cancel_is_both_steps() -> Cases:
    """Check that an owned cancel() leads where cancel() and then its notification lead."""
    for state in State:
        owned = future.step(state, Command.CANCEL_OWNED)
        bare = future.step(state, Command.CANCEL)
        after = bare.after
        if after is State.CANCELLED:
            after = future.step(after, Command.SET_RUNNING_OR_NOTIFY_CANCEL).after
        yield f"{state}: {owned}", owned.after is after and owned.reply is bare.reply


def results_and_exceptions_end_alike() -> Cases:
    """Check that whether a call returns or raises makes no difference to anybody who waits."""
    for state in State:
        result = future.step(state, Command.SET_RESULT)
        yield f"{state}: {result}", result == future.step(state, Command.SET_EXCEPTION)
        ends = result.after is State.FINISHED
        yield (
            f"{state}: ends",
            ends == (state not in (State.CANCELLED, State.CANCELLED_AND_NOTIFIED)),
        )


def requests_lead_to_the_stronger() -> Cases:
    """Check that a request leads to the stronger of two: where it is, and what it asks for (M5)."""
    yield "strength", list(STRENGTH) == list(Phase) and list(STRENGTH.values()) == [*range(6)]
    asks = {
        Request.SHUTDOWN: Phase.SHUTTING_DOWN,
        Request.SHUTDOWN_CANCEL_FUTURES: Phase.CANCELLING,
        Request.COLLECT: Phase.SHUTTING_DOWN,
        Request.EXIT: Phase.INTERPRETER_EXIT,
        Request.BREAK: Phase.BROKEN,
        Request.FORK: Phase.FORKED,
    }
    for phase, request in product(Phase, Request):
        stronger = max(phase, asks[request], key=STRENGTH.__getitem__)
        yield f"{phase} {request}", lifecycle.step(phase, request).after is stronger


def requests_commute() -> Cases:
    """Check that of two requests it does not matter which came first."""
    for phase, one, two in product(Phase, Request, Request):
        forth = lifecycle.step(lifecycle.step(phase, one).after, two).after
        back = lifecycle.step(lifecycle.step(phase, two).after, one).after
        yield f"{phase} {one} {two}: {forth}, {back}", forth is back


def queue_ends_as_the_phase_says() -> Cases:
    """Check that who enters a phase wakes the threads, if there are any, and ends what it must."""
    ends = {
        Phase.CANCELLING: (lifecycle.Effect.CANCEL_QUEUED,),
        Phase.BROKEN: (lifecycle.Effect.FAIL_QUEUED,),
        Phase.FORKED: (lifecycle.Effect.FAIL_QUEUED,),
    }
    for phase, request in product(Phase, Request):
        cell = lifecycle.step(phase, request)
        wakes = () if cell.after is Phase.FORKED else (lifecycle.Effect.WAKE_THREADS,)
        expected = () if cell.after is phase else (*wakes, *ends.get(cell.after, ()))
        yield f"{phase} {request}: {cell}", cell.effects == expected


def waiting_is_monotone() -> Cases:
    """Check that what lets one caller go on lets every less patient one go on."""
    patience = (ReturnWhen.FIRST_COMPLETED, ReturnWhen.FIRST_EXCEPTION, ReturnWhen.ALL_COMPLETED)
    for ending, (less, more) in product(Ending, pairwise(patience)):
        allowed = waiting.returns_on(less, ending) or not waiting.returns_on(more, ending)
        yield f"{less} {more} {ending}", allowed
    for when, one, two, left in product(ReturnWhen, Ending, Ending, range(3)):
        allowed = waiting.may_return(when, left, (one, two))
        yield f"{when} {one} {two} {left}", allowed or not waiting.may_return(when, left, (one,))


def calls_and_futures_agree() -> Cases:
    """Check that what a call gives its future is obeyed, and leaves the two in step."""
    stands = dict.fromkeys(UNCLAIMED, State.PENDING) | {Place.CLAIMED: State.RUNNING}
    gives = {
        Event.CLAIM: Command.SET_RUNNING_OR_NOTIFY_CANCEL,
        Event.ANSWER: Command.SET_RESULT,
        Event.CANCEL: Command.CANCEL_OWNED,
        Event.WITHDRAW: Command.CANCEL_OWNED,
    }
    gives |= dict.fromkeys(
        (Event.RAISE, Event.FAIL, Event.DIED, Event.DROPPED), Command.SET_EXCEPTION
    )
    for place, event in product(Place, Event):
        cell = work_item.step(place, event)
        yield f"{place} {event} gives {cell.command}", cell.command in (None, gives.get(event))
        asked = event in (Event.CANCEL, Event.WITHDRAW)
        given = asked or (cell.after is not place and cell.after not in UNCLAIMED)
        yield f"{place} {event} gives at all", given == (cell.command is not None)
        if place in stands and cell.command is not None:
            told = future.step(stands[place], cell.command)
            settled = (told.after in DONE) == (cell.after is Place.SETTLED)
            claimed = (told.after is State.RUNNING) == (cell.after is Place.CLAIMED)
            obeyed = not isinstance(told.reply, Refusal)
            yield f"{place} {event}: {told}", settled and claimed and obeyed


def calls_only_go_on() -> Cases:
    """Check that a call goes the ways that there are, and none back once it is claimed."""
    ways = {(place, each): Place.SETTLED for place in UNCLAIMED for each in _TAKE_BACK}
    ways |= {(Place.CLAIMED, each): Place.SETTLED for each in (*_OF_PROCESS, Event.DROPPED)}
    ways |= {(Place.IN_SLOT, each): Place.SETTLED for each in _OF_PROCESS}
    ways |= {(Place.IN_SLOT, each): Place.RECALLED for each in (Event.RECALL, Event.DROPPED)}
    ways |= {(place, Event.OFFER): Place.IN_SLOT for place in (Place.WAITING, Place.RECALLED)}
    ways |= {(place, Event.CLAIM): Place.CLAIMED for place in (Place.WAITING, Place.IN_SLOT)}
    for place, event in product(Place, Event):
        after = work_item.step(place, event).after
        yield f"{place} {event}: {after}", after is ways.get((place, event), place)


def a_break_is_the_sterner_policy() -> Cases:
    """Check that replacing never breaks where breaking does not, and never for ever replaces."""
    for policy, death in product(Policy, Death):
        breaks = process_death.breaks_on(policy, death)
        sterner = process_death.breaks_on(Policy.BREAK, death)
        yield f"{policy} {death}: sterner", sterner or not breaks
        expected = death is not Death.EXPECTED
        hopeless = death in (Death.EARLY_AGAIN, Death.INITIALIZER)
        yield f"{policy} {death}", breaks == (expected and (hopeless or policy is Policy.BREAK))
    for limit in range(1, 5):
        deaths = [process_death.died_early(before, limit) for before in range(limit)]
        yield f"limit {limit}", deaths == [*[Death.EARLY] * (limit - 1), Death.EARLY_AGAIN]


#: What ends a call that has not begun, and what is known through its process.
_TAKE_BACK: Final = (Event.CANCEL, Event.FAIL, Event.WITHDRAW)
_OF_PROCESS: Final = (Event.ANSWER, Event.RAISE, Event.DIED)


LAWS: Final[Mapping[str, Callable[[], Cases]]] = {
    "every table is total": tables_are_total,
    "future: effects follow from the change": effects_follow_from_the_change,
    "future: it only goes on": futures_only_go_on,
    "future: replies say what happened": replies_say_what_happened,
    "future: an owned cancel is both steps at once": owned_cancel_is_both_steps,
    "future: results and exceptions end alike": results_and_exceptions_end_alike,
    "future, lifecycle: asking twice is asking once": asking_twice_is_asking_once,
    "lifecycle: requests only get stronger": requests_lead_to_the_stronger,
    "lifecycle: the order of requests does not matter": requests_commute,
    "lifecycle: the queue ends as the phase says": queue_ends_as_the_phase_says,
    "waiting: patience is monotone": waiting_is_monotone,
    "work_item: a call and its future agree": calls_and_futures_agree,
    "work_item: a call only goes on": calls_only_go_on,
    "process_death: to break is the sterner policy": a_break_is_the_sterner_policy,
}
