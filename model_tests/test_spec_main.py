"""``foregone-spec`` answers questions, and says plainly when it cannot."""

import argparse
import contextlib
import io
import json
import os
import re
import struct
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

import foregone_spec
from foregone_spec import __main__ as spec_main
from foregone_spec import draw, pixels, terminal, trace
from foregone_spec.__main__ import main
from foregone_spec.future_actions import (
    Action,
    CallResult,
    EndCallbacks,
    SetResult,
    SetRunningOrNotifyCancel,
    TellWaiters,
    WakeBlocked,
)
from foregone_spec.future_model import FutureModel
from foregone_spec.lifecycle import Request
from foregone_spec.sources import SOURCES
from foregone_spec.thread_pool import ThreadPoolModel
from foregone_spec.words import WORDS
from model_tests.chain.command import ROOT

RUN: list[Action] = [
    SetRunningOrNotifyCancel(),
    CallResult(1),
    SetResult(1),
    TellWaiters(1),
    WakeBlocked(1),
]


TROUBLE = (
    "thread-pool --threads 1 --initializer-fails --start-fails --collects"
    " --closers shutdown shutdown_cancel_futures"
)


@pytest.fixture
def ask(capsys: pytest.CaptureFixture[str]) -> "Asker":
    return Asker(capsys)


