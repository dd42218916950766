"""docs/museum.md is what the museum's data say, and each room of it is complete."""

import re
from dataclasses import replace

import pytest

from model_tests.chain import java, models, tlc
from model_tests.chain.models import configs
from model_tests.museum import page as pages
from model_tests.museum.catalogue import BUGS
from model_tests.museum.data import EXHIBITS, TELLING
from model_tests.museum.page import PAGE, in_order, page, read_story, text, told
from model_tests.museum.record import read, wrong
from model_tests.museum.table import Exhibit

TEXT = PAGE.read_text(encoding="utf-8")
REST = ("Old designs without a script", "What has no room")
ROOMS = {part.partition("\n")[0]: part for part in TEXT.split("\n## ")[1:]}


def test_the_page_is_what_the_data_say() -> None:
    assert page() == TEXT, "run: python -m model_tests.museum.page"


def test_another_word_in_the_data_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    first = EXHIBITS[0]
    for other in (
        replace(first, title="another"),
        replace(first, steps=("another", *first.steps)),
        replace(first, models=()),
        replace(first, seed="another"),
    ):
        monkeypatch.setattr(pages, "EXHIBITS", (other, *EXHIBITS[1:]))
        assert page() != TEXT


def test_every_exhibit_has_its_room_the_most_telling_first() -> None:
    assert [*ROOMS][: -len(REST)] == [exhibit.id for exhibit in in_order()]
    assert {*ROOMS} == {each.id for each in EXHIBITS} | {*REST}
    assert [*ROOMS][: len(TELLING)] == [*TELLING]


def came(room: str, where: str) -> dict[str, str]:
    pattern = rf"^\| {where}(.+) \| (.+) \| recorded \|$"
    words = re.findall(pattern, room, re.MULTILINE)
    return {each: word for versions, word in words for each in versions.split(", ")}


@pytest.mark.parametrize("exhibit", EXHIBITS, ids=lambda each: str(each.id))
def test_a_room_is_complete(exhibit: Exhibit) -> None:
    room = ROOMS[exhibit.id]
    assert len(re.findall(r"^\d+\. ", room, re.MULTILINE)) == len(exhibit.steps)
    assert room.count("TLC finds `") == len(exhibit.models)
    assert f"make museum ARGS='--replay {exhibit.id}'" in room
    assert f"`{exhibit.script}` in `impl/foregone_conformance/exhibits/" in room
    assert all(link.lower() in room.lower() for link in exhibit.link.split(", "))
    assert came(room, "standard library of CPython ") == exhibit.recorded()
    assert {*came(room, "foregone on CPython ").values()} == {"passes"}
    assert "| foregone | passes | run |" in room
    for peer, word in read().peers[exhibit.id].items():
        assert re.search(
            rf"^\| .*{re.escape(peer)}\b.* \| {word} \| recorded \|$", room, re.MULTILINE
        )


def test_what_is_kept_is_what_the_table_says() -> None:
    kept = read()
    assert {*kept.standard} == {*kept.foregone} == {*kept.peers} == {each.id for each in EXHIBITS}
    for table, words in (("standard", kept.standard), ("foregone", kept.foregone)):
        for exhibit in EXHIBITS:
            assert words[exhibit.id], f"{exhibit.id} was run nowhere"
            told = (wrong(table, exhibit, *each) for each in words[exhibit.id].items())
            assert not [*filter(None, told)]
    (exhibit,) = [each for each in EXHIBITS if each.id == "H15"]
    assert "H15: the standard library of 3.11.7 hangs" in wrong(
        "standard", exhibit, "3.11.7", "hangs"
    )
    assert wrong("foregone", exhibit, "3.11.7", "hangs") == "H15: foregone hangs on 3.11.7"


def test_every_bug_is_on_the_page() -> None:
    for bug in BUGS:
        assert bug.rooms or f"| {bug.id} " in ROOMS["What has no room"]
    assert "| [M3](#m3) | S, P10 A |" in TEXT


def test_every_old_design_is_on_the_page() -> None:
    for config in configs("museum"):
        assert f"tla/{config.name}.cfg" in TEXT


def test_another_story_of_an_old_design_is_noticed() -> None:
    config = tlc.read_config(java.TLA / "museum" / "Map-M7.cfg")
    story = (tlc.Step("initially", ()), tlc.Step("Fill", ()), tlc.Step("stuttering", ()))
    failed = tlc.Outcome("YieldsAllOrRaises", 42, 0, 1.0, story, {}, "")
    known = {config.name: models.record(config, failed)}
    assert known[config.name]["story"] == "Fill, stuttering"
    assert models.row(config, failed, known).ok
    assert not models.row(config, replace(failed, story=story[:2]), known).ok


def test_a_story_is_read() -> None:
    assert read_story("A, B") == (("A", "B"), "")
    assert read_story("A, stuttering") == (("A",), "; and then nothing happens any more")
    assert read_story("A, B, back to 3") == (("A", "B"), "; and on from step 3")
    assert read_story("A, B, back to 0") == (("A", "B"), "; and on from the beginning")
    assert told(("A", "B", "B", "A")) == "`A`, `B` (2 times), `A`"


@pytest.mark.parametrize(
    ("words", "shown"),
    [
        ("a __del__ submits", "a `__del__` submits"),
        ("shutdown(wait=False) and next()", "`shutdown(wait=False)` and `next()`"),
        ("set_result", "`set_result`"),
        ("a*b <c> |d| [e] ` f", r"a\*b \<c\> \|d\| \[e\] \` f"),
    ],
)
def test_words_are_no_markup(words: str, shown: str) -> None:
    assert text(words) == shown
