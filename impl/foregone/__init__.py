"""A drop-in ``concurrent.futures`` that executes an explicit state machine.

``from foregone import ThreadPoolExecutor`` where ``concurrent.futures`` stood.  What
may happen to a future, a waiter, a pool is written down in ``foregone_spec``; this
package executes it.

Names are imported when one is first asked for: a process of a pool, which imports this
package when it starts, needs none, and few need ``multiprocessing``.
``InterpreterPoolExecutor`` is the standard one, where the interpreter has it.
"""

import importlib
import sys
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from foregone.dump import cancel_dump_later, dump_all, dump_later, dump_on_signal
    from foregone.errors import (
        BrokenExecutor,
        BrokenThreadPool,
        CancelledError,
        InvalidStateError,
        TimeoutError,
    )
    from foregone.executor import Executor
    from foregone.future import Future
    from foregone.json_lines import JSONLines
    from foregone.process import BrokenProcessPool, ProcessDied, ProcessPoolExecutor
    from foregone.progress_bar import progress
    from foregone.thread_pool import ThreadPoolExecutor
    from foregone.waiting import (
        ALL_COMPLETED,
        FIRST_COMPLETED,
        FIRST_EXCEPTION,
        DoneAndNotDoneFutures,
        as_completed,
        wait,
    )

    if sys.version_info >= (3, 14):
        from concurrent.futures import InterpreterPoolExecutor

__version__ = "0.1.0"

__all__ = [
    "ALL_COMPLETED",
    "FIRST_COMPLETED",
    "FIRST_EXCEPTION",
    "BrokenExecutor",
    "BrokenProcessPool",
    "BrokenThreadPool",
    "CancelledError",
    "DoneAndNotDoneFutures",
    "Executor",
    "Future",
    "InvalidStateError",
    "JSONLines",
    "ProcessDied",
    "ProcessPoolExecutor",
    "ThreadPoolExecutor",
    "TimeoutError",
    "__version__",
    "as_completed",
    "cancel_dump_later",
    "dump_all",
    "dump_later",
    "dump_on_signal",
    "progress",
    "wait",
]

if sys.version_info >= (3, 14):
    import concurrent.futures

    if "InterpreterPoolExecutor" in concurrent.futures.__all__:
        __all__ += ["InterpreterPoolExecutor"]

#: Where the names are.
_HOMES: Final = {
    "ALL_COMPLETED": "foregone.waiting",
    "FIRST_COMPLETED": "foregone.waiting",
    "FIRST_EXCEPTION": "foregone.waiting",
    "BrokenExecutor": "foregone.errors",
    "BrokenProcessPool": "foregone.process",
    "BrokenThreadPool": "foregone.errors",
    "CancelledError": "foregone.errors",
    "DoneAndNotDoneFutures": "foregone.waiting",
    "Executor": "foregone.executor",
    "Future": "foregone.future",
    "InterpreterPoolExecutor": "concurrent.futures",
    "InvalidStateError": "foregone.errors",
    "JSONLines": "foregone.json_lines",
    "ProcessDied": "foregone.process",
    "ProcessPoolExecutor": "foregone.process",
    "ThreadPoolExecutor": "foregone.thread_pool",
    "TimeoutError": "foregone.errors",
    "as_completed": "foregone.waiting",
    "cancel_dump_later": "foregone.dump",
    "dump_all": "foregone.dump",
    "dump_later": "foregone.dump",
    "dump_on_signal": "foregone.dump",
    "progress": "foregone.progress_bar",
    "wait": "foregone.waiting",
}

#: Those that a user may never ask for, and that cost more to import.
_DOORS: Final = (
    "foregone.process",
    "foregone.dump",
    "foregone.json_lines",
    "foregone.progress_bar",
)
_APART: Final = tuple(name for name in _HOMES if _HOMES[name] in _DOORS)

if not TYPE_CHECKING:  # a checker sees the imports above, and any other name is an error

    def __getattr__(name: str) -> object:
        """Import what is first asked for now."""
        if name not in __all__ or name not in _HOMES:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        if _HOMES[name].startswith("foregone.") and name not in _APART:
            for each, home in _HOMES.items():  # all at once: a signal handler finds them there
                if home not in (*_DOORS, "concurrent.futures"):
                    globals()[each] = getattr(importlib.import_module(home), each)
        globals()[name] = found = getattr(importlib.import_module(_HOMES[name]), name)
        return found

    def __dir__() -> list[str]:
        """Name what is there, and what will be there when it is asked for."""
        return [*__all__, "__doc__"]
