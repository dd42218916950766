"""Workers and schedulers are killed: what was begun is not begun again, and nobody waits."""

import asyncio
import concurrent.futures
import os
import signal
import socket
import threading
from pathlib import Path

import pytest

from foregone import BrokenExecutor, wait
from foregone.dask import AtLeastOnce, DaskExecutor, NoClaims, SchedulerLost, WorkerLost
from foregone.dask.cluster import Cluster
from foregone.dask.ports import DaskFuture
from model_tests import process_calls as calls
from model_tests.dask.clusters import (
    GIVES_UP,
    LIMIT,
    PATIENCE,
    apart,
    claim_as,
    client_of,
    configured,
    local,
    pids,
    until,
)
from model_tests.dask.on_cluster import hold
from model_tests.process_calls import House

ALLOWED = "distributed.scheduler.allowed-failures"

pytestmark = pytest.mark.timeout(LIMIT)


def dies(log: str, number: int, how: str, gate: str) -> None:
    """End the process of a worker, in a thread of it that is not its first."""
    calls.begin(log, number)
    calls.stand_at(gate)
    if how == "exit":
        os._exit(3)
    os.kill(os.getpid(), getattr(signal, how))
    threading.Event().wait()


# --------------------------------------------------------------------- workers


def test_a_worker_dies_with_a_claimed_call(house: House) -> None:
    with local(2) as client, DaskExecutor(client) as executor:
        with house.opened():
            held = hold(executor, house)
            waits = [executor.submit(calls.value, house.log, each) for each in range(10)]
            address = {pid: worker for worker, pid in pids(client).items()}
            killed = house.pid(-1)
            os.kill(killed, signal.SIGKILL)
            error = held[0].exception(PATIENCE)
            assert isinstance(error, WorkerLost)
            assert error.worker == address[killed]
            assert isinstance(error, BrokenExecutor)
        assert held[1].result(PATIENCE) == calls.value_of(-2)
        assert [each.result(PATIENCE) for each in waits] == [calls.value_of(x) for x in range(10)]
        assert executor.submit(calls.value, house.log, 99).result(PATIENCE) == calls.value_of(99)
        assert sorted(house.begun()) == [-2, -1, *range(10), 99]


@pytest.mark.parametrize("how", ["exit", "SIGKILL", "SIGTERM"])
def test_a_call_that_kills_its_worker_is_begun_once(house: House, how: str) -> None:
    with local(1, **{ALLOWED: 0}) as client, DaskExecutor(client) as executor:
        with house.opened():
            bad = executor.submit(dies, house.log, 100, how, house.gate)
            rest = [executor.submit(calls.value, house.log, each) for each in range(5)]
            assert until(lambda: house.begun() and len(executor.inspect().offered) == 5)
        assert isinstance(bad.exception(PATIENCE), WorkerLost)
        # They were on that worker when it died, and Dask gave them up with it.
        assert [each.result(PATIENCE) for each in rest] == [calls.value_of(x) for x in range(5)]
        assert sorted(house.begun()) == [*range(5), 100]


def test_a_call_that_was_not_claimed_outlives_any_number_of_workers(house: House) -> None:
    with local(1, **{ALLOWED: 0}) as client, DaskExecutor(client) as executor:
        with house.opened():
            deadly = [
                executor.submit(dies, house.log, each, "SIGKILL", house.gate) for each in range(3)
            ]
            last = executor.submit(calls.value, house.log, 99)
            assert until(lambda: house.begun() and len(executor.inspect().offered) == 3)
        assert [type(each.exception(PATIENCE)) for each in deadly] == [WorkerLost] * 3
        assert last.result(PATIENCE) == calls.value_of(99)
        assert sorted(house.begun()) == [0, 1, 2, 99]


@pytest.mark.parametrize("once", [True, False])
def test_a_cluster_of_our_own_that_gives_a_worker_up_has_another(house: House, once: bool) -> None:
    with configured({GIVES_UP: 0}), DaskExecutor(max_workers=1, at_most_once=once) as executor:
        with house.opened():
            (held,) = hold(executor, house, 1)
            os.kill(house.pid(-1), signal.SIGKILL)
            last = executor.submit(calls.value, house.log, 99)
            if once:
                assert isinstance(held.exception(PATIENCE), WorkerLost)
        assert last.result(PATIENCE) == calls.value_of(99)
        assert once or held.result(PATIENCE) == calls.value_of(-1)


