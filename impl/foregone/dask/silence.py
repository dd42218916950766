"""Whether the scheduler still answers: what no closed connection tells of.

A scheduler that was stopped, or that a network has swallowed, closes nothing.  So it is asked
for an echo time and again, and when none has come for ``limit`` seconds it counts as lost.
Until then nothing ends: what is pending goes on when it answers again.

Silence is counted in beats that were waited for, not on a clock: a beat is one beat, however
long this process was itself stopped meanwhile.  Owner of every field: the client's event loop.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final, final

#: The longest beat, in seconds; and so many of them are in the limit, at least.
LONGEST: Final = 5.0
BEATS: Final = 8


@final
class Heart:
    """Asks for an echo, and counts for how long none has come."""

    __slots__ = ("_ask", "_lost", "beat", "limit", "silent")

    beat: float
    limit: float
    silent: float

    def __init__(
        self, limit: float, ask: Callable[[], Awaitable[object]], lost: Callable[[], object]
    ) -> None:
        self.limit = limit
        self.beat = min(LONGEST, limit / BEATS)  # seconds
        self.silent = 0.0  # for so many seconds nothing was heard
        self._ask = ask
        self._lost = lost

    @property
    def why(self) -> str:
        """Return that it has been silent for too long, or ""."""
        over = self.silent >= self.limit
        return f"it has not answered for {self.limit:g} s" if over else ""

    async def run(self) -> None:
        """Ask until it has been silent for too long, then say so; or until this is cancelled."""
        while not self.why:
            asked = asyncio.ensure_future(self._ask())
            try:
                await self._listen(asked)
            finally:
                asked.cancel()
        self._lost()

    async def _listen(self, asked: "asyncio.Future[object]") -> None:
        """Wait for the echo, and then for a beat."""
        while not self.why:
            done, _ = await asyncio.wait({asked}, timeout=self.beat)
            if done and not asked.cancelled() and asked.exception() is None:
                self.silent = 0.0
                await asyncio.sleep(self.beat)
                return
            if done:  # the connection has failed: that may be told elsewhere, or it is made anew
                await asyncio.sleep(self.beat)
            self.silent += self.beat
            if done:
                return
