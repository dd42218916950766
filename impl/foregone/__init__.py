"""A drop-in ``concurrent.futures`` that executes an explicit state machine.

``from foregone import ThreadPoolExecutor`` where ``concurrent.futures`` stood.  What
may happen to a future, a waiter, a pool is written down in ``foregone_spec``; this
package executes it.
"""

from foregone.errors import (
    BrokenExecutor,
    BrokenThreadPool,
    CancelledError,
    InvalidStateError,
    TimeoutError,
)
from foregone.executor import Executor
from foregone.future import Future
from foregone.thread_pool import ThreadPoolExecutor
from foregone.waiting import (
    ALL_COMPLETED,
    FIRST_COMPLETED,
    FIRST_EXCEPTION,
    DoneAndNotDoneFutures,
    as_completed,
    wait,
)

__version__ = "0.1.0"

__all__ = [
    "ALL_COMPLETED",
    "FIRST_COMPLETED",
    "FIRST_EXCEPTION",
    "BrokenExecutor",
    "BrokenThreadPool",
    "CancelledError",
    "DoneAndNotDoneFutures",
    "Executor",
    "Future",
    "InvalidStateError",
    "ThreadPoolExecutor",
    "TimeoutError",
    "__version__",
    "as_completed",
    "wait",
]
