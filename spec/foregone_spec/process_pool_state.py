"""The rooms of the process pool, and what can be read from them.

What the parent knows stands in ``futures``, ``work_ids``, ``call_queue`` and ``calls``.
What only the processes know stands in ``processes``, ``runs``, ``result_queue`` and
``begun``: the parent learns of it by an answer, by a failed try for a ticket, or by a
death.
"""

from dataclasses import dataclass
from typing import Final, final

from foregone_spec.future import DONE, State
from foregone_spec.lifecycle import Phase
from foregone_spec.work_item import Place

#: Of a process, as it is: it runs, or will.
LIVING: Final = ("starting", "idle", "running", "told")
#: It is gone, and not as it was told; and one that ended as it was told.
DEAD: Final = ("stillborn", "failed", "dead")
ENDED: Final = "ended"
#: There is no such process: it may be started, or the system has refused it.
ABSENT: Final = ("unborn", "refused")


@final
@dataclass(frozen=True, slots=True)
class ProcessPoolState:
    """The rooms of the process pool, and where everybody stands."""

    phase: Phase
    work_ids: tuple[int, ...]  # accepted, and not in the Call Q: oldest first
    call_queue: tuple[int, ...]  # offered, and not claimed: a bag, kept in order
    processes: tuple[str, ...]  # those of LIVING, DEAD and ABSENT, or "ended"
    runs: tuple[int, ...]  # the work id that a process has claimed and not answered, else 0
    used: tuple[int, ...]  # how many calls it has claimed, where that is limited
    result_queue: tuple[tuple[int, ...], ...]  # each process's answers, oldest first
    futures: tuple[State, ...]  # each work item's future
    calls: tuple[str, ...]  # of submit(): "out", "accepted", "raised"
    begun: tuple[int, ...]  # how often a process has begun each call
    closers: tuple[str, ...]  # callers of shutdown(): "out", "discarding", "joining", "back"
    collected: bool  # has the executor object been garbage-collected?
    awake: bool  # is the local worker awake, or about to be woken?
    watched: tuple[bool, ...]  # whose answers and whose end would wake it
    early: int  # deaths in a row, each before the process was ready
    may_die: int  # how many processes may still die


def unclaimed(now: ProcessPoolState) -> tuple[int, ...]:
    """Return the calls that may still be taken back."""
    return (*now.work_ids, *now.call_queue)


def pending(now: ProcessPoolState) -> tuple[int, ...]:
    """Return the accepted calls that have not ended, as the parent knows."""
    return tuple(
        number
        for number, (call, future) in enumerate(zip(now.calls, now.futures, strict=True), start=1)
        if call == "accepted" and future not in DONE
    )


def started(now: ProcessPoolState) -> tuple[int, ...]:
    """Return the processes that are started and not buried, dead or alive."""
    return tuple(
        number for number, stands in enumerate(now.processes, start=1) if stands not in ABSENT
    )


def place_of(now: ProcessPoolState, work_id: int) -> Place:
    """Return where the parent has a call: in Work Ids it is WAITING, recalled or not.

    A call that a process has claimed is IN_SLOT until the parent knows of it.
    """
    if now.futures[work_id - 1] in DONE:
        return Place.SETTLED
    if now.futures[work_id - 1] is State.RUNNING:
        return Place.CLAIMED
    waits = now.calls[work_id - 1] == "out" or work_id in now.work_ids
    return Place.WAITING if waits else Place.IN_SLOT
