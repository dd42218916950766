"""CPython's own tests as rows: ``test.test_concurrent_futures``, against foregone.

They are those of a Python on this machine that ships them: this one, or another of the
versions that foregone is for.  ``model_tests/cpython_runner.py`` redirects them; here it
is asked whether it did, and whether a broken foregone turns them red.

Process pools and interpreter pools are not foregone's yet: the modules that have nothing
else are not run, nor are the classes whose fixture is one of them.
"""

import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from time import perf_counter
from typing import Final, TypedDict, cast, final

from model_tests.chain.cells import environment, interpreters
from model_tests.chain.command import ROOT, lines
from model_tests.chain.verdict import Row, report

RUNNER: Final = ROOT / "model_tests" / "cpython_runner.py"
PATIENCE: Final = 60.0  # seconds for one module; it ends itself before

#: Tests that pin what foregone does differently on purpose: the test, and the row of
#: "where foregone differs" that it pins.
PINS_A_DIFFERENCE: Final[dict[str, str]] = {}
#: Tests that need private names which ``compat.py`` does not serve, and which.
POKES_PRIVATE_NAMES: Final[dict[str, str]] = {}

#: Modules that know nothing but pools that foregone has not yet.
OTHER_POOLS: Final = ("test_deadlock", "test_interpreter_pool", "test_process_pool")

#: Tests of an executor's class that stay green though ``submit`` raises, and why.
NEED_NO_SUBMIT: Final = {
    "test_correct_timeout_exception_msg": "as_completed() on futures made by hand",
    "test_free_reference_yielded_future": "as_completed() on futures made by hand",
    "test_default_workers": "makes an executor, and looks at it",
    "test_max_workers_negative": "an executor that cannot be made",
}

FIND: Final = """
import importlib.util, json, pkgutil
spec = importlib.util.find_spec("test.test_concurrent_futures")
where = spec.submodule_search_locations if spec else None
print(json.dumps(sorted(m.name for m in pkgutil.iter_modules(where or []))))
"""


class Said(TypedDict):
    """What the runner prints for one module."""

    python: str
    tests: list[str]
    run: int
    passed: list[str]
    failed: dict[str, str]
    skipped: dict[str, str]
    left_out: list[str]
    other_pools: list[str]
    imports: list[str]
    fixtures: list[str]
    script_sources: int
    scripts: int
    broken_fixtures: list[str]


@final
@dataclass(slots=True)
class Outcome:
    """What all modules said together, and which broke."""

    said: dict[str, Said] = field(default_factory=dict)
    broke: list[str] = field(default_factory=list)
    seconds: float = 0.0

    def all_of(self, key: str) -> list[str]:
        """Return the names under ``key``, of all modules."""
        return [
            name for each in self.said.values() for name in cast("dict[str, list[str]]", each)[key]
        ]

    def sum_of(self, key: str) -> int:
        """Return the sum of the numbers under ``key``."""
        return sum(cast("dict[str, int]", each)[key] for each in self.said.values())


def _modules(python: str) -> list[str]:
    """Return the modules of the suite that ``python`` ships, if any."""
    done = subprocess.run(
        [python, "-I", "-c", FIND],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE,
    )
    if done.returncode != 0:
        return []
    names = cast("list[str]", json.loads(done.stdout))
    return [name for name in names if name.startswith("test_") and name not in OTHER_POOLS]


