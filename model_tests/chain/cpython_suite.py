"""CPython's own tests as rows: ``test.test_concurrent_futures``, against foregone.

    python -m model_tests.chain.cpython_suite [--times N]

They are those of a Python on this machine that ships them: this one, or another of the
versions that foregone is for.  ``model_tests/cpython_runner.py`` redirects them; here it
is asked whether it did, and whether a broken foregone turns them red.  They mostly sleep:
there is a part for each way to start processes, and one for the rest, and all parts run
at once, module by module: so one part alone is busy with starting interpreters.

``--times`` runs them all that often: what fails now and then fails.  The interpreter pool
is the standard one, and its tests are not run.
"""

import argparse
import json
import subprocess
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from time import perf_counter
from typing import Final, TypedDict, cast, final

from model_tests.chain.cells import environment, interpreters
from model_tests.chain.command import ROOT, lines
from model_tests.chain.cpython_lists import (
    NEED_NO_SUBMIT,
    NO_PROCESSES,
    OTHER_POOLS,
    PINS_A_DIFFERENCE,
    POKES_PRIVATE_NAMES,
    SAY_NOTHING,
)
from model_tests.chain.verdict import Row, report

RUNNER: Final = ROOT / "model_tests" / "cpython_runner.py"
PATIENCE: Final = 240.0  # seconds for one module; it ends itself before

#: The pools of a part start their processes in this way; the rest have none.
PARTS: Final = ("rest", "fork", "forkserver", "spawn")

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
    still_standard: list[str]
    imports: list[str]
    fixtures: list[str]
    script_sources: int
    scripts: int
    broken_fixtures: list[str]
    left_behind: bool


@final
@dataclass(slots=True)
class Outcome:
    """What all modules and parts said together, and which broke."""

    said: dict[str, Said] = field(default_factory=dict)
    broke: list[str] = field(default_factory=list)
    seconds: float = 0.0

    def of(self, part: str) -> "Outcome":
        """Return what one part said."""
        said = {unit: each for unit, each in self.said.items() if unit.endswith(f" {part}")}
        broke = [each for each in self.broke if each.partition(":")[0].endswith(f" {part}")]
        return Outcome(said, broke, self.seconds)

    def all_of(self, key: str) -> list[str]:
        """Return the names under ``key``, of all modules."""
        return [
            name for each in self.said.values() for name in cast("dict[str, list[str]]", each)[key]
        ]

    def sum_of(self, key: str) -> int:
        """Return the sum of the numbers under ``key``."""
        return sum(cast("dict[str, int]", each)[key] for each in self.said.values())

    def texts_of(self, key: str) -> dict[str, str]:
        """Return the texts under ``key``, by the names of their tests."""
        texts: dict[str, str] = {}
        for each in self.said.values():
            texts |= cast("dict[str, dict[str, str]]", each)[key]
        return texts


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


def _run(python: str, module: str, part: str, guard: str | None, outcome: Outcome) -> None:
    unit = f"{module} {part}"
    command = [python, str(RUNNER), module, "--part", part]
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
        outcome.broke.append(f"{unit}: not done within {PATIENCE:g} s")
        return
    last = done.stdout.rstrip().rpartition("\n")[2]
    if done.returncode == 0 and last.startswith("{"):
        outcome.said[unit] = cast("Said", json.loads(last))
    else:
        tail = "\n".join(done.stderr.splitlines()[-60:])
        outcome.broke.append(f"{unit}: exit code {done.returncode}\n{tail}")


def _run_part(
    python: str, modules: list[str], part: str, guard: str | None, outcome: Outcome
) -> None:
    for module in modules:
        if part == "rest" or module not in NO_PROCESSES:
            _run(python, module, part, guard, outcome)


def _run_all(python: str, modules: list[str], guard: str | None = None) -> Outcome:
    """Run each module, in each part, in a process of its own; all parts at once."""
    began = perf_counter()
    outcome = Outcome()
    with ThreadPoolExecutor(len(PARTS)) as pool:
        for part in PARTS:
            pool.submit(_run_part, python, modules, part, guard, outcome)
    outcome.seconds = perf_counter() - began
    return outcome


# ------------------------------------------------------------------------ rows


def rows(times: int = 1) -> Iterator[Row]:
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
    for _ in range(times):
        outcome = _run_all(python, modules)
        yield _suite(outcome.of("rest"), "futures and thread pools", bound)
        for part in PARTS[1:]:
            yield _suite(outcome.of(part), f"process pools, {part}", bound)
        yield _left_out(outcome, bound)
        yield _redirected(outcome, bound)
    yield _guarded(_run_all(python, modules, "submit"), "submit", bound)
    yield _guarded(_run_all(python, modules, "all"), "all", bound)


