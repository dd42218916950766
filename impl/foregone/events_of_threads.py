"""What is logged of one thread pool, as events.

A call's number is kept until nothing more will be logged of it: the thread that took it asks
for another, or no thread will take it and its future is done.

Owner: the collector of ``observing.py``, which is one thread.
"""

import os
from collections.abc import Sequence
from typing import Final, TypeAlias, cast, final

from foregone.called import Names
from foregone.events import NOTHING, Logged, Told, Value, versions
from foregone.future import Future, OwnedFuture
from foregone.pool import Pool
from foregone.worker import Worker, WorkItem
from foregone_spec import lifecycle
from foregone_spec.future import DONE, Command, Step

#: Where a call is: in the queue; with a thread; with nobody, and with who will say that it failed.
_QUEUED, _TAKEN, _LEFT, _FAILS = range(4)
_BROKEN: Final = lifecycle.Phase.BROKEN

#: The entries, as their actions have them.
_Submit: TypeAlias = tuple[str, Pool, WorkItem, Worker | None, bool]
_NextItem: TypeAlias = tuple[str, Pool, Worker, WorkItem | None, lifecycle.Phase, bool]
_Leaves: TypeAlias = tuple[str, Pool, WorkItem | None]
_Ask: TypeAlias = tuple[str, Pool, lifecycle.Request, lifecycle.Step, list[Worker]]
_Of: TypeAlias = tuple[str, Future[object], Command, Step]


@final
class ThreadEvents:
    """Makes events of what is logged of one thread pool."""

    __slots__ = (
        "accepted", "alive", "called", "ended", "held", "owned", "phase_seen", "places", "pool",
        "started", "workers",
    )  # fmt: skip

    def __init__(self, pool: Pool, phase: lifecycle.Phase | None = None) -> None:
        self.pool: Pool = pool
        self.phase_seen: lifecycle.Phase = phase or pool.phase
        # A subclass of a user's may have a hash of its own, which is foreign code.
        self.owned: type[object] = OwnedFuture
        self.accepted: int = 0
        self.alive: int = 0  # threads there are, or are promised
        self.called: Names = Names()
        self.places: dict[object, int] = {}  # by future: its number times 4, and where it is
        self.ended: set[object] = set()  # futures in the queue that are done
        self.held: dict[int, object] = {}  # by thread: the future of the call that it took
        self.started: dict[int, int] = {}  # by who started a thread, a future's id(): its number
        self.workers: dict[Worker, int] = {}

    @property
    def name(self) -> str:
        """What the executor is called."""
        return f"{self.pool.prefix}"

    def opened(self) -> Told:
        """Tell what the pool is made of."""
        more: dict[str, Value] = {**versions(), "pid": os.getpid(), "workers": self.pool.limit}
        return ("Opened", 0, 0, "threads", self.phase_seen.value, more)

    def look(self) -> None:
        """Look for what is not logged: nothing."""

    def tell(self, entries: Sequence[Logged]) -> list[Told]:
        """Return the events of this pool that there are among entries."""
        told: list[Told] = []
        pool, owned, places, future = self.pool, self.owned, self.places, self._future
        for entry in entries:
            action, about = entry[0], entry[1]
            if action == "Future":
                kind: type[object] = type(about)
                if kind is owned and (place := places.get(about)):
                    told.append(future(entry, place))
            elif about is not pool:
                pass
            elif action == "Submit":
                told.append(self._submit(cast("_Submit", entry)))
            elif action == "NextItem":
                told.append(self._next_item(cast("_NextItem", entry)))
            elif action == "Ask":
                told.append(self._ask(cast("_Ask", entry)))
            elif action == "ShutdownReturns":
                told.append((action, 0, 0, "", "", NOTHING))
            else:  # Discard and Withdraw
                item = cast("_Leaves", entry)[2]
                if item is not None:
                    leaves = self._withdraw if action == "Withdraw" else self._leaves
                    told.append((action, leaves(item[0]), 0, "", self.phase_seen.value, NOTHING))
        self.called.forget()
        return told

    def over(self) -> bool:
        """Say whether the pool has ended."""
        return self.pool.alive == 0 and not self.pool.accepts() and not self.pool.discarding

    def _submit(self, entry: _Submit) -> Told:
        _, _, item, unparked, reserved = entry
        name = self.called.of(item[1])
        if self.phase_seen is not lifecycle.Phase.OPEN:
            return ("Submit", 0, 0, name, "refused", NOTHING)
        self.accepted = number = self.accepted + 1
        self.places[item[0]] = number << 2 | _QUEUED
        if unparked is not None:
            return ("Submit", number, self.number(unparked), name, "unparks", NOTHING)
        if reserved:
            self.started[id(item[0])] = number
            self.alive += 1
            return ("Submit", number, 0, name, "starts", NOTHING)
        return ("Submit", number, 0, name, "queued", NOTHING)

    def _future(self, entry: Logged, place: int) -> Told:
        _, future, command, cell = cast("_Of", entry)
        where = place & 3
        if where != _TAKEN and cell.after in DONE:
            if where == _QUEUED:
                self.ended.add(future)
            elif where == _LEFT or command is Command.SET_EXCEPTION:
                del self.places[future]  # else it was cancelled first, and is yet to be failed
        return ("Future", place >> 2, 0, command._value_, cell.after._value_, NOTHING)

    def _next_item(self, entry: _NextItem) -> Told:
        _, _, worker, item, phase, parked = entry
        thread = self.workers.get(worker) or self.number(worker)
        self.places.pop(self.held.pop(thread, None), None)
        if item is None:
            what = "parks" if parked else "ends"
            self.alive -= not parked
            return ("NextItem", 0, thread, what, phase.value, NOTHING)
        if phase in lifecycle.RUNS_QUEUED:
            self.held[thread] = item[0]
            return ("NextItem", self._taken(item[0]), thread, "takes", "", NOTHING)
        return ("NextItem", self._leaves(item[0]), thread, "discards", phase.value, NOTHING)

    def _taken(self, future: object) -> int:
        """Note that a thread has a call; return its number: 0 if nobody listened before."""
        place = self.places.get(future, 0)
        if place:
            self.places[future] = place | _TAKEN
            self.ended.discard(future)
        return place >> 2

    def _leaves(self, future: object) -> int:
        """Note that a call left the queue, and no thread will have it; return its number."""
        place = self.places.get(future, 0)
        if future in self.ended:
            self.ended.discard(future)
            del self.places[future]
        elif place:
            self.places[future] = place | (_FAILS if self.phase_seen is _BROKEN else _LEFT)
        return place >> 2

    def _withdraw(self, future: object) -> int:
        """Note that a thread could not be started; return the number of the call for which.

        That stays in the queue, and another thread may take it, if there is one.
        """
        number = self.started.pop(id(future), 0)
        self.alive -= 1
        if not self.alive:
            for each in [each for each, place in self.places.items() if place & 3 == _QUEUED]:
                self._leaves(each)
        return number

    def _ask(self, entry: _Ask) -> Told:
        _, _, request, cell, unparked = entry
        self.phase_seen = cell.after
        more: dict[str, Value] = {"unparked": tuple(self.number(each) for each in unparked)}
        return ("Ask", 0, 0, request.value, cell.after.value, more if unparked else NOTHING)

    def number(self, worker: Worker) -> int:
        """Return the number of a thread."""
        return self.workers.setdefault(worker, len(self.workers) + 1)
