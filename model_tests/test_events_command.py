"""``foregone-events``: what was written, counted, drawn, followed; and the trace for Perfetto."""

import json
import os
import re
import signal
import subprocess
import sys
import threading
from collections import Counter, defaultdict
from itertools import pairwise
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import pytest

from foregone import BrokenProcessPool, JSONLines, ProcessPoolExecutor, ThreadPoolExecutor
from foregone.chrome_trace import chrome_trace
from foregone.events import Event
from foregone.events_command import main
from foregone.json_lines import read
from foregone_spec import trace
from foregone_spec.__main__ import main as spec_main
from model_tests.process_calls import House, held
from model_tests.process_world import until

Marks = list[dict[str, Any]]


def closed(file: Path, count: int = 1) -> Path:
    """Return a file, once so many executors have been closed in it."""
    until(lambda: file.read_text().count('"Closed"') == count)
    return file


@pytest.fixture
def of_threads(tmp_path: Path) -> Path:
    file = tmp_path / "threads.jsonl"
    gate = threading.Event()
    with ThreadPoolExecutor(1, "mine", observer=JSONLines(file)) as executor:
        waits = executor.submit(gate.wait)
        cancelled = executor.submit(abs, 1)
        assert cancelled.cancel()
        gate.set()
        executor.submit(divmod, 1, 0)
        assert waits.result()
    return closed(file)


@pytest.fixture
def of_processes(tmp_path: Path, house: House) -> Path:
    file = tmp_path / "processes.jsonl"
    with ProcessPoolExecutor(2, get_context("fork"), observer=JSONLines(file)) as executor:
        first = executor.submit(held, house.log, 1, house.gate)
        until(house.begun)
        assert [each.result() for each in [executor.submit(abs, n) for n in range(30)]]
        house.open()
        first.result()
        with pytest.raises(BrokenProcessPool):
            executor.submit(signal.raise_signal, signal.SIGKILL).result()
    return closed(file)


# ------------------------------------------------------------------- the command


def test_what_happened_is_counted(of_threads: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["count", str(of_threads)]) == 0
    said = capsys.readouterr().out
    assert said.startswith("mine: ")
    for line in ("1  Submit starts", "2  Submit queued", "1  Closed", "1  Future cancel_owned"):
        assert line in said
    assert "missing" not in said
    assert "killed" not in said


