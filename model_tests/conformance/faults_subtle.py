"""Executors that err once in a while, or in a corner: faults that a few calls do not show.

``SUBTLE`` says by which claim each is convicted; all are judged as threads.
"""

# ruff: noqa: ANN401  a call takes what it takes

import itertools
import threading
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future
from typing import Any, Final

from model_tests.conformance.faults import Telling
from model_tests.conformance.plain import Plain, Work


class Counting(Plain):
    """It counts."""

    def __init__(self, max_workers: int) -> None:
        self.count = itertools.count(1)
        super().__init__(max_workers)

    def every(self, number: int) -> bool:
        """Say whether it is time for a fault."""
        return next(self.count) % number == 0


class RunsSomeCancelled(Counting):
    """Of fifty calls that were cancelled one is run."""

    def begin(self, work: Work) -> bool:
        return super().begin(work) or self.every(50)


class LosesFew(Counting):
    """Of three hundred calls one is forgotten."""

    def accept(self, work: Work) -> None:
        if not self.every(300):
            super().accept(work)


class EmptiesFew(Counting):
    """Of three hundred results one is None."""

    def end(self, future: Future[Any], result: Any, error: BaseException | None) -> None:
        super().end(future, None if self.every(300) else result, error)


class Beside(Telling):
    """Its callbacks are called in a thread of their own, for which nobody waits."""

    def _invoke_callbacks(self) -> None:
        call: Any = super()
        threading.Thread(target=call._invoke_callbacks, daemon=True).start()


class CallsBeside(Plain):
    """Its shutdown does not wait for callbacks."""

    future_class = Beside


class Hasty(Telling):
    """A callback that is added while others are called is called by both sides."""

    def add_done_callback(self, fn: Callable[[Future[Any]], object]) -> None:
        mine: Any = self
        with mine._condition:
            mine._done_callbacks.append(fn)
            ended = self.done()
        if ended:
            fn(self)


class CallsHastily(Plain):
    """It has such futures."""

    future_class = Hasty


class ReadsAhead(Plain):
    """map reads the first inputs at once, and the others when results are asked for."""

    AHEAD = 64

    def map(self, fn: Callable[..., Any], *given: Any, **_: Any) -> Iterator[Any]:
        items = zip(*given, strict=False)
        ahead = deque(self.submit(fn, *each) for each in itertools.islice(items, self.AHEAD))

        def results() -> Iterator[Any]:
            while ahead:
                yield ahead.popleft().result()
                ahead.extend(self.submit(fn, *each) for each in itertools.islice(items, 1))

        return results()


class InitializesAlways(Plain):
    """The initializer is called before each call."""

    def __init__(
        self,
        max_workers: int,
        initializer: Callable[..., object] | None = None,
        initargs: tuple[object, ...] = (),
    ) -> None:
        self.initializer, self.initargs = initializer, initargs
        super().__init__(max_workers)

    def run(self, work: Work) -> None:
        if self.initializer:
            self.initializer(*self.initargs)
        super().run(work)


#: By the claim that is to convict it.
SUBTLE: Final[dict[str, type[Executor]]] = {
    "CancelledNeverRuns": RunsSomeCancelled,
    "NothingLost": LosesFew,
    "FuturesEndOnce": EmptiesFew,
    "ShutdownMeansEnded": CallsBeside,
    "EachCallbackOnce": CallsHastily,
    "map-eager": ReadsAhead,
    "initializer": InitializesAlways,
}
