"""A process pool that is simulated, for tests of code that uses one: any luck, any death, at will.

    pool = SimulatedProcessPool(2, seed=17, on_process_death="replace", deaths=1)

There is no process and no thread.  What may happen is what ``foregone_spec.process_pool`` says
may happen, and a seed draws which of it does; a call is run where its process finishes it.
Whoever waits for a future has the simulation go on until that one has ended.  So a test has every
order of claims, answers, cancels and deaths that a real pool may have, in a few milliseconds, and
the same one again for the same seed.  ``story()`` is what has happened; ``trace()`` is the same for
``foregone-spec explain``.

It is for one thread: the one that made it.

Source: ``tla/ProcessPool.tla``, whose every step is one step here.
"""

import random
from collections.abc import Callable, Iterator
from threading import get_ident
from typing import TYPE_CHECKING, Any, Final, Literal, ParamSpec, TypeAlias, TypeVar, final

from foregone import clock
from foregone.executor import Executor
from foregone.future import OwnedFuture
from foregone.process_pool.errors import BrokenProcessPool, ProcessDied
from foregone_spec import process_pool_actions as act
from foregone_spec import trace
from foregone_spec.future import DONE, Command, State
from foregone_spec.lifecycle import Phase, Request, accepts
from foregone_spec.process_death import Policy
from foregone_spec.process_pool import ProcessPoolModel
from foregone_spec.process_pool_state import ProcessPoolState
from foregone_spec.rooms import picture

if TYPE_CHECKING:
    from concurrent.futures._base import _Waiter as StandardWaiter

__all__ = ["SimulatedFuture", "SimulatedProcessPool", "Stuck"]

P = ParamSpec("P")
T = TypeVar("T")

_CANCELLING: Final = Request.SHUTDOWN_CANCEL_FUTURES
#: What only those do who use the pool.
_OF_CALLERS: Final = (
    act.Submit, act.SubmitUnpicklable, act.Cancel, act.Shutdown, act.ShutdownReturns, act.Collect,
    act.Notice,
)  # fmt: skip
#: One step in so many is a timeout, where somebody waits with one.
_TIMEOUTS: Final = 8


class Stuck(RuntimeError):
    """Somebody waits for what can never come; the text says in which state."""


@final
class SimulatedFuture(OwnedFuture[T]):
    """The future of a simulated call: who waits for it has the simulation go on."""

    __slots__ = ("_number", "_simulated")

    _number: int
    _simulated: "SimulatedProcessPool"

    def running(self) -> bool:
        """Return True if a process has claimed the call."""
        self._simulated._notice(self._number)
        return super().running()

    def cancel(self) -> bool:
        """Cancel the call unless a process has claimed it; return whether it is cancelled."""
        self._simulated._cancel(self._number)
        return super().cancel()

    def done(self) -> bool:
        """Return True if the future has ended; else one step of the simulation happens."""
        if not super().done():
            self._simulated._some_step()
        return super().done()

    def _block(self, seconds: float) -> None:
        self._simulated._until_done(self._number, self, may_time_out=seconds != clock.NO_LIMIT)

    def _install(self, entry: "tuple[StandardWaiter, ...]") -> bool:
        """Have the simulation go on for ``wait`` and ``as_completed``: they find it done."""
        self._simulated._until_done(self._number, self, may_time_out=False)
        return super()._install(entry)


_AnyFuture: TypeAlias = SimulatedFuture[Any]  # each with its own type, which the caller knows

_BROKEN: Final = "a simulated process died"


