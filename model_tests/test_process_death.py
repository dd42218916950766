"""Processes that die, stand still, or will not end: who is blamed, and what goes on.

A call is blamed when it was claimed by a process that died: it fails, naming the pid
and how the process ended.  Under ``"replace"`` nobody else fails, and under ``"break"``
every other call that has not ended fails too, and the pool takes no more.
"""

import os
import re
import signal
from collections.abc import Callable
from multiprocessing import active_children
from multiprocessing.forkserver import ensure_running

import pytest

from foregone import Future
from foregone.process import BrokenProcessPool, ProcessDied
from foregone.process_pool import start
from model_tests import process_calls as calls
from model_tests.chaos.thousand import thousand
from model_tests.process_calls import DEATHS, House
from model_tests.process_pools import METHODS, REPLACING, Policy, pool, queue, values
from model_tests.process_world import (
    PATIENCE,
    ended,
    forkserver,
    nothing_left,
    pool_processes,
    send,
    stop,
    until,
)

pytestmark = pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")


def tells(error: BaseException | None, pid: int, code: int) -> bool:
    """Say whether an error names the process and how it ended."""
    said = str(error)
    how = (
        re.search(rf"\b{signal.Signals(-code).name}\b|signal {-code}\b", said)
        if code < 0
        else re.search(rf"exit code {code}\b", said)
    )
    return isinstance(error, BrokenProcessPool) and bool(re.search(rf"\b{pid}\b", said) and how)


# ---------------------------------------------------------------------------- break


@pytest.mark.parametrize("how", DEATHS)
@pytest.mark.parametrize("method", METHODS)
def test_a_death_breaks_the_pool(method: str, how: str, house: House) -> None:
    with pool(method) as executor:
        first = executor.submit(calls.held, house.log, 1, house.gate)
        dies = executor.submit(calls.dies, house.log, 2, how)
        pending = queue(executor, house, range(3, 60))
        house.open()
        assert first.result(PATIENCE) == 8
        assert tells(dies.exception(PATIENCE), house.pid(2), DEATHS[how]), dies.exception()
        for each in pending:
            assert isinstance(each.exception(PATIENCE), BrokenProcessPool)
        with pytest.raises(BrokenProcessPool):
            executor.submit(int)
    assert house.begun() == [1, 2]
    errors = [each.exception() for each in pending]
    assert len({id(each) for each in errors}) == len(errors)  # H20: to each its own


def test_a_broken_pool_ends_all_its_processes(house: House) -> None:
    with nothing_left(), pool("fork", 3) as executor:
        for number in (1, 2):
            executor.submit(calls.held, house.log, number, house.gate)
        assert until(lambda: len(house.begun()) == 2)
        executor.submit(calls.dies, house.log, 3, "SIGKILL")
    assert len(house.begun()) == 3


@pytest.mark.parametrize("method", METHODS)
def test_the_death_of_an_idle_process_fails_no_call(method: str, house: House) -> None:
    """Nobody had been claimed: nobody is blamed.  What CPython's contract says is kept."""
    executor = pool(method)
    pid = executor.submit(calls.own_pid).result(PATIENCE)
    os.kill(pid, signal.SIGKILL)

    def refused() -> bool:
        try:
            executor.submit(int).cancel()
        except BrokenProcessPool:
            return True
        return False

    assert until(refused)
    executor.shutdown()


def test_a_process_that_ignores_sigterm_keeps_nobody(house: House) -> None:
    """M12: neither the break, nor submit, nor shutdown waits until it pleases."""
    with nothing_left():
        executor = pool("fork", 2, initializer=calls.ignore_terminate)
        stubborn = executor.submit(calls.held, house.log, 1, house.gate)
        assert until(lambda: house.pid(1))
        dies = executor.submit(calls.dies, house.log, 2, "exit 3")
        assert isinstance(dies.exception(PATIENCE), BrokenProcessPool)
        assert isinstance(stubborn.exception(PATIENCE), BrokenProcessPool)
        with pytest.raises(BrokenProcessPool):
            executor.submit(int)
        executor.shutdown()
        assert ended(house.pid(1))


def test_a_process_that_stands_still_keeps_no_break(house: House) -> None:
    executor = pool("fork", 2)
    still = executor.submit(calls.held, house.log, 1, house.gate)
    assert until(lambda: house.pid(1))
    stop(house.pid(1))
    assert executor.submit(calls.dies, house.log, 2, "exit 3").exception(PATIENCE)
    assert isinstance(still.exception(PATIENCE), BrokenProcessPool)
    executor.shutdown()
    assert ended(house.pid(1))


