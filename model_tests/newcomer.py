"""A newcomer with nothing but the README: ``make newcomer``.

    python -m model_tests.newcomer [PYTHON ...]

For each Python, this one if none is named, a wheel and a source distribution are built, and
each is installed in an environment of its own.  There, in an empty folder, every program of the
README is run, and every command that is no ``make``, in the order in which they stand; not
what needs a package of the reader's own, or Dask (``make dask-test`` runs that).  How long each
took is printed, for whoever wants to know what a newcomer waits for, and judged by nobody: that
is the machine's.
"""

import os
import shlex
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from time import perf_counter
from typing import Final

from model_tests.chain.command import BUILD, ROOT, lines, python_m
from model_tests.chain.verdict import Row, report
from model_tests.readme import all_blocks

_KINDS: Final = {".whl": "a wheel", ".gz": "a source distribution"}
PATIENCE: Final = 300.0  # seconds, for one command


def steps() -> Iterator[list[str]]:
    """Yield what a newcomer runs, in order: programs, and commands that are no ``make``."""
    for language, code in all_blocks():
        if language == "python" and "foregone.dask" not in code:
            yield ["python", "-c", code]
        for line in code.splitlines() if language == "sh" else ():
            words = shlex.split(line, comments=True)
            if words and words[0] != "make" and "my_package" not in line:
                yield words


def shown(step: Sequence[str]) -> str:
    """Return a step on one line."""
    return "a program" if step[:2] == ["python", "-c"] else " ".join(step)


def built() -> list[Path]:
    """Build both distributions; return the files."""
    target = BUILD / "newcomer"
    for old in (*target.glob("*.whl"), *target.glob("*.tar.gz")):
        old.unlink()
    done = python_m("hatchling", "build", "--directory", str(target))
    if done.code:
        raise RuntimeError(f"hatchling cannot build: {done.tail()}")
    return sorted((*target.glob("*.whl"), *target.glob("*.tar.gz")))


def tried(python: str, file: Path) -> Row:
    """Install a distribution for a Python, and do what the README says."""
    began = perf_counter()
    wrong: list[str] = []
    took: list[tuple[float, str]] = []
    done = 0
    said = subprocess.run([python, "-V"], capture_output=True, text=True, check=True).stdout
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        bin_ = place / "environment" / "bin"
        home = place / "home"
        home.mkdir()
        alone = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
        alone["PATH"] = os.pathsep.join([str(bin_), alone.get("PATH", "")])

        def run(*words: str) -> None:
            nonlocal done
            since = perf_counter()
            ran = subprocess.run(
                words, capture_output=True, text=True, timeout=PATIENCE, cwd=home, env=alone,
                check=False, stdin=subprocess.DEVNULL,
            )  # fmt: skip
            done += 1
            took.append((perf_counter() - since, shown(words)))
            # Whoever judges the standard library finds something, and says so: 1 is an answer.
            answers = (0, 1) if words[0] == "foregone-conformance" else (0,)
            if ran.returncode not in answers or not ran.stdout:
                told = ran.stderr.strip() or "it printed nothing"
                wrong.append(f"{shown(words)}: exit code {ran.returncode}: {told[-1500:]}")

        subprocess.run([python, "-m", "venv", str(bin_.parent)], check=True)
        run("python", "-m", "pip", "--disable-pip-version-check", "install", str(file))
        for step in [] if wrong else steps():
            run(*step)
    _tell(f"{said.strip()}, {file.name}", took)
    return Row(
        claim=f"a newcomer's first steps, from {_KINDS[file.suffix]}",
        engine=said.strip(),
        bound="README.md",
        count=f"{done} steps",
        seconds=perf_counter() - began,
        ok=not wrong and done > 1,
        details=lines(wrong),
    )


def _tell(where: str, took: Sequence[tuple[float, str]]) -> None:
    """Print how long each step took."""
    print(f"\n{where}: {len(took)} steps, the longest {max(took)[0]:.1f} s")
    for seconds, step in took:
        print(f"{seconds:7.1f} s  {step if len(step) <= 88 else step[:85] + '...'}")


def main(pythons: Sequence[str]) -> int:
    """Try each distribution with each Python; return the exit code."""
    files = built()
    return report(tried(python, file) for python in pythons or [sys.executable] for file in files)


if __name__ == "__main__":
    os.chdir(ROOT)
    raise SystemExit(main(sys.argv[1:]))
