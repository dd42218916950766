"""Which subjects run which workloads, and what the project aims at.

Aims stand beside the figures and fail nothing: a figure is of one machine on one day.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, final

from bench.settings import Setting
from bench.subjects import CHUNK, SUBJECTS
from bench.tasks import LARGE

LIMIT: Final = "limit"
FOREGONE: Final = "foregone"


@final
@dataclass(frozen=True, slots=True)
class Row:
    """A subject in one table; ``every``: it takes part in every so many rounds."""

    subject: str
    variant: str = ""
    calls: int = 0  # where the workload's own number would take too long
    every: int = 1

    @property
    def name(self) -> str:
        """Return what the table calls it."""
        name = "bare socketpair + pickle" if self.subject == LIMIT else SUBJECTS[self.subject].name
        return f"{name}, {self.variant}" if self.variant else name


@final
@dataclass(frozen=True, slots=True)
class Column:
    """A figure of the runs: printed as it is, or beside foregone's, pair by pair."""

    figure: str
    unit: str
    scale: float = 1.0
    beside: bool = True
    rate: float = 0.0  # over the figure: what comes through in a second
    rate_unit: str = ""
    aims: tuple[tuple[str, str], ...] = ()  # subject, what is aimed at


@final
@dataclass(frozen=True, slots=True)
class Workload:
    """One thing that all do."""

    title: str
    kind: str
    rows: tuple[Row, ...]
    columns: tuple[Column, ...]
    calls: int
    method: str = "fork"
    workers: int = 2
    size: int = 0
    payload: str = ""
    seconds: float = 60.0  # for one run: who takes longer is killed
    rounds: float = 0.0  # of a millisecond of spinning, in the median call
    variant: str = ""  # of the call, the same for all

    def setting(self, row: Row, scale: float, per_millisecond: float) -> Setting:
        """Return what the driver of one row needs to know."""
        own = row.subject != LIMIT and SUBJECTS[row.subject].methods == ("own",)
        return Setting(
            subject=row.subject,
            kind=self.kind,
            variant=row.variant or self.variant,
            method="own" if own else self.method,
            workers=self.workers,
            calls=max(int((row.calls or self.calls) * (1 if self.size >= LARGE else scale)), 1),
            size=self.size,
            payload=self.payload,
            rounds=self.rounds * per_millisecond,
        )


def rows(*subjects: str) -> tuple[Row, ...]:
    """Return plain rows."""
    return tuple(Row(subject) for subject in subjects)


CALLS: Final = (LIMIT, FOREGONE, "standard", "loky", "pebble", "mpire", "pool")
WITH_METHOD: Final = (FOREGONE, "standard", "pebble", "mpire", "pool")
STANDARD: Final = "standard"


def per_call(unit: str, scale: float, *aims: tuple[str, str]) -> Column:
    """Return the column of a workload that is timed by the call."""
    return Column("time", f"{unit}/call", scale, rate=1.0, rate_unit="calls/s", aims=aims)


def burst(method: str) -> Workload:
    """Return a burst of no-ops."""
    column = per_call("us", 1e6, (STANDARD, ">= 8, better 12"))
    subjects = CALLS if method == "fork" else WITH_METHOD
    return Workload("burst of no-ops", "burst", rows(*subjects), (column,), 30_000, method)


def trips(method: str) -> Workload:
    """Return calls one after the other."""
    column = per_call("us", 1e6, (STANDARD, ">= 2, better 2.9"))
    subjects = CALLS if method == "fork" else WITH_METHOD
    title = "one call there and back"
    return Workload(title, "trips", rows(*subjects), (column,), 2_000, method, workers=1)


def started(method: str) -> Workload:
    """Return opening a pool, one call, and closing."""
    column = Column("time", "ms", 1e3, aims=((STANDARD, ">= 1"),))
    subjects = CALLS if method == "fork" else WITH_METHOD
    return Workload("start, one call, shutdown", "start", rows(*subjects), (column,), 1, method)


