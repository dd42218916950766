"""The process pool's parent side under a scheduler: programs, and what must hold.

    process 1: submit; cancel | submit; shutdown        two clients, one process at most
    process 2 replace death@1: submit; result | submit  process 1 dies, whenever that is
    process 1 before: cancel | shutdown(cancel)         a call was submitted before
    process 1: submit; submit | cancel(0); running(0)   of the first client's last call
    process 2 depth=1 tasks=1 seed=7: submit | kill     slots, calls a process, choices

Clients are threads, as the local worker and the callbacks thread are, and run the code of
the library as it is.  When nobody can go on, the epilogue looks who is left, and shuts the
pool down.  Each run is judged as a run of the simulation is: by its checks, by what really
happened (``simulation/truth.py``), and by the model, which must accept its trace.
"""

import re
from collections.abc import Callable, Iterator
from typing import Any, Final, final

from foregone import fork, interpreter_exit, observer
from foregone.errors import CancelledError
from foregone.process_pool.executor import ProcessPoolExecutor
from foregone.process_pool.work_items import AnyCall
from foregone_spec.lifecycle import Phase
from model_tests.process_schedule_programs import work
from model_tests.process_schedule_world import Death, Scheduled
from model_tests.schedule_explore import Case, Program
from model_tests.schedule_library import Library
from model_tests.scheduler import Scheduler
from model_tests.simulation import checks
from model_tests.simulation.choices import Choices
from model_tests.simulation.primitives import NOW, Violation
from model_tests.simulation.sampling import judged

_OPERATION: Final = re.compile(r"(\w+)(?:\((\w+)\))?$")
FAILED: Final = "the local worker of this pool failed"
#: The tag of the call that was submitted before.
BEFORE: Final = 1
_LANES: Final = (4096,)


def program(text: str, bound: int = 2) -> Program:
    """Read a program."""
    head, _, threads = text.partition(": ")
    options = head.split()[1:]
    rows = [[_operation(each.strip()) for each in row.split(";")] for row in threads.split("|")]

    def make(library: Library, scheduler: Scheduler) -> Case:
        run: Run = library.processes.Run(library, scheduler, options)
        bodies = [(f"user{number}", run.thread(number, row)) for number, row in enumerate(rows)]
        return Case([*bodies, *run.deaths()], run.check, run.epilogue, ending=run.ending)

    return Program(text, make, bound)


def _operation(text: str) -> tuple[str, str]:
    found = _OPERATION.match(text)
    if found is None or not hasattr(Run, f"do_{found[1]}"):
        raise ValueError(f"what is {text!r}?")
    return found[1], found[2] or ""


def _number(options: list[str], name: str, default: int) -> int:
    found = [each.partition("=")[2] for each in options if each.startswith(f"{name}=")]
    return int(found[0]) if found else default


