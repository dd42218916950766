"""The actions of ``specification.py``: what may happen to calls on Dask, named as events are."""

from dataclasses import dataclass
from typing import Final, TypeAlias, final

from foregone_spec.future import Command, State
from foregone_spec.lifecycle import Phase, Request
from foregone_spec.work_item import Event, Place

#: What takes a call back before it was claimed.
TAKES: Final = (Event.CANCEL, Event.RECALL, Event.FAIL)
#: How a call ends that was claimed.
ENDS: Final = (Event.ANSWER, Event.RAISE, Event.DIED)


@final
@dataclass(frozen=True, slots=True)
class Submit:
    """A call is accepted, or ends at once since it does not pickle."""

    call: int
    fails: bool = False


@final
@dataclass(frozen=True, slots=True)
class Refuse:
    """A call is not accepted."""


@final
@dataclass(frozen=True, slots=True)
class Offer:
    """A call is sent to the cluster, under a number."""

    call: int
    number: int
    after: Place  # where it is then


@final
@dataclass(frozen=True, slots=True)
class Claimed:
    """A worker has claimed a call."""

    call: int


@final
@dataclass(frozen=True, slots=True)
class Take:
    """Somebody takes a call back, or comes too late."""

    call: int
    what: Event
    where: Place  # it was
    won: bool


@final
@dataclass(frozen=True, slots=True)
class Free:
    """What became of a call that was begun is known."""

    call: int
    what: Event


@final
@dataclass(frozen=True, slots=True)
class Future:
    """The future of a call is given a command."""

    call: int
    what: Command
    after: State


@final
@dataclass(frozen=True, slots=True)
class Ask:
    """An end is asked for."""

    what: Request
    after: Phase


@final
@dataclass(frozen=True, slots=True)
class ShutdownReturns:
    """A shutdown that waits returns."""


@final
@dataclass(frozen=True, slots=True)
class Closed:
    """Nothing more happens."""


Action: TypeAlias = (
    Submit | Refuse | Offer | Claimed | Take | Free | Future | Ask | ShutdownReturns | Closed
)
