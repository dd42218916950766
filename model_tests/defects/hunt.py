"""A hunt: one defect, check after check, until one is red with it and green without.

A check that is red is run once more on a copy that has no defect, by the name that it gave:
only where it is green there has it found the defect, and not something of its own.
"""

import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import Final, cast, final

from model_tests import process_world as world
from model_tests.chain.command import ROOT
from model_tests.defects.checks import SEEDS, SIMULATION, checks
from model_tests.defects.lists import Defect
from model_tests.defects.tree import environment, tree

#: By this a process that a check has left behind is known.
WORD: Final = "FOREGONE_DEFECT"
#: What is said of a check that was stopped, by us or by itself, or that has ended its process.
LATE, ENDED = "it does not come to an end", "its process ends"
#: Seconds for one check, by the clock; ``run`` has a limit of its own for a processor.
LIMIT: Final = 900.0


@final
@dataclass(frozen=True, slots=True)
class Said:
    """What a check says of a copy: the name by which it finds it again, and how, or neither."""

    found: str
    how: str
    seconds: float
    used: float  # of a processor


@final
@dataclass(frozen=True, slots=True)
class Hunted:
    """What became of a defect."""

    defect: Defect
    check: str  # which found it, or ""
    how: str
    seconds: float  # until then, from the first check on
    used: float  # of a processor, by that check alone


def asked(copy: Path, check: str, limit: float = LIMIT) -> Said:
    """Run one check in a copy."""
    word = f"{os.getpid()}x{os.urandom(4).hex()}"
    began = perf_counter()
    with tempfile.TemporaryDirectory(prefix="hunt-") as folder:
        notes = Path(folder) / "notes"
        with (Path(folder) / "said").open("w") as out:
            process = subprocess.Popen(
                [sys.executable, "-m", "model_tests.defects.run", str(notes), check],
                cwd=copy,
                env=environment(copy, **{WORD: word, "TMPDIR": folder}),
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
            try:
                process.wait(limit)
                late = False
            except subprocess.TimeoutExpired:
                late = True
            for pid in (process.pid,) if late else ():
                world.send(pid, signal.SIGKILL)
            process.wait()
            for pid in world.marked(word):
                world.send(pid, signal.SIGKILL)
        found, how, used = _read(notes, LATE if late else ENDED)
    return Said(found, how, perf_counter() - began, used)


def _read(notes: Path, ended: str) -> tuple[str, str, float]:
    """Return the name by which something was found, how, and what had been used by then."""
    began, over, used = "", False, 0.0
    for line in notes.read_text(encoding="utf-8").splitlines() if notes.exists() else ():
        said = cast("dict[str, str]", json.loads(line))
        used = float(said["used"])
        if "broken" in said:
            raise RuntimeError(f"a check could not be run: {said['broken']}")
        if "found" in said:
            return said["found"], said["how"], used
        began = said.get("begins", began)
        over = over or "over" in said
    if not (began or over):
        raise RuntimeError(f"a check could not be run: {ended}, and it has said nothing")
    return ("", "", used) if over else (began, ended, used)


def hunt(defect: Defect, root: Path = ROOT, only: str | None = None) -> Hunted:
    """Run the checks for a defect, or the one that is named, until one finds it."""
    began = perf_counter()
    left: list[str] = []
    with tree(defect, root) as copy:
        for check in (only,) if only is not None else checks(defect, root):
            said = asked(copy, check)
            seconds = perf_counter() - began
            if not said.found:
                continue
            with tree(None, root) as clean:
                control = asked(clean, said.found)
            if not control.found:
                return Hunted(defect, said.found, said.how, seconds, said.used)
            left.append(f"{said.found} is red without the defect, too: {control.how}")
    return Hunted(defect, "", "; ".join(left), perf_counter() - began, 0.0)


def again(defect: Defect, check: str, root: Path = ROOT) -> Said:
    """Run the check that is kept as the finder of a defect.

    Any change of the library may turn a seed into another run: then all seeds are tried.
    """
    with tree(defect, root) as copy:
        said = asked(copy, check)
        if not said.found and check.startswith(SIMULATION):
            said = asked(copy, f"{SIMULATION} 0-{SEEDS - 1}")
        return said


def hunts(some: list[Defect], at_once: int, root: Path = ROOT) -> Iterator[Hunted]:
    """Hunt defects, some at a time; yield each as it comes."""
    from concurrent.futures import ThreadPoolExecutor, as_completed

    with ThreadPoolExecutor(at_once) as pool:
        for each in as_completed([pool.submit(hunt, defect, root) for defect in some]):
            yield each.result()