class Asker:
    """Run the command line and look at what it prints."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self.capsys = capsys

    def __call__(self, *argv: str, code: int = 0) -> str:
        assert main(argv) == code
        printed = self.capsys.readouterr()
        assert printed.err == ""
        assert "\x1b" not in printed.out
        assert printed.out.endswith("\n")
        return printed.out

    def refused(self, *argv: str) -> str:
        assert main(argv) == 2
        printed = self.capsys.readouterr()
        assert printed.out == ""
        (line,) = printed.err.splitlines()
        assert line.startswith("foregone-spec: ")
        return line


# ---------------------------------------------------------------------- tables


@pytest.mark.parametrize("name", draw.machines())
def test_table(name: str, ask: Asker) -> None:
    machine = draw.machines()[name]
    assert ask("table", name) == draw.text(machine)
    assert ask("table", name, "--markdown") == draw.markdown(machine)
    found = json.loads(ask("table", name, "--json"))
    assert {state: list(row) for state, row in found.items()} == {
        state: list(row) for state, row in machine.cells.items()
    }


def test_table_as_json(ask: Asker) -> None:
    assert json.loads(ask("table", "future", "--json"))["CANCELLED"]["cancel_owned"] == {
        "after": "CANCELLED_AND_NOTIFIED",
        "reply": "True",
        "effects": ["TellWaiters"],
    }


def test_diagram(ask: Asker) -> None:
    machine = draw.machines()["future"]
    assert ask("diagram", "future") == draw.mermaid(machine)
    for name, drawing in (("mermaid", draw.mermaid), ("dot", draw.dot), ("svg", draw.svg)):
        assert ask("diagram", "future", "--format", name) == drawing(machine)
    assert ask("diagram", "lifecycle", "--format", "svg").startswith("<svg ")


def test_a_diagram_goes_to_a_file(ask: Asker, tmp_path: Path) -> None:
    file = tmp_path / "future.svg"
    said = ask("diagram", "future", "--format", "svg", "--output", str(file))
    assert said == f"{file}: {file.stat().st_size:,} bytes\n"
    assert file.read_text(encoding="utf-8") == draw.svg(draw.machines()["future"])


def test_a_diagram_in_pixels(ask: Asker, tmp_path: Path) -> None:
    """It has the size of the drawing, twice over, and more than its ground is drawn."""
    file = tmp_path / "future.png"
    ask("diagram", "future", "--format", "png", "--output", str(file))
    data = file.read_bytes()
    width, height = struct.unpack(">II", data[16:24])
    drawing = draw.svg(draw.machines()["future"])
    assert data[:8] == b"\x89PNG\r\n\x1a\n"
    assert f'width="{width // 2}" height="{height // 2}"' in drawing
    nothing = re.sub("</style>.*</svg>", "</style></svg>", drawing, flags=re.DOTALL)
    assert len(data) > 5 * len(pixels.png(nothing))


def test_without_who_draws_pixels_it_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "resvg_py", None)
    with pytest.raises(pixels.NoRenderer, match=r"pip install foregone\[png\]"):
        pixels.png(draw.svg(draw.machines()["future"]))


# ------------------------------------------------------------------------- ask


@pytest.mark.parametrize(
    ("question", "answer"),
    [
        ("future RUNNING cancel", ["it stays RUNNING", "the caller gets False"]),
        (
            "future CANCELLED cancel_owned",
            [
                "it goes from CANCELLED to CANCELLED_AND_NOTIFIED",
                "the caller gets True",
                "1. everybody in wait() and as_completed() is told",
            ],
        ),
        ("future FINISHED set_result", ["it stays FINISHED", "the caller gets InvalidStateError"]),
        (
            "lifecycle OPEN shutdown",
            [
                "it goes from OPEN to SHUTTING_DOWN",
                "1. parked threads look again, and end when nothing is left to do",
            ],
        ),
        ("lifecycle CANCELLING shutdown", ["it stays CANCELLING"]),
        (
            "waiting FIRST_EXCEPTION cancelled",
            ["wait() goes on waiting for the other futures"],
        ),
        (
            "work-item WAITING claim",
            [
                "it goes from WAITING to CLAIMED",
                "1. the future is given set_running_or_notify_cancel",
            ],
        ),
    ],
)
def test_ask(question: str, answer: Sequence[str], ask: Asker) -> None:
    head, *lines, last = ask("ask", *question.split()).splitlines()
    machine, _, command = question.split()
    assert last == f"  source: {SOURCES[machine][command]}"
    assert head.startswith(", ".join(question.split()[1:]) + ": ")
    assert [line.strip() for line in lines] == answer
    assert json.loads(ask("ask", *question.split(), "--json"))["meaning"] == answer


def test_ask_as_json(ask: Asker) -> None:
    found = json.loads(ask("ask", "future", "PENDING", "set_result", "--json"))
    del found["meaning"]
    assert found.pop("source") == SOURCES["future"]["set_result"]
    assert found == {
        "machine": "future",
        "state": "PENDING",
        "command": "set_result",
        "after": "FINISHED",
        "reply": "None",
        "effects": ["KeepOutcome", "TellWaiters", "WakeBlocked", "RunCallbacks"],
    }


def test_every_rule_has_a_source_that_is_there() -> None:
    """Each column of each table; each action is in its model, each room in the museum."""
    rooms = re.findall(r"^## (\w+)$", (ROOT / "docs" / "museum.md").read_text(), re.MULTILINE)
    for name, machine in draw.machines().items():
        assert list(SOURCES[name]) == list(machine.columns)
        for source in SOURCES[name].values():
            assert re.match(r"CPython|the seed|foregone", source)
            actions = re.findall(r"\b([A-Z]\w+)\.([A-Z]\w+)\b", source)
            assert actions or source.endswith("no model")
            for model, action in actions:
                text = (ROOT / "tla" / f"{model}.tla").read_text()
                assert re.search(rf"^{action}(\(.*\))? ==", text, re.MULTILINE), source
            assert set(re.findall(r"\b[MH]\d+\b", source)) <= set(rooms), source
    assert set(SOURCES) == set(draw.machines())


def test_every_cell_has_its_words(ask: Asker) -> None:
    used = set()
    for name, machine in draw.machines().items():
        for state, row in machine.cells.items():
            for command, cell in row.items():
                ask("ask", name, state, command)
                used |= {cell.reply, *cell.effects} | (set() if machine.moves else {cell.after})
    assert used - {""} == set(WORDS)


# --------------------------------------------------------------------- explore


@pytest.mark.parametrize(
    ("question", "told"),
    [
        ("future", "438 states, 1369 edges, depth 11"),
        ("future --no-owned", "486 states, 1551 edges, depth 11"),
        ("future --no-owned --resolvers 1 --callbacks 2", "3265 states, 12952 edges, depth 13"),
        ("waiting", "1336 states, 2568 edges, depth 13"),
        (
            "waiting --futures 1 --asks AS_COMPLETED --names 1,1 --endings result",
            "26 states, 34 edges, depth 8",
        ),
        ("thread-pool --calls 2 --threads 1", "119 states, 224 edges, depth 14"),
        (TROUBLE, "1219 states, 2955 edges, depth 18"),
        ("map --fails-at 3", "290 states, 628 edges, depth 14"),
    ],
)
def test_explore(question: str, told: str, ask: Asker) -> None:
    head, count, *invariants = ask("explore", *question.split()).splitlines()
    assert count == told
    assert head.endswith(")")
    assert invariants
    assert all(line.startswith("  holds  ") for line in invariants)
    found = json.loads(ask("explore", *question.split(), "--json"))
    assert f"{found['states']} states, {found['edges']} edges, depth {found['depth']}" == told
    assert found["invariants"] == [line.split()[1] for line in invariants]
    assert found["violations"] == []


def test_explore_tells_a_violation_as_a_story(ask: Asker, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("foregone_spec.thread_pool.lifecycle.accepts", lambda phase: True)
    printed = ask("explore", "thread-pool", "--calls", "1", "--threads", "1", code=1)
    assert "  VIOLATED  " in printed
    assert "\n  0. initially\n" in printed
    found = json.loads(ask("explore", "thread-pool", "--calls", "1", "--json", code=1))
    assert found["violations"][0]["steps"]


# ---------------------------------------------------------------------- traces


@pytest.fixture
def good(tmp_path: Path) -> Path:
    path = tmp_path / "good.json"
    path.write_text(trace.dumps(FutureModel(owned=True), RUN))
    return path


@pytest.fixture
def bad(tmp_path: Path) -> Path:
    path = tmp_path / "bad.json"
    path.write_text(trace.dumps(FutureModel(owned=True), [*RUN[:3], EndCallbacks(1), *RUN[3:]]))
    return path


def test_check(ask: Asker, good: Path, bad: Path) -> None:
    assert ask("check", str(good)).startswith("accepted: 5 steps of FutureModel(owned=True")
    printed = ask("check", str(bad), code=1)
    assert "  4. EndCallbacks(agent=1)  <- it is not enabled\n" in printed
    assert json.loads(ask("check", str(bad), "--json", code=1)) == {
        "accepted": False,
        "steps": 6,
        "index": 3,
        "reason": "it is not enabled",
    }
    assert json.loads(ask("check", str(good), "--json"))["index"] is None


def test_explain(ask: Asker, good: Path, bad: Path) -> None:
    lines = ask("explain", str(good)).splitlines()
    place = lines.index("  3. SetResult(agent=1)")
    assert lines[place + 1] == '     state = "FINISHED"'
    assert lines[-1].startswith("accepted: 5 steps")
    lines = ask("explain", str(bad), code=1).splitlines()
    assert lines.count("  4. EndCallbacks(agent=1)  <- it is not enabled") == 1
    assert lines.count("  3. SetResult(agent=1)") == 1


def test_what_a_file_holds_cannot_reach_the_terminal(ask: Asker, tmp_path: Path) -> None:
    path = tmp_path / "rude.json"
    known = trace.Step[Action](RUN[0], {"state": "\x1b[31m\r\n"})
    path.write_text(trace.dumps(FutureModel(owned=True), [known]))
    for command in ("check", "explain"):
        assert 'not "\\x1b[31m\\r\\n" as recorded' in ask(command, str(path), code=1)


def test_traces_of_other_models(ask: Asker, tmp_path: Path) -> None:
    model = ThreadPoolModel(1, 1, (Request.SHUTDOWN,), collects=True)
    state, run = model.initial()[0], []
    while enabled := model.enabled(state):
        run.append(enabled[0])
        state = model.step(state, enabled[0])
    path = tmp_path / "pool.json"
    path.write_text(trace.dumps(model, run))
    assert ask("check", str(path)).startswith(f"accepted: {len(run)} steps of ThreadPoolModel")


# -------------------------------------------------------------------- refusals


@pytest.mark.parametrize(
    ("argv", "told"),
    [
        ("", "COMMAND"),
        ("dance", "'dance'"),
        ("table", "machine"),
        ("table futures", "'futures'"),
        ("table future --xml", "--xml"),
        ("diagram waiting", "'waiting'"),
        ("diagram future --format gif", "'gif'"),
        ("diagram future --format png", "--output future.png"),
        ("ask future FINISH cancel", "'FINISH' is not a known state: one of PENDING, RUNNING, "),
        ("ask future RUNNING stop", "'stop' is not a known command: one of cancel, "),
        ("ask lifecycle OPEN stop", "'stop' is not a known request: one of shutdown, "),
        ("ask waiting FIRST result", "'FIRST' is not a known return_when: one of FIRST_COMPLETED"),
        ("explore fork-pool", "'fork-pool'"),
        ("explore future --cancellers x", "'x'"),
        ("explore future --cancellers -1", "model.cancellers is -1: a number from 0"),
        ("explore thread-pool --threads 0", "model.threads is 0: at least 1 is wanted"),
        ("explore thread-pool --closers stop", 'model.closers[0] is "stop"'),
        ("explore waiting --names 1,x", "'1,x' is not numbers, as in 1,2"),
        ("explore waiting --names 3", "model.names[0] is [3]: some of the futures 1 to 2"),
        ("explore map --limit 10", "more than 10 reachable states"),
        ("check nowhere.json", "nowhere.json cannot be read: No such file"),
        ("check .", ". cannot be read: "),
    ],
)
def test_refuses(argv: str, told: str, ask: Asker) -> None:
    assert told in ask.refused(*argv.split())


def test_refuses_a_broken_file(ask: Asker, good: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = good.read_text()
    good.write_text(text.replace('"agent": 1', '"agent": "one"', 1))
    told = ask.refused("check", str(good))
    assert told.endswith('good.json: steps[2].agent is "one": an integer is wanted')
    good.write_text(text[:-9])
    assert "the text is not JSON: " in ask.refused("explain", str(good))
    good.write_bytes(b'{"\xff": 1}')
    assert "is not UTF-8 text, at byte 2" in ask.refused("check", str(good))
    good.write_text(text.replace("]}", ', {"action": "x\\u001b[31m"} ]}'))
    assert "\x1b" not in ask.refused("check", str(good))
    good.write_text(text)
    monkeypatch.setattr(terminal, "SIZE_LIMIT", 10)
    monkeypatch.setattr(trace, "SIZE_LIMIT", 10)
    assert "longer than 10 bytes" in ask.refused("check", str(good))


def test_a_file_that_is_too_long_is_not_said_to_be_no_text(
    ask: Asker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Though it is cut off in the middle of a character."""
    file = tmp_path / "long.json"
    file.write_text("é" * 9)
    monkeypatch.setattr(terminal, "SIZE_LIMIT", 10)
    monkeypatch.setattr(trace, "SIZE_LIMIT", 10)
    assert "longer than 10 bytes" in ask.refused("check", str(file))


