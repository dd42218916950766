"""What the last full run reached: less than that is a failure, not a success.

``expected_rows.json`` holds, for each link and claim, the first number of the row's
count.  ``python -m model_tests.chain.verify --write`` writes it anew.
"""

import json
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from time import perf_counter
from typing import Final, TypeAlias, cast

from model_tests.chain.cells import interpreters
from model_tests.chain.command import lines
from model_tests.chain.verdict import Row

PATH: Final = Path(__file__).with_name("expected_rows.json")

#: The bound of a row whose interpreter is not there: the only one of its link, then.
ABSENT: Final = "not on this machine"

#: The number that each claim of each link reached, at least.
Figures: TypeAlias = dict[str, dict[str, int]]


def number(count: str) -> int | None:
    """Return the first number in ``count``, or None where there is none."""
    found = re.search(r"\d[\d,_]*", count)
    return int(re.sub("[,_]", "", found[0])) if found else None


def figures(rows: Sequence[Row]) -> dict[str, int]:
    """Return the number of each claim; claims that occur twice are told apart by bound."""
    often = Counter(row.claim for row in rows)
    reached: dict[str, int] = {}
    for row in rows:
        key = row.claim if often[row.claim] == 1 else f"{row.claim} [{row.bound}]"
        while key in reached:
            key += "+"
        reached[key] = number(row.count) or 0
    return reached


def read() -> Figures:
    """Return what is expected."""
    return cast("Figures", json.loads(PATH.read_text())) if PATH.exists() else {}


def write(reached: Mapping[str, Sequence[Row]]) -> None:
    """Expect what these links reached from now on, and leave the others as they were."""
    expected = read()
    expected.update((link, figures(rows)) for link, rows in reached.items())
    PATH.write_text(json.dumps(expected, indent=2, sort_keys=True) + "\n")


def is_absent(claim: str, rows: Sequence[Row]) -> bool:
    """Say whether a claim is about an interpreter that this machine does not have."""
    if rows and all(row.bound == ABSENT for row in rows):
        return True
    named = re.search(r"on Python (\d+\.\d+):", claim)
    return named is not None and interpreters().get(named[1]) is None


def compare(reached: Mapping[str, Sequence[Row]]) -> Row:
    """Return the row that says whether each of these links did what it promised."""
    began = perf_counter()
    expected = read()
    wrong: list[str] = []
    unknown: list[str] = []
    claims = 0
    for link, rows in reached.items():
        figured, promised = figures(rows), expected.get(link, {})
        claims += len(promised)
        if not promised:
            wrong.append(f"{link}: nothing is promised, so nothing can be missed")
        for claim, least in promised.items():
            got = figured.get(claim)
            if is_absent(claim, rows):
                unknown.append(f"{link}: {claim}: not on this machine, so not tried")
            elif got is None:
                wrong.append(f"{link}: {claim}: no such row; it once reached {least}")
            elif got < least:
                wrong.append(f"{link}: {claim}: {got}, and it once reached {least}")
        if promised:
            unknown += [
                f"{link}: {each}: new, not promised yet" for each in figured.keys() - promised
            ]
        wrong += [
            f"{link}: {row.claim}: the count {row.count!r} has no number"
            for row in rows
            if number(row.count) is None
        ]
    hint = "if it is meant: python -m model_tests.chain.verify --write, and say why in the commit"
    return Row(
        claim="nothing did less than it promised",
        engine="verify",
        bound=PATH.name,
        count=f"{claims} claims",
        seconds=perf_counter() - began,
        ok=not wrong,
        details=f"{lines(wrong)}\n       {hint}",
        note=lines(sorted(unknown)),
    )
