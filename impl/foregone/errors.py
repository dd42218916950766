"""The exceptions: the standard library's own, so that one ``except`` serves both.

``TimeoutError`` is the builtin one, as in CPython since 3.11 (the seed had its own).
"""

import builtins
import concurrent.futures
from concurrent.futures._base import Error
from concurrent.futures.thread import BrokenThreadPool
from typing import Final

CancelledError: Final = concurrent.futures.CancelledError
TimeoutError: Final = builtins.TimeoutError
InvalidStateError: Final = concurrent.futures.InvalidStateError
BrokenExecutor: Final = concurrent.futures.BrokenExecutor

__all__ = [
    "BrokenExecutor",
    "BrokenThreadPool",
    "CancelledError",
    "Error",
    "InvalidStateError",
    "TimeoutError",
]
