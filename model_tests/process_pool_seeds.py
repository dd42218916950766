"""Old and plausible designs of the process pool, each of which an invariant forbids.

``SEEDS`` names for each the model in which it is planted and what it must violate.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Final

import pytest

from foregone_spec import future, lifecycle, process_pool_steps, work_item
from foregone_spec.explore import label
from foregone_spec.future import Command, State
from foregone_spec.lifecycle import Phase, Request
from foregone_spec.model import replaced
from foregone_spec.process_death import Policy
from foregone_spec.process_pool import ProcessPoolModel
from foregone_spec.process_pool_actions import (
    Action,
    Cancel,
    Offer,
    SeeDeath,
    ShutdownReturns,
    Sleep,
    Start,
    Submit,
)
from foregone_spec.process_pool_state import ProcessPoolState
from foregone_spec.work_item import Event, Place

CANCELLING: Final = (Request.SHUTDOWN_CANCEL_FUTURES,)
#: One process, which may die and is replaced.
ONE: Final = ProcessPoolModel(2, 1, 1, CANCELLING, 1, Policy.REPLACE)
#: Two processes, and more calls than there is room for in the Call Q.
TWO: Final = ProcessPoolModel(3, 2, 2, (), overtake=1)
#: One process, and whatever may go wrong.
ALL: Final = ProcessPoolModel(
    *(2, 1, 1, tuple(Request)[:2], 2, Policy.REPLACE),
    max_tasks=1,
    early_limit=2,
    initializer_fails=True,
    start_fails=True,
    unpicklable=True,
    collects=True,
)


class Seeds:
    """Old and plausible designs, each put in the place of one part of the model."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.patch = patch

    def step(self, change: Callable[[ProcessPoolState, Action, ProcessPoolState], object]) -> None:
        """Have ``change`` say what comes after an action."""
        right = ProcessPoolModel.step
        self.patch.setattr(
            ProcessPoolModel,
            "step",
            lambda self, state, action: change(state, action, right(self, state, action)),
        )

    def enabled(
        self, change: Callable[[ProcessPoolState, Sequence[Action]], Iterator[Action]]
    ) -> None:
        """Have ``change`` say what may happen."""
        right = ProcessPoolModel._enabled
        self.patch.setattr(
            ProcessPoolModel,
            "_enabled",
            lambda self, now: change(now, tuple(right(self, now))),
        )

    def cell(self, place: Place, event: Event, cell: work_item.Step) -> None:
        """Change a cell of the table of work items."""
        self.patch.setitem(work_item.TRANSITIONS[place], event, cell)


def raised_and_queued(seeds: Seeds) -> None:
    """Queue the call of a submit that raises (M14)."""

    def late(before: ProcessPoolState, action: Action, after: ProcessPoolState) -> ProcessPoolState:
        if not isinstance(action, Submit) or before.phase is Phase.OPEN:
            return after
        return replace(after, work_ids=(*after.work_ids, action.work_id), awake=True)

    seeds.step(late)


def claimed_and_left(seeds: Seeds) -> None:
    """Leave in the Call Q what a process runs."""
    right = process_pool_steps.claimed
    seeds.patch.setattr(
        process_pool_steps,
        "claimed",
        lambda now, *rest: replace(right(now, *rest), call_queue=now.call_queue),
    )


def offered_without_bound(seeds: Seeds) -> None:
    """Fill the Call Q, whatever its size, and whoever is overtaken."""
    seeds.patch.setattr(
        ProcessPoolModel, "_has_room", lambda _, now: bool(now.work_ids and any(now.watched))
    )


def cancelled_untold(seeds: Seeds) -> None:
    """Only cancel an owned future, and tell nobody (M4)."""
    wrong = future.TRANSITIONS[State.PENDING][Command.CANCEL]
    seeds.patch.setitem(future.TRANSITIONS[State.PENDING], Command.CANCEL_OWNED, wrong)


def cancelled_and_left(seeds: Seeds) -> None:
    """Leave a cancelled call in the Call Q."""
    seeds.step(
        lambda before, action, after: (
            replace(after, call_queue=before.call_queue) if isinstance(action, Cancel) else after
        )
    )


def not_cancelled_once_offered(seeds: Seeds) -> None:
    """Refuse to cancel what is in the Call Q, as the first futures did."""
    right = ProcessPoolModel.of_callers
    seeds.patch.setattr(
        ProcessPoolModel,
        "of_callers",
        lambda self, now: (
            each
            for each in right(self, now)
            if not isinstance(each, Cancel) or each.work_id in now.work_ids
        ),
    )


def deaf(seeds: Seeds) -> None:
    """Wake nobody when a process answers or ends."""
    seeds.patch.setattr(process_pool_steps, "heard", lambda now, _: now)


def unwatched(seeds: Seeds) -> None:
    """Start a process after the local worker looked whom to watch (M1)."""
    seeds.step(
        lambda before, action, after: (
            replace(after, watched=before.watched) if isinstance(action, Start) else after
        )
    )


def asleep_too_soon(seeds: Seeds) -> None:
    """Let the local worker sleep with things to do."""
    seeds.enabled(lambda now, found: iter((*found, Sleep()) if now.awake else found))


