"""The peers, installed beside the environment and never into it.

They go to a folder under build/, named after the interpreter and after the contents of
bench/requirements.txt, which pins and hashes them.  Only the bench's own drivers have that
folder on their path: nothing that is verified can come to depend on a peer.
"""

import hashlib
import os
import pathlib
import shutil
import subprocess
import sys
from importlib.metadata import distributions
from typing import Final

ROOT: Final = pathlib.Path(__file__).resolve().parent.parent
REQUIREMENTS: Final = ROOT / "bench" / "requirements.txt"


def folder() -> pathlib.Path:
    """Return where the peers are, or would be."""
    pins = hashlib.sha256(REQUIREMENTS.read_bytes()).hexdigest()[:12]
    version = f"{sys.implementation.name}-{sys.version_info[0]}.{sys.version_info[1]}"
    return ROOT / "build" / "bench-peers" / f"{version}-{pins}"


def install() -> str:
    """Install the peers if they are not there; return "" or why it failed."""
    target = folder()
    if target.is_dir():
        return ""
    fresh = target.with_name(f"{target.name}.unfinished")
    shutil.rmtree(fresh, ignore_errors=True)
    pip = (sys.executable, "-m", "pip", "--disable-pip-version-check", "--no-input", "install")
    which = ("--require-hashes", "-r", str(REQUIREMENTS), "--target", str(fresh))
    done = subprocess.run((*pip, "--quiet", *which), capture_output=True, text=True)
    if done.returncode:
        return (done.stderr.strip() or done.stdout.strip() or "pip failed")[-500:]
    fresh.rename(target)
    return ""


def versions() -> dict[str, str]:
    """Return the version of each peer that is installed."""
    return {each.name.lower(): each.version for each in distributions(path=[str(folder())])}


def environment() -> dict[str, str]:
    """Return the environment of a driver: the rooms of this checkout, then the peers.

    Bytecode is kept, as that of an installed library is: else each process would compile.
    """
    path = (ROOT, ROOT / "impl", ROOT / "spec", folder())
    kept = {name: text for name, text in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return {**kept, "PYTHONPATH": os.pathsep.join(map(str, path)), "PYTHONHASHSEED": "0"}
