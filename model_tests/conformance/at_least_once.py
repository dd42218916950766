"""Executors that say of themselves how often a call runs; the first two run each twice."""

# ruff: noqa: ANN401  a call takes what it takes

import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any

from model_tests.conformance.faults import RunsTwice
from model_tests.conformance.plain import Plain


class Says(RunsTwice):
    """It says that calls run at least once, and does no more."""

    at_most_once = False


class Lies(RunsTwice):
    """It says that they run at most once."""

    at_most_once = True


class Modest(Plain):
    """It does more than it says."""

    at_most_once = False


class Stuck(Modest):
    """It does not come back from shutdown, if it had more than one call."""

    calls = 0

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        self.calls += 1
        return super().submit(fn, *args, **kwargs)

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        super().shutdown(wait, cancel_futures=cancel_futures)
        if wait and self.calls > 1:
            threading.Event().wait()
