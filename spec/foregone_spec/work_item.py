"""The life of one submitted call, as a total table.

A call is WAITING in Work Ids until a thread claims it, CLAIMED while it runs, and
SETTLED once its future has ended.  A cell says where the call goes and which
command its future is given on the way; the future's own table has the last word,
since a third party may have resolved it (M8).
"""

from dataclasses import dataclass
from typing import Final, final

from foregone_spec.future import Command
from foregone_spec.identity import IdentityEnum


class Place(IdentityEnum):
    """Where a submitted call is."""

    WAITING = "WAITING"
    CLAIMED = "CLAIMED"
    SETTLED = "SETTLED"


class Event(IdentityEnum):
    """What may happen to a submitted call."""

    CLAIM = "claim"  # a thread is about to run it
    ANSWER = "answer"  # the call returned
    RAISE = "raise"  # the call raised
    CANCEL = "cancel"  # cancel(), or shutdown(cancel_futures=True)
    FAIL = "fail"  # the executor broke before the call began
    WITHDRAW = "withdraw"  # submit() is about to raise


@final
@dataclass(frozen=True, slots=True)
class Step:
    """One cell: the place after, and the command for the future, if any."""

    after: Place
    command: Command | None = None


_W, _C, _S = Place
_CLAIM, _ANSWER, _RAISE, _CANCEL, _FAIL, _WITHDRAW = Event

TRANSITIONS: Final[dict[Place, dict[Event, Step]]] = {
    _W: {
        _CLAIM: Step(_C, Command.SET_RUNNING_OR_NOTIFY_CANCEL),
        _ANSWER: Step(_W),
        _RAISE: Step(_W),
        _CANCEL: Step(_S, Command.CANCEL_OWNED),
        _FAIL: Step(_S, Command.SET_EXCEPTION),
        _WITHDRAW: Step(_S, Command.CANCEL_OWNED),
    },
    _C: {
        _CLAIM: Step(_C),
        _ANSWER: Step(_S, Command.SET_RESULT),
        _RAISE: Step(_S, Command.SET_EXCEPTION),
        _CANCEL: Step(_C, Command.CANCEL_OWNED),
        _FAIL: Step(_C),
        _WITHDRAW: Step(_C, Command.CANCEL_OWNED),
    },
    _S: {
        _CLAIM: Step(_S),
        _ANSWER: Step(_S),
        _RAISE: Step(_S),
        _CANCEL: Step(_S, Command.CANCEL_OWNED),
        _FAIL: Step(_S),
        _WITHDRAW: Step(_S, Command.CANCEL_OWNED),
    },
}


def step(place: Place, event: Event) -> Step:
    """Return what happens to a call at ``place`` upon ``event``.

    post: implies(place is Place.SETTLED, __return__.after is Place.SETTLED)
    post: implies(__return__.after is Place.CLAIMED, place is Place.CLAIMED or event is Event.CLAIM)
    post: implies(__return__.after is not place, __return__.command is not None)
    """
    return TRANSITIONS[place][event]
