"""What TLC finds, written as a file: the steps that are ours with their numbers, the others not.

What is in such a file, and what is told of it, is ``test_spec_counterexample.py``'s.
"""

import json
from pathlib import Path

import pytest

from foregone_spec.counterexample import judged, read
from foregone_spec.future_model import FutureModel
from foregone_spec.kinds import TraceError, plain_fields
from foregone_spec.model import Value
from model_tests.chain.counterexample import (
    NoCounterexample,
    configured,
    defect_of,
    followed,
    found,
    main,
    told,
)
from model_tests.chain.tlc import Step
from model_tests.chain.values import NoValue, printed, value


def names(steps: object) -> list[str]:
    assert isinstance(steps, tuple)
    return list(map(str, steps))


def test_an_old_thread_pool(tmp_path: Path) -> None:
    example = found(configured("museum/ThreadPool-M9"), tmp_path)
    assert (example.model, example.violates) == ("ThreadPool", "EveryAcceptedCallEnds")
    assert example.fields["closers"] == ["shutdown"]
    assert example.ending == "and then nothing happens any more"
    assert names(example.steps)[:3] == [
        "Submit(work_id=1)",
        "Submit(work_id=2)",
        "Shutdown(closer=1)",
    ]
    assert names(example.steps)[6:] == ["Claim(thread=1)", "FinishAndDie", "ShutdownReturns"]
    said = judged(example)
    assert (said.followed, said.reason) == (7, "the specification has no step FinishAndDie")
    assert "Finish(thread=1)" in said.enabled
    assert read(example.text()) == example


def test_claim_tickets_are_a_process_pool(tmp_path: Path) -> None:
    """Who wins a call back in two steps shows a call as running that nobody has claimed."""
    example = found(configured("museum/ClaimTickets-two-holds"), tmp_path)
    assert (example.model, example.violates) == ("ProcessPool", "RunningMeansClaimed")
    assert example.fields["processes"] == example.fields["capacity"] == 2
    assert names(example.steps) == [
        "Submit(work_id=1)", "Start(process=1)", "Offer(work_id=1)", "Submit(work_id=2)",
        "Start(process=2)", "Notice",
    ]  # fmt: skip
    last = example.steps[-1].variables
    assert (last["futures"], last["begun"]) == (("RUNNING", "PENDING"), (0, 0))
    assert judged(example).reason == "no Notice of the specification leads to this"


def test_where_a_ticket_breaks_something_that_no_room_shows_it_is_said(tmp_path: Path) -> None:
    example = found(configured("museum/ClaimTickets-posted-twice"), tmp_path)
    assert judged(example).reason == ""
    assert example.ending.startswith("the last step, ")
    assert example.ending.endswith(", shows in no room")


@pytest.mark.parametrize("name", ["M16", "passed-by"])  # what kills; bounds that a pool has not
def test_claim_tickets_that_are_no_process_pool_are_told_as_they_are(
    name: str, tmp_path: Path
) -> None:
    example = found(configured(f"museum/ClaimTickets-{name}"), tmp_path)
    assert example.model == "ClaimTicketsMuseum"
    assert "slots" in example.initially
    with pytest.raises(TraceError, match='has no model "ClaimTicketsMuseum"'):
        judged(example)


def test_a_seeded_defect(tmp_path: Path) -> None:
    defect = defect_of("ProcessPool.Claim 9: effect frozen")
    example = found(configured("holds/ProcessPool-plain"), tmp_path, defect)
    assert example.violates == "InOneRoomOnly"
    assert example.design.startswith("ProcessPool.Claim 9: effect frozen (tla/ProcessPool.tla:")
    assert names(example.steps)[-2:] == ["Ready(process=1)", "Claim"]
    assert judged(example).followed == len(example.steps) - 1
    with pytest.raises(
        NoCounterexample, match="holds/ProcessPool-plain holds: nothing is violated"
    ):
        found(configured("holds/ProcessPool-plain"), tmp_path / "none")


def test_a_claim_that_is_false_of_the_specification_itself(tmp_path: Path) -> None:
    example = found(configured("reached/ProcessPool-EveryRefusalBreaks"), tmp_path)
    assert judged(example).reason == ""
    assert judged(example).followed == len(example.steps)
    assert names(example.steps)[-1].startswith("StartFails(process=")


