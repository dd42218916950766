"""The process pool's parent side under a scheduler, in small; and what shrinks and reduces."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from model_tests import schedule_reduction
from model_tests.chain import schedules, schedules_deep
from model_tests.chain.verdict import Row
from model_tests.process_schedule_defects import NONE, defects, hunt, quick
from model_tests.process_schedule_library import bench, load
from model_tests.process_schedule_programs import LARGE, SMALL
from model_tests.process_schedules import program
from model_tests.schedule_explore import Bench, Case, Program, explore, parsed, sample, text
from model_tests.schedule_library import Library
from model_tests.schedule_shrink import following, kind, runs_of, shrunk
from model_tests.schedule_standins import Lock
from model_tests.scheduler import Scheduler


@pytest.fixture(scope="module")
def on() -> Iterator[Bench]:
    """Yield the process pool's rooms under a scheduler."""
    with bench() as made:
        yield made


@pytest.mark.parametrize("written", [each for each, _ in SMALL])
def test_small_programs_without_preemption(on: Bench, written: str) -> None:
    found = explore(on, program(written), 0)
    assert found.failure is None, str(found.failure)
    assert on.repeats(program(written), 1)


@pytest.mark.parametrize("written", LARGE)
def test_a_sample_of_the_larger_programs(on: Bench, written: str) -> None:
    found = sample(on, program(written), range(4))
    assert found.failure is None, str(found.failure)
    assert on.repeats(program(written), 5)


def test_a_death_comes_before_a_cancel_and_after_it(on: Bench) -> None:
    on.endings = set()
    assert explore(on, program("process 1 before death@1: cancel"), 0).failure is None
    endings, on.endings = on.endings, None
    assert any("CANCELLED" in each and "BROKEN" in each for each in endings)
    assert any("FINISHED" in each and "BROKEN" in each for each in endings)


def test_a_program_that_is_none_is_an_error() -> None:
    with pytest.raises(ValueError, match="what is"):
        schedules.program("process 1: swim")


def test_the_rooms_are_given_back() -> None:
    library = load()
    kinds = (library.rooms.Pool, library.call_queue.CallQueue, library.sync, library.local_worker)
    before = [dict(vars(each)) for each in kinds]
    with bench():
        assert [dict(vars(each)) for each in kinds] != before
    assert [dict(vars(each)) for each in kinds] == before


def test_replay_of_the_command_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert schedules.main(["--replay", "process 1: submit", "0*3"]) == 0
    told = capsys.readouterr().out
    assert "takes lock" in told
    assert "nothing is wrong" in told


# --------------------------------------------------------------- seeded defects


def test_a_copy_without_a_defect_is_not_convicted() -> None:
    library = load(NONE.edits)
    assert library.rooms is not load().rooms
    with bench(library) as on:
        for written, bound in SMALL:
            assert explore(on, program(written), 0 * bound, 40).failure is None
        assert sample(on, program(LARGE[0]), range(6)).failure is None


def test_a_copy_leaves_the_simulation_alone() -> None:
    from model_tests.simulation import world

    before = world.World
    assert load(NONE.edits).world.World is not before
    assert world.World is before
    assert load().world.World is before


@pytest.mark.parametrize("name", [each.name for each in quick()][:3])
def test_a_seeded_defect_is_found(name: str) -> None:
    hunted = hunt(next(each for each in defects() if each.name == name))
    assert hunted.failure is not None, hunted.trouble
    assert hunted.failure.complaints


def test_quick_defects_are_some_of_all() -> None:
    assert len(quick()) >= 8
    assert {each.name for each in quick()} < {each.name for each in defects()}


def test_a_failing_schedule_is_shrunk_and_repeats() -> None:
    defect = next(
        each for each in defects() if each.name == "a ticket is posted after the slot is free"
    )
    with bench(load(defect.edits)) as on:
        big = program("process 2: submit; submit | submit; submit")
        failed = sample(on, big, range(50)).failure
        assert failed is not None
        small = shrunk(on, big, failed)
        assert len(runs_of(small.schedule)) < len(runs_of(failed.schedule))
        assert kind(small) == kind(failed)
        again = on.replay(big, parsed(text(small.schedule)))
    assert again.complaints == small.complaints


