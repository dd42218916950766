"""A small executor that keeps its promises, with a method for each that can be broken.

Threads are started when it is made.  A future is told of its end at once, in order, once.
"""

# ruff: noqa: ANN401  a call takes what it takes

import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import Executor, Future
from typing import Any, ClassVar, final

from foregone.future import OwnedFuture


@final
class Work:
    """A call and its future."""

    def __init__(self, future: Future[Any], call: Callable[[], Any]) -> None:
        self.future = future
        self.call = call


class Plain(Executor):
    """Threads that take calls from a queue."""

    future_class: ClassVar[Any] = OwnedFuture

    def __init__(self, max_workers: int) -> None:
        if max_workers < 1:
            raise ValueError("max_workers must be greater than 0")
        self.guard = threading.Condition()
        self.queue: deque[Work] = deque()
        self.closed = self.cancels = False
        self.threads = self.started(max_workers)

    def started(self, max_workers: int) -> list[threading.Thread]:
        threads = [threading.Thread(target=self.work, daemon=True) for _ in range(max_workers)]
        for each in threads:
            each.start()
        return threads

    # ------------------------------------------------------------------- callers

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        work = Work(self.future_class(), lambda: fn(*args, **kwargs))
        with self.guard:
            if self.closed:
                raise RuntimeError("cannot schedule new futures after shutdown")
            self.accept(work)
            self.guard.notify()
        return work.future

    def accept(self, work: Work) -> None:
        """Queue a call, under the lock."""
        self.queue.append(work)

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        with self.guard:
            self.closed = True
            self.request(cancel_futures)
            discarded = [*self.queue] if self.cancels else []
            if self.cancels:
                self.queue.clear()
            self.guard.notify_all()
        for work in discarded:
            self.discard(work)
        if wait:
            self.join()

    def request(self, cancel_futures: bool) -> None:
        self.cancels = self.cancels or cancel_futures

    def discard(self, work: Work) -> None:
        work.future.cancel()

    def join(self) -> None:
        for each in self.threads:
            each.join()

    # ------------------------------------------------------------------- workers

    def work(self) -> None:
        """Run calls until there is none, and none can come."""
        while True:
            with self.guard:
                self.guard.wait_for(lambda: self.queue or self.closed)
                if not self.queue:
                    break
                work = self.queue.popleft()
            if self.begin(work):
                self.run(work)
                del work
            if self.leaves():
                break
        self.ended()

    def begin(self, work: Work) -> bool:
        """Claim a call; say whether it is to be run."""
        try:
            return bool(work.future.set_running_or_notify_cancel())
        except RuntimeError:
            return False  # it was cancelled, and everybody has been told

    def run(self, work: Work) -> None:
        try:
            result = work.call()
        except BaseException as error:
            self.settle(work, None, error)
            del error
        else:
            self.settle(work, result, None)

    def settle(self, work: Work, result: Any, error: BaseException | None) -> None:
        try:
            self.end(work.future, result, error)
        except Exception:  # somebody else has ended it
            pass

    def end(self, future: Future[Any], result: Any, error: BaseException | None) -> None:
        if error is None:
            future.set_result(result)
        else:
            future.set_exception(error)

    def leaves(self) -> bool:
        """Say whether a worker ends after a call."""
        return False

    def ended(self) -> None:
        """Do what a worker does at last."""
