"""Lint as rows: ruff's rules, ruff's shape, the pins, the wheel."""

import re
import sys
import tomllib
import zipfile
from collections.abc import Iterator
from time import perf_counter

from model_tests.chain.command import BUILD, ROOT, Outcome, lines, python_files, python_m
from model_tests.chain.verdict import Row, report


def rows() -> Iterator[Row]:
    """Yield what ruff says, whether the lock holds the pins, and what the wheel holds."""
    files = len(python_m("ruff", "check", "--show-files", ".").out.splitlines())
    checked = python_m("ruff", "check", "--output-format", "concise", ".")
    yield _ruff("no rule is broken", checked, files, "make format mends some of it")
    shaped = python_m("ruff", "format", "--check", ".")
    yield _ruff("every file has the common shape", shaped, files, "make format mends it")
    yield _pins()
    yield _wheel()


def _ruff(claim: str, done: Outcome, files: int, hint: str) -> Row:
    ok = done.code == 0 and files > 0
    count = f"{files} files"
    return Row(claim, "ruff", "all Python files", count, done.seconds, ok, f"{done.tail()}\n{hint}")


def _pins() -> Row:
    began = perf_counter()
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    locked = set(
        re.findall(r"^[^\s\\;#]+", (ROOT / ".ci/requirements.txt").read_text(), re.MULTILINE)
    )
    wrong = []
    pins = project["optional-dependencies"]["verify"]
    for pin in pins:
        name, _, version = re.sub(r"\[.*?\]", "", pin).partition("==")
        if not version or f"{name}=={version}" not in {re.sub(r"\[.*?\]", "", x) for x in locked}:
            wrong.append(f"{pin}: not so in .ci/requirements.txt")
    wrong += [f"{each}: foregone depends on nothing" for each in project["dependencies"]]
    return Row(
        claim="the lock holds exactly what pyproject.toml pins",
        engine="tomllib",
        bound="extra verify",
        count=f"{len(pins)} pins",
        seconds=perf_counter() - began,
        ok=bool(pins) and not wrong,
        details=f"{lines(wrong)}\nmake lock writes it anew",
    )


def _wheel() -> Row:
    target = BUILD / "wheel"
    for old in target.glob("*.whl"):
        old.unlink()
    done = python_m("hatchling", "build", "--target", "wheel", "--directory", str(target))
    wheels = list(target.glob("*.whl"))
    held: set[str] = set()
    for wheel in wheels:
        with zipfile.ZipFile(wheel) as file:
            held.update(file.namelist())
    wanted = {
        str(path.relative_to(ROOT / room))
        for room in ("spec", "impl")
        for path in [
            *python_files(room),
            *(ROOT / room).glob("*/py.typed"),
            *(ROOT / room).glob("*/html/*"),  # what the page is made of
        ]
    }
    wrong = [f"{each} is missing from the wheel" for each in sorted(wanted - held)]
    wrong += [
        f"{each} has no business in the wheel"
        for each in sorted(held - wanted)
        if ".dist-info/" not in each
    ]
    return Row(
        claim="the wheel holds both packages, and nothing else",
        engine="hatchling",
        bound="every module and py.typed",
        count=f"{len(wanted & held)} files",
        seconds=done.seconds,
        ok=done.code == 0 and len(wheels) == 1 and not wrong,
        details=lines(wrong) if done.code == 0 else done.tail(),
    )


if __name__ == "__main__":
    sys.exit(report(rows()))
