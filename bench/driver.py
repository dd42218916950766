"""One subject in a process of its own: it runs when told to, and says what it took.

Each line that comes in asks for one run; each line that goes out is JSON: the figures,
or the error.  Whoever started this process kills it, with all that it has started, when
no line comes in time.
"""

import gc
import json
import os
import pathlib
import resource
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Final

from bench import tasks
from bench.limits import LIMITS
from bench.settings import Figures, Setting, of_ideal, payloads, skewed
from bench.subjects import SUBJECTS, Foreign, Pool


@contextmanager
def opened(setting: Setting) -> Iterator[Pool]:
    """Open a pool whose processes have all been seen to work, and close it."""
    pool = SUBJECTS[setting.subject].open(setting.workers, setting.method)
    numbers = range(100 * setting.workers)
    if setting.variant in pool.maps:
        results = list(pool.maps[setting.variant](tasks.increment, numbers))
    else:
        handles = [pool.submit(tasks.increment, number) for number in numbers]
        results = [pool.result(handle) for handle in handles]
    setting.check(results == [number + 1 for number in numbers], "increment is wrong")
    yield pool
    pool.close()


def burst(setting: Setting) -> Figures:
    """Submit many no-ops, then take all results."""
    with opened(setting) as pool:
        submit, result = pool.submit, pool.result
        start = time.perf_counter()
        handles = [submit(tasks.noop) for _ in range(setting.calls)]
        results = [result(handle) for handle in handles]
        took = time.perf_counter() - start
    setting.check(results == [None] * setting.calls, "not every call returned None")
    return {"time": took / setting.calls}


def trips(setting: Setting) -> Figures:
    """Submit a no-op, wait for its result, and so on."""
    with opened(setting) as pool:
        submit, result = pool.submit, pool.result
        start = time.perf_counter()
        for _ in range(setting.calls):
            result(submit(tasks.noop))
        took = time.perf_counter() - start
    return {"time": took / setting.calls}


def mapped(setting: Setting) -> Figures:
    """Map a tiny function over many items."""
    count = setting.calls
    with opened(setting) as pool:
        start = time.perf_counter()
        total = sum(pool.maps[setting.variant](tasks.increment, range(count)))
        took = time.perf_counter() - start
    setting.check(total == count * (count + 1) // 2, "the results are not right")
    return {"time": took / count}


def makespan(setting: Setting) -> Figures:
    """Skewed run times: how long for all, over the best that first in, first out can do.

    Each call measures the processor time that it takes itself, so that a machine that is
    slower this time slows both sides of the ratio.
    """
    calls = skewed(setting)
    with opened(setting) as pool:
        start = time.perf_counter()
        if setting.variant:
            durations = list(pool.maps[setting.variant](tasks.spin, calls))
        else:
            handles = [pool.submit(tasks.spin, rounds) for rounds in calls]
            durations = [pool.result(handle) for handle in handles]
        took = time.perf_counter() - start
    setting.check(len(durations) == len(calls), "results are missing")
    return of_ideal(took, durations, setting.workers)


def payload(setting: Setting) -> Figures:
    """Payloads there, or there and back; small ones together, large ones one by one."""
    echoes = setting.variant == "echo"
    call: Callable[..., object] = tasks.echo if echoes else tasks.mark
    together = setting.size < tasks.LARGE
    took = 0.0
    with opened(setting) as pool:
        all_of_them = list(payloads(setting)) if together else payloads(setting)
        start = time.perf_counter()
        handles = [(each, pool.submit(call, each)) for each in all_of_them] if together else []
        for each, handle in handles:
            verify(setting, each, pool.result(handle))
        took = time.perf_counter() - start
        if not together:
            took = 0.0
            for each in all_of_them:
                start = time.perf_counter()
                got = pool.result(pool.submit(call, each))
                took += time.perf_counter() - start
                verify(setting, each, got)
    return {"time": took / setting.calls}


def verify(setting: Setting, sent: tasks.Payload, got: Foreign) -> None:
    """See that what came back is what was sent, or its checksum."""
    if setting.variant == "echo":
        setting.check(type(got) is type(sent), "another type came back")
        got = tasks.mark(got)
    setting.check(got == tasks.mark(sent), "a payload came out changed")


def resident() -> int:
    """Return the bytes of memory that this process holds."""
    try:
        pages = int(pathlib.Path("/proc/self/statm").read_text().split()[1])
    except OSError:
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return peak if sys.platform == "darwin" else peak * 1024
    return pages * resource.getpagesize()


@contextmanager
def occupied(pool: Pool) -> Iterator[Foreign]:
    """Occupy the pool's only process until the block ends; nothing sleeps or polls."""
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "gate")
        os.mkfifo(path)
        handle = pool.submit(tasks.hold, path)
        gate = os.open(path, os.O_WRONLY)  # returns when the process has opened it too
        try:
            yield handle
        finally:
            os.close(gate)
        pool.result(handle)


