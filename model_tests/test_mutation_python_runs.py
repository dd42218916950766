"""Runs over mutants: what is noted is not done again, what does not end is found, killers kill."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from model_tests.chain import simulation
from model_tests.mutation import Fate, Mutant, python_rows, python_server
from model_tests.mutation.kept import save
from model_tests.mutation.python_room import Judged, Room
from model_tests.simulation import mutants as hunted

OPEN = "phase is Phase.OPEN -> phase is not Phase.OPEN"
LAW, OTHER = "contract of lifecycle.accepts", "law: every table is total"


@pytest.fixture
def room(tmp_path: Path) -> Room:
    """Return a room of one module whose results are nobody else's."""
    made = Room("spec", "the specification", ["foregone_spec.lifecycle"], 1.0)
    made.result, made.noted = tmp_path / "spec.json", tmp_path / "spec.jsonl"
    return made


def wrong(room: Room) -> Mutant:
    """Return a mutant that one contract finds."""
    return next(each for each in room.mutants() if each.what == OPEN)


# ---------------------------------------------------------------- a run that goes on


def test_a_run_goes_on_where_it_was(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def judged(
        chosen: list[Mutant], only: object = (), at_once: int = 1
    ) -> Iterator[tuple[Mutant, Judged]]:
        for each in chosen:
            asked.append(each.name)
            yield each, Judged(None if len(asked) == 2 else LAW, "so", 0.1, 0.1)

    monkeypatch.setattr(room, "judged", judged)
    few = room.mutants()[:3]
    room.full(1, few[:2])
    assert asked == [each.name for each in few[:2]]
    room.full(1, few)
    assert asked == [each.name for each in few]
    fates = room.known()
    assert [fates[each.name].killed_by for each in few] == [LAW, None, LAW]
    lines = room.noted.read_text().splitlines()
    changed = json.loads(lines[0]) | {"what": "something else"}
    room.noted.write_text("\n".join([json.dumps(changed), *lines[1:]]) + "\n")
    assert few[0].name not in room.known()  # the code has changed since
    room.full(1, few)
    assert asked[3:] == [few[0].name]


def test_a_result_is_kept_of_all_mutants_only(room: Room) -> None:
    room.noted.write_text("")
    with pytest.raises(ValueError, match="each mutant has one name and meets one fate"):
        room.write()


# ------------------------------------------------------------------ killed once more


def test_a_killer_that_does_not_kill_any_more_is_told(room: Room) -> None:
    mutant = wrong(room)
    save(room.result, [mutant], [Fate(mutant.name, LAW, 0.1)])
    assert list(room.again([mutant])) == []
    row = python_rows.sampled(room, 1)
    assert (row.ok, row.count) == (True, "1 of 1")
    save(room.result, [mutant], [Fate(mutant.name, OTHER, 0.1)])
    assert list(room.again([mutant])) == [(mutant, f"{OTHER} does not find it any more")]
    row = python_rows.sampled(room, 1)
    assert not row.ok
    assert mutant.name in row.details
    assert "--seed 1" in row.details


def test_an_empty_sample_fails(room: Room) -> None:
    mutant = wrong(room)
    save(room.result, [mutant], [Fate(mutant.name, None, 0.1)])
    assert not python_rows.sampled(room, 1).ok


# ------------------------------------------------------------- what does not come to an end


@pytest.mark.parametrize(
    ("code", "name"),
    [
        ("input()", "IDLE"),
        ("while True: pass", "BUSY"),
        ("import time\nwhile True: time.sleep(0.001)", "PATIENCE"),
        ("", ""),
    ],
)
def test_a_check_that_does_not_end_is_found(
    code: str, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if name:
        monkeypatch.setattr(python_server, name, 0.6)
    reading, writing = os.pipe()
    os.write(writing, json.dumps({"check": "the third"}).encode() + b"\n")
    with subprocess.Popen(
        [sys.executable, "-c", code],
        stdin=subprocess.PIPE,
        start_new_session=True,
        pass_fds=[writing],
    ) as child:
        os.close(writing)
        said = list(python_server.Watch(child.pid, reading).lines())
        child.kill()
    os.close(reading)
    ends = [{"killed": "the third", "how": "it does not come to an end"}] if name else []
    assert said == [{"check": "the third"}, *ends]


# ---------------------------------------------------------------- the process pool's hunt


def test_a_hunt_goes_on_where_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[hunted.Mutant] = []

    def hunt(mutant: hunted.Mutant, test: str) -> hunted.Hunted:
        asked.append(mutant)
        return hunted.Hunted(mutant, 7, f"found by {test}" if mutant.number else "")

    monkeypatch.setattr(hunted, "NOTED", tmp_path / "deep" / "process_pool.jsonl")
    monkeypatch.setattr(hunted, "hunt", hunt)
    some = hunted.mutants("tickets")[:3]
    first = list(hunted.hunts(some[:2], lambda _: "100", 1, note=True))
    assert asked == some[:2]
    again = list(hunted.hunts(some, lambda _: "100", 1, note=True))
    assert asked == some
    assert again[:2] == first
    assert [each.found for each in again] == ["", "found by 100", "found by 100"]
    list(hunted.hunts(some[:1], lambda _: "a test", 1, note=True))  # by another check
    assert asked[3:] == some[:1]
    monkeypatch.setattr(hunted, "source", lambda module: "x = 1")  # the module has changed
    list(hunted.hunts(some[1:2], lambda _: "100", 1, note=True))
    assert asked[4:] == some[1:2]


def test_a_hunt_says_who_survives(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(hunted, "NOTED", tmp_path / "process_pool.jsonl")
    monkeypatch.setattr(hunted, "hunt", lambda mutant, test: hunted.Hunted(mutant, 7, ""))
    known = simulation.argued()
    some = [each for each in hunted.mutants("tickets") if str(each) not in known][:1]
    row = simulation.hunted(some, note=True)
    assert not row.ok
    assert f"not found, and not argued: {some[0]}" in row.details
    assert f"alive, NOT argued: line {some[0].line}: {some[0]}" in capsys.readouterr().out
