"""What the documentation promises of an executor's end, of its start, and of its processes."""

import os
import subprocess
import sys
import threading
from collections.abc import Callable
from concurrent.futures import BrokenExecutor, Executor, Future
from functools import partial
from typing import Final

from foregone_conformance import calls, promises, session
from foregone_conformance.calls import MANY, Held
from foregone_conformance.claims import DOCUMENTATION, Group, Registry, documented
from foregone_conformance.drawn import cancelling
from foregone_conformance.exhibits import tasks
from foregone_conformance.exhibits.future import until
from foregone_conformance.exhibits.tasks import GRACE, mark
from foregone_conformance.judged import Judged
from foregone_conformance.kinds import Broken, Kind, insist

claim: Final = Registry(Group.DOCUMENTED)

SHUTDOWN: Final = documented("Executor.shutdown")
THREADS: Final = documented("ThreadPoolExecutor")
PROCESSES: Final = documented("ProcessPoolExecutor")


def refuses(act: Callable[[], object], wanted: type[Exception], what: str) -> None:
    """Insist that ``act`` raises what is wanted."""
    try:
        act()
    except wanted:
        return
    except Exception as error:
        raise Broken(f"{what} raised {type(error).__name__}: {error}") from error
    raise Broken(f"{what} was accepted")


def goes_on(judged: Judged, pool: Executor, after: str) -> None:
    """Insist that the next call is right."""
    judged.doing(f"waiting for a call after {after}")
    try:
        found = pool.submit(pow, 2, 3).result()
    except Exception as error:
        raise Broken(f"the next call failed: {type(error).__name__}: {error}") from error
    insist(found == 8, f"the next call gave {found}")


def powers(pool: Executor) -> "list[Future[object]]":
    """Submit many calls."""
    return [pool.submit(pow, 2, each) for each in range(MANY)]


def are_powers(futures: "list[Future[object]]") -> None:
    """Insist that they are what ``powers`` was to bring."""
    found = [each.result() for each in futures]
    insist(found == [2**each for each in range(MANY)], f"calls that waited gave {found}")


@claim(
    "shutdown-refuses",
    "submit raises RuntimeError after shutdown",
    SHUTDOWN,
    "calls are accepted that nobody will run",
)
def shutdown_refuses(judged: Judged) -> None:
    """Submit after each kind of shutdown."""
    for wait in (True, False):
        pool = judged.pool()
        pool.submit(int).result()
        judged.doing(f"waiting for shutdown(wait={wait}) of a pool without calls")
        pool.shutdown(wait=wait)
        refuses(partial(pool.submit, int), RuntimeError, f"submit after shutdown(wait={wait})")


@claim(
    "shutdown-again",
    "shutdown may be called again, and with leaves a pool that was shut down",
    SHUTDOWN,
    "careful code that ends a pool twice fails or hangs",
)
def shutdown_again(judged: Judged) -> None:
    """Shut down inside of with, and after it."""
    with judged.pool() as pool:
        pool.submit(int).result()
        judged.doing("waiting for a second shutdown")
        pool.shutdown()
        pool.shutdown(wait=False)
    pool.shutdown()


@claim(
    "shutdown-waits",
    "shutdown(wait=True), and with, return only when all pending calls have ended",
    SHUTDOWN,
    "a program goes on before its work is done",
)
def shutdown_waits(judged: Judged) -> None:
    """Shut down in a thread while a call is held."""
    pool = judged.pool(1)
    held = Held(judged, pool)
    rest = powers(pool)
    back = threading.Event()
    early: list[bool] = []

    def close() -> None:
        pool.shutdown(wait=True)
        early.append(not all(each.done() for each in (held.future, *rest)))
        back.set()

    threading.Thread(target=close, daemon=True).start()
    back.wait(GRACE)
    held.let_go()
    judged.doing("waiting for shutdown(wait=True) after all calls were let go")
    back.wait()
    insist(not early[0], "shutdown(wait=True) returned before all calls had ended")
    are_powers(rest)


@claim(
    "shutdown-does-not-wait",
    "shutdown(wait=False) returns at once, and what was submitted is run all the same",
    SHUTDOWN,
    "calls are lost, or a program that does not want to wait has to",
)
def shutdown_does_not_wait(judged: Judged) -> None:
    """Shut down while a call is held and others wait."""
    pool = judged.pool(1)
    held = Held(judged, pool)
    rest = powers(pool)
    judged.doing("waiting for shutdown(wait=False) while a call is held")
    pool.shutdown(wait=False)
    insist(not held.ended(), "the held call ended by itself")
    held.let_go()
    judged.doing("waiting for the calls that were submitted before shutdown(wait=False)")
    are_powers(rest)


