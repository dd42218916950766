"""The page, generated now and clicked through in a real browser: ``make page-test``.

    python -m model_tests.browser [PYTEST'S ARGUMENTS]

Needs Chromium and its driver, which a distribution has: on Debian the packages ``chromium``
and ``chromium-driver``.  Selenium, which drives it, is installed beside the environment.
Pictures of what was seen are left in ``build/page-test``.
"""

import sys
from collections.abc import Sequence

import pytest

from bench.beside import ROOT
from model_tests.browser.driver import CHROMIUM, DRIVERS, PICTURES, SELENIUM, program

#: Seconds for a test: a page with all scenes takes long to make, and to read, on a busy machine.
PATIENCE = 140
_TESTS = ROOT / "model_tests" / "browser" / "in_browser.py"


def main(arguments: Sequence[str]) -> int:
    """Run the tests; return the exit code, 2 if they cannot be run here."""
    for names in (CHROMIUM, DRIVERS):
        if program(names) is None:
            print(
                f"page-test: none of {', '.join(names)} is on PATH: install Chromium and its "
                f"driver (Debian and Ubuntu: apt install chromium chromium-driver)",
                file=sys.stderr,
            )
            return 2
    if why := SELENIUM.install():
        print(f"page-test: selenium cannot be installed: {why}", file=sys.stderr)
        return 2
    patient = f"--timeout={PATIENCE}"
    told = pytest.main(["-p", "no:xdist", "-q", patient, str(_TESTS), *arguments])
    print(f"pictures: {PICTURES}")
    return int(told)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
