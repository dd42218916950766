"""What makes the process pool's invariants inductive.

The invariants of ``process_pool_invariants`` are what is wanted.  Some states keep them
all, and one step later do not: nobody ever gets there, but no invariant says so.  Each
claim here says a part of it, and is wanted for nothing else.  Together they are kept by
every step from every state in which they hold (contract_induction), so what the wanted
ones alone do not exclude is unreachable.
"""

from collections.abc import Mapping
from itertools import pairwise
from typing import Final

from foregone_spec.future import State
from foregone_spec.lifecycle import accepts, runs_queued
from foregone_spec.process_pool import ProcessPoolModel
from foregone_spec.process_pool_invariants import process_pool
from foregone_spec.process_pool_state import ABSENT, ProcessPoolState, unclaimed
from model_tests.contract_states import Claim


def strengthening(model: ProcessPoolModel) -> Mapping[str, Claim]:
    """Return what is to hold besides the invariants of ``model``."""
    return {
        **_STRENGTHENING,
        "EnoughToClaim": lambda now: enough_to_claim(model, now),
        "OvertakenFromNear": lambda now: overtaken_from_near(model, now),
    }


def inductive(model: ProcessPoolModel) -> Mapping[str, Claim]:
    """Return the claims that every step of ``model`` keeps, from any state at all."""
    return {**process_pool(model), **strengthening(model)}


def not_accepted_not_touched(now: ProcessPoolState) -> bool:
    """Require that a call that was not accepted has not begun, and its future is PENDING."""
    return all(
        future is State.PENDING and not begun
        for call, future, begun in zip(now.calls, now.futures, now.begun, strict=True)
        if call != "accepted"
    )


def submitted_in_order(now: ProcessPoolState) -> bool:
    """Require that no call is submitted before an earlier one."""
    outs = [call == "out" for call in now.calls]
    return outs == sorted(outs)


def unclaimed_is_pending(now: ProcessPoolState) -> bool:
    """Require that what is in Work Ids or in the Call Q is PENDING and has not begun."""
    return all(
        now.futures[each - 1] is State.PENDING and not now.begun[each - 1]
        for room in (now.work_ids, now.call_queue)
        for each in room
    )


def call_queue_in_order(now: ProcessPoolState) -> bool:
    """Require that the Call Q is kept in the order of submission."""
    return all(a < b for a, b in pairwise(now.call_queue))


def who_runs_has_claimed(now: ProcessPoolState) -> bool:
    """Require that who runs has claimed a call, and that who has claimed one runs, or died."""
    return all(
        stands in ("running", "dead") if claimed else stands != "running"
        for stands, claimed in zip(now.processes, now.runs, strict=True)
    )


def started_is_watched(now: ProcessPoolState) -> bool:
    """Require that a process is watched from its start to its burial, whoever sleeps."""
    return all(
        watched
        for watched, stands in zip(now.watched, now.processes, strict=True)
        if stands not in ABSENT
    )


def asked_to_end_is_not_open(now: ProcessPoolState) -> bool:
    """Require that who was asked to end, or is collected, is not OPEN."""
    asked = now.collected or any(each != "out" for each in now.closers)
    return not (asked and accepts(now.phase))


def enough_to_claim(model: ProcessPoolModel, now: ProcessPoolState) -> bool:
    """Require that each process that comes finds a call to claim.

    That is, while the local worker sleeps and calls wait; or that a call in the Call Q
    holds others back, so that who claims it wakes the worker.
    """
    if now.awake or not now.work_ids or not runs_queued(now.phase):
        return True
    coming = sum(each in ("starting", "idle") for each in now.processes)
    held_back = any(now.work_ids[0] > each + model.overtake for each in now.call_queue)
    return held_back or coming <= len(now.call_queue)


def overtaken_from_near(model: ProcessPoolModel, now: ProcessPoolState) -> bool:
    """Require that what is offered or begun ahead of an earlier call is near.

    So few overtake, since few are near; with one process, none is.
    """
    near = model.overtake if model.processes > 1 else 0
    return all(
        ahead <= behind + near
        for behind in unclaimed(now)
        for ahead in (
            *(number for number, begun in enumerate(now.begun, start=1) if begun),
            *(now.call_queue if near or behind in now.work_ids else ()),
        )
    )


_STRENGTHENING: Final[Mapping[str, Claim]] = {
    "AskedToEndIsNotOpen": asked_to_end_is_not_open,
    "CallQueueInOrder": call_queue_in_order,
    "NotAcceptedNotTouched": not_accepted_not_touched,
    "StartedIsWatched": started_is_watched,
    "SubmittedInOrder": submitted_in_order,
    "UnclaimedIsPending": unclaimed_is_pending,
    "WhoRunsHasClaimed": who_runs_has_claimed,
}
