"""Stepping through a model: every command, what is shown, and what is refused."""

import dataclasses
import io
import json
import os
import pty
import subprocess
import sys
import termios
from collections.abc import Callable
from pathlib import Path
from random import Random

import pytest

from foregone_spec import counterexample, stepping, trace
from foregone_spec.__main__ import main
from foregone_spec.future_actions import Action as OfAFuture
from foregone_spec.future_actions import SetRunningOrNotifyCancel
from foregone_spec.future_model import FutureModel
from foregone_spec.kinds import FUTURE, PROCESS_POOL
from foregone_spec.lifecycle import Request
from foregone_spec.model import NotEnabled
from foregone_spec.process_death import Policy
from foregone_spec.process_pool import ProcessPoolModel
from foregone_spec.process_pool_actions import Action, Claim, Offer, Ready, Start, Submit
from foregone_spec.process_pool_state import ProcessPoolState
from foregone_spec.stepping import HELP, Outside, Refused, Session
from foregone_spec.walk import FAR, Walk, searchable

POOL = ProcessPoolModel(2, 2, 2, (Request.SHUTDOWN,), 1, Policy.REPLACE)
TO_A_CLAIM: list[Action] = [Submit(1), Start(1), Offer(1), Ready(1), Claim(1, 1)]


class Files(dict[str, str]):
    """Files that are none; one that is not there cannot be read, and "full" not written."""

    def read(self, name: str) -> str:
        if name not in self:
            raise Refused(f"{name} cannot be read: no such file")
        return self[name]

    def keep(self, name: str, text: str) -> None:
        if name == "full":
            raise Refused(f"{name} cannot be written: no space left")
        self[name] = text


@pytest.fixture
def files() -> Files:
    return Files()


@pytest.fixture
def pool(files: Files) -> "Session[ProcessPoolState, Action]":
    return Session(PROCESS_POOL, POOL, Outside(files.read, files.keep, Random(3).randrange))


def lead(session: "Session[ProcessPoolState, Action]", *lines: str) -> list[str]:
    return [session.do(line) for line in lines]


# ------------------------------------------------------------------------- walking


def test_a_walk_goes_on_and_back() -> None:
    walk = Walk(POOL)
    for action in TO_A_CLAIM:
        walk.take(action)
    assert walk.actions == TO_A_CLAIM
    assert walk.state.runs == (1, 0)
    assert walk.undo(2) == 2
    assert walk.state.call_queue == (1,)
    assert walk.undo(99) == 3
    assert walk.undo() == 0
    assert walk.states == list(POOL.initial())


def test_what_may_not_happen_changes_nothing() -> None:
    walk = Walk(POOL)
    with pytest.raises(NotEnabled):
        walk.take(Claim(1, 1))
    assert walk.actions == []
    assert len(walk.states) == 1


def test_the_nearest_way_from_here() -> None:
    walk = Walk(POOL)
    walk.take(Submit(1))
    story = walk.ahead(lambda _, after: after.runs[0] == 1).story
    assert story[0] == (None, walk.state)
    assert len(story) == len(TO_A_CLAIM)
    for action, after in story[1:]:
        assert action is not None
        walk.take(action)
        assert walk.state == after
    assert walk.state.runs[0] == 1


def test_nothing_ahead_is_said_to_be_all_or_not() -> None:
    walk = Walk(FutureModel(True, 1, 0, 0, 0, 0))
    found = walk.ahead(lambda *_: False)
    assert (found.story, found.complete) == ((), True)
    assert found.states > 3
    few = walk.ahead(lambda *_: False, limit=2)
    assert (few.story, few.complete) == ((), False)


# ------------------------------------------------------------------------ commands


def test_actions_by_number_and_by_name(pool: "Session[ProcessPoolState, Action]") -> None:
    assert lead(pool, "1", "Start 1", "Offer 1", "Ready 1", "Claim 1 1") == [
        f"{number}. {action}" for number, action in enumerate(TO_A_CLAIM, start=1)
    ]
    assert pool.walk.actions == TO_A_CLAIM


