"""The outcomes of a chunk: many travel in one frame, and none is lost by a death.

A process begins an item only when the outcome of the one before is out of its hands.
What is large, or an error, is written at once.  What is small is gathered, and written
with others later; meanwhile it stands in the *log*, memory that the process shares with
the parent and that outlives it.

The log is three numbers and what was gathered, one after the other: how many outcomes
were written before (the *base*), how many stand there (the *count*), and in which *form*:
numbers of one type, each in a place of its own, or whatever else as ``marshal`` writes it,
which takes a third of the time of pickle.  What only pickle can write stands there as a
tuple of one, its pickle, as it does in a frame.

An outcome is stored first and counted then; when what was gathered has been written, the
count is set to nothing first, and the base moved then.  Each number is stored in one
piece.  So whenever the process dies, what the log counts is whole, and what of that did
not come by the lane is what is missing; the item whose outcome is not counted is the one
that ran.

Owner: the process writes, the parent reads when the process is dead.  Model: Finish and
Die of ``tla/ProcessPool.tla``; an item is a call there.
"""

import marshal
import mmap
import pickle
import struct
import time
from collections.abc import Callable, Iterable, MutableMapping, Sequence
from io import BytesIO
from typing import TYPE_CHECKING, Final, NoReturn, TypeAlias, cast, final

from foregone.process_pool import wire
from foregone.process_pool.pickling import PROTOCOL, Reducer, pack
from foregone.process_pool.remote_error import freeze

if TYPE_CHECKING:
    from foregone.process_pool.process import Interrupts

#: How large the log is, and the three numbers that it begins with.
LOG: Final = 1 << 16
HEAD: Final = struct.Struct("=QQQ")

#: An outcome of so many bytes travels alone.
_SMALL: Final = 1 << 10
#: And so many are the most that one has in the log.
_LONGEST: Final = _SMALL + 16
#: The clock is looked at after so many items at most, or less often than that, while it
#: would be sooner than so many seconds after the last time.
_STEP: Final = 32
_BRIEF: Final = 0.0005
#: Outcomes travel when they are so many seconds old, so many numbers, or so many bytes.
_OLD: Final = 0.01
_MANY: Final = LOG // 8 - 8 * _STEP
_FULL: Final = LOG // 4

#: The forms of the log: anything, as ``marshal`` has it; numbers of one type; None, which
#: takes no place.
ANY, NONES, INTEGERS, FLOATS = 0, 1, ord("q"), ord("d")
#: The version of ``marshal`` that no Python has changed.
_FORM: Final = 2

#: Where outcomes of one type are stored, by their number.
_Places: TypeAlias = MutableMapping[int, object]


@final
class Raised:
    """In place of a result: the item has raised.  It stays where it was made."""

    __slots__ = ("error",)

    error: BaseException

    def __init__(self, error: BaseException) -> None:
        self.error = error

    def __reduce__(self) -> NoReturn:
        raise TypeError("the outcome of an item that raised cannot be sent as a result")


