"""The figures of ``docs/assurance.md``: ``python -m model_tests.assurance`` writes them anew.

They stand between the same marks as the README's, and are taken from what is kept of
the links' last full runs.  ``test_assurance.py`` compares.
"""

import ast
import json
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final, TypeAlias, cast

from model_tests.chain import models, models_deep, mutants, promise, schedules
from model_tests.chain.command import ROOT
from model_tests.chain.kept import CHAOS, EXPLORED, SCHEDULES, SIMULATION
from model_tests.chain.tlc import HOLDS
from model_tests.chain.verify import LINKS
from model_tests.mutation.kept import load
from model_tests.readme import renewed

PAGE: Final = ROOT / "docs" / "assurance.md"
CHAIN: Final = ROOT / "model_tests" / "chain"

#: What a kept file says of one thing.
Told: TypeAlias = Mapping[str, object]


def _read(path: Path) -> dict[str, Told]:
    return cast("dict[str, Told]", json.loads(path.read_text(encoding="utf-8")))


def _table(head: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """Return a table in Markdown, whole numbers with their commas and to the right."""
    rule = ["---:" if isinstance(each, int) else "---" for each in rows[0]]
    lines = [[_cell(each) for each in row] for row in rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in (head, rule, *lines))


def _cell(value: object) -> str:
    return f"{value:,}" if isinstance(value, int) else str(value).replace("|", "\\|")


# ------------------------------------------------------------------- the parts


def links() -> str:
    """Return the chain: what each link says of itself, how it is run, how much it claims."""
    promised = promise.read()
    rows = [
        (f"`{link}`", _heading(link), f"`{_command(link)}`", len(promised.get(link, {})))
        for link in LINKS
    ]
    return _table(("link", "what it shows", "command", "claims"), rows)


def _heading(link: str) -> str:
    said = ast.get_docstring(ast.parse((CHAIN / f"{link}.py").read_text(encoding="utf-8")))
    return (said or "").partition("\n")[0].rstrip(".").replace("``", "`")


def _command(link: str) -> str:
    """Return the target of the Makefile that runs a link, or what runs it without one."""
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    module = f"model_tests.chain.{link}"
    target = re.search(rf"^([\w-]+):[^\n]*\n\t@\$\(RUN\) -m {module} ", makefile, re.MULTILINE)
    return f"make {target[1]}" if target else f"python -m {module}"


def claims(link: str) -> str:
    """Return what a link claims, and the number that each claim reached."""
    rows = sorted(promise.read()[link].items())
    return _table(("claim", "reached"), rows)


def quick_models() -> str:
    """Return how far the models of ``make models`` go, module by module."""
    known = _read(models.EXPECTED)
    modules = sorted({_module(name) for name in known if name.startswith(f"{HOLDS}/")})
    rows = [(f"`{module}`", *_figures(known, module)) for module in modules]
    head = ("module", "bounds that hold", "most states", "depth there")
    return _table((*head, "old designs convicted", "states to be reached"), rows)


def _module(name: str) -> str:
    return name.partition("/")[2].partition("-")[0]


def _figures(known: Mapping[str, Told], module: str) -> tuple[int, ...]:
    own = {name.partition("/")[0]: 0 for name in known}
    largest = (0, 0)
    for name, told in known.items():
        if _module(name) != module:
            continue
        own[name.partition("/")[0]] += 1
        if told["result"] == HOLDS:
            largest = max(largest, (_int(told["states"]), _int(told["depth"])))
    return own[HOLDS], *largest, own["museum"], own["reached"]


def _int(value: object) -> int:
    return value if isinstance(value, int) else 0


def largest_models() -> str:
    """Return how far the models of ``make models-deep`` go, and when they last did."""
    known = _read(models_deep.EXPECTED)
    glosses = {config.path.stem: config.gloss for config in models.configs("deep")}
    rows = [
        (
            f"`{name}`: {glosses[name]}",
            _int(told["states"]),
            _int(told["depth"]),
            f"{told['date']}, {told['commit']}",
        )
        for name, told in sorted(known.items())
    ]
    return _table(("configuration", "states", "depth", "kept"), rows)


def graphs() -> str:
    """Return how many graphs are compared in every run, and how far they go, by module."""
    compared: dict[str, list[int]] = {}
    for claim, states in promise.read()["equality"].items():
        module, _, what = claim.partition(": ")
        if what.startswith("TLC"):
            compared.setdefault(module, []).append(states)
    rows = [
        (f"`{module}`", len(compared[module]), max(compared[module])) for module in sorted(compared)
    ]
    return _table(("module", "graphs compared", "most states compared"), rows)


def larger_graphs() -> str:
    """Return what is kept of the larger bounds: graphs that are compared, or explored alone."""
    told = _read(ROOT / EXPLORED)
    rows = [
        (what, bound, str(each["count"]))
        for name, each in sorted(cast("dict[str, Told]", told["bounds"]).items())
        for what, _, bound in [name.partition("; ")]
    ]
    return f"{_table(('claim', 'bound', 'reached'), rows)}\n{_when(told)}\n"


def _when(told: Told) -> str:
    return f"Kept from {told['date']}, commit {told['commit']}; {told['machine']}."


def scheduled() -> str:
    """Return how many schedules of which programs are run, and how many defects are found."""
    promised = promise.read()["schedules"]
    bounds = {group.claim: group.bound for group in schedules.groups()}
    rows = [(claim, bounds.get(claim, ""), promised[claim]) for claim in (*bounds, *promised)]
    return _table(("claim", "bound", "schedules, or defects"), list(dict.fromkeys(rows)))


def deep_schedules() -> str:
    """Return what is kept of the schedules that take longer than a run of the chain."""
    rows = [
        (
            claim.removeprefix("deep: "),
            told["bound"],
            told["count"],
            f"{told['date']}, {told['commit']}",
        )
        for claim, told in _read(ROOT / SCHEDULES).items()
    ]
    return _table(("claim", "bound", "reached", "kept"), rows)


def mutated() -> str:
    """Return what is kept of the mutants, room by room."""
    rows: list[tuple[object, ...]] = []
    for room, path in mutants.RESULTS.items():
        if not path.exists():
            rows.append((room, 0, 0, 0, "no full run yet: nothing is claimed"))
            continue
        result = load(path)
        survivors = len(result.survivors)
        when = f"{result.date}, {result.commit}"
        rows.append((room, len(result.mutants), result.killed, survivors, when))
    head = ("what is changed", "mutants", "killed", "argued one by one", "kept")
    return _table(head, rows)


def simulated() -> str:
    """Return what is kept of the simulated processes."""
    return "".join(
        f"- {'' if told['ok'] else '**Failed:** '}{claim}: {told['bound']}, {told['count']}; "
        f"{told['note']}. Kept from {told['date']}, commit {told['commit']}; {told['machine']}.\n"
        for claim, told in _read(ROOT / SIMULATION).items()
    )


def real() -> str:
    """Return what is kept of the real processes."""
    told = cast("Told", _read(ROOT / CHAOS))
    counts = cast("Mapping[str, int]", told["counts"])
    methods = cast("Mapping[str, int]", told["methods"])
    failed = cast("Sequence[object]", told["failed"])
    rows: list[tuple[str, object]] = [
        ("scenarios", told["scenarios"]),
        *((f"with {method}", number) for method, number in sorted(methods.items())),
        *counts.items(),
        ("scenarios that failed", len(failed)),
    ]
    when = f"Kept from {told['date']}, commit {told['commit']}; {told['machine']}, Python "
    return f"{_table(('what', 'number'), rows)}\n{when}{told['python']}.\n"


PARTS: Final[Mapping[str, Callable[[], str]]] = {
    "links": links,
    "contracts": lambda: claims("contracts"),
    "models": quick_models,
    "largest models": largest_models,
    "graphs": graphs,
    "larger graphs": larger_graphs,
    "schedules": scheduled,
    "deep schedules": deep_schedules,
    "simulation": simulated,
    "chaos": real,
    "cpython": lambda: claims("cpython_suite"),
    "mutants": mutated,
}


def figures(part: str) -> str:
    """Return what stands on the page for ``part``: lines of Markdown."""
    return f"\n{PARTS[part]()}\n"


if __name__ == "__main__":
    PAGE.write_text(renewed(PAGE.read_text(encoding="utf-8"), figures), encoding="utf-8")