def test_every_action_that_is_shown_can_be_typed(
    pool: "Session[ProcessPoolState, Action]",
) -> None:
    """As it is shown: the first words of its line, and its number, are the same action."""
    typed: set[str] = set()
    for _ in range(80):
        for line in pool.shown().splitlines():
            words = line.split()
            if words and words[0].isdecimal():
                action = pool.walk.enabled[int(words[0]) - 1]
                command = words[1 : 2 + len(dataclasses.fields(action))]
                pool.do(" ".join(command))
                assert pool.walk.actions[-1] == action
                assert pool.do("undo") == "back by 1 step"
                typed.add(command[0])
        if pool.do("random").endswith("nothing may happen any more"):
            pool.do("undo 5")
    assert len(typed) > 12


def test_random_is_repeated_with_its_seed(files: Files) -> None:
    def once(seed: int) -> list[Action]:
        outside = Outside(files.read, files.keep, Random(seed).randrange)
        session = Session(PROCESS_POOL, POOL, outside)
        session.do("random 12")
        return session.walk.actions

    assert once(1) == once(1)
    assert len({tuple(once(seed)) for seed in range(5)}) > 1


def test_random_ends_where_nothing_may_happen(pool: "Session[ProcessPoolState, Action]") -> None:
    assert pool.do("random 9999").endswith("nothing may happen any more")
    assert not pool.walk.enabled
    assert "nothing may happen any more" in pool.shown()


def test_goto_a_value(pool: "Session[ProcessPoolState, Action]") -> None:
    pool.do("goto processes stillborn")
    assert "stillborn" in pool.walk.state.processes
    pool.do("goto resultQueue <<>>")
    pool.do("goto phase SHUTTING_DOWN")
    assert pool.walk.state.phase.value == "SHUTTING_DOWN"
    assert pool.do("goto phase BROKEN").startswith("nothing ahead has BROKEN in phase: ")


def test_goto_an_invariant_that_holds(pool: "Session[ProcessPoolState, Action]") -> None:
    said = pool.do("goto AtMostOnce")
    assert said.startswith("nothing ahead violates AtMostOnce: ")
    assert said.endswith("all that can be reached")
    assert pool.walk.actions == []
    assert "violates ExactBlame" in pool.do("goto ExactBlame")


def test_goto_an_invariant_that_is_violated(
    pool: "Session[ProcessPoolState, Action]", monkeypatch: pytest.MonkeyPatch
) -> None:
    """The nearest step is taken, and what it violates is shown."""

    def nobody_runs(now: ProcessPoolState) -> bool:
        return not any(now.runs)

    invariants = {**POOL.invariants, "NobodyRuns": nobody_runs}
    monkeypatch.setattr(ProcessPoolModel, "invariants", property(lambda _: invariants))
    pool.do("goto NobodyRuns")
    assert len(pool.walk.actions) == len(TO_A_CLAIM)
    assert pool.walk.violated == ("NobodyRuns",)
    assert "VIOLATED: NobodyRuns" in pool.shown()
    assert json.loads(pool.as_json())["violated"] == ["NobodyRuns"]
    changes = {"NothingBegins": lambda before, after: before.begun == after.begun}
    monkeypatch.setattr(ProcessPoolModel, "step_invariants", property(lambda _: changes))
    pool.do("undo 99")
    pool.do("goto NothingBegins")
    assert list(pool.walk.violated) == ["NobodyRuns", "NothingBegins"]


def test_what_is_saved_where_something_is_violated_is_a_counterexample(
    pool: "Session[ProcessPoolState, Action]", files: Files, monkeypatch: pytest.MonkeyPatch
) -> None:
    def nobody_runs(now: ProcessPoolState) -> bool:
        return not any(now.runs)

    monkeypatch.setattr(
        ProcessPoolModel, "invariants", property(lambda _: {"NobodyRuns": nobody_runs})
    )
    pool.do("goto NobodyRuns")
    said = pool.do("save found.json")
    assert said == "5 steps are in found.json: a counterexample, which violates NobodyRuns"
    found = counterexample.read(files["found.json"])
    assert found is not None
    assert (found.violates, len(found.steps)) == ("NobodyRuns", len(TO_A_CLAIM))
    assert found.initially == POOL.variables(POOL.initial()[0])
    assert found.steps[-1].variables == pool.walk.model.variables(pool.walk.state)
    assert counterexample.judged(found).reason == "it violates NobodyRuns"  # still wrong
    monkeypatch.undo()
    assert counterexample.judged(found).reason == ""
    assert pool.do("load found.json") == "5 steps were read from found.json"


