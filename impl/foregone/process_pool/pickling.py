"""What is sent: one value as bytes, and its large parts as buffers that nobody copied.

Everything that the standard library's process pool can send can be sent here:
reducers registered with ``multiprocessing.reduction.ForkingPickler`` are honoured,
and each is looked up when it is needed, so that it matters not when it came.

Large parts.  A pickler copies no ``bytes``, ``bytearray`` or encoded ``str`` of
OUT_OF_BAND bytes or more: it ends a frame with the part's header and hands the part
itself to ``write``.  ``_large_parts`` puts instructions to take the next buffer in the
header's place.  So a large part travels out of band wherever it stands in the value,
and two names of one object are one object on the other side.  The buffers that
objects offer themselves (PEP 574) stand in the same list, in the order of the stream.

A buffer must be received into a ``bytearray`` that is given to nobody else: it becomes
the ``bytearray`` or the memory of the array that was sent.  Where a buffer is read-only
it may be received as ``bytes`` instead, and a ``bytes`` object that was sent then costs
no copy at all.

Owner of ``_idle``, picklers that nobody uses: this module; a pickler is taken out
while it works, so pickling is re-entrant and needs no lock.  Model: none; what a
payload may do wrong is SubmitUnpicklable, and Finish, of ``tla/ProcessPool.tla``.
"""

import copyreg
import pickle
from collections.abc import Callable, Sequence
from functools import partial
from io import BytesIO
from multiprocessing.reduction import ForkingPickler
from types import ModuleType
from typing import Any, Final, Protocol, TypeAlias, cast, final

#: A buffer of this many bytes or more is not copied; the picklers of CPython have the
#: same limit for what they hand on uncopied.
OUT_OF_BAND: Final = 64 * 1024

#: A pickler whose stream was longer is not used again: clearing it would cost more.
_KEPT: Final = 4 * 1024

Data: TypeAlias = bytes | bytearray | memoryview
Packed: TypeAlias = tuple[bytes, tuple[memoryview, ...]]

PROTOCOL: Final = 5

#: Where ForkingPickler keeps what was registered with it; stubs do not know it.
_EXTRA: Final = "_extra_reducers"
_Reduce: TypeAlias = Callable[[Any], Any]  # of whatever type it was registered for
_Reducers: TypeAlias = dict[type, _Reduce]

# How the header of a large part ends, by its length, and what is put in its place.
_BYTES: Final = b"cbuiltins\nbytes\n\x97\x85R"  # bytes(next buffer)
_BYTEARRAY: Final = b"\x97"  # next buffer
_STR: Final = b"c_codecs\ndecode\n\x97X\5\0\0\0utf-8X\r\0\0\0surrogatepass\x87R"
_REPLACED: Final = {
    (b"B", 5): _BYTES,
    (b"\x8e", 9): _BYTES,
    (b"\x96", 9): _BYTEARRAY,
    (b"X", 5): _STR,
    (b"\x8d", 9): _STR,
}
_PROTO: Final = b"\x80"
_FRAME: Final = 0x95
_FRAME_HEADER: Final = 9


class Serializer(Protocol):
    """What may be plugged in instead of pickle: a module such as cloudpickle, or an object."""

    @property
    def dumps(self) -> Callable[..., bytes]:
        """Return the function that makes bytes of an object.

        It is called as ``dumps(value, protocol=5, buffer_callback=callback)`` if it takes
        these names, and else as ``dumps(value)``.
        """
        ...

    @property
    def loads(self) -> Callable[..., object]:
        """Return the function that undoes ``dumps``.

        It is called as ``loads(data)``, and as ``loads(data, buffers=buffers)`` if there
        are any, which the callback alone can make.
        """
        ...


