"""Nothing can come in between the parts of a step: shown in the bytecode.

``model_tests/museum/sections.py`` says which instructions may stand in a step, and
why.  The interpreter that runs the tests is looked at, and each other one at hand.
"""

import gc
import json
import subprocess
import sys
import threading
from collections import deque
from pathlib import Path
from typing import Final

import pytest

from foregone import sync
from foregone_spec import future, lifecycle, work_item
from model_tests.museum.sections import read, sections, slots_of
from model_tests.museum.table import ROOT, interpreters

IMPL: Final = ROOT / "impl" / "foregone"
SPEC: Final = ROOT / "spec" / "foregone_spec"

#: How many steps each module has: a new one is looked at, and counted here.
COUNTS: Final = {
    "dask/local_worker.py": 3,
    "dask/rooms.py": 7,
    "future.py": 9,
    "pool.py": 5,
    "process_pool/call_queue.py": 3,
    "process_pool/chunk_sizes.py": 1,
    "process_pool/dispatch.py": 1,
    "process_pool/ending.py": 1,
    "process_pool/local_worker.py": 2,
    "process_pool/rooms.py": 5,
    "process_pool/poller.py": 2,
    "process_pool/tickets.py": 6,
}

SUPPORTED: Final = [each for each in interpreters() if int(each[0].split(".")[1]) >= 11]


def test_nothing_interrupts_a_step() -> None:
    found = read(IMPL, SPEC)
    assert {name: each.troubles for name in found for each in found[name] if each.troubles} == {}
    assert all(each.instructions for name in found for each in found[name])
    assert {name: len(each) for name, each in found.items()} == COUNTS


def test_nor_in_the_bytecode_of_other_interpreters() -> None:
    """Read the bytecode of each interpreter that this machine has, this one among them."""
    for version, python in SUPPORTED:
        command = [python, "-B", "-m", "model_tests.museum.sections", str(IMPL), str(SPEC)]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=50)
        assert done.returncode == 0, (version, done.stderr)
        found = json.loads(done.stdout)
        assert {name: len(each) for name, each in found.items()} == COUNTS, version
        troubles = [one["troubles"] for each in found.values() for one in each]
        assert not any(troubles), (version, troubles)


@pytest.mark.parametrize(
    "step",
    [
        "self.queue.append(1)",
        "self.queue = []",
        "self.queue = {}",
        "self.queue = (self, 1)",
        "self.queue = f'{self}'",
        "self.queue = [each for each in self.workers]",
        "for each in self.workers: each.holds = None",
        "while self.alive: self.alive -= 1",
        "import os",
        "self.alive = self.not_a_slot",
        "self.alive = self.queue[1:]",
        "self.alive = yield",
        "self.alive = lambda: 1",
        "del self.alive",
        "if 1 < self.alive < 3: self.alive = len(self.queue)",
        "raise KeyError",
        "with self.other: self.alive = 1",
    ],
)
def test_what_could_interrupt_is_seen(step: str) -> None:
    text = f"def f(self):\n    with self.lock:\n        {step}\n    return 1\n"
    found = list(sections(text, frozenset({"queue", "workers", "alive", "holds", "lock", "other"})))
    assert any(each.troubles for each in found if each.function == "f")


@pytest.mark.parametrize(
    "text",
    [
        "def f(self):\n    with self.lock:\n        pass\n",
        "def f(self):\n    with self._lock or self._make_lock():\n        self.alive -= 1\n",
        "def f(self):\n    with self.lock as lock:\n        self.alive -= 1\n",
    ],
)
def test_a_step_is_found_wherever_a_lock_is_taken(text: str) -> None:
    assert len(list(sections(text, frozenset({"alive", "lock", "_lock"})))) == 1


def test_the_reply_of_the_lock_is_dropped() -> None:
    text = "def f(self):\n    with self.lock as lock:\n        self.alive -= 1\n"
    (section,) = sections(text, frozenset({"alive", "lock"}))
    assert section.troubles


def test_every_lock_of_ours_is_looked_at() -> None:
    """What takes a lock in another way would not be found."""
    text = "".join(path.read_text() for path in IMPL.glob("*.py"))
    assert ".__enter__" not in text
    held = [line.strip() for line in text.splitlines() if line.strip().startswith("with ")]
    unlike = {
        line
        for line in held
        if "lock" in line
        and line not in ("with self.lock:", "with self._lock or self._make_lock():")
    }
    assert unlike == set()


@pytest.mark.parametrize(
    "kind",
    [
        future.State,
        future.Command,
        future.Effect,
        lifecycle.Phase,
        lifecycle.Request,
        lifecycle.Effect,
        work_item.Place,
        work_item.Event,
    ],
    ids=lambda kind: f"{kind.__module__}.{kind.__name__}",
)
def test_a_look_up_in_a_table_runs_no_python(kind: type) -> None:
    c_level: dict[str, object] = {name: getattr(object, name) for name in ("__hash__", "__eq__")}
    assert {name: getattr(kind, name) for name in c_level} == c_level
    cells = (future.Step, lifecycle.Step, work_item.Step)
    assert not any("__getattribute__" in vars(each) for each in cells)
    assert "effects" in slots_of(SPEC / "future.py")


def _collections(queue: deque[int], entry: "tuple[int] | map[int]") -> int:
    begun = 0

    def count(phase: str, _: object) -> None:
        nonlocal begun
        begun += phase == "start"

    thresholds = gc.get_threshold()
    gc.disable()
    kept: list[list[int]] = [[] for _ in range(50)]
    gc.set_threshold(10)
    gc.callbacks.append(count)
    try:
        gc.enable()
        queue += entry
        seen = begun
        gc.disable()
    finally:
        gc.callbacks.remove(count)
        gc.set_threshold(*thresholds)
        gc.enable()
    assert len(kept) == 50
    return seen


@pytest.mark.skipif(sys.version_info >= (3, 12), reason="3.12 collects at the eval breaker only")
def test_a_queue_takes_an_entry_without_a_collection() -> None:
    """From a tuple it would make an iterator, and 3.11 may collect garbage there."""
    assert _collections(deque(), (1,)) == 1
    assert _collections(deque(), map(abs, (1,))) == 0
    accept = (IMPL / "pool.py").read_text().partition("def accept(")[2].partition("    def ")[0]
    assert "entry = iter((item,))" in accept
    assert accept.count("self.queue += entry") == (IMPL / "pool.py").read_text().count("queue +=")


def test_locks_are_reentrant_for_tracers_only() -> None:
    """A tracer runs code of its own in a step; nobody else can come into one."""
    assert sync.new_lock is type(threading.RLock())
    lock = sync.new_lock()
    with lock, lock:
        pass


def test_the_sections_module_says_where_it_looks(tmp_path: Path) -> None:
    (tmp_path / "one.py").write_text("def f(self):\n    with self.lock:\n        self.g()\n")
    (section,) = read(tmp_path, SPEC)["one.py"]
    assert (section.function, section.line) == ("f", 3)
    assert "CALL" in " ".join(section.troubles)
