"""The bench measures what it says: the ideal, the checks of results, who hangs or is absent.

No figure is tested, and no peer needed: who is compared here comes with Python.
"""

import pathlib
import re
from itertools import permutations

import pytest

from bench import driver, observed, peers, processes, tasks
from bench.beside import Beside
from bench.contest import Entrant, hold
from bench.matrix import Column, Row, Workload, workloads
from bench.settings import Setting, WrongResult, greedy, of_ideal

TRIPS = Column("time", "us/call", 1e6, aims=(("standard", ">= 2"),))


def workload(*rows: Row, kind: str = "trips", seconds: float = 60.0) -> Workload:
    return Workload("a title", kind, rows, (TRIPS,), calls=20, workers=1, seconds=seconds)


def one(entrants: list[Entrant]) -> Entrant:
    (entrant,) = entrants
    return entrant


def test_ideal_is_greedy_list_scheduling() -> None:
    assert greedy([], 2) == 0
    assert greedy([3, 1, 1, 1], 2) == 3
    assert greedy([1, 1, 1, 3], 2) == 4  # in order: the long one comes last
    for durations in permutations([1.0, 2.0, 4.0, 8.0]):
        assert sum(durations) / 2 <= greedy(list(durations), 2) <= sum(durations)
        assert greedy(list(durations), 1) == 15


def test_makespan_is_put_beside_the_ideal_of_each_clock() -> None:
    ratios = of_ideal(4.0, [(2.0, 1.0), (2.0, 1.0)], 1)
    assert ratios == {"clock": 1.0, "processor": 2.0}


def test_every_subject_runs_in_rounds() -> None:
    entrants = hold(workload(Row("standard"), Row("pool", every=2)), 3, 1.0, 1.0, ())
    assert [sorted(each.runs) for each in entrants] == [[0, 1, 2], [0, 2]]
    assert not [each.failure for each in entrants if each.failure]
    assert all(run["time"] > 0 for each in entrants for run in each.runs.values())


def test_who_does_not_answer_in_time_is_killed_and_named() -> None:
    entrant = one(hold(workload(Row("standard"), seconds=0.0), 2, 1.0, 1.0, ()))
    assert entrant.failure == "failed in run 1: killed: no answer within 0 s"
    assert entrant.driver is None
    assert processes.line(TRIPS, None, entrant).endswith("no answer within 0 s")


def test_who_raises_is_named() -> None:
    entrant = one(hold(workload(Row("standard", "no such map"), kind="map"), 1, 1.0, 1.0, ()))
    assert entrant.failure == "failed in run 1: KeyError: 'no such map'"


def test_who_is_not_installed_is_absent(
    monkeypatch: pytest.MonkeyPatch, tmp_path: pathlib.Path
) -> None:
    nowhere = tmp_path / "requirements.txt"
    nowhere.write_text("")
    monkeypatch.setattr(peers, "PEERS", Beside("nothing", nowhere))
    entrant = one(hold(workload(Row("loky")), 1, 1.0, 1.0, ()))
    assert entrant.failure == "absent: it is not installed"
    assert "loky absent" in processes.versions()


@pytest.mark.parametrize("size", [1_000, 1 << 20])
@pytest.mark.parametrize("kind", ["bytes", "buffer"])
def test_a_payload_that_comes_out_changed_is_found(kind: str, size: int) -> None:
    sent, other = (tasks.make(kind, size, number) for number in (1, 2))
    there = Setting("standard", "payload", "there")
    back = Setting("standard", "payload", "echo")
    driver.verify(there, sent, tasks.mark(sent))
    driver.verify(back, sent, tasks.make(kind, size, 1))
    for setting, got in ((there, tasks.mark(other)), (back, other)):
        with pytest.raises(WrongResult):
            driver.verify(setting, sent, got)


def test_every_workload_has_its_measure_and_its_foregone() -> None:
    for each in workloads():
        assert each.kind in driver.WORKLOADS
        assert {row.subject for row in each.rows} >= {"foregone", "standard"}


def test_the_copy_without_looks_is_a_library_that_looks_nowhere(tmp_path: pathlib.Path) -> None:
    """Each file of it is compiled as it is made."""
    copy = observed.without_looks(tmp_path)
    texts = {path.relative_to(copy): path.read_text() for path in copy.rglob("*.py")}
    assert len(texts) == len([*(observed.ROOT / "impl").rglob("*.py")])
    assert not [path for path, text in texts.items() if re.search(r"observer\.log \+= \(", text)]
