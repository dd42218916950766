"""Packages installed beside the environment and never into it.

They go to a folder under build/, named after the interpreter and after the contents of a
file that pins and hashes them.  Only who puts that folder on his path has them: nothing
that is verified can come to depend on one.
"""

import hashlib
import pathlib
import shutil
import subprocess
import sys
from dataclasses import dataclass
from importlib.metadata import distributions
from typing import Final, final

ROOT: Final = pathlib.Path(__file__).resolve().parent.parent


@final
@dataclass(frozen=True)
class Beside:
    """The packages that a file of requirements names, in a folder of their own."""

    name: str
    requirements: pathlib.Path

    def folder(self) -> pathlib.Path:
        """Return where they are, or would be."""
        pins = hashlib.sha256(self.requirements.read_bytes()).hexdigest()[:12]
        version = f"{sys.implementation.name}-{sys.version_info[0]}.{sys.version_info[1]}"
        return ROOT / "build" / self.name / f"{version}-{pins}"

    def install(self) -> str:
        """Install them if they are not there; return "" or why it failed."""
        target = self.folder()
        if target.is_dir():
            return ""
        fresh = target.with_name(f"{target.name}.unfinished")
        shutil.rmtree(fresh, ignore_errors=True)
        pip = (sys.executable, "-m", "pip", "--disable-pip-version-check", "--no-input", "install")
        which = ("--require-hashes", "-r", str(self.requirements), "--target", str(fresh))
        done = subprocess.run((*pip, "--quiet", *which), capture_output=True, text=True)
        if done.returncode:
            return (done.stderr.strip() or done.stdout.strip() or "pip failed")[-500:]
        fresh.rename(target)
        return ""

    def versions(self) -> dict[str, str]:
        """Return the version of each that is installed."""
        return {
            each.name.lower(): each.version for each in distributions(path=[str(self.folder())])
        }
