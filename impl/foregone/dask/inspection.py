"""What a live Dask executor does right now, as far as it is known here, read without a lock.

It asks nobody and waits for nothing: which calls a worker has claimed is as the scheduler's
last news had it, a twentieth of a second old or less where all goes well.  It reads the
rooms, and changes nothing; each is copied in one step of the interpreter, one after the
other, so a call that moves meanwhile may be shown twice or not at all.
"""

from dataclasses import dataclass
from typing import NamedTuple, final

from foregone.dask.rooms import Pool
from foregone_spec.future import DONE
from foregone_spec.lifecycle import Phase
from foregone_spec.work_item import Place

#: So many calls of each room are written out.
SHOWN = 20


class CallView(NamedTuple):
    """One call: its number (0: none yet), its function, and the worker that claimed it or ""."""

    number: int
    function: str
    worker: str = ""

    def __str__(self) -> str:
        where = f" on {self.worker}" if self.worker else ""
        return f"{self.number or '-'} ({self.function}){where}"


@final
@dataclass(frozen=True, slots=True, repr=False)
class DaskView:
    """A Dask executor, as it was found; made by ``DaskExecutor.inspect()``.

    ``queued`` has the calls that were not offered to the cluster, oldest first; ``offered``
    those that it has and that no worker is known to have claimed; ``claimed`` those that one
    has.  ``settled`` is how many have ended.  ``connection`` is what the client says of it.
    """

    name: str
    phase: Phase
    at_most_once: bool
    scheduler: str
    connection: str
    queued: tuple[CallView, ...]
    offered: tuple[CallView, ...]
    claimed: tuple[CallView, ...]
    settled: int

    def __repr__(self) -> str:
        return (
            f"<{self.name}: {self.phase.value}, {len(self.queued):,} queued, "
            f"{len(self.offered):,} offered, {len(self.claimed):,} claimed, "
            f"{self.settled:,} settled>"
        )

    def __str__(self) -> str:
        runs = "at most once" if self.at_most_once else "at least once"
        return (
            f"{self.name}: {self.phase.value}; calls run {runs}\n"
            f"  Scheduler: {self.scheduler}, {self.connection}\n"
            f"  Work Ids: {_row(self.queued)}\n"
            f"  offered: {_row(self.offered)}\n"
            f"  claimed: {_row(self.claimed)}\n"
            f"  settled: {self.settled:,}\n"
        )


def _row(calls: tuple[CallView, ...]) -> str:
    more = f", and {len(calls) - SHOWN:,} more" if len(calls) > SHOWN else ""
    return (", ".join(map(str, calls[:SHOWN])) + more) or "empty"


def view_of(pool: Pool) -> DaskView:
    """Return what a Dask executor does right now."""
    queued = [call for call in pool.queue.copy() if call._now not in DONE]
    there = [call for call in pool.calls.copy().values() if call._now not in DONE]
    offered, claimed = list[CallView](), list[CallView]()
    for call in there:
        if call._place is Place.CLAIMED:
            claimed.append(CallView(call._number, call._name, call._worker))
        else:
            offered.append(CallView(call._number, call._name))
    cluster = pool.cluster
    return DaskView(
        name=pool.name,
        phase=pool.phase,
        at_most_once=cluster.at_most_once,
        scheduler=cluster.address,
        connection="let go" if pool.over else cluster.connection(),
        queued=tuple(CallView(call._number, call._name) for call in queued),
        offered=tuple(offered),
        claimed=tuple(claimed),
        settled=pool.settled,
    )
