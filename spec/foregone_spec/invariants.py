"""What must hold in every reachable state, by the names that ``tla/`` uses.

State invariants are predicates of one state, step invariants of the state before
and the state after.  The number in brackets is that of the museum's invariant.
"""

from collections.abc import Callable, Mapping
from typing import Final

from foregone_spec.future import DONE, NOTIFIED, State
from foregone_spec.future_model import FutureState
from foregone_spec.lifecycle import STRENGTH, accepts, runs_queued
from foregone_spec.map_model import MapModel, MapState
from foregone_spec.thread_pool import ALIVE, ThreadPoolModel, ThreadPoolState
from foregone_spec.waiting import Ending, ReturnWhen, may_return
from foregone_spec.waiting_model import AS_COMPLETED, WaitingModel, WaitingState

# --------------------------------------------------------------------- Future


def callbacks_in_order(now: FutureState) -> bool:
    """No queued callback is overtaken by one that was added after it (M19)."""
    ran_late = [each for each in now.ran if now.callbacks[each - 1] == "ran own"]
    ran_queued = [each for each in now.ran if now.callbacks[each - 1] == "ran"]
    waiting = [number for number, each in enumerate(now.callbacks, 1) if each == "queued"]
    queued = ran_queued + waiting
    return (
        ran_queued == sorted(ran_queued)
        and all(each > other for each in ran_late for other in queued)
        and not (waiting and ran_late)
    )


def each_callback_once(now: FutureState) -> bool:
    """No callback runs twice."""
    return len(set(now.ran)) == len(now.ran)


def callbacks_run_after_the_end(now: FutureState) -> bool:
    """A callback that runs finds its future done."""
    return not now.ran or now.state in DONE


def nobody_blocked_when_settled(now: FutureState) -> bool:
    """[2] Once the one who ended the future is through, nobody is left blocked."""
    if "busy" in now.agents:
        return True
    blocked = "blocked" in now.results and now.state in DONE
    waiting = "blocked" in now.waits and now.state in NOTIFIED
    return not blocked and not waiting


def no_callback_left(now: FutureState) -> bool:
    """Once the callbacks are drained, none is queued."""
    return not now.drained or not now.queue


def end_is_final(before: FutureState, after: FutureState) -> bool:
    """[12] What is done stays done, and a finished future stays as it is."""
    if before.state in NOTIFIED:
        return after.state is before.state
    return before.state not in DONE or after.state in DONE


def cancelled_never_runs(before: FutureState, after: FutureState) -> bool:
    """A call whose ``cancel()`` succeeded never begins."""
    cancelled = (State.CANCELLED, State.CANCELLED_AND_NOTIFIED)
    return before.state not in cancelled or after.state in cancelled


FUTURE: Final[Mapping[str, Callable[[FutureState], bool]]] = {
    "CallbacksInOrder": callbacks_in_order,
    "EachCallbackOnce": each_callback_once,
    "CallbacksRunAfterTheEnd": callbacks_run_after_the_end,
    "NobodyBlockedWhenSettled": nobody_blocked_when_settled,
    "NoCallbackLeft": no_callback_left,
}

FUTURE_STEPS: Final[Mapping[str, Callable[[FutureState, FutureState], bool]]] = {
    "EndIsFinal": end_is_final,
    "CancelledNeverRuns": cancelled_never_runs,
}

# -------------------------------------------------------------------- Waiting


