"""The world of the simulated processes, under a scheduler: real threads, one at a time.

The parent's side is the code of the library as it is: clients, the local worker and the
callbacks thread are tasks.  Each simulated process is a task, too, each of whose steps
is a scheduling point; and so is each death, whose one step may come at any time.

What they share has cells (see ``scheduler``): a lane in each direction, a ticket, the
life of a process, the poller.  A process that is woken by something reads that cell in
the step in which it goes on, so what it depends on stands in its trail.
"""

from collections.abc import Callable, Sequence
from typing import Final

from foregone import observer
from foregone.process_pool.local_worker import LocalWorker
from foregone.process_pool.ports import Ready
from foregone.process_pool.rooms import Pool
from foregone.process_pool.wire import Buffer
from model_tests.schedule_standins import Lock, Thing, Thread, Threads
from model_tests.scheduler import Scheduler
from model_tests.simulation import actors, checks, primitives, process
from model_tests.simulation.child import Outcome
from model_tests.simulation.choices import Choices
from model_tests.simulation.primitives import NOW, Violation
from model_tests.simulation.process import ENDED, LIVES
from model_tests.simulation.world import World

EXIT_CODE: Final = 3  # of who dies


class Worker(actors.Driven):
    """The local worker, which takes its turns itself."""

    def turn(self) -> bool:
        return LocalWorker.turn(self)


class Guard(Lock):
    """A lock of the process pool: never taken while another is held."""

    def __init__(self, world: "Scheduled") -> None:
        super().__init__(world.scheduler)
        self._world = world

    def __enter__(self) -> bool:
        me = self._world.scheduler.running
        if me is not None and me.locks and self._owner is not me:
            raise Violation("LockOrder", f"{me.name} takes a lock while it holds another")
        return super().__enter__()

    def __exit__(self, *about: object) -> None:
        try:
            if self._depth == 1:
                self._world.left(self)
        finally:
            super().__exit__(*about)


class Ticket(primitives.Ticket):
    """A ticket, each of whose operations is a scheduling point."""

    __slots__ = ("cell", "scheduler")

    def __init__(self, world: "Scheduled") -> None:
        super().__init__(world)
        self.scheduler = world.scheduler
        self.cell = world.scheduler.cell("ticket")

    def acquire(self, block: bool = True, /) -> bool:
        self.scheduler.touch(self.cell, True, "tries")
        return super().acquire(block)

    def release(self) -> None:
        self.scheduler.touch(self.cell, True, "posts")
        super().release()

    def _get_value(self) -> int:
        self.scheduler.touch(self.cell, False, "looks at")
        return super()._get_value()

    def claim(self) -> bool:
        self.scheduler.record(self.cell, True)
        return super().claim()


class Process(process.Process):
    """A simulated process, whose steps are a task's."""

    def __init__(self, world: "Scheduled", number: int, depth: int) -> None:
        super().__init__(world, number, depth)
        self.scheduler = world.scheduler
        self.tickets = [Ticket(world) for _ in range(depth)]
        self.inbound = self.scheduler.cell(f"lane to process {number}")
        self.outbound = self.scheduler.cell(f"lane from process {number}")
        self.life = self.scheduler.cell(f"life of process {number}")
        self.cell = self.scheduler.cell(f"process {number}")

    # ------------------------------------------------------ what the parent does

    def write(self, fd: int, pieces: Sequence[Buffer], /) -> int:
        self.scheduler.call(self.inbound, "writes to")
        self.scheduler.record(self.life, False)
        return super().write(fd, pieces)

    def _take(self, count: int) -> bytes:
        self.scheduler.call(self.outbound, "reads from")
        self.scheduler.record(self.life, False)
        return super()._take(count)

    def ended(self) -> bool:
        self.scheduler.touch(self.life, False)
        return super().ended()

    def finish(self) -> None:
        self.scheduler.call(self.inbound, "closes")
        super().finish()

    def kill(self) -> None:
        self.scheduler.call(self.life, "ends")
        super().kill()

    terminate = kill

    def bury(self) -> int | None:
        self.scheduler.call(self.life, "buries")
        return super().bury()

    def seen(self, fd: int) -> None:
        """Note that a poller has seen what a descriptor shows."""
        self.scheduler.record(self.life, False)
        if fd == self.lane:
            self.scheduler.record(self.outbound, False)
            self.scheduler.record(self.inbound, False)

    # -------------------------------------------------------- what the child does

    def live(self) -> None:
        """Be the task: one step after the other, as long as there are any."""
        while self.stage != ENDED:
            self.scheduler.wait(self, -1, "steps:")
            if self.stage != ENDED:
                self.step()

    def free(self) -> bool:
        """Say whether the process can go on, or is no more."""
        return self.stage == ENDED or self.can_go_on()

    def step(self) -> None:
        self.scheduler.record(self.life, False)
        self.scheduler.record(self.inbound, False)
        before = self.stage
        super().step()
        if self.stage != before:
            self.scheduler.record(self.life, True)

    def read_child(self, count: int) -> bytes:
        self.scheduler.record(self.inbound, True)
        return super().read_child(count)

    def put(self, data: memoryview) -> int:
        self.scheduler.record(self.outbound, True)
        return super().put(data)

    def claim(self, serial: int) -> bool:
        with self.scheduler.looking():
            won = super().claim(serial)
        self.scheduler.ends()  # who looks who has claimed a call comes before it or after
        return won

    def begins(self, tag: int) -> Outcome:
        with self.scheduler.looking():
            outcome = super().begins(tag)
        return Outcome.LONG if outcome is Outcome.STUCK else outcome  # all come to an end here


