"""What ``observer=`` costs: off, against the same code without the places that look; and on.

    python -m bench.observed [--pairs 15] [--processes 6]

Each side runs in a process of its own; they run in turn, the order of each pair by the toss of a
coin, and each pair gives one ratio of throughputs.  Two processes that run the same code differ
by some percent for as long as they live, so each comparison is made with several.  *Off* is
foregone as it is, against a copy from which every line that looks at the log was deleted: 1 is no
cost.  *On* is with ``JSONLines`` writing to a file, against foregone as it is; and against the
standard library's executor, which tells nobody anything.  A run with it ends when all is written,
and must not have lost an event.

At last, what a call costs with each part of it: with nobody who listens; with what happens logged,
and read by nobody; made events, for an observer that does nothing; and written.
"""

import argparse
import json
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from typing import Final, final

from bench.paired import compare, interval, machine

ROOT: Final = Path(__file__).resolve().parents[1]
_LOOKS: Final = re.compile(r"^( *)if observer\.log is not None.*observer\.log \+=.*$", re.MULTILINE)

#: What is run: a title, the executor, how many calls, and for how many microseconds each works.
WORKLOADS: Final = (
    ("thread pool, burst of no-ops", "threads", 10_000, 0),
    ("thread pool, calls of 20 us", "threads", 5_000, 20),
    ("process pool, burst of no-ops", "processes", 20_000, 0),
    ("process pool, there and back", "trips", 2_000, 0),
)

#: How far what happens comes, if not to a file.
LOGGED, MADE = "logged", "made"
PARTS: Final = {"nobody listens": "", "logged": LOGGED, "logged and made events": MADE}

CHILD: Final = """
import gc, importlib, json, sys, threading, time
from multiprocessing import get_context
import foregone
from foregone import observer, observing
read, looks = observing._read, 0
def counted():
    global looks
    came = read()
    looks += 1
    return came
observing._read = counted  # what the collector has in hand is in no list
def written():
    now = looks
    while looks < now + 2 or any(each.taken < each.waiting for each in observing._listening):
        threading.Event().wait(0.0005)
    assert not sum(each.lost for each in observing._listening)
def work(rounds):
    for _ in range(rounds): pass
class Idle:
    def __call__(self, events): pass
    def take(self, batch): pass
kind, count, rounds, told, library = json.loads(sys.argv[1])
its = importlib.import_module(library)
if told == "logged":
    observer.log = []
is_told = told not in ("", "logged")
observes = Idle() if told == "made" else foregone.JSONLines(told, files=2) if is_told else None
who = {"observer": observes} if is_told else {}
if kind == "threads":
    executor = its.ThreadPoolExecutor(2, **who)
else:
    executor = its.ProcessPoolExecutor(2, get_context("fork"), **who)
def once():
    start = time.perf_counter()
    if kind == "trips":
        for _ in range(count): executor.submit(work, rounds).result()
    else:
        futures = [executor.submit(work, rounds) for _ in range(count)]
        for each in futures: each.result()
    if is_told: written()
    took = time.perf_counter() - start
    if told == "logged": observer.log.clear()
    return took
once()
for _ in sys.stdin:
    gc.collect()
    print(once(), flush=True)
executor.shutdown()
"""


