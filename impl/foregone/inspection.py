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
from types import FrameType
from typing import Final, Generic, TypeVar, final

from foregone.called import call_name
from foregone.pool import Pool
from foregone.worker import Worker, WorkItem
from foregone_spec.future import DONE, State
from foregone_spec.lifecycle import Phase, Request
from foregone_spec.model import A, Model, S
from foregone_spec.thread_pool import ThreadPoolModel, ThreadPoolState
from foregone_spec.thread_pool_actions import Action

R = TypeVar("R")

#: So often two readings are compared, before one of them is shown as it is.
TRIES: Final = 16
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
    last: list[R] = []
    for _ in range(TRIES):
        try:
            last.append(read())
        except RuntimeError:
            continue
        if len(last) > 1 and last[-1] == last[-2]:
            return last[-1], True
    return (last[-1] if last else read()), False


def asked(phase: Phase, waiting: int) -> tuple[tuple[Request, ...], tuple[str, ...]]:
    """Return who has asked a pool to end, as far as its phase tells, and where they stand.

    One more may ask, unless nobody can.
    """
    if phase is Phase.OPEN:
        return (Request.SHUTDOWN,), ("out",)
    cancels = phase is Phase.CANCELLING
    request = Request.SHUTDOWN_CANCEL_FUTURES if cancels else Request.SHUTDOWN
    count = max(1, waiting)
    return (request,) * count + (Request.SHUTDOWN,), ("joining",) * count + ("out",)


def where(ident: int | None) -> str:
    """Return the line that a thread is at, and the function; "" of one that is not there."""
    frames: dict[int, FrameType] = sys._current_frames()
    frame = None if ident is None else frames.get(ident)
    if frame is None:
        return ""
    return f"{frame.f_code.co_filename}:{frame.f_lineno} in {frame.f_code.co_name}"


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
        for thread, stands in enumerate(now.threads):
            if stands == "unborn":
                continue
            held = now.holds[thread]
            what = f" {held} ({self.functions[held - 1]})" if held else ""
            at = f", at {self.places[thread]}" if self.places[thread] else ""
            lines.append(f"  {self.threads[thread]}: {stands}{what}{at}")
        return "\n".join(lines) + "\n"


#: One reading: all that a view is made of.
_Threads = tuple[
    Phase,
    tuple[WorkItem, ...],
    tuple[State, ...],
    tuple[Worker, ...],
    tuple[WorkItem | None, ...],
    tuple[State | None, ...],
    tuple[Worker, ...],
    int,
]


def _read(pool: Pool) -> _Threads:
    queue, workers = tuple(pool.queue), tuple(pool.workers)
    held = tuple(each.holds for each in workers)
    return (
        pool.phase,
        queue,
        tuple(each[0]._now for each in queue),
        workers,
        held,
        tuple(None if each is None else each[0]._now for each in held),
        tuple(pool.parked),
        len(pool.closers),
    )


def view_of_threads(pool: Pool) -> ThreadPoolView:
    """Return what a thread pool does right now."""
    found, consistent = agreed(lambda: _read(pool))
    phase, queue, waiting, workers, held, heard, parked, closers = found
    holds, stands, futures, functions = list[int](), list[str](), list[State](), list[str]()
    for worker, item, future in zip(workers, held, heard, strict=True):
        holding = item is not None and future is not None and future not in DONE
        if holding and item is not None and future is not None:
            futures.append(future)
            functions.append(call_name(item[1]))
        holds.append(len(futures) if holding else 0)
        stands.append(_stands(worker, future if holding else None, worker in parked))
    work_ids = tuple(range(len(futures) + 1, len(futures) + len(queue) + 1))
    functions += [call_name(each[1]) for each in queue]
    futures += waiting
    unborn = max(0, pool.limit - len(workers)) if pool.limit < _FEW else 0
    requests, closing = asked(phase, closers)
    state = ThreadPoolState(
        phase=phase,
        work_ids=work_ids,
        futures=(*futures, State.PENDING),
        calls=(*["accepted"] * len(futures), "out"),
        threads=(*stands, *["unborn"] * unborn),
        holds=(*holds, *[0] * unborn),
        parked=tuple(workers.index(each) + 1 for each in parked if each in workers),
        closers=closing,
        collected=False,
    )
    model = ThreadPoolModel(len(state.calls), len(state.threads), requests)
    idents = [each.thread.ident for each in workers]
    return ThreadPoolView(
        name=pool.prefix,
        consistent=consistent,
        state=state,
        model=model,
        functions=tuple(functions),
        threads=tuple(each.thread.name for each in workers),
        places=tuple(map(where, idents)),
    )


#: A pool that may have more threads than this is shown without those it has not started.
_FEW: Final = 1024


def _stands(worker: Worker, future: State | None, parked: bool) -> str:
    if not worker.thread.is_alive():
        return "ended" if worker.thread.ident is not None else "starting"
    if future is not None:
        return "running" if future is State.RUNNING else "holding"
    return "parked" if parked else "seeking"
