"""Programs and schedules drawn by Hypothesis, until a history is not linearizable.

A program and all the preemptions of its schedule are drawn before the run: nothing is
drawn in a thread.  What fails is made smaller in program and schedule, and told as text
that replays it.
"""

import random
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, TypeAlias, final

from hypothesis import HealthCheck, find, settings
from hypothesis import strategies as st
from hypothesis.errors import NoSuchExample

from model_tests.history_clients import VERBS, preempted, program, written
from model_tests.schedule_defects import Defect, defects
from model_tests.schedule_explore import Bench, Failure, bench, text, told
from model_tests.schedule_library import load

#: Whether an executor owns the future, the threads, the preemptions.
Drawn: TypeAlias = tuple[bool, list[list[str]], list[int]]

EXAMPLES: Final = 2_000  # in which each of SEEN is found
MOST_THREADS: Final = 3
MOST_CALLS: Final = 3  # of a thread
MOST_PREEMPTIONS: Final = 5
LATEST: Final = 60  # choices before a preemption

#: Seeded defects that callers can see in what they are told and in what order.
SEEN: Final = (
    "future.add_done_callback takes no lock",
    "future._decide takes no lock",
    "the state is written before the outcome",
    "result() does not look again before it sleeps",
    "a waiter does not look again before it is installed",
    "a waiter is installed over another",
    "the end looks for waiters before it is the end",
)

#: Those that the tests look for; the chain looks for all of SEEN.
QUICK: Final = (
    "future.add_done_callback takes no lock",
    "future._decide takes no lock",
    "result() does not look again before it sleeps",
    "a waiter does not look again before it is installed",
    "the end looks for waiters before it is the end",
)

DRAWN: Final[st.SearchStrategy[Drawn]] = st.tuples(
    st.booleans(),
    st.lists(
        st.lists(st.sampled_from(VERBS), min_size=1, max_size=MOST_CALLS),
        min_size=2,
        max_size=MOST_THREADS,
    ),
    st.lists(st.integers(0, LATEST), max_size=MOST_PREEMPTIONS),
)


@final
@dataclass(frozen=True, slots=True)
class Search:
    """What a search came to."""

    what: str
    runs: int
    failure: Failure | None

    def __str__(self) -> str:
        if self.failure is None:
            return f"{self.what}: nothing found in {self.runs:,} runs"
        it = self.failure
        shown = f"{self.what}: {self.runs:,} runs; {it.program!r} {text(it.schedule)!r}"
        return f"{shown}: {it.complaints[0]}"


def run(on: Bench, drawn: Drawn) -> Failure:
    """Run what was drawn; say what is wrong, if anything is."""
    owned, threads, schedule = drawn
    return on.once(program(written(owned, threads)), (), preempted(schedule))


def replay_line(failure: Failure) -> str:
    """Return the command that runs a failure again."""
    command = "python -m model_tests.chain.inclusions --history"
    return f"{command} {failure.program!r} {text(failure.schedule)!r}"


def search(on: Bench, what: str, examples: int = EXAMPLES, seed: int = 0) -> Search:
    """Draw so many examples; return the smallest failure, if one of them fails."""
    runs = 0

    def fails(drawn: Drawn) -> bool:
        nonlocal runs
        runs += 1
        return bool(run(on, drawn).complaints)

    profile = settings(
        max_examples=examples,
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    try:
        smallest = find(DRAWN, fails, settings=profile, random=random.Random(seed))
    except NoSuchExample:
        return Search(what, runs, None)
    failure = run(on, smallest)
    return Search(what, runs, told(on, program(failure.program), failure))


def hunt(defect: Defect, examples: int = EXAMPLES) -> Search:
    """Look for a seeded defect in histories."""
    with bench(load(defect.edits)) as on:
        return search(on, defect.name, examples)


def seen(names: Iterable[str] = SEEN) -> list[Defect]:
    """Return the defects of these names."""
    known = {each.name: each for each in defects()}
    return [known[name] for name in names]
