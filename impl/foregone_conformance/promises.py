"""What an executor says of itself that it does not promise, and the claims that ask for it.

An executor whose ``at_most_once`` is False runs a call again when its worker, or its result, is
lost, as a cluster does that keeps no account of what was begun.  Nobody can say then whether a
call that was handed on has begun, so ``cancel()`` is refused from there on.  The claims named
here ask for more.  They are tried all the same, and the report says what was seen; but they do
not count as broken, nor as kept.
"""

from typing import Final

from foregone_conformance.kinds import NotApplicable

#: The file in a claim's folder that has it, for the judge of who does not come back.
SAYS: Final = "says"

AT_LEAST_ONCE: Final = "calls run at least once"
AT_MOST_ONCE: Final = "calls run at most once"

#: The claims that an executor does not make whose calls run at least once, and why.
NOT_CLAIMED: Final[dict[str, str]] = {
    "AtMostOnce": "a call whose worker is lost begins again",
    "CancelSucceedsUntilClaimed": "cancel() is refused from when a call is handed on",
    "running": "what was handed on may have begun, and counts as running",
    "cancel-waiting": "cancel() is refused from when a call is handed on",
    "M12": "a call whose process ends in it is run again, and waits for its turn behind others",
    "M4p": "what was handed on may have begun, and is not cancelled",
    "M5p": "what was handed on may have begun, and is not cancelled",
    "map-stops": "what was handed on may have begun, and is not cancelled",
    "map-timeout-stops": "what was handed on may have begun, and is not cancelled",
    "shutdown-cancels": "what was handed on may have begun, and is not cancelled",
    "NoForeignCodeUnderALock": "cancel() of what was handed on is refused, also in a callback",
}


def said_by(executor: object) -> str:
    """Return what an executor says of itself, or ""; who has no ``at_most_once`` says nothing."""
    once: object = getattr(executor, "at_most_once", None)
    if once is True:
        return AT_MOST_ONCE
    return AT_LEAST_ONCE if once is False else ""


def insist_on(says: str, claim: str) -> None:
    """Raise NotApplicable if who says that does not make the claim: it would wait in vain."""
    if says == AT_LEAST_ONCE:
        raise NotApplicable(_why(says, claim))


def _why(says: str, claim: str) -> str:
    return f"the executor says that {says} (its at_most_once is False): {NOT_CLAIMED[claim]}"


def waived(says: str, claim: str, verdict: str, seen: str) -> str:
    """Return why a claim does not apply to who says that, with what was seen; "" if it does."""
    if says != AT_LEAST_ONCE or claim not in NOT_CLAIMED:
        return ""
    here = f"here it was {verdict}" + (f": {seen}" if seen else "")
    return f"{_why(says, claim)}; {here}"
