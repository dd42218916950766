"""Who is told when this process is forked: pools, whose threads a child does not have.

The child's copy of a pool takes no calls (M15).  Under the interpreter lock no other
thread is inside a step when a thread forks, since a step has no interruption point
(``future.py``); so the fields that the child finds are those between two steps.
"""

import os
from typing import Final, Protocol

from foregone import interpreter_exit
from foregone.registry import Registry


class Forkable(Protocol):
    """A pool."""

    def forked(self) -> None:
        """Become the copy in a forked child."""
        ...


pools: Final[Registry[Forkable]] = Registry()


def stranded() -> RuntimeError:
    """Return the error of a call that the parent runs, and not this process."""
    return RuntimeError(
        "this call was pending in the parent when os.fork() made this process: its "
        "result will never come here"
    )


def _after_in_child() -> None:
    trouble: BaseException | None = None
    for pool in pools.all():
        try:
            pool.forked()
        except BaseException as error:  # a defect of ours, and not the next one's
            trouble = error
    pools.clear()  # they hold nothing any more, and have nothing to end
    interpreter_exit.pools.clear()
    if trouble is not None:
        raise trouble  # Python says so, and goes on


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_in_child)
