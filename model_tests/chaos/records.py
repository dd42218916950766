"""What is written down of each call, and of each map."""

from dataclasses import dataclass, field
from typing import Any, Final, final

#: The variable whose word tells the processes of one run from all others.
WORD: Final = "FOREGONE_CHAOS"


@final
@dataclass(slots=True, eq=False)
class Record:
    """One call, and what is known of it."""

    number: int
    kind: str
    size: int
    future: Any = None  # of whichever library; None if it was refused
    refused: BaseException | None = None
    cancelled: int = 0  # how often cancel() said True
    seen_running: bool = False
    wrong: list[str] = field(default_factory=list)  # what was seen at once to be wrong
    called: int = 0  # how often its callback came


@final
@dataclass(slots=True, eq=False)
class Mapped:
    """One map, and what came out of it."""

    first: int
    length: int
    fatal: int  # which item ends its process, or -1
    chunksize: str
    got: list[object] = field(default_factory=list)
    error: BaseException | None = None
    refused: bool = False
