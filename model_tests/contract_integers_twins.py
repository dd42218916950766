"""The contracts of contract_integers on steps with a defect: each must be refuted."""

from dataclasses import replace

from foregone_spec import process_pool_steps as steps
from foregone_spec.future import State
from foregone_spec.process_death import Policy
from foregone_spec.process_pool import ProcessPoolModel
from foregone_spec.process_pool_actions import Action, Claim, Die, Offer, Ready, Retire, SeeDeath
from foregone_spec.process_pool_state import ProcessPoolState
from model_tests.contract_integers import POOL, kept, queued, right


def offer(capacity: int, overtake: int, first: bool, second: bool) -> bool:
    """Offer the third call, whether there is room or not.

    pre: capacity >= 2 and overtake >= 1
    post: __return__
    """

    def wrong(_: ProcessPoolModel, now: ProcessPoolState, __: Action) -> ProcessPoolState:
        return steps.put(now, (), (*now.call_queue, 3))

    model = replace(POOL, capacity=capacity, overtake=overtake)
    return kept(model, queued(first, second), Offer(3), wrong)


def claim(overtake: int, used: int, limit: int, asleep: bool, later: bool) -> bool:
    """Have a process claim one of two calls, though it may have run enough.

    pre: overtake >= 1 and 0 <= used and 0 <= limit
    pre: used <= limit or limit == 0
    post: __return__
    """

    def wrong(model: ProcessPoolModel, now: ProcessPoolState, _: Action) -> ProcessPoolState:
        return steps.claimed(now, 1, 2 if later else 1, model.overtake, bool(model.max_tasks))

    model = replace(POOL, overtake=overtake, max_tasks=limit)
    before = replace(queued(True, True), awake=not asleep, used=(used, 0))
    return kept(model, before, Claim(1, 2 if later else 1), wrong)


def retire(used: int, limit: int, asleep: bool) -> bool:
    """Have a process retire, and tell nobody.

    pre: 0 <= used <= limit
    post: __return__
    """

    def wrong(_: ProcessPoolModel, now: ProcessPoolState, __: Action) -> ProcessPoolState:
        return steps.at(now, 1, "ended")

    model = replace(POOL, max_tasks=limit)
    before = replace(queued(True, True), awake=not asleep, used=(used, 0))
    return kept(model, before, Retire(1), wrong)


def ready(early: int, may_die: int, asleep: bool) -> bool:
    """Have a process be ready, and count one death less.

    pre: early >= 0 and may_die >= 0
    post: __return__
    """

    def wrong(_: ProcessPoolModel, now: ProcessPoolState, __: Action) -> ProcessPoolState:
        return replace(steps.at(now, 2, "idle"), early=now.early - 1)

    before = replace(queued(True, True), awake=not asleep, early=early, may_die=may_die)
    return kept(POOL, before, Ready(2), wrong)


def die(early: int, may_die: int, asleep: bool, second: bool) -> bool:
    """Have a process die, though none may die any more.

    pre: early >= 0 and may_die >= 0
    post: __return__
    """

    def wrong(_: ProcessPoolModel, now: ProcessPoolState, __: Action) -> ProcessPoolState:
        return steps.dead(now, 2 if second else 1)

    before = replace(queued(True, True), awake=not asleep, early=early, may_die=may_die)
    return kept(POOL, before, Die(2 if second else 1), wrong)


def see_death(early: int, limit: int, replaces: bool, stillborn: bool, claimed: bool) -> bool:
    """Find a process dead, and end what it did not claim.

    pre: early >= 0 and limit >= 1
    post: __return__
    """

    def wrong(model: ProcessPoolModel, now: ProcessPoolState, action: Action) -> ProcessPoolState:
        after = right(model, now, action)
        if now.early + 1 < model.early_limit:
            return after
        return replace(after, futures=(State.FINISHED,) * len(after.futures))

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
    return kept(model, replace(before, futures=pending), SeeDeath(2), wrong)
