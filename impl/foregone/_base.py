"""``foregone._base``, as the seed's ``_base`` module: the names that all executors share."""

from foregone.errors import (
    BrokenExecutor,
    CancelledError,
    Error,
    InvalidStateError,
    TimeoutError,
)
from foregone.executor import Executor
from foregone.future import LOGGER, Future
from foregone.waiting import (
    ALL_COMPLETED,
    FIRST_COMPLETED,
    FIRST_EXCEPTION,
    DoneAndNotDoneFutures,
    as_completed,
    wait,
)
from foregone_spec.future import State

PENDING = State.PENDING.value
RUNNING = State.RUNNING.value
CANCELLED = State.CANCELLED.value
CANCELLED_AND_NOTIFIED = State.CANCELLED_AND_NOTIFIED.value
FINISHED = State.FINISHED.value

__all__ = [
    "ALL_COMPLETED",
    "CANCELLED",
    "CANCELLED_AND_NOTIFIED",
    "FINISHED",
    "FIRST_COMPLETED",
    "FIRST_EXCEPTION",
    "LOGGER",
    "PENDING",
    "RUNNING",
    "BrokenExecutor",
    "CancelledError",
    "DoneAndNotDoneFutures",
    "Error",
    "Executor",
    "Future",
    "InvalidStateError",
    "TimeoutError",
    "as_completed",
    "wait",
]
