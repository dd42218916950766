"""Memory for what is received: large parts are read straight to where they stay.

``bytearray(n)`` writes n zeros first, page by page, which takes longer than receiving n
bytes; and a ``bytes`` object that was read into something else is copied once more.  So
memory from LARGE bytes on comes from the C API as documented, not yet filled, and the
kernel is asked to map it in large pages.  Nobody but the reader has it until it is full.

Touches nothing but memory of its own.  Measured in ``docs/measurements.md``.
"""

from collections.abc import Callable
from functools import lru_cache
from typing import Final, TypeAlias

#: From so many bytes on it pays.
LARGE: Final = 1 << 20
#: The size of a large page, and what ``madvise`` calls it.
_PAGE: Final = 2 << 20
_MADV_HUGEPAGE: Final = 14

_Fresh: TypeAlias = tuple[bytes | bytearray, memoryview]


def fresh(size: int, *, constant: bool) -> _Fresh:
    """Return memory of ``size`` bytes and a view to fill it by; ``bytes`` if ``constant``."""
    make = _maker() if size >= LARGE else None
    if make is not None:
        return make(size, constant)
    memory = bytearray(size)
    return memory, memoryview(memory)


@lru_cache(1)
def _maker() -> Callable[[int, bool], _Fresh] | None:
    """Return what makes memory that nobody has written to, where that can be had."""
    try:
        import ctypes

        api = ctypes.pythonapi
        makers = api.PyByteArray_FromStringAndSize, api.PyBytes_FromStringAndSize
        addresses = api.PyByteArray_AsString, api.PyBytes_AsString
        for each in makers:
            each.restype = ctypes.py_object
            each.argtypes = [ctypes.c_char_p, ctypes.c_ssize_t]
        for each in addresses:
            each.restype = ctypes.c_void_p
            each.argtypes = [ctypes.py_object]
    except (ImportError, AttributeError):
        return None
    advise = _adviser()

    def make(size: int, constant: bool) -> _Fresh:
        memory: bytes | bytearray = makers[constant](None, size)
        address: int = addresses[constant](memory)
        advise(address, size)
        return memory, memoryview((ctypes.c_char * size).from_address(address)).cast("B")

    return make


def _adviser() -> Callable[[int, int], None]:
    """Return what asks the kernel for large pages, or does nothing."""
    import ctypes
    import sys

    if sys.platform != "linux":
        return lambda address, size: None
    madvise = ctypes.CDLL(None).madvise
    madvise.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int]

    def advise(address: int, size: int) -> None:
        first, last = -(-address // _PAGE) * _PAGE, (address + size) // _PAGE * _PAGE
        if last > first:
            madvise(first, last - first, _MADV_HUGEPAGE)

    return advise
