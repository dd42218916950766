"""Real concurrent runs of the library are behaviours of the model, and wrong ones are not."""

import itertools
import random
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeAlias, cast

import pytest

import foregone.future
import foregone.pool
import foregone.worker
from foregone import Future, ThreadPoolExecutor
from foregone.events import Logged
from foregone.events_of_threads import ThreadEvents
from foregone.pool import Pool
from foregone.worker import Worker, WorkItem
from foregone_spec import lifecycle
from foregone_spec.future import TRANSITIONS, Command, Effect, State, Step
from foregone_spec.lifecycle import Phase, Request
from foregone_spec.thread_pool import Action, ThreadPoolState
from foregone_spec.trace import Step as Recorded
from foregone_spec.trace import check
from model_tests import schedule_pools
from model_tests.recorded_runs import AnyReplay, hammered, heard, of_pool, often_switched
from model_tests.recording import Entries, Replay, recording
from model_tests.recording_pool import of_thread_pool
from model_tests.schedule_explore import bench, explore

Run: TypeAlias = Replay[ThreadPoolState, Action]


@pytest.fixture(autouse=True)
def switched() -> Iterator[None]:
    """Let threads take turns as often as they can, and callbacks fail in silence."""
    with often_switched():
        yield


@pytest.mark.parametrize("seed", range(80))
def test_a_concurrent_run_is_accepted(seed: int) -> None:
    run = hammered(seed)
    verdict = run.verdict()
    assert verdict.accepted, str(verdict)
    assert len(run.steps) >= 2


def test_the_runs_are_what_they_should_be() -> None:
    """Every action that is logged occurs, and clients do interleave."""
    seen: Counter[str] = Counter()
    for seed in range(60):
        seen.update(type(step.action).__name__ for step in hammered(seed).steps)
    logged = {"Submit", "Take", "Claim", "Finish", "Park", "EndThread", "Discard", "Cancel"}
    ends = {"Shutdown", "ShutdownReturns", "Collect", "InitializerFails"}
    assert set(seen) == logged | ends


# ------------------------------------------------------------------ corrupted


def naive(run: Run, steps: Sequence[Recorded[Action]]) -> bool:
    """Say the same as ``check``, by trying every run of the model one by one."""
    model = run.model

    def goes(before: ThreadPoolState, action: Action, known: object) -> Iterator[ThreadPoolState]:
        if action in model.enabled(before):
            after = model.step(before, action)
            shown = model.variables(after)
            fits = not isinstance(known, dict) or all(shown[n] == known[n] for n in known)
            sound = all(holds(after) for holds in model.invariants.values()) and all(
                allows(before, after) for allows in model.step_invariants.values()
            )
            if fits and sound:
                yield after

    todo = [(0, state) for state in model.initial()]
    seen = set(todo)
    while todo:
        at, state = todo.pop()
        if at == len(steps):
            return True
        step = steps[at]
        after = [(at + 1, each) for each in goes(state, step.action, step.variables)]
        for action in filter(run.silent, model.enabled(state)):
            after += [(at, each) for each in goes(state, action, None)]
        todo += [each for each in after if each not in seen]
        seen.update(after)
    return False


def corrupted(
    steps: Sequence[Recorded[Action]], chance: random.Random
) -> tuple[Recorded[Action], ...]:
    """Return the steps with one dropped, doubled, moved, or two swapped."""
    wrong = list(steps)
    one, two = (chance.randrange(len(wrong)) for _ in range(2))
    match chance.choice(["drop", "swap", "double", "move"]):
        case "drop":
            del wrong[one]
        case "swap":
            wrong[one], wrong[two] = wrong[two], wrong[one]
        case "double":
            wrong.insert(two, wrong[one])
        case _:
            wrong.insert(two, wrong.pop(one))
    return tuple(wrong)


@pytest.mark.parametrize("bare", [False, True], ids=["with variables", "actions only"])
def test_a_corrupted_trace_is_judged_as_naively(bare: bool) -> None:
    chance = random.Random(bare)
    verdicts: Counter[bool] = Counter()
    for seed in range(80):
        run = hammered(seed)
        steps = corrupted(run.steps, chance)
        if bare:
            steps = tuple(Recorded(step.action) for step in steps)
        verdict = check(run.model, steps, run.silent)
        assert verdict.accepted == naive(run, steps), str(verdict)
        verdicts[verdict.accepted] += 1
    assert verdicts[False] >= 40, verdicts


