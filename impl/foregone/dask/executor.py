"""DaskExecutor: what its user holds.  The rooms are in ``rooms.py``.

Every argument is looked at here, at the call.  Source: the seed, CPython's documentation up
to 3.15; what Dask adds is in the header of ``foregone.dask``.
"""

import concurrent.futures
import math
import uuid
import warnings
import weakref
from collections.abc import Callable, Iterable, Iterator
from itertools import count
from typing import TYPE_CHECKING, Final, ParamSpec, TypeVar, cast

from foregone.called import call_name
from foregone.dask import ports
from foregone.dask.calls import Call, ChunkCall
from foregone.dask.cluster import Cluster
from foregone.dask.errors import AtLeastOnce, NoClaims, SchedulerLost
from foregone.dask.local_worker import LocalWorker
from foregone.dask.payload import pack_call, pack_chunk, pack_setup
from foregone.dask.rooms import Pool
from foregone.executor import Executor, check_buffersize, check_observer
from foregone.future import Future
from foregone.process_pool.chunk_sizes import map_chunks
from foregone_spec.lifecycle import Request

if TYPE_CHECKING:
    from foregone.dask.inspection import DaskView
    from foregone.events import Observer

P = ParamSpec("P")
T = TypeVar("T")

_names: Final = count()

#: A scheduler that has not answered for so many seconds is lost, unless another limit is given.
SILENCE: Final = 300.0

_BELONGS: Final = "{!r} belongs to an event loop: pass the address of its scheduler instead"


