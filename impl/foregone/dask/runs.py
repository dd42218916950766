"""Events of a Dask executor, as a run of ``specification.py``, and whether it is one."""

from collections.abc import Iterator, Sequence
from typing import Final

from foregone.dask import specification_actions as act
from foregone.dask.specification import DaskCalls, DaskState
from foregone.events import Event
from foregone.run_rooms import Missing, number_in
from foregone_spec.follow import Step, Verdict, check
from foregone_spec.future import Command, State
from foregone_spec.lifecycle import Phase, Request
from foregone_spec.work_item import Event as Of
from foregone_spec.work_item import Place

#: What concerns workers is no step of the model.
_OF_WORKERS: Final = ("Start", "Remove")


def followed(events: Sequence[Event]) -> Verdict[DaskState, act.Action]:
    """Say whether the run of one executor is one of the model, and how far.

    ``events`` are all of it, the first being Opened.  Raises ValueError for events that no Dask
    executor tells.
    """
    once = events[0].more.get("at_most_once")
    if not isinstance(once, bool):
        raise Missing(f"the first event, Opened, has to say at_most_once: not {once!r}")
    calls = sum(each.action == "Submit" for each in events)
    offers = sum(each.action == "Offer" for each in events)
    return check(DaskCalls(calls, once, offers), [Step(each) for each in _actions(events)])


def _actions(events: Sequence[Event]) -> Iterator[act.Action]:
    """Yield what the events tell, an action each."""
    started = {0}
    for event in events[1:]:
        if event.action == "Start":
            started.add(event.worker)
        if event.worker not in started:
            raise Missing(f"worker #{event.worker} was not started in these events")
        if event.action not in _OF_WORKERS:
            yield _action(event)


def _action(event: Event) -> act.Action:
    call, what, after = event.call, event.what, event.after
    match event.action:
        case "Submit":
            return act.Submit(call, fails=after == "does not pickle") if call else act.Refuse()
        case "Offer":
            return act.Offer(call, number_in(event.more, "number"), Place(after))
        case "Claimed":
            return act.Claimed(call)
        case "Take":
            return act.Take(call, Of(what), Place(after), event.more.get("won") is True)
        case "Free":
            return act.Free(call, Of(what))
        case "Future":
            return act.Future(call, Command(what), State(after))
        case "Ask":
            return act.Ask(Request(what), Phase(after))
        case "ShutdownReturns":
            return act.ShutdownReturns()
        case "Closed":
            return act.Closed()
        case action:
            raise Missing(f"{action!r} is nothing that a Dask executor tells")
