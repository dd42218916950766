"""docs/conformance.md is made of what is recorded, and that says what the kit is for."""

import re
from collections.abc import Mapping
from typing import cast

import pytest

from foregone_conformance.adapters import KNOWN
from foregone_conformance.catalogue import CLAIMS, by_id, chosen
from foregone_conformance.claims import Group
from foregone_conformance.kinds import Kind
from foregone_conformance.promises import NOT_CLAIMED
from model_tests.conformance import page as pages
from model_tests.conformance.page import PAGE, columns, made, newest, verdicts
from model_tests.conformance.record import OLDEST, OWN, PEERS, cleaned, read
from model_tests.museum.data import EXHIBITS
from model_tests.museum.table import PASSES, VERSIONS, Exhibit
from model_tests.readme import renewed

TEXT = PAGE.read_text(encoding="utf-8")
SUPPORTED = [each for each in VERSIONS if tuple(map(int, each.split(".")[:2])) >= OLDEST]
#: What takes an interpreter that has it.
ABSENT = ("absent", PASSES)


def test_the_page_is_made_of_what_is_recorded(monkeypatch: pytest.MonkeyPatch) -> None:
    assert renewed(TEXT, made) == TEXT, "run: python -m model_tests.conformance.page"
    assert TEXT.count("<!-- generated:") == 6
    first = next(iter(columns()))
    other = {**columns(), first: {**columns()[first], "version": "another"}}
    monkeypatch.setattr(pages, "columns", lambda: other)
    assert renewed(TEXT, made) != TEXT


def test_another_verdict_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    title = f"foregone-thread, {SUPPORTED[0]}"
    told = columns()[title]
    changed = {**told, "verdicts": {**verdicts(told), "AtMostOnce": "broken"}}
    monkeypatch.setattr(pages, "columns", lambda: {**columns(), title: changed})
    assert "| AtMostOnce: no call begins twice | " in made("claims thread")
    assert "| AtMostOnce: no call begins twice | " not in TEXT.split("### Processes")[0]


def test_everybody_is_recorded() -> None:
    wanted = [f"{name}, {version}" for name in OWN for version in SUPPORTED]
    assert [*columns()] == [*wanted, *(each.name for each in PEERS)]
    for title, told in columns().items():
        assert title.partition(",")[0] in KNOWN
        ids = {each.id for each in chosen(Kind(cast("str", told["kind"])))}
        assert {*verdicts(told)} == ids, f"{title}: record it again"


def test_where_the_standard_library_answers_otherwise_is_said() -> None:
    """Of each row of the semantics table that it does not keep, and of no other."""
    rows = {each.id: each for each in CLAIMS if each.group is Group.SEMANTICS}
    broken = {
        name
        for title, told in columns().items()
        for name, word in verdicts(told).items()
        if title.startswith("standard") and word == "broken" and name in rows
    }
    assert broken == {name for name, each in rows.items() if each.standard}, "record it again"
    assert not [each for each in CLAIMS if each.standard and each.id not in rows]
    for name in broken:
        assert f"| {name}: " in made("differs")


def test_a_claim_that_came_after_the_record_is_not_said_to_be_kept(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    older = {
        title: {**told, "verdicts": {k: v for k, v in verdicts(told).items() if k != "AtMostOnce"}}
        for title, told in columns().items()
    }
    monkeypatch.setattr(pages, "columns", lambda: older)
    for kind in Kind:
        free, untried = (
            [each for each in made(f"claims {kind.value}").splitlines() if each.startswith(words)]
            for words in ("Broken by nobody here", "Not tried by everybody yet")
        )
        assert not [each for each in free if "AtMostOnce" in each]
        assert [each for each in untried if "AtMostOnce" in each]


def test_the_page_names_each_claim_that_is_not_made_where_calls_run_at_least_once() -> None:
    said = TEXT[TEXT.index("An executor whose `at_most_once` is False") :].partition("\n\n")[0]
    named = set(re.findall(r"`([\w-]+)`", said)) | set(re.findall(r"\bM\d+p?\b", said))
    assert set(NOT_CLAIMED) <= named, set(NOT_CLAIMED) - named


def test_ours_is_convicted_of_nothing() -> None:
    ours = {title: told for title, told in columns().items() if title.startswith("foregone")}
    assert len(ours) == 2 * len(SUPPORTED) + 2  # on Dask, both ways
    for title, told in ours.items():
        assert cast("Mapping[str, int]", told["counts"])["broken"] == 0, title
        assert "broken" not in verdicts(told).values()


@pytest.mark.parametrize("exhibit", EXHIBITS, ids=lambda each: str(each.id))
def test_the_kit_finds_what_the_museum_has(exhibit: Exhibit) -> None:
    """On each interpreter whose standard library has the bug, the kit convicts it."""
    for version in SUPPORTED:
        for kind in by_id(exhibit.id).kinds:
            told = columns()[f"standard-{kind.value}, {version}"]
            word = exhibit.recorded()[version]
            found = verdicts(told)[exhibit.id]
            assert (found == "broken") == (word not in ABSENT), f"{version}: {word}, {found}"


def test_what_was_seen_is_told_of_each() -> None:
    for title in newest():
        assert f"### {title.replace(',', ' of')}\n" in TEXT
    assert not re.search(r"0x[0-9a-f]{6}", TEXT)
    assert "deadpool" in newest()
    assert read()["commit"] != "unknown"


def test_what_was_seen_names_no_machine() -> None:
    assert cleaned("in /somewhere/x.py and '/there'\nmore", "/tmp") == "in PATH and PATH"


def test_a_part_that_is_not_there_is_told() -> None:
    with pytest.raises(LookupError, match="no part 'x'"):
        made("x")
