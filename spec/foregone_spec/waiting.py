"""When wait() may return, as a total table.

wait() looks at a set of futures and returns when all of them have ended, or when
one of them has ended in a way that its ``return_when`` asks for.
"""

from typing import Final

from foregone_spec.future import State
from foregone_spec.identity import IdentityEnum


class ReturnWhen(IdentityEnum):
    """What wait() waits for; the values are the seed's constants."""

    FIRST_COMPLETED = "FIRST_COMPLETED"
    FIRST_EXCEPTION = "FIRST_EXCEPTION"
    ALL_COMPLETED = "ALL_COMPLETED"


class Ending(IdentityEnum):
    """How one future ended, as far as wait() can tell."""

    RESULT = "result"
    EXCEPTION = "exception"
    CANCELLED = "cancelled"


_FIRST, _EXCEPTION, _ALL = ReturnWhen
_OK, _FAILED, _GONE = Ending

#: Does one such ending let wait() return, though others are still unfinished?
RETURNS_ON: Final[dict[ReturnWhen, dict[Ending, bool]]] = {
    # docs: "Return when any future finishes or is cancelled."
    _FIRST: {_OK: True, _FAILED: True, _GONE: True},
    # docs: "Return when any future finishes by raising an exception."
    _EXCEPTION: {_OK: False, _FAILED: True, _GONE: False},
    # docs: "Return when all futures finish or are cancelled."
    _ALL: {_OK: False, _FAILED: False, _GONE: False},
}


def returns_on(when: ReturnWhen, ending: Ending) -> bool:
    """Say whether one future's ``ending`` ends a wait for ``when`` by itself.

    post: implies(when is ReturnWhen.FIRST_COMPLETED, __return__)
    post: implies(when is ReturnWhen.ALL_COMPLETED, not __return__)
    post: implies(when is ReturnWhen.FIRST_EXCEPTION, __return__ == (ending is Ending.EXCEPTION))
    """
    return RETURNS_ON[when][ending]


def may_return(when: ReturnWhen, unfinished: int, endings: tuple[Ending, ...]) -> bool:
    """Say whether wait() may return: ``endings`` seen, ``unfinished`` futures left.

    pre: unfinished >= 0
    pre: len(endings) <= 3
    post: implies(unfinished == 0, __return__)
    post: implies(unfinished > 0 and len(endings) == 0, not __return__)
    post: implies(unfinished > 0 and when is ReturnWhen.ALL_COMPLETED, not __return__)
    """
    return unfinished == 0 or any(returns_on(when, ending) for ending in endings)


def ending(state: State, failed: bool) -> Ending | None:
    """Return how a future in ``state`` ended, or None while wait() must go on.

    ``failed`` says whether a finished future holds an exception.

    post: (__return__ is None) == (state not in (State.FINISHED, State.CANCELLED_AND_NOTIFIED))
    post: implies(state is State.FINISHED, (__return__ is Ending.EXCEPTION) == failed)
    """
    if state is State.CANCELLED_AND_NOTIFIED:
        return Ending.CANCELLED
    if state is State.FINISHED:
        return Ending.EXCEPTION if failed else Ending.RESULT
    return None
