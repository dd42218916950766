"""wait() and as_completed() against their model: some callers, some futures, by rules.

A caller of wait() has a thread; an iterator of as_completed() has one for each next().
After each rule everybody has come as far as the model says.
"""

import concurrent.futures
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from types import GeneratorType
from typing import Final

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import initialize, invariant, rule

from foregone import Future, as_completed, wait
from foregone.future import OWNED
from foregone_spec.waiting import Ending, ReturnWhen
from foregone_spec.waiting_model import (
    AS_COMPLETED,
    Action,
    Call,
    End,
    GiveUp,
    Install,
    Note,
    Pass,
    Remove,
    Tell,
    WaitingModel,
    WaitingState,
    Yield,
)
from model_tests.machine import Machine, joined
from model_tests.recording import of_waiting

#: At once: a timeout that passes while its caller is blocked.
NO_TIME: Final = 1e-9
#: Which of several: taken modulo how many there are.
PICKS: Final = st.integers(0, 11)
AnyFuture = Future[object]

#: How a future is made to end, by itself or by an executor.
ENDS: Final[Mapping[Ending, Callable[[AnyFuture], object]]] = {
    Ending.RESULT: lambda future: future.set_result("answer"),
    Ending.EXCEPTION: lambda future: future.set_exception(ZeroDivisionError()),
    Ending.CANCELLED: lambda future: [future.cancel(), future._obey(OWNED)],
}


@dataclass
class Caller:
    """Somebody who waits, in a thread of their own."""

    number: int
    asks: str
    futures: list[AnyFuture]
    thread: threading.Thread | None = None
    done: set[concurrent.futures.Future[object]] | None = None  # what wait() said
    wanted: int = 0  # how many next() were asked for
    yielded: list[concurrent.futures.Future[object]] = field(default_factory=list)
    iterator: Iterator[concurrent.futures.Future[object]] | None = None
    error: BaseException | None = None
    hurried: bool = False  # has its timeout passed?
    told: tuple[int, ...] = ()  # what its waiter had noted when it stopped waiting

    def start(self, timeout: float | None = None) -> None:
        """Call wait(), or next()."""
        self.thread = threading.Thread(target=self.ask, args=[timeout])
        self.thread.start()

    def ask(self, timeout: float | None) -> None:
        try:
            if self.asks != AS_COMPLETED:
                self.done = wait(self.futures, timeout, self.asks).done
            else:
                self.iterator = self.iterator or as_completed(self.futures, timeout)
                self.yielded.append(next(self.iterator))
        except BaseException as error:
            self.error = error


