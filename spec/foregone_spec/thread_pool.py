"""The thread pool, step by step (``tla/ThreadPool.tla``).

A step is one lock hold of the library, or one thing that is done with no lock
held.  Threads are numbered in the order in which they are asked for, calls in
the order in which they are submitted.

submit      accepts the call while the executor is OPEN: it puts the work id into
            Work Ids and, in the same hold, unparks a thread, or reserves one
            that it then starts, or does neither when all threads exist.
thread      runs the initializer; then takes the oldest work id, claims the call,
            runs it, settles it; parks when there is none; ends when there is none
            and no more can come.
shutdown    moves the executor's phase and wakes every parked thread in one hold;
            then ends what is queued if it was asked to, then waits for all threads.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import assert_never, final

from foregone_spec import lifecycle, work_item
from foregone_spec.future import Command, State
from foregone_spec.future import step as future_step
from foregone_spec.lifecycle import Phase, Request
from foregone_spec.model import NotEnabled, Value, replaced
from foregone_spec.thread_pool_actions import (
    Action,
    Cancel,
    Claim,
    Collect,
    Discard,
    Discarded,
    EndThread,
    Finish,
    Initialized,
    InitializerFails,
    Park,
    Shutdown,
    ShutdownReturns,
    Submit,
    Take,
    ThreadCannotStart,
    ThreadStarts,
)
from foregone_spec.work_item import Event, Place

__all__ = [
    "ALIVE",
    "Action",
    "Cancel",
    "Claim",
    "Collect",
    "Discard",
    "Discarded",
    "EndThread",
    "Finish",
    "Initialized",
    "InitializerFails",
    "Park",
    "Shutdown",
    "ShutdownReturns",
    "Submit",
    "Take",
    "ThreadCannotStart",
    "ThreadPoolModel",
    "ThreadPoolState",
    "ThreadStarts",
]

#: The thread states in which a thread exists, or has been promised.
ALIVE = ("starting", "initializing", "seeking", "parked", "holding", "running")


@final
@dataclass(frozen=True, slots=True)
class ThreadPoolState:
    """The rooms of the thread pool, and where everybody stands."""

    phase: Phase
    work_ids: tuple[int, ...]  # accepted and not yet taken, oldest first
    futures: tuple[State, ...]  # each work item's future
    calls: tuple[str, ...]  # of submit(): "out", "starting", "accepted", "raised"
    threads: tuple[str, ...]  # "unborn", those of ALIVE, "ended"
    holds: tuple[int, ...]  # the work id that a thread holds or runs, else 0
    parked: tuple[int, ...]  # the threads that are parked; the last is unparked first
    closers: tuple[str, ...]  # callers of shutdown(): "out", "discarding", "joining", "back"
    collected: bool  # has the executor object been garbage-collected?


@final
@dataclass(frozen=True, slots=True)
class ThreadPoolModel:
    """So many calls and threads; what each caller of shutdown asks; what may go wrong."""

    calls: int
    threads: int
    closers: tuple[Request, ...] = (Request.SHUTDOWN,)
    initializer_fails: bool = False
    start_fails: bool = False
    collects: bool = False

    @property
    def name(self) -> str:
        """The name of the module in ``tla/``."""
        return "ThreadPool"

    @property
    def invariants(self) -> "Mapping[str, Callable[[ThreadPoolState], bool]]":
        """What must hold in every reachable state."""
        from foregone_spec.invariants import thread_pool

        return thread_pool(self)

    @property
    def step_invariants(self) -> "Mapping[str, Callable[[ThreadPoolState, ThreadPoolState], bool]]":
        """What must hold of every step."""
        from foregone_spec.invariants import THREAD_POOL_STEPS

        return THREAD_POOL_STEPS

    def initial(self) -> tuple[ThreadPoolState, ...]:
        """Return the one state of an executor that was just made."""
        return (
            ThreadPoolState(
                phase=Phase.OPEN,
                work_ids=(),
                futures=(State.PENDING,) * self.calls,
                calls=("out",) * self.calls,
                threads=("unborn",) * self.threads,
                holds=(0,) * self.threads,
                parked=(),
                closers=("out",) * len(self.closers),
                collected=False,
            ),
        )

    def enabled(self, state: ThreadPoolState) -> tuple[Action, ...]:
        """Return everything that may happen in ``state``."""
        return tuple(self._enabled(state))

    def _enabled(self, now: ThreadPoolState) -> Iterator[Action]:
        if not now.collected:
            if "out" in now.calls:
                yield Submit(now.calls.index("out") + 1)
            if self.collects and "starting" not in now.calls and _nobody_closes(now):
                yield Collect()
        for number, stands in enumerate(now.threads, start=1):
            yield from self._of_thread(now, number, stands)
        for number, stands in enumerate(now.calls, start=1):
            if stands == "accepted" and now.futures[number - 1] is State.PENDING:
                yield Cancel(number)
        for number, stands in enumerate(now.closers, start=1):
            yield from self._of_closer(now, number, stands)

    def _of_thread(self, now: ThreadPoolState, thread: int, stands: str) -> Iterator[Action]:
        match stands:
            case "starting":
                yield ThreadStarts(thread)
                if self.start_fails:
                    yield ThreadCannotStart(thread)
            case "initializing":
                yield Initialized(thread)
                if self.initializer_fails:
                    yield InitializerFails(thread)
            case "seeking":
                yield self._seeking(now, thread)
            case "holding":
                yield Claim(thread)
            case "running":
                yield Finish(thread)
            case _:
                pass  # unborn, parked or ended: it does nothing by itself

    @staticmethod
    def _seeking(now: ThreadPoolState, thread: int) -> Action:
        if now.work_ids:
            return Take(thread) if lifecycle.runs_queued(now.phase) else Discard(thread)
        return Park(thread) if lifecycle.accepts(now.phase) else EndThread(thread)

    @staticmethod
    def _of_closer(now: ThreadPoolState, closer: int, stands: str) -> Iterator[Action]:
        match stands:
            case "out" if not now.collected:
                yield Shutdown(closer)
            case "discarding":
                yield Discard(0) if now.work_ids else Discarded(closer)
            case "joining" if not any(each in ALIVE for each in now.threads):
                yield ShutdownReturns(closer)
            case _:
                pass

    def step(self, state: ThreadPoolState, action: Action) -> ThreadPoolState:
        """Return the state after ``action``."""
        if action not in self.enabled(state):
            raise NotEnabled(f"{action} may not happen in {state}")
        match action:
            case Submit(work_id):
                return self._submitted(state, work_id)
            case ThreadStarts(thread):
                calls = _starting_is(state, thread, "accepted")
                return replace(_at(state, thread, "initializing", hold=0), calls=calls)
            case ThreadCannotStart(thread):
                return self._withdrawn(state, thread)
            case Initialized(thread):
                return _at(state, thread, "seeking")
            case InitializerFails(thread):
                return _at(self._asked(state, Request.BREAK), thread, "seeking")
            case Take(thread):
                taken = replace(state, work_ids=state.work_ids[1:])
                return _at(taken, thread, "holding", hold=state.work_ids[0])
            case Claim(thread):
                return self._claimed(state, thread)
            case Finish(thread):
                settled = _commanded(state, state.holds[thread - 1], Place.CLAIMED, Event.ANSWER)
                return _at(settled, thread, "seeking", hold=0)
            case Park(thread):
                return _at(replace(state, parked=(*state.parked, thread)), thread, "parked")
            case EndThread(thread):
                return _at(state, thread, "ended")
            case Discard():
                return self._discarded(state)
            case Cancel(work_id):
                return _commanded(state, work_id, Place.WAITING, Event.CANCEL)
            case Shutdown(closer):
                return self._shut_down(state, closer)
            case Discarded(closer):
                return replace(state, closers=replaced(state.closers, closer - 1, "joining"))
            case ShutdownReturns(closer):
                return replace(state, closers=replaced(state.closers, closer - 1, "back"))
            case Collect():
                return replace(self._asked(state, Request.COLLECT), collected=True)
            case unknown:
                assert_never(unknown)

    def _submitted(self, now: ThreadPoolState, work_id: int) -> ThreadPoolState:
        if not lifecycle.accepts(now.phase):
            return replace(now, calls=replaced(now.calls, work_id - 1, "raised"))
        queued = replace(now, work_ids=(*now.work_ids, work_id))
        accepted = replace(queued, calls=replaced(now.calls, work_id - 1, "accepted"))
        if now.parked:
            unparked = replace(accepted, parked=now.parked[:-1])
            return _at(unparked, now.parked[-1], "seeking")
        if "unborn" in now.threads:
            thread = now.threads.index("unborn") + 1
            starting = replace(queued, calls=replaced(now.calls, work_id - 1, "starting"))
            return _at(starting, thread, "starting", hold=work_id)
        return accepted

    @staticmethod
    def _withdrawn(now: ThreadPoolState, thread: int) -> ThreadPoolState:
        work_id = now.holds[thread - 1]
        alone = sum(each in ALIVE for each in now.threads) == 1
        cell = future_step(now.futures[work_id - 1], Command.CANCEL_OWNED)
        after = _commanded(now, work_id, Place.WAITING, Event.WITHDRAW)
        calls = _starting_is(now, thread, "raised" if cell.reply is True else "accepted")
        if alone:  # nobody is left who could run what others have queued meanwhile
            for queued in now.work_ids:
                after = _commanded(after, queued, Place.WAITING, Event.FAIL)
            after = replace(after, work_ids=())
        return _at(replace(after, calls=calls), thread, "unborn", hold=0)

    @staticmethod
    def _claimed(now: ThreadPoolState, thread: int) -> ThreadPoolState:
        work_id = now.holds[thread - 1]
        reply = future_step(now.futures[work_id - 1], Command.SET_RUNNING_OR_NOTIFY_CANCEL).reply
        if reply is not True:
            return _at(now, thread, "seeking", hold=0)
        return _at(_commanded(now, work_id, Place.WAITING, Event.CLAIM), thread, "running")

    @staticmethod
    def _discarded(now: ThreadPoolState) -> ThreadPoolState:
        event = Event.CANCEL if now.phase is Phase.CANCELLING else Event.FAIL
        after = replace(now, work_ids=now.work_ids[1:])
        return _commanded(after, now.work_ids[0], Place.WAITING, event)

    @staticmethod
    def _asked(now: ThreadPoolState, request: Request) -> ThreadPoolState:
        cell = lifecycle.step(now.phase, request)
        after = replace(now, phase=cell.after)
        if lifecycle.Effect.WAKE_THREADS in cell.effects:
            for thread in now.parked:
                after = _at(after, thread, "seeking")
            after = replace(after, parked=())
        return after

    def _shut_down(self, now: ThreadPoolState, closer: int) -> ThreadPoolState:
        after = self._asked(now, self.closers[closer - 1])
        stands = "joining" if lifecycle.runs_queued(after.phase) else "discarding"
        return replace(after, closers=replaced(after.closers, closer - 1, stands))

    def variables(self, state: ThreadPoolState) -> dict[str, Value]:
        """Return ``state`` as the variables of ``tla/ThreadPool.tla``."""
        return {
            "phase": state.phase.value,
            "workIds": state.work_ids,
            "futures": tuple(each.value for each in state.futures),
            "calls": state.calls,
            "threads": state.threads,
            "holds": state.holds,
            "parked": state.parked,
            "closers": state.closers,
            "collected": state.collected,
        }


def _at(now: ThreadPoolState, thread: int, stands: str, hold: int | None = None) -> ThreadPoolState:
    holds = now.holds if hold is None else replaced(now.holds, thread - 1, hold)
    return replace(now, threads=replaced(now.threads, thread - 1, stands), holds=holds)


def _commanded(now: ThreadPoolState, work_id: int, place: Place, event: Event) -> ThreadPoolState:
    command = work_item.step(place, event).command
    if command is None:
        return now
    after = future_step(now.futures[work_id - 1], command).after
    return replace(now, futures=replaced(now.futures, work_id - 1, after))


def _starting_is(now: ThreadPoolState, thread: int, stands: str) -> tuple[str, ...]:
    return replaced(now.calls, now.holds[thread - 1] - 1, stands)


def _nobody_closes(now: ThreadPoolState) -> bool:
    return all(each in ("out", "back") for each in now.closers)