@dataclass(frozen=True)
class Dependent:
    """Two steps of which the second needs the first."""

    first: str
    second: str


DEPENDENT = (
    Dependent("Submit", "Take"),
    Dependent("Take", "Claim"),
    Dependent("Claim", "Finish"),
    Dependent("EndThread", "ShutdownReturns"),
    Dependent("Shutdown", "ShutdownReturns"),
)


@pytest.mark.parametrize("pair", DEPENDENT, ids=lambda pair: f"{pair.first}-{pair.second}")
@pytest.mark.parametrize("bare", [False, True], ids=["with variables", "actions only"])
def test_swapped_dependent_steps_are_rejected(pair: Dependent, bare: bool) -> None:
    rejected = 0
    for seed in itertools.count():
        run = hammered(seed)
        names = [type(step.action).__name__ for step in run.steps]
        if pair.first not in names or pair.second not in names:
            continue
        wrong = list(run.steps)
        one, two = names.index(pair.first), names.index(pair.second)
        wrong[one], wrong[two] = wrong[two], wrong[one]
        steps = [Recorded(step.action) for step in wrong] if bare else wrong
        assert not check(run.model, steps, run.silent).accepted
        rejected += 1
        if rejected == 10:
            return


# -------------------------------------------------------------------- mutants


def takes_the_newest(self: Pool, worker: Worker) -> tuple[WorkItem | None, Phase, bool]:
    self.queue.reverse()
    try:
        return next_item(self, worker)
    finally:
        self.queue.reverse()


next_item = Pool.next_item


def cell(state: State, command: Command, *step: object) -> Callable[[pytest.MonkeyPatch], None]:
    """Return what gives the library's Future another cell; the model keeps its own."""
    changed = {**TRANSITIONS[state], command: Step(*step)}  # type: ignore[arg-type]  # a union of models
    table = {**TRANSITIONS, state: changed}
    return lambda patch: patch.setattr(foregone.future, "TRANSITIONS", table)


def move(request: Request, like: Request) -> Callable[[pytest.MonkeyPatch], None]:
    """Return what lets the library's pool do as for another request."""
    row = lifecycle.TRANSITIONS[Phase.OPEN]
    table = {**lifecycle.TRANSITIONS, Phase.OPEN: {**row, request: row[like]}}
    return lambda patch: patch.setattr(foregone.pool, "TRANSITIONS", table)


def swapped(name: str, value: object) -> Callable[[pytest.MonkeyPatch], None]:
    return lambda patch: patch.setattr(foregone.worker, name, value)


_WAKE, _CALL = Effect.WAKE_BLOCKED, Effect.RUN_CALLBACKS
_NOTIFIED = State.CANCELLED_AND_NOTIFIED

#: What is changed in the library, so that a pool behaves as the model does not.
MUTANTS: dict[str, Callable[[pytest.MonkeyPatch], None]] = {
    "the newest call first": lambda patch: patch.setattr(Pool, "next_item", takes_the_newest),
    "cancels what runs": cell(State.RUNNING, Command.CANCEL_OWNED, _NOTIFIED, True),
    "cancels and tells nobody": cell(
        State.PENDING, Command.CANCEL_OWNED, State.CANCELLED, True, (_WAKE, _CALL)
    ),
    "runs what was cancelled": cell(
        _NOTIFIED, Command.SET_RUNNING_OR_NOTIFY_CANCEL, State.RUNNING, True
    ),
    "runs what it does not claim": cell(
        State.PENDING, Command.SET_RUNNING_OR_NOTIFY_CANCEL, State.PENDING, True
    ),
    "forgets cancel_futures": move(Request.SHUTDOWN_CANCEL_FUTURES, like=Request.SHUTDOWN),
    "cancels what it should run": move(Request.SHUTDOWN, like=Request.SHUTDOWN_CANCEL_FUTURES),
    "cancels where it should fail": move(Request.BREAK, like=Request.SHUTDOWN_CANCEL_FUTURES),
    "calls a failure cancelled": swapped("FAIL", Command.CANCEL_OWNED),
    "calls a cancelled call failed": swapped("CANCEL", Command.SET_EXCEPTION),
    "runs what it should discard": swapped("RUNS_QUEUED", tuple(Phase)),
}


