"""The peers that foregone is compared with, and the environment in which their drivers run."""

import os
from typing import Final

from bench.beside import ROOT, Beside

PEERS: Final = Beside("bench-peers", ROOT / "bench" / "requirements.txt")


def environment() -> dict[str, str]:
    """Return the environment of a driver: the rooms of this checkout, then the peers.

    Bytecode is kept, as that of an installed library is: else each process would compile.
    """
    path = (ROOT, ROOT / "impl", ROOT / "spec", PEERS.folder())
    kept = {name: text for name, text in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return {**kept, "PYTHONPATH": os.pathsep.join(map(str, path)), "PYTHONHASHSEED": "0"}
