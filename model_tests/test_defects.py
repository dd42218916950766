"""The lists of seeded defects fit the library; a hunt finds what is there, and nothing else."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Final

import pytest

from model_tests.chain import defects as chain
from model_tests.chain.defects import DEMAND, SAMPLE, Fate, chosen, fate, wrong
from model_tests.defects import hunt as hunting
from model_tests.defects.checks import ROOMS, checks
from model_tests.defects.hunt import Hunted, Said, again, asked, hunt
from model_tests.defects.lists import FOLDER, LISTS, Defect, defects, problems, read
from model_tests.defects.tree import environment, tree
from model_tests.process_world import marked, until

#: Checks are run in processes of their own, and others may use the processors.
pytestmark = pytest.mark.timeout(140)

ROOT: Final = Path(__file__).parent.parent
REGISTRY: Final = "model_tests/test_registry.py"
#: A defect of a small room, which its tests find at once.
SMALL: Final = Defect(
    "a-registry-is-never-cleared",
    "impl/foregone/registry.py",
    '        """Leave all out."""\n        self._refs = set()\n',
    '        """Leave all out."""\n',
    "order",
    "(1) All are left out. (2) They are still there.",
    "here",
)
NONE: Final = replace(SMALL, name="nothing", new=f"{SMALL.old}        # all\n")


# ------------------------------------------------------------------------ lists


def test_every_defect_stands_once_in_todays_library() -> None:
    assert not problems(defects())


def test_there_are_enough_and_each_has_a_name_of_its_own() -> None:
    some = defects()
    assert len({each.name for each in some}) == len(some) >= DEMAND
    assert {each.by for each in some} == set(LISTS)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"old": "this stands nowhere"}, "stands 0 times in impl/foregone/registry.py, not once"),
        ({"old": "self"}, "times in impl/foregone/registry.py, not once"),
        ({"new": SMALL.old}, "it changes nothing"),
        ({"new": "        return (\n"}, "was never closed"),
        ({"file": "impl/foregone/gone.py"}, "there is no impl/foregone/gone.py"),
        ({"file": "spec/foregone_spec/future.py"}, "is no file of the library"),
    ],
)
def test_a_defect_that_does_not_fit_is_named(change: dict[str, str], said: str) -> None:
    (problem,) = problems([replace(SMALL, **change)])
    assert problem.startswith(f"{SMALL.name}: ")
    assert said in problem


def test_two_of_one_name_are_named() -> None:
    assert problems([SMALL, SMALL]) == [f"{SMALL.name}: two defects have this name"]
    assert not problems([SMALL])


def test_an_entry_that_is_not_whole_is_refused(tmp_path: Path) -> None:
    (tmp_path / FOLDER).mkdir(parents=True)
    entry = {"name": "a", "file": "b", "old": "c", "new": "", "kind": "d", "story": "e"}
    path = tmp_path / FOLDER / "insider.json"
    path.write_text(json.dumps([entry]))
    assert [each.name for each in read("insider", tmp_path)] == ["a"]
    for key in ("old", "story"):
        path.write_text(json.dumps([{**entry, key: ""}]))
        with pytest.raises(ValueError, match=r"insider\.json: an entry has not all of"):
            read("insider", tmp_path)


def test_every_room_of_the_library_has_checks() -> None:
    """A room that is new would be hunted by the whole set only."""
    room = ROOT / "impl" / "foregone"
    there = {each.relative_to(room).with_suffix("").as_posix() for each in room.rglob("*.py")}
    # What needs Dask is tested on clusters, by make dask-test.
    there = {each for each in there if not each.startswith("dask/")}
    no_code = {"process", "thread", "errors", "process_pool/errors", "process_pool/__init__"}
    no_code |= {
        "__init__",
        "_base",
        "_compat",
        "observer",
        "compat",
        "compat_process",
        "thread_pool",
    }
    assert set(ROOMS) == there - no_code
    files = {each.stem for each in (ROOT / "model_tests").glob("test_*.py")}
    kinds = {"simulation", "schedules", "pool schedules"}
    named = {each.partition("::")[0] for some in ROOMS.values() for each in some}
    assert named <= files | kinds


def test_checks_go_from_near_to_far_and_leave_none_out() -> None:
    found = list(checks(SMALL, ROOT))
    assert found[0] == REGISTRY
    assert found[-3:] == ["museum", "cpython", "chaos"]
    assert len(found) == len(set(found))
    assert "model_tests/test_process_death.py" in found
    process = replace(SMALL, file="impl/foregone/process_pool/tickets.py")
    kinds = [each for each in checks(process, ROOT) if not each.startswith("model_tests/")]
    assert kinds == ["simulation 0-999", "process schedules", "museum", "cpython", "chaos"]


# ------------------------------------------------------------------------ copies


def test_a_copy_has_the_defect_and_the_checkout_has_not() -> None:
    with tree(SMALL) as copy:
        assert (copy / SMALL.file).read_text() == SMALL.applied(ROOT)
        assert (copy / SMALL.file).read_text() != (ROOT / SMALL.file).read_text()
        assert (copy / "impl/foregone/sync.py").read_text() == (
            ROOT / "impl/foregone/sync.py"
        ).read_text()
    assert not copy.exists()


def test_where_the_checkout_is_met_no_check_is_run(monkeypatch: pytest.MonkeyPatch) -> None:
    """A hunt that looked at the library as it is would find nothing, and say so."""
    with tree(SMALL) as copy:
        paths = map(str, (ROOT / "impl", ROOT / "spec", copy))
        elsewhere = {**environment(copy), "PYTHONPATH": os.pathsep.join(paths)}
        monkeypatch.setattr(hunting, "environment", lambda _, **more: elsewhere | more)
        with pytest.raises(RuntimeError, match="PYTHONPATH does not come first"):
            asked(copy, REGISTRY)


def test_a_hunt_finds_what_is_there() -> None:
    hunted = hunt(SMALL)
    assert hunted.check.startswith(f"{REGISTRY}::test_")
    assert 0 < hunted.used <= hunted.seconds * (os.cpu_count() or 1)


def test_nothing_is_found_where_nothing_is() -> None:
    hunted = hunt(NONE, only=REGISTRY)
    assert (hunted.check, hunted.how) == ("", "")


def test_what_is_red_without_the_defect_has_found_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    def red(copy: Path, check: str) -> Said:
        return Said(check, "it is Friday", 0.1, 0.1)

    monkeypatch.setattr(hunting, "asked", red)
    hunted = hunt(SMALL, only=REGISTRY)
    assert hunted.check == ""
    assert hunted.how == f"{REGISTRY} is red without the defect, too: it is Friday"


BEGUN: Final = '{"begins": "model_tests/test_it.py::test_it", "used": "0.1"}\n'
BROKEN: Final = '{"broken": "there is no such test", "used": "0.1"}\n'


def runs(root: Path, says: str, does: str) -> Path:
    """Let what is asked in ``root`` say and do this, in place of a check."""
    run = root / FOLDER / "run.py"
    run.parent.mkdir(parents=True)
    says = f"pathlib.Path(sys.argv[1]).write_text({says!r})"
    run.write_text(f"import os, pathlib, sys, threading\n{says}\n{does}\n")
    return root


@pytest.mark.parametrize(
    ("does", "how"),
    [("threading.Event().wait()", "not come to an end"), ("os._exit(3)", "process ends")],
)
def test_what_does_not_end_is_found_by_what_began_last(does: str, how: str, tmp_path: Path) -> None:
    said = asked(runs(tmp_path, BEGUN, does), "model_tests/test_it.py", limit=3.0)
    assert said.found == "model_tests/test_it.py::test_it"
    assert how in said.how


@pytest.mark.parametrize(("says", "why"), [(BEGUN + BROKEN, "no such test"), ("", "said nothing")])
def test_a_check_that_cannot_be_run_is_an_error(says: str, why: str, tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match=f"could not be run: .*{why}"):
        asked(runs(tmp_path, says, ""), "model_tests/test_of_nothing.py")


def test_what_a_check_starts_ends_with_it(tmp_path: Path) -> None:
    """Also where the check itself is through, and has left somebody behind."""
    sleeper = "[sys.executable, '-c', 'import threading; threading.Event().wait()']"
    starts = f"import subprocess; subprocess.Popen({sleeper}, start_new_session=True)"
    notes = '{"over": "it", "used": "0.1"}\n'
    assert not asked(runs(tmp_path, notes, starts), "model_tests/test_it.py").found
    assert until(lambda: not marked(os.fspath(tmp_path)))


def test_a_check_is_run_in_the_copy_also_from_another_folder(tmp_path: Path) -> None:
    with tree(SMALL) as copy:
        where = [sys.executable, "-c", "import foregone; print(foregone.__file__)"]
        said = subprocess.run(
            where, cwd=tmp_path, env=environment(copy), capture_output=True, text=True, check=True
        )
        assert copy in Path(said.stdout.strip()).parents


# ------------------------------------------------------------------------- kept


def known(each: Defect, check: str = f"{REGISTRY}::test_who_is_gone_is_out") -> Fate:
    return fate(Hunted(each, check, "", 1.0, 1.0))


def many(by: Callable[[int], str]) -> list[Defect]:
    return [replace(SMALL, name=f"defect {n}", by=by(n)) for n in range(DEMAND)]


def test_what_is_kept_of_a_hunt_is_the_same_elsewhere() -> None:
    how = "in <Call at 0x7f06befb9180 state=pending>: no file '/some/folder/notes' of 1/2"
    assert fate(Hunted(SMALL, "it", how, 1.26, 0.04)) == Fate(
        SMALL.name, "here", "order", SMALL.digest, "it",
        "in <Call state=pending>: no file 'notes' of 1/2", 1.3, 0.0,
    )  # fmt: skip


def test_what_is_kept_is_compared_with_todays_lists() -> None:
    test = next(each for each in (ROOT / REGISTRY).read_text().split() if each.startswith("test_"))
    check = f"{REGISTRY}::{test.partition('(')[0]}"
    some = many(lambda n: LISTS[n % 2])
    fates = {each.name: known(each, check) for each in some}
    assert not list(wrong(some, fates))
    one = some[3]

    def said(changed: dict[str, Fate]) -> list[str]:
        return list(wrong(some, changed))

    others = {name: each for name, each in fates.items() if name != one.name}
    assert said(others) == [
        f"{one.name}: nothing is kept of it as it is now; run with --full --write"
    ]
    assert said({**fates, one.name: replace(fates[one.name], digest="other")}) == said(others)
    assert said({**fates, one.name: replace(fates[one.name], check="")}) == [
        f"{one.name}: no check finds it"
    ]
    gone = f"{REGISTRY}::test_that_was_left_out"
    assert said({**fates, one.name: replace(fates[one.name], check=gone)}) == [
        f"{one.name}: {gone} has found it, and is not there any more"
    ]
    assert said({**fates, "other": fates[one.name]}) == ["other: kept, and in no list"]
    assert next(wrong(some[1:], fates)) == f"there are {DEMAND - 1} defects, not {DEMAND}"
    inside = many(lambda _: LISTS[1])
    (few,) = wrong(inside, {each.name: known(each, check) for each in inside})
    assert few == "0 are by somebody who has not seen the checks, not 10"


def test_a_few_are_sought_again_others_each_day() -> None:
    some = many(lambda _: LISTS[0])
    fates = {each.name: known(each) for each in some}
    fates["defect 0"] = replace(fates["defect 0"], used=100.0)
    fates["defect 1"] = replace(fates["defect 1"], how=hunting.LATE)
    days = [chosen(some, fates, day) for day in range(DEMAND)]
    assert all(len({each.name for each in day}) == SAMPLE for day in days)
    assert days[0] != days[1]
    assert {each.name for day in days for each in day} == {each.name for each in some[2:]}


def test_what_is_not_found_again_is_a_row_that_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    def finds(each: Defect, check: str) -> Said:
        return Said(check if each is SMALL else "", "", 0.1, 0.1)

    monkeypatch.setattr(chain, "again", finds)
    fates = {each.name: known(each, REGISTRY) for each in (SMALL, NONE)}
    row = chain.sought([SMALL, NONE], fates)
    assert not row.ok
    assert row.count == "1 of 2 found"
    assert f"{NONE.name}: {REGISTRY} does not find it" in row.details
    assert chain.sought([SMALL], fates).ok
    assert not chain.sought([], {}).ok


def test_a_seed_that_has_become_another_run_is_not_all(monkeypatch: pytest.MonkeyPatch) -> None:
    """Any change of the library may make it one: then all are tried."""
    seen: list[str] = []

    def finds(copy: Path, check: str) -> Said:
        seen.append(check)
        return Said("simulation 9" if "-" in check else "", "", 0.1, 0.1)

    monkeypatch.setattr(hunting, "asked", finds)
    assert again(SMALL, "simulation 7").found == "simulation 9"
    assert seen == ["simulation 7", "simulation 0-999"]
    assert not again(SMALL, f"{REGISTRY}::test_it").found
