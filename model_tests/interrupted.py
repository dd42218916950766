"""Ctrl-C at a place of one's choice, for tests: an observer's log that raises it there.

What the library notes for an observer it notes under its lock, in the step; so an interrupt
comes when the step is made, and before anything that follows from it.
"""

import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from foregone import observer


class _Log(list[observer.Entry]):
    """A log that raises KeyboardInterrupt, once, when something of a kind is added."""

    def __init__(self, kind: str) -> None:
        super().__init__()
        self.kind = kind

    def __iadd__(self, other: Iterable[observer.Entry]) -> "_Log":  # type: ignore[override,misc]  # only += entries
        for each in other:
            if each[0] == self.kind:
                self.kind = ""
                raise KeyboardInterrupt
        return self


@contextmanager
def interrupted(kind: str) -> Iterator[None]:
    """Interrupt the first step of a kind that is made meanwhile."""
    log = _Log(kind)
    observer.log = log
    try:
        yield
    finally:
        observer.log = None
    assert not log.kind, f"nothing was interrupted: there was no step {kind}"


def time_passes() -> None:
    """Let others go on for a moment."""
    threading.Event().wait(0.005)
