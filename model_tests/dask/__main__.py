"""The Dask executor on real clusters, whose workers and schedulers are killed: ``make dask-test``.

    python -m model_tests.dask [PYTEST'S ARGUMENTS]

Dask is installed beside the environment: nothing that ``make verify`` runs needs it.
"""

import sys
from collections.abc import Sequence

import pytest

from bench.beside import ROOT
from model_tests.dask.clusters import DASK, prepare

_TESTS = tuple(
    str(ROOT / "model_tests" / "dask" / f"{name}.py")
    for name in (
        *("on_cluster", "in_chunks", "at_the_loop", "at_the_end", "observed", "at_loss"),
        "at_silence",
    )
)


def main(arguments: Sequence[str]) -> int:
    """Run the tests; return the exit code, 2 if they cannot be run here."""
    if why := DASK.install():
        print(f"dask-test: distributed cannot be installed: {why}", file=sys.stderr)
        return 2
    prepare()
    named = [each for each in arguments if each.endswith(".py") or ".py::" in each]
    tests = () if named else _TESTS
    told = pytest.main(["-p", "no:xdist", "-q", *tests, *arguments])
    print(
        ", ".join(
            f"{name} {version}"
            for name, version in DASK.versions().items()
            if name in ("dask", "distributed")
        )
    )
    return int(told)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
