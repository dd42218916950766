"""What travels: a call to a worker, and its outcome back; each is one ``bytes`` for Dask.

Dask sees neither functions nor arguments nor results, so that what does not pickle, either
way, costs its own call only, and an exception of whatever type is an outcome like others: a
task of ours never fails by what the user's code does (P14 of the museum: distributed#5958).
They are pickled as Dask does it: by pickle, and by cloudpickle what pickle cannot send.

A call is its executor's name, its number, and the pickle of function and arguments.  An
outcome is one byte that says what follows: a result, an exception with its chain
(``process_pool.remote_error``), or why the worker did not begin the call.

What this module may touch: nothing but its arguments.  Owner of the form: this module.
"""

import copyreg
import importlib
import os
import pickle
import struct
from collections.abc import Callable
from io import BytesIO
from typing import Final, cast

from foregone.called import call_name
from foregone.process_pool.pickling import Reducer, Serializer, problem, without_frames
from foregone.process_pool.remote_error import freeze, thaw

#: The executor's name, 16 bytes, and the number of the call.
HEADER: Final = struct.Struct("=16sQ")

#: What every Python that is supported can read.
_PROTOCOL: Final = 5

RETURNED: Final = b"V"
RAISED: Final = b"E"
REFUSED: Final = b"R"


def _serializer() -> Serializer:
    return cast("Serializer", importlib.import_module("distributed.protocol.pickle"))


def pack_call(
    fn: Callable[..., object], args: tuple[object, ...], kwargs: dict[str, object]
) -> tuple[bytes, BaseException | None]:
    """Return a call as it is sent, but for the header, or why it cannot be."""
    try:
        return _serializer().dumps((fn, args, kwargs), protocol=_PROTOCOL), None
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        name = call_name(fn)
        return b"", problem(without_frames(error), "pickling the arguments", name, "the client")


class _Deferred:
    """Pickles as a call: whoever unpickles it makes that call, and has what it returns."""

    __slots__ = ("data", "run")

    def __init__(self, run: Callable[[bytes], bytes], data: bytes) -> None:
        self.run = run
        self.data = data

    def __reduce__(self) -> tuple[Callable[[bytes], bytes], tuple[bytes]]:
        return self.run, (self.data,)


def task(run: Callable[[bytes], bytes], executor: bytes, number: int, data: bytes) -> bytes:
    """Return what ``pickle.loads`` makes the outcome of a call of, on the worker, by ``run``.

    So the scheduler, which unpickles functions but not arguments, needs nothing of ours.
    """
    return pickle.dumps(_Deferred(run, HEADER.pack(executor, number) + data), _PROTOCOL)


def number_of(payload: bytes) -> tuple[str, int]:
    """Return the executor's name and the number of a call that was sent."""
    executor, number = HEADER.unpack_from(payload)
    return executor.hex(), number


# ------------------------------------------------------------------ on the worker


def run(payload: bytes) -> bytes:
    """Run the call that was sent; return its outcome.  Nothing that the call does is raised."""
    try:
        loads = _serializer().loads
        fn, args, kwargs = cast(
            "tuple[Callable[..., object], tuple[object, ...], dict[str, object]]",
            loads(memoryview(payload)[HEADER.size :]),
        )
    except BaseException as error:
        return _raised(error, "unpickling the arguments")
    try:
        value = fn(*args, **kwargs)
    except BaseException as error:
        return _raised(error, "")
    try:
        return RETURNED + _serializer().dumps(value, protocol=_PROTOCOL)
    except BaseException as error:
        return _raised(error, "pickling the result")


class _AsTheySay:
    """Pickles exceptions as they say themselves, or, where that does not do, as Dask does.

    Dask has tblib pickle all of them, which makes them again without calling ``__init__``: what
    that keeps beside arguments and attributes is lost, as the code of SystemExit.
    """

    @staticmethod
    def dumps(
        value: object, *, protocol: int, buffer_callback: Callable[[pickle.PickleBuffer], object]
    ) -> bytes:
        """Return the pickle of an exception, or of what stands for a group of them."""
        file, buffers = BytesIO(), list[pickle.PickleBuffer]()
        pickler = pickle.Pickler(file, protocol, buffer_callback=buffers.append)
        found = dict(copyreg.dispatch_table)
        pickler.dispatch_table = {
            kind: each for kind, each in found.items() if not _is_of_tblib(each)
        }
        try:
            pickler.dump(value)
            own = b"__main__" not in (data := file.getvalue())  # a worker has another one
        except Exception:
            own, data = False, b""
        if not own:
            return _serializer().dumps(value, protocol=protocol, buffer_callback=buffer_callback)
        for each in buffers:
            buffer_callback(each)
        return data

    @staticmethod
    def loads(data: bytes, **others: object) -> object:
        """Return what Dask makes of it."""
        return _serializer().loads(data, **others)


def _is_of_tblib(reduce: object) -> bool:
    function: object = getattr(reduce, "func", reduce)  # it may be a partial
    return str(getattr(function, "__module__", "")).partition(".")[0] == "tblib"


def _raised(error: BaseException, doing: str) -> bytes:
    data, buffers = freeze(error, Reducer(_AsTheySay()), doing)
    whole = (os.getpid(), data, [bytes(each) for each in buffers])
    return RAISED + pickle.dumps(whole, _PROTOCOL)


def refused(verdict: str, worker: str) -> bytes:
    """Return the outcome of a call that this worker did not begin."""
    return REFUSED + pickle.dumps((verdict, worker))


# ------------------------------------------------------------------- on the client


def value_of(outcome: bytes, call: str) -> tuple[object, BaseException | None]:
    """Return what a call returned, or the exception that it has instead."""
    body = memoryview(outcome)[1:]
    if outcome[:1] == RAISED:
        pid, data, buffers = cast("tuple[int, bytes, list[bytes]]", pickle.loads(body))
        return None, thaw(data, buffers, Reducer(_serializer()), call=call, pid=pid)
    try:
        return _serializer().loads(body), None
    except BaseException as error:
        return None, problem(without_frames(error), "unpickling the result", call, "the client")


def refusal_of(outcome: bytes) -> tuple[str, str] | None:
    """Return why a worker did not begin a call, and which has claimed it; None if it did."""
    if outcome[:1] != REFUSED:
        return None
    return cast("tuple[str, str]", pickle.loads(memoryview(outcome)[1:]))
