"""The thread pool against its model, deterministic: tasks end when the machine says so.

A rule acts on the pool and on the state of the model; then the model's threads go on
as far as they can without a Finish, and the real ones must come just as far.  Which
thread does what is not compared: threads are alike.
"""

import queue
import threading
from collections.abc import Callable
from functools import partial
from typing import Final, TypeAlias

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import initialize, invariant, rule

from foregone import BrokenExecutor, CancelledError, Future, ThreadPoolExecutor
from foregone_spec.future import DONE, State
from foregone_spec.lifecycle import Request, accepts
from foregone_spec.thread_pool import (
    ALIVE,
    Action,
    Cancel,
    Claim,
    Collect,
    Discard,
    Discarded,
    EndThread,
    Finish,
    Initialized,
    InitializerFails,
    Park,
    Shutdown,
    ShutdownReturns,
    Submit,
    Take,
    ThreadCannotStart,
    ThreadPoolModel,
    ThreadPoolState,
    ThreadStarts,
)
from model_tests.machine import Machine, Task, joined
from model_tests.recording_pool import of_thread_pool

CALLS: Final = 20
REQUESTS: Final = (Request.SHUTDOWN, Request.SHUTDOWN_CANCEL_FUTURES)
#: Which of several: taken modulo how many there are.
PICKS: Final = st.integers(0, 11)
#: Nobody ends the pool before so many calls.
PATIENCE: Final = st.sampled_from([0, 2, 4, 8, 12])
#: Each may be asked three times: more than that is said with them.
CLOSERS: Final = REQUESTS * 3

Callback: TypeAlias = tuple[str, int]


