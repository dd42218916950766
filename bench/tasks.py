"""What runs in the processes: the calls of the workloads, importable under every start method."""

import time
import zlib
from pickle import PickleBuffer
from typing import Final, final

PAGE: Final = 4096
SMALL: Final = 16 * PAGE  # bytes: all of such payloads is looked at
LARGE: Final = 1 << 20  # bytes: such payloads are sent one by one


def noop() -> None:
    """Do nothing: what is timed is the way there and back."""


def increment(number: int) -> int:
    """Do next to nothing, with an argument and a result."""
    return number + 1


def fail(number: int) -> None:
    """Raise an error that says which one it is."""
    raise ValueError(number)


def spin(rounds: int) -> tuple[float, float]:
    """Compute for so many rounds; return what it took by the clock, and of processor time."""
    began, start = time.perf_counter(), time.thread_time()
    for _ in range(rounds):
        pass
    return time.perf_counter() - began, time.thread_time() - start


def hold(path: str) -> None:
    """Occupy the process until whoever has the named pipe open for writing closes it."""
    with open(path, "rb") as gate:
        gate.read()


@final
class Block:
    """A large buffer, pickled as arrays are: out of band where protocol 5 is spoken."""

    __slots__ = ("data",)

    def __init__(self, data: bytes | bytearray | memoryview) -> None:
        self.data = data

    def __reduce_ex__(self, protocol: object) -> tuple[object, ...]:
        if isinstance(protocol, int) and protocol >= 5:
            return Block, (PickleBuffer(self.data),)
        return Block, (bytes(self.data),)


Payload = bytes | Block


def mark(payload: Payload) -> int:
    """Return a checksum: of a byte of every page, at changing places, if it is large."""
    data = payload.data if isinstance(payload, Block) else payload
    sample = data if len(data) < SMALL else bytes(data[:: PAGE - 1])
    return zlib.crc32(sample) ^ len(data)


def echo(payload: Payload) -> Payload:
    """Send it back; the checksum of ``mark`` is looked at on the other side."""
    return payload


def make(kind: str, size: int, number: int) -> Payload:
    """Return a payload that is different for each number, on every page."""
    unit = b"%016d" % number
    data = unit * (size // len(unit))
    return Block(bytearray(data)) if kind == "buffer" else data
