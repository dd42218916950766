"""The page in a browser: what it shows after each click is the specification's state.

Not one of the tests that ``make test`` runs: there need be no browser.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from random import Random
from typing import Final

import pytest

from foregone_spec import process_pool_actions as act
from foregone_spec.__main__ import main
from foregone_spec.model import Model
from foregone_spec.page import Scene, page, scenes
from foregone_spec.process_pool import ProcessPoolModel
from foregone_spec.process_pool_state import ProcessPoolState
from foregone_spec.trace import dumps
from foregone_spec.walk import Walk
from foregone_spec.words import typed
from model_tests.browser import picture
from model_tests.browser.driver import NARROW, Page, browser
from model_tests.chain.counterexample import configured, defect_of, found
from model_tests.recorded_runs import real_processes

SCENES: Final = scenes()
BREAKS, REPLACES = 0, 1  # a process may die there
#: As many steps as chance takes in each scene.
STEPS: Final = 120
_HOSTILE: Final = "<img src=x onerror='window.struck=1'>"


@pytest.fixture(scope="module")
def opened() -> Iterator[Page]:
    with browser() as found:
        yield found


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("page") / "process-pool.html"
    made.write_text(page(), encoding="utf-8")
    return made


@pytest.fixture
def shown(opened: Page, file: Path) -> Iterator[Page]:
    """Open the page; in the end nothing was fetched, and the console has nothing to say."""
    opened.open(file)
    yield opened
    assert opened.fetched() == []
    assert opened.errors() == []


def plain(value: object) -> object:
    return json.loads(json.dumps(value))


def agree(page: Page, walk: Walk[ProcessPoolState, act.Action]) -> None:
    """Compare all that the page says, and all that a user sees, with the specification."""
    now, seen = walk.state, page.seen()
    assert seen.variables == plain(walk.model.variables(now))
    assert sorted(seen.offered) == sorted(map(typed, walk.enabled))
    rooms = seen.rooms
    assert rooms["workIds"] == list(now.work_ids)
    assert rooms["callQueue"] == list(now.call_queue)
    assert rooms["resultQueue"] == [each for answers in now.result_queue for each in answers]
    for number, runs in enumerate(now.runs, start=1):
        assert rooms[f"process {number}"] == ([runs] if runs else [])
    everywhere = sorted(each for calls in rooms.values() for each in calls)
    assert everywhere == list(range(1, len(now.calls) + 1))  # each call is somewhere, once
    for told, stands in zip(seen.processes, now.processes, strict=True):
        assert told.startswith(stands)
    assert seen.executor.startswith(now.phase.value)
    assert seen.worker.startswith("awake" if now.awake else "asleep")
    last = typed(walk.actions[-1]) if walk.actions else "initially"
    assert seen.story[len(walk.actions)].endswith(last)


@dataclass
class Run:
    """The page and the specification, side by side."""

    page: Page
    walk: Walk[ProcessPoolState, act.Action]

    def take(self, *actions: act.Action) -> None:
        for each in actions:
            self.page.take(typed(each))
            self.walk.take(each)
            agree(self.page, self.walk)


def begin(page: Page, number: int) -> Run:
    page.choose(number)
    run = Run(page, Walk(SCENES[number].model))
    agree(page, run.walk)
    return run


def test_a_call_from_submit_to_its_result(shown: Page) -> None:
    run = begin(shown, BREAKS)
    run.take(act.Submit(1), act.Start(1), act.Offer(1), act.Ready(1))
    assert shown.rooms()["callQueue"] == [1]
    shown.picture("call in the Call Q")
    run.take(act.Claim(1, 1))
    assert shown.text("#work-items .text") == "1: PENDING (claimed)"
    run.take(act.Notice(1))
    assert shown.text("#work-items .text") == "1: RUNNING"
    run.take(act.Finish(1), act.Answer(1))
    assert shown.text("#work-items .text") == "1: FINISHED"
    assert "settled" in shown.run("return document.querySelector('[data-call=\"1\"]').className")
    run.take(act.Shutdown(1), act.Stop(1), act.Exit(1), act.Bury(1), act.ShutdownReturns(1))
    shown.picture("shut down")


def test_a_cancel_before_the_claim_and_none_after_it(shown: Page) -> None:
    run = begin(shown, BREAKS)
    run.take(act.Submit(1), act.Submit(2), act.Start(1), act.Offer(1), act.Offer(2), act.Ready(1))
    run.take(act.Claim(1, 1))
    assert "Cancel 1" not in shown.offered()
    assert "Notice 1" in shown.offered()
    run.take(act.Cancel(2))
    assert shown.text("#work-items .text").splitlines()[1] == "2: CANCELLED_AND_NOTIFIED"
    shown.picture("one cancelled, one claimed")


def test_the_picture_in_the_readme(shown: Page, tmp_path: Path) -> None:
    """What it shows is what is said below it, and no line of it is cut off."""
    made = picture.taken(shown, tmp_path)
    agree(shown, picture.walked())
    rooms = shown.rooms()
    assert (rooms["process 1"], rooms["executor"]) == ([1], [2])
    assert shown.text("#work-items .text").splitlines()[1] == "2: CANCELLED_AND_NOTIFIED"
    low = "return document.getElementById('actions').getBoundingClientRect().bottom"
    assert shown.run(low) <= picture.SIZE[1]
    assert list(picture.stamps(picture.stamped(made, "page"))) == ["page"]


def test_a_death_that_breaks_the_pool(shown: Page) -> None:
    run = begin(shown, BREAKS)
    run.take(act.Submit(1), act.Submit(2), act.Start(1), act.Offer(1), act.Offer(2), act.Ready(1))
    run.take(act.Claim(1, 2), act.Die(1))
    shown.picture("a process has died")
    run.take(act.SeeDeath(1), act.Fail(1))
    assert shown.text("#executor .text").startswith("BROKEN")


def test_a_death_after_which_the_pool_goes_on(shown: Page) -> None:
    run = begin(shown, REPLACES)
    run.take(act.Submit(1), act.Submit(2), act.Start(1), act.Offer(1), act.Offer(2), act.Ready(1))
    run.take(act.Claim(1, 1), act.Die(1), act.SeeDeath(1))
    assert shown.text("#executor .text").startswith("OPEN")
    run.take(act.Start(1), act.Ready(1), act.Claim(1, 2), act.Finish(1), act.Answer(1))


@pytest.mark.parametrize("number", range(len(SCENES)))
def test_wherever_chance_leads(shown: Page, number: int) -> None:
    chance = Random(number)
    run = begin(shown, number)
    for _ in range(STEPS):
        enabled = run.walk.enabled
        if enabled:
            run.take(chance.choice(enabled))
        else:
            assert shown.text("#actions") == "Nothing may happen any more."
            back = chance.randrange(1, 8)
            for _ in range(min(back, len(run.walk.actions))):
                shown.click("#undo")
            run.walk.undo(back)
            agree(shown, run.walk)


def test_undo_redo_and_the_slider(shown: Page) -> None:
    run = begin(shown, BREAKS)
    taken = (act.Submit(1), act.Start(1), act.Ready(1), act.Offer(1), act.Claim(1, 1))
    run.take(*taken)
    states = list(run.walk.states)
    for number in (3, 0, 5, 1):
        shown.scrub(number)
        assert shown.variables() == plain(run.walk.model.variables(states[number]))
        assert shown.text("#at") == f"{number} of 5"
    shown.click("#redo")
    assert shown.variables() == plain(run.walk.model.variables(states[2]))
    shown.click("#story li:nth-child(5) button")
    assert shown.variables() == plain(run.walk.model.variables(states[4]))
    shown.click("#undo")
    shown.take("Cancel 1") if "Cancel 1" in shown.offered() else shown.take("Submit 2")
    assert shown.text("#at") == "4 of 4"  # what was ahead is another run now
    shown.click("#reset")
    assert shown.text("#at") == "0 of 0"


def test_the_keys(shown: Page) -> None:
    run = begin(shown, BREAKS)
    first = shown.offered()[0]
    shown.press("1")
    assert shown.story()[1].endswith(first)
    shown.press("u")
    assert shown.text("#at") == "0 of 1"
    shown.press("y")
    assert shown.text("#at") == "1 of 1"
    shown.press("r", "r", "r")
    assert shown.text("#at") == "4 of 4"
    run.page.click("#reset")
    shown.run("document.querySelector('#actions button').focus()")
    shown.press("\ue007")  # Enter
    assert shown.story()[1].endswith(first)
    focus = "return document.activeElement.closest('#actions') !== null"
    assert shown.run(focus)  # who uses the keyboard stays among the buttons
    reached = set()
    for _ in range(40):
        shown.press("\ue004")  # Tab
        reached.add(shown.run("return document.activeElement.id || document.activeElement.tagName"))
    assert {"scene", "undo", "random", "reset", "save", "load", "scrub"} <= reached


# -------------------------------------------------------------------------- runs


def test_a_run_that_was_saved_can_be_loaded(shown: Page, tmp_path: Path) -> None:
    walk = Walk(SCENES[REPLACES].model)
    taken = (act.Submit(1), act.Start(1), act.Offer(1), act.Ready(1), act.Claim(1, 1), act.Die(1))
    for each in taken:
        walk.take(each)
    saved = tmp_path / "run.json"
    saved.write_text(dumps(walk.model, walk.actions), encoding="utf-8")
    shown.load(saved)
    agree(shown, walk)
    assert shown.alert() == ""
    assert shown.text("#at") == "6 of 6"
    again = shown.run("return saved()")
    assert json.loads(again) == json.loads(saved.read_text())


def test_where_a_run_leaves_the_specification(shown: Page, tmp_path: Path) -> None:
    model = SCENES[BREAKS].model
    good: list[act.Action] = [act.Submit(1), act.Start(1), act.Ready(1)]
    bad = tmp_path / "bad.json"
    bad.write_text(dumps(model, [*good, act.Claim(1, 1), act.Finish(1)]), encoding="utf-8")
    shown.load(bad)
    assert shown.text("#at") == "4 of 5"  # there it stands, so that it is seen
    assert shown.alert().startswith(
        "Step 4, Claim 1 1: the specification does not allow this here; it allows: "
    )
    assert "Offer 1" in shown.alert()
    assert len(shown.wrong()) == 1
    assert shown.wrong()[0].startswith("Claim 1 1: ")
    assert "has left the specification" in shown.text("#actions")
    shown.picture("a run that leaves the specification")
    shown.click("#undo")
    assert "Offer 1" in shown.offered()


def test_what_was_recorded_of_a_variable_is_compared(shown: Page, tmp_path: Path) -> None:
    raw = json.loads(dumps(SCENES[BREAKS].model, [act.Submit(1)]))
    raw["steps"][0]["variables"] = {"workIds": [2], "awake": True}
    told = tmp_path / "told.json"
    told.write_text(json.dumps(raw), encoding="utf-8")
    shown.load(told)
    assert shown.alert() == "Step 1, Submit 1: workIds is [2], and the specification has [1]"


def test_a_counterexample_of_another_design(shown: Page, tmp_path: Path) -> None:
    """What a model checker has found: states of its own, and the invariant that they break."""
    model = ProcessPoolModel(calls=1, processes=2, capacity=3)
    walk = Walk(model)
    for each in (act.Submit(1), act.Start(1), act.Ready(1), act.Offer(1), act.Claim(1, 1)):
        walk.take(each)
    twice = replace(walk.state, begun=(2,), runs=(1, 1), processes=("running", "running"))
    known = [*walk.states[1:], twice]
    actions = [*walk.actions, act.Claim(2, 1)]
    raw = json.loads(dumps(model, actions))
    for step, state in zip(raw["steps"], known, strict=True):
        step["variables"] = model.variables(state)
    raw["violates"] = "AtMostOnce"
    found = tmp_path / "found.json"
    found.write_text(json.dumps(raw), encoding="utf-8")
    shown.load(found)
    assert shown.text("#at") == "6 of 6"
    assert shown.alert() == "Step 6, Claim 2 1: breaks AtMostOnce"
    assert shown.variables() == plain(model.variables(twice))
    shown.scrub(4)
    assert shown.rooms()["callQueue"] == [1]
    assert shown.alert() == ""


def _found_by_tlc(name: str, folder: Path, defect: str = "") -> str:
    """Return what TLC finds, as a file has it."""
    planted = defect_of(defect) if defect else None
    return found(configured(name), folder, planted).text()


def test_what_tlc_finds_of_a_seeded_defect(shown: Page, tmp_path: Path) -> None:
    """Loaded on a page that has no such scene, and on one that was made for it."""
    text = _found_by_tlc("holds/ProcessPool-plain", tmp_path, "ProcessPool.Claim 7: effect frozen")
    run = tmp_path / "found.json"
    run.write_text(text, encoding="utf-8")
    shown.load(run)
    assert shown.text("#about").splitlines()[1] == "It breaks NothingLost at step 8."
    assert shown.text("#at") == "8 of 8"
    assert shown.alert() == "Step 8, Claim: breaks NothingLost"
    last = json.loads(text)["steps"][-1]["variables"]
    assert shown.variables() == last
    shown.picture("what TLC finds, of other bounds")
    made = tmp_path / "found.html"
    assert main(["page", "--trace", str(run), "--output", str(made)]) == 0
    shown.open(made)
    assert shown.text("#at") == "7 of 8"
    assert shown.alert().startswith("Step 7, Claim: the specification does not allow this here; ")
    assert "Claim 1 1" in shown.alert()
    assert [each.split(":")[0] for each in shown.wrong()] == ["Claim", "Claim"]
    assert shown.wrong()[1] == "Claim: breaks NothingLost"
    assert shown.text("#about").endswith("It leaves the specification at step 7, Claim.")
    shown.picture("what TLC finds of a seeded defect")
    shown.click("#redo")
    assert shown.variables() == last
    shown.scrub(6)
    assert "Claim 1 1" in shown.offered()
    shown.take("Claim 1 1")  # as it ought to be
    assert shown.alert() == ""
    assert shown.text("#about") == ""
    assert shown.rooms()["process 1"] == [1]


def test_what_tlc_finds_of_claim_tickets_is_shown_as_a_process_pool(
    shown: Page, tmp_path: Path
) -> None:
    run = tmp_path / "found.json"
    run.write_text(_found_by_tlc("museum/ClaimTickets-two-holds", tmp_path), encoding="utf-8")
    made = tmp_path / "found.html"
    assert main(["page", "--trace", str(run), "--output", str(made)]) == 0
    shown.open(made)
    assert shown.text("#at") == "6 of 6"
    assert shown.wrong()[0].startswith("Notice: the specification does not allow this here")
    assert shown.wrong()[0].endswith("; breaks RunningMeansClaimed")
    assert shown.text("#work-items .text").startswith("1: RUNNING")
    assert shown.rooms()["process 1"] == shown.rooms()["process 2"] == []  # and nobody runs it
    shown.picture("what TLC finds of an old design")


@pytest.fixture(scope="module")
def of_threads(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return what TLC finds of an old thread pool, of which there is no picture."""
    folder = tmp_path_factory.mktemp("threads")
    run = folder / "found.json"
    run.write_text(_found_by_tlc("museum/ThreadPool-M9", folder), encoding="utf-8")
    return run


