"""What a live pool does right now, read without a lock, as a state of the specification.

``executor.inspect()`` is for whoever looks at a pool that hangs: a debugger, a signal
handler, another thread.  It takes no lock and waits for nothing, so that whoever holds
the pool's locks cannot stop it; for that it reads twice, and says ``consistent`` where both
readings were equal.  Where they were not, somebody was at work, and what it shows may be
of two moments.  The first one imports this module; ``dump.py`` does so before.

What a view may touch: it reads the rooms, and changes nothing.  Spec: ``foregone_spec``'s
``ThreadPoolModel`` and ``ProcessPoolModel``; a view is a state of them, with as many calls
as the pool has and one more that may be submitted.
"""

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from types import FrameType
from typing import Final, Generic, NamedTuple, TypeVar, final

from foregone import clock
from foregone.called import call_name
from foregone.pool import Pool
from foregone.worker import Worker, WorkItem
from foregone_spec.future import DONE, State
from foregone_spec.lifecycle import Phase, Request
from foregone_spec.model import A, Model, S
from foregone_spec.rooms import row
from foregone_spec.thread_pool import ThreadPoolModel, ThreadPoolState
from foregone_spec.thread_pool_actions import Action

R = TypeVar("R")

#: So often two readings are compared, and no longer than so many seconds, before one of them
#: is shown as it is.
TRIES: Final = 16
SECONDS: Final = 1.0
#: A pool that may have as many threads or processes is shown without those it has not started.
MANY: Final = 1024


@dataclass(frozen=True, slots=True)
class PoolView(Generic[S, A]):
    """A state of the model of a pool, as it was found; made by ``executor.inspect()``.

    ``name`` is the pool's; ``consistent`` says whether two readings, one after the other,
    were equal; ``state`` is a state of ``model``.
    """

    name: str
    consistent: bool
    state: S
    model: Model[S, A]

    def may_follow(self) -> tuple[A, ...]:
        """Return every action that the specification allows next, in the numbers of ``state``."""
        return tuple(self.model.enabled(self.state))

    def violated(self) -> tuple[str, ...]:
        """Return the names of the specification's invariants that ``state`` breaks.

        Of a consistent view there are none, unless somebody else than the pool has settled
        a future of it.
        """
        return tuple(name for name, holds in self.model.invariants.items() if not holds(self.state))

    @property
    def said(self) -> str:
        """Whether the view is of one moment, in words."""
        return "consistent" if self.consistent else "not consistent: somebody was at work"


def agreed(read: Callable[[], R]) -> tuple[R, bool]:
    """Return what two readings in a row agree in, or the last one, and whether they agreed.

    A reading that meets a room that is being changed (RuntimeError) is read again.
    """
    until = clock.deadline(SECONDS)
    last: list[R] = []
    tries = 0
    while not last or (tries < TRIES and clock.now() < until):
        tries += 1
        try:
            last.append(read())
        except RuntimeError:
            if tries >= TRIES * TRIES:
                raise
            continue
        if len(last) > 1 and last[-1] == last[-2]:
            return last[-1], True
    return last[-1], False


def asked(phase: Phase, waiting: int) -> tuple[tuple[Request, ...], tuple[str, ...]]:
    """Return who waits for a pool to end, and where they stand; and one who may ask for it."""
    cancels = phase is Phase.CANCELLING
    request = Request.SHUTDOWN_CANCEL_FUTURES if cancels else Request.SHUTDOWN
    return (request,) * waiting + (Request.SHUTDOWN,), ("joining",) * waiting + ("out",)


class Line(NamedTuple):
    """The line that a thread is at, and the function."""

    file: str
    number: int
    function: str

    def __str__(self) -> str:
        return f"{self.file}:{self.number} in {self.function}"


def lines(idents: Sequence[int | None]) -> list[Line | None]:
    """Return where threads are; None of one that is not there."""
    frames: dict[int, FrameType] = sys._current_frames()
    frame: FrameType | None = None
    found: list[Line | None] = []
    try:
        for ident in idents:
            frame = None if ident is None else frames.get(ident)
            found.append(None if frame is None else _line(frame))
        return found
    finally:
        del frames, frame  # they hold this frame, and it them


def _line(frame: FrameType) -> Line:
    return Line(frame.f_code.co_filename, frame.f_lineno, frame.f_code.co_name)


# --------------------------------------------------------------------- thread pool


