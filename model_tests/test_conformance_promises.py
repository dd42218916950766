"""What an executor says of itself: the kit shows it, and does not ask for what is not claimed."""

import json
from pathlib import Path
from typing import Final

import pytest

from foregone_conformance.__main__ import main
from foregone_conformance.catalogue import CLAIMS
from foregone_conformance.kinds import NotApplicable
from foregone_conformance.promises import (
    AT_LEAST_ONCE,
    AT_MOST_ONCE,
    NOT_CLAIMED,
    insist_on,
    waived,
)

#: They start many processes, for which a busy machine needs time.
pytestmark = pytest.mark.timeout(140)

HERE: Final = "model_tests.conformance.at_least_once"


def judged(name: str, claim: str, folder: Path, *more: str) -> tuple[int, dict[str, str], str]:
    """Judge one of them by one claim; return the exit code, the claim, and what it says."""
    file = folder / "report.json"
    code = main([f"{HERE}:{name}", "--thread", "--only", claim, "--json", str(file), *more])
    told = json.loads(file.read_text())
    (found,) = told["claims"]
    return code, found, told["says"]


def test_who_says_that_calls_run_at_least_once_is_not_convicted_of_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, found, says = judged("Says", "AtMostOnce", tmp_path)
    assert (code, found["verdict"], says) == (0, "not applicable", AT_LEAST_ONCE)
    assert "a call whose worker is lost begins again; here it was broken: " in found["seen"]
    assert "began 2 times" in found["seen"]
    shown = capsys.readouterr().out
    assert f"It says: {AT_LEAST_ONCE}" in shown
    assert "n/a       AtMostOnce" in shown


def test_who_says_that_they_run_at_most_once_is_held_to_it(tmp_path: Path) -> None:
    code, found, says = judged("Lies", "AtMostOnce", tmp_path)
    assert (code, found["verdict"], says) == (1, "broken", AT_MOST_ONCE)
    assert "began 2 times" in found["seen"]


def test_who_does_more_than_he_says_is_shown_to(tmp_path: Path) -> None:
    code, found, _ = judged("Modest", "AtMostOnce", tmp_path)
    assert (code, found["verdict"]) == (0, "not applicable")
    assert found["seen"].endswith("; here it was kept")
    code, found, _ = judged("Modest", "shutdown-cancels", tmp_path)
    assert (code, found["verdict"]) == (0, "not applicable")
    assert "what was handed on may have begun, and is not cancelled" in found["seen"]


def test_a_hang_is_shown_too(tmp_path: Path) -> None:
    code, found, _ = judged("Stuck", "AtMostOnce", tmp_path, "--patience", "3")
    assert (code, found["verdict"]) == (0, "not applicable")
    assert "; here it was broken: it hung: nothing happened for 3 s" in found["seen"]
    code, found, _ = judged("Stuck", "NothingLost", tmp_path, "--patience", "3")
    assert (code, found["verdict"]) == (1, "broken")


def test_all_else_is_asked_of_him_too(tmp_path: Path) -> None:
    code, found, _ = judged("Says", "submit-result", tmp_path)
    assert (code, found["verdict"]) == (0, "kept")
    code, found, _ = judged("Modest", "NothingLost", tmp_path)
    assert (code, found["verdict"]) == (0, "kept")


def test_only_claims_that_there_are_are_waived() -> None:
    assert set(NOT_CLAIMED) <= {each.id for each in CLAIMS}
    assert waived("", "AtMostOnce", "broken", "twice") == ""
    assert waived(AT_MOST_ONCE, "AtMostOnce", "broken", "twice") == ""
    assert waived(AT_LEAST_ONCE, "NothingLost", "broken", "lost") == ""
    insist_on(AT_MOST_ONCE, "shutdown-cancels")
    with pytest.raises(NotApplicable, match="its at_most_once is False"):
        insist_on(AT_LEAST_ONCE, "shutdown-cancels")
