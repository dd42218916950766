"""The 20 cells of a future, three times: the table, ``foregone``, ``concurrent.futures``.

    PYTHONPATH=impl:spec python model_tests/cells.py

Five states times the standard library's four commands, on a future that no executor
owns.  What is compared in each cell: the state after; the reply, or the kind of the
exception and the critical log record; and the effects in the order in which they were
observed.  Then the five cells of ``cancel()`` on a future that an executor owns, which
the standard library has no twin of.

Imports the standard library, ``foregone`` and ``foregone_spec`` only, so that any
interpreter can run it.  Prints one JSON object.
"""

import concurrent.futures
import json
import logging
import platform
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import Any, Final, TypeAlias, final

import foregone
from foregone_spec.future import TRANSITIONS, Command, Effect, Refusal, State

#: A future of either kind, whose private names are touched here.
Anything: TypeAlias = Any  # private names of two libraries: no type has both
Make: TypeAlias = Callable[[], Anything]

#: What CPython logs before the one refusal that it logs.
CRITICAL: Final = "and a critical log record"
STANDARD: Final = tuple(each for each in Command if each is not Command.CANCEL_OWNED)
RESULT: Final = "the outcome"
ERROR: Final = ValueError("the outcome")


@final
@dataclass(frozen=True)
class Cell:
    """What a command did to a future in a state."""

    after: str
    reply: str  # what was returned, or the kind of what was raised
    effects: tuple[str, ...]


# ------------------------------------------------------------------- the table


def specified(state: State, command: Command) -> Cell:
    """Return the cell of the table."""
    step = TRANSITIONS[state][command]
    reply = str(step.reply)
    if isinstance(step.reply, Refusal):
        reply = f"raises {step.reply.value}"
        if step.reply is Refusal.UNEXPECTED_STATE:
            reply = f"{reply} {CRITICAL}"
    return Cell(step.after.value, reply, tuple(each.value for each in step.effects))


# --------------------------------------------------------------- a real future


@final
class Log:
    """What happens to one future, in order; the outcome from when it can be seen."""

    def __init__(self, future: Anything) -> None:
        self.future = future
        self.effects: list[str] = []
        self.listening = False

    def note(self, effect: Effect) -> None:
        """Note an effect, after the outcome if that is there to be seen."""
        if self.listening:
            self.look()
            self.effects.append(effect.value)

    def look(self) -> None:
        """Note that the outcome can be seen, once."""
        kept = self.future._result is RESULT or self.future._exception is ERROR
        if kept and Effect.KEEP_OUTCOME.value not in self.effects:
            self.effects.append(Effect.KEEP_OUTCOME.value)


@final
class Waiter(concurrent.futures._base._Waiter):
    """What ``wait()`` installs: it is told."""

    def __init__(self, log: Log) -> None:
        super().__init__()
        self.log = log

    def add_result(self, future: Anything) -> None:
        self.log.note(Effect.TELL_WAITERS)

    add_exception = add_cancelled = add_result


@final
class Bell(threading.Condition):
    """What ``result()`` of a standard future blocks on: it is notified."""

    def __init__(self, log: Log) -> None:
        super().__init__()
        self.log = log

    def notify_all(self) -> None:
        self.log.note(Effect.WAKE_BLOCKED)
        super().notify_all()


@final
class Gate:
    """What ``result()`` of a future of ours blocks on: it is opened."""

    def __init__(self, log: Log) -> None:
        self.log = log
        self.open = False

    def acquire(self, blocking: bool = True, timeout: float = -1) -> bool:
        raise AssertionError("nobody waits for this gate")

    def release(self) -> None:
        self.open = True
        self.log.note(Effect.WAKE_BLOCKED)

    def locked(self) -> bool:
        return not self.open


@final
class Keeper(logging.Handler):
    """Keeps what is logged."""

    def __init__(self, level: int) -> None:
        super().__init__(level)
        self.records: list[logging.LogRecord] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.records.append(record)


