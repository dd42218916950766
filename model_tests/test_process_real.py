"""Real processes, by each start method: what a call returns, raises, takes and leaves.

One pool serves all tests of a method, and each test shows that the process of the pool
that it used is the one that was there before: no error, however odd, cost a process.
"""

import concurrent.futures
import operator
from collections.abc import Callable, Iterator
from functools import partial
from multiprocessing import get_context
from typing import Any, Final

import pytest

import foregone
from foregone import Future, ProcessPoolExecutor
from foregone.process import BrokenProcessPool
from model_tests import process_calls as calls
from model_tests.process_calls import House
from model_tests.process_pools import METHODS, values
from model_tests.process_world import PATIENCE, until

LARGE: Final = 8 * 2**20

pytestmark = [
    pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning"),
    pytest.mark.usefixtures("same_process"),
]


@pytest.fixture(scope="module", params=METHODS)
def pool(request: pytest.FixtureRequest) -> Iterator[ProcessPoolExecutor]:
    with ProcessPoolExecutor(1, get_context(request.param)) as made:
        told: list[object] = []
        made.submit(int).add_done_callback(told.append)
        assert until(lambda: told)  # all its threads are there
        yield made


@pytest.fixture
def same_process(pool: ProcessPoolExecutor) -> Iterator[None]:
    """Fail the test after which another process serves the pool."""
    pid = pool.submit(calls.own_pid).result(PATIENCE)
    yield
    assert pool.submit(calls.own_pid).result(PATIENCE) == pid


# ------------------------------------------------------------------------ outcomes


def test_results_are_each_the_right_one(pool: ProcessPoolExecutor) -> None:
    futures = [pool.submit(divmod, number, 7) for number in range(500)]
    assert [each.result(PATIENCE) for each in futures] == [divmod(n, 7) for n in range(500)]
    assert pool.submit(sorted, [3, 1, 2], reverse=True).result(PATIENCE) == [3, 2, 1]


def test_each_call_runs_once(pool: ProcessPoolExecutor, house: House) -> None:
    futures = [pool.submit(calls.value, house.log, number) for number in range(300)]
    assert [each.result(PATIENCE) for each in futures] == values(range(300))
    assert house.begun() == list(range(300))  # one process: in order


@pytest.mark.parametrize(
    "error", [ValueError("x", 3), SystemExit(3), KeyboardInterrupt(), calls.Chained("y")], ids=repr
)
def test_what_a_call_raises_is_raised(pool: ProcessPoolExecutor, error: BaseException) -> None:
    future = pool.submit(calls.raises, error)
    raised = future.exception(PATIENCE)
    assert type(raised) is type(error)
    assert raised.args == error.args
    with pytest.raises(type(error)):
        future.result()


def test_the_chain_of_an_error_survives(pool: ProcessPoolExecutor) -> None:
    """Its cause, its notes, its attributes; at the end of the chain, where it was raised."""
    error = pool.submit(calls.chained).exception(PATIENCE)
    assert isinstance(error, calls.Chained)
    assert error.word == "apple"
    assert error.__notes__ == ["a note"]
    assert isinstance(error.__cause__, KeyError)
    last: BaseException = error
    while last.__cause__ is not None:
        last = last.__cause__
    assert type(last).__name__ == "_RemoteTraceback"
    assert "in chained" in str(last)


def test_a_plain_error_has_its_remote_traceback_as_cause(pool: ProcessPoolExecutor) -> None:
    error = pool.submit(calls.raises, ValueError("x")).exception(PATIENCE)
    assert error is not None
    assert type(error.__cause__).__name__ == "_RemoteTraceback"
    assert "in raises" in str(error.__cause__)


# ------------------------------------------------------------------------ payloads