class Death:
    """What befalls a process: what its task waits for is that the process is born."""

    def __init__(self, world: "Scheduled", number: int) -> None:
        self.cell = world.scheduler.cell(f"death of process {number}")
        self._world = world
        self._number = number

    def free(self) -> bool:
        """Say whether there is somebody to die."""
        return self._world.draining or len(self._world.processes) >= self._number

    def come(self) -> None:
        """Be the task."""
        world = self._world
        world.scheduler.wait(self, -1, "comes:")
        if world.draining:
            return
        dying = world.processes[self._number - 1]
        assert isinstance(dying, Process)
        world.scheduler.record(dying.life, True)
        if dying.stage == LIVES:
            dying.die(EXIT_CODE)


class Poller(primitives.Poller):
    """Where the local worker sleeps: until something is ready, or its time is over."""

    def __init__(self, world: "Scheduled") -> None:
        super().__init__(world)
        self._scheduled = world
        self.cell = world.scheduler.cell("poller")

    def free(self) -> bool:
        """Say whether who sleeps may go on."""
        return bool(self.ready())

    def watch(self, fd: int, *, writing: bool = False) -> None:
        self._scheduled.scheduler.touch(self.cell, True, "watches by")
        super().watch(fd, writing=writing)

    def poll(self, seconds: float | None) -> list[Ready]:
        self._open()
        scheduler = self._scheduled.scheduler
        if seconds is None and not self.ready():
            self._scheduled.note("Sleep")
        if seconds == 0:
            scheduler.touch(self.cell, True, "looks at")
        else:
            scheduler.wait(self, -1 if seconds is None else seconds, "sleeps in")
        for fd in self.watched:
            watched = self._scheduled.of_descriptor(fd)
            assert isinstance(watched, Process)
            watched.seen(fd)
        ready, self.woken = self.ready(), False
        return ready

    def wake(self) -> None:
        self._scheduled.scheduler.call(self.cell, "wakes")
        super().wake()

    def close(self) -> None:
        self._scheduled.scheduler.call(self.cell, "closes")
        super().close()


class Scheduled(World):
    """One run; implements ``ports.System``."""

    def __init__(
        self, scheduler: Scheduler, threads: Threads, choices: Choices, log: list[observer.Entry]
    ) -> None:
        super().__init__(choices)
        self.scheduler = scheduler
        self.log = log
        self._threads = threads
        self.settings.refusals = self.settings.forks = False
        NOW.world = self

    def begin(self) -> None:
        """Make the pool."""
        settings = self.settings
        self.pool = Pool(
            settings.limit, self, max_tasks=settings.max_tasks, replaces=settings.replaces
        )
        self.pool.overtaken = self.pool.horizon = settings.overtaken
        self.worker = self.pool.worker = Worker(self.pool)

    # ------------------------------------------------------------------- a system

    def start(self) -> Process:
        scheduler = self.scheduler
        scheduler.call(scheduler.spawning, "starts a process:")
        made = Process(self, len(self.processes) + 1, self.settings.depth)
        self.processes.append(made)
        self.note("Born", made)
        scheduler.spawn(str(made), made.live)
        return made

    def poller(self) -> Poller:
        return Poller(self)

    def thread(self, target: Callable[[], None], name: str) -> Thing:
        made: Thread = self._threads.Thread(target, (), name)
        made.label = "callbacks" if name.endswith("callbacks") else "worker"
        return made

    def now(self) -> float:
        return self.scheduler.now()

    # ----------------------------------------------- for those who take part in it

    @property
    def held(self) -> bool:
        """Whether who runs holds a lock."""
        me = self.scheduler.running
        return me is not None and me.locks > 0

    @held.setter
    def held(self, _: bool) -> None:
        """Take no note: locks know it."""

    def tell(self, what: str) -> None:
        me = self.scheduler.running
        if me is not None and self.scheduler.story is not None:
            self.scheduler.tell(me, f". {what}")

    def pause(self) -> None:
        """Be no scheduling point: each operation is one itself."""

    processes_only = pause

    def left(self, lock: Guard) -> None:
        """Look at the rooms when a step is over."""
        if hasattr(self, "pool") and lock is self.pool.lock:
            with self.scheduler.looking():
                checks.consistent(self)
