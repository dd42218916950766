"""Kept results: is each still of the code that it covers?

What takes too long for every run is run now and then, and its figures are kept in a
file, with date and commit.  They say nothing of code that came later.  So git is asked
what has changed since, in the files and in the folders that a result covers:

    python -m model_tests.chain.kept

A result that is older than its code is noted, and does not fail; where the environment
has CI, that of the Future and that of the ticket code does.  Where there is no git nobody can say.
"""

import json
import os
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import Enum
from pathlib import Path
from time import perf_counter
from typing import Final, cast, final

from model_tests.chain.command import ROOT, git, lines
from model_tests.chain.verdict import Row, report

CHAOS: Final = "docs/chaos.json"
SIMULATION: Final = "model_tests/simulation/result.json"
DEEP: Final = "tla/deep/expected.json"
CONTRACTS: Final = "model_tests/contract_results.json"
DEFECTS: Final = "model_tests/defects/found.json"
EXPLORED: Final = "model_tests/explored.json"
SCHEDULES: Final = "model_tests/schedules_deep.json"

TICKET_CODE: Final = ("impl/foregone/process_pool",)
#: What threads that meet on a future run, all that it imports, and the model beside it.
FUTURE_CODE: Final[tuple[str, ...]] = (
    *(f"impl/foregone/{name}.py" for name in ("future", "waiting", "sync", "clock")),
    *(f"impl/foregone/{name}.py" for name in ("compat", "errors", "observer")),
    *(f"spec/foregone_spec/{name}.py" for name in ("future", "waiting", "lifecycle")),
    *(f"spec/foregone_spec/{name}.py" for name in ("future_actions", "future_model")),
    *(f"spec/foregone_spec/{name}.py" for name in ("identity", "model")),
)
#: The parts of the deep schedules that are about futures alone.
FUTURE_PARTS: Final = ("future", "pairs", "two-calls", "three", "three-whole")
#: What tells of the rest to who asks, and which the rest does not import: no figure is of it,
#: but for those of runs that are read as runs of a model.
TELLING: Final = (
    *(
        f"impl/foregone/{name}.py"
        for name in (
            "chrome_trace", "dask/events", "dask/runs", "dump", "events", "events_command",
            "events_of_processes", "events_of_threads", "inspection", "inspection_process",
            "json_lines", "observing", "progress_bar", "run_of_processes", "run_of_threads",
            "run_rooms", "runs", "testing",
        )
    ),
    "spec/foregone_spec/html",
    *(
        f"spec/foregone_spec/{name}.py"
        for name in (
            "__main__", "counterexample", "draw", "options", "page", "pixels", "rooms", "sources",
            "stepping", "terminal", "told", "walk", "words",
        )
    ),
)  # fmt: skip
#: Who reads them.
READ_THREADS: Final = ("impl/foregone/events_of_threads.py", "impl/foregone/run_of_threads.py")
READ_PROCESSES: Final = tuple(
    f"impl/foregone/{name}.py" for name in ("events_of_processes", "run_of_processes", "run_rooms")
)
_BUT: Final = ":(exclude)"  # as git has it
SPEC: Final = ("spec/foregone_spec", *(f"{_BUT}{each}" for each in TELLING))
#: What the pools do not import, either.
_APART: Final = "impl/foregone/dask"
LIBRARY: Final = ("impl/foregone", f"{_BUT}{_APART}", *SPEC)

_DIRTY: Final = "-dirty"  # git describe appends it where files were not committed


class Age(Enum):
    """What git says of a result and the code that it covers; the later, the worse."""

    SAME = "is of this code"
    UNKNOWN = "no git here: nobody can say"
    UNCOMMITTED = "of changes never committed"
    CHANGED = "its code has changed since"
    LOST = "its commit is not here"


_SENTENCES: Final = {
    Age.SAME: "is of this code",
    Age.UNKNOWN: "there is no git here, so nobody can say whether it is of this code",
    Age.UNCOMMITTED: "there were changes then that are in no commit",
    Age.CHANGED: "the code it covers has changed since",
    Age.LOST: "that commit is not in this history",
}


@final
@dataclass(frozen=True, slots=True)
class Part:
    """What was run at one time, of one commit."""

    name: str
    date: str
    commit: str
    covers: tuple[str, ...]


