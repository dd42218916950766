"""The 20 cells of a future as rows: on this interpreter, and on each other that is here."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from time import perf_counter
from typing import Final, cast

from model_tests.chain.command import PUBLIC, ROOT, lines
from model_tests.chain.verdict import Row, report

#: The versions that this project is for.
VERSIONS: Final = ("3.11", "3.12", "3.13", "3.14", "3.15")
PATIENCE: Final = 60.0

THIS: Final = "{}.{}".format(*sys.version_info[:2])


def environment() -> dict[str, str]:
    """Return the environment in which another interpreter finds the shipped rooms."""
    path = os.pathsep.join(str(ROOT / room) for room in PUBLIC)
    return {**os.environ, "PYTHONPATH": path, "PYTHONDONTWRITEBYTECODE": "1"}


def _is(python: str, version: str) -> bool:
    """Say whether ``python`` runs, and is the version that its name says."""
    question = "import sys; print('%d.%d' % sys.version_info[:2])"
    try:
        done = subprocess.run(
            [python, "-I", "-c", question],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=PATIENCE,
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0 and done.stdout.strip() == version


def find(version: str) -> str | None:
    """Return a working Python of ``version``: this one, one on PATH, or one of pyenv's."""
    if version == THIS:
        return sys.executable
    roots = [Path(os.environ[name]) for name in ("PYENV_ROOT",) if os.environ.get(name)]
    candidates = [shutil.which(f"python{version}")]
    for root in (*roots, Path.home() / ".pyenv"):
        candidates += sorted(map(str, root.glob(f"versions/{version}*/bin/python{version}")))
    return next((each for each in candidates if each and _is(each, version)), None)


def interpreters() -> dict[str, str | None]:
    """Return a Python for each version, or None where none is here; this one first."""
    ordered = (THIS, *(each for each in VERSIONS if each != THIS))
    return {version: find(version) for version in ordered}


def rows() -> Iterator[Row]:
    """Yield one row for each interpreter; what was not found is said at the first."""
    found = interpreters()
    missing = [version for version, python in found.items() if python is None]
    note = f"       not on this machine: Python {', '.join(missing)}" if missing else ""
    for version, python in found.items():
        if python is not None:
            yield _compare(version, python, note)
            note = ""


def _compare(version: str, python: str, note: str) -> Row:
    began = perf_counter()
    try:
        done = subprocess.run(
            [python, str(ROOT / "model_tests" / "cells.py")],
            cwd=ROOT,
            env=environment(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=PATIENCE,
        )
        code, out, err = done.returncode, done.stdout, done.stderr
    except subprocess.TimeoutExpired:
        code, out, err = 1, "", f"not done within {PATIENCE:g} s"
    said: dict[str, object] = {}
    if out.startswith("{"):
        said = cast("dict[str, object]", json.loads(out))
    different = [json.dumps(each) for each in cast("list[object]", said.get("different", []))]
    cells = f"{said.get('equal', 0)}/{said.get('cells', 0)}"
    owned = f"{said.get('owned_equal', 0)}/{said.get('owned', 0)}"
    return Row(
        claim=f"a future's cells on Python {version}: table = foregone = library",
        engine="comparer",
        bound=f"Python {said.get('python', version)}",
        count=f"{cells} cells, {owned} owned",
        seconds=perf_counter() - began,
        ok=code == 0 and cells == "20/20" and owned == "5/5" and not different,
        details=lines(different or err.splitlines()[-20:]),
        note=note,
    )


if __name__ == "__main__":
    sys.exit(report(rows()))
