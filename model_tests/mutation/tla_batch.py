r"""Many mutants in one module, so that one run of TLC explores them all.

A variable ``mutant`` is chosen at the start and never changes.  What a mutation reaches is
copied under a name of its own, ``Cancel`` as ``Cancel_17``, and through the door
``Cancel_w17`` only number 17 goes; mutant 0 is the module as it is.  So the one graph falls
into as many graphs as there are mutants.  Each may have so many steps: a mutant that goes on
for ever is stopped, and its graph is another for certain.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Final

from model_tests.chain.tlc import ERROR, TIME_LIMIT, Config, Outcome, run
from model_tests.mutation.tla import Mutation
from model_tests.mutation.tla_modules import Context
from model_tests.mutation.tla_parse import Definition, definitions, tokens

NAME: Final = "Batch"

#: A mutant may take the head of what is empty, and TLC would end for all of them.  So here
#: that has a value.  A mutant that does so might live for it; then TLC meets it alone.
_TOTAL: Final = (
    'HeadB(s) == IF s = <<>> THEN "nothing" ELSE s[1]',
    "TailB(s) == IF s = <<>> THEN <<>> ELSE SubSeq(s, 2, Len(s))",
)


class Copies:
    """The definitions of a subject, and who uses whom."""

    def __init__(self, context: Context) -> None:
        self.context = context
        self._texts: dict[str, str] = {}
        for module in context.modules.values():
            for each in module.definitions.values():
                self._texts[each.name] = source(module.text, each)
        self._words = {name: frozenset(_words(text)) for name, text in self._texts.items()}

    def add(self, name: str, text: str) -> None:
        """Let there be one more definition, which no module has."""
        self._texts[name] = text
        self._words[name] = frozenset(_words(text))

    def text(self, name: str) -> str:
        """Return a definition as it is."""
        return self._texts[name]

    def reached(self, name: str) -> frozenset[str]:
        """Return all definitions that depend on ``name``, itself among them."""
        found = {name}
        size = 0
        while size != len(found):
            size = len(found)
            found |= {each for each, words in self._words.items() if words & found}
        return frozenset(found)

    def names(self, mutation: Mutation | None, number: int) -> Mapping[str, str]:
        """Return the new names of what a mutation reaches."""
        reached = () if mutation is None else self.reached(mutation.definition)
        groups = self.context.groups[0]
        return {name: f"{name}_{number}" for name in reached if name not in groups}

    def copied(self, mutation: Mutation, number: int, wanted: frozenset[str]) -> Iterator[str]:
        """Yield what a mutation reaches, of what is wanted, in order and under new names."""
        names = self.names(mutation, number)
        needed = self._needed(wanted)
        for name in self._texts:
            if name in names and name in needed:
                text = renamed(self._mutated(mutation, name), names)
                if self._calls_itself(name):
                    places = ", ".join("_" for _ in self.context.definitions[name].params)
                    text = f"RECURSIVE {names[name]}({places})\n{text}"
                yield text

    def _calls_itself(self, name: str) -> bool:
        if name not in self.context.definitions:
            return False
        body = self.context.definitions[name].body
        return any(node.text == name and node.kind in ("name", "apply") for node in body)

    def _needed(self, wanted: frozenset[str]) -> frozenset[str]:
        found: set[str] = set()
        ahead = list(wanted)
        while ahead:
            name = ahead.pop()
            if name in self._texts and name not in found:
                found.add(name)
                ahead += self._words[name]
        return frozenset(found)

    def _mutated(self, mutation: Mutation | None, name: str) -> str:
        if mutation is None or name != mutation.definition:
            return self._texts[name]
        found = {each.name: each for each in _parsed(mutation.text)}
        return source(mutation.text, found[name])

    def doors(self, chosen: Mapping[int, Mutation | None], after: str = "") -> Iterator[str]:
        """Yield the actions and the groups of a batch; ``after`` each step that is another.

        ``Cancel_w0`` is for all whose ``Cancel`` is as it was, ``Cancel_w17`` for number 17,
        ``Cancel_w`` for both.  Who has a group of his own has all doors for himself.
        """
        groups, actions = self.context.groups
        alone = {n: m for n, m in chosen.items() if m is not None and m.definition in groups}
        apart = {n: self.names(m, n) for n, m in chosen.items() if n not in alone}
        for name in actions:
            changed = [number for number, names in apart.items() if name in names]
            yield self._door(name, name, 0, f"mutant \\notin {_set((*alone, *changed))}")
            for number in changed:
                yield self._door(name, f"{name}_{number}", number, f"mutant = {number}", after)
            given = self.params(name)
            both = "".join(f"  \\/ {name}_w{number}{given}\n" for number in (0, *changed))
            yield f"{name}_w{given} ==\n{both}"
        through = {each: f"{each}_w" for each in (*groups, *actions)}
        for name in groups:
            yield renamed(self._texts[name], through)
        for number, mutation in alone.items():
            for name in actions:
                yield self._door(name, name, number, f"mutant = {number}")
            names = {each: f"{each}_w{number}" for each in (*groups, *actions)}
            for name in groups:
                yield renamed(self._mutated(mutation, name), names)

    def nexts(self, chosen: Mapping[int, Mutation | None]) -> Iterator[str]:
        """Yield the next-state relations of a batch."""
        name = self.context.subject.next
        yield f"{name}_w"
        for number, mutation in chosen.items():
            if mutation is not None and mutation.definition in self.context.groups[0]:
                yield f"{name}_w{number}"

    def formula(self, name: str, chosen: Mapping[int, Mutation | None]) -> str:
        """Return a formula that is, for each mutant, its own ``name``."""
        own = [number for number, m in chosen.items() if name in self.names(m, number)]
        parts = [f"(mutant = {number} /\\ {name}_{number})" for number in own]
        return " \\/ ".join((f"(mutant \\notin {_set(own)} /\\ {name})", *parts))

    def _door(self, name: str, copy: str, number: int, guard: str, after: str = "") -> str:
        given = self.params(name)
        last = f"  /\\ {after}\n" if after else ""
        return (
            f"{name}_w{number}{given} ==\n  /\\ {guard} /\\ GoesOnB /\\ UNCHANGED mutant\n"
            f"  /\\ {copy}{given}\n{last}"
        )

    def params(self, name: str) -> str:
        """Return the parameters of a definition, as they are given to it."""
        params = ", ".join(self.context.definitions[name].params)
        return f"({params})" if params else ""


def _set(numbers: Sequence[int]) -> str:
    return f"{{{', '.join(map(str, numbers))}}}"


@cache
def _parsed(text: str) -> tuple[Definition, ...]:
    return definitions(text)


def source(text: str, definition: Definition) -> str:
    """Return the text of a definition."""
    return text[definition.start : definition.body.end] + "\n"


def _words(text: str) -> Iterator[str]:
    return (token.text for token in tokens(text, 0, len(text)) if token.kind == "word")


def renamed(text: str, names: Mapping[str, str]) -> str:
    """Return a definition with other names, and every other token in its column."""
    for token in reversed(list(tokens(text, 0, len(text)))):
        if token.kind == "word" and token.text in names and not _is_field(text, token.start):
            end = text.find("\n", token.end)
            rest = text[token.end : end]
            head = token.start == 0
            if rest.strip() and not head:
                column = token.end - (text.rfind("\n", 0, token.end) + 1)
                rest = "\n" + " " * column + rest
            text = text[: token.start] + names[token.text] + rest + text[end:]
    return text


def _is_field(text: str, start: int) -> bool:
    return start > 0 and text[start - 1] == "."


def schema(
    copies: Copies,
    chosen: Mapping[int, Mutation | None],
    given: Sequence[str],
    wanted: Sequence[str],
    judging: Sequence[str],
    most: int,
    init: str = "",
    after: str = "",
) -> str:
    """Return the module that is all of the chosen mutants.

    ``given`` comes first, ``judging`` last; of what is ``wanted`` there are copies, too.
    A mutant that has gone ``most`` steps, or of which enough is known, goes no further.
    """
    context = copies.context
    subject = context.subject
    init = init or subject.init
    body: list[str] = []
    starts: list[str] = []
    for number, mutation in chosen.items():
        if mutation is not None:
            names = frozenset((*context.groups[1], init, *wanted))
            body += copies.copied(mutation, number, names)
        starts.append(
            f"  \\/ mutant = {number} /\\ {copies.names(mutation, number).get(init, init)}"
        )
    body += copies.doors(chosen, after)
    return "\n".join(
        (
            *header(copies),
            "VARIABLE mutant",
            f"varsB == <<{', '.join(context.variables)}, mutant>>",
            f"GoesOnB == TLCGet(mutant + 1) < {most}",
            "CountedB == TLCSet(mutant + 1, TLCGet(mutant + 1) + 1)",
            f"EnoughB == TLCSet(mutant + 1, {most})",
            *given,
            *body,
            "InitB ==", *starts,
            'TurnB == PrintT(<<"TURN", mutant, TLCGet(mutant + 1)>>) /\\ FALSE /\\ UNCHANGED varsB',
            "NextB ==\n  \\/ TurnB", *(f"  \\/ {name}" for name in copies.nexts(chosen)),
            "SpecB == InitB /\\ [][NextB]_varsB",
            f"ASSUME \\A i \\in 1..{max(chosen) + 1} : TLCSet(i, 0)",
            *judging,
            "====\n",
        )
    )  # fmt: skip


def header(copies: Copies) -> Iterator[str]:
    """Yield how a batch begins."""
    yield f"---- MODULE {NAME} ----\nEXTENDS {copies.context.subject.root}, TLC\n"
    yield from _TOTAL if total(copies) else ()


def total(copies: Copies) -> bool:
    """Say whether heads and tails are to have a value always."""
    return "Sequences" in copies.context.standard


def substituted(copies: Copies) -> str:
    """Return what a configuration says of heads and tails."""
    return "  Head <- HeadB\n  Tail <- TailB\n" if total(copies) else ""


def explore(
    text: str, room: Path, config: str, *flags: str, patience: float = TIME_LIMIT
) -> Outcome:
    """Run TLC on a batch; ``config`` has the constraints and the constants."""
    (room / f"{NAME}.tla").write_text(text, encoding="utf-8")
    path = room / f"{NAME}.cfg"
    path.write_text(f"SPECIFICATION SpecB\n{config}", encoding="utf-8")
    made = Config(path, NAME, "", (), ())
    return run(made, *flags, patience=patience)


def culprit(outcome: Outcome) -> int:
    """Return the number of the mutant on which TLC failed, or -1: it said whose turn it was."""
    turns = re.findall(r'<<"TURN", (\d+), \d+>>', outcome.output)
    return int(turns[-1]) if outcome.result == ERROR and turns else -1
