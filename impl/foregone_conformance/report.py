"""What came of a trial, as text, as Markdown, and as JSON; ``report_html.py`` has HTML."""

import json
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final, TypeAlias, final

from foregone_conformance.claims import Group, Verdict
from foregone_conformance.judge import Result, Setting, Subject

WIDTH: Final = 100
#: What a verdict is called in a line of text: what is broken is to be seen without colour.
SHOWN: Final = {
    Verdict.KEPT: "kept",
    Verdict.BROKEN: "BROKEN",
    Verdict.NOT_APPLICABLE: "n/a",
}
HEADERS: Final = {
    Group.DOCUMENTED: "What the documentation of concurrent.futures promises",
    Group.SEMANTICS: "The semantics table: the answer in each corner",
    Group.INVARIANT: "The invariants of the specification, under drawn programs",
    Group.LINEARIZABLE: "Linearizability: histories of threads, against the future's table",
    Group.MUSEUM: "The museum: bugs of the field",
}
_INDENT: Final = " " * 10

Json: TypeAlias = "dict[str, Json] | list[Json] | str | int | float | None"


@final
@dataclass(frozen=True, slots=True)
class Report:
    """What was judged, how, and what came out."""

    subject: Subject
    setting: Setting
    results: Sequence[Result]
    seconds: float
    date: str

    def count(self, verdict: Verdict) -> int:
        """Return how many claims have this verdict."""
        return sum(each.verdict is verdict for each in self.results)

    @property
    def broken(self) -> int:
        """How many claims are broken."""
        return self.count(Verdict.BROKEN)


def today() -> str:
    """Return the date, in UTC."""
    return datetime.now(UTC).date().isoformat()


def opening(subject: Subject, setting: Setting) -> str:
    """Return what is judged, and how."""
    return (
        f"{subject.address}: {subject.name}, of {subject.package} {subject.version}, "
        f"as {subject.kind.value}\n"
        f"Python {subject.python}, futures {subject.future}, waited for with {subject.wait}, "
        f"seed {setting.seed}" + (f"\nIt says: {subject.says}" if subject.says else "")
    )


def line(result: Result, setting: Setting) -> str:
    """Return a verdict as text; where it is broken with what was seen, and how to replay it."""
    claim = result.claim
    shown = [f"{SHOWN[result.verdict]:8}  {claim.id}: {claim.title}"]
    if result.verdict is Verdict.NOT_APPLICABLE:
        shown.append(_wrapped(f"since {result.seen}"))
    if result.verdict is Verdict.BROKEN:
        seen = result.seen.splitlines()
        shown += [_wrapped(each) for each in seen[:4]]
        shown += [f"{_INDENT}... {len(seen) - 4} more lines"] * (len(seen) > 4)
        shown.append(_wrapped(f"meaning: {claim.meaning}"))
        shown.append(_wrapped(f"source: {claim.source}"))
        shown.append(f"{_INDENT}replay: {setting.replay(claim.id)}")
    return "\n".join(shown)


def _wrapped(text: str) -> str:
    return textwrap.fill(text, WIDTH, initial_indent=_INDENT, subsequent_indent=_INDENT + "  ")


def closing(report: Report) -> str:
    """Return how many claims have which verdict."""
    counts = ", ".join(f"{report.count(each)} {each.value}" for each in Verdict)
    number = len(report.results)
    claims = "1 claim" if number == 1 else f"{number} claims"
    return f"{claims}: {counts}; {report.seconds:.0f} s, {report.date}"


# -------------------------------------------------------------------- Markdown


def markdown(report: Report) -> str:
    """Return a report as Markdown."""
    parts = [
        f"# Conformance of {escaped(report.subject.address)}",
        escaped(opening(report.subject, report.setting).replace("\n", ". ")) + ".",
        f"{closing(report)}.",
    ]
    for group in Group:
        of = [each for each in report.results if each.claim.group is group]
        if not of:
            continue
        parts.append(f"## {HEADERS[group]}")
        rows = ["| claim | | verdict | seconds |", "| --- | --- | --- | ---: |"]
        rows += [
            f"| {escaped(each.claim.id)} | {escaped(each.claim.title)} "
            f"| {_bold(each)} | {each.seconds:.1f} |"
            for each in of
        ]
        parts.append("\n".join(rows))
        parts += [_told(each, report.setting) for each in of if each.seen]
    return "\n\n".join(parts) + "\n"


def _bold(result: Result) -> str:
    word = result.verdict.value
    return f"**{word}**" if result.verdict is Verdict.BROKEN else word


def _told(result: Result, setting: Setting) -> str:
    name = escaped(result.claim.id)
    if result.verdict is Verdict.NOT_APPLICABLE:
        return f"{name} does not apply: {escaped(result.seen)}."
    stacks = f"\n\n{fenced(result.stacks)}" if result.stacks else ""
    return (
        f"### {name}\n\n{fenced(result.seen)}\n\n"
        f"Meaning: {escaped(result.claim.meaning)}. Source: {escaped(result.claim.source)}.\n\n"
        f"{fenced(setting.replay(result.claim.id))}{stacks}"
    )


def escaped(text: str) -> str:
    """Return text that Markdown shows as it is, on one line."""
    for each in "\\`*_[]<>|":
        text = text.replace(each, f"\\{each}")
    return " ".join(text.split())


def fenced(text: str) -> str:
    """Return text as a block of code, whatever is in it."""
    fence = "```"
    while fence in text:
        fence += "`"
    return f"{fence}text\n{text}\n{fence}"


# ------------------------------------------------------------------------ JSON


def as_json(report: Report) -> str:
    """Return a report as JSON."""
    subject, setting = report.subject, report.setting
    claims: list[Json] = [
        {
            "id": each.claim.id,
            "group": each.claim.group.value,
            "title": each.claim.title,
            "source": each.claim.source,
            "standard": each.claim.standard,
            "verdict": each.verdict.value,
            "seen": each.seen,
            "seconds": round(each.seconds, 2),
            "replay": setting.replay(each.claim.id),
            "stacks": each.stacks,
        }
        for each in report.results
    ]
    told: dict[str, Json] = {
        "address": subject.address,
        "kind": subject.kind.value,
        "class": subject.name,
        "package": subject.package,
        "version": subject.version,
        "python": subject.python,
        "says": subject.says,
        "date": report.date,
        "seed": setting.seed,
        "patience": setting.patience,
        "limit": setting.limit,
        "seconds": round(report.seconds, 1),
        "counts": {each.value: report.count(each) for each in Verdict},
        "claims": claims,
    }
    return json.dumps(told, indent=1) + "\n"
