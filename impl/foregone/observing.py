"""Who listens: the log of ``observer.py`` is read, made events, and told, outside all locks.

Two kinds of threads.  The *collector*, one for all executors, takes what was logged, several
hundred times a second, and puts it down for those who listen; it calls no foreign code and
waits for nobody.  (It may be the last to let go of what a call was given: then a finalizer of
the user's runs there, as it may in any thread.)  Each observer has a *teller*, which calls it:
as long as the observer does not return, what comes is kept, at most ``MOST`` events, and what
comes then is lost.

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
from contextlib import suppress
from itertools import count
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


class Telling(Protocol):
    """A pool of another kind, which has a teller of its own."""

    def teller(self) -> Teller:
        """Return who makes events of what is logged of it."""
        ...


@final
class Listener:
    """One executor that is listened to, and who is told."""

    def __init__(self, pool: object, teller: Teller, told: Observer) -> None:
        self.pool = pool
        self.teller = teller
        self.told = told
        self.name: str = teller.name
        self.pid: int = os.getpid()
        self.through = False  # its last event was told
        self.number: int = 0
        self.quiet = 0
        self.waiting: int = (
            0  # events that were put down: those told are taken off by the other side
        )
        self.taken: int = 0
        self.lost: int = 0
        self.batches: SimpleQueue[Batch | None] = SimpleQueue()
        self.thread: threading.Thread = threading.Thread(
            target=self._tell, name="foregone_teller", daemon=True
        )

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
        """Have the last event told, for which there is always room, and then nothing more."""
        self.number += 1
        self.waiting += 1
        last: Told = ("Closed", 0, 0, "", "", NOTHING)
        self.batches.put(Batch(self.number, time.time(), self.name, [last]))
        self.batches.put(None)

    def _tell(self) -> None:
        """Be the thread that calls the observer; not in a child that the observer has forked."""
        raised = 0
        while (batch := self.batches.get()) is not None:
            try:
                _give(self.told, batch)
            except BaseException:
                if os.getpid() != self.pid:
                    raise
                if not raised:
                    said = "%r raised, and %d events are lost"
                    _say(logging.ERROR, said, self.told, len(batch.told))
                raised += len(batch.told)
            if os.getpid() != self.pid:
                return
            self.taken += len(batch.told)
            del batch
        if raised or self.lost:
            _say(
                logging.WARNING,
                "%r of %s has lost %d events: it raised at %d of them, and was too slow for %d",
                self.told, self.name, raised + self.lost, raised, self.lost,
            )  # fmt: skip
        _ended(self)


def _give(told: Observer, batch: Batch) -> None:
    """Call an observer, as it wants to be called."""
    takes: object = getattr(told, "take", None)
    if callable(takes):
        takes(batch)
    else:
        told(batch.events())


def _say(level: int, text: str, *about: object) -> None:
    """Log, with what is raised now if anything is; who handles that may raise as well."""
    with suppress(BaseException):
        LOGGER.log(level, text, *about, exc_info=level >= logging.ERROR)


def _ended(listener: Listener) -> None:
    """Close the observer, if this was the last of its tellers that had something to tell."""
    global _telling
    told = listener.told
    with _turn:
        listener.through = True
        last = all(each.through for each in _telling if each.told is told)
    try:
        close: object = getattr(told, "close", None) if last else None
        if callable(close):
            close()
    except BaseException:
        _say(logging.ERROR, "%r raised when it was closed", told)
    with _turn:
        _telling = tuple(each for each in _telling if each is not listener)


_turn = threading.RLock()
_listening: tuple[Listener, ...] = ()
_telling: tuple[Listener, ...] = ()  # those, and those whose last events are still to be told
_collector: threading.Thread | None = None
_stop = threading.Event()


def observe(pool: "ThreadPool | ProcessPool | Telling", told: Observer) -> None:
    """Tell ``told`` of all that happens in ``pool`` from now on, until it has ended.

    Raises RuntimeError while ``observer.recording()`` has the log, and where the system refuses
    a thread; then nobody is told of anything.
    """
    global _listening, _telling
    listener = Listener(pool, _teller(pool), told)
    with _turn:
        if not _listening and observer.log is not None:
            raise RuntimeError("somebody records already: end that recording() first")
        taken = {each.name for each in _telling}
        name, others = listener.name, (f"{listener.name} #{number}" for number in count(2))
        listener.name = name if name not in taken else next(x for x in others if x not in taken)
        listener.put([listener.teller.opened()], time.time())
        try:
            listener.thread.start()
            _begin()
        except BaseException:
            listener.batches.put(None)
            raise
        if not _listening:
            observer.log = []
        _listening = (*_listening, listener)
        _telling = (*_telling, listener)


def _begin() -> None:
    """Have a collector; it waits for its turn before it finds that there is nobody to listen to."""
    global _collector
    if _collector is None:
        _stop.clear()
        _collector = threading.Thread(target=_collect, name="foregone_collector", daemon=True)
        try:
            _collector.start()
        except BaseException:
            _collector = None
            raise


def _teller(pool: "ThreadPool | ProcessPool | Telling") -> Teller:
    if isinstance(pool, ThreadPool):
        return ThreadEvents(pool)
    own: object = getattr(pool, "teller", None)
    if callable(own):
        return cast("Teller", own())
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
    for listener in _listening:
        listener.teller.look()
    log = observer.log
    entries = cast("list[Logged]", [] if log is None else log[:])
    if log is not None:
        del log[: len(entries)]
    now = time.time()
    # Those of now: who has come while others looked may have entries among these.
    for listener in _listening:
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
        over = not _listening or _collector is not threading.current_thread()
    for listener in gone:
        listener.close()
    return over


def _finish() -> None:
    """Have the last events told before the interpreter ends; not for ever."""
    _stop.set()
    until = time.monotonic() + _PATIENCE
    for thread in (_collector, *(each.thread for each in _telling)):
        if thread is not None and thread.is_alive():
            thread.join(max(0.0, until - time.monotonic()))


def _forked() -> None:
    """Nobody is told of what happens in a forked child."""
    global _turn, _stop, _listening, _telling, _collector
    _turn, _stop = threading.RLock(), threading.Event()  # somebody may have been at them
    if _listening:
        observer.log = None
    _listening, _telling, _collector = (), (), None


atexit.register(_finish)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forked)
