"""The Future: executes the spec's table, cell by cell.

Rules.  One function, ``_decide``, assigns the state, from a cell of
``foregone_spec.future.TRANSITIONS``; ``_carry_out`` carries out the cell's
effects, with no lock held.

A *step* is what a ``with self._lock`` block does on one line.  No line in such a
block has an interruption point: no call, no backward jump, no allocation of a
container.  So neither a signal handler nor a finalizer can run in the middle of a
step or while the lock is held, and whatever they do to the same future comes
before it or after it (``model_tests/test_interruption_points.py`` checks the
bytecode).  That is why several statements share a line here.

Owner of every field: this module.  Order of locks: an executor's, then a
future's; no lock is taken under a future's.  Model: ``tla/Future.tla``.
"""

import logging
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final, TypeAlias, TypeVar

from foregone import clock, observer
from foregone.compat import StandardFutureNames
from foregone.errors import CancelledError, InvalidStateError, TimeoutError
from foregone.sync import Gate, Lock, new_gate, new_lock, wake
from foregone_spec.future import DONE, TRANSITIONS, Command, Effect, State, Step
from foregone_spec.future import cancel_command as _cancel_command

if TYPE_CHECKING:
    from concurrent.futures._base import _Waiter as StandardWaiter

T = TypeVar("T")
_Raised: TypeAlias = BaseException | None

LOGGER: Final = logging.getLogger("concurrent.futures")

_PENDING, _RUNNING, _CANCELLED, _NOTIFIED, _FINISHED = State
_KEEP, _TELL, _WAKE, _CALL = Effect
_UNDONE: Final = (_PENDING, _RUNNING)
_UNTOLD: Final = (_PENDING, _RUNNING, _CANCELLED)
_GONE: Final = (_CANCELLED, _NOTIFIED)
_START, _SET_RESULT, _SET_EXCEPTION = tuple(Command)[1:4]
_BARE: Final = _cancel_command(owned=False)
OWNED: Final = _cancel_command(owned=True)

#: In place of a list of callbacks: they have all run, an added one runs at once.
_DRAINED: Final[list[Callable[..., object]]] = []


