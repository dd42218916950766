"""A diagram as pixels, for whom an SVG will not do.

``resvg`` draws it, where it is installed: ``pip install foregone[png]``.  It knows nothing of
colours that a style names, so those for a light ground are put in first.
"""

import importlib
import re
from typing import Final, Protocol, cast

#: A pixel of the diagram is so many of the picture.
ZOOM: Final = 2.0

_NAMED: Final = re.compile(r"--(\w+): ([^;]+);")
_USED: Final = re.compile(r"var\(--(\w+)\)")


class NoRenderer(Exception):
    """There is nothing here that draws pixels: the text says what to install."""


class _Resvg(Protocol):
    def svg_to_bytes(self, *, svg_string: str, background: str, zoom: float) -> bytes:
        """Return a PNG."""
        ...


def png(svg: str) -> bytes:
    """Return a PNG of what ``draw.svg`` has drawn; raise NoRenderer if nothing here can."""
    try:
        resvg = cast("_Resvg", importlib.import_module("resvg_py"))
    except ImportError:
        raise NoRenderer(
            "a PNG needs resvg, which is not installed: pip install foregone[png]; or take "
            "--format svg"
        ) from None
    colours = dict(_NAMED.findall(svg.partition("@media")[0]))
    plain = _USED.sub(lambda used: colours[used[1]], svg)
    return bytes(resvg.svg_to_bytes(svg_string=plain, background=colours["paper"], zoom=ZOOM))
