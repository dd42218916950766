"""The functions of the specification that have contracts, each with a seeded bug.

A contract that CrossHair confirms says something only if it can be refuted.  So
each function stands here once more, under the name MODULE_FUNCTION, with the very
same contract and a body that is wrong in as many ways as its contract has lines:
every post-condition must be refuted.  chain/contracts.py compares and counts.
"""

from typing import TypeVar

from foregone_spec.future import (
    DONE,
    NOTIFIED,
    Command,
    Effect,
    Refusal,
    State,
    Step,
    is_done,
    step,
)
from foregone_spec.lifecycle import STRENGTH, Phase, Request, accepts
from foregone_spec.lifecycle import Effect as LifecycleEffect
from foregone_spec.lifecycle import Step as LifecycleStep
from foregone_spec.process_death import Death, Policy
from foregone_spec.waiting import Ending, ReturnWhen
from foregone_spec.work_item import UNCLAIMED, Event, Place
from foregone_spec.work_item import Step as WorkItemStep

A = TypeVar("A")

# What only the contracts name.
_ = (DONE, NOTIFIED, STRENGTH, UNCLAIMED, step, is_done, accepts)


def future_step(state: State, command: Command) -> Step:
    """Run a future again, resurrect a dead one, and act on refusals.

    post: implies(state in DONE, __return__.after in DONE)
    post: implies(state in NOTIFIED, __return__.after is state)
    post: implies(isinstance(__return__.reply, Refusal), __return__.after is state)
    post: implies(isinstance(__return__.reply, Refusal), __return__.effects == ())
    post: implies(__return__.after is State.RUNNING, state in (State.PENDING, State.RUNNING))
    post: implies(__return__.after is state, __return__.effects == ())
    """
    if command is Command.SET_RUNNING_OR_NOTIFY_CANCEL:
        return Step(State.RUNNING, Refusal.UNEXPECTED_STATE, (Effect.TELL_WAITERS,))
    return Step(State.FINISHED, None)


def future_cancel_command(owned: bool) -> Command:
    """Begin the call instead of cancelling it, unless the future is owned.

    post: step(State.PENDING, __return__).reply is True
    post: owned == (step(State.PENDING, __return__).after in NOTIFIED)
    """
    return Command.CANCEL if owned else Command.SET_RESULT


def future_is_done(state: State) -> bool:
    """Forget that a cancelled future is done.

    post: __return__ == (state not in (State.PENDING, State.RUNNING))
    """
    return state in NOTIFIED


def future_is_notified(state: State) -> bool:
    """Take a running future for one whose waiters were told, and a finished one not.

    post: implies(__return__, is_done(state))
    post: __return__ == all(step(state, each).after is state for each in Command)
    """
    return state is State.RUNNING


def future_is_cancelled(state: State) -> bool:
    """Forget that a cancelled future stays cancelled once that was told.

    post: __return__ == (is_done(state) and state is not State.FINISHED)
    """
    return state is State.CANCELLED


def lifecycle_step(phase: Phase, request: Request) -> LifecycleStep:
    """Let a request weaken an earlier one, and open a broken executor (M5).

    post: STRENGTH[__return__.after] >= STRENGTH[phase]
    post: implies(__return__.after is phase, __return__.effects == ())
    post: __return__.after is not Phase.OPEN
    """
    if phase is Phase.BROKEN:
        return LifecycleStep(Phase.OPEN)
    return LifecycleStep(Phase.SHUTTING_DOWN, (LifecycleEffect.WAKE_THREADS,))


def lifecycle_accepts(phase: Phase) -> bool:
    """Accept calls while the interpreter ends.

    post: __return__ == (STRENGTH[phase] == 0)
    """
    return STRENGTH[phase] <= STRENGTH[Phase.INTERPRETER_EXIT]


def lifecycle_runs_queued(phase: Phase) -> bool:
    """Run what is queued in a broken executor, and not in an open one.

    post: implies(accepts(phase), __return__)
    post: __return__ == (STRENGTH[phase] < STRENGTH[Phase.CANCELLING])
    """
    return phase in (Phase.INTERPRETER_EXIT, Phase.SHUTTING_DOWN, Phase.BROKEN)


