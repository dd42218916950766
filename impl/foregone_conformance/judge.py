"""Try claims, each in a process of its own, and end what it leaves behind.

A process that waits for something that does not come uses no processor.  So a claim *hangs*
when all that it has started has been idle for ``patience`` seconds: neither running, nor ready
to run, nor waiting for a disk.  Where the system does not tell (not Linux), and for what spins,
there is a limit.  On a busy machine who is ready to run has to wait, and is not idle.
"""

import json
import os
import platform
import shlex
import shutil
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from time import monotonic
from typing import Final, cast, final

from foregone import ThreadPoolExecutor
from foregone_conformance import child, session
from foregone_conformance.claims import Claim, Verdict
from foregone_conformance.kinds import BadFactory, Kind
from foregone_conformance.promises import SAYS, waived

PATIENCE: Final = 10.0  # seconds
LIMIT: Final = 120.0  # seconds
JOBS: Final = 6  # claims at a time: they wait for most of their time
LOOKS: Final = 0.25  # seconds between two looks
#: How much of one processor somebody may use who is idle, polling for what does not come.
IDLE: Final = 0.3
MOST_STACKS: Final = 60  # lines
MOST_READ: Final = 2**20  # characters of a file
_OF_THE_JUDGE: Final = threading.Event()  # never set: to wait in


@final
@dataclass(frozen=True, slots=True)
class Setting:
    """How claims are tried."""

    address: str
    kind: Kind
    seed: int = 1
    jobs: int = JOBS
    patience: float = PATIENCE  # seconds of idleness that are a hang
    limit: float = LIMIT  # seconds after which a claim has not been kept, idle or not

    def replay(self, claim: str) -> str:
        """Return the command that tries a claim again in the same way."""
        return (
            f"foregone-conformance {shlex.quote(self.address)} --{self.kind.value} "
            f"--only {claim} --seed {self.seed}"
            + (f" --patience {self.patience:g}" if self.patience != PATIENCE else "")
            + (f" --limit {self.limit:g}" if self.limit != LIMIT else "")
        )


@final
@dataclass(frozen=True, slots=True)
class Result:
    """What came of one claim."""

    claim: Claim
    verdict: Verdict
    seen: str
    seconds: float
    stacks: str = ""


@final
@dataclass(frozen=True, slots=True)
class Subject:
    """What was judged."""

    address: str
    kind: Kind
    name: str  # of the class
    future: str
    wait: str  # whose wait and as_completed
    package: str
    version: str
    python: str
    says: str = ""  # what it says of itself


@final
@dataclass(frozen=True, slots=True)
class _Came:
    told: dict[str, str] | None  # None where there is no answer
    seconds: float
    why: str  # there is none
    stacks: str
    says: str = ""  # what the executor says of itself, as far as it came to that


def look(
    address: str, kind: Kind | None, limit: float = LIMIT, patience: float = PATIENCE
) -> Subject:
    """Make one executor in a process of its own, and return what it is.

    ``kind``      None if its calls are to say where they run
    ``limit``     seconds after which it is given up
    ``patience``  seconds of idleness after which it is
    Raises BadFactory if it cannot be made, or its first call does not end.
    """
    setting = Setting(address, kind or Kind.THREAD, patience=patience, limit=limit)
    came = _run(setting, child.LOOK, 1.0)
    if came.told is None:
        raise BadFactory(
            f"{address!r} cannot be used: in its first call {came.why}\n{came.stacks}".strip()
        )
    if came.told["verdict"] == "bad":
        raise BadFactory(came.told["seen"])
    told = came.told
    return Subject(
        address=address,
        kind=kind or Kind(told["kind"]),
        name=told["class"],
        future=told["future"],
        wait=told["wait"],
        package=told["package"],
        version=told["version"],
        python=platform.python_version(),
        says=told["says"],
    )


def judge(setting: Setting, claims: Sequence[Claim]) -> Iterator[Result]:
    """Try claims, some at a time; yield what came of each, in their order.

    Who is interrupted meanwhile leaves nothing behind: what is being tried is ended at once.
    """
    stop = threading.Event()
    pool = ThreadPoolExecutor(setting.jobs)
    try:
        yield from pool.map(partial(tried, setting, stop=stop), claims)
    finally:
        stop.set()
        pool.shutdown(cancel_futures=True)


def tried(setting: Setting, claim: Claim, stop: threading.Event | None = None) -> Result:
    """Try one claim in a process of its own, until that ends or ``stop`` is set."""
    came = _run(setting, claim.id, claim.limit, stop)
    if came.told is None:
        why = waived(came.says, claim.id, Verdict.BROKEN.value, came.why)
        found = Verdict.NOT_APPLICABLE if why else Verdict.BROKEN
        return Result(claim, found, why or came.why, came.seconds, came.stacks)
    verdict, seen = came.told["verdict"], came.told["seen"]
    if verdict == "bad":
        raise BadFactory(seen)
    stacks = came.told.get("stacks", "")
    return Result(claim, Verdict(verdict), seen, came.seconds, stacks)


