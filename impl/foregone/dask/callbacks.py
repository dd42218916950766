"""The callbacks thread: runs what users attached to futures that the local worker ends.

It is the process pool's (``process_pool/callbacks.py``), which asks its system for a thread and
nothing else: here that is one of ``threading``, which says when it has started.
"""

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, cast

from foregone.process_pool.callbacks import Callbacks

if TYPE_CHECKING:
    from foregone.process_pool.ports import System


class _Thread(threading.Thread):
    """A thread that is told of once it has started."""

    def __init__(
        self, run: Callable[[], None], name: str, started: Callable[[threading.Thread], object]
    ) -> None:
        super().__init__(target=run, name=name)
        self._tell = started

    def start(self) -> None:
        """Start, and tell of it; raise RuntimeError if the system refuses."""
        super().start()
        self._tell(self)


class _Threads:
    """As much of a process pool's system as callbacks need."""

    def __init__(self, started: Callable[[threading.Thread], object]) -> None:
        self._started = started

    def thread(self, target: Callable[[], None], name: str) -> threading.Thread:
        """Make a thread that will run ``target``."""
        return _Thread(target, name, self._started)


def callbacks(name: str, started: Callable[[threading.Thread], object]) -> Callbacks:
    """Return the callbacks of an executor; ``started`` is told of their thread, if there is one."""
    return Callbacks(cast("System", _Threads(started)), name)
