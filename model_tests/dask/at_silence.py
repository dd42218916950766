"""A scheduler that is stopped, and closes nothing: noticed in time, or waited for."""

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from foregone import wait
from foregone.dask import DaskExecutor, SchedulerLost
from foregone.dask.cluster import Cluster
from model_tests import process_calls as calls
from model_tests.dask.clusters import LIMIT, PATIENCE, Apart, apart, client_of, until
from model_tests.dask.on_cluster import hold
from model_tests.process_calls import House
from model_tests.process_world import state

pytestmark = pytest.mark.timeout(LIMIT)

BOTH = pytest.mark.parametrize("once", [True, False])


@contextmanager
def stopped(cluster: Apart) -> Iterator[None]:
    """Have the scheduler stand still meanwhile."""
    pid = cluster.scheduler.pid
    os.kill(pid, signal.SIGSTOP)
    try:
        assert until(lambda: state(pid) == "T")
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


@BOTH
def test_a_scheduler_that_is_silent_for_too_long_is_lost(
    house: House, tmp_path: Path, once: bool
) -> None:
    with apart(tmp_path, 1) as cluster, client_of(cluster.address, 1) as client:
        with house.opened():
            executor = DaskExecutor(client, at_most_once=once, silence_limit=1)
            (held,) = hold(executor, house, 1)
            waits = [executor.submit(calls.value, house.log, each) for each in range(10)]
            assert until(lambda: not executor.inspect().queued)
            with stopped(cluster):
                done, pending = wait([held, *waits], timeout=PATIENCE)
                assert not pending
                assert {type(each.exception()) for each in done} == {SchedulerLost}
                assert "it has not answered for 1 s" in str(held.exception())
                with pytest.raises(SchedulerLost, match="it has not answered for 1 s"):
                    executor.submit(int)
                assert not held.cancel()  # and waits for nobody
                executor.shutdown()
                with pytest.raises(SchedulerLost, match=r"it has not answered for 0\.5 s"):
                    DaskExecutor(client, at_most_once=once, silence_limit=0.5)
        with DaskExecutor(client, at_most_once=once) as another:
            assert another.submit(calls.value, house.log, 99).result(PATIENCE) == calls.value_of(99)


@BOTH
@pytest.mark.parametrize("limit", [PATIENCE, None])
def test_what_is_pending_goes_on_when_the_scheduler_does(
    house: House, tmp_path: Path, once: bool, limit: float | None
) -> None:
    with apart(tmp_path, 1) as cluster, client_of(cluster.address, 1) as client:
        with DaskExecutor(client, at_most_once=once, silence_limit=limit) as executor:
            with house.opened():
                (held,) = hold(executor, house, 1)
                with stopped(cluster):
                    waits = [executor.submit(calls.value, house.log, each) for each in range(10)]
                    if limit is not None:
                        assert until(lambda: "silent for" in executor.inspect().connection)
                    assert not any(each.done() for each in (held, *waits))
                    assert executor.inspect().phase.value == "OPEN"
            assert held.result(PATIENCE) == calls.value_of(-1)
            assert [each.result(PATIENCE) for each in waits] == [
                calls.value_of(x) for x in range(10)
            ]
            assert until(lambda: executor.inspect().connection == "running")
        assert sorted(house.begun()) == [-1, *range(10)]


def test_a_cancel_waits_for_a_scheduler_that_is_stopped_and_is_answered(
    house: House, tmp_path: Path
) -> None:
    """And one that asks while it is stopped is told when it counts as lost."""
    with (
        apart(tmp_path, 1) as cluster,
        client_of(cluster.address, 1) as client,
        DaskExecutor(client, silence_limit=1) as executor,
        house.opened(),  # first of all, whatever has failed: the executor waits for it
    ):
        hold(executor, house, 1)
        waits = executor.submit(calls.value, house.log, 1)
        assert until(lambda: not executor.inspect().queued)  # held may count as offered, too
        with stopped(cluster):
            assert not waits.cancel()
            assert isinstance(waits.exception(PATIENCE), SchedulerLost)


@pytest.mark.parametrize("once", [True, None])
def test_a_scheduler_that_falls_silent_before_it_keeps_claims_is_lost(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, once: bool | None
) -> None:
    """It has answered the greeting; that it should keep claims was asked without any limit."""
    with apart(tmp_path, 1) as cluster, client_of(cluster.address, 1) as client:
        greet = Cluster.greet
        pid = cluster.scheduler.pid

        def stops(greeted: Cluster) -> None:
            greet(greeted)
            os.kill(pid, signal.SIGSTOP)
            assert until(lambda: state(pid) == "T")

        monkeypatch.setattr(Cluster, "greet", stops)
        try:
            with pytest.raises(SchedulerLost, match="it has not answered for 1 s"):
                DaskExecutor(client, at_most_once=once, silence_limit=1)
        finally:
            os.kill(pid, signal.SIGCONT)