@pytest.mark.parametrize("once", [True, False])
def test_a_call_does_not_stay_behind_another_while_a_worker_is_idle(
    house: House, tmp_path: Path, once: bool
) -> None:
    """Dask's scheduler would leave it there: as it had reckoned with the first, all are idle."""
    (folder := tmp_path / "other").mkdir()
    other = House(folder)
    try:
        with DaskExecutor(max_workers=2, at_most_once=once) as executor:
            house.open()
            for each in range(4):  # so short are such calls, as far as Dask knows
                executor.submit(calls.held, house.log, each, house.gate).result(PATIENCE)
            house.shut()
            with house.opened(), other.opened():
                busy = executor.submit(calls.held_too, other.log, 0, other.gate)
                assert until(other.begun)
                both = [executor.submit(calls.held, house.log, -n, house.gate) for n in (1, 2)]
                assert until(lambda: len(house.begun()) == 5)
                other.open()
                assert busy.result(PATIENCE) == calls.value_of(0)
                assert until(lambda: len(house.begun()) == 6)
            assert [each.result(PATIENCE) for each in both] == [calls.value_of(-n) for n in (1, 2)]
    finally:
        other.close()


def test_without_claims_a_call_runs_again(house: House) -> None:
    with local(2) as client, DaskExecutor(client, at_most_once=False) as executor:
        with house.opened():
            held = hold(executor, house)
            os.kill(house.pid(-1), signal.SIGKILL)
            assert until(lambda: house.begun().count(-1) == 2)
        assert [each.result(PATIENCE) for each in held] == [
            calls.value_of(-1),
            calls.value_of(-2),
        ]


def test_without_claims_the_cluster_gives_up_at_last(house: House) -> None:
    with (
        local(1, **{ALLOWED: 1}) as client,
        DaskExecutor(client, at_most_once=False) as executor,
    ):
        house.open()
        bad = executor.submit(dies, house.log, 7, "SIGKILL", house.gate)
        error = bad.exception(PATIENCE)
        assert isinstance(error, WorkerLost)
        assert "given the task up" in str(error)
        assert house.begun() == [7, 7]


