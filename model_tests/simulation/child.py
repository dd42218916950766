"""What runs in a simulated process: ``process.py`` step by step, as a generator.

It yields what it waits for at each point at which it could be stopped, killed or
interrupted.  Bytes come and go in arbitrary pieces.  That it answers as the original
does to the same frames, tickets and signals is shown by ``test_simulation.py``.
"""

import marshal
import pickle
import sys
from collections import deque
from collections.abc import Generator, Sequence
from enum import Enum
from typing import Final, Protocol, TypeAlias, cast

from foregone.process_pool import wire
from foregone.process_pool.outcomes import ANY, HEAD, INTEGERS
from foregone.process_pool.pickling import PROTOCOL, Packed, pack, unpack
from foregone.process_pool.remote_error import freeze


class Waits(Enum):
    """What a process waits for."""

    NOTHING = "nothing"
    DATA = "data"
    ROOM = "room"
    RELEASE = "the end of a call that does not end"


_NOTHING, _DATA, _ROOM, _RELEASE = Waits
Code: TypeAlias = Generator[Waits, None, None]
Asks: TypeAlias = Generator[Waits, None, bool]


class Outcome(Enum):
    """What becomes of a call."""

    VALUE = "returns"
    LARGE = "returns much"
    RAISES = "raises"
    UNREADABLE = "returns what does not unpickle"
    LONG = "takes its time"
    STUCK = "does not end"
    INTERRUPTED = "is interrupted"


#: Outcomes of calls that return.
RETURNS: Final = (Outcome.VALUE, Outcome.LARGE, Outcome.UNREADABLE, Outcome.LONG, Outcome.STUCK)


#: And of those whose value pickle has no say in.
PLAIN: Final = (Outcome.VALUE, Outcome.LONG, Outcome.STUCK)


class Unreadable:
    """What does not unpickle."""

    def __reduce__(self) -> tuple[type, tuple[str]]:
        return int, ("no number",)


#: So many bytes of "dropped" answers are gathered before they are written.
GATHERED: Final = 4 * wire.SIZE


class Surroundings(Protocol):
    """What a process has to do with."""

    def read_child(self, count: int) -> bytes: ...
    def put(self, data: memoryview) -> int: ...
    def claim(self, serial: int) -> bool: ...
    def refuses(self) -> bool: ...
    def refused(self) -> None: ...
    def ready(self) -> None: ...
    def begins(self, tag: int) -> Outcome: ...
    def ends(self, tag: int, outcome: Outcome) -> None: ...
    def answered(self, tag: int) -> None: ...
    def is_time(self) -> bool: ...


def work(tag: int, *_: object) -> int:
    """Be the function of all calls: it never runs, the simulation does in its place."""
    raise NotImplementedError(tag)


