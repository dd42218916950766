"""The README says what is so: its code runs, its tables are the specification's."""

import io
import pathlib
import re
import shlex
import subprocess
import sys

import pytest

from foregone_spec.__main__ import main
from model_tests.readme import README, blocks, generated, renewed

ROOT = README.parent
TEXT = README.read_text(encoding="utf-8")
SHELL = [
    line.split("  #")[0].strip()
    for block in blocks("sh")
    for line in block.splitlines()
    if line.strip()
]


def test_the_generated_parts_are_the_specifications() -> None:
    """Each generated part is what the command prints now."""
    assert renewed(TEXT) == TEXT, "run: python -m model_tests.readme"
    assert TEXT.count("<!-- generated:") == 2


def test_a_changed_table_changes_the_readme() -> None:
    """The comparison can fail: another word in a part is noticed."""
    part = generated("table future")
    assert part in TEXT
    assert renewed(TEXT.replace(part, part.replace("RUNNING", "WALKING", 1))) == TEXT


#: What needs Dask is run by ``make dask-test``.
@pytest.mark.parametrize("code", [x for x in blocks("python") if "foregone.dask" not in x])
def test_python_blocks_run(code: str, tmp_path: pathlib.Path) -> None:
    """Each Python block runs by itself and prints something."""
    ran = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
        cwd=tmp_path,
    )
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout


@pytest.mark.parametrize("command", [line for line in SHELL if line.startswith("python")])
def test_spec_commands_run(command: str, tmp_path: pathlib.Path) -> None:
    """Each command of the specification runs and prints something."""
    words = [sys.executable, *shlex.split(command)[1:]]
    ran = subprocess.run(
        words, capture_output=True, text=True, timeout=50, check=False, cwd=tmp_path
    )
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout


def test_what_may_be_typed_while_stepping_can_be(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The commands that are named after ``pool``, in their order: each is carried out."""
    (asked,) = [shlex.split(line)[3:] for line in SHELL if " pool " in line]
    said = TEXT.partition("type a number, or\n")[2].partition(". `step")[0]
    typed = re.findall(r"`([^`]+)`", said)
    assert len(typed) == 4
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "stdin", io.StringIO("\n".join(typed)))
    assert main(asked) == 0
    printed = capsys.readouterr().out
    assert not re.search("nothing ahead|nothing may happen", printed)
    assert main(["page", "--trace", "run.json"]) == 0


def test_make_commands_are_targets() -> None:
    """Each ``make`` line names a target, and the test command is the one CI runs."""
    targets = set(
        re.findall(r"^(\w+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
    )
    named = {line.split()[1] for line in SHELL if line.startswith("make")}
    assert {"test", "verify"} <= named <= targets
    ci = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    assert re.search(r"^step make test$", ci, re.MULTILINE)
    assert re.search(r"^step make verify$", ci, re.MULTILINE)


def test_named_files_exist() -> None:
    """Each file that the README names is there."""
    names = re.findall(r"`((?:tla/|test_|model_tests/|docs/)[\w./*]*)`", TEXT)
    assert len(names) > 10
    for name in names:
        folder = ROOT if "/" in name else ROOT / "model_tests"
        assert list(folder.glob(name.rstrip("/"))), f"README names {name}, which is not there"
    for link in re.findall(r"\]\((?!http|#)([^)]+)\)", TEXT):
        assert pathlib.Path(ROOT / link).exists(), f"README links to {link}"
