"""The code and its spec take the same steps, both ways; and histories are linearizable.

    python -m model_tests.chain.inclusions [--full]
        [--edges PROGRAM SCHEDULE] [--history PROGRAM SCHEDULE]

Each program of two threads is run under all schedules with two preemptions, step by step
as a run of the spec.  The steps that were seen must be those that the spec can take for
this program: no more, and no fewer.  What the spec can do and the code was not seen to do
is named in ``accepted_edges.json`` with the reason, program by program, or is a failure;
so is what is named there and was seen.  ``--full`` runs all programs of up to two calls a
thread, with as many preemptions as they need.

Likewise the thread pool in its smallest programs (see ``inclusion_pool_run``): its threads
are free, its clients are those of the program.

Histories are drawn by Hypothesis (see ``history_search``).  A failure prints its program
and schedule, which ``--edges`` or ``--history`` runs again, and tells.
"""

import argparse
import json
import multiprocessing
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Final, cast, final

from foregone_spec.future import Command, State
from model_tests import history_clients, history_search, inclusion_defects
from model_tests import inclusion_pool_run as pools
from model_tests.chain.command import lines
from model_tests.chain.verdict import Row, report
from model_tests.inclusion_pool_spec import LARGER, SMALLEST
from model_tests.inclusion_pool_spec import Behaviour as PoolBehaviour
from model_tests.inclusion_run import Compared, compare, replay, watched
from model_tests.inclusion_spec import Behaviour, programs, usual
from model_tests.inclusion_tables import changes, noticed
from model_tests.schedule_explore import Failure, bench, parsed, text

COMMAND: Final = "python -m model_tests.chain.inclusions"
ENGINE: Final = "scheduler"
AT_ONCE: Final = 2  # processes
BOUND: Final = 2  # preemptions
MOST: Final = 4  # preemptions that --full may need
SEEDS: Final = 2  # searches in the library itself

ACCEPTED: Final = Path(__file__).with_name("accepted_edges.json")

_THIRD: Final = "the spec's third parties set results only; ours are compared with these"
#: Cells of the table that no program comes to in the spec, and why.
UNREACHED: Final[Mapping[tuple[State, Command], str]] = {
    (State.RUNNING, Command.SET_RUNNING_OR_NOTIFY_CANCEL): "one executor, which starts once",
    (State.CANCELLED, Command.CANCEL_OWNED): "an owned future is never CANCELLED",
    **{(state, Command.SET_EXCEPTION): _THIRD for state in State if state is not State.RUNNING},
}


@final
@dataclass(frozen=True, slots=True)
class Done:
    """What became of a program."""

    program: str
    schedules: int
    edges: int
    missing: tuple[str, ...]
    noticed: frozenset[str]  # changes of the table that it notices
    failure: str
    seconds: float


def accepted() -> Mapping[str, Mapping[str, str]]:
    """Return what the code need not do, by program, with the reason."""
    return cast("Mapping[str, Mapping[str, str]]", json.loads(ACCEPTED.read_text()))


def do(program: str, least: int = BOUND, most: int = BOUND) -> Done:
    """Compare one program, with more preemptions where fewer do not show all steps."""
    began = time.perf_counter()
    schedules = 0
    found = Compared(program, Behaviour())
    with watched() as on:
        for bound in range(least, most + 1):
            found = compare(on, program, bound)
            schedules += found.schedules
            if found.failure is not None or not found.missing:
                break
    marks = frozenset(noticed(program, found.seen, changes()) if least == most else ())
    return done_of(found, schedules, marks, began)


def do_pool(program: str, most: int = BOUND) -> Done:
    """Compare one program on a thread pool, with as many preemptions as it needs."""
    began = time.perf_counter()
    schedules = 0
    found = pools.Compared(program, PoolBehaviour())
    with bench() as on:
        for bound in range(BOUND, most + 1):
            found = pools.compare(on, program, bound)
            schedules += found.schedules
            if found.failure is not None or not found.missing:
                break
    return done_of(found, schedules, frozenset(), began)


def done_of(
    found: Compared | pools.Compared, schedules: int, marks: frozenset[str], began: float
) -> Done:
    """Return what became of a program, and how it is run again if it failed."""
    failure = ""
    if found.failure is not None:
        schedule = text(found.failure.schedule)
        failure = f"{found.failure}\nagain:    {COMMAND} --edges {found.program!r} {schedule!r}"
    return Done(
        found.program,
        schedules,
        len(found.seen.edges),
        tuple(found.missing),
        marks,
        failure,
        time.perf_counter() - began,
    )