# -------------------------------------------------------------------------- replace


@pytest.mark.parametrize("method", REPLACING)
def test_those_who_kill_their_process_fail_alone(method: str, house: House) -> None:
    """Each names its process and how it ended; no call runs twice."""
    if method == "forkserver":
        ensure_running()  # that one stays, and what it holds open
    with nothing_left():
        assert not list(thousand(method, 200, 10, house))


@pytest.mark.parametrize("method", REPLACING)
def test_killed_from_outside(method: str, house: House) -> None:
    """The call that it had claimed is blamed; those that lay before it run elsewhere."""
    with pool(method, 1, "replace") as executor:
        claimed = executor.submit(calls.held, house.log, 1, house.gate)
        others = queue(executor, house, range(2, 40))
        assert until(lambda: house.pid(1))
        pid = house.pid(1)
        os.kill(pid, signal.SIGKILL)
        assert tells(claimed.exception(PATIENCE), pid, -signal.SIGKILL)
        assert isinstance(claimed.exception(), ProcessDied)
        assert [each.result(PATIENCE) for each in others] == values(range(2, 40))
    assert house.begun() == list(range(1, 40))
    assert pid not in {each for number, each in house.where() if number > 1}


def test_the_death_of_idle_processes_costs_nothing(house: House) -> None:
    with pool("spawn", 2, "replace") as executor:
        for number in range(3):
            pids = pool_processes()
            for pid in pids:
                send(pid, signal.SIGKILL)
            assert executor.submit(calls.value, house.log, number).result(PATIENCE)
    assert house.begun() == [0, 1, 2]


def test_an_argument_that_kills_who_unpickles_it(house: House) -> None:
    """It is claimed first, and unpickled then: it costs one process, and is blamed."""
    with pool("spawn", 1, "replace") as executor:
        executor.submit(calls.held, house.log, 1, house.gate)
        deadly = executor.submit(calls.same, calls.Deadly("exit 5"))
        others = queue(executor, house, range(2, 20))
        house.open()
        assert isinstance(deadly.exception(PATIENCE), ProcessDied)
        assert "exit code 5" in str(deadly.exception())
        assert [each.result(PATIENCE) for each in others] == values(range(2, 20))


def test_a_process_that_is_stopped_starves_nobody(house: House) -> None:
    """What lies before it is taken back, and runs elsewhere."""
    with pool("spawn", 2, "replace") as executor:
        still = executor.submit(calls.held, house.log, 0, house.gate)
        assert until(lambda: house.pid(0))
        stop(house.pid(0))
        others = queue(executor, house, range(1, 100))
        assert [each.result(PATIENCE) for each in others] == values(range(1, 100))
        assert not still.done()
        os.kill(house.pid(0), signal.SIGCONT)
        house.open()
        assert still.result(PATIENCE) == 1


@pytest.mark.parametrize(("method", "policy"), [("spawn", "replace"), ("fork", "break")])
def test_a_call_that_forks_and_dies(method: str, policy: Policy, house: House) -> None:
    """M28: its grandchild keeps every descriptor open; the death is noticed all the same."""
    with pool(method, policy=policy) as executor:
        dies = executor.submit(calls.forks_and_dies, house.log, 1, house.gate)
        assert isinstance(dies.exception(PATIENCE), BrokenProcessPool)
        assert until(lambda: house.pid(-1))
        assert not ended(house.pid(-1))
        assert tells(dies.exception(), house.pid(1), 4)
        if policy == "replace":
            assert executor.submit(calls.value, house.log, 2).result(PATIENCE) == 15
    assert not ended(house.pid(-1))  # nor did anybody wait for it
    house.open()
    assert until(lambda: ended(house.pid(-1)))


@pytest.mark.parametrize("policy", ["break", "replace"])
def test_the_forkserver_is_killed(policy: Policy, house: House) -> None:
    """Its children live: what they have claimed they finish, and others are started."""
    with pool("forkserver", 2, policy=policy) as executor:
        running = executor.submit(calls.held, house.log, 1, house.gate)
        assert until(lambda: house.pid(1))
        server = forkserver()
        assert server is not None
        os.kill(server, signal.SIGKILL)
        assert until(lambda: ended(server))
        house.open()
        assert running.result(PATIENCE) == 8
        assert [each.result(PATIENCE) for each in queue(executor, house, range(2, 30))]
        if policy == "replace":
            dies = executor.submit(calls.dies, house.log, 30, "exit 3")
            assert isinstance(dies.exception(PATIENCE), ProcessDied)
            assert executor.submit(calls.value, house.log, 31).result(PATIENCE)
    assert sorted(house.begun()) == list(range(1, 32 if policy == "replace" else 30))


