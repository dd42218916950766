"""Libraries with a Future, ``wait`` and ``as_completed`` of their own, one of them odd in each.

The kit finds what belongs to a future by the module of its class, so each has a module.
"""

# ruff: noqa: ANN401  a future may hold anything

import concurrent.futures
import copy
import itertools
import sys
import threading
from collections.abc import Callable, Collection, Iterable, Iterator
from concurrent.futures import ALL_COMPLETED, FIRST_EXCEPTION, Future
from types import ModuleType
from typing import Any, Final

from model_tests.conformance.faults import Telling
from model_tests.conformance.plain import Plain

_NEVER: Final = threading.Event()


def of(future: type[Future[Any]], **others: Callable[..., Any]) -> type[Plain]:
    """Return an executor with such futures, of a library that has a module.

    ``others``  its ``wait`` or ``as_completed``, if they are not the standard ones
    """
    name = f"{__name__}.{future.__name__}"
    module: Any = ModuleType(name)
    module.Future = future
    module.wait = others.get("wait", concurrent.futures.wait)
    module.as_completed = others.get("as_completed", concurrent.futures.as_completed)
    module.ALL_COMPLETED = ALL_COMPLETED
    sys.modules[name] = module
    future.__module__ = name
    own = {"future_class": future, "__module__": __name__}
    return type(f"Of{future.__name__}", (Plain,), own)


# ------------------------------------------------------------------------- futures


class Fair(Telling):
    """The standard future, which tells everybody when it is cancelled."""


class Vague(Telling):
    """It says that it runs as long as it is not done."""

    def running(self) -> bool:
        return not self.done()


class CallsAgain(Telling):
    """Each cancel() calls the callbacks."""

    def cancel(self) -> bool:
        was = self.cancelled()
        cancelled = super().cancel()
        if was:
            self._invoke_callbacks()  # type: ignore[attr-defined]  # it is the fault
        return cancelled


class StartsAgain(Telling):
    """It may begin as often as one likes."""

    def set_running_or_notify_cancel(self) -> bool:
        try:
            return super().set_running_or_notify_cancel()
        except RuntimeError:
            return not self.cancelled()


class ResultsAgain(Telling):
    """A later result wins."""

    def set_result(self, result: Any) -> None:
        if self.done() and not self.cancelled():
            self._result = result
        else:
            super().set_result(result)


class FailsAgain(Telling):
    """A later exception wins."""

    def set_exception(self, exception: BaseException | None) -> None:
        if self.done() and not self.cancelled():
            self._exception = exception
        else:
            super().set_exception(exception)


class NeverThere(Telling):
    """Who looks at a cancelled one without waiting is told that it is not there."""

    def result(self, timeout: float | None = None) -> Any:
        if self.cancelled() and timeout is not None and timeout <= 0:
            raise concurrent.futures.TimeoutError
        return super().result(timeout)


class TakesAll(Telling):
    """What is no exception is taken for a result."""

    def set_exception(self, exception: Any) -> None:
        if isinstance(exception, BaseException):
            super().set_exception(exception)
        else:
            self.set_result(exception)


class Alike(Telling):
    """Two that have the same outcome are equal."""

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Alike) and self.done() and self._result == other._result

    def __hash__(self) -> int:
        return hash(self.done())


class Shy(Telling):
    """It can be shown when it has failed."""

    def __repr__(self) -> str:
        mine: Any = self
        return f"<failed: {mine._exception.args}>"


class Copied(Telling):
    """A copy is a new one."""

    def __reduce__(self) -> Any:
        return Telling, ()


class Silent(Telling):
    """exception() of a cancelled one is None."""

    def exception(self, timeout: float | None = None) -> BaseException | None:
        return None if self.cancelled() else super().exception(timeout)


class Swallows(Telling):
    """What a callback raises is dropped, Ctrl-C included."""

    def _invoke_callbacks(self) -> None:
        mine: Any = self
        for each in mine._done_callbacks:
            try:
                each(self)
            except BaseException:
                pass


# ------------------------------------------------------------------------- waiting


class NobodyToWaitFor(Telling):
    """Its wait waits until somebody ends, though there is nobody."""


