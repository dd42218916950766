"""What the tests let processes do.  Light to import: each process that is started does.

Where a call must be seen to have begun, it first writes a line into a shared file, in
one write that appends; where it must wait, it waits at a gate, which is a FIFO that
holds bytes when it is open: who passes takes one and puts it back.
"""

import os
import pickle
import resource
import signal
import sys
from collections.abc import Callable, Iterator, Sized
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Final, NoReturn, SupportsIndex, TypeAlias

Buffer: TypeAlias = bytes | bytearray | memoryview

#: What an open gate holds.  Who is killed with a byte in his hand takes it with him, and
#: there are more of them than processes that a test kills.
_OPEN: Final = b"." * 64

#: How a process may end from one moment to the next, and how that is told.
DEATHS: Final = {"exit 3": 3, "SIGKILL": -signal.SIGKILL, "SIGSEGV": -signal.SIGSEGV}


def begin(log: str, number: int) -> None:
    """Write down that a call has begun, and in which process."""
    file = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    try:
        os.write(file, f"{number} {os.getpid()}\n".encode())
    finally:
        os.close(file)


def stand_at(gate: str) -> None:
    """Return when the gate is open."""
    file = os.open(gate, os.O_RDWR)
    try:
        os.write(file, os.read(file, 1))  # whoever passes leaves it open
    finally:
        os.close(file)


def die(how: str) -> NoReturn:
    """End this process."""
    if how.startswith("exit"):
        os._exit(int(how.split()[1]))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    signal.signal(signal.SIGSEGV, signal.SIG_DFL)  # faulthandler would tell about it
    while True:
        os.kill(os.getpid(), getattr(signal, how))


# -------------------------------------------------------------------------- calls


def value_of(number: int) -> int:
    """Return what the call of that number returns."""
    return number * 7 + 1


def value(log: str, number: int) -> int:
    begin(log, number)
    return value_of(number)


def held(log: str, number: int, gate: str) -> int:
    begin(log, number)
    stand_at(gate)
    return value_of(number)


def held_too(log: str, number: int, gate: str) -> int:
    """Do as ``held``, under another name."""
    return held(log, number, gate)


def spins(log: str, number: int) -> NoReturn:
    """Compute for ever."""
    begin(log, number)
    while True:
        number += 1


def dies(log: str, number: int, how: str) -> NoReturn:
    begin(log, number)
    die(how)


def forks_and_dies(log: str, number: int, gate: str) -> NoReturn:
    """Leave a child of its own behind, which stands at a gate."""
    begin(log, number)
    child = os.fork()
    if child == 0:
        begin(log, -number)
        stand_at(gate)
        os._exit(0)
    os._exit(4)


def own_pid() -> int:
    return os.getpid()


def raises(error: BaseException) -> NoReturn:
    raise error


def same(given: object) -> object:
    return given


def length(given: Sized) -> int:
    return len(given)


def zeros(number: int) -> bytes:
    return bytes(number)


def makes(what: Callable[[], object]) -> object:
    return what()


def fails(what: Callable[[], BaseException]) -> NoReturn:
    raise what()


class Chained(Exception):
    """An error with more to it than its arguments."""

    def __init__(self, word: str) -> None:
        super().__init__(word)
        self.word = word


def chained() -> NoReturn:
    try:
        raise KeyError("pear")
    except KeyError as error:
        fresh = Chained("apple")
        fresh.add_note("a note")
        raise fresh from error


class Block:
    """Memory that travels out of band, as an array does."""

    def __init__(self, data: Buffer) -> None:
        self.data = data

    def __reduce_ex__(self, protocol: SupportsIndex) -> tuple[Any, ...]:
        outside = protocol.__index__() >= 5
        return Block, (pickle.PickleBuffer(self.data) if outside else bytes(self.data),)

    def __len__(self) -> int:
        return len(memoryview(self.data))

    def __eq__(self, other: object) -> bool:
        return bytes(self.data) == (bytes(other.data) if isinstance(other, Block) else other)

    __hash__ = None  # type: ignore[assignment]  # it may change


# ----------------------------------------------------------- what does not travel