class Child:
    """The loop of a process, and what it has read and not claimed."""

    def __init__(self, around: Surroundings, max_tasks: int | None) -> None:
        self.around = around
        self.max_tasks = max_tasks
        self.reader = wire.Reader(0, lambda _, count: around.read_child(count), self._readv)
        self.frames: deque[wire.Frame] = deque()
        self.serial = 0
        self.ran = 0
        self.dropped: list[bytes] = []
        self.urgent = b""  # what a signal handler writes
        self.trying = False  # between having counted a frame and having tried its ticket
        self.idle = self.running = self.pausing = self.told = self.struck = False
        self.holds: int | None = None  # the tag of the call that it has claimed and not answered
        self.log = bytearray(1000)
        self.stored = HEAD.size  # where the next outcome is stored in the log
        self.written = 0  # how many outcomes of a chunk were written
        self.pending: list[object] = []
        self.packed = False  # some of them are pickles
        self.form = ANY  # of the log
        self.code: Code = self.serve()

    def _readv(self, _: int, views: Sequence[memoryview]) -> int:
        got = 0
        for view in views:
            data = self.around.read_child(len(view))
            view[: len(data)] = data
            got += len(data)
            if len(data) < len(view):
                break
        return got

    def interrupt(self) -> None:
        """Handle SIGINT."""
        self.pausing = True
        if self.running:
            self.struck = True
        elif self.idle and not self.told:
            self.told = True
            self.urgent += b"".join(wire.frame(wire.PAUSED))

    def go(self) -> None:
        """Claim again."""
        self.pausing = self.told = False

    # --------------------------------------------------------------- the loop

    def serve(self) -> Code:
        """Run what comes until nothing will."""
        if not (yield from self.initialize()):
            return
        while self.ran != self.max_tasks:
            if not self.frames and not (yield from self.read()):
                return
            kind, _, _, data, buffers = self.frames.popleft()
            if kind == wire.GO:
                self.go()
                continue
            if self.pausing and not (yield from self.paused()):
                return
            serial, self.serial = self.serial, self.serial + 1
            self.trying = True
            yield _NOTHING
            won = self.around.claim(serial)
            self.trying = won
            if won:
                yield from self.flush()
                self.trying = False
                yield from self.run(kind, serial % wire.SERIALS, data, buffers)
            else:
                yield from self.drop(serial % wire.SERIALS)

    def initialize(self) -> Asks:
        """Run the initializer; return whether it went well."""
        yield _NOTHING
        if self.around.refuses():
            yield from self.send(wire.frame(wire.REFUSED, *freeze(ValueError("no"), None)))
            self.around.refused()
            return False
        yield from self.send(wire.frame(wire.READY))
        self.around.ready()
        return True

    def read(self) -> Asks:
        """Wait for frames; return False when none will come."""
        yield from self.flush()
        while not self.frames:
            self.idle = True
            yield _DATA
            try:
                self.frames.extend(self.reader.read())
            except EOFError:
                return False
            finally:
                self.idle = False
        return True

    def paused(self) -> Asks:
        """Tell the parent of a Ctrl-C, and wait until it says GO; return False at the end."""
        held: list[wire.Frame] = []
        if not self.told:
            self.told = True
            yield from self.send(wire.frame(wire.PAUSED))
        while self.pausing:
            if not self.frames and not (yield from self.read()):
                return False
            frame = self.frames.popleft()
            if frame[0] == wire.GO:
                self.go()
            else:
                held.append(frame)
        self.frames.extendleft(reversed(held))
        return True

    def drop(self, serial: int) -> Code:
        """Answer a frame whose ticket the parent has won."""
        self.dropped += map(bytes, wire.frame(wire.DROPPED, serial=serial))
        if len(self.dropped) * wire.SIZE >= GATHERED:
            yield from self.flush()

    def flush(self) -> Code:
        """Write the answers that were gathered."""
        if self.dropped:
            dropped, self.dropped = self.dropped, []
            yield from self.send((b"".join(dropped),))

    def send(self, pieces: Sequence[wire.Buffer]) -> Code:
        """Write all of an answer, piece by piece."""
        view = memoryview(b"".join(pieces))
        while view:
            yield _ROOM
            view = view[self.around.put(view) :]

    # ------------------------------------------------------------------ calls

    def run(
        self, kind: int, serial: int, data: wire.Buffer, buffers: Sequence[wire.Buffer]
    ) -> Code:
        """Run a call that was claimed, and answer."""
        self.ran += 1
        tag, tags = told(kind, data, buffers)
        self.holds = tag
        yield _NOTHING
        kind, answer = wire.RAISED, KEYBOARD
        if not self.pausing:  # else it came between the claim and now
            self.running = True
            if not tags:
                outcome = yield from self.call(tag)
                kind = wire.RESULT if outcome in RETURNS else wire.RAISED
                answer = payload(tag, outcome)
            elif (yield from self.chunk(tags, serial)):
                kind, answer = wire.RESULT, (wire.SECONDS.pack(1.0), ())
            self.running = False
        flags = wire.LAST if self.ran == self.max_tasks else 0
        if self.pausing:
            flags |= wire.INTERRUPTED
            self.told = True
        yield from self.send(wire.frame(kind, *answer, flags=flags, serial=serial))
        self.holds = None
        self.around.answered(tag)

    def chunk(self, tags: Sequence[int], serial: int) -> Asks:
        """Run the calls of a chunk, as ``outcomes.py``; return False if it was interrupted."""
        self.written = 0
        self.stored, self.form, first = HEAD.size, ANY, True
        self.pending = []
        self.head(0)
        for tag in tags:
            if self.pausing:
                yield from self.several(serial)
                return False
            self.running = True
            outcome = yield from self.call(tag)
            self.running = False
            data, buffers = payload(tag, outcome)
            if first and outcome in RETURNS:
                first, self.form = False, INTEGERS if outcome in PLAIN else ANY
                self.head(0)
            if outcome in RETURNS and outcome not in PLAIN and self.form == INTEGERS:
                yield from self.several(serial)
                self.form = ANY
                self.head(0)
            if outcome in RETURNS and not buffers:
                yield from self.gather(tag if outcome in PLAIN else (data,))
                self.around.answered(tag)
                if self.around.is_time():
                    yield from self.several(serial)
            else:
                yield from self.several(serial)
                kind = wire.PART if outcome in RETURNS else wire.PART_RAISED
                yield from self.send(wire.frame(kind, data, buffers, serial=serial))
                self.around.answered(tag)
                self.written += 1
                self.head(0)
        yield from self.several(serial)
        return True

    def gather(self, value: int | tuple[bytes]) -> Code:
        """Store an outcome in the log, in pieces, and count it."""
        stored = marshal.dumps(value, 2)
        if self.form == INTEGERS and isinstance(value, int):
            stored = value.to_bytes(8, sys.byteorder)
        half = self.stored + len(stored) // 2
        self.log[self.stored : half] = stored[: half - self.stored]
        yield _NOTHING
        self.log[self.stored : self.stored + len(stored)] = stored
        self.stored += len(stored)
        yield _NOTHING
        self.pending.append(value)
        self.packed = self.packed or isinstance(value, tuple)
        self.head(len(self.pending))

    def several(self, serial: int) -> Code:
        """Write the outcomes that were gathered."""
        if self.pending:
            data = pickle.dumps((self.pending, self.packed), PROTOCOL)
            yield from self.send(wire.frame(wire.PARTS, data, serial=serial))
            yield _NOTHING
            before, self.written = self.written, self.written + len(self.pending)
            self.log[: HEAD.size] = HEAD.pack(before, 0, self.form)
            yield _NOTHING
            self.head(0)
            self.stored, self.pending, self.packed = HEAD.size, [], False

    def head(self, count: int) -> None:
        """Say in the log how many outcomes were written, and how many stand there."""
        self.log[: HEAD.size] = HEAD.pack(self.written, count, self.form)

    def call(self, tag: int) -> "Generator[Waits, None, Outcome]":
        """Run one call."""
        outcome = self.around.begins(tag)
        yield _NOTHING
        if outcome is Outcome.LONG:
            for _ in range(5):
                yield _NOTHING
        elif outcome is Outcome.STUCK:
            yield _RELEASE
        if self.struck:
            self.struck = False
            outcome = Outcome.INTERRUPTED
        self.around.ends(tag, outcome)
        return outcome


