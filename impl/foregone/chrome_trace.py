"""Events as a trace that Perfetto and Chrome's ``about:tracing`` draw: one track a worker.

Each process or thread has a track, on which each call that it ran is a slice, from the claim to
the answer; an arrow leads there from where it was submitted.  On a track of their own, *calls*,
each call is there from ``submit`` until its future is done.  What was cancelled, who asked for
an end, and which process ended unasked, are marks.

When a process claimed a call is known where it was seen; else it is taken to be when its call
before was answered, or when it was sent the call, whichever was later: then ``args`` of the
slice has ``"claimed": "at the latest"``.

A worker of a Dask cluster may run several calls at a time, and which one had which thread nobody
tells: it has a track for each call that it was seen to have at one time.

The format is Google's *Trace Event Format*, its JSON object form.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import count
from typing import Final, TypeAlias, final

from foregone.events import Event
from foregone_spec.future import DONE

Mark: TypeAlias = dict[str, object]

#: The track of what concerns an executor as a whole, before those of its workers.
_CALLS: Final = 0
_DONE: Final = frozenset(each.value for each in DONE)
#: An executor that runs several calls at a time on one worker, and its further tracks.
_DASK: Final = "dask"
_BESIDE: Final = 100_000
_CANCELLED: Final = ("CANCELLED", "CANCELLED_AND_NOTIFIED")


@final
@dataclass
class _Call:
    """What is known of one call, by now."""

    fn: str
    submitted: float
    sent: float = 0.0
    claimed: float = 0.0
    worker: int = 0
    bar: int = 0  # its number in the trace: the bar's, and the arrow's


@final
@dataclass
class _Executor:
    """What is known of one executor, by now."""

    track: int  # its number in the trace: what the format calls a process
    kind: str
    calls: dict[int, _Call] = field(default_factory=dict[int, _Call])
    free: dict[int, float] = field(default_factory=dict[int, float])  # since when, by track
    names: dict[int, str] = field(default_factory=dict[int, str])  # of workers on Dask
    told: set[int] = field(default_factory=set[int])  # workers whose end is expected


def chrome_trace(events: Iterable[Event]) -> dict[str, object]:
    """Return the trace of what ``json_lines.read`` yields, for ``json.dump`` to write."""
    made = _Trace()
    for event in events:
        made.add(event)
    made.end()
    return {"traceEvents": made.marks, "displayTimeUnit": "ms"}


@final
class _Trace:
    def __init__(self) -> None:
        self.marks: list[Mark] = []
        self.executors: dict[str, _Executor] = {}
        self.bars = 0
        self.begun = -1.0
        self.last = 0.0

    def add(self, event: Event) -> None:
        """Take one more event."""
        if self.begun < 0:
            self.begun = event.seconds
        now = self.last = (event.seconds - self.begun) * 1e6  # microseconds
        if event.action == "Opened":
            self._opened(event)
        known = self.executors.get(event.executor)
        if known is None:
            return  # its beginning is not in these files
        match event.action:
            case "Submit" if event.call:
                self.bars += 1
                known.calls[event.call] = _Call(event.what, now, bar=self.bars)
                self._call(known, event.call, "b", now)
            case "Submit":
                self._mark(known, _CALLS, f"refused: {event.what}", now)
            case "Offer" if event.call in known.calls:
                known.calls[event.call].sent = now
                known.calls[event.call].worker = event.worker
            case "Claimed" if event.call in known.calls:
                known.calls[event.call].claimed = now
                known.calls[event.call].worker = event.worker or known.calls[event.call].worker
            case "NextItem":
                self._takes(known, event, now)
            case "Free" if event.call in known.calls:
                self._answered(known, event.call, event.worker, now)
            case "Future" if event.call in known.calls:
                self._future(known, event, now)
            case "Ask":
                self._mark(known, _CALLS, f"{event.what}: {event.after}", now)
            case "Start":
                self._started(known, event)
            case "Remove":
                self._removed(known, event, now)
            case _:
                pass

    def end(self) -> None:
        """Draw what has not come to its end."""
        for known in self.executors.values():
            for number, call in known.calls.items():
                if call.claimed:
                    self._slice(known, number, call, call.claimed, self.last, {"ended": False})

    def _opened(self, event: Event) -> None:
        known = _Executor(len(self.executors) + 1, event.what)
        self.executors[event.executor] = known
        name = f"{event.executor} (pid {event.more.get('pid', '?')})"
        self._name(known, "process_name", _CALLS, name)
        self._name(known, "thread_name", _CALLS, "calls")

    def _track(self, known: _Executor, worker: int, name: str, more: Mapping[str, object]) -> None:
        pid = f" (pid {more['pid']})" if "pid" in more else ""
        self._name(known, "thread_name", worker, name + pid)
        known.free[worker] = 0.0

    def _started(self, known: _Executor, event: Event) -> None:
        if known.kind == _DASK:
            name = f"Worker #{event.worker} ({event.more.get('address', '?')})"
            known.names[event.worker] = name
            self._track(known, event.worker, name, {})
        else:
            self._track(known, event.worker, f"Process #{event.worker}", event.more)

    def _lane(self, known: _Executor, worker: int, began: float) -> int:
        """Return the first track of a worker on which nothing is drawn from ``began`` on."""
        for track in count(worker, _BESIDE):
            if track not in known.free:
                self._track(known, track, f"{known.names[worker]}, at the same time", {})
            if known.free[track] <= began:
                return track
        raise AssertionError("there is always another track")

    def _takes(self, known: _Executor, event: Event, now: float) -> None:
        if event.worker not in known.free:
            self._track(known, event.worker, f"Thread #{event.worker}", {})
        if event.what == "takes" and event.call in known.calls:
            call = known.calls[event.call]
            call.worker, call.claimed = event.worker, now

    def _answered(self, known: _Executor, number: int, worker: int, now: float) -> None:
        call = known.calls[number]
        args: Mark = {}
        if not call.claimed:
            args["claimed"] = "at the latest"
        if known.kind == _DASK:
            if worker not in known.names:
                return  # nobody knows whose it was
            worker = self._lane(known, worker, call.claimed or call.sent)
        # It runs one call after the other, and several may have been seen at one look.
        began = max(call.claimed or call.sent, known.free.get(worker, 0.0))
        call.worker = worker
        self._slice(known, number, call, began, now, args)
        known.free[worker] = now
        call.claimed = 0.0

    def _future(self, known: _Executor, event: Event, now: float) -> None:
        call = known.calls[event.call]
        if event.after not in _DONE:
            return
        del known.calls[event.call]
        if event.after in _CANCELLED:
            self._mark(known, _CALLS, f"cancelled: {call.fn}", now)
        elif call.claimed:  # by a thread; or its process has died
            began = max(call.claimed, known.free.get(call.worker, 0.0))
            self._slice(known, event.call, call, began, now, {"ended by": event.what})
        self._call(known, event.call, "e", now, call, event.after)

    def _removed(self, known: _Executor, event: Event, now: float) -> None:
        if not event.more.get("told"):
            self._mark(known, event.worker, "died", now)

    # ------------------------------------------------------------- the format

    def _name(self, known: _Executor, what: str, track: int, name: str) -> None:
        self.marks.append(
            {"ph": "M", "name": what, "pid": known.track, "tid": track, "args": {"name": name}}
        )

    def _mark(self, known: _Executor, track: int, name: str, now: float) -> None:
        self.marks.append(
            {"ph": "i", "s": "t", "name": name, "pid": known.track, "tid": track, "ts": now}
        )

    def _call(
        self,
        known: _Executor,
        number: int,
        phase: str,
        now: float,
        call: _Call | None = None,
        after: str = "",
    ) -> None:
        """Begin or end the bar of a call."""
        call = call or known.calls[number]
        mark: Mark = {
            "ph": phase, "cat": "call", "name": call.fn, "id": call.bar, "pid": known.track,
            "tid": _CALLS, "ts": now, "args": {"call": number, "after": after or "PENDING"},
        }  # fmt: skip
        if phase == "b":
            mark |= {"bind_id": call.bar, "flow_out": True}
        self.marks.append(mark)

    def _slice(
        self, known: _Executor, number: int, call: _Call, began: float, now: float, args: Mark
    ) -> None:
        self.marks.append({
            "ph": "X", "name": call.fn, "pid": known.track, "tid": call.worker, "ts": began,
            "dur": max(0.0, now - began), "args": {"call": number, **args},
            "bind_id": call.bar, "flow_in": True,
        })  # fmt: skip
