"""A counterexample as a file: a recorded run that says what it violates, and of which design.

It is a recorded run (``trace``) with more in its header, and all variables after each step:
a model checker finds one for a design that need not be ours, so its steps need not be steps
of ours, and its model need not be one of ours.  What can be followed is followed; the first
step that cannot is where the design leaves the specification.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias, final

from foregone_spec import trace
from foregone_spec.follow import Step, check
from foregone_spec.kinds import (
    FUTURE,
    MAP,
    PROCESS_POOL,
    THREAD_POOL,
    WAITING,
    AnyKind,
    Kind,
    TraceError,
    mapping,
    plain_fields,
    plain_value,
    sequence,
    short,
)
from foregone_spec.model import A, Model, S, Value

KINDS: Final[Mapping[str, AnyKind]] = {
    "Future": FUTURE,
    "Waiting": WAITING,
    "ThreadPool": THREAD_POOL,
    "ProcessPool": PROCESS_POOL,
    "Map": MAP,
}

#: A state, by its variables.
State: TypeAlias = Mapping[str, Value]


@final
@dataclass(frozen=True, slots=True)
class Seen:
    """A step of a counterexample: its action as JSON has it, and all variables after it."""

    action: Mapping[str, object]
    variables: State

    def __str__(self) -> str:
        named = dict(self.action)
        name, numbers = named.pop("action"), named.items()
        given = ", ".join(f"{each}={number}" for each, number in numbers)
        return f"{name}({given})" if given else str(name)


@final
@dataclass(frozen=True, slots=True)
class Counterexample:
    """What a model checker has found, of our model or of another."""

    model: str  # the module in tla/
    fields: Mapping[str, object]  # its bounds
    design: str  # whose counterexample it is
    violates: str  # the invariant or the property
    ending: str  # how a run goes on that never ends, or ""
    initially: State
    steps: tuple[Seen, ...]

    def text(self) -> str:
        """Return it as JSON, one step a line, for ``read``, ``trace.loads`` and the page."""
        head = {
            "format": trace.FORMAT, "version": trace.VERSION, "model": self.model,
            "design": self.design, "violates": self.violates, "ending": self.ending,
        }  # fmt: skip
        steps = (
            f"  {json.dumps({**each.action, 'variables': each.variables})}" for each in self.steps
        )
        return (
            f'{json.dumps(head)[:-1]},\n "fields": {json.dumps(self.fields)},\n'
            f' "initially": {json.dumps(self.initially)},\n "steps": [\n' + ",\n".join(steps)
        ) + "\n ]}\n"


def of_walk(
    model: Model[S, A], states: Sequence[S], actions: Sequence[A], violates: str
) -> Counterexample:
    """Return what was walked in a model of ours as a counterexample."""
    kind = next(each for each in KINDS.values() if isinstance(model, each.make))
    steps = (
        Seen(kind.plain(action), model.variables(state))
        for action, state in zip(actions, states[1:], strict=True)
    )
    return Counterexample(
        model.name, plain_fields(model), f"the specification's own {model}", violates, "",
        model.variables(states[0]), tuple(steps),
    )  # fmt: skip


def of_run(run: trace.Run) -> Counterexample:
    """Return a run of ours with all variables: the first of those that are possible.

    Where it has left the specification they stay as they were.
    """
    verdict = run.check()
    kind, states = KINDS[run.model.name], [each[0] for each in verdict.variables if each]
    after = [*states[1:], *[states[-1]] * len(verdict.steps)]
    steps = (
        Seen(kind.plain(step.action), variables)
        for step, variables in zip(verdict.steps, after, strict=False)
    )
    return Counterexample(
        run.model.name, plain_fields(run.model), "", "", "", states[0], tuple(steps)
    )


# -------------------------------------------------------------------- from outside


def read(text: str) -> Counterexample | None:
    """Return the counterexample that ``text`` is, or None if it says of no design.

    What is no JSON at all is None, too: ``trace.loads`` says what is wrong with it.  Raises
    TraceError where it says of a design, and is no counterexample.
    """
    raw = _raw(text)
    if "design" not in raw:
        return None
    if raw.get("format") != trace.FORMAT or raw.get("version") != trace.VERSION:
        found = f"{short(raw.get('format'))}, version {short(raw.get('version'))}"
        raise TraceError(f"it is {found}: this program reads {trace.FORMAT}, {trace.VERSION}")
    for name in ("model", "fields", "initially", "steps"):
        if name not in raw:
            wanted = "a counterexample has design, model, fields, initially, steps"
            raise TraceError(f"{name} is missing: {wanted}")
    words = {name: raw.get(name, "") for name in ("model", "design", "violates", "ending")}
    for name, word in words.items():
        if not isinstance(word, str):
            raise TraceError(f"{name} is {short(word)}: a string is wanted")
    steps = enumerate(sequence(raw["steps"], "steps"))
    return Counterexample(
        str(words["model"]), mapping(raw["fields"], "fields"), str(words["design"]),
        str(words["violates"]), str(words["ending"]), _state(raw["initially"], "initially"),
        tuple(_seen(each, f"steps[{number}]") for number, each in steps),
    )  # fmt: skip


def _raw(text: str) -> Mapping[str, object]:
    if len(text) > trace.SIZE_LIMIT:
        return {}
    try:
        return mapping(json.loads(text), "the text")
    except (ValueError, RecursionError):  # a TraceError is a ValueError
        return {}


def _seen(raw: object, where: str) -> Seen:
    given = dict(mapping(raw, where))
    if not isinstance(given.get("action"), str):
        raise TraceError(f"{where}.action is {short(given.get('action'))}: a string is wanted")
    if "variables" not in given:
        raise TraceError(f"{where}.variables is missing: a counterexample has them of each step")
    variables = _state(given.pop("variables"), f"{where}.variables")
    name = given.pop("action")
    return Seen({"action": name, **given}, variables)


def _state(raw: object, where: str) -> State:
    return {
        name: plain_value(each, f"{where}[{short(name)}]")
        for name, each in mapping(raw, where).items()
    }


# ------------------------------------------------------------------------- judged


@final
@dataclass(frozen=True, slots=True)
class Judged:
    """How far the specification follows a counterexample."""

    model: str  # ours, with its bounds
    followed: int  # steps
    reason: str  # why the next one is not a step of ours, or "" if all are
    enabled: tuple[str, ...]  # what might have come instead
    unknown: str = ""  # why nothing can be said, where nothing can


def judged(found: Counterexample) -> Judged:
    """Say how far the specification follows; raise TraceError where it has no such model."""
    match found.model:
        case "Future":
            return _judged(FUTURE, found)
        case "Waiting":
            return _judged(WAITING, found)
        case "ThreadPool":
            return _judged(THREAD_POOL, found)
        case "ProcessPool":
            return _judged(PROCESS_POOL, found)
        case "Map":
            return _judged(MAP, found)
        case other:
            ours = ", ".join(KINDS)
            raise TraceError(f"the specification has no model {short(other)}, it has {ours}")


def _judged(kind: Kind[S, A], found: Counterexample) -> Judged:
    model, steps = kind.model(found.fields), list(_readable(kind, found))
    verdict = check(model, [Step(found_in, step.variables) for found_in, step in steps])
    reason, before = verdict.reason, verdict.before
    if not reason and len(steps) < len(found.steps):
        name = str(found.steps[len(steps)].action["action"])
        known = f"no {name} of the specification leads to this"
        reason = known if name in kind.actions else f"the specification has no step {name}"
        before = verdict.possible[-1]
    instead = dict.fromkeys(str(each) for state in before for each in model.enabled(state))
    return Judged(str(model), len(verdict.possible) - 1, reason, tuple(instead))


def _readable(kind: Kind[S, A], found: Counterexample) -> Iterator[tuple[A, Seen]]:
    """Yield the steps up to the first that no action of ours can be."""
    for step in found.steps:
        try:
            yield kind.action(step.action, "the step"), step
        except TraceError:
            return
