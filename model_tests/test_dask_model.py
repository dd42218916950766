"""The specification of calls on Dask, and runs of the executor's own rooms that follow it.

The cluster is a book of claims here; ``make dask-test`` does the same on real ones.
"""

import pickle
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any, Final

import pytest

from foregone import runs
from foregone.chrome_trace import chrome_trace
from foregone.dask import specification as spec
from foregone.dask import specification_actions as act
from foregone.dask.calls import Call
from foregone.dask.claims import CANCELLED, CLAIMED, GONE, Book, Claim
from foregone.dask.local_worker import LocalWorker
from foregone.dask.payload import RAISED, RETURNED, refused, signed
from foregone.dask.rooms import Pool
from foregone.dask.words import Answered, Cut, Dropped, Lost, Word
from foregone.events import Event
from foregone.observing import observe
from foregone_spec.explore import explore
from foregone_spec.future import Command, State, Step
from foregone_spec.lifecycle import Phase, Request
from foregone_spec.work_item import TRANSITIONS as PLACES
from foregone_spec.work_item import Event as Of
from foregone_spec.work_item import Place
from model_tests.dask_runs import accepted, wrongly_accepted
from model_tests.test_observing import Heard

ONE: Final = Claim("tcp://one", "a", "key-1")

#: What is explored: calls, whether claims are kept, offers at most.
BOUNDS: Final = ((1, True, 3), (2, True, 2), (2, False, 2))


# ------------------------------------------------------------------- the model


@pytest.mark.parametrize(("calls", "once", "offers"), BOUNDS)
def test_the_invariants_hold_in_every_state(calls: int, once: bool, offers: int) -> None:
    graph = explore(spec.DaskCalls(calls, once, offers))
    assert not graph.violations
    assert any(each.closed for each in graph.edges)
    places = {life.place for state in graph.edges for life in state.calls}
    assert places == (set(Place) if once else {Place.WAITING, Place.CLAIMED, Place.SETTLED})
    ends = {life.future for state in graph.edges for life in state.calls}
    assert ends == {each for each in State if each is not State.CANCELLED}
    for state, steps in graph.edges.items():  # nobody is stuck before the end
        assert steps or state.closed


#: A guard that is too weak, and the invariant that finds it.
WEAK: Final[dict[str, tuple[Callable[[spec.DaskState, act.Action], bool], str]]] = {
    "who claims does not look": (
        lambda state, do: (
            isinstance(do, act.Claimed)
            and state.calls[do.call - 1].place is Place.CLAIMED
            and state.calls[do.call - 1].claims < 2
        ),
        "AtMostOnce",
    ),
    "it is offered again after the claim": (
        lambda state, do: (
            isinstance(do, act.Take)
            and do.won
            and do.where is state.calls[do.call - 1].place is Place.CLAIMED
        ),
        "CancelledIsNotClaimed",
    ),
    "it runs before the claim": (
        lambda state, do: (
            isinstance(do, act.Future)
            and do.what is Command.SET_RUNNING_OR_NOTIFY_CANCEL
            and not state.calls[do.call - 1].done
            and do.after is State.RUNNING
        ),
        "ClaimedBeforeItRuns",
    ),
    "it answers before the claim": (
        lambda state, do: (
            isinstance(do, act.Free) and state.calls[do.call - 1].place is Place.IN_SLOT
        ),
        "ClaimedBeforeItEnds",
    ),
    "shutdown returns too early": (
        lambda state, do: isinstance(do, act.ShutdownReturns) and state.phase is not Phase.OPEN,
        "NothingLost",
    ),
    "it is closed too early": (
        lambda state, do: (
            isinstance(do, act.Closed) and state.phase is not Phase.OPEN and not state.closed
        ),
        "NothingLost",
    ),
}


