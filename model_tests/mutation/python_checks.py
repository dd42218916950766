"""The checks that are run on a mutant of Python code, cheapest first.

A mutant has been imported when this is: what it says of the specification and of the library
is said of the mutant.  A check has a name by which it can be run alone.
"""

import faulthandler
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final, TypeAlias, final

import pytest

ROOT: Final = Path(__file__).parent.parent.parent
BOUND: Final = 2  # preemptions
MOST: Final = 200  # schedules of one program
SMALL: Final = 19  # programs of two threads, the quickest
#: What only reads the source, or looks at bytecode, says nothing of what a mutant does.
TESTS: Final = "model_tests/"

Say: TypeAlias = Callable[[str], None]

#: Which graphs of TLC's a module of the specification is part of.
GRAPHS: Final = {
    "future": ("Future", "ThreadPool", "ProcessPool"),
    "lifecycle": ("ThreadPool", "ProcessPool", "Map"),
    "waiting": ("Waiting",),
    "work_item": ("ThreadPool", "ProcessPool"),
    "process_death": ("ProcessPool",),
    "model": ("Map", "Future", "Waiting", "ThreadPool", "ProcessPool"),
    "future_model": ("Future",),
    "waiting_model": ("Waiting",),
    "thread_pool": ("ThreadPool",),
    "map_model": ("Map",),
    "process_pool": ("ProcessPool",),
    "process_pool_steps": ("ProcessPool",),
    "process_pool_state": ("ProcessPool",),
    "process_pool_invariants": ("ProcessPool",),
    "invariants": ("Map", "Future", "Waiting", "ThreadPool"),
}
#: Those that have laws and contracts.
_TABLES: Final = ("future", "lifecycle", "waiting", "work_item", "process_death", "model")
_OF_SPEC: Final = ("test_mutants_spec.py", "test_spec_explore.py")
#: Quick tests of the library: those that know most of a module come first.
_FIRST: Final = {
    "future": ("test_future_table.py", "test_api_callbacks.py"),
    "waiting": ("test_interop_standard.py",),
    "pool": ("test_api_executor.py",),
    "worker": ("test_api_executor.py",),
    "thread_pool": ("test_api_executor.py", "test_api_bad_input.py"),
    "executor": ("test_api_map.py", "test_api_bad_input.py"),
}
#: Of what none of the others finds.
_OURS: Final = ("test_mutants_library.py", "test_mutants_pool.py", "test_inspection_threads.py")
_LAST: Final = {"pool": ("test_api_processes.py",)}  # what is forked
_QUICK: Final = (
    "test_api_executor.py", "test_api_map.py", "test_api_differs.py", "test_interop_standard.py",
    "test_api_callbacks.py", "test_api_references.py", "test_api_bad_input.py",
    "test_api_names.py", "test_interop_asyncio.py", "test_future_table.py",
)  # fmt: skip


@final
@dataclass(frozen=True, slots=True)
class Check:
    """A check, and what it complains about a mutant; "" is a mutant that it does not find."""

    name: str
    complaint: Callable[[], str]


def first_failing(module: str, only: str | None, say: Say) -> tuple[str | None, str]:
    """Return the name of the first check that fails on this code, and how, or None."""
    for check in checks(module, only, say):
        say(check.name)
        try:
            how = check.complaint()
        except Exception as error:
            how = f"{type(error).__name__}: {error}"
        if how.startswith(TESTS):  # a test has a name of its own
            name, _, how = how.partition("\n")
            return name, how
        if how:
            return check.name, how
    return None, ""


def checks(module: str, only: str | None, say: Say) -> Iterator[Check]:
    """Yield the checks of a module in order, or the one of that name."""
    package, _, name = module.partition(".")
    if only is not None and only.startswith(TESTS):
        yield Check(only, partial(tests, [only], say))
        return
    for check in _of_spec(name, say) if package == "foregone_spec" else _of_library(name, say):
        if only in (None, check.name):
            yield check


# --------------------------------------------------------------- the specification


def _of_spec(name: str, say: Say) -> Iterator[Check]:
    if name in _TABLES:
        yield from _lawful()
    from model_tests.mutation import spec_graphs, spec_truths

    kept = spec_graphs.kept()
    graphs = [each for each in kept if each.partition(",")[0] in GRAPHS[name]]
    for each in graphs:
        complaints = partial(spec_graphs.complaints, each, kept[each])
        yield Check(f"graph: {each}", partial(_said, complaints))
    for truth in spec_truths.kept():
        if truth.partition(",")[0] in GRAPHS[name]:
            complaints = partial(spec_truths.complaints, truth)
            yield Check(f"truth: {truth}", partial(_said, complaints))
    yield from _tests(_OF_SPEC, say)


