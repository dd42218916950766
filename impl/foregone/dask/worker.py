"""What a worker runs: one task of Dask for each call.

``run_once`` asks the scheduler before it begins a call, and does not begin one that it does
not win.  ``run_again`` asks nobody.  Both go by their names, so
foregone has to be installed where the workers are.

The initializer of an executor runs in the first call of it that this process may begin; calls
that come meanwhile wait.  It runs after the claim, so that one which ends its process costs
one call, and is not tried for ever.  If it has raised, that is the outcome of each call.

An answer of the scheduler that is lost on the way is asked for again, under the same token;
if that fails too, the task fails, and the call has not begun here.
"""

import asyncio
import importlib
import threading
import uuid
from collections.abc import Callable, Coroutine
from typing import Final, Protocol, cast, final

from foregone.dask import payload as payloads
from foregone.dask.claims import WON

#: So often a claim is asked for if the connection fails meanwhile.
TRIES: Final = 2


class _Loop(Protocol):
    @property
    def asyncio_loop(self) -> asyncio.AbstractEventLoop: ...


class _Scheduler(Protocol):
    @property
    def foregone_claim(self) -> Callable[..., Coroutine[object, object, list[str]]]: ...


class _Worker(Protocol):
    @property
    def address(self) -> str: ...

    @property
    def loop(self) -> _Loop: ...

    @property
    def scheduler(self) -> _Scheduler: ...

    def get_current_task(self) -> str: ...


def run_again(payload: bytes) -> bytes:
    """Run a call, whether or not it was run before; return its outcome."""
    return payloads.signed(_worker().address, _run(payload))


def run_once(payload: bytes) -> bytes:
    """Run a call if nobody has claimed or cancelled it; return its outcome, or who has."""
    worker = _worker()
    verdict, claimer = _claim(worker, *payloads.number_of(payload))
    if verdict == WON:  # claimer is this worker, as the scheduler calls it
        return payloads.signed(claimer, _run(payload))
    return payloads.signed(worker.address, payloads.refused(verdict, claimer))


def _worker() -> _Worker:
    get_worker: Callable[[], object] = vars(importlib.import_module("distributed"))["get_worker"]
    return cast("_Worker", get_worker())


@final
class _Setup:
    """The initializer of one executor, in this process."""

    __slots__ = ("over", "raised")

    def __init__(self) -> None:
        self.over = threading.Event()
        self.raised = b""  # what it has raised, as an outcome


#: By executor.  Entries stay: each is a name and an event.
_setups: Final[dict[str, _Setup]] = {}


def _run(payload: bytes) -> bytes:
    """Run a call, after the initializer; return its outcome, or what that has raised."""
    packed = payloads.setup_of(payload)
    raised = _prepared(payloads.number_of(payload)[0], packed) if packed else b""
    return raised or payloads.run(payload)


def _prepared(executor: str, packed: memoryview) -> bytes:
    """Have an initializer run once in this process; return b"" or what it has raised."""
    own = _Setup()
    setup = _setups.setdefault(executor, own)  # one step of the interpreter
    if setup is own:
        try:
            outcome = payloads.run_packed(packed)
            if outcome[:1] == payloads.RAISED:
                setup.raised = payloads.UNFIT + outcome[1:]
        finally:
            setup.over.set()
    setup.over.wait()
    return setup.raised


def _claim(worker: _Worker, executor: str, number: int) -> tuple[str, str]:
    asked: dict[str, object] = {
        "executor": executor,
        "number": number,
        "worker": worker.address,
        "token": uuid.uuid4().hex,
        "key": worker.get_current_task(),
    }
    for left in reversed(range(TRIES)):
        request = worker.scheduler.foregone_claim(**asked)
        try:
            future = asyncio.run_coroutine_threadsafe(request, worker.loop.asyncio_loop)
            verdict, who = future.result()
        except OSError:
            if not left:
                raise
            continue
        return verdict, who
    raise AssertionError("a claim is asked for at least once")