@pytest.mark.parametrize("kind", [bytes, bytearray, calls.Block])
def test_large_payloads_travel_both_ways(
    pool: ProcessPoolExecutor, kind: Callable[[bytes], Any]
) -> None:
    pattern = bytes(range(251)) * (LARGE // 251)
    given = kind(pattern)
    echoes = [pool.submit(calls.same, given) for _ in range(2)]
    assert pool.submit(calls.length, given).result(PATIENCE) == len(pattern)
    for each in echoes:
        assert each.result(PATIENCE) == pattern


def test_many_payloads_of_all_sizes(pool: ProcessPoolExecutor) -> None:
    sizes = [0, 1, 1_000, 2**16 - 30, 2**16, 2**16 + 1, 200_000, 2**20] * 4
    futures = [pool.submit(calls.same, bytes(size)) for size in sizes]
    assert [len(each.result(PATIENCE)) for each in futures] == sizes  # type: ignore[arg-type]  # bytes have a length


def odd(house: House) -> dict[str, tuple[tuple[Any, ...], tuple[str, ...]]]:
    """Return calls whose payloads do not travel, and the words that must tell of it."""
    return {
        "argument": (
            (calls.same, calls.NoPickle()),
            ("while pickling the arguments", "in the parent", "an apple does not pickle"),
        ),
        "argument, a lambda": (
            (calls.same, lambda: 3),
            ("while pickling the arguments", "in the parent", "lambda"),
        ),
        "argument, on its way in": (
            (calls.same, calls.NoUnpickle()),
            ("while unpickling the arguments", "in process", "a spoilt apple"),
        ),
        "result": (
            (calls.makes, calls.NoPickle),
            ("while pickling the result", "in process", "an apple does not pickle"),
        ),
        "result, on its way in": (
            (calls.makes, calls.NoUnpickle),
            ("while unpickling the result", "in the parent", "a spoilt apple"),
        ),
        "exception": (
            (calls.fails, calls.BadError),
            ("BadError", "exception", "process", "this error does not pickle"),
        ),
        "exception, on its way in": (
            (calls.fails, calls.SpoiltError),
            ("SpoiltError", "exception", "process", "a spoilt error"),
        ),
    }


@pytest.mark.parametrize("name", odd(None))  # type: ignore[arg-type]  # the names are the same for all
def test_a_payload_costs_its_own_call_only(
    pool: ProcessPoolExecutor, name: str, house: House
) -> None:
    call, words = odd(house)[name]
    before = pool.submit(calls.held, house.log, 1, house.gate)
    bad = pool.submit(*call)  # does not raise
    after = pool.submit(calls.value, house.log, 2)
    house.open()
    error = bad.exception(PATIENCE)
    assert error is not None
    assert not isinstance(error, BrokenProcessPool)
    told = "\n".join([str(error), *getattr(error, "__notes__", ()), str(error.__cause__)])
    assert all(word.lower() in told.lower() for word in words), told
    assert (before.result(PATIENCE), after.result(PATIENCE)) == (8, 15)


def test_poison_among_good_calls(pool: ProcessPoolExecutor, house: House) -> None:
    bad = [call for call, _ in odd(house).values()]
    futures: list[Future[Any]] = []
    for number in range(70):
        futures.append(pool.submit(*bad[number % len(bad)]))
        futures.append(pool.submit(calls.value, house.log, number))
    assert [each.result(PATIENCE) for each in futures[1::2]] == values(range(70))
    assert all(each.exception(PATIENCE) for each in futures[::2])


def test_what_is_sent_is_what_was_passed(pool: ProcessPoolExecutor, house: House) -> None:
    """What becomes of an argument after submit does not matter, however long the call waits."""
    pool.submit(calls.held, house.log, 1, house.gate)
    given = [1, 2, 3]
    futures = [pool.submit(sum, given) for _ in range(100)]
    given.append(1_000)
    house.open()
    assert {each.result(PATIENCE) for each in futures} == {6}


# ------------------------------------------------------------------ waiting and map


def test_the_standard_functions_serve_our_futures(pool: ProcessPoolExecutor) -> None:
    futures = [pool.submit(pow, 2, number) for number in range(20)]
    assert {each.result() for each in concurrent.futures.as_completed(futures)} == {
        2**n for n in range(20)
    }
    assert not concurrent.futures.wait(futures).not_done
    assert not foregone.wait(futures).not_done


@pytest.mark.parametrize("chunksize", [1, 7, None])
def test_map(pool: ProcessPoolExecutor, chunksize: int | None) -> None:
    numbers = range(200)
    found = pool.map(operator.mul, numbers, reversed(numbers), chunksize=chunksize)
    assert list(found) == [n * (199 - n) for n in numbers]
    assert not list(pool.map(abs, [], chunksize=chunksize))


@pytest.mark.parametrize("chunksize", [1, 7, None])
def test_map_yields_all_before_the_failing_item(
    pool: ProcessPoolExecutor, chunksize: int | None
) -> None:
    found = pool.map(partial(divmod, 60), [5, 4, 3, 2, 1, 0, 1, 2], chunksize=chunksize)
    assert [next(found)[0] for _ in range(5)] == [12, 15, 20, 30, 60]
    with pytest.raises(ZeroDivisionError):
        next(found)
    assert not list(found)


def test_map_with_a_buffer_takes_no_more_than_it_may(pool: ProcessPoolExecutor) -> None:
    taken: list[int] = []

    def numbers() -> Iterator[int]:
        for number in range(30):
            taken.append(number)
            yield number

    found = pool.map(abs, numbers(), buffersize=4)
    assert len(taken) <= 4
    assert next(found) == 0
    assert len(taken) <= 5
    assert list(found) == list(range(1, 30))


@pytest.mark.parametrize("chunksize", [None, 1, 7])
def test_map_has_submitted_all_when_the_pool_is_shut_down(chunksize: int | None) -> None:
    """What the map has drawn and not sent yet is sent then."""
    executor = ProcessPoolExecutor(2)
    results = executor.map(abs, range(-20_000, 0), chunksize=chunksize)
    executor.shutdown(wait=False)
    assert list(results) == list(range(20_000, 0, -1))
    executor.shutdown()
