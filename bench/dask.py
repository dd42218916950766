"""The Dask executor against Dask's own executor and its ``map``, on one cluster, in one run.

    make bench ARGS=dask

In each round every subject runs each workload once, in an order that a coin gives.  Ratio is
the other's time over that of foregone's executor in its at-least-once mode, round by round:
above 1, foregone takes less.  What at most once costs is the ratio of foregone's own two
modes.  The cluster is one of this machine, with its scheduler in this process, as
``LocalCluster`` has it; it has two workers of one thread.
"""

import gc
import os
import random
import statistics
import time
from collections.abc import Callable
from concurrent.futures import Executor
from contextlib import ExitStack
from functools import partial
from typing import Final

import foregone
from bench.paired import machine
from bench.processes import spread
from foregone.dask import DaskExecutor
from model_tests.dask.clusters import DASK, Foreign, local, prepare

CALLS: Final = 2_000
TRIPS: Final = 50
OURS: Final = "foregone, at least once"
ONCE: Final = "foregone, at most once"
THEIRS: Final = "Dask's own executor"
MAP: Final = "client.map and gather"


def noop(_: int = 0) -> None:
    """Do nothing: what is timed is the way there and back."""


def _burst(executor: Executor, calls: int) -> float:
    start = time.perf_counter()
    futures = [executor.submit(noop, number) for number in range(calls)]
    for future in futures:
        future.result()
    return time.perf_counter() - start


def _trips(executor: Executor, trips: int) -> float:
    start = time.perf_counter()
    for _ in range(trips):
        executor.submit(noop).result()
    return time.perf_counter() - start


def _mapped(client: Foreign, calls: int) -> float:
    start = time.perf_counter()
    client.gather(client.map(noop, range(calls), pure=False))
    return time.perf_counter() - start


#: By workload, what each subject does; it returns seconds.
Subjects = dict[str, dict[str, Callable[[], float]]]


def _subjects(stack: ExitStack, scale: float) -> Subjects:
    """Start the cluster and the executors on it."""
    client = stack.enter_context(local(2))
    executors: dict[str, Executor] = {
        OURS: stack.enter_context(DaskExecutor(client, at_most_once=False)),
        ONCE: stack.enter_context(DaskExecutor(client, at_most_once=True)),
        THEIRS: client.get_executor(pure=False),
    }
    calls, trips = max(1, int(CALLS * scale)), max(1, int(TRIPS * scale))
    bursts = {name: partial(_burst, each, calls) for name, each in executors.items()}
    return {
        f"burst of {calls:,} no-ops": {**bursts, MAP: partial(_mapped, client, calls)},
        f"one call there and back, {trips:,} times": {
            name: partial(_trips, each, trips) for name, each in executors.items()
        },
    }


def _rounds(
    subjects: dict[str, Callable[[], float]], title: str, pairs: int
) -> dict[str, list[float]]:
    """Run all subjects ``pairs`` times, after one warm-up of each."""
    coin = random.Random(title)
    took: dict[str, list[float]] = {name: [] for name in subjects}
    for each in subjects.values():
        each()
    for _ in range(pairs):
        for name in coin.sample(list(subjects), len(subjects)):
            gc.collect()
            took[name].append(subjects[name]())
    return took


def table(title: str, took: dict[str, list[float]], count: int) -> str:
    """Return the lines of one workload."""
    head = f"  {'median of each':<28}{'us a call':>12}{'ratio':>9}"
    lines = [f"\n{title}", f"{head}   {'95 %':<13} {'min-max':<15} {'n':>4}"]
    for name, seconds in took.items():
        figure = f"  {name:<28}{statistics.median(seconds) / count * 1e6:>12,.0f}"
        ratios = [theirs / ours for theirs, ours in zip(seconds, took[OURS], strict=True)]
        lines.append(figure + ("        1" if name == OURS else spread(ratios)))
    return "\n".join(lines)


def main(pairs: int, only: str, scale: float, say: Callable[[str], object]) -> None:
    """Install Dask beside the environment, run, and print the tables."""
    if why := DASK.install():
        say(f"Dask could not be installed, and its part is absent: {why}")
        return
    prepare()
    versions = DASK.versions()
    say(machine())
    say(
        f"foregone {foregone.__version__}, dask {versions['dask']}, distributed "
        f"{versions['distributed']}; load before: {os.getloadavg()[0]:.2f}"
    )
    say(f"ratio = the other / {OURS}, round by round")
    with ExitStack() as stack:
        for title, subjects in _subjects(stack, scale).items():
            if only in title:
                count = max(1, int((CALLS if "burst" in title else TRIPS) * scale))
                say(table(title, _rounds(subjects, title, pairs), count))
    say(f"load after: {os.getloadavg()[0]:.2f}")
