"""The callbacks thread: runs what users attached to futures that the local worker ends.

It is there so that a callback that blocks delays callbacks only: answers are read,
futures settled and processes fed meanwhile.  It is started when first needed, and ends
after the local worker, once all that was handed to it was run.  Owner of every field:
this module; only the local worker adds.
"""

from collections import deque
from typing import Final

from foregone import sync
from foregone.process_pool.ports import System, Thread
from foregone.process_pool.work_items import AnyCall
from foregone_spec.future import Effect

_LOUD: Final = (Effect.TELL_WAITERS, Effect.WAKE_BLOCKED)


class Callbacks:
    """Futures that have ended, and the thread that runs their callbacks."""

    __slots__ = ("_ended", "_gate", "_name", "_queue", "_system", "thread")

    _ended: bool
    _gate: sync.Gate
    _name: str
    _queue: deque[AnyCall]
    _system: System
    thread: Thread | None

    def __init__(self, system: System, name: str) -> None:
        self._system = system
        self._name = name
        self._queue = deque()
        self._gate = sync.new_gate()
        self._gate.acquire()
        self._ended = False
        self.thread = None

    def add(self, call: AnyCall) -> None:
        """Run the callbacks of ``call``, after those that were added before."""
        self._queue.append(call)
        if self.thread is None:
            thread = self._system.thread(self._run, self._name)
            try:
                thread.start()
            except RuntimeError:  # the system refuses a thread: better here than never
                self._drain()
                return
            self.thread = thread
        else:
            sync.open_gate(self._gate)

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


class _ButCallbacks(dict[tuple[Effect, ...], tuple[Effect, ...]]):
    """Effects, less the running of callbacks."""

    def __missing__(self, effects: tuple[Effect, ...]) -> tuple[Effect, ...]:
        kept = tuple(each for each in effects if each in _LOUD)
        self[effects] = kept
        return kept


BUT_CALLBACKS: Final = _ButCallbacks()
