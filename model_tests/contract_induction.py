"""Induction: what holds of the process pool is kept by each step, from any state at all.

The claims are those of contract_strengthening.  They hold initially; each action that
is enabled in a well-typed state in which they hold, reachable or not, leads to one in
which they hold.  So they hold after any number of steps, deaths and successors: the
only bounds are those on calls, on processes, and on what the model's fields say.  The
step invariants are asked too.

All states within a bound are enumerated: of them, this shows as much as a proof by
symbols.  chain/contracts.py reports it.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import final

from foregone_spec.explore import explore, label
from foregone_spec.model import tla_text
from foregone_spec.process_pool import ProcessPoolModel
from foregone_spec.process_pool_actions import Action
from foregone_spec.process_pool_invariants import PROCESS_POOL_STEPS
from foregone_spec.process_pool_state import ProcessPoolState
from model_tests.contract_states import Claim, states
from model_tests.contract_strengthening import inductive


@final
@dataclass(frozen=True, slots=True)
class Broken:
    """A claim that holds of a state, and not of the state after a step."""

    claim: str
    model: ProcessPoolModel
    before: ProcessPoolState
    action: Action
    after: ProcessPoolState

    def __str__(self) -> str:
        model = self.model
        made, before, after = map(model.variables, (*model.initial(), self.before, self.after))
        lines = [
            f"{self.action} breaks {self.claim}",
            f"  in {model}",
            "  before, as in a new pool but",
        ]
        lines += [
            f"    {name} = {tla_text(value)}"
            for name, value in before.items()
            if value != made[name]
        ]
        lines.append("  after it")
        lines += [
            f"    {name} = {tla_text(value)}"
            for name, value in after.items()
            if value != before[name]
        ]
        return "\n".join(lines if len(lines) > 4 else [*lines, "    nothing has changed"])


@final
@dataclass(slots=True)
class Induction:
    """What came of the steps from all states of one model in which the claims hold."""

    model: ProcessPoolModel
    known: dict[ProcessPoolState, None]  # those states
    taken: Counter[str]  # steps, by the names of their actions
    broken: dict[tuple[str, str], Broken]  # the first, by claim and action


def known_states(model: ProcessPoolModel) -> dict[ProcessPoolState, None]:
    """Return every well-typed state of ``model`` in which all that is inductive holds."""
    return dict.fromkeys(states(model, tuple(inductive(model).values())))


def induction(model: ProcessPoolModel) -> Induction:
    """Take every step from every well-typed state of ``model`` in which the claims hold."""
    known = known_states(model)
    claims = inductive(model)
    taken: Counter[str] = Counter()
    broken: dict[tuple[str, str], Broken] = {}
    for state in model.initial():
        for name, holds in claims.items():
            if not holds(state):
                broken[name, "initially"] = Broken(
                    name, model, state, model.enabled(state)[0], state
                )
    for before in known:
        for action in model.enabled(before):
            after = model.step(before, action)
            name = label(action)
            taken[name] += 1
            for claim in violated(claims, before, after, known):
                if (claim, name) not in broken:
                    broken[claim, name] = Broken(claim, model, before, action, after)
    return Induction(model, known, taken, broken)


def unlisted(
    model: ProcessPoolModel, known: Mapping[ProcessPoolState, None]
) -> tuple[int, list[str]]:
    """Return how many states are reached, and those that are not ``known`` though they should be.

    The induction is complete only if the enumeration is: the explorer knows nothing of it.
    """
    reached = [
        replace(each, may_die=1, early=min(each.early, model.early_limit - 1))
        for each in explore(model).edges
    ]
    return len(reached), [
        f"reached, and not enumerated: {each}" for each in reached if each not in known
    ]


def violated(
    claims: Mapping[str, Claim],
    before: ProcessPoolState,
    after: ProcessPoolState,
    known: Mapping[ProcessPoolState, None],
) -> Iterator[str]:
    """Yield what a step violates; of the states that are ``known`` nothing is asked again."""
    if after not in known:
        for name, holds in claims.items():
            if not holds(after):
                yield name
    for name, allows in PROCESS_POOL_STEPS.items():
        if not allows(before, after):
            yield name


def first_break(
    model: ProcessPoolModel,
    known: Mapping[ProcessPoolState, None],
    acts: type[Action] | tuple[type[Action], ...],
    wanted: str,
) -> Broken | None:
    """Return the first step by one of ``acts`` that violates ``wanted``, or None."""
    claims = {name: holds for name, holds in inductive(model).items() if name == wanted}
    for before in known:
        for action in model.enabled(before):
            if isinstance(action, acts):
                after = model.step(before, action)
                if wanted in violated(claims, before, after, {}):
                    return Broken(wanted, model, before, action, after)
    return None


def without(model: ProcessPoolModel, dropped: str) -> Broken | None:
    """Return a step that leads out of the claims but ``dropped``, or None.

    It begins where ``dropped`` does not hold, so nobody gets there.
    """
    claims = inductive(model)
    rest = {name: holds for name, holds in claims.items() if name != dropped}
    for before in states(model, (*rest.values(), lambda now: not claims[dropped](now))):
        for action in model.enabled(before):
            after = model.step(before, action)
            for name in violated(rest, before, after, {}):
                return Broken(name, model, before, action, after)
    return None
