"""The museum's scripts as claims: an executor is free of a bug of the field, or has it."""

import os
from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Final, cast

from foregone_conformance.claims import Check, Claim, Group
from foregone_conformance.exhibits import future, peer, pool, process, process_old
from foregone_conformance.exhibits.future import DefectError
from foregone_conformance.judged import Judged
from foregone_conformance.kinds import Broken, Kind, NotApplicable
from foregone_conformance.museum_rooms import ROOMS, Room

#: The scripts' modules, and which executors they are about.
SCRIPTS: Final[dict[ModuleType, tuple[Kind, ...]]] = {
    future: (Kind.THREAD, Kind.PROCESS),
    pool: (Kind.THREAD,),
    process: (Kind.PROCESS,),
    process_old: (Kind.PROCESS,),
    peer: (Kind.PROCESS,),
}
#: Those among the futures' that need a thread pool.
OF_THREADS: Final = ("M4", "H20")
#: They take for granted that a pool breaks when a process dies.
OF_BREAKING: Final = ("H12", "H13", "M12")
#: They flood a pool with calls, and who does not hang may take long.
FLOODING: Final = {"M3": 3.0}
#: What a future or a factory has not is no bug of it.
PRIVATE: Final = "_waiters"

WORDS: Final = {
    "accepted": "a call was accepted by a pool that cannot run it",
    "disorder": "callbacks ran in another order than they were added in",
    "dropped": "results are missing",
    "early": "shutdown(wait=True) returned while a call was running",
    "escapes": "an error of a callback reached who added it",
    "ghost": "a call ran whose submit had raised",
    "late": "the time limit began with the first next(), not with the call",
    "leaks": "a waiter stayed on its future",
    "lost": "a call was accepted, and lost",
    "misled": "the call ended otherwise than by an error that says why",
    "overwritten": "a second set_result won",
    "pending": "what shutdown(cancel_futures=True) should have cancelled is not done",
    "poisoned": "the pool did not run the next call",
    "raised": "an error that the call returned was raised",
    "raises": "shutdown raised",
    "refused": "the pool refused a call because of another thread",
    "shared": "two futures share one exception object",
    "stranded": "calls ran that nobody can reach any more",
    "swallowed": "an error was swallowed",
    "twice": "a future that was given twice was counted twice",
    "weakened": "a later shutdown took cancel_futures back",
}


def _goes_on(judged: Judged) -> bool:
    """Say whether the pool goes on when a process dies."""
    there = judged.pool(1)
    judged.doing("waiting for the end of a call whose process ends in it")
    there.submit(os._exit, 1).exception()
    try:
        return there.submit(int).exception() is None
    except RuntimeError:
        return False


def _checked(room: Room, script: Callable[[ModuleType], None]) -> Check:
    def check(judged: Judged) -> None:
        if room.id in OF_BREAKING and _goes_on(judged):
            raise NotApplicable("the pool goes on when a process dies")
        judged.doing(f"in {script.__name__}: {room.title}")
        try:
            script(judged.shape())
        except DefectError as defect:
            word = str(defect)
            raise Broken(f"{word}: {WORDS[word]}") from defect
        except TypeError as error:
            if "unexpected keyword argument" not in str(error):
                raise
            raise NotApplicable(f"an argument is not known ({error})") from error
        except AttributeError as error:
            if PRIVATE not in str(error):
                raise
            raise NotApplicable(
                f"its futures are not made as the standard ones ({error})"
            ) from error

    return check


def _claims() -> Iterator[Claim]:
    for room in ROOMS:
        module = next(each for each in SCRIPTS if hasattr(each, room.script))
        script = cast("Callable[[ModuleType], None]", getattr(module, room.script))
        yield Claim(
            id=room.id,
            group=Group.MUSEUM,
            title=f"free of: {room.title}",
            source=room.link,
            means="a bug of the field; docs/museum.md tells it step by step",
            check=_checked(room, script),
            kinds=(Kind.THREAD,) if room.id in OF_THREADS else SCRIPTS[module],
            limit=FLOODING.get(room.id, 1.0),
        )


CLAIMS: Final = [*_claims()]
