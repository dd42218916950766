"""What observers are told on real clusters: files that are runs of the specification."""

import json
import os
import signal
from pathlib import Path
from typing import Any

import pytest

from foregone import JSONLines
from foregone.dask import DaskExecutor, SchedulerLost, WorkerLost
from foregone.events import Event
from foregone.events_command import main
from foregone.json_lines import read
from model_tests import process_calls as calls
from model_tests.dask.at_loss import ALLOWED, dies
from model_tests.dask.clusters import LIMIT, PATIENCE, Foreign, apart, client_of, local, until
from model_tests.dask.on_cluster import Unpicklable, hold
from model_tests.dask_runs import wrongly_accepted
from model_tests.process_calls import House

pytestmark = pytest.mark.timeout(LIMIT)

BOTH = pytest.mark.parametrize("once", [True, False])


def closed(file: Path) -> list[Event]:
    """Return the events of a file, once the last was written."""
    assert until(lambda: '"Closed"' in file.read_text())
    return list(read(file))


def judged(file: Path, capsys: pytest.CaptureFixture[str]) -> list[Event]:
    """Have a file checked at the command line, and every corruption of it rejected."""
    events = closed(file)
    code = main(["check", str(file)])
    said = capsys.readouterr().out
    assert code == 0, said
    assert ": accepted: " in said
    assert " of DaskCalls(" in said
    tried, passed = wrongly_accepted(events)
    assert not passed
    assert tried > len(events)
    return events


@BOTH
def test_a_run_in_which_a_worker_is_killed(
    house: House, tmp_path: Path, once: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "calls.jsonl"
    with (
        local(2) as client,
        DaskExecutor(client, at_most_once=once, observer=JSONLines(file)) as executor,
        house.opened(),
    ):
        held = hold(executor, house)
        waits = [executor.submit(calls.value, house.log, each) for each in range(20)]
        assert until(lambda: len(executor.inspect().queued) == 0)
        assert not any(each.cancel() for each in held)  # after the claim
        cancelled = [each for each in waits[::2] if each.cancel()]  # and before it
        assert len(cancelled) == (10 if once else 0)
        assert executor.submit(calls.same, Unpicklable()).exception(PATIENCE)
        os.kill(house.pid(-1), signal.SIGKILL)
        if once:
            assert isinstance(held[0].exception(PATIENCE), WorkerLost)
        else:
            assert until(lambda: house.begun().count(-1) == 2)
    events = judged(file, capsys)
    claims = [each.call for each in events if each.action == "Claimed"]
    assert len(claims) == len(set(claims)) == (12 if once else 0)
    gone = [each.more["address"] for each in events if each.action == "Remove"]
    assert len(gone) == once
    ends = {each.call: each.after for each in events if each.after in ("FINISHED", "CANCELLED")}
    assert len(ends) == 23 - len(cancelled)


def test_a_run_in_which_calls_are_offered_again(
    house: House, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """They were on a worker that died of another call, and Dask gave them up with it."""
    file = tmp_path / "calls.jsonl"
    with (
        local(1, **{ALLOWED: 0}) as client,
        DaskExecutor(client, observer=JSONLines(file)) as executor,
    ):
        with house.opened():
            bad = executor.submit(dies, house.log, 100, "SIGKILL", house.gate)
            rest = [executor.submit(calls.value, house.log, each) for each in range(5)]
            assert until(lambda: house.begun() and len(executor.inspect().offered) == 5)
        assert isinstance(bad.exception(PATIENCE), WorkerLost)
        assert [each.result(PATIENCE) for each in rest] == [calls.value_of(x) for x in range(5)]
    events = judged(file, capsys)
    recalled = {each.call for each in events if each.what == "recall"}
    assert recalled
    for call in recalled:
        offers = [each for each in events if each.action == "Offer" and each.call == call]
        assert len(offers) > 1
        assert len({each.more["number"] for each in offers}) == len(offers)


@BOTH
def test_a_run_that_is_shut_down_with_cancel_futures(
    client: Foreign, house: House, tmp_path: Path, once: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "calls.jsonl"
    executor = DaskExecutor(client, at_most_once=once, observer=JSONLines(file))
    with house.opened():
        hold(executor, house)
        waits = [executor.submit(calls.value, house.log, each) for each in range(20)]
        assert until(lambda: len(executor.inspect().queued) == 0)
        executor.shutdown(wait=False, cancel_futures=True)
        assert [each.cancelled() for each in waits] == [once] * 20
        with pytest.raises(RuntimeError):
            executor.submit(int)
    executor.shutdown()
    events = judged(file, capsys)
    assert next(each.after for each in events if each.action == "Ask") == "CANCELLING"
    assert [each.what for each in events if each.action == "ShutdownReturns"] == [""]


@BOTH
def test_a_run_that_ends_with_the_scheduler(
    house: House, tmp_path: Path, once: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "calls.jsonl"
    with apart(tmp_path, 1) as cluster, client_of(cluster.address, 1) as client:
        executor = DaskExecutor(client, at_most_once=once, observer=JSONLines(file))
        (held,) = hold(executor, house, 1)
        waits = [executor.submit(calls.value, house.log, each) for each in range(10)]
        cluster.kill()
        assert isinstance(held.exception(PATIENCE), SchedulerLost)
        executor.shutdown()
        assert all(each.exception(0) for each in waits)
    events = judged(file, capsys)
    assert "break" in [each.what for each in events if each.action == "Ask"]


def test_what_was_written_is_counted_told_and_drawn(
    once: DaskExecutor, client: Foreign, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "calls.jsonl"
    with DaskExecutor(client, observer=JSONLines(file)) as executor:
        assert sum(executor.map(abs, range(-6, 6))) == 36
    events = judged(file, capsys)
    workers = {each.worker for each in events if each.action == "Claimed"}
    assert 0 not in workers  # an answer says whose it is
    assert main(["count", str(file)]) == 0
    said = capsys.readouterr().out
    for line in ("12  Claimed", "12  Offer", "12  Free answer", "12  Submit queued", "1  Closed"):
        assert line in said
    assert main(["trace", str(file)]) == 0
    assert f"accepted: {len(events) - 1 - len(workers)} steps" in capsys.readouterr().out
    assert main(["perfetto", str(file)]) == 0
    marks: Any = json.loads(capsys.readouterr().out)["traceEvents"]
    assert len([each for each in marks if each["ph"] == "X"]) == 12
    tracks = {each["args"]["name"] for each in marks if each["name"] == "thread_name"}
    addresses = client.scheduler_info()["workers"]
    assert {f"({each})" for each in addresses} >= {
        each.split()[2] for each in tracks if each.startswith("Worker") and "," not in each
    }
