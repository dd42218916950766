"""What the calls of a scenario do.  Light to import: each process that is started does."""

import os
import pickle
import select
import signal
import sys
import time
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, NoReturn, final

from model_tests import process_calls as calls
from model_tests.process_calls import begin, value_of


class Boom(Exception):
    """What a call raises that is to raise."""


def busy(log: str, number: int, milliseconds: int) -> int:
    begin(log, number)
    end = time.perf_counter() + milliseconds / 1000
    while time.perf_counter() < end:
        pass
    return value_of(number)


def naps(log: str, number: int, milliseconds: int) -> int:
    begin(log, number)
    select.select([], [], [], milliseconds / 1000)
    return value_of(number)


def pattern(number: int, size: int) -> bytes:
    """Return ``size`` bytes that are those of no other call."""
    return (f"<{number}>".encode() * (size // 3 + 1))[:size]


def takes(log: str, number: int, data: bytes) -> tuple[int, int]:
    begin(log, number)
    return len(data), zlib.crc32(data)


def gives(log: str, number: int, size: int) -> bytes:
    begin(log, number)
    return pattern(number, size)


def echoes(log: str, number: int, data: object) -> object:
    begin(log, number)
    return data


def raises(log: str, number: int) -> NoReturn:
    begin(log, number)
    raise Boom(number)


def interrupted(log: str, number: int) -> NoReturn:
    begin(log, number)
    raise KeyboardInterrupt(number)


def leaves(log: str, number: int) -> NoReturn:
    begin(log, number)
    sys.exit(number)


def makes(log: str, number: int, what: Callable[[], object]) -> object:
    begin(log, number)
    return what()


def fails(log: str, number: int, what: Callable[[], BaseException]) -> NoReturn:
    begin(log, number)
    raise what()


def forks(log: str, number: int, gate: str) -> int:
    """Leave a child behind, which ends when the scenario does, and go on."""
    begin(log, number)
    child = os.fork()
    if child == 0:
        calls.stand_at(gate)
        os._exit(0)
    return value_of(number)


def stands_still(log: str, number: int) -> int:
    begin(log, number)
    os.kill(os.getpid(), signal.SIGSTOP)
    return value_of(number)


def item_that_dies(log: str, first: int, fatal: int, step: int) -> int:
    """Be one item of a map; they are numbered from ``first``, and one may be fatal."""
    begin(log, first + step)
    if step == fatal:
        calls.die("exit 3")
    return value_of(first + step)


#: A function and its arguments.
Made = tuple[Callable[..., Any], tuple[Any, ...]]


@final
@dataclass(frozen=True, slots=True)
class Places:
    """Where calls write that they begin, where they wait, and where their children do."""

    log: str
    gate: str
    over: str


def make(kind: str, places: Places, number: int, much: int, size: int) -> Made:
    """Return the call of a kind."""
    log = places.log
    simple: dict[str, Made] = {
        "value": (calls.value, (log, number)),
        "busy": (busy, (log, number, much)),
        "naps": (naps, (log, number, much)),
        "held": (calls.held, (log, number, places.gate)),
        "gives": (gives, (log, number, size)),
        "raises": (raises, (log, number)),
        "interrupted": (interrupted, (log, number)),
        "leaves": (leaves, (log, number)),
        "no pickle": (echoes, (log, number, calls.NoPickle())),
        "no unpickle": (echoes, (log, number, calls.NoUnpickle())),
        "bad result": (makes, (log, number, calls.NoPickle)),
        "spoilt result": (makes, (log, number, calls.NoUnpickle)),
        "bad error": (fails, (log, number, calls.BadError)),
        "spoilt error": (fails, (log, number, calls.SpoiltError)),
        "forks": (forks, (log, number, places.over)),
        "forks and dies": (calls.forks_and_dies, (log, number, places.over)),
        "deadly": (echoes, (log, number, calls.Deadly("exit 5"))),
        "stands still": (stands_still, (log, number)),
    }
    if kind in simple:
        return simple[kind]
    match kind:
        case "takes":
            return takes, (log, number, pattern(number, size))
        case "echoes":
            return echoes, (log, number, pattern(number, size))
        case "block":
            return echoes, (log, number, calls.Block(bytearray(pattern(number, size))))
        case _:
            return calls.dies, (log, number, kind)


def expected(kind: str, number: int, size: int) -> object:
    """Return what the call of a kind returns, if it returns."""
    match kind:
        case "takes":
            return size, zlib.crc32(pattern(number, size))
        case "gives" | "echoes" | "block":
            return pattern(number, size)
        case _:
            return value_of(number)


#: The errors with which a call of a kind ends that is to fail, if it runs.
ERRORS: Final[dict[str, type[BaseException]]] = {
    "raises": Boom,
    "interrupted": KeyboardInterrupt,
    "leaves": SystemExit,
    "no pickle": pickle.PicklingError,
    "no unpickle": ValueError,
    "bad result": pickle.PicklingError,
    "spoilt result": ValueError,
}
