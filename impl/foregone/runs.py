"""Events as runs that the specification can follow: what ``foregone-spec explain`` tells.

A run is made of all that happened in one executor, from its ``Opened`` on.  Events that were
lost, or that stood in a file that is gone, make that impossible: who then guesses proves
nothing.

What no event of a thread pool tells (``run_of_threads.SILENT``) is put in where it is needed:
such a step concerns one thread or one caller of ``shutdown`` alone, so that it may stand right
before the next step of the same.
"""

from collections.abc import Generator, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import astuple, replace
from importlib import import_module
from itertools import pairwise
from typing import Final, Protocol, TypeAlias, cast

from foregone.events import Event
from foregone.run_of_processes import ProcessReader
from foregone.run_of_threads import SILENT, ThreadReader
from foregone.run_rooms import Generous, Made, Missing, Unmodelled, number_in
from foregone_spec import process_pool_actions, thread_pool
from foregone_spec.follow import Verdict, check
from foregone_spec.model import Model
from foregone_spec.process_pool_state import ProcessPoolState
from foregone_spec.thread_pool import ThreadPoolState
from foregone_spec.trace import Recorded, Step, TraceError, dumps

__all__ = ["Missing", "Unmodelled", "by_executor", "followed", "text"]

#: Longer runs are not followed: each state has all calls in it, and each step a new state.
MOST_CALLS: Final = 1_000


class OnDask(Protocol):
    """What follows a run on Dask says: a Verdict of a model that only ``foregone.dask`` has."""

    @property
    def accepted(self) -> bool:
        """Whether the whole run is a behaviour of the model."""
        ...

    @property
    def possible(self) -> Sequence[object]:
        """Return the states after each step that was possible."""
        ...


#: The kind of an executor on Dask, as its Opened has it.
_DASK: Final = "dask"

#: What follows a run of a model says.
Followed: TypeAlias = (
    Verdict[ThreadPoolState, thread_pool.Action]
    | Verdict[ProcessPoolState, process_pool_actions.Action]
    | OnDask
)


def by_executor(events: Iterable[Event]) -> dict[str, list[Event]]:
    """Return the events of each executor; of two that had the same name, those of the last."""
    found: dict[str, list[Event]] = {}
    for event in events:
        if event.action == "Opened":
            found[event.executor] = []
        found.setdefault(event.executor, []).append(event)
    return found


def text(events: list[Event]) -> str:
    """Return the run of one executor, as ``foregone-spec`` reads it; on Dask, the run as told.

    Raises Missing if there are not all of its events, from the first on, TraceError if it is too
    long, and Unmodelled if the system has refused it something that its model takes for granted.
    """
    kind = _look(events)
    if kind == _DASK:
        return f"{_on_dask(events)}\n"
    if kind == "threads":
        of_threads = _of_threads(events)
        return dumps(of_threads.model, of_threads.steps)
    of_processes = _of_processes(events)
    return dumps(of_processes.model, of_processes.steps)


def followed(events: list[Event]) -> Followed:
    """Say whether the run of one executor is one of its model, and how far; raise as ``text``.

    A process may be started for a call that is cancelled meanwhile, which the model has no need
    to: that is allowed here, and ``foregone-spec check`` would find fault with it.  What is
    followed on Dask is the model ``foregone.dask.specification``.
    """
    kind = _look(events)
    if kind == _DASK:
        return _on_dask(events)
    if kind == "threads":
        return _of_threads(events).check()
    made = _of_processes(events)
    return check(Generous(made.model), made.steps)


def _on_dask(events: list[Event]) -> OnDask:
    module = import_module("foregone.dask.runs")  # which needs nothing of Dask
    with _reading():
        return cast("OnDask", module.followed(events))


def _of_threads(events: list[Event]) -> Recorded[ThreadPoolState, thread_pool.Action]:
    limit = min(number_in(events[0].more, "workers"), 1 + _started(events))
    with _reading():
        made = ThreadReader(events, limit).run()
        return Recorded(made.model, tuple(_whole(made.model, made.steps)))


def _of_processes(
    events: list[Event],
) -> Recorded[ProcessPoolState, process_pool_actions.Action]:
    with _reading():
        made = Made.of(events[0].more)
        if made.grows:
            made = replace(made, limit=min(made.limit, 1 + _started(events)))
        if made.limit > MOST_CALLS:
            raise Missing(f"at most {MOST_CALLS:,} processes are followed, not {made.limit:,}")
        return ProcessReader(events, made).run()


def _started(events: list[Event]) -> int:
    """Return how many workers were started: more need not be thought of, where one may be."""
    return sum(event.action == "Start" or event.after == "starts" for event in events)


@contextmanager
def _reading() -> Generator[None, None, None]:
    """Say of events that contradict each other that they do."""
    try:
        yield
    except (Missing, TraceError):
        raise
    except (ArithmeticError, LookupError, ValueError) as error:
        raise Missing(
            f"these events are of no executor: {type(error).__name__}: {error}"
        ) from error


def _look(events: list[Event]) -> str:
    """Return the kind of an executor; raise Missing if not all of its events are here."""
    if not events or events[0].action != "Opened":
        raise Missing("the first event has to be Opened: older files are missing")
    for before, after in pairwise(events):
        if after.number != before.number + 1:
            lost = f"{before.number + 1:,} to {after.number - 1:,}"
            raise Missing(f"events {lost} were lost: the observer was too slow, or has raised")
    calls = sum(event.action == "Submit" for event in events)
    if calls > MOST_CALLS:
        raise Missing(
            f"this run has {calls:,} calls, and at most {MOST_CALLS:,} are followed: "
            f"take a part of it, from its beginning, as with --first 5000"
        )
    return events[0].what


def _whole(
    model: Model[ThreadPoolState, thread_pool.Action], steps: Sequence[Step[thread_pool.Action]]
) -> Iterator[Step[thread_pool.Action]]:
    """Yield the steps, and before each what has to come before and no event tells."""
    (now,) = model.initial()
    for at, step in enumerate(steps):
        number = astuple(step.action)[:1]
        while (enabled := model.enabled(now)) and step.action not in enabled:
            needed = [x for x in enabled if isinstance(x, SILENT) and astuple(x)[:1] == number]
            if not needed:
                yield from steps[at:]  # whoever follows it finds that it cannot be
                return
            yield Step(needed[0])
            now = model.step(now, needed[0])
        yield step
        if step.action not in enabled:
            yield from steps[at + 1 :]
            return
        now = model.step(now, step.action)