# ------------------------------------------------------------------------ rows


def taken_row(
    done: Sequence[Done],
    bound: str,
    claim: str = "two threads on a future take steps of the spec only",
) -> Row:
    """Say whether the code takes the spec's steps only."""
    bad = [each for each in done if each.failure]
    details = "\n\n".join(each.failure for each in bad[:2])
    return Row(
        claim,
        ENGINE,
        bound,
        f"{sum(each.schedules for each in done):,} schedules",
        sum(each.seconds for each in done),
        not bad,
        f"{details}\nmore: {len(bad)} of {len(done)} programs fail",
    )


def never_taken(done: Sequence[Done], listed: Mapping[str, Mapping[str, str]]) -> list[str]:
    """Return what was not seen and is not accepted, and what is accepted and was seen."""
    wrong: list[str] = []
    for each in done:
        known = listed.get(each.program, {})
        wrong += [f"{each.program!r}: {it}" for it in each.missing if it not in known]
        wrong += [
            f"{each.program!r}: {it}: accepted as never seen, and it was"
            for it in known
            if it not in each.missing
        ]
    return wrong


def all_taken_row(
    done: Sequence[Done],
    bound: str,
    outside: int = 0,
    claim: str = "and every step that the spec can take for them",
) -> Row:
    """Say whether the code takes all of the spec's steps."""
    programs = {each.program for each in done}
    listed = {name: them for name, them in accepted().items() if name in programs}
    wrong = never_taken(done, listed)
    taken = sum(each.edges for each in done)
    note = f"     {sum(map(len, listed.values()))} accepted as never seen"
    if outside:
        counted = f"{outside} program{'s' * (outside != 1)}"
        note += f"; left out, since the spec starts once: {counted} with two starts"
    return Row(
        claim,
        ENGINE,
        bound,
        f"{taken:,} edges",
        0.0,
        not wrong,
        lines(wrong),
        note,
    )


def changes_row(done: Sequence[Done]) -> Row:
    """Say whether each change of a cell, in a copy of the spec's table, is noticed."""
    began = time.perf_counter()
    found: set[str] = set().union(*(each.noticed for each in done))
    every = list(changes())
    reached = [each for each in every if (each.state, each.command) not in UNREACHED]
    wrong = [f"not noticed: {each.name}" for each in reached if each.name not in found]
    wrong += [
        f"noticed, and said to be out of reach: {each.name}"
        for each in every
        if each not in reached and each.name in found
    ]
    reasons = sorted({*UNREACHED.values()})
    return Row(
        "a changed cell in a copy of the spec's table is noticed",
        ENGINE,
        f"{len(every)} changes, one at a time",
        f"{len(reached) - len(wrong)} of {len(reached)} noticed",
        time.perf_counter() - began,
        not wrong,
        lines(wrong),
        lines([f"{len(every) - len(reached)} out of reach: {'; '.join(reasons)}"]),
    )


def _defects_row(claim: str, bound: str, found: Mapping[str, bool], seconds: float) -> Row:
    return Row(
        claim,
        ENGINE,
        bound,
        f"{sum(found.values())} of {len(found)} found",
        seconds,
        all(found.values()),
        lines([each for each, good in found.items() if not good]),
        lines([each for each, good in found.items() if good]),
    )


def histories_row(searches: Sequence[history_search.Search], seconds: float) -> Row:
    """Say whether what callers of the library see is linearizable."""
    bad = [each.failure for each in searches if each.failure is not None]
    details = [f"{each}\nagain:    {history_search.replay_line(each)}" for each in bad]
    return Row(
        "what callers of a future see is linearizable",
        "Hypothesis",
        "2-3 threads, 1-3 calls each",
        f"{sum(each.runs for each in searches):,} runs",
        seconds,
        not bad,
        "\n\n".join(details),
    )


def search(seed: int) -> history_search.Search:
    """Search the library for a history that is not linearizable."""
    with bench() as on:
        return history_search.search(on, "the library", seed=seed)


