"""Mutants of the TLA+ modules: all of them are found, and each is a change."""

import re
from collections import Counter
from pathlib import Path

import pytest

from model_tests.chain.java import TLA
from model_tests.chain.models import ACTIONS
from model_tests.mutation import tla_differs, tla_equality
from model_tests.mutation.tla import (
    Mutation,
    NothingToMutate,
    actions,
    changed,
    contexts,
    mutations,
)
from model_tests.mutation.tla_batch import Copies, renamed
from model_tests.mutation.tla_differs import within_actions
from model_tests.mutation.tla_equality import compare, otherwise, pairs, python_graph
from model_tests.mutation.tla_modules import Context, Subject
from model_tests.mutation.tla_parse import NotUnderstood, definitions
from model_tests.mutation.tla_places import Change

EVERY = tuple(mutations())
CONTEXTS = contexts()

SMALL = """---- MODULE Small ----
EXTENDS Naturals

VARIABLES
  x,  \\* a number
  y   \\* another

vars == <<x, y>>

TypeOK == x \\in 0..3 /\\ y \\in {"on", "off"}

Init == x = 0 /\\ y = "on"

Up ==  \\* one more
  /\\ x < 3 /\\ y = "on"
  /\\ x' = x + 1
  /\\ UNCHANGED y

Off ==
  /\\ GUARD
  /\\ EFFECT

Next == Up \\/ Off

Spec == Init /\\ [][Next]_vars
====
"""


def small(
    folder: Path, guard: str = 'y = "on"', effect: str = "y' = \"off\" /\\ x' = 0"
) -> Context:
    text = SMALL.replace("GUARD", guard).replace("EFFECT", effect)
    (folder / "Small.tla").write_text(text)
    return Context(Subject("Small", "Small"), folder)


def of(name: str) -> list[Mutation]:
    return [each for each in EVERY if each.subject.name == name]


# -------------------------------------------------------------------- what is parsed


@pytest.mark.parametrize("path", sorted(TLA.glob("*.tla")), ids=lambda path: path.stem)
def test_each_module_is_understood(path: Path) -> None:
    text = path.read_text()
    found = definitions(text)
    assert {each.name for each in found} == set(
        re.findall(r"^(\w+)(?:\(.*\))? ==", text, re.MULTILINE)
    )


@pytest.mark.parametrize("body", ["a $ b", "/\\ a b", "(a", "IF a THEN b", "CASE a"])
def test_what_is_not_understood_is_an_error(body: str) -> None:
    with pytest.raises((NotUnderstood, IndexError)):
        definitions(f"A ==\n  {body}\n====\n")


# ------------------------------------------------------------------ what is mutated


@pytest.mark.parametrize("context", CONTEXTS, ids=lambda context: context.subject.name)
def test_each_action_has_guards_and_effects(context: Context) -> None:
    found = actions(context)
    known = ACTIONS.get(context.subject.name)
    if known is not None:
        assert set(found) == {action.__name__ for action in known}
    assert all(action.guards and action.effects for action in found.values())


@pytest.mark.parametrize("context", CONTEXTS, ids=lambda context: context.subject.name)
def test_each_definition_of_an_action_is_mutated(context: Context) -> None:
    counted = Counter(each.definition for each in of(context.subject.name))
    own = set(context.reachable(context.subject.next))
    assert not [name for name in own & set(context.groups[1]) if not counted[name]]


def test_each_mutant_is_one_of_a_kind() -> None:
    names = [each.mutant.name for each in EVERY]
    assert len(set(names)) == len(names) > 1_000
    assert len({(each.module, each.text) for each in EVERY}) > 0.99 * len(names)


def test_each_mutant_is_where_it_says() -> None:
    for each in EVERY:
        path, _, line = each.mutant.where.partition(":")
        text = (TLA.parent / path).read_text().splitlines()[int(line) - 1]
        assert each.mutant.what.split(" => ")[0].split()[0].strip("/\\") in text


def test_each_mutant_is_understood() -> None:
    """And only the one definition has changed."""
    for each in EVERY[::20]:
        before = definitions((TLA / f"{each.module}.tla").read_text())
        after = definitions(each.text)
        assert [one.name for one in before] == [one.name for one in after]


def test_an_action_without_a_guard_is_an_error(tmp_path: Path) -> None:
    assert set(actions(small(tmp_path))) == {"Up", "Off"}
    with pytest.raises(NothingToMutate, match="Off: 0 guards"):
        actions(small(tmp_path, guard="TRUE"))


def test_an_action_without_an_effect_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(NothingToMutate, match="Off: 1 guards, 0 effects"):
        actions(small(tmp_path, effect="UNCHANGED vars"))


