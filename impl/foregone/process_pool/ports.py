"""What the rooms need of the operating system, as typed protocols.

In production they are sockets, semaphores, pidfds and threads (``start.py``); a
simulation puts processes of its own in their place, which may die at any step.
"""

from collections.abc import Callable, Sequence
from typing import Protocol, TypeAlias

from foregone.process_pool.wire import Buffer


class Ticket(Protocol):
    """A semaphore of value 1 and maximum 1 that the parent and one process share."""

    def acquire(self, block: bool = True) -> bool:
        """Take the ticket if it is there; never waits for False."""
        ...

    def release(self) -> None:
        """Post the ticket; raise ValueError if it is there."""
        ...

    def _get_value(self) -> int:
        """Return 1 if the ticket is there, 0 if somebody has taken it."""
        ...


class Process(Protocol):
    """One process, from its start to its burial, as the parent sees it.

    ``lane`` and ``watch`` are what a poller takes: ``lane`` becomes readable when an
    answer is there, ``watch`` when the process has ended.
    """

    @property
    def lane(self) -> int:
        """Our end of the lane; it never blocks."""
        ...

    @property
    def watch(self) -> int:
        """What becomes readable when the process ends, or may have ended."""
        ...

    @property
    def pid(self) -> int:
        """The process's number."""
        ...

    @property
    def tickets(self) -> Sequence[Ticket]:
        """The ticket of each slot."""
        ...

    def write(self, fd: int, pieces: Sequence[Buffer], /) -> int:
        """Write what fits without waiting; raise BlockingIOError if nothing does."""
        ...

    def read(self, fd: int, count: int, /) -> bytes:
        """Read what is there, at most ``count`` bytes; b"" at the end."""
        ...

    def readv(self, fd: int, views: Sequence[memoryview], /) -> int:
        """Read what is there into ``views``."""
        ...

    def started(self) -> None:
        """Learn that the process has all that it was given."""
        ...

    def ended(self) -> bool:
        """Say whether the process has ended: known from itself, whoever holds its files."""
        ...

    def finish(self) -> None:
        """Let the process end once it has read what was written to it."""
        ...

    def terminate(self) -> None:
        """Ask the process to end."""
        ...

    def kill(self) -> None:
        """End the process at once; it cannot refuse."""
        ...

    def log(self) -> bytes:
        """Return what an ended process has left in its log (``outcomes.py``)."""
        ...

    def bury(self) -> int | None:
        """Release all that was held for an ended process; return its exit code, if known."""
        ...

    def abandon(self) -> None:
        """End a process that is not wanted, if it was started; release all that is held for it."""
        ...

    def forget(self) -> None:
        """Close, in a forked child, what belongs to the parent."""
        ...


#: A descriptor, and whether it is ready to be read, written.
Ready: TypeAlias = tuple[int, bool, bool]


class Poller(Protocol):
    """Where the local worker sleeps."""

    def watch(self, fd: int, *, writing: bool = False) -> None:
        """Report when ``fd`` is readable, or ended, or, if ``writing``, writable."""
        ...

    def forget(self, fd: int) -> None:
        """Report no more of ``fd``."""
        ...

    def poll(self, seconds: float | None) -> list[Ready]:
        """Sleep until something is ready, somebody wakes, or ``seconds`` have passed."""
        ...

    def wake(self) -> None:
        """End the sleep, or the next one; never waits."""
        ...

    def close(self) -> None:
        """Release what the poller holds."""
        ...

    def forked(self) -> None:
        """Close, in a forked child, what belongs to the parent."""
        ...


class Thread(Protocol):
    """A thread that was made."""

    def start(self) -> None:
        """Start; raise RuntimeError if the system refuses."""
        ...

    def join(self) -> None:
        """Return when the thread has ended."""
        ...


class System(Protocol):
    """Makes processes, pollers and threads."""

    @property
    def forks(self) -> bool:
        """Say whether all processes must be started before any thread of ours."""
        ...

    def start(self) -> Process:
        """Start a process; raise OSError if the system refuses."""
        ...

    def start_several(self, count: int, started: list[Process]) -> None:
        """Start processes, put them in ``started``; raise OSError if the system refuses.

        Then whoever asked abandons those that are there.
        """
        ...

    def poller(self) -> Poller:
        """Make a poller."""
        ...

    def thread(self, target: Callable[[], None], name: str) -> Thread:
        """Make a thread that will run ``target``."""
        ...

    def release(self) -> None:
        """Drop what is only needed to start processes: there will be none."""
        ...

    def now(self) -> float:
        """Return seconds on a clock that only goes forward."""
        ...
