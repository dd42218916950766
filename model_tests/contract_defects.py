"""Every action of the process pool with its guard or its effect broken.

Each must be refuted: induction finds a state in which all holds, and from which the
broken action leads to one in which the claim that is named does not.  Old and plausible
designs, which an explorer finds from the initial state, are in process_pool_seeds.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Final, TypeAlias, final

from foregone_spec import process_pool_actions as acts
from foregone_spec.lifecycle import Phase
from foregone_spec.process_pool_actions import Action
from foregone_spec.process_pool_state import ProcessPoolState, unclaimed
from model_tests.process_pool_seeds import Seeds

#: What an action makes of a state, given what it should make of it.
Effect: TypeAlias = Callable[[ProcessPoolState, ProcessPoolState], ProcessPoolState]
#: The actions that may happen besides those that should.
Guard: TypeAlias = Callable[[ProcessPoolState], Iterable[Action]]


@final
@dataclass(frozen=True, slots=True)
class Defect:
    """One action, what is wrong with it, and the claim that it breaks."""

    story: str
    action: type[Action]
    breaks: str
    effect: Effect | None = None
    guard: Guard | None = None

    def plant(self, seeds: Seeds) -> None:
        """Put this defect in the place of the right action."""
        effect, guard = self.effect, self.guard
        if effect is not None:
            seeds.step(
                lambda before, action, after: (
                    effect(before, after) if isinstance(action, self.action) else after
                )
            )
        if guard is not None:
            seeds.enabled(lambda now, found: iter(dict.fromkeys((*found, *guard(now)))))


def _unheard(before: ProcessPoolState, after: ProcessPoolState) -> ProcessPoolState:
    return replace(after, awake=before.awake)


def _untold(before: ProcessPoolState, after: ProcessPoolState) -> ProcessPoolState:
    return replace(after, futures=before.futures)


def _unasked(before: ProcessPoolState, after: ProcessPoolState) -> ProcessPoolState:
    return replace(after, phase=before.phase)


def _left_in_queue(before: ProcessPoolState, after: ProcessPoolState) -> ProcessPoolState:
    return replace(after, call_queue=before.call_queue)


def _left_in_work_ids(before: ProcessPoolState, after: ProcessPoolState) -> ProcessPoolState:
    return replace(after, work_ids=before.work_ids)


def _forgotten(_: ProcessPoolState, after: ProcessPoolState) -> ProcessPoolState:
    return replace(after, runs=(0,) * len(after.runs))


def _claimed(now: ProcessPoolState) -> tuple[int, ...]:
    return tuple(each for each in now.runs if each)


def _who(now: ProcessPoolState, *stands: str) -> tuple[int, ...]:
    return tuple(number for number, each in enumerate(now.processes, 1) if each in stands)


def _with_answers(now: ProcessPoolState, *stands: str) -> tuple[int, ...]:
    return tuple(each for each in _who(now, *stands) if now.result_queue[each - 1])


DEFECTS: Final = (
    Defect("submit wakes nobody", acts.Submit, "Capacity", _unheard),
    Defect(
        "the later call first",
        acts.Submit,
        "SubmittedInOrder",
        guard=lambda now: (acts.Submit(len(now.calls)),) if now.calls[-1] == "out" else (),
    ),
    Defect("what does not pickle is told nothing", acts.SubmitUnpicklable, "NothingLost", _untold),
    Defect("what is cancelled stays in the Call Q", acts.Cancel, "NothingLost", _left_in_queue),
    Defect(
        "what runs is cancelled",
        acts.Cancel,
        "CancelledNeverRuns",
        guard=lambda now: map(acts.Cancel, _claimed(now)),
    ),
    Defect(
        "what is not claimed is found running",
        acts.Notice,
        "KnownIsTrue",
        guard=lambda now: map(acts.Notice, unclaimed(now)),
    ),
    Defect("shutdown leaves the executor open", acts.Shutdown, "AskedToEndIsNotOpen", _unasked),
    Defect(
        "shutdown opens a broken executor",
        acts.Shutdown,
        "RequestsAreMonotone",
        lambda _, after: replace(after, phase=Phase.SHUTTING_DOWN),
    ),
    Defect("what is discarded is told nothing", acts.Discard, "NothingLost", _untold),
    Defect(
        "what runs is discarded",
        acts.Discard,
        "CancelledNeverRuns",
        guard=lambda now: map(acts.Discard, _claimed(now)),
    ),
    Defect(
        "who has discarded waits for nobody",
        acts.Discarded,
        "EndedMeansSettled",
        lambda _, after: replace(after, closers=("back",) * len(after.closers)),
    ),
    Defect(
        "shutdown returns too soon",
        acts.ShutdownReturns,
        "ShutdownMeansEnded",
        guard=lambda now: (acts.ShutdownReturns(1),) if "joining" in now.closers else (),
    ),
    Defect("a collected executor stays open", acts.Collect, "AskedToEndIsNotOpen", _unasked),
    Defect("what is offered stays in Work Ids", acts.Offer, "InOneRoomOnly", _left_in_work_ids),
    Defect(
        "more is offered than there is room for",
        acts.Offer,
        "BoundedCallQueue",
        guard=lambda now: map(acts.Offer, now.work_ids[:1]),
    ),
    Defect("what is recalled is dropped", acts.Recall, "NothingLost", _left_in_work_ids),
    Defect("what is recalled stays in the Call Q", acts.Recall, "InOneRoomOnly", _left_in_queue),
    Defect("an answer is read and told to nobody", acts.Answer, "NothingLost", _untold),
    Defect(
        "an answer is read twice",
        acts.Answer,
        "NothingLost",
        lambda before, after: replace(after, result_queue=before.result_queue),
    ),
    Defect(
        "who is started is not watched",
        acts.Start,
        "StartedIsWatched",
        lambda before, after: replace(after, watched=before.watched),
    ),
    Defect(
        "who runs is started again",
        acts.Start,
        "WhoRunsHasClaimed",
        guard=lambda now: map(acts.Start, _who(now, "running")),
    ),
    Defect(
        "who runs is refused",
        acts.StartFails,
        "WhoRunsHasClaimed",
        guard=lambda now: map(acts.StartFails, _who(now, "running")),
    ),
    Defect("nobody is blamed for a death", acts.SeeDeath, "NothingLost", _untold),
    Defect(
        "a death is seen before the answers",
        acts.SeeDeath,
        "NothingLost",
        guard=lambda now: map(acts.SeeDeath, _with_answers(now, "dead")),
    ),
    Defect(
        "a death opens a broken executor",
        acts.SeeDeath,
        "RequestsAreMonotone",
        lambda _, after: replace(after, phase=Phase.OPEN),
    ),
    Defect(
        "who has ended is buried with answers",
        acts.Bury,
        "NothingLost",
        guard=lambda now: map(acts.Bury, _with_answers(now, "ended")),
    ),
    Defect(
        "the dead are buried without blame",
        acts.Bury,
        "NothingLost",
        guard=lambda now: map(acts.Bury, _who(now, "dead")),
    ),
    Defect(
        "who runs is told to end",
        acts.Stop,
        "WhoRunsHasClaimed",
        guard=lambda now: map(acts.Stop, _who(now, "running")),
    ),
    Defect(
        "processes of an open pool are killed",
        acts.Kill,
        "Capacity",
        guard=lambda now: map(acts.Kill, _who(now, "starting", "idle")),
    ),
    Defect("who is killed had claimed nothing", acts.Kill, "NothingLost", _forgotten),
    Defect("what fails is told nothing", acts.Fail, "NothingLost", _untold),
    Defect("what fails stays in the Call Q", acts.Fail, "NothingLost", _left_in_queue),
    Defect(
        "the local worker sleeps with things to do",
        acts.Sleep,
        "Capacity",
        guard=lambda now: (acts.Sleep(),),
    ),
    Defect(
        "who sleeps watches nobody",
        acts.Sleep,
        "WatchedSet",
        lambda _, after: replace(after, watched=(False,) * len(after.watched)),
    ),
    Defect(
        "who is ready runs nothing",
        acts.Ready,
        "WhoRunsHasClaimed",
        lambda before, after: replace(
            after,
            processes=tuple(
                "running" if was == "starting" else now
                for was, now in zip(before.processes, after.processes, strict=True)
            ),
        ),
    ),
    Defect("nobody hears of an initializer", acts.InitializerFails, "Capacity", _unheard),
    Defect("what is claimed stays in the Call Q", acts.Claim, "InOneRoomOnly", _left_in_queue),
    Defect(
        "who runs claims another",
        acts.Claim,
        "NothingLost",
        guard=lambda now: (
            acts.Claim(who, each) for who in _who(now, "running") for each in now.call_queue
        ),
    ),
    Defect(
        "the later call is claimed first",
        acts.Claim,
        "OvertakenByFew",
        guard=lambda now: (
            acts.Claim(who, each) for who in _who(now, "idle") for each in now.work_ids[1:]
        ),
    ),
    Defect(
        "a call begins twice",
        acts.Claim,
        "AtMostOnce",
        lambda _, after: replace(after, begun=tuple(2 * each for each in after.begun)),
    ),
    Defect(
        "a call returns and is not answered",
        acts.Finish,
        "NothingLost",
        lambda before, after: replace(after, result_queue=before.result_queue),
    ),
    Defect(
        "who has answered still runs",
        acts.Finish,
        "InOneRoomOnly",
        lambda before, after: replace(after, runs=before.runs),
    ),
    Defect("nobody hears who retires", acts.Retire, "Capacity", _unheard),
    Defect(
        "who runs retires",
        acts.Retire,
        "WhoRunsHasClaimed",
        guard=lambda now: map(acts.Retire, _who(now, "running")),
    ),
    Defect("nobody hears who ends", acts.Exit, "Capacity", _unheard),
    Defect(
        "who runs ends",
        acts.Exit,
        "WhoRunsHasClaimed",
        guard=lambda now: map(acts.Exit, _who(now, "running")),
    ),
    Defect("nobody hears who dies", acts.Die, "Capacity", _unheard),
    Defect("who dies had claimed nothing", acts.Die, "NothingLost", _forgotten),
    Defect(
        "a death frees its number at once",
        acts.Die,
        "WhoRunsHasClaimed",
        lambda before, after: replace(
            after,
            processes=tuple(
                "unborn" if was != now else now
                for was, now in zip(before.processes, after.processes, strict=True)
            ),
        ),
    ),
)