def waiting_returns_on(when: ReturnWhen, ending: Ending) -> bool:
    """Take a cancelled future for one that raised, and for no end of anything else.

    post: implies(when is ReturnWhen.FIRST_COMPLETED, __return__)
    post: implies(when is ReturnWhen.ALL_COMPLETED, not __return__)
    post: implies(when is ReturnWhen.FIRST_EXCEPTION, __return__ == (ending is Ending.EXCEPTION))
    """
    if when is ReturnWhen.FIRST_COMPLETED:
        return ending is not Ending.CANCELLED
    return ending is not Ending.RESULT


def waiting_may_return(when: ReturnWhen, unfinished: int, endings: tuple[Ending, ...]) -> bool:
    """Wait for one future too few.

    pre: unfinished >= 0
    pre: len(endings) <= 3
    post: implies(unfinished == 0, __return__)
    post: implies(unfinished > 0 and len(endings) == 0, not __return__)
    post: implies(unfinished > 0 and when is ReturnWhen.ALL_COMPLETED, not __return__)
    """
    return unfinished == 1 or Ending.EXCEPTION in endings


def waiting_ending(state: State, failed: bool) -> Ending | None:
    """Take a cancelled future whose waiters were not told for one that has ended.

    ``failed`` is not looked at.

    post: (__return__ is None) == (state not in (State.FINISHED, State.CANCELLED_AND_NOTIFIED))
    post: implies(state is State.FINISHED, (__return__ is Ending.EXCEPTION) == failed)
    """
    if state in (State.CANCELLED, State.CANCELLED_AND_NOTIFIED):
        return Ending.CANCELLED
    return Ending.RESULT if state is State.FINISHED else None


def work_item_step(place: Place, event: Event) -> WorkItemStep:
    """Begin what is settled, queue what has begun, and settle without a word.

    post: implies(place is Place.SETTLED, __return__.after is Place.SETTLED)
    post: implies(place is Place.CLAIMED, __return__.after in (Place.CLAIMED, Place.SETTLED))
    post: implies(__return__.after is Place.CLAIMED, place is Place.CLAIMED or event is Event.CLAIM)
    post: implies(__return__.after is Place.IN_SLOT, place is Place.IN_SLOT or event is Event.OFFER)
    post: implies(place is Place.WAITING, __return__.after is not Place.RECALLED)
    post: implies(__return__.after is Place.WAITING, place is Place.WAITING)
    post: implies(__return__.after in UNCLAIMED, __return__.command is None)
    post: __return__.after in (place, *UNCLAIMED) or __return__.command is not None
    """
    match place:
        case Place.SETTLED:
            return WorkItemStep(Place.CLAIMED)
        case Place.CLAIMED:
            return WorkItemStep(Place.WAITING, Command.CANCEL_OWNED)
        case Place.WAITING:
            return WorkItemStep(Place.RECALLED)
        case Place.RECALLED:
            return WorkItemStep(Place.IN_SLOT)
        case Place.IN_SLOT:
            return WorkItemStep(Place.SETTLED)


def process_death_breaks_on(policy: Policy, death: Death) -> bool:
    """Break of an expected end, and live on whatever else happens.

    post: implies(death is Death.EXPECTED, not __return__)
    post: implies(death in (Death.INITIALIZER, Death.EARLY_AGAIN), __return__)
    post: implies(death in (Death.LATER, Death.EARLY), __return__ == (policy is Policy.BREAK))
    """
    return death is Death.EXPECTED


def process_death_died_early(before: int, limit: int) -> Death:
    """Take the first death for the last that is allowed, and the last for the first.

    pre: before >= 0 and limit >= 1
    post: implies(limit == 1, __return__ is Death.EARLY_AGAIN)
    post: implies(before == 0 and limit > 1, __return__ is Death.EARLY)
    post: (__return__ is Death.EARLY_AGAIN) == (before >= limit - 1)
    """
    return Death.EARLY if before + 1 >= limit else Death.EARLY_AGAIN


def model_replaced(values: tuple[A, ...], index: int, value: A) -> tuple[A, ...]:
    """Put ``value`` at both ends.

    pre: 0 <= index < len(values)
    pre: len(values) <= 3
    post: len(__return__) == len(values)
    post: __return__[index] is value
    post: __return__[:index] == values[:index]
    post: __return__[index + 1 :] == values[index + 1 :]
    """
    return (value, *values[: index + 1], value)


def model_without(values: tuple[int, ...], value: int) -> tuple[int, ...]:
    """Leave out the first ``value`` and the last of all.

    pre: len(values) <= 3
    post: value not in __return__
    post: len(__return__) == len(values) - values.count(value)
    """
    place = values.index(value) if value in values else 0
    return (*values[:place], *values[place + 1 :])
