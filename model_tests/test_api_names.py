"""What is there: names, constants, relations, ``repr``, and what a future is not."""

import asyncio
import builtins
import concurrent.futures
import concurrent.futures.process
import copy
import os
import pickle
import re
import subprocess
import sys
import weakref
from collections.abc import Callable
from concurrent.futures.process import BrokenProcessPool
from concurrent.futures.thread import BrokenThreadPool
from pathlib import Path
from typing import Any, Final

import pytest

import foregone
import foregone._base
import foregone._compat
import foregone.compat
import foregone.process
import foregone.thread
from foregone import Future, ProcessDied, ProcessPoolExecutor, ThreadPoolExecutor

ROOT: Final = Path(__file__).resolve().parents[1]

#: The seed's ``_base`` module, name by name, and what CPython added since.
BASE: Final = (
    *("CancelledError", "DoneAndNotDoneFutures", "Error", "Executor", "Future", "TimeoutError"),
    *("as_completed", "wait", "FIRST_COMPLETED", "FIRST_EXCEPTION", "ALL_COMPLETED", "PENDING"),
    *("RUNNING", "CANCELLED", "CANCELLED_AND_NOTIFIED", "FINISHED", "LOGGER"),
    *("InvalidStateError", "BrokenExecutor"),
)


def test_all_names_are_there() -> None:
    assert all(hasattr(foregone, name) for name in foregone.__all__)
    assert all(hasattr(foregone._base, name) for name in (*BASE, *foregone._base.__all__))
    assert re.fullmatch(r"\d+\.\d+\.\d+", foregone.__version__)


def test_nothing_of_the_standard_package_is_missing() -> None:
    assert set(concurrent.futures.__all__) <= set(foregone.__all__)
    assert len(set(foregone.__all__)) == len(foregone.__all__)


def test_dir_names_all_of_it() -> None:
    assert set(dir(foregone)) == {*foregone.__all__, "__doc__"}
    with pytest.raises(AttributeError, match="module 'foregone' has no attribute 'Pool'"):
        vars(foregone)["__getattr__"]("Pool")
    assert not hasattr(foregone, "InterpreterPool")


def test_the_interpreter_pool_is_the_standard_one() -> None:
    name = "InterpreterPoolExecutor"
    assert (name in foregone.__all__) == (name in concurrent.futures.__all__)
    ours, theirs = getattr(foregone, name, None), getattr(concurrent.futures, name, None)
    assert ours is theirs
    assert (ours is not None) == (name in foregone.__all__)


