"""The rooms and their walls: who imports whom, who assigns a state, and how long is long.

Everything here reads the source; nothing is imported.
"""

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final, TypeAlias

import pytest

from model_tests.chain.kept import FUTURE_CODE, TELLING

ROOT: Final = Path(__file__).resolve().parents[1]

#: All that the specification may import: nothing here has a clock, a lock or a file.
PURE: Final = frozenset({
    "__future__", "abc", "collections", "collections.abc", "dataclasses", "enum", "functools",
    "html", "itertools", "json", "math", "operator", "re", "types", "typing", "foregone_spec",
})  # fmt: skip
#: The shell command may read its arguments, lines and files, and write.
OF_THE_COMMAND: Final = {
    "__main__.py": frozenset({"argparse", "sys"}),
    "options.py": frozenset({"argparse"}),
    "page.py": frozenset({"importlib.resources"}),  # the text that is filled in
    "pixels.py": frozenset({"importlib", "an import by name"}),  # who draws, if he is there
    "terminal.py": frozenset({"pathlib", "random", "shutil", "sys"}),
}

#: Where each field that holds a state of the specification is assigned, apart from
#: ``__init__``: in one function that takes it from the table.  CPython's tests poke
#: the state of a future that they made; compat.py is their door.
WRITERS: Final = {
    "_now": [("compat.py", "_state"), ("future.py", "_decide")],
    "phase": [("dask/rooms.py", "_ask"), ("pool.py", "_ask"), ("process_pool/rooms.py", "_ask")],
}

#: The rooms of the process pool, and who else may know them: the modules that are
#: imported when one of its names is asked for.
PROCESS_POOL: Final = "foregone.process_pool"
ITS_DOORS: Final = (
    "foregone.process",
    "foregone.compat_process",
    "foregone.inspection_process",
    "foregone.events_of_processes",
    "foregone.testing",
)
#: The executor on a cluster sends what a process pool sends, and nobody imports it.
DASK: Final = "foregone.dask"
#: What costs time and descriptors to import, and is not imported with foregone.
HEAVY: Final = ("multiprocessing", "concurrent.futures.process", "socket", "select", "subprocess")
#: The parent's side: what runs in a process does not come near it.
OF_THE_PARENT: Final = ("rooms", "local_worker", "callbacks", "executor", "start", "chunk_sizes")
#: A lane that ends begins a burial, and a burial reads the lane to its end.
MUTUAL: Final = frozenset({f"{PROCESS_POOL}.answers", f"{PROCESS_POOL}.burial"})

#: It is imported by pytest, and by nobody else.
PLUGIN: Final = "impl/foregone_conformance/pytest_plugin.py"

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
    found = {room for _, name in imports(path) for room in rooms if is_in(name, room)}
    assert found == ({"pytest"} if name_of(path) == PLUGIN else set())


def test_the_library_does_not_know_the_kit() -> None:
    """It judges executors, ours among them, and is imported by nobody else."""
    kit = {name for name in MODULES if is_in(name, "foregone_conformance")}
    assert len(kit) > 20
    others = {name: IMPORTED[name] & kit for name in MODULES if name not in kit}
    assert not {name: found for name, found in others.items() if found}


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


def module_of(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts[1:]
    return ".".join(parts).removesuffix(".__init__")


MODULES: Final = {module_of(path): path for path in python("spec", "impl")}


def first_imports(body: list[ast.stmt]) -> Iterator[str]:
    """Yield what is imported with a module: not what is there for type checkers, or later."""
    for node in body:
        match node:
            case ast.Import(names):
                yield from (each.name for each in names)
            case ast.ImportFrom(module, names):
                for each in names:
                    whole = f"{module}.{each.name}"
                    yield whole if whole in MODULES else (module or "")
            case ast.If(ast.Name("TYPE_CHECKING"), _, orelse):
                yield from first_imports(orelse)
            case ast.If(_, then, orelse) | ast.Try(then, _, orelse):
                yield from first_imports(then)
                yield from first_imports(orelse)
            case _:
                pass


IMPORTED: Final = {name: set(first_imports(parsed(path).body)) for name, path in MODULES.items()}


def test_what_only_tells_is_imported_by_nobody_else() -> None:
    """So no figure that is kept can be of it."""
    telling = {module_of(ROOT / each) for each in TELLING if each.endswith(".py")}
    assert telling <= set(MODULES)
    others = {name: IMPORTED[name] & telling for name in MODULES if name not in telling}
    assert not {name: found for name, found in others.items() if found}
    assert any(IMPORTED[name] & telling for name in telling)  # it can be seen


def reached(start: str) -> set[str]:
    """Return all modules of ours that are imported with one of them, itself among them."""
    found: set[str] = set()
    ahead = [start]
    while ahead:
        name = ahead.pop()
        if name in MODULES and name not in found:
            found.add(name)
            ahead += IMPORTED[name]
    return found


def test_what_a_future_runs_is_covered_by_what_is_kept_of_it() -> None:
    """And the model that its steps are compared with."""
    ours = reached("foregone.waiting") | reached("foregone_spec.future_model")
    assert {name_of(MODULES[each]) for each in ours} == {*FUTURE_CODE}


@pytest.mark.parametrize("name", [each for each in MODULES if is_in(each, "foregone")])
def test_only_the_process_pool_needs_processes(name: str) -> None:
    """``import foregone`` imports no multiprocessing, and nothing that needs Dask."""
    assert is_in(name, DASK) or not [x for x in IMPORTED[name] if is_in(x, DASK)]
    if is_in(name, PROCESS_POOL) or is_in(name, DASK) or name in ITS_DOORS:
        return
    foreign = [x for x in IMPORTED[name] if any(is_in(x, each) for each in HEAVY)]
    inner = [x for x in IMPORTED[name] if is_in(x, PROCESS_POOL) or x in ITS_DOORS]
    assert not [*foreign, *inner]


def test_what_runs_in_a_process_is_apart_from_the_parent() -> None:
    inside = reached(f"{PROCESS_POOL}.process")
    assert f"{PROCESS_POOL}.wire" in inside
    assert not inside & {f"{PROCESS_POOL}.{each}" for each in OF_THE_PARENT}


@pytest.mark.parametrize("name", MODULES)
def test_modules_do_not_import_each_other(name: str) -> None:
    """What a module imports does not import it, but for one pair that says why."""
    circle = {each for each in IMPORTED[name] if name in reached(each)}
    assert circle <= (MUTUAL if name in MUTUAL else set())


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
        (path.relative_to(ROOT / "impl" / "foregone").as_posix(), function)
        for path in python("impl")
        for function in writers(parsed(path), field)
        if function != "__init__"
    ]
    assert found == WRITERS[field]