@pytest.mark.parametrize("name", WEAK)
def test_a_guard_that_is_too_weak_is_found(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    weak, invariant = WEAK[name]
    strong = spec.DaskCalls._allows

    def allows(model: spec.DaskCalls, state: spec.DaskState, do: act.Action) -> bool:
        return strong(model, state, do) or weak(state, do)

    monkeypatch.setattr(spec.DaskCalls, "_allows", allows)
    row, slot = PLACES[Place.CLAIMED], PLACES[Place.IN_SLOT]
    if "claims" in name:  # the table itself has no second claim, and takes nothing back
        monkeypatch.setitem(PLACES, Place.CLAIMED, {**row, Of.CLAIM: slot[Of.CLAIM]})
    if "offered again" in name:
        monkeypatch.setitem(PLACES, Place.CLAIMED, {**row, Of.CANCEL: slot[Of.CANCEL]})
    found = {each.invariant for each in explore(spec.DaskCalls(1, True, 2), limit=5_000).violations}
    assert invariant in found


# ----------------------------------------------------------------- what is followed


class World:
    """A local worker that was not started, its cluster a book of claims; and who is told."""

    def __init__(self, *, once: bool) -> None:
        self.book = Book("client")
        self.heard = Heard()
        cluster: Any = SimpleNamespace(
            at_most_once=once,
            address="tcp://scheduler",
            ask=lambda operation, numbers: [getattr(self.book, operation)(x) for x in numbers],
            forget=lambda _: None,
            lost=lambda: "",
            is_here=lambda: False,
            offer=lambda _: None,
            close=lambda: None,
        )
        self.pool = Pool("world", cluster)
        observe(self.pool, self.heard)
        self.local = LocalWorker(self.pool)
        self.pool.joined.clear()  # nobody has started it

    def submit(self) -> Call[int]:
        call: Call[int] = Call(self.pool, "f", b"data")
        assert self.pool.accept(call, None)
        return call

    def turn(self) -> bool:
        return self.local.turn()

    def say(self, word: Word) -> None:
        self.local.read(word)

    def claim(self, call: Call[int], claim: Claim = ONE) -> None:
        assert self.book.claim(call._number, claim)[0] == "won"

    def end(self) -> list[Event]:
        """Ask for the end; return all that was told."""
        self.pool.ask(Request.SHUTDOWN)
        while not self.turn():
            pass
        self.local.callbacks.end()
        self.pool.join()
        self.pool.over = True
        return self.heard.all()


def outcome(value: bytes, worker: str = "tcp://one") -> bytes:
    return signed(worker, RETURNED + value)


@pytest.fixture(params=[True, False])
def world(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    monkeypatch.setattr("foregone.dask.payload._serializer", lambda: pickle)
    made = World(once=request.param)
    yield made
    if not made.heard.closed.is_set():
        made.pool.over = True


def answered(call: Call[int]) -> Answered:
    return Answered(call._number, outcome(b"I1\n."))


def a_run(world: World) -> list[Event]:
    """Have much happen: returned, raised, cancelled before and after the claim, lost, refused."""
    once = world.pool.cluster.at_most_once
    returns, raises, dies, late = (world.submit() for _ in range(4))
    early = world.submit()
    assert early.cancel()
    world.turn()
    for call in (returns, dies, late):
        if once:
            world.claim(call)
    assert not late.cancel()
    world.say(answered(returns))
    nothing = pickle.dumps((0, b"", []))  # an exception that cannot be read is one, too
    world.say(Answered(raises._number, signed("tcp://two", RAISED + nothing)))
    if once:
        world.say(Lost(dies._number, "tcp://one"))
    else:
        world.say(Dropped(dies._number, "given up"))
    unfit: Call[int] = Call(world.pool, "g", b"")
    assert world.pool.accept(unfit, TypeError("does not pickle"))
    if once:
        again, open_still = world.submit(), world.submit()
        world.turn()
        world.say(Dropped(again._number, "the cluster was restarted"))
        assert open_still.cancel()
        world.turn()
        world.claim(again)
        world.say(answered(again))
    world.say(answered(late))
    world.pool.ask(Request.SHUTDOWN)
    assert not world.pool.accept(Call(world.pool, "h", b""), None)
    return world.end()


def test_a_run_is_one_of_the_model(world: World) -> None:
    events = a_run(world)
    verdict = runs.followed(events)
    assert verdict.accepted, str(verdict)
    actions = {each.action for each in events}
    once = world.pool.cluster.at_most_once
    assert actions >= {"Opened", "Submit", "Offer", "Take", "Free", "Future", "Ask", "Closed"}
    assert ("Claimed" in actions) is once
    assert events[0].more["at_most_once"] is once
    assert events[0].more["scheduler"] == "tcp://scheduler"


def test_every_corruption_is_rejected(world: World) -> None:
    """Each event left out, doubled, or exchanged with the next of its call, one at a time."""
    events = a_run(world)
    tried, passed = wrongly_accepted(events)
    assert not passed
    assert tried > 50


def test_workers_are_told_of(world: World) -> None:
    events = a_run(world)
    of_workers = [each for each in events if each.action in ("Start", "Remove")]
    told = [(each.action, each.worker, each.more["address"]) for each in of_workers]
    if world.pool.cluster.at_most_once:
        assert told == [
            ("Start", 1, "tcp://one"),
            ("Start", 2, "tcp://two"),
            ("Remove", 1, "tcp://one"),
        ]
    else:
        assert told == [("Start", 1, "tcp://one"), ("Start", 2, "tcp://two")]


def test_the_run_is_told_and_drawn(world: World) -> None:
    events = a_run(world)
    said = runs.text(events)
    assert said.startswith("accepted: ")
    assert " of DaskCalls(" in said
    marks: Any = chrome_trace(events)["traceEvents"]
    tracks = {each["args"]["name"] for each in marks if each["name"] == "thread_name"}
    assert {"calls", "Worker #1 (tcp://one)", "Worker #2 (tcp://two)"} <= tracks
    slices = [each for each in marks if each["ph"] == "X"]
    assert slices
    ends: dict[int, float] = {}
    for each in slices:  # on a track, one after the other
        assert each["ts"] >= ends.get(each["tid"], 0.0)
        ends[each["tid"]] = each["ts"] + each["dur"]


def test_calls_at_one_time_on_one_worker_have_a_track_each() -> None:
    world = World(once=True)
    one, two = world.submit(), world.submit()
    world.turn()
    for call in (one, two):
        world.claim(call)
        assert not call.cancel()
    world.say(Dropped(one._number, "gone"))
    world.say(Dropped(two._number, "gone"))
    events = world.end()
    later = [each._replace(seconds=each.seconds + each.number) for each in events]
    marks: Any = chrome_trace(later)["traceEvents"]
    tracks = [each["tid"] for each in marks if each["ph"] == "X"]
    assert tracks == [1, 100_001]
    assert accepted(events)


def test_who_has_another_executor_s_events_is_told(world: World) -> None:
    events = a_run(world)
    opened = events[0]._replace(more={"pid": 1})
    with pytest.raises(runs.Missing, match="has to say at_most_once: not None"):
        runs.followed([opened, *events[1:]])
    strange = events[1]._replace(action="NextItem")
    with pytest.raises(runs.Missing, match="'NextItem' is nothing that a Dask executor tells"):
        runs.followed([events[0], strange])
    with pytest.raises(runs.Missing, match="these events are of no executor"):
        runs.followed([events[0], events[1], events[1]._replace(action="Free", number=3)])


# ------------------------------------------------------------- what else is decided


def test_a_claim_that_comes_after_its_worker_was_removed_is_refused() -> None:
    """And the call is offered again, however late the worker's answer comes."""
    world = World(once=True)
    call = world.submit()
    world.turn()
    world.say(Answered(call._number, signed("tcp://gone", refused(GONE, "tcp://gone"))))
    assert call._place is Place.RECALLED
    world.turn()
    assert (call._place, call._number) == (Place.IN_SLOT, 2)
    assert world.book.claim(1, ONE) == (CANCELLED, "")  # the old task, if it comes again
    world.claim(call)
    assert world.book.claim(2, Claim("tcp://two", "b", "key")) == (CLAIMED, "tcp://one")
    assert not call.cancel()
    world.say(Lost(2, "tcp://one"))
    assert accepted(world.end())


def test_who_cancels_while_an_answer_is_read_is_refused() -> None:
    """The place says the end before the future does: in between it runs, and is not cancelled."""
    world = World(once=True)
    call = world.submit()
    world.turn()
    world.claim(call)
    call._place = Place.CLAIMED  # somebody has learned of it, and has not come to say so
    said: list[bool] = []

    class Hooked(Call[int]):
        """Somebody cancels right before the outcome comes."""

        __slots__ = ()

        def _decide(
            self, command: Command, result: int | None = None, error: BaseException | None = None
        ) -> Step:
            if command is Command.SET_RESULT and not said:
                said.append(self.cancel())
            return super()._decide(command, result, error)

    call.__class__ = Hooked
    world.local.finish(call, Of.ANSWER, 1)
    assert said == [False]
    assert call.result(0) == 1
    world.pool.over = True


def test_a_scheduler_that_is_lost_ends_all() -> None:
    world = World(once=True)
    calls = [world.submit() for _ in range(3)]
    world.turn()
    world.claim(calls[0])
    assert calls[0].running()
    world.say(Cut("it was killed"))
    assert world.turn()
    assert all(each.exception(0) for each in calls)
    events = world.end()
    assert accepted(events)
