"""Peers of the standard library, each behind the few names that an exhibit asks for.

They are installed for the record only (``python -m model_tests.museum.record``), each in a
folder of its own under build/, from the pins in ``pins.txt``: nothing that is verified can
come to depend on one.  ``shapes.py`` has what each is to an exhibit.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Final, final

from model_tests.museum.table import ROOT

PINS: Final = Path(__file__).with_name("pins.txt")


@final
@dataclass(frozen=True, slots=True)
class Peer:
    """One version of a library."""

    name: str
    version: str  # "" for what comes with the interpreter
    shape: str  # in shapes.py
    needs: tuple[str, ...] = ()  # what is installed with it
    note: str = ""
    futures: bool = True  # has it futures?  Else those are ours, around its callbacks

    @property
    def title(self) -> str:
        """Its name and version, as on the page."""
        return f"{self.name} {self.version}{self.note}".strip()

    @property
    def folder(self) -> Path:
        """Where it is installed, or would be."""
        python = f"{sys.version_info[0]}.{sys.version_info[1]}"
        return ROOT / "build" / "museum-peers" / f"{self.name}-{self.version}-{python}"


_CLOUDPICKLE: Final = ("cloudpickle==3.1.2",)

PEERS: Final = (
    Peer("loky", "3.7.0", "loky", _CLOUDPICKLE),
    Peer("loky", "3.5.6", "loky", _CLOUDPICKLE),
    Peer("pebble", "5.2.3", "pebble"),
    Peer("pebble", "5.2.3", "late pebble", note=" with a wait in it"),
    Peer("pebble", "5.1.0", "pebble"),
    Peer("pebble", "4.5.3", "pebble"),
    Peer("deadpool-executor", "2026.7.1", "deadpool", ("psutil==7.2.2", "setproctitle==1.3.8")),
    Peer("mpire", "2.10.2", "mpire", ("pygments==2.21.0", "tqdm==4.70.1"), futures=False),
    Peer("billiard", "4.2.1", "billiard", futures=False),
    Peer("multiprocessing.Pool", "", "multiprocessing", futures=False),
)


def install(peer: Peer) -> str:
    """Install a peer if it is not there; return "" or why it failed."""
    if not peer.version or peer.folder.is_dir():
        return ""
    fresh = peer.folder.with_name(f"{peer.folder.name}.unfinished")
    shutil.rmtree(fresh, ignore_errors=True)
    with tempfile.TemporaryDirectory(prefix="museum-") as place:
        chosen = Path(place) / "pins.txt"
        chosen.write_text("\n".join(_pins((f"{peer.name}=={peer.version}", *peer.needs))))
        pip = (sys.executable, "-m", "pip", "--disable-pip-version-check", "--no-input", "install")
        which = ("--quiet", "--require-hashes", "-r", str(chosen), "--target", str(fresh))
        done = subprocess.run((*pip, *which), capture_output=True, text=True)
    if done.returncode:
        return (done.stderr.strip() or done.stdout.strip() or "pip failed")[-500:]
    fresh.rename(peer.folder)
    return ""


def _pins(wanted: tuple[str, ...]) -> list[str]:
    pins = re.findall(r"^(\S+==\S+) .*$", PINS.read_text(encoding="utf-8"), re.MULTILINE)
    missing = {*wanted} - {*pins}
    if missing:
        raise LookupError(f"{PINS.name} has no {', '.join(sorted(missing))}")
    lines = PINS.read_text(encoding="utf-8").splitlines()
    return [line for line in lines if line.partition(" ")[0] in wanted]


def path(peer: Peer) -> str:
    """Return what is to be added to the path of whoever imports it."""
    return os.fspath(peer.folder) if peer.version else ""
