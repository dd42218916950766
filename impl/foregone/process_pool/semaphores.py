"""Tickets as they are: semaphores of the system, whose names go as soon as they can.

Where processes are forked, semaphores are inherited: they stand in memory that is shared,
and never have a name.  Else a process opens them by their names when it starts; once it
has, the names are removed, so that nothing stays behind whoever is killed.  Until then
the resource tracker of ``multiprocessing`` knows the names, and removes them if the
parent cannot.  No semaphore serves two processes: a dead one may still hold its own.

This is the C type below ``multiprocessing.BoundedSemaphore``: that one keeps its name.
Touches nothing of the pool.
"""

import importlib
import mmap
import os
from collections.abc import Callable
from functools import lru_cache
from multiprocessing import resource_tracker
from multiprocessing.context import assert_spawning
from typing import Final, Protocol, cast

from foregone.process_pool.ports import Ticket

#: What multiprocessing calls a counting semaphore.
_SEMAPHORE: Final = 1
_KIND: Final = "semaphore"
#: Bytes from one to the next in memory: no less than any system's ``sem_t``, and no two
#: in one line of a cache.
_STRIDE: Final = 64


class _SemLock(Protocol):
    """The C type."""

    def __call__(self, kind: int, value: int, maxvalue: int, name: str, unlink: bool) -> Ticket: ...

    def _rebuild(self, handle: int, kind: int, maxvalue: int, name: str | None) -> Ticket: ...


_module: Final = vars(importlib.import_module("_multiprocessing"))
_semlock: Final = cast("_SemLock", _module["SemLock"])
_unlink: Final = cast("Callable[[str], None]", _module["sem_unlink"])


class _Kept(Ticket, Protocol):
    """A ticket that keeps the memory that it stands in."""

    memory: mmap.mmap


class _InMemory(Protocol):
    """The C type, with a field more."""

    def _rebuild(self, handle: int, kind: int, maxvalue: int, name: None) -> _Kept: ...


_in_memory: Final = cast("_InMemory", type("_InMemory", (_module["SemLock"],), {}))


@lru_cache(1)
def _maker() -> Callable[[int], list[Ticket]] | None:
    """Return what makes semaphores in memory that is shared with forked processes.

    None where the system has no such semaphores, or Python no ``ctypes``.
    """
    try:
        import ctypes

        sem_init = ctypes.CDLL(None).sem_init
    except (ImportError, OSError, AttributeError):
        return None
    sem_init.argtypes = [ctypes.c_void_p, ctypes.c_int, ctypes.c_uint]

    def make(count: int) -> list[Ticket]:
        memory = mmap.mmap(-1, count * _STRIDE)
        first = ctypes.addressof(ctypes.c_char.from_buffer(memory))
        made: list[Ticket] = []
        for address in range(first, first + count * _STRIDE, _STRIDE):
            if sem_init(address, True, 1):
                raise OSError("sem_init() failed: the system has no semaphores in shared memory")
            ticket = _in_memory._rebuild(address, _SEMAPHORE, 1, None)
            ticket.memory = memory
            made.append(ticket)
        return made

    try:
        make(1)
    except (OSError, ValueError):  # as on macOS
        return None
    return make


class Tickets:
    """Semaphores of value 1 and maximum 1, shared with one process."""

    __slots__ = ("_names", "all")

    def __init__(self, count: int, *, inherited: bool) -> None:
        self._names: list[str] = []
        self.all: list[Ticket] = []
        make = _maker() if inherited and count else None
        if make is not None:
            self.all = make(count)
            return
        token = f"/fg-{os.getpid():x}-{os.urandom(4).hex()}"
        try:
            for number in range(count):
                name = f"{token}-{number}"
                self.all.append(_semlock(_SEMAPHORE, 1, 1, name, inherited))
                if not inherited:
                    self._names.append(name)
                    resource_tracker.register(name, _KIND)
        except BaseException:
            self.unlink()
            raise

    def unlink(self) -> None:
        """Remove the names: who has the semaphores keeps them, nobody else comes."""
        names, self._names = self._names, []
        for name in names:
            _unlink(name)
            resource_tracker.unregister(name, _KIND)

    def __reduce__(self) -> tuple[Callable[[list[str]], "Tickets"], tuple[list[str]]]:
        assert_spawning(self)
        return _opened, (self._names,)


def _opened(names: list[str]) -> Tickets:
    """Return, in a process that starts, the tickets that its parent has made."""
    tickets = Tickets(0, inherited=True)
    tickets.all = [_semlock._rebuild(0, _SEMAPHORE, 1, name) for name in names]
    return tickets
