"""What may happen in the process pool: the actions of ``process_pool.py``.

Each is one step, and has the same name in ``tla/``.
"""

from dataclasses import dataclass
from typing import TypeAlias, final

# ------------------------------------------------------------ who uses the pool


@final
@dataclass(frozen=True, slots=True)
class Submit:
    """Somebody submits the next call."""

    work_id: int


@final
@dataclass(frozen=True, slots=True)
class SubmitUnpicklable:
    """Somebody submits a call that does not pickle: it is accepted, and fails at once."""

    work_id: int


@final
@dataclass(frozen=True, slots=True)
class Cancel:
    """Somebody cancels a call that no process has claimed."""

    work_id: int


@final
@dataclass(frozen=True, slots=True)
class Notice:
    """Somebody asks whether a call runs, or fails to cancel it: it is known to be claimed."""

    work_id: int


@final
@dataclass(frozen=True, slots=True)
class Shutdown:
    """Somebody calls ``shutdown``."""

    closer: int


@final
@dataclass(frozen=True, slots=True)
class Discard:
    """A caller of ``shutdown(cancel_futures=True)`` cancels a call that is not claimed."""

    work_id: int


@final
@dataclass(frozen=True, slots=True)
class Discarded:
    """A caller of shutdown finds nothing any more that is not claimed."""

    closer: int


@final
@dataclass(frozen=True, slots=True)
class ShutdownReturns:
    """All is settled and all processes have ended: ``shutdown(wait=True)`` returns."""

    closer: int


@final
@dataclass(frozen=True, slots=True)
class Collect:
    """The executor object is garbage-collected: nobody can submit any more."""


# ------------------------------------------------- the parent, or its local worker


@final
@dataclass(frozen=True, slots=True)
class Offer:
    """The oldest of Work Ids goes to the Call Q."""

    work_id: int


@final
@dataclass(frozen=True, slots=True)
class Recall:
    """The parent wins the ticket of a call in the Call Q: it goes back to Work Ids."""

    work_id: int


@final
@dataclass(frozen=True, slots=True)
class Answer:
    """The oldest answer of a process is read: a future ends."""

    process: int


@final
@dataclass(frozen=True, slots=True)
class Start:
    """A process is started."""

    process: int


@final
@dataclass(frozen=True, slots=True)
class StartFails:
    """The system refuses a process; where there is no other, the pool breaks."""

    process: int


@final
@dataclass(frozen=True, slots=True)
class SeeDeath:
    """A process is found dead, its answers all read: blame, and break or replace."""

    process: int


@final
@dataclass(frozen=True, slots=True)
class Bury:
    """A process has ended as it should, its answers all read: there may be another."""

    process: int


@final
@dataclass(frozen=True, slots=True)
class Stop:
    """A process is told to end, since nothing can come any more."""

    process: int


@final
@dataclass(frozen=True, slots=True)
class Kill:
    """A process of a broken pool is killed."""

    process: int


@final
@dataclass(frozen=True, slots=True)
class Fail:
    """A call that no process of a broken pool has claimed ends with its error."""

    work_id: int


@final
@dataclass(frozen=True, slots=True)
class Sleep:
    """The local worker finds nothing to do."""


# ------------------------------------------------------------------- a process


@final
@dataclass(frozen=True, slots=True)
class Ready:
    """A process has run the initializer."""

    process: int


@final
@dataclass(frozen=True, slots=True)
class InitializerFails:
    """A process's initializer raises: it says so and ends."""

    process: int


@final
@dataclass(frozen=True, slots=True)
class Claim:
    """A process wins the ticket of a call in the Call Q, and runs it."""

    process: int
    work_id: int


@final
@dataclass(frozen=True, slots=True)
class Finish:
    """A call returns or raises, or one of its payloads does not pickle: it is answered."""

    process: int


@final
@dataclass(frozen=True, slots=True)
class Retire:
    """A process has run as many calls as it may, and ends."""

    process: int


@final
@dataclass(frozen=True, slots=True)
class Exit:
    """A process that was told to end does."""

    process: int


@final
@dataclass(frozen=True, slots=True)
class Die:
    """A process dies, wherever it is."""

    process: int


OfProcess: TypeAlias = (
    Start
    | StartFails
    | Answer
    | SeeDeath
    | Bury
    | Stop
    | Kill
    | Ready
    | InitializerFails
    | Claim
    | Finish
    | Retire
    | Exit
    | Die
)

Action: TypeAlias = (
    Submit
    | SubmitUnpicklable
    | Cancel
    | Notice
    | Shutdown
    | Discard
    | Discarded
    | ShutdownReturns
    | Collect
    | Offer
    | Recall
    | Fail
    | Sleep
    | OfProcess
)
