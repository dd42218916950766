"""Executors that break one promise of the documentation each, and futures that do.

``DOCUMENTED`` says by which claim each is convicted, and as what it is judged.
"""

# ruff: noqa: ANN401  a call takes what it takes

import concurrent.futures
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from typing import Any, Final

from foregone_conformance.kinds import Kind
from model_tests.conformance.faults import CancelsUntold, Telling
from model_tests.conformance.odd_library import Odd
from model_tests.conformance.plain import Plain, Work


class NoExecutor:
    """It has the methods, and not the class."""

    def __init__(self, max_workers: int) -> None:
        self.inner = Plain(max_workers)

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        return self.inner.submit(fn, *args, **kwargs)

    def shutdown(self, wait: bool = True) -> None:
        self.inner.shutdown(wait)

    def __enter__(self) -> "NoExecutor":
        return self

    def __exit__(self, *_: object) -> None:
        self.shutdown()


class Duck:
    """It has the methods of a future, and not the class."""

    def __init__(self, inner: Future[Any]) -> None:
        self.inner = inner

    def __getattr__(self, name: str) -> Any:
        return getattr(self.inner, name)


class Ducks(Plain):
    """Its futures are no Future."""

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Any:
        return Duck(super().submit(fn, *args, **kwargs))


class DropsKeywords(Plain):
    """Arguments with names are lost."""

    def submit(self, fn: Callable[..., Any], /, *args: Any, **_: Any) -> Future[Any]:
        return super().submit(fn, *args)


class TakesNames(Plain):
    """The names of its own parameters are taken."""

    def submit(self, fn: Any, *args: Any, **kwargs: Any) -> Future[Any]:  # type: ignore[override]  # it is the fault
        return super().submit(fn, *args, **kwargs)


class WrapsErrors(Plain):
    """Errors are told by another error."""

    def end(self, future: Future[Any], result: Any, error: BaseException | None) -> None:
        super().end(future, result, error and RuntimeError(str(error)))


class NeverLate(Telling):
    """Its time limit ends with no error."""

    def result(self, timeout: float | None = None) -> Any:
        try:
            return super().result(timeout)
        except concurrent.futures.TimeoutError:
            return None


class Eager(Telling):
    """It says that it runs as long as it is not done."""

    def running(self) -> bool:
        return not self.done()


class Boasting(Telling):
    """It says that it was cancelled, whatever happens."""

    def cancel(self) -> bool:
        super().cancel()
        return True


class Stubborn(Telling):
    """It cannot be cancelled."""

    def cancel(self) -> bool:
        return False


class Early(Telling):
    """Its callbacks are called when they are added."""

    def add_done_callback(self, fn: Callable[[Future[Any]], object]) -> None:
        fn(self)


class Closed(Telling):
    """It forgets the callbacks that come late."""

    def add_done_callback(self, fn: Callable[[Future[Any]], object]) -> None:
        if not self.done():
            super().add_done_callback(fn)


class Fragile(Telling):
    """The first callback that raises is the last that is called."""

    def _invoke_callbacks(self) -> None:
        mine: Any = self
        for each in mine._done_callbacks:
            try:
                each(self)
            except Exception:
                return


class Deaf(Telling):
    """It tells nobody of its result who waits in wait() or as_completed()."""

    def set_result(self, result: Any) -> None:
        mine: Any = self
        with mine._condition:
            mine._waiters.clear()
        super().set_result(result)


def of(future: type[Future[Any]]) -> type[Plain]:
    """Return an executor with such futures."""
    return type(f"Of{future.__name__}", (Plain,), {"future_class": future})


class OnlyOne(Plain):
    """There is one at a time: a new one shuts the last one down."""

    last: "OnlyOne | None" = None

    def __init__(self, max_workers: int) -> None:
        super().__init__(max_workers)
        if OnlyOne.last:
            OnlyOne.last.shutdown(wait=False)
        OnlyOne.last = self


class TooMany(Plain):
    """It has twice as many workers as it should."""

    def started(self, max_workers: int) -> list[threading.Thread]:
        return super().started(2 * max_workers)


class NeverCloses(Plain):
    """It takes calls after shutdown."""

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        if self.closed:
            return Future()
        return super().submit(fn, *args, **kwargs)


class OnlyOnce(Plain):
    """It cannot be shut down again."""

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        if self.closed:
            raise ValueError("it is closed")
        super().shutdown(wait, cancel_futures=cancel_futures)


class NeverWaits(Plain):
    """Its shutdown waits for nobody."""

    def join(self) -> None:
        pass


class AlwaysWaits(Plain):
    """Its shutdown waits for everybody."""

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        super().shutdown(True, cancel_futures=cancel_futures)


class NeverCancels(Plain):
    """It takes cancel_futures for nothing."""

    def request(self, cancel_futures: bool) -> None:
        pass


