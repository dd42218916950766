r"""In which states does a mutant take other steps?  One run of TLC for very many mutants.

Only the module as it is is explored.  In each of its states the mutants' copies of an action
are asked which steps they take, and of each step of an action whether the copy takes it, too.
A mutant that never answers otherwise has the very same graph.  One that does has another one:
of the states in which it does, take one that is nearest to the start; on the way there it
takes the same steps, so it gets there, and goes on otherwise.

This is for changes within actions; who changes a group of actions or the start has to be
explored by himself.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import Final, final

from model_tests.chain.tlc import ERROR, HOLDS, Outcome
from model_tests.mutation.tla import Mutation
from model_tests.mutation.tla_batch import NAME, Copies, explore, header, renamed, substituted

ERRONEOUS: Final = "TLC cannot evaluate it"
OTHERWISE: Final = "other steps"
_DIFFERS: Final = re.compile(r'<<"DIFFERS", (\d+)>>')
_MOST_PARAMS: Final = 3


def within_actions(copies: Copies, mutation: Mutation) -> bool:
    """Say whether a mutation changes actions, not how they are grouped or what is at first."""
    subject = copies.context.subject
    reached = copies.reached(mutation.definition)
    return mutation.definition not in copies.context.groups[0] and subject.init not in reached


@final
@dataclass(frozen=True, slots=True)
class Bound:
    """How far to look: definitions, what a configuration says, and who is first."""

    given: Sequence[str]
    config: str  # it ends with constants
    init: str


def differ(
    copies: Copies, chosen: Sequence[Mutation], bound: Bound, room: Path, *flags: str
) -> Iterator[tuple[Mutation, str | None, float] | Outcome]:
    """Yield how each mutant's steps differ, or None; at last the run of the module as it is."""
    left = dict(enumerate(chosen, start=1))
    while True:
        began = perf_counter()
        text = _text(copies, left, bound)
        outcome = explore(text, room, f"{bound.config}{substituted(copies)}", *flags)
        other = {int(each) for each in _DIFFERS.findall(outcome.output)} & left.keys()
        share = (perf_counter() - began) / max(1, len(left))
        if outcome.result == HOLDS:
            break
        number = _culprit(outcome, text)
        if number not in left:  # a stack that overflows has no place
            number = _sought(copies, left, bound, room)
        if number not in left:
            raise RuntimeError(f"{room}: TLC failed on no mutant:\n{outcome.output[-3000:]}")
        yield left.pop(number), ERRONEOUS, share
        for each in sorted(other - {number}):
            yield left.pop(each), OTHERWISE, share
    for number, mutation in left.items():
        yield mutation, OTHERWISE if number in other else None, share
    yield outcome


def _sought(copies: Copies, left: Mapping[int, Mutation], bound: Bound, room: Path) -> int:
    """Return on whose copy TLC fails although it does not say so, by halves, or -1."""

    def fails(some: Mapping[int, Mutation]) -> bool:
        config = f"{bound.config}{substituted(copies)}"
        return explore(_text(copies, some, bound), room, config).result != HOLDS

    some = dict(left)
    while len(some) > 1:
        half = dict(list(some.items())[: len(some) // 2])
        some = half if fails(half) else {n: some[n] for n in some.keys() - half.keys()}
    (number,) = some or (-1,)
    return number if number in left and fails(some) and not fails({}) else -1


def _culprit(outcome: Outcome, text: str) -> int:
    """Return whose copy TLC could not evaluate, by the places that it names, or -1."""
    lines = text.splitlines()
    for found in re.finditer(rf"[Ll]ine (\d+), column \d+ .*?in {NAME}", outcome.output):
        for line in reversed(lines[: int(found[1])]):
            if head := re.match(r"\w+?_p?(\d+)(?:\([^)]*\))? ==", line):
                return int(head[1])
            if mark := re.match(r"  \\\* (\d+)$", line):
                return int(mark[1])
            if re.match(r"\w+(?:\([^)]*\))? ==", line):
                break
    return -1 if outcome.result == ERROR else 0


def _text(copies: Copies, left: Mapping[int, Mutation], bound: Bound) -> str:
    context = copies.context
    groups, actions = context.groups
    wanted = frozenset((*actions, *groups))
    body: list[str] = []
    asked: dict[str, list[int]] = {}
    for number, mutation in left.items():
        body += copies.copied(mutation, number, wanted)
        for name in copies.names(mutation, number):
            if name in actions:
                asked.setdefault(name, []).append(number)
    for name, numbers in asked.items():
        body += _only(copies, name, name, "o")
        for number in numbers:
            body += _only(copies, name, f"{name}_{number}", f"o{number}")
    for name in actions:
        body += _doors(copies, name, asked.get(name, []))
    through = {each: f"{each}_w" for each in (*groups, *actions)}
    body += [renamed(copies.text(name), through) for name in groups]
    nothing = ["No0 == FALSE"]
    for count in range(1, _MOST_PARAMS + 1):
        params = ", ".join(f"a{place}" for place in range(count))
        nothing.append(f"No{count}({params}) == FALSE")
    return "\n".join(
        (
            *header(copies),
            f"varsB == <<{', '.join(context.variables)}>>",
            *bound.given,
            *nothing,
            'Differs(n) == TLCSet(n, 1) /\\ PrintT(<<"DIFFERS", n>>)',
            *body,
            f"ASSUME \\A i \\in 1..{max(left, default=1)} : TLCSet(i, 0)",
            f"SpecB == {bound.init} /\\ [][{context.subject.next}_w]_varsB",
            "====\n",
        )
    )


def _only(copies: Copies, name: str, copy: str, mark: str) -> Iterator[str]:
    """Yield the groups with this one action, or a copy of it, and no other."""
    groups, actions = copies.context.groups
    names = {each: f"No{len(copies.context.definitions[each].params)}" for each in actions}
    names |= {each: f"{each}_{mark}_{name}" for each in groups}
    names[name] = copy
    for group in groups:
        yield renamed(copies.text(group), names)


def _doors(copies: Copies, name: str, numbers: Sequence[int]) -> Iterator[str]:
    given = copies.params(name)
    next_ = copies.context.subject.next
    for number in numbers:
        yield (
            f"{name}_p{number}{given} ==\n  /\\ TLCGet({number}) = 0\n"
            f"  /\\ {name}_{number}{given}\n"
            f"  /\\ IF {name}{given} THEN FALSE ELSE IF {next_}_o_{name} THEN FALSE\n"
            f"     ELSE Differs({number}) /\\ FALSE\n"
        )
    asked = "".join(
        f"  \\* {number}\n  /\\ IF TLCGet({number}) = 1 THEN TRUE\n"
        f"     ELSE IF {name}_{number}{given} THEN TRUE\n"
        f"     ELSE IF {next_}_o{number}_{name} THEN TRUE ELSE Differs({number})\n"
        for number in numbers
    )
    yield f"{name}_w0{given} ==\n  /\\ {name}{given}\n{asked}"
    both = "".join(f"  \\/ {name}_p{number}{given}\n" for number in numbers)
    yield f"{name}_w{given} ==\n{both}  \\/ {name}_w0{given}\n"
