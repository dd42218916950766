"""What a log of ``foregone.observer`` says of one future, and what callers heard."""

from collections.abc import Iterator
from typing import Any

from foregone_spec.future import TRANSITIONS, State


def kind_of(answer: object) -> str:
    """Return an answer without what differs from run to run."""
    if answer is None or isinstance(answer, bool):
        return str(answer)
    return str(getattr(answer, "value", answer)).partition(":")[0]


def follows_table(entries: list[Any], last: State) -> Iterator[str]:
    """Yield a complaint unless ``entries`` is a path of the table from PENDING to ``last``."""
    now = State.PENDING
    for command, cell in entries:
        if TRANSITIONS[now][command] is not cell:
            yield f"{command} in {now} does what it does elsewhere: {cell}"
        now = cell.after
    if now is not last:
        yield f"the record ends with {now}, the future with {last}"