def waiting(model: WaitingModel) -> Mapping[str, Callable[[WaitingState], bool]]:
    """Return the invariants of ``model``."""

    def returns_only_when_enough(now: WaitingState) -> bool:
        """Who stops waiting without a timeout has what was asked for."""
        return all(
            _has_enough(model, now, caller)
            for caller, why in enumerate(now.why, start=1)
            if why == "enough"
        )

    def gate_opens_when_enough(now: WaitingState) -> bool:
        """[2] Who is blocked with enough noted finds the gate open, or will at once."""
        return all(
            now.gates[caller - 1] or _about_to_open(now, caller)
            for caller, stands in enumerate(now.callers, start=1)
            if stands == "blocked"
            and model.asks[caller - 1] != AS_COMPLETED
            and model.enough(now, caller)
        )

    def nobody_forgotten(now: WaitingState) -> bool:
        """[2] A future that has ended is noted by everybody who is blocked on it."""
        return all(
            future in now.told[caller - 1] or caller in now.telling[future - 1]
            for caller, stands in enumerate(now.callers, start=1)
            if stands == "blocked"
            for future in model.visits(caller)
            if now.futures[future - 1] != "pending"
        )

    return {
        "ReturnsOnlyWhenEnough": returns_only_when_enough,
        "NothingLeftInstalled": nothing_left_installed,
        "NotedOnce": noted_once,
        "GateOpensWhenEnough": gate_opens_when_enough,
        "NobodyForgotten": nobody_forgotten,
    }


def _has_enough(model: WaitingModel, now: WaitingState, caller: int) -> bool:
    visits = model.visits(caller)
    ended = [now.futures[each - 1] for each in visits if now.futures[each - 1] != "pending"]
    if model.asks[caller - 1] == AS_COMPLETED:
        return len(ended) == len(visits) == now.yielded[caller - 1]
    endings = tuple(Ending(each) for each in ended)
    return may_return(ReturnWhen(model.asks[caller - 1]), len(visits) - len(ended), endings)


def _about_to_open(now: WaitingState, caller: int) -> bool:
    return any(
        noted and telling[0] == caller
        for noted, telling in zip(now.noted, now.telling, strict=True)
        if telling
    )


def nothing_left_installed(now: WaitingState) -> bool:
    """Who is back has left no waiter behind (M18)."""
    back = [caller for caller, stands in enumerate(now.callers, start=1) if stands == "back"]
    return not any(caller in waiters for caller in back for waiters in now.installed)


def noted_once(now: WaitingState) -> bool:
    """No waiter notes a future twice, however often its caller names it (H8)."""
    return all(len(set(told)) == len(told) for told in now.told)


def ending_is_final(before: WaitingState, after: WaitingState) -> bool:
    """[12] A future that has ended stays as it is."""
    return all(
        was in ("pending", now) for was, now in zip(before.futures, after.futures, strict=True)
    )


WAITING_STEPS: Final[Mapping[str, Callable[[WaitingState, WaitingState], bool]]] = {
    "EndingIsFinal": ending_is_final,
}

# ----------------------------------------------------------------- ThreadPool


def thread_pool(model: ThreadPoolModel) -> Mapping[str, Callable[[ThreadPoolState], bool]]:
    """Return the invariants of ``model``."""

    def capacity(now: ThreadPoolState) -> bool:
        """[6] Threads that exist or are promised: as many as there is work for.

        Where the system refuses threads, one is enough.
        """
        if not accepts(now.phase):
            return True
        alive = sum(each in ALIVE for each in now.threads)
        backlog = sum(
            call in ("accepted", "starting") and future not in DONE
            for call, future in zip(now.calls, now.futures, strict=True)
        )
        return alive >= min(1 if model.start_fails else model.threads, backlog)

    return {
        "AcceptanceIsAtomic": acceptance_is_atomic,
        "CancelledMeansTold": cancelled_means_told,
        "Capacity": capacity,
        "InOneRoomOnly": in_one_room_only,
        "NothingLost": nothing_lost,
        "NoThreadSleepsWhileWorkWaits": no_thread_sleeps_while_work_waits,
        "ShutdownMeansEnded": shutdown_means_ended,
        "EndedMeansSettled": ended_means_settled,
    }


def acceptance_is_atomic(now: ThreadPoolState) -> bool:
    """[3] A call whose ``submit`` raised never runs (M14)."""
    return all(
        future in (State.PENDING, State.CANCELLED_AND_NOTIFIED)
        for call, future in zip(now.calls, now.futures, strict=True)
        if call == "raised"
    )


