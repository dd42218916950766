"""What ``foregone.observer`` logged of one thread pool, as actions of its model.

Silent, since no lock is held: ThreadStarts (the thread takes its seat while ``submit``
returns), Initialized (concerns its thread alone), Discarded (whoever finds nothing
queued, in a phase that takes nothing more, changes nothing).

Where the model does in one step what the library does in two, the step stands at the
first: Discard where the call leaves the queue, with the outcome that it was given then
(and after a Cancel that came between); ThreadCannotStart where the thread's place is
given back.  A command that changes nothing, and a Collect after a shutdown, are left out.
Which of several threads that nothing was read of is meant is not logged; any will do.
"""

from bisect import insort

from foregone.pool import Pool
from foregone_spec import lifecycle as life
from foregone_spec import thread_pool
from foregone_spec.future import Command, State, Step
from foregone_spec.thread_pool import ThreadPoolModel, ThreadPoolState
from foregone_spec.trace import Step as Recorded
from model_tests.recording import CANCELS, START, Entries, Replay


class _PoolReader:
    def __init__(self, entries: Entries, pool: Pool) -> None:
        self.pool = pool
        self.entries = [list(entry) for entry in entries]
        self.steps: list[Recorded[thread_pool.Action]] = []
        self.numbers: dict[object, int] = {}  # the work ids, by future
        self.states: list[State] = []
        self.phase = life.Phase.OPEN
        self.queue: list[int] = []
        self.parked: list[int] = []
        self.unborn = list(range(1, pool.limit + 1))
        self.starting: dict[int, int] = {}  # the thread that a work id asked for
        self.unseen: list[int] = []  # threads asked for, of which nothing was read
        self.threads: dict[object, int] = {}
        self.first: dict[object, int] = {}  # where each worker is read of first
        self.ended = 0
        self.failed: list[int] = []
        self.holds: dict[int, int] = {}  # the thread, by the work id that it holds
        self.closers: list[life.Request] = []
        self.returned = 0
        self.changes: dict[int, list[tuple[int, Command, State]]] = {}
        self.failures: dict[int, int] = {}  # where a work id is told last that it failed
        self.told: set[int] = set()  # entries that an earlier step has told already
        self.kinds: set[object] = set()
        self.prepare()
        for index, entry in enumerate(self.entries):
            self.read(index, entry)

    def prepare(self) -> None:
        for index, entry in enumerate(self.entries):
            match entry:
                case ["Submit", it, (future, *_), _, _] if it is self.pool:
                    self.numbers[future] = len(self.numbers) + 1
                    self.states.append(State.PENDING)
                case ["NextItem", it, worker, _, _, _] if it is self.pool:
                    self.first.setdefault(worker, index)
                case ["Withdraw", it, (future, *_)] if it is self.pool:
                    self.told.update(
                        at
                        for at, command, _ in self.changes.get(self.numbers[future], ())
                        if command in CANCELS
                    )
                case ["Future", future, Command() as command, Step() as cell]:
                    number = self.numbers.get(future)
                    if number and command is Command.SET_EXCEPTION:
                        self.failures[number] = index
                    if number and cell.after is not self.states[number - 1]:
                        self.states[number - 1] = cell.after
                        self.changes.setdefault(number, []).append((index, command, cell.after))
        self.states = [State.PENDING] * len(self.numbers)

    def add(self, action: thread_pool.Action) -> None:
        self.kinds.add(type(action))
        self.steps.append(Recorded(action, {
            "phase": self.phase.value,
            "workIds": tuple(self.queue),
            "futures": tuple(each.value for each in self.states),
            "parked": tuple(self.parked),
        }))  # fmt: skip

    def thread(self, worker: object) -> int:
        if worker not in self.threads:
            self.threads[worker] = self.unseen.pop(0) if self.unseen else 0
        return self.threads[worker]

    def read(self, index: int, entry: list[object]) -> None:
        match entry:
            case ["Submit", it, (future, *_), unparked, bool(reserved)] if it is self.pool:
                self.submit(self.numbers[future], unparked, reserved)
            case ["NextItem", it, worker, item, phase, bool(parked)] if it is self.pool:
                self.next_item(index, self.thread(worker), item, phase in life.RUNS_QUEUED, parked)
            case ["Discard", it, (future, *_), _] if it is self.pool:
                self.discard(index, self.numbers[future], (*self.failed, 0)[0])
            case ["Ask", it, life.Request() as request, life.Step() as cell, list(unparked)] if (
                it is self.pool
            ):
                self.ask(index, request, cell.after, unparked)
            case ["Withdraw", it, (future, *_)] if it is self.pool:
                self.withdraw(index, self.numbers[future])
            case ["ShutdownReturns", it] if it is self.pool:
                self.returned += 1
                self.add(thread_pool.ShutdownReturns(self.returned))
            case ["Future", future, Command() as command, Step() as cell]:
                if future in self.numbers and index not in self.told:
                    self.command(self.numbers[future], command, cell)

    def submit(self, number: int, unparked: object, reserved: bool) -> None:
        if self.phase is life.Phase.OPEN:
            self.queue.append(number)
        if unparked is not None:
            self.parked.remove(self.thread(unparked))
        if reserved:
            self.starting[number] = self.unborn.pop(0) if self.unborn else 0
            self.unseen.append(self.starting[number])
        self.add(thread_pool.Submit(number))

    def next_item(self, index: int, thread: int, item: object, runs: bool, parked: bool) -> None:
        match item:
            case (future, *_) if runs:
                number = self.numbers[future]
                self.queue.remove(number)
                self.holds[number] = thread
                self.add(thread_pool.Take(thread))
            case (future, *_):
                self.discard(index, self.numbers[future], thread)
            case _ if parked:
                self.parked.append(thread)
                self.add(thread_pool.Park(thread))
            case _:
                self.ended += 1
                self.add(thread_pool.EndThread(thread))

    def discard(self, index: int, number: int, thread: int) -> None:
        fails = self.phase is life.Phase.BROKEN
        told = not fails or self.failures.get(number, 0) > index
        if told and self.settled(index, number) in CANCELS and fails:
            self.add(thread_pool.Cancel(number))
        self.queue.remove(number)
        self.add(thread_pool.Discard(thread))

    def settled(self, index: int, number: int) -> Command | None:
        """Tell now what will change this call after ``index``; return the command."""
        for at, command, after in self.changes.get(number, ()):
            if at > index and at not in self.told:
                self.told.add(at)
                self.states[number - 1] = after
                return command
        return None

    def ask(
        self, index: int, request: life.Request, after: life.Phase, unparked: list[object]
    ) -> None:
        stays = after is self.phase
        self.phase = after
        for worker in unparked:
            self.parked.remove(self.thread(worker))
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
                worker = next((each for at, each in later if new and at == new[0]), object())
                self.failed.append(self.thread(worker))
                self.add(thread_pool.InitializerFails(self.failed[-1]))
            case _:
                raise ValueError(f"the model has no {request}")

    def withdraw(self, index: int, number: int) -> None:
        thread = self.starting.pop(number)
        self.unseen.remove(thread)
        alone = len(self.unseen) + len(self.threads) == self.ended
        for queued in self.queue if alone else ():
            self.settled(index, queued)
        self.queue = [] if alone else self.queue
        insort(self.unborn, thread)
        for at, command, after in self.changes.get(number, ()):
            if at < index and command in CANCELS:
                self.states[number - 1] = after
        self.add(thread_pool.ThreadCannotStart(thread))

    def command(self, number: int, command: Command, cell: Step) -> None:
        changes = cell.after is not self.states[number - 1]
        self.states[number - 1] = cell.after
        if command is START:
            self.add(thread_pool.Claim(self.holds.get(number, 0)))
        elif command in CANCELS and changes:
            self.add(thread_pool.Cancel(number))
        elif command not in CANCELS and (changes or number in self.holds):
            self.add(thread_pool.Finish(self.holds.pop(number, 0)))


def of_thread_pool(entries: Entries, pool: Pool) -> Replay[ThreadPoolState, thread_pool.Action]:
    """Return the run of one pool, where no thread is refused while others are busy."""
    read = _PoolReader(entries, pool)
    model = ThreadPoolModel(
        calls=len(read.numbers),
        threads=pool.limit,
        closers=tuple(read.closers),
        initializer_fails=thread_pool.InitializerFails in read.kinds,
        start_fails=thread_pool.ThreadCannotStart in read.kinds,
        collects=thread_pool.Collect in read.kinds,
    )
    unlogged = (thread_pool.ThreadStarts, thread_pool.Initialized, thread_pool.Discarded)
    return Replay(model, tuple(read.steps), lambda action: isinstance(action, unlogged))
