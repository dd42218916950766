"""``foregone-events``: what an observer wrote, counted, drawn, told, and followed.

    foregone-events count FILE          what has happened, how often, and what is missing
    foregone-events perfetto FILE       a trace for ui.perfetto.dev or about:tracing
    foregone-events check FILE          is it a behaviour of the specification?
    foregone-events trace FILE          the run, for ``foregone-spec explain`` and ``page --trace``

``FILE`` is what ``JSONLines`` wrote; files that were renamed for it are read before it.
"""

import argparse
import json
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import Final, TypeAlias

from foregone import json_lines, runs
from foregone.chrome_trace import chrome_trace
from foregone.events import Event
from foregone_spec.stepping import Refused
from foregone_spec.terminal import Terminal
from foregone_spec.trace import TraceError

#: What was asked cannot be answered; and the answer is no.
_CANNOT, _NO = 2, 1

_Answer: TypeAlias = Callable[[argparse.Namespace], tuple[str, int]]

_ERRORS: Final = (
    OSError, json_lines.EventsError, runs.Missing, runs.Unmodelled, Refused, TraceError,
)  # fmt: skip


def main(argv: Sequence[str] | None = None) -> int:
    """Read the command line, and do what it says; return the exit code."""
    parser = argparse.ArgumentParser("foregone-events", description="Read what an observer wrote.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for name, answer, text in (
        ("count", _count, "what has happened, how often, and what is missing"),
        ("perfetto", _perfetto, "a trace for ui.perfetto.dev or about:tracing"),
        ("check", _check, "say whether it is a behaviour of the specification"),
        ("trace", _trace, "the run of one executor, for foregone-spec"),
    ):
        command = commands.add_parser(name, help=text, description=text)
        command.add_argument("file", metavar="FILE", help="what JSONLines wrote")
        command.set_defaults(answer=answer)
        if name != "count":
            command.add_argument("-o", "--output", metavar="FILE", help="write to FILE")
        if name in ("check", "trace"):
            text = "only the first N events of each executor"
            command.add_argument("--first", metavar="N", type=_natural, help=text)
        if name == "trace":
            command.add_argument("--executor", metavar="NAME", help="which one, of several")
    asked = parser.parse_args(argv)
    try:
        chosen: _Answer = asked.answer
        text, code = chosen(asked)
        text = text.encode(errors="backslashreplace").decode()  # a name may have any characters
        output: str | None = getattr(asked, "output", None)
        if output:
            Terminal.keep(output, text)
            text = f"{output}: {len(text):,} characters\n"
        Terminal.write(text)
    except _ERRORS as error:
        sys.stderr.write(f"foregone-events: {error}\n")
        return _CANNOT
    return code


def _events(asked: argparse.Namespace) -> list[Event]:
    found = list(json_lines.read(asked.file))
    if not found:
        made = "was the executor made with observer=JSONLines(...), and has it been used?"
        raise runs.Missing(f"{asked.file} has no events: {made}")
    return found


def _count(asked: argparse.Namespace) -> tuple[str, int]:
    events = _events(asked)
    told = (
        line
        for name, its in runs.by_executor(events).items()
        for line in (*_counted(name, its), *_earlier(name, events))
    )
    return "".join(told), 0


def _earlier(name: str, events: list[Event]) -> Iterator[str]:
    """Say how many executors of the same name, as of runs before, are left out."""
    more = sum(each.action == "Opened" and each.executor == name for each in events) - 1
    if more > 0:
        yield f"  {more:,} of that name before it are left out: each run has a file of its own\n"


def _counted(name: str, events: list[Event]) -> Iterator[str]:
    """Yield what happened in one executor, in words."""
    first, last = events[0], events[-1]
    yield f"{name}: {len(events):,} events in {last.seconds - first.seconds:.3f} s\n"
    lost = last.number - first.number + 1 - len(events)
    if lost:
        yield f"  {lost:,} are missing: a file is gone, or the observer was too slow, or raised\n"
    if first.action != "Opened":
        yield f"  the first {first.number - 1:,} are not in these files\n"
    if last.action != "Closed":
        yield "  it was not closed: its process goes on, or was killed\n"
    for (action, what), count in sorted(Counter(map(_kind, events)).items()):
        yield f"  {count:9,}  {action}{f' {what}' if what else ''}\n"


def _kind(event: Event) -> tuple[str, str]:
    """Return what an event is counted as."""
    match event.action:
        case "Submit":
            return event.action, event.after
        case "Opened":
            return event.action, ""
        case action:
            return action, event.what


def _perfetto(asked: argparse.Namespace) -> tuple[str, int]:
    return json.dumps(chrome_trace(_events(asked))) + "\n", 0


def _check(asked: argparse.Namespace) -> tuple[str, int]:
    text, code = "", 0
    everything = _events(asked)
    for name, events in _executors(asked, everything).items():
        verdict = runs.followed(events)
        head, *rest = str(verdict).splitlines()
        text += "".join((f"{name}: {head}\n", *_earlier(name, everything)))
        if not verdict.accepted:
            code = _NO
            text += "".join(f"{line}\n" for line in rest[len(verdict.possible) - 1 :])
    return text, code


def _trace(asked: argparse.Namespace) -> tuple[str, int]:
    found = _executors(asked, _events(asked))
    wanted: str | None = asked.executor
    if wanted is None and len(found) == 1:
        (wanted,) = found
    if wanted not in found:
        there = ", ".join(found)
        asks = "name one with --executor" if wanted is None else f"not of {wanted}"
        raise runs.Missing(f"{asked.file} has events of these executors: {there}; {asks}")
    return runs.text(found[wanted]), 0


def _executors(asked: argparse.Namespace, told: list[Event]) -> dict[str, list[Event]]:
    """Return the events of each executor, as many as were asked for."""
    first: int | None = asked.first
    found = runs.by_executor(told)
    return {name: events[:first] for name, events in found.items()}


def _natural(text: str) -> int:
    """Return a number that is 1 or more."""
    try:
        number = int(text)
    except ValueError:
        number = 0
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text} is no number of events: 1 or more")
    return number


if __name__ == "__main__":
    raise SystemExit(main())
