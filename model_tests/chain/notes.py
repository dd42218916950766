"""Notes of a run that takes long: what is done need not be done again.

They lie in ``build/notes``, a file for each state of the code that they are of: of other code
nothing is read.  Comments and docstrings may change.
"""

import ast
import hashlib
import json
import sys
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Final, Generic, TypeVar, final

from model_tests.chain.command import ROOT

T = TypeVar("T")

NOTES: Final = ROOT / "build" / "notes"


def key_of(files: Iterable[Path], root: Path = ROOT) -> str:
    """Return a hash of the interpreter, the names of Python files, and the code in them."""
    digest = hashlib.sha256(sys.version.encode())
    for path in sorted(files):
        code = ast.dump(_bare(ast.parse(path.read_bytes())))
        digest.update(f"\0{path.relative_to(root).as_posix()}\0{code}".encode())
    return digest.hexdigest()[:16]


def _bare(tree: ast.Module) -> ast.Module:
    """Take the docstrings away."""
    for node in ast.walk(tree):
        documented = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
        if isinstance(node, documented) and ast.get_docstring(node, clean=False) is not None:
            node.body[0] = ast.Pass()
    return tree


@final
class Notes(Generic[T]):
    """Results by name, one a line in a file that grows as they come."""

    def __init__(
        self,
        path: Path,
        read: Callable[[Mapping[str, object]], T],
        write: Callable[[T], Mapping[str, object]],
    ) -> None:
        self.path = path
        self._write = write
        self.known: dict[str, T] = {}
        written = path.read_text(encoding="utf-8") if path.exists() else ""
        self._ends = "\n" * (written[-1:] not in ("", "\n"))  # what a half written line lacks
        for line in written.splitlines():
            try:
                told = json.loads(line)
            except ValueError:
                continue  # the last, half written when the run was ended: it is done again
            self.known[told["name"]] = read(told["result"])

    def add(self, name: str, result: T) -> None:
        """Note a result."""
        self.known[name] = result
        self.path.parent.mkdir(parents=True, exist_ok=True)
        line = json.dumps({"name": name, "result": self._write(result)})
        with self.path.open("a", encoding="utf-8") as file:
            file.write(f"{self._ends}{line}\n")
        self._ends = ""
