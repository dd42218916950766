"""Schedules as far as 100 minutes on two processors go: run before a release, and kept.

    python -m model_tests.chain.schedules_deep [--write] [PART ...]

``future``     two threads, one call each: every schedule there is, without a bound
``pairs``      the pairs of verify, with one preemption more
``two-calls``  two threads, up to two calls each: every schedule there is; goes on where it
               was ended (``schedules_whole``)
``three``      three threads on a future or two, with three preemptions
``three-whole``  three threads on a future, a call each: every schedule there is, but where
               most of them wait; and some with more calls; goes on likewise
``threads``    the thread pool, with one preemption more than in verify; its edges
``processes``  the process pool's parent side: programs run through, and drawn schedules
``defects``    every seeded defect of the process pool

Each part yields its rows; ``--write`` keeps each in ``model_tests/schedules_deep.json`` as it
comes, with date, commit and machine.  Where a program has more schedules than can be run,
the row says of how many programs all were.
"""

import argparse
import json
import multiprocessing
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from typing import Final

from model_tests import process_schedule_defects, process_schedule_programs, schedule_programs
from model_tests.chain import inclusions, schedules_whole
from model_tests.chain.command import ROOT, stamp
from model_tests.chain.schedules import (
    AT_ONCE,
    Done,
    Group,
    Job,
    defects_row,
    do,
    group_row,
    process_groups,
)
from model_tests.chain.verdict import Row, report
from model_tests.inclusion_pool_spec import LARGER, SMALLEST
from model_tests.inclusion_run import compare, watched
from model_tests.inclusion_spec import VERBS, calls, programs

KEPT: Final = ROOT / "model_tests" / "schedules_deep.json"
UNBOUNDED: Final = 1_000_000  # preemptions: more than a run has steps
MOST: Final = 15_000  # schedules of a program on several futures, or on a thread pool
MOST_PROCESSES: Final = 2_000  # of a program on a process pool
SEEDS: Final = 2_000  # of each large program on a thread pool
PROCESS_SEEDS: Final = 300  # and on a process pool


def whole(program: str) -> inclusions.Done:
    """Run every schedule of a program, and compare with the spec."""
    began = time.perf_counter()
    with watched() as on:
        found = compare(on, program, UNBOUNDED)
    return inclusions.done_of(found, found.schedules, frozenset(), began)


def _compared(
    pool: ProcessPoolExecutor, run: Callable[[str], inclusions.Done], texts: Sequence[str]
) -> list[inclusions.Done]:
    """Run programs; tell now and then how far it is."""
    running = [pool.submit(run, each) for each in texts]
    for count, _ in enumerate(as_completed(running), start=1):
        if not count % 200:
            print(f"  .. {count:,} of {len(texts):,} programs", file=sys.stderr, flush=True)
    return [each.result() for each in running]


def needed(program: str) -> inclusions.Done:
    """Compare a program, with as many preemptions as it needs."""
    return inclusions.do(program, 1, inclusions.MOST)


def needed_in_pool(program: str) -> inclusions.Done:
    """Compare a program on a thread pool, with as many preemptions as it needs."""
    return inclusions.do_pool(program, inclusions.MOST)


def future(pool: ProcessPoolExecutor) -> Iterator[Row]:
    """Yield the rows of all schedules of all programs of one call a thread."""
    texts, outside = programs(1)
    done = _compared(pool, whole, texts)
    bound = f"{len(done):,} programs, all schedules"
    claim = "deep: two threads, a call each: steps of the spec only"
    yield inclusions.taken_row(done, bound, claim)
    yield inclusions.all_taken_row(done, bound, outside, "deep: and every step of the spec")


def pairs(pool: ProcessPoolExecutor) -> Iterator[Row]:
    """Yield the row of all pairs of operations, exception() and as_completed() among them."""
    jobs = tuple(Job(each, 3) for each in schedule_programs.PAIRS)
    bound = f"{len(jobs)} programs, 3 preemptions"
    yield _run(pool, Group("deep: two threads on a future: all pairs of operations", bound, jobs))


def two_calls(pool: ProcessPoolExecutor) -> Iterator[Row]:
    """Yield the rows of all schedules of all programs of up to two calls a thread."""
    yield from schedules_whole.rows(pool)


def _run(pool: ProcessPoolExecutor, group: Group) -> Row:
    done: list[Done] = [each.result() for each in [pool.submit(do, job) for job in group.jobs]]
    through = sum(each.complete for each in done)
    if not any(job.seeds for job in group.jobs):
        bound = f"{group.bound}; {through} of {len(done)} run through"
        group = Group(group.claim, bound, group.jobs)
    return group_row(group, done)


def three(pool: ProcessPoolExecutor) -> Iterator[Row]:
    """Yield the rows of three threads on one future, and on two."""
    for claim, texts in (
        ("deep: three threads on a future", schedule_programs.TRIPLES),
        ("deep: three threads on two futures", schedule_programs.TWO_FUTURES),
    ):
        jobs = tuple(Job(each, 3, most=MOST) for each in texts)
        yield _run(pool, Group(claim, f"{len(texts)} programs, 3 preemptions", jobs))


