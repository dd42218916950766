"""Run one check where this stands, and say what it finds: the inner side of a hunt.

    python -m model_tests.defects.run FILE CHECK

writes to FILE, line by line as JSON, what begins and what is found.  Who does not come to
the end was stopped by what began last.
"""

import json
import os
import resource
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final, final

ROOT: Final = Path(__file__).resolve().parents[2]
#: Preemptions, and schedules of one program, for each kind of programs.
BOUNDS: Final = {"schedules": (0, 1, 2), "pool schedules": (0, 1, 2), "process schedules": (0, 1)}
MOST: Final = {"schedules": 3_000, "pool schedules": 3_000, "process schedules": 400}
#: Seconds of a processor for a check, and for each process that it starts.
BUSY: Final = 240
#: What is said of a library that cannot be imported.
IMPORT: Final = "import"
_WHERE: Final = "import foregone, foregone_spec; print(foregone.__file__, foregone_spec.__file__)"


@final
class Notes:
    """What is written to the file."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("a", encoding="utf-8")

    def say(self, **what: str) -> None:
        """Write one line, at once, and the seconds of a processor that were used until now."""
        times = [
            resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
        ]
        used = f"{sum(each.ru_utime + each.ru_stime for each in times):.2f}"
        self._file.write(json.dumps({**what, "used": used}) + "\n")
        self._file.flush()


def main(path: str, check: str) -> None:
    """Run a check."""
    resource.setrlimit(resource.RLIMIT_CPU, (BUSY, BUSY + 10))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    notes = Notes(Path(path))
    notes.say(begins=IMPORT)
    try:
        import foregone.process
    except BaseException as error:
        notes.say(found=IMPORT, how=f"{type(error).__name__}: {error}"[:300])
        return
    try:
        is_the_copy(str(foregone.__file__))
        kind, _, rest = check.partition(": ")
        if check.startswith("model_tests/"):
            tests(notes, check)
        elif check.startswith("simulation "):
            simulation(notes, check)
        elif kind in MOST:
            schedules(notes, kind, rest)
        else:
            command(notes, check)
    except Exception as error:  # of this module, or of the tools
        notes.say(broken=f"{type(error).__name__}: {error}")
        raise
    notes.say(over=check)


def is_the_copy(imported: str) -> None:
    """Fail unless the library that is met is the one beside this file, here and in children."""
    child = subprocess.run(
        [sys.executable, "-c", _WHERE], cwd="/", capture_output=True, text=True, check=True
    )
    for each in (imported, *child.stdout.split()):
        if ROOT not in Path(each).resolve().parents:
            raise RuntimeError(f"{each} is not below {ROOT}: PYTHONPATH does not come first")


# ------------------------------------------------------------------------ tests


def tests(notes: Notes, names: str) -> None:
    """Run tests, by their names or files, until one fails."""
    import pytest

    class First:
        """Notes which test begins, and the first that fails."""

        def pytest_runtest_logstart(self, nodeid: str) -> None:
            notes.say(begins=nodeid)

        def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
            self._note(report)

        def pytest_collectreport(self, report: pytest.CollectReport) -> None:
            self._note(report)

        def _note(self, report: pytest.TestReport | pytest.CollectReport) -> None:
            if report.failed:
                text = str(report.longrepr).strip().splitlines()
                said = [line[1:].strip() for line in text if line.startswith("E ")] or text[-1:]
                notes.say(found=report.nodeid, how=" ".join(said[:1])[:300])

    code = pytest.main(
        ["-q", "-x", "-p", "no:cacheprovider", f"--rootdir={ROOT}", names], plugins=[First()]
    )
    if code not in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED):
        raise RuntimeError(f"pytest ends with {code!r} for {names}")


# ------------------------------------------------------------------- simulation


def simulation(notes: Notes, check: str) -> None:
    """Run the simulation with some seeds, ``FIRST-LAST`` or one, until a run goes wrong."""
    from model_tests.simulation.sampling import sampled

    first, _, last = check.split()[1].partition("-")
    notes.say(begins=check)
    failed = sampled(range(int(first), int(last or first) + 1), least=False).failure
    if failed is not None:
        notes.say(found=f"simulation {failed.seed}", how=f"{failed.name}: {failed.seen}"[:300])


# -------------------------------------------------------------------- schedules


def schedules(notes: Notes, kind: str, rest: str) -> None:
    """Explore programs, or the one with a bound that is named, until a schedule fails."""
    chosen = [_named(rest)] if rest else _all(kind)
    from model_tests import process_schedule_library as library
    from model_tests import process_schedules as of_processes
    from model_tests import schedule_explore, schedule_pools, schedule_races

    processes = kind == "process schedules"
    with library.bench() if processes else schedule_explore.bench() as on:
        for text, bound in chosen:
            name = f"{kind}: {text}; {bound} preemptions"
            notes.say(begins=name)
            if processes:
                read = of_processes.program(text)
            elif text.startswith("pool "):
                read = schedule_pools.program(text)
            else:
                read = schedule_races.program(text)
            failed = schedule_explore.explore(on, read, bound, MOST[kind]).failure
            if failed is not None:
                how = f"{failed.complaints[0]}; {schedule_explore.text(failed.schedule)}"
                notes.say(found=name, how=how[:300])
                return


def _named(rest: str) -> tuple[str, int]:
    text, _, bound = rest.rpartition("; ")
    return text, int(bound.split()[0])


def _all(kind: str) -> Iterator[tuple[str, int]]:
    from model_tests import process_schedule_programs, schedule_defects, schedule_programs

    texts = {
        "schedules": schedule_defects.FUTURES,
        "pool schedules": [text for text, _ in schedule_programs.POOLS],
        "process schedules": process_schedule_programs.HUNTED,
    }[kind]
    for bound in BOUNDS[kind]:
        yield from ((text, bound) for text in texts)


# --------------------------------------------------------------------- commands


def command(notes: Notes, check: str) -> None:
    """Run a link of the chain, and see whether it is red."""
    from model_tests.defects.checks import COMMANDS

    notes.say(begins=check)
    done = subprocess.run(
        [sys.executable, "-m", *COMMANDS[check]], cwd=ROOT, capture_output=True, text=True
    )
    if done.returncode:
        red = [line for line in done.stdout.splitlines() if line.startswith("FAIL")]
        notes.say(found=check, how=" ".join(red or done.stderr.splitlines()[-1:])[:300])


if __name__ == "__main__":
    main(*sys.argv[1:])
    sys.stdout.flush()
    os._exit(0)  # what a defect leaves behind is not waited for
