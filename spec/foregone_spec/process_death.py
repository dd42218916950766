"""What the death of a process does to its pool, as a total table.

Whatever the policy, the one call that the process had claimed and not answered is
blamed: its future fails (``work_item``, event died).  What the table says is whether
the pool breaks of it, so that everything that is pending fails, or lives on with
another process in the place of the dead one.
"""

from typing import Final

from foregone_spec.identity import IdentityEnum

#: So many deaths in a row, each before the process was ready, break a pool.
EARLY_LIMIT: Final = 3


class Policy(IdentityEnum):
    """What the pool was told to do when a process dies (``on_process_death``)."""

    BREAK = "break"
    REPLACE = "replace"


class Death(IdentityEnum):
    """How a process came to its end."""

    EXPECTED = "expected"  # it was told to end, or has run as many calls as it may
    LATER = "later"  # after it was ready
    EARLY = "early"  # before it was ready
    EARLY_AGAIN = "early_again"  # and so did those before it: the limit is reached
    INITIALIZER = "initializer"  # its initializer raised


BREAKS: Final[dict[Policy, dict[Death, bool]]] = {
    Policy.BREAK: {
        Death.EXPECTED: False,
        Death.LATER: True,
        Death.EARLY: True,
        Death.EARLY_AGAIN: True,
        Death.INITIALIZER: True,
    },
    Policy.REPLACE: {
        Death.EXPECTED: False,
        Death.LATER: False,
        Death.EARLY: False,
        Death.EARLY_AGAIN: True,  # or it would start processes for ever
        Death.INITIALIZER: True,
    },
}


def breaks_on(policy: Policy, death: Death) -> bool:
    """Say whether a pool under ``policy`` breaks when a process dies so.

    post: implies(death is Death.EXPECTED, not __return__)
    post: implies(death in (Death.INITIALIZER, Death.EARLY_AGAIN), __return__)
    post: implies(death in (Death.LATER, Death.EARLY), __return__ == (policy is Policy.BREAK))
    """
    return BREAKS[policy][death]


def died_early(before: int, limit: int) -> Death:
    """Return how a process died that was not ready, after ``before`` such deaths in a row.

    pre: before >= 0 and limit >= 1
    post: implies(limit == 1, __return__ is Death.EARLY_AGAIN)
    post: implies(before == 0 and limit > 1, __return__ is Death.EARLY)
    post: (__return__ is Death.EARLY_AGAIN) == (before >= limit - 1)
    """
    return Death.EARLY_AGAIN if before + 1 >= limit else Death.EARLY
