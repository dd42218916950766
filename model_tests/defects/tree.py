"""A copy of the project in which the library has one defect, and where nothing else is met.

What is installed for development leads to the checkout; PYTHONPATH comes before it, also in
every process that is started from the copy.  ``run`` looks whether it does.
"""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from model_tests.chain.command import ROOT
from model_tests.defects.lists import Defect

#: What is copied; all else is only read, and linked.
COPIED: Final = ("impl", "spec", "model_tests")
#: What belongs to one checkout alone.
LEFT_OUT: Final = (".git", ".hypothesis", ".mypy_cache", ".pytest_cache", ".ruff_cache", "build")


@contextmanager
def tree(defect: Defect | None, root: Path = ROOT) -> Iterator[Path]:
    """Yield the root of a copy with ``defect``, or of one that is as ``root`` is."""
    with tempfile.TemporaryDirectory(prefix="defect-") as folder:
        copy = Path(folder).resolve()
        for each in root.iterdir():
            if each.name in COPIED:
                # Compiled files come along: they are valid, since times do too.
                shutil.copytree(each, copy / each.name)
            elif each.name not in LEFT_OUT:
                (copy / each.name).symlink_to(each)
        if defect is not None:
            path = copy / defect.file
            text = defect.applied(root)
            path.unlink()
            path.write_text(text, encoding="utf-8")
            for compiled in path.parent.glob(f"__pycache__/{path.stem}.*"):
                compiled.unlink()
        yield copy


def environment(copy: Path, **more: str) -> dict[str, str]:
    """Return what a process in a copy finds in its environment."""
    paths = (copy / "impl", copy / "spec", copy)
    kept = {key: each for key, each in os.environ.items() if not key.startswith("PYTEST_")}
    return {
        **kept,
        "PYTHONPATH": os.pathsep.join(map(str, paths)),
        "FOREGONE_PROFILE": "quick",
        **more,
    }
