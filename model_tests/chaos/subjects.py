"""The pools that scenarios are played on.

``foregone`` must pass.  The others must not: they show that the judge is not asleep.
"""

import concurrent.futures
import importlib
from collections.abc import Callable
from multiprocessing.context import BaseContext
from typing import Any, Final, TypeAlias

from model_tests.chaos.scenario import Scenario

#: An executor of any make.
Executor: TypeAlias = Any

OURS: Final = "foregone"
STANDARD: Final = "concurrent.futures"


def ours(
    scenario: Scenario, context: BaseContext, initializer: Callable[..., object] | None
) -> Executor:
    """Make a pool of ours."""
    module = importlib.import_module("foregone")
    return module.ProcessPoolExecutor(
        scenario.workers,
        context,
        initializer,
        max_tasks_per_child=scenario.tasks,
        on_process_death=scenario.policy,
    )


def standard(
    scenario: Scenario, context: BaseContext, initializer: Callable[..., object] | None
) -> Executor:
    """Make a pool of the standard library."""
    return concurrent.futures.ProcessPoolExecutor(
        scenario.workers, context, initializer, max_tasks_per_child=scenario.tasks
    )


def _parent_always_wins() -> None:
    """Let the parent take calls back whether it wins their tickets or not."""
    module = importlib.import_module("foregone.process_pool.call_queue")
    vars(module)["CallQueue"].attempt = lambda queue, serial: iter((True,))


def _process_always_claims() -> None:
    """Let a process run what it is sent, whoever has the ticket."""
    server: Any = vars(importlib.import_module("foregone.process_pool.process"))["_Server"]
    before = server.__init__

    def init(self: Any, *arguments: object) -> None:  # noqa: ANN401  # a private class
        before(self, *arguments)
        self.claims = [lambda _: True for _ in self.claims]

    server.__init__ = init


def _nobody_is_blamed() -> None:
    """Forget the call that a process had when it died."""
    module = importlib.import_module("foregone.process_pool.burial")
    vars(module)["_left"] = lambda worker, queue: []


#: Defects that are seeded in ours, for pools that fork: processes inherit them.
DEFECTS: Final[dict[str, Callable[[], None]]] = {
    "the parent always wins": _parent_always_wins,
    "a process always claims": _process_always_claims,
    "nobody is blamed": _nobody_is_blamed,
}


def make(
    subject: str,
    scenario: Scenario,
    context: BaseContext,
    initializer: Callable[..., object] | None = None,
) -> Executor:
    """Make a pool."""
    if subject in DEFECTS and subject not in _seeded:
        _seeded.add(subject)
        DEFECTS[subject]()
    maker = standard if subject == STANDARD else ours
    return maker(scenario, context, initializer)


_seeded: Final[set[str]] = set()

SUBJECTS: Final = (OURS, STANDARD, *DEFECTS)
