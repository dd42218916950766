"""The links that run TLC: what they read, and that each of them can fail."""

import json
import subprocess
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from foregone_spec.future import TRANSITIONS, Command, Effect, State, Step
from foregone_spec.future_model import FutureModel
from foregone_spec.model import Value
from foregone_spec.waiting_model import WaitingModel
from model_tests.chain import java, models, models_deep, pairs, reached, tlc
from model_tests.chain.equality import (
    Labelled,
    differences,
    explored,
    of_tlc,
    parse_dot,
    parse_value,
)

BARE = FutureModel(owned=False, resolvers=1)

# ------------------------------------------------------------ what TLC prints


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("TRUE", True),
        ("-3", -3),
        ('"ran own"', "ran own"),
        ("<<>>", ()),
        ("<< >>", ()),
        ('<<<<1, 2>>,\n  <<>>, <<"a", FALSE>>>>', ((1, 2), (), ("a", False))),
    ],
)
def test_values_are_read(text: str, value: Value) -> None:
    assert parse_value(text) == value


@pytest.mark.parametrize("text", ["{1, 2}", "[a |-> 1]", "1 2", "<<1", "(1 :> 2)", ""])
def test_refuses_values_that_python_cannot_have(text: str) -> None:
    with pytest.raises(ValueError, match=r"what is|TLC printed"):
        parse_value(text)


def test_a_state_is_read_variable_by_variable() -> None:
    assert tlc.variables('/\\ a = <<1,\n  2>>\n/\\ b = "x = y"') == {
        "a": "<<1, 2>>",
        "b": '"x = y"',
    }
    assert tlc.variables("only = 1") == {"only": "1"}


DOT = r"""strict digraph DiskGraph {
-1 [label="/\\ b = << >>\n/\\ a = \"x\"",style = filled]
-1 -> 22 [label="Go",color="black",fontcolor="black"];
22 [label="/\\ b = <<1>>\n/\\ a = \"y\""];
22 -> 22 [style="dashed"];
}
"""


def test_a_dumped_graph_is_read() -> None:
    first, second = (("a", '"x"'), ("b", "<<>>")), (("a", '"y"'), ("b", "<<1>>"))
    graph = parse_dot(DOT)
    assert graph.initial == {first}
    assert graph.nodes == {first, second}
    assert graph.edges == {(first, "Go", second)}


def test_refuses_an_edge_without_an_action() -> None:
    with pytest.raises(ValueError, match="without the name of an action"):
        parse_dot(DOT.replace('[label="Go",', "["))


def said(number: int, text: str) -> str:
    return f"@!@!@STARTMSG {number}:0 @!@!@\n{text}\n@!@!@ENDMSG {number} @!@!@\n"


COUNTED = said(2199, "9 states generated, 1,234 distinct states found, 0 states left on queue.")
STORY = (
    said(2217, "1: <Initial predicate>\n/\\ a = 0\n/\\ b = 0")
    + said(2217, "2: <Go line 1, col 1 to line 2, col 2 of module M>\n/\\ a = 1\n/\\ b = 0")
    + said(2218, "3: Stuttering")
)
CONFIG = tlc.Config(Path("museum/M-M0.cfg"), "M", "a gloss", (), ("EveryoneEnds",))


def test_a_run_that_holds_is_read() -> None:
    depth = said(2194, "The depth of the complete state graph search is 7.")
    coverage = said(2772, "<Go line 1, col 1 to line 1, col 9 of module M>: 4:11")
    outcome = tlc.read_output(CONFIG, said(2193, "No error") + COUNTED + depth + coverage, 0, 1.0)
    assert (outcome.result, outcome.states, outcome.depth) == (tlc.HOLDS, 1234, 7)
    assert outcome.steps == 9
    assert outcome.taken == {"Go": 11}


def test_a_temporal_violation_is_told_as_a_story() -> None:
    output = said(2116, "Temporal properties were violated.") + STORY + COUNTED
    outcome = tlc.read_output(CONFIG, output, 13, 1.0)
    assert outcome.result == "EveryoneEnds"
    assert outcome.actions == "Go, stuttering"
    assert "  1. Go\n       a = 1\n  2. stuttering" in outcome.told()


