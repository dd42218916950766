"""CrossHair as a process of its own: what it prints is all that is known of it."""

import os
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import foregone_spec

SECONDS: Final = 40  # for one condition
SPEC: Final = Path(foregone_spec.__file__).parent
ROOT: Final = Path(__file__).parents[1]


def printed(targets: Sequence[str]) -> tuple[str, float]:
    """Return what CrossHair prints for ``targets``, and the seconds it took."""
    command = [sys.executable, "-m", "crosshair", "check", "--report_all"]
    command += [f"--per_condition_timeout={SECONDS}", "--analysis_kind=PEP316", *targets]
    path = os.pathsep.join([str(SPEC.parent), str(ROOT)])
    environment = {**os.environ, "PYTHONPATH": path, "PYTHONHASHSEED": "0"}
    begin = time.monotonic()
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, env=environment, cwd=ROOT, timeout=300
        )
        text = done.stdout + done.stderr
    except subprocess.TimeoutExpired:
        text = "CrossHair did not end within 300 s"
    return text, time.monotonic() - begin
