"""The diagrams say what the tables say, and are drawn from them alone."""

import re
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from itertools import pairwise, permutations

import pytest

from foregone_spec import draw, future, lifecycle
from foregone_spec.draw import Machine
from foregone_spec.future import Command, State

SVG = "{http://www.w3.org/2000/svg}"
MACHINES = draw.machines()
DIAGRAMS = [name for name, machine in MACHINES.items() if machine.moves]
CHANGES = {
    (state.value, cell.after.value, command.value)
    for state, row in future.TRANSITIONS.items()
    for command, cell in row.items()
    if cell.after is not state
}


def drawn_by_mermaid(text: str) -> Iterator[tuple[str, str, str]]:
    for before, after, label in re.findall(r"^    (\w+) --> (\w+): (.+)$", text, re.MULTILINE):
        for command in label.split(", "):
            yield before, after, command


def drawn_by_dot(text: str) -> Iterator[tuple[str, str, str]]:
    for before, after, label in re.findall(
        r'^  "(\w+)" -> "(\w+)" \[label="(.+)"\];$', text, re.MULTILINE
    ):
        for command in label.split(r"\n"):
            yield before, after, command


def test_mermaid_and_dot_draw_each_change_of_state_once() -> None:
    for text, drawn in (
        (draw.mermaid(MACHINES["future"]), drawn_by_mermaid),
        (draw.dot(MACHINES["future"]), drawn_by_dot),
    ):
        found = list(drawn(text))
        assert len(found) == len(set(found)) == len(CHANGES)
        assert set(found) == CHANGES


def test_dot_names_each_state_and_rings_the_last() -> None:
    for name in DIAGRAMS:
        machine, text = MACHINES[name], draw.dot(MACHINES[name])
        states = re.findall(r'^  "(\w+)"( \[peripheries=2\])?;$', text, re.MULTILINE)
        assert [state for state, _ in states] == list(machine.cells)
        assert tuple(state for state, ring in states if ring) == machine.last


def test_commands_between_the_same_states_share_an_arrow() -> None:
    arrows = MACHINES["future"].arrows
    ends = [(arrow.before, arrow.after) for arrow in arrows]
    assert len(ends) == len(set(ends)) == 6
    assert "PENDING --> FINISHED: set_result, set_exception\n" in draw.mermaid(MACHINES["future"])


def test_mermaid_says_where_a_life_begins_and_ends() -> None:
    lines = draw.mermaid(MACHINES["future"]).splitlines()
    assert lines[:2] == ["stateDiagram-v2", "    [*] --> PENDING"]
    assert lines[-2:] == ["    CANCELLED_AND_NOTIFIED --> [*]", "    FINISHED --> [*]"]
    assert MACHINES["lifecycle"].first == ("OPEN",)
    assert MACHINES["lifecycle"].last == ("FORKED",)


def test_a_changed_cell_changes_every_drawing(monkeypatch: pytest.MonkeyPatch) -> None:
    before = MACHINES["future"]
    wrong = future.Step(State.PENDING, True)
    monkeypatch.setitem(future.TRANSITIONS[State.RUNNING], Command.CANCEL, wrong)
    after = draw.machines()["future"]
    for drawing in (draw.mermaid, draw.dot, draw.svg, draw.text, draw.markdown):
        assert drawing(before) != drawing(after)
    assert ("RUNNING", "PENDING", "cancel") in set(drawn_by_mermaid(draw.mermaid(after)))


@pytest.mark.parametrize("name", MACHINES)
def test_text_has_a_line_for_each_cell(name: str) -> None:
    machine = MACHINES[name]
    head, *lines = draw.text(machine).splitlines()
    assert head.split()[:2] == [machine.row, machine.column]
    cells = [(state, command) for state, row in machine.cells.items() for command in row]
    assert [tuple(line.split()[:2]) for line in lines] == cells
    assert all(line == line.rstrip() for line in lines)
    assert draw.text(machine).isascii()


@pytest.mark.parametrize("name", MACHINES)
def test_markdown_has_a_row_for_each_state(name: str) -> None:
    machine = MACHINES[name]
    lines = draw.markdown(machine).splitlines()
    assert {line.count("|") for line in lines} == {len(machine.columns) + 2}
    assert [line.split("`")[1] for line in lines[2:]] == list(machine.cells)


def test_cells_are_told_in_full() -> None:
    row = MACHINES["future"].cells["PENDING"]
    assert str(row["cancel_owned"]) == (
        "CANCELLED_AND_NOTIFIED, True; TellWaiters WakeBlocked RunCallbacks"
    )
    assert str(MACHINES["future"].cells["FINISHED"]["set_result"]) == "FINISHED, InvalidStateError"
    assert str(MACHINES["waiting"].cells["ALL_COMPLETED"]["result"]) == "goes on"
    assert str(MACHINES["work-item"].cells["CLAIMED"]["answer"]) == "SETTLED; set_result"
    assert str(MACHINES["lifecycle"].cells["OPEN"]["fork"]) == "FORKED; FailQueued"


