"""What is wrong with a run on Dask that was corrupted, and which corruptions say nothing."""

from collections.abc import Iterator, Sequence
from typing import Final

from foregone import runs
from foregone.events import Event
from foregone_spec.future import TRANSITIONS, Command, State

START: Final = Command.SET_RUNNING_OR_NOTIFY_CANCEL.value


def accepted(events: Sequence[Event]) -> bool:
    """Say whether events, numbered anew, are a run of the specification."""
    numbered = [each._replace(number=at) for at, each in enumerate(events, 1)]
    try:
        return runs.followed(numbered).accepted
    except runs.Missing:
        return False


def without(events: Sequence[Event]) -> Iterator[tuple[str, list[Event]]]:
    """Yield runs that lack an event without which nothing is whole."""
    idle = _idle(events)
    for at, event in enumerate(events):
        asked_later = any(each.action == "Ask" for each in events[at + 1 :])
        nothing = (
            at in idle
            or event.action in ("ShutdownReturns", "Closed", "Remove")
            or (event.action == "Ask" and asked_later)
            or (event.action == "Submit" and not event.call)
            or event.what == START  # what ends at once may end without it
        )
        if not nothing:
            yield f"without {event}", [*events[:at], *events[at + 1 :]]


def doubled(events: Sequence[Event]) -> Iterator[tuple[str, list[Event]]]:
    """Yield runs in which what happens once has happened twice."""
    once = ("Opened", "Submit", "Offer", "Claimed", "Free", "Closed")
    for at, event in enumerate(events):
        won = event.action == "Take" and event.more["won"]
        if won or (event.action in once and (event.call or event.action != "Submit")):
            yield f"twice {event}", [*events[: at + 1], *events[at:]]


def swapped(events: Sequence[Event]) -> Iterator[tuple[str, list[Event]]]:
    """Yield runs in which two steps of one call have changed their order."""
    idle = _idle(events)
    for at, event in enumerate(events):
        if not event.call:
            continue
        for then in range(at + 1, len(events)):
            other = events[then]
            if other.call == event.call:
                late = event.what == START and other.action == "Free"
                if not (at in idle or then in idle or late):
                    changed = list(events)
                    changed[at], changed[then] = other, event
                    yield f"{other} before {event}", changed
                break


def _idle(events: Sequence[Event]) -> set[int]:
    """Return the places of events that change nothing: commands and takes in vain."""
    states: dict[int, State] = {}
    found = set[int]()
    phase = ""
    for at, event in enumerate(events):
        if event.action == "Future":
            before = states.get(event.call, State.PENDING)
            states[event.call] = TRANSITIONS[before][Command(event.what)].after
            if states[event.call] is before:
                found.add(at)
        if event.action == "Ask" and event.after == phase:
            found.add(at)
        phase = event.after if event.action == "Ask" else phase
        if event.action == "Take" and not event.more["won"]:
            found.add(at)
    return found


def wrongly_accepted(events: Sequence[Event]) -> tuple[int, list[str]]:
    """Try every corruption; return how many there were, and those that passed."""
    tried = 0
    passed: list[str] = []
    for made in (without, doubled, swapped):
        for what, run in made(events):
            tried += 1
            if accepted(run):
                passed.append(what)
    return tried, passed
