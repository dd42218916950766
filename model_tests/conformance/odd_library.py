"""A library with ``wait``, ``as_completed`` and a Future of its own, in which one cell is wrong."""

import concurrent.futures
from concurrent.futures import ALL_COMPLETED, as_completed, wait
from typing import Any

from model_tests.conformance.plain import Plain

__all__ = ["ALL_COMPLETED", "Future", "Odd", "as_completed", "wait"]


class Future(concurrent.futures.Future[Any]):
    """It says that it was cancelled when it has ended: no order of instants explains that."""

    def cancel(self) -> bool:
        return super().cancel() or self.done()


class Odd(Plain):
    """Its executor."""

    future_class = Future
