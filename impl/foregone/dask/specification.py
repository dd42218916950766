"""The life of calls on Dask, as a model that a recorded run can be checked against.

The process pool of ``foregone_spec`` does not fit a cluster: a worker may run many calls at a
time, comes and goes without being asked, and is not the client's to bury; and without claims
a call may run twice.  So this is a smaller model, of the client's side: where each call is
goes by ``foregone_spec.work_item``, what its future does by ``foregone_spec.future``, and how
the executor ends by ``foregone_spec.lifecycle``; each table is used as it stands.  Beyond them:

1. each offer has a number of its own, the next one: a call that the cluster gave up is offered
   again under another, and only one that is on offer is claimed;
2. where claims are kept, a call is claimed once at most (AtMostOnce), and nobody who comes
   after the claim takes it back; where none are kept, it counts as claimed once it is offered;
3. a call has an outcome of its own only after a claim (ClaimedBeforeItEnds), and a future
   is RUNNING only then (ClaimedBeforeItRuns);
4. a future ends by what its call's last step asks for, and by nothing else: who commands
   a future of an executor by hand leaves this model, as he leaves that of the process pool;
5. when shutdown returns, and at the end, every call that was accepted has ended (NothingLost).

What is not said: when a worker is there.  A claim may be heard of after its worker has gone.

What this module may touch: nothing.  It is pure, as the modules of the specification are.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Final, NamedTuple, final

from foregone.dask.specification_actions import (
    ENDS,
    TAKES,
    Action,
    Ask,
    Claimed,
    Closed,
    Free,
    Future,
    Offer,
    Refuse,
    ShutdownReturns,
    Submit,
    Take,
)
from foregone_spec import lifecycle as life
from foregone_spec import work_item
from foregone_spec.future import DONE, Command, State
from foregone_spec.future import TRANSITIONS as FUTURES
from foregone_spec.model import NotEnabled, Value
from foregone_spec.work_item import TRANSITIONS as PLACES
from foregone_spec.work_item import Event, Place

_CANCELLED: Final = (State.CANCELLED, State.CANCELLED_AND_NOTIFIED)


class Life(NamedTuple):
    """One call."""

    place: Place = Place.WAITING
    future: State = State.PENDING
    due: Command | None = None  # what its future is owed
    claims: int = 0
    number: int = 0  # under which it is on offer, or was last
    pickles: bool = True

    @property
    def done(self) -> bool:
        """Whether its future has ended."""
        return self.future in DONE


@final
@dataclass(frozen=True, slots=True)
class DaskState:
    """An executor and all its calls."""

    calls: tuple[Life, ...] = ()  # those that were accepted
    phase: life.Phase = life.Phase.OPEN
    offered: int = 0  # the last number
    returned: bool = False  # a shutdown has returned
    closed: bool = False


@final
@dataclass(frozen=True, slots=True)
class DaskCalls:
    """The model: ``calls`` calls and ``offers`` of them at most, begun at most or at least once."""

    calls: int
    at_most_once: bool
    offers: int

    @property
    def name(self) -> str:
        """What the model is called."""
        return "DaskCalls"

    @property
    def invariants(self) -> Mapping[str, Callable[[DaskState], bool]]:
        """What must hold in every reachable state."""
        return _INVARIANTS

    @property
    def step_invariants(self) -> Mapping[str, Callable[[DaskState, DaskState], bool]]:
        """What must hold of every step: nothing that the states do not show."""
        return {}

    def initial(self) -> tuple[DaskState, ...]:
        """Return the state of an executor that was just made."""
        return (DaskState(),)

    def variables(self, state: DaskState) -> dict[str, Value]:
        """Return a state by names, as it is shown and compared."""
        return {
            "places": tuple(each.place.value for each in state.calls),
            "futures": tuple(each.future.value for each in state.calls),
            "claims": tuple(each.claims for each in state.calls),
            "offered": state.offered,
            "phase": state.phase.value,
        }

    def enabled(self, state: DaskState) -> tuple[Action, ...]:
        """Return everything that may happen, but for commands that change no future."""
        return tuple(each for each in self._thinkable(state) if self._allows(state, each))

    def step(self, state: DaskState, action: Action) -> DaskState:
        """Return the state after ``action``; raise NotEnabled where it may not happen."""
        if not self._allows(state, action):
            raise NotEnabled(f"{action} may not happen in {state}")
        match action:
            case Submit(_, fails):
                cell = PLACES[Place.WAITING][Event.FAIL]
                made = Life(cell.after, due=cell.command, pickles=False) if fails else Life()
                return replace(state, calls=(*state.calls, made))
            case Refuse():
                return state
            case Ask(_, after):
                return replace(state, phase=after)
            case ShutdownReturns():
                return replace(state, returned=True)
            case Closed():
                return replace(state, closed=True)
            case Offer(call, number, _):
                return replace(self._moved(state, call, self._offer), offered=number)
            case Claimed(call):
                return self._moved(state, call, Event.CLAIM)
            case Take(call, what, _, won):
                return self._moved(state, call, what) if won else state
            case Free(call, what):
                return self._moved(state, call, what)
            case Future(call, what, _):
                return self._commanded(state, call, what)

    @property
    def _offer(self) -> Event:
        """What an offer is: where no claims are kept, it may have begun from then on."""
        return Event.OFFER if self.at_most_once else Event.CLAIM

    def _moved(self, state: DaskState, call: int, event: Event) -> DaskState:
        """Have a call go where the table says."""
        old = state.calls[call - 1]
        cell = PLACES[old.place][event]
        new = old._replace(
            place=cell.after,
            due=cell.command if cell.after is not old.place else old.due,
            claims=old.claims + (event is Event.CLAIM),
            number=state.offered + 1 if event is self._offer else old.number,
        )
        return _with(state, call, new)

    def _commanded(self, state: DaskState, call: int, command: Command) -> DaskState:
        """Have a future do what the table says; what it was owed it has then."""
        old = state.calls[call - 1]
        after = FUTURES[old.future][command].after
        return _with(
            state, call, old._replace(future=after, due=None if after in DONE else old.due)
        )

    # ------------------------------------------------------------------- guards

    def _thinkable(self, state: DaskState) -> Iterator[Action]:
        """Yield what might happen, of calls that have not ended."""
        for fails in (False, True):
            yield Submit(len(state.calls) + 1, fails)
        yield Refuse()
        for request, cell in life.TRANSITIONS[state.phase].items():
            yield Ask(request, cell.after)
        yield from (ShutdownReturns(), Closed())
        for call, each in enumerate(state.calls, 1):
            if not each.done:
                yield Offer(call, state.offered + 1, PLACES[each.place][self._offer].after)
                yield Claimed(call)
                for what in TAKES:
                    yield from (Take(call, what, each.place, won) for won in (True, False))
                yield from (Free(call, what) for what in ENDS)
                for command, commanded in FUTURES[each.future].items():
                    if commanded.after is not each.future:
                        yield Future(call, command, commanded.after)

    def _allows(self, state: DaskState, action: Action) -> bool:
        """Say whether ``action`` may happen."""
        if state.closed:
            return False
        opens = state.phase is life.Phase.OPEN
        match action:
            case Submit(call, _):
                return opens and call == len(state.calls) + 1 <= self.calls
            case Refuse():
                return not opens
            case Ask(what, after):
                return life.TRANSITIONS[state.phase][what].after is after
            case ShutdownReturns():
                return not opens and all(each.done for each in state.calls if each.pickles)
            case Closed():
                return not opens and all(each.done for each in state.calls)
            case _:
                known = 1 <= action.call <= len(state.calls)
                return known and self._allows_call(state, state.calls[action.call - 1], action)

    def _allows_call(
        self, state: DaskState, call: Life, action: Offer | Claimed | Take | Free | Future
    ) -> bool:
        match action:
            case Offer(_, number, after):
                waits = call.place in (Place.WAITING, Place.RECALLED)
                goes = PLACES[call.place][self._offer].after is after
                return waits and goes and number == state.offered + 1 <= self.offers
            case Claimed():
                return self.at_most_once and call.place is Place.IN_SLOT
            case Take(_, what, where, won):
                if where is not call.place or not won:
                    return where is call.place and what is Event.CANCEL
                if what is Event.RECALL:
                    return call.place is Place.IN_SLOT
                return what in TAKES and call.place in work_item.UNCLAIMED
            case Free(_, what):
                return what in ENDS and call.place is Place.CLAIMED
            case Future(_, command, after):
                return FUTURES[call.future][command].after is after and _may_command(call, command)


def _may_command(call: Life, command: Command) -> bool:
    """Say whether a future may be given a command: what changes it has to be due."""
    if FUTURES[call.future][command].after is call.future:
        return True
    if command is Command.SET_RUNNING_OR_NOTIFY_CANCEL:
        return call.claims > 0
    if command is Command.CANCEL_OWNED and call.due is Command.SET_EXCEPTION:
        return call.claims == 0  # who cancels what is about to fail, and never began, may be first
    return command is call.due


def _with(state: DaskState, call: int, new: Life) -> DaskState:
    return replace(state, calls=(*state.calls[: call - 1], new, *state.calls[call:]))


def _at_most_once(state: DaskState) -> bool:
    return all(each.claims <= 1 for each in state.calls)


def _claimed_before_it_runs(state: DaskState) -> bool:
    return all(each.claims for each in state.calls if each.future is State.RUNNING)


def _claimed_before_it_ends(state: DaskState) -> bool:
    """Say that what was never claimed ends as cancelled, or with an error."""
    return all(each.claims for each in state.calls if each.due is Command.SET_RESULT)


def _cancelled_is_not_claimed(state: DaskState) -> bool:
    return not any(each.claims for each in state.calls if each.future in _CANCELLED)


def _nothing_lost(state: DaskState) -> bool:
    """Say that all has ended; what does not pickle who submits it ends, perhaps a bit later."""
    if state.closed:
        return all(each.done for each in state.calls)
    return not state.returned or all(each.done for each in state.calls if each.pickles)


_INVARIANTS: Final[Mapping[str, Callable[[DaskState], bool]]] = {
    "AtMostOnce": _at_most_once,
    "ClaimedBeforeItRuns": _claimed_before_it_runs,
    "ClaimedBeforeItEnds": _claimed_before_it_ends,
    "CancelledIsNotClaimed": _cancelled_is_not_claimed,
    "NothingLost": _nothing_lost,
}
