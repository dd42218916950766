"""Start TLC more swiftly: what Java has loaded for one run is kept for the next ones.

Java 24 and later can write a cache of what a run has loaded and linked.  A cache that does
not fit, or a Java that knows no such thing, costs nothing but the time.
"""

import subprocess
from functools import cache
from pathlib import Path
from typing import Final

from model_tests.chain.tlc import BUILD, QUICKLY, TLA, jar, java

CACHE: Final = BUILD / "tlc.aot"
_PATIENCE: Final = 120.0
_COLLECTOR: Final = "-XX:+UseSerialGC"


@cache
def swiftly() -> tuple[str, ...]:
    """Return the flags with which Java uses the cache, which is made if need be."""
    if not CACHE.exists() or CACHE.stat().st_mtime < jar().stat().st_mtime:
        _make()
    return (*QUICKLY, f"-XX:AOTCache={CACHE}") if CACHE.exists() else QUICKLY


def _make() -> None:
    BUILD.mkdir(exist_ok=True)
    rooms = BUILD / "tlc" / "aot"
    subprocess.run(
        (
            *(str(java()), f"-XX:AOTCacheOutput={CACHE}", _COLLECTOR, *QUICKLY),
            *(f"-DTLA-Library={TLA}", "-cp", str(jar()), "tlc2.TLC", "-tool", "-deadlock"),
            *("-metadir", str(rooms), "-config", "holds/Map-buffer.cfg", "MCMap.tla"),
        ),
        cwd=TLA,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        timeout=_PATIENCE,
        check=False,
    )
    Path(f"{CACHE}.config").unlink(missing_ok=True)
