"""What a claim's process has started: how busy it is, and how all of it is ended.

Linux tells in /proc; elsewhere nobody is said to be idle, and the process group is ended.
An exhibit asks here who lives, so this module runs on every CPython from 3.8 on, too.
"""

from __future__ import annotations

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
_NEVER: Final = threading.Event()


def rooms() -> str:
    """Return the PYTHONPATH of who is to find what this process finds."""
    return os.pathsep.join(each or os.getcwd() for each in sys.path)


def members(session: int) -> Iterator[int]:
    """Yield the processes of a session that have not ended."""
    for pid in _pids():
        fields = _stat(pid)
        if _has_not_ended(fields) and int(fields[3]) == session:
            yield pid


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
    """How long all processes of a session have been idle."""

    def __init__(self, session: int, least: float) -> None:
        self._session = session
        self._least = least  # share of one processor that counts as being busy
        self._since = self._then = monotonic()
        self._used: dict[tuple[int, str], int] = {}

    def seconds(self) -> float:
        """Look, and return for how many seconds nobody has been busy; 0 where none can tell."""
        now = monotonic()
        used: dict[tuple[int, str], int] = {}
        waits = False
        for pid in members(self._session):
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


def end(process: subprocess.Popen[bytes], mark: str) -> None:
    """End a process, its session, and whoever has its mark in the environment.

    Those of multiprocessing that clean up ignore SIGTERM, and end by themselves.
    """
    until = monotonic() + TO_END
    _ask(process, mark, signal.SIGTERM)
    while _left(process, mark) and monotonic() < until:
        _NEVER.wait(_STEP)
    until = monotonic() + TO_DIE
    while _left(process, mark) and monotonic() < until:
        _ask(process, mark, signal.SIGKILL)  # again: who was forked meanwhile is to end, too
        _NEVER.wait(_STEP)


def _left(process: subprocess.Popen[bytes], mark: str) -> bool:
    """Say whether anybody is left."""
    return process.poll() is None or bool({*members(process.pid), *_marked(mark)})


def _ask(process: subprocess.Popen[bytes], mark: str, how: signal.Signals) -> None:
    """Send a signal to all who are left."""
    for pid in {*members(process.pid), *_marked(mark)}:
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