def triples() -> tuple[list[str], list[str], int]:
    """Return the programs of three threads: those run whole, the larger, how many are left out.

    All that have a call each, and those of ``TRIPLES`` that have more.  Larger are those whose
    states are too many for an hour: all three wait, one of them in ``wait(1)``, or two do so.
    """
    single, outside = programs(1, 3)
    more = [each for each in schedule_programs.TRIPLES if len(calls(each)) > 3]
    texts = single + [each for each in more if set(calls(each)) <= set(VERBS)]
    larger = [each for each in texts if "wait(1)" in calls(each) and _waiting(each)]
    return [each for each in texts if each not in larger], larger, outside


def _waiting(program: str) -> bool:
    """Say whether all threads wait, or two of them in ``wait(1)``."""
    given = calls(program)
    return given.count("wait(1)") > 1 or all(each.startswith(("wait", "result")) for each in given)


def three_whole(pool: ProcessPoolExecutor) -> Iterator[Row]:
    """Yield the rows of three threads on one future: all schedules, or what shows all steps."""
    texts, larger, outside = triples()
    ran = schedules_whole.run(pool, texts, schedules_whole.notes(), float("inf"))
    claims = (
        "deep: three threads on a future: steps of the spec only",
        "deep: and every step of the spec, three threads",
    )
    bound = f"{len(ran):,} programs, all schedules"
    yield from schedules_whole.rows_of(ran, bound, outside, claims)
    done = _compared(pool, needed, larger)
    bound = f"{len(done)} programs, as needed"
    claim = "deep: three threads, most of which wait: steps of the spec only"
    yield inclusions.taken_row(done, bound, claim)
    claim = "deep: and every step of the spec, three threads that wait"
    yield inclusions.all_taken_row(done, bound, 0, claim)


def threads(pool: ProcessPoolExecutor) -> Iterator[Row]:
    """Yield the rows of the thread pool."""
    small = tuple(Job(each, bound + 1, most=MOST) for each, bound in schedule_programs.POOLS)
    bound = f"{len(small)} programs, 2 to 4 preemptions"
    yield _run(pool, Group("deep: thread pool: small programs", bound, small))
    large = tuple(Job(each, 0, SEEDS) for each in schedule_programs.LARGE_POOLS)
    bound = f"{len(large)} programs, random and PCT"
    yield _run(pool, Group("deep: thread pool: larger programs", bound, large))
    done = _compared(pool, needed_in_pool, (*SMALLEST, *LARGER))
    bound = f"{len(done)} programs, as needed"
    claim = "deep: clients of a thread pool take steps of the spec only"
    yield inclusions.taken_row(done, bound, claim)
    claim = "deep: and every step of the spec's thread pool"
    yield inclusions.all_taken_row(done, bound, 0, claim)


def processes(pool: ProcessPoolExecutor) -> Iterator[Row]:
    """Yield the rows of the process pool."""
    for group in process_groups(process_schedule_programs.DEEP, PROCESS_SEEDS):
        jobs = tuple(
            Job(each.program, each.bound, each.seeds, MOST_PROCESSES) for each in group.jobs
        )
        yield _run(pool, Group(f"deep: {group.claim}", group.bound, jobs))


def defects(pool: ProcessPoolExecutor) -> Iterator[Row]:
    """Yield the row of the process pool's seeded defects."""
    began = time.perf_counter()
    hunting = [
        pool.submit(process_schedule_defects.hunt, each)
        for each in process_schedule_defects.defects()
    ]
    hunts = [each.result() for each in hunting]
    claim = "deep: seeded defects of the process pool are found"
    yield defects_row(claim, "0, 1, and random", hunts, time.perf_counter() - began)


PARTS: Final = {
    "future": future,
    "pairs": pairs,
    "two-calls": two_calls,
    "three": three,
    "three-whole": three_whole,
    "threads": threads,
    "processes": processes,
    "defects": defects,
}


def rows(parts: Sequence[str] = (), *, write: bool = False) -> Iterator[Row]:
    """Yield the rows of the parts that are named, or of all; keep each, if asked to."""
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(AT_ONCE, mp_context=spawn) as pool:
        for part in parts or PARTS:
            for row in PARTS[part](pool):
                if write:
                    keep(part, row)
                yield row


def keep(part: str, row: Row) -> None:
    """Write down what became of a claim, and which part it belongs to."""
    kept = json.loads(KEPT.read_text()) if KEPT.exists() else {}
    kept[row.claim] = {
        "part": part,
        "bound": row.bound,
        "count": row.count,
        "note": row.note.strip(),
        "ok": row.ok,
        "seconds": round(row.seconds, 1),
        **stamp(),
    }
    KEPT.write_text(json.dumps(kept, indent=1, sort_keys=True) + "\n")


def main(arguments: Sequence[str] | None = None) -> int:
    """Read the command line, and do what it says."""
    parser = argparse.ArgumentParser("schedules_deep", description="Run the races, for long.")
    parser.add_argument("--write", action="store_true", help="keep the result")
    parser.add_argument("parts", nargs="*", choices=[*PARTS, []], metavar="PART")
    asked = parser.parse_args(arguments)
    return report(rows(asked.parts, write=asked.write))


if __name__ == "__main__":
    raise SystemExit(main())
