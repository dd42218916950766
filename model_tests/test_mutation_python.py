"""Mutants of Python code: what is changed, that they are found, and how one is not."""

import ast
import sys
from pathlib import Path

import pytest

from model_tests.mutation import spec_graphs, spec_truths, tables
from model_tests.mutation.kept import load
from model_tests.mutation.python import (
    apart,
    changes,
    enumerations,
    install,
    mutated,
    path_of,
    same,
)
from model_tests.mutation.python_places import places
from model_tests.mutation.python_room import Room

MEMBERS = {"State": ("PENDING", "RUNNING", "DONE")}


def made(source: str) -> list[tuple[str, str]]:
    """Return every mutant of a text: the kind, and the text that it makes."""
    found: list[tuple[str, str]] = []
    for number in range(len(list(places(ast.parse(source), MEMBERS, {"State": "State"})))):
        tree = ast.parse(source)
        place = list(places(tree, MEMBERS, {"State": "State"}))[number]
        place.change()
        found.append((place.kind, ast.unparse(ast.fix_missing_locations(tree)).split("\n", 1)[-1]))
    return found


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("x.y = 1", {("statement dropped", "pass"), ("constant replaced", "x.y = 2")}),
        (
            "if x: y()",
            {
                ("condition negated", "if not x:\n        y()"),
                ("statement dropped", "if x:\n        pass"),
            },
        ),
        (
            "return a < b and c",
            {
                ("and, or swapped", "return a < b or c"),
                ("operand dropped", "return c"),
                ("operand dropped", "return a < b"),
                ("comparison shifted", "return a <= b and c"),
            },
        ),
        (
            "return x is State.DONE",
            {
                ("comparison turned", "return x is not State.DONE"),
                ("member replaced", "return x is State.PENDING"),
            },
        ),
        ("return f(a, b)", {("arguments swapped", "return f(b, a)")}),
        ("return f(a, k=b)", {("argument dropped", "return f(a)")}),
        (
            "return (a, *b)",
            {("element dropped", "return (*b,)"), ("element dropped", "return (a,)")},
        ),
        ("return any(a)", {("function replaced", "return all(a)")}),
        ("return a + b", {("sign changed", "return a - b")}),
        (
            "while not x: break",
            {
                ("condition negated", "while x:\n        break"),
                ("statement dropped", "while not x:\n        pass"),
            },
        ),
    ],
)
def test_what_is_changed(line: str, expected: set[tuple[str, str]]) -> None:
    found = made(f"def f(x, a, b, c, y):\n    {line}")
    assert {(kind, text.strip()) for kind, text in found} == expected


@pytest.mark.parametrize(
    "line",
    [
        "'only said'",
        "LOGGER.debug('x')",
        "if observer.log is not None: observer.log += ((1, 2),)",
        "raise_ = x",  # a name that would not be there finds itself
        "pass",
    ],
)
def test_what_is_left_alone(line: str) -> None:
    assert made(f"def f(x):\n    {line}") == []


def test_what_a_function_answers_is_turned_round() -> None:
    found = made("def f(x) -> bool:\n    return g(x)")
    assert found == [("return value replaced", "    return not g(x)")]
    found = made("def f(x) -> int | None:\n    return g(x)")
    assert found == [("return value replaced", "    return None")]


def test_names_of_members_are_known() -> None:
    source = "_A, _B, _C = State\nONE = (_A, x)\ndef f(): return _C"
    assert ("member replaced", "ONE = (_A, x)\n\ndef f():\n    return _A") in made(source)
    assert enumerations()["Place"] == ("WAITING", "IN_SLOT", "RECALLED", "CLAIMED", "SETTLED")


