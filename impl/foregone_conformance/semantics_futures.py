"""The semantics table, of a future by itself: each command in each state, and what it is.

The answers are those of ``foregone_spec.future``, whose first four commands are CPython's.  Who
cancels in one step, as our executors do, may answer as one that has been notified.
"""

import copy
import pickle
import weakref
from collections.abc import Callable
from concurrent.futures import CancelledError, Future, InvalidStateError
from concurrent.futures import TimeoutError as OutOfTime
from functools import partial
from typing import Final, cast

from foregone_conformance.claims import Group, Registry, cpython, documented
from foregone_conformance.judged import Judged
from foregone_conformance.kinds import Broken, insist
from foregone_spec.future import Command, Refusal, State, is_cancelled, is_done, step

claim: Final = Registry(Group.SEMANTICS)

ANSWER: Final = "answer"


def in_state(judged: Judged, state: State) -> "Future[object]":
    """Return a future that no executor owns, and that was led to a state."""
    future = judged.future()
    match state:
        case State.PENDING:
            pass
        case State.RUNNING:
            future.set_running_or_notify_cancel()
        case State.CANCELLED:
            future.cancel()
        case State.CANCELLED_AND_NOTIFIED:
            future.cancel()
            heard(future.set_running_or_notify_cancel)
        case State.FINISHED:
            future.set_result(ANSWER)
    return future


def heard(act: Callable[[], object]) -> str:
    """Return what ``act`` returns or raises, in the words of a report."""
    try:
        return repr(act())
    except OutOfTime:
        return "TimeoutError"
    except Exception as error:
        return type(error).__name__


def triple(future: "Future[object]") -> tuple[bool, bool, bool]:
    """Return what done(), cancelled() and running() say."""
    return future.done(), future.cancelled(), future.running()


def wanted_triple(state: State) -> tuple[bool, bool, bool]:
    """Return what the specification says of a state."""
    return is_done(state), is_cancelled(state), state is State.RUNNING


def answers(state: State, command: Command) -> set[str]:
    """Return what may be heard: who cancels in one step has been notified already."""
    states = {state}
    if state is State.CANCELLED:
        states.add(State.CANCELLED_AND_NOTIFIED)
    found = (step(each, command).reply for each in states)
    return {each.value if isinstance(each, Refusal) else repr(each) for each in found}


def commanded(judged: Judged, command: Command, act: Callable[["Future[object]"], object]) -> None:
    """Give a command in each state: insist on the answer, and on what is said then."""
    for state in State:
        future = in_state(judged, state)
        found, may = heard(partial(act, future)), answers(state, command)
        insist(
            found in may, f"{command.value} in {state.value} gave {found}, not {' or '.join(may)}"
        )
        wanted = wanted_triple(step(state, command).after)
        seen = triple(future)
        insist(
            seen == wanted,
            f"after {command.value} in {state.value} done(), cancelled(), running() are {seen}",
        )


@claim(
    "future-triples",
    "done(), cancelled() and running() say in each of the five states what the table says",
    cpython("_base", 383),
    "a program takes what was cancelled for running, or what runs for done",
)
def future_triples(judged: Judged) -> None:
    """Lead a future to each state, and ask."""
    for state in State:
        seen = triple(in_state(judged, state))
        insist(
            seen == wanted_triple(state),
            f"in {state.value} done(), cancelled(), running() are {seen}",
        )


@claim(
    "future-cancels",
    "cancel() answers in each state as the table says, and a callback is called once for all",
    documented("Future.cancel"),
    "who cancels is told that he did not, or callbacks come twice",
)
def future_cancels(judged: Judged) -> None:
    """Cancel in each state, and three times in a row."""
    commanded(judged, Command.CANCEL, lambda it: it.cancel())
    future = judged.future()
    came: list[object] = []
    future.add_done_callback(came.append)
    for _ in range(3):
        future.cancel()
    heard(future.set_running_or_notify_cancel)
    insist(len(came) == 1, f"a callback was called {len(came)} times for three cancel()")


@claim(
    "future-starts",
    "set_running_or_notify_cancel() is True once, False once when cancelled, else RuntimeError",
    documented("Future.set_running_or_notify_cancel"),
    "an executor that is built on these futures runs a call twice, or one that was cancelled",
)
def future_starts(judged: Judged) -> None:
    """Begin in each state."""
    begin = Command.SET_RUNNING_OR_NOTIFY_CANCEL
    for state in State:
        future = in_state(judged, state)
        found, may = heard(future.set_running_or_notify_cancel), answers(state, begin)
        insist(found in may, f"{begin.value} in {state.value} gave {found}, not {' or '.join(may)}")
    insist(in_state(judged, State.RUNNING).running(), "a future that has begun does not run")


@claim(
    "future-result-once",
    "set_result() raises InvalidStateError where there is an outcome, and changes nothing",
    documented("Future.set_result"),
    "a result changes under who has read it",
)
def future_result_once(judged: Judged) -> None:
    """Set a result in each state."""
    settled(judged, Command.SET_RESULT, lambda it: it.set_result("other"), "'other'")


@claim(
    "future-exception-once",
    "set_exception() raises InvalidStateError where there is an outcome, and changes nothing",
    documented("Future.set_exception"),
    "a call that has succeeded is said to have failed, or an error is lost",
)
def future_exception_once(judged: Judged) -> None:
    """Set an exception in each state."""
    error = LookupError("on purpose")
    settled(judged, Command.SET_EXCEPTION, lambda it: it.set_exception(error), "LookupError")


