"""What ``foregone.observer`` logged of one process pool, as actions of its model.

The entries are made events, as for any observer, and ``run_of_processes`` reads these.  A
simulated pool logs more, where it happens (``model_tests/simulation``): Born, Claim, Finish,
Ready, Heard, Told, InitializerFails, Died, Exited, Sleep, and that the system has refused
something; and Slept, where the local worker has waited with a limit, and was woken.  The model
has it sleep there if something has come that wakes it in the model, too; else it was awake.
"""

from collections.abc import Iterator
from typing import Final

from foregone import observer
from foregone.events import Event
from foregone.events_of_processes import ProcessEvents
from foregone.process_pool.call_queue import CallQueue
from foregone.process_pool.rooms import Pool
from foregone.process_pool.wire import DEPTH
from foregone.process_pool.work_items import Call
from foregone.run_of_processes import ProcessReader
from foregone.run_rooms import Generous, Made, Unmodelled
from foregone_spec import lifecycle as life
from foregone_spec import process_pool_actions as act
from foregone_spec.process_pool_state import ProcessPoolState
from model_tests.recording import Entries, Replay, logged

_OF_PROCESS: Final = (
    "Claim", "Finish", "Ready", "Heard", "Told", "InitializerFails", "Died", "Exited",
)  # fmt: skip


class _Encoder(ProcessEvents):
    """Gives a simulated process the number that it was born with."""

    def __init__(self, pool: Pool) -> None:
        super().__init__(pool)
        self.born: dict[object, int] = {}

    def next_number(self, queue: CallQueue) -> int:
        return self.born.get(queue.process) or super().next_number(queue)


class _Exact(ProcessReader):
    """Reads what a simulated pool has logged."""

    exact: bool = True

    def read(self, event: Event) -> None:
        match event.action:
            case "Born":
                self.start(event.worker)
            case "Sleep" | "Slept":
                self.rest()
            case "Refused":
                raise Unmodelled("the system has refused something")
            case name if name in _OF_PROCESS:
                self.process(name, event)
            case _:
                super().read(event)

    def process(self, name: str, event: Event) -> None:
        seen = self.of(event.worker)
        if seen.stands == "buried":
            return
        match name:
            case "Claim" | "Finish" if seen.stands == "starting":
                seen.held.append((name, self.number(event.call)))
                self.holding[self.number(event.call)] = seen
            case "Claim":
                self.claims(seen, self.number(event.call))
            case "Finish":
                self.finishes(seen, self.number(event.call))
            case "Ready":
                seen.was_ready = True
            case "Heard":
                self.unheard.discard(seen)
                self.ready(seen)
            case "Told" if self.phase_seen is not life.Phase.BROKEN:  # else it was killed
                self.stop(seen)
            case "InitializerFails":
                seen.failed = True
            case _ if seen.stands not in ("starting", "idle"):  # else it is not missed yet
                self.dies(seen)


def _as_won(entries: Entries) -> Entries:
    """Return the entries, each won ticket where it was won: its step logs it at its end."""
    ordered: list[observer.Entry] = []
    won: list[int] = []
    for entry in entries:
        match entry:
            case ("Won",):
                won.append(len(ordered))
            case ("Take", *_, True) if won:
                ordered.insert(won.pop(), entry)
            case _:
                ordered.append(entry)
    return ordered


def _events(entries: Entries, encoder: _Encoder) -> Iterator[Event]:
    """Yield what was logged, as events."""
    for entry in _as_won(entries):
        match entry:
            case ("Born", process):
                encoder.born[process] = len(encoder.born) + 1
                yield logged("Born", 0, encoder.born[process])
            case ("Sleep" | "Slept" | "Refused" as name, *_):
                yield logged(name)
            case (str(name), process, *about) if name in _OF_PROCESS:
                call = about[0]._number + 1 if about and isinstance(about[0], Call) else 0
                yield logged(name, call, encoder.born[process])
            case (_, _, *_):
                yield from (logged(*told) for told in encoder.tell([entry]))


def of_process_pool(
    entries: Entries, pool: Pool, *, exact: bool = False, depth: int = DEPTH
) -> Replay[ProcessPoolState, act.Action]:
    """Return the run of one pool; ``exact`` if its processes were simulated."""
    found = _read(entries, pool, exact=exact, depth=depth)
    if ("Slept",) in entries and found.verdict().index is not None:
        awake = [each for each in entries if each != ("Slept",)]
        found = _read(awake, pool, exact=exact, depth=depth)
    return found


def _read(
    entries: Entries, pool: Pool, *, exact: bool, depth: int
) -> Replay[ProcessPoolState, act.Action]:
    encoder = _Encoder(pool)
    made = Made.of({**encoder.opened()[-1], "depth": depth})
    read = (_Exact if exact else ProcessReader)(list(_events(entries, encoder)), made)
    run = read.run()
    return Replay(Generous(run.model), run.steps, lambda _: False)
