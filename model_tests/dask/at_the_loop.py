"""The Dask executor and the event loop of its client: who may wait for whom, and what is left."""

import asyncio
import gc
import socket
import sys
import threading
import warnings
from collections.abc import Iterator

import pytest

from foregone.dask import DaskExecutor, SchedulerLost
from foregone.dask.cluster import Cluster, Unreachable
from foregone_spec.lifecycle import Phase
from model_tests.dask.clusters import LIMIT, Foreign, configured, local, of_this_loop, tasks, until
from model_tests.dask.on_cluster import hold
from model_tests.process_calls import House

pytestmark = pytest.mark.timeout(LIMIT)


@pytest.fixture
def collected(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[object]]:
    """Yield what the garbage collector finds open meanwhile; what was there before is gone."""
    gc.collect()
    found: list[object] = []
    monkeypatch.setattr(sys, "unraisablehook", lambda seen: found.append(seen.exc_value))
    with warnings.catch_warnings():
        warnings.simplefilter("error", ResourceWarning)
        yield found


def test_a_cluster_of_an_event_loop_is_refused() -> None:
    """Its thread would wait for itself."""

    async def make() -> None:
        async with of_this_loop() as cluster:
            with pytest.raises(TypeError, match="belongs to an event loop: pass the address"):
                DaskExecutor(cluster, silence_limit=5)

    asyncio.run(make())


def test_an_address_where_nobody_listens_leaves_no_thread() -> None:
    before = set(threading.enumerate())
    with (
        configured({"distributed.comm.timeouts.connect": "100ms"}),
        pytest.raises(OSError, match=r"Timed out trying to connect to tcp://127\.0\.0\.1:1 "),
    ):
        DaskExecutor("tcp://127.0.0.1:1")
    assert set(threading.enumerate()) <= before


def test_an_address_where_nobody_speaks() -> None:
    """A connection is taken by the kernel, also of a process that was stopped."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = f"tcp://127.0.0.1:{server.getsockname()[1]}"
        with pytest.raises(SchedulerLost, match=r"has not answered for 0\.2 s") as lost:
            DaskExecutor(address, silence_limit=0.2)
        assert lost.value.address == address


@pytest.mark.parametrize("once", [True, False])
def test_what_it_asked_last_leaves_no_open_socket(once: bool, collected: list[object]) -> None:
    """Cut off while it connected, it left one to the garbage collector, once in three times."""
    with local(0) as client:
        for _ in range(30):
            DaskExecutor(client.scheduler.address, at_most_once=once).shutdown()
        gc.collect()
    assert not collected


def test_shutdown_in_the_thread_of_the_event_loop_does_not_wait_for_itself(
    client: Foreign, executor: DaskExecutor, house: House
) -> None:
    with house.opened():
        held = hold(executor, house)
        said: list[str] = []

        def ends() -> None:
            try:
                executor.shutdown()
            except RuntimeError as error:
                said.append(str(error))

        client.loop.add_callback(ends)
        assert until(lambda: bool(said))
        assert "event loop" in said[0]
        assert executor.inspect().phase is Phase.SHUTTING_DOWN
    executor.shutdown()
    assert all(each.done() for each in held)


def test_who_asks_when_the_loop_was_just_closed_is_told_that_nobody_knows(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with local(0) as client:
        executor = DaskExecutor(client.scheduler.address)
        cluster = executor._pool.cluster
        executor.shutdown()  # and its client with it, after the caller has looked at that
        monkeypatch.setattr(Cluster, "lost", lambda _: "")
        with pytest.raises(Unreachable):
            cluster.ask("cancel", [1])


def test_a_task_that_never_ran_is_let_go_with_the_executor() -> None:
    """Its call was cancelled while it was being offered, and there is no worker."""
    with local(0) as client, DaskExecutor(client) as executor:
        executor._pool.cluster.offer([(1, "int", b"")])
        assert until(lambda: client.run_on_scheduler(tasks) == 1)
        executor.shutdown()
        assert until(lambda: not client.run_on_scheduler(tasks))