def test_what_tlc_finds_of_another_model_is_shown_by_its_variables(
    shown: Page, of_threads: Path, tmp_path: Path
) -> None:
    made = tmp_path / "found.html"
    assert main(["page", "--trace", str(of_threads), "--output", str(made)]) == 0
    shown.open(made)
    assert shown.text("#title") == "A run of ThreadPool, step by step"
    assert shown.text("#at") == "8 of 9"
    assert shown.wrong()[0].startswith("FinishAndDie: the specification has no step FinishAndDie")
    assert shown.wrong()[1].startswith("ShutdownReturns: breaks EveryAcceptedCallEnds, and then")
    assert 'threads\t["ended"]\twas ["running"]' in shown.text("#variables").splitlines()
    assert not shown.run("return document.getElementById('flow').offsetParent")
    shown.picture("what TLC finds of a thread pool")
    shown.click("#reset")  # it cannot be had again: nothing is lost
    assert shown.text("#at") == "0 of 9"


def test_another_model_is_loaded_and_left_again(shown: Page, of_threads: Path) -> None:
    shown.load(of_threads)
    assert shown.text("#at") == "9 of 9"
    assert "foregone-spec explain FILE may know" in shown.text("#about")
    assert shown.run("return document.getElementById('scene').selectedIndex") == -1
    run = begin(shown, BREAKS)
    assert shown.text("#title") == "The process pool, step by step"
    assert shown.text("#about") == ""
    run.take(act.Submit(1))


