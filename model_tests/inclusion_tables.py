"""The spec with one cell of its table changed, in a copy that the library does not read.

The model executes ``foregone_spec.future.step``; a changed model executes the same table
but for one cell.  The comparison with the code must notice each change that the programs
can come to: the code then takes a step that the spec has not, or the other way round.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import final

from foregone_spec import future, future_model
from foregone_spec.future import TRANSITIONS, Command, Effect, State, Step
from model_tests.inclusion_spec import Behaviour, behaviour, clients


@final
@dataclass(frozen=True, slots=True)
class Change:
    """One cell, and what stands in it instead."""

    state: State
    command: Command
    cell: Step

    @property
    def name(self) -> str:
        """What was changed, in words."""
        where = f"{self.command.value} in {self.state.value}"
        effects = " ".join(each.value for each in self.cell.effects) or "no effect"
        return f"{where}: {self.cell.after.value}, {effects}"


def changes() -> Iterator[Change]:
    """Yield every cell with another state after it, and with each effect left out."""
    for state, row in TRANSITIONS.items():
        for command, cell in row.items():
            for after in State:
                if after is not cell.after:
                    yield Change(state, command, cell._replace(after=after))
            for effect in cell.effects:
                if effect is not Effect.KEEP_OUTCOME:  # the model keeps no outcome
                    left = tuple(each for each in cell.effects if each is not effect)
                    yield Change(state, command, cell._replace(effects=left))


@contextmanager
def asked() -> Iterator[set[tuple[State, Command]]]:
    """Yield the cells that the model comes to meanwhile."""
    cells: set[tuple[State, Command]] = set()

    def step(state: State, command: Command) -> Step:
        cells.add((state, command))
        return future.step(state, command)

    with _instead(step):
        yield cells


@contextmanager
def changed(change: Change) -> Iterator[None]:
    """Let the model execute the changed table meanwhile."""

    def step(state: State, command: Command) -> Step:
        here = state is change.state and command is change.command
        return change.cell if here else future.step(state, command)

    with _instead(step):
        yield


@contextmanager
def _instead(step: object) -> Iterator[None]:
    kept = vars(future_model)["step"]
    vars(future_model)["step"] = step
    try:
        yield
    finally:
        vars(future_model)["step"] = kept


def noticed(text: str, seen: Behaviour, among: Iterable[Change]) -> set[str]:
    """Return the changes that a program notices, given what its runs came to."""
    of = clients(text)
    found: set[str] = set()
    with asked() as cells:
        behaviour(of)
    for change in among:
        if (change.state, change.command) in cells:
            with changed(change):
                try:
                    same = behaviour(of) == seen
                except ValueError:  # the changed model does not let the clients go on
                    same = False
            if not same:
                found.add(change.name)
    return found