def _lawful() -> Iterator[Check]:
    from model_tests import spec_laws
    from model_tests.chain import contracts

    for law, cases in spec_laws.LAWS.items():
        yield Check(f"law: {law}", partial(_first, cases))
    for contract in contracts.specified().values():
        yield Check(f"contract of {contract.name}", partial(_contract, contract))


def _said(complaints: Callable[[], Iterator[str]]) -> str:
    return next(complaints(), "")


def _first(cases: Callable[[], Iterator[tuple[str, bool]]]) -> str:
    return next((f"not so: {case}" for case, holds in cases() if not holds), "")


def _contract(contract: object) -> str:
    from model_tests.chain import contracts

    assert isinstance(contract, contracts.Contract)
    _, troubles = contracts.enumerated({contract.name: contract}, contracts.MODULES)
    return next(iter(troubles), "")


# ---------------------------------------------------------------------- the library


def _of_library(name: str, say: Say) -> Iterator[Check]:
    yield from _tests(_FIRST[name], say)
    yield from _tests([each for each in (*_QUICK, *_OURS) if each not in _FIRST[name]], say)
    if name != "executor":
        yield from _schedules(name)
    yield from _tests(_LAST.get(name, ()), say)


def _schedules(name: str) -> Iterator[Check]:
    """Yield a check for each program and bound: the scheduler on this code."""
    from model_tests import schedule_defects, schedule_pools, schedule_programs, schedule_races

    for text in schedule_defects.FUTURES[:SMALL] if name in ("future", "waiting") else ():
        made = schedule_races.program(text)
        yield Check(f"schedules: {text}", partial(_explored, made, BOUND))
    for text, bound in schedule_programs.POOLS if name != "waiting" else ():
        made = schedule_pools.program(text)
        yield Check(f"schedules: {text}", partial(_explored, made, min(bound, BOUND)))


def _explored(program: object, bound: int) -> str:
    from model_tests import schedule_explore

    assert isinstance(program, schedule_explore.Program)
    with schedule_explore.bench() as on:
        found = schedule_explore.explore(on, program, bound, MOST)
    return "" if found.failure is None else str(found.failure)


# ---------------------------------------------------------------------------- tests


def _tests(files: Sequence[str], say: Say) -> Iterator[Check]:
    for each in files:
        yield Check(f"{TESTS}{each}", partial(tests, [f"{TESTS}{each}"], say))


@final
class _First:
    """Notes the first test that fails; says which one is being run."""

    def __init__(self, say: Say) -> None:
        self.say = say
        self.failed = ""

    def pytest_runtest_logstart(self, nodeid: str) -> None:
        self.say(nodeid)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        self._end(report)

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        self._end(report)

    def _end(self, report: pytest.TestReport | pytest.CollectReport) -> None:
        if report.failed and not self.failed:
            text = str(report.longrepr).strip().splitlines()
            said = [line for line in text if line.startswith("E ")] or text[-1:]
            self.failed = f"{report.nodeid}\n{' '.join(said[:1])}"
            raise _Enough


class _Enough(BaseException):
    """A test has failed: what pytest does then is of no use here."""


#: What pytest can do without, sooner.
_WITHOUT: Final = (
    "cacheprovider", "doctest", "faulthandler", "junitxml", "legacypath", "pastebin",
    "stepwise", "subtests", "unraisableexception",
)  # fmt: skip


def tests(which: Sequence[str], say: Say) -> str:
    """Run tests; return the name of the first that fails, and how."""
    options = ["-q", "-x", "--assert=plain", "-o", "timeout=0", f"--rootdir={ROOT}"]
    options += [part for name in _WITHOUT for part in ("-p", f"no:{name}")]
    options += ["-W", "ignore::pytest.PytestAssertRewriteWarning"]  # tools are imported before
    faulthandler.dump_traceback_later = lambda *_, **__: None  # the server has a watch of its own
    first = _First(say)
    code = pytest.main([*options, *which], plugins=[first])
    if not first.failed and code is not pytest.ExitCode.OK:
        return f"{which[0]}\npytest ends with {json.dumps(str(code))}"
    return first.failed
