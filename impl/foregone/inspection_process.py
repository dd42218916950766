"""What a live process pool does right now: see ``inspection.py``.

Of what only the processes know, the tickets tell who has claimed what, and so does the
order of a lane: a process claims in the order in which it was sent the calls, and
begins the next one only when it has finished the one before.  So the last call that it
has claimed is the one that it runs, and those before it are in the Result Q; whether it
has just finished the last one too nobody can see from here.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final, final

from foregone.inspection import MANY, Line, PoolView, agreed, asked, lines
from foregone.process_pool import poller
from foregone.process_pool.call_queue import CallQueue
from foregone.process_pool.dispatch import lacking
from foregone.process_pool.ports import Process
from foregone.process_pool.rooms import Pool
from foregone.process_pool.wire import DEPTH, readable
from foregone.process_pool.work_items import AnyCall
from foregone_spec.future import DONE, State
from foregone_spec.lifecycle import Phase
from foregone_spec.process_death import Policy
from foregone_spec.process_pool import ProcessPoolModel
from foregone_spec.process_pool_actions import Action
from foregone_spec.process_pool_state import ProcessPoolState
from foregone_spec.rooms import picture
from foregone_spec.work_item import UNCLAIMED, Place

#: What Linux calls the states of a process, where that says more than the model.
_LETTERS: Final = {"T": "stopped", "t": "traced", "D": "waits for a device", "Z": "is a zombie"}


@final
@dataclass(frozen=True, slots=True, repr=False)
class ProcessPoolView(PoolView[ProcessPoolState, Action]):
    """A process pool, as it was found.

    ``work_ids`` has the work id of each call of ``state``, which numbers those that are
    pending from 1: work ids are numbered from 1 as calls are accepted.  ``pids`` has the
    number that the system gave each process of ``state`` that was started, ``kernel`` what
    the system says of it, where that is more; ``local_worker`` is where that thread is.
    """

    work_ids: tuple[int, ...]
    pids: tuple[int, ...]
    kernel: tuple[str, ...]
    local_worker: str

    def __repr__(self) -> str:
        now = self.state
        return (
            f"<{self.name}: {now.phase.value}, {len(now.work_ids):,} in Work Ids, "
            f"{len(now.call_queue):,} in the Call Q, {sum(map(bool, now.runs))} claimed, "
            f"{sum(map(len, now.result_queue))} in the Result Q; {self.said}>"
        )

    def __str__(self) -> str:
        text = [f"{self.name}: {self.said}", picture(self.state, self.work_ids).rstrip("\n")]
        for number, (pid, kernel) in enumerate(zip(self.pids, self.kernel, strict=True), start=1):
            more = f", {kernel}" if kernel else ""
            text.append(f"  Process #{number}: pid {pid}{more}")
        text.append(f"  Local Worker Thread: {self.local_worker}")
        return "\n".join(text) + "\n"


@final
@dataclass(frozen=True, slots=True)
class _Slot:
    """A call that was offered to a process, and is still in its lane."""

    call: AnyCall
    serial: int
    place: Place
    future: State
    there: bool  # its ticket


@final
@dataclass(frozen=True, slots=True)
class _Lane:
    """One process, and what was offered to it."""

    queue: CallQueue
    pid: int
    head: int
    tail: int
    left: int
    ready: bool
    told: bool
    failed: bool
    ended: bool  # as the system says
    watched: bool
    slots: tuple[_Slot, ...]

    def claimed(self) -> list[_Slot]:
        """Return what the process has claimed and the parent has not read the answer of."""
        gone = (each for each in self.slots if each.future not in DONE)
        return [
            each
            for each in gone
            if each.place is Place.CLAIMED or (each.place is Place.IN_SLOT and not each.there)
        ]

    def offered(self) -> list[_Slot]:
        """Return what the process may still claim."""
        return [each for each in self.slots if each.place is Place.IN_SLOT and each.there]

    def stands(self) -> str:
        """Return what the model calls how the process is."""
        if self.failed:
            return "failed"
        if self.ended:
            lost = "dead" if self.ready or self.claimed() else "stillborn"
            return "ended" if self.told and not self.claimed() else lost
        if self.told:
            return "told"
        if self.claimed():
            return "running"
        return "idle" if self.ready else "starting"


@final
@dataclass(frozen=True, slots=True)
class _Reading:
    """One reading: all that a view is made of."""

    phase: Phase
    accepted: int
    waiting: tuple[tuple[AnyCall, Place, State], ...]
    lanes: tuple[_Lane, ...]
    closers: int
    early: int
    awake: bool  # the local worker, or it will look by itself soon


def _slots(queue: CallQueue, head: int, tail: int) -> Iterator[_Slot]:
    tickets = queue.tickets
    for serial in range(head, tail):
        call = queue.ring[serial % DEPTH]
        if call is not None and call._queue is queue and call._serial == serial:
            there = tickets[serial % DEPTH]._get_value() != 0
            yield _Slot(call, serial, call._place, call._now, there)


def _read(pool: Pool) -> _Reading:
    worker = pool.worker
    watched = tuple(worker.watches.values())
    lanes = list[_Lane]()
    for queue in pool.queues:
        head, tail, process = queue.head, queue.tail, queue.process
        lane = _Lane(
            queue=queue,
            pid=process.pid,
            head=head,
            tail=tail,
            left=queue.left,
            ready=queue.ready,
            told=queue.told,
            failed=queue.refusal is not None,
            ended=_has_ended(process),
            watched=any(each is queue for each in watched),
            slots=tuple(_slots(queue, head, tail)),
        )
        lanes.append(lane)
    return _Reading(
        phase=pool.phase,
        accepted=pool.accepted,
        waiting=tuple((call, call._place, call._now) for call in (*pool.recalled, *pool.waiting)),
        lanes=tuple(lanes),
        closers=len(worker._closers),
        early=worker.unready,
        awake=not worker.ended and (worker._awake or worker.ticking or _at_work(pool)),
    )


def view_of_processes(pool: Pool) -> ProcessPoolView:
    """Return what a process pool does right now."""
    found, consistent = agreed(partial(_read, pool))
    calls = _Calls(found)
    most = max(pool.limit, len(found.lanes)) if pool.limit < MANY else len(found.lanes)
    requests, closers = asked(found.phase, found.closers)
    state = _state(pool, found, calls, most, closers)
    model = ProcessPoolModel(
        calls=len(state.calls),
        processes=most,
        capacity=max(1, most) * DEPTH,
        closers=requests,
        deaths=len(found.lanes),
        policy=Policy.REPLACE if pool.replaces else Policy.BREAK,
        overtake=pool.overtaken,
        max_tasks=pool.max_tasks or 0,
        eager=not pool.grows,
    )
    return ProcessPoolView(
        name=pool.name,
        consistent=consistent,
        state=state,
        model=model,
        work_ids=(*(call._number + 1 for call in calls.numbers), found.accepted + 1),
        pids=tuple(lane.pid for lane in found.lanes),
        kernel=tuple(_kernel(lane.pid) for lane in found.lanes),
        local_worker=_worker(pool),
    )


class _Calls:
    """The calls that are pending, numbered from 1 in the order in which they were accepted."""

    def __init__(self, found: _Reading) -> None:
        waits = {
            call: future
            for call, place, future in found.waiting
            if place in UNCLAIMED and place is not Place.IN_SLOT and future not in DONE
        }
        held = {each.call: each.future for lane in found.lanes for each in lane.offered()}
        begun = {each.call: each.future for lane in found.lanes for each in lane.claimed()}
        every = {**waits, **held, **begun}
        ordered = sorted(every, key=lambda call: call._number)
        self.numbers = {call: number for number, call in enumerate(ordered, start=1)}
        self.work_ids = tuple(sorted(map(self.numbers.__getitem__, waits)))
        self.call_queue = tuple(sorted(map(self.numbers.__getitem__, held)))
        self.futures = tuple(every[call] for call in ordered)
        self.begun = tuple(int(call in begun) for call in ordered)


def _state(
    pool: Pool, found: _Reading, calls: _Calls, most: int, closers: tuple[str, ...]
) -> ProcessPoolState:
    """Return what was read as a state of the model, with one call more that may be submitted."""
    unborn = most - len(found.lanes)
    stands = [each.stands() for each in found.lanes]
    runs, answers = list[int](), list[tuple[int, ...]]()
    for lane, how in zip(found.lanes, stands, strict=True):
        claimed = [calls.numbers[each.call] for each in lane.claimed()]
        at_work = how in ("running", "dead", "stillborn")
        runs.append(claimed.pop() if claimed and at_work else 0)
        answers.append(tuple(claimed))
    return ProcessPoolState(
        phase=found.phase,
        work_ids=calls.work_ids,
        call_queue=calls.call_queue,
        processes=(*stands, *["unborn"] * unborn),
        runs=(*runs, *[0] * unborn),
        used=(*(_used(lane, pool.max_tasks) for lane in found.lanes), *[0] * unborn),
        result_queue=(*answers, *[()] * unborn),
        futures=(*calls.futures, State.PENDING),
        calls=(*["accepted"] * len(calls.numbers), "out"),
        begun=(*calls.begun, 0),
        closers=closers,
        collected=False,
        awake=found.awake or any(lane.ended or lane.failed for lane in found.lanes),
        watched=(*(lane.watched for lane in found.lanes), *[False] * unborn),
        early=found.early,
        may_die=len(found.lanes),
    )


def _used(lane: _Lane, most: int | None) -> int:
    """Return how many calls a process has claimed, where that is limited."""
    return 0 if most is None else max(0, most - lane.left - len(lane.offered()))


def _has_ended(process: Process) -> bool:
    """Say whether a process has ended, as far as that can be seen and nothing comes of it.

    Without a descriptor of the process itself its sentinel has to do, which others may hold:
    to ask for its exit code would take that from who needs it.
    """
    try:
        return readable(process.watch)
    except (OSError, ValueError):  # closed: it was buried just now
        return True


def _line(pool: Pool) -> Line | None:
    """Return where the local worker is."""
    ident: object = getattr(pool.worker.thread, "ident", None)
    return lines([ident if isinstance(ident, int) else None])[0]


def _at_work(pool: Pool) -> bool:
    """Say whether the local worker is, or whether somebody is about to wake it.

    Who submits wakes it, or starts it, a few steps after the call was accepted.
    """
    if pool.begun and pool.worker.thread is None:
        return True
    if lacking(pool) or (pool.room > 0 and bool(pool.waiting or pool.recalled)):
        return True
    at = _line(pool)
    return at is not None and (at.file, at.function) != (poller.__file__, "poll")


def _worker(pool: Pool) -> str:
    """Return what the local worker does, in words."""
    if pool.worker.ended:
        return "ended"
    if pool.worker.thread is None:
        return "being started" if pool.begun else "not started"
    return str(_line(pool) or "being started")


def _kernel(pid: int) -> str:
    """Return what Linux says of a process, where that is more than that it runs or waits."""
    try:
        said = Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace")
    except OSError:
        return ""
    return _LETTERS.get(said.rpartition(")")[2].split()[0], "")
