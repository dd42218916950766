"""Every bug that the museum was to be about, by its rank, and where it is.

Ranks: S must be there, A is strong, B is good, C is a footnote.  A bug of rank S or A has a
room with a model; one that has no room says why.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, final


@final
@dataclass(frozen=True, slots=True)
class Bug:
    """One bug of the field."""

    id: str
    rank: str
    rooms: tuple[str, ...] = ()
    title: str = ""
    why: str = ""  # it has no room


def _shown(rank: str, rooms: str) -> Iterator[Bug]:
    """Yield bugs that have rooms: each by its number, and "=" with what its rooms are called."""
    for each in rooms.split():
        name, _, others = each.partition("=")
        yield Bug(name, rank, tuple(others.split("+")) if others else (name,))


BUGS: Final = (
    *_shown("S", "M1 M2=M2a+M2b+M2c M3 M4=M4+M4p M5=M5+M5p M6 M7 H1 H2 H3 H4 H5 H6 P1"),
    *_shown("A", "M8=M8+M8p M9=M9+M9p M10 M11 M12 M13=M13s+M13g+M13p M14"),
    *_shown("A", "M15=M15+M15p M16=M16+M16e M28 H7 H8 H9 H10 H11 H12 H13 H15 H21"),
    *_shown("A", "P2 P3 P4 P5 P6 P7 P10=M3 P16"),
    *_shown("B", "M17 M18 M19 M20 H16 H17 H20 H22 H23 H24 H25 H27 P11=P11+M4p P14 P17=M9p"),
    *_shown("C", "M24 M25 M26"),
    Bug("M21", "B", title="Ctrl-C: processes go on with the next call",
        why="a signal to a whole group of processes: test_process_alone has it"),
    Bug("M22", "B", title="a fork while a user's thread holds a lock",
        why="no pool can mend it; foregone replaces processes with other start methods only"),
    Bug("M23", "B", title="exit waits for pools that were shut down",
        why="foregone waits for calls that run, too: it is what is documented"),
    Bug("M27", "C", title="the finalizer of an executor wants a lock of its wake-up channel",
        why="nobody has reproduced it; StandardReentry-M13 is the design"),
    Bug("H14", "B", title="a feeder that cannot start at exit", why="foregone has no feeder"),
    Bug("H18", "B", title="a dict is changed while the manager goes through it",
        why="the steps of the library are checked in its bytecode: test_interruption_points"),
    Bug("H19", "B", title="a thread that is started during exit",
        why="what is submitted at exit is refused: test_api_processes, test_process_alone"),
    Bug("H26", "C", title="map was lazy", why="it is one argument today, and no bug"),
    Bug("H28", "C", title="wrong exit code of forked children", why="it is about fork, not pools"),
    Bug("H29", "C", title="timeouts by the wall clock",
        why="foregone reads the monotonic clock, and no other"),
    Bug("H30", "B", title="interpreter pools hang", why="foregone has no such pool"),
    Bug("P8", "B", title="nested pools when a process exits (loky)",
        why="it needs luck to be seen"),
    Bug("P9", "B", title="a shutdown meets a break (loky)",
        why="it needs luck to be seen; ProcessPool has both, at any step"),
    Bug("P12", "B", title="a second shutdown hangs (deadpool)", why="M17 asks the same"),
    Bug("P13", "B", title="a process ends before its exception is sent (mpire)",
        why="it needs luck to be seen; ClaimTickets has deaths at any step"),
    Bug("P15", "B", title="as_completed misses a cancelled future (dask)", why="M4 asks the same"),
    Bug("P18", "B", title="a cancelled future is tried again (more-executors)",
        why="nothing is tried again here"),
)  # fmt: skip
