"""A counterexample that TLC finds, as a file: for ``foregone-spec explain``, and for the page.

    make counterexample ARGS="NAME --output FILE"
    make counterexample ARGS="holds/ProcessPool-plain --defect 'MUTANT' --output FILE"

NAME is a configuration of ``tla/`` that fails: an old design (``museum/ThreadPool-M9``), a claim
that is false (``reached/ProcessPool-NoAnswerOutlivesItsProcess``), or a ``.cfg`` of your own.
``--defect`` plants a seeded defect of the models first, as the mutants of ``tla/`` are called
(``model_tests/mutation/tla.json`` has all of them).

TLC prints of a step its action, without numbers, and the variables after it.  So each step is
looked for among those that the specification allows: the one that leads there is written with
its numbers.  From the first on that is none of them, they are written as TLC calls them.  What
the claim tickets do is written as a run of the process pool where they ought to be one.
"""

import argparse
import sys
import tempfile
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final, cast, final

from foregone_spec.counterexample import KINDS, Counterexample, Seen, State
from foregone_spec.kinds import Kind, TraceError
from foregone_spec.model import Value
from model_tests.chain.command import BUILD
from model_tests.chain.counterexample_asked import POOL, Asked, variables_of
from model_tests.chain.java import TLA
from model_tests.chain.models import probes
from model_tests.chain.tlc import ERROR, HOLDS, Config, Step, read_config, run
from model_tests.chain.values import NoValue, value
from model_tests.mutation.tla import Mutation, mutations
from model_tests.mutation.tla_alone import put

#: What the claim tickets do not know, and the process pool counts by itself.
_UNKNOWN: Final = frozenset({"early"})


class NoCounterexample(ValueError):
    """There is none to be written: why, and what can be named."""


@final
@dataclass(frozen=True, slots=True)
class Story:
    """What TLC tells: all states, the actions between them, and how it goes on for ever."""

    states: Sequence[Mapping[str, str]]
    actions: Sequence[str]
    ending: str


# ---------------------------------------------------------------------- what TLC finds


def configured(name: str) -> Config:
    """Return the configuration of that name; raise NoCounterexample if there is none."""
    for path in (Path(name), TLA / f"{name}.cfg"):
        if path.is_file():
            return read_config(path.resolve())
    for each in probes() if name.startswith("reached/") else ():
        if each.name == name:
            return each
    raise NoCounterexample(
        f"{name!r} is no configuration: name one of tla/, as in museum/ThreadPool-M9, a claim of "
        "tla/reached, as in reached/ProcessPool-EveryRefusalBreaks, or a .cfg of your own"
    )


def defect_of(name: str) -> Mutation:
    """Return the seeded defect of that name; raise NoCounterexample if there is none."""
    of_module = []
    for each in mutations():
        if each.mutant.name == name:
            return each
        if each.mutant.name.partition(" ")[0] == name.partition(" ")[0]:
            of_module.append(each.mutant.name)
    near = "; there are ".join(["", ", ".join(of_module)]) if of_module else ""
    known = near or ": model_tests/mutation/tla.json has their names"
    raise NoCounterexample(f"{name!r} is no seeded defect of tla/{known}")


def found(config: Config, room: Path, defect: Mutation | None = None) -> Counterexample:
    """Run TLC in ``room``; raise NoCounterexample if it finds nothing wrong."""
    home, name = config.path.parent, config.name
    if not (home / f"{config.module}.tla").exists():
        home = TLA
    design = f"{name}: {config.gloss}"
    if defect is not None:
        put(defect.module, defect.text, room)
        path = room / config.path.name
        path.write_text(config.path.read_text(encoding="utf-8"), encoding="utf-8")
        config, home = replace(config, path=path), room
        design = f"{defect.mutant.name} ({defect.mutant.where}): {defect.mutant.what}"
    outcome = run(config)
    if outcome.result == ERROR:
        raise NoCounterexample(f"TLC fails on {name}:\n{outcome.output[-2000:]}")
    if outcome.result == HOLDS:
        raise NoCounterexample(f"{name} holds: nothing is violated at its bounds")
    return written(Asked(config, home, room), design, outcome.result, told(outcome.story))


def told(steps: Sequence[Step]) -> Story:
    """Return the story of some steps, with all variables in each state."""
    states: list[Mapping[str, str]] = []
    actions: list[str] = []
    ending = ""
    now: dict[str, str] = {}
    for step in steps:
        name, back, place = step.action.partition(", back to ")
        if step.action == "stuttering":
            ending = "and then nothing happens any more"
        elif back:
            where = f"step {place}" if place != "0" else "the beginning"
            ending = f"and then {name}, and on from {where}, for ever"
        else:
            now = {**now, **dict(step.changes)}
            actions += [step.action] if states else []
            states.append(now)
    return Story(states, actions, ending)


