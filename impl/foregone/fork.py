"""Who is told when this process is forked: pools, whose threads a child does not have.

The child's copy of a pool takes no calls (M15).  Under the interpreter lock no other
thread is inside a step when a thread forks, since a step has no interruption point
(``future.py``); so the fields that the child finds are those between two steps.
"""

import os
import weakref
from typing import Final, Protocol


class Forkable(Protocol):
    """A pool."""

    def forked(self) -> None:
        """Become the copy in a forked child."""
        ...


pools: Final["weakref.WeakSet[Forkable]"] = weakref.WeakSet()


def _after_in_child() -> None:
    for pool in list(pools):
        pool.forked()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_in_child)
