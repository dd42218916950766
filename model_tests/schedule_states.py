"""All schedules of a program, without a bound: each state is gone on from once.

``explore`` comes to every state that a program of deterministic tasks can come to, takes each
choice that there is in it once, and counts the schedules: the ways from the start to an end.
That this is all of them:

1. What a task does next depends on its code, on what its operations have given it, and on
   nothing else.  All that it shares stands in cells, or is named in 5.
2. What an operation gives depends on what the task brings to it, on what stands in its cell,
   and for a wait on whether it timed out.  A plain write gives nothing.  So a trail that
   hashes, operation by operation, its cell and what stood there, says where the task is and
   what it has in its hands.  What it finds elsewhere it ``hears``, and that is hashed, too.
3. Objects are told by names, and no two of a run have the same: the number of the lock; of
   other things the field that they are put in first, and how many were put there before;
   else who made them, in which call, and how many before, or what the program says.  A task
   that puts something there hears its name.  Numbers, enums, None and text are told by their
   value.  A tuple is not: ``is`` tells equal ones apart.
4. A thread that begins a call has kept nothing of those before it, but its place in the row:
   the trail begins anew, and so does the count of what is made, from a number of its own.
5. The state is the trails, who has ended, who waits for what and whether its time may pass,
   what stands in each cell, and what the case ``knows``: what is in no cell, but decides what
   follows or what is said of it.  For a program on a future that is its lock, which is made
   where no scheduling point is, and all that the view has but its list of steps.  (What is
   recorded for ``foregone.observer`` is read by nobody here.)
6. So between runs in one state the names are a bijection: the tasks are at the same points
   with the same in their hands, the same can go on, and if the same goes on, both are in one
   state again, and have made the same step.  Whatever follows one follows the other.
7. A run that comes to a known state is left there.  Its steps so far are taken down, and what
   follows is taken down by those that went on from there.  Where there is a complaint already
   the run goes on to its end, so that it can be replayed.
8. Who ran last, and how often a task was preempted, is no part of it: there is no bound.
9. Where nobody can go on, the epilogue runs without preemption, and the end is judged.
10. Ways are counted from the ends: each state has as many as those after it together.
11. Two steps commute if neither writes what the other reads or writes.  What looks on counts
    as a cell that is written where it takes a step down, or answers from what it has of others;
    the step that makes the lock commutes with none.  If ``a`` and ``b``, of two tasks, commute
    in a state, then each is the same step after the other, and both orders lead to one state.
    So where ``b`` leads to a state in which ``a`` is still to be taken, and ``a`` and then
    ``b`` have been taken from the state before, the edge is drawn, and no run is needed.
12. States and trails are hashes, of which 61 bits count: that two of the 10^6 states of a
    program have the same by accident has a probability below 10^-6.

A run goes through the choices that lead to where it is to take another; its tasks are given
the trails that the first run had there.  That the state is the same is asked each time, so a
program that is not deterministic, or a state that has not all, is a complaint.

``model_tests/states_counted.py`` counts the schedules of small programs one by one, and those
of larger ones by the trails of ``schedule_explore``: the numbers are the same.  With tuples told
by what is in them they are not; that is how the end of step 3 was found.
"""

from dataclasses import dataclass, field
from enum import Enum
from heapq import heappop, heappush
from itertools import count
from typing import Final, final

from model_tests.schedule_explore import Bench, Failure, Program, told
from model_tests.schedule_tasks import Task
from model_tests.schedule_values import Footprint, ValueScheduler

END: Final = -1  # in place of a state: nobody can go on


class By(Enum):
    """How states are known again."""

    VALUES = "values"
    TRAILS = "trails"  # those of happens-before: who wrote last, and all that he knew
    NOTHING = "nothing"  # each run goes to its end


@final
@dataclass
class Whole:
    """What an exploration came to."""

    program: str
    runs: int = 0
    states: int = 0
    schedules: int = 0  # that there are; 0 if not all are known
    complete: bool = False
    failure: Failure | None = None


@final
@dataclass
class Graph:
    """Which choice leads from which state to which."""

    after: dict[int, dict[int, int]] = field(default_factory=dict)
    start: int = END

    def ways(self) -> int:
        """Return how many ways lead from the start to an end; raise ValueError for a circle."""
        found = {END: 1}
        on_the_way: set[int] = set()
        todo = [] if self.start == END else [(self.start, iter(self.after[self.start].values()))]
        while todo:
            state, ahead = todo[-1]
            on_the_way.add(state)
            following = next((each for each in ahead if each not in found), None)
            if following in on_the_way:
                raise ValueError("a state leads back to itself: a program may go on for ever")
            if following is not None:
                todo.append((following, iter(self.after[following].values())))
                continue
            found[state] = sum(found[each] for each in self.after[state].values())
            on_the_way.remove(state)
            todo.pop()
        return found[self.start]


@final
@dataclass(frozen=True, slots=True)
class _Choice:
    """A choice that is still to be taken, and where."""

    trace: list[int]  # of the run that came there first
    at: int  # how much of it leads there
    code: int
    state: int
    trails: tuple[int, ...]


