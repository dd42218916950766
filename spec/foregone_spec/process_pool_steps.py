"""What the actions of the process pool make of its rooms, one by one.

Whether an action may happen is ``process_pool``'s to say.
"""

from dataclasses import replace

from foregone_spec import lifecycle, process_death, work_item
from foregone_spec.future import step as future_step
from foregone_spec.lifecycle import Request
from foregone_spec.model import replaced, without
from foregone_spec.process_death import Death, Policy
from foregone_spec.process_pool_state import ProcessPoolState, place_of
from foregone_spec.work_item import Event


def told(now: ProcessPoolState, work_id: int, event: Event) -> ProcessPoolState:
    """Give a future what the table of work items says."""
    command = work_item.step(place_of(now, work_id), event).command
    if command is None:
        return now
    after = future_step(now.futures[work_id - 1], command).after
    return replace(now, futures=replaced(now.futures, work_id - 1, after))


def put(
    now: ProcessPoolState, work_ids: tuple[int, ...], call_queue: tuple[int, ...]
) -> ProcessPoolState:
    """Put calls in Work Ids and in the Call Q, each in order."""
    return replace(now, work_ids=tuple(sorted(work_ids)), call_queue=tuple(sorted(call_queue)))


def ended(now: ProcessPoolState, work_id: int, event: Event) -> ProcessPoolState:
    """Take a call from Work Ids or the Call Q, and end it."""
    work_ids, call_queue = without(now.work_ids, work_id), without(now.call_queue, work_id)
    return put(told(now, work_id, event), work_ids, call_queue)


def asked(now: ProcessPoolState, request: Request) -> ProcessPoolState:
    """Move the phase and wake the local worker."""
    return replace(now, phase=lifecycle.step(now.phase, request).after, awake=True)


def submitted(now: ProcessPoolState, work_id: int) -> ProcessPoolState:
    """Accept a call and wake the local worker, or refuse it."""
    if not lifecycle.accepts(now.phase):
        return replace(now, calls=replaced(now.calls, work_id - 1, "raised"))
    accepted = replaced(now.calls, work_id - 1, "accepted")
    return replace(now, calls=accepted, work_ids=(*now.work_ids, work_id), awake=True)


def at(now: ProcessPoolState, process: int, stands: str) -> ProcessPoolState:
    """Move a process."""
    return replace(now, processes=replaced(now.processes, process - 1, stands))


def heard(now: ProcessPoolState, process: int) -> ProcessPoolState:
    """Wake the local worker, if it watches the process."""
    return replace(now, awake=now.awake or now.watched[process - 1])


def claimed(
    now: ProcessPoolState, process: int, work_id: int, overtake: int, counted: bool
) -> ProcessPoolState:
    """Have a process run a call of the Call Q.

    If the call holds others back, the local worker hears of it.
    """
    wakes = any(each > work_id + overtake for each in now.work_ids)
    return replace(
        at(now, process, "running"),
        call_queue=without(now.call_queue, work_id),
        runs=replaced(now.runs, process - 1, work_id),
        used=replaced(now.used, process - 1, now.used[process - 1] + counted),
        begun=replaced(now.begun, work_id - 1, now.begun[work_id - 1] + 1),
        awake=now.awake or (wakes and now.watched[process - 1]),
    )


def finished(now: ProcessPoolState, process: int) -> ProcessPoolState:
    """Have a process answer the call that it runs."""
    answers = (*now.result_queue[process - 1], now.runs[process - 1])
    idle = replace(
        at(now, process, "idle"),
        runs=replaced(now.runs, process - 1, 0),
        result_queue=replaced(now.result_queue, process - 1, answers),
    )
    return heard(idle, process)


def answered(now: ProcessPoolState, process: int) -> ProcessPoolState:
    """Read the oldest answer of a process."""
    answers = now.result_queue[process - 1]
    read = replaced(now.result_queue, process - 1, answers[1:])
    return replace(told(now, answers[0], Event.ANSWER), result_queue=read)


def dead(now: ProcessPoolState, process: int) -> ProcessPoolState:
    """Have a process die where it is."""
    early = now.processes[process - 1] == "starting"
    gone = at(now, process, "stillborn" if early else "dead")
    return heard(replace(gone, may_die=now.may_die - 1), process)


def blamed(now: ProcessPoolState, process: int, policy: Policy, limit: int) -> ProcessPoolState:
    """Blame the one call that a dead process had claimed, break the pool if need be; bury it."""
    work_id, stands = now.runs[process - 1], now.processes[process - 1]
    death = Death.INITIALIZER if stands == "failed" else Death.LATER
    after = now
    if stands == "stillborn":
        death = process_death.died_early(now.early, limit)
        after = replace(after, early=now.early + 1)
    if work_id:
        after = told(after, work_id, Event.DIED)
    if process_death.breaks_on(policy, death):
        after = asked(after, Request.BREAK)
    return buried(after, process)


def buried(now: ProcessPoolState, process: int) -> ProcessPoolState:
    """Let the number of a process be free for another, which has a lane of its own."""
    return replace(
        at(now, process, "unborn"),
        runs=replaced(now.runs, process - 1, 0),
        used=replaced(now.used, process - 1, 0),
        result_queue=replaced(now.result_queue, process - 1, ()),
        watched=replaced(now.watched, process - 1, False),
    )
