"""How one Future may change, as a total table.  No locks, no threads.

Rule 1: everything that decides a future's next state is in TRANSITIONS.
Rule 2: every state has a cell for every command; a refusal is a value in it.
Rule 3: a cell says all there is to do: next state, reply, effects in order.

The first four commands are those of ``concurrent.futures``; their 20 cells give
CPython's answers.  ``CANCEL_OWNED`` is what ``cancel()`` means for a future that
an executor owns: nobody needs to come round later to notify its waiters.
"""

from typing import Final, NamedTuple

from foregone_spec.identity import IdentityEnum


class State(IdentityEnum):
    """Where one future stands; the values are CPython's own words."""

    PENDING = "PENDING"
    RUNNING = "RUNNING"
    CANCELLED = "CANCELLED"
    CANCELLED_AND_NOTIFIED = "CANCELLED_AND_NOTIFIED"
    FINISHED = "FINISHED"


class Command(IdentityEnum):
    """What somebody may ask of a future."""

    CANCEL = "cancel"
    SET_RUNNING_OR_NOTIFY_CANCEL = "set_running_or_notify_cancel"
    SET_RESULT = "set_result"
    SET_EXCEPTION = "set_exception"
    CANCEL_OWNED = "cancel_owned"


class Effect(IdentityEnum):
    """What follows a change of state, in the order of the cell."""

    KEEP_OUTCOME = "KeepOutcome"  # store the result or the exception, with the state
    TELL_WAITERS = "TellWaiters"  # those in wait() and as_completed()
    WAKE_BLOCKED = "WakeBlocked"  # those in result() and exception()
    RUN_CALLBACKS = "RunCallbacks"  # in the order they were added


class Refusal(IdentityEnum):
    """Why a command is not obeyed."""

    INVALID_STATE = "InvalidStateError"
    UNEXPECTED_STATE = "RuntimeError"  # after a critical log record, as CPython does


class Step(NamedTuple):
    """One cell: the state after, the reply, and the effects in order."""

    after: State
    reply: bool | None | Refusal
    effects: tuple[Effect, ...] = ()


_P = State.PENDING
_R = State.RUNNING
_C = State.CANCELLED
_N = State.CANCELLED_AND_NOTIFIED
_F = State.FINISHED
_CANCEL, _START, _RESULT, _EXCEPTION, _CANCEL_OWNED = Command
_KEEP, _TELL, _WAKE, _CALL = Effect
_INVALID, _UNEXPECTED = Refusal

_FINISH: Final = Step(_F, None, (_KEEP, _TELL, _WAKE, _CALL))

# The line numbers are those of CPython 3.15.2's concurrent/futures/_base.py.
TRANSITIONS: Final[dict[State, dict[Command, Step]]] = {
    _P: {
        _CANCEL: Step(_C, True, (_WAKE, _CALL)),  # 359-376
        _START: Step(_R, True),  # 495-534
        _RESULT: _FINISH,  # 536-549: RUNNING may be skipped
        _EXCEPTION: _FINISH,  # 551-564
        _CANCEL_OWNED: Step(_N, True, (_TELL, _WAKE, _CALL)),
    },
    _R: {
        _CANCEL: Step(_R, False),
        _START: Step(_R, _UNEXPECTED),
        _RESULT: _FINISH,
        _EXCEPTION: _FINISH,
        _CANCEL_OWNED: Step(_R, False),
    },
    _C: {
        _CANCEL: Step(_C, True),
        _START: Step(_N, False, (_TELL,)),
        _RESULT: Step(_C, _INVALID),
        _EXCEPTION: Step(_C, _INVALID),
        _CANCEL_OWNED: Step(_N, True, (_TELL,)),
    },
    _N: {
        _CANCEL: Step(_N, True),
        _START: Step(_N, _UNEXPECTED),
        _RESULT: Step(_N, _INVALID),
        _EXCEPTION: Step(_N, _INVALID),
        _CANCEL_OWNED: Step(_N, True),
    },
    _F: {
        _CANCEL: Step(_F, False),
        _START: Step(_F, _UNEXPECTED),
        _RESULT: Step(_F, _INVALID),
        _EXCEPTION: Step(_F, _INVALID),
        _CANCEL_OWNED: Step(_F, False),
    },
}

#: ``done()`` is true in these, and result() and exception() return at once.
DONE: Final = (_C, _N, _F)
#: wait() and as_completed() count these as done: everybody has been told.
NOTIFIED: Final = (_N, _F)


def step(state: State, command: Command) -> Step:
    """Return what happens to a future in ``state`` when given ``command``.

    post: implies(state in DONE, __return__.after in DONE)
    post: implies(state in NOTIFIED, __return__.after is state)
    post: implies(isinstance(__return__.reply, Refusal), __return__.after is state)
    post: implies(isinstance(__return__.reply, Refusal), __return__.effects == ())
    post: implies(__return__.after is State.RUNNING, state in (State.PENDING, State.RUNNING))
    post: implies(__return__.after is state, __return__.effects == ())
    """
    return TRANSITIONS[state][command]


def cancel_command(owned: bool) -> Command:
    """Return the command that ``cancel()`` issues for an owned or a bare future.

    post: step(State.PENDING, __return__).reply is True
    post: owned == (step(State.PENDING, __return__).after in NOTIFIED)
    """
    return Command.CANCEL_OWNED if owned else Command.CANCEL


def is_done(state: State) -> bool:
    """Say whether ``done()`` is true in ``state``.

    post: __return__ == (state not in (State.PENDING, State.RUNNING))
    """
    return state in DONE


def is_notified(state: State) -> bool:
    """Say whether wait() and as_completed() take ``state`` for done.

    post: implies(__return__, is_done(state))
    post: __return__ == all(step(state, each).after is state for each in Command)
    """
    return state in NOTIFIED


def is_cancelled(state: State) -> bool:
    """Say whether ``cancelled()`` is true in ``state``.

    post: __return__ == (is_done(state) and state is not State.FINISHED)
    """
    return state in (State.CANCELLED, State.CANCELLED_AND_NOTIFIED)