@final
class Reducer:
    """A serializer that was looked at, and can be sent to a process."""

    __slots__ = ("_by_protocol", "dumps", "loads", "serializer")

    _by_protocol: bool
    dumps: Callable[..., bytes]
    loads: Callable[..., object]
    serializer: Serializer

    def __init__(self, serializer: Serializer) -> None:
        for name in ("dumps", "loads"):
            if not callable(getattr(serializer, name, None)):
                raise TypeError(
                    f"reducer must be a module or an object with functions dumps and loads, "
                    f"not {serializer!r}: it has no {name}; pass the module, as in "
                    f"reducer=cloudpickle"
                )
        self.serializer = serializer
        self.dumps = serializer.dumps
        self.loads = serializer.loads
        self._by_protocol = _takes(self.dumps, "protocol", "buffer_callback")

    def __reduce__(self) -> tuple[Callable[..., "Reducer"], tuple[object]]:
        if isinstance(self.serializer, ModuleType):
            return _by_name, (self.serializer.__name__,)
        return Reducer, (self.serializer,)

    def pack(self, value: object) -> Packed:
        """Return ``value`` as bytes, and what of it is left out of them."""
        buffers: list[Data] = []
        if self._by_protocol:
            callback = partial(_keep, buffers)
            data = self.dumps(value, protocol=PROTOCOL, buffer_callback=callback)
        else:
            data = self.dumps(value)
        return bytes(data), tuple(map(memoryview, buffers))


def reducer_of(serializer: Serializer | None) -> Reducer | None:
    """Return the reducer of what the user passed; None is pickle.

    Raises TypeError if it has no ``dumps`` and ``loads``.
    """
    return None if serializer is None else Reducer(serializer)


def _by_name(name: str) -> Reducer:
    return Reducer(__import__(name, fromlist=["dumps"]))


def _takes(function: Callable[..., object], *names: str) -> bool:
    """Say whether ``function`` can be called with these keywords."""
    import inspect

    try:
        inspect.signature(function).bind(None, **dict.fromkeys(names))
    except (TypeError, ValueError):
        return False
    return True


# ------------------------------------------------------------------- the pickler


class _Registered(dict[type, _Reduce]):
    """What ForkingPickler's table would be at this moment, without making it each time."""

    __slots__ = ()

    def __missing__(self, kind: type) -> _Reduce:
        registered = cast("_Reducers", getattr(ForkingPickler, _EXTRA))
        return registered[kind] if kind in registered else copyreg.dispatch_table[kind]


class _Pickler(pickle.Pickler):
    dispatch_table = _Registered()


def registered(kind: type) -> _Reduce | None:
    """Return what was registered to pickle objects of a type, if anything was."""
    try:
        return _Pickler.dispatch_table[kind]
    except KeyError:
        return None


class _Sink:
    """What a pickler takes for a file: it only hands on what is written."""

    __slots__ = ("write",)

    def __init__(self, write: Callable[[bytes], None]) -> None:
        self.write = write


class _Machine:
    """A pickler, and the list of what it has written and kept out of band."""

    __slots__ = ("clear", "dump", "out")

    def __init__(self) -> None:
        self.out: list[Data] = []
        sink = cast("BytesIO", _Sink(self.out.append))
        pickler = _Pickler(sink, PROTOCOL, buffer_callback=partial(_keep, self.out))
        self.dump = pickler.dump
        self.clear = pickler.clear_memo


_idle: Final[list[_Machine]] = []


def _keep(kept: list[Data], buffer: pickle.PickleBuffer) -> bool:
    """Keep a large buffer out of band; return True to have a small one copied."""
    raw = buffer.raw()  # it is contiguous: the pickler has looked
    if raw.nbytes < OUT_OF_BAND:
        return True
    kept.append(raw)
    return False


