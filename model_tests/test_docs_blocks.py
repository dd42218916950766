"""Each program in ``docs/`` runs by itself, prints what stands below it; links lead somewhere."""

import os
import re
import shlex
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest

from model_tests.chain.command import ROOT
from model_tests.museum.record import read

PAGES: Final = sorted((ROOT / "docs").glob("*.md"))
TEXTS: Final = {page.name: page.read_text(encoding="utf-8") for page in PAGES}
#: A program, and what it prints.
BLOCK: Final = re.compile(
    r"^```python\n(?P<code>.*?)^```$(?:\n\n```text\n(?P<prints>.*?)^```$)?",
    re.DOTALL | re.MULTILINE,
)
PATIENCE: Final = 50.0
SUPPORTED: Final = ("3.11.", "3.12.", "3.13.")
#: What such a program needs is not in the environment: ``make dask-test`` runs it.
DASK: Final = "foregone.dask"


def programs() -> Iterator[Any]:
    for name, text in TEXTS.items():
        for number, block in enumerate(BLOCK.finditer(text), start=1):
            if DASK not in block["code"]:
                yield pytest.param(block["code"], block["prints"], id=f"{name}-{number}")


@pytest.fixture(autouse=True)
def _heeds_ctrl_c() -> Iterator[None]:
    """Undo what a shell does to what runs in the background: a program inherits it."""
    former = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, former)


@pytest.mark.parametrize(("code", "prints"), list(programs()))
def test_a_program_prints_what_stands_below_it(
    code: str, prints: str | None, tmp_path: Path
) -> None:
    assert prints is not None, "a program says what it prints"
    file = tmp_path / "program.py"
    file.write_text(code, encoding="utf-8")
    path = os.pathsep.join([str(ROOT / "impl"), str(ROOT / "spec")])
    ran = subprocess.run(
        [sys.executable, str(file)],
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
        cwd=tmp_path,
        # From 3.12 on, os.fork warns of threads, which is what that program is about.
        env={
            **os.environ,
            "PYTHONPATH": path,
            "PYTHONWARNINGS": "ignore::DeprecationWarning",
        },
    )
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout == prints
    assert ran.stderr == ""


def test_there_are_programs() -> None:
    assert len(list(programs())) >= 20


#: What is for the shell, and the program before it, which leaves behind what it asks for.
SHELL: Final = re.compile(r"^```sh\n(?P<commands>.*?)^```$", re.DOTALL | re.MULTILINE)
#: What the README has as well: ``make newcomer`` runs it; and what needs a package of the reader's.
ELSEWHERE: Final = ("pip install .", "package.module:factory")


def commands() -> Iterator[Any]:
    for name, text in TEXTS.items():
        for number, block in enumerate(SHELL.finditer(text), start=1):
            said = [line.partition("  #")[0].strip() for line in block["commands"].splitlines()]
            here = [line for line in said if not any(each in line for each in ELSEWHERE)]
            if here:
                before = [each["code"] for each in BLOCK.finditer(text, 0, block.start())]
                yield pytest.param(before[-1], here, id=f"{name}-{number}")


@pytest.mark.parametrize(("code", "lines"), list(commands()))
def test_a_command_runs_after_the_program_before_it(
    code: str, lines: list[str], tmp_path: Path
) -> None:
    assert subprocess.run([sys.executable, "-c", code], cwd=tmp_path, check=False).returncode == 0
    for line in lines:
        program, *words = shlex.split(line)
        where = Path(sys.executable).parent / program
        ran = subprocess.run(
            [where, *words], cwd=tmp_path, capture_output=True, text=True, timeout=PATIENCE,
            check=False,
        )  # fmt: skip
        assert ran.returncode == 0, ran.stderr
        assert ran.stdout
        assert ran.stderr == ""


def test_each_block_is_run_or_is_what_was_printed() -> None:
    """No block is of a language that nobody here runs."""
    for name, text in TEXTS.items():
        fences = re.findall(r"^```(.*)$", text, re.MULTILINE)
        assert set(fences[::2]) <= {"python", "sh", "text"}, name
        assert not any(fences[1::2]), name
    assert list(commands())


def _anchors(text: str) -> set[str]:
    """Return what GitHub calls the headings of a page."""
    heads = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", each.lower()).replace(" ", "-") for each in heads}


def test_the_migration_page_has_each_bug_that_goes_away() -> None:
    """All that the standard library of a supported Python was seen to do wrong in the museum."""
    wrong = {
        name
        for name, words in read().standard.items()
        for version, word in words.items()
        if version.startswith(SUPPORTED) and word not in ("passes", "absent")
    }
    assert len(wrong) > 30
    linked = set(re.findall(r"\]\(museum\.md#(\w+)\)", TEXTS["migration.md"]))
    assert {name.lower() for name in wrong} <= linked


@pytest.mark.parametrize("name", list(TEXTS))
def test_links_lead_somewhere(name: str) -> None:
    for link in re.findall(r"\]\((?!https?://)([^)]+)\)", TEXTS[name]):
        target, _, anchor = link.partition("#")
        page = (ROOT / "docs" / target).resolve() if target else ROOT / "docs" / name
        assert page.exists(), f"{name} links to {link}"
        if anchor:
            assert anchor in _anchors(page.read_text(encoding="utf-8")), f"{name} links to {link}"
