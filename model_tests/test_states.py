"""All schedules, state by state: what is counted, what must be noticed, and what is resumed."""

import ast
import json
from collections.abc import Callable, Hashable, Iterator
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from dataclasses import asdict, replace
from itertools import count
from math import comb
from pathlib import Path
from typing import Final, cast

import pytest

from model_tests import inclusion_defects, inclusion_run
from model_tests.chain import inclusions, schedules, schedules_deep, schedules_whole
from model_tests.chain.command import ROOT
from model_tests.chain.notes import Notes, key_of
from model_tests.chain.schedules_whole import Ran, run, smallest_first
from model_tests.inclusion_run import compare_whole, program, replay, watched
from model_tests.inclusion_spec import VERBS, Behaviour, behaviour, calls, clients, programs
from model_tests.inclusion_view import View
from model_tests.schedule_cells import Cell
from model_tests.schedule_defects import Defect
from model_tests.schedule_explore import Bench, Case, Program, bench
from model_tests.schedule_library import Library, load
from model_tests.schedule_standins import Deque
from model_tests.schedule_states import END, By, Graph, Whole, explore
from model_tests.schedule_tasks import Task
from model_tests.schedule_values import Footprint, ValueScheduler
from model_tests.scheduler import Scheduler
from model_tests.states_counted import COUNTED, Count, counted


class Number:
    """A number whose reads and writes are scheduling points."""

    def __init__(self, scheduler: Scheduler) -> None:
        self._scheduler = scheduler
        self._cell = scheduler.cell("number", holds=lambda: self.plain)
        self.plain: object = 0

    def get(self) -> object:
        self._scheduler.touch(self._cell, False)
        return self.plain

    def set(self, number: object) -> None:
        self._scheduler.touch(self._cell, True)
        self.plain = number


Body = Callable[[Number], None]


def small(
    body: Body,
    wrong: Callable[[object], bool] = lambda _: False,
    knows: Callable[[], Hashable] | None = lambda: None,
    by: By = By.VALUES,
) -> Whole:
    """Explore two tasks that do the same to one number."""

    def make(_: Library, scheduler: Scheduler) -> Case:
        number = Number(scheduler)

        def check() -> Iterator[str]:
            if wrong(number.plain):
                yield f"the number is {number.plain}"

        bodies: list[tuple[str, Callable[[], object]]] = [
            (name, lambda: body(number)) for name in ("one", "other")
        ]
        return Case(bodies, check, knows=knows)

    with bench(scheduler=ValueScheduler()) as on:
        return explore(on, Program("a small program", make), by=by)


def twice(number: Number) -> None:
    number.set(1)
    number.set(1)


def add(number: Number) -> None:
    found = number.get()
    assert isinstance(found, int)
    number.set(found + 1)


def whole(text: str) -> tuple[Whole, Behaviour]:
    came = Behaviour()
    with watched() as on:
        return explore(on, program(text, behaviour(clients(text)), came)), came


# ---------------------------------------------------------------- what is counted


def test_schedules_by_hand() -> None:
    """Two tasks of three steps each, a beginning and two writes: twenty orders."""
    assert small(twice).schedules == 20
    assert small(twice, by=By.NOTHING).schedules == 20
    assert small(twice).states == 16 - 1  # a place for each of both, but for the end
    assert small(twice, by=By.NOTHING).runs == 20
    assert small(twice).runs < 20


def test_ways_by_hand() -> None:
    """A square, and a stair on it."""
    graph = Graph({1: {0: 2, 2: 3}, 2: {2: 4}, 3: {0: 4, 2: END}, 4: {0: END, 2: END}}, 1)
    assert graph.ways() == 5


def test_a_circle_has_no_number() -> None:
    with pytest.raises(ValueError, match="leads back to itself"):
        Graph({1: {0: 2}, 2: {0: 1, 2: END}}, 1).ways()


@pytest.mark.parametrize(("text", "by"), COUNTED[:-1])  # a row of make schedules has the last
def test_the_number_is_the_same_in_another_way(text: str, by: By) -> None:
    found = counted(text, by)
    assert not found.trouble, str(found)
    assert found.found[0].runs < found.found[1].runs
    assert found.seen[0] == behaviour(clients(text))