def _run(fields: object, steps: object) -> str:
    header = {"format": "foregone-trace", "version": 1, "model": "ProcessPool"}
    return json.dumps({**header, "fields": fields, "steps": steps})


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("{", "This is not JSON"),
        ("null", "its format is not foregone-trace"),
        ('{"format": "other"}', "its format is not foregone-trace"),
        ('{"format": "foregone-trace", "version": 9}', "version 9; this page reads 1"),
        ('{"format": "foregone-trace", "version": 1, "model": 3}', "does not name its model"),
        (_run({}, [{"action": "Fill"}]).replace("ProcessPool", "Map"), "has no picture, and it"),
        ("", "This is not JSON"),
        ('{"format": "foregone-trace", "version": 1, "model": "ProcessPool"}', "has no steps"),
        (_run({}, [3]), "names no action"),
        (_run({"calls": 9}, [{"action": "Sleep"}]), "no scene with the bounds"),
        (_run({"calls": 9}, []), "no scene with the bounds"),
    ],
)
def test_what_is_no_run_is_refused_and_nothing_is_lost(
    shown: Page, tmp_path: Path, content: str, says: str
) -> None:
    run = begin(shown, BREAKS)
    run.take(act.Submit(1))
    file = tmp_path / "odd.json"
    file.write_text(content, encoding="utf-8")
    shown.load(file)
    assert says in shown.alert()
    agree(shown, run.walk)


