"""What all pools of this process do right now, written to a file: for a program that hangs.

As ``faulthandler`` does for threads: at once (``dump_all``), when a signal comes
(``dump_on_signal``), or when a program takes longer than it should (``dump_later``).
Each pool is shown by its ``inspect()``, which takes no lock; what is written goes past the
file's own buffer and its lock, if the file has a descriptor.

Owner of every field: this module.
"""

import importlib
import os
import signal
import sys
import threading
from collections.abc import Callable
from types import FrameType
from typing import TYPE_CHECKING, Final, TextIO, cast

from foregone import clock, inspection, interpreter_exit
from foregone.pool import Pool as ThreadPool

if TYPE_CHECKING:
    from foregone.dask.rooms import Pool as DaskPool
    from foregone.process_pool.rooms import Pool as ProcessPool

#: What was asked for by the last ``dump_later``: one at most.
_later: "list[threading.Event]" = []


def dump_all(file: TextIO | None = None) -> None:
    """Write what every live pool of this process does to ``file``; None is stderr.

    Takes no lock of a pool and waits for nothing but the file, so that it may be called at any
    time, in any thread, in a signal handler.  Each pool is written as it is read; one that
    cannot be read is said to be so.  Raises what writing raises; without a stderr nothing is
    written.
    """
    there = sys.stderr if file is None else file
    if there is None:
        return
    _write(there, f"Pools of foregone in process {os.getpid()}:\n")
    for pool in interpreter_exit.pools.all():
        text = _shown(pool)
        if text:
            _write(there, f"\n{text}")


def dump_on_signal(signum: int, file: TextIO | None = None, *, chain: bool = False) -> None:
    """Write what every live pool does whenever the signal ``signum`` comes.

    ``file`` None is what ``sys.stderr`` is then; what cannot be written is not, and nothing
    is raised.  ``chain`` has the handler that stood there before run afterwards, the system's
    own included, which may end the process.  Raises ValueError or OSError where Python allows
    no handler: outside of the main thread, and for signals that cannot be caught.
    ``signal.signal`` undoes it.
    """
    _prepare()
    former: object = signal.getsignal(signum)

    def handle(number: int, frame: FrameType | None) -> None:
        _dump_quietly(file)
        if not chain:
            return
        if former is signal.SIG_DFL:
            signal.signal(number, signal.SIG_DFL)
            signal.raise_signal(number)
        elif callable(former):
            cast("Callable[[int, FrameType | None], object]", former)(number, frame)

    signal.signal(signum, handle)


def dump_later(seconds: float, file: TextIO | None = None, *, repeat: bool = False) -> None:
    """Write what every live pool does after ``seconds``, unless that is cancelled before.

    ``repeat`` goes on, every so many seconds.  A second call replaces the first one.  Raises
    ValueError for what is no time to wait; what cannot be written is not, and nothing is
    raised.  A dump that has begun is not cancelled.
    """
    until = clock.limit(seconds, "dump_later()")
    if until == clock.NO_LIMIT or seconds < 0 or (repeat and not until):
        least = "more than 0" if repeat else "0 or more"
        raise ValueError(f"dump_later() needs a number of seconds, {least}, not {seconds!r}")
    _prepare()
    cancel_dump_later()
    cancelled = threading.Event()

    def wait() -> None:
        while not cancelled.wait(until):
            _dump_quietly(file)
            if not repeat:
                return

    _later.append(cancelled)
    threading.Thread(target=wait, name="foregone_dump_later", daemon=True).start()


def cancel_dump_later() -> None:
    """Cancel what ``dump_later`` has asked for; if there is nothing, do nothing."""
    while _later:
        try:
            cancelled = _later.pop()
        except IndexError:  # somebody else has cancelled it
            return
        cancelled.set()


def _prepare() -> None:
    """Import what a dump needs, while there are descriptors and locks to do it."""
    if sys.platform != "win32":
        importlib.import_module("foregone.inspection_process")


def _dump_quietly(file: TextIO | None) -> None:
    """Write what can be written; in a handler or a thread nobody could take an error."""
    try:
        dump_all(file)
    except (OSError, ValueError):
        pass


def _shown(pool: object) -> str:
    """Return a pool as a text; "" of one that is through."""
    try:
        if isinstance(pool, ThreadPool):
            over = pool.alive == 0 and not pool.accepts()
            return "" if over else str(inspection.view_of_threads(pool))
        if type(pool).__module__ == "foregone.dask.rooms":
            from foregone.dask.inspection import view_of

            on_dask = cast("DaskPool", pool)
            return "" if on_dask.over else str(view_of(on_dask))
        from foregone.inspection_process import view_of_processes

        processes = cast("ProcessPool", pool)
        return "" if processes.worker.ended else str(view_of_processes(processes))
    except Exception as error:
        return f"{pool!r} cannot be read: {type(error).__name__}: {error}\n"


#: At most so many bytes go out in one write.
_MOST: Final = 1 << 16


def _write(file: TextIO, text: str) -> None:
    """Write past the file's buffer, whose lock somebody may hold; where there is none, into it."""
    try:
        fd = file.fileno()
    except (OSError, AttributeError):
        file.write(text)
        return
    data = text.encode("utf-8", "backslashreplace")
    while data:
        data = data[os.write(fd, data[:_MOST]) :]
