"""The process pool's rooms under a scheduler: which fields and containers are shared.

``load`` returns the rooms as they are, or a copy with edits, and with it a copy of the
simulation, which knows the library's classes.  What one thread alone touches (most of
the local worker, and of a Call Q what concerns its own reading) has no cell.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Final

from model_tests.schedule_explore import Bench
from model_tests.schedule_library import FUTURE_FIELDS, Edit, Library, Places, modules
from model_tests.schedule_standins import Gate, Threads
from model_tests.scheduler import Scheduler

NAMES: Final = {
    **{room: f"foregone.{room}" for room in ("sync", "clock", "future", "observer")},
    **{
        room: f"foregone.process_pool.{room}"
        for room in ("rooms", "local_worker", "call_queue", "callbacks", "work_items")
    },
    "processes": "model_tests.process_schedules",
    "world": "model_tests.process_schedule_world",
    "runs": "model_tests.simulation.runs",
}
#: What knows the library by its names, and so is copied with it.
KNOW_IT: Final = (
    "model_tests.process_schedules", "model_tests.process_schedule_world",
    "model_tests.simulation", "model_tests.recording",
)  # fmt: skip

POOL_FIELDS: Final = (
    "accepted", "alive", "begun", "broken", "held", "horizon", "pausing", "phase", "queues",
    "recalled", "room", "waiting",
)  # fmt: skip
QUEUE_FIELDS: Final = (
    "batch", "blocked", "bytes", "ended", "gone", "head", "left", "offset", "outbox", "ring",
    "stands", "tail",
)  # fmt: skip
WORKER_FIELDS: Final = (
    "_awake", "_closers", "_decided", "ended", "poller", "thread", "ticking",
)  # fmt: skip
CALLBACKS_FIELDS: Final = ("_ended", "_queue", "thread")
CALL_FIELDS: Final = ("_frames", "_place", "_queue", "_serial")


def load(edits: Sequence[Edit] = ()) -> Library:
    """Return the rooms by name: as they are, or copies with edits."""
    return modules(NAMES, edits, KNOW_IT)


@contextmanager
def under(scheduler: Scheduler, library: Library) -> Iterator[Callable[[], None]]:
    """Give ``library`` to ``scheduler`` meanwhile; yield what to call before each run."""
    places = Places()
    drained = library.future._DRAINED
    shared = (
        (library.future.Future, FUTURE_FIELDS),
        (library.rooms.Pool, POOL_FIELDS),
        (library.call_queue.CallQueue, QUEUE_FIELDS),
        (library.local_worker.LocalWorker, WORKER_FIELDS),
        (library.callbacks.Callbacks, CALLBACKS_FIELDS),
        (library.work_items.Call, CALL_FIELDS),
    )
    with library.runs.patched():
        fields = [
            each
            for owner, names in shared
            for each in places.fields(scheduler, owner, names, drained)
        ]
        library.threads = threads = Threads(scheduler)
        library.sized = library.runs._sized

        def new_lock() -> object:
            return library.world.Guard(library.world.NOW.world)

        def new_gate() -> Gate:
            return Gate(scheduler)

        for room in (library.future, library.sync, library.local_worker):
            for name, stands in (("new_lock", new_lock), ("new_gate", new_gate)):
                if name in vars(room):
                    places.put(room, name, stands)
        places.put(library.local_worker, "threading", threads)
        places.put(library.clock, "now", scheduler.now)
        places.put(library.future.LOGGER, "disabled", True)

        def prepare() -> None:
            for field in fields:
                field.cells.clear()
            threads.made.clear()
            drained.clear()
            scheduler.prepare()

        try:
            yield prepare
        finally:
            places.undo()


@contextmanager
def bench(library: Library = None) -> Iterator[Bench]:
    """Put the process pool's rooms (the real ones, if None) under a scheduler meanwhile."""
    library = library or load()
    scheduler = Scheduler()
    try:
        with under(scheduler, library) as prepare:
            yield Bench(scheduler, library, prepare)
    finally:
        scheduler.close()
