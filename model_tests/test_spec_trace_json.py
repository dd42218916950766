"""What is written is read again, and what is broken is refused in one line."""

import dataclasses
import json
from collections.abc import Mapping
from typing import TypeAlias

import pytest
from hypothesis import given
from hypothesis import strategies as st

from foregone_spec import kinds, trace
from foregone_spec.future_actions import (
    Action,
    CallResult,
    Cancel,
)
from foregone_spec.future_model import FutureModel
from foregone_spec.trace import Step, TraceError, dumps, loads
from foregone_spec.waiting import Ending
from model_tests.test_spec_trace import FUTURE, MAP, PROCESS_POOL, THREAD_POOL, WAITING, Clock

RUN: list[Action | Step[Action]] = [Cancel(2), Step(CallResult(1), {"state": "x", "ran": ()})]
GOOD = dumps(FutureModel(owned=True), RUN)

Change: TypeAlias = "tuple[str, str, str]"
BROKEN: list[Change] = [
    ('"format": "foregone-trace"', '"format": "x"', 'format is "x", which is not the format'),
    ('"version": 1', '"version": 2', "version is 2: this program reads 1"),
    ('"version": 1', '"version": true', "version is true"),
    ('"version": 1, ', "", "version is missing"),
    ('"model": "Future"', '"model": "Past"', 'model is "Past", which is not a model: one of Fut'),
    ('"model": "Future"', '"model": ["Future"]', "which is not a model"),
    ('"owned": true', '"owned": 1', "fields.owned is 1: true or false is wanted"),
    ('"owned": true, ', "", "fields.owned is missing"),
    ('"cancellers": 1', '"cancelers": 1', 'fields has an unknown field "cancelers"'),
    ('"cancellers": 1', '"cancellers": -1', "fields.cancellers is -1: a number from 0 to 10000"),
    ('"cancellers": 1', '"cancellers": 10001', "a number from 0 to 10000"),
    ('"cancellers": 1', '"cancellers": 1.0', "fields.cancellers is 1.0: an integer is wanted"),
    ('"cancellers": 1', '"cancellers": NaN', "fields.cancellers is NaN: an integer is wanted"),
    ('"agent": 2', '"agent": "2"', 'steps[0].agent is "2": an integer is wanted'),
    ('"agent": 2', '"agent": true', "steps[0].agent is true"),
    ('"agent": 2', '"agent": 2, "agent": 2', "a name is given twice"),
    (', "agent": 2', "", "steps[0].agent is missing: Cancel has agent"),
    ('"action": "Cancel"', '"action": "Cancle"', 'steps[0].action is "Cancle"'),
    ('"action": "Cancel"', '"action": "__init__"', "which is not an action: one of Cancel"),
    ('{"action": "Cancel", "agent": 2}', "7", "steps[0] is 7: an object is wanted"),
    ('"state": "x"', '"state": null', 'steps[1].variables["state"] is null'),
    ('"state": "x"', '"state": 1.5', "a boolean, integer, string or list is wanted"),
    ('"ran": []', f'"ran": {"[" * 10}{"]" * 10}', "nested too deeply: 8 lists"),
    ('"variables": {', '"variables": [{', "the text is not JSON"),
    ("]}", "", "the text is not JSON: Expecting"),
]


@pytest.mark.parametrize(("old", "new", "message"), BROKEN)
def test_refuses_a_broken_file(old: str, new: str, message: str) -> None:
    assert old in GOOD
    with pytest.raises(TraceError) as caught:
        loads(GOOD.replace(old, new, 1))
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("text", ["", "7", "[]", "nul", "[" * 10**5, "{}", "\ud800", "1" * 5000])
def test_refuses_what_is_no_run(text: str) -> None:
    with pytest.raises(TraceError):
        loads(text)