def rows() -> Iterator[Row]:
    """Yield the rows of both comparisons, and of what they must notice."""
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(AT_ONCE, mp_context=spawn) as pool:
        running = [pool.submit(do, each) for each in usual()]
        pooled = [pool.submit(do_pool, each) for each in SMALLEST]
        pool_steps = [
            pool.submit(inclusion_defects.hunt_in_pools, each)
            for each in inclusion_defects.hunted_in_pools()
        ]
        steps = [pool.submit(inclusion_defects.hunt, each) for each in inclusion_defects.hunted()]
        searches = [pool.submit(search, seed) for seed in range(SEEDS)]
        seen = [pool.submit(history_search.hunt, each) for each in history_search.seen()]
        done = [each.result() for each in running]
        bound = f"{len(done)} programs, {BOUND} preemptions"
        yield taken_row(done, bound)
        yield all_taken_row(done, bound, programs(1)[1])
        yield changes_row(done)
        yield from _pool_rows([each.result() for each in pooled], f"{BOUND} preemptions")
        began = time.perf_counter()
        hunts = [each.result() for each in pool_steps]
        yield _defects_row(
            "seeded defects of a thread pool take another step than the spec",
            "0 to 2 preemptions",
            {str(each): bool(each.program) for each in hunts},
            time.perf_counter() - began,
        )
        began = time.perf_counter()
        hunts = [each.result() for each in steps]
        yield _defects_row(
            "seeded defects take another step than the spec",
            "0 to 2 preemptions",
            {str(each): bool(each.program) for each in hunts},
            time.perf_counter() - began,
        )
        began = time.perf_counter()
        yield histories_row([each.result() for each in searches], time.perf_counter() - began)
        began = time.perf_counter()
        found = [each.result() for each in seen]
        yield _defects_row(
            "seeded defects are seen in histories, made small",
            f"{history_search.EXAMPLES:,} examples each",
            {str(each): each.failure is not None for each in found},
            time.perf_counter() - began,
        )


def _pool_rows(done: Sequence[Done], bound: str) -> Iterator[Row]:
    bound = f"{len(done)} programs, {bound}"
    yield taken_row(done, bound, "clients of a thread pool take steps of the spec only")
    yield all_taken_row(done, bound, 0, "and every step that the spec's pool can take for them")


def full_rows() -> Iterator[Row]:
    """Yield the rows of all programs of up to two calls a thread, and of larger pools."""
    spawn = multiprocessing.get_context("spawn")
    texts, outside = programs(2)
    with ProcessPoolExecutor(AT_ONCE, mp_context=spawn) as pool:
        done: list[Done] = []
        for each in pool.map(do, texts, [1] * len(texts), [MOST] * len(texts), chunksize=8):
            done.append(each)
            if not len(done) % 100:
                print(f"{len(done):,} of {len(texts):,} programs", file=sys.stderr, flush=True)
        pooled = list(pool.map(do_pool, (*SMALLEST, *LARGER), [MOST] * len((*SMALLEST, *LARGER))))
    bound = f"{len(done):,} programs, as needed"
    yield taken_row(done, bound)
    yield all_taken_row(done, bound, outside)
    yield from _pool_rows(pooled, "as needed")


def replayed(asked: argparse.Namespace) -> Failure:
    """Run again what was asked for, and return its story."""
    if asked.history is not None:
        program, schedule = asked.history
        with bench() as on:
            return on.replay(history_clients.program(program), parsed(schedule))
    program, schedule = asked.edges
    if program.startswith("pool "):
        with bench() as on:
            return pools.replay(on, program, parsed(schedule))
    with watched() as on:
        return replay(on, program, parsed(schedule))


def main(arguments: Sequence[str] | None = None) -> int:
    """Read the command line, and do what it says."""
    parser = argparse.ArgumentParser("inclusions", description="Compare the code with the spec.")
    parser.add_argument("--full", action="store_true", help="two calls a thread: hours")
    parser.add_argument("--edges", nargs=2, metavar=("PROGRAM", "SCHEDULE"))
    parser.add_argument("--history", nargs=2, metavar=("PROGRAM", "SCHEDULE"))
    asked = parser.parse_args(arguments)
    if asked.edges is None and asked.history is None:
        return report(full_rows() if asked.full else rows())
    try:
        told = replayed(asked)
    except ValueError as error:
        parser.error(str(error))
    print(told if told.complaints else f"{told}\nnothing is wrong")
    return int(bool(told.complaints))


if __name__ == "__main__":
    raise SystemExit(main())
