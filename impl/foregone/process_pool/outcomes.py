"""The outcomes of a chunk: many travel in one frame, and none is lost by a death.

A process begins an item only when the outcome of the one before is out of its hands.
What is large, or an error, is written at once.  What is small is pickled and gathered,
and written with others later; meanwhile its pickle stands in the *log*, memory that the
process shares with the parent and that outlives it.

The log is the number of outcomes that were written before its first (the *base*), and
pickles one after the other, zero behind the last.  They are removed after they were
written, and the base is stored after that.  So whenever the process dies: what is in
the log and not in what came by the lane is what is missing; a pickle that was not
stored to its end does not end, and its item counts as the one that ran.

Owner: the process writes, the parent reads when the process is dead.  Model: Finish and
Die of ``tla/ProcessPool.tla``; an item is a call there.
"""

import mmap
import pickle
import struct
import time
from collections.abc import Callable, Sequence
from itertools import accumulate, pairwise
from typing import TYPE_CHECKING, Final

from foregone.process_pool import wire
from foregone.process_pool.pickling import PROTOCOL, Reducer, pack
from foregone.process_pool.remote_error import freeze

if TYPE_CHECKING:
    from foregone.process_pool.process import Interrupts

#: How large the log is.
LOG: Final = 1 << 16
_BASE: Final = struct.Struct("<Q")
_ZEROS: Final = bytes(LOG)

#: An outcome of so many bytes travels alone.
_SMALL: Final = 1 << 10
#: Outcomes travel when they are so many bytes, or so many seconds old.
_FULL: Final = LOG - _BASE.size - _SMALL - 1
_OLD: Final = 0.01

#: What no reducer of anybody's changes: pickled without asking.
_PLAIN: Final = frozenset((int, float, bool, type(None), complex))

#: How many outcomes travel together, and how long each is.
COUNT: Final = struct.Struct("<I")


class Outcomes:
    """What a process has to say of one chunk."""

    __slots__ = ("_lane", "_log", "_pending", "_reducer", "_sent", "_serial", "_since", "_size")

    def __init__(self, lane: int, log: mmap.mmap, serial: int, reducer: Reducer | None) -> None:
        self._lane = lane
        self._log = log
        self._serial = serial
        self._reducer = reducer
        self._pending: list[bytes] = []
        self._size = self._sent = 0
        self._since = time.perf_counter()
        self._clear()

    def run(
        self,
        fn: Callable[..., object],
        items: Sequence[tuple[object, ...]],
        interrupts: "Interrupts",
    ) -> None:
        """Call ``fn`` for each of ``items``; after a Ctrl-C, stop before the next."""
        gathers, reducer = self._reducer is None, self._reducer
        write, pending, dumps = self._log.write, self._pending, pickle.dumps
        none: tuple[memoryview, ...] = ()
        for args in items:
            doing = ""
            try:
                interrupts.running = True
                value = fn(*args)
                doing = "pickling the result"
                if gathers and type(value) in _PLAIN:
                    data, buffers = dumps(value, PROTOCOL), none
                else:
                    data, buffers = pack(value, reducer)
                interrupts.running = False
                del value  # it may be large, and the next call is to have the room
            except BaseException as error:
                interrupts.running = False
                interrupts.leave_copies()
                self.flush()
                self._send(wire.PART_RAISED, *freeze(error, reducer, doing))
            else:
                if interrupts.copies:
                    interrupts.leave_copies()
                if gathers and len(data) < _SMALL and not buffers:
                    write(data)
                    pending.append(data)
                    self._size += len(data)
                    if self._size > _FULL or (not len(pending) % 8 and self._is_old()):
                        self.flush()
                else:
                    self.flush()
                    self._send(wire.PART, data, buffers)
            if interrupts.pausing:
                self.flush()
                raise KeyboardInterrupt
        self.flush()

    def _is_old(self) -> bool:
        return time.perf_counter() - self._since > _OLD

    def flush(self) -> None:
        """Write what was gathered."""
        self._since = time.perf_counter()
        pending = self._pending
        if pending:
            sizes = struct.pack(f"<{len(pending)}H", *map(len, pending))
            data = b"".join((COUNT.pack(len(pending)), sizes, *pending))
            wire.write_all(self._lane, wire.frame(wire.PARTS, data, serial=self._serial))
            self._sent += len(pending)
            self._clear()

    def _send(self, kind: int, data: bytes, buffers: Sequence[memoryview]) -> None:
        wire.write_all(self._lane, wire.frame(kind, data, buffers, serial=self._serial))
        self._sent += 1
        self._log[: _BASE.size] = _BASE.pack(self._sent)

    def _clear(self) -> None:
        log, end = self._log, _BASE.size + self._size
        log[_BASE.size : end] = _ZEROS[: self._size]
        log[: _BASE.size] = _BASE.pack(self._sent)
        log.seek(_BASE.size)
        self._pending.clear()
        self._size = 0


def several(data: wire.Buffer) -> list[wire.Buffer]:
    """Return the pickles of a frame of outcomes."""
    (count,) = COUNT.unpack_from(data)
    sizes = struct.unpack_from(f"<{count}H", data, COUNT.size)
    ends = list(accumulate(sizes, initial=COUNT.size + 2 * count))
    return [data[start:end] for start, end in pairwise(ends)]


def missing(log: bytes, known: int) -> list[bytes]:
    """Return the pickles in the log of a dead process, less those of ``known`` outcomes."""
    (base,) = _BASE.unpack_from(log)
    found: list[bytes] = []
    data = log[_BASE.size :]
    while data[:1] not in (b"", b"\0"):
        end = _end(data)
        if end is None:
            break
        found.append(data[:end])
        data = data[end:]
    return found[max(0, known - base) :] if known >= base else []


def _end(data: bytes) -> int | None:
    """Return where the first pickle in ``data`` ends; None if it does not."""
    import pickletools  # after a death only

    try:
        for opcode, _, position in pickletools.genops(data):
            if opcode.name == "STOP" and position is not None:
                return position + 1
    except ValueError:
        pass
    return None