def scripted(request: Request) -> Run:
    """Return a run of one thread in which everything has its moment, and ends as asked."""
    begun, go, ended = threading.Event(), threading.Event(), threading.Event()

    def initializer() -> None:
        if request is Request.BREAK:
            begun.set()
            go.wait()
            raise ValueError

    def block() -> None:
        begun.set()
        go.wait()

    def leaves_the_rest(_: object) -> None:
        go.set()
        if threading.current_thread() is threading.main_thread():  # who shuts down
            ended.wait()

    with recording() as entries:
        executor = ThreadPoolExecutor(1, initializer=initializer)
        futures: list[Future[object]] = [executor.submit(block)]
        futures += [executor.submit(object) for _ in range(5)]
        begun.wait()
        futures[2].cancel()
        if request is not Request.BREAK:
            futures[0].cancel()
        if request is Request.SHUTDOWN_CANCEL_FUTURES:  # let the thread discard some
            futures[5].add_done_callback(lambda _: ended.set())  # a mutant may have run it
            futures[1].add_done_callback(leaves_the_rest)
        if request is not Request.BREAK:
            cancel_futures = request is Request.SHUTDOWN_CANCEL_FUTURES
            executor.shutdown(wait=False, cancel_futures=cancel_futures)
        go.set()
        for worker in executor._pool.workers:
            worker.thread.join()
    return of_thread_pool(entries, executor._pool)


SCRIPTS = (Request.SHUTDOWN, Request.SHUTDOWN_CANCEL_FUTURES, Request.BREAK)


@pytest.mark.parametrize("how", SCRIPTS, ids=lambda each: each.value)
def test_the_script_is_accepted(how: Request) -> None:
    verdict = scripted(how).verdict()
    assert verdict.accepted, str(verdict)


@pytest.mark.parametrize("name", MUTANTS)
def test_a_mutant_is_rejected(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """In the script that shows it; what the library does before it is as it was."""
    with monkeypatch.context() as patch:
        MUTANTS[name](patch)
        runs = [scripted(request) for request in SCRIPTS]
    verdicts = [run.verdict() for run in runs]
    assert not all(verdict.accepted for verdict in verdicts), "\n".join(map(str, verdicts))


# ---------------------------------------------------------- under all schedules


@pytest.mark.parametrize("text", ["pool 1 initfails: submit; cancel", "pool 1: submit; cancel"])
def test_every_schedule_of_a_cancelled_call_is_a_run(text: str) -> None:
    """Also where the cancel comes between the discard of a call and its failure."""
    runs: dict[str, AnyReplay] = {}

    def hear(entries: Entries) -> None:
        runs.update((str(each.steps), each) for each in of_pool(entries))

    with bench() as on:
        found = explore(on, heard(schedule_pools.program(text), hear), 2)
    assert found.failure is None
    assert len(runs) > 2
    for run in runs.values():
        verdict = run.verdict()
        assert verdict.accepted, str(verdict)


@pytest.mark.parametrize(
    "text", ["pool 1 initfails: submit | shutdown(cancel)", "pool 1 initfails: submit; cancel"]
)
def test_of_calls_that_have_ended_an_observer_keeps_none(text: str) -> None:
    """Also where the pool breaks between the discard of a call and its cancel."""
    kept: list[int] = []

    def hear(entries: Entries) -> None:
        (pool,) = {each for entry in entries for each in entry[1:] if isinstance(each, Pool)}
        events = ThreadEvents(pool, Phase.OPEN)
        events.tell(cast("Sequence[Logged]", entries))
        kept.append(len(events.places))

    with bench() as on:
        found = explore(on, heard(schedule_pools.program(text), hear), 2)
    assert found.failure is None
    assert len(kept) > 10
    assert not any(kept)
