"""``foregone.dask``: an executor whose calls run on a cluster of dask.distributed.

    from foregone.dask import DaskExecutor

    with DaskExecutor("tcp://scheduler:8786") as executor:
        print(executor.submit(pow, 2, 8).result())

Install ``foregone[dask]`` here, and foregone wherever the workers and the scheduler run.  The
futures are foregone's, and so is what they promise:

1. ``cancel()`` succeeds until a worker claims the call, and ``running()`` is true from then
   on.  The claim is a compare-and-set in the scheduler (``claims.py``): the worker asks before
   it begins, the client asks to cancel, and the first one wins.
2. A call is begun at most once.  Dask runs a task again when its worker or its result is lost;
   the second worker finds the call claimed and does not begin it, and the future raises
   WorkerLost.  A call that was not claimed runs elsewhere, however many workers are lost.
3. Where the scheduler does not let itself be taught that, calls run at least once, as Dask
   has it: it is said at construction, and ``cancel()`` succeeds only until the call is offered.
4. When the scheduler is lost, everything that is pending ends with SchedulerLost, and so does
   every later ``submit``; that stays so when the client connects again.  A connection that was
   closed is noticed at once, one on which nothing arrives after
   ``distributed.comm.timeouts.tcp`` (30 s), and a scheduler that was only stopped after
   ``silence_limit`` seconds (300): until then everything waits for it to go on.
5. No call stays behind another, on a worker that is busy, while a worker is idle: Dask's own
   scheduler may leave it there, and is made to look again where it keeps claims or is ours.
6. What a call raises, SystemExit and KeyboardInterrupt included, and what does not pickle,
   either way, is the outcome of that call, with the traceback of the worker.

Not promised: that a call begins (a cluster without workers keeps it, as Dask does), and that
one which was claimed has ended when its future says WorkerLost, since a worker that has lost
its connection may still run.

Nothing of Dask is imported before an executor is made.
"""

from foregone.dask.errors import (
    AtLeastOnce,
    InitializerFailed,
    NoClaims,
    SchedulerLost,
    WorkerLost,
)
from foregone.dask.executor import DaskExecutor

__all__ = [
    "AtLeastOnce",
    "DaskExecutor",
    "InitializerFailed",
    "NoClaims",
    "SchedulerLost",
    "WorkerLost",
]
