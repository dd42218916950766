"""Scenes to intrude upon: one future, or one pool, in some state, and all its calls."""

import threading
from collections.abc import Callable
from functools import partial
from typing import Any, Final

import foregone
from foregone.future import OWNED, Future
from foregone_spec.future import DONE

SOON: Final = 1e-9  # seconds: enough to go the long way, and block

Outcome = tuple[str, object]


class Told:
    """A waiter that writes down what it is told."""

    def __init__(self) -> None:
        self.times = 0
        self.finished_futures: list[object] = []

    def add_result(self, future: object) -> None:
        if future not in self.finished_futures:
            self.finished_futures.append(future)
            self.times += 1

    add_exception = add_cancelled = add_result


class Scene:
    """One future with callbacks and a waiter, in some state, and what becomes of it."""

    def __init__(self, state: str) -> None:
        self.future: Future[Any] = Future()
        self.order: list[str] = []
        self.waiter = Told()
        if state.startswith("owned"):
            self.future._cancel_as = OWNED
        if not state.endswith("bare"):
            for name in ("first", "second"):
                self.add(name)
            self.future._install((self.waiter,))  # type: ignore[arg-type]  # a double
        if "running" in state or "notified" in state or "cancelled" in state:
            if "running" not in state:
                self.future.cancel()
            if "cancelled" not in state:
                self.future.set_running_or_notify_cancel()
        if "finished" in state:
            self.future.set_result("before")
        if "failed" in state:
            self.future.set_exception(KeyError("before"))

    def add(self, name: str) -> None:
        self.future.add_done_callback(lambda _: self.order.append(name))

    def result(self) -> tuple[object, ...]:
        """Return all that one can see afterwards."""
        now = self.future._now
        ended = (self.future._result, str(self.future._exception)) if now in DONE else ()
        # a waiter that came before its future was notified is told once
        return now, ended, tuple(self.order), self.waiter.times


def outcome(call: Callable[[Scene, str], object], scene: Scene, who: str) -> Outcome:
    try:
        return "returned", call(scene, who)
    except Exception as error:
        return "raised", type(error).__name__


def _wait(scene: Scene, timeout: float) -> tuple[int, int]:
    done, not_done = foregone.wait([scene.future], timeout)
    return len(done), len(not_done)


def blocks(scene: Scene, _: str) -> object:
    return scene.future.result()


def iterates(futures: list[Future[Any]]) -> None:
    assert len(list(foregone.as_completed(futures))) == len(futures)


OPERATIONS: Final[dict[str, Callable[[Scene, str], object]]] = {
    "cancel": lambda scene, _: scene.future.cancel(),
    "cancelled": lambda scene, _: scene.future.cancelled(),
    "running": lambda scene, _: scene.future.running(),
    "done": lambda scene, _: scene.future.done(),
    "result": lambda scene, _: scene.future.result(0),
    "result soon": lambda scene, _: scene.future.result(SOON),
    "exception": lambda scene, _: str(scene.future.exception(0)),
    "exception soon": lambda scene, _: str(scene.future.exception(SOON)),
    "add_done_callback": lambda scene, who: scene.add(who),
    "start": lambda scene, _: scene.future.set_running_or_notify_cancel(),
    "set_result": lambda scene, who: scene.future.set_result(who),
    "set_exception": lambda scene, who: scene.future.set_exception(ValueError(who)),
    "wait": lambda scene, _: _wait(scene, 0),
    "wait soon": lambda scene, _: _wait(scene, SOON),
    "as_completed": lambda scene, _: len(list(foregone.as_completed([scene.future], SOON))),
}

STATES: Final = (
    "pending, bare", "pending", "owned", "running", "cancelled", "notified", "finished", "failed",
)  # fmt: skip


# -------------------------------------------------------------------- executors


class Room:
    """A pool in some state, and every call that was given to it."""

    def __init__(self, state: str) -> None:
        self.hold = threading.Event()
        self.pool = foregone.ThreadPoolExecutor(2 if "two" in state else 1)
        self.futures: list[Future[Any]] = []
        self.ran: list[int] = []
        self.refused: list[int] = []
        self.given = 0
        if "busy" in state:
            self.futures.append(self.pool.submit(self.hold.wait))
            if "two" not in state:
                self.submit()
        elif "idle" in state:
            self.submit().result()
            while not self.pool._pool.parked:
                threading.Event().wait(0.0001)

    def submit(self) -> Future[Any]:
        self.given += 1
        number = self.given
        try:
            future = self.pool.submit(self.ran.append, number)
        except RuntimeError:
            self.refused.append(number)
            raise
        self.futures.append(future)
        return future

    def check(self) -> None:
        """Everything that was accepted ends, nothing runs twice, refused is refused."""
        self.hold.set()
        self.pool.shutdown()
        assert all(each.done() for each in self.futures)
        assert len(set(self.ran)) == len(self.ran)
        assert not set(self.ran) & set(self.refused)
        finished = [each for each in self.futures if not each.cancelled()]
        assert all(each.exception() is None for each in finished)
        pool = self.pool._pool
        assert (pool.alive, list(pool.queue), pool.parked, pool.closers) == (0, [], [], [])


def _map(room: Room) -> None:
    list(room.pool.map(abs, ()))
    room.given += 2
    results = room.pool.map(room.ran.append, (room.given - 1, room.given), buffersize=1)
    if hasattr(results, "close"):
        results.close()


def _waits(room: Room) -> None:
    foregone.wait(room.futures, SOON)
    room.hold.set()
    assert foregone.wait(room.futures).not_done == set()


def _shuts_down(room: Room, cancel: bool) -> None:
    room.hold.set()
    room.pool.shutdown(cancel_futures=cancel)


ROOM_OPERATIONS: Final[dict[str, Callable[[Room], object]]] = {
    "submit": Room.submit,
    "map": _map,
    "shutdown": lambda room: room.pool.shutdown(wait=False),
    "shutdown, cancel": lambda room: room.pool.shutdown(wait=False, cancel_futures=True),
    "cancel": lambda room: [each.cancel() for each in room.futures],
    "release": lambda room: room.hold.set(),
}
OUTER: Final[dict[str, Callable[[Room], object]]] = {
    **ROOM_OPERATIONS,
    "shutdown, wait": partial(_shuts_down, cancel=False),
    "shutdown, cancel, wait": partial(_shuts_down, cancel=True),
    "wait": _waits,
}
del OUTER["release"]
ROOMS: Final = ("fresh", "idle", "busy", "two, busy")


def tolerant(call: Callable[[Room], object], room: Room) -> None:
    try:
        call(room)
    except RuntimeError:
        pass  # the pool takes no more calls