def _run(python: str, module: str, guard: str | None, outcome: Outcome) -> None:
    command = [python, str(RUNNER), module]
    for name in (*PINS_A_DIFFERENCE, *POKES_PRIVATE_NAMES):
        command += ["--leave-out", name]
    if guard is not None:
        command += ["--guard", guard]
    try:
        done = subprocess.run(
            command,
            cwd=ROOT,
            env=environment(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=PATIENCE,
        )
    except subprocess.TimeoutExpired:
        outcome.broke.append(f"{module}: not done within {PATIENCE:g} s")
        return
    last = done.stdout.rstrip().rpartition("\n")[2]
    if done.returncode == 0 and last.startswith("{"):
        outcome.said[module] = cast("Said", json.loads(last))
    else:
        tail = "\n".join(done.stderr.splitlines()[-40:])
        outcome.broke.append(f"{module}: exit code {done.returncode}\n{tail}")


def _run_all(python: str, modules: list[str], guard: str | None = None) -> Outcome:
    """Run each module in a process of its own, all at once: they mostly sleep."""
    began = perf_counter()
    outcome = Outcome()
    threads = [
        threading.Thread(target=_run, args=(python, module, guard, outcome)) for module in modules
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    outcome.seconds = perf_counter() - began
    return outcome


# ------------------------------------------------------------------------ rows


def rows() -> Iterator[Row]:
    """Yield what became of the suite, of its redirection, and of the guards."""
    began = perf_counter()
    for version, python in interpreters().items():
        if python is not None and (modules := _modules(python)):
            bound = f"Python {version}: {len(modules)} modules"
            break
    else:
        yield Row(
            claim="CPython's own tests of futures and thread pools",
            engine="unittest",
            bound="not on this machine",
            count="0 run",
            seconds=perf_counter() - began,
            ok=True,
            note="       no Python here ships test.test_concurrent_futures as a package",
        )
        return
    outcome = _run_all(python, modules)
    yield _suite(outcome, bound)
    yield _redirected(outcome, bound)
    yield _guarded(_run_all(python, modules, "submit"), "submit", bound)
    yield _guarded(_run_all(python, modules, "all"), "all", bound)


def _suite(outcome: Outcome, bound: str) -> Row:
    passed, run = outcome.all_of("passed"), outcome.sum_of("run")
    failed = {name: text for each in outcome.said.values() for name, text in each["failed"].items()}
    skipped = {k: why for each in outcome.said.values() for k, why in each["skipped"].items()}
    left_out = outcome.all_of("left_out")
    reasons = PINS_A_DIFFERENCE | POKES_PRIVATE_NAMES
    note = [f"left out: {name}: {reasons[name]}" for name in left_out]
    note += [f"skipped: {name}: {why}" for name, why in skipped.items()]
    note.append(f"not foregone's yet: {len(set(outcome.all_of('other_pools')))} classes of other")
    note[-1] += f" pools, and {', '.join(OTHER_POOLS)}"
    gone = [f"no such test: {name}" for name in reasons if name not in left_out]
    wrong = [*outcome.broke, *gone, *(f"{name}\n{text}" for name, text in failed.items())]
    return Row(
        claim="CPython's own tests of futures and thread pools",
        engine="unittest",
        bound=bound,
        count=f"{len(passed)}/{run} passed, {len(left_out)} left out",
        seconds=outcome.seconds,
        ok=run > 0 and len(passed) + len(skipped) == run and not wrong,
        details=lines(wrong),
        note=lines(note),
    )


def _redirected(outcome: Outcome, bound: str) -> Row:
    """Say whether all modules, fixtures and scripts were redirected."""
    imports, fixtures = outcome.all_of("imports"), outcome.all_of("fixtures")
    scripts, sources = outcome.sum_of("scripts"), outcome.sum_of("script_sources")
    wrong = [f"another executor: {name}" for name in outcome.all_of("broken_fixtures")]
    wrong += [f"{module}: nothing was redirected" for module, said in outcome.said.items()
              if not any(name.startswith(f"{module}:") for name in said["imports"])]  # fmt: skip
    return Row(
        claim="what they import, use and start is foregone",
        engine="ast",
        bound=bound,
        count=f"{len(imports)} imports, {len(fixtures)} fixtures, {scripts} scripts",
        seconds=0.0,
        ok=bool(imports and fixtures and scripts and sources) and not wrong,
        details=lines([*wrong, *outcome.broke]),
    )


def _guarded(outcome: Outcome, guard: str, bound: str) -> Row:
    """Say whether a broken foregone turns every test red that uses what is broken."""
    fixtures = set(outcome.all_of("fixtures"))
    everything = guard == "all"
    concerned = [
        name for name in outcome.all_of("tests") if everything or name.split(".")[1] in fixtures
    ]
    red = {name: text for each in outcome.said.values() for name, text in each["failed"].items()}
    green = [name for name in concerned if name not in red]
    argued = [] if everything else [x for x in green if x.rpartition(".")[2] in NEED_NO_SUBMIT]
    wrong = [f"stays green: {name}" for name in green if name not in argued]
    wrong += [
        f"red for another reason: {name}\n{red[name]}"
        for name in concerned
        if name in red and "on purpose" not in red[name]
    ]
    what = "foregone" if everything else "submit()"
    return Row(
        claim=f"a broken {what} turns {'all' if everything else 'executor'} tests red",
        engine="unittest",
        bound=bound,
        count=f"{len(concerned) - len(green)} red, {len(argued)} need none",
        seconds=outcome.seconds,
        ok=len(concerned) > len(green) and not wrong and not outcome.broke,
        details=lines([*wrong, *outcome.broke]),
        note=lines([f"green: {x}: {NEED_NO_SUBMIT[x.rpartition('.')[2]]}" for x in argued]),
    )


if __name__ == "__main__":
    sys.exit(report(rows()))
