"""``wait`` and ``as_completed``: on ours, on theirs, and on both."""

import concurrent.futures
from collections.abc import Iterator
from typing import assert_type

import foregone
from foregone import DoneAndNotDoneFutures, Future, as_completed, wait


def waits(ours: list[Future[int]], theirs: set[concurrent.futures.Future[int]]) -> None:
    assert_type(wait(ours), DoneAndNotDoneFutures[int])
    assert_type(wait(theirs, timeout=1.5), DoneAndNotDoneFutures[int])
    assert_type(wait([*ours, *theirs], return_when=foregone.FIRST_COMPLETED).done,
                set[concurrent.futures.Future[int]])  # fmt: skip
    done, not_done = wait(iter(ours), None, foregone.FIRST_EXCEPTION)
    assert_type(done, set[concurrent.futures.Future[int]])
    assert_type(not_done, set[concurrent.futures.Future[int]])
    assert_type(done.pop().result(), int)
    for each in ours:
        done.discard(each)


def takes_only_futures(one: Future[int]) -> None:
    wait(one)  # type: ignore[arg-type]  # one future is no iterable
    wait([1, 2])  # type: ignore[arg-type]  # numbers are no futures
    wait([one], timeout="1")  # type: ignore[arg-type]  # a text is no time
    wait([one], return_when=1)  # type: ignore[arg-type]  # one of the three constants
    as_completed(one)  # type: ignore[arg-type]  # one future is no iterable


def completes(ours: dict[Future[int], str], theirs: list[concurrent.futures.Future[str]]) -> None:
    assert_type(as_completed(ours), Iterator[concurrent.futures.Future[int]])
    for each in as_completed(theirs, timeout=2):
        assert_type(each.result(), str)


def is_theirs(ours: list[Future[int]]) -> None:
    """Pass what we make to the standard functions."""
    assert_type(concurrent.futures.wait(ours).done, set[concurrent.futures.Future[int]])
    for each in concurrent.futures.as_completed(ours):
        assert_type(each, concurrent.futures.Future[int])


def constants() -> tuple[str, str, str]:
    return foregone.FIRST_COMPLETED, foregone.FIRST_EXCEPTION, foregone.ALL_COMPLETED
