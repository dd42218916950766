"""What is logged of one process pool, as events; and what nobody logs: that a call was claimed.

A claim is a ticket that is gone.  The collector looks for it in the calls that a process has
not claimed so far, in the order in which they were sent, which is the order of claims.  What
is read there is true: (1) the call is seen in its slot, (2) the ticket is seen to be gone, (3)
the call is seen in the same slot again.  A serial is used once, so it was there in between;
had somebody of the parent won the ticket, the call would have left the slot in the same step.

Owner: the collector of ``observing.py``, which is one thread.
"""

import os
from collections.abc import Sequence
from threading import Thread
from typing import Final, TypeAlias, cast

from foregone.called import Names
from foregone.events import NOTHING, Logged, Told, Value, versions
from foregone.process_pool.call_queue import CallQueue
from foregone.process_pool.rooms import Pool
from foregone.process_pool.wire import DEPTH
from foregone.process_pool.work_items import AnyCall, Call
from foregone_spec.future import Command, Step
from foregone_spec.lifecycle import Request
from foregone_spec.lifecycle import Step as Ended
from foregone_spec.work_item import Event, Place

_IN_SLOT: Final = Place.IN_SLOT

#: The entries, as their actions have them.
_Submit: TypeAlias = tuple[str, Pool, AnyCall, object, bool, BaseException | None]
_Offer: TypeAlias = tuple[str, Pool, CallQueue, AnyCall, bool]
_Free: TypeAlias = tuple[str, Pool, CallQueue, int, AnyCall | None]
_Take: TypeAlias = tuple[str, Pool, AnyCall, Event, Place, bool]
_Ask: TypeAlias = tuple[str, Pool, Request, Ended]
_Of: TypeAlias = tuple[str, AnyCall, Command, Step]


