"""The tables as text, as Markdown and as diagrams, drawn from the tables alone.

A table becomes a Machine: names and cells, no more.  An arrow of a diagram is a
cell that changes the state, and commands that lead from one state to the same
other one share an arrow; a command that leaves the state as it is has none.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from html import escape
from typing import Final, TypeVar, final

from foregone_spec import future, lifecycle, process_death, waiting, work_item

R = TypeVar("R", bound=Enum)
C = TypeVar("C", bound=Enum)
T = TypeVar("T")


@final
@dataclass(frozen=True, slots=True)
class Cell:
    """What one command does in one state."""

    after: str  # the state after, or the answer where the table moves nothing
    reply: str = ""
    effects: tuple[str, ...] = ()

    def __str__(self) -> str:
        effects = " ".join(self.effects)
        return "; ".join(filter(None, (", ".join(filter(None, (self.after, self.reply))), effects)))


@final
@dataclass(frozen=True, slots=True)
class Machine:
    """One table, by names."""

    title: str
    row: str  # what a row is
    column: str  # what a column is
    cells: Mapping[str, Mapping[str, Cell]]  # row by row, column by column
    moves: bool = True  # is ``after`` a row, or only an answer?
    effects: str = "effects"  # what the effects are

    @property
    def columns(self) -> tuple[str, ...]:
        """The commands, in the order of the table."""
        return tuple(dict.fromkeys(name for row in self.cells.values() for name in row))

    @property
    def arrows(self) -> tuple["Arrow", ...]:
        """The changes of state, with the commands that cause each, in order."""
        found: dict[tuple[str, str], list[str]] = {}
        for before, row in self.cells.items():
            for command, cell in row.items():
                if self.moves and cell.after != before:
                    found.setdefault((before, cell.after), []).append(command)
        return tuple(Arrow(*ends, tuple(commands)) for ends, commands in found.items())

    @property
    def first(self) -> tuple[str, ...]:
        """The states that no arrow enters."""
        entered = {arrow.after for arrow in self.arrows}
        return tuple(state for state in self.cells if state not in entered)

    @property
    def last(self) -> tuple[str, ...]:
        """The states that no arrow leaves."""
        left = {arrow.before for arrow in self.arrows}
        return tuple(state for state in self.cells if state not in left)


@final
@dataclass(frozen=True, slots=True)
class Arrow:
    """The commands that lead from one state to another."""

    before: str
    after: str
    commands: tuple[str, ...]


def machines() -> dict[str, Machine]:
    """Return every table of the specification, by name."""
    return {
        "future": Machine(
            "One future", "state", "command", _named(future.TRANSITIONS, _future_cell)
        ),
        "lifecycle": Machine(
            "The end of an executor",
            "phase",
            "request",
            _named(lifecycle.TRANSITIONS, _lifecycle_cell),
        ),
        "waiting": Machine(
            "Does one such ending let wait() return?",
            "return_when",
            "ending",
            _named(waiting.RETURNS_ON, _waiting_cell),
            moves=False,
        ),
        "process-death": Machine(
            "Does such a death break the pool?",
            "policy",
            "death",
            _named(process_death.BREAKS, _death_cell),
            moves=False,
        ),
        "work-item": Machine(
            "One submitted call",
            "place",
            "event",
            _named(work_item.TRANSITIONS, _work_item_cell),
            effects="command for the future",
        ),
    }


def markdown(machine: Machine) -> str:
    """Return the table in Markdown: a row for each state, a column for each command."""
    columns = machine.columns
    lines = [
        _markdown_row([machine.row, *(f"`{each}`" for each in columns)]),
        _markdown_row(["---"] * (1 + len(columns))),
    ]
    for state, row in machine.cells.items():
        lines.append(_markdown_row([f"`{state}`", *(str(row[each]) for each in columns)]))
    return "\n".join(lines) + "\n"


def text(machine: Machine) -> str:
    """Return the table in plain text: a line for each cell."""
    after = "after" if machine.moves else "answer"
    lines = [(machine.row, machine.column, after, "reply", machine.effects)]
    for state, row in machine.cells.items():
        for command, cell in row.items():
            lines.append((state, command, cell.after, cell.reply, " ".join(cell.effects)))
    columns = [each for each in zip(*lines, strict=True) if any(each[1:])]
    widths = [max(map(len, each)) for each in columns]
    kept = zip(*columns, strict=True)
    padded = ("  ".join(map(str.ljust, line, widths)).rstrip() for line in kept)
    return "\n".join(padded) + "\n"


def mermaid(machine: Machine) -> str:
    """Return the diagram of ``machine`` for Mermaid."""
    lines = ["stateDiagram-v2"]
    lines += [f"    [*] --> {state}" for state in machine.first]
    for arrow in machine.arrows:
        lines.append(f"    {arrow.before} --> {arrow.after}: {', '.join(arrow.commands)}")
    lines += [f"    {state} --> [*]" for state in machine.last]
    return "\n".join(lines) + "\n"


def dot(machine: Machine) -> str:
    """Return the diagram of ``machine`` for Graphviz."""
    lines = [f'digraph "{machine.title}" {{', "  rankdir=LR;", "  node [shape=box, style=rounded];"]
    for state in machine.cells:
        shape = " [peripheries=2]" if state in machine.last else ""
        lines.append(f'  "{state}"{shape};')
    for arrow in machine.arrows:
        label = "\\n".join(arrow.commands)
        lines.append(f'  "{arrow.before}" -> "{arrow.after}" [label="{label}"];')
    return "\n".join([*lines, "}"]) + "\n"


_GAP: Final = 216  # from the middle of one state to that of the next
_BOX: Final = (176, 34)  # the size of a state
_RISE: Final = 62  # how much higher an arrow is that passes over one more state
_LINE: Final = 14  # of a label

_STYLE: Final = """\
  <style>
    svg { color-scheme: light dark; --ink: #1f2328; --paper: #ffffff; --line: #57606a; }
    @media (prefers-color-scheme: dark) {
      svg { --ink: #e6edf3; --paper: #0d1117; --line: #9198a1; }
    }
    .paper { fill: var(--paper); }
    rect.state { fill: var(--paper); stroke: var(--line); stroke-width: 1.5; }
    path.arrow { fill: none; stroke: var(--line); stroke-width: 1.5; }
    path.head { fill: var(--line); }
    text { fill: var(--ink); font: 12px ui-monospace, monospace; text-anchor: middle; }
    text.label { font-size: 11px; stroke: var(--paper); stroke-width: 4px; paint-order: stroke; }
  </style>
"""


def svg(machine: Machine) -> str:
    """Return the diagram of ``machine`` as an SVG that needs nothing else.

    The states stand in a row, in the order of the table; each arrow is an arc over
    those between its ends, the higher the more there are, so that two labels at one
    height are never closer than two neighbouring states.  Arrows that lead back pass
    below the row, in the same way.
    """
    place = {state: number for number, state in enumerate(machine.cells)}
    ways = {back: [each for each in machine.arrows if _back(place, each) is back] for back in _BACK}
    over, under = (_room(place, ways[back]) for back in _BACK)
    base = 24 + over
    width, height = len(place) * _GAP, base + _BOX[1] + 16 + under
    arcs = [
        _Arc(ways[back], place, arrow, base + back * _BOX[1], back)
        for back in _BACK
        for arrow in ways[back]
    ]
    shapes = [
        *(arc.path() for arc in arcs),
        *(
            _svg_state(state, _x(number), base, state in machine.last)
            for state, number in place.items()
        ),
        *(arc.label() for arc in arcs),
    ]
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" '
        f'width="{width}" height="{height}" role="img">\n'
        f"  <title>{escape(machine.title)}</title>\n{_STYLE}"
        f'  <rect class="paper" width="{width}" height="{height}"/>\n'
        f"{''.join(shapes)}</svg>\n"
    )


_BACK: Final = (False, True)  # does an arrow lead back, and so below the row?


def _back(place: Mapping[str, int], arrow: Arrow) -> bool:
    return place[arrow.after] < place[arrow.before]


def _span(place: Mapping[str, int], arrow: Arrow) -> int:
    return abs(place[arrow.after] - place[arrow.before])


def _room(place: Mapping[str, int], arrows: Sequence[Arrow]) -> int:
    lines = max((len(arrow.commands) for arrow in arrows), default=0)
    return lines * _LINE + max((_span(place, arrow) for arrow in arrows), default=0) * _RISE


@dataclass(frozen=True, slots=True)
class _Arc:
    arrows: Sequence[Arrow]  # that lead the same way
    place: Mapping[str, int]
    arrow: Arrow
    base: int  # where the states' upper edges are, or their lower ones
    back: bool

    def ends(self) -> tuple[int, int]:
        """Nested arcs do not cross: the higher begins further out and ends further out."""
        leaving = [each for each in self.arrows if each.before == self.arrow.before]
        entering = [each for each in self.arrows if each.after == self.arrow.after]
        begin, end = self._offset(leaving, -1), self._offset(entering, 1) - _BOX[0] // 2
        way = -1 if self.back else 1
        return (
            _x(self.place[self.arrow.before]) + way * begin,
            _x(self.place[self.arrow.after]) + way * end,
        )

    def _offset(self, siblings: Sequence[Arrow], sign: int) -> int:
        ordered = sorted(siblings, key=lambda each: sign * _span(self.place, each))
        return (ordered.index(self.arrow) + 1) * (_BOX[0] // 2) // (len(ordered) + 1)

    def rise(self) -> int:
        """Return how far the arc is from the states, upwards or downwards."""
        return _span(self.place, self.arrow) * _RISE * (-1 if self.back else 1)

    def path(self) -> str:
        begin, end = self.ends()
        # A cubic curve rises to three quarters of its handles' height.
        handle = self.base - self.rise() * 4 // 3
        tip = -7 if not self.back else 7
        return (
            f'  <path class="arrow" d="M {begin} {self.base} '
            f'C {begin} {handle} {end} {handle} {end} {self.base + tip}"/>\n'
            f'  <path class="head" d="M {end - 4} {self.base + tip + tip // 7} h 8 '
            f'l -4 {-8 if self.back else 8} z"/>\n'
        )

    def label(self) -> str:
        middle = sum(self.ends()) // 2
        lines = len(self.arrow.commands)
        first = self.base - self.rise() + (16 if self.back else -6 - _LINE * (lines - 1))
        return "".join(
            f'  <text class="label" x="{middle}" y="{first + _LINE * number}">'
            f"{escape(command)}</text>\n"
            for number, command in enumerate(self.arrow.commands)
        )


def _x(number: int) -> int:
    return number * _GAP + _GAP // 2


def _svg_state(state: str, middle: int, top: int, last: bool) -> str:
    wide, high = _BOX
    box = f'<rect class="state" x="{middle - wide // 2}" y="{top}" width="{wide}" height="{high}"'
    inner = (
        f'  <rect class="state" x="{middle - wide // 2 + 3}" y="{top + 3}" '
        f'width="{wide - 6}" height="{high - 6}" rx="6"/>\n'
    )
    return (
        f'  {box} rx="8"/>\n{inner if last else ""}'
        f'  <text x="{middle}" y="{top + 21}">{escape(state)}</text>\n'
    )


def _markdown_row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _named(
    table: Mapping[R, Mapping[C, T]], cell: Callable[[T], Cell]
) -> Mapping[str, Mapping[str, Cell]]:
    return {
        str(state.value): {str(command.value): cell(each) for command, each in row.items()}
        for state, row in table.items()
    }


def _future_cell(step: future.Step) -> Cell:
    reply = step.reply.value if isinstance(step.reply, future.Refusal) else str(step.reply)
    return Cell(step.after.value, reply, tuple(each.value for each in step.effects))


def _lifecycle_cell(step: lifecycle.Step) -> Cell:
    return Cell(step.after.value, effects=tuple(each.value for each in step.effects))


def _waiting_cell(returns: bool) -> Cell:
    return Cell("returns" if returns else "goes on")


def _death_cell(breaks: bool) -> Cell:
    return Cell("breaks" if breaks else "lives on")


def _work_item_cell(step: work_item.Step) -> Cell:
    return Cell(step.after.value, effects=() if step.command is None else (step.command.value,))
