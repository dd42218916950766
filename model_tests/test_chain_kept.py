"""A kept result that is older than its code is noticed: in checkouts of our own making."""

import json
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias

import pytest

from model_tests.chain import kept
from model_tests.chain.command import ROOT
from model_tests.chain.kept import (
    CHAOS,
    CONTRACTS,
    DEEP,
    DEFECTS,
    EXPLORED,
    SCHEDULES,
    SIMULATION,
    Age,
)
from model_tests.chain.verdict import Row

pytestmark = pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")

TICKETS = "impl/foregone/process_pool/tickets.py"
OTHER = "impl/foregone/waiting.py"

#: What is kept, with these changes, as of the last commit.
Keep: TypeAlias = Callable[..., None]


def git(root: Path, *arguments: str) -> str:
    who = ("-c", "user.name=A", "-c", "user.email=a@example.org", "-c", "core.hooksPath=/dev/null")
    done = subprocess.run(
        ["git", *who, *arguments], cwd=root, capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


def write(root: Path, path: str, text: str) -> None:
    (root / path).parent.mkdir(parents=True, exist_ok=True)
    (root / path).write_text(text)


def commit(root: Path) -> str:
    git(root, "add", "--all")
    git(root, "commit", "--quiet", "--allow-empty", "-m", "A change")
    return git(root, "rev-parse", "--short", "HEAD")


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Make a checkout with seven kept results, all of its first commit."""
    for name in ("CI", "GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE"):
        monkeypatch.delenv(name, raising=False)
    root = tmp_path / "checkout"
    root.mkdir()
    git(root, "init", "--quiet")
    for path in (TICKETS, OTHER, "spec/foregone_spec/future.py", "tla/deep/A-1.cfg"):
        write(root, path, "first\n")
    write(root, "tla/MCA.tla", "---- MODULE MCA ----\nEXTENDS A,\n  Naturals\n====\n")
    write(root, "tla/A.tla", "---- MODULE A ----\nB == INSTANCE AState\n====\n")
    write(root, "tla/AState.tla", "---- MODULE AState ----\n====\n")
    write(root, "tla/Else.tla", "---- MODULE Else ----\n====\n")
    keep(root, commit(root))
    return root


def keep(root: Path, of: str, *, ok: bool = True, failed: tuple[str, ...] = ()) -> None:
    when = {"date": "2026-11-23", "commit": of}
    write(root, CHAOS, json.dumps({**when, "scenarios": 2000, "failed": failed}))
    write(root, SIMULATION, json.dumps({"a claim": {**when, "count": "9 runs", "ok": ok}}))
    write(root, DEEP, json.dumps({"A-1": {**when, "module": "MCA"}}))
    write(root, CONTRACTS, json.dumps({**when, "missing": [], "induction": {"a bound": {}}}))
    write(root, DEFECTS, json.dumps({**when, "defects": [{}]}))
    write(root, EXPLORED, json.dumps({**when, "bounds": {"a bound": {"ok": ok}}}))
    claim = {"deep: a claim": {"part": "pairs", **when, "count": "7 schedules", "ok": ok}}
    write(root, SCHEDULES, json.dumps(claim))
    commit(root)


def rows(root: Path) -> dict[str, Row]:
    found = {row.claim: row for row in kept.rows(root)}
    assert len(found) == 7
    names = ("chaos", "simulation", "deep", "contracts", "defects", "explored", "schedules")
    return dict(zip(names, found.values(), strict=True))


def changed(root: Path) -> set[str]:
    found = rows(root)
    for row in found.values():
        assert ("the code it covers has changed since" in row.note) == (row.bound != Age.SAME.value)
    return {name for name, row in found.items() if row.bound == Age.CHANGED.value}


def test_a_result_is_of_this_code(root: Path) -> None:
    for row in rows(root).values():
        assert row.ok
        assert row.bound == "is of this code"
        assert "kept from 2026-11-23, " in row.note
    assert [row.count for row in rows(root).values()] == [
        "2,000 scenarios",
        "9 runs",
        "1 configurations",
        "1 bounds",
        "1 defects",
        "1 bounds",
        "7 schedules",
    ]


@pytest.mark.parametrize(
    ("path", "which"),
    [
        (TICKETS, {"chaos", "simulation", "defects"}),
        (OTHER, {"chaos", "simulation", "defects", "schedules"}),
        ("impl/foregone/observer.py", {"chaos", "simulation", "defects", "schedules"}),
        (
            "spec/foregone_spec/future.py",
            {"chaos", "simulation", "contracts", "defects", "explored", "schedules"},
        ),
        ("impl/foregone/run_rooms.py", {"simulation"}),
        ("impl/foregone/process_pool/new.py", {"chaos", "simulation", "defects"}),
        ("tla/deep/A-1.cfg", {"deep"}),
        ("tla/MCA.tla", {"deep"}),
        ("tla/AState.tla", {"deep"}),
        ("tla/Else.tla", set[str]()),
        ("docs/else.md", set[str]()),
        ("spec/foregone_spec/page.py", set[str]()),
        ("spec/foregone_spec/html/page.js", set[str]()),
        ("impl/foregone/dump.py", set[str]()),
    ],
)
def test_a_change_makes_what_covers_it_old(root: Path, path: str, which: set[str]) -> None:
    """Before it is committed, and after it."""
    write(root, path, "---- MODULE Second ----\n")
    assert changed(root) == which
    commit(root)
    assert changed(root) == which
    git(root, "revert", "--no-edit", "HEAD")
    assert changed(root) == set()


def test_it_is_said_what_changed_last(root: Path) -> None:
    write(root, TICKETS, "second\n")
    last = commit(root)
    commit(root)
    assert f"has changed since, last in {last}" in rows(root)["simulation"].note
    assert "uncommitted" not in rows(root)["simulation"].note
    write(root, TICKETS, "third\n")
    assert f"last in {last}, and uncommitted" in rows(root)["simulation"].note


@pytest.mark.parametrize(("path", "which"), [(TICKETS, "simulation"), (OTHER, "schedules")])
def test_old_ticket_code_fails_in_ci_only(
    root: Path, path: str, which: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And old code of the Future."""
    write(root, path, "second\n")
    write(root, "tla/A.tla", "second\n")
    assert all(row.ok for row in rows(root).values())
    monkeypatch.setenv("CI", "true")
    assert {name for name, row in rows(root).items() if not row.ok} == {which}
    assert "run it again" in rows(root)[which].details
    assert rows(root)["simulation"].bound == Age.CHANGED.value  # of the library around it, too
    keep(root, commit(root))
    assert all(row.ok for row in rows(root).values())


@pytest.mark.parametrize("of", ["0123456", "unknown", "--help", ""])
def test_a_commit_that_is_not_there_is_said(
    root: Path, of: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    keep(root, of)
    found = rows(root)
    assert {row.bound for row in found.values()} == {Age.LOST.value}
    assert all(row.ok for row in found.values())
    monkeypatch.setenv("CI", "true")
    assert not rows(root)["simulation"].ok


def test_what_was_never_committed_is_said(root: Path) -> None:
    keep(root, f"{commit(root)}-dirty")
    assert {row.bound for row in rows(root).values()} == {Age.UNCOMMITTED.value}
    write(root, TICKETS, "second\n")
    assert rows(root)["chaos"].bound == Age.CHANGED.value


@pytest.mark.parametrize("inside", [False, True])
def test_where_there_is_no_git_it_is_said(
    root: Path, inside: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An unpacked sdist, perhaps in a checkout of something else."""
    monkeypatch.setenv("CI", "true")
    shutil.rmtree(root / ".git")
    if inside:
        git(root.parent, "init", "--quiet")
    for row in rows(root).values():
        assert row.ok
        assert "there is no git here" in row.note


def test_without_the_program_it_is_said(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(root))
    assert {row.bound for row in rows(root).values()} == {Age.UNKNOWN.value}


def test_a_failure_that_is_kept_is_a_failure(root: Path) -> None:
    keep(root, git(root, "rev-parse", "HEAD"), ok=False, failed=("7",))
    found = rows(root)
    assert not found["simulation"].ok
    assert not found["chaos"].ok
    assert not found["schedules"].ok
    assert "these failed: a bound" in found["explored"].details
    assert "scenarios that failed: 7" in found["chaos"].details


@pytest.mark.parametrize("path", [CHAOS, SIMULATION, DEEP, CONTRACTS, DEFECTS, EXPLORED, SCHEDULES])
def test_a_result_that_is_gone_is_a_failure(root: Path, path: str) -> None:
    (root / path).unlink()
    assert [row.claim for row in kept.rows(root) if not row.ok] == [f"kept: {path}"]


def test_an_empty_result_is_a_failure(root: Path) -> None:
    write(root, DEEP, "{}")
    assert not rows(root)["deep"].ok


def test_what_this_checkout_keeps_is_judged() -> None:
    found = list(kept.rows())
    assert {row.claim for row in found} >= {
        "kept: real processes, killed, stopped and fed with poison",
        "kept: the parent's side of the process pool, deaths at any step",
        "kept: the models at their largest bounds",
    }
    for result in kept.deep(ROOT):
        for part in result.parts:
            assert all((ROOT / path.removeprefix(":(exclude)")).exists() for path in part.covers)
            assert len(part.covers) >= 2
