"""Bad input: a clear error at the call, which names the value and what to do."""

import concurrent.futures
import math
from collections.abc import Callable, Iterator
from fractions import Fraction
from typing import Any, cast

import pytest

import foregone
from foregone import Executor, Future, ThreadPoolExecutor

NAN = math.nan


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(1) as made:
        yield made


@pytest.fixture(params=["pending", "finished", "cancelled"])
def subject(request: pytest.FixtureRequest) -> "Future[int]":
    """Return a future in each kind of state: bad input is refused in all of them."""
    made = Future[int]()
    if request.param == "finished":
        made.set_result(1)
    elif request.param == "cancelled":
        made.cancel()
        made.set_running_or_notify_cancel()
    return made


def waiters() -> list[Any]:
    return [
        pytest.param("result()", lambda f, t: f.result(t), id="result"),
        pytest.param("exception()", lambda f, t: f.exception(t), id="exception"),
        pytest.param("wait()", lambda f, t: foregone.wait([f], t), id="wait"),
        pytest.param("as_completed()", lambda f, t: foregone.as_completed([f], t),
                     id="as_completed"),
        pytest.param("map()", lambda f, t: Executor().map(int, [], timeout=t), id="map"),
    ]  # fmt: skip


@pytest.mark.parametrize(("caller", "call"), waiters())
def test_timeout_is_not_nan(caller: str, call: Callable[..., object], subject: object) -> None:
    with pytest.raises(ValueError, match="not NaN; pass None to wait without limit") as raised:
        call(subject, NAN)
    assert str(raised.value).startswith(caller)


@pytest.mark.parametrize(("caller", "call"), waiters())
@pytest.mark.parametrize("timeout", ["5", b"5", [5], (), 1j, object], ids=repr)
def test_timeout_is_a_number(
    caller: str, call: Callable[..., object], timeout: object, subject: object
) -> None:
    with pytest.raises(TypeError, match="must be a number of seconds or None") as raised:
        call(subject, timeout)
    assert str(raised.value).startswith(caller)
    assert repr(timeout) in str(raised.value)
    assert type(timeout).__name__ in str(raised.value)


@pytest.mark.parametrize(
    "timeout", [0, 0.0, -1, -math.inf, False, -(10**400)], ids=lambda x: f"{x!r:.9}"
)
def test_zero_and_negative_poll(timeout: float) -> None:
    pending, done = Future[int](), Future[int]()
    done.set_result(1)
    with pytest.raises(TimeoutError):
        pending.result(timeout)
    with pytest.raises(TimeoutError):
        pending.exception(timeout)
    assert foregone.wait([pending, done], timeout) == ({done}, {pending})
    found = foregone.as_completed([pending, done], timeout)
    assert next(found) is done
    with pytest.raises(TimeoutError, match=r"1 \(of 2\) futures unfinished"):
        next(found)
    assert done.result(timeout) == 1


@pytest.mark.parametrize(
    "timeout", [math.inf, 1e30, 10**400, True, Fraction(9, 2)], ids=lambda x: f"{x!r:.9}"
)
def test_what_is_too_large_means_no_limit(timeout: Any) -> None:  # noqa: ANN401  any number
    with ThreadPoolExecutor(1) as pool:
        one = pool.submit(int, "1")
        assert one.result(timeout) == 1
        assert foregone.wait([pool.submit(int)], timeout).not_done == set()
        assert len(list(foregone.as_completed([pool.submit(int)], timeout))) == 1
        assert list(pool.map(int, "12", timeout=timeout)) == [1, 2]


def test_return_when(subject: "Future[int]") -> None:
    for wrong in ("FIRST", "", None, 1, ["ALL_COMPLETED"]):
        with pytest.raises(ValueError, match="Invalid return condition") as raised:
            foregone.wait([subject], return_when=cast("str", wrong))
        assert repr(wrong) in str(raised.value)
        assert "FIRST_COMPLETED, FIRST_EXCEPTION or ALL_COMPLETED" in str(raised.value)
    with pytest.raises(ValueError, match="Invalid return condition: 'x'"):
        foregone.wait([], return_when="x")


