"""What a call on a future replies, in the words of a history."""

from collections.abc import Callable
from concurrent.futures import Future
from types import ModuleType
from typing import TypeAlias

from foregone_conformance.histories import Call

#: What a callback does that was added.
Running: TypeAlias = "Callable[[Call, Future[object]], None]"


def reply(
    call: Call, future: "Future[object]", library: ModuleType, limit: float, ran: Running
) -> str:
    """Do a call, and return its reply.

    ``library``  where the ``wait`` and ``as_completed`` are that belong to the future
    ``limit``    how many seconds a call has that is not patient
    """
    try:
        return _replied(call, future, library, None if call.patient else limit, ran)
    except ValueError as error:
        return f"raised {error}"
    except Exception as error:
        return type(error).__name__


def _replied(
    call: Call, future: "Future[object]", library: ModuleType, limit: float | None, ran: Running
) -> str:
    match call.verb:
        case "start":
            return str(future.set_running_or_notify_cancel())
        case "set_result":
            return _replied_by(lambda: future.set_result(call.tag))
        case "set_exception":
            return _replied_by(lambda: future.set_exception(ValueError(call.tag)))
        case "result":
            return f"returned {future.result(limit)}"
        case "exception":
            error = future.exception(limit)
            return "None" if error is None else f"raised {error}"
        case "wait":
            done, _ = library.wait([future], limit)
            return "done" if future in done else "not done"
        case "as_completed":
            came = list(library.as_completed([future], limit))
            return "done" if came == [future] else f"{len(came)} futures"
        case "add":
            return _replied_by(lambda: future.add_done_callback(lambda it: ran(call, it)))
        case verb:  # those that take nothing
            return str(getattr(future, verb)())


def _replied_by(act: Callable[[], object]) -> str:
    """Return what ``act`` returns, though it should be None."""
    return str(act())