@pytest.mark.parametrize("policy", ["break", "replace"])
def test_the_forkserver_is_killed_when_it_has_just_started_a_process(
    policy: Policy, house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before there is a pidfd, all that is heard of the process is that it ended, with 255."""
    launched = start._Started.launched

    def killed(process: start._Started) -> None:
        server = forkserver()
        if server is not None and not process.pid:
            os.kill(server, signal.SIGKILL)
            assert until(lambda: process.process.exitcode == start.UNKNOWN)
        launched(process)

    monkeypatch.setattr(start._Started, "launched", killed)
    with pool("forkserver", 2, policy=policy) as executor:
        assert [each.result(PATIENCE) for each in queue(executor, house, range(2, 30))]
        dies = executor.submit(calls.dies, house.log, 30, "exit 3")
        assert isinstance(dies.exception(PATIENCE), BrokenProcessPool)
    assert sorted(house.begun()) == list(range(2, 31))
    assert until(lambda: all(ended(pid) for _, pid in house.where()))


@pytest.mark.parametrize("name", ["terminate_workers", "kill_workers"])
def test_processes_can_be_ended_when_their_forkserver_is_gone(name: str, house: House) -> None:
    """What multiprocessing takes for their end, the server's, is not: they are signalled."""
    executor = pool("forkserver", 2)
    futures = [executor.submit(calls.held, house.log, number, house.gate) for number in (0, 1)]
    assert until(lambda: len(house.begun()) == 2)
    server = forkserver()
    assert server is not None
    os.kill(server, signal.SIGKILL)
    assert until(lambda: ended(server))
    active_children()  # looks at the sentinels
    getattr(executor, name)()
    assert all(each.exception(PATIENCE) for each in futures)
    executor.shutdown()
    assert all(ended(pid) for _, pid in house.where())


# ---------------------------------------------------------------------- bad starts


@pytest.mark.parametrize(
    ("method", "policy"),
    [("fork", "break"), ("forkserver", "break"), ("spawn", "replace")],
)
@pytest.mark.parametrize("initializer", [calls.initialise_in_vain, calls.initialise_and_die])
def test_a_bad_start_breaks_the_pool(
    method: str,
    policy: Policy,
    initializer: Callable[..., object],
    house: House,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Under either policy: an initializer that raises, or three that die one after the other."""
    dies = initializer is calls.initialise_and_die
    arguments = (house.log, "exit 6") if dies else (house.log,)
    with pool(method, initializer=initializer, initargs=arguments, policy=policy) as executor:
        futures: list[Future[int]] = []
        try:
            futures.extend(executor.submit(int) for _ in range(20))
        except BrokenProcessPool:
            assert method == "fork" or futures
        for each in futures:
            assert isinstance(each.exception(PATIENCE), BrokenProcessPool)

        def refused() -> bool:
            try:
                executor.submit(int)
            except BrokenProcessPool:
                return True
            return False

        assert until(refused)
    assert house.begun() == [0] * (3 if dies and policy == "replace" else 1)


@pytest.mark.parametrize("method", METHODS)
def test_an_initializer_runs_once_in_each_process(method: str, house: House) -> None:
    given = (house.log, {"apple": [1]})
    with pool(method, 2, initializer=calls.initialise, initargs=given) as executor:
        for _ in range(10):
            assert executor.submit(calls.initialised).result(PATIENCE) == [{"apple": [1]}]
    assert len({pid for _, pid in house.where()}) == len(house.where()) <= 2


@pytest.mark.parametrize("method", REPLACING)
def test_max_tasks_per_child(method: str, house: House) -> None:
    """H1: a process ends after so many calls, another comes, and none is waited for."""
    with pool(method, 2, tasks=5) as executor:
        futures = queue(executor, house, range(33))
        assert [each.result(PATIENCE) for each in futures] == values(range(33))
    pids = [pid for _, pid in house.where()]
    assert max(map(pids.count, pids)) == 5
    assert sorted(house.begun()) == list(range(33))
