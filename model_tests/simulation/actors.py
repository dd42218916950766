"""Who acts in a run: processes, the local worker, the callbacks thread, and the nemesis."""

from typing import TYPE_CHECKING, Any

from foregone.process_pool.answers import GRACE
from foregone.process_pool.call_queue import CallQueue
from foregone.process_pool.local_worker import LocalWorker
from model_tests.simulation import checks
from model_tests.simulation.primitives import Thread, Violation, WouldBlock
from model_tests.simulation.process import LIVES

if TYPE_CHECKING:
    from model_tests.simulation.world import World


class Driven(LocalWorker):
    """The local worker, whose turns the world takes for it, and what it may do after a Ctrl-C."""

    until = asked = -GRACE

    def pause(self, queue: CallQueue, grace: float) -> None:
        """Learn of a Ctrl-C: the parent has this long to decide."""
        now = self.pool.system.now()
        self.until = max(self.until if self.pool.pausing else now, now + grace)
        super().pause(queue, grace)

    def decided(self) -> None:
        """Learn that the parent has."""
        self.asked = self.pool.system.now()
        super().decided()

    def _resume(self) -> None:
        before, now = self.pool.pausing, self.pool.system.now()
        super()._resume()
        if before and not self.pool.pausing:
            vars(self.pool.system)["ticks"] = 0  # from here on nobody may idle for long
        if before and not self.pool.pausing and self.asked + GRACE < now < self.until:
            raise Violation("CtrlC", "the processes go on, and the parent has not decided")

    def turn(self) -> bool:
        """Be at the end: its last turn was taken."""
        return False


def process(world: "World") -> bool:
    """Let a process do its next step."""
    able = [each for each in world.processes if each.can_go_on()]
    if not able:
        return False
    process = able[0] if len(able) == 1 else world.choices.pick(able)
    world.ticks = 0
    process.step()
    return True


def work(world: "World") -> bool:
    """Let the local worker take a turn."""
    thread = world.worker.thread
    if not isinstance(thread, Thread) or not thread.started or thread.ended or thread.busy:
        return False
    begins: Any = thread.target  # once its gate is open
    if begins.args[0].closed:
        return False
    with thread.running():
        world.tell("the local worker turns")
        try:
            goes_on = LocalWorker.turn(world.worker)
        except Violation:
            raise
        except Exception as error:
            seen = f"the local worker fails: {type(error).__name__}: {error}"
            raise Violation("ServiceThreadsSurvive", seen) from error
        checks.consistent(world)
        if not goes_on:
            world.tell("the local worker ends")
            thread.target()
            thread.ended = True
    return True


def callbacks(world: "World") -> bool:
    """Let a callbacks thread run what it has."""
    return any(_runs_callbacks(world, each) for each in world.threads)


def _runs_callbacks(world: "World", thread: Thread) -> bool:
    callbacks: Any = getattr(thread.target, "__self__", None)  # its bound method
    if thread.name != "callbacks" or not thread.started or thread.ended or thread.busy:
        return False
    if not callbacks._queue and callbacks._gate.closed:
        return False
    with thread.running():
        world.tell("the callbacks thread runs")
        try:
            thread.target()
            thread.ended = True
        except WouldBlock:
            pass
    return True


def nemesis(world: "World") -> bool:
    """Let something befall a process."""
    living = [each for each in world.processes if each.stage == LIVES]
    if not living or world.quiet:
        return False
    process = world.choices.pick(living)
    match world.choices.pick(world.settings.nemesis):
        case "die":
            process.die(3)
        case "shut":
            process.shut()
        case "stop":
            world.tell(f"{process} is stopped")
            process.stopped = True
        case "interrupt":
            world.tell(f"{process} gets SIGINT")
            process.child.interrupt()
        case "lie":
            process.lie()
        case _:
            world.tell(f"{process} goes on")
            process.stopped = False
            world.released = not world.choices.below(2)
    return True
