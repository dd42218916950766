"""What replies, effects and actions are, in words: for whoever asks, steps or clicks."""

from collections.abc import Mapping
from typing import Final

from foregone_spec.kinds import field_types

#: What a reply or an effect means; a test sees to it that none is missing.
WORDS: Final[Mapping[str, str]] = {
    "True": "the caller gets True",
    "False": "the caller gets False",
    "None": "the caller gets no answer: it did what it was asked",
    "InvalidStateError": "the caller gets InvalidStateError",
    "RuntimeError": "a critical record is logged, and the caller gets RuntimeError",
    "KeepOutcome": "the result or the exception is stored, together with the state",
    "TellWaiters": "everybody in wait() and as_completed() is told",
    "WakeBlocked": "everybody in result() and exception() is woken",
    "RunCallbacks": "the callbacks run, in the order they were added",
    "WakeThreads": "parked threads look again, and end when nothing is left to do",
    "CancelQueued": "the calls in the queue end as cancelled",
    "FailQueued": "the calls in the queue end with the executor's error",
    "returns": "wait() returns, though other futures are unfinished",
    "goes on": "wait() goes on waiting for the other futures",
    "breaks": "the pool breaks: all that is pending fails, and submit raises from now on",
    "lives on": "the pool goes on, with another process if one is wanted",
    "cancel_owned": "the future is given cancel_owned",
    "set_running_or_notify_cancel": "the future is given set_running_or_notify_cancel",
    "set_result": "the future is given set_result",
    "set_exception": "the future is given set_exception",
}


def typed(action: object) -> str:
    """Return an action as it is typed, and as its button has it: its name and its numbers."""
    fields = [str(getattr(action, name)) for name in field_types(type(action))]
    return " ".join([type(action).__name__, *fields])


def says(action: object) -> str:
    """Return what an action is, from its docstring."""
    return (type(action).__doc__ or "").partition("\n")[0].replace("``", "")
