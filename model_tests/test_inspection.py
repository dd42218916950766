"""``executor.inspect()``: what it shows is what is there, whoever holds the pool's locks."""

import functools
import gc
import os
import signal
import threading
import weakref
from collections.abc import Iterator, Sized
from dataclasses import dataclass
from functools import partial
from multiprocessing import get_all_start_methods, get_context
from typing import Final, Literal, TypeAlias

import pytest

from foregone import ProcessPoolExecutor, clock, wait
from foregone.called import call_name
from foregone.inspection import SECONDS, TRIES, agreed, lines
from foregone.inspection_process import ProcessPoolView
from foregone.process_pool import dispatch
from foregone.process_pool.local_worker import LocalWorker
from foregone.process_pool.ports import Process
from foregone_spec import process_pool_actions as act
from foregone_spec.future import State
from foregone_spec.lifecycle import Phase
from foregone_spec.process_pool import ProcessPoolModel
from foregone_spec.process_pool_state import ProcessPoolState
from foregone_spec.rooms import row

METHODS = get_all_start_methods()
Policy: TypeAlias = Literal["break", "replace"]
POLICIES: Final[tuple[Policy, ...]] = ("break", "replace")
LINUX = os.path.exists("/proc/self/stat")


@dataclass
class Door:
    """A call waits behind it until it is opened; it says when it has come."""

    came: tuple[int, int]
    opened: tuple[int, int]

    def come(self) -> int:
        os.read(self.came[0], 1)
        return self.opened[1]

    def open(self, times: int = 1) -> None:
        os.write(self.opened[1], b"!" * times)


@pytest.fixture
def door() -> Iterator[Door]:
    made = Door(os.pipe(), os.pipe())
    for fd in (made.came[1], made.opened[0]):
        os.set_inheritable(fd, True)
    yield made
    for fd in (*made.came, *made.opened):
        os.close(fd)


def waits(came: int, opened: int) -> int:
    """Say that this call has begun; return when it may."""
    os.write(came, b"!")
    return len(os.read(opened, 1))


@pytest.fixture(autouse=True)
def _no_lane_stands(monkeypatch: pytest.MonkeyPatch) -> None:
    """Else what a test wants in the Call Q is not offered, on a machine that is slow."""
    monkeypatch.setattr(dispatch, "look", lambda _: False)


def forked(workers: int = 1) -> ProcessPoolExecutor:
    """Return a pool whose processes have the descriptors of every door that there is."""
    return ProcessPoolExecutor(workers, get_context("fork"))


# ------------------------------------------------------------------- process pools


def test_a_pool_that_nobody_has_used() -> None:
    with ProcessPoolExecutor(2) as executor:
        view = executor.inspect()
    assert view.consistent
    assert view.state == view.model.initial()[0]
    assert view.may_follow() == (act.Submit(1), act.Shutdown(1))
    assert view.violated() == ()
    assert view.pids == ()
    assert view.work_ids == (1,)


def test_each_call_stands_in_its_room(door: Door) -> None:
    with forked() as executor:
        executor.submit(abs, -1).result()
        futures = [executor.submit(waits, door.came[1], door.opened[0]) for _ in range(20)]
        door.come()
        view = executor.inspect()
        now = view.state
        door.open(20)
        wait(futures)
    assert view.consistent
    assert view.violated() == ()
    assert view.work_ids[now.runs[0] - 1] == 2  # the first is through
    assert now.processes == ("running",)
    assert now.begun[0] == 1
    assert sum(now.begun) == 1
    assert set(now.call_queue) | set(now.work_ids) == set(range(2, 21))
    assert len(now.call_queue) == 15  # a slot is taken by what runs
    assert now.futures == (State.PENDING,) * 21  # nobody has asked about the one that runs
    assert now.calls == ("accepted",) * 20 + ("out",)
    assert act.Finish(1) in view.may_follow()
    assert act.Cancel(now.runs[0]) not in view.may_follow()
    assert act.Cancel(now.call_queue[0]) in view.may_follow()


def test_answers_that_the_parent_has_not_read_are_in_the_result_q(door: Door) -> None:
    with forked() as executor:
        futures = [executor.submit(waits, door.came[1], door.opened[0]) for _ in range(3)]
        with executor._pool.lock:  # the local worker cannot go on
            for each in range(2):
                door.come()
                door.open(not each)
            view = executor.inspect()
        door.open(3)
        wait(futures)
    assert view.state.result_queue == ((1,),)
    assert view.state.runs == (2,)
    assert view.state.call_queue == (3,)


def test_it_takes_no_lock(door: Door) -> None:
    """With every lock of the pool held, by another thread or by the caller, it returns."""
    with forked() as executor:
        future = executor.submit(waits, door.came[1], door.opened[0])
        door.come()
        (queue,) = executor._pool.queues
        with executor._pool.lock, queue.lock:
            here = executor.inspect()
            seen = list[ProcessPoolState]()
            other = threading.Thread(target=lambda: seen.append(executor.inspect().state))
            other.start()
            other.join()
        door.open()
        assert future.result() == 1
    assert here.consistent
    assert here.state.runs == seen[0].runs == (1,)


