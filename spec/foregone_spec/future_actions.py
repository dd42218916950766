"""What may happen to one Future and its users: the actions of ``future_model.py``.

Each is one step, and has the same name in ``tla/``.
"""

from dataclasses import dataclass
from typing import TypeAlias, final


@final
@dataclass(frozen=True, slots=True)
class Cancel:
    """A canceller calls ``cancel()``."""

    agent: int


@final
@dataclass(frozen=True, slots=True)
class SetRunningOrNotifyCancel:
    """The executor takes the call up."""


@final
@dataclass(frozen=True, slots=True)
class SetResult:
    """The executor, or a third party, sets the result."""

    agent: int


@final
@dataclass(frozen=True, slots=True)
class SetException:
    """The executor sets the exception."""


@final
@dataclass(frozen=True, slots=True)
class TellWaiters:
    """An agent tells everybody in ``wait()``."""

    agent: int


@final
@dataclass(frozen=True, slots=True)
class WakeBlocked:
    """An agent wakes everybody in ``result()``."""

    agent: int


@final
@dataclass(frozen=True, slots=True)
class RunCallback:
    """An agent takes the oldest queued callback and runs it."""

    agent: int


@final
@dataclass(frozen=True, slots=True)
class EndCallbacks:
    """An agent finds no callback queued: from now on each adder runs its own."""

    agent: int


@final
@dataclass(frozen=True, slots=True)
class AddCallback:
    """Somebody calls ``add_done_callback()``."""

    callback: int


@final
@dataclass(frozen=True, slots=True)
class RunOwnCallback:
    """The adder of a late callback runs it."""

    callback: int


@final
@dataclass(frozen=True, slots=True)
class CallResult:
    """Somebody calls ``result()``."""

    caller: int


@final
@dataclass(frozen=True, slots=True)
class CallWait:
    """Somebody calls ``wait()``."""

    caller: int


@final
@dataclass(frozen=True, slots=True)
class GiveUpResult:
    """The timeout of a ``result()`` passes."""

    caller: int


@final
@dataclass(frozen=True, slots=True)
class GiveUpWait:
    """The timeout of a ``wait()`` passes."""

    caller: int


Action: TypeAlias = (
    Cancel
    | SetRunningOrNotifyCancel
    | SetResult
    | SetException
    | TellWaiters
    | WakeBlocked
    | RunCallback
    | EndCallbacks
    | AddCallback
    | RunOwnCallback
    | CallResult
    | CallWait
    | GiveUpResult
    | GiveUpWait
)
