"""Runs of the library, recorded and read as runs of the models; seeded.

``from_schedules``   programs on futures and thread pools, under drawn schedules
``from_threads``     thread pools that several real threads use as chance has it
``from_simulation``  the process pool over simulated processes, which may die
``from_processes``   process pools with real processes, one of which may die

Some runs the models cannot have, and none of these yields them: see ``LEFT_OUT``.
"""

import itertools
import multiprocessing
import random
import signal
import sys
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final, Literal, TypeAlias, final, get_args

from foregone import (
    FIRST_COMPLETED,
    BrokenProcessPool,
    Future,
    ProcessPoolExecutor,
    ThreadPoolExecutor,
    wait,
)
from foregone.future import LOGGER
from foregone.pool import Pool
from foregone.run_rooms import Unmodelled
from foregone_spec import process_pool_actions
from foregone_spec.process_pool_state import ProcessPoolState
from foregone_spec.thread_pool import Action, ThreadPoolState
from model_tests import schedule_pools, schedule_programs, schedule_races
from model_tests.process_world import until
from model_tests.recording import Entries, Replay, of_future, of_waiting, recording
from model_tests.recording_pool import of_thread_pool
from model_tests.recording_process import of_process_pool
from model_tests.schedule_explore import Case, Program, bench, explore, priorities, walk
from model_tests.schedule_library import Library
from model_tests.scheduler import Scheduler
from model_tests.simulation.choices import Choices
from model_tests.simulation.runs import patched, run

#: A run of any model, and of what.
AnyReplay: TypeAlias = Replay[Any, Any]

#: What the models do not have, by a word of the program.
LEFT_OUT: Final = {
    "interrupted": "Ctrl-C in submit: a thread may run that nobody knows of",
}

#: Programs that show a kind of edge which no other does.
MORE: Final = ("owned: start | add; set_exception", "bare: start | add; set_exception")
#: And such that show it under all schedules of one preemption.
WHOLE: Final = (
    "pool 2 refused: submit | submit",
    "pool 1 refused: submit | submit; cancel | shutdown(cancel)",
)
#: And such seeds: while the parent sleeps, an initializer fails; a call of Work Ids is cancelled.
RARE: Final = (156, 1109)

# ------------------------------------------------------------ drawn schedules


def heard(program: Program, hear: Callable[[Entries], None]) -> Program:
    """Return ``program``, whose log somebody hears after each run."""

    def make(library: Library, scheduler: Scheduler) -> Case:
        case = program.make(library, scheduler)
        log: list[Any] = library.observer.log
        check = case.check

        def checked() -> Iterator[str]:
            yield from check()
            hear(list(log))

        case.check = checked
        return case

    return Program(program.name, make, program.bound)


def _subjects(entries: Entries, name: str = "") -> dict[Any, None]:
    """Return what entries are about, those of one name or all."""
    split = (list(each) for each in entries)
    return dict.fromkeys(each[1] for each in split if len(each) > 1 and name in ("", each[0]))


def _of_futures(entries: Entries) -> Iterator[AnyReplay]:
    futures = list(_subjects(entries, "Future"))
    yield from (of_future(entries, each) for each in futures)
    if any(each[0] in ("Wait", "Yield", "GiveUp") for each in entries):
        yield of_waiting(entries, futures)


def of_pool(entries: Entries) -> Iterator[AnyReplay]:
    for pool in (each for each in _subjects(entries) if isinstance(each, Pool)):
        try:
            run = of_thread_pool(entries, pool)
        except Unmodelled:
            continue
        yield run


def _programs() -> Iterator[Program]:
    programs = schedule_programs
    for text in (*programs.PAIRS, *programs.TRIPLES, *programs.TWO_FUTURES, *MORE):
        yield schedule_races.program(text)
    for text in (*(each for each, _ in programs.POOLS), *programs.LARGE_POOLS):
        if not any(word in text for word in LEFT_OUT):
            yield schedule_pools.program(text)


def from_schedules(seeds: Sequence[int]) -> Iterator[AnyReplay]:
    """Yield the runs of every program under one drawn schedule for each seed, of some under all."""
    found: list[AnyReplay] = []

    def hear(entries: Entries) -> None:
        pools = any(isinstance(each, Pool) for each in _subjects(entries))
        found.extend(of_pool(entries) if pools else _of_futures(entries))

    with bench() as on:
        for program in _programs():
            for seed in seeds:
                pick = priorities(seed) if seed % 2 else walk(seed)
                ended = on.once(heard(program, hear), (), pick)
                if ended.complaints:
                    raise AssertionError(str(ended))
            yield from found
            found.clear()
        for text in WHOLE:
            failure = explore(on, heard(schedule_pools.program(text, 1), hear)).failure
            if failure is not None:
                raise AssertionError(str(failure))
        yield from found


# --------------------------------------------------------- real thread pools

CALLS_OF_A_CLIENT: Final = 4


@contextmanager
def often_switched() -> Iterator[None]:
    """Let threads take turns as often as they can, and callbacks fail in silence."""
    was, told = sys.getswitchinterval(), LOGGER.disabled
    sys.setswitchinterval(1e-6)
    LOGGER.disabled = True
    try:
        yield
    finally:
        LOGGER.disabled = told
        sys.setswitchinterval(was)


