"""Executors with one mechanism broken each: each is to be convicted of one invariant.

``FAULTS`` says of which, by its claim in the kit.
"""

# ruff: noqa: ANN401  a call takes what it takes

import concurrent.futures
import itertools
import threading
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future
from typing import Any, Final

import foregone
from model_tests.conformance.plain import Plain, Work

_NEVER: Final = threading.Event()


class Telling(concurrent.futures.Future[Any]):
    """A standard future that tells everybody when it is cancelled."""

    def cancel(self) -> bool:
        if not super().cancel():
            return False
        try:
            self.set_running_or_notify_cancel()
        except RuntimeError:
            pass  # they have been told
        return True


class Outer(Telling):
    """A future for another one, which is cancelled first."""

    def __init__(self, inner: Future[Any]) -> None:
        super().__init__()
        self.inner = inner

    def cancel(self) -> bool:
        return self.inner.cancel() and self.follow()

    def follow(self) -> bool:
        return super().cancel()

    def running(self) -> bool:
        return self.inner.running()


class LosesACall(Plain):
    """Each seventh call is forgotten."""

    def __init__(self, max_workers: int) -> None:
        self.count = itertools.count(1)
        super().__init__(max_workers)

    def accept(self, work: Work) -> None:
        if next(self.count) % 7:
            super().accept(work)


class CancelsUntold(Plain):
    """A cancelled future says that it is done, and nobody is told."""

    future_class = concurrent.futures.Future

    def begin(self, work: Work) -> bool:
        return not work.future.cancelled() and super().begin(work)


class ForgetsWhoWaits(Plain):
    """What a shutdown cancels is told to who asks, not to who waits."""

    future_class = concurrent.futures.Future


class QueuesFirst(Plain):
    """A call is queued, and then a thread is started for it, which may be refused."""

    def started(self, max_workers: int) -> list[threading.Thread]:
        self.most = max_workers
        return super().started(1)

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        future: Future[Any] = super().submit(fn, *args, **kwargs)
        if len(self.threads) < self.most:
            thread = threading.Thread(target=self.work, daemon=True)
            thread.start()
            self.threads.append(thread)
        return future


class EndsUnderTheLock(Plain):
    """Futures end, and callbacks run, while the executor's lock is held, which is a plain one."""

    def started(self, max_workers: int) -> list[threading.Thread]:
        self.guard = threading.Condition(threading.Lock())
        return super().started(max_workers)

    def settle(self, work: Work, result: Any, error: BaseException | None) -> None:
        with self.guard:
            super().settle(work, result, error)


class DiesOfAnother(Plain):
    """A worker whose future somebody else has ended ends with an error."""

    def settle(self, work: Work, result: Any, error: BaseException | None) -> None:
        try:
            self.end(work.future, result, error)
        except concurrent.futures.InvalidStateError:
            raise SystemExit from None


class Shrinks(Plain):
    """A worker whose call fails ends, unless it is the last."""

    def __init__(self, max_workers: int) -> None:
        self.failed = threading.local()
        self.left = max_workers
        super().__init__(max_workers)

    def settle(self, work: Work, result: Any, error: BaseException | None) -> None:
        self.failed.now = error is not None
        super().settle(work, result, error)

    def leaves(self) -> bool:
        with self.guard:
            if getattr(self.failed, "now", False) and self.left > 1 and not self.closed:
                self.left -= 1
                return True
        return False


class DoesNotWatch(Executor):
    """A process pool in which nobody hears of a death."""

    def __init__(self, max_workers: int) -> None:
        self.pool = foregone.ProcessPoolExecutor(max_workers)

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        inner = self.pool.submit(fn, *args, **kwargs)
        outer = Outer(inner)
        inner.add_done_callback(lambda _: self.ended(inner, outer))
        return outer

    @staticmethod
    def ended(inner: Future[Any], outer: "Outer") -> None:
        if inner.cancelled():
            outer.follow()
            return
        error = inner.exception()
        if (
            isinstance(error, foregone.BrokenProcessPool)
            or not outer.set_running_or_notify_cancel()
        ):
            return
        if error is None:
            outer.set_result(inner.result())
        else:
            outer.set_exception(error)

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        self.pool.shutdown(wait=wait, cancel_futures=cancel_futures)


class Weakens(Plain):
    """A later shutdown takes back what an earlier one has asked for."""

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        with self.guard:
            self.closed = True
            self.cancels = cancel_futures
            self.guard.notify_all()
        if wait:
            self.join()

    def begin(self, work: Work) -> bool:
        if self.cancels:
            work.future.cancel()
        return super().begin(work)


class BlocksUnderTheLock(Plain):
    """There is room for so many calls; who finds none waits with the lock."""

    ROOM = 5000

    def __init__(self, max_workers: int) -> None:
        self.door = threading.Lock()
        super().__init__(max_workers)

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        with self.door:
            while len(self.queue) >= self.ROOM:
                _NEVER.wait(0.01)
            future: Future[Any] = super().submit(fn, *args, **kwargs)
        return future


