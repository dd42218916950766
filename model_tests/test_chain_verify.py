"""What ``make verify`` leaves and shows: a page that is safe to open, a line that is cleared."""

import io
import json
import sys
import threading
from html.parser import HTMLParser
from pathlib import Path

import pytest

from model_tests.chain import page as pages
from model_tests.chain import progress as shown
from model_tests.chain import promise, verify
from model_tests.chain.command import ROOT
from model_tests.chain.page import Facts, facts, page
from model_tests.chain.progress import Progress, told
from model_tests.chain.verdict import Row

NASTY = "<script>alert('x')</script> & \"<!-- </pre></style>\x1b[31m \ud800"
ABOUT = Facts("2026-11-27", 61.0, "CPython 3.11.7", "a machine", "abc1234")


def row(claim: str, *, ok: bool = True, details: str = "", note: str = "") -> Row:
    return Row(claim, "engine", "bound", "7 cases", 1.5, ok, details, note)


# ------------------------------------------------------------------- the page


class Reader(HTMLParser):
    """Keeps the tags of a page, and its words in their order; each tag is closed."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.links: list[str] = []
        self.words: list[str] = []
        self._open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.links += [name for name, _ in attrs if name in ("src", "href", "style", "onload")]
        if tag != "meta":
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.words.append(data)

    @property
    def text(self) -> str:
        assert not self._open
        return "".join(self.words)


def read(text: str) -> Reader:
    reader = Reader()
    reader.feed(text)
    reader.close()
    return reader


def test_a_page_needs_no_other() -> None:
    text = page([("link", row("a claim"))], ABOUT)
    reader = read(text)
    assert not reader.links
    assert not {"script", "link", "img", "iframe", "base"} & {*reader.tags}
    assert "url(" not in text
    assert "@import" not in text
    assert "http" not in text.replace("http-equiv", "")
    assert "default-src 'none'" in text
    for word in (
        "2026-11-27",
        "CPython 3.11.7",
        "a machine",
        "abc1234",
        "61 s",
        "a claim",
        "7 cases",
    ):
        assert word in reader.text
    assert "prefers-color-scheme: dark" in text
    assert "max-width: 45rem" in text
    assert 'name="viewport"' in text


def test_every_string_is_escaped(tmp_path: Path) -> None:
    nasty = Row(NASTY, NASTY, NASTY, NASTY, 0.0, False, NASTY, NASTY)
    about = Facts(NASTY, 0.0, NASTY, NASTY, NASTY)
    plain = page([("link", row("a", ok=False, details="b", note="c"))], ABOUT)
    text = page([(NASTY, nasty)], about)
    reader = read(text)
    assert reader.tags == read(plain).tags
    assert reader.text.count("<script>alert('x')</script>") == 17
    assert "\x1b" not in text
    (tmp_path / "page.html").write_text(text, encoding="utf-8")


def test_what_failed_stands_first_with_its_details() -> None:
    rows = [
        ("one", row("first", note="a note", details="not shown")),
        ("two", row("second", ok=False, details="the reason\n  indented", note="noted")),
        ("one", row("third")),
    ]
    text = read(page(rows, ABOUT)).text
    assert "1 of 3 claims failed" in text
    assert text.index("the reason\n  indented") < text.index("first")
    assert text.count("second") == 2  # among the failures, and in its place
    assert text.count("FAIL") == 1
    assert "a note" in text
    assert "not shown" not in text
    assert text.index("one 2 rows, 3.0 s") < text.index("two 1 rows, 1 failed, 1.5 s")


def test_a_page_of_what_is_fine_says_so_and_an_empty_one_does_not() -> None:
    assert "1 claims, all ok" in read(page([("link", row("a"))], ABOUT)).text
    assert "failed" not in read(page([("link", row("a"))], ABOUT)).text
    assert "nothing was checked" in read(page([], ABOUT)).text


def test_the_facts_are_those_of_this_checkout(monkeypatch: pytest.MonkeyPatch) -> None:
    about = facts(2.04)
    assert about.seconds == 2.0
    assert str(sys.version_info.major) in about.python
    assert about.machine
    monkeypatch.setattr(pages, "git", lambda *_: None)
    assert facts(1.0).commit == "no git here"


# ------------------------------------------------------- a run, and what is left


@pytest.fixture
def left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where a verdict goes, in the place of build/, for a link that has two rows."""
    place = tmp_path / "build"
    monkeypatch.setattr(verify, "ROOT", tmp_path)
    monkeypatch.setattr(verify, "VERDICT", place / "verdict.json")
    monkeypatch.setattr(verify, "PAGE", place / "verdict.html")
    monkeypatch.setattr(verify, "LOGS", place / "verify")
    monkeypatch.setattr(promise, "read", lambda: {"cells": {}})
    given = [row("fine"), row("wrong", ok=False, details="because")]

    def in_order(runs: object) -> object:
        yield from (("cells", each) for each in given)

    monkeypatch.setattr(verify, "in_order", in_order)
    return place