def test_a_death_that_the_pool_has_not_seen_is_shown(door: Door) -> None:
    executor = forked(2)
    future = executor.submit(waits, door.came[1], door.opened[0])
    door.come()
    with executor._pool.lock:  # the local worker cannot look
        before = executor.inspect()
        at = before.state.processes.index("running")
        pid = before.pids[at]
        os.kill(pid, signal.SIGKILL)
        os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
        view = executor.inspect()
    assert view.state.processes[at] == "dead"
    assert view.state.runs[at] == 1
    assert act.SeeDeath(at + 1) in view.may_follow() or not view.state.awake
    assert isinstance(future.exception(), BaseException)
    executor.shutdown()
    over = executor.inspect()
    assert over.state.phase is Phase.BROKEN
    assert over.state.processes == ("unborn", "unborn")
    assert over.local_worker == "ended"


@pytest.mark.skipif(not LINUX, reason="the system does not tell")
def test_a_process_that_is_stopped_is_said_to_be_stopped(door: Door) -> None:
    with forked() as executor:
        future = executor.submit(waits, door.came[1], door.opened[0])
        door.come()
        (pid,) = executor.inspect().pids
        os.kill(pid, signal.SIGSTOP)
        os.waitid(os.P_PID, pid, os.WSTOPPED | os.WNOWAIT)
        view = executor.inspect()
        os.kill(pid, signal.SIGCONT)
        door.open()
        assert future.result() == 1
    assert view.kernel == ("stopped",)
    assert f"Process #1: pid {pid}, stopped" in str(view)


@pytest.mark.parametrize(
    ("method", "policy"),
    [(each, how) for each in METHODS for how in POLICIES if (each, how) != ("fork", "replace")],
)
def test_a_consistent_view_breaks_no_invariant(method: str, policy: Policy) -> None:
    """While calls come, are cancelled and end: each view that is of one moment is a state."""
    executor = ProcessPoolExecutor(2, get_context(method), on_process_death=policy)
    futures = [executor.submit(abs, number) for number in range(300)]
    views = [executor.inspect()]
    for future in reversed(futures):
        future.cancel()
        views.append(executor.inspect())
    executor.shutdown(wait=False)
    views.append(executor.inspect())
    wait(futures)
    executor.shutdown()
    views.append(executor.inspect())
    wrong = [(each.violated(), str(each)) for each in views if each.consistent and each.violated()]
    assert not wrong, wrong[0]
    assert sum(each.consistent for each in views) > len(views) // 2
    assert views[-1].state.work_ids == views[-1].state.call_queue == ()


def test_a_pool_that_is_being_started_is_about_to_start_processes() -> None:
    """Seen from the first ``submit``, in which nothing sleeps."""
    executor = ProcessPoolExecutor(2, get_context("fork"))
    views: list[ProcessPoolView] = []
    begin = LocalWorker.begin

    def looks(worker: LocalWorker) -> None:
        views.append(executor.inspect())
        begin(worker)
        views.append(executor.inspect())

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(LocalWorker, "begin", looks)
        future = executor.submit(abs, -1)
    assert future.result() == 1
    executor.shutdown()
    assert views[0].consistent
    assert views[0].state.work_ids == (1,)
    assert views[0].local_worker == "being started"
    assert views[0].violated() == ()
    assert not views[1].consistent or not views[1].violated()


def test_a_pool_of_more_processes_than_can_be_shown() -> None:
    with ProcessPoolExecutor(5000, get_context("spawn")) as executor:
        view = executor.inspect()
    assert view.state.processes == ()
    assert "Process #1..n" in str(view)