@final
class Run:
    """What happened in one run of a program."""

    def __init__(self, library: Library, scheduler: Scheduler, options: list[str]) -> None:
        seed = _number(options, "seed", 0)
        choices = Choices(seed) if seed else Choices(given=())
        self._scheduler = scheduler
        self._options = options
        log: list[observer.Entry] | None = library.observer.log
        assert log is not None
        self.world = world = Scheduled(scheduler, library.threads, choices, log)
        library.sized(world)
        settings = world.settings
        settings.limit = int(options[0])
        settings.replaces = "replace" in options
        settings.max_tasks = _number(options, "tasks", 0) or None
        settings.depth = _number(options, "depth", 2)
        settings.serials = settings.depth * 64
        if not seed:
            settings.lanes = _LANES
        settings.overtaken = settings.limit * settings.depth * _number(options, "overtaken", 64)
        library.sized(world)
        scheduler.patient = True
        scheduler.steps_whole = "fine" not in options
        self._shut: list[int] = []  # when calls of shutdown returned
        self._submitted: set[int] = set()
        world.begin()
        self.executor = object.__new__(ProcessPoolExecutor)
        self.executor._pool = world.pool
        if "before" in options:
            self.do_submit(BEFORE, "")

    def thread(self, number: int, row: list[tuple[str, str]]) -> Callable[[], None]:
        """Return the body of a client's thread."""

        def body() -> None:
            for place, (verb, how) in enumerate(row):
                self._scheduler.begins(again=place > 0)
                getattr(self, f"do_{verb}")(100 * (number + 1) + place, how)

        return body

    def deaths(self) -> Iterator[tuple[str, Callable[[], None]]]:
        """Yield a task for each death."""
        numbers = [int(each[6:]) for each in self._options if each.startswith("death@")]
        found = [(f"death of {number}", Death(self.world, number)) for number in numbers]
        self._scheduler.last = frozenset(name for name, _ in found)
        yield from ((name, death.come) for name, death in found)

    # ------------------------------------------------------------- operations

    def _own(self, tag: int, how: str) -> Iterator[AnyCall]:
        """Yield the call that a thread submitted last, or the one from before.

        ``cancel(0)`` is of the first thread's; else it is of one's own.
        """
        calls = self.world.truth.calls
        tag = 100 * (int(how) + 1) + 99 if how else tag
        for there in range(tag, tag - tag % 100 - 1, -1):
            if there in self._submitted and there in calls:
                yield calls[there]
                return
        if BEFORE in calls:
            yield calls[BEFORE]

    def do_submit(self, tag: int, _: str) -> None:
        self._submit(tag, lambda: self.executor.submit(work, tag, b""))

    def do_chunk(self, tag: int, _: str) -> None:
        items = [tag * 10 + 1, tag * 10 + 2]
        self.world.truth.items[tag] = tuple(items)
        self._submit(tag, lambda: self.world.pool.submit_chunk(work, [(n, tag) for n in items]))

    def _submit(self, tag: int, submit: Callable[[], Any]) -> None:
        began = self._scheduler.begins()
        self._submitted.add(tag)
        self.world.clients._submitted(tag, submit)
        self._scheduler.ends()
        accepted = tag not in self.world.truth.raised
        if accepted and any(shut < began for shut in self._shut):
            raise Violation("AcceptanceIsAtomic", f"{tag} is accepted after shutdown() returned")

    def do_cancel(self, tag: int, how: str) -> None:
        truth = self.world.truth
        for call in self._own(tag, how):
            done, claimed = call.done(), call in truth.holders
            cancelled = call.cancel()
            self._scheduler.ends()
            truth.cancel_returned(call, cancelled, done, claimed)

    def do_running(self, tag: int, how: str) -> None:
        truth = self.world.truth
        for call in self._own(tag, how):
            claimed = call in truth.holders
            truth.running_returned(call, call.running(), claimed)

    def do_result(self, tag: int, how: str) -> None:
        for call in self._own(tag, how):
            try:
                call.result()
            except (CancelledError, RuntimeError, ValueError) as error:
                del error
            if not call.done():
                raise Violation("Resolution", f"result() of call {call._number} came too soon")

    def do_add(self, tag: int, how: str) -> None:
        world = self.world
        for call in self._own(tag, how):
            world.truth.added[tag] = call
            call.add_done_callback(lambda _: world.clients._called(tag, "nothing"))

    def do_shutdown(self, _: int, how: str) -> None:
        world = self.world
        cancels, waits = how.startswith("cancel"), not how.endswith("nowait")
        world.clients.cancels = world.clients.cancels or cancels
        before = list(world.accepted)
        self.executor.shutdown(waits, cancel_futures=cancels)
        self._scheduler.begins()  # what has ended by now is looked at
        self._shut.append(self._scheduler.ends())
        if cancels and world.pool.phase is Phase.CANCELLING:
            world.truth.cancel_futures_returned(before)
        if waits:
            self._over(before)

    def do_kill(self, _: int, how: str) -> None:
        self.world.clients.cancels = True
        self.executor.kill_workers()
        self._shut.append(self._scheduler.ends())

    def _over(self, before: list[AnyCall]) -> None:
        """Look whether all is over that has to be when shutdown(wait=True) returns."""
        world = self.world
        with self._scheduler.looking():
            for call in before:
                if not call.done():
                    raise Violation("Resolution", f"shutdown() returns before call {call._number}")
            if not all(each.buried for each in world.processes):
                raise Violation("NothingLeft", "shutdown() returns, and a process is left")

    # --------------------------------------------------------------- at the end

    def epilogue(self) -> None:
        """Look who is left, and whether anything was to be done; shut the pool down."""
        world, scheduler = self.world, self._scheduler
        for task in scheduler.tasks:
            if task.name.startswith("user") and not task.done:
                scheduler.complaints.append(f"{task.name} is left blocked")
        try:
            with scheduler.looking():
                self._at_rest()
        except Violation as violation:
            scheduler.complaints.append(str(violation))
        world.drain()
        world.pool.join()

    def _at_rest(self) -> None:
        """Look whether there is anything to be done, while nobody can go on."""
        world, worker = self.world, self.world.worker
        if world.pool.begun and not worker.ended:
            poller: Any = worker.poller
            checks.sleeping(world, poller, patient=True)
            checks.idle(world)
            if worker.callbacks._queue:
                raise Violation("Notification", "callbacks are due, and nobody runs them")

    def ending(self) -> object:
        """Return what the run came to: how calls ended, who had them, what befell processes."""
        truth = self.world.truth
        calls = [
            (tag, call._now, call._place, repr(truth.holders.get(call)), call in truth.cancelled)
            for tag, call in sorted(truth.calls.items())
        ]
        lives = [(str(each), each.died, each.exit_code) for each in self.world.processes]
        return calls, lives, sorted(truth.raised), self.world.pool.phase

    def check(self) -> Iterator[str]:
        """Yield what is wrong with the run."""
        world = self.world
        try:
            if world.wrong is None:
                self._ended()
        except Violation:
            pass
        finally:
            NOW.world = None
            for pools in (fork.pools, interpreter_exit.pools):
                pools.discard(world.pool)
        if world.wrong is not None:
            yield str(world.wrong)

    def _ended(self) -> None:
        world = self.world
        checks.finished(world)
        world.truth.settle()
        if world.pool.begun and not world.worker.ended:
            raise Violation("NothingLeft", "the local worker has not ended")
        if world.pool.broken is not None and FAILED in str(world.pool.broken()):
            raise Violation("ServiceThreadsSurvive", str(world.pool.broken()))
        judged(world)
