"""The scheduler, as those see it who run in its process; and what it has to be told.

Nothing of Dask is imported with this module.  Owner of every field: Dask.
"""

from collections.abc import Callable, Mapping, Sized
from contextlib import suppress
from typing import Final, Protocol

#: Seconds between two looks at who is idle, and at the connection while an answer is waited for.
LOOK: Final = 0.5


class Task(Protocol):
    """What is used of a task in the scheduler."""

    @property
    def state(self) -> str:
        """Return where the task is; "memory" once its result is."""
        ...


class Worker(Protocol):
    """What is used of a worker in the scheduler."""

    @property
    def nthreads(self) -> int:
        """Return how many calls it runs at a time."""
        ...

    @property
    def processing(self) -> Sized:
        """Return the tasks that were sent to it, and have not ended."""
        ...


class Scheduler(Protocol):
    """What is used of a scheduler, by those who run in it."""

    @property
    def plugins(self) -> Mapping[str, object]:
        """Return the plugins by name."""
        ...

    @property
    def handlers(self) -> dict[str, Callable[..., object]]:
        """Return what is called for which operation."""
        ...

    @property
    def tasks(self) -> Mapping[str, Task]:
        """Return the tasks by key."""
        ...

    @property
    def workers(self) -> Mapping[str, Worker]:
        """Return the workers that are there, by address."""
        ...

    def coerce_address(self, addr: str) -> str:
        """Return an address as the scheduler writes it: names of hosts are resolved."""
        ...

    def add_plugin(self, plugin: object, *, name: str) -> object:
        """Have ``plugin`` told of what happens."""
        ...


def look_again(scheduler: Scheduler) -> None:
    """Have a scheduler look anew whether workers are idle that have calls behind those they run.

    It looks when tasks come and go, and tells by how long such tasks took before.  Two short
    ones that are on one worker, and turn out to be long, leave all workers idle in its books;
    then it moves no task to the worker that has none, for as long as the first one runs.
    A scheduler that has no such look, or has another one, goes on without.
    """
    look: object = getattr(scheduler, "check_idle_saturated", None)
    if callable(look):
        with suppress(Exception):
            for worker in scheduler.workers.values():
                if len(worker.processing) > worker.nthreads:
                    look(worker)