class NoPickle:
    """Does not pickle."""

    def __reduce__(self) -> NoReturn:
        raise pickle.PicklingError("an apple does not pickle")


def _spoilt(pid: int, word: str) -> object:
    if os.getpid() != pid:
        raise ValueError(word)
    return word


class NoUnpickle:
    """Pickles, but does not unpickle in another process."""

    def __reduce__(self) -> tuple[object, ...]:
        return _spoilt, (os.getpid(), "a spoilt apple")


def _deadly(pid: int, how: str) -> object:
    if os.getpid() != pid:
        die(how)
    return how


class Deadly:
    """Pickles; the other process that unpickles it dies."""

    def __init__(self, how: str) -> None:
        self.how = how

    def __reduce__(self) -> tuple[object, ...]:
        return _deadly, (os.getpid(), self.how)


class BadError(Exception):
    """An error that does not pickle."""

    def __reduce__(self) -> NoReturn:
        raise pickle.PicklingError("this error does not pickle")


class SpoiltError(Exception):
    """An error that pickles, but does not unpickle in another process."""

    def __reduce__(self) -> tuple[Any, ...]:
        return _spoilt, (os.getpid(), "a spoilt error")


# ------------------------------------------------------------------- initializers

_begun: list[object] = []


def initialise(log: str, what: object) -> None:
    begin(log, 0)
    _begun.append(what)


def initialised() -> list[object]:
    return _begun


def initialise_in_vain(log: str) -> NoReturn:
    begin(log, 0)
    raise ValueError("a bad start")


def initialise_and_die(log: str, how: str) -> NoReturn:
    begin(log, 0)
    die(how)


def at_the_ticket(armed: str, when: str, name: str) -> None:
    """Send this process a signal when it tries a ticket, and the file ``armed`` was there.

    "before" is before it tries, "after" is when it has won.
    """
    event = {"before": "c_call", "after": "c_return"}[when]

    def look(_: object, kind: str, called: object) -> None:
        if (
            kind == event
            and "SemLock" in (each.__name__ for each in type(getattr(called, "__self__", 0)).mro())
            and getattr(called, "__name__", "") == "acquire"
        ):
            with suppress(FileNotFoundError):
                os.unlink(armed)  # once is enough
                os.kill(os.getpid(), getattr(signal, name))

    sys.setprofile(look)


def stack_on_signal() -> None:
    """Print all stacks of this process when it gets SIGUSR2."""
    import faulthandler

    faulthandler.register(signal.SIGUSR2)


def ignore_terminate() -> None:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)


# ------------------------------------------------------------------------- houses


class House:
    """A shared file in which calls write that they begin, and a gate where they wait."""

    def __init__(self, place: Path) -> None:
        self.log = str(place / "log")
        self.gate = str(place / "gate")
        Path(self.log).touch()
        os.mkfifo(self.gate)
        self._file = os.open(self.gate, os.O_RDWR)  # what is in it stays while this is open

    def begun(self) -> list[int]:
        """Return the numbers of the calls that have begun, in order."""
        return [number for number, _ in self.where()]

    def where(self) -> list[tuple[int, int]]:
        """Return number and process of each call that has begun, in order."""
        lines = Path(self.log).read_text().splitlines()
        return [(int(number), int(pid)) for number, pid in map(str.split, lines)]

    def pid(self, of: int) -> int:
        """Return the process in which a call has begun, or 0."""
        return dict(self.where()).get(of, 0)

    def open(self) -> None:
        """Let everybody pass the gate, now and later."""
        os.write(self._file, _OPEN)

    @contextmanager
    def opened(self) -> Iterator[None]:
        """Open the gate in the end, whatever has happened: who waits for the pool may go on."""
        try:
            yield
        finally:
            self.open()

    def shut(self) -> None:
        """Let nobody pass any more, until it is opened again."""
        for _ in _OPEN:
            os.read(self._file, 1)

    def close(self) -> None:
        """Take the gate away: whoever stands there passes, whoever comes later fails.

        A test that fails opens nothing, and its pool is to end all the same.
        """
        os.unlink(self.gate)
        self.open()
        os.close(self._file)
