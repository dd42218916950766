"""The rooms of the process pool as a picture: the seed's data flow, and what is where now.

Plain text and no colour: it can be piped.  Where there are fewer columns than it takes, the
rooms stand below each other.
Work Ids, the Call Q and the Result Q hold numbers of calls; Work Items say of each call what
its future knows, and of a claimed one that the parent does not know of, what is true.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby, zip_longest
from typing import Final, TypeAlias, final

from foregone_spec.future import State
from foregone_spec.process_pool_state import ABSENT, ProcessPoolState

_NOTHING: Final = "-"
_LEFT: Final = "In-process"
_RIGHT: Final = "Out-of-process"
#: Of more calls than this in a room some are left out.
MOST: Final = 12
#: The lines of a room that are not its content: above and below its name, and the last.
_EDGES: Final = 4

#: A name, and what is in it, line by line.
_Room: TypeAlias = tuple[str, Sequence[str]]


def picture(
    now: ProcessPoolState, work_ids: Sequence[int] = (), most: int = MOST, columns: int = 0
) -> str:
    """Return the data-flow diagram of the seed, with what is in each room in ``now``.

    ``work_ids`` are the numbers of its calls, if they are not 1, 2, and so on: those of a
    live pool.  Of more than ``most`` calls in a room some are left out, and it says so; of more
    processes, those that stand alike and side by side are one line.  Where it is wider than
    ``columns``, if that is not 0, the rooms stand below each other.
    """
    shown = _Shown(work_ids, most)
    executor, worker = ("Executor", list(_executor(now))), ("Local Worker Thread", _worker(now))
    ids, items = ("Work Ids", [shown.row(now.work_ids)]), ("Work Items", shown.items(now))
    calls, answers = ("Call Q", [shown.row(now.call_queue)]), ("Result Q", list(shown.answers(now)))
    processes = (f"Process #1..{len(now.processes) or 'n'}", list(shown.processes(now)))
    above = _EDGES + 1
    below = _EDGES + max(len(items[1]), len(answers[1]))
    tall = max(above + below, _EDGES + max(len(each[1]) for each in (executor, worker, processes)))
    below = tall - above

    def two(upper: _Room, lower: _Room) -> list[str]:
        width = max(map(_width, (upper, lower)))
        return _drawn(upper, above, width) + _drawn(lower, below, width)

    def one(room: _Room) -> list[str]:
        return _drawn(room, tall, _width(room))

    def arrows(upper: str, lower: str) -> list[str]:
        lines = [" " * 5] * tall
        lines[above // 2] = f" {upper:^3} "
        lines[above + below // 2] = f" {lower:^3} "
        return lines

    known, queues, both = two(ids, items), two(calls, answers), arrows("=>", "<=>")
    inner = _beside([one(executor), both, known, both, one(worker), arrows("=>", "<="), queues])
    outer = _beside([arrows("=>", "<="), one(processes)])
    inside, outside = (max(map(len, each)) for each in (inner, outer))
    head = f"|{_LEFT:=^{inside - 1}}|{_RIGHT:=^{outside}}|"
    if 0 < columns < len(head):
        rooms = (executor, ids, items, worker, calls, answers, processes)
        return "".join(f"{name}\n" + "".join(f"  {each}\n" for each in has) for name, has in rooms)
    return "\n".join([head, *(line.rstrip() for line in _beside([inner, outer]))]) + "\n"


def row(numbers: Sequence[int], most: int = MOST) -> str:
    """Return some numbers as a text, "-" of none; of more than ``most``, how many there are."""
    names = list(map(str, numbers))
    if len(names) > most:
        names = [*names[: most - 1], "..", names[-1], f"({len(names):,})"]
    return " ".join(names) or _NOTHING


def _executor(now: ProcessPoolState) -> Iterator[str]:
    yield now.phase.value
    if now.collected:
        yield "collected"
    for number, stands in enumerate(now.closers, start=1):
        if stands != "out":
            yield f"shutdown {number}: {stands}"


def _worker(now: ProcessPoolState) -> list[str]:
    early = [f"{now.early} died early"] if now.early else []
    return ["awake" if now.awake else "asleep", *early]


@final
@dataclass(frozen=True, slots=True)
class _Shown:
    """How calls are called, and how many of a room are shown."""

    work_ids: Sequence[int]
    most: int

    def name(self, number: int) -> int:
        return self.work_ids[number - 1] if self.work_ids else number

    def row(self, numbers: Sequence[int]) -> str:
        return row(list(map(self.name, numbers)), self.most)

    def items(self, now: ProcessPoolState) -> Sequence[str]:
        known = [number for number, call in enumerate(now.calls, start=1) if call != "out"]
        kept = known if len(known) <= self.most else known[: self.most - 1]
        lines = [self.item(now, number) for number in kept]
        if len(kept) < len(known):
            lines += ["..", self.item(now, known[-1]), f"({len(known):,})"]
        return lines or [_NOTHING]

    def item(self, now: ProcessPoolState, number: int) -> str:
        future, name = now.futures[number - 1], self.name(number)
        if now.calls[number - 1] == "raised":
            return f"{name}: submit raised"
        if future is State.PENDING and now.begun[number - 1]:
            return f"{name}: PENDING (claimed)"
        return f"{name}: {future.value}"

    def answers(self, now: ProcessPoolState) -> Iterator[str]:
        return self.each(f": {self.row(answers)}" for answers in now.result_queue)

    def processes(self, now: ProcessPoolState) -> Iterator[str]:
        return self.each(self.process(now, place) for place in range(len(now.processes)))

    def process(self, now: ProcessPoolState, place: int) -> str:
        stands, runs = now.processes[place], now.runs[place]
        said = f" {stands} {self.name(runs)}" if runs else f" {stands}"
        return said if stands in ABSENT or now.watched[place] else f"{said}, unwatched"

    def each(self, of_processes: Iterable[str]) -> Iterator[str]:
        """Yield what is said of each process; of many, once for those in a row that are alike."""
        said = list(of_processes)
        number = 1
        for text, same in groupby(said):
            alike = len(list(same))
            if len(said) > self.most and alike > 1:
                yield f"#{number}..{number + alike - 1}{text}"
            else:
                yield from (f"#{each}{text}" for each in range(number, number + alike))
            number += alike


# ------------------------------------------------------------------- boxes of text


def _width(room: _Room) -> int:
    return max(map(len, (room[0], *room[1])))


def _drawn(room: _Room, height: int, width: int) -> list[str]:
    name, lines = room
    edge = f"+{'-' * (width + 2)}+"
    filled = [*lines, *[""] * (height - _EDGES - len(lines))]
    return [edge, f"| {name:{width}} |", edge, *(f"| {each:{width}} |" for each in filled), edge]


def _beside(columns: Sequence[Sequence[str]]) -> list[str]:
    widths = [max(map(len, column)) for column in columns]
    return [
        "".join(f"{line:{width}}" for line, width in zip(row, widths, strict=True))
        for row in zip_longest(*columns, fillvalue="")
    ]
