"""Real process pools, under each start method, are behaviours of the model."""

import multiprocessing
import os
import signal
from typing import Literal

import pytest

from foregone import ProcessPoolExecutor, wait
from foregone_spec import process_pool_actions as act
from model_tests.recording import recording
from model_tests.recording_process import of_process_pool

METHODS = multiprocessing.get_all_start_methods()


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("dies", [False, True], ids=["all live", "one dies"])
def test_a_real_run_is_accepted(method: str, dies: bool) -> None:
    replaces: Literal["break", "replace"] = "break" if method == "fork" else "replace"
    context = multiprocessing.get_context(method)
    with recording() as entries:
        executor = ProcessPoolExecutor(2, context, on_process_death=replaces)
        futures = [executor.submit(abs, -number) for number in range(8)]
        futures[7].cancel()
        if dies:
            wait([executor.submit(die)])
        else:
            futures.append(executor.submit(divmod, 1, 0))  # type: ignore[arg-type]  # a tuple among numbers
        wait(futures)
        executor.shutdown()
    run = of_process_pool(entries, executor._pool)
    verdict = run.verdict()
    assert verdict.accepted, str(verdict)
    kinds = {type(step.action) for step in run.steps}
    assert {act.Submit, act.Offer, act.Start, act.Claim, act.Answer, act.Shutdown} <= kinds
    assert (act.SeeDeath in kinds) is dies


def test_another_order_is_rejected() -> None:
    with recording() as entries, ProcessPoolExecutor(1) as executor:
        wait([executor.submit(abs, number) for number in range(3)])
    run = of_process_pool(entries, executor._pool)
    assert run.verdict().accepted
    steps = list(run.steps)
    claims = [at for at, step in enumerate(steps) if isinstance(step.action, act.Claim)]
    steps[claims[0]], steps[claims[1]] = steps[claims[1]], steps[claims[0]]
    assert not type(run)(run.model, tuple(steps), run.silent).verdict().accepted
