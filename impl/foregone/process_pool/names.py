"""Functions that go by their names: what pickle would send too, in a quarter of the time.

A pickler sends a function by the name of its module and its own, once it has seen that it
is found there; the other side looks it up.  So does this, without making a program for
the unpickler of it.  The name stands behind the pickle of the arguments, and at its own
end says how long it is: a pickle ends where it ends, whatever follows.

Both sides look each time: a name may come to mean something else.  What is not plainly
found under its name is for pickle, errors and all.

Owner of ``_known``: this module.  Model: none; an argument that cannot be sent is
SubmitUnpicklable of ``tla/ProcessPool.tla``.
"""

import pickle
import struct
from collections.abc import Callable
from io import BytesIO
from sys import modules
from types import FunctionType, ModuleType
from typing import Final, cast

from foregone.process_pool.wire import Buffer

_LENGTH: Final = struct.Struct("<H")
#: The name of a function as it is sent, and what it says: module, name.
_known: Final[dict[bytes, tuple[str, str]]] = {}


def name_of(fn: object) -> bytes | None:
    """Return the name of a function as it is sent, or None: then pickle has to say."""
    if type(fn) is FunctionType:
        try:
            module, attribute = fn.__module__, fn.__qualname__
            if getattr(modules.get(module), attribute, None) is fn:
                found = f"{module}\0{attribute}".encode()
                return found + _LENGTH.pack(len(found))
        except Exception:  # names that are none, modules that raise
            pass
    return None


def named(data: Buffer) -> Callable[..., object]:
    """Return the function whose name stands at the end of ``data``; raise as pickle does."""
    (length,) = _LENGTH.unpack(data[-_LENGTH.size :])
    key = bytes(data[-_LENGTH.size - length : -_LENGTH.size])
    known = _known.get(key)
    if known is None:
        module, _, attribute = key.decode().partition("\0")
        known = _known[key] = module, attribute
    there = modules.get(known[0])
    function = None
    if there is not None and not _is_being_imported(there):
        function = getattr(there, known[1], None)
    if function is None:
        unpickler = pickle.Unpickler(BytesIO(), fix_imports=False)
        function = unpickler.find_class(*known)
    return cast("Callable[..., object]", function)


def _is_being_imported(module: ModuleType) -> bool:
    """Say whether another thread is importing a module: pickle waits for it."""
    return bool(getattr(getattr(module, "__spec__", None), "_initializing", False))
