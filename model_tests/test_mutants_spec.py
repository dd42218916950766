"""Small facts of the specification, each of which a mutant once got away with."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from foregone_spec import invariants, lifecycle, process_death, waiting
from foregone_spec.explore import explore, shortest
from foregone_spec.future import DONE, NOTIFIED, State
from foregone_spec.future_model import Cancel, FutureModel, FutureState, SetException
from foregone_spec.lifecycle import Phase, Request
from foregone_spec.map_model import MapModel, Return
from foregone_spec.model import Model, NotEnabled, tla_text
from foregone_spec.process_death import Death, Policy
from foregone_spec.process_pool import ProcessPoolModel
from foregone_spec.process_pool_actions import Bury
from foregone_spec.process_pool_invariants import exact_blame
from foregone_spec.process_pool_state import place_of, started
from foregone_spec.process_pool_steps import buried, claimed, heard
from foregone_spec.thread_pool import ThreadPoolModel
from foregone_spec.thread_pool_actions import Discard, Finish, Submit
from foregone_spec.waiting import Ending
from foregone_spec.waiting_model import Pass, WaitingModel
from foregone_spec.work_item import Place


def test_how_a_future_ended_as_wait_sees_it() -> None:
    told = {
        (state, failed): waiting.ending(state, failed)
        for state in State
        for failed in (False, True)
    }
    assert {key: each for key, each in told.items() if each is not None} == {
        (State.CANCELLED_AND_NOTIFIED, False): Ending.CANCELLED,
        (State.CANCELLED_AND_NOTIFIED, True): Ending.CANCELLED,
        (State.FINISHED, False): Ending.RESULT,
        (State.FINISHED, True): Ending.EXCEPTION,
    }


def test_three_early_deaths_in_a_row_break_a_pool() -> None:
    assert process_death.EARLY_LIMIT == 3
    model = ProcessPoolModel(1, 1, 1, (), 4, Policy.REPLACE)
    broken = shortest(model, lambda now: now.phase is Phase.BROKEN)[-1][1]
    assert broken.may_die == 1
    assert process_death.died_early(1, 3) is Death.EARLY
    assert process_death.died_early(2, 3) is Death.EARLY_AGAIN


def test_only_an_open_executor_accepts_and_only_an_end_that_is_asked_for_cancels() -> None:
    assert [phase for phase in Phase if lifecycle.accepts(phase)] == [Phase.OPEN]
    runs = [phase for phase in Phase if lifecycle.runs_queued(phase)]
    assert runs == [Phase.OPEN, Phase.INTERPRETER_EXIT, Phase.SHUTTING_DOWN]
    assert lifecycle.step(Phase.OPEN, Request.COLLECT).after in runs


def _not_now() -> Iterator[tuple[Model[Any, Any], object]]:
    yield FutureModel(True), SetException()
    yield FutureModel(True), Cancel(3)
    yield WaitingModel(1, ("AS_COMPLETED",), ((1,),)), Pass(1)
    yield ThreadPoolModel(1, 1), Finish(1)
    yield ProcessPoolModel(1, 1, 1), Bury(1)
    yield MapModel(1, 1), Return(1)


@pytest.mark.parametrize(("model", "action"), list(_not_now()), ids=str)
def test_what_may_not_happen_is_refused(model: Model[Any, Any], action: object) -> None:
    (start,) = model.initial()
    with pytest.raises(NotEnabled, match="may not happen in"):
        model.step(start, action)


@pytest.mark.parametrize(
    ("model", "name"),
    [
        (FutureModel(True), "Future"),
        (WaitingModel(1, ("AS_COMPLETED",), ((1,),)), "Waiting"),
        (ThreadPoolModel(1, 1), "ThreadPool"),
        (ProcessPoolModel(1, 1, 1), "ProcessPool"),
        (MapModel(1, 1), "Map"),
    ],
    ids=str,
)
def test_a_model_has_the_name_of_its_module(model: Model[Any, Any], name: str) -> None:
    assert model.name == name
    assert model.invariants


def test_what_a_model_takes_when_nothing_is_said() -> None:
    """Defaults are part of what the command line explores."""
    future = FutureModel(owned=True)
    assert future == FutureModel(True, 1, 0, 1, 1, 1)
    assert WaitingModel(1, (), ()).endings == tuple(Ending)
    pool = ThreadPoolModel(1, 1)
    assert pool == ThreadPoolModel(1, 1, (Request.SHUTDOWN,), False, False, False)
    processes = ProcessPoolModel(1, 1, 1)
    assert (processes.overtake, processes.early_limit, processes.deaths) == (2, 3, 0)
    assert MapModel(1, 1).fails_at == 0


def test_a_value_is_written_as_tlc_writes_it() -> None:
    assert tla_text((True, False, 12, "a b", (), ((1,), 2))) == (
        '<<TRUE, FALSE, 12, "a b", <<>>, <<<<1>>, 2>>>>'
    )


def test_an_overtaken_call_waits_for_so_many_only() -> None:
    """With two processes, a call is overtaken by ``overtake`` later ones, and by no more."""
    model = ProcessPoolModel(3, 2, 2, (), 0, overtake=1)
    graph = explore(model)
    most = max(
        (sum(map(bool, now.begun[number:])) for now in graph.edges for number in now.call_queue),
        default=0,
    )
    assert (graph.violations, most) == ((), 1)
    assert explore(replace(model, processes=1)).violations == ()


def test_who_discards_is_a_thread_or_nobody() -> None:
    """A thread that finds the pool cancelling says its number, a caller of shutdown 0."""
    cancelling = (Request.SHUTDOWN_CANCEL_FUTURES,)
    graph = explore(ThreadPoolModel(2, 1, cancelling))
    seen = {
        (action.thread, now.closers)
        for now, action, _ in graph.triples()
        if type(action) is Discard
    }
    assert seen == {(0, ("discarding",)), (1, ("discarding",))}


# ------------------------------------------------------------------------ invariants


def future_state(state: State = State.FINISHED, **given: object) -> FutureState:
    """Return a state of one future with one user of each kind, all through."""
    (start,) = FutureModel(True, callbacks=3).initial()
    through: dict[str, Any] = {"agents": ("ended", "ended"), "drained": True}
    return replace(start, state=state, **{**through, **given})


@pytest.mark.parametrize(
    ("callbacks", "ran", "holds"),
    [
        (("ran", "ran", "out"), (1, 2), True),
        (("ran", "ran", "out"), (2, 1), False),  # of those that were queued, the later first
        (("ran", "queued", "out"), (1,), True),
        (("queued", "ran", "ran own"), (2, 3), False),  # one that is queued waits for a late one
        (("ran", "ran own", "out"), (1, 2), True),
        (("ran own", "ran", "out"), (1, 2), False),  # late, and added before one that was not
        (("ran own", "queued", "out"), (1,), False),
        (("ran own", "ran own", "out"), (2, 1), True),  # each in a thread of its own
    ],
)
def test_callbacks_in_order(callbacks: tuple[str, ...], ran: tuple[int, ...], holds: bool) -> None:
    now = future_state(callbacks=callbacks, ran=ran)
    assert invariants.callbacks_in_order(now) is holds


def test_nobody_blocked_when_settled() -> None:
    blocked = invariants.nobody_blocked_when_settled
    for state in State:
        done, told = state in DONE, state in NOTIFIED
        assert blocked(future_state(state, results=("blocked",))) is not done
        assert blocked(future_state(state, waits=("blocked",))) is not told
        assert blocked(future_state(state, results=("back",), waits=("back",)))
        assert blocked(future_state(state, results=("blocked",), agents=("busy", "ended")))


@pytest.mark.parametrize(
    ("telling", "noted", "gate", "holds"),
    [
        ((), False, True, True),
        ((), False, False, False),
        ((1,), True, False, True),  # noted, and about to look whether that is enough
        ((1,), False, False, False),  # it is to be noted first
        ((2, 1), True, False, False),  # somebody else is looked at
    ],
)
def test_gate_opens_when_enough(
    telling: tuple[int, ...], noted: bool, gate: bool, holds: bool
) -> None:
    """The one who waits has enough noted: both futures."""
    model = WaitingModel(2, ("ALL_COMPLETED", "ALL_COMPLETED"), ((1, 2), (1, 2)))
    (start,) = model.initial()
    now = replace(
        start,
        futures=("result", "result"),
        callers=("blocked", "out"),
        told=((1, 2), ()),
        telling=(telling, ()),
        noted=(noted, False),
        gates=(gate, False),
    )
    assert model.invariants["GateOpensWhenEnough"](now) is holds


def test_each_of_the_futures_stays_ended() -> None:
    (start,) = WaitingModel(2, ("ALL_COMPLETED",), ((1, 2),)).initial()
    before = replace(start, futures=("result", "pending"))
    for after, holds in (
        (("result", "result"), True),
        (("pending", "pending"), False),
        (("exception", "pending"), False),
        (("cancelled", "result"), False),
    ):
        assert invariants.ending_is_final(before, replace(start, futures=after)) is holds


def test_where_the_parent_has_a_call() -> None:
    """Recalled or not, a call of Work Ids waits; claimed or not, one of the Call Q is in it."""
    (start,) = ProcessPoolModel(3, 1, 2).initial()
    now = replace(
        start,
        calls=("accepted", "accepted", "out"),
        work_ids=(2,),
        call_queue=(1,),
    )
    places = [place_of(now, number) for number in (1, 2, 3)]
    assert places == [Place.IN_SLOT, Place.WAITING, Place.WAITING]
    known = replace(now, futures=(State.RUNNING, State.FINISHED, State.PENDING))
    places = [place_of(known, number) for number in (1, 2, 3)]
    assert places == [Place.CLAIMED, Place.SETTLED, Place.WAITING]


@pytest.mark.parametrize("stands", ["starting", "initializing", "seeking", "holding", "running"])
def test_a_thread_that_comes_for_work_is_awake(stands: str) -> None:
    """One sleeps, and a call waits: another thread must be on its way to it."""
    (start,) = ThreadPoolModel(2, 2).initial()
    now = replace(start, threads=("parked", stands), parked=(1,), work_ids=(1,))
    comes = stands in ("starting", "initializing", "seeking")
    assert invariants.no_thread_sleeps_while_work_waits(now) is comes
    assert not invariants.no_thread_sleeps_while_work_waits(replace(now, work_ids=(1, 2)))
    assert invariants.no_thread_sleeps_while_work_waits(replace(now, parked=()))


def test_submit_unparks_the_thread_that_parked_last_and_no_other() -> None:
    (start,) = ThreadPoolModel(3, 2).initial()
    past = (State.FINISHED, State.FINISHED, State.PENDING)
    now = replace(
        start,
        calls=("accepted", "accepted", "out"),
        futures=past,
        threads=("parked", "parked"),
        parked=(2, 1),
    )
    after = ThreadPoolModel(3, 2).step(now, Submit(3))
    assert (after.parked, after.threads) == ((2,), ("seeking", "parked"))


def test_map_submits_again_as_soon_as_something_was_yielded() -> None:
    """And never has more submitted and not yet yielded than its buffer holds."""
    model = MapModel(5, 2)
    ahead = [
        sum(each != "unread" for each in now.items) - now.yielded for now in explore(model).edges
    ]
    assert (min(ahead), max(ahead)) == (0, 2)


def test_which_processes_are_started() -> None:
    (start,) = ProcessPoolModel(1, 3, 1).initial()
    assert started(replace(start, processes=("idle", "unborn", "dead"))) == (1, 3)


@pytest.mark.parametrize("awake", [True, False])
@pytest.mark.parametrize("watched", [True, False])
def test_who_is_watched_wakes_the_local_worker(awake: bool, watched: bool) -> None:
    (start,) = ProcessPoolModel(2, 1, 1).initial()
    now = replace(start, awake=awake, watched=(watched,), work_ids=(2,), call_queue=(1,))
    assert heard(now, 1).awake is (awake or watched)
    assert claimed(now, 1, 1, overtake=0, counted=False).awake is (awake or watched)
    assert claimed(now, 1, 1, overtake=1, counted=False).awake is awake


def test_a_process_that_comes_after_a_buried_one_has_answered_nothing() -> None:
    (start,) = ProcessPoolModel(1, 1, 1).initial()
    now = replace(start, processes=("ended",), result_queue=((1,),), watched=(True,), used=(2,))
    after = buried(now, 1)
    assert (after.processes, after.result_queue) == (("unborn",), ((),))
    assert (after.watched, after.used) == ((False,), (0,))


@pytest.mark.parametrize(
    ("iterator", "yielded", "holds"),
    [("ended", 2, True), ("ended", 1, False), ("raised", 1, True), ("waiting", 0, True)],
)
def test_yields_all_or_raises(iterator: str, yielded: int, holds: bool) -> None:
    model = MapModel(2, 1)
    now = replace(model.initial()[0], iterator=iterator, yielded=yielded)
    assert model.invariants["YieldsAllOrRaises"](now) is holds


@pytest.mark.parametrize("iterator", ["raised", "ended", "waiting", "filling"])
def test_nothing_is_stranded(iterator: str) -> None:
    (start,) = MapModel(2, 1).initial()
    now = replace(start, iterator=iterator, items=("result", "pending"))
    assert invariants.nothing_stranded(now) is (iterator in ("waiting", "filling"))
    assert invariants.nothing_stranded(replace(now, items=("result", "cancelled")))


def test_a_process_that_is_found_dead_fails_the_call_it_had_claimed() -> None:
    """And if it had claimed one, that call does not stay as it was."""
    (start,) = ProcessPoolModel(1, 1, 1).initial()
    before = replace(
        start, calls=("accepted",), futures=(State.RUNNING,), processes=("dead",), runs=(1,)
    )
    after = replace(before, processes=("unborn",), runs=(0,))
    assert not exact_blame(before, after)
    assert exact_blame(before, replace(after, futures=(State.FINISHED,)))
