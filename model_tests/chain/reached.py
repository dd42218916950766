r"""What must be reachable, asked all at once: one run of TLC for all claims of a file.

Each claim of ``tla/reached`` is false, and what TLC shows is the shortest way to where it is.
TLC ends at the first claim that is violated; told to go on, it would tell every state in which
one is.  So each claim is wrapped, and is false once only: where it is violated for the first
time it notes that, in a register of TLC's, and from then on it is true.  When all have been,
no state is looked at any further.  States are met in the same order as by each claim alone,
so each gets the same story.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from model_tests.chain.tlc import ERROR, Config, Outcome, messages, run, story

_VIOLATED, _STATE = 2110, 2217
_PREFIX = "Once"


def together(config: Config, folder: Path) -> Config:
    """Write the module that asks all invariants of ``config``, each until it is violated."""
    count, stem = len(config.invariants), f"{config.path.stem.replace('-', '_')}_together"
    text = [
        f"---- MODULE {stem} ----",
        f"EXTENDS {config.module}, TLC",
        f"ASSUME \\A i \\in 1..{count} : TLCSet(i, FALSE)",
        "UntilViolated(i, claim) == claim \\/ TLCGet(i) \\/ ~TLCSet(i, TRUE)",
        f"SomeLeft == \\E i \\in 1..{count} : ~TLCGet(i)",
    ]
    for number, claim in enumerate(config.invariants, start=1):
        text.append(f"{_PREFIX}{claim} == UntilViolated({number}, {claim})")
    folder.joinpath(f"{stem}.tla").write_text("\n".join([*text, "====", ""]), encoding="utf-8")
    kept = config.path.read_text(encoding="utf-8").partition("\nINVARIANT")[0]
    asked = [f"  {_PREFIX}{claim}" for claim in config.invariants]
    path = folder / f"{stem}.cfg"
    lines = [kept, "CONSTRAINT", "  SomeLeft", "INVARIANTS", *asked, ""]
    path.write_text("\n".join(lines), encoding="utf-8")
    claims = tuple(f"{_PREFIX}{claim}" for claim in config.invariants)
    return replace(config, path=path, module=stem, invariants=claims, properties=())


def ask(joint: Config) -> Mapping[str, Outcome]:
    """Run what ``together`` has written; return the outcome of each claim, by its name."""
    whole = run(joint, "-continue")
    stories = dict(_stories(whole.output))
    names = [claim.removeprefix(_PREFIX) for claim in joint.invariants]
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
        if number == _VIOLATED:
            shown = []
            yield text.split()[1].removeprefix(_PREFIX), shown
        elif number == _STATE and shown is not None:
            shown.append((number, text))