@final
class SimulatedProcessPool(Executor):
    """An executor whose processes are simulated; see the module."""

    def __init__(
        self,
        max_workers: int = 2,
        *,
        seed: int = 0,
        on_process_death: Literal["break", "replace"] = "break",
        deaths: int = 0,
        most_calls: int = 100,
    ) -> None:
        """Make a pool of ``max_workers`` simulated processes, of which ``deaths`` may die.

        ``seed`` draws what happens.  At most ``most_calls`` can be submitted: each step looks at
        all of them.  Raises ValueError for what is no number of these.
        """
        least = {"max_workers": 1, "deaths": 0, "most_calls": 1}
        for name, given in zip(least, (max_workers, deaths, most_calls), strict=True):
            if given < least[name]:
                raise ValueError(f"{name} must be {least[name]} or more, not {given!r}")
        self.model: ProcessPoolModel = ProcessPoolModel(
            calls=most_calls,
            processes=max_workers,
            capacity=4 * max_workers,
            closers=(Request.SHUTDOWN, _CANCELLING),
            deaths=deaths,
            policy=Policy(on_process_death),
        )
        self.state: ProcessPoolState = self.model.initial()[0]
        self.seed = seed
        self._chance = random.Random(seed)
        self._thread = get_ident()
        self._steps: list[act.Action] = []
        self._futures: dict[int, _AnyFuture] = {}  # of the calls that were accepted
        self._calls: dict[int, Callable[[], object]] = {}
        self._working: set[int] = set()  # calls that run now, one inside the other
        self._outcomes: dict[int, tuple[object, BaseException | None]] = {}

    def __repr__(self) -> str:
        return (
            f"<SimulatedProcessPool seed={self.seed}: {self.state.phase.value}, "
            f"{len(self._futures)} calls, {len(self._steps)} steps>"
        )

    def submit(
        self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs
    ) -> SimulatedFuture[T]:
        """Submit ``fn(*args, **kwargs)`` and return the future of it.

        Raises RuntimeError if the pool was shut down, BrokenProcessPool if it is broken, and
        ValueError if there were ``most_calls`` before.
        """
        self._look()
        if "out" not in self.state.calls:
            raise ValueError(
                f"{self.model.calls} calls were submitted, and this pool simulates no more: "
                f"pass most_calls={2 * self.model.calls}"
            )
        number = self.state.calls.index("out") + 1
        if not accepts(self.state.phase):
            self._do(act.Submit(number))
            if self.state.phase is Phase.BROKEN:
                raise BrokenProcessPool(_BROKEN)
            raise RuntimeError("cannot schedule new futures after shutdown")
        future: SimulatedFuture[T] = SimulatedFuture()
        future._number, future._simulated = number, self
        self._futures[number] = future
        self._calls[number] = lambda: fn(*args, **kwargs)
        self._do(act.Submit(number))
        return future

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Take no more calls; with ``wait``, have everything happen up to the end."""
        closer = 2 if cancel_futures else 1
        shutdown = act.Shutdown(closer)
        if shutdown in self.model.enabled(self.state):
            self._do(shutdown)
        returns = act.ShutdownReturns(closer)
        while wait and self.state.closers[closer - 1] != "back":
            if returns in self.model.enabled(self.state):
                self._do(returns)
            else:
                self._step("shutdown() never returns")

    # ------------------------------------------------------------ for the test

    def run(self, steps: int | None = None) -> int:
        """Have so many steps happen, or all that can; return how many did."""
        count = 0
        while (steps is None or count < steps) and self._some_step():
            count += 1
        return count

    def may_happen(self) -> tuple[act.Action, ...]:
        """Return every step that may happen now, but for those of who uses the pool."""
        return tuple(x for x in self.model.enabled(self.state) if self._by_itself(x))

    def happen(self, action: act.Action) -> None:
        """Have one step happen, of those that may; raise NotEnabled if it may not."""
        self._look()
        self._do(action)

    def story(self) -> str:
        """Return what has happened, step by step, and what is where now."""
        lines = [f"{number:4}. {each}" for number, each in enumerate(self._steps, start=1)]
        return "\n".join([repr(self), *lines, picture(self.state)])

    def trace(self) -> str:
        """Return what has happened as ``foregone-spec explain`` reads it."""
        return trace.dumps(self.model, self._steps)

    # ------------------------------------------------------- what happens, and how

    def _look(self) -> None:
        if get_ident() != self._thread:
            raise RuntimeError(
                "a simulated pool is for the thread that made it: what happens would not be "
                "what its seed draws"
            )

    def _by_itself(self, action: act.Action) -> bool:
        """Say whether a step may come from nobody who uses the pool.

        A call that waits for another is still at work, and so is its process.
        """
        match action:
            case act.Finish(process) | act.Die(process) | act.Kill(process):
                return self.state.runs[process - 1] not in self._working
            case _:
                return not isinstance(action, _OF_CALLERS)

    def _some_step(self) -> bool:
        """Have one step happen that chance draws; return False if there is none."""
        self._look()
        may = self.may_happen()
        if may:
            self._do(self._chance.choice(may))
        return bool(may)

    def _step(self, why: str) -> None:
        """Have one step happen; raise Stuck if none can."""
        if not self._some_step():
            raise Stuck(f"{why}: nothing can happen any more\n{self.story()}")

    def _until_done(self, number: int, future: OwnedFuture[T], *, may_time_out: bool) -> None:
        while future._now not in DONE:
            if may_time_out and not self._chance.randrange(_TIMEOUTS):
                return
            self._step(f"call {number} never ends")

    def _notice(self, number: int) -> None:
        notice = act.Notice(number)
        if notice in self.model.enabled(self.state):
            self.happen(notice)

    def _cancel(self, number: int) -> None:
        cancel = act.Cancel(number)
        if cancel in self.model.enabled(self.state):
            self.happen(cancel)
        else:
            self._notice(number)

    def _do(self, action: act.Action) -> None:
        """Move to where the model says; have futures follow."""
        if isinstance(action, act.Finish):  # what the call does may have more steps happen
            self._work(self.state.runs[action.process - 1])
        before, self.state = self.state, self.model.step(self.state, action)
        self._steps.append(action)
        for number, command, error in tuple(self._changes(before, action)):
            future = self._futures[number]
            if command is not Command.SET_RESULT:
                future._obey(command, None, error)
                continue
            result, raised = self._outcomes.pop(number)
            future._obey(command if raised is None else Command.SET_EXCEPTION, result, raised)

    def _work(self, number: int) -> None:
        """Run a call, in which more may happen."""
        self._working.add(number)
        try:
            self._outcomes[number] = (self._calls.pop(number)(), None)
        except BaseException as error:
            self._outcomes[number] = (None, error)
        finally:
            self._working.discard(number)

    def _changes(
        self, before: ProcessPoolState, action: act.Action
    ) -> Iterator[tuple[int, Command, BaseException | None]]:
        """Yield the futures that have changed: what each is told, and the error if it is one."""
        for number, future in self._futures.items():
            was, now = before.futures[number - 1], self.state.futures[number - 1]
            if was is now or future._now in DONE:
                continue
            match now:
                case State.RUNNING:
                    yield number, Command.SET_RUNNING_OR_NOTIFY_CANCEL, None
                case State.CANCELLED_AND_NOTIFIED:
                    yield number, Command.CANCEL_OWNED, None
                case _ if isinstance(action, act.Answer):
                    yield number, Command.SET_RESULT, None
                case _:
                    yield number, Command.SET_EXCEPTION, self._death(before, number)

    def _death(self, before: ProcessPoolState, number: int) -> BaseException:
        """Return the error of a call whose process has died, or whose pool is broken."""
        if self.model.policy is Policy.REPLACE and number in before.runs:
            return ProcessDied(before.runs.index(number) + 1, None)
        return BrokenProcessPool(_BROKEN)
