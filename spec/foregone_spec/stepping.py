"""Stepping through a model, command by command: what ``foregone-spec pool`` and ``step`` do.

What comes from outside is a line of text, and is looked up; what goes outside is text.  Files,
chance and the terminal are the caller's (``__main__``).
"""

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final, Generic, cast, final

from foregone_spec import counterexample, trace
from foregone_spec.explore import TooManyStates
from foregone_spec.kinds import Kind, TraceError, field_types
from foregone_spec.model import A, Model, NotEnabled, S, Value, tla_text
from foregone_spec.process_pool_state import ProcessPoolState
from foregone_spec.rooms import picture
from foregone_spec.trace import Step
from foregone_spec.walk import Walk
from foregone_spec.words import says, typed

#: Of more actions than this some are not listed.
MOST: Final = 100
_MUCH: Final = 10**9

HELP: Final = """\
  N                   take the action with this number
  NAME NUMBERS        take an action by its name, as in: Claim 1 2
  undo [N]            go back, by one step or by N
  random [N]          take one action, or N, as chance has it
  goto INVARIANT      go to the nearest step that violates it, if there is one
  goto VARIABLE VALUE go to the nearest state in which it is, or holds, this value
  state               show the variables as the model in tla/ has them
  story               tell the steps so far
  save FILE           write them as a recorded run; load FILE goes on from one
  help, quit"""


class Refused(ValueError):
    """A command that cannot be carried out: one line says why, and what is possible."""


@final
@dataclass(frozen=True, slots=True)
class Outside:
    """What a session needs from outside."""

    read: Callable[[str], str]  # the text of a file; raises Refused
    write: Callable[[str, str], None]  # a text to a file; raises Refused
    below: Callable[[int], int]  # a number below this one, by chance