def test_what_was_saved_is_loaded_and_is_a_run(
    pool: "Session[ProcessPoolState, Action]", files: Files
) -> None:
    lead(pool, "1", "Start 1", "Offer 1", "Ready 1", "Claim 1 1")
    assert pool.do("save my run.json") == "5 steps are in my run.json"
    assert trace.loads(files["my run.json"]).check().accepted
    pool.do("undo 9")
    assert pool.do("load my run.json") == "5 steps were read from my run.json"
    assert pool.walk.actions == TO_A_CLAIM


def test_the_story_and_the_state(pool: "Session[ProcessPoolState, Action]") -> None:
    pool.do("Submit 1")
    assert pool.do("story").splitlines() == ["0. initially", "1. Submit(work_id=1)"]
    assert "  workIds = <<1>>" in pool.do("state").splitlines()
    assert pool.do("help") == HELP
    assert pool.do("") == ""
    assert not pool.over
    assert pool.do("quit") == ""
    assert pool.over


REFUSED = {
    "fly": "'fly' is not a command: a number, undo, .*, or an action that is enabled: .*Submit",
    "0": "there is no action number 0: there are 1 to ",
    "99": "there is no action number 99: there are 1 to ",
    "9" * 5000: "there is no action number 99999999999999999999: there are 1 to ",
    "1 2": "1 takes nothing more, not '2'",
    "Claim 1": "Claim takes process work_id, not '1'",
    "Submit": "Submit takes work_id, not ''",
    "Submit x": "the command.work_id",
    f"Submit {'9' * 5000}": "the command.work_id is 1000000000: a number from 0 to 10000",
    "Submit 2": r"Submit\(work_id=2\) may not happen now; of that kind: Submit\(work_id=1\)",
    "Claim 1 1": r"Claim\(process=1, work_id=1\) may not happen now$",
    "undo -1": "undo takes a number of steps or nothing, not '-1'",
    "undo 0": "undo takes a number of steps or nothing, not '0'",
    "random 1 2": "random takes a number of steps or nothing, not '1 2'",
    "goto": "goto takes an invariant .*AtMostOnce.* or a variable .*workIds",
    "goto Nowhere": "goto takes an invariant .* not 'Nowhere'",
    "goto nothing 1": "goto takes an invariant .* not 'nothing 1'",
    "state 1": "state takes nothing more",
    "story 1": "story takes nothing more",
    "help me": "help takes nothing more",
    "quit now": "quit takes nothing more",
    "save": "save takes the name of a file",
    "save full": "full cannot be written: no space left",
    "load": "load takes the name of a file",
    "load none": "none cannot be read: no such file",
    "load text": "text: the text is not JSON",
    "load future": "future is a run of FutureModel.*, and this is ProcessPoolModel",
    "load other": "other is a run of ProcessPoolModel.*, and this is ProcessPoolModel",
    "load wrong": "wrong: step 2, Claim.*, may not happen .* foregone-spec explain wrong tells",
}


@pytest.mark.parametrize("line", REFUSED, ids=lambda line: line[:20])
def test_what_cannot_be_done_is_refused_and_changes_nothing(
    line: str, pool: "Session[ProcessPoolState, Action]", files: Files
) -> None:
    files["text"] = "no run"
    begun: list[OfAFuture] = [SetRunningOrNotifyCancel()]
    files["future"] = trace.dumps(FutureModel(True, 1, 0, 0, 0, 0), begun)
    files["other"] = trace.dumps(ProcessPoolModel(1, 1, 1), TO_A_CLAIM[:1])
    files["wrong"] = trace.dumps(POOL, [TO_A_CLAIM[0], TO_A_CLAIM[-1]])
    before = pool.shown()
    with pytest.raises(Refused, match=REFUSED[line]):
        pool.do(line)
    assert pool.shown() == before
    assert not pool.over