class WaitingMachine(Machine[WaitingState, Action]):
    @initialize(owned=st.booleans(), futures=st.integers(1, 3), data=st.data())
    def begin(self, owned: bool, futures: int, data: st.DataObject) -> None:
        self.futures = [AnyFuture() for _ in range(futures)]
        for future in self.futures:
            if owned:
                future._cancel_as = OWNED
        ask = st.sampled_from([*(each.value for each in ReturnWhen), AS_COMPLETED])
        names = st.lists(st.integers(1, futures), min_size=1, max_size=4)
        callers = data.draw(st.lists(st.tuples(ask, names), min_size=1, max_size=3))
        asks = tuple(asks for asks, _ in callers)
        # The library visits a set in an order of its own: so does the model here.
        named = [[self.futures[each - 1] for each in names] for _, names in callers]
        visits = tuple(tuple(self.futures.index(each) + 1 for each in set(n)) for n in named)
        self.starts(WaitingModel(futures, asks, visits))
        self.callers = [
            Caller(number, asks, names)
            for number, (asks, names) in enumerate(zip(asks, named, strict=True), start=1)
        ]

    # ------------------------------------------------------------- the model

    def did(self, before: WaitingState) -> None:
        for caller, stands in zip(self.callers, self.state.callers, strict=True):
            if stands == "removing" and before.callers[caller.number - 1] == "blocked":
                caller.told = self.state.told[caller.number - 1]

    def settle(self) -> None:
        """Let everybody who waits come as far as they can."""
        self.go_on(Note, Tell, Install, Remove)
        for caller in self.callers:
            if caller.asks != AS_COMPLETED:
                while self.can(Pass(caller.number)):
                    self.do(Pass(caller.number))
            else:
                self.settle_iterator(caller)
        self.go_on(Remove)
        for caller in self.callers:
            if caller.thread is not None and not self.blocks(caller):
                joined([caller.thread])
                caller.thread = None
        expected = [self.waiters(number) for number in range(1, len(self.futures) + 1)]
        self.bell.until(lambda: [len(each._installed or ()) for each in self.futures] == expected)

    def settle_iterator(self, caller: Caller) -> None:
        while self.state.yielded[caller.number - 1] < caller.wanted and self.can(
            Yield(caller.number)
        ):
            self.do(Yield(caller.number))

    def blocks(self, caller: Caller) -> bool:
        if self.state.callers[caller.number - 1] != "blocked":
            return False
        return caller.asks != AS_COMPLETED or self.state.yielded[caller.number - 1] < caller.wanted

    def waiters(self, number: int) -> int:
        """Return how many waiters are on a future: one that has ended lets all go."""
        pending = self.state.futures[number - 1] == "pending"
        return len(self.state.installed[number - 1]) if pending else 0

    # ----------------------------------------------------------------- rules

    @rule(pick=PICKS, ending=st.sampled_from(Ending))
    def end(self, pick: int, ending: Ending) -> None:
        pending = [n for n, each in enumerate(self.state.futures, start=1) if each == "pending"]
        if not pending:
            return
        number = pending[pick % len(pending)]
        self.do(End(number, ending))
        ENDS[ending](self.futures[number - 1])
        self.settle()

    def free(self) -> list[Caller]:
        """Return those who could begin to wait, or ask for the next."""
        stands = self.state.callers
        return [
            each
            for each in self.callers
            if each.thread is None
            and each.error is None
            and (
                stands[each.number - 1] == "out"
                or (each.asks == AS_COMPLETED and stands[each.number - 1] == "blocked")
            )
        ]

    @rule(pick=PICKS, hurried=st.sampled_from([False, False, True]))
    def call(self, pick: int, hurried: bool) -> None:
        """Wait, or ask for the next; with a timeout that passes if the caller blocks."""
        free = self.free()
        if not free:
            return
        caller = free[pick % len(free)]
        if self.can(Call(caller.number)):
            self.do(Call(caller.number))
            self.go_on(Install)
            caller.hurried = hurried
        caller.wanted += 1
        caller.start(NO_TIME if caller.hurried else None)
        if caller.hurried and not (self.can(Pass(caller.number)) or self.can(Yield(caller.number))):
            self.do(GiveUp(caller.number))
            joined([caller.thread] if caller.thread else [])
            assert isinstance(caller.error, TimeoutError) is (caller.asks == AS_COMPLETED)
        self.settle()

    @rule(pick=PICKS)
    def close(self, pick: int) -> None:
        """Close an iterator before its end."""
        idle = [each for each in self.free() if each.iterator is not None]
        if not idle:
            return
        caller = idle[pick % len(idle)]
        self.do(GiveUp(caller.number))
        assert isinstance(caller.iterator, GeneratorType)
        caller.iterator.close()
        self.settle()

    @rule()
    def look(self) -> None:
        """Look once, with no waiter."""
        ended = {
            future
            for future, stands in zip(self.futures, self.state.futures, strict=True)
            if stands != "pending"
        }
        assert wait(self.futures, 0).done == ended

    # ---------------------------------------------------------------- checks

    @invariant()
    def all_agree(self) -> None:
        for caller in self.callers:
            stands, told = self.state.callers[caller.number - 1], self.state.told[caller.number - 1]
            assert caller.error is None or self.state.why[caller.number - 1] == "timeout"
            if caller.asks == AS_COMPLETED:
                assert len(caller.yielded) == self.state.yielded[caller.number - 1]
                numbers = [self.number(future) for future in caller.yielded]
                assert sorted(numbers) == sorted(told[: len(numbers)])
            elif stands == "back":
                assert caller.done == {self.futures[number - 1] for number in caller.told}

    def number(self, future: concurrent.futures.Future[object]) -> int:
        return 1 + [each is future for each in self.futures].index(True)

    def teardown(self) -> None:
        try:
            while "pending" in self.state.futures:
                number = self.state.futures.index("pending") + 1
                self.do(End(number, Ending.RESULT))
                self.futures[number - 1].set_result("answer")
                self.settle()
            self.all_agree()
            assert not any(caller.thread for caller in self.callers)
            verdict = of_waiting(self.entries, self.futures).verdict()
            assert verdict.accepted, str(verdict)
        finally:
            for future in self.futures:
                future._obey(OWNED)
                future._obey(OWNED)
            self.ends()


TestWaitingMachine = WaitingMachine.TestCase
# One example is short, and quick.
TestWaitingMachine.settings = settings(max_examples=4 * settings().max_examples)
