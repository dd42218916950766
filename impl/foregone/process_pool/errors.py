"""The exceptions of the process pool: the standard one, and one that says who died.

They stand apart from ``foregone.errors`` because the standard one comes with
``multiprocessing``, which ``import foregone`` does not import.
"""

import signal
from concurrent.futures.process import BrokenProcessPool

__all__ = ["BrokenProcessPool", "ProcessDied"]


class ProcessDied(BrokenProcessPool):
    """A process died while it had claimed this call; the pool goes on without it.

    Raised by the future of that one call where the executor was made with
    ``on_process_death="replace"``.  What killed the process it does not say: the call,
    somebody's signal, or a lack of memory.
    """

    #: The process that died.
    pid: int
    #: What the system says of it: an exit code, minus the number of a signal, or None
    #: where it says nothing.
    exit_code: int | None

    def __init__(self, pid: int, exit_code: int | None) -> None:
        super().__init__(pid, exit_code)  # pickle makes it again from these
        self.pid = pid
        self.exit_code = exit_code

    def __str__(self) -> str:
        """Name the process, how it ended, and what is known of the call."""
        return f"process {self.pid} {how_it_ended(self.exit_code)}; {BLAMED}"


#: All that is known of a call that is blamed.
BLAMED = "this is the call claimed when it died"


def how_it_ended(exit_code: int | None) -> str:
    """Say how a process ended, from what multiprocessing calls its exit code."""
    if exit_code is None:
        return "ended, and its exit code is not known"
    if exit_code >= 0:
        return f"ended with exit code {exit_code}"
    try:
        return f"was ended by {signal.Signals(-exit_code).name}"
    except ValueError:
        return f"was ended by signal {-exit_code}"
