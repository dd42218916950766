"""Steps of the process pool keep its claims at any integers: contracts for CrossHair.

contract_states enumerates states at small numbers.  Here the rooms are given, with a few
choices, and the numbers are any: places in the Call Q, calls that may overtake, calls
that a process may run, deaths before and deaths to come.  Each contract says that all
that is inductive holds before the step and after it, and that no number leaves its type.
contract_integers_twins has each once more with a defect, to be refuted.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import TypeAlias

from foregone_spec.future import State
from foregone_spec.process_death import Policy
from foregone_spec.process_pool import ProcessPoolModel
from foregone_spec.process_pool_actions import Action, Claim, Die, Offer, Ready, Retire, SeeDeath
from foregone_spec.process_pool_invariants import PROCESS_POOL_STEPS
from foregone_spec.process_pool_state import ProcessPoolState
from model_tests.contract_strengthening import inductive

#: What an action makes of a state.
Effect: TypeAlias = Callable[[ProcessPoolModel, ProcessPoolState, Action], ProcessPoolState]

#: Three calls, two processes, and nobody who ends the executor.
POOL = ProcessPoolModel(3, 2, 2, (), 1)
#: All calls are accepted; both processes are there, and the local worker is awake.
FULL = replace(
    POOL.initial()[0],
    calls=("accepted",) * 3,
    processes=("idle", "starting"),
    watched=(True, True),
    awake=True,
)


def right(model: ProcessPoolModel, before: ProcessPoolState, action: Action) -> ProcessPoolState:
    """Return what the model makes of ``before``: nothing where ``action`` may not happen."""
    return model.step(before, action) if action in model.enabled(before) else before


def kept(
    model: ProcessPoolModel, before: ProcessPoolState, action: Action, effect: Effect = right
) -> bool:
    """Say whether all claims hold and ``action`` keeps them, and every number in its type."""
    claims = inductive(model).values()
    if not all(holds(before) for holds in claims):
        return False
    after = effect(model, before, action)
    typed = after.may_die >= 0 and after.early >= 0
    spent = model.max_tasks and any(each > model.max_tasks for each in after.used)
    return (
        typed
        and not spent
        and all(holds(after) for holds in claims)
        and all(allows(before, after) for allows in PROCESS_POOL_STEPS.values())
    )


def queued(first: bool, second: bool) -> ProcessPoolState:
    """Return a pool whose third call waits; the others are in the Call Q, or were answered."""
    return replace(
        FULL,
        work_ids=(3,),
        call_queue=((1,) if first else ()) + ((2,) if second else ()),
        begun=(0 if first else 1, 0 if second else 1, 0),
        futures=(
            State.PENDING if first else State.FINISHED,
            State.PENDING if second else State.FINISHED,
            State.PENDING,
        ),
    )


def offer(capacity: int, overtake: int, first: bool, second: bool) -> bool:
    """Offer the third call, whatever the Call Q holds and whoever may overtake.

    pre: capacity >= 2 and overtake >= 1
    post: __return__
    """
    model = replace(POOL, capacity=capacity, overtake=overtake)
    return kept(model, queued(first, second), Offer(3))


def claim(overtake: int, used: int, limit: int, asleep: bool, later: bool) -> bool:
    """Have a process claim one of two calls, before which others may have been claimed.

    pre: overtake >= 1 and 0 <= used and 0 <= limit
    pre: used <= limit or limit == 0
    post: __return__
    """
    model = replace(POOL, overtake=overtake, max_tasks=limit)
    before = replace(queued(True, True), awake=not asleep, used=(used, 0))
    return kept(model, before, Claim(1, 2 if later else 1))


def retire(used: int, limit: int, asleep: bool) -> bool:
    """Have a process retire that has run as many calls as it may.

    pre: 0 <= used <= limit
    post: __return__
    """
    model = replace(POOL, max_tasks=limit)
    before = replace(queued(True, True), awake=not asleep, used=(used, 0))
    return kept(model, before, Retire(1))


def ready(early: int, may_die: int, asleep: bool) -> bool:
    """Have a process be ready, after so many deaths.

    pre: early >= 0 and may_die >= 0
    post: __return__
    """
    before = replace(queued(True, True), awake=not asleep, early=early, may_die=may_die)
    return kept(POOL, before, Ready(2))


def die(early: int, may_die: int, asleep: bool, second: bool) -> bool:
    """Have an idle process die, or one that starts, after and before so many deaths.

    pre: early >= 0 and may_die >= 0
    post: __return__
    """
    before = replace(queued(True, True), awake=not asleep, early=early, may_die=may_die)
    return kept(POOL, before, Die(2 if second else 1))


def see_death(early: int, limit: int, replaces: bool, stillborn: bool, claimed: bool) -> bool:
    """Find a process dead, after so many deaths, of so many that are one too many.

    pre: early >= 0 and limit >= 1
    post: __return__
    """
    policy = Policy.REPLACE if replaces else Policy.BREAK
    model = replace(POOL, policy=policy, early_limit=limit)
    stands = "stillborn" if stillborn else "dead"
    before = replace(
        queued(not claimed or stillborn, True),
        processes=("idle", stands),
        runs=(0, 1 if claimed and not stillborn else 0),
        early=early,
    )
    pending = (State.PENDING,) * 3
    return kept(model, replace(before, futures=pending), SeeDeath(2))
