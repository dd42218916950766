"""TLC on recorded runs: it rejects what was corrupted, and each row can fail."""

import random
from dataclasses import replace

import pytest

from foregone_spec import future_actions as act
from foregone_spec import process_pool_actions as pools
from foregone_spec import waiting_model
from foregone_spec.explore import explore
from foregone_spec.future_model import FutureModel
from foregone_spec.process_pool import ProcessPoolModel
from foregone_spec.trace import Step
from foregone_spec.waiting import Ending
from foregone_spec.waiting_model import WaitingModel
from model_tests.chain import edge_kinds, traces, traces_module
from model_tests.chain.models import ACTIONS
from model_tests.chain.traces import Gathered, Said, accepted, agreed, corrupted, covered
from model_tests.chain.traces_module import AnyTrace, Trace, follow, largest, reached, universe
from model_tests.recorded_runs import from_schedules
from model_tests.recording import Replay

TELLS = act.TellWaiters(2)
WAKES = act.WakeBlocked(2)


def future(*steps: act.Action | Step[act.Action], silent: bool = True) -> AnyTrace:
    """Return a run of an executor's future that somebody may cancel."""
    given = tuple(each if isinstance(each, Step) else Step(each) for each in steps)
    model = FutureModel(owned=True, results=1, waits=1, callbacks=1)
    return Trace("a test", model, given, frozenset([TELLS, WAKES] if silent else []))


#: A canceller and a third party: to cancel what is done is to resolve it, but for the name.
THIRD = FutureModel(owned=True, cancellers=1, resolvers=1)

CANCELLED = (
    act.AddCallback(1),
    act.CallResult(1),
    act.Cancel(2),
    act.RunCallback(2),
    act.EndCallbacks(2),
)
ADDS, ASKS, CANCELS, RUNS, ENDS = CANCELLED

#: Runs, and how many of their steps are possible.
FUTURES = {
    "as it was": (future(*CANCELLED), 5),
    "known as it was": (future(ADDS, Step(CANCELS, {"state": "CANCELLED_AND_NOTIFIED"})), 2),
    "swapped, and all the same": (future(ASKS, ADDS, CANCELS, RUNS, ENDS), 5),
    "swapped": (future(ADDS, CANCELS, RUNS, ENDS, ASKS, act.GiveUpResult(1)), 5),
    "too early": (future(ADDS, ASKS, RUNS, CANCELS, ENDS), 2),
    "dropped": (future(ADDS, ASKS, CANCELS, ENDS), 3),
    "doubled": (future(ADDS, ASKS, CANCELS, RUNS, RUNS, ENDS), 4),
    "another agent": (future(ADDS, ASKS, CANCELS, act.RunCallback(1), ENDS), 3),
    "an agent that does not cancel": (future(ADDS, act.Cancel(1)), 1),
    "nobody's callback": (future(act.AddCallback(7)), 0),
    "known otherwise": (future(ADDS, Step(CANCELS, {"state": "CANCELLED"})), 1),
    "known in part": (future(ADDS, Step(CANCELS, {"drained": True, "ran": (1,)})), 1),
    "nothing is silent": (future(*CANCELLED, silent=False), 3),
    "who resolves": (replace(future(CANCELS, act.SetResult(3)), model=THIRD), 2),
    "who resolves cancels": (replace(future(CANCELS, act.Cancel(3)), model=THIRD), 1),
}

WAITED = WaitingModel(2, ("FIRST_COMPLETED",), ((2, 1),))
CALLS = (waiting_model.Call(1), waiting_model.Install(1), waiting_model.Install(1))
TOLD: frozenset[waiting_model.Action] = frozenset(
    make(number) for make in (waiting_model.Note, waiting_model.Tell) for number in (1, 2)
)


def waited(*steps: waiting_model.Action) -> AnyTrace:
    return Trace("a test", WAITED, tuple(map(Step, (*CALLS, *steps))), TOLD)


WAITINGS = {
    "as it was": (waited(waiting_model.End(1, Ending.CANCELLED), waiting_model.Pass(1)), 5),
    "too early": (waited(waiting_model.Pass(1), waiting_model.End(1, Ending.CANCELLED)), 3),
}

#: Two choices of constants in one module.
BROKEN = ProcessPoolModel(1, 1, 1, (), deaths=1)
REPLACED = replace(BROKEN, calls=2)
ONE_CALL = (pools.Submit(1), pools.Start(1), pools.Ready(1), pools.Offer(1), pools.Claim(1, 1))


def pool(model: ProcessPoolModel, *steps: pools.Action) -> AnyTrace:
    return Trace("a test", model, tuple(map(Step, (*ONE_CALL, *steps))), frozenset())


PROCESSES = {
    "one dies": (pool(BROKEN, pools.Die(1), pools.SeeDeath(1)), 7),
    "two die": (pool(BROKEN, pools.Finish(1), pools.Die(1), pools.Die(1)), 7),
    "a second call": (pool(REPLACED, pools.Submit(2), pools.Finish(1), pools.Answer(1)), 8),
    "a second call of one": (pool(BROKEN, pools.Submit(2), pools.Finish(1)), 5),
    "another's call": (pool(REPLACED, pools.Submit(2), pools.Claim(1, 2)), 6),
}


