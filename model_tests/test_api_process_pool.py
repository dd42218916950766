"""ProcessPoolExecutor's arguments and messages; nothing here starts a process."""

import concurrent.futures
import gc
import math
import multiprocessing
import operator
import os
import pickle
import sys
import threading
import weakref
from collections.abc import Callable, Iterator
from enum import IntEnum
from multiprocessing.context import BaseContext
from types import SimpleNamespace
from typing import Any, cast

import pytest

import foregone
from foregone import Future, ProcessDied, ProcessPoolExecutor
from foregone.process_pool.start import Multiprocessing

METHODS = tuple(multiprocessing.get_all_start_methods())
NAN = math.nan

#: Whatever is passed: these tests pass what no type checker lets through.
make = cast("Callable[..., ProcessPoolExecutor]", ProcessPoolExecutor)


@pytest.fixture
def pool() -> Iterator[ProcessPoolExecutor]:
    with ProcessPoolExecutor(2) as made:
        yield made
    assert made._pool.worker.thread is None  # nothing was started


def system_of(pool: ProcessPoolExecutor) -> Multiprocessing:
    return cast("Multiprocessing", pool._pool.system)


def context_of(pool: ProcessPoolExecutor) -> str:
    return system_of(pool).context.get_start_method()


@pytest.fixture
def default_method(request: pytest.FixtureRequest) -> Iterator[str]:
    """Set the start method of the program, as its user would."""
    before = multiprocessing.get_start_method(allow_none=True)
    multiprocessing.set_start_method(request.param, force=True)
    yield request.param
    multiprocessing.set_start_method(before, force=True)


# ---------------------------------------------------------------- max_workers


@pytest.mark.parametrize("wrong", [0, -1, False, 0.0, -0.5, -math.inf], ids=repr)
def test_max_workers_is_positive(wrong: float) -> None:
    with pytest.raises(ValueError, match="max_workers must be greater than 0") as raised:
        make(wrong)
    assert repr(wrong) in str(raised.value)


@pytest.mark.parametrize("wrong", ["2", b"2", [2], 2j, 1.5, 2.0, NAN, math.inf, int], ids=repr)
def test_max_workers_is_a_whole_number(wrong: object) -> None:
    with pytest.raises(
        TypeError, match="max_workers must be a whole number of processes"
    ) as raised:
        make(wrong)
    assert repr(wrong) in str(raised.value)
    assert type(wrong).__name__ in str(raised.value)


@pytest.mark.parametrize("wrong", [2**31 - 1, 10**30])
def test_max_workers_is_not_too_large(wrong: int) -> None:
    with pytest.raises(OverflowError, match="max_workers must be at most 2147483646") as raised:
        make(wrong)
    assert str(wrong) in str(raised.value)


def test_max_workers_that_the_standard_library_accepts() -> None:
    class Size(IntEnum):
        SMALL = 3

    class Index:
        def __index__(self) -> int:
            return 4

    limits = [make(each)._pool.limit for each in (1, True, 61, 2**31 - 2, Size.SMALL, Index())]
    assert limits == [1, 1, 61, 2**31 - 2, 3, 4]


def test_as_many_processes_as_there_are_processors() -> None:
    processors = getattr(os, "process_cpu_count", os.cpu_count)()
    assert ProcessPoolExecutor()._pool.limit == ProcessPoolExecutor(None)._pool.limit == processors


# ----------------------------------------------------------------- mp_context


@pytest.mark.parametrize("wrong", ["spawn", "", 3, multiprocessing, BaseContext, ()], ids=repr)
def test_mp_context_is_a_context(wrong: object) -> None:
    with pytest.raises(
        TypeError, match="mp_context must be a context of multiprocessing"
    ) as raised:
        make(mp_context=wrong)
    assert repr(wrong) in str(raised.value)
    assert 'multiprocessing.get_context("spawn")' in str(raised.value)


@pytest.mark.parametrize("method", METHODS)
def test_mp_context_that_is_given_is_taken(method: str) -> None:
    assert context_of(ProcessPoolExecutor(1, multiprocessing.get_context(method))) == method


@pytest.mark.parametrize("default_method", METHODS, indirect=True)
def test_without_mp_context_processes_start_as_the_program_says(default_method: str) -> None:
    assert context_of(ProcessPoolExecutor(1)) == default_method


@pytest.mark.parametrize("default_method", METHODS, indirect=True)
def test_what_cannot_be_forked_is_not(default_method: str) -> None:
    """Without ``mp_context``, what is replaced comes from where it may be replaced."""
    served = "forkserver" if default_method == "fork" else default_method
    assert context_of(ProcessPoolExecutor(1, on_process_death="replace")) == served
    for policy in ("break", "replace"):  # as CPython
        assert context_of(make(1, max_tasks_per_child=3, on_process_death=policy)) == "spawn"


