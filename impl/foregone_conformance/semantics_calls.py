"""The semantics table, of a call's outcome: what is returned and raised."""

import traceback
from collections.abc import Callable
from concurrent.futures import CancelledError
from typing import Final

from foregone_conformance import calls, corners
from foregone_conformance.claims import Group, Registry, cpython, documented
from foregone_conformance.documented_ends import goes_on
from foregone_conformance.judged import Judged
from foregone_conformance.kinds import Broken, insist

claim: Final = Registry(Group.SEMANTICS)

RESULT: Final = documented("Future.result")
_LONG: Final = 1000  # seconds: who waits so long hangs


@claim(
    "result-again",
    "result() gives the same object each time",
    RESULT,
    "what one part of a program changes in a result, another does not see",
)
def result_again(judged: Judged) -> None:
    """Ask three times, with a limit and without."""
    with judged.pool() as pool:
        future = pool.submit(corners.a_list)
        first = future.result()
        insist(first == [1, 2, 3], f"[1, 2, 3] came back as {first!r}")
        for again in (future.result(), future.result(_LONG), future.result(0)):
            insist(again is first, f"a later result() gave another object, {again!r}")


@claim(
    "exception-again",
    "exception() gives the same object each time, and result() raises it",
    documented("Future.exception"),
    "an error that is compared, marked or noted is another one the next time",
)
def exception_again(judged: Judged) -> None:
    """Ask both ways, twice."""
    with judged.pool() as pool:
        future = pool.submit(calls.fail, "on purpose")
        first = future.exception()
        for _ in range(2):
            insist(future.exception() is first, "a later exception() gave another object")
            try:
                future.result()
            except ValueError as error:
                insist(error is first, "result() raised another object than exception() gave")
            else:
                raise Broken("result() of a call that raised returned")


def raised(judged: Judged, call: Callable[[], object]) -> BaseException:
    """Return what a call raised, whatever it is; insist that the next call is right."""
    with judged.pool(1) as pool:
        future = pool.submit(call)
        judged.doing(f"waiting for the end of {call.__name__}")
        calls.wait_for([future])
        seen = future.done(), future.cancelled(), future.running()
        insist(
            seen == (True, False, False),
            f"after {call.__name__} done(), cancelled(), running() are {seen}",
        )
        error = future.exception(0)
        if error is None:
            raise Broken(f"exception() of {call.__name__} is None")
        try:
            found = future.result(0)
        except BaseException as again:
            insist(
                type(again) is type(error), f"exception() is {error!r}, result() raised {again!r}"
            )
        else:
            raise Broken(f"result() of {call.__name__} returned {found!r}")
        goes_on(judged, pool, call.__name__)
    return error


@claim(
    "cancelled-error",
    "a call that raises CancelledError has failed, and was not cancelled",
    documented("Future.cancelled"),
    "a call that ran is taken for one that never did",
)
def cancelled_error(judged: Judged) -> None:
    """Have a call raise what says that a future was cancelled."""
    error = raised(judged, corners.raise_cancelled)
    insist(isinstance(error, CancelledError), f"a call that raised CancelledError gave {error!r}")


@claim(
    "timeout-error",
    "a call that raises TimeoutError has failed with it, and is done",
    RESULT,
    "a call that ended is waited for again and again",
)
def timeout_error(judged: Judged) -> None:
    """Have a call raise what says that a limit has passed."""
    error = raised(judged, corners.raise_timeout)
    right = isinstance(error, TimeoutError) and "of the call" in str(error)
    insist(right, f"a call that raised TimeoutError('of the call') gave {error!r}")


@claim(
    "exit-code",
    "SystemExit in a call is raised by result() with its code",
    documented("Future.exception"),
    "a program cannot tell with what a call wanted to exit",
)
def exit_code(judged: Judged) -> None:
    """Have a call exit with three."""
    error = raised(judged, corners.exit_with_three)
    right = isinstance(error, SystemExit) and error.code == 3
    insist(right, f"a call that raised SystemExit(3) gave {error!r}")


@claim(
    "interrupt-in-call",
    "KeyboardInterrupt in a call is the call's error, and its worker goes on",
    documented("Future.exception"),
    "a call takes its worker away, or never ends",
)
def interrupt_in_call(judged: Judged) -> None:
    """Have a call raise what Ctrl-C does."""
    error = raised(judged, corners.raise_interrupt)
    right = isinstance(error, KeyboardInterrupt)
    insist(right, f"a call that raised KeyboardInterrupt gave {error!r}")


@claim(
    "stop-iteration",
    "a call that raises StopIteration has failed, and does not end map() as if all were over",
    documented("Executor.map"),
    "the results after it are lost, and nobody is told",
)
def stop_iteration(judged: Judged) -> None:
    """Have a call raise what ends an iterator, alone and in map."""
    error = raised(judged, corners.raise_stop)
    insist(isinstance(error, StopIteration), f"a call that raised StopIteration gave {error!r}")
    with judged.pool(1) as pool:
        judged.doing("waiting for map of a function that raises StopIteration")
        try:
            found = [*pool.map(corners.raise_stop, range(6))]
        except Exception:  # RuntimeError, as PEP 479 has it
            return
    raise Broken(f"map of a function that raises StopIteration for 3 of 0..5 ended with {found}")


@claim(
    "error-traceback",
    "the error of a call tells where in the call it was raised",
    cpython("process", 125),
    "a traceback ends where the result was asked for, and the line that failed is not found",
)
def error_traceback(judged: Judged) -> None:
    """Have a call fail two functions below, and format its error."""
    with judged.pool() as pool:
        error = pool.submit(corners.fail_far_below).exception()
    if error is None:
        raise Broken("exception() of a call that raised is None")
    text = "".join(traceback.format_exception(error))
    insist(corners.FAR_BELOW in text, f"the traceback does not name {corners.FAR_BELOW}:\n{text}")


def chain(error: BaseException | None) -> "list[BaseException]":
    """Return an error, its cause and its context, theirs, and so on."""
    found: list[BaseException] = []
    ahead = [error]
    while ahead:
        each = ahead.pop()
        if each is not None and all(each is not other for other in found):
            found.append(each)
            ahead += [each.__cause__, each.__context__]
    return found


@claim(
    "error-cause",
    "the error of a call keeps its own cause and context",
    "https://docs.python.org/3/library/exceptions.html#exception-context",
    "why a call has failed is lost, and who looks for the cause handles another error",
    standard="in a process pool puts the remote traceback in the place of the cause",
)
def error_cause(judged: Judged) -> None:
    """Have calls raise an error from another one, and while another one is handled."""
    with judged.pool() as pool:
        for call in (corners.fail_because, corners.fail_meanwhile):
            found = chain(pool.submit(call).exception())
            kept = any(isinstance(each, KeyError) and each.args == ("the cause",) for each in found)
            insist(kept, f"KeyError('the cause') is not in what {call.__name__} raised: {found}")


@claim(
    "error-notes",
    "the error of a call keeps its notes and attributes",
    "https://docs.python.org/3/library/exceptions.html#BaseException.add_note",
    "what a call has to say of its error is lost on the way",
)
def error_notes(judged: Judged) -> None:
    """Have a call raise an error with a note and an attribute."""
    with judged.pool() as pool:
        error = pool.submit(corners.fail_with_notes).exception()
    notes = getattr(error, "__notes__", [])
    insist(corners.NOTE in notes, f"the notes of the error are {notes}")
    detail = getattr(error, corners.DETAIL, None)
    insist(detail == 7, f"the attribute {corners.DETAIL} of the error, which was 7, is {detail}")
