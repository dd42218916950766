"""Futures: what they hold, what they take, and where they fit."""

import concurrent.futures
from collections.abc import Callable
from typing import assert_type

import foregone
from foregone import Future


def holds(future: Future[int]) -> None:
    assert_type(future.result(), int)
    assert_type(future.result(timeout=1.5), int)
    assert_type(future.result(None), int)
    assert_type(future.exception(), BaseException | None)
    assert_type(future.exception(timeout=1), BaseException | None)
    assert_type(future.cancel(), bool)
    assert_type(future.cancelled(), bool)
    assert_type(future.running(), bool)
    assert_type(future.done(), bool)
    assert_type(future.set_running_or_notify_cancel(), bool)


def takes(future: Future[int]) -> None:
    future.set_result(3)
    future.set_result(True)
    future.set_exception(ValueError())
    future.set_exception(KeyboardInterrupt())
    future.set_exception(None)
    future.set_result("3")  # type: ignore[arg-type]  # the result is an int
    future.set_exception("3")  # type: ignore[arg-type]  # a text is no exception
    future.result("3")  # type: ignore[arg-type]  # a text is no time
    Future(3)  # type: ignore[call-arg]  # a future is made pending


def calls_back(future: Future[int], any_value: Callable[[object], object]) -> None:
    def ours(done: Future[int]) -> None:
        assert_type(done.result(), int)

    def theirs(done: concurrent.futures.Future[int]) -> str:
        return str(done.result())

    def other(done: Future[str]) -> None:
        done.result()

    future.add_done_callback(ours)
    future.add_done_callback(theirs)
    future.add_done_callback(any_value)
    future.add_done_callback(lambda done: assert_type(done.result(), int))
    future.add_done_callback(other)  # type: ignore[arg-type]  # its result is no text
    future.add_done_callback(int.bit_length)  # type: ignore[arg-type]  # it takes no future


def fits(future: Future[int]) -> concurrent.futures.Future[int]:
    """Return a future of ours where the standard one went."""
    return future


def does_not_fit(future: concurrent.futures.Future[int]) -> Future[int]:
    """Return it the other way round, which is not so."""
    return future  # type: ignore[return-value]  # the standard one is none of ours


def is_invariant(future: Future[bool]) -> Future[int]:
    """Somebody could set an int."""
    return future  # type: ignore[return-value]  # a future of bool is no future of int


class Labelled(Future[str]):
    """A future as programs extend it."""

    label: str = ""


def extends(labelled: Labelled) -> None:
    assert_type(labelled.result(), str)
    assert_type(labelled.label, str)


def catches(future: Future[int]) -> None:
    try:
        future.result(0)
    except foregone.TimeoutError as late:
        assert_type(late, TimeoutError)
    except foregone.CancelledError as cancelled:
        assert_type(cancelled, concurrent.futures.CancelledError)
    except foregone.InvalidStateError as invalid:
        assert_type(invalid, concurrent.futures.InvalidStateError)
