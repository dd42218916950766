"""``progress``: futures as they end, and how far it is, for whoever watches a terminal.

With ``rich`` (``foregone[progress]``) a bar, else one line of text that is written anew;
where nobody watches, nothing.  It adds nothing to ``as_completed`` and takes nothing away.
"""

import concurrent.futures
import importlib
import importlib.util
import sys
from collections.abc import Iterable, Iterator
from typing import Final, Protocol, TextIO, TypeVar, cast

from foregone import clock
from foregone.waiting import as_completed

T = TypeVar("T")

#: Seconds between two lines of text: nobody reads faster.
EVERY: Final = 0.1


class _Display(Protocol):
    """Shows how many have ended."""

    def show(self, done: int) -> None: ...

    def close(self, done: int) -> None: ...


def progress(
    fs: Iterable[concurrent.futures.Future[T]],
    description: str = "",
    *,
    timeout: float | None = None,
    file: TextIO | None = None,
) -> Iterator[concurrent.futures.Future[T]]:
    """Return an iterator that yields each of the futures as it ends, and shows how far it is.

    ``description`` stands before the figures.  ``timeout`` is ``as_completed``'s, in seconds
    from this call.  ``file`` is where it is shown, None for stderr; what is no terminal is
    never written to.  Raises as ``as_completed`` does, at this call or from ``next()``.
    """
    until = clock.deadline(clock.limit(timeout, "progress()"))
    futures = list(fs)
    as_completed(futures)  # refuses what is no future, now
    return _shown(futures, until, str(description), sys.stderr if file is None else file)


def _shown(
    futures: list[concurrent.futures.Future[T]], until: float, description: str, file: TextIO | None
) -> Iterator[concurrent.futures.Future[T]]:
    total = len({*futures})
    left = clock.remaining(until)
    ended = as_completed(futures, None if left == clock.NO_LIMIT else left)
    display = _display(description, total, file)
    del futures
    done = 0
    try:
        display.show(done)
        for future in ended:
            done += 1
            display.show(done)
            held = [future]
            del future
            # The caller gets the only reference that this generator has.
            yield held.pop()
    finally:
        display.close(done)


def _display(description: str, total: int, file: TextIO | None) -> _Display:
    if file is None or file.closed or not file.isatty():
        return _Silence()
    if importlib.util.find_spec("rich") is not None:
        return _Rich(description, total, file)
    return _Text(description, total, file)


class _Silence:
    """Nobody watches."""

    def show(self, done: int) -> None:
        """Show nothing."""

    def close(self, done: int) -> None:
        """Leave nothing behind."""


class _Text:
    """One line, written anew."""

    def __init__(self, description: str, total: int, file: TextIO) -> None:
        self.description = f"{description}: " if description else ""
        self.total = total
        self.file = file
        self.width = 0
        self.next = clock.now()
        self.shown = -1

    def show(self, done: int) -> None:
        """Write the line, unless it was written just now."""
        now = clock.now()
        if now >= self.next:
            self.next = now + EVERY
            self.write(done)

    def write(self, done: int) -> None:
        """Write the line."""
        self.shown = done
        share = 100 * done // self.total if self.total else 100
        line = f"{self.description}{done:,} of {self.total:,}, {share}%"
        self.file.write(f"\r{line:{self.width}}")
        self.file.flush()
        self.width = len(line)

    def close(self, done: int) -> None:
        """Leave the line as it should be, and begin another."""
        if self.shown != done:
            self.write(done)
        self.file.write("\n")
        self.file.flush()


class _Bar(Protocol):
    """What is used of ``rich.progress.Progress``."""

    def start(self) -> None: ...

    def stop(self) -> None: ...

    def add_task(self, description: str, *, total: int) -> object: ...

    def update(self, task_id: object, *, completed: int) -> None: ...


class _Rich:
    """A bar."""

    def __init__(self, description: str, total: int, file: TextIO) -> None:
        of_console, of_progress, of_markup = (
            vars(importlib.import_module(f"rich.{name}"))
            for name in ("console", "progress", "markup")
        )
        own: object = of_console["Console"](file=file)
        # Else what the program prints would go where the bar is.
        made: object = of_progress["Progress"](
            console=own, redirect_stdout=False, redirect_stderr=False
        )
        self.bar = cast("_Bar", made)
        self.task = self.bar.add_task(of_markup["escape"](description), total=total)
        self.bar.start()

    def show(self, done: int) -> None:
        """Move the bar."""
        self.bar.update(self.task, completed=done)

    def close(self, done: int) -> None:
        """Leave it as it is."""
        self.bar.stop()
