"""Signal handlers, finalizers and Ctrl-C, at every place of every public method.

What may come in, and where, is in ``model_tests/museum/intrude.py``.  Two calls, one of
which comes in at some line of the other, must come out as if one had been made after
the other, in either order.

What is not covered, because it cannot work: ``shutdown(wait=True)``, and waiting for a
call, in a handler that came into the ``submit`` that is about to start the thread.
"""

import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, Final, TypeVar

import pytest

import foregone
from foregone.future import Future
from foregone_spec.future import DONE, NOTIFIED, Command, State
from model_tests.museum.intrude import at_line, interrupt
from model_tests.museum.scenes import (
    OPERATIONS,
    OUTER,
    ROOM_OPERATIONS,
    ROOMS,
    STATES,
    Outcome,
    Room,
    Scene,
    blocks,
    iterates,
    outcome,
    tolerant,
)
from model_tests.museum.table import ROOT

M = TypeVar("M")

#: All of it is imported with the first name, and that must not be in the middle of a call
#: whose places are counted.
IMPORTED: Final = foregone.wait


@pytest.fixture(autouse=True)
def quiet(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """Commands that a future refuses are logged."""
    with caplog.at_level("CRITICAL", "concurrent.futures"):
        yield


def in_order(state: str, first: str, second: str, who: tuple[str, str]) -> tuple[object, ...]:
    """Return what comes out if one call is made after the other."""
    scene = Scene(state)
    one = outcome(OPERATIONS[first], scene, who[0])
    other = outcome(OPERATIONS[second], scene, who[1])
    return one, other, scene.result()


def by_handler(act: Callable[[], None]) -> Callable[[], None]:
    return act


def by_finalizer(act: Callable[[], None]) -> Callable[[], None]:
    """Return what makes garbage that does ``act`` when it is collected."""

    class Last:
        def __del__(self) -> None:
            act()

    held = [Last()]
    return held.clear


def intruded(
    state: str, outer: str, inner: str, number: int, by: Callable[..., Callable[[], None]]
) -> tuple[object, ...] | None:
    """Return what comes out if ``inner`` comes in at line ``number`` of ``outer``."""
    scene = Scene(state)
    found: dict[str, Outcome] = {}

    def act() -> None:
        found["inner"] = outcome(OPERATIONS[inner], scene, "inner")

    def call() -> None:
        found["outer"] = outcome(OPERATIONS[outer], scene, "outer")

    if not at_line(number, by(act), call):
        return None
    return found["outer"], found["inner"], scene.result()


COVERED: Final[dict[str, int]] = {}


@pytest.mark.parametrize("by", [by_handler, by_finalizer])
@pytest.mark.parametrize("outer", OPERATIONS)
def test_each_call_may_come_into_each(outer: str, by: Callable[..., Callable[[], None]]) -> None:
    covered = 0
    for state in STATES if by is by_handler else STATES[:3]:
        for inner in OPERATIONS:
            before = in_order(state, outer, inner, ("outer", "inner"))
            other, one, after = in_order(state, inner, outer, ("inner", "outer"))
            number = 1
            while found := intruded(state, outer, inner, number, by):
                assert found in (before, (one, other, after)), (state, inner, number)
                number += 1
                covered += 1
            assert number > 1 or "bare" in outer
    COVERED[f"{outer}, {by.__name__}"] = covered
    assert covered > 40


@pytest.mark.parametrize("owned", [False, True], ids=["bare", "owned"])
@pytest.mark.parametrize("outer", ["cancel", "set_result", "set_exception"])
@pytest.mark.parametrize("inner", ["cancel", "start", "set_result", "add_done_callback", "done"])
def test_blocked_threads_are_released(outer: str, inner: str, owned: bool) -> None:
    """A thread in result(), one in wait(), and one that iterates: whatever comes in."""
    number, more = 1, True
    while more:
        scene = Scene("owned" if owned else "pending")
        future = scene.future
        blocked = [
            threading.Thread(target=outcome, args=(blocks, scene, "")),
            threading.Thread(target=foregone.wait, args=([future],)),
            threading.Thread(target=partial(iterates, [future])),
        ]
        for each in blocked:
            each.start()
        while not (future._blocked and len(future._installed or ()) == 3):
            threading.Event().wait(0.0001)
        more = at_line(
            number,
            partial(outcome, OPERATIONS[inner], scene, "inner"),
            partial(outcome, OPERATIONS[outer], scene, "outer"),
        )
        if future.running():  # it was started before it was cancelled
            future.set_result("after")
        if future._now is State.CANCELLED:  # as of old, somebody must come round
            future.set_running_or_notify_cancel()
        for each in blocked:
            each.join()
        assert future._installed is None
        assert scene.order[:2] == ["first", "second"]
        number += 1
    assert number > 10


# -------------------------------------------------------------------- executors


@pytest.mark.parametrize("state", ROOMS)
@pytest.mark.parametrize("outer", OUTER)
def test_each_call_may_come_into_each_of_a_pool(outer: str, state: str) -> None:
    covered = 0
    for inner, act in ROOM_OPERATIONS.items():
        number, more = 1, True
        while more:
            room = Room(state)
            more = at_line(
                number, partial(tolerant, act, room), partial(tolerant, OUTER[outer], room)
            )
            if "shutdown" in outer or ("shutdown" in inner and more):
                with pytest.raises(RuntimeError):
                    room.submit()
            if "cancel" in inner and "shutdown" in inner and more and not room.hold.is_set():
                assert room.pool._pool.queue.__len__() == 0
            room.check()
            number += 1
            covered += 1
    COVERED[f"{outer} of a pool, {state}"] = covered


# ------------------------------------------------------------------------ Ctrl-C


def interrupted(call: Callable[[M], object], make: Callable[[], M]) -> Iterator[tuple[M, str]]:
    """Yield what ``make`` makes after ``call`` of it met Ctrl-C, for each place of it."""
    number = 1
    kept = []  # what is collected meanwhile would meet Ctrl-C too
    while True:
        made = make()
        kept.append(made)
        place = interrupt(number, partial(call, made))
        yield made, place
        if not place:
            return
        number += 1


@pytest.mark.parametrize("state", ["pending", "owned", "running"])
@pytest.mark.parametrize("name", ["cancel", "set_result", "set_exception", "start"])
def test_after_ctrl_c_what_follows_follows(name: str, state: str) -> None:
    places = set()
    for scene, place in interrupted(
        lambda scene: outcome(OPERATIONS[name], scene, "x"), partial(Scene, state)
    ):
        places.add(place)
        now = scene.future._now
        if now in DONE:
            assert scene.order == ["first", "second"], place
        else:
            assert scene.order == [], place
        assert scene.waiter.times == (now in NOTIFIED), place
        scene.add("late")
        assert scene.order[2:] == ["late"] * (now in DONE), place
    COVERED[f"Ctrl-C in {name}, {state}"] = len(places)
    assert len(places) > 2


@pytest.mark.parametrize("name", ["cancel", "set_result", "set_exception"])
def test_after_ctrl_c_blocked_threads_are_released(name: str) -> None:
    def make() -> tuple[Scene, list[threading.Thread]]:
        scene = Scene("owned")
        other = Future[Any]()
        other.set_result(None)
        future = scene.future
        blocked = [
            threading.Thread(target=outcome, args=(blocks, scene, "")),
            threading.Thread(target=foregone.wait, args=([future, other],)),
            threading.Thread(target=partial(iterates, [future, other])),
        ]
        for each in blocked:
            each.start()
        while not (future._blocked and len(future._installed or ()) == 3):
            threading.Event().wait(0.0001)
        return scene, blocked

    places = set()
    for (scene, blocked), place in interrupted(lambda made: OPERATIONS[name](made[0], "x"), make):
        places.add(place)
        if not scene.future.done():
            scene.future.cancel()
        for each in blocked:
            each.join(20)
            assert not each.is_alive(), place
    assert len(places) > 10


@pytest.mark.parametrize("name", ["wait soon", "as_completed", "result soon", "exception soon"])
@pytest.mark.parametrize("state", ["pending, bare", "finished"])
def test_after_ctrl_c_no_waiter_stays(name: str, state: str) -> None:
    places = set()
    for scene, place in interrupted(
        lambda scene: outcome(OPERATIONS[name], scene, ""), partial(Scene, state)
    ):
        places.add(place)
        assert not scene.future._installed, place
        assert scene.future.done() or not scene.future._blocked, place
    assert len(places) > 5


@pytest.mark.parametrize("state", ROOMS)
@pytest.mark.parametrize(
    "name", ["submit", "shutdown", "shutdown, cancel", "shutdown, wait", "shutdown, cancel, wait"]
)
def test_after_ctrl_c_a_pool_goes_on(name: str, state: str) -> None:
    places = set()
    for room, place in interrupted(lambda room: tolerant(OUTER[name], room), partial(Room, state)):
        places.add(place)
        if name == "submit" or not place:
            tolerant(Room.submit, room)
        try:
            room.check()
        except AssertionError as error:
            raise AssertionError(place) from error
    COVERED[f"Ctrl-C in {name} of a pool, {state}"] = len(places)
    assert len(places) > 4


@pytest.mark.parametrize("storm", ["signals", "garbage", "interrupts"])
def test_in_a_storm(storm: str) -> None:
    command = [sys.executable, "-X", "faulthandler", "-m", "model_tests.museum.storms", storm]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=50)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("calm again")


