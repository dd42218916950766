"""What the calls of the semantics table do, wherever they run, beside those of ``calls.py``."""

import os
from concurrent.futures import CancelledError
from typing import Final

from foregone_conformance.exhibits.tasks import Explosive, awaited, mark

#: The name of an attribute that an error is given, and its value.
DETAIL: Final = "detail"
NOTE: Final = "a note on the error"


def raise_cancelled() -> None:
    """Raise what result() raises for who was cancelled."""
    raise CancelledError("of the call")


def raise_timeout() -> None:
    """Raise what result() raises for who waited in vain."""
    raise TimeoutError("of the call")


def raise_interrupt() -> None:
    """Raise what Ctrl-C does."""
    raise KeyboardInterrupt("of the call")


def raise_stop(number: int = 3) -> int:
    """Return the number, or raise what ends an iterator for three."""
    if number == 3:
        raise StopIteration("of the call")
    return number


def exit_with_three() -> None:
    """Exit."""
    raise SystemExit(3)


def a_list() -> list[int]:
    """Return a list: a new one each time."""
    return [1, 2, 3]


def fail_far_below() -> None:
    """Raise ValueError two calls below."""
    _between()


def _between() -> None:
    _far_below()


def _far_below() -> None:
    raise ValueError("far below")


#: What the traceback of ``fail_far_below`` has to name.
FAR_BELOW: Final = _far_below.__name__


def fail_because() -> None:
    """Raise ValueError from KeyError."""
    try:
        raise KeyError("the cause")
    except KeyError as cause:
        raise ValueError("what follows") from cause


def fail_meanwhile() -> None:
    """Raise ValueError while KeyError is being handled."""
    try:
        raise KeyError("the cause")
    except KeyError:
        raise ValueError("what follows")  # noqa: B904  it is asked


def fail_with_notes() -> None:
    """Raise an error that has a note and an attribute."""
    error = ValueError("with notes")
    error.add_note(NOTE)
    setattr(error, DETAIL, 7)
    raise error


def explosive() -> object:
    """Return what pickles, and does not unpickle."""
    return Explosive()


def in_order(place: str, number: int) -> None:
    """Write the number on a line of its own."""
    with open(os.path.join(place, "order"), "a", encoding="utf-8") as file:
        file.write(f"{number}\n")


def order(place: str) -> list[int]:
    """Return what ``in_order`` has written."""
    with open(os.path.join(place, "order"), encoding="utf-8") as file:
        return [int(each) for each in file]


def in_turn(place: str, number: int) -> int:
    """Fail for 0, wait until it may go on for 1, and leave a mark of every number."""
    mark(place, f"ran.{number}")
    if number == 0:
        raise ValueError("the first")
    if number == 1:
        mark(place, "begun")
        awaited(place, "go on")
    return number
