"""Functions that go by their names: what pickle would have done, and no more."""

import importlib
import pickle
import sys
import threading
from collections.abc import Callable
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from types import ModuleType
from typing import Any, TypeAlias

import pytest

from foregone import ProcessPoolExecutor
from foregone.process_pool.names import name_of, named
from model_tests import process_calls as calls
from model_tests.process_pools import METHODS
from model_tests.process_world import PATIENCE, until

pytestmark = pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")


#: A module that has what a test gives it.
Module: TypeAlias = Any


class Owner:
    def method(self) -> None: ...

    @staticmethod
    def inner() -> None: ...


def rebound() -> None: ...


first, rebound_later = rebound, lambda: None


@pytest.fixture
def module(monkeypatch: pytest.MonkeyPatch) -> Module:
    """Return a module of which a test may dispose."""
    made = ModuleType("foregone_test_module")
    monkeypatch.setitem(sys.modules, made.__name__, made)
    exec("def here(): return 1", made.__dict__)
    return made


def test_a_function_is_found_under_its_name() -> None:
    name = name_of(calls.value)
    assert name is not None
    assert named(pickle.dumps(((), {})) + name) is calls.value
    assert named(bytearray(name)) is calls.value


@pytest.mark.parametrize(
    "fn",
    [
        lambda: None,
        Owner.inner,  # pickle finds what has dots in its name
        Owner().method,
        Owner,
        abs,
        partial(calls.value, "log"),
        rebound_later,
    ],
    ids=["lambda", "static", "method", "class", "builtin", "partial", "rebound"],
)
def test_what_is_not_plainly_found_is_for_pickle(fn: Callable[..., object]) -> None:
    assert name_of(fn) is None


def test_what_its_name_no_longer_means_is_for_pickle(module: Module) -> None:
    here = module.here
    assert name_of(here) is not None
    module.here = calls.value
    assert name_of(here) is None
    del sys.modules[module.__name__]
    assert name_of(here) is None
    here.__module__ = None
    assert name_of(here) is None


def test_names_of_any_letters_and_length(module: Module) -> None:
    here = module.here
    here.__qualname__ = "wörld.not a name\n"
    setattr(module, here.__qualname__, here)
    name = name_of(here)
    assert name is not None
    assert named(name) is here
    for impossible in ("x" * 70_000, "\ud800"):
        here.__qualname__ = impossible
        setattr(module, impossible, here)
        assert name_of(here) is None


def test_both_sides_look_each_time(module: Module) -> None:
    name = name_of(module.here)
    assert name is not None
    assert named(name) is module.here
    exec("def here(): return 2", module.__dict__)
    assert named(name) is module.here


@pytest.mark.parametrize("gone", ["function", "module"])
def test_what_is_not_found_there_fails_as_with_pickle(gone: str, module: Module) -> None:
    data, name = pickle.dumps(module.here), name_of(module.here)
    assert name is not None
    if gone == "module":
        del sys.modules[module.__name__]
    else:
        del module.here
    with pytest.raises((AttributeError, ModuleNotFoundError)) as by_pickle:
        pickle.loads(data)
    with pytest.raises(by_pickle.type) as ours:
        named(name)
    assert str(ours.value) == str(by_pickle.value)


def test_a_module_that_another_thread_imports_is_waited_for(tmp_path: Path) -> None:
    """Pickle waits for it too: half of it is not there yet."""
    (tmp_path / "foregone_slow_module.py").write_text(
        "import sys\ndef here(): return CONSTANT\nsys.foregone_gate.wait()\nCONSTANT = 11\n"
    )
    gate = threading.Event()
    setattr(sys, "foregone_gate", gate)  # noqa: B010 - nobody knows that name
    sys.path.insert(0, str(tmp_path))
    importing = threading.Thread(target=importlib.import_module, args=("foregone_slow_module",))
    asking = threading.Thread(target=lambda: found.append(named(name)()))
    found: list[object] = []
    name = b"foregone_slow_module\0here" + (25).to_bytes(2, "little")
    try:
        importing.start()
        assert until(lambda: hasattr(sys.modules.get("foregone_slow_module"), "here"))
        asking.start()
        gate.set()
        asking.join(PATIENCE)
    finally:
        gate.set()
        importing.join(PATIENCE)
        sys.path.remove(str(tmp_path))
        sys.modules.pop("foregone_slow_module", None)
        del sys.foregone_gate  # type: ignore[attr-defined]  # set above
    assert found == [11]


def test_whatever_goes_wrong_with_a_name_is_for_pickle(module: Module) -> None:
    here = module.here
    here.__module__ = ["not", "hashable"]
    assert name_of(here) is None
    del module.here
    here.__module__ = module.__name__
    module.__getattr__ = lambda name: 1 / 0
    assert name_of(here) is None


@pytest.mark.parametrize("method", METHODS)
def test_a_function_that_a_process_cannot_find_costs_its_own_call(method: str) -> None:
    with ProcessPoolExecutor(1, get_context(method)) as executor:
        assert executor.submit(abs, -1).result(PATIENCE) == 1
        made = ModuleType("foregone_late_module")  # the process has started before
        exec("def here(): return 1", made.__dict__)
        sys.modules[made.__name__] = made
        try:
            future = executor.submit(made.here)
            error = future.exception(PATIENCE)
        finally:
            del sys.modules[made.__name__]
        assert isinstance(error, ModuleNotFoundError)
        assert "while unpickling the arguments of call" in str(error.__notes__)
        assert executor.submit(abs, -2).result(PATIENCE) == 2