def script(source: str, *options: str) -> tuple[int, str, str]:
    """Run a script in a new interpreter; return its exit code and what it said."""
    path = os.pathsep.join(str(ROOT / room) for room in ("impl", "spec"))
    done = subprocess.run(
        [sys.executable, *options, "-c", source],
        env={**os.environ, "PYTHONPATH": path, "PYTHONDONTWRITEBYTECODE": "1"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=50,
    )
    return done.returncode, done.stdout, done.stderr


LAZY: Final = """
import sys
HEAVY = ("multiprocessing", "concurrent.futures.process", "foregone.process_pool", "socket")

def heavy():
    return [each for each in HEAVY if each in sys.modules]

import foregone, foregone.thread, foregone._base, foregone._compat, foregone.compat
from foregone import Future, ThreadPoolExecutor, wait, as_completed
with ThreadPoolExecutor(1) as pool:
    assert wait([pool.submit(int)]).not_done == set()
assert "NAME" in dir(foregone) and not hasattr(foregone, "Nothing")
assert "NAME" not in vars(foregone)
assert not heavy(), heavy()
from foregone import NAME
assert NAME is vars(foregone)["NAME"] is foregone.process.NAME
assert heavy() == list(HEAVY), heavy()
from foregone import *
print(NAME.__name__, ProcessPoolExecutor.__module__)
"""


@pytest.mark.parametrize("name", ["ProcessPoolExecutor", "BrokenProcessPool", "ProcessDied"])
def test_multiprocessing_is_imported_when_it_is_asked_for(name: str) -> None:
    """Without site packages: what they import at the start is not ours."""
    said = f"{name} foregone.process_pool.executor\n"
    assert script(LAZY.replace("NAME", name), "-S") == (0, said, "")


def test_on_windows_everything_else_is_there() -> None:
    """The process pool's names can be imported; its rooms, which cannot run, are not."""
    assert script("""
import concurrent.futures.process, sys
sys.platform = "win32"
import foregone, foregone.process
from foregone import *
assert "foregone.process_pool.rooms" not in sys.modules
try:
    ProcessPoolExecutor()
except NotImplementedError as error:
    print("Windows" in str(error))
with ThreadPoolExecutor(1) as pool:
    print(pool.submit(int, "3").result())
""") == (0, "True\n3\n", "")


@pytest.mark.parametrize("name", BASE)
def test_the_seed_modules_serve_the_same_objects(name: str) -> None:
    if hasattr(foregone, name):
        assert getattr(foregone._base, name) is getattr(foregone, name)


def test_the_thread_module() -> None:
    assert foregone.thread.ThreadPoolExecutor is ThreadPoolExecutor
    assert foregone.thread.BrokenThreadPool is BrokenThreadPool is foregone.BrokenThreadPool


def test_the_process_module() -> None:
    """Each name is the same object everywhere; the standard ones are the standard ones."""
    for name in foregone.process.__all__:
        assert getattr(foregone, name) is getattr(foregone.process, name)
    assert foregone.BrokenProcessPool is BrokenProcessPool
    assert issubclass(ProcessPoolExecutor, concurrent.futures.ProcessPoolExecutor)
    assert foregone.process._RemoteTraceback is concurrent.futures.process._RemoteTraceback


@pytest.mark.parametrize(
    "name", ["FIRST_COMPLETED", "FIRST_EXCEPTION", "ALL_COMPLETED", "PENDING", "FINISHED"]
)
def test_constants_are_the_strings_of_the_standard_library(name: str) -> None:
    ours, theirs = getattr(foregone._base, name), getattr(concurrent.futures._base, name)
    assert ours == theirs == name
    assert type(ours) is str


@pytest.mark.parametrize(
    "name", ["CancelledError", "InvalidStateError", "BrokenExecutor", "TimeoutError"]
)
def test_exceptions_are_the_standard_ones(name: str) -> None:
    assert getattr(foregone, name) is getattr(concurrent.futures, name)


def test_exceptions_relate_as_they_do_there() -> None:
    assert foregone.TimeoutError is builtins.TimeoutError
    assert issubclass(foregone.CancelledError, foregone._base.Error)
    assert issubclass(foregone.InvalidStateError, foregone._base.Error)
    assert issubclass(BrokenThreadPool, foregone.BrokenExecutor)
    assert issubclass(BrokenProcessPool, foregone.BrokenExecutor)
    assert issubclass(ProcessDied, BrokenProcessPool)
    assert issubclass(foregone.BrokenExecutor, RuntimeError)
    assert not issubclass(asyncio.CancelledError, foregone.CancelledError)


def test_done_and_not_done_futures() -> None:
    one, two = Future[int](), Future[int]()
    pair = foregone.DoneAndNotDoneFutures({one}, {two})
    done, not_done = pair
    assert (done, not_done) == ({one}, {two}) == (pair.done, pair.not_done) == (pair[0], pair[1])
    assert isinstance(pair, tuple)
    assert pair._fields == ("done", "not_done")
    assert repr(pair).startswith("DoneAndNotDoneFutures(done=")


# -------------------------------------------------------------------- _compat


def test_namedtuple_as_the_seed_shows_it() -> None:
    point = foregone._compat.namedtuple("Point", "x y")
    assert foregone.compat.namedtuple is foregone._compat.namedtuple
    assert point.__doc__ == "Point(x, y)"
    ours = _made(point, 11, y=22)
    assert ours == (11, 22)
    assert ours[0] + ours[1] == 33
    x, y = ours
    assert (x, y) == (11, 22)
    assert ours.x + ours.y == 33
    d = ours._asdict()
    assert d["x"] == 11
    assert _made(point, **d) == ours
    assert ours._replace(x=100) == (100, 22)
    assert repr(ours) == "Point(x=11, y=22)"


def _made(kind: Any, *args: object, **kwargs: object) -> Any:  # noqa: ANN401  fields are not typed
    return kind(*args, **kwargs)


@pytest.mark.parametrize("fields", ["x x", "x class", "x 1y", "x _y"])
def test_namedtuple_refuses_names(fields: str) -> None:
    with pytest.raises(ValueError, match=r"(?i)field name|valid identifiers"):
        foregone._compat.namedtuple("Point", fields)


# --------------------------------------------------------------------- future


def test_repr_of_each_state() -> None:
    at = r"at 0x[0-9a-f]+ state="
    subject = Future[int]()
    assert re.fullmatch(rf"<Future {at}pending>", repr(subject))
    subject.set_running_or_notify_cancel()
    assert re.fullmatch(rf"<Future {at}running>", repr(subject))
    subject.set_result(1)
    assert re.fullmatch(rf"<Future {at}finished returned int>", repr(subject))
    failed = Future[int]()
    failed.set_exception(KeyError())
    assert re.fullmatch(rf"<Future {at}finished raised KeyError>", repr(failed))
    cancelled = Future[int]()
    cancelled.cancel()
    assert re.fullmatch(rf"<Future {at}cancelled>", repr(cancelled))
    cancelled.set_running_or_notify_cancel()
    assert re.fullmatch(rf"<Future {at}cancelled>", repr(cancelled))


def test_repr_names_the_class() -> None:
    class Mine(Future[int]):
        pass

    assert repr(Mine()).startswith("<Mine at 0x")


@pytest.mark.parametrize("copier", [pickle.dumps, copy.deepcopy], ids=["pickle", "deepcopy"])
@pytest.mark.parametrize("touched", [False, True], ids=["fresh", "used"])
def test_a_future_is_not_pickled(copier: Callable[[object], object], touched: bool) -> None:
    subject = Future[int]()
    if touched:
        subject.add_done_callback(id)
    with pytest.raises(TypeError, match="cannot pickle"):
        copier(subject)


def test_a_copy_shares_the_lock() -> None:
    subject = Future[int]()
    assert copy.copy(subject)._lock is subject._lock is not None


def test_an_executor_is_not_pickled() -> None:
    with ThreadPoolExecutor(1) as pool, pytest.raises(TypeError, match="cannot pickle"):
        pickle.dumps(pool)


def test_identity_and_weak_references() -> None:
    one, other = Future[int](), Future[int]()
    assert one != other
    assert len({one, other, one}) == 2
    assert weakref.ref(one)() is one
    with ThreadPoolExecutor(1) as pool:
        assert weakref.ref(pool)() is pool


def test_attributes_may_be_added() -> None:
    """As in the standard library: programs label their futures."""
    subject = Future[int]()
    vars(subject)["label"] = "mine"
    assert getattr(subject, "label", None) == "mine"


def test_generic_at_run_time() -> None:
    assert Future[int] == Future[int]
    assert isinstance(Future[int](), Future)


def test_subclass_with_slots() -> None:
    class Slotted(Future[int]):
        __slots__ = ("extra",)
        extra: int

    subject = Slotted()
    subject.extra = 1
    assert subject.extra == 1
