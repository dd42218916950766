"""What a live pool does right now, read without a lock, as a state of the specification.

``executor.inspect()`` is for whoever looks at a pool that hangs: a debugger, a signal
handler, another thread.  It takes no lock and waits for nothing, so that whoever holds
the pool's locks cannot stop it; for that it reads twice, and says ``consistent`` where both
readings were equal.  Where they were not, somebody was at work, and what it shows may be
of two moments.

What a view may touch: it reads the rooms, and changes nothing.  Spec: ``foregone_spec``'s
``ThreadPoolModel`` and ``ProcessPoolModel``; a view is a state of them, with as many calls
as the pool has and one more that may be submitted.
"""

import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from types import BuiltinFunctionType, FrameType, FunctionType, MethodType
from typing import Final, Generic, NamedTuple, TypeVar, cast, final

from foregone import clock
from foregone.pool import Pool
from foregone.worker import Worker, WorkItem
from foregone_spec.future import DONE, State
from foregone_spec.lifecycle import Phase, Request
from foregone_spec.model import A, Model, S
from foregone_spec.thread_pool import ThreadPoolModel, ThreadPoolState
from foregone_spec.thread_pool_actions import Action

R = TypeVar("R")

#: So often two readings are compared, and no longer than so many seconds, before one of them
#: is shown as it is.
TRIES: Final = 16
SECONDS: Final = 1.0
#: Of more calls than this in a room some are left out of a text.
MOST: Final = 12


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


class Place(NamedTuple):
    """The line that a thread is at, and the function."""

    file: str
    line: int
    function: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line} in {self.function}"


def where(ident: int | None) -> Place | None:
    """Return where a thread is; None of one that is not there."""
    frames: dict[int, FrameType] = sys._current_frames()
    frame = None if ident is None else frames.get(ident)
    try:
        if frame is None:
            return None
        code = frame.f_code
        return Place(code.co_filename, frame.f_lineno, code.co_name)
    finally:
        del frames, frame  # they hold this frame, and it them


def name_of(fn: object) -> str:
    """Return the name of what is called, and run nothing of the user's for it.

    An object that is not a function, a method or a class is called by its type.
    """
    inner = fn
    for _ in range(_DEEP):
        if type(inner) is not partial:
            break
        inner = cast("partial[object]", inner).func
    name = _own_name(inner)
    return f"partial({name})" if inner is not fn else name


#: So many partials are looked into.
_DEEP: Final = 8


def _own_name(fn: object) -> str:
    if type(fn) is FunctionType:
        return _joined(fn.__module__, fn.__qualname__)
    if type(fn) is BuiltinFunctionType:
        return _joined(fn.__module__, fn.__qualname__)
    if type(fn) is MethodType:
        return _own_name(fn.__func__)
    made = fn if type(fn) is type else type(fn)
    module: object = type.__dict__["__module__"].__get__(made)
    return _joined(module, type.__dict__["__qualname__"].__get__(made))


def _joined(module: object, name: str) -> str:
    return name if type(module) is not str or module == "builtins" else f"{module}.{name}"


def row(numbers: Iterable[int]) -> str:
    """Return some numbers as a text; "-" of none."""
    names = [str(each) for each in numbers]
    if len(names) > MOST:
        names = [*names[: MOST - 1], "..", names[-1], f"({len(names):,})"]
    return " ".join(names) or "-"


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
        lines = [f"{self.name}: {now.phase.value}; {self.said}"]
        lines.append(f"  Work Ids: {row(now.work_ids)}")
        for thread, stands in enumerate(now.threads[: len(self.threads)]):
            held = now.holds[thread]
            what = f" {held} ({self.functions[held - 1]})" if held else ""
            at = f", at {self.places[thread]}" if self.places[thread] else ""
            lines.append(f"  {self.threads[thread]}: {stands}{what}{at}")
        return "\n".join(lines) + "\n"


@final
@dataclass(frozen=True, slots=True)
class _Seat:
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
    seats: tuple[_Seat, ...]
    parked: tuple[Worker, ...]
    alive: int
    closers: int


def _seat(worker: Worker, parked: tuple[Worker, ...]) -> _Seat:
    item = worker.holds
    return _Seat(
        worker=worker,
        ident=worker.thread.ident,
        taken=worker.seat.locked(),
        ready=worker.ready,
        over=worker.over,
        parked=any(each is worker for each in parked),
        item=item,
        future=None if item is None else item[0]._now,
    )


def _read(pool: Pool) -> _Reading:
    parked = tuple(pool.parked)
    return _Reading(
        phase=pool.phase,
        queue=tuple((item, item[0]._now) for item in tuple(pool.queue)),
        seats=tuple(_seat(each, parked) for each in tuple(pool.workers)),
        parked=parked,
        alive=pool.alive,
        closers=len(pool.closers),
    )


def view_of_threads(pool: Pool) -> ThreadPoolView:
    """Return what a thread pool does right now."""
    found, consistent = agreed(partial(_read, pool))
    stands = [each.stands() for each in found.seats]
    holds, futures, functions = list[int](), list[State](), list[str]()
    for seat in found.seats:
        if seat.holding() and seat.item is not None and seat.future is not None:
            futures.append(seat.future)
            functions.append(name_of(seat.item[1]))
        holds.append(len(futures) if seat.holding() else 0)
    work_ids = tuple(range(len(futures) + 1, len(futures) + len(found.queue) + 1))
    functions += [name_of(item[1]) for item, _ in found.queue]
    futures += [future for _, future in found.queue]
    promised = max(0, found.alive - sum(each != "ended" for each in stands))  # not made yet
    unborn = max(0, pool.limit - len(stands) - promised) if pool.limit < _FEW else 0
    requests, closing = asked(found.phase, found.closers)
    state = ThreadPoolState(
        phase=found.phase,
        work_ids=work_ids,
        futures=(*futures, State.PENDING),
        calls=(*["accepted"] * len(futures), "out"),
        threads=(*stands, *["starting"] * promised, *["unborn"] * unborn),
        holds=(*holds, *[0] * (promised + unborn)),
        parked=tuple(
            number
            for each in found.parked
            for number, seat in enumerate(found.seats, start=1)
            if seat.worker is each
        ),
        closers=closing,
        collected=False,
    )
    return ThreadPoolView(
        name=pool.prefix,
        consistent=consistent,
        state=state,
        model=ThreadPoolModel(len(state.calls), len(state.threads), requests),
        functions=tuple(functions),
        threads=tuple(each.worker.thread.name for each in found.seats),
        places=tuple(str(where(each.ident) or "") for each in found.seats),
    )


#: A pool that may have more threads than this is shown without those it has not started.
_FEW: Final = 1024
