"""Executors that break one row of the semantics table each.

``SEMANTICS`` says by which claim each is convicted, and as what it is judged.  Those whose
futures or whose ``wait`` are odd are in ``odd_libraries.py``.
"""

# ruff: noqa: ANN401  a call takes what it takes

import os
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import CancelledError, Executor, Future
from typing import Any, Final

from foregone_conformance.kinds import Kind
from model_tests.conformance import odd_libraries as odd
from model_tests.conformance.faults import Telling
from model_tests.conformance.faults_documented import TakesAnything, WrapsErrors
from model_tests.conformance.plain import Plain, Work

_NEVER: Final = threading.Event()


# ---------------------------------------------------------------------------- errors


class CopiesErrors(Telling):
    """Each time the exception is another object."""

    def exception(self, timeout: float | None = None) -> BaseException | None:
        error = super().exception(timeout)
        return error and type(error)(*error.args)


class TakesForCancelled(Plain):
    """A call that raises CancelledError is said to be cancelled."""

    future_class = Telling

    def end(self, future: Future[Any], result: Any, error: BaseException | None) -> None:
        if not isinstance(error, CancelledError):
            super().end(future, result, error)
            return
        mine: Any = future
        with mine._condition:
            mine._state = "CANCELLED_AND_NOTIFIED"
            mine._condition.notify_all()


class DiesOfInterrupt(Plain):
    """A worker ends with a call that is interrupted, and nobody is told."""

    def settle(self, work: Work, result: Any, error: BaseException | None) -> None:
        if isinstance(error, KeyboardInterrupt):
            raise SystemExit from None
        super().settle(work, result, error)


class ForgetsWhere(Plain):
    """Errors come without their traceback."""

    def end(self, future: Future[Any], result: Any, error: BaseException | None) -> None:
        super().end(future, result, error and error.with_traceback(None))


class ForgetsWhy(Plain):
    """Errors come without cause and context."""

    def end(self, future: Future[Any], result: Any, error: BaseException | None) -> None:
        if error is not None:
            error.__cause__ = error.__context__ = None
        super().end(future, result, error)


class MakesErrorsAnew(Plain):
    """Errors are made anew from their arguments."""

    def end(self, future: Future[Any], result: Any, error: BaseException | None) -> None:
        super().end(future, result, error and type(error)(*error.args))


class LosesTypeErrors(Plain):
    """A call that cannot be made gives None."""

    def end(self, future: Future[Any], result: Any, error: BaseException | None) -> None:
        super().end(future, result, None if isinstance(error, TypeError) else error)


# ------------------------------------------------------------------------- callbacks


class OnlyOnce(Telling):
    """A callback that was added is not added again."""

    def add_done_callback(self, fn: Callable[[Future[Any]], object]) -> None:
        mine: Any = self
        if fn not in mine._done_callbacks:
            super().add_done_callback(fn)


class Unheard(Telling):
    """What callbacks raise is told nobody."""

    def _invoke_callbacks(self) -> None:
        mine: Any = self
        for each in mine._done_callbacks:
            try:
                each(self)
            except Exception:
                pass


class Elsewhere(Telling):
    """Callbacks are called in a process of their own."""

    def _invoke_callbacks(self) -> None:
        mine: Any = self
        child = os.fork()
        if not child:
            for each in mine._done_callbacks:
                each(self)
            os._exit(0)
        os.waitpid(child, 0)


class SettledLast(Telling):
    """result() returns when all callbacks have been called."""

    def __init__(self) -> None:
        super().__init__()
        self.settled = threading.Event()

    def set_result(self, result: Any) -> None:
        super().set_result(result)
        self.settled.set()

    def result(self, timeout: float | None = None) -> Any:
        self.settled.wait(timeout)
        return super().result(timeout)


# ----------------------------------------------------------------------- time limits


class ZeroIsNone(Telling):
    """A time limit of zero is none."""

    def result(self, timeout: float | None = None) -> Any:
        return super().result(timeout or None)


class ReadsTexts(Telling):
    """A time limit may be a text."""

    def result(self, timeout: float | None = None) -> Any:
        return super().result(None if timeout is None else float(timeout))


# ------------------------------------------------------------------------------- map


class MapsIterators(Plain):
    """map returns an iterator that lets through what a call raises."""

    def map(self, fn: Callable[..., Any], *given: Any, **_: Any) -> Iterator[Any]:
        futures = [self.submit(fn, *each) for each in zip(*given, strict=False)]
        return map(lambda each: each.result(), futures)  # noqa: C417  it is the fault


