"""Real process pools, under each start method, are behaviours of the model."""

import multiprocessing

import pytest

from foregone import ProcessPoolExecutor, wait
from foregone_spec import process_pool_actions as act
from model_tests.recorded_runs import FATES, Fate, real_processes
from model_tests.recording import recording
from model_tests.recording_process import of_process_pool

METHODS = multiprocessing.get_all_start_methods()


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("fate", FATES)
def test_a_real_run_is_accepted(method: str, fate: Fate) -> None:
    run = real_processes(method, fate)
    verdict = run.verdict()
    assert verdict.accepted, str(verdict)
    kinds = {type(step.action) for step in run.steps}
    assert {act.Submit, act.Start, act.Shutdown} <= kinds
    assert ({act.Offer, act.Claim, act.Answer} <= kinds) is (fate != "the initializer fails")
    assert (act.InitializerFails in kinds) is (fate == "the initializer fails")
    assert (act.SeeDeath in kinds) is (fate != "all live")
    assert (act.Discarded in kinds) is (fate == "all live")


def test_another_order_is_rejected() -> None:
    with recording() as entries, ProcessPoolExecutor(1) as executor:
        wait([executor.submit(abs, number) for number in range(3)])
    run = of_process_pool(entries, executor._pool)
    assert run.verdict().accepted
    steps = list(run.steps)
    claims = [at for at, step in enumerate(steps) if isinstance(step.action, act.Claim)]
    steps[claims[0]], steps[claims[1]] = steps[claims[1]], steps[claims[0]]
    assert not type(run)(run.model, tuple(steps), run.silent).verdict().accepted
