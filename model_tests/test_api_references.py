"""What is freed, and when: by reference counts alone, with the collector switched off."""

import gc
import threading
import traceback
import weakref
from collections.abc import Callable, Iterator
from typing import Any, ParamSpec, TypeVar

import pytest

import foregone
from foregone import Future, ThreadPoolExecutor

PATIENCE = 30.0
P = ParamSpec("P")
T = TypeVar("T")


class Thing:
    """Something that can be looked after."""

    def method(self) -> int:
        return 1


class ThingError(Exception):
    """An error that can be looked after."""


@pytest.fixture(autouse=True)
def no_collector() -> Iterator[None]:
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(1) as made:
        yield made


def dies(reference: "weakref.ref[Thing] | weakref.ref[ThingError]", gone: threading.Event) -> None:
    """Fail unless what ``reference`` is to has gone, or goes before long."""
    assert gone.wait(PATIENCE)
    assert reference() is None


def watch(thing: Thing) -> tuple["weakref.ref[Thing]", threading.Event]:
    gone = threading.Event()
    return weakref.ref(thing, lambda _: gone.set()), gone


def test_arguments_are_freed(pool: ThreadPoolExecutor) -> None:
    thing = Thing()
    reference, gone = watch(thing)

    def call(_: Thing, *, also: Thing) -> bool:
        return _ is also

    kept = pool.submit(call, thing, also=thing)
    del thing
    assert kept.result(PATIENCE)
    dies(reference, gone)


def test_the_function_is_freed(pool: ThreadPoolExecutor) -> None:
    thing = Thing()
    reference, gone = watch(thing)
    pool.submit(thing.method)  # and nobody holds the future
    del thing
    dies(reference, gone)


def test_the_arguments_of_a_call_that_raises_are_freed(pool: ThreadPoolExecutor) -> None:
    """The error's traceback keeps the frames of the call, not more of ours."""
    thing = Thing()
    reference, gone = watch(thing)

    def fails(_: Thing) -> None:
        raise ThingError

    kept = pool.submit(fails, thing)
    del thing
    error = kept.exception(PATIENCE)
    assert error is not None
    traceback.clear_frames(error.__traceback__)
    dies(reference, gone)


def test_a_result_is_freed_with_its_future(pool: ThreadPoolExecutor) -> None:
    future = pool.submit(Thing)
    reference, gone = watch(future.result(PATIENCE))
    assert reference() is not None
    del future
    dies(reference, gone)


def test_a_future_that_failed_is_freed(pool: ThreadPoolExecutor) -> None:
    """No cycle from the error over its traceback to the future."""

    def fails() -> None:
        raise ThingError

    def ask() -> "weakref.ref[Future[None]]":
        future = pool.submit(fails)
        assert isinstance(future.exception(PATIENCE), ThingError)
        pool.submit(int).result(PATIENCE)  # the thread has gone on
        return weakref.ref(future)

    assert ask()() is None


def test_an_error_does_not_keep_its_future() -> None:
    future = Future[int]()
    future.set_exception(ThingError())
    caught: BaseException | None = None
    try:
        future.result()
    except ThingError as error:
        caught = error
    reference = weakref.ref(future)
    del future
    assert caught is not None
    traceback.clear_frames(caught.__traceback__)
    del caught
    assert reference() is None


def test_cancelled_calls_are_freed() -> None:
    release = threading.Event()
    thing = Thing()
    reference, gone = watch(thing)
    with ThreadPoolExecutor(1) as pool:
        pool.submit(release.wait, PATIENCE)
        assert pool.submit(thing.method).cancel()
        del thing
        release.set()
        dies(reference, gone)


def test_shutdown_frees_what_it_cancels() -> None:
    release = threading.Event()
    thing = Thing()
    reference, gone = watch(thing)
    pool = ThreadPoolExecutor(1)
    pool.submit(release.wait, PATIENCE)
    pool.submit(thing.method)
    del thing
    pool.shutdown(wait=False, cancel_futures=True)
    dies(reference, gone)
    release.set()
    pool.shutdown()


def test_as_completed_does_not_keep_what_it_yielded() -> None:
    futures = [Future[int]() for _ in range(6)]
    for number in range(3):
        futures[number].set_result(1)
    found = foregone.as_completed(futures)
    for left in range(5, -1, -1):
        if left < 3:
            futures[0].set_result(2)
        future = next(found)
        futures = [each for each in futures if each is not future]
        reference = weakref.ref(future)
        del future
        assert reference() is None
    assert not futures


def test_as_completed_that_is_abandoned_keeps_nothing() -> None:
    pending = Future[int]()
    found = foregone.as_completed([pending], 0)
    with pytest.raises(TimeoutError):
        next(found)
    del found
    abandoned = foregone.as_completed([pending])
    del abandoned
    reference = weakref.ref(pending)
    del pending
    assert reference() is None


@pytest.mark.parametrize("size", [None, 1, 3])
def test_map_does_not_keep_what_it_yielded(pool: ThreadPoolExecutor, size: int | None) -> None:
    made = 0
    for thing in pool.map(lambda _: Thing(), range(6), buffersize=size):
        pool.submit(int).result(PATIENCE)  # the thread has let it go, too
        reference = weakref.ref(thing)
        del thing
        assert reference() is None
        made += 1
    assert made == 6


def test_map_that_fails_keeps_no_future(pool: ThreadPoolExecutor) -> None:
    """The error leads to the frames of the iterator, and those to no future."""
    seen: list[weakref.ref[Future[Any]]] = []

    class Watched(ThreadPoolExecutor):
        def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> "Future[T]":
            future = super().submit(fn, *args, **kwargs)
            seen.append(weakref.ref(future))
            return future

    def fails(_: int) -> None:
        raise ThingError

    with Watched(1) as watched:
        results = watched.map(fails, [1, 2])
        with pytest.raises(ThingError):
            next(results)
        del results
        watched.submit(int).result(PATIENCE)  # the thread has gone on
        assert [each() for each in seen[:2]] == [None, None]


def test_wait_keeps_nothing() -> None:
    pending, done = Future[int](), Future[int]()
    done.set_result(1)
    foregone.wait([pending, done], 0.01)
    references = [weakref.ref(pending), weakref.ref(done)]
    del pending, done
    assert [each() for each in references] == [None, None]


def test_callbacks_are_freed_once_they_ran() -> None:
    thing = Thing()
    reference = weakref.ref(thing)
    future = Future[int]()
    future.add_done_callback(lambda _, held=thing: None)  # type: ignore[misc]  # a default
    del thing
    future.set_result(1)
    assert reference() is None