class DaskExecutor(Executor):
    """Run calls on a cluster of dask.distributed."""

    def __init__(
        self,
        client: object = None,
        *,
        at_most_once: bool | None = None,
        max_workers: int | None = None,
        initializer: Callable[..., object] | None = None,
        initargs: Iterable[object] = (),
        silence_limit: float | None = SILENCE,
        observer: "Observer | None" = None,
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

        Each worker process runs ``initializer(*initargs)`` before its first call of this
        executor, also one that joins later; it travels with each call, so let it be small.  If
        it raises, the executor is broken: what is pending fails with InitializerFailed, and so
        does every later ``submit``.

        A scheduler that has not answered for ``silence_limit`` seconds is lost, as one that is
        stopped, or cut off; until then what is pending waits, and goes on when it answers
        again.  None sets no limit: then only a connection that was closed is a loss.

        ``observer`` is told of everything that happens to the calls: see ``foregone.events``.

        Raises ImportError where Dask is not installed, TypeError and ValueError for wrong
        arguments, what pickling the initializer raises, SchedulerLost if the client is not
        connected or the scheduler does not answer, and what Dask raises if it cannot connect
        or start.
        """
        _check(client, at_most_once, max_workers)
        _check_limit(silence_limit)
        check_observer(observer)
        ports.distributed()
        cluster = _connected(client, max_workers, _setup(initializer, initargs), silence_limit)
        pool: Pool | None = None
        try:
            _answered(cluster.greet, cluster, silence_limit)
            if at_most_once is not False:
                _claims(cluster, silence_limit, needed=at_most_once is True)
            self._pool = pool = Pool(f"foregone_dask-{next(_names)}", cluster)
            if observer is not None:
                from foregone.observing import observe  # who never asks does not import it

                observe(pool, observer)
            worker = LocalWorker(pool)
            cluster.begin(worker.tell)
            worker.thread.start()
        except BaseException:
            if pool is not None:  # nobody is told of it any more
                pool.ask(Request.SHUTDOWN)
                pool.over = True
                pool.joined.clear()
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
        call: Call[T] = Call(pool, call_name(fn), data)
        if not pool.accept(call, trouble):
            raise pool.refusal()
        return call

    def map(
        self,
        fn: Callable[..., T],
        *iterables: Iterable[object],
        timeout: float | None = None,
        chunksize: int = 1,
        buffersize: int | None = None,
    ) -> Iterator[T]:
        """Return an iterator over ``fn`` of each tuple of items, in order.

        As ``Executor.map``, and ``chunksize`` is how many items travel together: as one task
        of the cluster, which is claimed, cancelled and lost as a whole.  Each item has its
        own outcome all the same: those before one that raises are yielded.  But its outcomes
        come at the end of a chunk: of one whose worker is lost there are none, and its first
        item raises WorkerLost.  ``buffersize`` then counts chunks.
        """
        _check_chunksize(chunksize)
        if chunksize == 1:
            return super().map(fn, *iterables, timeout=timeout, buffersize=buffersize)
        check_buffersize(buffersize)
        return map_chunks(
            self._submit_chunk,
            fn,
            iterables,
            executor=self,
            workers=1,
            timeout=timeout,
            chunksize=chunksize,
            buffersize=buffersize,
        )

    def _submit_chunk(
        self, fn: Callable[..., object], items: list[tuple[object, ...]]
    ) -> ChunkCall:
        """Submit several calls of ``fn`` that travel together."""
        pool = self._pool
        data, trouble = pack_chunk(fn, items)
        call = ChunkCall(pool, call_name(fn), data)
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
        for in a callback of the executor's, or in the thread of the client's event loop.
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


def _check_limit(limit: object) -> None:
    if limit is None:
        return
    if not isinstance(limit, (int, float)):
        raise TypeError(
            f"silence_limit must be a number of seconds or None, not {limit!r} "
            f"of type {type(limit).__name__}"
        )
    if not 0 < limit < math.inf:
        raise ValueError(
            f"silence_limit must be greater than 0 seconds, not {limit!r}: pass None for no limit"
        )


def _check_chunksize(chunksize: object) -> None:
    if not isinstance(chunksize, int):
        raise TypeError(
            f"chunksize must be a whole number of items, not {chunksize!r} "
            f"of type {type(chunksize).__name__}"
        )
    if chunksize < 1:
        raise ValueError(f"chunksize must be >= 1, not {chunksize}")


def _setup(initializer: Callable[..., object] | None, initargs: Iterable[object]) -> bytes:
    """Return an initializer as it travels; nothing if there is none."""
    given: object = initializer
    if given is not None and not callable(given):
        raise TypeError(f"initializer must be a callable or None, not {given!r}")
    try:
        arguments = tuple(initargs)
    except TypeError:
        raise TypeError(
            f"initargs must be an iterable of arguments, not {initargs!r}: pass a tuple"
        ) from None
    return b"" if initializer is None else pack_setup(initializer, arguments)


def _answered(ask: Callable[[], None], cluster: Cluster, limit: float | None) -> None:
    """Ask the scheduler something; raise SchedulerLost if it does not answer."""
    try:
        ask()
    except (TimeoutError, concurrent.futures.CancelledError, OSError) as error:
        late = isinstance(error, TimeoutError) and not str(error)
        why = f"it has not answered for {limit:g} s" if late else f"it does not answer: {error!r}"
        raise SchedulerLost(cluster.address, why) from error


def _connected(
    given: object, max_workers: int | None, setup: bytes, limit: float | None
) -> Cluster:
    """Return a cluster that is connected, with what was started for it."""
    name = uuid.uuid4().bytes
    if ports.is_client(given):
        client = cast("ports.Client", given)
        if client.asynchronous:
            raise TypeError(_BELONGS.format(given))
        cluster = Cluster(client, name, own_client=False, own=None, setup=setup, limit=limit)
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
    if isinstance(given, str):
        _check_address(given, limit)
    elif getattr(given, "asynchronous", False):
        raise TypeError(_BELONGS.format(given))
    own = ports.start(max_workers) if given is None else None
    try:
        made = ports.connect(own if given is None else given)
        return Cluster(made, name, own_client=True, own=own, setup=setup, limit=limit)
    except BaseException:
        if own is not None:
            own.close()
        raise


def _check_address(address: str, limit: float | None) -> None:
    """Raise ValueError if there is none, SchedulerLost if who is there does not answer."""
    if not address:
        raise ValueError(
            "client must be the address of a scheduler, not '': pass None to start a cluster here"
        )
    if limit is not None and ports.is_silent(address, limit):
        raise SchedulerLost(address, f"it has not answered for {limit:g} s")


def _claims(cluster: Cluster, limit: float | None, *, needed: bool) -> None:
    """Have the scheduler keep claims; say so if it does not."""
    try:
        _answered(cluster.install, cluster, limit)
    except SchedulerLost:
        raise
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
