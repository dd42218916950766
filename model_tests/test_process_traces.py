"""Real process pools, under each start method, are behaviours of the model."""

import os
from multiprocessing import get_all_start_methods, get_context

import pytest

from foregone import ProcessPoolExecutor, wait
from foregone_spec import process_pool_actions as act
from model_tests.recorded_runs import FATES, Fate, real_processes
from model_tests.recording import START, recording
from model_tests.recording_process import of_process_pool

METHODS = get_all_start_methods()


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


def _meets(begun: int, go: int) -> int:
    os.write(begun, b"!")
    return len(os.read(go, 1))


def test_a_claim_that_shows_before_the_answers_to_earlier_calls_comes_after_their_claims() -> None:
    begun, begins = os.pipe()
    go, goes = os.pipe()
    with recording() as entries, ProcessPoolExecutor(1, get_context("fork")) as executor:
        futures = [executor.submit(abs, number) for number in range(2)]
        futures.append(executor.submit(_meets, begins, go))
        os.read(begun, 1)
        assert not futures[2].cancel()
        os.write(goes, b"!")
    for each in (begun, begins, go, goes):
        os.close(each)
    late = [
        each
        for each in entries
        if each[0] in ("Free", "Future") and any(one in futures[:2] for one in each)
    ]
    rest = [each for each in entries if each not in late]
    asked = ["Future", futures[2], START]
    told = next(at for at, each in enumerate(rest) if list(each)[:3] == asked)
    rest[told + 1 : told + 1] = late  # as if the parent had been slow to read two answers
    run = of_process_pool(rest, executor._pool)
    verdict = run.verdict()
    assert verdict.accepted, str(verdict)
    done = [each.action for each in run.steps]
    assert [each.work_id for each in done if isinstance(each, act.Claim)] == [1, 2, 3]
    assert done.index(act.Notice(3)) < done.index(act.Answer(1))
