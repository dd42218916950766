"""The library as it is, under all thread schedules up to a bound.

    python -m model_tests.chain.schedules [--replay PROGRAM SCHEDULE]

Real threads run the real code under ``model_tests.scheduler``.  A row says how many
schedules were run; each stands for all that differ from it only in the order of
operations that commute.  A failure prints its program and schedule, which
``--replay`` runs again, and tells.
"""

import argparse
import multiprocessing
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from typing import Final, final

from model_tests import schedule_pools, schedule_programs, schedule_races
from model_tests.chain.verdict import Row, report
from model_tests.schedule_defects import Hunt, defects, hunt
from model_tests.schedule_explore import (
    Failure,
    Program,
    bench,
    explore,
    parsed,
    sample,
    text,
)

ENGINE: Final = "scheduler"
AT_ONCE: Final = 2  # processes
SEEDS: Final = 1_000  # of each large program


@final
@dataclass(frozen=True, slots=True)
class Job:
    """One program, and how it is to be run: to a bound, or with so many seeds."""

    program: str
    bound: int
    seeds: int = 0


@final
@dataclass(frozen=True, slots=True)
class Done:
    """What became of a job."""

    program: str
    schedules: int
    failure: str
    seconds: float


@final
@dataclass(frozen=True, slots=True)
class Group:
    """The jobs of one row."""

    claim: str
    bound: str
    jobs: tuple[Job, ...]


def program(written: str, bound: int = 2) -> Program:
    """Read a program of either kind."""
    if written.startswith("pool "):
        return schedule_pools.program(written, bound)
    return schedule_races.program(written)


def groups() -> tuple[Group, ...]:
    """Return what is run."""
    programs = schedule_programs
    return (
        Group(
            "two threads on a future: all pairs of operations",
            f"{len(programs.PAIRS)} programs, 3 preemptions",
            tuple(Job(each, 3) for each in programs.PAIRS),
        ),
        Group(
            "three threads on a future",
            f"{len(programs.TRIPLES)} programs, 2 preemptions",
            tuple(Job(each, 2) for each in programs.TRIPLES),
        ),
        Group(
            "three threads on two futures",
            f"{len(programs.TWO_FUTURES)} programs, 2 preemptions",
            tuple(Job(each, 2) for each in programs.TWO_FUTURES),
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
    )


def do(job: Job) -> Done:
    """Run a job; then run its last schedule again, which must come out the same."""
    began = time.perf_counter()
    with bench() as on:
        read = program(job.program, job.bound)
        found = sample(on, read, range(job.seeds)) if job.seeds else explore(on, read, job.bound)
        failure = "" if found.failure is None else str(found.failure)
        if not failure and not all(on.repeats(read, seed) for seed in range(3)):
            failure = f"program:  {job.program}\nwrong:    a schedule does not repeat"
    return Done(job.program, found.schedules, failure, time.perf_counter() - began)


def _row(group: Group, done: Sequence[Done]) -> Row:
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


def _defects_row(hunts: Sequence[Hunt], seconds: float) -> Row:
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
        "seeded defects of the library are found",
        ENGINE,
        "0 to 2 preemptions",
        f"{found} of {len(hunts)} found",
        seconds,
        not missed,
        details,
        "\n".join(lines),
    )


def rows() -> Iterator[Row]:
    """Yield one row for each group of programs, and one for the seeded defects."""
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(AT_ONCE, mp_context=spawn) as pool:
        found = {group: [pool.submit(do, job) for job in group.jobs] for group in groups()}
        hunts = [pool.submit(hunt, each) for each in defects()]
        for group, futures in found.items():
            yield _row(group, [future.result() for future in futures])
        began = time.perf_counter()
        hunted = [future.result() for future in hunts]
        yield _defects_row(hunted, time.perf_counter() - began)


def replay(written: str, schedule: str) -> Failure:
    """Run a schedule of a program again, and return its story."""
    with bench() as on:
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
