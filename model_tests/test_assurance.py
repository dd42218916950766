"""docs/assurance.md says what is kept, and names what is there."""

import json
import re
from pathlib import Path

import pytest

from model_tests import assurance
from model_tests.assurance import PAGE, PARTS, figures, links
from model_tests.chain import models, models_deep, promise
from model_tests.chain.kept import SIMULATION
from model_tests.chain.verify import LINKS
from model_tests.readme import renewed

ROOT = PAGE.parents[1]
TEXT = PAGE.read_text(encoding="utf-8")


def test_the_generated_parts_are_what_is_kept() -> None:
    assert renewed(TEXT, figures) == TEXT, "run: python -m model_tests.assurance"
    assert re.findall("<!-- generated: (.*) -->", TEXT) == [*PARTS]


@pytest.mark.parametrize("part", PARTS)
def test_a_changed_figure_is_noticed(part: str) -> None:
    made = figures(part)
    assert re.search(r"\d", made)
    changed = TEXT.replace(made, re.sub(r"\d", "0", made) + "\n")
    assert changed != TEXT
    assert renewed(changed, figures) == TEXT


def test_another_result_is_another_page(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for module, key in ((models, "states"), (models_deep, "depth")):
        known = json.loads(module.EXPECTED.read_text())
        for told in known.values():
            if key in told:
                told[key] += 1
        path = tmp_path / "expected.json"
        path.write_text(json.dumps(known))
        with monkeypatch.context() as patch:
            patch.setattr(module, "EXPECTED", path)
            assert renewed(TEXT, figures) != TEXT


@pytest.mark.parametrize("link", ["schedules", "equality", "contracts", "cpython_suite"])
def test_another_promise_is_another_page(link: str, monkeypatch: pytest.MonkeyPatch) -> None:
    promised = promise.read()
    promised[link] = {claim: number + 1 for claim, number in promised[link].items()}
    monkeypatch.setattr(promise, "read", lambda: promised)
    assert renewed(TEXT, figures) != TEXT


def test_every_link_is_there_with_its_command(monkeypatch: pytest.MonkeyPatch) -> None:
    for link in LINKS:
        assert f"| `{link}` | " in TEXT
    assert "`make simulate`" in links()
    assert "`python -m model_tests.chain.cells`" in links()
    monkeypatch.setattr(assurance, "LINKS", LINKS[:-1])
    assert renewed(TEXT, figures) != TEXT


def test_a_failure_that_is_kept_is_said(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    path = tmp_path / "result.json"
    known = json.loads((ROOT / SIMULATION).read_text())
    for told in known.values():
        told["ok"] = False
    path.write_text(json.dumps(known))
    monkeypatch.setattr(assurance, "SIMULATION", path)
    assert "**Failed:**" in figures("simulation")


def test_what_is_named_exists() -> None:
    names = re.findall(r"`((?:tla|spec|impl|model_tests|docs)/[^`\s]*)`", TEXT)
    assert len(names) > 25
    for name in names:
        assert list(ROOT.glob(name.rstrip("/"))), f"{name} is not there"
    for link in re.findall(r"\]\((?!http|#)([^)#]+)\)", TEXT):
        assert (PAGE.parent / link).exists(), f"a link to {link}"


def test_what_is_to_be_run_exists() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = {*re.findall(r"^([\w-]+):", makefile, re.MULTILINE)}
    named = {*re.findall(r"`make ([\w-]+)`", TEXT)}
    assert len(named) > 8
    assert named <= targets
    for module in re.findall(r"`python -m ([\w.]+)`", TEXT):
        assert (ROOT / f"{module.replace('.', '/')}.py").exists(), module
