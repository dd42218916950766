"""What runs now, and how long already: one line on the terminal, written again and again.

Only where standard output is a terminal that can rewrite a line.  Elsewhere what is said
is printed as it is, and nothing else.
"""

import os
import shutil
import threading
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Final, Self, TextIO, TypeAlias, final

EVERY: Final = 1.0  # seconds from one line to the next
_CLEAR: Final = "\r\x1b[K"

#: The names of what runs, each with its seconds.
Running: TypeAlias = Sequence[tuple[str, float]]


def is_terminal(out: TextIO) -> bool:
    """Say whether a line of ``out`` can be written again."""
    return out.isatty() and os.environ.get("TERM") != "dumb"


def told(running: Running) -> str:
    """Return the status line."""
    return ", ".join(
        f"{name} {int(seconds) // 60}:{int(seconds) % 60:02}" for name, seconds in running
    )


@final
class Progress:
    """What is printed, and below it the status line, as long as there is one.

    ``_lock`` is held by whoever writes to ``out``: a row, or the thread that looks.
    """

    def __init__(self, out: TextIO, running: Callable[[], Running]) -> None:
        self._out = out
        self._running = running
        self._lock = threading.Lock()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._look, name="progress", daemon=True)
        self._live = is_terminal(out)

    def __enter__(self) -> Self:
        """Begin to show what runs."""
        if self._live:
            self._thread.start()
        return self

    def __exit__(
        self,
        _type: type[BaseException] | None,
        _error: BaseException | None,
        _traceback: TracebackType | None,
    ) -> None:
        """Take the status line away."""
        self._over.set()
        if self._live:
            self._thread.join()
            self._write(_CLEAR)

    def say(self, text: str) -> None:
        """Print ``text`` and a new line, in the place of the status line."""
        self._write(f"{_CLEAR if self._live else ''}{text}\n")

    def show(self) -> None:
        """Write the status line anew."""
        line = told(self._running())
        width = shutil.get_terminal_size().columns - 1  # a full line would wrap
        self._write(f"{_CLEAR}{f'.. {line}'[:width] if line else ''}")

    def _look(self) -> None:
        while not self._over.wait(EVERY):
            self.show()

    def _write(self, text: str) -> None:
        with self._lock:
            self._out.write(text)
            self._out.flush()
