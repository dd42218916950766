"""Process #1..n: what runs in a process of the pool.

It reads a whole frame, tries the frame's ticket, and only then looks at what is in it:
who wins the ticket has claimed the call.  Its answer is written to the end before the
next ticket is tried, so at most one call is claimed and not answered.

Ctrl-C reaches every process of a terminal.  A call that runs gets KeyboardInterrupt; a
process that has nothing to do ignores it; if it has, nothing more is claimed until the
parent says GO.  When the parent dies, however it dies, the process ends: at once, by the
signal that the kernel sends when the last holder of its life line is gone, or, where
that cannot be had, by a thread that waits for the same.

It touches nothing but its lane, its tickets and its life line.  Model: the process side
of ``tla/ClaimTickets.tla``.
"""

import importlib
import mmap
import os
import signal
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from functools import partial
from multiprocessing.connection import Connection
from types import FrameType
from typing import Final, NamedTuple, TypeAlias, cast

from foregone.process_pool import wire
from foregone.process_pool.awaiting import Awaiting
from foregone.process_pool.names import named
from foregone.process_pool.outcomes import LOG, Outcomes
from foregone.process_pool.pickling import Packed, Reducer, pack, unpack
from foregone.process_pool.ports import Ticket
from foregone.process_pool.remote_error import freeze
from foregone.process_pool.semaphores import STRIDE, opened

if sys.platform == "linux":
    import fcntl

#: ``signal.signal`` without its enums, which a process that starts has no time for.
_signal: Final = cast(
    "Callable[[int, Interrupts], object]", vars(importlib.import_module("_signal"))["signal"]
)

_Arguments: TypeAlias = tuple[tuple[object, ...], dict[str, object]]
_OneCall: TypeAlias = tuple[Callable[..., object], tuple[object, ...], dict[str, object]]
_Chunk: TypeAlias = tuple[Callable[..., object], list[tuple[object, ...]]]

#: Where the tickets are in the memory that a process shares with its parent, behind the log;
#: and how much that is.
TICKETS: Final = LOG + STRIDE
MEMORY: Final = TICKETS + STRIDE * wire.DEPTH

#: So many bytes of "dropped" answers are gathered before they are written.
_GATHERED: Final = 64 * wire.SIZE


class Own(NamedTuple):
    """What a forked process has of its parent's, and need not open."""

    log: mmap.mmap
    tickets: Sequence[Ticket]


class Job(NamedTuple):
    """All that a process is given when it starts."""

    lane: Connection
    life: Connection
    memory: Connection | Own  # of MEMORY bytes: the log, and behind it the tickets
    names: Sequence[str]  # of the tickets, if they have any
    initializer: Callable[..., object] | None
    initargs: tuple[object, ...]
    max_tasks: int | None
    reducer: Reducer | None


def serve(job: Job) -> None:
    """Be a process of the pool until the lane ends."""
    _die_with_parent(job.life.fileno())
    interrupts = Interrupts(job.lane.fileno())
    _signal(signal.SIGINT, interrupts)
    _Server(job, interrupts).serve()


class Interrupts:
    """What a Ctrl-C does: it raises in a call, and stops the claiming of others."""

    __slots__ = ("_lane", "copies", "idle", "pausing", "running", "told")

    _lane: int
    copies: list[bool]
    idle: bool
    pausing: bool
    running: bool
    told: bool

    def __init__(self, lane: int) -> None:
        self._lane = lane
        self.running = False  # a call runs: it gets the KeyboardInterrupt
        self.idle = False  # nothing that was read is left to be claimed
        self.pausing = False  # nothing is claimed
        self.told = False  # the parent knows that
        self.copies = []  # not empty in what a call has forked
        os.register_at_fork(after_in_child=partial(self.copies.append, True))

    def __call__(self, number: int, frame: FrameType | None) -> None:
        """Handle the signal."""
        if self.idle and not wire.readable(self._lane):
            return  # there is nothing to claim: what comes was sent after this
        self.pausing = True
        if self.running:
            raise KeyboardInterrupt

    def leave_copies(self) -> None:
        """End here if this is what a call has forked: the lane is not its own."""
        if self.copies:
            os._exit(0)

    def go(self) -> None:
        """Claim again."""
        self.pausing = self.told = False


