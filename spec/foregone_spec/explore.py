"""The reachable graph of a model, and the shortest way to a violation.

States are visited breadth first, so that the first violation that is found has a
shortest story.  Nothing is sampled: every action that is enabled in a reachable
state is taken, up to a limit on states that raises rather than stops silently.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Generic, final

from foregone_spec.model import A, Model, S, tla_text

DEFAULT_LIMIT: Final = 2_000_000


class TooManyStates(RuntimeError):
    """The model has more reachable states than the caller allowed."""


@final
@dataclass(frozen=True, slots=True)
class Violation(Generic[S, A]):
    """An invariant that does not hold, and the shortest run that shows it."""

    invariant: str
    story: tuple[tuple[A | None, S], ...]  # the action taken and the state after it

    def __str__(self) -> str:
        lines = [f"{self.invariant} is violated after {len(self.story) - 1} steps:"]
        for number, (action, state) in enumerate(self.story):
            lines.append(f"  {number}. {'initially' if action is None else action}")
            lines.append(f"     {state}")
        return "\n".join(lines)


@final
@dataclass(slots=True)
class Graph(Generic[S, A]):
    """The reachable states of a model, and every step between them."""

    model: Model[S, A]
    initial: tuple[S, ...]
    edges: dict[S, tuple[tuple[A, S], ...]] = field(
        default_factory=dict[S, tuple[tuple[A, S], ...]]
    )
    depth: int = 0  # as TLC counts it: the longest of the shortest ways, in states
    violations: tuple[Violation[S, A], ...] = ()

    def triples(self) -> Iterator[tuple[S, A, S]]:
        """Yield every edge as (state, action, state after)."""
        for state, steps in self.edges.items():
            for action, after in steps:
                yield state, action, after

    @property
    def edge_count(self) -> int:
        """How many edges there are."""
        return sum(map(len, self.edges.values()))


def explore(model: Model[S, A], limit: int = DEFAULT_LIMIT) -> Graph[S, A]:
    """Return the reachable graph of ``model`` with the first violation of each invariant.

    ``limit`` is a number of states; TooManyStates is raised where it is passed.
    """
    graph = Graph(model, model.initial())
    parent: dict[S, tuple[A, S] | None] = dict.fromkeys(graph.initial)
    broken: dict[str, Violation[S, A]] = {}
    invariants = model.invariants
    step_invariants = model.step_invariants
    layer = list(parent)
    while layer:
        graph.depth += 1
        found: list[S] = []
        for state in layer:
            for name, holds in invariants.items():
                if name not in broken and not holds(state):
                    broken[name] = Violation(name, _story(parent, state))
            steps = tuple((action, model.step(state, action)) for action in model.enabled(state))
            graph.edges[state] = steps
            for action, after in steps:
                if after not in parent:
                    parent[after] = (action, state)
                    found.append(after)
                for name, allows in step_invariants.items():
                    if name not in broken and not allows(state, after):
                        story = (*_story(parent, state), (action, after))
                        broken[name] = Violation(name, story)
            if len(parent) > limit:
                raise TooManyStates(
                    f"{model} has more than {limit} reachable states: "
                    f"pass smaller bounds, or a larger limit"
                )
        layer = found
    graph.violations = tuple(broken.values())
    return graph


def _story(parent: Mapping[S, tuple[A, S] | None], state: S) -> tuple[tuple[A | None, S], ...]:
    backwards: list[tuple[A | None, S]] = []
    came = parent[state]
    while came is not None:
        action, before = came
        backwards.append((action, state))
        state, came = before, parent[before]
    backwards.append((None, state))
    return tuple(reversed(backwards))


@final
@dataclass(frozen=True, slots=True)
class Search(Generic[S, A]):
    """What a search has found: the shortest way, or none among so many states."""

    story: tuple[tuple[A | None, S], ...]  # the action taken and the state after it; () if none
    states: int  # that were met
    complete: bool  # there are no more than these


def search(
    model: Model[S, A],
    starts: Sequence[S],
    wanted: Callable[[S | None, S], bool],
    limit: int = DEFAULT_LIMIT,
) -> Search[S, A]:
    """Look breadth first for a step that is ``wanted``, or a start: of that, None is before.

    ``limit`` is a number of states, after which nothing is looked at any more.
    """
    parent: dict[S, tuple[A, S] | None] = dict.fromkeys(starts)
    layer = list(parent)
    for start in layer:
        if wanted(None, start):
            return Search(_story(parent, start), len(parent), complete=False)
    while layer and len(parent) <= limit:
        found: list[S] = []
        for state in layer:
            for action in model.enabled(state):
                after = model.step(state, action)
                if wanted(state, after):
                    story = (*_story(parent, state), (action, after))
                    return Search(story, len(parent), complete=False)
                if after not in parent:
                    parent[after] = (action, state)
                    found.append(after)
        layer = found
    return Search((), len(parent), complete=not layer)


def shortest(model: Model[S, A], wanted: Callable[[S], bool]) -> tuple[tuple[A | None, S], ...]:
    """Return the shortest run to a state that is ``wanted``, or () where there is none."""
    return search(model, model.initial(), lambda _, state: wanted(state)).story


def label(action: object) -> str:
    """Return the name that an action has here and in ``tla/``."""
    return type(action).__name__


def node(model: Model[S, A], state: S) -> tuple[tuple[str, str], ...]:
    """Return ``state`` as TLC prints it, variable by variable in order of their names."""
    variables = model.variables(state)
    return tuple((name, tla_text(variables[name])) for name in sorted(variables))