def test_a_name_that_cannot_be_written_is_written_all_the_same() -> None:
    """A file may have any bytes for a name, and standard output may know UTF-8 only."""
    raw = io.BytesIO()
    with contextlib.redirect_stdout(io.TextIOWrapper(raw, "utf-8")):
        terminal.Terminal.write("\udcff.svg\n")
        assert raw.getvalue() == b"\\udcff.svg\n"


def _parsers(parser: argparse.ArgumentParser) -> Iterator[argparse.ArgumentParser]:
    yield parser
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for each in action.choices.values():
                yield from _parsers(each)


def test_everything_that_can_be_given_has_its_help() -> None:
    found = list(_parsers(spec_main._parser()))
    assert len(found) > 18
    for parser in found:
        assert parser.description, parser.prog
        for action in parser._actions:
            if not isinstance(action, argparse._SubParsersAction):
                assert action.help, f"{parser.prog} {action.dest}"
    assert not any("``" in parser.format_help() for parser in found)


def test_help(ask: Asker) -> None:
    for command in ("", "table ", "diagram ", "ask ", "explore ", "explore map ", "check "):
        assert "usage: foregone-spec" in ask(*command.split(), "--help")


# ----------------------------------------------------------------------- piped


def _piped(*argv: str, stdout: int) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": str(Path(foregone_spec.__file__).parents[1])}
    environment.pop("PYTHONUNBUFFERED", None)  # or nothing would be left for the exit to flush
    command = [sys.executable, "-m", "foregone_spec", *argv]
    return subprocess.run(
        command, stdout=stdout, stderr=subprocess.PIPE, text=True, env=environment, timeout=60
    )


def test_works_in_a_pipe_that_is_closed_early() -> None:
    reader, writer = os.pipe()
    os.close(reader)
    try:
        done = _piped("table", "future", stdout=writer)
    finally:
        os.close(writer)
    assert (done.returncode, done.stderr) == (0, "")


def test_works_as_a_module() -> None:
    done = _piped("ask", "future", "DONE", "cancel", stdout=subprocess.PIPE)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("foregone-spec: 'DONE' is not a known state: one of PENDING")


def test_a_full_disk_is_told() -> None:
    with Path("/dev/full").open("wb") as full:
        done = _piped("table", "future", stdout=full.fileno())
    said = "foregone-spec: standard output cannot be written: No space left on device\n"
    assert (done.returncode, done.stderr) == (2, said)


def test_who_is_interrupted_says_nothing(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(terminal.Terminal, "write", staticmethod(interrupted))
    assert main(["table", "future"]) == 130
    assert capsys.readouterr() == ("", "")
