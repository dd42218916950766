"""How calls end that no process will run: cancelled, or failed, each with its own error.

Who ends them is whoever asks for the end of the pool, or the local worker; a call that
a process has claimed is not touched here.  No lock is held while anybody is told.

Owner of the queues: the pool, under its lock.  Model: Discard of ``tla/ProcessPool.tla``.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Final, TypeAlias

from foregone.errors import CancelledError
from foregone.process_pool.tickets import left, take
from foregone.process_pool.work_items import NEVER, AnyCall
from foregone_spec.future import Command, Effect
from foregone_spec.work_item import TRANSITIONS, Event, Place

if TYPE_CHECKING:
    from foregone.process_pool.rooms import Pool

_CANCEL, _FAIL = Event.CANCEL, Event.FAIL

#: What a future is told, from the table.
FAIL: Final = TRANSITIONS[Place.WAITING][_FAIL].command or Command.SET_EXCEPTION
CANCEL: Final = TRANSITIONS[Place.WAITING][_CANCEL].command or Command.CANCEL_OWNED
WITHDRAW: Final = TRANSITIONS[Place.WAITING][Event.WITHDRAW].command or Command.CANCEL_OWNED

#: More than any call's number.
ALL: Final = 1 << 62

#: What is done about the effects of a command: who gave it carries them out, or the
#: local worker has them carried out.
Carry: TypeAlias = Callable[[AnyCall, tuple[Effect, ...]], object]


def discard(
    pool: "Pool",
    command: Command,
    why: Callable[[], BaseException] | None = None,
    carry: Carry | None = None,
    before: int = ALL,
) -> None:
    """End every call that no process has claimed; which command says how.

    Of those with a number from ``before`` on, none.
    """
    call: AnyCall | None = None
    while True:
        ended = call
        with pool.lock:  # a call leaves Work Ids when its future has ended, not before
            if ended is not None and pool.recalled and pool.recalled[0] is ended: del pool.recalled[0]  # fmt: skip
            elif ended is not None and pool.waiting and pool.waiting[0] is ended: del pool.waiting[0]  # fmt: skip
            call = None
            if pool.recalled and pool.recalled[0]._number < before: call = pool.recalled[0]  # fmt: skip
            elif pool.waiting and pool.waiting[0]._number < before: call = pool.waiting[0]  # fmt: skip
        if call is None:
            break
        end(pool, call, command, why, carry)
    for queue in pool.queues:
        for call in tuple(queue.ring):
            if call is not None and call._number < before:
                end(pool, call, command, why, carry)


def end(
    pool: "Pool",
    call: AnyCall,
    command: Command,
    why: Callable[[], BaseException] | None = None,
    carry: Carry | None = None,
) -> None:
    """End ``call`` unless it is claimed, with an error of its own if there is one (H20).

    If somebody else is about to, nobody waits for him.
    """
    taken = take(pool, call, _CANCEL if why is None else _FAIL)
    if taken or (call._place is Place.SETTLED and not call.done()):
        error = None if why is None else why()
        if carry is None:
            call._obey(command, None, error)
        else:
            carry(call, call._decide(command, None, error).effects)
        left(pool, call)


def conclude(pool: "Pool", carry: Carry) -> None:
    """End the futures of those that leave: whoever has taken them is late, or interrupted.

    What he does afterwards changes nothing.
    """
    for call in sorted(pool.leaving.copy(), key=lambda each: each._number):
        if not call.done():
            ended = call._decide(CANCEL)
            if ended.reply is not True:  # somebody else had set it running
                ended = call._decide(Command.SET_EXCEPTION, None, CancelledError(NEVER))
            carry(call, ended.effects)
        left(pool, call)