class MapsInOne(Plain):
    """map makes one call of all."""

    def map(self, fn: Callable[..., Any], *given: Any, **_: Any) -> Iterator[Any]:
        future = self.submit(lambda: [*map(fn, *given)])
        return (each for _ in range(1) for each in future.result())


class MapsOn(Plain):
    """map leaves alone what it has submitted."""

    def map(
        self, fn: Callable[..., Any], *given: Any, timeout: float | None = None, **_: Any
    ) -> Iterator[Any]:
        futures = [self.submit(fn, *each) for each in zip(*given, strict=False)]
        return (each.result(timeout) for each in futures)


class MapsLate(Plain):
    """The time limit of map begins when a result is asked for."""

    def map(
        self, fn: Callable[..., Any], *given: Any, timeout: float | None = None, **_: Any
    ) -> Iterator[Any]:
        futures = [self.submit(fn, *each) for each in zip(*given, strict=False)]

        def results() -> Iterator[Any]:
            end = None if timeout is None else timeout + time.monotonic()
            for each in futures:
                yield each.result(None if end is None else end - time.monotonic())

        return results()


class MapsZero(Plain):
    """A time limit of zero is none for map."""

    def map(
        self, fn: Callable[..., Any], *given: Any, timeout: float | None = None, **others: Any
    ) -> Iterator[Any]:
        return super().map(fn, *given, timeout=timeout or None, **others)


class MapsNothing(Plain):
    """map without inputs is one call without arguments."""

    def map(self, fn: Callable[..., Any], *given: Any, **others: Any) -> Iterator[Any]:
        if given:
            return super().map(fn, *given, **others)
        return iter([self.submit(fn).result()])


class MapsInChunks(Plain):
    """Chunks of nothing are nothing."""

    def map(
        self, fn: Callable[..., Any], *given: Any, chunksize: int = 1, **others: Any
    ) -> Iterator[Any]:
        return super().map(fn, *given, **others) if chunksize > 0 else iter(())


class Swaps(Plain):
    """Of two calls the later one is first."""

    kept: Work | None = None

    def accept(self, work: Work) -> None:
        if self.kept is None:
            self.kept = work
            return
        former, self.kept = self.kept, None
        super().accept(work)
        super().accept(former)


# -------------------------------------------------------------------- begin and end


class ForgetsAtExit(Plain):
    """What is submitted when the interpreter exits is forgotten."""

    leaving = False

    def accept(self, work: Work) -> None:
        main: Any = threading.main_thread()
        if main._is_stopped if hasattr(main, "_is_stopped") else not main.is_alive():
            return
        super().accept(work)


class OpensAgain(Plain):
    """with opens it again, and nobody is there to work."""

    def __enter__(self) -> "OpensAgain":
        self.closed = False
        return self


class SwallowsErrors(Plain):
    """An error inside of with stays there."""

    def __exit__(self, *_: object) -> bool:
        self.shutdown()
        return True


class Absolute(Plain):
    """It makes the best of each number."""

    def __init__(self, max_workers: int) -> None:
        super().__init__(abs(max_workers))


class WaitsOnce(Plain):
    """The first shutdown is the only one."""

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        if not self.closed:
            super().shutdown(wait, cancel_futures=cancel_futures)


class WaitsForItself(Plain):
    """Its shutdown waits for who calls it."""

    def join(self) -> None:
        while any(each.is_alive() for each in self.threads):
            _NEVER.wait(0.05)


class Dropped(Executor):
    """What waits is cancelled when it is collected."""

    def __init__(self, max_workers: int) -> None:
        self.inner = Plain(max_workers)

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        return self.inner.submit(fn, *args, **kwargs)

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        self.inner.shutdown(wait, cancel_futures=cancel_futures)

    def __del__(self) -> None:
        self.inner.shutdown(wait=False, cancel_futures=True)


class EndsNobody(Plain):
    """It says that it ends its workers, and lets them be."""

    def kill_workers(self) -> None:
        self.shutdown(wait=False)

    terminate_workers = kill_workers


def of(future: type[Future[Any]]) -> type[Plain]:
    """Return an executor with such futures, made here."""
    own = {"future_class": future, "__module__": __name__}
    return type(f"Of{future.__name__}", (Plain,), own)


OfCopiesErrors, OfOnlyOnce, OfUnheard = of(CopiesErrors), of(OnlyOnce), of(Unheard)
OfElsewhere, OfSettledLast = of(Elsewhere), of(SettledLast)
OfZeroIsNone, OfReadsTexts, OfTelling = of(ZeroIsNone), of(ReadsTexts), of(Telling)

