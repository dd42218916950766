"""What a model is: initial states, enabled actions, and what each action does.

A state is an immutable value, an action a frozen dataclass whose class name is
the action's name, here and in ``tla/``.  ``variables`` shows a state as TLA+
sees it, name by name; that is how the two graphs are compared.
"""

from collections.abc import Callable, Mapping
from typing import Protocol, TypeAlias, TypeVar

S = TypeVar("S")
A = TypeVar("A")

#: A value that Python and TLA+ both have: no sets, no records, no mixtures.
Value: TypeAlias = bool | int | str | tuple["Value", ...]


class NotEnabled(ValueError):
    """An action was asked for in a state that does not allow it."""


class Model(Protocol[S, A]):
    """A transition system that can be explored, replayed and drawn."""

    @property
    def name(self) -> str:
        """The name of the module in ``tla/``."""
        ...

    @property
    def invariants(self) -> Mapping[str, Callable[[S], bool]]:
        """What must hold in every reachable state, under the names of ``tla/``."""
        ...

    @property
    def step_invariants(self) -> Mapping[str, Callable[[S, S], bool]]:
        """What must hold of every step, of the state before and the state after."""
        ...

    def initial(self) -> tuple[S, ...]:
        """Return the states in which a run may begin."""
        ...

    def enabled(self, state: S) -> tuple[A, ...]:
        """Return everything that may happen in ``state``, in a fixed order."""
        ...

    def step(self, state: S, action: A) -> S:
        """Return the state after ``action``; raise NotEnabled where it may not happen."""
        ...

    def variables(self, state: S) -> dict[str, Value]:
        """Return ``state`` as the variables of the TLA+ module."""
        ...


def replaced(values: tuple[A, ...], index: int, value: A) -> tuple[A, ...]:
    """Return ``values`` with ``value`` at ``index``.

    pre: 0 <= index < len(values)
    pre: len(values) <= 3
    post: len(__return__) == len(values)
    post: __return__[index] is value
    post: __return__[:index] == values[:index]
    post: __return__[index + 1 :] == values[index + 1 :]
    """
    return (*values[:index], value, *values[index + 1 :])


def without(values: tuple[A, ...], value: A) -> tuple[A, ...]:
    """Return ``values`` less every ``value``, in the same order.

    pre: len(values) <= 3
    post: value not in __return__
    post: len(__return__) == len(values) - values.count(value)
    """
    return tuple(each for each in values if each != value)


def tla_text(value: Value) -> str:
    """Return ``value`` as TLC prints it."""
    match value:
        case bool():
            return "TRUE" if value else "FALSE"
        case int():
            return str(value)
        case str():
            return f'"{value}"'
        case tuple():
            return f"<<{', '.join(tla_text(each) for each in value)}>>"