def test_nothing_in_a_run_is_markup(shown: Page, tmp_path: Path) -> None:
    raw = json.loads(dumps(SCENES[BREAKS].model, [act.Submit(1)]))
    raw["steps"].append({"action": _HOSTILE, _HOSTILE: _HOSTILE})
    raw["steps"][0]["variables"] = {"phase": _HOSTILE, _HOSTILE: [_HOSTILE]}
    raw["violates"] = _HOSTILE
    file = tmp_path / "hostile.json"
    file.write_text(json.dumps(raw), encoding="utf-8")
    shown.load(file)
    for number in (1, 2):
        shown.scrub(number)
        assert _HOSTILE in shown.alert()
    odd: dict[str, object] = {**raw, "model": _HOSTILE}
    file.write_text(json.dumps(odd), encoding="utf-8")
    shown.load(file)
    assert _HOSTILE in shown.alert()
    odd |= {"design": _HOSTILE, "ending": _HOSTILE, "initially": {_HOSTILE: _HOSTILE}}
    odd["steps"] = [{"action": _HOSTILE, "variables": {_HOSTILE: _HOSTILE, "__proto__": [1]}}]
    file.write_text(json.dumps(odd), encoding="utf-8")
    shown.load(file)
    for part in ("#about", "#alert", "#title", "#variables", "#story"):
        assert _HOSTILE in shown.text(part)
    assert shown.run("return document.querySelectorAll('img').length") == 0
    assert shown.run("return window.struck") is None