def _suite(outcome: Outcome, of_what: str, bound: str) -> Row:
    passed, run = outcome.all_of("passed"), outcome.sum_of("run")
    failed, skipped = outcome.texts_of("failed"), outcome.texts_of("skipped")
    left_out = outcome.all_of("left_out")
    wrong = [*outcome.broke, *(f"{name}\n{text}" for name, text in failed.items())]
    wrong += [f"{unit}: a process or a thread was left behind"
              for unit, said in outcome.said.items() if said["left_behind"]]  # fmt: skip
    return Row(
        claim=f"CPython's own tests of {of_what}",
        engine="unittest",
        bound=bound,
        count=f"{len(passed)}/{run} passed, {len(left_out)} left out",
        seconds=outcome.seconds,
        ok=run > 0 and len(passed) + len(skipped) == run and not wrong,
        details=lines(wrong),
        note=lines([f"skips itself: {name}: {why}" for name, why in skipped.items()]),
    )


def _left_out(outcome: Outcome, bound: str) -> Row:
    """Say which tests are not run, each with its reason, and that they are there."""
    left_out = outcome.all_of("left_out")
    reasons = PINS_A_DIFFERENCE | POKES_PRIVATE_NAMES
    why: dict[str, list[str]] = {}
    for name in left_out:
        module, _, test = name.split(".")
        kind = "pins a difference" if name in PINS_A_DIFFERENCE else "pokes private names"
        why.setdefault(f"{kind}: {module}.{test}: {reasons[name]}", []).append(name)
    others = sorted(set(outcome.all_of("other_pools")))
    note = [f"{len(names)} x {reason}" for reason, names in why.items()]
    note += [f"another pool: {', '.join(others)}"] if others else []
    wrong = [f"no such test: {name}" for name in reasons if name not in left_out]
    return Row(
        claim="tests that are left out are named, and each has its reason",
        engine="unittest",
        bound=bound,
        count=f"{len(why)} tests, {len(left_out)} with each pool",
        seconds=0.0,
        ok=not wrong and not outcome.broke,
        details=lines([*wrong, *outcome.broke]),
        note=lines(note),
    )


def _redirected(outcome: Outcome, bound: str) -> Row:
    """Say whether all modules, fixtures and scripts were redirected."""
    imports, fixtures = outcome.all_of("imports"), outcome.all_of("fixtures")
    scripts, sources = outcome.sum_of("scripts"), outcome.sum_of("script_sources")
    wrong = [f"another executor: {name}" for name in outcome.all_of("broken_fixtures")]
    wrong += [
        f"{unit}: nothing was redirected"
        for unit, said in outcome.said.items()
        if not any(name.startswith(f"{unit.split()[0]}:") for name in said["imports"])
    ]
    return Row(
        claim="what they import, use and start is foregone",
        engine="ast",
        bound=bound,
        count=f"{len(set(fixtures))} fixtures, {len(set(imports))} imports, {scripts} scripts",
        seconds=0.0,
        ok=bool(imports and fixtures and scripts and sources) and not wrong,
        details=lines([*wrong, *outcome.broke]),
        note=lines(
            [f"still standard: {name}" for name in sorted(set(outcome.all_of("still_standard")))]
        ),
    )


def _guarded(outcome: Outcome, guard: str, bound: str) -> Row:
    """Say whether a broken foregone turns every test red that uses what is broken."""
    fixtures = set(outcome.all_of("fixtures"))
    everything = guard == "all"
    concerned = [
        name for name in outcome.all_of("tests") if everything or name.split(".")[1] in fixtures
    ]
    red, skipped = outcome.texts_of("failed"), outcome.texts_of("skipped")
    not_run = {*skipped, *outcome.all_of("left_out")}
    concerned = [name for name in concerned if name not in not_run]
    green = [name for name in concerned if name not in red]
    argued = [] if everything else [x for x in green if x.rpartition(".")[2] in NEED_NO_SUBMIT]
    wrong = [f"stays green: {name}" for name in green if name not in argued]
    wrong += [
        f"red for another reason: {name}\n{red[name]}"
        for name in concerned
        if name in red and "on purpose" not in red[name] and name not in SAY_NOTHING
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


def main(arguments: Sequence[str] | None = None) -> int:
    """Read the command line, and do what it says."""
    parser = argparse.ArgumentParser("cpython_suite", description="Run CPython's own tests.")
    parser.add_argument("--times", type=int, default=1, help="run the suite that often")
    return report(rows(parser.parse_args(arguments).times))


if __name__ == "__main__":
    sys.exit(main())
