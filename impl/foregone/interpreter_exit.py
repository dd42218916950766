"""Who is told when the interpreter ends: pools, whose accepted calls still run.

As in CPython this is before the ``atexit`` handlers: no pool takes a call any more,
every call that was accepted runs, and every thread is joined.
"""

import threading
from typing import Final, Protocol

from foregone.registry import Registry
from foregone_spec.lifecycle import Request


class Ending(Protocol):
    """A pool."""

    def ask(self, request: Request) -> None:
        """Request an end."""
        ...

    def join(self) -> None:
        """Return when the end has come."""
        ...


pools: Final[Registry[Ending]] = Registry()

_began = False


def begun() -> bool:
    """Say whether the interpreter has begun to end."""
    return _began


def _at_exit() -> None:
    global _began
    _began = True
    told = pools.all()
    for pool in told:
        pool.ask(Request.EXIT)
    for pool in told:
        pool.join()


try:
    # Private, and what the standard library itself uses: atexit comes too late, since
    # the interpreter waits for non-daemon threads before it.
    vars(threading)["_register_atexit"](_at_exit)
except RuntimeError:  # this is imported while the interpreter ends
    _began = True