@final
@dataclass
class Client:
    """Somebody who uses a pool as chance has it."""

    executor: ThreadPoolExecutor
    chance: random.Random
    futures: list[Future[int]]

    def __call__(self, begin: threading.Barrier) -> None:
        begin.wait()
        submitted = 0
        while submitted < CALLS_OF_A_CLIENT:
            what = self.chance.choices(
                ["submit", "cancel", "wait", "result", "callback", "shutdown"], [8, 4, 2, 2, 2, 0.4]
            )[0]
            submitted += what == "submit"
            try:
                self.act(what)
            except RuntimeError:  # the pool takes no more calls
                pass

    def act(self, what: str) -> None:
        if what == "submit":
            fn = self.chance.choice([lambda: 1, lambda: 1 // 0])
            self.futures.append(self.executor.submit(fn))
        elif what == "shutdown":
            self.executor.shutdown(wait=False, cancel_futures=self.chance.random() < 0.5)
        elif self.futures:
            one = self.chance.choice(self.futures)
            if what == "cancel":
                one.cancel()
            elif what == "wait":
                wait(self.futures, return_when=FIRST_COMPLETED)
            elif what == "result":
                wait([one])
            else:
                other = self.chance.choice(self.futures)
                one.add_done_callback(lambda _: [other.cancel(), 1 // 0])


def hammered(seed: int) -> Replay[ThreadPoolState, Action]:
    """Return what happened when several clients used one pool at the same time."""
    chance = random.Random(seed)
    inits: Callable[[], object] | None = None
    if seed % 6 == 5:
        left = iter([True] * chance.randrange(3))
        inits = left.__next__  # raises when it is over
    clients = chance.randint(2, 3)
    begin = threading.Barrier(clients)
    with recording() as entries:
        executor = ThreadPoolExecutor(1 + seed % 4, initializer=inits)
        threads = [
            threading.Thread(target=Client(executor, random.Random(n + 7 * seed), []), args=[begin])
            for n in range(clients)
        ]
        for each in threads:
            each.start()
        for each in threads:
            each.join()
        pool = executor._pool
        if chance.random() < 0.8:
            executor.shutdown(cancel_futures=chance.random() < 0.3)
        del executor, threads, each  # and so the executor is collected
        for worker in pool.workers:
            worker.thread.join()
    return of_thread_pool(entries, pool)


def broken_beside_a_parked() -> Replay[ThreadPoolState, Action]:
    """Return the run of a pool whose second initializer raises while the first thread is parked."""
    turns, both, goes = itertools.count(), threading.Event(), threading.Event()

    def initializer() -> None:
        if next(turns):
            goes.wait()
            raise ValueError

    with recording() as entries, ThreadPoolExecutor(2, initializer=initializer) as executor:
        futures = [executor.submit(both.wait), executor.submit(both.is_set)]
        both.set()
        wait(futures)
        parked = until(lambda: executor._pool.parked)
        goes.set()
        assert parked
        assert until(lambda: not executor._pool.accepts())
        executor.shutdown()
        return of_thread_pool(entries, executor._pool)


def from_threads(seeds: Iterable[int]) -> Iterator[AnyReplay]:
    """Yield a run of a thread pool for each seed, and one that chance seldom makes."""
    with often_switched():
        yield from map(hammered, seeds)
        yield broken_beside_a_parked()


# -------------------------------------------------------------- process pools

Fate: TypeAlias = Literal["all live", "one dies", "the initializer fails"]
FATES: Final[tuple[Fate, ...]] = get_args(Fate)


def from_simulation(seeds: Iterable[int]) -> Iterator[AnyReplay]:
    """Yield the run of a simulated process pool for each seed; none that was refused much."""
    with patched():
        for seed in seeds:
            world, wrong = run(Choices(seed))
            if wrong is not None:
                raise wrong
            try:
                yield of_process_pool(world.log, world.pool, exact=True, depth=world.settings.depth)
            except Unmodelled:
                pass


def real_processes(
    method: str, fate: Fate
) -> Replay[ProcessPoolState, process_pool_actions.Action]:
    """Return the run of a pool of two processes, some calls of which are cancelled."""
    replaces: Literal["break", "replace"] = "break" if method == "fork" else "replace"
    context = multiprocessing.get_context(method)
    fails = (divmod, (1, 0)) if fate == "the initializer fails" else (None, ())
    with recording() as entries, often_switched():
        executor = ProcessPoolExecutor(2, context, *fails, on_process_death=replaces)
        futures: list[Future[Any]] = []
        try:
            futures.extend(executor.submit(abs, -number) for number in range(8))
            futures[7].cancel()
        except BrokenProcessPool:  # under fork, its initializer may have failed by now
            if fate != "the initializer fails":
                raise
        if fate == "one dies":
            futures.append(executor.submit(signal.raise_signal, signal.SIGKILL))
        elif fate == "all live":
            futures.append(executor.submit(divmod, 1, 0))
        wait(futures)
        if fate == "all live":
            futures += [executor.submit(abs, number) for number in range(4)]
        executor.shutdown(cancel_futures=fate == "all live")
    return of_process_pool(entries, executor._pool)


def from_processes(times: int) -> Iterator[AnyReplay]:
    """Yield runs of real process pools, under each start method.

    An initializer fails where the process is forked: others tell of it on stderr.
    """
    for _ in range(times):
        for method in multiprocessing.get_all_start_methods():
            fates = FATES if method == "fork" else FATES[:2]
            yield from (real_processes(method, fate) for fate in fates)
