"""``observer=``: what an observer, a system that refuses, a fork or a bad file may not do."""

import json
import os
import random
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from itertools import count
from pathlib import Path
from typing import Any, Final, NoReturn

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from foregone import JSONLines, ProcessPoolExecutor, ThreadPoolExecutor, observer, observing, runs
from foregone.events import NOTHING, Batch, Event, Logged, Told
from foregone.events_command import main
from foregone.events_of_threads import ThreadEvents
from foregone.json_lines import EventsError, read
from model_tests.process_calls import House, held
from model_tests.process_world import until
from model_tests.test_observing import PATIENCE, Heard, Slow, processes, threads


def event(number: int, action: str = "Submit", executor: str = "pool-0") -> Event:
    return Event(number, 1.5, executor, action, number, 0, "x" * 20)


# ----------------------------------------------------------------- the collector


def looked_at(listener: observing.Listener, times: int = 2 * observing._LAST) -> None:
    """Return when the collector has looked as often again, or listens to it no more."""
    retire, looks = observing._retire, count()
    seen = 0

    def looks_again(*, at_once: bool) -> bool:
        nonlocal seen
        seen = next(looks)
        return retire(at_once=at_once)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(observing, "_retire", looks_again)
        assert until(lambda: seen >= times or listener not in observing._listening)


