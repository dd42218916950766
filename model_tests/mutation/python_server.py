"""Runs checks on mutants: one process that has imported all tools, and forks for each mutant.

It reads requests from standard input, one JSON object a line, and answers each on standard
output.  What it has imported is the tools' (pytest, Hypothesis, the standard library).  For
the mutants of a module it forks a nursery, which imports what does not import that module;
and the nursery forks a child for each mutant, which imports the mutant in place of the module,
and then everything that is checked with it.

A mutant that does not come to an end is found, too: its check has used so many seconds of a
processor, or waits and uses none.  How long that takes by the clock says nothing, where others
use the processors.
"""

import importlib
import json
import os
import resource
import select
import signal
import socket
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic
from typing import Final, cast, final

from model_tests.chain.command import BUILD
from model_tests.mutation.python import VARIABLE, apart, install, prepare

# What checks use, imported once.
for _name in (
    "asyncio", "concurrent.futures.process", "concurrent.futures.thread", "hypothesis.stateful",
    "logging.handlers", "multiprocessing.connection", "multiprocessing.pool", "pytest",
    "pytest_timeout", "unittest.mock", "_pytest.assertion.rewrite", "_pytest.skipping",
    "model_tests.chain.tlc", "model_tests.chain.verdict", "model_tests.chain.command",
):  # fmt: skip
    __import__(_name)

#: Seconds of a processor for one check, and seconds in which one that waits uses none.
BUSY: Final = 10.0
IDLE: Final = 6.0
PATIENCE: Final = 120.0  # seconds for one check in any case
LOOK: Final = 0.25  # seconds
MEMORY: Final = 3 * 2**30  # bytes
_TICKS: Final = os.sysconf("SC_CLK_TCK")


@final
@dataclass(slots=True)
class Watch:
    """What is known of a child that runs checks."""

    pid: int
    pipe: int
    began: float = field(default_factory=monotonic)
    check: str = "import"  # the one that is being run
    used: float = 0.0  # seconds of a processor, until that began
    last: float = 0.0  # and until it last used any
    moved: float = field(default_factory=monotonic)
    since: float = field(default_factory=monotonic)  # when the check began
    rest: bytes = b""

    def lines(self) -> Iterator[dict[str, str | None]]:
        """Yield what the child says, until it ends or is ended."""
        while True:
            ready, _, _ = select.select([self.pipe], [], [], LOOK)
            if ready:
                data = os.read(self.pipe, 65536)
                if not data:
                    return
                *whole, self.rest = (self.rest + data).split(b"\n")
                for line in whole:
                    said = cast("dict[str, str | None]", json.loads(line))
                    if "check" in said:
                        self.check = str(said["check"])
                        self.used = self.last = used(self.pid)
                        self.since = self.moved = monotonic()
                    yield said
            elif self.stuck():
                yield {"killed": self.check, "how": "it does not come to an end"}
                return

    def stuck(self) -> bool:
        """Say whether the check goes round and round, or waits for ever."""
        now = used(self.pid)
        if now > self.last:
            self.last, self.moved = now, monotonic()
        idle = monotonic() - self.moved > IDLE and not runnable(self.pid)
        late = monotonic() - self.since > PATIENCE  # it looks now and then, and sleeps
        return idle or late or now - self.used > BUSY


def _stats(group: int) -> Iterator[list[str]]:
    for name in os.listdir("/proc"):
        if name.isdecimal():
            try:
                fields = Path(f"/proc/{name}/stat").read_text().rpartition(")")[2].split()
            except (FileNotFoundError, ProcessLookupError):
                continue
            if fields[2] == str(group):
                yield fields


def used(group: int) -> float:
    """Return the seconds that a group of processes has used, and those that it has waited for."""
    return sum(sum(map(int, fields[11:15])) for fields in _stats(group)) / _TICKS


def runnable(group: int) -> bool:
    """Say whether a process of a group would run if there were a processor for it."""
    return any(fields[0] in "RD" for fields in _stats(group))


def _child(pipe: int, module: str, number: int, only: str | None) -> None:
    """Be a child: install the mutant, run the checks, say which one fails."""
    os.setpgid(0, 0)  # a group that can be ended as a whole
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    nothing = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1, 2):
        os.dup2(nothing, descriptor)

    def say(**what: str | None) -> None:
        os.write(pipe, (json.dumps(what) + "\n").encode())

    run = ["import"]  # what is being run, last

    def begun(check: str) -> None:
        run.append(check)
        say(check=check)

    if number >= 0:
        install(module, number)
        os.environ[VARIABLE] = f"{module} {number}"
    try:
        from model_tests.mutation.python_checks import first_failing  # imports the mutant

        killed, how = first_failing(module, only, begun)
    except BaseException as error:  # also of a test that has failed, and left a thread running
        killed, how = run[-1], f"{type(error).__name__}: {error}"
    say(killed=killed, how=how[:300])


def judged(module: str, number: int, only: str | None) -> dict[str, str | float | None]:
    """Run the checks on a mutant, or one of them; number -1 is no mutant."""
    reading, writing = os.pipe()
    pid = os.fork()
    if not pid:
        os.close(reading)
        try:
            _child(writing, module, number, only)
        finally:
            os._exit(0)
    os.close(writing)
    watch = Watch(pid, reading)
    ended: dict[str, str | None] = {}
    for said in watch.lines():
        if "killed" in said:
            ended = said
            break
    if not ended:
        ended = {"killed": watch.check, "how": "its process ends"}
    spent = used(pid)
    for group in (pid,):
        try:
            os.killpg(group, signal.SIGKILL)
        except ProcessLookupError:
            pass
    os.waitpid(pid, 0)
    os.close(reading)
    seconds = {"seconds": round(monotonic() - watch.began, 3), "used": round(spent, 3)}
    return {"killed": ended["killed"], "how": ended["how"], **seconds}


def nursery(module: str) -> socket.socket:
    """Fork a process for the mutants of a module; return the way to it."""
    ours, theirs = socket.socketpair()
    if os.fork():
        theirs.close()
        return ours
    ours.close()
    prepare(module)
    for name in apart(module):
        importlib.import_module(name)
    with theirs, theirs.makefile("rw") as way:
        for line in way:
            asked = json.loads(line)
            way.write(json.dumps(judged(module, asked["number"], asked["only"])) + "\n")
            way.flush()
    os._exit(0)


def main() -> None:
    """Answer requests until there are no more."""
    sys.dont_write_bytecode = False  # each child imports what another has compiled
    sys.pycache_prefix = str(BUILD / "mutation" / "compiled")
    current = ""
    there: socket.socket | None = None
    for line in sys.stdin:
        module = json.loads(line)["module"]
        if there is None or module != current:
            if there is not None:
                there.close()
                os.wait()
            current, there = module, nursery(module)
        there.sendall(line.encode())
        with there.makefile("r") as way:
            print(way.readline(), end="", flush=True)


if __name__ == "__main__":
    main()
