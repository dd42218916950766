"""Mutants of the tables: each cell redirected, dropped, or with another answer.

    python -m model_tests.mutation.tables [--write]

A cell is redirected to every other state that there is, answers or commands everything else
that it could, and has each of its effects left out, one more, and all in the other order.  The
laws and the contracts are asked: they read the tables as they are at that moment, and so does
the library.  All mutants take a few seconds.
"""

import argparse
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from functools import cache, partial
from pathlib import Path
from time import perf_counter
from typing import Final, TypeAlias, TypeVar, cast, final

from foregone_spec import future, lifecycle, process_death, waiting, work_item
from foregone_spec.future import Command, Refusal, State
from foregone_spec.lifecycle import Phase
from foregone_spec.work_item import Place
from model_tests import spec_laws
from model_tests.chain import contracts
from model_tests.mutation import Fate, Mutant
from model_tests.mutation.kept import save
from model_tests.mutation.python import path_of

RESULT: Final = Path(__file__).with_name("tables.json")
ARGUED: Final = Path(__file__).with_name("tables_survivors.json")
DEMAND: Final = 1.0

E = TypeVar("E", bound=Enum)

#: A cell is a Step of its table's module, or a truth value; a table, rows of them.
Content: TypeAlias = future.Step | lifecycle.Step | work_item.Step | bool
Table: TypeAlias = dict[Enum, dict[Enum, Content]]
TABLES: Final[Mapping[str, Table]] = {
    "future": cast("Table", future.TRANSITIONS),
    "lifecycle": cast("Table", lifecycle.TRANSITIONS),
    "work_item": cast("Table", work_item.TRANSITIONS),
    "waiting": cast("Table", waiting.RETURNS_ON),
    "process_death": cast("Table", process_death.BREAKS),
}


@final
@dataclass(frozen=True, slots=True)
class Cell:
    """A cell, and what is there instead: nothing, if it is dropped."""

    mutant: Mutant
    table: str
    row: Enum
    column: Enum
    instead: tuple[Content, ...]


# ------------------------------------------------------------------------ what is changed


def _others(cell: Content) -> Iterator[tuple[str, Content]]:
    """Yield what can stand in a cell instead, and the kind of the change."""
    match cell:
        case future.Step(_, _, effects):
            yield from (("redirected", cell._replace(after=each)) for each in State)
            for reply in (True, False, None, *Refusal):
                yield "another reply", cell._replace(reply=reply)
            for kind, other in _effects(effects, future.Effect):
                yield kind, cell._replace(effects=other)
        case lifecycle.Step(_, ends):
            yield from (("redirected", cell._replace(after=each)) for each in Phase)
            for kind, others in _effects(ends, lifecycle.Effect):
                yield kind, cell._replace(effects=others)
        case work_item.Step():
            yield from (("redirected", cell._replace(after=each)) for each in Place)
            for command in (None, *Command):
                yield "another command", cell._replace(command=command)
        case bool():
            yield "turned round", not cell


def _effects(effects: tuple[E, ...], every: type[E]) -> Iterator[tuple[str, tuple[E, ...]]]:
    for effect in every:
        yield "an effect less", tuple(each for each in effects if each is not effect)
        if effect not in effects:
            yield "an effect more", (*effects, effect)
    yield "effects the other way round", effects[::-1]


@cache
def cells() -> Mapping[str, Cell]:
    """Return the mutants of all tables by name."""
    made: dict[str, Cell] = {}
    for table, rows in TABLES.items():
        for row, columns in rows.items():
            for column, cell in columns.items():
                for each in _of_cell(table, row, column, cell):
                    made.setdefault(each.mutant.name, each)
    return made


def _of_cell(table: str, row: Enum, column: Enum, cell: Content) -> Iterator[Cell]:
    where = f"spec/foregone_spec/{table}.py:{_line(table, row, column)}"
    start = f"{table} {row.name} {column.name}"

    def made(kind: str, what: str, instead: tuple[Content, ...]) -> Cell:
        mutant = Mutant(f"{start}: {kind}{f': {what}' if what else ''}", where, kind, what)
        return Cell(mutant, table, row, column, instead)

    yield made("dropped", "", ())
    for kind, other in _others(cell):
        if other != cell or type(other) is not type(cell):
            yield made(kind, _text(other), (other,))