@pytest.mark.parametrize("module", ["foregone_spec.future", "foregone.future", "foregone.worker"])
def test_each_mutant_is_other_code_on_the_same_lines(module: str) -> None:
    source = ast.parse(path_of(module).read_text())
    size = len(path_of(module).read_text().splitlines())
    found = changes(module)
    assert len({each.mutant.name for each in found}) == len(found) > 15
    for each in found[:: max(1, len(found) // 12)]:
        assert not same(module, each.number), each.mutant.name
        tree = mutated(module, each.number)
        assert len(tree.body) == len(source.body)
        lines = [getattr(node, "lineno", 1) for node in ast.walk(tree)]
        assert 1 <= min(lines) <= max(lines) <= size


def test_a_mutant_does_not_come_too_late() -> None:
    import foregone_spec.future  # noqa: F401  # it is there

    before = list(sys.meta_path)
    with pytest.raises(RuntimeError, match="comes too late"):
        install("foregone_spec.future", 0)
    assert sys.meta_path == before


def test_who_is_imported_before_a_mutant() -> None:
    assert "foregone_spec.future" in apart("foregone_spec.process_pool")
    assert "foregone_spec.process_pool_invariants" not in apart("foregone_spec.process_pool")
    assert "foregone_spec.process_pool" not in apart("foregone_spec.process_pool_invariants")
    assert "foregone_spec.process_pool" in apart("foregone.future")


# ------------------------------------------------------------------------ the server


def test_a_mutant_is_found_and_the_original_is_not() -> None:
    room = Room("spec", "the specification", ["foregone_spec.lifecycle"], 1.0)
    mutants = room.mutants()
    wrong = next(
        each for each in mutants if each.what == "phase is Phase.OPEN -> phase is not Phase.OPEN"
    )
    law = "contract of lifecycle.accepts"
    (first, alone, other) = room.judge([wrong] * 3, [None, law, "law: every table is total"])
    assert (first.killed_by, alone.killed_by, other.killed_by) == (law, law, None)


# --------------------------------------------------------------------- what TLC has said


def test_what_tlc_has_said_is_of_todays_models() -> None:
    import json

    for module in (spec_graphs, spec_truths):
        told = json.loads(module.KEPT.read_text())
        assert told["tla"] == module.of_today(), f"run python -m {module.__name__} --write"
    assert set(spec_truths.read()) == set(spec_truths.BOUNDS)  # a run that was ended kept the rest


def test_pythons_invariants_say_what_tlcs_say() -> None:
    asked = spec_truths.kept()
    assert len(asked) > 60
    assert {each: said for each in asked if (said := list(spec_truths.complaints(each)))} == {}


def test_each_invariant_is_false_somewhere() -> None:
    answers: dict[str, str] = {}
    for told in spec_truths.read().values():
        truths = told["truths"]
        assert isinstance(truths, dict)
        for name, said in truths.items():
            answers[str(name)] = answers.get(str(name), "") + str(said)
    assert [name for name, said in answers.items() if "0" not in said or "1" not in said] == []


def test_pythons_graphs_are_those_that_tlc_has_written() -> None:
    kept = spec_graphs.kept()
    assert kept.keys() == spec_graphs.BOUNDS.keys()
    quick = [name for name, each in kept.items() if each.states < 500]
    assert len({name.partition(",")[0] for name in quick}) == 5
    assert {name: list(spec_graphs.complaints(name, kept[name])) for name in quick} == {
        name: [] for name in quick
    }


# ------------------------------------------------------------------------- the tables


def test_every_cell_is_dropped_and_redirected_everywhere() -> None:
    made = tables.cells().values()
    for name, table in tables.TABLES.items():
        size = sum(map(len, table.values()))
        mine = [each for each in made if each.table == name]
        assert sum(each.mutant.kind == "dropped" for each in mine) == size
        if name in ("future", "lifecycle", "work_item"):
            states = len(table)
            redirected = [each for each in mine if each.mutant.kind == "redirected"]
            assert len(redirected) == size * (states - 1)


def test_a_cell_is_on_the_line_that_is_told() -> None:
    for each in tables.cells().values():
        path, _, line = each.mutant.where.partition(":")
        text = Path(path_of(f"foregone_spec.{each.table}")).read_text().splitlines()[int(line) - 1]
        assert path.endswith(f"{each.table}.py")
        assert ":" in text, f"{each.mutant.name}: {text}"
        assert "{" not in text or each.table == "waiting", f"{each.mutant.name}: {text}"


def test_the_tables_are_as_they_were_after_their_mutants() -> None:
    before = {
        name: {row: dict(cells) for row, cells in table.items()}
        for name, table in tables.TABLES.items()
    }
    some = tables.mutants()[::40]
    assert all(fate.killed_by is not None for fate in tables.judge(some))
    assert before == tables.TABLES


def test_a_change_that_no_law_notices_survives(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tables, "_checks", lambda: iter([("nothing", lambda: True)]))
    (fate,) = tables.judge(tables.mutants()[:1])
    assert fate.killed_by is None


def test_what_is_kept_of_the_tables_is_all_of_them() -> None:
    kept = load(tables.RESULT)
    assert kept.killed == len(kept.mutants) == len(tables.mutants())