@pytest.mark.parametrize("cases", [FUTURES, WAITINGS, PROCESSES], ids=["F", "W", "P"])
def test_tlc_follows_what_is_possible_and_no_more(cases: dict[str, tuple[AnyTrace, int]]) -> None:
    runs = [trace for trace, _ in cases.values()]
    followed = follow(f"Test{runs[0].model.name}", runs)
    assert dict(zip(cases, followed.steps, strict=True)) == {
        name: steps for name, (_, steps) in cases.items()
    }
    for name, (trace, steps) in cases.items():  # and so does the Python specification
        index = trace.verdict().index
        assert (len(trace.steps) if index is None else index) == steps, name


def test_the_models_own_next_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    """Even where the words of an action allow more than the model does."""
    monkeypatch.delitem(traces_module.EXCEPT, ("Future", "Cancel"))
    runs = [FUTURES["an agent that does not cancel"][0], FUTURES["as it was"][0]]
    assert follow("TestNext", runs).steps == (1, 5)


def test_what_tlc_cannot_read_is_no_verdict() -> None:
    odd = future(Step(ADDS, {"state": "PENDING", "nothing": 1}))
    with pytest.raises(RuntimeError, match="TLC failed"):
        follow("TestOdd", [odd])


def test_how_far_a_run_came_is_read() -> None:
    output = '<<"AT", 1, 1>>\n<<"AT", 3, 2>>\n<<"AT", 3, 1>>\n<<"AT", 1, 2>>\n'
    assert reached(output, 4) == (2, 0, 2, 0)


def test_every_action_has_its_words() -> None:
    """Each argument of an action is from a set, and numbers go as far as they must."""
    every = set(universe(WAITED, largest(WAITED)))
    assert {type(each) for each in every} == set(ACTIONS["Waiting"])
    assert {waiting_model.End(2, Ending.EXCEPTION), waiting_model.Pass(1)} <= every
    assert act.SetResult(3) in set(universe(FutureModel(True, resolvers=1), 3))


# ----------------------------------------------------------------------- rows


def said(name: str = "as it was", tlc: int | None = None) -> Said:
    trace, steps = FUTURES[name]
    return Said(trace, steps if tlc is None else tlc, steps)


def test_a_run_that_is_not_accepted_fails_the_row() -> None:
    assert accepted("Future", [said(), said("swapped, and all the same")], 1.0).ok
    row = accepted("Future", [replace(said(), times=3), said("dropped")], 1.0)
    assert not row.ok
    assert row.count == "3 of 4 runs"
    assert "TLC follows 3 steps" in row.details
    assert not accepted("Future", [], 1.0).ok


def test_a_disagreement_fails_the_row() -> None:
    fine = [said("dropped"), said("doubled"), said("swapped, and all the same")]
    assert agreed(fine, 3).ok
    row = agreed([*fine, said("too early", tlc=5)], 3)
    assert not row.ok
    assert "TLC follows 5 steps, the Python specification 2" in row.details
    assert "RunCallback(agent=2)  <- it is not enabled" in row.details
    assert not agreed([*fine, said("too early", tlc=1)], 3).ok  # rejected by both, elsewhere


def test_too_few_corrupted_runs_fail_the_row() -> None:
    assert not agreed([said("dropped"), said("doubled")], 3).ok
    assert not agreed([said(), said("swapped, and all the same"), said("dropped")], 3).ok


EVERYTHING = {name: {each.__name__ for each in ACTIONS[name]} for name in traces.MODELS}


def test_the_gate_goes_red() -> None:
    listed = traces.reasons()
    seen = {name: every - listed[name].keys() for name, every in EVERYTHING.items()}
    assert covered(seen, listed).ok
    for name, there in seen.items():
        for action in there:
            row = covered({**seen, name: there - {action}}, listed)
            assert not row.ok
            assert row.details == f"{name}: {action} occurs in no run"
    occurs = {**seen, "Future": EVERYTHING["Future"]}
    assert "Future: WakeBlocked is listed, and occurs" in covered(occurs, listed).details
    assert not covered(occurs, listed).ok
    odd = {**listed, "Waiting": {**listed["Waiting"], "Nap": "why not"}}
    assert covered(seen, odd).details == "Waiting: Nap is listed, and no action"
    assert not covered(seen, odd).ok
    bare = {**listed, "Waiting": dict.fromkeys(listed["Waiting"], "")}
    assert not covered(seen, bare).ok
    assert not covered({}, {}).ok


def test_names_are_those_of_the_actions_that_occur() -> None:
    found = traces.names([FUTURES["as it was"][0], WAITINGS["too early"][0]])
    assert found["Future"] == {each.__name__ for each in map(type, CANCELLED)}
    assert found["Waiting"] == {"Call", "Install", "Pass", "End"}


