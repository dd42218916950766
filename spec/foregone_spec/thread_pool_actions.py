"""What may happen in the thread pool: the actions of ``thread_pool.py``.

Each is one step, and has the same name in ``tla/``.
"""

from dataclasses import dataclass
from typing import TypeAlias, final


@final
@dataclass(frozen=True, slots=True)
class Submit:
    """Somebody submits the next call."""

    work_id: int


@final
@dataclass(frozen=True, slots=True)
class ThreadStarts:
    """The thread that ``submit`` reserved comes to life; ``submit`` returns."""

    thread: int


@final
@dataclass(frozen=True, slots=True)
class ThreadCannotStart:
    """The system refuses a thread: ``submit`` withdraws its call and raises."""

    thread: int


@final
@dataclass(frozen=True, slots=True)
class Initialized:
    """A thread has run the initializer."""

    thread: int


@final
@dataclass(frozen=True, slots=True)
class InitializerFails:
    """A thread's initializer raises: the executor is broken."""

    thread: int


@final
@dataclass(frozen=True, slots=True)
class Take:
    """A thread takes the oldest work id."""

    thread: int


@final
@dataclass(frozen=True, slots=True)
class Claim:
    """A thread claims the call that it holds, or drops it because it was cancelled."""

    thread: int


@final
@dataclass(frozen=True, slots=True)
class Finish:
    """A call returns or raises, and its thread settles the future."""

    thread: int


@final
@dataclass(frozen=True, slots=True)
class Park:
    """A thread finds nothing queued and goes to sleep."""

    thread: int


@final
@dataclass(frozen=True, slots=True)
class EndThread:
    """A thread finds nothing queued, and nothing can come any more."""

    thread: int


@final
@dataclass(frozen=True, slots=True)
class Discard:
    """A thread, or a caller of shutdown (``thread`` 0), ends the oldest queued call."""

    thread: int


@final
@dataclass(frozen=True, slots=True)
class Cancel:
    """Somebody cancels a call."""

    work_id: int


@final
@dataclass(frozen=True, slots=True)
class Shutdown:
    """Somebody calls ``shutdown``."""

    closer: int


@final
@dataclass(frozen=True, slots=True)
class Discarded:
    """A caller of shutdown finds nothing queued any more."""

    closer: int


@final
@dataclass(frozen=True, slots=True)
class ShutdownReturns:
    """All threads have ended: ``shutdown(wait=True)`` returns."""

    closer: int


@final
@dataclass(frozen=True, slots=True)
class Collect:
    """The executor object is garbage-collected: nobody can submit any more."""


Action: TypeAlias = (
    Submit
    | ThreadStarts
    | ThreadCannotStart
    | Initialized
    | InitializerFails
    | Take
    | Claim
    | Finish
    | Park
    | EndThread
    | Discard
    | Cancel
    | Shutdown
    | Discarded
    | ShutdownReturns
    | Collect
)
