"""Which schedules are run, and what is said of one that fails.

``explore`` runs a program under every schedule with at most ``bound`` preemptions,
up to equivalence: a preemption takes the baton from a task that could go on; to pass
it on when a task ends or blocks is free, and so is the choice of who gets it.

Equivalence.  Where a run comes to a state that another run has come to with the same last
task and no more preemptions spent, its alternatives are not taken again.  (Happens-before
caching, as in CHESS.)  That nothing is lost by it:

1. A task is deterministic: what it does next depends on what its operations so far have
   given it, and on nothing else.  All that it shares stands in cells.
2. What an operation gives depends on the value of its cell, and this on who wrote it last,
   and on what he knew.  A lock that is taken, a gate that opens, a wait that times out are
   writes: whoever takes a lock comes after whoever left it.
3. A trail hashes a task's operations in their order, each with its cell, and with the trail
   of who wrote that last.  By 1 and 2, from operation to operation: equal trails, equal
   operations with equal results, in one order up to what commutes (reads of one cell;
   operations on different cells).
4. So where the trails of all tasks are equal, all tasks stand at the same point and all
   cells have the same values, and the same tasks can go on.
5. What may follow within the bound depends on that, on who ran last (to leave him costs a
   preemption) and on the preemptions left: with no fewer left, no less may follow.
6. The run that came there first has put every alternative on the list that its preemptions
   allow, and has gone on by itself as the later one does.  By 5 the later one has nothing
   to add: to each of its runs belongs one of the other's with the same trails at its end.
7. A check sees the end, the answers and the log of each future: by 3 and 4 the trails have
   them.  It also sees which call had ended when another began.  That no cell has; so a call
   that ends, a callback that runs, is noted (``Scheduler.ends``), and a call that begins
   has in its trail what ended before (``begins``), in whatever order.
8. Trails are 64-bit hashes: that two of 10^6 states have the same by accident has a
   probability below 10^-7.

``model_tests/schedule_reduction.py`` does without it in small programs, and compares.  What
the simulation of processes checks on its way (``simulation/checks.py``) sees more than cells;
there, 7 holds of what is seen at the end.

Without a bound, ``schedule_states`` knows states by what stands in them, and comes further.

``walk`` draws schedules at random; ``priorities`` draws them as PCT does: the task of
highest priority goes on, and at a few random steps it falls to the lowest.

A schedule is its codes, written in runs: ``"0*12 1*3 0 1!"`` is twelve steps of task
0, three of task 1, one of task 0, and then the wait of task 1 times out.
"""

import gc
import random
from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import groupby
from typing import Final, final

from model_tests.schedule_library import Library, load, under
from model_tests.schedule_tasks import Task
from model_tests.scheduler import Pick, Scheduler

Schedule = tuple[int, ...]
Body = Callable[[], object]
COLLECT_EVERY: Final = 500  # runs
LONGEST: Final = 400  # steps of a run among which PCT puts its change points
SELDOM: Final = 0.02  # how likely it is that time passes while somebody can go on


@final
@dataclass
class Case:
    """One program, ready to run: its threads, and what must be true afterwards."""

    bodies: Sequence[tuple[str, Body]]
    check: Callable[[], Iterator[str]]  # yields complaints
    epilogue: Body | None = None
    starts: Sequence[str] = ()  # see Scheduler.starts
    ending: Callable[[], object] | None = None  # what a run came to, for who compares
    knows: Callable[[], Hashable] | None = None  # what counts, and stands in no cell
    so_far: Callable[[], Iterable[str]] = tuple  # takes down what was seen; complaints


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
        self.endings: set[str] | None = None  # what runs came to, if somebody compares
        self.case: Case | None = None  # what runs

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
            self.case = case
            scheduler.starts = list(case.starts)
            scheduler.run(case.bodies, case.epilogue, forced, pick)
            complaints = list(scheduler.complaints)
            through = not scheduler.coasting  # else it was left where its rest was known
            if through and not complaints:
                complaints += case.check()
            if through and self.endings is not None and case.ending is not None:
                self.endings.add(repr((case.ending(), complaints)))
            self.case = None
        del case
        return Failure(
            program.name, tuple(scheduler.trace), tuple(complaints), tuple(scheduler.story or ())
        )

    def replay(self, program: Program, schedule: Schedule) -> Failure:
        """Run ``program`` under ``schedule`` again, and tell the story."""
        return self.once(program, schedule, lambda _, enabled: enabled[0], tell=True)

    def repeats(self, program: Program, seed: int) -> bool:
        """Say whether a random schedule, run again as it was written, comes out the same."""
        first = self.once(program, (), sparing(walk(seed), seed, self.scheduler))
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


def explore(
    on: Bench,
    program: Program,
    bound: int | None = None,
    most: int = 10**9,
    *,
    reduced: bool = True,
) -> Found:
    """Run all schedules with at most ``bound`` preemptions, until one fails, or ``most``.

    If they are not ``reduced``, also those that differ only in what commutes.
    """
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
            if reduced and seen.get(key, limit + 1) <= spent:
                branching = False
            else:
                seen[key] = spent
                early = scheduler.patient and not default & 1  # to let time pass is no gift
                trace = scheduler.trace
                at = len(trace)
                for code in enabled:
                    after = spent + (default == own or (early and code & 1))
                    if code != default and after <= limit:
                        todo.append((trace, at, code, after))
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


def sparing(pick: Pick, seed: int, scheduler: Scheduler) -> Pick:
    """Have time pass seldom, and what comes last come at a step of its own, where it may.

    For a scheduler that is patient: else ``pick`` draws as it likes.
    """
    draw = random.Random(seed + 1)
    steps: dict[int, int] = {}

    def seldom(me: Task | None, enabled: list[int]) -> int:
        if not scheduler.patient:
            return pick(me, enabled)
        some: list[int] = []
        for code in enabled:
            if scheduler.tasks[code >> 1].last:
                when = steps.setdefault(code >> 1, draw.randrange(LONGEST))
                allowed = len(scheduler.trace) >= when
            else:
                allowed = not code & 1 or draw.random() < SELDOM
            if allowed:
                some.append(code)
        return pick(me, some or enabled[:1])

    return seldom


def sample(on: Bench, program: Program, seeds: Sequence[int]) -> Found:
    """Run one random schedule for each seed, every other one as PCT does."""
    found = Found(program.name, complete=False)
    for seed in seeds:
        pick = priorities(seed) if seed % 2 else walk(seed)
        ended = on.once(program, (), sparing(pick, seed, on.scheduler))
        found.schedules += 1
        found.steps += len(ended.schedule)
        if ended.complaints:
            found.failure = told(on, program, ended)
            break
    return found
