"""The specification uses nothing impure, and each of its contracts counts."""

import ast
import dataclasses
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

import foregone_spec
from model_tests import contract_twins
from model_tests.chain import contracts

SPEC = Path(foregone_spec.__file__).parent

PURE = {"collections.abc", "dataclasses", "enum", "typing", "html", "itertools"}
ALLOWED = {
    "__main__": {"argparse", "json", "sys"},
    "counterexample": {"json"},
    "kinds": {"json"},
    "options": {"argparse"},
    "page": {"importlib.resources", "json"},  # the text that is filled in
    "pixels": {"importlib", "re"},  # who draws, if he is there
    "stepping": {"json"},
    "terminal": {"pathlib", "random", "shutil", "sys"},
    "trace": {"json"},
}
PRINTING = {"__main__", "terminal"}
#: The parts of the language by which a module can reach what it does not import.
REACHING = {"__import__", "eval", "exec", "compile", "open", "input", "globals", "print"}


def imported(tree: ast.AST) -> Iterator[str]:
    """Yield the names of the modules that ``tree`` imports."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (each.name for each in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield "." * node.level + (node.module or "")


def impure(name: str, source: str) -> list[str]:
    """Return what the module ``name`` of the specification must not use."""
    tree = ast.parse(source)
    allowed = PURE | ALLOWED.get(name, set())
    found = [
        each
        for each in imported(tree)
        if each not in allowed and not f"{each}.".startswith("foregone_spec.")
    ]
    names = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    reaching = names & (REACHING if name not in PRINTING else REACHING - {"print"})
    return [*found, *sorted(reaching)]


@pytest.mark.parametrize("path", sorted(SPEC.glob("*.py")), ids=lambda path: path.stem)
def test_the_specification_is_pure(path: Path) -> None:
    assert impure(path.stem, path.read_text()) == []


@pytest.mark.parametrize(
    ("name", "source"),
    [
        ("future", "import threading"),
        ("future", "from time import monotonic"),
        ("future", "import json"),
        ("future", "def f():\n    import os.path"),
        ("future", "from foregone.future import Future"),
        ("future", "from .. import sync"),
        ("future", "__import__('socket')"),
        ("__main__", "import logging"),
    ],
)
def test_what_is_impure_is_noticed(name: str, source: str) -> None:
    assert len(impure(name, source)) == 1


def test_imports_of_the_specification_run_one_way() -> None:
    needs = {
        path.stem: {
            each.removeprefix("foregone_spec.")
            for node in ast.parse(path.read_text()).body
            if isinstance(node, ast.Import | ast.ImportFrom)  # those in functions come later
            for each in imported(node)
            if each.startswith("foregone_spec.")
        }
        for path in SPEC.glob("*.py")
    }
    while free := [name for name, wants in needs.items() if not wants & needs.keys()]:
        for name in free:
            del needs[name]
    assert needs == {}


# -------------------------------------------------------- contracts and twins


def _said(names: Sequence[contracts.Contract], verdict: str) -> str:
    lines = [f"/x/{each.path.name}:{line}: {verdict}" for each in names for line in each.after]
    return "\n".join(lines)


class TestContracts:
    """What is printed is counted line by line: less, more or other is a failure."""

    wanted = tuple(contracts.specified().values())

    def test_all_confirmed(self) -> None:
        assert sum(len(each.after) for each in self.wanted) >= 35
        assert (
            contracts.missing(self.wanted, _said(self.wanted, contracts.CONFIRMED), "info: C") == []
        )

    @pytest.mark.parametrize("answer", ["info: Not confirmed.", "error: false when calling f()"])
    def test_one_not_confirmed(self, answer: str) -> None:
        lines = _said(self.wanted, contracts.CONFIRMED).splitlines()
        lines[7] = lines[7].replace(contracts.CONFIRMED, answer)
        (trouble,) = contracts.missing(self.wanted, "\n".join(lines), contracts.CONFIRMED)
        assert trouble.endswith(answer)

    def test_one_not_mentioned_one_twice_one_unknown(self) -> None:
        lines = _said(self.wanted, contracts.CONFIRMED).splitlines()
        for wrong in (lines[1:], [lines[0], *lines], [*lines, "/x/y.py:1: info: z"], [*lines, "?"]):
            assert len(contracts.missing(self.wanted, "\n".join(wrong), contracts.CONFIRMED)) == 1

    def test_a_contract_or_a_twin_that_is_dropped(self) -> None:
        wanted, twins = contracts.specified(), contracts.twins()
        assert contracts.gaps(wanted, twins) == []
        for name, contract in list(wanted.items())[::4]:
            fewer = {key: value for key, value in wanted.items() if key != name}
            assert len(contracts.gaps(fewer, twins)) >= 2
            lone = {key: value for key, value in twins.items() if key != name}
            assert contracts.gaps(wanted, lone) == [f"{name}: no twin"]
            other = dataclasses.replace(contract, after=dict(list(contract.after.items())[1:]))
            assert contracts.gaps({**wanted, name: other}, twins)

    def test_a_twin_that_has_no_bug_is_noticed(self) -> None:
        for name, twin in contracts.twins().items():
            module, function = name.split(".")
            right = {each.__name__.split(".")[-1]: each for each in contracts.MODULES}[module]
            cases, failed = contracts.broken(twin, getattr(right, function), vars(contract_twins))
            assert cases > 0
            assert failed == {}
