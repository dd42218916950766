"""Private names of the standard process pool that CPython's own tests read.

Apart from ``compat.py``, so that ``import foregone`` does not import multiprocessing.
They are served from the real fields; nothing of foregone uses them.
"""

import concurrent.futures.process
import threading
from multiprocessing.context import BaseContext
from multiprocessing.process import BaseProcess
from typing import TYPE_CHECKING

from foregone_spec.lifecycle import Phase

if TYPE_CHECKING:
    from foregone.process_pool.rooms import Pool

RemoteTraceback = concurrent.futures.process._RemoteTraceback


class _CallQueue:
    """What CPython's tests do with a call queue: wait until nobody writes to it."""

    def __init__(self, pool: "Pool") -> None:
        self._pool = pool

    def join_thread(self) -> None:
        """Return when the thread that writes to the processes has ended."""
        if self._pool.worker.thread is not None:
            self._pool.worker.thread.join()


class StandardProcessPoolNames(concurrent.futures.process.ProcessPoolExecutor):
    """The private names of ``concurrent.futures.ProcessPoolExecutor``, served from ours."""

    if not TYPE_CHECKING:

        @property
        def _max_workers(self) -> int:
            return self._pool.limit

        @property
        def _mp_context(self) -> BaseContext:
            return self._pool.system.context

        @property
        def _processes(self) -> dict[int, BaseProcess]:
            from foregone.process_pool.dispatch import lacking

            # CPython starts them in submit(), and its tests look at once.
            while self._pool.begun and lacking(self._pool):
                threading.Event().wait(0.001)
            return {each.pid: each.process for each in self._pool.live()}

        @property
        def _executor_manager_thread(self) -> threading.Thread | None:
            return self._pool.worker.thread

        @property
        def _call_queue(self) -> _CallQueue:
            return _CallQueue(self._pool)

        @property
        def _broken(self) -> str | bool:
            return self._pool.phase is Phase.BROKEN and str(self._pool.refusal())
