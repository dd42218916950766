"""JSON Lines: what is written is read again, from one file or several, whole or torn."""

import errno
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import foregone
from foregone import JSONLines, ThreadPoolExecutor, json_lines, runs
from foregone.events import NOTHING, Batch, Event
from foregone.json_lines import EventsError, read
from model_tests.process_world import until

WORDS = st.text(max_size=20)
EVENTS = st.lists(
    st.builds(
        Event,
        st.integers(1, 10**9),
        st.floats(0, 2e9).map(lambda seconds: round(seconds, 6)),
        WORDS,
        WORDS.filter(lambda word: word != "Opened"),
        st.integers(0, 10**6),
        st.integers(0, 100),
        WORDS,
        WORDS,
        st.just(NOTHING)
        | st.dictionaries(
            WORDS,
            WORDS | st.integers() | st.booleans() | st.lists(st.integers()).map(tuple),
            min_size=1,
            max_size=3,
        ),
    ),
    max_size=5,
)


def event(number: int, action: str = "Submit", what: str = "") -> Event:
    return Event(number, 1.5, "pool-0", action, number, 0, what)


def written(file: Path, events: list[Event]) -> JSONLines:
    told = JSONLines(file)
    told(events)
    return told


@given(EVENTS)
def test_what_is_written_is_read_again(
    tmp_path_factory: pytest.TempPathFactory, events: list[Event]
) -> None:
    file = tmp_path_factory.mktemp("json") / "calls.jsonl"
    written(file, events).close()
    assert [tuple(each) for each in read(file)] == [tuple(each) for each in events]
    assert all(json.loads(line) for line in file.read_text(encoding="utf-8").splitlines())


def test_a_batch_is_written_as_its_events_are(tmp_path: Path) -> None:
    batch = Batch(7, 2.0, "pool-0", [
        ("Submit", 1, 0, "abs", "queued", NOTHING), ("Ask", 0, 0, "exit", "CANCELLING", NOTHING),
        ("Take", 1, 0, "cancel", "IN_SLOT", {"won": True}), ("Start", 0, 2, "", "", {"pid": 5}),
    ])  # fmt: skip
    one, other = JSONLines(tmp_path / "one"), written(tmp_path / "other", batch.events())
    one.take(batch)
    one.close()
    other.close()
    assert (tmp_path / "one").read_bytes() == (tmp_path / "other").read_bytes()
    assert [each.number for each in read(tmp_path / "one")] == [7, 8, 9, 10]


# --------------------------------------------------------------------- several files


def test_a_full_file_is_renamed_and_read_before_the_next(tmp_path: Path) -> None:
    file = tmp_path / "calls.jsonl"
    events = [event(1, "Opened"), *map(event, range(2, 400))]
    told = JSONLines(file, most_bytes=4096, files=20)
    for each in events:
        told([each])
    told.close()
    files = sorted(tmp_path.iterdir())
    assert 5 < len(files) < 20
    assert all(each.stat().st_size <= 4096 for each in files)
    assert all('"Opened"' in each.read_text().splitlines()[0] for each in files)
    assert list(read(file)) == events


def test_the_oldest_file_goes(tmp_path: Path) -> None:
    file = tmp_path / "calls.jsonl"
    told = JSONLines(file, most_bytes=4096, files=2)
    for each in [event(1, "Opened"), *map(event, range(2, 400))]:
        told([each])
    told.close()
    assert sorted(each.name for each in tmp_path.iterdir()) == ["calls.jsonl", "calls.jsonl.1"]
    first, *rest = read(file)
    assert first.action == "Opened"
    assert rest[0].number > 2
    assert [each.number for each in rest] == list(range(rest[0].number, 400))
    with pytest.raises(runs.Missing, match=r"events 2 to \d+ were lost"):
        runs.followed([first, *rest])


def test_one_file_is_begun_anew(tmp_path: Path) -> None:
    file = tmp_path / "calls.jsonl"
    told = JSONLines(file, most_bytes=4096, files=1)
    for each in map(event, range(1, 400)):
        told([each])
    told.close()
    assert [each.name for each in tmp_path.iterdir()] == ["calls.jsonl"]
    assert file.stat().st_size <= 4096
    assert list(read(file))[-1].number == 399


def test_an_executor_that_is_closed_does_not_head_the_next_file(tmp_path: Path) -> None:
    file = tmp_path / "calls.jsonl"
    told = JSONLines(file, most_bytes=4096, files=3)
    told([event(1, "Opened"), event(2, "Closed")])
    for each in map(event, range(3, 100)):
        told([each])
    told.close()
    assert (tmp_path / "calls.jsonl.1").exists()
    assert "Opened" not in file.read_text()