POOL = {"calls": 1, "processes": 1, "capacity": 2}
WRONG_FIELDS: list[tuple[kinds.AnyKind, Mapping[str, object], str]] = [
    (kinds.THREAD_POOL, {"calls": 1, "threads": 0}, "fields.threads is 0"),
    (kinds.THREAD_POOL, {"calls": 1, "threads": 1, "closers": ["x"]}, "closers[0] is"),
    (kinds.THREAD_POOL, {"calls": 1, "threads": 1, "closers": "x"}, "a list is wanted"),
    (kinds.PROCESS_POOL, {**POOL, "processes": 0}, "fields.processes is 0"),
    (kinds.PROCESS_POOL, {**POOL, "processes": 3}, "fields.capacity is 2: a place for each of 3"),
    (kinds.PROCESS_POOL, {**POOL, "overtake": 0}, "fields.overtake is 0"),
    (kinds.PROCESS_POOL, {**POOL, "policy": "ignore"}, "a Policy: one of break, replace"),
    (kinds.MAP, {"items": 1, "buffersize": 0}, "fields.buffersize is 0"),
    (kinds.MAP, {"items": 1, "buffersize": 1, "fails_at": 2}, "fields.fails_at is 2"),
    (kinds.WAITING, {"futures": 1, "asks": [], "names": [[1]]}, "fields.names has 1 items"),
    (kinds.WAITING, {"futures": 1, "asks": ["ALL"], "names": [[1]]}, 'asks[0] is "ALL"'),
    (kinds.WAITING, {"futures": 1, "asks": ["ALL_COMPLETED"], "names": [[]]}, "names[0] is []"),
    (kinds.WAITING, {"futures": 1, "asks": ["ALL_COMPLETED"], "names": [[2]]}, "futures 1 to 1"),
    (kinds.WAITING, {"futures": 1, "asks": ["x"] * 10_001, "names": []}, "10001 items: 10000"),
]


@pytest.mark.parametrize(("kind", "fields", "message"), WRONG_FIELDS)
def test_refuses_a_model_that_makes_no_sense(
    kind: kinds.AnyKind, fields: Mapping[str, object], message: str
) -> None:
    with pytest.raises(TraceError) as caught:
        kind.model(fields)
    assert message in str(caught.value)


def test_reads_the_fields_of_every_model() -> None:
    for model in (FUTURE, WAITING, THREAD_POOL, PROCESS_POOL, MAP):
        assert loads(dumps(model, [])).model == model  # type: ignore[misc]  # a union of models has no one action type
    assert WAITING.endings == tuple(Ending)


def test_refuses_to_write_what_is_not_ours() -> None:
    with pytest.raises(TraceError, match="cannot be recorded"):
        dumps(Clock(), [])
    with pytest.raises(TraceError, match="is not an action: one of Fill, Next"):
        dumps(MAP, [Cancel(1)])  # type: ignore[misc]  # a union of models has no one action type


def test_the_size_is_limited(monkeypatch: pytest.MonkeyPatch) -> None:
    assert trace.SIZE_LIMIT == 16 * 2**20
    monkeypatch.setattr(trace, "SIZE_LIMIT", len(GOOD) - 1)
    for attempt in (lambda: loads(GOOD), lambda: dumps(FUTURE, [Cancel(2)] * 50)):
        with pytest.raises(TraceError, match="longer than"):
            attempt()
    monkeypatch.setattr(trace, "SIZE_LIMIT", len(GOOD))
    assert loads(GOOD).steps


def test_no_field_has_the_name_of_what_stands_beside_it() -> None:
    for kind in (kinds.FUTURE, kinds.WAITING, kinds.THREAD_POOL, kinds.PROCESS_POOL, kinds.MAP):
        for action in kind.actions.values():
            names = {each.name for each in dataclasses.fields(action)}
            assert not names & {"action", "variables"}


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=8,
)


@given(JSON, st.sampled_from(["fields", "steps", "owned", "agent", "action", "variables", "ran"]))
def test_whatever_is_read_is_a_run_or_a_trace_error(found: object, where: str) -> None:
    raw = json.loads(GOOD)
    for place in (
        raw,
        raw["fields"],
        raw["steps"][0],
        raw["steps"][1],
        raw["steps"][1]["variables"],
    ):
        if where in place:
            place[where] = found
    text = json.dumps(raw)
    try:
        run = loads(text)
    except TraceError as error:
        told = str(error)
        assert "\n" not in told
    else:
        assert loads(dumps(run.model, run.steps)) == run  # type: ignore[misc]  # a union of models has no one action type


@given(st.integers(0, len(GOOD) - 1), st.text(max_size=3), st.integers(0, 4))
def test_a_damaged_file_is_a_run_or_a_trace_error(place: int, text: str, cut: int) -> None:
    try:
        loads(GOOD[:place] + text + GOOD[place + cut :])
    except TraceError as error:
        assert len(str(error)) < 1000  # noqa: PT017
