"""Frames: what travels between the parent and a process, in both directions.

A frame is a header, the sizes of its out-of-band buffers (doubled, plus 1 where what
was sent is read-only, and so may be received as ``bytes``), a pickle, and the buffers.
A call frame carries neither slot nor serial: both sides count the frames that may
ask for an answer (CALL and CHUNK), and the answer echoes the count.
"""

import os
import select
from collections.abc import Callable, Sequence
from struct import Struct
from typing import Final, TypeAlias

from foregone.process_pool.memory import fresh

#: kind, flags, number of buffers, serial, length of the pickle
HEADER: Final = Struct("<BBHIQ")
SIZE: Final = HEADER.size

# From the parent.
CALL: Final = 1  # a call: function, arguments
CHUNK: Final = 2  # a function, and the arguments of several calls
GO: Final = 3  # claim again: the parent has decided what a Ctrl-C means
NAMED: Final = 4  # a call whose function goes by its name: arguments, then the name

# From a process.
RESULT: Final = 16  # the call returned
RAISED: Final = 17  # the call raised, or its payload could not be read or written
DROPPED: Final = 18  # the parent had won the ticket
PART: Final = 19  # one call of a chunk returned
PART_RAISED: Final = 20
READY: Final = 21  # the initializer is through
REFUSED: Final = 22  # the initializer raised
PAUSED: Final = 23  # a Ctrl-C arrived: nothing is claimed until GO
PARTS: Final = 24  # several calls of a chunk returned (``outcomes.py``)

#: Flags of an answer.
LAST: Final = 1  # the process has run as many calls as it may, and ends
INTERRUPTED: Final = 2  # a Ctrl-C arrived during the call; PAUSED is understood

#: How many frames a process may have that it has not answered.
DEPTH: Final = 16
#: How long a chunk took, in seconds: what answers it at its end.
SECONDS: Final = Struct("<d")

#: What a call answers that returned None, where pickle is what packs.
NOTHING: Final[tuple[bytes, tuple[()]]] = b"", ()

#: Serials are counted modulo this.
SERIALS: Final = 2**32

#: How much is read at once.
BLOCK: Final = 1 << 16
#: A pickle from this size on is read into memory of its own.
LARGE: Final = BLOCK
#: How many buffers one system call takes at most.
VECTOR: Final = 512

Buffer: TypeAlias = bytes | bytearray | memoryview
#: kind, flags, serial, pickle, buffers
Frame: TypeAlias = tuple[int, int, int, Buffer, Sequence[Buffer]]


def frame(
    kind: int,
    data: bytes = b"",
    buffers: Sequence[memoryview] = (),
    *,
    flags: int = 0,
    serial: int = 0,
) -> tuple[Buffer, ...]:
    """Return a frame as the pieces to be written one after the other."""
    header = HEADER.pack(kind, flags, len(buffers), serial, len(data))
    if not buffers and len(data) < LARGE:
        return (header + data,)
    sizes = b"".join((len(each) << 1 | each.readonly).to_bytes(8, "little") for each in buffers)
    return (header + sizes, data, *filter(len, buffers))


def size(pieces: Sequence[Buffer]) -> int:
    """Return how many bytes ``pieces`` are."""
    return sum(map(len, pieces))


def rest(pieces: Sequence[Buffer], done: int) -> list[Buffer]:
    """Return what is left of ``pieces`` after ``done`` bytes, at most VECTOR pieces of it."""
    left: list[Buffer] = []
    for each in pieces:
        length = len(each)
        if done >= length:
            done -= length
        elif len(left) == VECTOR:
            break
        elif done:
            left.append(memoryview(each)[done:])
            done = 0
        else:
            left.append(each)
    return left


def readable(fd: int, seconds: float = 0.0) -> bool:
    """Say whether ``fd`` has something to read, or has ended; wait for so many seconds.

    ``select.select`` raises for a descriptor above 1023.
    """
    looking = select.poll()
    looking.register(fd, select.POLLIN)
    return bool(looking.poll(seconds * 1000))


