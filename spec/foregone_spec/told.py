"""Recorded runs and counterexamples, judged and told: ``foregone-spec check`` and ``explain``."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, final

from foregone_spec import counterexample, trace
from foregone_spec.counterexample import Counterexample, Judged, State
from foregone_spec.kinds import TraceError
from foregone_spec.model import Value, tla_text

#: What is said of a counterexample of which the specification knows nothing.
UNJUDGED: Final = "it is told, and not judged"


@final
@dataclass(frozen=True, slots=True)
class Told:
    """What is said of a run: as text, as plain values, and whether the specification says yes."""

    lines: tuple[str, ...]
    plain: Mapping[str, object]
    accepted: bool

    @property
    def text(self) -> str:
        """The lines as one text."""
        return "\n".join(self.lines) + "\n"


def checked(text: str) -> Told:
    """Say whether a run is a behaviour of its model; raise TraceError if it cannot be read."""
    found = counterexample.read(text)
    if found is not None:
        judged = counterexample.judged(found)
        lines = (*_verdict(found, judged), *_about(found))
        return Told(lines, {**_plain(found, judged), **_header(found)}, not judged.reason)
    verdict = trace.loads(text).check()
    plain = {"accepted": verdict.accepted, "steps": len(verdict.steps)}
    said = {**plain, "index": verdict.index, "reason": verdict.reason}
    return Told(tuple(str(verdict).splitlines()), said, verdict.accepted)


def explained(text: str) -> Told:
    """Tell a run step by step, and where it first leaves the specification."""
    found = counterexample.read(text)
    return _explained_run(text) if found is None else _explained(found)


# --------------------------------------------------------------------- a recorded run


def _explained_run(text: str) -> Told:
    verdict = trace.loads(text).check()
    lines = [str(verdict.model), "  0. initially"]
    told: list[dict[str, object]] = []
    was: dict[str, str] = {}
    for number, states in enumerate(verdict.variables):
        action = str(verdict.steps[number - 1].action) if number else "initially"
        if number:
            lines.append(f"  {number}. {action}")
        now = _shown(states)
        lines += [f"     {name} = {now[name]}" for name in now if now[name] != was.get(name)]
        told.append({"action": action, "possible": list(states)})
        was = now
    said = str(verdict).splitlines()
    lines += said[:1] if verdict.accepted else said[len(verdict.possible) :]
    enabled = list(dict.fromkeys(str(each) for some in verdict.enabled for each in some))
    plain = {
        "model": str(verdict.model), "accepted": verdict.accepted, "steps": told,
        "index": verdict.index, "action": None if verdict.action is None else str(verdict.action),
        "reason": verdict.reason, "enabled": enabled,
    }  # fmt: skip
    return Told(tuple(lines), plain, verdict.accepted)


def _shown(states: Sequence[Mapping[str, Value]]) -> dict[str, str]:
    """Return each variable as text: where it may have several values, all of them."""
    found: dict[str, dict[str, None]] = {}
    for state in states:
        for name, value in state.items():
            found.setdefault(name, {})[_printed(value)] = None
    return {name: " or ".join(values) for name, values in found.items()}


# ------------------------------------------------------------------- a counterexample


def _explained(found: Counterexample) -> Told:
    try:
        judged: Judged | None = counterexample.judged(found)
        unknown = ""
    except TraceError as error:
        judged, unknown = None, str(error)
    lines = [_printed_text(found.model if judged is None else judged.model), *_about(found)]
    lines += ["  0. initially", *_changes({}, found.initially)]
    was = found.initially
    for number, step in enumerate(found.steps, start=1):
        leaves = judged is not None and judged.reason and number == judged.followed + 1
        mark = f"  <- it leaves the specification here: {_why(judged)}" if leaves else ""
        mark += f"  <- it violates {found.violates}" if _breaks(found, number) else ""
        lines += [f"  {number}. {_printed_text(str(step))}{_printed_text(mark)}"]
        lines += _changes(was, step.variables)
        was = step.variables
    violates = f"  <- this violates {found.violates}" if found.violates else ""
    lines += [_printed_text(f"     {found.ending}{violates}")] if found.ending else []
    if judged is None:
        said: dict[str, object] = {"accepted": None, "index": None, "reason": unknown}
        lines.append(f"{UNJUDGED}: {unknown}")
    else:
        said = _plain(found, judged)
        lines += _verdict(found, judged)
    first = {"action": "initially", "variables": found.initially}
    steps = [{"action": str(each), "variables": each.variables} for each in found.steps]
    plain = {**said, **_header(found), "steps": [first, *steps]}
    return Told(tuple(lines), plain, judged is None or not judged.reason)


def _why(judged: Judged | None) -> str:
    return "" if judged is None else judged.reason


def _breaks(found: Counterexample, number: int) -> bool:
    """Say whether it is this step that violates something, and not how the run goes on."""
    return bool(found.violates) and number == len(found.steps) and not found.ending


def _changes(was: State, now: State) -> list[str]:
    return [
        f"     {_printed_text(name)} = {_printed(value)}"
        for name, value in now.items()
        if name not in was or was[name] != value
    ]


def _about(found: Counterexample) -> Iterator[str]:
    yield f"a counterexample of {_printed_text(found.design)}"
    if found.violates:
        yield f"its design violates {_printed_text(found.violates)}"


def _verdict(found: Counterexample, judged: Judged) -> Iterator[str]:
    if not judged.reason:
        yield f"the specification can do all of its {len(found.steps)} steps"
        return
    number = judged.followed + 1
    what = str(found.steps[number - 1]) if number <= len(found.steps) else "begin"
    why = _printed_text(judged.reason)
    yield f"rejected: {judged.model} cannot do step {number} of {len(found.steps)}"
    yield f"  {number}. {_printed_text(what)}  <- {why}"
    yield f"  in which might follow: {', '.join(judged.enabled) or 'nothing'}"


def _header(found: Counterexample) -> dict[str, object]:
    return {"design": found.design, "violates": found.violates, "ending": found.ending}


def _plain(found: Counterexample, judged: Judged) -> dict[str, object]:
    return {
        "accepted": not judged.reason, "steps": len(found.steps),
        "index": judged.followed if judged.reason else None, "reason": judged.reason,
        "enabled": list(judged.enabled), "model": judged.model,
    }  # fmt: skip


def _printed(value: Value) -> str:
    return _printed_text(tla_text(value))


def _printed_text(text: str) -> str:
    """Return ``text`` with nothing in it that a terminal would obey."""
    return "".join(each if each.isprintable() else each.encode("unicode_escape").decode()
                   for each in text)  # fmt: skip