def test_a_count_that_differs_is_trouble() -> None:
    came = Behaviour()
    one, two = Whole("p", schedules=3, complete=True), Whole("p", schedules=4, complete=True)
    assert not Count("p", By.TRAILS, (one, one), (came, came)).trouble
    assert "3 schedules, and there are 4" in Count("p", By.TRAILS, (one, two), (came, came)).trouble
    _, more = whole("owned: add | add")
    assert "edges: " in Count("p", By.TRAILS, (one, one), (came, more)).trouble
    assert "not all" in Count("p", By.TRAILS, (one, Whole("p", schedules=3)), (came, came)).trouble


def test_the_row_fails_where_the_numbers_differ() -> None:
    came = Behaviour()
    one, two = Whole("p", 1, 2, 3, complete=True), Whole("p", 4, 5, 6, complete=True)
    good, bad = (Count("p", By.TRAILS, (one, other), (came, came)) for other in (one, two))
    assert schedules.counted_row([good], 0.0).ok
    row = schedules.counted_row([good, bad], 0.0)
    assert not row.ok
    assert "'p': 3 schedules in 1 runs" in row.details


# ------------------------------------------------------- reductions that are too good

told, note = ValueScheduler.told, ValueScheduler.note


def told_by_what_is_in_it(self: ValueScheduler, value: object) -> Hashable:
    return tuple(map(self.told, value)) if type(value) is tuple else told(self, value)


def the_last_operation(self: ValueScheduler, me: Task, cell: Cell, write: bool, verb: str) -> None:
    if self.values and self.tracks:
        me.trail = me.index
    note(self, me, cell, write, verb)


def nothing(*_: object) -> None:
    return None


#: What is left out of a state or of a footprint, and a program that shows it.
TOO_GOOD: Final = {
    "what stands in the cells": (ValueScheduler, "content", nothing, "bare: cancel | result"),
    "all but the last operation": (
        ValueScheduler,
        "note",
        the_last_operation,
        "owned: wait | wait",
    ),
    "which tuple it is": (
        ValueScheduler,
        "told",
        told_by_what_is_in_it,
        "owned: wait(1) | wait(1)",
    ),
    "what the view knows": (View, "knows", nothing, "owned: add; cancel | cancel; add"),
    "what the view takes down": (ValueScheduler, "sees", nothing, "bare: start; set_result | add"),
    "who conflicts with whom": (
        Footprint,
        "commutes",
        lambda *_: True,
        "bare: start; set_result | add",
    ),
}


@pytest.mark.parametrize("left_out", TOO_GOOD)
def test_what_is_left_out_is_noticed(left_out: str, monkeypatch: pytest.MonkeyPatch) -> None:
    owner, name, instead, text = TOO_GOOD[left_out]
    true, seen = whole(text)  # which the number in another way is compared with
    monkeypatch.setattr(owner, name, instead)
    found, came = whole(text)
    assert found.failure is None
    assert seen.edges - came.edges or found.schedules != true.schedules


def test_a_state_without_cells_and_view_loses_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    """The trails alone, of tasks that forget, are too little."""
    text = "owned: cancel; cancel | set_result; cancel"

    def only_tasks(self: ValueScheduler, known: object) -> int:
        return hash((*self.trails(), *[each.done for each in self.tasks]))

    monkeypatch.setattr(ValueScheduler, "state", only_tasks)
    monkeypatch.setattr(View, "knows", nothing)
    _, came = whole(text)
    assert came.edges < behaviour(clients(text)).edges


# ------------------------------------------------------------------- what is noticed


def test_a_lost_update_is_found_and_replayed() -> None:
    failure = small(add, wrong=lambda number: number != 2).failure
    assert failure is not None
    assert failure.complaints == ("the number is 1",)
    assert "writes number" in failure.story[-1]


def test_what_the_spec_does_not_allow_is_found_and_replays() -> None:
    text = "owned: cancel | start; set_result"
    allowed, edge = behaviour(clients(text)), whole(text)[1].edges.pop()
    allowed.edges.remove(edge)
    with watched() as on:
        failure = explore(on, program(text, allowed, Behaviour())).failure
        assert failure is not None
        assert failure.complaints[0].startswith("the spec has no such step")
        assert not replay(on, text, failure.schedule).complaints  # of the whole spec


def test_a_program_that_is_not_deterministic_is_a_complaint() -> None:
    numbers = count()

    def body(number: Number) -> None:
        number.set(next(numbers))
        twice(number)

    found = small(body)
    assert found.failure is not None
    assert "is another state than before" in found.failure.complaints[0]


