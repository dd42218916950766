"""The callbacks thread: runs what users attached to futures that the local worker ends.

As in the process pool, a callback that blocks delays callbacks only: answers are read and
calls offered meanwhile.  It is started when first needed, and ends after the local worker,
once all that was handed to it was run.  That of the process pool is made by the pool's system
and serves the pool's calls, so it is not used here.  Owner of every field: this module; only
the local worker adds.
"""

import threading
from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING

from foregone import sync

if TYPE_CHECKING:
    from foregone.dask.calls import AnyCall


class Callbacks:
    """Futures that have ended, and the thread that runs their callbacks."""

    __slots__ = ("_ended", "_gate", "_name", "_queue", "_started", "thread")

    thread: threading.Thread | None

    def __init__(self, name: str, started: Callable[[threading.Thread], object]) -> None:
        self._name = name
        self._started = started
        self._queue: deque[AnyCall] = deque()
        self._gate = sync.new_gate()
        self._gate.acquire()
        self._ended = False
        self.thread = None

    def add(self, call: "AnyCall") -> None:
        """Run the callbacks of ``call``, after those that were added before."""
        self._queue.append(call)
        if self.thread is not None:
            sync.open_gate(self._gate)
            return
        thread = threading.Thread(target=self._run, name=self._name)
        try:
            thread.start()
        except RuntimeError:  # the system refuses a thread: better here than never
            self._drain()
            return
        self.thread = thread
        self._started(thread)

    def end(self) -> None:
        """Add nothing any more: the thread ends once it has run what it has."""
        self._ended = True
        sync.open_gate(self._gate)

    def _drain(self) -> None:
        while self._queue:
            self._queue.popleft()._run_callbacks()

    def _run(self) -> None:
        while True:
            self._drain()
            if self._ended and not self._queue:
                return
            self._gate.acquire()
