"""Run one exhibit in this process: ``run.py EXHIBIT MODULE [SEED]``.

The last line of standard output is the word for what came out: "passes", "hangs"
(all stacks are then on standard error), "absent" where the standard library does not
know an argument yet, or the exhibit's own.  The process ends at once, whatever
threads are stuck in it.
"""

from __future__ import annotations

import faulthandler
import importlib
import logging
import os
import sys
import traceback
import warnings
from typing import Any

from foregone_conformance.exhibits import future, peer, pool, process, process_old
from foregone_conformance.exhibits.future import DefectError

ROOMS = (future, pool, process, process_old, peer)
OF_PROCESSES = (process, process_old, peer)
PEER = "peer:"
SEEDS = ("seeds", "seeds_process", "seeds_peer")


def plant(seed: str) -> None:
    """Write the old design again: in this process ``concurrent.futures`` has it."""
    for name in SEEDS:
        module = importlib.import_module(f"model_tests.museum.{name}")
        if hasattr(module, seed):
            getattr(module, seed)()
            return
    raise LookupError(f"no seed {seed}")


def outcome(exhibit: str, module: str, seed: str) -> str:
    """Return the word for what came out."""
    room = next(each for each in ROOMS if hasattr(each, exhibit))
    act = getattr(room, exhibit)
    if seed:
        plant(seed)
    cf: Any
    if module.startswith(PEER):
        shapes = importlib.import_module("model_tests.museum.peers.shapes")
        cf = shapes.SHAPES[module.removeprefix(PEER)]()
    else:
        cf = importlib.import_module(module)
        importlib.import_module(f"{module}.{'process' if room in OF_PROCESSES else 'thread'}")
    try:
        act(cf)
    except DefectError as defect:
        return str(defect)
    except TypeError as error:
        if "unexpected keyword argument" not in str(error):
            raise
        return "absent"
    return "passes"


def main(exhibit: str, module: str, seconds: str, seed: str = "") -> None:
    logging.disable(logging.CRITICAL)
    warnings.simplefilter("ignore")  # that threads and fork do not mix
    faulthandler.dump_traceback_later(float(seconds), exit=True)
    try:
        word = outcome(exhibit, module, seed)
    except BaseException:
        traceback.print_exc()
        word = "breaks"
    print(word, flush=True)
    os._exit(0)


if __name__ == "__main__":
    main(*sys.argv[1:])
