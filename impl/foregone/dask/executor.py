"""DaskExecutor: what its user holds.  The rooms are in ``rooms.py``.

Every argument is looked at here, at the call.  Source: the seed, CPython's documentation up
to 3.15; what Dask adds is in the header of ``foregone.dask``.
"""

import uuid
import warnings
import weakref
from collections.abc import Callable
from itertools import count
from typing import TYPE_CHECKING, Final, ParamSpec, TypeVar, cast

from foregone.called import call_name
from foregone.dask import ports
from foregone.dask.calls import Call
from foregone.dask.cluster import Cluster
from foregone.dask.errors import AtLeastOnce, NoClaims, SchedulerLost
from foregone.dask.local_worker import LocalWorker
from foregone.dask.payload import pack_call
from foregone.dask.rooms import Pool
from foregone.executor import Executor
from foregone.future import Future
from foregone_spec.lifecycle import Request

if TYPE_CHECKING:
    from foregone.dask.inspection import DaskView

P = ParamSpec("P")
T = TypeVar("T")

_names: Final = count()


class DaskExecutor(Executor):
    """Run calls on a cluster of dask.distributed."""

    def __init__(
        self,
        client: object = None,
        *,
        at_most_once: bool | None = None,
        max_workers: int | None = None,
    ) -> None:
        """Make an executor on the cluster of ``client``.

        ``client`` is a ``distributed.Client``, which stays the caller's, or the address of a
        scheduler, as in "tcp://10.0.0.1:8786", or a cluster such as ``LocalCluster``.  None
        starts a cluster of ``max_workers`` processes on this machine, one call at a time in
        each, which ends with the executor; None of them means as many as Dask would start.

        ``at_most_once`` says what is promised of a call whose worker, or whose result, is lost.
        True: it is not begun a second time, its future raises WorkerLost, and ``cancel()``
        succeeds until a worker claims it; NoClaims is raised here if the cluster does not
        let foregone keep claims in its scheduler.  False: the cluster runs it again, and
        ``cancel()`` fails once it was offered.  None: True where that can be had, and else
        False with the warning AtLeastOnce.  The property of that name says which it is.

        Raises ImportError where Dask is not installed, TypeError and ValueError for wrong
        arguments, SchedulerLost if the client is not connected, and what Dask raises if it
        cannot connect or start.
        """
        _check(client, at_most_once, max_workers)
        cluster = _connected(client, max_workers)
        try:
            if at_most_once is not False:
                _claims(cluster, needed=at_most_once is True)
            self._pool = Pool(f"foregone_dask-{next(_names)}", cluster)
            worker = LocalWorker(self._pool)
            cluster.begin(worker.tell)
            worker.thread.start()
        except BaseException:
            cluster.close()
            raise
        weakref.finalize(self, self._pool.collected).atexit = False

    @property
    def at_most_once(self) -> bool:
        """Whether a call is begun once at most, whatever is lost; else it is at least once."""
        return self._pool.cluster.at_most_once

    @property
    def address(self) -> str:
        """The address of the scheduler."""
        return self._pool.cluster.address

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """Submit ``fn(*args, **kwargs)`` and return the future of it.

        It is pickled here, as Dask does it, so that what is sent is what was passed; if that
        fails, the future carries the error.  Raises RuntimeError if the executor was shut
        down, its process forked, or the interpreter ends; SchedulerLost if the scheduler is
        lost.  If it raises, the call never runs.
        """
        pool = self._pool
        if not pool.accepts():
            raise pool.refusal()
        data, trouble = pack_call(fn, args, kwargs)
        name = call_name(fn)
        call: Call[T] = Call(pool, name, data)
        if not pool.accept(call, trouble):
            raise pool.refusal()
        return call

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Take no more calls; let the cluster go once the calls that were taken have run.

        A cluster that was started for this executor ends then; a client that was passed is
        not closed.  ``wait`` returns only when that is done, also in a second call.
        ``cancel_futures`` cancels every call that has not begun: that no worker has claimed, or,
        where calls run at least once, that was not offered.  What one call asks for no later
        one takes back.  Raises RuntimeError, with the request recorded, when ``wait`` is asked
        for in a callback of the executor's.
        """
        request = Request.SHUTDOWN_CANCEL_FUTURES if cancel_futures else Request.SHUTDOWN
        self._pool.ask(request)
        if wait:
            self._pool.join()

    def inspect(self) -> "DaskView":
        """Return what the executor does right now, as far as it is known here.

        Takes no lock, asks nobody and waits for nothing.  ``str()`` of it is a text to read.
        """
        from foregone.dask.inspection import view_of  # who never asks does not import it

        return view_of(self._pool)


def _check(client: object, at_most_once: object, max_workers: object) -> None:
    if at_most_once is not None and not isinstance(at_most_once, bool):
        raise TypeError(f"at_most_once must be True, False or None, not {at_most_once!r}")
    if max_workers is None:
        return
    if client is not None:
        raise ValueError(
            f"max_workers={max_workers!r} is for a cluster that is started here, and a client "
            f"was passed: how many workers there are is the cluster's to say"
        )
    if not isinstance(max_workers, int):
        raise TypeError(
            f"max_workers must be a whole number of processes or None, not {max_workers!r} "
            f"of type {type(max_workers).__name__}"
        )
    if max_workers <= 0:
        raise ValueError(f"max_workers must be greater than 0, not {max_workers!r}")


def _connected(given: object, max_workers: int | None) -> Cluster:
    """Return a cluster that answers, with what was started for it."""
    ports.distributed()
    name = uuid.uuid4().bytes
    if ports.is_client(given):
        client = cast("ports.Client", given)
        if client.asynchronous:
            raise TypeError(
                f"{given!r} belongs to an event loop: pass the address of its scheduler instead"
            )
        cluster = Cluster(client, name, own_client=False, own=None)
        if why := cluster.lost():
            raise SchedulerLost(cluster.address, why)
        return cluster
    if given is not None and not (
        isinstance(given, str) or isinstance(getattr(given, "scheduler_address", None), str)
    ):
        raise TypeError(
            f"client must be a distributed.Client, the address of a scheduler, a cluster or "
            f"None, not {given!r} of type {type(given).__name__}"
        )
    own = ports.start(max_workers) if given is None else None
    try:
        return Cluster(ports.connect(given or own), name, own_client=True, own=own)
    except BaseException:
        if own is not None:
            own.close()
        raise


def _claims(cluster: Cluster, *, needed: bool) -> None:
    """Have the scheduler keep claims; say so if it does not."""
    try:
        cluster.install()
    except Exception as error:
        why = (
            f"the scheduler at {cluster.address} does not keep claims "
            f"({type(error).__name__}: {error}): it must run foregone's version of this client "
            f"and allow distributed.scheduler.pickle"
        )
        if needed:
            raise NoClaims(f"{why}; or pass at_most_once=False") from error
        warnings.warn(
            f"{why}; calls run at least once, pass at_most_once=False to take that",
            AtLeastOnce,
            stacklevel=3,
        )
