"""How a process waits for its next call: awake for a moment, if that is likely to do.

Touches nothing but the clock and the lane, of which it reads nothing.
"""

import os
import select
import time
from typing import Final

#: How long a process looks for its next call before it sleeps, in seconds; and how soon
#: the last one must have come, the time to wake up included.
LINGER: Final = 0.0001
SOON: Final = 0.0002
#: There are several processors, and the system can be asked to run somebody else.
SEVERAL: Final = hasattr(os, "sched_getaffinity") and len(os.sched_getaffinity(0)) > 1


class Awaiting:
    """How a process waits for its next call: awake for a moment, if that is likely to do.

    To be woken takes longer than a small call.  So who was sent its last call, alone, soon
    after the answer before it looks for LINGER before it sleeps; once that was in vain, it
    sleeps at once the next time.  It gives way to everybody who wants the processor, and
    where there is only one it never lingers.
    """

    __slots__ = ("_began", "_lingered", "_poll", "brisk")

    _began: float
    _lingered: bool
    brisk: bool

    def __init__(self, lane: int) -> None:
        self._poll = select.poll()
        self._poll.register(lane, select.POLLIN)
        self._began = 0.0
        self._lingered = False
        self.brisk = False  # the next call is likely to come soon

    def linger(self) -> None:
        """Return when there is something to read, or it has become unlikely."""
        self._began = began = time.perf_counter()
        self._lingered = self.brisk
        if self.brisk:
            look, now, give_way = self._poll.poll, time.perf_counter, os.sched_yield
            while not look(0) and now() - began < LINGER:
                give_way()

    def over(self, frames: int) -> None:
        """Learn that so many frames came."""
        soon = LINGER if self._lingered else SOON
        self.brisk = SEVERAL and frames == 1 and time.perf_counter() - self._began < soon
