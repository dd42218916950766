"""Histories of calls on a future are linearizable; what is not is told, and made small."""

from collections.abc import Iterator

import pytest
from hypothesis import given

from foregone_conformance.histories import (
    Begins,
    Call,
    Event,
    Quiet,
    Ran,
    Returns,
    Told,
    complaints,
)
from model_tests.history_clients import preempted, program
from model_tests.history_search import DRAWN, QUICK, Drawn, hunt, replay_line, run, search, seen
from model_tests.schedule_defects import Defect
from model_tests.schedule_explore import Bench, bench, parsed, text
from model_tests.schedule_library import load

CANCEL = Call(0, 0, "cancel")
START = Call(1, 0, "start")
SET = Call(0, 0, "set_result")
RESULT = Call(1, 0, "result")
SHORT = Call(1, 0, "result", patient=False)
ADD = Call(1, 0, "add")
AGAIN = Call(1, 1, "add")
INSTALL = Call(1, 0, "install")


def whole(call: Call, reply: str) -> list[Event]:
    """Return a call that begins and returns with nothing in between."""
    return [Begins(call), Returns(call, reply)]


GOOD: dict[str, list[Event]] = {
    "nothing": [Quiet()],
    "refused": [*whole(START, "True"), *whole(CANCEL, "False"), Quiet()],
    "the later begins, the earlier returns": [
        Begins(CANCEL), Begins(START), Returns(START, "True"), Returns(CANCEL, "False"),
    ],
    "both orders are open": [
        Begins(CANCEL), Begins(START), Returns(CANCEL, "True"), Returns(START, "RuntimeError"),
    ],
    "blocked": [Begins(RESULT), Quiet(), *whole(SET, "None"), Returns(RESULT, "returned 0.0")],
    "out of time": [Begins(SHORT), *whole(SET, "None"), Returns(SHORT, "TimeoutError", late=True)],
    "callbacks": [
        *whole(ADD, "None"), *whole(AGAIN, "None"), Begins(SET), Ran("1.0", 0), Ran("1.1", 0),
        Returns(SET, "None"), Quiet(),
    ],
    "a late callback": [*whole(SET, "None"), Begins(ADD), Ran("1.0", 1), Returns(ADD, "None")],
    "a waiter": [
        *whole(INSTALL, "True"), Begins(SET), Told("1.0", "a result"), Returns(SET, "None"),
        Quiet(),
    ],
}  # fmt: skip

#: Each is wrong at its last event, and not before.
WRONG: dict[str, list[Event]] = {
    "two win": [Begins(CANCEL), *whole(START, "True"), Returns(CANCEL, "True")],
    "a reply of the past": [*whole(START, "True"), *whole(CANCEL, "True")],
    "another's result": [*whole(SET, "None"), *whole(RESULT, "returned 0.1")],
    "a result before it is set": [*whole(RESULT, "returned 0.0")],
    "a time limit that has not passed": [*whole(SHORT, "TimeoutError")],
    "too late to be out of time": [
        *whole(SET, "None"), Begins(SHORT), Returns(SHORT, "TimeoutError", late=True),
    ],
    "forgotten in result()": [Begins(RESULT), *whole(SET, "None"), Quiet()],
    "a callback too early": [*whole(ADD, "None"), Ran("1.0", 1)],
    "a callback twice": [*whole(ADD, "None"), Begins(SET), Ran("1.0", 0), Ran("1.0", 0)],
    "callbacks out of order": [
        *whole(ADD, "None"), *whole(AGAIN, "None"), Begins(SET), Ran("1.1", 0),
    ],
    "a callback in a thread of its own": [*whole(ADD, "None"), Begins(SET), Ran("1.0", 2)],
    "the end returns before the callback ran": [*whole(ADD, "None"), *whole(SET, "None")],
    "a late callback does not run": [*whole(SET, "None"), *whole(ADD, "None")],
    "a callback is forgotten": [
        Begins(SET), Begins(ADD), Returns(ADD, "None"), Returns(SET, "None"), Quiet(),
    ],
    "a waiter is told of another end": [
        *whole(INSTALL, "True"), Begins(SET), Told("1.0", "a cancel"),
    ],
    "a waiter is told twice": [
        *whole(INSTALL, "True"), Begins(SET), Told("1.0", "a result"), Told("1.0", "a result"),
    ],
    "a waiter is forgotten": [*whole(INSTALL, "True"), *whole(SET, "None")],
}  # fmt: skip


@pytest.mark.parametrize("name", GOOD)
def test_a_good_history_is_accepted(name: str) -> None:
    assert list(complaints(GOOD[name], owned=True)) == []


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_history_is_refused_at_its_last_event(name: str) -> None:
    history = WRONG[name]
    assert list(complaints(history[:-1], owned=True)) == []
    first, *seen_before = complaints(history, owned=True)
    assert first == f"not linearizable: {history[-1]}"
    assert len(seen_before) == len(history)


def test_a_bare_future_keeps_its_waiter_until_it_is_notified() -> None:
    history = [*whole(INSTALL, "True"), *whole(CANCEL, "True"), Quiet()]
    assert list(complaints(history, owned=False)) == []
    assert list(complaints(history, owned=True)) != []


def test_a_schedule_counts_the_choices_before_each_preemption() -> None:
    pick = preempted([2, 1])
    with bench() as on:
        failure = on.once(program("owned: done; done; done | done; done"), (), pick)
    assert text(failure.schedule).startswith("0*2 1 0")
    assert failure.complaints == ()


def test_a_call_that_is_none_is_an_error() -> None:
    with pytest.raises(ValueError, match="what is 'swim'"):
        program("owned: cancel | swim")


@pytest.fixture(scope="module")
def on() -> Iterator[Bench]:
    """Yield the library under a scheduler."""
    with bench() as made:
        yield made


@given(drawn=DRAWN)
def test_every_history_is_linearizable(on: Bench, drawn: Drawn) -> None:
    failure = run(on, drawn)
    assert not failure.complaints, f"{failure}\n{replay_line(failure)}"


@pytest.mark.parametrize("defect", seen(QUICK), ids=lambda each: each.name)
def test_a_defect_is_found_and_made_small(defect: Defect) -> None:
    found = hunt(defect)
    assert found.failure is not None
    assert found.failure.program.count(";") <= 1
    assert repr(found.failure.program) in str(found)
    assert repr(text(found.failure.schedule)) in replay_line(found.failure)
    with bench(load(defect.edits)) as edited:
        schedule = parsed(text(found.failure.schedule))
        again = edited.replay(program(found.failure.program), schedule)
    assert again == found.failure


def test_what_is_not_found_is_said(on: Bench) -> None:
    found = search(on, "the library", examples=20)
    assert found.failure is None
    assert str(found) == f"the library: nothing found in {found.runs} runs"


def test_a_call_is_read_with_its_limit() -> None:
    assert Call.read(0, 1, "wait(1)") == Call(0, 1, "wait", patient=False)
    assert Call.read(0, 1, "wait") == Call(0, 1, "wait", patient=True)
