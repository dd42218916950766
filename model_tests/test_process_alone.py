"""Process pools in interpreters of their own: exit, fork, Ctrl-C, a parent that is killed.

Each script runs in a process group of its own with a word in its environment by which
every process that comes of it is found again, whoever its parent is by then.
"""

import os
import signal
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import pytest

from model_tests.process_calls import House
from model_tests.process_pools import METHODS
from model_tests.process_world import PATIENCE, ended, marked, names, send, until

ROOT: Final = Path(__file__).resolve().parents[1]
ORPHANS: Final = 5.0  # seconds in which the processes of a killed parent end

PYTHON: Final = (sys.executable, "-W", "ignore::DeprecationWarning")

HEAD: Final = """
import os, signal, sys, threading, multiprocessing
from foregone import ProcessPoolExecutor, wait
from foregone.process import BrokenProcessPool, ProcessDied
from model_tests import process_calls as calls
from model_tests.process_world import ended, gone, pool_processes, set_prefix, state, until

method, log, gate, word = sys.argv[1:]
set_prefix(word)
context = multiprocessing.get_context(method)
signal.signal(signal.SIGINT, signal.default_int_handler)  # who has started this may ignore it

def begun():
    return [int(line.split()[0]) for line in open(log)]

def stand():  # those that have begun: a signal on the way into a system call ends no wait
    return [state(int(line.split()[1])) for line in open(log)] == ["S"]
"""