# ------------------------------------------------------------------- the runs


def test_a_recorded_run_that_is_none_fails_the_row() -> None:
    found = Gathered()
    good, bad = FUTURES["as it was"][0], FUTURES["dropped"][0]
    for each in (good, good):
        found.take("a test", [Replay(each.model, each.steps, each.silent.__contains__)])
    row = traces.recorded(found, 1.0)
    assert row.ok
    assert (row.bound, row.count) == ("1 differ", "2 runs")
    found.take("a test", [Replay(bad.model, bad.steps, bad.silent.__contains__)])
    assert not traces.recorded(found, 1.0).ok
    assert "cannot do step 4" in traces.recorded(found, 1.0).details
    assert not traces.recorded(Gathered(), 1.0).ok


def test_what_the_library_raises_fails_the_row(monkeypatch: pytest.MonkeyPatch) -> None:
    def breaks(_: object) -> None:
        raise ZeroDivisionError

    nothing = traces.Amount(1, 0, 0, 0, 1)
    monkeypatch.setattr(traces, "from_schedules", breaks)
    with pytest.raises(ZeroDivisionError):
        traces.gather(nothing)
    monkeypatch.setattr(traces, "from_schedules", lambda _: map(breaks, [1]))
    assert "ZeroDivisionError" in traces.recorded(traces.gather(nothing), 1.0).details


def test_corrupted_runs_are_seeded_and_new() -> None:
    good = [FUTURES["as it was"][0], WAITINGS["as it was"][0]]
    wrong, again = (traces.spoilt(good, 40, random.Random(1)) for _ in range(2))
    assert [each.key for each in wrong] == [each.key for each in again]
    assert len({each.key for each in (*good, *wrong)}) == 42
    assert traces.spoilt([], 40, random.Random(1)) == []
    lengths = {len(corrupted(good[0], random.Random(seed)).steps) for seed in range(60)}
    assert lengths == {4, 5, 6}


def test_every_drawn_schedule_is_a_run_of_its_model() -> None:
    """Among them: who gives up after the end; who sees an end before its entry is there."""
    kinds = set()
    for replay in from_schedules(range(5)):
        verdict = replay.verdict()
        assert verdict.accepted, str(verdict)
        kinds.add(replay.model.name)
    assert kinds == {"Future", "Waiting", "ThreadPool"}


# -------------------------------------------------------------- kinds of edges


def test_a_kind_is_an_action_and_what_it_changes() -> None:
    found = edge_kinds.occur([FUTURES["as it was"][0], PROCESSES["one dies"][0]])
    assert "EndCallbacks: agents, todo, drained" in found["Future"]
    assert {each.partition(":")[0] for each in found["ProcessPool"]} >= {"Submit", "Die"}
    submits = pool(REPLACED, pools.Submit(2))
    assert [*edge_kinds.of_run(submits)][-1].startswith("Submit")
    unsure = replace(submits, silent=frozenset([pools.Sleep()]))  # and perhaps it wakes somebody
    assert not [*edge_kinds.of_run(unsure)][-1].startswith("Submit")


def test_every_kind_is_of_an_action_and_of_fields() -> None:
    kinds = edge_kinds.listed()
    assert kinds.keys() == {*traces.MODELS}
    for name, there in kinds.items():
        assert {each.partition(":")[0] for each in there} == EVERYTHING[name]


def test_a_kind_that_is_not_listed_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    graph = explore(BROKEN)
    assert not edge_kinds.unlisted(graph)
    there = edge_kinds.listed()
    (kind, *_) = {edge_kinds.kind(*each) for each in graph.triples()}
    del there["ProcessPool"][kind]
    monkeypatch.setattr(edge_kinds, "listed", lambda: there)
    assert edge_kinds.unlisted(graph) == [kind]


def test_the_gate_of_kinds_goes_red() -> None:
    kinds = edge_kinds.listed()
    seen = {name: {each for each, why in some.items() if not why} for name, some in kinds.items()}
    assert edge_kinds.row(seen, kinds).ok
    for name, there in seen.items():
        for kind in there:
            row = edge_kinds.row({**seen, name: there - {kind}}, kinds)
            assert not row.ok
            assert row.details == f"{name}: {kind}: occurs in no run"
    idle = next(each for each, why in kinds["Future"].items() if why)
    told = edge_kinds.row({**seen, "Future": {*seen["Future"], idle}}, kinds)
    assert (told.ok, told.details) == (False, f"Future: {idle}: has a reason, and occurs")
    assert not edge_kinds.row({}, {}).ok


def test_too_few_that_changed_places_fail_the_row() -> None:
    trace, steps = FUTURES["too early"]
    swapped = Said(replace(trace, source=f"a test, {traces.REORDERED}"), steps, steps)
    accepted_too = replace(swapped, tlc=len(trace.steps), python=len(trace.steps))
    enough = [swapped] * traces.LEAST_REORDERED
    assert traces.reordered(enough).ok
    assert not traces.reordered([*enough[1:], accepted_too, said("dropped")]).ok
