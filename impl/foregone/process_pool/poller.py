"""Where the local worker sleeps: ``epoll``, or ``poll`` where there is none.

Owner of every field: this module; the local worker watches and sleeps, anybody wakes.
Model: the wake-ups of ``tla/ProcessPool.tla``.
"""

import os
import select
import sys
from io import FileIO
from typing import Final

from foregone import sync
from foregone.process_pool.ports import Ready

#: One wake-up: what an ``eventfd`` takes for 1.
_ONE: Final = (1).to_bytes(8, sys.byteorder)
#: More than it gives; of a pipe, so much is read at once.
_MOST: Final = 4096


class SystemPoller:
    """``epoll``, or ``poll`` where there is none, and a line to wake it."""

    __slots__ = ("_closed", "_inner", "_lock", "_outer", "_poll", "_watched", "_woken")

    def __init__(self) -> None:
        self._inner, self._outer = _line()
        self._woken = self._inner.fileno()
        self._lock = sync.new_lock()
        self._closed = False
        self._watched: set[int] = set()
        try:
            self._poll = select.epoll() if hasattr(select, "epoll") else _Poll()
            self._poll.register(self._woken, select.POLLIN)
        except BaseException:
            self._inner.close()
            self._outer.close()
            raise

    def watch(self, fd: int, *, writing: bool = False) -> None:
        """Report when ``fd`` is readable or ended, and, if ``writing``, writable."""
        events = select.POLLIN | (select.POLLOUT if writing else 0)
        if fd in self._watched:
            self._poll.modify(fd, events)
        else:
            self._poll.register(fd, events)
            self._watched.add(fd)

    def forget(self, fd: int) -> None:
        """Report no more of ``fd``."""
        if fd in self._watched:
            self._watched.remove(fd)
            self._poll.unregister(fd)

    def poll(self, seconds: float | None) -> list[Ready]:
        """Sleep until something is ready, somebody wakes, or ``seconds`` have passed."""
        found: list[Ready] = []
        for fd, events in self._poll.poll(-1 if seconds is None else seconds):
            if fd == self._woken:
                while len(self._inner.read(_MOST) or b"") == _MOST:
                    pass
                found.append((-1, True, False))
            else:
                writable = bool(events & select.POLLOUT)
                found.append((fd, bool(events & ~select.POLLOUT), writable))
        return found

    def wake(self) -> None:
        """End the sleep, or the next one."""
        sending = map(self._outer.write, (_ONE,))
        try:
            with self._lock:
                if not self._closed: (_,) = sending  # fmt: skip
        except OSError:
            pass  # full: it is awake

    def close(self) -> None:
        """Release what the poller holds."""
        with self._lock:
            self._closed = True
        self._poll.close()  # closed twice, as in a child that is forked meanwhile, is closed once
        self._inner.close()
        self._outer.close()

    def forked(self) -> None:
        """Close, in a forked child, what belongs to the parent."""
        self._lock = sync.new_lock()
        self.close()


def _line() -> tuple[FileIO, FileIO]:
    """Return two ends: what is written to the second can be read from the first."""
    if hasattr(os, "eventfd"):
        both = FileIO(os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC), "r+")
        return both, both
    ends = os.pipe()
    for fd in ends:
        os.set_blocking(fd, False)
    return FileIO(ends[0]), FileIO(ends[1], "w")


class _Poll:
    """``select.poll`` with the methods of ``epoll``, seconds and all."""

    def __init__(self) -> None:
        self._poll = select.poll()
        self.register, self.modify = self._poll.register, self._poll.modify
        self.unregister = self._poll.unregister

    def poll(self, seconds: float) -> list[tuple[int, int]]:
        """Return what is ready, after so many seconds at most; -1 is for ever."""
        return self._poll.poll(None if seconds < 0 else seconds * 1000)

    def close(self) -> None:
        """Release nothing: there is no descriptor."""
