"""What a claim's process has started: how busy it is, and how all of it is ended.

Linux tells in /proc; elsewhere nobody is said to be idle, and the process group is ended.
An exhibit asks here who lives, so this module runs on every CPython from 3.8 on, too.
"""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from time import monotonic
from typing import Final, final

#: In the environment of whoever a claim's process starts.
MARK: Final = "FOREGONE_CONFORMANCE"
#: Seconds for what cleans up after itself, before it is killed.
TO_END: Final = 2.0
#: Seconds for the kernel to end who was killed; what is in a system call may take its time.
TO_DIE: Final = 30.0
_STEP: Final = 0.05  # seconds
_BEGAN: Final = 19  # which of the fields after the name says when a process began
_PR_SET_CHILD_SUBREAPER: Final = 36
_NEVER: Final = threading.Event()


def rooms() -> str:
    """Return the PYTHONPATH of who is to find what this process finds."""
    return os.pathsep.join(each or os.getcwd() for each in sys.path)


def adopt() -> None:
    """Have whoever is left by his parent, below this process, become a child of it.

    So all who come from a claim's process are found below it as long as it is there.  On Linux.
    """
    if sys.platform == "linux":
        try:
            ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
        except (OSError, AttributeError):
            pass  # another library of C: the session and the mark are left


@final
class Family:
    """A process, its session, and all who come from them, whatever session they are in."""

    def __init__(self, pid: int) -> None:
        self._pid = pid
        self._known: dict[int, str] = {}  # when they began, which tells them from a later one

    def living(self) -> set[int]:
        """Look, and return those who have not ended."""
        there = {each: fields for each in _pids() if _has_not_ended(fields := _stat(each))}
        found = {each for each, fields in there.items() if self._is_of_it(each, fields)}
        more = found
        while more:
            more = {each for each, fields in there.items() if int(fields[1]) in more} - found
            found |= more
        self._known.update((each, there[each][_BEGAN]) for each in found)
        return found

    def noted(self) -> str:
        """Look, and return those who have not ended as a text for ``recall``."""
        self.living()
        return "\n".join(f"{pid} {began}" for pid, began in self._known.items())

    def recall(self, text: str) -> None:
        """Take in those whom somebody else has noted; what is no such text is left out."""
        for each in text.splitlines():
            pid, _, began = each.partition(" ")
            if pid.isdigit():
                self._known.setdefault(int(pid), began)

    def _is_of_it(self, pid: int, fields: list[str]) -> bool:
        its_own = pid == self._pid or int(fields[3]) == self._pid
        return its_own or self._known.get(pid) == fields[_BEGAN]


def lives(pid: int) -> bool:
    """Say whether a process of this machine is there and has not ended."""
    return _has_not_ended(_stat(pid))


def _has_not_ended(fields: list[str]) -> bool:
    return bool(fields) and fields[0] not in "ZX"


def _pids() -> list[int]:
    try:
        return [int(each) for each in os.listdir("/proc") if each.isdigit()]
    except OSError:
        return []


def _stat(pid: int) -> list[str]:
    """Return what follows the name in the process's line: state, parent, group, session, ..."""
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as file:
            return file.read().rpartition(")")[2].split()
    except OSError:
        return []


@final
class Idleness:
    """How long all processes of a family have been idle."""

    def __init__(self, family: Family, least: float) -> None:
        self._family = family
        self._least = least  # share of one processor that counts as being busy
        self._since = self._then = monotonic()
        self._used: dict[tuple[int, str], int] = {}

    def seconds(self) -> float:
        """Look, and return for how many seconds nobody has been busy; 0 where none can tell."""
        now = monotonic()
        used: dict[tuple[int, str], int] = {}
        waits = False
        for pid in self._family.living():
            for thread, spent, state in _threads(pid):
                used[pid, thread] = spent
                waits = waits or state == "D"
        grown = sum(spent - self._used.get(each, 0) for each, spent in used.items())
        busy = grown > self._least * (now - self._then) * 1e9
        if not used or waits or busy:
            self._since = now
        self._used, self._then = used, now
        return now - self._since


def _threads(pid: int) -> Iterator[tuple[str, int, str]]:
    """Yield each thread, the nanoseconds that it has run or was ready to, and its state."""
    try:
        names = os.listdir(f"/proc/{pid}/task")
    except OSError:
        return
    for each in names:
        try:
            with open(f"/proc/{pid}/task/{each}/schedstat", encoding="ascii") as file:
                ran, waited, _ = file.read().split()
            with open(f"/proc/{pid}/task/{each}/stat", encoding="utf-8", errors="replace") as file:
                state = file.read().rpartition(")")[2].split()[0]
        except (OSError, ValueError):
            continue
        yield each, int(ran) + int(waited), state


def end(process: subprocess.Popen[bytes], family: Family, mark: str) -> None:
    """End a process, all who come from it, and whoever has its mark in the environment.

    Those of multiprocessing that clean up ignore SIGTERM, and end by themselves.
    """
    until = monotonic() + TO_END
    _ask(process, family, mark, signal.SIGTERM)
    while _left(process, family, mark) and monotonic() < until:
        _NEVER.wait(_STEP)
    until = monotonic() + TO_DIE
    while _left(process, family, mark) and monotonic() < until:
        _ask(
            process, family, mark, signal.SIGKILL
        )  # again: who was forked meanwhile is to end, too
        _NEVER.wait(_STEP)


def _left(process: subprocess.Popen[bytes], family: Family, mark: str) -> bool:
    """Say whether anybody is left."""
    return process.poll() is None or bool({*family.living(), *_marked(mark)})


def _ask(process: subprocess.Popen[bytes], family: Family, mark: str, how: signal.Signals) -> None:
    """Send a signal to all who are left."""
    for pid in {*family.living(), *_marked(mark)}:
        _signal(pid, how)
    try:
        os.killpg(process.pid, how)
    except (ProcessLookupError, PermissionError):
        pass  # none is left


def _signal(pid: int, how: signal.Signals) -> None:
    try:
        os.kill(pid, how)
    except (ProcessLookupError, PermissionError):
        pass  # it has ended


def _marked(mark: str) -> Iterator[int]:
    """Yield the processes that have the mark, and have not ended."""
    wanted = f"{MARK}={mark}".encode()
    for pid in _pids():
        try:
            with open(f"/proc/{pid}/environ", "rb") as file:
                found = wanted in file.read().split(b"\0")
        except OSError:
            continue
        if found and lives(pid):
            yield pid
