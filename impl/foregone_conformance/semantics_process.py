"""The semantics table, of processes: what they send, how many calls they take, how they end."""

import os
from collections.abc import Callable
from concurrent.futures import BrokenExecutor, CancelledError
from functools import partial
from multiprocessing import get_context
from typing import Final, cast

from foregone_conformance import calls, corners, session
from foregone_conformance.calls import Held
from foregone_conformance.claims import DOCUMENTATION, Group, Registry, documented
from foregone_conformance.documented_ends import goes_on, powers, refuses
from foregone_conformance.exhibits.future import until
from foregone_conformance.judged import Judged
from foregone_conformance.kinds import Broken, Kind, NotApplicable, insist

claim: Final = Registry(Group.SEMANTICS)

PROCESSES: Final = documented("ProcessPoolExecutor")


@claim(
    "result-does-not-unpickle",
    "a call whose result cannot be unpickled fails, and no other",
    f"{DOCUMENTATION}#processpoolexecutor",
    "one bad result costs the calls of others, or never comes",
    Kind.PROCESS,
    standard="breaks the pool: M16 of the museum",
)
def result_does_not_unpickle(judged: Judged) -> None:
    """Have a call return what does not unpickle."""
    with judged.pool(1) as pool:
        future = pool.submit(corners.explosive)
        judged.doing("waiting for the end of a call whose result cannot be unpickled")
        error = future.exception()
        insist(error is not None, "a result that cannot be unpickled was told as None")
        goes_on(judged, pool, "one whose result could not be unpickled")


def _of_few_calls(judged: Judged, start: str, most: object) -> "list[int]":
    """Have a process take ``most`` calls; return who ran three."""
    context = get_context(start)
    pool = judged.pool(1, mp_context=context, max_tasks_per_child=most)
    judged.doing(f"waiting for three calls where a process takes {most!r}, started by {start}")
    with pool:
        return [each.result() for each in [pool.submit(os.getpid) for _ in range(3)]]


@claim(
    "max-tasks-fork",
    "max_tasks_per_child with the start method fork is refused with ValueError, or works",
    PROCESSES,
    "a process is forked while threads run, and hangs",
    Kind.PROCESS,
)
def max_tasks_fork(judged: Judged) -> None:
    """Ask for processes that are forked and take one call."""
    try:
        pids = _of_few_calls(judged, "fork", 1)
    except ValueError:
        return
    insist(len({*pids}) == 3, f"three calls, where a process takes one, ran in {pids}")


@claim(
    "max-tasks-values",
    "max_tasks_per_child that is zero, negative, or no integer is refused",
    PROCESSES,
    "calls wait for a process that takes none",
    Kind.PROCESS,
)
def max_tasks_values(judged: Judged) -> None:
    """Ask for processes that take no call, fewer, or a text of them."""
    for given in (0, -1, "two"):
        try:
            pids = _of_few_calls(judged, "spawn", given)
        except (TypeError, ValueError):
            continue
        raise Broken(f"max_tasks_per_child={given!r} was accepted; {len(pids)} calls ran")


def ends_workers(judged: Judged, name: str) -> None:
    """Call a method that ends the processes while a call is held and others wait."""
    pool = judged.pool(1)
    end = cast("Callable[[], object] | None", getattr(pool, name, None))
    if end is None:
        raise NotApplicable(f"it has no {name}()")
    pid = pool.submit(os.getpid).result()
    held = Held(judged, pool, "answer")
    futures = [held.future, *powers(pool)]
    judged.doing(f"waiting for {name}() while a call is held")
    end()
    judged.doing(f"waiting until the process ends of which {name}() is the end")
    until(lambda: not session.lives(pid))
    judged.doing(f"waiting for the end of all calls after {name}()")
    calls.wait_for(futures)
    for each in futures:
        try:
            found = each.result(0)
        except (BrokenExecutor, CancelledError):
            continue
        raise Broken(f"a call that {name}() ended returned {found!r}")
    refuses(partial(pool.submit, int), RuntimeError, f"submit after {name}()")


@claim(
    "terminate-workers",
    "terminate_workers() ends the processes; no call stays pending, and submit raises",
    documented("ProcessPoolExecutor.terminate_workers"),
    "who has to stop at once waits for calls that nobody runs any more",
    Kind.PROCESS,
)
def terminate_workers(judged: Judged) -> None:
    """End a pool in the way that a process can be asked for."""
    ends_workers(judged, "terminate_workers")


@claim(
    "kill-workers",
    "kill_workers() ends the processes; no call stays pending, and submit raises",
    documented("ProcessPoolExecutor.kill_workers"),
    "who has to stop at once waits for calls that nobody runs any more",
    Kind.PROCESS,
)
def kill_workers(judged: Judged) -> None:
    """End a pool in the way that no process can ignore."""
    ends_workers(judged, "kill_workers")