def _run(setting: Setting, claim: str, share: float, stop: threading.Event | None = None) -> _Came:
    place = tempfile.mkdtemp(prefix="conformance-")
    try:
        return _run_in(place, setting, claim, share, stop)
    finally:
        shutil.rmtree(place, ignore_errors=True)


def _run_in(
    place: str, setting: Setting, claim: str, share: float, stop: threading.Event | None
) -> _Came:
    given = (setting.address, setting.kind.value, claim, str(setting.seed), place)
    began = monotonic()
    with open(os.path.join(place, "said"), "wb") as said:
        process = subprocess.Popen(
            [sys.executable, "-m", "foregone_conformance.child", *given],
            env={**os.environ, "TMPDIR": place, "PYTHONPATH": session.rooms(), session.MARK: place},
            stdin=subprocess.PIPE,  # which is closed when this process ends
            stdout=said,
            stderr=said,
            start_new_session=True,
        )
    family = session.Family(process.pid)
    try:
        why = _watched(process, family, setting, share, stop)
        stacks = _stacks(process, place) if why else ""
        # before the end of those whom it waits for lets a claim go on
        told = _told(_read(os.path.join(place, child.RESULT)))
    finally:
        family.recall(_read(os.path.join(place, child.LEFT)))
        session.end(process, family, place)
        if process.stdin:
            process.stdin.close()
    seconds = monotonic() - began
    if told is not None:
        return _Came(told, seconds, "", "")
    if not why:
        code = process.returncode
        how = f"killed by signal {-code}" if code < 0 else f"ended with exit code {code}"
        why = f"its process was {how}" if code < 0 else f"its process {how}"
        written = (_read(os.path.join(place, each)) for each in (child.STACKS, "said"))
        stacks = _cut("".join(written))
    doing = visible(_read(os.path.join(place, "doing")))
    says = _read(os.path.join(place, SAYS))
    return _Came(None, seconds, f"{why}, {doing}" if doing else why, stacks, says)


def _told(text: str) -> dict[str, str] | None:
    """Return the answer of a claim's process, or None: its folder is open to whoever it runs."""
    try:
        found: object = json.loads(text)
    except ValueError:
        return None
    if not isinstance(found, dict):
        return None
    given = cast("dict[object, object]", found)
    told = {str(key): visible(str(value)) for key, value in given.items()}
    words = {"bad", *(each.value for each in Verdict)}
    return told if told.get("verdict") in words and ("seen" in told or "class" in told) else None


def visible(text: str) -> str:
    """Return text in which what would command a terminal is seen instead."""
    return "".join(x if x.isprintable() or x in "\n\t" else ascii(x)[1:-1] for x in text)


def _watched(
    process: "subprocess.Popen[bytes]",
    family: session.Family,
    setting: Setting,
    share: float,
    stop: threading.Event | None,
) -> str:
    """Return "" when the process has ended, or why it is given up."""
    began = monotonic()
    idle = session.Idleness(family, IDLE)
    while True:
        try:
            process.wait(LOOKS)
            return ""
        except subprocess.TimeoutExpired:
            pass
        if stop is not None and stop.is_set():
            return "it was stopped"
        if idle.seconds() >= setting.patience:
            return f"it hung: nothing happened for {setting.patience:g} s"
        if monotonic() - began >= setting.limit * share:
            return f"it had not ended after {setting.limit * share:g} s"


def _stacks(process: "subprocess.Popen[bytes]", place: str) -> str:
    """Have the process write where its threads are."""
    path = os.path.join(place, child.STACKS)
    try:
        process.send_signal(child.TELL)
    except ProcessLookupError:
        return ""
    size = -1
    for _ in range(8):  # until it has written, and writes no more
        _OF_THE_JUDGE.wait(LOOKS)
        now = os.path.getsize(path) if os.path.exists(path) else 0
        if now and now == size:
            break
        size = now
    return _cut(_read(path))


def _cut(text: str) -> str:
    """Return the first lines of what somebody has written, for a terminal."""
    lines = text.splitlines()
    more = [f"... {len(lines) - MOST_STACKS} more lines"] if len(lines) > MOST_STACKS else []
    return visible("\n".join([*lines[:MOST_STACKS], *more]))


def _read(path: str) -> str:
    """Return what stands in a file, or its beginning: who is judged may have written it."""
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read(MOST_READ)
    except OSError:
        return ""
