"""What is kept of a full run over mutants is judged, and each way to be wrong is seen."""

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from model_tests.chain.verdict import Row
from model_tests.mutation import Fate, Mutant
from model_tests.mutation.kept import load, rows, save

MUTANTS = tuple(
    Mutant(
        f"M.A {number}: guard dropped", f"tla/M.tla:{number}", "guard dropped", f"{number} => TRUE"
    )
    for number in range(1, 21)
)
ALIVE = MUTANTS[-1].name
FATES = tuple(
    Fate(each.name, None if each.name == ALIVE else "equality: M, small", 0.5) for each in MUTANTS
)
DEMAND = 0.95


class Room:
    """A kept result, and its arguments."""

    def __init__(self, folder: Path) -> None:
        self.result = folder / "m.json"
        self.argued = folder / "m_survivors.json"

    def argue(self, **why: str) -> None:
        self.argued.write_text(json.dumps(why))

    def judge(self, today: Sequence[Mutant] = MUTANTS) -> list[Row]:
        return list(rows("m", today, self.result, self.argued, DEMAND))

    def wrong(self, today: Sequence[Mutant] = MUTANTS) -> list[str]:
        return [row.claim.partition(": ")[2] for row in self.judge(today) if not row.ok]


@pytest.fixture
def room(tmp_path: Path) -> Room:
    """Make a result that is as it should be: 19 of 20 are killed, and one is argued."""
    made = Room(tmp_path)
    save(made.result, MUTANTS, FATES)
    made.argue(**{ALIVE: "it changes nothing"})
    return made


def test_what_is_kept_comes_back(room: Room) -> None:
    kept = load(room.result)
    assert kept.mutants == MUTANTS
    assert kept.fates == FATES
    assert kept.survivors == (ALIVE,)
    assert kept.killers() == {"equality: M, small": 19}


def test_a_good_result_passes(room: Room) -> None:
    judged = room.judge()
    assert len(judged) == 3
    assert all(row.ok for row in judged)
    assert judged[0].count == "19 of 20"


def test_each_mutant_meets_one_fate(room: Room) -> None:
    for fates in (FATES[1:], (*FATES, FATES[0]), (*FATES[1:], replace(FATES[0], mutant="else"))):
        with pytest.raises(ValueError, match="one fate"):
            save(room.result, MUTANTS, fates)
    with pytest.raises(ValueError, match="one name"):
        save(room.result, (*MUTANTS[1:], MUTANTS[-1]), FATES[1:])


def test_too_few_are_killed(room: Room) -> None:
    fates = (replace(FATES[0], killed_by=None), *FATES[1:])
    save(room.result, MUTANTS, fates)
    room.argue(**{ALIVE: "it changes nothing", MUTANTS[0].name: "nor does this"})
    assert room.wrong() == ["at least 95% are killed"]


def test_a_survivor_without_an_argument(room: Room) -> None:
    for why in ({}, {ALIVE: " "}):
        room.argue(**why)
        assert room.wrong() == ["each survivor is argued"]
    room.argued.unlink()
    assert room.wrong() == ["each survivor is argued"]


def test_an_argument_about_one_that_was_killed(room: Room) -> None:
    room.argue(**{ALIVE: "it changes nothing", MUTANTS[0].name: "nor does this"})
    (row,) = (each for each in room.judge() if not each.ok)
    assert MUTANTS[0].name in row.details


@pytest.mark.parametrize(
    "today",
    [
        MUTANTS[1:],
        (*MUTANTS, Mutant("M.B 1: guard dropped", "tla/M.tla:9", "guard dropped", "9 => TRUE")),
        (replace(MUTANTS[0], what="another guard => TRUE"), *MUTANTS[1:]),
        (replace(MUTANTS[0], kind="effect frozen"), *MUTANTS[1:]),
        (),
    ],
    ids=["gone", "new", "another text", "another kind", "none"],
)
def test_mutants_that_are_not_those_of_today(room: Room, today: Sequence[Mutant]) -> None:
    assert room.wrong(today) == ["those kept are those of today's code"]


def test_a_line_may_move(room: Room) -> None:
    moved = [replace(each, where="tla/M.tla:99") for each in MUTANTS]
    assert not room.wrong(moved)


def test_nothing_is_kept(room: Room) -> None:
    room.result.unlink()
    assert room.wrong() == ["a full run is kept"]


def test_nothing_was_judged(room: Room) -> None:
    save(room.result, (), ())
    room.argue()
    assert len(room.wrong(())) == 3
