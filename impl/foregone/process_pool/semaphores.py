"""Tickets as they are: semaphores of the system, whose names go as soon as they can.

Where processes are forked, a semaphore is inherited, and needs no name; once its process
has ended as it was told, having answered everything, it serves another.  Else a process
opens it by its name when it starts; once it has, the name is removed, so that nothing
stays behind whoever is killed.  Until then the resource tracker of ``multiprocessing``
knows the name, and removes it if the parent cannot.

This is the C type below ``multiprocessing.BoundedSemaphore``: that one keeps its name.
Touches nothing of the pool.
"""

import importlib
import os
from collections.abc import Callable
from multiprocessing import resource_tracker
from multiprocessing.context import assert_spawning
from typing import Final, Protocol, cast

from foregone.process_pool.ports import Ticket

#: What multiprocessing calls a counting semaphore.
_SEMAPHORE: Final = 1
_KIND: Final = "semaphore"


class _SemLock(Protocol):
    """The C type."""

    def __call__(self, kind: int, value: int, maxvalue: int, name: str, unlink: bool) -> Ticket: ...

    def _rebuild(self, handle: int, kind: int, maxvalue: int, name: str) -> Ticket: ...


_module: Final = vars(importlib.import_module("_multiprocessing"))
_semlock: Final = cast("_SemLock", _module["SemLock"])
_unlink: Final = cast("Callable[[str], None]", _module["sem_unlink"])


#: Inherited ones whose process has ended as it was told: another may have them.
_spare: Final[list[Ticket]] = []
#: How many are kept.
_SPARE: Final = 256

if hasattr(os, "register_at_fork"):  # or a forked child would share them with its parent
    os.register_at_fork(after_in_child=_spare.clear)


class Tickets:
    """Semaphores of value 1 and maximum 1, shared with one process."""

    __slots__ = ("_inherited", "_names", "all")

    def __init__(self, count: int, *, inherited: bool) -> None:
        self._names: list[str] = []
        self._inherited = inherited
        token = f"/fg-{os.getpid():x}-{os.urandom(4).hex()}"
        self.all: list[Ticket] = []
        try:
            for number in range(count):
                if inherited and _spare:
                    self.all.append(_spare.pop())
                    continue
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

    def give_back(self) -> None:
        """Keep what another process can be given: nobody has these, and all are posted."""
        mine, self.all = self.all, []
        if self._inherited and len(_spare) < _SPARE:
            _spare.extend(each for each in mine if each._get_value() == 1)

    def __reduce__(self) -> tuple[Callable[[list[str]], "Tickets"], tuple[list[str]]]:
        assert_spawning(self)
        return _opened, (self._names,)


def _opened(names: list[str]) -> Tickets:
    """Return, in a process that starts, the tickets that its parent has made."""
    tickets = Tickets(0, inherited=True)
    tickets.all = [_semlock._rebuild(0, _SEMAPHORE, 1, name) for name in names]
    return tickets
