"""The process pool, step by step (``tla/ProcessPool.tla``).

Calls are numbered in the order in which they are submitted.  A process has a number,
which its successor takes over.

submit      accepts the call while the executor is OPEN: it puts the work id into
            Work Ids, and wakes the local worker.
parent      offers the oldest work id to the processes: it goes to the Call Q, a bag of
            bounded size; recalls it from there, or cancels it, while no process has
            claimed it.  Each is one test-and-set of a ticket.
process     runs the initializer, says that it is ready; then claims a call, runs it,
            answers; ends when it is told to, or has run as many calls as it may.
worker      the local worker, a thread: reads answers, starts, buries and blames
            processes, stops them when nothing can come any more.  It sleeps when it
            has nothing to do; whatever it watches wakes it.
shutdown    moves the executor's phase and wakes the local worker in one hold; then
            cancels what is not claimed if it was asked to, then waits for the end.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import assert_never, final

from foregone_spec import lifecycle
from foregone_spec import process_pool_steps as steps
from foregone_spec.future import State
from foregone_spec.lifecycle import Phase, Request
from foregone_spec.model import NotEnabled, Value, replaced, without
from foregone_spec.process_death import EARLY_LIMIT, Policy
from foregone_spec.process_pool_actions import (
    Action,
    Answer,
    Bury,
    Cancel,
    Claim,
    Collect,
    Die,
    Discard,
    Discarded,
    Exit,
    Fail,
    Finish,
    InitializerFails,
    Kill,
    Notice,
    Offer,
    OfProcess,
    Ready,
    Recall,
    Retire,
    SeeDeath,
    Shutdown,
    ShutdownReturns,
    Sleep,
    Start,
    StartFails,
    Stop,
    Submit,
    SubmitUnpicklable,
)
from foregone_spec.process_pool_state import (
    DEAD,
    ENDED,
    ProcessPoolState,
    pending,
    started,
    unclaimed,
)
from foregone_spec.work_item import Event


@final
@dataclass(frozen=True, slots=True)
class ProcessPoolModel:
    """So many calls, processes and places in the Call Q; what is asked; what may go wrong."""

    calls: int
    processes: int
    capacity: int  # of the Call Q: at least one place for each process
    closers: tuple[Request, ...] = (Request.SHUTDOWN,)
    deaths: int = 0  # how many processes may die
    policy: Policy = Policy.BREAK
    overtake: int = 2  # by how many later calls a call may be overtaken
    max_tasks: int = 0  # after how many calls a process retires, or 0
    early_limit: int = EARLY_LIMIT
    eager: bool = False  # are all processes started with the first call, as under fork?
    initializer_fails: bool = False
    start_fails: bool = False
    unpicklable: bool = False
    collects: bool = False

    @property
    def name(self) -> str:
        """The name of the module in ``tla/``."""
        return "ProcessPool"

    @property
    def invariants(self) -> "Mapping[str, Callable[[ProcessPoolState], bool]]":
        """What must hold in every reachable state."""
        from foregone_spec.process_pool_invariants import process_pool

        return process_pool(self)

    @property
    def step_invariants(
        self,
    ) -> "Mapping[str, Callable[[ProcessPoolState, ProcessPoolState], bool]]":
        """What must hold of every step."""
        from foregone_spec.process_pool_invariants import PROCESS_POOL_STEPS

        return PROCESS_POOL_STEPS

    def initial(self) -> tuple[ProcessPoolState, ...]:
        """Return the one state of an executor that was just made."""
        return (
            ProcessPoolState(
                phase=Phase.OPEN,
                work_ids=(),
                call_queue=(),
                processes=("unborn",) * self.processes,
                runs=(0,) * self.processes,
                used=(0,) * self.processes,
                result_queue=((),) * self.processes,
                futures=(State.PENDING,) * self.calls,
                calls=("out",) * self.calls,
                begun=(0,) * self.calls,
                closers=("out",) * len(self.closers),
                collected=False,
                awake=False,
                watched=(False,) * self.processes,
                early=0,
                may_die=self.deaths,
            ),
        )

    # ------------------------------------------------------------ what may happen

    def enabled(self, state: ProcessPoolState) -> tuple[Action, ...]:
        """Return everything that may happen in ``state``."""
        return tuple(self._enabled(state))

    def _enabled(self, now: ProcessPoolState) -> Iterator[Action]:
        yield from self.of_callers(now)
        yield from self._of_local_worker(now)
        for number, stands in enumerate(now.processes, start=1):
            yield from self._of_process(now, number, stands)

    def of_callers(self, now: ProcessPoolState) -> Iterator[Action]:
        """Yield what those may do who use the pool."""
        if not now.collected:
            if "out" in now.calls:
                yield Submit(now.calls.index("out") + 1)
                if self.unpicklable and lifecycle.accepts(now.phase):
                    yield SubmitUnpicklable(now.calls.index("out") + 1)
            if self.collects and all(each in ("out", "back") for each in now.closers):
                yield Collect()
        for number in unclaimed(now):
            yield Cancel(number)
        for number in pending(now):
            if now.begun[number - 1] and now.futures[number - 1] is State.PENDING:
                yield Notice(number)
        if "discarding" in now.closers and now.phase is Phase.CANCELLING:
            yield from map(Discard, unclaimed(now))
        for number, stands in enumerate(now.closers, start=1):
            yield from self._of_closer(now, number, stands)

    @staticmethod
    def _of_closer(now: ProcessPoolState, closer: int, stands: str) -> Iterator[Action]:
        match stands:
            case "out" if not now.collected:
                yield Shutdown(closer)
            case "discarding" if not unclaimed(now):
                yield Discarded(closer)
            case "joining" if not started(now) and not pending(now):
                yield ShutdownReturns(closer)
            case _:
                pass

    def _of_local_worker(self, now: ProcessPoolState) -> Iterator[Action]:
        if not now.awake:
            return
        duties = tuple(self.duties(now))
        yield from duties
        if self.start_fails:
            yield from (StartFails(each.process) for each in duties if isinstance(each, Start))
        if lifecycle.runs_queued(now.phase):
            # One process is left the oldest.
            yield from map(Recall, now.call_queue[-1 if self.processes == 1 else 0 :])
        if not duties:
            yield Sleep()

    def duties(self, now: ProcessPoolState) -> Iterator[Action]:
        """Yield what the local worker has to do before it may sleep."""
        if lifecycle.runs_queued(now.phase):
            if len(started(now)) < self.wanted(now) and "unborn" in now.processes:
                yield Start(now.processes.index("unborn") + 1)
            if self._has_room(now):
                yield Offer(now.work_ids[0])
        elif now.phase is Phase.BROKEN:
            yield from map(Fail, unclaimed(now))
        over = not lifecycle.accepts(now.phase) and not unclaimed(now)
        for number, stands in enumerate(now.processes, start=1):
            if now.result_queue[number - 1]:
                yield Answer(number)
            elif stands in DEAD:
                yield SeeDeath(number)
            elif stands == ENDED:
                yield Bury(number)
            if stands in ("starting", "idle", "running") and now.phase is Phase.BROKEN:
                yield Kill(number)
            elif stands in ("starting", "idle") and over:
                yield Stop(number)

    def wanted(self, now: ProcessPoolState) -> int:
        """Return how many processes there should be for what is pending."""
        backlog = len(pending(now))
        return self.processes if self.eager and backlog else min(self.processes, backlog)

    def _has_room(self, now: ProcessPoolState) -> bool:
        if not now.work_ids or not started(now) or len(now.call_queue) >= self.capacity:
            return False
        return all(now.work_ids[0] <= each + self.overtake for each in now.call_queue)

    def _of_process(self, now: ProcessPoolState, process: int, stands: str) -> Iterator[Action]:
        spent = bool(self.max_tasks) and now.used[process - 1] == self.max_tasks
        match stands:
            case "starting":
                yield Ready(process)
                if self.initializer_fails:
                    yield InitializerFails(process)
            case "idle" if spent:
                yield Retire(process)
            case "idle":
                # One process claims in the order of its lane: of the ids.
                for number in now.call_queue[: 1 if self.processes == 1 else None]:
                    yield Claim(process, number)
            case "running":
                yield Finish(process)
            case "told":
                yield Exit(process)
            case _:
                return
        # Who is to end anyway, and does by dying, has ended.
        if now.may_die and stands != "told" and not (stands == "idle" and spent):
            yield Die(process)

    # ----------------------------------------------------------- what it makes of it

    def step(self, state: ProcessPoolState, action: Action) -> ProcessPoolState:
        """Return the state after ``action``."""
        if action not in self._enabled(state):
            raise NotEnabled(f"{action} may not happen in {state}")
        match action:
            case Submit(work_id):
                return steps.submitted(state, work_id)
            case SubmitUnpicklable(work_id):
                failed = steps.told(state, work_id, Event.FAIL)
                return replace(failed, calls=replaced(failed.calls, work_id - 1, "accepted"))
            case Cancel(work_id) | Discard(work_id):
                return replace(steps.ended(state, work_id, Event.CANCEL), awake=True)
            case Fail(work_id):
                return steps.ended(state, work_id, Event.FAIL)
            case Notice(work_id):
                return steps.told(state, work_id, Event.CLAIM)
            case Offer(work_id):
                offered = (*state.call_queue, work_id)
                return steps.put(state, without(state.work_ids, work_id), offered)
            case Recall(work_id):
                recalled = (*state.work_ids, work_id)
                return steps.put(state, recalled, without(state.call_queue, work_id))
            case Shutdown(closer):
                asked = steps.asked(state, self.closers[closer - 1])
                stands = "discarding" if asked.phase is Phase.CANCELLING else "joining"
                return replace(asked, closers=replaced(asked.closers, closer - 1, stands))
            case Discarded(closer):
                return replace(state, closers=replaced(state.closers, closer - 1, "joining"))
            case ShutdownReturns(closer):
                return replace(state, closers=replaced(state.closers, closer - 1, "back"))
            case Collect():
                return replace(steps.asked(state, Request.COLLECT), collected=True)
            case Sleep():
                return replace(state, awake=False)
            case _:
                return self._of_one_process(state, action)

    def _of_one_process(self, now: ProcessPoolState, action: OfProcess) -> ProcessPoolState:
        match action:
            case Start(process):
                watched = replaced(now.watched, process - 1, True)
                return replace(steps.at(now, process, "starting"), watched=watched)
            case StartFails(process):
                refused = steps.at(now, process, "refused")
                return refused if started(now) else steps.asked(refused, Request.BREAK)
            case Ready(process):
                return replace(steps.at(now, process, "idle"), early=0)
            case InitializerFails(process):
                return steps.heard(steps.at(now, process, "failed"), process)
            case Claim(process, work_id):
                return steps.claimed(now, process, work_id, self.overtake, bool(self.max_tasks))
            case Finish(process):
                return steps.finished(now, process)
            case Retire(process) | Exit(process):
                return steps.heard(steps.at(now, process, ENDED), process)
            case Die(process):
                return steps.dead(now, process)
            case Kill(process):
                return steps.at(now, process, "dead")
            case Stop(process):
                return steps.at(now, process, "told")
            case Answer(process):
                return steps.answered(now, process)
            case SeeDeath(process):
                return steps.blamed(now, process, self.policy, self.early_limit)
            case Bury(process):
                return steps.buried(now, process)
            case unknown:
                assert_never(unknown)

    def variables(self, state: ProcessPoolState) -> dict[str, Value]:
        """Return ``state`` as the variables of ``tla/ProcessPool.tla``."""
        return {
            "phase": state.phase.value,
            "workIds": state.work_ids,
            "callQueue": state.call_queue,
            "processes": state.processes,
            "runs": state.runs,
            "used": state.used,
            "resultQueue": state.result_queue,
            "futures": tuple(each.value for each in state.futures),
            "calls": state.calls,
            "begun": state.begun,
            "closers": state.closers,
            "collected": state.collected,
            "awake": state.awake,
            "watched": state.watched,
            "early": state.early,
            "mayDie": state.may_die,
        }
