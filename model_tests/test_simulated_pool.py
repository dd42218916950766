"""``foregone.testing``: a pool in which chance draws what the specification allows."""

import threading
from collections import Counter
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

import foregone
from foregone import (
    FIRST_COMPLETED,
    BrokenProcessPool,
    CancelledError,
    ProcessDied,
    TimeoutError,
    as_completed,
    wait,
)
from foregone.testing import SimulatedFuture, SimulatedProcessPool, Stuck
from foregone_spec import process_pool_actions as act
from foregone_spec import trace
from foregone_spec.model import NotEnabled

Policy = Literal["break", "replace"]
POLICIES: tuple[Policy, ...] = ("break", "replace")


def played(seed: int, policy: Policy, deaths: int) -> tuple[SimulatedProcessPool, list[int]]:
    """Use a pool, and look at what every user may rely on; return the calls that ran."""
    pool = SimulatedProcessPool(
        1 + seed % 3, seed=seed, on_process_death=policy, deaths=deaths, most_calls=12
    )
    ran: list[int] = []
    futures: list[SimulatedFuture[int]] = []
    for number in range(8):
        try:
            futures.append(pool.submit(lambda n: ran.append(n) or n * n, number))  # type: ignore[func-returns-value]  # None or
        except BrokenProcessPool:
            assert deaths
            break
        pool.run(seed % 5)
    cancelled = [number for number, each in enumerate(futures) if number % 3 == 0 and each.cancel()]
    for number, each in enumerate(futures):
        try:
            assert each.result() == number * number
            assert number in ran
        except CancelledError:
            assert number in cancelled
            assert number not in ran
        except BrokenProcessPool:
            assert deaths
    assert len(ran) == len(set(ran))
    pool.shutdown(cancel_futures=seed % 2 == 0)
    assert all(each.done() for each in futures)
    return pool, ran


@given(st.integers(0, 10**6), st.sampled_from(POLICIES), st.integers(0, 2))
def test_every_run_is_a_behaviour_of_the_specification(
    seed: int, policy: Policy, deaths: int
) -> None:
    pool, _ = played(seed, policy, deaths)
    verdict = trace.loads(pool.trace()).check()
    assert verdict.accepted, str(verdict)


def test_a_seed_draws_the_same_again_and_another_another() -> None:
    stories = [played(seed, "replace", 1)[0].story() for seed in (17, 17, 20)]
    assert stories[0] == stories[1] != stories[2]
    assert "seed=17" in stories[0]


def test_chance_draws_everything() -> None:
    """Each step of the model that such a pool has, within some hundred seeds."""
    seen: Counter[str] = Counter()
    ends: Counter[str] = Counter()
    for seed in range(150):
        pool, _ = played(seed, POLICIES[seed % 2], seed % 3)
        seen.update(type(each).__name__ for each in pool._steps)
        ends.update(each._now.value for each in pool._futures.values())
    assert set(seen) >= {
        "Submit", "Cancel", "Notice", "Offer", "Recall", "Start", "Ready", "Claim", "Finish",
        "Answer", "Die", "SeeDeath", "Kill", "Fail", "Stop", "Exit", "Bury", "Sleep", "Shutdown",
        "ShutdownReturns",
    }  # fmt: skip
    assert set(ends) == {"FINISHED", "CANCELLED_AND_NOTIFIED"}


# ------------------------------------------------------------------------- who waits


def test_wait_and_as_completed_have_it_go_on() -> None:
    pool = SimulatedProcessPool(2, seed=1)
    futures = [pool.submit(abs, -number) for number in range(6)]
    done, _ = wait(futures, return_when=FIRST_COMPLETED)
    assert done
    assert sorted(each.result() for each in as_completed(futures)) == list(range(6))
    assert list(pool.map(abs, range(-9, 0), buffersize=2)) == list(range(9, 0, -1))


def test_callbacks_run_and_may_submit() -> None:
    pool = SimulatedProcessPool(1, seed=2)
    later: list[SimulatedFuture[int]] = []
    first = pool.submit(abs, -1)
    first.add_done_callback(lambda _: later.append(pool.submit(abs, -2)))
    pool.run()
    assert [each.result() for each in later] == [2]


