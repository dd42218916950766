"""The whole chain, link by link, and one table at the end.

    python -m model_tests.chain.verify [--write] [LINK ...]

Each link is a module of this package with a function ``rows()``, run in a process
of its own, two at a time; those that mostly wait run beside them, one after the other.
Rows are printed as they come, the links in their order: a later link that is ahead waits
until those before it have been printed.

A link that is missing, breaks, hangs or yields nothing is a row that failed; so is
a link that did less than ``expected_rows.json`` says.  ``--write`` writes that file.
The verdict is kept in ``build/verdict.json`` and, to be read, ``build/verdict.html``.
"""

import argparse
import importlib
import json
import os
import queue
import resource
import signal
import subprocess
import sys
import threading
import traceback
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from pathlib import Path
from time import perf_counter
from typing import Final, Protocol, TextIO, cast, final

from model_tests.chain import promise
from model_tests.chain.command import BUILD, ROOT
from model_tests.chain.page import facts, page
from model_tests.chain.progress import Progress
from model_tests.chain.verdict import Row, show

LINKS: Final = (
    "lint",
    "types",
    "tests",
    "cells",
    "contracts",
    "models",
    "equality",
    "schedules",
    "inclusions",
    "simulation",
    "traces",
    "defects",
    "mutants",
    "chaos",
    "museum",
    "cpython_suite",
    "kept",
)
AT_ONCE: Final = 2
#: They wait for time limits and for processes that end; the two take a processor for 2 minutes.
WAITING: Final = ("museum", "cpython_suite")
PATIENCE: Final = 15 * 60.0  # seconds for one link; then it is killed, and has failed

#: How wide the columns of the table may be; VERDICT holds all of every row.
CEILINGS: Final = (66, 12, 34, 28)

VERDICT: Final = BUILD / "verdict.json"
PAGE: Final = BUILD / "verdict.html"
LOGS: Final = BUILD / "verify"


class Link(Protocol):
    """What a module of this package offers."""

    def rows(self) -> Iterator[Row]:
        """Check something, and yield what became of it."""
        ...


def failure(link: str, claim: str, details: str, seconds: float = 0.0) -> Row:
    """Return the row that says that ``link`` itself failed."""
    return Row(f"{link}: {claim}", "verify", "", "0 rows", seconds, False, details)


# ------------------------------------------------------------- one link's process


def serve(link: str, out: TextIO) -> None:
    """Write the rows of ``link`` to ``out``, one JSON object a line."""
    name = f"model_tests.chain.{link}"
    seen = 0
    try:
        for row in cast("Link", importlib.import_module(name)).rows():
            seen += 1
            print(json.dumps(asdict(row)), file=out, flush=True)
    except Exception:
        broke = failure(link, "the link holds together", traceback.format_exc())
        print(json.dumps(asdict(broke)), file=out, flush=True)
    else:
        if not seen:
            empty = failure(link, "something is checked", f"{name}.rows() yields nothing")
            print(json.dumps(asdict(empty)), file=out, flush=True)
    print("null", file=out, flush=True)


def _served(link: str) -> None:
    """Be the process of one link: rows go to what stdout was, all else to stderr."""
    with os.fdopen(os.dup(1), "w") as out:
        os.dup2(2, 1)
        serve(link, out)
    spent = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    used = sum(each.ru_utime + each.ru_stime for each in spent)
    print(f"{link}: {used:.1f} s of a processor", file=sys.stderr)


# ---------------------------------------------------------------- all of them


@final
class Run:
    """One link on its way: its rows arrive in ``rows``, and None after the last."""

    def __init__(self, link: str, command: Sequence[str], patience: float = PATIENCE) -> None:
        self.link = link
        self.log: Path = LOGS / f"{link}.log"
        self.rows: queue.SimpleQueue[Row | None] = queue.SimpleQueue()
        self._command = command
        self._patience = patience
        self._process: subprocess.Popen[str] | None = None
        self._lock = threading.Lock()
        self._stopped = ""  # why the link was killed, if it was
        self.began: float | None = None  # as long as it runs

    def work(self) -> None:
        """Run the link to its end; called in a thread."""
        self.began = began = perf_counter()
        try:
            complete = self._read()
        except Exception:
            complete = False
            self._stopped = self._stopped or traceback.format_exc()
        if not complete:
            said = self.log.read_text(errors="replace").splitlines()[-60:]
            code = "no" if self._process is None else self._process.returncode
            ended = f"its process ended before it was through, with exit code {code}"
            details = "\n".join((self._stopped or ended, *said))
            seconds = perf_counter() - began
            self.rows.put(failure(self.link, "the link comes to its end", details, seconds))
        self.began = None
        self.rows.put(None)

    def _read(self) -> bool:
        """Pass on the rows that the process writes; return whether it was through."""
        complete = False
        with self.log.open("w") as log:
            with self._lock:
                if self._stopped:
                    return False
                self._process = subprocess.Popen(
                    self._command,
                    cwd=ROOT,
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.PIPE,
                    stderr=log,
                    text=True,
                    start_new_session=True,  # so that it can be killed with its children
                )
            why = f"killed: not through after {self._patience:.0f} s"
            timer = threading.Timer(self._patience, self.stop, [why])
            timer.start()
            try:
                for line in self._process.stdout or ():
                    said = json.loads(line)
                    complete = said is None
                    if complete:
                        break
                    self.rows.put(Row(**said))
                self._process.wait()
            finally:
                timer.cancel()
                self._kill()  # and whatever it left behind
                self._process.communicate()
        return complete

    def stop(self, why: str) -> None:
        """Kill the link's process and all that it started."""
        with self._lock:
            self._stopped = self._stopped or why
        self._kill()

    def _kill(self) -> None:
        if self._process is not None:
            try:
                os.killpg(self._process.pid, signal.SIGKILL)
            except (ProcessLookupError, PermissionError):
                pass  # nobody is left


