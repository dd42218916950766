"""Each program in ``docs/`` runs by itself, prints what stands below it; links lead somewhere."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest

from model_tests.chain.command import ROOT

PAGES: Final = sorted((ROOT / "docs").glob("*.md"))
TEXTS: Final = {page.name: page.read_text(encoding="utf-8") for page in PAGES}
#: A program, and what it prints.
BLOCK: Final = re.compile(
    r"^```python\n(?P<code>.*?)^```$(?:\n\n```text\n(?P<prints>.*?)^```$)?",
    re.DOTALL | re.MULTILINE,
)
PATIENCE: Final = 50.0
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
    assert len(list(programs())) >= 17


def _anchors(text: str) -> set[str]:
    """Return what GitHub calls the headings of a page."""
    heads = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", each.lower()).replace(" ", "-") for each in heads}


@pytest.mark.parametrize("name", list(TEXTS))
def test_links_lead_somewhere(name: str) -> None:
    for link in re.findall(r"\]\((?!https?://)([^)]+)\)", TEXTS[name]):
        target, _, anchor = link.partition("#")
        page = (ROOT / "docs" / target).resolve() if target else ROOT / "docs" / name
        assert page.exists(), f"{name} links to {link}"
        if anchor:
            assert anchor in _anchors(page.read_text(encoding="utf-8")), f"{name} links to {link}"
