"""``Executor.map`` while its executor may end (``tla/Map.tla``).

The iterator keeps at most ``buffersize`` calls submitted and not yet yielded, and
keeps its executor alive.  What it cannot submit, because the executor was shut
down or the input raised, it remembers; what was submitted before is yielded
first, then that error is raised.  So it yields exactly what ``map`` would, or
raises (M7 and M25 of the museum).
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TypeAlias, assert_never, final

from foregone_spec.lifecycle import Phase
from foregone_spec.model import NotEnabled, Value, replaced


@final
@dataclass(frozen=True, slots=True)
class MapState:
    """One iterator, its calls, and its executor."""

    phase: Phase  # of the executor: OPEN, SHUTTING_DOWN or CANCELLING
    held: bool  # does anybody but the iterator still hold the executor?
    items: tuple[str, ...]  # "unread", "pending", "result", "exception", "cancelled"
    yielded: int  # how many results were yielded
    iterator: str  # "filling", "waiting", "ended", "raised"
    trouble: str  # "", or why no more can be submitted: "input", "refused"


@final
@dataclass(frozen=True, slots=True)
class Fill:
    """The iterator submits the next item, or finds that it need not or cannot."""


@final
@dataclass(frozen=True, slots=True)
class Next:
    """The iterator yields the oldest result, raises, or ends."""


@final
@dataclass(frozen=True, slots=True)
class Return:
    """A call returns."""

    item: int


@final
@dataclass(frozen=True, slots=True)
class Raise:
    """A call raises."""

    item: int


@final
@dataclass(frozen=True, slots=True)
class Shutdown:
    """Somebody calls ``shutdown()``."""


@final
@dataclass(frozen=True, slots=True)
class ShutdownCancelFutures:
    """Somebody calls ``shutdown(cancel_futures=True)``."""


@final
@dataclass(frozen=True, slots=True)
class Release:
    """Everybody but the iterator lets go of the executor."""


Action: TypeAlias = Fill | Next | Return | Raise | Shutdown | ShutdownCancelFutures | Release


@final
@dataclass(frozen=True, slots=True)
class MapModel:
    """So many items, so many in the buffer; the input raises at item ``fails_at``, or 0."""

    items: int
    buffersize: int
    fails_at: int = 0

    @property
    def name(self) -> str:
        """The name of the module in ``tla/``."""
        return "Map"

    @property
    def invariants(self) -> "Mapping[str, Callable[[MapState], bool]]":
        """What must hold in every reachable state."""
        from foregone_spec.invariants import mapping

        return mapping(self)

    @property
    def step_invariants(self) -> "Mapping[str, Callable[[MapState, MapState], bool]]":
        """What must hold of every step."""
        return {}

    def initial(self) -> tuple[MapState, ...]:
        """Return the one state in which ``map`` was just called."""
        return (MapState(Phase.OPEN, True, ("unread",) * self.items, 0, "filling", ""),)

    def enabled(self, state: MapState) -> tuple[Action, ...]:
        """Return everything that may happen in ``state``."""
        return tuple(self._enabled(state))

    def _enabled(self, now: MapState) -> Iterator[Action]:
        if now.iterator == "filling":
            yield Fill()
        elif now.iterator == "waiting" and self._head(now) != "pending":
            yield Next()
        for number, stands in enumerate(now.items, start=1):
            if stands == "pending":
                yield Return(number)
                yield Raise(number)
        if now.held:
            yield Release()
            if now.phase is Phase.OPEN:
                yield Shutdown()
            if now.phase in (Phase.OPEN, Phase.SHUTTING_DOWN):
                yield ShutdownCancelFutures()

    def _head(self, now: MapState) -> str:
        return now.items[now.yielded] if now.yielded < self.items else "unread"

    def step(self, state: MapState, action: Action) -> MapState:
        """Return the state after ``action``."""
        if action not in self.enabled(state):
            raise NotEnabled(f"{action} may not happen in {state}")
        match action:
            case Fill():
                return self._filled(state)
            case Next():
                return self._next(state)
            case Return(item):
                return replace(state, items=replaced(state.items, item - 1, "result"))
            case Raise(item):
                return replace(state, items=replaced(state.items, item - 1, "exception"))
            case Shutdown():
                return replace(state, phase=Phase.SHUTTING_DOWN)
            case ShutdownCancelFutures():
                return replace(_cancelled(state), phase=Phase.CANCELLING)
            case Release():
                return replace(state, held=False)
            case unknown:
                assert_never(unknown)

    def _filled(self, now: MapState) -> MapState:
        submitted = self.items - now.items.count("unread")
        if now.trouble or submitted == self.items or submitted - now.yielded == self.buffersize:
            return replace(now, iterator="waiting")
        if self.fails_at == submitted + 1:
            return replace(now, trouble="input")
        if now.phase is not Phase.OPEN:
            return replace(now, trouble="refused")
        return replace(now, items=replaced(now.items, submitted, "pending"))

    def _next(self, now: MapState) -> MapState:
        match self._head(now):
            case "unread":
                return replace(now, iterator="raised" if now.trouble else "ended")
            case "result":
                return replace(now, iterator="filling", yielded=now.yielded + 1)
            case _:
                return replace(_cancelled(now), iterator="raised")

    def variables(self, state: MapState) -> dict[str, Value]:
        """Return ``state`` as the variables of ``tla/Map.tla``."""
        return {
            "phase": state.phase.value,
            "held": state.held,
            "items": state.items,
            "yielded": state.yielded,
            "iterator": state.iterator,
            "trouble": state.trouble,
        }


def _cancelled(now: MapState) -> MapState:
    left = tuple("cancelled" if each == "pending" else each for each in now.items)
    return replace(now, items=left)
