"""The life of one submitted call, as a total table for both pools.

A call is WAITING in Work Ids.  A thread claims it from there.  To a process it is
offered first: it is IN_SLOT, in the Call Q, until a process wins its ticket, and so
claims it, or until the parent wins the ticket and takes it back: RECALLED, at the
front of Work Ids.  It is CLAIMED while it runs, and SETTLED once its future has ended.

A cell says where the call goes and which command its future is given on the way; the
future's own table has the last word, since a third party may have resolved it (M8).
While a call is IN_SLOT, the parent must win its ticket before it gives the events
recall, cancel, fail or withdraw; where it loses, the event is claim.
"""

from typing import Final, NamedTuple

from foregone_spec.future import Command
from foregone_spec.identity import IdentityEnum


class Place(IdentityEnum):
    """Where a submitted call is."""

    WAITING = "WAITING"
    IN_SLOT = "IN_SLOT"
    RECALLED = "RECALLED"
    CLAIMED = "CLAIMED"
    SETTLED = "SETTLED"


class Event(IdentityEnum):
    """What may happen to a submitted call."""

    OFFER = "offer"  # it is put in the Call Q
    CLAIM = "claim"  # a thread is about to run it, or a process is known to have claimed it
    RECALL = "recall"  # the parent has won its ticket, and takes it back
    DROPPED = "dropped"  # a process answers that it did not win the ticket
    ANSWER = "answer"  # the call returned
    RAISE = "raise"  # the call raised
    DIED = "died"  # the process that had claimed it is dead
    CANCEL = "cancel"  # cancel(), or shutdown(cancel_futures=True)
    FAIL = "fail"  # the executor broke before the call began, or it cannot be sent
    WITHDRAW = "withdraw"  # submit() is about to raise


class Step(NamedTuple):
    """One cell: the place after, and the command for the future, if any."""

    after: Place
    command: Command | None = None


_W, _I, _R, _C, _S = Place
_OFFER, _CLAIM, _RECALL, _DROPPED, _ANSWER, _RAISE, _DIED, _CANCEL, _FAIL, _WITHDRAW = Event

_RETURNED: Final = Step(_S, Command.SET_RESULT)
_FAILED: Final = Step(_S, Command.SET_EXCEPTION)
_BEGUN: Final = Step(_C, Command.SET_RUNNING_OR_NOTIFY_CANCEL)
_CANCELLED: Final = Step(_S, Command.CANCEL_OWNED)

TRANSITIONS: Final[dict[Place, dict[Event, Step]]] = {
    _W: {
        _OFFER: Step(_I),
        _CLAIM: _BEGUN,  # by a thread: its pool has no Call Q
        _RECALL: Step(_W),
        _DROPPED: Step(_W),  # no process has it: what it says of it is stale
        _ANSWER: Step(_W),
        _RAISE: Step(_W),
        _DIED: Step(_W),  # with whoever died, it was not
        _CANCEL: _CANCELLED,
        _FAIL: _FAILED,
        _WITHDRAW: _CANCELLED,
    },
    _I: {
        _OFFER: Step(_I),
        _CLAIM: _BEGUN,
        _RECALL: Step(_R),
        _DROPPED: Step(_R),  # against the protocol; it never began, so it is offered again
        _ANSWER: _RETURNED,  # the claim and the answer become known at once
        _RAISE: _FAILED,
        _DIED: _FAILED,  # the parent has lost the ticket: the claim becomes known now
        _CANCEL: _CANCELLED,
        _FAIL: _FAILED,
        _WITHDRAW: _CANCELLED,
    },
    _R: {
        _OFFER: Step(_I),
        _CLAIM: Step(_R),  # the parent holds the ticket: no process can have claimed it
        _RECALL: Step(_R),
        _DROPPED: Step(_R),  # as it should be: the slot is free again
        _ANSWER: Step(_R),
        _RAISE: Step(_R),
        _DIED: Step(_R),
        _CANCEL: _CANCELLED,
        _FAIL: _FAILED,
        _WITHDRAW: _CANCELLED,
    },
    _C: {
        _OFFER: Step(_C),
        _CLAIM: Step(_C),
        _RECALL: Step(_C),
        _DROPPED: _FAILED,  # against the protocol; it may have begun, so it is not offered again
        _ANSWER: _RETURNED,
        _RAISE: _FAILED,
        _DIED: _FAILED,
        _CANCEL: Step(_C, Command.CANCEL_OWNED),
        _FAIL: Step(_C),  # it ends by its answer, or by the death of who runs it
        _WITHDRAW: Step(_C, Command.CANCEL_OWNED),
    },
    _S: {
        _OFFER: Step(_S),
        _CLAIM: Step(_S),
        _RECALL: Step(_S),
        _DROPPED: Step(_S),
        _ANSWER: Step(_S),
        _RAISE: Step(_S),
        _DIED: Step(_S),
        _CANCEL: Step(_S, Command.CANCEL_OWNED),
        _FAIL: Step(_S),
        _WITHDRAW: Step(_S, Command.CANCEL_OWNED),
    },
}

#: The places from which a call may still be taken back: it has not begun.
UNCLAIMED: Final = (_W, _I, _R)


def step(place: Place, event: Event) -> Step:
    """Return what happens to a call at ``place`` upon ``event``.

    post: implies(place is Place.SETTLED, __return__.after is Place.SETTLED)
    post: implies(place is Place.CLAIMED, __return__.after in (Place.CLAIMED, Place.SETTLED))
    post: implies(__return__.after is Place.CLAIMED, place is Place.CLAIMED or event is Event.CLAIM)
    post: implies(__return__.after is Place.IN_SLOT, place is Place.IN_SLOT or event is Event.OFFER)
    post: implies(place is Place.WAITING, __return__.after is not Place.RECALLED)
    post: implies(__return__.after is Place.WAITING, place is Place.WAITING)
    post: implies(__return__.after in UNCLAIMED, __return__.command is None)
    post: __return__.after in (place, *UNCLAIMED) or __return__.command is not None
    """
    return TRANSITIONS[place][event]