@contextmanager
def critical_records() -> Iterator[list[logging.LogRecord]]:
    """Collect the critical records of the futures' logger; print nothing."""
    handler = Keeper(logging.CRITICAL)
    logger = logging.getLogger("concurrent.futures")
    propagates, logger.propagate = logger.propagate, False
    logger.addHandler(handler)
    try:
        yield handler.records
    finally:
        logger.removeHandler(handler)
        logger.propagate = propagates


def give(future: Anything, command: Command) -> bool | None:
    """Give ``future`` a command by its public name."""
    reply: bool | None
    match command:
        case Command.SET_RESULT:
            reply = future.set_result(RESULT)
        case Command.SET_EXCEPTION:
            reply = future.set_exception(ERROR)
        case Command.SET_RUNNING_OR_NOTIFY_CANCEL:
            reply = future.set_running_or_notify_cancel()
        case Command.CANCEL | Command.CANCEL_OWNED:
            reply = future.cancel()
    return reply


def lead(future: Anything, state: State) -> None:
    """Bring a pending future to ``state``, with an outcome that is nobody's."""
    if state is State.RUNNING:
        future.set_running_or_notify_cancel()
    elif state is State.CANCELLED and getattr(future, "_cancel_as", None) is Command.CANCEL_OWNED:
        future._obey(Command.CANCEL)  # cancel() itself goes one step further here
    elif state in (State.CANCELLED, State.CANCELLED_AND_NOTIFIED):
        future.cancel()
        if state is State.CANCELLED_AND_NOTIFIED and future._state != state.value:
            future.set_running_or_notify_cancel()
    elif state is State.FINISHED:
        future.set_result("an earlier outcome")
    if future._state != state.value:
        raise AssertionError(f"{future!r} is {future._state}, not {state.value}")


def observed(make: Make, state: State, command: Command) -> Cell:
    """Return what ``command`` does to a future that ``make`` made, in ``state``."""
    future = make()
    log = Log(future)
    future.add_done_callback(lambda _: log.note(Effect.RUN_CALLBACKS))
    if isinstance(future, foregone.Future):
        lead(future, state)
        future._blocked = [Gate(log)]
    else:
        future._condition = Bell(log)
        lead(future, state)
    future._waiters.append(Waiter(log))
    with critical_records() as critical:
        log.listening = True
        try:
            reply = str(give(future, command))
        except Exception as error:
            reply = f"raises {type(error).__name__}"
        log.look()
        log.listening = False
    if critical:
        reply = f"{reply} {CRITICAL}"
    return Cell(future._state, reply, tuple(log.effects))


# -------------------------------------------------------------------- together


@final
@dataclass(frozen=True)
class Compared:
    """One cell, as each of the three has it; ``standard`` is None where there is none."""

    state: str
    command: str
    table: Cell
    foregone: Cell
    standard: Cell | None

    @property
    def equal(self) -> bool:
        """Say whether all of them are the same."""
        return self.table == self.foregone and self.standard in (None, self.table)


def compare() -> list[Compared]:
    """Return the 20 cells of a future that no executor owns."""
    return [
        Compared(
            state.value,
            command.value,
            specified(state, command),
            observed(foregone.Future, state, command),
            observed(concurrent.futures.Future, state, command),
        )
        for state in State
        for command in STANDARD
    ]


def compare_owned() -> list[Compared]:
    """Return the 5 cells of ``cancel()`` on a future that a thread pool owns."""
    hold = threading.Event()
    command = Command.CANCEL_OWNED
    with foregone.ThreadPoolExecutor(1) as pool:
        pool.submit(hold.wait)  # all others stay queued
        try:
            return [
                Compared(
                    state.value,
                    command.value,
                    specified(state, command),
                    observed(lambda: pool.submit(int), state, command),
                    None,
                )
                for state in State
            ]
        finally:
            hold.set()


def main() -> int:
    """Print all cells as JSON; return 1 if one differs."""
    cells, owned = compare(), compare_owned()
    said = {
        "python": platform.python_version(),
        "cells": len(cells),
        "equal": sum(each.equal for each in cells),
        "owned": len(owned),
        "owned_equal": sum(each.equal for each in owned),
        "different": [asdict(each) for each in (*cells, *owned) if not each.equal],
    }
    print(json.dumps(said))
    return int(bool(said["different"]))


if __name__ == "__main__":
    sys.exit(main())
