"""Many runs, each checked, each trace judged by the model."""

import time
from collections.abc import Iterable
from dataclasses import dataclass
from typing import final

from foregone.run_rooms import Unmodelled
from model_tests.recording_process import of_process_pool
from model_tests.simulation.choices import Choices
from model_tests.simulation.primitives import Violation
from model_tests.simulation.runs import Failure, failure, patched, run
from model_tests.simulation.world import World


@final
@dataclass(frozen=True, slots=True)
class Sampled:
    """What became of some runs."""

    runs: int
    calls: int
    deaths: int
    accepted: int  # traces
    unmodelled: int  # runs in which the system has refused something
    seconds: float
    failure: Failure | None = None


def judged(world: World) -> bool:
    """Say whether the model has this run; raise Violation if it does not."""
    try:
        replay = of_process_pool(world.log, world.pool, exact=True, depth=world.settings.depth)
    except Unmodelled:
        return False
    except Exception as error:
        raise Violation("Trace", f"no run of the model: {type(error).__name__}: {error}") from error
    verdict = replay.verdict()
    if not verdict.accepted:
        raise Violation("Trace", str(verdict))
    return True


def sampled(seeds: Iterable[int], *, least: bool = True) -> Sampled:
    """Run until something goes wrong, or all seeds were run."""
    began = time.perf_counter()
    runs = calls = deaths = accepted = unmodelled = 0
    failed: Failure | None = None
    with patched():
        for seed in seeds:
            choices = Choices(seed)
            world, wrong = run(choices)
            runs += 1
            calls += len(world.accepted)
            deaths += world.truth.unexpected
            if wrong is not None:
                failed = failure(seed, choices.made, least=least)
                break
            try:
                fits = judged(world)
            except Violation as rejected:
                failed = Failure(seed, tuple(choices.made), rejected.name, str(rejected))
                break
            accepted += fits
            unmodelled += not fits
    seconds = time.perf_counter() - began
    return Sampled(runs, calls, deaths, accepted, unmodelled, seconds, failed)
