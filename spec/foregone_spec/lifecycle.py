"""How an executor ends, as a total table: requests only ever get stronger.

An executor is OPEN until somebody asks it to end.  Each phase is stronger than
the one before: INTERPRETER_EXIT and SHUTTING_DOWN run what was accepted,
CANCELLING cancels what has not begun, BROKEN fails it.  FORKED is the copy in a
child process, whose threads do not exist.  No request leads to a weaker phase,
so a later ``shutdown()`` cannot undo an earlier ``shutdown(cancel_futures=True)``
(M5 of the museum, model ThreadPool).
"""

from typing import Final, NamedTuple

from foregone_spec.identity import IdentityEnum


class Phase(IdentityEnum):
    """How far the end of an executor has come, weakest first."""

    OPEN = "OPEN"
    INTERPRETER_EXIT = "INTERPRETER_EXIT"
    SHUTTING_DOWN = "SHUTTING_DOWN"
    CANCELLING = "CANCELLING"
    BROKEN = "BROKEN"
    FORKED = "FORKED"


class Request(IdentityEnum):
    """What may ask an executor to end."""

    SHUTDOWN = "shutdown"
    SHUTDOWN_CANCEL_FUTURES = "shutdown_cancel_futures"
    COLLECT = "collect"  # the executor object was garbage-collected
    EXIT = "exit"  # the interpreter ends
    BREAK = "break"  # an initializer raised
    FORK = "fork"  # this is a child process's copy


class Effect(IdentityEnum):
    """What the one who asked must do next, in the order of the cell."""

    WAKE_THREADS = "WakeThreads"  # parked threads look again, and end
    CANCEL_QUEUED = "CancelQueued"  # end what is queued as cancelled
    FAIL_QUEUED = "FailQueued"  # end what is queued with the executor's error


class Step(NamedTuple):
    """One cell: the phase after, and the effects in order."""

    after: Phase
    effects: tuple[Effect, ...] = ()


_O, _E, _S, _C, _B, _K = Phase
_SHUTDOWN, _CANCEL, _COLLECT, _EXIT, _BREAK, _FORK = Request
_WAKE, _CANCEL_QUEUED, _FAIL_QUEUED = Effect

_TO_EXIT: Final = Step(_E, (_WAKE,))
_TO_SHUTDOWN: Final = Step(_S, (_WAKE,))
_TO_CANCEL: Final = Step(_C, (_WAKE, _CANCEL_QUEUED))
_TO_BROKEN: Final = Step(_B, (_WAKE, _FAIL_QUEUED))
_TO_FORKED: Final = Step(_K, (_FAIL_QUEUED,))

TRANSITIONS: Final[dict[Phase, dict[Request, Step]]] = {
    _O: {
        _SHUTDOWN: _TO_SHUTDOWN,
        _CANCEL: _TO_CANCEL,
        _COLLECT: _TO_SHUTDOWN,
        _EXIT: _TO_EXIT,
        _BREAK: _TO_BROKEN,
        _FORK: _TO_FORKED,
    },
    _E: {
        _SHUTDOWN: _TO_SHUTDOWN,
        _CANCEL: _TO_CANCEL,
        _COLLECT: _TO_SHUTDOWN,
        _EXIT: Step(_E),
        _BREAK: _TO_BROKEN,
        _FORK: _TO_FORKED,
    },
    _S: {
        _SHUTDOWN: Step(_S),
        _CANCEL: _TO_CANCEL,
        _COLLECT: Step(_S),
        _EXIT: Step(_S),
        _BREAK: _TO_BROKEN,
        _FORK: _TO_FORKED,
    },
    _C: {
        _SHUTDOWN: Step(_C),
        _CANCEL: Step(_C),
        _COLLECT: Step(_C),
        _EXIT: Step(_C),
        _BREAK: _TO_BROKEN,
        _FORK: _TO_FORKED,
    },
    _B: {
        _SHUTDOWN: Step(_B),
        _CANCEL: Step(_B),
        _COLLECT: Step(_B),
        _EXIT: Step(_B),
        _BREAK: Step(_B),
        _FORK: _TO_FORKED,
    },
    _K: {
        _SHUTDOWN: Step(_K),
        _CANCEL: Step(_K),
        _COLLECT: Step(_K),
        _EXIT: Step(_K),
        _BREAK: Step(_K),
        _FORK: Step(_K),
    },
}

#: Strength of each phase: a request may only move to a stronger one.
STRENGTH: Final[dict[Phase, int]] = {_O: 0, _E: 1, _S: 2, _C: 3, _B: 4, _K: 5}

#: The phases in which what is queued still begins.
RUNS_QUEUED: Final = (Phase.OPEN, Phase.INTERPRETER_EXIT, Phase.SHUTTING_DOWN)


def step(phase: Phase, request: Request) -> Step:
    """Return what happens to an executor in ``phase`` upon ``request``.

    post: STRENGTH[__return__.after] >= STRENGTH[phase]
    post: implies(__return__.after is phase, __return__.effects == ())
    post: __return__.after is not Phase.OPEN
    """
    return TRANSITIONS[phase][request]


def accepts(phase: Phase) -> bool:
    """Say whether ``submit`` takes calls in ``phase``.

    post: __return__ == (STRENGTH[phase] == 0)
    """
    return phase is Phase.OPEN


def runs_queued(phase: Phase) -> bool:
    """Say whether calls that are queued in ``phase`` still begin.

    post: implies(accepts(phase), __return__)
    post: __return__ == (STRENGTH[phase] < STRENGTH[Phase.CANCELLING])
    """
    return phase in RUNS_QUEUED
