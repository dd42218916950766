"""The world of one run: who can do something, and who is let.

Everything happens in one thread.  The parent's side is the code of the library as it
is; where it touches the system (a lane, a ticket, a lock, the poller, a start) the world
may let others do something first: processes at any time, and, where no lock is held,
other clients, the local worker and the callbacks thread, each as another thread or a
signal handler would come in.
"""

from collections.abc import Callable
from typing import Final

from foregone import observer
from foregone.process_pool import burial, ports
from foregone.process_pool.ports import Ready
from foregone.process_pool.rooms import Pool
from foregone.process_pool.work_items import AnyCall
from foregone_spec.lifecycle import Request
from model_tests.simulation import actors, checks
from model_tests.simulation.choices import NEVER, Choices
from model_tests.simulation.clients import Clients
from model_tests.simulation.primitives import Poller, Thread, Violation
from model_tests.simulation.process import CLOSED, LIVES, Process
from model_tests.simulation.settings import Settings
from model_tests.simulation.truth import Truth

MOST_STEPS: Final = 12_000
DEEPEST: Final = 2
PATIENCE: Final = 8  # ticks

#: client, worker, process, callbacks thread, nemesis
_ORDER: Final = {first: first + "wpkc".replace(first, "") for first in "wpkcn"}


class World:
    """One run; implements ``ports.System``."""

    def __init__(self, choices: Choices, story: list[str] | None = None) -> None:
        self.choices = choices
        self.story = story
        self.settings = Settings(choices)
        self.log: list[observer.Entry] = []
        self.truth = Truth(self)
        self.clients = Clients(self)
        self.accepted: list[AnyCall] = []
        self.unsent: set[int] = set()
        self.processes: list[Process] = []
        self.threads: list[Thread] = []
        self.current: Thread | None = None
        self.held = False  # a lock
        self.wrong: Violation | None = None
        self.released_to_system = 0
        self.clock = self.again = 0.0  # and when the worker may start a process again
        self.steps = self.depth = self.ticks = 0
        self.quiet = self.draining = self.released = False
        self.budget = self.settings.steps
        self.gap = NEVER
        self.sleeps = 0

    def begin(self) -> None:
        """Make the pool."""
        settings = self.settings
        self.pool = Pool(
            settings.limit, self, max_tasks=settings.max_tasks, replaces=settings.replaces
        )
        if not self.pool.accepts():
            raise Violation("Acceptance", f"a new pool accepts no calls: {self.pool.phase}")
        self.pool.overtaken = self.pool.horizon = settings.overtaken
        self.worker = self.pool.worker = actors.Driven(self.pool)
        self.gap = self.choices.gap(self.settings.gap)

    # ------------------------------------------------------------------- a system

    @property
    def forks(self) -> bool:
        return self.settings.forks

    def start(self) -> Process:
        self.pause()
        if self.current is not None and self.clock < self.again:
            raise Violation("NoBusyLoop", "a start that was refused is tried again at once")
        if self.refuses("a process"):
            self.again = self.clock + burial.RETRY
            raise OSError(11, "Resource temporarily unavailable")
        process = Process(self, len(self.processes) + 1, self.settings.depth)
        self.processes.append(process)
        self.note("Born", process)
        self.tell(f"{process} is started")
        self.pause()
        return process

    def start_several(self, count: int, started: list[ports.Process]) -> None:
        started.extend(self.start() for _ in range(count))

    def poller(self) -> Poller:
        return Poller(self)

    def thread(self, target: Callable[[], None], name: str) -> Thread:
        made = Thread(self, target, "callbacks" if name.endswith("callbacks") else "worker")
        self.threads.append(made)
        return made

    def now(self) -> float:
        return self.clock

    def release(self) -> None:
        self.released_to_system += 1

    # ----------------------------------------------------- for those who take part

    def tell(self, what: str) -> None:
        """Add to the story."""
        if self.story is not None:
            self.story.append("  " * self.depth + what)

    def note(self, name: str, *about: object) -> None:
        """Log what a process does, among what the parent logs."""
        self.log.append((name, *about))

    def lane_sizes(self) -> tuple[int, int]:
        sizes = self.settings.lanes
        return self.choices.pick(sizes), self.choices.pick(sizes)

    def piece(self, most: int) -> int:
        """Choose how much of ``most`` bytes arrive."""
        if self.draining or most < 2:
            return most
        return most if self.choices.below(3) < 2 else most - self.choices.below(most)

    def refuses(self, what: str) -> bool:
        """Choose whether the system refuses something."""
        if self.quiet or not self.settings.refusals or not self.choices.rarely(5):
            return False
        self.tell(f"{what} is refused or fails")
        self.truth.refused += what == "an initializer"
        if what != "an initializer":
            self.truth.failed_starts += 1
            self.note("Refused")
        return True

    def of_descriptor(self, fd: int) -> Process:
        process = self.processes[fd // 10 - 1]
        if process.buried:
            raise Violation("UsedAfterBurial", f"a descriptor of {process} is used")
        return process

    # ------------------------------------------------------------------- intrusions

    def pause(self) -> None:
        """Be where others may come in."""
        self.gap -= 1
        if not self.gap:
            self.intrude()

    def processes_only(self) -> None:
        """Be where processes go on, whatever is held."""
        self.gap -= 1
        if self.gap:
            return
        self.gap = self.choices.gap(self.settings.gap)
        for _ in range(1 + self.choices.below(8)):
            if not actors.process(self):
                break

    def intrude(self) -> None:
        """Let others do something in the middle of something."""
        self.gap = self.choices.gap(self.settings.gap)
        if self.held:
            for _ in range(1 + self.choices.below(8)):
                if not actors.process(self):
                    break
        elif self.depth < DEEPEST and not self.draining:
            self.depth += 1
            try:
                for _ in range(1 + self.choices.below(4)):
                    if not self.step():
                        break
            finally:
                self.depth -= 1

    def stepped(self) -> None:
        """Check what must hold after each step of the parent."""
        if hasattr(self, "pool"):
            checks.consistent(self)

    # ------------------------------------------------------------------ who goes on

    def step(self) -> bool:
        """Let somebody do something; return False if nobody can."""
        self.steps += 1
        if self.steps > MOST_STEPS:
            raise Violation("Resolution", f"no end after {MOST_STEPS} steps: {self.positions()}")
        if self.quiet:
            return actors.process(self) or actors.callbacks(self) or actors.work(self)
        self.budget -= 1
        if self.budget < 0:
            self.tell("-- nobody asks for anything any more")
            self.quiet = True
            return True
        return any(map(self._act, _ORDER[self.choices.pick(self.settings.weights)]))

    def _act(self, who: str) -> bool:
        match who:
            case "p":
                return actors.process(self)
            case "w":
                return actors.work(self)
            case "k":
                return actors.callbacks(self)
            case "c":
                return self.clients.act()
            case _:
                return actors.nemesis(self)

    # ----------------------------------------------------------------- who waits

    def goes_on(self) -> bool:
        """Say whether the poller returns what is ready before anybody else goes on."""
        return self.quiet or self.choices.below(4) != 3

    def rest(self, poller: Poller, seconds: float | None) -> list[Ready]:
        """Let others go on until the local worker is woken, or its time is over."""
        suspended, patient = self.depth > 0, seconds is None
        sleeps, began = not suspended and not poller.ready(), len(self.log)
        if sleeps:
            checks.sleeping(self, poller, patient=patient)
            if patient:
                self.note("Sleep")
        while True:
            ready = poller.ready()
            if ready and self.goes_on():
                if sleeps and not patient:
                    self.log.insert(began, ("Slept",))  # it may have: see recording_process
                return ready
            hurries = not ready and not self.quiet and (suspended or not patient)
            if hurries and self.choices.rarely(4):
                return self._time_is_over(seconds)
            if self.step():
                continue
            if not self.quiet:
                self.budget = 0
            elif suspended or not (patient or self._settled()):
                return self._time_is_over(seconds)
            elif self.draining:
                raise Violation("Resolution", f"nobody can go on: {self.positions()}")
            else:
                checks.idle(self)
                self.drain()

    def _settled(self) -> bool:
        """Say whether the ticks that passed since anybody did something are enough."""
        return self.ticks >= PATIENCE and not self.pool.pausing and not self.draining

    def _time_is_over(self, seconds: float | None) -> list[Ready]:
        if seconds is None:  # somebody is stopped in the middle of something: wake for nothing
            return [(-1, True, False)]
        self.clock += seconds
        self.ticks += 1
        self.tell(f"{seconds} s pass")
        return []

    def until(self, there: Callable[[], bool], what: str) -> None:
        """Let others go on until somebody has what he waits for."""
        while not there():
            if self.step():
                continue
            if self.quiet and not self.draining:
                self.drain()
            elif self.draining:
                raise Violation("Resolution", f"who waits for {what}: {self.positions()}")
            else:
                self.budget = 0

    def drain(self) -> None:
        """Let everything come to its end: who stands goes on, nobody dies, all is shut down."""
        self.tell("-- all go on, nobody dies, and the pool is shut down")
        self.quiet = self.draining = self.released = True
        for process in self.processes:
            process.stopped = False
        self.pool.ask(Request.SHUTDOWN)

    def over(self) -> bool:
        """Say whether nothing is left of the pool."""
        return all(each.ended for each in self.threads if each.started) and all(
            each.stage not in (LIVES, CLOSED) for each in self.processes
        )

    def positions(self) -> str:
        """Tell who stands where."""
        pool = self.pool
        where = [f"{each} {each.stage} waits for {each.waits.value}" for each in self.processes]
        lanes = [f"{each.head}-{each.tail} {each.ring}" for each in pool.queues]
        return f"{pool.phase} {where} {lanes} {list(pool.recalled)} {list(pool.waiting)}"

    def run(self) -> None:
        """Run to the end, and check it."""
        self.begin()
        while not (self.draining and self.over()):
            if self.step():
                continue
            if self.draining:
                raise Violation("Resolution", f"nobody can go on: {self.positions()}")
            if self.quiet:
                self.drain()
            else:
                self.budget = 0
        checks.finished(self)
        self.truth.settle()
