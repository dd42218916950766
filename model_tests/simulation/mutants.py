"""The library with one line of the ticket code deleted or negated: each must be found.

    python -m model_tests.simulation.mutants MODULE NUMBER RUNS
    python -m model_tests.simulation.mutants MODULE NUMBER TEST

runs the simulation, or one test, on one mutant, and prints what became of it as JSON.
A hunt of many notes each fate below ``build/`` as it comes, and goes on from there when it is
started again; what was noted of a module that has changed since is forgotten.
A mutant is made from the syntax tree: a statement of a function is left out, or a
condition is turned round.  What only the observer does, or only says something, is left
alone.
"""

import ast
import dataclasses
import hashlib
import importlib.abc
import importlib.util
import json
import os
import resource
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType
from typing import Final, final

ROOT: Final = Path(__file__).parent.parent.parent
PACKAGE: Final = "foregone.process_pool"
FOLDER: Final = ROOT / "impl" / "foregone" / "process_pool"
#: Where a call changes its place, a slot its content, a process its end.
MODULES: Final = (
    "tickets",
    "call_queue",
    "rooms",
    "dispatch",
    "answers",
    "burial",
    "ending",
    "work_items",
    "local_worker",
)
#: What lets every Python that a test starts have the mutant, and where it finds which.
SITE: Final = Path(__file__).parent / "site"
MUTANT: Final = "FOREGONE_MUTANT"
RUNS: Final = 1_000
AT_ONCE: Final = 2  # processes
#: Where a hunt notes what it has found.
NOTED: Final = ROOT / "build" / "mutation" / "process_pool.jsonl"
#: One that does not come to an end is found: after so many seconds of a processor, and,
#: where it waits, so many of any kind.
BUSY: Final = 60
PATIENCE: Final = 240.0
#: Functions that no run reaches: of forked children, of what a real system does.
UNREACHED: Final = (
    "forked",
    "refusal",
    "packed",
    "collapse",
    "_insistently",
    "run",
    "explained",
    "live",
)
_SIMPLE: Final = (
    ast.Expr,
    ast.Assign,
    ast.AugAssign,
    ast.Delete,
    ast.Return,
    ast.Raise,
    ast.Break,
    ast.Continue,
)


@final
@dataclass(frozen=True, slots=True)
class Mutant:
    """One change of one module."""

    module: str
    number: int  # among those of the module
    function: str
    line: int
    what: str  # what is left out, or turned round

    def __str__(self) -> str:
        return f"{self.module}.{self.function}: {self.what}"


@final
@dataclass(frozen=True, slots=True)
class Hunted:
    """What became of a mutant."""

    mutant: Mutant
    runs: int
    found: str  # what went wrong, or "" if nothing did


def _ours(node: ast.stmt) -> bool:
    """Say whether a statement is more than words, or the observer's."""
    text = ast.unparse(node)
    said = isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    return not (said or "observer.log" in text or text.startswith("LOGGER"))


def _places(tree: ast.Module) -> Iterator[tuple[str, ast.stmt, str]]:
    """Yield what may be changed: function, statement, and how."""
    seen: set[ast.stmt] = set()  # what stands in a function within a function is there twice
    for function in ast.walk(tree):
        if not isinstance(function, ast.FunctionDef) or function.name in UNREACHED:
            continue
        for node in ast.walk(function):
            if isinstance(node, ast.stmt) and _ours(node) and node not in seen:
                seen.add(node)
                if isinstance(node, _SIMPLE):
                    yield function.name, node, f"without {ast.unparse(node)!r}"
                elif isinstance(node, ast.If | ast.While) and not _always(node.test):
                    yield function.name, node, f"not {ast.unparse(node.test)!r}"


def _always(test: ast.expr) -> bool:
    return isinstance(test, ast.Constant)


def source(module: str) -> str:
    """Return the text of a module."""
    return (FOLDER / f"{module}.py").read_text()


def mutants(module: str) -> list[Mutant]:
    """Return all mutants of a module."""
    return [
        Mutant(module, number, function, node.lineno, what)
        for number, (function, node, what) in enumerate(_places(ast.parse(source(module))))
    ]


def mutated(module: str, number: int) -> ast.Module:
    """Return a module with one change."""
    tree = ast.parse(source(module))
    _, chosen, _ = list(_places(tree))[number]
    if isinstance(chosen, ast.If | ast.While):
        chosen.test = ast.UnaryOp(ast.Not(), chosen.test)
        return ast.fix_missing_locations(tree)

    class Left(ast.NodeTransformer):
        def visit(self, node: ast.AST) -> ast.AST:
            if node is chosen:
                return ast.copy_location(ast.Pass(), node)
            return self.generic_visit(node)

    Left().visit(tree)
    return ast.fix_missing_locations(tree)


