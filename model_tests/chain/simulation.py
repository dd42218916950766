"""The parent's side of the process pool over simulated processes: many seeded runs.

    python -m model_tests.chain.simulation [--runs N] [--seed S] [--write]
    python -m model_tests.chain.simulation --replay SEED_OR_CHOICES
    python -m model_tests.chain.simulation --mutants [MODULE ...] [--anew] [--write]

Each run is the real code of rooms, tickets, lanes, local worker and burial, over
processes that may stand, lie or die at any step; each is checked as it goes, and its
trace judged by the model.  ``--mutants`` runs it on the ticket code with each line
deleted or negated: each must be found within 1,000 runs, or by the test that
``survivors.json`` names for it, or is argued there.  Who survives is printed at once; a hunt
that was ended goes on where it was, but with ``--anew``.  ``--write`` keeps the result, with
date, commit and machine.
"""

import argparse
import json
import multiprocessing
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Final

from model_tests.chain.command import ROOT, stamp
from model_tests.chain.verdict import Row, report
from model_tests.simulation.choices import Choices
from model_tests.simulation.mutants import (
    AT_ONCE,
    MODULES,
    NOTED,
    RUNS,
    Hunted,
    Mutant,
    hunts,
    mutants,
)
from model_tests.simulation.runs import Failure, failure, patched, run
from model_tests.simulation.sampling import Sampled, sampled

ENGINE: Final = "simulation"
QUICK: Final = 1_000  # runs, in verify
PORTION: Final = 250  # of runs, for a process
SAMPLE: Final = 12  # mutants, in verify
PROGRESS: Final = 25  # mutants from one word of a hunt to the next
FOLDER: Final = ROOT / "model_tests" / "simulation"
RESULT: Final = FOLDER / "result.json"
SURVIVORS: Final = FOLDER / "survivors.json"


def _portion(first: int, after: int) -> Sampled:
    return sampled(range(first, after))


def simulated(runs: int, seed: int) -> Row:
    """Run so many runs, from a seed on."""
    began = time.perf_counter()
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(AT_ONCE, mp_context=spawn) as pool:
        parts = [
            pool.submit(_portion, first, min(first + PORTION, seed + runs))
            for first in range(seed, seed + runs, PORTION)
        ]
        done = [each.result() for each in parts]
    seconds = time.perf_counter() - began
    failures = [each.failure for each in done if each.failure is not None]
    kinds = {each.name: each for each in failures}
    made, calls, deaths = (
        sum(getattr(each, name) for each in done) for name in ("runs", "calls", "deaths")
    )
    accepted, unmodelled = (
        sum(getattr(each, name) for each in done) for name in ("accepted", "unmodelled")
    )
    note = (
        f"     {made / seconds:,.0f} a second; {calls:,} calls, {deaths:,} deaths; {accepted:,} "
        f"traces accepted, {unmodelled:,} runs with refusals of the system not judged"
    )
    return Row(
        "the parent's side of the process pool, deaths at any step",
        ENGINE,
        f"seeds {seed} to {seed + runs - 1}",
        f"{made:,} runs",
        seconds,
        not failures,
        "\n\n".join([*map(str, kinds.values()), f"{len(failures)} runs failed"] if kinds else []),
        note,
    )


def argued() -> dict[str, str]:
    """Return the mutants that the simulation does not find, each with the reason."""
    read: dict[str, dict[str, str]] = json.loads(SURVIVORS.read_text())
    return read["argued"] | read["tests"]


def tested() -> dict[str, str]:
    """Return the mutants that a test finds, and the simulation cannot, each with the test."""
    read: dict[str, dict[str, str]] = json.loads(SURVIVORS.read_text())
    return read["tests"]


