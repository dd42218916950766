"""Who listens: the log of ``observer.py`` is read, made events, and told, outside all locks.

Two kinds of threads.  The *collector*, one for all executors, takes what was logged, several
hundred times a second, and puts it down for those who listen; it runs no foreign code and
waits for nobody.  Each observer has a *teller*, which calls it: as long as the observer does
not return, what comes is kept, at most ``MOST`` events, and what comes then is lost.

The log is a list that others append to in steps of their own (``observer.log += ...``); the
collector copies what is there and deletes as much, each in one step, and never puts another
list in its place while somebody may be at it.

Owner of ``_listening`` and of the log while somebody listens: this module, whoever has the
``_turn``: who makes an executor, or the collector; never who submits.
"""

import atexit
import importlib
import logging
import os
import threading
import time
from collections.abc import Sequence
from queue import SimpleQueue
from typing import TYPE_CHECKING, Final, Protocol, cast, final

from foregone import observer
from foregone.events import NOTHING, Batch, Logged, Observer, Told
from foregone.events_of_threads import ThreadEvents
from foregone.pool import Pool as ThreadPool

if TYPE_CHECKING:
    from foregone.process_pool.rooms import Pool as ProcessPool

LOGGER: Final = logging.getLogger("foregone")

#: So many events wait for an observer that is slow; what comes then is lost to it.
MOST: Final = 65_536
#: How long the collector rests between two looks, in seconds: while something happens, and
#: when nothing has for as many looks.
_SOON, _LATER, _QUIET = 0.001, 0.005, 50
#: How many quiet looks after the end of its pool an executor is not listened to any more.
_LAST: Final = 25
#: How long the interpreter waits at its end, in seconds, for an observer that is slow.
_PATIENCE: Final = 2.0


class Teller(Protocol):
    """Makes events of what is logged of one pool."""

    @property
    def name(self) -> str:
        """What the executor is called."""
        ...

    def opened(self) -> Told:
        """Tell what the pool is made of."""
        ...

    def look(self) -> None:
        """Look for what is not logged, before the log is read."""
        ...

    def tell(self, entries: Sequence[Logged]) -> list[Told]:
        """Return the events of this pool that there are among entries."""
        ...

    def over(self) -> bool:
        """Say whether the pool has ended."""
        ...


@final
class Listener:
    """One executor that is listened to, and who is told."""

    def __init__(self, pool: object, teller: Teller, told: Observer) -> None:
        self.pool = pool
        self.teller = teller
        self.told = told
        self.name = teller.name
        self.number = 0
        self.quiet = 0
        self.waiting = 0  # events that were put down: those told are taken off by the other side
        self.taken = 0
        self.lost = 0
        self.batches: SimpleQueue[Batch | None] = SimpleQueue()
        self.thread = threading.Thread(target=self._tell, name="foregone_teller", daemon=True)
        self.put([teller.opened()], time.time())

    def put(self, told: list[Told], seconds: float) -> None:
        """Give events their numbers; put down as many as there is room for."""
        first = self.number + 1
        self.number += len(told)
        room = MOST - (self.waiting - self.taken)
        if len(told) > room:
            self.lost += len(told) - room
            del told[room:]
        if told:
            self.waiting += len(told)
            self.batches.put(Batch(first, seconds, self.name, told))

    def close(self) -> None:
        """Have the last event told, and then nothing more."""
        self.put([("Closed", 0, 0, "", "", NOTHING)], time.time())
        self.batches.put(None)

    def _tell(self) -> None:
        """Be the thread that calls the observer."""
        raised = 0
        takes: object = getattr(self.told, "take", None)
        while (batch := self.batches.get()) is not None:
            try:
                if callable(takes):
                    takes(batch)
                else:
                    self.told(batch.events())
            except BaseException:
                if not raised:
                    LOGGER.exception(
                        "%r raised, and %d events are lost", self.told, len(batch.told)
                    )
                raised += len(batch.told)
            self.taken += len(batch.told)
            del batch
        if raised or self.lost:
            LOGGER.warning(
                "%r of %s has lost %d events: it raised at %d of them, and was too slow for %d",
                self.told, self.name, raised + self.lost, raised, self.lost,
            )  # fmt: skip
        if not any(each.told is self.told for each in _listening):
            _close(self.told)


def _close(told: Observer) -> None:
    close: object = getattr(told, "close", None)
    if callable(close):
        try:
            close()
        except BaseException:
            LOGGER.exception("%r raised when it was closed", told)


_turn = threading.RLock()
_listening: tuple[Listener, ...] = ()
_collector: threading.Thread | None = None
_stop = threading.Event()


def observe(pool: "ThreadPool | ProcessPool", told: Observer) -> None:
    """Tell ``told`` of all that happens in ``pool`` from now on, until it has ended.

    Raises RuntimeError while ``observer.recording()`` has the log.
    """
    global _listening, _collector
    teller = _teller(pool)
    listener = Listener(pool, teller, told)
    with _turn:
        if not _listening:
            if observer.log is not None:
                raise RuntimeError("somebody records already: end that recording() first")
            observer.log = []
        _listening = (*_listening, listener)
        listener.thread.start()
        if _collector is None:
            _stop.clear()
            _collector = threading.Thread(target=_collect, name="foregone_collector", daemon=True)
            _collector.start()


def _teller(pool: "ThreadPool | ProcessPool") -> Teller:
    if isinstance(pool, ThreadPool):
        return ThreadEvents(pool)
    module = importlib.import_module("foregone.events_of_processes")
    return cast("Teller", module.ProcessEvents(pool))


def _collect() -> None:
    """Be the collector, until nobody is listened to."""
    idle = 0
    while True:
        stopped = _stop.wait(_SOON if idle < _QUIET else _LATER)
        try:
            idle = 0 if _read() else idle + 1
        except Exception:  # a defect of ours: what is logged must not grow for ever
            LOGGER.exception("nothing is observed any more")
            stopped = True
        if _retire(at_once=stopped):
            return


def _read() -> bool:
    """Tell what was logged since; return whether there was anything."""
    listening = _listening
    for listener in listening:
        listener.teller.look()
    log = observer.log
    entries = cast("list[Logged]", [] if log is None else log[:])
    if log is not None:
        del log[: len(entries)]
    now = time.time()
    for listener in listening:
        told = listener.teller.tell(entries)
        listener.quiet = 0 if told or not listener.teller.over() else listener.quiet + 1
        if told:
            listener.put(told, now)
    return bool(entries)


def _retire(*, at_once: bool) -> bool:
    """Listen no more to those that are through; return whether nobody is left."""
    global _listening, _collector
    with _turn:
        gone = [each for each in _listening if at_once or each.quiet > _LAST]
        if gone:
            _listening = tuple(each for each in _listening if each not in gone)
            if not _listening:
                observer.log = _collector = None
        over = not _listening
    for listener in gone:
        listener.close()
    return over


def _finish() -> None:
    """Have the last events told before the interpreter ends; not for ever."""
    collector, listening = _collector, _listening
    _stop.set()
    until = time.monotonic() + _PATIENCE
    for thread in (collector, *(each.thread for each in listening)):
        if thread is not None:
            thread.join(max(0.0, until - time.monotonic()))


def _forked() -> None:
    """Nobody is told of what happens in a forked child."""
    global _turn, _listening, _collector
    _turn = threading.RLock()
    if _listening:
        observer.log = None
    _listening, _collector = (), None


atexit.register(_finish)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forked)