@pytest.mark.parametrize(
    ("argument", "said"),
    [
        ({"max_tasks_per_child": 3}, "max_tasks_per_child=3"),
        ({"on_process_death": "replace"}, 'on_process_death="replace"'),
        ({"max_tasks_per_child": 1, "on_process_death": "replace"}, "max_tasks_per_child=1"),
    ],
    ids=str,
)
def test_what_is_forked_is_not_replaced(argument: dict[str, object], said: str) -> None:
    with pytest.raises(ValueError, match="incompatible with the 'fork' start method") as raised:
        make(1, multiprocessing.get_context("fork"), **argument)
    assert said in str(raised.value)
    assert 'multiprocessing.get_context("forkserver")' in str(raised.value)
    for method in ("forkserver", "spawn"):
        assert context_of(make(1, multiprocessing.get_context(method), **argument)) == method


# ---------------------------------------------------------------- what they run


@pytest.mark.parametrize("wrong", [3, "init", ()], ids=repr)
def test_initializer_is_callable(wrong: object) -> None:
    with pytest.raises(TypeError, match="initializer must be a callable or None") as raised:
        make(initializer=wrong)
    assert repr(wrong) in str(raised.value)


def test_initargs_are_iterable() -> None:
    with pytest.raises(TypeError, match="initargs must be an iterable of arguments, not 3"):
        make(initializer=int, initargs=3)
    assert system_of(make(initializer=int, initargs=iter([1, 2]))).initargs == (1, 2)


@pytest.mark.parametrize("wrong", [0, -1, False], ids=repr)
def test_max_tasks_per_child_is_positive(wrong: int) -> None:
    with pytest.raises(ValueError, match=f"max_tasks_per_child must be >= 1, not {wrong}"):
        make(max_tasks_per_child=wrong)


@pytest.mark.parametrize("wrong", ["3", 1.0, NAN, [1]], ids=repr)
def test_max_tasks_per_child_is_an_integer(wrong: object) -> None:
    with pytest.raises(TypeError, match="max_tasks_per_child must be an integer or None") as raised:
        make(max_tasks_per_child=wrong)
    assert repr(wrong) in str(raised.value)
    assert type(wrong).__name__ in str(raised.value)


@pytest.mark.parametrize("wrong", ["Break", "", "restart", None, True, ["break"]], ids=repr)
def test_on_process_death_is_one_of_two(wrong: object) -> None:
    with pytest.raises(ValueError, match='on_process_death must be "break" or "replace"') as raised:
        make(on_process_death=wrong)
    assert repr(wrong) in str(raised.value)


@pytest.mark.parametrize("wrong", [3, "pickle", int, SimpleNamespace(dumps=pickle.dumps)], ids=repr)
def test_reducer_has_dumps_and_loads(wrong: object) -> None:
    with pytest.raises(TypeError, match=r"reducer must be .* with functions dumps and loads"):
        make(reducer=wrong)
    assert ProcessPoolExecutor(reducer=pickle)._pool.reducer is not None


def test_what_is_named_must_be_named() -> None:
    with pytest.raises(TypeError, match="positional arguments"):
        make(1, None, None, (), 3)


# ------------------------------------------------------------------ the system


def test_windows_is_told_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "win32")
    with pytest.raises(NotImplementedError, match="no process pool for Windows yet") as raised:
        make("a wrong argument comes second")
    assert "concurrent.futures" in str(raised.value)


def test_a_python_without_semaphores_is_told_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """As CPython: NotImplementedError, caused by the ImportError."""
    monkeypatch.setitem(sys.modules, "multiprocessing.synchronize", None)
    with pytest.raises(NotImplementedError, match="semaphores that processes share") as raised:
        ProcessPoolExecutor(1)
    assert isinstance(raised.value.__cause__, ImportError)


# -------------------------------------------------------------- submit and map


def test_submit_takes_fn_by_position_only(pool: ProcessPoolExecutor) -> None:
    submit = cast("Callable[..., Future[Any]]", pool.submit)
    with pytest.raises(TypeError):
        submit(fn=int)
    with pytest.raises(TypeError):
        submit()


@pytest.mark.parametrize("where", ["fn", "args", "kwargs"])
def test_what_does_not_pickle_fails_in_its_future(pool: ProcessPoolExecutor, where: str) -> None:
    """``submit`` never raises for it, and no process is started for it."""
    lock = threading.Lock()
    match where:
        case "fn":
            failed: Future[Any] = pool.submit(lock.acquire)
        case "args":
            failed = pool.submit(operator.truth, lock)
        case _:
            failed = pool.submit(int, base=cast("int", lock))
    assert failed.done()
    assert not failed.cancelled()
    with pytest.raises(TypeError, match=r"cannot pickle '_thread\.lock' object"):
        failed.result(0)


