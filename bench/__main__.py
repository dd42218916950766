"""``make bench``: the Future, waiting and both pools against the standard library.

Ratios above 1 mean that foregone takes less.  ``make bench ARGS=processes`` runs the
process pool's part alone, beside its peers, which it installs under build/, and
``ARGS=dask`` the Dask executor's, beside Dask's own.  ``--pairs N`` sets how many pairs
are run of each workload, ``--only WORD`` runs those whose title has the word, ``--json FILE``
keeps every figure of the other parts.  ``build/bench.html`` shows it with plots.
"""

import argparse
import concurrent.futures
import json
import pathlib
import sys
import time
import tracemalloc
from collections.abc import Callable, Iterator
from functools import partial
from itertools import repeat
from types import ModuleType

import foregone
from bench import dask, processes
from bench.paired import HEADER, Comparison, Workload, compare, machine
from bench.report import Report, of_comparison

CALLS = 50_000
TRIPS = 2_000
FUTURES = 100_000


def noop() -> None:
    """Do nothing: what is timed is the way there and back."""


def make_and_keep(module: ModuleType) -> float:
    """Make futures and keep them, as those of pending calls are kept."""
    make = module.Future
    start = time.perf_counter()
    kept = [make() for _ in repeat(None, FUTURES)]
    took = time.perf_counter() - start
    del kept
    return took


def make_and_drop(module: ModuleType) -> float:
    """Make futures and drop each at once."""
    make = module.Future
    start = time.perf_counter()
    for _ in repeat(None, FUTURES):
        make()
    return time.perf_counter() - start


def memory(module: ModuleType) -> float:
    """Return the bytes that a pending future takes, all it holds included."""
    count = 10_000
    kept = [None] * count
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    for place in range(count):
        kept[place] = module.Future()
    after = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    return (after - before) / count


def burst(module: ModuleType, workers: int) -> float:
    """Submit many no-ops and take all their results."""
    with module.ThreadPoolExecutor(workers) as executor:
        start = time.perf_counter()
        futures = [executor.submit(noop) for _ in range(CALLS)]
        for future in futures:
            future.result()
        return time.perf_counter() - start


def trips(module: ModuleType) -> float:
    """Submit a no-op, wait for its result, and so on."""
    with module.ThreadPoolExecutor(1) as executor:
        executor.submit(noop).result()
        start = time.perf_counter()
        for _ in range(TRIPS):
            executor.submit(noop).result()
        return time.perf_counter() - start


def mapped(module: ModuleType) -> float:
    """Map a function over many items."""
    with module.ThreadPoolExecutor(2) as executor:
        start = time.perf_counter()
        for _ in executor.map(abs, range(CALLS)):
            pass
        return time.perf_counter() - start


def finish(futures: list[concurrent.futures.Future[int]]) -> None:
    """Give each future its result."""
    for future in futures:
        future.set_result(1)


def wait_for_pending(module: ModuleType) -> float:
    """Wait for all of many pending futures, which another thread finishes."""
    futures = [module.Future() for _ in range(FUTURES)]
    with concurrent.futures.ThreadPoolExecutor(1) as other:
        start = time.perf_counter()
        finishing = other.submit(finish, futures)
        done, _ = module.wait(futures)
        took = time.perf_counter() - start
        finishing.result()
    if len(done) != FUTURES:
        raise RuntimeError(f"wait() returned {len(done)} of {FUTURES} futures")
    return took


def wait_for_done(module: ModuleType) -> float:
    """Wait for all of many futures that have finished."""
    futures = [module.Future() for _ in range(FUTURES)]
    finish(futures)
    start = time.perf_counter()
    module.wait(futures)
    return time.perf_counter() - start


def poll_pending(module: ModuleType) -> float:
    """Look once at many pending futures, and come back without waiting."""
    futures = [module.Future() for _ in range(FUTURES)]
    start = time.perf_counter()
    module.wait(futures, timeout=0)
    return time.perf_counter() - start


def as_pending(module: ModuleType) -> float:
    """Take many futures as another thread finishes them."""
    futures = [module.Future() for _ in range(FUTURES)]
    with concurrent.futures.ThreadPoolExecutor(1) as other:
        start = time.perf_counter()
        finishing = other.submit(finish, futures)
        count = sum(1 for _ in module.as_completed(futures))
        took = time.perf_counter() - start
        finishing.result()
    if count != FUTURES:
        raise RuntimeError(f"as_completed() yielded {count} of {FUTURES} futures")
    return took