def _text(cell: Content) -> str:
    if isinstance(cell, bool):
        return str(cell)
    return ", ".join(_word(part) for part in cell)


def _word(part: object) -> str:
    match part:
        case Enum():
            return part.name
        case tuple():
            return " ".join(map(_word, part)) or "no effect"
        case _:
            return str(part)


@cache
def _source(table: str) -> list[str]:
    return path_of(f"foregone_spec.{table}").read_text().splitlines()


def _line(table: str, row: Enum, column: Enum) -> int:
    """Return the line of a cell: it is that of its column after that of its row."""
    rows, columns = list(TABLES[table]), list(TABLES[table][row])
    lines = _source(table)
    start = next(
        number
        for number, line in enumerate(lines)
        if line.startswith(("TRANSITIONS", "BREAKS", "RETURNS_ON"))
    )
    one_line = table == "waiting"
    heads = [
        number
        for number, line in enumerate(lines[start + 1 :], start + 2)
        if line.startswith("    ") and "{" in line and not line.startswith("     ")
    ]
    return heads[rows.index(row)] + (0 if one_line else 1 + columns.index(column))


def mutants() -> tuple[Mutant, ...]:
    """Return the mutants of today's tables."""
    return tuple(each.mutant for each in cells().values())


# --------------------------------------------------------------------------- who finds it


def _checks() -> Iterator[tuple[str, Callable[[], bool]]]:
    """Yield the laws and contracts by name; each says whether it holds."""
    for law, told in spec_laws.LAWS.items():
        yield f"law: {law}", partial(_lawful, told)
    for name, contract in _contracts().items():
        yield f"contract of {name}", partial(_kept, contract)


def _lawful(told: Callable[[], Iterator[tuple[str, bool]]]) -> bool:
    return all(holds for _, holds in told())


def _kept(contract: contracts.Contract) -> bool:
    return not contracts.enumerated({contract.name: contract}, contracts.MODULES)[1]


@cache
def _contracts() -> dict[str, contracts.Contract]:
    return contracts.specified()


def _holds(check: Callable[[], bool]) -> bool:
    try:
        return check()
    except (KeyError, ValueError, TypeError, AttributeError):
        return False  # a cell that is not there, or is no such cell


def judged(cell: Cell) -> Fate:
    """Put another cell in place, and say who notices first."""
    table = TABLES[cell.table]
    began, kept = perf_counter(), table[cell.row]
    changed = {column: each for column, each in kept.items() if column is not cell.column}
    if cell.instead:
        changed = {
            column: cell.instead[0] if column is cell.column else kept[column] for column in kept
        }
    table[cell.row] = changed
    try:
        killer = next((name for name, check in _checks() if not _holds(check)), None)
    finally:
        table[cell.row] = kept
    return Fate(cell.mutant.name, killer, perf_counter() - began)


def judge(chosen: Sequence[Mutant]) -> Iterator[Fate]:
    """Judge mutants by all laws and contracts; unchanged, the tables break none of them."""
    broken = [name for name, check in _checks() if not check()]
    if broken:
        raise AssertionError(f"the tables as they are break {', '.join(broken)}")
    for mutant in chosen:
        yield judged(cells()[mutant.name])


def main(arguments: Sequence[str] | None = None) -> int:
    """Judge all, and keep it if asked to."""
    parser = argparse.ArgumentParser("tables", description="Mutants of the tables.")
    parser.add_argument("--write", action="store_true", help="keep the result")
    asked = parser.parse_args(arguments)
    every = mutants()
    fates = list(judge(every))
    alive = [each.mutant for each in fates if each.killed_by is None]
    if asked.write:
        save(RESULT, every, fates)
    print("\n".join([f"alive: {each}" for each in alive]))
    print(f"tables: {len(fates) - len(alive)} of {len(fates)} killed")
    return int(bool(alive))


if __name__ == "__main__":
    sys.exit(main())
