"""One thread of a thread pool: it takes calls, runs them, settles their futures.

Whatever a call, a callback or the initializer raises, the thread goes on: it ends
only when there is nothing queued and nothing can come (M9).  Which command a future
is given when is ``foregone_spec.work_item``'s to say; if a third party has settled
the future before, the command is refused, and the call's own outcome dropped (M8).
"""

import logging
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from foregone.errors import BrokenThreadPool
from foregone.future import Future
from foregone.sync import Gate, new_gate
from foregone_spec import work_item
from foregone_spec.future import Command
from foregone_spec.lifecycle import RUNS_QUEUED, Phase, Request
from foregone_spec.work_item import Event, Place

if TYPE_CHECKING:
    from foregone.pool import Pool

LOGGER: Final = logging.getLogger("concurrent.futures")

#: What rooms hold that serve all calls.
AnyFuture: TypeAlias = Future[Any]  # each with a result of its own type, which the caller knows

#: One submitted call: its future, whatever its result, the function, its arguments.
WorkItem: TypeAlias = tuple[AnyFuture, Callable[..., object], tuple[object, ...], dict[str, object]]


def _command(place: Place, event: Event) -> Command:
    command = work_item.step(place, event).command
    if command is None:
        raise ValueError(f"the table gives no command for {event} at {place}")
    return command


CLAIM: Final = _command(Place.WAITING, Event.CLAIM)
ANSWER: Final = _command(Place.CLAIMED, Event.ANSWER)
RAISE: Final = _command(Place.CLAIMED, Event.RAISE)
CANCEL: Final = _command(Place.WAITING, Event.CANCEL)
FAIL: Final = _command(Place.WAITING, Event.FAIL)
WITHDRAW: Final = _command(Place.WAITING, Event.WITHDRAW)

BROKEN: Final = "A thread initializer failed, the thread pool is not usable anymore"


class Worker:
    """One thread of a pool: its seat, its gate, the call that it holds, how far it is."""

    __slots__ = ("gate", "holds", "over", "ready", "seat", "thread")

    gate: Gate
    holds: "WorkItem | None"
    over: bool  # it takes no call any more
    ready: bool  # its initializer is through
    seat: Gate
    thread: threading.Thread

    def __init__(self, pool: "Pool", name: str) -> None:
        self.gate = new_gate()  # closed but for the moment in which it is unparked
        self.gate.acquire()
        self.seat = new_gate()  # taken by the thread, or by who could not start it
        self.holds = None
        self.over = self.ready = False
        self.thread = threading.Thread(target=work, args=(pool, self), name=name)


def work(pool: "Pool", worker: Worker) -> None:
    """Be the thread of ``worker``: run calls until the pool ends."""
    if not worker.seat.acquire(blocking=False):
        return  # who started this thread was told that it had not started
    if pool.initializer is not None:
        try:
            pool.initializer(*pool.initargs)
        except BaseException:
            LOGGER.critical("Exception in initializer:", exc_info=True)
            pool.ask(Request.BREAK)
    worker.ready = True
    while True:
        item, phase, parked = pool.next_item(worker)
        if item is not None:
            if phase in RUNS_QUEUED:
                run(item)
            else:
                end(item, phase)
            worker.holds = item = None
        elif parked:
            worker.gate.acquire()
        else:
            pool.open_closers()
            return


def run(item: WorkItem) -> None:
    """Claim a call, run it and settle its future; drop it if it was cancelled."""
    future, fn, args, kwargs = item
    cell = future._decide(CLAIM)
    if cell.reply is True:
        try:
            result = fn(*args, **kwargs)
        except BaseException as error:
            cell = future._decide(RAISE, None, error)
        else:
            cell = future._decide(ANSWER, result)
            del result
    if cell.effects and (future._installed or future._blocked or future._callbacks):
        future._carry_out(cell.effects)
    # An error's traceback keeps this frame, which must not keep the call.
    del future, fn, args, kwargs, item


def end(item: WorkItem, phase: Phase) -> None:
    """End a call that will not run: cancelled, or failed with an error of its own (H20)."""
    if phase is Phase.CANCELLING:
        item[0]._obey(CANCEL)
    else:
        item[0]._obey(FAIL, None, BrokenThreadPool(BROKEN))
