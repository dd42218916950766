"""The rooms and their walls: who imports whom, who assigns a state, and how long is long.

Everything here reads the source; nothing is imported.
"""

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final, TypeAlias

import pytest

ROOT: Final = Path(__file__).resolve().parents[1]

#: All that the specification may import: nothing here has a clock, a lock or a file.
PURE: Final = frozenset({
    "__future__", "abc", "collections", "collections.abc", "dataclasses", "enum", "functools",
    "html", "itertools", "json", "math", "operator", "re", "types", "typing", "foregone_spec",
})  # fmt: skip
#: The shell command may read its arguments and write to standard output.
OF_THE_COMMAND: Final = {"__main__.py": frozenset({"argparse", "pathlib", "sys"})}

#: Where each field that holds a state of the specification is assigned, apart from
#: ``__init__``: in one function that takes it from the table.  CPython's tests poke
#: the state of a future that they made; compat.py is their door.
WRITERS: Final = {
    "_now": [("compat.py", "_state"), ("future.py", "_decide")],
    "phase": [("pool.py", "_ask")],
}

MODULE_CEILING: Final = 350
FUNCTION_CEILING: Final = 40
#: A step() has one case for each action of its machine.
LONG_FUNCTIONS: Final = {"step": 50}

Function: TypeAlias = ast.FunctionDef | ast.AsyncFunctionDef


def python(*rooms: str) -> list[Path]:
    return sorted(path for room in rooms for path in (ROOT / room).rglob("*.py"))


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text(), str(path))


def imports(path: Path) -> Iterator[tuple[int, str]]:
    """Yield each module that ``path`` imports, wherever in the file, with its line."""
    for node in ast.walk(parsed(path)):
        match node:
            case ast.Import(names):
                yield from ((node.lineno, each.name) for each in names)
            case ast.ImportFrom(module, names, level):
                yield node.lineno, "." * level + (module or "")
            case ast.Call(ast.Name("__import__") | ast.Attribute(attr="import_module")):
                yield node.lineno, "an import by name"
            case _:
                pass


def is_in(module: str, package: str) -> bool:
    return module == package or module.startswith(f"{package}.")


def functions(tree: ast.AST) -> Iterator[Function]:
    for node in ast.walk(tree):
        if isinstance(node, Function):
            yield node


def named(*rooms: str) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("path", python(*rooms), ids=name_of)


# -------------------------------------------------------------------- imports


def test_there_is_something_in_every_room() -> None:
    assert all(python(room) for room in ("spec", "impl", "model_tests"))


@named("spec")
def test_spec_is_pure(path: Path) -> None:
    allowed = PURE | OF_THE_COMMAND.get(path.name, frozenset())
    impure = [
        f"line {line}: {module}"
        for line, module in imports(path)
        if module not in allowed and not is_in(module, "foregone_spec")
    ]
    assert not impure


@named("spec")
def test_spec_opens_and_runs_nothing(path: Path) -> None:
    """No builtin of the outer world: a file, a prompt, code from text."""
    outer = ("open", "input", "exec", "eval", "compile", "breakpoint")
    assert not [
        f"line {node.lineno}: {node.func.id}()"
        for node in ast.walk(parsed(path))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id in outer
        and path.name not in OF_THE_COMMAND
    ]


@named("spec", "impl")
def test_nobody_imports_the_tests(path: Path) -> None:
    rooms = ("model_tests", "bench", "docs", "pytest", "hypothesis")
    assert not [each for each in imports(path) if any(is_in(each[1], room) for room in rooms)]


def test_impl_imports_the_spec() -> None:
    """The tables are imported, not copied."""
    importing = [
        path.name
        for path in python("impl")
        if any(is_in(module, "foregone_spec") for _, module in imports(path))
    ]
    assert {"future.py", "pool.py", "waiting.py"} <= set(importing)


@named("spec", "impl")
def test_imports_say_where_from(path: Path) -> None:
    assert not [each for each in imports(path) if each[1].startswith(".")]


# --------------------------------------------------------------------- states


def targets(statement: ast.AST) -> Iterator[ast.expr]:
    match statement:
        case ast.Assign(found):
            yield from found
        case ast.AugAssign(target) | ast.AnnAssign(target) | ast.For(target):
            yield target
        case ast.NamedExpr(target) | ast.withitem(_, ast.expr() as target):
            yield target
        case ast.Delete(found):
            yield from found
        case _:
            pass


def assigns(tree: ast.AST, field: str) -> bool:
    """Say whether ``tree`` assigns an attribute ``field``, directly or by its name."""
    for node in ast.walk(tree):
        for target in targets(node):
            for part in ast.walk(target):
                match part:
                    case ast.Attribute(_, name, ast.Store() | ast.Del()) if name == field:
                        return True
                    case _:
                        pass
        match node:
            case ast.Call(ast.Name("setattr" | "delattr"), [_, ast.Constant(named), *_]):
                if named == field:
                    return True
            case ast.Call(ast.Attribute(attr="__setattr__" | "__delattr__"), arguments):
                if any(isinstance(x, ast.Constant) and x.value == field for x in arguments):
                    return True
            case ast.Attribute(ast.Attribute(attr=name), "__set__" | "__delete__"):
                if name == field:
                    return True
            case _:
                pass
    return False