def test_of_a_long_text_the_beginning_is_shown(shown: Page, tmp_path: Path) -> None:
    long = "\u202e\U0001f980" * 100_000
    raw = json.loads(_run({long: 1}, [{"action": long, long: long, "variables": {long: long}}]))
    raw |= {"model": long, "design": long, "violates": long, "ending": long}
    file = tmp_path / "long.json"
    file.write_text(json.dumps(raw, ensure_ascii=False), encoding="utf-8")
    shown.load(file)
    assert "(300,000 characters)" in shown.alert()
    text = shown.run("return document.body.innerText")
    assert len(text) < 60_000
    assert "\u202e" not in text  # or what we say would stand the wrong way round
    assert "\\u{202e}\U0001f980" in shown.alert()
    assert shown.run("return document.documentElement.scrollWidth <= innerWidth")
    shown.picture("long texts")


def test_nothing_in_an_embedded_run_is_markup(opened: Page, tmp_path: Path) -> None:
    raw = json.loads(dumps(SCENES[BREAKS].model, [act.Submit(1)]))
    raw["violates"] = f"</script><script>window.struck=1</script>{_HOSTILE}"
    file = tmp_path / "hostile.html"
    file.write_text(page((SCENES[BREAKS],), json.dumps(raw)), encoding="utf-8")
    opened.open(file)
    assert "</script>" in opened.alert()
    assert opened.run("return window.struck") is None
    assert opened.errors() == []


def test_a_run_of_a_real_pool(opened: Page, tmp_path: Path) -> None:
    """Of a pool whose process was killed: the page is made for it, whatever its bounds."""
    recorded = real_processes("fork", "one dies")
    model = recorded.model.model  # type: ignore[attr-defined]  # of the recorder, around the model
    actions = tuple(each.action for each in recorded.steps)
    file = tmp_path / "real.html"
    made = Scene("a real run", model, actions)
    file.write_text(page((made,), dumps(model, recorded.steps)), encoding="utf-8")
    opened.open(file)
    assert opened.alert() == ""
    assert opened.text("#at") == f"{len(actions)} of {len(actions)}"
    walk = Walk(model)
    for action in actions:
        walk.take(action)
    agree(opened, walk)
    opened.picture("a real run, to its end")
    at = next(n for n, each in enumerate(actions, start=1) if isinstance(each, act.Die))
    opened.scrub(at)
    opened.picture("a real run, where a process dies")
    assert opened.errors() == []