def in_one_room_only(now: ThreadPoolState) -> bool:
    """At most once: a work id is queued once or held by one thread, never both."""
    held = [
        hold
        for hold, stands in zip(now.holds, now.threads, strict=True)
        if hold and stands in ("holding", "running")
    ]
    everywhere = [*now.work_ids, *held]
    return len(set(everywhere)) == len(everywhere)


def nothing_lost(now: ThreadPoolState) -> bool:
    """[1] An accepted call that has not ended is queued, held, or running."""
    there = frozenset((*now.work_ids, *now.holds))
    return all(
        number in there
        for number, (call, future) in enumerate(zip(now.calls, now.futures, strict=True), 1)
        if call == "accepted" and future not in DONE
    )


def no_thread_sleeps_while_work_waits(now: ThreadPoolState) -> bool:
    """[6] While a thread is parked, each queued call has a thread that comes for it."""
    if not now.parked:
        return True
    coming = ("starting", "initializing", "seeking")
    return sum(each in coming for each in now.threads) >= len(now.work_ids)


def shutdown_means_ended(now: ThreadPoolState) -> bool:
    """``shutdown(wait=True)`` returns only when no thread is left."""
    return "back" not in now.closers or not any(each in ALIVE for each in now.threads)


def ended_means_settled(now: ThreadPoolState) -> bool:
    """[1] Once no thread is left and nobody discards, every accepted call has ended."""
    if any(each in ALIVE for each in now.threads) or "discarding" in now.closers:
        return True
    return all(
        future in NOTIFIED
        for call, future in zip(now.calls, now.futures, strict=True)
        if call == "accepted"
    )


def requests_are_monotone(before: ThreadPoolState, after: ThreadPoolState) -> bool:
    """[8] No later request weakens an earlier one (M5)."""
    return STRENGTH[after.phase] >= STRENGTH[before.phase]


def futures_end_once(before: ThreadPoolState, after: ThreadPoolState) -> bool:
    """[12] A future that has ended stays as it is, and everybody was told of its end."""
    return all(
        was not in NOTIFIED or now is was
        for was, now in zip(before.futures, after.futures, strict=True)
    )


def cancelled_means_told(now: ThreadPoolState) -> bool:
    """[2] No owned future is cancelled without its waiters being told (M4)."""
    return State.CANCELLED not in now.futures


def none_begins_after_cancelling(before: ThreadPoolState, after: ThreadPoolState) -> bool:
    """Once the queue is to be discarded, no thread takes a call from it to run it."""
    if runs_queued(before.phase):
        return True
    return before.threads.count("holding") >= after.threads.count("holding")


THREAD_POOL_STEPS: Final[Mapping[str, Callable[[ThreadPoolState, ThreadPoolState], bool]]] = {
    "RequestsAreMonotone": requests_are_monotone,
    "FuturesEndOnce": futures_end_once,
    "NoneBeginsAfterCancelling": none_begins_after_cancelling,
}

# ------------------------------------------------------------------------ Map


def mapping(model: MapModel) -> Mapping[str, Callable[[MapState], bool]]:
    """Return the invariants of ``model``."""

    def yields_all_or_raises(now: MapState) -> bool:
        """[11] An iterator that ends without raising has yielded everything (M7)."""
        return now.iterator != "ended" or now.yielded == model.items

    def buffer_is_bounded(now: MapState) -> bool:
        """No more than ``buffersize`` calls are submitted and not yet yielded."""
        submitted = model.items - now.items.count("unread")
        return submitted - now.yielded <= model.buffersize

    return {
        "YieldsAllOrRaises": yields_all_or_raises,
        "BufferIsBounded": buffer_is_bounded,
        "YieldsInOrder": yields_in_order,
        "NothingStranded": nothing_stranded,
    }


def yields_in_order(now: MapState) -> bool:
    """What was yielded is the results of the first items."""
    return all(each == "result" for each in now.items[: now.yielded])


def nothing_stranded(now: MapState) -> bool:
    """An iterator that has raised leaves no call behind that has not ended (M25)."""
    return now.iterator not in ("raised", "ended") or "pending" not in now.items