def hunted(some: Sequence[Mutant], *, note: bool = False) -> Row:
    """Hunt mutants; with ``note``, note each fate, and go on where an earlier hunt was."""
    began = time.perf_counter()
    tests = tested()
    known = {name: why for name, why in argued().items() if name not in tests}
    done: list[Hunted] = []
    for each in hunts(some, lambda mutant: tests.get(str(mutant), str(RUNS)), note=note):
        done.append(each)
        if note and not each.found:
            word = "argued" if str(each.mutant) in known else "NOT argued"
            print(f"alive, {word}: line {each.mutant.line}: {each.mutant}", flush=True)
        if note and not len(done) % PROGRESS:
            seconds = time.perf_counter() - began
            print(f"{len(done)} of {len(some)} mutants in {seconds:.0f} s", flush=True)
    unknown = sorted((known | tests).keys() - set(map(str, all_mutants())))
    alive = [each for each in done if not each.found]
    unargued = [each for each in alive if str(each.mutant) not in known]
    most = max((each.runs for each in done if each.found), default=0)
    return Row(
        "the ticket code with a line deleted or negated is found",
        ENGINE,
        f"within {RUNS:,} runs",
        f"{len(done) - len(alive)} of {len(done)} found",
        time.perf_counter() - began,
        not unargued and not unknown,
        "\n".join(
            [f"not found, and not argued: {each.mutant}" for each in unargued]
            + [f"argued, and no mutant: {each}" for each in unknown]
        ),
        f"     after {most:,} runs at most, {sum(not each.runs for each in done if each.found)} "
        f"by a test or at once; {len(alive) - len(unargued)} argued",
    )


def all_mutants(modules: Sequence[str] = MODULES) -> list[Mutant]:
    """Return the mutants of some modules, less those that are argued to do no harm."""
    return [each for module in modules for each in mutants(module)]


def a_few() -> list[Mutant]:
    """Return mutants from all over, less those that are known not to be found."""
    known = argued()
    every = [each for each in all_mutants(MODULES[:3]) if str(each) not in known]
    return every[:: max(1, len(every) // SAMPLE)][:SAMPLE]


def rows() -> Iterator[Row]:
    """Yield a sample of runs, and a sample of mutants."""
    yield simulated(QUICK, 0)
    yield hunted(a_few())


def replay(written: str) -> Failure:
    """Run a seed, or a list of choices, again, and return its story."""
    numbers = [int(each) for each in written.split()]
    with patched():
        if len(numbers) != 1:
            return failure(0, numbers, least=False)
        choices = Choices(numbers[0])
        run(choices)
        return failure(numbers[0], choices.made)


def _written(row: Row, path: Path) -> None:
    kept = {} if not path.exists() else json.loads(path.read_text())
    kept[row.claim] = {
        "bound": row.bound,
        "count": row.count,
        "note": row.note.strip(),
        "ok": row.ok,
        "seconds": round(row.seconds, 1),
        **stamp(),
    }
    path.write_text(json.dumps(kept, indent=1) + "\n")


def main(arguments: Sequence[str] | None = None) -> int:
    """Read the command line, and do what it says."""
    parser = argparse.ArgumentParser("simulation", description="Simulate the process pool.")
    parser.add_argument("--runs", type=int, default=0)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--write", action="store_true", help="keep the result")
    parser.add_argument("--replay", metavar="SEED_OR_CHOICES")
    parser.add_argument("--mutants", nargs="*", choices=MODULES, metavar="MODULE")
    parser.add_argument("--anew", action="store_true", help="forget what a hunt has noted")
    asked = parser.parse_args(arguments)
    if asked.replay is not None:
        told = replay(asked.replay)
        print(told)
        return int(bool(told.name))
    found: list[Row] = []
    if asked.mutants is not None:
        if asked.anew:
            NOTED.unlink(missing_ok=True)
        found.append(hunted(all_mutants(asked.mutants or MODULES), note=True))
    elif asked.runs:
        found.append(simulated(asked.runs, asked.seed))
    else:
        found.extend(rows())
    if asked.write:
        for row in found:
            _written(row, RESULT)
    return report(found)


if __name__ == "__main__":
    raise SystemExit(main())
