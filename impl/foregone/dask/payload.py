"""What travels: a call to a worker, and its outcome back; each is one ``bytes`` for Dask.

Dask sees neither functions nor arguments nor results, so that what does not pickle, either
way, costs its own call only, and an exception of whatever type is an outcome like others: a
task of ours never fails by what the user's code does (P14 of the museum: distributed#5958).
They are pickled as Dask does it: by pickle, and by cloudpickle what pickle cannot send.

A call is its executor's name, its number, the initializer, and the pickle of function and
arguments; of a chunk, those of its items by columns.  An outcome is one byte that says what
follows: a result, an exception with its chain (``process_pool.remote_error``), those of each
item of a chunk, what the initializer has raised, or why the worker did not begin the call.
Before it stands which worker it is from.

What this module may touch: nothing but its arguments.  Owner of the form: this module.
"""

import importlib
import os
import pickle
import struct
import time
from collections.abc import Callable
from typing import Final, TypeAlias, cast

from foregone.called import call_name
from foregone.process_pool.outcomes import Raised
from foregone.process_pool.pickling import Reducer, Serializer, problem, without_frames
from foregone.process_pool.remote_error import freeze, thaw

#: The executor's name, 16 bytes, the number of the call, and how long the initializer is.
HEADER: Final = struct.Struct("=16sQI")

#: What is sent: one call, or a chunk.
ONE: Final = b"1"
MANY: Final = b"N"

#: What every Python that is supported can read.
_PROTOCOL: Final = 5

RETURNED: Final = b"V"
RAISED: Final = b"E"
REFUSED: Final = b"R"
PARTS: Final = b"P"
UNFIT: Final = b"I"

#: How many bytes say how long the address of a worker is.
_LENGTH: Final = 2


_One: TypeAlias = tuple[Callable[..., object], tuple[object, ...], dict[str, object]]
_Chunk: TypeAlias = tuple[Callable[..., object], list[tuple[object, ...]]]


def _serializer() -> Serializer:
    return cast("Serializer", importlib.import_module("distributed.protocol.pickle"))


def pack_call(
    fn: Callable[..., object], args: tuple[object, ...], kwargs: dict[str, object]
) -> tuple[bytes, BaseException | None]:
    """Return a call as it is sent, but for the header, or why it cannot be."""
    return _packed(ONE, fn, (fn, args, kwargs))


def pack_chunk(
    fn: Callable[..., object], items: list[tuple[object, ...]]
) -> tuple[bytes, BaseException | None]:
    """Return several calls of one function as they are sent together, or why they cannot be."""
    return _packed(MANY, fn, (fn, list(zip(*items, strict=True))))


def pack_setup(fn: Callable[..., object], args: tuple[object, ...]) -> bytes:
    """Return an initializer as it is sent; raise why it cannot be."""
    data, trouble = _packed(ONE, fn, (_heedless, (fn, args), dict[str, object]()))
    if trouble is not None:
        raise trouble
    return data


def _packed(
    kind: bytes, fn: Callable[..., object], whole: object
) -> tuple[bytes, BaseException | None]:
    try:
        return kind + _serializer().dumps(whole, protocol=_PROTOCOL), None
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        name = call_name(fn)
        return b"", problem(without_frames(error), "pickling the arguments", name, "the client")


def _heedless(fn: Callable[..., object], args: tuple[object, ...]) -> None:
    """Call, and send nothing of what is returned."""
    fn(*args)


class _Deferred:
    """Pickles as a call: whoever unpickles it makes that call, and has what it returns."""

    __slots__ = ("data", "run")

    def __init__(self, run: Callable[[bytes], bytes], data: bytes) -> None:
        self.run = run
        self.data = data

    def __reduce__(self) -> tuple[Callable[[bytes], bytes], tuple[bytes]]:
        return self.run, (self.data,)


def task(
    run: Callable[[bytes], bytes], executor: bytes, number: int, data: bytes, setup: bytes = b""
) -> bytes:
    """Return what ``pickle.loads`` makes the outcome of a call of, on the worker, by ``run``.

    So the scheduler, which unpickles functions but not arguments, needs nothing of ours.
    """
    head = HEADER.pack(executor, number, len(setup))
    return pickle.dumps(_Deferred(run, b"".join((head, setup, data))), _PROTOCOL)


