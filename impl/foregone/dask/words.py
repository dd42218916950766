"""What the local worker is told, one word at a time, by those who watch the cluster."""

from typing import NamedTuple, TypeAlias

from foregone.dask.ports import State


class Answered(NamedTuple):
    """The outcome of a call is here."""

    number: int
    outcome: bytes


class Failed(NamedTuple):
    """The task of a call failed, which is not what the call did: the cluster's doing."""

    number: int
    error: BaseException


class Dropped(NamedTuple):
    """The cluster has dropped the task of a call, or lost sight of it."""

    number: int
    why: str


class Begun(NamedTuple):
    """A worker has claimed a call."""

    number: int
    worker: str


class Lost(NamedTuple):
    """The worker that had claimed a call is gone."""

    number: int
    worker: str


class Cut(NamedTuple):
    """There is no scheduler any more."""

    why: str


Word: TypeAlias = Answered | Failed | Dropped | Begun | Lost | Cut


def ended(number: int, task: State) -> Word:
    """Return what is to be said of the task of a call, which has no result."""
    status, error = task.status, task.exception
    if status == "error" and error is not None:
        return Failed(number, error)
    reason = str(getattr(error, "reason", None) or "")
    if "connection" in reason:
        return Cut("the client has lost the connection")
    return Dropped(number, f"the cluster has cancelled its task ({reason or status})")
