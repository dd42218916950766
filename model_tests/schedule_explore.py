"""Which schedules are run, and what is said of one that fails.

``explore`` runs a program under every schedule with at most ``bound`` preemptions,
up to equivalence: a preemption takes the baton from a task that could go on; to pass
it on when a task ends or blocks is free, and so is the choice of who gets it.

Equivalence.  At a decision the state is given by the trails of all tasks (see
``scheduler``: equal trails, equal past up to the order of what commutes, hence equal
state), and what may follow within the bound by that, by who ran last, and by the
preemptions left.  Where a run comes to a state that another run has come to with the
same last task and no more preemptions spent, its alternatives are not taken again:
those of the other are, and lead to the same states.  (Happens-before caching, as in
CHESS.)  Trails are 64-bit hashes: that two of 10^6 states have the same by accident
has a probability below 10^-7.

``walk`` draws schedules at random; ``priorities`` draws them as PCT does: the task of
highest priority goes on, and at a few random steps it falls to the lowest.

A schedule is its codes, written in runs: ``"0*12 1*3 0 1!"`` is twelve steps of task
0, three of task 1, one of task 0, and then the wait of task 1 times out.
"""

import gc
import random
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import groupby
from typing import Final, final

from model_tests.schedule_library import Library, load, under
from model_tests.scheduler import Pick, Scheduler, Task

Schedule = tuple[int, ...]
Body = Callable[[], object]
COLLECT_EVERY: Final = 500  # runs
LONGEST: Final = 400  # steps of a run among which PCT puts its change points


@final
@dataclass
class Case:
    """One program, ready to run: its threads, and what must be true afterwards."""

    bodies: Sequence[tuple[str, Body]]
    check: Callable[[], Iterator[str]]  # yields complaints
    epilogue: Body | None = None
    starts: Sequence[str] = ()  # see Scheduler.starts


@final
@dataclass(frozen=True)
class Program:
    """A name, and how to make a case of the program."""

    name: str
    make: Callable[[Library, Scheduler], Case]
    bound: int = 2


@final
@dataclass(frozen=True)
class Failure:
    """A schedule under which a program does what it must not."""

    program: str
    schedule: Schedule
    complaints: tuple[str, ...]
    story: tuple[str, ...] = ()

    def __str__(self) -> str:
        lines = [
            f"program:  {self.program}",
            f"schedule: {text(self.schedule)}",
            *(f"wrong:    {each}" for each in self.complaints),
            *self.story,
        ]
        return "\n".join(lines)


@final
@dataclass
class Found:
    """What an exploration came to."""

    program: str
    schedules: int = 0
    steps: int = 0
    complete: bool = True
    failure: Failure | None = None
    endings: set[str] = field(default_factory=set)


def text(schedule: Schedule) -> str:
    """Write a schedule."""
    runs = []
    for code, same in groupby(schedule):
        count = len(list(same))
        who = f"{code >> 1}!" if code & 1 else f"{code >> 1}"
        runs.append(who if count == 1 else f"{who}*{count}")
    return " ".join(runs)


def parsed(written: str) -> Schedule:
    """Read a schedule."""
    codes: list[int] = []
    for run in written.split():
        who, _, count = run.partition("*")
        codes += [int(who.rstrip("!")) * 2 + who.endswith("!")] * int(count or 1)
    return tuple(codes)


# ---------------------------------------------------------------- one schedule


@final
class Bench:
    """A library under a scheduler: runs programs on it."""

    def __init__(self, scheduler: Scheduler, library: Library, prepare: Callable[[], None]) -> None:
        self.scheduler = scheduler
        self._library = library
        self._prepare = prepare
        self._runs = 0

    def once(self, program: Program, forced: Schedule, pick: Pick, tell: bool = False) -> Failure:
        """Run ``program`` once; return what happened: a failure if there are complaints."""
        scheduler = self.scheduler
        self._runs += 1
        if not self._runs % COLLECT_EVERY:
            gc.collect()
        self._prepare()
        scheduler.story = [] if tell else None
        with self._library.observer.recording():
            case = program.make(self._library, scheduler)
            scheduler.starts = list(case.starts)
            scheduler.run(case.bodies, case.epilogue, forced, pick)
            complaints = list(scheduler.complaints)
            if not complaints:
                complaints += case.check()
        del case
        return Failure(
            program.name, tuple(scheduler.trace), tuple(complaints), tuple(scheduler.story or ())
        )

    def replay(self, program: Program, schedule: Schedule) -> Failure:
        """Run ``program`` under ``schedule`` again, and tell the story."""
        return self.once(program, schedule, lambda _, enabled: enabled[0], tell=True)

    def repeats(self, program: Program, seed: int) -> bool:
        """Say whether a random schedule, run again as it was written, comes out the same."""
        first = self.once(program, (), walk(seed))
        again = self.replay(program, parsed(text(first.schedule)))
        return (first.schedule, first.complaints) == (again.schedule, again.complaints)


