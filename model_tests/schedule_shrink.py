"""A failing schedule made small: with fewer switches, and wrong in the same way.

A schedule is a list of runs: so many steps of one task, then of another.  One run after
another is left out, or cut in half, and what is left is followed as far as the program
lets it; from there on whoever runs goes on.  What fails as before and switches less often
is kept.  The result is the schedule that was really run, so it replays as it is.
"""

from collections.abc import Sequence
from itertools import groupby
from typing import Final, TypeAlias

from model_tests.schedule_explore import Bench, Failure, Program, Schedule, told
from model_tests.schedule_tasks import Task
from model_tests.scheduler import Pick

Runs: TypeAlias = list[tuple[int, int]]
ATTEMPTS: Final = 150


def runs_of(schedule: Schedule) -> Runs:
    """Return a schedule as its runs."""
    return [(code, len(list(same))) for code, same in groupby(schedule)]


def following(runs: Sequence[tuple[int, int]]) -> Pick:
    """Return a strategy that follows ``runs`` where it can, and then stays with who runs."""
    left = [list(each) for each in reversed(runs)]

    def pick(me: Task | None, enabled: list[int]) -> int:
        while left and left[-1][0] not in enabled:
            left.pop()
        if left:
            code = left[-1][0]
            left[-1][1] -= 1
            if not left[-1][1]:
                left.pop()
            return code
        own = -1 if me is None else me.index * 2
        return own if own in enabled else enabled[0]

    return pick


def kind(failure: Failure) -> str:
    """Return what is wrong, without what differs from run to run."""
    return failure.complaints[0].partition(":")[0] if failure.complaints else ""


def shrunk(on: Bench, program: Program, failure: Failure, attempts: int = ATTEMPTS) -> Failure:
    """Return a failure of the same kind with as few switches as were found."""
    best, wanted = failure, kind(failure)
    at = 0
    while attempts > 0:
        runs = runs_of(best.schedule)
        if at >= len(runs):
            break
        code, count = runs[at]
        shorter = [runs[:at] + runs[at + 1 :]]
        if count > 1:
            shorter.append([*runs[:at], (code, count // 2), *runs[at + 1 :]])
        for candidate in shorter:
            attempts -= 1
            found = on.once(program, (), following(candidate))
            if kind(found) == wanted and len(runs_of(found.schedule)) < len(runs):
                best, at = found, max(0, at - 1)
                break
        else:
            at += 1
    return told(on, program, best)
