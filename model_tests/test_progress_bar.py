"""``progress``: what ``as_completed`` yields, and what is shown of it."""

import importlib.util
import io
import subprocess
import sys
import weakref
from collections.abc import Callable
from typing import Final

import pytest

import foregone
from foregone import Future, ThreadPoolExecutor, clock, progress, progress_bar

RICH: Final = importlib.util.find_spec("rich") is not None


class Terminal(io.StringIO):
    """A file that somebody watches."""

    def isatty(self) -> bool:
        return True


@pytest.fixture
def plain(monkeypatch: pytest.MonkeyPatch) -> None:
    """There is no rich."""
    found: Callable[[str], object] = importlib.util.find_spec
    monkeypatch.setattr(
        progress_bar.importlib.util,  # type: ignore[attr-defined]  # what it imports is its own
        "find_spec",
        lambda name: None if name == "rich" else found(name),
    )


def done(count: int) -> list[Future[int]]:
    futures = [Future[int]() for _ in range(count)]
    for number, each in enumerate(futures):
        each.set_result(number)
    return futures


@pytest.mark.usefixtures("plain")
def test_a_line_that_is_written_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 0.0

    def passes() -> float:
        nonlocal now
        now += progress_bar.EVERY
        return now

    monkeypatch.setattr(clock, "now", passes)
    file = Terminal()
    futures = done(4)
    assert set(progress(futures, "reading", file=file)) == set(futures)
    lines = file.getvalue().rstrip("\n").split("\r")
    assert [each.strip() for each in lines] == [
        "",
        "reading: 0 of 4, 0%",
        "reading: 1 of 4, 25%",
        "reading: 2 of 4, 50%",
        "reading: 3 of 4, 75%",
        "reading: 4 of 4, 100%",
    ]
    assert file.getvalue().endswith("\n")
    assert len({len(each) for each in lines[3:]}) <= 2  # nothing is left of a longer line


@pytest.mark.usefixtures("plain")
def test_no_more_lines_than_can_be_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clock, "now", lambda: 1.0)
    file = Terminal()
    list(progress(done(10_000), file=file))
    assert file.getvalue().split("\r")[1:] == [
        "0 of 10,000, 0%",
        "10,000 of 10,000, 100%\n",
    ]


@pytest.mark.usefixtures("plain")
def test_of_nothing_all_has_ended() -> None:
    file = Terminal()
    assert list(progress([], file=file)) == []
    assert file.getvalue() == "\r0 of 0, 100%\n"


@pytest.mark.usefixtures("plain")
def test_a_future_that_is_given_twice_is_one() -> None:
    file = Terminal()
    (one,) = done(1)
    assert list(progress([one, one], file=file)) == [one]
    assert "1 of 1, 100%" in file.getvalue()


@pytest.mark.skipif(not RICH, reason="it is not installed: make test installs it")
def test_a_bar_where_there_is_rich() -> None:
    file = Terminal()
    futures = done(3)
    assert set(progress(futures, "reading", file=file)) == set(futures)
    assert "reading" in file.getvalue()
    assert "100%" in file.getvalue()


def test_what_nobody_watches_is_not_written_to() -> None:
    file = io.StringIO()
    futures = done(3)
    assert set(progress(futures, file=file)) == set(futures)
    assert file.getvalue() == ""


def test_it_goes_to_stderr(monkeypatch: pytest.MonkeyPatch) -> None:
    file = Terminal()
    monkeypatch.setattr(sys, "stderr", file)
    list(progress(done(1)))
    assert "100%" in file.getvalue()


def test_bad_input_is_told_at_the_call() -> None:
    with pytest.raises(TypeError, match="3"):
        progress([3])  # type: ignore[arg-type]  # that is the point
    with pytest.raises(ValueError, match=r"progress\(\).*NaN"):
        progress([], timeout=float("nan"))


def test_the_time_is_over() -> None:
    file = Terminal()
    waiting = progress([Future[int]()], timeout=0, file=file)
    with pytest.raises(foregone.TimeoutError, match=r"1 \(of 1\) futures unfinished"):
        next(waiting)
    assert file.getvalue()


def test_who_stops_early_leaves_the_terminal_as_it_should_be() -> None:
    file = Terminal()
    some = progress(done(3), file=file)
    next(some)
    some.close()  # type: ignore[attr-defined]  # it is a generator
    assert file.getvalue().endswith(("\n", "\x1b[?25h"))


@pytest.mark.usefixtures("plain")
def test_who_stops_early_sees_how_far_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clock, "now", lambda: 1.0)
    file = Terminal()
    some = progress(done(4), file=file)
    for _ in range(3):
        next(some)
    some.close()  # type: ignore[attr-defined]  # it is a generator
    assert file.getvalue().endswith("\r3 of 4, 75%\n")


def test_a_future_that_was_yielded_is_not_kept() -> None:
    some = progress(done(3))
    kept = [weakref.ref(next(some)) for _ in range(2)]
    assert [each() for each in kept] == [None, None]


@pytest.mark.skipif(not RICH, reason="it is not installed: make test installs it")
def test_what_the_program_prints_goes_where_it_went(capsys: pytest.CaptureFixture[str]) -> None:
    file = Terminal()
    for each in progress(done(3), "[/tmp/data] files", file=file):
        print(each.result())
    assert sorted(capsys.readouterr().out) == sorted("0\n1\n2\n")
    assert "[/tmp/data] files" in file.getvalue()


def test_there_may_be_no_stderr(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stderr", None)
    assert len(list(progress(done(2)))) == 2
    closed = Terminal()
    closed.close()
    assert len(list(progress(done(2), file=closed))) == 2


def test_what_a_call_raises_is_the_futures() -> None:
    with ThreadPoolExecutor(1) as executor:
        futures = [executor.submit(divmod, 1, 0), executor.submit(divmod, 1, 1)]
        failed = [each for each in progress(futures) if each.exception() is not None]
    assert failed == [futures[0]]


def test_rich_is_imported_for_who_needs_it() -> None:
    code = "import sys, foregone; foregone.progress([]); print('rich' in sys.modules)"
    ran = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=30, check=True
    )
    assert ran.stdout == "False\n"