class ProcessEvents:
    """Makes events of what is logged of one process pool."""

    __slots__ = ("ahead", "called", "claimed", "pool", "seen", "started", "where", "workers")

    def __init__(self, pool: Pool) -> None:
        self.pool: Pool = pool
        self.called: Names = Names()
        self.started: int = 0
        self.workers: dict[CallQueue, int] = {}
        self.ahead: dict[CallQueue, int] = {}  # the first serial that was not seen to be claimed
        self.seen: dict[int, Told] = {}  # claims that no entry has told
        self.where: dict[int, int] = {}  # by work id: the process to which it was sent
        self.claimed: set[int] = set()  # of these: whose claim was told

    @property
    def name(self) -> str:
        """What the executor is called."""
        return self.pool.name

    def opened(self) -> Told:
        """Tell what the pool is made of."""
        pool = self.pool
        more: dict[str, Value] = {
            **versions(),
            "pid": os.getpid(),
            "workers": pool.limit,
            "depth": DEPTH,
            "policy": "replace" if pool.replaces else "break",
            "overtaken": pool.overtaken,
            "max_tasks": pool.max_tasks or 0,
            "grows": pool.grows,
        }
        return ("Opened", 0, 0, "processes", pool.phase.value, more)

    def look(self) -> None:
        """Look for claims; before the log is read, so that it says of each where it was sent."""
        for queue in self.pool.queues:
            number = self.workers.get(queue)
            if number is None:
                continue  # its Start was not told yet
            serial = max(self.ahead[queue], queue.head)
            while serial < queue.tail:
                call = queue.ring[serial % DEPTH]
                if call is not None and call._serial == serial and call._queue is queue:
                    gone = queue.tickets[serial % DEPTH]._get_value() == 0
                    if not (gone and call._serial == serial and call._queue is queue):
                        break
                    if call._place is _IN_SLOT:  # else it is logged that it was claimed
                        work_id = call._number + 1
                        self.seen[work_id] = ("Claimed", work_id, number, "", "", NOTHING)
                serial += 1
            self.ahead[queue] = serial

    def tell(self, entries: Sequence[Logged]) -> list[Told]:
        """Return the events of this pool among entries, and the claims that none has told."""
        told: list[Told] = []
        pool, workers = self.pool, self.workers
        for entry in entries:
            action, about = entry[0], entry[1]
            if action == "Future":
                # An isinstance() asks an object of the user's what its class is.
                if issubclass(type(about), Call) and cast("AnyCall", about)._pool is pool:
                    _, call, command, cell = cast("_Of", entry)
                    number = call._number + 1
                    told.append((action, number, 0, command._value_, cell.after._value_, NOTHING))
            elif about is not pool:
                pass
            elif action == "Submit":
                told.append(self._submit(cast("_Submit", entry)))
            elif action == "Offer":
                _, _, queue, call, moved = cast("_Offer", entry)
                if moved:
                    worker = workers.get(queue) or self._number(queue)
                    self.where[call._number + 1] = worker
                    told.append((action, call._number + 1, worker, "", "", NOTHING))
            elif action == "Free":
                _, _, queue, _, answered = cast("_Free", entry)
                number = 0 if answered is None else answered._number + 1
                self._forget(number)
                told.append((action, number, workers.get(queue, 0), "", "", NOTHING))
            elif action == "Notice":
                told += self._claimed(cast("tuple[str, Pool, AnyCall]", entry)[2]._number + 1)
            else:
                told.append(self._other(entry))
        self.called.forget()
        if self.seen:
            told += self.seen.values()
            self.claimed.update(self.seen)
            self.seen.clear()
        return told

    def over(self) -> bool:
        """Say whether the pool has ended, and its threads: a callback may take its time."""
        pool, worker = self.pool, self.pool.worker
        if pool.accepts() or not (worker.ended or not pool.begun):
            return False
        threads = (worker.thread, worker.callbacks.thread)
        return not any(isinstance(each, Thread) and each.is_alive() for each in threads)

    def _submit(self, entry: _Submit) -> Told:
        _, _, call, fn, taken, trouble = entry
        name = self.called.of(fn)
        if not taken:
            return ("Submit", 0, 0, name, "refused", NOTHING)
        after = "queued" if trouble is None else "does not pickle"
        return ("Submit", call._number + 1, 0, name, after, NOTHING)

    def _other(self, entry: Logged) -> Told:
        match entry[0]:
            case "Take":
                _, _, call, event, place, won = cast("_Take", entry)
                self.seen.pop(call._number + 1, None)
                if won:
                    self._forget(call._number + 1)
                more: dict[str, Value] = {"won": won}
                return ("Take", call._number + 1, 0, event.value, place.value, more)
            case "Ask":
                _, _, request, cell = cast("_Ask", entry)
                return ("Ask", 0, 0, request.value, cell.after.value, NOTHING)
            case "Start" | "Close" | "Remove":
                return self._process(cast("tuple[str, Pool, CallQueue]", entry))
            case action:  # ShutdownReturns
                return (action, 0, 0, "", "", NOTHING)

    def _claimed(self, number: int) -> list[Told]:
        """Tell that a call was claimed, once, and by whom."""
        self.seen.pop(number, None)
        if number in self.claimed:
            return []
        self.claimed.add(number)
        return [("Claimed", number, self.where.get(number, 0), "", "", NOTHING)]

    def _forget(self, number: int) -> None:
        """Know no process of a call any more."""
        self.seen.pop(number, None)
        self.where.pop(number, None)
        self.claimed.discard(number)

    def _process(self, entry: tuple[str, Pool, CallQueue]) -> Told:
        action, _, queue = entry
        number = self._number(queue)
        more: dict[str, Value] = {"pid": queue.process.pid}
        if action == "Remove":
            more["ready"], more["told"] = queue.ready, queue.told
            more["failed"] = queue.refusal is not None
            for work_id in [each for each, worker in self.where.items() if worker == number]:
                self._forget(work_id)
            del self.ahead[queue], self.workers[queue]
        return (action, 0, number, "", "", more)

    def next_number(self, queue: CallQueue) -> int:
        """Return the number of a process that was not told of before."""
        self.started += 1
        return self.started

    def _number(self, queue: CallQueue) -> int:
        number = self.workers.get(queue)
        if number is None:
            number = self.workers[queue] = self.next_number(queue)
            self.ahead[queue] = queue.head
        return number
