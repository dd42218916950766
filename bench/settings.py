"""What one row of the process pool's bench is: who runs what, how much of it, and how."""

import heapq
import random
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, final

from bench import tasks

#: What one run gave, by name; "time" is seconds for one call.
Figures = dict[str, float]

SIGMA: Final = 1.5  # of the skewed run times: one in a hundred takes 33 times the median


class WrongResult(Exception):
    """A subject gave a wrong result: its figure means nothing."""


@final
@dataclass(frozen=True, slots=True)
class Setting:
    """One subject under one workload, as the driver needs it."""

    subject: str
    kind: str  # a key of bench.driver.WORKLOADS
    variant: str = ""  # of the call that is made, where there are several
    method: str = "fork"
    workers: int = 2
    calls: int = 1
    size: int = 0  # bytes of a payload
    payload: str = ""  # "bytes", or "buffer": a protocol 5 buffer
    rounds: float = 0.0  # of spinning, in the median call of a skewed load

    def check(self, right: bool, what: str) -> None:
        """Stop the run if a result is not right."""
        if not right:
            raise WrongResult(what)


def skewed(setting: Setting) -> list[int]:
    """Return the rounds of each call: lognormal, and the same for every subject."""
    coin = random.Random("skewed")
    return [int(setting.rounds * coin.lognormvariate(0, SIGMA)) for _ in range(setting.calls)]


def greedy(durations: list[float], workers: int) -> float:
    """Return how long these calls take when whoever is free takes the next one at once."""
    free = [0.0] * workers
    for each in durations:
        heapq.heapreplace(free, free[0] + each)
    return max(free)


def of_ideal(took: float, durations: list[tuple[float, float]], workers: int) -> Figures:
    """Return a makespan over the ideal one of the same calls, by either way to time a call.

    By the clock, what takes the processor away from a call makes the call longer, and the
    ideal too; by processor time it counts against the pool, a busy machine included.
    """
    clock = greedy([each[0] for each in durations], workers)
    processor = greedy([each[1] for each in durations], workers)
    return {"clock": took / clock, "processor": took / processor}


def payloads(setting: Setting) -> Iterator[tasks.Payload]:
    """Yield the payloads of one run, each different."""
    for number in range(setting.calls):
        yield tasks.make(setting.payload, setting.size, number)
