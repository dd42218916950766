"""Every well-typed state of a process pool in which given claims hold.

Induction asks of *arbitrary* states, reachable or not.  There are too many to look at
one by one, so variables are given values in turn, and a claim is asked as soon as what
it reads has a value: what it refuses is not gone into.  Nothing is left out: a claim
that reads what has no value yet is asked again later, and all are asked in the end.

A domain is all of its type, up to the bound on calls and processes, but for

work ids    a sequence is as long as there are calls: a longer one names a call twice
begun       0, 1 and 2, for never, once, and more often
early       below ``early_limit``: from there on each death is one too many
may_die     1: what may happen with 0 may happen with 1 too, and no claim reads it
used        up to ``max_tasks``, where a process retires

What is said of those numbers for all integers, contract_integers says.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import product
from typing import TypeAlias, cast

from foregone_spec.future import State
from foregone_spec.lifecycle import Phase
from foregone_spec.process_pool import ProcessPoolModel
from foregone_spec.process_pool_state import ABSENT, DEAD, ENDED, LIVING, ProcessPoolState

Claim: TypeAlias = Callable[[ProcessPoolState], bool]

#: A state of variables whose values come from ``domains``.
_MAKE = cast("Callable[..., ProcessPoolState]", ProcessPoolState)


class _NotYet(Exception):
    """A variable is read that has no value yet."""


class _Partial:
    """A state of which some variables have values."""

    def __getattr__(self, name: str) -> object:
        raise _NotYet(name)


def sequences(ids: int) -> tuple[tuple[int, ...], ...]:
    """Return every sequence of work ids, the shorter first."""
    numbers = range(1, ids + 1)
    return tuple(each for length in range(ids + 1) for each in product(numbers, repeat=length))


def domains(model: ProcessPoolModel) -> Mapping[str, tuple[object, ...]]:
    """Return what each variable may be: the usual first, so that stories are simple."""
    calls, processes = model.calls, model.processes
    stands = (*LIVING, *DEAD, *ABSENT, ENDED)
    closes = ("out", "discarding", "joining", "back")
    return {
        "phase": tuple(Phase),
        "collected": (False, True),
        "closers": tuple(product(closes, repeat=len(model.closers))),
        "calls": tuple(product(("out", "accepted", "raised"), repeat=calls)),
        "futures": tuple(product(State, repeat=calls)),
        "begun": tuple(product(range(3), repeat=calls)),
        "work_ids": sequences(calls),
        "call_queue": sequences(calls),
        "runs": tuple(product(range(calls + 1), repeat=processes)),
        "result_queue": tuple(product(sequences(calls), repeat=processes)),
        "processes": tuple(product(stands, repeat=processes)),
        "watched": tuple(product((False, True), repeat=processes)),
        "awake": (False, True),
        "used": tuple(product(range(model.max_tasks + 1), repeat=processes)),
        "early": tuple(range(model.early_limit)),
        "may_die": (1,),
    }


#: The variables that no claim reads: they come last.
UNREAD = ("used", "early", "may_die")


def states(model: ProcessPoolModel, claims: Sequence[Claim]) -> Iterator[ProcessPoolState]:
    """Yield every well-typed state of ``model`` in which all ``claims`` hold."""
    yield from _completed(_Partial(), tuple(domains(model).items()), claims)


def _completed(
    now: _Partial, missing: tuple[tuple[str, tuple[object, ...]], ...], claims: Sequence[Claim]
) -> Iterator[ProcessPoolState]:
    if not missing:
        yield _MAKE(**vars(now))
        return
    name, values = missing[0]
    if name in UNREAD and claims:
        raise AssertionError(f"a claim reads one of {UNREAD}: give them all of their values")
    for value in values:
        vars(now)[name] = value
        left = _undecided(cast("ProcessPoolState", now), claims)
        if left is not None:
            yield from _completed(now, missing[1:], left)
    del vars(now)[name]


def _undecided(now: ProcessPoolState, claims: Sequence[Claim]) -> list[Claim] | None:
    """Return the claims that cannot be asked yet, or None if one that can does not hold."""
    left: list[Claim] = []
    for holds in claims:
        try:
            if not holds(now):
                return None
        except _NotYet:
            left.append(holds)
    return left