@contextmanager
def running(source: str, method: str, house: House) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """Run a script in the main module of a new interpreter; leave nothing of it behind."""
    word = f"fg{os.getpid()}x{abs(hash(house.log)) % 10**9}"
    path = f"{house.log}.py"
    body = textwrap.indent(textwrap.dedent(source), "    ")
    Path(path).write_text(f"{HEAD}\nif __name__ == '__main__':\n{body}")
    others = os.environ.get("PYTHONPATH", "").split(os.pathsep)
    rooms = os.pathsep.join([*(str(ROOT / room) for room in ("impl", "spec", ".")), *others])
    process = subprocess.Popen(
        [*PYTHON, path, method, house.log, house.gate, word],
        env={**os.environ, "PYTHONPATH": rooms, "PYTHONDONTWRITEBYTECODE": "1", "WORD": word},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        yield process, word
        assert until(lambda: not marked(word)), "processes are left"
        tickets = f"fg-{process.pid:x}"
        assert until(lambda: not names(word) + names(tickets)), "semaphores are left"
    finally:
        for pid in marked(word):
            send(pid, signal.SIGKILL)
        process.kill()
        process.communicate()


def script(source: str, method: str, house: House) -> tuple[int, str, str]:
    """Run a script to its end; return its exit code and what it said."""
    with running(source, method, house) as (process, _):
        out, err = process.communicate(timeout=PATIENCE)
        return process.returncode, out, err


# ------------------------------------------------------------------ interpreter exit


@pytest.mark.parametrize("method", METHODS)
def test_queued_work_runs_before_the_interpreter_ends(method: str, house: House) -> None:
    source = """
        pool = ProcessPoolExecutor(1, context)
        pool.submit(calls.held, log, 0, gate)
        for number in range(1, 40):
            pool.submit(calls.value, log, number)
        other = ProcessPoolExecutor(2, context)
        other.submit(int).result()
        os.write(os.open(gate, os.O_RDWR), b".")
    """
    assert script(source, method, house) == (0, "", "")
    assert house.begun() == list(range(40))


def test_at_exit_what_was_shut_down_ends_too(house: House) -> None:
    source = """
        pool = ProcessPoolExecutor(1, context)
        for number in range(40):
            pool.submit(calls.value, log, number)
        pool.shutdown(wait=False)
        unused = ProcessPoolExecutor(1, context)
    """
    assert script(source, "fork", house) == (0, "", "")
    assert house.begun() == list(range(40))


def test_submit_at_exit_is_refused(house: House) -> None:
    source = """
        import atexit
        pool = ProcessPoolExecutor(1, context)
        pool.submit(int).result()

        @atexit.register
        def last():
            for each in (pool, ProcessPoolExecutor(1, context)):
                try:
                    each.submit(int)
                except RuntimeError as error:
                    print(error)
    """
    said = "cannot schedule new futures after interpreter shutdown\n" * 2
    assert script(source, "fork", house) == (0, said, "")


@pytest.mark.parametrize("method", METHODS)
def test_a_collected_executor_runs_what_was_queued(method: str, house: House) -> None:
    source = """
        pool = ProcessPoolExecutor(1, context)
        futures = [pool.submit(calls.value, log, number) for number in range(40)]
        pids = pool_processes()
        del pool
        print([each.result(30) for each in futures] == [calls.value_of(n) for n in range(40)])
        print(until(lambda: not pool_processes()), until(lambda: threading.active_count() == 1))
    """
    assert script(source, method, house) == (0, "True\nTrue True\n", "")


# ------------------------------------------------------------------------------ fork


@pytest.mark.parametrize("method", METHODS)
def test_the_copy_in_a_forked_child_refuses(method: str, house: House) -> None:
    """And whatever the child does with it, the parent's pool knows nothing of it."""
    source = """
        import gc
        pool = ProcessPoolExecutor(1, context)
        running = pool.submit(calls.held, log, 0, gate)
        queued = pool.submit(calls.value, log, 1)
        assert until(lambda: begun() == [0])
        child = os.fork()
        if child == 0:
            for act in (lambda: pool.submit(int), lambda: queued.result(30),
                        lambda: running.result(30), lambda: pool.map(abs, [1])):
                try:
                    act()
                except RuntimeError as error:
                    print("fork" in str(error), flush=True)
            pool.shutdown(wait=False, cancel_futures=True)
            pool.shutdown()
            del pool, queued, running, act
            gc.collect()
            with ProcessPoolExecutor(1, multiprocessing.get_context("fork")) as fresh:
                print("a new one", fresh.submit(int, "4").result(30), flush=True)
            sys.exit(7)
        print("child", os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
        assert not running.done() and not queued.done()
        os.write(os.open(gate, os.O_RDWR), b".")
        print(running.result(30), queued.result(30), pool.submit(int, "5").result(30), flush=True)
    """
    said = "True\n" * 4 + "a new one 4\nchild 7\n1 8 5\n"
    assert script(source, method, house) == (0, said, "")


def test_a_child_that_was_forked_holds_nothing_open(house: House) -> None:
    """The parent's processes end although its forked child lives."""
    source = """
        pool = ProcessPoolExecutor(2, context)
        pids = {pool.submit(calls.own_pid).result(30) for _ in range(5)}
        child = os.fork()
        if child == 0:
            calls.stand_at(gate)
            os._exit(0)
        os.kill(os.getpid(), signal.SIGKILL)
    """
    with running(source, "fork", house) as (process, word):
        process.wait(PATIENCE)
        assert until(lambda: len(marked(word)) <= 1, ORPHANS), "its processes live"
        house.open()


# ---------------------------------------------------------------------------- Ctrl-C


@pytest.mark.parametrize("method", METHODS)
def test_ctrl_c_then_cancel(method: str, house: House) -> None:
    """A running call gets it; nothing is claimed until the parent has decided."""
    source = """
        pool = ProcessPoolExecutor(1, context)
        running = pool.submit(calls.held, log, 0, gate)
        queued = [pool.submit(calls.value, log, number) for number in range(1, 40)]
        assert until(lambda: begun() == [0] and stand())
        try:
            os.killpg(0, signal.SIGINT)
            running.result(30)
        except KeyboardInterrupt:
            pool.shutdown(cancel_futures=True)
        print(type(running.exception(30)).__name__, {each.cancelled() for each in queued})
    """
    assert script(source, method, house) == (0, "KeyboardInterrupt {True}\n", "")
    assert house.begun() == [0]


@pytest.mark.parametrize("method", METHODS)
def test_ctrl_c_while_all_are_idle(method: str, house: House) -> None:
    source = """
        pool = ProcessPoolExecutor(1, context)
        pids = {pool.submit(calls.own_pid).result(30)}
        for number in range(3):
            try:
                os.killpg(0, signal.SIGINT)
                threading.Event().wait(30)
            except KeyboardInterrupt:
                pass
            assert pool.submit(calls.own_pid).result(30) in pids
        pool.shutdown()
        print("calm")
    """
    assert script(source, method, house) == (0, "calm\n", "")


@pytest.mark.parametrize("method", METHODS)
def test_ctrl_c_then_go_on(method: str, house: House) -> None:
    source = """
        pool = ProcessPoolExecutor(1, context)
        running = pool.submit(calls.held, log, 0, gate)
        queued = [pool.submit(calls.value, log, number) for number in range(1, 40)]
        assert until(lambda: begun() == [0] and stand())
        try:
            os.killpg(0, signal.SIGINT)
            running.result(30)
        except KeyboardInterrupt:
            pool.submit(calls.value, log, 40)
        pool.shutdown()
        print(type(running.exception(30)).__name__, len([each.result(0) for each in queued]))
    """
    assert script(source, method, house) == (0, "KeyboardInterrupt 39\n", "")
    assert house.begun() == list(range(41))


# --------------------------------------------------------------- a parent is killed


@pytest.mark.parametrize("busy", [True, False])
@pytest.mark.parametrize("method", METHODS)
def test_the_parent_is_killed(method: str, busy: bool, house: House) -> None:
    """Its processes end soon, idle or not, and no semaphore stays behind."""
    source = f"""
        pool = ProcessPoolExecutor(2, context)
        futures = [pool.submit(calls.held, log, number, gate) for number in (0, 1)]
        assert until(lambda: len(begun()) == 2)
        if not {busy}:
            os.write(os.open(gate, os.O_RDWR), b".")
            wait(futures)
        print("ready", flush=True)
        threading.Event().wait()
    """
    with running(source, method, house) as (process, word):
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n", process.communicate()[1]
        assert len(marked(word)) >= 3
        process.kill()
        process.wait()
        assert until(lambda: not marked(word), ORPHANS), "its processes live"
        tickets = f"fg-{process.pid:x}"
        assert until(lambda: not names(word) + names(tickets), ORPHANS), "its semaphores stay"
        assert until(lambda: ended(house.pid(0)), ORPHANS)


def test_the_parent_is_killed_while_a_call_computes(house: House) -> None:
    """The process looks at no lane and waits for nothing: it ends all the same."""
    source = """
        pool = ProcessPoolExecutor(1, context)
        pool.submit(calls.spins, log, 0)
        assert until(lambda: begun() == [0])
        os.kill(os.getpid(), signal.SIGKILL)
    """
    with running(source, "spawn", house) as (process, word):
        process.wait(PATIENCE)
        assert house.begun() == [0]
        assert until(lambda: not marked(word), ORPHANS), "its processes live"
