"""Clusters for the tests: on this machine, with processes that can be killed.

Dask is not in the environment but beside it, so it has no types here: what is said to it is
said in this module only.
"""

import json
import logging
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any, Final, TypeAlias, TypeVar

from bench.beside import ROOT, Beside
from model_tests import process_world

T = TypeVar("T")

DASK: Final = Beside("dask", ROOT / "model_tests" / "dask" / "requirements.txt")

#: Seconds; reached only when something hangs: a cluster takes its time on a busy machine.
PATIENCE: Final = 100.0
#: The same for a whole test, which pytest ends then.
LIMIT: Final = 140

#: The setting that says after how many seconds a cluster gives up a worker that has died.
GIVES_UP: Final = "distributed.deploy.lost-worker-timeout"

#: A client or a cluster of Dask.
Foreign: TypeAlias = Any

#: Where processes of a cluster find what the tests have.
_PATH: Final = tuple(str(ROOT / each) for each in ("impl", "spec", "."))


def until(true: Callable[[], T]) -> T:
    """Look until ``true`` returns something that is true; return the last that it returned."""
    return process_world.until(true, PATIENCE)


def prepare() -> None:
    """Have Dask on the path, here and in every process that is started."""
    folder = str(DASK.folder())
    if folder not in sys.path:
        sys.path.append(folder)
    os.environ["PYTHONPATH"] = os.pathsep.join([*_PATH, folder])
    logging.getLogger("distributed").setLevel(logging.CRITICAL)  # what dies here dies on purpose


def _distributed() -> Foreign:
    return import_module("distributed")


def configured(settings: dict[str, object]) -> Foreign:
    """Return a context in which Dask has these settings."""
    _distributed()  # before anything is set: its own settings come with it
    return import_module("dask").config.set(settings)


@contextmanager
def local(workers: int = 2, **settings: object) -> Iterator[Foreign]:
    """Yield a client of a cluster with its scheduler in this process; its workers are others."""
    # On a busy machine it gives up a worker that it could start anew, and never starts another.
    with configured({GIVES_UP: PATIENCE, **settings}):
        cluster = _distributed().LocalCluster(
            n_workers=workers,
            threads_per_worker=1,
            dashboard_address=None,
            scheduler_kwargs={"dashboard_address": ":0"},
            silence_logs=logging.CRITICAL,
        )
        client = _distributed().Client(cluster, set_as_default=False)
        try:
            if workers:
                client.wait_for_workers(workers)
            yield client
        finally:
            client.close()
            cluster.close()


def of_this_loop() -> Foreign:
    """Return a cluster of this thread's event loop, to be entered there."""
    return _distributed().LocalCluster(
        n_workers=0, processes=False, asynchronous=True, dashboard_address=None
    )


class Apart:
    """A scheduler and workers, each a process of its own."""

    def __init__(self, folder: Path, path: str = "") -> None:
        self.file = folder / "scheduler.json"
        self.path = path
        self.log = (folder / "cluster.log").open("w")
        self.workers: list[subprocess.Popen[bytes]] = []
        self.port = 0
        self.scheduler = self._scheduler()

    def _start(self, *arguments: str, path: str = "") -> "subprocess.Popen[bytes]":
        command = (sys.executable, "-m", *arguments)
        environment = dict(os.environ)
        if path:
            environment["PYTHONPATH"] = os.pathsep.join([path, os.environ["PYTHONPATH"]])
        return subprocess.Popen(
            command, env=environment, stdout=self.log, stderr=self.log, cwd=self.file.parent
        )

    def _scheduler(self) -> "subprocess.Popen[bytes]":
        self.file.unlink(missing_ok=True)
        started = self._start(
            *("distributed.cli.dask_scheduler", "--host", "127.0.0.1", "--port", str(self.port)),
            *("--no-dashboard", "--dashboard-address", ":0", "--scheduler-file", str(self.file)),
            path=self.path,
        )
        assert until(self._address), Path(self.log.name).read_text()
        self.port = int(self._address().rpartition(":")[2])
        return started

    def _address(self) -> str:
        try:
            return str(json.loads(self.file.read_text())["address"])
        except (OSError, ValueError):
            return ""

    @property
    def address(self) -> str:
        return self._address()

    def worker(self, *where: str) -> "subprocess.Popen[bytes]":
        """Start a worker that nobody starts again; ``where`` says how it is found."""
        started = self._start(
            *("distributed.cli.dask_worker", self.address, "--nthreads", "1", "--no-nanny"),
            *("--no-dashboard", "--death-timeout", "60"),
            *(where or ("--host", "127.0.0.1")),
        )
        self.workers.append(started)
        return started

    def kill(self) -> None:
        """Kill the scheduler, and return when it is dead."""
        self.scheduler.kill()
        self.scheduler.wait()

    def again(self) -> None:
        """Start another scheduler where the first one was."""
        self.scheduler = self._scheduler()

    def close(self) -> None:
        """End all processes."""
        for each in (self.scheduler, *self.workers):
            each.kill()
            each.wait()
        self.log.close()


@contextmanager
def apart(folder: Path, workers: int = 2, path: str = "") -> Iterator[Apart]:
    """Yield a cluster of processes that nobody watches.

    ``path`` is where its scheduler looks for modules first.
    """
    made = Apart(folder, path)
    try:
        for _ in range(workers):
            made.worker()
        yield made
    finally:
        made.close()


@contextmanager
def client_of(address: str, workers: int) -> Iterator[Foreign]:
    """Yield a client of a scheduler that has so many workers."""
    client = _distributed().Client(address, set_as_default=False, timeout="30s")
    try:
        client.wait_for_workers(workers)
        yield client
    finally:
        client.close()


def pids(client: Foreign) -> dict[str, int]:
    """Return the process of each worker, by address."""
    found: dict[str, int] = client.run(os.getpid)
    return found


def book_size(executor: str, dask_scheduler: Foreign = None) -> int:
    """Return how much the scheduler keeps of an executor; called there."""
    claims = import_module("foregone.dask.claims")
    book = dask_scheduler.plugins[claims.NAME].books[executor]
    return int(book.size)


def claim_as(
    executor: str, number: int, worker: str, dask_scheduler: Foreign = None
) -> tuple[str, str]:
    """Have the claim of a worker arrive; return what it is told; called in the scheduler."""
    claims = import_module("foregone.dask.claims")
    kept = dask_scheduler.plugins[claims.NAME]
    verdict, who = kept.claim(executor, number, worker, "token", "key")
    return str(verdict), str(who)


def tasks(dask_scheduler: Foreign = None) -> int:
    """Return how many tasks a scheduler has; called there."""
    return len(dask_scheduler.tasks)