@pytest.mark.parametrize("name", ["foregone_teller", "foregone_collector"])
def test_a_thread_that_is_refused_leaves_nothing_behind(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    until(lambda: observing._collector is None)
    start = threading.Thread.start

    def refuses(thread: threading.Thread) -> None:
        if thread.name == name:
            raise RuntimeError("can't start new thread")
        start(thread)

    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", refuses)
        with pytest.raises(RuntimeError, match="can't start"):
            threads(1, Heard())
    assert (observer.log, observing._listening, observing._collector) == (None, (), None)
    heard = Heard()
    with threads(1, heard) as executor:
        executor.submit(abs, 1).result()
    assert heard.all()[-1].action == "Closed"


def test_who_comes_while_others_are_looked_at_loses_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    heard = Heard()
    made: list[Any] = []

    def look(_: object) -> None:
        if not made:
            made.append(threads(1, heard))
            made[0].submit(abs, 1).result()

    monkeypatch.setattr(ThreadEvents, "look", look)
    with threads(1, Heard()):
        until(lambda: made)
    made[0].shutdown()
    assert len([each for each in heard.all() if each.action == "Submit"]) == 1


def test_the_log_is_read_after_the_look(monkeypatch: pytest.MonkeyPatch) -> None:
    """So it says of each claim that is seen where the call was sent."""
    mark: Final[observer.Entry] = ("Nothing", object())
    found: list[bool] = []
    tell = ThreadEvents.tell

    def look(_: object) -> None:
        if observer.log is not None:
            observer.log += (mark,)

    def tells(it: ThreadEvents, entries: Sequence[Logged]) -> list[Told]:
        found.append(mark in entries)
        return tell(it, entries)

    monkeypatch.setattr(ThreadEvents, "look", look)
    monkeypatch.setattr(ThreadEvents, "tell", tells)
    with threads(1, Heard()):
        until(lambda: len(found) > 5)
    assert all(found)


@pytest.mark.parametrize("make", [threads, processes])
def test_no_function_is_remembered(make: Callable[..., Any]) -> None:
    heard = Heard()
    with make(1, heard) as executor:
        (listener,) = observing._listening
        executor.submit(abs, 1).result()
        until(lambda: heard.of("Submit"))
        teller: Any = listener.teller
        assert teller.called._last is None


def test_a_return_after_a_callback_that_takes_long_is_told() -> None:
    heard = Heard()
    goes, began, called = (threading.Event() for _ in range(3))
    executor = threads(1, heard)

    def waits() -> None:
        began.set()
        assert goes.wait(PATIENCE)

    executor.submit(waits)
    late = executor.submit(abs, 1)
    assert began.wait(PATIENCE)

    def callback(_: object) -> None:
        called.set()
        goes.set()
        (listener,) = observing._listening
        looked_at(listener)

    late.add_done_callback(callback)
    executor.shutdown(cancel_futures=True)
    assert called.is_set()
    assert [each.action for each in heard.all()[-2:]] == ["ShutdownReturns", "Closed"]


def test_and_in_a_process_pool(house: House) -> None:
    """Its callbacks have a thread of their own, which goes on when the local worker has ended."""
    heard = Heard()
    executor = processes(1, heard)
    called = threading.Event()

    def callback(_: object) -> None:
        (listener,) = observing._listening
        worker: Any = listener.pool
        until(lambda: worker.worker.ended)
        called.set()
        looked_at(listener)

    with house.opened():
        executor.submit(held, house.log, 1, house.gate).add_done_callback(callback)
    executor.shutdown()
    assert called.is_set()
    assert [each.action for each in heard.all()[-2:]] == ["ShutdownReturns", "Closed"]


def test_a_claim_is_told_once_and_whose_it_is(house: House) -> None:
    heard = Heard()
    with processes(1, heard) as executor, house.opened():
        future = executor.submit(held, house.log, 1, house.gate)
        until(lambda: heard.of("Claimed"))
        assert future.running()
        executor.submit(abs, 1)
    heard.all()
    claims = [each[3:6] for each in heard.of("Claimed")]
    assert claims.count(("Claimed", 1, 1)) == 1
    assert all(worker == 1 for _, _, worker in claims)


def test_executors_of_one_name_are_told_apart(tmp_path: Path) -> None:
    file = tmp_path / "calls.jsonl"
    told = JSONLines(file)
    one, other = (ThreadPoolExecutor(1, "mine", observer=told) for _ in range(2))
    with one, other:
        for each in (one, other, one):
            each.submit(abs, 1).result()
    until(lambda: file.read_text().count('"Closed"') == 2)
    found = runs.by_executor(read(file))
    assert sorted(found) == ["mine", "mine #2"]
    assert all(runs.followed(each).accepted for each in found.values())


# --------------------------------------------------------------------- observers


class Strange:
    """Has no attribute, and says so in its own way."""

    def __init__(self) -> None:
        self.events: list[Event] = []

    def __call__(self, events: list[Event]) -> None:
        self.events += events

    def __getattr__(self, name: str) -> NoReturn:
        raise ZeroDivisionError(name)

    def __repr__(self) -> str:
        raise ZeroDivisionError


def test_an_observer_that_raises_for_its_attributes_is_done_with() -> None:
    with threads(1, Strange()) as executor:
        (listener,) = observing._listening
        executor.submit(abs, 1).result()
    listener.thread.join(PATIENCE)
    assert listener.taken == listener.waiting == listener.number


def test_an_observer_of_several_is_closed_once_after_the_last() -> None:
    said: list[str] = []
    both, goes = threading.Barrier(3), threading.Event()

    class Slow:
        def __call__(self, events: list[Event]) -> None:
            if events[0].action == "Opened":
                both.wait(PATIENCE)
                assert goes.wait(PATIENCE)
            said.extend(each.action for each in events if each.action == "Closed")

        def close(self) -> None:
            said.append("close")

    told = Slow()
    with threads(1, told), threads(1, told):
        mine = [each.thread for each in observing._listening]
        both.wait(PATIENCE)
    until(lambda: not observing._listening)
    goes.set()
    for each in mine:
        each.join(PATIENCE)
    assert said == ["Closed", "Closed", "close"]


def test_there_is_room_for_the_last_event(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(observing, "MOST", 3)
    heard = Slow()
    with threads(1, heard) as executor:
        (listener,) = observing._listening
        assert heard.began.wait(PATIENCE)
        for _ in range(5):
            executor.submit(abs, 1).result()
        until(lambda: listener.lost)
    until(lambda: not observing._listening)
    heard.goes.set()
    assert heard.all()[-1][:4:3] == (listener.number, "Closed")
    assert len(heard.events) == 4  # as many as there was room for, and the last


@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_child_that_an_observer_forks_ends() -> None:
    children: list[int] = []
    heard = Heard()

    class Forks:
        def __call__(self, events: list[Event]) -> None:
            if not children:
                child = os.fork()
                if not child:
                    raise SystemExit
                children.append(child)
            heard(events)

        def close(self) -> None:
            heard.close()

    with threads(1, Forks()) as executor:
        executor.submit(abs, 1).result()
    heard.all()
    ended = until(lambda: os.waitpid(children[0], os.WNOHANG)[0], 5.0)
    if not ended:
        os.kill(children[0], 9)
        os.waitpid(children[0], 0)
    assert ended


@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_child_may_observe_whoever_was_at_it_in_the_parent(tmp_path: Path) -> None:
    told = JSONLines(tmp_path / "calls.jsonl")
    with threads(1, Heard()), observing._stop._cond, told._turn, observing._turn:  # type: ignore[attr-defined]  # as the collector has it
        child = os.fork()
        if not child:
            with ThreadPoolExecutor(1, observer=told) as executor:
                executor.submit(abs, 1).result()
            until(lambda: '"Closed"' in told.path.read_text())
            os._exit(0)
        ended = until(lambda: os.waitpid(child, os.WNOHANG)[0], PATIENCE / 3)
    if not ended:
        os.kill(child, 9)
        os.waitpid(child, 0)
    assert ended
    assert list(read(told.path))[-1].action == "Closed"


LATE: Final = """
import threading
from foregone import ThreadPoolExecutor, observing
ends = threading.Event()
def slow(events):
    if events[-1].action == "Closed":
        ends.wait(0.5)
    print(*(each.action for each in events), sep="\\n", flush=True)
with ThreadPoolExecutor(1, observer=slow) as executor:
    executor.submit(abs, 1).result()
while observing._listening:
    pass
"""


def test_an_observer_is_waited_for_whose_executor_is_closed() -> None:
    done = subprocess.run(
        [sys.executable, "-c", LATE], capture_output=True, text=True, timeout=PATIENCE, check=True
    )
    assert done.stdout.splitlines()[-1:] == ["Closed"]


# ------------------------------------------------------------------------- files


def test_who_changes_the_directory_does_not_change_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "other").mkdir()
    monkeypatch.chdir(tmp_path)
    told = JSONLines("calls.jsonl", most_bytes=4096, files=50)
    told([event(1)])
    monkeypatch.chdir(tmp_path / "other")
    for each in map(event, range(2, 200)):
        told([each])
    told.close()
    assert not list((tmp_path / "other").iterdir())
    assert [each.number for each in read(tmp_path / "calls.jsonl")] == list(range(1, 200))


def test_what_heads_a_file_may_be_torn(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A system may take less than it is given, and say so by the count alone."""
    file = tmp_path / "calls.jsonl"
    told = JSONLines(file, most_bytes=4096)
    told([event(1, "Opened")])
    write, least = os.write, [20]

    def writes(fd: int, data: bytes) -> int:
        return write(fd, data[: least.pop()] if least else data)

    monkeypatch.setattr(os, "write", writes)
    for each in map(event, range(2, 60)):
        least[:] = [20]
        told([each])
    told.close()
    assert (tmp_path / "calls.jsonl.1").exists()
    assert [each.number for each in read(file)] == list(range(1, 60))


def test_who_reads_while_files_are_renamed_misses_nothing(tmp_path: Path) -> None:
    file = tmp_path / "calls.jsonl"
    told = JSONLines(file, most_bytes=4096, files=9)
    for each in range(1, 120):
        told([event(each)])
    found = read(file)
    numbers = [next(found).number]
    for each in range(120, 190):
        told([event(each)])
    told.close()
    numbers += [each.number for each in found]
    assert numbers == list(range(1, numbers[-1] + 1))
    assert numbers[-1] >= 119


def test_the_first_lines_of_what_could_not_be_closed_are_forgotten(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = JSONLines(tmp_path / "calls.jsonl")
    told([event(1, "Opened")])
    monkeypatch.setattr(os, "write", lambda *_: 1 // 0)
    with pytest.raises(ZeroDivisionError):
        told([event(2, "Closed")])
    assert not told._opened
    told.close()


def test_a_torn_line_may_end_with_a_brace(tmp_path: Path) -> None:
    file = tmp_path / "calls.jsonl"
    told = JSONLines(file)
    told.take(Batch(1, 1.0, "}", [
        ("Submit", 1, 0, "f", "", NOTHING),
        ("Take", 1, 2, "}\\\"}", "x", {"won": True, "}": (1, 2)}),
    ]))  # fmt: skip
    told.close()
    whole = file.read_bytes()
    for end in range(whole.index(b"\n") + 1, len(whole) - 1):
        file.write_bytes(whole[:end])
        assert [each.number for each in read(file)] == [1]


@pytest.mark.parametrize(
    "line",
    [
        '{"n":1,"t":NaN,"in":"x","do":"y"}',
        '{"n":1,"t":1e999,"in":"x","do":"y"}',
        '{"n":-1,"t":1.0,"in":"x","do":"y"}',
        f'{{"n":1{"0" * 4000},"t":1.0,"in":"x","do":"y"}}',
        f'{{"n":1,"t":1.0,"in":"x","do":{"[" * 99999}{"]" * 99999}}}',
    ],
)
def test_numbers_that_are_none_are_said(line: str, tmp_path: Path) -> None:
    file = tmp_path / "calls.jsonl"
    file.write_text(line + "\n")
    with pytest.raises(EventsError, match="line 1"):
        list(read(file))


def test_a_name_of_any_characters_is_shown(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "calls.jsonl"
    file.write_text('{"n":1,"t":1.0,"in":"\\ud800","do":"Opened"}\n')
    assert main(["count", str(file)]) == 0
    assert "\\ud800" in capsys.readouterr().out


@pytest.mark.parametrize("make", [ThreadPoolExecutor, ProcessPoolExecutor])
def test_a_run_of_a_pool_that_may_be_large_is_followed(make: Callable[..., Any]) -> None:
    heard = Heard()
    with make(1_000_000 if make is ThreadPoolExecutor else 3, observer=heard) as executor:
        executor.submit(abs, 1).result()
    events = heard.all()
    began = time.monotonic()
    opened = events[0]._replace(more={**events[0].more, "workers": 1 << 31, "grows": True})
    assert make is ProcessPoolExecutor or runs.followed([opened, *events[1:]]).accepted
    if make is ProcessPoolExecutor:
        huge = opened._replace(more={**opened.more, "grows": False})
        with pytest.raises(runs.Missing, match="processes are followed"):
            runs.followed([huge, *events[1:]])
    assert time.monotonic() - began < PATIENCE


@pytest.fixture(scope="module")
def some_lines(tmp_path_factory: pytest.TempPathFactory) -> list[bytes]:
    file = tmp_path_factory.mktemp("some") / "calls.jsonl"
    told = JSONLines(file)
    for make in (threads, processes):
        with make(2, told) as executor:
            executor.submit(abs, -1).result()
            executor.submit(divmod, 1, 0)
            executor.submit(abs, 2).cancel()
    until(lambda: file.read_text().count('"Closed"') == 2)
    return file.read_bytes().splitlines(keepends=True)


@settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))
@given(chance=st.randoms(use_true_random=False))
def test_what_was_tampered_with_is_said_to_be(
    chance: random.Random, some_lines: list[bytes], tmp_path: Path
) -> None:
    lines = list(some_lines)
    for _ in range(chance.randint(1, 3)):
        at, other = chance.randrange(len(lines)), chance.randrange(len(lines))
        if chance.random() < 0.2:
            cut = chance.randrange(len(lines[at]))
            lines[at] = lines[at][:cut] + bytes([chance.randrange(256)]) + lines[at][cut + 1 :]
            continue
        try:
            one, another = json.loads(lines[at]), json.loads(lines[other])
            word = chance.choice(["do", "call", "worker", "what", "after", "more"])
            one[word] = chance.choice([another.get(word, 0), another["n"], "", {}])
            lines[at] = json.dumps(one).encode() + b"\n"
        except ValueError:
            lines[at] = b""
    file = tmp_path / "calls.jsonl"
    file.write_bytes(b"".join(lines))
    for command in ("count", "perfetto", "check"):
        assert main([command, str(file)]) in (0, 1, 2)
    for name in {str(json.loads(line)["in"]) for line in some_lines}:
        assert main(["trace", str(file), "--executor", name]) in (0, 2)