def test_a_timeout_may_pass_and_may_not() -> None:
    outcomes: set[str] = set()
    for seed in range(30):
        future = SimulatedProcessPool(1, seed=seed).submit(abs, -1)
        try:
            assert future.result(timeout=1) == 1
            outcomes.add("in time")
        except TimeoutError:
            assert future.result() == 1  # it is only late
            outcomes.add("late")
    assert outcomes == {"in time", "late"}


def test_who_asks_again_and_again_has_it_go_on() -> None:
    future = SimulatedProcessPool(1, seed=3).submit(divmod, 1, 0)
    while not future.done():
        pass
    assert isinstance(future.exception(), ZeroDivisionError)


def test_a_deadlock_is_found_out() -> None:
    """A call that waits for another, where there is one process: the classic."""
    pool = SimulatedProcessPool(1, seed=4)
    outer = pool.submit(lambda: pool.submit(abs, -1).result())
    with pytest.raises(Stuck, match="call 2 never ends: nothing can happen any more") as stuck:
        outer.result()
    assert "running 1" in str(stuck.value)
    pool = SimulatedProcessPool(2, seed=4)
    assert pool.submit(lambda: pool.submit(abs, -1).result()).result() == 1


# ------------------------------------------------------------------- steps by hand


def test_a_test_may_say_what_happens() -> None:
    pool = SimulatedProcessPool(1, on_process_death="replace", deaths=1)
    first, second = pool.submit(abs, -1), pool.submit(abs, -2)
    for action in (act.Start(1), act.Ready(1), act.Offer(1), act.Claim(1, 1)):
        assert action in pool.may_happen()
        pool.happen(action)
    assert first.running()
    assert not first.cancel()
    assert second.cancel()
    with pytest.raises(NotEnabled):
        pool.happen(act.Claim(1, 2))
    pool.happen(act.Die(1))
    with pytest.raises(ProcessDied):
        first.result()
    assert "Die(process=1)" in pool.story()


def test_what_is_no_number_is_refused() -> None:
    with pytest.raises(ValueError, match="max_workers must be 1 or more, not 0"):
        SimulatedProcessPool(0)
    with pytest.raises(ValueError, match="deaths must be 0 or more, not -1"):
        SimulatedProcessPool(1, deaths=-1)
    pool = SimulatedProcessPool(1, most_calls=1)
    pool.submit(abs, 1)
    with pytest.raises(ValueError, match="pass most_calls=2"):
        pool.submit(abs, 1)


def test_who_is_too_late_is_refused() -> None:
    pool = SimulatedProcessPool(1)
    pool.shutdown(wait=False)
    with pytest.raises(RuntimeError, match="after shutdown"):
        pool.submit(abs, 1)
    broken = SimulatedProcessPool(1, deaths=1)
    victim = broken.submit(abs, 1)
    while act.Die(1) not in broken.may_happen():
        broken.run(1)
    broken.happen(act.Die(1))
    with pytest.raises(BrokenProcessPool):
        victim.result()
    with pytest.raises(BrokenProcessPool):
        broken.submit(abs, 1)
    broken.shutdown()


def test_another_thread_is_refused() -> None:
    pool = SimulatedProcessPool(1)
    found: list[BaseException] = []

    def other() -> None:
        try:
            pool.submit(abs, 1)
        except RuntimeError as error:
            found.append(error)

    thread = threading.Thread(target=other)
    thread.start()
    thread.join()
    assert "for the thread that made it" in str(found[0])


def test_it_is_an_executor_of_the_standard_library() -> None:
    import concurrent.futures

    pool = SimulatedProcessPool(1)
    assert isinstance(pool, concurrent.futures.Executor)
    assert isinstance(pool.submit(abs, 1), foregone.Future)
    with SimulatedProcessPool(2, seed=9) as inside:
        future = inside.submit(abs, -3)
    assert future.result() == 3
