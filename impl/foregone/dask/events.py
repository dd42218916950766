"""What is logged of one Dask executor, as events.

The words are the process pool's where they mean the same (``foregone.events``):

``Opened``    ``more``: the scheduler's address, and whether calls are begun at most once
``Offer``     the call was sent to the cluster, under ``more["number"]``; ``after`` is IN_SLOT,
              or CLAIMED where calls run at least once: it cannot be cancelled from then on
``Start``     a worker is heard of for the first time; ``more["address"]``
``Claimed``   a worker has claimed the call; it is told when the client learns of it
``Take``      somebody tries to take the call back, as in a process pool; ``what`` is "recall"
              where the cluster has given its task up and nobody had claimed it
``Free``      what became of a call that was begun is known: ``what`` is "answer", "raise" or
              "died"; ``worker`` is 0 where nobody knows whose it was
``Remove``    a worker is gone that had claimed a call

The seconds of a claim are those at which it was heard of: the scheduler tells news twenty times
a second.  Owner: the collector of ``observing.py``, which is one thread.
"""

import os
from collections.abc import Sequence
from typing import Final, TypeAlias, cast, final

from foregone.dask.calls import AnyCall, Call
from foregone.dask.rooms import Pool
from foregone.events import NOTHING, Logged, Told, Value, versions
from foregone_spec.future import Command, Step
from foregone_spec.lifecycle import Request
from foregone_spec.lifecycle import Step as Asked
from foregone_spec.work_item import Event, Place

#: What an observer is told that this kind of executor is.
KIND: Final = "dask"

#: The entries, as their actions have them.
_Submit: TypeAlias = tuple[str, Pool, AnyCall, bool, BaseException | None]
_Offer: TypeAlias = tuple[str, Pool, AnyCall, int, Place]
_Claimed: TypeAlias = tuple[str, Pool, AnyCall, str]
_Take: TypeAlias = tuple[str, Pool, AnyCall, Event, Place, bool]
_End: TypeAlias = tuple[str, Pool, AnyCall, Event, Place, str]
_Ask: TypeAlias = tuple[str, Pool, Request, Asked]
_Of: TypeAlias = tuple[str, AnyCall, Command, Step]


@final
class DaskEvents:
    """Makes events of what is logged of one Dask executor."""

    __slots__ = ("pool", "removed", "workers")

    def __init__(self, pool: Pool) -> None:
        self.pool: Pool = pool
        self.workers: dict[str, int] = {}  # by address
        self.removed: set[int] = set()

    @property
    def name(self) -> str:
        """What the executor is called."""
        return self.pool.name

    def opened(self) -> Told:
        """Tell what the executor is made of."""
        pool = self.pool
        more: dict[str, Value] = {
            **versions(),
            "pid": os.getpid(),
            "scheduler": pool.cluster.address,
            "at_most_once": pool.cluster.at_most_once,
        }
        return ("Opened", 0, 0, KIND, pool.phase.value, more)

    def look(self) -> None:
        """Look for nothing: all is logged."""

    def over(self) -> bool:
        """Say whether the executor has ended, and its threads: a callback may take its time."""
        pool = self.pool
        return pool.over and not any(each.is_alive() for each in pool.joined)

    def tell(self, entries: Sequence[Logged]) -> list[Told]:
        """Return the events of this executor among entries."""
        told: list[Told] = []
        pool = self.pool
        for entry in entries:
            action, about = entry[0], entry[1]
            if action == "Future":
                # An isinstance() asks an object of the user's what its class is.
                if issubclass(type(about), Call) and cast("AnyCall", about)._pool is pool:
                    _, call, command, cell = cast("_Of", entry)
                    told.append((action, call._id, 0, command.value, cell.after.value, NOTHING))
            elif about is pool:
                told += self._told(action, entry)
        return told

    def _told(self, action: str, entry: Logged) -> list[Told]:
        match action:
            case "Submit":
                return [self._submit(cast("_Submit", entry))]
            case "Offer":
                _, _, call, number, place = cast("_Offer", entry)
                return [(action, call._id, 0, "", place.value, {"number": number})]
            case "Claimed":
                _, _, call, address = cast("_Claimed", entry)
                started, worker = self._worker(address)
                return [*started, (action, call._id, worker, "", "", NOTHING)]
            case "Take":
                _, _, call, event, place, won = cast("_Take", entry)
                return [(action, call._id, 0, event.value, place.value, {"won": won})]
            case "End":
                return self._end(cast("_End", entry))
            case "Remove":
                return self._remove(cast("tuple[str, Pool, str]", entry)[2])
            case "Ask":
                _, _, request, cell = cast("_Ask", entry)
                return [(action, 0, 0, request.value, cell.after.value, NOTHING)]
            case _:  # ShutdownReturns
                return [(action, 0, 0, "", "", NOTHING)]

    def _submit(self, entry: _Submit) -> Told:
        _, _, call, accepted, trouble = entry
        if not accepted:
            return ("Submit", 0, 0, call._name, "refused", NOTHING)
        after = "queued" if trouble is None else "does not pickle"
        return ("Submit", call._id, 0, call._name, after, NOTHING)

    def _end(self, entry: _End) -> list[Told]:
        _, _, call, event, place, address = entry
        if event is Event.FAIL and place is not Place.CLAIMED:
            return [("Take", call._id, 0, event.value, place.value, {"won": True})]
        event = Event.DIED if event is Event.FAIL else event  # its worker is out of reach
        started, worker = self._worker(address)
        return [*started, ("Free", call._id, worker, event.value, "", NOTHING)]

    def _worker(self, address: str) -> tuple[list[Told], int]:
        """Return the number of a worker, after its Start if it was not told of before."""
        if not address:
            return [], 0
        if number := self.workers.get(address):
            return [], number
        self.workers[address] = number = len(self.workers) + 1
        return [("Start", 0, number, "", "", {"address": address})], number

    def _remove(self, address: str) -> list[Told]:
        number = self.workers.get(address, 0)
        if not number or number in self.removed:
            return []
        self.removed.add(number)
        return [("Remove", 0, number, "", "", {"address": address})]
