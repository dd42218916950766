"""Counterexamples as files: written, read, judged and told; nothing in them is believed."""

import json
from pathlib import Path
from typing import Any

import pytest

from foregone_spec import process_pool_actions as act
from foregone_spec import trace
from foregone_spec.__main__ import main
from foregone_spec.counterexample import Counterexample, Seen, judged, of_run, of_walk, read
from foregone_spec.kinds import PROCESS_POOL, TraceError
from foregone_spec.process_pool import ProcessPoolModel
from foregone_spec.walk import Walk

MODEL = ProcessPoolModel(calls=1, processes=2, capacity=2)


def walked(*actions: act.Action) -> Walk[Any, Any]:
    walk: Walk[Any, Any] = Walk(MODEL)
    for each in actions:
        walk.take(each)
    return walk


def example(*strange: Seen) -> Counterexample:
    """Return a run of the pool up to a claim, and then what it does not do."""
    walk = walked(act.Submit(1), act.Start(1), act.Offer(1), act.Ready(1), act.Claim(1, 1))
    known = of_walk(walk.model, walk.states, walk.actions, "AtMostOnce")
    return Counterexample(
        known.model, known.fields, "a pool of yesterday", known.violates, "and so on, for ever",
        known.initially, (*known.steps, *strange),
    )  # fmt: skip


def strange(action: str = "ClaimTwice", **fields: object) -> Seen:
    walk = walked(act.Submit(1), act.Start(1), act.Offer(1), act.Ready(1), act.Claim(1, 1))
    variables = {**MODEL.variables(walk.state), "begun": (2,)}
    return Seen({"action": action, **fields}, variables)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "found.json"


def told(file: Path, command: str, capsys: pytest.CaptureFixture[str]) -> tuple[int, str, str]:
    code = main([command, str(file)])
    said = capsys.readouterr()
    return code, said.out, said.err


def test_what_is_written_is_read() -> None:
    whole = example(strange())
    assert read(whole.text()) == whole
    assert trace.loads(example().text()).check().accepted  # a recorded run, too


def test_a_recorded_run_is_none() -> None:
    assert read(trace.dumps(MODEL, [act.Submit(1)])) is None
    for text in ("", "{", "[]", "3", "[" * 100_000, '{"design": "x"' * 2):
        assert read(text) is None


def test_where_it_leaves_the_specification() -> None:
    assert judged(example()).reason == ""
    assert judged(example()).followed == 5
    found = judged(example(strange(), strange()))
    assert (found.followed, found.reason) == (5, "the specification has no step ClaimTwice")
    assert "Finish(process=1)" in found.enabled
    found = judged(example(strange("Claim")))
    assert found.reason == "no Claim of the specification leads to this"
    found = judged(example(strange("Finish", process=1)))
    assert found.reason.startswith("after it ")  # ours, and it leads elsewhere
    assert found.followed == 5
    found = judged(example(strange("Claim", process=2, work_id=1)))
    assert found.reason == "it is not enabled"
    assert judged(Counterexample("Map", {"items": 1, "buffersize": 1}, "", "", "", {}, ())) == (
        judged(of_run(trace.loads(_empty_map())))
    )


def _empty_map() -> str:
    return (
        '{"format": "foregone-trace", "version": 1, "model": "Map",'
        ' "fields": {"items": 1, "buffersize": 1}, "steps": []}'
    )


