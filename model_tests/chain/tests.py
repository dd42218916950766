"""The tests as rows: how many passed, and which did not run, and why."""

import os
import platform
import sys
from collections.abc import Iterator
from xml.etree import ElementTree as ET

from model_tests.chain.command import BUILD, Outcome, lines, python_m
from model_tests.chain.verdict import Row, report

RESULTS = BUILD / "tests.xml"
#: What another link of ``make verify`` runs: here it is left out, in ``make test`` it is not.
ELSEWHERE = {"museum": "model_tests/test_museum.py::test_foregone_passes"}

#: Many tests wait for processes: two at a time leave no processor idle once other links end.
SHARED = ("--numprocesses=2", "--dist=worksteal")


def rows() -> Iterator[Row]:
    """Run pytest, and yield one row for what passed and one for what was not run."""
    BUILD.mkdir(exist_ok=True)
    RESULTS.unlink(missing_ok=True)
    left = [f"--deselect={each}" for each in ELSEWHERE.values()]
    done = python_m("pytest", "-q", *SHARED, f"--junitxml={RESULTS}", *left)
    bound = f"Python {platform.python_version()}, {os.environ.get('FOREGONE_PROFILE', 'quick')}"
    if not RESULTS.exists():  # a hang ends pytest before it writes anything
        yield Row(
            claim="every test passes",
            engine="pytest",
            bound=bound,
            count="0 passed",
            seconds=done.seconds,
            ok=False,
            details=f"pytest wrote no results (exit code {done.code})\n{done.tail(150)}",
        )
        return
    yield from _read(done, bound)


def _read(done: Outcome, bound: str) -> Iterator[Row]:
    passed, failed = 0, 0
    skipped: list[str] = []
    expected: list[str] = []
    for case in ET.parse(RESULTS).iter("testcase"):
        name = f"{case.get('classname')}::{case.get('name')}"
        skip = case.find("skipped")
        if case.find("failure") is not None or case.find("error") is not None:
            failed += 1
        elif skip is None:
            passed += 1
        else:
            known = skip.get("type") == "pytest.xfail"
            (expected if known else skipped).append(f"{name}: {skip.get('message')}")
    yield Row(
        claim="every test passes",
        engine="pytest",
        bound=bound,
        count=f"{passed} passed, {failed} failed",
        seconds=done.seconds,
        ok=done.code == 0 and passed > 0 and failed == 0,
        details=done.tail(150),
        note=lines([f"run by the link {link}: {test}" for link, test in ELSEWHERE.items()]),
    )
    without_reason = [each for each in skipped + expected if each.endswith((": ", ": None"))]
    yield Row(
        claim="what is skipped, or fails as it must, has its reason",
        engine="pytest",
        bound=bound,
        count=f"{len(skipped)} skipped, {len(expected)} xfailed",
        seconds=0.0,
        ok=not without_reason,
        details=f"no reason:\n{lines(without_reason)}",
        note=lines([f"skipped {x}" for x in skipped] + [f"xfailed {x}" for x in expected]),
    )


if __name__ == "__main__":
    sys.exit(report(rows()))