def test_chunksize(pool: ProcessPoolExecutor) -> None:
    for wrong in (0, -1, False):
        with pytest.raises(ValueError, match=f"chunksize must be >= 1, not {wrong}"):
            pool.map(int, "1", chunksize=wrong)
    for odd in ("2", 1.0, 1.5, [2]):
        with pytest.raises(TypeError, match="chunksize must be an integer or None") as raised:
            pool.map(int, "1", chunksize=cast("int", odd))
        assert repr(odd) in str(raised.value)


@pytest.mark.parametrize("chunksize", [1, 3, None])
def test_what_map_refuses_whatever_the_chunks(
    pool: ProcessPoolExecutor, chunksize: int | None
) -> None:
    with pytest.raises(ValueError, match=r"map\(\): .* not NaN"):
        pool.map(int, "1", timeout=NAN, chunksize=chunksize)
    with pytest.raises(TypeError, match="must be a number of seconds or None"):
        pool.map(int, "1", timeout=cast("float", "1"), chunksize=chunksize)
    with pytest.raises(ValueError, match="buffersize must be None or > 0, not 0"):
        pool.map(int, "1", buffersize=0, chunksize=chunksize)
    with pytest.raises(TypeError, match="buffersize must be an integer or None"):
        pool.map(int, "1", buffersize=cast("int", 1.0), chunksize=chunksize)
    assert list(pool.map(int, "", chunksize=chunksize)) == []
    assert list(pool.map(int, chunksize=chunksize)) == []


# ------------------------------------------------------------------- the end


@pytest.mark.parametrize("chunksize", [1, 3, None])
def test_a_pool_that_was_shut_down_takes_no_calls(
    pool: ProcessPoolExecutor, chunksize: int | None
) -> None:
    pool.shutdown()
    pool.shutdown(wait=False, cancel_futures=True)
    with pytest.raises(RuntimeError, match=r"^cannot schedule new futures after shutdown$"):
        pool.submit(int)
    with pytest.raises(RuntimeError, match="after shutdown"):
        pool.submit(threading.Lock().acquire)  # what does not pickle is not accepted either
    with pytest.raises(RuntimeError, match="after shutdown"):
        pool.map(int, "1", chunksize=chunksize)
    with pool as entered, pytest.raises(RuntimeError):
        entered.submit(int)


@pytest.mark.parametrize("end", ["terminate_workers", "kill_workers"])
def test_a_pool_without_processes_may_be_ended(pool: ProcessPoolExecutor, end: str) -> None:
    for _ in range(2):
        assert getattr(pool, end)() is None
        with pytest.raises(RuntimeError, match="after shutdown"):
            pool.submit(int)


def test_an_executor_is_kept_by_nobody_but_its_user() -> None:
    pool = ProcessPoolExecutor(2)
    gone = weakref.ref(pool)
    inner = weakref.ref(pool._pool)
    del pool
    assert gone() is None
    gc.collect()
    assert inner() is None


# -------------------------------------------------------------- what it is, and errors


def test_it_is_where_the_standard_one_was(pool: ProcessPoolExecutor) -> None:
    assert isinstance(pool, concurrent.futures.ProcessPoolExecutor)
    assert isinstance(pool, foregone.Executor)
    assert not isinstance(pool, concurrent.futures.ThreadPoolExecutor)
    with pytest.raises(TypeError, match="cannot pickle"):
        pickle.dumps(pool)


def test_private_names_of_the_process_pool(pool: ProcessPoolExecutor) -> None:
    theirs: Any = pool
    assert (theirs._max_workers, theirs._processes, theirs._broken) == (2, {}, False)
    assert theirs._mp_context is multiprocessing.get_context()
    assert theirs._executor_manager_thread is None
    theirs._call_queue.join_thread()


@pytest.mark.parametrize(
    ("code", "how"),
    [
        (3, "ended with exit code 3"),
        (0, "ended with exit code 0"),
        (-9, "was ended by SIGKILL"),
        (-99, "was ended by signal 99"),
        (None, "ended, and its exit code is not known"),
    ],
)
def test_a_death_is_told(code: int | None, how: str) -> None:
    said = f"process 7 {how}; this is the call claimed when it died"
    error = ProcessDied(7, code)
    travelled: ProcessDied = pickle.loads(pickle.dumps(error))
    for each in (error, travelled):
        assert (type(each), each.pid, each.exit_code, str(each)) == (ProcessDied, 7, code, said)
    with pytest.raises(foregone.BrokenProcessPool, match="the call claimed when it died"):
        raise travelled


def test_a_call_that_does_not_pickle_does_not_keep_its_executor() -> None:
    """An error's traceback keeps frames, and these the executor, which would never end."""
    executor = ProcessPoolExecutor(1)
    future = executor.submit(len, threading.Lock())  # type: ignore[arg-type]  # on purpose
    watched = weakref.ref(executor)
    del executor
    assert watched() is None
    assert isinstance(future.exception(0), TypeError)
