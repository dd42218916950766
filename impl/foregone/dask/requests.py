"""What is asked of the scheduler, in the client's event loop; each request may fail.

That a call can be forgotten is told in one request at a time, with all that have come while the
last was under way: one for each call would take all connections that Dask has for a client, and
whoever asks for an echo then hears nothing for so long that the scheduler seems lost.

Owner of every field: the client's event loop.
"""

import asyncio
from collections.abc import Callable, Sequence
from typing import Final, final

from foregone.dask import claims, ports
from foregone.dask.claims import News, Verdict

#: Seconds after which the scheduler answers, if there are no news.
PATIENCE: Final = 10.0
#: Seconds between two requests for the same, and between two for news.
PAUSE: Final = 0.05
#: So often something is asked for if the connection fails meanwhile.
TRIES: Final = 3


@final
class Requests:
    """Asks a scheduler, in the name of one executor."""

    __slots__ = ("_client", "_forgetting", "_forgotten", "_name")

    def __init__(self, client: ports.Client, executor: bytes) -> None:
        self._client = client
        self._name = executor.hex()
        self._forgotten: list[int] = []  # what the scheduler may forget, and is yet to be told
        self._forgetting = False

    async def echo(self) -> Exception | None:
        """Return once the scheduler has answered, or why it cannot be asked."""
        try:
            await self._client.scheduler.echo(data="foregone")
        except Exception as error:
            return error
        return None

    async def install(self) -> str:
        """Have the scheduler keep claims; return what it says that it keeps."""
        return await self._client.run_on_scheduler(claims.install, self._name, self._client.id)

    async def verdicts(
        self, operation: str, numbers: Sequence[int], lost: Callable[[], str]
    ) -> list[Verdict]:
        """Have calls cancelled, or looked up; twice is once, so it is asked again if it fails."""
        for left in reversed(range(TRIES)):
            scheduler = self._client.scheduler
            asked = scheduler.foregone_cancel if operation == "cancel" else scheduler.foregone_look
            try:
                found = await asked(executor=self._name, numbers=list(numbers))
            except Exception:  # a connection that fails, whatever Dask raises then
                if not left or lost():
                    raise
                await asyncio.sleep(PAUSE)
            else:
                return [(verdict, worker) for verdict, worker in found]
        raise AssertionError("it is asked at least once")

    async def forget(self, numbers: Sequence[int]) -> None:
        """Have calls forgotten; what fails is told with the next, or goes with the executor."""
        self._forgotten.extend(numbers)
        if self._forgetting:
            return  # who is there takes these along
        self._forgetting = True
        try:
            while self._forgotten:
                told = tuple(self._forgotten)
                await self._client.scheduler.foregone_forget(executor=self._name, numbers=told)
                del self._forgotten[: len(told)]
        except Exception:
            pass
        finally:
            self._forgetting = False

    async def end(self) -> None:
        """Have the executor forgotten; who is not there forgets by himself."""
        try:
            await self._client.scheduler.foregone_end(executor=self._name)
        except Exception:  # a client that was closed has no scheduler at all
            pass

    async def news(self, seen: int) -> tuple[int, Sequence[News]]:
        """Return what has happened since, as soon as something has."""
        return await self._client.scheduler.foregone_news(
            executor=self._name, seen=seen, patience=PATIENCE
        )

    async def abort(self) -> None:
        """Cut the connection, with what was not sent yet: who is silent does not read it."""
        stream = self._client.scheduler_comm
        if stream is not None:
            stream.abort()
