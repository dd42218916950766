"""wait() and as_completed() while futures end (``tla/Waiting.tla``).

A caller visits its futures one by one.  At each it takes that future's lock for
one step: the future has ended, and the caller notes it, or the caller's waiter
is installed.  A future that ends tells the waiters that are installed at that
instant, one after the other, whatever happens to its list meanwhile.  Telling
has two steps, because many futures may tell one waiter at the same time: note
the future, then look whether the waiter has enough and open its gate.  The gate
is a binary semaphore: opening it twice is opening it once, and whoever passes
looks again at what was noted, so that no opening can be lost.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TypeAlias, assert_never, final

from foregone_spec.model import NotEnabled, Value, replaced, without
from foregone_spec.waiting import Ending, ReturnWhen, may_return

#: What a caller asks: a ``return_when`` of wait(), or "AS_COMPLETED".
Question: TypeAlias = str
AS_COMPLETED = "AS_COMPLETED"


@final
@dataclass(frozen=True, slots=True)
class WaitingState:
    """Some futures, and some callers who wait for them."""

    futures: tuple[str, ...]  # "pending", or how it ended: an Ending's value
    installed: tuple[tuple[int, ...], ...]  # each future's waiters, in order
    telling: tuple[tuple[int, ...], ...]  # the waiters that an ended future has yet to tell
    noted: tuple[bool, ...]  # has the first of them noted the future already?
    callers: tuple[str, ...]  # "out", "installing", "blocked", "removing", "back"
    at: tuple[int, ...]  # the place of the future that the caller visits next
    told: tuple[tuple[int, ...], ...]  # the futures that each waiter noted, in order
    gates: tuple[bool, ...]  # is the waiter's gate open?
    yielded: tuple[int, ...]  # how many of them as_completed() has yielded
    why: tuple[str, ...]  # "", "enough", "timeout": why the caller stopped waiting


@final
@dataclass(frozen=True, slots=True)
class End:
    """A future ends."""

    future: int
    ending: Ending


@final
@dataclass(frozen=True, slots=True)
class Note:
    """A future that has ended is noted by the waiter that it tells."""

    future: int


@final
@dataclass(frozen=True, slots=True)
class Tell:
    """The gate of that waiter is opened if it has enough; on to the next waiter."""

    future: int


@final
@dataclass(frozen=True, slots=True)
class Call:
    """A caller begins to wait."""

    caller: int


@final
@dataclass(frozen=True, slots=True)
class Install:
    """A caller installs its waiter on the next future, or notes that it has ended."""

    caller: int


@final
@dataclass(frozen=True, slots=True)
class Pass:
    """A caller passes its open gate and looks at what was noted."""

    caller: int


@final
@dataclass(frozen=True, slots=True)
class Yield:
    """``as_completed()`` yields the next future."""

    caller: int


@final
@dataclass(frozen=True, slots=True)
class GiveUp:
    """A caller stops waiting: timeout, Ctrl-C, or a closed iterator."""

    caller: int


@final
@dataclass(frozen=True, slots=True)
class Remove:
    """A caller removes its waiter from the next future."""

    caller: int


Action: TypeAlias = End | Note | Tell | Call | Install | Pass | Yield | GiveUp | Remove


@final
@dataclass(frozen=True, slots=True)
class WaitingModel:
    """So many futures; for each caller, what it asks and the futures it names.

    A caller may name a future twice, and is told once.
    """

    futures: int
    asks: tuple[Question, ...]
    names: tuple[tuple[int, ...], ...]
    endings: tuple[Ending, ...] = tuple(Ending)  # how a future may end

    @property
    def name(self) -> str:
        """The name of the module in ``tla/``."""
        return "Waiting"

    @property
    def invariants(self) -> "Mapping[str, Callable[[WaitingState], bool]]":
        """What must hold in every reachable state."""
        from foregone_spec.invariants import waiting

        return waiting(self)

    def visits(self, caller: int) -> tuple[int, ...]:
        """Return the futures that a caller visits: each one that it names, once."""
        return tuple(dict.fromkeys(self.names[caller - 1]))

    @property
    def step_invariants(self) -> "Mapping[str, Callable[[WaitingState, WaitingState], bool]]":
        """What must hold of every step."""
        from foregone_spec.invariants import WAITING_STEPS

        return WAITING_STEPS

    def initial(self) -> tuple[WaitingState, ...]:
        """Return the one state in which nobody waits and nothing has ended."""
        callers = len(self.asks)
        return (
            WaitingState(
                futures=("pending",) * self.futures,
                installed=((),) * self.futures,
                telling=((),) * self.futures,
                noted=(False,) * self.futures,
                callers=("out",) * callers,
                at=(0,) * callers,
                told=((),) * callers,
                gates=(False,) * callers,
                yielded=(0,) * callers,
                why=("",) * callers,
            ),
        )

    def enough(self, now: WaitingState, caller: int) -> bool:
        """Say whether what the waiter has noted lets its caller go on."""
        told = now.told[caller - 1]
        asks = self.asks[caller - 1]
        if asks == AS_COMPLETED:
            return len(told) > now.yielded[caller - 1]
        endings = tuple(Ending(now.futures[each - 1]) for each in told)
        unfinished = len(self.visits(caller)) - len(told)
        return may_return(ReturnWhen(asks), unfinished, endings)

    def enabled(self, state: WaitingState) -> tuple[Action, ...]:
        """Return everything that may happen in ``state``."""
        return tuple(self._enabled(state))

    def _enabled(self, now: WaitingState) -> Iterator[Action]:
        for number, stands in enumerate(now.futures, start=1):
            if stands == "pending":
                for ending in self.endings:
                    yield End(number, ending)
            elif now.telling[number - 1]:
                yield Tell(number) if now.noted[number - 1] else Note(number)
        for number, stands in enumerate(now.callers, start=1):
            yield from self._of_caller(now, number, stands)

    def _of_caller(self, now: WaitingState, caller: int, stands: str) -> Iterator[Action]:
        if stands == "out":
            yield Call(caller)
        elif stands == "blocked":
            if self.asks[caller - 1] == AS_COMPLETED and self.enough(now, caller):
                yield Yield(caller)
            elif now.gates[caller - 1]:
                yield Pass(caller)
            yield GiveUp(caller)
        elif stands == "installing":
            yield Install(caller)
        elif stands == "removing":
            yield Remove(caller)

    def step(self, state: WaitingState, action: Action) -> WaitingState:
        """Return the state after ``action``."""
        if action not in self.enabled(state):
            raise NotEnabled(f"{action} may not happen in {state}")
        match action:
            case End(future, ending):
                waiters = state.installed[future - 1]
                return replace(
                    state,
                    futures=replaced(state.futures, future - 1, ending.value),
                    telling=replaced(state.telling, future - 1, waiters),
                )
            case Note(future):
                waiter = state.telling[future - 1][0]
                noted = replaced(state.noted, future - 1, True)
                return replace(self._noted(state, waiter, future), noted=noted)
            case Tell(future):
                return self._told(state, future)
            case Call(caller):
                return self._visiting(state, caller, "installing")
            case Install(caller):
                return self._installed(state, caller)
            case Pass(caller):
                gates = replaced(state.gates, caller - 1, False)
                return self._looked(replace(state, gates=gates), caller)
            case Yield(caller):
                yielded = replaced(state.yielded, caller - 1, state.yielded[caller - 1] + 1)
                return self._looked(replace(state, yielded=yielded), caller)
            case GiveUp(caller):
                return self._stopped(state, caller, "timeout")
            case Remove(caller):
                return self._removed(state, caller)
            case unknown:
                assert_never(unknown)

    @staticmethod
    def _noted(now: WaitingState, waiter: int, future: int) -> WaitingState:
        told = (*now.told[waiter - 1], future)
        return replace(now, told=replaced(now.told, waiter - 1, told))

    def _opened(self, now: WaitingState, waiter: int) -> WaitingState:
        if not self.enough(now, waiter):
            return now
        return replace(now, gates=replaced(now.gates, waiter - 1, True))

    def _told(self, now: WaitingState, future: int) -> WaitingState:
        opened = self._opened(now, now.telling[future - 1][0])
        left = now.telling[future - 1][1:]
        return replace(
            opened,
            telling=replaced(opened.telling, future - 1, left),
            noted=replaced(opened.noted, future - 1, False),
        )

    def _visiting(self, now: WaitingState, caller: int, stands: str) -> WaitingState:
        return replace(
            now,
            callers=replaced(now.callers, caller - 1, stands),
            at=replaced(now.at, caller - 1, 1),
        )

    def _next_visit(self, now: WaitingState, caller: int, after: str) -> WaitingState:
        place = now.at[caller - 1]
        if place < len(self.visits(caller)):
            return replace(now, at=replaced(now.at, caller - 1, place + 1))
        return replace(
            now,
            callers=replaced(now.callers, caller - 1, after),
            at=replaced(now.at, caller - 1, 0),
        )

    def _installed(self, now: WaitingState, caller: int) -> WaitingState:
        future = self.visits(caller)[now.at[caller - 1] - 1]
        if now.futures[future - 1] == "pending":
            waiters = (*now.installed[future - 1], caller)
            after = replace(now, installed=replaced(now.installed, future - 1, waiters))
        else:
            after = self._opened(self._noted(now, caller, future), caller)
        return self._next_visit(after, caller, "blocked")

    def _looked(self, now: WaitingState, caller: int) -> WaitingState:
        if self.asks[caller - 1] == AS_COMPLETED:
            done = now.yielded[caller - 1] == len(self.visits(caller))
        else:
            done = self.enough(now, caller)
        return self._stopped(now, caller, "enough") if done else now

    def _stopped(self, now: WaitingState, caller: int, why: str) -> WaitingState:
        why_all = replaced(now.why, caller - 1, why)
        return self._visiting(replace(now, why=why_all), caller, "removing")

    def _removed(self, now: WaitingState, caller: int) -> WaitingState:
        future = self.visits(caller)[now.at[caller - 1] - 1]
        left = without(now.installed[future - 1], caller)
        after = replace(now, installed=replaced(now.installed, future - 1, left))
        return self._next_visit(after, caller, "back")

    def variables(self, state: WaitingState) -> dict[str, Value]:
        """Return ``state`` as the variables of ``tla/Waiting.tla``."""
        return {
            "futures": state.futures,
            "installed": state.installed,
            "telling": state.telling,
            "noted": state.noted,
            "callers": state.callers,
            "at": state.at,
            "told": state.told,
            "gates": state.gates,
            "yielded": state.yielded,
            "why": state.why,
        }
