"""The page: what is embedded is the reachable graph, and nothing in it is markup.

What a browser makes of it is ``model_tests/browser``'s.
"""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any, cast

import pytest

from foregone_spec import page as page_module
from foregone_spec import process_pool_actions as act
from foregone_spec.__main__ import main
from foregone_spec.explore import TooManyStates, explore
from foregone_spec.kinds import plain_fields
from foregone_spec.lifecycle import Request
from foregone_spec.model import Model
from foregone_spec.page import LIMIT, Scene, page, scene_data, scenes
from foregone_spec.process_death import Policy
from foregone_spec.process_pool import ProcessPoolModel
from foregone_spec.process_pool_state import ProcessPoolState
from foregone_spec.trace import dumps
from foregone_spec.walk import Walk
from foregone_spec.words import typed

SMALL = ProcessPoolModel(calls=2, processes=1, capacity=1, deaths=1)
RUN = (act.Submit(1), act.Start(1), act.Ready(1), act.Offer(1), act.Claim(1, 1))


def plain(value: object) -> Any:  # noqa: ANN401  what JSON has
    return json.loads(json.dumps(value))


def embedded(text: str) -> Any:  # noqa: ANN401  what JSON has
    """Return the data of a page."""
    found = re.search(r'<script type="application/json" id="data">(.*?)</script>', text, re.DOTALL)
    assert found is not None
    return json.loads(found[1])


def variables(data: Any, number: int) -> dict[str, object]:  # noqa: ANN401  what JSON has
    """Return a state of a scene, as the page decodes it."""
    row = data["states"][number]
    return {name: data["values"][i][row[i]] for i, name in enumerate(data["variables"])}


def steps(data: Any, number: int) -> list[tuple[str, int]]:  # noqa: ANN401  what JSON has
    """Return the actions that lead on from a state, and where to."""
    flat = data["edges"][number]
    found = list(pairwise(flat))[::2]
    return [(data["actions"][action]["text"], after) for action, after in found]


def test_what_is_embedded_is_the_reachable_graph() -> None:
    data = plain(scene_data(Scene("small", SMALL)))
    graph = explore(SMALL)
    assert len(data["states"]) == len(data["edges"]) == len(graph.edges)
    assert sum(len(each) for each in data["edges"]) == 2 * graph.edge_count
    numbers = {state: number for number, state in enumerate(graph.edges)}
    for state, number in numbers.items():
        assert variables(data, number) == plain(SMALL.variables(state))
        expected = [numbers[after] for _, after in graph.edges[state]]
        assert [after for _, after in steps(data, number)] == expected
    assert variables(data, 0) == plain(SMALL.variables(SMALL.initial()[0]))
    assert data["fields"] == plain(plain_fields(SMALL))
    assert data["broken"] == {}
    assert set(data["invariants"]) == {*SMALL.invariants, *SMALL.step_invariants}


def test_each_action_says_whose_it_is() -> None:
    data = plain(scene_data(Scene("small", SMALL)))
    who = {each["text"]: each["who"] for each in data["actions"]}
    assert who["Submit 1"] == who["Cancel 2"] == "users"
    assert who["Offer 1"] == who["SeeDeath 1"] == who["Sleep"] == "local worker"
    assert who["Claim 1 2"] == who["Die 1"] == "process 1"
    says = {each["text"]: each["says"] for each in data["actions"]}
    assert says["Claim 1 2"] == "A process wins the ticket of a call in the Call Q, and runs it."
    assert not any("`" in each for each in says.values())


def test_the_scenes_are_small_enough_and_differ() -> None:
    models = [each.model for each in scenes()]
    assert len(set(map(str, models))) == len(models)
    kinds = {type(action) for each in models for _, action, _ in explore(each, LIMIT).triples()}
    assert {act.SeeDeath, act.InitializerFails, act.Retire, act.Collect, act.Discard} <= kinds


def test_the_page_needs_nothing_else() -> None:
    text = page((Scene("small", SMALL),))
    assert text.startswith("<!DOCTYPE html>")
    assert "default-src 'none'" in text
    assert not re.search(r"""(?:src|href)=["'](?!data:)|@import|url\(|fetch\(|https?://""", text)
    assert "/*STYLE*/" not in text
    assert "/*DATA*/" not in text
    assert "/*SCRIPT*/" not in text
    assert ".innerHTML" not in text


def test_nothing_that_is_embedded_ends_its_element() -> None:
    hostile = "</script><!--<script>&\u2028"
    text = page((Scene(hostile, SMALL),), hostile)
    assert text.count("</script>") == 2
    data = embedded(text)
    assert data["scenes"][0]["title"] == hostile
    assert data["trace"] == hostile
    assert "\u2028" not in text