def test_a_result_that_is_lost_is_not_made_again(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The worker dies after the call has ended, and before its result was fetched."""
    came, release = threading.Event(), concurrent.futures.Future[None]()
    fetch = Cluster._fetch

    async def late(self: Cluster, batch: list[tuple[int, DaskFuture]], tries: int = 3) -> None:
        came.set()
        await asyncio.wrap_future(release)
        await fetch(self, batch, tries)

    with local(2) as client, DaskExecutor(client) as executor:
        executor.submit(int).result(PATIENCE)
        monkeypatch.setattr(Cluster, "_fetch", late)
        future = executor.submit(calls.value, house.log, 1)
        assert came.wait(PATIENCE)
        os.kill(house.pid(1), signal.SIGKILL)
        error = future.exception(PATIENCE)
        release.set_result(None)
        monkeypatch.undo()
        assert isinstance(error, WorkerLost)
        assert executor.submit(calls.value, house.log, 2).result(PATIENCE) == calls.value_of(2)
        assert house.begun() == [1, 2]


def test_the_only_worker_is_lost_and_none_comes(house: House, tmp_path: Path) -> None:
    with (
        apart(tmp_path, 1) as cluster,
        client_of(cluster.address, 1) as client,
        DaskExecutor(client) as executor,
    ):
        (held,) = hold(executor, house, 1)
        waits = executor.submit(calls.value, house.log, 1)
        cluster.workers[0].kill()
        assert isinstance(held.exception(PATIENCE), WorkerLost)
        assert not waits.done()  # nobody has begun it
        cluster.worker()
        assert waits.result(PATIENCE) == calls.value_of(1)
        assert house.begun() == [-1, 1]


def test_a_worker_that_is_found_by_the_name_of_its_host(house: House, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with apart(tmp_path, 0) as cluster:
        cluster.worker(
            *("--listen-address", f"tcp://127.0.0.1:{port}"),
            *("--contact-address", f"tcp://localhost:{port}"),
        )
        with client_of(cluster.address, 1) as client, DaskExecutor(client) as executor:
            (held,) = hold(executor, house, 1)
            cluster.workers[0].kill()
            error = held.exception(PATIENCE)
            assert isinstance(error, WorkerLost)
            assert error.worker == f"tcp://127.0.0.1:{port}"


def test_a_claim_of_a_worker_that_was_removed_is_refused(house: House) -> None:
    """It was on its way; the call stays open, and one that is there runs it."""
    with local(2) as client, DaskExecutor(client) as executor:
        with house.opened():
            held = hold(executor, house)
            address = {pid: worker for worker, pid in pids(client).items()}[house.pid(-1)]
            waits = executor.submit(calls.value, house.log, 1)
            assert until(lambda: len(executor.inspect().offered) == 1)
            client.retire_workers([address], close_workers=True)
            name = executor._pool.cluster.executor.hex()
            assert isinstance(held[0].exception(PATIENCE), WorkerLost)
            said = client.run_on_scheduler(claim_as, name, 3, address)
            assert tuple(said) == ("gone", address)
            assert not waits.running()
        assert waits.result(PATIENCE) == calls.value_of(1)
        assert held[1].result(PATIENCE) == calls.value_of(-2)
    assert sorted(house.begun()) == [-2, -1, 1]


def test_a_cluster_that_is_restarted(house: House) -> None:
    with local(1) as client, DaskExecutor(client) as executor:
        (held,) = hold(executor, house, 1)
        waits = [executor.submit(calls.value, house.log, each) for each in range(5)]
        assert until(lambda: len(executor.inspect().offered) == 5)
        client.restart()
        assert isinstance(held.exception(PATIENCE), WorkerLost)
        assert [each.result(PATIENCE) for each in waits] == [calls.value_of(x) for x in range(5)]
        assert sorted(house.begun()) == [-1, *range(5)]


# --------------------------------------------------------------------- the scheduler


@pytest.mark.parametrize("once", [True, False])
def test_the_scheduler_dies(house: House, tmp_path: Path, once: bool) -> None:
    with apart(tmp_path, 2) as cluster, client_of(cluster.address, 2) as client:
        address = cluster.address
        executor = DaskExecutor(client, at_most_once=once)
        futures = hold(executor, house)
        futures += [executor.submit(calls.value, house.log, each) for each in range(50)]
        cluster.kill()
        done, pending = wait(futures, timeout=PATIENCE)
        assert not pending
        errors = [each.exception() for each in done]
        assert {type(each) for each in errors} == {SchedulerLost}
        assert len(set(map(id, errors))) == len(errors)  # each has its own
        with pytest.raises(SchedulerLost, match=address):
            executor.submit(int)
        assert not futures[0].cancel()
        executor.shutdown()
        assert str(executor.inspect()).startswith(f"{executor._pool.name}: BROKEN")


@pytest.mark.parametrize("once", [True, False])
def test_what_is_lost_stays_lost_when_the_client_connects_again(
    house: House, tmp_path: Path, once: bool
) -> None:
    with apart(tmp_path, 1) as cluster, client_of(cluster.address, 1) as client:
        executor = DaskExecutor(client, at_most_once=once)
        (held,) = hold(executor, house, 1)
        cluster.kill()
        cluster.again()
        assert isinstance(held.exception(PATIENCE), SchedulerLost)
        cluster.worker()
        assert until(lambda: client.status == "running")
        client.wait_for_workers(1)
        with pytest.raises(SchedulerLost, match="make a new executor"):
            executor.submit(int)
        with DaskExecutor(client, at_most_once=once) as another:
            assert another.submit(calls.value, house.log, 1).result(PATIENCE) == calls.value_of(1)
        executor.shutdown()


@pytest.mark.parametrize("once", [True, False])
def test_a_client_that_is_closed_under_the_executor(
    house: House, once: bool, caplog: pytest.LogCaptureFixture
) -> None:
    with local(1) as client:
        executor = DaskExecutor(client, at_most_once=once)
        with house.opened():
            (held,) = hold(executor, house, 1)
            client.close()
            assert isinstance(held.exception(PATIENCE), SchedulerLost)
            executor.shutdown()
        with pytest.raises(SchedulerLost):
            executor.submit(int)
        with pytest.raises(SchedulerLost, match="closed"):
            DaskExecutor(client)
    # The event loop logs a task that failed and that nobody has asked.
    assert not [each for each in caplog.messages if "foregone" in each]


# --------------------------------------------------------------------- without claims


def test_a_scheduler_that_does_not_know_foregone(tmp_path: Path, house: House) -> None:
    other = tmp_path / "other" / "foregone"
    other.mkdir(parents=True)
    (other / "__init__.py").touch()  # what the scheduler imports by that name
    with (
        apart(tmp_path, 1, str(other.parent)) as cluster,
        client_of(cluster.address, 1) as client,
    ):
        with pytest.raises(NoClaims, match="or pass at_most_once=False"):
            DaskExecutor(client, at_most_once=True)
        with pytest.warns(AtLeastOnce, match="does not keep claims"):
            executor = DaskExecutor(client)
        assert not executor.at_most_once
        with executor:
            assert executor.submit(calls.value, house.log, 1).result(PATIENCE) == calls.value_of(1)
        with DaskExecutor(cluster.address, at_most_once=False) as by_address:
            assert by_address.submit(int, "4").result(PATIENCE) == 4
