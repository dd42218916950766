"""``observer=``: who listens is told of everything, in order, and no call waits for it."""

import dis
import logging
import os
import random
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from multiprocessing import get_all_start_methods, get_context
from pathlib import Path
from types import CodeType
from typing import Any, Final, Literal

import pytest

import foregone
from foregone import (
    BrokenProcessPool,
    Executor,
    Future,
    ProcessPoolExecutor,
    ThreadPoolExecutor,
    observer,
    observing,
    runs,
    wait,
)
from foregone.events import Event, Observer
from foregone.json_lines import read
from model_tests.process_calls import House, held
from model_tests.process_world import until
from model_tests.recorded_runs import often_switched

PATIENCE: Final = 30.0
IMPL: Final = Path(foregone.__file__).parent

Maker = Callable[[int, Observer | None], Executor]


class Heard:
    """An observer that keeps what it is told."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self.closed = threading.Event()

    def __call__(self, events: list[Event]) -> None:
        self.events += events

    def close(self) -> None:
        self.closed.set()

    def all(self) -> list[Event]:
        """Return everything, once the last was told."""
        assert self.closed.wait(PATIENCE)
        return self.events

    def of(self, action: str) -> list[Event]:
        return [each for each in self.events if each.action == action]


class Slow(Heard):
    """One that returns from its first call only when it is let go on."""

    def __init__(self) -> None:
        super().__init__()
        self.began, self.goes = threading.Event(), threading.Event()

    def __call__(self, events: list[Event]) -> None:
        self.began.set()
        assert self.goes.wait(PATIENCE)
        super().__call__(events)


def threads(limit: int, told: Observer | None) -> Executor:
    return ThreadPoolExecutor(limit, observer=told)


def processes(limit: int, told: Observer | None) -> Executor:
    return ProcessPoolExecutor(limit, get_context("fork"), observer=told)


KINDS: Final = pytest.mark.parametrize("make", [threads, processes])


# ------------------------------------------------------------------- what is told


@KINDS
def test_everything_is_told_in_order(make: Maker) -> None:
    heard = Heard()
    with make(2, heard) as executor:
        assert list(executor.map(abs, range(-100, 0))) == list(range(100, 0, -1))
    events = heard.all()
    assert [each.number for each in events] == list(range(1, len(events) + 1))
    assert (events[0].action, events[-1].action) == ("Opened", "Closed")
    assert len({each.executor for each in events}) == 1
    assert [each.seconds for each in events] == sorted(each.seconds for each in events)
    submitted = heard.of("Submit")
    assert [each.call for each in submitted] == list(range(1, 101))
    assert {each.what for each in submitted} == {"abs"}
    assert sorted(each.call for each in events if each.after == "FINISHED") == list(range(1, 101))
    for call in range(1, 101):
        of = [each.action for each in events if each.call == call]
        assert (of[0], of[-1]) == ("Submit", "Future")


def test_a_claim_is_seen_while_the_call_runs(house: House) -> None:
    heard = Heard()
    with processes(1, heard) as executor, house.opened():
        future = executor.submit(held, house.log, 1, house.gate)
        (claimed,) = until(lambda: heard.of("Claimed"))
        assert not future.done()
        assert claimed[3:6] == ("Claimed", 1, 1)
    assert len([each for each in heard.all() if each.action == "Claimed"]) == 1


def test_a_cancel_is_told_of_with_who_won(house: House) -> None:
    heard = Heard()
    with processes(1, heard) as executor, house.opened():
        first = executor.submit(held, house.log, 1, house.gate)
        until(house.begun)
        second = executor.submit(abs, 1)
        assert not first.cancel()
        assert second.cancel()
    heard.all()
    takes = [each for each in heard.of("Take") if each.what == "cancel"]
    cancels = {each.call: (each.after, each.more["won"]) for each in takes}
    # What waits, as it does where its process stands, needs no ticket.
    assert cancels[2] in (("IN_SLOT", True), ("WAITING", False), ("RECALLED", False))
    assert cancels.get(1) in (None, ("IN_SLOT", False), ("CLAIMED", False))  # None: it was noticed
    ends = {each.call: each.after for each in heard.of("Future")}
    assert ends == {1: "FINISHED", 2: "CANCELLED_AND_NOTIFIED"}


@KINDS
def test_one_observer_may_be_told_of_several(make: Maker) -> None:
    heard = Heard()
    with make(1, heard) as one, make(1, heard) as other:
        one.submit(abs, 1).result()
        other.submit(abs, 2).result()
        other.submit(abs, 3).result()
    until(lambda: sum(each.action == "Closed" for each in heard.all()) == 2)
    found = runs.by_executor(heard.events)
    calls = [[x.call for x in each if x.action == "Submit"] for each in found.values()]
    assert sorted(calls) == [[1], [1, 2]]


def test_what_others_do_is_not_told() -> None:
    heard = Heard()
    with ThreadPoolExecutor(1) as silent, threads(1, heard) as executor:
        silent.submit(abs, 1).result()
        executor.submit(abs, 2).result()
        Future[int]().set_result(1)
        silent.submit(abs, 3).result()
    assert [each.call for each in heard.all() if each.action == "Submit"] == [1]
    assert {each.call for each in heard.of("Future")} == {1}


def test_what_is_submitted_too_late_is_told_of_as_refused() -> None:
    heard = Heard()
    executor = threads(1, heard)
    executor.submit(abs, 1).result()
    executor.shutdown(wait=False)
    with pytest.raises(RuntimeError):
        executor.submit(abs, 2)
    refused = [each for each in heard.all() if each.after == "refused"]
    assert [(each.action, each.call, each.what) for each in refused] == [("Submit", 0, "abs")]


def test_a_death_is_told_of() -> None:
    heard = Heard()
    with processes(1, heard) as executor, pytest.raises(BrokenProcessPool):
        executor.submit(signal.raise_signal, signal.SIGKILL).result()
    heard.all()
    (removed,) = heard.of("Remove")
    assert removed.more["told"] is False
    assert removed.more["pid"] == heard.of("Start")[0].more["pid"]
    assert ("break", "BROKEN") in {(each.what, each.after) for each in heard.of("Ask")}


# ------------------------------------------------------- what an observer may not do


@KINDS
def test_an_observer_that_raises_loses_events_and_no_call(
    make: Maker, caplog: pytest.LogCaptureFixture
) -> None:
    closed = threading.Event()

    class Raises:
        def __call__(self, events: list[Event]) -> None:
            raise ZeroDivisionError("mine")

        def close(self) -> None:
            closed.set()

    with caplog.at_level(logging.WARNING, "foregone"):
        with make(2, Raises()) as executor:
            assert list(executor.map(abs, range(50))) == list(range(50))
        assert closed.wait(PATIENCE)
    assert "and 1 events are lost" in caplog.text
    assert "mine" in caplog.text
    assert "has lost" in caplog.text


@KINDS
def test_an_observer_that_does_not_return_holds_up_nobody(
    make: Maker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(observing, "MOST", 50)
    heard = Slow()
    with make(2, heard) as executor:
        assert heard.began.wait(PATIENCE)
        (listener,) = observing._listening
        for _ in range(5):
            assert list(executor.map(abs, range(40))) == list(range(40))
        until(lambda: listener.lost)
        assert listener.waiting - listener.taken <= 50
        heard.goes.set()
    events = heard.all()
    assert len(events) + listener.lost == listener.number  # each is told, or counted
    numbers = [each.number for each in events]
    assert numbers == sorted(set(numbers))
    assert numbers[-1] < listener.number or len(numbers) < listener.number


def test_a_defect_of_ours_ends_the_log(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """What nobody reads must not grow for ever."""
    heard = Heard()

    def fails(*_: object) -> None:
        raise ZeroDivisionError

    with threads(1, heard) as executor:
        monkeypatch.setattr(observing.Listener, "put", fails)
        monkeypatch.setattr(observing.Listener, "close", lambda it: it.batches.put(None))
        executor.submit(abs, 1).result()
        until(lambda: observer.log is None)
        assert executor.submit(abs, -2).result() == 2
    assert "nothing is observed any more" in caplog.text
    assert heard.closed.wait(PATIENCE)


def test_what_is_no_observer_is_refused() -> None:
    for kind in (ThreadPoolExecutor, ProcessPoolExecutor):
        with pytest.raises(TypeError, match=r"observer must be a callable .* not 'calls\.jsonl'"):
            kind(1, observer="calls.jsonl")  # type: ignore[arg-type]  # that is what it is about


def test_who_records_is_not_disturbed() -> None:
    with observer.recording() as entries:
        with pytest.raises(RuntimeError, match=r"end that recording\(\) first"):
            ThreadPoolExecutor(1, observer=Heard())
        assert observer.log is entries
    assert observer.log is None


# ------------------------------------------------------------------- that it ends


@KINDS
def test_nothing_is_logged_once_nobody_listens(make: Maker) -> None:
    heard = Heard()
    with make(1, heard) as executor:
        executor.submit(abs, 1).result()
        assert observer.log is not None
    heard.all()
    until(lambda: observer.log is None and not observing._listening)
    with make(1, None) as executor:
        executor.submit(abs, 1).result()
        assert observer.log is None


def test_an_executor_that_was_never_used_is_closed() -> None:
    for make in (threads, processes):
        heard = Heard()
        executor = make(1, heard)
        del executor
        assert [each.action for each in heard.all()] == ["Opened", "Ask", "Closed"]


def test_no_call_is_remembered() -> None:
    """What events are made of is forgotten with the call: it may hold a result."""
    heard = Heard()
    gate = threading.Event()
    with threads(3, heard) as executor:
        futures = [executor.submit(abs, each) for each in range(200)]
        blocked = [executor.submit(gate.wait) for _ in range(3)]
        until(lambda: all(each.running() for each in blocked))
        cancelled = [executor.submit(abs, each) for each in range(20)]
        assert all(each.cancel() for each in cancelled)
        gate.set()
        wait(futures)
        wait(blocked)
        (listener,) = observing._listening
        teller: Any = listener.teller
        executor.submit(abs, 1).result()
        until(lambda: not teller.places)
        assert (teller.places, teller.ended, teller.held) == ({}, set(), {})
        executor.shutdown(cancel_futures=True)
    heard.all()


@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_forked_child_tells_nothing() -> None:
    heard = Heard()
    with threads(1, heard) as executor:
        executor.submit(abs, 1).result()
        child = os.fork()
        if not child:
            silent = observer.log is None and not observing._listening
            os._exit(0 if silent else 1)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
        executor.submit(abs, 2).result()
    assert len([each for each in heard.all() if each.action == "Submit"]) == 2


OBSERVED: Final = """
import os, sys
from multiprocessing import get_context
from foregone import JSONLines, ProcessPoolExecutor, ThreadPoolExecutor
told = JSONLines(sys.argv[2])
if sys.argv[1] == "threads":
    executor = ThreadPoolExecutor(2, observer=told)
