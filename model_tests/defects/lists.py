"""The lists of seeded defects, and whether each still fits the library's text."""

import hashlib
import json
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Final, cast, final

from model_tests.chain.command import ROOT

FOLDER: Final = "model_tests/defects"
#: Who wrote a list, and whether he had seen the checks.
LISTS: Final = ("outsider", "insider")
ROOM: Final = "impl/foregone/"


@final
@dataclass(frozen=True, slots=True)
class Defect:
    """An edit of one place."""

    name: str
    file: str  # from the root
    old: str  # stands there once
    new: str
    kind: str  # locks, order, tickets, ...
    story: str  # what goes wrong, in numbered steps
    by: str  # who wrote it

    @property
    def digest(self) -> str:
        """What tells this edit from another of the same name."""
        text = f"{self.file}\0{self.old}\0{self.new}"
        return hashlib.sha256(text.encode()).hexdigest()[:12]

    def applied(self, root: Path) -> str:
        """Return the text of its file with it; raise ValueError unless it stands there once."""
        path = root / self.file
        if not path.is_file():
            raise ValueError(f"{self.name}: there is no {self.file}")
        text = path.read_text(encoding="utf-8")
        count = text.count(self.old)
        if count != 1:
            raise ValueError(
                f"{self.name}: what it changes stands {count} times in {self.file}, not once: "
                f"anchor it again, with the same meaning"
            )
        return text.replace(self.old, self.new)


def read(by: str, root: Path = ROOT) -> list[Defect]:
    """Read one list; raise ValueError for an entry that is not whole."""
    path = root / FOLDER / f"{by}.json"
    found: list[Defect] = []
    wanted = {each.name for each in fields(Defect)} - {"by"}
    for entry in cast("list[dict[str, str]]", json.loads(path.read_text(encoding="utf-8"))):
        if entry.keys() != wanted or not all(entry[each] for each in wanted - {"new"}):
            raise ValueError(f"{path.name}: an entry has not all of {sorted(wanted)}: {entry}")
        found.append(Defect(**entry, by=by))
    return found


def defects(root: Path = ROOT) -> list[Defect]:
    """Return all defects."""
    return [each for by in LISTS for each in read(by, root)]


def problems(some: list[Defect], root: Path = ROOT) -> list[str]:
    """Return what is wrong with the lists, each with the name of its defect."""
    found: list[str] = []
    names = [each.name for each in some]
    found += [f"{name}: two defects have this name" for name in {*names} if names.count(name) > 1]
    for each in some:
        if not each.file.startswith(ROOM):
            found.append(f"{each.name}: {each.file} is no file of the library")
        elif each.old == each.new:
            found.append(f"{each.name}: it changes nothing")
        else:
            try:
                compile(each.applied(root), each.file, "exec")
            except (SyntaxError, ValueError) as error:
                found.append(
                    f"{each.name}: {error}" if isinstance(error, SyntaxError) else str(error)
                )
    return found
