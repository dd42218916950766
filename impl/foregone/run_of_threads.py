"""Events of one thread pool, as actions of its model: a run that the specification can follow.

Silent, since no lock is held: ThreadStarts (the thread takes its seat while ``submit``
returns), Initialized (concerns its thread alone), Discarded (whoever finds nothing
queued, in a phase that takes nothing more, changes nothing).

Where the model does in one step what the library does in two, the step stands at the
first: Discard where the call leaves the queue, with the outcome that it was given then
(and after a Cancel that came between).  ThreadCannotStart, whose call is cancelled first, stands
at the second, where the thread's place is given back; but if somebody meets that call in between,
it stands before that.  A command that changes nothing, and a Collect after a shutdown, are left
out.  Which of several threads that nothing was read of is meant is not logged; any will do that
the system has not refused.
"""

from bisect import insort
from collections.abc import Sequence
from typing import Final

from foregone.events import Event
from foregone.run_rooms import Missing, Unmodelled
from foregone_spec import lifecycle as life
from foregone_spec import thread_pool
from foregone_spec.future import Command, State
from foregone_spec.thread_pool import ThreadPoolModel, ThreadPoolState
from foregone_spec.trace import Recorded, Step

_CANCELS: Final = (Command.CANCEL, Command.CANCEL_OWNED)
_START: Final = Command.SET_RUNNING_OR_NOTIFY_CANCEL

#: What no event tells: see the module.
SILENT: Final = (thread_pool.ThreadStarts, thread_pool.Initialized, thread_pool.Discarded)