@contextmanager
def bench(library: Library = None, scheduler: Scheduler | None = None) -> Iterator[Bench]:
    """Put ``library`` (the real one, if None) under a scheduler (a new one) meanwhile."""
    library = library or load()
    scheduler = scheduler or Scheduler()
    collects = gc.isenabled()
    gc.disable()  # a finalizer that comes at its own time is no part of a schedule
    try:
        with under(scheduler, library) as prepare:
            yield Bench(scheduler, library, prepare)
    finally:
        scheduler.close()
        if collects:
            gc.enable()


# ------------------------------------------------------------- many schedules


def explore(on: Bench, program: Program, bound: int | None = None, most: int = 10**9) -> Found:
    """Run all schedules with at most ``bound`` preemptions, until one fails, or ``most``."""
    limit = program.bound if bound is None else bound
    found = Found(program.name)
    scheduler = on.scheduler
    seen: dict[int, int] = {}
    todo: list[tuple[list[int], int, int, int]] = []  # a trace, how much of it, then, spent
    spent = 0
    branching = True

    def pick(me: Task | None, enabled: list[int]) -> int:
        nonlocal branching
        own = -1 if me is None else me.index * 2
        default = own if own in enabled else enabled[0]
        if branching:
            key = hash((own, *[task.trail for task in scheduler.tasks]))
            if seen.get(key, limit + 1) <= spent:
                branching = False
            else:
                seen[key] = spent
                after = spent + (default == own)
                if after <= limit and len(enabled) > 1:
                    trace = scheduler.trace
                    at = len(trace)
                    todo.extend((trace, at, code, after) for code in enabled if code != default)
        return default

    todo.append(([], 0, -1, 0))
    while todo:
        if found.schedules >= most:
            found.complete = False
            break
        trace, at, code, spent = todo.pop()
        branching = True
        forced = () if code < 0 else (*trace[:at], code)
        ended = on.once(program, forced, pick)
        found.schedules += 1
        found.steps += len(ended.schedule)
        if ended.complaints:
            found.failure = told(on, program, ended)
            break
    return found


def told(on: Bench, program: Program, failure: Failure) -> Failure:
    """Replay a failure for its story; say so if it does not come out the same."""
    again = on.replay(program, failure.schedule)
    if (again.schedule, again.complaints) == (failure.schedule, failure.complaints):
        return again
    complaints = (*failure.complaints, f"on replay: {again.complaints or 'nothing wrong'}")
    return Failure(program.name, failure.schedule, complaints, again.story)


def walk(seed: int) -> Pick:
    """Return a strategy that draws who goes on; it stays with a task now and then."""
    draw = random.Random(seed)
    stays = draw.choice((0.0, 0.5, 0.8, 0.9))

    def pick(me: Task | None, enabled: list[int]) -> int:
        if me is not None and draw.random() < stays and me.index * 2 in enabled:
            return me.index * 2
        return draw.choice(enabled)

    return pick


def priorities(seed: int, changes: int = 3, longest: int = LONGEST) -> Pick:
    """Return a PCT strategy: priorities, and ``changes`` steps at which the first falls."""
    draw = random.Random(seed)
    falls = {draw.randrange(longest) for _ in range(changes)}
    ranks: dict[int, float] = {}
    step = 0

    def pick(_: Task | None, enabled: list[int]) -> int:
        nonlocal step
        for code in enabled:
            ranks.setdefault(code >> 1, draw.random())
        best = max(enabled, key=lambda code: ranks[code >> 1])
        step += 1
        if step in falls:
            ranks[best >> 1] = -step
            best = max(enabled, key=lambda code: ranks[code >> 1])
        return best

    return pick


def sample(on: Bench, program: Program, seeds: Sequence[int]) -> Found:
    """Run one random schedule for each seed, every other one as PCT does."""
    found = Found(program.name, complete=False)
    for seed in seeds:
        ended = on.once(program, (), priorities(seed) if seed % 2 else walk(seed))
        found.schedules += 1
        found.steps += len(ended.schedule)
        if ended.complaints:
            found.failure = told(on, program, ended)
            break
    return found
