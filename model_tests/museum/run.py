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

from model_tests.museum import exhibits_future, exhibits_pool, exhibits_process
from model_tests.museum.exhibits_future import DefectError

ROOMS = (exhibits_future, exhibits_pool, exhibits_process)


def outcome(exhibit: str, module: str, seed: str) -> str:
    """Return the word for what came out."""
    room = next(each for each in ROOMS if hasattr(each, exhibit))
    act = getattr(room, exhibit)
    if seed:
        seeds = "seeds_process" if room is exhibits_process else "seeds"
        getattr(importlib.import_module(f"model_tests.museum.{seeds}"), seed)()
    cf = importlib.import_module(module)
    importlib.import_module(f"{module}.{'process' if room is exhibits_process else 'thread'}")
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