def settled(
    judged: Judged, command: Command, act: Callable[["Future[object]"], object], outcome: str
) -> None:
    """Settle in each state; insist on the answer and on the outcome."""
    commanded(judged, command, act)
    for state in State:
        future = in_state(judged, state)
        before = heard(partial(future.result, 0))
        try:
            act(future)
            wanted = outcome
        except InvalidStateError:
            wanted = before
        found = heard(partial(future.result, 0))
        insist(found == wanted, f"after {command.value} in {state.value} result() gave {found}")


@claim(
    "future-outcome",
    "result(0) and exception(0) give in each state the outcome, CancelledError, or TimeoutError",
    documented("Future.exception"),
    "who looks without waiting is told something else than who waits",
)
def future_outcome(judged: Judged) -> None:
    """Ask in each state, with a limit that has passed."""
    for state in State:
        for limit in (0, -1):
            future = in_state(judged, state)
            result = heard(partial(future.result, limit))
            error = heard(partial(future.exception, limit))
            wanted = {
                State.PENDING: ("TimeoutError", "TimeoutError"),
                State.RUNNING: ("TimeoutError", "TimeoutError"),
                State.FINISHED: (repr(ANSWER), "None"),
            }.get(state, ("CancelledError", "CancelledError"))
            told = f"in {state.value} result({limit}) and exception({limit}) gave {result}, {error}"
            insist((result, error) == wanted, told)


@claim(
    "set-exception-odd",
    "what is no exception is refused by set_exception(), or raised as an error: never lost",
    cpython("_base", 552),
    "a call that failed is taken for one that returned, or who waits for it is stuck",
)
def set_exception_odd(judged: Judged) -> None:
    """Set a text, a class, and None."""
    for given, wanted in (("text", TypeError), (ValueError, ValueError), (None, None)):
        future = judged.future()
        try:
            future.set_exception(cast("BaseException", given))
        except Exception:  # told at once is told; the future is still there
            future.set_result(ANSWER)
            continue
        judged.doing(f"waiting for the outcome after set_exception({given!r})")
        try:
            found = future.result()
        except Exception as error:
            right = wanted is not None and isinstance(error, wanted)
            insist(right, f"after set_exception({given!r}) result() raised {error!r}")
        else:
            right = wanted is None and found is None
            insist(right, f"after set_exception({given!r}) result() returned {found!r}")


@claim(
    "future-identity",
    "a future equals itself alone, can be a key in every state, and can be weakly referenced",
    cpython("_base", 327),
    "sets and dicts of futures lose some, as wait() and every program of a future to its input do",
)
def future_identity(judged: Judged) -> None:
    """Put two into a set, and let them end alike."""
    one, other = judged.future(), judged.future()
    both = {one: 1, other: 2}
    insist(len(both) == 2, "two pending futures are one key")
    for each in (one, other):
        each.set_result(ANSWER)
    insist(one != other, "two futures with the same result are equal")
    insist(one == one, "a future does not equal itself")
    insist((both.get(one), both.get(other)) == (1, 2), "a key is lost when its future ends")
    insist(weakref.ref(one)() is one, "a weak reference to a future does not lead to it")


@claim(
    "future-repr",
    "repr() of a future works in each state",
    cpython("_base", 344),
    "a log line or a debugger fails just when something is to be found out",
)
def future_repr(judged: Judged) -> None:
    """Show a future in each state, and one that has failed."""
    failed = judged.future()
    failed.set_exception(LookupError("on purpose"))
    shown = {"failed": failed, **{each.value: in_state(judged, each) for each in State}}
    for name, future in shown.items():
        try:
            text = repr(future)
        except Exception as error:
            raise Broken(f"repr() of a future that is {name} raised {error!r}") from error
        insist(text, f"repr() of a future that is {name} is empty")


@claim(
    "future-copies",
    "who pickles or copies a future is refused, or has one that ends with it",
    cpython("_base", 327),
    "a copy is waited for that nobody will ever settle",
)
def future_copies(judged: Judged) -> None:
    """Copy a pending future, let it end, and look at the copy."""
    ways: tuple[Callable[[Future[object]], object], ...] = (
        lambda it: pickle.loads(pickle.dumps(it)),
        copy.deepcopy,
    )
    for way in ways:
        future = judged.future()
        try:
            twin = cast("Future[object]", way(future))
        except Exception:  # told at once is told
            continue
        future.set_result(ANSWER)
        insist(twin.done(), "a future could be copied, and its copy is pending when it has ended")


@claim(
    "cancelled-ends",
    "result() and exception() of a cancelled future raise CancelledError, however long they wait",
    documented("Future.result"),
    "who waits for a future that is cancelled meanwhile waits for ever",
)
def cancelled_ends(judged: Judged) -> None:
    """Ask with and without limits, each twice."""
    for state in (State.CANCELLED, State.CANCELLED_AND_NOTIFIED):
        future = in_state(judged, state)
        for ask in (future.result, future.exception) * 2:
            for limit in (None, 0, 1000):
                judged.doing(f"waiting in {ask.__name__}({limit}) of a cancelled future")
                try:
                    found: object = ask(limit)
                except CancelledError:
                    continue
                raise Broken(f"{ask.__name__}({limit}) of a cancelled future returned {found!r}")
