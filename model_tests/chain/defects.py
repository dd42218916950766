"""Seeded defects in the library: each is found, by which check, in how long.

    python -m model_tests.chain.defects                        what verify runs
    python -m model_tests.chain.defects --full [--write]       all that are not noted yet
    python -m model_tests.chain.defects NAME ...               some, once more

``model_tests/defects/`` has their lists, and ``found.json`` what became of each.  In verify
a few are sought again, others each day, each by the check that found it.  A hunt tries
check after check, and takes long; its end is noted below ``build/``, and a full run goes on
from there.  ``--anew`` forgets the notes.
"""

import argparse
import json
import os
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from time import perf_counter
from typing import Final, cast, final

from model_tests.chain.command import BUILD, ROOT, lines, stamp
from model_tests.chain.verdict import Row, report
from model_tests.defects.hunt import ENDED, LATE, Hunted, Said, again, hunts
from model_tests.defects.lists import FOLDER, LISTS, Defect, defects, problems

FOUND: Final = f"{FOLDER}/found.json"
NOTED: Final = BUILD / "defects.jsonl"
ENGINE: Final = "all of them"
AT_ONCE: Final = 2
SAMPLE: Final = 3
#: What is sought again in verify took no more than so many seconds of a processor.
QUICK: Final = 5.0
#: How what is found by waiting is found: that uses no processor, and takes its time.
_WAITS: Final = (LATE, ENDED, "TimeoutError")
#: Addresses, and folders of one machine.
_OF_A_RUN: Final = re.compile(r" at 0x[0-9a-f]+|(?<![\w.:/])/(?:[^\s/:'\"]+/)+")
_MOST_SAID: Final = 200
#: How many there are to be, and how many of them by somebody who has not seen the checks.
DEMAND: Final = 25
DEMAND_OUTSIDE: Final = 10


@final
@dataclass(frozen=True, slots=True)
class Fate:
    """What is kept of a hunt."""

    name: str
    by: str
    kind: str
    digest: str
    check: str
    how: str
    seconds: float  # from the first check to this, by the clock
    used: float  # of a processor, by this check alone


def fate(hunted: Hunted) -> Fate:
    """Return what is kept of a hunt: of how it was found, what is the same elsewhere."""
    each = hunted.defect
    seconds, used = round(hunted.seconds, 1), round(hunted.used, 1)
    how = " ".join(_OF_A_RUN.sub("", hunted.how).split())[:_MOST_SAID]
    return Fate(each.name, each.by, each.kind, each.digest, hunted.check, how, seconds, used)


def kept(root: Path = ROOT) -> dict[str, Fate]:
    """Return what is kept, by name."""
    told = json.loads((root / FOUND).read_text(encoding="utf-8"))
    return {each["name"]: Fate(**each) for each in told["defects"]}


def wrong(some: Sequence[Defect], fates: dict[str, Fate], root: Path = ROOT) -> Iterator[str]:
    """Yield what is wrong with the lists, or with what is kept of them."""
    yield from problems(list(some), root)
    if len(some) < DEMAND:
        yield f"there are {len(some)} defects, not {DEMAND}"
    outside = sum(each.by == LISTS[0] for each in some)
    if outside < DEMAND_OUTSIDE:
        yield f"{outside} are by somebody who has not seen the checks, not {DEMAND_OUTSIDE}"
    for each in some:
        known = fates.get(each.name)
        if known is None or known.digest != each.digest:
            yield f"{each.name}: nothing is kept of it as it is now; run with --full --write"
        elif not known.check:
            yield f"{each.name}: no check finds it"
        elif not _is_there(known.check, root):
            yield f"{each.name}: {known.check} has found it, and is not there any more"
    for name in fates.keys() - {each.name for each in some}:
        yield f"{name}: kept, and in no list"


def _is_there(check: str, root: Path) -> bool:
    """Say whether a test is, as far as its text tells."""
    file, _, test = check.partition("::")
    if not file.startswith("model_tests/"):
        return True
    path, name = root / file, test.partition("[")[0].rpartition("::")[2]
    return path.is_file() and f"def {name}(" in path.read_text(encoding="utf-8")


# ------------------------------------------------------------------------ rows


def rows() -> Iterator[Row]:
    """Yield a row for what is kept, and one for a few that are sought again."""
    began = perf_counter()
    some, fates = defects(), kept() if (ROOT / FOUND).exists() else {}
    amiss = list(wrong(some, fates))
    found = sum(bool(fates[each.name].check) for each in some if each.name in fates)
    counts = Counter(each.by for each in some)
    by = ", ".join(f"{counts[each]} {each}" for each in LISTS)
    yield Row(
        "each seeded defect of the library has a check that finds it",
        ENGINE,
        by,
        f"{found} of {len(some)} found",
        perf_counter() - began,
        not amiss,
        lines(amiss),
        _kinds(fates.values()),
    )
    yield sought(chosen(some, fates), fates)


