"""What must hold of the process pool, by the names that ``tla/`` uses.

The number in brackets is that of the museum's invariant.  Of its twelve, three are not
of this machine: [4] and [9] are of locks and channels, which have no place here, [11]
is the model Map's.  [5], that the local worker survives, is in every step: no action of
a caller or of a process takes it away.
"""

from collections.abc import Callable, Mapping
from itertools import accumulate
from typing import Final

from foregone_spec import work_item
from foregone_spec.future import DONE, NOTIFIED, State
from foregone_spec.lifecycle import STRENGTH, Phase, runs_queued
from foregone_spec.process_pool import ProcessPoolModel
from foregone_spec.process_pool_actions import Cancel
from foregone_spec.process_pool_state import (
    ABSENT,
    DEAD,
    LIVING,
    ProcessPoolState,
    pending,
    place_of,
    started,
    unclaimed,
)
from foregone_spec.work_item import Place


def process_pool(model: ProcessPoolModel) -> Mapping[str, Callable[[ProcessPoolState], bool]]:
    """Return the invariants of ``model``."""
    return {
        "AcceptanceIsAtomic": acceptance_is_atomic,
        "AtMostOnce": at_most_once,
        "BoundedCallQueue": lambda now: bounded_call_queue(model, now),
        "CancelledMeansTold": cancelled_means_told,
        "CancelledNeverRuns": cancelled_never_runs,
        "CancelSucceedsUntilClaimed": lambda now: cancel_succeeds_until_claimed(model, now),
        "Capacity": lambda now: capacity(model, now),
        "EndedMeansSettled": ended_means_settled,
        "InOneRoomOnly": in_one_room_only,
        "KnownIsTrue": known_is_true,
        "NoProcessIdlesWhileWorkWaits": no_process_idles_while_work_waits,
        "NothingLost": nothing_lost,
        "OvertakenByFew": lambda now: overtaken_by_few(model, now),
        "ShutdownMeansEnded": shutdown_means_ended,
        "WatchedSet": watched_set,
        "WorkIdsInOrder": work_ids_in_order,
    }


def bounded_call_queue(model: ProcessPoolModel, now: ProcessPoolState) -> bool:
    """No more calls are offered than the Call Q has room for."""
    return len(now.call_queue) <= model.capacity


def cancel_succeeds_until_claimed(model: ProcessPoolModel, now: ProcessPoolState) -> bool:
    """A call that has not ended and that no process has claimed can be cancelled."""
    possible = frozenset(model.of_callers(now))
    return all(Cancel(number) in possible for number in pending(now) if not now.begun[number - 1])


def capacity(model: ProcessPoolModel, now: ProcessPoolState) -> bool:
    """[6] While the local worker sleeps, there are processes enough for what is pending.

    Where the system refuses processes, those that it does not refuse are enough.
    """
    if now.awake or not runs_queued(now.phase):
        return True
    living = sum(each in LIVING for each in now.processes)
    return living >= min(model.wanted(now), model.processes - now.processes.count("refused"))


def overtaken_by_few(model: ProcessPoolModel, now: ProcessPoolState) -> bool:
    """A call that waits is overtaken by so many; with one process, by none."""
    most = model.overtake if model.processes > 1 else 0
    later = (*accumulate(map(bool, reversed(now.begun)), initial=0),)  # that have begun
    return all(later[len(now.begun) - number] <= most for number in unclaimed(now))


def acceptance_is_atomic(now: ProcessPoolState) -> bool:
    """[3] A call whose ``submit`` raised is nowhere, and never begins (M14)."""
    return all(
        future is State.PENDING and not begun and number not in unclaimed(now)
        for number, (call, future, begun) in enumerate(
            zip(now.calls, now.futures, now.begun, strict=True), start=1
        )
        if call == "raised"
    )


def at_most_once(now: ProcessPoolState) -> bool:
    """No call begins twice, whoever dies."""
    return all(each <= 1 for each in now.begun)


def cancelled_means_told(now: ProcessPoolState) -> bool:
    """[2] No owned future is cancelled without its waiters being told (M4)."""
    return State.CANCELLED not in now.futures


def cancelled_never_runs(now: ProcessPoolState) -> bool:
    """No call begins whose ``cancel()`` succeeded, before or after."""
    return not any(
        begun and future is State.CANCELLED_AND_NOTIFIED
        for begun, future in zip(now.begun, now.futures, strict=True)
    )


def in_one_room_only(now: ProcessPoolState) -> bool:
    """A call is in one room at a time: Work Ids, the Call Q, a process, the Result Q."""
    held = _held(now)
    return len(set(held)) == len(held)


def nothing_lost(now: ProcessPoolState) -> bool:
    """[1] An accepted call that has not ended is in some room, and no other call is in any."""
    return set(_held(now)) == set(pending(now))


