"""A simulated process, and what the parent holds of it: lane, tickets, watch.

It does one step at a time, when the world says so.  It may be killed between any two,
stand still, be interrupted, leave its lane open to somebody else when it dies.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from foregone.process_pool import wire
from foregone.process_pool.wire import Buffer
from foregone.process_pool.work_items import AnyCall
from model_tests.simulation.child import Child, Outcome, Waits
from model_tests.simulation.primitives import Ticket, Violation

if TYPE_CHECKING:
    from model_tests.simulation.world import World

#: How an end is seen: nothing of it, its lane has ended, all of it.
LIVES, CLOSED, ENDED = range(3)
KILLED: Final = -9


class Process:
    """One process; implements ``ports.Process``."""

    def __init__(self, world: "World", number: int, depth: int) -> None:
        self.world = world
        self.number = number
        self.lane = 10 * number
        self.watch = 10 * number + 1
        self.pid = 1000 + number
        self.tickets: Sequence[Ticket] = [Ticket(world) for _ in range(depth)]
        self.to_child, self.to_parent = bytearray(), bytearray()
        self.child_room, self.parent_room = world.lane_sizes()
        self.finished = False  # nothing more is written to it
        self.stage = LIVES
        self.doomed = self.stopped = self.buried = self.died = self.held_open = False
        self.unread = False  # it ended before it read everything
        self.late = 0  # so often it is not known yet that it has ended
        self.exit_code = 0
        self.was_ready = self.was_refused = self.liar = False
        self.lingers = False  # it has left its lane, and does not end by itself
        self.claims: AnyCall | None = None  # and has not answered
        self.child = Child(self, world.settings.max_tasks)
        self.waits = Waits.NOTHING

    def __repr__(self) -> str:
        return f"process {self.number}"

    # ------------------------------------------------------ what the parent does

    def _alive(self) -> None:
        if self.buried:
            raise Violation("UsedAfterBurial", f"{self} is used after it was buried")

    def write(self, fd: int, pieces: Sequence[Buffer], /) -> int:
        self._alive()
        self.world.processes_only()
        if fd != self.lane:
            raise Violation("SingleWriter", f"{self} is written to by another number")
        if self.finished or (self.stage != LIVES and not self.held_open):
            raise BrokenPipeError(32, "Broken pipe")
        room = self.child_room - len(self.to_child)
        if room <= 0:
            raise BlockingIOError(11, "Resource temporarily unavailable")
        data = b"".join(pieces)[:room]
        if not data:
            raise Violation("SingleWriter", "nothing is written")
        count = self.world.piece(len(data))
        self.to_child += data[:count]
        self.world.tell(f"{count} bytes are written to {self}")
        self.world.processes_only()
        return count

    def _take(self, count: int) -> bytes:
        self._alive()
        self.world.pause()
        most = min(count, len(self.to_parent))
        if not most:
            if self.stage == LIVES or self.held_open:
                raise BlockingIOError(11, "Resource temporarily unavailable")
            if self.unread:
                self.unread = False
                raise ConnectionResetError(104, "Connection reset by peer")
            return b""
        most = self.world.piece(most)
        data = bytes(self.to_parent[:most])
        del self.to_parent[:most]
        self.world.tell(f"{most} bytes of {self} are read")
        self.world.pause()
        return data

    def read(self, fd: int, count: int, /) -> bytes:
        return self._take(count)

    def readv(self, fd: int, views: Sequence[memoryview], /) -> int:
        data = self._take(sum(map(len, views)))
        at = 0
        for view in views:
            part = data[at : at + len(view)]
            view[: len(part)] = part
            at += len(part)
        return at

    def started(self) -> None:
        self._alive()
        self.world.note("Heard", self)

    def ended(self) -> bool:
        self._alive()
        if self.stage == ENDED and self.late:
            self.late -= 1
            return False
        return self.stage == ENDED

    def finish(self) -> None:
        self._alive()
        self.finished = True
        self.world.note("Told", self)
        self.world.tell(f"{self} is told to end")
        self.world.pause()

    def kill(self) -> None:
        if self.stage == LIVES and not self.doomed:
            self.world.truth.killed(self)
        if self.stage == LIVES or self.lingers:
            self.doomed = True
            self.world.tell(f"{self} is killed")
        self.world.pause()

    terminate = kill

    def log(self) -> bytes:
        self._alive()
        if self.stage != ENDED:
            raise Violation("BuriedAlive", f"the log of {self} is read, and it lives")
        return bytes(self.child.log)

    def bury(self) -> int | None:
        self._alive()
        if self.doomed and self.stage != ENDED:  # who has killed it may wait for that
            if self.stage == LIVES:
                self.die(KILLED)
            self.stage = ENDED
        if self.stage == CLOSED and not self.lingers:  # or for that it ends by itself
            self.stage = ENDED
        if self.stage != ENDED:
            raise Violation("BuriedAlive", f"{self} is buried, and lives")
        self.buried = True
        self.world.tell(f"{self} is buried")
        self.world.pause()
        return self.exit_code

    def abandon(self) -> None:
        if any(each.process is self for each in self.world.pool.queues):
            raise Violation("Containment", f"{self} is abandoned, and calls may go to it")
        self.doomed = True
        self.bury()

    def forget(self) -> None:
        raise Violation("UsedAfterClose", "nobody forks here")

    def shows(self, fd: int) -> tuple[bool, bool]:
        """Say whether a descriptor is readable, writable."""
        if fd == self.watch:
            return self.stage == ENDED, False
        gone = self.stage != LIVES and not self.held_open
        return bool(self.to_parent) or gone, gone or len(self.to_child) < self.child_room

    # -------------------------------------------------------- what the child does

    def read_child(self, count: int) -> bytes:
        data = bytes(self.to_child[: self.world.piece(min(count, len(self.to_child)))])
        del self.to_child[: len(data)]
        return data

    def put(self, data: memoryview) -> int:
        count = self.world.piece(min(len(data), self.parent_room - len(self.to_parent)))
        self.to_parent += data[:count]
        self.world.tell(f"{self} writes {count} bytes")
        return count

    def claim(self, serial: int) -> bool:
        won = self.tickets[serial % len(self.tickets)].claim()
        if won:
            self.world.truth.claimed(self, serial)
        self.world.tell(f"{self} {'claims' if won else 'drops'} its frame {serial}")
        return won

    def refuses(self) -> bool:
        self.was_refused = self.world.refuses("an initializer")
        return self.was_refused

    def ready(self) -> None:
        self.was_ready = True
        self.world.note("Ready", self)
        self.world.tell(f"{self} is ready")

    def refused(self) -> None:
        self.world.note("InitializerFails", self)
        self.world.tell(f"the initializer of {self} has failed")

    def begins(self, tag: int) -> Outcome:
        return self.world.truth.begins(self, tag)

    def ends(self, tag: int, outcome: Outcome) -> None:
        self.world.truth.ends(tag, outcome)

    def answered(self, tag: int) -> None:
        self.world.truth.answered(self, tag)

    def is_time(self) -> bool:
        return self.world.choices.below(3) == 0

    # ---------------------------------------------------------------- its steps

    def can_go_on(self) -> bool:
        """Say whether it would do something if it were let."""
        if self.stage == ENDED or (self.stopped and not self.doomed):
            return False
        if self.stage == CLOSED:
            return not self.lingers or self.doomed or self.finished
        if self.doomed:
            return True
        if self.liar:
            return self.world.draining
        if self.child.urgent:
            return len(self.to_parent) < self.parent_room
        match self.waits:
            case Waits.NOTHING:
                return True
            case Waits.DATA:
                return bool(self.to_child) or self.finished
            case Waits.ROOM:
                return len(self.to_parent) < self.parent_room
            case Waits.RELEASE:
                return self.world.released or self.child.struck

    def step(self) -> None:
        """Do the next thing."""
        if self.stage == CLOSED:
            self.stage = ENDED
            self.world.tell(f"{self} has ended")
        elif self.doomed and (self.world.draining or not self.world.choices.below(3)):
            self.die(KILLED)
        elif self.liar:
            self.die(4)
        elif self.child.urgent:
            count = self.put(memoryview(self.child.urgent))
            self.child.urgent = self.child.urgent[count:]
        elif self.stopped or not self._can_without_doom():
            self.die(KILLED)
        else:
            try:
                self.waits = next(self.child.code)
            except StopIteration:
                self._closes()

    def _can_without_doom(self) -> bool:
        doomed, self.doomed = self.doomed, False
        try:
            return self.can_go_on()
        finally:
            self.doomed = doomed

    def die(self, exit_code: int) -> None:
        """End here and now."""
        self.died = True
        self.exit_code = exit_code
        self.world.truth.unexpected += 1
        self.world.truth.early += not self.was_ready
        self.world.note("Died", self)
        self.held_open = self.world.choices.rarely(6)
        self._closes()

    def _closes(self) -> None:
        if not self.died:
            self.world.note("Exited", self)
        self.world.tell(f"{self} {'dies' if self.died else 'ends'}")
        self.unread = bool(self.to_child)
        self.late = 0 if self.world.draining else self.world.choices.below(3)
        self.stage = ENDED if self.held_open else CLOSED
        self.child.code.close()

    def shut(self) -> None:
        """Leave the lane, as a call may that closes all descriptors, and live on."""
        self.die(KILLED)
        if self.stage == CLOSED:
            self.lingers = True

    def lie(self) -> None:
        """Answer what is not true, and do nothing more: the parent must not believe it."""
        child = self.child
        if self.liar or self.waits is Waits.ROOM or child.urgent or not self.was_ready:
            return
        if child.trying:  # it may come true
            return
        serial = child.serial - len(child.dropped) - (child.holds is not None)
        true, wrong = serial % wire.SERIALS, (serial + 1) % wire.SERIALS
        lies = [(wire.RESULT, wrong), (wire.DROPPED, wrong), (wire.PART, wrong), (99, true)]
        if child.holds is not None:
            lies += [(wire.DROPPED, true)]
        else:  # of what the parent has won, or of what nobody has claimed
            lies += [(wire.RESULT, true), (wire.RAISED, true), (wire.PART, true)]
        kind, answered = self.world.choices.pick(lies)
        self.world.tell(f"{self} lies: kind {kind} for {answered}")
        self.liar = True
        self.to_parent += b"".join(wire.frame(kind, b"N.", serial=answered))
