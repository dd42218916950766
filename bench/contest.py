"""Rounds of runs: each subject in a process of its own, in an order that a coin gives.

In every round each subject runs once, so each round gives one pair of every subject with
foregone, run within seconds of each other.  Who says nothing in time is killed with all
that it has started, and its row says so instead of showing a figure.
"""

import json
import os
import random
import select
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from typing import Final, final

from bench import beside, peers, tasks
from bench.driver import ONCE
from bench.matrix import LIMIT, Row, Workload
from bench.settings import Figures, Setting
from bench.subjects import SUBJECTS

READY: Final = 60.0  # seconds for the imports, the first results and the warm-up


class Failed(Exception):
    """A subject gave no figure: why."""


@final
class Driver:
    """The process in which one subject runs."""

    def __init__(self, setting: Setting) -> None:
        self.errors = tempfile.TemporaryFile()  # noqa: SIM115 - closed by end()
        self.child = subprocess.Popen(
            (sys.executable, "-m", "bench.driver", json.dumps(asdict(setting))),
            cwd=beside.ROOT,
            env=peers.environment(),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self.errors,
            start_new_session=True,
            bufsize=0,
        )

    def answer(self, seconds: float) -> Figures:
        """Return the next line, or raise Failed."""
        until = time.monotonic() + seconds
        held = b""
        assert self.child.stdout is not None
        while not held.endswith(b"\n"):
            left = until - time.monotonic()
            if left <= 0 or not select.select([self.child.stdout], [], [], left)[0]:
                raise Failed(f"killed: no answer within {seconds:.0f} s")
            more = os.read(self.child.stdout.fileno(), 1 << 16)
            if not more:
                raise Failed(f"the process died: {self._last_words()}")
            held += more
        figures = json.loads(held.splitlines()[-1])
        if "error" in figures:
            raise Failed(str(figures["error"]))
        return {str(name): float(figure) for name, figure in figures.items()}

    def run(self, seconds: float) -> Figures:
        """Run once."""
        assert self.child.stdin is not None
        try:
            self.child.stdin.write(b"\n")
        except BrokenPipeError:
            raise Failed(f"the process died: {self._last_words()}") from None
        return self.answer(seconds)

    def _last_words(self) -> str:
        self.errors.seek(0)
        words = self.errors.read().decode(errors="replace").strip().splitlines()
        return words[-1][:160] if words else f"exit code {self.child.poll()}"

    def end(self) -> None:
        """Kill the process and whatever it has started."""
        try:
            os.killpg(self.child.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        self.child.wait()
        for pipe in (self.child.stdin, self.child.stdout):
            if pipe is not None:
                pipe.close()
        self.errors.close()


@final
@dataclass
class Entrant:
    """One row of a table while it fills."""

    row: Row
    setting: Setting
    runs: dict[int, Figures] = field(default_factory=dict)  # by round
    failure: str = ""
    driver: Driver | None = None

    def begin(self, seconds: float) -> None:
        """Start the driver and wait until it is warm."""
        try:
            self.driver = Driver(self.setting)
            self.driver.answer(READY + seconds)
        except Failed as failed:
            self.fail(failed)

    def take_part(self, number: int, seconds: float) -> None:
        """Run once more."""
        if self.setting.kind in ONCE:
            self.begin(seconds)
        if self.driver is None:
            return
        try:
            self.runs[number] = self.driver.run(seconds)
        except Failed as failed:
            self.fail(failed)
        if self.setting.kind in ONCE:
            self.end()

    def fail(self, failed: Failed) -> None:
        """Say why there are no figures; the ones that there were do not count."""
        self.failure = f"failed in run {len(self.runs) + 1}: {failed}"
        self.end()

    def end(self) -> None:
        """Leave nothing behind."""
        if self.driver is not None:
            self.driver.end()
            self.driver = None


def per_millisecond() -> float:
    """Return how many rounds of spinning this machine does in a millisecond."""
    return 1_000_000 / (1e3 * min(tasks.spin(1_000_000)[1] for _ in range(5)))


def hold(
    workload: Workload, pairs: int, scale: float, spins: float, only: tuple[str, ...]
) -> list[Entrant]:
    """Run one workload for so many rounds."""
    installed = peers.PEERS.versions()
    entrants = []
    for row in workload.rows:
        if only and row.subject not in only:
            continue
        entrant = Entrant(row, workload.setting(row, scale, spins))
        package = "" if row.subject == LIMIT else SUBJECTS[row.subject].package
        if package not in ("", "foregone") and package not in installed:
            entrant.failure = "absent: it is not installed"
        entrants.append(entrant)
    try:
        for entrant in entrants:
            if workload.kind not in ONCE and not entrant.failure:
                entrant.begin(workload.seconds)
        coin = random.Random(workload.title)
        for number in range(pairs):
            for entrant in coin.sample(entrants, len(entrants)):
                if not entrant.failure and number % entrant.row.every == 0:
                    entrant.take_part(number, workload.seconds)
    finally:
        for entrant in entrants:
            entrant.end()
    return entrants


def pairs_of(ours: Entrant, theirs: Entrant, figure: str) -> Iterator[tuple[float, float]]:
    """Yield the rounds in which both have run: theirs, ours."""
    for number, run in theirs.runs.items():
        if number in ours.runs:
            yield run[figure], ours.runs[number][figure]