@named("impl")
def test_a_call_goes_where_the_table_says(path: Path) -> None:
    """``_place`` is what a cell of the table says is after; a fork's copy is settled."""
    for function in functions(parsed(path)):
        for node in ast.walk(function):
            if function.name == "__init__" or not any(
                isinstance(part, ast.Attribute) and part.attr == "_place"
                for target in targets(node)
                for part in ast.walk(target)
            ):
                continue
            value = ast.unparse(node.value) if isinstance(node, ast.Assign) else "?"
            settled = function.name == "forked" and "Place.SETTLED" in value
            assert value.endswith(".after") or settled, f"line {function.lineno}: {value}"


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


# ---------------------------------------------------------------------- locks


def held(tree: ast.AST) -> Iterator[ast.With]:
    """Yield each block that holds a lock of ours."""
    for node in ast.walk(tree):
        if isinstance(node, ast.With) and any(
            re.search(r"\b_?(pool_)?(make_)?lock\b", ast.unparse(each.context_expr))
            for each in node.items
        ):
            yield node


def foreign(block: ast.With) -> list[str]:
    """Return what in a block may run code of others, wait, or go on and on.

    An unpacking may drive an iterator that was made before the block: it posts a ticket,
    or tries one, in C.
    """
    kinds: tuple[type[ast.AST], ...] = (
        *(ast.Call, ast.With, ast.For, ast.While, ast.Try, ast.Yield, ast.YieldFrom, ast.Await),
        *(ast.Lambda, ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp, ast.Raise),
        *(ast.JoinedStr, ast.Import, ast.ImportFrom, ast.FunctionDef, ast.ClassDef),
    )
    inside = (node for statement in block.body for node in ast.walk(statement))
    return [ast.unparse(node) for node in inside if isinstance(node, kinds)]


@named("impl")
def test_nothing_is_called_under_a_lock(path: Path) -> None:
    """So no foreign code runs there, nothing blocks, and no second lock is taken."""
    assert not [f"line {x.lineno}: {what}" for x in held(parsed(path)) for what in foreign(x)]


#: Who tells an observer takes turns, and writes in his: that may block.  So nobody may wait for
#: a turn whom a call waits for: these are the threads of ``observing.py``, and who makes an
#: executor.
TAKES_TURNS: Final = {
    "json_lines.py": {"take", "close"},
    "observing.py": {"_ended", "observe", "_retire"},
}


def test_turns_are_taken_by_those_who_tell_and_by_nobody_else() -> None:
    found: dict[str, set[str]] = {}
    for path in python("spec", "impl"):
        for function in functions(parsed(path)):
            for node in ast.walk(function):
                if isinstance(node, ast.With) and "_turn" in ast.unparse(node.items[0]):
                    found.setdefault(path.name, set()).add(function.name)
    assert found == TAKES_TURNS
    importing = {
        path.name for path in python("impl") if any("observing" in x[1] for x in imports(path))
    }
    assert importing == {"thread_pool.py", "executor.py"}  # in __init__ of an executor


def test_locks_are_found() -> None:
    """The rule above is not empty, and sees what it is about."""
    found = {path.name for path in python("impl") if any(held(parsed(path)))}
    assert {"future.py", "pool.py", "rooms.py", "call_queue.py"} <= found
    for lock in ("self.lock", "self._lock or self._make_lock()", "pool.lock", "pool_lock"):
        (block,) = held(ast.parse(f"with {lock}:\n  self.x = 1; (won,) = attempt"))
        assert not foreign(block)
    for step in ("f()", "x = [y for y in z]", "while x: y = 1", "with other: x = 1", "raise x"):
        assert foreign(next(held(ast.parse(f"with self.lock:\n  {step}"))))


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
