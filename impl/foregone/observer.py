"""What happens, in order, to whoever listens.

``log`` is None while nobody does: a transition then costs one load and one
untaken branch.  While somebody records, each transition appends one entry, in the
same lock hold as the change itself, so that the order of entries is the order of
changes; nothing of the listener runs there.  Where there is no lock, who goes on
after waiting says so afterwards.
"""

from collections.abc import Generator
from contextlib import contextmanager
from typing import TypeAlias

#: The name of an action of the spec, and the objects it is about.
Entry: TypeAlias = tuple[str, *tuple[object, ...]]

log: list[Entry] | None = None


@contextmanager
def recording() -> Generator[list[Entry], None, None]:
    """Record everything that happens meanwhile; yield the growing list of entries."""
    global log
    if log is not None:
        raise RuntimeError("somebody records already: end that recording() first")
    entries: list[Entry] = []
    log = entries
    try:
        yield entries
    finally:
        log = None
