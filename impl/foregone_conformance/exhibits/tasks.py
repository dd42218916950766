"""What the exhibits about process pools run in a process, and what they send there.

A call marks in a directory how far it is, and looks there for what it waits for.  The
directory is the runner's, and goes with it.
"""

from __future__ import annotations

import os
import signal
import threading

from foregone_conformance.exhibits.future import until

GRACE = 0.5  # seconds in which who does not wait for another would be further
BULK = 2**22  # bytes
LOCK = threading.Lock()  # of the module, as that of logging is: each process has a copy


def mark(place: str, name: str) -> None:
    with open(os.path.join(place, name), "w"):
        pass


def awaited(place: str, name: str) -> None:
    """Wait for a mark, or until the process that started this one is gone."""
    path, parent = os.path.join(place, name), os.getppid()
    until(lambda: os.path.exists(path) or os.getppid() != parent)


def hold(place: str) -> None:
    mark(place, "begun")
    awaited(place, "go on")


def die(place: str) -> None:
    hold(place)
    os.kill(os.getpid(), signal.SIGKILL)


def name_and_hold(place: str) -> None:
    with open(os.path.join(place, "name"), "w") as name:
        name.write(str(os.getpid()))
    hold(place)


def note(place: str) -> None:
    mark(place, "ended")


def answer_much(place: str) -> bytes:
    hold(place)
    return bytes(BULK)


def leave() -> None:
    raise LeavingError


def meet(place: str, others: int, _: object) -> None:
    """Wait until so many run in processes of their own, then take the lock for a moment."""
    mark(place, f"{os.getpid()}.met")
    parent = os.getppid()
    until(
        lambda: (
            sum(each.endswith(".met") for each in os.listdir(place)) == others
            or os.getppid() != parent
        )
    )
    with LOCK:
        pass


def ignore_and_hold(place: str) -> None:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    mark(place, "ignores")
    awaited(place, "never")
    os._exit(0)


def fork_and_die() -> None:
    if not os.fork():
        until(lambda: False)  # the runner ends it
    os.kill(os.getpid(), signal.SIGKILL)


def explode(what: str) -> None:
    raise ValueError(what)


class Explosive:
    """It pickles, and does not unpickle."""

    def __reduce__(self) -> tuple[object, ...]:
        return explode, ("in a process",)


class LeavingError(BaseException):
    """It is no Exception, as SystemExit is none."""


class Deadly:
    """Whoever unpickles it is killed."""

    def __reduce__(self) -> tuple[object, ...]:
        return kill_me, ()


def kill_me() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


class Locking:
    """While it is pickled the lock is taken, and the gate says how long."""

    def __init__(self, begun: threading.Event, go_on: threading.Event) -> None:
        self.begun, self.go_on = begun, go_on

    def __reduce__(self) -> tuple[object, ...]:
        with LOCK:
            self.begun.set()
            self.go_on.wait()
        return int, ()


class OddError(Exception):
    """It pickles, and does not unpickle: that wants as many arguments as ``args`` has."""

    def __init__(self, first: int, _second: int) -> None:
        super().__init__(first)


def raise_odd() -> None:
    raise OddError(1, 2)


class Unspeakable:
    """It does not pickle, and no more does the error that says so."""

    def __reduce__(self) -> tuple[object, ...]:
        raise ValueError(threading.Lock())


class Late:
    """It takes its time to be pickled: so does a process that is given it."""

    def __reduce__(self) -> tuple[object, ...]:
        threading.Event().wait(GRACE)
        return int, ()


class Bulky:
    """It pickles into more than a pipe holds, and tells when that begins."""

    def __init__(self, begun: threading.Event) -> None:
        self.begun = begun

    def __reduce__(self) -> tuple[object, ...]:
        self.begun.set()
        return bytes, (bytes(BULK),)


class Gated:
    """Whoever unpickles it stands before a gate."""

    begun, go_on = threading.Event(), threading.Event()

    def __reduce__(self) -> tuple[object, ...]:
        return pass_gate, ()


def pass_gate() -> None:
    Gated.begun.set()
    Gated.go_on.wait()


class Slow:
    """It fails to pickle, but takes its time."""

    def __init__(self, begun: threading.Event, go_on: threading.Event) -> None:
        self.begun, self.go_on = begun, go_on

    def __reduce__(self) -> tuple[object, ...]:
        self.begun.set()
        self.go_on.wait()
        raise ValueError("not to be pickled")
