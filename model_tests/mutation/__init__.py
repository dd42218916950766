"""Mutants: small changes of what is checked, each of which some check must find.

A mutant is one change of one place: a guard is dropped, a cell is redirected, a
comparison is turned round.  The checks are run on it; the first that fails has killed
it.  What survives is a finding: a check is missing, or the change changes nothing, and
that is argued, one by one, in a file beside the kept result.

``kept`` keeps what came of a full run, and judges it.  ``tla`` makes the mutants of the models,
``tables`` those of the cells, ``python`` those of Python code, whose rooms are
``python_rooms``'s.
"""

from dataclasses import dataclass
from typing import final


@final
@dataclass(frozen=True, slots=True)
class Mutant:
    """One change of one place."""

    name: str  # unique among those of its room, and the same as long as the place is
    where: str  # the file from the root, and the line: tla/Future.tla:112
    kind: str  # what is done: "guard dropped"
    what: str = ""  # the text before and after, where it is short enough to be read


@final
@dataclass(frozen=True, slots=True)
class Fate:
    """What became of a mutant."""

    mutant: str  # its name
    killed_by: str | None  # the name of the first check that failed, or None: it survives
    seconds: float