def test_how_far_a_run_came_that_did_not_end_is_read() -> None:
    progress = (
        "Progress(46) at 2026-11-27 02:21:42: 1,460,670 states generated (1,453,157 s/min), "
        "377,664 distinct states found (375,094 ds/min), 27,521 states left on queue."
    )
    outcome = tlc.read_output(CONFIG, said(2200, progress), -1, 1.0)
    assert (outcome.result, outcome.states, outcome.depth) == (tlc.ERROR, 377_664, 46)
    assert models_deep.short(progress) == "depth 46, 377,664 states, 27,521 to look at"
    assert models_deep.short("Checking 9 states at (2026-11-27)") == "Checking 9 states"


def test_an_invariant_is_named_by_tlc() -> None:
    output = said(2110, "Invariant NoCallbackLeft is violated.") + STORY + COUNTED
    assert tlc.read_output(CONFIG, output, 12, 1.0).result == "NoCallbackLeft"


@pytest.mark.parametrize(
    ("output", "code"),
    [
        ("", 0),
        (said(2193, "No error") + COUNTED, 1),
        (said(2116, "Temporal properties were violated.") + COUNTED, 0),
        (said(2110, "Invariant A is violated.") + COUNTED, 13),
        (said(2223, "a mistake in the configuration"), 151),
    ],
)
def test_what_disagrees_with_the_exit_code_is_an_error(output: str, code: int) -> None:
    assert tlc.read_output(CONFIG, output, code, 1.0).result == tlc.ERROR


def test_claims_are_read_from_a_configuration(tmp_path: Path) -> None:
    path = tmp_path / "A-B.cfg"
    path.write_text(
        "\\* Module A: what it asks\nSPECIFICATION Spec\nINVARIANTS TypeOK\n  One \\* Two\n"
        "CONSTANTS\n  N = 1\n  Owned = TRUE\nPROPERTY\n  Three\n"
    )
    config = tlc.read_config(path)
    assert (config.module, config.gloss) == ("A", "what it asks")
    assert config.invariants == ("TypeOK", "One")
    assert config.properties == ("Three",)


def test_refuses_a_configuration_without_a_module(tmp_path: Path) -> None:
    path = tmp_path / "A.cfg"
    path.write_text("SPECIFICATION Spec\n")
    with pytest.raises(ValueError, match="first line"):
        tlc.read_config(path)


def test_a_jar_that_is_not_there_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("FOREGONE_TLA2TOOLS", str(tmp_path / "none.jar"))
    with pytest.raises(java.ToolMissing, match=r"none\.jar"):
        java.jar()


def test_a_missing_wheel_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    def nothing(name: str) -> Path:
        raise ModuleNotFoundError(name)

    monkeypatch.delenv("FOREGONE_TLA2TOOLS", raising=False)
    monkeypatch.setattr(java, "files", nothing)
    for tool in (java.jar, java.java):
        with pytest.raises(java.ToolMissing, match="make setup"):
            tool()