def test_at_the_end_there_is_no_number(pool: "Session[ProcessPoolState, Action]") -> None:
    pool.do("random 9999")
    with pytest.raises(Refused, match="nothing may happen any more"):
        pool.do("1")


def test_a_very_large_number_is_a_number(pool: "Session[ProcessPoolState, Action]") -> None:
    pool.do("Submit 1")
    assert pool.do(f"undo {'9' * 5000}") == "back by 1 step"


def session_of(model: ProcessPoolModel) -> "Session[ProcessPoolState, Action]":
    return Session(PROCESS_POOL, model, Outside(Files().read, Files().keep, Random(0).randrange))


def test_on_a_narrow_terminal_the_rooms_stand_below_each_other(
    pool: "Session[ProcessPoolState, Action]",
) -> None:
    lead(pool, "Submit 1", "Start 1", "Offer 1")
    drawn = pool.shown().splitlines()
    wide = len(drawn[0])
    assert pool.shown(wide).splitlines() == drawn
    below = pool.shown(wide - 1).splitlines()
    assert max(map(len, below[:14])) < 40
    for name, has in (("Executor", "OPEN"), ("Call Q", "1"), ("Process #1..2", "#1 starting")):
        assert below[below.index(name) + 1] == f"  {has}"


def test_absurd_bounds_are_shown_in_a_few_lines() -> None:
    session = session_of(ProcessPoolModel(10_000, 10_000, 10_000))
    lead(session, "Submit 1", "Start 1", "Ready 1")
    shown = session.shown()
    assert len(shown) < 4000
    for text in ("#1 idle", "#2..10000 unborn", "#1..10000: -"):
        assert text in shown


def test_of_many_actions_the_first_are_listed_and_all_can_be_typed() -> None:
    session = session_of(ProcessPoolModel(stepping.MOST + 50, 1, 1))
    lead(session, *(f"Submit {each}" for each in range(1, stepping.MOST + 51)))
    lines = session.shown().splitlines()
    more = len(session.walk.enabled) - stepping.MOST
    assert more > 0
    assert lines[-1].startswith(f"  .. and {more:,} more, as the last: ")
    assert lines[-2].split()[0] == str(stepping.MOST)
    assert session.do(lines[-1].partition("last: ")[2])


def test_what_has_too_many_values_is_not_searched() -> None:
    session = session_of(ProcessPoolModel(10_000, 1, 1))
    with pytest.raises(Refused, match=r"has 30,01. values in each state, .* 1,000 or fewer"):
        session.do("goto AtMostOnce")
    assert searchable(ProcessPoolModel(100, 1, 1), FAR) < FAR == searchable(POOL, FAR)


def test_a_model_without_rooms_shows_its_variables(files: Files) -> None:
    outside = Outside(files.read, files.keep, Random(0).randrange)
    session = Session(FUTURE, FutureModel(True, 1, 0, 0, 0, 0), outside)
    assert '  state = "PENDING"' in session.shown().splitlines()
    session.do("1")
    assert '  state = "PENDING"' not in session.shown().splitlines()


# ------------------------------------------------------------------ the command line

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    def asked(typed: str, *argv: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "stdin", io.StringIO(typed))
        code = main(argv)
        said = capsys.readouterr()
        return code, said.out, said.err

    return asked


def test_through_a_pipe(run: Run) -> None:
    code, out, err = run("Submit 1\nstory\nquit\n1\n", "pool", "--processes", "2", "--calls", "3")
    assert (code, err) == (0, "")
    assert "Process #1..2" in out
    assert "1. Submit(work_id=1)\n" in out
    assert "2. " not in out  # nothing after quit
    assert "> " not in out.replace("=> ", "")


def test_an_error_in_a_pipe_is_told_and_what_follows_is_done(run: Run) -> None:
    code, out, err = run("fly\nSubmit 1\n", "step", "process-pool")
    assert code == 2
    assert err.startswith("foregone-spec: 'fly' is not a command")
    assert "1. Submit(work_id=1)" in out


