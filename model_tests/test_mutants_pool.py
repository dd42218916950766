"""Small facts of the thread pool and of map, each of which a mutant once got away with."""

import gc
import inspect
import math
import os
import threading
import weakref
from collections.abc import Callable, Iterator, Sequence
from itertools import count
from types import TracebackType
from typing import Any

import pytest

import foregone
from foregone import BrokenExecutor, events, fork, interpreter_exit, pool, sync, thread_pool
from foregone import worker as workers
from foregone.future import Future, OwnedFuture
from foregone.worker import Worker
from foregone_spec.future import State
from foregone_spec.lifecycle import Phase, Request
from foregone_spec.work_item import Event, Place
from model_tests.interrupted import interrupted, time_passes
from model_tests.test_api_processes import needs_fork, script


class Busy:
    """A pool whose first thread runs a call until it is released."""

    def __init__(self, limit: int = 1) -> None:
        self.executor = foregone.ThreadPoolExecutor(limit)
        self.held = threading.Event()
        begun = threading.Event()
        self.runs = self.executor.submit(self._run, begun)
        begun.wait()

    def _run(self, begun: threading.Event) -> None:
        begun.set()
        self.held.wait()

    @property
    def pool(self) -> pool.Pool:
        """The rooms."""
        return self.executor._pool


@pytest.fixture
def busy() -> Iterator[Callable[[int], Busy]]:
    """Yield what makes a busy pool; release and end them all."""
    made: list[Busy] = []

    def make(limit: int = 1) -> Busy:
        made.append(Busy(limit))
        return made[-1]

    yield make
    for each in made:
        each.held.set()
        each.executor.shutdown()


def test_a_pool_is_told_of_forks_and_of_the_end_of_the_interpreter() -> None:
    with foregone.ThreadPoolExecutor(1) as executor:
        assert executor._pool in fork.pools.all()
        assert executor._pool in interpreter_exit.pools.all()


def test_a_pool_that_is_made_as_the_interpreter_ends_takes_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(interpreter_exit, "begun", lambda: True)
    executor = foregone.ThreadPoolExecutor(1)
    with pytest.raises(RuntimeError, match="after interpreter shutdown"):
        executor.submit(int)
    executor.shutdown()


def test_who_cancels_what_is_queued_and_is_interrupted_cancels_what_he_took() -> None:
    executor = foregone.ThreadPoolExecutor(1)
    begun, held = threading.Event(), threading.Event()

    def holds() -> None:
        begun.set()
        held.wait()

    runs = executor.submit(holds)
    begun.wait()
    queued = executor.submit(int)
    with interrupted("Discard"), pytest.raises(KeyboardInterrupt):
        executor.shutdown(wait=False, cancel_futures=True)
    held.set()
    assert queued.cancelled()
    assert executor._pool.discarding == []
    executor.shutdown()
    assert runs.done()


def test_who_ends_a_pool_and_is_interrupted_wakes_its_threads() -> None:
    executor = foregone.ThreadPoolExecutor(2)
    executor.submit(int).result()
    (worker,) = executor._pool.workers
    while not executor._pool.parked:
        time_passes()
    with interrupted("Ask"), pytest.raises(KeyboardInterrupt):
        executor.shutdown(wait=False)
    worker.thread.join(20)
    assert not worker.thread.is_alive()
    with pytest.raises(RuntimeError, match="after shutdown"):
        executor.submit(int)
    executor.shutdown()


def test_who_waited_for_the_end_leaves_no_gate() -> None:
    executor = foregone.ThreadPoolExecutor(2)
    futures = [executor.submit(int) for _ in range(4)]
    executor.shutdown()
    pool = executor._pool
    assert (pool.closers, pool.alive, pool.parked) == ([], 0, [])
    assert all(each.done() for each in futures)
    assert not any(worker.thread.is_alive() for worker in pool.workers)


def test_what_a_broken_pool_says_is_what_cpython_says() -> None:
    said = "A thread initializer failed, the thread pool is not usable anymore"
    executor = foregone.ThreadPoolExecutor(1, initializer=int, initargs=("x",))
    future = executor.submit(int)
    assert str(future.exception()) == said
    with pytest.raises(foregone.BrokenThreadPool) as broken:
        executor.submit(int)
    assert str(broken.value) == said
    executor.shutdown()


def test_a_new_worker_holds_nothing_and_sleeps_if_it_parks() -> None:
    executor = foregone.ThreadPoolExecutor(1)
    one = Worker(executor._pool, "one")
    assert one.holds is None
    assert not one.gate.acquire(blocking=False)
    assert one.seat.acquire(blocking=False)
    assert one.thread.name == "one"
    executor.shutdown()


