"""A walk through a model: what has happened, what may happen now, and how to get somewhere.

Nothing is asked but the model: an action that is offered is enabled, one that is taken is a
step of it.  So the answer to "what may happen now?" cannot be out of date.
"""

from collections.abc import Callable
from typing import Final, Generic, final

from foregone_spec.explore import Search, TooManyStates, search
from foregone_spec.model import A, Model, S

#: How many states are looked at on the way to somewhere.
FAR: Final = 200_000
#: A state with more values than this is one of more states than anybody looks at.
LARGEST: Final = 1_000
#: So many values the states may have together: of large ones fewer are looked at.
ROOM: Final = 6_000_000


def searchable(model: Model[S, A], most: int, room: int = ROOM) -> int:
    """Return how many states may be looked at: ``most``, or fewer where each is large.

    ``room`` is how many values they may have together.
    Raises TooManyStates where one alone has more values than ``LARGEST``.
    """
    variables = model.variables(model.initial()[0]).values()
    values = sum(len(each) if isinstance(each, tuple) else 1 for each in variables)
    if values > LARGEST:
        raise TooManyStates(
            f"{type(model).__name__} with these bounds has {values:,} values in each state, too "
            f"many for looking at all states: pass bounds with {LARGEST:,} or fewer"
        )
    return min(most, room // values)


@final
class Walk(Generic[S, A]):
    """The states that were passed, from an initial one on, and the actions in between."""

    model: Model[S, A]
    states: list[S]
    actions: list[A]

    def __init__(self, model: Model[S, A]) -> None:
        self.model = model
        self.states = [model.initial()[0]]
        self.actions = []

    @property
    def state(self) -> S:
        """The state that was reached."""
        return self.states[-1]

    @property
    def enabled(self) -> tuple[A, ...]:
        """All that may happen now, in a fixed order."""
        return self.model.enabled(self.state)

    @property
    def violated(self) -> tuple[str, ...]:
        """The invariants that do not hold here, or of the step that led here."""
        model = self.model
        of_states = [name for name, holds in model.invariants.items() if not holds(self.state)]
        if not self.actions:
            return tuple(of_states)
        before = self.states[-2]
        steps = model.step_invariants.items()
        return (*of_states, *(name for name, allows in steps if not allows(before, self.state)))

    def take(self, action: A) -> None:
        """Go on by ``action``; raise NotEnabled if it may not happen now."""
        self.states.append(self.model.step(self.state, action))
        self.actions.append(action)

    def undo(self, steps: int = 1) -> int:
        """Go back by so many steps, or to the beginning; return by how many."""
        back = min(steps, len(self.actions))
        if back > 0:
            del self.states[-back:], self.actions[-back:]
        return back

    def ahead(self, wanted: Callable[[S, S], bool], limit: int = FAR) -> Search[S, A]:
        """Look for the shortest way from here to a step that is ``wanted``.

        Raises TooManyStates where the model is too large to be searched.
        """

        def is_wanted(before: S | None, after: S) -> bool:
            return before is not None and wanted(before, after)

        return search(self.model, (self.state,), is_wanted, searchable(self.model, limit))