def test_nothing_is_asked_of_a_process_that_only_one_may_ask(
    door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who asks for an exit code takes it."""
    with forked() as executor:
        future = executor.submit(waits, door.came[1], door.opened[0])
        door.come()
        (queue,) = executor._pool.queues
        right = type(queue.process).ended
        who: list[int] = []

        def asked(process: Process) -> bool:
            who.append(threading.get_ident())
            return right(process)

        with monkeypatch.context() as patch:
            patch.setattr(type(queue.process), "ended", asked)
            view = executor.inspect()
        door.open()
        assert future.result() == 1
    assert view.state.processes == ("running",)
    assert threading.get_ident() not in who  # the local worker may


def test_many_calls_are_judged_in_time_that_grows_with_them(door: Door) -> None:
    """40,000 squared comparisons would not come to an end before the test is ended."""
    with forked() as executor:
        futures = [executor.submit(waits, door.came[1], door.opened[0])]
        door.come()
        futures += [executor.submit(int) for _ in range(40_000)]
        view = executor.inspect()
        door.open()
        executor.shutdown(cancel_futures=True)
    assert view.violated() == ()
    assert len(view.state.work_ids) + len(view.state.call_queue) == 40_000
    assert "(39,985)" in str(view)


def test_a_limit_on_calls_is_counted() -> None:
    with ProcessPoolExecutor(1, get_context("spawn"), max_tasks_per_child=3) as executor:
        executor.submit(abs, -1).result()
        with executor._pool.lock:
            view = executor.inspect()
    assert isinstance(view.model, ProcessPoolModel)
    assert view.model.max_tasks == 3
    assert view.state.used == (1,)


def test_it_reads_as_the_seeds_diagram(door: Door) -> None:
    with forked() as executor:
        futures = [executor.submit(waits, door.came[1], door.opened[0]) for _ in range(40)]
        door.come()
        view = executor.inspect()
        door.open(40)
        wait(futures)
    text = str(view)
    for room in ("Work Ids", "Work Items", "Local Worker Thread", "Call Q", "Result Q"):
        assert room in text
    assert "#1 running 1" in text
    assert ".. 40 (24)" in text
    assert "(40)" in text  # Work Items
    assert f"pid {view.pids[0]}" in text
    assert repr(view) == (
        f"<{view.name}: OPEN, 24 in Work Ids, 15 in the Call Q, 1 claimed, "
        f"0 in the Result Q; consistent>"
    )


def test_the_copy_in_a_forked_child_can_be_looked_at(door: Door) -> None:
    with forked() as executor:
        future = executor.submit(waits, door.came[1], door.opened[0])
        door.come()
        if not (pid := os.fork()):
            view = executor.inspect()
            os._exit(0 if view.state.phase is Phase.FORKED and not view.violated() else 1)
        _, status = os.waitpid(pid, 0)
        door.open()
        assert future.result() == 1
    assert status == 0


# ------------------------------------------------------------------ names, and frames


@functools.cache
def cached() -> int:
    return 1


class _Odd:
    """Something that is called, and answers nothing that is asked of it."""

    def __call__(self) -> int:
        return 1

    def __getattribute__(self, name: str) -> object:
        raise AssertionError(f"somebody has asked for {name}")


def test_no_code_of_the_user_runs_for_a_name() -> None:
    named = partial(partial(int))
    itself = partial(int)
    itself.__setstate__((itself, (), {}, {}))  # type: ignore[attr-defined]  # pickle has it
    assert call_name(_Odd()) == f"{__name__}._Odd"
    assert call_name(int) == "int"
    assert call_name(len) == "len"
    assert call_name(named) == "int"
    assert call_name(itself) == "functools.partial"
    assert call_name(_Odd.__call__) == f"{__name__}._Odd.__call__"
    assert call_name(threading.Event().wait) == "threading.Event.wait"
    assert call_name(_Odd) == f"{__name__}._Odd"
    assert call_name(Sized) == "collections.abc.Sized"  # of another metaclass
    assert call_name(cached) == f"{__name__}.cached"  # what wraps a function
    assert call_name(str.upper) == "str.upper"
    assert call_name(functools.partialmethod(int)) == "functools.partialmethod"


def test_no_frame_is_kept() -> None:
    """Else the arguments of whatever ran just then would live on."""

    class Kept:
        pass

    def looks() -> "weakref.ref[Kept]":
        local = Kept()
        lines([threading.get_ident(), None])
        return weakref.ref(local)

    was = gc.isenabled()
    gc.disable()
    try:
        assert looks()() is None
    finally:
        if was:
            gc.enable()


# -------------------------------------------------------------------- two readings


def test_no_more_than_a_second_is_spent_on_it(monkeypatch: pytest.MonkeyPatch) -> None:
    now = iter(range(1000))
    monkeypatch.setattr(clock, "now", lambda: next(now) * SECONDS)
    answers = iter(range(1000))
    assert agreed(lambda: next(answers)) == (0, False)


def test_two_equal_readings_are_consistent() -> None:
    answers = iter([1, 2, 2, 3])
    assert agreed(lambda: next(answers)) == (2, True)


def test_what_changes_all_the_time_is_not_consistent() -> None:
    answers = iter(range(TRIES + 1))
    assert agreed(lambda: next(answers)) == (TRIES - 1, False)


def test_a_room_that_changes_while_it_is_read_is_read_again() -> None:
    answers = iter([1, None, 5, 5])

    def read() -> int:
        answer = next(answers)
        if answer is None:
            raise RuntimeError("deque mutated during iteration")
        return answer

    assert agreed(read) == (5, True)


def test_a_long_row_says_how_many_there_are() -> None:
    assert row([]) == "-"
    assert row(range(1, 13)) == "1 2 3 4 5 6 7 8 9 10 11 12"
    assert row(range(1, 1001)) == "1 2 3 4 5 6 7 8 9 10 11 .. 1000 (1,000)"