def _kinds(fates: Iterable[Fate]) -> str:
    finders = Counter(
        each.check.partition("::")[0].partition(":")[0].split(" ")[0] for each in fates
    )
    said = ", ".join(
        f"{name.removeprefix('model_tests/')} {count}" for name, count in finders.most_common()
    )
    return f"     by {said}"


def chosen(some: Sequence[Defect], fates: dict[str, Fate], day: int | None = None) -> list[Defect]:
    """Return a few that are found quickly: others each day."""
    quick = [
        each
        for each in some
        if each.name in fates
        and fates[each.name].check
        and fates[each.name].used <= QUICK
        and not any(word in fates[each.name].how for word in _WAITS)
    ]
    first = (datetime.now(UTC).toordinal() if day is None else day) * SAMPLE
    return [quick[(first + n) % len(quick)] for n in range(min(SAMPLE, len(quick)))]


def sought(some: Sequence[Defect], fates: dict[str, Fate]) -> Row:
    """Run on each the check that is kept as its finder."""
    began = perf_counter()

    def one(each: Defect) -> Said:
        return again(each, fates[each.name].check)

    with ThreadPoolExecutor(AT_ONCE) as pool:
        said = dict(zip(some, pool.map(one, some), strict=True))
    missed = [each for each in some if not said[each].found]
    return Row(
        "a few of them are found again, by the same checks",
        ENGINE,
        "others each day",
        f"{len(some) - len(missed)} of {len(some)} found",
        perf_counter() - began,
        bool(some) and not missed,
        lines([f"{each.name}: {fates[each.name].check} does not find it" for each in missed])
        + "\n       replay: python -m model_tests.chain.defects NAME",
        "\n".join(f"     {each.name}: {said[each].found}" for each in some),
    )


# ------------------------------------------------------------------- a full run


def noted() -> dict[str, Fate]:
    """Return what hunts have noted, by name; the last counts."""
    if not NOTED.exists():
        return {}
    found = [Fate(**json.loads(line)) for line in NOTED.read_text(encoding="utf-8").splitlines()]
    return {each.name: each for each in found}


def full(some: Sequence[Defect], at_once: int) -> None:
    """Hunt, and note each as it comes."""
    NOTED.parent.mkdir(exist_ok=True)
    with NOTED.open("a", encoding="utf-8") as file:
        for hunted in hunts(list(some), at_once):
            file.write(json.dumps(asdict(fate(hunted)), ensure_ascii=False) + "\n")
            file.flush()
            print(told(fate(hunted)), flush=True)


def told(each: Fate) -> str:
    """Return a line about a hunt."""
    if not each.check:
        return f"NOT FOUND {each.name} in {each.seconds:,.0f} s {each.how}"
    return f"found {each.name} in {each.seconds:,.0f} s: {each.check}: {each.how}"


def write(some: Sequence[Defect], notes: dict[str, Fate]) -> None:
    """Keep what was noted of today's defects."""
    current = (kept() if (ROOT / FOUND).exists() else {}) | notes
    entries = [
        asdict(current[each.name])
        for each in some
        if each.name in current and current[each.name].digest == each.digest
    ]
    text = json.dumps({**stamp(), "defects": entries}, indent=1, ensure_ascii=False)
    (ROOT / FOUND).write_text(f"{text}\n", encoding="utf-8")


def main(arguments: Sequence[str] | None = None) -> int:
    """Read the command line, and do what it says."""
    parser = argparse.ArgumentParser("defects", description="Hunt seeded defects.")
    parser.add_argument("--full", action="store_true", help="hunt all that are not noted yet")
    parser.add_argument("--anew", action="store_true", help="forget what was noted")
    parser.add_argument("--write", action="store_true", help="keep the result")
    parser.add_argument("--at-once", type=int, default=AT_ONCE, help="how many hunts")
    parser.add_argument("names", nargs="*", help="defects to be hunted once more")
    asked = parser.parse_args(arguments)
    if asked.anew:
        NOTED.unlink(missing_ok=True)
    some = defects()
    if amiss := problems(some):
        parser.error("\n".join(amiss))
    if unknown := set(cast("list[str]", asked.names)) - {each.name for each in some}:
        parser.error(f"no defects: {', '.join(sorted(unknown))}")
    if not (asked.full or asked.names or asked.write):
        return report(rows())
    os.nice(19)
    known = noted()
    left = [
        each
        for each in some
        if each.name in asked.names
        or (asked.full and (each.name not in known or known[each.name].digest != each.digest))
    ]
    full(left, asked.at_once)
    if asked.write:
        write(some, noted())
    return report(_one_row(some))


def _one_row(some: Sequence[Defect]) -> Iterator[Row]:
    notes = noted()
    mine = [notes[each.name] for each in some if each.name in notes]
    missed = [each for each in mine if not each.check]
    yield Row(
        "seeded defects of the library are found",
        ENGINE,
        "every check, quickest first",
        f"{len(mine) - len(missed)} of {len(some)} found",
        sum(each.seconds for each in mine),
        not missed and len(mine) == len(some),
        lines([told(each) for each in missed]),
    )


if __name__ == "__main__":
    raise SystemExit(main())