def pack(value: object, reducer: Reducer | None) -> Packed:
    """Return ``value`` as bytes, and what of it is left out of them.

    The buffers are views: what they show must not change until it is sent.  Raises what
    the pickler raises, and what the methods of ``value`` raise that it calls.
    """
    if reducer is not None:
        return reducer.pack(value)
    try:
        machine = _idle.pop()
    except IndexError:
        machine = _Machine()
    machine.dump(value)
    out = machine.out
    if len(out) > 1:
        return _large_parts(out)
    data = out.pop()
    if type(data) is bytes and len(data) <= _KEPT:
        machine.clear()
        _idle.append(machine)
        return data, ()
    return bytes(data), ()


def _large_parts(out: list[Data]) -> Packed:
    """Return the stream with its large parts taken out, and these parts."""
    stream: list[Data] = []
    buffers: list[memoryview] = []
    before: Data = b""
    for part in out:
        if isinstance(part, memoryview):
            buffers.append(part)
        elif header := _header(before, part):
            stream[-1] = bytes(before[: -header[1]]) + _REPLACED[header]
            buffers.append(memoryview(part))
        else:
            stream.append(part)
        before = part
    return b"".join(stream), tuple(buffers)


def _header(before: Data, part: Data) -> tuple[bytes, int] | None:
    """Return the opcode and the length of the header of ``part`` at the end of ``before``.

    A part of the stream is a frame, or up to three bytes without one, and then, outside
    frames, the header of what comes next, if that is large; None if it is not.  So a
    frame that only looks as if it ended in a header is not mistaken for one.
    """
    start = 2 if before[:1] == _PROTO else 0
    if before[start : start + 1] == bytes([_FRAME]):
        size = before[start + 1 : start + _FRAME_HEADER]
        start += _FRAME_HEADER + int.from_bytes(size, "little")
    length = {5: 5, 6: 5, 7: 5, 8: 5, 9: 9, 10: 9, 11: 9, 12: 9}.get(len(before) - start, 0)
    opcode = bytes(before[-length:][:1])
    known = _REPLACED.get((opcode, length))
    if known is not None and int.from_bytes(before[len(before) - length + 1 :], "little") == len(
        part
    ):
        return opcode, length
    return None


def unpack(data: Data, buffers: Sequence[Data], reducer: Reducer | None) -> object:
    """Return the value that ``pack`` was given, as it was received.

    The value owns ``buffers`` from now on.  Raises what the unpickler raises, and what
    is raised by the functions that it calls to make the value.
    """
    loads = pickle.loads if reducer is None else reducer.loads
    value: object = loads(data, buffers=buffers) if buffers else loads(data)
    return value


# --------------------------------------------------------------- what goes wrong


def problem(error: BaseException, doing: str, call: str, where: str) -> BaseException:
    """Return ``error`` with a note of what was being done with a payload, and where.

    As in ``problem(error, "pickling the arguments", call_name(fn), "the parent")``.  Its type
    and identity stay.  An exception that takes no notes goes without one.
    """
    note = f"while {doing} of call {call} in {where}"
    notes = _notes(error)
    if note not in notes:
        try:
            # The base's: frozen exceptions refuse what goes through their own.
            BaseException.__setattr__(error, "__notes__", [*notes, note])
        except Exception:
            pass
    return error


def is_problem(error: BaseException, doing: str) -> bool:
    """Say whether ``error`` has the note of a ``problem`` that came up while ``doing``."""
    start = f"while {doing} of call "
    return any(isinstance(each, str) and each.startswith(start) for each in _notes(error))


def _notes(error: BaseException) -> list[object]:
    try:
        return list(getattr(error, "__notes__", ()))
    except Exception:
        return []


def without_frames(error: BaseException) -> BaseException:
    """Return ``error`` without the frames that its tracebacks keep, its chain's too.

    A frame keeps those that called it, and so whoever submitted, his executor among it:
    a future that carries an error would keep the executor from being collected.
    """
    chain, seen = [error], {id(error)}
    for each in chain:
        each.__traceback__ = None
        for other in (each.__cause__, each.__context__):
            if other is not None and id(other) not in seen:
                seen.add(id(other))
                chain.append(other)
    return error
