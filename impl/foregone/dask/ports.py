"""What is used of Dask, as protocols: it is imported when an executor is made, not before.

So the types of this package are checked where Dask is not installed, and what may change
under it stands in one place.  All but ``Future._state`` is public; that is how a coroutine
waits for a future without one thread, or one request, for each.
"""

import asyncio
import importlib
import socket
from collections.abc import Awaitable, Callable, Mapping, Sequence, Sized
from types import ModuleType
from typing import Final, Protocol, cast

from foregone.dask.claims import News, Verdict
from foregone.dask.scheduler import Scheduler

#: Seconds in which a host takes a connection, if it is there; Dask itself waits for longer.
LISTENS: Final = 5.0


class Loop(Protocol):
    """The event loop of a client."""

    @property
    def asyncio_loop(self) -> asyncio.AbstractEventLoop:
        """Return the loop itself."""
        ...


class State(Protocol):
    """What a client knows of a task."""

    @property
    def status(self) -> str:
        """Return "pending", "finished", "error", "cancelled" or "lost"."""
        ...

    @property
    def exception(self) -> BaseException | None:
        """Return why it failed, or was cancelled."""
        ...

    def wait(self) -> Awaitable[object]:
        """Wait until the task is not pending any more."""
        ...


class DaskFuture(Protocol):
    """A future of Dask."""

    @property
    def _state(self) -> State: ...


class SchedulerCalls(Protocol):
    """The operations of a scheduler that ``claims.install`` adds."""

    @property
    def foregone_cancel(self) -> "Callable[..., Awaitable[list[Verdict]]]":
        """Cancel calls."""
        ...

    @property
    def foregone_look(self) -> "Callable[..., Awaitable[list[Verdict]]]":
        """Look calls up."""
        ...

    @property
    def foregone_forget(self) -> Callable[..., Awaitable[object]]:
        """Forget calls."""
        ...

    @property
    def foregone_end(self) -> Callable[..., Awaitable[object]]:
        """Forget an executor."""
        ...

    @property
    def echo(self) -> Callable[..., Awaitable[object]]:
        """Return what is sent: an operation of every server of Dask."""
        ...

    @property
    def foregone_news(
        self,
    ) -> Callable[..., Awaitable[tuple[int, Sequence[News]]]]:
        """Hear what has happened."""
        ...


class Stream(Protocol):
    """The connection on which a client sends what it wants of the scheduler."""

    def abort(self) -> object:
        """Close it at once."""
        ...


class Client(Protocol):
    """A client of Dask that is not asynchronous."""

    @property
    def scheduler_comm(self) -> Stream | None:
        """Return its connection, if it has one."""
        ...

    @property
    def id(self) -> str:
        """Return the name that the scheduler has for it."""
        ...

    @property
    def status(self) -> str:
        """Return "running" as long as there is a scheduler."""
        ...

    @property
    def loop(self) -> Loop:
        """Return its event loop, which runs in a thread of Dask's."""
        ...

    @property
    def scheduler(self) -> SchedulerCalls:
        """Return the scheduler's operations."""
        ...

    @property
    def asynchronous(self) -> bool:
        """Say whether it belongs to an event loop of the user's."""
        ...

    def map(
        self,
        func: Callable[..., object],
        iterable: Sequence[bytes],
        /,
        *,
        key: list[str],
        pure: bool,
        fifo_timeout: str,
    ) -> Sequence[DaskFuture]:
        """Submit one task for each item."""
        ...

    def gather(
        self, futures: Mapping[int, DaskFuture], *, errors: str, asynchronous: bool
    ) -> Awaitable[Mapping[int, object]]:
        """Fetch results."""
        ...

    def run_on_scheduler(self, function: Callable[..., str], *args: str) -> Awaitable[str]:
        """Call a function in the scheduler's process; asked in the event loop, to be awaited."""
        ...

    def close(self) -> object:
        """Let go of the scheduler."""
        ...


class Runner(Protocol):
    """What runs the event loop of a client, in a thread."""

    def stop(self) -> object:
        """End the thread, if nobody else needs it."""
        ...


class OwnCluster(Protocol):
    """A cluster that this process has started."""

    @property
    def workers(self) -> Sized:
        """Those that there are, or are being started."""
        ...

    @property
    def worker_spec(self) -> Sized:
        """Those that there should be."""
        ...

    @property
    def scheduler(self) -> Scheduler:
        """Return its scheduler, which runs in this process."""
        ...

    def scale(self, n: int) -> object:
        """Have so many workers; those that are missing are started."""
        ...

    def close(self) -> object:
        """End its processes."""
        ...


def distributed() -> ModuleType:
    """Return the package, imported now.

    Raises ImportError, with the remedy, where it is not installed.
    """
    try:
        return importlib.import_module("distributed")
    except ImportError as error:
        raise ImportError(
            f"foregone.dask needs Dask's package distributed, and it cannot be imported "
            f"({error}): pip install foregone[dask]",
            name=error.name,
        ) from error


def address_of(client: Client) -> str:
    """Return the address of the scheduler of a client, as it can be told."""
    return str(getattr(getattr(client, "scheduler", None), "address", "(unknown)"))


def connect(address: object) -> Client:
    """Return a client of the scheduler at an address, or of a cluster."""
    kind: type[object] = vars(distributed())["Client"]
    made = kind.__new__(kind)
    try:
        start: Callable[..., object] = vars(kind)["__init__"]
        start(made, address, set_as_default=False)
    except BaseException:
        runner: object = vars(made).get("_loop_runner")
        if runner is not None:  # Dask would leave the thread of its event loop
            cast("Runner", runner).stop()
        raise
    return cast("Client", made)


def is_silent(address: str, limit: float) -> bool:
    """Say whether who listens at an address has said nothing for ``limit`` seconds.

    Every server of Dask speaks first, and its client waits for that without limit.  False also
    where nobody listens, which Dask tells, and for what is not plain TCP.
    """
    scheme, _, place = address.rpartition("://")
    host, _, port = place.rpartition(":")
    if scheme not in ("", "tcp") or not port.isdecimal():
        return False
    try:
        made = socket.create_connection((host.strip("[]"), int(port)), min(limit, LISTENS))
    except (OSError, OverflowError):
        return False
    with made:
        made.settimeout(limit)
        try:
            made.recv(1)
        except TimeoutError:
            return True
        except OSError:
            pass
    return False


def start(workers: int | None) -> OwnCluster:
    """Start a cluster of this machine: one process with one thread for each worker."""
    made: object = vars(distributed())["LocalCluster"](
        n_workers=workers,
        threads_per_worker=1,
        processes=True,
        dashboard_address=None,
        scheduler_kwargs={"dashboard_address": ":0"},  # whoever has the usual port keeps it
    )
    return cast("OwnCluster", made)


def is_client(value: object) -> bool:
    """Say whether ``value`` is a client of Dask."""
    return isinstance(value, vars(distributed())["Client"])


def killed_worker(error: BaseException) -> str | None:
    """Return who died last if the cluster has given a task up after deaths; else None."""
    if not isinstance(error, vars(distributed())["KilledWorker"]):
        return None
    return str(getattr(getattr(error, "last_worker", None), "address", ""))


def quietly(close: Callable[[], object]) -> None:
    """Close something whose failure changes nothing."""
    try:
        close()
    except Exception:  # it was closed, or its scheduler is gone
        pass