def test_a_run_leaves_both_files(left: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert verify.verify(["cells"], write=False) == 1
    told = json.loads((left / "verdict.json").read_text())
    assert not told["ok"]
    assert {"date", "commit", "machine", "python", "seconds"} <= told.keys()
    assert [each["claim"] for each in told["rows"]][:2] == ["fine", "wrong"]
    text = read((left / "verdict.html").read_text()).text
    assert "because" in text
    assert "nothing did less than it promised" in text
    out = capsys.readouterr().out
    assert "build/verdict.json and build/verdict.html" in out
    assert "\x1b" not in out
    assert out.startswith("\ncells\nok   fine")


def test_the_links_have_modules() -> None:
    for link in verify.LINKS:
        assert (ROOT / "model_tests" / "chain" / f"{link}.py").exists()


# --------------------------------------------------------------- the status line


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shown, "EVERY", 0.01)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "80")


def screen(text: str) -> list[str]:
    """Return the lines that a terminal shows after ``text``."""
    lines: list[str] = []
    for line in text.split("\n"):
        parts = line.split("\r\x1b[K")
        assert all(len(each) < 80 for each in parts[1:-1])
        lines.append(parts[-1])
    return lines


def test_the_line_names_what_runs_and_how_long() -> None:
    assert told([("models", 61.9), ("chaos", 5.0)]) == "models 1:01, chaos 0:05"
    assert told([]) == ""


@pytest.mark.usefixtures("quick")
def test_a_terminal_shows_what_runs_below_what_was_said() -> None:
    out = Terminal()
    progress = Progress(out, lambda: [("models", 61.0)])
    progress.say("first")
    progress.show()
    assert screen(out.getvalue()) == ["first", ".. models 1:01"]
    progress.say("second")
    assert screen(out.getvalue()) == ["first", "second", ""]


@pytest.mark.usefixtures("quick")
def test_the_line_comes_by_itself_and_goes_at_the_end() -> None:
    out = Terminal()
    asked = threading.Event()

    def running() -> list[tuple[str, float]]:
        asked.set()
        return [("models", 1.0)]

    def interrupted() -> None:
        with Progress(out, running):
            assert asked.wait(10)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert ".. models 0:01" in out.getvalue()
    assert screen(out.getvalue()) == [""]


@pytest.mark.usefixtures("quick")
def test_a_long_line_does_not_wrap() -> None:
    out = Terminal()
    Progress(out, lambda: [("a" * 30, 1.0)] * 9).show()
    assert len(screen(out.getvalue())[0]) == 79


@pytest.mark.parametrize("out", [io.StringIO(), Terminal()], ids=["a pipe", "a dumb terminal"])
@pytest.mark.usefixtures("quick")
def test_what_is_no_terminal_gets_what_is_said(
    out: io.StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TERM", "dumb")
    asked: list[int] = []

    def running() -> list[tuple[str, float]]:
        asked.append(1)
        return [("models", 1.0)]

    with Progress(out, running) as progress:
        progress.say("a\nb")
    assert out.getvalue() == "a\nb\n"
    assert not asked


def test_a_link_runs_from_its_beginning_to_its_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(verify, "LOGS", tmp_path)
    code = "import sys; print('null', flush=True)"
    run = verify.Run("cells", (sys.executable, "-c", code))
    assert verify.running([run]) == []
    run.began = 0.0
    ((link, seconds),) = verify.running([run])
    assert link == "cells"
    assert seconds > 0
    run.work()
    assert verify.running([run]) == []
