"""Run one module of CPython's own ``test.test_concurrent_futures`` against foregone.

    PYTHONPATH=impl:spec python model_tests/cpython_runner.py MODULE [--part fork]
        [--guard submit|all] [--subject standard] [--leave-out TEST]

The suite is the interpreter's own, and is not touched.  As its modules are imported,
their source is rewritten: what they import from ``concurrent.futures`` comes from
foregone, and so does what the scripts import that they start in other processes.  What
the suite can then reach of the standard library are private names of its process pool
that foregone does not have (they are listed), and the interpreter pool, which is the
standard one.  A process of a pool imports the suite as it is, to find what it shall call.

A part is the tests whose pool starts its processes in one way, or all the rest.  A guard
breaks foregone on purpose, to see that the tests really test it: ``submit`` raises, or
all that a test can use of it does.  The scripts are broken alike.  ``--subject standard``
redirects nothing: this is what the tests do, and how long they take, at home.

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
import multiprocessing
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
import foregone.process
import foregone.thread

SUITE: Final = "test.test_concurrent_futures"
FACADE: Final = "foregone_as_futures"

#: The modules of ``concurrent.futures`` and where their names come from now.
MOVED: Final = {
    "concurrent.futures": FACADE,
    "concurrent.futures._base": "foregone._base",
    "concurrent.futures.process": "foregone.process",
    "concurrent.futures.thread": "foregone.thread",
}
#: The interpreter pool is the standard one.
STAY: Final = ("concurrent.futures.interpreter",)

#: How the processes of a pool start; what has none is the rest.
PARTS: Final = ("fork", "forkserver", "spawn", "rest")
POOLS: Final = (foregone.ThreadPoolExecutor, foregone.ProcessPoolExecutor)

#: Seconds for one module; who hangs shows all stacks.
PATIENCE: Final = 200.0

SCRIPT_IMPORT: Final = re.compile(r"\b(from|import)\s+concurrent\.futures\b")


class Guard(Exception):
    """What a broken foregone raises."""


#: Broken in this process, and at the beginning of each script.
BREAK: Final = {
    "submit": """
def _raise(*args, **kwargs): raise Guard("foregone is broken on purpose")
foregone.ThreadPoolExecutor.submit = foregone.ProcessPoolExecutor.submit = _raise
""",
    "all": """
def _raise(*args, **kwargs): raise Guard("foregone is broken on purpose")
for _owner, _names in (
    (foregone.ThreadPoolExecutor, "__init__ submit map shutdown"),
    (foregone.ProcessPoolExecutor, "__init__ submit map shutdown"),
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
        self.left: list[str] = []
        self.scripts = 0

    def visit_Import(self, node: ast.Import) -> ast.AST:
        for each in node.names:
            if each.name.startswith("concurrent"):
                raise ImportError(f"{self.name}: this import is not redirected: {each.name}")
        return node

    def visit_ImportFrom(self, node: ast.ImportFrom) -> ast.AST | list[ast.ImportFrom]:
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
        ours = importlib.import_module(MOVED[module])
        moved = [each for each in node.names if hasattr(ours, each.name)]
        left = [each for each in node.names if each not in moved]
        if left and module != "concurrent.futures.process":
            raise ImportError(f"{MOVED[module]} has no {left[0].name}")
        self.left += [f"{module}.{each.name}" for each in left]
        both = ((MOVED[module], moved), (module, left))
        return [ast.copy_location(ast.ImportFrom(name, names, 0), node)
                for name, names in both if names]  # fmt: skip

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
    """Return what the suite sees as ``concurrent.futures``: foregone, and nothing else."""
    module = types.ModuleType(FACADE)
    module.__dict__["__getattr__"] = lambda name: getattr(foregone, name)
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
    """Say whether a test is about what foregone has: its fixture, if any, is a pool of ours."""
    kind = getattr(test, "executor_type", None)
    return kind is None or issubclass(kind, foregone.Executor)


def part_of(test: unittest.TestCase) -> str:
    """Return how the processes of the test's pool start, or "rest" where there is none."""
    return cast("str", getattr(test, "ctx", "rest"))


@final
class Result(unittest.TestResult):
    """Keeps the names of the tests that passed, too; ends what a failed one leaves behind."""

    def __init__(self) -> None:
        super().__init__(io.StringIO(), None, None)
        self.passed: list[str] = []

    def stopTest(self, test: unittest.TestCase) -> None:  # noqa: N802  unittest's name
        super().stopTest(test)
        if name_of(test) not in self.passed:  # a manager, which nobody shuts down
            for child in multiprocessing.active_children():
                child.kill()
                child.join()

    def addSuccess(self, test: unittest.TestCase) -> None:  # noqa: N802  unittest's name
        super().addSuccess(test)
        self.passed.append(name_of(test))


def name_of(test: unittest.TestCase) -> str:
    """Return ``module.Class.test``, without the name of the suite or of a subtest."""
    whole: unittest.TestCase = getattr(test, "test_case", test)
    return whole.id().removeprefix(f"{SUITE}.")


def run(given: argparse.Namespace) -> dict[str, object]:
    """Run what the command line says; return what came of it, as JSON takes it."""
    scripts: list[str] = []
    ours = given.subject == "foregone"
    if ours:
        sys.modules[FACADE] = facade()
        sys.meta_path.insert(0, Finder())
        scripts = redirect_scripts(given.guard)
    support = importlib.import_module("test.support")
    vars(support)["verbose"] = 0
    loaded = importlib.import_module(f"{SUITE}.{given.module}")
    everything = list(cases(unittest.defaultTestLoader.loadTestsFromModule(loaded)))
    everything = [each for each in everything if given.part in (None, part_of(each))]
    tests = [each for each in everything if not ours or of_ours(each)]
    chosen = [each for each in tests if name_of(each) not in given.leave_out]
    if given.guard:
        exec(BREAK[given.guard], {"foregone": foregone, "Guard": Guard})
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
        "left_out": [name_of(each) for each in tests if name_of(each) in given.leave_out],
        "other_pools": sorted({type(each).__name__ for each in everything if each not in tests}),
        "still_standard": [each for redirect in redirected for each in redirect.left],
        "imports": [each for redirect in redirected for each in redirect.imports],
        "fixtures": sorted(each.__name__ for each in fixtures),
        "script_sources": sum(redirect.scripts for redirect in redirected),
        "scripts": len(scripts),
        "broken_fixtures": _not_ours(fixtures),
        "left_behind": bool(vars(support)["environment_altered"]),
    }


def _not_ours(fixtures: set[type[unittest.TestCase]]) -> list[str]:
    """Return the fixtures whose executor is not exactly one of foregone's."""
    return [each.__name__ for each in fixtures if vars_of(each)["executor_type"] not in POOLS]


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
    parser.add_argument("--part", choices=PARTS)
    parser.add_argument("--guard", choices=sorted(BREAK))
    parser.add_argument("--subject", choices=("foregone", "standard"), default="foregone")
    parser.add_argument("--leave-out", action="append", default=[], metavar="TEST")
    given = parser.parse_args()
    if "PYTHONPATH" not in os.environ:
        refuse("set PYTHONPATH=impl:spec, so that the scripts find foregone too")
    print(json.dumps(run(given)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