def test_tlc_starts_from_a_cache_or_without_one(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Who cannot make one in time, or has a Java that does not, goes without."""
    monkeypatch.setattr(java, "BUILD", tmp_path)

    asked: list[str] = []

    def late(command: Sequence[str], **_: object) -> None:
        asked.extend(command)
        raise subprocess.TimeoutExpired("java", 1.0)

    with monkeypatch.context() as patch:
        patch.setattr(subprocess, "run", late)
        assert java._cached.__wrapped__(java.java(), java.jar()) == ()
    assert any(each.startswith("-XX:AOTCacheOutput=") for each in asked)
    assert not {*asked} & {*java.QUICKLY}  # long runs learn from it how to compile
    (flag,) = java._cached.__wrapped__(java.java(), java.jar())
    (made,) = tmp_path.iterdir()
    assert flag == f"-XX:AOTCache={made}"
    assert made.stat().st_size > 1_000_000


def test_who_listens_hears_how_far_a_run_is() -> None:
    heard: list[str] = []
    outcome = tlc.run(tlc.read_config(java.TLA / "holds" / "Map-buffer.cfg"), listener=heard.append)
    assert outcome.result == tlc.HOLDS
    assert any(f"{outcome.states:,} distinct states" in line for line in heard)


def test_a_run_that_takes_too_long_is_ended_and_says_so() -> None:
    config = tlc.read_config(java.TLA / "deep" / "ProcessPool-wide.cfg")
    outcome = tlc.run(config, patience=0.2)
    assert outcome.result == tlc.ERROR
    assert outcome.output.startswith("TLC did not end within 0.2 s")


# --------------------------------------------------------- the graphs are equal


@pytest.fixture(scope="module")
def graph() -> Labelled:
    return of_tlc("FutureUnderTest", BARE)


def python() -> Labelled:
    return explored("", BARE)[0]()


def test_the_graphs_are_equal(graph: Labelled) -> None:
    assert differences(graph, python()) == ()


@pytest.mark.parametrize(
    ("state", "command", "cell", "action"),
    [
        (State.PENDING, Command.CANCEL, Step(State.CANCELLED, True), "Cancel"),
        (State.RUNNING, Command.CANCEL, Step(State.CANCELLED, True), "Cancel"),
        (State.PENDING, Command.SET_RESULT, Step(State.PENDING, None), "SetResult"),
        (State.RUNNING, Command.SET_EXCEPTION, Step(State.FINISHED, None), "SetException"),
        (
            State.CANCELLED,
            Command.SET_RUNNING_OR_NOTIFY_CANCEL,
            Step(State.CANCELLED, False, (Effect.TELL_WAITERS,)),
            "SetRunningOrNotifyCancel",
        ),
    ],
)
def test_another_cell_is_another_graph(
    graph: Labelled,
    monkeypatch: pytest.MonkeyPatch,
    state: State,
    command: Command,
    cell: Step,
    action: str,
) -> None:
    monkeypatch.setitem(TRANSITIONS[state], command, cell)
    found = "\n".join(differences(graph, python()))
    assert "steps of TLC only" in found
    assert f"--{action}-->" in found


def test_what_only_one_side_has_is_shown(graph: Labelled) -> None:
    edge = min(graph.edges)
    less = replace(graph, edges=graph.edges - {edge})
    assert differences(graph, less)[0] == "1 steps of TLC only, such as"
    assert differences(less, graph)[0] == "1 steps of the Python spec only, such as"
    nowhere = replace(graph, initial=frozenset[tuple[tuple[str, str], ...]]())
    assert differences(nowhere, graph)[0].startswith("initial state of the Python spec only")
    state = min(graph.nodes)
    fewer = replace(graph, nodes=graph.nodes - {state})
    assert differences(fewer, graph)[0].startswith("state of the Python spec only")


def test_a_broken_invariant_is_a_row_that_failed(monkeypatch: pytest.MonkeyPatch) -> None:
    cell = Step(State.RUNNING, None)
    monkeypatch.setitem(TRANSITIONS[State.CANCELLED], Command.SET_RESULT, cell)
    row = explored("", BARE)[1]
    assert not row.ok
    assert "EndIsFinal is violated" in row.details


def test_every_module_has_three_pairs_of_different_bounds() -> None:
    for name, least in (("Future", 3), ("Waiting", 3), ("ThreadPool", 3), ("Map", 2)):
        bounds = {pair.model for pair in pairs.PAIRS if pair.model.name == name}
        assert len(bounds) >= least


def test_constants_are_written_as_tla() -> None:
    model = WaitingModel(2, ("AS_COMPLETED",), ((1, 2),))
    assert pairs.constants(model) == {
        "Futures": "2",
        "Asks": '<<"AS_COMPLETED">>',
        "Names": "<<<<1, 2>>>>",
        "Endings": '{"result", "exception", "cancelled"}',
    }


# -------------------------------------------------------- the models are judged


@pytest.fixture
def holding() -> tuple[tlc.Config, tlc.Outcome]:
    config = tlc.read_config(java.TLA / "holds" / "Map-buffer.cfg")
    return config, tlc.Outcome(tlc.HOLDS, 656, 21, 1.0, (), {}, "", 1201)


def test_what_is_recorded_is_compared(holding: tuple[tlc.Config, tlc.Outcome]) -> None:
    config, outcome = holding
    known = {config.name: models.record(config, outcome)}
    assert models.row(config, outcome, known).ok
    assert not models.row(config, replace(outcome, states=655), known).ok
    assert not models.row(config, replace(outcome, depth=20), known).ok
    assert not models.row(config, replace(outcome, steps=1200), known).ok
    assert not models.row(config, outcome, {}).ok


def test_no_record_excuses_a_model_that_fails(holding: tuple[tlc.Config, tlc.Outcome]) -> None:
    config, outcome = holding
    for result in ("IteratorEnds", tlc.ERROR):
        failed = replace(outcome, result=result)
        assert not models.row(config, failed, {config.name: models.record(config, failed)}).ok


def test_no_record_excuses_an_old_design_that_holds() -> None:
    config = tlc.read_config(java.TLA / "museum" / "Map-M7.cfg")
    held = tlc.Outcome(tlc.HOLDS, 464, 17, 1.0, (), {}, "")
    assert not models.row(config, held, {config.name: models.record(config, held)}).ok


def test_an_old_design_names_one_claim() -> None:
    for config in models.configs("museum"):
        assert models.wanted(config) in (*config.invariants, *config.properties)
    with pytest.raises(ValueError, match="one claim"):
        models.wanted(replace(config, invariants=("A",), properties=("B",)))


def test_an_action_that_is_never_taken_is_reported() -> None:
    taken = {name: {each.__name__ for each in of} for name, of in models.ACTIONS.items()}
    assert all(row.ok for row in models.complete(taken))
    taken["Map"].remove("Release")
    failed = [row for row in models.complete(taken) if not row.ok]
    assert [row.claim for row in failed] == ["Map: every action is taken, and no other"]
    assert "['Release']" in failed[0].details


def test_every_configuration_is_recorded() -> None:
    there = {*models.configs("holds"), *models.configs("museum"), *models.probes()}
    recorded = models.EXPECTED.read_text()
    assert all(f'"{config.name}"' in recorded for config in there)


# ------------------------------------------------------------ the largest bounds


def test_a_deep_configuration_is_judged_by_its_record(
    holding: tuple[tlc.Config, tlc.Outcome],
) -> None:
    config, outcome = holding
    known = models_deep.record(config, outcome) | {"seconds": 1}
    assert models_deep.row(config, outcome, known).ok
    assert not models_deep.row(config, outcome, {}).ok
    assert not models_deep.row(config, replace(outcome, depth=20), known).ok
    assert not models_deep.row(config, replace(outcome, result=tlc.ERROR), known).ok


def test_a_deep_configuration_that_is_not_there_is_a_row_that_failed() -> None:
    (row,) = models_deep.rows(names=["Nothing-such"])
    assert not row.ok
    assert "['Nothing-such']" in row.details


def test_every_deep_configuration_is_recorded_and_larger() -> None:
    deep = json.loads(models_deep.EXPECTED.read_text())
    quick = json.loads(models.EXPECTED.read_text())
    assert set(deep) == {config.path.stem for config in models.configs("deep")}
    for name, record in deep.items():
        known = quick.get(f"holds/{name}", {"states": 0})
        assert record["states"] > known["states"], name


# ------------------------------------------------------ what must be reachable


def steps(outcome: tlc.Outcome) -> list[tuple[str, set[tuple[str, str]]]]:
    return [(step.action, set(step.changes)) for step in outcome.story]


def test_claims_that_are_asked_together_get_their_stories(tmp_path: Path) -> None:
    (config,) = (each for each in models.configs("reached") if each.path.stem == "Map")
    alone = {each.name: each for each in models.probes()}
    found = reached.ask(reached.together(config, tmp_path))
    assert set(config.properties) == set(reached.steps(config))
    assert set(found) == {*config.invariants, *config.properties}
    for claim, outcome in found.items():
        single = tlc.run(alone[f"reached/Map-{claim}"])
        assert outcome.result == single.result == claim
        assert steps(outcome) == steps(single)


def test_a_claim_that_holds_is_not_violated_since_others_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (config,) = (each for each in models.configs("reached") if each.path.stem == "Map")
    config = replace(config, invariants=(config.invariants[0], "TypeOK"))
    of_steps = {**reached.steps(config), "NobodyForgets": "  yielded' >= yielded"}
    monkeypatch.setattr(reached, "steps", lambda _: of_steps)
    found = reached.ask(reached.together(config, tmp_path))
    for claim in (config.invariants[0], *config.properties):
        assert found[claim].result == claim
    for claim in ("TypeOK", "NobodyForgets"):
        assert found[claim].result == tlc.ERROR
        assert not found[claim].story


def test_what_is_said_of_whole_behaviours_is_asked_alone() -> None:
    (config,) = (each for each in models.configs("reached") if each.path.stem == "Map-unfair")
    assert config.properties
    assert not reached.steps(config)