@final
@dataclass(frozen=True, slots=True, repr=False)
class ThreadPoolView(PoolView[ThreadPoolState, Action]):
    """A thread pool, as it was found.

    Calls are numbered as they are found: first those that threads hold, then those that
    wait, oldest first.  ``functions`` has the name of each call's function; ``threads`` the
    name of each thread, and ``places`` the line that it is at.
    """

    functions: tuple[str, ...]
    threads: tuple[str, ...]
    places: tuple[str, ...]

    def __repr__(self) -> str:
        now = self.state
        running = sum(each == "running" for each in now.threads)
        return (
            f"<{self.name}: {now.phase.value}, {len(now.work_ids):,} in Work Ids, "
            f"{running} running; {self.said}>"
        )

    def __str__(self) -> str:
        now = self.state
        text = [f"{self.name}: {now.phase.value}; {self.said}"]
        text.append(f"  Work Ids: {row(now.work_ids)}")
        for thread, stands in enumerate(now.threads[: len(self.threads)]):
            held = now.holds[thread]
            what = f" {held} ({self.functions[held - 1]})" if held else ""
            at = f", at {self.places[thread]}" if self.places[thread] else ""
            text.append(f"  {self.threads[thread]}: {stands}{what}{at}")
        return "\n".join(text) + "\n"


@final
@dataclass(frozen=True, slots=True)
class _Thread:
    """One thread that was made, at one reading."""

    worker: Worker
    ident: int | None
    taken: bool  # the thread has begun
    ready: bool
    over: bool
    parked: bool
    item: WorkItem | None
    future: State | None  # of the call that it holds

    def stands(self) -> str:
        """Return what the model calls where the thread stands."""
        if self.over:
            return "ended"
        if not self.taken or self.ident is None:
            return "starting"
        if not self.ready:
            return "initializing"
        if self.holding():
            return "running" if self.future is State.RUNNING else "holding"
        return "parked" if self.parked else "seeking"

    def holding(self) -> bool:
        """Say whether the thread holds a call that has not ended."""
        return self.future is not None and self.future not in DONE


@final
@dataclass(frozen=True, slots=True)
class _Reading:
    """One reading: all that a view is made of."""

    phase: Phase
    queue: tuple[tuple[WorkItem, State], ...]
    threads: tuple[_Thread, ...]
    parked: tuple[Worker, ...]
    alive: int
    closers: int


def _thread(worker: Worker, parked: tuple[Worker, ...]) -> _Thread:
    item = worker.holds
    return _Thread(
        worker=worker,
        ident=worker.thread.ident,
        taken=worker.seat.locked(),
        ready=worker.ready,
        over=worker.over,
        parked=worker in parked,
        item=item,
        future=None if item is None else item[0]._now,
    )


def _read(pool: Pool) -> _Reading:
    parked = tuple(pool.parked)
    return _Reading(
        phase=pool.phase,
        queue=tuple((item, item[0]._now) for item in tuple(pool.queue)),
        threads=tuple(_thread(each, parked) for each in tuple(pool.workers)),
        parked=parked,
        alive=pool.alive,
        closers=len(pool.closers),
    )


def view_of_threads(pool: Pool) -> ThreadPoolView:
    """Return what a thread pool does right now."""
    found, consistent = agreed(partial(_read, pool))
    stands = [each.stands() for each in found.threads]
    numbers = {each.worker: number for number, each in enumerate(found.threads, start=1)}
    holds, futures, functions = list[int](), list[State](), list[str]()
    for thread in found.threads:
        if thread.holding() and thread.item is not None and thread.future is not None:
            futures.append(thread.future)
            functions.append(call_name(thread.item[1]))
        holds.append(len(futures) if thread.holding() else 0)
    work_ids = tuple(range(len(futures) + 1, len(futures) + len(found.queue) + 1))
    functions += [call_name(item[1]) for item, _ in found.queue]
    futures += [future for _, future in found.queue]
    promised = max(0, found.alive - sum(each != "ended" for each in stands))  # not made yet
    unborn = max(0, pool.limit - len(stands) - promised) if pool.limit < MANY else 0
    requests, closing = asked(found.phase, found.closers)
    state = ThreadPoolState(
        phase=found.phase,
        work_ids=work_ids,
        futures=(*futures, State.PENDING),
        calls=(*["accepted"] * len(futures), "out"),
        threads=(*stands, *["starting"] * promised, *["unborn"] * unborn),
        holds=(*holds, *[0] * (promised + unborn)),
        parked=tuple(numbers[each] for each in found.parked if each in numbers),
        closers=closing,
        collected=False,
    )
    return ThreadPoolView(
        name=pool.prefix,
        consistent=consistent,
        state=state,
        model=ThreadPoolModel(len(state.calls), len(state.threads), requests),
        functions=tuple(functions),
        threads=tuple(each.worker.thread.name for each in found.threads),
        places=tuple(str(each or "") for each in lines([each.ident for each in found.threads])),
    )
