"""What an observer is told: one event for each thing that happens in an executor.

    executor = ProcessPoolExecutor(observer=JSONLines("calls.jsonl"))

An observer is any callable that takes a list of events.  It is called in a thread of its own
that holds no lock, and is given events in the order in which they happened.  What it raises is
logged, and what it does not take in time is lost; no call ever waits for it.  ``number`` counts
the events of an executor from 1, those that were lost too: so a gap says what is missing.

``call`` is the work id: calls are numbered from 1 as they are accepted.  ``worker`` is the
number of a process or of a thread, in the order in which they came; 0 is none.  ``seconds`` is
when the event was seen, as ``time.time()`` has it: some milliseconds after it happened, more
if all processors are busy.

Actions of every executor:

``Opened``           the first: ``more`` has what the executor was made of
``Submit``           ``what`` is the function's qualified name; ``after`` says what becomes of the
                     call, and ``call`` is 0 if it was refused
``Future``           the future of ``call`` was given the command ``what``, and is ``after`` then
``Ask``              an end was asked for by ``what``; the executor's phase is ``after`` then
``ShutdownReturns``  a shutdown that waits returns
``Closed``           the last: no call is left, and what is asked for later is not told

Of a thread pool: ``NextItem`` (a thread takes a call; or parks, or ends, as ``what`` says),
``Discard`` and ``Withdraw`` (a call leaves the queue, and no thread runs it).

Of a process pool: ``Start`` (a process is there; ``more["pid"]``), ``Offer`` (a call was sent to
a process, which may claim it), ``Claimed`` (it has: the call cannot be cancelled any more),
``Take`` (somebody tries to take it back, for ``what``; ``after`` is where it was, and
``more["won"]`` says whether its ticket was won: what waits needs none), ``Free`` (its
answer was read), ``Close`` and ``Remove`` (nothing more is sent to a process; it is buried).

On Dask: those of a process pool, as far as they mean the same there (``foregone.dask.events``).

No argument and no result is told of.  The actions are those of ``foregone_spec``, one step of
it in one or two events; ``foregone-events trace`` makes them a run that it can follow.
"""

import platform
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, NamedTuple, Protocol, TypeAlias, final

#: What else an event has to tell.
Value: TypeAlias = "str | int | bool | tuple[int, ...]"

#: Nothing else.
NOTHING: Final[Mapping[str, Value]] = MappingProxyType({})


class Event(NamedTuple):
    """One thing that has happened in an executor; see the module."""

    number: int
    seconds: float
    executor: str
    action: str
    call: int = 0
    worker: int = 0
    what: str = ""
    after: str = ""
    more: Mapping[str, Value] = NOTHING


class Observer(Protocol):
    """Who is told of events.

    An executor that its observer holds is collected only once it was shut down.
    If it has a method ``close``, that is called after the last.  If it has a method ``take``,
    that is given each ``Batch`` in place of the events: less work, for who writes them only.
    """

    def __call__(self, events: list[Event], /) -> object:
        """Take events, in their order."""
        ...


#: An entry of the log: an action, and what it is about.
Logged: TypeAlias = tuple[str, object, *tuple[object, ...]]

#: An event before it has a number: its action, and what follows that.
Told: TypeAlias = tuple[str, int, int, str, str, Mapping[str, Value]]


@final
class Batch(NamedTuple):
    """Events that were seen at one time, before each is made an object of its own."""

    first: int  # the number of the first one
    seconds: float
    executor: str
    told: list[Told]

    def events(self) -> list[Event]:
        """Return them as events."""
        first, seconds, executor, told = self
        return [
            Event(number, seconds, executor, *each) for number, each in enumerate(told, start=first)
        ]


def versions() -> dict[str, Value]:
    """Return what an executor runs on."""
    from foregone import __version__

    return {"foregone": __version__, "python": platform.python_version()}
