"""Run one module of CPython's own ``test.test_concurrent_futures`` against foregone.

    PYTHONPATH=impl:spec python model_tests/cpython_runner.py MODULE [--guard submit|all]

The suite is the interpreter's own, and is not touched.  As its modules are imported,
their source is rewritten: what they import from ``concurrent.futures`` comes from
foregone, and so does what the scripts import that they start in other processes.  What
the suite can then reach of the standard library is the process pool, which is not
foregone's yet.

A guard breaks foregone on purpose, to see that the tests really test it: ``submit``
raises, or all that a test can use of it does.  The scripts are broken alike.

Imports the standard library and foregone only.  Prints one JSON object.
"""

import argparse
import ast
import faulthandler
import importlib
import importlib.abc
import importlib.machinery
import io
import json
import os
import re
import sys
import types
import unittest
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Final, NoReturn, cast, final

import foregone
import foregone._base
import foregone.thread

SUITE: Final = "test.test_concurrent_futures"
FACADE: Final = "foregone_as_futures"

#: What is not foregone's yet, and comes from the standard library all the same.
STILL_STANDARD: Final = ("ProcessPoolExecutor", "InterpreterPoolExecutor", "process")

#: The modules of ``concurrent.futures`` and where their names come from now.
MOVED: Final = {
    "concurrent.futures": FACADE,
    "concurrent.futures._base": "foregone._base",
    "concurrent.futures.thread": "foregone.thread",
}
#: Theirs stay: names of the process and the interpreter pool.
STAY: Final = ("concurrent.futures.process", "concurrent.futures.interpreter")

#: Seconds for one module; who hangs shows all stacks.
PATIENCE: Final = 45.0

SCRIPT_IMPORT: Final = re.compile(r"\b(from|import)\s+concurrent\.futures\b(?!\.process)")


class Guard(Exception):
    """What a broken foregone raises."""


#: Broken in this process, and at the beginning of each script.
BREAK: Final = {
    "submit": """
def _raise(*args, **kwargs): raise Guard("foregone is broken on purpose")
foregone.ThreadPoolExecutor.submit = _raise
""",
    "all": """
def _raise(*args, **kwargs): raise Guard("foregone is broken on purpose")
for _owner, _names in (
    (foregone.ThreadPoolExecutor, "__init__ submit map shutdown"),
    (foregone.Future, "cancel cancelled running done result exception add_done_callback "
                      "set_running_or_notify_cancel set_result set_exception __repr__"),
    (foregone, "wait as_completed"),
):
    for _name in _names.split():
        setattr(_owner, _name, _raise)
""",
}


# ----------------------------------------------------------------- redirection


@final
class Redirect(ast.NodeTransformer):
    """Rewrites the imports of one module, and those inside its strings; counts them."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.imports: list[str] = []
        self.scripts = 0

    def visit_Import(self, node: ast.Import) -> ast.AST:
        for each in node.names:
            if each.name.startswith("concurrent"):
                raise ImportError(f"{self.name}: this import is not redirected: {each.name}")
        return node

    def visit_ImportFrom(self, node: ast.ImportFrom) -> ast.AST:
        module = node.module or ""
        if not module.startswith("concurrent") or module in STAY:
            return node
        if module == "concurrent":
            if [each.name for each in node.names] != ["futures"]:
                raise ImportError(f"{self.name}: only futures is redirected")
            as_name = node.names[0].asname or "futures"
            self.imports.append(f"{self.name}: futures")
            return ast.copy_location(ast.Import([ast.alias(FACADE, as_name)]), node)
        if module not in MOVED:
            raise ImportError(f"{self.name}: this import is not redirected: {module}")
        self.imports.append(f"{self.name}: {module}")
        node.module = MOVED[module]
        return node

    def visit_Constant(self, node: ast.Constant) -> ast.AST:
        if isinstance(node.value, str) and SCRIPT_IMPORT.search(node.value):
            self.scripts += 1
            node.value = SCRIPT_IMPORT.sub(r"\1 foregone", node.value)
        return node


@final
class Loader(importlib.machinery.SourceFileLoader):
    """Loads a module of the suite, rewritten; nothing is cached."""

    def get_code(self, fullname: str) -> types.CodeType:
        path = self.get_filename(fullname)
        redirect = Redirect(fullname.removeprefix(SUITE).lstrip(".") or "__init__")
        tree = redirect.visit(ast.parse(Path(path).read_bytes(), path))
        ast.fix_missing_locations(tree)
        redirected.append(redirect)
        return compile(tree, path, "exec")


@final
class Finder(importlib.abc.MetaPathFinder):
    """Finds the suite where it is, and gives it the loader above."""

    def find_spec(
        self,
        fullname: str,
        path: Sequence[str] | None,
        target: types.ModuleType | None = None,
    ) -> importlib.machinery.ModuleSpec | None:
        if fullname != SUITE and not fullname.startswith(f"{SUITE}."):
            return None
        spec = importlib.machinery.PathFinder.find_spec(fullname, path)
        if spec is not None and spec.origin is not None:
            spec.loader = Loader(fullname, spec.origin)
        return spec


redirected: list[Redirect] = []


def facade() -> types.ModuleType:
    """Return what the suite sees as ``concurrent.futures``: foregone, and what is not yet."""
    module = types.ModuleType(FACADE)

    def missing(name: str) -> object:
        if hasattr(foregone, name):
            return getattr(foregone, name)
        if name in STILL_STANDARD:
            import concurrent.futures

            return getattr(concurrent.futures, name)
        raise AttributeError(f"foregone has no {name}")

    module.__dict__["__getattr__"] = missing
    return module


def redirect_scripts(guard: str | None) -> list[str]:
    """Have each script find foregone, and break it if asked; return the list of scripts."""
    from test.support import script_helper  # type: ignore[import-not-found]  # not everywhere

    started: list[str] = []
    run: Callable[..., Any] = script_helper.assert_python_ok

    def assert_python_ok(*args: str, **env_vars: str) -> Any:  # noqa: ANN401  as it is there
        if args[0] != "-c" or "from foregone import" not in args[1]:
            raise AssertionError(f"this script was not redirected: {args}")
        if "concurrent" in args[1].replace(SUITE, ""):
            raise AssertionError(f"this script still imports the standard library: {args}")
        started.append(args[1])
        broken = f"import foregone\nclass Guard(Exception): pass\n{BREAK[guard]}" if guard else ""
        env_vars |= {"__isolated": cast("str", False), "PYTHONPATH": os.environ["PYTHONPATH"]}
        return run("-c", broken + args[1], **env_vars)

    script_helper.assert_python_ok = assert_python_ok
    return started


# --------------------------------------------------------------------- running


def cases(suite: unittest.TestSuite) -> Iterator[unittest.TestCase]:
    """Yield every test, in order."""
    for each in suite:
        if isinstance(each, unittest.TestSuite):
            yield from cases(each)
        else:
            yield each


def of_ours(test: unittest.TestCase) -> bool:
    """Say whether a test is about what foregone has: no other pool's fixture is in it."""
    kind = getattr(test, "executor_type", None)
    if kind is None:
        return "FailingInitializerResources" not in type(test).__name__  # process pools'
    return issubclass(kind, foregone.Executor)