@pytest.mark.parametrize(
    ("processors", "threads"), [(None, 5), (1, 5), (8, 12), (28, 32), (64, 32)]
)
def test_how_many_threads_if_nothing_is_said(
    processors: int | None, threads: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("cpu_count", "process_cpu_count"):
        monkeypatch.setattr(os, name, lambda: processors, raising=False)
    executor = foregone.ThreadPoolExecutor()
    assert executor._pool.limit == threads
    executor.shutdown()


def test_what_this_process_may_use_counts_if_the_interpreter_knows(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(os, "cpu_count", lambda: 20)
    monkeypatch.setattr(os, "process_cpu_count", lambda: 3, raising=False)
    assert thread_pool._limit(None) == 7


def test_a_limit_that_nobody_reaches_is_a_number() -> None:
    assert thread_pool._limit(math.inf) == 2**31


def test_an_executor_is_not_collected_at_exit() -> None:
    """Then it is the pool that is told of the end, once, and in the order of ``fork``."""
    executor = foregone.ThreadPoolExecutor(1)
    registry = vars(weakref.finalize)["_registry"]
    (own,) = (each for each in registry if (each.peek() or [None])[0] is executor)
    assert not own.atexit
    executor.shutdown()


def test_a_wrong_timeout_of_map_is_told_as_one() -> None:
    with pytest.raises(TypeError) as raised:
        foregone.Executor().map(abs, [-1], timeout="soon")  # type: ignore[arg-type]  # on purpose
    assert str(raised.value).startswith("map(): timeout must be")


def test_an_event_without_a_command_is_an_error() -> None:
    with pytest.raises(ValueError, match=r"the table gives no command for .* at "):
        workers._command(Place.WAITING, Event.OFFER)


def test_what_an_executor_is_by_itself() -> None:
    executor = foregone.Executor()
    with pytest.raises(NotImplementedError):
        executor.submit(int)
    given = inspect.signature(executor.map).parameters
    names = ("timeout", "chunksize", "buffersize")
    assert [given[name].default for name in names] == [None, 1, None]
    asked = inspect.signature(executor.shutdown).parameters
    assert [asked[name].default for name in ("wait", "cancel_futures")] == [True, False]


# ------------------------------------------------------- a submit that ends halfway


def test_who_submits_and_is_interrupted_leaves_no_call(busy: Callable[[int], Busy]) -> None:
    """The call was accepted; submit raises: it is cancelled, and nothing else happens."""
    on = busy(1)
    other = on.executor.submit(int)
    with interrupted("Submit"), pytest.raises(KeyboardInterrupt):
        on.executor.submit(int)
    queued = [item[0] for item in on.pool.queue]
    assert [each.cancelled() for each in queued] == [False, True]
    assert (on.pool.alive, other.done()) == (1, False)
    on.held.set()
    assert other.result() == 0


def no_more_threads(thread: threading.Thread) -> None:
    """Be a system that refuses a thread."""
    raise RuntimeError("can't start new thread")


def test_a_thread_that_is_refused_takes_its_call_along(
    busy: Callable[[int], Busy], monkeypatch: pytest.MonkeyPatch
) -> None:
    on = busy(2)
    ran: list[int] = []
    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", no_more_threads)
        with pytest.raises(RuntimeError, match="can't start new thread"):
            on.executor.submit(ran.append, 1)
    assert (on.pool.alive, len(on.pool.workers)) == (1, 1)
    other = on.executor.submit(ran.append, 2)  # there is room for a second thread
    on.held.set()
    other.result()
    on.executor.shutdown()
    assert ran == [2]


def test_a_worker_that_cannot_be_made_leaves_no_reservation(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    executor = foregone.ThreadPoolExecutor(1)

    def none(*_: object) -> None:
        raise MemoryError

    with monkeypatch.context() as patch:
        patch.setattr(pool, "Worker", none)
        with pytest.raises(MemoryError):
            executor.submit(int)
    assert (executor._pool.alive, list(executor._pool.queue)) == (0, [])
    assert executor.submit(int).result() == 0
    executor.shutdown()


# --------------------------------------------------------- the end, while some discard


def test_who_waits_for_the_end_hears_of_who_discards(busy: Callable[[int], Busy]) -> None:
    """The last thread has ended; a callback of a call that is cancelled still runs."""
    on = busy(1)
    called, go_on = threading.Event(), threading.Event()
    queued = on.executor.submit(int)

    def callback(_: Future[int]) -> None:
        called.set()
        go_on.wait()

    queued.add_done_callback(callback)
    discards = threading.Thread(
        target=on.executor.shutdown, args=(False,), kwargs={"cancel_futures": True}
    )
    waits = threading.Thread(target=on.executor.shutdown)
    discards.start()
    called.wait()
    waits.start()
    on.held.set()
    while on.pool.alive or not on.pool.closers:
        time_passes()
    for worker in on.pool.workers:
        worker.thread.join()
    waits.join(0.05)
    assert waits.is_alive()
    go_on.set()
    discards.join()
    waits.join(20)
    assert not waits.is_alive()


def test_a_callback_of_what_is_cancelled_may_wait_for_the_end(busy: Callable[[int], Busy]) -> None:
    on = busy(1)
    back: list[bool] = []

    def wait_for_the_end(_: Future[int]) -> None:
        on.held.set()
        on.executor.shutdown()
        back.append(True)

    on.executor.submit(int).add_done_callback(wait_for_the_end)
    on.executor.shutdown(wait=False, cancel_futures=True)
    assert back == [True]


# ------------------------------------------------------------------------------- map


class NoMore(Exception):
    """Nothing more comes from an input."""


def inputs(few: list[int], errors: list[NoMore]) -> Iterator[int]:
    """Yield a few, then raise."""
    yield from few
    raise errors.pop()


def test_an_input_that_raises_at_once_is_told_at_once() -> None:
    with foregone.ThreadPoolExecutor(1) as executor:
        for buffersize in (None, 2):
            with pytest.raises(NoMore):
                executor.map(abs, inputs([], [NoMore()]), buffersize=buffersize)
        with pytest.raises(NoMore):  # without a buffer all inputs are read by the call
            executor.map(abs, inputs([1], [NoMore()]))
        results = executor.map(abs, inputs([1], [NoMore()]), buffersize=2)
        assert next(results) == 1
        with pytest.raises(NoMore):
            next(results)


def test_nobody_keeps_what_an_input_raised() -> None:
    error = NoMore()
    gone = weakref.ref(error)
    errors = [error]
    del error
    gc.collect()
    gc.disable()
    try:
        with foregone.ThreadPoolExecutor(1) as executor:
            results = executor.map(abs, inputs([1], errors), buffersize=2)
            assert next(results) == 1
            try:
                next(results)
            except NoMore:
                pass
            else:
                pytest.fail("the input's error was not raised")
            assert gone() is None
    finally:
        gc.enable()


def test_who_reads_results_does_not_keep_the_executor() -> None:
    executor = foregone.ThreadPoolExecutor(1)
    gone = weakref.ref(executor)
    results = executor.map(abs, [-1, 2])
    del executor
    assert gone() is None
    assert list(results) == [1, 2]


def test_an_interrupt_while_a_thread_is_started_reaches_who_submits(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Even if the call has begun meanwhile: an interrupt is not an answer."""
    start, began = threading.Thread.start, threading.Event()

    def interrupted_start(thread: threading.Thread) -> None:
        start(thread)
        began.wait()
        raise KeyboardInterrupt

    with foregone.ThreadPoolExecutor(1) as executor:
        with monkeypatch.context() as patch:
            patch.setattr(threading.Thread, "start", interrupted_start)
            with pytest.raises(KeyboardInterrupt):
                executor.submit(began.set)
        assert executor.submit(int).result() == 0


def test_a_call_that_is_stranded_is_told_why(monkeypatch: pytest.MonkeyPatch) -> None:
    """It was accepted for a thread that the system then refused to another call."""
    stranded: list[Future[int]] = []

    def refused(_: threading.Thread) -> None:
        stranded.append(executor.submit(int))
        raise RuntimeError("can't start new thread")

    executor = foregone.ThreadPoolExecutor(1)
    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", refused)
        with pytest.raises(RuntimeError, match="can't start"):
            executor.submit(int)
    error = stranded[0].exception()
    assert str(error) == (
        "this call was accepted while a thread for it was being started, and the system "
        "refused the thread: raise its limit on threads, or lower max_workers"
    )
    executor.shutdown()


# --------------------------------------------------------------- at its end


def test_the_copy_of_a_pool_in_a_forked_child() -> None:
    """It has no threads, and nothing that the parent's hold; its calls fail, and tell nobody."""
    rooms = pool.Pool(2, "copy", None, ())
    held, queued = OwnedFuture[int](), OwnedFuture[int]()
    busy, idle = Worker(rooms, "busy"), Worker(rooms, "idle")
    busy.holds = (held, abs, (-1,), {})
    rooms.workers += [busy, idle]
    rooms.parked.append(idle)
    rooms.alive = 2
    rooms.queue.append((queued, abs, (-2,), {}))
    rooms.closers.append(sync.new_gate())
    rooms.discarding.append(1)
    told: list[object] = []
    for each in (held, queued):
        each.add_done_callback(told.append)
    lock = rooms.lock
    rooms.forked()
    assert rooms.lock is not lock
    assert not rooms.queue
    assert not rooms.workers + rooms.parked
    assert not rooms.closers
    assert not rooms.discarding
    assert rooms.alive == 0
    assert rooms.phase is Phase.FORKED
    errors = [each.exception(0) for each in (held, queued)]
    assert errors[0] is not errors[1]
    assert set(map(str, errors)) == {str(fork.stranded())}
    assert not told
    assert not rooms.accept((OwnedFuture[int](), abs, (-3,), {}))
    assert str(rooms.refusal()) == (
        "cannot schedule new futures after fork: this executor was made in the parent of this "
        "process and has no threads here; make a new one"
    )


def test_what_a_pool_says_when_the_interpreter_ends() -> None:
    rooms = pool.Pool(1, "late", None, ())
    rooms.phase = Phase.INTERPRETER_EXIT
    assert str(rooms.refusal()) == "cannot schedule new futures after interpreter shutdown"


class Breaking:
    """A lock; the pool breaks just before somebody takes it for the first time."""

    def __init__(self, rooms: pool.Pool) -> None:
        self.rooms, self.lock = rooms, rooms.lock

    def __enter__(self) -> object:
        self.rooms.phase = Phase.BROKEN
        return self.lock.__enter__()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.lock.__exit__(kind, error, trace)


def test_what_is_discarded_ends_as_the_phase_says_at_that_instant() -> None:
    """Of two requests, to cancel what is queued and to break, the second comes in between."""
    rooms = pool.Pool(1, "breaks", None, ())
    future = OwnedFuture[int]()
    rooms.queue.append((future, abs, (-1,), {}))
    rooms.phase = Phase.CANCELLING
    rooms.lock = Breaking(rooms)  # type: ignore[assignment]  # all that is asked of a lock
    rooms.discard()
    assert future._now is State.FINISHED
    assert isinstance(future.exception(0), BrokenExecutor)


def test_an_observer_is_told_and_what_is_none_is_refused() -> None:
    told: list[str] = []
    closed = threading.Event()

    class Observes:
        def __call__(self, some: list[events.Event]) -> None:
            told.extend(each.action for each in some)

        def close(self) -> None:
            closed.set()

    with foregone.ThreadPoolExecutor(1, observer=Observes()) as executor:
        assert executor.submit(abs, -1).result() == 1
    assert closed.wait(30)
    assert (told[0], told[-1]) == ("Opened", "Closed")
    with pytest.raises(TypeError, match=r"observer must be a callable .* not 7"):
        foregone.ThreadPoolExecutor(1, observer=7)  # type: ignore[arg-type]  # that is what it is about


class Refused:
    """A pool whose only thread is refused while calls are queued."""

    def __init__(self, *callbacks: Callable[[Future[int]], object]) -> None:
        self.executor = foregone.ThreadPoolExecutor(1)
        self.queued: list[Future[int]] = []
        self._callbacks = callbacks

    def submit(self) -> None:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(threading.Thread, "start", self._refuses)
            self.executor.submit(abs, 0)

    def _refuses(self) -> None:
        for callback in self._callbacks:
            self.queued.append(self.executor.submit(abs, -1))
            self.queued[-1].add_done_callback(callback)
        raise RuntimeError("can't start new thread")

    def all_ended(self) -> bool:
        words = "the system refused the thread"
        assert not self.executor._pool.discarding
        self.executor.shutdown()
        return all(words in str(each.exception(0)) for each in self.queued)


def test_who_ends_what_a_refused_thread_leaves_is_waited_for() -> None:
    """The schedules of LARGE_POOLS have somebody wait."""
    waited: list[bool] = []
    refused = Refused(
        lambda _: waited.append(threading.get_ident() in refused.executor._pool.discarding)
    )
    with pytest.raises(RuntimeError, match="can't start"):
        refused.submit()
    assert waited == [True]
    assert refused.all_ended()


def test_ctrl_c_while_they_are_ended_leaves_none(monkeypatch: pytest.MonkeyPatch) -> None:
    refused = Refused(str, str)
    strand, tried = pool._strand, count()

    def interrupted(items: Sequence[Any]) -> None:
        if next(tried):
            strand(items)
        else:
            strand([items[0]])
            raise KeyboardInterrupt

    monkeypatch.setattr(pool, "_strand", interrupted)
    with pytest.raises(KeyboardInterrupt):
        refused.submit()
    assert [each.done() for each in refused.queued] == [True, True]
    assert refused.all_ended()


def test_who_is_refused_another_thread_meanwhile_ends_the_rest_all_the_same() -> None:
    """Two are refused beside each other, and the second strands what is queued."""
    executor = foregone.ThreadPoolExecutor(2)
    start, goes = threading.Thread.start, threading.Event()
    waited: list[bool] = []
    refusals = count()

    def asks_again(_: object) -> None:
        patch.setattr(threading.Thread, "start", start)
        executor.submit(goes.wait)
        patch.setattr(threading.Thread, "start", refuses)
        with pytest.raises(RuntimeError, match="can't start"):
            executor.submit(abs, 4)

    def notes(_: object) -> None:
        waited.append(threading.get_ident() in executor._pool.discarding)

    def refuses(_: threading.Thread) -> None:
        match next(refusals):
            case 0:
                with pytest.raises(RuntimeError, match="can't start"):
                    executor.submit(abs, 1)
            case 1:
                executor.submit(abs, 2).add_done_callback(asks_again)
                executor.submit(abs, 3).add_done_callback(notes)
            case _:
                pass
        raise RuntimeError("can't start new thread")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(threading.Thread, "start", refuses)
        with pytest.raises(RuntimeError, match="can't start"):
            executor.submit(abs, 0)
    goes.set()
    executor.shutdown()
    assert waited == [True]


@needs_fork
def test_a_callback_of_a_shutdown_may_fork() -> None:
    """In the child, too, shutdown goes on to its end."""
    code, out, err = script("""
        import os, threading
        from foregone import ThreadPoolExecutor
        release, parent = threading.Event(), os.getpid()
        pool = ThreadPoolExecutor(1)
        pool.submit(release.wait, 40)

        def forks(_):
            child = os.fork()
            if child:
                print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))

        pool.submit(int).add_done_callback(forks)
        try:
            pool.shutdown(wait=False, cancel_futures=True)
        finally:
            if os.getpid() != parent:
                import sys
                os._exit(4 if sys.exc_info()[0] else 3)
        release.set()
    """)
    assert (code, out, err) == (0, "3\n", "")


@needs_fork
def test_a_callback_of_a_call_that_a_refused_thread_leaves_may_fork() -> None:
    """In the child, too, submit says what it has to say."""
    code, out, err = script("""
        import os, sys, threading
        from foregone import ThreadPoolExecutor
        parent = os.getpid()
        pool = ThreadPoolExecutor(1)

        def forks(_):
            child = os.fork()
            if child:
                print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)

        def refuses():
            pool.submit(int).add_done_callback(forks)
            raise RuntimeError("can't start new thread")

        threading.Thread.start = lambda thread: refuses()
        try:
            pool.submit(int)
        except BaseException as error:
            said = f"{type(error).__name__}: {error}"
        if os.getpid() != parent:
            os._exit(3 if said == "RuntimeError: can't start new thread" else 4)
        print(said)
    """)
    assert (code, out, err) == (0, "3\nRuntimeError: can't start new thread\n", "")


def test_who_discards_in_a_callback_of_what_he_discards_is_waited_for_all_the_same() -> None:
    busy = Busy()
    waited: list[bool] = []

    def discards_again(_: object) -> None:
        busy.executor.shutdown(wait=False, cancel_futures=True)
        waited.append(threading.get_ident() in busy.pool.discarding)

    busy.executor.submit(abs, 1).add_done_callback(discards_again)
    busy.executor.shutdown(wait=False, cancel_futures=True)
    busy.held.set()
    assert waited == [True]
    assert not busy.pool.discarding


def test_who_becomes_a_forked_copy_while_he_discards_goes_on() -> None:
    """As the child of a callback that forks; the scripts above fork."""
    rooms = pool.Pool(1, "copy", None, ())
    queued = OwnedFuture[int]()
    queued.add_done_callback(lambda _: rooms.forked())
    rooms.queue.append((queued, abs, (-1,), {}))
    rooms.ask(Request.SHUTDOWN_CANCEL_FUTURES)
    assert queued.cancelled()
    assert rooms.phase is Phase.FORKED


def test_or_while_he_ends_what_a_refused_thread_leaves() -> None:
    refused = Refused(lambda _: refused.executor._pool.forked())
    with pytest.raises(RuntimeError, match="can't start"):
        refused.submit()
    assert refused.all_ended()
