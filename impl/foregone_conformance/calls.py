"""What the calls of a claim do, wherever they run: they write to a file, and look at one.

A call that is *held* says that it has begun, and goes on when it is let go.
"""

import os
import threading
from collections.abc import Iterable
from concurrent.futures import Executor, Future
from typing import Final, TypeVar, final

from foregone_conformance.exhibits import process, tasks
from foregone_conformance.exhibits.future import until
from foregone_conformance.exhibits.tasks import GRACE, awaited, mark
from foregone_conformance.judged import Judged

T = TypeVar("T")

#: More calls than any pool that we know has on their way to one worker.
MANY: Final = process.MANY


def echo(*args: object, **kwargs: object) -> tuple[tuple[object, ...], dict[str, object]]:
    """Return what was given."""
    return args, kwargs


def fail(text: str) -> None:
    """Raise ValueError with a text."""
    raise ValueError(text)


def hold(place: str, answer: object = None) -> object:
    """Say that the call has begun, wait until it may go on, say that it ends."""
    mark(place, f"begun.{os.getpid()}.{threading.get_ident()}")
    mark(place, "begun")
    awaited(place, "go on")
    mark(place, "ended")
    return answer


def wait_for(futures: Iterable[Future[T]]) -> None:
    """Poll until all of them are done: no waiter, and no lock."""
    waited = [*futures]
    until(lambda: all(each.done() for each in waited))


def said_who(place: str, others: int) -> int:
    """Say that the call has begun, wait until so many others have; return the process."""
    mark(place, f"{os.getpid()}.{threading.get_ident()}.here")
    parent = os.getppid()
    until(lambda: present(place) >= others or os.getppid() != parent)
    return os.getpid()


def present(place: str) -> int:
    """Return how many calls of ``said_who`` have begun in workers of their own."""
    return sum(each.endswith(".here") for each in os.listdir(place))


def noted(place: str, name: object) -> object:
    """Leave a mark of this name, and return it."""
    mark(place, f"ran.{name}")
    return name


def ran(place: str) -> set[str]:
    """Return the names of all calls of ``noted``."""
    return {each.partition(".")[2] for each in os.listdir(place) if each.startswith("ran.")}


def initialize(place: str, name: str) -> None:
    """Leave a mark of the worker that is initialized, a letter longer each time."""
    own = f"{name}.{os.getpid()}.{threading.get_ident()}"
    with open(os.path.join(place, own), "a", encoding="ascii") as file:
        file.write("x")


def refuse(place: str) -> None:
    """Wait until it may go on, and raise: an initializer that fails."""
    awaited(place, "go on")
    raise ValueError("the initializer fails")


@final
class Held:
    """A call that has begun, and is held."""

    def __init__(self, judged: Judged, pool: Executor, answer: object = None) -> None:
        self.place = judged.folder()
        self.future: Future[object] = pool.submit(hold, self.place, answer)
        judged.doing("waiting until a call begins that a worker is free for")
        awaited(self.place, "begun")

    def __enter__(self) -> "Held":
        """Return this; the call is let go at the end of the block at the latest."""
        return self

    def __exit__(self, *_: object) -> None:
        """Let the call go on."""
        self.let_go()

    def let_go(self) -> None:
        """Let the call go on."""
        mark(self.place, "go on")

    def let_go_soon(self) -> None:
        """Let the call go on when who waits for it has had time to begin."""
        timer = threading.Timer(GRACE, self.let_go)
        timer.daemon = True
        timer.start()

    def ended(self) -> bool:
        """Say whether the call has said that it ends."""
        return os.path.exists(os.path.join(self.place, "ended"))


# ------------------------------------------------------------ odd ones, of one type


def same(number: int) -> int:
    """Return the number."""
    return number


def echo_one(given: object) -> object:
    """Return what was given."""
    return given


def unspeakable() -> object:
    """Return what does not pickle, and whose error does not either."""
    return tasks.Unspeakable()


def failing() -> object:
    """Raise ValueError."""
    raise ValueError("on purpose")


def leaving() -> object:
    """Raise SystemExit."""
    raise SystemExit(3)


def odd() -> object:
    """Raise an error that pickles, and does not unpickle."""
    raise tasks.OddError(1, 2)


def killed() -> object:
    """Kill the process that runs the call."""
    tasks.kill_me()
    return None