else:
    executor = ProcessPoolExecutor(2, get_context("fork"), observer=told)
"""
AT_EXIT: Final = f"{OBSERVED}futures = [executor.submit(abs, n) for n in range(100)]\n"


@pytest.mark.parametrize("kind", ["threads", "processes"])
def test_what_happens_at_the_end_of_the_interpreter_is_told(kind: str, tmp_path: Path) -> None:
    file = tmp_path / "calls.jsonl"
    subprocess.run([sys.executable, "-c", AT_EXIT, kind, str(file)], check=True, timeout=PATIENCE)
    events = list(read(file))
    assert [each.number for each in events] == list(range(1, len(events) + 1))
    assert events[-1].action == "Closed"
    assert sum(each.after == "FINISHED" for each in events) == 100
    assert runs.followed(events).accepted


# ---------------------------------------------------- the process group is killed

KILLED: Final = (
    OBSERVED
    + """
from foregone import observing
(listener,) = observing._listening
ended = 0
while True:
    for future in [executor.submit(abs, n) for n in range(100)]:
        future.result()
    ended += 100
    waited, told = listener.waiting, listener.taken
    os.write(1, b"%d %d %d\\n" % (ended, waited, told))
"""
)


@pytest.mark.parametrize("kind", ["threads", "processes"])
def test_what_was_told_before_a_kill_is_there_and_little_waits_to_be(
    kind: str, tmp_path: Path
) -> None:
    file = tmp_path / "calls.jsonl"
    program = subprocess.Popen(
        [sys.executable, "-c", KILLED, kind, str(file)],
        stdout=subprocess.PIPE,
        start_new_session=True,
    )
    assert program.stdout is not None
    with program.stdout as said:
        lines = [next(said)]
        while len(lines) < 200 or int(lines[-1].split()[2]) <= 1000:
            lines.append(next(said))
        os.killpg(program.pid, signal.SIGKILL)
        program.wait()
        lines += list(said)
    reports = [tuple(map(int, each.split())) for each in lines if each.endswith(b"\n")]
    assert all(waited - told <= observing.MOST for _, waited, told in reports)
    ended, _, told = reports[-1]
    events = list(read(file))
    assert len(events) >= told  # nothing that was told stays in a buffer of the process
    assert sum(each.after == "FINISHED" for each in events) <= ended + 200


# ------------------------------------------------------ every run is one of the spec


@pytest.fixture(name="often_switched")
def _often_switched() -> Iterator[None]:
    with often_switched():
        yield


def played(executor: Executor, seed: int, *, deadly: bool) -> None:
    """Use an executor as chance has it, up to its end."""
    chance = random.Random(seed)
    futures: list[Future[Any]] = []
    for number in range(chance.randint(1, 40)):
        what = chance.choices(
            ["work", "fail", "cancel", "wait", "die", "poison"],
            [10, 1, 3, 1, 0.3 * deadly, 0.5 * deadly],
        )[0]
        try:
            if what == "work":
                futures.append(executor.submit(abs, number))
            elif what == "fail":
                futures.append(executor.submit(divmod, 1, 0))
            elif what == "die":
                futures.append(executor.submit(signal.raise_signal, signal.SIGKILL))
            elif what == "poison":
                futures.append(executor.submit(id, lambda: 0))
            elif what == "cancel" and futures:
                chance.choice(futures).cancel()
            elif futures:
                wait([chance.choice(futures)])
        except BrokenProcessPool:
            break
    if chance.random() < 0.5:
        wait(futures)
    executor.shutdown(cancel_futures=chance.random() < 0.5)


@pytest.mark.usefixtures("often_switched")
@pytest.mark.parametrize("seed", range(12))
def test_what_a_thread_pool_tells_is_a_behaviour_of_its_model(seed: int) -> None:
    heard = Heard()
    played(threads(1 + seed % 5, heard), seed, deadly=False)
    verdict = runs.followed(heard.all())
    assert verdict.accepted, str(verdict)


@pytest.mark.usefixtures("often_switched")
@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("method", get_all_start_methods())
def test_what_a_process_pool_tells_is_a_behaviour_of_its_model(method: str, seed: int) -> None:
    heard = Heard()
    policy: Literal["break", "replace"] = "break" if method == "fork" else "replace"
    executor = ProcessPoolExecutor(
        1 + seed % 3, get_context(method), on_process_death=policy, observer=heard
    )
    played(executor, seed, deadly=True)
    try:
        verdict = runs.followed(heard.all())
    except runs.Unmodelled:
        return
    assert verdict.accepted, str(verdict)


def test_a_run_that_is_none_is_found_out() -> None:
    """An answer of a call that nobody claimed; an event that is missing."""
    heard = Heard()
    with threads(1, heard) as executor:
        executor.submit(abs, 1).result()
    events = heard.all()
    assert runs.followed(events).accepted
    finished = next(each for each in events if each.after == "FINISHED")
    began = next(each for each in events if each.after == "RUNNING")
    swapped = {finished.number: began, began.number: finished}
    wrong = [swapped.get(each.number, each)._replace(number=each.number) for each in events]
    assert not runs.followed(wrong).accepted
    with pytest.raises(runs.Missing, match="events 5 to 5 were lost"):
        runs.followed([each for each in events if each.number != 5])
    with pytest.raises(runs.Missing, match="has to be Opened"):
        runs.followed(events[1:])


# ------------------------------------------------------------------ what it costs


def codes(code: CodeType) -> Iterator[CodeType]:
    yield code
    for each in code.co_consts:
        if isinstance(each, CodeType):
            yield from codes(each)


def guards(source: str, name: str) -> Iterator[list[str]]:
    """Yield, of each place that looks at the log, what is executed while nobody listens."""
    for code in codes(compile(source, name, "exec")):
        steps = [each for each in dis.get_instructions(code) if each.opname != "CACHE"]
        for at, step in enumerate(steps):
            if step.opname == "LOAD_ATTR" and step.argval == "log":
                after = [each.opname for each in steps[at + 1 : at + 4]]
                if "POP_JUMP" in " ".join(after):
                    yield [steps[at - 1].opname, step.opname, *after]


def test_nobody_listening_costs_a_load_and_a_branch() -> None:
    found = 0
    for path in sorted(IMPL.rglob("*.py")):
        source = path.read_text()
        if path.name in ("observer.py", "observing.py"):
            continue
        sites = list(guards(source, str(path)))
        # What stands in a "finally" is compiled twice.
        assert len(sites) >= source.count("observer.log is not None"), path
        found += len(sites)
        for load, attribute, *after in sites:
            assert (load, attribute) == ("LOAD_GLOBAL", "LOAD_ATTR"), path
            taken = [each for each in after if each.startswith("POP_JUMP")]
            assert taken[0].endswith(("IF_NONE", "IF_FALSE")), (path, after)
            assert len(after[: after.index(taken[0])]) <= 2  # None and "is not", if not in one
    assert found > 20


def test_the_guard_of_the_cost_sees_more_work() -> None:
    cheap = "def f():\n  if observer.log is not None: observer.log += (1,)\n"
    dear = "def f(self):\n  if self.observer.log is not None: self.observer.log += (1,)\n"
    assert [each[0] for each in guards(cheap, "x")] == ["LOAD_GLOBAL"]
    assert [each[0] for each in guards(dear, "x")] == ["LOAD_ATTR"]