class Outcomes:
    """What a process has to say of one chunk."""

    __slots__ = (
        "_head", "_lane", "_log", "_looked", "_packed", "_pending", "_reducer", "_sent", "_serial",
        "_since", "_step", "form", "places",
    )  # fmt: skip

    form: type | None
    places: _Places

    def __init__(self, lane: int, log: mmap.mmap, serial: int, reducer: Reducer | None) -> None:
        self._lane = lane
        self._log = log
        self._head = memoryview(log)[: HEAD.size].cast("Q")
        self._serial = serial
        self._reducer = reducer
        self._pending: list[object] = []  # what was gathered, where it has no places
        self._packed = False  # some of that is pickles
        self._sent = 0
        self._since = self._looked = time.perf_counter()
        self._step = 1  # after so many items the clock is looked at
        self._clear()
        self._choose(None)

    def run(
        self,
        fn: Callable[..., object],
        items: Iterable[tuple[object, ...]],
        interrupts: "Interrupts",
    ) -> None:
        """Call ``fn`` for each of ``items``; after a Ctrl-C, stop before the next."""
        try:
            self._run(fn, items, interrupts)
        except BaseException:  # a Ctrl-C, or a defect of ours: what is known is said first
            interrupts.running = False
            self.flush(self._head[1])
            raise

    def _run(
        self,
        fn: Callable[..., object],
        items: Iterable[tuple[object, ...]],
        interrupts: "Interrupts",
    ) -> None:
        head, form, places = self._head, self.form, self.places
        count, left, first = 0, 1, self._reducer is None
        for args in items:
            interrupts.running = True
            if interrupts.pausing:  # from here on a Ctrl-C raises by itself
                raise KeyboardInterrupt
            try:
                value = fn(*args)
                interrupts.running = False
            except BaseException as error:
                interrupts.running = False
                interrupts.leave_copies()
                count = self._raised(count, error, "")
                continue
            if interrupts.copies:
                interrupts.leave_copies()
            if first:
                first = False
                self._choose(type(value))
                form, places = self.form, self.places
            if type(value) is form:
                try:
                    places[count] = value
                    count += 1
                    head[1] = count
                except ValueError:  # it has no room in its place
                    count, form = self._other(count, [value], interrupts), self.form
            else:
                only = [value]
                del value  # it may be large: whoever is done with it lets it go
                count, form = self._other(count, only, interrupts), self.form
            left -= 1
            if left <= 0:
                count, left = self._look(count), self._step
        interrupts.running = False
        self.flush(count)

    def _look(self, count: int) -> int:
        """Write what was gathered if it is old, or much; return how many are gathered now."""
        now = time.perf_counter()
        if now - self._since > _OLD or count > _MANY or self._log.tell() > _FULL:
            count = self.flush(count)
        self._step = min(2 * self._step, _STEP) if now - self._looked < _BRIEF else 1
        self._looked = now
        return count

    def _choose(self, kind: type | None) -> None:
        """Have places for outcomes of this type, if it can have some; nothing is gathered now."""
        places = memoryview(self._log)[HEAD.size : LOG]
        if kind is int:
            self._head[2], self.places = INTEGERS, cast("_Places", places.cast("q"))
        elif kind is float:
            self._head[2], self.places = FLOATS, cast("_Places", places.cast("d"))
        else:
            self._head[2], self.places = (ANY if kind is not type(None) else NONES), {}
        self.form = None if self._head[2] == ANY else kind

    def _other(self, count: int, only: list[object], interrupts: "Interrupts") -> int:
        """Gather or write an outcome that has no place; return how many are gathered now."""
        if self.form is not None:
            count = self.flush(count)
            self._choose(None)
        value = only.pop()
        stored = b"" if self._reducer is not None else _marshalled(value)
        if not stored:
            try:
                interrupts.running = True
                data, buffers = pack(value, self._reducer)
                interrupts.running = False
            except BaseException as error:
                interrupts.running = False
                interrupts.leave_copies()
                return self._raised(count, error, "pickling the result")
            interrupts.leave_copies()
            del value
            if self._reducer is not None or buffers or len(data) >= _SMALL:
                self.flush(count)
                self._send(wire.PART, data, buffers)
                return 0
            value, self._packed = (data,), True
            stored = marshal.dumps(value, _FORM)
        self._log.write(stored)
        self._pending.append(value)
        self._head[1] = count + 1
        return count + 1

    def _raised(self, count: int, error: BaseException, doing: str) -> int:
        """Write that an item raised, after what was gathered; return 0, for nothing is now."""
        self.flush(count)
        self._send(wire.PART_RAISED, *freeze(error, self._reducer, doing))
        return 0

    def flush(self, count: int) -> int:
        """Write the ``count`` outcomes that were gathered; return 0, for none is now."""
        self._since = time.perf_counter()
        if count:
            values = self._pending
            if self.form is not None:
                values = _gathered(memoryview(self._log), count)
            data = pickle.dumps((values, self._packed), PROTOCOL)
            wire.write_all(self._lane, wire.frame(wire.PARTS, data, serial=self._serial))
            self._sent += count
            self._clear()
        return 0

    def _send(self, kind: int, data: bytes, buffers: Sequence[memoryview]) -> None:
        wire.write_all(self._lane, wire.frame(kind, data, buffers, serial=self._serial))
        self._sent += 1
        self._head[0] = self._sent

    def _clear(self) -> None:
        self._head[1] = 0
        self._head[0] = self._sent
        self._log.seek(HEAD.size)
        self._pending.clear()
        self._packed = False


def _marshalled(value: object) -> bytes:
    """Return what stands in the log for a value that pickle need not see; b"" if it must."""
    known = cast("str", value)  # or another that is as plain: no class of the user's
    kind = type(value)  # whose == may be the user's
    plain = kind is int or kind is float or kind is bool or value is None
    if not plain and (kind is str or kind is bytes):
        plain = len(known) < _SMALL
    stored = marshal.dumps(known, _FORM) if plain else b""
    return stored if len(stored) <= _LONGEST else b""


def _gathered(log: memoryview, count: int) -> list[object]:
    """Return the ``count`` outcomes that a log has."""
    form = HEAD.unpack_from(log)[2]
    if form == NONES:
        return [None] * count
    if form in (INTEGERS, FLOATS):
        return list(struct.unpack_from(f"={count}{chr(form)}", log, HEAD.size))
    if form != ANY:
        raise ValueError(f"a log has no form {form}")
    stored = BytesIO(log[HEAD.size :])
    return [marshal.load(stored) for _ in range(count)]


def several(data: wire.Buffer) -> tuple[list[object], bool]:
    """Return what a frame of outcomes has, and whether tuples in it are pickles."""
    return cast("tuple[list[object], bool]", pickle.loads(data))


def missing(log: bytes, known: int) -> list[object]:
    """Return what the log of a dead process has, less the first ``known`` outcomes.

    A process that dies may have written into it what it should not: then nothing is there.
    """
    base, count, _ = HEAD.unpack_from(log)
    if known < base or count > LOG:
        return []
    try:
        return _gathered(memoryview(log), count)[known - base :]
    except Exception:
        return []
