"""What clients do: submit, cancel, look, add callbacks, shut down, kill, let go.

Any of it may happen in the middle of anything else where no lock is held, also in a
callback: then it is another thread, or a signal handler, that comes in.
"""

from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Final, NoReturn

from foregone.process_pool.executor import ProcessPoolExecutor
from foregone.process_pool.work_items import AnyCall
from foregone_spec.lifecycle import Phase, Request, accepts
from model_tests.simulation.child import work
from model_tests.simulation.primitives import Violation

if TYPE_CHECKING:
    from model_tests.simulation.world import World

OPERATIONS: Final = (
    *("submit",) * 8,
    *("cancel",) * 5,
    *("running",) * 2,
    *("callback",) * 2,
    *("chunk",) * 2,
    "unsent",
    "wait",
    "end",
)
ENDS: Final = ("shutdown", "join", "cancel_futures", "kill", "collect", "exit")
IN_CALLBACK: Final = ("nothing", "submit", "cancel", "raise", "shutdown", "join", "callback")
#: What is sent with a call, in bytes.
SIZES: Final = (0, 0, 0, 30, 90)


class Unsendable:
    """What does not pickle."""

    def __reduce__(self) -> NoReturn:
        raise ValueError("unsendable")


class Waiter:
    """Who waits for a future, as ``wait()`` does: it is told once."""

    def __init__(self, world: "World", call: AnyCall) -> None:
        self.told = 0
        self.call = call
        self.world = world

    def add_result(self, future: object) -> None:
        """Be told."""
        self.told += 1
        if self.told > 1 or future is not self.call or self.world.held:
            raise Violation("Notification", f"a waiter of {future!r} is told {self.told} times")

    add_exception = add_cancelled = add_result