# ------------------------------------------------------- what these tests can see


def test_a_lost_effect_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    """As it was: nobody does again what Ctrl-C kept from being done."""

    def obey(self: Future[Any], command: Command, **_: object) -> object:
        cell = self._decide(command)
        if cell.effects:
            self._carry_out(cell.effects)
        return cell

    monkeypatch.setattr(Future, "_obey", obey)
    lost = [
        place
        for scene, place in interrupted(
            lambda scene: scene.future.cancel(), partial(Scene, "owned")
        )
        if scene.future.done() and not scene.waiter.times
    ]
    assert any("_carry_out" in place for place in lost)


def test_a_lost_callback_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    """Look first, add then: what comes in between is missed."""

    def add(self: Future[Any], fn: Callable[[Future[Any]], object]) -> None:
        if self.done():
            fn(self)
        else:
            self._make_lock()
            self._callbacks = [*(self._callbacks or ()), fn]

    monkeypatch.setattr(Future, "add_done_callback", add)
    lost, number = 0, 1
    while found := intruded("pending, bare", "add_done_callback", "set_result", number, by_handler):
        lost += "outer" not in found[2][2]  # type: ignore[index]  # what Scene.result() returns
        number += 1
    assert lost


def test_how_many_places_were_tried() -> None:
    if len(COVERED) < len(OPERATIONS) * 2 + len(OUTER) * len(ROOMS):
        pytest.skip("tells only when all of this module is run")
    assert sum(COVERED.values()) > 15_000