def test_no_table_is_left_out() -> None:
    cells = sum(len(row) for machine in MACHINES.values() for row in machine.cells.values())
    assert cells == 25 + 36 + 9 + 10 + 50
    assert list(MACHINES["lifecycle"].cells) == [each.value for each in lifecycle.Phase]


class TestSvg:
    """The SVG is small, needs nothing else, and nothing in it overlaps."""

    @pytest.mark.parametrize("name", DIAGRAMS)
    def test_it_is_self_contained(self, name: str) -> None:
        text = draw.svg(MACHINES[name])
        root = ET.fromstring(text)
        assert root.tag == f"{SVG}svg"
        assert len(text) < 20_000
        assert re.findall(r"https?://[^\"]+", text) == ["http://www.w3.org/2000/svg"]
        assert not re.search(r"<script|<image|href|@import|url\(|foreignObject", text)

    def test_it_is_readable_in_light_and_in_dark(self) -> None:
        text = draw.svg(MACHINES["future"])
        assert "prefers-color-scheme: dark" in text
        outside = text.split("</style>")[1]
        assert not re.search(r"#[0-9a-f]{3,6}|fill=|stroke=", outside)

    @pytest.mark.parametrize("name", DIAGRAMS)
    def test_every_state_and_every_command_is_there(self, name: str) -> None:
        machine: Machine = MACHINES[name]
        root = ET.fromstring(draw.svg(machine))
        texts = [each.text for each in root.iter(f"{SVG}text")]
        commands = [each for arrow in machine.arrows for each in arrow.commands]
        assert sorted(map(str, texts)) == sorted([*machine.cells, *commands])
        arrows = [each for each in root.iter(f"{SVG}path") if each.get("class") == "arrow"]
        assert len(arrows) == len(machine.arrows)

    @pytest.mark.parametrize("name", DIAGRAMS)
    def test_no_two_texts_overlap(self, name: str) -> None:
        root = ET.fromstring(draw.svg(MACHINES[name]))
        width, height = int(root.get("width", "")), int(root.get("height", ""))
        boxes = []
        for each in root.iter(f"{SVG}text"):
            half = len(each.text or "") * (6.7 if each.get("class") else 7.3) / 2
            middle, bottom = int(each.get("x", "")), int(each.get("y", ""))
            boxes.append((middle - half, bottom - 10, middle + half, bottom + 3, each.text))
        for number, (left, top, right, bottom, text) in enumerate(boxes):
            assert 0 <= left < right <= width, text
            assert 0 <= top < bottom <= height, text
            for other in boxes[:number]:
                apart = right < other[0] or other[2] < left or bottom < other[1] or other[3] < top
                assert apart, f"{text} overlaps {other[4]}"

    @pytest.mark.parametrize("name", DIAGRAMS)
    def test_no_two_states_overlap(self, name: str) -> None:
        root = ET.fromstring(draw.svg(MACHINES[name]))
        boxes = [each for each in root.iter(f"{SVG}rect") if each.get("rx") == "8"]
        places = [(int(each.get("x", "")), int(each.get("width", ""))) for each in boxes]
        assert len(places) == len(MACHINES[name].cells)
        assert all(x + wide < after for (x, wide), (after, _) in pairwise(places))

    @pytest.mark.parametrize("name", DIAGRAMS)
    def test_an_arrow_within_another_does_not_cross_it(self, name: str) -> None:
        machine = MACHINES[name]
        place = {state: number for number, state in enumerate(machine.cells)}
        drawn = re.findall(r'd="M (\d+) \d+ C \d+ -?\d+ \d+ -?\d+ (\d+) \d+"', draw.svg(machine))
        spans = [(place[arrow.before], place[arrow.after]) for arrow in machine.arrows]
        spans.sort(key=lambda span: span[0] > span[1])  # those that lead back are drawn last
        arcs = [(span, (int(x), int(y))) for span, (x, y) in zip(spans, drawn, strict=True)]
        over = [each for each in arcs if each[0][0] < each[0][1]]
        under = [(span[::-1], ends[::-1]) for span, ends in arcs if span[0] > span[1]]
        for way in (over, under):
            for (outer, wide), (inner, narrow) in permutations(way, 2):
                if outer[0] <= inner[0] and inner[1] <= outer[1]:
                    assert wide[0] < narrow[0] < narrow[1] < wide[1], (outer, inner)
