"""Where an executor runs its calls, and what comes of trying one."""

from enum import Enum


class Kind(Enum):
    """Where calls run, which is all that the kit has to know of an executor."""

    THREAD = "thread"  # in this process: calls share its memory
    PROCESS = "process"  # in another one, here or on a machine that shares its files


class Broken(Exception):
    """The claim is not kept; the text says what was seen."""


class NotApplicable(Exception):
    """The claim says nothing of this executor; the text says why."""


class BadFactory(Exception):
    """The address, or what stands there, is of no use; the text says why, and the remedy."""


def insist(condition: object, seen: str) -> None:
    """Raise Broken with what was seen, unless ``condition`` is true."""
    if not condition:
        raise Broken(seen)