@claim(
    "shutdown-cancels",
    "shutdown(cancel_futures=True) cancels what has not begun, and completes what runs",
    SHUTDOWN,
    "a program that wants to stop works on",
)
def shutdown_cancels(judged: Judged) -> None:
    """Shut down while a call is held, many wait, and some are on their way to the worker."""
    pool = judged.pool(1)
    promises.insist_on(judged.says, "shutdown-cancels")
    place = judged.folder()
    held = Held(judged, pool, "answer")
    rest = [pool.submit(calls.noted, place, each) for each in range(MANY)]
    judged.doing("waiting for shutdown(wait=False, cancel_futures=True)")
    cancelling(pool, wait=False)
    judged.doing("waiting until the last of many calls is cancelled by shutdown")
    until(rest[-1].done)
    held.let_go()
    judged.doing("waiting for the end of all calls after shutdown(cancel_futures=True)")
    calls.wait_for(rest)
    insist(held.future.result() == "answer", "the call that ran was not completed")
    cancelled = [each for each in range(MANY) if rest[each].cancelled()]
    insist(MANY - 1 in cancelled, f"of {MANY} calls that waited, only {cancelled} were cancelled")
    both = [each for each in cancelled if str(each) in calls.ran(place)]
    insist(not both, f"calls {both} are cancelled, and ran")


@claim(
    "exit-ends",
    "a program that ends without shutdown runs what it has submitted, and ends",
    THREADS,
    "a script hangs at its end, or leaves work undone",
)
def exit_ends(judged: Judged) -> None:
    """Run a program of three lines."""
    place = judged.folder()
    program = (
        "from foregone_conformance import calls\n"
        "from foregone_conformance.judged import Judged\n"
        "from foregone_conformance.kinds import Kind\n"
        "if __name__ == '__main__':\n"
        f"    judged = Judged({judged.address!r}, Kind.{judged.kind.name}, 0, {place!r})\n"
        "    pool = judged.pool()\n"
        f"    futures = [pool.submit(calls.noted, {place!r}, each) for each in range(5)]\n"
    )
    path = os.path.join(place, "program.py")
    with open(path, "w", encoding="utf-8") as file:
        file.write(program)
    judged.doing("waiting for a program to end that has submitted five calls")
    done = subprocess.run(
        [sys.executable, path], env={**os.environ, "PYTHONPATH": session.rooms()}, check=False
    )
    insist(done.returncode == 0, f"the program ended with exit code {done.returncode}")
    seen = calls.ran(place)
    insist(len(seen) == 5, f"of its five calls {len(seen)} had run")


@claim(
    "max-workers",
    "max_workers=0 raises ValueError",
    PROCESSES,
    "a pool without workers accepts calls, and runs none",
)
def max_workers(judged: Judged) -> None:
    """Ask for a pool of no workers."""
    refuses(lambda: judged.pool(0), ValueError, "max_workers=0")


@claim(
    "initializer",
    "each worker calls the initializer with its initargs before it runs calls",
    THREADS,
    "calls find their worker not as it should be",
)
def initializer(judged: Judged) -> None:
    """Have workers say that they are initialized, then ask who ran calls."""
    place = judged.folder()
    with judged.pool(2, initializer=calls.initialize, initargs=(place, "started")) as pool:
        judged.doing("waiting for two calls to run at a time in initialized workers")
        futures = [pool.submit(calls.said_who, place, 2) for _ in range(2)]
        for each in futures:
            each.result()
        are_powers(powers(pool))
    names = os.listdir(place)
    started = [each for each in names if each.startswith("started.")]
    here = {each.removesuffix(".here") for each in names if each.endswith(".here")}
    initialized = sorted(each.partition(".")[2] for each in started)
    insist(here <= {*initialized}, f"of the workers {sorted(here)}, {initialized} were initialized")
    most = max(os.path.getsize(os.path.join(place, each)) for each in started)
    insist(most == 1, f"a worker called the initializer {most} times")