def test_a_model_with_more_variables_is_none_of_ours(tmp_path: Path) -> None:
    example = found(configured("museum/Waiting-H5"), tmp_path)
    assert example.model == "WaitingH5"
    assert example.initially["count"] == (2,)


def test_a_file_of_ones_own(tmp_path: Path) -> None:
    """It may have its modules beside it."""
    (tmp_path / "Own.tla").write_text(
        "---- MODULE Own ----\nEXTENDS Naturals\nVARIABLES x, y\nvars == <<x, y>>\n"
        "Init == x = 0 /\\ y = {}\nGo == x' = x + 1 /\\ y' = y \\union {x}\n"
        "Spec == Init /\\ [][Go]_vars\nFew == x < 2\n====\n",
        encoding="utf-8",
    )
    config = tmp_path / "Own-few.cfg"
    config.write_text("\\* Module Own: counts\nSPECIFICATION Spec\nINVARIANT Few\n", "utf-8")
    output = tmp_path / "found.json"
    assert main([str(config), "--output", str(output)]) == 0
    raw = json.loads(output.read_text(encoding="utf-8"))
    assert (raw["model"], raw["violates"]) == ("Own", "Few")
    assert raw["steps"][1] == {"action": "Go", "variables": {"x": 2, "y": [0, 1]}}


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["nowhere"], "'nowhere' is no configuration: name one of tla/"),
        (["reached/Nothing"], "'reached/Nothing' is no configuration"),
        (["holds/Map-wide"], "holds/Map-wide holds: nothing is violated at its bounds"),
        (["museum/Map-M7", "--defect", "x"], "'x' is no seeded defect of tla/: model_tests/"),
        (["museum/Map-M7", "--defect", "Map.Fill 99: x"], "tla/; there are Map.Fill 1: "),
        (["museum/Map-M7", "--output", "nowhere/x.json"], "No such file or directory"),
    ],
)
def test_what_cannot_be_had_is_told(
    arguments: list[str], says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.startswith("counterexample: ")
    assert says in said.err


def test_a_lasso_is_told() -> None:
    steps = (
        Step("initially", (("x", "0"), ("y", '"a"'))),
        Step("Go", (("x", "1"),)),
        Step("Back", ()),
        Step("Go, back to 1", ()),
    )
    story = told(steps)
    assert story.states == [{"x": "0", "y": '"a"'}, {"x": "1", "y": '"a"'}, {"x": "1", "y": '"a"'}]
    assert story.actions == ["Go", "Back"]
    assert story.ending == "and then Go, and on from step 1, for ever"


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("TRUE", True), ("FALSE", False), ("-3", -3), ('"a, >> b"', "a, >> b"), ("<<>>", ()),
        ("<<1, <<TRUE>>>>", (1, (True,))), ('{"a", "b"}', ("a", "b")), ("{}", ()),
        ("<<1,\n  2>>", (1, 2)),
    ],
)  # fmt: skip
def test_a_value_is_read(text: str, wanted: Value) -> None:
    assert value(text) == wanted
    assert type(value(text)) is type(wanted)


@pytest.mark.parametrize(
    "text", ["", "x", "<<1", "<<1 2>>", "1 2", "[a |-> 1]", "{1 >>", "(0 :> 1)"]
)
def test_what_is_no_value_is_told(text: str) -> None:
    with pytest.raises(NoValue):
        value(text)


def test_what_is_printed_is_found() -> None:
    output = 'x\n<<"SEEN", 1, <<>>>>\n<< "SEEN",\n  2,\n  <<3>> >>\n<<"GIVEN", 1>>\n'
    assert printed(output, "SEEN") == [(1, ()), (2, (3,))]


@pytest.mark.parametrize("ends", ["SetException()", "SetResult(agent=1)"])
def test_of_steps_that_lead_to_the_same_it_is_the_one_that_tlc_names(ends: str) -> None:
    model = FutureModel(owned=False)
    (first,) = model.initial()
    states = [first]
    for wanted in ("SetRunningOrNotifyCancel()", ends):
        action = next(each for each in model.enabled(states[-1]) if str(each) == wanted)
        states.append(model.step(states[-1], action))
    names = ["SetRunningOrNotifyCancel", ends.partition("(")[0]]
    steps = followed("Future", plain_fields(model), names, [*map(model.variables, states)])
    assert [str(each) for each in steps][1] == ends.removesuffix("()")
