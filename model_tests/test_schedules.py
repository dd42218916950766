"""The scheduler finds what it must find, and schedules repeat; the races, in small."""

import threading
from collections.abc import Callable, Iterator

import pytest

from model_tests import schedule_pools, schedule_programs, schedule_races
from model_tests.chain import schedules
from model_tests.schedule_cells import Cell
from model_tests.schedule_defects import defects, hunt
from model_tests.schedule_explore import (
    Case,
    Found,
    Program,
    bench,
    explore,
    parsed,
    sample,
    text,
)
from model_tests.schedule_library import Edit, Library, load
from model_tests.schedule_standins import Gate, List, Lock
from model_tests.scheduler import Scheduler

Make = Callable[[Library, Scheduler], Case]


def run(make: Make, bound: int = 2) -> Found:
    with bench() as on:
        return explore(on, Program("a small program", make), bound)


class Shared:
    """A number whose reads and writes are scheduling points."""

    def __init__(self, scheduler: Scheduler) -> None:
        self._scheduler = scheduler
        self._cell: Cell = scheduler.cell("number")
        self._number = 0

    def get(self) -> int:
        self._scheduler.touch(self._cell, False)
        return self._number

    def set(self, number: int) -> None:
        self._scheduler.touch(self._cell, True)
        self._number = number


def two_adders(locked: bool) -> Make:
    def make(_: Library, scheduler: Scheduler) -> Case:
        shared, lock = Shared(scheduler), Lock(scheduler)

        def add() -> None:
            if locked:
                with lock:
                    shared.set(shared.get() + 1)
            else:
                shared.set(shared.get() + 1)

        def check() -> Iterator[str]:
            if shared.get() != 2:
                yield f"the sum is {shared.get()}"

        return Case([("one", add), ("other", add)], check)

    return make


def test_a_lost_update_is_found() -> None:
    found = run(two_adders(locked=False), bound=1)
    assert found.failure is not None
    assert found.failure.complaints == ("the sum is 1",)
    assert "writes number" in found.failure.story[-1]


def test_a_lock_prevents_it() -> None:
    found = run(two_adders(locked=True), bound=5)
    assert found.failure is None
    assert found.complete
    assert found.schedules > 1


def test_without_preemption_it_is_not_found() -> None:
    assert run(two_adders(locked=False), bound=0).failure is None


def test_a_failure_repeats() -> None:
    with bench() as on:
        program = Program("adders", two_adders(locked=False))
        failure = explore(on, program).failure
        assert failure is not None
        written = text(failure.schedule)
        assert parsed(written) == failure.schedule
        again = on.replay(program, parsed(written))
    assert again == failure
    assert "adders" in str(failure)
    assert written in str(failure)


def crosswise(_: Library, scheduler: Scheduler) -> Case:
    left, right = Lock(scheduler), Lock(scheduler)

    def take(first: Lock, second: Lock) -> None:
        with first, second:
            pass

    bodies: list[tuple[str, Callable[[], object]]] = [
        ("one", lambda: take(left, right)),
        ("other", lambda: take(right, left)),
    ]
    return Case(bodies, lambda: iter(()))


def test_a_deadlock_is_found_and_says_who_waits_for_what() -> None:
    failure = run(crosswise).failure
    assert failure is not None
    (complaint,) = failure.complaints
    assert complaint.startswith("deadlock: one waits for lock#2; other waits for lock#1")


def sleeper(timeout: float) -> Make:
    def make(_: Library, scheduler: Scheduler) -> Case:
        gate = Gate(scheduler)
        gate.acquire()
        passed: list[bool] = []

        def wait() -> None:
            passed.append(gate.acquire(timeout=timeout))
            passed.append(scheduler.now() == timeout)

        def check() -> Iterator[str]:
            if passed[0]:
                yield "passed"
            elif not passed[1]:
                yield "the clock stands still"

        bodies: list[tuple[str, Callable[[], object]]] = [("sleeper", wait)]
        if timeout != 7:
            bodies.append(("opener", gate.release))
        return Case(bodies, check)

    return make


def test_a_wait_may_time_out_and_the_clock_moves() -> None:
    found = run(sleeper(7))
    assert found.failure is None
    assert found.schedules == 1


def test_a_wait_may_pass_too() -> None:
    failure = run(sleeper(8)).failure
    assert failure is not None
    assert failure.complaints == ("passed",)


def test_a_wait_without_limit_does_not_time_out() -> None:
    with bench() as on:
        failure = explore(on, Program("sleeper", sleeper(-1))).failure
    assert failure is not None
    assert failure.complaints == ("passed",)


def test_a_schedule_that_does_not_fit_says_so() -> None:
    with bench() as on:
        told = on.replay(Program("adders", two_adders(locked=True)), parsed("0 5"))
    assert told.complaints == ("the schedule does not fit the program at step 1",)