@final
@dataclass(frozen=True, slots=True)
class Result:
    """One kept result: one row."""

    claim: str
    path: str
    count: str
    parts: tuple[Part, ...]
    failed: str = ""  # what was wrong when it was kept
    strict: tuple[str, ...] = ()  # what is to be the same, where there is CI


# ------------------------------------------------------------------ what is kept


def chaos(root: Path) -> Iterator[Result]:
    """Yield what is kept of the real processes."""
    told = _read(root / CHAOS)
    failed = cast("list[str]", told.get("failed", []))
    yield Result(
        "kept: real processes, killed, stopped and fed with poison",
        CHAOS,
        f"{told.get('scenarios', 0):,} scenarios",
        (_part("", told, LIBRARY),),
        f"scenarios that failed: {', '.join(map(str, failed))}" if failed else "",
    )


def simulation(root: Path) -> Iterator[Result]:
    """Yield what is kept of the simulated processes, claim by claim."""
    for claim, entry in _read(root / SIMULATION).items():
        told = cast("dict[str, object]", entry)
        yield Result(
            f"kept: {claim}",
            SIMULATION,
            str(told.get("count", "")),
            (_part("the library", told, LIBRARY), _part("who reads runs", told, READ_PROCESSES)),
            "" if told.get("ok") else "it failed",
            strict=TICKET_CODE,
        )


def deep(root: Path) -> Iterator[Result]:
    """Yield what is kept of the models' largest bounds: each covers what it is made of."""
    found = {name: cast("dict[str, object]", each) for name, each in _read(root / DEEP).items()}
    parts = (
        _part(name, told, (f"tla/deep/{name}.cfg", *_modules(root, str(told.get("module")))))
        for name, told in found.items()
    )
    claim, count = "kept: the models at their largest bounds", f"{len(found)} configurations"
    yield Result(claim, DEEP, count, tuple(parts))


def contracts(root: Path) -> Iterator[Result]:
    """Yield what is kept of the induction at its larger bounds."""
    told = _read(root / CONTRACTS)
    bounds = cast("dict[str, object]", told.get("induction", {}))
    lacks = cast("list[str]", told.get("missing", []))
    yield Result(
        "kept: the process pool's claims are inductive, at larger bounds",
        CONTRACTS,
        f"{len(bounds)} bounds",
        (_part("", told, SPEC),),
        f"these did not come to an end: {', '.join(lacks)}" if lacks else "",
    )


def defects(root: Path) -> Iterator[Result]:
    """Yield what is kept of the seeded defects."""
    told = _read(root / DEFECTS)
    count = f"{len(cast('list[object]', told.get('defects', [])))} defects"
    yield Result("kept: seeded defects of the library", DEFECTS, count, (_part("", told, LIBRARY),))


def explored(root: Path) -> Iterator[Result]:
    """Yield what is kept of the specification's claims at larger bounds."""
    told = _read(root / EXPLORED)
    bounds = cast("dict[str, dict[str, object]]", told.get("bounds", {}))
    wrong = [name for name, each in bounds.items() if not each.get("ok")]
    yield Result(
        "kept: the specification's invariants, at larger bounds",
        EXPLORED,
        f"{len(bounds)} bounds",
        (_part("", told, SPEC),),
        f"these failed: {', '.join(wrong)}" if wrong else "",
    )


def schedules(root: Path) -> Iterator[Result]:
    """Yield what is kept of the schedules of the real code, claim by claim."""
    for claim, entry in _read(root / SCHEDULES).items():
        told = cast("dict[str, object]", entry)
        futures = told.get("part") in FUTURE_PARTS
        parts = (
            (_part("", told, FUTURE_CODE),)
            if futures
            else (_part("the library", told, LIBRARY), _part("who reads runs", told, READ_THREADS))
        )
        yield Result(
            f"kept: {claim}",
            SCHEDULES,
            str(told.get("count", "")),
            parts,
            "" if told.get("ok") else "it failed",
            strict=FUTURE_CODE if futures else (),
        )


KEPT: Final = {
    CHAOS: chaos,
    SIMULATION: simulation,
    DEEP: deep,
    CONTRACTS: contracts,
    DEFECTS: defects,
    EXPLORED: explored,
    SCHEDULES: schedules,
}


def _read(path: Path) -> dict[str, object]:
    return cast("dict[str, object]", json.loads(path.read_text(encoding="utf-8")))


