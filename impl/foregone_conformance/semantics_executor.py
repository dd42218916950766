"""The semantics table, of an executor: how it begins and ends, and what it refuses."""

import gc
import os
import subprocess
import sys
import threading
from collections.abc import Callable
from concurrent.futures import BrokenExecutor, Future
from functools import partial
from typing import Final, cast

from foregone_conformance import calls, session
from foregone_conformance.calls import Held
from foregone_conformance.claims import Group, Registry, cpython, documented
from foregone_conformance.documented_ends import are_powers, goes_on, powers, refuses
from foregone_conformance.exhibits.future import until
from foregone_conformance.exhibits.tasks import GRACE
from foregone_conformance.judged import Judged
from foregone_conformance.kinds import Broken, Kind, insist

claim: Final = Registry(Group.SEMANTICS)

SUBMIT: Final = documented("Executor.submit")
SHUTDOWN: Final = documented("Executor.shutdown")
THREADS: Final = documented("ThreadPoolExecutor")
PROCESSES: Final = documented("ProcessPoolExecutor")


@claim(
    "submit-not-callable",
    "what cannot be called is refused by submit, or its future fails with TypeError",
    SUBMIT,
    "a mistake costs a worker, or is waited for for ever",
)
def submit_not_callable(judged: Judged) -> None:
    """Submit a number."""
    with judged.pool(1) as pool:
        try:
            future = pool.submit(cast("Callable[[], int]", 3))
        except TypeError:  # told at once is told
            future = None
        if future is not None:
            judged.doing("waiting for the end of a call of what cannot be called")
            error = future.exception()
            insist(isinstance(error, TypeError), f"a call of 3 ended with {error!r}")
        goes_on(judged, pool, "what cannot be called")


def ran_program(judged: Judged, place: str, text: str) -> int:
    """Run a program that has ``judged``, ``place`` and ``calls``; return its exit code."""
    lines = (
        "import atexit, os",
        "from foregone_conformance import calls",
        "from foregone_conformance.judged import Judged",
        "from foregone_conformance.kinds import Kind",
        f"place = {place!r}",
        "if __name__ == '__main__':",
        f"    judged = Judged({judged.address!r}, Kind.{judged.kind.name}, 0, place)",
    )
    path = os.path.join(place, "program.py")
    with open(path, "w", encoding="utf-8") as file:
        file.write("\n".join((*lines, text)))
    environment = {**os.environ, "PYTHONPATH": session.rooms()}
    return subprocess.run([sys.executable, path], env=environment, check=False).returncode


_AT_EXIT: Final = """
    def last():
        try:
            future = pool.submit(calls.noted, place, 'late')
        except RuntimeError:
            calls.noted(place, 'refused')
            return
        future.result()
    pool = judged.pool()
    pool.submit(calls.noted, place, 'early').result()
    atexit.register(last)
"""


@claim(
    "exit-refuses",
    "submit while the interpreter exits raises RuntimeError, or the call is run",
    SHUTDOWN,
    "a call that is made at the end is lost, and the program hangs",
)
def exit_refuses(judged: Judged) -> None:
    """Submit in a function that atexit calls."""
    place = judged.folder()
    judged.doing("waiting for a program to end that submits when it exits")
    code = ran_program(judged, place, _AT_EXIT)
    seen = calls.ran(place)
    insist("early" in seen, f"the program ended with exit code {code}, and no call had run")
    insist(code == 0, f"the program that submits when it exits ended with exit code {code}")
    insist(seen & {"late", "refused"}, "a call was accepted while the program exits, and lost")


@claim(
    "with-after-shutdown",
    "with does not open an executor again that was shut down",
    SHUTDOWN,
    "calls are accepted that nobody will run",
)
def with_after_shutdown(judged: Judged) -> None:
    """Enter a pool that was shut down, and submit."""
    pool = judged.pool(1)
    pool.submit(int).result()
    pool.shutdown()

    def again() -> None:
        with pool:
            pool.submit(int)

    judged.doing("waiting for with, of a pool that was shut down")
    refuses(again, RuntimeError, "submit in with, of a pool that was shut down,")


@claim(
    "with-raises",
    "an error inside of with comes out of it, after all pending calls have ended",
    SHUTDOWN,
    "an error of the program is lost, or the work that it began runs on",
)
def with_raises(judged: Judged) -> None:
    """Raise inside of with, while calls are pending."""
    rest: list[Future[object]] = []
    judged.doing("waiting for the end of with, in which an error was raised")
    try:
        with judged.pool(1) as pool:
            rest += powers(pool)
            raise LookupError("on purpose")
    except LookupError as error:
        insist(error.args == ("on purpose",), f"out of with came {error!r}")
    else:
        raise Broken("an error that was raised inside of with did not come out of it")
    insist(all(each.done() for each in rest), "with was left before all calls had ended")
    are_powers(rest)