def test_an_endless_loop_is_ended() -> None:
    def make(_: Library, scheduler: Scheduler) -> Case:
        shared = Shared(scheduler)

        def spin() -> None:
            while not shared.get():
                pass

        return Case([("spinner", spin)], lambda: iter(()))

    failure = run(make).failure
    assert failure is not None
    assert failure.complaints[0].startswith("no end after")


def test_a_task_that_catches_everything_is_left_behind() -> None:
    def make(_: Library, scheduler: Scheduler) -> Case:
        gate = Gate(scheduler)
        gate.acquire()

        def stubborn() -> None:
            while True:
                try:
                    gate.acquire()
                except BaseException:
                    pass

        return Case([("stubborn", stubborn)], lambda: iter(()))

    before = threading.active_count()
    failure = run(make).failure
    assert failure is not None
    assert failure.complaints[0].startswith("deadlock")
    assert threading.active_count() <= before + 2  # it was run, and replayed


@pytest.mark.parametrize("copies", [True, False])
def test_a_loop_sees_the_living_list_and_a_copy_does_not(copies: bool) -> None:
    def make(_: Library, scheduler: Scheduler) -> Case:
        shared: List[int] = List(scheduler, "numbers", [1, 2, 3])
        seen: list[int] = []

        def read() -> None:
            if copies:
                seen.extend(tuple(shared))
            else:
                for each in shared:
                    seen.append(each)  # noqa: PERF402  that is what is tested

        def check() -> Iterator[str]:
            if seen not in ([1, 2, 3], [2, 3]):
                yield f"seen: {seen}"

        return Case([("reader", read), ("remover", lambda: shared.remove(1))], check)

    failure = run(make).failure
    assert (failure is None) == copies


def test_caching_loses_no_outcome() -> None:
    """All 20 orders of two tasks of three commands each are outcomes, at bound 5."""
    seen: set[tuple[str, ...]] = set()

    def make(_: Library, scheduler: Scheduler) -> Case:
        shared = Shared(scheduler)
        order: list[str] = []

        def body(name: str) -> None:
            for _ in range(3):
                shared.set(0)
                order.append(name)

        def check() -> Iterator[str]:
            seen.add(tuple(order))
            return iter(())

        return Case([("a", lambda: body("a")), ("b", lambda: body("b"))], check)

    found = run(make, bound=5)
    assert len(seen) == 20
    assert found.failure is None


# ------------------------------------------------------------------ the library


def test_the_library_is_given_back() -> None:
    library = load()
    kinds = (library.future.Future, library.pool.Pool, library.waiting._Waiter, library.clock)
    before = [dict(vars(each)) for each in kinds]
    with bench():
        assert [dict(vars(each)) for each in kinds] != before
    assert [dict(vars(each)) for each in kinds] == before


def test_a_copy_leaves_the_library_alone() -> None:
    copy = load((Edit("pool", "lock", "lock"),))
    assert copy.future.Future is not load().future.Future
    assert load().future.Future is load().future.Future


def test_an_edit_that_does_not_fit_is_an_error() -> None:
    with pytest.raises(LookupError, match="occurrence 0 of 'no such text'"):
        load((Edit("future", "no such text", ""),))


@pytest.mark.parametrize("written", ["owned: cancel | swim", "pool 1: swim"])
def test_a_program_that_is_none_is_an_error(written: str) -> None:
    with pytest.raises(ValueError, match="what is"):
        schedules.program(written)


@pytest.mark.parametrize("written", schedule_programs.PAIRS)
def test_pairs_with_one_preemption(written: str) -> None:
    with bench() as on:
        found = explore(on, schedule_races.program(written), 1)
        assert found.failure is None, str(found.failure)
        assert on.repeats(schedule_races.program(written), 1)


@pytest.mark.parametrize(
    "written",
    [*schedule_programs.TRIPLES, *schedule_programs.TWO_FUTURES, *schedule_programs.LARGE_POOLS],
)
def test_a_sample_of_the_larger_programs(written: str) -> None:
    with bench() as on:
        found = sample(on, schedules.program(written), range(60))
    assert found.failure is None, str(found.failure)


@pytest.mark.parametrize("written", [each for each, _ in schedule_programs.POOLS])
def test_pools_without_preemption(written: str) -> None:
    with bench() as on:
        found = explore(on, schedule_pools.program(written), 0)
    assert found.failure is None, str(found.failure)


def test_a_seeded_defect_is_found_in_a_copy() -> None:
    defect = next(each for each in defects() if each.name == "future._decide takes no lock")
    hunted = hunt(defect)
    assert hunted.failure is not None
    assert hunted.failure.complaints


def test_replay_of_the_command_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert schedules.main(["--replay", "owned: cancel | start", "0 1*3"]) == 0
    told = capsys.readouterr().out
    assert "takes lock" in told
    assert "nothing is wrong" in told
