"""The system as it is: processes of ``multiprocessing``, sockets, semaphores, pidfds.

What a process is given: one end of a socket pair, its lane; a semaphore for each slot,
its tickets; and the reading end of a pipe, its life line, whose other end only the
parent has.  Whatever else of the parent's it inherits by fork, the parent's copy of
every pool closes it there (``fork.py``), also in forks of the user's own.

Death is known from a pidfd, or from ``waitpid`` where there is none: the sentinel of
``multiprocessing`` stays open while a grandchild lives, and a fork server that dies
looks like the death of all its children.

Owner of every field: this module.  Model: none; it is the environment of them all.
"""

import errno
import mmap
import multiprocessing.process
import os
import signal
import socket
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from multiprocessing.connection import Connection, wait
from multiprocessing.context import BaseContext
from multiprocessing.process import BaseProcess
from operator import attrgetter
from typing import Final

from foregone.process_pool.outcomes import LOG
from foregone.process_pool.pickling import Reducer
from foregone.process_pool.poller import SystemPoller
from foregone.process_pool.ports import Poller, Process, Thread, Ticket
from foregone.process_pool.process import MEMORY, TICKETS, Job, Own, serve
from foregone.process_pool.semaphores import Tickets
from foregone.process_pool.wire import DEPTH, readable

#: What multiprocessing has as the exit code of those whose fork server has died.
UNKNOWN: Final = 255
#: How long the exit code of a process that has ended may take to come, in seconds.
STATUS: Final = 2.0

_now: Final = time.monotonic

#: What only the parent may hold: a forked child closes it, whoever forked.
_held: Final[set[int]] = set()
#: The parent's processes: multiprocessing has a forked child wait for its children at its end.
_processes: Final[set[BaseProcess]] = set()


def _after_in_child() -> None:
    vars(multiprocessing.process)["_children"].difference_update(_processes)  # not this one's
    _processes.clear()
    for fd in _held:
        try:
            os.close(fd)
        except OSError:
            pass
    _held.clear()


if hasattr(os, "register_at_fork"):  # runs after that of fork.py, which lets go of them
    os.register_at_fork(after_in_child=_after_in_child)


class Multiprocessing:
    """Makes what a pool needs from a context of ``multiprocessing``."""

    context: BaseContext
    initializer: Callable[..., object] | None
    initargs: tuple[object, ...]
    max_tasks: int | None
    reducer: Reducer | None
    forks: bool

    def __init__(
        self,
        context: BaseContext,
        initializer: Callable[..., object] | None = None,
        initargs: tuple[object, ...] = (),
        max_tasks: int | None = None,
        reducer: Reducer | None = None,
    ) -> None:
        self.context = context
        self.initializer = initializer
        self.initargs = initargs
        self.max_tasks = max_tasks
        self.reducer = reducer
        self.forks = context.get_start_method() == "fork"

    def start(self) -> Process:
        """Start a process; raise OSError if the system refuses."""
        started: list[Process] = []
        try:
            self.start_several(1, started)
        except BaseException:
            for each in started:
                each.abandon()
            raise
        return started[0]

    def start_several(self, count: int, started: list[Process]) -> None:
        """Start processes and put them in ``started``; raise OSError if the system refuses.

        What they take is made before the first of them is forked, and looked at after the
        last: between two forks each page that is written to is copied once more.
        """
        fresh = [_Started(self, started) for _ in range(count)]
        for each in fresh:
            each.launch()
        for each in fresh:
            each.launched()

    def poller(self) -> Poller:
        """Make a poller."""
        return SystemPoller()

    def thread(self, target: Callable[[], None], name: str) -> Thread:
        """Make a thread."""
        return threading.Thread(target=target, name=name)

    def release(self) -> None:
        """Drop what is only needed to start processes: there will be none."""
        self.initializer, self.initargs = None, ()

    def now(self) -> float:
        """Return seconds on a clock that only goes forward."""
        return _now()


