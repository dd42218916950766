"""``wait`` and ``as_completed``, on our futures, standard ones, and mixed sets.

A caller visits its futures one by one and installs its waiter on each that has
not ended; a future that ends tells the waiters installed on it (``Future._tell``).
A waiter is a list of who has ended and a gate.  Both are used by single
operations that cannot be interrupted, in an order that loses nothing: who tells
notes first and opens then; who waits passes the gate and looks then.

Owner of a waiter: the one caller that made it.  No lock is held while another is
taken.  Model: ``tla/Waiting.tla``; rules: ``foregone_spec.waiting``.
"""

import concurrent.futures
from collections import deque
from collections.abc import Iterable, Iterator
from typing import Final, Generic, NamedTuple, TypeVar

from foregone import clock, observer
from foregone.errors import TimeoutError
from foregone.future import Future
from foregone.sync import new_gate, open_gate
from foregone_spec.future import NOTIFIED
from foregone_spec.waiting import RETURNS_ON, Ending, ReturnWhen

T = TypeVar("T")

FIRST_COMPLETED: Final = ReturnWhen.FIRST_COMPLETED.value
FIRST_EXCEPTION: Final = ReturnWhen.FIRST_EXCEPTION.value
ALL_COMPLETED: Final = ReturnWhen.ALL_COMPLETED.value

_BY_VALUE: Final = {each.value: each for each in ReturnWhen}
_STANDARD_NOTIFIED: Final = tuple(each.value for each in NOTIFIED)


class DoneAndNotDoneFutures(NamedTuple, Generic[T]):
    """What ``wait`` returns: two sets of futures."""

    done: set[concurrent.futures.Future[T]]
    not_done: set[concurrent.futures.Future[T]]


class _Waiter(concurrent.futures._base._Waiter, Generic[T]):
    """Notes who has ended, and opens its gate once that is enough."""

    __slots__ = ("gate", "needs", "noted", "on_cancelled", "on_exception", "on_result")

    def __init__(self, when: ReturnWhen, needs: int) -> None:
        row = RETURNS_ON[when]
        self.on_result = row[Ending.RESULT]
        self.on_exception = row[Ending.EXCEPTION]
        self.on_cancelled = row[Ending.CANCELLED]
        self.needs = needs
        self.noted: deque[concurrent.futures.Future[T]] = deque()
        self.gate = new_gate()
        self.gate.acquire()

    def add_result(self, future: concurrent.futures.Future[T]) -> None:
        """Note a future that finished with a result."""
        self.noted.append(future)
        if self.on_result or len(self.noted) >= self.needs:
            open_gate(self.gate)

    def add_exception(self, future: concurrent.futures.Future[T]) -> None:
        """Note a future that finished with an exception."""
        self.noted.append(future)
        if self.on_exception or len(self.noted) >= self.needs:
            open_gate(self.gate)

    def add_cancelled(self, future: concurrent.futures.Future[T]) -> None:
        """Note a future that was cancelled."""
        self.noted.append(future)
        if self.on_cancelled or len(self.noted) >= self.needs:
            open_gate(self.gate)

    def has_enough(self) -> bool:
        """Say whether what opened the gate is enough, though a future may be noted twice."""
        ended = set(self.noted)
        return (
            len(ended) == len(self.noted)
            or len(ended) >= self.needs
            or (self.on_cancelled and bool(ended))
            or (self.on_exception and any(map(_has_failed, ended)))
        )


def _has_failed(future: concurrent.futures.Future[T]) -> bool:
    return not future.cancelled() and future.exception() is not None


def _install(
    entry: "tuple[_Waiter[T]]",
    futures: Iterable[concurrent.futures.Future[T]],
    installed: list[concurrent.futures.Future[T]],
) -> None:
    """Visit each future: install the waiter, or note that the future has ended."""
    (waiter,) = entry
    for future in futures:
        if isinstance(future, Future):
            there = future._now not in NOTIFIED and future._install(entry)
            failed = future._exception is not None
        else:
            with future._condition:
                there = future._state not in _STANDARD_NOTIFIED
                if there:
                    future._waiters.append(waiter)
            failed = not there and _has_failed(future)
        if there:
            installed.append(future)
        elif failed:
            waiter.add_exception(future)
        elif future.cancelled():
            waiter.add_cancelled(future)
        else:
            waiter.add_result(future)


def _uninstall(entry: "tuple[_Waiter[T]]", future: concurrent.futures.Future[T]) -> None:
    if isinstance(future, Future):
        if future._installed is not None:
            future._uninstall(entry)
    else:
        with future._condition:
            if entry[0] in future._waiters:
                future._waiters.remove(entry[0])


def _has_ended(future: concurrent.futures.Future[T]) -> bool:
    if isinstance(future, Future):
        return future._now in NOTIFIED
    return future._state in _STANDARD_NOTIFIED