def write_all(fd: int, pieces: Sequence[Buffer]) -> None:
    """Write all ``pieces`` to a blocking ``fd``."""
    done = os.write(fd, pieces[0])
    if len(pieces) == 1 and done == len(pieces[0]):
        return
    total = size(pieces)
    while done < total:
        done += os.writev(fd, rest(pieces, done))


class _Filling:
    """A frame that is being read into memory of its own."""

    __slots__ = ("flags", "kind", "segments", "serial", "views")

    def __init__(self, header: tuple[int, int, int], lengths: Sequence[tuple[int, int]]) -> None:
        self.kind, self.flags, self.serial = header
        made = [fresh(size, constant=bool(constant)) for size, constant in lengths]
        self.segments = [memory for memory, _ in made]
        self.views = [view for memory, view in made if memory]

    def feed(self, data: memoryview) -> int:
        """Take as much of ``data`` as belongs to this frame; return how much."""
        taken = 0
        while self.views and taken < len(data):
            view = self.views[0]
            count = min(len(view), len(data) - taken)
            view[:count] = data[taken : taken + count]
            self.filled(count)
            taken += count
        return taken

    def filled(self, count: int) -> None:
        """Note that ``count`` bytes have arrived."""
        while count:
            if count < len(self.views[0]):
                self.views[0] = self.views[0][count:]
                return
            count -= len(self.views[0])
            del self.views[0]

    def frame(self) -> Frame:
        """Return the frame, once nothing is missing."""
        return self.kind, self.flags, self.serial, self.segments[0], self.segments[1:]


Read: TypeAlias = Callable[[int, int], bytes]
ReadInto: TypeAlias = Callable[[int, Sequence[memoryview]], int]


class Reader:
    """Reads frames from one end of a lane, whole or in pieces, as they come."""

    __slots__ = ("_fd", "_filling", "_read", "_readv", "_tail")

    def __init__(self, fd: int, read: Read = os.read, readv: ReadInto = os.readv) -> None:
        self._fd = fd
        self._read = read
        self._readv = readv
        self._tail = b""
        self._filling: _Filling | None = None

    def read(self) -> list[Frame]:
        """Read once; return the frames that are complete now.

        Raises EOFError when nothing will come any more, BlockingIOError when nothing is
        there on an end that does not block, and OSError when the lane is broken.
        """
        filling = self._filling
        if filling is not None:
            count = self._readv(self._fd, filling.views[:VECTOR])
            if not count:
                raise EOFError("the lane ended within a frame")
            filling.filled(count)
            if filling.views:
                return []
            self._filling = None
            return [filling.frame()]
        data = self._read(self._fd, BLOCK)
        if not data:
            raise EOFError("the lane ended")
        if self._tail:
            data = self._tail + data
            self._tail = b""
        return self._parse(data)

    def _parse(self, data: bytes) -> list[Frame]:
        frames: list[Frame] = []
        at, end = 0, len(data)
        while end - at >= SIZE:
            kind, flags, buffers, serial, length = HEADER.unpack_from(data, at)
            body = at + SIZE
            if not buffers and length <= end - body:
                at = body + length
                frames.append((kind, flags, serial, data[body:at], ()))
                continue
            if not buffers and length < LARGE:
                break
            table = body + 8 * buffers
            if table > end:
                break
            sizes = [int.from_bytes(data[n : n + 8], "little") for n in range(body, table, 8)]
            lengths = [(length, 1), *((each >> 1, each & 1) for each in sizes)]
            filling = _Filling((kind, flags, serial), lengths)
            at = table + filling.feed(memoryview(data)[table:])
            if filling.views:
                self._filling = filling
            else:
                frames.append(filling.frame())
        if at < end:
            self._tail = data[at:]
        return frames
