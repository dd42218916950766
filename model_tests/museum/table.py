"""What a row of the museum says, and how one is run.

An exhibit is run in a process of its own with a time limit.  The limit for a library
that must pass is long: it is reached only if the library hangs.
"""

import os
import platform
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import Final, final

ROOT: Final = Path(__file__).resolve().parents[2]

OURS: Final = "foregone"
STANDARD: Final = "concurrent.futures"
PASSES: Final = "passes"
HANGS: Final = "hangs"
PATIENT: Final = 20.0  # seconds
IMPATIENT: Final = 2.5

#: The interpreters of which the record is made, in the order of its words.
VERSIONS: Final = ("3.8.18", "3.9.18", "3.10.13", "3.11.7", "3.12.1", "3.13.0")


@final
@dataclass(frozen=True, slots=True)
class Exhibit:
    """One defect of the field."""

    id: str
    title: str
    link: str  # where it was reported; or that we know of no report
    mechanism: str
    steps: tuple[str, ...]  # the unlucky interleaving
    script: str  # the function in exhibits_*.py
    stdlib: str  # what comes out on each of VERSIONS; one word serves all
    seed: str = ""  # the function in seeds.py that writes the old design again
    seeded: str = HANGS  # what comes out with it
    models: tuple[str, ...] = ()  # the must-fail configurations in tla/museum

    def recorded(self) -> dict[str, str]:
        """Return what the standard library of each version is known to do."""
        words = self.stdlib.split()
        if len(words) == 1:
            words *= len(VERSIONS)
        return dict(zip(VERSIONS, words, strict=True))

    def expected(self) -> str | None:
        """Return what this interpreter's standard library is known to do, or None."""
        return self.recorded().get(platform.python_version())


@final
@dataclass(frozen=True, slots=True)
class Outcome:
    """What came out of one run."""

    word: str
    seconds: float
    said: str


def run(
    exhibit: Exhibit, module: str, seed: str = "", seconds: float = 0.0, python: str = ""
) -> Outcome:
    """Run an exhibit once, in a process of its own."""
    limit = seconds or (PATIENT if module == OURS else IMPATIENT)
    path = [str(ROOT / "impl"), str(ROOT / "spec"), str(ROOT)]
    command = [python or sys.executable, "-m", "model_tests.museum.run"]
    began = perf_counter()
    try:
        done = subprocess.run(
            [*command, exhibit.script, module, str(limit), seed],
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(path), "PYTHONDONTWRITEBYTECODE": "1"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=limit + 10,
        )
    except subprocess.TimeoutExpired as late:
        return Outcome(HANGS, perf_counter() - began, f"killed: {late}")
    words = done.stdout.split()
    word = words[-1] if words and done.returncode == 0 else "breaks"
    if "Timeout (" in done.stderr and done.returncode == 1:
        word = HANGS
    elif done.returncode < 0:
        word = f"signal {-done.returncode}"
    return Outcome(word, perf_counter() - began, f"{done.stdout}{done.stderr}".strip())


def interpreters() -> Iterator[tuple[str, str]]:
    """Yield version and path of each interpreter of VERSIONS that pyenv has here."""
    home = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv")
    for version in VERSIONS:
        python = home / "versions" / version / "bin" / "python"
        if python.exists():
            yield version, str(python)