def test_what_is_missing_is_counted(of_threads: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lines = of_threads.read_text().splitlines(keepends=True)
    of_threads.write_text("".join(lines[1:4] + lines[6:-1]))
    assert main(["count", str(of_threads)]) == 0
    said = capsys.readouterr().out
    assert "2 are missing" in said
    assert "the first 1 are not in these files" in said
    assert "was killed" in said


def test_runs_before_under_the_same_name_are_said_to_be_left_out(
    of_threads: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = of_threads.read_text()
    for command in ("count", "check"):
        assert main([command, str(of_threads)]) == 0
        assert "left out" not in capsys.readouterr().out
    later = re.sub(r'"t":(\d)', r'"t":9\1', text)
    of_threads.write_text(text + later)
    for command in ("count", "check"):
        assert main([command, str(of_threads)]) == 0
        said = capsys.readouterr().out
        assert "\n  1 of that name before it are left out: " in said


@pytest.mark.parametrize("command", ["count", "check", "trace", "perfetto"])
def test_a_file_without_events_is_said_to_have_none(
    command: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "empty.jsonl"
    file.touch()
    assert main([command, str(file)]) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.startswith(f"foregone-events: {file} has no events: was the executor made ")


@pytest.mark.parametrize("number", ["x", "0", "-1", "1.5"])
def test_what_is_no_number_of_events_is_told(
    number: str, of_threads: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(["check", f"--first={number}", str(of_threads)])
    assert f"{number} is no number of events: 1 or more" in capsys.readouterr().err


def test_who_has_closed_standard_output_is_not_told_of_it(
    of_threads: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdout", None)
    assert main(["count", str(of_threads)]) == 0


def test_whoever_has_read_enough_is_not_told_more(of_threads: Path) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    command = [sys.executable, "-m", "foregone.events_command", "count", str(of_threads)]
    known = {name: each for name, each in os.environ.items() if name != "PYTHONUNBUFFERED"}
    done = subprocess.run(command, stdout=writer, stderr=subprocess.PIPE, env=known, timeout=60)
    os.close(writer)
    assert (done.returncode, done.stderr) == (0, b"")


def test_a_run_is_checked(
    of_threads: Path, of_processes: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["check", str(of_threads)]) == main(["check", str(of_processes)]) == 0
    said = capsys.readouterr().out
    assert "mine: accepted: " in said
    assert "of ThreadPoolModel(" in said
    assert "of ProcessPoolModel(" in said


def test_a_run_that_is_none_is_said_with_its_step(
    of_threads: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = of_threads.read_text()
    of_threads.write_text(text.replace('"what":"cancel_owned"', '"what":"set_result"'))
    assert main(["check", str(of_threads)]) == 1
    said = capsys.readouterr().out
    assert "mine: rejected: " in said
    assert "<- after it futures = " in said or "<- it is not enabled" in said


def test_a_run_goes_to_the_specification(
    of_threads: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = tmp_path / "run.json"
    assert main(["trace", str(of_threads), "-o", str(run)]) == 0
    said = f"{run}: {len(run.read_text()):,} characters\n"
    assert capsys.readouterr().out == said
    assert trace.loads(run.read_text()).check().accepted
    assert spec_main(["explain", str(run)]) == 0
    assert "accepted" in capsys.readouterr().out


def test_of_several_executors_one_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "two.jsonl"
    told = JSONLines(file)
    for name in ("one", "other"):
        with ThreadPoolExecutor(1, name, observer=told) as executor:
            executor.submit(abs, 1)
    closed(file, 2)
    assert main(["trace", str(file)]) == 2
    assert "one, other; name one with --executor" in capsys.readouterr().err
    assert main(["trace", str(file), "--executor", "third"]) == 2
    assert "one, other; not of third" in capsys.readouterr().err
    assert main(["trace", str(file), "--executor", "other"]) == 0


def test_a_run_may_be_too_long(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "long.jsonl"
    with ThreadPoolExecutor(1, observer=JSONLines(file)) as executor:
        for each in [executor.submit(abs, n) for n in range(1001)]:
            each.result()
    closed(file)
    assert main(["check", str(file)]) == 2
    assert "1,001 calls, and at most 1,000 are followed" in capsys.readouterr().err
    assert main(["check", str(file), "--first", "100"]) == 0
    assert "accepted" in capsys.readouterr().out


def test_what_cannot_be_read_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["count", str(tmp_path / "missing.jsonl")]) == 2
    assert "missing.jsonl" in capsys.readouterr().err
    (tmp_path / "bad.jsonl").write_text("what\n")
    assert main(["perfetto", str(tmp_path / "bad.jsonl")]) == 2
    assert "bad.jsonl, line 1 is no JSON" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        main(["check", "x", "--first", "0"])


# --------------------------------------------------------------------- the trace


def marks(file: Path) -> Marks:
    made: Any = json.loads(json.dumps(chrome_trace(read(file))))
    found: Marks = made["traceEvents"]
    return found


def names(of: Marks) -> set[str]:
    return {each["args"]["name"] for each in of if each["ph"] == "M"}


def test_each_call_is_on_the_track_of_who_ran_it(of_processes: Path) -> None:
    drawn = marks(of_processes)
    pids = [each.more["pid"] for each in read(of_processes) if each.action == "Start"]
    assert {f"Process #{n} (pid {pid})" for n, pid in enumerate(pids, 1)} <= names(drawn)
    slices = [each for each in drawn if each["ph"] == "X"]
    assert sorted(each["args"]["call"] for each in slices) == list(range(1, 33))
    (first,) = [each for each in slices if each["args"]["call"] == 1]
    others = [each for each in slices if 1 < each["args"]["call"] < 32]
    assert {each["tid"] for each in others} == {1, 2} - {first["tid"]}
    assert first["name"] == "model_tests.process_calls.held"
    assert "claimed" not in first["args"]  # it was seen
    by_track = defaultdict(list)
    for each in slices:
        by_track[each["tid"]].append((each["ts"], each["ts"] + each["dur"]))
    for track in by_track.values():
        track.sort()
        assert all(end <= begin for (_, end), (begin, _) in pairwise(track))


def test_each_call_has_a_bar_and_an_arrow(of_processes: Path) -> None:
    drawn = marks(of_processes)
    counts = Counter(each["ph"] for each in drawn)
    assert counts["b"] == counts["e"] == counts["X"] == 32
    leaves = {each["bind_id"]: each["args"]["call"] for each in drawn if each.get("flow_out")}
    arrives = {each["bind_id"]: each["args"]["call"] for each in drawn if each.get("flow_in")}
    assert leaves == arrives
    assert len(leaves) == 32


def test_bars_and_arrows_of_two_executors_are_not_the_same() -> None:
    """Who draws them looks at the id alone, in all processes at once, and it must be a number."""
    made: Any = chrome_trace([
        Event(1, 1.0, "one", "Opened"), Event(1, 1.0, "other", "Opened"),
        Event(2, 1.5, "one", "Submit", 1, 0, "f"), Event(2, 1.5, "other", "Submit", 1, 0, "f"),
    ])["traceEvents"]  # fmt: skip
    ids = [each["id"] for each in made if each["ph"] == "b"]
    assert len(set(ids)) == 2
    assert all(type(each) is int for each in ids)


def test_cancels_requests_and_deaths_are_marks(of_threads: Path, of_processes: Path) -> None:
    said = [each["name"] for each in marks(of_threads) if each["ph"] == "i"]
    assert said == ["cancelled: abs", "shutdown: SHUTTING_DOWN"]
    died = [each for each in marks(of_processes) if each["name"] == "died"]
    assert died
    assert died[0]["tid"] in (1, 2)
    assert "break: BROKEN" in {each["name"] for each in marks(of_processes)}


def test_what_has_not_ended_is_drawn_to_the_end() -> None:
    events = [
        Event(1, 1.0, "x", "Opened", 0, 0, "threads", "OPEN", {"pid": 7, "workers": 1}),
        Event(2, 1.5, "x", "Submit", 1, 0, "f", "starts"),
        Event(3, 2.0, "x", "NextItem", 1, 1, "takes"),
        Event(4, 4.0, "x", "Submit", 2, 0, "g", "queued"),
        Event(5, 4.0, "other", "Submit", 1, 0, "h", "queued"),  # whose beginning is not here
    ]
    made: Any = chrome_trace(events)["traceEvents"]
    (drawn,) = [each for each in made if each["ph"] == "X"]
    assert (drawn["ts"], drawn["dur"], drawn["tid"]) == (1e6, 2e6, 1)
    assert drawn["args"] == {"call": 1, "ended": False}
    assert not [each for each in made if each["name"] == "h"]
