"""How processes begin and end, and what their end means for the calls they had.

A death, step by step.  (1) It is known from the process itself; a file that somebody
else may hold open is only a hint (M28).  (2) No call is offered to it any more, and it
is killed, if what showed was only a hint.  (3) Its lane is read to the end: what it
answered counts.  (4) The ticket of each call that is left is tried: what is won goes
back to the front of Work Ids; what is lost was claimed by the dead, and is the one call
to blame, since a process answers one call before it claims the next.  (5) Its tickets
and its lane are never used again.  (6) The pool breaks, or another process comes.

Done by the local worker only, or by who starts the pool.  Models: SeeDeath of
``tla/ProcessPool.tla``; ExactBlame of ``tla/ClaimTickets.tla``.
"""

import logging
from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Final

from foregone.process_pool import answers, wire
from foregone.process_pool.call_queue import CallQueue
from foregone.process_pool.dispatch import arrange
from foregone.process_pool.ending import FAIL, conclude, discard
from foregone.process_pool.errors import BLAMED, BrokenProcessPool, ProcessDied, how_it_ended
from foregone.process_pool.outcomes import missing
from foregone.process_pool.ports import Process
from foregone.process_pool.remote_error import thaw
from foregone.process_pool.tickets import close, remove, take
from foregone.process_pool.wire import DEPTH
from foregone.process_pool.work_items import AnyCall, ChunkCall
from foregone_spec.future import Command
from foregone_spec.lifecycle import Phase
from foregone_spec.process_death import EARLY_LIMIT, Death, Policy, breaks_on, died_early
from foregone_spec.work_item import TRANSITIONS, Event, Place

if TYPE_CHECKING:
    from foregone.process_pool.local_worker import LocalWorker

LOGGER: Final = logging.getLogger("concurrent.futures")

#: Seconds after which a start that the system refused is tried again.
RETRY: Final = 0.05

#: What CPython says, and users look for.
ABRUPTLY: Final = (
    "A process in the process pool was terminated abruptly while the future was running or pending"
)
UNUSABLE: Final = "A child process terminated abruptly, the process pool is not usable anymore"
_DIED: Final = TRANSITIONS[Place.CLAIMED][Event.DIED]


def start(worker: "LocalWorker") -> bool:
    """Start a process that is lacking; return whether it could be."""
    try:
        process = worker.pool.system.start()
        try:
            worker.adopt(process)
        except BaseException:
            disown(worker, process)
            raise
    except Exception as error:
        refused_again = died_early(worker.unready, EARLY_LIMIT) is Death.EARLY_AGAIN
        worker.unready += 1
        worker.retry = worker.pool.system.now() + RETRY
        if refused_again and not worker.pool.alive:
            text = f"no process could be started: {type(error).__name__}: {error}"
            break_pool(worker, f"{ABRUPTLY}: {text}", cause=error)
        return False
    worker.pool.make_room()
    return True


def undo(worker: "LocalWorker", started: Sequence[Process]) -> None:
    """End what a start has started that did not come to its end."""
    worker.thread = None
    interrupted: BaseException | None = None  # once more: what was begun is undone all the same
    adopted = [queue.process for queue in worker.pool.queues]
    for queue in worker.pool.queues:
        queue.told = True  # that it ends breaks nothing
        try:
            queue.process.kill()
            bury(worker, queue)
        except BaseException as error:
            interrupted = error
            bury(worker, queue)
    for process in started:
        try:
            if process not in adopted:
                process.abandon()
        except BaseException as error:
            interrupted = error
            process.abandon()
    worker.lanes.clear()
    worker.watches.clear()
    poller, worker.poller = worker.poller, None
    if poller is not None:
        poller.close()
    if interrupted is not None:
        raise interrupted


def disown(worker: "LocalWorker", process: Process) -> None:
    """End a process that was started, and could not be watched: nothing was sent to it."""
    for each in (worker.lanes, worker.watches):
        for fd in (process.lane, process.watch):
            each.pop(fd, None)
    if worker.poller is not None:
        worker.poller.forget(process.lane)
        worker.poller.forget(process.watch)
    process.abandon()


def lost(worker: "LocalWorker", queue: CallQueue) -> None:
    """Learn that nothing more comes from a process: it ends, or must."""
    close(worker.pool, queue)
    if worker.lanes.pop(queue.process.lane, None) is not None and worker.poller is not None:
        worker.poller.forget(queue.process.lane)
    if not queue.told:
        queue.process.kill()


def distrust(worker: "LocalWorker", queue: CallQueue, why: str) -> None:
    """Kill a process that does not keep to the protocol: its calls go elsewhere, or are blamed."""
    LOGGER.critical("process %s of a process pool is killed: %s", queue.process.pid, why)
    lost(worker, queue)
    queue.process.kill()  # also one that was told to end: that it ends is as good as before


