"""One row of the verdict: what was claimed, by which engine, to which bound.

Every module of this package has a function ``rows()`` that yields Row after Row;
``python -m model_tests.chain.NAME`` prints them and exits non-zero if one failed.
"""

import sys
from collections.abc import Iterable
from dataclasses import dataclass
from typing import final


@final
@dataclass(frozen=True, slots=True)
class Row:
    """One claim and what became of it."""

    claim: str  # what is claimed, in a few words
    engine: str  # the tool that checked it
    bound: str  # how far it looked
    count: str  # states, cases or schedules, with the word
    seconds: float  # wall clock
    ok: bool
    details: str = ""  # where it failed, and how to replay it: printed when not ok
    note: str = ""  # what is worth knowing all the same: always printed


def show(row: Row) -> str:
    """Return ``row`` as one line, and its details below it when it failed."""
    verdict = "ok  " if row.ok else "FAIL"
    line = (
        f"{verdict} {row.claim:<58} {row.engine:<12} {row.bound:<30} "
        f"{row.count:>22} {row.seconds:7.1f} s"
    )
    below = (row.note, "" if row.ok else row.details)
    return "\n".join((line, *filter(None, below)))


def report(rows: Iterable[Row]) -> int:
    """Print each row as it comes; return 1 if one failed or there was none, else 0."""
    seen = failed = 0
    for row in rows:
        print(show(row), flush=True)
        seen += 1
        failed += not row.ok
    if not seen:
        print("FAIL nothing was checked", file=sys.stderr)
    return int(bool(failed) or not seen)