@claim(
    "max-workers-values",
    "max_workers=-1 raises ValueError, and what is no number is refused or works",
    PROCESSES,
    "a pool without workers accepts calls, and runs none",
)
def max_workers_values(judged: Judged) -> None:
    """Ask for fewer workers than none, and for a text of them."""
    refuses(lambda: judged.pool(-1), ValueError, "max_workers=-1")
    try:
        pool = judged.pool(cast("int", "two"))
    except Exception:  # told at once is told
        return
    goes_on(judged, pool, "max_workers='two' was accepted")


@claim(
    "initializer-not-callable",
    "an initializer that cannot be called is refused, or calls fail: none runs without it",
    THREADS,
    "calls find their worker not as it should be",
)
def initializer_not_callable(judged: Judged) -> None:
    """Give a number as the initializer."""
    try:
        pool = judged.pool(1, initializer=3)
    except (TypeError, ValueError):  # told at once is told
        return
    judged.doing("waiting for a call whose worker's initializer cannot be called")
    try:
        found = pool.submit(int).result()
    except (BrokenExecutor, TypeError):
        return
    raise Broken(f"with initializer=3 a call ran, and returned {found!r}")


@claim(
    "shutdown-again-waits",
    "shutdown(wait=True) waits for all pending calls, also after shutdown(wait=False)",
    SHUTDOWN,
    "a program goes on before its work is done",
    standard="in a process pool returns at once the second time: M17 of the museum",
)
def shutdown_again_waits(judged: Judged) -> None:
    """Shut down twice while a call is held."""
    pool = judged.pool(1)
    held = Held(judged, pool)
    judged.doing("waiting for shutdown(wait=False) while a call is held")
    pool.shutdown(wait=False)
    early: list[bool] = []
    back = threading.Event()

    def close() -> None:
        pool.shutdown(wait=True)
        early.append(not held.future.done())
        back.set()

    threading.Thread(target=close, daemon=True).start()
    back.wait(GRACE)
    held.let_go()
    judged.doing("waiting for shutdown(wait=True) after shutdown(wait=False)")
    back.wait()
    insist(not early[0], "the second shutdown, with wait=True, returned while a call was running")


@claim(
    "shutdown-in-call",
    "shutdown(wait=True) in a call of the pool itself raises RuntimeError or returns, and counts",
    cpython("thread", 219),
    "a call waits for its own end",
    Kind.THREAD,
)
def shutdown_in_call(judged: Judged) -> None:
    """Shut a pool down in a call that it runs."""
    pool = judged.pool(1)

    def close() -> str:
        try:
            pool.shutdown(wait=True)
        except RuntimeError:
            return "refused"
        return "returned"

    future = pool.submit(close)
    judged.doing("waiting for shutdown(wait=True) in a call of the pool")
    future.result()
    refuses(partial(pool.submit, int), RuntimeError, "submit after a shutdown in a call")
    judged.doing("waiting for shutdown after a shutdown in a call")
    pool.shutdown(wait=True)


@claim(
    "collected-runs",
    "calls are run though the executor is dropped, and collected",
    cpython("thread", 190),
    "calls that were accepted are lost, and who waits for them waits for ever",
)
def collected_runs(judged: Judged) -> None:
    """Drop a pool while a call is held and others wait."""
    pool = judged.pool(1)
    held = Held(judged, pool, "answer")
    rest = powers(pool)
    del pool
    gc.collect()
    held.let_go()
    judged.doing("waiting for calls whose executor was collected")
    insist(held.future.result() == "answer", "the call that ran when its executor was collected")
    are_powers(rest)


@claim(
    "collected-ends",
    "the workers of an executor that is dropped, and collected, end",
    cpython("thread", 190),
    "a program that makes executors now and then has more and more threads, or processes",
)
def collected_ends(judged: Judged) -> None:
    """Drop a pool that has run its calls, and look at who ran them."""
    pool = judged.pool(2)
    if judged.kind is Kind.THREAD:
        threads = [pool.submit(threading.current_thread).result() for _ in range(4)]
        lives: list[Callable[[], bool]] = [each.is_alive for each in threads]
    else:
        pids = [pool.submit(os.getpid).result() for _ in range(4)]
        lives = [partial(session.lives, each) for each in pids]
    del pool
    judged.doing("waiting until the workers of an executor end that was collected")

    def ended() -> bool:
        gc.collect()
        return not any(each() for each in lives)

    until(ended)