class _Started:
    """A process that was started, and what the parent holds of it."""

    __slots__ = (
        "_buried", "_far", "_lane", "_life", "_memory", "_own", "_semaphores", "_watch", "lane",
        "pid", "process", "tickets", "watch",
    )  # fmt: skip

    _buried: bool
    _far: tuple[Connection, ...]
    _lane: socket.socket
    _life: int
    _memory: mmap.mmap | None
    _own: set[int]  # what of _held is its
    _semaphores: Tickets
    _watch: int | None
    lane: int
    pid: int
    process: BaseProcess
    tickets: Sequence[Ticket]
    watch: int

    # C functions: the step that writes drives one of them, and may hold no Python.
    write = staticmethod(os.writev)
    read = staticmethod(os.read)
    readv = staticmethod(os.readv)

    def __init__(self, system: Multiprocessing, started: list[Process]) -> None:
        """Make all that the process takes, and come into ``started``; ``launch`` starts it."""
        self._buried = False
        self._far = ()
        self._own = set()
        self._watch = None
        self.lane = self.watch = self._life = -1
        self.pid = 0
        with ExitStack() as undo:
            shared = undo.enter_context(Connection(_shared_memory()))
            self._memory = memory = mmap.mmap(shared.fileno(), MEMORY)
            self._semaphores = Tickets(memory, TICKETS, DEPTH)
            undo.callback(self._semaphores.unlink)
            self.tickets = self._semaphores.all
            ours, far = socket.socketpair()
            self._lane = ours
            undo.callback(self._let_go)
            ours.setblocking(False)
            self.lane = ours.fileno()
            lane = undo.enter_context(Connection(far.detach()))
            life, self._life = os.pipe()
            line = undo.enter_context(Connection(life, writable=False))
            self._own |= {self.lane, self._life, lane.fileno(), life}
            _held.update(self._own)  # at once: somebody may fork
            self._far = (lane, line, shared)
            own: Own | Connection = shared
            if system.forks:  # it has the memory itself
                shared.close()
                own, self._far = Own(memory, self.tickets), (lane, line)
            job = Job(
                lane, line, own, self._semaphores.names, system.initializer, system.initargs,
                system.max_tasks, system.reducer,
            )  # fmt: skip
            make: Callable[..., BaseProcess] = attrgetter("Process")(system.context)
            self.process = make(target=serve, args=(job,))
            started.append(self)  # whoever undoes it now may undo it twice
            undo.pop_all()

    def launch(self) -> None:
        """Start the process; raise OSError if the system refuses."""
        far = tuple(map(Connection.fileno, self._far))
        _processes.add(self.process)
        _held.difference_update(far)
        self.process.start()
        _held.update(far)  # who is forked next must not have them

    def launched(self) -> None:
        """Let go of what only the process needs; find out how its end is known."""
        self.pid = self.process.pid or 0
        if self._watch is None:
            self._watch = _pidfd(self.pid)
            if self._watch is not None and not self._is_its(self._watch):
                watch, self._watch = self._watch, None
                os.close(watch)
        self.watch = self.process.sentinel if self._watch is None else self._watch
        self._own.add(self.watch)
        _held.add(self.watch)
        self._close_far()

    def _is_its(self, watch: int) -> bool:
        """Say whether a pidfd is that of this process: once it has ended, its number is anybody's.

        A fork server that dies says of all its processes that they have ended so.
        """
        code = self.process.exitcode
        return code is None or (code == UNKNOWN and not readable(watch))

    def _close_far(self) -> None:
        far = {each.fileno() for each in self._far if not each.closed}
        _held.difference_update(far)
        self._own -= far
        for each in self._far:
            each.close()

    def started(self) -> None:
        """Learn that the process has all that it was given."""
        self._semaphores.unlink()

    def ended(self) -> bool:
        """Say whether the process has ended."""
        watch = self._watch
        if self._buried:
            return True
        if watch is not None:
            return readable(watch)
        return _gone(self.pid) or self.process.exitcode is not None

    def finish(self) -> None:
        """Let the process end once it has read what was written to it."""
        try:
            self._lane.shutdown(socket.SHUT_WR)
        except OSError:
            pass

    def kill(self) -> None:
        """End the process at once."""
        self._send(signal.SIGKILL)

    def terminate(self) -> None:
        """Ask the process to end."""
        self._send(signal.SIGTERM)

    def _send(self, number: int) -> None:
        """Send a signal; multiprocessing sends none once its fork server is gone."""
        watch = self._watch
        try:
            if self.pid > 0 and not self.ended():  # 0 would be everybody of the parent's group
                if watch is None:
                    os.kill(self.pid, number)
                else:
                    signal.pidfd_send_signal(watch, number)
        except OSError:
            pass  # it has ended, and was buried just now

    def log(self) -> bytes:
        """Return what an ended process has left in its log."""
        return b"" if self._memory is None else self._memory[:LOG]

    def bury(self) -> int | None:
        """Release what was held for an ended process; return its exit code, if known."""
        if self._buried:
            return self.process.exitcode
        if self._watch is not None:  # killed just now, it has closed its files and not ended yet
            readable(self._watch, STATUS)
        if self.process.exitcode is None:
            wait([self.process.sentinel], STATUS)
        code = self.process.exitcode
        self.process.join(0)  # or multiprocessing keeps it until another process starts
        self._let_go()
        _processes.discard(self.process)
        return code

    def abandon(self) -> None:
        """End a process of which nobody knows, if it was started; release all that is held."""
        if self.process.pid is None:
            self._let_go()
            _processes.discard(self.process)
        elif not self._buried:
            self.launched()
            self.kill()
            self.bury()

    def _let_go(self) -> None:
        """Release what is held; twice, or from the middle on, is once."""
        self._close_far()
        _held.difference_update(self._own)
        self._own = set()
        watch, self._watch = self._watch, None
        life, self._life = self._life, -1
        for fd in (watch, life):
            if fd is not None and fd >= 0:
                os.close(fd)
        self._lane.close()
        self._semaphores.unlink()
        self.tickets = ()
        self._memory = None  # goes with the last ticket that stands in it
        self._buried = True

    def forget(self) -> None:
        """Let go, in a forked child, of what belongs to the parent and will be closed."""
        self._lane.detach()


def _shared_memory() -> int:
    """Return the descriptor of MEMORY bytes that a process can share."""
    if hasattr(os, "memfd_create"):
        fd = os.memfd_create("foregone")
    else:
        with tempfile.TemporaryFile() as file:
            fd = os.dup(file.fileno())
    os.truncate(fd, MEMORY)
    return fd


def _pidfd(pid: int) -> int | None:
    if not hasattr(os, "pidfd_open"):
        return None
    try:
        return os.pidfd_open(pid)
    except OSError:  # an old kernel, or it has ended and somebody else has waited for it
        return None


def _gone(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except OSError as error:
        return error.errno == errno.ESRCH
    return False
