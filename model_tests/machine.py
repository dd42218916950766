"""What the state machines share: a state of the model beside real objects that may block.

Every step of the model is checked against the invariants of the model.  A machine
knows that a thread has come as far as it can when a doorbell rings: the library's
gates ring it before a thread goes to sleep.
"""

import logging
import queue
import threading
from collections.abc import Callable, Iterable
from typing import Final, Generic

import pytest
from hypothesis.stateful import RuleBasedStateMachine

import foregone.future
import foregone.pool
import foregone.waiting
import foregone.worker
from foregone_spec.model import A, Model, S
from model_tests.recording import recording

#: Seconds for a thread to come where it must come.
PATIENCE: Final = 20.0


class Machine(RuleBasedStateMachine, Generic[S, A]):
    """A state of a model, beside a run of the library that is recorded."""

    model: Model[S, A]
    state: S

    def __init__(self) -> None:
        super().__init__()
        self.bell = Doorbell()
        self.recorder = recording()
        self.entries = self.recorder.__enter__()

    def starts(self, model: Model[S, A]) -> None:
        """Begin where the model begins."""
        self.model = model
        (self.state,) = model.initial()

    def do(self, action: A) -> None:
        """Let the model do this, and look whether all holds that must hold."""
        before = self.state
        self.state = self.model.step(before, action)
        for name, holds in self.model.invariants.items():
            assert holds(self.state), name
        for name, allows in self.model.step_invariants.items():
            assert allows(before, self.state), name
        self.did(before)

    def did(self, before: S) -> None:
        """Do what follows a step of the model."""

    def can(self, action: A) -> bool:
        """Say whether the model can do this now."""
        return action in self.model.enabled(self.state)

    def go_on(self, *kinds: type[A]) -> None:
        """Let the model go on with such actions, and those that follow, while it can."""
        while True:
            enabled = self.model.enabled(self.state)
            action = next((each for each in enabled if isinstance(each, kinds)), None)
            if action is None:
                return
            self.do(action)

    def ends(self) -> None:
        """Stop recording; give the library its own gates again."""
        self.recorder.__exit__(None, None, None)
        self.bell.remove()


class Doorbell:
    """Rings when a thread goes to sleep at a gate, so that a test can wait for it."""

    def __init__(self) -> None:
        self._rung = threading.Condition()
        self._patch = pytest.MonkeyPatch()
        for module in (foregone.future, foregone.waiting, foregone.pool, foregone.worker):
            self._patch.setattr(module, "new_gate", lambda: _Gate(self))
        self._patch.setattr(logging.getLogger("concurrent.futures"), "disabled", True)

    def ring(self) -> None:
        """Let ``until`` look again."""
        with self._rung:
            self._rung.notify_all()

    def until(self, holds: Callable[[], bool]) -> None:
        """Return when ``holds``; fail if it takes too long."""
        with self._rung:
            assert self._rung.wait_for(holds, PATIENCE), "a thread did not come so far"

    def remove(self) -> None:
        """Give the library its own gates again, and its logger."""
        self._patch.undo()


class _Gate:
    def __init__(self, bell: Doorbell) -> None:
        self.lock = threading.Lock()
        self.bell = bell
        self.release = self.lock.release
        self.locked = self.lock.locked

    def acquire(self, blocking: bool = True, timeout: float = -1) -> bool:
        if blocking and self.lock.locked():
            self.bell.ring()
        return self.lock.acquire(blocking, timeout)


def joined(threads: Iterable[threading.Thread]) -> None:
    """Return when the threads have ended; fail if it takes too long."""
    for each in threads:
        each.join(PATIENCE)
        assert not each.is_alive(), f"{each.name} does not end"


class Task:
    """A call that begins, and ends when it is told to."""

    def __init__(self, bell: Doorbell) -> None:
        self.bell = bell
        self.thread: threading.Thread | None = None
        self.orders: queue.SimpleQueue[bool] = queue.SimpleQueue()

    def ends(self, raises: bool) -> None:
        """Let the call return, or raise."""
        self.thread = None
        self.orders.put(raises)

    def __call__(self) -> str:
        self.thread = threading.current_thread()
        self.bell.ring()
        if self.orders.get():
            raise ZeroDivisionError
        return "answer"
