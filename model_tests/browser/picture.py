"""The README's picture of the page, taken in a real browser: ``make picture``.

    python -m model_tests.browser.picture

Writes ``docs/process-pool.png``.  In it stands of which page it is a picture, as ``stamp()``
has it: ``test_site.py`` fails when the page has become another one, and needs no browser for
that.  ``make page-test`` takes the same picture, and looks whether it shows what the README says.
"""

import hashlib
import struct
import sys
import tempfile
import zlib
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path
from typing import Final

from bench.beside import ROOT
from foregone_spec import process_pool_actions as act
from foregone_spec.page import Scene, page, scenes
from foregone_spec.process_pool_state import ProcessPoolState
from foregone_spec.walk import Walk
from foregone_spec.words import says, typed
from model_tests.browser.driver import CHROMIUM, DRIVERS, SELENIUM, Page, browser, program

PICTURE: Final = ROOT / "docs" / "process-pool.png"
SCENE: Final = scenes()[0]
SIZE: Final = (1250, 760)
#: One call is claimed, the other cancelled.
STEPS: Final[tuple[act.Action, ...]] = (
    act.Submit(1), act.Submit(2), act.Start(1), act.Offer(1), act.Offer(2), act.Ready(1),
    act.Claim(1, 1), act.Cancel(2),
)  # fmt: skip
_KEY: Final = b"foregone page"
_HEAD: Final = b"\x89PNG\r\n\x1a\n"


def walked() -> Walk[ProcessPoolState, act.Action]:
    """Return the steps to what the picture shows."""
    walk = Walk(SCENE.model)
    for each in STEPS:
        walk.take(each)
    return walk


def stamp() -> str:
    """Return what tells this page from another: its files, and what is written in the picture."""
    folder, walk = files("foregone_spec").joinpath("html"), walked()
    parts = [folder.joinpath(f"page.{each}").read_bytes() for each in ("html", "css", "js")]
    shown = [SCENE.title, *(f"{typed(each)} {says(each)}" for each in walk.enabled)]
    parts += [each.encode() for each in (*shown, repr(walk.model.variables(walk.state)))]
    return hashlib.sha256(b"\0".join(parts)).hexdigest()


def taken(shown: Page, folder: Path) -> bytes:
    """Return the picture, without its stamp."""
    file = folder / "picture.html"
    file.write_text(page((Scene(SCENE.title, SCENE.model, STEPS),)), encoding="utf-8")
    shown.open(file, SIZE)
    shown.run("document.documentElement.style.overflow = 'hidden'")  # no bar to scroll with
    for each in STEPS:
        shown.take(typed(each))
    return shown.picture("the README's").read_bytes()


def stamped(png: bytes, text: str) -> bytes:
    """Return a PNG with ``text`` in it, where nobody sees it."""
    data = _KEY + b"\0" + text.encode()
    crc = zlib.crc32(b"tEXt" + data)
    chunk = struct.pack(">I", len(data)) + b"tEXt" + data + struct.pack(">I", crc)
    first = len(_HEAD) + 25  # the chunk that must be the first
    return png[:first] + chunk + png[first:]


def stamps(png: bytes) -> Iterator[str]:
    """Yield the stamps of a PNG."""
    at = len(_HEAD)
    while at < len(png):
        length, kind = struct.unpack(">I4s", png[at : at + 8])
        key, _, text = png[at + 8 : at + 8 + length].partition(b"\0")
        if kind == b"tEXt" and key == _KEY:
            yield text.decode()
        at += length + 12


def main() -> int:
    """Take the picture; return the exit code."""
    if program(CHROMIUM) is None or program(DRIVERS) is None:
        print(
            "picture: Chromium and its driver are not on PATH: install them (Debian and Ubuntu: "
            "apt install chromium chromium-driver)",
            file=sys.stderr,
        )
        return 2
    if why := SELENIUM.install():
        print(f"picture: selenium cannot be installed: {why}", file=sys.stderr)
        return 2
    with browser() as shown, tempfile.TemporaryDirectory() as folder:
        PICTURE.write_bytes(stamped(taken(shown, Path(folder)), stamp()))
    print(f"{PICTURE.relative_to(ROOT)}: {PICTURE.stat().st_size:,} bytes: look at it")
    return 0


if __name__ == "__main__":
    sys.exit(main())
