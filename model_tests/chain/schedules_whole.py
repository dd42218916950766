"""Every schedule of every program that is asked for, of two threads or three; it can be resumed.

    python -m model_tests.chain.schedules_whole [--minutes N]

The smallest programs come first.  What is done is noted in ``build/notes``, and found again as
long as the code is the same: a run that is ended goes on the next time.  ``schedules_deep``
keeps the rows when all programs are done.
"""

import argparse
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from dataclasses import asdict, dataclass, replace
from math import prod
from multiprocessing import get_context
from pathlib import Path
from typing import Final, cast, final

from model_tests.chain import inclusions
from model_tests.chain.command import ROOT
from model_tests.chain.kept import FUTURE_CODE
from model_tests.chain.notes import NOTES, Notes, key_of
from model_tests.chain.verdict import Row, report
from model_tests.inclusion_run import compare_whole, watched
from model_tests.inclusion_spec import programs

AT_ONCE: Final = 2  # processes
CALLS: Final = 2  # of a thread, at most
TELL_EVERY: Final = 200  # programs
#: All that the notes are of: what is run, what it is compared with, and what runs it.
COVERS: Final = (
    *FUTURE_CODE,
    *(f"model_tests/inclusion_{name}.py" for name in ("run", "spec", "view")),
    *(f"model_tests/schedule_{name}.py" for name in ("cells", "explore", "library", "standins")),
    *(f"model_tests/schedule_{name}.py" for name in ("states", "tasks", "values")),
    "model_tests/scheduler.py",
    "model_tests/chain/schedules_whole.py",
)
_HEAVY: Final = {"wait(1)": 8, "result(1)": 3, "wait": 3, "result": 2}


@final
@dataclass(frozen=True, slots=True)
class Ran:
    """What became of a program under all its schedules."""

    program: str
    schedules: int  # that there are
    states: int
    runs: int
    edges: int
    missing: tuple[str, ...]
    failure: str
    seconds: float

    def done(self) -> inclusions.Done:
        """Return it as a comparison like others."""
        return inclusions.Done(
            self.program,
            self.schedules,
            self.edges,
            self.missing,
            frozenset(),
            self.failure,
            self.seconds,
        )


def whole(program: str) -> Ran:
    """Run every schedule of a program, and compare with the spec."""
    began = time.perf_counter()
    with watched() as on:
        found, explored = compare_whole(on, program)
    done = inclusions.done_of(found, explored.schedules, frozenset(), began)
    return Ran(
        program,
        done.schedules,
        explored.states,
        explored.runs,
        done.edges,
        done.missing,
        done.failure,
        done.seconds,
    )


def smallest_first(texts: Sequence[str]) -> list[str]:
    """Return programs in the order in which they are run."""

    def weight(program: str) -> int:
        rows = program.partition(": ")[2].split("|")
        return prod(sum(_HEAVY.get(call.strip(), 1) for call in row.split(";")) for row in rows)

    return sorted(texts, key=weight)


def covered(root: Path = ROOT) -> list[Path]:
    """Return the files that the notes are of."""
    return [root / each for each in COVERS]


def _read(told: Mapping[str, object]) -> Ran:
    fields = cast("dict[str, int]", told)
    return Ran(
        str(told["program"]),
        fields["schedules"],
        fields["states"],
        fields["runs"],
        fields["edges"],
        tuple(cast("list[str]", told["missing"])),
        str(told["failure"]),
        cast("float", told["seconds"]),
    )


def notes(folder: Path = NOTES) -> Notes[Ran]:
    """Return what is known of today's code."""
    return Notes(folder / f"schedules-{key_of(covered())}.jsonl", _read, asdict)


def run(
    pool: ProcessPoolExecutor, texts: Sequence[str], known: Notes[Ran], seconds: float
) -> list[Ran]:
    """Run what is not known yet, for so many seconds at most; return all that is known then."""
    until = time.monotonic() + seconds
    ahead = [each for each in smallest_first(texts) if each not in known.known]
    ahead.reverse()
    running: set[Future[Ran]] = set()
    while running or (ahead and time.monotonic() < until):
        while ahead and len(running) < 2 * AT_ONCE and time.monotonic() < until:
            running.add(pool.submit(whole, ahead.pop()))
        done, running = wait(running, return_when=FIRST_COMPLETED)
        for each in done:
            known.add(each.result().program, each.result())
            count = sum(each in known.known for each in texts)
            if not count % TELL_EVERY:
                print(f"  .. {count:,} of {len(texts):,} programs", file=sys.stderr, flush=True)
    return [known.known[each] for each in texts if each in known.known]


def rows(pool: ProcessPoolExecutor, seconds: float = float("inf")) -> Iterator[Row]:
    """Yield the rows of all programs of up to two calls a thread, as far as they are done."""
    texts, outside = programs(CALLS)
    ran = run(pool, texts, notes(), seconds)
    count = f"{len(ran):,}" if len(ran) == len(texts) else f"{len(ran):,} of {len(texts):,}"
    claims = (
        "deep: two threads, up to two calls: steps of the spec only",
        "deep: and every step of the spec, up to two calls",
    )
    yield from rows_of(ran, f"{count} programs, all schedules", outside, claims)


def rows_of(ran: Sequence[Ran], bound: str, outside: int, claims: tuple[str, str]) -> Iterator[Row]:
    """Yield the rows of programs that were run: the spec's steps only, and all of them."""
    done = [each.done() for each in ran]
    taken = inclusions.taken_row(done, bound, claims[0])
    states, runs = sum(each.states for each in ran), sum(each.runs for each in ran)
    yield replace(taken, note=f"     {states:,} states, each gone on from once; {runs:,} runs")
    yield inclusions.all_taken_row(done, bound, outside, claims[1])


def main(arguments: Sequence[str] | None = None) -> int:
    """Read the command line, and do what it says."""
    parser = argparse.ArgumentParser("schedules_whole", description="Run every schedule.")
    parser.add_argument("--minutes", type=float, default=float("inf"), metavar="N")
    asked = parser.parse_args(arguments)
    with ProcessPoolExecutor(AT_ONCE, mp_context=get_context("spawn")) as pool:
        return report(rows(pool, asked.minutes * 60))


if __name__ == "__main__":
    raise SystemExit(main())