@final
class Side:
    """One side: an executor, in a process that runs when it is told to."""

    def __init__(
        self,
        folder: Path,
        workload: tuple[str, str, int, int],
        told: str = "",
        library: str = "foregone",
    ) -> None:
        """Start the process: foregone is that of ``folder``.

        ``told`` is the file that it writes to, or how far it comes: LOGGED, MADE, or nowhere.
        """
        _, kind, count, work = workload
        path = os.pathsep.join(map(str, (folder, ROOT / "spec")))
        self._process = subprocess.Popen(
            [sys.executable, "-c", CHILD, json.dumps([kind, count, turns(work), told, library])],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": path},
        )

    def run(self) -> float:
        """Run once; return the seconds."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write("\n")
        self._process.stdin.flush()
        return float(self._process.stdout.readline())

    def close(self) -> None:
        """End the process."""
        self._process.communicate()


@cache
def turns(microseconds: int) -> int:
    """Return how often an empty loop turns in that time on this machine, at its fastest."""
    many = 100_000

    def once() -> float:
        began = time.perf_counter()
        for _ in range(many):
            pass
        return time.perf_counter() - began

    return round(microseconds * 1e-6 * many / min(once() for _ in range(20)))


def without_looks(folder: Path) -> Path:
    """Return a copy of the library in which nobody looks whether anybody listens."""
    made = Path(shutil.copytree(ROOT / "impl", folder / "impl"))
    deleted = 0
    for path in made.rglob("*.py"):
        text, count = _LOOKS.subn(r"\1pass", path.read_text())
        if count:
            compile(text, str(path), "exec")
            path.write_text(text)
            deleted += count
    if not deleted:
        raise LookupError("no line looks at observer.log: this would compare nothing")
    return made


def row(title: str, ratios: Sequence[float]) -> str:
    """Return one line of the table: the throughput of the second side over the first's."""
    low, high = interval(ratios)
    spread = f"{min(ratios):.2f}-{max(ratios):.2f}"
    return f"{title:<60}{statistics.median(ratios):>7.3f}   {low:.3f}-{high:.3f}   {spread:<12}"


def main() -> None:
    """Read the command line, run, and print the table."""
    parser = argparse.ArgumentParser("bench.observed", description="What observer= costs.")
    parser.add_argument("--pairs", type=int, default=15, help="with each process")
    parser.add_argument("--processes", type=int, default=6, help="on each side, one after another")
    asked = parser.parse_args()
    print(machine())
    print(f"throughput, as a ratio of {asked.pairs * asked.processes} pairs\n")
    print(f"{'':<60}{'median':>7}   {'95 %':<11}   {'min-max':<12}")
    with tempfile.TemporaryDirectory() as folder:
        bare = without_looks(Path(folder))
        for workload in WORKLOADS:
            for what, pair in _pairs(workload, bare, Path(folder)).items():
                ratios = [
                    each
                    for _ in range(asked.processes)
                    for each in _ratios(pair, f"{what}: {workload[0]}", asked.pairs)
                ]
                print(row(f"{what}: {workload[0]}", ratios), flush=True)
        print(f"\n{WORKLOADS[0][0]}: microseconds a call, median of {asked.pairs} runs")
        for what, told in (*PARTS.items(), ("written", str(Path(folder) / "parts.jsonl"))):
            print(f"{what:<60}{_microseconds(told, asked.pairs):>7.2f}", flush=True)


def _pairs(
    workload: tuple[str, str, int, int], bare: Path, folder: Path
) -> dict[str, Callable[[], tuple[Side, Side]]]:
    """Return what starts the two sides of each comparison of a workload."""
    impl = ROOT / "impl"
    told, told_too = str(folder / "told.jsonl"), str(folder / "told-too.jsonl")
    standard = "concurrent.futures"
    return {
        "off": lambda: (Side(bare, workload), Side(impl, workload)),
        "on": lambda: (Side(impl, workload), Side(impl, workload, told)),
        "on, to the standard library": lambda: (
            Side(impl, workload, library=standard),
            Side(impl, workload, told_too),
        ),
    }


def _ratios(start: Callable[[], tuple[Side, Side]], title: str, pairs: int) -> tuple[float, ...]:
    sides = start()
    one, other = (side.run for side in sides)
    found = compare(title, one, other, unit="ms", scale=1e3, pairs=pairs)
    for side in sides:
        side.close()
    return found.ratios


def _microseconds(told: str, runs: int) -> float:
    side = Side(ROOT / "impl", WORKLOADS[0], told)
    found = statistics.median(side.run() for _ in range(runs))
    side.close()
    return found / WORKLOADS[0][2] * 1e6


if __name__ == "__main__":
    main()
