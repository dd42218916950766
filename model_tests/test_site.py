"""What the site is made of: every public name, every table, links that lead to its pages.

That it builds with no warning is ``make docs``'s to show.
"""

import json
import re
from pathlib import Path

import pytest

import foregone
from bench.beside import Beside
from foregone_spec import draw
from foregone_spec.page import scenes
from model_tests import site
from model_tests.browser import picture
from model_tests.chain.command import ROOT


def test_every_public_name_is_on_the_page_of_the_api() -> None:
    text = site.api()
    for name in foregone.__all__:
        shown = re.search(rf"^(?:## |::: [\w.]+\.){name}$", text, re.MULTILINE)
        assert bool(shown) is (name not in site._NOT_SHOWN), name
    assert "::: foregone.thread_pool.ThreadPoolExecutor" in text
    assert "## BrokenThreadPool\n\nThe standard one" in text


def test_every_table_is_there() -> None:
    text = site.tables()
    for machine in draw.machines().values():
        assert draw.markdown(machine) in text


def test_the_picture_in_the_readme_is_of_todays_page() -> None:
    of = list(picture.stamps(picture.PICTURE.read_bytes()))
    assert of == [picture.stamp()], "the page is another one now: make picture, and look at it"


def test_a_picture_of_another_page_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    now = picture.stamp()
    for name, value in (("STEPS", picture.STEPS[:-1]), ("SCENE", scenes()[1])):
        with monkeypatch.context() as patch:
            patch.setattr(picture, name, value)
            assert picture.stamp() != now
    there = picture.PICTURE.read_bytes()
    assert list(picture.stamps(picture.stamped(there, "another"))) == ["another", now]


def test_links_lead_to_pages_of_the_site() -> None:
    given = "[a](docs/museum.md#m1) [b](../README.md#x) [c](../tla/README.md) [d](../docs/e.md)"
    assert site.moved(given) == "[a](museum.md#m1) [b](index.md#x) [c](models.md) [d](e.md)"


def test_every_page_is_prepared_and_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(site, "SOURCE", tmp_path / "source")
    monkeypatch.setattr(site, "page", lambda: "the page")
    site.prepare()
    made = {each.name for each in (tmp_path / "source" / "docs").iterdir()}
    assert {each.name for each in (ROOT / "docs").glob("*.md")} <= made
    assert set(site.PAGES) == {name for name in made if name.endswith(".md")}
    assert {"process-pool.html", "future.svg"} <= made
    told = json.loads((tmp_path / "source" / "mkdocs.yml").read_text())
    assert [name for each in told["nav"] for name in each.values()] == list(site.PAGES)
    assert told["theme"]["font"] is False  # they would be fetched
    front = (tmp_path / "source" / "docs" / "index.md").read_text(encoding="utf-8")
    assert "```mermaid" not in front  # it would be drawn by what is fetched
    assert "![One future](future.svg)" in front


def test_what_cannot_be_installed_is_told(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(Beside, "install", lambda _: "no network")
    assert site.main() == 1
    assert "cannot be installed: no network" in capsys.readouterr().err
