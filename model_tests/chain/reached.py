r"""What must be reachable, asked all at once: one run of TLC for all claims of a file.

Each claim of ``tla/reached`` is false, and what TLC shows is the shortest way to where it is.
TLC ends at the first claim that is violated; told to go on, it would tell every state in which
one is.  So each claim is wrapped, and is false once only: where it is violated for the first
time it notes that, in a register of TLC's, and from then on it is true.  When all have been,
no state is looked at any further.  States are met in the same order as by each claim alone,
so each gets the same story.

A claim may be one of states, an invariant, or one of steps, ``[][...]_vars``.  What is said of
whole behaviours is asked alone: of such claims TLC does not say which one is violated.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from model_tests.chain.java import TLA
from model_tests.chain.tlc import ERROR, Config, Outcome, messages, run, story

#: What TLC says: of an invariant, of a step; and the number of a state that it shows.
_VIOLATED, _STATE = {2110: r"Invariant (\w+)", 2112: r"Action property (\w+)"}, 2217
_PREFIX = "Once"
_OF_STEPS = re.compile(r"^(\w+) ==\s+\[\]\[(.*?)\]_vars$", re.MULTILINE | re.DOTALL)


def steps(config: Config) -> Mapping[str, str]:
    """Return the claims of ``config`` that are of steps, each with what it says of one.

    The text begins in the column where it stands in its module: in TLA+ that has a meaning.
    """
    text = TLA.joinpath(f"{config.module}.tla").read_text(encoding="utf-8")
    found: dict[str, str] = {}
    for definition in _OF_STEPS.finditer(text):
        column = definition.start(2) - text.rfind("\n", 0, definition.start(2)) - 1
        if definition[1] in config.properties and "==" not in definition[2]:
            found[definition[1]] = " " * column + definition[2]
    return found


def together(config: Config, folder: Path) -> Config:
    """Write the module that asks all claims of ``config``, each until it is violated."""
    of_steps = steps(config)
    claims = (*config.invariants, *of_steps)
    count, stem = len(claims), f"{config.path.stem.replace('-', '_')}_together"
    text = [
        f"---- MODULE {stem} ----",
        f"EXTENDS {config.module}, TLC",
        f"ASSUME \\A i \\in 1..{count} : TLCSet(i, FALSE)",
        "UntilViolated(i, claim) == claim \\/ TLCGet(i) \\/ ~TLCSet(i, TRUE)",
        f"SomeLeft == \\E i \\in 1..{count} : ~TLCGet(i)",
    ]
    for number, claim in enumerate(claims, start=1):
        if claim in of_steps:
            asked = f"\n{of_steps[claim]}\n  \\/ UNCHANGED vars"
            text.append(f"{_PREFIX}{claim} == [][UntilViolated({number}, ({asked}))]_vars")
        else:
            text.append(f"{_PREFIX}{claim} == UntilViolated({number}, {claim})")
    folder.joinpath(f"{stem}.tla").write_text("\n".join([*text, "====", ""]), encoding="utf-8")
    written = config.path.read_text(encoding="utf-8")
    kept = re.split(r"^(?:INVARIANT|PROPERT)", written, maxsplit=1, flags=re.MULTILINE)[0]
    invariants = tuple(f"{_PREFIX}{claim}" for claim in config.invariants)
    properties = tuple(f"{_PREFIX}{claim}" for claim in of_steps)
    lines = [f"{kept}CONSTRAINT", "  SomeLeft"]
    for keyword, names in (("INVARIANTS", invariants), ("PROPERTIES", properties)):
        if names:
            lines += [keyword, *(f"  {name}" for name in names)]
    path = folder / f"{stem}.cfg"
    path.write_text("\n".join([*lines, ""]), encoding="utf-8")
    return replace(config, path=path, module=stem, invariants=invariants, properties=properties)


def ask(joint: Config) -> Mapping[str, Outcome]:
    """Run what ``together`` has written; return the outcome of each claim, by its name."""
    whole = run(joint, "-continue")
    stories = dict(_stories(whole.output))
    claims = (*joint.invariants, *joint.properties)
    names = [claim.removeprefix(_PREFIX) for claim in claims]
    seconds = whole.seconds / len(names)
    return {name: _outcome(name, stories.get(name), whole, seconds) for name in names}


def _outcome(
    name: str, told: Sequence[tuple[int, str]] | None, whole: Outcome, seconds: float
) -> Outcome:
    if told is None:  # it was never violated, or TLC did not get so far
        return replace(whole, result=ERROR, seconds=seconds, story=())
    steps = story(told)
    return replace(whole, result=name, depth=len(steps), seconds=seconds, story=steps)


def _stories(output: str) -> Iterator[tuple[str, list[tuple[int, str]]]]:
    """Yield each claim that was violated, with the states that lead there."""
    shown: list[tuple[int, str]] | None = None
    for number, text in messages(output):
        named = re.match(_VIOLATED.get(number, "(?!)"), text)
        if named is not None:
            shown = []
            yield named[1].removeprefix(_PREFIX), shown
        elif number == _STATE and shown is not None:
            shown.append((number, text))