def running(runs: Sequence[Run]) -> list[tuple[str, float]]:
    """Return the links that run now, each with its seconds."""
    now = perf_counter()
    begun = [(run.link, run.began) for run in runs]
    return [(link, now - began) for link, began in begun if began is not None]


def in_order(runs: Iterable[Run]) -> Iterator[tuple[str, Row]]:
    """Run all links, AT_ONCE at a time, and one that waits; yield their rows, link by link."""
    runs = tuple(runs)
    with ThreadPoolExecutor(AT_ONCE) as pool, ThreadPoolExecutor(1) as beside:
        try:
            for run in runs:
                (beside if run.link in WAITING else pool).submit(run.work)
            for run in runs:
                while (row := run.rows.get()) is not None:
                    yield run.link, row
        finally:
            for run in runs:
                run.stop("killed: verify was interrupted")


def table(rows: Sequence[Row]) -> str:
    """Return the verdict: one line a claim."""
    head = ("claim", "engine", "bound", "count", "time", "verdict")
    cells = [
        (*map(_cut, _words(row), CEILINGS), f"{row.seconds:.1f} s", "ok" if row.ok else "FAIL")
        for row in rows
    ]
    widths = [max(map(len, column)) for column in zip(head, *cells, strict=True)]
    rule = "  ".join("-" * width for width in widths)
    return "\n".join((_line(head, widths), rule, *(_line(each, widths) for each in cells)))


def _words(row: Row) -> tuple[str, str, str, str]:
    return row.claim, row.engine, row.bound, row.count


def _cut(text: str, ceiling: int) -> str:
    return text if len(text) <= ceiling else f"{text[: ceiling - 1]}…"


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    left = [cell.ljust(width) for cell, width in zip(cells[:3], widths[:3], strict=True)]
    right = [cell.rjust(width) for cell, width in zip(cells[3:5], widths[3:5], strict=True)]
    return "  ".join((*left, *right, cells[5]))


def _record(rows: Sequence[tuple[str, Row]], seconds: float, ok: bool) -> None:
    about = facts(seconds)
    said = [{"link": link, **asdict(row)} for link, row in rows]
    VERDICT.write_text(json.dumps({"ok": ok, **asdict(about), "rows": said}, indent=1) + "\n")
    PAGE.write_text(page(rows, about), encoding="utf-8")


def verify(links: Sequence[str], write: bool) -> int:
    """Run ``links``, print the verdict, and return the exit code."""
    LOGS.mkdir(parents=True, exist_ok=True)
    for old in (VERDICT, PAGE):
        old.unlink(missing_ok=True)
    began = perf_counter()
    module = ("-m", "model_tests.chain.verify", "--serve")
    rows: list[tuple[str, Row]] = []
    reached: dict[str, list[Row]] = {link: [] for link in links}
    front = ""
    runs = [Run(link, (sys.executable, *module, link)) for link in links]
    with Progress(sys.stdout, lambda: running(runs)) as progress:
        for link, row in in_order(runs):
            progress.say(show(row) if link == front else f"\n{link}\n{show(row)}")
            front = link
            rows.append((link, row))
            reached[link].append(row)
    if write:
        promise.write({link: rs for link, rs in reached.items() if all(row.ok for row in rs)})
    rows.append(("verify", promise.compare(reached)))
    seconds = perf_counter() - began
    failed = sum(not row.ok for _, row in rows)
    _record(rows, seconds, not failed)
    print(f"\n{show(rows[-1][1])}\n\n{table([row for _, row in rows])}\n")
    kept = " and ".join(str(path.relative_to(ROOT)) for path in (VERDICT, PAGE))
    print(f"{len(rows)} rows, {failed} failed, {seconds:.0f} s; {kept}")
    return int(bool(failed))


def main(arguments: Sequence[str] | None = None) -> int:
    """Read the command line, and do what it says."""
    parser = argparse.ArgumentParser("verify", description="Run the chain of checks.")
    parser.add_argument("link", nargs="*", help=f"only these: {', '.join(LINKS)}")
    parser.add_argument("--write", action="store_true", help="promise what this run reaches")
    parser.add_argument("--serve", metavar="LINK", help=argparse.SUPPRESS)
    asked = parser.parse_args(arguments)
    if asked.serve:
        _served(asked.serve)
        return 0
    for link in asked.link:
        if link not in LINKS:
            parser.error(f"there is no link {link!r}: choose from {', '.join(LINKS)}")
    signal.signal(signal.SIGTERM, _ended)
    return verify(asked.link or LINKS, asked.write)


def _ended(number: int, _frame: object) -> None:
    """End as Ctrl-C ends: with every link's process killed."""
    sys.exit(128 + number)


if __name__ == "__main__":
    sys.exit(main())