@claim(
    "initializer-fails",
    "where an initializer raises, pending calls and submit raise BrokenExecutor",
    THREADS,
    "calls wait for ever for workers that cannot start",
)
def initializer_fails(judged: Judged) -> None:
    """Submit while workers are about to fail."""
    place = judged.folder()
    pool = judged.pool(1, initializer=calls.refuse, initargs=(place,))
    futures: list[Future[object]] = [pool.submit(calls.echo) for _ in range(3)]
    mark(place, "go on")
    judged.doing("waiting for the end of calls whose worker's initializer raised")
    errors = [each.exception() for each in futures]
    wrong = [each for each in errors if not isinstance(each, BrokenExecutor)]
    insist(not wrong, f"calls whose workers could not start ended with {wrong}")
    refuses(lambda: pool.submit(int), BrokenExecutor, "the next submit")


@claim(
    "other-process",
    "calls run in other processes",
    PROCESSES,
    "calls share what they should not, or wait for the interpreter lock",
    Kind.PROCESS,
)
def other_process(judged: Judged) -> None:
    """Ask calls who they are, two of which run at a time."""
    place = judged.folder()
    with judged.pool(2) as pool:
        judged.doing("waiting for two calls that run at a time")
        futures = [pool.submit(calls.said_who, place, 2) for _ in range(2)]
        pids = {each.result() for each in futures}
    insist(os.getpid() not in pids, "a call ran in the process that submitted it")
    insist(len(pids) == 2, f"two calls that ran at a time were both in process {pids}")


@claim(
    "death-breaks",
    "where a process dies, its call raises BrokenProcessPool; what is submitted then does, or runs",
    documented("process.BrokenProcessPool"),
    "a program that handles the documented error does not see it",
    Kind.PROCESS,
)
def death_breaks(judged: Judged) -> None:
    """Have a process end in its call; the pool is broken then, or has another in its place."""
    pool = judged.pool(1)
    future = pool.submit(os._exit, 1)
    judged.doing("waiting for the end of a call whose process has ended in it")
    error = future.exception()
    insist(
        isinstance(error, BrokenExecutor),
        f"the call ended with {type(error).__name__}, which is no BrokenExecutor: {error}",
    )
    judged.doing("waiting for a call that was submitted after a process had died")
    try:
        later = pool.submit(abs, -7).result()
    except BrokenExecutor:
        return
    except Exception as error:
        told = f"{type(error).__name__}: {error}"
        raise Broken(f"what was submitted after a process had died ended with {told}") from error
    insist(later == 7, f"what was submitted after a process had died returned {later!r}, not 7")


@claim(
    "max-tasks-per-child",
    "a process ends after max_tasks_per_child calls, and another takes its place",
    PROCESSES,
    "processes grow without end, or calls wait for one that does not come",
    Kind.PROCESS,
)
def max_tasks_per_child(judged: Judged) -> None:
    """Ask seven calls who they are, where a process takes two."""
    pool = judged.pool_by("spawn", 1, max_tasks_per_child=2)
    futures = [pool.submit(os.getpid) for _ in range(7)]
    judged.doing("waiting for seven calls where a process takes two")
    pids = [each.result() for each in futures]
    most = max(pids.count(each) for each in pids)
    insist(most <= 2, f"a process took {most} calls")
    pool.shutdown()


@claim(
    "unpicklable",
    "a call that cannot be pickled, or whose result cannot, fails, and no other",
    f"{DOCUMENTATION}#processpoolexecutor",
    "one bad call costs the others, or never ends",
    Kind.PROCESS,
)
def unpicklable(judged: Judged) -> None:
    """Submit a lock, which does not pickle, and have one returned."""
    with judged.pool(1) as pool:
        for call in (threading.Lock().acquire, threading.Lock):
            try:
                future = pool.submit(call)
            except Exception:  # told at once is told
                continue
            judged.doing("waiting for the end of a call that cannot be pickled")
            insist(future.exception() is not None, f"{call} gave {future}")
        goes_on(judged, pool, "those that could not be pickled")


@claim(
    "exit-in-call",
    "SystemExit in a call is the call's error, and its worker goes on",
    documented("Future.exception"),
    "a call that exits ends the pool, or never ends itself",
)
def exit_in_call(judged: Judged) -> None:
    """Have calls raise SystemExit and an exception that is no Exception."""
    with judged.pool(1) as pool:
        for call in (sys.exit, tasks.leave):
            future: Future[object] = pool.submit(call)
            judged.doing(f"waiting for the end of a call of {call.__name__}")
            error = future.exception()
            insist(error is not None, f"a call of {call.__name__} gave {future}")
        goes_on(judged, pool, "those that exited")