def _part(name: str, told: dict[str, object], covers: tuple[str, ...]) -> Part:
    return Part(name, str(told.get("date", "?")), str(told.get("commit", "?")), covers)


def _modules(root: Path, module: str) -> tuple[str, ...]:
    """Return the files of a module of ``tla/`` and of all that it takes from there."""
    found: list[str] = []
    ahead = [module]
    while ahead:
        name = ahead.pop()
        path = f"tla/{name}.tla"
        if path in found or not (root / path).exists():
            continue  # seen, or a module of TLA+ itself
        found.append(path)
        text = (root / path).read_text(encoding="utf-8")
        ahead += re.findall(r"\bINSTANCE\s+(\w+)", text)
        for names in re.findall(r"^EXTENDS\s+(\w+(?:\s*,\s*\w+)*)", text, re.MULTILINE):
            ahead += re.split(r"\s*,\s*", names)
    return tuple(sorted(found))


# ------------------------------------------------------------------ what git says


def has_git(root: Path) -> bool:
    """Say whether ``root`` is a checkout, and not only below one."""
    top = git("rev-parse", "--show-toplevel", root=root)
    return bool(top) and Path(top or "").resolve() == root.resolve()


def age(part: Part, root: Path) -> Age:
    """Compare a part with the files as they are now, whether committed or not."""
    commit = part.commit.removesuffix(_DIRTY)
    if not re.fullmatch(r"[0-9a-f]{4,40}", commit):
        return Age.LOST
    if git("rev-parse", "--verify", "--quiet", f"{commit}^{{commit}}", root=root) is None:
        return Age.LOST
    if git("diff", "--quiet", commit, "--", *part.covers, root=root) is None:
        return Age.CHANGED
    if git("ls-files", "--others", "--exclude-standard", "--", *part.covers, root=root):
        return Age.CHANGED  # by a file that is new
    return Age.UNCOMMITTED if part.commit.endswith(_DIRTY) else Age.SAME


def judge(result: Result, root: Path, ci: bool) -> Row:
    """Return the row of one kept result."""
    began = perf_counter()
    known = has_git(root)
    told: dict[tuple[Age, str], list[str]] = {}
    for part in result.parts:
        found = age(part, root) if known else Age.UNKNOWN
        told.setdefault((found, f"{part.date}, {part.commit}"), []).append(part.name)
    said = [f"{result.path}: {_said(key, names, root, result)}" for key, names in told.items()]
    worst = max((found for found, _ in told), key=list(Age).index, default=Age.LOST)
    old = known and ci and any(_is_old(each, result.strict, root) for each in result.parts)
    wrong = [f"{result.path}: {result.failed}"] if result.failed else []
    if old:
        wrong.append(f"{result.path}: run it again with --write, with all its code committed")
    return Row(
        claim=result.claim,
        engine="git",
        bound=worst.value,
        count=result.count,
        seconds=perf_counter() - began,
        ok=bool(result.parts) and not wrong,
        details=lines(wrong) or f"       {result.path}: nothing is kept",
        note=lines(said),
    )


def _is_old(part: Part, strict: tuple[str, ...], root: Path) -> bool:
    """Say whether what is to be the same for this result is not."""
    return bool(strict) and age(replace(part, covers=strict), root) is not Age.SAME


def _said(key: tuple[Age, str], names: list[str], root: Path, result: Result) -> str:
    """Say of which commit some parts are, and what has become of their code."""
    found, when = key
    text = f"kept from {when}; {_SENTENCES[found]}"
    if found is Age.CHANGED:
        covers = sorted(
            {path for part in result.parts for path in part.covers if part.name in names}
        )
        last = git("log", "-1", "--format=%h", "--", *covers, root=root)
        text += f", last in {last}" if last else ""
        if git("diff", "--quiet", "HEAD", "--", *covers, root=root) is None:
            text += ", and uncommitted"
    few = len(names) < len(result.parts)
    return f"{text}: {', '.join(names)}" if few else text


def rows(root: Path = ROOT) -> Iterator[Row]:
    """Judge each kept result; one that is gone has failed."""
    ci = bool(os.environ.get("CI"))
    for path, read in KEPT.items():
        if not (root / path).exists():
            gone = f"       {path} is not there"
            yield Row(f"kept: {path}", "git", "", "0 results", 0.0, False, gone)
            continue
        for result in read(root):
            yield judge(result, root, ci)


if __name__ == "__main__":
    sys.exit(report(rows()))
