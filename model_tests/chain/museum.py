"""Known bugs of the field: foregone passes each exhibit, and an old design fails it.

    python -m model_tests.chain.museum             the rows, on this interpreter
    python -m model_tests.chain.museum --replay M4 one exhibit, with all that it says
    python -m model_tests.chain.museum --matrix    the standard library of each version

An exhibit is shown to catch its defect: the standard library of this interpreter
does what ``model_tests/museum/data.py`` records of it; where that is to pass, a copy
of the old design fails, and so does every copy that there is.  A standard library
that no longer fails is a row that failed: the record is to be brought up to date.
"""

import argparse
import platform
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from time import perf_counter

from model_tests.chain.command import lines
from model_tests.chain.verdict import Row, report
from model_tests.museum.catalogue import BUGS, Bug
from model_tests.museum.data import EXHIBITS
from model_tests.museum.table import (
    OURS,
    PASSES,
    ROOT,
    STANDARD,
    VERSIONS,
    Exhibit,
    Outcome,
    interpreters,
    run,
)

AT_ONCE = 8  # they wait for most of their time
MUST = ("S", "A")
_COPY = "a copy of the old design"


def judge(exhibit: Exhibit) -> Row:
    """Run one exhibit on ours, on the standard library, on the old design."""
    began = perf_counter()
    version = platform.python_version()
    ours = run(exhibit, OURS)
    known = exhibit.expected()
    theirs = run(exhibit, STANDARD, seconds=exhibit.limit(known))
    wrong: list[str] = []
    if ours.word != PASSES:
        wrong += [f"foregone {ours.word}", ours.said]
    if known is not None and theirs.word != known:
        wrong.append(
            f"the standard library {theirs.word}; recorded is that it {known} on {version}: "
            f"find out why, or bring model_tests/museum/data.py up to date"
        )
        wrong.append(theirs.said)
    fails, where = theirs.word, f"CPython {version}"
    lives = theirs.word in (PASSES, "absent")
    if exhibit.seed or lives:
        seeded = _seeded(exhibit)
        if lives:
            fails, where = seeded.word, _COPY
        if seeded.word != exhibit.seeded:
            wrong += [f"{_COPY} {seeded.word}, not {exhibit.seeded}: the exhibit is vacuous"]
            wrong.append(seeded.said)
    wrong += [
        f"{each}: there is no tla/museum/{each}.cfg"
        for each in exhibit.models
        if not (ROOT / "tla" / "museum" / f"{each}.cfg").exists()
    ]
    models = f"; model {', '.join(exhibit.models)}" if exhibit.models else ""
    return Row(
        claim=f"{exhibit.id} {exhibit.title}",
        engine="subprocess",
        bound=f"{where}: {fails}",
        count=f"{3 if exhibit.seed else 2} runs",
        seconds=perf_counter() - began,
        ok=not wrong,
        details="\n".join([*wrong, f"replay: make museum ARGS='--replay {exhibit.id}'{models}"]),
    )


def _seeded(exhibit: Exhibit) -> Outcome:
    if not exhibit.seed:
        return Outcome("does not exist", 0.0, "write it in model_tests/museum/seeds*.py")
    return run(exhibit, STANDARD, exhibit.seed, exhibit.limit(exhibit.seeded))


def rows() -> Iterator[Row]:
    """Judge every exhibit, some at a time; yield them in order."""
    with ThreadPoolExecutor(AT_ONCE) as pool:
        yield from pool.map(judge, EXHIBITS)
    known = platform.python_version() in VERSIONS
    yield Row(
        claim="every exhibit has an id of its own",
        engine="museum",
        bound="model_tests/museum/data.py",
        count=f"{len(EXHIBITS)} exhibits",
        seconds=0.0,
        ok=len({each.id for each in EXHIBITS}) == len(EXHIBITS) > 0,
        note="" if known else f"       CPython {platform.python_version()} is not recorded",
    )
    lacking = [*incomplete(EXHIBITS, BUGS)]
    yield Row(
        claim="a bug of rank S or A has a room, a model, and fails somewhere",
        engine="museum",
        bound="model_tests/museum/catalogue.py",
        count=f"{sum(bug.rank in MUST for bug in BUGS)} bugs",
        seconds=0.0,
        ok=not lacking,
        details=lines(lacking),
    )


def incomplete(exhibits: Sequence[Exhibit], bugs: Sequence[Bug]) -> Iterator[str]:
    """Yield what the museum lacks, of what it was to be about."""
    rooms = {each.id: each for each in exhibits}
    for bug in bugs:
        if not bug.rooms and (bug.rank in MUST or not bug.why):
            yield f"{bug.id}: it has no room" + ("" if bug.why else ", and nobody says why")
        for name in bug.rooms:
            room = rooms.get(name)
            if room is None:
                yield f"{bug.id}: there is no room {name}"
            elif not room.models and bug.rank in MUST:
                yield f"{bug.id}: room {name} has no model"
            elif not room.seed and {*room.recorded().values()} <= {PASSES, "absent"}:
                yield f"{bug.id}: nothing fails in room {name}"
    told = {name for bug in bugs for name in bug.rooms}
    yield from (f"{name}: it is in no bug's list" for name in rooms if name not in told)


def matrix() -> int:
    """Print what the standard library of each version does; return 1 if one is not as recorded."""
    found = list(interpreters())
    different = 0
    print(f"{'':6}" + "".join(f"{version:>12}" for version, _ in found))
    with ThreadPoolExecutor(AT_ONCE) as pool:
        jobs = [
            [
                pool.submit(
                    run,
                    each,
                    STANDARD,
                    seconds=each.limit(each.recorded()[version]),
                    python=python,
                )
                for version, python in found
            ]
            for each in EXHIBITS
        ]
        for exhibit, line in zip(EXHIBITS, jobs, strict=True):
            words = [job.result().word for job in line]
            recorded = exhibit.recorded()
            marked = [
                word if recorded[version] == word else f"!{word}"
                for word, (version, _) in zip(words, found, strict=True)
            ]
            different += words != [recorded[version] for version, _ in found]
            print(f"{exhibit.id:6}" + "".join(f"{word:>12}" for word in marked), flush=True)
    return int(bool(different) or not found)


def replay(name: str) -> int:
    """Run one exhibit everywhere, and print all that it says."""
    for exhibit in EXHIBITS:
        if exhibit.id != name:
            continue
        print(f"{exhibit.id} {exhibit.title}\n{exhibit.mechanism}\n{exhibit.link}")
        for number, step in enumerate(exhibit.steps, 1):
            print(f"  {number}. {step}")
        tries = [
            ("foregone", run(exhibit, OURS)),
            ("standard library", run(exhibit, STANDARD, seconds=exhibit.limit(exhibit.expected()))),
        ]
        if exhibit.seed:
            tries.append(("the old design", _seeded(exhibit)))
        for where, outcome in tries:
            print(f"\n{where}: {outcome.word}\n{outcome.said}")
        return report([judge(exhibit)])
    print(f"no exhibit {name}: {' '.join(each.id for each in EXHIBITS)}", file=sys.stderr)
    return 2


def main(arguments: Sequence[str]) -> int:
    """Do what the command line asks."""
    parser = argparse.ArgumentParser(prog="python -m model_tests.chain.museum")
    group = parser.add_mutually_exclusive_group()
    group.add_argument("--replay", metavar="ID", help="run one exhibit, and print all it says")
    group.add_argument("--matrix", action="store_true", help="the standard library, by version")
    chosen = parser.parse_args(arguments)
    if chosen.replay:
        return replay(chosen.replay)
    return matrix() if chosen.matrix else report(rows())


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