def as_done(module: ModuleType) -> float:
    """Take many futures that have finished."""
    futures = [module.Future() for _ in range(FUTURES)]
    finish(futures)
    start = time.perf_counter()
    for _ in module.as_completed(futures):
        pass
    return time.perf_counter() - start


Measure = Callable[[ModuleType], float]

#: Title, what is measured, the unit of one call or future, and from a run's figure to it.
WORKLOADS: tuple[tuple[str, Measure, str, float], ...] = (
    ("Future: make and keep", make_and_keep, "ns", 1e9 / FUTURES),
    ("Future: make and drop", make_and_drop, "ns", 1e9 / FUTURES),
    ("Future: memory while pending", memory, "bytes", 1.0),
    ("thread pool: burst of no-ops, 1 thread", partial(burst, workers=1), "us", 1e6 / CALLS),
    (
        "thread pool: burst of no-ops, 2 threads",
        partial(burst, workers=2),
        "us",
        1e6 / CALLS,
    ),
    ("thread pool: one call there and back", trips, "us", 1e6 / TRIPS),
    ("thread pool: map", mapped, "us", 1e6 / CALLS),
    ("wait: pending, finished meanwhile", wait_for_pending, "us", 1e6 / FUTURES),
    ("wait: finished before", wait_for_done, "us", 1e6 / FUTURES),
    ("wait: pending, timeout 0", poll_pending, "us", 1e6 / FUTURES),
    ("as_completed: pending, finished meanwhile", as_pending, "us", 1e6 / FUTURES),
    ("as_completed: finished before", as_done, "us", 1e6 / FUTURES),
)


def side(measure: Measure, module: ModuleType) -> Workload:
    """Return the workload of one side."""
    return lambda: measure(module)


def comparisons(pairs: int, only: str) -> Iterator[Comparison]:
    """Run the workloads whose title has ``only``, and yield each when it is through."""
    for title, measure, unit, scale in WORKLOADS:
        if only in title:
            theirs, ours = side(measure, concurrent.futures), side(measure, foregone)
            yield compare(title, theirs, ours, unit=unit, scale=scale, pairs=pairs)


def threads(pairs: int, only: str, keep: pathlib.Path | None, found: Report) -> None:
    """Print the table of the Future, waiting and the thread pool."""
    found.say(machine())
    version = f"foregone {foregone.__version__}"
    found.say(f"{version}; ratio = standard library / foregone, pair by pair")
    found.show(HEADER)
    kept: dict[str, object] = {"machine": machine(), "version": foregone.__version__}
    for comparison in comparisons(pairs, only):
        found.show(comparison.row(), of_comparison(comparison))
        kept[comparison.title] = comparison.pairs
    if keep is not None:
        keep.write_text(json.dumps(kept, indent=1), encoding="utf-8")


def main() -> int:
    """Print the tables; return 0."""
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    both = ("threads", "processes")
    which = "threads, processes, or both; or dask, beside Dask's own executor"
    parser.add_argument("what", nargs="*", choices=[*both, "dask", []], help=which)
    parser.add_argument("--pairs", type=int, default=15, help="pairs of runs of each workload")
    parser.add_argument("--only", default="", help="run those whose title has this word")
    parser.add_argument("--json", type=pathlib.Path, help="keep every figure in this file")
    of_processes = parser.add_argument_group("processes and dask")
    of_processes.add_argument("--scale", type=float, default=1.0, help="this share of the calls")
    of_processes.add_argument("--subjects", default="", help="of these only: foregone,standard")
    options = parser.parse_args()
    what = options.what or both
    keep: pathlib.Path | None = options.json
    found = Report()
    if "threads" in what:
        threads(options.pairs, options.only, keep, found)
    if "processes" in what:
        subjects = tuple(each for each in options.subjects.split(",") if each)
        if keep is not None and "threads" in what:
            keep = keep.with_stem(f"{keep.stem}-processes")
        processes.main(options.pairs, options.only, options.scale, subjects, keep, found)
    if "dask" in what:
        dask.main(options.pairs, options.only, options.scale, found.say)
    print(f"\nas a page, with plots: {found.write()}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