def pending(setting: Setting) -> Figures:
    """Submit very many calls while the only process is occupied; this process then dies.

    "linear" is the time for all of them over four times that for the first quarter.
    """
    pool = SUBJECTS[setting.subject].open(1, setting.method)
    submit, quarter = pool.submit, setting.calls // 4
    handles: list[Foreign] = [None] * (4 * quarter)
    marks = []
    gate = occupied(pool)
    gate.__enter__()
    gc.collect()
    before = resident()
    marks.append(time.perf_counter())
    for part in range(4):
        for place in range(part * quarter, (part + 1) * quarter):
            handles[place] = submit(tasks.noop)
        marks.append(time.perf_counter())
    grown = resident() - before
    whole = marks[4] - marks[0]
    return {
        "time": whole / len(handles),
        "bytes": grown / len(handles),
        "linear": whole / 4 / (marks[1] - marks[0]),
    }


def started(setting: Setting) -> Figures:
    """Open a pool, run one call, close it."""
    start = time.perf_counter()
    pool = SUBJECTS[setting.subject].open(setting.workers, setting.method)
    result = pool.result(pool.submit(tasks.increment, 1))
    pool.close()
    took = time.perf_counter() - start
    setting.check(result == 2, "increment is wrong")
    return {"time": took}


def cancelled(setting: Setting) -> Figures:
    """Cancel many pending calls, the oldest first; some libraries refuse a few."""
    pool = SUBJECTS[setting.subject].open(1, setting.method)
    cancel = pool.cancel
    assert cancel is not None
    with occupied(pool):
        handles = [pool.submit(tasks.noop) for _ in range(setting.calls)]
        start = time.perf_counter()
        done = sum([cancel(handle) for handle in handles])
        took = time.perf_counter() - start
    pool.close()
    return {"time": took / setting.calls, "refused": setting.calls - done}


def dropped(setting: Setting) -> Figures:
    """Close a pool that has many pending calls, with the request to cancel them."""
    pool = SUBJECTS[setting.subject].open(1, setting.method)
    drop = pool.drop
    assert drop is not None
    handles = [pool.submit(tasks.noop) for _ in range(setting.calls)]
    start = time.perf_counter()
    drop()
    took = time.perf_counter() - start
    setting.check(all(handle.done() for handle in handles), "a future was left pending")
    return {"time": took / setting.calls}


WORKLOADS: Final[dict[str, Callable[[Setting], Figures]]] = {
    "burst": burst,
    "trips": trips,
    "map": mapped,
    "skewed": makespan,
    "payload": payload,
    "pending": pending,
    "start": started,
    "cancel": cancelled,
    "drop": dropped,
}

#: These leave a pool behind that nobody can close in reasonable time.
ONCE: Final = ("pending",)


def verified(setting: Setting) -> None:
    """See that an error arrives as an error, before anything is timed."""
    if setting.subject == "joblib":
        return  # it has no call for one
    with opened(replace(setting, workers=1, variant="")) as pool:
        try:
            pool.result(pool.submit(tasks.fail, 7))
        except ValueError as error:
            setting.check(error.args == (7,), "another error came")
        else:
            setting.check(False, "no error came")


def main() -> None:
    """Verify, warm up, and run once for each line."""
    setting = Setting(**json.loads(sys.argv[1]))
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)  # whatever a library prints goes where errors go
    run = (LIMITS if setting.subject == "limit" else WORKLOADS)[setting.kind]
    try:
        if setting.subject != "limit" and setting.kind not in ONCE:
            verified(setting)
        if setting.kind not in ONCE:
            run(replace(setting, calls=max(setting.calls // 10, 1)))
        print(json.dumps({"ready": 1}), file=answers)
        for _ in sys.stdin:
            gc.collect()
            print(json.dumps(run(setting)), file=answers)
    except BaseException as error:
        print(json.dumps({"error": f"{type(error).__name__}: {error}"[:200]}), file=answers)
        raise


if __name__ == "__main__":
    main()