class Future(StandardFutureNames[T]):
    """The result of a call that may not have been made yet.

    Made by an executor's ``submit``, or by hand where something else will settle
    it.  Source: the seed, CPython's documentation, ``foregone_spec.future.TRANSITIONS``.
    """

    __slots__ = (
        "_blocked",  # the gates of those in result() and exception(), or None
        "_callbacks",  # what to call at the end; None: nothing yet; _DRAINED: all was
        "_exception",  # written in one step with the state FINISHED
        "_installed",  # the waiters of wait() and as_completed(), or None
        "_lock",  # None until somebody needs it: a pending future is small
        "_now",  # the state
        "_result",  # written in one step with the state FINISHED
    )

    _now: State
    _cancel_as: Command = _BARE  # what cancel() asks of the table; OwnedFuture asks OWNED
    _lock: Lock | None
    _result: Any  # a T once the state is FINISHED without exception
    _exception: BaseException | None
    _callbacks: list[Callable[..., object]] | None
    _installed: "tuple[StandardWaiter, ...] | None"
    _blocked: list[Gate] | None

    def __init__(self) -> None:
        """Make a pending future that no executor owns."""
        self._now = _PENDING
        self._lock = self._result = self._exception = None
        self._callbacks = self._installed = self._blocked = None

    def _make_lock(self) -> Lock:
        """Return the lock, made on its first use: the line that keeps it is one step."""
        fresh = new_lock()
        if self._lock is None: self._lock = fresh  # fmt: skip
        return self._lock

    def cancelled(self) -> bool:
        """Return True if the future was cancelled."""
        return self._now in _GONE

    def running(self) -> bool:
        """Return True if the call is being executed and cannot be cancelled."""
        return self._now is _RUNNING

    def done(self) -> bool:
        """Return True if the future was cancelled or has finished."""
        return self._now in DONE

    def result(self, timeout: float | None = None) -> T:
        """Return what the call returned, waiting for it up to ``timeout`` seconds.

        None waits without limit; zero or less looks once.  Raises CancelledError if
        the future was cancelled, TimeoutError if it is not done in time, and
        whatever the call raised.  Raises TypeError or ValueError for a timeout that
        is no number of seconds.
        """
        if self._now is not _FINISHED or timeout is not None:
            self._await(clock.limit(timeout, "result()"))
        if self._exception is not None:
            try:
                raise self._exception
            finally:
                del self  # the traceback that this raises must not keep the future
        result: T = self._result
        return result

    def exception(self, timeout: float | None = None) -> BaseException | None:
        """Return what the call raised, or None, waiting up to ``timeout`` seconds.

        Raises CancelledError and TimeoutError as ``result`` does.
        """
        if self._now is not _FINISHED or timeout is not None:
            self._await(clock.limit(timeout, "exception()"))
        return self._exception

    def _await(self, seconds: float) -> None:
        """Return once the future is FINISHED; raise if it is cancelled, or not in time."""
        if seconds and self._now in _UNDONE:
            self._block(seconds)
        now = self._now
        if now is _FINISHED:
            return
        if now in _UNDONE:
            raise TimeoutError(f"not done within {seconds:g} s: {self!r}")
        raise CancelledError

    def _block(self, seconds: float) -> None:
        gate = new_gate()
        gate.acquire()
        entry = (gate,)
        fresh: list[Gate] = []
        woken = True
        try:
            with self._lock or self._make_lock():
                if self._blocked is None: self._blocked = fresh  # fmt: skip
                if self._now in _UNDONE: self._blocked += entry; woken = False  # fmt: skip
                if observer.log is not None: observer.log += (("CallResult", self, gate, woken),)  # fmt: skip
            if not woken:
                woken = gate.acquire(timeout=seconds)
        finally:
            if not woken and self._blocked is not None:
                self._blocked.remove(gate)
                if observer.log is not None: observer.log += (("GiveUpResult", self, gate),)  # fmt: skip

    def _install(self, entry: "tuple[StandardWaiter, ...]") -> bool:
        """Install a waiter, unless everybody has been told of the end: then return False.

        Waiters are kept in a tuple that is replaced, never changed: most futures have one
        waiter or none, and the waiter of 100,000 futures brings one tuple for all of them.
        """
        while True:
            beside = self._installed
            fresh = entry if beside is None else (*beside, *entry)
            installed = False
            with self._lock or self._make_lock():
                if self._now in _UNTOLD and self._installed is beside: self._installed = fresh; installed = True  # fmt: skip
                if observer.log is not None and installed: observer.log += (("Install", self, entry),)  # fmt: skip
                if installed or self._now not in _UNTOLD: return installed  # fmt: skip

    def _uninstall(self, entry: "tuple[StandardWaiter, ...]") -> None:
        """Remove a waiter that was installed, if it still is."""
        while True:
            beside = self._installed
            if beside is None:
                return
            fresh = None
            if beside is not entry:
                fresh = tuple(each for each in beside if each not in entry) or None
            with self._lock or self._make_lock():
                if self._installed is beside: self._installed = fresh; return  # fmt: skip

    def add_done_callback(self, fn: Callable[["Future[T]"], object]) -> None:
        """Call ``fn(self)`` once the future is done; at once if all others were called.

        Callbacks run in the order in which they were added, in the thread that ends
        the future.  What they raise is logged.  Source: the seed, CPython's
        documentation, and CallbacksInOrder of ``tla/Future.tla``.
        """
        entry = (fn,)
        fresh: list[Callable[..., object]] = []
        own = True
        with self._lock or self._make_lock():
            if self._callbacks is None: self._callbacks = fresh  # fmt: skip
            if self._callbacks is not _DRAINED: self._callbacks += entry; own = False  # fmt: skip
            if observer.log is not None: observer.log += (("AddCallback", self, fn, own),)  # fmt: skip
        if own:
            interrupt = self._run_callback(fn)
            if interrupt is not None:
                raise interrupt

    def _run_callbacks(self) -> BaseException | None:
        """Run what is queued until nothing is; return a Ctrl-C or exit that came meanwhile."""
        interrupt: BaseException | None = None
        fn: Callable[..., object] | None = None
        while True:
            try:
                try:
                    if fn is None:
                        with self._lock or self._make_lock():
                            if observer.log is not None and not self._callbacks: observer.log += (("EndCallbacks", self),)  # fmt: skip
                            if not self._callbacks: self._callbacks = _DRAINED; return interrupt  # fmt: skip
                            fn = self._callbacks[0]; del self._callbacks[0]  # fmt: skip
                    due = fn; fn = None; due(self)  # fmt: skip
                except BaseException as error:
                    if isinstance(error, (KeyboardInterrupt, SystemExit)):
                        interrupt = error
                    LOGGER.exception("exception calling callback for %r", self)
            except BaseException as error:  # Ctrl-C while that was written
                interrupt = error

    def _run_callback(self, fn: Callable[["Future[T]"], object]) -> BaseException | None:
        try:
            fn(self)
        except (KeyboardInterrupt, SystemExit) as error:
            LOGGER.exception("exception calling callback for %r", self)
            return error
        except BaseException:
            LOGGER.exception("exception calling callback for %r", self)
        return None

    def cancel(self) -> bool:
        """Cancel the call if it has not begun; return whether the future is cancelled.

        Everybody who waits is told before this returns.  A KeyboardInterrupt or
        SystemExit that a callback raises reaches the caller after all callbacks ran.
        """
        return self._obey(self._cancel_as, loud=True).reply is True

    def set_running_or_notify_cancel(self) -> bool:
        """Begin: return True if the call may run, False if the future was cancelled.

        For executors and tests.  Raises RuntimeError if this was called before, or
        the future is finished.
        """
        cell = self._obey(_START)
        if isinstance(cell.reply, bool):
            return cell.reply
        LOGGER.critical("Future %s in unexpected state: %s", id(self), cell.after.value)
        raise RuntimeError(
            f"Future in unexpected state: {cell.after.value}; "
            f"set_running_or_notify_cancel() may be called once, before the result is set"
        )

    def set_result(self, result: T) -> None:
        """Finish with ``result``.  For executors and tests.

        Raises InvalidStateError if the future is done already.
        """
        cell = self._decide(_SET_RESULT, result)
        if cell.effects and (self._installed or self._blocked or self._callbacks):
            try:
                self._carry_out(cell.effects)
            except BaseException:  # Ctrl-C: what follows still follows
                self._carry_out(cell.effects)
                raise
        if cell.reply is not None:
            raise InvalidStateError(f"{cell.after.value}: {self!r} has its outcome already")

    def set_exception(self, exception: BaseException | None) -> None:
        """Finish with ``exception``.  For executors and tests.

        Raises InvalidStateError if the future is done already.
        """
        cell = self._obey(_SET_EXCEPTION, None, exception)
        if cell.reply is not None:
            raise InvalidStateError(f"{cell.after.value}: {self!r} has its outcome already")

    def _obey(
        self,
        command: Command,
        result: T | None = None,
        error: _Raised = None,
        *,
        loud: bool = False,
    ) -> Step:
        """Give a command, carry out what follows; if ``loud``, raise a callback's Ctrl-C or exit."""
        interrupt: BaseException | None = None
        cell = self._decide(command, result, error)
        # Nobody comes late: once the state says the end, waiters and callers of result()
        # do not stay, and a callback runs in its adder where the end found none.
        if cell.effects and (self._installed or self._blocked or self._callbacks):
            try:
                interrupt = self._carry_out(cell.effects)
            except BaseException:  # Ctrl-C: what follows still follows
                self._carry_out(cell.effects)
                raise
        if loud and interrupt is not None:
            raise interrupt
        return cell

    def _decide(self, command: Command, result: T | None = None, error: _Raised = None) -> Step:
        """Move to where the table says, in one step; return the cell."""
        cell: Step | None = None
        try:
            with self._lock or self._make_lock():
                cell = TRANSITIONS[self._now][command]; keep = _KEEP in cell.effects; self._result = result if keep else self._result; self._exception = error if keep else self._exception; self._now = cell.after  # fmt: skip
                if _CALL in cell.effects and not self._callbacks: self._callbacks = _DRAINED  # fmt: skip
                if observer.log is not None: observer.log += (("Future", self, command, cell),)  # fmt: skip
        except BaseException:  # Ctrl-C: what follows still follows
            if cell is not None:
                self._carry_out(cell.effects)
            raise
        return cell

    def _carry_out(self, effects: tuple[Effect, ...]) -> BaseException | None:
        """Carry out what follows a change of state, with no lock held.

        Doing it again adds nothing, so it is done again when Ctrl-C came in between.
        """
        interrupt: BaseException | None = None
        for effect in effects:
            if effect is _TELL and (installed := self._installed):
                self._tell(installed)
            elif effect is _WAKE and (blocked := self._blocked):
                wake(blocked)
            elif effect is _CALL and self._callbacks is not _DRAINED:
                interrupt = self._run_callbacks()
        return interrupt

    def _tell(self, installed: "tuple[StandardWaiter, ...]") -> None:
        """Tell those who are installed, each in its way, and let them go."""
        cancelled, failed = self._now is _NOTIFIED, self._exception is not None
        for waiter in installed:
            if cancelled:
                waiter.add_cancelled(self)
            elif failed:
                waiter.add_exception(self)
            else:
                waiter.add_result(self)
        with self._lock or self._make_lock():
            self._installed = None  # nobody can come any more


class OwnedFuture(Future[T]):
    """A future that an executor owns: ``cancel()`` tells everybody at once."""

    __slots__ = ()

    _cancel_as = OWNED
