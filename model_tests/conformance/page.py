"""The tables of docs/conformance.md: ``python -m model_tests.conformance.page`` writes them.

A part stands between ``<!-- generated: NAME -->`` and ``<!-- end -->``, and is made of
``recorded.json`` and of the kit's own list of claims; ``test_conformance_page.py`` compares.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Final, TypeAlias, cast

from foregone_conformance.catalogue import CLAIMS
from foregone_conformance.claims import Claim, Group, Verdict
from foregone_conformance.kinds import Kind
from foregone_conformance.report import HEADERS, escaped
from model_tests.chain.command import ROOT
from model_tests.conformance.record import read
from model_tests.readme import renewed

PAGE: Final = ROOT / "docs" / "conformance.md"
#: What a cell of the tables says.
CELLS: Final = {
    "kept": "kept",
    "broken": "**broken**",
    "no end": "**no end**",
    "not applicable": "n/a",
    "not tried": "not tried",
}
NO_END: Final = "no end"
#: A claim that came after the record.
NOT_TRIED: Final = "not tried"
#: What the judge says where somebody was still busy.
GIVEN_UP: Final = "it had not ended after"
OURS: Final = "foregone"
_KINDS: Final = {Kind.THREAD: "Threads", Kind.PROCESS: "Processes"}

#: One executor in one version, as record.py keeps it.
Told: TypeAlias = Mapping[str, object]
#: All of them, by title.
Columns: TypeAlias = Mapping[str, Told]


def columns() -> Columns:
    """Return what is kept."""
    return cast("Columns", read()["columns"])


def _differs() -> Iterator[str]:
    yield "| claim | CPython |"
    yield "| --- | --- |"
    for each in CLAIMS:
        if each.standard:
            yield f"| {_titled(each)} | {escaped(each.standard)} |"


def words(told: Told) -> Mapping[str, str]:
    """Return what a cell says of each claim: who was given up while busy is set apart."""
    seen = cast("Mapping[str, str]", told["seen"])
    return {
        name: NO_END if seen.get(name, "").startswith(GIVEN_UP) else word
        for name, word in verdicts(told).items()
    }


def verdicts(told: Told) -> Mapping[str, str]:
    """Return the verdict on each claim."""
    return cast("Mapping[str, str]", told["verdicts"])


def made(part: str) -> str:
    """Return a part of the page."""
    match part.split():
        case ["executors"]:
            return "\n" + "\n".join([*_executors()]) + "\n\n"
        case ["claims", kind]:
            return "\n" + "\n".join([*_claims(Kind(kind))]) + "\n"
        case ["seen"]:
            return "\n" + "\n".join([*_seen()]) + "\n"
        case ["differs"]:
            return "\n" + "\n".join([*_differs()]) + "\n\n"
        case ["recorded"]:
            kept = read()
            return f"\nRecorded {kept['date']} and before; {kept['machine']}.\n\n"
        case _:
            raise LookupError(f"there is no part {part!r}")


def _executors() -> Iterator[str]:
    yield "| executor | what it is | Python | kept | broken | n/a | seconds | commit | date |"
    yield "| --- | --- | --- | ---: | ---: | ---: | ---: | --- | --- |"
    for title, told in columns().items():
        counts = cast("Mapping[str, int]", told["counts"])
        figures = " | ".join(str(counts[each.value]) for each in Verdict)
        what = f"`{told['class']}`, {told['package']} {told['version']}"
        seconds = cast("float", told["seconds"])
        yield (
            f"| {title.partition(',')[0]} | {what} | {told['python']} | {figures} "
            f"| {seconds:.0f} | {told['commit']} | {told['date']} |"
        )


def label(title: str) -> str:
    """Return what a column of the tables is called."""
    name, _, version = title.partition(", ")
    if not version:  # of the interpreter at hand
        return name
    return OURS if name.startswith(OURS) else f"{name.partition('-')[0]} {version}"


def merged(kind: Kind) -> dict[str, list[Mapping[str, str]]]:
    """Return what stands side by side: our pools on all interpreters are one column."""
    found: dict[str, list[Mapping[str, str]]] = {}
    for title, told in columns().items():
        if told["kind"] == kind.value:
            found.setdefault(label(title), []).append(words(told))
    return found


def cell(of: list[Mapping[str, str]], claim: Claim) -> str:
    """Return a cell: what is broken anywhere is broken."""
    found = {each.get(claim.id, NOT_TRIED) for each in of}
    for word in ("broken", NO_END, NOT_TRIED, "kept"):
        if word in found:
            return CELLS[word]
    return CELLS["not applicable"]


def _claims(kind: Kind) -> Iterator[str]:
    side = merged(kind)
    for group in Group:
        of = [each for each in CLAIMS if each.group is group and kind in each.kinds]
        split = {each.id: [cell(column, each) for column in side.values()] for each in of}
        guilty = {CELLS["broken"], CELLS[NO_END]}
        told = [each for each in of if guilty & {*split[each.id]}]
        untried = [each.id for each in of if CELLS[NOT_TRIED] in split[each.id]]
        free = [each.id for each in of if not (guilty | {CELLS[NOT_TRIED]}) & {*split[each.id]}]
        yield f"### {_KINDS[kind]}: {HEADERS[group][0].lower()}{HEADERS[group][1:]}\n"
        if told:
            yield f"| claim | {' | '.join(side)} |"
            yield f"| --- |{' --- |' * len(side)}"
            for each in told:
                yield f"| {_titled(each)} | {' | '.join(split[each.id])} |"
            yield ""
        if free:
            yield f"Broken by nobody here: {', '.join(free)}.\n"
        if untried:
            yield f"Not tried by everybody yet: {', '.join(untried)}.\n"


def _titled(claim: Claim) -> str:
    if claim.group is Group.MUSEUM:
        title = claim.title.removeprefix("free of: ")
        return f"[{claim.id}](museum.md#{claim.id.lower()}) {escaped(title)}"
    return f"{claim.id}: {escaped(claim.title)}"


def newest() -> list[str]:
    """Return the titles of the columns of which it is told what was seen."""
    found: dict[str, str] = {}
    for title in columns():
        found[title.partition(",")[0]] = title  # versions stand in order
    return [each for each in found.values() if not each.startswith(OURS)]


def _seen() -> Iterator[str]:
    for title in newest():
        told = columns()[title]
        seen = cast("Mapping[str, str]", told["seen"])
        broken = [name for name, word in verdicts(told).items() if word == "broken"]
        yield f"### {title.replace(',', ' of')}\n"
        yield "| claim | what was seen |"
        yield "| --- | --- |"
        for name in broken:
            yield f"| {name} | {escaped(shown(seen[name]))} |"
        yield ""


def shown(seen: str) -> str:
    """Return what was seen, without where an object was."""
    return re.sub(r" at 0x[0-9a-f]+", "", seen)


if __name__ == "__main__":
    PAGE.write_text(renewed(PAGE.read_text(encoding="utf-8"), made), encoding="utf-8")