@final
class Result(unittest.TestResult):
    """Keeps the names of the tests that passed, too."""

    def __init__(self) -> None:
        super().__init__(io.StringIO(), None, None)
        self.passed: list[str] = []

    def addSuccess(self, test: unittest.TestCase) -> None:  # noqa: N802  unittest's name
        super().addSuccess(test)
        self.passed.append(name_of(test))


def name_of(test: unittest.TestCase) -> str:
    """Return ``module.Class.test``, without the name of the suite or of a subtest."""
    whole: unittest.TestCase = getattr(test, "test_case", test)
    return whole.id().removeprefix(f"{SUITE}.")


def run(module: str, guard: str | None, leave_out: Sequence[str]) -> dict[str, object]:
    """Run one module; return what it says, as JSON takes it."""
    sys.modules[FACADE] = facade()
    sys.meta_path.insert(0, Finder())
    scripts = redirect_scripts(guard)
    support = importlib.import_module("test.support")
    vars(support)["verbose"] = 0
    loaded = importlib.import_module(f"{SUITE}.{module}")
    everything = list(cases(unittest.defaultTestLoader.loadTestsFromModule(loaded)))
    tests = [each for each in everything if of_ours(each)]
    chosen = [each for each in tests if name_of(each) not in leave_out]
    if guard:
        exec(BREAK[guard], {"foregone": foregone, "Guard": Guard})
        for name in ("wait", "as_completed"):  # as if it were written there
            setattr(foregone._base, name, getattr(foregone, name))
    faulthandler.dump_traceback_later(PATIENCE, exit=True)
    result = Result()
    unittest.TestSuite(chosen).run(result)
    fixtures = {type(each) for each in tests if hasattr(each, "executor_type")}
    failed = {name_of(test): text for test, text in (*result.failures, *result.errors)}
    return {
        "python": sys.version.split()[0],
        "tests": [name_of(each) for each in tests],
        "run": result.testsRun,
        "passed": [name for name in result.passed if name not in failed],
        "failed": {name: text[-1500:] for name, text in failed.items()},
        "skipped": {name_of(test): reason for test, reason in result.skipped},
        "left_out": [name_of(each) for each in tests if name_of(each) in leave_out],
        "other_pools": sorted({type(each).__name__ for each in everything if not of_ours(each)}),
        "imports": [each for redirect in redirected for each in redirect.imports],
        "fixtures": sorted(each.__name__ for each in fixtures),
        "script_sources": sum(redirect.scripts for redirect in redirected),
        "scripts": len(scripts),
        "broken_fixtures": _not_ours(fixtures),
    }


def _not_ours(fixtures: set[type[unittest.TestCase]]) -> list[str]:
    """Return the fixtures whose executor is not exactly foregone's."""
    ours = foregone.ThreadPoolExecutor
    return [each.__name__ for each in fixtures if vars_of(each)["executor_type"] is not ours]


def vars_of(kind: type) -> dict[str, object]:
    """Return the attributes of a class and of all that it inherits."""
    return {name: value for each in reversed(kind.__mro__) for name, value in vars(each).items()}


def refuse(message: str) -> NoReturn:
    """End, saying why."""
    sys.exit(f"error: {message}")


def main() -> int:
    """Run what the command line says, and print what became of it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("module")
    parser.add_argument("--guard", choices=sorted(BREAK))
    parser.add_argument("--leave-out", action="append", default=[])
    given = parser.parse_args()
    if "PYTHONPATH" not in os.environ:
        refuse("set PYTHONPATH=impl:spec, so that the scripts find foregone too")
    said = run(given.module, given.guard, given.leave_out)
    print(json.dumps(said))
    return 0


if __name__ == "__main__":
    sys.exit(main())