@final
class Session(Generic[S, A]):
    """A walk, and the commands that lead it."""

    walk: Walk[S, A]
    over: bool  # somebody has said quit

    def __init__(self, kind: Kind[S, A], model: Model[S, A], outside: Outside) -> None:
        self.walk = Walk(model)
        self.over = False
        self._kind = kind
        self._outside = outside

    def do(self, line: str) -> str:
        """Carry out a command; return what is to be said of it, above what is there now.

        Raises Refused where it is none, or cannot be carried out: then nothing has changed.
        """
        words = line.split()
        if not words:
            return ""
        name, given = words[0], words[1:]
        if name.isdecimal():
            return self._number(name, given)
        if name in self._kind.actions:
            return self._named(name, given)
        commands = {
            "undo": self._undo, "random": self._random, "goto": self._goto, "state": self._state,
            "story": self._story, "save": self._save, "load": self._load, "help": self._help,
            "quit": self._quit,
        }  # fmt: skip
        if name not in commands:
            actions = sorted({type(each).__name__ for each in self.walk.enabled})
            raise Refused(
                f"{name!r} is not a command: a number, {', '.join(commands)}, "
                f"or an action that is enabled: {', '.join(actions) or 'there is none'}"
            )
        return commands[name](given)

    # ------------------------------------------------------------------ commands

    def _number(self, name: str, given: Sequence[str]) -> str:
        self._none(given, name)
        enabled, number = self.walk.enabled, _whole(name)
        if not 1 <= number <= len(enabled):
            most = f"there are 1 to {len(enabled)}" if enabled else "nothing may happen any more"
            raise Refused(f"there is no action number {name[:20]}: {most}")
        return self._taken(enabled[number - 1])

    def _named(self, name: str, given: Sequence[str]) -> str:
        fields = list(field_types(self._kind.actions[name]))
        if len(given) != len(fields):
            raise Refused(f"{name} takes {' '.join(fields) or 'nothing'}, not {' '.join(given)!r}")
        raw = {field: _plain(word) for field, word in zip(fields, given, strict=True)}
        try:
            return self._taken(self._kind.action({"action": name, **raw}, "the command"))
        except TraceError as error:
            raise Refused(str(error)) from None

    def _taken(self, action: A) -> str:
        if action not in self.walk.enabled:
            others = [str(each) for each in self.walk.enabled if type(each) is type(action)]
            instead = f"; of that kind: {', '.join(others)}" if others else ""
            raise Refused(f"{action} may not happen now{instead}")
        self.walk.take(action)
        return f"{len(self.walk.actions)}. {action}"

    def _undo(self, given: Sequence[str]) -> str:
        steps = self._count(given, "undo")
        back = self.walk.undo(steps)
        return f"back by {back} steps" if back != 1 else "back by 1 step"

    def _random(self, given: Sequence[str]) -> str:
        said: list[str] = []
        for _ in range(self._count(given, "random")):
            enabled = self.walk.enabled
            if not enabled:
                said.append("nothing may happen any more")
                break
            said.append(self._taken(enabled[self._outside.below(len(enabled))]))
        return "\n".join(said)

    def _goto(self, given: Sequence[str]) -> str:
        model, variables = self.walk.model, self.walk.model.variables(self.walk.state)
        names = {*model.invariants, *model.step_invariants}
        wanted: Callable[[S, S], bool]
        match given:
            case [name] if name in names:
                wanted, what = self._violates(name), f"violates {name}"
            case [name, value] if name in variables:
                wanted = lambda _, after: _shows(model.variables(after)[name], value)  # noqa: E731
                what = f"has {value} in {name}"
            case _:
                raise Refused(
                    f"goto takes an invariant ({', '.join(sorted(names))}), or a variable "
                    f"({', '.join(variables)}) and a value, not {' '.join(given)!r}"
                )
        try:
            ahead = self.walk.ahead(wanted)
        except TooManyStates as error:
            raise Refused(str(error)) from None
        if not ahead.story:
            end = "all that can be reached" if ahead.complete else "and looked no further"
            return f"nothing ahead {what}: {ahead.states} states, {end}"
        way = [action for action, _ in ahead.story[1:] if action is not None]
        return "\n".join(map(self._taken, way))

    def _violates(self, name: str) -> Callable[[S, S], bool]:
        model = self.walk.model
        if name in model.invariants:
            holds = model.invariants[name]
            return lambda _, after: not holds(after)
        allows = model.step_invariants[name]
        return lambda before, after: not allows(before, after)

    def _state(self, given: Sequence[str]) -> str:
        self._none(given, "state")
        variables = self.walk.model.variables(self.walk.state)
        return "\n".join(f"  {name} = {tla_text(value)}" for name, value in variables.items())

    def _story(self, given: Sequence[str]) -> str:
        self._none(given, "story")
        steps = enumerate(self.walk.actions, start=1)
        return "\n".join(["0. initially", *(f"{number}. {action}" for number, action in steps)])

    def _save(self, given: Sequence[str]) -> str:
        file, walk = self._file(given, "save"), self.walk
        text = trace.dumps(walk.model, walk.actions)
        told = f"{len(walk.actions)} steps are in {file}"
        if walk.violated:
            violated = ", ".join(walk.violated)
            found = counterexample.of_walk(walk.model, walk.states, walk.actions, violated)
            text, told = found.text(), f"{told}: a counterexample, which violates {violated}"
        self._outside.write(file, text)
        return told

    def _load(self, given: Sequence[str]) -> str:
        file = self._file(given, "load")
        try:
            run = trace.loads(self._outside.read(file))
        except TraceError as error:
            raise Refused(f"{file}: {error}") from None
        model = self.walk.model
        if run.model != model:
            raise Refused(f"{file} is a run of {run.model}, and this is {model}")
        fresh = Walk(model)
        for number, step in enumerate(cast("Sequence[Step[A]]", run.steps)):
            try:
                fresh.take(step.action)
            except NotEnabled:
                raise Refused(
                    f"{file}: step {number + 1}, {step.action}, may not happen after those before "
                    f"it: foregone-spec explain {file} tells where it leaves the model"
                ) from None
        self.walk = fresh
        return f"{len(run.steps)} steps were read from {file}"

    def _help(self, given: Sequence[str]) -> str:
        self._none(given, "help")
        return HELP

    def _quit(self, given: Sequence[str]) -> str:
        self._none(given, "quit")
        self.over = True
        return ""

    # ------------------------------------------------------------------- words

    @staticmethod
    def _none(given: Sequence[str], name: str) -> None:
        if given:
            raise Refused(f"{name} takes nothing more, not {' '.join(given)!r}")

    @staticmethod
    def _count(given: Sequence[str], name: str) -> int:
        if len(given) > 1 or not all(each.isdecimal() and _whole(each) for each in given):
            raise Refused(f"{name} takes a number of steps or nothing, not {' '.join(given)!r}")
        return _whole(given[0]) if given else 1

    @staticmethod
    def _file(given: Sequence[str], name: str) -> str:
        if not given:
            raise Refused(f"{name} takes the name of a file")
        return " ".join(given)

    # ------------------------------------------------------------------- showing

    def shown(self, columns: int = 0) -> str:
        """Return where the walk is, and what may happen now, as text.

        ``columns`` is how wide the terminal is, 0 where nobody knows.
        """
        return "\n".join(self._lines(columns)) + "\n"

    def _lines(self, columns: int) -> Iterator[str]:
        state = self.walk.state
        if isinstance(state, ProcessPoolState):
            yield picture(state, columns=columns)
        else:
            yield self._state(())
        for name in self.walk.violated:
            yield f"VIOLATED: {name}"
        enabled = self.walk.enabled
        width = len(str(len(enabled)))
        for number, action in enumerate(enabled[:MOST], start=1):
            yield f"  {number:{width}}  {typed(action):22} {says(action)}"
        if len(enabled) > MOST:
            yield f"  .. and {len(enabled) - MOST:,} more, as the last: {typed(enabled[-1])}"
        if not enabled:
            yield "  nothing may happen any more"

    def as_json(self, said: str = "", refused: str = "") -> str:
        """Return the same as one line of JSON."""
        plain = self._kind.plain
        found: dict[str, object] = {
            "step": len(self.walk.actions),
            "action": plain(self.walk.actions[-1]) if self.walk.actions else None,
            "variables": self.walk.model.variables(self.walk.state),
            "enabled": [plain(each) for each in self.walk.enabled],
            "violated": list(self.walk.violated),
        }
        told = {"said": said} if said else {}
        return json.dumps({**found, **told, **({"refused": refused} if refused else {})}) + "\n"


def _plain(word: str) -> object:
    if word.isdecimal():
        return _whole(word)
    return {"True": True, "False": False}.get(word, word)


def _whole(word: str) -> int:
    """Return the number that ``word`` is; of a very large one, one that is too large, too."""
    return int(word) if len(word) < 10 else _MUCH


def _shows(value: Value, text: str) -> bool:
    """Say whether a variable is what ``text`` says, or has it among its elements."""
    if isinstance(value, tuple):
        return tla_text(value) == text or any(_shows(each, text) for each in value)
    return text in (value, tla_text(value))