def mapped() -> Workload:
    """Return the map of a tiny function; one by one it would take too long for all items."""
    chunks, few = f"chunksize={CHUNK}", 20_000
    taking_part = (
        Row(LIMIT),
        Row(FOREGONE, "chunksize=None"),
        Row(FOREGONE, chunks),
        Row(FOREGONE, "chunksize=1", few),
        Row(STANDARD, chunks),
        Row(STANDARD, "chunksize=1", few),
        Row("joblib", "auto-batching"),
        Row("loky", chunks),
        Row("pebble", chunks),
        Row("mpire", "default"),
        Row("pool", "map"),
        Row("pool", f"imap, {chunks}"),
        Row("pool", "imap, chunksize=1", few),
    )
    aims = (("joblib", ">= 2"),)
    column = Column("time", "us/item", 1e6, rate=1.0, rate_unit="items/s", aims=aims)
    return Workload("map of a tiny function", "map", taking_part, (column,), 200_000)


def skewed(title: str, milliseconds: float, calls: int) -> Workload:
    """Return calls whose run times are lognormal, against first in, first out at its best."""
    taking_part = (
        *rows(*CALLS),
        Row(FOREGONE, "chunksize=None"),
        Row("joblib", "auto-batching"),
    )
    aims = ((FOREGONE, "<= 1.10"),)
    columns = (
        Column("clock", "by clock", beside=False, aims=aims),
        Column("processor", "by CPU time", beside=False, aims=aims),
    )
    return Workload(title, "skewed", taking_part, columns, calls, rounds=milliseconds)


def payload(what: str, size: int, calls: int, variant: str, kind: str) -> Workload:
    """Return payloads that go there, or there and back."""
    aims = ((STANDARD, ">= 4"),) if size >= 1 << 26 else ()
    unit, scale = ("ms/call", 1e3) if size >= LARGE else ("us/call", 1e6)
    column = Column("time", unit, scale, rate=size / 1e6, rate_unit="MB/s", aims=aims)
    workers = 1 if size >= LARGE else 2
    return Workload(
        f"payload of {what}, {kind}, {'there and back' if variant == 'echo' else 'there'}",
        "payload",
        rows(*CALLS),
        (column,),
        calls,
        workers=workers,
        size=size,
        payload=kind,
        variant=variant,
    )


def pending() -> Workload:
    """Return very many pending calls; peers take part in every fifth round."""
    taking_part = (
        Row(FOREGONE),
        Row(STANDARD),
        *(Row(each, every=5) for each in ("loky", "pebble", "mpire", "pool")),
    )
    columns = (
        Column("bytes", "bytes/call", aims=((STANDARD, ">= 2"),)),
        Column("time", "us/call", 1e6),
        Column("linear", "all:4x1st", beside=False, aims=((FOREGONE, "about 1"),)),
    )
    title = "submitting calls that stay pending"
    return Workload(title, "pending", taking_part, columns, 1_000_000, workers=1, seconds=180)


def cancelled() -> Workload:
    """Return the cancelling of pending calls, one by one."""
    columns = (
        Column("time", "us/call", 1e6),
        Column("refused", "refused", beside=False, aims=((FOREGONE, "0"),)),
    )
    subjects = rows(FOREGONE, STANDARD, "loky", "pebble")
    return Workload("cancel() of pending calls", "cancel", subjects, columns, 100_000, workers=1)


def dropped() -> Workload:
    """Return shutdown(cancel_futures=True) with pending calls."""
    column = Column("time", "us/call", 1e6)
    title = "shutdown(cancel_futures=True) of pending calls"
    return Workload(title, "drop", rows(FOREGONE, STANDARD), (column,), 100_000, workers=1)


def workloads() -> Iterator[Workload]:
    """Yield all workloads, the ones of the main figures first."""
    for method in ("fork", "forkserver"):
        yield burst(method)
        yield trips(method)
        yield started(method)
    yield mapped()
    yield skewed("skewed run times, median 1 ms", 1.0, 400)
    yield skewed("skewed run times, median 0.1 ms", 0.1, 4_000)
    for variant in ("there", "echo"):
        yield payload("1 KB", 1_000, 5_000, variant, "bytes")
        for kind in ("bytes", "buffer"):
            yield payload("1 MB", 1 << 20, 50, variant, kind)
            yield payload("64 MB", 1 << 26, 2, variant, kind)
    yield pending()
    yield cancelled()
    yield dropped()
