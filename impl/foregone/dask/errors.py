"""The exceptions of the Dask executor: who was lost, and what could not be promised."""

from concurrent.futures import BrokenExecutor

__all__ = ["AtLeastOnce", "InitializerFailed", "NoClaims", "SchedulerLost", "WorkerLost"]


class WorkerLost(BrokenExecutor):
    """The worker that had claimed this call was lost, or what it answered; the rest goes on.

    Raised by the future of that one call.  Where calls run at most once it was begun, and is
    not begun again.  Where they run at least once, the cluster has given up on it.
    """

    #: The address of the worker; "" where nobody knows it.
    worker: str
    #: What is known of how it came to this.
    why: str

    def __init__(self, worker: str, why: str) -> None:
        super().__init__(worker, why)  # pickle makes it again from these
        self.worker = worker
        self.why = why

    def __str__(self) -> str:
        """Name the worker and what is known."""
        return f"worker {self.worker or '(unknown)'} was lost: {self.why}"


class SchedulerLost(BrokenExecutor):
    """The scheduler was lost, and every call with it that had not ended.

    The executor stays broken, also when the client finds a scheduler again: make a new one.
    """

    #: The address of the scheduler.
    address: str
    #: What is known of how it came to this.
    why: str

    def __init__(self, address: str, why: str) -> None:
        super().__init__(address, why)
        self.address = address
        self.why = why

    def __str__(self) -> str:
        """Name the scheduler, what is known, and the remedy."""
        return (
            f"the scheduler at {self.address} was lost: {self.why}; what was pending may have "
            f"run; make a new executor once there is a scheduler"
        )


class InitializerFailed(BrokenExecutor):
    """The initializer has raised on a worker: every call that had not ended ends with this.

    What it raised is the cause.  The executor stays broken.
    """

    #: The address of the worker.
    worker: str
    #: What the initializer has raised, in words.
    why: str

    def __init__(self, worker: str, why: str) -> None:
        super().__init__(worker, why)
        self.worker = worker
        self.why = why

    def __str__(self) -> str:
        """Name the worker, what was raised, and the remedy."""
        return (
            f"the initializer has raised on worker {self.worker or '(unknown)'}: {self.why}; "
            f"mend it and make a new executor"
        )


class NoClaims(RuntimeError):
    """``at_most_once=True`` was asked for, and the cluster does not take what that needs."""


class AtLeastOnce(UserWarning):
    """The cluster does not take what claims need: calls run at least once, perhaps more."""
