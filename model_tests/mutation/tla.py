"""Mutants of the good modules of ``tla/``: every guard and every effect, one at a time.

python -m model_tests.mutation.tla            how many, of what kind, in which action
python -m model_tests.mutation.tla NAME ...   what these mutants change, and their fate
"""

import re
import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import final

from model_tests.chain.java import TLA
from model_tests.mutation import Mutant
from model_tests.mutation.tla_modules import SUBJECTS, Context, Module, Subject, is_temporal
from model_tests.mutation.tla_parse import Definition, Node
from model_tests.mutation.tla_places import Change, Places, is_boolean


@final
@dataclass(frozen=True, slots=True)
class Mutation:
    """A mutant, and the text of the module that it makes."""

    mutant: Mutant
    subject: Subject
    module: str
    definition: str
    text: str


@final
@dataclass(frozen=True, slots=True)
class Action:
    """How many places an action has, those of its helpers among them."""

    name: str
    guards: int
    effects: int


class NothingToMutate(ValueError):
    """An action without a guard or an effect, or a mutant that is no change."""


@cache
def contexts(folder: Path = TLA) -> tuple[Context, ...]:
    """Read all subjects."""
    return tuple(Context(subject, folder) for subject in SUBJECTS)


def mutations(folder: Path = TLA) -> Iterator[Mutation]:
    """Yield every mutant of every subject, with its text."""
    for context in contexts(folder):
        for module in context.subject.modules:
            yield from _of_module(context, context.modules[module])


def mutants() -> tuple[Mutant, ...]:
    """Return every mutant that today's modules make."""
    return tuple(each.mutant for each in mutations())


def _of_module(context: Context, module: Module) -> Iterator[Mutation]:
    subject = context.subject
    in_next = context.reachable(subject.next)
    in_start = context.reachable(subject.init)
    fair = context.reachable(subject.fairness)
    for definition in module.definitions.values():
        places = Places(context, module.text, definition)
        if definition.name == subject.init:
            changes = places.initial(definition.body)
        elif definition.name in in_next or definition.name in in_start:
            changes = _changes(places, context, definition)
        elif definition.name in fair and is_temporal(definition.body):
            changes = places.fair(definition.body)
        elif definition.name in fair:
            changes = _changes(places, context, definition)
        else:
            continue
        yield from _numbered(subject, module, definition, changes)


def _changes(places: Places, context: Context, definition: Definition) -> Iterator[Change]:
    body = definition.body
    if context.is_effect(body, {}) or is_boolean(body) or _is_formula(body):
        return places.formula(body, {})
    return places.value(body, ())


def _is_formula(body: Node) -> bool:
    return body.kind == "let" and is_boolean(body.parts[-1])


def _numbered(
    subject: Subject, module: Module, definition: Definition, changes: Iterator[Change]
) -> Iterator[Mutation]:
    for number, change in enumerate(changes, start=1):
        before = module.text[change.start : change.end]
        after = change.text or module.text[slice(*(change.other or (0, 0)))]
        text = changed(module.text, change)
        if _plain(before) == _plain(after) or text == module.text:
            raise NothingToMutate(f"{module.name}.{definition.name}: {change} changes nothing")
        line = module.text.count("\n", 0, change.start) + 1
        yield Mutation(
            Mutant(
                f"{module.name}.{definition.name} {number}: {change.kind}",
                f"{module.path.relative_to(module.path.parents[1])}:{line}",
                change.kind,
                f"{_plain(before)} => {_plain(after)}",
            ),
            subject,
            module.name,
            definition.name,
            text,
        )


def _plain(text: str) -> str:
    return " ".join(re.sub(r"\\\*[^\n]*", "", text).split())


def changed(text: str, change: Change) -> str:
    """Return ``text`` with the change made, and every other token in its column.

    Lists in TLA+ are a matter of columns: what follows on the same line goes to a line
    of its own where the new text is longer.
    """
    column = _column(text, change.start)
    new = change.text
    if change.other is not None:
        new = _moved(text, *change.other, column)
    new = new if "\n" in new or not change.text else " ".join(new.split())
    rest = text[change.end : text.find("\n", change.end)]
    if rest.strip():
        place = _column(text, change.end)
        last = new.rsplit("\n", 1)
        width = len(last[-1]) + (column if len(last) == 1 else 0)
        new += " " * (place - width) if width <= place else f"\n{' ' * place}"
    return f"{text[: change.start]}{new}{text[change.end :]}"


def _column(text: str, at: int) -> int:
    return at - (text.rfind("\n", 0, at) + 1)


def _moved(text: str, start: int, end: int, column: int) -> str:
    """Return a part of the text, moved so that it begins in ``column``."""
    by = column - _column(text, start)
    first, *more = text[start:end].split("\n")
    return "\n".join((first, *(_shifted(line, by) for line in more)))


def _shifted(line: str, by: int) -> str:
    return " " * by + line if by >= 0 else line[-by:]


# --------------------------------------------------------------------- the actions


def actions(context: Context) -> Mapping[str, Action]:
    """Count the guards and effects of each action; none may lack either."""
    subject = context.subject
    within = context.reachable(subject.next, own=False)
    counted: dict[str, tuple[int, int]] = {}
    for name in within:
        home = next(each for each in context.modules.values() if name in each.definitions)
        places = Places(context, home.text, home.definitions[name])
        for _ in _changes(places, context, home.definitions[name]):
            pass
        counted[name] = (places.guards, places.effects)
    found: dict[str, Action] = {}
    for name in context.groups[1]:
        used = [each for each in context.reachable(name, own=False) if each in counted]
        guards = sum(counted[each][0] for each in used)
        effects = sum(counted[each][1] for each in used)
        if not guards or not effects:
            raise NothingToMutate(f"{subject.name}.{name}: {guards} guards, {effects} effects")
        found[name] = Action(name, guards, effects)
    if not found:
        raise NothingToMutate(f"{subject.name}: {subject.next} has no action")
    return found


def main(names: list[str]) -> int:
    """Say how many mutants there are, or what some of them are."""
    if names:
        for each in mutations():
            if each.mutant.name in names:
                print(f"{each.mutant.name}\n  {each.mutant.where}\n  {each.mutant.what}")
        return 0
    for context in contexts():
        of = [each for each in mutations() if each.subject is context.subject]
        print(f"{context.subject.name}: {len(of)} mutants")
        for kind, count in Counter(each.mutant.kind for each in of).most_common():
            print(f"  {count:4} {kind}")
        for action in actions(context).values():
            print(f"       {action.name}: {action.guards} guards, {action.effects} effects")
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