def writers(source: ast.Module, field: str) -> Iterator[str]:
    """Yield the innermost functions that assign ``field``, and "the module" for the rest."""
    inside = list(functions(source))
    found = [each for each in inside if assigns(each, field)]
    for each in found:
        within = {id(node) for node in ast.walk(each)} - {id(each)}
        if not any(id(other) in within for other in found):
            yield each.name
    nodes = {id(node) for each in inside for node in ast.walk(each)}
    for node in ast.walk(source):
        outside = isinstance(node, ast.stmt) and id(node) not in nodes
        if outside and not hasattr(node, "body") and assigns(node, field):
            yield "the module"


@pytest.mark.parametrize("field", WRITERS)
def test_a_state_is_assigned_in_one_place(field: str) -> None:
    found = [
        (path.name, function)
        for path in python("impl")
        for function in writers(parsed(path), field)
        if function != "__init__"
    ]
    assert found == WRITERS[field]


@pytest.mark.parametrize(
    "source",
    [
        "def f(x): x._now = 1",
        "def f(x): x.a, (x.b, x._now) = 1, (2, 3)",
        "def f(x): x._now += 1",
        "def f(x): x._now: int = 1",
        "def f(x):\n  for x._now in y: pass",
        "def f(x):\n  with y as x._now: pass",
        "def f(x): del x._now",
        "def f(x): setattr(x, '_now', 1)",
        "def f(x): object.__setattr__(x, '_now', 1)",
        "def f(x): Future._now.__set__(x, 1)",
        "def g(x):\n  def f(): x._now = 1",
        "class C:\n  def f(self): pass; self._now = 1",
    ],
)
def test_every_way_to_assign_is_seen(source: str) -> None:
    assert list(writers(ast.parse(source), "_now")) == ["f"]


def test_reading_a_state_is_not_assigning_it() -> None:
    assert not list(writers(ast.parse("def f(x): y = x._now; x._now.z = y[x._now]"), "_now"))
    assert list(writers(ast.parse("x._now = 1"), "_now")) == ["the module"]


# ---------------------------------------------------------------------- sizes


@named("spec", "impl")
def test_a_module_says_what_it_is_and_is_short(path: Path) -> None:
    assert ast.get_docstring(parsed(path)), "no header"
    assert len(path.read_text().splitlines()) <= MODULE_CEILING


@named("spec", "impl")
def test_a_function_is_short(path: Path) -> None:
    """What its docstring takes does not count."""
    long = []
    for each in functions(parsed(path)):
        documented = ast.get_docstring(each, clean=False) is not None
        body = each.body[1:] if documented else each.body
        size = (each.end_lineno or 0) - body[0].lineno + 1 if body else 0
        if size > LONG_FUNCTIONS.get(each.name, FUNCTION_CEILING):
            long.append(f"{each.name}: {size} lines")
    assert not long


# ---------------------------------------------------------------------- words


@named("model_tests")
def test_tests_do_not_sleep(path: Path) -> None:
    """Synchronising by sleeping is guessing."""
    sleeps = [
        f"line {node.lineno}"
        for node in ast.walk(parsed(path))
        if (isinstance(node, ast.Attribute) and node.attr == "sleep")
        or (isinstance(node, ast.ImportFrom) and "sleep" in [each.name for each in node.names])
    ]
    assert not sleeps


def texts() -> list[Path]:
    """Return every text file that is part of the project."""
    rooms = ("spec", "impl", "model_tests", "tla", "bench", "docs", ".ci")
    suffixes = (".py", ".tla", ".cfg", ".json", ".md", ".toml", ".txt", ".yml", ".svg", "")
    inside = (path for room in rooms for path in (ROOT / room).rglob("*"))
    found = [path for path in (*inside, *ROOT.iterdir()) if path.is_file()]
    return sorted(
        path
        for path in found
        if path.suffix in suffixes and "__pycache__" not in path.parts and path.name != ".git"
    )


def test_no_text_names_a_machine() -> None:
    """A path of one machine, or of one person, says nothing on another."""
    roots = "work|root|farm|home/[a-z]+|Users/[A-Za-z]+"
    path_of_a_machine = re.compile(rf"(?<![\w.~$}}])/(?:{roots})/|\.\./" + "shared")
    found = [
        f"{name_of(path)}:{number}: {line.strip()[:80]}"
        for path in texts()
        for number, line in enumerate(path.read_text(errors="replace").splitlines(), 1)
        if path_of_a_machine.search(line)
    ]
    assert not found