class TakesAnyNumber(Plain):
    """It takes max_workers=0."""

    def __init__(self, max_workers: int) -> None:
        super().__init__(max_workers or 1)


class TakesAnything(Plain):
    """It takes each argument, and makes nothing of it."""

    def __init__(self, max_workers: int, **_: Any) -> None:
        super().__init__(max_workers)

    def map(self, fn: Callable[..., Any], *given: Any, buffersize: int = 0, **_: Any) -> Any:
        return super().map(fn, *given)


class DiesOfExit(Plain):
    """A worker ends with a call that exits, and nobody is told."""

    def settle(self, work: Work, result: Any, error: BaseException | None) -> None:
        if isinstance(error, SystemExit):
            raise error
        super().settle(work, result, error)


class Unordered(Plain):
    """map yields what comes first."""

    def map(self, fn: Callable[..., Any], *given: Any, **_: Any) -> Iterator[Any]:
        results = [*super().map(fn, *given)]
        return iter(results[::-1])


class MapsErrors(Plain):
    """map yields errors, and raises none."""

    def map(self, fn: Callable[..., Any], *given: Any, **_: Any) -> Iterator[Any]:
        futures = [self.submit(fn, *each) for each in zip(*given, strict=False)]
        return (each.exception() or each.result() for each in futures)


class MapsForEver(Plain):
    """map knows no time limit."""

    def map(self, fn: Callable[..., Any], *given: Any, **_: Any) -> Iterator[Any]:
        results: Iterator[Any] = super().map(fn, *given)
        return results


class MapsLazily(Plain):
    """map reads its inputs when it is asked for results."""

    def map(self, fn: Callable[..., Any], *given: Any, **_: Any) -> Iterator[Any]:
        return (self.submit(fn, *each).result() for each in zip(*given, strict=False))


OfNeverLate, OfEager, OfBoasting = of(NeverLate), of(Eager), of(Boasting)
OfStubborn, OfEarly, OfClosed = of(Stubborn), of(Early), of(Closed)
OfFragile, OfDeaf = of(Fragile), of(Deaf)

#: By the claim that is to convict it: the executor, and as what it is judged.
DOCUMENTED: Final[dict[str, tuple[Any, Kind]]] = {
    "an-executor": (NoExecutor, Kind.THREAD),
    "submit-result": (DropsKeywords, Kind.THREAD),
    "submit-names": (TakesNames, Kind.THREAD),
    "submit-exception": (WrapsErrors, Kind.THREAD),
    "result-timeout": (OfNeverLate, Kind.THREAD),
    "running": (OfEager, Kind.THREAD),
    "cancel-running": (OfBoasting, Kind.THREAD),
    "cancel-waiting": (OfStubborn, Kind.THREAD),
    "callback-argument": (OfEarly, Kind.THREAD),
    "callback-late": (OfClosed, Kind.THREAD),
    "callback-raises": (OfFragile, Kind.THREAD),
    "workers-bound": (TooMany, Kind.THREAD),
    "asyncio": (Ducks, Kind.THREAD),
    "shutdown-refuses": (NeverCloses, Kind.THREAD),
    "shutdown-again": (OnlyOnce, Kind.THREAD),
    "shutdown-waits": (NeverWaits, Kind.THREAD),
    "shutdown-does-not-wait": (AlwaysWaits, Kind.THREAD),
    "shutdown-cancels": (NeverCancels, Kind.THREAD),
    "exit-ends": (Plain, Kind.THREAD),  # its threads are daemons, and end with the program
    "max-workers": (TakesAnyNumber, Kind.THREAD),
    "initializer": (TakesAnything, Kind.THREAD),
    "initializer-fails": (TakesAnything, Kind.THREAD),
    "other-process": (Plain, Kind.PROCESS),
    "death-breaks": (Plain, Kind.PROCESS),
    "max-tasks-per-child": (TakesAnything, Kind.PROCESS),
    "unpicklable": (Plain, Kind.PROCESS),
    "exit-in-call": (DiesOfExit, Kind.THREAD),
    "map-order": (Unordered, Kind.THREAD),
    "map-raises": (MapsErrors, Kind.THREAD),
    "map-timeout": (MapsForEver, Kind.THREAD),
    "map-eager": (MapsLazily, Kind.THREAD),
    "map-buffersize": (TakesAnything, Kind.THREAD),
    "wait-conditions": (OfDeaf, Kind.THREAD),
    "wait-cancelled": (CancelsUntold, Kind.THREAD),
    "as-completed": (OfDeaf, Kind.THREAD),
    "mixed-executors": (OnlyOne, Kind.THREAD),
    "many-waiters": (OfDeaf, Kind.THREAD),
    "bare-future": (Odd, Kind.THREAD),
    "owned-future": (Odd, Kind.THREAD),
}