# --------------------------------------------------------------------------- as a file


def written(asked: Asked, design: str, violates: str, story: Story) -> Counterexample:
    """Return a story as a counterexample of our model, or of its own if we have none."""
    states: Sequence[State] = [_plain(each) for each in story.states]
    name, ending, unknown = asked.config.module, story.ending, frozenset[str]()
    fields: Mapping[str, object] = {}
    with suppress(TraceError):  # our model has no such bounds: it is told as it is
        if asked.refinable:
            fields, states = asked.as_pool(story.states)
            name, unknown = POOL, _UNKNOWN
            if states[-2:-1] == states[-1:]:
                hidden = f"the last step, {story.actions[-1]}, shows in no room"
                ending = f"{ending}; {hidden}" if ending else hidden
        elif set(states[0]) == set(variables_of(asked.subject)):
            fields = asked.bounds()
            name = asked.subject
    steps = tuple(followed(name, fields, story.actions, states, unknown))
    return Counterexample(name, fields, design, violates, ending, states[0], steps)


def _plain(state: Mapping[str, str]) -> State:
    """Return a state as we have it; what is no value of ours is the text that it is."""
    return {name: _value(text) for name, text in state.items()}


def _value(text: str) -> Value:
    try:
        return value(text)
    except NoValue:
        return text


def followed(
    name: str,
    fields: Mapping[str, object],
    actions: Sequence[str],
    states: Sequence[State],
    unknown: Collection[str] = (),
) -> Iterator[Seen]:
    """Yield the steps of a story, those that are steps of our model with their numbers.

    Where some variables are ``unknown``, they are as our model has them, and a step that
    changes nothing is none.
    """
    follower = _Follower(cast("Kind[object, object] | None", KINDS.get(name)), fields, unknown)
    follower.begins(states[0])
    for action, before, after in zip(actions, states, states[1:], strict=False):
        if not (unknown and before == after):
            yield follower.seen(action, after)


class _Follower:
    """Where our model is, as long as a story is a behaviour of it."""

    def __init__(
        self,
        kind: Kind[object, object] | None,
        fields: Mapping[str, object],
        unknown: Collection[str],
    ) -> None:
        self._kind, self._unknown = kind, unknown
        self._model = None if kind is None else kind.model(fields)
        self._now: list[object] = []
        self._filled: State = {}

    def begins(self, wanted: State) -> None:
        """Look for the initial state that a story begins in."""
        if self._model is not None:
            variables = self._model.variables
            self._now = [each for each in self._model.initial() if variables(each) == wanted]

    def seen(self, action: str, wanted: State) -> Seen:
        """Return the step that leads from here to ``wanted``, as ours if it is one."""
        model, kind = self._model, self._kind
        if model is None or kind is None or not self._now:
            self._now = []
            return Seen({"action": action}, {**wanted, **self._filled})
        steps = [(each, model.step(self._now[0], each)) for each in model.enabled(self._now[0])]
        known = self._known(wanted)
        leading = [each for each in steps if self._known(model.variables(each[1])) == known]
        leading.sort(key=lambda each: type(each[0]).__name__ != action)
        self._now = [after for _, after in leading[:1]]
        if not leading:
            return Seen({"action": action}, {**wanted, **self._filled})
        after = model.variables(self._now[0])
        self._filled = {name: after[name] for name in self._unknown}
        return Seen(kind.plain(leading[0][0]), after)

    def _known(self, state: State) -> State:
        return {name: each for name, each in state.items() if name not in self._unknown}


# ------------------------------------------------------------------- the command line


def main(arguments: Sequence[str]) -> int:
    """Find what is asked for, and write it; return the exit code."""
    parser = argparse.ArgumentParser(
        "model_tests.chain.counterexample", description=(__doc__ or "").partition("\n")[0]
    )
    parser.add_argument("name", help="a configuration: museum/ThreadPool-M9, or a file")
    parser.add_argument("--defect", metavar="MUTANT", help="plant it in its module first")
    parser.add_argument("--output", metavar="FILE", help="else it is printed")
    given = parser.parse_args(arguments)
    try:
        defect = None if given.defect is None else defect_of(given.defect)
        BUILD.mkdir(exist_ok=True)
        with tempfile.TemporaryDirectory(prefix="counterexample-", dir=BUILD) as folder:
            text = found(configured(given.name), Path(folder), defect).text()
        if given.output is None:
            sys.stdout.write(text)
        else:
            Path(given.output).write_text(text, encoding="utf-8")
            see = f"foregone-spec explain {given.output}"
            print(f"{given.output}: see it with {see}, or load it on the page")
    except (NoCounterexample, OSError) as error:
        print(f"counterexample: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