def wait_for_somebody(fs: Collection[Any], *rest: Any) -> Any:
    """Wait, for ever if there are none."""
    if not fs:
        _NEVER.wait()
    return concurrent.futures.wait(fs, *rest)


class Nameless(Telling):
    """Its wait returns a pair without names."""


def wait_nameless(fs: Iterable[Any], *rest: Any) -> Any:
    """Return a plain pair."""
    done, others = concurrent.futures.wait(fs, *rest)
    return done, others


class Forgiving(Telling):
    """Its wait takes each word for ALL_COMPLETED."""


def wait_forgiving(
    fs: Iterable[Any], timeout: float | None = None, return_when: str = ALL_COMPLETED
) -> Any:
    """Wait for all."""
    known = return_when in ("FIRST_COMPLETED", FIRST_EXCEPTION)
    return concurrent.futures.wait(fs, timeout, return_when if known else ALL_COMPLETED)


class OneByOne(Telling):
    """Its wait returns one at a time."""


def wait_one_by_one(fs: Iterable[Any], *rest: Any) -> Any:
    """Return one that has ended, and all others as not done."""
    done, others = concurrent.futures.wait(fs, *rest)
    one = {*itertools.islice(done, 1)}
    return one, others | (done - one)


class Touchy(Telling):
    """Its wait takes a cancelled one for a failure."""


def wait_touchy(
    fs: Iterable[Any], timeout: float | None = None, return_when: str = ALL_COMPLETED
) -> Any:
    """Return when one is cancelled, too."""
    given = {*fs}
    if return_when == FIRST_EXCEPTION and any(each.cancelled() for each in given):
        timeout = 0
    return concurrent.futures.wait(given, timeout, return_when)


class Tolerant(Telling):
    """Its wait leaves out what is no future."""


def wait_tolerant(fs: Any, *rest: Any) -> Any:
    """Wait for the futures among what is given."""
    given = fs if isinstance(fs, (list, set, tuple)) else [fs]
    return concurrent.futures.wait([x for x in given if isinstance(x, Future)], *rest)


class Hoarding(Telling):
    """Its as_completed keeps each iterator that it has made."""


_HOARD: Final[list[object]] = []


def as_completed_hoarding(fs: Iterable[Any], timeout: float | None = None) -> Iterator[Any]:
    """Keep the iterator for ever."""
    iterator = concurrent.futures.as_completed(fs, timeout)
    _HOARD.append(iterator)
    return iterator


class Locking(Telling):
    """Its wait holds a lock of each future, taken in the order in which they are given."""

    def __init__(self) -> None:
        super().__init__()
        self.door = threading.Lock()


def wait_locking(fs: Iterable[Any], *rest: Any) -> Any:
    """Take all locks, then wait."""
    given = [*fs]
    for each in given:
        each.door.acquire()
    try:
        return concurrent.futures.wait(given, *rest)
    finally:
        for each in given:
            each.door.release()


class Copying(Telling):
    """result() gives a copy."""

    def result(self, timeout: float | None = None) -> Any:
        return copy.copy(super().result(timeout))


OfFair, OfVague, OfCallsAgain, OfStartsAgain = of(Fair), of(Vague), of(CallsAgain), of(StartsAgain)
OfResultsAgain, OfFailsAgain, OfNeverThere = of(ResultsAgain), of(FailsAgain), of(NeverThere)
OfTakesAll, OfAlike, OfShy, OfCopied = of(TakesAll), of(Alike), of(Shy), of(Copied)
OfSilent, OfSwallows, OfCopying = of(Silent), of(Swallows), of(Copying)
OfNobodyToWaitFor = of(NobodyToWaitFor, wait=wait_for_somebody)
OfNameless = of(Nameless, wait=wait_nameless)
OfForgiving = of(Forgiving, wait=wait_forgiving)
OfOneByOne = of(OneByOne, wait=wait_one_by_one)
OfTouchy = of(Touchy, wait=wait_touchy)
OfTolerant = of(Tolerant, wait=wait_tolerant)
OfHoarding = of(Hoarding, as_completed=as_completed_hoarding)
OfLocking = of(Locking, wait=wait_locking)
