"""Enums whose members hash by identity, in C.

A look-up in a table then runs no Python code, so that nothing can come between the
steps of a transition, and it is fast.  Enum's own hash is a Python function.
"""

from enum import Enum
from typing import TYPE_CHECKING


class IdentityEnum(Enum):
    """An Enum without members of its own, whose members hash by identity."""

    if not TYPE_CHECKING:
        __hash__ = object.__hash__
