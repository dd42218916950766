"""The library as it is, under all thread schedules up to a bound.

    python -m model_tests.chain.schedules [--replay PROGRAM SCHEDULE]

Real threads run the real code under ``model_tests.scheduler``.  A row says how many
schedules were run; each stands for all that differ from it only in the order of
operations that commute (``schedule_explore`` argues it, ``schedule_reduction`` compares).
Where there is no bound each state is gone on from once (``schedule_states`` argues that, and
``states_counted`` compares the numbers).
The process pool's parent side runs over simulated processes, which are tasks as well, and
so is a death.  A failure prints its program and schedule, which ``--replay`` runs again,
and tells.  ``schedules_deep`` goes further.
"""

import argparse
import multiprocessing
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final, final

from model_tests import (
    process_schedule_defects,
    process_schedule_library,
    process_schedule_programs,
    process_schedules,
    schedule_pools,
    schedule_programs,
    schedule_races,
    schedule_reduction,
    states_counted,
)
from model_tests.chain.command import lines
from model_tests.chain.verdict import Row, report
from model_tests.schedule_defects import Hunt, defects, hunt
from model_tests.schedule_explore import (
    Bench,
    Failure,
    Program,
    bench,
    explore,
    parsed,
    sample,
    text,
)
from model_tests.schedule_shrink import shrunk

ENGINE: Final = "scheduler"
AT_ONCE: Final = 2  # processes
SEEDS: Final = 1_000  # of each large program
PROCESS_SEEDS: Final = 25  # of each large program on a process pool


@final
@dataclass(frozen=True, slots=True)
class Job:
    """One program, and how it is to be run: to a bound, or with so many seeds."""

    program: str
    bound: int
    seeds: int = 0
    most: int = 10**9  # schedules


@final
@dataclass(frozen=True, slots=True)
class Done:
    """What became of a job."""

    program: str
    schedules: int
    failure: str
    seconds: float
    complete: bool = True  # were all schedules run, up to the bound?


@final
@dataclass(frozen=True, slots=True)
class Group:
    """The jobs of one row."""

    claim: str
    bound: str
    jobs: tuple[Job, ...]


def program(written: str, bound: int = 2) -> Program:
    """Read a program of any kind."""
    if written.startswith("process "):
        return process_schedules.program(written, bound)
    if written.startswith("pool "):
        return schedule_pools.program(written, bound)
    return schedule_races.program(written)


def groups() -> tuple[Group, ...]:
    """Return what is run."""
    programs = schedule_programs
    return (
        Group(
            "two threads on a future: all pairs of operations",
            f"{len(programs.PAIRS)} programs, 2 preemptions",
            tuple(Job(each, 2) for each in programs.PAIRS),
        ),
        Group(
            "three threads on a future",
            f"{len(programs.TRIPLES)} programs, 1 preemption",
            tuple(Job(each, 1) for each in programs.TRIPLES),
        ),
        Group(
            "three threads on two futures",
            f"{len(programs.TWO_FUTURES)} programs, 1 preemption",
            tuple(Job(each, 1) for each in programs.TWO_FUTURES),
        ),
        Group(
            "thread pool: small programs",
            f"{len(programs.POOLS)} programs, 1 to 3 preemptions",
            tuple(Job(each, bound) for each, bound in programs.POOLS),
        ),
        Group(
            "thread pool: larger programs",
            f"{len(programs.LARGE_POOLS)} programs, random and PCT",
            tuple(Job(each, 0, SEEDS) for each in programs.LARGE_POOLS),
        ),
        *process_groups(process_schedule_programs.SMALL, PROCESS_SEEDS),
    )


def process_groups(small: Sequence[tuple[str, int]], seeds: int) -> tuple[Group, ...]:
    """Return what is run of the process pool."""
    large = process_schedule_programs.LARGE
    bounds = [bound for _, bound in small]
    return (
        Group(
            "process pool, its parent's side: small programs",
            f"{len(small)} programs, {min(bounds)} to {max(bounds)} preemptions",
            tuple(Job(each, bound) for each, bound in small),
        ),
        Group(
            "process pool, its parent's side: larger programs",
            f"{len(large)} programs, random and PCT",
            tuple(Job(each, 0, seeds) for each in large),
        ),
    )


@contextmanager
def on_bench(written: str) -> Iterator[Bench]:
    """Put under a scheduler what a program is about."""
    made = process_schedule_library.bench() if written.startswith("process ") else bench()
    with made as on:
        yield on


def do(job: Job) -> Done:
    """Run a job; then run some schedules again, which must come out the same."""
    began = time.perf_counter()
    with on_bench(job.program) as on:
        read = program(job.program, job.bound)
        if job.seeds:
            found = sample(on, read, range(job.seeds))
        else:
            found = explore(on, read, job.bound, job.most)
        if found.failure is not None and job.seeds:
            found.failure = shrunk(on, read, found.failure)
        failure = "" if found.failure is None else str(found.failure)
        if not failure and not all(on.repeats(read, seed) for seed in range(3)):
            failure = f"program:  {job.program}\nwrong:    a schedule does not repeat"
    seconds = time.perf_counter() - began
    return Done(job.program, found.schedules, failure, seconds, found.complete)