def test_a_run_of_a_model_that_is_too_large_has_its_own_states(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(page_module, "LIMIT", 20)
    with pytest.raises(TooManyStates, match="more than 20 reachable states"):
        page((Scene("large", SMALL),))
    data = plain(scene_data(Scene("a run", SMALL, RUN)))
    walk = Walk(SMALL)
    number = 0
    for each in (*RUN, None):
        assert variables(data, number) == plain(SMALL.variables(walk.state))
        ahead = steps(data, number)
        assert len(ahead) == len(walk.enabled)
        if each is not None:
            walk.take(each)
            number = dict(ahead)[typed(each)]
    unexplored = [each for each in data["edges"] if each is None]
    assert unexplored  # what may follow is there, and what follows that is not
    assert len(data["edges"]) == len(data["states"])


def test_a_run_that_leaves_the_model_ends_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(page_module, "LIMIT", 20)
    data = scene_data(Scene("a run", SMALL, (act.Submit(1), act.Claim(1, 1), act.Finish(1))))
    explored = [each for each in cast("list[object]", data["edges"]) if each is not None]
    assert len(explored) == 2


class Wrong:
    """A model in which a call is lost as soon as it is accepted."""

    def __init__(self) -> None:
        self.model = ProcessPoolModel(calls=1, processes=1, capacity=1)
        self.name, self.initial = self.model.name, self.model.initial
        self.variables, self.enabled = self.model.variables, self.model.enabled

    @property
    def invariants(self) -> Mapping[str, Callable[[ProcessPoolState], bool]]:
        return self.model.invariants

    @property
    def step_invariants(
        self,
    ) -> Mapping[str, Callable[[ProcessPoolState, ProcessPoolState], bool]]:
        return self.model.step_invariants

    def step(self, state: ProcessPoolState, action: act.Action) -> ProcessPoolState:
        after = self.model.step(state, action)
        return replace(after, work_ids=()) if isinstance(action, act.Submit) else after


def test_what_breaks_an_invariant_is_marked() -> None:
    wrong = cast("Model[ProcessPoolState, act.Action]", Wrong())
    data = plain(scene_data(Scene("wrong", wrong)))
    ((after),) = [after for action, after in steps(data, 0) if action == "Submit 1"]
    assert "NothingLost" in data["broken"][str(after)]
    assert "0" not in data["broken"]
    before = {key for key in data["broken"] if ">" in key}
    assert all(name in Wrong().step_invariants for key in before for name in data["broken"][key])


# -------------------------------------------------------------- at the command line


def test_the_command_writes_a_page(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "page.html"
    options = ["--calls", "1", "--processes", "1", "--policy", "replace", "--deaths", "1"]
    assert main(["page", *options, "--output", str(file)]) == 0
    said = capsys.readouterr().out
    text = file.read_text(encoding="utf-8")
    assert said == f"{len(text):,} bytes are in {file}: open it in a browser\n"
    (scene,) = embedded(text)["scenes"]
    model = ProcessPoolModel(calls=1, processes=1, capacity=1, deaths=1, policy=Policy.REPLACE)
    assert scene["fields"] == plain(plain_fields(model))


def test_the_command_shows_a_run(tmp_path: Path) -> None:
    model = ProcessPoolModel(calls=1, processes=1, capacity=1, closers=(Request.SHUTDOWN,))
    run, file = tmp_path / "run.json", tmp_path / "page.html"
    run.write_text(dumps(model, RUN), encoding="utf-8")
    assert main(["page", "--trace", str(run), "--output", str(file)]) == 0
    data = embedded(file.read_text(encoding="utf-8"))
    assert data["trace"] == run.read_text(encoding="utf-8")
    assert data["scenes"][0]["fields"] == json.loads(data["trace"])["fields"]


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["--calls", "3", "--processes", "2"], "more than 999 reachable states"),
        (["--policy", "nonsense"], "policy"),
        (["--trace", "nowhere.json"], "nowhere.json cannot be read"),
        (["--calls", "1", "--output", "nowhere/page.html"], "nowhere/page.html cannot be written"),
    ],
)
def test_what_cannot_be_shown_is_told_and_nothing_is_written(
    options: list[str],
    says: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(page_module, "LIMIT", 999)
    assert main(["page", *options]) == 2
    assert says in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def test_a_run_that_a_browser_could_not_read_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "run.json"
    out = tmp_path / "page.html"
    model = ProcessPoolModel(calls=30, processes=1, capacity=1)
    file.write_text(dumps(model, [act.Submit(each) for each in range(1, 31)]))
    monkeypatch.setattr(page_module, "_MOST_OF_RUN", 30 * 31 - 1)
    assert main(["page", "--trace", str(file), "--output", str(out)]) == 2
    assert "30 steps of 31 calls and processes are too many" in capsys.readouterr().err
    assert not out.exists()
    monkeypatch.setattr(page_module, "_MOST_OF_RUN", 30 * 31)
    monkeypatch.setattr(page_module, "explore", lambda *_: pytest.fail("it has too many states"))
    assert main(["page", "--trace", str(file), "--output", str(out)]) == 0
    assert len(embedded(out.read_text())["scenes"]) == 1


def test_a_run_of_another_model_has_no_scene_but_its_variables(tmp_path: Path) -> None:
    run = tmp_path / "run.json"
    run.write_text(
        '{"format": "foregone-trace", "version": 1, "model": "Map",'
        ' "fields": {"items": 1, "buffersize": 1}, "steps": []}'
    )
    made = tmp_path / "page.html"
    assert main(["page", "--trace", str(run), "--output", str(made)]) == 0
    data = embedded(made.read_text(encoding="utf-8"))
    assert data["scenes"] == []
    assert json.loads(data["trace"])["initially"]["items"] == ["unread"]
    assert data["judged"]["model"].startswith("MapModel(items=1")