# --------------------------------------------------------------- a wrong model


class Twice:
    """A model that lets a call be claimed twice."""

    def __init__(self) -> None:
        self.model = ProcessPoolModel(calls=1, processes=2, capacity=2, eager=True)
        self.name, self.initial = self.model.name, self.model.initial
        self.variables, self.step_invariants = self.model.variables, self.model.step_invariants

    @property
    def invariants(self) -> Mapping[str, Callable[[ProcessPoolState], bool]]:
        return {"AtMostOnce": self.model.invariants["AtMostOnce"]}

    def enabled(self, state: ProcessPoolState) -> tuple[act.Action, ...]:
        return self.model.enabled(state)

    def step(self, state: ProcessPoolState, action: act.Action) -> ProcessPoolState:
        after = self.model.step(state, action)
        if isinstance(action, act.Claim) and state.begun == (0,):
            return replace(after, call_queue=state.call_queue)
        if isinstance(action, act.Claim):
            return replace(after, begun=(2,))
        return after


def test_the_step_that_breaks_an_invariant_is_marked(opened: Page, tmp_path: Path) -> None:
    wrong: Model[ProcessPoolState, act.Action] = Twice()
    file = tmp_path / "wrong.html"
    file.write_text(page((Scene("wrong", wrong),)), encoding="utf-8")
    opened.open(file)
    for each in ("Submit 1", "Start 1", "Start 2", "Offer 1", "Ready 1", "Ready 2", "Claim 1 1"):
        opened.take(each)
        assert opened.alert() == ""
    opened.take("Claim 2 1")
    assert opened.alert() == "Step 8, Claim 2 1: breaks AtMostOnce"
    assert opened.wrong() == ["Claim 2 1: breaks AtMostOnce"]
    opened.picture("a step that breaks an invariant")
    opened.click("#undo")
    assert opened.alert() == ""
    assert opened.errors() == []


# ------------------------------------------------------------------ how it looks


@pytest.mark.parametrize("dark", [False, True])
def test_on_a_narrow_screen_nothing_is_cut_off(opened: Page, file: Path, dark: bool) -> None:
    opened.open(file, NARROW, dark=dark)
    for each in ("Submit 1", "Submit 2", "Start 1", "Offer 1"):
        opened.take(each)
    tall = "return document.getElementById('flow').getBoundingClientRect().height"
    assert opened.run(tall) <= NARROW[1]  # the picture is seen as a whole
    width = "return document.documentElement.scrollWidth"
    assert opened.run(width) <= NARROW[0]
    opened.picture(f"narrow, {'dark' if dark else 'light'}")


def test_dark(opened: Page, file: Path) -> None:
    opened.open(file, dark=True)
    color = "return getComputedStyle(document.body).backgroundColor"
    dark = opened.run(color)
    opened.take("Submit 1")
    opened.picture("dark")
    opened.open(file)
    assert opened.run(color) != dark


def test_each_text_can_be_read_on_what_is_behind_it(opened: Page, file: Path) -> None:
    """Contrast of at least 4.5 to 1, as WCAG 2.2 asks of text (AA), light and dark."""
    for dark in (False, True):
        opened.open(file, dark=dark)
        for name, behind in (("ink", "back"), ("soft", "paper"), ("soft", "back"), ("ink", "paper"),
                             ("call-ink", "call"), ("bad", "bad-back"), ("good", "paper"),
                             ("dead", "paper"), ("ink", "accent")):  # fmt: skip
            one, other = (_color(opened, each) for each in (name, behind))
            lighter, darker = sorted((_luminance(one), _luminance(other)), reverse=True)
            assert (lighter + 0.05) / (darker + 0.05) >= 4.5, (name, behind, dark)


def _color(page: Page, name: str) -> tuple[int, ...]:
    found: str = page.run(
        "return getComputedStyle(document.documentElement).getPropertyValue('--' + arguments[0])",
        name,
    )
    return tuple(bytes.fromhex(found.strip().removeprefix("#")))


def _luminance(color: tuple[int, ...]) -> float:
    """As WCAG 2.2 defines it."""
    linear = [
        each / 255 / 12.92 if each / 255 <= 0.04045 else ((each / 255 + 0.055) / 1.055) ** 2.4
        for each in color
    ]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