@pytest.mark.parametrize("call", [foregone.wait, foregone.as_completed])
def test_what_is_waited_for(call: Callable[..., object], subject: "Future[int]") -> None:
    with pytest.raises(TypeError, match="takes an iterable of futures, not one: pass"):
        call(subject)
    with pytest.raises(TypeError, match="takes an iterable of futures, not 3"):
        call(3)
    with pytest.raises(TypeError, match="'x' of type str is none: pass what submit"):
        call([subject, "x"])
    with pytest.raises(TypeError, match="None of type NoneType is none"):
        call([None])
    with pytest.raises(TypeError, match="takes an iterable of futures"):
        call([[]])  # not hashable


def test_a_refused_wait_leaves_no_waiter() -> None:
    pending, theirs = Future[int](), concurrent.futures.Future[int]()
    with pytest.raises(TypeError):
        foregone.wait(cast("list[Future[int]]", [pending, theirs, 3]))
    assert not vars(theirs)["_waiters"]
    assert pending._installed is None


@pytest.mark.parametrize("wrong", [0, -1, 0.0, -0.5, -math.inf])
def test_max_workers_is_positive(wrong: float) -> None:
    with pytest.raises(ValueError, match="max_workers must be greater than 0") as raised:
        ThreadPoolExecutor(wrong)
    assert repr(wrong) in str(raised.value)


@pytest.mark.parametrize("wrong", ["2", [2], 2j, int], ids=repr)
def test_max_workers_is_a_number(wrong: Any) -> None:  # noqa: ANN401  whatever is passed
    with pytest.raises(TypeError, match="max_workers must be a number of threads") as raised:
        ThreadPoolExecutor(wrong)
    assert repr(wrong) in str(raised.value)


def test_max_workers_is_not_nan() -> None:
    with pytest.raises(ValueError, match="max_workers must be a number of threads, not NaN"):
        ThreadPoolExecutor(NAN)


@pytest.mark.parametrize("accepted", [1.5, True, 3, math.inf])
def test_max_workers_that_the_standard_library_accepts(accepted: float) -> None:
    with ThreadPoolExecutor(accepted) as pool:
        assert pool.submit(int, "3").result() == 3


@pytest.mark.parametrize("wrong", [3, "init", ()], ids=repr)
def test_initializer_is_callable(wrong: Any) -> None:  # noqa: ANN401  whatever is passed
    with pytest.raises(TypeError, match="initializer must be a callable or None") as raised:
        ThreadPoolExecutor(initializer=wrong)
    assert repr(wrong) in str(raised.value)


def test_initargs_are_iterable() -> None:
    with pytest.raises(TypeError, match="initargs must be an iterable of arguments, not 3"):
        ThreadPoolExecutor(initializer=int, initargs=cast("tuple[object]", 3))


def test_buffersize(pool: ThreadPoolExecutor) -> None:
    for wrong in (0, -1, False):
        with pytest.raises(ValueError, match=f"buffersize must be None or > 0, not {wrong}"):
            pool.map(int, "1", buffersize=wrong)
    for odd in (1.0, "1"):
        with pytest.raises(TypeError, match="buffersize must be an integer or None") as raised:
            pool.map(int, "1", buffersize=cast("int", odd))
        assert repr(odd) in str(raised.value)
    assert list(pool.map(int, "12", buffersize=True)) == [1, 2]


def test_nothing_is_submitted_when_map_refuses() -> None:
    class Refusing(Executor):
        def submit(self, *args: object, **kwargs: object) -> Any:  # noqa: ANN401
            raise AssertionError("submitted")

    for bad in ({"timeout": "x"}, {"timeout": NAN}, {"buffersize": 0}):
        with pytest.raises((TypeError, ValueError)):
            Refusing().map(int, "1", **cast("dict[str, Any]", bad))


def test_submit_takes_fn_by_position_only(pool: ThreadPoolExecutor) -> None:
    submit = cast("Callable[..., Future[Any]]", pool.submit)
    with pytest.raises(TypeError):
        submit(fn=int)
    with pytest.raises(TypeError):
        submit()
    assert submit(dict, self=1, fn=2).result() == {"self": 1, "fn": 2}


def test_submit_of_what_cannot_be_called_is_accepted(pool: ThreadPoolExecutor) -> None:
    """As in the standard library: the call's future fails."""
    failed = cast("Callable[..., Future[Any]]", pool.submit)(3)
    with pytest.raises(TypeError, match="'int' object is not callable"):
        failed.result()