@final
class _Exploration:
    """Chooses who goes on, run after run, until every choice was taken."""

    def __init__(self, on: Bench, by: By) -> None:
        if not isinstance(on.scheduler, ValueScheduler):
            raise TypeError("states are known by a ValueScheduler: open the bench with one")
        self.graph = Graph()
        self.todo: list[tuple[int, int, _Choice]] = []  # the shortest way first
        self._count = count()
        self._on = on
        self._scheduler = on.scheduler
        self._by = by
        self._taking: _Choice | None = None
        self._feet: dict[int, dict[int, Footprint]] = {}  # of the steps from a state
        self._into: dict[int, list[tuple[int, int]]] = {}  # from where, by which choice
        self._knows = 0  # a hash of what the case knew when it was asked last
        self._before: tuple[int, int] | None = None  # the last state, and what was chosen there
        self._branching = True

    def begin(self, choice: _Choice | None) -> tuple[int, ...]:
        """Return what leads to ``choice``, which the next run takes."""
        self._taking, self._before, self._branching = choice, None, True
        return () if choice is None else tuple(choice.trace[: choice.at])

    def end(self) -> None:
        """Take note that the run is over."""
        if self._before is not None:
            self._comes_to(END)

    def next(self) -> _Choice | None:
        """Return a choice that is still to be taken, and cannot be told from others."""
        while self.todo:
            _, _, choice = heappop(self.todo)
            if not self._follows(choice.state, choice.code):
                return choice
        return None

    def pick(self, me: Task | None, enabled: list[int]) -> int:
        """Say who goes on."""
        own = -1 if me is None else me.index * 2
        code = own if own in enabled else enabled[0]
        case = self._on.case
        if case is None or case.knows is None:
            self._scheduler.complain("states need to know more than cells: set Case.knows")
            return code
        if self._taking is not None:
            return self._take(self._taking, code)
        if not self._branching:
            return code
        if self._scheduler.quiet:
            self._branching = False
            self._comes_to(END)
            return code
        state = self._state()
        if self._comes_to(state) and self._by is not By.NOTHING:
            self._branching = False
            if not self._scheduler.complaints and not [*case.so_far()]:
                self._scheduler.coast()
            return code
        trails, trace = self._scheduler.trails(), self._scheduler.trace
        for each in enabled:
            if each != code and not self._follows(state, each):
                choice = _Choice(trace, len(trace), each, state, trails)
                heappush(self.todo, (len(trace), next(self._count), choice))
        self._before = state, code
        return code

    def _take(self, choice: _Choice, mildest: int) -> int:
        self._taking = None
        if self._by is By.VALUES:
            self._scheduler.track(choice.trails)
        if self._state() != choice.state:
            self._scheduler.complain(
                f"after the same {choice.at} steps is another state than before: something that "
                f"counts is in no cell, and the case does not know it"
            )
            self._branching = False
            return mildest
        self._scheduler.footprint()  # that of what led there
        self._before = choice.state, choice.code
        return choice.code

    def _state(self) -> int:
        case = self._on.case
        assert case is not None
        assert case.knows is not None
        known = hash(case.knows())
        if known != self._knows:
            self._scheduler.sees()
        self._knows = known
        return self._scheduler.state(known)

    def _comes_to(self, state: int) -> bool:
        """Draw an edge to ``state``; say whether it was known."""
        after, foot = self.graph.after, self._scheduler.footprint()
        if self._before is None:
            self.graph.start = state
        else:
            self._draw(*self._before, state, foot)
        self._before = None
        known = state in after
        if state != END and not known:
            after[state] = {}
        return known

    def _draw(self, state: int, code: int, after: int, foot: Footprint) -> None:
        self.graph.after[state][code] = after
        if after != END and self._by is By.VALUES:
            self._feet.setdefault(state, {})[code] = foot
            self._into.setdefault(after, []).append((state, code))

    def _follows(self, state: int, code: int) -> bool:
        """Draw the edge of a choice, if others tell where it leads: its step commutes."""
        after = self.graph.after
        for before, other in self._into.get(state, ()):
            foot = self._feet[before].get(code)
            if foot is None or code >> 1 == other >> 1:
                continue
            end = after[after[before][code]].get(other)
            if end is not None and foot.commutes(self._feet[before][other]):
                self._draw(state, code, end, foot)
                return True
        return False


def explore(on: Bench, program: Program, most: int = 10**9, by: By = By.VALUES) -> Whole:
    """Run all schedules of a program, until one fails, or after ``most`` runs."""
    found = Whole(program.name)
    doing = _Exploration(on, by)
    choice: _Choice | None = None
    while not found.complete and found.runs < most:
        ended = _once(on, program, doing, choice, by)
        found.runs += 1
        if ended.complaints:
            found.failure = told(on, program, ended)
            break
        choice = doing.next()
        found.complete = choice is None
    found.states = len(doing.graph.after)
    if found.complete:
        found.schedules = found.runs if by is By.NOTHING else doing.graph.ways()
    return found


def _once(
    on: Bench, program: Program, doing: _Exploration, choice: _Choice | None, by: By
) -> Failure:
    scheduler = on.scheduler
    assert isinstance(scheduler, ValueScheduler)
    scheduler.values = by is By.VALUES
    try:
        ended = on.once(program, doing.begin(choice), doing.pick)
        doing.end()
    finally:
        scheduler.values = False
    return ended
