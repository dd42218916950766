"""Make the process pools of the tests, and put calls into them."""

from collections.abc import Callable
from multiprocessing import get_context
from typing import Final, Literal, TypeAlias

from foregone import Future, ProcessPoolExecutor
from model_tests import process_calls as calls

METHODS: Final = ("fork", "forkserver", "spawn")
#: Those by which a process may be replaced.
REPLACING: Final = ("forkserver", "spawn")

Policy: TypeAlias = Literal["break", "replace"]


def pool(
    method: str,
    workers: int = 1,
    policy: Policy = "break",
    initializer: Callable[..., object] | None = None,
    initargs: tuple[object, ...] = (),
    tasks: int | None = None,
) -> ProcessPoolExecutor:
    """Make a pool."""
    return ProcessPoolExecutor(
        workers,
        get_context(method),
        initializer,
        initargs,
        max_tasks_per_child=tasks,
        on_process_death=policy,
    )


def queue(executor: ProcessPoolExecutor, house: calls.House, numbers: range) -> list[Future[int]]:
    """Submit a call for each of ``numbers``."""
    return [executor.submit(calls.value, house.log, number) for number in numbers]


def values(numbers: range) -> list[int]:
    """Return what those calls return."""
    return [calls.value_of(number) for number in numbers]