def test_what_is_there_is_appended_to(tmp_path: Path) -> None:
    file = tmp_path / "calls.jsonl"
    written(file, [event(1)]).close()
    told = written(file, [event(2)])
    told.close()
    told([event(3)])  # and it is opened again
    told.close()
    assert [each.number for each in read(file)] == [1, 2, 3]


@pytest.mark.parametrize(
    ("more", "error", "says"),
    [
        ({"most_bytes": 100}, ValueError, "most_bytes must be 4,096 or more, not 100"),
        ({"files": 0}, ValueError, "files must be 1 or more, not 0"),
        ({"files": 1.5}, TypeError, "files must be a whole number, not 1.5"),
    ],
)
def test_numbers_are_looked_at(
    more: dict[str, Any], error: type[Exception], says: str, tmp_path: Path
) -> None:
    with pytest.raises(error, match=says):
        JSONLines(tmp_path / "calls.jsonl", **more)
    assert not list(tmp_path.iterdir())


def test_a_file_that_cannot_be_opened_is_said_at_once(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="missing"):
        JSONLines(tmp_path / "missing" / "calls.jsonl")


# -------------------------------------------------------------- what goes wrong


def torn(write: Callable[[int, bytes], int], at: int) -> Callable[[int, bytes], int]:
    """Return a ``write`` that writes ``at`` bytes, and then finds the disk full, once."""
    left = [at, 1]

    def writes(fd: int, data: bytes) -> int:
        if left[0]:
            part = data[: left[0]]
            left[0] -= len(part)
            return write(fd, part)
        if left[1]:
            left[1] = 0
            raise OSError(errno.ENOSPC, "No space left on device")
        return write(fd, data)

    return writes


@pytest.mark.parametrize("at", [1, 30, 64])
def test_a_full_disk_loses_what_was_not_written_and_no_more(
    at: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "calls.jsonl"
    told = JSONLines(file)
    told([event(1)])
    with monkeypatch.context() as patch:
        patch.setattr(os, "write", torn(os.write, at))
        with pytest.raises(OSError, match="No space left"):
            told([event(2), event(3)])
    told([event(4)])
    told.close()
    numbers = [each.number for each in read(file)]
    assert numbers in ([1, 4], [1, 2, 4])


def test_a_line_that_was_not_written_to_its_end_is_left_out(tmp_path: Path) -> None:
    file = tmp_path / "calls.jsonl"
    written(file, [event(1), event(2)]).close()
    whole = file.read_bytes()
    first = whole.index(b"\n") + 1
    for end in range(first, len(whole)):
        file.write_bytes(whole[:end])
        found = [each.number for each in read(file)]
        assert found == ([1, 2] if end == len(whole) - 1 else [1])
    file.write_bytes(whole[:-5])
    written(file, [event(3)]).close()  # who appends begins another line
    assert [each.number for each in read(file)] == [1, 3]


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("nonsense", "line 2 is no JSON"),
        ("[1]", r"line 2: \[1\] is no event"),
        ('{"n":1}', "line 2: t must be of type float, not None"),
        ('{"n":"1","t":1.0,"in":"x","do":"y"}', "n must be of type int, not '1'"),
        ('{"n":true,"t":1.0,"in":"x","do":"y"}', "n must be of type int, not True"),
        ('{"n":1,"t":1.0,"in":"x","do":"y","so":1}', "'so' is no field of an event"),
        ('{"n":1,"t":1.0,"in":"x","do":"y","more":{"a":[1.5]}}', r"more\['a'\] must be a text"),
    ],
)
def test_what_is_no_event_is_said_with_its_line(line: str, says: str, tmp_path: Path) -> None:
    file = tmp_path / "calls.jsonl"
    written(file, [event(1)]).close()
    with file.open("a") as more:
        more.write(line + "\n")
    with pytest.raises(EventsError, match=says):
        list(read(file))


def test_the_words_that_are_kept_do_not_grow_for_ever(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(json_lines, "_MANY", 10)
    written(tmp_path / "calls.jsonl", [event(n, "x", str(n)) for n in range(1, 50)]).close()
    assert len(json_lines._words) <= 10
    assert [each.what for each in read(tmp_path / "calls.jsonl")] == list(map(str, range(1, 50)))


def test_it_observes_an_executor(tmp_path: Path) -> None:
    file = tmp_path / "calls.jsonl"
    with ThreadPoolExecutor(2, observer=foregone.JSONLines(file)) as executor:
        assert list(executor.map(abs, range(20))) == list(range(20))
    until(lambda: '"Closed"' in file.read_text())
    events = list(read(file))
    assert sum(each.after == "FINISHED" for each in events) == 20
    assert runs.followed(events).accepted
