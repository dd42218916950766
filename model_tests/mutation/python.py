"""Mutants of Python modules, made from the syntax tree, one change each.

What is changed: a statement is left out, a condition is turned round, a comparison is
shifted, ``and`` is ``or`` or has an operand less, a number, a text, a truth value or the
member of an enumeration is another one, arguments change places, an element of a tuple or a
keyword argument is left out, a function returns nothing.  What only says something (messages,
docstrings, annotations, the observer's log) is left alone, and so are the tables: those are
``tables``'s.

Why not mutmut, which is on the shelf: it changes functions only, never what a module is made
of (``DONE``, ``STRENGTH``, ``RUNS_QUEUED``); it writes the changed source anew, and what
stands on one line here is one step; its members of enumerations stay what they are; it knows
neither TLC's graphs nor our scheduler, which find more than tests do; and it cannot keep who
found what.  Here the tree keeps its lines, and a mutant is imported in place of the module,
before anything has seen the original.
"""

import ast
import importlib.abc
import importlib.util
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType
from typing import Final, final

from model_tests.mutation import Mutant
from model_tests.mutation.python_places import Place, places

ROOT: Final = Path(__file__).parent.parent.parent
FOLDERS: Final = {
    "foregone_spec": ROOT / "spec" / "foregone_spec",
    "foregone": ROOT / "impl" / "foregone",
}
#: What lets every Python that a check starts have the mutant, and where it finds which.
SITE: Final = Path(__file__).parent / "python_site"
VARIABLE: Final = "FOREGONE_PYTHON_MUTANT"
SHOWN: Final = 100  # letters of a text before or after


@final
@dataclass(frozen=True, slots=True)
class Changed:
    """A mutant, and where it is made."""

    mutant: Mutant
    module: str  # foregone.future
    number: int  # among those of the module


def path_of(module: str) -> Path:
    """Return the file of a module."""
    package, _, name = module.partition(".")
    return FOLDERS[package] / f"{name.replace('.', '/')}.py"


@cache
def enumerations() -> Mapping[str, tuple[str, ...]]:
    """Return the enumerations of the specification, each with its members in order."""
    found: dict[str, tuple[str, ...]] = {}
    for path in sorted(FOLDERS["foregone_spec"].glob("*.py")):
        for node in ast.parse(path.read_text()).body:
            if isinstance(node, ast.ClassDef) and [ast.unparse(x) for x in node.bases] == [
                "IdentityEnum"
            ]:
                members = tuple(
                    ast.unparse(each.targets[0])
                    for each in node.body
                    if isinstance(each, ast.Assign)
                )
                found[node.name] = members
    return found


@cache
def prepare(module: str) -> tuple[ast.Module, list[Place]]:
    """Find all places of a module, for who forks and makes one change in each child."""
    return _places(module)


def _places(module: str) -> tuple[ast.Module, list[Place]]:
    tree = ast.parse(path_of(module).read_text())
    return tree, list(places(tree, enumerations(), where_of(module)))


@cache
def where_of(module: str) -> Mapping[str, str]:
    """Return which enumeration a name means in a module: State, or State2 where two are one."""
    tree = ast.parse(path_of(module).read_text())
    known: dict[str, str] = {name: name for name in enumerations()}
    own = {node.name for node in tree.body if isinstance(node, ast.ClassDef)}
    return {name: each for name, each in known.items() if name in own or _imported(tree, name)}


def _imported(tree: ast.Module, name: str) -> bool:
    return any(
        isinstance(node, ast.ImportFrom)
        and name in [each.asname or each.name for each in node.names]
        for node in ast.walk(tree)
    )


def changes(module: str) -> list[Changed]:
    """Return all mutants of a module, each under a name of its own."""
    _, found = _places(module)
    file = path_of(module).relative_to(ROOT)
    met: dict[str, int] = {}
    made: list[Changed] = []
    for number, place in enumerate(found):
        text = f"{place.before} -> {place.after}" if place.after else place.before
        name = f"{module.partition('.')[2]}.{place.function}: {place.kind}: {_short(text)}"
        met[name] = met.get(name, 0) + 1
        if met[name] > 1:
            name += f" ({met[name]})"
        mutant = Mutant(name, f"{file}:{place.line}", place.kind, text)
        made.append(Changed(mutant, module, number))
    return made


def _short(text: str) -> str:
    flat = " ".join(text.split())
    return flat if len(flat) <= SHOWN else f"{flat[: SHOWN - 3]}..."


def mutated(module: str, number: int) -> ast.Module:
    """Return the tree of a module with one change; every line stays where it is."""
    tree, found = _places(module)
    found[number].change()
    return ast.fix_missing_locations(tree)


def same(module: str, number: int) -> bool:
    """Say whether a change makes the same code."""
    name = str(path_of(module))
    old = compile(path_of(module).read_text(), name, "exec")
    return compile(mutated(module, number), name, "exec") == old


# ----------------------------------------------------------------------- who imports whom


@cache
def _imported_by() -> Mapping[str, frozenset[str]]:
    """Return the modules of ours that each of them imports, at once or when it is called."""
    paths = {
        f"{package}.{'.'.join(path.relative_to(folder).with_suffix('').parts)}": path
        for package, folder in FOLDERS.items()
        for path in folder.rglob("*.py")
    }
    found: dict[str, frozenset[str]] = {}
    for name, path in paths.items():
        text = path.read_text()
        names = {
            each
            for node in ast.walk(ast.parse(text))
            if isinstance(node, ast.ImportFrom) and node.module
            for each in (node.module, *(f"{node.module}.{part.name}" for part in node.names))
        }
        found[name] = frozenset(names & paths.keys())
    return found


def apart(module: str) -> list[str]:
    """Return the modules of the specification that do not come to import a module."""
    imports = _imported_by()
    near = {module}
    while more := {name for name, each in imports.items() if each & near} - near:
        near |= more
    return sorted(
        name
        for name in imports.keys() - near
        if name.startswith("foregone_spec.") and not name.endswith(("__init__", "__main__"))
    )


# ------------------------------------------------------------------- in its place


class _Finder(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Imports the mutant in place of the module."""

    def __init__(self, module: str, number: int) -> None:
        self.name = module
        self.path = str(path_of(module))
        self.tree, found = prepare(module)  # of this process alone, which has one mutant
        found[number].change()
        ast.fix_missing_locations(self.tree)

    def find_spec(
        self, name: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if name != self.name:
            return None
        spec = importlib.util.spec_from_file_location(name, self.path, loader=self)
        assert spec is not None
        return spec

    def exec_module(self, module: ModuleType) -> None:
        exec(compile(self.tree, self.path, "exec"), module.__dict__)


def install(module: str, number: int) -> None:
    """Let this process import a mutant; the module must not have been imported."""
    if module in sys.modules:
        raise RuntimeError(f"{module} has been imported already: a mutant comes too late")
    sys.meta_path.insert(0, _Finder(module, number))