def test_a_value_that_nobody_can_tell_is_a_complaint() -> None:
    def body(number: Number) -> None:
        number.set(object())
        number.get()

    failure = small(body).failure
    assert failure is not None
    assert "has neither a cell nor a name: give it one with name()" in failure.complaints[0]


def test_a_cell_that_holds_nobody_knows_what_is_a_complaint() -> None:
    def body(number: Number) -> None:
        scheduler = number._scheduler
        scheduler.touch(scheduler.spawning, False)

    failure = small(body).failure
    assert failure is not None
    assert "nobody knows what stands in number of threads" in failure.complaints[0]


def test_a_loop_over_what_may_change_meanwhile_is_a_complaint() -> None:
    """Of a deque in a loop there is more to know than where the loop is."""

    def body(number: Number) -> None:
        for each in Deque(number._scheduler, "some", [1, 2]):
            number.set(each)

    failure = small(body).failure
    assert failure is not None
    assert "a loop over the living deque some" in failure.complaints[0]


def test_a_case_that_does_not_say_what_it_knows_is_a_complaint() -> None:
    failure = small(twice, knows=None).failure
    assert failure is not None
    assert "set Case.knows" in failure.complaints[0]


def test_another_scheduler_is_an_error() -> None:
    text = "owned: cancel | start"
    with bench() as on, pytest.raises(TypeError, match="open the bench with one"):
        explore(on, program(text, Behaviour(), Behaviour()))


def test_an_exploration_that_is_cut_says_so(on: Bench) -> None:
    text = "owned: cancel | start"
    cut = explore(on, program(text, behaviour(clients(text)), Behaviour()), 3)
    assert (cut.runs, cut.complete, cut.schedules) == (3, False, 0)


@pytest.fixture
def on() -> Iterator[Bench]:
    """Yield the library under a scheduler that views look at."""
    with watched() as made:
        yield made


@pytest.mark.parametrize("defect", inclusion_defects.hunted(), ids=lambda each: each.name)
def test_a_seeded_defect_is_found(defect: Defect) -> None:
    with watched(load(defect.edits)) as on:
        compared = (compare_whole(on, each)[0] for each in smallest_first(programs(1)[0]))
        found = next(each for each in compared if each.failure is not None or each.missing)
    slow = defect is inclusion_defects.SLOW
    assert (found.failure is None) is slow
    assert bool(found.missing) or not slow
    if found.failure is not None:
        with watched(load(defect.edits)) as on:
            again = replay(on, found.program, found.failure.schedule)
        assert again.complaints == found.failure.complaints


# ------------------------------------------------------------------- notes, and resuming


def ran(program: str, schedules: int = 10**30) -> Ran:
    return Ran(program, schedules, 5, 3, 2, ("one",), "", 0.5)


def notes(path: Path) -> Notes[Ran]:
    return Notes(path, schedules_whole._read, asdict)


def test_notes_are_read_as_they_were_written(tmp_path: Path) -> None:
    path = tmp_path / "notes" / "some.jsonl"
    notes(path).add("p", ran("p"))
    notes(path).add("q", ran("q", 7))
    assert notes(path).known == {"p": ran("p"), "q": ran("q", 7)}


def test_a_half_written_note_is_made_again(tmp_path: Path) -> None:
    path = tmp_path / "some.jsonl"
    notes(path).add("p", ran("p"))
    whole_line = path.read_text()
    path.write_text(whole_line + '{"name": "q", "resu')
    assert notes(path).known.keys() == {"p"}
    notes(path).add("q", ran("q"))
    assert notes(path).known.keys() == {"p", "q"}


def test_notes_are_of_the_code_and_not_of_its_comments(tmp_path: Path) -> None:
    path = tmp_path / "some.py"

    def key(source: str) -> str:
        path.write_text(source)
        return key_of([path], tmp_path)

    first = key('def f() -> int:\n    """Say one."""\n    return 1\n')
    assert key('def f() -> int:\n    """Return 1."""\n    return 1  # one\n') == first
    assert key('def f() -> int:\n    """Say one."""\n    return 2\n') != first


def imported(path: Path) -> Iterator[Path]:
    """Yield the files of the project's modules that a file imports when it is loaded."""
    for node in ast.parse(path.read_bytes()).body:
        if isinstance(node, ast.ImportFrom) and node.module is not None:
            for name in (node.module, *(f"{node.module}.{each.name}" for each in node.names)):
                for room in (ROOT, ROOT / "spec"):
                    yield from room.glob(f"{name.replace('.', '/')}.py")