class ThreadPoolMachine(Machine[ThreadPoolState, Action]):
    executor: ThreadPoolExecutor | None = None

    @initialize(
        threads=st.integers(1, 3),
        initializes=st.sampled_from([False, False, True]),
        patience=PATIENCE,
    )
    def begin(self, threads: int, initializes: bool, patience: int) -> None:
        self.patience = patience
        self.initializes = initializes
        self.initializing: set[threading.Thread] = set()
        self.outcomes: queue.SimpleQueue[bool] = queue.SimpleQueue()
        self.executor = ThreadPoolExecutor(
            threads, initializer=self.initializer if initializes else None
        )
        self.pool = self.executor._pool
        self.starts(ThreadPoolModel(CALLS, threads, CLOSERS, initializes, True, True))
        self.tasks: dict[int, Task] = {}
        self.futures: dict[int, Future[str]] = {}
        self.refused: dict[int, type[RuntimeError]] = {}
        self.raises: dict[int, bool] = {}  # of the calls that were finished: did they raise?
        self.callbacks: dict[int, list[Callback]] = {}
        self.closing: dict[int, threading.Thread] = {}
        self.submitted = self.promised = 0  # calls; those that callbacks will submit

    def initializer(self) -> None:
        self.initializing.add(threading.current_thread())
        self.bell.ring()
        fails = self.outcomes.get()
        self.initializing.remove(threading.current_thread())
        self.bell.ring()
        if fails:
            raise ZeroDivisionError

    # ------------------------------------------------------------- the model

    def did(self, before: ThreadPoolState) -> None:
        for number, (was, now) in enumerate(
            zip(before.futures, self.state.futures, strict=True), start=1
        ):
            if was not in DONE and now in DONE and before.calls[number - 1] != "starting":
                self.call_back(number)

    def call_back(self, number: int) -> None:
        """Let the callbacks of a call of the model do what they do."""
        for what, other in self.callbacks.pop(number, ()):
            if what == "submit":
                self.promised -= 1
                if not self.state.collected:
                    self.do(Submit(self.state.calls.index("out") + 1))
                    self.go_on(ThreadStarts)
            elif what == "cancel" and self.can(Cancel(other)):
                self.do(Cancel(other))

    def settle(self) -> None:
        """Let the model and the pool go on until only the machine can go on."""
        free = () if self.initializes else (Initialized,)
        self.go_on(ThreadStarts, *free, Take, Claim, Discard, Park, EndThread, Discarded)
        for number, future in enumerate(self.state.futures, start=1):
            if future is State.RUNNING:
                self.bell.until(partial(self.has_begun, number))
        stands = self.state.threads.count
        self.bell.until(lambda: len(self.initializing) == stands("initializing"))
        self.bell.until(lambda: len(self.pool.parked) == len(self.state.parked))
        if not accepts(self.state.phase):
            busy = {each.thread for each in self.tasks.values()} | self.initializing
            joined(each.thread for each in self.pool.workers if each.thread not in busy)
        if not any(each in ALIVE for each in self.state.threads):
            for closer in list(self.closing):
                joined([self.closing.pop(closer)])
                self.do(ShutdownReturns(closer))

    def has_begun(self, number: int) -> bool:
        return number in self.tasks and self.tasks[number].thread is not None

    # ----------------------------------------------------------------- rules

    def submit_there(self) -> None:
        """Submit the next call to the pool, whoever does it."""
        executor = self.executor
        if executor is None:
            return
        self.submitted += 1
        number = self.submitted
        self.tasks[number] = Task(self.bell)
        try:
            self.futures[number] = executor.submit(self.tasks[number])
        except RuntimeError as error:
            self.refused[number] = type(error)  # its traceback holds the executor

    def unpromised(self) -> bool:
        return self.state.calls.count("out") > self.promised and not self.state.collected

    @rule(calls=st.integers(1, 3))
    def submit(self, calls: int) -> None:
        for _ in range(calls):
            if self.unpromised():
                self.do(Submit(self.state.calls.index("out") + 1))
                self.submit_there()
                self.settle()

    @rule()
    def submit_without_a_thread(self) -> None:
        """Submit while the system refuses threads, if one is asked for."""
        if not self.unpromised():
            return
        self.do(Submit(self.state.calls.index("out") + 1))
        if "starting" in self.state.threads:
            self.do(ThreadCannotStart(self.state.threads.index("starting") + 1))

        def refuses(thread: threading.Thread) -> None:
            raise RuntimeError("can't start new thread")

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(threading.Thread, "start", refuses)
            self.submit_there()
        self.settle()

    def running(self) -> list[int]:
        return [n for n, each in enumerate(self.state.futures, 1) if each is State.RUNNING]

    @rule(picks=st.lists(PICKS, min_size=1, max_size=4), raises=st.booleans())
    def finish(self, picks: list[int], raises: bool) -> None:
        for pick in picks:
            running = self.running()
            if running:
                self.finish_call(running[pick % len(running)], raises)

    def finish_call(self, number: int, raises: bool) -> None:
        self.raises[number] = raises
        thread = next(
            each.thread
            for each in self.model.enabled(self.state)
            if isinstance(each, Finish) and self.state.holds[each.thread - 1] == number
        )
        self.do(Finish(thread))
        self.tasks[number].ends(raises)
        self.settle()

    @rule(pick=PICKS)
    def cancel(self, pick: int) -> None:
        if not self.futures:
            return
        number = sorted(self.futures)[-1 - pick % len(self.futures)]
        if self.can(Cancel(number)):
            self.do(Cancel(number))
        cancelled = self.state.futures[number - 1] is State.CANCELLED_AND_NOTIFIED
        assert self.futures[number].cancel() is cancelled
        self.settle()

    def undone(self) -> list[int]:
        return [n for n in self.futures if self.state.futures[n - 1] not in DONE]

    @rule(pick=PICKS, further=PICKS, what=st.sampled_from(["submit", "cancel", "raise"]))
    def add_callback(self, pick: int, further: int, what: str) -> None:
        undone = self.undone()
        if not undone or (what == "submit" and not self.unpromised()):
            return
        number = undone[pick % len(undone)]
        other = sorted(self.futures)[-1 - further % len(self.futures)]
        self.promised += what == "submit"
        self.callbacks.setdefault(number, []).append((what, other))
        acts: dict[str, Callable[[], object]] = {
            "submit": self.submit_there,
            "cancel": self.futures[other].cancel,
            "raise": lambda: 1 // 0,
        }
        self.futures[number].add_done_callback(lambda _: acts[what]())

    @rule(fails=st.sampled_from([False, False, True]))
    def initialize_thread(self, fails: bool) -> None:
        if "initializing" not in self.state.threads:
            return
        thread = self.state.threads.index("initializing") + 1
        self.do(InitializerFails(thread) if fails else Initialized(thread))
        self.outcomes.put(fails)
        self.settle()

    @rule(request=st.sampled_from(REQUESTS), waits=st.booleans())
    def shutdown(self, request: Request, waits: bool) -> None:
        executor = self.executor
        if executor is None or self.submitted < self.patience:
            return
        asked = [n for n, each in enumerate(CLOSERS, start=1) if each is request]
        closer = next((n for n in asked if self.can(Shutdown(n))), 0)
        if not closer:
            return
        self.do(Shutdown(closer))
        if self.state.closers[closer - 1] == "discarding":
            self.go_on(Discard, Discarded)
        cancels = request is Request.SHUTDOWN_CANCEL_FUTURES
        if waits:
            self.closing[closer] = threading.Thread(
                target=executor.shutdown, kwargs={"cancel_futures": cancels}
            )
            self.closing[closer].start()
            if any(each in ALIVE for each in self.state.threads):
                self.bell.until(
                    lambda: (
                        len(self.pool.closers) == len(self.closing)
                        or not self.closing[closer].is_alive()
                    )
                )
        else:
            executor.shutdown(wait=False, cancel_futures=cancels)
        self.settle()

    @rule()
    def collect(self) -> None:
        if self.submitted < self.patience or not self.can(Collect()):
            return
        self.do(Collect())
        self.executor = None
        self.settle()

    # ---------------------------------------------------------------- checks

    @invariant()
    def all_agree(self) -> None:
        assert self.pool.phase is self.state.phase
        assert self.pool.accepts() == accepts(self.state.phase)
        numbers = {future: number for number, future in self.futures.items()}
        queued = [numbers.get(future, 0) for future, *_ in tuple(self.pool.queue)]
        assert queued == [n if n in self.futures else 0 for n in self.state.work_ids]
        assert self.pool.alive == sum(each in ALIVE for each in self.state.threads)
        for number, stands in enumerate(self.state.calls, start=1):
            assert (number in self.refused) == (stands == "raised")
            assert (number in self.futures) == (stands == "accepted")
        for number, future in self.futures.items():
            self.agrees(number, future)

    def agrees(self, number: int, future: Future[str]) -> None:
        now = self.state.futures[number - 1]
        assert future._now is now
        if now is State.CANCELLED_AND_NOTIFIED:
            with pytest.raises(CancelledError):
                future.result()
        elif now is State.FINISHED:
            error = future.exception()
            if number not in self.raises:
                assert isinstance(error, BrokenExecutor)
            else:
                assert isinstance(error, ZeroDivisionError) is self.raises[number]

    def teardown(self) -> None:
        try:
            self.patience = 0
            self.shutdown(Request.SHUTDOWN, False)
            while "initializing" in self.state.threads:
                self.initialize_thread(False)
            while self.running():
                self.finish_call(self.running()[0], False)
            assert not self.closing
            assert not self.pool.alive
            assert all(future.done() for future in self.futures.values())
            verdict = of_thread_pool(self.entries, self.pool).verdict()
            assert verdict.accepted, str(verdict)
        finally:
            for task in self.tasks.values():
                task.orders.put(False)
            for _ in self.pool.workers:
                self.outcomes.put(False)
            if self.executor is not None:
                self.executor.shutdown()
            self.ends()


TestThreadPoolMachine = ThreadPoolMachine.TestCase
# One example is short, and quick.
TestThreadPoolMachine.settings = settings(max_examples=4 * settings().max_examples)


def test_accepts_a_call_that_another_thread_began_before_its_own_was_refused() -> None:
    began, go = threading.Event(), threading.Event()

    def second() -> bool:
        began.set()
        return True

    with ThreadPoolExecutor(2) as executor:
        first = executor.submit(go.wait)

        def refuses(thread: threading.Thread) -> None:
            go.set()
            began.wait()
            raise RuntimeError("can't start new thread")

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(threading.Thread, "start", refuses)
            future = executor.submit(second)
        assert first.result() is future.result() is True
