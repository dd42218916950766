"""Try one claim in this process, which does not survive it: ``judge.py`` starts it.

    python -m foregone_conformance.child ADDRESS KIND CLAIM SEED FOLDER

What came out is written to ``result.json`` in FOLDER.  CLAIM "look" says what the executor is.
"""

import faulthandler
import fcntl
import json
import logging
import os
import select
import signal
import sys
import traceback
import warnings
from typing import TYPE_CHECKING, Final

from foregone_conformance import session
from foregone_conformance.kinds import BadFactory, Broken, Kind, NotApplicable

if TYPE_CHECKING:
    from foregone_conformance.judged import Judged

LOOK: Final = "look"
RESULT: Final = "result.json"
STACKS: Final = "stacks"
LEFT: Final = "left"  # who was there at the end
#: What the judge sends to see all stacks.
TELL: Final = signal.SIGQUIT


def tried(address: str, kind: str, claim: str, seed: str, place: str) -> dict[str, str]:
    """Return the verdict on one claim, and what was seen."""
    from foregone_conformance.judged import Judged
    from foregone_conformance.promises import waived

    try:
        judged = Judged(address, Kind(kind), int(seed), place)
    except BadFactory as bad:
        return {"verdict": "bad", "seen": str(bad)}
    came = _tried(judged, claim)
    if came["verdict"] in ("kept", "broken"):
        why = waived(judged.says, claim, came["verdict"], came["seen"])
        return {"verdict": "not applicable", "seen": why} if why else came
    return came


def _tried(judged: "Judged", claim: str) -> dict[str, str]:
    from foregone_conformance.catalogue import by_id

    try:
        by_id(claim).check(judged)
    except Broken as broken:
        return {"verdict": "broken", "seen": str(broken)}
    except NotApplicable as reason:
        return {"verdict": "not applicable", "seen": str(reason)}
    except BadFactory as bad:  # it was good for the first call
        return {"verdict": "broken", "seen": str(bad)}
    except BaseException as error:
        frames = traceback.extract_tb(error.__traceback__)
        where = next((f"{each.name}: {each.line}" for each in frames[::-1] if _ours(each)), "")
        return {
            "verdict": "broken",
            "seen": f"it raised {type(error).__name__}: {error}\nin {where}",
            "stacks": traceback.format_exc(),
        }
    return {"verdict": "kept", "seen": ""}


def _ours(frame: traceback.FrameSummary) -> bool:
    return os.path.dirname(os.path.abspath(__file__)) in os.path.abspath(frame.filename)


def look(address: str) -> dict[str, str]:
    """Return what the executor is."""
    from foregone_conformance.judged import looked_at

    try:
        return {"verdict": "kept", **looked_at(address)}
    except BadFactory as bad:
        return {"verdict": "bad", "seen": str(bad)}
    except BaseException as error:
        return {
            "verdict": "bad",
            "seen": f"{address!r} cannot be used: {type(error).__name__}: {error}: "
            "it must be callable as factory(max_workers=1)",
            "stacks": traceback.format_exc(),
        }


def end_with_the_judge() -> None:
    """Have the kernel kill this process when the judge is gone, however that came.

    The judge holds the other end of standard input, and writes nothing.  Who reads from there
    finds the end of it: the pipe gets another number, which no call knows.  Only on Linux.
    """
    pipe = os.dup(0)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    if not hasattr(fcntl, "F_SETSIG"):
        return
    fcntl.fcntl(pipe, fcntl.F_SETOWN, os.getpid())
    fcntl.fcntl(pipe, fcntl.F_SETSIG, signal.SIGKILL)
    flags = fcntl.fcntl(pipe, fcntl.F_GETFL)
    fcntl.fcntl(pipe, fcntl.F_SETFL, flags | os.O_ASYNC)
    poll = select.poll()
    poll.register(pipe, 0)
    if poll.poll(0):  # it was gone before
        os._exit(1)


def main(address: str, kind: str, claim: str, seed: str, place: str) -> None:
    """Try a claim, and end this process at once, whatever threads are stuck in it."""
    logging.disable(logging.CRITICAL)
    warnings.simplefilter("ignore")  # that threads and fork do not mix
    stacks = open(os.path.join(place, STACKS), "w", encoding="utf-8")  # noqa: SIM115  to the end
    faulthandler.enable(stacks)
    faulthandler.register(TELL, stacks, all_threads=True)
    end_with_the_judge()
    session.adopt()
    came = look(address) if claim == LOOK else tried(address, kind, claim, seed, place)
    path = os.path.join(place, RESULT)
    with open(f"{path}.new", "w", encoding="utf-8") as file:
        json.dump(came, file)
    os.replace(f"{path}.new", path)
    with open(os.path.join(place, LEFT), "w", encoding="ascii") as file:
        file.write(session.Family(os.getpid()).noted())
    os._exit(0)


if __name__ == "__main__":
    main(*sys.argv[1:])
