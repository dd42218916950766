"""Runs of the simulation: from a seed, from a list of choices; their stories.

The library's own modules take their locks, gates and sizes from where this module puts
them; in between runs they are as they were.
"""

import gc
import logging
import traceback
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from types import ModuleType
from typing import Any, Final, final

import foregone.future
from foregone import fork, interpreter_exit, observer, sync
from foregone.process_pool import (
    answers,
    burial,
    call_queue,
    dispatch,
    ending,
    local_worker,
    pickling,
    rooms,
    tickets,
    wire,
)
from model_tests.simulation.choices import Choices, shrunk
from model_tests.simulation.primitives import (
    NOW,
    Threading,
    Violation,
    new_future_lock,
    new_gate,
    new_lock,
)
from model_tests.simulation.world import World

_MODULES: Final = (
    answers, burial, call_queue, dispatch, ending, local_worker, pickling, rooms, tickets, wire,
)  # fmt: skip


@final
@dataclass(frozen=True, slots=True)
class Failure:
    """A run that went wrong."""

    seed: int
    choices: tuple[int, ...]
    name: str
    seen: str
    story: tuple[str, ...] = ()

    def __str__(self) -> str:
        lines = [f"  {number}. {line}" for number, line in enumerate(self.story, start=1)]
        return "\n".join((*lines, f"wrong:  {self.seen}", f"replay: {self.replay}"))

    @property
    def replay(self) -> str:
        """The command that runs it again."""
        return f"python -m model_tests.chain.simulation --replay {text(self.choices)!r}"


def text(choices: Sequence[int]) -> str:
    """Return choices as they are written."""
    return " ".join(map(str, choices))


@contextmanager
def patched() -> Iterator[None]:
    """Put the stand-ins in their places."""
    places: list[tuple[ModuleType, str, Any]] = [
        (sync, "new_lock", new_lock),
        (sync, "new_gate", new_gate),
        (local_worker, "new_gate", new_gate),
        (local_worker, "threading", Threading),
        (foregone.future, "new_lock", new_future_lock),
        (pickling, "OUT_OF_BAND", 100),
        (wire, "LARGE", 64),
        (wire, "BLOCK", 256),
        (wire, "VECTOR", 2),
        (call_queue, "VECTOR", 2),
    ]
    sizes = [
        (each, name, getattr(each, name))
        for each in _MODULES
        for name in _SIZES
        if hasattr(each, name)
    ]
    before = [(module, name, getattr(module, name)) for module, name, _ in places]
    collected = gc.isenabled()
    gc.disable()
    try:
        for module, name, value in places:
            setattr(module, name, value)
        yield
    finally:
        for module, name, value in (*before, *sizes):
            setattr(module, name, value)
        if collected:
            gc.enable()


_SIZES: Final = ("DEPTH", "BYTES", "SERIALS")


def _sized(world: World) -> None:
    settings = world.settings
    for name, value in zip(_SIZES, (settings.depth, settings.bytes, settings.serials), strict=True):
        for module in _MODULES:
            if hasattr(module, name):
                setattr(module, name, value)


def run(choices: Choices, story: list[str] | None = None) -> tuple[World, Violation | None]:
    """Run once; return the world as it is afterwards, and what went wrong."""
    world = World(choices, story)
    NOW.world = world
    _sized(world)
    observer.log = world.log
    logger = logging.getLogger("concurrent.futures")
    was, logger.disabled = logger.disabled, True  # callbacks raise here
    try:
        world.run()
    except Violation:
        pass
    except Exception as error:
        if world.wrong is None:
            seen = "".join(traceback.format_exception(error))
            world.wrong = Violation("NothingElseIsRaised", seen)
    finally:
        observer.log = None
        logger.disabled = was
        NOW.world = None
        for pools in (fork.pools, interpreter_exit.pools):
            pools.discard(world.pool)
    return world, world.wrong


def failure(seed: int, choices: Sequence[int], *, least: bool = True) -> Failure:
    """Return what goes wrong in a run, with the story of a short one like it."""
    _, wrong = run(Choices(given=choices))
    if wrong is None:
        return Failure(seed, tuple(choices), "", "nothing is wrong")

    def fails(candidate: Sequence[int]) -> bool:
        found = run(Choices(given=candidate))[1]
        return found is not None and found.name == wrong.name

    short = shrunk(choices, fails) if least else choices
    story: list[str] = []
    _, again = run(Choices(given=short), story)
    return Failure(seed, tuple(short), wrong.name, str(again), tuple(story))