class _Finder(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Imports the mutant in place of the module."""

    def __init__(self, module: str, number: int) -> None:
        self.name = f"{PACKAGE}.{module}"
        self.tree = mutated(module, number)

    def find_spec(
        self, name: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        return importlib.util.spec_from_loader(name, self) if name == self.name else None

    def exec_module(self, module: ModuleType) -> None:
        exec(compile(self.tree, f"<mutant of {self.name}>", "exec"), module.__dict__)


def install(module: str, number: str) -> None:
    """Let this process import the mutant."""
    sys.meta_path.insert(0, _Finder(module, int(number)))


def hunt(mutant: Mutant, test: str = str(RUNS)) -> Hunted:
    """Run the simulation, so many times, or a test on a mutant, in a process of its own."""
    which = mutant.module, str(mutant.number)
    command = (sys.executable, "-m", __name__, *which, test)
    environment = dict(os.environ)
    if not test.isdecimal():  # what it starts has the mutant, too
        paths = (str(SITE), os.environ.get("PYTHONPATH", ""))
        environment |= {MUTANT: " ".join(which), "PYTHONPATH": os.pathsep.join(filter(None, paths))}
    try:
        done = subprocess.run(
            command, cwd=ROOT, capture_output=True, text=True, timeout=PATIENCE, check=False,
            env=environment,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        return Hunted(mutant, 0, "it does not come to an end")
    if done.returncode == -signal.SIGXCPU:
        return Hunted(mutant, 0, "it does not come to an end")
    try:
        said = json.loads(done.stdout.splitlines()[-1])
    except (IndexError, ValueError):
        return Hunted(mutant, 0, f"it breaks: {done.stderr.strip().splitlines()[-1:]}")
    return Hunted(mutant, said["runs"], said["found"])


# ---------------------------------------------------------------------- a hunt of many


def key(mutant: Mutant, test: str) -> str:
    """Return what must be the same for a fate to be taken over: module, place and check."""
    text = hashlib.sha256(source(mutant.module).encode()).hexdigest()
    return f"{text[:16]} {mutant.number} {test}"


def noted() -> dict[str, Hunted]:
    """Return what earlier hunts have noted."""
    if not NOTED.exists():
        return {}
    found: dict[str, Hunted] = {}
    for line in NOTED.read_text(encoding="utf-8").splitlines():
        told = json.loads(line)
        found[told["key"]] = Hunted(Mutant(**told["mutant"]), told["runs"], told["found"])
    return found


def hunts(
    some: Sequence[Mutant],
    tests: Callable[[Mutant], str],
    at_once: int = AT_ONCE,
    *,
    note: bool = False,
) -> Iterator[Hunted]:
    """Hunt mutants, so many at a time, each by its test or by the simulation, as they come.

    With ``note``, what was noted before is not hunted again, and all else is noted.
    """
    known = noted() if note else {}
    left: list[Mutant] = []
    for mutant in some:
        before = known.get(key(mutant, tests(mutant)))
        if before is None:
            left.append(mutant)
        else:
            yield before
    with ThreadPoolExecutor(at_once) as pool:
        jobs = [pool.submit(hunt, mutant, tests(mutant)) for mutant in left]
        try:
            for job in as_completed(jobs):
                done = job.result()
                if note:
                    _note(done, key(done.mutant, tests(done.mutant)))
                yield done
        finally:
            for job in jobs:
                job.cancel()


def _note(done: Hunted, name: str) -> None:
    NOTED.parent.mkdir(parents=True, exist_ok=True)
    mutant = dataclasses.asdict(done.mutant)
    told = {"key": name, "mutant": mutant, "runs": done.runs, "found": done.found}
    with NOTED.open("a", encoding="utf-8") as file:
        file.write(json.dumps(told) + "\n")


def main(module: str, number: str, test: str) -> None:
    """Be the process of one mutant."""
    resource.setrlimit(resource.RLIMIT_CPU, (BUSY, BUSY + 10))
    if test.isdecimal():
        sys.setrecursionlimit(3_000)
        if module in MODULES:
            install(module, number)
        from model_tests.simulation.sampling import sampled  # the mutant is imported now

        done = sampled(range(int(test)), least=False)
        runs, found = done.runs, "" if done.failure is None else done.failure.seen
    else:
        import pytest

        failed = pytest.main(["-q", "-x", "-p", "no:cacheprovider", test])
        runs, found = 0, "" if failed is not pytest.ExitCode.TESTS_FAILED else f"{test} fails"
    print(json.dumps({"runs": runs, "found": found[:500]}))


if __name__ == "__main__":
    main(*sys.argv[1:])
