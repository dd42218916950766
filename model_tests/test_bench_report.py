"""The page of a bench: what was measured stands there, whoever failed is named."""

from pathlib import Path

import pytest

from bench import report
from bench.beside import Beside
from bench.contest import Entrant
from bench.matrix import FOREGONE, LIMIT, Column, Row, Workload
from bench.paired import Comparison
from bench.report import Chart, Report, charts, of_comparison, page
from bench.settings import Setting

COLUMN = Column("time", "us/call", 1e6)
LOAD = Workload("burst", "burst", (), (COLUMN,), 10)


def entrant(subject: str, *seconds: float, failure: str = "") -> Entrant:
    """Return one who took so long in each round."""
    made = Entrant(Row(subject), Setting(subject, "burst"))
    made.runs.update({number: {"time": each} for number, each in enumerate(seconds)})
    made.failure = failure
    return made


@pytest.fixture(autouse=True)
def _no_plots(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    nowhere = tmp_path / "requirements.txt"
    nowhere.write_text("")
    monkeypatch.setattr(report, "DRAWING", Beside("nothing", nowhere))
    monkeypatch.setattr(report, "PAGE", tmp_path / "bench.html")


def burst() -> Chart:
    """Return the chart of a burst."""
    entrants = [
        entrant(LIMIT, 1e-6, 2e-6, 1e-6),
        entrant(FOREGONE, 3e-6, 4e-6, 3e-6),
        entrant("standard", 30e-6, 20e-6, 60e-6),
        entrant("loky", failure="absent: <it> is not installed"),
    ]
    (chart,) = charts(LOAD, entrants)
    return chart


def test_medians_intervals_and_ratios_round_by_round() -> None:
    limit, ours, standard, absent = burst().entries
    assert limit.median == pytest.approx(1.0)  # in the unit of the column
    assert ours.median == pytest.approx(3.0)
    assert ours.between == pytest.approx((3.0, 4.0))
    assert limit.shown == pytest.approx(1.0)
    assert ours.shown == pytest.approx(3.0)  # 3/1, 4/2, 3/1
    assert standard.shown == pytest.approx(30.0)  # 30/1, 20/2, 60/1
    assert standard.bar == pytest.approx((10.0, 60.0))
    assert standard.ratio == pytest.approx(10.0)  # 30/3, 20/4, 60/3
    assert ours.ratio is None
    assert (ours.runs, absent.runs) == (3, 0)
    assert absent.failure == "absent: <it> is not installed"
    assert burst().axis == "times the physical limit"


def test_without_the_limit_the_axis_is_the_unit() -> None:
    (chart,) = charts(LOAD, [entrant(FOREGONE, 3e-6), entrant("standard", 6e-6)])
    assert chart.axis == "us/call"
    assert [each.shown for each in chart.entries] == pytest.approx([3.0, 6.0])


def test_a_limit_that_failed_is_no_limit() -> None:
    (chart,) = charts(LOAD, [entrant(LIMIT, failure="died"), entrant(FOREGONE, 3e-6)])
    assert chart.axis == "us/call"


def test_a_figure_of_its_own_stands_beside_nothing() -> None:
    alone = Workload("skewed", "skewed", (), (Column("time", "by clock", beside=False),), 10)
    (chart,) = charts(alone, [entrant(LIMIT, 1.0), entrant(FOREGONE, 1.1)])
    assert chart.axis == "by clock"
    assert [each.ratio for each in chart.entries] == [None, None]


def test_two_side_by_side() -> None:
    chart = of_comparison(Comparison("wait", "us", 1e6, ((4e-6, 2e-6), (9e-6, 3e-6))))
    standard, ours = chart.entries
    assert (standard.name, ours.name) == ("standard library", "foregone")
    assert standard.median == pytest.approx(6.5)
    assert ours.median == pytest.approx(2.5)
    assert standard.ratio == pytest.approx(2.5)  # 4/2, 9/3


def test_the_page_has_all_of_it_and_nothing_is_markup() -> None:
    text = page(["CPython <3>"], [burst()], "as <text>")
    assert "CPython &lt;3&gt;" in text
    assert "as &lt;text&gt;" in text
    assert '<td colspan="5">absent: &lt;it&gt; is not installed</td>' in text
    assert '<tr class="ours"><td>foregone</td><td>3.00</td><td>3.00 to 4.00</td>' in text
    assert "<h2>burst (fork), us/call</h2>" in text
    assert "<svg" not in text  # there is no matplotlib


def test_what_was_said_is_written(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Beside, "install", lambda _: "no network")
    found = Report()
    found.say("a machine")
    found.show("a table", burst())
    assert capsys.readouterr().out == "a machine\na table\n"
    text = found.write().read_text(encoding="utf-8")
    assert "<p>a machine</p>" in text
    assert "could not be installed: no network" in text
    assert "a machine\na table</pre>" in text
