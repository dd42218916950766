"""The library passes every exhibit of the museum; the table of the museum is whole."""

from dataclasses import replace

import pytest

from model_tests.chain.museum import incomplete
from model_tests.museum import seeds, seeds_peer, seeds_process
from model_tests.museum.catalogue import BUGS, Bug
from model_tests.museum.data import EXHIBITS
from model_tests.museum.run import ROOMS
from model_tests.museum.table import OURS, PASSES, ROOT, STANDARD, VERSIONS, Exhibit, run

SEEDS = (seeds, seeds_process, seeds_peer)
REPAIRED = ("repaired", "repaired_and_breaking")


def by_id(exhibit: Exhibit) -> str:
    return exhibit.id


@pytest.mark.parametrize("exhibit", EXHIBITS, ids=by_id)
def test_foregone_passes(exhibit: Exhibit) -> None:
    outcome = run(exhibit, OURS)
    assert outcome.word == PASSES, outcome.said


@pytest.mark.parametrize("exhibit", EXHIBITS, ids=by_id)
def test_the_table_is_whole(exhibit: Exhibit) -> None:
    assert len(exhibit.stdlib.split()) in (1, len(VERSIONS))
    assert len([room for room in ROOMS if hasattr(room, exhibit.script)]) == 1
    assert not exhibit.seed or any(hasattr(each, exhibit.seed) for each in SEEDS)
    supported = list(exhibit.recorded().values())[VERSIONS.index("3.11.7") :]
    assert exhibit.seed or PASSES not in supported, "nothing shows that the exhibit can fail"
    for model in exhibit.models:
        assert (ROOT / "tla" / "museum" / f"{model}.cfg").exists()


def test_every_script_and_seed_is_in_the_table() -> None:
    scripts = {
        name for module in ROOMS for name in vars(module) if name[0] in "mhp" and name[1].isdigit()
    }
    assert scripts == {each.script for each in EXHIBITS}
    old = {
        name for module in SEEDS for name in vars(module) if name[0] in "mhp" and name[1].isdigit()
    }
    assert old == {each.seed for each in EXHIBITS} - {""}


@pytest.mark.parametrize("name", ["P1", "P3", "P4", "P5", "P6"])
def test_the_pool_of_a_peer_passes_with_its_defect_mended(name: str) -> None:
    """It is the defect that each exhibit shows, and nothing else of that pool."""
    (exhibit,) = [each for each in EXHIBITS if each.id == name]
    seed = REPAIRED[name == "P5"]
    outcome = run(exhibit, STANDARD, seed)
    assert outcome.word == PASSES, outcome.said


def test_what_the_museum_lacks_is_told() -> None:
    assert not [*incomplete(EXHIBITS, BUGS)]
    (room,) = [each for each in EXHIBITS if each.id == "H15"]
    bug = Bug("H15", "A", ("H15",))
    for other, lack in (
        (replace(room, models=()), "has no model"),
        (replace(room, seed=""), "nothing fails"),
        (replace(room, id="H99"), "there is no room H15"),
    ):
        assert lack in "\n".join(incomplete([other], [bug]))
    assert "has no room" in "\n".join(incomplete([], [Bug("H15", "A", why="none")]))
    assert "nobody says why" in "\n".join(incomplete([], [Bug("H15", "B")]))
    assert "no bug's list" in "\n".join(incomplete([room], []))


def test_a_hang_is_seen_with_its_stacks() -> None:
    (exhibit,) = [each for each in EXHIBITS if each.id == "H5"]
    outcome = run(exhibit, STANDARD, exhibit.seed, seconds=1.5)
    assert outcome.word == "hangs"
    assert "h5_lost_decrement" in outcome.said


def test_a_script_that_breaks_is_no_pass() -> None:
    (exhibit,) = [each for each in EXHIBITS if each.id == "H5"]
    assert run(exhibit, "no_such_module").word == "breaks"


def test_what_an_exhibit_starts_ends_with_it() -> None:
    (exhibit,) = [each for each in EXHIBITS if each.id == "H15"]
    # run() raises if a process is left that holds the output open
    assert run(exhibit, STANDARD, exhibit.seed, seconds=1.5).word == "hangs"