# ---------------------------------------------------------------------- columns


def test_what_follows_stays_in_its_column() -> None:
    text = "A ==\n  /\\ IF x THEN /\\ a\n               /\\ b\n     ELSE c\n"
    start = text.index("x")
    longer = changed(text, Change("", start, start + 1, "x /\\ ~(y = 0)"))
    assert longer == (
        "A ==\n  /\\ IF x /\\ ~(y = 0)\n          THEN /\\ a\n               /\\ b\n     ELSE c\n"
    )
    shorter = changed(text.replace("x", "xyz"), Change("", start, start + 3, "x"))
    assert shorter.index("/\\ a") == text.replace("x", "xyz").index("/\\ a")


def test_a_copy_keeps_its_columns() -> None:
    text = "A(p) ==\n  LET v == B(p)\n  IN  /\\ B(v) /\\ C\n      /\\ r.B = 1\n"
    copy = renamed(text, {"A": "A_17", "B": "B_17"})
    assert copy.startswith("A_17(p) ==\n")
    assert copy.count("B_17") == 2
    assert "r.B" in copy
    bullets = [line.index("/\\ ") for line in copy.splitlines() if line.lstrip().startswith("/\\")]
    assert bullets[-1] == 6


# --------------------------------------------------------------------- one batch


def test_a_batch_tells_a_change_from_none(tmp_path: Path) -> None:
    """The module as it is goes along in each batch, and must equal the Python spec."""
    context = next(each for each in CONTEXTS if each.subject.name == "Map")
    chosen = [each for each in of("Map") if each.definition == "Release"]
    unchanged = Mutation(
        chosen[0].mutant, context.subject, "Map", "Release", context.modules["Map"].text
    )
    found = dict[str, str | None]()
    for mutation, differs, _ in compare(
        Copies(context), [*chosen, unchanged], pairs("Map")[0], tmp_path
    ):
        found["as it is" if mutation is unchanged else mutation.mutant.kind] = differs
    assert found.pop("as it is") is None
    assert set(found) == {"guard dropped", "effect frozen", "value redirected"} & set(found)
    assert all(found.values())
    assert found


def test_both_ways_to_compare_agree(tmp_path: Path) -> None:
    """Who takes no other step has the same graph, and who takes one has another."""
    context = next(each for each in CONTEXTS if each.subject.name == "Map")
    copies, pair = Copies(context), pairs("Map")[0]
    inner = [each for each in of("Map") if within_actions(copies, each)]
    chosen = [each for each in inner if each.mutant.kind in ("effect frozen", "branch forced")][::4]
    found = {
        one.mutant.name: how is None for one, how, _ in otherwise(copies, chosen, pair, tmp_path)
    }
    explored = {
        one.mutant.name: how is None for one, how, _ in compare(copies, chosen, pair, tmp_path)
    }
    assert found == explored
    assert set(found.values()) == {True, False}


def test_who_fails_without_a_place_is_found_by_halves(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As where a stack overflows: TLC names no line, and one of the many is to blame."""
    context = next(each for each in CONTEXTS if each.subject.name == "Map")
    copies, pair = Copies(context), pairs("Map")[0]
    inner = [each for each in of("Map") if within_actions(copies, each)]
    fates = {
        one.mutant.name: (one, how) for one, how, _ in otherwise(copies, inner, pair, tmp_path)
    }
    fails = [one for one, how in fates.values() if how == tla_differs.ERRONEOUS][:1]
    lives = [one for one, how in fates.values() if how != tla_differs.ERRONEOUS][:4]
    assert fails
    assert lives
    monkeypatch.setattr(tla_differs, "_culprit", lambda *_: -1)
    chosen = [*lives[:3], *fails, *lives[3:]]
    for one, how, _ in otherwise(copies, chosen, pair, tmp_path):
        assert how == fates[one.mutant.name][1]
    monkeypatch.setattr(tla_differs, "_sought", lambda *_: -1)
    with pytest.raises(RuntimeError, match="TLC failed on no mutant"):
        list(otherwise(copies, chosen, pair, tmp_path))


def test_a_batch_whose_own_module_is_wrong_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    context = next(each for each in CONTEXTS if each.subject.name == "Map")
    another = python_graph(pairs("Map")[1].model)
    monkeypatch.setattr(tla_equality, "python_graph", lambda _: another)
    with pytest.raises(RuntimeError, match="the module as it is differs"):
        list(compare(Copies(context), [], pairs("Map")[0], tmp_path))
    with pytest.raises(RuntimeError, match="the module as it is differs"):
        list(otherwise(Copies(context), [], pairs("Map")[0], tmp_path))
