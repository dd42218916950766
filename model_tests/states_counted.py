"""What ``schedule_states`` loses: nothing.  The schedules of programs, counted in several ways.

Small programs are run schedule by schedule, each to its end.  Larger ones are explored by the
trails of happens-before, which rest on another argument, and are told apart by more.  The
number of schedules must be the same either way, and so must be the steps of the spec that were
taken, and where the future came to rest.
"""

from dataclasses import dataclass
from typing import Final, final

from model_tests.inclusion_run import program, watched
from model_tests.inclusion_spec import Behaviour, behaviour, clients
from model_tests.schedule_states import By, Whole, explore

#: Programs, and against what they are counted.
COUNTED: Final = (
    ("owned: cancel | start", By.NOTHING),
    ("owned: add | set_result", By.NOTHING),
    ("owned: cancel; add | add", By.NOTHING),
    ("bare: start; set_result | add", By.NOTHING),
    ("owned: add | add", By.NOTHING),
    ("bare: cancel; start | wait", By.TRAILS),
    ("owned: add; add | cancel; add", By.TRAILS),
    ("bare: result(1); result(1) | result; set_exception", By.TRAILS),
    ("owned: result(1) | cancel; add", By.TRAILS),
    ("owned: wait(1) | wait; wait", By.TRAILS),
    ("bare: wait(1); start | cancel; add", By.TRAILS),
    ("owned: wait(1) | wait(1)", By.TRAILS),
)


@final
@dataclass(frozen=True, slots=True)
class Count:
    """What was counted by the values of cells, and otherwise."""

    program: str
    by: By
    found: tuple[Whole, Whole]
    seen: tuple[Behaviour, Behaviour]

    @property
    def trouble(self) -> str:
        """What is not the same."""
        wrong = [str(each.failure) for each in self.found if each.failure is not None]
        values, other = self.found
        if not (values.complete and other.complete):
            wrong.append("not all was run")
        if values.schedules != other.schedules:
            wrong.append(f"{values.schedules:,} schedules, and there are {other.schedules:,}")
        for what in ("edges", "stops"):
            one, two = (getattr(each, what) for each in self.seen)
            if one != two:
                wrong.append(f"{what}: {len(two - one)} lost, {len(one - two)} only by values")
        return "; ".join(wrong)

    def __str__(self) -> str:
        values, other = self.found
        return (
            f"{self.program!r}: {values.schedules:,} schedules in {values.runs:,} runs; "
            f"by {self.by.value}: {other.runs:,}; {self.trouble or 'the same'}"
        )


def counted(text: str, by: By) -> Count:
    """Count the schedules of a program by values, and otherwise."""
    allowed = behaviour(clients(text))
    seen = Behaviour(), Behaviour()
    with watched() as on:
        values, other = (
            explore(on, program(text, allowed, came), by=way)
            for way, came in zip((By.VALUES, by), seen, strict=True)
        )
    return Count(text, by, (values, other), seen)