def back_too_soon(seeds: Seeds) -> None:
    """Return from shutdown while processes live and calls are pending (M17)."""
    seeds.enabled(
        lambda now, found: iter(
            (*found, ShutdownReturns(1)) if now.closers == ("joining",) else found
        )
    )


def running_when_offered(seeds: Seeds) -> None:
    """Say that a call runs as soon as it is in the Call Q, as CPython does."""
    seeds.step(
        lambda _, action, after: (
            replace(after, futures=replaced(after.futures, action.work_id - 1, State.RUNNING))
            if isinstance(action, Offer)
            else after
        )
    )


def noticed_untold(seeds: Seeds) -> None:
    """End what is found to be running."""
    seeds.cell(Place.IN_SLOT, Event.CLAIM, work_item.Step(Place.CLAIMED, Command.SET_RESULT))


def died_untold(seeds: Seeds) -> None:
    """Forget the call that a dead process had claimed."""
    for place in (Place.IN_SLOT, Place.CLAIMED):
        seeds.cell(place, Event.DIED, work_item.Step(Place.SETTLED))


def recalled_to_the_back(seeds: Seeds) -> None:
    """Put what is recalled at the end of Work Ids."""
    seeds.patch.setattr(
        process_pool_steps,
        "put",
        lambda now, work_ids, call_queue: replace(
            now, work_ids=work_ids, call_queue=tuple(sorted(call_queue))
        ),
    )


def blamed_all(seeds: Seeds) -> None:
    """Blame a death for what was offered but not claimed."""
    right = process_pool_steps.blamed

    def wrong(now: ProcessPoolState, process: int, policy: Policy, limit: int) -> ProcessPoolState:
        for number in now.call_queue:
            now = process_pool_steps.ended(now, number, Event.FAIL)
        return right(now, process, policy, limit)

    seeds.patch.setattr(process_pool_steps, "blamed", wrong)


def weaker(seeds: Seeds) -> None:
    """Let a later shutdown take cancel_futures back (M5)."""
    seeds.patch.setitem(
        lifecycle.TRANSITIONS[Phase.CANCELLING],
        Request.SHUTDOWN,
        lifecycle.Step(Phase.SHUTTING_DOWN),
    )


def answered_twice(seeds: Seeds) -> None:
    """Let an answer end what had ended otherwise."""
    seeds.step(
        lambda before, action, after: (
            replace(after, futures=(State.FINISHED,) * len(after.futures))
            if label(action) == "Answer" and State.CANCELLED_AND_NOTIFIED in before.futures
            else after
        )
    )


def offered_again(seeds: Seeds) -> None:
    """Run the call once more that a dead process had claimed."""

    def again(before: ProcessPoolState, action: Action, after: ProcessPoolState) -> object:
        if not isinstance(action, SeeDeath) or not before.runs[action.process - 1]:
            return after
        number = before.runs[action.process - 1]
        futures = replaced(after.futures, number - 1, State.PENDING)
        return replace(after, work_ids=(number, *after.work_ids), futures=futures)

    seeds.step(again)


def told_of_a_payload(seeds: Seeds) -> None:
    """Break the pool of a call that does not pickle (M16)."""
    seeds.step(
        lambda _, action, after: (
            process_pool_steps.asked(after, Request.BREAK)
            if label(action) == "SubmitUnpicklable"
            else after
        )
    )


SHUTDOWN: Final = ProcessPoolModel(1, 1, 1)
BOTH: Final = replace(ONE, closers=(*CANCELLING, Request.SHUTDOWN), deaths=0)
SEEDS: Final[tuple[tuple[Callable[[Seeds], None], ProcessPoolModel, set[str]], ...]] = (
    (raised_and_queued, ONE, {"AcceptanceIsAtomic", "NothingLost"}),
    (claimed_and_left, ONE, {"AtMostOnce", "InOneRoomOnly"}),
    (offered_without_bound, TWO, {"BoundedCallQueue", "OvertakenByFew"}),
    (cancelled_untold, ONE, {"CancelledMeansTold"}),
    (cancelled_and_left, ONE, {"CancelledNeverRuns", "NothingLost"}),
    (not_cancelled_once_offered, ONE, {"CancelSucceedsUntilClaimed"}),
    (deaf, ONE, {"Capacity"}),
    (unwatched, ONE, {"WatchedSet", "Capacity"}),
    (asleep_too_soon, TWO, {"NoProcessIdlesWhileWorkWaits", "Capacity"}),
    (back_too_soon, SHUTDOWN, {"EndedMeansSettled", "ShutdownMeansEnded"}),
    (running_when_offered, ONE, {"KnownIsTrue"}),
    (noticed_untold, ONE, {"ExactBlame", "NothingLost"}),
    (died_untold, ONE, {"NothingLost", "ExactBlame"}),
    (recalled_to_the_back, TWO, {"WorkIdsInOrder"}),
    (blamed_all, ProcessPoolModel(3, 1, 2, (), 1), {"ExactBlame", "Containment"}),
    (weaker, BOTH, {"RequestsAreMonotone"}),
    (answered_twice, ONE, {"FuturesEndOnce"}),
    (offered_again, ONE, {"AtMostOnce", "CallsMoveByTheTable"}),
    (told_of_a_payload, replace(ONE, unpicklable=True), {"Containment"}),
)
