"""Defects that the comparison of code and spec must notice, and how it does.

Most take a step that the spec has not, or come to rest where it does not.  One of each room
is slower than the spec allows: it takes no wrong step, and never takes some right ones.
"""

from dataclasses import dataclass
from typing import Final, final

from model_tests import inclusion_pool_run as pools
from model_tests.inclusion_pool_spec import SMALLEST
from model_tests.inclusion_run import compare, watched
from model_tests.inclusion_spec import programs
from model_tests.schedule_defects import Defect, defects
from model_tests.schedule_explore import bench, text
from model_tests.schedule_library import Edit, load

#: Those of ``schedule_defects`` that change the steps of one future and its two clients.
SEEN: Final = (
    "future._block takes no lock",
    "future._install takes no lock",
    "future.add_done_callback takes no lock",
    "future._decide takes no lock",
    "result() does not look again before it sleeps",
    "a waiter does not look again before it is installed",
    "add_done_callback checks, then appends",
    "who wakes the blocked goes through the living list (H6)",
    "a late callback overtakes those that are queued",
    "the end looks for waiters before it is the end",
)
SLOW: Final = Defect(
    "cancel() holds the lock to its end",
    (
        Edit(
            "future",
            "        return self._obey(self._cancel_as, loud=True).reply is True",
            "        with self._lock or self._make_lock():\n"
            "            return self._obey(self._cancel_as, loud=True).reply is True",
        ),
    ),
)
#: And those that change the steps of a thread pool.
SEEN_IN_POOLS: Final = (
    "pool.accept takes no lock",
    "pool._give_back takes no lock",
    "pool.next_item takes no lock",
    "pool.discard takes no lock",
    "pool._ask takes no lock",
    "a failed start leaves the calls of others in the queue",
    "a cancelled call runs",
)
SLOW_POOL: Final = Defect(
    "shutdown() holds the lock while it discards",
    (
        Edit(
            "pool",
            "        if not runs_queued(self._ask(request)):\n            self.discard()",
            "        with self.lock:\n            if not runs_queued(self._ask(request)):\n"
            "                self.discard()",
        ),
    ),
)
ENOUGH: Final = 2  # preemptions


@final
@dataclass(frozen=True, slots=True)
class Hunt:
    """How a defect was noticed, or was not."""

    defect: str
    schedules: int
    program: str = ""
    how: str = ""

    def __str__(self) -> str:
        if not self.program:
            return f"{self.defect}: not noticed in {self.schedules:,} schedules"
        return f"{self.defect}: {self.schedules:,} schedules; {self.program!r}: {self.how}"


def hunted() -> list[Defect]:
    """Return the defects that are looked for."""
    known = {each.name: each for each in defects()}
    return [*(known[name] for name in SEEN), SLOW]


def hunted_in_pools() -> list[Defect]:
    """Return the defects of the thread pool that are looked for."""
    known = {each.name: each for each in defects()}
    return [*(known[name] for name in SEEN_IN_POOLS), SLOW_POOL]


def hunt_in_pools(defect: Defect) -> Hunt:
    """Look for a wrong step of a thread pool, then for one that is never taken."""
    schedules = 0
    with bench(load(defect.edits)) as on:
        for bound in range(ENOUGH + 1):
            for program in SMALLEST:
                found = pools.compare(on, program, bound)
                schedules += found.schedules
                if found.failure is not None:
                    first = found.failure.complaints[0].partition("\n")[0]
                    if first.startswith(("the spec", "the log")):
                        how = f"{text(found.failure.schedule)!r}: {first}"
                        return Hunt(defect.name, schedules, program, how)
                elif bound == ENOUGH and found.missing:
                    how = f"never taken: {found.missing[0]}"
                    return Hunt(defect.name, schedules, program, how)
    return Hunt(defect.name, schedules)


def hunt(defect: Defect) -> Hunt:
    """Look for a wrong step with 0, 1, 2 preemptions, then for one that is never taken."""
    schedules = 0
    with watched(load(defect.edits)) as on:
        for bound in range(ENOUGH + 1):
            for program in programs(1)[0]:
                found = compare(on, program, bound)
                schedules += found.schedules
                if found.failure is not None:
                    first = found.failure.complaints[0].partition("\n")[0]
                    how = f"{text(found.failure.schedule)!r}: {first}"
                    return Hunt(defect.name, schedules, program, how)
                if bound == ENOUGH and found.missing:
                    how = f"never taken: {found.missing[0]}"
                    return Hunt(defect.name, schedules, program, how)
    return Hunt(defect.name, schedules)