def test_it_is_told(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file.write_text(example(strange()).text(), encoding="utf-8")
    code, said, _ = told(file, "explain", capsys)
    assert code == 1
    lines = said.splitlines()
    assert lines[1:3] == [
        "a counterexample of a pool of yesterday", "its design violates AtMostOnce",
    ]  # fmt: skip
    assert (
        "  6. ClaimTwice  <- it leaves the specification here: the specification has no step "
        "ClaimTwice"
    ) in lines
    place = lines.index("     begun = <<2>>")
    assert lines[place + 1] == "     and so on, for ever  <- this violates AtMostOnce"
    assert lines[place + 2].startswith("rejected: ProcessPoolModel(calls=1")
    assert lines[place + 2].endswith(" cannot do step 6 of 6")
    code, said, _ = told(file, "check", capsys)
    assert code == 1
    assert said.startswith("rejected: ")
    assert "its design violates AtMostOnce\n" in said
    file.write_text(example().text(), encoding="utf-8")
    code, said, _ = told(file, "check", capsys)
    assert code == 0
    assert said.splitlines() == [
        "the specification can do all of its 5 steps",
        "a counterexample of a pool of yesterday",
        "its design violates AtMostOnce",
    ]


def test_as_json(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file.write_text(example(strange()).text(), encoding="utf-8")
    said: dict[str, Any] = {}
    for command in ("check", "explain"):
        assert main([command, str(file), "--json"]) == 1
        said = json.loads(capsys.readouterr().out)
        assert (said["accepted"], said["index"], said["violates"]) == (False, 5, "AtMostOnce")
        assert said["design"] == "a pool of yesterday"
    assert said["steps"][6]["variables"]["begun"] == [2]


def test_a_model_that_we_have_not_is_told_and_not_judged(
    file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = Counterexample("Seed", {}, "the seed", "Ends", "", {"x": 1}, (Seen(
        {"action": "Go"}, {"x": "\x1b[31mred", "y": (1, True)}),))  # fmt: skip
    file.write_text(other.text(), encoding="utf-8")
    code, said, _ = told(file, "explain", capsys)
    assert code == 0
    assert "it is told, and not judged: the specification has no model" in said
    assert "1. Go  <- it violates Ends" in said
    assert "\x1b" not in said
    assert "\\x1b[31mred" in said
    assert "y = <<1, TRUE>>" in said
    code, _, said = told(file, "check", capsys)
    assert code == 2
    assert 'the specification has no model "Seed", it has Future, ' in said


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"steps": 3}, "steps is 3: a list is wanted"),
        ({"steps": [3]}, "steps[0] is 3: an object is wanted"),
        ({"steps": [{"action": 3}]}, "steps[0].action is 3: a string is wanted"),
        ({"steps": [{"action": "Go"}]}, "steps[0].variables is missing"),
        ({"steps": [{"action": "Go", "variables": 3}]}, "steps[0].variables is 3"),
        ({"steps": [{"action": "Go", "variables": {"x": None}}]}, 'variables["x"] is null'),
        ({"initially": []}, "initially is []: an object is wanted"),
        ({"fields": 3}, "fields is 3: an object is wanted"),
        ({"design": None}, "design is null: a string is wanted"),
        ({"violates": []}, "violates is []: a string is wanted"),
        ({"version": 2}, "version 2: this program reads foregone-trace, 1"),
        ({"format": 1}, "it is 1, version 1: this program reads foregone-trace"),
    ],
)
def test_what_is_broken_is_refused(
    change: dict[str, object], says: str, file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file.write_text(json.dumps({**json.loads(example().text()), **change}), encoding="utf-8")
    for command in ("check", "explain"):
        code, said, wrong = told(file, command, capsys)
        assert (code, said) == (2, "")
        assert wrong.startswith(f"foregone-spec: {file}: ")
        assert says in wrong


@pytest.mark.parametrize("name", ["model", "fields", "initially", "steps"])
def test_what_is_missing_is_named(name: str) -> None:
    raw = json.loads(example().text())
    del raw[name]
    with pytest.raises(TraceError, match=f"^{name} is missing: a counterexample has design, "):
        read(json.dumps(raw))


def test_bounds_that_are_none_are_refused(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    raw = json.loads(example().text())
    raw["fields"]["processes"] = 0
    file.write_text(json.dumps(raw), encoding="utf-8")
    code, _, said = told(file, "check", capsys)
    assert code == 2
    assert "fields.processes is 0: at least 1 is wanted" in said


def test_a_run_has_the_first_of_all_variables_that_are_possible() -> None:
    actions: list[act.Action] = [act.Submit(1), act.Claim(1, 1), act.Start(1)]
    run = trace.loads(trace.dumps(MODEL, actions))
    found = of_run(run)
    assert [dict(each.action) for each in found.steps] == [
        PROCESS_POOL.plain(each.action) for each in run.steps
    ]
    assert found.steps[0].variables["workIds"] == (1,)
    assert found.steps[2].variables == found.steps[1].variables == found.steps[0].variables
    assert judged(found).followed == 1