class ThreadReader:
    """Reads the events of one pool of at most ``limit`` threads."""

    def __init__(self, events: Sequence[Event], limit: int) -> None:
        self.limit = limit
        self.events = events
        self.steps: list[Step[thread_pool.Action]] = []
        self.numbers: dict[int, int] = {}  # the model's, by work id: none if it was refused
        self.states: list[State] = []  # of all that was submitted
        self.submitted: int = 0
        self.phase_seen: life.Phase = life.Phase.OPEN
        self.queue: list[int] = []
        self.parked: list[int] = []
        self.unborn: list[int] = list(range(1, limit + 1))
        self.starting: dict[int, int] = {}  # the thread that a work id asked for
        self.left: dict[int, tuple[int, str]] = {}  # where each leaves the queue, and how
        self.claimed: dict[int, int] = {}  # where a thread tries to begin it
        self.refused: set[int] = set()  # those whose thread the system refuses
        self.refused_before: dict[int, int] = {}  # by where that stands: see withdrawn()
        self.early: set[int] = set()  # those of which it stands there, until it was read
        self.withheld: dict[int, State] = {}  # what it is then, if it was discarded meanwhile
        self.unseen: list[int] = []  # threads asked for, of which nothing was read
        self.threads: dict[int, int] = {}  # the model's, by the number that the events have
        self.first: dict[int, int] = {}  # where each thread is read of first
        self.ended: int = 0
        self.failed: list[int] = []
        self.holds: dict[int, int] = {}  # the thread, by the work id that it holds
        self.closers: list[life.Request] = []
        self.returned: int = 0
        self.changes: dict[int, list[tuple[int, Command, State]]] = {}
        self.failures: dict[int, int] = {}  # where a work id is told last that it failed
        self.told: set[int] = set()  # events that an earlier step has told already
        self.kinds: set[type[thread_pool.Action]] = set()
        self.prepare()
        for index, event in enumerate(events):
            self.read(index, event)

    def prepare(self) -> None:
        """Look ahead, for what is told before it is read."""
        for index, event in enumerate(self.events):
            number = self.numbers.get(event.call, 0)
            match event.action:
                case "Submit":
                    self.states.append(State.PENDING)
                    if event.call:
                        self.numbers[event.call] = len(self.states)
                case "NextItem" | "Discard":
                    if event.worker:
                        self.first.setdefault(event.worker, index)
                    if number:
                        self.left[number] = (index, event.what or event.after)
                case "Withdraw":
                    self.withdrawn(index, number)
                case "Future" if number:
                    command, after = Command(event.what), State(event.after)
                    if command is Command.SET_EXCEPTION:
                        self.failures[number] = index
                    if command is _START:
                        self.claimed[number] = index
                    if after is not self.states[number - 1]:
                        self.states[number - 1] = after
                        self.changes.setdefault(number, []).append((index, command, after))
                case _:
                    pass
        self.states = [State.PENDING] * len(self.states)

    def withdrawn(self, index: int, number: int) -> None:
        """Look where it is to stand that the system has refused a thread.

        The call is cancelled before the thread's place is given back.  Who meets it between
        sees it cancelled, so both stand there, in one.  In a pool that is cancelling the
        call would be cancelled all the same.
        """
        self.refused.add(number)
        cancels = [each for each in self.changes.get(number, ()) if each[1] in _CANCELS]
        if not cancels:
            return  # another thread has begun it
        cancelled, _, after = cancels[0]
        left, how = self.left.get(number, (index, ""))
        left = self.claimed.get(number, left)
        if how == life.Phase.CANCELLING.value and left < cancelled:
            return
        self.told.add(cancelled)
        if how == life.Phase.CANCELLING.value:
            self.withheld[number] = after
        elif how:
            self.refused_before[left] = number

    def number(self, call: int) -> int:
        """Return the number that the model has for a call."""
        number = self.numbers.get(call)
        if number is None:
            raise Missing(f"call {call} was not submitted in these events")
        return number

    def add(self, action: thread_pool.Action) -> None:
        """Add a step, and what is known after it."""
        self.kinds.add(type(action))
        self.steps.append(Step(action, {
            "phase": self.phase_seen.value,
            "workIds": tuple(self.queue),
            "futures": tuple(each.value for each in self.states),
            "parked": tuple(self.parked),
        }))  # fmt: skip

    def thread(self, worker: int) -> int:
        """Return the number that the model has for a thread."""
        if worker not in self.threads:
            self.threads[worker] = self.unseen.pop(0) if self.unseen else 0
        return self.threads[worker]

    def read(self, index: int, event: Event) -> None:
        """Read one event."""
        if index in self.refused_before:
            self.early.add(self.refused_before[index])
            self.withdraw(index, self.refused_before[index])
        match event.action:
            case "Submit":
                self.submitted += 1
                self.submit(self.submitted, event)
            case "Future" if event.call:
                if index not in self.told:
                    after = State(event.after)
                    self.command(self.number(event.call), Command(event.what), after)
            case "NextItem":
                self.next_item(index, event)
            case "Discard" if event.call:
                self.discard(index, self.number(event.call), (*self.failed, 0)[0])
            case "Ask":
                self.ask(index, event)
            case "Withdraw":
                number = self.number(event.call)
                if number in self.early:
                    self.early.remove(number)
                else:
                    self.withdraw(index, number)
            case "ShutdownReturns":
                self.returned += 1
                self.add(thread_pool.ShutdownReturns(self.returned))
            case _:
                pass

    def submit(self, number: int, event: Event) -> None:
        """Read a submit."""
        if event.after != "refused":
            self.queue.append(number)
        if event.after == "queued" and self.early:
            raise Unmodelled("a thread was refused, and its place was not given back yet")
        if event.after == "unparks":
            self.parked.remove(self.thread(event.worker))
        if event.after == "starts":
            thread = self.unborn.pop(0) if self.unborn else 0
            self.starting[number] = thread
            if number not in self.refused:
                self.unseen.append(thread)
        self.add(thread_pool.Submit(number))

    def next_item(self, index: int, event: Event) -> None:
        """Read that a thread has looked for a call."""
        thread = self.thread(event.worker)
        match event.what:
            case "takes":
                number = self.number(event.call)
                self.queue.remove(number)
                self.holds[number] = thread
                self.add(thread_pool.Take(thread))
            case "discards":
                self.discard(index, self.number(event.call), thread)
            case "parks":
                self.parked.append(thread)
                self.add(thread_pool.Park(thread))
            case _:
                self.ended += 1
                self.add(thread_pool.EndThread(thread))

    def discard(self, index: int, number: int, thread: int) -> None:
        """Read that a call leaves the queue, and nobody runs it."""
        fails = self.phase_seen is life.Phase.BROKEN
        told = not fails or self.failures.get(number, 0) > index
        if told and self.settled(index, number) in _CANCELS and fails:
            self.add(thread_pool.Cancel(number))
        self.queue.remove(number)
        self.states[number - 1] = self.withheld.get(number, self.states[number - 1])
        self.add(thread_pool.Discard(thread))

    def settled(self, index: int, number: int, *these: Command) -> Command | None:
        """Tell now what will change this call after ``index``, if by these; return the command."""
        for at, command, after in self.changes.get(number, ()):
            if at > index and at not in self.told:
                if these and command not in these:
                    break
                self.told.add(at)
                self.states[number - 1] = after
                return command
        return None

    def ask(self, index: int, event: Event) -> None:
        """Read that an end was asked for."""
        request, after = life.Request(event.what), life.Phase(event.after)
        stays = after is self.phase_seen
        self.phase_seen = after
        self.unpark(event)
        match request:
            case life.Request.SHUTDOWN | life.Request.SHUTDOWN_CANCEL_FUTURES | life.Request.EXIT:
                self.closers.append(request)
                self.add(thread_pool.Shutdown(len(self.closers)))
            case life.Request.COLLECT:
                if not stays:  # else the executor was shut down before
                    self.add(thread_pool.Collect())
            case life.Request.BREAK:  # by one of those that were not seen yet: the first to go on
                later = [(at, each) for each, at in self.first.items() if at > index]
                new = sorted(at for at, each in later if each not in self.threads)
                worker = next((each for at, each in later if new and at == new[0]), 0)
                self.failed.append(self.thread(worker))
                self.add(thread_pool.InitializerFails(self.failed[-1]))
            case life.Request.FORK:
                raise Missing("a forked copy of a pool has no run of its own")

    def unpark(self, event: Event) -> None:
        """Unpark the threads that an event names."""
        unparked = event.more.get("unparked", ())
        for worker in unparked if isinstance(unparked, tuple) else ():
            self.parked.remove(self.thread(worker))

    def withdraw(self, index: int, number: int) -> None:
        """Read that the system has refused a thread."""
        thread = self.starting.pop(number)
        others = self.starting.keys() & self.refused
        alone = len(self.unseen) + len(self.threads) + len(others) == self.ended
        stranded = self.queue if alone else []
        for queued in stranded:  # before it could fail
            if queued != number and self.settled(index, queued, *_CANCELS):
                self.add(thread_pool.Cancel(queued))
        for queued in stranded:
            self.settled(index, queued)
        self.queue = [] if alone else self.queue
        insort(self.unborn, thread)
        for _, command, after in self.changes.get(number, ()):
            if command in _CANCELS:
                self.states[number - 1] = after
        self.add(thread_pool.ThreadCannotStart(thread))

    def command(self, number: int, command: Command, after: State) -> None:
        """Read a command that a future was given."""
        changes = after is not self.states[number - 1]
        self.states[number - 1] = after
        if command is _START:
            self.add(thread_pool.Claim(self.holds.get(number, 0)))
        elif command in _CANCELS and changes:
            self.add(thread_pool.Cancel(number))
        elif command not in _CANCELS and (changes or number in self.holds):
            self.add(thread_pool.Finish(self.holds.pop(number, 0)))

    def run(self) -> Recorded[ThreadPoolState, thread_pool.Action]:
        """Return the run, of a model that has all that was seen."""
        model = ThreadPoolModel(
            calls=len(self.states),
            threads=self.limit,
            closers=tuple(self.closers),
            initializer_fails=thread_pool.InitializerFails in self.kinds,
            start_fails=thread_pool.ThreadCannotStart in self.kinds,
            collects=thread_pool.Collect in self.kinds,
        )
        return Recorded(model, tuple(self.steps))
