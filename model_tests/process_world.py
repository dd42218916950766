"""What the system knows of a process: its state, its children, what it holds open.

Read from ``/proc``, so that nothing here trusts the library that is tested.
"""

import gc
import multiprocessing
import multiprocessing.forkserver
import multiprocessing.resource_tracker
import os
import signal
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from time import monotonic
from typing import Any, Final, TypeVar, cast

T = TypeVar("T")

PROC: Final = Path("/proc")
SHM: Final = Path("/dev/shm")
PATIENCE: Final = 30.0  # seconds; reached only when something hangs
BETWEEN: Final = 0.002  # seconds between two looks


def until(true: Callable[[], T], patience: float = PATIENCE) -> T:
    """Look until ``true`` returns something that is true; return the last that it returned."""
    end = monotonic() + patience
    pause = threading.Event()
    while not (found := true()) and monotonic() < end:
        pause.wait(BETWEEN)
    return found


# ---------------------------------------------------------------------- processes


def _stat(pid: int | str) -> list[str]:
    """Return state, parent and the rest of what ``stat`` says, or nothing."""
    try:
        said = (PROC / str(pid) / "stat").read_text()
    except OSError:
        return []
    return said.rpartition(")")[2].split()


def state(pid: int) -> str:
    """Return the letter of the state of a process: "" if there is none, "Z" if it ended."""
    return (_stat(pid) or [""])[0]


def ended(pid: int) -> bool:
    """Say whether a process has ended, buried or not."""
    return state(pid) in ("", "Z", "X")


def gone(pid: int) -> bool:
    """Say whether a process has ended and was buried."""
    return not state(pid)


def _parents() -> Iterator[tuple[int, int]]:
    for each in os.listdir(PROC):
        if each.isdigit() and (found := _stat(each)):
            yield int(each), int(found[1])


def descendants(of: int | None = None) -> dict[int, int]:
    """Return the parent of each child of a process, of each child of those, and so on."""
    me = os.getpid() if of is None else of
    parents = dict(_parents())
    found: dict[int, int] = {}
    while fresh := {
        pid: parent
        for pid, parent in parents.items()
        if pid not in found and (parent == me or parent in found)
    }:
        found |= fresh
    return found


def forkserver() -> int | None:
    """Return the pid of multiprocessing's forkserver, if it runs."""
    server = cast("Any", multiprocessing.forkserver)._forkserver
    return cast("int | None", server._forkserver_pid)


def helpers() -> set[int]:
    """Return the processes that multiprocessing starts for itself."""
    tracker = cast("Any", multiprocessing.resource_tracker)._resource_tracker
    return {pid for pid in (tracker._pid, forkserver()) if pid is not None}


def pool_processes() -> set[int]:
    """Return the processes of all pools of this process: not what those have started."""
    started_by = {os.getpid(), forkserver()}
    mine = descendants()
    return {pid for pid, parent in mine.items() if parent in started_by} - helpers()


def marked(word: str) -> set[int]:
    """Return all processes that have ``word`` in the environment that they began with."""
    found = set()
    for each in os.listdir(PROC):
        if each.isdigit() and int(each) != os.getpid():
            try:
                if word.encode() in (PROC / each / "environ").read_bytes():
                    found.add(int(each))
            except OSError:
                pass
    return found


def send(pid: int, number: int) -> bool:
    """Send a signal; say whether there was somebody to get it."""
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return False
    return True


def stop(pid: int) -> None:
    """Stop a process, and return when it stands still."""
    os.kill(pid, signal.SIGSTOP)
    assert until(lambda: state(pid) in ("T", "t")), state(pid)


# ------------------------------------------------------------------ what is held


def descriptors() -> Counter[str]:
    """Return what is open in this process, by kind: a number of its own is no difference."""
    gc.collect()  # what an earlier test has left in a cycle would go some time later
    kinds: Counter[str] = Counter()
    for each in os.listdir(PROC / "self" / "fd"):
        try:
            target = os.readlink(PROC / "self" / "fd" / each)
        except FileNotFoundError:
            pass  # the one that listed
        else:
            kinds[target.partition(":[")[0] if ":[" in target else target] += 1
    return kinds


def shared() -> Counter[str]:
    """Return the shared memory that is mapped into this process, by name: tickets, logs."""
    names: Counter[str] = Counter()
    for line in (PROC / "self" / "maps").read_text().splitlines():
        for place in (f"{SHM}/", "/memfd:"):
            _, found, name = line.partition(place)
            if found:
                names[name.removesuffix(" (deleted)")] += 1
    return names


def own_names() -> list[str]:
    """Return the names of tickets that this process has made, and that exist in the system."""
    return sorted(each.name for each in SHM.glob(f"sem.fg-{os.getpid():x}-*"))


def set_prefix(prefix: str) -> str:
    """Let the semaphores of this process have names with ``prefix``; return what it was."""
    config = cast("Any", multiprocessing.current_process())._config
    before = cast("str", config["semprefix"])
    config["semprefix"] = f"/{prefix.lstrip('/')}"
    return before


def names(prefix: str) -> list[str]:
    """Return the names of the semaphores with ``prefix`` that exist in the system."""
    return sorted(each.name for each in SHM.glob(f"sem.{prefix.lstrip('/')}-*"))


def left_behind(before: Counter[str], now: Callable[[], Counter[str]]) -> Counter[str]:
    """Return what is there ``now`` beyond ``before``, when it has had time to go."""
    end = monotonic() + PATIENCE / 3
    pause = threading.Event()
    while (found := now() - before) and monotonic() < end:
        pause.wait(BETWEEN)
    return found


@contextmanager
def nothing_left() -> Iterator[None]:
    """Fail if what is inside leaves a process, a descriptor, a semaphore or a thread."""
    own = f"fg{os.getpid()}x{threading.get_native_id()}"
    prefix = set_prefix(own)
    before = set(pool_processes()), descriptors(), shared(), set(threading.enumerate())
    try:
        yield
        assert until(lambda: not pool_processes() - before[0]), "processes"
        assert not (left := left_behind(before[2], shared)), f"shared memory: {left}"
        assert not (left := left_behind(before[1], descriptors)), f"descriptors: {left}"
        assert until(lambda: not names(own) + own_names()), names(own) + own_names()
        assert until(lambda: not set(threading.enumerate()) - before[3])
    finally:
        set_prefix(prefix)
