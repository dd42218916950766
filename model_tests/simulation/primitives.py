"""Stand-ins for what the parent's side synchronises with: locks, gates, threads, a poller.

There is one thread.  Who would block lets others go on, in a loop of its own, until what
it waits for is there (``World.until``).  Where the parent could be interrupted, or
another thread come in, it says so to the world (``World.pause``), which may let others
do something before it goes on.
"""

from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from foregone.process_pool.ports import Ready

if TYPE_CHECKING:
    from collections.abc import Iterator

    from model_tests.simulation.world import World


class Violation(Exception):
    """Something happened that must not: the invariant, and what was seen."""

    def __init__(self, name: str, seen: str) -> None:
        super().__init__(f"{name}: {seen}")
        self.name = name
        if NOW.world is not None and NOW.world.wrong is None:
            NOW.world.wrong = self  # whoever catches it


@dataclass(slots=True)
class Now:
    """The run that goes on: new locks and gates belong to it."""

    world: "World | None" = None


NOW: Final = Now()


class WouldBlock(BaseException):
    """Takes the callbacks thread out of its wait; it begins anew when it is woken."""


class Lock:
    """A lock of ours: nothing may come in while it is held, so it is never contended."""

    __slots__ = ("pool", "world")

    def __init__(self, world: "World", *, pool: bool) -> None:
        self.world = world
        self.pool = pool

    def __enter__(self) -> bool:
        world = self.world
        if world.held:
            raise Violation("LockOrder", "a lock is taken while another is held")
        world.gap -= 1
        if not world.gap:
            world.intrude()
        world.held = True
        return True

    def __exit__(self, *_: object) -> None:
        world = self.world
        world.held = False
        if self.pool:
            world.stepped()
        world.gap -= 1
        if not world.gap:
            world.intrude()


def new_lock() -> Lock:
    """Return a lock of the run that goes on."""
    return _lock(pool=True)


def new_future_lock() -> Lock:
    """Return the lock of a future."""
    return _lock(pool=False)


def _lock(*, pool: bool) -> Lock:
    if NOW.world is None:
        raise Violation("LockOrder", "a lock is made outside a run")
    return Lock(NOW.world, pool=pool)


class Gate:
    """A gate of ours; who waits for it lets others go on."""

    __slots__ = ("closed", "world")

    def __init__(self, world: "World") -> None:
        self.world = world
        self.closed = False

    def acquire(self, blocking: bool = True, timeout: float = -1) -> bool:
        world = self.world
        if self.closed and world.current is not None and world.current.name == "callbacks":
            raise WouldBlock
        if self.closed and (not blocking or timeout >= 0):
            return False
        if self.closed:
            world.until(lambda: not self.closed, "a gate")
        self.closed = True
        return True

    def release(self) -> None:
        if not self.closed:
            raise RuntimeError("release unlocked lock")
        self.closed = False
        self.world.pause()

    def locked(self) -> bool:
        return self.closed


def new_gate() -> Gate:
    """Return a gate of the run that goes on."""
    if NOW.world is None:
        raise Violation("LockOrder", "a gate is made outside a run")
    return Gate(NOW.world)


class Thread:
    """A thread of the pool: the world runs it bit by bit."""

    def __init__(self, world: "World", target: Callable[[], None], name: str) -> None:
        self.world = world
        self.target = target
        self.name = name
        self.started = self.ended = self.busy = False

    def start(self) -> None:
        self.world.pause()
        if self.world.refuses("a thread"):
            raise RuntimeError("can't start new thread")
        self.started = True
        self.world.pause()

    def join(self) -> None:
        self.world.until(lambda: self.ended, f"the end of {self.name}")

    @contextmanager
    def running(self) -> "Iterator[None]":
        """Be the thread that runs meanwhile."""
        before, self.world.current, self.busy = self.world.current, self, True
        try:
            yield
        finally:
            self.world.current, self.busy = before, False


class Threading:
    """In place of the module ``threading``, where it is asked who runs."""

    @staticmethod
    def current_thread() -> object:
        return None if NOW.world is None else NOW.world.current or NOW.world


class Ticket:
    """A semaphore of value 1 and maximum 1; processes go on before and after each try."""

    __slots__ = ("value", "world")

    def __init__(self, world: "World") -> None:
        self.world = world
        self.value = 1

    def acquire(self, block: bool = True, /) -> bool:
        if block:
            raise Violation("NeverBlock", "a ticket is waited for")
        self.world.processes_only()
        won = self.value == 1
        self.value = 0
        if won:
            self.world.note("Won")
        self.world.processes_only()
        return won

    def release(self) -> None:
        self.world.processes_only()
        if self.value:
            raise ValueError("semaphore or lock released too many times")
        self.value = 1
        self.world.processes_only()

    def _get_value(self) -> int:
        self.world.processes_only()
        value = self.value
        self.world.processes_only()
        return value

    def claim(self) -> bool:
        """Be tried by the process."""
        won = self.value == 1
        self.value = 0
        return won


class Poller:
    """Where the local worker sleeps: meanwhile the others go on."""

    def __init__(self, world: "World") -> None:
        self.world = world
        self.watched: dict[int, bool] = {}
        self.woken = self.closed = self.asleep = False

    def watch(self, fd: int, *, writing: bool = False) -> None:
        self.world.pause()
        self._open()
        self.world.of_descriptor(fd)
        self.world.tell(f"descriptor {fd} is watched{' for room' if writing else ''}")
        self.watched[fd] = writing

    def forget(self, fd: int) -> None:
        self._open()
        self.world.tell(f"descriptor {fd} is not watched any more")
        self.watched.pop(fd, None)

    def _open(self) -> None:
        if self.closed:
            raise Violation("UsedAfterClose", "the poller is used after it was closed")

    def ready(self) -> list[Ready]:
        """Return what is ready now."""
        found: list[Ready] = [(-1, True, False)] if self.woken else []
        for fd, writing in self.watched.items():
            readable, writable = self.world.of_descriptor(fd).shows(fd)
            if readable or (writing and writable):
                found.append((fd, readable, writing and writable))
        return found

    def poll(self, seconds: float | None) -> list[Ready]:
        self._open()
        world = self.world
        world.pause()
        ready = self.ready()
        if not ready or not world.goes_on():
            self.asleep = True
            try:
                ready = world.rest(self, seconds)
            finally:
                self.asleep = False
        self.woken = False
        if world.draining or len(ready) < 2:
            return ready
        turned = world.choices.below(len(ready))
        return ready[turned:] + ready[:turned]

    def wake(self) -> None:
        self.woken = True
        self.world.pause()

    def close(self) -> None:
        self.closed = True

    def forked(self) -> None:
        raise Violation("UsedAfterClose", "nobody forks here")