class Clients:
    """Those who use the pool."""

    def __init__(self, world: "World") -> None:
        self.world = world
        self.tag = 0
        self.collected = False
        self.cancels = False  # somebody has asked for the end of all that has not begun
        self.users = 0  # of the executor object
        self.waiters: list[Waiter] = []
        self.number = 0

    def act(self) -> bool:
        """Do something with the pool."""
        world = self.world
        if world.quiet:
            return False
        before, world.current = world.current, None
        try:
            getattr(self, world.choices.pick(OPERATIONS))()
        finally:
            world.current = before
        return True

    def _one(self) -> AnyCall | None:
        accepted = self.world.accepted
        return self.world.choices.pick(accepted) if accepted else None

    # ------------------------------------------------------------------- submit

    def submit(self) -> None:
        """Submit a call."""
        self.tag += 1
        tag, size = self.tag, self.world.choices.pick(SIZES)
        pool = self.world.pool
        self._submitted(tag, lambda: pool.submit(work, (tag, b"x" * size), {}))

    def chunk(self) -> None:
        """Submit several calls that travel together."""
        self.tag += 1
        tag = self.tag
        count = 1 + self.world.choices.below(3)
        items: list[tuple[object, ...]] = [(tag + n, tag) for n in range(1, count + 1)]
        self.tag += count
        self.world.truth.items[tag] = tuple(range(tag + 1, tag + count + 1))
        self._submitted(tag, lambda: self.world.pool.submit_chunk(work, items))

    def unsent(self) -> None:
        """Submit a call that does not pickle."""
        self.tag += 1
        self.world.unsent.add(self.tag)
        self._submitted(self.tag, lambda: self.world.pool.submit(work, (Unsendable(),), {}))

    def _submitted(self, tag: int, submit: Callable[[], AnyCall]) -> None:
        world = self.world
        if self.collected:
            return
        failed = world.truth.failed_starts
        world.tell(f"submit() of call {tag}")
        self.users += 1
        try:
            call = submit()
        except (RuntimeError, OSError) as error:
            world.tell(f"submit() of call {tag} raises {error!r}")
            world.truth.raised.add(tag)
            if tag in world.truth.begun or tag in world.truth.calls:
                raise Violation("AcceptanceIsAtomic", f"{tag} begins, submit() raises") from error
            if accepts(world.pool.phase) and world.truth.failed_starts == failed:
                raise Violation("AcceptanceIsAtomic", f"submit() raises {error!r}") from error
            return
        finally:
            self.users -= 1
        refused = world.truth.failed_starts != failed
        if refused and call.cancelled() and not self.cancels:
            raise Violation("AcceptanceIsAtomic", f"{tag} never began, and submit() returns it")
        world.truth.knows(tag, call)
        world.accepted.append(call)
        world.tell(f"submit() of call {tag} has returned call number {call._number}")
        if world.choices.rarely(3):
            waiter = Waiter(world, call)
            if call._install((waiter,)):  # type: ignore[arg-type]  # all that is asked of a waiter
                self.waiters.append(waiter)

    # ------------------------------------------------------------------- futures

    def cancel(self) -> None:
        """Cancel a call."""
        call = self._one()
        if call is None:
            return
        truth = self.world.truth
        done, claimed = call.done(), call in truth.holders
        self.world.tell(f"cancel() of call number {call._number}")
        cancelled = call.cancel()
        self.world.tell(f"cancel() of call number {call._number} says {cancelled}")
        truth.cancel_returned(call, cancelled, done, claimed)

    def running(self) -> None:
        """Look whether a call runs."""
        call = self._one()
        if call is not None:
            claimed = call in self.world.truth.holders
            running = call.running()
            self.world.tell(f"running() of call number {call._number} says {running}")
            self.world.truth.running_returned(call, running, claimed)

    def wait(self) -> None:
        """Look for a result, without waiting."""
        call = self._one()
        if call is not None:
            with suppress(BaseException):
                call.result(0)

    def callback(self) -> None:
        """Add a callback that does something."""
        call = self._one()
        if call is None:
            return
        self.number += 1
        number, what = self.number, self.world.choices.pick(IN_CALLBACK)
        self.world.truth.added[number] = call
        self.world.tell(f"callback {number} is added to call number {call._number}")
        call.add_done_callback(lambda _: self._called(number, what))

    def _called(self, number: int, what: str) -> None:
        world = self.world
        world.truth.callback(number)
        world.tell(f"callback {number} is called: {what}")
        if what == "raise":
            raise ValueError(number)
        if what == "join":
            if world.current is None or world.current is not world.worker.callbacks.thread:
                return
            with suppress(RuntimeError):
                world.pool.ask(Request.SHUTDOWN)
                world.pool.join()
                raise Violation("NeverBlock", "join() in a callback has returned")
        elif what != "nothing" and not world.quiet:
            getattr(self, what)()

    # ----------------------------------------------------------------- the end

    def end(self) -> None:
        """Ask for the end, in one of the ways, more often later than sooner."""
        world = self.world
        if world.choices.below(3):
            return
        what = world.choices.pick(ENDS)
        world.tell(f"the end: {what}")
        match what:
            case "cancel_futures":
                self.cancels = True
                before = list(world.accepted)
                self._ask(Request.SHUTDOWN_CANCEL_FUTURES)
                if world.pool.phase is Phase.CANCELLING:
                    world.truth.cancel_futures_returned(before)
            case "kill":
                if not self.collected:
                    self.cancels = True
                    executor = object.__new__(ProcessPoolExecutor)
                    executor._pool = world.pool
                    self._use(executor.kill_workers)
            case "collect":
                if not self.collected and not self.users:
                    self.collected = True
                    world.pool.collected()
                    if world.pool.phase is Phase.OPEN:
                        raise Violation("Resolution", "nobody has the executor, and it is open")
            case "exit":
                world.pool.ask(Request.EXIT)
            case "join":
                self.shutdown()
                if not (world.depth or any(each.busy for each in world.threads)):
                    self._use(world.pool.join)
                    world.tell("shutdown() has returned")
            case _:
                self.shutdown()

    def shutdown(self) -> None:
        """Ask for the end."""
        self._ask(Request.SHUTDOWN)

    def _ask(self, request: Request) -> None:
        if not self.collected:
            self._use(lambda: self.world.pool.ask(request))

    def _use(self, executor: Callable[[], object]) -> None:
        self.users += 1
        try:
            executor()
        finally:
            self.users -= 1
