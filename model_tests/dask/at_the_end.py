"""How a Dask executor ends: shutdown, with blocks, collection, forks, the interpreter's exit."""

import gc
import os
import subprocess
import sys
import weakref
from pathlib import Path

import pytest

from foregone.dask import DaskExecutor
from model_tests import process_calls as calls
from model_tests.chain.command import ROOT
from model_tests.dask.clusters import LIMIT, PATIENCE, Foreign, pids, tasks, until
from model_tests.dask.on_cluster import hold
from model_tests.process_calls import House
from model_tests.process_world import gone
from model_tests.test_docs_blocks import BLOCK, DASK, TEXTS

pytestmark = pytest.mark.timeout(LIMIT)


def test_with_runs_what_was_accepted_and_leaves_the_client(
    executor: DaskExecutor, client: Foreign, house: House
) -> None:
    with executor:
        futures = [executor.submit(calls.value, house.log, each) for each in range(20)]
    assert all(each.done() for each in futures)
    assert sorted(house.begun()) == list(range(20))
    with pytest.raises(RuntimeError, match="cannot schedule new futures after shutdown"):
        executor.submit(int)
    executor.shutdown()
    assert client.status == "running"
    assert client.submit(int, "3", pure=False).result(PATIENCE) == 3


def test_shutdown_without_waiting_runs_what_was_accepted(
    executor: DaskExecutor, house: House
) -> None:
    with house.opened():
        futures = hold(executor, house)
        futures += [executor.submit(calls.value, house.log, each) for each in range(5)]
        executor.shutdown(wait=False)
        assert not futures[0].done()
    executor.shutdown()
    assert all(each.done() for each in futures)
    assert len(house.begun()) == 7


def test_shutdown_cancels_what_no_worker_has_claimed(once: DaskExecutor, house: House) -> None:
    with house.opened():
        held = hold(once, house)
        waits = [once.submit(calls.value, house.log, each) for each in range(20)]
        assert until(lambda: len(once.inspect().offered) == 20)
        once.shutdown(wait=False, cancel_futures=True)
        assert all(each.cancelled() for each in waits)
        assert not any(each.done() for each in held)
        once.shutdown(wait=False)  # takes nothing back
    once.shutdown()
    assert [each.result() for each in held] == [calls.value_of(-1), calls.value_of(-2)]
    assert sorted(house.begun()) == [-2, -1]


def test_shutdown_takes_few_connections_however_much_it_cancels(
    client: Foreign, once: DaskExecutor, house: House
) -> None:
    """One for each call kept the echo from being asked for: the scheduler seemed to be lost."""
    with house.opened():
        held = hold(once, house)
        waits = [once.submit(calls.value, house.log, each) for each in range(1000)]
        assert until(lambda: not once.inspect().queued)
        before = client.rpc.open
        once.shutdown(wait=False, cancel_futures=True)
        assert all(each.cancelled() for each in waits)
        client.run_on_scheduler(tasks)  # whose request is made after the first of those
        asks = once._pool.cluster._requests
        assert until(lambda: not asks._forgetting)
        assert client.rpc.open <= before + 5
    once.shutdown()
    assert [each.result() for each in held] == [calls.value_of(-1), calls.value_of(-2)]


def test_shutdown_without_claims_waits_for_what_was_offered(client: Foreign, house: House) -> None:
    executor = DaskExecutor(client, at_most_once=False)
    with house.opened():
        futures = hold(executor, house)
        futures += [executor.submit(calls.value, house.log, each) for each in range(5)]
        assert until(lambda: all(each.running() for each in futures))
        executor.shutdown(wait=False, cancel_futures=True)
    executor.shutdown()
    assert not any(each.cancelled() for each in futures)
    assert len(house.begun()) == 7


def test_calls_of_an_executor_that_was_collected_run(client: Foreign, house: House) -> None:
    executor = DaskExecutor(client)
    pool = weakref.ref(executor._pool)
    futures = [executor.submit(calls.value, house.log, each) for each in range(10)]
    seen = weakref.ref(executor)
    del executor
    gc.collect()
    assert seen() is None
    assert [each.result(PATIENCE) for each in futures] == [calls.value_of(x) for x in range(10)]
    del futures
    assert until(lambda: not gc.collect() and pool() is None)  # its thread has ended


def test_a_cluster_that_was_started_for_it_ends_with_it() -> None:
    with DaskExecutor(max_workers=2) as executor:
        assert executor.at_most_once
        own = set(executor.map(_pid, range(20)))
        workers = pids(executor._pool.cluster.client)
        assert own <= set(workers.values())
        assert len(workers) == 2
    assert until(lambda: all(gone(pid) for pid in workers.values()))


def _pid(_: int) -> int:
    return os.getpid()


def test_a_forked_copy_takes_no_calls(executor: DaskExecutor, house: House) -> None:
    with house.opened():
        (future, _) = hold(executor, house)
        reads, writes = os.pipe()
        pid = os.fork()
        if pid == 0:  # only os._exit leaves this branch
            said = b"nothing"
            try:
                executor.submit(int)
            except RuntimeError as error:
                said = f"{error} / {future.exception(0)}".encode()
            finally:
                os.write(writes, said)
                os._exit(0)
        os.close(writes)
        with os.fdopen(reads) as file:
            told = file.read()
        os.waitpid(pid, 0)
    assert "cannot schedule new futures after fork" in told
    assert "this call was pending in the parent" in told
    assert future.result(PATIENCE) == calls.value_of(-1)


_EXITS = """
import atexit, sys
from foregone.dask import DaskExecutor
from model_tests import process_calls as calls
from model_tests.chain.command import ROOT

if __name__ == "__main__":
    executor = DaskExecutor({client}, at_most_once={once})
    atexit.register(lambda: print([future.result(0) for future in futures], flush=True))
    futures = [executor.submit(calls.value, sys.argv[1], each) for each in range(10)]
"""


@pytest.mark.parametrize("once", [True, False])
@pytest.mark.parametrize("own", [True, False])
def test_the_interpreter_waits_for_what_was_accepted(
    client: Foreign, house: House, tmp_path: Path, own: bool, once: bool
) -> None:
    program = tmp_path / "program.py"
    address = "max_workers=1" if own else repr(client.scheduler.address)
    text = _EXITS.format(client=address, once=once)
    program.write_text(text)
    ran = subprocess.run(
        [sys.executable, str(program), house.log],
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.strip() == str([calls.value_of(each) for each in range(10)])
    assert sorted(house.begun()) == list(range(10))


def _documented() -> list[tuple[str, str | None]]:
    """Return each program of the documentation that needs Dask, and what it prints."""
    texts = [*TEXTS.values(), (ROOT / "README.md").read_text(encoding="utf-8")]
    found = [each for text in texts for each in BLOCK.finditer(text) if DASK in each["code"]]
    return [(each["code"], each["prints"]) for each in found]


@pytest.mark.parametrize(("code", "prints"), _documented())
def test_the_programs_of_the_documentation(code: str, prints: str | None, tmp_path: Path) -> None:
    program = tmp_path / "program.py"
    program.write_text(code, encoding="utf-8")
    ran = subprocess.run(
        [sys.executable, str(program)],
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout == (prints or "True 2500\n")


def test_there_are_programs() -> None:
    assert len(_documented()) == 2
