"""Tickets as they are: semaphores of the system, in memory that parent and process share.

They have no name, so nothing stays behind, whoever is killed.  Where the system has no
such semaphores they have names, and the process opens them by these when it starts; once
it has, the names are removed.  Until then the resource tracker of ``multiprocessing``
knows them, and removes them if the parent cannot.  No semaphore serves two processes: a
dead one may still hold its own.

This is the C type below ``multiprocessing.BoundedSemaphore``: that one keeps its name.
Touches nothing of the pool.
"""

import importlib
import mmap
import os
from collections.abc import Callable, Sequence
from functools import lru_cache
from operator import attrgetter
from typing import Final, Protocol, TypeAlias, cast

from foregone.process_pool.ports import Ticket

#: What multiprocessing calls a counting semaphore.
_SEMAPHORE: Final = 1
_KIND: Final = "semaphore"
#: Bytes from one to the next in memory: no less than any system's ``sem_t``, and no two
#: in one line of a cache.  None may stand at the start of a page: the C type closes what
#: it forgets by ``sem_close``, which knows named ones by where they are mapped.
STRIDE: Final = 64


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

#: Returns where some memory is, and makes a semaphore of value 1 at a place, if it can.
_Calls: TypeAlias = tuple[Callable[[mmap.mmap], int], Callable[[int], bool]]


@lru_cache(1)
def _calls() -> _Calls | None:
    """Return what semaphores in shared memory take; None where there are none.

    With the C library of GNU: another may be upset when the C type closes, by
    ``sem_close``, what has no name.  ``_ctypes`` is a third of ``ctypes``, which a process
    that starts has no time for.
    """
    try:
        return _of_gnu() if os.confstr("CS_GNU_LIBC_VERSION") else None
    except Exception:  # an audit hook may forbid it
        return None


def _of_gnu() -> _Calls | None:
    import _ctypes

    dlopen = cast("Callable[[None, int], int]", _ctypes.dlopen)  # None: what is loaded
    address = _ctypes.dlsym(dlopen(None, 0), "sem_init")
    made: list[Callable[[int], object]] = [
        type("_C", (_ctypes._SimpleCData,), {"_type_": code}) for code in "iPB"
    ]
    integer, pointer, byte = made
    attributes = {"_flags_": _ctypes.FUNCFLAG_CDECL, "_restype_": integer}
    sem_init: Callable[..., object] = type("_F", (_ctypes.CFuncPtr,), attributes)(address)
    from_buffer: Callable[[mmap.mmap], object] = attrgetter("from_buffer")(byte)
    address_of = cast("Callable[[object], int]", _ctypes.addressof)

    def place(memory: mmap.mmap) -> int:
        return address_of(from_buffer(memory))

    def make(at: int) -> bool:
        return sem_init(pointer(at), integer(True), integer(1)) == 0

    with mmap.mmap(-1, STRIDE) as memory:
        at = place(memory)
        return (place, make) if make(at) else None


class Tickets:
    """Semaphores of value 1 and maximum 1, shared with one process."""

    __slots__ = ("all", "names")

    all: list[Ticket]

    def __init__(self, memory: mmap.mmap, offset: int, count: int) -> None:
        self.names: list[str] = []
        calls = _calls()
        if calls is not None and all(map(calls[1], _places(calls, memory, offset, count))):
            self.all = opened((), memory, offset, count)
            return
        self.all = []
        token = f"/fg-{os.getpid():x}-{os.urandom(4).hex()}"
        try:
            for number in range(count):
                name = f"{token}-{number}"
                self.all.append(_semlock(_SEMAPHORE, 1, 1, name, False))
                self.names.append(name)
                _track(name, known=True)
        except BaseException:
            self.unlink()
            raise

    def unlink(self) -> None:
        """Remove the names: who has the semaphores keeps them, nobody else comes."""
        names, self.names = self.names, []
        for name in names:
            _unlink(name)
            _track(name, known=False)


def _track(name: str, *, known: bool) -> None:
    """Have the resource tracker remove a name if we cannot, or not any more."""
    from multiprocessing import resource_tracker  # a fork of more is a slower fork

    (resource_tracker.register if known else resource_tracker.unregister)(name, _KIND)


def _places(calls: _Calls, memory: mmap.mmap, offset: int, count: int) -> range:
    first = calls[0](memory) + offset
    return range(first, first + count * STRIDE, STRIDE)


def opened(names: Sequence[str], memory: mmap.mmap, offset: int, count: int) -> list[Ticket]:
    """Return tickets that were made: by their names, or where they stand in ``memory``."""
    calls = _calls()
    if names or calls is None:
        return [_semlock._rebuild(0, _SEMAPHORE, 1, name) for name in names]
    found: list[Ticket] = []
    for at in _places(calls, memory, offset, count):
        ticket = _in_memory._rebuild(at, _SEMAPHORE, 1, None)
        ticket.memory = memory
        found.append(ticket)
    return found