def _checked(
    fs: Iterable[concurrent.futures.Future[T]], caller: str
) -> set[concurrent.futures.Future[T]]:
    """Return the futures, each once; raise TypeError for what is none."""
    if isinstance(fs, concurrent.futures.Future):
        raise TypeError(f"{caller} takes an iterable of futures, not one: pass [{fs!r}]")
    try:
        futures = set(fs)
    except TypeError as error:
        raise TypeError(f"{caller} takes an iterable of futures, not {fs!r}: {error}") from None
    kinds: set[type[object]] = set(map(type, futures))
    strangers = {each for each in kinds if not issubclass(each, concurrent.futures.Future)}
    for each in futures if strangers else ():
        if type(each) in strangers:
            raise TypeError(
                f"{caller} takes futures, and {each!r} of type {type(each).__name__} is none: "
                f"pass what submit() returned"
            )
    return futures


def wait(
    fs: Iterable[concurrent.futures.Future[T]],
    timeout: float | None = None,
    return_when: str = ALL_COMPLETED,
) -> DoneAndNotDoneFutures[T]:
    """Wait until the futures have ended, or one of them as ``return_when`` asks.

    ``fs`` may hold futures of any executors, and one several times.  ``timeout`` is in
    seconds; None waits without limit, zero or less looks once.  ``return_when`` is
    FIRST_COMPLETED, FIRST_EXCEPTION or ALL_COMPLETED.  Returns two sets: ``done``, those
    that ended, and ``not_done``.  Raises ValueError and TypeError for wrong arguments.
    Source: the seed, CPython's documentation, ``foregone_spec.waiting.RETURNS_ON``.
    """
    when = _BY_VALUE.get(return_when) if isinstance(return_when, str) else None
    if when is None:
        raise ValueError(
            f"Invalid return condition: {return_when!r}; "
            f"pass FIRST_COMPLETED, FIRST_EXCEPTION or ALL_COMPLETED"
        )
    seconds = clock.limit(timeout, "wait()")
    futures = _checked(fs, "wait()")
    if not seconds:
        done = set(filter(_has_ended, futures))
        return DoneAndNotDoneFutures(done, futures - done)
    waiter: _Waiter[T] = _Waiter(when, len(futures))
    entry = (waiter,)
    installed: list[concurrent.futures.Future[T]] = []
    try:
        _install(entry, futures, installed)
        if installed:
            until = clock.deadline(seconds)
            passed = waiter.gate.acquire(timeout=seconds)
            while passed and not waiter.has_enough():  # told of one twice, after Ctrl-C
                passed = waiter.gate.acquire(timeout=clock.remaining(until))
        for future in installed:
            _uninstall(entry, future)
    except BaseException:  # Ctrl-C, wherever it came: no waiter stays behind
        for future in futures:
            _uninstall(entry, future)
        raise
    if observer.log is not None: observer.log += (("Wait", waiter, seconds, futures, tuple(waiter.noted)),)  # fmt: skip
    done = set(waiter.noted)
    if len(done) == len(futures):
        return DoneAndNotDoneFutures(done, set())
    return DoneAndNotDoneFutures(done, futures - done)


def as_completed(
    fs: Iterable[concurrent.futures.Future[T]], timeout: float | None = None
) -> Iterator[concurrent.futures.Future[T]]:
    """Return an iterator that yields each of the futures as it ends, each once.

    ``timeout`` is in seconds from this call; None sets no limit.  ``next()`` raises
    TimeoutError when it has passed and a future has not ended.  Raises ValueError and
    TypeError for wrong arguments at this call.  Source: the seed, CPython's
    documentation ("from the original call"), ``tla/Waiting.tla``.
    """
    until = clock.deadline(clock.limit(timeout, "as_completed()"))
    futures = _checked(fs, "as_completed()")
    return _as_completed(futures, until)


def _as_completed(
    futures: set[concurrent.futures.Future[T]], until: float
) -> Iterator[concurrent.futures.Future[T]]:
    total = len(futures)
    waiter: _Waiter[T] = _Waiter(ReturnWhen.FIRST_COMPLETED, total)
    entry = (waiter,)
    try:
        _install(entry, futures, [])
        while futures:
            while not waiter.noted:
                passed = waiter.gate.acquire(timeout=clock.remaining(until))
                if not passed and not waiter.noted:
                    if observer.log is not None: observer.log += (("GiveUp", waiter),)  # fmt: skip
                    raise TimeoutError(f"{len(futures)} (of {total}) futures unfinished")
            # The caller gets the only reference that this generator has.
            ended = [waiter.noted.popleft()]
            if ended[0] in futures:  # else it was told twice, after Ctrl-C
                futures.remove(ended[0])
                if not isinstance(ended[0], Future):  # ours let a waiter go that they told
                    _uninstall(entry, ended[0])
                if observer.log is not None: observer.log += (("Yield", waiter, ended[0]),)  # fmt: skip
                yield ended.pop()
    finally:
        try:
            for future in futures:
                _uninstall(entry, future)
        except BaseException:  # Ctrl-C, wherever it came: no waiter stays behind
            for future in futures:
                _uninstall(entry, future)
            raise
