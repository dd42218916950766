"""What came of all claims where they were tried: ``python -m model_tests.conformance.record``.

All claims are tried against foregone's and the standard library's executors on each
interpreter that is here, and, on the interpreter at hand, against each peer, which is installed
in an environment of its own outside of the checkout, for this run only.  Verdicts are kept in
``recorded.json`` with date, commit and machine.  Names after the command renew those alone.
"""

import json
import os
import subprocess
import sys
import tempfile
import venv
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeAlias, cast, final

from model_tests.chain.command import ROOT, stamp
from model_tests.museum.table import interpreters

RECORDED: Final = Path(__file__).with_name("recorded.json")
OLDEST: Final = (3, 11)
ENDLESS: Final = 3600.0  # seconds for all claims about one executor
SHORT: Final = 300  # characters of what was seen

#: What is kept of one executor.
Told: TypeAlias = dict[str, object]


@final
@dataclass(frozen=True, slots=True)
class Column:
    """One executor in one version."""

    name: str  # at the command line of the kit
    python: str  # "" for the interpreter at hand
    version: str  # of the interpreter
    needs: tuple[str, ...] = ()  # what pip installs
    options: tuple[str, ...] = ()

    @property
    def title(self) -> str:
        """What it is called in the record."""
        return f"{self.name}, {self.version}" if self.python else self.name


DASK: Final = ("distributed==2026.8.0",)
PEERS: Final = (
    Column("loky", "", "", ("loky==3.7.0",)),
    Column("pebble", "", "", ("pebble==5.2.3",)),
    Column("deadpool", "", "", ("deadpool-executor==2026.7.1",)),
    Column("mpi4py", "", "", ("mpi4py==4.1.2", "mpich==5.0.2")),
    Column("dask", "", "", DASK, ("--jobs", "3")),
    Column("foregone-dask", "", "", DASK, ("--jobs", "3")),
    Column("foregone-dask-again", "", "", DASK, ("--jobs", "3")),
)
OWN: Final = ("standard-thread", "standard-process", "foregone-thread", "foregone-process")


def columns() -> Iterator[Column]:
    """Yield what is to be judged."""
    for name in OWN:
        for version, python in interpreters():
            if tuple(map(int, version.split(".")[:2])) >= OLDEST:
                yield Column(name, python, version)
    yield from PEERS


def judged(column: Column) -> Told | str:
    """Try all claims against one executor; return what came out, or why nothing did."""
    with tempfile.TemporaryDirectory(prefix="conformance-") as place:
        python, path = column.python or sys.executable, os.environ.get("PATH", "")
        if column.needs:
            home = Path(place) / "environment"
            venv.create(home, with_pip=True)
            python = str(home / "bin" / "python")
            path = f"{home / 'bin'}{os.pathsep}{path}"
            pip = (python, "-m", "pip", "--disable-pip-version-check", "--no-input")
            install = (*pip, "install", "-q", *column.needs)
            done = subprocess.run(install, capture_output=True, text=True)
            if done.returncode:
                return f"pip failed: {done.stderr.strip()[-SHORT:]}"
        report = Path(place) / "report.json"
        rooms = os.pathsep.join((str(ROOT / "impl"), str(ROOT / "spec")))
        given = ("-m", "foregone_conformance", column.name, "--json", str(report))
        done = subprocess.run(
            (python, *given, *column.options, "--quiet"),
            cwd=place,
            env={**os.environ, "PYTHONPATH": rooms, "PATH": path},
            capture_output=True,
            text=True,
            timeout=ENDLESS,
        )
        if done.returncode not in (0, 1) or not report.exists():
            return f"it could not be judged: {done.stderr.strip()[-SHORT:]}"
        return shortened(cast("Told", json.loads(report.read_text(encoding="utf-8"))), place)


def shortened(report: Told, place: str) -> Told:
    """Return what is kept of a report: no stacks, and nothing of this machine."""
    claims = cast("list[dict[str, str]]", report["claims"])
    kept = ("kind", "class", "package", "version", "python", "date", "seed", "seconds", "counts")
    return {
        **{each: report[each] for each in kept},
        "verdicts": {each["id"]: each["verdict"] for each in claims},
        "seen": {
            each["id"]: cleaned(each["seen"], place) for each in claims if each["verdict"] != "kept"
        },
    }


def cleaned(seen: str, place: str) -> str:
    """Return the first line of what was seen, without the paths of a machine."""
    first = seen.strip().partition("\n")[0].replace(place, "FOLDER")
    words = [
        "PATH" if each.startswith(("/", "'/", '"/', "('/")) else each for each in first.split()
    ]
    return " ".join(words)[:SHORT]


def read() -> dict[str, object]:
    """Return what is kept."""
    return cast("dict[str, object]", json.loads(RECORDED.read_text(encoding="utf-8")))


def main(names: Sequence[str]) -> int:
    """Make the record, or the columns of it whose title begins with a name."""
    chosen = [
        each for each in columns() if not names or any(each.title.startswith(n) for n in names)
    ]
    if not chosen:
        print(f"there is no {' or '.join(names)}: {', '.join(each.title for each in columns())}")
        return 2
    kept = cast("dict[str, object]", read()["columns"]) if RECORDED.exists() else {}
    at = stamp()  # before what is kept changes
    failed = 0
    for column in chosen:
        came = judged(column)
        if isinstance(came, str):
            print(f"{column.title}: {came}", flush=True)
            failed += 1
            continue
        kept[column.title] = {**came, "commit": at["commit"]}
        print(f"{column.title}: {came['counts']}, {came['seconds']} s", flush=True)
        order = {each.title: kept[each.title] for each in columns() if each.title in kept}
        told = {**at, "columns": {**order, **kept}}
        RECORDED.write_text(json.dumps(told, indent=1) + "\n", encoding="utf-8")
    return int(failed > 0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