def number_of(payload: bytes) -> tuple[str, int]:
    """Return the executor's name and the number of a call that was sent."""
    executor, number, _ = HEADER.unpack_from(payload)
    return executor.hex(), number


def setup_of(payload: bytes) -> memoryview:
    """Return the initializer that was sent with a call; nothing if there is none."""
    length: int = HEADER.unpack_from(payload)[2]
    return memoryview(payload)[HEADER.size : HEADER.size + length]


# ------------------------------------------------------------------ on the worker


def run(payload: bytes) -> bytes:
    """Run the call that was sent; return its outcome.  Nothing that the call does is raised."""
    return run_packed(memoryview(payload)[HEADER.size + len(setup_of(payload)) :])


def run_packed(packed: memoryview) -> bytes:
    """Run what ``pack_call``, ``pack_chunk`` or ``pack_setup`` has returned."""
    try:
        whole = _serializer().loads(packed[1:])
    except BaseException as error:
        return _raised(error, "unpickling the arguments")
    if bytes(packed[:1]) == MANY:
        fn, columns = cast("_Chunk", whole)
        began = time.perf_counter()
        parts = [_outcome(fn, args, {}) for args in zip(*columns, strict=True)]
        return PARTS + pickle.dumps((time.perf_counter() - began, parts), _PROTOCOL)
    return _outcome(*cast("_One", whole))


def _outcome(
    fn: Callable[..., object], args: tuple[object, ...], kwargs: dict[str, object]
) -> bytes:
    """Call, and return the outcome."""
    try:
        value = fn(*args, **kwargs)
    except BaseException as error:
        return _raised(error, "")
    try:
        return RETURNED + _serializer().dumps(value, protocol=_PROTOCOL)
    except BaseException as error:
        return _raised(error, "pickling the result")


def _raised(error: BaseException, doing: str) -> bytes:
    data, buffers = freeze(error, Reducer(_serializer()), doing)
    whole = (os.getpid(), data, [bytes(each) for each in buffers])
    return RAISED + pickle.dumps(whole, _PROTOCOL)


def signed(worker: str, outcome: bytes) -> bytes:
    """Return an outcome as it is sent, with the address of the worker that it is from."""
    name = worker.encode()
    return b"".join((len(name).to_bytes(_LENGTH, "big"), name, outcome))


def refused(verdict: str, worker: str) -> bytes:
    """Return the outcome of a call that this worker did not begin."""
    return REFUSED + pickle.dumps((verdict, worker))


# ------------------------------------------------------------------- on the client


def opened(data: bytes) -> tuple[str, memoryview]:
    """Return which worker an outcome is from, and the outcome."""
    start = _LENGTH + int.from_bytes(data[:_LENGTH], "big")
    return data[_LENGTH:start].decode(), memoryview(data)[start:]


def kind_of(outcome: memoryview) -> bytes:
    """Return what an outcome is."""
    return bytes(outcome[:1])


def value_of(outcome: memoryview, call: str) -> tuple[object, BaseException | None]:
    """Return what a call returned, or the exception that it has instead."""
    body = outcome[1:]
    if kind_of(outcome) in (RAISED, UNFIT):
        pid, data, buffers = cast("tuple[int, bytes, list[bytes]]", pickle.loads(body))
        return None, thaw(data, buffers, Reducer(_serializer()), call=call, pid=pid)
    try:
        return _serializer().loads(body), None
    except BaseException as error:
        return None, problem(without_frames(error), "unpickling the result", call, "the client")


def parts_of(outcome: memoryview, call: str) -> tuple[float, list[object]]:
    """Return how long a chunk took, and of each item what it returned, or ``Raised``."""
    seconds, parts = cast("tuple[float, list[bytes]]", pickle.loads(outcome[1:]))
    found = (value_of(memoryview(each), call) for each in parts)
    return seconds, [value if error is None else Raised(error) for value, error in found]


def refusal_of(outcome: memoryview) -> tuple[str, str] | None:
    """Return why a worker did not begin a call, and which has claimed it; None if it did."""
    if kind_of(outcome) != REFUSED:
        return None
    return cast("tuple[str, str]", pickle.loads(outcome[1:]))