#: The arguments of one call: its tag, and ballast.
Sent: TypeAlias = tuple[tuple[int, object], dict[str, object]]
#: Function, the tags of its items, and for each that of the chunk.
SentChunk: TypeAlias = tuple[object, list[tuple[int, ...]]]


def told(
    kind: int, data: wire.Buffer, buffers: Sequence[wire.Buffer]
) -> tuple[int, tuple[int, ...]]:
    """Return the tag of what was sent, and those of its items, if it is a chunk."""
    sent = unpack(data, buffers, None)
    if kind == wire.CHUNK:
        tags, chunk = cast("SentChunk", sent)[1]
        return chunk[0], tags
    return cast("Sent", sent)[0][0], ()


KEYBOARD: Final = freeze(KeyboardInterrupt(), None)


def value_of(tag: int, outcome: Outcome) -> object:
    """Return what a call returns."""
    return bytes([tag % 256]) * 150 if outcome is Outcome.LARGE else tag


def payload(tag: int, outcome: Outcome) -> Packed:
    """Return what a call answers."""
    match outcome:
        case Outcome.LARGE:
            return pack(pickle.PickleBuffer(bytearray(cast("bytes", value_of(tag, outcome)))), None)
        case Outcome.RAISES:
            return freeze(ValueError(tag), None)
        case Outcome.UNREADABLE:
            much = pickle.PickleBuffer(bytearray(150)) if tag % 2 else None
            return pack((Unreadable(), much), None)
        case Outcome.INTERRUPTED:
            return KEYBOARD
        case _:
            return pack(value_of(tag, outcome), None)
