"""The README's generated parts: ``python -m model_tests.readme`` writes them anew.

A part stands between ``<!-- generated: COMMAND -->`` and ``<!-- end -->`` and is what the
specification's own command prints.  ``test_readme.py`` compares.  ``assurance.py`` does
the same for another page.
"""

import contextlib
import io
import pathlib
import re
from collections.abc import Callable, Iterator
from typing import Final

from foregone_spec.__main__ import main

README: Final = pathlib.Path(__file__).parents[1] / "README.md"
_PART: Final = re.compile(
    r"<!-- generated: (?P<command>[^>]*) -->\n(?P<text>.*?)<!-- end -->", re.DOTALL
)
_BLOCK: Final = re.compile(r"^```(?P<language>\w+)\n(?P<code>.*?)^```$", re.DOTALL | re.MULTILINE)

COMMANDS: Final = {
    "table future": ("table", "future", "--markdown"),
    "diagram future": ("diagram", "future", "--format", "mermaid"),
}


def generated(command: str) -> str:
    """Return what stands in the README for ``command``."""
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        if main(COMMANDS[command]):
            raise RuntimeError(f"foregone-spec {command} failed: {printed.getvalue()}")
    text = printed.getvalue().strip("\n")
    return f"```mermaid\n{text}\n```\n" if command.startswith("diagram") else f"{text}\n"


def renewed(text: str, make: Callable[[str], str] = generated) -> str:
    """Return a page with its generated parts made anew."""
    return _PART.sub(
        lambda part: f"<!-- generated: {part['command']} -->\n{make(part['command'])}<!-- end -->",
        text,
    )


def blocks(language: str) -> Iterator[str]:
    """Yield the README's code blocks of one language."""
    return (code for of, code in all_blocks() if of == language)


def all_blocks() -> Iterator[tuple[str, str]]:
    """Yield the README's code blocks, each with its language, in order."""
    for block in _BLOCK.finditer(README.read_text(encoding="utf-8")):
        yield block["language"], block["code"]


if __name__ == "__main__":
    README.write_text(renewed(README.read_text(encoding="utf-8")), encoding="utf-8")
