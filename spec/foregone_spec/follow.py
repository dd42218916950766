"""Is this recorded run a behaviour of the model?

A run is a sequence of actions, each alone or as a Step with what is known of the
variables after it.  What was not logged is *silent*; so the model may be in any
of several states, and what is followed is the set of them.  The run is a
behaviour while that set is not empty.  A possibility that violates an invariant
of the model is dropped, and named when it was the last.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Generic, TypeVar, cast, final

from foregone_spec.explore import TooManyStates
from foregone_spec.kinds import one_of
from foregone_spec.model import A, Model, NotEnabled, S, Value, tla_text

A_co = TypeVar("A_co", covariant=True)

#: The most states that are followed at a time.
STATES_LIMIT: Final = 100_000


@final
@dataclass(frozen=True)  # with slots, Step[X](...) raises TypeError
class Step(Generic[A_co]):
    """A recorded action, and what is known of the variables after it."""

    action: A_co
    variables: Mapping[str, Value] | None = None


@final
@dataclass(frozen=True, slots=True)
class Verdict(Generic[S, A]):
    """Whether a run is a behaviour of the model, and how far it was one."""

    model: Model[S, A]
    steps: tuple[Step[A], ...]
    possible: tuple[tuple[S, ...], ...]  # initially, and after each step that was possible
    before: tuple[S, ...] = ()  # where the step that was not possible was tried
    reason: str = ""  # why it was not possible; empty if the run was accepted
    violated: str = ""  # the invariant that stood in the way, if it was one

    @property
    def accepted(self) -> bool:
        """Whether the whole run is a behaviour of the model."""
        return not self.reason

    @property
    def index(self) -> int | None:
        """The place of the step that was not possible, from 0."""
        return None if self.accepted else len(self.possible) - 1

    @property
    def action(self) -> A | None:
        """The action that was not possible; None if none was, or none is to blame."""
        place = len(self.possible) - 1
        return self.steps[place].action if self.reason and place < len(self.steps) else None

    @property
    def enabled(self) -> tuple[tuple[A, ...], ...]:
        """What was possible instead, in each state of ``before``."""
        return tuple(self.model.enabled(state) for state in self.before)

    @property
    def variables(self) -> tuple[tuple[dict[str, Value], ...], ...]:
        """The states of ``possible``, by their variables."""
        return tuple(tuple(map(self.model.variables, states)) for states in self.possible)

    def __str__(self) -> str:
        return "\n".join(_told(self))


def check(
    model: Model[S, A],
    recorded: "Sequence[A | Step[A]]",
    silent: Callable[[A], bool] | None = None,
) -> Verdict[S, A]:
    """Say whether ``recorded`` is a behaviour of ``model``.

    Any number of ``silent`` actions may happen before each recorded one.
    """
    follower = _Follower(model, silent)
    steps = tuple(step_of(each) for each in recorded)
    now = follower.admitted(model.initial())
    possible = [now]
    if not now:
        reason = f"every initial state violates {follower.violated}"
        return Verdict(model, steps, ((),), model.initial(), reason, follower.violated)
    for step in steps:
        follower.violated = follower.mismatch = ""
        before = follower.closed(now)
        now = follower.after(before, step)
        if not now:
            reason, violated = follower.reason(), follower.violated
            return Verdict(model, steps, tuple(possible), before, reason, violated)
        possible.append(now)
    return Verdict(model, steps, tuple(possible))


def step_of(recorded: "A | Step[A]") -> "Step[A]":
    """Return a recorded action as a Step, of which nothing more is known if it was alone."""
    return cast("Step[A]", recorded) if isinstance(recorded, Step) else Step(recorded)


@dataclass(slots=True)
class _Follower(Generic[S, A]):
    model: Model[S, A]
    silent: Callable[[A], bool] | None
    violated: str = ""  # the last invariant for which a possibility was dropped
    mismatch: str = ""  # the last variable for which one was dropped
    invariants: Mapping[str, Callable[[S], bool]] = field(init=False)
    step_invariants: Mapping[str, Callable[[S, S], bool]] = field(init=False)

    def __post_init__(self) -> None:
        self.invariants = self.model.invariants
        self.step_invariants = self.model.step_invariants

    def reason(self) -> str:
        if self.violated:
            return f"it violates {self.violated}"
        return self.mismatch or "it is not enabled"

    def admitted(self, states: Sequence[S]) -> tuple[S, ...]:
        return tuple(dict.fromkeys(state for state in states if self._holds(state)))

    def closed(self, states: tuple[S, ...]) -> tuple[S, ...]:
        if self.silent is None:
            return states
        seen = dict.fromkeys(states)
        todo = list(states)
        while todo:
            before = todo.pop()
            for action in filter(self.silent, self.model.enabled(before)):
                after = self.model.step(before, action)
                if after not in seen and self._allows(before, after):
                    seen[after] = None
                    todo.append(after)
            if len(seen) > STATES_LIMIT:
                raise TooManyStates(
                    f"{self.model} may be in more than {STATES_LIMIT} states: record more"
                )
        return tuple(seen)

    def after(self, states: tuple[S, ...], step: Step[A]) -> tuple[S, ...]:
        return tuple(dict.fromkeys(self._after(states, step)))

    def _after(self, states: tuple[S, ...], step: Step[A]) -> Iterator[S]:
        for before in states:
            try:
                after = self.model.step(before, step.action)
            except NotEnabled:
                continue
            if self._fits(after, step.variables) and self._allows(before, after):
                yield after

    def _fits(self, state: S, known: Mapping[str, Value] | None) -> bool:
        if not known:
            return True
        variables = self.model.variables(state)
        for name, value in known.items():
            right = variables[one_of("a variable", "variables", name, variables)]
            if not _same(right, value):
                found = tla_text(value).encode("unicode_escape").decode()
                self.mismatch = f"after it {name} = {tla_text(right)}, not {found} as recorded"
                return False
        return True

    def _allows(self, before: S, after: S) -> bool:
        for name, allows in self.step_invariants.items():
            if not allows(before, after):
                self.violated = name
                return False
        return self._holds(after)

    def _holds(self, state: S) -> bool:
        for name, holds in self.invariants.items():
            if not holds(state):
                self.violated = name
                return False
        return True


def _same(one: Value, other: Value) -> bool:
    if isinstance(one, tuple) and isinstance(other, tuple):
        return len(one) == len(other) and all(map(_same, one, other))
    return type(one) is type(other) and one == other


def _told(verdict: Verdict[S, A]) -> Iterator[str]:
    model, count = verdict.model, len(verdict.steps)
    if verdict.accepted:
        yield f"accepted: {_number(count, 'step')} of {model}"
    else:
        yield f"rejected: {model} cannot do step {len(verdict.possible)} of {count}"
    for number, step in enumerate(verdict.steps[: len(verdict.possible) - 1], start=1):
        yield f"  {number}. {step.action}"
    if verdict.accepted:
        yield f"{_number(len(verdict.possible[-1]), 'state')} possible at the end"
        return
    yield f"  {len(verdict.possible)}. {verdict.action}  <- {verdict.reason}"
    yield f"{_number(len(verdict.before), 'state')} possible before it:"
    for state, enabled in zip(verdict.before[:3], verdict.enabled, strict=False):
        for name, value in model.variables(state).items():
            yield f"     {name} = {tla_text(value)}"
        yield f"  in which might follow: {', '.join(map(str, enabled)) or 'nothing'}"
    if len(verdict.before) > 3:
        yield f"  and {len(verdict.before) - 3} more"


def _number(count: int, word: str) -> str:
    return f"{count} {word}{'' if count == 1 else 's'}"
