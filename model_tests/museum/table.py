"""What a row of the museum says, and how one is run.

An exhibit is run in a process of its own with a time limit.  The limit for what is
not to hang is long: it is reached only if the library hangs.  Whatever processes
it leaves behind end with it, and so does the directory that they were given.
"""

import os
import platform
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import Final, final

from foregone_conformance import museum_rooms

ROOT: Final = Path(__file__).resolve().parents[2]

OURS: Final = "foregone"
STANDARD: Final = "concurrent.futures"
PASSES: Final = "passes"
HANGS: Final = "hangs"
PATIENT: Final = 40.0  # seconds
IMPATIENT: Final = 2.5
PROCESSES_START: Final = 6.0  # impatient too, but not before a few processes could start
TO_END: Final = 2.0  # for what an exhibit leaves behind, before it is killed

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
    script: str  # the function in foregone_conformance.exhibits
    stdlib: str  # what comes out on each of VERSIONS; one word serves all
    seed: str = ""  # the function in seeds.py that writes the old design again
    seeded: str = HANGS  # what comes out with it
    models: tuple[str, ...] = ()  # the must-fail configurations in tla/museum
    patience: float = IMPATIENT  # seconds until what is to hang is said to

    def recorded(self) -> dict[str, str]:
        """Return what the standard library of each version is known to do."""
        words = self.stdlib.split()
        if len(words) == 1:
            words *= len(VERSIONS)
        return dict(zip(VERSIONS, words, strict=True))

    def expected(self) -> str | None:
        """Return what this interpreter's standard library is known to do, or None."""
        return self.recorded().get(platform.python_version())

    def limit(self, word: str | None) -> float:
        """Return how many seconds to give what is expected to end in ``word``."""
        return self.patience if word in (HANGS, None) else PATIENT


_ROOMS: Final = {each.id: each for each in museum_rooms.ROOMS}


def exhibit(
    name: str,
    mechanism: str,
    steps: tuple[str, ...],
    stdlib: str,
    seed: str = "",
    seeded: str = HANGS,
    models: tuple[str, ...] = (),
    patience: float = IMPATIENT,
) -> Exhibit:
    """Return an exhibit, whose title, link and script the kit's room of this name has."""
    room = _ROOMS[name]
    return Exhibit(
        name, room.title, room.link, mechanism, steps, room.script, stdlib,
        seed, seeded, models, patience,
    )  # fmt: skip


@final
@dataclass(frozen=True, slots=True)
class Outcome:
    """What came out of one run."""

    word: str
    seconds: float
    said: str


def run(
    exhibit: Exhibit,
    module: str,
    seed: str = "",
    seconds: float = 0.0,
    python: str = "",
    path: str = "",
) -> Outcome:
    """Run an exhibit once, in a process of its own; ``path`` is where a peer is."""
    limit = seconds or PATIENT
    rooms = [str(ROOT / "impl"), str(ROOT / "spec"), str(ROOT), *filter(None, [path])]
    command = [python or sys.executable, "-m", "model_tests.museum.run"]
    given = {"PYTHONPATH": os.pathsep.join(rooms), "PYTHONDONTWRITEBYTECODE": "1"}
    began = perf_counter()
    with tempfile.TemporaryDirectory(prefix="museum-", ignore_cleanup_errors=True) as place:
        said = Path(place) / "stderr"
        with said.open("w") as stderr:
            process = subprocess.Popen(
                [*command, exhibit.script, module, str(limit), seed],
                cwd=ROOT,
                env={**os.environ, **given, "TMPDIR": place},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=stderr,
                text=True,
                start_new_session=True,
            )
        try:
            code = process.wait(limit + 10)
        except subprocess.TimeoutExpired:
            code = None
        finally:
            seconds = perf_counter() - began
            told = _ended(process)
        erred = said.read_text(encoding="utf-8", errors="replace")
    words = told.split()
    word = words[-1] if words and code == 0 else "breaks"
    # Its time is up: whoever writes the stacks of threads that go on may fall over them.
    if code is None or ("Timeout (" in erred and code in (1, -signal.SIGSEGV)):
        word = HANGS
    elif code < 0:
        word = f"signal {-code}"
    return Outcome(word, seconds, f"{told}{erred}".strip())


def _ended(process: "subprocess.Popen[str]") -> str:
    """End a process and what it has started; return its output, which they all hold open.

    Those of multiprocessing that clean up ignore SIGTERM, and end by themselves.
    """
    for how in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(process.pid, how)
        except ProcessLookupError:
            pass  # there is none left
        try:
            return process.communicate(timeout=TO_END)[0]
        except subprocess.TimeoutExpired:
            pass  # one of them ignores SIGTERM
    raise RuntimeError(f"a process of the session {process.pid} does not end")


def interpreters() -> Iterator[tuple[str, str]]:
    """Yield version and path of each interpreter of VERSIONS that pyenv has here."""
    home = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv")
    for version in VERSIONS:
        python = home / "versions" / version / "bin" / "python"
        if python.exists():
            yield version, str(python)
