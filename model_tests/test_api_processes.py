"""The end of the interpreter, ``fork``, and garbage collection: in processes of their own."""

import os
import subprocess
import sys
import textwrap
import threading
import weakref
from pathlib import Path
from typing import Final

import pytest

from foregone import Future, ThreadPoolExecutor

ROOT: Final = Path(__file__).resolve().parents[1]
PATIENCE = 50.0

needs_fork = pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")


def script(source: str) -> tuple[int, str, str]:
    """Run a script in a new interpreter; return its exit code and what it said."""
    path = os.pathsep.join(str(ROOT / room) for room in ("impl", "spec"))
    done = subprocess.run(
        [sys.executable, "-W", "ignore::DeprecationWarning", "-c", textwrap.dedent(source)],
        env={**os.environ, "PYTHONPATH": path, "PYTHONDONTWRITEBYTECODE": "1"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE,
    )
    return done.returncode, done.stdout, done.stderr


# --------------------------------------------------------------- interpreter exit


def test_queued_work_runs_before_the_interpreter_ends() -> None:
    assert script("""
        import threading
        from foregone import ThreadPoolExecutor
        release = threading.Event()
        pool = ThreadPoolExecutor(1)
        pool.submit(release.wait)
        for number in range(5):
            pool.submit(print, number)
        release.set()
    """) == (0, "0\n1\n2\n3\n4\n", "")


def test_queued_work_runs_after_shutdown_without_wait() -> None:
    assert script("""
        import threading
        from foregone import ThreadPoolExecutor
        release = threading.Event()
        pool = ThreadPoolExecutor(1)
        pool.submit(release.wait)
        pool.submit(print, "apple")
        pool.shutdown(wait=False)
        release.set()
    """) == (0, "apple\n", "")


def test_submit_from_an_atexit_handler_is_refused() -> None:
    assert script("""
        import atexit
        from foregone import ThreadPoolExecutor
        pool = ThreadPoolExecutor(1)
        pool.submit(int).result()

        @atexit.register
        def last():
            try:
                pool.submit(int)
            except RuntimeError as error:
                print(error)
            try:
                ThreadPoolExecutor(1).submit(int)
            except RuntimeError as error:
                print(error)
    """) == (0, "cannot schedule new futures after interpreter shutdown\n" * 2, "")


def test_submit_by_a_call_while_the_interpreter_ends_is_refused() -> None:
    """A call that still runs when the end begins gets the error, and all threads end."""
    assert script("""
        from foregone import ThreadPoolExecutor
        pool = ThreadPoolExecutor(2)

        def call():
            try:
                while True:
                    pool.submit(int).result()
            except RuntimeError as error:
                print(error)

        pool.submit(call)
    """) == (0, "cannot schedule new futures after interpreter shutdown\n", "")


def test_the_first_import_may_be_in_an_atexit_handler() -> None:
    code, out, err = script("""
        import atexit, concurrent.futures.thread

        @atexit.register
        def last():
            import foregone
            made = foregone.Future()
            made.set_result(1)
            print(made.result(), foregone.wait([made]).not_done)
            with foregone.ThreadPoolExecutor(1) as pool:
                try:
                    pool.submit(int)
                except RuntimeError as error:
                    print(error)
    """)
    assert (code, out, err) == (
        0,
        "1 set()\ncannot schedule new futures after interpreter shutdown\n",
        "",
    )


def test_the_first_import_of_all_may_be_in_an_atexit_handler() -> None:
    """Nobody has imported threading: its end has not been, and may accept or refuse."""
    code, out, err = script("""
        import atexit

        @atexit.register
        def last():
            import foregone
            with foregone.ThreadPoolExecutor(1) as pool:
                try:
                    print(pool.submit(int, "3").result(40))
                except RuntimeError as error:
                    print("refused")
    """)
    assert (code, err) == (0, "")
    assert out in ("3\n", "refused\n")


def test_an_idle_pool_does_not_keep_the_interpreter() -> None:
    assert script("""
        from foregone import ThreadPoolExecutor
        pools = [ThreadPoolExecutor(3) for _ in range(5)]
        print(sum(pool.submit(int, "1").result() for pool in pools))
    """) == (0, "5\n", "")


# --------------------------------------------------------------------------- fork


@needs_fork
def test_the_copy_in_a_forked_child_refuses_and_fails() -> None:
    code, out, err = script("""
        import os, threading
        import foregone
        from foregone import ThreadPoolExecutor
        release = threading.Event()
        pool = ThreadPoolExecutor(1)
        running = pool.submit(release.wait, 40)
        queued = pool.submit(int, "3")
        queued.add_done_callback(lambda _: print("callback", os.getpid() == parent, flush=True))
        parent = os.getpid()
        child = os.fork()
        if child == 0:
            try:
                pool.submit(int)
            except RuntimeError as error:
                print(error, flush=True)
            for each in (running, queued):
                try:
                    each.result(40)
                except RuntimeError as error:
                    print(error, flush=True)
            assert foregone.wait([running, queued], 40).not_done == set()
            pool.shutdown()
            with ThreadPoolExecutor(1) as fresh:
                print("a new one", fresh.submit(int, "4").result(40), flush=True)
            os._exit(7)
        print("child", os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
        assert not running.done() and not queued.done()
        release.set()
        print(running.result(40), queued.result(40), pool.submit(int, "5").result(40), flush=True)
    """)
    assert (code, err) == (0, "")
    lines = out.splitlines()
    assert "after fork" in lines[0]
    assert "made in the parent" in lines[0]
    assert "os.fork()" in lines[1]
    assert "os.fork()" in lines[2]
    assert [each for each in lines[3:] if not each.startswith("callback")] == [
        "a new one 4",
        "child 7",
        "True 3 5",
    ]
    assert [each for each in lines if each.startswith("callback")] == ["callback True"]


@needs_fork
def test_a_forked_child_ends_in_the_ordinary_way() -> None:
    """It joins no thread of the parent's: neither at exit nor when the pool is collected."""
    code, out, err = script("""
        import os, sys, threading
        from foregone import ThreadPoolExecutor
        release = threading.Event()
        pool = ThreadPoolExecutor(2)
        pool.submit(release.wait, 40)
        child = os.fork()
        if child == 0:
            sys.exit(5)
        print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
        release.set()
    """)
    assert (code, out, err) == (0, "5\n", "")


@needs_fork
def test_a_thread_of_the_pool_may_fork() -> None:
    code, out, err = script("""
        import os
        from foregone import ThreadPoolExecutor
        pool = ThreadPoolExecutor(2)

        def forks():
            child = os.fork()
            if child == 0:
                try:
                    pool.submit(int)
                except RuntimeError:
                    os._exit(3)
                os._exit(4)
            return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])

        print(pool.submit(forks).result(40))
    """)
    assert (code, out, err) == (0, "3\n", "")


# ------------------------------------------------------------- garbage collection


def test_a_collected_executor_runs_what_was_queued_and_its_threads_end() -> None:
    release = threading.Event()
    pool = ThreadPoolExecutor(1)
    thread = pool.submit(threading.current_thread).result(PATIENCE)
    blocked: Future[bool] = pool.submit(release.wait, PATIENCE)
    queued = [pool.submit(int, str(number)) for number in range(5)]
    gone = weakref.ref(pool)
    del pool
    assert gone() is None  # without the collector: nobody else holds it
    release.set()
    assert blocked.result(PATIENCE)
    assert [each.result(PATIENCE) for each in queued] == list(range(5))
    thread.join(PATIENCE)
    assert not thread.is_alive()


def test_an_idle_executor_that_is_collected_lets_its_threads_go() -> None:
    pool = ThreadPoolExecutor(2)
    thread = pool.submit(threading.current_thread).result(PATIENCE)
    assert thread.is_alive()
    del pool
    thread.join(PATIENCE)
    assert not thread.is_alive()


def test_an_executor_is_kept_by_nobody_but_its_user() -> None:
    """A future, a thread, a map that was submitted whole: none of them keeps it."""
    pool = ThreadPoolExecutor(2)
    future = pool.submit(int)
    results = pool.map(abs, range(-3, 0))
    gone = weakref.ref(pool)
    del pool
    assert gone() is None
    assert future.result(PATIENCE) == 0
    assert list(results) == [3, 2, 1]