def test_json_is_a_line_for_each_command(run: Run) -> None:
    code, out, err = run("Submit 1\nfly\n", "pool", "--json")
    first, second, third = map(json.loads, out.splitlines())
    assert (code, err) == (2, "")
    assert first["step"] == 0
    assert {"action": "Submit", "work_id": 1} in first["enabled"]
    assert second["action"] == {"action": "Submit", "work_id": 1}
    assert second["variables"]["workIds"] == [1]
    assert third["variables"] == second["variables"]
    assert "fly" in third["refused"]


@pytest.mark.parametrize("model", ["future", "waiting", "thread-pool", "process-pool", "map"])
def test_every_model_can_be_stepped_through(model: str, run: Run) -> None:
    code, out, err = run("random 4\nstory\n", "step", model, "--seed", "5")
    assert (code, err) == (0, "")
    assert "\n4. " in out


def test_files(tmp_path: Path, run: Run) -> None:
    file = tmp_path / "run.json"
    assert run(f"random 5\nsave {file}\n", "pool")[0] == 0
    assert main(["check", str(file)]) == 0
    assert "5. " in run("story\n", "pool", "--load", str(file))[1]
    code, _, err = run("", "pool", "--load", str(tmp_path / "none"))
    assert code == 2
    assert "cannot be read: No such file" in err
    code, _, err = run(f"save {tmp_path}\n", "pool")
    assert code == 2
    assert "cannot be written: Is a directory" in err


@pytest.mark.parametrize("name", ["\0", "run\0.json"])
def test_a_name_that_no_file_can_have_is_refused(name: str, run: Run) -> None:
    code, _, err = run(f"load {name}\nsave {name}\n", "pool")
    assert code == 2
    assert "cannot be read: embedded null byte" in err
    assert "cannot be written: embedded null byte" in err


def test_who_has_closed_the_standard_files_is_not_told_of_them(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name in ("stdin", "stdout"):
        monkeypatch.setattr(sys, name, None)
    assert main(["table", "future"]) == main(["pool"]) == 0


def test_what_is_no_text_is_refused(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"\xff\n"), "utf-8"))
    assert main(["pool"]) == 2
    assert capsys.readouterr().err == "foregone-spec: standard input is not utf-8 text\n"


@pytest.mark.parametrize(
    "asked", ["explore process-pool --calls 10000", "explore thread-pool --threads 5000", "page"]
)
def test_what_is_too_large_to_be_explored_is_told_at_once(
    asked: str, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    words = asked.split() if " " in asked else [asked, "--processes", "10000"]
    code, out, err = run("", *words)
    assert (code, out) == (2, "")
    assert "values in each state, too many for looking at all states: pass bounds with" in err
    assert not list(tmp_path.iterdir())


def test_wrong_bounds_are_told(run: Run) -> None:
    code, _, err = run("", "pool", "--processes", "2", "--capacity", "1")
    assert code == 2
    assert "capacity" in err


def on_a_terminal(keys: bytes, columns: int) -> bytes:
    """Type at a pool on a terminal of its own; return what stands there when it has ended well."""
    leader, follower = pty.openpty()
    termios.tcsetwinsize(follower, (24, columns))
    asked = [sys.executable, "-m", "foregone_spec", "pool"]
    known = {name: each for name, each in os.environ.items() if name != "COLUMNS"}
    child = subprocess.Popen(asked, stdin=follower, stdout=follower, stderr=follower, env=known)
    os.close(follower)
    os.write(leader, keys)
    said = b""
    try:
        while chunk := os.read(leader, 4096):
            said += chunk
    except OSError:
        pass  # that is how a terminal ends
    os.close(leader)
    assert child.wait() == 0
    return said


def test_on_a_terminal_the_picture_is_as_wide_as_it_may_be() -> None:
    said = on_a_terminal(b"quit\n", 80)
    assert b"Local Worker Thread\r\n  asleep" in said
    assert b"+---" not in said


def test_somebody_who_types_is_asked_and_told_of_his_errors() -> None:
    """What is wrong is told where he reads, and the code is 0."""
    said = on_a_terminal(b"fly\nquit\n", 200)
    assert b"> " in said
    assert b"'fly' is not a command" in said
    assert b"\x1b" not in said
    assert b"+---" in said
