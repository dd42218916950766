"""What a broken pool says, and what an ended call keeps."""

import multiprocessing
import os
from typing import Any

import pytest

from foregone import BrokenProcessPool, ProcessDied, ProcessPoolExecutor
from foregone.process_pool.work_items import AnyCall
from model_tests import process_calls as calls
from model_tests.process_calls import House
from model_tests.process_pools import METHODS, pool, queue
from model_tests.process_world import PATIENCE, until

pytestmark = pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")


def refuse() -> None:
    raise LookupError("no such table")


def leave() -> None:
    os._exit(9)


#: How a pool comes to be broken, what it says then, and what the cause is.
WAYS: dict[str, tuple[dict[str, Any], list[str], type[BaseException] | None]] = {
    "the initializer raises": (
        {"initializer": refuse},
        ["the initializer raised LookupError('no such table') in process"],
        LookupError,
    ),
    "processes end before they are ready": (
        {"initializer": leave, "policy": "replace"},
        ["exit code 9", "the last of 3 in a row that ended before they were ready"],
        None,
    ),
    "a process dies": ({}, ["exit code 9"], None),
}


@pytest.mark.parametrize("way", WAYS)
def test_a_broken_pool_says_why(way: str, caplog: pytest.LogCaptureFixture) -> None:
    """To everybody: to whose calls fail, and to who submits later."""
    options, words, cause = WAYS[way]
    with pool("forkserver", 2, **options) as executor:
        futures = [executor.submit(leave) for _ in range(5)]
        told = [each.exception(PATIENCE) for each in futures]
        with pytest.raises(BrokenProcessPool) as refused:
            executor.submit(abs, 1)
    for error in (*told, refused.value):
        assert isinstance(error, BrokenProcessPool)
        assert all(word in str(error) for word in words), str(error)
        assert "in a row" not in str(error) or "in a row" in words[-1]
    assert cause is None or type(refused.value.__cause__) is cause
    assert any(cause is None or type(each.__cause__) is cause for each in told if each)


# ------------------------------------------------------------------ what a call keeps


def kept(future: object) -> tuple[object, object, bool]:
    assert isinstance(future, AnyCall.__origin__)  # type: ignore[attr-defined]  # an alias of it
    return future._frames, future._queue, future._place.name == "SETTLED"


NOTHING = (), None, True


@pytest.mark.parametrize("method", METHODS)
def test_an_ended_call_keeps_nothing_of_what_was_sent(method: str, house: House) -> None:
    """Its arguments may be large, and futures are kept in lists."""
    with pool(method) as executor:
        first = executor.submit(calls.held, house.log, 0, house.gate)
        assert until(house.begun)
        queued = queue(executor, house, range(1, 40))
        assert queued[0].cancel()  # it lies in the Call Q
        assert queued[-1].cancel()  # it waits
        house.open()
        wrong = executor.submit(calls.fails, ValueError)
        assert isinstance(wrong.exception(PATIENCE), ValueError)
        assert not any(each.exception(PATIENCE) for each in (first, *queued[1:-1]))
        assert set(map(kept, (first, *queued, wrong))) == {NOTHING}


def test_nor_does_one_that_its_process_took_along(house: House) -> None:
    with ProcessPoolExecutor(
        1, multiprocessing.get_context("forkserver"), on_process_death="replace"
    ) as executor:
        dies = executor.submit(calls.dies, house.log, 1, "SIGKILL")
        assert isinstance(dies.exception(PATIENCE), ProcessDied)
        assert kept(dies) == NOTHING


def test_nor_does_one_that_a_break_ends(house: House) -> None:
    with pool("forkserver") as executor:
        first = executor.submit(calls.held, house.log, 0, house.gate)
        assert until(house.begun)
        queued = queue(executor, house, range(1, 40))
        os.kill(house.pid(0), 9)
        for each in (first, *queued):
            assert isinstance(each.exception(PATIENCE), BrokenProcessPool)
        assert set(map(kept, (first, *queued))) == {NOTHING}
