"""Histories of real threads on one future, judged by the table of ``foregone_spec.future``.

A history is linearizable if each call can be given one instant between its begin and its
return, so that the calls, done one after the other as the table says, give the replies that
were heard.  ``histories.py`` looks for such instants.
"""

import os
import sys
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from random import Random
from types import ModuleType
from typing import Final

from foregone_conformance import calls
from foregone_conformance.claims import Group, Registry
from foregone_conformance.exhibits.future import until
from foregone_conformance.exhibits.tasks import mark
from foregone_conformance.histories import (
    IN_TIME,
    LATE,
    Begins,
    Call,
    Event,
    Quiet,
    Ran,
    Returns,
    complaints,
)
from foregone_conformance.judged import Judged
from foregone_conformance.kinds import Broken, Kind
from foregone_conformance.replies import reply

claim: Final = Registry(Group.LINEARIZABLE)

LOOKS: Final = (
    "done", "running", "cancelled", "result", "result(1)", "exception", "wait", "wait(1)",
    "as_completed", "cancel", "cancel",
)  # fmt: skip
BARE: Final = (*LOOKS, "start", "set_result", "set_exception", "add", "add", "add")
SHORT: Final = 0.0005  # seconds of a call that has a time limit
SWITCH: Final = 1e-5  # seconds after which another thread may run
BARE_ROUNDS: Final = 250
OWNED_ROUNDS: Final = {Kind.THREAD: 100, Kind.PROCESS: 30}
WORKER: Final = 9  # the number of whoever runs the call


def drawn_threads(draw: Random, verbs: Sequence[str]) -> list[list[Call]]:
    """Return what two or three threads are to do."""
    threads: list[list[Call]] = []
    for thread in range(draw.randint(2, 3)):
        length = draw.randint(1, 3)
        row = [Call.read(thread, place, draw.choice(verbs)) for place in range(length)]
        threads.append(row)
    return threads


class History:
    """One future, the threads that use it, and what they see.

    ``library`` is where the ``wait`` and ``as_completed`` are that belong to the future.
    """

    def __init__(self, library: ModuleType, future: "Future[object]") -> None:
        self._future = future
        self._library = library
        self._who: dict[int, int] = {}
        self.events: list[Event] = []

    def run(self, threads: Sequence[Sequence[Call]], meanwhile: Callable[[], None]) -> None:
        """Run all threads at once; ``meanwhile`` has to see to it that the future ends."""
        together = threading.Barrier(len(threads) + 1)

        def body(row: Sequence[Call]) -> None:
            self._who[threading.get_ident()] = row[0].thread
            together.wait()
            for call in row:
                self.do(call)

        running = [threading.Thread(target=body, args=(row,), daemon=True) for row in threads]
        for each in running:
            each.start()
        together.wait()
        meanwhile()
        for each in running:
            each.join()

    def do(self, call: Call) -> None:
        """Do one call, and write down what it sees."""
        self.events.append(Begins(call))
        heard = reply(call, self._future, self._library, SHORT, self._ran)
        late = not call.patient and heard in IN_TIME
        self.events.append(Returns(call, heard, late))

    def _ran(self, call: Call, _: object) -> None:
        self.events.append(Ran(call.tag, self._who.get(threading.get_ident(), LATE)))


def spin(draw: Random) -> None:
    """Let a moment pass, in which other threads may run or not."""
    for _ in range(draw.choice((0, 10, 1000, 5000))):
        pass


def shown(threads: Sequence[Sequence[Call]], wrong: Sequence[str]) -> str:
    """Return a history that is wrong, with the program that it is of."""
    rows = " | ".join("; ".join(map(str, row)) for row in threads)
    return "\n".join([f"{wrong[0]} of {rows}", *wrong[1:]])


@claim(
    "bare-future",
    "histories of threads that command one future are those of the table",
    "foregone_spec.future.TRANSITIONS",
    "two threads that end, cancel or wait for one future are told what cannot be true",
)
def bare_future(judged: Judged) -> None:
    """Draw programs of two or three threads on a future that nobody owns."""
    sys.setswitchinterval(SWITCH)
    library = judged.library()
    for number in range(BARE_ROUNDS):
        draw = Random(f"{judged.seed}.{number}")
        history = History(library, judged.future())
        threads = drawn_threads(draw, BARE)
        judged.doing(f"round {number}: waiting for the threads of {threads}")

        def end(history: History = history, draw: Random = draw) -> None:
            spin(draw)
            history.do(Call(LATE, 0, "start"))
            history.do(Call(LATE, 1, "set_result"))

        history.run(threads, end)
        wrong = [*complaints([*history.events, Quiet()], owned=False)]
        if wrong:
            owned = [*complaints([*history.events, Quiet()], owned=True)]
            if owned:
                raise Broken(f"round {number}: {shown(threads, wrong)}")


@claim(
    "owned-future",
    "histories of threads that look at a call, or cancel it, are those of the table",
    "foregone_spec.future.TRANSITIONS",
    "threads that use the future of one call are told what cannot be true",
)
def owned_future(judged: Judged) -> None:
    """Draw programs of two or three threads on the future of a call that is held for a moment."""
    sys.setswitchinterval(SWITCH)
    library = judged.library()
    place = judged.folder()
    pool = judged.pool(2)
    for number in range(OWNED_ROUNDS[judged.kind]):
        draw = Random(f"{judged.seed}.{number}")
        own = os.path.join(place, str(number))
        os.mkdir(own)
        start, ends = Call(WORKER, 0, "start"), Call(WORKER, 1, "set_result")
        future: Future[object] = pool.submit(calls.hold, own, ends.tag)
        history = History(library, future)
        threads = drawn_threads(draw, LOOKS)
        judged.doing(f"round {number}: waiting for the threads of {threads}")

        def end(own: str = own, draw: Random = draw) -> None:
            spin(draw)
            mark(own, "go on")

        history.run(threads, end)
        judged.doing(f"round {number}: waiting for the end of its call")
        until(future.done)
        wrong = unexplained(history.events, start, ends, future.cancelled())
        if wrong:
            raise Broken(f"round {number}: {shown(threads, wrong)}")
    pool.shutdown()


def unexplained(seen: Sequence[Event], start: Call, ends: Call, cancelled: bool) -> list[str]:
    """Return what is wrong with a history, whoever of the two ways cancel() has gone."""
    if not cancelled:
        ran = [Begins(start), Begins(ends), *seen, Returns(start, "True"), Returns(ends, "None")]
        return [*complaints([*ran, Quiet()], owned=True)]
    if not [*complaints([*seen, Quiet()], owned=True)]:
        return []
    came = [Begins(start), *seen, Returns(start, "False")]
    return [*complaints([*came, Quiet()], owned=False)]
