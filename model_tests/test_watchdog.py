"""The watchdog of conftest.py: what hangs where pytest-timeout does not look is ended."""

import subprocess
import sys
from pathlib import Path

import pytest

from model_tests.chain.command import ROOT

#: The hooks of conftest.py, and hardly any patience.
CONFTEST = """
from model_tests import conftest
conftest.WATCHDOG = conftest.EXIT = 1.0
from model_tests.conftest import (
    pytest_configure, pytest_exception_interact, pytest_runtest_protocol, pytest_unconfigure
)
"""

TEARDOWN = """
import threading
import pytest

@pytest.fixture
def hangs():
    yield
    threading.Event().wait()

def test_fails(hangs):
    assert False
"""

EXIT = """
import threading

def test_leaves_a_thread():
    threading.Thread(target=threading.Event().wait, name="left").start()
"""


@pytest.mark.parametrize(
    ("text", "seen"),
    [(TEARDOWN, "in hangs"), (EXIT, "in _shutdown")],
    ids=["in the teardown of a test that failed", "at the end of the interpreter"],
)
def test_what_hangs_is_ended_and_says_where(text: str, seen: str, tmp_path: Path) -> None:
    (tmp_path / "conftest.py").write_text(CONFTEST)
    (tmp_path / "test_it.py").write_text(text)
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-c", "/dev/null", "--rootdir", tmp_path, tmp_path],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 1
    assert "Timeout (0:00:01)!" in done.stderr
    assert seen in done.stderr