# ------------------------------------------------------------------ the scheduler


def nested(_: Library, scheduler: Scheduler) -> Case:
    scheduler.steps_whole = True
    lock, order = Lock(scheduler), list[str]()
    cell = scheduler.cell("number")

    def body(name: str) -> None:
        with lock:
            for _ in range(3):
                scheduler.touch(cell, True)
                order.append(name)

    def check() -> Iterator[str]:
        if order not in (list("aaabbb"), list("bbbaaa")):
            yield f"a step is not whole: {order}"

    return Case([("a", lambda: body("a")), ("b", lambda: body("b"))], check)


def test_what_is_under_a_lock_is_one_step_if_steps_are_whole(on: Bench) -> None:
    found = explore(on, Program("nested", nested), 9)
    assert found.failure is None
    assert found.steps / found.schedules < 12


def test_what_comes_last_comes_last_and_time_before_it() -> None:
    scheduler = Scheduler()

    class Never:
        def __init__(self) -> None:
            self.cell = scheduler.cell("never")

        def free(self) -> bool:
            return False

    try:
        scheduler.last = frozenset({"death"})
        scheduler.patient = True
        tasks = [scheduler.spawn(name, lambda: None) for name in ("death", "sleeper", "user")]
        tasks[1].waits, tasks[1].timed = Never(), True
        assert scheduler.enabled() == [4, 3, 0]
        scheduler.abandoning = True
    finally:
        for hand in scheduler._hands:
            hand.task = None
        scheduler.close()


def test_a_schedule_is_followed_where_it_can_be() -> None:
    pick = following([(0, 2), (6, 1), (2, 1)])
    assert [pick(None, [0, 2]) for _ in range(4)] == [0, 0, 2, 0]


# ------------------------------------------------------------------ the reduction


@pytest.mark.parametrize(("written", "bound"), schedule_reduction.ENDINGS[:6])
def test_the_reduction_loses_no_ending(written: str, bound: int) -> None:
    both = schedule_reduction.endings(written, bound)
    assert both.good, str(both)
    assert both.found[0] == both.found[1] > 1


@pytest.mark.parametrize(("written", "bound"), schedule_reduction.EDGES[-2:])
def test_the_reduction_loses_no_edge(written: str, bound: int) -> None:
    assert schedule_reduction.edges(written, bound).good


def test_a_reduction_that_forgets_what_came_before_what_is_noticed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def begins(self: Scheduler, *, again: bool = False) -> int:
        if again:
            self.step()
        return len(self.trace)

    monkeypatch.setattr(Scheduler, "begins", begins)
    monkeypatch.setattr(Scheduler, "ends", lambda self: len(self.trace))
    both = schedule_reduction.endings("owned: add | add | set_result", 1)
    assert not both.good
    assert "lost" in str(both)
    assert not schedules.reduction_row([both], 0.0).ok


# -------------------------------------------------------------------- what is kept


def test_a_row_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(schedules_deep, "KEPT", tmp_path / "kept.json")
    schedules_deep.keep("future", Row("one", "e", "b", "3 schedules", 1.0, True))
    schedules_deep.keep("future", Row("two", "e", "b", "4 schedules", 1.0, False))
    kept = json.loads((tmp_path / "kept.json").read_text())
    assert [kept[each]["ok"] for each in ("one", "two")] == [True, False]
    assert kept["one"]["commit"]


def test_a_program_that_is_not_run_through_is_said_to_be_so() -> None:
    job = schedules.Job("owned: wait | wait", 3, most=5)
    assert not schedules.do(job).complete
    assert schedules.do(schedules.Job("owned: cancel | start", 1)).complete


def test_all_schedules_of_a_small_program_take_all_edges() -> None:
    done = schedules_deep.whole("owned: cancel | start")
    assert not done.failure
    assert not done.missing
    assert done.schedules > 50