def group_row(group: Group, done: Sequence[Done]) -> Row:
    """Say how many schedules were run for a group, and whether one failed."""
    bad = [each for each in done if each.failure]
    schedules = sum(each.schedules for each in done)
    seconds = sum(each.seconds for each in done)
    largest = max(done, key=lambda each: each.schedules)
    details = "\n\n".join(
        f"{each.failure}\nmore: {len(bad)} of {len(done)} programs fail" for each in bad[:2]
    )
    note = (
        f"     {schedules / seconds:,.0f} a second; most: {largest.schedules:,} of "
        f"{largest.program!r}"
    )
    return Row(
        group.claim,
        ENGINE,
        group.bound,
        f"{schedules:,} schedules",
        seconds,
        not bad,
        details,
        note,
    )


def defects_row(claim: str, bound: str, hunts: Sequence[Hunt], seconds: float) -> Row:
    """Say whether seeded defects were found, each by which schedule."""
    missed = [each for each in hunts if each.failure is None]
    lines = [
        f"     {each.defect}: {each.schedules:,} schedules; "
        f"{each.failure.program!r} {text(each.failure.schedule)!r}"
        for each in hunts
        if each.failure is not None
    ]
    details = "\n".join(f"not found: {each.defect} {each.trouble}" for each in missed)
    found = len(hunts) - len(missed)
    return Row(
        claim,
        ENGINE,
        bound,
        f"{found} of {len(hunts)} found",
        seconds,
        not missed,
        details,
        "\n".join(lines),
    )


def reduction_row(both: Sequence[schedule_reduction.Both], seconds: float) -> Row:
    """Say whether runs come to the same with the reduction and without."""
    bad = [str(each) for each in both if not each.good]
    fewer, more = (sum(each.schedules[which] for each in both) for which in (0, 1))
    return Row(
        "with the reduction and without, runs come to the same",
        ENGINE,
        f"{len(both)} programs, 0 to 3 preemptions",
        f"{sum(each.found[1] for each in both):,} endings, edges",
        seconds,
        not bad,
        lines(bad),
        f"     {fewer:,} schedules in place of {more:,}",
    )


def counted_row(counts: Sequence[states_counted.Count], seconds: float) -> Row:
    """Say whether schedules counted state by state are as many as counted otherwise."""
    bad = [str(each) for each in counts if each.trouble]
    values, others = (sum(each.found[which].runs for each in counts) for which in (0, 1))
    return Row(
        "state by state there are as many schedules",
        ENGINE,
        f"{len(counts)} programs, all schedules",
        f"{sum(each.found[1].schedules for each in counts):,} schedules",
        seconds,
        not bad,
        lines(bad),
        f"     {values:,} runs in place of {others:,}",
    )


def rows() -> Iterator[Row]:
    """Yield one row for each group of programs, and one for the seeded defects."""
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(AT_ONCE, mp_context=spawn) as pool:
        found = {group: [pool.submit(do, job) for job in group.jobs] for group in groups()}
        hunts = [pool.submit(hunt, each) for each in defects()]
        process_hunts = [
            pool.submit(process_schedule_defects.hunt, each)
            for each in process_schedule_defects.quick()
        ]
        compared = [
            pool.submit(schedule_reduction.endings, *each) for each in schedule_reduction.ENDINGS
        ]
        compared += [
            pool.submit(schedule_reduction.edges, *each) for each in schedule_reduction.EDGES
        ]
        counts = [pool.submit(states_counted.counted, *each) for each in states_counted.COUNTED]
        for group, futures in found.items():
            yield group_row(group, [future.result() for future in futures])
        began = time.perf_counter()
        hunted = [future.result() for future in hunts]
        claim = "seeded defects of the library are found"
        yield defects_row(claim, "0 to 2 preemptions", hunted, time.perf_counter() - began)
        began = time.perf_counter()
        hunted = [future.result() for future in process_hunts]
        claim = "seeded defects of the process pool are found"
        yield defects_row(claim, "none, and random", hunted, time.perf_counter() - began)
        began = time.perf_counter()
        both = [future.result() for future in compared]
        yield reduction_row(both, time.perf_counter() - began)
        began = time.perf_counter()
        counted = [future.result() for future in counts]
        yield counted_row(counted, time.perf_counter() - began)


def replay(written: str, schedule: str) -> Failure:
    """Run a schedule of a program again, and return its story."""
    with on_bench(written) as on:
        return on.replay(program(written), parsed(schedule))


def main(arguments: Sequence[str] | None = None) -> int:
    """Read the command line, and do what it says."""
    parser = argparse.ArgumentParser("schedules", description="Run the library's races.")
    parser.add_argument("--replay", nargs=2, metavar=("PROGRAM", "SCHEDULE"))
    asked = parser.parse_args(arguments)
    if asked.replay is None:
        return report(rows())
    try:
        told = replay(*asked.replay)
    except ValueError as error:
        parser.error(str(error))
    print(told if told.complaints else f"{told}\nnothing is wrong")
    return int(bool(told.complaints))


if __name__ == "__main__":
    raise SystemExit(main())
