"""Make the environment in which the Makefile's targets run, or find it fresh.

    PYTHON .ci/environment.py VENV

VENV holds exactly what .ci/requirements.txt pins, hash by hash, and this project,
editable.  What it was made from is written to VENV/made-from; as long as that has
not changed there is nothing to do and nothing is printed.  This file is read by
whatever Python 3 the caller has: old ones must get as far as the error message.
"""

import hashlib
import json
import os
import subprocess
import sys

LEAST = (3, 11)
ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
REQUIREMENTS = os.path.join(".ci", "requirements.txt")


def digest(*paths):
    """Return one hash over the contents of the files at ``paths``."""
    whole = hashlib.sha256()
    for path in paths:
        with open(os.path.join(ROOT, path), "rb") as file:
            whole.update(hashlib.sha256(file.read()).digest())
    return whole.hexdigest()


def wanted():
    """Return what an environment that is made now would be made from."""
    return {
        "python": "{} {}.{}.{}".format(sys.implementation.name, *sys.version_info[:3]),
        "interpreter": os.path.realpath(sys.executable),
        "checkout": ROOT,
        "files": digest(REQUIREMENTS, "pyproject.toml"),
    }


def found(stamp):
    """Return what the environment was made from, or {} where nobody wrote it down."""
    try:
        with open(stamp) as file:
            return json.load(file)
    except (OSError, ValueError):
        return {}


def write(stamp, made_from):
    """Write down what the environment was made from."""
    with open(stamp, "w") as file:
        json.dump(made_from, file, indent=1)


def run(*command):
    """Run ``command`` quietly; show what it said, and stop, when it fails."""
    done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    if done.returncode:
        sys.stderr.buffer.write(done.stdout)
        sys.exit("error: this failed: " + " ".join(command))


def main(venv):
    """Bring ``venv`` up to date."""
    if sys.version_info < LEAST:
        sys.exit(
            "error: foregone needs Python {}.{} or newer, and {} is {}.{}.{}:\n"
            "name another one, as in: make test PYTHON=python3.12".format(
                *LEAST, sys.executable, *sys.version_info[:3]
            )
        )
    venv = os.path.join(ROOT, venv)
    stamp = os.path.join(venv, "made-from")
    python = os.path.join(venv, "bin", "python")
    want, have = wanted(), found(stamp)
    if want == have and os.path.exists(python):
        return
    try:
        import ensurepip  # noqa: F401 - Debian packs it apart, and venv needs it
        import venv as _  # noqa: F401
    except ImportError:
        sys.exit(
            "error: {} has no venv module: install it (Debian and Ubuntu: "
            "apt install python3-venv), or name another Python, as in: "
            "make test PYTHON=python3.12".format(sys.executable)
        )
    print("making {} with Python {}.{}.{}".format(venv, *sys.version_info[:3]), flush=True)
    moved = any(want[key] != have.get(key, want[key]) for key in want if key != "files")
    run(sys.executable, "-m", "venv", *(["--clear"] if moved else []), venv)
    write(stamp, dict(want, files="unfinished"))  # who is interrupted here begins again
    pip = (python, "-m", "pip", "--disable-pip-version-check", "--no-input", "install", "--quiet")
    run(*pip, "--require-hashes", "-r", REQUIREMENTS)
    run(*pip, "--no-deps", "--no-build-isolation", "--editable", ".")
    write(stamp, want)


if __name__ == "__main__":
    main(*sys.argv[1:])
