"""What tasks touch and wait for, and where in the library they do."""

from types import FrameType
from typing import Final, Protocol

OURS: Final = "foregone."


class Resource(Protocol):
    """What a task can wait for."""

    cell: "Cell"

    def free(self) -> bool:
        """Say whether who waits for it can go on."""


class Items(tuple[object, ...]):
    """What is in a container, one after the other."""

    __slots__ = ()


class Cell:
    """One thing that tasks touch: a field, a container, a lock, a gate, the clock."""

    __slots__ = ("born", "ident", "keeps", "name", "written")

    def __init__(self, name: str, ident: int, born: int, keeps: object = None) -> None:
        self.name = name
        self.ident = ident
        self.born = born
        self.keeps = keeps  # alive until the next run, so that its id() stays its own
        self.written = 0  # the trail of who wrote last


def place(frame: FrameType | None) -> str:
    """Return the innermost place of the library on the way to ``frame``."""
    while frame is not None:
        module = str(frame.f_globals.get("__name__", ""))
        if module.startswith(OURS):
            return f" in {module}.{frame.f_code.co_name}, line {frame.f_lineno}"
        frame = frame.f_back
    return ""