def test_the_notes_are_of_all_that_is_explored() -> None:
    """What compares imports the rest; the library's rooms are loaded by name."""
    ahead, found = [Path(inclusion_run.__file__)], set[Path]()
    while ahead:
        path = ahead.pop()
        ahead += {*imported(path)} - found
        found.add(path)
    covered = {*schedules_whole.covered()}
    assert found <= covered
    assert {path.name for path in covered - found} == {
        "future.py", "waiting.py", "sync.py", "clock.py", "schedules_whole.py",
        "compat.py", "errors.py", "observer.py", "lifecycle.py",
    }  # fmt: skip


def test_what_is_known_is_not_run_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def instead(program: str) -> Ran:
        asked.append(program)
        return ran(program)

    monkeypatch.setattr(schedules_whole, "whole", instead)
    known = notes(tmp_path / "some.jsonl")
    known.add("owned: add | add", ran("owned: add | add", 7))
    texts = ["owned: wait | wait", "owned: add | cancel", "owned: add | add"]
    with ThreadPoolExecutor(1) as threads:
        pool = cast("ProcessPoolExecutor", threads)
        assert not run(pool, texts[:2], known, -1)
        assert not asked
        found = run(pool, texts, known, float("inf"))
    assert asked == ["owned: add | cancel", "owned: wait | wait"]
    assert [each.program for each in found] == texts
    assert found[2].schedules == 7
    assert len(notes(known.path).known) == 3


def test_a_row_says_how_many_programs_are_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = notes(tmp_path / "some.jsonl")
    known.add("owned: cancel | start", schedules_whole.whole("owned: cancel | start"))
    monkeypatch.setattr(schedules_whole, "notes", lambda: known)
    with ThreadPoolExecutor(1) as threads:
        taken, all_taken = schedules_whole.rows(cast("ProcessPoolExecutor", threads), -1)
    assert taken.bound == "1 of 7,704 programs, all schedules"
    assert taken.count == "1,374 schedules"
    assert taken.ok
    assert all_taken.ok
    assert "486 programs with two starts" in all_taken.note


def test_three_threads_are_run_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    known = notes(tmp_path / "some.jsonl")
    larger: list[str] = []

    def needed(program: str) -> inclusions.Done:
        larger.append(program)
        return replace(ran(program), missing=()).done()

    monkeypatch.setattr(schedules_whole, "notes", lambda: known)
    monkeypatch.setattr(schedules_whole, "whole", lambda program: replace(ran(program), missing=()))
    monkeypatch.setattr(schedules_deep, "needed", needed)
    with ThreadPoolExecutor(1) as threads:
        rows = [*schedules_deep.three_whole(cast("ProcessPoolExecutor", threads))]
    assert all(each.ok for each in rows)
    assert [each.bound for each in rows] == [
        "284 programs, all schedules", "284 programs, all schedules",
        "30 programs, as needed", "30 programs, as needed",
    ]  # fmt: skip
    assert "spec starts once: 18 programs with two starts" in rows[1].note
    texts, expected, _ = schedules_deep.triples()
    assert {*known.known} == {*texts}
    assert larger == expected


def test_every_program_of_three_threads_with_a_call_each_is_run() -> None:
    whole, larger, outside = schedules_deep.triples()
    texts = whole + larger
    assert {len(each.partition(": ")[2].split(" | ")) for each in texts} == {3}
    single = [(each, sorted(calls(each))) for each in texts if ";" not in each]
    kinds = {(each.partition(":")[0], *verbs) for each, verbs in single}
    assert len(kinds) == len(single) == 312
    assert len(single) + outside == 2 * comb(len(VERBS) + 2, 3)
    assert sorted(smallest_first(texts)) == sorted(texts)


def test_a_larger_program_of_three_threads_shows_all_steps() -> None:
    done = schedules_deep.needed("owned: result | result | wait(1)")
    assert not done.failure
    assert not done.missing
    assert done.edges > 10


def test_every_program_of_up_to_two_calls_is_run() -> None:
    texts, outside = programs(schedules_whole.CALLS)
    assert (len(texts), outside) == (7_704, 486)
    assert sorted(smallest_first(texts)) == sorted(texts)


def test_notes_are_json(tmp_path: Path) -> None:
    path = tmp_path / "some.jsonl"
    notes(path).add("p", ran("p"))
    assert json.loads(path.read_text())["result"]["schedules"] == 10**30