class OneFailsAll(Plain):
    """A call that exits fails all that wait."""

    def settle(self, work: Work, result: Any, error: BaseException | None) -> None:
        super().settle(work, result, error)
        if isinstance(error, SystemExit):
            with self.guard:
                others, self.queue = self.queue, deque()
            for each in others:
                if self.begin(each):
                    super().settle(each, None, RuntimeError("the pool is broken"))


class MapEndsEarly(Plain):
    """map submits what comes next while the executor is there, and else just ends."""

    def map(
        self,
        fn: Callable[..., Any],
        *iterables: Any,
        timeout: float | None = None,
        chunksize: int = 1,
    ) -> Iterator[Any]:
        items = zip(*iterables, strict=False)
        ahead = deque(self.submit(fn, *each) for each in itertools.islice(items, 2))

        def results() -> Iterator[Any]:
            while ahead:
                yield ahead.popleft().result(timeout)
                for each in itertools.islice(items, 1):
                    if not self.closed:
                        ahead.append(self.submit(fn, *each))

        return results()


class Changing(Telling):
    """Its result changes when it has been read."""

    def set_result(self, result: Any) -> None:
        super().set_result(result)
        self._result = ("again", result)


class Reversing(Telling):
    """Its callbacks run in the opposite order."""

    def add_done_callback(self, fn: Callable[[Future[Any]], object]) -> None:
        mine: Any = self
        with mine._condition:
            if not self.done():
                mine._done_callbacks.insert(0, fn)
                return
        super().add_done_callback(fn)


class Repeating(Telling):
    """Its callbacks run twice."""

    def add_done_callback(self, fn: Callable[[Future[Any]], object]) -> None:
        super().add_done_callback(fn)
        super().add_done_callback(fn)


class EndsTwice(Plain):
    """A future that has ended gets another result."""

    future_class = Changing


class RunsTwice(Plain):
    """Each fifth call is run twice."""

    def __init__(self, max_workers: int) -> None:
        self.count = itertools.count(1)
        super().__init__(max_workers)

    def run(self, work: Work) -> None:
        if next(self.count) % 5 == 0:
            try:
                work.call()
            except Exception:
                pass
        super().run(work)


class RunsCancelled(Plain):
    """What was cancelled is run all the same, and its outcome dropped."""

    def begin(self, work: Work) -> bool:
        super().begin(work)
        return True


class CallsInReverse(Plain):
    """Callbacks run in the opposite order."""

    future_class = Reversing


class CallsTwice(Plain):
    """Callbacks run twice."""

    future_class = Repeating


class SettlesLate(Plain):
    """Futures end a moment later, and shutdown does not wait for that."""

    def settle(self, work: Work, result: Any, error: BaseException | None) -> None:
        def late() -> None:
            _NEVER.wait(0.1)
            super(SettlesLate, self).settle(work, result, error)

        threading.Thread(target=late, daemon=True).start()


class LeavesWorkers(Plain):
    """shutdown waits for the calls, and not for those who run them."""

    def __init__(self, max_workers: int) -> None:
        self.accepted: list[Future[Any]] = []
        super().__init__(max_workers)

    def accept(self, work: Work) -> None:
        self.accepted.append(work.future)
        super().accept(work)

    def join(self) -> None:
        foregone.wait(self.accepted)

    def ended(self) -> None:
        _NEVER.wait()


class ClaimsAhead(Plain):
    """The first calls of the queue are said to run."""

    def accept(self, work: Work) -> None:
        if len(self.queue) < 3:
            work.future.set_running_or_notify_cancel()
        super().accept(work)

    def begin(self, work: Work) -> bool:
        return work.future.running() or super().begin(work)


class Surprises(Plain):
    """Who submits to an executor that has ended is told something odd."""

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        if self.closed:
            raise AttributeError("'NoneType' object has no attribute 'put'")
        future: Future[Any] = super().submit(fn, *args, **kwargs)
        return future


#: By the claim that is to convict it.
FAULTS: Final[dict[str, type[Executor]]] = {
    "NothingLost": LosesACall,
    "CancelledMeansTold": CancelsUntold,
    "NobodyForgotten": ForgetsWhoWaits,
    "AcceptanceIsAtomic": QueuesFirst,
    "NoForeignCodeUnderALock": EndsUnderTheLock,
    "TheWorkerSurvives": DiesOfAnother,
    "Capacity": Shrinks,
    "WatchedSet": DoesNotWatch,
    "RequestsAreMonotone": Weakens,
    "NeverBlockedUnderALock": BlocksUnderTheLock,
    "Containment": OneFailsAll,
    "YieldsAllOrRaises": MapEndsEarly,
    "FuturesEndOnce": EndsTwice,
    "AtMostOnce": RunsTwice,
    "CancelledNeverRuns": RunsCancelled,
    "CallbacksInOrder": CallsInReverse,
    "EachCallbackOnce": CallsTwice,
    "EndedMeansSettled": SettlesLate,
    "ShutdownMeansEnded": LeavesWorkers,
    "CancelSucceedsUntilClaimed": ClaimsAhead,
    "ClientsSeeNoOtherError": Surprises,
}
