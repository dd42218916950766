"""What the last full run reached is promised; what a machine does not have is said."""

import pytest

from model_tests.chain import promise
from model_tests.chain.verdict import Row


def row(claim: str, count: str, bound: str = "all") -> Row:
    """Return a row that is fine by itself."""
    return Row(claim=claim, engine="test", bound=bound, count=count, seconds=0.0, ok=True)


@pytest.fixture(autouse=True)
def promised(monkeypatch: pytest.MonkeyPatch) -> None:
    """Promise two figures, one of them of an interpreter that no machine has."""
    figures = {"link": {"a claim": 20, "cells on Python 9.9: equal": 20}}
    monkeypatch.setattr(promise, "read", lambda: figures)


def test_what_is_reached_is_kept() -> None:
    """As much, or more, keeps the promise; the absent interpreter is noted."""
    kept = promise.compare({"link": [row("a claim", "21 cases")]})
    assert kept.ok
    assert "Python 9.9" in kept.note


@pytest.mark.parametrize("count", ["19 cases", "0 cases", "none"])
def test_less_is_a_failure(count: str) -> None:
    """Less than was promised fails, and so does a count without a number."""
    assert not promise.compare({"link": [row("a claim", count)]}).ok


def test_a_missing_claim_is_a_failure() -> None:
    """A claim that is no longer made fails, though another one is."""
    broken = promise.compare({"link": [row("another claim", "20 cases")]})
    assert not broken.ok
    assert "a claim: no such row" in broken.details


def test_a_link_without_its_interpreter_is_noted() -> None:
    """Where the one row says that nothing is here, nothing could be tried."""
    kept = promise.compare({"link": [row("other", "0 run", promise.ABSENT)]})
    assert kept.ok
    assert "a claim: not on this machine" in kept.note
