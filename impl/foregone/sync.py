"""The primitives that everything here synchronises with, as typed protocols.

There are two.  A *lock* guards the fields of one object for a step that has no
interruption point (see ``future.py``); it is re-entrant, so that a debugger or
a tracer that runs code of its own inside a step does not block on itself.  A
*gate* is a lock that is made closed: who waits for it blocks, whoever has news
opens it.  Modules take them from here by name, and a controlled scheduler puts
its own in their place; in production they are CPython's, with nothing between.
"""

import _thread
import threading
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Final, Protocol

Lock = AbstractContextManager[bool, None]


class Gate(Protocol):
    """A binary semaphore, made open and closed by its first owner."""

    def acquire(self, blocking: bool = True, timeout: float = -1) -> bool:
        """Close the gate, waiting up to ``timeout`` seconds (-1: for ever) for it to open."""
        ...

    def release(self) -> None:
        """Open the gate; raise RuntimeError if it is open."""
        ...

    def locked(self) -> bool:
        """Say whether the gate is closed."""
        ...


#: The lock itself: ``threading.RLock`` is a Python function around it, four times as slow.
new_lock: Final[Callable[[], Lock]] = _thread.RLock
new_gate: Final[Callable[[], Gate]] = threading.Lock


def open_gate(gate: Gate) -> None:
    """Open ``gate``; opening it twice is opening it once."""
    if gate.locked():
        try:
            gate.release()
        except RuntimeError:
            pass  # somebody else opened it: whoever waits for it will pass, and look


def wake(blocked: list[Gate]) -> None:
    """Open the gates of those blocked now; the list may change meanwhile."""
    for gate in tuple(blocked):
        open_gate(gate)
