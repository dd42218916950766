"""What is kept of a full run over mutants, and the rows that judge it.

A kept result is a JSON file: date, commit, machine, and each mutant with its fate.
Beside it lies a file of arguments: for each survivor, by its name, why it changes
nothing that is claimed.  It fails if

- less is killed than is demanded, or a survivor has no argument;
- an argument is about a mutant that was killed, or is not there;
- the mutants that are kept are not those that today's code makes.
"""

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeAlias, cast, final

from model_tests.chain.command import ROOT, lines, stamp
from model_tests.chain.verdict import Row
from model_tests.mutation import Fate, Mutant

#: One mutant as the JSON file has it.
Entry: TypeAlias = dict[str, str | float | None]

MOST_SHOWN: Final = 8


@final
@dataclass(frozen=True, slots=True)
class Kept:
    """A full run: when, of which commit, and what became of each mutant."""

    date: str
    commit: str
    machine: str
    mutants: tuple[Mutant, ...]
    fates: tuple[Fate, ...]  # one for each mutant, in the same order

    @property
    def killed(self) -> int:
        """How many of the mutants were killed."""
        return sum(fate.killed_by is not None for fate in self.fates)

    @property
    def survivors(self) -> tuple[str, ...]:
        """The names of those that were not."""
        return tuple(fate.mutant for fate in self.fates if fate.killed_by is None)

    def killers(self) -> Counter[str]:
        """Count the mutants that each check killed."""
        return Counter(fate.killed_by for fate in self.fates if fate.killed_by is not None)


# ---------------------------------------------------------------------- the file


def save(path: Path, mutants: Sequence[Mutant], fates: Sequence[Fate]) -> None:
    """Keep what became of ``mutants``; each must have met one fate."""
    met = {fate.mutant: fate for fate in fates}
    names = [mutant.name for mutant in mutants]
    if len(met) != len(fates) or len(set(names)) != len(names) or met.keys() != set(names):
        odd = sorted(met.keys() ^ set(names))
        raise ValueError(f"each mutant has one name and meets one fate; see {odd[:MOST_SHOWN]}")
    entries: list[Entry] = [
        {
            "name": mutant.name,
            "where": mutant.where,
            "kind": mutant.kind,
            "what": mutant.what,
            "killed by": met[mutant.name].killed_by,
            "seconds": round(met[mutant.name].seconds, 2),
        }
        for mutant in mutants
    ]
    text = json.dumps({**stamp(), "mutants": entries}, indent=1, ensure_ascii=False)
    path.write_text(f"{text}\n", encoding="utf-8")


def load(path: Path) -> Kept:
    """Read what ``save`` wrote."""
    told = cast("dict[str, object]", json.loads(path.read_text(encoding="utf-8")))
    entries = cast("list[Entry]", told["mutants"])
    mutants = tuple(
        Mutant(*(str(entry[key]) for key in ("name", "where", "kind", "what"))) for entry in entries
    )
    fates = tuple(_fate(entry) for entry in entries)
    return Kept(str(told["date"]), str(told["commit"]), str(told["machine"]), mutants, fates)


def _fate(entry: Entry) -> Fate:
    killer = entry["killed by"]
    return Fate(
        str(entry["name"]),
        None if killer is None else str(killer),
        float(entry["seconds"] or 0.0),
    )


def arguments(path: Path) -> Mapping[str, str]:
    """Read why each survivor changes nothing that is claimed."""
    return cast("dict[str, str]", json.loads(path.read_text(encoding="utf-8")))


# ---------------------------------------------------------------------- the rows


def rows(
    room: str, today: Sequence[Mutant], result: Path, argued: Path, demand: float
) -> Iterator[Row]:
    """Judge a kept result: that so much is killed, each survivor argued, and all of today."""
    if not result.exists():
        gone = f"       {result} is not there: run it with --full --write"
        yield Row(f"mutants of {room}: a full run is kept", "mutants", "", "", 0.0, False, gone)
        return
    kept = load(result)
    yield _enough(room, kept, result, demand)
    yield _each_argued(room, kept, arguments(argued) if argued.exists() else {}, argued)
    yield _of_today(room, kept, today, result)


def _enough(room: str, kept: Kept, result: Path, demand: float) -> Row:
    count = len(kept.mutants)
    share = kept.killed / count if count else 0.0
    few = [f"{_short(result)}: {share:.1%} are killed, {demand:.0%} is demanded; alive are"]
    killers = ", ".join(f"{name} {number}" for name, number in kept.killers().most_common(5))
    return Row(
        claim=f"mutants of {room}: at least {demand:.0%} are killed",
        engine="mutants",
        bound=f"{kept.date}, {kept.commit}",
        count=f"{kept.killed} of {count}",
        seconds=sum(fate.seconds for fate in kept.fates),
        ok=bool(count) and share >= demand,
        details=lines(few + _some(kept.survivors)),
        note=f"       {share:.1%}; by {killers}",
    )


def _each_argued(room: str, kept: Kept, argued: Mapping[str, str], path: Path) -> Row:
    alive = set(kept.survivors)
    silent = [name for name in kept.survivors if not argued.get(name, "").strip()]
    idle = sorted(argued.keys() - alive)
    wrong: list[str] = []
    if silent:
        wrong += [f"{_short(path)}: {len(silent)} survive without an argument", *_some(silent)]
    if idle:
        wrong += [f"{_short(path)}: {len(idle)} do not survive, or are gone", *_some(idle)]
    return Row(
        claim=f"mutants of {room}: each survivor is argued",
        engine="mutants",
        bound="one by one",
        count=f"{len(alive)} survivors",
        seconds=0.0,
        ok=bool(kept.mutants) and not wrong,
        details=lines(wrong),
    )


def _of_today(room: str, kept: Kept, today: Sequence[Mutant], result: Path) -> Row:
    then, now = set(map(_identity, kept.mutants)), set(map(_identity, today))
    wrong: list[str] = []
    for word, some in (("gone", then - now), ("new", now - then)):
        if some:
            named = sorted(name for name, _, _ in some)
            wrong += [f"{_short(result)}: {len(some)} mutants are {word}", *_some(named)]
    if wrong:
        wrong.append("run it again with --full --write")
    return Row(
        claim=f"mutants of {room}: those kept are those of today's code",
        engine="mutants",
        bound="name, kind and text",
        count=f"{len(now)} mutants",
        seconds=0.0,
        ok=bool(now) and not wrong,
        details=lines(wrong),
    )


def _identity(mutant: Mutant) -> tuple[str, str, str]:
    """Return what must be the same; a line may move."""
    return mutant.name, mutant.kind, mutant.what


def _some(names: Sequence[str]) -> list[str]:
    more = [f"  and {len(names) - MOST_SHOWN} more"] if len(names) > MOST_SHOWN else []
    return [f"  {name}" for name in names[:MOST_SHOWN]] + more


def _short(path: Path) -> str:
    return str(path.relative_to(ROOT)) if path.is_relative_to(ROOT) else str(path)