class _Server:
    """The loop of a process, and what it has read and not claimed."""

    def __init__(self, job: Job, interrupts: Interrupts) -> None:
        self.job = job
        self.lane = job.lane.fileno()
        self.reader = wire.Reader(self.lane)
        self.interrupts = interrupts
        self.awaiting = Awaiting(self.lane)
        self.frames: deque[wire.Frame] = deque()
        self.log, self.tickets = job.memory if isinstance(job.memory, Own) else _opened(job)
        self.serial = 0  # of the next frame that asks for an answer
        self.ran = 0
        self.dropped: list[wire.Buffer] = []
        self.doing = ""  # with the payload of a call, while something may go wrong there

    def serve(self) -> None:
        """Run what comes until nothing will."""
        try:
            if not self.initialize():
                return
            while self.ran != self.job.max_tasks:
                if not self.frames and not self.read():
                    return
                kind, _, _, data, buffers = self.frames.popleft()
                if kind == wire.GO:
                    self.interrupts.go()
                    continue
                if self.interrupts.pausing and not self.paused():
                    return
                serial, self.serial = self.serial, self.serial + 1
                if self.tickets[serial % wire.DEPTH].acquire(False):
                    self.flush()
                    self.run(kind, serial % wire.SERIALS, data, buffers)
                else:
                    self.drop(serial % wire.SERIALS)
                del data, buffers
        except (BrokenPipeError, ConnectionResetError):
            pass  # the parent is gone
        finally:
            self.interrupts.running = self.interrupts.idle = False

    def initialize(self) -> bool:
        """Run the initializer; return whether it went well."""
        job = self.job
        if job.initializer is not None:
            try:
                job.initializer(*job.initargs)
            except BaseException as error:
                import logging  # a process that starts well needs it not

                logger = logging.getLogger("concurrent.futures")
                logger.critical("Exception in initializer:", exc_info=True)
                data, buffers = freeze(error, None)
                self.send(wire.frame(wire.REFUSED, data, buffers))
                return False
        self.send(wire.frame(wire.READY))
        return True

    def read(self) -> bool:
        """Wait for frames; return False when none will come."""
        self.flush()
        interrupts = self.interrupts
        while not self.frames:
            interrupts.idle = True
            try:
                self.awaiting.linger()
                self.frames.extend(self.reader.read())
            except EOFError:
                return False
            finally:
                interrupts.idle = False
            self.awaiting.over(len(self.frames))
        return True

    def paused(self) -> bool:
        """Tell the parent of a Ctrl-C, and wait until it says GO; return False at the end."""
        held: list[wire.Frame] = []
        interrupts = self.interrupts
        if not interrupts.told:
            interrupts.told = True
            self.send(wire.frame(wire.PAUSED))
        while interrupts.pausing:
            if not self.frames and not self.read():
                return False
            frame = self.frames.popleft()
            if frame[0] == wire.GO:
                interrupts.go()
            else:
                held.append(frame)
        self.frames.extendleft(reversed(held))
        return True

    def drop(self, serial: int) -> None:
        """Answer a frame whose ticket the parent has won."""
        self.dropped += wire.frame(wire.DROPPED, serial=serial)
        if len(self.dropped) * wire.SIZE >= _GATHERED:
            self.flush()

    def flush(self) -> None:
        """Write the answers that were gathered."""
        if self.dropped:
            dropped, self.dropped = self.dropped, []
            self.send((b"".join(dropped),))

    def send(self, pieces: Sequence[wire.Buffer]) -> None:
        """Write all of an answer."""
        wire.write_all(self.lane, pieces)

    # ------------------------------------------------------------------ calls

    def run(
        self, kind: int, serial: int, data: wire.Buffer, buffers: Sequence[wire.Buffer]
    ) -> None:
        """Run a call that was claimed, and answer."""
        interrupts = self.interrupts
        self.ran += 1
        try:
            try:
                self.doing = ""
                interrupts.running = True
                if interrupts.pausing:  # between the claim and now
                    raise KeyboardInterrupt
                if kind == wire.CHUNK:
                    answer = self.chunk(serial, data, buffers)
                else:
                    answer = self.call(kind, data, buffers)
            finally:
                interrupts.running = False
            kind = wire.RESULT
        except BaseException as error:
            interrupts.running = False
            answer = freeze(error, self.job.reducer, self.doing)
            kind = wire.RAISED
        interrupts.leave_copies()
        flags = 0
        if self.ran == self.job.max_tasks:
            flags = wire.LAST
        if interrupts.pausing:
            flags |= wire.INTERRUPTED
            interrupts.told = True
        self.send(wire.frame(kind, *answer, flags=flags, serial=serial))

    def call(self, kind: int, data: wire.Buffer, buffers: Sequence[wire.Buffer]) -> Packed:
        """Return the packed result of one call."""
        reducer = self.job.reducer
        self.doing = "unpickling the arguments"
        if kind == wire.NAMED:
            fn = named(data)
            args, kwargs = cast(_Arguments, unpack(data, buffers, reducer))
        else:
            fn, args, kwargs = cast(_OneCall, unpack(data, buffers, reducer))
        self.doing = ""
        result = fn(*args, **kwargs)
        if result is None and reducer is None:
            return wire.NOTHING
        self.doing = "pickling the result"
        return pack(result, reducer)

    def chunk(self, serial: int, data: wire.Buffer, buffers: Sequence[wire.Buffer]) -> Packed:
        """Run the calls of a chunk; each outcome is written before the next call begins."""
        reducer = self.job.reducer
        self.doing = "unpickling the arguments"
        fn, columns = cast(_Chunk, unpack(data, buffers, reducer))
        self.doing = ""
        began = time.perf_counter()
        items = zip(*columns, strict=True)
        Outcomes(self.lane, self.log, serial, reducer).run(fn, items, self.interrupts)
        return wire.SECONDS.pack(time.perf_counter() - began), ()


def _opened(job: Job) -> Own:
    """Open what the process shares with its parent."""
    assert isinstance(job.memory, Connection)
    log = mmap.mmap(job.memory.fileno(), MEMORY)
    job.memory.close()
    return Own(log, opened(job.names, log, TICKETS, wire.DEPTH))


def _die_with_parent(life: int) -> None:
    """See to it that this process ends when the parent does."""
    if sys.platform == "linux":
        # SIGKILL, whatever the calls do to their signals; the default would be SIGIO.
        fcntl.fcntl(life, fcntl.F_SETSIG, signal.SIGKILL)
        fcntl.fcntl(life, fcntl.F_SETOWN, os.getpid())
        flags = fcntl.fcntl(life, fcntl.F_GETFL)
        fcntl.fcntl(life, fcntl.F_SETFL, flags | os.O_ASYNC)
        if wire.readable(life):
            os._exit(1)  # it is gone already
    else:
        threading.Thread(target=_wait_for_the_end, args=(life,), daemon=True).start()


def _wait_for_the_end(life: int) -> None:
    os.read(life, 1)
    os._exit(1)
