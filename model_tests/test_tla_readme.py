"""``tla/README.md`` lists what is checked of the claim tickets, and what is checked deeply."""

import json
import re
from typing import Final, cast

import pytest

from model_tests.chain.command import ROOT

TEXT: Final = (ROOT / "tla" / "README.md").read_text(encoding="utf-8")
#: A configuration, its states, its depth, and the seconds that one of the largest took.
_ROW: Final = re.compile(
    r"^\| `([\w/-]+)`: (.*?) \| ([\d,]+) \| (\d+) \|(?: ([\d,]+) \|)?$", re.MULTILINE
)
ROWS: Final = {name: told for name, *told in _ROW.findall(TEXT)}


def expected(file: str) -> dict[str, dict[str, int]]:
    return cast("dict[str, dict[str, int]]", json.loads((ROOT / "tla" / file).read_text()))


def configurations() -> dict[str, dict[str, int]]:
    """Return what is kept of each configuration that has a row."""
    quick = {
        name: told
        for name, told in expected("expected.json").items()
        if name.startswith("holds/ClaimTickets-")
    }
    return {**quick, **expected("deep/expected.json")}


@pytest.mark.parametrize("name", list(configurations()))
def test_each_configuration_has_its_row(name: str) -> None:
    told = configurations()[name]
    folder = "" if "/" in name else "deep/"
    first = (ROOT / "tla" / f"{folder}{name}.cfg").read_text().splitlines()[0]
    says, states, depth, seconds = ROWS[name]
    assert first.partition(": ")[2] == says
    assert (states, depth) == (f"{told['states']:,}", str(told["depth"]))
    assert seconds == (f"{told['seconds']:,}" if "seconds" in told else "")


def test_no_row_is_of_what_is_gone() -> None:
    assert set(ROWS) == set(configurations())
