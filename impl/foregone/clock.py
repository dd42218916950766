"""Timeouts in seconds, checked where they come in.

None means no limit; zero and less, look once; infinity and what is too large for
the clock, no limit.  NaN is a ValueError and what is no number a TypeError, at
the call, whether or not there is anything to wait for.
"""

import math
import threading
import time
from collections.abc import Callable
from typing import Final, SupportsFloat, SupportsIndex

#: What a gate's ``acquire`` takes for "wait for ever".
NO_LIMIT: Final = -1.0

now: Final[Callable[[], float]] = time.monotonic


def limit(timeout: float | None, caller: str) -> float:
    """Return ``timeout`` in seconds as a gate takes it: NO_LIMIT, zero, or more."""
    if timeout is None:
        return NO_LIMIT
    given: object = timeout
    usual = type(given) in (int, float)  # the protocols are slow to ask; str is neither
    if not usual and not isinstance(given, (SupportsFloat, SupportsIndex)):
        raise TypeError(
            f"{caller}: timeout must be a number of seconds or None, not {timeout!r} "
            f"of type {type(timeout).__name__}"
        )
    try:
        seconds = float(timeout)
    except OverflowError:  # an int that no float can hold
        return NO_LIMIT if timeout > 0 else 0.0
    if math.isnan(seconds):
        raise ValueError(
            f"{caller}: timeout must be a number of seconds or None, not NaN; "
            f"pass None to wait without limit"
        )
    if seconds > threading.TIMEOUT_MAX:
        return NO_LIMIT
    return max(seconds, 0.0)


def deadline(seconds: float) -> float:
    """Return when ``seconds`` from now will be, or NO_LIMIT."""
    return NO_LIMIT if seconds == NO_LIMIT else now() + seconds


def remaining(until: float) -> float:
    """Return how many seconds are left until a deadline: NO_LIMIT, zero, or more."""
    return NO_LIMIT if until == NO_LIMIT else max(until - now(), 0.0)