def _held(now: ProcessPoolState) -> list[int]:
    claimed = [each for each in now.runs if each]
    return [*unclaimed(now), *claimed, *(each for answers in now.result_queue for each in answers)]


def known_is_true(now: ProcessPoolState) -> bool:
    """``running()`` is true of claimed calls only."""
    return all(
        begun
        for begun, future in zip(now.begun, now.futures, strict=True)
        if future is State.RUNNING
    )


def no_process_idles_while_work_waits(now: ProcessPoolState) -> bool:
    """[6] While the local worker sleeps and calls wait, an idle process has one to claim."""
    waits = bool(now.work_ids) and runs_queued(now.phase) and not now.awake
    return not waits or "idle" not in now.processes or bool(now.call_queue)


def ended_means_settled(now: ProcessPoolState) -> bool:
    """[1] When ``shutdown(wait=True)`` returns, every accepted call has ended."""
    return "back" not in now.closers or not pending(now)


def shutdown_means_ended(now: ProcessPoolState) -> bool:
    """``shutdown(wait=True)`` returns only when no process is left."""
    return "back" not in now.closers or not started(now)


def watched_set(now: ProcessPoolState) -> bool:
    """[7] While the local worker sleeps, it watches every process that there is (M1)."""
    return now.awake or all(
        watched
        for watched, stands in zip(now.watched, now.processes, strict=True)
        if stands not in ABSENT
    )


def work_ids_in_order(now: ProcessPoolState) -> bool:
    """What is recalled goes to the front: Work Ids are in the order of submission."""
    return all(a < b for a, b in zip(now.work_ids, now.work_ids[1:], strict=False))


# ----------------------------------------------------------------------- steps


def calls_move_by_the_table(before: ProcessPoolState, after: ProcessPoolState) -> bool:
    """A call goes from one place to another as ``work_item`` says, where the parent has it."""
    return all(
        (place_of(before, number), place_of(after, number)) in _MOVES
        for number in range(1, len(before.calls) + 1)
    )


def _in_work_ids(place: Place) -> Place:
    return Place.WAITING if place is Place.RECALLED else place


_MOVES: Final = frozenset(
    (_in_work_ids(place), _in_work_ids(cell.after))
    for place, row in work_item.TRANSITIONS.items()
    for cell in row.values()
)


def containment(before: ProcessPoolState, after: ProcessPoolState) -> bool:
    """[10] No more than one call ends at a time, and only a death breaks the pool (M16)."""
    ended = sum(
        was not in DONE and now in DONE
        for was, now in zip(before.futures, after.futures, strict=True)
    )
    breaks = after.phase is Phase.BROKEN and before.phase is not Phase.BROKEN
    why = any(each in DEAD for each in before.processes) or "refused" in after.processes
    return ended <= 1 and (why or not breaks)


def exact_blame(before: ProcessPoolState, after: ProcessPoolState) -> bool:
    """A call fails unanswered only if it was claimed by who died, or the pool is broken.

    And a process that is found dead takes nothing else with it.
    """
    dead = [number for number, each in enumerate(before.processes, 1) if each in DEAD]
    found = [number for number in dead if after.processes[number - 1] not in DEAD]
    blamed = [before.runs[number - 1] for number in found if before.runs[number - 1]]
    answers = [each[0] for each in before.result_queue if each]
    finished = [
        number
        for number, (was, now) in enumerate(zip(before.futures, after.futures, strict=True), 1)
        if was is not State.FINISHED and now is State.FINISHED
    ]
    allowed = {*blamed, *answers}
    if before.phase is Phase.BROKEN:
        allowed.update(unclaimed(before))
    refused = [number for number in finished if before.calls[number - 1] == "out"]
    if found and (finished != blamed or unclaimed(before) != unclaimed(after)):
        return False
    return set(finished) <= {*allowed, *refused}


def futures_end_once(before: ProcessPoolState, after: ProcessPoolState) -> bool:
    """[12] A future that has ended stays as it is, and everybody was told of its end."""
    return all(
        was not in NOTIFIED or now is was
        for was, now in zip(before.futures, after.futures, strict=True)
    )


def requests_are_monotone(before: ProcessPoolState, after: ProcessPoolState) -> bool:
    """[8] No later request weakens an earlier one (M5)."""
    return STRENGTH[after.phase] >= STRENGTH[before.phase]


PROCESS_POOL_STEPS: Final[Mapping[str, Callable[[ProcessPoolState, ProcessPoolState], bool]]] = {
    "CallsMoveByTheTable": calls_move_by_the_table,
    "Containment": containment,
    "ExactBlame": exact_blame,
    "FuturesEndOnce": futures_end_once,
    "RequestsAreMonotone": requests_are_monotone,
}