def refused(queue: CallQueue, data: wire.Buffer) -> None:
    """Learn that an initializer raised: its process ends, and then the pool breaks."""
    queue.refusal = thaw(data, (), None, call="the initializer", pid=queue.process.pid)


def bury(worker: "LocalWorker", queue: CallQueue) -> None:
    """Do what the end of a process asks for."""
    pool, process = worker.pool, queue.process
    broken = pool.phase is Phase.BROKEN
    if process.lane in worker.lanes and not broken:
        while process.lane in worker.lanes and answers.read(worker, queue):
            pass
    lost(worker, queue)
    worker.watches.pop(process.watch, None)
    if worker.poller is not None:
        worker.poller.forget(process.watch)
    blamed = [] if pool.phase is Phase.BROKEN else _left(worker, queue)
    remove(pool, queue)
    queue.leave()
    exit_code = process.bury()
    death = _death(worker, queue, blamed)
    if pool.phase is Phase.BROKEN:
        return
    if not breaks_on(Policy.REPLACE if pool.replaces else Policy.BREAK, death):
        for call in blamed:
            end(worker, call, ProcessDied(process.pid, exit_code))
        return
    how = f"{ABRUPTLY}: process {process.pid} {how_it_ended(exit_code)}"
    if death is Death.INITIALIZER:
        how = f"{UNUSABLE}: the initializer raised {queue.refusal!r} in process {process.pid}"
    elif death is Death.EARLY_AGAIN:
        how += f", the last of {worker.unready} in a row that ended before they were ready"
    for call in blamed:
        end(worker, call, BrokenProcessPool(f"{how}; {BLAMED}"))
    break_pool(worker, how, cause=queue.refusal)


def _death(worker: "LocalWorker", queue: CallQueue, blamed: Sequence[AnyCall]) -> Death:
    """Say how a process came to its end; count those that were never ready."""
    if queue.told and not blamed:
        return Death.EXPECTED
    if queue.refusal is not None:
        return Death.INITIALIZER
    if queue.ready:
        return Death.LATER
    death = died_early(worker.unready, EARLY_LIMIT)
    worker.unready += 1
    return death


def _left(worker: "LocalWorker", queue: CallQueue) -> list[AnyCall]:
    """Take back what a dead process had not claimed; return what it had."""
    pool = worker.pool
    blamed: list[AnyCall] = []
    for serial in range(queue.head, queue.tail):
        call = queue.ring[serial % DEPTH]
        if call is not None and not take(pool, call, Event.RECALL):
            blamed.append(call)
            if isinstance(call, ChunkCall):
                found = missing(queue.process.log(), len(call.parts))
                answers.add_several(worker, queue, call, found)
    arrange(pool)
    return blamed


def end(worker: "LocalWorker", call: AnyCall, error: BaseException) -> None:
    """End a call that a dead process had claimed."""
    command = _DIED.command or Command.SET_EXCEPTION
    worker.carry(call, call._decide(command, None, error).effects)
    call._place = _DIED.after
    call._queue, call._frames = None, ()


def break_pool(worker: "LocalWorker", text: str, *, cause: BaseException | None = None) -> None:
    """Break the pool: nothing runs any more, and everything that is pending fails."""
    pool = worker.pool

    def why() -> BrokenProcessPool:
        error = BrokenProcessPool(text)
        error.__cause__ = cause
        return error

    if pool.broken is None:
        pool.broken = why
    pool.shatter()
    for queue in pool.queues:
        close(pool, queue)
        try:
            queue.process.kill()
        except Exception:  # what is pending fails all the same
            LOGGER.exception("exception killing process %s", queue.process.pid)
    discard(pool, FAIL, why, worker.carry)
    for queue in pool.queues:
        for call in tuple(queue.ring):
            if call is not None:
                end(worker, call, why())


def collapse(worker: "LocalWorker", error: BaseException) -> None:
    """End everything, because the local worker itself has failed: nobody may wait for ever."""
    pool = worker.pool
    text = f"the local worker of this pool failed: {type(error).__name__}: {error}"
    _insistently(partial(break_pool, worker, text, cause=error))
    for queue in pool.queues:
        _insistently(partial(bury, worker, queue))
    _insistently(partial(conclude, pool, worker.carry))
    _insistently(worker.carry_out)


def _insistently(step: Callable[[], object]) -> None:
    """Take a step; if it fails, say so and go through it once more; then go on."""
    for _ in range(2):
        try:
            step()
        except Exception:
            LOGGER.exception("exception ending what a local worker that failed has left")
        else:
            return
