"""What a worker runs: one task of Dask for each call.

``run_once`` asks the scheduler before it begins a call, and does not begin one that it does
not win.  ``run_again`` asks nobody.  Both go by their names, so
foregone has to be installed where the workers are.

An answer of the scheduler that is lost on the way is asked for again, under the same token;
if that fails too, the task fails, and the call has not begun here.
"""

import asyncio
import importlib
import uuid
from collections.abc import Callable, Coroutine
from typing import Final, Protocol, cast

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
    return payloads.run(payload)


def run_once(payload: bytes) -> bytes:
    """Run a call if nobody has claimed or cancelled it; return its outcome, or who has."""
    verdict, worker = _claim(*payloads.number_of(payload))
    if verdict != WON:
        return payloads.refused(verdict, worker)
    return payloads.run(payload)


def _claim(executor: str, number: int) -> tuple[str, str]:
    get_worker: Callable[[], object] = vars(importlib.import_module("distributed"))["get_worker"]
    worker = cast("_Worker", get_worker())
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