#: By the claim that is to convict it: the executor, and as what it is judged.
SEMANTICS: Final[dict[str, tuple[Any, Kind]]] = {
    "future-triples": (odd.OfVague, Kind.THREAD),
    "future-cancels": (odd.OfCallsAgain, Kind.THREAD),
    "future-starts": (odd.OfStartsAgain, Kind.THREAD),
    "future-result-once": (odd.OfResultsAgain, Kind.THREAD),
    "future-exception-once": (odd.OfFailsAgain, Kind.THREAD),
    "future-outcome": (odd.OfNeverThere, Kind.THREAD),
    "set-exception-odd": (odd.OfTakesAll, Kind.THREAD),
    "future-identity": (odd.OfAlike, Kind.THREAD),
    "future-repr": (odd.OfShy, Kind.THREAD),
    "future-copies": (odd.OfCopied, Kind.THREAD),
    "cancelled-ends": (odd.OfSilent, Kind.THREAD),
    "result-again": (odd.OfCopying, Kind.THREAD),
    "exception-again": (OfCopiesErrors, Kind.THREAD),
    "cancelled-error": (TakesForCancelled, Kind.THREAD),
    "timeout-error": (WrapsErrors, Kind.THREAD),
    "exit-code": (WrapsErrors, Kind.THREAD),
    "interrupt-in-call": (DiesOfInterrupt, Kind.THREAD),
    "stop-iteration": (MapsIterators, Kind.THREAD),
    "error-traceback": (ForgetsWhere, Kind.THREAD),
    "error-cause": (ForgetsWhy, Kind.THREAD),
    "error-notes": (MakesErrorsAnew, Kind.THREAD),
    "callback-order": (OfOnlyOnce, Kind.THREAD),
    "callback-logged": (OfUnheard, Kind.THREAD),
    "callback-process": (OfElsewhere, Kind.THREAD),
    "callback-asks": (OfSettledLast, Kind.THREAD),
    "callback-after-waiters": (OfSettledLast, Kind.THREAD),
    "callback-exits": (odd.OfSwallows, Kind.THREAD),
    "shutdown-in-callback": (WaitsForItself, Kind.THREAD),
    "timeout-zero": (OfZeroIsNone, Kind.THREAD),
    "timeout-huge": (OfTelling, Kind.THREAD),  # the standard futures are that way
    "timeout-nan": (OfTelling, Kind.THREAD),
    "timeout-type": (OfReadsTexts, Kind.THREAD),
    "wait-nothing": (odd.OfNobodyToWaitFor, Kind.THREAD),
    "wait-names": (odd.OfNameless, Kind.THREAD),
    "wait-bad-condition": (odd.OfForgiving, Kind.THREAD),
    "wait-bad-condition-done": (OfTelling, Kind.THREAD),
    "wait-first-all": (odd.OfOneByOne, Kind.THREAD),
    "wait-first-exception": (odd.OfTouchy, Kind.THREAD),
    "wait-no-future": (odd.OfTolerant, Kind.THREAD),
    "waiting-abandoned": (odd.OfHoarding, Kind.THREAD),
    "wait-any-order": (odd.OfLocking, Kind.THREAD),
    "map-chunk-error": (MapsInOne, Kind.THREAD),
    "map-stops": (MapsOn, Kind.THREAD),
    "map-timeout-stops": (MapsOn, Kind.THREAD),
    "map-timeout-clock": (MapsLate, Kind.THREAD),
    "map-zero": (MapsZero, Kind.THREAD),
    "map-no-inputs": (MapsNothing, Kind.THREAD),
    "map-buffersize-values": (TakesAnything, Kind.THREAD),
    "map-chunksize-values": (MapsInChunks, Kind.PROCESS),
    "start-order": (Swaps, Kind.THREAD),
    "submit-not-callable": (LosesTypeErrors, Kind.THREAD),
    "exit-refuses": (ForgetsAtExit, Kind.THREAD),
    "with-after-shutdown": (OpensAgain, Kind.THREAD),
    "with-raises": (SwallowsErrors, Kind.THREAD),
    "max-workers-values": (Absolute, Kind.THREAD),
    "initializer-not-callable": (TakesAnything, Kind.THREAD),
    "shutdown-again-waits": (WaitsOnce, Kind.THREAD),
    "shutdown-in-call": (WaitsForItself, Kind.THREAD),
    "collected-runs": (Dropped, Kind.THREAD),
    "collected-ends": (Plain, Kind.THREAD),  # its threads know it
    "result-does-not-unpickle": (Plain, Kind.PROCESS),
    "max-tasks-fork": (TakesAnything, Kind.PROCESS),
    "max-tasks-values": (TakesAnything, Kind.PROCESS),
    "terminate-workers": (EndsNobody, Kind.PROCESS),
    "kill-workers": (EndsNobody, Kind.PROCESS),
}
